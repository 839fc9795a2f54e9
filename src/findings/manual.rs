//! `docs/messages.md`, made from the findings: `make messages` writes it, and this test holds it equal.

use std::fmt::Write;
use std::{env, fs};

use super::{
    About, CameLater, Finding, Found, IdSource, LookupError, Permission, PermissionError, Place,
    PodName, Problem, Severity, fitted,
};
use crate::json::Fault;
use crate::keys::{self, Form};
use crate::messages::{Excerpt, ObjectName};
use crate::values;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/messages.md");

const HEAD: &str = "\
# Messages

<!-- Made by `make messages` from src/findings: change it there. -->

Every rejection and warning of the policy, with what it means and what to do. To find a message, search this page for a few of
its words: each heading below has the words that are always the same, with `…` for what differs, and an example follows.

A message names the object (`Pod default/demo`, or `Pod default/demo-7d9c-*` if the name is still to be generated; for a
pod template the workload and the path of the template), then what was found and what was expected, then after `help:` what
to do, if that is not clear from the rest. Names and values are in quotes, with control characters escaped.

- **Rejections** have code 400, or 500 if the policy's own settings are at fault. All reasons come in one message, one a line.
  Reasons in a row with the same advice have it once, after the last of them. Beyond 20 reasons or 4 KB, the last line says
  how many more reasons are left out. PolicyServer's log has the same message in one line, with `; ` between the reasons.
- **Warnings** come one by one, each in at most 256 bytes: if need be, names lose their middle, so that the advice stays.
  Beyond ten, the last says how many more warnings of this policy are left out.
- Values are shown up to 60 characters. Values of environment variables are never shown, but a client ID or tenant that setting
  `allowedIdentities` does not allow.
";

/// Client IDs in examples.
const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
const OTHER_CLIENT_ID: &str = "3b9d6f0a-1c2e-4d7b-8a90-5e4f3a2b1c0d";

/// A section of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Annotations,
    ServiceAccount,
    Permission,
    InTheWay,
    Later,
    Proxy,
    Verify,
    StrayKeys,
    Shape,
    Settings,
}

const SECTIONS: [(Section, &str, &str); 10] = [
    (
        Section::Annotations,
        "Annotation values",
        "They are checked on pods, pod templates and ServiceAccounts. With `onMalformed: Warn` the value is used as it is, with a\nwarning; an expiration or a port that is out of range is rejected all the same.",
    ),
    (
        Section::ServiceAccount,
        "The ServiceAccount",
        "A pod that opts in and whose ServiceAccount cannot be read would start without its identity, so it is rejected. For a\nworkload each of these is a warning: the ServiceAccount may be created before the pods are, and a check that cannot be made\nmust not hold up a rollout.",
    ),
    (
        Section::Permission,
        "Who may use which identity",
        "With the settings `allowedIdentities`, `authorization` and `identityMap`. See [who may use which identity](identities.md). A\nworkload whose ServiceAccount lacks a permission is warned about, because the permission may come before its pods do.",
    ),
    (
        Section::InTheWay,
        "Volumes, mounts and variables that are in the way",
        "Kubernetes would reject the pod, or the application would read the wrong token.",
    ),
    (
        Section::Later,
        "Containers that come later",
        "Other webhooks add containers after the policy was called. See [containers that come later](later-containers.md).",
    ),
    (
        Section::Proxy,
        "The proxy",
        "For pods with annotation `azure.workload.identity/inject-proxy-sidecar: \"true\"`. The proxy redirects requests of all containers to the\ninstance metadata endpoint, so it needs a network namespace of its own, Linux, and a free port.",
    ),
    (
        Section::Verify,
        "Mode Verify",
        "A pod that opts in and lacks something is rejected with all that it lacks.",
    ),
    (
        Section::StrayKeys,
        "Labels and annotations that do nothing",
        "Warnings about keys under `azure.workload.identity/` on pods, pod templates, workloads and ServiceAccounts.",
    ),
    (
        Section::Shape,
        "Objects of the wrong shape",
        "Kubernetes itself would reject most of these objects. The message has the path of the value, what was expected and what kind\nof value was found, never the value itself.",
    ),
    (
        Section::Settings,
        "Settings",
        "Kubewarden rejects a policy whose settings are not valid, with all that is wrong with them. If a request reaches such a\npolicy all the same, it is rejected with code 500.",
    ),
];

/// What the page says of a problem: the section, the words that are always the same, what it means, and what to do.
struct Entry {
    section: Section,
    words: &'static str,
    meaning: &'static str,
}

/// The entry of a problem. No `_`: a new problem needs its entry.
fn entry(problem: &Problem) -> Entry {
    let (section, words, meaning) = match problem {
        Problem::Malformed { .. } => (
            Section::Annotations,
            "annotation … expected … found",
            "The value cannot be used. Correct the annotation on the object that the message names. The client ID is the application\n(client) ID of the Entra application, or the client ID of the managed identity, not its object ID or name.",
        ),
        Problem::ListedTwice { .. } => (
            Section::Annotations,
            "skip-containers lists … twice",
            "It counts once. Remove the second.",
        ),
        Problem::NoSuchContainer { .. } => (
            Section::Annotations,
            "the pod has no container",
            "The name in `skip-containers` does nothing now. That is fine if another webhook adds the container later.",
        ),
        Problem::ServiceAccountName { .. } => (
            Section::ServiceAccount,
            ": expected an object name",
            "No ServiceAccount can have this name, so none is looked up. Correct the field.",
        ),
        Problem::ServiceAccountMissing { .. } => (
            Section::ServiceAccount,
            "does not exist",
            "The pod's ServiceAccount does not exist in the pod's namespace.",
        ),
        Problem::Lookup(error) => return lookup_entry(error),
        Problem::ClientIdRequired => (
            Section::ServiceAccount,
            "client-id: required",
            "Setting `requireClientID` is true, and the ServiceAccount has no annotation `client-id`.",
        ),
        Problem::ClientIdNotSet { .. } => (
            Section::ServiceAccount,
            "so AZURE_CLIENT_ID is not injected",
            "Usually the annotation was forgotten. It is fine if the application names its client ID itself.",
        ),
        Problem::Disallowed { .. } => (
            Section::Permission,
            "that setting allowedIdentities allows, found",
            "No entry of `allowedIdentities` allows this ServiceAccount the identity. The message names at most two identities that are\nallowed to it, and none that are allowed to others. What a container sets is shown only if it is an ID.",
        ),
        Problem::TooManyIdentities => (
            Section::Permission,
            "different identities, which are too many to look into",
            "With `allowedIdentities`, each client ID and tenant that a container sets itself is looked up.",
        ),
        Problem::NotPermitted { .. } => (
            Section::Permission,
            "lacks the permission",
            "Kubernetes' RBAC, or another authorizer of the API server, does not permit it. Only a ClusterRoleBinding does; a RoleBinding\ndoes not count. What the authorizer says of it comes last, if it says anything.",
        ),
        Problem::PermissionUnknown { error, .. } => return permission_entry(error),
        Problem::DiffersFromMap {
            is_overridden: true,
            ..
        } => (
            Section::Permission,
            "has no effect, because setting identityMap",
            "The ServiceAccount's annotation says something else than the entry, and the entry has `override: true`.",
        ),
        Problem::DiffersFromMap { .. } => (
            Section::Permission,
            "counts, and differs from setting identityMap",
            "The ServiceAccount's annotation says something else than the entry, and comes before it.",
        ),
        Problem::VolumeNameTaken { .. } => (
            Section::InTheWay,
            "has the name of the token volume, but does not hold the token alone",
            "The token volume needs this name. It is mounted in every container, so it must hold nothing else, above all no Secret.",
        ),
        Problem::NotForTokenEndpoint { .. } => (
            Section::InTheWay,
            "expected a token for the audience of the custom token endpoint",
            "The pod has a token volume of its own, which does not suit the custom token endpoint that its annotation asks for.",
        ),
        Problem::OtherAudience { .. } => (
            Section::InTheWay,
            "expected a token for audience",
            "The pod has a volume with the name of the token volume, whose token is for somebody else.",
        ),
        Problem::NoAudience { .. } => (
            Section::InTheWay,
            "found one for the Kubernetes API",
            "The pod has a volume with the name of the token volume, whose token has no audience: it is one for the Kubernetes API,\nwhich must not be sent to Microsoft Entra ID.",
        ),
        Problem::ReadOnlyParent { .. } => (
            Section::InTheWay,
            "so the token volume cannot be mounted at",
            "The container could not start: no mount point can be made in a volume that is mounted read-only. In Secrets, ConfigMaps and\nother projected volumes the kubelet makes it.",
        ),
        Problem::DeviceInTheWay { .. } => (
            Section::InTheWay,
            "a device is at",
            "Kubernetes rejects a device and a mount at one path.",
        ),
        Problem::TooLarge { .. } => (
            Section::InTheWay,
            "would have … bytes",
            "The API server could not store the pod, or the policy would add more to it than PolicyServer should have to handle.",
        ),
        Problem::RefersToLater { .. } => (
            Section::InTheWay,
            "which is injected after it, so the reference stays as it is",
            "Kubernetes expands `$(NAME)` in a variable only if `NAME` comes before it. What is injected comes last; `command` and `args`\ncan refer to it.",
        ),
        Problem::MountInTheWay { .. } => (
            Section::InTheWay,
            "is mounted at … where the token volume goes",
            "Two volumes cannot be mounted at one path, and what is mounted over the token hides it.",
        ),
        Problem::KeepsOwn { .. } => (
            Section::InTheWay,
            "the container keeps its own value, which differs from that of",
            "What a container sets itself stays. The value is not shown, since it may be secret. If the pod was injected before its\nServiceAccount changed, re-create the pod.",
        ),
        Problem::AddedLater { .. } => (
            Section::Later,
            "which … adds later, will not have the identity",
            "The pod asks another webhook for a container, by a label or an annotation. That webhook comes after the policy.",
        ),
        Problem::HandOverValue { .. } => (
            Section::Later,
            "annotation dapr.io/env cannot carry",
            "Dapr would read it otherwise, or leave it out. Its container gets the other variables.",
        ),
        Problem::HandOverKeeps { .. } => (
            Section::Later,
            "annotation dapr.io/env has … of its own",
            "What the annotation says comes first. Setting `allowedIdentities` looks at it when Dapr has added its container: in mode `Verify`,\nand when the policy is called again.",
        ),
        Problem::HandOverMount { .. } => (
            Section::Later,
            "its mounts are in the way of",
            "What the annotations say comes first, and two volumes cannot be mounted at one path.",
        ),
        Problem::HostNetwork => (
            Section::Proxy,
            "the proxy would redirect the node's own traffic",
            "The pod uses the node's network.",
        ),
        Problem::Windows { .. } => (
            Section::Proxy,
            "the proxy's images run on Linux only",
            "The pod is for Windows nodes.",
        ),
        Problem::PodResources { .. } => (
            Section::Proxy,
            "expected enough for the proxy's containers too",
            "The pod has `resources` of its own. Kubernetes rejects it if its containers request more than it does, or if one has a\nhigher limit.",
        ),
        Problem::PortTaken { .. } => (
            Section::Proxy,
            "is already used by this container, and the proxy needs it",
            "Containers of a pod share their ports.",
        ),
        Problem::Lacks {
            came_later: Some(_),
            ..
        } => (
            Section::Verify,
            "added … after the injection",
            "The other containers have the identity. This one was not there yet when the policy was called.",
        ),
        Problem::Drifted { .. } => (
            Section::Verify,
            "was injected as … now",
            "With setting `onDrift`: what the policy injected, by the pod's mark, is not the identity of its ServiceAccount any more. A pod\ncannot be changed, so it goes on with the old one. The values are those that the policy injected.",
        ),
        Problem::Lacks { .. } => (
            Section::Verify,
            "container … lacks",
            "The container has not all of its identity: the pod was created before the policy that injects was there, or around it.",
        ),
        Problem::ContainerMissing { .. } => (
            Section::Verify,
            "container … is missing",
            "A container of the proxy is missing.",
        ),
        Problem::VolumeMissing { .. } => (
            Section::Verify,
            "volume … is missing",
            "The token volume is missing.",
        ),
        Problem::VolumeOutdated { .. } => (
            Section::Verify,
            "volume … is out of date",
            "The token volume has another audience or expiration than the pod should have now. A warning, with `onDrift: Warn`.",
        ),
        Problem::UnknownKey { .. } => (
            Section::StrayKeys,
            "is unknown; help",
            "There is no such label or annotation; it is probably misspelt.",
        ),
        Problem::UnknownSuffix { .. } => (
            Section::StrayKeys,
            "no custom token endpoint is configured under that suffix",
            "The annotation asks for a custom token endpoint, but setting `customTokenEndpoint.annotationSuffix` is not set, or is\nanother one.",
        ),
        Problem::WrongForm { .. } => (
            Section::StrayKeys,
            "has no effect; help: make it",
            "The key is an annotation and should be a label, or the other way round.",
        ),
        Problem::WrongObject { .. } => (
            Section::StrayKeys,
            "has no effect here; help: make it",
            "The key belongs on another object. Pods are labelled in the pod template of their workload.",
        ),
        Problem::LabelNotTrue { .. } => (
            Section::StrayKeys,
            "has no effect: expected \"true\"",
            "Only `\"true\"` opts a pod in. `\"false\"` opts out, without a warning.",
        ),
        Problem::FalseOptsIn { .. } => (
            Section::StrayKeys,
            "opts its pods in whatever its value",
            "On a ServiceAccount the key counts, not its value, as in webhook releases before v1.0.",
        ),
        Problem::FalseDoesNotOptOut { .. } => (
            Section::StrayKeys,
            "does not opt out, because",
            "With `optIn: Either`, what the ServiceAccount says is enough.",
        ),
        Problem::NoOptIn { .. } => (
            Section::StrayKeys,
            "has no effect without label",
            "The pod has an annotation for its identity, but does not opt in, so it gets none.",
        ),
        Problem::LabelDoesNotCount { .. } => (
            Section::StrayKeys,
            "has no effect because of setting optIn",
            "With `optIn: ServiceAccountLabel` the ServiceAccount's label counts, not the pod's.",
        ),
        Problem::NotOptedIn { .. } => (
            Section::StrayKeys,
            "gets no identity",
            "The ServiceAccount has annotations for an identity, but nothing opts the pod in.",
        ),
        Problem::Shape(_) => (
            Section::Shape,
            "expected … found",
            "If it is a label or annotation, it is usually an unquoted `true` or number.",
        ),
        Problem::SettingMalformed { .. } => (
            Section::Settings,
            "setting … expected … found",
            "The value cannot be used. See [settings](settings.md).",
        ),
        Problem::SettingMissing { .. } => (
            Section::Settings,
            "required: expected",
            "The setting must be set.",
        ),
        Problem::SettingUnknown { .. } => (
            Section::Settings,
            "there is no such setting",
            "It is probably misspelt, or in the wrong place.",
        ),
        Problem::SameAudience { .. } => (
            Section::Settings,
            "expected another audience than that of pods without the endpoint",
            "The audience of the custom token endpoint must differ from that of other pods, whatever the case of its letters.",
        ),
        Problem::TwoSources { .. } => (
            Section::Settings,
            "expected one source of certificates at most",
            "The certificates of the custom token endpoint come from one place.",
        ),
        Problem::NeedsSetting { .. } => (
            Section::Settings,
            "beside it, found nothing",
            "The setting does nothing without the other one.",
        ),
        Problem::SettingRepeats { .. } => (
            Section::Settings,
            "is the same as",
            "The list has it twice, whatever the case of its letters.",
        ),
        Problem::SettingNamesAgain { .. } => (
            Section::Settings,
            "expected each variable once",
            "Two variables of one name: only one can count. A preset has the variables in [its table](variables.md#presets).",
        ),
        Problem::SettingShadowed { .. } => (
            Section::Settings,
            "never counts, because",
            "The first entry that matches a ServiceAccount counts.",
        ),
    };
    Entry {
        section,
        words,
        meaning,
    }
}

fn lookup_entry(error: &LookupError) -> Entry {
    let (words, meaning) = match error {
        LookupError::Forbidden => (
            "PolicyServer is not allowed to read ServiceAccounts",
            "The API server answered that it is forbidden.",
        ),
        LookupError::NoContextAwareAccess => (
            "the policy has no access to ServiceAccounts",
            "Kubewarden gives a policy access only to the kinds of resources that its `contextAwareResources` list. An AdmissionPolicy\nhas none: make it a ClusterAdmissionPolicy.",
        ),
        LookupError::NoHostCapability => (
            "has no access to the host capability",
            "Host capabilities are restricted, and the policy needs this one.",
        ),
        LookupError::NoCluster => (
            "the host has no connection to a cluster",
            "PolicyServer or kwctl could not connect to an API server.",
        ),
        LookupError::Other(_) => (
            "the host says",
            "Another error of the host, of which the first line is shown. PolicyServer needs to get, list and watch serviceaccounts.",
        ),
        LookupError::NotAServiceAccount(_) => (
            "the host's answer is not a ServiceAccount",
            "The answer is not JSON of a ServiceAccount. Please report it.",
        ),
        LookupError::AnotherOne(_) => (
            "the host's answer is ServiceAccount",
            "The answer is another ServiceAccount than the one that was asked for. Please report it.",
        ),
    };
    Entry {
        section: Section::ServiceAccount,
        words,
        meaning,
    }
}

fn permission_entry(error: &PermissionError) -> Entry {
    let (words, meaning) = match error {
        PermissionError::Forbidden => (
            "PolicyServer is not allowed to create SubjectAccessReviews",
            "The API server answered that it is forbidden.",
        ),
        PermissionError::NoHostCapability => (
            "nobody knows whether … has no access to the host capability",
            "Host capabilities are restricted, and setting `authorization` needs this one.",
        ),
        PermissionError::NoCluster => (
            "nobody knows whether … the host has no connection to a cluster",
            "PolicyServer or kwctl could not connect to an API server.",
        ),
        PermissionError::Other(_) => (
            "nobody knows whether … the host says",
            "Another error of the host, of which the first line is shown.",
        ),
        PermissionError::NotAnAnswer(_) => (
            "the host's answer is not a SubjectAccessReviewStatus",
            "The answer is not JSON of a SubjectAccessReviewStatus. Please report it.",
        ),
    };
    Entry {
        section: Section::Permission,
        words,
        meaning,
    }
}

/// An example of each problem, in the order of the page.
fn examples() -> Vec<Finding> {
    let pod = || {
        About::Pod(PodName {
            object: ObjectName::generated("Pod", "default", "", "demo-7d9c-"),
            template: None,
        })
    };
    let template = || {
        About::Pod(PodName {
            object: ObjectName::new("Deployment", "default", "web"),
            template: Some("spec.template".into()),
        })
    };
    let container = || pod().container("containers", 0, "app");
    let service_account = || ObjectName::new("ServiceAccount", "default", "fed-sa");
    let of_service_account = || About::ServiceAccount(service_account());
    let deployment = || About::Object(ObjectName::new("Deployment", "default", "web"));
    let setting = |path| About::Setting(Excerpt::new(path));
    let text = Excerpt::new;
    let key = |name: &str| Excerpt::new(&[keys::PREFIX, name].concat());
    let (annotation, label) = (Form::Annotation, Form::Label);
    let named = || "spec.serviceAccountName".to_owned();
    let reject = Severity::Reject;
    let warn = Severity::Warn;
    let lookup = |error| (of_service_account(), reject, Problem::Lookup(error));
    let permission = || {
        Box::new(Permission {
            verb: text("use-managed-identity"),
            client_id: text(CLIENT_ID),
            group: text("cid.wi.aks.azure.com"),
        })
    };
    let permission_unknown = |error| {
        let problem = Problem::PermissionUnknown {
            user: None,
            client_id: text(CLIENT_ID),
            error,
        };
        (of_service_account(), reject, problem)
    };
    [
        (
            of_service_account(),
            reject,
            Problem::Malformed {
                annotation: keys::CLIENT_ID.into(),
                expected: values::CLIENT_ID,
                found: text("my-app"),
                hint: values::client_id("my-app")
                    .err()
                    .and_then(|malformed| malformed.hint),
            },
        ),
        (
            template(),
            reject,
            Problem::Malformed {
                annotation: keys::TOKEN_EXPIRATION.into(),
                expected: values::TOKEN_EXPIRATION,
                found: text("1h"),
                hint: None,
            },
        ),
        (
            pod(),
            warn,
            Problem::ListedTwice {
                name: text("sidecar"),
            },
        ),
        (
            pod(),
            warn,
            Problem::NoSuchContainer {
                name: text("sidecr"),
                meant: Some(text("sidecar")),
            },
        ),
        (
            pod(),
            reject,
            Problem::ServiceAccountName {
                field: named(),
                found: text("fed_sa"),
            },
        ),
        (
            of_service_account(),
            reject,
            Problem::ServiceAccountMissing { field: named() },
        ),
        lookup(LookupError::Forbidden),
        lookup(LookupError::NoContextAwareAccess),
        lookup(LookupError::NoHostCapability),
        lookup(LookupError::NoCluster),
        lookup(LookupError::Other(text("connection reset by peer"))),
        lookup(LookupError::NotAServiceAccount(
            Fault::new("an object", "nothing").in_field("metadata"),
        )),
        lookup(LookupError::AnotherOne(ObjectName::new(
            "ServiceAccount",
            "default",
            "other",
        ))),
        (of_service_account(), reject, Problem::ClientIdRequired),
        (
            of_service_account(),
            warn,
            Problem::ClientIdNotSet {
                is_empty: false,
                unnamed: None,
            },
        ),
        (
            About::ServiceAccount(ObjectName::new("ServiceAccount", "default", "default")),
            warn,
            Problem::ClientIdNotSet {
                is_empty: false,
                unnamed: Some("spec.template.spec.serviceAccountName".to_owned()),
            },
        ),
        (
            of_service_account(),
            reject,
            Problem::Disallowed {
                source: IdSource::Annotation(keys::CLIENT_ID),
                expected: "a client ID",
                found: Found::Text(text(CLIENT_ID)),
                allowed: vec![text(OTHER_CLIENT_ID)],
            },
        ),
        (
            container(),
            reject,
            Problem::Disallowed {
                source: IdSource::Env(keys::AZURE_TENANT_ID),
                expected: "a tenant",
                found: Found::Kind("another value"),
                allowed: Vec::new(),
            },
        ),
        (pod(), reject, Problem::TooManyIdentities),
        (
            of_service_account(),
            reject,
            Problem::NotPermitted {
                user: None,
                permission: permission(),
                reason: None,
            },
        ),
        (
            of_service_account(),
            reject,
            Problem::NotPermitted {
                user: Some(text("jane@example.com")),
                permission: permission(),
                reason: None,
            },
        ),
        permission_unknown(PermissionError::Forbidden),
        permission_unknown(PermissionError::NoHostCapability),
        permission_unknown(PermissionError::NoCluster),
        permission_unknown(PermissionError::Other(text("connection reset by peer"))),
        permission_unknown(PermissionError::NotAnAnswer(
            Fault::missing("true or false").in_field("allowed"),
        )),
        (
            of_service_account(),
            warn,
            Problem::DiffersFromMap {
                annotation: keys::CLIENT_ID,
                entry: 3,
                is_overridden: false,
            },
        ),
        (
            of_service_account(),
            warn,
            Problem::DiffersFromMap {
                annotation: keys::TENANT_ID,
                entry: 3,
                is_overridden: true,
            },
        ),
        (
            pod(),
            reject,
            Problem::VolumeNameTaken {
                index: 0,
                name: text("azure-identity-token"),
            },
        ),
        (
            pod(),
            reject,
            Problem::NotForTokenEndpoint {
                index: 0,
                annotation: "azure.workload.identity/use-identity-binding".into(),
            },
        ),
        (
            pod(),
            reject,
            Problem::OtherAudience {
                index: 0,
                expected: text(values::DEFAULT_AUDIENCE),
            },
        ),
        (
            container(),
            reject,
            Problem::MountInTheWay {
                volume: text("cache"),
                path: text("/run/secrets/azure/tokens"),
                token_directory: text("/var/run/secrets/azure/tokens"),
            },
        ),
        (pod(), reject, Problem::NoAudience { index: 0 }),
        (
            container(),
            reject,
            Problem::ReadOnlyParent {
                volume: text("secrets-store"),
                path: text("/var/run/secrets/azure"),
                token_directory: text("/var/run/secrets/azure/tokens"),
            },
        ),
        (
            container(),
            reject,
            Problem::DeviceInTheWay {
                path: text("/var/run/secrets/azure/tokens"),
            },
        ),
        (
            pod(),
            reject,
            Problem::TooLarge {
                bytes: 1_700_000,
                added: 400_000,
            },
        ),
        (
            container(),
            warn,
            Problem::RefersToLater {
                env: text("ARM_CLIENT_ID"),
                injected: text(keys::AZURE_CLIENT_ID),
            },
        ),
        (
            container(),
            warn,
            Problem::KeepsOwn {
                env: text(keys::AZURE_CLIENT_ID),
                source: Place::ServiceAccount,
            },
        ),
        (
            pod(),
            warn,
            Problem::AddedLater {
                injector: "Istio",
                container: "istio-proxy",
                cannot_be_handed_over: false,
            },
        ),
        (
            pod(),
            warn,
            Problem::HandOverValue {
                env: text(keys::AZURE_KUBERNETES_CA_DATA),
            },
        ),
        (
            pod(),
            warn,
            Problem::HandOverKeeps {
                env: text(keys::AZURE_CLIENT_ID),
            },
        ),
        (
            pod(),
            warn,
            Problem::HandOverMount {
                path: text("/var/run/secrets/azure/tokens"),
            },
        ),
        (template(), reject, Problem::HostNetwork),
        (pod(), reject, Problem::Windows { field: "os.name" }),
        (
            pod(),
            reject,
            Problem::PodResources {
                resource: text("cpu"),
            },
        ),
        (container(), reject, Problem::PortTaken { port: 8000 }),
        (
            container(),
            reject,
            Problem::Lacks {
                env: vec![text(keys::AZURE_CLIENT_ID), text(keys::AZURE_TENANT_ID)],
                mount_of: Some(text("azure-identity-token")),
                token_at: Vec::new(),
                came_later: None,
            },
        ),
        (
            pod().container("containers", 1, "istio-proxy"),
            reject,
            Problem::Lacks {
                env: vec![text(keys::AZURE_CLIENT_ID)],
                mount_of: None,
                token_at: vec![text("/var/run/secrets/tokens")],
                came_later: Some(CameLater::By("Istio")),
            },
        ),
        (
            pod().container("containers", 1, "copier"),
            reject,
            Problem::Lacks {
                env: Vec::new(),
                mount_of: Some(text("azure-identity-token")),
                token_at: Vec::new(),
                came_later: Some(CameLater::NotMarked),
            },
        ),
        (
            container(),
            reject,
            Problem::Drifted {
                env: text(keys::AZURE_CLIENT_ID),
                found: text(OTHER_CLIENT_ID),
                expected: Some(text(CLIENT_ID)),
            },
        ),
        (
            container(),
            reject,
            Problem::Drifted {
                env: text("ARM_CLIENT_ID"),
                found: text(OTHER_CLIENT_ID),
                expected: None,
            },
        ),
        (
            pod(),
            reject,
            Problem::ContainerMissing { name: "azwi-proxy" },
        ),
        (
            pod(),
            reject,
            Problem::VolumeMissing {
                name: text("azure-identity-token"),
            },
        ),
        (
            pod(),
            reject,
            Problem::VolumeOutdated {
                name: text("azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226a"),
            },
        ),
        (
            pod(),
            warn,
            Problem::UnknownKey {
                form: annotation,
                key: key("client_id"),
                meant: Some(keys::CLIENT_ID),
                home: Some((annotation, Place::ServiceAccount)),
            },
        ),
        (
            of_service_account(),
            warn,
            Problem::UnknownKey {
                form: annotation,
                key: key("username"),
                meant: None,
                home: None,
            },
        ),
        (
            pod(),
            warn,
            Problem::UnknownSuffix {
                form: annotation,
                key: key("use-identity-binding"),
            },
        ),
        (
            pod(),
            warn,
            Problem::WrongForm {
                form: annotation,
                key: key("use"),
                expected: label,
            },
        ),
        (
            deployment(),
            warn,
            Problem::WrongObject {
                form: label,
                key: key("use"),
                expected: label,
                home: Place::Template("spec.template".into()),
            },
        ),
        (
            template(),
            warn,
            Problem::LabelNotTrue {
                found: text("True"),
            },
        ),
        (
            of_service_account(),
            warn,
            Problem::FalseOptsIn { form: label },
        ),
        (
            pod(),
            warn,
            Problem::NoOptIn {
                form: annotation,
                key: keys::SKIP_CONTAINERS,
            },
        ),
        (
            pod(),
            warn,
            Problem::FalseDoesNotOptOut {
                service_account: service_account(),
            },
        ),
        (
            pod(),
            warn,
            Problem::LabelDoesNotCount {
                service_account: service_account(),
            },
        ),
        (
            pod(),
            warn,
            Problem::NotOptedIn {
                service_account: service_account(),
                pod_label_counts: false,
            },
        ),
        (
            About::Object(ObjectName::new("Pod", "default", "demo")),
            reject,
            Problem::Shape(
                Fault::new("a string", "a boolean")
                    .in_field(keys::USE)
                    .in_path("metadata.labels"),
            ),
        ),
        (
            pod(),
            reject,
            Problem::Shape(Fault::new("a name", "nothing").in_path("containers[0].name")),
        ),
        (
            About::Request,
            reject,
            Problem::Shape(
                Fault::new(
                    "an admission request with kind and operation",
                    "one without",
                )
                .in_field("request"),
            ),
        ),
        (
            setting("azureTenantID"),
            reject,
            Problem::SettingMalformed {
                expected: values::TENANT_ID.into(),
                found: Found::Text(text("common")),
                hint: None,
            },
        ),
        (
            setting("azureTenantID"),
            reject,
            Problem::SettingMissing {
                expected: values::TENANT_ID,
                because: None,
            },
        ),
        (
            setting("layuot"),
            reject,
            Problem::SettingUnknown {
                meant: Some("layout".to_owned()),
                names: Vec::new(),
            },
        ),
        (
            setting("customTokenEndpoint.audience"),
            reject,
            Problem::SameAudience {
                found: text(values::DEFAULT_AUDIENCE),
            },
        ),
        (
            setting("customTokenEndpoint.azureKubernetesCAConfigMapName"),
            reject,
            Problem::TwoSources {
                other: "azureKubernetesCaData",
            },
        ),
        (
            setting("customTokenEndpoint.azureKubernetesCACTBLabelSelector"),
            reject,
            Problem::NeedsSetting {
                other: "azureKubernetesCACTBSignerName",
            },
        ),
        (
            setting("allowedIdentities[4]"),
            reject,
            Problem::SettingRepeats {
                first: text("allowedIdentities[0]"),
            },
        ),
        (
            setting("extraEnv[1]"),
            reject,
            Problem::SettingNamesAgain {
                name: text("ARM_CLIENT_ID"),
                first: text("extraEnv[0]"),
            },
        ),
        (
            setting("identityMap[4]"),
            reject,
            Problem::SettingShadowed {
                earlier: text("identityMap[0]"),
            },
        ),
    ]
    .into_iter()
    .map(|(about, severity, problem)| Finding {
        about,
        severity,
        problem,
    })
    .collect()
}

/// Whether a message has the words, with anything in the place of each `…`.
fn has_words(message: &str, words: &str) -> bool {
    let mut rest = message;
    words.split(" … ").all(|part| match rest.split_once(part) {
        Some((_, tail)) => {
            rest = tail;
            true
        }
        None => false,
    })
}

fn page() -> String {
    let examples = examples();
    let mut page = HEAD.to_owned();
    for (section, title, introduction) in SECTIONS {
        write!(page, "\n## {title}\n\n{introduction}\n").expect("a page");
        let mut previous = "";
        for finding in &examples {
            let entry = entry(&finding.problem);
            if entry.section != section {
                continue;
            }
            let message = fitted(finding, 1024);
            if entry.words != previous {
                write!(page, "\n### `{}`\n", entry.words).expect("a page");
            }
            write!(page, "\n```text\n{message}\n```\n").expect("a page");
            if entry.words != previous {
                let severity = match finding.severity {
                    Severity::Reject => "A rejection",
                    Severity::Warn => "A warning",
                };
                write!(page, "\n{severity}. {}\n", entry.meaning).expect("a page");
            }
            previous = entry.words;
        }
    }
    page
}

#[test]
fn the_page_is_made_of_the_findings() {
    let page = page();
    if env::var_os("MESSAGES").is_some_and(|what| what == "overwrite") {
        fs::write(FILE, &page).expect("docs/messages.md");
    }
    let found = fs::read_to_string(FILE).expect("docs/messages.md");
    assert!(
        found == page,
        "docs/messages.md is out of date: run make messages"
    );
}

#[test]
fn every_example_has_the_words_of_its_heading() {
    for finding in examples() {
        let words = entry(&finding.problem).words;
        let message = finding.to_string();
        assert!(has_words(&message, words), "{words}\n{message}");
    }
}

#[test]
fn every_warning_keeps_its_advice() {
    let long = "n".repeat(253);
    let long = ObjectName::new("ReplicationController", &long, &long);
    let about = About::Pod(PodName {
        object: long.clone(),
        template: Some("spec.jobTemplate.spec.template".into()),
    });
    for mut finding in examples() {
        let can_warn = finding.severity == Severity::Warn
            || matches!(
                finding.problem,
                Problem::Malformed { .. }
                    | Problem::ServiceAccountName { .. }
                    | Problem::ServiceAccountMissing { .. }
                    | Problem::Lookup(_)
                    | Problem::Disallowed { .. }
                    | Problem::TooManyIdentities
                    | Problem::NotPermitted { .. }
                    | Problem::PermissionUnknown { .. }
            );
        if !can_warn {
            continue;
        }
        if let Problem::Malformed { hint, .. } = &mut finding.problem {
            *hint = Some("remove the white space around it");
        }
        finding.about = match finding.about {
            About::Pod(_) => about.clone(),
            About::Container { .. } => {
                about.container("initContainers", 99, long.name.text().as_ref())
            }
            About::ServiceAccount(_) => About::ServiceAccount(long.clone()),
            other => other,
        };
        let warning = fitted(&finding, 256);
        let help = finding.help(256).unwrap_or_default();
        assert!(warning.ends_with(&help), "{warning}");
        assert!(!warning.ends_with("..."), "{warning}");
    }
}

#[test]
fn every_problem_has_an_example() {
    let code = include_str!("problem.rs");
    let file: syn::File = syn::parse_str(code).expect("Rust");
    let variants = |name: &str| {
        file.items
            .iter()
            .find_map(|item| match item {
                syn::Item::Enum(found) if found.ident == name => {
                    let names = found
                        .variants
                        .iter()
                        .map(|variant| variant.ident.to_string());
                    Some(names.collect::<Vec<_>>())
                }
                _ => None,
            })
            .expect("the enum")
    };
    let examples: Vec<_> = examples()
        .iter()
        .map(|finding| format!("{:?}", finding.problem))
        .collect();
    for variant in variants("Problem") {
        let has_it = |example: &String| {
            let name = example.split([' ', '(', '{']).next();
            name == Some(&variant)
        };
        assert!(examples.iter().any(has_it), "{variant}");
    }
    for (name, starts) in [
        ("LookupError", "Lookup("),
        ("PermissionError", "PermissionUnknown"),
    ] {
        for variant in variants(name) {
            let mut examples = examples.iter();
            assert!(
                examples.any(|example| example.starts_with(starts) && example.contains(&variant)),
                "{variant}"
            );
        }
    }
}
