//! JSON as it is written.

use super::scan::plain_length;

/// Fields to be added to an object, or all fields of a new one, as JSON.
///
/// Keys are written as they are: none may need escapes.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// An opening bracket and the fields; empty if there are none.
    json: String,
}

impl Fields {
    /// No fields yet, and room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let json = String::with_capacity(bytes);
        Self { json }
    }

    /// Adds a field whose value is this string.
    pub fn set_string(&mut self, key: &str, text: &str) {
        self.begin(key, text.len());
        push_string(&mut self.json, text);
    }

    /// Adds a field whose value is JSON already.
    pub fn set_json(&mut self, key: &str, json: &str) {
        self.begin(key, json.len());
        self.json.push_str(json);
    }

    /// Adds a field whose value is true or false.
    pub fn set_bool(&mut self, key: &str, value: bool) {
        self.set_json(key, if value { "true" } else { "false" });
    }

    /// As [`set_json`](Self::set_json), with a key that may need escapes.
    pub fn set_any(&mut self, key: &str, json: &str) {
        let length = key.len().saturating_add(json.len());
        self.json.reserve(length.saturating_add(8));
        self.json.push(if self.json.is_empty() { '{' } else { ',' });
        push_string(&mut self.json, key);
        self.json.push(':');
        self.json.push_str(json);
    }

    /// Adds a list of strings.
    pub fn set_strings(&mut self, key: &str, texts: &[String]) {
        self.set_json(key, &strings(texts));
    }

    /// Adds a list of items that are JSON already.
    pub fn set_list(&mut self, key: &str, items: &[&str]) {
        self.begin(key, joined_length(items));
        push_joined(&mut self.json, "[", items, "]");
    }

    /// Adds an object with these fields.
    pub fn set_object(&mut self, key: &str, fields: Fields) {
        self.set_json(key, &fields.into_object());
    }

    /// Adds an object of strings.
    pub fn set_texts<'t>(&mut self, key: &str, texts: impl Iterator<Item = (&'t str, &'t str)>) {
        self.begin(key, 0);
        let mut separator = '{';
        for (key, text) in texts {
            self.json.push(separator);
            push_string(&mut self.json, key);
            self.json.push(':');
            push_string(&mut self.json, text);
            separator = ',';
        }
        if separator == '{' {
            self.json.push('{');
        }
        self.json.push('}');
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.json.is_empty()
    }

    /// The fields without an opening bracket; `None` if there are none.
    pub fn without_bracket(&self) -> Option<&str> {
        self.json.strip_prefix('{')
    }

    /// A new object with these fields.
    pub fn into_object(mut self) -> String {
        if self.json.is_empty() {
            self.json.push('{');
        }
        self.json.push('}');
        self.json
    }

    /// A new object with these fields, and a last one whose value has at most `length` bytes and is written by `write`.
    pub fn into_object_with(
        mut self,
        key: &str,
        length: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Vec<u8> {
        self.begin(key, length);
        let mut object = self.json.into_bytes();
        write(&mut object);
        object.push(b'}');
        object
    }

    /// Makes room for a field whose value has about this length, and writes what comes before the value.
    fn begin(&mut self, key: &str, length: usize) {
        debug_assert_eq!(
            plain_length::<true>(key.as_bytes()),
            key.len(),
            "a key that needs escapes"
        );
        // Brackets, quotes, a colon and a comma.
        let length = key.len().saturating_add(length).saturating_add(8);
        self.json.reserve(length);
        self.json.push(if self.json.is_empty() { '{' } else { ',' });
        self.json.push('"');
        self.json.push_str(key);
        self.json.push_str("\":");
    }
}

/// Writes items with commas between them.
fn push_joined(json: &mut String, open: &str, items: &[&str], close: &str) {
    json.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        json.push_str(item);
    }
    json.push_str(close);
}

/// As [`push_joined`], to a new string.
pub fn joined(open: &str, items: &[&str], close: &str) -> String {
    let mut json = String::with_capacity(joined_length(items));
    push_joined(&mut json, open, items, close);
    json
}

/// The length of items with commas and brackets.
fn joined_length(items: &[&str]) -> usize {
    let lengths = items.iter().map(|item| item.len().saturating_add(1));
    lengths.sum::<usize>().saturating_add(2)
}

/// A list of strings as JSON.
pub fn strings(texts: &[impl AsRef<str>]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| string(text.as_ref())).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    joined("[", &texts, "]")
}

/// A string as JSON.
pub fn string(text: &str) -> String {
    let mut json = String::with_capacity(text.len().saturating_add(2));
    push_string(&mut json, text);
    json
}

/// Writes a string as JSON.
fn push_string(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    loop {
        let plain = plain_length::<true>(rest.as_bytes());
        let Some((plain, special)) = rest.split_at_checked(plain) else {
            break;
        };
        json.push_str(plain);
        let mut chars = special.chars();
        let Some(char) = chars.next() else { break };
        push_escape(json, char);
        rest = chars.as_str();
    }
    json.push('"');
}

/// Writes a quote, a backslash or a control character as JSON.
#[cold]
fn push_escape(json: &mut String, char: char) {
    let short = match char {
        '"' | '\\' => char,
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => {
            json.push_str(&format!("\\u{:04x}", u32::from(char)));
            return;
        }
    };
    json.push('\\');
    json.push(short);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Edited, Edits, Span};

    #[test]
    fn strings_are_written_as_by_serde_json() {
        let specials = (0..=0x1f_u8)
            .chain([b'"', b'\\', b'/', 0x7f])
            .map(char::from);
        for special in specials.chain(['é', '\u{80}', '\u{2028}', '😀']) {
            for plain in ["", "a", "a#\u{80}~!", "abcdefgh", "é! ]\u{7f}[abcdefgh"] {
                for text in [
                    plain.to_owned(),
                    format!("{plain}{special}"),
                    format!("{special}{special}{plain}"),
                    format!("{plain}{special}{plain}{plain}{special}"),
                ] {
                    let expected = serde_json::to_string(&text).expect("JSON");
                    assert_eq!(string(&text), expected);
                }
            }
        }
    }

    #[test]
    fn fields_are_written_in_their_order_whatever_they_are() {
        assert_eq!(Fields::default().into_object(), "{}");
        let mut fields = Fields::with_capacity(4);
        fields.set_list("none", &[]);
        fields.set_strings("texts", &["a\"b".to_owned(), "\n".to_owned()]);
        fields.set_object("empty", Fields::default());
        fields.set_bool("yes", true);
        fields.set_bool("no", false);
        let mut inner = Fields::default();
        inner.set_string("a", "é");
        inner.set_json("b", "1.0");
        fields.set_object("inner", inner);
        fields.set_any("\"", "[2]");
        fields.set_texts("no texts", [].into_iter());
        fields.set_texts("more", [("a", "\""), ("b", "")].into_iter());
        assert_eq!(
            fields.into_object(),
            r#"{"none":[],"texts":["a\"b","\n"],"empty":{},"yes":true,"no":false,"inner":{"a":"é","b":1.0},"\"":[2],"no texts":{},"more":{"a":"\"","b":""}}"#
        );
        let span = Span { start: 1, end: 4 };
        let value = Edited::new("x[1]y", span, Edits::default());
        assert_eq!(
            Fields::default()
                .into_object_with("long", value.length_at_most(), |out| value.write_to(out)),
            br#"{"long":[1]}"#
        );
    }

    #[test]
    #[should_panic(expected = "a key that needs escapes")]
    fn a_key_that_needs_escapes_is_a_mistake() {
        Fields::default().set_bool("a\"", true);
    }
}
