//! Operator classes, operator families and conversions: PostgreSQL's, and those of users and extensions.

use super::code::{default_opclass, opclass_named, push_facts};
use super::{Sink, View, catalog, in_order, row};
use crate::base::{Flow, Oid};
use crate::catalog::object::class;
use crate::catalog::{Catalog, IndexMethod, Object, ObjectKey, OpClass};
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_opclass", rows: classes },
    View { name: "pg_opfamily", rows: families },
    View { name: "pg_amop", rows: operators },
    View { name: "pg_amproc", rows: functions },
    View { name: "pg_conversion", rows: conversions },
];

/// The operator class that an index has for a type: a built-in one, or an extension's.
pub(super) fn default_of(catalog: &Catalog, method: IndexMethod, ty: Oid) -> Oid {
    let built_in = default_opclass(method, ty);
    if built_in.is_valid() { built_in } else { catalog.default_opclass(method, ty).unwrap_or_default() }
}

/// The operator class of a name, perhaps with a schema.
pub(super) fn named(catalog: &Catalog, method: IndexMethod, name: &str) -> Option<Oid> {
    let (schema, name) = name.rsplit_once('.').map_or((None, name), |(s, n)| (Some(s), n));
    let own = catalog.opclass_named(method, schema, name).ok().flatten();
    own.map(|o| o.oid).or_else(|| opclass_named(method, name).map(|c| c.oid))
}

fn own(cx: &mut ExecContext) -> Flow<Vec<OpClass>> {
    let mut found: Vec<OpClass> = Vec::new();
    for record in in_order(&*catalog(cx)?, class::OPCLASS) {
        if let Object::OpClass(o) = &record.object {
            found.push(o.clone());
        }
    }
    found.sort_by_key(|o| o.oid);
    Ok(found)
}

fn classes(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_opclass.txt"))?;
    for o in own(cx)? {
        row![sink; o.oid, o.method, &o.name, o.namespace, o.owner, o.family, o.input, o.default, o.key];
    }
    Ok(())
}

fn families(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_opfamily.txt"))?;
    for record in in_order(&*catalog(cx)?, class::OPFAMILY) {
        sink.tells_of(&record);
        if let Object::OpFamily(f) = &record.object {
            row![sink; f.oid, f.method, &f.name, f.namespace, f.owner];
        }
    }
    Ok(())
}

/// What a family has, whether a class brings it or not.
struct Members {
    family: Oid,
    method: Oid,
    operators: Vec<(i16, Oid, [Oid; 2])>,
    ordering: Vec<(Oid, Oid)>,
    functions: Vec<(i16, Oid, [Oid; 2])>,
}

fn members(cx: &mut ExecContext) -> Flow<Vec<Members>> {
    let of_class = |o: OpClass| Members {
        family: o.family,
        method: o.method,
        operators: o.operators,
        ordering: o.ordering,
        functions: o.functions,
    };
    let mut found: Vec<Members> = own(cx)?.into_iter().map(of_class).collect();
    let catalog = catalog(cx)?;
    for record in in_order(&catalog, class::OPFAMILY) {
        if let Object::OpFamily(f) = &record.object {
            // What is gone has left its families.
            let there =
                |class: Oid, oid: Oid| oid < Oid::FIRST_NORMAL || catalog.get(ObjectKey::new(class, oid)).is_some();
            found.push(Members {
                family: f.oid,
                method: f.method,
                operators: f.operators.iter().filter(|m| there(class::OPERATOR, m.1)).copied().collect(),
                ordering: f.ordering.clone(),
                functions: f.functions.iter().filter(|m| there(class::PROC, m.1)).copied().collect(),
            });
        }
    }
    Ok(found)
}

/// Members of families have no numbers of their own here.
fn operators(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_amop.txt"))?;
    for m in members(cx)? {
        for (strategy, oper, types) in &m.operators {
            let order = m.ordering.iter().find(|(of, _)| of == oper).map(|(_, family)| *family);
            let purpose = if order.is_some() { 'o' } else { 's' };
            row![sink;
                Oid::INVALID, m.family, types[0], types[1], i32::from(*strategy), purpose, *oper, m.method,
                order.unwrap_or(Oid::INVALID),
            ];
        }
    }
    Ok(())
}

fn functions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_amproc.txt"))?;
    for m in members(cx)? {
        for (number, function, types) in &m.functions {
            row![sink; Oid::INVALID, m.family, types[0], types[1], i32::from(*number), *function];
        }
    }
    Ok(())
}

/// The pairs of encodings that a function converts between, as the built-in conversions have it.
pub(crate) fn conversion_pairs(function: Oid) -> Vec<(i32, i32)> {
    let line = |l: &str| {
        let f: Vec<&str> = l.split('\t').collect();
        let number = |n: usize| f.get(n).and_then(|t| t.parse::<i64>().ok());
        (number(6)? == i64::from(function.0)).then_some((number(4)? as i32, number(5)? as i32))
    };
    include_str!("facts/pg_conversion.txt").lines().filter_map(line).collect()
}

fn conversions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_conversion.txt"))?;
    for record in in_order(&*catalog(cx)?, class::CONVERSION) {
        sink.tells_of(&record);
        if let Object::Conversion(c) = &record.object {
            row![sink; c.oid, &c.name, c.namespace, c.owner, c.from, c.to, c.function, c.default];
        }
    }
    Ok(())
}
