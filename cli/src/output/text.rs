//! A preview as text for people.

use std::io::{self, Write};

use anstyle::Style;
use similar::{ChangeTag, TextDiff};
use textwrap::{Options, WordSeparator, WordSplitter};

use super::colours::{BOLD, CYAN, FAINT, GREEN, PLAIN, RED, YELLOW};
use super::machine::label_of;
use super::yaml;
use crate::commands::preview::{Kind, Preview, PreviewOutcome};
use crate::text::printable;

/// The lines of a pod that is shown as a whole.
const SMALL: usize = 60;

/// The lines around a change in a pod that is not shown as a whole.
const CONTEXT: usize = 3;

/// The columns before a line of a pod.
const MARGIN: usize = 3;

/// The narrowest terminal that lines are wrapped for.
const NARROWEST: usize = 20;

/// Writes one preview; if `quiet`, only its problems.
pub fn write(
    output: &mut impl Write,
    preview: &Preview,
    quiet: bool,
    width: Option<usize>,
) -> io::Result<()> {
    let mut page = Page { output, width };
    let title = printable(&preview.title());
    let origin = printable(&preview.origin.to_string());
    writeln!(
        page.output,
        "{BOLD}{title}{BOLD:#} {FAINT}({origin}){FAINT:#}"
    )?;
    let is_held_back = preview.of_kind(Kind::Monitor).next().is_some();
    match preview.outcome() {
        PreviewOutcome::Mutated => {
            page.item("  ", GREEN, "mutated", preview.created_pods().as_deref())?;
        }
        PreviewOutcome::Unchanged if quiet || is_held_back => {}
        PreviewOutcome::Unchanged => page.item("  ", PLAIN, "unchanged", None)?,
        PreviewOutcome::Rejected { .. } => {}
    }
    let mut shown = Vec::new();
    for problem in &preview.problems {
        let mut answers = preview.answers();
        let message = answers.find_map(|answer| {
            let is_of_policy = answer.policy == problem.policy;
            answer.message_of_manifest().filter(|_| is_of_policy)
        });
        if let Some(message) = message.filter(|_| problem.kind == Kind::Rejection)
            && !shown.contains(&&problem.policy)
        {
            page.item("  ", RED, &label_of(problem), Some(message))?;
            shown.push(&problem.policy);
        }
        let (style, label) = match problem.kind {
            Kind::Rejection if message.is_some() => (RED, "cause".to_owned()),
            Kind::Rejection => (RED, label_of(problem)),
            Kind::Monitor | Kind::Warning => (YELLOW, label_of(problem)),
            Kind::Hint => (CYAN, label_of(problem)),
        };
        let place = &problem.place;
        let place = if place.file == preview.origin.file {
            format!("line {}", place.line)
        } else {
            format!("{}:{}", place.file, place.line)
        };
        let label = format!("{label}, {}", printable(&place));
        page.item("  ", style, &label, Some(&problem.text))?;
    }
    let mut number = 0_usize;
    for (policy, steps) in preview.explanations() {
        let policy = policy.map_or_else(String::new, |policy| format!("policy {policy}"));
        page.item("  ", CYAN, "why", Some(&policy))?;
        for step in steps {
            number = number.saturating_add(1);
            let number = format!("    {number}. ");
            page.item(&number, PLAIN, "", Some(&step.to_string()))?;
        }
        number = 0;
    }
    if !quiet {
        for reviewed in preview.reviews.iter().filter(|reviewed| reviewed.is_whole) {
            if let Some(mutated) = reviewed.mutated() {
                if !preview.several_pods().is_empty() {
                    page.item("  ", PLAIN, "", Some(&format!("{}:", reviewed.title)))?;
                }
                page.diff(&yaml(&reviewed.object)?, &yaml(mutated)?)?;
            }
        }
    }
    writeln!(page.output)
}

pub(super) struct Page<'o, W> {
    pub(super) output: &'o mut W,
    pub(super) width: Option<usize>,
}

impl<W: Write> Page<'_, W> {
    /// Writes `text` after `indent` and a coloured `label`; what does not fit into the first line is indented more.
    pub(super) fn item(
        &mut self,
        indent: &str,
        style: Style,
        label: &str,
        text: Option<&str>,
    ) -> io::Result<()> {
        let text = printable(
            text.map_or(label.to_owned(), |text| match label {
                "" => text.to_owned(),
                label => format!("{label}: {text}"),
            })
            .trim_end(),
        );
        let hanging = " ".repeat(indent.len().max(4));
        let lines = text.lines().enumerate().flat_map(|(index, line)| {
            let first = if index == 0 { indent } else { &hanging };
            self.wrap(line, 0, first, &hanging)
        });
        let lines: Vec<String> = lines.collect();
        for (index, line) in lines.iter().enumerate() {
            match line
                .strip_prefix(indent)
                .and_then(|line| line.strip_prefix(label))
            {
                Some(rest) if index == 0 => {
                    writeln!(self.output, "{indent}{style}{label}{style:#}{rest}")?;
                }
                _ => writeln!(self.output, "{line}")?,
            }
        }
        Ok(())
    }

    /// The lines that `line` fills, next to `margin` columns that are taken.
    fn wrap(&self, line: &str, margin: usize, first: &str, hanging: &str) -> Vec<String> {
        let Some(width) = self.width else {
            return vec![format!("{first}{line}")];
        };
        let options = Options::new(width.max(NARROWEST).saturating_sub(margin))
            .initial_indent(first)
            .subsequent_indent(hanging)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        textwrap::wrap(line, options)
            .into_iter()
            .map(|line| line.into_owned())
            .collect()
    }

    /// Writes how `after` differs from `before`.
    pub(super) fn diff(&mut self, before: &str, after: &str) -> io::Result<()> {
        let diff = TextDiff::from_lines(before, after);
        let whole = after.lines().count().max(before.lines().count()) <= SMALL;
        let context = if whole { SMALL } else { CONTEXT };
        let sections = if whole { Vec::new() } else { sections(after) };
        for hunk in diff.unified_diff().context_radius(context).iter_hunks() {
            if !whole {
                let changes = hunk.iter_changes();
                let changes = changes.filter(|change| change.tag() != ChangeTag::Equal);
                let changed: Vec<_> = changes.filter_map(|change| change.new_index()).collect();
                let parts = parts_of(&sections, &changed);
                let header = printable(&format!("{} {parts}", hunk.header()));
                writeln!(self.output, "  {CYAN}{}{CYAN:#}", header.trim_end())?;
            }
            for change in hunk.iter_changes() {
                let (style, sign) = match change.tag() {
                    ChangeTag::Equal => (PLAIN, ' '),
                    ChangeTag::Delete => (RED, '-'),
                    ChangeTag::Insert => (GREEN, '+'),
                };
                let line = printable(change.value().trim_end_matches('\n'));
                for line in self.wrap(
                    &line,
                    MARGIN,
                    "",
                    &" ".repeat(indentation(&line).saturating_add(4)),
                ) {
                    writeln!(self.output, "  {style}{sign}{line}{style:#}")?;
                }
            }
        }
        Ok(())
    }
}

/// A part of a pod: the lines that it begins and ends with, counted from 0, and its name.
type Section = (usize, usize, String);

/// The containers of a pod in YAML, as it is written here, and its volumes.
fn sections(pod: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut list = "";
    for (index, line) in pod.lines().enumerate() {
        let field = line.strip_prefix("  ");
        match field.filter(|field| !field.starts_with([' ', '-'])) {
            Some(field) => {
                list = match field {
                    "containers:" => "container",
                    "initContainers:" => "init container",
                    "volumes:" => "volumes",
                    _ => "",
                };
                if list == "volumes" {
                    sections.push((index, index, list.to_owned()));
                }
                continue;
            }
            None if field.is_none() => list = "",
            None => {}
        }
        if list.is_empty() {
            continue;
        }
        if line.starts_with("  - ") && list != "volumes" {
            sections.push((index, index, list.to_owned()));
        }
        if let Some((_, end, name)) = sections.last_mut() {
            *end = index;
            let own = line
                .strip_prefix("  - name: ")
                .or(line.strip_prefix("    name: "));
            if let Some(own) = own.filter(|_| list != "volumes" && name == list) {
                *name = format!("{list} {own}");
            }
        }
    }
    sections
}

/// The names of the sections with these lines.
fn parts_of(sections: &[Section], lines: &[usize]) -> String {
    let is_changed =
        |(start, end, _): &&Section| lines.iter().any(|line| (start..=end).contains(&line));
    let names = sections
        .iter()
        .filter(is_changed)
        .map(|(_, _, name)| name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

fn indentation(line: &str) -> usize {
    line.len().saturating_sub(line.trim_start().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_parts_of_a_pod() {
        let pod = "kind: Pod
metadata:
  labels:
  - name: not a container
spec:
  initContainers:
  - name: setup
    env:
    - name: A
      value: b
  serviceAccountName: x
  containers:
  - image: i
    name: app
  - args:
    - x
  volumes:
  - name: v
    emptyDir: {}
status: {}
";
        let sections = sections(pod);
        let named = |lines: &[usize]| parts_of(&sections, lines);
        assert_eq!(named(&[8]), "init container setup");
        assert_eq!(named(&[12, 13]), "container app");
        assert_eq!(
            named(&[9, 15, 18]),
            "init container setup, container, volumes"
        );
        assert_eq!(named(&[0, 3, 10, 19]), "");
    }
}
