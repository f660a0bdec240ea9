//! A table from one end to the other.

use super::output::Output;
use super::sieve::Sieve;
use super::{ExecContext, Node};
use crate::base::{Flow, Oid, Result};
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

    /// Gives the output more rows, if the next step finds some.
    fn step(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.sieve.give(cx, &self.storage, &mut [&mut self.output], &mut self.scan)? {
            return Ok(());
        }
        cx.poll()?;
        let mut batch = Batch::default();
        let places = self.sieve.places(&mut [&mut self.output], &self.scan);
        let sifted = places.is_some();
        self.done = match places {
            Some(places) => !self.scan.sift(&self.storage, places, &mut batch)?,
            None => !self.scan.next(&self.storage, &mut batch)?,
        };
        let stats = cx.backend()?.stats.table(self.relid);
        stats.scans += i64::from(!std::mem::replace(&mut self.counted, true));
        stats.tuples_returned += batch.rows as i64;
        match (batch.rows, sifted) {
            (0, _) => {}
            (_, true) => self.sieve.put(batch),
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
        self.sieve.reset();
        self.done = false;
        self.counted = false;
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
