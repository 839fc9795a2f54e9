//! The host's side of a policy's host calls: what a policy may ask, and the answers.
//!
//! Policies tell errors apart by their text alone, so each text is Kubewarden's, word for word.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::kubewarden::capabilities::{self, Capabilities};
use crate::kubewarden::cluster::Cluster;
use crate::kubewarden::question::{Exchange, Question};
use crate::kubewarden::session::Session;

/// The binding, in waPC's words, under which policies call their host.
const BINDING: &str = "kubewarden";

/// What Kubewarden says if it has no connection to a cluster.
const NO_CLIENT: &str = "kube::Client was not initialized properly";

/// Answers a question: JSON, or the error's text.
pub type Source = Box<dyn Fn(&Question) -> Result<Vec<u8>, String> + Send + Sync>;

/// Where the answers to host calls come from.
pub enum Answers {
    /// Nowhere: what a policy gets from `kwctl` if no cluster can be reached.
    NoCluster,
    /// From objects in place of a cluster.
    Cluster(Arc<Cluster>),
    /// From a recorded session, in its order.
    Session(Session),
    /// From a function: any cluster, however faulty.
    Source(Source),
}

/// Receives a policy's log messages, one line each.
pub type LogSink = Box<dyn Fn(&str) + Send + Sync>;

/// The answers to a policy's host calls, and what it may ask.
pub struct HostCalls {
    answers: Answers,
    capabilities: Capabilities,
    granted: BTreeSet<(String, String)>,
    log: Option<LogSink>,
}

/// One message that a policy logs.
#[derive(Deserialize)]
struct LogEntry {
    level: String,
    message: Option<String>,
    #[serde(default)]
    data: Option<serde_json::Map<String, Value>>,
}

impl HostCalls {
    /// A host that offers every capability, grants access to no kind of resource, and drops log messages.
    pub fn new(answers: Answers) -> Self {
        Self {
            answers,
            capabilities: Capabilities::all(),
            granted: BTreeSet::new(),
            log: None,
        }
    }

    /// Grants access to the resources of one kind, as `contextAwareResources` do.
    #[must_use]
    pub fn grant(mut self, api_version: &str, kind: &str) -> Self {
        self.granted
            .insert((api_version.to_owned(), kind.to_owned()));
        self
    }

    /// Restricts the policy to these capabilities.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Hands the policy's log messages to `sink`.
    #[must_use]
    pub fn with_log(mut self, sink: LogSink) -> Self {
        self.log = Some(sink);
        self
    }

    /// How many exchanges of a session wait for a call that did not come; 0 if the answers are of another kind.
    pub fn unreplayed(&self) -> usize {
        match &self.answers {
            Answers::Session(session) => session.left(),
            Answers::NoCluster | Answers::Cluster(_) | Answers::Source(_) => 0,
        }
    }

    /// Answers one host call.
    ///
    /// # Errors
    ///
    /// The text that Kubewarden gives to the policy.
    pub fn answer(
        &self,
        binding: &str,
        namespace: &str,
        operation: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, String> {
        self.answer_noting(binding, namespace, operation, payload, &|_| {})
    }

    /// As [`HostCalls::answer`]; what is asked of the Kubernetes API goes to `note`, too.
    ///
    /// # Errors
    ///
    /// As [`HostCalls::answer`].
    pub fn answer_noting(
        &self,
        binding: &str,
        namespace: &str,
        operation: &str,
        payload: &[u8],
        note: &dyn Fn(Exchange),
    ) -> Result<Vec<u8>, String> {
        if binding != BINDING {
            return Err(format!("unknown binding: {binding}"));
        }
        let capability = format!("{namespace}/{operation}");
        if namespace != "tracing" && !self.capabilities.allow(&capability) {
            return Err(format!(
                "Policy has not been granted access to the '{capability}' host capability. \
                 The violation has been reported."
            ));
        }
        match (namespace, operation) {
            ("tracing", "log") => {
                self.log(payload);
                Ok(Vec::new())
            }
            ("kubernetes", "get_resource") => self.ask(payload, Question::Object, note),
            ("kubernetes", "can_i") => self.ask(payload, Question::Permission, note),
            ("kubernetes", "list_resources_all" | "list_resources_by_namespace") => {
                Err(callback_failure(NO_CLIENT))
            }
            ("crypto" | "net" | "oci", _) if capabilities::KNOWN.contains(&capability.as_str()) => {
                Err(callback_failure(&format!(
                    "this host does not offer {capability}"
                )))
            }
            ("crypto" | "kubernetes" | "net" | "oci" | "tracing", _) => {
                Err(format!("unknown operation: {operation}"))
            }
            _ => Err(format!("unknown namespace: {namespace}")),
        }
    }

    fn log(&self, payload: &[u8]) {
        let Some(sink) = &self.log else { return };
        match serde_json::from_slice::<LogEntry>(payload) {
            Ok(LogEntry {
                level,
                message,
                data,
            }) => {
                let data = data
                    .filter(|data| !data.is_empty())
                    .map(|data| format!(" {}", Value::Object(data)));
                sink(&format!(
                    "{level}: {}{}",
                    message.unwrap_or_default(),
                    data.unwrap_or_default()
                ));
            }
            Err(_) => sink(&String::from_utf8_lossy(payload)),
        }
    }

    fn ask<Wanted: DeserializeOwned>(
        &self,
        payload: &[u8],
        question: fn(Wanted) -> Question,
        note: &dyn Fn(Exchange),
    ) -> Result<Vec<u8>, String> {
        let wanted = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        let question = question(wanted);
        let answer = self.find(&question);
        note(Exchange {
            question,
            answer: answer.clone(),
        });
        answer
    }

    fn find(&self, question: &Question) -> Result<Vec<u8>, String> {
        if let Question::Object(wanted) = question
            && !self
                .granted
                .contains(&(wanted.api_version.clone(), wanted.kind.clone()))
        {
            return Err(format!(
                "Policy has not been granted access to Kubernetes {}/{} resources. The violation has been reported.",
                wanted.api_version, wanted.kind
            ));
        }
        match &self.answers {
            Answers::NoCluster => Err(NO_CLIENT.to_owned()),
            Answers::Cluster(cluster) => cluster.answer(question),
            Answers::Session(session) => session.replay(question),
            Answers::Source(answer) => answer(question),
        }
        .map_err(|error| callback_failure(&error))
    }
}

/// What a policy sees of an error behind the call, as opposed to one of the call itself.
fn callback_failure(error: &str) -> String {
    format!("Callback evaluation failure: {error}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use crate::kubewarden::request::ANYONE;
    use crate::kubewarden::service_accounts::ServiceAccounts;

    use super::*;

    const WANTED: &str = r#"{"api_version":"v1","kind":"ServiceAccount","name":"app","namespace":"web","disable_cache":false}"#;

    const PERMISSION: &str = r#"{"subject_access_review":{"groups":null,"resource_attributes":{"group":"g","name":null,"namespace":null,"resource":"id","subresource":null,"verb":"use","version":null},"user":"jane"},"disable_cache":true}"#;

    fn accounts() -> Answers {
        let accounts = ServiceAccounts::new([json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": "web"},
        })]);
        Answers::Cluster(accounts.into())
    }

    fn granted(answers: Answers) -> HostCalls {
        HostCalls::new(answers).grant("v1", "ServiceAccount")
    }

    #[track_caller]
    fn refuses(host: &HostCalls, call: (&str, &str, &str), payload: &str, expected: &str) {
        let (binding, namespace, operation) = call;
        assert_eq!(
            host.answer(binding, namespace, operation, payload.as_bytes()),
            Err(expected.to_owned()),
            "{call:?}"
        );
    }

    #[test]
    fn answers_with_the_service_account() {
        let answer = granted(accounts())
            .answer(
                "kubewarden",
                "kubernetes",
                "get_resource",
                WANTED.as_bytes(),
            )
            .unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&answer).unwrap(),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": "web"}})
        );
    }

    #[test]
    fn refuses_in_the_words_of_kubewarden() {
        let get = ("kubewarden", "kubernetes", "get_resource");
        refuses(
            &granted(accounts()),
            ("other", "kubernetes", "get_resource"),
            WANTED,
            "unknown binding: other",
        );
        refuses(
            &granted(accounts()),
            ("kubewarden", "other", "x"),
            "",
            "unknown namespace: other",
        );
        refuses(
            &granted(accounts()),
            ("kubewarden", "kubernetes", "x"),
            "",
            "unknown operation: x",
        );
        refuses(
            &granted(accounts()),
            ("kubewarden", "tracing", "x"),
            "",
            "unknown operation: x",
        );
        refuses(
            &granted(accounts()),
            get,
            "{}",
            "missing field `api_version` at line 1 column 2",
        );
        refuses(
            &granted(accounts()),
            get,
            &WANTED.replace("app", "other"),
            "Callback evaluation failure: \
             Cannot find v1/ServiceAccount named 'other' inside of namespace 'Some(\"web\")'",
        );
        refuses(
            &HostCalls::new(accounts()),
            get,
            WANTED,
            "Policy has not been granted access to Kubernetes v1/ServiceAccount resources. \
             The violation has been reported.",
        );
        refuses(
            &granted(accounts()).with_capabilities(Capabilities::new(&["oci/*"]).unwrap()),
            get,
            WANTED,
            "Policy has not been granted access to the 'kubernetes/get_resource' host capability. \
             The violation has been reported.",
        );
        refuses(
            &granted(Answers::NoCluster),
            get,
            WANTED,
            "Callback evaluation failure: kube::Client was not initialized properly",
        );
        let can_i = ("kubewarden", "kubernetes", "can_i");
        refuses(
            &HostCalls::new(Answers::NoCluster),
            can_i,
            PERMISSION,
            "Callback evaluation failure: kube::Client was not initialized properly",
        );
        refuses(
            &HostCalls::new(accounts()),
            can_i,
            PERMISSION,
            "Callback evaluation failure: no ClusterRoleBinding is among the manifests",
        );
        refuses(
            &HostCalls::new(accounts()),
            can_i,
            &PERMISSION.replace("jane", ANYONE),
            "Callback evaluation failure: who applies the manifests is not known; give --as USER",
        );
        refuses(
            &HostCalls::new(accounts()),
            can_i,
            r#"{"disable_cache":true}"#,
            "missing field `subject_access_review` at line 1 column 22",
        );
        refuses(
            &granted(accounts())
                .with_capabilities(Capabilities::new(&["kubernetes/get_resource"]).unwrap()),
            can_i,
            PERMISSION,
            "Policy has not been granted access to the 'kubernetes/can_i' host capability. \
             The violation has been reported.",
        );
        refuses(
            &granted(accounts()),
            ("kubewarden", "kubernetes", "list_resources_all"),
            "{}",
            "Callback evaluation failure: kube::Client was not initialized properly",
        );
        refuses(
            &granted(accounts()),
            ("kubewarden", "net", "v1/dns_lookup_host"),
            "{}",
            "Callback evaluation failure: this host does not offer net/v1/dns_lookup_host",
        );
    }

    #[test]
    fn remembers_what_the_kubernetes_api_was_asked() {
        let host = HostCalls::new(Answers::Source(Box::new(|question| match question {
            Question::Object(wanted) => Err(format!("no {}", wanted.name)),
            Question::Permission(_) => Ok(br#"{"allowed":true}"#.to_vec()),
        })))
        .grant("v1", "ServiceAccount");
        let noted = Mutex::new(Vec::new());
        let note = |exchange| noted.lock().unwrap().push(exchange);
        let mut expected = Vec::new();
        for (operation, payload, question, answer) in [
            (
                "get_resource",
                WANTED,
                Question::Object(serde_json::from_str(WANTED).unwrap()),
                Err("Callback evaluation failure: no app".to_owned()),
            ),
            (
                "can_i",
                PERMISSION,
                Question::Permission(serde_json::from_str(PERMISSION).unwrap()),
                Ok(br#"{"allowed":true}"#.to_vec()),
            ),
        ] {
            assert_eq!(
                host.answer_noting(
                    "kubewarden",
                    "kubernetes",
                    operation,
                    payload.as_bytes(),
                    &note
                ),
                answer
            );
            expected.push(Exchange { question, answer });
        }
        assert_eq!(noted.into_inner().unwrap(), expected);
    }

    #[test]
    fn logs_without_any_capability() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let host = HostCalls::new(Answers::NoCluster)
            .with_capabilities(Capabilities::new::<&str>(&[]).unwrap())
            .with_log(Box::new(move |line| {
                sink.lock().unwrap().push(line.to_owned())
            }));
        for payload in [
            r#"{"level":"info","message":"hello","data":{"pod":"a"}}"#,
            r#"{"level":"debug","message":"bye","data":{}}"#,
            "no JSON",
        ] {
            assert_eq!(
                host.answer("kubewarden", "tracing", "log", payload.as_bytes()),
                Ok(Vec::new())
            );
        }
        assert_eq!(
            *lines.lock().unwrap(),
            [r#"info: hello {"pod":"a"}"#, "debug: bye", "no JSON"]
        );
    }
}
