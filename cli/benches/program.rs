//! What a preview costs from start to end: see docs/performance.md.
//!
//! Arguments: `NAME=FILE` measures the program in FILE too, `--quick` measures less.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark fails by panicking"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What is measured of each program.
const CASES: [Case; 4] = [
    Case {
        name: "start of the program",
        arguments: &["--version"],
        runs: 41,
    },
    Case {
        name: "one object",
        arguments: &["preview", "--policy", "policy.yaml", "--quiet", "one"],
        runs: 41,
    },
    Case {
        name: "10,000 objects, quiet",
        arguments: &["preview", "--policy", "policy.yaml", "--quiet", "many"],
        runs: 7,
    },
    Case {
        name: "10,000 objects, JSON",
        arguments: &["preview", "--policy", "policy.yaml", "-o", "json", "many"],
        runs: 7,
    },
];

struct Case {
    name: &'static str,
    arguments: &'static [&'static str],
    runs: usize,
}

/// What one run took.
struct Run {
    time: Duration,
    /// Kilobytes of memory at most; 0 where the system does not tell.
    memory: u64,
}

fn main() {
    let own = PathBuf::from(env!("CARGO_BIN_EXE_azwi-policy"));
    let mut programs = vec![("azwi-policy".to_owned(), own)];
    let mut is_quick = false;
    for argument in env::args().skip(1).filter(|argument| argument != "--bench") {
        match argument.split_once('=') {
            Some((name, file)) => programs.push((name.to_owned(), PathBuf::from(file))),
            None if argument == "--quick" => is_quick = true,
            None => {
                eprintln!("error: expected NAME=FILE or --quick, found {argument:?}");
                std::process::exit(1);
            }
        }
    }
    let directory = directory();
    let head: Vec<_> = programs.iter().map(|(name, _)| name.as_str()).collect();
    println!("Median time, ratio to the first program, and memory at most\n");
    println!("| preview | {} |", head.join(" | "));
    println!("|---|{}", "---:|".repeat(programs.len()));
    for case in &CASES {
        let runs = if is_quick { 3 } else { case.runs };
        let mut taken: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
        // Interleaved, so that a busy moment of the machine affects all alike. The first run fills the cache.
        for round in 0..=runs {
            for (index, (_, program)) in programs.iter().enumerate() {
                let run = run(program, case, directory.path());
                if round > 0 {
                    taken[index].push(run);
                }
            }
        }
        let medians: Vec<_> = taken.iter().map(|runs| median(runs)).collect();
        let cells = taken.iter().zip(&medians).map(|(runs, time)| {
            let memory = runs.iter().map(|run| run.memory).max().unwrap_or(0) / 1024;
            let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
            format!(
                "{:.0} ms ({ratio:.2}), {memory} MB",
                time.as_secs_f64() * 1000.0
            )
        });
        let cells: Vec<_> = cells.collect();
        println!("| {} | {} |", case.name, cells.join(" | "));
    }
}

fn median(runs: &[Run]) -> Duration {
    let mut times: Vec<_> = runs.iter().map(|run| run.time).collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// A directory with the policy, one workload with its ServiceAccount, and 5,000 of them in as many files.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let at = |name: &str| directory.path().join(name);
    fs::copy(
        root.join("examples/policies/inject.yaml"),
        at("policy.yaml"),
    )
    .unwrap();
    // A build without the module takes it from here.
    fs::copy(
        root.join("annotated-policy.wasm"),
        at("annotated-policy.wasm"),
    )
    .unwrap();
    let text = fs::read_to_string(root.join("examples/quick-start/workload.yaml")).unwrap();
    fs::create_dir(at("one")).unwrap();
    fs::write(at("one/workload.yaml"), &text).unwrap();
    fs::create_dir(at("many")).unwrap();
    for number in 0..5_000 {
        let text = text
            .replace("workload-identity-sa", &format!("account-{number}"))
            .replace("quick-start", &format!("app-{number}"));
        fs::write(at("many").join(format!("{number}.yaml")), text).unwrap();
    }
    directory
}

fn run(program: &Path, case: &Case, directory: &Path) -> Run {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(case.arguments)
        .current_dir(directory)
        .env("XDG_CACHE_HOME", directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut memory = 0;
    let status = loop {
        memory = memory.max(peak(&child));
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(1)),
        }
    };
    let time = start.elapsed();
    assert!(status.success(), "{}: {status}", case.name);
    Run { time, memory }
}

/// The most memory that a program has had so far, in kilobytes; 0 where the system does not tell.
fn peak(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
