//! IP addresses and MAC addresses, judged and printed as the netaddr of each release does.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::document::{Json, text_json};
use crate::error::Error;
use crate::python;
use crate::release::Release;

/// The IP version of an address that came without one.
pub(super) fn version_of_address(release: Release, address: Json<'_>) -> Result<&'static str, Error> {
    if let Some(text) = address.text()? {
        if text.contains('/') {
            return Err(Error::value(format!("`{text}` is a network, not an address")));
        }
        return version(release, &text).ok_or_else(|| invalid_address(release, &text));
    }
    if address.as_str() == "true" {
        // A boolean is the number 1 to Python.
        return Ok("4");
    }
    if address.is_number() {
        return match address.integer() {
            Some(number) => version_of_number(number).ok_or_else(|| invalid_address(release, address.as_str())),
            None if address.as_str().contains(['.', 'e', 'E']) => {
                Err(Error::type_error(format!("`{}` is no address: give text", address.as_str())))
            }
            None => version_of_big_number(address).ok_or_else(|| invalid_address(release, address.as_str())),
        };
    }
    Err(Error::new("AttributeError", format!("{} is no address: give text", address.type_name())))
}

/// The IP version of a network (an address, perhaps with a prefix length or mask) that came without one.
pub(super) fn version_of_network(release: Release, cidr: Json<'_>) -> Result<&'static str, Error> {
    let Some(text) = cidr.text()? else {
        return Err(Error::type_error(format!("{} is no network: give text", cidr.type_name())));
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

/// An IPv6 address the way netaddr prints it: short and lower-case, and with a dotted tail where only the last 32
/// bits are used.
pub(crate) fn ipv6_text(text: &str) -> Option<String> {
    let address: Ipv6Addr = text.parse().ok()?;
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
            let [.., a, b, c, d] = address.octets();
            Some(format!("::{}", Ipv4Addr::new(a, b, c, d)))
        }
        _ => Some(address.to_string()),
    }
}

/// An address of either version the way netaddr prints it, as JSON; from text or, as netaddr takes it, a number.
pub(super) fn address_json(address: Json<'_>) -> Result<String, Error> {
    let refused = || Error::value(format!("`{}` is no address", address.as_str()));
    if let Some(text) = address.text()? {
        let canonical = match text.parse::<Ipv4Addr>() {
            Ok(v4) => v4.to_string(),
            Err(_) => ipv6_text(&text).ok_or_else(refused)?,
        };
        return Ok(text_json(&canonical));
    }
    let number = address.as_str().parse::<u128>().map_err(|_| refused())?;
    let canonical = match u32::try_from(number) {
        Ok(v4) => Ipv4Addr::from(v4).to_string(),
        Err(_) => ipv6_text(&Ipv6Addr::from(number).to_string()).ok_or_else(refused)?,
    };
    Ok(text_json(&canonical))
}

/// A MAC address in the form of Nova's objects: lower-case, with colons.
pub(super) fn mac_address(text: &str) -> Option<String> {
    let mac = text.to_ascii_lowercase().replace('-', ":");
    let mut octets = 0;
    for octet in mac.split(':') {
        octets += 1;
        if octet.len() != 2 || !octet.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
    }
    (octets == 6).then_some(mac)
}

fn invalid_address(release: Release, address: &str) -> Error {
    Error::new("InvalidIpAddressError", release.invalid_ip_address(address))
}

fn version(release: Release, address: &str) -> Option<&'static str> {
    if address.parse::<Ipv4Addr>().is_ok() || (release.short_addresses() && is_inet_aton(address)) {
        return Some("4");
    }
    address.parse::<Ipv6Addr>().ok().map(|_| "6")
}

fn version_of_number(number: i128) -> Option<&'static str> {
    match u128::try_from(number) {
        Ok(number) if number <= u128::from(u32::MAX) => Some("4"),
        Ok(_) => Some("6"),
        Err(_) => None,
    }
}

fn version_of_big_number(number: Json<'_>) -> Option<&'static str> {
    number.as_str().parse::<u128>().ok().map(|_| "6")
}

/// In a network, netaddr of grizzly's time completes a partial IPv4 address with zeros (`172.16/12`).
fn network_version(release: Release, address: &str) -> Option<&'static str> {
    let complete = release.short_addresses() && address.split('.').count() < 4;
    if complete && !address.is_empty() && address.split('.').all(|part| part.parse::<u8>().is_ok()) {
        return Some("4");
    }
    version(release, address)
}

/// A prefix length, a netmask or a hostmask.
fn is_prefix(release: Release, version: &str, prefix: &str) -> bool {
    let width = if version == "4" { 32 } else { 128 };
    if let Ok(length) = python::int(prefix, release.groups_digits()) {
        return (0..=width).contains(&length);
    }
    let mask = match version {
        "4" => prefix.parse::<Ipv4Addr>().map(|mask| u128::from(u32::from(mask)) | (u128::MAX << 32)).ok(),
        _ => prefix.parse::<Ipv6Addr>().map(u128::from).ok(),
    };
    let hostmask = match version {
        "4" => prefix.parse::<Ipv4Addr>().map(|mask| u128::from(u32::from(mask))).ok(),
        _ => prefix.parse::<Ipv6Addr>().map(u128::from).ok(),
    };
    mask.is_some_and(|mask| mask.leading_ones() + mask.trailing_zeros() >= 128)
        || hostmask.is_some_and(|mask| mask.leading_zeros() + mask.trailing_ones() >= 128)
}

/// The C library's `inet_aton`: one to four numbers, decimal, octal or hexadecimal, the last one filling what is
/// left; whatever follows a blank does not count.
fn is_inet_aton(address: &str) -> bool {
    let address = address.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
    let parts: Vec<&str> = address.split('.').collect();
    let Some((last, leading)) = parts.split_last() else {
        return false;
    };
    let rest = u32::try_from(leading.len()).map_or(0, |count| 4_u32.saturating_sub(count)).saturating_mul(8);
    leading.len() <= 3
        && leading.iter().all(|part| c_number(part).is_some_and(|number| number <= 0xff))
        && c_number(last).is_some_and(|number| number < 1_u64 << rest)
}

fn c_number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { u64::from_str_radix(digits, radix).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_netaddr_does() {
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
    fn networks_are_judged_as_netaddr_does() {
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
