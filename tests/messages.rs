//! `docs/messages.md` has every message of the policy, word for word, and no other.

use std::{fs, path::Path};

use proc_macro2::{TokenStream, TokenTree};
use regex::Regex;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn docs() -> String {
    fs::read_to_string(root().join("docs/messages.md")).expect("docs/messages.md")
}

/// The messages as the docs have them, each with `<...>` for what differs.
fn templates() -> Vec<String> {
    let docs = docs();
    let blocks = docs.split("```text\n").skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned())
        .collect()
}

/// The pattern of a message, without anchors.
fn pattern(template: &str) -> String {
    let mut pattern = String::new();
    let mut rest = template;
    while let Some((fixed, tail)) = rest.split_once('<') {
        let (_, tail) = tail.split_once('>').expect("a closing bracket");
        pattern.push_str(&regex::escape(fixed));
        pattern.push_str(".+?");
        rest = tail;
    }
    pattern.push_str(&regex::escape(rest));
    pattern
}

/// The string literals of Rust code, without those of attributes and comments. `tests` tells whether to look into modules
/// for tests, or at the rest.
fn literals(tokens: TokenStream, tests: bool, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut is_for_tests = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if tokens.peek().is_some_and(|next| next.to_string() == "!") {
                    tokens.next();
                }
                let attribute = tokens.next().map(|next| next.to_string());
                is_for_tests |= attribute.as_deref() == Some("[cfg (test)]");
            }
            TokenTree::Group(group) => {
                if !is_for_tests {
                    literals(group.stream(), tests, found);
                } else if tests {
                    literals(group.stream(), false, found);
                }
                is_for_tests = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_for_tests = false,
            TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    found.push(text.value());
                }
            }
            _ => {}
        }
    }
}

fn rust_files(directory: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The string literals of the policy's code, or those of its tests.
fn literals_of_policy(tests: bool) -> Vec<String> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut found = Vec::new();
    for file in files {
        let is_test =
            file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs");
        if is_test && !tests {
            continue;
        }
        let code = fs::read_to_string(&file).expect("code");
        let tokens: TokenStream = code.parse().expect("tokens");
        literals(tokens, tests, &mut found);
    }
    assert!(found.len() > 100, "found {} literals only", found.len());
    found
}

/// The refusals and warnings that the vectors expect.
fn messages_of_vectors() -> Vec<String> {
    let mut messages = Vec::new();
    let mut take = |expected: &Value| {
        messages.extend(expected["message"].as_str().map(str::to_owned));
        for warning in expected["warnings"].as_array().into_iter().flatten() {
            messages.extend(warning.as_str().map(str::to_owned));
        }
    };
    let directory = root().join("test_data/vectors");
    for entry in fs::read_dir(&directory).expect("vectors") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("vectors");
        if path.ends_with("differences.json") {
            let differences: Value = serde_json::from_str(&text).expect("JSON");
            for difference in differences.as_object().expect("an object").values() {
                take(&difference["expected"]);
            }
        } else if !path.ends_with("webhook-v1.6.0.jsonl") {
            for line in text.lines() {
                let vector: Value = serde_json::from_str(line).expect("JSON");
                take(&vector["expected"]);
            }
        }
    }
    assert!(messages.len() > 50, "found {} messages", messages.len());
    messages
}

#[test]
fn every_message_of_the_vectors_is_documented() {
    let patterns: Vec<_> = templates().iter().map(|text| pattern(text)).collect();
    let any = patterns.join("|");
    let all = Regex::new(&format!("^(?s:{any})(?s:; (?:{any}))*$")).expect("a pattern");
    let missing: Vec<_> = messages_of_vectors()
        .into_iter()
        .filter(|message| !all.is_match(message))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_documented_message_is_one_that_a_test_expects() {
    let mut expected = literals_of_policy(true);
    expected.extend(messages_of_vectors());
    let is_expected = |template: &String| {
        let pattern = pattern(template);
        let part = format!("(?s)^(?:.*[;:] )?(?:{pattern})(?:; .*)?$");
        let part = Regex::new(&part).expect("a pattern");
        expected.iter().any(|text| part.is_match(text))
    };
    let missing: Vec<_> = templates()
        .into_iter()
        .filter(|template| !is_expected(template))
        .collect();
    // Strings and numbers can always be written as JSON, but the compiler does not know.
    assert_eq!(missing, ["<object>: cannot be written: <error>"]);
}

/// Texts of the code that no user of the policy sees, and those by which errors of the host are told apart.
const NO_MESSAGES: [&str; 11] = [
    "{generate_name} (prefix)",
    "identity injected",
    "ServiceAccount annotation",
    "Cannot find v1/ServiceAccount named",
    " is forbidden: ",
    "access to Kubernetes v1/ServiceAccount resources",
    "access to the 'kubernetes/get_resource' host capability",
    "kube::Client was not initialized",
    "Host error: ",
    "Callback evaluation failure: ",
    "-----BEGIN CERTIFICATE-----",
];

#[test]
fn every_text_of_the_code_is_documented() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let docs = words(&docs());
    let placeholder = Regex::new(r"\{\{|\}\}|\{[^{}]*\}").expect("a pattern");
    let mut missing = Vec::new();
    for text in literals_of_policy(false) {
        let is_json = text.starts_with(['{', '[', '"', ',']) && !text.starts_with("{}");
        if NO_MESSAGES.contains(&&*text)
            || text.starts_with("-----END")
            || is_json && text.contains("\":")
        {
            continue;
        }
        for part in placeholder.split(&text) {
            let part = words(part.trim_matches([';', ' ', '"']));
            if part.contains(' ') && !docs.contains(&part) {
                missing.push(text.clone());
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}
