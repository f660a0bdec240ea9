//! Insertion into a unique index.

use super::insert::{IndexEntry, Inserted, Inserter};
use super::keys::after_prefix;
use super::node;
use super::store::IndexStore;
use crate::base::{Flow, Result, TupleId};
use crate::heap::Occupant;
use crate::mvcc::Tracked;
use crate::storage::Storage;

/// Tells what the heap has at an address, for a unique check.
pub type Judge<'a> = dyn FnMut(TupleId) -> Result<Occupant> + 'a;

impl IndexStore {
    /// Puts entries into a unique index, in order, until one may not go in: how many went in, and what the next met.
    ///
    /// `judge` asks the heap about rows that have an equal key (BT-5). `nulls_distinct` false: NULLs are equal, too.
    pub fn insert_unique(
        &self,
        storage: &Storage,
        by: Inserter<'_>,
        entries: &[IndexEntry],
        judge: &mut Judge<'_>,
    ) -> Flow<(usize, Inserted)> {
        let mut done = 0;
        while done < entries.len() {
            if let Some(n) = self.insert_run(storage, by, &entries[done..], Some(&[]))? {
                done += n;
                continue;
            }
            match self.insert_checked(storage, by, &entries[done], judge)? {
                Inserted::Done => done += 1,
                other => return Ok((done, other)),
            }
        }
        Ok((done, Inserted::Done))
    }

    /// The careful way, for a key that has neighbours of its own kind or stands at the edge of a page.
    fn insert_checked(
        &self,
        storage: &Storage,
        by: Inserter<'_>,
        entry: &IndexEntry,
        judge: &mut Judge<'_>,
    ) -> Flow<Inserted> {
        let _alone = self.unique_mutex(&entry.key);
        loop {
            let same = self.tids_of(storage, &entry.key, None)?;
            for tid in &same {
                match judge(*tid)? {
                    Occupant::None { .. } => {}
                    Occupant::Live(tid) => {
                        // Who has looked before whether the key is there did not see it: better tell him that he came
                        // too late (PostgreSQL 15, nbtinsert.c, _bt_check_unique: same).
                        let block = self.leaf_for(storage, &entry.key)?.0;
                        self.tell_write(by, block)?;
                        return Ok(Inserted::Duplicate(tid));
                    }
                    Occupant::Running(_, xid) => return Ok(Inserted::Doubtful(xid)),
                }
            }
            // Never empty, so that the edge of a page is accepted: it has just been looked over.
            let mut known = same;
            known.push(TupleId::INVALID);
            if self.insert_run(storage, by, std::slice::from_ref(entry), Some(&known))?.is_some() {
                return Ok(Inserted::Done);
            }
        }
    }

    /// Addresses of all entries with exactly this key. `tracked`: whose reading it is, if it matters.
    pub fn tids_of(&self, storage: &Storage, key: &[u8], tracked: Option<&Tracked>) -> Result<Vec<TupleId>> {
        let mark = |block| match (tracked, self.target(block)) {
            (Some(tracked), Some(target)) => tracked.read(target),
            _ => Ok(()),
        };
        let mut found = Vec::new();
        let end = after_prefix(key);
        let (block, mut page) = self.leaf_for(storage, key)?;
        mark(block)?;
        loop {
            let mut n = node::lower_bound(&self.keys, &page, key);
            while n <= node::last(&page) {
                let entry = node::entry(&page, n);
                if end.as_deref().is_some_and(|end| entry.compare(&self.keys, end).is_ge()) {
                    return Ok(found);
                }
                if entry.has_key(&self.keys, key) {
                    found.push(entry.tid());
                }
                n += 1;
            }
            let right = node::right(&page);
            if right == node::NO_BLOCK {
                return Ok(found);
            }
            drop(page);
            page = storage.pool.read(&self.fork, right)?;
            mark(right)?;
        }
    }

    /// What a living row with this key is, without inserting: ON CONFLICT's look before the leap.
    pub fn find_conflict(&self, storage: &Storage, key: &[u8], judge: &mut Judge<'_>) -> Result<Inserted> {
        for tid in self.tids_of(storage, key, None)? {
            match judge(tid)? {
                Occupant::None { .. } => {}
                Occupant::Live(tid) => return Ok(Inserted::Duplicate(tid)),
                Occupant::Running(_, xid) => return Ok(Inserted::Doubtful(xid)),
            }
        }
        Ok(Inserted::Done)
    }
}
