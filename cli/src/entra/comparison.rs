//! The credentials that there should be, beside those that exist.

use std::collections::{BTreeMap, BTreeSet};

use super::credential::{Credential, MANY, MOST, Subject};
use super::existing::{ExistingCredential, Holders};
use super::issuer::{is_in_cluster, is_nearly};

/// What becomes of a credential that there should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nothing is known of those that exist.
    Unknown,
    /// It exists, under this name.
    Exists(String),
    /// There is none.
    Missing,
    /// The one of this name is nearly it.
    Differs {
        /// Its name.
        name: String,
        /// What is wrong with it.
        difference: Difference,
    },
}

/// How a credential that exists is not the one that there should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It has other audiences.
    Audience(Vec<String>),
    /// Its issuer differs by a final slash only, or by upper and lower case.
    IssuerNearly(String),
    /// Its issuer is the name of the Kubernetes API within the cluster.
    IssuerInCluster(String),
    /// It is for the ServiceAccount of that name in another namespace.
    Namespace(String),
    /// Its issuer is another one: that of another cluster, or of one that was made anew.
    Issuer(String),
    /// Its subject differs by upper and lower case, or by white space, only.
    SubjectNearly(String),
}

impl Difference {
    /// Whether the credential is to be changed; else it is another one's, and a new one is to be made.
    pub fn is_mended_by_update(&self) -> bool {
        !matches!(self, Self::Namespace(_) | Self::Issuer(_))
    }
}

/// A credential that exists, and should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surplus {
    /// No pod uses it.
    Superfluous,
    /// It says the same as the one of this name.
    Duplicate(String),
}

/// What exists and what there should be of one application or managed identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Its client ID.
    pub client_id: String,
    /// Whether it is known which of its credentials exist.
    pub is_known: bool,
    /// What there should be, in order.
    pub wanted: Vec<(Credential, Status)>,
    /// What exists and should not, by the credential.
    pub surplus: Vec<(ExistingCredential, Surplus)>,
    /// How many others exist: of other issuers, or without a subject.
    pub others: usize,
}

/// Whether there is room for the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Enough,
    /// There is hardly any left.
    Little,
    /// There are too many.
    TooMany,
}

impl Comparison {
    /// How many credentials there would be without those that should not exist.
    pub fn total(&self) -> usize {
        let stays = |(_, status): &&(Credential, Status)| match status {
            Status::Differs { difference, .. } => !difference.is_mended_by_update(),
            _ => false,
        };
        let staying = self.wanted.iter().filter(stays).count();
        let new = self.wanted.len().saturating_add(staying);
        new.saturating_add(self.others)
    }

    /// Whether there is room for them.
    pub fn room(&self) -> Room {
        match self.total() {
            total if total > MOST => Room::TooMany,
            total if total >= MANY => Room::Little,
            _ => Room::Enough,
        }
    }

    /// Whether nothing is to be done.
    pub fn is_settled(&self) -> bool {
        let mut wanted = self.wanted.iter();
        self.surplus.is_empty() && wanted.all(|(_, status)| matches!(status, Status::Exists(_)))
    }
}

/// Compares the credentials that there should be with what exists; `compares` is whether anything is said of that.
/// Credentials of other issuers than `issuer` are another cluster's. Those of ServiceAccounts in `spared` may be used, although
/// nothing wants them.
pub fn compare(
    wanted: Vec<Credential>,
    holders: &Holders,
    compares: bool,
    issuer: &str,
    spared: &BTreeSet<Subject>,
) -> Vec<Comparison> {
    let mut by_client: BTreeMap<String, Vec<Credential>> = BTreeMap::new();
    if compares {
        // Also those that nothing uses any more.
        let told = holders.iter();
        let told = told.filter(|(_, holder)| holder.credentials.is_some());
        by_client.extend(told.map(|(client_id, _)| (client_id.clone(), Vec::new())));
    }
    for credential in wanted {
        let of_client = by_client.entry(credential.client_id.clone()).or_default();
        of_client.push(credential);
    }
    let by_client = by_client.into_iter();
    by_client
        .map(|(client_id, mut wanted)| {
            wanted.sort();
            wanted.dedup();
            let existing = holders.get(&client_id);
            let existing = existing.and_then(|holder| holder.credentials.as_deref());
            match existing {
                Some(existing) => compared(client_id, wanted, existing, issuer, spared),
                None => Comparison {
                    client_id,
                    is_known: false,
                    wanted: wanted
                        .into_iter()
                        .map(|credential| (credential, Status::Unknown))
                        .collect(),
                    surplus: Vec::new(),
                    others: 0,
                },
            }
        })
        .collect()
}

/// Existing credentials, and which of them have found their counterpart.
struct Pool<'e> {
    existing: &'e [ExistingCredential],
    is_taken: Vec<bool>,
}

/// Whether a credential that exists is one that there should be, and what is wrong with it.
type Rule = fn(&Credential, &ExistingCredential) -> Option<Option<Difference>>;

impl Pool<'_> {
    /// Finds the counterpart of each credential that has none yet, by one rule after the other.
    fn find(&mut self, rules: &[Rule], wanted: &[Credential], statuses: &mut [Status]) {
        for rule in rules {
            for (credential, status) in wanted.iter().zip(&mut *statuses) {
                if *status != Status::Missing {
                    continue;
                }
                let mut all = self.existing.iter().zip(&mut self.is_taken);
                let found = all.find_map(|(one, is_taken)| {
                    let what = rule(credential, one).filter(|_| !*is_taken)?;
                    *is_taken = true;
                    Some((one.name.clone(), what))
                });
                *status = match found {
                    None => continue,
                    Some((name, None)) => Status::Exists(name),
                    Some((name, Some(difference))) => Status::Differs { name, difference },
                };
            }
        }
    }

    /// Takes those that say the same as one that is taken.
    fn duplicates(&mut self) -> Vec<(ExistingCredential, Surplus)> {
        let key = |one: &ExistingCredential| (one.issuer.clone(), one.subject.clone());
        let taken = self.existing.iter().zip(&self.is_taken);
        let taken = taken.filter(|(one, is_taken)| **is_taken && one.subject.is_some());
        let taken: BTreeMap<_, _> = taken.map(|(one, _)| (key(one), one.name.clone())).collect();
        let mut duplicates = Vec::new();
        for (one, is_taken) in self.existing.iter().zip(&mut self.is_taken) {
            if let Some(twin) = taken.get(&key(one)).filter(|_| !*is_taken) {
                *is_taken = true;
                duplicates.push((one.clone(), Surplus::Duplicate(twin.clone())));
            }
        }
        duplicates
    }
}

fn compared(
    client_id: String,
    wanted: Vec<Credential>,
    existing: &[ExistingCredential],
    issuer: &str,
    spared: &BTreeSet<Subject>,
) -> Comparison {
    let mut pool = Pool {
        existing,
        is_taken: vec![false; existing.len()],
    };
    let mut statuses = vec![Status::Missing; wanted.len()];
    // The nearest first, so that no credential is taken from the one that it is for.
    let nearest: [Rule; 4] = [
        same,
        other_audience,
        nearly_same_issuer,
        nearly_same_subject,
    ];
    pool.find(&nearest, &wanted, &mut statuses);
    let mut surplus = pool.duplicates();
    pool.find(&[other_namespace, other_issuer], &wanted, &mut statuses);
    let mut others = 0_usize;
    for (one, is_taken) in existing.iter().zip(&pool.is_taken) {
        let is_ours = one
            .issuer
            .as_deref()
            .is_some_and(|own| is_nearly(own, issuer));
        if *is_taken {
            continue;
        }
        let subject = one.subject.as_deref().and_then(Subject::parse);
        let may_be_used = subject.is_some_and(|subject| spared.contains(&subject));
        if is_ours && one.subject.is_some() && !may_be_used {
            surplus.push((one.clone(), Surplus::Superfluous));
        } else {
            others = others.saturating_add(1);
        }
    }
    Comparison {
        client_id,
        is_known: true,
        wanted: wanted.into_iter().zip(statuses).collect(),
        surplus,
        others,
    }
}

/// Whether it has the issuer, or one that comes from elsewhere, which cannot be compared.
fn has_issuer(wanted: &Credential, existing: &ExistingCredential) -> bool {
    let own = existing.issuer.as_ref();
    own.is_none_or(|own| *own == wanted.issuer)
}

fn has_subject(wanted: &Credential, existing: &ExistingCredential) -> bool {
    existing.subject.as_deref() == Some(&*wanted.subject.to_string())
}

fn has_audience(wanted: &Credential, existing: &ExistingCredential) -> bool {
    existing.audiences.contains(&wanted.audience)
}

fn same(wanted: &Credential, existing: &ExistingCredential) -> Option<Option<Difference>> {
    let is_same = has_issuer(wanted, existing)
        && has_subject(wanted, existing)
        && has_audience(wanted, existing);
    is_same.then_some(None)
}

fn other_audience(
    wanted: &Credential,
    existing: &ExistingCredential,
) -> Option<Option<Difference>> {
    let is_it = has_issuer(wanted, existing) && has_subject(wanted, existing);
    is_it.then(|| Some(Difference::Audience(existing.audiences.clone())))
}

fn nearly_same_issuer(
    wanted: &Credential,
    existing: &ExistingCredential,
) -> Option<Option<Difference>> {
    let own = existing.issuer.as_deref()?;
    if !has_subject(wanted, existing) {
        return None;
    }
    if is_in_cluster(own) {
        return Some(Some(Difference::IssuerInCluster(own.to_owned())));
    }
    let is_it = is_nearly(own, &wanted.issuer);
    is_it.then(|| Some(Difference::IssuerNearly(own.to_owned())))
}

fn nearly_same_subject(
    wanted: &Credential,
    existing: &ExistingCredential,
) -> Option<Option<Difference>> {
    let own = existing.subject.as_deref()?;
    let is_it = has_issuer(wanted, existing)
        && own.trim().eq_ignore_ascii_case(&wanted.subject.to_string());
    is_it.then(|| Some(Difference::SubjectNearly(own.to_owned())))
}

fn other_namespace(
    wanted: &Credential,
    existing: &ExistingCredential,
) -> Option<Option<Difference>> {
    let own = Subject::parse(existing.subject.as_deref()?)?;
    let is_it = has_issuer(wanted, existing) && own.name == wanted.subject.name;
    is_it.then_some(Some(Difference::Namespace(own.namespace)))
}

fn other_issuer(wanted: &Credential, existing: &ExistingCredential) -> Option<Option<Difference>> {
    let own = existing.issuer.as_deref()?;
    has_subject(wanted, existing).then(|| Some(Difference::Issuer(own.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entra::existing::Holder;

    const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
    const ISSUER: &str = "https://oidc.example.com/c/";
    const AUDIENCE: &str = "api://AzureADTokenExchange";

    fn wanted(namespace: &str, name: &str) -> Credential {
        Credential {
            client_id: CLIENT_ID.to_owned(),
            subject: Subject {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            },
            audience: AUDIENCE.to_owned(),
            issuer: ISSUER.to_owned(),
        }
    }

    fn existing(name: &str, issuer: &str, subject: &str, audience: &str) -> ExistingCredential {
        ExistingCredential {
            name: name.to_owned(),
            issuer: Some(issuer.to_owned()),
            subject: Some(subject.to_owned()),
            audiences: vec![audience.to_owned()],
        }
    }

    fn comparison(wanted: Vec<Credential>, existing: Vec<ExistingCredential>) -> Comparison {
        let holder = Holder {
            credentials: Some(existing),
            ..Holder::default()
        };
        let holders = Holders::from([(CLIENT_ID.to_owned(), holder)]);
        let mut comparisons = compare(wanted, &holders, true, ISSUER, &BTreeSet::new());
        assert_eq!(comparisons.len(), 1);
        comparisons.remove(0)
    }

    #[test]
    fn each_difference_has_its_name() {
        let api = "system:serviceaccount:web:api";
        for (issuer, subject, audience, expected) in [
            (
                ISSUER,
                api,
                "other",
                Difference::Audience(vec!["other".to_owned()]),
            ),
            (
                "https://oidc.example.com/c",
                api,
                AUDIENCE,
                Difference::IssuerNearly("https://oidc.example.com/c".to_owned()),
            ),
            (
                "https://OIDC.example.com/c/",
                api,
                AUDIENCE,
                Difference::IssuerNearly("https://OIDC.example.com/c/".to_owned()),
            ),
            (
                "https://kubernetes.default.svc.cluster.local",
                api,
                AUDIENCE,
                Difference::IssuerInCluster(
                    "https://kubernetes.default.svc.cluster.local".to_owned(),
                ),
            ),
            (
                "https://oidc.example.com/other/",
                api,
                AUDIENCE,
                Difference::Issuer("https://oidc.example.com/other/".to_owned()),
            ),
            (
                ISSUER,
                "system:serviceaccount:default:api",
                AUDIENCE,
                Difference::Namespace("default".to_owned()),
            ),
            (
                ISSUER,
                "system:serviceaccount:web:API",
                AUDIENCE,
                Difference::SubjectNearly("system:serviceaccount:web:API".to_owned()),
            ),
        ] {
            let found = comparison(
                vec![wanted("web", "api")],
                vec![existing("e", issuer, subject, audience)],
            );
            let name = "e".to_owned();
            let stays = !expected.is_mended_by_update();
            let difference = expected;
            assert_eq!(found.wanted[0].1, Status::Differs { name, difference });
            assert_eq!(found.total(), if stays { 2 } else { 1 });
            assert!(!found.is_settled());
        }
    }

    #[test]
    fn no_credential_is_taken_from_the_one_that_it_is_for() {
        let found = comparison(
            vec![wanted("web", "api"), wanted("shop", "api")],
            vec![
                existing("shop", ISSUER, "system:serviceaccount:shop:api", AUDIENCE),
                existing("gone", ISSUER, "system:serviceaccount:web:gone", AUDIENCE),
                existing("github", "https://github.example.com", "repo:a/b", AUDIENCE),
                existing("again", ISSUER, "system:serviceaccount:shop:api", "other"),
            ],
        );
        let statuses: Vec<_> = found.wanted.iter().map(|(_, status)| status).collect();
        assert_eq!(
            statuses,
            [&Status::Exists("shop".to_owned()), &Status::Missing]
        );
        let surplus: Vec<_> = found
            .surplus
            .iter()
            .map(|(one, what)| (&*one.name, what))
            .collect();
        assert_eq!(
            surplus,
            [
                ("again", &Surplus::Duplicate("shop".to_owned())),
                ("gone", &Surplus::Superfluous),
            ]
        );
        assert_eq!((found.others, found.total()), (1, 3));
    }

    #[test]
    fn there_is_room_for_twenty() {
        for (count, expected) in [
            (17, Room::Enough),
            (18, Room::Little),
            (20, Room::Little),
            (21, Room::TooMany),
        ] {
            let all = (0..count).map(|number| wanted("web", &format!("a{number}")));
            let found = comparison(all.collect(), Vec::new());
            assert_eq!(found.room(), expected, "{count}");
        }
    }
}
