//! `azwi-policy` as people see it: transcripts of shell sessions, and a terminal.
//!
//! Pages of `docs` and the files in `tests/transcripts` hold commands and what they print; each command is run and the whole
//! output compared. After an intended change: `make snapshots`, which sets
//! `SNAPSHOTS=overwrite`, and review the difference.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod sandbox;
mod transcript;

use std::fs;
use std::io::Read;
use std::path::Path;

use anstyle::{AnsiColor, RgbColor};
use anstyle_svg::{Term, VGA};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use snapbox::{Data, data::DataFormat};

/// The size of the tests' terminal.
const SIZE: PtySize = PtySize {
    rows: 60,
    cols: 80,
    pixel_width: 0,
    pixel_height: 0,
};

/// The repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Asserts that `actual` is all that the file `path` holds, or rewrites the file.
#[track_caller]
fn assert_is_in_file(actual: String, path: &Path) {
    let expected = Data::read_from(path, Some(DataFormat::Text)).raw();
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(Data::text(actual).raw(), expected);
}

#[test]
fn the_documentation_shows_what_the_program_prints() {
    sandbox::require_module();
    let mut replayed = 0;
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        if text.contains("```console\n$ ") {
            assert_is_in_file(transcript::replay(&text, root()), &path);
            replayed += 1;
        }
    }
    assert!(replayed > 0);
}

#[test]
fn the_transcripts_show_what_the_program_prints() {
    let sandbox = sandbox::create();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut replayed = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            let text = fs::read_to_string(&path).unwrap();
            assert_is_in_file(transcript::replay(&text, sandbox.path()), &path);
            replayed += 1;
        }
    }
    assert!(replayed > 0);
}

/// What the program writes to a terminal, byte for byte; if `output_only`, only what it writes to standard output.
fn on_terminal(
    directory: &Path,
    arguments: &[&str],
    variable: Option<(&str, &str)>,
    output_only: bool,
) -> String {
    let terminal = native_pty_system().openpty(SIZE).unwrap();
    let mut command = CommandBuilder::new("sh");
    let redirection = if output_only { " 2>/dev/null" } else { "" };
    command.args(["-c", &format!("exec \"$0\" \"$@\"{redirection}")]);
    command.arg(env!("CARGO_BIN_EXE_azwi-policy"));
    command.args(arguments);
    command.cwd(directory);
    command.env("TERM", "xterm-256color");
    for variable in transcript::UNSET {
        command.env_remove(variable);
    }
    if let Some((name, value)) = variable {
        command.env(name, value);
    }
    let mut program = terminal.slave.spawn_command(command).unwrap();
    // Else the terminal stays open after the program's end.
    drop(terminal.slave);
    let mut reader = terminal.master.try_clone_reader().unwrap();
    let mut written = Vec::new();
    // Linux reports an error, not an end, if the other side of a terminal is closed.
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        written.extend_from_slice(&buffer[..length]);
    }
    program.wait().unwrap();
    String::from_utf8(written).unwrap()
}

#[test]
fn a_terminal_gets_colours_and_lines_that_fit() {
    let sandbox = sandbox::create();
    let arguments = [
        "preview",
        "--settings-path=settings.yaml",
        "--explain",
        "manifests/accounts.yaml",
        "manifests/job.yaml",
        "manifests/pod.yaml",
    ];
    let written = on_terminal(sandbox.path(), &arguments, None, true);
    for line in written.lines() {
        let mut row = vt100::Parser::new(2, 200, 0);
        row.process(line.as_bytes());
        let shown = row.screen().contents();
        assert!(shown.chars().count() <= usize::from(SIZE.cols), "{shown}");
    }
    let visible = written.replace("\r\n", "\n").replace('\u{1b}', "␛");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/terminal.txt");
    assert_is_in_file(visible, &path);
}

#[test]
fn the_picture_of_the_readme_shows_what_the_program_prints() {
    let sandbox = sandbox::create();
    let at = |name: &str| sandbox.path().join(name);
    let picture = root().join("test_data/preview/picture/shop.yaml");
    fs::copy(picture, at("shop.yaml")).unwrap();
    fs::create_dir(at("policy")).unwrap();
    for policy in ["quick-start/policy.yaml", "policies/check.yaml"] {
        let name = Path::new(policy).file_name().unwrap();
        fs::copy(at("examples").join(policy), at("policy").join(name)).unwrap();
    }
    let arguments = ["preview", "--policy", "policy", "shop.yaml"];
    let written = on_terminal(sandbox.path(), &arguments, None, true);
    let session = format!("$ azwi-policy {}\n{written}", arguments.join(" "));
    let rgb = |red, green, blue| RgbColor(red, green, blue);
    // Readable on dark and light pages.
    let mut palette = VGA;
    for (color, rgb) in [
        (AnsiColor::Red, rgb(255, 123, 114)),
        (AnsiColor::Green, rgb(126, 231, 135)),
        (AnsiColor::Yellow, rgb(242, 204, 96)),
    ] {
        palette.0[color as usize] = rgb;
    }
    let picture = Term::new()
        .palette(palette)
        .fg_color(rgb(230, 237, 243).into())
        .bg_color(rgb(13, 17, 23).into())
        .render_svg(&session)
        .replace("opacity: 0.4", "opacity: 0.7");
    assert_is_in_file(picture, &root().join("docs/preview.svg"));
}

#[test]
fn no_color_and_the_flag_turn_colours_off_and_on() {
    let sandbox = sandbox::create();
    let is_bold = |arguments: &[&str], variable| {
        let arguments = [
            &["preview", "-s", "settings.yaml", "manifests/job.yaml"],
            arguments,
        ]
        .concat();
        on_terminal(sandbox.path(), &arguments, variable, false).contains("\u{1b}[1m")
    };
    let no_color = Some(("NO_COLOR", "1"));
    assert!(is_bold(&[], None));
    assert!(!is_bold(&[], no_color));
    assert!(!is_bold(&["--color=never"], None));
    assert!(is_bold(&["--color=always"], no_color));
}

#[test]
fn a_bar_tells_the_progress_of_a_long_preview_and_goes() {
    let sandbox = sandbox::create();
    let accounts: String = (0..2)
        .map(|number| {
            format!("---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: a{number}}}\n")
        })
        .collect();
    fs::write(sandbox.path().join("slow.yaml"), accounts).unwrap();
    let arguments = ["preview", "--module=endless.wasm", "slow.yaml"];
    let written = on_terminal(sandbox.path(), &arguments, None, false);
    let phases = ["reading manifests", "compiling the policy", "] 0/2 objects"];
    let found = phases.map(|phase| written.find(phase));
    assert!(found.is_sorted() && found[0].is_some(), "{written:?}");
    let mut screen = vt100::Parser::new(SIZE.rows, SIZE.cols, 0);
    screen.process(written.as_bytes());
    let rejected = |name: &str, document: usize, line: usize| {
        format!(
            "ServiceAccount default/{name} (slow.yaml, document {document})\n  \
             rejected, line {line}: Policy execution interrupted because it exceeded the allowed\n    execution time\n\n"
        )
    };
    assert_eq!(
        screen.screen().contents(),
        rejected("a0", 1, 2)
            + &rejected("a1", 2, 6)
            + "2 objects: 0 mutated, 0 unchanged, 2 rejected; 0 warnings"
    );
}

#[test]
fn a_thousand_manifests_are_all_decided() {
    let sandbox = sandbox::create();
    let many = sandbox.path().join("many");
    fs::create_dir(&many).unwrap();
    let text = fs::read_to_string(root().join("examples/quick-start/workload.yaml")).unwrap();
    for number in 0..1000 {
        let text = text
            .replace("workload-identity-sa", &format!("account-{number}"))
            .replace("quick-start", &format!("app-{number}"));
        fs::write(many.join(format!("{number}.yaml")), text).unwrap();
    }
    let command = "azwi-policy preview -s settings.yaml many | tail -n 1";
    let printed = transcript::run(command, sandbox.path());
    assert_eq!(
        printed,
        "2000 objects: 1000 mutated, 1000 unchanged, 0 rejected; 0 warnings\n"
    );
}
