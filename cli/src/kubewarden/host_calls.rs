//! The host's side of a policy's host calls: what a policy may ask, and the answers.
//!
//! Policies tell errors apart by their text alone, so each text is Kubewarden's, word for word.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use crate::kubewarden::capabilities::{self, Capabilities};
use crate::kubewarden::get_resource::GetResource;
use crate::kubewarden::service_accounts::ServiceAccounts;
use crate::kubewarden::session::Session;

/// The binding, in waPC's words, under which policies call their host.
const BINDING: &str = "kubewarden";

/// Looks an object up: its JSON, or the error's text.
pub type Source = Box<dyn Fn(&GetResource) -> Result<Vec<u8>, String> + Send + Sync>;

/// Where the answers to host calls come from.
pub enum Answers {
    /// Nowhere: what a policy gets from `kwctl` if no cluster can be reached.
    NoCluster,
    /// From ServiceAccounts: nothing else exists.
    ServiceAccounts(ServiceAccounts),
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
    lookups: Mutex<Vec<Lookup>>,
}

/// A lookup of an object that a policy made, and what it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The object's namespace; empty for cluster-wide kinds.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object's JSON, or the text of the error.
    pub answer: Result<Vec<u8>, String>,
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
            lookups: Mutex::default(),
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

    /// The lookups since the last time that this was asked, in their order.
    pub fn take_lookups(&self) -> Vec<Lookup> {
        // Nothing leaves the list half changed, not even a panic.
        mem::take(&mut *self.lookups.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many exchanges of a session wait for a call that did not come; 0 if the answers are of another kind.
    pub fn unreplayed(&self) -> usize {
        match &self.answers {
            Answers::Session(session) => session.left(),
            Answers::NoCluster | Answers::ServiceAccounts(_) | Answers::Source(_) => 0,
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
            ("kubernetes", "get_resource") => self.get_resource(payload),
            ("kubernetes", "can_i" | "list_resources_all" | "list_resources_by_namespace") => Err(
                callback_failure("kube::Client was not initialized properly"),
            ),
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

    fn get_resource(&self, payload: &[u8]) -> Result<Vec<u8>, String> {
        let wanted: GetResource =
            serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        let answer = self.find(&wanted);
        self.lookups
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Lookup {
                namespace: wanted.namespace.unwrap_or_default(),
                name: wanted.name,
                answer: answer.clone(),
            });
        answer
    }

    fn find(&self, wanted: &GetResource) -> Result<Vec<u8>, String> {
        if !self
            .granted
            .contains(&(wanted.api_version.clone(), wanted.kind.clone()))
        {
            return Err(format!(
                "Policy has not been granted access to Kubernetes {}/{} resources. The violation has been reported.",
                wanted.api_version, wanted.kind
            ));
        }
        match &self.answers {
            Answers::NoCluster => Err("kube::Client was not initialized properly".to_owned()),
            Answers::ServiceAccounts(accounts) => accounts.get(wanted),
            Answers::Session(session) => session.replay(wanted),
            Answers::Source(look_up) => look_up(wanted),
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

    use super::*;

    const WANTED: &str = r#"{"api_version":"v1","kind":"ServiceAccount","name":"app","namespace":"web","disable_cache":false}"#;

    fn accounts() -> Answers {
        Answers::ServiceAccounts(ServiceAccounts::new([json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": "web"},
        })]))
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
