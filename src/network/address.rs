//! IP addresses and MAC addresses, validated and printed as by the netaddr of each release.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::document::{Json, text_json};
use crate::error::Error;
use crate::python;
use crate::release::Release;

/// Infers the IP version of an address.
pub(super) fn version_of_address(release: Release, address: Json<'_>) -> Result<&'static str, Error> {
    if let Some(text) = address.text()? {
        if text.contains('/') {
            return Err(Error::value(format!("`{text}` is a network, not an address")));
        }
        return version(release, &text).ok_or_else(|| invalid_address(release, &text));
    }
    if address.as_str() == "true" {
        // In Python a boolean is the number 1.
        return Ok("4");
    }
    if address.is_number() {
        let text = address.as_str();
        if text.contains(['.', 'e', 'E']) {
            return Err(Error::type_error(format!("`{text}` is not an address: give a string")));
        }
        return version_of_number(text).ok_or_else(|| invalid_address(release, text));
    }
    Err(Error::new("AttributeError", format!("{} is not an address: give a string", address.type_name())))
}

/// Infers the IP version of a network: an address, optionally with a prefix length or a mask.
pub(super) fn version_of_network(release: Release, cidr: Json<'_>) -> Result<&'static str, Error> {
    let Some(text) = cidr.text()? else {
        return Err(Error::type_error(format!("{} is not a network: give a string", cidr.type_name())));
    };
    let (address, prefix) =
        text.split_once('/').map_or((text.as_ref(), None), |(address, prefix)| (address, Some(prefix)));
    if prefix.is_some_and(|prefix| prefix.contains('/')) {
        return Err(Error::value(format!("`{text}` has more than one prefix length")));
    }
    network_version(release, address)
        .filter(|version| prefix.is_none_or(|prefix| is_prefix(release, version, prefix)))
        .ok_or_else(|| Error::new("AddrFormatError", format!("invalid IPNetwork {text}")))
}

/// Returns an IPv6 address as netaddr prints it: short and in lower case. An address that uses only its last 32 bits
/// ends with an IPv4 address.
pub(crate) fn ipv6_text(text: &str) -> Option<String> {
    let address: Ipv6Addr = text.parse().ok()?;
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
            let [.., a, b, c, d] = address.octets();
            Some(format!("::{}", Ipv4Addr::new(a, b, c, d)))
        }
        _ => Some(address.to_string()),
    }
}

/// Returns an address of either version as netaddr prints it, as JSON. The address is a string or a number.
pub(super) fn address_json(address: Json<'_>) -> Result<String, Error> {
    let not_an_address = || Error::value(format!("`{}` is not an address", address.as_str()));
    if let Some(text) = address.text()? {
        let canonical = match text.parse::<Ipv4Addr>() {
            Ok(v4) => v4.to_string(),
            Err(_) => ipv6_text(&text).ok_or_else(not_an_address)?,
        };
        return Ok(text_json(&canonical));
    }
    let number = address.as_str().parse::<u128>().map_err(|_| not_an_address())?;
    let canonical = match u32::try_from(number) {
        Ok(v4) => Ipv4Addr::from(v4).to_string(),
        Err(_) => ipv6_text(&Ipv6Addr::from(number).to_string()).ok_or_else(not_an_address)?,
    };
    Ok(text_json(&canonical))
}

/// Returns a MAC address in the format of Nova's objects: lower case, with colons.
pub(super) fn mac_address(text: &str) -> Option<String> {
    let mac = text.to_ascii_lowercase().replace('-', ":");
    let is_octet = |octet: &str| octet.len() == 2 && octet.bytes().all(|byte| byte.is_ascii_hexdigit());
    (mac.split(':').count() == 6 && mac.split(':').all(is_octet)).then_some(mac)
}

/// Makes the error for an address that netaddr rejects; `text` is Python's `str()` of it.
fn invalid_address(release: Release, text: &str) -> Error {
    Error::new("InvalidIpAddressError", (release.rules().invalid_ip_address)(text))
}

fn version(release: Release, address: &str) -> Option<&'static str> {
    if address.parse::<Ipv4Addr>().is_ok() || (release.rules().accepts_short_addresses && is_inet_aton(address)) {
        return Some("4");
    }
    address.parse::<Ipv6Addr>().ok().map(|_| "6")
}

fn version_of_number(text: &str) -> Option<&'static str> {
    let number: u128 = text.parse().ok()?;
    Some(if u32::try_from(number).is_ok() { "4" } else { "6" })
}

/// Infers the IP version of a network's address. `grizzly`'s netaddr completes a partial IPv4 address with zeros
/// (`172.16/12`).
fn network_version(release: Release, address: &str) -> Option<&'static str> {
    let is_partial = release.rules().accepts_short_addresses && address.split('.').count() < 4;
    if is_partial && !address.is_empty() && address.split('.').all(|part| part.parse::<u8>().is_ok()) {
        return Some("4");
    }
    version(release, address)
}

/// Returns whether the string is a prefix length, a netmask or a hostmask.
fn is_prefix(release: Release, version: &str, prefix: &str) -> bool {
    if let Ok(length) = python::int(prefix, release.rules().groups_digits) {
        return (0..=if version == "4" { 32 } else { 128 }).contains(&length);
    }
    // The sign extension of an IPv4 mask keeps it a run of ones followed by zeros, or the reverse.
    let mask = match version {
        "4" => prefix.parse::<Ipv4Addr>().map(|mask| i128::from(u32::from(mask).cast_signed())).ok(),
        _ => prefix.parse::<Ipv6Addr>().map(|mask| u128::from(mask).cast_signed()).ok(),
    };
    mask.is_some_and(|mask| {
        mask.leading_ones().saturating_add(mask.trailing_zeros()) >= 128
            || mask.leading_zeros().saturating_add(mask.trailing_ones()) >= 128
    })
}

/// Returns whether the C library's `inet_aton` accepts the string: one to four decimal, octal or hexadecimal numbers,
/// of which the last one fills the remaining bytes. It ignores everything after white space.
fn is_inet_aton(address: &str) -> bool {
    let address = address.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
    let parts: Vec<&str> = address.split('.').collect();
    let Some((last, leading)) = parts.split_last() else {
        return false;
    };
    let bits = u32::try_from(leading.len()).map_or(0, |count| 4_u32.saturating_sub(count)).saturating_mul(8);
    leading.len() <= 3
        && leading.iter().all(|part| c_number(part).is_some_and(|number| number <= 0xff))
        && c_number(last).is_some_and(|number| number.unbounded_shr(bits) == 0)
}

fn c_number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    // `from_str_radix` would accept a sign.
    let is_unsigned = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_unsigned { u64::from_str_radix(digits, radix).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::borrow::ToOwned;

    use super::*;

    #[test]
    fn prints_addresses_as_netaddr() {
        for (text, expected) in [
            ("FE80::1", "fe80::1"),
            ("::1.2.3.4", "::1.2.3.4"),
            ("::1:2", "::0.1.0.2"),
            ("::1", "::1"),
            ("::", "::"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ] {
            assert_eq!(ipv6_text(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(ipv6_text("fe80::1%eth0"), None);
    }

    #[test]
    fn validates_networks_as_netaddr() {
        let network = |release, text: &str| {
            let json = text_json(text);
            version_of_network(release, Json::parse(&json).expect("json")).map_err(|error| error.code().to_owned())
        };
        for text in
            ["10.0.0.0", "10.0.0.5/8", "10.0.0.0/255.0.0.0", "10.0.0.0/0.0.0.255", "10.0.0.0/+8", "1.2.3.4/\u{668}"]
        {
            assert_eq!(network(Release::Hibiscus, text), Ok("4"), "{text}");
        }
        for text in ["fe80::/10", "fe80::/ffff::", "::1.2.3.4/96"] {
            assert_eq!(network(Release::Hibiscus, text), Ok("6"), "{text}");
        }
        for text in ["10/8", "10.0.0.0/", "/8", "10.0.0.0/255.0.255.0", "10.0.0.0/33", "bogus"] {
            assert_eq!(network(Release::Hibiscus, text), Err("AddrFormatError".to_owned()), "{text}");
        }
        assert_eq!(network(Release::Hibiscus, "10.0.0.0/8/9"), Err("ValueError".to_owned()));
        assert_eq!(network(Release::Grizzly, "172.16/12"), Ok("4"));
    }
}
