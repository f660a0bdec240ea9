//! `=`, `<>`, `<`, `>`, `<=`, `>=` and the three-way comparisons of all types.

use super::int::Int;
use super::vector::{cmp, compare, compare_blank, compare_bytes, compare_text, compare_u64, holds};
use super::{FnContext, FuncImpl, ScalarFn};
use crate::base::{Oid, Result};
use crate::err;
use crate::types::datetime::{date, timestamp};
use crate::types::record::Record;
use crate::types::{self, Column, Datum, TypeRef, oid};
use std::cmp::Ordering;

/// Rows, and arrays of them, tell only by their values whether they can be compared.
fn check<const TYPE: u32>(cx: &FnContext, args: &[Datum<'_>], equality: bool) -> Result<()> {
    if TYPE != oid::RECORD.0 && TYPE != oid::ANYARRAY.0 {
        return Ok(());
    }
    types::order::check_comparable(TypeRef::of(Oid(TYPE)), args[0], args[1], equality, &*cx.io.hooks)
}

/// The type compared, with what the call orders by.
fn typed<const TYPE: u32>(cx: &FnContext) -> TypeRef {
    TypeRef::of(Oid(TYPE)).ordered_by(cx.collation())
}

/// A comparison by the type's default order.
fn by_type<const TYPE: u32, const OP: u8>(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    check::<TYPE>(cx, args, OP == cmp::EQ || OP == cmp::NE)?;
    out.push(Datum::Bool(holds::<OP>(types::compare(typed::<TYPE>(cx), args[0], args[1]))));
    Ok(())
}

/// −1, 0 or 1 by the type's default order.
fn three_way<const TYPE: u32>(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    check::<TYPE>(cx, args, false)?;
    out.push(Datum::I32(types::compare(typed::<TYPE>(cx), args[0], args[1]) as i32));
    Ok(())
}

/// The difference of the first bytes that differ, as memcmp tells it; else which one is longer.
fn by_bytes(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_difference(args[0].bytes(), args[1].bytes(), out);
    Ok(())
}

/// As [`by_bytes`], but for what a collation orders: then −1, 0 or 1.
fn by_text<const BLANK: bool>(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    match (cx.collation().is_bytewise(), BLANK) {
        (true, false) => by_bytes(cx, args, out),
        (true, true) => by_trimmed_bytes(cx, args, out),
        (false, false) => three_way::<25>(cx, args, out),
        (false, true) => three_way::<1042>(cx, args, out),
    }
}

/// As [`by_bytes`], blanks at the end aside.
fn by_trimmed_bytes(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let [a, b] = [args[0], args[1]].map(|d| types::text::trim_blanks(d.bytes()));
    push_difference(a, b, out);
    Ok(())
}

/// As strncmp does: the end counts as a byte of zero.
fn by_name(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let byte = |d: Datum<'_>, n: usize| d.bytes().get(n).map_or(0, |b| i32::from(*b));
    let longest = args[0].bytes().len().max(args[1].bytes().len());
    let found = (0..longest).map(|n| byte(args[0], n) - byte(args[1], n)).find(|d| *d != 0);
    out.push(Datum::I32(found.unwrap_or(0)));
    Ok(())
}

fn push_difference(a: &[u8], b: &[u8], out: &mut Column) {
    let found = a.iter().zip(b).find(|(x, y)| x != y).map(|(x, y)| i32::from(*x) - i32::from(*y));
    out.push(Datum::I32(found.unwrap_or(a.len().cmp(&b.len()) as i32)));
}

fn int2_difference(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(i32::from(args[0].i16()) - i32::from(args[1].i16())));
    Ok(())
}

/// −1, 0 or 1 of integers of two widths.
fn widths<A: Int, B: Int>(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b): (i128, i128) = (A::of(args[0]).into(), B::of(args[1]).into());
    out.push(Datum::I32(a.cmp(&b) as i32));
    Ok(())
}

/// The greater (`MAX`) or smaller one.
fn extreme<const TYPE: u32, const MAX: bool>(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    check::<TYPE>(cx, args, false)?;
    let first = types::compare(typed::<TYPE>(cx), args[0], args[1]);
    let keep = if MAX { first.is_gt() } else { first.is_lt() };
    out.push(if keep { args[0] } else { args[1] });
    Ok(())
}

/// How a day and an instant compare; days beyond the range of timestamps lie beyond all of them.
fn date_with(days: i32, other: i64, zone: Option<&types::datetime::Zone>) -> Ordering {
    match date::to_timestamp(days) {
        Err(_) => {
            if days > 0 {
                if other == timestamp::INFINITY { Ordering::Less } else { Ordering::Greater }
            } else {
                Ordering::Less
            }
        }
        Ok(us) => match zone {
            None => us.cmp(&other),
            Some(z) => local_with(us, other, z),
        },
    }
}

/// How a local time and an instant compare.
fn local_with(local: i64, utc: i64, zone: &types::datetime::Zone) -> Ordering {
    if !timestamp::is_finite(local) {
        return local.cmp(&utc);
    }
    let us = i128::from(local) - i128::from(zone.offset_at_local(local)) * 1_000_000;
    us.cmp(&i128::from(utc))
}

#[derive(Clone, Copy, PartialEq)]
enum Mixed {
    DateTimestamp,
    DateTimestamptz,
    TimestampTimestamptz,
}

fn mixed_order(kind: Mixed, cx: &FnContext, a: Datum<'_>, b: Datum<'_>) -> Ordering {
    match kind {
        Mixed::DateTimestamp => date_with(a.i32(), b.i64(), None),
        Mixed::DateTimestamptz => date_with(a.i32(), b.i64(), Some(&cx.io.time_zone)),
        Mixed::TimestampTimestamptz => local_with(a.i64(), b.i64(), &cx.io.time_zone),
    }
}

const KINDS: [Mixed; 3] = [Mixed::DateTimestamp, Mixed::DateTimestamptz, Mixed::TimestampTimestamptz];

/// A comparison between two kinds of dates and times; `SWAP`: the arguments come in the other order.
fn mixed<const KIND: usize, const SWAP: bool, const OP: u8>(
    cx: &mut FnContext,
    args: &[Datum<'_>],
    out: &mut Column,
) -> Result<()> {
    let (a, b) = if SWAP { (args[1], args[0]) } else { (args[0], args[1]) };
    let order = mixed_order(KINDS[KIND], cx, a, b);
    out.push(Datum::Bool(holds::<OP>(if SWAP { order.reverse() } else { order })));
    Ok(())
}

fn mixed_three_way<const KIND: usize, const SWAP: bool>(
    cx: &mut FnContext,
    args: &[Datum<'_>],
    out: &mut Column,
) -> Result<()> {
    let (a, b) = if SWAP { (args[1], args[0]) } else { (args[0], args[1]) };
    let order = mixed_order(KINDS[KIND], cx, a, b);
    out.push(Datum::I32(if SWAP { order.reverse() } else { order } as i32));
    Ok(())
}

/// PostgreSQL 15, rowtypes.c, record_image_cmp: rows by the bits of their values, whatever these mean.
fn image_order(a: Datum<'_>, b: Datum<'_>) -> Result<Ordering> {
    let (a, b) = (Record::new(a.bytes()), Record::new(b.bytes()));
    for (n, (x, y)) in a.columns.iter().zip(&b.columns).enumerate() {
        if x.typ != y.typ {
            let shown = |t| types::format_type_plain(t, &types::context::NoHooks);
            let (x, y) = (shown(x.typ), shown(y.typ));
            return Err(err!(
                DATATYPE_MISMATCH,
                "cannot compare dissimilar column types {x} and {y} at record column {}",
                n + 1
            ));
        }
        let order = match (x.value, y.value) {
            (Datum::Null, Datum::Null) => Ordering::Equal,
            (Datum::Null, _) => Ordering::Greater,
            (_, Datum::Null) => Ordering::Less,
            (Datum::Bytes(x), Datum::Bytes(y)) => x.cmp(y),
            (x, y) => word(x).cmp(&word(y)),
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    if a.columns.len() != b.columns.len() {
        return Err(err!(DATATYPE_MISMATCH, "cannot compare record types with different numbers of columns"));
    }
    Ok(Ordering::Equal)
}

/// A value that fits a machine word, as PostgreSQL keeps it there: integers with their sign drawn out.
fn word(d: Datum<'_>) -> u64 {
    match d {
        Datum::Bool(b) => b.into(),
        Datum::I16(n) => i64::from(n) as u64,
        Datum::I32(n) => i64::from(n) as u64,
        Datum::U32(n) => n.into(),
        Datum::I64(n) => n as u64,
        Datum::F32(f) => i64::from(f.to_bits() as i32) as u64,
        Datum::F64(f) => f.to_bits(),
        Datum::Null | Datum::Bytes(_) => 0,
    }
}

fn image<const OP: u8>(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(holds::<OP>(image_order(args[0], args[1])?)));
    Ok(())
}

fn image_three_way(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(image_order(args[0], args[1])? as i32));
    Ok(())
}

const fn scalar(f: ScalarFn) -> FuncImpl {
    FuncImpl::Scalar(f)
}

/// Six names with the usual endings.
macro_rules! six {
    ($prefix:literal, $make:ident ! ($($arg:tt)*)) => {
        &[
            (concat!($prefix, "eq"), $make!($($arg)* EQ)),
            (concat!($prefix, "ne"), $make!($($arg)* NE)),
            (concat!($prefix, "lt"), $make!($($arg)* LT)),
            (concat!($prefix, "gt"), $make!($($arg)* GT)),
            (concat!($prefix, "le"), $make!($($arg)* LE)),
            (concat!($prefix, "ge"), $make!($($arg)* GE)),
        ]
    };
}
macro_rules! native {
    ($a:ty, $b:ty, $op:ident) => {
        FuncImpl::Vector(compare::<$a, $b, { cmp::$op }>)
    };
}
macro_rules! bytes {
    ($op:ident) => {
        FuncImpl::Vector(compare_bytes::<{ cmp::$op }>)
    };
}
macro_rules! text {
    ($blank:literal, $op:ident) => {
        FuncImpl::Vector(compare_text::<{ cmp::$op }, $blank>)
    };
}
macro_rules! blank {
    ($op:ident) => {
        FuncImpl::Vector(compare_blank::<{ cmp::$op }>)
    };
}
macro_rules! unsigned {
    ($op:ident) => {
        FuncImpl::Vector(compare_u64::<{ cmp::$op }>)
    };
}
macro_rules! typed {
    ($t:literal, $op:ident) => {
        scalar(by_type::<$t, { cmp::$op }>)
    };
}
macro_rules! image {
    ($op:ident) => {
        scalar(image::<{ cmp::$op }>)
    };
}
/// Names of the form `date_eq_timestamp`.
macro_rules! six_mixed {
    ($a:literal, $b:literal, $kind:literal, $swap:literal) => {
        &[
            (concat!($a, "_eq_", $b), scalar(mixed::<$kind, $swap, { cmp::EQ }>)),
            (concat!($a, "_ne_", $b), scalar(mixed::<$kind, $swap, { cmp::NE }>)),
            (concat!($a, "_lt_", $b), scalar(mixed::<$kind, $swap, { cmp::LT }>)),
            (concat!($a, "_gt_", $b), scalar(mixed::<$kind, $swap, { cmp::GT }>)),
            (concat!($a, "_le_", $b), scalar(mixed::<$kind, $swap, { cmp::LE }>)),
            (concat!($a, "_ge_", $b), scalar(mixed::<$kind, $swap, { cmp::GE }>)),
            (concat!($a, "_cmp_", $b), scalar(mixed_three_way::<$kind, $swap>)),
        ]
    };
}

pub(super) static TABLES: &[&[(&str, FuncImpl)]] = &[
    six!("int2", native!(i16, i16,)),
    six!("int4", native!(i32, i32,)),
    six!("int8", native!(i64, i64,)),
    six!("int24", native!(i16, i32,)),
    six!("int42", native!(i32, i16,)),
    six!("int28", native!(i16, i64,)),
    six!("int82", native!(i64, i16,)),
    six!("int48", native!(i32, i64,)),
    six!("int84", native!(i64, i32,)),
    six!("float4", native!(f32, f32,)),
    six!("float8", native!(f64, f64,)),
    six!("float48", native!(f32, f64,)),
    six!("float84", native!(f64, f32,)),
    six!("bool", native!(bool, bool,)),
    six!("oid", native!(u32, u32,)),
    six!("macaddr_", typed!(829,)),
    six!("macaddr8_", typed!(774,)),
    six!("tsvector_", typed!(3614,)),
    six!("tsquery_", typed!(3615,)),
    six!("date_", native!(i32, i32,)),
    six!("time_", native!(i64, i64,)),
    six!("timestamp_", native!(i64, i64,)),
    six!("cash_", native!(i64, i64,)),
    six!("pg_lsn_", unsigned!()),
    six!("xid8", unsigned!()),
    six!("enum_", native!(u32, u32,)),
    six!("text", text!(false,)),
    six!("text_", text!(false,)),
    six!("text_pattern_", bytes!()),
    six!("name", text!(false,)),
    six!("bytea", bytes!()),
    six!("char", bytes!()),
    six!("uuid_", bytes!()),
    six!("bpchar", text!(true,)),
    six!("bpchar_pattern_", blank!()),
    six!("numeric_", typed!(1700,)),
    six!("interval_", typed!(1186,)),
    six!("timetz_", typed!(1266,)),
    six!("jsonb_", typed!(3802,)),
    six!("tid", typed!(27,)),
    six!("network_", typed!(869,)),
    six!("bit", typed!(1560,)),
    six!("array_", typed!(2277,)),
    six!("record_", typed!(2249,)),
    six!("record_image_", image!()),
    six!("oidvector", typed!(30,)),
    six!("range_", typed!(3831,)),
    six!("multirange_", typed!(4537,)),
    six_mixed!("date", "timestamp", 0, false),
    six_mixed!("date", "timestamptz", 1, false),
    six_mixed!("timestamp", "timestamptz", 2, false),
    six_mixed!("timestamp", "date", 0, true),
    six_mixed!("timestamptz", "date", 1, true),
    six_mixed!("timestamptz", "timestamp", 2, true),
    &[
        ("aclitem_eq", bytes!(EQ)),
        ("boollt", native!(bool, bool, LT)),
        ("boolgt", native!(bool, bool, GT)),
        ("xideq", FuncImpl::Scalar(xid_compare::<true>)),
        ("xidneq", FuncImpl::Scalar(xid_compare::<false>)),
        ("cideq", native!(u32, u32, EQ)),
        ("nameeqtext", bytes!(EQ)),
        ("namenetext", bytes!(NE)),
        ("namelttext", text!(false, LT)),
        ("namegttext", text!(false, GT)),
        ("nameletext", text!(false, LE)),
        ("namegetext", text!(false, GE)),
        ("texteqname", bytes!(EQ)),
        ("textnename", bytes!(NE)),
        ("textltname", text!(false, LT)),
        ("textgtname", text!(false, GT)),
        ("textlename", text!(false, LE)),
        ("textgename", text!(false, GE)),
        ("btint24cmp", scalar(widths::<i16, i32>)),
        ("btint42cmp", scalar(widths::<i32, i16>)),
        ("btint28cmp", scalar(widths::<i16, i64>)),
        ("btint82cmp", scalar(widths::<i64, i16>)),
        ("btint48cmp", scalar(widths::<i32, i64>)),
        ("btint84cmp", scalar(widths::<i64, i32>)),
        ("bttext_pattern_cmp", scalar(by_bytes)),
        ("btbpchar_pattern_cmp", scalar(by_trimmed_bytes)),
        ("btnametextcmp", scalar(by_text::<false>)),
        ("bttextnamecmp", scalar(by_text::<false>)),
        ("range_cmp", scalar(three_way::<3831>)),
        ("multirange_cmp", scalar(three_way::<4537>)),
        ("bttidcmp", scalar(three_way::<27>)),
        ("btoidvectorcmp", scalar(three_way::<30>)),
        ("btboolcmp", scalar(three_way::<16>)),
        ("btint2cmp", scalar(int2_difference)),
        ("btint4cmp", scalar(three_way::<23>)),
        ("btint8cmp", scalar(three_way::<20>)),
        ("btfloat4cmp", scalar(three_way::<700>)),
        ("btfloat8cmp", scalar(three_way::<701>)),
        ("btoidcmp", scalar(three_way::<26>)),
        ("bttextcmp", scalar(by_text::<false>)),
        ("btnamecmp", scalar(by_name)),
        ("btcharcmp", scalar(by_name)),
        ("btarraycmp", scalar(three_way::<2277>)),
        ("btrecordcmp", scalar(three_way::<2249>)),
        ("btrecordimagecmp", scalar(image_three_way)),
        ("bpcharcmp", scalar(by_text::<true>)),
        ("byteacmp", scalar(by_bytes)),
        ("numeric_cmp", scalar(three_way::<1700>)),
        ("date_cmp", scalar(three_way::<1082>)),
        ("time_cmp", scalar(three_way::<1083>)),
        ("timetz_cmp", scalar(three_way::<1266>)),
        ("timestamp_cmp", scalar(three_way::<1114>)),
        ("interval_cmp", scalar(three_way::<1186>)),
        ("uuid_cmp", scalar(three_way::<2950>)),
        ("macaddr_cmp", scalar(three_way::<829>)),
        ("macaddr8_cmp", scalar(three_way::<774>)),
        ("tsvector_cmp", scalar(three_way::<3614>)),
        ("tsquery_cmp", scalar(three_way::<3615>)),
        ("jsonb_cmp", scalar(three_way::<3802>)),
        ("network_cmp", scalar(three_way::<869>)),
        ("pg_lsn_cmp", scalar(three_way::<3220>)),
        ("xid8cmp", scalar(three_way::<5069>)),
        ("cash_cmp", scalar(three_way::<790>)),
        ("bitcmp", scalar(three_way::<1560>)),
        ("enum_cmp", scalar(three_way::<26>)),
        ("int2larger", scalar(extreme::<21, true>)),
        ("int2smaller", scalar(extreme::<21, false>)),
        ("int4larger", scalar(extreme::<23, true>)),
        ("int4smaller", scalar(extreme::<23, false>)),
        ("int8larger", scalar(extreme::<20, true>)),
        ("int8smaller", scalar(extreme::<20, false>)),
        ("float4larger", scalar(extreme::<700, true>)),
        ("float4smaller", scalar(extreme::<700, false>)),
        ("float8larger", scalar(extreme::<701, true>)),
        ("float8smaller", scalar(extreme::<701, false>)),
        ("numeric_larger", scalar(extreme::<1700, true>)),
        ("numeric_smaller", scalar(extreme::<1700, false>)),
        ("oidlarger", scalar(extreme::<26, true>)),
        ("oidsmaller", scalar(extreme::<26, false>)),
        ("text_larger", scalar(extreme::<25, true>)),
        ("text_smaller", scalar(extreme::<25, false>)),
        ("bpchar_larger", scalar(extreme::<1042, true>)),
        ("bpchar_smaller", scalar(extreme::<1042, false>)),
        ("date_larger", scalar(extreme::<1082, true>)),
        ("date_smaller", scalar(extreme::<1082, false>)),
        ("time_larger", scalar(extreme::<1083, true>)),
        ("time_smaller", scalar(extreme::<1083, false>)),
        ("timetz_larger", scalar(extreme::<1266, true>)),
        ("timetz_smaller", scalar(extreme::<1266, false>)),
        ("timestamp_larger", scalar(extreme::<1114, true>)),
        ("timestamp_smaller", scalar(extreme::<1114, false>)),
        ("interval_larger", scalar(extreme::<1186, true>)),
        ("interval_smaller", scalar(extreme::<1186, false>)),
        ("network_larger", scalar(extreme::<869, true>)),
        ("network_smaller", scalar(extreme::<869, false>)),
        ("pg_lsn_larger", scalar(extreme::<3220, true>)),
        ("pg_lsn_smaller", scalar(extreme::<3220, false>)),
        ("xid8_larger", scalar(extreme::<5069, true>)),
        ("xid8_smaller", scalar(extreme::<5069, false>)),
        ("tidlarger", scalar(extreme::<27, true>)),
        ("tidsmaller", scalar(extreme::<27, false>)),
        ("array_larger", scalar(extreme::<2277, true>)),
        ("array_smaller", scalar(extreme::<2277, false>)),
        ("cashlarger", scalar(extreme::<790, true>)),
        ("cashsmaller", scalar(extreme::<790, false>)),
        ("enum_larger", scalar(extreme::<26, true>)),
        ("enum_smaller", scalar(extreme::<26, false>)),
    ],
];

/// xid with xid or with int4: PostgreSQL's `xideqint4` is the same code, and the other form of the bits.
fn xid_compare<const EQUAL: bool>(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let bits = |d: Datum<'_>| match d {
        Datum::I32(v) => v as u32,
        other => other.u32(),
    };
    out.push(Datum::Bool((bits(args[0]) == bits(args[1])) == EQUAL));
    Ok(())
}
