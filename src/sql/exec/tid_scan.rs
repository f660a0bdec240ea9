//! Rows by their `ctid`.

use super::output::Output;
use super::seq_scan::store_of;
use super::sieve::Sieve;
use super::{ExecContext, Node};
use crate::base::{Flow, Result, TupleId};
use crate::catalog::Relation;
use crate::heap::{HeapFetch, tid_from_bytes};
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Projection, Sel};
use crate::storage::Storage;
use crate::types::array::Array;
use crate::types::{Batch, Datum, oid};
use std::sync::Arc;

pub(super) struct TidScan {
    storage: Arc<Storage>,
    fetch: HeapFetch,
    exprs: Projection,
    /// The addresses, ascending and without repetition, once computed.
    tids: Option<Vec<TupleId>>,
    at: usize,
    sieve: Sieve,
    output: Output,
}

impl TidScan {
    pub fn start(
        rel: &Relation,
        tids: &[Expr],
        attnos: &[i16],
        filter: Option<&Expr>,
        project: Option<&[Expr]>,
        lazy: bool,
        cx: &mut ExecContext,
    ) -> Result<TidScan> {
        Ok(TidScan {
            storage: cx.storage()?,
            fetch: HeapFetch::new(store_of(rel)?, cx.snapshot()?, attnos.to_vec()),
            exprs: Projection::new(tids),
            tids: None,
            at: 0,
            sieve: Sieve::default(),
            output: Output::new(filter, project).lazy(lazy),
        })
    }

    /// Evaluates the addresses; an array gives all its elements.
    fn addresses(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let types = self.exprs.types();
        let values = self.exprs.run(cx, &nothing, Sel::All(1))?;
        let mut tids = Vec::new();
        for (value, ty) in values.iter().zip(types) {
            match value.get(0) {
                Datum::Bytes(b) if ty.oid == oid::TID => tids.extend(tid_from_bytes(b)),
                Datum::Bytes(b) => Array::new(b).iter().for_each(|d| {
                    if let Datum::Bytes(b) = d {
                        tids.extend(tid_from_bytes(b));
                    }
                }),
                _ => {}
            }
        }
        tids.sort_unstable();
        tids.dedup();
        self.tids = Some(tids);
        Ok(())
    }
}

impl Node for TidScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        cx.poll()?;
        loop {
            if self.tids.is_none() {
                self.addresses(cx)?;
            }
            if !self.output.is_busy() {
                if self.sieve.give(cx, &self.storage, &mut [&mut self.output], &mut self.fetch)? {
                    continue;
                }
                let places = self.sieve.places(&mut [&mut self.output], &self.fetch);
                let sifted = places.is_some();
                self.fetch.sift(places);
                let tids = self.tids.as_deref().unwrap_or_default();
                let mut batch = Batch::default();
                while self.at < tids.len() && !self.fetch.is_full(&batch) {
                    self.fetch.fetch_exact(&self.storage, tids[self.at], &mut batch)?;
                    self.at += 1;
                }
                if batch.rows == 0 {
                    return Ok(None);
                }
                match sifted {
                    true => self.sieve.put(batch),
                    false => self.output.feed(batch),
                }
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.exprs.reset();
        self.tids = None;
        self.at = 0;
        self.fetch.forget();
        self.sieve.reset();
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
