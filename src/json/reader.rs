//! Reading JSON.

use std::borrow::Cow;

use super::fault::Fault;
use super::place::{Collection, List, Place, Span};
use super::scan::{
    collection_end, is_literal, literal_end, plain_length, string_end, string_end_from,
    string_end_noting_dollars,
};

/// Reads JSON text from front to back.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

const NOT_JSON: &str = "JSON";

impl<'a> Reader<'a> {
    /// A reader in front of the one value that `text` holds.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The whole text that it reads from.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The text in front of which it is.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes over so many bytes of a value that somebody else reads.
    pub fn pass(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// A reader in front of the value at `span` of `text`; the spans that it gives count from the start of `text`.
    pub fn at(text: &'a str, span: Span) -> Self {
        Self {
            text,
            at: span.start,
        }
    }

    /// Reads an object; null counts as one without fields. `each` is called for every field, in order, with its key and
    /// the reader in front of its value. It must read or [`skip`](Self::skip) exactly that one value.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the value is not an object, or as `each` gives it.
    pub fn object(
        &mut self,
        expected: &'static str,
        mut each: impl FnMut(&str, &mut Self) -> Result<(), Fault>,
    ) -> Result<Option<Collection>, Fault> {
        self.collection(expected, (b'{', b'}'), |_, reader| {
            let key = reader.key()?;
            each(&key, reader).map_err(|fault| fault.in_field(&key))
        })
    }

    /// Reads a list; null counts as one without items. `each` is called for every item, in order, with its index and
    /// the reader in front of it. It must read or [`skip`](Self::skip) exactly that one value.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the value is not a list, or as `each` gives it.
    pub fn list(
        &mut self,
        expected: &'static str,
        mut each: impl FnMut(usize, &mut Self) -> Result<(), Fault>,
    ) -> Result<Option<Collection>, Fault> {
        self.collection(expected, (b'[', b']'), |index, reader| {
            each(index, reader).map_err(|fault| fault.in_item(index))
        })
    }

    /// Reads what is between two brackets; `None` for null.
    fn collection(
        &mut self,
        expected: &'static str,
        (open, close): (u8, u8),
        mut each: impl FnMut(usize, &mut Self) -> Result<(), Fault>,
    ) -> Result<Option<Collection>, Fault> {
        if self.next() != Some(open) {
            return match self.null() {
                Some(_) => Ok(None),
                None => Err(self.fault(expected)),
            };
        }
        let start = self.at;
        self.advance();
        let is_empty = self.next() == Some(close);
        let mut index: usize = 0;
        while index > 0 || !is_empty {
            each(index, self)?;
            index = index.saturating_add(1);
            match self.next() {
                Some(b',') => self.advance(),
                Some(byte) if byte == close => break,
                _ => return Err(self.syntax("a comma or a closing bracket")),
            }
        }
        self.advance();
        let span = Span {
            start,
            end: self.at,
        };
        Ok(Some(Collection { span, is_empty }))
    }

    /// Reads a key and the colon after it.
    fn key(&mut self) -> Result<Cow<'a, str>, Fault> {
        let key = self.quoted().ok_or_else(|| self.syntax("a key"))?;
        if self.next() != Some(b':') {
            return Err(self.syntax("a colon").in_field(&key));
        }
        self.advance();
        Ok(key)
    }

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the value is not a string.
    pub fn string(&mut self, expected: &'static str) -> Result<Cow<'a, str>, Fault> {
        if self.next() != Some(b'"') {
            return Err(self.fault(expected));
        }
        self.quoted().ok_or_else(|| self.syntax("a string"))
    }

    /// Reads a string; null gives `None`.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the value is neither.
    pub fn optional_string(
        &mut self,
        expected: &'static str,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        if self.null().is_some() {
            return Ok(None);
        }
        self.string(expected).map(Some)
    }

    /// Reads `true` or `false`; null counts as `false`.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the value is something else.
    pub fn boolean(&mut self, expected: &'static str) -> Result<bool, Fault> {
        let found = self.clone();
        let span = self.skip()?;
        match self.text.get(span.start..span.end) {
            Some("true") => Ok(true),
            Some("false" | "null") => Ok(false),
            _ => Err(found.fault(expected)),
        }
    }

    /// Skips one value of any kind and gives its place.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the text ends within the value, or if there is none.
    pub fn skip(&mut self) -> Result<Span, Fault> {
        let first = self.next();
        let start = self.at;
        let bytes = self.text.as_bytes();
        let (end, wanted) = match first {
            Some(b'{' | b'[') => (collection_end(bytes, start), "a closing bracket"),
            Some(b'"') => (string_end(bytes, start), "a closing quote"),
            Some(byte) if is_literal(byte) => (Some(literal_end(bytes, start)), ""),
            _ => return Err(self.syntax("a value")),
        };
        self.at = end.unwrap_or(bytes.len());
        if end.is_none() {
            return Err(self.syntax(wanted));
        }
        Ok(Span {
            start,
            end: self.at,
        })
    }

    /// Skips one value and gives its text.
    ///
    /// # Errors
    ///
    /// As [`skip`](Self::skip).
    pub fn raw(&mut self) -> Result<&'a str, Fault> {
        let span = self.skip()?;
        Ok(self.text.get(span.start..span.end).unwrap_or_default())
    }

    /// As [`raw`](Self::raw), and notes whether the value is a string with a dollar sign in it.
    ///
    /// # Errors
    ///
    /// As [`skip`](Self::skip).
    pub fn raw_noting_dollars(&mut self, has_dollar: &mut bool) -> Result<&'a str, Fault> {
        if self.next() != Some(b'"') {
            return self.raw();
        }
        let start = self.at;
        let bytes = self.text.as_bytes();
        let end = string_end_noting_dollars(bytes, start, has_dollar);
        self.at = end.unwrap_or(bytes.len());
        if end.is_none() {
            return Err(self.syntax("a closing quote"));
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Whether the next value is an object.
    pub fn is_object(&mut self) -> bool {
        self.next() == Some(b'{')
    }

    /// Skips null and gives its place, if that is the next value.
    pub fn null(&mut self) -> Option<Span> {
        self.next();
        let start = self.at;
        let rest = self.text.as_bytes().get(start..)?.strip_prefix(b"null")?;
        if rest.first().is_some_and(|byte| is_literal(*byte)) {
            return None;
        }
        self.at = start.saturating_add(4);
        Some(Span {
            start,
            end: self.at,
        })
    }

    /// Reads a list that may be null, with `item` for each item.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the value is not a list, or as `item` gives it.
    pub fn items<T>(
        &mut self,
        expected: &'static str,
        item: impl Fn(usize, &mut Self) -> Result<T, Fault>,
    ) -> Result<List<T>, Fault> {
        if let Some(span) = self.null() {
            let place = Place::Null(span);
            return Ok(List {
                place,
                items: Vec::new(),
            });
        }
        let mut items = Vec::new();
        let collection = self.list(expected, |index, reader| {
            items.push(item(index, reader)?);
            Ok(())
        })?;
        let place = collection.map_or(Place::Missing, Place::Present);
        Ok(List { place, items })
    }

    /// A fault at the next value, which is not what was `expected`.
    #[cold]
    pub fn fault(&self, expected: impl Into<Cow<'static, str>>) -> Fault {
        let found = match self.clone().next() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(_) => "invalid JSON",
            None => "nothing",
        };
        Fault::new(expected, found)
    }

    /// The next byte that is not white space; the reader moves in front of it.
    fn next(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.advance(),
                other => return other.copied(),
            }
        }
    }

    fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// The content of the next value if it is a string; `None` if it is not, or a broken one.
    // See `string_end`.
    #[inline(always)]
    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        if self.next() != Some(b'"') {
            return None;
        }
        let bytes = self.text.as_bytes();
        let start = self.at;
        let content = start.saturating_add(1);
        let plain_end = content.saturating_add(plain_length::<false>(bytes.get(content..)?));
        if bytes.get(plain_end) == Some(&b'"') {
            self.at = plain_end.saturating_add(1);
            return self.text.get(content..plain_end).map(Cow::Borrowed);
        }
        let end = string_end_from(bytes, plain_end);
        self.at = end.unwrap_or(bytes.len());
        let content = self.text.get(content..end?.saturating_sub(1))?;
        unescaped(content).map(Cow::Owned)
    }

    /// A fault of the text as JSON.
    #[cold]
    fn syntax(&self, wanted: &str) -> Fault {
        let found = match self.clone().next() {
            Some(_) => "something else",
            None => "the end of the input",
        };
        Fault::new(
            format!("{NOT_JSON} with {wanted} at byte {}", self.at),
            found,
        )
    }
}

/// Gives each field of an object its key and its value, as JSON; null counts as an object without fields.
///
/// One function for all objects, for those that are rarely read: what it calls is resolved at the first call.
///
/// # Errors
///
/// A [`Fault`] if it is not an object.
#[inline(never)]
pub fn each_field<'a>(object: &'a str, each: &mut dyn FnMut(&str, &'a str)) -> Result<(), Fault> {
    let read = Reader::new(object).object("an object", |key, reader| {
        each(key, reader.raw()?);
        Ok(())
    });
    read.map(|_| ())
}

/// The value of an object's field, as JSON, unless it is null or missing.
///
/// # Errors
///
/// As [`each_field`].
pub fn field<'a>(object: &'a str, name: &str) -> Result<Option<&'a str>, Fault> {
    let mut found = None;
    each_field(object, &mut |key, value| {
        if key == name && value != "null" {
            found = Some(value);
        }
    })?;
    Ok(found)
}

/// Gives each item of a list its index and the reader in front of it, as long as `each` says that it goes on; null counts
/// as a list without items. As for [`Reader::list`], `each` must read exactly the one value.
///
/// As [`each_field`], for lists.
///
/// # Errors
///
/// A [`Fault`] if it is not a list, as `each` gives it, or if the list was not read to its end.
#[inline(never)]
pub fn each_item<'a>(
    list: &mut Reader<'a>,
    each: &mut dyn FnMut(usize, &mut Reader<'a>) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let read = list.list("a list", |index, reader| {
        if each(index, reader)? {
            Ok(())
        } else {
            Err(Fault::new("", ""))
        }
    });
    read.map(|_| ())
}

/// The places of the items of a list.
pub fn item_spans(text: &str, list: Span) -> Vec<Span> {
    let mut spans = Vec::new();
    // It was read as a list before.
    let _: Result<_, _> = each_item(&mut Reader::at(text, list), &mut |_, reader| {
        spans.push(reader.skip()?);
        Ok(true)
    });
    spans
}

/// A string's content with its escapes resolved; `None` if one of them is malformed.
fn unescaped(content: &str) -> Option<String> {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    loop {
        let Some(escape) = rest.strip_prefix('\\') else {
            if rest.is_empty() {
                return Some(out);
            }
            let length = plain_length::<false>(rest.as_bytes());
            let (plain, tail) = rest.split_at_checked(length).filter(|_| length > 0)?;
            out.push_str(plain);
            rest = tail;
            continue;
        };
        let kind = escape.as_bytes().first()?;
        rest = escape.get(1..)?;
        out.push(match kind {
            plain @ (b'"' | b'\\' | b'/') => char::from(*plain),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (char, tail) = unicode_escape(rest)?;
                rest = tail;
                char
            }
            _ => return None,
        });
    }
}

/// The character that the digits after `\u` stand for (with a second escape if it takes two), and the text after it.
fn unicode_escape(text: &str) -> Option<(char, &str)> {
    let (unit, rest) = hex_digits(text)?;
    if !(0xd800..0xdc00).contains(&unit) {
        return Some((char::from_u32(unit)?, rest));
    }
    let (low, rest) = hex_digits(rest.strip_prefix("\\u")?)?;
    let units = [u16::try_from(unit).ok()?, u16::try_from(low).ok()?];
    let char = char::decode_utf16(units).next()?.ok()?;
    Some((char, rest))
}

fn hex_digits(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let number = digits.bytes().try_fold(0_u32, |number, byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some(number.wrapping_shl(4) | digit)
    })?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[track_caller]
    fn fault(result: Result<impl fmt::Debug, Fault>, expected: &str) {
        assert_eq!(result.expect_err("a fault").to_string(), expected);
    }

    fn fields(text: &str) -> Result<Vec<(String, String)>, Fault> {
        let mut fields = Vec::new();
        Reader::new(text).object("an object", |key, reader| {
            fields.push((key.to_owned(), reader.raw()?.to_owned()));
            Ok(())
        })?;
        Ok(fields)
    }

    #[test]
    fn every_kind_of_value_is_passed_over_whole() {
        for value in [
            "null",
            "true",
            "-1.5e+10",
            r#""""#,
            r#""a\"}]b\\""#,
            "[]",
            "{}",
            r#"[1,{"a":["]"]},"}"]"#,
            r#"{"a":{"b":[[],{}]},"c":"\\"}"#,
        ] {
            let text = format!(" {{ \"k\" :\n{value} , \"l\":1}}");
            let expected = vec![
                ("k".to_owned(), value.to_owned()),
                ("l".to_owned(), "1".to_owned()),
            ];
            assert_eq!(fields(&text), Ok(expected), "{value}");
        }
    }

    #[test]
    fn escaped_keys_and_strings_are_decoded() {
        let text = r#"{"n\u0061me":"caf\u00e9 \"x\""}"#;
        let mut seen = Vec::new();
        let read = Reader::new(text).object("an object", |key, reader| {
            seen.push((key.to_owned(), reader.string("a string")?.into_owned()));
            Ok(())
        });
        let span = Span {
            start: 0,
            end: text.len(),
        };
        let is_empty = false;
        assert_eq!(read, Ok(Some(Collection { span, is_empty })));
        assert_eq!(seen, [("name".to_owned(), "café \"x\"".to_owned())]);
    }

    #[test]
    fn escapes_are_resolved_as_by_serde_json() {
        for content in [
            "",
            "plain é",
            r#"\" \\ \/ \b \f \n \r \t"#,
            r"\u0041\u00e9\u20AC",
            r"\ud83d\ude00 and more",
            r"\ud83d",
            r"\ud83d\u0041",
            r"\ud83dx",
            r"\ude00",
            r"\u00",
            r"\u+041",
            r"\u00é",
            r"\x",
            r"\",
        ] {
            let quoted = format!("\"{content}\"");
            let expected = serde_json::from_str::<String>(&quoted).ok();
            assert_eq!(unescaped(content), expected, "{content}");
        }
    }

    #[test]
    fn null_is_an_object_without_fields_and_a_list_without_items() {
        let read = Reader::new("null").object("an object", |_, _| unreachable!());
        assert_eq!(read, Ok(None));
        let read = Reader::new(" null ").list("a list", |_, _| unreachable!());
        assert_eq!(read, Ok(None));
        assert_eq!(Reader::new("nullable").null(), None);
    }

    #[test]
    fn a_fault_names_the_path_and_the_kind_but_not_the_content() {
        let mut nested = Reader::new(r#"{"spec":{"list":[1,{"a.b/c":"secret"}]}}"#);
        let read = nested.object("an object", |_, reader| {
            reader
                .object("an object", |_, reader| {
                    reader
                        .list("a list", |index, reader| {
                            if index == 0 {
                                return reader.skip().map(|_| ());
                            }
                            reader
                                .object("an object", |_, reader| {
                                    reader.boolean("true or false").map(|_| ())
                                })
                                .map(|_| ())
                        })
                        .map(|_| ())
                })
                .map(|_| ())
        });
        fault(
            read,
            r#"spec.list[1]["a.b/c"]: expected true or false, found a string"#,
        );
    }

    #[test]
    fn a_fault_names_each_kind_of_value() {
        for (text, found) in [
            ("{}", "an object"),
            ("[]", "a list"),
            ("true", "a boolean"),
            ("null", "null"),
            ("-1", "a number"),
            ("", "nothing"),
            ("?", "invalid JSON"),
        ] {
            let read = Reader::new(text).string("a name");
            fault(read, &format!("expected a name, found {found}"));
        }
        let read = Reader::new("\"text\"").list("a list", |_, _| Ok(()));
        fault(read, "expected a list, found a string");
    }

    #[test]
    fn broken_text_is_a_fault() {
        for (text, expected) in [
            (
                r#"{"a""#,
                "a: expected JSON with a colon at byte 4, found the end of the input",
            ),
            (
                r#"{"a":"#,
                "a: expected JSON with a value at byte 5, found the end of the input",
            ),
            (
                r#"{"a":}"#,
                "a: expected JSON with a value at byte 5, found something else",
            ),
            (
                r#"{"a":1"#,
                "expected JSON with a comma or a closing bracket at byte 6, found the end of the input",
            ),
            (
                r#"{"a":[1"#,
                "a: expected JSON with a closing bracket at byte 7, found the end of the input",
            ),
            (
                r#"{"a":["x"#,
                "a: expected JSON with a closing bracket at byte 8, found the end of the input",
            ),
            (
                r#"{"a":"x\"#,
                "a: expected JSON with a closing quote at byte 8, found the end of the input",
            ),
            (
                r#"{a:1}"#,
                "expected JSON with a key at byte 1, found something else",
            ),
            (
                r#"{"a":1,}"#,
                "expected JSON with a key at byte 7, found something else",
            ),
            (
                "{",
                "expected JSON with a key at byte 1, found the end of the input",
            ),
        ] {
            fault(fields(text), expected);
        }
    }
}
