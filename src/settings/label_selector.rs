//! Label selectors.

use super::faults::Faults;
use super::shape::{Fields, Shape};
use crate::values;

/// A `LabelSelector`.
pub const SHAPE: Shape = Shape::Object(
    &[
        (
            "matchLabels",
            Shape::Map {
                key: values::label_key,
                known: &[],
                value: &Shape::Text(values::label_value),
            },
        ),
        ("matchExpressions", Shape::List(&EXPRESSION)),
    ],
    |_, _| {},
);

const EXPRESSION: Shape = Shape::Object(
    &[
        ("key", Shape::Text(values::label_key)),
        (
            "operator",
            Shape::OneOf(&["In", "NotIn", "Exists", "DoesNotExist"]),
        ),
        ("values", Shape::List(&Shape::Text(values::label_value))),
    ],
    check,
);

/// An expression has a key and an operator, and values only with two of the operators.
fn check(faults: &mut Faults, expression: Fields<'_>) {
    if expression.get("key").is_none() {
        faults.missing(expression.prefix, "key", values::LABEL_KEY, None);
    }
    let values = expression.get("values");
    // Its items are strings.
    let is_empty = values.is_none_or(|values| !values.contains('"'));
    let setting = expression.setting("values", values.unwrap_or_default());
    match expression.get("operator") {
        None => {
            let operators = "In, NotIn, Exists or DoesNotExist";
            faults.missing(expression.prefix, "operator", operators, None);
        }
        Some("\"In\"" | "\"NotIn\"") if is_empty => {
            let found = values.map_or("nothing", |_| "an empty list");
            faults.expected_but(setting, "one value at least for this operator", found);
        }
        Some("\"Exists\"" | "\"DoesNotExist\"") if !is_empty => {
            faults.expected(setting, "no values for this operator");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests;

    fn members(selector: &str) -> String {
        let endpoint =
            r#""annotationSuffix":"a","audience":"b","azureKubernetesCACTBSignerName":"a.b/c""#;
        let selector = format!(r#""azureKubernetesCACTBLabelSelector":{selector}"#);
        format!(r#""customTokenEndpoint":{{{endpoint},{selector}}}"#)
    }

    /// The faults, each without the words that are the same in all of them.
    #[track_caller]
    fn rejects(selector: &str, faults: &[&str]) {
        let setting = "setting customTokenEndpoint.azureKubernetesCACTBLabelSelector";
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| format!("{setting}{fault}"))
            .collect();
        tests::rejects_members(&members(selector), &faults);
    }

    #[test]
    fn selectors_are_those_that_kubernetes_accepts() {
        for selector in [
            "{}",
            r#"{"matchLabels":null,"matchExpressions":null}"#,
            r#"{"matchLabels":{},"matchExpressions":[]}"#,
            r#"{"matchLabels":{"a":"","example.com/A_b.c":"A_b.c-9"}}"#,
            r#"{"matchExpressions":[{"key":"a","operator":"In","values":["b",""]}]}"#,
            r#"{"matchExpressions":[{"key":"a.b/c","operator":"NotIn","values":["b"]}]}"#,
            r#"{"matchExpressions":[{"key":"a","operator":"Exists"}]}"#,
            r#"{"matchExpressions":[{"key":"a","operator":"DoesNotExist","values":[]}]}"#,
            r#"{"matchExpressions":[{"key":"a","operator":"Exists","values":null}]}"#,
        ] {
            tests::accepts_one(&members(selector));
        }
    }

    #[test]
    fn labels_are_those_of_kubernetes() {
        let key = "expected a label key such as app or example.com/app";
        let value = "expected a label value: at most 63 letters, digits, and inner hyphens, dots and underscores";
        rejects(
            r#"{"matchLabels":{"a":1,"a b":"c","a.b/c":"x y","":"","A.b/c":"","a/b/c":"","d":null," e":"-"}}"#,
            &[
                &format!(".matchLabels.a: {value}, found 1"),
                &format!(r#".matchLabels: {key}, found "a b""#),
                &format!(r#".matchLabels[a.b/c]: {value}, found "x y""#),
                &format!(r#".matchLabels: {key}, found """#),
                &format!(r#".matchLabels: {key}, found "A.b/c""#),
                &format!(r#".matchLabels: {key}, found "a/b/c""#),
                &format!(".matchLabels.d: {value}, found null"),
                &format!(
                    r#".matchLabels: {key}, found " e"; help: remove the white space around it"#
                ),
            ],
        );
        let long = "a".repeat(64);
        let shown = format!("{}...{}", "a".repeat(29), "a".repeat(28));
        rejects(
            &format!(r#"{{"matchLabels":{{"{long}":"","a":"{long}"}}}}"#),
            &[
                &format!(r#".matchLabels: {key}, found "{shown}""#),
                &format!(r#".matchLabels.a: {value}, found "{shown}""#),
            ],
        );
    }

    #[test]
    fn expressions_have_what_their_operator_wants() {
        let operators = "expected one of In, NotIn, Exists, DoesNotExist";
        rejects(
            r#"{"matchExpressions":[
                {"key":"a","operator":"Bogus"},
                {"key":"a","operator":"exists"},
                "x",
                null,
                {"key":"a","operator":"In"},
                {"key":"a","operator":"NotIn","values":[]},
                {"key":"a","operator":"Exists","values":["x"]},
                {"key":"a","operator":"DoesNotExist","values":"x"},
                {"kex":"a","operator":"NotIn","values":["",5]},
                {"key":5,"operator":null,"values":[null]}
            ]}"#,
            &[
                &format!(r#".matchExpressions[0].operator: {operators}, found "Bogus""#),
                &format!(
                    r#".matchExpressions[1].operator: {operators}, found "exists"; help: did you mean Exists?"#
                ),
                ".matchExpressions[2]: expected an object, found a string",
                ".matchExpressions[3].key: required: expected a label key such as app or example.com/app, found nothing",
                ".matchExpressions[3].operator: required: expected In, NotIn, Exists or DoesNotExist, found nothing",
                ".matchExpressions[4].values: expected one value at least for this operator, found nothing",
                ".matchExpressions[5].values: expected one value at least for this operator, found an empty list",
                ".matchExpressions[6].values: expected no values for this operator, found a list",
                r#".matchExpressions[7].values: expected a list, found "x""#,
                r#".matchExpressions[7].values: expected no values for this operator, found "x""#,
                ".matchExpressions[8].kex: there is no such setting; help: did you mean customTokenEndpoint.azureKubernetesCACTBLabelSelector.matchExpressions[8].key?",
                ".matchExpressions[8].values[1]: expected a label value: at most 63 letters, digits, and inner hyphens, dots and underscores, found 5",
                ".matchExpressions[9].key: expected a label key such as app or example.com/app, found 5",
                ".matchExpressions[9].values[0]: expected a label value: at most 63 letters, digits, and inner hyphens, dots and underscores, found null",
                ".matchExpressions[9].operator: required: expected In, NotIn, Exists or DoesNotExist, found nothing",
            ],
        );
        rejects(
            r#"{"matchLabels":5,"matchExpressions":{},"matchLabel":{}}"#,
            &[
                ".matchLabels: expected an object, found 5",
                ".matchExpressions: expected a list, found an object",
                ".matchLabel: there is no such setting; help: did you mean customTokenEndpoint.azureKubernetesCACTBLabelSelector.matchLabels?",
            ],
        );
    }
}
