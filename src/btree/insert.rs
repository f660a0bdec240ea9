//! Putting entries in.

use super::keys::KeyType;
use super::node;
use super::packed::{self, plain};
use super::redo::{self, PlacedItem};
use super::store::IndexStore;
use crate::base::{BlockNo, Flow, Result, TupleId, Xid};
use crate::buffer::{self, WriteGuard};
use crate::mvcc::Tracked;
use crate::storage::Storage;
use crate::wal::{BlockMode, Record, Rmgr};
use std::borrow::Cow;

/// A key to put in, with the row it leads to.
#[derive(Clone, Debug, Default)]
pub struct IndexEntry {
    /// Normalised key (`IndexStore::encode_key`).
    pub key: Vec<u8>,
    pub tid: Option<TupleId>,
    /// The key has a NULL: it is nobody's duplicate (unless NULLS NOT DISTINCT).
    pub has_null: bool,
}

/// On whose behalf entries are put in.
#[derive(Clone, Copy)]
pub struct Inserter<'a> {
    pub xid: Xid,
    /// A serializable transaction, to be told.
    pub tracked: Option<&'a Tracked>,
}

impl From<Xid> for Inserter<'_> {
    fn from(xid: Xid) -> Self {
        Inserter { xid, tracked: None }
    }
}

/// What became of an insertion into a unique index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inserted {
    Done,
    /// A living row has the key.
    Duplicate(TupleId),
    /// Whether there is a duplicate depends on this transaction's end: wait for it and come again.
    Doubtful(Xid),
}

/// Whether entries with a key's own bytes stand beside its place on a page.
pub(super) enum Neighbours {
    None,
    Some,
    /// The place is at the page's edge.
    Unknown,
}

impl IndexStore {
    /// Puts entries in, as they come; runs of ascending keys share a latch and a log record.
    ///
    /// # Errors
    /// 54000 for a key that is too long; I/O.
    pub fn insert(&self, storage: &Storage, by: Inserter<'_>, entries: &[IndexEntry]) -> Flow<()> {
        let mut done = 0;
        while done < entries.len() {
            done += self.insert_run(storage, by, &entries[done..], None)?.unwrap_or(0);
        }
        Ok(())
    }

    /// # Errors
    /// 54000 for an entry that is too long for a page, also packed.
    pub fn check_entry(&self, e: &IndexEntry) -> Result<()> {
        self.check_size(&IndexStore::full_entry(e))
    }

    /// Of an entry in its plain form, the row's address at its end.
    ///
    /// # Errors
    /// 54000.
    pub fn check_size(&self, entry: &[u8]) -> Result<()> {
        self.stored(entry).map(drop)
    }

    /// An entry as it is stored.
    fn stored<'e>(&self, entry: &'e [u8]) -> Result<Cow<'e, [u8]>> {
        let stored = packed::stored(&self.keys, entry);
        let len = stored.len();
        if len <= node::MAX_ENTRY {
            return Ok(stored);
        }
        let limit = format!("btree version 4 maximum {}", node::MAX_ENTRY);
        Err(self
            .too_long(len, &limit, node::tid_behind(entry))
            .hint(
                "Values larger than 1/3 of a buffer page cannot be indexed.\n\
                 Consider a function index of an MD5 hash of the value, or use full text indexing.",
            )
            .place("_bt_check_third_page", "nbtutils.c", 2687))
    }

    /// An entry in its plain form.
    pub(super) fn full_entry(e: &IndexEntry) -> Vec<u8> {
        let mut entry = Vec::with_capacity(e.key.len() + 6);
        entry.extend_from_slice(&e.key);
        node::push_tid(&mut entry, e.tid.unwrap_or(TupleId::INVALID));
        entry
    }

    /// Puts in as many of the first entries as belong on one leaf and fit. With `unique`, stops before an entry whose
    /// key may be there already, except beside the addresses listed; returns None if that is the first one.
    pub(super) fn insert_run(
        &self,
        storage: &Storage,
        by: Inserter<'_>,
        entries: &[IndexEntry],
        unique: Option<&[TupleId]>,
    ) -> Flow<Option<usize>> {
        let xid = by.xid;
        let first = Self::full_entry(&entries[0]);
        let first_stored = self.stored(&first)?;
        loop {
            if self.fork.is_logged() {
                storage.wal.reserve(Record::max_bytes(1, crate::page::PAGE_SIZE))?;
            }
            let mut page = self.leaf_for_insert(storage, &first)?;
            if node::has(&page, node::INCOMPLETE_SPLIT) {
                let block = page.block();
                drop(page);
                self.finish_split(storage, xid, block)?;
                continue;
            }
            self.tell_write(by, page.block())?;
            let mut placed: Vec<PlacedItem> = Vec::new();
            let critical = buffer::critical::enter();
            let mut stopped = false;
            // Of a run's record: what is reserved for it in the log.
            let mut room = crate::page::PAGE_SIZE;
            for (i, e) in entries.iter().enumerate() {
                let entry = if i == 0 { first.clone() } else { Self::full_entry(e) };
                if i > 0 && (node::is_beyond(&self.keys, &page, &entry) || entry <= first) {
                    break;
                }
                // A key that is too long is reported when its turn comes as the first of a run.
                let stored = if i == 0 { Ok(first_stored.clone()) } else { self.stored(&entry) };
                let Ok(stored) = stored else { break };
                let at = node::lower_bound(&self.keys, &page, &entry);
                let is_unique = unique.is_some() && !e.has_null;
                if is_unique && !self.may_insert(&page, at, &e.key, unique.unwrap_or(&[])) {
                    stopped = true;
                    break;
                }
                let bytes = redo::PLACED_BYTES + stored.len();
                if bytes > room || !node::insert(&mut page, at, &stored) {
                    break;
                }
                room -= bytes;
                placed.push(PlacedItem { at, item: stored.into_owned() });
            }
            if !placed.is_empty() {
                self.log_inserts(storage, xid, &mut page, &placed);
                drop(critical);
                return Ok(Some(placed.len()));
            }
            drop(critical);
            if stopped {
                return Ok(None);
            }
            let block = page.block();
            drop(page);
            self.split(storage, xid, block, &first)?;
        }
    }

    /// Looks who has read a leaf that is about to get another entry.
    pub(crate) fn tell_write(&self, by: Inserter<'_>, block: BlockNo) -> Result<()> {
        match (by.tracked, self.target(block)) {
            (Some(tracked), Some(target)) => tracked.write(target, false),
            _ => Ok(()),
        }
    }

    /// The rightmost leaf, where ascending keys go, is remembered by the fork's hint.
    fn leaf_for_insert<'a>(&'a self, storage: &'a Storage, entry: &[u8]) -> Result<WriteGuard<'a>> {
        use std::sync::atomic::Ordering;
        let hint = self.fork.hint.load(Ordering::Relaxed);
        if hint != 0
            && let Some(page) = storage.pool.try_write(&self.fork, hint)
            && node::right(&page) == node::NO_BLOCK
            && node::is_leaf(&page)
            && !node::has(&page, node::DELETED)
            && node::last(&page) >= 1
            && node::entry(&page, 1).compare(&self.keys, entry).is_lt()
        {
            return Ok(page);
        }
        let page = self.page_for_write(storage, entry, 0)?;
        if node::right(&page) == node::NO_BLOCK {
            self.fork.hint.store(page.block(), Ordering::Relaxed);
        }
        Ok(page)
    }

    /// Whether a key may go to `at`: its neighbours on the page are other keys, or rows known to be no duplicates.
    fn may_insert(&self, page: &crate::page::Page, at: u16, key: &[u8], known: &[TupleId]) -> bool {
        match neighbours(&self.keys, page, at, key, known) {
            Neighbours::None => true,
            Neighbours::Some => false,
            // The caller of the second round has looked at the neighbouring pages already.
            Neighbours::Unknown => !known.is_empty(),
        }
    }

    pub(super) fn log_inserts(&self, storage: &Storage, xid: Xid, page: &mut WriteGuard<'_>, placed: &[PlacedItem]) {
        let data = if self.fork.is_logged() { redo::encode_items(placed) } else { Vec::new() };
        storage.pool.log(Rmgr::Btree, redo::INSERT, xid, &mut [(page, BlockMode::Normal)], &[&data]);
    }
}

fn neighbours(keys: &[KeyType], page: &crate::page::Page, at: u16, key: &[u8], known: &[TupleId]) -> Neighbours {
    let same = |n: u16| {
        let entry = node::entry(page, n);
        (entry.has_key(keys, key), known.contains(&entry.tid()))
    };
    let (first, last) = (node::first(page), node::last(page));
    let mut edge = false;
    let mut n = at;
    loop {
        if n == first {
            edge |= node::left(page) != node::NO_BLOCK;
            break;
        }
        n -= 1;
        match same(n) {
            (true, true) => {}
            (true, false) => return Neighbours::Some,
            (false, _) => break,
        }
    }
    n = at;
    loop {
        if n > last {
            // A high key that differs within the key's length proves that no equal key lies beyond it.
            edge |= node::high_key(page).is_some_and(|h| {
                let high = plain(keys, h);
                high.starts_with(key) || key.starts_with(&high)
            });
            break;
        }
        match same(n) {
            (true, true) => {}
            (true, false) => return Neighbours::Some,
            (false, _) => break,
        }
        n += 1;
    }
    if edge { Neighbours::Unknown } else { Neighbours::None }
}
