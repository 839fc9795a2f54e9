//! What is wrong with settings: collected, so that all of it is told at once.

use crate::lens::Reader;
use crate::message::{excerpt, join};
use crate::nearest::nearest;
use crate::values::{self, Malformed};

/// One setting as it is given: its name and its JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// What stands in front of the name in messages: empty, or the enclosing setting and a dot.
    pub prefix: &'a str,
    /// Its name.
    pub key: &'a str,
    /// Its value, as JSON.
    pub value: &'a str,
}

/// What is wrong with the settings, as far as they were read.
#[derive(Debug, Default)]
pub struct Faults {
    /// A message for each fault.
    pub list: Vec<String>,
    /// The settings that unknown ones probably stand for.
    misspelt: Vec<&'static str>,
    is_unreadable: bool,
}

impl Faults {
    /// Reads an object of settings: `each` gets every setting that is known by `names` and not null.
    pub fn fields<'a>(
        &mut self,
        object: Setting<'a>,
        names: &[&'static str],
        each: &mut dyn FnMut(&mut Self, Setting<'a>),
    ) {
        let prefix = object.prefix;
        let mut reader = Reader::new(object.value);
        let read = reader.object("an object", |key, reader| {
            let value = reader.raw()?;
            match names.iter().find(|name| **name == key) {
                None => self.unknown(prefix, key, names),
                Some(_) if value == "null" => {}
                Some(key) => each(self, Setting { prefix, key, value }),
            }
            Ok(())
        });
        if let Err(fault) = read {
            self.list.push(format!("{}: {fault}", object.key));
            self.is_unreadable = true;
        }
    }

    /// Whether an object of settings could not be read, so that nothing can be said of what is missing in it.
    pub fn is_unreadable(&self) -> bool {
        self.is_unreadable
    }

    /// Notes a required setting that is not there, unless it is there misspelt, which is a fault already.
    pub fn missing(&mut self, prefix: &str, name: &'static str, expected: &str) {
        if !self.misspelt.contains(&name) {
            self.list.push(format!(
                "{prefix}{name}: required: expected {expected}, found nothing"
            ));
        }
    }

    /// Notes a value that is not what was expected.
    pub fn expected(&mut self, setting: Setting<'_>, expected: &str, hint: Option<String>) {
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        let Setting { prefix, key, value } = setting;
        let found = excerpt(value);
        self.list.push(format!(
            "{prefix}{key}: expected {expected}, found {found}{hint}"
        ));
    }

    fn unknown(&mut self, prefix: &str, key: &str, names: &[&'static str]) {
        let suggestion = nearest(key, names.iter().copied());
        let advice = match suggestion {
            Some(name) => {
                self.misspelt
                    .extend(names.iter().find(|known| **known == name));
                format!("did you mean {prefix}{name}?")
            }
            None => format!("expected one of {}", join(names.iter().copied())),
        };
        let key = excerpt(key);
        self.list
            .push(format!("{prefix}{key}: unknown setting: {advice}"));
    }

    /// A text that `parse` accepts.
    pub fn text(
        &mut self,
        setting: Setting<'_>,
        parse: fn(&str) -> Result<&str, Malformed>,
    ) -> Option<String> {
        // What is no string is as wrong as an empty one.
        let text = Reader::new(setting.value).string("a string");
        match parse(text.as_deref().unwrap_or_default()) {
            Ok(value) => Some(value.to_owned()),
            Err(malformed) => {
                self.expected(setting, malformed.expected, malformed.hint);
                None
            }
        }
    }

    /// One of several names; `same` compares them.
    pub fn one_of<T: Copy>(
        &mut self,
        setting: Setting<'_>,
        choices: &[(&str, T)],
        same: fn(&str, &str) -> bool,
    ) -> Option<T> {
        let text = Reader::new(setting.value).string("a string");
        let choice = choices
            .iter()
            .find(|(name, _)| text.as_ref().is_ok_and(|text| same(text, name)));
        if choice.is_none() {
            self.none_of(setting, choices.iter().map(|(name, _)| *name).collect());
        }
        choice.map(|(_, value)| *value)
    }

    fn none_of(&mut self, setting: Setting<'_>, names: Vec<&str>) {
        self.expected(setting, &format!("one of {}", join(names)), None);
    }

    /// A token expiration in seconds.
    pub fn expiration(&mut self, setting: Setting<'_>) -> Option<u32> {
        match values::token_expiration(setting.value) {
            Ok(seconds) => Some(seconds),
            Err(malformed) => {
                self.expected(setting, malformed.expected, None);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, setting: Setting<'_>) -> Option<bool> {
        match setting.value {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.expected(setting, "true or false", None);
                None
            }
        }
    }

    /// An object of Kubernetes that is handed on as it is, after a look at its fields' names. It is JSON as the host wrote it.
    pub fn object(
        &mut self,
        setting: Setting<'_>,
        names: &[&'static str],
        each: &mut dyn FnMut(&mut Self, Setting<'_>),
    ) -> Option<String> {
        let faults = self.list.len();
        let prefix = format!("{}{}.", setting.prefix, setting.key);
        let key = prefix.trim_end_matches('.');
        let value = setting.value;
        self.fields(
            Setting {
                prefix: &prefix,
                key,
                value,
            },
            names,
            each,
        );
        if self.list.len() > faults {
            return None;
        }
        Some(value.to_owned())
    }
}
