//! The parts of one ALTER TABLE: in which order they are done, and what they must not do twice.

use super::Command;
use super::write::{attributes_read, bind, class_of};
use crate::base::{Error, Result};
use crate::catalog::Relation;
use crate::sql::ast::{AlterTableCommand, AlterTableKind as Kind, ConstraintKind};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::ExecContext;

/// The commands as they can be done one by one, pass after pass: all USING expressions read the rows as they were before,
/// so that a column is altered after those that are made of it.
///
/// # Errors
/// 0A000 for columns made of one another.
pub fn in_order<'a>(
    cmd: &Command,
    cx: &mut ExecContext,
    rel: &std::sync::Arc<Relation>,
    commands: &'a [AlterTableCommand],
) -> Result<Vec<&'a AlterTableCommand>> {
    let mut out: Vec<&AlterTableCommand> = commands.iter().collect();
    let places: Vec<usize> =
        (0..commands.len()).filter(|n| matches!(commands[*n].kind, Kind::AlterType { .. })).collect();
    let mut left = Vec::new();
    for n in &places {
        let Kind::AlterType { name, using, .. } = &commands[*n].kind else { continue };
        let own = rel.attribute(name).map_or(0, |a| a.attno);
        // What cannot be bound is refused when its turn comes.
        let bound = using.as_ref().map(|e| bind(cx, &cmd.source, e, Some(rel), Clause::Transform, None));
        let reads = bound.and_then(Result::ok).map(|b| attributes_read(&b)).unwrap_or_default();
        left.push((*n, own, reads));
    }
    for place in places {
        let read = |own: i16, by: usize| left.iter().any(|(n, _, reads)| *n != by && reads.contains(&own));
        let Some(next) = left.iter().position(|(n, own, _)| !read(*own, *n)) else {
            return Err(Error::unsupported("columns that are altered USING one another are not supported"));
        };
        out[place] = &commands[left.remove(next).0];
    }
    out.sort_by_key(|command| super::alter_passes::of(&command.kind));
    Ok(out)
}

/// A column whose type the same statement has changed is not changed again. PostgreSQL 15, tablecmds.c,
/// ATExecAlterColumnType: same rule.
pub fn refuse_second_type(cx: &mut ExecContext, before: &Relation, kind: &Kind) -> Result<()> {
    let Kind::AlterType { name, .. } = kind else { return Ok(()) };
    let Some(old) = before.attribute(name) else { return Ok(()) };
    let now = class_of(cx, before.oid)?.attributes.iter().find(|a| !a.dropped && a.name == *name).map(|a| a.ty);
    match now {
        Some(now) if (now.oid, now.typmod) != (old.ty.oid, old.ty.typmod) => {
            Err(Error::unsupported(format!("cannot alter type of column \"{name}\" twice")))
        }
        _ => Ok(()),
    }
}

/// What PostgreSQL finds out without the statement's text at hand has no position.
pub fn without_place(cmd: &Command, mut e: Error, kind: &Kind) -> Error {
    // Of a new column that is all but its name and its type.
    let first = match kind {
        Kind::AddColumn { def, .. } => def.constraints.iter().find_map(|c| match &c.kind {
            ConstraintKind::Default(e) | ConstraintKind::Check(e) => Some(e.pos),
            _ => None,
        }),
        _ => None,
    };
    if first.is_some_and(|first| e.0.position >= cmd.at(first)) {
        e.0.position = None;
    }
    let check = matches!(kind, Kind::AddConstraint(c) if matches!(c.kind, ConstraintKind::Check(_)));
    if check || e.message().starts_with("multiple primary keys") {
        e.0.position = None;
    }
    e
}
