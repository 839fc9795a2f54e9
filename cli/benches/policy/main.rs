//! What a review costs, beside two modules that are lower bounds: see docs/performance.md.
//!
//! Arguments: `NAME=FILE` compares the module in FILE too, `--quick` measures for a tenth of the time.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a benchmark fails by panicking"
)]

mod measure;
mod modules;
mod requests;

use std::env;
use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use azwi_policy::kubewarden::engine::{Engine, Module};
use azwi_policy::kubewarden::request::AdmissionRequest;
use measure::{Case, Measure, Outcome, medians, page_faults};
use modules::Candidate;
use requests::OptIn;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    // Cargo adds --bench.
    let (flags, more): (Vec<_>, Vec<_>) = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .partition(|argument| argument.starts_with("--"));
    let rounds = match flags.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 300,
        ["--quick"] => 30,
        _ => anyhow::bail!("expected NAME=FILE or --quick, found {flags:?}"),
    };
    let candidates = modules::compile(&Engine::new()?, &more)?;
    let policy = &candidates[2].module;

    println!("Machine: {}\n", machine());
    println!("| module | bytes |\n|---|---:|");
    for candidate in &candidates {
        println!("| {} | {} |", candidate.name, thousands(candidate.bytes));
    }

    let cases = cases(policy)?;
    let cases: Vec<_> = cases.iter().collect();
    let all: Vec<_> = candidates.iter().collect();
    println!("\nGuest alone: median, and ratio to floor\n");
    print_ratios(
        &cases,
        &all,
        &medians(Measure::Guest, &cases, &all, rounds)?,
    );
    if let Some(faults) = page_faults(&cases, &all)? {
        println!("\nGuest alone: page faults in a call\n");
        print_head(&names(&all));
        for (case, faults) in cases.iter().zip(&faults) {
            let cells: Vec<_> = faults.iter().map(|count| format!("{count:.0}")).collect();
            print_row(case, &cells);
        }
    }
    println!("\nWhole path: median, and ratio to floor\n");
    print_ratios(
        &cases,
        &all,
        &medians(Measure::Whole, &cases, &all, rounds)?,
    );

    // The largest takes a hundred times as long as a usual one.
    let rounds = rounds.div_ceil(10);
    let cases = with_entries(policy)?;
    let cases: Vec<_> = cases.iter().collect();
    for (measure, name) in [
        (Measure::Guest, "Guest alone"),
        (Measure::Whole, "Whole path"),
    ] {
        println!(
            "\n{name}, small pod and so many entries in each list of identities: median, and ratio to floor\n"
        );
        print_ratios(&cases, &all, &medians(measure, &cases, &all, rounds)?);
    }

    let cases = growing(policy)?;
    let cases: Vec<_> = cases.iter().collect();
    let bounds: Vec<_> = candidates.iter().skip(2).collect();
    let guest = medians(Measure::Guest, &cases, &bounds, rounds)?;
    let whole = medians(Measure::Whole, &cases, &bounds, rounds)?;
    println!("\nGrowth of the cost of an injected pod: median, and what 1 KB of pod takes of it\n");
    print_growth(&cases, &bounds, &guest, &whole);
    Ok(())
}

fn cases(policy: &Module) -> Result<Vec<Case>> {
    use requests::{creation, deployment, pod_of, small_pod};
    let small = creation(small_pod(OptIn::Yes));
    let large = creation(pod_of(6, OptIn::Yes));
    let injected = |name: &str, request: &AdmissionRequest, settings| {
        Case::new(name, request.clone(), settings, policy, Outcome::Mutated)
    };
    let (small, _) = injected("small pod, injected", &small, requests::settings())?;
    let (injected, verdict) = injected("large pod, injected", &large, requests::settings())?;
    let unchanged = [
        ("small pod, does not opt in", creation(small_pod(OptIn::No))),
        ("large pod, does not opt in", creation(pod_of(6, OptIn::No))),
        (
            "large pod, injected before",
            requests::again(&large, verdict),
        ),
        ("large Deployment", deployment(pod_of(6, OptIn::Yes))),
    ];
    let mut cases = vec![small, injected];
    for (name, request) in unchanged {
        let settings = requests::settings();
        cases.push(Case::new(name, request, settings, policy, Outcome::Unchanged)?.0);
    }
    Ok(cases)
}

/// A module that does not know the settings rejects them, after it has read as much.
fn with_entries(policy: &Module) -> Result<Vec<Case>> {
    [100, 1000]
        .into_iter()
        .map(|entries| {
            let request = requests::creation(requests::small_pod(OptIn::Yes));
            let settings = requests::settings_of(entries);
            Ok(Case::new(
                format!("{entries} entries"),
                request,
                settings,
                policy,
                Outcome::Mutated,
            )?
            .0)
        })
        .collect()
}

fn growing(policy: &Module) -> Result<Vec<Case>> {
    let by_containers = [1, 10, 100].map(|containers| {
        let s = if containers == 1 { "" } else { "s" };
        (
            format!("{containers} container{s}"),
            requests::pod_of(containers, OptIn::Yes),
        )
    });
    let by_size = [1, 10, 100, 1000].map(|kilobytes| {
        (
            format!("{kilobytes} KB of variables"),
            requests::pod_of_size(kilobytes * 1000),
        )
    });
    by_containers
        .into_iter()
        .chain(by_size)
        .map(|(name, pod)| {
            let request = requests::creation(pod);
            Ok(Case::new(
                name,
                request,
                requests::settings(),
                policy,
                Outcome::Mutated,
            )?
            .0)
        })
        .collect()
}

fn print_ratios(cases: &[&Case], candidates: &[&Candidate], medians: &[Vec<Duration>]) {
    print_head(&names(candidates));
    for (case, medians) in cases.iter().zip(medians) {
        let floor = medians[0].as_secs_f64();
        let cells: Vec<_> = medians
            .iter()
            .map(|median| format!("{} ({:.2})", micros(*median), median.as_secs_f64() / floor))
            .collect();
        print_row(case, &cells);
    }
}

fn print_growth(
    cases: &[&Case],
    candidates: &[&Candidate],
    guest: &[Vec<Duration>],
    whole: &[Vec<Duration>],
) {
    let names: Vec<_> = candidates
        .iter()
        .map(|candidate| format!("{0}, guest alone | {0}, whole path", candidate.name))
        .collect();
    print_head(&names.join(" | "));
    for ((case, guest), whole) in cases.iter().zip(guest).zip(whole) {
        let per_kilobyte = |median: &Duration| {
            let share = median.as_secs_f64() * 1e6 / (case.object_bytes as f64 / 1000.0);
            format!("{} ({share:.2})", micros(*median))
        };
        let cells: Vec<_> = guest
            .iter()
            .zip(whole)
            .flat_map(|(guest, whole)| [guest, whole].map(per_kilobyte))
            .collect();
        print_row(case, &cells);
    }
}

/// The names of modules as columns.
fn names(candidates: &[&Candidate]) -> String {
    let names: Vec<_> = candidates
        .iter()
        .map(|candidate| &*candidate.name)
        .collect();
    names.join(" | ")
}

/// The head of a table of requests; `columns` are the names of the others, with bars between them.
fn print_head(columns: &str) {
    println!("| request | object | {columns} |");
    println!("|---|---:|{}", "---:|".repeat(columns.split(" | ").count()));
}

fn print_row(case: &Case, cells: &[String]) {
    let size = kilobytes(case.object_bytes);
    println!("| {} | {size} | {} |", case.name, cells.join(" | "));
}

fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1} KB", bytes as f64 / 1000.0)
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    groups.join(",")
}

/// The processor and how many there are, as far as the system says.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    format!("{model}, {cores} cores, {}", env::consts::OS)
}
