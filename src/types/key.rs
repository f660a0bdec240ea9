//! Keys whose order under memcmp is the order of the values (TYP-2). NULL markers and DESC are the caller's.
//!
//! Numbers are big-endian with the sign bit turned; text ends with a zero byte, which it cannot hold itself; bytea
//! a text that a collation orders comes after its place in that order; bytea
//! writes a zero byte as `00 FF` and ends with `00 00`; compound values are built from the keys of their parts.
//! No key is a proper prefix of another one of its type.

use super::array::Array;
use super::datetime::{Interval, TimeTz};
use super::inet::Inet;
use super::jsonb::Jsonb;
use super::numeric::Numeric;
use super::range::{Multirange, Range};
use super::record::Record;
use super::{Datum, TypeRef, base_type, float, info, oid, text, tid};

/// Appends the key of a non-NULL value.
pub fn encode(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>) {
    match value {
        Datum::Null => {}
        Datum::Bool(v) => out.push(v.into()),
        Datum::I16(v) => out.extend_from_slice(&((v as u16) ^ 0x8000).to_be_bytes()),
        Datum::I32(v) => out.extend_from_slice(&((v as u32) ^ 0x8000_0000).to_be_bytes()),
        Datum::U32(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::I64(v) if matches!(typ.oid, oid::PG_LSN | oid::XID8) => {
            out.extend_from_slice(&(v as u64).to_be_bytes());
        }
        Datum::I64(v) => out.extend_from_slice(&((v as u64) ^ (1 << 63)).to_be_bytes()),
        Datum::F32(v) => out.extend_from_slice(&float::key(v.into()).to_be_bytes()),
        Datum::F64(v) => out.extend_from_slice(&float::key(v).to_be_bytes()),
        Datum::Bytes(b) => encode_bytes(typ, b, out),
    }
}

fn encode_bytes(typ: TypeRef, b: &[u8], out: &mut Vec<u8>) {
    match typ.oid {
        oid::TEXT | oid::VARCHAR | oid::NAME | oid::UNKNOWN | oid::CSTRING | oid::CHAR => typ.collation.encode(b, out),
        oid::BPCHAR => typ.collation.encode(text::trim_blanks(b), out),
        oid::UUID => out.extend_from_slice(b),
        oid::NUMERIC => Numeric::encode_key(b, out),
        oid::INTERVAL => {
            let total = Interval::from_bytes(b).total() as u128 ^ (1 << 127);
            out.extend_from_slice(&total.to_be_bytes());
        }
        oid::TIMETZ => {
            let t = TimeTz::from_bytes(b);
            out.extend_from_slice(&(t.utc_us() as u64 ^ (1 << 63)).to_be_bytes());
            out.extend_from_slice(&(t.west as u32 ^ (1 << 31)).to_be_bytes());
        }
        oid::TSVECTOR => super::tsvector::encode_key(b, out),
        oid::TSQUERY => super::tsquery::encode_key(b, out),
        oid::JSONB => Jsonb::new(b).encode_key(out),
        oid::TID => {
            let t = tid::from_bytes(b);
            out.extend_from_slice(&t.block.to_be_bytes());
            out.extend_from_slice(&t.offset.to_be_bytes());
        }
        oid::INET | oid::CIDR => encode_inet(Inet::from_bytes(b), out),
        oid::BIT | oid::VARBIT => {
            let bits = super::bit::Bits::new(b);
            escaped(bits.bytes, out);
            out.extend_from_slice(&(bits.len as u32).to_be_bytes());
        }
        oid::OIDVECTOR => {
            let vector = Array::new(b);
            out.extend_from_slice(&(vector.len() as u32).to_be_bytes());
            vector.iter().for_each(|v| encode(TypeRef::of(oid::OID), v, out));
        }
        oid::RECORD => encode_record(typ, b, out),
        oid::ANYARRAY => encode_array(typ, b, out),
        oid::ANYRANGE => Range::new(b).encode_key(out),
        oid::ANYMULTIRANGE => Multirange::new(b).encode_key(out),
        other => match info(base_type(other)) {
            Some(t) if t.is_array() => encode_array(typ, b, out),
            Some(t) if t.kind == b'c' => encode_record(typ, b, out),
            Some(t) if t.kind == b'r' => Range::new(b).encode_key(out),
            Some(t) if t.kind == b'm' => Multirange::new(b).encode_key(out),
            Some(t) if let Some(key) = t.code.and_then(|c| c.key) => key(b, out),
            Some(t) if t.oid != other => encode_bytes(TypeRef::of(t.oid).ordered_by(typ.collation), b, out),
            _ => escaped(b, out),
        },
    }
}

/// Bytes that may hold zeros.
fn escaped(b: &[u8], out: &mut Vec<u8>) {
    for &byte in b {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

/// Network bits as markers 1 and 2 one by one, so that a shorter network that agrees comes first.
fn encode_inet(value: Inet, out: &mut Vec<u8>) {
    out.push(u8::from(!value.address.is_ipv4()));
    let n = value.number();
    for i in 0..value.bits {
        out.push(1 + (n >> (127 - u32::from(i)) & 1) as u8);
    }
    out.push(0);
    out.extend_from_slice(&n.to_be_bytes());
}

/// A marker before each element: 0 at the end, 1 before a value, 2 for NULL; then number and dimensions.
fn encode_array(typ: TypeRef, b: &[u8], out: &mut Vec<u8>) {
    let array = Array::new(b);
    let typ = TypeRef::of(array.element).ordered_by(typ.collation);
    for value in array.iter() {
        out.push(if value.is_null() { 2 } else { 1 });
        encode(typ, value, out);
    }
    out.push(0);
    out.push(array.dims.len() as u8);
    for d in &array.dims {
        out.extend_from_slice(&(d.len as u32).to_be_bytes());
    }
    for d in &array.dims {
        out.extend_from_slice(&(d.lower as u32 ^ (1 << 31)).to_be_bytes());
    }
}

fn encode_record(typ: TypeRef, b: &[u8], out: &mut Vec<u8>) {
    for c in Record::new(b).columns {
        out.push(if c.value.is_null() { 2 } else { 1 });
        encode(TypeRef::of(c.typ).ordered_by(typ.collation), c.value, out);
    }
    out.push(0);
}
