//! How full pages are, and of what: what the extension `pgstattuple` tells. Reads only.

use super::freeze::is_frozen;
use super::store::TableStore;
use super::tuple::{MAX_ITEMS, Tuple};
use super::visibility::{Fate, Judge};
use super::vm;
use crate::base::{BlockNo, Result, TupleId};
use crate::page::Page;
use crate::storage::Storage;

/// Versions and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub live: u64,
    pub live_bytes: u64,
    pub dead: u64,
    pub dead_bytes: u64,
    pub free_bytes: u64,
}

impl Census {
    /// Adds a page of a table. What somebody is about to insert or to delete is alive (PostgreSQL 15, pgstattuple.c: what a
    /// dirty snapshot sees).
    pub fn add(&mut self, storage: &Storage, store: &TableStore, block: BlockNo) -> Result<()> {
        let page = storage.pool.read(&store.main, block)?.clone();
        self.free_bytes += page.heap_free_space(MAX_ITEMS) as u64;
        let mut judge = Judge::new(storage);
        let horizon = store.compute_horizon(storage);
        for n in 1..=page.item_count() {
            if !page.pointer(n).is_normal() {
                continue;
            }
            let item = page.item(n);
            let (count, bytes) = match judge.fate(Tuple(item), horizon, &mut 0) {
                Fate::Live | Fate::InsertInProgress(_) | Fate::DeleteInProgress(_) => {
                    (&mut self.live, &mut self.live_bytes)
                }
                Fate::RecentlyDead | Fate::Dead => (&mut self.dead, &mut self.dead_bytes),
            };
            *count += 1;
            *bytes += item.len() as u64;
        }
        Ok(())
    }
}

/// The versions on a page that the map calls all frozen which are not.
pub fn unfrozen(storage: &Storage, store: &TableStore, block: BlockNo) -> Result<Vec<TupleId>> {
    let found = if vm::all_frozen(storage, store, block)? { Some(page(storage, store, block)?) } else { None };
    Ok(found.map_or_else(Vec::new, |p| those(&p, block, |t| !is_frozen(t))))
}

/// The versions on a page that the map calls all visible which not everybody sees.
pub fn unseen(storage: &Storage, store: &TableStore, block: BlockNo) -> Result<Vec<TupleId>> {
    if !vm::all_visible(storage, store, block)? {
        return Ok(Vec::new());
    }
    let mut judge = Judge::new(storage);
    let horizon = store.compute_horizon(storage);
    let page = page(storage, store, block)?;
    Ok(those(&page, block, |t| !matches!(judge.fate(t, horizon, &mut 0), Fate::Live)))
}

fn page(storage: &Storage, store: &TableStore, block: BlockNo) -> Result<Box<Page>> {
    Ok(Box::new(storage.pool.read(&store.main, block)?.clone()))
}

fn those(page: &Page, block: BlockNo, mut which: impl FnMut(Tuple<'_>) -> bool) -> Vec<TupleId> {
    let normal = (1..=page.item_count()).filter(|n| page.pointer(*n).is_normal());
    normal.filter(|n| which(Tuple(page.item(*n)))).map(|n| TupleId::new(block, n)).collect()
}
