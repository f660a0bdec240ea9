//! Whether rows of a table may be updated and deleted: somebody who gets its changes must be able to tell which rows they
//! were.
//!
//! PostgreSQL 15, execReplication.c, CheckCmdReplicaIdentity, and relcache.c, RelationBuildPublicationDesc: same rules.

use super::ExecContext;
use super::system_view::is_publishable;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::{Class, Publication, PublishedTable, class};
use crate::catalog::{Catalog, Object, Relation};
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{self, BindContext};
use crate::sql::expr::ExprKind;
use crate::types::IoContext;
use std::sync::Arc;

/// What identifies a table's rows to those who get its changes.
struct Identity {
    full: bool,
    /// The columns of the index that does.
    index: Option<Vec<i16>>,
}

impl Identity {
    fn of(catalog: &Catalog, c: &Class, rel: &Relation) -> Identity {
        let chosen = |oid: Oid| {
            let record = catalog.class(oid);
            let def = record.as_ref().and_then(|r| r.object.as_class().ok()).and_then(|c| c.index.as_ref());
            def.is_some_and(|def| match c.replica_identity {
                Some('i') => def.replica_identity,
                Some('d') | None => def.primary && !rel.constraints.iter().any(|k| k.index == oid && k.deferrable),
                _ => false,
            })
        };
        let index = rel.indexes.iter().find(|i| i.valid && chosen(i.oid));
        let columns = |i: &Arc<crate::catalog::Index>| i.columns[..i.key_columns].iter().map(|k| k.attno).collect();
        Identity { full: c.replica_identity == Some('f'), index: index.map(columns) }
    }
}

fn above(catalog: &Catalog, c: &Class) -> Option<Class> {
    let parent = c.lineage.parents.first().filter(|_| c.lineage.bound.is_some())?;
    catalog.class(*parent)?.object.as_class().ok().cloned()
}

/// The table a publication names, of a table and those it is a partition of (nearest first): the one whose columns and
/// condition hold for it.
fn named<'p>(p: &'p Publication, lineage: &[Class]) -> Option<&'p PublishedTable> {
    let own = lineage.first()?.oid;
    let takes = |c: &&Class| p.tables.iter().any(|t| t.table == c.oid) || p.schemas.iter().any(|s| s.1 == c.namespace);
    let table = match p.via_root {
        true => lineage.iter().skip(1).rev().find(takes).map_or(own, |c| c.oid),
        false => own,
    };
    p.tables.iter().find(|t| t.table == table)
}

/// The names of columns with these numbers.
fn names(lineage: &[Class], table: Oid, columns: &[i16]) -> Vec<String> {
    let Some(c) = lineage.iter().find(|c| c.oid == table) else { return Vec::new() };
    let name = |attno: &i16| c.attributes.get(*attno as usize - 1).map(|a| a.name.clone());
    columns.iter().filter(|attno| **attno > 0).filter_map(name).collect()
}

/// The columns a condition of a publication reads.
pub fn filter_reads(catalog: &Catalog, io: &IoContext, table: Oid, filter: &str) -> Result<Vec<i16>> {
    let Some(rel) = catalog.relation(table)? else { return Ok(Vec::new()) };
    let source = format!("SELECT {filter}");
    let expr = bind::parse_expression(filter)?;
    let _all = bind::Everywhere::reach();
    let mut cx = BindContext { names: catalog, io, text: &source, params: Vec::new(), infer_params: false };
    let bound = bind::bind_expr(&mut cx, &expr, Some(&rel), Clause::Publication, None)?;
    let mut read = Vec::new();
    bound.walk(&mut |e| {
        if let ExprKind::Var { attno, .. } = e.kind {
            read.push(attno);
        }
        true
    });
    Ok(read)
}

/// # Errors
/// 42P10 where a publication's condition or column list does not go with what identifies the rows; 55000 where nothing
/// identifies them, and a publication tells of what is to be done.
pub(super) fn check(cx: &mut ExecContext, rel: &Relation, updates: bool, deletes: bool) -> Result<()> {
    if !(updates || deletes) || rel.is_partitioned() {
        return Ok(());
    }
    let Ok(backend) = cx.backend() else { return Ok(()) };
    let catalog = backend.catalog.clone();
    let published = catalog.all(class::PUBLICATION);
    if published.is_empty() {
        return Ok(());
    }
    let Some(record) = catalog.class(rel.oid) else { return Ok(()) };
    let mut lineage = vec![record.object.as_class()?.clone()];
    if !is_publishable(&lineage[0]) {
        return Ok(());
    }
    while let Some(parent) = lineage.last().and_then(|c| above(&catalog, c)) {
        lineage.push(parent);
    }
    let identity = Identity::of(&catalog, &lineage[0], rel);
    let key = names(&lineage, rel.oid, identity.index.as_deref().unwrap_or_default());
    // Of updates and of deletes: a condition reads more than the key, a column list has less, somebody is told.
    let (mut odd_filter, mut short_list, mut told) = ([false; 2], [false; 2], [false; 2]);
    for record in &published {
        let Object::Publication(p) = &record.object else { continue };
        let takes =
            |c: &Class| p.tables.iter().any(|t| t.table == c.oid) || p.schemas.iter().any(|s| s.1 == c.namespace);
        if !p.all_tables && !lineage.iter().any(takes) {
            continue;
        }
        let of = [p.update, p.delete];
        let note = |found: &mut [bool; 2]| (0..2).for_each(|n| found[n] |= of[n]);
        note(&mut told);
        let Some(t) = named(p, &lineage).filter(|_| !p.all_tables && (p.update || p.delete)) else { continue };
        if let (Some(filter), false) = (&t.filter, identity.full) {
            let read = filter_reads(&catalog, &cx.fx.io, t.table, filter)?;
            if names(&lineage, t.table, &read).iter().any(|n| !key.contains(n)) {
                note(&mut odd_filter);
            }
        }
        let listed = names(&lineage, t.table, &t.columns);
        if !t.columns.is_empty() && (identity.full || key.iter().any(|n| !listed.contains(n))) {
            note(&mut short_list);
        }
    }
    for (n, wanted) in [updates, deletes].into_iter().enumerate() {
        if !wanted {
            continue;
        }
        let verb = ["update", "delete from"][n];
        let refused = match (odd_filter[n], short_list[n]) {
            (true, _) => Some("Column used in the publication WHERE expression is not part of the replica identity."),
            (_, true) => Some("Column list used by the publication does not cover the replica identity."),
            _ => None,
        };
        if let Some(detail) = refused {
            let text = format!("cannot {verb} table \"{}\"", rel.name);
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, text).detail(detail));
        }
        if told[n] && !identity.full && identity.index.is_none() {
            let (what, doing) = [("updates", "updating"), ("deletes", "deleting from")][n];
            let text = format!(
                "cannot {verb} table \"{}\" because it does not have a replica identity and publishes {what}",
                rel.name
            );
            let hint = format!("To enable {doing} the table, set REPLICA IDENTITY using ALTER TABLE.");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text).hint(hint));
        }
    }
    Ok(())
}
