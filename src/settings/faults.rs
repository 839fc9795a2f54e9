//! What is wrong with settings: collected, so that all of it is reported at once.

use std::borrow::Cow;

use crate::findings::{About, Findings, Found, Problem, Severity};
use crate::json::{Fault, Reader, each_field, each_item};
use crate::messages::{Excerpt, nearest};
use crate::values::{self, Malformed};

/// One setting as it is given: its name and its JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// What precedes the name in messages: empty, or the enclosing setting and a dot.
    pub prefix: &'a str,
    /// Its name.
    pub key: &'a str,
    /// Its value, as JSON.
    pub value: &'a str,
}

/// What is wrong with the settings, as far as they were read.
#[derive(Debug, Default)]
pub struct Faults {
    findings: Findings,
    count: usize,
    /// The settings that are probably meant by unknown ones.
    misspelt: Vec<&'static str>,
    /// Whether the settings as a whole could not be read, so that nothing can be said of what is missing in them.
    pub is_unreadable: bool,
}

/// Names, each with its meaning.
pub type Names<T> = [(&'static str, T)];

impl Setting<'_> {
    /// Its name, behind those of the objects that it is in.
    pub fn path(&self) -> String {
        [self.prefix, self.key].concat()
    }

    /// What a finding about it is about.
    pub fn about(&self) -> About {
        About::Setting(Excerpt::new(&self.path()))
    }
}

impl Faults {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The name that is probably meant by a word, if an answer has room for it.
    pub fn nearest(&self, word: &str, names: &[&'static str]) -> Option<&'static str> {
        let has_room = self.findings.has_room_for(Severity::Reject);
        has_room.then(|| nearest(word, names.iter().copied()))?
    }

    /// All of them.
    pub fn into_findings(self) -> Findings {
        self.findings
    }

    /// Notes that something is wrong with a setting.
    #[cold]
    #[inline(never)]
    pub fn add(&mut self, about: About, problem: Problem) {
        self.count = self.count.saturating_add(1);
        self.findings.reject(&about, problem);
    }

    /// As [`add`](Self::add), by the path of the setting.
    pub fn add_at(&mut self, prefix: &str, name: &str, problem: Problem) {
        let path = [prefix, name].concat();
        self.add(About::Setting(Excerpt::new(&path)), problem);
    }

    /// As [`add`](Self::add), by the path of a list and an index; the problem is made only if an answer has room for it.
    pub fn add_item(&mut self, list: &str, index: usize, problem: impl FnOnce() -> Problem) {
        self.count = self.count.saturating_add(1);
        let path = format!("{list}[{index}]");
        let about = About::Setting(Excerpt::new(&path));
        self.findings.add_with(&about, Severity::Reject, problem);
    }

    /// Reads an object of settings. `each` gets every setting that is known by `names` and not null, with the meaning
    /// of its name.
    pub fn fields<'a, T: Copy>(
        &mut self,
        object: Setting<'a>,
        names: &Names<T>,
        mut each: impl FnMut(&mut Self, T, Setting<'a>),
    ) {
        let all: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        self.fields_by_index(object, &all, &mut |faults, index, setting| {
            if let Some((_, name)) = names.get(index) {
                each(faults, *name, setting);
            }
        });
    }

    /// As [`fields`](Self::fields), by the index of the name; whether it is an object. It is one function for all objects of
    /// settings.
    #[inline(never)]
    pub fn fields_by_index<'a>(
        &mut self,
        object: Setting<'a>,
        names: &[&'static str],
        each: &mut dyn FnMut(&mut Self, usize, Setting<'a>),
    ) -> bool {
        let prefix = object.prefix;
        let read = each_field(object.value, &mut |key, value| match names
            .iter()
            .position(|name| *name == key)
        {
            None => self.unknown(prefix, key, names),
            Some(_) if value == "null" => {}
            Some(index) => {
                let key = names.get(index).copied().unwrap_or_default();
                each(self, index, Setting { prefix, key, value });
            }
        });
        let is_object = read.is_ok();
        if let Err(fault) = read {
            self.unreadable(object, fault);
        }
        is_object
    }

    #[cold]
    #[inline(never)]
    fn unreadable(&mut self, object: Setting<'_>, fault: Fault) {
        let about = if object.key.is_empty() {
            About::Settings
        } else {
            About::Setting(Excerpt::new(object.key))
        };
        self.add(about, Problem::Shape(fault));
        self.is_unreadable |= object.key.is_empty();
    }

    /// Notes a required setting that is not there, unless it is there misspelt, which was noted already.
    pub fn missing(
        &mut self,
        prefix: &str,
        name: &'static str,
        expected: &'static str,
        because: Option<&'static str>,
    ) {
        if !self.misspelt.contains(&name) {
            self.add_at(prefix, name, Problem::SettingMissing { expected, because });
        }
    }

    /// Notes a value that is not what was expected.
    #[cold]
    #[inline(never)]
    pub fn expected(&mut self, setting: Setting<'_>, expected: impl Into<Cow<'static, str>>) {
        self.malformed(setting, expected.into(), None);
    }

    /// As [`expected`](Self::expected), with words for what was found.
    #[cold]
    #[inline(never)]
    pub fn expected_but(
        &mut self,
        setting: Setting<'_>,
        expected: &'static str,
        found: &'static str,
    ) {
        let problem = Problem::SettingMalformed {
            expected: expected.into(),
            found: Found::Kind(found),
            hint: None,
        };
        self.add(setting.about(), problem);
    }

    /// As [`expected`](Self::expected), with what to do about it.
    #[cold]
    #[inline(never)]
    pub fn malformed(
        &mut self,
        setting: Setting<'_>,
        expected: Cow<'static, str>,
        hint: Option<Cow<'static, str>>,
    ) {
        let found = found(setting.value);
        self.add(
            setting.about(),
            Problem::SettingMalformed {
                expected,
                found,
                hint,
            },
        );
    }

    /// Notes a string that is not what was expected.
    #[cold]
    #[inline(never)]
    fn malformed_string(&mut self, setting: Setting<'_>, malformed: Malformed) {
        let problem = Problem::SettingMalformed {
            expected: malformed.expected.into(),
            found: malformed
                .secret
                .map_or_else(|| found(setting.value), Found::Kind),
            hint: malformed.hint.map(Cow::Borrowed),
        };
        self.add(setting.about(), problem);
    }

    #[cold]
    #[inline(never)]
    fn unknown(&mut self, prefix: &str, key: &str, names: &[&'static str]) {
        let meant = self.nearest(key, names);
        let meant = names.iter().find(|name| Some(**name) == meant);
        self.misspelt.extend(meant);
        let meant = meant.map(|name| [prefix, name].concat());
        let names = names.to_vec();
        self.add_at(prefix, key, Problem::SettingUnknown { meant, names });
    }

    /// A string that `parse` accepts.
    #[inline(never)]
    pub fn text(
        &mut self,
        setting: Setting<'_>,
        parse: fn(&str) -> Result<&str, Malformed>,
    ) -> Option<String> {
        // No value may have this character, so what is not a string is malformed too.
        let text = Reader::new(setting.value).string("a string");
        match parse(text.as_deref().unwrap_or("\0")) {
            Ok(value) => Some(value.to_owned()),
            Err(malformed) => {
                self.malformed_string(setting, malformed);
                None
            }
        }
    }

    /// One of several names.
    pub fn one_of<T: Copy>(&mut self, setting: Setting<'_>, choices: &Names<T>) -> Option<T> {
        self.choice(setting, choices, str::eq, &[])
    }

    /// A list of some of several names, each once.
    pub fn some_of<T: Copy>(&mut self, setting: Setting<'_>, choices: &Names<T>) -> Vec<T> {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let indexes = self.some_by_index(setting, &names);
        let chosen = indexes.into_iter().filter_map(|index| choices.get(index));
        chosen.map(|(_, value)| *value).collect()
    }

    /// As [`some_of`](Self::some_of), by the indexes of the names.
    #[inline(never)]
    fn some_by_index(&mut self, setting: Setting<'_>, names: &[&'static str]) -> Vec<usize> {
        let path = setting.path();
        let mut chosen = Vec::new();
        let list = each_item(&mut Reader::new(setting.value), &mut |index, reader| {
            let item = Setting {
                prefix: &path,
                key: &format!("[{index}]"),
                value: reader.raw()?,
            };
            let choice = self.choice_by_index(item, names, str::eq, &[]);
            let first = chosen.iter().position(|known| choice == Some(*known));
            if let Some(first) = first {
                self.add_item(&path, index, || Problem::SettingRepeats {
                    first: Excerpt::new(&format!("{path}[{first}]")),
                });
            }
            chosen.extend(choice);
            Ok(true)
        });
        if list.is_err() {
            self.expected(setting, "a list");
        }
        chosen
    }

    /// One of several names, in any case. `others` are known not to be among them, each with what to do instead.
    pub fn one_of_any_case<T: Copy>(
        &mut self,
        setting: Setting<'_>,
        choices: &Names<T>,
        others: &Names<&'static str>,
    ) -> Option<T> {
        self.choice(setting, choices, str::eq_ignore_ascii_case, others)
    }

    fn choice<T: Copy>(
        &mut self,
        setting: Setting<'_>,
        choices: &Names<T>,
        same: fn(&str, &str) -> bool,
        others: &Names<&'static str>,
    ) -> Option<T> {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let index = self.choice_by_index(setting, &names, same, others)?;
        choices.get(index).map(|(_, value)| *value)
    }

    /// As [`one_of`](Self::one_of), by the index of the name. It is one function for all choices.
    #[inline(never)]
    pub fn choice_by_index(
        &mut self,
        setting: Setting<'_>,
        names: &[&'static str],
        same: fn(&str, &str) -> bool,
        others: &Names<&'static str>,
    ) -> Option<usize> {
        let text = Reader::new(setting.value).string("a string");
        let choice = text
            .as_ref()
            .ok()
            .and_then(|text| names.iter().position(|name| same(text, name)));
        if choice.is_none() {
            let text = text.as_deref().unwrap_or(setting.value);
            let other = others.iter().find(|(name, _)| same(text, name));
            let hint = match other {
                Some((_, advice)) => Some(Cow::Borrowed(*advice)),
                None => self
                    .nearest(text, names)
                    .map(|meant| Cow::Owned(format!("did you mean {meant}?"))),
            };
            self.malformed(
                setting,
                match names {
                    [name] => (*name).into(),
                    names => format!("one of {}", names.join(", ")).into(),
                },
                hint,
            );
        }
        choice
    }

    /// A token expiration in seconds.
    pub fn expiration(&mut self, setting: Setting<'_>) -> Option<u32> {
        match values::token_expiration(setting.value) {
            Ok(seconds) => Some(seconds),
            Err(malformed) => {
                self.expected(setting, malformed.expected);
                None
            }
        }
    }

    /// `true` or `false`.
    #[inline(never)]
    pub fn boolean(&mut self, setting: Setting<'_>) -> Option<bool> {
        match setting.value {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.expected(setting, "true or false");
                None
            }
        }
    }
}

/// A setting's value as messages show it: objects and lists by their kind alone.
pub fn found(json: &str) -> Found {
    let mut reader = Reader::new(json);
    match reader.clone().string("a string") {
        Ok(text) => Found::Text(Excerpt::new(&text)),
        Err(fault) => match fault.found() {
            kind @ ("an object" | "a list") => Found::Kind(kind),
            _ => Found::Literal(Excerpt::new(reader.raw().unwrap_or(json))),
        },
    }
}
