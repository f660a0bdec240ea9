//! Generators of the relations that describe catalogs, code or state of the engine: `pg_class`, `pg_settings`, `pg_locks`, …
//!
//! A view is a name and a function that pushes rows into a [`Sink`]; its columns are those `catalog::system` tells.
//! The scan filters and projects. What a condition `column = value` names is told to the generator, which may then
//! make those rows only. One file per family of views; each family's list is named in [`find`].
//!
//! Invariants
//! - VIEW-1: a row pushed has as many values as the relation has columns, in their order.
//! - VIEW-2: a generator may leave out rows that a key of the sink excludes, and no others.

mod access;
mod activity;
mod cell;
mod class;
mod code;
mod column_statistics;
mod constraint;
pub(crate) mod depend;
mod empty;
mod extended;
mod extension;
mod foreign;
mod information;
mod initial;
mod large_object;
mod listing;
mod namespace;
mod node_tree;
mod object;
mod opclass;
mod policy;
mod progress;
mod publication;
mod role;
mod server;
mod session;
mod settings;
mod statistics;
mod trigger;
mod types;

pub(crate) use activity::{Sight, address, serial, sessions, some};
pub(crate) use cell::{Cell, NULL, Stamp, texts};
pub(crate) use code::{
    BuiltinCollation, aggregate_of_states, btree_class, builtin_acl, builtin_code, builtin_collation,
    builtin_collation_named, builtin_statement, default_opclass, direct_arguments, family_name, family_named, language,
    opclass_name, opclass_named, opclass_of, opclass_takes, special_opclass,
};
pub(crate) use depend::{Found, of_expression, of_queries, of_query};
pub(crate) use extended::{definition as statistics_definition, expressions as statistics_expressions};
pub(crate) use extension::{available_extensions, available_versions};
pub(crate) use information::{Seen, updatable};
pub(crate) use object::builtin_comment;
pub(crate) use opclass::conversion_pairs;
pub(crate) use publication::is_publishable;

use super::ExecContext;
use super::output::phys_of;
use crate::base::{Flow, Oid, Xid};
use crate::catalog::{Catalog, Record, Relation};
use crate::settings::{Id, Lookup};
use crate::sql::bind::scope::system_type;
use crate::types::{BATCH_ROWS, Batch, Column, Datum, Phys, TypeRef, Value};
use std::sync::Arc;

/// A generated relation.
pub struct View {
    pub name: &'static str,
    /// Pushes all rows. If it answers a wait it is called again with a new sink.
    pub rows: fn(&mut ExecContext, &mut Sink) -> Flow<()>,
}

/// Pushes a row: one expression per column.
macro_rules! row {
    ($sink:expr; $($value:expr),* $(,)?) => {
        $sink.push(&[$($crate::sql::exec::system_view::Cell::cell($value)),*])
    };
}
pub(crate) use row;

/// The system columns that a generated row has.
const XMIN: i16 = -2;
const TABLEOID: i16 = -6;

/// The `xmin` of rows that no transaction wrote: the bootstrap's.
const BUILT_IN: Xid = Xid(1);

/// Takes the rows of a view, keeps the columns wanted.
pub struct Sink {
    relation: Arc<Relation>,
    /// For each output column the view's column, None for system columns.
    wanted: Vec<Option<usize>>,
    /// For each output column that is none of the view's: which system column it is. Those that rows lack are NULL.
    system: Vec<i16>,
    /// Who wrote what the next rows tell of.
    xmin: Xid,
    types: Vec<TypeRef>,
    /// Columns that must have a value, to save work (VIEW-2).
    keys: Vec<(usize, Value)>,
    full: Vec<Batch>,
    open: Vec<Column>,
    rows: usize,
    /// A row whose columns are named: which they were last, where these stand, and the row itself.
    placed: Option<&'static [&'static str]>,
    places: Vec<usize>,
    wide: Vec<Value>,
}

impl Sink {
    pub fn new(relation: Arc<Relation>, attnos: &[i16], keys: Vec<(usize, Value)>) -> Sink {
        let columns = &relation.attributes;
        let wanted: Vec<Option<usize>> = attnos
            .iter()
            .map(|a| usize::try_from(*a).ok().and_then(|a| a.checked_sub(1)).filter(|a| *a < columns.len()))
            .collect();
        let of = |(w, attno): (&Option<usize>, &i16)| match w {
            Some(w) => columns[*w].ty,
            None => system_type(*attno).unwrap_or(TypeRef::of(crate::types::oid::OID)),
        };
        let types = wanted.iter().zip(attnos).map(of).collect();
        let mut sink = Sink {
            relation,
            wanted,
            system: attnos.to_vec(),
            xmin: BUILT_IN,
            types,
            keys,
            full: Vec::new(),
            open: Vec::new(),
            rows: 0,
            placed: None,
            places: Vec::new(),
            wide: Vec::new(),
        };
        sink.open = sink.empty();
        sink
    }

    fn empty(&self) -> Vec<Column> {
        self.types.iter().map(|t| Column::new(phys_of(*t))).collect()
    }

    fn key(&self, column: &str) -> Option<Datum<'_>> {
        let at = self.relation.attributes.iter().position(|a| a.name == column)?;
        self.keys.iter().find(|(k, _)| *k == at).map(|(_, v)| v.datum())
    }

    /// The only object id a column may have, if a condition says so.
    pub fn oid_key(&self, column: &str) -> Option<Oid> {
        match self.key(column)? {
            Datum::U32(v) => Some(Oid(v)),
            _ => None,
        }
    }

    /// The only text a column may have, if a condition says so.
    pub fn text_key(&self, column: &str) -> Option<String> {
        match self.key(column)? {
            Datum::Bytes(b) => String::from_utf8(b.to_vec()).ok(),
            _ => None,
        }
    }

    /// Whether a column is read at all: what is dear to make can be left NULL otherwise.
    pub fn wants(&self, column: &str) -> bool {
        self.wanted.iter().flatten().any(|w| self.relation.attributes[*w].name == column)
    }

    /// The next rows are of this object: clients ask for the `xmin` of catalog rows to find what has changed.
    pub fn tells_of(&mut self, record: &Record) {
        self.xmin = record.xmin;
    }

    /// One row: a value for each of the view's columns (VIEW-1).
    pub fn push(&mut self, row: &[Value]) {
        debug_assert_eq!(row.len(), self.relation.attributes.len(), "VIEW-1: {}", self.relation.name);
        for ((w, c), attno) in self.wanted.iter().zip(&mut self.open).zip(&self.system) {
            let absent = match *attno {
                XMIN => Datum::U32(self.xmin.0 as u32),
                TABLEOID => Datum::U32(self.relation.oid.0),
                _ => Datum::Null,
            };
            let value = w.and_then(|w| row.get(w)).map_or(absent, Value::datum);
            c.push(fit(value, c.phys()));
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.close();
        }
    }

    /// One row of the columns that are named; all others are NULL.
    fn push_named(&mut self, names: &'static [&'static str], values: Vec<Value>) {
        let mut row = std::mem::take(&mut self.wide);
        if self.places.len() != names.len() || self.placed != Some(names) {
            let place = |n: &&str| self.relation.attributes.iter().position(|a| a.name == *n);
            self.places = names.iter().map(|n| place(n).unwrap_or(usize::MAX)).collect();
            self.placed = Some(names);
            debug_assert!(!self.places.contains(&usize::MAX), "VIEW-1: {}: {names:?}", self.relation.name);
            row.clear();
        }
        row.resize(self.relation.attributes.len(), Value::Null);
        for (place, value) in self.places.iter().zip(values) {
            if let Some(cell) = row.get_mut(*place) {
                *cell = value;
            }
        }
        self.push(&row);
        self.wide = row;
    }

    fn close(&mut self) {
        let empty = self.empty();
        let columns = std::mem::replace(&mut self.open, empty);
        self.full.push(Batch { columns, rows: self.rows });
        self.rows = 0;
    }

    pub(crate) fn into_batches(mut self) -> Vec<Batch> {
        if self.rows > 0 {
            self.close();
        }
        self.full
    }
}

/// A number in the form its column has; generators need not care which width PostgreSQL chose.
pub(crate) fn fit(value: Datum<'_>, form: Phys) -> Datum<'_> {
    let whole = match value {
        Datum::I16(v) => i64::from(v),
        Datum::I32(v) => i64::from(v),
        Datum::U32(v) => i64::from(v),
        Datum::I64(v) => v,
        Datum::F64(v) => {
            return match form {
                Phys::F32 => Datum::F32(v as f32),
                Phys::F64 => value,
                _ => Datum::Null,
            };
        }
        other => return other,
    };
    match form {
        Phys::I16 => Datum::I16(whole as i16),
        Phys::I32 => Datum::I32(whole as i32),
        Phys::U32 => Datum::U32(whole as u32),
        Phys::I64 => Datum::I64(whole),
        Phys::F32 => Datum::F32(whole as f32),
        Phys::F64 => Datum::F64(whole as f64),
        Phys::Bool | Phys::Bytes => Datum::Null,
    }
}

/// The generator of a view by the name in `Relation::generated_by`.
pub fn find(name: &str) -> Option<&'static View> {
    let families: &[&'static [View]] = &[
        access::VIEWS,
        activity::VIEWS,
        class::VIEWS,
        code::VIEWS,
        constraint::VIEWS,
        trigger::VIEWS,
        depend::VIEWS,
        empty::VIEWS,
        initial::VIEWS,
        large_object::VIEWS,
        listing::VIEWS,
        column_statistics::VIEWS,
        namespace::VIEWS,
        object::VIEWS,
        opclass::VIEWS,
        policy::VIEWS,
        progress::VIEWS,
        foreign::VIEWS,
        publication::VIEWS,
        extended::VIEWS,
        extension::VIEWS,
        role::VIEWS,
        server::VIEWS,
        session::VIEWS,
        settings::VIEWS,
        statistics::VIEWS,
        types::VIEWS,
    ];
    let found = families.iter().chain(information::FAMILIES).copied().flatten().find(|v| v.name == name);
    // TOAST tables of catalogs.
    found.or_else(|| name.starts_with("pg_toast_").then_some(&empty::NOTHING))
}

/// The session's catalogs.
/// What `relfrozenxid` shows of the catalogs, which are frozen whenever the commit log could be cut: what a PostgreSQL
/// shows whose autovacuum is always on time.
fn frozen_xid(cx: &mut ExecContext) -> crate::base::Result<Xid> {
    let backend = cx.backend()?;
    let kept = backend.view.int(Id::VacuumFreezeMinAge) as u64;
    let mut frozen = Xid::FIRST_NORMAL.max(Xid(backend.instance.storage.mvcc.next_xid().0.saturating_sub(kept)));
    while (frozen.0 as u32) < Xid::FIRST_NORMAL.0 as u32 {
        frozen.0 += 1;
    }
    Ok(frozen)
}

/// An id as `relfrozenxid` shows it: those who watch for a wrap-around compare the low halves, and shall never find an age
/// that 32 bits do not have.
fn shown_frozen(frozen: Xid, next: Xid) -> Xid {
    let mut shown = Xid(frozen.0.max(next.0.saturating_sub(2_000_000_000)));
    while (shown.0 as u32) < Xid::FIRST_NORMAL.0 as u32 {
        shown.0 += 1;
    }
    shown
}

/// The objects of a kind whose rows the sink's keys leave over, in that order; `held`: columns whose OIDs stand in the
/// objects they tell of, or are their own.
fn stored(catalog: &Catalog, sink: &Sink, class: Oid, held: &[&str]) -> Vec<Arc<Record>> {
    let key = held.iter().filter_map(|c| sink.oid_key(c)).find(|oid| *oid >= Oid::FIRST_NORMAL);
    key.map_or_else(|| in_order(catalog, class), |oid| catalog.mentioning(class, oid))
}

/// The objects of a kind in the order they were made, as a heap has them.
fn in_order(catalog: &Catalog, class: Oid) -> Vec<Arc<Record>> {
    let mut found = catalog.all(class);
    found.sort_by_key(|r| r.object.key());
    found
}

pub(crate) fn catalog(cx: &mut ExecContext) -> crate::base::Result<Arc<Catalog>> {
    Ok(cx.backend()?.catalog.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::system;

    /// Every relation of the system catalogs has a generator, be it one that truly has no rows.
    #[test]
    fn every_system_relation_is_generated() {
        let missing: Vec<_> = system::all().filter(|r| find(&r.name).is_none()).map(|r| r.name.clone()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
