//! New values as text, in the style of what is around them.

use serde_json::Value;

/// How lines that are new are indented, as in the rest of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indentation {
    /// How much further right than its key the first key of an object is.
    pub object: usize,
    /// How much further right than its key the hyphens of a list are.
    pub list: usize,
}

/// How values in brackets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brackets {
    /// As YAML: words without quotes where that is possible.
    Yaml,
    /// As JSON.
    Json,
    /// As JSON without spaces.
    Compact,
}

impl Indentation {
    /// The lines of a field whose key is in this column, each with its line break.
    pub fn field(self, column: usize, key: &str, value: &Value, eol: &str) -> String {
        let mut text = spaces(column);
        text.push_str(&scalar(&Value::from(key)));
        text.push(':');
        if is_filled(value) {
            text.push_str(eol);
            text.push_str(&self.below(column, value, eol));
        } else {
            text.push(' ');
            text.push_str(&scalar(value));
            text.push_str(eol);
        }
        text
    }

    /// The lines of an object or a list that is the value of a key in this column.
    pub fn below(self, column: usize, value: &Value, eol: &str) -> String {
        match value {
            Value::Array(items) => {
                let column = column.saturating_add(self.list);
                let items = items.iter().map(|item| self.item(column, 1, item, eol));
                items.collect()
            }
            Value::Object(_) => self.fields(column.saturating_add(self.object), value, eol),
            _ => String::new(),
        }
    }

    /// The lines of an item whose hyphen is in this column, with so many spaces behind it.
    pub fn item(self, column: usize, gap: usize, value: &Value, eol: &str) -> String {
        let hyphen = format!("{}-{}", spaces(column), spaces(gap));
        if !(value.is_object() && is_filled(value)) {
            return format!("{hyphen}{}{eol}", flow(value, Brackets::Yaml));
        }
        let lines = self.fields(hyphen.len(), value, eol);
        let first = lines.trim_start_matches(' ');
        format!("{hyphen}{first}")
    }

    fn fields(self, column: usize, value: &Value, eol: &str) -> String {
        let fields = value.as_object().into_iter().flatten();
        fields
            .map(|(key, value)| self.field(column, key, value, eol))
            .collect()
    }
}

/// Whether it is an object or a list with something in it.
pub fn is_filled(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// So many spaces.
fn spaces(count: usize) -> String {
    " ".repeat(count)
}

/// A scalar, or what is empty, in a line of its own.
pub fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => quoted_if_needed(text),
        other => other.to_string(),
    }
}

/// A string as YAML, in quotes if it is none without.
fn quoted_if_needed(text: &str) -> String {
    let written = yaml_serde::to_string(text).unwrap_or_default();
    let written = written.trim_end_matches('\n');
    if written == text && !is_taken_for_another(text) {
        return written.to_owned();
    }
    json(text)
}

/// What YAML 1.1 takes for booleans beside true and false.
const BOOLEANS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];

/// Whether YAML 1.1, which kubectl reads, takes a word for something else than a string: a boolean, a number of base 60 or
/// with underscores, a date or a time.
fn is_taken_for_another(text: &str) -> bool {
    let is_boolean = BOOLEANS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let begins_as_number =
        text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    let is_date = text.len() <= "2022-01-01".len() && text.contains('-');
    is_boolean || begins_as_number && (text.contains([':', '_']) || is_date)
}

fn json(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value in brackets, or a scalar beside others in brackets, on one line.
pub fn flow(value: &Value, brackets: Brackets) -> String {
    let comma = match brackets {
        Brackets::Compact => ",",
        Brackets::Json | Brackets::Yaml => ", ",
    };
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| flow_field(key, value, brackets))
                .collect();
            format!("{{{}}}", fields.join(comma))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| flow(item, brackets)).collect();
            format!("[{}]", items.join(comma))
        }
        Value::String(text) if brackets == Brackets::Yaml => flow_word(text),
        other => other.to_string(),
    }
}

/// A field in brackets, on one line.
pub fn flow_field(key: &str, value: &Value, brackets: Brackets) -> String {
    let value = flow(value, brackets);
    match brackets {
        Brackets::Yaml => format!("{}: {value}", flow_word(key)),
        Brackets::Json => format!("{}: {value}", json(key)),
        Brackets::Compact => format!("{}:{value}", json(key)),
    }
}

/// A string in brackets of YAML.
fn flow_word(text: &str) -> String {
    if text.contains([',', '[', ']', '{', '}', '?', '#']) {
        return json(text);
    }
    quoted_if_needed(text)
}

/// A value of JSON on several lines, of which all but the first begin with `indent`.
pub fn pretty(value: &Value, indent: &str, step: &str, eol: &str) -> String {
    let inner = format!("{indent}{step}");
    let (open, close, parts) = match value {
        Value::Object(fields) if !fields.is_empty() => {
            let fields = fields.iter();
            let parts = fields.map(|(key, value)| pretty_field(key, value, &inner, step, eol));
            ("{", "}", parts.collect::<Vec<_>>())
        }
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter();
            let parts = items.map(|item| pretty(item, &inner, step, eol));
            ("[", "]", parts.collect())
        }
        other => return other.to_string(),
    };
    let parts = parts.join(&format!(",{eol}{inner}"));
    format!("{open}{eol}{inner}{parts}{eol}{indent}{close}")
}

/// A field of JSON on several lines, of which all but the first begin with `indent`.
pub fn pretty_field(key: &str, value: &Value, indent: &str, step: &str, eol: &str) -> String {
    format!("{}: {}", json(key), pretty(value, indent, step, eol))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_quoted_where_yaml_takes_them_for_something_else() {
        for (text, expected) in [
            (
                "https://login.microsoftonline.com/",
                "https://login.microsoftonline.com/",
            ),
            (
                "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11",
                "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11",
            ),
            ("azure.workload.identity/use", "azure.workload.identity/use"),
            ("", "\"\""),
            ("true", "\"true\""),
            ("yes", "\"yes\""),
            ("Off", "\"Off\""),
            ("null", "\"null\""),
            ("~", "\"~\""),
            ("1", "\"1\""),
            ("0x1f", "\"0x1f\""),
            ("1e3", "\"1e3\""),
            ("12:30", "\"12:30\""),
            ("2022-01-01", "\"2022-01-01\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("- a", "\"- a\""),
            ("*", "\"*\""),
            (" a", "\" a\""),
            ("a\nb", "\"a\\nb\""),
            ("{{ x }}", "\"{{ x }}\""),
        ] {
            let written = scalar(&Value::from(text));
            assert_eq!(written, expected);
            let read: Value = yaml_serde::from_str(&written).unwrap();
            assert_eq!(read, json!(text));
        }
        assert_eq!(flow(&json!(["a,b", "c"]), Brackets::Yaml), "[\"a,b\", c]");
    }

    #[test]
    fn each_style_is_read_as_the_same() {
        let value = json!({
            "name": "v",
            "projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 3600, "path": "p"}}, {}], "x": []},
            "list": [["a", true], null],
        });
        let kinds = [(2, 0), (2, 2), (4, 2)];
        for (object, list) in kinds {
            let indentation = Indentation { object, list };
            for eol in ["\n", "\r\n"] {
                let text = indentation.field(3, "key", &value, eol);
                let read: Value = yaml_serde::from_str(&text).unwrap();
                assert_eq!(read, json!({"key": value}), "{text}");
                let text = indentation.item(1, 3, &value, eol);
                let read: Value = yaml_serde::from_str(&text).unwrap();
                assert_eq!(read, json!([value]), "{text}");
            }
        }
        for brackets in [Brackets::Yaml, Brackets::Json, Brackets::Compact] {
            let text = flow(&value, brackets);
            let read: Value = yaml_serde::from_str(&text).unwrap();
            assert_eq!(read, value, "{text}");
        }
        let text = flow(&value, Brackets::Compact);
        assert_eq!(text, value.to_string());
        let text = pretty(&value, "", "  ", "\n");
        assert_eq!(text, serde_json::to_string_pretty(&value).unwrap());
    }

    #[test]
    fn lists_are_indented_as_told() {
        let value = json!([{"name": "a", "env": [{"name": "b"}]}]);
        let indentation = Indentation { object: 2, list: 2 };
        assert_eq!(
            indentation.field(2, "x", &value, "\n"),
            "  x:\n    - name: a\n      env:\n        - name: b\n"
        );
        let indentation = Indentation { object: 2, list: 0 };
        assert_eq!(
            indentation.field(2, "x", &value, "\n"),
            "  x:\n  - name: a\n    env:\n    - name: b\n"
        );
    }
}
