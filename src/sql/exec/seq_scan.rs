//! A table from one end to the other.

use super::output::Output;
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
            output: Output::new(filter, project).lazy(lazy),
            done: false,
        })
    }
}

impl Node for SeqScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if !self.output.is_busy() {
                if self.done {
                    return Ok(None);
                }
                cx.poll()?;
                let mut batch = Batch::default();
                self.done = !self.scan.next(&self.storage, &mut batch)?;
                let stats = cx.backend()?.stats.table(self.relid);
                stats.scans += i64::from(!std::mem::replace(&mut self.counted, true));
                stats.tuples_returned += batch.rows as i64;
                if batch.rows > 0 {
                    self.output.feed(batch);
                }
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.scan.rescan();
        self.output.reset();
        self.done = false;
        self.counted = false;
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
