//! How properties get their cases, natively and on the built module.

use std::env;

use arbitrary::Unstructured;
use proptest::{collection::vec, prelude::*, test_runner::FileFailurePersistence};

use crate::generators::Case;

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
