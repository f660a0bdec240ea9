//! PRIMARY KEY and UNIQUE: with a new index behind them, or one that is there.

use super::constraint::{Kind, Wanted, refuse_taken, relation, set_not_null};
use super::index::{self, NewIndex};
use super::write::{change, new_oid};
use super::{Command, names, reloptions};
use crate::base::error::Report;
use crate::base::{Error, Oid, Result, Severity, SqlState};
use crate::catalog::IndexMethod;
use crate::catalog::{Constraint, ConstraintKind, Index, Relation};
use crate::err;
use crate::sql::ast::{Pos, Stmt};
use crate::sql::exec::ExecContext;
use std::sync::Arc;

/// PostgreSQL 15, parse_utilcmd.c, transformIndexConstraint: of a table that is there, a primary key's columns are first
/// made NOT NULL.
#[cold]
fn no_column(cmd: &Command, rel: &Relation, name: &str, not_null: bool, pos: Pos) -> Error {
    let altered = matches!(&*cmd.stmt, Stmt::AlterTable(_));
    match altered && not_null {
        true => err!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{}\" does not exist", rel.name),
        false => {
            let at = if altered { None } else { cmd.at(pos) };
            err!(UNDEFINED_COLUMN, "column \"{name}\" named in key does not exist").at(at)
        }
    }
}

/// Adds a key to a table this transaction has locked.
pub fn add(cmd: &Command, cx: &mut ExecContext, table: Oid, w: Wanted) -> Result<()> {
    let Kind::Key { primary, columns, including, nulls_not_distinct, options, tablespace, index } = &w.kind else {
        return Ok(());
    };
    let (primary, nulls_not_distinct) = (*primary, *nulls_not_distinct);
    let rel = relation(cx, table)?;
    let index = match index {
        Some(name) => Some((name, usable(cx, &rel, name).map_err(|e| e.at(cmd.at(w.pos)))?)),
        None => None,
    };
    if primary && rel.indexes.iter().any(|i| i.primary) {
        let e = err!(INVALID_TABLE_DEFINITION, "multiple primary keys for table \"{}\" are not allowed", rel.name);
        // The parent's is not written here.
        let of_parent = rel.indexes.iter().any(|i| i.primary && i.parent.is_valid());
        return Err(if of_parent { e } else { e.at(cmd.at(w.pos)) });
    }
    if let Some((index, found)) = index {
        return using_index(cx, &rel, &w, primary, index, &found);
    }
    let word = if primary { "primary key" } else { "unique" };
    let mut key_columns = Vec::new();
    for (n, name) in columns.iter().chain(including).enumerate() {
        let Some(found) = index::key_column(cx, &rel, name)? else {
            return Err(no_column(cmd, &rel, name, primary && n < columns.len(), w.pos));
        };
        let twice = key_columns.iter().any(|c: &crate::catalog::IndexColumn| c.attno == found.attno);
        if twice && key_columns.len() < columns.len() {
            return Err(
                err!(DUPLICATE_COLUMN, "column \"{name}\" appears twice in {word} constraint").at(cmd.at(w.pos))
            );
        }
        key_columns.push(found);
    }
    if primary {
        if rel.is_partitioned() && w.only {
            refuse_nullable(cx, &rel, columns)?;
        }
        set_not_null(cx, table, columns)?;
        if !w.only {
            for child in super::inherit::all_below(cx, table)? {
                set_not_null(cx, child, columns)?;
            }
        }
    }
    let name = match &w.name {
        Some(name) => {
            super::table::exists(cx, rel.namespace, name, false)?;
            refuse_taken(&rel.constraints, name, &rel.name)?;
            name.clone()
        }
        None => {
            let all = index::distinct_names(columns.iter().chain(including).cloned()).join("_");
            let (part, suffix) = if primary { ("", "pkey") } else { (&*all, "key") };
            names::choose(cx, rel.namespace, &rel.name, part, suffix, names::For::Constraint)?
        }
    };
    let verb = names::table_verb(cmd);
    let add = if verb == "ALTER TABLE" { "ADD " } else { "" };
    let what = if primary { "PRIMARY KEY" } else { "UNIQUE" };
    let text = format!("{verb} / {add}{what} will create implicit index \"{name}\" for table \"{}\"", rel.name);
    names::debug(cx, text);
    let constraint = new_oid(cx)?;
    let attnos: Vec<i16> = key_columns[..columns.len()].iter().map(|c| c.attno).collect();
    let options = reloptions::merge(cmd, reloptions::On::Index(IndexMethod::Btree), &[], options)?;
    let rel = relation(cx, table)?;
    let persistence = rel.persistence;
    let tablespace =
        super::tablespace::place(cx, tablespace.as_deref(), Oid::INVALID, persistence, rel.is_partitioned())?;
    let new = NewIndex {
        name: name.clone(),
        unique: true,
        primary,
        nulls_not_distinct,
        key_columns: columns.len(),
        columns: key_columns,
        predicate: None,
        options,
        constraint,
        parent: Oid::INVALID,
        only: true,
        method: IndexMethod::Btree,
        exclusion: Vec::new(),
        tablespace,
    };
    let index = index::create_object(cx, &rel, new)?;
    let new = behind(&w, constraint, name, primary, attnos, index);
    change(cx, table, |c| c.constraints.push(new))?;
    if !rel.is_partitioned() || w.only {
        return Ok(());
    }
    change(cx, index, |c| c.index.iter_mut().for_each(|i| i.valid = true))?;
    super::partition::cascade(cx, table, index)
}

/// The constraint before its index.
fn behind(w: &Wanted, oid: Oid, name: String, primary: bool, columns: Vec<i16>, index: Oid) -> Constraint {
    Constraint {
        oid,
        name,
        kind: if primary { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique },
        columns,
        check: None,
        index,
        foreign: None,
        deferrable: w.deferrable,
        deferred: w.deferred,
        validated: true,
        inherited: 0,
        local: true,
        no_inherit: false,
        parent: Oid::INVALID,
    }
}

/// ADD CONSTRAINT … USING INDEX: the index takes the constraint's name.
fn using_index(
    cx: &mut ExecContext,
    rel: &Arc<Relation>,
    w: &Wanted,
    primary: bool,
    index: &str,
    found: &Index,
) -> Result<()> {
    if rel.is_partitioned() {
        let text = "ALTER TABLE / ADD CONSTRAINT USING INDEX is not supported on partitioned tables";
        return Err(Error::unsupported(text));
    }
    let name = w.name.clone().unwrap_or_else(|| index.to_string());
    refuse_taken(&rel.constraints, &name, &rel.name)?;
    let keys = &found.columns[..found.key_columns];
    if primary {
        let columns: Vec<String> = keys.iter().filter_map(|k| column_name(rel, k.attno)).collect();
        set_not_null(cx, rel.oid, &columns)?;
    }
    if name != index {
        let text = format!("ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"{index}\" to \"{name}\"");
        cx.notices.push(Report::notice(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, text));
        super::table::exists(cx, rel.namespace, &name, false)?;
    }
    let constraint = new_oid(cx)?;
    change(cx, found.oid, |c| {
        c.name.clone_from(&name);
        if let Some(i) = &mut c.index {
            i.constraint = constraint;
            i.primary = primary;
        }
    })?;
    let attnos = keys.iter().map(|k| k.attno).collect();
    let new = behind(w, constraint, name, primary, attnos, found.oid);
    change(cx, rel.oid, |c| c.constraints.push(new))
}

fn column_name(rel: &Relation, attno: i16) -> Option<String> {
    rel.attributes.get((attno as usize).wrapping_sub(1)).map(|a| a.name.clone())
}

fn associated(index: &str) -> Error {
    err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "index \"{index}\" is already associated with a constraint")
}

/// An index that can be behind a key. PostgreSQL 15, parse_utilcmd.c, transformIndexConstraint: same refusals.
fn usable(cx: &mut ExecContext, rel: &Relation, name: &str) -> Result<Arc<Index>> {
    let found = rel.indexes.iter().find(|i| i.name == name && i.namespace == rel.namespace).cloned();
    let Some(i) = found else {
        let catalog = cx.backend()?.catalog.clone();
        let other = catalog.class_in(rel.namespace, name).and_then(|oid| catalog.class(oid));
        let index = other.and_then(|r| r.object.as_class().ok().and_then(|c| c.index.clone()));
        return Err(match index {
            Some(i) if i.constraint.is_valid() => associated(name),
            Some(_) => {
                err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "index \"{name}\" does not belong to table \"{}\"", rel.name)
            }
            None => err!(UNDEFINED_OBJECT, "index \"{name}\" does not exist"),
        });
    };
    let cannot = |text: String| {
        Error::new(SqlState::WRONG_OBJECT_TYPE, text)
            .detail("Cannot create a primary key or unique constraint using such an index.")
    };
    if i.constraint.is_valid() {
        return Err(associated(name));
    }
    if !i.valid {
        return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "index \"{name}\" is not valid"));
    }
    if !i.unique {
        return Err(cannot(format!("\"{name}\" is not a unique index")));
    }
    if i.columns.iter().any(|c| c.expr.is_some()) {
        return Err(cannot(format!("index \"{name}\" contains expressions")));
    }
    if i.predicate.is_some() {
        return Err(cannot(format!("\"{name}\" is a partial index")));
    }
    let odd = |c: &crate::catalog::IndexColumn| {
        let own = rel.attributes.iter().find(|a| a.attno == c.attno).map(|a| a.declared.collation);
        let own = own.filter(|o| o.is_valid()).unwrap_or(crate::catalog::object::fixed::DEFAULT_COLLATION);
        let collated = c.collation.is_valid() && own != c.collation;
        c.desc || c.nulls_first || c.opclass.is_valid() || collated
    };
    if let Some(n) = i.columns[..i.key_columns].iter().position(odd) {
        return Err(cannot(format!("index \"{name}\" column number {} does not have default sorting behavior", n + 1)));
    }
    Ok(i)
}

/// ALTER TABLE ONLY … ADD PRIMARY KEY leaves the partitions as they are.
///
/// # Errors
/// 42P16 for a partition whose column may be NULL.
pub fn refuse_nullable(cx: &mut ExecContext, table: &Relation, columns: &[String]) -> Result<()> {
    for child in &table.children {
        let part = relation(cx, *child)?;
        for name in columns {
            if part.attribute(name).is_some_and(|a| !a.not_null) {
                return Err(err!(INVALID_TABLE_DEFINITION, "constraint must be added to child tables too")
                    .detail(format!("Column \"{name}\" of relation \"{}\" is not already NOT NULL.", part.name))
                    .hint("Do not specify the ONLY keyword."));
            }
        }
    }
    Ok(())
}
