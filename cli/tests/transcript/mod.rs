//! Shell sessions in Markdown, run again.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// Variables that would change what the program prints.
pub const UNSET: [&str; 5] = [
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "NO_COLOR",
    "RUST_BACKTRACE",
];

/// `text`, in which each block of `console` has what its commands print now.
///
/// A command is a line that starts with `$ `, and the lines after it that start with `> `.
pub fn replay(text: &str, directory: &Path) -> String {
    let mut replayed = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        replayed += &format!("{line}\n");
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next_if(|line| *line != "```") {
            let Some(first) = line.strip_prefix("$ ") else {
                continue;
            };
            replayed += &format!("{line}\n");
            let mut command = first.to_owned();
            while let Some(line) = lines.next_if(|line| line.starts_with("> ")) {
                replayed += &format!("{line}\n");
                command += &format!("\n{}", &line[2..]);
            }
            replayed += &run(&command, directory);
        }
    }
    replayed
}

/// What `command` prints on both outputs, and its exit status if that is not 0.
pub fn run(command: &str, directory: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_azwi-policy"));
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = [program.parent().unwrap().to_owned()]
        .into_iter()
        .chain(env::split_paths(&path));
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(directory)
        .env("PATH", env::join_paths(directories).unwrap())
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    for variable in UNSET {
        shell.env_remove(variable);
    }
    let output = shell.output().unwrap();
    let mut printed = String::from_utf8(output.stdout).unwrap();
    match output.status.code() {
        Some(0) => {}
        Some(status) => printed += &format!("[exit status {status}]\n"),
        None => printed += "[ended by a signal]\n",
    }
    printed
}
