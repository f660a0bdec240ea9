//! `pg_publication` and its kin.

use super::class::as_class;
use super::listing::schema_name;
use super::{Sink, View, catalog, cell, row};
use crate::base::{Flow, Oid};
use crate::catalog::object::{Class, Publication, PublishedTable, class, fixed};
use crate::catalog::{Catalog, Object, Persistence, RelKind};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define;
use crate::types::{Value, array, oid};

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_publication", rows: publications },
    View { name: "pg_publication_rel", rows: tables },
    View { name: "pg_publication_namespace", rows: schemas },
    View { name: "pg_publication_tables", rows: published },
];

fn all(catalog: &Catalog) -> Vec<Publication> {
    let of = |r: &std::sync::Arc<crate::catalog::Record>| match &r.object {
        Object::Publication(p) => Some(p.clone()),
        _ => None,
    };
    let mut found: Vec<Publication> = catalog.all(class::PUBLICATION).iter().filter_map(of).collect();
    found.sort_by_key(|p| p.oid);
    found
}

fn publications(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for p in all(&*catalog(cx)?) {
        row![sink; p.oid, &p.name, p.owner, p.all_tables, p.insert, p.update, p.delete, p.truncate, p.via_root];
    }
    Ok(())
}

fn tables(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for p in all(&*catalog(cx)?) {
        for t in &p.tables {
            let columns = (!t.columns.is_empty()).then(|| cell::int2_vector(t.columns.iter().copied()));
            row![sink; t.oid, p.oid, t.table, t.filter.as_deref(), columns];
        }
    }
    Ok(())
}

fn schemas(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for p in all(&*catalog(cx)?) {
        for (oid, schema) in &p.schemas {
            row![sink; *oid, p.oid, *schema];
        }
    }
    Ok(())
}

/// Whether changes of a table can be published at all.
pub(crate) fn is_publishable(c: &Class) -> bool {
    c.oid >= Oid::FIRST_NORMAL
        && matches!(c.kind, RelKind::Table | RelKind::Partitioned)
        && c.persistence == Persistence::Permanent
        && c.namespace != fixed::PG_CATALOG
        && c.namespace != fixed::INFORMATION_SCHEMA
}

/// The table is one whose changes the publication tells under its own name.
fn is_leaf(c: &Class, p: &Publication) -> bool {
    match p.via_root {
        true => c.lineage.bound.is_none(),
        false => c.kind != RelKind::Partitioned,
    }
}

/// Whether a publication takes in a table, by name, by schema, or as a partition of one it takes in.
fn taken<'p>(catalog: &Catalog, p: &'p Publication, c: &Class) -> Option<Option<&'p PublishedTable>> {
    if let Some(t) = p.tables.iter().find(|t| t.table == c.oid) {
        return Some(Some(t));
    }
    if p.all_tables || p.schemas.iter().any(|(_, s)| *s == c.namespace) {
        return Some(None);
    }
    let above = catalog.class(*c.lineage.parents.first().filter(|_| c.lineage.bound.is_some())?)?;
    taken(catalog, p, above.object.as_class().ok()?)
}

fn published(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for p in all(&catalog) {
        for record in catalog.all(class::RELATION) {
            let Some(c) = as_class(&record).filter(|c| is_publishable(c)) else { continue };
            let Some(by) = taken(&catalog, &p, c) else { continue };
            let root_is_taken = p.via_root
                && c.lineage.bound.is_some()
                && c.lineage
                    .parents
                    .first()
                    .and_then(|o| catalog.class(*o))
                    .is_some_and(|r| r.object.as_class().is_ok_and(|above| taken(&catalog, &p, above).is_some()));
            if !is_leaf(c, &p) && !(p.via_root && !root_is_taken) || root_is_taken {
                continue;
            }
            let own = by.filter(|t| t.table == c.oid && !t.columns.is_empty());
            let listed = |a: &&crate::catalog::Attribute| own.is_none_or(|t| t.columns.contains(&a.attno));
            let live = c.attributes.iter().filter(|a| !a.dropped);
            let columns: Vec<&String> = live.filter(listed).map(|a| &a.name).collect();
            let look = define::Look { catalog: &catalog, io: &cx.fx.io, pretty: false, width: 0 };
            let filter = by.and_then(|t| t.filter.as_ref()).map(|f| look.expression(c.oid, f));
            row![sink;
                &p.name, schema_name(&catalog, c.namespace), &c.name,
                Value::Bytes(array::from_texts(oid::NAME, &columns).into()), filter,
            ];
        }
    }
    Ok(())
}
