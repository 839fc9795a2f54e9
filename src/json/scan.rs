//! Where values end, found without reading them.

/// Whether a byte can be in a number, boolean or null.
pub fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// The end of the number, boolean or null that begins at `start`.
pub fn literal_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| !is_literal(*byte));
    start.saturating_add(length.unwrap_or(rest.len()))
}

/// The end of the object or list that begins at `start`; `None` if the text ends before.
pub fn collection_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth: usize = 0;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at.saturating_add(1));
                }
            }
            _ => {}
        }
        at = at.saturating_add(1);
    }
}

/// The end of the string whose opening quote is at `start`; `None` if the text ends before.
pub fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    string_end_from(bytes, start.saturating_add(1))
}

/// The end of the string in whose content `start` is, though not behind a backslash.
pub fn string_end_from(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let length = match *bytes.get(at)? {
            b'"' => return Some(at.saturating_add(1)),
            // With what it escapes.
            b'\\' => 2,
            _ => plain_length::<false>(bytes.get(at..)?),
        };
        at = at.saturating_add(length);
    }
}

/// Whether a dollar sign is in JSON, escaped or not.
pub fn has_dollar_sign(json: &str) -> bool {
    let mut rest = json.as_bytes();
    loop {
        let length = length_before::<b'$', b'\\', false>(rest);
        match rest.get(length..) {
            Some([b'\\', escape @ ..]) if !escape.starts_with(b"u0024") => {
                rest = escape.get(1..).unwrap_or_default();
            }
            found => return found.is_some_and(|found| !found.is_empty()),
        }
    }
}

/// How many bytes come before the first quote or backslash (or control character, if those count).
pub fn plain_length<const CONTROLS: bool>(bytes: &[u8]) -> usize {
    length_before::<b'"', b'\\', CONTROLS>(bytes)
}

/// How many bytes come before the first of two (or a control character, if those count), eight at a time.
fn length_before<const ONE: u8, const OTHER: u8, const CONTROLS: bool>(bytes: &[u8]) -> usize {
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut length: usize = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let ones = zero_bytes(word ^ u64::from_ne_bytes([ONE; 8]));
        let mut found = ones | zero_bytes(word ^ u64::from_ne_bytes([OTHER; 8]));
        if CONTROLS {
            // The lowest of these bits is right, as in zero_bytes.
            found |= word.wrapping_sub(SPACES) & !word & HIGH_BITS;
        }
        if found != 0 {
            let bytes_before = found.trailing_zeros().wrapping_shr(3);
            return length.saturating_add(usize::try_from(bytes_before).unwrap_or_default());
        }
        length = length.saturating_add(8);
    }
    let is_special =
        |byte: &u8| *byte == ONE || *byte == OTHER || CONTROLS && matches!(byte, 0..b' ');
    let in_rest = rest.iter().position(is_special);
    length.saturating_add(in_rest.unwrap_or(rest.len()))
}

const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The high bit of each byte that is zero, and perhaps of some above the lowest such byte.
fn zero_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    word.wrapping_sub(ONES) & !word & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_sign_is_found_however_it_is_written() {
        for (json, expected) in [
            ("", false),
            ("plain, and longer than a word", false),
            (r#"[{"name":"A","value":"a $ b"}]"#, true),
            (r#""\"x\" $""#, true),
            (r#""\u0024""#, true),
            (r#""\n\u0041\u0024""#, true),
            (r#""\\u0024""#, false),
            (r#""\u0025""#, false),
            ("\\", false),
        ] {
            assert_eq!(has_dollar_sign(json), expected, "{json}");
        }
    }

    #[test]
    fn the_end_of_plain_text_is_found_wherever_it_is() {
        for length in 0..40 {
            let plain = "é#!a\u{80} \u{7f}[".repeat(8);
            let plain: String = plain.chars().take(length).collect();
            for tail in ["", "\"", "\\\"", "\u{1} !\"\\", "é\"\\abcdefgh\0"] {
                for special in ['"', '\\'] {
                    let text = format!("{plain}{special}{tail}");
                    let bytes = text.as_bytes();
                    assert_eq!(plain_length::<false>(bytes), plain.len(), "{text}");
                    assert_eq!(plain_length::<true>(bytes), plain.len(), "{text}");
                }
                for control in ['\0', '\u{1f}', '\n'] {
                    let text = format!("{plain}{control}!\"{tail}");
                    let bytes = text.as_bytes();
                    assert_eq!(plain_length::<false>(bytes), plain.len() + 2, "{text}");
                    assert_eq!(plain_length::<true>(bytes), plain.len(), "{text}");
                }
            }
            assert_eq!(plain_length::<false>(plain.as_bytes()), plain.len());
            assert_eq!(plain_length::<true>(plain.as_bytes()), plain.len());
        }
    }
}
