//! Completions as zsh and fish make them of what the program prints. Those of bash are in `tests/transcripts/help.md`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use azwi_policy::command_line::Cli;
use azwi_policy::commands::preview::args::Format;
use clap::{CommandFactory, ValueEnum};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// How long a shell may take to complete; it also loads all that it has for other programs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What completes, and to what.
fn cases() -> [(&'static str, BTreeSet<String>); 3] {
    let formats = Format::value_variants().iter();
    let formats =
        formats.filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()));
    let program = Cli::command();
    let preview = program.find_subcommand("preview").expect("it");
    let flags = preview.get_arguments().filter_map(|flag| flag.get_long());
    let flags = flags.filter(|flag| flag.starts_with("fa"));
    let shells = ["bash", "elvish", "fish", "powershell", "zsh"];
    [
        ("azwi-policy preview -o ", formats.collect()),
        (
            "azwi-policy preview --fa",
            flags.map(|flag| format!("--{flag}")).collect(),
        ),
        ("azwi-policy completions ", shells.map(str::to_owned).into()),
    ]
}

/// Whether a shell is installed; if not, people are told, even if the output of tests is kept from them.
fn is_installed(shell: &str) -> bool {
    let is_installed = Command::new(shell).arg("--version").output().is_ok();
    if !is_installed {
        let _ = writeln!(
            io::stderr(),
            "note: the completions for {shell} are not tested: {shell} is not on PATH"
        );
    }
    is_installed
}

/// PATH with the program.
fn path() -> OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_azwi-policy"));
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = [program.parent().unwrap().to_owned()];
    let directories = directories.into_iter().chain(env::split_paths(&path));
    env::join_paths(directories).unwrap()
}

#[test]
fn fish_completes_flags_and_values() {
    if !is_installed("fish") {
        return;
    }
    // Files would be offered if nothing else is known.
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file.yaml"), "").unwrap();
    for (line, expected) in cases() {
        let output = Command::new("fish")
            .args(["--no-config", "--command"])
            .arg("azwi-policy completions fish | source; complete --do-complete $argv[1]")
            .arg(line)
            .env("PATH", path())
            .env("HOME", directory.path())
            .current_dir(&directory)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "", "{line}");
        let printed = String::from_utf8(output.stdout).unwrap();
        // After a tab comes the description.
        let found = printed.lines().filter_map(|line| line.split('\t').next());
        let found: BTreeSet<_> = found.map(str::to_owned).collect();
        assert_eq!(found, expected, "{line}");
    }
}

/// Makes zsh print what it offers, between two lines, and end.
///
/// Completion functions hand what they offer to `compadd`, which only works while the line is edited.
const ZSH: &str = r#"
autoload -Uz compinit && compinit -u -D
source <(azwi-policy completions zsh)
compadd() {
  # With these flags it fills arrays for the functions themselves.
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a offered
  builtin compadd -A offered "$@"
  (( $#offered )) && print -rl -- "offered:"$^offered
  builtin compadd "$@"
}
started() { print -r -- "started:" }
finished() { print -r -- "finished:"; exit }
compprefuncs=(started) comppostfuncs=(finished)
bindkey '^I' complete-word
"#;

#[test]
fn zsh_completes_flags_and_values() {
    if !is_installed("zsh") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file.yaml"), "").unwrap();
    fs::write(directory.path().join("init"), ZSH).unwrap();
    for (line, expected) in cases() {
        let written = in_zsh(directory.path(), line);
        let (_, shown) = written
            .split_once("started:")
            .unwrap_or_else(|| panic!("{written:?}"));
        let (shown, _) = shown
            .split_once("finished:")
            .unwrap_or_else(|| panic!("{written:?}"));
        let found = shown
            .lines()
            .filter_map(|line| line.trim().strip_prefix("offered:"));
        let found: BTreeSet<_> = found.map(str::to_owned).collect();
        assert_eq!(found, expected, "{line}: {written:?}");
    }
}

/// What zsh writes to a terminal on which someone types `line` and a tab.
fn in_zsh(directory: &Path, line: &str) -> String {
    let size = PtySize {
        rows: 60,
        cols: 200,
        pixel_width: 0,
        pixel_height: 0,
    };
    let terminal = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new("zsh");
    command.args(["-f", "-i"]);
    command.cwd(directory);
    command.env("PATH", path());
    command.env("HOME", directory);
    command.env("TERM", "xterm");
    let mut shell = terminal.slave.spawn_command(command).unwrap();
    drop(terminal.slave);
    let mut reader = terminal.master.try_clone_reader().unwrap();
    let mut writer = terminal.master.take_writer().unwrap();
    // The shell reads it when it comes to it.
    write!(writer, "source ./init\r{line}\t").unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut written = Vec::new();
        let mut buffer = [0; 4096];
        // Linux reports an error, not an end, if the other side of a terminal is closed.
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            written.extend(buffer.iter().take(length));
        }
        let _ = sender.send(written);
    });
    let written = receiver.recv_timeout(PATIENCE);
    let _ = shell.kill();
    shell.wait().unwrap();
    String::from_utf8_lossy(&written.expect("an end")).into_owned()
}
