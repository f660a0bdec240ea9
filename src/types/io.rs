//! Reading and writing values of any type: the way from a type to its file.

use super::{Datum, IoContext, Phys, TypeRef, Value, info, oid};
use crate::base::{Error, Oid, Result};

/// Reads a value from its text form and applies the type modifier, as an input function does.
pub fn text_in(typ: TypeRef, text: &str, io: &IoContext) -> Result<Value> {
    let _ = io;
    match typ.oid {
        oid::TEXT | oid::UNKNOWN | oid::CSTRING => Ok(Value::text(text)),
        other => Err(no_function("input", other)),
    }
}

/// Writes a value's text form. NULL writes nothing: its form is the caller's.
pub fn text_out(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    let _ = io;
    match (typ.oid, value) {
        (_, Datum::Null) => Ok(()),
        (oid::TEXT | oid::UNKNOWN | oid::CSTRING, Datum::Bytes(b)) => {
            out.extend_from_slice(b);
            Ok(())
        }
        (other, _) => Err(no_function("output", other)),
    }
}

/// Reads a value from its binary form on the wire and applies the type modifier.
pub fn binary_in(typ: TypeRef, bytes: &[u8], io: &IoContext) -> Result<Value> {
    let _ = (bytes, io);
    Err(no_function("binary input", typ.oid))
}

/// Writes a value's binary form on the wire. NULL writes nothing: its form is the caller's.
pub fn binary_out(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    let _ = (value, out, io);
    Err(no_function("binary output", typ.oid))
}

#[cold]
fn no_function(what: &str, typ: Oid) -> Error {
    let name = info(typ).map_or("???", |i| i.name);
    Error::unsupported(format!("no {what} function available for type {name}"))
}

/// Checks that a binary value has the length its type asks for.
#[expect(dead_code, reason = "used by the types' files as they land")]
pub(super) fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    match bytes.try_into() {
        Ok(b) => Ok(b),
        Err(_) if bytes.len() < N => Err(crate::err!(PROTOCOL_VIOLATION, "insufficient data left in message")),
        Err(_) => Err(crate::err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format")),
    }
}

const _: Phys = Phys::Bytes;
