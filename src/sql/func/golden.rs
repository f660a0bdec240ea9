//! Runs `sql-tests/golden/functions.txt`: what PostgreSQL 15 answered to some thousand calls, compared with ours.
//!
//! A line has fields separated by tabs: kind and name (`fn:round`, `op:+`, `cast:int4`, `in:numeric(5,2)`), the types
//! of the arguments separated by blanks-free commas, the arguments as text, and the answer: text, `\N` for NULL, or
//! `ERROR sqlstate message`. `set` lines change a setting. Tabs, newlines and backslashes are written with backslashes.

use super::{CallTypes, CastMethod, FnContext, FuncDef, FuncImpl};
use crate::base::{Error, Oid, Result};
use crate::err;
use crate::types::context::{ByteaOutput, DateOrder, DateStyle, IntervalStyle, NoHooks};
use crate::types::datetime::Zone;
use crate::types::{self, Column, Datum, TypeRef, Value, io};
use std::sync::Arc;

fn unescape(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut out = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    Some(out)
}

/// Calls a function with values of the given types.
fn call(cx: &mut FnContext, def: &'static FuncDef, types: &[TypeRef], args: &[Datum<'_>]) -> Result<(TypeRef, Value)> {
    let declared = |n: usize| def.args.get(n).copied().unwrap_or(def.variadic);
    // What the polymorphic arguments were called with decides what comes back.
    let mut element = None;
    for (n, t) in types.iter().enumerate() {
        match declared(n).0 {
            2283 | 2776 | 5077 | 5079 => element = element.or(Some(t.oid)),
            2277 | 5078 => element = types::element_type(t.oid).or(element),
            _ => {}
        }
    }
    let ret = match def.ret.0 {
        2283 | 2776 | 5077 | 5079 => element.unwrap_or(def.ret),
        2277 | 5078 => element.and_then(types::array_type).unwrap_or(def.ret),
        _ => def.ret,
    };
    let ret = TypeRef::of(ret);
    cx.call = Some(Arc::new(CallTypes { args: types.to_vec(), ret, variadic: false }));
    let mut out = Column::new(types::phys(ret.oid));
    if def.strict && args.iter().any(|a| a.is_null()) {
        return Ok((ret, Value::Null));
    }
    match def.imp {
        FuncImpl::Scalar(f) => f(cx, args, &mut out)?,
        FuncImpl::Vector(f) => {
            let columns: Vec<Column> =
                args.iter().zip(types).map(|(a, t)| Column::constant(types::phys(t.oid), *a, 3)).collect();
            out = f(cx, &columns.iter().collect::<Vec<_>>(), 3)?;
            assert_eq!(
                format!("{:?}", out.get(0)),
                format!("{:?}", out.get(2)),
                "{} gives different answers for equal rows",
                def.name
            );
        }
        _ => return Err(Error::unsupported(format!("{} is not implemented", def.fact.src))),
    }
    assert!(!out.is_empty(), "FN-1: {} pushed nothing", def.name);
    Ok((ret, out.get(0).to_value()))
}

fn accepts(def: &FuncDef, types: &[TypeRef]) -> bool {
    let fits = |n: usize, t: TypeRef| {
        let declared = def.args.get(n).copied().unwrap_or(def.variadic);
        let any = types::info(declared).is_some_and(|i| i.kind == b'p' && declared.0 != 2249 && declared.0 != 2275);
        let base = types::base_type(t.oid);
        match declared.0 {
            2277 | 5078 => types::element_type(base).is_some(),
            2776 | 5079 => types::element_type(base).is_none(),
            _ => declared == t.oid || any,
        }
    };
    // Where an array of the common type is among them, elements are of its element type.
    let common = (0..types.len())
        .filter(|n| def.args.get(*n).is_some_and(|a| matches!(a.0, 2277 | 5078)))
        .find_map(|n| types::element_type(types[n].oid));
    let same = |n: usize| match (def.args.get(n).map(|a| a.0), common) {
        (Some(2283 | 5077), Some(e)) => types[n].oid == e,
        _ => true,
    };
    let count = (0..types.len()).all(same)
        && (types.len() == def.args.len() || (def.variadic.0 == 2276 && types.len() >= def.args.len()));
    count && types.iter().enumerate().all(|(n, t)| fits(n, *t))
}

fn resolve(kind: &str, name: &str, types: &[TypeRef]) -> Result<&'static FuncDef> {
    let missing = || err!(UNDEFINED_FUNCTION, "no {kind} {name} for {types:?}");
    let exact = |def: &&&'static FuncDef| def.args.iter().copied().eq(types.iter().map(|t| t.oid));
    match kind {
        "op" => {
            let (left, right) =
                if types.len() == 1 { (Oid::INVALID, types[0].oid) } else { (types[0].oid, types[1].oid) };
            let found = super::type_operator(name, left, right).or_else(|| {
                super::opers_named(name).iter().copied().find(|o| {
                    o.left.is_valid() == (types.len() == 2) && super::func(o.func).is_some_and(|f| accepts(f, types))
                })
            });
            found.and_then(|o| super::func(o.func)).ok_or_else(missing)
        }
        _ => {
            let all = super::funcs_named(name);
            let found = all.iter().find(exact).or_else(|| all.iter().find(|f| accepts(f, types)));
            found.copied().ok_or_else(missing)
        }
    }
}

fn cast(cx: &mut FnContext, from: TypeRef, to: TypeRef, value: Datum<'_>) -> Result<Value> {
    let plain = TypeRef::of(to.oid);
    let found = super::cast(from.oid, to.oid);
    let mut result = match found.map_or(CastMethod::InOut, |c| c.method) {
        CastMethod::Binary => {
            let column = Column::constant(types::phys(from.oid), value, 1);
            super::vector::relabel(&column, types::phys(to.oid)).get(0).to_value()
        }
        CastMethod::InOut => io::text_in(plain, &io::to_text(from, value, &cx.io)?, &cx.io)?,
        CastMethod::Function => {
            let c = found.ok_or_else(|| err!(UNDEFINED_FUNCTION, "no cast"))?;
            let def = super::func(c.func).ok_or_else(|| err!(UNDEFINED_FUNCTION, "no cast function"))?;
            let extra = [Datum::I32(to.typmod), Datum::Bool(true)];
            let args: Vec<Datum<'_>> = std::iter::once(value).chain(extra).take(def.args.len()).collect();
            let mut types = vec![from];
            types.extend(def.args.iter().skip(1).map(|a| TypeRef::of(*a)));
            call(cx, def, &types, &args)?.1
        }
    };
    if to.typmod >= 0
        && let Some(def) = super::cast(to.oid, to.oid).and_then(|c| super::func(c.func))
    {
        let args = [result.datum(), Datum::I32(to.typmod), Datum::Bool(true)];
        let types: Vec<TypeRef> = def.args.iter().map(|a| TypeRef::of(*a)).collect();
        result = call(cx, def, &types, &args[..def.args.len()])?.1;
    }
    Ok(result)
}

fn evaluate(cx: &mut FnContext, what: &str, types: &[TypeRef], args: &[Option<String>]) -> Result<Option<String>> {
    let (kind, name) = what.split_once(':').expect("kind:name");
    if kind == "in" {
        let typ = types::parse_type(name, &NoHooks)?;
        let value = io::text_in(typ, args[0].as_deref().unwrap_or(""), &cx.io)?;
        let text = io::to_text(typ, value.datum(), &cx.io)?;
        // What goes out in binary must come back the same.
        let mut wire = Vec::new();
        io::binary_out(typ, value.datum(), &mut wire, &cx.io)?;
        let back = io::binary_in(typ, &wire, &cx.io)?;
        assert_eq!(io::to_text(typ, back.datum(), &cx.io)?, text, "binary form of {name} {args:?}");
        return Ok(Some(text));
    }
    let mut values = Vec::new();
    for (t, a) in types.iter().zip(args) {
        values.push(match a {
            None => Value::Null,
            Some(a) => io::text_in(*t, a, &cx.io)?,
        });
    }
    let data: Vec<Datum<'_>> = values.iter().map(Value::datum).collect();
    let (typ, value) = if kind == "cast" {
        let to = types::parse_type(name, &NoHooks)?;
        (to, cast(cx, types[0], to, data[0])?)
    } else {
        let def = resolve(kind, name, types)?;
        call(cx, def, types, &data)?
    };
    match value {
        Value::Null => Ok(None),
        v => Ok(Some(io::to_text(typ, v.datum(), &cx.io)?)),
    }
}

fn set(cx: &mut FnContext, name: &str, value: &str) {
    match (name, value) {
        ("timezone", zone) => cx.io.time_zone = Zone::setting(zone).expect("a zone"),
        ("datestyle", style) => {
            let has = |word: &str| style.to_ascii_lowercase().contains(word);
            cx.io.date_style = match style {
                _ if has("sql") => DateStyle::Sql,
                _ if has("postgres") => DateStyle::Postgres,
                _ if has("german") => DateStyle::German,
                _ => DateStyle::Iso,
            };
            cx.io.date_order = match style {
                _ if has("dmy") => DateOrder::Dmy,
                _ if has("ymd") => DateOrder::Ymd,
                _ => DateOrder::Mdy,
            };
        }
        ("intervalstyle", "postgres_verbose") => cx.io.interval_style = IntervalStyle::PostgresVerbose,
        ("intervalstyle", "sql_standard") => cx.io.interval_style = IntervalStyle::SqlStandard,
        ("intervalstyle", "iso_8601") => cx.io.interval_style = IntervalStyle::Iso8601,
        ("intervalstyle", _) => cx.io.interval_style = IntervalStyle::Postgres,
        ("extra_float_digits", n) => cx.io.extra_float_digits = n.parse().expect("a number"),
        ("bytea_output", "escape") => cx.io.bytea_output = ByteaOutput::Escape,
        ("bytea_output", _) => cx.io.bytea_output = ByteaOutput::Hex,
        other => panic!("unknown setting {other:?}"),
    }
}

/// Every recorded answer of PostgreSQL 15 is ours, too.
#[test]
fn recorded_answers_of_postgres() {
    let mut cx = FnContext::default();
    cx.io.time_zone = Zone::utc();
    let mut wrong = Vec::new();
    let path = std::env::var("GOLDEN").ok();
    let text = match &path {
        // Another file while looking for differences.
        Some(p) => std::fs::read_to_string(p).expect("the file named"),
        None => include_str!("../../../sql-tests/golden/functions.txt").to_owned(),
    };
    let mut count = 0;
    for (n, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if fields[0] == "set" {
            set(&mut cx, fields[1], fields[2]);
            continue;
        }
        count += 1;
        let types: Result<Vec<TypeRef>> = match fields[1] {
            "" => Ok(Vec::new()),
            t => t.split(',').map(|t| types::parse_type(t, &NoHooks)).collect(),
        };
        let expected = fields[fields.len() - 1];
        let args: Vec<Option<String>> = fields[2..fields.len() - 1].iter().map(|f| unescape(f)).collect();
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| evaluate(&mut cx, fields[0], &types?, &args)));
        let got = match outcome {
            Ok(Ok(value)) => value,
            Ok(Err(e)) => {
                let detail = e.0.detail.as_ref().map_or(String::new(), |d| format!(" DETAIL {d}"));
                Some(format!("ERROR {} {}{detail}", e.sqlstate().as_str(), e.message()))
            }
            Err(_) => Some("PANIC".to_owned()),
        };
        if got != unescape(expected) {
            wrong.push(format!(
                "line {}: {}\n   expected {expected}\n        got {got:?}",
                n + 1,
                fields[..fields.len() - 1].join(" | ")
            ));
        }
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{} of {count} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Prints what has no code yet: a tool while widening, not a test.
#[test]
#[ignore = "prints a list"]
fn list_missing() {
    let missing: Vec<&str> =
        super::funcs().iter().filter(|f| matches!(f.imp, FuncImpl::System)).map(|f| f.fact.src).collect();
    println!("MISSING {} {}", missing.len(), missing.join(" "));
}
