//! How properties get their cases, natively and on the built module.

#![allow(
    dead_code,
    reason = "each crate that includes this needs another part of it"
)]

use std::env;

use arbitrary::Unstructured;
use proptest::{collection::vec, prelude::*, test_runner::FileFailurePersistence};

use crate::generators::{self, Case};

/// The number of bytes for one case; a case that needs more is plain in the rest.
const BYTES: std::ops::Range<usize> = 0..800;

/// The configuration of properties with this many cases each, unless `PROPTEST_CASES` sets another number.
pub fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = env::var_os("PROPTEST_CASES").map_or(cases, |_| default.cases);
    let regressions = FileFailurePersistence::Direct("tests/properties.regressions");
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(regressions)),
        ..default
    }
}

/// The creation of a pod as it is in clusters.
pub fn pods() -> impl Strategy<Value = Case> {
    vec(any::<u8>(), BYTES)
        .prop_map(|bytes| Case::pod(&mut Unstructured::new(&bytes)).expect("a case"))
}

/// Any request, valid or broken.
pub fn any_request() -> impl Strategy<Value = Case> {
    vec(any::<u8>(), BYTES)
        .prop_map(|bytes| Case::any(&mut Unstructured::new(&bytes)).expect("a case"))
}

/// The creation of a pod that is marked, and the same when the identity is another one.
pub fn changed_identities() -> impl Strategy<Value = (Case, Case)> {
    vec(any::<u8>(), BYTES).prop_map(|bytes| {
        let mut u = Unstructured::new(&bytes);
        let mut before = Case::pod(&mut u).expect("a case");
        before.settings["mark"] = true.into();
        let after = before.with_another_identity(&mut u).expect("a case");
        (before, after)
    })
}

/// Marks as somebody may write them, with names and values that pods have.
pub fn forged_marks() -> impl Strategy<Value = String> {
    vec(any::<u8>(), 0..200)
        .prop_map(|bytes| generators::forged_mark(&mut Unstructured::new(&bytes)).expect("a mark"))
}
