//! The views people read: `pg_tables`, `pg_views`, `pg_matviews`, `pg_indexes`, `pg_sequences`.

use super::class::{as_class, has_triggers, is_of_shared, referenced, system_relations, user_classes};
use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid};
use crate::catalog::object::Class;
use crate::catalog::{Catalog, RelKind, system};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define::{self, Look};
use crate::sql::exec::system::sequence;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_tables", rows: tables },
    View { name: "pg_views", rows: views },
    View { name: "pg_matviews", rows: materialized },
    View { name: "pg_indexes", rows: indexes },
    View { name: "pg_sequences", rows: sequences },
];

pub(super) fn schema_name(catalog: &Catalog, namespace: Oid) -> Option<String> {
    catalog.namespace(namespace).map(|n| n.name)
}

pub(super) fn role_name(catalog: &Catalog, role: Oid) -> Option<String> {
    catalog.role(role).map(|r| r.name)
}

/// Of a relation that is not in its database's own tablespace.
fn tablespace_name(catalog: &Catalog, c: &Class) -> Option<String> {
    catalog.tablespace(c.tablespace).map(|t| t.name)
}

fn tables(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let name = sink.text_key("tablename");
    let referenced = referenced(&catalog, None);
    for r in system_relations(None, name.as_deref()).iter().filter(|r| r.kind == RelKind::Table) {
        let tablespace = (!r.file.db.is_valid()).then_some("pg_global");
        let indexed = !catalog.indexes_of(r.oid).is_empty();
        row![sink; &r.schema, &r.name, role_name(&catalog, r.owner), tablespace, indexed, false, false, false];
    }
    for record in user_classes(&catalog, None, name.as_deref()) {
        let Some(c) = as_class(&record).filter(|c| matches!(c.kind, RelKind::Table | RelKind::Partitioned)) else {
            continue;
        };
        row![sink;
            schema_name(&catalog, c.namespace), &c.name, role_name(&catalog, c.owner), tablespace_name(&catalog, c),
            !catalog.indexes_of(c.oid).is_empty(), false, has_triggers(&referenced, c), c.row_security,
        ];
    }
    Ok(())
}

fn views(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let io = cx.fx.io.clone();
    let (schema, name) = (sink.text_key("schemaname"), sink.text_key("viewname"));
    let in_schema = |n: Oid| schema.is_none() || schema_name(&catalog, n) == schema;
    let asks = sink.wants("definition");
    let look = Look { catalog: &catalog, io: &io, pretty: false, width: 0 };
    for r in system_relations(None, name.as_deref()).iter().filter(|r| r.kind == RelKind::View) {
        if in_schema(r.namespace) {
            let text = asks.then(|| look.system_view(r.oid));
            row![sink; &r.schema, &r.name, role_name(&catalog, r.owner), text.flatten()];
        }
    }
    for record in user_classes(&catalog, None, name.as_deref()) {
        let Some(c) = as_class(&record).filter(|c| c.kind == RelKind::View && in_schema(c.namespace)) else { continue };
        let text = asks.then(|| look.view(c));
        row![sink; schema_name(&catalog, c.namespace), &c.name, role_name(&catalog, c.owner), text.flatten()];
    }
    Ok(())
}

fn materialized(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let io = cx.fx.io.clone();
    for record in user_classes(&catalog, None, sink.text_key("matviewname").as_deref()) {
        let Some(c) = as_class(&record).filter(|c| c.kind == RelKind::MatView) else { continue };
        let populated = c.view.as_ref().is_some_and(|v| v.populated);
        row![sink;
            schema_name(&catalog, c.namespace), &c.name, role_name(&catalog, c.owner), tablespace_name(&catalog, c),
            !catalog.indexes_of(c.oid).is_empty(), populated, Look { catalog: &catalog, io: &io, pretty: false, width: 0 }.view(c),
        ];
    }
    Ok(())
}

fn indexes(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let io = cx.fx.io.clone();
    let table_name = sink.text_key("tablename");
    for record in user_classes(&catalog, None, sink.text_key("indexname").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let Some(index) = &c.index else { continue };
        let (kind, table) = match system::relation(index.table) {
            Some(r) => (r.kind, r.name.clone()),
            None => {
                let table = catalog.class(index.table);
                let Some(t) = table.as_deref().and_then(as_class) else { continue };
                (t.kind, t.name.clone())
            }
        };
        if kind != RelKind::Toast && table_name.as_ref().is_none_or(|n| *n == table) {
            let text = define::index(&Look { catalog: &catalog, io: &io, pretty: false, width: 0 }, c);
            let tablespace = if is_of_shared(c) { Some("pg_global".into()) } else { tablespace_name(&catalog, c) };
            row![sink; schema_name(&catalog, c.namespace), table, &c.name, tablespace, text];
        }
    }
    Ok(())
}

fn sequences(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in user_classes(&catalog, None, sink.text_key("sequencename").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let Some(s) = &c.sequence else { continue };
        let last = if sink.wants("last_value") { sequence::last_value(cx, c.oid)? } else { None };
        row![sink;
            schema_name(&catalog, c.namespace), &c.name, role_name(&catalog, c.owner), s.ty, s.start, s.min, s.max,
            s.increment, s.cycle, s.cache, last,
        ];
    }
    Ok(())
}
