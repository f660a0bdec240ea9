//! A table from one end to the other.

use super::output::{Output, is_of_a_row};
use super::{ExecContext, Node};
use crate::base::{Flow, Oid, Result, Stop};
use crate::catalog::Relation;
use crate::heap::{HeapScan, TableStore};
use crate::sql::expr::Expr;
use crate::sql::expr::eval::Predicate;
use crate::storage::Storage;
use crate::types::{Batch, Phys};
use std::sync::Arc;

pub(super) struct SeqScan {
    storage: Arc<Storage>,
    relid: Oid,
    counted: bool,
    scan: HeapScan,
    sieve: Option<Sieve>,
    output: Output,
    done: bool,
}

/// Asks the condition before long values are read that it does not need.
struct Sieve {
    condition: Predicate,
    /// Where the columns stand that it reads.
    places: Vec<usize>,
    /// These columns of the rows that are being asked about.
    batch: Option<Batch>,
    removed: u64,
}

impl Sieve {
    /// None where there are no long values, or nothing to gain.
    fn of(store: &TableStore, attnos: &[i16], filter: Option<&Expr>, cx: &mut ExecContext) -> Result<Option<Sieve>> {
        let (Some(filter), Some(toast)) = (filter, store.toast()) else { return Ok(None) };
        if toast.nblocks(&*cx.storage()?)? == 0 {
            return Ok(None);
        }
        let may_be_long = |attno: i16| {
            let place = usize::try_from(attno).ok().and_then(|a| a.checked_sub(1));
            place.and_then(|p| store.desc().attrs.get(p)).is_some_and(|a| a.phys == Phys::Bytes)
        };
        let mut condition = Predicate::new(filter);
        let gains = |places: &Vec<usize>| {
            !places.is_empty() && attnos.iter().enumerate().any(|(n, a)| !places.contains(&n) && may_be_long(*a))
        };
        Ok(condition.columns().filter(gains).map(|places| Sieve { condition, places, batch: None, removed: 0 }))
    }

    /// Has the rows in hand asked about.
    fn run(&mut self, cx: &mut ExecContext, scan: &mut HeapScan) -> Flow<()> {
        let Some(batch) = &self.batch else { return Ok(()) };
        let wanted = match self.condition.run(cx, batch) {
            // Whoever asks again row by row finds the one that fails.
            Err(Stop::Error(e)) if is_of_a_row(&e) => {
                self.condition.reset();
                None
            }
            answer => answer?,
        };
        self.removed += wanted.as_ref().map_or(0, |w| (batch.rows - w.len()) as u64);
        scan.keep(wanted.as_deref());
        self.batch = None;
        Ok(())
    }
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
        let store = store_of(rel)?;
        let sieve = Sieve::of(&store, attnos, filter, cx)?;
        let scan = HeapScan::new(store, cx.snapshot()?, attnos.to_vec());
        let (storage, relid) = (cx.storage()?, rel.oid);
        Ok(SeqScan {
            storage,
            relid,
            counted: false,
            scan,
            sieve,
            output: Output::new(filter, project).lazy(lazy),
            done: false,
        })
    }

    /// Gives the output more rows, if the next step finds some.
    fn step(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let mut batch = Batch::default();
        if let Some(sieve) = &mut self.sieve {
            sieve.run(cx, &mut self.scan)?;
            if self.scan.kept(&self.storage, &mut batch)? {
                self.output.feed(batch);
                return Ok(());
            }
        }
        cx.poll()?;
        let sieve = self.sieve.as_mut().filter(|_| self.scan.met_long());
        self.done = match &sieve {
            Some(sieve) => !self.scan.sift(&self.storage, &sieve.places, &mut batch)?,
            None => !self.scan.next(&self.storage, &mut batch)?,
        };
        let stats = cx.backend()?.stats.table(self.relid);
        stats.scans += i64::from(!std::mem::replace(&mut self.counted, true));
        stats.tuples_returned += batch.rows as i64;
        if batch.rows > 0 {
            match sieve {
                Some(sieve) => sieve.batch = Some(batch),
                None => self.output.feed(batch),
            }
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
        if let Some(sieve) = &mut self.sieve {
            sieve.condition.reset();
            sieve.batch = None;
        }
        self.done = false;
        self.counted = false;
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed + self.sieve.as_ref().map_or(0, |s| s.removed);
    }
}
