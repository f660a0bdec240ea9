//! Facts of the session, of types and of values; sizes, uuids, identifiers.

use super::{FnContext, FuncImpl, push_text, text};
use crate::base::{Oid, Result, charset};
use crate::types::numeric::Numeric;
use crate::types::{self, Column, Datum, array, name, oid};
use crate::{bail, err};

type Args<'a, 'b> = &'a [Datum<'b>];

fn current_user(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, cx.session.current_user())
}

fn session_user(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, cx.session.session_user())
}

fn current_database(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, cx.session.current_database())
}

fn current_schema(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    match cx.session.current_schema() {
        Some(s) => push_text(out, s),
        None => {
            out.push_null();
            Ok(())
        }
    }
}

fn current_schemas(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&array::from_texts(oid::NAME, cx.session.current_schemas(args[0].bool()))));
    Ok(())
}

fn version(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, cx.session.version())
}

fn backend_pid(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(cx.session.backend_pid()));
    Ok(())
}

fn client_encoding(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, cx.session.client_encoding())
}

fn database_encoding(_: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, "UTF8")
}

fn encoding_to_char(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let name = usize::try_from(args[0].i32()).ok().and_then(|n| charset::NAMES.get(n));
    push_text(out, name.copied().unwrap_or_default())
}

/// Bytes of the longest character (PostgreSQL 15, wchar.c, pg_wchar_table).
fn encoding_max_length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let name = usize::try_from(args[0].i32()).ok().and_then(|n| charset::NAMES.get(n));
    out.push(match name.copied() {
        None => Datum::Null,
        Some("UTF8" | "EUC_TW" | "MULE_INTERNAL" | "GB18030") => Datum::I32(4),
        Some("EUC_JP" | "EUC_CN" | "EUC_KR" | "EUC_JIS_2004" | "JOHAB") => Datum::I32(3),
        Some("SJIS" | "BIG5" | "GBK" | "UHC" | "SHIFT_JIS_2004") => Datum::I32(2),
        Some(_) => Datum::I32(1),
    });
    Ok(())
}

fn char_to_encoding(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let name = charset::canonical(args[0].str());
    let number = name.and_then(|name| charset::NAMES.iter().position(|n| *n == name));
    out.push(Datum::I32(number.map_or(-1, |n| n as i32)));
    Ok(())
}

fn current_setting(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let missing_ok = args.get(1).is_some_and(|m| m.bool());
    match cx.session.setting(args[0].str()) {
        Some(v) => push_text(out, v),
        None if missing_ok => {
            out.push_null();
            Ok(())
        }
        None => Err(err!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{}\"", args[0].str())),
    }
}

/// `set_config(name, value, is_local)`; a NULL value means the default, a NULL third argument false.
fn set_config(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        bail!(NULL_VALUE_NOT_ALLOWED, "SET requires parameter name");
    }
    let value = if args[1].is_null() { "" } else { args[1].str() };
    let local = !args[2].is_null() && args[2].bool();
    let shown = cx.session.set_setting(args[0].str(), value, local)?;
    push_text(out, shown)
}

fn pg_typeof(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::U32(cx.arg_type(0).oid.0));
    Ok(())
}

/// The room a value that was computed takes: what has no fixed length has it before itself. Of a table's column it is the
/// scan that tells ([`Fact`](crate::heap::Fact)).
fn column_size(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let fixed = types::info(cx.arg_type(0).oid).map(|i| i32::from(i.len)).filter(|len| *len > 0);
    let size = fixed.unwrap_or_else(|| match args[0] {
        Datum::Bytes(b) => i32::try_from(b.len() + 4).unwrap_or(i32::MAX),
        Datum::Bool(_) => 1,
        Datum::I16(_) => 2,
        Datum::I32(_) | Datum::U32(_) | Datum::F32(_) => 4,
        _ => 8,
    });
    out.push(Datum::I32(size));
    Ok(())
}

/// What was computed is not compressed.
fn column_compression(_: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push_null();
    Ok(())
}

fn format_type(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    let typmod = if args[1].is_null() { None } else { Some(args[1].i32()) };
    push_text(out, name::format_type_sql(Oid(args[0].u32()), typmod, &*cx.io.hooks))
}

fn collation_for(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let typ = cx.arg_type(0).oid;
    match types::info(typ) {
        Some(i) if i.collation.is_valid() => push_text(out, "\"default\""),
        _ if typ == oid::UNKNOWN => {
            out.push_null();
            Ok(())
        }
        _ => Err(err!(
            DATATYPE_MISMATCH,
            "collations are not supported by type {}",
            name::format_type_plain(typ, &*cx.io.hooks)
        )),
    }
}

fn count_nulls(cx: &FnContext, args: Args<'_, '_>, null: bool, out: &mut Column) -> Result<()> {
    match text::variadic(cx, args, 0)? {
        None => out.push_null(),
        Some(v) => out.push(Datum::I32(v.iter().filter(|(_, d)| d.is_null() == null).count() as i32)),
    }
    Ok(())
}

fn num_nulls(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    count_nulls(cx, args, true, out)
}

fn num_nonnulls(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    count_nulls(cx, args, false, out)
}

fn random_uuid(_: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut b = [0; 16];
    getrandom::fill(&mut b).map_err(|_| err!(INTERNAL_ERROR, "could not generate random values"))?;
    b[6] = b[6] & 0x0f | 0x40;
    b[8] = b[8] & 0x3f | 0x80;
    out.push(Datum::Bytes(&b));
    Ok(())
}

const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/// Halves away from zero, as PostgreSQL 15 does.
fn half_rounded(n: i128) -> i128 {
    if n < 0 { (n - 1) / 2 } else { (n + 1) / 2 }
}

fn size_pretty_of(size: i128) -> String {
    let limit = 10 * 1024;
    if size.abs() < limit {
        return format!("{size} bytes");
    }
    // One bit is kept for the rounding at the end; what is cut off is cut off towards zero.
    let mut n = size / 512;
    for unit in &UNITS[1..] {
        if n.abs() < 2 * limit - 1 || *unit == "PB" {
            return format!("{} {unit}", half_rounded(n));
        }
        n /= 1024;
    }
    format!("{size} bytes")
}

fn size_pretty(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, size_pretty_of(args[0].i64().into()))
}

fn size_pretty_numeric(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let n = Numeric::from_bytes(args[0].bytes());
    let limit = Numeric::from(10 * 1024);
    if n.clone().abs().compare(&limit).is_lt() {
        return push_text(out, format!("{n} bytes"));
    }
    let mut whole = n;
    whole.truncate(0);
    match whole.to_i128() {
        Some(v) => push_text(out, size_pretty_of(v)),
        None if whole.is_nan() => push_text(out, format!("{whole} bytes")),
        None if whole.is_infinite() => push_text(out, format!("{whole} PB")),
        None => {
            // One bit more than PB is kept for the rounding.
            let n = whole.div_trunc(&Numeric::from(1_i64 << 49))?;
            let one = Numeric::from(if n.compare(&Numeric::from(0)).is_lt() { -1 } else { 1 });
            push_text(out, format!("{} PB", n.add(&one).div_trunc(&Numeric::from(2))?))
        }
    }
}

fn size_bytes(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let t = args[0].str();
    let trimmed = t.trim();
    let end = trimmed
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || (*i == 0 && matches!(c, '+' | '-'))))
        .map_or(trimmed.len(), |(i, _)| i);
    // An exponent belongs to the number, unless the letter begins a unit.
    let exponent = trimmed[end..].strip_prefix(['e', 'E']).map_or(0, |e| {
        let digits = e.strip_prefix(['+', '-']).unwrap_or(e);
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 { 0 } else { 1 + e.len() - digits.len() + count }
    });
    let end = end + exponent;
    let (number, unit) = trimmed.split_at(end);
    let number = Numeric::parse(number).map_err(|_| err!(INVALID_PARAMETER_VALUE, "invalid size: \"{t}\""))?;
    let unit = unit.trim();
    let power = match unit.to_ascii_lowercase().as_str() {
        "" | "bytes" | "b" => 0,
        "kb" => 1,
        "mb" => 2,
        "gb" => 3,
        "tb" => 4,
        "pb" => 5,
        _ => {
            return Err(err!(INVALID_PARAMETER_VALUE, "invalid size: \"{t}\"")
                .detail(format!("Invalid size unit: \"{unit}\"."))
                .hint("Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\"."));
        }
    };
    let bytes = number.mul(&Numeric::from(1_i64 << (10 * power)));
    out.push(Datum::I64(bytes.to_int("bigint")?));
    Ok(())
}

/// `parse_ident(text, strict)`: the parts of a qualified name.
fn parse_ident(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (whole, strict) = (args[0].str(), args[1].bool());
    let invalid = |detail: &str| {
        let e = err!(INVALID_PARAMETER_VALUE, "string is not a valid identifier: \"{whole}\"");
        if detail.is_empty() { e } else { e.detail(detail) }
    };
    let mut parts: Vec<String> = Vec::new();
    let mut rest = whole.trim_start();
    let mut after_dot = false;
    loop {
        if let Some(body) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut chars = body.char_indices().peekable();
            let end = loop {
                match chars.next() {
                    None => return Err(invalid("String has unclosed double quotes.")),
                    Some((_, '"')) if chars.next_if(|(_, c)| *c == '"').is_some() => name.push('"'),
                    Some((i, '"')) => break i,
                    Some((_, c)) => name.push(c),
                }
            };
            if name.is_empty() {
                return Err(invalid("Quoted identifier must not be empty."));
            }
            parts.push(name);
            rest = &body[end + 1..];
        } else {
            let start = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
            let len = rest
                .char_indices()
                .find(|(i, c)| !(start(*c) || (*i > 0 && (c.is_ascii_digit() || *c == '$'))))
                .map_or(rest.len(), |(i, _)| i);
            if len == 0 {
                return Err(if rest.starts_with('.') {
                    invalid("No valid identifier before \".\".")
                } else if after_dot {
                    invalid("No valid identifier after \".\".")
                } else {
                    invalid("")
                });
            }
            parts.push(rest[..len].to_ascii_lowercase());
            rest = &rest[len..];
        }
        rest = rest.trim_start();
        if let Some(more) = rest.strip_prefix('.') {
            rest = more.trim_start();
            after_dot = true;
        } else if rest.is_empty() || !strict {
            break;
        } else {
            return Err(invalid(""));
        }
    }
    out.push(Datum::Bytes(&array::from_texts(oid::TEXT, parts)));
    Ok(())
}

/// `to_regclass` and the like: NULL where there is no such object or schema, but what is no name at all is refused, and
/// so are types an argument list names that are not there. PostgreSQL 15, regproc.c.
fn to_reg<const TYPE: u32>(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    use crate::base::SqlState;
    let no_type =
        |s: SqlState| s == SqlState::UNDEFINED_OBJECT && matches!(Oid(TYPE), oid::REGPROCEDURE | oid::REGOPERATOR);
    match types::reg::parse_name(Oid(TYPE), args[0].str(), &cx.io) {
        Ok(o) => out.push(Datum::U32(o)),
        Err(e) => match e.sqlstate() {
            s if no_type(s) => return Err(e),
            SqlState::INVALID_SCHEMA_NAME
            | SqlState::UNDEFINED_TABLE
            | SqlState::UNDEFINED_OBJECT
            | SqlState::UNDEFINED_FUNCTION
            | SqlState::AMBIGUOUS_FUNCTION => out.push_null(),
            _ => return Err(e),
        },
    }
    Ok(())
}

fn text_regclass(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::U32(types::reg::parse(oid::REGCLASS, args[0].str(), &cx.io)?));
    Ok(())
}

fn oidvector_types(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let names: Vec<String> =
        array::Array::new(args[0].bytes()).iter().map(|o| name::format_type(Oid(o.u32()), -1, &*cx.io.hooks)).collect();
    push_text(out, names.join(", "))
}

// Positions in the log and transaction ids. -------------------------------------------------------------------

fn lsn_minus(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let difference = i128::from(args[0].i64() as u64) - i128::from(args[1].i64() as u64);
    super::push_numeric(out, &Numeric::from_i128(difference))
}

fn lsn_add(lsn: Datum<'_>, n: Datum<'_>, sign: i128, out: &mut Column) -> Result<()> {
    let n = Numeric::from_bytes(n.bytes());
    if n.is_nan() {
        let what = if sign > 0 { "add NaN to" } else { "subtract NaN from" };
        bail!(FEATURE_NOT_SUPPORTED, "cannot {what} pg_lsn");
    }
    if n.is_infinite() {
        bail!(FEATURE_NOT_SUPPORTED, "cannot convert infinity to pg_lsn");
    }
    // Rounded once, at the end.
    let lsn = Numeric::from_i128(i128::from(lsn.i64() as u64));
    let sum = if sign > 0 { lsn.add(&n) } else { lsn.sub(&n) };
    match sum.to_i128().and_then(|s| u64::try_from(s).ok()) {
        Some(s) => out.push(Datum::I64(s as i64)),
        None => bail!(INVALID_PARAMETER_VALUE, "pg_lsn out of range"),
    }
    Ok(())
}

fn lsn_plus_number(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    lsn_add(args[0], args[1], 1, out)
}

fn number_plus_lsn(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    lsn_add(args[1], args[0], 1, out)
}

fn lsn_minus_number(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    lsn_add(args[0], args[1], -1, out)
}

fn xid8_to_xid(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::U32(args[0].i64() as u32));
    Ok(())
}

// Money. ------------------------------------------------------------------------------------------------------

#[cold]
fn money_overflow() -> crate::base::Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "money out of range")
}

fn money_plus(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(args[0].i64().checked_add(args[1].i64()).ok_or_else(money_overflow)?));
    Ok(())
}

fn money_minus(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(args[0].i64().checked_sub(args[1].i64()).ok_or_else(money_overflow)?));
    Ok(())
}

fn as_i64(d: Datum<'_>) -> i64 {
    match d {
        Datum::I16(v) => v.into(),
        Datum::I32(v) => v.into(),
        other => other.i64(),
    }
}

fn money_times(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(as_i64(args[0]).checked_mul(as_i64(args[1])).ok_or_else(money_overflow)?));
    Ok(())
}

fn as_f64(d: Datum<'_>) -> f64 {
    match d {
        Datum::F32(v) => v.into(),
        Datum::F64(v) => v,
        other => other.i64() as f64,
    }
}

/// Cents that fit; not a number is no amount.
fn whole_cents(cents: f64) -> Result<i64> {
    let cents = cents.round_ties_even();
    // 2^63 itself is the first that does not fit.
    match cents >= i64::MIN as f64 && cents < -(i64::MIN as f64) {
        true => Ok(cents as i64),
        false => Err(money_overflow()),
    }
}

fn money_times_float(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(whole_cents(as_f64(args[0]) * as_f64(args[1]))?));
    Ok(())
}

fn money_divided(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let d = as_i64(args[1]);
    if d == 0 {
        return Err(super::int::division_by_zero());
    }
    out.push(Datum::I64(args[0].i64().checked_div(d).ok_or_else(money_overflow)?));
    Ok(())
}

fn money_divided_float(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let d = as_f64(args[1]);
    if d == 0.0 {
        return Err(super::int::division_by_zero());
    }
    out.push(Datum::I64(whole_cents(args[0].i64() as f64 / d)?));
    Ok(())
}

fn money_ratio(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[1].i64() == 0 {
        return Err(super::int::division_by_zero());
    }
    out.push(Datum::F64(args[0].i64() as f64 / args[1].i64() as f64));
    Ok(())
}

fn int_to_money(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let cents = as_i64(args[0]).checked_mul(100);
    out.push(Datum::I64(cents.ok_or_else(super::int::out_of_range::<i64>)?));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("current_user", Scalar(current_user)),
    ("session_user", Scalar(session_user)),
    ("current_database", Scalar(current_database)),
    ("current_schema", Scalar(current_schema)),
    ("current_schemas", Scalar(current_schemas)),
    ("pgsql_version", Scalar(version)),
    ("pg_backend_pid", Scalar(backend_pid)),
    ("pg_client_encoding", Scalar(client_encoding)),
    ("getdatabaseencoding", Scalar(database_encoding)),
    ("PG_encoding_to_char", Scalar(encoding_to_char)),
    ("pg_encoding_max_length_sql", Scalar(encoding_max_length)),
    ("PG_char_to_encoding", Scalar(char_to_encoding)),
    ("show_config_by_name", Scalar(current_setting)),
    ("show_config_by_name_missing_ok", Scalar(current_setting)),
    ("set_config_by_name", Scalar(set_config)),
    ("pg_typeof", Scalar(pg_typeof)),
    ("pg_column_size", Scalar(column_size)),
    ("pg_column_compression", Scalar(column_compression)),
    ("format_type", Scalar(format_type)),
    ("pg_collation_for", Scalar(collation_for)),
    ("pg_num_nulls", Scalar(num_nulls)),
    ("pg_num_nonnulls", Scalar(num_nonnulls)),
    ("gen_random_uuid", Scalar(random_uuid)),
    ("pg_size_pretty", Scalar(size_pretty)),
    ("pg_size_pretty_numeric", Scalar(size_pretty_numeric)),
    ("pg_size_bytes", Scalar(size_bytes)),
    ("parse_ident", Scalar(parse_ident)),
    ("to_regclass", Scalar(to_reg::<2205>)),
    ("to_regtype", Scalar(to_reg::<2206>)),
    ("to_regproc", Scalar(to_reg::<24>)),
    ("to_regprocedure", Scalar(to_reg::<2202>)),
    ("to_regoper", Scalar(to_reg::<2203>)),
    ("to_regoperator", Scalar(to_reg::<2204>)),
    ("to_regnamespace", Scalar(to_reg::<4089>)),
    ("to_regrole", Scalar(to_reg::<4096>)),
    ("to_regcollation", Scalar(to_reg::<4191>)),
    ("text_regclass", Scalar(text_regclass)),
    ("oidvectortypes", Scalar(oidvector_types)),
    ("pg_lsn_mi", Scalar(lsn_minus)),
    ("pg_wal_lsn_diff", Scalar(lsn_minus)),
    ("pg_lsn_pli", Scalar(lsn_plus_number)),
    ("pg_lsn_mii", Scalar(lsn_minus_number)),
    ("numeric_pl_pg_lsn(numeric,pg_lsn)", Scalar(number_plus_lsn)),
    ("xid8toxid", Scalar(xid8_to_xid)),
    ("cash_pl", Scalar(money_plus)),
    ("cash_mi", Scalar(money_minus)),
    ("cash_mul_int2", Scalar(money_times)),
    ("cash_mul_int4", Scalar(money_times)),
    ("cash_mul_int8", Scalar(money_times)),
    ("int2_mul_cash", Scalar(money_times)),
    ("int4_mul_cash", Scalar(money_times)),
    ("int8_mul_cash", Scalar(money_times)),
    ("cash_mul_flt4", Scalar(money_times_float)),
    ("cash_mul_flt8", Scalar(money_times_float)),
    ("flt4_mul_cash", Scalar(money_times_float)),
    ("flt8_mul_cash", Scalar(money_times_float)),
    ("cash_div_int2", Scalar(money_divided)),
    ("cash_div_int4", Scalar(money_divided)),
    ("cash_div_int8", Scalar(money_divided)),
    ("cash_div_flt4", Scalar(money_divided_float)),
    ("cash_div_flt8", Scalar(money_divided_float)),
    ("cash_div_cash", Scalar(money_ratio)),
    ("int4_cash", Scalar(int_to_money)),
    ("int8_cash", Scalar(int_to_money)),
];
