//! Previews for the tests of the formats.

use crate::commands::preview::{Answer, Kind, Place, Preview, Problem, Reviewed};
use crate::input::manifests::Origin;
use crate::kubewarden::response::AdmissionResponse;

/// Text that spells trouble in one format or another.
pub const HOSTILE: &str =
    "a \"b\" <c> & 'd' %0A, e: ü\u{1b}[31m\u{0}\r\n\u{85}\u{fffe}]]> 😀 {{ # - *x";

/// A pod of namespace `web` that was accepted as it is, with these problems.
pub fn preview(file: &str, name: &str, problems: Vec<Problem>) -> Preview {
    Preview {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: "web".to_owned(),
        name: name.to_owned(),
        origin: Origin {
            file: file.to_owned(),
            document: 1,
            item: None,
        },
        line: 1,
        reviews: Vec::new(),
        problems,
    }
}

pub fn problem(kind: Kind, rule: &str, text: &str, file: &str, line: usize) -> Problem {
    Problem {
        kind,
        policy: None,
        text: text.to_owned(),
        place: Place {
            file: file.to_owned(),
            line,
        },
        rule: rule.to_owned(),
    }
}

/// An object with these answers: the policy, the HTTP status if it rejects the object, and whether its mode is `monitor`.
pub fn answered(mut preview: Preview, answers: &[(Option<&str>, Option<u16>, bool)]) -> Preview {
    let answers = answers.iter().map(|(policy, code, is_monitored)| {
        let own = match code {
            Some(code) => AdmissionResponse::rejection("", "no".to_owned(), Some(*code)),
            None => AdmissionResponse::acceptance(""),
        };
        let mut answer = Answer::sample();
        answer.policy = policy.map(Into::into);
        if *is_monitored {
            answer.monitored = Some(own);
        } else {
            answer.response = own;
        }
        answer
    });
    let answers = answers.collect();
    preview.reviews = vec![Reviewed::sample(answers)];
    preview
}
