//! Summaries of ranges of a table that a BRIN index has none of: VACUUM's work, and that of `brin_summarize_…`.
//!
//! PostgreSQL 15, brin.c, brinsummarize and summarize_range: same order. Writers are told first, then the range is read,
//! with the rows of transactions that have not ended.

use super::super::constraint::relation;
use super::{Keys, of_table, patiently};
use crate::base::{BlockNo, Error, Oid, Result, Xid};
use crate::brin::summary;
use crate::catalog::{Index, Relation};
use crate::heap::BuildScan;
use crate::sql::exec::ExecContext;
use crate::sql::expr::eval::Sel;
use crate::types::Batch;
use std::sync::Arc;

/// Makes the summaries that are missing, of all ranges or of the one with a block. `partial`: of a last one that is not
/// full, too. The table is locked against others who do so. How many were made.
pub fn summarize(cx: &mut ExecContext, table: Oid, index: Oid, only: Option<BlockNo>, partial: bool) -> Result<u64> {
    let (table, index) = of_table(cx, table, index)?;
    let store = table.store.clone().ok_or_else(|| Error::internal("an indexed relation without rows"))?;
    let storage = cx.storage()?;
    let blocks = u64::from(store.nblocks(&storage)?);
    let ranges = index.ranges();
    let step = u64::from(ranges.pages_per_range);
    let start = only.map_or(0, |block| u64::from(ranges.first_of(block)));
    let end = only.map_or(blocks, |_| blocks.min(start + step));
    let mut made = 0;
    for first in (start..end).step_by(step as usize) {
        cx.interrupts.check()?;
        if (partial || first + step <= blocks) && !ranges.is_summarized(&storage, first as BlockNo)? {
            one_range(cx, &table, &index, first as BlockNo)?;
            made += 1;
        }
    }
    Ok(made)
}

fn one_range(cx: &mut ExecContext, table: &Arc<Relation>, index: &Index, first: BlockNo) -> Result<()> {
    let store = table.store.clone().ok_or_else(|| Error::internal("an indexed relation without rows"))?;
    let storage = cx.storage()?;
    let ranges = index.ranges();
    patiently(cx, |_| ranges.begin_summary(&storage, Xid::INVALID, first))?;
    // Who makes the table longer from now on, puts his rows in himself.
    let end = store.nblocks(&storage)?.min(first.saturating_add(ranges.pages_per_range));
    let mut keys = Keys::new(cx, table, index)?;
    let mut scan = BuildScan::of_blocks(store, keys.attnos.clone(), first..end);
    let mut sum = summary::nothing(&index.brin);
    let (mut batch, mut rows, mut found) = (Batch::default(), Vec::new(), Vec::new());
    while scan.next(&storage, &mut batch, &mut rows)? {
        cx.interrupts.check()?;
        batch.rows = rows.len();
        let mut picked: Vec<u32> = (0..batch.rows as u32).collect();
        keys.pick(cx, &batch, &mut picked)?;
        if picked.is_empty() {
            continue;
        }
        let values = patiently(cx, |cx| keys.columns.run(cx, &batch, Sel::Rows(&picked)))?;
        for at in 0..picked.len() {
            index.keys(values.iter().map(|c| c.get(at)), &mut found);
            sum = summary::union(&index.brin, &sum, &found[0]);
        }
    }
    patiently(cx, |_| ranges.end_summary(&storage, Xid::INVALID, first, &sum))
}

/// What VACUUM does for a table's BRIN indexes once its rows are tidied.
pub fn after_vacuum(cx: &mut ExecContext, table: Oid) -> Result<()> {
    let rel = relation(cx, table)?;
    for index in rel.indexes.iter().filter(|i| i.ready && i.pages_per_range > 0) {
        summarize(cx, table, index.oid, None, false)?;
    }
    Ok(())
}
