//! Letters in order: a to z, aa, ab, and so on.

use std::borrow::Cow;
use std::collections::BinaryHeap;

use crate::error::Error;
use crate::release::Release;

/// The letter at a place, counted from 0: `a`, `z` at 25, `aa` at 26, `zzz` at 18277; nothing at a negative one.
/// Nova: `generate_device_letter`, hibiscus.
///
/// Nova divides in floating point, so from about 2^53 on the letters repeat and skip, here too.
///
/// ```
/// use nova_compute_utils::device::generate_device_letter;
///
/// assert_eq!(generate_device_letter(701), "zz");
/// assert_eq!(generate_device_letter(702), "aaa");
/// ```
#[must_use]
pub fn generate_device_letter(index: i64) -> String {
    // Thirteen letters and more stand for places beyond 64 bits.
    let mut reversed = String::with_capacity(13);
    let mut rest = u64::try_from(index).ok();
    while let Some(index) = rest {
        reversed.push(letter(index % LETTERS));
        rest = float_quotient(index, LETTERS).checked_sub(1);
    }
    reversed.chars().rev().collect()
}

/// A prefix and the letter at a place. Nova: `generate_device_name`, hibiscus.
#[must_use]
pub fn generate_device_name(prefix: &str, index: i64) -> String {
    format!("{prefix}{}", generate_device_letter(index))
}

/// The first letter that is not among those used. Nova: `_get_unused_letter`.
///
/// Grizzly knows the 702 letters up to `zz`: `IndexError` where all of them are used.
pub fn get_unused_letter(release: Release, used_letters: &[&str]) -> Result<String, Error> {
    first_unused(release, used_letters.len(), used_letters.iter().copied())
}

/// The letters of the devices that an instance has. In hibiscus a device without a name counts as one with a letter
/// of its own.
#[derive(Debug, Default)]
pub(super) struct Letters<'a>(Vec<Option<Cow<'a, str>>>);

impl<'a> Letters<'a> {
    /// Those of some device names; `TypeError` where one is missing and the release wants it.
    pub(super) fn of(release: Release, device_names: impl Iterator<Item = Option<&'a str>>) -> Result<Self, Error> {
        let letter = |device_name: Option<&'a str>| match device_name {
            Some(device_name) => Ok(Some(super::get_device_letter(release, device_name))),
            None if release.takes_nameless_devices() => Ok(None),
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

    /// How many different ones there are.
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

/// So many used letters leave one of the first that many and one free.
fn first_unused<'a>(
    release: Release,
    number: usize,
    used_letters: impl Iterator<Item = &'a str>,
) -> Result<String, Error> {
    let mut used = vec![false; number.saturating_add(1)];
    for letter in used_letters {
        if let Some(used) = place(letter).and_then(|place| used.get_mut(place)) {
            *used = true;
        }
    }
    let free = used.iter().position(|used| !used).unwrap_or(number);
    if release.device_letters().is_some_and(|letters| free >= letters) {
        return Err(Error::new("IndexError", format!("all device letters up to `zz` are used ({free} of them)")));
    }
    Ok(generate_device_letter(i64::try_from(free).unwrap_or(i64::MAX)))
}

/// The place of a letter; nothing where the text is no letter of this order, or lies beyond counting.
fn place(letter: &str) -> Option<usize> {
    let mut places = 0_usize;
    for byte in letter.bytes() {
        let digit = byte.checked_sub(b'a').filter(|digit| u64::from(*digit) < LETTERS)?;
        places = places.checked_mul(26)?.checked_add(usize::from(digit))?.checked_add(1)?;
    }
    places.checked_sub(1)
}

fn letter(place: u64) -> char {
    u8::try_from(place).map_or('a', |place| char::from(b'a'.saturating_add(place)))
}

/// Python's `int(dividend / divisor)`: the quotient as the nearest 64-bit float has it.
fn float_quotient(dividend: u64, divisor: u64) -> u64 {
    /// The digits of a 64-bit float.
    const DIGITS: u32 = 53;
    let (quotient, remainder) = (dividend / divisor, dividend % divisor);
    let bits = u64::BITS.saturating_sub(quotient.leading_zeros());
    let Some(excess) = bits.checked_sub(DIGITS).filter(|excess| *excess > 0) else {
        // The float has room for a fraction. Its last digit rounds up to a whole where the fraction is that close to
        // one.
        let halves = 1_u128 << DIGITS.saturating_sub(bits).saturating_add(1);
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
