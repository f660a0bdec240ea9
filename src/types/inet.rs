//! `inet` and `cidr`. Bytes: family (4 or 6), bits of the netmask, then the address in network order.

use crate::base::Result;
use crate::err;
use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network address taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inet {
    pub address: IpAddr,
    pub bits: u8,
}

impl Inet {
    pub fn from_bytes(b: &[u8]) -> Inet {
        let bits = b.get(1).copied().unwrap_or(0);
        let rest = b.get(2..).unwrap_or(&[]);
        let address = match rest.first_chunk::<16>() {
            Some(a) => IpAddr::V6(Ipv6Addr::from(*a)),
            None => IpAddr::V4(Ipv4Addr::from(rest.first_chunk::<4>().copied().unwrap_or([0; 4]))),
        };
        Inet { address, bits }
    }

    pub fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![if self.address.is_ipv4() { 4 } else { 6 }, self.bits];
        match self.address {
            IpAddr::V4(a) => out.extend_from_slice(&a.octets()),
            IpAddr::V6(a) => out.extend_from_slice(&a.octets()),
        }
        out
    }

    pub fn max_bits(self) -> u8 {
        if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// The address as a number, moved to the top of 128 bits.
    pub fn number(self) -> u128 {
        match self.address {
            IpAddr::V4(a) => u128::from(a.to_bits()) << 96,
            IpAddr::V6(a) => a.to_bits(),
        }
    }

    pub fn with_number(self, n: u128) -> Inet {
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits((n >> 96) as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(n)),
        };
        Inet { address, ..self }
    }

    pub fn mask(self) -> u128 {
        if self.bits == 0 { 0 } else { u128::MAX << (128 - u32::from(self.bits)) }
    }

    /// PostgreSQL 15, network.c, network_cmp_internal: network part, then its length, then the whole address.
    pub fn compare(self, other: Inet) -> Ordering {
        let v4 = |i: Inet| !i.address.is_ipv4();
        v4(self).cmp(&v4(other)).then_with(|| {
            let common = Inet { bits: self.bits.min(other.bits), ..self }.mask();
            (self.number() & common)
                .cmp(&(other.number() & common))
                .then(self.bits.cmp(&other.bits))
                .then(self.number().cmp(&other.number()))
        })
    }
}

pub fn parse(text: &str, cidr: bool) -> Result<Inet> {
    let name = if cidr { "cidr" } else { "inet" };
    let invalid = || err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {name}: \"{text}\"");
    let (address, bits) = match text.split_once('/') {
        Some((_, b)) if !b.bytes().all(|b| b.is_ascii_digit()) => return Err(invalid()),
        Some((a, b)) => (a, Some(b.parse::<u8>().map_err(|_| invalid())?)),
        None => (text, None),
    };
    let address: IpAddr = match address.contains(':') {
        true => address.parse().map_err(|_| invalid())?,
        false => {
            let (octets, count) = octets(address, !cidr && bits.is_some()).ok_or_else(invalid)?;
            // The last octets may be left out before a mask that does not reach them; of a cidr the class tells the mask.
            if !cidr && bits.map_or(count < 4, |b| usize::from(b / 8) > count) {
                return Err(invalid());
            }
            IpAddr::V4(Ipv4Addr::from(octets))
        }
    };
    let max = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or_else(|| match address {
        IpAddr::V4(a) if cidr => class_bits(a, text.split('.').count() as u8),
        _ => max,
    });
    let value = Inet { address, bits };
    if value.bits > max {
        return Err(invalid());
    }
    if cidr && value.number() & !value.mask() != 0 {
        return Err(err!(INVALID_TEXT_REPRESENTATION, "invalid cidr value: \"{text}\"")
            .detail("Value has bits set to right of mask."));
    }
    Ok(value)
}

/// The octets of an IPv4 address, and how many are written. They may have zeros in front; of an inet there may be a point
/// behind the last one, before the mask (PostgreSQL 15, inet_net_pton.c, inet_net_pton_ipv4 and inet_cidr_pton_ipv4).
fn octets(address: &str, point: bool) -> Option<([u8; 4], usize)> {
    let address = if point { address.strip_suffix('.').unwrap_or(address) } else { address };
    let (mut octets, mut count) = ([0; 4], 0);
    for part in address.split('.') {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // Zeros in front may be many.
        let digits = part.trim_start_matches('0');
        *octets.get_mut(count)? = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        count += 1;
    }
    Some((octets, count))
}

/// The mask of a network by its first octet, and by how many octets were written.
fn class_bits(address: Ipv4Addr, octets: u8) -> u8 {
    let class = match address.octets()[0] {
        240.. => 32,
        224.. => 8,
        192.. => 24,
        128.. => 16,
        _ => 8,
    };
    class.max(octets.saturating_mul(8))
}

/// What has no more than its last 32 bits, but more than 16, reads as an IPv4 address behind `::`.
///
/// PostgreSQL 15, inet_net_ntop.c, inet_net_ntop_ipv6: same rule.
fn v6_text(a: Ipv6Addr) -> String {
    match a.to_bits() {
        n if n <= u128::from(u16::MAX) || n > u128::from(u32::MAX) => a.to_string(),
        n => format!("::{}", Ipv4Addr::from_bits(n as u32)),
    }
}

/// An address alone.
pub fn address_text(address: IpAddr) -> String {
    match address {
        IpAddr::V6(a) => v6_text(a),
        a => a.to_string(),
    }
}

pub fn write(value: Inet, cidr: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(address_text(value.address).as_bytes());
    if cidr || value.bits != value.max_bits() {
        out.extend_from_slice(format!("/{}", value.bits).as_bytes());
    }
}

/// PostgreSQL's binary form: family (2 or 3), bits, whether it is a cidr, length, address.
pub fn write_binary(value: Inet, cidr: bool, out: &mut Vec<u8>) {
    let v4 = value.address.is_ipv4();
    out.extend_from_slice(&[if v4 { 2 } else { 3 }, value.bits, cidr.into(), if v4 { 4 } else { 16 }]);
    out.extend_from_slice(&value.to_bytes()[2..]);
}

pub fn from_binary(b: &[u8]) -> Result<Inet> {
    let invalid = || err!(INVALID_BINARY_REPRESENTATION, "invalid address family in external \"inet\" value");
    let [family, bits, _, len, address @ ..] = b else { return Err(invalid()) };
    let expected = match family {
        2 => 4,
        3 => 16,
        _ => return Err(invalid()),
    };
    if usize::from(*len) != expected || address.len() != expected || usize::from(*bits) > expected * 8 {
        return Err(invalid());
    }
    let mut stored = vec![if expected == 4 { 4 } else { 6 }, *bits];
    stored.extend_from_slice(address);
    Ok(Inet::from_bytes(&stored))
}
