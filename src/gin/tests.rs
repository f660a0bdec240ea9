//! Searches against a model: keys as sets, rows as lists of them.

use super::*;
use crate::base::{Fork, Oid, RelFileId, TupleId, Xid};
use crate::btree::{self, Bounds, IndexEntry, IndexStore};
use crate::buffer::Persistence;
use crate::disk::Simulated;
use crate::mvcc::Snapshot;
use crate::storage::Storage;
use crate::storage::testing::{fresh, recovered};
use crate::types::array::from_values;
use crate::types::{Datum, oid};
use crate::wal::Rmgr;
use std::collections::BTreeMap;
use std::sync::Arc;

const XID: Xid = Xid(3);
const FILE: RelFileId = RelFileId::new(Oid(5), Oid(78));

type Rows = BTreeMap<TupleId, Vec<i32>>;

fn open(storage: &Storage) -> Arc<IndexStore> {
    IndexStore::open(storage, (Oid::INVALID, FILE), Persistence::Permanent, Vec::new(), 1)
}

fn create(storage: &Storage) -> Arc<IndexStore> {
    let fork = storage.pool.open(FILE, Fork::Main, Persistence::Permanent);
    storage.pool.create(&fork, false).unwrap();
    IndexStore::create_empty(storage, &fork, XID).unwrap();
    open(storage)
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn array(values: &[i32]) -> Vec<u8> {
    from_values(oid::INT4, values.iter().map(|v| Datum::I32(*v)))
}

fn insert(storage: &Storage, store: &IndexStore, tid: TupleId, values: &[i32]) {
    let mut found = Vec::new();
    keys(0, Class::Array, Datum::Bytes(&array(values)), &mut found);
    let entry = |key| IndexEntry { key, tid: Some(tid), has_null: false };
    store.insert(storage, XID.into(), &found.into_iter().map(entry).collect::<Vec<_>>()).unwrap();
}

fn search(storage: &Storage, store: &Arc<IndexStore>, need: Need, memory: usize, step: usize) -> Vec<TupleId> {
    let mut gather = Gather::new(store.clone(), Snapshot::any(), need, &[0], memory);
    while !gather.step(storage, step).unwrap() {}
    gather.finish()
}

fn fulfils(strategy: Strategy, row: &[i32], asked: &[i32]) -> bool {
    match strategy {
        Strategy::Overlaps => asked.iter().any(|a| row.contains(a)),
        Strategy::Contains => asked.iter().all(|a| row.contains(a)),
        Strategy::ContainedBy => row.iter().all(|a| asked.contains(a)),
        _ => row == asked,
    }
}

/// Rows of a few of many values, small values in most of them.
fn row(seed: &mut u64) -> Vec<i32> {
    let len = random(seed) % 6;
    (0..len).map(|_| (random(seed) % (1 << (random(seed) % 10))) as i32).collect()
}

const STRATEGIES: [Strategy; 4] = [Strategy::Overlaps, Strategy::Contains, Strategy::ContainedBy, Strategy::Equals];

/// No search misses a row; those for all or any of some elements find no other.
fn compare(storage: &Storage, store: &Arc<IndexStore>, rows: &Rows, seed: &mut u64) {
    for n in 0..60 {
        let (asked, strategy) = (row(seed), STRATEGIES[n % 4]);
        let need = Need::of(0, Class::Array, strategy, Datum::Bytes(&array(&asked))).unwrap();
        let (memory, step) = if n % 3 == 0 { (0, 100) } else { (1 << 20, 1 + n * 50) };
        let found = search(storage, store, need.clone(), memory, step);
        assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
        let whole = |t: &TupleId| TupleId::new(t.block, WHOLE_PAGE);
        let has = |t: &TupleId| found.binary_search(t).is_ok() || found.binary_search(&whole(t)).is_ok();
        let right: Vec<TupleId> = rows.iter().filter(|(_, r)| fulfils(strategy, r, &asked)).map(|(t, _)| *t).collect();
        assert!(right.iter().all(has), "{strategy:?} {asked:?} misses rows");
        let exact = matches!(strategy, Strategy::Overlaps | Strategy::Contains) && need.searches() > 0;
        if exact && found.iter().all(|t| t.offset != WHOLE_PAGE) {
            assert_eq!(found, right, "{strategy:?} {asked:?}");
        }
    }
}

/// Searches agree with a model through insertions, VACUUM, and a crash of the machine after each.
#[test]
fn agrees_with_a_model() {
    let disk = Simulated::new(21);
    let mut storage = fresh(&disk, 400);
    let mut store = create(&storage);
    let (mut rows, mut seed) = (Rows::new(), 4711);
    for round in 0..4u32 {
        for i in 0..2500 {
            let tid = TupleId::new(round * 1000 + i / 5, 1 + (i % 5) as u16);
            let values = row(&mut seed);
            insert(&storage, &store, tid, &values);
            rows.insert(tid, values);
        }
        compare(&storage, &store, &rows, &mut seed);
        let dead: Vec<TupleId> =
            rows.keys().filter(|t| (t.block + u32::from(t.offset)) % 3 == round % 3).copied().collect();
        store.bulk_delete(&storage, &dead).unwrap();
        dead.iter().for_each(|t| assert!(rows.remove(t).is_some()));
        store.verify(&storage).unwrap();
        compare(&storage, &store, &rows, &mut seed);
        if round == 1 {
            storage.wal.flush(storage.wal.insert_lsn());
            storage = recovered(&disk.after_power_loss(), 256, Rmgr::Btree, btree::redo);
            store = open(&storage);
            store.verify(&storage).unwrap();
            compare(&storage, &store, &rows, &mut seed);
        }
    }
}

/// Keys of the same column are in order and none is the beginning of another (GIN-2).
#[test]
fn keys_are_no_prefixes() {
    let texts = ["", "a", "ab", "abc", &"x".repeat(3000), &"x".repeat(3001), "\u{10ffff}"];
    let value = from_values(oid::TEXT, texts.iter().map(|t| Datum::Bytes(t.as_bytes())).chain([Datum::Null]));
    let mut found = Vec::new();
    keys(7, Class::Array, Datum::Bytes(&value), &mut found);
    assert_eq!(found.len(), texts.len() + 1);
    for (n, a) in found.iter().enumerate() {
        assert!(a.len() < 2200 && a[0] == 7);
        assert!(found.iter().enumerate().all(|(m, b)| n == m || !b.starts_with(a)));
    }
    assert!(found.is_sorted_by(|a, b| a < b));
    // NULL, and nothing.
    let empty = from_values(oid::TEXT, []);
    for value in [Datum::Null, Datum::Bytes(&empty)] {
        keys(7, Class::Array, value, &mut found);
    }
    assert!(found.is_sorted_by(|a, b| a != b), "each has a key of its own");
}

/// What cannot be told, and what is known to be nothing, comes through AND and OR.
#[test]
fn needs_are_simplified() {
    let key = |b: u8| Need::Key(vec![b]);
    assert_eq!(Need::all([Need::Everything, key(1), Need::Everything, key(1)]), key(1));
    assert_eq!(Need::all([key(1), Need::Nothing]), Need::Nothing);
    assert_eq!(Need::any([Need::Nothing, key(2)]), key(2));
    assert_eq!(Need::any([key(2), Need::Everything]), Need::Everything);
    assert_eq!(Need::all([]), Need::Everything);
    assert_eq!(Need::any([]), Need::Nothing);
    assert_eq!(Need::all([key(2), Need::all([key(1), key(2)])]), Need::All(vec![key(1), key(2)]));
    assert_eq!(Need::every(0), Bounds { low: vec![0, 1], high: Some(vec![0, 5]) });
}
