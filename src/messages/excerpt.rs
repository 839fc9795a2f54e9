//! Pieces of users' texts.

use std::borrow::Cow;
use std::fmt;

/// How many bytes of a text are kept: as many as a name in Kubernetes may have.
const KEPT: usize = 253;

/// How many characters of a text are shown unless the formatter's precision says otherwise.
const SHOWN: usize = 60;

/// What stands for the part that is left out.
const ELLIPSIS: &str = "...";

/// A piece of a user's text for messages: a name, a path or a value.
///
/// It is cut when it is taken, so that what is kept of a request does not grow with it. It is shown in quotes, with control
/// characters escaped, and without its middle if it is longer than the formatter's precision (in characters,
/// 60 by default): names often differ at their ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    /// The text, cut to 253 bytes.
    pub fn new(text: &str) -> Self {
        if text.len() <= KEPT {
            return Self(text.to_owned());
        }
        let half = KEPT.saturating_sub(ELLIPSIS.len()) / 2;
        let head = text.get(..text.floor_char_boundary(half));
        let tail = text.get(text.ceil_char_boundary(text.len().saturating_sub(half))..);
        Self([head.unwrap_or_default(), ELLIPSIS, tail.unwrap_or_default()].concat())
    }

    /// Whether the whole text is this one.
    pub fn is(&self, text: &str) -> bool {
        self.0 == text
    }

    /// What was kept, control characters escaped: for audit annotations and log data, which have quotes of their own.
    pub fn text(&self) -> Cow<'_, str> {
        if self.0.contains(char::is_control) {
            let quoted = format!("{:?}", self.0);
            return Cow::Owned(quoted.trim_matches('"').to_owned());
        }
        Cow::Borrowed(&self.0)
    }

    /// The text without quotes, unless it could not be a name.
    pub fn bare(&self) -> impl fmt::Display {
        Bare(self)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = f.precision().unwrap_or(SHOWN);
        let quoted = format!("{:?}", self.0);
        // Without the quotes.
        let escaped = quoted.get(1..quoted.len().saturating_sub(1));
        write_shortened(f, "\"", escaped.unwrap_or_default(), "\"", shown)
    }
}

/// See [`Excerpt::bare`].
struct Bare<'e>(&'e Excerpt);

impl fmt::Display for Bare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Excerpt(text)) = self;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/[]".contains(&byte);
        if !text.bytes().all(is_plain) {
            return self.0.fmt(f);
        }
        // A name is shown whole unless there is a reason to shorten it.
        write_shortened(f, "", text, "", f.precision().unwrap_or(KEPT))
    }
}

/// Writes a text, without its middle if it has more characters than are shown.
fn write_shortened(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    text: &str,
    close: &str,
    shown: usize,
) -> fmt::Result {
    f.write_str(open)?;
    let length = text.chars().count();
    if length <= shown {
        f.write_str(text)?;
    } else {
        let kept = shown.saturating_sub(ELLIPSIS.len());
        let tail = kept / 2;
        let head = kept.saturating_sub(tail);
        let offset = |characters| {
            let offset = text.char_indices().nth(characters);
            offset.map_or(text.len(), |(offset, _)| offset)
        };
        f.write_str(text.get(..offset(head)).unwrap_or_default())?;
        f.write_str(ELLIPSIS)?;
        let tail = text.get(offset(length.saturating_sub(tail))..);
        f.write_str(tail.unwrap_or_default())?;
    }
    f.write_str(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_lose_their_middle_between_characters() {
        let text = |length| Excerpt::new(&"é".repeat(length)).to_string();
        assert_eq!(text(60), format!("\"{}\"", "é".repeat(60)));
        assert_eq!(
            text(61),
            format!("\"{}...{}\"", "é".repeat(29), "é".repeat(28))
        );
        assert_eq!(format!("{:.8}", Excerpt::new("0123456789")), "\"012...89\"");
        assert_eq!(format!("{:.2}", Excerpt::new("0123456789")), "\"...\"");
    }

    #[test]
    fn what_is_kept_does_not_grow_with_the_text() {
        for (text, kept) in [
            ("x".repeat(253), 253),
            ("x".repeat(254), 253),
            ("é".repeat(1000), 251),
        ] {
            assert_eq!(Excerpt::new(&text).text().len(), kept, "{}", text.len());
        }
    }

    #[test]
    fn quotes_and_control_characters_are_escaped() {
        let excerpt = Excerpt::new("a\"b\n\u{1b}[0m");
        assert_eq!(excerpt.to_string(), r#""a\"b\n\u{1b}[0m""#);
        assert_eq!(excerpt.bare().to_string(), r#""a\"b\n\u{1b}[0m""#);
        assert_eq!(excerpt.text(), r#"a\"b\n\u{1b}[0m"#);
        assert_eq!(Excerpt::new("a\"b").text(), "a\"b");
    }

    #[test]
    fn names_stand_without_quotes_where_they_can() {
        let name = "a".repeat(100);
        assert_eq!(Excerpt::new(&name).bare().to_string(), name);
        assert_eq!(format!("{:.5}", Excerpt::new(&name).bare()), "a...a");
        assert_eq!(Excerpt::new("a.b/c:d[0]").bare().to_string(), "a.b/c:d[0]");
        assert_eq!(Excerpt::new("a b").bare().to_string(), "\"a b\"");
    }
}
