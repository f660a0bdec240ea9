//! Views follow when what they read is renamed.
//!
//! A view is kept as text. It is bound before the renaming, the names in what was bound are changed, and that is written
//! out again; only a text that is read back as the same is kept.

use super::rename_readers::{Renamed, Target};
use super::write::{change, class_of};
use crate::base::{Error, Oid, Result};
use crate::catalog::object::class;
use crate::catalog::{Relation, View};
use crate::sql::bind::{self, FromNode, Query, Written};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, ExprKind};
use std::sync::Arc;

/// A view that reads the relation to be renamed, as it was bound before.
pub struct Reader {
    view: Oid,
    query: Query,
}

/// The views that have to do with what is renamed.
///
/// # Errors
/// 0A000 for one that cannot be bound.
pub fn readers(cx: &mut ExecContext, target: Target<'_>) -> Result<Vec<Reader>> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let mut found = Vec::new();
    for record in target.candidates(&catalog, class::RELATION) {
        let Ok(c) = record.object.as_class() else { continue };
        let Some(view) = &c.view else { continue };
        if !target.concerns(&catalog, &c.depends, &view.search_path, [&*view.query]) {
            continue;
        }
        let query = bind::view_query(view, &Written(&*catalog), &io).map_err(|_| refused(&c.name))?;
        found.push(Reader { view: c.oid, query });
    }
    Ok(found)
}

/// Gives the views their new texts, after the relation got its new names.
///
/// # Errors
/// 0A000 for one that cannot be written out.
pub fn follow(cx: &mut ExecContext, renamed: &Renamed<'_>, readers: Vec<Reader>) -> Result<()> {
    let Renamed { catalog, look, .. } = renamed;
    let mut followers = Vec::new();
    for Reader { view, mut query } in readers {
        let c = class_of(cx, view)?;
        let Some(old) = c.view else { continue };
        renamed.in_query(&mut query);
        let names: Vec<&str> = c.attributes.iter().filter(|a| !a.dropped).map(|a| a.name.as_str()).collect();
        let text = look.written_query(&query, &names).ok_or_else(|| refused(&c.name))?;
        let new = View { query: text.into(), search_path: catalog.kept_path(reads_temporary(&old.search_path)), ..old };
        change(cx, view, |c| c.view = Some(new.clone()))?;
        followers.push((c.name, new, query));
    }
    // One may read another: they are read again when all have their new texts.
    cx.backend()?.txn.next_command();
    match followers.iter().find(|(_, view, query)| !look.reads_as(view, &view.query, query)) {
        Some((name, ..)) => Err(refused(name)),
        None => Ok(()),
    }
}

/// What was kept along this path reads something temporary.
pub(super) fn reads_temporary(kept: &[String]) -> bool {
    kept.iter().any(|n| n == "pg_temp")
}

fn refused(view: &str) -> Error {
    Error::unsupported(format!("renaming what view \"{view}\" depends on is not supported"))
        .hint("Drop the view and create it again.")
}

/// Puts the relation as it is now into a query, wherever that reads it.
pub(super) fn rename_in(query: &mut Query, now: &Arc<Relation>, old_name: &str) {
    let mut joined = Vec::new();
    query.from.iter().for_each(|n| names_of_using(n, &mut joined));
    for n in 0..query.rels.len() {
        let entry = &mut query.rels[n];
        let Some(rel) = entry.relation_mut().filter(|rel| rel.oid == now.oid) else { continue };
        *rel = now.clone();
        for (column, attribute) in query.rels[n].columns.iter_mut().zip(&now.attributes) {
            // What USING joins by keeps its name, as an alias.
            if !column.dropped && !joined.contains(&column.name) {
                column.name.clone_from(&attribute.name);
            }
        }
        if query.rels[n].alias == old_name {
            query.rels[n].alias.clone_from(&now.name);
        }
    }
    query.for_each_query_mut(&mut |q| rename_in(q, now, old_name));
    query.for_each_expr_mut(&mut |e| in_expression(e, now, old_name));
}

fn names_of_using(node: &FromNode, out: &mut Vec<String>) {
    if let FromNode::Join(j) = node {
        out.extend(j.using.iter().map(|(name, _)| name.clone()));
        names_of_using(&j.left, out);
        names_of_using(&j.right, out);
    }
}

pub(super) fn in_expression(e: &mut Expr, now: &Arc<Relation>, old_name: &str) {
    e.rewrite(&mut |e| {
        if let ExprKind::SubLink(link) = &mut e.kind {
            rename_in(&mut link.query, now, old_name);
        }
    });
}
