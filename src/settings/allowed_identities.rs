//! Setting `allowedIdentities`: who may have which identity.

use super::entries::{self, NAMESPACES, SERVICE_ACCOUNTS};
use super::faults::{Faults, Setting};
use super::shape::Shape;
use crate::json::{Fault, Reader};
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
        let _: Result<_, _> = Reader::new(self.0).list("a list", |index, reader| {
            if allowing.is_some() {
                return reader.skip().map(|_| ());
            }
            if allows(reader, claim)? {
                allowing = Some(index);
            }
            Ok(())
        });
        allowing
    }

    /// What is allowed to a ServiceAccount, as far as a message names it.
    #[cold]
    pub fn allowed_to(self, claim: Claim<'_>, part: Part) -> Vec<Excerpt> {
        let mut allowed = Vec::new();
        let of_all = Claim {
            client_id: claim.client_id.filter(|_| part == Part::Tenant),
            tenant_id: None,
            ..claim
        };
        let wanted = match part {
            Part::Client => CLIENT_IDS,
            Part::Tenant => TENANT_IDS,
        };
        let _: Result<_, _> = Reader::new(self.0).list("a list", |_, reader| {
            if !allows(&mut reader.clone(), of_all)? {
                return reader.skip().map(|_| ());
            }
            reader.object("an object", |key, reader| {
                if key != wanted {
                    return reader.skip().map(|_| ());
                }
                reader.list("a list", |_, reader| {
                    let id = reader.string("a string")?;
                    if allowed.len() < NAMED && !allowed.iter().any(|known: &Excerpt| known.is(&id))
                    {
                        allowed.push(Excerpt::new(&id));
                    }
                    Ok(())
                })?;
                Ok(())
            })?;
            Ok(())
        });
        allowed
    }
}

/// Whether the entry that `reader` is in front of allows an identity. One with an unknown field allows nothing.
fn allows(reader: &mut Reader<'_>, claim: Claim<'_>) -> Result<bool, Fault> {
    let mut allows = true;
    let entry = reader.object("an object", |key, reader| {
        if !allows {
            return reader.skip().map(|_| ());
        }
        allows = if key == NAMESPACES.0 {
            entries::has(reader, |pattern| matches(pattern, claim.namespace))?
        } else if key == SERVICE_ACCOUNTS.0 {
            entries::has(reader, |pattern| matches(pattern, claim.service_account))?
        } else if key == CLIENT_IDS {
            entries::has(reader, is(claim.client_id))?
        } else if key == TENANT_IDS {
            entries::has(reader, is(claim.tenant_id))?
        } else {
            reader.skip()?;
            false
        };
        Ok(())
    })?;
    Ok(allows && entry.is_some())
}

/// Whether an ID is this one, in any case; one that is not known may be any.
fn is(wanted: Option<&str>) -> impl Fn(&str) -> bool {
    move |id| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(id))
}
