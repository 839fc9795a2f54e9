//! On which line of a file something stands.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Cursor;
use std::iter::Peekable;

use libyaml_safer::{Encoding, Event, EventData, Parser};
use serde_json::Value;

/// The way to a value in a document, as in `spec.containers[0].env`; a key with other characters is `["key"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuePath(Vec<Step>);

/// One step of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list.
    Item(usize),
    /// To the item of a list whose `name` is this.
    Named(String),
}

impl ValuePath {
    /// The way that `text` describes, such as `spec.containers[0].env` and `metadata.labels["a/b"]`.
    ///
    /// What cannot be read ends it.
    pub fn new(text: &str) -> Self {
        let mut path = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let Some((key, after)) = quoted.split_once("\"]") else {
                    break;
                };
                path = path.key(key);
                rest = after;
            } else if let Some(number) = rest.strip_prefix('[') {
                let Some((number, after)) = number.split_once(']') else {
                    break;
                };
                let Ok(number) = number.parse() else { break };
                path = path.item(number);
                rest = after;
            } else {
                let field = rest.trim_start_matches('.');
                let end = field.find(['.', '[']).unwrap_or(field.len());
                let (key, after) = field.split_at(end);
                if key.is_empty() {
                    break;
                }
                path = path.key(key);
                rest = after;
            }
        }
        path
    }

    /// Whether it leads nowhere.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One step further, to the value of `key`.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    /// One step further, to the item with this index.
    #[must_use]
    pub fn item(mut self, index: usize) -> Self {
        self.0.push(Step::Item(index));
        self
    }

    /// One step further, to the item with this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.0.push(Step::Named(name.to_owned()));
        self
    }

    /// What it leads to in `value`, if it is there.
    pub fn value<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |at, step| match step {
            Step::Key(key) => at.get(key),
            Step::Item(index) => at.get(index),
            Step::Named(name) => {
                let is_named = |item: &&Value| item.get("name").is_some_and(|own| own == name);
                at.as_array()?.iter().find(is_named)
            }
        })
    }

    /// What it leads to in `value`, to be changed.
    pub fn value_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.0.iter().try_fold(value, |at, step| match step {
            Step::Key(key) => at.get_mut(key),
            Step::Item(index) => at.get_mut(index),
            Step::Named(name) => {
                let is_named = |item: &&mut Value| item.get("name").is_some_and(|own| own == name);
                at.as_array_mut()?.iter_mut().find(is_named)
            }
        })
    }

    /// Its steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Further along another way.
    #[must_use]
    pub fn join(mut self, rest: Self) -> Self {
        self.0.extend(rest.0);
        self
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if key.contains(['.', '[', '/']) => write!(f, "[{key:?}]")?,
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
                Step::Named(name) => write!(f, "[{name:?}]")?,
            }
        }
        Ok(())
    }
}

/// A value in YAML or JSON, with the lines of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The line, counted from 1; of a key's value, that of the key.
    line: usize,
    parts: Parts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Parts {
    /// The text is kept only of names.
    Scalar(String),
    Object(BTreeMap<String, Lines>),
    List(Vec<Lines>),
}

impl Lines {
    /// The lines of the first document in `text`, which begins on line `first`; `None` if it is not well-formed.
    pub fn of(text: &str, first: usize) -> Option<Self> {
        let mut events = events(text)?;
        node(&mut events, first, 0)
    }

    /// The line of what is at the end of `path`; of what is not there, the line of what it would be in.
    pub fn line(&self, path: &ValuePath) -> usize {
        let mut at = self;
        for step in &path.0 {
            let next = match (step, &at.parts) {
                (Step::Key(key), Parts::Object(fields)) => fields.get(key),
                (Step::Item(index), Parts::List(items)) => items.get(*index),
                (Step::Named(name), Parts::List(items)) => {
                    items.iter().find(|item| item.is_named(name))
                }
                _ => None,
            };
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        at.line
    }

    fn is_named(&self, name: &str) -> bool {
        let Parts::Object(fields) = &self.parts else {
            return false;
        };
        let own = fields.get("name").map(|name| &name.parts);
        matches!(own, Some(Parts::Scalar(own)) if own == name)
    }
}

/// How deep values are read, as the YAML parser does.
const DEEPEST: usize = 128;

/// What a parser of YAML meets one after the other.
pub type Events = Peekable<Parser<Cursor<Vec<u8>>>>;

/// The events of the first document in `text`, which is not to be read as more than that. Their offsets are those in `text`.
pub fn events(text: &str) -> Option<Events> {
    let mut parser = Parser::new();
    // Without a break at the end, a scalar on several lines makes this parser panic.
    let mut text = without_bare_tags(masked(text));
    text.push('\n');
    parser.set_encoding(Encoding::Utf8);
    parser.set_input(Cursor::new(text.into_bytes()));
    let mut events = parser.peekable();
    while let Ok(event) = events.peek()? {
        if !matches!(
            event.data,
            EventData::StreamStart { .. } | EventData::DocumentStart { .. }
        ) {
            break;
        }
        events.next();
    }
    Some(events)
}

/// A text of the same length, in which YAML finds nothing wrong that is right in JSON: a character as two escapes.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u") {
        masked.push_str(before);
        masked.push_str("\\u");
        let is_half = after.starts_with(['d', 'D'])
            && after
                .chars()
                .nth(1)
                .is_some_and(|second| "89abcdefABCDEF".contains(second));
        let digits = after.get(..4).filter(|_| is_half);
        if digits.is_some() {
            masked.push_str("0041");
        }
        rest = after.get(digits.map_or(0, str::len)..).unwrap_or_default();
    }
    masked.push_str(rest);
    masked
}

/// A text of the same length without tags that have a comma behind them, which make this parser panic.
fn without_bare_tags(text: String) -> String {
    if !text.contains('!') {
        return text;
    }
    let mut result = String::with_capacity(text.len());
    for part in text.split_inclusive(',') {
        let is_around = |character: char| character.is_whitespace() || "[]{}".contains(character);
        let word = part.rfind(is_around).unwrap_or(0);
        let tag = part.get(word..).and_then(|word| word.find('!'));
        match tag.map(|tag| part.split_at(word.saturating_add(tag))) {
            Some((before, tag)) if tag.ends_with(',') => {
                result.push_str(before);
                let inner = tag.len().saturating_sub(1);
                result.push_str(&"x".repeat(inner));
                result.push(',');
            }
            _ => result.push_str(part),
        }
    }
    result
}

/// The value that comes next, in a document that begins on line `first`; `None` where the text is not well-formed.
fn node(events: &mut Events, first: usize, depth: usize) -> Option<Lines> {
    if depth > DEEPEST {
        return None;
    }
    let deeper = depth.saturating_add(1);
    let Event {
        data, start_mark, ..
    } = events.next()?.ok()?;
    let line = usize::try_from(start_mark.line).ok()?;
    let line = line.saturating_add(first);
    let parts = match data {
        EventData::Scalar { value, .. } => Parts::Scalar(value),
        EventData::SequenceStart { .. } => {
            let mut items = Vec::new();
            while !matches!(events.peek()?.as_ref().ok()?.data, EventData::SequenceEnd) {
                items.push(node(events, first, deeper)?);
            }
            events.next();
            Parts::List(items)
        }
        EventData::MappingStart { .. } => {
            let mut fields = BTreeMap::new();
            while !matches!(events.peek()?.as_ref().ok()?.data, EventData::MappingEnd) {
                let key = node(events, first, deeper)?;
                let mut value = node(events, first, deeper)?;
                value.line = key.line;
                if let Parts::Scalar(name) = key.parts {
                    if let Parts::Scalar(text) = &mut value.parts
                        && name != "name"
                    {
                        *text = String::new();
                    }
                    fields.insert(name, value);
                }
            }
            events.next();
            Parts::Object(fields)
        }
        // What an alias stands for is elsewhere.
        EventData::Alias { .. } => Parts::Scalar(String::new()),
        _ => return None,
    };
    Some(Lines { line, parts })
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    const POD: &str = "# a pod
apiVersion: v1
metadata:
  name: a
  labels: {\"x/y\": z,
    b: c}
spec:
  containers:
  - name: one
  - image: i
    name: two
    env:
    - {name: A, value: b}
    - name: B
";

    #[test]
    fn finds_the_line_of_a_path() {
        let lines = Lines::of(POD, 11).unwrap();
        for (path, line) in [
            ("", 12),
            ("apiVersion", 12),
            ("metadata", 13),
            ("metadata.labels[\"x/y\"]", 15),
            ("metadata.labels.b", 16),
            ("metadata.labels.missing", 15),
            ("metadata.annotations[\"x/y\"]", 13),
            ("spec.containers", 18),
            ("spec.containers[1]", 20),
            ("spec.containers[1].env[1].name", 24),
            ("spec.containers[7].env", 18),
            ("spec..containers[x]", 18),
            ("missing", 12),
        ] {
            assert_eq!(lines.line(&ValuePath::new(path)), line, "{path}");
        }
        let env = ValuePath::new("spec.containers[1].env");
        assert_eq!(lines.line(&env.clone().named("A")), 23);
        assert_eq!(lines.line(&env.clone().named("B").key("value")), 24);
        assert_eq!(lines.line(&env.named("C")), 22);
    }

    #[test]
    fn finds_the_value_at_a_path() {
        let value = serde_json::json!({"a": [{"name": "x", "b/c": 5}]});
        for (path, expected) in [
            (ValuePath::new("a[0][\"b/c\"]"), Some(5)),
            (ValuePath::new("a").named("x").key("b/c"), Some(5)),
            (ValuePath::new("a").named("y").key("b/c"), None),
            (ValuePath::new("a[1]"), None),
            (ValuePath::new("b"), None),
        ] {
            let found = path.value(&value).and_then(Value::as_u64);
            assert_eq!(found, expected, "{path:?}");
        }
    }

    #[test]
    fn reads_json_and_one_document_only() {
        let lines = Lines::of("{\n\"a\": [\n1,\n{\"b\": 2}]}\n", 1).unwrap();
        assert_eq!(lines.line(&ValuePath::new("a[1].b")), 4);
        let lines = Lines::of("---\na: 1\n---\nb: [\n", 1).unwrap();
        assert_eq!(lines.line(&ValuePath::new("a")), 2);
        assert_eq!(Lines::of("a: [\n", 1), None);
        assert_eq!(Lines::of(&"[".repeat(1000), 1), None);
        assert_eq!(Lines::of("", 1), None);
    }

    /// Objects and lists with keys of all sorts.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = Just(Value::Null);
        let key = "[a-z]{1,3}|[a-z.]{1,4}/[a-z]{1,3}|[ -~]{1,5}|[0-9]{1,2}|true|null|~";
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                vec(inner.clone(), 1..4).prop_map(Value::from),
                btree_map(key, inner, 1..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Gives each leaf a text of its own, and the ways to them.
    fn mark(value: &mut Value, path: &ValuePath, marks: &mut Vec<(ValuePath, String)>) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    mark(item, &path.clone().item(index), marks);
                }
            }
            Value::Object(fields) => {
                for (key, field) in fields {
                    mark(field, &path.clone().key(key), marks);
                }
            }
            leaf => {
                let text = format!("mark-{}-", marks.len());
                *leaf = Value::from(text.clone());
                marks.push((path.clone(), text));
            }
        }
    }

    proptest! {
        #[test]
        fn the_line_of_a_value_has_the_value(mut value in values()) {
            let mut marks = Vec::new();
            mark(&mut value, &ValuePath::default(), &mut marks);
            let json = serde_json::to_string_pretty(&value).unwrap();
            for text in [yaml_serde::to_string(&value).unwrap(), json] {
                let lines = Lines::of(&text, 1).unwrap();
                for (path, mark) in &marks {
                    let line = text.lines().nth(lines.line(path) - 1).unwrap();
                    prop_assert!(line.contains(mark), "{path}: {line}\n{text}");
                    prop_assert_eq!(path.value(&value), Some(&Value::from(mark.clone())));
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[-\\[\\]{}:,?&*!|>'\"% \\na]{0,60}|[-\\[\\]{}:,?&*!|>+'\"%@`#~<=.\\\\ \\t\\r\\nax01ü]{0,60}", path in "\\PC{0,20}") {
            if let Some(lines) = Lines::of(&text, 1) {
                lines.line(&ValuePath::new(&path));
            }
        }
    }
}
