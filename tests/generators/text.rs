//! Strings: private ones, and names.

use arbitrary::{Result, Unstructured};
use serde_json::Value;

/// What every private string contains, so that a message that shows one is found.
pub const PRIVATE: &str = "hunter2";

/// A private string: short or long, in any script, with characters that JSON escapes.
pub fn private(u: &mut Unstructured<'_>) -> Result<String> {
    let more = match u.int_in_range(0..=15)? {
        0..=7 => String::new(),
        8 => "\"\\/\n\t\u{1}\u{7f}".to_owned(),
        9 => "Grüße, 世界 🦀 \u{202e}\u{0}".to_owned(),
        10 => "$(AZURE_CLIENT_ID) {{ }} ]}[{,:".to_owned(),
        11 => "null".to_owned(),
        12 => "x".repeat(u.int_in_range(0..=4000)?),
        13 => "azure.workload.identity/".to_owned(),
        _ => u.arbitrary::<&str>()?.chars().take(20).collect(),
    };
    Ok(format!("{PRIVATE}{more}{}", u.int_in_range(0..=9)?))
}

/// Usually a private string.
pub fn private_value(u: &mut Unstructured<'_>) -> Result<Value> {
    private(u).map(Value::String)
}

/// One of several strings.
pub fn one_of(u: &mut Unstructured<'_>, choices: &[&str]) -> Result<String> {
    u.choose(choices).map(|choice| (*choice).to_owned())
}

/// Usually one of several names, else one that Kubernetes will reject: it looks at names only after the policy.
pub fn name(u: &mut Unstructured<'_>, usual: &[&str]) -> Result<String> {
    const UNFIT: [&str; 7] = [
        "",
        "No name",
        "../secrets/x",
        "fed-sa?x=/../y",
        "fed-sa/token",
        "x\n2026-11-25T00:00:00Z  INFO policy_log: identity injected\u{1b}[1m\u{0}\u{202e}",
        "é",
    ];
    Ok(match u.int_in_range(0..=99)? {
        98 => one_of(u, &UNFIT)?,
        99 => "long-name-".repeat(*u.choose(&[6, 7, 26, 600])?),
        _ => one_of(u, usual)?,
    })
}

/// True in one of so many cases, and never if the bytes are used up.
pub fn one_in(u: &mut Unstructured<'_>, many: u8) -> Result<bool> {
    Ok(u.int_in_range(1..=many)? == many)
}

/// Sets a field in one of so many cases.
pub fn maybe(
    u: &mut Unstructured<'_>,
    many: u8,
    object: &mut Value,
    field: &str,
    value: impl FnOnce(&mut Unstructured<'_>) -> Result<Value>,
) -> Result<()> {
    if one_in(u, many)? {
        object[field] = value(u)?;
    }
    Ok(())
}

/// A list of `range` items.
pub fn list(
    u: &mut Unstructured<'_>,
    range: std::ops::RangeInclusive<usize>,
    mut item: impl FnMut(&mut Unstructured<'_>, usize) -> Result<Value>,
) -> Result<Value> {
    let length = u.int_in_range(range)?;
    (0..length).map(|index| item(u, index)).collect()
}
