//! The `matchConditions` of a deployed policy: expressions in CEL, the Common Expression Language.
//!
//! The API server knows functions and variables that the evaluator here does not. An expression with one of those is not
//! evaluated, and counts as true.

use std::collections::HashMap;
use std::sync::Arc;

use cel::extractors::This;
use cel::parser::{Expression, PrattParser};
use cel::{Context, ExecutionError};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::kubewarden::request::AdmissionRequest;
use crate::kubewarden::service_accounts::{DEFAULT_ACCOUNT, named_in};
use crate::text::one_line;

/// How deep the API server lets expressions nest.
const DEEPEST: u16 = 250;

/// How many characters of an expression may be operators and brackets.
const OPERATORS: usize = 4000;

/// The stack of the evaluator, in bytes, of which a debug build takes some 30 KB a level.
#[cfg(feature = "native")]
const STACK: usize = 256 << 20;

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
    conditions: Vec<(MatchCondition, Arc<Expression>)>,
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
    ///
    /// # Errors
    ///
    /// The index of one that the API server does not take, and why.
    pub fn new(
        conditions: Vec<MatchCondition>,
        failure_policy: FailurePolicy,
    ) -> Result<Self, (usize, String)> {
        let mut compiled = Self {
            failure_policy,
            ..Self::default()
        };
        for (index, condition) in conditions.into_iter().enumerate() {
            match compile(&condition.expression) {
                Ok(program) => compiled.conditions.push((condition, Arc::new(program))),
                Err(Refused::Unknown(why)) => compiled.skipped.push((condition.name, why)),
                Err(Refused::Wrong(why)) => return Err((index, why)),
            }
        }
        Ok(compiled)
    }

    /// Of each condition that is not evaluated, its name and why.
    pub fn skipped(&self) -> &[(String, String)] {
        &self.skipped
    }

    /// Why `request` is not sent to the policy; `None` if it is.
    ///
    /// As in the API server, one that is false counts before one that cannot be evaluated.
    ///
    /// If it is not known who asks, what a condition says of `request.userInfo` counts as true.
    pub fn failed(&self, request: &AdmissionRequest, knows_user: bool) -> Option<Failed> {
        if self.conditions.is_empty() {
            return None;
        }
        let evaluated = caught(|| Ok(self.failed_in(request, knows_user)));
        evaluated.unwrap_or_else(|why| Some(self.error(why)))
    }

    fn failed_in(&self, request: &AdmissionRequest, knows_user: bool) -> Option<Failed> {
        let context = context(request);
        let mut error = None;
        for (condition, program) in &self.conditions {
            if condition.is_of_user() && !knows_user {
                continue;
            }
            let name = &condition.name;
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
        error.map(|error| self.error(error))
    }

    fn error(&self, error: String) -> Failed {
        match self.failure_policy {
            FailurePolicy::Fail => Failed::Error(error),
            FailurePolicy::Ignore => Failed::Unmet(error),
        }
    }

    /// The names of conditions on the user.
    pub fn of_user(&self) -> impl Iterator<Item = &str> {
        let conditions = self.conditions.iter().map(|(condition, _)| condition);
        let of_user = conditions.filter(|condition| condition.is_of_user());
        of_user.map(|condition| condition.name.as_str())
    }
}

impl MatchCondition {
    fn is_of_user(&self) -> bool {
        self.expression.contains("userInfo")
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

/// Variables and libraries of the API server that are not here.
const OF_SERVER: [&str; 8] = [
    "authorizer",
    "namespaceObject",
    "params",
    "variables",
    "base64",
    "math",
    "sets",
    "strings",
];

/// Why an expression has no program.
enum Refused {
    /// It needs something that only the API server knows.
    Unknown(String),
    /// The API server does not take it either.
    Wrong(String),
}

/// The program of an expression.
fn compile(expression: &str) -> Result<Expression, Refused> {
    if nests_deeply(expression) {
        let why = format!("it nests more than {DEEPEST} levels");
        return Err(Refused::Wrong(why));
    }
    let compiled = caught(|| {
        let parser = PrattParser::default().max_recursion_depth(DEEPEST);
        let parsed = parser.parse(expression);
        Ok(parsed.map_err(|error| one_line(&error.to_string())))
    });
    let program = compiled.map_err(Refused::Unknown)?.map_err(|error| {
        // Such as optional fields.
        if error.contains("unsupported syntax") {
            Refused::Unknown(error)
        } else {
            Refused::Wrong(error)
        }
    })?;
    let unknown = {
        let references = program.references();
        let functions = references.functions().into_iter();
        let is_named = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric());
        let functions = functions.filter(|name| is_named(name) && !FUNCTIONS.contains(name));
        let of_server = OF_SERVER;
        let mut variables = of_server.into_iter();
        let variable = variables.find(|name| references.has_variable(name));
        // The functions come in no order.
        variable.or(functions.min()).map(str::to_owned)
    };
    if let Some(name) = unknown {
        return Err(Refused::Unknown(format!(
            "only the API server knows {name}"
        )));
    }
    // Evaluated without an object, to see what is wrong with it whatever the object is.
    let is_constant = is_constant(&program);
    let wrong = caught(|| {
        let mut nothing = empty_context();
        for name in VARIABLES {
            nothing.add_variable_from_value(name, cel::Value::Null);
        }
        Ok(match cel::Value::resolve(&program, &nothing) {
            Err(ExecutionError::UndeclaredReference(name)) => Some(format!("there is no {name}")),
            Ok(value) if !matches!(value, cel::Value::Bool(_)) && is_constant => {
                Some(NOT_BOOLEAN.to_owned())
            }
            _ => None,
        })
    });
    match wrong.map_err(Refused::Unknown)? {
        Some(wrong) => Err(Refused::Wrong(wrong)),
        None => Ok(program),
    }
}

/// What expressions can refer to.
const VARIABLES: [&str; 3] = ["object", "oldObject", "request"];

/// Whether its value is the same for all objects.
fn is_constant(program: &Expression) -> bool {
    let references = program.references();
    !VARIABLES.iter().any(|name| references.has_variable(name))
}

/// What is said of an expression that is neither true nor false.
const NOT_BOOLEAN: &str = "expected true or false, found another value";

/// The value of an expression, which must be true or false.
fn evaluate(program: &Expression, context: &Context<'_, '_>) -> Result<bool, String> {
    match cel::Value::resolve(program, context) {
        Ok(cel::Value::Bool(value)) => Ok(value),
        Ok(_) => Err(NOT_BOOLEAN.to_owned()),
        Err(ExecutionError::NoSuchKey(key)) => Err(format!("no such key: {key}")),
        Err(error) => Err(one_line(&error.to_string())),
    }
}

/// The functions that expressions can call.
fn empty_context() -> Context<'static, 'static> {
    let mut context = Context::default();
    // The evaluator has no function of this name: its own brings tables of all of Unicode with it.
    let _ = context.add_function(MATCHES, matches);
    context
}

/// The function that compares a string with a regular expression.
const MATCHES: &str = "matches";

fn matches(This(text): This<Arc<String>>, pattern: Arc<String>) -> Result<bool, ExecutionError> {
    match Regex::new(&pattern) {
        Ok(regex) => Ok(regex.is_match(&text)),
        Err(error) => Err(ExecutionError::function_error(
            MATCHES,
            format!("'{pattern}' not a valid regex:\n{error}"),
        )),
    }
}

/// What expressions can refer to, as the API server has it when an object is applied.
fn context(request: &AdmissionRequest) -> Context<'static, 'static> {
    let mut context = empty_context();
    let namespace = request.namespace.as_deref();
    let with_defaults = |object: Option<&Value>| {
        let mut object = object.map(stored).unwrap_or_default();
        add_defaults(&mut object, namespace);
        object
    };
    let mut fields = serde_json::to_value(request).unwrap_or_default();
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("object");
        fields.remove("oldObject");
        fields.insert("dryRun".to_owned(), Value::from(false));
    }
    for (name, value) in [
        ("object", with_defaults(request.object.as_ref())),
        ("oldObject", with_defaults(request.old_object.as_ref())),
        ("request", fields),
    ] {
        context.add_variable_from_value(name, to_cel(&value));
    }
    context
}

/// A value as the API server hands it to expressions: whole numbers are of the type int.
fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => cel::Value::Int(number),
            (None, number) => cel::Value::Float(number.unwrap_or_default()),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), to_cel(value)));
            cel::Value::from(fields.collect::<HashMap<String, cel::Value>>())
        }
    }
}

/// The value as the API server stores it: fields that are null, and lists that are empty, are not there.
fn stored(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let is_there = |(key, value): &(&String, &Value)| {
                let is_empty = value.as_array().is_some_and(Vec::is_empty);
                // Only this one is required.
                !value.is_null() && (!is_empty || *key == "containers")
            };
            let fields = fields.iter().filter(is_there);
            let fields = fields.map(|(key, value)| (key.clone(), stored(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(stored).collect()),
        other => other.clone(),
    }
}

/// The values that the API server gives fields of a pod's spec that are not set, and that conditions may ask for.
const DEFAULTS: [(&str, &str); 4] = [
    ("restartPolicy", "Always"),
    ("dnsPolicy", "ClusterFirst"),
    ("schedulerName", "default-scheduler"),
    ("preemptionPolicy", "PreemptLowerPriority"),
];

/// Adds what the API server adds before it evaluates conditions: the namespace, and defaults of pods.
fn add_defaults(object: &mut Value, namespace: Option<&str>) {
    if let (Some(metadata), Some(namespace)) = (object.get_mut("metadata"), namespace)
        && let Some(metadata) = metadata.as_object_mut()
    {
        let namespace = Value::from(namespace);
        metadata.entry("namespace").or_insert(namespace);
    }
    let is_pod = object.get("kind").is_some_and(|kind| kind == "Pod");
    let Some(spec) = object.get_mut("spec").filter(|_| is_pod) else {
        return;
    };
    let account = named_in(spec).map_or(DEFAULT_ACCOUNT, |(_, name)| name);
    let account = Value::from(account);
    let Some(spec) = spec.as_object_mut() else {
        return;
    };
    for field in ["serviceAccountName", "serviceAccount"] {
        spec.insert(field.to_owned(), account.clone());
    }
    for (field, value) in DEFAULTS {
        spec.entry(field).or_insert(Value::from(value));
    }
    spec.entry("terminationGracePeriodSeconds")
        .or_insert(Value::from(30));
    spec.entry("enableServiceLinks")
        .or_insert(Value::from(true));
}

/// Whether an expression could take more stack than there is: each operator and bracket can be a level.
fn nests_deeply(expression: &str) -> bool {
    let mut depth = 0_usize;
    let mut operators = 0_usize;
    for letter in expression.chars() {
        match letter {
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !letter.is_alphanumeric() && !letter.is_whitespace() {
            operators = operators.saturating_add(1);
        }
        if depth > usize::from(DEEPEST) || operators > OPERATORS {
            return true;
        }
    }
    let words = expression.split_whitespace();
    words.filter(|word| *word == "in").count() > usize::from(DEEPEST)
}

/// Does `work` with much stack; a panic in it is an error.
#[cfg(feature = "native")]
fn caught<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    use std::panic::{self, AssertUnwindSafe};
    use std::thread;

    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK);
        let worker = worker.spawn_scoped(scope, || panic::catch_unwind(AssertUnwindSafe(work)));
        let failed = || "the evaluator failed".to_owned();
        let worker = worker.map_err(|error| error.to_string())?;
        worker.join().map_err(|_| failed())?.map_err(|_| failed())?
    })
}

/// Does `work`: there are no other threads, and whoever runs the program gives it the stack.
#[cfg(not(feature = "native"))]
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    work()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kubewarden::request::UserInfo;

    fn conditions(expressions: &[&str], failure_policy: FailurePolicy) -> MatchConditions {
        let conditions = expressions.iter().enumerate();
        let conditions = conditions.map(|(index, expression)| MatchCondition {
            name: format!("c{index}"),
            expression: (*expression).to_owned(),
        });
        MatchConditions::new(conditions.collect(), failure_policy).unwrap()
    }

    fn request() -> AdmissionRequest {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {
                "name": "a", "labels": null, "annotations": {"azure.workload.identity/client-id": "x"},
            },
            "secrets": [{"name": "s"}], "generation": 3, "ratio": 0.5,
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
            (
                "object.metadata.namespace == 'web' && !request.dryRun",
                None,
            ),
            (
                "object.generation + 1 == 4 && -object.generation == -3",
                None,
            ),
            ("object.ratio > 0.4 && object.generation * 2 > 5", None),
        ] {
            let conditions = conditions(&[expression], FailurePolicy::Fail);
            assert_eq!(conditions.skipped(), [], "{expression}");
            assert_eq!(
                conditions.failed(&request(), true),
                expected,
                "{expression}"
            );
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
                conditions.failed(&request(), true),
                Some(expected),
                "{expressions:?}"
            );
        }
    }

    #[test]
    fn pods_have_the_defaults_of_the_api_server() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
            "spec": {"serviceAccount": "robot", "restartPolicy": "Never", "containers": [{"name": "c", "env": []}]},
        });
        let request = AdmissionRequest::creation("web", pod);
        for expression in [
            "object.spec.serviceAccountName == 'robot'",
            "object.spec.restartPolicy == 'Never' && object.spec.dnsPolicy == 'ClusterFirst'",
            "object.spec.terminationGracePeriodSeconds - 1 == 29",
            "object.spec.containers.all(c, !has(c.env))",
            "object.metadata.namespace == 'web'",
        ] {
            let conditions = conditions(&[expression], FailurePolicy::Fail);
            assert_eq!(conditions.failed(&request, true), None, "{expression}");
        }
    }

    #[test]
    fn pods_have_one_service_account_in_both_fields() {
        for (spec, expected) in [
            (json!({}), "default"),
            (json!({"serviceAccountName": ""}), "default"),
            (json!({"serviceAccount": "robot"}), "robot"),
            (
                json!({"serviceAccountName": "", "serviceAccount": "robot"}),
                "robot",
            ),
            (
                json!({"serviceAccountName": "robot", "serviceAccount": "other"}),
                "robot",
            ),
        ] {
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": spec});
            let request = AdmissionRequest::creation("web", pod);
            for field in ["serviceAccountName", "serviceAccount"] {
                let expression = format!("object.spec.{field} == '{expected}'");
                let conditions = conditions(&[&expression], FailurePolicy::Fail);
                assert_eq!(
                    conditions.failed(&request, true),
                    None,
                    "{expression} {spec}"
                );
            }
        }
    }

    #[test]
    fn who_asks_may_not_be_known() {
        let groups = "!('system:nodes' in request.userInfo.groups)";
        let conditions = conditions(&[groups, "true"], FailurePolicy::Fail);
        assert_eq!(conditions.of_user().collect::<Vec<_>>(), ["c0"]);
        assert_eq!(conditions.failed(&request(), false), None);
        let mut known = request();
        known.user_info = UserInfo::named("jane", &["system:nodes".to_owned()]);
        let unmet = Failed::Unmet("its matchCondition \"c0\" is false".to_owned());
        assert_eq!(conditions.failed(&known, true), Some(unmet));
    }

    #[test]
    fn says_what_is_not_evaluated() {
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
        ] {
            let conditions = conditions(&[expression], FailurePolicy::Fail);
            let skipped = [("c0".to_owned(), expected.to_owned())];
            assert_eq!(conditions.skipped(), skipped, "{expression}");
            assert_eq!(conditions.failed(&request(), true), None);
        }
    }

    #[test]
    fn what_the_api_server_does_not_take_is_an_error() {
        let deep = "(".repeat(20_000);
        let long = "!".repeat(20_000);
        let chain = ["1"; 5000].join("/");
        let list = "true in [".repeat(240) + &"]".repeat(240);
        for (expression, expected) in [
            (deep.as_str(), "it nests more than 250 levels"),
            (long.as_str(), "it nests more than 250 levels"),
            (chain.as_str(), "it nests more than 250 levels"),
            ("objct.kind == 'Pod'", "there is no objct"),
            ("'a'", NOT_BOOLEAN),
            ("object.metadata.name.startsWith(", "Syntax error"),
        ] {
            let condition = MatchCondition {
                name: "c".to_owned(),
                expression: expression.to_owned(),
            };
            let fine = MatchCondition {
                name: "fine".to_owned(),
                expression: list.clone(),
            };
            let error = MatchConditions::new(vec![fine, condition], FailurePolicy::Fail);
            let (index, why) = error.unwrap_err();
            assert_eq!(index, 1);
            assert!(why.contains(expected), "{expression}: {why}");
        }
    }
}
