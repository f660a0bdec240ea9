//! Rows whose addresses another node gives, in the table's order; what the index was asked is asked again.

use super::bitmap_index_scan::unpacked;
use super::output::Output;
use super::seq_scan::store_of;
use super::sieve::Sieve;
use super::{ExecContext, Node};
use crate::base::{Flow, Result, TupleId};
use crate::gin::WHOLE_PAGE;
use crate::heap::HeapFetch;
use crate::sql::plan;
use crate::storage::Storage;
use crate::types::Batch;
use std::sync::Arc;

pub(super) struct BitmapHeapScan {
    storage: Arc<Storage>,
    fetch: HeapFetch,
    source: Box<dyn Node>,
    /// Addresses not fetched yet, in order, from `at` on.
    tids: Vec<TupleId>,
    at: usize,
    /// Lines of the whole page at `at` that were fetched.
    line: u16,
    sieve: Sieve,
    recheck: Output,
    output: Output,
    /// Pages whose rows were named, and those that stood for their rows.
    exact_pages: u64,
    lossy_pages: u64,
    last_page: Option<u32>,
}

impl BitmapHeapScan {
    pub fn start(s: &plan::BitmapHeapScan, lazy: bool, cx: &mut ExecContext) -> Result<BitmapHeapScan> {
        Ok(BitmapHeapScan {
            storage: cx.storage()?,
            fetch: HeapFetch::new(store_of(&s.rel)?, cx.snapshot()?, s.attnos.clone()),
            source: super::build::build(&s.source, cx)?,
            tids: Vec::new(),
            at: 0,
            line: 0,
            sieve: Sieve::default(),
            recheck: Output::new(s.recheck.as_ref(), None),
            output: Output::new(s.filter.as_ref(), s.project.as_deref()).lazy(lazy),
            exact_pages: 0,
            lossy_pages: 0,
            last_page: None,
        })
    }

    /// Fetches the next rows of those named; None: more addresses are needed.
    fn fetch_batch(&mut self) -> Result<Option<Batch>> {
        let mut batch = Batch::default();
        while !self.fetch.is_full(&batch)
            && let Some(&tid) = self.tids.get(self.at)
        {
            if tid.offset == WHOLE_PAGE {
                self.lossy_pages += u64::from(self.line == 0);
                let lines = self.fetch.lines(&self.storage, tid.block)?;
                while self.line < lines && !self.fetch.is_full(&batch) {
                    self.line += 1;
                    self.fetch.fetch_exact(&self.storage, TupleId::new(tid.block, self.line), &mut batch)?;
                }
                if self.line >= lines {
                    self.line = 0;
                    self.at += 1;
                }
                continue;
            }
            self.at += 1;
            if self.last_page != Some(tid.block) {
                self.last_page = Some(tid.block);
                self.exact_pages += 1;
            }
            self.fetch.fetch(&self.storage, tid, &mut batch)?;
        }
        Ok((batch.rows > 0).then_some(batch))
    }
}

impl Node for BitmapHeapScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
            if let Some(batch) = self.recheck.take(cx)? {
                self.output.feed(batch);
                continue;
            }
            let mut filters = [&mut self.recheck, &mut self.output];
            if self.sieve.give(cx, &self.storage, &mut filters, &mut self.fetch)? {
                continue;
            }
            cx.poll()?;
            let places = self.sieve.places(&mut filters, &self.fetch);
            let sifted = places.is_some();
            self.fetch.sift(places);
            if let Some(batch) = self.fetch_batch()? {
                match sifted {
                    true => self.sieve.put(batch),
                    false => self.recheck.feed(batch),
                }
                continue;
            }
            let Some(found) = self.source.next(cx)? else { return Ok(None) };
            self.tids.clear();
            self.at = 0;
            self.tids.extend((0..found.rows).map(|n| unpacked(found.columns[0].get(n).i64())));
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.source.rescan(cx)?;
        self.tids.clear();
        self.at = 0;
        self.line = 0;
        self.last_page = None;
        self.fetch.forget();
        self.sieve.reset();
        self.recheck.reset();
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
        stats.rows_removed_by_recheck = self.recheck.removed;
        stats.heap_blocks = Some((self.exact_pages, self.lossy_pages));
    }
}
