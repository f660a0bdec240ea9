//! Summaries against a model: what is found covers all rows there are, whatever was done to the ranges meanwhile.

use super::*;
use crate::base::{Fork, Oid, RelFileId, TupleId, Xid};
use crate::btree::{IndexEntry, IndexStore};
use crate::buffer::Persistence;
use crate::disk::Simulated;
use crate::gin::WHOLE_PAGE;
use crate::storage::Storage;
use crate::storage::testing::fresh;
use crate::types::{Datum, TypeRef, oid};
use std::collections::BTreeSet;
use std::sync::Arc;

const XID: Xid = Xid(3);
const STEP: u32 = 4;
const BLOCKS: u32 = 103;

const INT4_MINMAX: Oid = Oid(10104);
const INT4_MULTI: Oid = Oid(10105);
const INT4_BLOOM: Oid = Oid(10106);

struct Room {
    storage: Arc<Storage>,
    store: Arc<IndexStore>,
    columns: Vec<Column>,
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

impl Room {
    fn new(seed: u64, class: Oid) -> Room {
        let storage = fresh(&Simulated::new(seed), 400);
        let file = RelFileId::new(Oid(5), Oid(77));
        let fork = storage.pool.open(file, Fork::Main, Persistence::Permanent);
        storage.pool.create(&fork, false).unwrap();
        let store = IndexStore::open(&storage, (Oid::INVALID, file), Persistence::Permanent, Vec::new(), 0);
        let columns = vec![Column::new((class, &[]), TypeRef::of(oid::INT4), 1).unwrap()];
        Room { storage, store, columns }
    }

    fn ranges(&self) -> Ranges<'_> {
        Ranges { store: &self.store, columns: &self.columns, pages_per_range: STEP }
    }

    fn row(&self, value: Option<i32>) -> Vec<u8> {
        summary::of_row(&self.columns, [value.map_or(Datum::Null, Datum::I32)].into_iter())
    }

    fn insert(&self, rows: &[(u32, Option<i32>)]) {
        let entry = |(block, value): &(u32, Option<i32>)| IndexEntry {
            key: self.row(*value),
            tid: Some(TupleId::new(*block, 1)),
            ..Default::default()
        };
        let entries: Vec<IndexEntry> = rows.iter().map(entry).collect();
        self.ranges().insert(&self.storage, XID.into(), &entries).unwrap();
    }

    fn found(&self, ask: Ask) -> BTreeSet<u32> {
        let mut search = Search::new(self.ranges(), vec![(0, ask)], BLOCKS);
        while !search.step(&self.storage, 7).unwrap() {}
        let pages = search.finish();
        assert!(pages.is_sorted() && pages.iter().all(|t| t.offset == WHOLE_PAGE && t.block < BLOCKS));
        pages.iter().map(|t| t.block).collect()
    }

    fn equals(&self, value: i32) -> Ask {
        let strategy = self.columns[0].family.strategy(Oid(96)).unwrap();
        Ask::Query(self.columns[0].class.query(strategy, Datum::I32(value), TypeRef::of(oid::INT4), 0.0).unwrap())
    }

    fn summarize(&self, first: u32, rows: &[(u32, Option<i32>)]) {
        self.ranges().begin_summary(&self.storage, XID, first).unwrap();
        let own = rows.iter().filter(|(block, _)| self.ranges().first_of(*block) == first);
        let nothing = summary::nothing(&self.columns);
        let sum = own.fold(nothing, |sum, (_, v)| summary::union(&self.columns, &sum, &self.row(*v)));
        self.ranges().end_summary(&self.storage, XID, first, &sum).unwrap();
    }
}

/// A built index finds the ranges a value is in, and those of which it knows nothing; rows put in afterwards are found, also
/// when many entries became one; what was forgotten is found whole, until it has a summary again.
#[test]
fn what_is_there_is_found() {
    for (seed, class) in [(1, INT4_MINMAX), (2, INT4_MULTI), (3, INT4_BLOOM)] {
        let room = Room::new(seed, class);
        let mut state = seed + 41;
        let mut value = |block: u32| match random(&mut state) % 20 {
            0 => None,
            n => Some(block as i32 * 10 + n as i32),
        };
        let mut rows: Vec<(u32, Option<i32>)> = (0..80).map(|block| (block, value(block))).collect();
        let mut builder = Builder::new(&room.storage, room.ranges(), XID).unwrap();
        for (block, v) in &rows {
            builder.add(*block, &room.row(*v)).unwrap();
        }
        assert_eq!(builder.finish(90).unwrap(), 23);
        let mut seed = seed + 7;
        for round in 0..400 {
            let block = (random(&mut seed) % u64::from(BLOCKS)) as u32;
            let first = room.ranges().first_of(block);
            match random(&mut seed) % 12 {
                0 => {
                    room.ranges().forget(&room.storage, first).unwrap();
                    assert!(!room.ranges().is_summarized(&room.storage, first).unwrap());
                    let all: Vec<u32> = (first..(first + STEP).min(BLOCKS)).collect();
                    assert!(all.iter().all(|b| room.found(room.equals(-7)).contains(b)));
                }
                1 => {
                    room.summarize(first, &rows);
                    assert!(room.ranges().is_summarized(&room.storage, first).unwrap());
                }
                _ => {
                    let new: Vec<(u32, Option<i32>)> =
                        (0..3).map(|n| (block, Some((random(&mut seed) % 2000) as i32 - 500 + n))).collect();
                    room.insert(&new);
                    rows.extend(new);
                }
            }
            if round % 20 == 0 {
                for (block, v) in &rows {
                    let found = match v {
                        Some(v) => room.found(room.equals(*v)),
                        None => room.found(Ask::IsNull),
                    };
                    assert!(found.contains(block), "{class}: {v:?} at {block}");
                }
                room.store.verify(&room.storage).unwrap();
            }
        }
        for first in (0..BLOCKS).step_by(STEP as usize) {
            room.summarize(first, &rows);
            assert_eq!(ranges::Ranges::known(&room.ranges(), &room.storage, first).unwrap().entries.len(), 1);
        }
        if class != INT4_BLOOM {
            assert!(room.found(room.equals(-100_000)).is_empty());
        }
        let none = room.found(Ask::IsNotNull);
        assert!(rows.iter().all(|(block, v)| v.is_none() || none.contains(block)));
    }
}

/// Values that lie apart: several spans and hashes tell more of them than one span does.
#[test]
fn classes_tell_what_they_are_for() {
    let rows: Vec<(u32, Option<i32>)> =
        (0..100).map(|n| (n, Some(if n % 2 == 0 { 1 } else { 1_000_000 } + n as i32))).collect();
    let count = |class: Oid| {
        let room = Room::new(9, class);
        let mut builder = Builder::new(&room.storage, room.ranges(), XID).unwrap();
        rows.iter().for_each(|(block, v)| builder.add(*block, &room.row(*v)).unwrap());
        builder.finish(100).unwrap();
        room.found(room.equals(500_000)).len()
    };
    // Three blocks are beyond those that were summarised.
    assert_eq!((count(INT4_MINMAX), count(INT4_MULTI)), (103, 3));
    assert!(count(INT4_BLOOM) < 20);
}
