//! How Python parses and prints numbers and strings.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

/// The error of a string that Python's `int` rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotANumber;

/// Parses as Python's `int(text)`: the decimal digits of any script, with a sign and white space around them. With
/// `groups_digits`, underscores may separate digits. A number beyond 64 bits gives the nearest 64-bit number.
pub(crate) fn int(text: &str, groups_digits: bool) -> Result<i64, NotANumber> {
    let text = text.trim_matches(is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value: i64 = 0;
    let mut after_digit = false;
    for character in digits.chars() {
        if character == '_' && groups_digits && after_digit {
            after_digit = false;
            continue;
        }
        let digit = decimal_digit(character).ok_or(NotANumber)?;
        let (tens, digit) = (value.saturating_mul(10), i64::from(digit));
        value = if negative { tens.saturating_sub(digit) } else { tens.saturating_add(digit) };
        after_digit = true;
    }
    if after_digit { Ok(value) } else { Err(NotANumber) }
}

/// Returns whether Python counts the character as white space: Unicode's, and the four separators of ASCII.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Returns the value of a decimal digit of any script: the category Nd of Unicode 14, as in `CPython` 3.11.
pub(crate) fn decimal_digit(character: char) -> Option<u8> {
    let code = u32::from(character);
    let zero = match DIGIT_ZEROS.binary_search(&code) {
        Ok(index) => DIGIT_ZEROS.get(index),
        Err(index) => DIGIT_ZEROS.get(index.checked_sub(1)?),
    }?;
    u8::try_from(code.checked_sub(*zero)?).ok().filter(|digit| *digit < 10)
}

/// The code point of the zero of each script; the other nine digits follow it.
const DIGIT_ZEROS: &[u32] = &[
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
    0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// Prints a float as Python 3 does: with the fewest digits that parse back to the same number.
pub(crate) fn float_shortest(value: f64) -> String {
    if !value.is_finite() {
        return non_finite(value);
    }
    // Rust's scientific format has the same digits as Python's.
    place_point(&format!("{value:e}"), 16)
}

/// Prints a float as Python 2 does: rounded to 12 significant digits.
pub(crate) fn float_12_digits(value: f64) -> String {
    if !value.is_finite() {
        return non_finite(value);
    }
    let scientific = format!("{value:.11e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    // Python 2 reserves one of the digits for the `.0` of integers, so at most eleven come before the point.
    place_point(&format!("{digits}e{exponent}"), 11)
}

fn non_finite(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
}

/// Converts `d.ddde±x` to Python's `123.0`, `0.000123` or `1.23e-05`. Exponents below -4 or from `limit` on keep the
/// scientific format.
fn place_point(scientific: &str, limit: usize) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let size = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    if exponent >= 0 && size < limit {
        let width = size.saturating_add(1);
        let (before, after) = digits.split_at(digits.len().min(width));
        let after = if after.is_empty() { "0" } else { after };
        format!("{sign}{before:0<width$}.{after}")
    } else if (-4..0).contains(&exponent) {
        format!("{sign}0.{}{digits}", "0".repeat(size.saturating_sub(1)))
    } else {
        format!("{sign}{mantissa}e{}{size:02}", if exponent < 0 { '-' } else { '+' })
    }
}

/// Quotes a string as Python 3's `repr`: in double quotes when it contains single quotes only, else in single quotes.
pub(crate) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push(quote);
    for character in text.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            ' '..='~' if character == quote => quoted.extend(['\\', quote]),
            ' '..='~' => quoted.push(character),
            _ if is_printable(character) => quoted.push(character),
            _ => quoted.push_str(&escape(character)),
        }
    }
    quoted.push(quote);
    quoted
}

fn escape(character: char) -> String {
    match u32::from(character) {
        code @ 0..0x100 => format!("\\x{code:02x}"),
        code @ 0x100..0x1_0000 => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// Returns whether `repr` prints the character as it is. It escapes control characters, white space, invisible
/// marks, private code points and the specials at the end of the basic plane.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !character.is_whitespace()
        && !matches!(u32::from(character),
            0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xe000..=0xf8ff | 0xfeff
            | 0xfff0..=0xfffb | 0xe_0000..=0xe_007f | 0xf_0000..=0x10_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_integers_as_python() {
        for (text, expected) in [
            ("15", Ok(15)),
            (" +7\n", Ok(7)),
            ("-3", Ok(-3)),
            ("\u{663}", Ok(3)),
            ("\u{1d7d8}9", Ok(9)),
            ("1_0", Ok(10)),
            ("99999999999999999999", Ok(i64::MAX)),
            ("-99999999999999999999", Ok(i64::MIN)),
            ("", Err(NotANumber)),
            ("_1", Err(NotANumber)),
            ("1__0", Err(NotANumber)),
            ("1_", Err(NotANumber)),
            ("0x10", Err(NotANumber)),
            ("1.5", Err(NotANumber)),
            ("\u{b2}", Err(NotANumber)),
        ] {
            assert_eq!(int(text, true), expected, "{text:?}");
        }
        assert_eq!(int("1_0", false), Err(NotANumber));
    }

    #[test]
    fn quotes_strings_as_python() {
        for (text, expected) in [
            ("secret detail", "'secret detail'"),
            ("it's", "\"it's\""),
            ("it's \"so\"", "'it\\'s \"so\"'"),
            ("a\\b\n\t\u{0}\u{7f}\u{a0}", "'a\\\\b\\n\\t\\x00\\x7f\\xa0'"),
            ("d\u{e9}faut \u{200b}\u{feff}\u{1f525}", "'d\u{e9}faut \\u200b\\ufeff\u{1f525}'"),
            ("\u{f0000}", "'\\U000f0000'"),
        ] {
            assert_eq!(repr(text), expected);
        }
    }

    #[test]
    fn prints_floats_as_python() {
        for (value, shortest, twelve) in [
            (0.0, "0.0", "0.0"),
            (-0.0, "-0.0", "-0.0"),
            (7.0, "7.0", "7.0"),
            (120.0, "120.0", "120.0"),
            (3.300_000_190_734_863_3, "3.3000001907348633", "3.30000019073"),
            (0.000_012_34, "1.234e-05", "1.234e-05"),
            (0.000_1, "0.0001", "0.0001"),
            (12_345_678_901.5, "12345678901.5", "12345678901.5"),
            (123_456_789_012.5, "123456789012.5", "1.23456789012e+11"),
            (1_234_567_890_125.0, "1234567890125.0", "1.23456789012e+12"),
            (1e16, "1e+16", "1e+16"),
            (9_007_199_254_740_993.0, "9007199254740992.0", "9.00719925474e+15"),
            (-2.5, "-2.5", "-2.5"),
            (f64::INFINITY, "inf", "inf"),
            (f64::NAN, "nan", "nan"),
        ] {
            assert_eq!(float_shortest(value), shortest);
            assert_eq!(float_12_digits(value), twelve);
        }
    }
}
