//! Every label, annotation and environment variable name, once.

use std::fmt;

/// What the names of our labels and annotations start with.
pub const PREFIX: &str = "azure.workload.identity/";

/// Label: opts a pod in with the value `true`, or a ServiceAccount's pods by being there.
pub const USE: &str = "azure.workload.identity/use";

/// Value of the label on a pod that opts it in.
pub const OPTED_IN: &str = "true";

/// ServiceAccount annotation: the client ID of the Entra application or managed identity.
pub const CLIENT_ID: &str = "azure.workload.identity/client-id";

/// ServiceAccount annotation: the tenant, if it is not the default one.
pub const TENANT_ID: &str = "azure.workload.identity/tenant-id";

/// Pod or ServiceAccount annotation: how long the projected token is valid, in seconds.
pub const TOKEN_EXPIRATION: &str = "azure.workload.identity/service-account-token-expiration";

/// Pod annotation: names of containers to leave alone, separated by `;`.
pub const SKIP_CONTAINERS: &str = "azure.workload.identity/skip-containers";

/// Pod annotation: whether the pod gets the proxy containers.
pub const INJECT_PROXY_SIDECAR: &str = "azure.workload.identity/inject-proxy-sidecar";

/// Pod annotation: the port of the proxy.
pub const PROXY_SIDECAR_PORT: &str = "azure.workload.identity/proxy-sidecar-port";

/// Annotation of a pod: what the policy injected, if setting `mark` is true. It is under a name of this project, not of the webhook.
pub const MARK: &str = "azure-workload-identity-policy.github.io/injected";

/// Label of a pod that has the mark: its client ID, empty if it has none.
pub const MARKED_CLIENT_ID: &str = "azure-workload-identity-policy.github.io/client-id";

/// What a key is on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A label.
    Label,
    /// An annotation.
    Annotation,
}

impl Form {
    /// The word with its indefinite article.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Label => "a label",
            Self::Annotation => "an annotation",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Label => "label",
            Self::Annotation => "annotation",
        })
    }
}

/// The objects that keys of ours belong on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// A pod, or a pod template.
    Pod,
    /// The pod's ServiceAccount.
    ServiceAccount,
}

/// Every key: whether it is a label or an annotation, and on which object. A key that belongs in several places has several
/// entries, which stand together.
pub const ALL: &[(&str, Form, Home)] = &[
    (USE, Form::Label, Home::Pod),
    (USE, Form::Label, Home::ServiceAccount),
    (USE, Form::Annotation, Home::ServiceAccount),
    (CLIENT_ID, Form::Annotation, Home::ServiceAccount),
    (TENANT_ID, Form::Annotation, Home::ServiceAccount),
    (TOKEN_EXPIRATION, Form::Annotation, Home::Pod),
    (TOKEN_EXPIRATION, Form::Annotation, Home::ServiceAccount),
    (SKIP_CONTAINERS, Form::Annotation, Home::Pod),
    (INJECT_PROXY_SIDECAR, Form::Annotation, Home::Pod),
    (PROXY_SIDECAR_PORT, Form::Annotation, Home::Pod),
];

/// The key of this name, if it is known.
pub fn known(name: &str) -> Option<&'static str> {
    ALL.iter()
        .map(|(key, ..)| *key)
        .find(|key| is_same(key, name))
}

/// Whether two keys of our prefix are the same. Most are known ones, which are in one place.
pub fn is_same(one: &str, other: &str) -> bool {
    fn name(key: &str) -> Option<&[u8]> {
        key.as_bytes().get(PREFIX.len()..)
    }
    one.len() == other.len() && (std::ptr::eq(one, other) || name(one) == name(other))
}

/// The names of all keys, each once.
pub fn names() -> impl Iterator<Item = &'static str> {
    let mut previous = "";
    let keys = ALL.iter().map(|(key, ..)| *key);
    keys.filter(move |key| std::mem::replace(&mut previous, key) != *key)
}

/// Environment variable: the client ID.
pub const AZURE_CLIENT_ID: &str = "AZURE_CLIENT_ID";

/// Environment variable: the tenant ID.
pub const AZURE_TENANT_ID: &str = "AZURE_TENANT_ID";

/// Environment variable: the path of the projected token in the container.
pub const AZURE_FEDERATED_TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// Environment variable: the URL of the cloud's Entra endpoint.
pub const AZURE_AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";

/// Environment variable: the URL of the custom token endpoint.
pub const AZURE_KUBERNETES_TOKEN_PROXY: &str = "AZURE_KUBERNETES_TOKEN_PROXY";

/// Environment variable: the server name for the TLS connection to the custom token endpoint.
pub const AZURE_KUBERNETES_SNI_NAME: &str = "AZURE_KUBERNETES_SNI_NAME";

/// Environment variable: the path of the custom token endpoint's certificates in the container.
pub const AZURE_KUBERNETES_CA_FILE: &str = "AZURE_KUBERNETES_CA_FILE";

/// Environment variable: the custom token endpoint's certificates.
pub const AZURE_KUBERNETES_CA_DATA: &str = "AZURE_KUBERNETES_CA_DATA";

/// Environment variable of the proxy's init container: the port to which it redirects.
pub const PROXY_PORT: &str = "PROXY_PORT";

/// Every environment variable that the policy injects by itself.
pub const ENV: [&str; 8] = [
    AZURE_CLIENT_ID,
    AZURE_TENANT_ID,
    AZURE_FEDERATED_TOKEN_FILE,
    AZURE_AUTHORITY_HOST,
    AZURE_KUBERNETES_TOKEN_PROXY,
    AZURE_KUBERNETES_SNI_NAME,
    AZURE_KUBERNETES_CA_FILE,
    AZURE_KUBERNETES_CA_DATA,
];
