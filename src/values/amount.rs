//! The amounts that Kubernetes' quantities stand for.

use super::{Malformed, cut, has_only};

/// What a quantity is, to be read after "expected".
pub const QUANTITY: &str = "a quantity such as 100m or 64Mi";

/// As many of the smallest unit as Kubernetes tells apart are one.
pub const ONE: u128 = 1_000_000_000;

/// What Kubernetes takes larger quantities for.
pub const LARGEST: u128 = ONE.saturating_mul(i64::MAX.unsigned_abs() as u128);

/// The first number of more than 20 digits. No quantity needs more, and with the largest suffix it still fits 128 bits.
const TOO_LONG: u128 = 100_000_000_000_000_000_000;

/// The suffixes of quantities: the power of ten that each stands for, or of 1024.
const SUFFIXES: [(&str, Scale); 16] = [
    ("", Scale::Ten(0)),
    ("n", Scale::Ten(-9)),
    ("u", Scale::Ten(-6)),
    ("m", Scale::Ten(-3)),
    ("k", Scale::Ten(3)),
    ("M", Scale::Ten(6)),
    ("G", Scale::Ten(9)),
    ("T", Scale::Ten(12)),
    ("P", Scale::Ten(15)),
    ("E", Scale::Ten(18)),
    ("Ki", Scale::Two(10)),
    ("Mi", Scale::Two(20)),
    ("Gi", Scale::Two(30)),
    ("Ti", Scale::Two(40)),
    ("Pi", Scale::Two(50)),
    ("Ei", Scale::Two(60)),
];

#[derive(Clone, Copy, Debug)]
enum Scale {
    /// This power of ten.
    Ten(i32),
    /// This power of two.
    Two(u32),
}

/// The amount that a quantity of Kubernetes stands for, such as `100m` or `64Mi`, in units of 10^-9.
///
/// As for Kubernetes, what is smaller than a unit is rounded up, and what is larger than 2^63-1 counts as that.
///
/// # Errors
///
/// [`Malformed`] if it is not a quantity, negative, or has more than 20 digits that count.
pub fn amount(text: &str) -> Result<u128, Malformed> {
    read(text).ok_or(Malformed::new(QUANTITY))
}

#[inline(never)]
fn read(text: &str) -> Option<u128> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let is_suffix = |byte: u8| !byte.is_ascii_digit() && byte != b'.';
    let length = text.bytes().position(is_suffix).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(length)?;
    let (whole, fraction) = cut(number, b'.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut amount: u128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        amount = amount.wrapping_mul(10).wrapping_add(digit.into());
        if amount >= TOO_LONG {
            return None;
        }
    }
    let mut power: i32 = 9;
    power = power.saturating_sub(fraction.len().try_into().unwrap_or(i32::MAX));
    match scale(suffix)? {
        Scale::Ten(exponent) => power = power.saturating_add(exponent),
        Scale::Two(bits) => amount = amount.wrapping_shl(bits),
    }
    // 10^40 does not fit 128 bits, so more steps change nothing.
    for _ in 0..power.unsigned_abs().min(40) {
        if power < 0 {
            amount = amount.div_ceil(10);
        } else if amount < LARGEST {
            amount = amount.wrapping_mul(10);
        }
    }
    Some(amount.min(LARGEST))
}

fn scale(suffix: &str) -> Option<Scale> {
    if let Some((_, scale)) = SUFFIXES.iter().find(|(name, _)| *name == suffix) {
        return Some(*scale);
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let has_digits =
        (1..=3).contains(&digits.len()) && has_only(digits, |byte| byte.is_ascii_digit());
    exponent.parse().ok().filter(|_| has_digits).map(Scale::Ten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_exact() {
        for (text, expected) in [
            ("0", 0),
            ("1", ONE),
            ("+1", ONE),
            ("007", 7 * ONE),
            ("5.", 5 * ONE),
            (".5", ONE / 2),
            ("100m", ONE / 10),
            ("0.1", ONE / 10),
            ("1e-1", ONE / 10),
            ("1n", 1),
            ("1u", 1000),
            ("1k", 1000 * ONE),
            ("1e3", 1000 * ONE),
            ("1E+3", 1000 * ONE),
            ("1E", ONE * 1_000_000_000_000_000_000),
            ("1Ei", ONE << 60),
            ("1.5Gi", (3 * ONE) << 29),
            ("0.3Ki", 3072 * ONE / 10),
            ("64Mi", (64 * ONE) << 20),
            ("67108864", (64 * ONE) << 20),
            // Rounded up.
            ("0.1n", 1),
            ("1.0000000001", ONE + 1),
            ("1e-999", 1),
            ("0e-999", 0),
            // As large as it gets.
            ("9223372036854775807", LARGEST),
            ("9223372036854775806", LARGEST - ONE),
            ("9223372036854775808", LARGEST),
            ("8Ei", LARGEST),
            ("99999999999999999999Ei", LARGEST),
            ("1e999", LARGEST),
            ("0e999", 0),
            ("000000000000000000000000000001", ONE),
            ("0.000000000000000000000000000001", 1),
        ] {
            assert_eq!(amount(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_not_a_quantity() {
        for text in [
            "",
            ".",
            "m",
            "+",
            "-1",
            "-0",
            "1.2.3",
            "64mb",
            "64MI",
            "64 Mi",
            " 1",
            "1e",
            "1e+",
            "1e+-1",
            "1e1000",
            "1e1.5",
            "0x1",
            "NaN",
            "null",
            "1Kim",
            "٣",
            "100000000000000000000",
            "1.00000000000000000001",
        ] {
            assert_eq!(amount(text), Err(Malformed::new(QUANTITY)), "{text}");
        }
    }
}
