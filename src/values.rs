//! One parser for each kind of value, whoever gives it: an annotation of a pod or a ServiceAccount, or a setting.

mod amount;
mod pattern;

use std::ops::RangeInclusive;

pub use amount::{LARGEST, ONE, QUANTITY, amount};
pub use pattern::{covers, matches, name_pattern, namespace_pattern, user_pattern};

/// How long a token may be valid, in seconds, by what Azure and Kubernetes accept.
pub const TOKEN_EXPIRATION_SECONDS: RangeInclusive<u32> = 3600..=86400;

/// The length of the longest value that is copied into containers, in bytes: that of a domain name.
pub const LONGEST: usize = 253;

/// What a client ID is, to be read after "expected".
pub const CLIENT_ID: &str = "the client ID of an Entra application or managed identity, a UUID";

/// What a tenant's value is, to be read after "expected".
pub const TENANT_ID: &str = "a tenant ID, a UUID or a verified domain name";

/// What a token expiration is, to be read after "expected".
pub const TOKEN_EXPIRATION: &str = "a whole number of seconds from 3600 to 86400";

/// The audience of a projected token unless it is set: what Microsoft Entra ID expects of a federated identity credential.
pub const DEFAULT_AUDIENCE: &str = "api://AzureADTokenExchange";

/// What an audience is, to be read after "expected".
pub const AUDIENCE: &str = "an audience of at most 253 visible ASCII characters";

/// What the suffix of the custom token endpoint's annotation is, to be read after "expected".
pub const ANNOTATION_SUFFIX: &str =
    "a suffix of at most 59 letters, digits, and inner hyphens, dots and underscores";

/// What the name of an object is, to be read after "expected".
pub const OBJECT_NAME: &str =
    "an object name: lower-case letters, digits, and inner hyphens and dots";

/// What the key of a label is, to be read after "expected".
pub const LABEL_KEY: &str = "a label key such as app or example.com/app";

/// What the value of a label is, to be read after "expected".
pub const LABEL_VALUE: &str =
    "a label value: at most 63 letters, digits, and inner hyphens, dots and underscores";

/// What the name of an environment variable is, to be read after "expected".
pub const ENV_NAME: &str = "the name of an environment variable: at most 253 letters, digits, underscores, hyphens and dots, no digit first";

/// What certificates are, to be read after "expected".
pub const CERTIFICATES: &str = "certificates in PEM and nothing else, from BEGIN CERTIFICATE to END CERTIFICATE, at most 65536 bytes";

/// What leads from a list to its items, at the end of a step of a path.
pub const EACH_ITEM: &str = "[]";

/// The maximum number of steps of a path.
pub const STEPS: usize = 12;

/// A path of a field.
pub const FIELD_PATH: &str =
    "a path of at most 12 fields, such as spec.driver.labels or spec.templates[].metadata.labels";

/// A path of a field that may be a list.
pub const LIST_PATH: &str =
    "a path of at most 12 fields, such as spec.template or spec.groups[].template";

/// Whether two texts are the same, compared eight bytes at a time: in the module, `==` compares byte by byte.
#[inline]
pub fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && has_same_bytes(one.as_bytes(), other.as_bytes())
}

#[inline(never)]
fn has_same_bytes(one: &[u8], other: &[u8]) -> bool {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    let number = |word: &[u8; 8]| u64::from_ne_bytes(*word);
    words.iter().map(number).eq(other_words.iter().map(number)) && rest.iter().eq(other_rest)
}

/// Why a text is not the value that it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What the text should have been, to be read after "expected".
    pub expected: &'static str,
    /// What to do about it, if the text shows what went wrong.
    pub hint: Option<&'static str>,
    /// What the text is, if messages must not show it.
    pub secret: Option<&'static str>,
}

impl Malformed {
    fn new(expected: &'static str) -> Self {
        Self {
            expected,
            hint: None,
            secret: None,
        }
    }

    fn or_hint(mut self, hint: Option<&'static str>) -> Self {
        self.hint = self.hint.or(hint);
        self
    }

    fn or_trim(self, text: &str, valid: &dyn Fn(&str) -> bool) -> Self {
        self.or_hint(valid(text.trim()).then_some("remove the white space around it"))
    }
}

/// The text if it is valid; a hint if it is, but for white space around it.
#[inline(never)]
fn checked<'t>(
    text: &'t str,
    expected: &'static str,
    valid: &dyn Fn(&str) -> bool,
) -> Result<&'t str, Malformed> {
    if valid(text) {
        return Ok(text);
    }
    Err(Malformed::new(expected).or_trim(text, valid))
}

/// A client ID: the UUID of an Entra application or managed identity.
///
/// # Errors
///
/// [`Malformed`] if it is not a UUID in its usual form of 8-4-4-4-12 hexadecimal digits, or a placeholder.
pub fn client_id(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| is_uuid(text) && !has_only(text, is_blank);
    checked(text, CLIENT_ID, &valid).map_err(|malformed| {
        let looks_like_id = |byte: u8| byte.is_ascii_hexdigit() || b"-{} \t\r\n".contains(&byte);
        let hint = if is_unfilled(text) {
            Some("this is a placeholder that nothing filled in")
        } else if text.get(1..text.len().saturating_sub(1)).is_some_and(valid) {
            Some("remove what is around the UUID")
        } else if mentions(text, "/subscriptions/") {
            Some("use the clientId that az identity show --ids prints, not the resource ID")
        } else if has_only(text, looks_like_id) || text.len() > LONGEST {
            None
        } else {
            Some("use the clientId that az identity show prints, not a name")
        };
        malformed.or_hint(hint)
    })
}

/// A tenant: its UUID or a domain name that is verified for it.
///
/// # Errors
///
/// [`Malformed`] if it is neither, or a placeholder.
pub fn tenant_id(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        if is_uuid(text) {
            return !has_only(text, is_blank);
        }
        is_host_name(text) && cut(text, b'.').is_some()
    };
    checked(text, TENANT_ID, &valid).map_err(|malformed| {
        let is_placeholder = is_unfilled(text) || is_placeholder(text);
        malformed.or_hint(is_placeholder.then_some("put your tenant ID here"))
    })
}

/// A token expiration in seconds, within [`TOKEN_EXPIRATION_SECONDS`].
///
/// # Errors
///
/// [`Malformed`] if it is not a whole number in base 10, or out of range.
pub fn token_expiration(text: &str) -> Result<u32, Malformed> {
    let valid = |text: &str| {
        text.parse()
            .ok()
            .filter(|seconds| TOKEN_EXPIRATION_SECONDS.contains(seconds))
    };
    valid(text).ok_or_else(|| {
        Malformed::new(TOKEN_EXPIRATION).or_trim(text, &|text| valid(text).is_some())
    })
}

/// A list of container names, of a length that it can have.
///
/// # Errors
///
/// [`Malformed`] if it is longer than a thousand of the longest names.
pub fn container_list(text: &str) -> Result<&str, Malformed> {
    const LONGEST_LIST: usize = 65536;
    checked(text, "container names of at most 65536 bytes", &|text| {
        text.len() <= LONGEST_LIST
    })
}

/// The container names in a list separated by `;`, trimmed, without empty ones.
pub fn container_names(text: &str) -> impl Iterator<Item = &str> {
    text.split(';')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// A container's name, as Kubernetes allows it.
///
/// # Errors
///
/// [`Malformed`] if it is not a DNS label: at most 63 lower-case letters, digits and inner hyphens.
pub fn container_name(text: &str) -> Result<&str, Malformed> {
    if is_label(text) && is_lower(text) {
        return Ok(text);
    }
    let hint = text
        .contains([',', ' ', ':'])
        .then_some("separate names with \";\"");
    let expected = "a container name: at most 63 lower-case letters, digits and inner hyphens";
    Err(Malformed::new(expected).or_hint(hint))
}

/// A URL that starts with `https://`, without user, query and fragment, of at most 512 bytes.
///
/// `$` is left out of what a path may have, because the kubelet expands `$(NAME)` in variables; so are quotes.
///
/// # Errors
///
/// [`Malformed`] if it is not one.
pub fn https_url(text: &str) -> Result<&str, Malformed> {
    const SCHEME: &str = "https://";
    let valid = |text: &str| {
        let rest = text.strip_prefix(SCHEME).unwrap_or_default();
        let (host_and_port, path) = cut(rest, b'/').unwrap_or((rest, ""));
        text.len() <= 512 && is_host_and_port(host_and_port) && is_url_path(path)
    };
    checked(text, "an https URL", &valid).map_err(|malformed| {
        let scheme = text.get(..SCHEME.len()).unwrap_or_default();
        // Some of Azure's SDKs compare it as it is written.
        let is_upper = scheme != SCHEME && scheme.eq_ignore_ascii_case(SCHEME);
        malformed.or_hint(is_upper.then_some("write https:// in lower case"))
    })
}

/// The audience of a token: any characters of ASCII that can be seen. It is not that of the Kubernetes API.
///
/// # Errors
///
/// [`Malformed`] if it is empty, longer than 253 bytes, has other characters, or is that of the Kubernetes API.
pub fn audience(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        (1..=LONGEST).contains(&text.len()) && has_only(text, |byte| byte.is_ascii_graphic())
    };
    checked(text, AUDIENCE, &valid)?;
    let host = text.strip_prefix("https://").unwrap_or(text);
    let host = host.strip_suffix('/').unwrap_or(host);
    if KUBERNETES_API
        .iter()
        .any(|name| host.eq_ignore_ascii_case(name))
    {
        return Err(Malformed::new(
            "another audience than that of the Kubernetes API, whose tokens must not leave the cluster",
        ));
    }
    Ok(text)
}

/// The Kubernetes API in a cluster.
const KUBERNETES_API: [&str; 3] = [
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// `true` or `false`, as an annotation says it.
///
/// # Errors
///
/// [`Malformed`] if it is neither.
pub fn boolean(text: &str) -> Result<bool, Malformed> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Malformed::new("\"true\" or \"false\"")
            .or_trim(text, &|text| matches!(text, "true" | "false"))),
    }
}

/// A TCP port.
///
/// # Errors
///
/// [`Malformed`] if it is not a whole number from 1 to 65535 in base 10.
pub fn port(text: &str) -> Result<u16, Malformed> {
    let valid = |text: &str| text.parse().ok().filter(|port: &u16| *port > 0);
    valid(text).ok_or_else(|| {
        Malformed::new("a port from 1 to 65535").or_trim(text, &|text| valid(text).is_some())
    })
}

/// The suffix of the annotation `azure.workload.identity/use-<suffix>`, which must be a name that Kubernetes allows.
///
/// # Errors
///
/// [`Malformed`] if the annotation could not exist.
pub fn annotation_suffix(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        let has_plain_end = text.ends_with(|last: char| last.is_ascii_alphanumeric());
        text.len() <= 59 && has_plain_end && has_only(text, is_of_name)
    };
    checked(text, ANNOTATION_SUFFIX, &valid)
}

/// A host's name: one or more DNS labels. An IP address is not one.
///
/// # Errors
///
/// [`Malformed`] if it is not one.
pub fn host_name(text: &str) -> Result<&str, Malformed> {
    checked(text, "a host name", &is_host_name)
}

/// The name of an object: a DNS subdomain in lower case.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it.
pub fn object_name(text: &str) -> Result<&str, Malformed> {
    checked(text, OBJECT_NAME, &is_subdomain)
}

/// An API group that is not the core group.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it.
pub fn api_group(text: &str) -> Result<&str, Malformed> {
    checked(text, "an API group such as example.com", &is_subdomain)
}

/// An API group, empty for the core group.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it.
pub fn any_api_group(text: &str) -> Result<&str, Malformed> {
    checked(
        text,
        "an API group such as example.com, or an empty string for the core group",
        &|text| text.is_empty() || is_subdomain(text),
    )
}

/// A kind of object.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it.
pub fn kind(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| text.bytes().any(|byte| byte.is_ascii_uppercase()) && is_label(text);
    checked(text, "a kind such as Rollout", &valid)
}

/// The path of a field that may be in lists.
///
/// # Errors
///
/// [`Malformed`] if it is no path, or a very long one.
pub fn list_path(text: &str) -> Result<&str, Malformed> {
    checked(text, LIST_PATH, &is_path)
}

/// The path of a field, which is not a list itself.
///
/// # Errors
///
/// [`Malformed`] if it is no path, or a very long one.
pub fn field_path(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| !text.ends_with(EACH_ITEM) && is_path(text);
    checked(text, FIELD_PATH, &valid)
}

/// A verb of Kubernetes' RBAC. One for all verbs is not one to ask for.
///
/// # Errors
///
/// [`Malformed`] if it is not one word in lower case.
pub fn verb(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| is_label(text) && is_lower(text);
    checked(text, "a verb such as use-managed-identity", &valid)
}

/// The key of a label, or the name of a resource, as Kubernetes allows it: a name, after a domain and a slash or alone.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it.
pub fn label_key(text: &str) -> Result<&str, Malformed> {
    checked(text, LABEL_KEY, &is_qualified_name)
}

/// The value of a label, which may be empty.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it.
pub fn label_value(text: &str) -> Result<&str, Malformed> {
    checked(text, LABEL_VALUE, &|text| text.is_empty() || is_name(text))
}

/// The name of an environment variable, in the form that every release of Kubernetes accepts.
///
/// # Errors
///
/// [`Malformed`] if it is not.
pub fn env_name(text: &str) -> Result<&str, Malformed> {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let valid = |text: &str| {
        (1..=LONGEST).contains(&text.len())
            && has_only(text, is_one)
            && !text.starts_with(|first: char| first.is_ascii_digit())
    };
    checked(text, ENV_NAME, &valid)
}

/// The value of an environment variable.
///
/// # Errors
///
/// [`Malformed`] if it is empty, which says nothing, or too long to be in every container, or has control characters.
pub fn env_value(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        (1..=LONGEST).contains(&text.chars().count()) && !text.contains(char::is_control)
    };
    checked(
        text,
        "a text of 1 to 253 characters, none of them a control character",
        &valid,
    )
}

/// The name of a resource that a container can request.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it, or if no node can have it.
pub fn resource_name(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| match cut(text, b'/') {
        // Quotas put "requests." before it.
        Some((domain, _)) => {
            domain.len() <= 244 && !text.starts_with("requests.") && is_qualified_name(text)
        }
        None => matches!(text, "cpu" | "memory" | "ephemeral-storage") || page_size(text).is_some(),
    };
    checked(
        text,
        "a resource such as cpu, memory, hugepages-2Mi or example.com/device",
        &valid,
    )
}

/// The size of the huge pages that a resource is named by, in the units of [`amount`]: a whole number of bytes.
pub fn page_size(resource: &str) -> Option<u128> {
    let size = resource.strip_prefix("hugepages-")?;
    let mut rest = size.bytes().skip_while(u8::is_ascii_digit);
    let is_suffix = |byte: u8| b"kMGTPEi".contains(&byte);
    let is_whole = matches!(size.as_bytes().first(), Some(b'1'..=b'9')) && rest.all(is_suffix);
    is_whole.then(|| amount(size).ok()).flatten()
}

/// The name of a signer of certificates: a domain, a slash and a path, as Kubernetes' `ValidateSignerName` wants it.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it.
pub fn signer_name(text: &str) -> Result<&str, Malformed> {
    // A domain, a namespace, a name, and what is between them.
    const LONGEST_SIGNER: usize = 253 + 1 + 63 + 1 + 253;
    let valid = |text: &str| {
        text.len() <= LONGEST_SIGNER
            && is_lower(text)
            && cut(text, b'/').is_some_and(|(domain, path)| {
                domain.len() <= LONGEST
                    && cut(domain, b'.').is_some()
                    && each_part(domain, b'.', is_label)
                    && each_part(path, b'.', is_subdomain)
            })
    };
    checked(text, "a signer name such as example.com/signer", &valid)
}

/// Certificates in PEM, and nothing else: a private key would become readable in each pod.
///
/// # Errors
///
/// [`Malformed`] if there is no certificate in it, something else, or more than 65,536 bytes.
pub fn certificates(text: &str) -> Result<&str, Malformed> {
    if text.len() <= 65_536 && is_pem(text) {
        return Ok(text);
    }
    let mut malformed = Malformed::new(CERTIFICATES);
    if mentions(text, "PRIVATE KEY-----") {
        malformed.secret = Some("a PRIVATE KEY block");
        malformed.hint = Some("remove it, and treat the key as known to others");
    } else if text.starts_with("LS0tLS1") {
        malformed.hint = Some("decode it, it is in base64");
    }
    Err(malformed)
}

/// A container image's reference: a path of lower-case names, after a registry's host or alone, a tag, a digest.
///
/// # Errors
///
/// [`Malformed`] if it is not one.
pub fn image(text: &str) -> Result<&str, Malformed> {
    checked(
        text,
        "an image reference such as registry.example/proxy:v1",
        &is_image,
    )
}

/// The name of a capability.
///
/// # Errors
///
/// [`Malformed`] if no capability can have it.
pub fn capability(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        !text.is_empty() && has_only(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    checked(text, "a capability such as NET_ADMIN", &valid)
}

/// The type of a container's /proc.
///
/// # Errors
///
/// [`Malformed`] if it is not `Default`: the other one, `Unmasked`, needs a pod with a user namespace of its own.
pub fn proc_mount(text: &str) -> Result<&str, Malformed> {
    let hint = (text == "Unmasked").then_some("Unmasked needs a pod with hostUsers: false");
    checked(text, "Default", &|text| text == "Default").map_err(|malformed| malformed.or_hint(hint))
}

/// The path of a seccomp profile on the node, below the kubelet's directory of profiles.
///
/// # Errors
///
/// [`Malformed`] if it is empty, absolute, or leads out of that directory.
pub fn seccomp_profile(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        is_profile(text) && !text.starts_with('/') && each_part(text, b'/', |name| name != "..")
    };
    checked(text, "a relative path without \"..\"", &valid)
}

/// The name of an AppArmor profile that is loaded on the node.
///
/// # Errors
///
/// [`Malformed`] if Kubernetes would not allow it.
pub fn apparmor_profile(text: &str) -> Result<&str, Malformed> {
    checked(text, "the name of a profile", &is_profile)
}

/// Any string without control characters.
///
/// # Errors
///
/// [`Malformed`] if it has some.
pub fn plain_string(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| has_only(text, |byte| !byte.is_ascii_control());
    checked(text, "a string without control characters", &valid)
}

/// A whole number in digits and nothing else.
#[inline(never)]
pub fn whole_number(text: &str) -> Option<u32> {
    let is_digits = has_only(text, |byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

fn is_uuid(text: &str) -> bool {
    /// The bits of the places that have hyphens.
    const HYPHENS: u64 = 1 << 8 | 1 << 13 | 1 << 18 | 1 << 23;
    let mut hyphens = HYPHENS;
    let fits = |byte: u8| {
        let is_hyphen = hyphens & 1 == 1;
        hyphens >>= 1;
        if is_hyphen {
            byte == b'-'
        } else {
            byte.is_ascii_digit() || matches!(byte | 0x20, b'a'..=b'f')
        }
    };
    text.len() == 36 && text.bytes().all(fits)
}

/// Whether it is what documents have in the place of a tenant.
fn is_placeholder(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && mentions(text, "tenant")
}

/// Whether it is a variable that nothing replaced, or a word that stands for a value that is still to come.
fn is_unfilled(text: &str) -> bool {
    const MARKS: [&str; 11] = [
        "$",
        "<",
        "{{",
        "__",
        "#{",
        "tba",
        "tbd",
        "todo",
        "change",
        "replace",
        "placeholder",
    ];
    if !(1..=LONGEST).contains(&text.len()) {
        return false;
    }
    let starts = |mark: &&str| {
        let start = text.as_bytes().get(..mark.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(mark.as_bytes()))
    };
    has_only(text, is_blank) || mentions(text, "${") || MARKS.iter().any(starts)
}

/// Whether it is what a UUID without a value is made of.
fn is_blank(byte: u8) -> bool {
    b"0xX-".contains(&byte)
}

/// Whether it is a host's name. By its last label it differs from an IP address.
fn is_host_name(text: &str) -> bool {
    let mut is_number = false;
    let is_host_label = |label: &str| {
        is_number = has_only(label, |byte| byte.is_ascii_digit());
        is_label(label)
    };
    text.len() <= LONGEST && each_part(text, b'.', is_host_label) && !is_number
}

fn is_subdomain(text: &str) -> bool {
    let is_part = |label: &str| is_label_of(label, LONGEST);
    text.len() <= LONGEST && is_lower(text) && each_part(text, b'.', is_part)
}

/// Whether it is a path of fields, each of which may be a list.
fn is_path(text: &str) -> bool {
    let mut steps: usize = 0;
    let is_step = |step: &str| {
        steps = steps.saturating_add(1);
        let field = step.strip_suffix(EACH_ITEM).unwrap_or(step);
        let is_of_field = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !field.is_empty() && has_only(field, is_of_field)
    };
    text.len() <= LONGEST && each_part(text, b'.', is_step) && steps <= STEPS
}

/// Whether it is a DNS label.
fn is_label(text: &str) -> bool {
    is_label_of(text, 63)
}

fn is_label_of(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && has_plain_ends(text)
        && has_only(text, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_lower(text: &str) -> bool {
    has_only(text, |byte| !byte.is_ascii_uppercase())
}

fn is_qualified_name(text: &str) -> bool {
    match cut(text, b'/') {
        Some((domain, name)) => is_subdomain(domain) && is_name(name),
        None => is_name(text),
    }
}

/// Whether it is the name in a label's key, or a label's value.
fn is_name(text: &str) -> bool {
    text.len() <= 63 && has_plain_ends(text) && has_only(text, is_of_name)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

fn is_profile(text: &str) -> bool {
    (1..=4095).contains(&text.len())
        && text.trim_ascii() == text
        && has_only(text, |byte| matches!(byte, b' '..=b'~'))
}

/// Whether it is a host, with or without a colon and a port.
#[inline(never)]
fn is_host_and_port(text: &str) -> bool {
    let is_port = |port: &str| whole_number(port).is_some_and(|port| (1..=65535).contains(&port));
    if let Some((address, port)) = text.strip_prefix('[').and_then(|text| cut(text, b']')) {
        let has_port = port.strip_prefix(':').is_some_and(is_port);
        return is_ipv6(address) && (port.is_empty() || has_port);
    }
    let (host, has_port) = match cut(text, b':') {
        Some((host, port)) => (host, is_port(port)),
        None => (text, true),
    };
    has_port && (is_host_name(host) || is_ipv4(host))
}

fn is_ipv4(text: &str) -> bool {
    let mut count: u8 = 0;
    let is_byte = |part: &str| {
        count = count.saturating_add(1);
        whole_number(part).is_some_and(|number| number <= 255)
            && (part.len() == 1 || !part.starts_with('0'))
    };
    each_part(text, b'.', is_byte) && count == 4
}

/// Whether it is an IPv6 address, without an IPv4 address in it and without a zone.
fn is_ipv6(text: &str) -> bool {
    let mut groups: u8 = 0;
    let mut gaps: u8 = 0;
    let is_group = |group: &str| {
        let count = if group.is_empty() {
            &mut gaps
        } else {
            &mut groups
        };
        *count = count.saturating_add(1);
        group.len() <= 4 && has_only(group, |byte| byte.is_ascii_hexdigit())
    };
    // At an end, the gap is next to another empty part.
    let ends = u8::from(text.starts_with("::")).saturating_add(text.ends_with("::").into());
    // A gap stands for one group at least.
    !text.is_empty()
        && text.starts_with(':') == text.starts_with("::")
        && text.ends_with(':') == text.ends_with("::")
        && each_part(text, b':', is_group)
        && match gaps.checked_sub(ends) {
            Some(0) => groups == 8,
            Some(1) => groups <= 7,
            _ => false,
        }
}

fn is_url_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!&()*+,;=/%".contains(&byte);
    let is_code =
        |code: &[u8]| !code.starts_with(b"%") || code.iter().skip(1).all(u8::is_ascii_hexdigit);
    // A code has three characters.
    has_only(text, is_plain)
        && text.as_bytes().windows(3).all(is_code)
        && !text
            .as_bytes()
            .iter()
            .rev()
            .take(2)
            .any(|byte| *byte == b'%')
}

fn is_image(text: &str) -> bool {
    let (text, has_digest) = match cut(text, b'@') {
        Some((text, digest)) => (text, is_digest(digest)),
        None => (text, true),
    };
    let (registry, path) = match cut(text, b'/') {
        Some((first, path)) if is_path_component(first) || is_registry(first) => (first, path),
        _ => ("", text),
    };
    let (path, has_tag) = match cut(path, b':') {
        Some((path, tag)) => (path, is_tag(tag)),
        None => (path, true),
    };
    let length = registry.len().saturating_add(path.len());
    // With the slash between them.
    let is_short = length < 255 || registry.is_empty() && length == 255;
    has_digest && has_tag && is_short && each_part(path, b'/', is_path_component)
}

/// Whether it is a registry, not the first name of a path.
fn is_registry(text: &str) -> bool {
    (text == "localhost" || !has_only(text, |byte| byte != b'.' && byte != b':'))
        && is_host_and_port(text)
}

/// Whether it is lower-case letters and digits, with separators between them: a dot, one or two underscores, hyphens.
fn is_path_component(text: &str) -> bool {
    let is_sound = |pair: &[u8]| match *pair {
        [b'.', next] | [next, b'.'] => next.is_ascii_alphanumeric(),
        [b'_', next] | [next, b'_'] => next != b'-',
        _ => true,
    };
    has_only(text, is_of_name)
        && is_lower(text)
        && has_plain_ends(text)
        && text.as_bytes().windows(2).all(is_sound)
        && !text.as_bytes().windows(3).any(|three| three == b"___")
}

fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len()) && !text.starts_with(['.', '-']) && has_only(text, is_of_name)
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && has_only(digits, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Whether it is blocks of certificates in PEM, one at least, with nothing but white space between them.
fn is_pem(text: &str) -> bool {
    let mut has_block = false;
    // The characters of the block that is open, and how many of them are padding.
    let mut open: Option<(usize, usize)> = None;
    let is_line = |line: &str| {
        match (line.trim_ascii_end(), &mut open) {
            ("-----BEGIN CERTIFICATE-----", None) => open = Some((0, 0)),
            ("-----END CERTIFICATE-----", Some((length @ 4.., 0..=2))) if *length % 4 == 0 => {
                has_block = true;
                open = None;
            }
            ("", _) => {}
            (line, Some((length, padding))) => {
                for byte in line.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
                    *length = length.saturating_add(1);
                    let is_digit = byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
                    if byte == b'=' {
                        *padding = padding.saturating_add(1);
                    } else if !is_digit || *padding > 0 {
                        return false;
                    }
                }
            }
            _ => return false,
        }
        true
    };
    each_part(text, b'\n', is_line) && has_block && open.is_none()
}

/// Whether both ends are letters or digits.
fn has_plain_ends(text: &str) -> bool {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last())
}

/// Whether a word is in a text, whatever its case.
#[inline(never)]
pub fn mentions(text: &str, word: &str) -> bool {
    let mut places = text.as_bytes().windows(word.len().max(1));
    places.any(|place| place.eq_ignore_ascii_case(word.as_bytes()))
}

#[inline(never)]
fn has_only(text: &str, of_this: fn(u8) -> bool) -> bool {
    text.bytes().all(of_this)
}

/// What is before an ASCII character and after it.
#[inline(never)]
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let offset = text.bytes().position(|byte| byte == at)?;
    let (head, tail) = text.split_at_checked(offset)?;
    Some((head, tail.get(1..)?))
}

/// Whether each part between ASCII characters of this kind is as it should be.
fn each_part(text: &str, separator: u8, mut is_sound: impl FnMut(&str) -> bool) -> bool {
    each_part_of(text, separator, &mut is_sound)
}

#[inline(never)]
fn each_part_of(text: &str, separator: u8, is_sound: &mut dyn FnMut(&str) -> bool) -> bool {
    let mut rest = text;
    while let Some((part, tail)) = cut(rest, separator) {
        if !is_sound(part) {
            return false;
        }
        rest = tail;
    }
    is_sound(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";

    fn is_trimmed<T>(parsed: Result<T, Malformed>) -> bool {
        let hint = Some("remove the white space around it");
        parsed.is_err_and(|malformed| malformed.hint == hint)
    }

    #[test]
    fn texts_are_the_same_if_all_bytes_are() {
        let text = "AZURE_FEDERATED_TOKEN_FILE";
        for length in 0..=text.len() {
            let text = &text[..length];
            let copy = text.to_owned();
            assert!(is_same(text, &copy));
            assert!(!is_same(text, &format!("{text}x")));
            for changed in 0..length {
                let mut other = text.to_owned();
                other.replace_range(changed..=changed, "x");
                assert!(!is_same(text, &other), "{other}");
            }
        }
    }

    #[test]
    fn accepts_client_ids_in_either_case() {
        assert_eq!(client_id(ID), Ok(ID));
        assert!(client_id(&ID.to_uppercase()).is_ok());
    }

    #[test]
    fn rejects_what_is_not_a_client_id() {
        let unfilled = Some("this is a placeholder that nothing filled in");
        let name = Some("use the clientId that az identity show prints, not a name");
        let resource =
            Some("use the clientId that az identity show --ids prints, not the resource ID");
        rejects(
            client_id,
            CLIENT_ID,
            &[
                ("", None),
                ("8f1c2a7e5d3b4c599a570b6f4f0f9d11", None),
                ("8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11-", None),
                ("8f1c2a7e-5d3b-4c599-a57-0b6f4f0f9d11", None),
                (&"a/".repeat(200), None),
                (&format!(" {ID}\n"), TRIM),
                (&format!("{{{ID}}}"), Some("remove what is around the UUID")),
                ("my-app", name),
                ("8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d1g", name),
                ("8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d1é", name),
                (
                    "/Subscriptions/x/resourceGroups/y/providers/Microsoft.ManagedIdentity/userAssignedIdentities/z",
                    resource,
                ),
                ("00000000-0000-0000-0000-000000000000", unfilled),
                ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", unfilled),
                ("${CLIENT_ID}", unfilled),
                ("id-${CLIENT_ID}", unfilled),
                ("$CLIENT_ID", unfilled),
                ("$(CLIENT_ID)", unfilled),
                ("<client-id>", unfilled),
                ("{{ .Values.clientId }}", unfilled),
                ("__CLIENT_ID__", unfilled),
                ("TBA", unfilled),
                ("tbd", unfilled),
                ("TODO", unfilled),
                ("ChangeMe", unfilled),
                ("#{clientId}#", unfilled),
                ("REPLACE_ME", unfilled),
                ("placeholder", unfilled),
            ],
        );
    }

    type Parse = fn(&str) -> Result<&str, Malformed>;

    #[track_caller]
    fn accepts(parse: Parse, texts: &[&str]) {
        for text in texts {
            assert_eq!(parse(text), Ok(*text));
        }
    }

    /// Rejects each text, with what was expected and this advice.
    #[track_caller]
    fn rejects(parse: Parse, expected: &'static str, texts: &[(&str, Option<&'static str>)]) {
        for (text, hint) in texts {
            let malformed = Malformed::new(expected).or_hint(*hint);
            assert_eq!(parse(text), Err(malformed), "{text}");
        }
    }

    const TRIM: Option<&str> = Some("remove the white space around it");

    #[test]
    fn a_tenant_is_a_uuid_or_a_domain() {
        let longest = format!("{}.com", vec!["a".repeat(61); 4].join("."));
        accepts(
            tenant_id,
            &[
                ID,
                "contoso.com",
                "contoso.onmicrosoft.com",
                "Contoso-1.COM",
                "tenant.example",
                "1.2.x",
                "10.0.0.1a",
                longest.get(..249).expect("ASCII"),
            ],
        );
        let here = Some("put your tenant ID here");
        rejects(
            tenant_id,
            TENANT_ID,
            &[
                ("", None),
                ("\0", None),
                ("common", None),
                ("organizations", None),
                ("contoso..com", None),
                ("-contoso.com", None),
                ("contoso.com.", None),
                ("https://contoso.com", None),
                ("contoso_.com", None),
                ("1.2", None),
                ("10.0.0.1", None),
                ("a.1", None),
                ("contoso.com ", TRIM),
                ("YOUR-TENANT-ID", here),
                ("<tenant-id>", here),
                ("TBA", here),
                ("${AZURE_TENANT_ID}", here),
                (" tenant ", here),
                ("00000000-0000-0000-0000-000000000000", here),
                ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", here),
                (&format!("{}.com", "a".repeat(64)), None),
                (&format!("{}com", "a.".repeat(126)), None),
            ],
        );
    }

    #[test]
    fn accepts_expirations_up_to_both_bounds() {
        for (text, seconds) in [
            ("3600", 3600),
            ("86400", 86400),
            ("07200", 7200),
            ("+3600", 3600),
        ] {
            assert_eq!(token_expiration(text), Ok(seconds));
        }
    }

    #[test]
    fn rejects_what_is_not_a_expiration() {
        for text in [
            "",
            "3599",
            "86401",
            "1h",
            "-1",
            "3600.5",
            "9223372036854775808",
            "0x1000",
        ] {
            assert!(token_expiration(text).is_err(), "{text}");
        }
        assert!(is_trimmed(token_expiration(" 3600")));
    }

    #[test]
    fn container_names_are_split_and_trimmed() {
        let names: Vec<_> = container_names(" a; b-1 ;;").collect();
        assert_eq!(names, ["a", "b-1"]);
        assert_eq!(container_names(" ; ").count(), 0);
    }

    #[test]
    fn rejects_what_is_not_a_container_name() {
        assert_eq!(container_name("app-1"), Ok("app-1"));
        for (text, hint) in [
            ("App", None),
            ("app_1", None),
            ("app-", None),
            ("a,b", Some("separate names with \";\"")),
            ("a b", Some("separate names with \";\"")),
        ] {
            let malformed = container_name(text).expect_err(text);
            assert_eq!(malformed.hint, hint, "{text}");
        }
        assert!(container_name(&"a".repeat(64)).is_err());
    }

    #[test]
    fn a_url_is_https_with_a_host_and_a_plain_path() {
        let label = "a".repeat(63);
        let longest_host = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        accepts(
            https_url,
            &[
                "https://login.microsoftonline.com/",
                "https://login.microsoftonline.com",
                "https://adfs.local.azurestack.external/adfs",
                "https://localhost:8443/",
                "https://LOGIN.example:1",
                "https://a:65535/b//c;d=e,f/(~!&*+)/%41%aF.-_",
                "https://192.0.2.1:0443/",
                "https://[::1]/",
                "https://[::]",
                "https://[1::]:443/",
                "https://[2001:DB8:0:0:0:0:0:1]:443/",
                "https://[1:2:3:4:5:6::8]",
                "https://0x7f.a1",
                &format!("https://{longest_host}/{}", "a".repeat(250)),
            ],
        );
        let lower = Some("write https:// in lower case");
        rejects(
            https_url,
            "an https URL",
            &[
                ("", None),
                ("\0", None),
                ("login.microsoftonline.com", None),
                ("http://login.microsoftonline.com/", None),
                ("HTTPS://login.microsoftonline.com/", lower),
                ("https:/host/", None),
                ("https://", None),
                ("https:///adfs", None),
                ("https://user@host/", None),
                ("https://host:0/", None),
                ("https://host:/", None),
                ("https://host:port/", None),
                ("https://host:+443/", None),
                ("https://host:65536/", None),
                ("https://host:1:2/", None),
                ("https://host./", None),
                ("https://a..b/", None),
                ("https://a_b/", None),
                ("https://é/", None),
                ("https://1.2.3/", None),
                ("https://1.2.3.256/", None),
                ("https://1.2.3.04/", None),
                ("https://1.2.3.4.5/", None),
                ("https://a.1/", None),
                ("https://::1/", None),
                ("https://[]/", None),
                ("https://[::1", None),
                ("https://[::1]a/", None),
                ("https://[::1]:0/", None),
                ("https://[:1:2]/", None),
                ("https://[1:2:]/", None),
                ("https://[1::2::3]/", None),
                ("https://[:::]/", None),
                ("https://[1:2:3:4:5:6:7]/", None),
                ("https://[1:2:3:4:5:6:7:8:9]/", None),
                ("https://[1:2:3:4::5:6:7:8]/", None),
                ("https://[::12345]/", None),
                ("https://[::g]/", None),
                ("https://[::1.2.3.4]/", None),
                ("https://[fe80::1%25eth0]/", None),
                ("https://host/a b", None),
                ("https://host/?a=b", None),
                ("https://host/#a", None),
                ("https://host/\"", None),
                ("https://host/'", None),
                ("https://host/\\", None),
                ("https://host/<script>", None),
                ("https://host/$(X)", None),
                ("https://host/é", None),
                ("https://host/%", None),
                ("https://host/%4", None),
                ("https://host/%4g", None),
                ("https://host/%%41", None),
                (" https://host/", TRIM),
                (&format!("https://{longest_host}a/"), None),
                (&format!("https://host/{}", "a".repeat(500)), None),
            ],
        );
    }

    #[test]
    fn an_audience_is_visible_and_not_that_of_the_kubernetes_api() {
        accepts(
            audience,
            &[
                "api://AzureADTokenExchange",
                "!\"$'<>\\^`{|}~",
                "kubernetes",
                "https://kubernetes.default.svc.example",
                &"a".repeat(253),
            ],
        );
        rejects(
            audience,
            AUDIENCE,
            &[
                ("", None),
                ("\0", None),
                ("a b", None),
                ("a\u{7}b", None),
                ("\u{200b}", None),
                ("\u{feff}api://x", None),
                ("é", None),
                ("api://x ", TRIM),
                (&"a".repeat(254), None),
            ],
        );
        let expected = "another audience than that of the Kubernetes API, whose tokens must not leave the cluster";
        rejects(
            audience,
            expected,
            &[
                ("https://kubernetes.default.svc", None),
                ("https://kubernetes.default.svc/", None),
                ("https://kubernetes.default.svc.cluster.local", None),
                ("https://Kubernetes.Default", None),
                ("kubernetes.default.svc", None),
            ],
        );
    }

    #[test]
    fn names_are_those_that_kubernetes_allows() {
        let long = |length| "a".repeat(length);
        accepts(
            annotation_suffix,
            &["identity-binding", "A.b_c", "-a", &long(59)],
        );
        rejects(
            annotation_suffix,
            ANNOTATION_SUFFIX,
            &[
                ("", None),
                ("a-", None),
                ("a b", None),
                ("a/b", None),
                ("a ", TRIM),
                (&long(60), None),
            ],
        );
        accepts(host_name, &["abc.ests.aks", "localhost", "A-1.b"]);
        rejects(
            host_name,
            "a host name",
            &[
                ("", None),
                ("a..b", None),
                ("a_b", None),
                ("https://a", None),
                ("1.2.3.4", None),
                ("a\n", TRIM),
                (&long(64), None),
                (&format!("{}a", "a.".repeat(127)), None),
            ],
        );
        accepts(object_name, &["ib-ca", "a.b", "1", &long(253), &long(64)]);
        rejects(
            object_name,
            OBJECT_NAME,
            &[
                ("", None),
                ("Ca", None),
                ("a/b", None),
                ("-a", None),
                ("a.-b", None),
                (" a", TRIM),
                (&long(254), None),
            ],
        );
    }

    #[test]
    fn a_signer_has_a_domain_and_a_path_as_kubernetes_wants_them() {
        let long = |length| "a".repeat(length);
        let domain = format!("{}.{}.{}.{}", long(63), long(63), long(63), long(61));
        let longest = format!("{domain}/{}.{}", long(63), long(253));
        accepts(
            signer_name,
            &[
                "example.com/signer",
                "kubernetes.io/kube-apiserver-client",
                "a.b/c.d-e.1",
                &longest,
            ],
        );
        rejects(
            signer_name,
            "a signer name such as example.com/signer",
            &[
                ("", None),
                ("example.com", None),
                ("example/signer", None),
                ("example.com/", None),
                ("/signer", None),
                ("a.b/c/d", None),
                ("a.b/C", None),
                ("A.b/c", None),
                ("a.b/c..d", None),
                ("a.b/-c", None),
                ("a..b/c", None),
                ("a.b/c ", TRIM),
                (&format!("a.{}/c", long(64)), None),
                (&format!("a.b/{}", long(254)), None),
                (&format!("{longest}a"), None),
                (&format!("a{longest}"), None),
                (&format!("{domain}/{}.{}", long(64), long(253)), None),
            ],
        );
    }

    #[test]
    fn certificates_are_pem_and_nothing_else() {
        const ONE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let lines =
            |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----");
        let longest = lines(&"MIIB".repeat((65_536 - 54) / 4));
        assert_eq!(longest.len(), 65_534);
        accepts(
            certificates,
            &[
                ONE,
                ONE.trim(),
                &ONE.repeat(3),
                &ONE.replace('\n', "\r\n"),
                &[" \n\n", ONE, "\t\n", ONE, "\n \n"].concat(),
                &lines("MIIBaA=="),
                &lines("MII\n B\t+/8="),
                &longest,
            ],
        );
        let without_line_ends = ONE.replace('\n', "");
        let indented = ONE.replace('\n', "\n  ");
        for text in [
            "",
            "\n",
            "MIIB",
            "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMIIB\n",
            &without_line_ends,
            &indented,
            &["x\n", ONE].concat(),
            &[ONE, "x"].concat(),
            &[" ", ONE].concat(),
            &[ONE, ONE]
                .concat()
                .replacen("-----END CERTIFICATE-----\n", "", 1),
            &ONE.replace("CERTIFICATE", "CERTIFICATE REQUEST"),
            &lines(""),
            &lines("MII"),
            &lines("MIIBa"),
            &lines("M==="),
            &lines("MI=B"),
            &lines("MI-B"),
            &lines("MIIé"),
            &lines("Proc-Type: 4\n\nMIIB"),
            &[&*longest, "\n\n\n"].concat(),
        ] {
            rejects(certificates, CERTIFICATES, &[(text, None)]);
        }
        let decode = Some("decode it, it is in base64");
        rejects(
            certificates,
            CERTIFICATES,
            &[("LS0tLS1CRUdJTiBDRVJU", decode)],
        );
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            let key = ONE.replace("CERTIFICATE", label);
            for text in [key.clone(), [ONE, &key].concat(), [&key, ONE].concat()] {
                let malformed = Malformed {
                    expected: CERTIFICATES,
                    hint: Some("remove it, and treat the key as known to others"),
                    secret: Some("a PRIVATE KEY block"),
                };
                assert_eq!(certificates(&text), Err(malformed), "{text}");
            }
        }
    }

    #[test]
    fn an_image_is_a_reference() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let long = |length| "a".repeat(length);
        accepts(
            image,
            &[
                "proxy",
                "a/b",
                "a.b/c",
                "a:5000",
                "localhost/a",
                "localhost:5000/a/b:v1",
                "[::1]:5000/a",
                "192.0.2.1/a",
                "Registry.example:443/a.b_c__d-e--f/g:V_1.2-3",
                "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.6.0",
                &format!("a@{digest}"),
                &format!("a.b/c:v1@{digest}"),
                &format!("a:{}", long(128)),
                &format!("a/{}:v1@{digest}", long(253)),
                &long(255),
            ],
        );
        rejects(
            image,
            "an image reference such as registry.example/proxy:v1",
            &[
                ("", None),
                ("a b", None),
                ("/a", None),
                ("a/", None),
                ("a//b", None),
                ("a:", None),
                ("a?b", None),
                ("a:b:c", None),
                ("http://a/b", None),
                ("https://a.b/c", None),
                ("Proxy", None),
                ("Org/a", None),
                ("a.b/C", None),
                ("a.b/c_", None),
                ("a.b/.c", None),
                ("a.b/c..d", None),
                ("a.b/c___d", None),
                ("a.b/c._d", None),
                ("a.b/c-_d", None),
                ("A_b.c/d", None),
                ("a:0/b", None),
                ("a:65536/b", None),
                ("a:-b", None),
                ("a:.b", None),
                ("a@", None),
                ("a@sha256:zz", None),
                ("a.b/c@sha256:0f", None),
                ("é", None),
                (" a", TRIM),
                (&format!("a@{}", digest.to_uppercase()), None),
                (&format!("a@{digest}@{digest}"), None),
                (&format!("a@{digest}:v1"), None),
                (&format!("a:{}", long(129)), None),
                (&format!("a/{}", long(254)), None),
                (&long(256), None),
            ],
        );
    }

    #[test]
    fn white_space_around_a_value_is_the_hint() {
        assert!(is_trimmed(boolean(" true")));
        assert!(is_trimmed(port("8000 ")));
        assert!(is_trimmed(annotation_suffix("a ")));
        assert!(is_trimmed(host_name("a\n")));
        assert!(is_trimmed(object_name(" a")));
        assert!(is_trimmed(signer_name("a.b/c ")));
        assert!(is_trimmed(image(" a")));
    }

    #[test]
    fn a_boolean_is_true_or_false_and_nothing_else() {
        assert_eq!(boolean("true"), Ok(true));
        assert_eq!(boolean("false"), Ok(false));
        for text in ["", "True", "yes", "1"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ports_are_within_their_bounds() {
        assert_eq!(port("1"), Ok(1));
        assert_eq!(port("65535"), Ok(65535));
        for text in ["", "0", "65536", "-1", "http", "80.5"] {
            assert!(port(text).is_err(), "{text}");
        }
    }
}
