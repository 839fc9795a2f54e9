//! Several texts as one stream of YAML documents.

use anyhow::{Result, bail};

use crate::input::manifests;

/// The texts in a row, each with its name. One alone stays as it is.
///
/// # Errors
///
/// Texts that would not be the same in a row.
pub fn joined(texts: &[(&str, &str)]) -> Result<String> {
    if let [(_, text)] = texts {
        return Ok((*text).to_owned());
    }
    let mut stream = String::new();
    let mut expected = Vec::new();
    for (name, text) in texts {
        let (plain, _) = manifests::without_marks(&(*text).into());
        let documents = manifests::documents_of(name, &plain)?;
        if manifests::is_json_file(name, &plain) {
            for document in &documents {
                stream.push_str("---\n");
                let own = plain.get(document.document.range());
                push_lines(&mut stream, own.unwrap_or_default());
            }
        } else {
            if !starts_document(&plain) {
                // Directives must not be taken for a part of the document before them.
                let has_directives = plain.starts_with('%');
                stream.push_str(if has_directives { "...\n" } else { "---\n" });
            }
            push_lines(&mut stream, &plain);
        }
        let values = documents.into_iter().map(|document| document.value);
        expected.extend(values);
    }
    let found = manifests::documents_of("output", &stream.as_str().into());
    let found = found.map(|found| found.into_iter().map(|document| document.value));
    if !found.is_ok_and(|found| found.eq(expected)) {
        bail!(
            "expected files that can be put one behind the other, found some that cannot; help: use --in-place, or name one file at \
             a time"
        );
    }
    Ok(stream)
}

fn push_lines(stream: &mut String, text: &str) {
    stream.push_str(text);
    if !text.is_empty() && !text.ends_with('\n') {
        stream.push('\n');
    }
}

/// Whether a text begins with the line that begins a document, but for comments.
fn starts_document(text: &str) -> bool {
    let mut lines = text.lines();
    let first = lines.find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    first.is_some_and(|line| {
        let rest = line.strip_prefix("---");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_set_apart() {
        for (texts, expected) in [
            (&[("a.yaml", "a: 1")][..], "a: 1"),
            (
                &[("a.json", "{\"a\": 1}\n{\"a\": 2}")],
                "{\"a\": 1}\n{\"a\": 2}",
            ),
            (
                &[
                    ("a.yaml", "a: 1"),
                    ("b.yaml", "# b\n---\nb: 1\r\n"),
                    ("c.yaml", "\u{feff}c: 1\n"),
                ],
                "---\na: 1\n# b\n---\nb: 1\r\n---\nc: 1\n",
            ),
            (
                &[
                    ("a.json", "{\"a\": 1}\n{\"a\": 2}"),
                    ("b.yaml", "b: 1\n---\nc: 1\n"),
                    ("c.yaml", ""),
                ],
                "---\n{\"a\": 1}\n---\n{\"a\": 2}\n---\nb: 1\n---\nc: 1\n---\n",
            ),
            (
                &[("a.yaml", "a: 1\n"), ("b.yaml", "%YAML 1.1\n---\nb: 1\n")],
                "---\na: 1\n...\n%YAML 1.1\n---\nb: 1\n",
            ),
        ] {
            assert_eq!(joined(texts).unwrap(), expected);
        }
    }

    #[test]
    fn what_would_become_another_value_is_refused() {
        // The scalar of the first has no line break at its end, and would get one.
        let error = joined(&[("a.yaml", "a: |\n  b"), ("b.yaml", "c: 1\n")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected files that can be put one behind the other, found some that cannot; help: use --in-place, or name one file at \
             a time"
        );
    }
}
