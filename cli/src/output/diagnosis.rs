//! A diagnosis as output.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;
use serde::Serialize;

use super::colours::{BOLD, CYAN, FAINT, GREEN, PLAIN, RED, YELLOW};
use super::count;
use super::json::escaped;
use super::text::Page;
use crate::commands::diagnose::{Diagnosis, Fact, Format};
use crate::commands::preview::names::shortened;

/// Writes a diagnosis in a format.
///
/// # Errors
///
/// What the output reports.
pub fn write(
    output: &mut impl Write,
    diagnosis: &Diagnosis,
    format: Format,
    width: Option<usize>,
) -> io::Result<()> {
    match format {
        Format::Text => write_text(output, diagnosis, width)?,
        Format::Json => write_json(output, diagnosis)?,
    }
    output.flush()
}

fn write_text(
    output: &mut impl Write,
    diagnosis: &Diagnosis,
    width: Option<usize>,
) -> io::Result<()> {
    let mut page = Page { output, width };
    page.item("", BOLD, &diagnosis.error, Some(&diagnosis.meaning))?;
    for (title, facts) in [
        ("presented", &diagnosis.presented),
        ("expected", &diagnosis.expected),
    ] {
        if !facts.is_empty() {
            page.item("  ", FAINT, title, None)?;
        }
        for fact in facts {
            page.item("    ", PLAIN, fact.label, Some(&described(fact)))?;
        }
    }
    let judgement = &diagnosis.judgement;
    let (style, label): (Style, _) = match &judgement.cause {
        Some(cause) => {
            page.item("  ", RED, "cause", Some(&cause.text))?;
            (GREEN, "fix")
        }
        None => {
            page.item("  ", YELLOW, "cause", Some("not found"))?;
            (CYAN, "next")
        }
    };
    for help in &judgement.help {
        page.item("  ", style, label, Some(help))?;
    }
    if !diagnosis.others.is_empty() {
        let others = count(diagnosis.others.len(), "other error");
        let text = format!("{others} in the text: {}", shortened(&diagnosis.others));
        page.item("  ", FAINT, "note", Some(&text))?;
    }
    Ok(())
}

/// The value of a fact, and where it comes from.
fn described(fact: &Fact) -> String {
    match &fact.source {
        Some(source) => format!("{} ({source})", fact.value),
        None => fact.value.clone(),
    }
}

/// What `-o json` prints. Programs rely on it: fields may be added, not changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'d> {
    error: &'d str,
    meaning: &'d str,
    presented: BTreeMap<String, Vec<&'d str>>,
    expected: BTreeMap<String, Vec<&'d str>>,
    /// `null` if it was not found.
    cause: Option<NamedCause<'d>>,
    /// What to do; without a cause, what to look at next.
    help: &'d [String],
    other_errors: &'d [String],
}

#[derive(Serialize)]
struct NamedCause<'d> {
    rule: &'d str,
    message: &'d str,
}

fn write_json(output: &mut impl Write, diagnosis: &Diagnosis) -> io::Result<()> {
    let cause = diagnosis.judgement.cause.as_ref();
    let document = Document {
        error: &diagnosis.error,
        meaning: &diagnosis.meaning,
        presented: by_key(&diagnosis.presented),
        expected: by_key(&diagnosis.expected),
        cause: cause.map(|cause| NamedCause {
            rule: cause.rule,
            message: &cause.text,
        }),
        help: &diagnosis.judgement.help,
        other_errors: &diagnosis.others,
    };
    let text = serde_json::to_string_pretty(&document)?;
    writeln!(output, "{}", escaped(&text))
}

/// Facts by what they are, in the usual form of keys.
fn by_key(facts: &[Fact]) -> BTreeMap<String, Vec<&str>> {
    let mut by_key: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for fact in facts {
        let mut words = fact.label.split(' ');
        let mut key = words.next().unwrap_or_default().to_owned();
        for word in words {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            key.push_str(&first.to_uppercase());
            key.push_str(rest);
        }
        by_key.entry(key).or_default().push(&fact.value);
    }
    by_key
}
