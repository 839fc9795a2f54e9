//! What is measured, and how: interleaved, so that a busy moment of the machine meets every module alike, and in the
//! processor time of the calling thread, the kernel's part included, so that waiting for other programs does not count.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use azwi_policy::kubewarden::engine::Module;
use azwi_policy::kubewarden::guest::{CallError, Guest};
use azwi_policy::kubewarden::request::AdmissionRequest;
use azwi_policy::kubewarden::response::{AdmissionResponse, ValidationResponse};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::modules::Candidate;
use crate::requests;

/// Calls in one turn of a module; one more comes first, which does not count.
const CALLS: usize = 4;

/// What of a review is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A fresh instance, one `validate` call, and the end of the instance.
    Guest,
    /// All that PolicyServer does between the API server's request and its answer, but for the network.
    Whole,
}

/// What the policy is expected to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Mutated,
    Unchanged,
}

/// A request with its names for the tables.
pub struct Case {
    pub name: String,
    pub object_bytes: usize,
    body: Vec<u8>,
    settings: Value,
    payload: Vec<u8>,
}

#[derive(Deserialize)]
struct AdmissionReview {
    request: AdmissionRequest,
}

impl Case {
    /// A case, for which the module `policy` must have the outcome `expected`.
    pub fn new(
        name: impl Into<String>,
        mut request: AdmissionRequest,
        settings: Value,
        policy: &Module,
        expected: Outcome,
    ) -> Result<(Self, ValidationResponse)> {
        let name = name.into();
        if let Some(object) = &mut request.object {
            object.sort_all_objects();
        }
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let case = Self {
            object_bytes: request.object.as_ref().map_or(0, requests::length),
            body: serde_json::to_vec(&review)?,
            payload: requests::payload(&request, &settings),
            settings,
            name,
        };
        let verdict: ValidationResponse = serde_json::from_slice(&guest(policy, &case.payload)?)?;
        let outcome = match verdict.mutated_object {
            Some(_) => Outcome::Mutated,
            None => Outcome::Unchanged,
        };
        ensure!(
            verdict.accepted && outcome == expected,
            "{}: expected the policy to answer {expected:?}, found {verdict:?}",
            case.name
        );
        Ok((case, verdict))
    }
}

/// The medians of each case for each module, by case and then by module.
pub fn medians(
    measure: Measure,
    cases: &[&Case],
    candidates: &[&Candidate],
    rounds: usize,
) -> Result<Vec<Vec<Duration>>> {
    let mut times = vec![vec![Vec::with_capacity(rounds * CALLS); candidates.len()]; cases.len()];
    for round in 0..rounds {
        for (case, times) in cases.iter().zip(&mut times) {
            // Nobody is always the first to meet a new request.
            for turn in 0..candidates.len() {
                let index = (round + turn) % candidates.len();
                let module = &candidates[index].module;
                run(measure, module, case)?;
                for _ in 0..CALLS {
                    let start = processor_time();
                    run(measure, module, case)?;
                    times[index].push(processor_time() - start);
                }
            }
        }
    }
    let median = |times: &mut Vec<Duration>| {
        let middle = times.len() / 2;
        *times.select_nth_unstable(middle).1
    };
    Ok(times
        .iter_mut()
        .map(|times| times.iter_mut().map(median).collect())
        .collect())
}

/// How many page faults a call of each module takes, the guest alone, by case and then by module; `None` if the system
/// does not say.
pub fn page_faults(cases: &[&Case], candidates: &[&Candidate]) -> Result<Option<Vec<Vec<f64>>>> {
    const CALLS: u32 = 200;
    let mut all = Vec::with_capacity(cases.len());
    for case in cases {
        let mut of_case = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            for _ in 0..20 {
                run(Measure::Guest, &candidate.module, case)?;
            }
            let Some(before) = page_faults_so_far() else {
                return Ok(None);
            };
            for _ in 0..CALLS {
                run(Measure::Guest, &candidate.module, case)?;
            }
            let faults = page_faults_so_far().unwrap_or(before) - before;
            of_case.push(faults / f64::from(CALLS));
        }
        all.push(of_case);
    }
    Ok(Some(all))
}

/// The page faults of the calling thread that needed no disk, as Linux counts them: the 10th field of `stat`, where the
/// second is a name in brackets.
fn page_faults_so_far() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(7)?.parse().ok()
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn run(measure: Measure, module: &Module, case: &Case) -> Result<()> {
    match measure {
        Measure::Guest => std::hint::black_box(guest(module, &case.payload)?).clear(),
        Measure::Whole => std::hint::black_box(whole(module, &case.body, &case.settings)?).clear(),
    }
    Ok(())
}

fn guest(module: &Module, payload: &[u8]) -> Result<Vec<u8>, CallError> {
    let answer = |_: &str, namespace: &str, operation: &str, _: &[u8]| match (namespace, operation)
    {
        ("kubernetes", "get_resource") => Ok(SERVICE_ACCOUNT.with(Vec::clone)),
        ("tracing", "log") => Ok(Vec::new()),
        _ => Err(format!("unknown operation: {operation}")),
    };
    module.call_answered_by("validate", payload, Box::new(answer))
}

thread_local! {
    /// The answer of the host is made once: what a host call costs beside is not the policy's.
    static SERVICE_ACCOUNT: Vec<u8> = requests::service_account().to_string().into_bytes();
}

/// From the API server's JSON to the answer's.
fn whole(module: &Module, body: &[u8], settings: &Value) -> Result<Vec<u8>> {
    let AdmissionReview { request } = serde_json::from_slice(body)?;
    let answer = guest(module, &requests::payload(&request, settings))?;
    let verdict: ValidationResponse = serde_json::from_slice(&answer)?;
    let patch = match &verdict.mutated_object {
        Some(mutated) => {
            let object = request.object.as_ref().context("expected an object")?;
            let patch = json_patch::diff(object, mutated);
            (!patch.is_empty()).then(|| serde_json::to_vec(&patch))
        }
        None => None,
    };
    let response = AdmissionResponse {
        uid: request.uid,
        allowed: verdict.accepted,
        patch_type: patch.is_some().then_some("JSONPatch"),
        patch: patch.transpose()?.map(|patch| STANDARD.encode(patch)),
        status: None,
        audit_annotations: verdict.audit_annotations,
        warnings: verdict.warnings,
    };
    Ok(serde_json::to_vec(&json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": response,
    }))?)
}
