//! Reading and writing values of any type: the way from a type to its file.

use super::datetime::{Interval, TimeTz, date, time, timestamp};
use super::inet::Inet;
use super::numeric::Numeric;
use super::snapshot::SnapshotValue;
use super::{
    Column, Datum, IoContext, TypeRef, Value, aclitem, array, bit, bool, bytea, float, geometry, inet, info, int, json,
    jsonb, jsonpath, lsn, macaddr, money, oid, range, record, reg, text, tid, tsquery, tsvector, uuid, xml,
};
use crate::base::{Error, Oid, Result, SqlState};
use crate::{bail, err};

fn bytes(b: impl Into<Box<[u8]>>) -> Value {
    Value::Bytes(b.into())
}

/// Reads a value from its text form and applies the type modifier, as an input function does.
pub fn text_in(typ: TypeRef, s: &str, io: &IoContext) -> Result<Value> {
    Ok(match typ.oid {
        oid::BOOL => Value::Bool(bool::parse(s)?),
        oid::INT2 => Value::I16(int::parse(s, "smallint")?),
        oid::INT4 => Value::I32(int::parse(s, "integer")?),
        oid::INT8 => Value::I64(int::parse(s, "bigint")?),
        oid::OID => Value::U32(int::parse_u32(s, "oid")?),
        oid::XID | oid::CID => Value::U32(int::leading_u64(s) as u32),
        oid::XID8 => Value::I64(int::leading_u64(s) as i64),
        oid::FLOAT4 => Value::F32(float::parse_f32(s)?),
        oid::FLOAT8 => Value::F64(float::parse_f64(s)?),
        oid::NUMERIC => bytes(Numeric::parse(s)?.apply_typmod(typ.typmod)?.to_bytes()?),
        oid::TEXT | oid::UNKNOWN | oid::CSTRING | oid::REFCURSOR | oid::PG_NODE_TREE => Value::text(s),
        oid::VARCHAR => Value::text(text::varchar(s, typ.typmod, false)?),
        oid::BPCHAR => {
            let mut out = Vec::new();
            text::bpchar(s, typ.typmod, false, &mut out)?;
            bytes(out)
        }
        oid::NAME => Value::text(text::clip(s, text::NAME_MAX)),
        oid::CHAR => bytes(text::char_in(s)),
        oid::BYTEA => bytes(bytea::parse(s)?),
        oid::DATE => Value::I32(date::parse(s, io)?),
        oid::TIME => Value::I64(time::parse(s, typ.typmod, io)?),
        oid::TIMETZ => bytes(time::parse_tz(s, typ.typmod, io)?.to_bytes()),
        oid::TIMESTAMP => Value::I64(timestamp::parse(s, typ.typmod, io)?),
        oid::TIMESTAMPTZ => Value::I64(timestamp::parse_tz(s, typ.typmod, io)?),
        oid::INTERVAL => bytes(Interval::parse(s, typ.typmod, io)?.to_bytes()),
        oid::UUID => bytes(uuid::parse(s)?),
        oid::JSON => {
            json::validate(s)?;
            Value::text(s)
        }
        oid::JSONB => bytes(jsonb::parse(s)?),
        oid::TID => bytes(tid::to_bytes(tid::parse(s)?)),
        oid::PG_LSN => Value::I64(lsn::parse(s)?.0 as i64),
        oid::INET | oid::CIDR => bytes(inet::parse(s, typ.oid == oid::CIDR)?.to_bytes()),
        oid::BIT | oid::VARBIT => bytes(bit::parse(s, typ.typmod, typ.oid == oid::VARBIT)?),
        oid::MONEY => Value::I64(money::parse(s)?),
        oid::MACADDR => bytes(macaddr::parse(s)?),
        oid::MACADDR8 => bytes(macaddr::parse8(s)?),
        oid::XML => {
            xml::check(s, io.xml_form)?;
            Value::text(s)
        }
        oid::TSVECTOR => bytes(tsvector::parse(s)?),
        oid::PG_SNAPSHOT | oid::TXID_SNAPSHOT => Value::text(SnapshotValue::parse(s)?.to_string()),
        oid::TSQUERY => {
            let mut out = Vec::new();
            if let Some(q) = tsquery::parse(s)? {
                q.write(&mut out);
            }
            bytes(out)
        }
        oid::JSONPATH => {
            let path = jsonpath::parse_checked(s, &|pattern, flags| io.hooks.check_regex(pattern, flags))?;
            Value::text(jsonpath::write(&path))
        }
        other if geometry::is_geometry(other) => bytes(geometry::parse(other, s)?),
        oid::ACLITEM => Value::text(&aclitem::parse(s, io)?),
        oid::VOID => bytes([]),
        oid::INT2VECTOR => bytes(array::parse_vector(oid::INT2, s, io)?),
        oid::OIDVECTOR => bytes(array::parse_vector(oid::OID, s, io)?),
        _ => return other_text_in(typ, s, io),
    })
}

/// Reads a value from its text form onto a column, without an allocation for the commonest types: COPY's way in.
pub fn push_text(typ: TypeRef, s: &str, column: &mut Column, io: &IoContext) -> Result<()> {
    match typ.oid {
        oid::TEXT => column.push(Datum::Bytes(s.as_bytes())),
        oid::VARCHAR => column.push(Datum::Bytes(text::varchar(s, typ.typmod, false)?.as_bytes())),
        oid::BPCHAR => column.push_bytes_with(|out| text::bpchar(s, typ.typmod, false, out))?,
        oid::NUMERIC => {
            let n = Numeric::parse(s)?.apply_typmod(typ.typmod)?;
            column.push_bytes_with(|out| n.write(out))?;
        }
        _ => column.push(text_in(typ, s, io)?.datum()),
    }
    Ok(())
}

/// Whether values of a type name objects of the catalogs.
pub fn is_reg(typ: Oid) -> bool {
    matches!(
        typ,
        oid::REGPROC
            | oid::REGPROCEDURE
            | oid::REGOPER
            | oid::REGOPERATOR
            | oid::REGCLASS
            | oid::REGTYPE
            | oid::REGCOLLATION
            | oid::REGROLE
            | oid::REGNAMESPACE
            | oid::REGCONFIG
            | oid::REGDICTIONARY
    )
}

fn other_text_in(typ: TypeRef, s: &str, io: &IoContext) -> Result<Value> {
    if is_reg(typ.oid) {
        return Ok(Value::U32(reg::parse(typ.oid, s, io)?));
    }
    let Some(t) = info(typ.oid) else { return Err(no_function("input", typ.oid)) };
    match t.kind {
        _ if t.is_array() => Ok(bytes(array::parse(TypeRef::with(t.element, typ.typmod), s, io)?)),
        b'd' => {
            let value = text_in(super::domain_base(typ), s, io)?;
            io.hooks.check_domain(typ.oid, value.datum(), io)?;
            Ok(value)
        }
        b'e' => Ok(Value::U32(io.hooks.enum_in(typ.oid, s)?.0)),
        b'c' => Ok(bytes(record::parse(typ, s, io)?)),
        b'r' => Ok(bytes(range::parse(typ.oid, s, io)?)),
        b'm' => Ok(bytes(range::multi_parse(typ.oid, s, io)?)),
        _ if typ.oid == oid::RECORD => Ok(bytes(record::parse(typ, s, io)?)),
        _ if let Some(code) = t.code => Ok(bytes((code.read)(s)?)),
        b'p' => Err(err!(
            FEATURE_NOT_SUPPORTED,
            "cannot accept a value of type {}",
            super::format_type_plain(typ.oid, &*io.hooks)
        )),
        _ => Err(no_function("input", typ.oid)),
    }
}

/// Whether NULL may be a value of the type: a domain can forbid it.
pub fn null_in(typ: Oid, io: &IoContext) -> Result<()> {
    match info(typ) {
        Some(t) if t.kind == b'd' => io.hooks.check_domain(typ, Datum::Null, io),
        _ => Ok(()),
    }
}

/// Writes a value's text form. NULL writes nothing: its form is the caller's.
pub fn text_out(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    match (typ.oid, value) {
        (_, Datum::Null) => {}
        (oid::MONEY, Datum::I64(v)) => money::write(v, out),
        (oid::DATE, Datum::I32(v)) => date::write(v, out, io),
        (oid::TIME, Datum::I64(v)) => time::write(v, out),
        (oid::TIMESTAMP, Datum::I64(v)) => timestamp::write(v, out, io),
        (oid::TIMESTAMPTZ, Datum::I64(v)) => timestamp::write_tz(v, out, io),
        (oid::PG_LSN, Datum::I64(v)) => out.extend_from_slice(crate::base::Lsn(v as u64).to_string().as_bytes()),
        (oid::XID8, Datum::I64(v)) => int::write(v as u64, out),
        (_, Datum::Bool(v)) => out.push(if v { b't' } else { b'f' }),
        (oid::INT2, Datum::I16(v)) => int::write(v, out),
        (oid::INT4, Datum::I32(v)) => int::write(v, out),
        (oid::INT8, Datum::I64(v)) => int::write(v, out),
        (_, Datum::F32(v)) => float::write_f32(v, io.extra_float_digits, out),
        (_, Datum::F64(v)) => float::write_f64(v, io.extra_float_digits, out),
        (oid::OID | oid::XID | oid::CID, Datum::U32(v)) => int::write(v, out),
        (oid::NUMERIC, Datum::Bytes(b)) => Numeric::from_bytes(b).write_text(out),
        (
            oid::TEXT
            | oid::VARCHAR
            | oid::BPCHAR
            | oid::NAME
            | oid::UNKNOWN
            | oid::CSTRING
            | oid::JSON
            | oid::REFCURSOR
            | oid::VOID
            | oid::JSONPATH
            | oid::TSQUERY
            | oid::PG_SNAPSHOT
            | oid::TXID_SNAPSHOT
            | oid::PG_NODE_TREE
            | oid::PG_NDISTINCT
            | oid::PG_DEPENDENCIES
            | oid::ACLITEM,
            Datum::Bytes(b),
        ) => out.extend_from_slice(b),
        (oid::CHAR, Datum::Bytes(b)) => text::char_out(b, out),
        (oid::BYTEA, Datum::Bytes(b)) => bytea::write(b, io.bytea_output, out),
        (oid::TIMETZ, Datum::Bytes(b)) => time::write_tz(TimeTz::from_bytes(b), out),
        (oid::INTERVAL, Datum::Bytes(b)) => Interval::from_bytes(b).write(out, io),
        (oid::UUID, Datum::Bytes(b)) => uuid::write(b, out),
        (oid::JSONB, Datum::Bytes(b)) => jsonb::Jsonb::new(b).write(out),
        (oid::TID, Datum::Bytes(b)) => out.extend_from_slice(tid::from_bytes(b).to_string().as_bytes()),
        (oid::INET | oid::CIDR, Datum::Bytes(b)) => inet::write(Inet::from_bytes(b), typ.oid == oid::CIDR, out),
        (oid::BIT | oid::VARBIT, Datum::Bytes(b)) => bit::write(b, out),
        (oid::INT2VECTOR | oid::OIDVECTOR, Datum::Bytes(b)) => array::write_vector(b, out),
        (oid::MACADDR | oid::MACADDR8, Datum::Bytes(b)) => macaddr::write(b, out),
        (oid::XML, Datum::Bytes(_)) => out.extend_from_slice(xml::shown(value.str()).as_bytes()),
        (oid::TSVECTOR, Datum::Bytes(b)) => tsvector::write(b, out),
        (t, Datum::Bytes(b)) if geometry::is_geometry(t) => geometry::write(t, b, out, io),
        (oid::RECORD, Datum::Bytes(b)) => record::write(b, out, io)?,
        _ => return other_text_out(typ, value, out, io),
    }
    Ok(())
}

fn other_text_out(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    if let (true, Datum::U32(v)) = (is_reg(typ.oid), value) {
        reg::write(typ.oid, v, out, io);
        return Ok(());
    }
    let Some(t) = info(typ.oid) else { return Err(no_function("output", typ.oid)) };
    match (t.kind, value) {
        (b'd', v) => text_out(TypeRef::with(t.base, t.base_typmod), v, out, io),
        (b'e', Datum::U32(v)) => match io.hooks.enum_out(typ.oid, Oid(v)) {
            Some(label) => {
                out.extend_from_slice(label.as_bytes());
                Ok(())
            }
            None => Err(err!(INVALID_BINARY_REPRESENTATION, "invalid internal value for enum: {v}")),
        },
        (b'c', Datum::Bytes(b)) => record::write(b, out, io),
        (b'r', Datum::Bytes(b)) => range::write(b, out, io),
        (b'm', Datum::Bytes(b)) => range::multi_write(b, out, io),
        (_, Datum::Bytes(b)) if t.is_array() || matches!(typ.oid, oid::ANYARRAY) => array::write(b, out, io),
        (_, Datum::Bytes(b)) if let Some(code) = t.code => {
            (code.show)(b, out);
            Ok(())
        }
        (b'p', Datum::I32(v)) => {
            int::write(v, out);
            Ok(())
        }
        (b'p', Datum::U32(v)) => {
            int::write(v, out);
            Ok(())
        }
        _ => Err(no_function("output", typ.oid)),
    }
}

/// The text form as an owned string: for messages and tests; the hot way is [`text_out`].
pub fn to_text(typ: TypeRef, value: Datum<'_>, io: &IoContext) -> Result<String> {
    let mut out = Vec::new();
    text_out(typ, value, &mut out, io)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Bytes off the wire, taken from the front.
pub struct Wire<'a>(pub &'a [u8]);

impl<'a> Wire<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.0.split_first_chunk::<N>() {
            Some((head, rest)) => {
                self.0 = rest;
                Ok(*head)
            }
            None => Err(err!(PROTOCOL_VIOLATION, "insufficient data left in message")),
        }
    }

    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.take()?))
    }

    /// A length and as many bytes; None for the length −1.
    pub fn sized(&mut self) -> Result<Option<&'a [u8]>> {
        let len = self.i32()?;
        if len == -1 {
            return Ok(None);
        }
        match usize::try_from(len).ok().and_then(|l| self.0.split_at_checked(l)) {
            Some((head, rest)) => {
                self.0 = rest;
                Ok(Some(head))
            }
            None => Err(err!(PROTOCOL_VIOLATION, "insufficient data left in message")),
        }
    }

    fn end(self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format"))
    }
}

/// The bytes if there are exactly so many.
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    let mut w = Wire(bytes);
    let out = w.take()?;
    w.end()?;
    Ok(out)
}

/// Reads a value from its binary form on the wire and applies the type modifier.
pub fn binary_in(typ: TypeRef, b: &[u8], io: &IoContext) -> Result<Value> {
    Ok(match typ.oid {
        oid::BOOL => Value::Bool(fixed::<1>(b)? != [0]),
        oid::INT2 => Value::I16(i16::from_be_bytes(fixed(b)?)),
        oid::INT4 => Value::I32(i32::from_be_bytes(fixed(b)?)),
        oid::INT8 | oid::MONEY | oid::XID8 | oid::PG_LSN => Value::I64(i64::from_be_bytes(fixed(b)?)),
        oid::OID | oid::XID | oid::CID => Value::U32(u32::from_be_bytes(fixed(b)?)),
        oid::FLOAT4 => Value::F32(f32::from_be_bytes(fixed(b)?)),
        oid::FLOAT8 => Value::F64(f64::from_be_bytes(fixed(b)?)),
        oid::NUMERIC => bytes(Numeric::from_binary(b)?.apply_typmod(typ.typmod)?.to_bytes()?),
        oid::TEXT
        | oid::UNKNOWN
        | oid::CSTRING
        | oid::VARCHAR
        | oid::BPCHAR
        | oid::NAME
        | oid::JSON
        | oid::XML
        | oid::REFCURSOR => text_in(typ, &io.from_client(b)?, io)?,
        oid::CHAR => {
            let [c] = fixed::<1>(b)?;
            bytes(if c == 0 { Vec::new() } else { vec![c] })
        }
        oid::BYTEA => bytes(b),
        oid::DATE => {
            let days = i32::from_be_bytes(fixed(b)?);
            if date::is_finite(days) && !date::in_range(days) {
                bail!(DATETIME_FIELD_OVERFLOW, "date out of range");
            }
            Value::I32(days)
        }
        oid::TIME => {
            let us = i64::from_be_bytes(fixed(b)?);
            check_time(us)?;
            Value::I64(timestamp::round(us, typ.typmod))
        }
        oid::TIMETZ => {
            let mut w = Wire(b);
            let us = w.i64()?;
            let west = w.i32()?;
            w.end()?;
            check_time(us)?;
            if west.abs() >= 16 * 3600 {
                bail!(INVALID_TIME_ZONE_DISPLACEMENT_VALUE, "time zone displacement out of range");
            }
            bytes(TimeTz { us: timestamp::round(us, typ.typmod), west }.to_bytes())
        }
        oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            let us = i64::from_be_bytes(fixed(b)?);
            if timestamp::is_finite(us) && !timestamp::in_range(us) {
                return Err(timestamp::out_of_range());
            }
            Value::I64(timestamp::round(us, typ.typmod))
        }
        oid::INTERVAL => {
            let mut w = Wire(b);
            let value = Interval { us: w.i64()?, days: w.i32()?, months: w.i32()? };
            w.end()?;
            bytes(value.apply_typmod(typ.typmod)?.to_bytes())
        }
        oid::UUID => bytes(fixed::<16>(b)?),
        oid::MACADDR => bytes(fixed::<6>(b)?),
        oid::MACADDR8 if b.len() == 6 => bytes(macaddr::widened(b)),
        oid::MACADDR8 => bytes(fixed::<8>(b)?),
        oid::TSVECTOR => bytes(tsvector::from_binary(b)?),
        oid::TSQUERY => {
            let mut out = Vec::new();
            if let Some(q) = tsquery::from_binary(b)? {
                q.write(&mut out);
            }
            bytes(out)
        }
        oid::PG_SNAPSHOT | oid::TXID_SNAPSHOT => Value::text(SnapshotValue::from_binary(b)?.to_string()),
        other if geometry::is_geometry(other) => bytes(geometry::from_binary(other, b)?),
        oid::JSONPATH => match b.split_first() {
            Some((1, rest)) => text_in(typ, &io.from_client(rest)?, io)?,
            Some((version, _)) => bail!(INTERNAL_ERROR, "unsupported jsonpath version number: {version}"),
            None => bail!(PROTOCOL_VIOLATION, "no data left in message"),
        },
        oid::JSONB => match b.split_first() {
            Some((1, rest)) => bytes(jsonb::parse(&io.from_client(rest)?)?),
            Some((version, _)) => bail!(INTERNAL_ERROR, "unsupported jsonb version number {version}"),
            None => bail!(PROTOCOL_VIOLATION, "no data left in message"),
        },
        oid::TID => {
            let [a, c, d, e, f, g] = fixed::<6>(b)?;
            let tid = crate::base::TupleId::new(u32::from_be_bytes([a, c, d, e]), u16::from_be_bytes([f, g]));
            bytes(tid::to_bytes(tid))
        }
        oid::INET | oid::CIDR => bytes(inet::from_binary(b)?.to_bytes()),
        oid::BIT | oid::VARBIT => {
            let mut w = Wire(b);
            let len = w.i32()?;
            if len < 0 || (len as usize).div_ceil(8) != w.0.len() {
                bail!(INVALID_BINARY_REPRESENTATION, "invalid length in external bit string");
            }
            let mut stored = (len as u32).to_le_bytes().to_vec();
            stored.extend_from_slice(w.0);
            bytes(bit::apply_typmod(&stored, typ.typmod, typ.oid == oid::VARBIT, false)?)
        }
        oid::VOID => bytes([]),
        oid::INT2VECTOR => bytes(array::from_binary(TypeRef::of(oid::INT2), b, io)?),
        oid::OIDVECTOR => bytes(array::from_binary(TypeRef::of(oid::OID), b, io)?),
        other if is_reg(other) => Value::U32(u32::from_be_bytes(fixed(b)?)),
        _ => {
            let Some(t) = info(typ.oid) else { return Err(no_function("binary input", typ.oid)) };
            match t.kind {
                _ if t.is_array() => bytes(array::from_binary(TypeRef::with(t.element, typ.typmod), b, io)?),
                b'd' => {
                    let value = binary_in(super::domain_base(typ), b, io)?;
                    io.hooks.check_domain(typ.oid, value.datum(), io)?;
                    value
                }
                b'e' => Value::U32(io.hooks.enum_in(typ.oid, &io.from_client(b)?)?.0),
                b'c' => bytes(record::from_binary(typ, b, io)?),
                b'r' => bytes(range::from_binary(typ.oid, b, io)?),
                b'm' => bytes(range::multi_from_binary(typ.oid, b, io)?),
                _ if let Some(code) = t.code => bytes((code.receive)(b)?),
                _ => return Err(no_function("binary input", typ.oid)),
            }
        }
    })
}

fn check_time(us: i64) -> Result<()> {
    if (0..=super::datetime::civil::USECS_PER_DAY).contains(&us) {
        return Ok(());
    }
    Err(err!(DATETIME_FIELD_OVERFLOW, "time out of range"))
}

/// Writes a value's binary form on the wire. NULL writes nothing: its form is the caller's.
pub fn binary_out(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    match (typ.oid, value) {
        (_, Datum::Null) => {}
        (_, Datum::Bool(v)) => out.push(v.into()),
        (_, Datum::I16(v)) => out.extend_from_slice(&v.to_be_bytes()),
        (_, Datum::I32(v)) => out.extend_from_slice(&v.to_be_bytes()),
        (_, Datum::I64(v)) => out.extend_from_slice(&v.to_be_bytes()),
        (_, Datum::F32(v)) => out.extend_from_slice(&v.to_be_bytes()),
        (_, Datum::F64(v)) => out.extend_from_slice(&v.to_be_bytes()),
        (other, Datum::U32(v)) => {
            if info(other).is_some_and(|t| t.kind == b'e') {
                let mut label = Vec::new();
                text_out(typ, value, &mut label, io)?;
                return io.to_client(&label, out);
            }
            out.extend_from_slice(&v.to_be_bytes());
        }
        (oid::NUMERIC, Datum::Bytes(b)) => Numeric::from_bytes(b).write_binary(out),
        (oid::CHAR, Datum::Bytes(b)) => out.push(b.first().copied().unwrap_or(0)),
        (
            oid::TEXT
            | oid::VARCHAR
            | oid::BPCHAR
            | oid::NAME
            | oid::UNKNOWN
            | oid::CSTRING
            | oid::JSON
            | oid::XML
            | oid::REFCURSOR
            | oid::VOID
            | oid::PG_NODE_TREE,
            Datum::Bytes(b),
        ) => io.to_client(b, out)?,
        (oid::BYTEA | oid::UUID | oid::MACADDR | oid::MACADDR8, Datum::Bytes(b)) => out.extend_from_slice(b),
        (oid::TSVECTOR, Datum::Bytes(b)) => tsvector::write_binary(b, out),
        (oid::TSQUERY, d @ Datum::Bytes(_)) => tsquery::write_binary(d.str(), out)?,
        (oid::PG_SNAPSHOT | oid::TXID_SNAPSHOT, d @ Datum::Bytes(_)) => {
            SnapshotValue::parse(d.str())?.write_binary(out);
        }
        (t, Datum::Bytes(b)) if geometry::is_geometry(t) => geometry::write_binary(t, b, out),
        (oid::TIMETZ, Datum::Bytes(b)) => {
            let t = TimeTz::from_bytes(b);
            out.extend_from_slice(&t.us.to_be_bytes());
            out.extend_from_slice(&t.west.to_be_bytes());
        }
        (oid::INTERVAL, Datum::Bytes(b)) => {
            let i = Interval::from_bytes(b);
            out.extend_from_slice(&i.us.to_be_bytes());
            out.extend_from_slice(&i.days.to_be_bytes());
            out.extend_from_slice(&i.months.to_be_bytes());
        }
        (oid::JSONPATH, Datum::Bytes(b)) => {
            out.push(1);
            io.to_client(b, out)?;
        }
        (oid::JSONB, Datum::Bytes(b)) => {
            let mut text = Vec::new();
            jsonb::Jsonb::new(b).write(&mut text);
            out.push(1);
            io.to_client(&text, out)?;
        }
        (oid::TID, Datum::Bytes(b)) => {
            let t = tid::from_bytes(b);
            out.extend_from_slice(&t.block.to_be_bytes());
            out.extend_from_slice(&t.offset.to_be_bytes());
        }
        (oid::INET | oid::CIDR, Datum::Bytes(b)) => inet::write_binary(Inet::from_bytes(b), typ.oid == oid::CIDR, out),
        (oid::BIT | oid::VARBIT, Datum::Bytes(b)) => {
            let bits = bit::Bits::new(b);
            out.extend_from_slice(&(bits.len as i32).to_be_bytes());
            out.extend_from_slice(bits.bytes);
        }
        (oid::RECORD, Datum::Bytes(b)) => record::write_binary(b, out, io)?,
        (oid::INT2VECTOR | oid::OIDVECTOR, Datum::Bytes(b)) => array::write_vector_binary(b, out, io)?,
        (other, Datum::Bytes(b)) => {
            let Some(t) = info(other) else { return Err(no_function("binary output", other)) };
            match t.kind {
                _ if t.is_array() || other == oid::ANYARRAY => array::write_binary(b, out, io)?,
                b'd' => binary_out(TypeRef::with(t.base, t.base_typmod), value, out, io)?,
                b'c' => record::write_binary(b, out, io)?,
                b'r' => range::write_binary(b, out, io)?,
                b'm' => range::multi_write_binary(b, out, io)?,
                _ if let Some(code) = t.code => (code.send)(b, out),
                _ => return Err(no_function("binary output", other)),
            }
        }
    }
    Ok(())
}

/// Appends a length and the binary form, −1 for NULL.
pub fn sized_binary(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    if value.is_null() {
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        return Ok(());
    }
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    binary_out(typ, value, out, io)?;
    let len = (out.len() - start - 4) as i32;
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
    Ok(())
}

/// What comes of a type without the function. Types that only the server makes refuse to be read; what says that it has
/// no such function is asked for one that cannot be (PostgreSQL 15, lsyscache.c, getTypeBinaryOutputInfo).
#[cold]
fn no_function(what: &str, typ: Oid) -> Error {
    let found = info(typ);
    let name = found.map_or("???", |t| t.name);
    if found.is_some_and(|t| t.category == b'Z') && what.ends_with("input") {
        return Error::unsupported(format!("cannot accept a value of type {name}"));
    }
    let text = format!("no {what} function available for type {name}");
    let declared = found.is_some_and(|t| match what {
        "binary input" => t.receive.is_valid(),
        "binary output" => t.send.is_valid(),
        _ => true,
    });
    if declared { Error::unsupported(text) } else { Error::new(SqlState::UNDEFINED_FUNCTION, text) }
}
