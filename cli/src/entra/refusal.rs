//! Texts of errors: which error it is, and what it repeats of the request.

use std::collections::BTreeSet;

use regex::Regex;

use super::redaction::{pattern, without_tokens};
use crate::text::one_line;

/// What a credential has of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Any of them.
    Any,
    /// The issuer.
    Issuer,
    /// The subject.
    Subject,
    /// The audience.
    Audience,
}

/// What went wrong, by what an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No federated identity credential matches the token, because of this part.
    NoMatch(Part),
    /// One would match but for upper and lower case.
    CaseDiffers,
    /// The application or managed identity holds no federated identity credential.
    NoCredentials,
    /// What is presented is a token of Entra itself.
    EntraToken,
    /// The token is valid for more than a day.
    LongLived,
    /// The client ID is not in the tenant.
    UnknownApplication,
    /// The application is disabled.
    DisabledApplication,
    /// The request names no client ID.
    NoClientId,
    /// There is no such tenant.
    UnknownTenant,
    /// The identity is in another cloud.
    OtherCloud,
    /// The token is not valid yet, or not any more.
    OutsideTime,
    /// The token is signed with a key that the issuer does not publish.
    BadSignature,
    /// Entra cannot read from the issuer.
    IssuerUnreachable,
    /// Entra does not understand the keys of the issuer.
    KeysUnreadable,
    /// A client secret is wrong or has expired.
    ClientSecret,
    /// The request has neither token nor secret.
    NoAssertion,
    /// Conditional Access blocks the identity.
    ConditionalAccess,
    /// What the token is wanted for is not in the tenant.
    UnknownResource,
    /// Nobody has consented to what is asked for.
    NoConsent,
    /// A person signs in, not a pod.
    Person,
    /// There are too many requests.
    Throttled,
    /// Entra itself fails.
    Unavailable,
    /// The SDK finds no client ID.
    UnsetClientId,
    /// It finds no tenant.
    UnsetTenantId,
    /// It finds no name of the token's file.
    UnsetTokenFile,
    /// It finds one of these three not.
    Unset,
    /// The token's file does not exist.
    NoTokenFile,
    /// The token's file cannot be read.
    UnreadableTokenFile,
    /// The node's identities are asked instead.
    ManagedIdentity,
    /// The identity has a token, but no role.
    Forbidden,
    /// The network does not let the pod reach Entra.
    NoNetwork,
}

impl Kind {
    /// What it means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NoMatch(Part::Any) => {
                "Microsoft Entra ID has no federated identity credential for the token"
            }
            Self::NoMatch(Part::Issuer) => {
                "the identity has no federated identity credential with the token's issuer"
            }
            Self::NoMatch(Part::Subject) => {
                "the identity has no federated identity credential with the token's subject"
            }
            Self::NoMatch(Part::Audience) => {
                "the identity has no federated identity credential with the token's audience"
            }
            Self::CaseDiffers => {
                "a federated identity credential differs from the token by upper and lower case"
            }
            Self::NoCredentials => {
                "the application or managed identity holds no federated identity credential at all"
            }
            Self::EntraToken => {
                "the token that was presented is one of Microsoft Entra ID, not the pod's"
            }
            Self::LongLived => "the token that was presented is valid for more than a day",
            Self::UnknownApplication => "the client ID is not in the tenant",
            Self::DisabledApplication => "the application is disabled in the tenant",
            Self::NoClientId => "the request for a token names no client ID",
            Self::UnknownTenant => "Microsoft Entra ID does not know the tenant",
            Self::OtherCloud => {
                "the application is in another Azure cloud than the one that is asked"
            }
            Self::OutsideTime => "the token that was presented is not valid yet, or not any more",
            Self::BadSignature => {
                "the token that was presented is signed with a key that Microsoft Entra ID does not find"
            }
            Self::IssuerUnreachable => "Microsoft Entra ID cannot read from the cluster's issuer",
            Self::KeysUnreadable => {
                "Microsoft Entra ID does not understand the keys that the cluster's issuer publishes"
            }
            Self::ClientSecret => "the client secret that was presented is wrong or has expired",
            Self::NoAssertion => "neither a token nor a client secret was presented",
            Self::ConditionalAccess => "a Conditional Access policy blocks the identity",
            Self::UnknownResource => "what the access token is wanted for is not in the tenant",
            Self::NoConsent => "nobody has consented to what the application asks for",
            Self::Person => "a person signs in, not a pod",
            Self::Throttled => "there are too many requests",
            Self::Unavailable => "Microsoft Entra ID fails for a moment",
            Self::UnsetClientId => "the SDK finds no client ID in the container",
            Self::UnsetTenantId => "the SDK finds no tenant in the container",
            Self::UnsetTokenFile => "the SDK finds no name of the token's file in the container",
            Self::Unset => {
                "the SDK does not find client ID, tenant and the name of the token's file in the container"
            }
            Self::NoTokenFile => "the token's file does not exist in the container",
            Self::UnreadableTokenFile => "the process may not read the token's file",
            Self::ManagedIdentity => {
                "the SDK asks for an identity of the node, and the node has none"
            }
            Self::Forbidden => {
                "the identity works, but has no role on the resource that it wants to use"
            }
            Self::NoNetwork => "the pod does not reach Microsoft Entra ID",
        }
    }

    /// What an error without a code is called.
    fn name(self) -> &'static str {
        match self {
            Self::Unset | Self::UnsetClientId | Self::UnsetTenantId | Self::UnsetTokenFile => {
                "workload identity is not configured"
            }
            Self::NoTokenFile | Self::UnreadableTokenFile => "the token cannot be read",
            Self::ManagedIdentity => "ManagedIdentityCredential",
            Self::Forbidden => "403 Forbidden",
            Self::Throttled => "429 Too Many Requests",
            Self::NoNetwork => "no connection",
            _ => "no matching federated identity record",
        }
    }

    /// The error with this number; `text` begins with its words.
    fn of_code(code: &str, text: &str) -> Option<Self> {
        let number: u32 = code.parse().ok()?;
        Some(match number {
            70021 => Self::NoMatch(part(text)),
            700_211 => Self::NoMatch(Part::Issuer),
            700_212 => Self::NoMatch(Part::Audience),
            700_213 | 7_002_137 => Self::NoMatch(Part::Subject),
            7_002_138 => Self::CaseDiffers,
            70025 => Self::NoCredentials,
            700_222 | 700_226 | 700_231 => Self::EntraToken,
            70023 => Self::LongLived,
            700_016 | 700_038 | 7_000_229 => Self::UnknownApplication,
            7_000_112 => Self::DisabledApplication,
            900_144 => Self::NoClientId,
            90002 | 900_021 | 900_023 => Self::UnknownTenant,
            900_382 | 900_432 => Self::OtherCloud,
            700_024 | 500_133 => Self::OutsideTime,
            700_027 | 7_000_272 | 50013 => Self::BadSignature,
            90061 | 50166 | 501_661 => Self::IssuerUnreachable,
            900_612 => Self::KeysUnreadable,
            7_000_215 | 7_000_222 => Self::ClientSecret,
            7_000_216 | 7_000_218 => Self::NoAssertion,
            53003 | 530_003 | 530_035 => Self::ConditionalAccess,
            500_011 => Self::UnknownResource,
            65001 => Self::NoConsent,
            50020 | 50034 | 50058 | 50076 | 50079 | 50126 => Self::Person,
            50196 => Self::Throttled,
            90033 => Self::Unavailable,
            // Finer numbers of the same error come every now and then.
            _ if code.starts_with("70021") => Self::NoMatch(part(text)),
            _ => return None,
        })
    }

    /// How much of it is about workload identity: the smaller, the more.
    fn rank(self) -> u8 {
        match self {
            Self::Forbidden | Self::NoNetwork | Self::Throttled => 2,
            Self::ManagedIdentity => 3,
            _ => 1,
        }
    }
}

/// The part that does not match, by the words of the error.
fn part(text: &str) -> Part {
    let text = text.to_ascii_lowercase();
    let after = text.split_once("presented assertion ");
    let words = after.map_or("", |(_, words)| words);
    for (word, part) in [
        ("issuer", Part::Issuer),
        ("subject", Part::Subject),
        ("audience", Part::Audience),
    ] {
        if words.starts_with(word) {
            return part;
        }
    }
    Part::Any
}

/// The words of errors without a code, in lower case. Of several at one place, the first counts.
const PHRASES: [(&str, Kind); 43] = [
    (
        "no matching federated identity record",
        Kind::NoMatch(Part::Any),
    ),
    ("no client id specified", Kind::UnsetClientId),
    ("azure_client_id is not set", Kind::UnsetClientId),
    ("azure_client_id not set", Kind::UnsetClientId),
    (
        "missing environment variable azure_client_id",
        Kind::UnsetClientId,
    ),
    ("no tenant id specified", Kind::UnsetTenantId),
    ("azure_tenant_id is not set", Kind::UnsetTenantId),
    ("no token file specified", Kind::UnsetTokenFile),
    (
        "azure_federated_token_file is not set",
        Kind::UnsetTokenFile,
    ),
    ("azure_federated_token_file not set", Kind::UnsetTokenFile),
    ("workload options are not fully configured", Kind::Unset),
    ("workloadidentitycredential: is unavailable", Kind::Unset),
    (
        "tenantid, clientid, and federatedtokenfilepath are required",
        Kind::Unset,
    ),
    (
        "environment variables to be set: azure_client_id",
        Kind::Unset,
    ),
    ("identity not found", Kind::ManagedIdentity),
    (
        "multiple user assigned identities exist",
        Kind::ManagedIdentity,
    ),
    (
        "requested identity has not been assigned to this resource",
        Kind::ManagedIdentity,
    ),
    (
        "requested identity isn't assigned to this resource",
        Kind::ManagedIdentity,
    ),
    ("no managed identity endpoint found", Kind::ManagedIdentity),
    (
        "no response received from the managed identity endpoint",
        Kind::ManagedIdentity,
    ),
    ("managed identity timed out", Kind::ManagedIdentity),
    (
        "managedidentitycredential authentication unavailable",
        Kind::ManagedIdentity,
    ),
    ("authorizationfailed", Kind::Forbidden),
    ("authorizationpermissionmismatch", Kind::Forbidden),
    ("forbiddenbyrbac", Kind::Forbidden),
    ("forbiddenbypolicy", Kind::Forbidden),
    (
        "does not have authorization to perform action",
        Kind::Forbidden,
    ),
    (
        "caller is not authorized to perform action",
        Kind::Forbidden,
    ),
    ("does not have secrets get permission", Kind::Forbidden),
    (
        "not authorized to perform this operation using this permission",
        Kind::Forbidden,
    ),
    ("toomanyrequests", Kind::Throttled),
    ("too many requests", Kind::Throttled),
    ("status code 429", Kind::Throttled),
    ("status code was 429", Kind::Throttled),
    ("response 429", Kind::Throttled),
    ("lookup login.microsoftonline.", Kind::NoNetwork),
    ("login.microsoftonline.com: no such host", Kind::NoNetwork),
    ("login.microsoftonline.com: i/o timeout", Kind::NoNetwork),
    (
        "name or service not known (login.microsoftonline.",
        Kind::NoNetwork,
    ),
    ("failed to resolve 'login.microsoftonline.", Kind::NoNetwork),
    (
        "getaddrinfo enotfound login.microsoftonline.",
        Kind::NoNetwork,
    ),
    (
        "getaddrinfo eai_again login.microsoftonline.",
        Kind::NoNetwork,
    ),
    (
        "unknownhostexception: login.microsoftonline.",
        Kind::NoNetwork,
    ),
];

/// What the text of an error repeats of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presented {
    /// The token's issuer.
    pub issuer: Option<String>,
    /// The token's subject.
    pub subject: Option<String>,
    /// The token's audience.
    pub audience: Option<String>,
    /// The client ID, or what was given for it.
    pub client_id: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// The token's file.
    pub token_file: Option<String>,
    /// When the token was presented.
    pub time: Option<String>,
    /// When it becomes valid.
    pub not_before: Option<String>,
    /// When it ceases to be valid.
    pub expires: Option<String>,
    /// What the access token is wanted for.
    pub resource: Option<String>,
    /// The service principal without a role.
    pub object_id: Option<String>,
    /// What it may not do.
    pub action: Option<String>,
    /// Where it may not.
    pub scope: Option<String>,
}

/// An error that is known, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What went wrong.
    pub kind: Kind,
    /// What it is called: by its code, if it has one.
    pub name: String,
    /// What it repeats of the request.
    pub presented: Presented,
    /// The names of other errors in the text.
    pub others: Vec<String>,
}

/// One error in a text.
struct Found {
    start: usize,
    kind: Kind,
    name: String,
    /// Whether it is that of `WorkloadIdentityCredential` in a chain of credentials.
    is_of_workload: bool,
}

/// Reads the text of an error. Tokens and secrets in it are left out first.
///
/// # Errors
///
/// The codes of Microsoft Entra ID in the text, of which none is known.
pub fn read(text: &str) -> Result<Refusal, BTreeSet<String>> {
    let text = without_tokens(&one_line(&unescaped(text)));
    let credentials = credentials(&text);
    let mut unknown = BTreeSet::new();
    let mut all = Vec::new();
    let mut add = |start: usize, kind: Kind, name: String| {
        let mut before = credentials.iter().rev();
        let owner = before.find(|(at, _)| *at <= start);
        all.push(Found {
            start,
            kind,
            name,
            is_of_workload: owner.is_some_and(|(_, name)| name == WORKLOAD),
        });
    };
    let mut has_code = false;
    for pattern_of_code in [r"AADSTS(\d{4,9})", r#""?error_codes"? ?: ?\[ ?(\d{4,9})"#] {
        // The list of codes repeats them.
        if has_code {
            break;
        }
        for found in pattern(pattern_of_code).captures_iter(&text) {
            let (Some(whole), Some(code)) = (found.get(0), found.get(1)) else {
                continue;
            };
            has_code = true;
            let rest = text.get(whole.start()..).unwrap_or_default();
            let name = format!("AADSTS{}", code.as_str());
            match Kind::of_code(code.as_str(), sentence(rest)) {
                Some(kind) => add(whole.start(), kind, name),
                None => _ = unknown.insert(name),
            }
        }
    }
    let lower = text.to_ascii_lowercase();
    for (phrase, kind) in PHRASES {
        for (start, _) in lower.match_indices(phrase) {
            // With a code it is said already.
            let is_said = matches!(kind, Kind::NoMatch(_)) && has_code;
            if !is_said {
                let rest = text.get(start..).unwrap_or_default();
                let kind = match kind {
                    Kind::NoMatch(_) => Kind::NoMatch(part(sentence(rest))),
                    kind => kind,
                };
                add(start, kind, kind.name().to_owned());
            }
        }
    }
    for (kind, patterns) in [
        (Kind::NoTokenFile, &NO_FILE[..]),
        (Kind::UnreadableTokenFile, &NO_PERMISSION[..]),
    ] {
        for start in patterns.iter().flat_map(|text_of| files(text_of, &text)) {
            add(start.0, kind, kind.name().to_owned());
        }
    }
    all.sort_by_key(|found| (!found.is_of_workload, found.kind.rank(), found.start));
    let Some(first) = all.first() else {
        return Err(unknown);
    };
    let mut others: Vec<String> = Vec::new();
    for name in all.iter().map(|found| &found.name).chain(&unknown) {
        if *name != first.name && !others.contains(name) {
            others.push(name.clone());
        }
    }
    let others_after = all
        .iter()
        .filter(|found| found.start > first.start && found.name != first.name);
    let end = others_after.map(|found| found.start).min();
    let own = match first.kind {
        // Who and what comes before or after these words.
        Kind::Forbidden => Some(&*text),
        _ => text.get(first.start..end.unwrap_or(text.len())),
    };
    Ok(Refusal {
        kind: first.kind,
        name: first.name.clone(),
        presented: presented(own.unwrap_or_default(), &text),
        others,
    })
}

/// The credential of the SDKs that presents the token of a pod.
const WORKLOAD: &str = "WorkloadIdentityCredential";

/// The credentials of the SDKs that a text names, in order. Those that only try others one after the other are none.
fn credentials(text: &str) -> Vec<(usize, String)> {
    let named = pattern(r"\b(?-i:[A-Z][A-Za-z]*Credential)\b");
    let named = named.find_iter(text);
    let named = named.map(|found| (found.start(), found.as_str().to_owned()));
    named
        .filter(|(_, name)| name != "DefaultAzureCredential" && name != "ChainedTokenCredential")
        .collect()
}

/// The text without the escapes of JSON and of logs around JSON.
fn unescaped(text: &str) -> String {
    let escape = pattern(r#"\\+(u00[0-9a-f]{2}|[rnt"'/])"#);
    let text = escape.replace_all(text, |found: &regex::Captures<'_>| {
        let code = found.get(1).map_or("", |code| code.as_str());
        let code = code.get(1..).filter(|_| code.len() > 1);
        let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match (
            code.and_then(char::from_u32),
            found.get(1).map(|code| code.as_str()),
        ) {
            (Some(character), _) => character.to_string(),
            (None, Some("\"" | "'" | "/")) => {
                found.get(1).map_or("", |one| one.as_str()).to_owned()
            }
            _ => " ".to_owned(),
        }
    });
    text.replace("&#39;", "'").replace("&quot;", "\"")
}

/// Where the words of one error may end.
fn sentence(text: &str) -> &str {
    let end = text.ceil_char_boundary(text.len().min(400));
    text.get(..end).unwrap_or_default()
}

/// How SDKs say that a file does not exist.
const NO_FILE: [&str; 5] = [
    r"open (/[^\s:'\x22]+): no such file",
    r"no such file or directory: '(/[^']+)'",
    r"no such file or directory, open '(/[^']+)'",
    r"could not find (?:file|a part of the path) '(/[^']+)'",
    r"NoSuchFileException: (/[^\s:]+)",
];

/// How SDKs say that a file cannot be read.
const NO_PERMISSION: [&str; 5] = [
    r"open (/[^\s:'\x22]+): permission denied",
    r"permission denied: '(/[^']+)'",
    r"permission denied, open '(/[^']+)'",
    r"access to the path '(/[^']+)' is denied",
    r"AccessDeniedException: (/[^\s:]+)",
];

/// The files of tokens that a pattern finds, each with its place.
fn files(text_of: &str, text: &str) -> Vec<(usize, String)> {
    let found = pattern(text_of);
    let found = found.captures_iter(text).filter_map(|found| {
        let path = found.get(1)?.as_str();
        let start = found.get(0)?.start();
        path.contains("token").then(|| (start, path.to_owned()))
    });
    found.collect()
}

/// What an error repeats of the request: in its own words, or around it.
fn presented(own: &str, text: &str) -> Presented {
    let first = |patterns: &[&str], text: &str| -> Option<String> {
        let mut patterns = patterns.iter();
        patterns.find_map(|one| value(&pattern(one), text))
    };
    let quoted = |names: &str| format!(r#"{names}:? ?['"`‘“]([^'"`’”]+)['"`’”]"#);
    let assertion = |name: &str| {
        let named = quoted(&format!("assertion {name}"));
        first(&[&named], own)
    };
    let uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    let client_id = first(&[&quoted("application with identifier")], own)
        .or_else(|| {
            first(&[&quoted("the client(?: application)?")], own)
                .filter(|_| !own.contains("object id"))
        })
        .or_else(|| {
            first(
                &[
                    &format!("app(?:lication)? '({uuid})'"),
                    &format!("appid=({uuid})"),
                ],
                own,
            )
        })
        .or_else(|| {
            first(
                &[&format!(r#"\bclient_?id["']?(?:=|%3D|: ?)["']?({uuid})"#)],
                text,
            )
        });
    let hosts = r"https://(?:login\.(?:microsoftonline\.(?:com|us|de)|partner\.microsoftonline\.cn|chinacloudapi\.cn|windows\.net)|sts\.windows\.net)";
    let tenant_id = first(
        &[
            &quoted("in the directory"),
            &quoted("tenant(?: identifier)?"),
            &quoted("in the tenant named"),
        ],
        own,
    )
    .or_else(|| {
        let in_url = pattern(&format!(r#"{hosts}/+([^/\s"'?]+)"#));
        let all = in_url.captures_iter(text);
        let mut all = all.filter_map(|found| Some(found.get(1)?.as_str()));
        let others = ["common", "organizations", "consumers", "error"];
        let is_tenant = |name: &&str| !others.contains(name) && name.contains(['-', '.']);
        all.find(is_tenant).map(str::to_owned)
    });
    let file = |patterns: &[&str]| {
        let mut found = patterns.iter().flat_map(|one| files(one, own));
        found.next().map(|(_, path)| path)
    };
    Presented {
        issuer: assertion("issuer"),
        subject: assertion("subject"),
        audience: assertion("audience"),
        client_id,
        tenant_id,
        token_file: file(&NO_FILE).or_else(|| file(&NO_PERMISSION)),
        time: first(&[r"current time: ([0-9TZ:.+-]+)"], own),
        not_before: first(&[r"assertion valid from ([0-9TZ:.+-]+)"], own),
        expires: first(
            &[r"expiry time of assertion ([0-9TZ:+-]+(?:\.\d+Z?)?)"],
            own,
        ),
        resource: first(&["resource principal named ([^ ]+) was not found"], own),
        object_id: first(
            &[&format!("object id '({uuid})'"), &format!("oid=({uuid})")],
            own,
        ),
        action: first(&[&quoted("perform action"), &quoted("action")], own),
        scope: first(&[&quoted("over scope"), &quoted("resource")], own),
    }
}

/// The first value that a pattern finds, if it is one.
fn value(pattern: &Regex, text: &str) -> Option<String> {
    let found = pattern.captures(text)?;
    let value = found.get(1)?.as_str().trim();
    // Many hide what they show to others.
    let is_hidden = value.chars().all(|letter| letter == '*');
    (!value.is_empty() && !is_hidden).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/";
    const SUBJECT: &str = "system:serviceaccount:shop:api";
    const AUDIENCE: &str = "api://AzureADTokenExchange";
    const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
    const TENANT_ID: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_same_error_is_read_in_each_form() {
        let words = format!(
            "AADSTS70021: No matching federated identity record found for presented assertion. Assertion Issuer: '{ISSUER}'. \
             Assertion Subject: '{SUBJECT}'. Assertion Audience: '{AUDIENCE}'."
        );
        let body = format!(
            r#"{{"error":"invalid_client","error_description":"{words}\r\nTrace ID: 1","error_codes":[70021]}}"#
        );
        let in_log = body.replace('\\', r"\\").replace('"', r#"\""#);
        let twice = in_log.replace('\\', r"\\").replace('"', r#"\""#);
        let wrapped = words.replace(' ', "\n    ");
        let dotnet = body.replace('\'', r"\u0027");
        for text in [
            &words,
            &body,
            &format!(r#"msg="failed: {in_log}""#),
            &format!(r#"{{"log":"{twice}"}}"#),
            &wrapped,
            &dotnet,
            &words.replace('\'', "&#39;"),
            &words.replace('\'', "`"),
            &format!("System.Exception: x\n at A.B()\n ---> {words}\n at C.D()"),
        ] {
            let refusal = read(text).unwrap();
            let expected = Refusal {
                kind: Kind::NoMatch(Part::Any),
                name: "AADSTS70021".to_owned(),
                presented: Presented {
                    issuer: some(ISSUER),
                    subject: some(SUBJECT),
                    audience: some(AUDIENCE),
                    ..Presented::default()
                },
                others: Vec::new(),
            };
            assert_eq!(refusal, expected, "{text}");
        }
    }

    #[test]
    fn each_code_has_its_kind() {
        let match_words = "No matching federated identity record found for presented assertion";
        for (text, kind) in [
            (
                format!("AADSTS700211: {match_words} issuer 'x'."),
                Kind::NoMatch(Part::Issuer),
            ),
            (
                format!("AADSTS700212: {match_words} audience 'x'."),
                Kind::NoMatch(Part::Audience),
            ),
            (
                format!("AADSTS700213: {match_words} subject 'x'."),
                Kind::NoMatch(Part::Subject),
            ),
            (
                format!("AADSTS7002199: {match_words} audience 'x'."),
                Kind::NoMatch(Part::Audience),
            ),
            (
                format!("{match_words} issuer 'x'."),
                Kind::NoMatch(Part::Issuer),
            ),
            ("AADSTS7002137: x".to_owned(), Kind::NoMatch(Part::Subject)),
            ("AADSTS7002138: x".to_owned(), Kind::CaseDiffers),
            ("AADSTS70025: x".to_owned(), Kind::NoCredentials),
            ("AADSTS70023: x".to_owned(), Kind::LongLived),
            ("AADSTS700222: x".to_owned(), Kind::EntraToken),
            ("AADSTS700231: x".to_owned(), Kind::EntraToken),
            ("AADSTS700016: x".to_owned(), Kind::UnknownApplication),
            ("AADSTS7000112: x".to_owned(), Kind::DisabledApplication),
            ("AADSTS900144: x".to_owned(), Kind::NoClientId),
            ("AADSTS90002: x".to_owned(), Kind::UnknownTenant),
            ("AADSTS900382: x".to_owned(), Kind::OtherCloud),
            ("AADSTS700024: x".to_owned(), Kind::OutsideTime),
            ("AADSTS500133: x".to_owned(), Kind::OutsideTime),
            ("AADSTS700027: x".to_owned(), Kind::BadSignature),
            ("AADSTS7000272: x".to_owned(), Kind::BadSignature),
            ("AADSTS50013: x".to_owned(), Kind::BadSignature),
            ("AADSTS90061: x".to_owned(), Kind::IssuerUnreachable),
            ("AADSTS501661: x".to_owned(), Kind::IssuerUnreachable),
            ("AADSTS900612: x".to_owned(), Kind::KeysUnreadable),
            ("AADSTS7000215: x".to_owned(), Kind::ClientSecret),
            ("AADSTS7000222: x".to_owned(), Kind::ClientSecret),
            ("AADSTS7000218: x".to_owned(), Kind::NoAssertion),
            ("AADSTS53003: x".to_owned(), Kind::ConditionalAccess),
            ("AADSTS500011: x".to_owned(), Kind::UnknownResource),
            ("AADSTS65001: x".to_owned(), Kind::NoConsent),
            ("AADSTS50058: x".to_owned(), Kind::Person),
            ("AADSTS50196: x".to_owned(), Kind::Throttled),
            ("AADSTS90033: x".to_owned(), Kind::Unavailable),
            (
                r#"{"error_codes":[700016]}"#.to_owned(),
                Kind::UnknownApplication,
            ),
        ] {
            let refusal = read(&text).map(|refusal| (refusal.kind, refusal.others));
            assert_eq!(refusal, Ok((kind, Vec::new())), "{text}");
        }
    }

    #[test]
    fn each_sdk_has_its_words() {
        let file = "/var/run/secrets/azure/tokens/azure-identity-token";
        for (text, kind) in [
            ("WorkloadIdentityCredential: no client ID specified. Check pod configuration".to_owned(), Kind::UnsetClientId),
            ("no tenant ID specified. Check pod configuration".to_owned(), Kind::UnsetTenantId),
            ("no token file specified. Check pod configuration".to_owned(), Kind::UnsetTokenFile),
            ("environment variable AZURE_CLIENT_ID is not set".to_owned(), Kind::UnsetClientId),
            (
                "WorkloadIdentityCredential authentication unavailable. The workload options are not fully configured.".to_owned(),
                Kind::Unset,
            ),
            (format!("open {file}: no such file or directory"), Kind::NoTokenFile),
            (format!("FileNotFoundError: [Errno 2] No such file or directory: '{file}'"), Kind::NoTokenFile),
            (format!("Error: ENOENT: no such file or directory, open '{file}'"), Kind::NoTokenFile),
            (format!("Could not find file '{file}'."), Kind::NoTokenFile),
            (format!("java.nio.file.NoSuchFileException: {file}"), Kind::NoTokenFile),
            (format!("open {file}: permission denied"), Kind::UnreadableTokenFile),
            (format!("PermissionError: [Errno 13] Permission denied: '{file}'"), Kind::UnreadableTokenFile),
            (format!("Access to the path '{file}' is denied."), Kind::UnreadableTokenFile),
            (r#"{"error":"invalid_request","error_description":"Identity not found"}"#.to_owned(), Kind::ManagedIdentity),
            ("ERROR CODE: AuthorizationFailed".to_owned(), Kind::Forbidden),
            ("AuthorizationPermissionMismatch".to_owned(), Kind::Forbidden),
            ("ForbiddenByRbac".to_owned(), Kind::Forbidden),
            ("RESPONSE 429: 429 Too Many Requests".to_owned(), Kind::Throttled),
            ("dial tcp: lookup login.microsoftonline.com on 10.0.0.10:53: no such host".to_owned(), Kind::NoNetwork),
        ] {
            let found = read(&text).map(|refusal| refusal.kind);
            assert_eq!(found, Ok(kind), "{text}");
            let file = text.contains(file).then(|| file.to_owned());
            assert_eq!(read(&text).unwrap().presented.token_file, file, "{text}");
        }
    }

    #[test]
    fn what_was_presented_is_taken_apart() {
        let of = |text: &str| read(text).unwrap().presented;
        let application = format!(
            "POST https://login.microsoftonline.com/common/oauth2 https://login.microsoftonline.com/error?code=700016 AADSTS700016: \
             Application with identifier '{CLIENT_ID}' was not found in the directory 'Contoso Ltd'."
        );
        let expected = Presented {
            client_id: some(CLIENT_ID),
            tenant_id: some("Contoso Ltd"),
            ..Presented::default()
        };
        assert_eq!(of(&application), expected);
        let request = format!(
            "POST https://login.partner.microsoftonline.cn/{TENANT_ID}/oauth2/v2.0/token\nclient_id={CLIENT_ID}&client_assertion=eyJhbGciOi&x\n\
             AADSTS700213: No matching federated identity record found for presented assertion subject '{SUBJECT}'."
        );
        let expected = Presented {
            subject: some(SUBJECT),
            client_id: some(CLIENT_ID),
            tenant_id: some(TENANT_ID),
            ..Presented::default()
        };
        assert_eq!(of(&request), expected);
        let hidden = "AADSTS700213: No matching federated identity record found for presented assertion subject '***'.";
        assert_eq!(of(hidden), Presented::default());
        let times = "AADSTS700024: x. Current time: 2026-11-25T13:08:01.5274809Z, assertion valid from 2026-11-25T11:28:26.0000000Z, \
                     expiry time of assertion 2026-11-25T12:28:26.0000000Z. Review";
        let expected = Presented {
            time: some("2026-11-25T13:08:01.5274809Z"),
            not_before: some("2026-11-25T11:28:26.0000000Z"),
            expires: some("2026-11-25T12:28:26.0000000Z"),
            ..Presented::default()
        };
        assert_eq!(of(times), expected);
        let vault = format!(
            "Caller is not authorized to perform action on resource. Caller: appid={CLIENT_ID};oid={TENANT_ID};iss=https://sts.windows.net/{TENANT_ID}/ \
             Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action' Resource: '/subscriptions/s' ForbiddenByRbac"
        );
        let expected = Presented {
            client_id: some(CLIENT_ID),
            tenant_id: some(TENANT_ID),
            object_id: some(TENANT_ID),
            action: some("Microsoft.KeyVault/vaults/secrets/getSecret/action"),
            scope: some("/subscriptions/s"),
            ..Presented::default()
        };
        assert_eq!(of(&vault), expected);
        let resource = "AADSTS500011: The resource principal named https://vaults.azure.net was not found in the tenant named Contoso.";
        assert_eq!(of(resource).resource, some("https://vaults.azure.net"));
    }

    #[test]
    fn of_several_errors_that_of_the_workload_counts() {
        let chain = "DefaultAzureCredential failed. EnvironmentCredential: AADSTS7000215: Invalid client secret. \
                     WorkloadIdentityCredential: AADSTS700016: Application with identifier 'x' was not found in the directory 'y'. \
                     ManagedIdentityCredential: Identity not found. AzureCliCredential: AADSTS99999: x AADSTS700016: again";
        let refusal = read(chain).unwrap();
        assert_eq!(refusal.name, "AADSTS700016");
        assert_eq!(refusal.presented.client_id, some("x"));
        assert_eq!(
            refusal.others,
            ["AADSTS7000215", "ManagedIdentityCredential", "AADSTS99999"]
        );
        let first = "AADSTS90002: Tenant 'x' not found. AADSTS700024: y";
        let refusal = read(first).unwrap();
        assert_eq!(
            (refusal.name, refusal.others),
            ("AADSTS90002".to_owned(), vec!["AADSTS700024".to_owned()])
        );
        let both = "ManagedIdentityCredential: Identity not found. 403: AuthorizationFailed";
        assert_eq!(read(both).unwrap().kind, Kind::Forbidden);
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "all is well",
            "AADSTS1",
            "open /etc/passwd: no such file or directory",
            "\\u0000",
        ] {
            assert_eq!(read(text), Err(BTreeSet::new()), "{text}");
        }
        let codes = BTreeSet::from(["AADSTS12345".to_owned(), "AADSTS99999".to_owned()]);
        assert_eq!(read("AADSTS99999 AADSTS12345: x AADSTS99999"), Err(codes));
    }
}
