//! What objects of Kubernetes that are handed on as they are written look like.

use std::borrow::Cow;

use super::faults::{Faults, Setting};
use crate::findings::{Found, Problem};
use crate::json::{self, Reader, each_field, each_item};
use crate::messages::Excerpt;
use crate::values::{self, Malformed};

/// What a value looks like, in the JSON that Kubernetes reads it from.
#[derive(Clone, Copy)]
pub enum Shape {
    /// `true` or `false`.
    Boolean,
    /// The ID of a user or a group.
    Id,
    /// A string that this accepts.
    Text(Parse),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A token expiration in seconds.
    Expiration,
    /// A quantity, as a string or a number.
    Quantity,
    /// Nothing, for this reason.
    Nothing(&'static str),
    /// A list of such values.
    List(&'static Shape),
    /// An object with any keys.
    Map {
        /// What accepts the keys.
        key: Parse,
        /// Keys that an unknown one may be meant for.
        known: &'static [&'static str],
        /// What the values look like.
        value: &'static Shape,
    },
    /// An object with these fields, each of which may be null or missing, and what is wanted of them together.
    Object(
        &'static [(&'static str, Shape)],
        fn(&mut Faults, Fields<'_>),
    ),
}

type Parse = fn(&str) -> Result<&str, Malformed>;

/// The fields of an object.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    /// What precedes their names in messages.
    pub prefix: &'a str,
    /// The object.
    pub object: Setting<'a>,
}

impl<'a> Fields<'a> {
    /// The value of a field, as JSON, unless it is null or missing.
    #[inline(never)]
    pub fn get(self, name: &str) -> Option<&'a str> {
        field(self.object.value, name)
    }

    /// A field with a value.
    pub fn setting(self, name: &'a str, value: &'a str) -> Setting<'a> {
        Setting {
            prefix: self.prefix,
            key: name,
            value,
        }
    }
}

impl Faults {
    /// An object of Kubernetes that is handed on as it is written. It is JSON as the host wrote it.
    #[inline(never)]
    pub fn handed_on(&mut self, setting: Setting<'_>, shape: &Shape) -> Option<String> {
        let count = self.count();
        shape.check(self, setting);
        (self.count() == count).then(|| setting.value.to_owned())
    }
}

/// The value of an object's field, as JSON, unless it is null or missing.
pub fn field<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    // What is not an object was noted when its type was checked.
    json::field(object, name).unwrap_or_default()
}

/// The amount of a quantity, which may be a string or a number.
///
/// # Errors
///
/// [`Malformed`] if it is not a quantity.
#[inline(never)]
pub fn json_amount(json: &str) -> Result<u128, Malformed> {
    let text = Reader::new(json).string("a quantity");
    values::amount(text.as_deref().unwrap_or(json))
}

/// A key behind the path of the object that has it.
pub fn step(key: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if key.bytes().all(is_plain) {
        format!(".{key}")
    } else {
        format!("[{key}]")
    }
}

impl Shape {
    /// Notes what is not as it should be.
    #[inline(never)]
    pub fn check(&self, faults: &mut Faults, setting: Setting<'_>) {
        match *self {
            Self::Boolean => {
                faults.boolean(setting);
            }
            Self::Id => {
                let id = values::whole_number(setting.value);
                if id.is_none_or(|id| id > i32::MAX.unsigned_abs()) {
                    faults.expected(setting, "a whole number from 0 to 2147483647");
                }
            }
            Self::Text(parse) => {
                faults.text(setting, parse);
            }
            Self::OneOf(names) => {
                faults.choice_by_index(setting, names, str::eq, &[]);
            }
            Self::Expiration => {
                faults.expiration(setting);
            }
            Self::Quantity => {
                if json_amount(setting.value).is_err() {
                    faults.expected(setting, values::QUANTITY);
                }
            }
            Self::Nothing(reason) => {
                faults.malformed(setting, "nothing".into(), Some(reason.into()));
            }
            Self::List(item) => {
                let path = &setting.path();
                let mut list = Reader::new(setting.value);
                let list = each_item(&mut list, &mut |index, reader| {
                    let setting = Setting {
                        prefix: path,
                        key: &format!("[{index}]"),
                        value: reader.raw()?,
                    };
                    item.check(faults, setting);
                    Ok(true)
                });
                if list.is_err() {
                    faults.expected(setting, "a list");
                }
            }
            Self::Map { key, known, value } => {
                let path = &setting.path();
                let map = each_field(setting.value, &mut |name, json| match key(name) {
                    Ok(_) => {
                        let item = Setting {
                            prefix: path,
                            key: &step(name),
                            value: json,
                        };
                        value.check(faults, item);
                    }
                    Err(malformed) => wrong_key(faults, setting, name, known, malformed),
                });
                if map.is_err() {
                    faults.expected(setting, "an object");
                }
            }
            Self::Object(fields, check) => {
                let path = setting.path();
                let prefix = &[&*path, "."].concat();
                let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
                let object = Setting {
                    prefix,
                    key: &path,
                    value: setting.value,
                };
                let is_object =
                    faults.fields_by_index(object, &names, &mut |faults, index, setting| {
                        if let Some((_, shape)) = fields.get(index) {
                            shape.check(faults, setting);
                        }
                    });
                let fields = Fields {
                    prefix,
                    object: setting,
                };
                if is_object {
                    check(faults, fields);
                }
            }
        }
    }
}

#[cold]
#[inline(never)]
fn wrong_key(
    faults: &mut Faults,
    map: Setting<'_>,
    key: &str,
    known: &[&'static str],
    malformed: Malformed,
) {
    let meant = faults.nearest(key, known);
    // A gpu is not a misspelt cpu.
    let meant = meant.filter(|meant| key.len() > 3 || key.eq_ignore_ascii_case(meant));
    let hint = match meant {
        Some(meant) => Some(Cow::Owned(format!("did you mean {meant}?"))),
        None => malformed.hint.map(Cow::Borrowed),
    };
    let problem = Problem::SettingMalformed {
        expected: malformed.expected.into(),
        found: Found::Text(Excerpt::new(key)),
        hint,
    };
    faults.add(map.about(), problem);
}
