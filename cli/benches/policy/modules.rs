//! The modules that are compared: the policy, the two that bound it from below, and any others named on the command line.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use azwi_policy::kubewarden::engine::{Engine, Module};

const TARGET: &str = "wasm32-wasip1";

/// A module under a name for the tables.
pub struct Candidate {
    pub name: String,
    pub bytes: u64,
    pub module: Module,
}

/// `floor`, `echo`, `policy`, then `more`, each `NAME=FILE`.
pub fn compile(engine: &Engine, more: &[String]) -> Result<Vec<Candidate>> {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = build_bounds(host)?;
    let mut files = vec![
        ("floor".to_owned(), built.join("floor.wasm")),
        ("echo".to_owned(), built.join("echo.wasm")),
        ("policy".to_owned(), host.join("../policy.wasm")),
    ];
    for named in more {
        let (name, file) = named
            .split_once('=')
            .with_context(|| format!("expected NAME=FILE, found {named:?}"))?;
        files.push((name.to_owned(), PathBuf::from(file)));
    }
    files
        .into_iter()
        .map(|(name, file)| {
            let bytes = std::fs::metadata(&file)
                .with_context(|| format!("cannot read {}; run `make bench`", file.display()))?
                .len();
            Ok(Candidate {
                name,
                bytes,
                module: Module::from_file(engine, &file)?,
            })
        })
        .collect()
}

/// Builds `floor` and `echo` and returns their paths.
fn build_bounds(host: &Path) -> Result<PathBuf> {
    let target_directory = host.join("../target/bench-modules");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--target",
            TARGET,
        ])
        // The policy's own manifest, for its release profile.
        .arg("--config")
        .arg(host.join("../Cargo.toml"))
        .arg("--target-dir")
        .arg(&target_directory)
        .current_dir(host.join("bench-modules"))
        .status()
        .context("cannot start cargo")?;
    ensure!(built.success(), "cannot build cli/bench-modules");
    Ok(target_directory.join(TARGET).join("release"))
}
