//! Generators of the relations that describe code or state of the engine: `pg_settings`, `pg_proc`, `pg_locks`, …
//!
//! A view is its columns and a function that pushes all rows into a [`Sink`]; the scan filters and projects. One file
//! per family of views; each family's list is named in [`find`].
//!
//! Invariants
//! - VIEW-1: a row pushed has as many values as the view has columns, in their physical forms.

mod settings;

use super::ExecContext;
use super::output::phys_of;
use crate::base::{Flow, Oid};
use crate::types::{BATCH_ROWS, Batch, Column, Datum, TypeRef, Value};

/// A generated relation.
pub struct View {
    pub name: &'static str,
    /// Attribute n is `columns[n - 1]`.
    pub columns: &'static [(&'static str, Oid)],
    /// Pushes all rows; nothing may be left in the sink's row by half. If it answers a wait it is called again with a
    /// new sink.
    pub rows: fn(&mut ExecContext, &mut Sink) -> Flow<()>,
}

/// Takes the rows of a view, keeps the columns wanted.
pub struct Sink {
    /// For each output column the view's column, None for system columns (NULL).
    wanted: Vec<Option<usize>>,
    types: Vec<TypeRef>,
    full: Vec<Batch>,
    open: Vec<Column>,
    rows: usize,
}

impl Sink {
    pub fn new(view: &View, attnos: &[i16]) -> Sink {
        let wanted: Vec<Option<usize>> = attnos
            .iter()
            .map(|a| usize::try_from(*a).ok().and_then(|a| a.checked_sub(1)).filter(|a| *a < view.columns.len()))
            .collect();
        let types =
            wanted.iter().map(|w| TypeRef::of(w.map_or(crate::types::oid::OID, |w| view.columns[w].1))).collect();
        let mut sink = Sink { wanted, types, full: Vec::new(), open: Vec::new(), rows: 0 };
        sink.open = sink.empty();
        sink
    }

    fn empty(&self) -> Vec<Column> {
        self.types.iter().map(|t| Column::new(phys_of(*t))).collect()
    }

    /// One row: a value for each of the view's columns (VIEW-1).
    pub fn push(&mut self, row: &[Value]) {
        for (w, c) in self.wanted.iter().zip(&mut self.open) {
            c.push(w.and_then(|w| row.get(w)).map_or(Datum::Null, Value::datum));
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.close();
        }
    }

    fn close(&mut self) {
        let empty = self.empty();
        let columns = std::mem::replace(&mut self.open, empty);
        self.full.push(Batch { columns, rows: self.rows });
        self.rows = 0;
    }

    pub(super) fn into_batches(mut self) -> Vec<Batch> {
        if self.rows > 0 {
            self.close();
        }
        self.full
    }
}

/// The generator of a view by the name in `Relation::generated_by`.
pub fn find(name: &str) -> Option<&'static View> {
    let families: [&'static [View]; 1] = [settings::VIEWS];
    families.into_iter().flatten().find(|v| v.name == name)
}
