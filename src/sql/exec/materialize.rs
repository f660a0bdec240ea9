//! Keeps its input's rows for rescans.

use super::deps::Versions;
use super::output::forms_of;
use super::spill::{Cursor, TempFile};
use super::store::RowStore;
use super::{ExecContext, Node, build};
use crate::base::memory::Claimed;
use crate::base::{Flow, Result};
use crate::sql::plan::Plan;
use crate::types::{BATCH_ROWS, Batch, Phys};

/// Rows in memory, and in a file once they are more than `work_mem`; read in order, any number of times.
pub(crate) struct Tuplestore {
    rows: RowStore,
    file: Option<TempFile>,
    claimed: Claimed,
}

/// A reader's place in a [`Tuplestore`].
#[derive(Default)]
pub(crate) struct Place {
    row: usize,
    cursor: Cursor,
    /// Rows read from the file that found no room in what was asked for.
    left: Option<Batch>,
}

impl Tuplestore {
    pub fn new(forms: &[Phys]) -> Tuplestore {
        Tuplestore { rows: RowStore::new(forms), file: None, claimed: Claimed::default() }
    }

    pub fn append(&mut self, cx: &mut ExecContext, batch: &Batch) -> Result<()> {
        if let Some(f) = &mut self.file {
            f.write(cx, batch)?;
            return f.flush(cx);
        }
        self.rows.append(batch);
        self.claimed.grown(self.rows.bytes(), "ExecutorState")?;
        if self.rows.bytes() > cx.settings.work_mem() {
            let mut file = TempFile::create(cx)?;
            for start in (0..self.rows.len()).step_by(BATCH_ROWS) {
                file.write(cx, &self.rows.slice(start..(start + BATCH_ROWS).min(self.rows.len())))?;
            }
            file.flush(cx)?;
            self.rows.clear();
            self.file = Some(file);
        }
        Ok(())
    }

    /// Makes what is in memory cheap to read again and again; to be called when the last row is in.
    pub fn finish(&mut self) {
        self.rows.finish();
    }

    pub fn is_empty(&self) -> bool {
        self.file.is_none() && self.rows.is_empty()
    }

    /// The rows behind the place, in a store of their own.
    pub fn rest(&self, cx: &mut ExecContext, place: &mut Place) -> Result<Tuplestore> {
        let mut rest = Tuplestore::new(&self.rows.forms());
        while let Some(batch) = self.read(place)? {
            rest.append(cx, &batch)?;
        }
        Ok(rest)
    }

    /// As [`read`](Self::read), but not more than so many rows.
    pub fn read_some(&self, place: &mut Place, most: usize) -> Result<Option<Batch>> {
        if self.file.is_none() {
            return Ok(self.slice(place, most));
        }
        let Some(batch) = self.read(place)? else { return Ok(None) };
        if batch.rows <= most {
            return Ok(Some(batch));
        }
        let part = |rows: std::ops::Range<usize>| Batch {
            rows: rows.len(),
            columns: batch.columns.iter().map(|c| c.slice(rows.clone())).collect(),
        };
        place.left = Some(part(most..batch.rows));
        Ok(Some(part(0..most)))
    }

    fn slice(&self, place: &mut Place, most: usize) -> Option<Batch> {
        let end = (place.row + most.min(BATCH_ROWS)).min(self.rows.len());
        if place.row >= end {
            return None;
        }
        let batch = self.rows.slice(place.row..end);
        place.row = end;
        Some(batch)
    }

    /// The rows after the place, None if there are none (yet).
    pub fn read(&self, place: &mut Place) -> Result<Option<Batch>> {
        if place.left.is_some() {
            return Ok(place.left.take());
        }
        let Some(file) = &self.file else { return Ok(self.slice(place, BATCH_ROWS)) };
        // Rows read before they went to the file are read over again there.
        let mut skip = if place.cursor.is_start() { place.row } else { 0 };
        while let Some(batch) = file.read(&mut place.cursor)? {
            if skip >= batch.rows {
                skip -= batch.rows;
                continue;
            }
            place.row += batch.rows - skip;
            if skip == 0 {
                return Ok(Some(batch));
            }
            let columns = batch.columns.iter().map(|c| c.slice(skip..batch.rows)).collect();
            return Ok(Some(Batch { columns, rows: batch.rows - skip }));
        }
        Ok(None)
    }
}

pub(super) struct Materialize {
    input: Box<dyn Node>,
    store: Tuplestore,
    forms: Vec<Phys>,
    place: Place,
    complete: bool,
    versions: Versions,
    begun: bool,
}

impl Materialize {
    pub fn start(input: &Plan, cx: &mut ExecContext) -> Result<Materialize> {
        let forms = forms_of(&input.columns);
        Ok(Materialize {
            store: Tuplestore::new(&forms),
            forms,
            place: Place::default(),
            complete: false,
            versions: Versions::of_plan(input),
            begun: false,
            input: build(input, cx)?,
        })
    }
}

impl Node for Materialize {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if !self.begun {
            self.versions.remember(cx);
            self.begun = true;
        }
        if let Some(batch) = self.store.read(&mut self.place)? {
            return Ok(Some(batch));
        }
        if self.complete {
            return Ok(None);
        }
        match self.input.next(cx)? {
            None => {
                self.complete = true;
                Ok(None)
            }
            Some(batch) => {
                self.store.append(cx, &batch)?;
                Ok(self.store.read(&mut self.place)?)
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if !self.begun || self.versions.unchanged(cx) {
            self.place = Place::default();
            return Ok(());
        }
        self.input.rescan(cx)?;
        self.store = Tuplestore::new(&self.forms);
        self.place = Place::default();
        self.complete = false;
        self.begun = false;
        Ok(())
    }
}
