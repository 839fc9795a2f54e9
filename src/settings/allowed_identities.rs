//! Setting `allowedIdentities`: who may have which identity.

use std::borrow::Cow;

use super::entries::{self, NAMESPACES, SERVICE_ACCOUNTS};
use super::faults::{Faults, Setting};
use super::shape::{Shape, field};
use crate::json::{each_field, each_item};
use crate::messages::Excerpt;
use crate::values::{self, matches};

/// The identities that are allowed, as JSON: a list with one entry at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedIdentities<'s>(&'s str);

/// An identity, and who is to have it.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'c> {
    /// The namespace.
    pub namespace: &'c str,
    /// The ServiceAccount.
    pub service_account: &'c str,
    /// The client ID; `None` if it is not known.
    pub client_id: Option<&'c str>,
    /// The tenant; `None` if it is not known.
    pub tenant_id: Option<&'c str>,
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

    /// The index of the entry that allows an identity; `None` if no entry does.
    pub fn entry_that_allows(self, claim: Claim<'_>) -> Option<usize> {
        let mut allowing = None;
        // A list that cannot be read allows no more than what was read of it.
        let _: Result<_, _> = each_item(self.0, &mut |index, entry| {
            if allowing.is_none() && allows(entry, claim) {
                allowing = Some(index);
            }
        });
        allowing
    }

    /// What is allowed to a ServiceAccount, as far as a message names it.
    #[cold]
    pub fn allowed_to(self, claim: Claim<'_>, part: Part) -> Vec<Excerpt> {
        let mut allowed: Vec<Excerpt> = Vec::new();
        let (wanted, client_id) = match part {
            Part::Client => (CLIENT_IDS, None),
            Part::Tenant => (TENANT_IDS, claim.client_id),
        };
        let of_all = Claim {
            client_id,
            tenant_id: None,
            ..claim
        };
        let _: Result<_, _> = each_item(self.0, &mut |_, entry| {
            let ids = field(entry, wanted).filter(|_| allows(entry, of_all));
            let _: Result<_, _> = each_item(ids.unwrap_or("[]"), &mut |_, id| {
                let id = entries::text(id).filter(|_| allowed.len() < NAMED);
                let is_new = |id: &Cow<'_, str>| !allowed.iter().any(|known| known.is(id));
                if let Some(id) = id.filter(is_new) {
                    allowed.push(Excerpt::new(&id));
                }
            });
        });
        allowed
    }
}

/// Whether an entry allows an identity. One with an unknown field allows nothing.
fn allows(entry: &str, claim: Claim<'_>) -> bool {
    let mut allows = entry != "null";
    let read = each_field(entry, &mut |key, list| {
        if !allows || list == "null" {
            return;
        }
        allows = if key == NAMESPACES.0 {
            entries::has(list, &|pattern| matches(pattern, claim.namespace))
        } else if key == SERVICE_ACCOUNTS.0 {
            entries::has(list, &|pattern| matches(pattern, claim.service_account))
        } else if key == CLIENT_IDS {
            entries::has(list, &|id| is(claim.client_id, id))
        } else if key == TENANT_IDS {
            entries::has(list, &|id| is(claim.tenant_id, id))
        } else {
            false
        };
    });
    allows && read.is_ok()
}

/// Whether an ID is this one, in any case; one that is not known may be any.
fn is(wanted: Option<&str>, id: &str) -> bool {
    wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(id))
}
