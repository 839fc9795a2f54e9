//! The resources of the proxy's containers.

use std::borrow::Cow;

use super::faults::{Faults, Setting, found};
use super::shape::{Fields, Shape, json_amount, step};
use crate::json::each_field;
use crate::values;

/// A container's `ResourceRequirements`, without claims: the policy adds no resource claims to a pod.
pub const SHAPE: Shape = Shape::Object(&[("limits", QUANTITIES), ("requests", QUANTITIES)], check);

const QUANTITIES: Shape = Shape::Map {
    key: values::resource_name,
    known: &["cpu", "memory", "ephemeral-storage"],
    value: &Shape::Quantity,
};

/// The quantity of a resource.
struct Quantity<'a> {
    resource: String,
    value: &'a str,
    amount: u128,
}

impl Quantity<'_> {
    /// Whether a container gets as much of it as it requests, never more.
    fn is_fixed(&self) -> bool {
        self.is_huge_pages()
            || self.resource.contains('/') && !values::mentions(&self.resource, "kubernetes.io/")
    }

    /// Whether it is one of those of which Kubernetes takes an amount too large as the largest.
    fn is_measured(&self) -> bool {
        matches!(&*self.resource, "cpu" | "memory" | "ephemeral-storage")
    }

    fn is_huge_pages(&self) -> bool {
        self.resource.starts_with("hugepages-")
    }

    /// What the amount must be a multiple of, with its words.
    fn unit(&self) -> (u128, &'static str) {
        match values::page_size(&self.resource) {
            Some(size) => (size, "a multiple of the page size"),
            None if self.resource == "cpu" => (values::ONE / 1000, "whole thousandths of a CPU"),
            None => (values::ONE, "a whole number"),
        }
    }
}

/// The quantities of a list, without those that are malformed.
fn quantities<'a>(resources: Fields<'a>, list: &str) -> Vec<Quantity<'a>> {
    let mut quantities = Vec::new();
    let _: Result<_, _> = each_field(
        resources.get(list).unwrap_or("null"),
        &mut |resource, value| {
            if let (Ok(_), Ok(amount)) = (values::resource_name(resource), json_amount(value)) {
                quantities.push(Quantity {
                    resource: resource.to_owned(),
                    value,
                    amount,
                });
            }
        },
    );
    quantities
}

/// What Kubernetes wants of the quantities together.
fn check(faults: &mut Faults, resources: Fields<'_>) {
    let limits = &quantities(resources, "limits");
    let requests = &quantities(resources, "requests");
    for (list, quantities) in [("limits", limits), ("requests", requests)] {
        for quantity in quantities {
            let (unit, expected) = quantity.unit();
            if !quantity.is_measured() && quantity.amount >= values::LARGEST {
                let expected = "a whole number of at most 19 digits".into();
                unfit(faults, resources, list, quantity, expected, None);
            }
            if quantity.amount.checked_rem(unit) != Some(0) {
                let is_milli = quantity.value.ends_with("m\"") && quantity.resource != "cpu";
                let hint = is_milli.then_some("m is a thousandth; did you mean M or Mi?");
                unfit(faults, resources, list, quantity, expected.into(), hint);
            }
        }
    }
    for request in requests {
        let mut limits = limits.iter();
        let limit = limits.find(|limit| limit.resource == request.resource);
        let expected = match limit {
            Some(limit) if request.is_fixed() && request.amount != limit.amount => "the limit",
            Some(limit) if request.amount > limit.amount => "at most the limit",
            None if request.is_fixed() => "a limit of the same amount beside it",
            _ => continue,
        };
        let expected = match limit {
            Some(limit) => format!("{expected}, {}", found(limit.value)).into(),
            None => expected.into(),
        };
        unfit(faults, resources, "requests", request, expected, None);
    }
    let mut all = limits.iter().chain(requests);
    if all.clone().any(Quantity::is_huge_pages)
        && !all.any(|quantity| matches!(&*quantity.resource, "cpu" | "memory"))
    {
        faults.expected_but(
            resources.object,
            "cpu or memory beside huge pages",
            "huge pages alone",
        );
    }
}

#[cold]
#[inline(never)]
fn unfit(
    faults: &mut Faults,
    resources: Fields<'_>,
    list: &str,
    quantity: &Quantity<'_>,
    expected: Cow<'static, str>,
    hint: Option<&'static str>,
) {
    let setting = Setting {
        prefix: &[resources.prefix, list].concat(),
        key: &step(&quantity.resource),
        value: quantity.value,
    };
    faults.malformed(setting, expected, hint.map(Cow::Borrowed));
}

#[cfg(test)]
mod tests {
    use super::super::tests;

    fn accepts(resources: &str) {
        for name in ["resources", "initResources"] {
            tests::accepts_one(&format!(r#""proxy":{{"{name}":{resources}}}"#));
        }
    }

    /// The faults, each without the words that are the same in all of them.
    #[track_caller]
    fn rejects(resources: &str, faults: &[&str]) {
        for name in ["resources", "initResources"] {
            let faults: Vec<_> = faults
                .iter()
                .map(|fault| format!("setting proxy.{name}{}", fault.replace("NAME", name)))
                .collect();
            tests::rejects_members(&format!(r#""proxy":{{"{name}":{resources}}}"#), &faults);
        }
    }

    #[test]
    fn resources_are_those_that_kubernetes_accepts() {
        for resources in [
            "{}",
            r#"{"limits":null,"requests":null}"#,
            r#"{"limits":{},"requests":{}}"#,
            r#"{"limits":{"cpu":"100m","memory":"64Mi","ephemeral-storage":"1G"}}"#,
            r#"{"requests":{"cpu":0.1,"memory":67108864}}"#,
            r#"{"requests":{"cpu":"1m"},"limits":{"cpu":"0.001"}}"#,
            r#"{"requests":{"memory":"64Mi"},"limits":{"memory":"67108864"}}"#,
            r#"{"requests":{"memory":"63Mi"},"limits":{"memory":"64Mi"}}"#,
            r#"{"requests":{"memory":"1.5Gi"},"limits":{"memory":"1e18"}}"#,
            r#"{"limits":{"nvidia.com/gpu":1},"requests":{"nvidia.com/gpu":"1"}}"#,
            r#"{"limits":{"nvidia.com/gpu":"2000m"}}"#,
            r#"{"requests":{"node.kubernetes.io/device":1}}"#,
            r#"{"limits":{"hugepages-2Mi":"4Mi","memory":"1Gi"}}"#,
            r#"{"limits":{"hugepages-1Gi":"1024Mi"},"requests":{"hugepages-1Gi":"1Gi","cpu":1}}"#,
        ] {
            accepts(resources);
        }
    }

    #[test]
    fn names_of_resources_are_those_of_kubernetes() {
        let expected =
            "expected a resource such as cpu, memory, hugepages-2Mi or example.com/device";
        for (name, help) in [
            ("", ""),
            ("a b", ""),
            ("gpu", ""),
            ("CPU", "; help: did you mean cpu?"),
            ("memroy", "; help: did you mean memory?"),
            ("cpu ", "; help: did you mean cpu?"),
            (" a.b/c", "; help: remove the white space around it"),
            ("a/b/c", ""),
            ("/a", ""),
            ("a/", ""),
            ("A.b/c", ""),
            ("requests.example.com/device", ""),
            ("hugepages-", ""),
            ("hugepages-0", ""),
            ("hugepages-1.5Mi", ""),
            ("hugepages-2000m", ""),
            ("hugepages-1e3", ""),
        ] {
            let fault = format!(".limits: {expected}, found {name:?}{help}");
            rejects(&format!(r#"{{"limits":{{"{name}":1}}}}"#), &[&fault]);
        }
        let long = "a".repeat(245);
        rejects(
            &format!(r#"{{"limits":{{"{long}/b":1}}}}"#),
            &[&format!(
                r#".limits: {expected}, found "{}...{}""#,
                "a".repeat(29),
                ["a".repeat(26), "/b".to_owned()].concat()
            )],
        );
    }

    #[test]
    fn quantities_are_those_of_kubernetes_and_whole() {
        let expected = "expected a quantity such as 100m or 64Mi";
        rejects(
            r#"{"requests":{"memory":"64mb","cpu":-1,"ephemeral-storage":null,"a.b/c":[]},"limits":5}"#,
            &[
                &format!(r#".requests.memory: {expected}, found "64mb""#),
                &format!(".requests.cpu: {expected}, found -1"),
                &format!(".requests.ephemeral-storage: {expected}, found null"),
                &format!(".requests[a.b/c]: {expected}, found a list"),
                ".limits: expected an object, found 5",
            ],
        );
        rejects(
            r#"{"limits":{"cpu":"0.5m","memory":"100m","ephemeral-storage":0.5,"a.b/c":1.5}}"#,
            &[
                r#".limits.cpu: expected whole thousandths of a CPU, found "0.5m""#,
                r#".limits.memory: expected a whole number, found "100m"; help: m is a thousandth; did you mean M or Mi?"#,
                ".limits.ephemeral-storage: expected a whole number, found 0.5",
                ".limits[a.b/c]: expected a whole number, found 1.5",
            ],
        );
        rejects(
            r#"{"limits":{"memory":"99999999999999999999","a.b/c":"99999999999999999999"}}"#,
            &[
                r#".limits[a.b/c]: expected a whole number of at most 19 digits, found "99999999999999999999""#,
            ],
        );
    }

    #[test]
    fn requests_are_within_the_limits() {
        rejects(
            r#"{"limits":{"memory":"64Mi","cpu":"1"},"requests":{"memory":"128Mi","cpu":"1.001"}}"#,
            &[
                r#".requests.memory: expected at most the limit, "64Mi", found "128Mi""#,
                r#".requests.cpu: expected at most the limit, "1", found "1.001""#,
            ],
        );
        rejects(
            r#"{"limits":{"memory":"9223372036854775806"},"requests":{"memory":"9223372036854775807"}}"#,
            &[
                r#".requests.memory: expected at most the limit, "9223372036854775806", found "9223372036854775807""#,
            ],
        );
        rejects(
            r#"{"limits":{"a.b/c":2},"requests":{"a.b/c":1,"d.e/f":"1"}}"#,
            &[
                ".requests[a.b/c]: expected the limit, 2, found 1",
                r#".requests[d.e/f]: expected a limit of the same amount beside it, found "1""#,
            ],
        );
    }

    #[test]
    fn huge_pages_come_whole_and_not_alone() {
        rejects(
            r#"{"limits":{"hugepages-2Mi":"4Mi"}}"#,
            &[": expected cpu or memory beside huge pages, found huge pages alone"],
        );
        rejects(
            r#"{"limits":{"hugepages-2Mi":"3Mi","cpu":1},"requests":{"hugepages-2Mi":"2Mi"}}"#,
            &[
                r#".limits.hugepages-2Mi: expected a multiple of the page size, found "3Mi""#,
                r#".requests.hugepages-2Mi: expected the limit, "3Mi", found "2Mi""#,
            ],
        );
        rejects(
            r#"{"requests":{"hugepages-2Mi":"2Mi","cpu":1}}"#,
            &[
                r#".requests.hugepages-2Mi: expected a limit of the same amount beside it, found "2Mi""#,
            ],
        );
    }

    #[test]
    fn there_are_no_other_fields() {
        rejects(
            r#"{"claims":[],"limit":{}}"#,
            &[
                ".claims: there is no such setting; help: use one of limits, requests",
                ".limit: there is no such setting; help: did you mean proxy.NAME.limits?",
            ],
        );
    }
}
