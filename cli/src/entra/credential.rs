//! Federated identity credentials: which tokens an application or managed identity trusts.

use std::fmt;

use sha2::{Digest, Sha256};

/// How many credentials one application or managed identity can hold.
pub const MOST: usize = 20;

/// From how many on people are warned that there is not much room left.
pub const MANY: usize = 18;

/// The characters of a credential's name at most.
const LONGEST_NAME: usize = 120;

/// A ServiceAccount, as a token's subject names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// How the subject of a ServiceAccount's token begins.
const PREFIX: &str = "system:serviceaccount:";

impl Subject {
    /// The ServiceAccount that a token's subject names, if it names one.
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.strip_prefix(PREFIX)?.split_once(':')?;
        let is_whole = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
        is_whole.then(|| Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:{}", self.namespace, self.name)
    }
}

/// A federated identity credential: tokens of this issuer about this subject, for this audience, are trusted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credential {
    /// The application or managed identity that holds it, in lower case.
    pub client_id: String,
    /// The ServiceAccount.
    pub subject: Subject,
    /// The audience.
    pub audience: String,
    /// The issuer, which must be that of the tokens to the letter.
    pub issuer: String,
}

impl Credential {
    /// A name that Entra accepts, the same each time, and another one for each issuer and subject.
    pub fn name(&self) -> String {
        self.named(&hash(&[&self.issuer, &self.subject.to_string()]))
    }

    /// A name that is another one for each credential of all identities: for what stands for it in files.
    pub fn identifier(&self) -> String {
        let subject = self.subject.to_string();
        let parts = [&*self.client_id, &self.issuer, &subject, &self.audience];
        self.named(&hash(&parts))
    }

    /// A name for people, with this ending.
    fn named(&self, ending: &str) -> String {
        let Subject { namespace, name } = &self.subject;
        let readable = format!("{namespace}-{name}");
        let readable = readable.chars().map(|letter| match letter {
            '-' | '_' => letter,
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '-',
        });
        let most = LONGEST_NAME.saturating_sub(ending.len()).saturating_sub(1);
        let readable: String = readable.take(most).collect();
        // The first character is a letter or a digit.
        let readable = readable.trim_start_matches(['-', '_']);
        let hyphen = if readable.is_empty() { "" } else { "-" };
        format!("{readable}{hyphen}{ending}")
    }
}

/// Eight characters that tell texts apart.
fn hash(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join("\n"));
    let bytes = hash.iter().take(4);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn credential(namespace: &str, name: &str, issuer: &str) -> Credential {
        Credential {
            client_id: "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11".to_owned(),
            subject: Subject {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            },
            audience: "api://AzureADTokenExchange".to_owned(),
            issuer: issuer.to_owned(),
        }
    }

    #[test]
    fn names_are_readable_and_tell_clusters_apart() {
        let name = |namespace, name, issuer| credential(namespace, name, issuer).name();
        assert_eq!(
            name("web", "api", "https://a.example.com/"),
            "web-api-cacb7c6d"
        );
        assert_eq!(
            name("web", "api", "https://b.example.com/"),
            "web-api-720f63d7"
        );
        assert_eq!(name("a", "b.c", "i"), "a-b-c-293f41c4");
        assert_eq!(name("a", "b-c", "i"), "a-b-c-3c6cafe4");
        assert_eq!(name("a-b", "c", "i"), "a-b-c-96d2ec78");
        let long = name("n", &"x".repeat(253), "i");
        assert_eq!((long.len(), &long[..6]), (120, "n-xxxx"));
    }

    proptest! {
        #[test]
        fn names_are_accepted_by_entra(namespace in ".{0,70}", name in ".{0,260}", issuer in ".{0,30}") {
            let name = credential(&namespace, &name, &issuer).name();
            prop_assert!((3..=LONGEST_NAME).contains(&name.len()), "{}", name);
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            prop_assert!(name.bytes().all(is_allowed), "{}", name);
            prop_assert!(name.starts_with(|first: char| first.is_ascii_alphanumeric()), "{}", name);
        }

        #[test]
        fn subjects_are_read_as_they_are_written(namespace in "[a-z0-9-]{1,63}", name in "[a-z0-9.-]{1,253}") {
            let subject = Subject { namespace, name };
            prop_assert_eq!(Subject::parse(&subject.to_string()), Some(subject));
        }
    }

    #[test]
    fn other_subjects_are_none() {
        for text in [
            "",
            "system:serviceaccount:a",
            "system:serviceaccount::a",
            "system:serviceaccount:a:",
            "system:serviceaccount:a:b:c",
            "System:serviceaccount:a:b",
            "repo:o/r:ref:refs/heads/main",
        ] {
            assert_eq!(Subject::parse(text), None, "{text}");
        }
    }
}
