//! "Did you mean": the known word that is nearest to an unknown one.

use strsim::generic_levenshtein;

/// The length of the longest word that is compared: no name of ours, and no name of a container, is longer.
const LONGEST: usize = 100;

/// How many candidates of fitting length are compared at most.
const CANDIDATES: usize = 20;

/// The candidate that differs least from `word`, ignoring case; `None` if none is near enough to be a likely slip.
///
/// Near enough is a third of the word's length in edits, at least one.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes quadratic time, and there may be as many candidates as containers.
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_ascii_lowercase().into_bytes();
    let limit = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= limit)
        .take(CANDIDATES)
        .map(|candidate| {
            // In bytes: names have no other characters.
            let bytes = candidate.to_ascii_lowercase().into_bytes();
            (generic_levenshtein(&word, &bytes), candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_likely_slips_only() {
        for (word, suggestion) in [
            ("azureTenantId", Some("azureTenantID")),
            ("tenantID", None),
            ("layuot", Some("layout")),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(
                nearest(word, ["azureTenantID", "layout"]),
                suggestion,
                "{word}"
            );
        }
        assert_eq!(nearest(&"layout".repeat(20), ["layout"]), None);
    }
}
