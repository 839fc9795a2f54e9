//! Previews as a report of tests in JUnit's XML: a suite for each file, and in it a case for each object.
//!
//! What servers read was never standardised. This is what Jenkins' schema allows, without times, so that the same
//! manifests give the same report.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::failure::FailOn;
use super::machine::label_of;
use crate::commands::preview::{Kind, Preview, Problem};
use crate::text::printable;

/// The name of the report.
const NAME: &str = "azwi-policy preview";

/// The name of the suite of what kept manifests from being read.
const ERRORS: &str = "azwi-policy";

/// What is written at the end, when the numbers are known.
#[derive(Debug)]
pub struct Junit {
    fail_on: FailOn,
    suites: Vec<Suite>,
}

/// The objects of a file.
#[derive(Debug)]
struct Suite {
    file: String,
    cases: Vec<Case>,
    /// How many objects have a title.
    titles: BTreeMap<String, usize>,
}

/// An object.
#[derive(Debug)]
struct Case {
    class: String,
    name: String,
    failure: Option<Failure>,
    /// What the policies say, whether it counts or not.
    output: String,
}

/// Why a case fails.
#[derive(Debug)]
struct Failure {
    kind: &'static str,
    message: String,
    reasons: String,
}

impl Junit {
    pub fn new(fail_on: FailOn) -> Self {
        Self {
            fail_on,
            suites: Vec::new(),
        }
    }

    /// Adds the case of an object.
    pub fn add(&mut self, preview: &Preview) {
        let file = &preview.origin.file;
        if self.suites.last().is_none_or(|suite| suite.file != *file) {
            self.suites.push(Suite {
                file: file.clone(),
                cases: Vec::new(),
                titles: BTreeMap::new(),
            });
        }
        let Some(suite) = self.suites.last_mut() else {
            return;
        };
        let title = preview.title();
        let count = suite.titles.entry(title.clone()).or_default();
        *count = count.saturating_add(1);
        // Servers tell the cases of a suite apart by their names.
        let name = match *count {
            1 => title,
            count => format!("{title} ({count})"),
        };
        let said = |is_meant: &dyn Fn(Kind) -> bool| -> String {
            let problems = preview.problems.iter();
            let meant = problems.filter(|problem| is_meant(problem.kind));
            meant.map(line).collect()
        };
        let counting = |kind| self.fail_on.counts(kind);
        suite.cases.push(Case {
            class: format!("{}.{}", preview.namespace, preview.kind),
            name,
            failure: self.fail_on.reason(preview).map(|(kind, message)| Failure {
                kind: kind.name(),
                message: message.to_owned(),
                reasons: said(&counting),
            }),
            output: said(&|kind| kind != Kind::Rejection),
        });
    }

    /// Writes the report. `errors` are what kept manifests from being read: such a run is not without failures.
    pub fn write(&self, output: &mut impl Write, errors: &[String]) -> io::Result<()> {
        let failures = |suite: &Suite| {
            let cases = suite.cases.iter();
            cases.filter(|case| case.failure.is_some()).count()
        };
        let cases: usize = self.suites.iter().map(|suite| suite.cases.len()).sum();
        let tests = cases.saturating_add(errors.len()).to_string();
        let failed = self.suites.iter().map(failures).sum::<usize>().to_string();
        let mut writer = Writer::new_with_indent(&mut *output, b' ', 2);
        let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
        writer.write_event(Event::Decl(declaration))?;
        writer
            .create_element("testsuites")
            .with_attributes([
                ("name", NAME),
                ("tests", &tests),
                ("failures", &failed),
                ("errors", &errors.len().to_string()),
            ])
            .write_inner_content(|writer| {
                for suite in &self.suites {
                    let file = xml(&suite.file);
                    let tests = suite.cases.len();
                    let counts = [tests, failures(suite), 0];
                    write_suite(writer, &file, counts, |writer| {
                        suite.cases.iter().try_for_each(|case| case.write(writer))
                    })?;
                }
                if !errors.is_empty() {
                    let counts = [errors.len(), 0, errors.len()];
                    write_suite(writer, ERRORS, counts, |writer| {
                        let mut errors = (1_usize..).zip(errors);
                        errors.try_for_each(|(number, error)| {
                            write_error(writer, &format!("error {number}"), error)
                        })
                    })?;
                }
                Ok(())
            })?;
        writeln!(output)
    }
}

/// A problem as a line, which begins as compilers' messages do.
fn line(problem: &Problem) -> String {
    let place = &problem.place;
    let label = label_of(problem);
    format!("{}:{}: {label}: {}\n", place.file, place.line, problem.text)
}

/// Writes a suite with its numbers of tests, failures and errors.
fn write_suite<W: Write>(
    writer: &mut Writer<W>,
    name: &str,
    counts: [usize; 3],
    cases: impl FnOnce(&mut Writer<W>) -> io::Result<()>,
) -> io::Result<()> {
    let [tests, failures, errors] = counts.map(|count| count.to_string());
    let suite = writer.create_element("testsuite");
    suite
        .with_attributes([
            ("name", name),
            ("tests", &tests),
            ("failures", &failures),
            ("errors", &errors),
        ])
        .write_inner_content(cases)?;
    Ok(())
}

fn write_error<W: Write>(writer: &mut Writer<W>, name: &str, error: &str) -> io::Result<()> {
    let case = writer.create_element("testcase");
    case.with_attributes([("name", name), ("classname", ERRORS)])
        .write_inner_content(|writer| {
            let element = writer.create_element("error");
            let error = xml(error);
            element
                .with_attributes([("message", error.as_str()), ("type", "input")])
                .write_empty()?;
            Ok(())
        })?;
    Ok(())
}

impl Case {
    fn write<W: Write>(&self, writer: &mut Writer<W>) -> io::Result<()> {
        let (name, class) = (xml(&self.name), xml(&self.class));
        let case = writer
            .create_element("testcase")
            .with_attributes([("name", name.as_str()), ("classname", &class)]);
        if self.failure.is_none() && self.output.is_empty() {
            case.write_empty()?;
            return Ok(());
        }
        case.write_inner_content(|writer| {
            if let Some(failure) = &self.failure {
                let element = writer.create_element("failure");
                let (message, reasons) = (xml(&failure.message), xml(&failure.reasons));
                element
                    .with_attributes([("message", message.as_str()), ("type", failure.kind)])
                    .write_text_content(BytesText::new(&reasons))?;
            }
            if !self.output.is_empty() {
                let output = xml(&self.output);
                let element = writer.create_element("system-out");
                element.write_text_content(BytesText::new(&output))?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Text without the characters that XML has no place for.
fn xml(text: &str) -> String {
    printable(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use roxmltree::{Document, Node};

    use super::*;
    use crate::output::samples::{HOSTILE, preview, problem};

    fn written(junit: &Junit, errors: &[String]) -> String {
        let mut output = Vec::new();
        junit.write(&mut output, errors).unwrap();
        String::from_utf8(output).unwrap()
    }

    fn some() -> Vec<Problem> {
        vec![
            problem(Kind::Warning, "host-network", "w", "a.yaml", 2),
            problem(Kind::Hint, "idle-identity", "h", "a.yaml", 3),
        ]
    }

    #[test]
    fn a_file_is_a_suite_and_an_object_a_case() {
        let mut junit = Junit::new(FailOn::default());
        junit.add(&preview("a.yaml", "app", Vec::new()));
        junit.add(&preview("a.yaml", "app", some()));
        junit.add(&preview("b.yaml", "app", Vec::new()));
        assert_eq!(
            written(&junit, &[]),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="azwi-policy preview" tests="3" failures="0" errors="0">
  <testsuite name="a.yaml" tests="2" failures="0" errors="0">
    <testcase name="Pod web/app" classname="web.Pod"/>
    <testcase name="Pod web/app (2)" classname="web.Pod">
      <system-out>a.yaml:2: warning: w
a.yaml:3: hint[idle-identity]: h
</system-out>
    </testcase>
  </testsuite>
  <testsuite name="b.yaml" tests="1" failures="0" errors="0">
    <testcase name="Pod web/app" classname="web.Pod"/>
  </testsuite>
</testsuites>
"#
        );
    }

    #[test]
    fn what_makes_the_exit_status_1_is_a_failure() {
        let failures = |warnings, hints, problems: Vec<Problem>| {
            let mut junit = Junit::new(FailOn { warnings, hints });
            junit.add(&preview("a.yaml", "app", problems));
            let written = written(&junit, &[]);
            let document = Document::parse(&written).unwrap();
            let failure = document
                .descendants()
                .find(|node| node.has_tag_name("failure"));
            let root = document.root_element();
            let count = failure.iter().count().to_string();
            assert_eq!(root.attribute("failures"), Some(count.as_str()));
            failure.map(|failure| {
                let attribute = |name| failure.attribute(name).unwrap().to_owned();
                let text = failure.text().unwrap().to_owned();
                (attribute("type"), attribute("message"), text)
            })
        };
        let owned = |kind: &str, message: &str, text: &str| {
            Some((kind.to_owned(), message.to_owned(), text.to_owned()))
        };
        assert_eq!(failures(false, false, some()), None);
        assert_eq!(
            failures(true, false, some()),
            owned("warning", "w", "a.yaml:2: warning: w\n")
        );
        assert_eq!(
            failures(true, true, some()),
            owned(
                "warning",
                "w",
                "a.yaml:2: warning: w\na.yaml:3: hint[idle-identity]: h\n"
            )
        );
        let hints = some().split_off(1);
        assert_eq!(failures(true, false, hints.clone()), None);
        assert_eq!(
            failures(true, true, hints),
            owned("hint", "h", "a.yaml:3: hint[idle-identity]: h\n")
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let junit = Junit::new(FailOn::default());
        assert_eq!(
            written(&junit, &["a.yaml: no".to_owned(), "b <&> \"c\"".to_owned()]),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="azwi-policy preview" tests="2" failures="0" errors="2">
  <testsuite name="azwi-policy" tests="2" failures="0" errors="2">
    <testcase name="error 1" classname="azwi-policy">
      <error message="a.yaml: no" type="input"/>
    </testcase>
    <testcase name="error 2" classname="azwi-policy">
      <error message="b &lt;&amp;&gt; &quot;c&quot;" type="input"/>
    </testcase>
  </testsuite>
</testsuites>
"#
        );
    }

    #[test]
    fn no_text_breaks_the_document() {
        let mut junit = Junit::new(FailOn {
            warnings: true,
            hints: true,
        });
        let long = "x<".repeat(100_000);
        let problems = vec![
            problem(Kind::Warning, HOSTILE, HOSTILE, HOSTILE, 1),
            problem(Kind::Hint, HOSTILE, &long, HOSTILE, 1),
        ];
        junit.add(&preview(HOSTILE, HOSTILE, problems));
        let written = written(&junit, &[HOSTILE.to_owned()]);
        let document = Document::parse(&written).unwrap();
        let texts = |name| -> Vec<_> {
            let nodes = document.descendants();
            let nodes = nodes.filter(move |node: &Node| node.has_tag_name(name));
            nodes.filter_map(|node| node.text()).collect()
        };
        let shown = xml(HOSTILE);
        let place = format!("{shown}:1: ");
        let expected = format!("{place}warning: {shown}\n{place}hint[{shown}]: {long}\n");
        assert_eq!(texts("failure"), [expected.as_str()]);
        assert_eq!(texts("system-out"), [expected.as_str()]);
        let case = document
            .descendants()
            .find(|node| node.has_tag_name("testcase"));
        let name = case.and_then(|case| case.attribute("name"));
        let shown = xml(&HOSTILE.replace(['\r', '\n'], " "));
        assert_eq!(name, Some(format!("Pod web/{shown}").as_str()));
    }
}
