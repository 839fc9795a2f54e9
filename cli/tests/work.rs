//! What a call of the module takes, counted and not timed: instructions of WebAssembly, memory, the answer's length, and the
//! pages of memory that it touches.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod heavy;
mod metered;
#[path = "../benches/policy/requests.rs"]
#[allow(dead_code, reason = "the benchmark has more of them")]
mod requests;

use azwi_policy::kubewarden::request::AdmissionRequest;
use azwi_policy::kubewarden::response::ValidationResponse;
use serde_json::{Value, json};

use heavy::Heavy;
use metered::{METERED, Metering};
use requests::{OptIn, creation, deployment, pod_of, small_pod};

/// The most that a call may take: a tenth of what an engine does in PolicyServer's two seconds.
const INSTRUCTIONS: u64 = 200_000_000;

/// The most memory that a call may ask for beside the module's own, in bytes.
const MEMORY: usize = 64 << 20;

/// The longest answer, in bytes.
const ANSWER: usize = 2_000_000;

/// The length of the longest request that PolicyServer takes, in bytes.
const REQUEST: usize = 2_000_000;

fn payload(request: &AdmissionRequest) -> Vec<u8> {
    let mut payload: Value = json!({"request": request, "settings": requests::settings()});
    payload.sort_all_objects();
    payload.to_string().into_bytes()
}

fn review(request: &AdmissionRequest) -> Metering {
    let look_up = |_: &[u8]| Ok(requests::service_account().to_string().into_bytes());
    METERED
        .call("validate", &payload(request), look_up)
        .expect("an answer")
}

/// Each page of a fresh instance's memory is a page fault when it is first touched. These are the pages that the call's
/// own data takes: a stack of more than one page, or a large value moved twice, shows here.
#[test]
fn usual_requests_change_few_pages() {
    let large = creation(pod_of(6, OptIn::Yes));
    let verdict = review(&large).answer;
    let verdict: ValidationResponse = serde_json::from_slice(&verdict).expect("a verdict");
    for (name, request, pages) in [
        ("small pod, injected", creation(small_pod(OptIn::Yes)), 5),
        ("large pod, injected", large.clone(), 15),
        (
            "small pod, does not opt in",
            creation(small_pod(OptIn::No)),
            4,
        ),
        (
            "large pod, does not opt in",
            creation(pod_of(6, OptIn::No)),
            8,
        ),
        (
            "large pod, injected before",
            requests::again(&large, verdict),
            10,
        ),
        ("large Deployment", deployment(pod_of(6, OptIn::Yes)), 10),
    ] {
        let found = review(&request).changed_pages;
        assert!(found <= pages, "{name}: expected {pages}, found {found}");
    }
}

fn meter(heavy: &Heavy) -> Metering {
    let service_account = heavy.service_account.to_string().into_bytes();
    let look_up = move |_: &[u8]| Ok(service_account.clone());
    METERED
        .call("validate", &heavy.payload, look_up)
        .unwrap_or_else(|error| panic!("{}: {error}", heavy.name))
}

#[test]
fn no_request_takes_much_work_or_memory() {
    let mut excess = Vec::new();
    for heavy in heavy::all(REQUEST) {
        let bytes = heavy.payload.len();
        let is_long = (REQUEST * 9 / 10..=REQUEST * 12 / 10).contains(&bytes);
        assert!(is_long, "{}: {bytes} bytes", heavy.name);
        let found = meter(&heavy);
        let answer = found.answer.len();
        if found.instructions > INSTRUCTIONS || found.memory > MEMORY || answer > ANSWER {
            excess.push(format!(
                "{}: {} million instructions, {} MB of memory, answer of {answer} bytes",
                heavy.name,
                found.instructions / 1_000_000,
                found.memory >> 20
            ));
        }
    }
    assert!(excess.is_empty(), "{}", excess.join("\n"));
}

#[test]
fn work_for_a_byte_does_not_grow_with_the_request() {
    let per_byte = |heavy: &Heavy| meter(heavy).instructions as f64 / heavy.payload.len() as f64;
    let mut excess = Vec::new();
    for (small, large) in heavy::all(REQUEST / 8).iter().zip(&heavy::all(REQUEST)) {
        let (of_small, of_large) = (per_byte(small), per_byte(large));
        if of_large > of_small * 1.2 + 1.0 {
            excess.push(format!(
                "{}: {of_small:.1} instructions a byte, and {of_large:.1} of eight times as many",
                large.name
            ));
        }
    }
    assert!(excess.is_empty(), "{}", excess.join("\n"));
}
