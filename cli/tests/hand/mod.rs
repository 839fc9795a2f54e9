//! YAML as different people write it.

use arbitrary::{Result, Unstructured};
use serde_json::Value;

/// A comment in each text with values in brackets.
pub const BRACKETS: &str = "# with brackets";

/// The habits of one who writes.
struct Hand {
    object: usize,
    list: usize,
    gap: usize,
    has_brackets: bool,
    has_comments: bool,
    quotes: u8,
}

/// The documents in a text.
pub fn written(documents: &[Value], u: &mut Unstructured<'_>) -> Result<String> {
    let hand = Hand {
        object: *u.choose(&[2, 2, 4, 3])?,
        list: *u.choose(&[0, 2, 4])?,
        gap: *u.choose(&[1, 1, 1, 3])?,
        has_brackets: u.arbitrary()?,
        has_comments: u.arbitrary()?,
        quotes: u.int_in_range(0..=2)?,
    };
    let mut text = String::new();
    if hand.has_brackets {
        text.push_str(BRACKETS);
        text.push('\n');
    }
    for document in documents {
        text.push_str("---\n");
        hand.fields(&mut text, 0, document, u)?;
    }
    // Such characters are in quotes only.
    let text = text.chars().map(|character| match character {
        '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}' => {
            format!("\\u{:04x}", u32::from(character))
        }
        other => other.to_string(),
    });
    let mut text: String = text.collect();
    if u.arbitrary()? {
        text.pop();
    }
    if u.arbitrary()? {
        text = text.replace('\n', "\r\n");
    }
    Ok(text)
}

impl Hand {
    fn fields(
        &self,
        text: &mut String,
        column: usize,
        object: &Value,
        u: &mut Unstructured<'_>,
    ) -> Result<()> {
        for (key, value) in object.as_object().unwrap() {
            self.comment(text, column, u)?;
            text.push_str(&" ".repeat(column));
            text.push_str(&self.word(key));
            text.push(':');
            self.value(text, column, value, u)?;
        }
        Ok(())
    }

    fn value(
        &self,
        text: &mut String,
        column: usize,
        value: &Value,
        u: &mut Unstructured<'_>,
    ) -> Result<()> {
        let is_filled = match value {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        let in_brackets = self.has_brackets && u.ratio(1, 4)?;
        match value {
            _ if !is_filled || in_brackets => {
                let is_missing = value.is_null() && !in_brackets && u.arbitrary()?;
                if !is_missing {
                    text.push(' ');
                    self.scalar(text, column, value, u)?;
                }
                self.end_of_line(text, u)?;
            }
            Value::Object(_) => {
                self.end_of_line(text, u)?;
                self.fields(text, column + self.object, value, u)?;
            }
            _ => {
                self.end_of_line(text, u)?;
                let column = column + self.list;
                for item in value.as_array().unwrap() {
                    self.comment(text, column, u)?;
                    let hyphen = format!("{}-{}", " ".repeat(column), " ".repeat(self.gap));
                    if item.as_object().is_none_or(serde_json::Map::is_empty) {
                        text.push_str(&hyphen);
                        self.scalar(text, column, item, u)?;
                        self.end_of_line(text, u)?;
                        continue;
                    }
                    let mut inner = String::new();
                    self.fields(&mut inner, hyphen.len(), item, u)?;
                    if inner.trim_start().starts_with('#') {
                        text.push_str(hyphen.trim_end());
                        text.push('\n');
                        text.push_str(&inner);
                    } else {
                        text.push_str(&hyphen);
                        text.push_str(inner.trim_start());
                    }
                }
            }
        }
        Ok(())
    }

    /// A value that is not on lines of its own; in brackets some are.
    fn scalar(
        &self,
        text: &mut String,
        column: usize,
        value: &Value,
        u: &mut Unstructured<'_>,
    ) -> Result<()> {
        match value {
            Value::String(word) => text.push_str(&self.word(word)),
            Value::Object(_) | Value::Array(_) if self.has_brackets && u.arbitrary()? => {
                let pretty = serde_json::to_string_pretty(value).unwrap();
                let margin = format!("\n{}", " ".repeat(column));
                text.push_str(&pretty.replace('\n', &margin));
            }
            other => text.push_str(&other.to_string()),
        }
        Ok(())
    }

    fn word(&self, word: &str) -> String {
        let written = yaml_serde::to_string(word).unwrap();
        let written = written.trim_end();
        let is_plain = written == word;
        match self.quotes {
            1 if is_plain => format!("'{}'", word.replace('\'', "''")),
            0 if is_plain => word.to_owned(),
            _ => Value::from(word).to_string(),
        }
    }

    fn comment(&self, text: &mut String, column: usize, u: &mut Unstructured<'_>) -> Result<()> {
        if self.has_comments && u.ratio(1, 6)? {
            text.push_str(&format!("{}# comment {{[:\n", " ".repeat(column)));
        }
        if self.has_comments && u.ratio(1, 20)? {
            text.push('\n');
        }
        Ok(())
    }

    fn end_of_line(&self, text: &mut String, u: &mut Unstructured<'_>) -> Result<()> {
        if self.has_comments && u.ratio(1, 6)? {
            text.push_str(" # behind: ]");
        }
        text.push('\n');
        Ok(())
    }
}
