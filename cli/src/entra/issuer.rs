//! The issuer of a cluster's tokens, as Microsoft Entra ID knows it.

use std::net::IpAddr;

use anyhow::{Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use fluent_uri::Uri;

/// An issuer that Entra can fetch keys from.
///
/// # Errors
///
/// What was expected of `argument`, and what was found.
pub fn checked<'u>(argument: &str, url: &'u str) -> Result<&'u str> {
    const EXPECTED: &str = "expected https://HOST or https://HOST/PATH, the --service-account-issuer of the API server";
    let found = Excerpt::new(url);
    if let Some(issuer) = url.strip_suffix(DOCUMENT) {
        bail!(
            "{argument}: expected the issuer, found {found}, the URL of its discovery document; help: give {}, or with a slash at its end if \
             the document says so",
            Excerpt::new(issuer)
        );
    }
    if is_in_cluster(url) {
        bail!(
            "{argument}: expected a URL that Microsoft Entra ID can reach, found {found}, the Kubernetes API within the cluster; \
             help: give the cluster's OIDC issuer: {HOW}"
        );
    }
    let Ok(uri) = Uri::parse(url) else {
        bail!("{argument}: {EXPECTED}, found {found}");
    };
    let authority = uri.authority();
    let host = authority.map_or("", |authority| authority.host());
    let has_user = authority.is_some_and(|authority| authority.userinfo().is_some());
    let reason = match uri.scheme().as_str() {
        "https" if host.is_empty() => "no host",
        "https" if is_private(host) => "a host that Microsoft Entra ID cannot reach",
        "https" if has_user => "a user in it",
        "https" if uri.query().is_some() => "a query, after ?",
        "https" if uri.fragment().is_some() => "a fragment, after #",
        "https" if host.contains(AKS) && !url.ends_with('/') => {
            bail!(
                "{argument}: expected the issuer of an AKS cluster to end with /, found {found}; help: give it to the letter: {HOW}"
            );
        }
        "https" => return Ok(url),
        "http" => "http, from which Entra ID gets no keys",
        _ => "another scheme; write https:// in lower case",
    };
    bail!("{argument}: {EXPECTED}, found {found}: {reason}")
}

/// Where an issuer has its discovery document.
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// Whether a host is known only where it is.
fn is_private(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse();
    match address {
        Ok(IpAddr::V4(address)) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => host == "localhost" || host.ends_with(".localhost") || host.ends_with(".local"),
    }
}

/// How to learn it.
const HOW: &str = "for AKS, az aks show --query oidcIssuerProfile.issuerUrl prints it";

/// What the hosts of AKS's issuers have in common, in all clouds.
const AKS: &str = ".oic.prod-aks.azure.";

/// Whether two issuers differ by nothing but a final slash, white space, and upper and lower case.
pub fn is_nearly(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.trim().trim_end_matches('/').to_lowercase();
    bare(one) == bare(other)
}

/// Whether an issuer is the name of the Kubernetes API within the cluster, which Entra cannot reach.
pub fn is_in_cluster(issuer: &str) -> bool {
    let host = issuer.trim().trim_end_matches('/');
    let host = host.split_once("://").map_or(host, |(_, host)| host);
    let host = host.split([':', '/']).next().unwrap_or_default();
    ["kubernetes.default", "kubernetes.default.svc"].contains(&host)
        || host.starts_with("kubernetes.default.svc.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubernetes_api_is_known_by_its_names() {
        for (issuer, expected) in [
            ("https://kubernetes.default.svc", true),
            ("https://kubernetes.default.svc.cluster.local/", true),
            ("kubernetes.default", true),
            ("https://kubernetes.default.svc:443", true),
            ("https://kubernetes.default.example.com", false),
            ("https://oidc.example.com/c/", false),
        ] {
            assert_eq!(is_in_cluster(issuer), expected, "{issuer}");
        }
    }

    #[test]
    fn a_document_is_not_its_issuer() {
        let url = "https://example.com/a/.well-known/openid-configuration";
        assert_eq!(
            checked("--url", url).unwrap_err().to_string(),
            "--url: expected the issuer, found \"https://example.com/a/.well-known/openid-configuration\", the URL of its discovery document; \
             help: give \"https://example.com/a\", or with a slash at its end if the document says so"
        );
    }

    #[test]
    fn rejects_what_no_issuer_is() {
        for (url, reason) in [
            ("", ""),
            ("example.com", ""),
            ("https://exa mple.com", ""),
            ("https://", ": no host"),
            ("https:///a", ": no host"),
            (
                "http://example.com",
                ": http, from which Entra ID gets no keys",
            ),
            (
                "HTTPS://example.com",
                ": another scheme; write https:// in lower case",
            ),
            (
                "kubernetes:svc",
                ": another scheme; write https:// in lower case",
            ),
            (
                "https://localhost:8443",
                ": a host that Microsoft Entra ID cannot reach",
            ),
            (
                "https://10.0.0.1/a",
                ": a host that Microsoft Entra ID cannot reach",
            ),
            (
                "https://[::1]",
                ": a host that Microsoft Entra ID cannot reach",
            ),
            (
                "https://api.cluster.local",
                ": a host that Microsoft Entra ID cannot reach",
            ),
            ("https://me@example.com", ": a user in it"),
            ("https://example.com/?a=b", ": a query, after ?"),
            ("https://example.com/#a", ": a fragment, after #"),
        ] {
            let error = checked("--url", url).unwrap_err().to_string();
            let expected = format!(
                "--url: expected https://HOST or https://HOST/PATH, the --service-account-issuer of the API server, found \"{url}\"{reason}"
            );
            assert_eq!(error, expected);
        }
    }
}
