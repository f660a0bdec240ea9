//! Keys whose order under memcmp is the order of the values (TYP-2). NULL markers and DESC are the caller's.

use super::{Datum, TypeRef};

/// Appends the key of a non-NULL value. No key is a proper prefix of another one of its type.
pub fn encode(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>) {
    let _ = typ;
    match value {
        Datum::Null => {}
        Datum::Bool(v) => out.push(v.into()),
        Datum::I16(v) => out.extend_from_slice(&((v as u16) ^ 0x8000).to_be_bytes()),
        Datum::I32(v) => out.extend_from_slice(&((v as u32) ^ 0x8000_0000).to_be_bytes()),
        Datum::U32(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::I64(v) => out.extend_from_slice(&((v as u64) ^ (1 << 63)).to_be_bytes()),
        Datum::F32(v) => out.extend_from_slice(&v.to_bits().to_be_bytes()),
        Datum::F64(v) => out.extend_from_slice(&v.to_bits().to_be_bytes()),
        Datum::Bytes(b) => {
            out.extend_from_slice(b);
            out.push(0);
        }
    }
}
