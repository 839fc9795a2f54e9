//! The ServiceAccounts among the manifests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::input::manifests::{Manifest, Origin};

/// A ServiceAccount among the manifests.
#[derive(Debug, Clone)]
pub struct Account<'m> {
    /// Its manifest.
    pub manifest: &'m Manifest,
    /// The object, which many clusters have.
    object: Arc<Value>,
}

impl<'m> Account<'m> {
    /// The object.
    pub fn object(&self) -> &Arc<Value> {
        &self.object
    }

    /// Where it is.
    pub fn origin(&self) -> &'m Origin {
        &self.manifest.origin
    }
}

/// How many places of ServiceAccounts with one name a note names.
const NAMED: usize = 5;

/// Namespace and name.
type Name = (String, String);

/// ServiceAccounts by namespace and name. A repository with a base and overlays has several of one name.
#[derive(Debug, Default)]
pub struct Accounts<'m> {
    accounts: BTreeMap<Name, Vec<Account<'m>>>,
    /// Of each name, the first namespace with it.
    namespaces: BTreeMap<String, String>,
}

impl<'m> Accounts<'m> {
    /// The ServiceAccounts among `manifests`.
    pub fn among(manifests: &'m [Manifest], default_namespace: &str) -> Self {
        let mut among = Self::default();
        for manifest in manifests {
            if !manifest.is("v1", "ServiceAccount") {
                continue;
            }
            let namespace = manifest.namespace().unwrap_or(default_namespace).to_owned();
            let name = manifest.name().unwrap_or_default().to_owned();
            let account = Account {
                manifest,
                object: Arc::new(manifest.object.clone()),
            };
            let first = among.namespaces.entry(name.clone());
            first.or_insert_with(|| namespace.clone());
            let accounts = among.accounts.entry((namespace, name));
            accounts.or_default().push(account);
        }
        among
    }

    /// Whether there are several of one name.
    pub fn are_doubled(&self) -> bool {
        self.accounts.values().any(|accounts| accounts.len() > 1)
    }

    /// A note on each name that several have.
    pub fn doubled(&self) -> impl Iterator<Item = String> {
        let doubled = self
            .accounts
            .iter()
            .filter(|(_, accounts)| accounts.len() > 1);
        doubled.map(|((namespace, name), accounts)| {
            let places = accounts.iter().map(|account| account.origin().to_string());
            let places: Vec<_> = places.take(NAMED).collect();
            let more = match accounts.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and in {more} more"),
            };
            format!(
                "ServiceAccount {namespace}/{name}: found {}, in {}{more}; for each pod, the nearest counts, of several in one directory the last",
                accounts.len(),
                places.join(" and in ")
            )
        })
    }

    /// The names of those in a namespace.
    pub fn names_in(&self, namespace: &str) -> impl Iterator<Item = &str> {
        let from = (namespace.to_owned(), String::new());
        let names = self.accounts.range(from..).map(|(name, _)| name);
        let names = names.take_while(move |(other, _)| other == namespace);
        names.map(|(_, name)| name.as_str())
    }

    /// A namespace with one of this name.
    pub fn namespace_with(&self, name: &str) -> Option<&str> {
        self.namespaces.get(name).map(String::as_str)
    }

    /// The one of this name that is nearest to `directory`.
    pub fn get(&self, namespace: &str, name: &str, directory: &Path) -> Option<&Account<'m>> {
        let accounts = self
            .accounts
            .get(&(namespace.to_owned(), name.to_owned()))?;
        nearest_of(accounts, directory)
    }

    /// Of each name the one that is nearest to `directory`.
    pub fn nearest<'a>(
        &'a self,
        directory: &'a Path,
    ) -> impl Iterator<Item = (&'a Name, &'a Account<'m>)> + 'a {
        let accounts = self.accounts.iter();
        accounts.filter_map(move |(name, accounts)| Some((name, nearest_of(accounts, directory)?)))
    }
}

/// The directory of a file.
pub fn directory(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or(Path::new(""))
}

/// The one whose directory has most in common with `directory`, further up before beside; of several such the last, as if applied
/// in this order.
fn nearest_of<'a, 'm>(accounts: &'a [Account<'m>], directory: &Path) -> Option<&'a Account<'m>> {
    let mut nearest: Option<((usize, bool), &Account<'m>)> = None;
    for account in accounts {
        let own = self::directory(&account.origin().file);
        let in_common = own.components().zip(directory.components());
        let in_common = in_common.take_while(|(own, other)| own == other).count();
        let nearness = (in_common, directory.starts_with(own));
        if nearest.is_none_or(|(best, _)| nearness >= best) {
            nearest = Some((nearness, account));
        }
    }
    nearest.map(|(_, account)| account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::manifests::read_text;

    #[test]
    fn of_several_the_nearest_counts() {
        let text = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa, namespace: web}\n";
        let files = [
            "overlays/dev/sa.yaml",
            "base/sa.yaml",
            "overlays/prod/sa.yaml",
            "a.yaml",
            "sa.yaml",
        ];
        let manifests: Vec<_> = files
            .iter()
            .flat_map(|file| read_text(file, text).unwrap())
            .collect();
        let accounts = Accounts::among(&manifests, "default");
        for (directory, file) in [
            ("base", "base/sa.yaml"),
            ("base/deep", "base/sa.yaml"),
            ("overlays/dev", "overlays/dev/sa.yaml"),
            ("overlays/prod/patches", "overlays/prod/sa.yaml"),
            ("elsewhere", "sa.yaml"),
            ("", "sa.yaml"),
        ] {
            let account = accounts.get("web", "sa", Path::new(directory));
            assert_eq!(account.unwrap().origin().file, file, "{directory}");
        }
        let doubled: Vec<_> = accounts.doubled().collect();
        assert_eq!(
            doubled,
            [
                "ServiceAccount web/sa: found 5, in overlays/dev/sa.yaml, document 1 and in base/sa.yaml, document 1 \
                 and in overlays/prod/sa.yaml, document 1 and in a.yaml, document 1 and in sa.yaml, document 1; for each pod, the nearest counts, of several in one directory the last"
            ]
        );
    }
}
