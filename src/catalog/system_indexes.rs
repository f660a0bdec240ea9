//! The indexes and TOAST tables of the generated catalogs, as clients look for them: PostgreSQL 15's names, OIDs,
//! columns, operator classes and constraints. Nothing is stored in them, since nothing is in the catalogs: the objects
//! are found in memory.
//!
//! `system_indexes.txt` holds a line each: `oid|name|table|p, u or - (primary, unique)|columns|operator classes|
//! collations|constraint, or 0`; `system_toasts.txt`: `TOAST table|table`. A TOAST table's index has the next OID.

use super::folder::Record;
use super::object::{Class, IndexDef, Object, fixed};
use super::relation::{Attribute, Constraint, ConstraintKind, IndexColumn, Persistence, RelKind};
use super::system;
use crate::base::{Oid, TupleId, Xid};
use crate::types::{TypeRef, oid};
use hashbrown::HashMap;
use std::sync::{Arc, LazyLock};

const CHUNK_COLUMNS: [(&str, Oid); 3] = [("chunk_id", oid::OID), ("chunk_seq", oid::INT4), ("chunk_data", oid::BYTEA)];
/// `oid_ops` and `int4_ops` of B-trees.
const CHUNK_CLASSES: [Oid; 2] = [Oid(1981), Oid(1978)];

#[derive(Default)]
struct Indexes {
    by_oid: HashMap<Oid, Arc<Record>>,
    by_name: HashMap<(Oid, String), Oid>,
    of_table: HashMap<Oid, Vec<Oid>>,
    /// In the order of their OIDs.
    all: Vec<Arc<Record>>,
}

/// One line of either list.
struct Line {
    oid: Oid,
    name: String,
    namespace: Oid,
    table: Oid,
    unique: bool,
    primary: bool,
    columns: Vec<IndexColumn>,
    constraint: Oid,
}

static INDEXES: LazyLock<Indexes> = LazyLock::new(|| {
    let mut lines: Vec<Line> = include_str!("system_indexes.txt").lines().filter_map(parse).collect();
    lines.extend(toasts().map(|(toast, table)| of_toast(toast, table)));
    lines.sort_by_key(|l| l.oid);
    let mut indexes = Indexes::default();
    lines.into_iter().for_each(|line| indexes.add(line));
    indexes
});

impl Indexes {
    fn add(&mut self, line: Line) {
        let (oid, table) = (line.oid, line.table);
        self.by_name.insert((line.namespace, line.name.clone()), oid);
        self.of_table.entry(table).or_default().push(oid);
        let object = Object::Class(class(line));
        let record = Record::new(object, TupleId::INVALID, Xid::BOOTSTRAP);
        self.by_oid.insert(oid, record.clone());
        self.all.push(record);
    }
}

fn numbers(list: &str) -> Vec<u32> {
    list.split(',').filter_map(|n| n.parse().ok()).collect()
}

fn parse(line: &str) -> Option<Line> {
    let fields: Vec<&str> = line.split('|').collect();
    let [oid, name, table, kind, keys, classes, collations, constraint] = fields[..] else { return None };
    let number = |text: &str| text.parse().ok().map(Oid);
    let table = number(table)?;
    let relation = system::relation(table)?;
    let of = numbers(keys).into_iter().zip(numbers(classes)).zip(numbers(collations));
    let columns = of.filter_map(|((attno, opclass), collation)| {
        let a = relation.attributes.get(attno as usize - 1)?;
        Some(column(&a.name, attno as i16, a.ty, (Oid(opclass), Oid(collation))))
    });
    Some(Line {
        oid: number(oid)?,
        name: name.to_string(),
        namespace: relation.namespace,
        table,
        unique: kind != "-",
        primary: kind == "p",
        columns: columns.collect(),
        constraint: number(constraint)?,
    })
}

fn column(name: &str, attno: i16, ty: TypeRef, (opclass, collation): (Oid, Oid)) -> IndexColumn {
    IndexColumn {
        attno,
        expr: None,
        ty,
        desc: false,
        nulls_first: false,
        opclass,
        collation,
        derived: Oid::INVALID,
        order: String::new(),
        options: Vec::new(),
        name: name.to_string(),
    }
}

/// TOAST tables with the tables they belong to.
pub(super) fn toasts() -> impl Iterator<Item = (Oid, Oid)> {
    let pair = |line: &str| line.split_once('|').and_then(|(a, b)| Some((Oid(a.parse().ok()?), Oid(b.parse().ok()?))));
    include_str!("system_toasts.txt").lines().filter_map(pair)
}

/// The columns of a TOAST table.
pub(super) fn chunk_columns() -> Vec<Attribute> {
    let one = |(i, (name, ty)): (usize, &(&str, Oid))| {
        let mut a = Attribute::new(name, i as i16 + 1, TypeRef::of(*ty));
        a.declared.storage = b'p';
        a
    };
    CHUNK_COLUMNS.iter().enumerate().map(one).collect()
}

fn of_toast(toast: Oid, table: Oid) -> Line {
    let keys = CHUNK_COLUMNS.iter().zip(CHUNK_CLASSES).zip(1i16..);
    let columns = keys.map(|(((name, ty), class), n)| column(name, n, TypeRef::of(*ty), (class, Oid::INVALID)));
    Line {
        oid: Oid(toast.0 + 1),
        name: format!("pg_toast_{table}_index"),
        namespace: fixed::PG_TOAST,
        table: toast,
        unique: true,
        primary: true,
        columns: columns.collect(),
        constraint: Oid::INVALID,
    }
}

fn class(line: Line) -> Class {
    let key_columns = line.columns.len();
    let index = IndexDef {
        table: line.table,
        unique: line.unique,
        primary: line.primary,
        nulls_not_distinct: false,
        valid: true,
        stage: Default::default(),
        marks: Oid::INVALID,
        columns: line.columns,
        key_columns,
        predicate: None,
        constraint: line.constraint,
        clustered: false,
        replica_identity: false,
        hash: false,
        gin: false,
        gist: false,
        pages_per_range: 0,
        exclusion: Vec::new(),
    };
    let (kind, persistence) = (RelKind::Index, Persistence::Permanent);
    let class = Class::new(line.oid, line.name, line.namespace, kind, persistence, fixed::BOOTSTRAP_SUPERUSER);
    Class { index: Some(index), ..class }
}

/// The constraints that are made of indexes, with their tables.
pub(super) fn constraints() -> impl Iterator<Item = (Oid, Constraint)> {
    include_str!("system_indexes.txt").lines().filter_map(constraint)
}

fn constraint(line: &str) -> Option<(Oid, Constraint)> {
    let fields: Vec<&str> = line.split('|').collect();
    let [index, name, table, kind, keys, _, _, oid] = fields[..] else { return None };
    let number = |text: &str| text.parse().ok().map(Oid);
    let made = Constraint {
        oid: number(oid).filter(|o| o.is_valid())?,
        name: name.to_string(),
        kind: if kind == "p" { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique },
        columns: numbers(keys).into_iter().map(|n| n as i16).collect(),
        check: None,
        index: number(index)?,
        foreign: None,
        deferrable: false,
        deferred: false,
        validated: true,
        inherited: 0,
        local: true,
        no_inherit: true,
        parent: Oid::INVALID,
    };
    Some((number(table)?, made))
}

/// An index by OID.
pub fn record(oid: Oid) -> Option<Arc<Record>> {
    if oid >= Oid::FIRST_NORMAL { None } else { INDEXES.by_oid.get(&oid).cloned() }
}

/// An index by name.
pub fn oid_by_name(namespace: Oid, name: &str) -> Option<Oid> {
    if namespace >= Oid::FIRST_NORMAL || name.is_empty() {
        return None;
    }
    INDEXES.by_name.get(&(namespace, name.to_string())).copied()
}

/// The indexes of a generated relation, ascending.
pub fn of_table(table: Oid) -> &'static [Oid] {
    if table >= Oid::FIRST_NORMAL { &[] } else { INDEXES.of_table.get(&table).map_or(&[], Vec::as_slice) }
}

/// All indexes, in the order of their OIDs.
pub fn all() -> &'static [Arc<Record>] {
    &INDEXES.all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is an index of a table that is there, over columns that it has.
    #[test]
    fn every_line_is_an_index() {
        let lines =
            include_str!("system_indexes.txt").lines().count() + include_str!("system_toasts.txt").lines().count();
        assert_eq!((all().len(), lines, constraints().count()), (162, 162, 109));
        for record in all() {
            let index = record.object.as_class().unwrap().index.as_ref().unwrap();
            assert!(!index.columns.is_empty() && system::relation(index.table).is_some());
        }
        assert_eq!(of_table(Oid(1259)), [Oid(2662), Oid(2663), Oid(3455)]);
        assert_eq!(oid_by_name(fixed::PG_CATALOG, "pg_class_oid_index"), Some(Oid(2662)));
        assert_eq!(system::relation(Oid(1255)).unwrap().toast, Oid(2836));
    }
}
