//! Functions of `inet` and `cidr`.

use super::{FnContext, FuncImpl, push_text};
use crate::base::Result;
use crate::types::inet::{self, Inet};
use crate::types::{Column, Datum};
use crate::{bail, err};

type Args<'a, 'b> = &'a [Datum<'b>];

fn arg(args: Args<'_, '_>, n: usize) -> Inet {
    Inet::from_bytes(args[n].bytes())
}

fn push(out: &mut Column, i: Inet) -> Result<()> {
    out.push(Datum::Bytes(&i.to_bytes()));
    Ok(())
}

pub(super) fn shown(i: Inet, mask: bool) -> String {
    let mut v = Vec::new();
    inet::write(i, mask, &mut v);
    String::from_utf8_lossy(&v).into_owned()
}

fn same_family(a: Inet, b: Inet) -> bool {
    a.address.is_ipv4() == b.address.is_ipv4()
}

/// Whether `b`'s network lies in `a`'s (`a >>= b`); `strict`: and is smaller.
fn includes(a: Inet, b: Inet, strict: bool) -> bool {
    let deeper = if strict { b.bits > a.bits } else { b.bits >= a.bits };
    same_family(a, b) && deeper && a.number() & a.mask() == b.number() & a.mask()
}

macro_rules! inclusion {
    ($($name:ident, |$a:ident, $b:ident| $body:expr;)*) => {$(
        fn $name(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
            let ($a, $b) = (arg(args, 0), arg(args, 1));
            out.push(Datum::Bool($body));
            Ok(())
        }
    )*};
}
inclusion! {
    sub, |a, b| includes(b, a, true);
    subeq, |a, b| includes(b, a, false);
    sup, |a, b| includes(a, b, true);
    supeq, |a, b| includes(a, b, false);
    overlap, |a, b| includes(a, b, false) || includes(b, a, false);
    same, |a, b| same_family(a, b);
}

fn host(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, crate::types::inet::address_text(arg(args, 0).address))
}

fn show(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, shown(arg(args, 0), true))
}

fn inet_abbrev(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, shown(arg(args, 0), false))
}

/// The smallest network that holds both.
fn merge(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (arg(args, 0), arg(args, 1));
    if !same_family(a, b) {
        return Err(err!(INVALID_PARAMETER_VALUE, "cannot merge addresses from different families"));
    }
    let common = (a.number() ^ b.number()).leading_zeros().min(a.bits.min(b.bits).into()) as u8;
    let net = Inet { bits: common, ..a };
    push(out, net.with_number(net.number() & net.mask()))
}

/// A network without what its mask leaves out. PostgreSQL 15, inet_cidr_ntop.c: same rules.
fn cidr_abbrev(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let i = arg(args, 0);
    let groups = match i.address {
        std::net::IpAddr::V4(address) => {
            let count = usize::from(i.bits.div_ceil(8)).max(1);
            let octets: Vec<String> = address.octets()[..count].iter().map(u8::to_string).collect();
            octets.join(".")
        }
        std::net::IpAddr::V6(address) => groups_within(address, i.bits),
    };
    push_text(out, format!("{groups}/{}", i.bits))
}

/// The 16-bit groups of a network that its mask reaches, two at least, the longest run of zeros among them as `::` (so
/// that the groups left out may make another address of it: `0:0:1::/48` is `::1/48`).
fn groups_within(address: std::net::Ipv6Addr, bits: u8) -> String {
    if bits == 0 {
        return "::".to_string();
    }
    let count = usize::from(bits.div_ceil(16)).max(2);
    let (all, bytes) = (address.segments(), address.octets());
    let zeros = longest_zeros(&all[..count]);
    // An IPv4 address within: after six groups of zeros, or five and ffff.
    let mapped = zeros.start == 0
        && zeros.len() != count
        && match zeros.len() {
            5 => all[5] == 0xffff,
            6 => true,
            7 => bytes[14] != 0 && bytes[15] != 1,
            _ => false,
        };
    let mut text = String::new();
    for (n, group) in all.iter().enumerate().take(count) {
        if zeros.contains(&n) {
            text.push_str(if n == zeros.start { ":" } else { "" });
            text.push_str(if n + 1 == count { ":" } else { "" });
        } else if mapped && n > 5 {
            text.push_str(&format!("{}{}", if n == 6 { ':' } else { '.' }, group >> 8));
            if n != 7 || bits > 120 {
                text.push_str(&format!(".{}", group & 0xff));
            }
        } else {
            text.push_str(if text.is_empty() { "" } else { ":" });
            text.push_str(&format!("{group:x}"));
        }
    }
    text
}

/// The first of the longest runs of zeros.
fn longest_zeros(groups: &[u16]) -> std::ops::Range<usize> {
    let mut longest = 0..0;
    let mut start = 0;
    for (n, group) in groups.iter().enumerate() {
        if *group != 0 {
            start = n + 1;
        } else if n + 1 - start > longest.len() {
            longest = start..n + 1;
        }
    }
    longest
}

fn masklen(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(arg(args, 0).bits.into()));
    Ok(())
}

fn family(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(if arg(args, 0).address.is_ipv4() { 4 } else { 6 }));
    Ok(())
}

/// Bits of the address that a family has, at the top of the number.
fn all_bits(i: Inet) -> u128 {
    if i.address.is_ipv4() { u128::MAX << 96 } else { u128::MAX }
}

fn broadcast(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let i = arg(args, 0);
    push(out, i.with_number((i.number() | !i.mask()) & all_bits(i)))
}

fn network(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let i = arg(args, 0);
    push(out, i.with_number(i.number() & i.mask()))
}

fn netmask(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let i = arg(args, 0);
    push(out, Inet { bits: i.max_bits(), ..i.with_number(i.mask()) })
}

fn hostmask(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let i = arg(args, 0);
    push(out, Inet { bits: i.max_bits(), ..i.with_number(!i.mask() & all_bits(i)) })
}

fn checked_bits(i: Inet, bits: i32) -> Result<u8> {
    match bits {
        -1 => Ok(i.max_bits()),
        b if (0..=i.max_bits().into()).contains(&b) => Ok(b as u8),
        b => Err(err!(INVALID_PARAMETER_VALUE, "invalid mask length: {b}")),
    }
}

fn set_masklen(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let i = arg(args, 0);
    push(out, Inet { bits: checked_bits(i, args[1].i32())?, ..i })
}

fn cidr_set_masklen(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let i = arg(args, 0);
    let i = Inet { bits: checked_bits(i, args[1].i32())?, ..i };
    push(out, i.with_number(i.number() & i.mask()))
}

fn combined(args: Args<'_, '_>, what: &str, f: fn(u128, u128) -> u128) -> Result<Inet> {
    let (a, b) = (arg(args, 0), arg(args, 1));
    if !same_family(a, b) {
        bail!(INVALID_PARAMETER_VALUE, "cannot {what} inet values of different sizes");
    }
    Ok(Inet { bits: a.bits.max(b.bits), ..a.with_number(f(a.number(), b.number()) & all_bits(a)) })
}

fn and(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, combined(args, "AND", |a, b| a & b)?)
}

fn or(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, combined(args, "OR", |a, b| a | b)?)
}

fn not(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let i = arg(args, 0);
    push(out, i.with_number(!i.number() & all_bits(i)))
}

/// The address as a plain number, and how many there are.
fn plain(i: Inet) -> (u128, u128) {
    if i.address.is_ipv4() { (i.number() >> 96, u128::from(u32::MAX)) } else { (i.number(), u128::MAX) }
}

fn moved(i: Inet, by: i128) -> Result<Inet> {
    let (n, max) = plain(i);
    match n.checked_add_signed(by).filter(|n| *n <= max) {
        Some(n) => Ok(i.with_number(if i.address.is_ipv4() { n << 96 } else { n })),
        None => Err(err!(NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range")),
    }
}

fn plus(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, moved(arg(args, 0), args[1].i64().into())?)
}

fn number_plus(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, moved(arg(args, 1), args[0].i64().into())?)
}

fn minus(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, moved(arg(args, 0), -i128::from(args[1].i64()))?)
}

fn difference(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (arg(args, 0), arg(args, 1));
    if !same_family(a, b) {
        bail!(INVALID_PARAMETER_VALUE, "cannot subtract inet values of different sizes");
    }
    let ((a, _), (b, _)) = (plain(a), plain(b));
    let apart = i128::try_from(a.abs_diff(b)).ok().map(|d| if a < b { -d } else { d });
    match apart.and_then(|d| i64::try_from(d).ok()) {
        Some(n) => out.push(Datum::I64(n)),
        None => bail!(NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range"),
    }
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("inet_merge", Scalar(merge)),
    ("cidr_abbrev", Scalar(cidr_abbrev)),
    ("network_sub", Scalar(sub)),
    ("network_subeq", Scalar(subeq)),
    ("network_sup", Scalar(sup)),
    ("network_supeq", Scalar(supeq)),
    ("network_overlap", Scalar(overlap)),
    ("inet_same_family", Scalar(same)),
    ("network_host", Scalar(host)),
    ("network_show", Scalar(show)),
    ("inet_abbrev", Scalar(inet_abbrev)),
    ("network_masklen", Scalar(masklen)),
    ("network_family", Scalar(family)),
    ("network_broadcast", Scalar(broadcast)),
    ("network_network", Scalar(network)),
    ("inet_to_cidr", Scalar(network)),
    ("network_netmask", Scalar(netmask)),
    ("network_hostmask", Scalar(hostmask)),
    ("inet_set_masklen", Scalar(set_masklen)),
    ("cidr_set_masklen", Scalar(cidr_set_masklen)),
    ("inetand", Scalar(and)),
    ("inetor", Scalar(or)),
    ("inetnot", Scalar(not)),
    ("inetpl", Scalar(plus)),
    ("int8pl_inet(bigint,inet)", Scalar(number_plus)),
    ("inetmi_int8", Scalar(minus)),
    ("inetmi", Scalar(difference)),
];
