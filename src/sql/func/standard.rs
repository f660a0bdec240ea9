//! The functions of `information_schema`: what a type's modifier says in the standard's words.
//!
//! PostgreSQL 15 writes them in SQL (information_schema.sql); the rules here are the same, in code. The ones that look
//! into catalogs are in `sql::exec::system`.

use super::{FnContext, FuncImpl, ScalarFn};
use crate::base::{Oid, Result};
use crate::err;
use crate::types::name::format_type;
use crate::types::record::Record;
use crate::types::{Column, Datum, TypeRef, oid};

/// What a text may have at most where nothing limits it.
const UNLIMITED: i64 = 1 << 30;

/// Bytes of the longest character of UTF8, the only encoding of databases.
const CHARACTER: i64 = 4;

fn given(ty: TypeRef) -> Option<i64> {
    (ty.typmod != -1).then_some(ty.typmod.into())
}

pub fn char_max_length(ty: TypeRef) -> Option<i64> {
    match ty.oid {
        oid::BPCHAR | oid::VARCHAR => Some(given(ty)? - 4),
        oid::BIT | oid::VARBIT => given(ty),
        _ => None,
    }
}

pub fn char_octet_length(ty: TypeRef) -> Option<i64> {
    match ty.oid {
        oid::TEXT | oid::BPCHAR | oid::VARCHAR if ty.typmod == -1 => Some(UNLIMITED),
        oid::BPCHAR | oid::VARCHAR => Some(char_max_length(ty)? * CHARACTER),
        _ => None,
    }
}

pub fn numeric_precision(ty: TypeRef) -> Option<i64> {
    match ty.oid {
        oid::INT2 => Some(16),
        oid::INT4 => Some(32),
        oid::INT8 => Some(64),
        oid::FLOAT4 => Some(24),
        oid::FLOAT8 => Some(53),
        oid::NUMERIC => Some((given(ty)? - 4) >> 16 & 0xffff),
        _ => None,
    }
}

pub fn numeric_precision_radix(ty: TypeRef) -> Option<i64> {
    match ty.oid {
        oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::FLOAT8 => Some(2),
        oid::NUMERIC => Some(10),
        _ => None,
    }
}

pub fn numeric_scale(ty: TypeRef) -> Option<i64> {
    match ty.oid {
        oid::INT2 | oid::INT4 | oid::INT8 => Some(0),
        oid::NUMERIC => Some((given(ty)? - 4) & 0xffff),
        _ => None,
    }
}

pub fn datetime_precision(ty: TypeRef) -> Option<i64> {
    /// Of a modifier that gives none, and the most there is.
    const FULL: i64 = 6;
    let m = i64::from(ty.typmod);
    match ty.oid {
        oid::DATE => Some(0),
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => Some(if m < 0 { FULL } else { m }),
        oid::INTERVAL => Some(if m < 0 || m & 0xffff == 0xffff { FULL } else { m & 0xffff }),
        _ => None,
    }
}

/// The fields of an interval that was given some: `DAY TO SECOND(3)`.
pub fn interval_type(ty: TypeRef, hooks: &dyn crate::types::context::TypeHooks) -> Option<String> {
    if ty.oid != oid::INTERVAL {
        return None;
    }
    let shown = format_type(ty.oid, ty.typmod, hooks);
    Some(shown.strip_prefix("interval ")?.to_uppercase())
}

/// The type that a call's two arguments name.
fn meant(args: &[Datum<'_>]) -> TypeRef {
    TypeRef::with(Oid(args[0].u32()), args[1].i32())
}

fn push_number(out: &mut Column, value: Option<i64>) -> Result<()> {
    let narrow = |n| i32::try_from(n).map_err(|_| err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"));
    out.push(value.map(narrow).transpose()?.map_or(Datum::Null, Datum::I32));
    Ok(())
}

fn interval(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    match interval_type(meant(args), &*cx.io.hooks) {
        Some(fields) => super::push_text(out, fields),
        None => {
            out.push_null();
            Ok(())
        }
    }
}

/// A field of a row of `pg_type` if that is a domain, else one of a row of `pg_attribute`.
fn below_domain(args: &[Datum<'_>], of_type: &str, of_attribute: &str, out: &mut Column) -> Result<()> {
    let (attribute, ty) = (Record::new(args[0].bytes()), Record::new(args[1].bytes()));
    let field = |row: &Record<'_>, name: &str| row.columns.iter().position(|c| c.name == name);
    let is_domain = matches!(field(&ty, "typtype").map(|n| ty.field(n)), Some(Datum::Bytes(b"d")));
    let (row, name) = if is_domain { (&ty, of_type) } else { (&attribute, of_attribute) };
    out.push(field(row, name).map_or(Datum::Null, |n| row.field(n)));
    Ok(())
}

/// A number that the type alone decides.
macro_rules! number {
    ($rule:ident) => {
        FuncImpl::Scalar((|_, args, out| push_number(out, $rule(meant(args)))) as ScalarFn)
    };
}

pub(super) const TABLE: &[(&str, FuncImpl)] = &[
    ("_pg_char_max_length(oid,int4)", number!(char_max_length)),
    ("_pg_char_octet_length(oid,int4)", number!(char_octet_length)),
    ("_pg_numeric_precision(oid,int4)", number!(numeric_precision)),
    ("_pg_numeric_precision_radix(oid,int4)", number!(numeric_precision_radix)),
    ("_pg_numeric_scale(oid,int4)", number!(numeric_scale)),
    ("_pg_datetime_precision(oid,int4)", number!(datetime_precision)),
    ("_pg_interval_type(oid,int4)", FuncImpl::Scalar(interval)),
    (
        "_pg_truetypid(pg_attribute,pg_type)",
        FuncImpl::Scalar(|_, args, out| below_domain(args, "typbasetype", "atttypid", out)),
    ),
    (
        "_pg_truetypmod(pg_attribute,pg_type)",
        FuncImpl::Scalar(|_, args, out| below_domain(args, "typtypmod", "atttypmod", out)),
    ),
];
