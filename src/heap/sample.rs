//! A random sample of a table's rows, for ANALYZE.
//!
//! PostgreSQL 15, analyze.c, acquire_sample_rows: same two stages: random blocks, then a reservoir over their rows
//! (Vitter, 1985).

use super::decode::{LongValues, system};
use super::scan::HeapScan;
use super::store::TableStore;
use super::tuple::Tuple;
use super::visibility::{Fate, Judge};
use crate::base::{BlockNo, Result};
use crate::mvcc::Snapshot;
use crate::page::{ALL_VISIBLE, State};
use crate::storage::Storage;
use crate::types::{Batch, Column};
use std::sync::Arc;

/// The sample, in the table's physical order.
#[derive(Debug, Default)]
pub struct Sample {
    /// Columns as asked for.
    pub batch: Batch,
    /// Instead of long values the columns have stand-ins; what the values are in the pages read, for each column.
    pub long: Vec<LongValues>,
    /// The whole table's rows, estimated.
    pub total_rows: f64,
    /// Rows seen in the pages read.
    pub seen_rows: u64,
    /// Versions nobody sees any more, and line pointers of such, in the pages read.
    pub dead_rows: u64,
    pub pages: BlockNo,
    pub pages_read: BlockNo,
}

/// A small generator: good enough to choose rows, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Below `n`, which is not 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.draw() as u128 * n as u128) >> 64) as u64
    }
}

/// Takes up to `target` random rows of those the snapshot shows. `pace` is called between pages.
pub fn sample(
    storage: &Storage,
    store: &Arc<TableStore>,
    snapshot: &Snapshot,
    attnos: &[i16],
    target: usize,
    seed: u64,
    pace: &mut dyn FnMut() -> Result<()>,
) -> Result<Sample> {
    let pages = store.nblocks(storage)?;
    let mut random = Random(seed);
    // The ctid travels as a last column.
    let mut wanted = attnos.to_vec();
    wanted.push(system::CTID);
    let mut kept = Kept { columns: super::decode::new_columns(store.desc(), &wanted, 0), slots: Vec::new(), rows: 0 };
    let mut found = Sample { pages, long: vec![LongValues::default(); attnos.len()], ..Sample::default() };
    let mut batch = Batch::default();
    for block in choose_blocks(pages, target, &mut random) {
        pace()?;
        found.pages_read += 1;
        let mut scan =
            HeapScan::new(store.clone(), snapshot.clone(), wanted.clone()).with_range(block..block + 1).untold();
        scan = scan.without_long_values();
        while scan.next(storage, &mut batch)? {
            kept.offer(&mut batch, &mut found.seen_rows, target, &mut random);
        }
        for (all, here) in found.long.iter_mut().zip(scan.long_values()) {
            all.count += here.count;
            all.bytes += here.bytes;
        }
        found.dead_rows += dead_rows(storage, store, block)?;
    }
    if found.pages_read > 0 {
        found.total_rows = (found.seen_rows as f64 / found.pages_read as f64 * pages as f64 + 0.5).floor();
    }
    found.batch = kept.finish();
    Ok(found)
}

fn dead_rows(storage: &Storage, store: &TableStore, block: BlockNo) -> Result<u64> {
    let page = storage.pool.read(&store.main, block)?;
    if page.is_new() || page.has_flag(ALL_VISIBLE) {
        return Ok(0);
    }
    let (mut judge, horizon) = (Judge::new(storage), store.oldest_visible(storage));
    let is_dead = |line: &u16| match page.pointer(*line).state() {
        State::Dead => true,
        State::Normal => {
            let fate = judge.fate(Tuple(page.item(*line)), horizon, &mut 0);
            matches!(fate, Fate::Dead | Fate::RecentlyDead)
        }
        State::Unused | State::Redirect => false,
    };
    Ok((1..=page.item_count()).filter(is_dead).count() as u64)
}

/// Up to `n` blocks, ascending, each set equally likely (Knuth's algorithm S).
fn choose_blocks(pages: BlockNo, n: usize, random: &mut Random) -> Vec<BlockNo> {
    let mut chosen = Vec::new();
    for block in 0..pages {
        let (left, need) = ((pages - block) as u64, (n - chosen.len()) as u64);
        if need >= left || random.below(left) < need {
            chosen.push(block);
        }
        if chosen.len() == n {
            break;
        }
    }
    chosen
}

/// The reservoir: rows ever taken, and which of them are in it now.
struct Kept {
    columns: Vec<Column>,
    slots: Vec<u32>,
    rows: u32,
}

impl Kept {
    fn offer(&mut self, batch: &mut Batch, seen: &mut u64, target: usize, random: &mut Random) {
        let mut taken = Vec::new();
        for row in 0..batch.rows as u32 {
            *seen += 1;
            if self.slots.len() < target {
                self.slots.push(self.rows + taken.len() as u32);
                taken.push(row);
            } else {
                let at = random.below(*seen);
                if (at as usize) < target {
                    self.slots[at as usize] = self.rows + taken.len() as u32;
                    taken.push(row);
                }
            }
        }
        if taken.is_empty() {
            return;
        }
        // Copied, so that page copies are not kept alive.
        for (all, part) in self.columns.iter_mut().zip(&batch.columns) {
            taken.iter().for_each(|r| all.push(part.get(*r as usize)));
        }
        self.rows += taken.len() as u32;
    }

    /// Rows were taken in physical order, so their numbers sort them.
    fn finish(mut self) -> Batch {
        self.slots.sort_unstable();
        self.columns.pop();
        let rows = self.slots.len();
        Batch { columns: self.columns.iter_mut().map(|c| c.gather(&self.slots)).collect(), rows }
    }
}
