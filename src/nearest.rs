//! "Did you mean": the known word that is nearest to an unknown one.

use strsim::levenshtein;

/// The candidate that differs least from `word`, case ignored; `None` where none is near enough to be a likely slip.
///
/// Near enough is a third of the word's length in edits, at least one.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any word of ours, and the distance takes quadratic time.
    if word.len() > 100 {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                levenshtein(&word, &candidate.to_ascii_lowercase()),
                candidate,
            )
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
