//! What Nova's results owe to its runtime: how Python reads and prints numbers.

/// Why Python's `int(text)` refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotANumber;

/// Python's `int(text)`: blanks around it, a sign, and the decimal digits of any script; underscores between digits
/// where `groups_digits`. What does not fit 64 bits comes back as the nearest number that does.
pub(crate) fn int(text: &str, groups_digits: bool) -> Result<i64, NotANumber> {
    let text = text.trim_matches(is_blank);
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
        let digit = if negative { -i64::from(digit) } else { i64::from(digit) };
        value = value.saturating_mul(10).saturating_add(digit);
        after_digit = true;
    }
    if after_digit { Ok(value) } else { Err(NotANumber) }
}

/// Python's idea of a blank: Unicode's, and the four separators of ASCII.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The value of a decimal digit of any script (Unicode's category Nd), as of Unicode 14 (`CPython` 3.11).
pub(crate) fn decimal_digit(character: char) -> Option<u8> {
    let code = u32::from(character);
    let zero = match DIGIT_ZEROS.binary_search(&code) {
        Ok(at) => DIGIT_ZEROS.get(at),
        Err(at) => DIGIT_ZEROS.get(at.checked_sub(1)?),
    }?;
    u8::try_from(code - zero).ok().filter(|digit| *digit < 10)
}

/// The zeros of all scripts; the nine other digits follow each.
const DIGIT_ZEROS: &[u32] = &[
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
    0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// A float as Python 3 prints it: the fewest digits that read back as the same number.
pub(crate) fn float_shortest(value: f64) -> String {
    if !value.is_finite() {
        return non_finite(value);
    }
    // Rust's scientific form has the same digits; only where the point goes is Python's own habit.
    place_point(&format!("{value:e}"), 16)
}

/// A float as Python 2 prints it: rounded to 12 significant digits.
pub(crate) fn float_12_digits(value: f64) -> String {
    if !value.is_finite() {
        return non_finite(value);
    }
    let scientific = format!("{value:.11e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    // Python 2 leaves room for the `.0` that it adds to whole numbers: eleven digits before the point at most.
    place_point(&format!("{digits}e{exponent}"), 11)
}

fn non_finite(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
}

/// From `d.ddde±x` to Python's choice between `123.0`, `0.000123` and `1.23e-05`: an exponent below -4 or from
/// `limit` on.
fn place_point(scientific: &str, limit: usize) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    match usize::try_from(exponent) {
        Ok(whole) if whole < limit => {
            let (before, after) = digits.split_at(digits.len().min(whole + 1));
            let after = if after.is_empty() { "0" } else { after };
            format!("{sign}{before:0<width$}.{after}", width = whole + 1)
        }
        Err(_) if exponent >= -4 => {
            let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
            format!("{sign}0.{zeros}{digits}")
        }
        _ => {
            let mark = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{mantissa}e{mark}{:02}", exponent.unsigned_abs())
        }
    }
}

/// Text as Python 3's `repr` shows it: in single quotes, or in double ones where only they spare an escape.
pub(crate) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push(quote);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            ' '..='~' if character == quote => shown.extend(['\\', quote]),
            ' '..='~' => shown.push(character),
            _ if is_printable(character) => shown.push(character),
            _ => shown.push_str(&escape(character)),
        }
    }
    shown.push(quote);
    shown
}

fn escape(character: char) -> String {
    match u32::from(character) {
        code @ 0..0x100 => format!("\\x{code:02x}"),
        code @ 0x100..0x1_0000 => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// Controls, blanks and invisible marks are not; neither are private and unassigned places at the end of the planes.
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
    fn int_reads_as_python_does() {
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
    fn repr_shows_as_python_does() {
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
    fn floats_print_as_python_does() {
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
