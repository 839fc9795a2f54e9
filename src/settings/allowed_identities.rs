//! Setting `allowedIdentities`: who may have which identity.

use super::entries::{self, NAMESPACES, SERVICE_ACCOUNTS, has_match};
use super::faults::{Faults, Setting};
use super::shape::Shape;
use crate::json::{each_field, each_item};
use crate::messages::Excerpt;
use crate::values;

/// The identities that are allowed, as JSON: a list with one entry at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedIdentities<'s>(&'s str);

/// Identities that a ServiceAccount or containers with it are to have.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'c> {
    /// The namespace.
    pub namespace: &'c str,
    /// The ServiceAccount.
    pub service_account: &'c str,
    /// The identities: at most [`CLAIMS`].
    pub identities: &'c [Claim<'c>],
}

/// An identity. What is not known of it may be anything.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'c> {
    /// The client ID.
    pub client_id: Option<&'c str>,
    /// The tenant.
    pub tenant_id: Option<&'c str>,
}

/// What is allowed of several claims: the bit of a claim is that of its index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// The claims that are allowed.
    pub allowed: u32,
    /// The claims whose client ID is allowed, be it with another tenant.
    pub client_allowed: u32,
    /// The index of the entry that allows the first claim.
    pub entry: Option<usize>,
    /// Whether an entry is about the ServiceAccount.
    pub is_known: bool,
}

/// How many claims are looked into at once.
pub const CLAIMS: usize = 32;

/// A part of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The client ID.
    Client,
    /// The tenant.
    Tenant,
}

const CLIENT_IDS: &str = "clientIDs";
const TENANT_IDS: &str = "tenantIDs";

/// How many of the identities that are allowed a message names.
const NAMED: usize = 2;

/// In how many entries they are looked for: a rejection must not take much longer than an acceptance.
const ENTRIES_OF_ADVICE: usize = 1000;

const SHAPE: Shape = Shape::List(&Shape::Object(
    &[
        NAMESPACES,
        SERVICE_ACCOUNTS,
        (CLIENT_IDS, Shape::List(&Shape::Text(values::client_id))),
        (TENANT_IDS, Shape::List(&Shape::Text(values::tenant_id))),
    ],
    |faults, entry| {
        let lists = [NAMESPACES.0, SERVICE_ACCOUNTS.0, CLIENT_IDS, TENANT_IDS];
        entries::check_entry(faults, entry, &lists);
    },
));

/// Takes the setting as it is; `None` if it has no entries.
pub fn read<'s>(faults: &mut Faults, setting: Setting<'s>) -> Option<AllowedIdentities<'s>> {
    entries::list(faults, setting).map(AllowedIdentities::new)
}

/// Notes everything that is wrong with the setting.
pub fn check(faults: &mut Faults, setting: Setting<'_>) {
    let before = faults.count();
    SHAPE.check(faults, setting);
    if faults.count() == before {
        entries::check_for_repeats(faults, setting);
    }
}

impl<'s> AllowedIdentities<'s> {
    /// The identities that this list allows.
    pub fn new(list: &'s str) -> Self {
        Self(list)
    }

    /// What is allowed of the claims.
    pub fn allowance(self, claims: Claims<'_>) -> Allowance {
        let mut allowance = Allowance::default();
        self.each_entry(claims, usize::MAX, &mut |index, entry| {
            allowance.is_known = true;
            allowance.client_allowed |= entry.clients;
            allowance.allowed |= entry.clients & entry.tenants;
            if allowance.entry.is_none() && entry.clients & entry.tenants & 1 == 1 {
                allowance.entry = Some(index);
            }
            let count = claims.identities.len();
            (0..count).any(|index| allowance.allowed & bit(index) == 0)
        });
        allowance
    }

    /// Some of what is allowed in place of a part of each claim.
    #[cold]
    pub fn alternatives(
        self,
        allowance: Allowance,
        claims: Claims<'_>,
        part: Part,
    ) -> Vec<Vec<Excerpt>> {
        let mut all = vec![Vec::new(); claims.identities.len()];
        if !allowance.is_known {
            return all;
        }
        self.each_entry(claims, ENTRIES_OF_ADVICE, &mut |_, entry| {
            let (list, of) = match part {
                // Whatever they claim instead.
                Part::Client => (entry.client_ids, u32::MAX),
                Part::Tenant => (entry.tenant_ids, entry.clients),
            };
            let _: Result<_, _> = each_item(list.unwrap_or("[]"), &mut |_, id| {
                let of_claim = |(index, _): &(usize, _)| of & bit(*index) != 0;
                for (_, alternatives) in all.iter_mut().enumerate().filter(of_claim) {
                    note(alternatives, id);
                }
            });
            all.iter().any(|alternatives| alternatives.len() < NAMED)
        });
        all
    }

    /// Gives each of the first entries that is about the ServiceAccount, as long as more are wanted. A list that cannot be
    /// read allows no more than what was read of it.
    fn each_entry(
        self,
        claims: Claims<'_>,
        most: usize,
        each: &mut dyn FnMut(usize, Entry<'_>) -> bool,
    ) {
        let mut goes_on = true;
        let _: Result<_, _> = each_item(self.0, &mut |index, json| {
            if goes_on
                && index < most
                && let Some(entry) = entry(json, claims)
            {
                goes_on = each(index, entry);
            }
        });
    }
}

/// An entry that is about the ServiceAccount.
#[derive(Clone, Copy, Default)]
struct Entry<'s> {
    /// The claims whose client ID it has.
    clients: u32,
    /// The claims whose tenant it has.
    tenants: u32,
    /// `clientIDs`, as JSON.
    client_ids: Option<&'s str>,
    /// `tenantIDs`, as JSON.
    tenant_ids: Option<&'s str>,
}

/// An entry, if it is about the ServiceAccount. One with an unknown field is about nobody.
fn entry<'s>(json: &'s str, claims: Claims<'_>) -> Option<Entry<'s>> {
    let mut is_about = json != "null";
    let mut entry = Entry::default();
    let read = each_field(json, &mut |key, list| {
        if !is_about || list == "null" {
            return;
        }
        match key {
            _ if key == NAMESPACES.0 => is_about = has_match(list, claims.namespace),
            _ if key == SERVICE_ACCOUNTS.0 => is_about = has_match(list, claims.service_account),
            CLIENT_IDS => entry.client_ids = Some(list),
            TENANT_IDS => entry.tenant_ids = Some(list),
            _ => is_about = false,
        }
    });
    if !is_about || read.is_err() {
        return None;
    }
    let identities = claims.identities;
    entry.clients = matching(entry.client_ids, identities, |claim| claim.client_id);
    entry.tenants = matching(entry.tenant_ids, identities, |claim| claim.tenant_id);
    Some(entry)
}

/// The claims of which an ID is in a list; all of them if there is no list.
fn matching<'c>(
    list: Option<&str>,
    claims: &[Claim<'c>],
    id: fn(&Claim<'c>) -> Option<&'c str>,
) -> u32 {
    let Some(list) = list else {
        return u32::MAX;
    };
    let mut matching = 0;
    let _: Result<_, _> = each_item(list, &mut |_, item| {
        let item = entries::text(item).unwrap_or_default();
        for (index, claim) in claims.iter().enumerate() {
            if id(claim).is_none_or(|id| id.eq_ignore_ascii_case(&item)) {
                matching |= bit(index);
            }
        }
    });
    matching
}

/// The bit of the claim with this index.
fn bit(index: usize) -> u32 {
    let shift = u32::try_from(index).unwrap_or(u32::MAX);
    1_u32.checked_shl(shift).unwrap_or(0)
}

/// Adds an ID to those that a message names, unless there are enough of them.
fn note(alternatives: &mut Vec<Excerpt>, json: &str) {
    let id = entries::text(json).filter(|_| alternatives.len() < NAMED);
    if let Some(id) = id.filter(|id| !alternatives.iter().any(|known| known.is(id))) {
        alternatives.push(Excerpt::new(&id));
    }
}
