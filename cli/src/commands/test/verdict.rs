//! What is expected, compared with what is found.

use serde_json::{Map, Value};

use super::case::{Case, Expectation, Outcome};
use crate::commands::preview::{Answer, Kind, Preview, PreviewOutcome, Problem, Reviewed};
use crate::input::lines::ValuePath;

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The line of the case that expects it.
    pub line: usize,
    /// What differs, in words.
    pub text: String,
    /// What was found, each a text of its own.
    pub found: Vec<String>,
    /// What was expected and what was found, if that is more than words.
    pub difference: Option<(Value, Value)>,
}

/// Everything about an object that is not as expected. `is_one_of_several` have its name.
pub fn failures_of(
    case: &Case,
    expectation: &Expectation,
    preview: &Preview,
    is_one_of_several: bool,
) -> Vec<Failure> {
    let title = if is_one_of_several {
        format!("{} ({})", preview.title(), preview.origin)
    } else {
        preview.title()
    };
    let comparison = Comparison {
        case,
        expectation,
        preview,
        title,
    };
    let outcome = comparison.outcome();
    if !outcome.is_empty() {
        // All else follows from it.
        return outcome;
    }
    let mut failures = Vec::new();
    let manifest_messages = preview.answers().filter_map(Answer::message_of_manifest);
    failures.extend(comparison.texts(
        "messages",
        expectation.messages.as_deref(),
        &[Kind::Rejection],
        &manifest_messages.collect::<Vec<_>>(),
    ));
    failures.extend(comparison.texts(
        "warnings",
        expectation.warnings.as_deref(),
        &[Kind::Monitor, Kind::Warning],
        &[],
    ));
    failures.extend(comparison.texts("hints", expectation.hints.as_deref(), &[Kind::Hint], &[]));
    failures.extend(comparison.patch());
    failures.extend(comparison.pod());
    failures
}

/// An object that no expectation is about, though all should be.
pub fn unexpected(case: &Case, preview: &Preview) -> Failure {
    let Preview { origin, .. } = preview;
    Failure {
        line: case.line(&ValuePath::new("exactly")),
        text: format!(
            "exactly: expected no other objects, found {} ({origin}), {}",
            preview.title(),
            outcome_of(preview).name()
        ),
        found: Vec::new(),
        difference: None,
    }
}

/// What happens to an object.
fn outcome_of(preview: &Preview) -> Outcome {
    match preview.outcome() {
        PreviewOutcome::Mutated => Outcome::Mutated,
        PreviewOutcome::Unchanged => Outcome::Unchanged,
        PreviewOutcome::Rejected { .. } => Outcome::Rejected,
    }
}

struct Comparison<'c> {
    case: &'c Case,
    expectation: &'c Expectation,
    preview: &'c Preview,
    title: String,
}

impl Comparison<'_> {
    fn failure(&self, path: ValuePath, field: &str, text: &str) -> Failure {
        Failure {
            line: self.case.line(&path),
            text: format!("{}: {field}: {text}", self.title),
            found: Vec::new(),
            difference: None,
        }
    }

    fn path(&self, field: &str) -> ValuePath {
        self.expectation.path.clone().key(field)
    }

    fn outcome(&self) -> Vec<Failure> {
        let expected = self.expectation.outcome;
        let found = outcome_of(self.preview);
        if found == expected {
            return Vec::new();
        }
        let (expected, found) = (expected.name(), found.name());
        let text = format!("expected {expected}, found {found}");
        // All that is known tells why.
        let problems = self.preview.problems.iter();
        let found = problems.map(|problem| problem.text.clone()).collect();
        let failure = self.failure(self.path("outcome"), "outcome", &text);
        vec![Failure { found, ..failure }]
    }

    /// Compares texts with their parts: each part must be in a text, and each problem must have a part.
    ///
    /// `more` are texts that need no part.
    fn texts(
        &self,
        field: &str,
        parts: Option<&[String]>,
        kinds: &[Kind],
        more: &[&str],
    ) -> Vec<Failure> {
        let Some(parts) = parts else {
            return Vec::new();
        };
        let problems = self.preview.problems.iter();
        let problems: Vec<&Problem> = problems
            .filter(|problem| kinds.contains(&problem.kind))
            .collect();
        let fits = |problem: &Problem, part: &String| {
            problem.rule == *part || problem.text.contains(part.as_str())
        };
        let mut failures = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let is_found = problems.iter().any(|problem| fits(problem, part))
                || more.iter().any(|text| text.contains(part.as_str()));
            if is_found {
                continue;
            }
            let found: Vec<_> = problems
                .iter()
                .map(|problem| problem.text.clone())
                .collect();
            let none = if found.is_empty() { " none" } else { "" };
            let text = format!("expected one with {part:?}, found{none}");
            let failure = self.failure(self.path(field).item(index), field, &text);
            failures.push(Failure { found, ..failure });
        }
        let others = problems
            .iter()
            .filter(|problem| !parts.iter().any(|part| fits(problem, part)));
        let others: Vec<_> = others.map(|problem| problem.text.clone()).collect();
        if !others.is_empty() {
            let expected = if parts.is_empty() { "none" } else { "no other" };
            let text = format!("expected {expected}, found");
            let failure = self.failure(self.path(field), field, &text);
            failures.push(Failure {
                found: others,
                ..failure
            });
        }
        failures
    }

    fn patch(&self) -> Option<Failure> {
        let mut expected = self.expectation.patch.clone()?;
        let mut found = serde_json::to_value(self.preview.patch().unwrap_or_default()).ok()?;
        // The order of keys makes no difference.
        expected.sort_all_objects();
        found.sort_all_objects();
        self.difference("patch", expected, found)
    }

    fn pod(&self) -> Option<Failure> {
        let expected = self.expectation.pod.clone()?;
        match self.preview.reviews.iter().find_map(Reviewed::accepted_pod) {
            Some(pod) => {
                let found = part_of(pod, &expected);
                self.difference("pod", expected, found)
            }
            None => {
                let text = "expected a pod, found an object that creates none";
                Some(self.failure(self.path("pod"), "pod", text))
            }
        }
    }

    fn difference(&self, field: &str, expected: Value, found: Value) -> Option<Failure> {
        let difference = (expected != found).then_some((expected, found))?;
        let text = "what is expected (-) differs from what is found (+)";
        Some(Failure {
            difference: Some(difference),
            ..self.failure(self.path(field), field, text)
        })
    }
}

/// What `value` has of the fields in `shape`, in their order; of lists all items.
fn part_of(value: &Value, shape: &Value) -> Value {
    match (value, shape) {
        (Value::Object(fields), Value::Object(shapes)) => {
            let parts = shapes.iter().filter_map(|(key, shape)| {
                let part = match fields.get(key) {
                    Some(value) => part_of(value, shape),
                    // To Kubernetes, a field that is null is not there.
                    None if shape.is_null() => Value::Null,
                    None => return None,
                };
                Some((key.clone(), part))
            });
            Value::Object(parts.collect::<Map<_, _>>())
        }
        (Value::Array(items), Value::Array(shapes)) => {
            let mut shapes = shapes.iter();
            let parts = items.iter().map(|item| {
                let shape = shapes.next().unwrap_or(item);
                part_of(item, shape)
            });
            Value::Array(parts.collect())
        }
        (value, _) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_has_the_fields_of_the_shape_and_all_items() {
        let value =
            json!({"a": 1, "b": [{"c": 2, "d": 3}, {"c": 4}], "e": {"f": 5, "g": 6}, "h": 7});
        for (shape, expected) in [
            (json!({}), json!({})),
            (json!({"a": 2, "z": 1}), json!({"a": 1})),
            (json!({"e": {"g": 0}}), json!({"e": {"g": 6}})),
            (json!({"b": [{"d": 0}]}), json!({"b": [{"d": 3}, {"c": 4}]})),
            (json!({"b": []}), json!({"b": [{"c": 2, "d": 3}, {"c": 4}]})),
            (
                json!({"b": {"c": 1}}),
                json!({"b": [{"c": 2, "d": 3}, {"c": 4}]}),
            ),
            (json!({"h": null}), json!({"h": 7})),
            (json!({"i": null}), json!({"i": null})),
        ] {
            assert_eq!(part_of(&value, &shape), expected, "{shape}");
        }
        assert_eq!(part_of(&value, &value), value);
    }
}
