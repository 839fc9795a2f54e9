//! Patterns of names: `*` stands for any characters, none included, and `?` for one.

use super::{LONGEST, Malformed, checked, has_only};

/// What a pattern of namespaces is, to be read after "expected".
pub const NAMESPACE_PATTERN: &str =
    "a namespace: at most 63 lower-case letters, digits and hyphens, with * and ? for others";

/// What a pattern of object names is, to be read after "expected".
pub const NAME_PATTERN: &str =
    "a name: lower-case letters, digits, hyphens and dots, with * and ? for others";

/// What a pattern of users is, to be read after "expected".
pub const USER_PATTERN: &str = "a user name of visible ASCII characters, with * and ? for others";

/// The length of the longest name that a pattern can match, in bytes: that of a ServiceAccount as a user, and more.
const LONGEST_USER: usize = 1024;

/// A pattern of namespaces.
///
/// # Errors
///
/// [`Malformed`] if it could match none.
pub fn namespace_pattern(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| is_name_pattern(text, 63) && has_only(text, |byte| byte != b'.');
    checked(text, NAMESPACE_PATTERN, &valid)
}

/// A pattern of object names.
///
/// # Errors
///
/// [`Malformed`] if it could match none.
pub fn name_pattern(text: &str) -> Result<&str, Malformed> {
    checked(text, NAME_PATTERN, &|text| is_name_pattern(text, LONGEST))
}

/// A pattern of user names.
///
/// # Errors
///
/// [`Malformed`] if it is empty, too long, or has other characters.
pub fn user_pattern(text: &str) -> Result<&str, Malformed> {
    let valid = |text: &str| {
        (1..=LONGEST).contains(&text.len()) && has_only(text, |byte| byte.is_ascii_graphic())
    };
    checked(text, USER_PATTERN, &valid)
}

fn is_name_pattern(text: &str, longest: usize) -> bool {
    let is_of_pattern =
        |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'*' | b'?');
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| !matches!(byte, b'-' | b'.'));
    (1..=longest).contains(&text.len())
        && has_only(text, is_of_pattern)
        && is_end(text.as_bytes().first())
        && is_end(text.as_bytes().last())
}

/// Whether a pattern matches the whole of a name.
pub fn matches(pattern: &str, name: &str) -> bool {
    name.len() <= LONGEST_USER
        && each_byte(pattern.as_bytes(), name.as_bytes(), |wanted, byte| {
            wanted == b'?' || wanted == byte
        })
}

/// Whether a pattern matches all that another one matches. A `true` is certain.
pub fn covers(pattern: &str, other: &str) -> bool {
    // A star of the other one can only be met by a star.
    each_byte(pattern.as_bytes(), other.as_bytes(), |wanted, byte| {
        byte != b'*' && (wanted == b'?' || wanted == byte)
    })
}

/// Whether each byte of `name` is met: by the star of a pattern, or by a byte of it.
#[inline(never)]
fn each_byte(pattern: &[u8], name: &[u8], meets: fn(u8, u8) -> bool) -> bool {
    let (mut wanted_at, mut at) = (0_usize, 0_usize);
    // Behind the last star, and where it ends in the name if it has to be longer.
    let mut star = None;
    while let Some(byte) = name.get(at) {
        match pattern.get(wanted_at) {
            Some(b'*') => {
                wanted_at = wanted_at.saturating_add(1);
                star = Some((wanted_at, at));
            }
            Some(wanted) if meets(*wanted, *byte) => {
                wanted_at = wanted_at.saturating_add(1);
                at = at.saturating_add(1);
            }
            _ => {
                let Some((behind, end)) = star else {
                    return false;
                };
                let end = end.saturating_add(1);
                star = Some((behind, end));
                (wanted_at, at) = (behind, end);
            }
        }
    }
    let rest = pattern.get(wanted_at..).unwrap_or_default();
    rest.iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_others() {
        for (pattern, name, is_match) in [
            ("", "", true),
            ("a", "", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("a", "A", false),
            ("*", "", true),
            ("*", "anything.at-all", true),
            ("?", "", false),
            ("?", "a", true),
            ("?", "ab", false),
            ("team-*", "team-", true),
            ("team-*", "team-a", true),
            ("team-*", "team", false),
            ("*-dev", "team-a-dev", true),
            ("*-dev", "team-a-dev-2", false),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("*a*b*c*", "xxbxxaxxcxx", false),
            ("a*b", "aab", true),
            ("a*b", "abab", true),
            ("a*b", "aba", false),
            ("a?c*", "abcd", true),
            ("**", "a", true),
            ("*?", "", false),
            ("*?", "a", true),
            (
                "system:serviceaccount:kube-system:*",
                "system:serviceaccount:kube-system:job-controller",
                true,
            ),
            (
                "system:serviceaccount:kube-system:*",
                "system:serviceaccount:web:kube-system:x",
                false,
            ),
        ] {
            assert_eq!(matches(pattern, name), is_match, "{pattern} {name}");
        }
        assert!(matches("*", &"n".repeat(1024)));
        assert!(!matches("*", &"n".repeat(1025)));
    }

    #[test]
    fn a_pattern_covers_what_is_narrower() {
        for (pattern, other, is_covered) in [
            ("*", "*", true),
            ("*", "team-*", true),
            ("team-*", "*", false),
            ("team-*", "team-a-*", true),
            ("team-*", "team-a", true),
            ("team-?", "team-a", true),
            ("team-?", "team-?", true),
            ("team-?", "team-*", false),
            ("team-a", "team-?", false),
            ("a*c", "a*b*c", true),
            ("a*c", "a*b", false),
        ] {
            assert_eq!(covers(pattern, other), is_covered, "{pattern} {other}");
        }
    }

    #[test]
    fn patterns_are_of_names_that_can_be() {
        for text in ["*", "?", "a", "team-*", "*-dev", "a?b", &"a".repeat(63)] {
            assert_eq!(namespace_pattern(text), Ok(text));
            assert_eq!(name_pattern(text), Ok(text));
        }
        assert_eq!(name_pattern("a.b*"), Ok("a.b*"));
        for text in [
            "",
            "A",
            "-a",
            "a-",
            "a_b",
            "a b",
            "a/b",
            "[ab]",
            &"a".repeat(254),
        ] {
            assert!(namespace_pattern(text).is_err(), "{text}");
            assert!(name_pattern(text).is_err(), "{text}");
        }
        for text in ["a.b", &"a".repeat(64)] {
            assert!(namespace_pattern(text).is_err(), "{text}");
        }
        for text in ["*", "jane", "system:serviceaccount:*:*", "jane@example.com"] {
            assert_eq!(user_pattern(text), Ok(text));
        }
        for text in ["", "a b", "é", &"a".repeat(254)] {
            assert!(user_pattern(text).is_err(), "{text}");
        }
        let malformed = namespace_pattern(" a ").expect_err("white space");
        assert_eq!(malformed.hint, Some("remove the white space around it"));
    }
}
