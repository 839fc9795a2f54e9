//! Whether a pod is for Windows nodes.

use crate::json::{Fault, Reader};

/// The labels by which nodes say what they run on.
const LABELS: [(&str, &str); 2] = [
    ("kubernetes.io/os", "nodeSelector[\"kubernetes.io/os\"]"),
    (
        "beta.kubernetes.io/os",
        "nodeSelector[\"beta.kubernetes.io/os\"]",
    ),
];

const WINDOWS: &str = "windows";

/// The field of a pod's spec that asks for a Windows node, if one does; each is given as JSON.
///
/// # Errors
///
/// A [`Fault`] if one of the fields has the wrong type.
pub fn field(
    os: Option<&str>,
    node_selector: Option<&str>,
    affinity: Option<&str>,
) -> Result<Option<&'static str>, Fault> {
    let mut found = None;
    let mut reader = Reader::new(os.unwrap_or("null"));
    let read = reader.object("an operating system", |key, reader| {
        if key == "name" && reader.optional_string("a name")?.as_deref() == Some(WINDOWS) {
            found = Some("os.name");
        } else if key != "name" {
            reader.skip()?;
        }
        Ok(())
    });
    read.map_err(|fault| fault.in_field("os"))?;
    let mut reader = Reader::new(node_selector.unwrap_or("null"));
    let read = reader.object("an object of strings", |key, reader| {
        match LABELS.iter().find(|(label, _)| *label == key) {
            Some((_, path)) => {
                if reader.optional_string("a string")?.as_deref() == Some(WINDOWS) {
                    found = found.or(Some(*path));
                }
            }
            None => {
                reader.skip()?;
            }
        }
        Ok(())
    });
    read.map_err(|fault| fault.in_field("nodeSelector"))?;
    if found.is_none() && affinity.is_some_and(asks_for_windows) {
        found = Some("affinity.nodeAffinity");
    }
    Ok(found)
}

/// Whether every term of the required node affinity asks for Windows. What has the wrong type is left to Kubernetes.
fn asks_for_windows(affinity: &str) -> bool {
    let mut count = 0_usize;
    let mut windows = 0_usize;
    let path = [
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    ];
    let read = at_path(&mut Reader::new(affinity), &path, &mut |terms| {
        terms.list("a list of terms", |_, term| {
            let mut is_windows = false;
            at_path(term, &["matchExpressions"], &mut |requirements| {
                requirements.list("a list of requirements", |_, requirement| {
                    is_windows |= is_windows_requirement(requirement)?;
                    Ok(())
                })?;
                Ok(())
            })?;
            count = count.saturating_add(1);
            windows = windows.saturating_add(usize::from(is_windows));
            Ok(())
        })?;
        Ok(())
    });
    read.is_ok() && count > 0 && windows == count
}

/// Reads what is at this path of an object; the rest is skipped.
fn at_path(
    reader: &mut Reader<'_>,
    path: &[&str],
    read: &mut dyn FnMut(&mut Reader<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some((first, rest)) = path.split_first() else {
        return read(reader);
    };
    reader.object("an object", |key, reader| {
        if key == *first {
            return at_path(reader, rest, read);
        }
        reader.skip().map(|_| ())
    })?;
    Ok(())
}

fn is_windows_requirement(reader: &mut Reader<'_>) -> Result<bool, Fault> {
    let mut is_of_os = false;
    let mut is_in = false;
    let mut values = 0_usize;
    let mut others = false;
    reader.object("a requirement", |key, reader| {
        match key {
            "key" => {
                let text = reader.string("a key")?;
                is_of_os = LABELS.iter().any(|(label, _)| *label == text);
            }
            "operator" => is_in = reader.string("an operator")? == "In",
            "values" => {
                reader.list("a list of values", |_, reader| {
                    values = values.saturating_add(1);
                    others |= reader.string("a value")? != WINDOWS;
                    Ok(())
                })?;
            }
            _ => {
                reader.skip()?;
            }
        }
        Ok(())
    })?;
    Ok(is_of_os && is_in && values > 0 && !others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_asks_for_windows_is_found() {
        let affinity = |terms: &str| {
            format!(
                r#"{{"nodeAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":{{"nodeSelectorTerms":{terms}}}}}}}"#
            )
        };
        let term = |key: &str, operator: &str, values: &str| {
            format!(
                r#"{{"matchExpressions":[{{"key":"{key}","operator":"{operator}","values":{values}}}]}}"#
            )
        };
        let windows = term("kubernetes.io/os", "In", r#"["windows"]"#);
        let either = term("kubernetes.io/os", "In", r#"["windows","linux"]"#);
        let not = term("kubernetes.io/os", "NotIn", r#"["windows"]"#);
        let beta = r#"nodeSelector["beta.kubernetes.io/os"]"#;
        for (os, selector, terms, expected) in [
            ("null", "null", String::new(), None),
            (
                r#"{"name":"linux"}"#,
                r#"{"kubernetes.io/os":"linux"}"#,
                String::new(),
                None,
            ),
            (
                r#"{"name":"windows"}"#,
                "{}",
                String::new(),
                Some("os.name"),
            ),
            (
                "null",
                r#"{"a":"windows","beta.kubernetes.io/os":"windows"}"#,
                String::new(),
                Some(beta),
            ),
            (
                "null",
                "null",
                format!("[{windows}]"),
                Some("affinity.nodeAffinity"),
            ),
            (
                "null",
                "null",
                format!("[{windows},{windows}]"),
                Some("affinity.nodeAffinity"),
            ),
            ("null", "null", format!("[{windows},{either}]"), None),
            ("null", "null", format!("[{either}]"), None),
            ("null", "null", format!("[{not}]"), None),
            ("null", "null", "[]".to_owned(), None),
            ("null", "null", "5".to_owned(), None),
        ] {
            let affinity = affinity(&terms);
            let affinity = (!terms.is_empty()).then_some(&*affinity);
            let found = field(Some(os), Some(selector), affinity);
            assert_eq!(found, Ok(expected), "{os} {selector} {terms}");
        }
        for (os, selector, fault) in [
            (
                "5",
                "null",
                "os: expected an operating system, found a number",
            ),
            (
                "null",
                "[]",
                "nodeSelector: expected an object of strings, found a list",
            ),
        ] {
            let found = field(Some(os), Some(selector), None).expect_err("a fault");
            assert_eq!(found.to_string(), fault);
        }
    }
}
