//! Indexes of partitioned tables: they have no entries, each partition has an index of its own that is part of them.

use super::super::constraint::{self, relation};
use super::super::index::{self as index_command, NewIndex};
use super::super::write::{change, class_of, new_oid};
use super::super::{Command, names};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::Class;
use crate::catalog::{Constraint, Index, IndexColumn, RelKind, Relation};
use crate::err;
use crate::sql::exec::ExecContext;
use std::sync::Arc;

/// A unique index of a partitioned table must tell partitions apart by itself.
///
/// # Errors
/// 0A000.
pub fn refuse_unique(table: &Relation, columns: &[IndexColumn], primary: bool) -> Result<()> {
    let Some(key) = &table.lineage.key else { return Ok(()) };
    let word = if primary { "PRIMARY KEY" } else { "UNIQUE" };
    for c in &key.columns {
        if c.attno == 0 {
            return Err(Error::unsupported(format!("unsupported {word} constraint with partition key definition"))
                .detail(format!("{word} constraints cannot be used when partition keys include expressions.")));
        }
        if !columns.iter().any(|i| i.attno == c.attno) {
            let column = &table.attributes[c.attno as usize - 1].name;
            return Err(Error::unsupported(
                "unique constraint on partitioned table must include all partitioning columns",
            )
            .detail(format!(
                "{word} constraint on table \"{}\" lacks column \"{column}\" which is part of the partition key.",
                table.name
            )));
        }
    }
    Ok(())
}

/// Makes a new index of a partitioned table one of its partitions, too.
///
/// An invalid one that is there is taken, and the new index is as invalid then (PostgreSQL 15, indexcmds.c, DefineIndex).
pub fn cascade(cx: &mut ExecContext, table: Oid, parent_index: Oid) -> Result<()> {
    let mut whole = true;
    for child in cx.backend()?.catalog.children_of(table) {
        one(cx, table, parent_index, child, true)?;
        let part = relation(cx, child)?;
        whole &= part.indexes.iter().any(|i| i.parent == parent_index && i.valid);
    }
    match whole {
        true => Ok(()),
        false => change(cx, parent_index, |c| c.index.iter_mut().for_each(|i| i.valid = false)),
    }
}

/// All indexes of a partitioned table, for a new partition of it.
pub fn for_new_partition(_: &Command, cx: &mut ExecContext, table: Oid, child: Oid) -> Result<()> {
    let parent = relation(cx, table)?;
    for index in &parent.indexes {
        one(cx, table, index.oid, child, false)?;
    }
    Ok(())
}

/// The partition's part of an index: one that is there, or a new one.
fn one(cx: &mut ExecContext, table: Oid, parent_index: Oid, child: Oid, even_invalid: bool) -> Result<()> {
    let (parent, part) = (relation(cx, table)?, relation(cx, child)?);
    let odd = || Error::internal("a partitioned index is gone");
    let index = parent.indexes.iter().find(|i| i.oid == parent_index).cloned().ok_or_else(odd)?;
    let constraint = parent.constraints.iter().find(|k| k.index == index.oid && k.foreign.is_none()).cloned();
    let columns = columns_in(&index, &parent, &part)?;
    let fits = |i: &&Arc<Index>| {
        !i.parent.is_valid() && (i.valid || even_invalid) && alike((i, &part), (&index, &parent), &columns) && {
            // A constraint needs one that is behind a constraint of its kind.
            constraint.is_none() || i.constraint.is_valid() && i.primary == index.primary
        }
    };
    if let Some(found) = part.indexes.iter().find(fits) {
        return join(cx, &parent, &index, &part, found.oid);
    }
    if index.primary && part.indexes.iter().any(|i| i.primary) {
        return Err(err!(
            INVALID_TABLE_DEFINITION,
            "multiple primary keys for table \"{}\" are not allowed",
            part.name
        ));
    }
    create(cx, &index, constraint.as_ref(), &part, columns)
}

fn columns_in(index: &Index, parent: &Relation, part: &Relation) -> Result<Vec<IndexColumn>> {
    let map = crate::sql::plan::tree::attribute_map(parent, part)?;
    let own = |c: &IndexColumn| IndexColumn { attno: crate::sql::plan::tree::mapped(&map, c.attno), ..c.clone() };
    Ok(index.columns.iter().map(own).collect())
}

/// The same definition, whatever the columns are called in the index.
fn alike((have, part): (&Index, &Relation), (wanted, parent): (&Index, &Relation), columns: &[IndexColumn]) -> bool {
    let keys = have.columns.iter().zip(&wanted.columns).take(wanted.key_columns);
    if keys.into_iter().any(|(a, b)| collation_of(part, a) != collation_of(parent, b)) {
        return false;
    }
    let same = |(a, b): (&IndexColumn, &IndexColumn)| {
        a.attno == b.attno
            && a.expr == b.expr
            && a.desc == b.desc
            && a.nulls_first == b.nulls_first
            && a.opclass == b.opclass
    };
    have.unique == wanted.unique
        && have.method == wanted.method
        && have.nulls_not_distinct == wanted.nulls_not_distinct
        && have.key_columns == wanted.key_columns
        && have.columns.len() == columns.len()
        && have.predicate == wanted.predicate
        && have.columns.iter().zip(columns).all(same)
}

/// What orders the texts of an index's column.
fn collation_of(table: &Relation, column: &IndexColumn) -> Oid {
    let own = crate::types::info(column.ty.oid).map_or(Oid::INVALID, |i| i.collation);
    let declared = table.attributes.iter().find(|a| column.attno > 0 && a.attno == column.attno);
    let declared = declared.map_or(Oid::INVALID, |a| a.declared.collation);
    [column.named(), declared, own].into_iter().find(|c| c.is_valid()).unwrap_or_default()
}

fn create(
    cx: &mut ExecContext,
    index: &Index,
    of_parent: Option<&Constraint>,
    part: &Arc<Relation>,
    columns: Vec<IndexColumn>,
) -> Result<()> {
    let keys = crate::sql::command::index::distinct_names(columns.iter().map(|c| c.name.clone()));
    // The parent may get its constraint only afterwards.
    let name = match (index.constraint.is_valid().then_some(()), index.primary) {
        (Some(()), true) => names::choose(cx, part.namespace, &part.name, "", "pkey", names::For::Relation)?,
        (Some(()), false) => {
            names::choose(cx, part.namespace, &part.name, &keys.join("_"), "key", names::For::Relation)?
        }
        (None, _) => names::choose(cx, part.namespace, &part.name, &keys.join("_"), "idx", names::For::Relation)?,
    };
    let constraint = if of_parent.is_some() { new_oid(cx)? } else { Oid::INVALID };
    if index.primary {
        constraint::set_not_null(cx, part.oid, &keys)?;
    }
    let part = relation(cx, part.oid)?;
    let there = class_of(cx, index.oid)?.tablespace;
    let tablespace = crate::sql::command::tablespace::place(cx, None, there, part.persistence, part.is_partitioned())?;
    let new = NewIndex {
        name: name.clone(),
        unique: index.unique,
        primary: index.primary,
        nulls_not_distinct: index.nulls_not_distinct,
        columns: columns.clone(),
        key_columns: index.key_columns,
        predicate: index.predicate.clone(),
        options: index.options.clone(),
        constraint,
        parent: index.oid,
        only: false,
        method: index.method,
        exclusion: Vec::new(),
        tablespace,
    };
    let oid = index_command::create_object(cx, &part, new)?;
    let Some(of_parent) = of_parent else { return Ok(()) };
    let made = Constraint {
        oid: constraint,
        name,
        columns: columns[..index.key_columns].iter().map(|c| c.attno).collect(),
        index: oid,
        inherited: 1,
        local: false,
        parent: of_parent.oid,
        ..of_parent.clone()
    };
    change(cx, part.oid, |c| c.constraints.push(made))?;
    // The parts of a partition that is itself partitioned know their constraint only now.
    constraints_below(cx, part.oid, oid)
}

/// Indexes made below one that got its constraint afterwards get theirs.
fn constraints_below(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<()> {
    let parent = relation(cx, table)?;
    let Some(of_parent) = parent.constraints.iter().find(|k| k.index == index && k.foreign.is_none()).cloned() else {
        return Ok(());
    };
    for child in cx.backend()?.catalog.children_of(table) {
        let part = relation(cx, child)?;
        let Some(own) = part.indexes.iter().find(|i| i.parent == index).cloned() else { continue };
        if own.constraint.is_valid() && part.constraints.iter().any(|k| k.oid == own.constraint) {
            continue;
        }
        let oid = if own.constraint.is_valid() { own.constraint } else { new_oid(cx)? };
        let made = Constraint {
            oid,
            name: own.name.clone(),
            columns: own.columns[..own.key_columns].iter().map(|c| c.attno).collect(),
            index: own.oid,
            inherited: 1,
            local: false,
            parent: of_parent.oid,
            ..of_parent.clone()
        };
        change(cx, own.oid, |c| c.index.iter_mut().for_each(|i| i.constraint = oid))?;
        change(cx, child, |c| c.constraints.push(made))?;
        constraints_below(cx, child, own.oid)?;
    }
    Ok(())
}

/// Makes an index that is there part of another one.
fn join(cx: &mut ExecContext, parent: &Relation, index: &Index, part: &Relation, own: Oid) -> Result<()> {
    change(cx, own, |c| c.lineage.parents = vec![index.oid])?;
    let of_parent = parent.constraints.iter().find(|k| k.index == index.oid && k.foreign.is_none());
    if let Some(of_parent) = of_parent.map(|k| k.oid) {
        let mark = |c: &mut Class| {
            for k in c.constraints.iter_mut().filter(|k| k.index == own && k.foreign.is_none()) {
                k.parent = of_parent;
                k.inherited = 1;
                k.local = false;
            }
        };
        change(cx, part.oid, mark)?;
    }
    Ok(())
}

/// ALTER INDEX … ATTACH PARTITION.
pub fn attach(cx: &mut ExecContext, parent_index: Oid, own: Oid) -> Result<()> {
    let (above, below) = (class_of(cx, parent_index)?, class_of(cx, own)?);
    let wrong = |text: String| Error::new(SqlState::WRONG_OBJECT_TYPE, text);
    if above.kind != RelKind::PartitionedIndex {
        return Err(wrong(format!("\"{}\" is not a partitioned index", above.name)));
    }
    let (Some(def), Some(own_def)) = (&above.index, &below.index) else {
        return Err(wrong(format!("\"{}\" is not an index", below.name)));
    };
    let (table, part) = (relation(cx, def.table)?, relation(cx, own_def.table)?);
    let cannot_in = |state: SqlState, detail: String| {
        let text = format!("cannot attach index \"{}\" as a partition of index \"{}\"", below.name, above.name);
        Error::new(state, text).detail(detail)
    };
    let cannot = |detail: String| cannot_in(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, detail);
    match below.lineage.parents.first() {
        // What was invalid may be whole by now.
        Some(p) if *p == parent_index => return validate(cx, parent_index),
        Some(_) => return Err(cannot(format!("Index \"{}\" is already attached to another index.", below.name))),
        None => {}
    }
    if !part.lineage.parents.contains(&table.oid) {
        return Err(cannot(format!(
            "Index \"{}\" is not an index on any partition of table \"{}\".",
            below.name, table.name
        )));
    }
    let odd = || Error::internal("a partitioned index is gone");
    let index = table.indexes.iter().find(|i| i.oid == parent_index).cloned().ok_or_else(odd)?;
    let have = part.indexes.iter().find(|i| i.oid == own).cloned().ok_or_else(odd)?;
    if !alike((&have, &part), (&index, &table), &columns_in(&index, &table, &part)?) {
        return Err(cannot_in(SqlState::INVALID_OBJECT_DEFINITION, "The index definitions do not match.".into()));
    }
    if index.constraint.is_valid() && !have.constraint.is_valid() {
        let detail = format!(
            "The index \"{}\" belongs to a constraint in table \"{}\" but no constraint exists for index \"{}\".",
            index.name, table.name, have.name
        );
        return Err(cannot_in(SqlState::INVALID_OBJECT_DEFINITION, detail));
    }
    if part.indexes.iter().any(|i| i.parent == parent_index) {
        return Err(cannot(format!("Another index is already attached for partition \"{}\".", part.name)));
    }
    join(cx, &table, &index, &part, own)?;
    validate(cx, parent_index)
}

/// An index is whole once every partition has its valid part of it.
fn validate(cx: &mut ExecContext, index: Oid) -> Result<()> {
    let c = class_of(cx, index)?;
    let Some(def) = c.index.as_ref().filter(|d| !d.valid) else { return Ok(()) };
    for child in cx.backend()?.catalog.children_of(def.table) {
        let part = relation(cx, child)?;
        if !part.indexes.iter().any(|i| i.parent == index && i.valid) {
            return Ok(());
        }
    }
    change(cx, index, |c| c.index.iter_mut().for_each(|i| i.valid = true))?;
    match c.lineage.parents.first() {
        Some(above) => validate(cx, *above),
        None => Ok(()),
    }
}

/// A table that is no partition any more keeps its indexes.
pub fn set_free(cx: &mut ExecContext, table: Oid) -> Result<()> {
    for index in cx.backend()?.catalog.indexes_of(table) {
        change(cx, index, |c| c.lineage.parents.clear())?;
    }
    Ok(())
}
