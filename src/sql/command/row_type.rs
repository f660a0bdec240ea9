//! Who keeps values of a row type: its columns cannot become others under them.
//!
//! PostgreSQL 15, tablecmds.c, find_composite_type_dependencies: same refusals.

use crate::base::{Error, Oid, Result};
use crate::catalog::object::{Class, UserTypeKind, class};
use crate::catalog::{Catalog, RelKind};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::types;

/// # Errors
/// 0A000 where a table's column has such rows inside.
pub fn refuse_use(cx: &mut ExecContext, c: &Class) -> Result<()> {
    if !c.row_type.is_valid() {
        return Ok(());
    }
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, column)) = user(&catalog, c.row_type) else { return Ok(()) };
    let name = &c.name;
    Err(Error::unsupported(match c.kind {
        RelKind::Composite => format!("cannot alter type \"{name}\" because column \"{table}.{column}\" uses it"),
        _ => format!("cannot alter table \"{name}\" because column \"{table}.{column}\" uses its row type"),
    }))
}

/// A stored column with values of a type; those of arrays come first.
fn user(catalog: &Catalog, of: Oid) -> Option<(String, String)> {
    let stored = |c: &&Class| matches!(c.kind, RelKind::Table | RelKind::MatView | RelKind::Partitioned);
    let all = catalog.all(class::RELATION);
    let classes: Vec<&Class> = all.iter().filter_map(|r| r.object.as_class().ok()).filter(stored).collect();
    for arrays in [true, false] {
        for c in &classes {
            let holds =
                |t: Oid| types::element_type(types::base_type(t)).is_some() == arrays && contains(catalog, t, of, 0);
            if let Some(a) = c.attributes.iter().find(|a| !a.dropped && holds(a.ty.oid)) {
                return Some((c.name.clone(), a.name.clone()));
            }
        }
    }
    None
}

/// Types in types at most.
const DEPTH: usize = 32;

fn contains(catalog: &Catalog, ty: Oid, of: Oid, depth: usize) -> bool {
    let ty = types::base_type(ty);
    if ty == of {
        return true;
    }
    if depth == DEPTH {
        return false;
    }
    if let Some(element) = types::element_type(ty) {
        return contains(catalog, element, of, depth + 1);
    }
    let relation = match catalog.user_type(ty).map(|t| t.kind) {
        Some(UserTypeKind::Composite { class }) => Some(class),
        Some(_) => None,
        None => catalog.class_of_row_type(ty),
    };
    let Some(record) = relation.and_then(|r| catalog.class(r)) else { return false };
    let Ok(c) = record.object.as_class() else { return false };
    c.attributes.iter().any(|a| !a.dropped && contains(catalog, a.ty.oid, of, depth + 1))
}

/// # Errors
/// 42809 for what only ALTER TYPE does.
pub fn refuse_composite(kind: RelKind, name: &str) -> Result<()> {
    match kind {
        RelKind::Composite => {
            Err(err!(WRONG_OBJECT_TYPE, "\"{name}\" is a composite type").hint("Use ALTER TYPE instead."))
        }
        _ => Ok(()),
    }
}
