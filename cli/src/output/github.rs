//! Problems as workflow commands of GitHub Actions, which shows them beside the lines of a pull request.

use std::io::{self, Write};

use crate::commands::preview::{Kind, Preview};
use crate::text::printable;

/// Writes the problems of an object, a command each.
pub fn write(output: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let title = preview.title();
    for problem in &preview.problems {
        let command = match problem.kind {
            Kind::Rejection => "error",
            Kind::Monitor | Kind::Warning => "warning",
            Kind::Hint => "notice",
        };
        let place = &problem.place;
        // Annotations are of files as git names them.
        let file = place.file.strip_prefix("./").unwrap_or(&place.file);
        let title = match &problem.policy {
            Some(policy) => format!("{title} ({}, policy {policy})", problem.rule),
            None => format!("{title} ({})", problem.rule),
        };
        writeln!(
            output,
            "::{command} file={},line={},title={}::{}",
            property(file),
            place.line,
            property(&title),
            data(&problem.text)
        )?;
    }
    Ok(())
}

/// Writes what kept manifests from being read, a command each.
pub fn write_errors(output: &mut impl Write, errors: &[String]) -> io::Result<()> {
    for error in errors {
        writeln!(output, "::error title=azwi-policy::{}", data(error))?;
    }
    Ok(())
}

/// A message, escaped as `escapeData` of GitHub's toolkit does it.
fn data(text: &str) -> String {
    let text = printable(text);
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property, escaped as `escapeProperty` of GitHub's toolkit does it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::commands::preview::Problem;
    use crate::output::samples::{preview, problem};

    fn written(problems: Vec<Problem>) -> String {
        let mut output = Vec::new();
        write(&mut output, &preview("a.yaml", "app", problems)).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn each_kind_has_its_command() {
        let problems = vec![
            problem(Kind::Rejection, "port-taken", "port 80", "a.yaml", 1),
            problem(Kind::Monitor, "mode-monitor", "held back", "a.yaml", 2),
            problem(Kind::Warning, "host-network", "no network", "b.yaml", 3),
            problem(Kind::Hint, "idle-identity", "idle", "./c.yaml", 4),
        ];
        assert_eq!(
            written(problems),
            "\
::error file=a.yaml,line=1,title=Pod web/app (port-taken)::port 80
::warning file=a.yaml,line=2,title=Pod web/app (mode-monitor)::held back
::warning file=b.yaml,line=3,title=Pod web/app (host-network)::no network
::notice file=c.yaml,line=4,title=Pod web/app (idle-identity)::idle
"
        );
    }

    #[test]
    fn nothing_ends_a_command_or_a_property_early() {
        let mut hostile = problem(
            Kind::Rejection,
            "policy",
            "100 %\r\n::error::x, \u{1b}[31m",
            "50%, a:b\n\r/ü.yaml",
            1,
        );
        hostile.policy = Some("p, q:r".into());
        assert_eq!(
            written(vec![hostile]),
            "::error file=50%25%2C a%3Ab%0A\\r/ü.yaml,line=1,title=Pod web/app (policy%2C policy p%2C q%3Ar)\
             ::100 %25\\r%0A::error::x, \\u{1b}[31m\n"
        );
    }

    #[test]
    fn errors_have_no_place() {
        let mut output = Vec::new();
        let errors = ["a.yaml, line 1: 5 %\nmore".to_owned()];
        write_errors(&mut output, &errors).unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "::error title=azwi-policy::a.yaml, line 1: 5 %25%0Amore\n"
        );
    }
}
