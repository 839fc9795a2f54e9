//! Setting `allowedIdentities`: who may have which identity.

use super::entries::{self, NAMESPACES, SERVICE_ACCOUNTS, has_match};
use super::faults::{Faults, Setting};
use super::shape::{Shape, field};
use crate::json::{Fault, Reader, each_item};
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
    /// The identities: of more than 32, the others count as not allowed.
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
}

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
const ENTRIES_OF_ADVICE: usize = 200;

const LISTS: [&str; 4] = [NAMESPACES.0, SERVICE_ACCOUNTS.0, CLIENT_IDS, TENANT_IDS];

const SHAPE: Shape = Shape::List(&Shape::Object(
    &[
        NAMESPACES,
        SERVICE_ACCOUNTS,
        (CLIENT_IDS, Shape::List(&Shape::Text(values::client_id))),
        (TENANT_IDS, Shape::List(&Shape::Text(values::tenant_id))),
    ],
    |faults, entry| entries::check_entry(faults, entry, &LISTS),
));

/// Takes the setting as it is; `None` if it has no entries.
pub fn read<'s>(faults: &mut Faults, setting: Setting<'s>) -> Option<AllowedIdentities<'s>> {
    entries::list(faults, setting).map(AllowedIdentities::new)
}

/// Notes everything that is wrong with the setting.
pub fn check(faults: &mut Faults, setting: Setting<'_>) {
    entries::check(faults, setting, &SHAPE, &LISTS);
}

impl<'s> AllowedIdentities<'s> {
    /// The identities that this list allows.
    pub fn new(list: &'s str) -> Self {
        Self(list)
    }

    /// What is allowed of the claims.
    pub fn allowance(self, claims: Claims<'_>) -> Allowance {
        let mut allowance = Allowance::default();
        // A list that cannot be read allows no more than what was read of it.
        let _: Result<_, _> = each_item(&mut Reader::new(self.0), &mut |index, reader| {
            let Some(Entry { clients, tenants }) = entry(reader, claims)? else {
                return Ok(true);
            };
            allowance.client_allowed |= clients;
            allowance.allowed |= clients & tenants;
            if allowance.entry.is_none() && clients & tenants & 1 == 1 {
                allowance.entry = Some(index);
            }
            let count = claims.identities.len();
            Ok((0..count).any(|index| allowance.allowed & bit(index) == 0))
        });
        allowance
    }

    /// Some of what is allowed instead of a part of the first claim.
    #[cold]
    pub fn alternatives(self, claims: Claims<'_>, part: Part) -> Vec<Excerpt> {
        let mut alternatives: Vec<Excerpt> = Vec::new();
        let claim = claims.identities.first();
        let claimed = claim.and_then(|claim| match part {
            Part::Client => claim.client_id,
            Part::Tenant => claim.tenant_id,
        });
        let _: Result<_, _> = each_item(&mut Reader::new(self.0), &mut |index, reader| {
            let json = reader.clone().raw()?;
            let entry = entry(reader, claims)?;
            let name = match part {
                Part::Client => CLIENT_IDS,
                Part::Tenant => TENANT_IDS,
            };
            // With it, the whole is allowed.
            let is_meant = |entry: &Entry| match part {
                Part::Client => entry.tenants & 1 == 1,
                Part::Tenant => entry.clients & 1 == 1,
            };
            if entry.as_ref().is_some_and(is_meant) {
                let list = field(json, name).unwrap_or("[]");
                entries::each_text(&mut Reader::new(list), &mut |id| {
                    let is_known = alternatives.iter().any(|known: &Excerpt| known.is(id))
                        || claimed.is_some_and(|claimed| claimed.eq_ignore_ascii_case(id));
                    if alternatives.len() < NAMED && !is_known {
                        alternatives.push(Excerpt::new(id));
                    }
                })?;
            }
            Ok(alternatives.len() < NAMED && index.saturating_add(1) < ENTRIES_OF_ADVICE)
        });
        alternatives
    }
}

/// The claims that an entry which is about the ServiceAccount allows.
struct Entry {
    /// Those whose client ID it has.
    clients: u32,
    /// Those whose tenant it has.
    tenants: u32,
}

/// The entry that `reader` is in front of, if it is about the ServiceAccount. One with an unknown field is about nobody.
fn entry(reader: &mut Reader<'_>, claims: Claims<'_>) -> Result<Option<Entry>, Fault> {
    let mut is_about = true;
    let mut entry = Entry {
        clients: u32::MAX,
        tenants: u32::MAX,
    };
    let object = reader.object("an object", |key, reader| {
        if reader.null().is_some() {
            return Ok(());
        }
        match key {
            _ if !is_about => {
                reader.skip()?;
            }
            _ if key == NAMESPACES.0 => is_about = has_match(reader, claims.namespace)?,
            _ if key == SERVICE_ACCOUNTS.0 => is_about = has_match(reader, claims.service_account)?,
            CLIENT_IDS => {
                entry.clients = matching(reader, claims.identities, |claim| claim.client_id)?;
            }
            TENANT_IDS => {
                entry.tenants = matching(reader, claims.identities, |claim| claim.tenant_id)?;
            }
            _ => {
                is_about = false;
                reader.skip()?;
            }
        }
        Ok(())
    })?;
    Ok((is_about && object.is_some()).then_some(entry))
}

/// The claims of which an ID is in a list.
fn matching<'c>(
    list: &mut Reader<'_>,
    claims: &[Claim<'c>],
    id: fn(&Claim<'c>) -> Option<&'c str>,
) -> Result<u32, Fault> {
    let mut matching = 0;
    entries::each_text(list, &mut |item| {
        for (index, claim) in claims.iter().enumerate() {
            if id(claim).is_none_or(|id| id.eq_ignore_ascii_case(item)) {
                matching |= bit(index);
            }
        }
    })?;
    Ok(matching)
}

/// The bit of the claim with this index.
fn bit(index: usize) -> u32 {
    let shift = u32::try_from(index).unwrap_or(u32::MAX);
    1_u32.checked_shl(shift).unwrap_or(0)
}
