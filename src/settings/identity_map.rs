//! Setting `identityMap`: identities that are given to ServiceAccounts centrally.

use std::borrow::Cow;

use super::entries::{self, NAMESPACES, SERVICE_ACCOUNTS, has_match};
use super::faults::{Faults, Setting};
use super::shape::{Fields, Shape};
use crate::findings::Problem;
use crate::json::{Fault, Reader, each_item};
use crate::values;

/// The map, as JSON: a list with one entry at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityMap<'s>(&'s str);

/// The entry that counts for a ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEntry<'s> {
    /// Its index in the map.
    pub index: usize,
    /// The client ID.
    pub client_id: Option<Cow<'s, str>>,
    /// The tenant.
    pub tenant_id: Option<Cow<'s, str>>,
    /// How long the token is valid, in seconds.
    pub token_expiration_seconds: Option<u32>,
    /// Whether it opts the ServiceAccount's pods in.
    pub opts_in: bool,
    /// Whether it comes before the annotations of the ServiceAccount.
    pub overrides: bool,
    /// Whether the ServiceAccount is looked up.
    pub looks_up: bool,
}

const CLIENT_ID: &str = "clientID";
const TENANT_ID: &str = "tenantID";
const TOKEN_EXPIRATION: &str = "tokenExpirationSeconds";
const OPT_IN: &str = "optIn";
const OVERRIDE: &str = "override";
const LOOKUP: &str = "lookup";

const SHAPE: Shape = Shape::List(&Shape::Object(
    &[
        NAMESPACES,
        SERVICE_ACCOUNTS,
        (CLIENT_ID, Shape::Text(values::client_id)),
        (TENANT_ID, Shape::Text(values::tenant_id)),
        (TOKEN_EXPIRATION, Shape::Expiration),
        (OPT_IN, Shape::Boolean),
        (OVERRIDE, Shape::Boolean),
        (LOOKUP, Shape::Boolean),
    ],
    check_entry,
));

/// Takes the setting as it is; `None` if it has no entries.
pub fn read<'s>(faults: &mut Faults, setting: Setting<'s>) -> Option<IdentityMap<'s>> {
    entries::list(faults, setting).map(IdentityMap::new)
}

/// Notes everything that is wrong with the setting.
pub fn check(faults: &mut Faults, setting: Setting<'_>) {
    entries::check(faults, setting, &SHAPE, &[NAMESPACES.0, SERVICE_ACCOUNTS.0]);
}

/// An entry gives something, and is enough if there is no lookup.
fn check_entry(faults: &mut Faults, entry: Fields<'_>) {
    let lists = [NAMESPACES.0, SERVICE_ACCOUNTS.0];
    entries::check_entry(faults, entry, &lists);
    for name in lists {
        if let Some(list @ "[]") = entry.get(name) {
            let setting = entry.setting(name, list);
            faults.expected_but(setting, "one pattern at least", "an empty list");
        }
    }
    let has_client_id = entry.get(CLIENT_ID).is_some();
    if entry.get(LOOKUP) == Some("false") {
        let wanted = [(CLIENT_ID, values::CLIENT_ID), (OPT_IN, "true or false")];
        for (name, expected) in wanted {
            if entry.get(name).is_none() {
                faults.missing(entry.prefix, name, expected, Some("lookup: false"));
            }
        }
        return;
    }
    let gives = [TENANT_ID, TOKEN_EXPIRATION, OPT_IN];
    if !has_client_id && !gives.iter().any(|name| entry.get(name).is_some()) {
        let problem = Problem::SettingMissing {
            expected: "one of clientID, tenantID, tokenExpirationSeconds and optIn",
            because: None,
        };
        faults.add(entry.object.about(), problem);
    }
}

impl<'s> IdentityMap<'s> {
    /// The map that this list is.
    pub fn new(list: &'s str) -> Self {
        Self(list)
    }

    /// The first entry that matches a ServiceAccount.
    pub fn entry_for(self, namespace: &str, service_account: &str) -> Option<Box<MapEntry<'s>>> {
        let mut found = None;
        // Of a list that cannot be read, what was read of it counts.
        let _: Result<_, _> = each_item(&mut Reader::new(self.0), &mut |index, reader| {
            found = entry(index, reader, namespace, service_account)?;
            Ok(found.is_none())
        });
        found
    }
}

/// The entry that `reader` is in front of, if it matches.
fn entry<'s>(
    index: usize,
    reader: &mut Reader<'s>,
    namespace: &str,
    service_account: &str,
) -> Result<Option<Box<MapEntry<'s>>>, Fault> {
    let mut entry = MapEntry {
        index,
        client_id: None,
        tenant_id: None,
        token_expiration_seconds: None,
        opts_in: false,
        overrides: false,
        looks_up: true,
    };
    let mut is_match = true;
    let object = reader.object("an object", |key, reader| {
        if reader.null().is_some() {
            return Ok(());
        }
        match key {
            _ if !is_match => {
                reader.skip()?;
            }
            _ if key == NAMESPACES.0 => is_match = has_match(reader, namespace)?,
            _ if key == SERVICE_ACCOUNTS.0 => is_match = has_match(reader, service_account)?,
            CLIENT_ID => entry.client_id = Some(reader.string("a string")?),
            TENANT_ID => entry.tenant_id = Some(reader.string("a string")?),
            _ => {
                let value = reader.raw()?;
                match key {
                    TOKEN_EXPIRATION => {
                        entry.token_expiration_seconds = values::token_expiration(value).ok();
                    }
                    OPT_IN => entry.opts_in = value == "true",
                    OVERRIDE => entry.overrides = value == "true",
                    LOOKUP => entry.looks_up = value != "false",
                    _ => is_match = false,
                }
            }
        }
        Ok(())
    })?;
    Ok((is_match && object.is_some()).then(|| Box::new(entry)))
}
