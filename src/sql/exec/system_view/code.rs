//! What the server can compute: `pg_proc`, `pg_operator`, `pg_cast`, `pg_aggregate`, and what initdb knows for good of
//! access methods, operator classes, languages, collations and ranges (files in `facts`, one line a row, `COPY`'s form).

use super::cell::{Acl, NULL, Texts, char_array, oid_array, oid_vector, texts};
use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid, Result};
use crate::catalog::Object;
use crate::catalog::object::{Function, class, fixed};
use crate::sql::exec::ExecContext;
use crate::sql::func::{self, CastContext, CastMethod, FuncDef};
use crate::types::context::IoContext;
use crate::types::{self, TypeRef, Value, oid};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A relation whose rows never change.
macro_rules! fixed_rows {
    ($name:literal) => {
        View { name: $name, rows: |_, sink| Ok(push_facts(sink, include_str!(concat!("facts/", $name, ".txt")))?) }
    };
}

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_proc", rows: procs },
    View { name: "pg_operator", rows: operators },
    View { name: "pg_cast", rows: casts },
    fixed_rows!("pg_am"),
    fixed_rows!("pg_opfamily"),
    fixed_rows!("pg_opclass"),
    fixed_rows!("pg_amop"),
    fixed_rows!("pg_amproc"),
    fixed_rows!("pg_range"),
    fixed_rows!("pg_aggregate"),
    fixed_rows!("pg_language"),
    fixed_rows!("pg_collation"),
];

/// A field in COPY's text form as a value; names of the reg* types stand as numbers.
fn fact(field: &str, ty: TypeRef, io: &IoContext) -> Result<Value> {
    match ty.oid {
        _ if field == "\\N" => Ok(Value::Null),
        oid::REGPROC => Ok(field.parse().map_or(Value::Null, Value::U32)),
        _ => types::text_in(ty, field, io),
    }
}

fn push_facts(sink: &mut Sink, text: &str) -> Result<()> {
    let io = IoContext::default();
    let columns: Vec<TypeRef> = sink.relation.attributes.iter().map(|a| a.ty).collect();
    for line in text.lines() {
        let row: Result<Vec<Value>> = line.split('\t').zip(&columns).map(|(f, ty)| fact(f, *ty, &io)).collect();
        sink.push(&row?);
    }
    Ok(())
}

/// Operator class by the type it is the default for.
static DEFAULT_OPCLASSES: LazyLock<HashMap<Oid, Oid>> = LazyLock::new(|| {
    let fields = |l: &str| l.split('\t').map(str::to_string).collect::<Vec<_>>();
    let lines = include_str!("facts/pg_opclass.txt").lines().map(fields).filter(|f| f.get(7).is_some_and(|d| d == "t"));
    lines.filter_map(|f| Some((Oid(f.get(6)?.parse().ok()?), Oid(f[0].parse().ok()?)))).collect()
});

/// Name of an operator class that is not the default of its input type.
pub(crate) fn special_opclass(opclass: Oid) -> Option<&'static str> {
    let wanted = opclass.0.to_string();
    let line = include_str!("facts/pg_opclass.txt").lines().find(|l| l.split('\t').next() == Some(&wanted))?;
    let fields: Vec<&str> = line.split('\t').collect();
    (fields.get(7) == Some(&"f")).then(|| fields[2])
}

/// The B-tree operator class an index uses for a type if none is named.
pub(super) fn default_opclass(ty: Oid) -> Oid {
    if let Some(found) = DEFAULT_OPCLASSES.get(&ty) {
        return *found;
    }
    let stand_in = match types::info(ty) {
        Some(i) if i.is_array() => oid::ANYARRAY,
        Some(_) if ty == oid::VARCHAR => oid::TEXT,
        Some(i) if i.kind == b'e' => Oid(3500),
        Some(_) => ty,
        None => Oid(3500),
    };
    DEFAULT_OPCLASSES.get(&stand_in).copied().unwrap_or_default()
}

fn types_array(types: &[Oid]) -> Value {
    if types.is_empty() { NULL } else { oid_array(types.iter().copied()) }
}

fn language(src: &str) -> Oid {
    Oid(if src == "sql" { 14 } else { 12 })
}

fn push_builtin(sink: &mut Sink, f: &FuncDef) {
    let p = f.fact;
    row![sink;
        f.oid, f.name, fixed::PG_CATALOG, fixed::BOOTSTRAP_SUPERUSER, language(if p.is_sql() { "sql" } else { "" }),
        f64::from(p.cost), f64::from(p.rows), p.variadic, Oid::INVALID, f.kind, false, p.leakproof(), p.strict(),
        p.retset(), p.volatility(), p.parallel(), p.args.len(), i32::from(p.defaults), f.ret,
        oid_vector(p.args.iter().copied()), types_array(p.all_args),
        (!p.modes.is_empty()).then(|| char_array(p.modes.chars())), (!p.names.is_empty()).then(|| texts(p.names)),
        (p.defaults > 0).then_some(p.default_text), NULL, p.src, NULL, NULL, NULL, NULL,
    ];
}

/// The types of the input arguments of a user's function.
fn input_types(f: &Function) -> Vec<Oid> {
    let is_input = |n: usize| f.arg_modes.get(n).is_none_or(|m| matches!(m, 'i' | 'b' | 'v'));
    f.arg_types.iter().enumerate().filter(|(n, _)| is_input(*n)).map(|(_, t)| *t).collect()
}

fn push_function(sink: &mut Sink, f: &Function) {
    let inputs = input_types(f);
    let defaults: Vec<&str> = f.arg_defaults.iter().flatten().map(|d| &**d).collect();
    let variadic = f.arg_modes.iter().position(|m| *m == 'v').and_then(|n| types::info(f.arg_types[n]));
    row![sink;
        f.oid, &f.name, f.namespace, f.owner, language("sql"), f64::from(f.cost), f64::from(f.rows),
        variadic.map_or(Oid::INVALID, |i| i.element), Oid::INVALID, f.kind, f.security_definer, f.leakproof, f.strict,
        f.returns_set, f.volatility, f.parallel, inputs.len(), defaults.len(), f.result.oid,
        oid_vector(inputs.iter().copied()),
        if f.arg_modes.is_empty() { NULL } else { types_array(&f.arg_types) },
        (!f.arg_modes.is_empty()).then(|| char_array(f.arg_modes.iter().copied())),
        f.arg_names.iter().any(|n| !n.is_empty()).then(|| texts(&f.arg_names)),
        (!defaults.is_empty()).then(|| defaults.join(", ")), NULL, &f.body, NULL, NULL, Texts(&f.settings),
        Acl(f.acl.as_deref()),
    ];
}

fn procs(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    match (sink.oid_key("oid"), sink.text_key("proname")) {
        (Some(oid), _) => func::func(oid).into_iter().for_each(|f| push_builtin(sink, f)),
        (None, Some(name)) => func::funcs_named(&name).iter().for_each(|f| push_builtin(sink, f)),
        (None, None) => func::funcs().iter().for_each(|f| push_builtin(sink, f)),
    }
    for record in catalog(cx)?.all(class::PROC) {
        if let Object::Function(f) = &record.object {
            push_function(sink, f);
        }
    }
    Ok(())
}

fn operators(_: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for o in func::opers() {
        row![sink;
            o.oid, o.name, fixed::PG_CATALOG, fixed::BOOTSTRAP_SUPERUSER,
            if o.left.is_valid() { 'b' } else { 'l' }, o.can_merge, o.can_hash, o.left, o.right, o.result,
            o.commutator, o.negator, o.func, o.rest, o.join,
        ];
    }
    Ok(())
}

fn casts(_: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for c in func::casts() {
        let context = match c.context {
            CastContext::Implicit => 'i',
            CastContext::Assignment => 'a',
            CastContext::Explicit => 'e',
        };
        let method = match c.method {
            CastMethod::Function => 'f',
            CastMethod::InOut => 'i',
            CastMethod::Binary => 'b',
        };
        row![sink; c.oid, c.source, c.target, c.func, context, method];
    }
    Ok(())
}
