//! Operator classes and families: PostgreSQL's, and those of extensions.

use super::code::{default_opclass, opclass_named, push_facts};
use super::{Sink, View, catalog, in_order, row};
use crate::base::{Flow, Oid};
use crate::catalog::object::class;
use crate::catalog::{Catalog, IndexMethod, Object, OpClass};
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_opclass", rows: classes },
    View { name: "pg_opfamily", rows: families },
    View { name: "pg_amop", rows: operators },
    View { name: "pg_amproc", rows: functions },
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
    for o in own(cx)? {
        row![sink; o.family, o.method, &o.name, o.namespace, o.owner];
    }
    Ok(())
}

/// Members of families have no numbers of their own here.
fn operators(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_amop.txt"))?;
    for o in own(cx)? {
        for (strategy, oper, types) in &o.operators {
            let order = o.ordering.iter().find(|(of, _)| of == oper).map(|(_, family)| *family);
            let purpose = if order.is_some() { 'o' } else { 's' };
            row![sink;
                Oid::INVALID, o.family, types[0], types[1], i32::from(*strategy), purpose, *oper, o.method,
                order.unwrap_or(Oid::INVALID),
            ];
        }
    }
    Ok(())
}

fn functions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_amproc.txt"))?;
    for o in own(cx)? {
        for (number, function, types) in &o.functions {
            row![sink; Oid::INVALID, o.family, types[0], types[1], i32::from(*number), *function];
        }
    }
    Ok(())
}
