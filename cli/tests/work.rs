//! What a call of the module takes, counted and not timed: instructions of WebAssembly, memory, the answer's length, and the
//! pages of memory that it touches.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod everywhere;
mod heavy;
mod metered;
#[allow(dead_code, reason = "the module is compiled to be metered")]
mod module;
#[path = "../benches/policy/requests.rs"]
#[allow(dead_code, reason = "the benchmark has more of them")]
mod requests;

use std::sync::LazyLock;

use azwi_policy::kubewarden::request::AdmissionRequest;
use azwi_policy::kubewarden::response::ValidationResponse;

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

fn review(request: &AdmissionRequest) -> Metering {
    let look_up = |_: &[u8]| Ok(requests::service_account().to_string().into_bytes());
    METERED
        .call(
            "validate",
            &requests::payload(request, &requests::settings()),
            look_up,
        )
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

/// What a call takes beyond what any may take, in words.
fn excess(name: &str, found: &Metering) -> Option<String> {
    let answer = found.answer.len();
    let is_excess = found.instructions > INSTRUCTIONS || found.memory > MEMORY || answer > ANSWER;
    is_excess.then(|| {
        format!(
            "{name}: {} million instructions, {} MB of memory, answer of {answer} bytes",
            found.instructions / 1_000_000,
            found.memory >> 20
        )
    })
}

/// What the heavy requests take: an eighth of the longest, and the longest.
static MEASURED: LazyLock<Vec<[Measured; 2]>> = LazyLock::new(|| {
    let measured = |heavy: &Heavy| Measured {
        name: heavy.name.clone(),
        bytes: heavy.payload.len(),
        metering: meter(heavy),
    };
    let pairs = heavy::all(REQUEST / 8).into_iter().zip(heavy::all(REQUEST));
    pairs
        .map(|(small, large)| [measured(&small), measured(&large)])
        .collect()
});

struct Measured {
    name: String,
    bytes: usize,
    metering: Metering,
}

#[test]
fn no_request_takes_much_work_or_memory() {
    let mut all = Vec::new();
    for [_, large] in &*MEASURED {
        let is_long = (REQUEST * 9 / 10..=REQUEST * 12 / 10).contains(&large.bytes);
        assert!(is_long, "{}: {} bytes", large.name, large.bytes);
        all.extend(excess(&large.name, &large.metering));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn work_for_a_byte_does_not_grow_with_the_request() {
    let per_byte =
        |measured: &Measured| measured.metering.instructions as f64 / measured.bytes as f64;
    let mut all = Vec::new();
    for [small, large] in &*MEASURED {
        let (of_small, of_large) = (per_byte(small), per_byte(large));
        if of_large > of_small * 1.2 + 1.0 {
            all.push(format!(
                "{}: {of_small:.1} instructions a byte, and {of_large:.1} of eight times as many",
                large.name
            ));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn megabytes_in_any_place_do_not_take_much_work_or_memory() {
    let million = 1 << 20;
    let mut all = Vec::new();
    for text in [
        format!("{:?}", "x".repeat(million)),
        format!("\"{}\"", "\\u00e9\\\"".repeat(million / 8)),
        "7".repeat(million),
        format!("[{}]", "null,".repeat(million / 5) + "null"),
        format!("[{}]", r#"{"name":"a"},"#.repeat(million / 16) + "5"),
        format!(
            "{{{}}}",
            r#""azure.workload.identity/":"","#.repeat(million / 32) + r#""a":1"#
        ),
        " ".repeat(million),
    ] {
        for (index, payload) in everywhere::with_everywhere(&text).into_iter().enumerate() {
            let look_up = |_: &[u8]| Err("not found".to_owned());
            let found = METERED.call("validate", &payload, look_up);
            let found = found.unwrap_or_else(|error| panic!("{:.40} {index}: {error}", text));
            all.extend(excess(&format!("{text:.40} in place {index}"), &found));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
