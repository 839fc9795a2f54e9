//! Which requests a deployed policy gets to see: its rules, selectors and conditions.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::input::manifests::Manifest;
use crate::kubewarden::match_conditions::{Failed, MatchConditions};
use crate::kubewarden::request::AdmissionRequest;

/// The label that Kubernetes gives each namespace: its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The part of a policy's spec that says which requests it gets to see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// The only namespace whose requests count: that of an AdmissionPolicy.
    pub namespace: Option<String>,
    /// Operations and resources; all if the manifest does not say.
    pub rules: Vec<Rule>,
    /// Which objects count, by their labels.
    pub object_selector: Selector,
    /// Which namespaces count, by their labels.
    pub namespace_selector: Selector,
    /// What else must be true.
    pub match_conditions: MatchConditions,
}

/// Operations on resources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    #[serde(default)]
    api_groups: Vec<String>,
    #[serde(default)]
    api_versions: Vec<String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    operations: Vec<Operation>,
    /// Whether only namespaced objects count, or only others. All that the policy reviews are namespaced.
    #[serde(default)]
    scope: RuleScope,
}

/// An operation, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Operation {
    #[serde(rename = "CREATE")]
    Create,
    #[serde(rename = "UPDATE")]
    Update,
    #[serde(rename = "DELETE")]
    Delete,
    #[serde(rename = "CONNECT")]
    Connect,
    #[serde(rename = "*")]
    All,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum RuleScope {
    #[default]
    #[serde(rename = "*")]
    All,
    Namespaced,
    Cluster,
}

/// A `LabelSelector` of Kubernetes, which selects everything if it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selector {
    #[serde(default)]
    match_labels: BTreeMap<String, String>,
    #[serde(default)]
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expression {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// Why a policy does not get to see a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exclusion {
    /// Kubernetes does not know the kind, so that nobody is sent the request.
    Kind(String),
    /// The policy is not for the request's namespace.
    Namespace(String),
    /// The policy is not for such objects.
    Object(String),
    /// Whether it is cannot be found out, so that the API server rejects the request.
    Failure(String),
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(reason)
            | Self::Namespace(reason)
            | Self::Object(reason)
            | Self::Failure(reason) => f.write_str(reason),
        }
    }
}

/// The labels of the namespaces among manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces(BTreeMap<String, BTreeMap<String, String>>);

impl Namespaces {
    /// The namespaces among `manifests`.
    pub fn among(manifests: &[Manifest]) -> Self {
        let namespaces = manifests
            .iter()
            .filter(|manifest| manifest.is("v1", "Namespace"));
        Self(
            namespaces
                .filter_map(|manifest| {
                    Some((manifest.name()?.to_owned(), labels(&manifest.object)))
                })
                .collect(),
        )
    }
}

impl Scope {
    /// Why `request` is not sent to the policy; `None` if it is.
    ///
    /// Of a namespace that is not among `namespaces`, only the name is known: what a selector asks of its other labels
    /// counts as met. So does what a condition says of the user, unless that is known.
    pub fn excludes(
        &self,
        request: &AdmissionRequest,
        namespaces: &Namespaces,
        knows_user: bool,
    ) -> Option<Exclusion> {
        let namespace = request.namespace.as_deref().unwrap_or_default();
        if let Some(own) = self.namespace.as_deref().filter(|own| *own != namespace) {
            let reason = format!("its AdmissionPolicy is for namespace {own} alone");
            return Some(Exclusion::Namespace(reason));
        }
        let resource = &request.resource;
        if !self.covers(&resource.group, &resource.version, &resource.resource) {
            return Some(Exclusion::Object(format!(
                "none of its rules covers {} of {}",
                request.operation, request.resource.resource
            )));
        }
        let of_object = request.object.as_ref().map(labels).unwrap_or_default();
        if let Some(unmet) = self.object_selector.unmet(&of_object, |_| true) {
            let reason = format!("its objectSelector asks for {unmet}");
            return Some(Exclusion::Object(reason));
        }
        let known = namespaces.0.get(namespace);
        let mut of_namespace = known.cloned().unwrap_or_default();
        of_namespace.insert(NAME_LABEL.to_owned(), namespace.to_owned());
        let is_known = |key: &str| known.is_some() || key == NAME_LABEL;
        if let Some(unmet) = self.namespace_selector.unmet(&of_namespace, is_known) {
            let reason = format!("its namespaceSelector asks for {unmet}");
            return Some(Exclusion::Namespace(reason));
        }
        match self.match_conditions.failed(request, knows_user)? {
            Failed::Unmet(reason) => Some(Exclusion::Object(reason)),
            Failed::Error(reason) => Some(Exclusion::Failure(reason)),
        }
    }

    /// Whether it depends on labels of a namespace that are not known, and count as met.
    pub fn assumes(&self, namespace: &str, namespaces: &Namespaces) -> bool {
        let keys = self.namespace_selector.match_labels.keys();
        let expressions = self.namespace_selector.match_expressions.iter();
        let mut keys = keys.chain(expressions.map(|expression| &expression.key));
        !namespaces.0.contains_key(namespace) && keys.any(|key| key != NAME_LABEL)
    }

    /// Whether any rule covers the creation of such objects, wherever they are.
    pub fn covers(&self, group: &str, version: &str, resource: &str) -> bool {
        let covers = |rule: &Rule| rule.covers(Operation::Create, group, version, resource);
        self.rules.is_empty() || self.rules.iter().any(covers)
    }
}

impl Rule {
    fn covers(&self, operation: Operation, group: &str, version: &str, resource: &str) -> bool {
        let mut operations = self.operations.iter();
        operations.any(|own| *own == operation || *own == Operation::All)
            && self.scope != RuleScope::Cluster
            && has(&self.api_groups, group)
            && has(&self.api_versions, version)
            && (has(&self.resources, resource) || has(&self.resources, "*/*"))
    }
}

impl Selector {
    /// Drops `matchLabels`, and tells whether there are any: of a `namespaceSelector`, Kubewarden passes only the expressions on.
    pub fn drop_labels(&mut self) -> bool {
        let has_labels = !self.match_labels.is_empty();
        self.match_labels.clear();
        has_labels
    }

    /// The first requirement that `labels` do not meet, of those on labels that are known.
    fn unmet(
        &self,
        labels: &BTreeMap<String, String>,
        is_known: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let by_label = self
            .match_labels
            .iter()
            .filter(|(key, value)| is_known(key) && labels.get(*key) != Some(value))
            .map(|(key, value)| format!("label {key}: {value:?}"));
        let by_expression = self
            .match_expressions
            .iter()
            .filter(|expression| is_known(&expression.key) && !expression.is_met(labels))
            .map(Expression::text);
        by_label.chain(by_expression).next()
    }
}

impl Expression {
    fn is_met(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }

    fn text(&self) -> String {
        let Self { key, values, .. } = self;
        let values = values.join(", ");
        match self.operator {
            Operator::In => format!("label {key} in ({values})"),
            Operator::NotIn => format!("label {key} not in ({values})"),
            Operator::Exists => format!("label {key}"),
            Operator::DoesNotExist => format!("no label {key}"),
        }
    }
}

/// Whether `list` names `wanted`, or all.
fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|entry| entry == wanted || entry == "*")
}

fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    labels
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::input::manifests::read_text;

    /// The fields of a policy's spec that are its scope.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    #[derive(Default)]
    struct Fields {
        rules: Vec<Rule>,
        object_selector: Selector,
        namespace_selector: Selector,
    }

    const RULES: &str = r#"[{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]"#;

    fn scope(selectors: &str) -> Scope {
        scope_of(&format!(r#"{{"rules": {RULES}{selectors}}}"#))
    }

    fn scope_of(fields: &str) -> Scope {
        let fields: Fields = serde_json::from_str(fields).unwrap();
        Scope {
            rules: fields.rules,
            object_selector: fields.object_selector,
            namespace_selector: fields.namespace_selector,
            ..Scope::default()
        }
    }

    fn pod() -> AdmissionRequest {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": "b"}}});
        AdmissionRequest::creation("web", pod)
    }

    fn namespaces() -> Namespaces {
        let namespace =
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: web, labels: {env: prod}}\n";
        Namespaces::among(&read_text("f", namespace).unwrap())
    }

    #[track_caller]
    fn excludes(scope: &Scope, namespaces: &Namespaces, expected: Option<&str>) {
        let exclusion = scope.excludes(&pod(), namespaces, true);
        let reason = exclusion.map(|exclusion| exclusion.to_string());
        assert_eq!(reason.as_deref(), expected);
    }

    #[test]
    fn rules_name_operations_and_resources() {
        excludes(&scope(""), &namespaces(), None);
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment"});
        assert_eq!(
            scope("").excludes(
                &AdmissionRequest::creation("web", deployment),
                &namespaces(),
                true
            ),
            Some(Exclusion::Object(
                "none of its rules covers CREATE of deployments".to_owned()
            ))
        );
        let all = r#"{"rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}]}"#;
        excludes(&scope_of(all), &namespaces(), None);
        excludes(&Scope::default(), &namespaces(), None);
    }

    #[test]
    fn rules_can_be_for_cluster_wide_objects_alone() {
        let rules = RULES.replace("}]", r#", "scope": "Cluster"}]"#);
        let scope = scope_of(&format!(r#"{{"rules": {rules}}}"#));
        excludes(
            &scope,
            &namespaces(),
            Some("none of its rules covers CREATE of pods"),
        );
        assert!(!scope.covers("", "v1", "pods"));
    }

    #[test]
    fn an_admission_policy_is_for_its_namespace() {
        let of = |namespace: &str| Scope {
            namespace: Some(namespace.to_owned()),
            ..scope("")
        };
        excludes(&of("web"), &namespaces(), None);
        let other = "its AdmissionPolicy is for namespace shop alone";
        excludes(&of("shop"), &namespaces(), Some(other));
    }

    #[test]
    fn selectors_go_by_labels() {
        for (selector, expected) in [
            (r#"{"matchLabels": {"a": "b"}}"#, None),
            (r#"{"matchLabels": {"a": "c"}}"#, Some("label a: \"c\"")),
            (
                r#"{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "c"]}]}"#,
                None,
            ),
            (
                r#"{"matchExpressions": [{"key": "z", "operator": "In", "values": ["b", "c"]}]}"#,
                Some("label z in (b, c)"),
            ),
            (
                r#"{"matchExpressions": [{"key": "z", "operator": "NotIn", "values": ["b"]}]}"#,
                None,
            ),
            (
                r#"{"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}"#,
                Some("label a not in (b)"),
            ),
            (
                r#"{"matchExpressions": [{"key": "z", "operator": "Exists"}]}"#,
                Some("label z"),
            ),
            (
                r#"{"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}"#,
                Some("no label a"),
            ),
        ] {
            let scope = scope(&format!(r#", "objectSelector": {selector}"#));
            let expected = expected.map(|unmet| format!("its objectSelector asks for {unmet}"));
            excludes(&scope, &namespaces(), expected.as_deref());
        }
    }

    #[test]
    fn labels_of_a_namespace_count_where_they_are_known() {
        let by_label = scope(r#", "namespaceSelector": {"matchLabels": {"env": "test"}}"#);
        excludes(&by_label, &Namespaces::default(), None);
        let unmet = "its namespaceSelector asks for label env: \"test\"";
        excludes(&by_label, &namespaces(), Some(unmet));
        let by_name = scope(
            r#", "namespaceSelector": {"matchExpressions":
                [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["web"]}]}"#,
        );
        let unmet = "its namespaceSelector asks for label kubernetes.io/metadata.name not in (web)";
        excludes(&by_name, &Namespaces::default(), Some(unmet));
    }
}
