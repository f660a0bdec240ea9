//! A table from one end to the other.

use super::output::{Output, is_of_a_row};
use super::{ExecContext, Node};
use crate::base::{Flow, Oid, Result, Stop};
use crate::catalog::Relation;
use crate::heap::{HeapScan, TableStore};
use crate::sql::expr::Expr;
use crate::storage::Storage;
use crate::types::Batch;
use std::sync::Arc;

pub(super) struct SeqScan {
    storage: Arc<Storage>,
    relid: Oid,
    counted: bool,
    scan: HeapScan,
    sieve: Sieve,
    output: Output,
    done: bool,
}

/// Asks the condition before long values are read that it does not need, once some have been met.
#[derive(Default)]
struct Sieve {
    /// Where the columns stand that the condition reads, once that was wanted; None inside: there is nothing to gain.
    places: Option<Option<Vec<usize>>>,
    /// These columns of the rows that are being asked about.
    batch: Option<Batch>,
    /// The rows kept have passed; else they are to be asked again, since one of them fails.
    passed: bool,
}

/// The relation's open storage.
pub(super) fn store_of(rel: &Relation) -> Result<Arc<TableStore>> {
    let wrong = || crate::err!(WRONG_OBJECT_TYPE, "\"{}\" has no rows of its own", rel.name);
    rel.store.clone().ok_or_else(wrong)
}

impl SeqScan {
    pub fn start(
        rel: &Relation,
        attnos: &[i16],
        filter: Option<&Expr>,
        project: Option<&[Expr]>,
        lazy: bool,
        cx: &mut ExecContext,
    ) -> Result<SeqScan> {
        let scan = HeapScan::new(store_of(rel)?, cx.snapshot()?, attnos.to_vec());
        let (storage, relid) = (cx.storage()?, rel.oid);
        Ok(SeqScan {
            storage,
            relid,
            counted: false,
            scan,
            sieve: Sieve::default(),
            output: Output::new(filter, project).lazy(lazy),
            done: false,
        })
    }

    /// Has the rows in hand asked about.
    fn ask(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let Some(batch) = &self.sieve.batch else { return Ok(()) };
        let (wanted, passed) = match self.output.ask(cx, batch) {
            // Asked again together with its row, it comes behind the rows before it.
            Err(Stop::Error(e)) if is_of_a_row(&e) => (None, false),
            answer => (answer?, true),
        };
        self.scan.keep(wanted.as_deref());
        self.sieve.batch = None;
        self.sieve.passed = passed;
        Ok(())
    }

    /// Gives the output more rows, if the next step finds some.
    fn step(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.ask(cx)?;
        let mut batch = Batch::default();
        if self.scan.kept(&self.storage, &mut batch)? {
            match self.sieve.passed {
                true => self.output.feed_passed(batch),
                false => self.output.feed(batch),
            }
            return Ok(());
        }
        cx.poll()?;
        if self.scan.met_long() && self.sieve.places.is_none() {
            let read = self.output.filter_columns();
            self.sieve.places = Some(read.filter(|read| self.scan.may_be_long_beside(read)));
        }
        let places = self.sieve.places.as_ref().and_then(Option::as_ref);
        self.done = match places {
            Some(places) => !self.scan.sift(&self.storage, places, &mut batch)?,
            None => !self.scan.next(&self.storage, &mut batch)?,
        };
        let sifted = places.is_some();
        let stats = cx.backend()?.stats.table(self.relid);
        stats.scans += i64::from(!std::mem::replace(&mut self.counted, true));
        stats.tuples_returned += batch.rows as i64;
        match (batch.rows, sifted) {
            (0, _) => {}
            (_, true) => self.sieve.batch = Some(batch),
            (_, false) => self.output.feed(batch),
        }
        Ok(())
    }
}

impl Node for SeqScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if !self.output.is_busy() {
                if self.done {
                    return Ok(None);
                }
                self.step(cx)?;
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.scan.rescan();
        self.output.reset();
        self.sieve.batch = None;
        self.done = false;
        self.counted = false;
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
