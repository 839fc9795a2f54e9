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
// In the reader's loops: else a twentieth more instructions.
#[inline(always)]
pub fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    string_end_from(bytes, start.saturating_add(1))
}

/// The end of the string in whose content `start` is, though not behind a backslash.
#[inline(always)]
pub fn string_end_from(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at = at.saturating_add(plain_length::<false>(bytes.get(at..)?));
        if *bytes.get(at)? == b'"' {
            return Some(at.saturating_add(1));
        }
        while bytes.get(at) == Some(&b'\\') {
            // With what it escapes.
            at = at.saturating_add(2);
        }
    }
}

/// As [`string_end`], and notes whether a dollar sign is in the string, escaped or not.
pub fn string_end_noting_dollars(
    bytes: &[u8],
    start: usize,
    has_dollar: &mut bool,
) -> Option<usize> {
    let mut at = start.saturating_add(1);
    loop {
        at = at.saturating_add(length_before::<false, true>(bytes.get(at..)?));
        match bytes.get(at..)? {
            [b'"', ..] => return Some(at.saturating_add(1)),
            [b'$', ..] => {
                *has_dollar = true;
                at = at.saturating_add(1);
            }
            escape => {
                *has_dollar |= escape.starts_with(b"\\u0024");
                at = at.saturating_add(2);
            }
        }
    }
}

/// How many bytes come before the first quote or backslash (or control character, if those count).
pub fn plain_length<const CONTROLS: bool>(bytes: &[u8]) -> usize {
    length_before::<CONTROLS, false>(bytes)
}

/// How many bytes come before the first quote or backslash (or control character or dollar sign, if those count), eight at a
/// time.
fn length_before<const CONTROLS: bool, const DOLLARS: bool>(bytes: &[u8]) -> usize {
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    const SIGNS: u64 = u64::from_ne_bytes([b'$'; 8]);
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut length: usize = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let mut found = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if DOLLARS {
            found |= zero_bytes(word ^ SIGNS);
        }
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
    let is_special = |byte: &u8| match byte {
        b'"' | b'\\' => true,
        b'$' => DOLLARS,
        0..b' ' => CONTROLS,
        _ => false,
    };
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
    fn a_dollar_sign_is_noted_however_it_is_written() {
        for (json, expected) in [
            (r#""""#, false),
            (r#""plain, and longer than a word""#, false),
            (r#""plain, and then a $ b""#, true),
            (r#""\"x\" $""#, true),
            (r#""\u0024""#, true),
            (r#""\n\u0041\u0024""#, true),
            (r#""\\u0024""#, false),
            (r#""\u0025""#, false),
        ] {
            let text = format!("{json},\"$\"");
            let mut found = false;
            let end = string_end_noting_dollars(text.as_bytes(), 0, &mut found);
            assert_eq!((found, end), (expected, Some(json.len())), "{json}");
        }
        for broken in ["\"", "\"$", "\"\\"] {
            let end = string_end_noting_dollars(broken.as_bytes(), 0, &mut false);
            assert_eq!(end, None, "{broken}");
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
