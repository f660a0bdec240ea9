//! Which views cannot do without a column or a constraint of a table.

use super::write::{change, class_of};
use crate::base::{Oid, Result};
use crate::catalog::object::{Class, class};
use crate::catalog::{Object, ObjectKey, RelKind, View};
use crate::sql::exec::ExecContext;
use crate::types::TypeRef;

/// The first columns a view's query gives; None where it cannot be bound.
fn columns_of(cx: &mut ExecContext, view: &View, count: usize) -> Option<Vec<(String, TypeRef)>> {
    let catalog = cx.backend().ok()?.catalog.clone();
    let query = crate::sql::bind::view_query(view, &*catalog, &cx.fx.io).ok()?;
    Some(query.output().take(count).map(|t| (t.name.clone(), t.expr.ty)).collect())
}

/// Views that cannot do without a column or a constraint, found out by taking it away.
pub fn views_using(cx: &mut ExecContext, oid: Oid, without: impl FnOnce(&mut Class)) -> Result<Vec<Oid>> {
    let mut views = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let catalog = cx.backend()?.catalog.clone();
    let row_type = class_of(cx, oid)?.row_type;
    let mut dependents = super::alter_table::dependents(cx, oid)?;
    // Those of functions that give its rows read its columns, too.
    for record in catalog.mentioning(class::PROC, row_type) {
        if let Object::Function(f) = &record.object
            && f.result.oid == row_type
        {
            dependents.extend(catalog.dependents(ObjectKey::new(class::PROC, f.oid)));
        }
    }
    for (record, _) in dependents {
        let Ok(c) = record.object.as_class() else { continue };
        if !seen.insert(c.oid) {
            continue;
        }
        if matches!(c.kind, RelKind::View | RelKind::MatView)
            && let Some(view) = &c.view
        {
            let columns = columns_of(cx, view, c.attributes.len());
            views.push((c.oid, view.clone(), columns));
        }
    }
    if views.is_empty() {
        return Ok(Vec::new());
    }
    let before = class_of(cx, oid)?;
    change(cx, oid, without)?;
    let mut using = Vec::new();
    for (oid, view, columns) in views {
        let now = columns_of(cx, &view, usize::MAX);
        if !now.zip(columns).is_some_and(|(now, before)| now.starts_with(&before)) {
            using.push(oid);
        }
    }
    super::write::put(cx, Object::Class(before))?;
    Ok(using)
}
