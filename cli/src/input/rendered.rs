//! Manifests that another program makes of something: kustomize and Helm.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use thiserror::Error;

use crate::input::manifests::{self, Contents, ManifestError};
use crate::text::{one_line, printable};

/// How much is kept of what a program says on standard error, in bytes.
const LONGEST: u64 = 64 << 10;

/// How much of it a message has, in characters: the end, where the reason is.
const SHOWN: usize = 2000;

/// What a program made.
#[derive(Debug)]
pub struct Rendered {
    /// What messages call it, in place of a file.
    pub name: String,
    /// What it made.
    pub contents: Contents,
    /// What it said besides.
    pub said: Option<String>,
}

/// Manifests that a program could not make.
#[derive(Debug, Error)]
pub enum RenderError {
    /// None of the programs is there.
    #[error(
        "{flag}: expected {programs} on PATH, found none; help: install {programs}, or pipe the manifests into azwi-policy preview -"
    )]
    Missing {
        /// The flag that needs one of them, with its value.
        flag: String,
        /// The programs.
        programs: String,
    },
    /// The program cannot be run.
    #[error("cannot run {command}: {error}")]
    Run {
        /// The command.
        command: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// The program failed.
    #[error("{command} failed with {status}{said}")]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// What it said, after a colon.
        said: String,
    },
    /// It printed something that cannot be read.
    #[error(transparent)]
    Output(#[from] ManifestError),
}

/// The manifests that the kustomization in `directory` makes.
///
/// # Errors
///
/// [`RenderError`].
pub fn kustomize(directory: &Path) -> Result<Rendered, RenderError> {
    let with_directory = |program: &[&'static str]| Invocation::new(program, [directory]);
    run(
        &format!("kustomize {}", directory.display()),
        &format!("--kustomize {}", directory.display()),
        &[
            with_directory(&["kustomize", "build"]),
            with_directory(&["kubectl", "kustomize"]),
        ],
    )
}

/// The manifests that Helm makes of a chart with the values in these files.
///
/// # Errors
///
/// [`RenderError`].
pub fn helm(chart: &str, values: &[PathBuf], namespace: &str) -> Result<Rendered, RenderError> {
    let mut helm = Invocation::new(&["helm", "template"], [chart, "--namespace", namespace]);
    for file in values {
        helm.arguments.push("--values".into());
        helm.arguments.push(file.into());
    }
    run(
        &format!("helm {chart}"),
        &format!("--helm {chart}"),
        &[helm],
    )
}

/// A program and its arguments.
struct Invocation {
    program: &'static str,
    arguments: Vec<OsString>,
}

impl Invocation {
    fn new<A: AsRef<OsStr>>(
        program: &[&'static str],
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut words = program.iter();
        let program = words.next().copied().unwrap_or_default();
        let words = words.map(OsString::from);
        let arguments = arguments.into_iter();
        let arguments = arguments.map(|argument| argument.as_ref().to_owned());
        Self {
            program,
            arguments: words.chain(arguments).collect(),
        }
    }

    /// The command, for messages.
    fn shown(&self) -> String {
        let mut shown = self.program.to_owned();
        for argument in &self.arguments {
            shown.push(' ');
            shown.push_str(&argument.display().to_string());
        }
        shown
    }
}

/// Runs the first of the programs that is there.
fn run(name: &str, flag: &str, invocations: &[Invocation]) -> Result<Rendered, RenderError> {
    for invocation in invocations {
        let command = invocation.shown();
        let program = Command::new(invocation.program)
            .args(&invocation.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut program = match program {
            Ok(program) => program,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(RenderError::Run { command, error }),
        };
        let stderr = program.stderr.take();
        // At the same time, else the program waits for its reader and is waited for.
        let said = thread::spawn(move || stderr.map_or_else(Vec::new, beginning));
        let mut contents = match program.stdout.take() {
            Some(stdout) => manifests::contents_from(name, stdout),
            None => Contents::default(),
        };
        let status = program.wait();
        let said = said.join().unwrap_or_default();
        let said = shown(&String::from_utf8_lossy(&said));
        let status = status.map_err(|error| RenderError::Run {
            command: command.clone(),
            error,
        })?;
        // Output that is too long is not read to its end, which may be why the program failed.
        let is_unreadable = |error: &ManifestError| matches!(error, ManifestError::Read { .. });
        if let Some(index) = contents.errors.iter().position(is_unreadable) {
            return Err(contents.errors.swap_remove(index).into());
        }
        if !status.success() {
            let said = match said {
                Some(said) => format!(": {said}"),
                None => ", and did not say why".to_owned(),
            };
            let status = name_of(status);
            return Err(RenderError::Failed {
                command,
                status,
                said,
            });
        }
        return Ok(Rendered {
            name: name.to_owned(),
            contents,
            said: said.map(|said| format!("{command} says: {said}")),
        });
    }
    let programs: Vec<_> = invocations
        .iter()
        .map(|invocation| invocation.program)
        .collect();
    Err(RenderError::Missing {
        flag: flag.to_owned(),
        programs: programs.join(" or "),
    })
}

/// What a program says, cut off where it is too long; the rest is read nevertheless, so that the program can go on.
fn beginning(mut source: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = source.by_ref().take(LONGEST).read_to_end(&mut bytes);
    let _ = io::copy(&mut source, &mut io::sink());
    bytes
}

/// What a program says, fit for a message; `None` if it says nothing.
fn shown(said: &str) -> Option<String> {
    let said = printable(&one_line(said));
    let length = said.chars().count();
    match length {
        0 => None,
        1..=SHOWN => Some(said),
        _ => {
            let skipped = length.saturating_sub(SHOWN);
            let end: String = said.chars().skip(skipped).collect();
            Some(format!("... {end}"))
        }
    }
}

fn name_of(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => "a signal".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_end_of_what_is_long() {
        assert_eq!(shown(" \n"), None);
        assert_eq!(
            shown("# Warning: a\n\u{1b}[31mError: b\n"),
            Some("# Warning: a \\u{1b}[31mError: b".to_owned())
        );
        let long = "ä".repeat(SHOWN) + "!";
        let expected = format!("... {}!", "ä".repeat(SHOWN - 1));
        assert_eq!(shown(&long), Some(expected));
    }
}
