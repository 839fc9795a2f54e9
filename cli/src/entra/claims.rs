//! What a token says: its claims, and nothing else of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use thiserror::Error;

/// The issuer of tokens that are kept in Secrets.
pub const SECRET_ISSUER: &str = "kubernetes/serviceaccount";

/// Why a text is not a token. Nothing of the text is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClaimsError {
    /// It is empty.
    #[error(
        "expected a token, found nothing; help: read it from the pod's file with kubectl exec POD -- sh -c 'cat \"$AZURE_FEDERATED_TOKEN_FILE\"'"
    )]
    Empty,
    /// It has another number of parts.
    #[error("expected a token of three parts with dots between them, found {0}")]
    Parts(usize),
    /// The second part is not in base64.
    #[error(
        "expected a token whose second part is in base64, found other characters; help: give the token whole and as it is"
    )]
    Encoding,
    /// The second part holds something else than claims.
    #[error(
        "expected a token whose second part holds a JSON object with claims, found something else; help: give the token whole and as it is"
    )]
    NoClaims,
}

/// The claims of a token, as far as they matter to Microsoft Entra ID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: Option<String>,
    /// Whom it is about.
    pub subject: Option<String>,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// When it becomes valid.
    pub not_before: Option<Timestamp>,
    /// When it ceases to be valid.
    pub expires: Option<Timestamp>,
    /// The pod that it was made for, by namespace and name.
    pub pod: Option<String>,
}

impl Claims {
    /// Reads the claims of a token. Its signature is not checked.
    ///
    /// # Errors
    ///
    /// [`ClaimsError`] if the text is not a token.
    pub fn read(token: &str) -> Result<Self, ClaimsError> {
        let token = token.trim();
        if token.is_empty() {
            return Err(ClaimsError::Empty);
        }
        let parts: Vec<_> = token.split('.').collect();
        let [_, payload, _] = parts.as_slice() else {
            return Err(ClaimsError::Parts(parts.len()));
        };
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
        let payload = payload.map_err(|_| ClaimsError::Encoding)?;
        let claims = serde_json::from_slice(&payload).map_err(|_| ClaimsError::NoClaims)?;
        let Value::Object(_) = claims else {
            return Err(ClaimsError::NoClaims);
        };
        Ok(Self::of(&claims))
    }

    fn of(claims: &Value) -> Self {
        let text = |path: &str| claims.pointer(path).and_then(Value::as_str);
        let time = |path: &str| {
            let seconds = claims.pointer(path)?;
            // RFC 7519 allows fractions.
            let seconds = seconds
                .as_i64()
                .or(seconds.as_f64().map(|seconds| seconds as i64))?;
            Timestamp::from_second(seconds).ok()
        };
        let audiences = match claims.get("aud") {
            Some(Value::String(audience)) => vec![audience.clone()],
            Some(Value::Array(audiences)) => {
                let audiences = audiences.iter().filter_map(Value::as_str);
                audiences.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let pod = text("/kubernetes.io/pod/name").map(|name| {
            let namespace = text("/kubernetes.io/namespace").unwrap_or_default();
            format!("{namespace}/{name}")
        });
        Self {
            issuer: text("/iss").map(str::to_owned),
            subject: text("/sub").map(str::to_owned),
            audiences,
            not_before: time("/nbf"),
            expires: time("/exp"),
            pod,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            part(r#"{"alg":"RS256"}"#),
            part(payload),
            part("signature")
        )
    }

    #[test]
    fn claims_are_read() {
        let projected = r#"{"aud": ["api://AzureADTokenExchange"], "exp": 1764150000.5, "nbf": 1764146400, "iss": "https://i/",
            "sub": "system:serviceaccount:a:b", "kubernetes.io": {"namespace": "a", "pod": {"name": "p-1"}}}"#;
        let expected = Claims {
            issuer: Some("https://i/".to_owned()),
            subject: Some("system:serviceaccount:a:b".to_owned()),
            audiences: vec!["api://AzureADTokenExchange".to_owned()],
            not_before: Timestamp::from_second(1_764_146_400).ok(),
            expires: Timestamp::from_second(1_764_150_000).ok(),
            pod: Some("a/p-1".to_owned()),
        };
        assert_eq!(Claims::read(&token(projected)), Ok(expected.clone()));
        assert_eq!(
            Claims::read(&format!("\n{} \n", token(projected))),
            Ok(expected)
        );
        let one = Claims {
            audiences: vec!["a".to_owned()],
            ..Claims::default()
        };
        assert_eq!(Claims::read(&token(r#"{"aud": "a", "exp": "x"}"#)), Ok(one));
        assert_eq!(Claims::read(&token("{}")), Ok(Claims::default()));
        let far = token(r#"{"exp": 1e300}"#);
        assert_eq!(Claims::read(&far), Ok(Claims::default()));
    }

    #[test]
    fn other_texts_are_none() {
        for (text, expected) in [
            (String::new(), ClaimsError::Empty),
            (" \n".to_owned(), ClaimsError::Empty),
            ("abc".to_owned(), ClaimsError::Parts(1)),
            ("a.b.c.d.e".to_owned(), ClaimsError::Parts(5)),
            ("a.ö.c".to_owned(), ClaimsError::Encoding),
            (token("[]"), ClaimsError::NoClaims),
            (token("no JSON"), ClaimsError::NoClaims),
        ] {
            assert_eq!(Claims::read(&text), Err(expected), "{text}");
        }
    }
}
