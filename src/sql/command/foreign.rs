//! Foreign keys as commands see them.

use crate::base::{Oid, Result};
use crate::catalog::object::class;
use crate::sql::exec::ExecContext;

/// Tables whose foreign keys point at this one, with the constraint's name. Itself left out.
pub fn referencing(cx: &mut ExecContext, table: Oid) -> Result<Vec<(Oid, String)>> {
    let mut found = Vec::new();
    for record in cx.backend()?.catalog.all(class::RELATION) {
        let Ok(c) = record.object.as_class() else { continue };
        for constraint in &c.constraints {
            if c.oid != table && constraint.foreign.as_ref().is_some_and(|f| f.relation == table) {
                found.push((c.oid, constraint.name.clone()));
            }
        }
    }
    Ok(found)
}
