//! Renaming what a table hands down.

use super::super::write::class_of;
use super::alter::{all_below, below_alone, inheritable};
use super::descendants;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::Relation;
use crate::err;
use crate::lock::LockMode;
use crate::sql::exec::ExecContext;
use std::sync::Arc;

/// The tables whose column is renamed together with this one's.
///
/// # Errors
/// 42P16 for an inherited column, and where ONLY would leave children behind.
pub fn renamed(cx: &mut ExecContext, table: &Relation, old: &str, recurse: bool) -> Flow<Vec<Arc<Relation>>> {
    let down = descendants(cx, table.oid, LockMode::AccessExclusive)?;
    if !down.is_empty() && !recurse {
        let text = format!("inherited column \"{old}\" must be renamed in child tables too");
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, text).into());
    }
    if table.attribute(old).is_some_and(|a| a.inherited > 0) {
        return Err(err!(INVALID_TABLE_DEFINITION, "cannot rename inherited column \"{old}\"").into());
    }
    let mut out = Vec::new();
    for oid in below_alone(cx, table.oid, old, "rename")? {
        out.push(super::super::constraint::relation(cx, oid)?);
    }
    Ok(out)
}

/// The tables whose constraint is renamed together with this one's.
pub fn rename_constraint(cx: &mut ExecContext, table: &Relation, old: &str, recurse: bool) -> Flow<Vec<Oid>> {
    let Some(k) = table.constraints.iter().find(|k| k.name == old && inheritable(k)) else { return Ok(Vec::new()) };
    let down = descendants(cx, table.oid, LockMode::AccessExclusive)?;
    if !down.is_empty() && !recurse {
        let text = format!("inherited constraint \"{old}\" must be renamed in child tables too");
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, text).into());
    }
    if k.inherited > 0 {
        return Err(err!(INVALID_TABLE_DEFINITION, "cannot rename inherited constraint \"{old}\"").into());
    }
    let below = all_below(cx, table.oid)?;
    for child in &below {
        refuse_other_parents(cx, *child, table.oid, &below, old)?;
    }
    Ok(below)
}

fn refuse_other_parents(cx: &mut ExecContext, child: Oid, root: Oid, below: &[Oid], name: &str) -> Result<()> {
    let c = class_of(cx, child)?;
    let from_here = c.lineage.parents.iter().filter(|p| **p == root || below.contains(p)).count();
    match c.constraints.iter().any(|k| k.name == name && usize::from(k.inherited) > from_here) {
        true => Err(err!(INVALID_TABLE_DEFINITION, "cannot rename inherited constraint \"{name}\"")),
        false => Ok(()),
    }
}
