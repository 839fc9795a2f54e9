//! The places that messages name, in the form in which all of them do: `FILE, document N, item N, line N, column N: `.

use crate::input::manifests::documents_of;

/// The line in `text` that a message is about, if it is about this text, which it calls `name`, and names its place; of a whole
/// document, the line that it begins on.
pub fn place_of(message: &str, name: &str, text: &str) -> Option<Option<usize>> {
    let place = message.strip_prefix("cannot read ").unwrap_or(message);
    let place = place.strip_prefix(name)?;
    let (place, rest) = place.split_once(": ")?;
    if !place.is_empty() && !place.starts_with(", ") {
        return None;
    }
    let number = |what: &str| {
        let mut parts = place.split(", ");
        parts.find_map(|part| part.strip_prefix(what)?.parse::<usize>().ok())
    };
    if let Some(line) = number("line ").or_else(|| line_of_parser(rest)) {
        return Some(Some(line));
    }
    let document = number("document ");
    let line_of = |wanted: usize| {
        let documents = documents_of(name, &text.into()).ok()?;
        let mut documents = documents.iter();
        let written = documents.find(|written| written.origin.document == wanted)?;
        Some(written.document.first_line())
    };
    Some(document.and_then(line_of))
}

/// The line that a parser of YAML names at the end of its message.
fn line_of_parser(message: &str) -> Option<usize> {
    let (_, place) = message.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(" column ")?;
    column.parse::<usize>().ok()?;
    line.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_line() {
        let text = "kind: A\n---\n# nothing\n---\nkind: B\n";
        for (message, expected) in [
            ("a.yaml, document 3: expected", Some(Some(4))),
            ("a.yaml, document 9: expected", Some(None)),
            (
                "a.yaml, document 3, item 2, line 7: expected",
                Some(Some(7)),
            ),
            (
                "a.yaml, document 1, line 2, column 3: expected",
                Some(Some(2)),
            ),
            ("a.yaml: bad at line 4 column 1", Some(Some(4))),
            ("a.yaml: expected a pod", Some(None)),
            ("cannot read a.yaml: expected text", Some(None)),
            ("a.yaml.json, document 3: expected", None),
            ("b.yaml, document 3: expected", None),
            ("a.yaml", None),
            ("", None),
        ] {
            assert_eq!(place_of(message, "a.yaml", text), expected, "{message}");
        }
    }
}
