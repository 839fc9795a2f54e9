//! The `matchConditions` of a deployed policy: expressions in CEL, the Common Expression Language.
//!
//! The API server knows functions and variables that the evaluator here does not. An expression with one of those is not
//! evaluated, and counts as true.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use cel::{Context, ExecutionError, Program};
use serde::Deserialize;
use serde_json::Value;

use crate::kubewarden::request::AdmissionRequest;
use crate::text::one_line;

/// How deep the API server lets expressions nest.
const DEEPEST: usize = 250;

/// A condition as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchCondition {
    /// Its name.
    pub name: String,
    /// A CEL expression that is true or false.
    pub expression: String,
}

/// What happens if a condition cannot be evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum FailurePolicy {
    /// The request is rejected.
    #[default]
    Fail,
    /// The request is not sent to the policy.
    Ignore,
}

/// Conditions that all must be true for a request to be sent to the policy.
#[derive(Debug, Clone, Default)]
pub struct MatchConditions {
    conditions: Vec<(MatchCondition, Arc<Program>)>,
    failure_policy: FailurePolicy,
    /// Of each that is not evaluated, its name and why.
    skipped: Vec<(String, String)>,
}

/// Why a request is not sent to the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// A condition is not true.
    Unmet(String),
    /// A condition cannot be evaluated, and failurePolicy is Fail.
    Error(String),
}

impl MatchConditions {
    /// These conditions.
    pub fn new(conditions: Vec<MatchCondition>, failure_policy: FailurePolicy) -> Self {
        let mut compiled = Self {
            failure_policy,
            ..Self::default()
        };
        for condition in conditions {
            match compile(&condition.expression) {
                Ok(program) => compiled.conditions.push((condition, Arc::new(program))),
                Err(why) => compiled.skipped.push((condition.name, why)),
            }
        }
        compiled
    }

    /// Of each condition that is not evaluated, its name and why.
    pub fn skipped(&self) -> &[(String, String)] {
        &self.skipped
    }

    /// Why `request` is not sent to the policy; `None` if it is.
    ///
    /// As in the API server, one that is false counts before one that cannot be evaluated.
    pub fn failed(&self, request: &AdmissionRequest) -> Option<Failed> {
        if self.conditions.is_empty() {
            return None;
        }
        let context = context(request);
        let mut error = None;
        for (MatchCondition { name, .. }, program) in &self.conditions {
            match evaluate(program, &context) {
                Ok(true) => {}
                Ok(false) => {
                    let reason = format!("its matchCondition {name:?} is false");
                    return Some(Failed::Unmet(reason));
                }
                Err(why) => {
                    error.get_or_insert_with(|| {
                        format!("its matchCondition {name:?} cannot be evaluated: {why}")
                    });
                }
            }
        }
        let error = error?;
        Some(match self.failure_policy {
            FailurePolicy::Fail => Failed::Error(error),
            FailurePolicy::Ignore => Failed::Unmet(error),
        })
    }
}

impl PartialEq for MatchConditions {
    fn eq(&self, other: &Self) -> bool {
        let written = |conditions: &Self| -> Vec<_> {
            let conditions = conditions.conditions.iter();
            conditions.map(|(condition, _)| condition.clone()).collect()
        };
        (written(self), self.failure_policy, &self.skipped)
            == (written(other), other.failure_policy, &other.skipped)
    }
}

/// The functions that are evaluated as the API server does; operators aside.
const FUNCTIONS: [&str; 10] = [
    "bool",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
];

/// The program of an expression, or why it is not evaluated.
fn compile(expression: &str) -> Result<Program, String> {
    if nests_deeply(expression) {
        return Err(format!("it nests more than {DEEPEST} levels"));
    }
    let program =
        caught(|| Program::compile(expression).map_err(|error| one_line(&error.to_string())))?;
    let unknown = {
        let references = program.references();
        let functions = references.functions().into_iter();
        let is_named = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric());
        let functions = functions.filter(|name| is_named(name) && !FUNCTIONS.contains(name));
        let of_server = ["authorizer", "namespaceObject", "params", "variables"];
        let mut variables = of_server.into_iter();
        let variable = variables.find(|name| references.has_variable(name));
        // The functions come in no order.
        variable.or(functions.min()).map(str::to_owned)
    };
    match unknown {
        Some(name) => Err(format!("only the API server knows {name}")),
        None => Ok(program),
    }
}

/// The value of an expression, which must be true or false.
fn evaluate(program: &Program, context: &Context<'_, '_>) -> Result<bool, String> {
    caught(|| match program.execute(context) {
        Ok(cel::Value::Bool(value)) => Ok(value),
        Ok(_) => Err("expected true or false, found another value".to_owned()),
        Err(ExecutionError::NoSuchKey(key)) => Err(format!("no such key: {key}")),
        Err(error) => Err(one_line(&error.to_string())),
    })
}

/// What expressions can refer to.
fn context(request: &AdmissionRequest) -> Context<'static, 'static> {
    let mut context = Context::default();
    let null = Value::Null;
    let object = request.object.as_ref().unwrap_or(&null);
    let old_object = request.old_object.as_ref().unwrap_or(&null);
    let fields = serde_json::to_value(request).map(|mut request| {
        if let Some(fields) = request.as_object_mut() {
            fields.remove("object");
            fields.remove("oldObject");
        }
        request
    });
    for (name, value) in [
        ("object", without_nulls(object)),
        ("oldObject", without_nulls(old_object)),
        ("request", fields.unwrap_or_default()),
    ] {
        // Nothing in JSON is no CEL value.
        if let Ok(value) = cel::to_value(value) {
            context.add_variable_from_value(name, value);
        }
    }
    context
}

/// The value as the API server stores it: fields that are null are not there.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            let fields = fields.map(|(key, value)| (key.clone(), without_nulls(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Whether an expression nests so deeply that evaluating it could take all of the stack.
fn nests_deeply(expression: &str) -> bool {
    let mut depth = 0_usize;
    let mut prefixes = 0_usize;
    for letter in expression.chars() {
        match letter {
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        prefixes = match letter {
            '!' | '-' | '.' | '?' | ':' | '|' | '&' | '+' | '*' => prefixes.saturating_add(1),
            _ => prefixes,
        };
        if depth > DEEPEST || prefixes > DEEPEST.saturating_mul(4) {
            return true;
        }
    }
    false
}

/// Does `work`; a panic in it is an error.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    outcome.unwrap_or_else(|_| Err("the evaluator failed".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn conditions(expressions: &[&str], failure_policy: FailurePolicy) -> MatchConditions {
        let conditions = expressions.iter().enumerate();
        let conditions = conditions.map(|(index, expression)| MatchCondition {
            name: format!("c{index}"),
            expression: (*expression).to_owned(),
        });
        MatchConditions::new(conditions.collect(), failure_policy)
    }

    fn request() -> AdmissionRequest {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {
                "name": "a", "labels": null, "annotations": {"azure.workload.identity/client-id": "x"},
            },
            "secrets": [{"name": "s"}],
        });
        AdmissionRequest::creation("web", account)
    }

    #[test]
    fn evaluates_as_the_api_server_does() {
        let unmet = |reason: &str| Some(Failed::Unmet(reason.to_owned()));
        let is_false = || unmet("its matchCondition \"c0\" is false");
        for (expression, expected) in [
            ("true", None),
            ("object.kind == 'ServiceAccount' && oldObject == null", None),
            ("request.namespace != 'web'", is_false()),
            ("request.operation in ['CREATE', 'UPDATE']", None),
            ("has(object.metadata.labels)", is_false()),
            ("has(object.spec) && has(object.spec.template)", is_false()),
            (
                "object.metadata.annotations.exists(key, key.startsWith('azure.workload.identity/'))",
                None,
            ),
            (
                "object.metadata.name.matches('^a$') && size(object.secrets) == 1",
                None,
            ),
            (
                "object.secrets.all(secret, secret.name.contains('x'))",
                is_false(),
            ),
            (
                "string(int('5')) == '5' && double('1.5') > 1.0 && dyn(1) == 1",
                None,
            ),
            ("object.metadata.name.endsWith('a') && bool('true')", None),
        ] {
            let conditions = conditions(&[expression], FailurePolicy::Fail);
            assert_eq!(conditions.skipped(), [], "{expression}");
            assert_eq!(conditions.failed(&request()), expected, "{expression}");
        }
    }

    #[test]
    fn what_cannot_be_evaluated_fails_by_failure_policy() {
        let missing = "its matchCondition \"c0\" cannot be evaluated: no such key: spec";
        let other = "its matchCondition \"c0\" cannot be evaluated: expected true or false, found another value";
        let (fail, ignore) = (FailurePolicy::Fail, FailurePolicy::Ignore);
        for (expressions, failure_policy, expected) in [
            (
                &["object.spec.x == 1"][..],
                fail,
                Failed::Error(missing.to_owned()),
            ),
            (
                &["object.spec.x == 1"],
                ignore,
                Failed::Unmet(missing.to_owned()),
            ),
            (&["object.kind"], fail, Failed::Error(other.to_owned())),
            (
                &["object.spec.x == 1", "false"],
                fail,
                Failed::Unmet("its matchCondition \"c1\" is false".to_owned()),
            ),
        ] {
            let conditions = conditions(expressions, failure_policy);
            assert_eq!(
                conditions.failed(&request()),
                Some(expected),
                "{expressions:?}"
            );
        }
    }

    #[test]
    fn says_what_is_not_evaluated() {
        let deep = "(".repeat(20_000);
        let long = "!".repeat(20_000);
        for (expression, expected) in [
            (
                "authorizer.group('').resource('pods').check('get').allowed()",
                "only the API server knows authorizer",
            ),
            (
                "quantity('1').isLessThan(quantity('2'))",
                "only the API server knows isLessThan",
            ),
            (
                "namespaceObject.metadata.name == 'x'",
                "only the API server knows namespaceObject",
            ),
            (deep.as_str(), "it nests more than 250 levels"),
            (long.as_str(), "it nests more than 250 levels"),
        ] {
            let conditions = conditions(&[expression], FailurePolicy::Fail);
            let skipped = [("c0".to_owned(), expected.to_owned())];
            assert_eq!(conditions.skipped(), skipped, "{expression}");
            assert_eq!(conditions.failed(&request()), None);
        }
        let conditions = conditions(&["1 +"], FailurePolicy::Fail);
        let (_, why) = &conditions.skipped()[0];
        assert!(why.contains("Syntax error"), "{why}");
    }
}
