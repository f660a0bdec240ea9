//! `regclass`, `regtype`, `regproc` and the like: object ids that read and write as names.

use super::context::IoContext;
use super::{format_type_plain, oid};
use crate::base::{Oid, Result};

pub fn parse(typ: Oid, text: &str, io: &IoContext) -> Result<u32> {
    if text == "-" {
        return Ok(0);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return super::int::parse_u32(text, "oid");
    }
    parse_name(typ, text, io)
}

/// What only a name stands for: `to_regclass` and the like take no number (PostgreSQL 15, regproc.c).
pub fn parse_name(typ: Oid, text: &str, io: &IoContext) -> Result<u32> {
    let t = text.trim();
    if typ == oid::REGTYPE {
        return Ok(super::parse_type(t, &*io.hooks)?.oid.0);
    }
    io.hooks.reg_in(typ, t).map(|o| o.0)
}

pub fn write(typ: Oid, value: u32, out: &mut Vec<u8>, io: &IoContext) {
    if value == 0 {
        return out.push(if matches!(typ, oid::REGOPER | oid::REGOPERATOR) { b'0' } else { b'-' });
    }
    let name = match typ {
        oid::REGTYPE if super::info(Oid(value)).is_some() => Some(format_type_plain(Oid(value), &*io.hooks)),
        _ => io.hooks.reg_out(typ, Oid(value)),
    };
    match name {
        Some(n) => out.extend_from_slice(n.as_bytes()),
        None => super::int::write(value, out),
    }
}
