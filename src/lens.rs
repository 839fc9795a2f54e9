//! JSON that is read where it stands and changed by insertion.
//!
//! A pod is never turned into a tree and written back. A [`Reader`] walks its text once and hands out what is asked for,
//! with the place ([`Span`]) where it stands; [`Edits`] then inserts text at such places. What nobody asked for is not
//! parsed, so it cannot change.
//!
//! The host has parsed the text before and writes it anew for each call, so the reader checks only what it needs in order
//! to find its way; it does not validate numbers or literals that it passes over.
//!
//! Each kind of object is read by code of its own, because the engine takes its time over a function's first indirect call.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// Where a value stands in the text: byte offsets, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

/// An object or a list as a place to add to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Where it stands, brackets included.
    pub span: Span,
    /// Whether nothing stands between its brackets.
    pub is_empty: bool,
}

/// A list in an object: its items as far as they were read, and where more can be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the list stands.
    pub place: Place,
}

/// Where a list stands in its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The object has no such field.
    Missing,
    /// The field is null.
    Null(Span),
    /// The field is a list.
    Present(Collection),
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            place: Place::Missing,
        }
    }
}

/// A value that is not what was expected.
///
/// Tells the kind of the value that was found and never its content, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    path: String,
    expected: Cow<'static, str>,
    found: &'static str,
}

impl Fault {
    /// A fault at the value itself, without a path yet.
    pub fn new(expected: impl Into<Cow<'static, str>>, found: &'static str) -> Self {
        Self {
            path: String::new(),
            expected: expected.into(),
            found,
        }
    }

    /// The same fault as seen from the object that holds the value as its field `key`.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn in_field(mut self, key: &str) -> Self {
        let plain = key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        let step = if plain {
            key.to_owned()
        } else {
            format!("[{key:?}]")
        };
        self.prepend(step);
        self
    }

    /// The same fault as seen from the list that holds the value as its item `index`.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn in_item(mut self, index: usize) -> Self {
        self.prepend(format!("[{index}]"));
        self
    }

    /// The same fault as seen from the object that holds the value at a path of plain keys.
    #[must_use]
    pub fn in_path(mut self, path: &str) -> Self {
        self.prepend(path.to_owned());
        self
    }

    fn prepend(&mut self, mut step: String) {
        if !self.path.is_empty() && !self.path.starts_with('[') {
            step.push('.');
        }
        step.push_str(&self.path);
        self.path = step;
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

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

    /// A reader in front of the value at `span` of `text`; the spans that it gives count from the start of `text`.
    pub fn at(text: &'a str, span: Span) -> Self {
        Self {
            text,
            at: span.start,
        }
    }

    /// Reads an object, null counting as one without fields: `each` is called for every field, in order, with its key and
    /// the reader in front of its value. It must read or [`skip`](Self::skip) exactly that one value.
    ///
    /// # Errors
    /// A [`Fault`] where the value is no object, or as `each` gives it.
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

    /// Reads a list, null counting as one without items: `each` is called for every item, in order, with its index and
    /// the reader in front of it. It must read or [`skip`](Self::skip) exactly that one value.
    ///
    /// # Errors
    /// A [`Fault`] where the value is no list, or as `each` gives it.
    pub fn list(
        &mut self,
        expected: &'static str,
        mut each: impl FnMut(usize, &mut Self) -> Result<(), Fault>,
    ) -> Result<Option<Collection>, Fault> {
        self.collection(expected, (b'[', b']'), |index, reader| {
            each(index, reader).map_err(|fault| fault.in_item(index))
        })
    }

    /// Reads what stands between two brackets; `None` for null.
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

    /// Reads a key and the colon behind it.
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
    /// A [`Fault`] where the value is no string.
    pub fn string(&mut self, expected: &'static str) -> Result<Cow<'a, str>, Fault> {
        if self.next() != Some(b'"') {
            return Err(self.fault(expected));
        }
        self.quoted().ok_or_else(|| self.syntax("a string"))
    }

    /// Reads a string; null gives `None`.
    ///
    /// # Errors
    /// A [`Fault`] where the value is neither.
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
    /// A [`Fault`] where the value is something else.
    pub fn boolean(&mut self, expected: &'static str) -> Result<bool, Fault> {
        let found = self.clone();
        let span = self.skip()?;
        match self.text.get(span.start..span.end) {
            Some("true") => Ok(true),
            Some("false" | "null") => Ok(false),
            _ => Err(found.fault(expected)),
        }
    }

    /// Passes over one value of any kind and tells where it stands.
    ///
    /// # Errors
    /// A [`Fault`] where the text ends within the value, or where there is none.
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

    /// Passes over one value and gives its text.
    ///
    /// # Errors
    /// As [`skip`](Self::skip).
    pub fn raw(&mut self) -> Result<&'a str, Fault> {
        let span = self.skip()?;
        Ok(self.text.get(span.start..span.end).unwrap_or_default())
    }

    /// Whether an object stands next.
    pub fn is_object(&mut self) -> bool {
        self.next() == Some(b'{')
    }

    /// Passes over null and tells where it stands, if that is the next value.
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
    /// A [`Fault`] where the value is no list, or as `item` gives it.
    #[inline(never)]
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

    /// A fault that tells what kind of value stands next instead of `expected`.
    #[cold]
    #[inline(never)]
    pub fn fault(&self, expected: impl Into<Cow<'static, str>>) -> Fault {
        let found = match self.clone().next() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(_) => "something that is no JSON",
            None => "nothing",
        };
        Fault::new(expected, found)
    }

    /// The next byte that is no white space; the reader then stands in front of it.
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

    /// The content of the string that stands next; `None` where there is none, or a broken one.
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
        let end = string_end(bytes, start);
        self.at = end.unwrap_or(bytes.len());
        let content = self.text.get(content..end?.saturating_sub(1))?;
        unescaped(content).map(Cow::Owned)
    }

    /// A fault of the text as JSON.
    #[cold]
    #[inline(never)]
    fn syntax(&self, wanted: &str) -> Fault {
        let found = match self.clone().next() {
            Some(_) => "something else",
            None => "its end",
        };
        Fault::new(
            format!("{NOT_JSON} with {wanted} at byte {}", self.at),
            found,
        )
    }
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// A string's content with its escapes resolved; `None` where one of them is none.
fn unescaped(content: &str) -> Option<String> {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        out.push(match chars.next()? {
            plain @ ('"' | '\\' | '/') => plain,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (char, behind) = unicode_escape(chars.as_str())?;
                chars = behind.chars();
                char
            }
            _ => return None,
        });
        rest = chars.as_str();
    }
    out.push_str(rest);
    Some(out)
}

/// The character that the digits behind `\u` stand for, with a second escape where it takes two, and the text behind it.
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
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u32::from_str_radix(digits, 16).ok()?;
    are_digits.then_some((number, rest))
}

/// The end of the number, boolean or null that begins at `start`.
fn literal_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| !is_literal(*byte));
    start.saturating_add(length.unwrap_or(rest.len()))
}

/// The end of the object or list that begins at `start`; `None` where the text ends before.
fn collection_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth: usize = 0;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at.saturating_add(1));
                }
            }
            _ => {}
        }
        at = at.saturating_add(1);
    }
}

/// The end of the string that begins with a quote at `start`; `None` where the text ends before.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start.saturating_add(1);
    loop {
        at = at.saturating_add(plain_length::<false>(bytes.get(at..)?));
        if *bytes.get(at)? == b'"' {
            return Some(at.saturating_add(1));
        }
        // A backslash and what it escapes.
        at = at.saturating_add(2);
    }
}

/// How many bytes stand in front of the first quote or backslash, or control character where those count, eight at a
/// time.
fn plain_length<const CONTROLS: bool>(bytes: &[u8]) -> usize {
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut length: usize = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let mut found = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if CONTROLS {
            // The lowest of these bits is right, as in zero_bytes.
            found |= word.wrapping_sub(SPACES) & !word & HIGH_BITS;
        }
        if found != 0 {
            let bytes_before = found.trailing_zeros().wrapping_shr(3);
            return length.saturating_add(usize::try_from(bytes_before).unwrap_or_default());
        }
        length = length.saturating_add(8);
    }
    let is_special =
        |byte: &u8| matches!(byte, b'"' | b'\\') || CONTROLS && matches!(byte, 0..b' ');
    let in_rest = rest.iter().position(is_special);
    length.saturating_add(in_rest.unwrap_or(rest.len()))
}

const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The high bit of each byte that is zero, and perhaps of some above the lowest such byte.
fn zero_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    word.wrapping_sub(ONES) & !word & HIGH_BITS
}

/// Fields that an object is to gain, or all fields of a new one, as JSON.
///
/// Keys must need no escapes.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// An opening bracket and the fields behind it; empty where there are none.
    json: String,
}

impl Fields {
    /// No fields yet, with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let json = String::with_capacity(bytes);
        Self { json }
    }

    /// Adds a field.
    ///
    /// # Errors
    /// Where the value cannot be written as JSON.
    pub fn set(&mut self, key: &str, value: &impl Serialize) -> serde_json::Result<()> {
        self.set_json(key, &serde_json::to_string(value)?);
        Ok(())
    }

    /// Adds a field whose value is this text.
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

    /// Adds a list of texts.
    pub fn set_strings(&mut self, key: &str, texts: &[String]) {
        let texts: Vec<_> = texts.iter().map(|text| string(text)).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        self.set_list(key, &texts);
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

    /// Adds an object of texts.
    pub fn set_texts<'t>(
        &mut self,
        key: &str,
        texts: impl Iterator<Item = (&'static str, &'t str)>,
    ) {
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

    /// A new object with these fields.
    pub fn into_object(mut self) -> String {
        if self.json.is_empty() {
            self.json.push('{');
        }
        self.json.push('}');
        self.json
    }

    /// A new object with these fields, and a last one whose value is long.
    pub fn into_object_with(mut self, key: &str, value: &Edited<'_>) -> Vec<u8> {
        self.begin(key, value.length_at_most());
        let mut object = self.json.into_bytes();
        value.write_to(&mut object);
        object.push(b'}');
        object
    }

    /// Makes room for a field whose value has about this length, and writes what stands in front of the value.
    fn begin(&mut self, key: &str, length: usize) {
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

/// As [`push_joined`], to a new text.
fn joined(open: &str, items: &[&str], close: &str) -> String {
    let mut json = String::with_capacity(joined_length(items));
    push_joined(&mut json, open, items, close);
    json
}

/// The length of items with commas and brackets.
fn joined_length(items: &[&str]) -> usize {
    let lengths = items.iter().map(|item| item.len().saturating_add(1));
    lengths.sum::<usize>().saturating_add(2)
}

/// A text as JSON.
pub fn string(text: &str) -> String {
    let mut json = String::with_capacity(text.len().saturating_add(2));
    push_string(&mut json, text);
    json
}

/// Writes a text as JSON.
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

/// Changes to a text, each at a place of it that a [`Reader`] gave; in the order of the text.
///
/// Every collection can be added to once: a second addition would not know of the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<(Span, String)>);

/// Where new items go in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In front of the others.
    Front,
    /// Behind the others.
    Back,
}

impl Edits {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds fields behind the last one of an object.
    pub fn add_fields(&mut self, object: Collection, fields: Fields) {
        if let Some(fields) = fields.json.strip_prefix('{') {
            self.add(object, End::Back, &[fields]);
        }
    }

    /// Adds items, each as JSON, to a list.
    ///
    /// Where its object has no such list, the field `key` with the list is added to `new_fields` instead.
    pub fn add_items(
        &mut self,
        place: Place,
        key: &str,
        end: End,
        items: &[&str],
        new_fields: &mut Fields,
    ) {
        if items.is_empty() {
            return;
        }
        match place {
            Place::Present(list) => self.add(list, end, items),
            Place::Null(span) => self.replace(span, joined("[", items, "]")),
            Place::Missing => new_fields.set_list(key, items),
        }
    }

    /// Adds items or fields.
    fn add(&mut self, collection: Collection, end: End, members: &[&str]) {
        let Span { start, end: behind } = collection.span;
        let at = match end {
            End::Front => start.saturating_add(1),
            End::Back => behind.saturating_sub(1),
        };
        let (open, close) = match end {
            _ if collection.is_empty => ("", ""),
            End::Front => ("", ","),
            End::Back => (",", ""),
        };
        self.replace(Span { start: at, end: at }, joined(open, members, close));
    }

    /// Puts `text` in the place of what stands at `span`.
    pub fn replace(&mut self, span: Span, text: String) {
        // Most changes come in the order of the text.
        let at = self
            .0
            .partition_point(|(other, _)| other.start <= span.start);
        self.0.insert(at, (span, text));
    }
}

/// A text with changes, which are made where it is written to: it is long, and copied but once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited<'a> {
    text: &'a str,
    edits: Vec<(Span, String)>,
}

impl<'a> Edited<'a> {
    /// The part of `text` at `span`, with the changes made. A change outside of it is none.
    pub fn new(text: &'a str, span: Span, mut edits: Edits) -> Self {
        let Span { start, end } = span;
        edits
            .0
            .retain(|(span, _)| start <= span.start && span.end <= end);
        for (span, _) in &mut edits.0 {
            span.start = span.start.saturating_sub(start);
            span.end = span.end.saturating_sub(start);
        }
        Self {
            text: text.get(start..end).unwrap_or_default(),
            edits: edits.0,
        }
    }

    /// Its length in bytes; more where changes replace something.
    pub fn length_at_most(&self) -> usize {
        let added = self.edits.iter().map(|(_, text)| text.len()).sum();
        self.text.len().saturating_add(added)
    }

    /// Writes it.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let bytes = self.text.as_bytes();
        let mut done = 0;
        for (span, change) in &self.edits {
            let Some(kept) = bytes.get(done..span.start) else {
                continue;
            };
            out.extend_from_slice(kept);
            out.extend_from_slice(change.as_bytes());
            done = span.end;
        }
        out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
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
    fn each_kind_of_value_is_told_in_a_fault() {
        for (text, found) in [
            ("{}", "an object"),
            ("[]", "a list"),
            ("true", "a boolean"),
            ("null", "null"),
            ("-1", "a number"),
            ("", "nothing"),
            ("?", "something that is no JSON"),
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
                "a: expected JSON with a colon at byte 4, found its end",
            ),
            (
                r#"{"a":"#,
                "a: expected JSON with a value at byte 5, found its end",
            ),
            (
                r#"{"a":}"#,
                "a: expected JSON with a value at byte 5, found something else",
            ),
            (
                r#"{"a":1"#,
                "expected JSON with a comma or a closing bracket at byte 6, found its end",
            ),
            (
                r#"{"a":[1"#,
                "a: expected JSON with a closing bracket at byte 7, found its end",
            ),
            (
                r#"{"a":["x"#,
                "a: expected JSON with a closing bracket at byte 8, found its end",
            ),
            (
                r#"{"a":"x\"#,
                "a: expected JSON with a closing quote at byte 8, found its end",
            ),
            (
                r#"{a:1}"#,
                "expected JSON with a key at byte 1, found something else",
            ),
            (
                r#"{"a":1,}"#,
                "expected JSON with a key at byte 7, found something else",
            ),
            ("{", "expected JSON with a key at byte 1, found its end"),
        ] {
            fault(fields(text), expected);
        }
    }

    fn applied(text: &str, edits: Edits) -> String {
        let span = Span {
            start: 0,
            end: text.len(),
        };
        let edited = Edited::new(text, span, edits);
        let mut out = Vec::new();
        edited.write_to(&mut out);
        assert!(out.len() <= edited.length_at_most());
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_part_of_a_text_is_edited_by_places_in_the_whole() {
        let mut edits = Edits::default();
        edits.replace(Span { start: 5, end: 6 }, "x".to_owned());
        edits.replace(Span { start: 0, end: 1 }, "y".to_owned());
        let edited = Edited::new("012345678", Span { start: 3, end: 8 }, edits);
        let mut out = Vec::new();
        edited.write_to(&mut out);
        assert_eq!(out, b"34x67");
    }

    #[test]
    fn what_ends_plain_text_is_found_wherever_it_stands() {
        for length in 0..40 {
            let plain = "é#!a\u{80} \u{7f}[".repeat(8);
            let plain: String = plain.chars().take(length).collect();
            for tail in ["", "\"", "\\\"", "\u{1} !\"\\", "é\"\\abcdefgh\0"] {
                for special in ['"', '\\'] {
                    let text = format!("{plain}{special}{tail}");
                    let bytes = text.as_bytes();
                    assert_eq!(plain_length::<false>(bytes), plain.len(), "{text}");
                    assert_eq!(plain_length::<true>(bytes), plain.len(), "{text}");
                }
                for control in ['\0', '\u{1f}', '\n'] {
                    let text = format!("{plain}{control}!\"{tail}");
                    let bytes = text.as_bytes();
                    assert_eq!(plain_length::<false>(bytes), plain.len() + 2, "{text}");
                    assert_eq!(plain_length::<true>(bytes), plain.len(), "{text}");
                }
            }
            assert_eq!(plain_length::<false>(plain.as_bytes()), plain.len());
            assert_eq!(plain_length::<true>(plain.as_bytes()), plain.len());
        }
    }

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
        fields.set_texts("no texts", [].into_iter());
        fields.set_texts("more", [("a", "\""), ("b", "")].into_iter());
        assert_eq!(
            fields.into_object(),
            r#"{"none":[],"texts":["a\"b","\n"],"empty":{},"yes":true,"no":false,"inner":{"a":"é","b":1.0},"no texts":{},"more":{"a":"\"","b":""}}"#
        );
        let span = Span { start: 1, end: 4 };
        let value = Edited::new("x[1]y", span, Edits::default());
        assert_eq!(
            Fields::default().into_object_with("long", &value),
            br#"{"long":[1]}"#
        );
    }

    #[test]
    fn edits_leave_everything_else_as_it_was() {
        let text = r#"{ "empty": [ ], "some":[1.0, 2 ],"first":[ 1],"null":null , "x":{"y":1},"first of none":[ ],"e":{ }}"#;
        let mut edits = Edits::default();
        let mut fields = Fields::default();
        let items = ["8", "9"];
        Reader::new(text)
            .object("an object", |key, reader| {
                let end = if key.starts_with("first") {
                    End::Front
                } else {
                    End::Back
                };
                if key == "x" || key == "e" {
                    let mut new = Fields::default();
                    new.set("z", &"2").expect("JSON");
                    new.set_json("w", "3");
                    let object =
                        reader.object("an object", |_, reader| reader.skip().map(|_| ()))?;
                    edits.add_fields(object.expect("an object"), new);
                    return Ok(());
                }
                let list = reader.items("a list", |_, reader| reader.skip())?;
                edits.add_items(list.place, key, end, &items, &mut fields);
                Ok(())
            })
            .expect("an object");
        edits.add_items(Place::Missing, "new", End::Front, &items, &mut fields);
        edits.add_items(Place::Missing, "none", End::Back, &[], &mut fields);
        assert!(!edits.is_empty());
        assert_eq!(fields.into_object(), r#"{"new":[8,9]}"#);
        assert_eq!(
            applied(text, edits),
            r#"{ "empty": [ 8,9], "some":[1.0, 2 ,8,9],"first":[8,9, 1],"null":[8,9] , "x":{"y":1,"z":"2","w":3},"first of none":[8,9 ],"e":{ "z":"2","w":3}}"#
        );
    }

    #[test]
    fn adding_no_fields_is_no_change() {
        let mut edits = Edits::default();
        let span = Span { start: 0, end: 2 };
        let is_empty = true;
        edits.add_fields(Collection { span, is_empty }, Fields::default());
        assert!(edits.is_empty());
    }

    #[test]
    fn edits_outside_the_text_change_nothing() {
        let mut edits = Edits::default();
        edits.replace(Span { start: 90, end: 99 }, "x".to_owned());
        assert_eq!(applied("[1]", edits), "[1]");
    }
}
