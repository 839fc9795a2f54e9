//! Permissions by Kubernetes' role-based access control, from the roles and bindings among manifests.
//!
//! The answers are those of a cluster that has these and no other roles and bindings, and its own role `cluster-admin`.

mod objects;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::input::manifests::Manifest;
use crate::kubewarden::can_i::{ResourceAttributes, SubjectAccessReview};
use crate::kubewarden::request;
pub use objects::{API_VERSION, GROUP, is_name};
use objects::{Binding, Role, RoleRef, Rule, Subject};

/// The group whose members may do everything, whatever the roles say.
const MASTERS: &str = "system:masters";

/// The role for everything, which each cluster has.
const ADMIN: &str = "cluster-admin";

/// What stands for anything in rules.
const ANY: &str = "*";

/// A role or a binding: its namespace, `None` if it is for the whole cluster, and its name.
type Name = (Option<String>, String);

/// Roles and bindings. In place of one that Kubernetes would reject stands the reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rbac {
    roles: BTreeMap<Name, Result<Role, String>>,
    bindings: BTreeMap<Name, Result<Binding, String>>,
}

/// A `SubjectAccessReviewStatus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether it is permitted.
    pub allowed: bool,
    /// Why; if it is not, what lacks, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Rbac {
    /// The roles and bindings among `manifests`. Of two with the same name the later one counts, as if both were applied.
    pub fn among(manifests: &[Manifest], default_namespace: &str) -> Self {
        let admin = Role {
            rules: vec![Rule::everything()],
            ..Role::default()
        };
        let mut rbac = Self {
            roles: BTreeMap::from([((None, ADMIN.to_owned()), Ok(admin))]),
            ..Self::default()
        };
        for manifest in manifests {
            if manifest.api_version != API_VERSION {
                continue;
            }
            let name = manifest.name().unwrap_or_default().to_owned();
            let namespace = manifest.namespace().filter(|name| !name.is_empty());
            let namespace = namespace.unwrap_or(default_namespace).to_owned();
            match manifest.kind.as_str() {
                "ClusterRole" => {
                    rbac.roles.insert((None, name), objects::role(manifest));
                }
                "Role" => {
                    let role = objects::role(manifest);
                    rbac.roles.insert((Some(namespace), name), role);
                }
                "ClusterRoleBinding" => {
                    let binding = objects::binding(manifest);
                    rbac.bindings.insert((None, name), binding);
                }
                "RoleBinding" => {
                    let binding = objects::binding(manifest);
                    rbac.bindings.insert((Some(namespace), name), binding);
                }
                _ => {}
            }
        }
        rbac
    }

    /// Whether the user of `question` is permitted what it asks for.
    ///
    /// # Errors
    ///
    /// What would have to be known to deny it.
    pub fn review(&self, question: &SubjectAccessReview) -> Result<Status, String> {
        if question
            .groups
            .iter()
            .flatten()
            .any(|group| group == MASTERS)
        {
            return Ok(Status {
                allowed: true,
                reason: None,
            });
        }
        let asked = question.resource_attributes.namespace();
        let mut unknown = None;
        let mut is_empty = true;
        // Those for the whole cluster come first.
        for (name, binding) in &self.bindings {
            if name.0.as_deref().is_some_and(|own| own != asked) {
                continue;
            }
            is_empty = false;
            match self.grants(name, binding, question) {
                Ok(Some(reason)) => {
                    return Ok(Status {
                        allowed: true,
                        reason: Some(reason),
                    });
                }
                Ok(None) => {}
                Err(why) => {
                    unknown.get_or_insert(why);
                }
            }
        }
        if let Some(unknown) = unknown {
            return Err(unknown);
        }
        let reason = self.lacks(question);
        if is_empty && reason.is_none() {
            return Err("no ClusterRoleBinding is among the manifests".to_owned());
        }
        Ok(Status {
            allowed: false,
            reason,
        })
    }

    /// Why a binding grants it, in the words of Kubernetes, if it does.
    fn grants(
        &self,
        name: &Name,
        binding: &Result<Binding, String>,
        question: &SubjectAccessReview,
    ) -> Result<Option<String>, String> {
        let binding = binding.as_ref().map_err(|fault| {
            let title = title("RoleBinding", name);
            format!("Kubernetes would reject {title}: {fault}")
        })?;
        let namespace = name.0.as_deref().unwrap_or_default();
        let mut subjects = binding.subjects.iter();
        let Some(subject) = subjects.find(|subject| subject.is(question, namespace)) else {
            return Ok(None);
        };
        let rules = self.rules(&binding.role(name)).map_err(|why| {
            let title = title("RoleBinding", name);
            format!("{why}, and {title} refers to it")
        })?;
        let attributes = &question.resource_attributes;
        Ok(rules.iter().any(|rule| rule.allows(attributes)).then(|| {
            let title = match &name.0 {
                None => format!("ClusterRoleBinding {:?}", name.1),
                Some(namespace) => format!("RoleBinding {:?}", format!("{}/{namespace}", name.1)),
            };
            let RoleRef { kind, name, .. } = &binding.role_ref;
            let subject = subject.description(namespace);
            format!("RBAC: allowed by {title} of {kind} {name:?} to {subject}")
        }))
    }

    /// The rules of a role.
    fn rules(&self, name: &Name) -> Result<&[Rule], String> {
        let title = || title("Role", name);
        match self.roles.get(name) {
            Some(Ok(role)) if role.aggregation_rule.is_none() => Ok(&role.rules),
            Some(Ok(_)) => Err(format!("{} gets its rules from other roles", title())),
            Some(Err(fault)) => Err(format!("Kubernetes would reject {} ({fault})", title())),
            None => Err(format!("{} is not among the manifests", title())),
        }
    }

    /// What a binding lacks that does not grant it, but was meant to.
    fn lacks(&self, question: &SubjectAccessReview) -> Option<String> {
        let attributes = &question.resource_attributes;
        if !attributes.namespace().is_empty() {
            return None;
        }
        let mut upper = question.clone();
        upper.resource_attributes.resource.make_ascii_uppercase();
        self.bindings.iter().find_map(|(name, stored)| {
            let binding = stored.as_ref().ok()?;
            let role = title("Role", &binding.role(name));
            let grants = |question| {
                self.grants(name, stored, question)
                    .is_ok_and(|reason| reason.is_some())
            };
            if name.0.is_none() {
                return grants(&upper).then(|| {
                    format!(
                        "{role} has the resource in upper case; write {}",
                        attributes.resource
                    )
                });
            }
            let title = title("RoleBinding", name);
            let (of, make) = if binding.role_ref.kind == "Role" {
                (
                    format!(" of {role}"),
                    "them a ClusterRoleBinding of a ClusterRole",
                )
            } else {
                (String::new(), "it a ClusterRoleBinding")
            };
            grants(question)
                .then(|| format!("{title}{of} grants it in one namespace only; make {make}"))
        })
    }
}

impl Rule {
    fn everything() -> Self {
        let any = || vec![ANY.to_owned()];
        Self {
            verbs: any(),
            api_groups: any(),
            resources: any(),
            ..Self::default()
        }
    }

    fn allows(&self, wanted: &ResourceAttributes) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|listed| listed == wanted);
        let has_or_any = |list: &[String], wanted: &str| has(list, ANY) || has(list, wanted);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let resource = match text(&wanted.subresource).as_str() {
            "" => has_or_any(&self.resources, &wanted.resource),
            part => {
                has_or_any(&self.resources, &format!("{}/{part}", wanted.resource))
                    || has(&self.resources, &format!("{ANY}/{part}"))
            }
        };
        resource
            && has_or_any(&self.verbs, &wanted.verb)
            && has_or_any(&self.api_groups, &text(&wanted.group))
            && (self.resource_names.is_empty() || has(&self.resource_names, &text(&wanted.name)))
    }
}

impl Binding {
    /// The role that the binding gives, which is called `name`.
    fn role(&self, name: &Name) -> Name {
        let RoleRef {
            kind, name: role, ..
        } = &self.role_ref;
        let namespace = if kind == "Role" { name.0.clone() } else { None };
        (namespace, role.clone())
    }
}

impl Subject {
    /// Whether it is the user who asks, or a group of theirs; `namespace` is that of the binding.
    fn is(&self, question: &SubjectAccessReview, namespace: &str) -> bool {
        match self.kind.as_str() {
            "User" => question.user == self.name,
            "Group" => question
                .groups
                .iter()
                .flatten()
                .any(|group| *group == self.name),
            _ => {
                let account = (self.namespace_in(namespace), self.name.as_str());
                request::service_account(&question.user) == Some(account)
            }
        }
    }

    /// The subject as Kubernetes describes it.
    fn description(&self, namespace: &str) -> String {
        let Self { kind, name, .. } = self;
        if kind == "ServiceAccount" {
            return format!(
                "{kind} {:?}",
                format!("{name}/{}", self.namespace_in(namespace))
            );
        }
        format!("{kind} {name:?}")
    }

    /// A ServiceAccount's namespace, which is the binding's unless it says otherwise.
    fn namespace_in<'n>(&'n self, namespace: &'n str) -> &'n str {
        if self.namespace.is_empty() {
            namespace
        } else {
            &self.namespace
        }
    }
}

/// A role or binding as messages name it: with its namespace, or as `Cluster` and its kind.
fn title(kind: &str, (namespace, name): &Name) -> String {
    match namespace {
        None => format!("Cluster{kind} {name}"),
        Some(namespace) => format!("{kind} {namespace}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::input::manifests;

    use super::*;

    const ALLOWED: &str = r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to "#;

    /// The answer that `objects`, each without its `apiVersion`, give to a question.
    fn review(objects: &[&str], question: &Value) -> Result<Status, String> {
        let documents = objects
            .iter()
            .map(|object| format!("---\napiVersion: {API_VERSION}\n{object}\n"));
        let manifests = manifests::read_text("f", &documents.collect::<String>()).unwrap();
        Rbac::among(&manifests, "default")
            .review(&serde_json::from_value(question.clone()).unwrap())
    }

    /// Whether `user` may do something in the whole cluster: `VERB GROUP RESOURCE`, and a part and a name if there are.
    fn question(user: &str, groups: &[&str], wanted: &str) -> Value {
        let mut words = wanted.split(' ').map(str::to_owned);
        let mut word = || words.next();
        json!({
            "user": user,
            "groups": groups,
            "resource_attributes": {
                "verb": word(),
                "group": word(),
                "resource": word(),
                "subresource": word(),
                "name": word(),
            },
        })
    }

    fn in_namespace(mut question: Value, namespace: &str) -> Value {
        question["resource_attributes"]["namespace"] = namespace.into();
        question
    }

    fn allowed(reason: &str) -> Result<Status, String> {
        Ok(Status {
            allowed: true,
            reason: Some(reason.to_owned()),
        })
    }

    fn denied(reason: Option<&str>) -> Result<Status, String> {
        Ok(Status {
            allowed: false,
            reason: reason.map(str::to_owned),
        })
    }

    /// The expected values are those of Kubernetes' own authorizer.
    #[test]
    fn rules_allow_what_they_allow_in_kubernetes() {
        for (rules, wanted, is_allowed) in [
            ("[]", "use g id", false),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id]}]",
                "use g id",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id]}]",
                "Use g id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id]}]",
                "use G id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id]}]",
                "use g other",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id]}]",
                "use g *",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id]}]",
                "use g id  name",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id]}]",
                "use g id part",
                false,
            ),
            (
                "[{verbs: [get, use], apiGroups: [a, g], resources: [x, id]}]",
                "use g id",
                true,
            ),
            (
                "[{verbs: [get], apiGroups: [g], resources: [id]}, {verbs: [use], apiGroups: [g], resources: [id]}]",
                "use g id",
                true,
            ),
            (
                "[{verbs: [get], apiGroups: [g], resources: [id]}, {verbs: [use], apiGroups: [g], resources: [x]}]",
                "use g id",
                false,
            ),
            (
                "[{verbs: ['*'], apiGroups: [g], resources: [id]}]",
                "use g id",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: ['*'], resources: [id]}]",
                "use g id",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: ['*']}]",
                "use g id",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: ['*']}]",
                "use g id part",
                true,
            ),
            (
                "[{verbs: ['u*'], apiGroups: [g], resources: [id]}]",
                "use g id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: ['*.g'], resources: [id]}]",
                "use a.g id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: ['i*']}]",
                "use g id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [''], resources: [id]}]",
                "use g id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [''], resources: [id]}]",
                "use  id",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id/part]}]",
                "use g id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id/part]}]",
                "use g id part",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: ['*/part']}]",
                "use g id part",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: ['*/part']}]",
                "use g id Part",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: ['*/part']}]",
                "use g id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: ['id/*']}]",
                "use g id part",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: ['*/*']}]",
                "use g id part",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id], resourceNames: []}]",
                "use g id",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id], resourceNames: [n]}]",
                "use g id",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id], resourceNames: [n]}]",
                "use g id  n",
                true,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id], resourceNames: [n]}]",
                "use g id  N",
                false,
            ),
            (
                "[{verbs: [use], apiGroups: [g], resources: [id], resourceNames: ['*']}]",
                "use g id  n",
                false,
            ),
            (
                "[{verbs: ['*'], nonResourceURLs: ['*']}]",
                "use g id",
                false,
            ),
        ] {
            let expected = if is_allowed {
                allowed(&format!("{ALLOWED}User \"u\""))
            } else {
                denied(None)
            };
            let objects = [
                format!("kind: ClusterRole\nmetadata: {{name: r}}\nrules: {rules}"),
                "kind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: r}\n\
                 subjects: [{kind: User, name: u}]"
                    .to_owned(),
            ];
            let objects: Vec<_> = objects.iter().map(String::as_str).collect();
            let question = question("u", &[], wanted);
            assert_eq!(review(&objects, &question), expected, "{rules} {wanted}");
        }
    }

    const ROLE: &str = "kind: ClusterRole\nmetadata: {name: r}\n\
                        rules: [{verbs: [use], apiGroups: [g], resources: [id]}]";

    /// The expected values are those of Kubernetes' own authorizer.
    #[test]
    fn subjects_are_whom_they_are_in_kubernetes() {
        let api = "system:serviceaccount:web:api";
        let groups = &[
            "system:serviceaccounts",
            "system:serviceaccounts:web",
            "system:authenticated",
        ][..];
        for (subjects, user, groups, expected) in [
            ("null", "u", groups, None),
            ("[{kind: User, name: u}]", "u", &[], Some(r#"User "u""#)),
            ("[{kind: User, name: u}]", "U", &[], None),
            ("[{kind: User, name: '*'}]", "u", &[], None),
            ("[{kind: User, name: u}]", "x", &["u"], None),
            ("[{kind: Group, name: u}]", "u", &[], None),
            (
                "[{kind: Group, name: ops}]",
                "u",
                &["dev", "ops"],
                Some(r#"Group "ops""#),
            ),
            ("[{kind: Group, name: ops}]", "u", &["Ops"], None),
            (
                "[{kind: ServiceAccount, name: api, namespace: web}]",
                api,
                &[],
                Some(r#"ServiceAccount "api/web""#),
            ),
            (
                "[{kind: ServiceAccount, name: api, namespace: we}]",
                api,
                &[],
                None,
            ),
            (
                "[{kind: ServiceAccount, name: api, namespace: other}]",
                api,
                groups,
                None,
            ),
            (
                "[{kind: ServiceAccount, name: other, namespace: web}]",
                api,
                groups,
                None,
            ),
            (
                "[{kind: ServiceAccount, name: api, namespace: web}]",
                "api",
                groups,
                None,
            ),
            (
                "[{kind: User, name: 'system:serviceaccount:web:api'}]",
                api,
                &[],
                Some(r#"User "system:serviceaccount:web:api""#),
            ),
            (
                "[{kind: User, name: api, namespace: web}]",
                api,
                groups,
                None,
            ),
            (
                "[{kind: Group, name: 'system:serviceaccounts'}]",
                api,
                groups,
                Some(r#"Group "system:serviceaccounts""#),
            ),
            (
                "[{kind: Group, name: 'system:serviceaccounts:web'}]",
                api,
                groups,
                Some(r#"Group "system:serviceaccounts:web""#),
            ),
            (
                "[{kind: Group, name: 'system:serviceaccounts:we'}]",
                api,
                groups,
                None,
            ),
            (
                "[{kind: Group, name: 'system:authenticated'}]",
                api,
                groups,
                Some(r#"Group "system:authenticated""#),
            ),
            (
                "[{kind: Group, name: 'system:authenticated'}]",
                api,
                &[],
                None,
            ),
            (
                "[{kind: User, name: x}, {kind: Group, name: ops}, {kind: User, name: u}]",
                "u",
                &["ops"],
                Some(r#"Group "ops""#),
            ),
        ] {
            let expected = match expected {
                Some(subject) => allowed(&format!("{ALLOWED}{subject}")),
                None => denied(None),
            };
            let binding = format!(
                "kind: ClusterRoleBinding\nmetadata: {{name: b}}\n\
                 roleRef: {{kind: ClusterRole, name: r}}\nsubjects: {subjects}"
            );
            let question = question(user, groups, "use g id");
            assert_eq!(
                review(&[ROLE, &binding], &question),
                expected,
                "{subjects} {user}"
            );
        }
    }

    const NARROW: &str = "kind: RoleBinding\nmetadata: {name: n, namespace: web}\n\
                          roleRef: {kind: ClusterRole, name: r}\n\
                          subjects: [{kind: ServiceAccount, name: api}]";
    const NARROW_ROLE: &str = "kind: Role\nmetadata: {name: own, namespace: web}\n\
                               rules: [{verbs: [use], apiGroups: [g], resources: [id]}]";
    const NARROWER: &str = "kind: RoleBinding\nmetadata: {name: o, namespace: web}\n\
                            roleRef: {kind: Role, name: own}\n\
                            subjects: [{kind: ServiceAccount, name: api, namespace: web}]";
    const OTHER: &str = "kind: ClusterRoleBinding\nmetadata: {name: other}\n\
                         roleRef: {kind: ClusterRole, name: r}\n\
                         subjects: [{kind: User, name: jane}]";

    fn of_api() -> Value {
        question("system:serviceaccount:web:api", &[], "use g id")
    }

    #[test]
    fn a_role_binding_grants_in_its_namespace() {
        for (namespace, objects, expected) in [
            (
                "web",
                &[ROLE, NARROW][..],
                allowed(
                    r#"RBAC: allowed by RoleBinding "n/web" of ClusterRole "r" to ServiceAccount "api/web""#,
                ),
            ),
            (
                "web",
                &[NARROW_ROLE, NARROWER],
                allowed(
                    r#"RBAC: allowed by RoleBinding "o/web" of Role "own" to ServiceAccount "api/web""#,
                ),
            ),
            ("other", &[ROLE, NARROW, OTHER], denied(None)),
            (
                "",
                &[ROLE, NARROW],
                denied(Some(
                    "RoleBinding web/n grants it in one namespace only; make it a ClusterRoleBinding",
                )),
            ),
            (
                "",
                &[NARROW_ROLE, NARROWER, ROLE, OTHER],
                denied(Some(
                    "RoleBinding web/o of Role web/own grants it in one namespace only; \
                     make them a ClusterRoleBinding of a ClusterRole",
                )),
            ),
        ] {
            let question = in_namespace(of_api(), namespace);
            assert_eq!(
                review(objects, &question),
                expected,
                "{namespace} {objects:?}"
            );
        }
    }

    #[test]
    fn a_denial_says_what_lacks() {
        let upper = ROLE.replace("[id]", "[ID]");
        let binding = OTHER.replace(
            "kind: User, name: jane",
            "kind: ServiceAccount, name: api, namespace: web",
        );
        assert_eq!(
            review(&[&upper, &binding], &of_api()),
            denied(Some(
                "ClusterRole r has the resource in upper case; write id"
            ))
        );
        assert_eq!(review(&[&upper, OTHER], &of_api()), denied(None));
    }

    #[test]
    fn what_is_not_known_is_no_denial() {
        let api = "subjects: [{kind: ServiceAccount, name: api, namespace: web}]";
        let binding = |role: &str| {
            format!(
                "kind: ClusterRoleBinding\nmetadata: {{name: b}}\nroleRef: {{kind: ClusterRole, name: {role}}}\n{api}"
            )
        };
        let to_view = binding("view");
        let to_broken = binding("broken");
        let broken = "kind: ClusterRole\nmetadata: {name: broken}\nrules: [{verbs: [], apiGroups: [g], resources: [id]}]";
        let aggregated = "kind: ClusterRole\nmetadata: {name: view}\naggregationRule: {clusterRoleSelectors: [{}]}\n\
                          rules: [{verbs: [use], apiGroups: [g], resources: [id]}]";
        let of_nobody = "kind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: r}\n\
                         subjects: [{kind: ServiceAccount, name: api}]";
        let narrow = "kind: RoleBinding\nmetadata: {name: n, namespace: web}\nroleRef: {kind: Role, name: gone}\n\
                      subjects: [{kind: ServiceAccount, name: api}]";
        for (objects, namespace, expected) in [
            (&[][..], "", "no ClusterRoleBinding is among the manifests"),
            (
                &[ROLE, NARROW_ROLE],
                "",
                "no ClusterRoleBinding is among the manifests",
            ),
            (
                &[OTHER, &to_view],
                "",
                "ClusterRole view is not among the manifests, and ClusterRoleBinding b refers to it",
            ),
            (
                &[aggregated, &to_view],
                "",
                "ClusterRole view gets its rules from other roles, and ClusterRoleBinding b refers to it",
            ),
            (
                &[broken, &to_broken],
                "",
                "Kubernetes would reject ClusterRole broken (rules[0].verbs: expected one at least, found none), \
                 and ClusterRoleBinding b refers to it",
            ),
            (
                &[ROLE, of_nobody],
                "",
                "Kubernetes would reject ClusterRoleBinding b: subjects[0].namespace: expected a namespace, found none",
            ),
            (
                &[narrow],
                "web",
                "Role web/gone is not among the manifests, and RoleBinding web/n refers to it",
            ),
        ] {
            let question = in_namespace(of_api(), namespace);
            assert_eq!(
                review(objects, &question),
                Err(expected.to_owned()),
                "{objects:?}"
            );
        }
        let grants = OTHER.replace(
            "kind: User, name: jane",
            "kind: ServiceAccount, name: api, namespace: web",
        );
        assert_eq!(
            review(&[ROLE, &to_view, &grants], &of_api()),
            allowed(
                r#"RBAC: allowed by ClusterRoleBinding "other" of ClusterRole "r" to ServiceAccount "api/web""#
            )
        );
        // Of whom the binding is not, the role does not matter.
        let jane = question("jane", &[], "get g id");
        assert_eq!(review(&[ROLE, OTHER, &to_view], &jane), denied(None));
    }

    #[test]
    fn administrators_may_do_everything() {
        let binding = "kind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: cluster-admin}\n\
                       subjects: [{kind: User, name: u}]";
        assert_eq!(
            review(&[binding], &question("u", &[], "use g id part")),
            allowed(
                r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "cluster-admin" to User "u""#
            )
        );
        let own = "kind: ClusterRole\nmetadata: {name: cluster-admin}\nrules: []";
        assert_eq!(
            review(&[binding, own], &question("u", &[], "use g id")),
            denied(None)
        );
        assert_eq!(
            review(&[], &question("u", &["system:masters"], "use g id")),
            Ok(Status {
                allowed: true,
                reason: None
            })
        );
    }

    #[test]
    fn of_two_with_one_name_the_later_counts() {
        let binding = OTHER.replace("name: jane", "name: joe");
        assert_eq!(
            review(&[ROLE, OTHER, &binding], &question("jane", &[], "use g id")),
            denied(None)
        );
    }

    #[test]
    fn objects_without_a_namespace_are_in_the_default_one() {
        let question = question("system:serviceaccount:default:api", &[], "use g id");
        for namespace in ["null", "''"] {
            let binding = NARROW.replace("namespace: web", &format!("namespace: {namespace}"));
            assert_eq!(
                review(&[ROLE, &binding], &question),
                denied(Some(
                    "RoleBinding default/n grants it in one namespace only; make it a ClusterRoleBinding"
                ))
            );
        }
    }
}
