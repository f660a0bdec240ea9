//! SET CONSTRAINTS.

use super::Command;
use crate::base::error::Report;
use crate::base::{Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::class;
use crate::catalog::{Catalog, Constraint};
use crate::err;
use crate::sql::ast::{RangeVar, SetConstraintsStmt};
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::{self, DeferredEvents};

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &SetConstraintsStmt) -> Flow<String> {
    if cmd.progress.is_none() {
        let backend = cx.backend()?;
        if !backend.in_block {
            let text = "SET CONSTRAINTS can only be used in transaction blocks";
            cx.notices.push(Report::notice(Severity::Warning, SqlState::NO_ACTIVE_SQL_TRANSACTION, text));
        }
        let mut oids = Vec::new();
        for name in &stmt.names {
            find(cx, name, &mut oids)?;
        }
        let constraints = (!stmt.names.is_empty()).then_some(oids);
        after_row::set_constraints(cx, constraints, stmt.deferred)?;
    }
    let events = cmd.progress(DeferredEvents::immediate);
    if !stmt.deferred {
        events.run(cx)?;
    }
    Ok("SET CONSTRAINTS".into())
}

/// All constraints of this name in the first schema of the search path that has one.
fn find(cx: &mut ExecContext, name: &RangeVar, oids: &mut Vec<Oid>) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let path = match &name.schema {
        Some(schema) => vec![catalog.namespace_oid(schema)?],
        None => catalog.effective_path().to_vec(),
    };
    let classes = catalog.naming(class::RELATION, &name.name);
    for namespace in path {
        let mut found = false;
        for c in classes.iter().filter_map(|r| r.object.as_class().ok()).filter(|c| c.namespace == namespace) {
            let parts = c.constraints.iter().flat_map(Constraint::parts);
            for k in c.constraints.iter().cloned().chain(parts).filter(|k| k.name == name.name) {
                if !k.deferrable {
                    return Err(err!(WRONG_OBJECT_TYPE, "constraint \"{}\" is not deferrable", name.name));
                }
                found = true;
                oids.push(k.oid);
            }
            for t in c.triggers.iter().filter(|t| t.constraint.is_valid() && t.name == name.name) {
                if !t.deferrable {
                    return Err(err!(WRONG_OBJECT_TYPE, "constraint \"{}\" is not deferrable", name.name));
                }
                found = true;
                oids.push(t.constraint);
            }
        }
        if found {
            with_parts(&catalog, oids);
            return Ok(());
        }
    }
    Err(err!(UNDEFINED_OBJECT, "constraint \"{}\" does not exist", name.joined()))
}

/// Adds what partitions have of the constraints.
fn with_parts(catalog: &Catalog, oids: &mut Vec<Oid>) {
    let mut next = 0;
    while let Some(whole) = oids.get(next).copied() {
        for record in catalog.mentioning(class::RELATION, whole) {
            let Ok(c) = record.object.as_class() else { continue };
            let parts = c.constraints.iter().flat_map(Constraint::parts);
            for k in c.constraints.iter().cloned().chain(parts).filter(|k| k.parent == whole && k.deferrable) {
                if !oids.contains(&k.oid) {
                    oids.push(k.oid);
                }
            }
        }
        next += 1;
    }
}
