//! Device letters in Nova's order: a to z, aa, ab, and so on.

use alloc::borrow::Cow;
use alloc::collections::BinaryHeap;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use crate::error::Error;
use crate::release::Release;

/// Returns the letters at an index, from 0: `a`, `z` at 25, `aa` at 26, `zzz` at 18277; an empty string at a negative
/// index. Nova: `generate_device_letter` in `hibiscus`.
///
/// Nova divides in floating point, so from about 2^53 on letters repeat and are skipped. This function keeps that.
///
/// ```
/// use nova_compute_utils::device::generate_device_letter;
///
/// assert_eq!(generate_device_letter(701), "zz");
/// assert_eq!(generate_device_letter(702), "aaa");
/// ```
#[must_use]
pub fn generate_device_letter(index: i64) -> String {
    // No 64-bit index needs more than fourteen letters.
    let mut reversed = String::with_capacity(14);
    let mut rest = u64::try_from(index).ok();
    while let Some(index) = rest {
        reversed.push(u8::try_from(index % LETTERS).map_or('a', |digit| char::from(b'a'.saturating_add(digit))));
        rest = float_quotient(index, LETTERS).checked_sub(1);
    }
    reversed.chars().rev().collect()
}

/// Returns the prefix followed by the letters at an index. Nova: `generate_device_name` in `hibiscus`.
#[must_use]
pub fn generate_device_name(prefix: &str, index: i64) -> String {
    format!("{prefix}{}", generate_device_letter(index))
}

/// Returns the first letter that is not used. Nova: `_get_unused_letter`.
///
/// Fails with `IndexError` in `grizzly` when all 702 letters up to `zz` are used.
pub fn get_unused_letter(release: Release, used_letters: &[&str]) -> Result<String, Error> {
    first_unused(release, used_letters.len(), used_letters.iter().copied())
}

/// The letters of an instance's devices; `None` is a device without a name, which `hibiscus` accepts.
#[derive(Debug, Default)]
pub(super) struct UsedLetters<'a>(Vec<Option<Cow<'a, str>>>);

impl<'a> UsedLetters<'a> {
    /// Takes the letters from device names. Fails with `TypeError` in `grizzly` when a device has no name.
    pub(super) fn new(release: Release, device_names: impl Iterator<Item = Option<&'a str>>) -> Result<Self, Error> {
        let letter = |device_name: Option<&'a str>| match device_name {
            Some(device_name) => Ok(Some(super::get_device_letter(release, device_name))),
            None if release.rules().accepts_nameless_devices => Ok(None),
            None => Err(Error::type_error("a block device has no name: give each a `device_name`")),
        };
        device_names.map(letter).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn push(&mut self, letter: Cow<'a, str>) {
        self.0.push(Some(letter));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter().map(Option::as_deref)
    }

    pub(super) fn contains(&self, letter: &str) -> bool {
        self.iter().any(|used| used == Some(letter))
    }

    /// Counts the different letters; all devices without a name count as one.
    pub(super) fn distinct(&self) -> usize {
        let mut letters = self.iter().collect::<BinaryHeap<_>>().into_sorted_vec();
        letters.dedup();
        letters.len()
    }

    pub(super) fn first_unused(&self, release: Release) -> Result<String, Error> {
        first_unused(release, self.0.len(), self.iter().flatten())
    }
}

const LETTERS: u64 = 26;

/// Returns the first letter that is not among the `count` used ones. It is one of the first `count + 1` letters.
fn first_unused<'a>(
    release: Release,
    count: usize,
    used_letters: impl Iterator<Item = &'a str>,
) -> Result<String, Error> {
    let mut used = vec![false; count.saturating_add(1)];
    for letter in used_letters {
        if let Some(used) = index_of(letter).and_then(|index| used.get_mut(index)) {
            *used = true;
        }
    }
    let free = used.iter().position(|used| !used).unwrap_or(count);
    if release.rules().device_letters.is_some_and(|letters| free >= letters) {
        return Err(Error::new("IndexError", format!("all device letters up to `zz` are used ({free} of them)")));
    }
    Ok(generate_device_letter(i64::try_from(free).unwrap_or(i64::MAX)))
}

/// Returns the index of a letter, or `None` when the string is not one of the letters or its index overflows.
fn index_of(letter: &str) -> Option<usize> {
    let mut count = 0_usize;
    for byte in letter.bytes() {
        let digit = byte.checked_sub(b'a').filter(|digit| u64::from(*digit) < LETTERS)?;
        count = count.checked_mul(26)?.checked_add(usize::from(digit))?.checked_add(1)?;
    }
    count.checked_sub(1)
}

/// Returns Python's `int(dividend / divisor)`: the quotient rounded to a 64-bit float, without its fraction.
///
/// It computes in integers, because a float cannot hold a large dividend exactly and would round twice.
#[allow(clippy::arithmetic_side_effects, reason = "the divisors are not zero, and no intermediate value can overflow")]
fn float_quotient(dividend: u64, divisor: u64) -> u64 {
    /// The binary digits of a 64-bit float.
    const DIGITS: u32 = 53;
    let (quotient, remainder) = (dividend / divisor, dividend % divisor);
    let bits = u64::BITS - quotient.leading_zeros();
    let Some(excess) = bits.checked_sub(DIGITS).filter(|excess| *excess > 0) else {
        // The float has room for a fraction. A fraction close enough to one rounds up to the next integer.
        let halves = 1_u128 << (DIGITS - bits + 1);
        let rounds_up = u128::from(remainder) * halves >= u128::from(divisor) * (halves - 1);
        return quotient.saturating_add(u64::from(rounds_up));
    };
    let unit = 1_u64 << excess;
    let (cut, half) = (quotient % unit, unit / 2);
    let kept = quotient - cut;
    let is_odd = (kept / unit) % 2 == 1;
    let rounds_up = cut > half || (cut == half && (remainder > 0 || is_odd));
    if rounds_up { kept.saturating_add(unit) } else { kept }
}
