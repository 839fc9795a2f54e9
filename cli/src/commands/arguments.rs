//! Arguments that are checked as the policy checks its settings.

use anyhow::{Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::values::Malformed;

/// The value of an argument if `check` accepts it.
///
/// # Errors
///
/// What was expected of `argument`, what was found, and what to do.
pub fn checked<'v>(
    argument: &str,
    value: &'v str,
    check: fn(&str) -> Result<&str, Malformed>,
) -> Result<&'v str> {
    let Err(Malformed { expected, hint, .. }) = check(value) else {
        return Ok(value);
    };
    let help = hint.map_or_else(String::new, |hint| format!("; help: {hint}"));
    bail!(
        "{argument}: expected {expected}, found {}{help}",
        Excerpt::new(value)
    )
}
