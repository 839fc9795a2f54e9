//! Everything that can be wrong, and its words.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use super::About;
use crate::injectors::DAPR;
use crate::json::Fault;
use crate::keys::{self, Form, PREFIX};
use crate::messages::{Excerpt, ObjectName};
use crate::values;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Something has the wrong shape. Of a pod, the path is that in its spec.
    Shape(Fault),

    // Values of annotations.
    /// An annotation has a value that cannot be used.
    Malformed {
        /// The annotation.
        annotation: Cow<'static, str>,
        /// What its value should be.
        expected: &'static str,
        /// Its value.
        found: Excerpt,
        /// What to do, if the value shows what went wrong.
        hint: Option<&'static str>,
    },
    /// Annotation `skip-containers` lists a container twice.
    ListedTwice {
        /// The container.
        name: Excerpt,
    },
    /// Annotation `skip-containers` lists a container that the pod does not have.
    NoSuchContainer {
        /// The container.
        name: Excerpt,
        /// The container that is probably meant.
        meant: Option<Excerpt>,
    },

    // The ServiceAccount.
    /// The pod names a ServiceAccount that cannot exist.
    ServiceAccountName {
        /// The field that names it.
        field: String,
        /// The name.
        found: Excerpt,
    },
    /// The ServiceAccount does not exist.
    ServiceAccountMissing {
        /// The field that names it, or should.
        field: String,
    },
    /// The ServiceAccount cannot be read.
    Lookup(LookupError),
    /// The ServiceAccount names no client ID, and setting `requireClientID` is true.
    ClientIdRequired,
    /// The ServiceAccount names no client ID.
    ClientIdNotSet {
        /// Whether the annotation is there, but empty.
        is_empty: bool,
        /// The field that should name one, if the pod names none.
        unnamed: Option<String>,
    },

    // Who may use which identity.
    /// No entry of setting `allowedIdentities` allows a part of an identity.
    Disallowed {
        /// Where it comes from.
        source: IdSource,
        /// What is allowed, to be read after "expected".
        expected: &'static str,
        /// What was found.
        found: Found,
        /// Some of what is allowed to this ServiceAccount.
        allowed: Vec<Excerpt>,
    },
    /// A pod's containers set more different identities than are looked into.
    TooManyIdentities,
    /// Kubernetes' RBAC does not permit someone the use of an identity.
    NotPermitted {
        /// The user; `None` if it is the ServiceAccount.
        user: Option<Excerpt>,
        /// The permission.
        permission: Box<Permission>,
        /// What the authorizer says.
        reason: Option<Excerpt>,
    },
    /// Whether someone is permitted the use of an identity cannot be found out.
    PermissionUnknown {
        /// The user; `None` if it is the ServiceAccount.
        user: Option<Excerpt>,
        /// The client ID.
        client_id: Excerpt,
        /// Why.
        error: PermissionError,
    },
    /// An annotation of the ServiceAccount says something else than setting `identityMap`.
    DiffersFromMap {
        /// The annotation.
        annotation: &'static str,
        /// The index of the entry.
        entry: usize,
        /// Whether the entry counts, and not the annotation.
        is_overridden: bool,
    },

    // What is in the way.
    /// A volume has the name of the token volume.
    VolumeNameTaken {
        /// The index of the volume.
        index: usize,
        /// The name.
        name: Excerpt,
    },
    /// The token volume is not what the custom token endpoint needs.
    NotForTokenEndpoint {
        /// The index of the volume.
        index: usize,
        /// The annotation that asks for the endpoint.
        annotation: Cow<'static, str>,
    },
    /// The volume with the name of the token volume has a token for another audience.
    OtherAudience {
        /// The index of the volume.
        index: usize,
        /// The audience that the token should have.
        expected: Excerpt,
    },
    /// The volume with the name of the token volume has a token without an audience.
    NoAudience {
        /// The index of the volume.
        index: usize,
    },
    /// A volume is mounted read-only where the mount point of the token volume would have to be made.
    ReadOnlyParent {
        /// The volume.
        volume: Excerpt,
        /// Where it is mounted.
        path: Excerpt,
        /// Where the token volume goes.
        token_directory: Excerpt,
    },
    /// A block device is where the token volume goes.
    DeviceInTheWay {
        /// The path.
        path: Excerpt,
    },
    /// The pod would become too large, or grow too much.
    TooLarge {
        /// How many bytes it would have.
        bytes: usize,
        /// How many of them would be added.
        added: usize,
    },
    /// Another volume is mounted where the token volume goes.
    MountInTheWay {
        /// The volume.
        volume: Excerpt,
        /// Where it is mounted.
        path: Excerpt,
        /// Where the token volume goes.
        token_directory: Excerpt,
    },
    /// A variable of a container refers to one that is injected after it.
    RefersToLater {
        /// The variable.
        env: Excerpt,
        /// The injected one.
        injected: Excerpt,
    },
    /// A container sets a variable itself, to another value than that of the identity.
    KeepsOwn {
        /// The variable.
        env: Excerpt,
        /// Where the other value comes from.
        source: Place,
    },

    // Other webhooks.
    /// A container that another webhook adds later will not have the identity.
    AddedLater {
        /// The webhook.
        injector: &'static str,
        /// The container.
        container: &'static str,
        /// Whether the identity should be handed over, but the pod's annotations cannot be changed.
        cannot_be_handed_over: bool,
    },
    /// Dapr's annotation cannot carry a variable.
    HandOverValue {
        /// The variable.
        env: Excerpt,
    },
    /// Dapr's annotation has another value of its own.
    HandOverKeeps {
        /// The variable.
        env: Excerpt,
    },
    /// Dapr's annotations mount another volume where the token goes, or around it.
    HandOverMount {
        /// The path.
        path: Excerpt,
    },

    // The proxy.
    /// The proxy is asked for in a pod that uses the node's network.
    HostNetwork,
    /// The proxy is asked for in a Windows pod.
    Windows {
        /// The field that says so.
        field: &'static str,
    },
    /// The pod has less of a resource than it takes with the proxy's containers.
    PodResources {
        /// The resource.
        resource: Excerpt,
    },
    /// A container has the proxy's port.
    PortTaken {
        /// The port.
        port: u16,
    },

    // Mode Verify.
    /// A container lacks something.
    Lacks {
        /// The variables that it lacks.
        env: Vec<Excerpt>,
        /// The token volume, if it lacks its mount.
        mount_of: Option<Excerpt>,
        /// The paths of older layouts at which it lacks the token.
        token_at: Vec<Excerpt>,
        /// Why it was not there when the others got it, if that shows.
        came_later: Option<CameLater>,
    },
    /// A variable that was injected no longer agrees with the identity.
    Drifted {
        /// The variable.
        env: Excerpt,
        /// What it says.
        found: Excerpt,
        /// What it should say; `None` if it should not be there.
        expected: Option<Excerpt>,
    },
    /// A container of the proxy is missing.
    ContainerMissing {
        /// The container.
        name: &'static str,
    },
    /// The token volume is missing.
    VolumeMissing {
        /// The volume.
        name: Excerpt,
    },
    /// The token volume says something else than the identity.
    VolumeOutdated {
        /// The volume.
        name: Excerpt,
    },

    // Labels and annotations that do nothing.
    /// A key of our prefix that is not known.
    UnknownKey {
        /// What it is.
        form: Form,
        /// The key.
        key: Excerpt,
        /// The key that is probably meant.
        meant: Option<&'static str>,
        /// Where that one belongs, if it is not where this one is.
        home: Option<(Form, Place)>,
    },
    /// An annotation for a custom token endpoint that is not configured.
    UnknownSuffix {
        /// What it is.
        form: Form,
        /// The key.
        key: Excerpt,
    },
    /// A known key is an annotation and should be a label, or the other way round.
    WrongForm {
        /// What it is.
        form: Form,
        /// The key.
        key: Excerpt,
        /// What it should be.
        expected: Form,
    },
    /// A known key is on the wrong object.
    WrongObject {
        /// What it is.
        form: Form,
        /// The key.
        key: Excerpt,
        /// What it should be.
        expected: Form,
        /// Where it should be.
        home: Place,
    },
    /// The label that opts a pod in has another value than `true`.
    LabelNotTrue {
        /// Its value.
        found: Excerpt,
    },
    /// The label that opts a ServiceAccount's pods in is `false`, which opts them in.
    FalseOptsIn {
        /// What it is.
        form: Form,
    },
    /// The pod's label is `false`, but its ServiceAccount opts it in.
    FalseDoesNotOptOut {
        /// The ServiceAccount.
        service_account: ObjectName,
    },
    /// An annotation on a pod that does not opt in.
    NoOptIn {
        /// What it is.
        form: Form,
        /// The key.
        key: &'static str,
    },
    /// The pod has the label, but setting `optIn` makes the ServiceAccount's count.
    LabelDoesNotCount {
        /// The ServiceAccount.
        service_account: ObjectName,
    },
    /// The ServiceAccount has keys of ours, but nothing opts the pod in.
    NotOptedIn {
        /// The ServiceAccount.
        service_account: ObjectName,
        /// Whether the pod's label would count too.
        pod_label_counts: bool,
    },

    // Settings.
    /// A setting has a value that cannot be used.
    SettingMalformed {
        /// What was expected.
        expected: Cow<'static, str>,
        /// What was found.
        found: Found,
        /// What to do, if the value shows what went wrong.
        hint: Option<Cow<'static, str>>,
    },
    /// A required setting is missing.
    SettingMissing {
        /// What was expected.
        expected: &'static str,
        /// The other setting that makes it required.
        because: Option<&'static str>,
    },
    /// A setting is unknown.
    SettingUnknown {
        /// The setting that is probably meant, with its path.
        meant: Option<String>,
        /// All settings there are in its place.
        names: Vec<&'static str>,
    },
    /// The custom token endpoint has the audience of pods without it.
    SameAudience {
        /// The audience.
        found: Excerpt,
    },
    /// There are two sources of certificates.
    TwoSources {
        /// The other setting.
        other: &'static str,
    },
    /// A setting needs another one.
    NeedsSetting {
        /// The other setting.
        other: &'static str,
    },
    /// An item of a list is in it twice.
    SettingRepeats {
        /// The path of the first.
        first: Excerpt,
    },
    /// A variable of setting `extraEnv` is there twice.
    SettingNamesAgain {
        /// The variable.
        name: Excerpt,
        /// The path of the entry that has it first.
        first: Excerpt,
    },
    /// An entry never counts, because one before it matches all that it matches.
    SettingShadowed {
        /// The path of that one.
        earlier: Excerpt,
    },
}

/// What shows that a container was added after the injection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameLater {
    /// This webhook adds containers of that name.
    By(&'static str),
    /// The pod's mark does not have it.
    NotMarked,
}

/// Where a client ID or a tenant comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdSource {
    /// An annotation.
    Annotation(&'static str),
    /// A setting, by its path.
    Setting(Excerpt),
    /// Setting `azureTenantID`, because the ServiceAccount has no annotation.
    DefaultTenant,
    /// A variable that a container sets itself.
    Env(&'static str),
}

impl Display for IdSource {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Annotation(name) => write!(f, "annotation {name}"),
            Self::Setting(path) => write!(f, "setting {}", path.bare()),
            Self::DefaultTenant => write!(
                f,
                "annotation {} (not set, so setting azureTenantID counts)",
                keys::TENANT_ID
            ),
            Self::Env(name) => write!(f, "env {name}"),
        }
    }
}

/// The permission to use an identity, in the terms of Kubernetes' RBAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The verb.
    pub verb: Excerpt,
    /// The resource: a client ID.
    pub client_id: Excerpt,
    /// The API group.
    pub group: Excerpt,
}

impl Display for Permission {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names = f.precision().unwrap_or(VALUE_LENGTH).min(VALUE_LENGTH);
        write!(
            f,
            "the permission {:.names$} on {:.names$} (API group {:.names$})",
            self.verb.bare(),
            self.client_id,
            self.group.bare()
        )
    }
}

/// Why a permission cannot be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PermissionError {
    /// The API server does not let PolicyServer ask.
    Forbidden,
    /// The host capability is not granted.
    NoHostCapability,
    /// The host is not connected to a cluster.
    NoCluster,
    /// The host says something else.
    Other(Excerpt),
    /// The answer is not one.
    NotAnAnswer(Fault),
}

impl Display for PermissionError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbidden => "PolicyServer is not allowed to create SubjectAccessReviews",
            Self::NoHostCapability => {
                "the policy has no access to the host capability kubernetes/can_i"
            }
            Self::NoCluster => NO_CLUSTER,
            Self::Other(text) => {
                let names = f.precision().unwrap_or(VALUE_LENGTH);
                return write!(f, "the host says {text:.names$}");
            }
            Self::NotAnAnswer(fault) => {
                return write!(
                    f,
                    "the host's answer is not a SubjectAccessReviewStatus: {fault}"
                );
            }
        })
    }
}

impl PermissionError {
    fn help(&self) -> &'static str {
        match self {
            Self::Forbidden => {
                "let its ServiceAccount create them, with a ClusterRole and a ClusterRoleBinding"
            }
            Self::NoHostCapability => GRANT_CAPABILITY,
            Self::NoCluster => SEE_LOG_OR_CONNECT,
            Self::Other(_) => "see PolicyServer's log (azwi-policy preview: add what is missing)",
            Self::NotAnAnswer(_) => SEE_LOG,
        }
    }
}

const NO_CLUSTER: &str = "the host has no connection to a cluster";
const GRANT_CAPABILITY: &str = "grant it where PolicyServer or kwctl restricts host capabilities";
const SEE_LOG_OR_CONNECT: &str =
    "see PolicyServer's log (kwctl: give a kubeconfig or --replay-host-capabilities-interactions)";
const SEE_LOG: &str = "see PolicyServer's log";

/// The field by which a pod names its ServiceAccount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// `serviceAccountName`.
    ServiceAccountName,
    /// The deprecated `serviceAccount`.
    ServiceAccount,
    /// None: it is `default`.
    Default,
}

impl Named {
    /// The field that names it, or should.
    pub fn field(self) -> &'static str {
        match self {
            Self::ServiceAccountName | Self::Default => "serviceAccountName",
            Self::ServiceAccount => "serviceAccount",
        }
    }
}

/// Why a ServiceAccount cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// The API server does not let PolicyServer read ServiceAccounts.
    Forbidden,
    /// The policy's `contextAwareResources` do not list ServiceAccounts.
    NoContextAwareAccess,
    /// The host capability is not granted.
    NoHostCapability,
    /// The host is not connected to a cluster.
    NoCluster,
    /// The host says something else.
    Other(Excerpt),
    /// The answer is not a ServiceAccount.
    NotAServiceAccount(Fault),
    /// The answer is another ServiceAccount.
    AnotherOne(ObjectName),
}

/// Where a key belongs, or a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The pod.
    Pod,
    /// The pod template at this path.
    Template(Cow<'static, str>),
    /// The ServiceAccount.
    ServiceAccount,
    /// Setting `azureTenantID`.
    TenantSetting,
    /// Setting `identityMap`.
    IdentityMap,
    /// The mount of the token volume.
    TokenMount,
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pod => "the pod",
            Self::Template(path) => path,
            Self::ServiceAccount => "the ServiceAccount",
            Self::TenantSetting => "setting azureTenantID",
            Self::IdentityMap => "setting identityMap",
            Self::TokenMount => "the token volume's mount",
        })
    }
}

/// What was found in the place of a setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A string.
    Text(Excerpt),
    /// A number, `true` or `false`, as it is written.
    Literal(Excerpt),
    /// A value of this kind.
    Kind(&'static str),
}

impl Display for Found {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Literal(text) => text.bare().fmt(f),
            Self::Kind(kind) => f.write_str(kind),
        }
    }
}

/// How many different identities the containers of a pod may set.
pub const IDENTITIES_OF_A_POD: usize = 10;

/// The size in bytes of the largest pod that the policy makes: what the API server can store.
pub const LARGEST_POD: usize = 1_500_000;

/// How many bytes the policy adds to a pod at most.
pub const LARGEST_GROWTH: usize = 1_000_000;

/// The maximum number of characters of a value; names are shown longer.
const VALUE_LENGTH: usize = 60;

impl Problem {
    /// Whether the other is the same, a pod template and the pod made of it being the same.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ServiceAccountMissing { .. }, Self::ServiceAccountMissing { .. }) => true,
            (
                Self::ServiceAccountName { found, .. },
                Self::ServiceAccountName { found: other, .. },
            ) => found == other,
            (
                Self::ClientIdNotSet { is_empty, unnamed },
                Self::ClientIdNotSet {
                    is_empty: other_is_empty,
                    unnamed: other_unnamed,
                },
            ) => (is_empty, unnamed.is_some()) == (other_is_empty, other_unnamed.is_some()),
            _ => self == other,
        }
    }

    /// Writes what is wrong with what; names in at most `names` characters.
    pub(super) fn write_reason(
        &self,
        about: &About,
        names: usize,
        f: &mut Formatter<'_>,
    ) -> fmt::Result {
        let values = names.min(VALUE_LENGTH);
        write!(f, "{about:.names$}")?;
        f.write_str(match (about, self) {
            (About::Request, _) => "",
            (_, Self::Lacks { .. } | Self::NotPermitted { user: None, .. }) => " ",
            _ => ": ",
        })?;
        let field = |name| format!("{}.{name}", about.path());
        match self {
            Self::Shape(fault) => fault.clone().in_path(&about.path()).fmt(f),
            Self::Malformed {
                annotation,
                expected,
                found,
                ..
            } => write!(
                f,
                "{}annotation {annotation}: expected {expected}, found {found:.values$}",
                about.metadata()
            ),
            Self::ListedTwice { name } => write!(
                f,
                "{}annotation {} lists {name:.names$} twice",
                about.metadata(),
                keys::SKIP_CONTAINERS
            ),
            Self::NoSuchContainer { name, .. } => write!(
                f,
                "{}annotation {}: the pod has no container {name:.names$}",
                about.metadata(),
                keys::SKIP_CONTAINERS
            ),
            Self::ServiceAccountName { field, found } => write!(
                f,
                "{field}: expected {}, found {found:.values$}",
                values::OBJECT_NAME
            ),
            Self::ServiceAccountMissing { .. } => f.write_str("does not exist"),
            Self::Lookup(error) => write!(f, "cannot be read: {error:.names$}"),
            Self::ClientIdRequired => write!(
                f,
                "annotation {}: required: expected {}, found nothing",
                keys::CLIENT_ID,
                values::CLIENT_ID
            ),
            Self::ClientIdNotSet { is_empty, unnamed } => {
                let state = if *is_empty { "empty" } else { "not set" };
                let (key, variable) = (keys::CLIENT_ID, keys::AZURE_CLIENT_ID);
                write!(
                    f,
                    "annotation {key} is {state}, so {variable} is not injected"
                )?;
                match unnamed {
                    Some(_) => f.write_str("; the pod names no ServiceAccount"),
                    None => Ok(()),
                }
            }
            Self::Disallowed {
                source,
                expected,
                found,
                ..
            } => write!(
                f,
                "{}{source}: expected {expected} that setting allowedIdentities allows, found {found:.values$}",
                about.metadata()
            ),
            Self::TooManyIdentities => write!(
                f,
                "the containers set more than {IDENTITIES_OF_A_POD} different identities, which are too many to look into"
            ),
            Self::NotPermitted {
                user,
                permission,
                reason,
            } => {
                write_user(user.as_ref(), names, f)?;
                write!(f, "lacks {permission:.names$}")?;
                match reason {
                    Some(reason) => write!(f, ": {reason:.names$}"),
                    None => Ok(()),
                }
            }
            Self::PermissionUnknown {
                user,
                client_id,
                error,
            } => {
                f.write_str("nobody knows whether ")?;
                match user {
                    Some(_) => write_user(user.as_ref(), names, f)?,
                    None => f.write_str("it ")?,
                }
                write!(f, "may use {client_id:.values$}: {error:.names$}")
            }
            Self::DiffersFromMap {
                annotation,
                entry,
                is_overridden: true,
            } => write!(
                f,
                "annotation {annotation} has no effect, because setting identityMap[{entry}] overrides it"
            ),
            Self::DiffersFromMap {
                annotation, entry, ..
            } => write!(
                f,
                "annotation {annotation} counts, and differs from setting identityMap[{entry}]"
            ),
            Self::VolumeNameTaken { index, name } => write!(
                f,
                "{}[{index}]: volume {name:.names$} has the name of the token volume, but does not hold the token alone",
                field("volumes")
            ),
            Self::NotForTokenEndpoint { index, annotation } => write!(
                f,
                "{}[{index}]: expected a token for the audience of the custom token endpoint and its certificates, as annotation {annotation} asks for, found another token",
                field("volumes")
            ),
            Self::OtherAudience { index, expected } => write!(
                f,
                "{}[{index}]: expected a token for audience {expected:.values$}, found one for another audience",
                field("volumes")
            ),
            Self::NoAudience { index } => write!(
                f,
                "{}[{index}]: expected a token with an audience, found one for the Kubernetes API",
                field("volumes")
            ),
            Self::ReadOnlyParent {
                volume,
                path,
                token_directory,
            } => write!(
                f,
                "{}: volume {volume:.names$} is mounted read-only at {path:.names$}, so the token volume cannot be mounted at {token_directory:.names$}",
                field("volumeMounts")
            ),
            Self::DeviceInTheWay { path } => write!(
                f,
                "{}: a device is at {path:.names$}, where the token volume goes",
                field("volumeDevices")
            ),
            Self::TooLarge { bytes, added } => write!(
                f,
                "would have {bytes} bytes or more, {added} of them added: expected at most {LARGEST_POD} and {LARGEST_GROWTH}"
            ),
            Self::RefersToLater { env, injected } => write!(
                f,
                "env {env:.names$} refers to $({}), which is injected after it, so the reference stays as it is",
                injected.bare()
            ),
            Self::MountInTheWay {
                volume,
                path,
                token_directory,
            } => {
                write!(
                    f,
                    "{}: volume {volume:.names$} is mounted at {path:.names$}, where the token volume goes",
                    field("volumeMounts")
                )?;
                if path == token_directory {
                    return Ok(());
                }
                write!(f, " ({token_directory:.names$})")
            }
            Self::KeepsOwn { env, source } => write!(
                f,
                "env {:.names$}: the container keeps its own value, which differs from that of {source}",
                env.bare()
            ),
            Self::HostNetwork => write!(
                f,
                "{}: expected false, found true: the proxy would redirect the node's own traffic",
                field("hostNetwork")
            ),
            Self::Windows { field: path } => write!(
                f,
                "{}: expected linux, found windows: the proxy's images run on Linux only",
                field(path)
            ),
            Self::PodResources { resource } => write!(
                f,
                "{}: {resource:.names$}: expected enough for the proxy's containers too",
                field("resources")
            ),
            Self::PortTaken { port } => write!(
                f,
                "{}: port {port} is already used by this container, and the proxy needs it",
                field("ports")
            ),
            Self::AddedLater {
                injector,
                container,
                ..
            } => write!(
                f,
                "{}container {container}, which {injector} adds later, will not have the identity",
                about.metadata()
            ),
            Self::HandOverValue { env } => write!(
                f,
                "{}annotation dapr.io/env cannot carry {:.names$}: Dapr takes names of letters, digits and underscores, and values without comma, equals sign and outer white space",
                about.metadata(),
                env.bare()
            ),
            Self::HandOverMount { path } => write!(
                f,
                "{}Dapr's container will not have the identity: its mounts are in the way of {path:.names$}",
                about.metadata()
            ),
            Self::HandOverKeeps { env } => write!(
                f,
                "{}annotation dapr.io/env has {:.names$} of its own, which differs from that of the identity",
                about.metadata(),
                env.bare()
            ),
            Self::Drifted {
                env,
                found,
                expected,
            } => {
                write!(
                    f,
                    "env {:.names$}: was injected as {found:.values$}, ",
                    env.bare()
                )?;
                match expected {
                    Some(expected) => write!(f, "but it is {expected:.values$} now"),
                    None => f.write_str("but the identity has none now"),
                }
            }
            Self::Lacks {
                env,
                mount_of,
                token_at,
                came_later,
            } => {
                f.write_str("lacks ")?;
                for (index, name) in env.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{:.names$}", name.bare())?;
                }
                let mut and = if env.is_empty() { "" } else { " and " };
                if let Some(volume) = mount_of {
                    write!(f, "{and}the mount of volume {volume:.names$}")?;
                    and = " and ";
                }
                for path in token_at {
                    write!(f, "{and}the token at {path:.names$}")?;
                    and = " and ";
                }
                match came_later {
                    Some(CameLater::By(injector)) => {
                        write!(f, ": {injector} added it after the injection")
                    }
                    Some(CameLater::NotMarked) => {
                        f.write_str(": it was added after the injection, by the pod's mark")
                    }
                    None => Ok(()),
                }
            }
            Self::ContainerMissing { name } => write!(f, "container {name} is missing"),
            Self::VolumeMissing { name } => write!(f, "volume {name:.names$} is missing"),
            Self::VolumeOutdated { name } => write!(f, "volume {name:.names$} is out of date"),
            Self::UnknownKey { form, key, .. } => {
                write!(
                    f,
                    "{}{form} {:.names$} is unknown",
                    about.metadata(),
                    key.bare()
                )
            }
            Self::UnknownSuffix { form, key } => write!(
                f,
                "{}{form} {:.names$} is unknown: no custom token endpoint is configured under that suffix",
                about.metadata(),
                key.bare()
            ),
            Self::WrongForm { form, key, .. } => {
                write!(
                    f,
                    "{}{form} {:.names$} has no effect",
                    about.metadata(),
                    key.bare()
                )
            }
            Self::WrongObject { form, key, .. } => write!(
                f,
                "{}{form} {:.names$} has no effect here",
                about.metadata(),
                key.bare()
            ),
            Self::LabelNotTrue { found } => write!(
                f,
                "{}label {} has no effect: expected \"true\", found {found:.values$}",
                about.metadata(),
                keys::USE
            ),
            Self::FalseOptsIn { form } => write!(
                f,
                "{form} {} opts its pods in whatever its value is, here \"false\"",
                keys::USE
            ),
            Self::FalseDoesNotOptOut { service_account } => write!(
                f,
                "{}label {}: \"false\" does not opt out, because {service_account:.names$} opts its pods in",
                about.metadata(),
                keys::USE
            ),
            Self::NoOptIn { form, key } => write!(
                f,
                "{}{form} {key} has no effect without label {}: \"{}\"",
                about.metadata(),
                keys::USE,
                keys::OPTED_IN
            ),
            Self::LabelDoesNotCount { .. } => write!(
                f,
                "{}label {} has no effect because of setting optIn",
                about.metadata(),
                keys::USE
            ),
            Self::NotOptedIn {
                service_account,
                pod_label_counts,
            } => {
                let metadata = about.metadata();
                write!(f, "{metadata}gets no identity: ")?;
                if *pod_label_counts {
                    let label = keys::USE;
                    write!(
                        f,
                        "neither it nor {service_account:.names$} has label {label}"
                    )
                } else {
                    write!(f, "{service_account:.names$} has no label {}", keys::USE)
                }
            }
            Self::SettingMalformed {
                expected, found, ..
            } => {
                write!(f, "expected {expected}, found {found:.values$}")
            }
            Self::SettingMissing { expected, because } => {
                write!(f, "required: expected {expected}")?;
                if let Some(other) = because {
                    write!(f, ", because {other} is set")?;
                }
                f.write_str(", found nothing")
            }
            Self::SettingUnknown { .. } => f.write_str("there is no such setting"),
            Self::SameAudience { found } => write!(
                f,
                "expected another audience than that of pods without the endpoint, found {found:.values$}"
            ),
            Self::TwoSources { other } => write!(
                f,
                "expected one source of certificates at most, found {other} too"
            ),
            Self::NeedsSetting { other } => write!(f, "expected {other} beside it, found nothing"),
            Self::SettingRepeats { first } => {
                write!(f, "is the same as {:.names$}", first.bare())
            }
            Self::SettingNamesAgain { name, first } => write!(
                f,
                "expected each variable once, found {:.names$} in {:.names$} too",
                name.bare(),
                first.bare()
            ),
            Self::SettingShadowed { earlier } => write!(
                f,
                "never counts, because {:.names$} matches all that it matches",
                earlier.bare()
            ),
        }
    }

    /// What to do; `None` if the reason says it. Names have at most `names` characters.
    pub(super) fn help(&self, names: usize) -> Option<String> {
        let text = match self {
            Self::Shape(fault) if fault.lacks_quotes() => "put the value in quotes",
            Self::Malformed { hint, .. } => (*hint)?,
            Self::SettingMalformed { hint, .. } => return hint.clone().map(Cow::into_owned),
            Self::NoSuchContainer { meant, .. } => {
                return Some(format!("did you mean {:.names$}?", meant.as_ref()?));
            }
            Self::ServiceAccountMissing { field } => {
                return Some(format!("create it, or correct {field}"));
            }
            Self::Lookup(error) => error.help(),
            Self::ClientIdRequired => "add the annotation",
            Self::ClientIdNotSet {
                unnamed: Some(field),
                ..
            } => return Some(format!("set {field}")),
            Self::ClientIdNotSet { .. } => {
                "set the annotation, or set the variable in the containers that need it"
            }
            Self::Disallowed { allowed, .. } => {
                // However long the rest is: it is no use without.
                let or = |allowed: &Excerpt| format!("{allowed} or ");
                let use_one: String = allowed.iter().map(or).collect();
                return Some(match use_one.strip_suffix(" or ") {
                    Some(one) => format!("use {one}"),
                    None => "ask whoever administers the policy to allow it".to_owned(),
                });
            }
            Self::TooManyIdentities => "use fewer",
            Self::NotPermitted { .. } => {
                "add a ClusterRole and a ClusterRoleBinding, which azwi-policy grant writes"
            }
            Self::PermissionUnknown { error, .. } => error.help(),
            Self::DiffersFromMap {
                is_overridden: true,
                ..
            } => "remove the annotation",
            Self::DiffersFromMap { .. } => "remove the annotation to use the setting",
            Self::VolumeNameTaken { .. } => "rename it and its mounts",
            Self::NotForTokenEndpoint { .. }
            | Self::OtherAudience { .. }
            | Self::NoAudience { .. } => "remove this volume, and the policy adds its own",
            Self::DeviceInTheWay { .. } => "put it elsewhere",
            Self::TooLarge { .. } => {
                return Some(format!(
                    "list containers that need no identity in annotation {}",
                    keys::SKIP_CONTAINERS
                ));
            }
            Self::RefersToLater { .. } => {
                "use the injected variable itself, or refer to it in command or args"
            }
            Self::MountInTheWay { .. } | Self::ReadOnlyParent { .. } => {
                return Some(format!(
                    "mount it elsewhere, or list the container in annotation {}",
                    keys::SKIP_CONTAINERS
                ));
            }
            Self::KeepsOwn { .. } => {
                "remove the variable from the container to use the pod's identity"
            }
            Self::HostNetwork => {
                return Some(format!(
                    "set it to false, or remove annotation {}",
                    keys::INJECT_PROXY_SIDECAR
                ));
            }
            Self::PodResources { .. } => {
                "raise it by what settings proxy.resources and proxy.initResources say"
            }
            Self::Windows { .. } => {
                return Some(format!(
                    "remove annotation {}, and use the Azure SDK's workload identity credential",
                    keys::INJECT_PROXY_SIDECAR
                ));
            }
            Self::PortTaken { .. } => {
                return Some(format!(
                    "choose another port with annotation {}",
                    keys::PROXY_SIDECAR_PORT
                ));
            }
            Self::AddedLater {
                container,
                cannot_be_handed_over,
                ..
            } => {
                let setting = if *container == DAPR.container && !cannot_be_handed_over {
                    "handOver"
                } else {
                    "reinvocationPolicy"
                };
                let key = keys::SKIP_CONTAINERS;
                return Some(format!("list it in annotation {key}, or set {setting}"));
            }
            Self::HandOverValue { .. } => "set reinvocationPolicy",
            Self::HandOverMount { .. } => {
                return Some(format!(
                    "move them, or list {} in annotation {}",
                    DAPR.container,
                    keys::SKIP_CONTAINERS
                ));
            }
            Self::HandOverKeeps { .. } => "remove the variable to use the pod's identity",
            Self::Drifted { expected: None, .. } => {
                "re-create the pod, with kubectl rollout restart of its workload, or set extraEnv as the policy that injects has it"
            }
            Self::Drifted { .. } => {
                "re-create the pod, with kubectl rollout restart of its workload"
            }
            Self::Lacks {
                came_later: Some(_),
                ..
            } => {
                return Some(format!(
                    "list it in annotation {}, or set reinvocationPolicy",
                    keys::SKIP_CONTAINERS
                ));
            }
            Self::Lacks { .. }
            | Self::ContainerMissing { .. }
            | Self::VolumeMissing { .. }
            | Self::VolumeOutdated { .. } => {
                "re-create the pod while the policy that injects is in place"
            }
            Self::UnknownKey { meant, home, .. } => {
                return Some(match (meant, home) {
                    (Some(meant), Some((form, home))) => {
                        format!(
                            "did you mean {meant}, as {} of {home}?",
                            form.with_article()
                        )
                    }
                    (Some(meant), None) => format!("did you mean {meant}?"),
                    (None, _) => format!("known are {}", known_names()),
                });
            }
            Self::WrongForm { expected, .. } => {
                return Some(format!("make it {}", expected.with_article()));
            }
            Self::WrongObject {
                home: Place::Pod,
                key,
                ..
            } if key.is(keys::USE) => {
                "make it a label of the pods, or set optIn to ServiceAccountLabel"
            }
            Self::WrongObject { expected, home, .. } => {
                return Some(format!("make it {} of {home}", expected.with_article()));
            }
            Self::FalseOptsIn { .. } => "remove it to stop opting them in",
            Self::LabelNotTrue { .. } => "set it to \"true\" to opt in, or to \"false\" to opt out",
            Self::FalseDoesNotOptOut { .. } => "use another ServiceAccount for this pod",
            Self::NoOptIn { .. } => "add the label, or remove the annotation",
            Self::LabelDoesNotCount { service_account } => {
                return Some(format!("label {service_account:.names$} with it"));
            }
            Self::NotOptedIn {
                pod_label_counts, ..
            } => {
                let whom = if *pod_label_counts {
                    "one of them"
                } else {
                    "the ServiceAccount"
                };
                return Some(format!("add label {}: \"true\" to {whom}", keys::USE));
            }
            Self::SettingUnknown { meant, names } => {
                return Some(match meant {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => format!("use one of {}", names.join(", ")),
                });
            }
            Self::TwoSources { .. } | Self::SettingRepeats { .. } => "remove one of them",
            Self::SettingShadowed { .. } => "put it before that one, or remove it",
            Self::Shape(_)
            | Self::ListedTwice { .. }
            | Self::ServiceAccountName { .. }
            | Self::UnknownSuffix { .. }
            | Self::SettingMissing { .. }
            | Self::SameAudience { .. }
            | Self::SettingNamesAgain { .. }
            | Self::NeedsSetting { .. } => return None,
        };
        Some(text.to_owned())
    }
}

impl Display for LookupError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbidden => "PolicyServer is not allowed to read ServiceAccounts",
            Self::NoContextAwareAccess => "the policy has no access to ServiceAccounts",
            Self::NoHostCapability => {
                "the policy has no access to the host capability kubernetes/get_resource"
            }
            Self::NoCluster => NO_CLUSTER,
            Self::Other(text) => {
                let values = f.precision().unwrap_or(VALUE_LENGTH).min(VALUE_LENGTH);
                return write!(f, "the host says {text:.values$}");
            }
            Self::NotAServiceAccount(fault) => {
                return write!(f, "the host's answer is not a ServiceAccount: {fault}");
            }
            Self::AnotherOne(object) => {
                f.write_str("the host's answer is ")?;
                return object.fmt(f);
            }
        })
    }
}

impl LookupError {
    fn help(&self) -> &'static str {
        match self {
            Self::Forbidden => {
                "let its ServiceAccount get, list and watch serviceaccounts, with a ClusterRole and a ClusterRoleBinding"
            }
            Self::NoContextAwareAccess => {
                "list v1 ServiceAccount under spec.contextAwareResources of a ClusterAdmissionPolicy (kwctl: --allow-context-aware)"
            }
            Self::NoHostCapability => GRANT_CAPABILITY,
            Self::NoCluster => SEE_LOG_OR_CONNECT,
            Self::Other(_) => {
                "check PolicyServer's permissions and its connection to the API server"
            }
            Self::NotAServiceAccount(_) | Self::AnotherOne(_) => SEE_LOG,
        }
    }
}

/// Writes a user in front of what is said of it; nothing if it is the ServiceAccount that all is about.
fn write_user(user: Option<&Excerpt>, names: usize, f: &mut Formatter<'_>) -> fmt::Result {
    match user {
        Some(user) => write!(f, "user {user:.names$} "),
        None => Ok(()),
    }
}

/// The names of all keys, without their prefix.
fn known_names() -> String {
    let names = keys::names().map(|key| key.strip_prefix(PREFIX).unwrap_or(key));
    names.collect::<Vec<_>>().join(", ")
}
