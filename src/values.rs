//! One parser for each kind of value, whoever gives it: an annotation of a pod or a ServiceAccount, or a setting.

use std::ops::RangeInclusive;

/// How long a token may be valid, in seconds, by what Azure and Kubernetes accept.
pub const TOKEN_EXPIRATION_SECONDS: RangeInclusive<u32> = 3600..=86400;

/// What a client ID is, to be read behind "expected".
pub const CLIENT_ID: &str = "the client ID of an Entra application or managed identity, a UUID";

/// What a tenant's value is, to be read behind "expected".
pub const TENANT_ID: &str = "a tenant ID, a UUID or a verified domain name";

/// The audience of a projected token where nothing else is set: what Entra expects of a federated credential.
pub const DEFAULT_AUDIENCE: &str = "api://AzureADTokenExchange";

/// What an audience is, to be read behind "expected".
pub const AUDIENCE: &str = "an audience without white space";

/// What the suffix of the custom token endpoint's annotation is, to be read behind "expected".
pub const ANNOTATION_SUFFIX: &str =
    "a suffix of at most 59 letters, digits, and inner hyphens, dots and underscores";

/// Why a text is not the value that it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What the text should have been, to be read behind "expected".
    pub expected: &'static str,
    /// What to do about it, where the text tells more than that it is wrong.
    pub hint: Option<String>,
}

impl Malformed {
    fn new(expected: &'static str) -> Self {
        Self {
            expected,
            hint: None,
        }
    }

    fn or_trim(mut self, text: &str, valid: &dyn Fn(&str) -> bool) -> Self {
        if valid(text.trim()) {
            self.hint = Some("remove the white space around it".to_owned());
        }
        self
    }
}

/// A client ID: the UUID of an Entra application or managed identity.
///
/// # Errors
/// [`Malformed`] where it is no UUID in its usual form of 8-4-4-4-12 hexadecimal digits.
pub fn client_id(text: &str) -> Result<&str, Malformed> {
    if is_uuid(text) {
        return Ok(text);
    }
    Err(Malformed::new(CLIENT_ID).or_trim(text, &is_uuid))
}

/// A tenant: its UUID or a domain name that is verified for it.
///
/// # Errors
/// [`Malformed`] where it is neither.
pub fn tenant_id(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| is_uuid(text) || is_domain_name(text);
    if valid(text) {
        return Ok(text);
    }
    Err(Malformed::new(TENANT_ID).or_trim(text, &valid))
}

/// A token expiration in seconds, within [`TOKEN_EXPIRATION_SECONDS`].
///
/// # Errors
/// [`Malformed`] where it is no whole number in base 10, or out of range.
pub fn token_expiration(text: &str) -> Result<u32, Malformed> {
    let valid = |text: &str| {
        text.parse()
            .ok()
            .filter(|seconds| TOKEN_EXPIRATION_SECONDS.contains(seconds))
    };
    valid(text).ok_or_else(|| {
        Malformed::new("a whole number of seconds from 3600 to 86400")
            .or_trim(text, &|text| valid(text).is_some())
    })
}

/// A list of container names, separated by `;`, white space around them and empty ones left out.
pub fn container_names(text: &str) -> impl Iterator<Item = &str> {
    text.split(';')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// A container's name, as Kubernetes allows it.
///
/// # Errors
/// [`Malformed`] where it is no DNS label: at most 63 lower-case letters, digits and inner hyphens.
pub fn container_name(text: &str) -> Result<&str, Malformed> {
    if is_dns_label(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(text);
    }
    let hint = text
        .contains([',', ' '])
        .then(|| "separate names with \";\"".to_owned());
    let expected = "a container name: at most 63 lower-case letters, digits and inner hyphens";
    Err(Malformed { expected, hint })
}

/// A URL that starts with `https://`, without user, query and fragment.
///
/// # Errors
/// [`Malformed`] where it is none.
pub fn https_url(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        let rest = text.strip_prefix("https://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
        let sound = host.split('.').all(is_dns_label)
            && port.parse().is_ok_and(|port: u16| port > 0)
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#');
        sound.then_some(())
    };
    if valid(text).is_some() {
        return Ok(text);
    }
    Err(Malformed::new("an https URL").or_trim(text, &|text| valid(text).is_some()))
}

/// The audience of a token: any text that is not empty and has no white space or control characters.
///
/// # Errors
/// [`Malformed`] where it is empty or has such characters.
pub fn audience(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if valid(text) {
        return Ok(text);
    }
    Err(Malformed::new(AUDIENCE).or_trim(text, &valid))
}

/// `true` or `false`, as an annotation says it.
///
/// # Errors
/// [`Malformed`] where it is neither.
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
/// [`Malformed`] where it is no whole number from 1 to 65535 in base 10.
pub fn port(text: &str) -> Result<u16, Malformed> {
    let valid = |text: &str| text.parse().ok().filter(|port: &u16| *port > 0);
    valid(text).ok_or_else(|| {
        Malformed::new("a port from 1 to 65535").or_trim(text, &|text| valid(text).is_some())
    })
}

/// The suffix of the annotation `azure.workload.identity/use-<suffix>`, which must be a name that Kubernetes allows.
///
/// # Errors
/// [`Malformed`] where the annotation would be none.
pub fn annotation_suffix(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        text.len() <= 59
            && text.ends_with(|last: char| last.is_ascii_alphanumeric())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    if valid(text) {
        return Ok(text);
    }
    Err(Malformed::new(ANNOTATION_SUFFIX).or_trim(text, &valid))
}

/// A host's name: one or more DNS labels.
///
/// # Errors
/// [`Malformed`] where it is none.
pub fn host_name(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| text.len() <= 253 && text.split('.').all(is_dns_label);
    if valid(text) {
        return Ok(text);
    }
    Err(Malformed::new("a host name").or_trim(text, &valid))
}

/// The name of an object: a DNS subdomain in lower case.
///
/// # Errors
/// [`Malformed`] where Kubernetes would not allow it.
pub fn object_name(text: &str) -> Result<&str, Malformed> {
    if is_dns_subdomain(text) {
        return Ok(text);
    }
    let expected = "an object name: lower-case letters, digits, and inner hyphens and dots";
    Err(Malformed::new(expected).or_trim(text, &is_dns_subdomain))
}

/// The name of a signer of certificates: a domain, a slash and a path.
///
/// # Errors
/// [`Malformed`] where it is none.
pub fn signer_name(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        text.split_once('/').is_some_and(|(domain, path)| {
            domain.contains('.')
                && is_dns_subdomain(domain)
                && path.split('/').all(is_dns_subdomain)
        })
    };
    if valid(text) {
        return Ok(text);
    }
    Err(Malformed::new("a signer name such as example.com/signer").or_trim(text, &valid))
}

/// Certificates in PEM.
///
/// # Errors
/// [`Malformed`] where there is no certificate in it.
pub fn certificates(text: &str) -> Result<&str, Malformed> {
    let begin = text.find("-----BEGIN CERTIFICATE-----");
    let end = text.rfind("-----END CERTIFICATE-----");
    if begin.zip(end).is_some_and(|(begin, end)| begin < end) {
        return Ok(text);
    }
    Err(Malformed::new(
        "certificates in PEM, from BEGIN CERTIFICATE to END CERTIFICATE",
    ))
}

/// A container image's reference, roughly: what is obviously none is told apart, the rest is the registry's business.
///
/// # Errors
/// [`Malformed`] where it is empty or has characters that no reference has.
pub fn image(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._/:@+".contains(&byte))
    };
    if valid(text) {
        return Ok(text);
    }
    Err(
        Malformed::new("an image reference such as registry.example/proxy:v1")
            .or_trim(text, &valid),
    )
}

/// A quantity of Kubernetes, such as `100m` or `64Mi`.
///
/// # Errors
/// [`Malformed`] where it is none, or negative.
pub fn quantity(text: &str) -> Result<&str, Malformed> {
    const SUFFIXES: [&str; 16] = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    let number_ends = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(number_ends).unwrap_or_default();
    let exponent = suffix.strip_prefix(['e', 'E']).map(str::parse::<i8>);
    let sound = number.bytes().any(|byte| byte.is_ascii_digit())
        && number.bytes().filter(|byte| *byte == b'.').count() <= 1
        && (SUFFIXES.contains(&suffix) || matches!(exponent, Some(Ok(_))));
    if sound {
        return Ok(text);
    }
    Err(Malformed::new("a quantity such as 100m or 64Mi"))
}

fn is_uuid(text: &str) -> bool {
    let fits = |(index, byte): (usize, u8)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

fn is_domain_name(text: &str) -> bool {
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_dns_label)
}

fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(is_dns_label)
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_dns_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";

    fn is_trimmed<T>(parsed: Result<T, Malformed>) -> bool {
        let hint = Some("remove the white space around it".to_owned());
        parsed.is_err_and(|malformed| malformed.hint == hint)
    }

    #[test]
    fn accepts_client_ids_in_either_case() {
        assert_eq!(client_id(ID), Ok(ID));
        assert!(client_id(&ID.to_uppercase()).is_ok());
    }

    #[test]
    fn rejects_what_is_no_client_id() {
        for text in [
            "",
            "my-app",
            "8f1c2a7e5d3b4c599a570b6f4f0f9d11",
            "{8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11}",
            "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11-",
            "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d1g",
            "8f1c2a7e-5d3b-4c599-a57-0b6f4f0f9d11",
            "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d1é",
        ] {
            let malformed = client_id(text).expect_err(text);
            assert_eq!(malformed.hint, None, "{text}");
        }
        assert!(is_trimmed(client_id(&format!(" {ID}\n"))));
    }

    #[test]
    fn accepts_tenants_by_uuid_and_by_domain() {
        for text in [
            ID,
            "contoso.com",
            "contoso.onmicrosoft.com",
            "Contoso-1.COM",
        ] {
            assert_eq!(tenant_id(text), Ok(text));
        }
    }

    #[test]
    fn rejects_what_is_no_tenant() {
        for text in [
            "",
            "common",
            "organizations",
            "contoso..com",
            "-contoso.com",
            "contoso.com.",
            "https://contoso.com",
            "contoso_.com",
        ] {
            assert!(tenant_id(text).is_err(), "{text}");
        }
        assert!(tenant_id(&format!("{}.com", "a".repeat(64))).is_err());
        assert!(tenant_id(&"a.".repeat(127)).is_err());
        assert!(is_trimmed(tenant_id("contoso.com ")));
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
    fn rejects_what_is_no_expiration() {
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
    fn rejects_what_is_no_container_name() {
        assert_eq!(container_name("app-1"), Ok("app-1"));
        for (text, hint) in [
            ("App", None),
            ("app_1", None),
            ("app-", None),
            ("a,b", Some("separate names with \";\"")),
            ("a b", Some("separate names with \";\"")),
        ] {
            let malformed = container_name(text).expect_err(text);
            assert_eq!(malformed.hint.as_deref(), hint, "{text}");
        }
        assert!(container_name(&"a".repeat(64)).is_err());
    }

    #[test]
    fn accepts_https_urls() {
        for text in [
            "https://login.microsoftonline.com/",
            "https://login.microsoftonline.com",
            "https://adfs.local.azurestack.external/adfs",
            "https://localhost:8443/",
        ] {
            assert_eq!(https_url(text), Ok(text));
        }
    }

    #[test]
    fn rejects_what_is_no_https_url() {
        for text in [
            "",
            "login.microsoftonline.com",
            "http://login.microsoftonline.com/",
            "https://",
            "https:///adfs",
            "https://user@host/",
            "https://host:0/",
            "https://host:port/",
            "https://host/a b",
            "https://host/?a=b",
            "https://host/#a",
            "https://a..b/",
        ] {
            assert!(https_url(text).is_err(), "{text}");
        }
        assert!(is_trimmed(https_url(" https://host/")));
    }

    #[test]
    fn an_audience_is_any_text_without_white_space() {
        assert!(audience("api://AzureADTokenExchange").is_ok());
        assert!(audience("").is_err());
        assert!(audience("a b").is_err());
        assert!(audience("a\u{7}b").is_err());
        assert!(is_trimmed(audience("api://x ")));
    }

    /// Each parser of settings with texts that it takes and texts that it does not.
    #[test]
    fn parsers_of_settings_tell_good_from_bad() {
        type Parse = fn(&str) -> Result<&str, Malformed>;
        let long = |length| "a".repeat(length);
        let cases: [(&str, Parse, &[&str], &[&str]); 7] = [
            (
                "annotation_suffix",
                annotation_suffix,
                &["identity-binding", "A.b_c", &long(59)],
                &["", "a-", "a b", "a/b", &long(60)],
            ),
            (
                "host_name",
                host_name,
                &["abc.ests.aks", "localhost"],
                &["", "a..b", "a_b", "https://a", &"a.".repeat(127)],
            ),
            (
                "object_name",
                object_name,
                &["ib-ca", "a.b"],
                &["", "Ca", "a/b", "-a"],
            ),
            (
                "signer_name",
                signer_name,
                &["example.com/signer", "a.b/c/d"],
                &["", "example.com", "example/signer", "example.com/", "a.b/C"],
            ),
            (
                "certificates",
                certificates,
                &["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
                &[
                    "",
                    "MIIB",
                    "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
                ],
            ),
            (
                "image",
                image,
                &["proxy", "localhost:5000/a/b:v1", "a.b/c@sha256:0f"],
                &["", "a b", "/a", "a:", "a?b"],
            ),
            (
                "quantity",
                quantity,
                &[
                    "0", "100m", "64Mi", "1.5", ".5Gi", "1e3", "2E-3", "1E", "1Ei",
                ],
                &["", "m", ".", "1.2.3", "-1", "64mb", "1 Gi", "1e", "0x1"],
            ),
        ];
        for (name, parse, good, bad) in cases {
            for text in good {
                assert_eq!(parse(text), Ok(*text), "{name}");
            }
            for text in bad {
                assert!(parse(text).is_err(), "{name}: {text}");
            }
        }
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
