//! The tree against a model, through splits, deletions, crashes and threads.

use super::*;
use crate::base::{Fork, Oid, RelFileId, TupleId, Xid};
use crate::buffer::Persistence;
use crate::disk::Simulated;
use crate::heap::Occupant;
use crate::storage::Storage;
use crate::storage::testing::{fresh, recovered};
use crate::types::collation::Provider;
use crate::types::{Collation, Datum, TypeRef, oid};
use crate::wal::Rmgr;
use std::collections::BTreeSet;
use std::sync::Arc;

const XID: Xid = Xid(3);

fn index(storage: &Storage, ty: Oid) -> Arc<IndexStore> {
    let file = RelFileId::new(Oid(5), Oid(77));
    let fork = storage.pool.open(file, Fork::Main, Persistence::Permanent);
    storage.pool.create(&fork, false).unwrap();
    IndexStore::create_empty(storage, &fork, XID).unwrap();
    open(storage, ty)
}

fn open(storage: &Storage, ty: Oid) -> Arc<IndexStore> {
    let file = RelFileId::new(Oid(5), Oid(77));
    IndexStore::open(
        storage,
        (crate::base::Oid::INVALID, file),
        crate::catalog::Persistence::Permanent,
        vec![(TypeRef::of(ty), false, false)],
        1,
    )
}

fn entry(store: &IndexStore, value: Datum<'_>, tid: TupleId) -> IndexEntry {
    let mut key = Vec::new();
    store.encode_key([value].into_iter(), &mut key);
    IndexEntry { key, tid: Some(tid), has_null: value.is_null() }
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn all(storage: &Storage, store: &Arc<IndexStore>, direction: Direction) -> Vec<(Vec<u8>, TupleId)> {
    let mut scan = IndexScan::new(store.clone(), Bounds::default(), direction).with_keys();
    let mut found = Vec::new();
    while let Some(tid) = scan.next(storage).unwrap() {
        found.push((scan.key().to_vec(), tid));
    }
    found
}

/// Random keys with many duplicates: forward and backward scans and the structure agree with a sorted set, also after
/// most entries were deleted and others came.
#[test]
fn agrees_with_a_model() {
    let disk = Simulated::new(7);
    let storage = fresh(&disk, 400);
    let store = index(&storage, oid::INT4);
    let mut model = BTreeSet::new();
    let mut seed = 42;
    for round in 0..4 {
        for i in 0..8000u32 {
            let value = (random(&mut seed) % 500) as i32 - 250;
            let tid = TupleId::new(round * 10_000 + i, 1 + (i % 7) as u16);
            let e = entry(&store, Datum::I32(value), tid);
            model.insert((e.key.clone(), tid));
            store.insert(&storage, XID.into(), &[e]).unwrap();
        }
        let dead: BTreeSet<TupleId> = model.iter().filter(|(_, t)| t.offset % 7 < 5).map(|(_, t)| *t).collect();
        let stats = store.bulk_delete(&storage, &dead.iter().copied().collect::<Vec<_>>()).unwrap();
        assert_eq!(stats.entries_removed as usize, dead.len());
        model.retain(|(_, t)| !dead.contains(t));
        assert_eq!(store.verify(&storage).unwrap() as usize, model.len());
        let forward: Vec<_> = model.iter().cloned().collect();
        assert_eq!(all(&storage, &store, Direction::Forward), forward);
        let backward: Vec<_> = model.iter().rev().cloned().collect();
        assert_eq!(all(&storage, &store, Direction::Backward), backward);
    }
}

/// Emptied ranges give their pages back to the tree, and what is inserted there afterwards is found.
#[test]
fn empty_pages_leave_the_tree() {
    let disk = Simulated::new(8);
    let storage = fresh(&disk, 400);
    let store = index(&storage, oid::INT4);
    let make = |n: i32| entry(&store, Datum::I32(n), TupleId::new(n as u32, 1));
    let entries: Vec<IndexEntry> = (0..20_000).map(make).collect();
    store.insert(&storage, XID.into(), &entries).unwrap();
    let dead: Vec<TupleId> = (2_000..18_000).map(|n| TupleId::new(n, 1)).collect();
    let stats = store.bulk_delete(&storage, &dead).unwrap();
    assert!(stats.pages_deleted > 10, "{stats:?}");
    assert_eq!(store.verify(&storage).unwrap(), 4_000);
    store.insert(&storage, XID.into(), &(5_000..6_000).rev().map(make).collect::<Vec<_>>()).unwrap();
    assert_eq!(store.verify(&storage).unwrap(), 5_000);
    assert_eq!(all(&storage, &store, Direction::Backward).len(), 5_000);
    assert_eq!(all(&storage, &store, Direction::Forward).len(), 5_000);
    store.verify_parents(&storage).unwrap();
}

/// A transaction begins and ends.
fn pass_time(storage: &Storage) {
    let xid = storage.mvcc.assign_xid(Oid::INVALID);
    storage.mvcc.abort(xid, &[]).unwrap();
}

/// A queue, new keys at the right and old ones gone at the left: the file stays as small as the queue, inner pages leave
/// the tree with their leaves, and what recovery makes of the log is the same.
#[test]
fn a_queue_does_not_grow() {
    let disk = Simulated::new(13);
    let storage = fresh(&disk, 800);
    let store = index(&storage, oid::TEXT);
    // Long keys: a tree of several levels.
    let make = |n: u32| {
        let text = format!("{n:0900}");
        entry(&store, Datum::Bytes(text.as_bytes()), TupleId::new(n, 1))
    };
    let mut sizes = Vec::new();
    for round in 0..40u32 {
        let new: Vec<IndexEntry> = (round * 1000..(round + 1) * 1000).map(make).collect();
        store.insert(&storage, XID.into(), &new).unwrap();
        pass_time(&storage);
        let gone = (round * 1000).saturating_sub(500);
        let dead: Vec<TupleId> = (gone.saturating_sub(1000)..gone).map(|n| TupleId::new(n, 1)).collect();
        let stats = store.bulk_delete(&storage, &dead).unwrap();
        assert_eq!(stats.entries_removed as usize, dead.len());
        assert_eq!(store.verify(&storage).unwrap(), u64::from((round + 1) * 1000 - gone));
        store.verify_parents(&storage).unwrap();
        let keys = all(&storage, &store, Direction::Forward);
        assert_eq!(keys.len() as u32, (round + 1) * 1000 - gone);
        assert_eq!(all(&storage, &store, Direction::Backward).len(), keys.len());
        sizes.push(storage.pool.nblocks(&store.fork).unwrap());
        pass_time(&storage);
    }
    assert!(sizes[39] <= sizes[4] + 10, "{sizes:?}");
}

/// While a reader, or a writer, may be on the way to a page it is not used again.
#[test]
fn nobody_meets_a_page_in_its_second_life() {
    let disk = Simulated::new(14);
    let storage = fresh(&disk, 400);
    let store = index(&storage, oid::INT4);
    let make = |n: i32| entry(&store, Datum::I32(n), TupleId::new(n as u32, 1));
    store.insert(&storage, XID.into(), &(0..20_000).map(make).collect::<Vec<_>>()).unwrap();
    let slot = storage.mvcc.register();
    let snapshot = storage.mvcc.snapshot(&slot, &Arc::default(), crate::base::CommandId::FIRST);
    let dead: Vec<TupleId> = (2_000..18_000).map(|n| TupleId::new(n, 1)).collect();
    let stats = store.bulk_delete(&storage, &dead).unwrap();
    assert!(stats.pages_out > 10 && stats.pages_free == 0, "{stats:?}");
    pass_time(&storage);
    assert_eq!(store.clean_up(&storage).unwrap().unwrap().pages_free, 0);
    drop(snapshot);
    let writer = storage.mvcc.assign_xid(Oid::INVALID);
    let all = store.clean_up(&storage).unwrap().unwrap();
    assert_eq!((all.pages_free, all.pages_out), (stats.pages_out, stats.pages_out));
    assert_eq!(store.clean_up(&storage).unwrap(), None);
    let before = storage.pool.nblocks(&store.fork).unwrap();
    store.insert(&storage, XID.into(), &(20_000..26_000).map(make).collect::<Vec<_>>()).unwrap();
    assert_eq!(storage.pool.nblocks(&store.fork).unwrap(), before);
    // What goes now may be on that writer's way.
    let dead: Vec<TupleId> = (20_000..24_000).map(|n| TupleId::new(n, 1)).collect();
    pass_time(&storage);
    let stats = store.bulk_delete(&storage, &dead).unwrap();
    assert!(stats.pages_deleted > 2 && stats.pages_free < stats.pages_out, "{stats:?}");
    storage.mvcc.abort(writer, &[]).unwrap();
    pass_time(&storage);
    let all = store.clean_up(&storage).unwrap().unwrap();
    assert_eq!(all.pages_free, all.pages_out);
    store.verify_parents(&storage).unwrap();
}

/// Ranges return exactly what lies between their bounds, in text order with NULLs last.
#[test]
fn ranges() {
    let disk = Simulated::new(9);
    let storage = fresh(&disk, 100);
    let store = index(&storage, oid::TEXT);
    for (i, w) in ["pear", "apple", "fig", "app", "banana", ""].iter().enumerate() {
        store
            .insert(&storage, XID.into(), &[entry(&store, Datum::Bytes(w.as_bytes()), TupleId::new(i as u32, 1))])
            .unwrap();
    }
    store.insert(&storage, XID.into(), &[entry(&store, Datum::Null, TupleId::new(9, 1))]).unwrap();
    let blocks = |low: &str, high: Option<&str>| {
        let key = |w: &str| entry(&store, Datum::Bytes(w.as_bytes()), TupleId::INVALID).key;
        let bounds = Bounds { low: key(low), high: high.map(key) };
        let mut scan = IndexScan::new(store.clone(), bounds, Direction::Forward);
        let mut out = Vec::new();
        scan.next_tids(&storage, 100, &mut out).unwrap();
        out.iter().map(|t| t.block).collect::<Vec<_>>()
    };
    assert_eq!(blocks("app", Some("banana")), [3, 1]);
    assert_eq!(blocks("b", None), [4, 2, 0, 9]);
    assert_eq!(blocks("", Some("b")), [5, 3, 1]);
}

/// A unique index takes a key again only when the heap says that its row is gone.
#[test]
fn uniqueness() {
    let disk = Simulated::new(10);
    let storage = fresh(&disk, 100);
    let store = index(&storage, oid::INT4);
    let batch: Vec<IndexEntry> = (0..1_000).map(|n| entry(&store, Datum::I32(n), TupleId::new(n as u32, 1))).collect();
    let mut alive = |tid: TupleId| Ok(Occupant::Live(tid));
    assert_eq!(store.insert_unique(&storage, XID.into(), &batch, &mut alive).unwrap(), (1_000, Inserted::Done));
    let again = [entry(&store, Datum::I32(500), TupleId::new(5_000, 1))];
    let found = store.insert_unique(&storage, XID.into(), &again, &mut alive).unwrap();
    assert_eq!(found, (0, Inserted::Duplicate(TupleId::new(500, 1))));
    let mut running = |tid: TupleId| Ok(Occupant::Running(tid, Xid(9)));
    assert_eq!(
        store.insert_unique(&storage, XID.into(), &again, &mut running).unwrap(),
        (0, Inserted::Doubtful(Xid(9)))
    );
    let mut dead = |_: TupleId| Ok(Occupant::None { all_dead: true });
    assert_eq!(store.insert_unique(&storage, XID.into(), &again, &mut dead).unwrap(), (1, Inserted::Done));
    assert_eq!(store.verify(&storage).unwrap(), 1_001);
    let twice = [again[0].clone(), entry(&store, Datum::I32(2_000), TupleId::new(1, 2)), again[0].clone()];
    assert_eq!(store.insert_unique(&storage, XID.into(), &twice[1..2], &mut alive).unwrap(), (1, Inserted::Done));
    let nulls = [Datum::Null, Datum::Null].map(|d| entry(&store, d, TupleId::new(1, 9)));
    let nulls = [nulls[0].clone(), IndexEntry { tid: Some(TupleId::new(2, 9)), ..nulls[1].clone() }];
    assert_eq!(store.insert_unique(&storage, XID.into(), &nulls, &mut alive).unwrap(), (2, Inserted::Done));
}

/// A bulk-built index is a sound one, larger than one level, and finds duplicates.
#[test]
fn bulk_build() {
    let (storage, store) = unloaded(11, oid::INT4);
    let mut seed = 3;
    let mut entries: Vec<Vec<u8>> =
        (0..30_000u32).map(|i| full(&store, Datum::I32(random(&mut seed) as i32), TupleId::new(i, 1))).collect();
    assert_eq!(load(&storage, &store, &mut entries, false), None);
    assert_eq!(store.verify(&storage).unwrap(), 30_000);
    store.insert(&storage, XID.into(), &[entry(&store, Datum::I32(5), TupleId::new(1, 1))]).unwrap();
    assert_eq!(store.verify(&storage).unwrap(), 30_001);

    let (storage, store) = unloaded(12, oid::INT4);
    let mut twice: Vec<Vec<u8>> =
        [1, 2, 1].into_iter().zip(0..).map(|(n, i)| full(&store, Datum::I32(n), TupleId::new(i, 1))).collect();
    assert_eq!(load(&storage, &store, &mut twice, true), Some((TupleId::new(0, 1), TupleId::new(2, 1))));
}

/// An index whose fork is there and empty.
fn unloaded(seed: u64, ty: Oid) -> (Arc<Storage>, Arc<IndexStore>) {
    let storage = fresh(&Simulated::new(seed), 400);
    let file = RelFileId::new(Oid(5), Oid(77));
    let fork = storage.pool.open(file, Fork::Main, Persistence::Permanent);
    storage.pool.create(&fork, false).unwrap();
    let store = open(&storage, ty);
    (storage, store)
}

fn full(store: &IndexStore, value: Datum, tid: TupleId) -> Vec<u8> {
    IndexStore::full_entry(&entry(store, value, tid))
}

fn load(storage: &Storage, store: &IndexStore, entries: &mut [Vec<u8>], unique: bool) -> Option<(TupleId, TupleId)> {
    entries.sort_unstable();
    let mut loader = Loader::new(storage, store, XID, unique).unwrap();
    for e in entries {
        if let Some(pair) = loader.add(e, false).unwrap() {
            return Some(pair);
        }
    }
    loader.finish().unwrap();
    None
}

/// Keys up to the longest there may be, whose separators are as long as they are: no page overflows, on no level.
#[test]
fn bulk_build_of_long_keys() {
    for (seed, shared) in [(1, 2600), (2, 1900), (3, 1200), (4, 10)] {
        let (storage, store) = unloaded(seed, oid::TEXT);
        let mut seed = seed;
        let mut entries: Vec<Vec<u8>> = (0..2000u32)
            .map(|i| {
                let mut text = vec![b'x'; shared];
                let len = random(&mut seed) as usize % (2690 - shared);
                text.extend((0..len).map(|_| b'a' + (random(&mut seed) % 3) as u8));
                full(&store, Datum::Bytes(&text), TupleId::new(i, 1))
            })
            .collect();
        assert_eq!(load(&storage, &store, &mut entries, false), None);
        assert_eq!(store.verify(&storage).unwrap(), 2000);
    }
}

/// Texts far longer than a page that compress well enough lie on pages packed, beside short ones: loaded at once or put in
/// one by one, they are found, in their order, and taken out; what does not compress is refused.
#[test]
fn long_values_are_packed() {
    let collated = Collation::open(Provider::Icu, "en").unwrap();
    for (seed, ty) in [(1, TypeRef::of(oid::TEXT)), (2, TypeRef::of(oid::TEXT).ordered_by(collated))] {
        for desc in [false, true] {
            let (storage, _) = unloaded(seed, oid::TEXT);
            let file = RelFileId::new(Oid(5), Oid(77));
            let columns = vec![(TypeRef::of(oid::INT4), false, false), (ty, desc, false), (ty, false, true)];
            let store =
                IndexStore::open(&storage, (Oid::INVALID, file), crate::catalog::Persistence::Permanent, columns, 3);
            let mut seed = seed;
            let mut texts = |n: u32| {
                let len = 2500 + random(&mut seed) as usize % 20_000;
                let mut a = b"some text that is repeated ".repeat(len / 27);
                a.extend((0..10).map(|_| b'A' + (random(&mut seed) % 50) as u8));
                let b: Vec<u8> = (0..random(&mut seed) % 900).map(|_| b'a' + (random(&mut seed) % 26) as u8).collect();
                let values = [Datum::I32((n % 3) as i32), Datum::Bytes(&a), Datum::Bytes(&b)];
                let mut key = Vec::new();
                store.encode_key(values.into_iter().take(if n.is_multiple_of(7) { 2 } else { 3 }), &mut key);
                if n.is_multiple_of(7) {
                    store.keys()[2].null(&mut key);
                }
                IndexEntry { key, tid: Some(TupleId::new(n, 1)), has_null: false }
            };
            let entries: Vec<IndexEntry> = (0..120).map(&mut texts).collect();
            let (first, later) = entries.split_at(60);
            let mut loaded: Vec<Vec<u8>> = first.iter().map(IndexStore::full_entry).collect();
            assert_eq!(load(&storage, &store, &mut loaded, true), None);
            for e in later {
                store.insert(&storage, XID.into(), std::slice::from_ref(e)).unwrap();
            }
            assert_eq!(store.verify(&storage).unwrap(), 120);
            let mut model: Vec<(Vec<u8>, TupleId)> =
                entries.iter().map(|e| (e.key.clone(), e.tid.unwrap_or(TupleId::INVALID))).collect();
            model.sort();
            assert!(all(&storage, &store, Direction::Forward) == model);
            let mut found = model.iter().map(|(key, _)| store.tids_of(&storage, key, None).unwrap());
            assert!(found.by_ref().zip(&model).all(|(found, (_, tid))| found == [*tid]));
            let mut alive = |tid: TupleId| Ok(Occupant::Live(tid));
            let again = IndexEntry { tid: Some(TupleId::new(9999, 1)), ..entries[5].clone() };
            let met = store.insert_unique(&storage, XID.into(), &[again], &mut alive).unwrap();
            assert_eq!(met, (0, Inserted::Duplicate(TupleId::new(5, 1))));
            let dead: Vec<TupleId> = (20..100).map(|n| TupleId::new(n, 1)).collect();
            assert_eq!(store.bulk_delete(&storage, &dead).unwrap().entries_removed, 80);
            assert_eq!(store.verify(&storage).unwrap(), 40);
            store.verify_parents(&storage).unwrap();
            model.retain(|(_, tid)| !dead.contains(tid));
            model.reverse();
            assert!(all(&storage, &store, Direction::Backward) == model);
            let noise: Vec<u8> = (0..9000).map(|_| 1 + (random(&mut seed) % 120) as u8).collect();
            assert!(store.check_size(&full(&store, Datum::I32(1), TupleId::new(1, 1))).is_ok());
            let with = |text: &[u8]| {
                let mut key = Vec::new();
                store.encode_key([Datum::I32(1), Datum::Bytes(text), Datum::Null].into_iter(), &mut key);
                let tid = Some(TupleId::new(1, 1));
                IndexStore::full_entry(&IndexEntry { key, tid, has_null: true })
            };
            assert!(store.check_size(&with(&noise)).is_err());
            // Of a text that does not compress as much as fits goes in, in any order.
            assert!(store.check_size(&with(&noise[..2600])).is_ok());
        }
    }
}

/// Keys of a few lengths, some of them in most of the rows, come and go, one by one and in runs: leaves become dense and
/// cease to be. Scans, searches and the structure agree with a sorted set, and recovery makes the same pages, byte by
/// byte, from the log.
#[test]
fn dense_leaves_agree_with_a_model() {
    for (seed, long) in [(1, 30), (2, 1000), (3, 2500), (4, 3)] {
        let disk = Simulated::new(30 + seed);
        let storage = fresh(&disk, 400);
        let store = index(&storage, oid::TEXT);
        let mut model = BTreeSet::new();
        let mut seed = seed * 77;
        let mut row = 0;
        for round in 0..12 {
            let mut left = 1500;
            while left > 0 {
                // Runs of one key with ascending rows, runs of ascending keys, single ones.
                let (kind, n) = (random(&mut seed) % 4, random(&mut seed) % 6);
                let count = [1, 1 + random(&mut seed) % 400, 1 + random(&mut seed) % 60, 1][kind as usize];
                let entries: Vec<IndexEntry> = (0..count)
                    .map(|i| {
                        row += 1;
                        let text = match (kind, n) {
                            (2, _) => format!("number {:06}", random(&mut seed) % 20 + i * 50 + n * 10_000),
                            (_, 0) => "x".repeat(long),
                            (_, 1) => format!("{}{}", "x".repeat(long), random(&mut seed) % 3),
                            (_, n) => ["", "active", "pending", "finished"][n as usize - 2].into(),
                        };
                        entry(&store, Datum::Bytes(text.as_bytes()), TupleId::new(row * 7919 % 5000, row as u16))
                    })
                    .collect();
                left -= entries.len() as i32;
                model.extend(entries.iter().map(|e| (e.key.clone(), e.tid.unwrap())));
                store.insert(&storage, XID.into(), &entries).unwrap();
            }
            if round % 3 == 2 {
                let gone = |t: &TupleId| match round {
                    5 => t.block < 2500,
                    11 => !t.block.is_multiple_of(64),
                    _ => !t.offset.is_multiple_of(3),
                };
                let dead: Vec<TupleId> =
                    model.iter().map(|e| e.1).filter(gone).collect::<BTreeSet<_>>().into_iter().collect();
                let before = model.len();
                model.retain(|(_, t)| !gone(t));
                let stats = store.bulk_delete(&storage, &dead).unwrap();
                assert_eq!(stats.entries_removed as usize, before - model.len());
                pass_time(&storage);
            }
            assert_eq!(store.verify(&storage).unwrap() as usize, model.len());
            store.verify_parents(&storage).unwrap();
            assert!(all(&storage, &store, Direction::Forward).iter().eq(&model));
            assert!(all(&storage, &store, Direction::Backward).iter().eq(model.iter().rev()));
            let keys: BTreeSet<&Vec<u8>> = model.iter().map(|e| &e.0).collect();
            for key in keys.into_iter().take(40) {
                let tids: BTreeSet<TupleId> = store.tids_of(&storage, key, None).unwrap().into_iter().collect();
                assert!(tids.iter().eq(model.iter().filter(|e| e.0 == *key).map(|e| &e.1)));
            }
            let some = model.iter().nth(random(&mut seed) as usize % model.len()).unwrap().clone();
            let whole = [some.0.as_slice(), &[0; 6]].concat();
            let at = whole.len() - 6;
            let mut whole = whole;
            whole[at..at + 4].copy_from_slice(&some.1.block.to_be_bytes());
            whole[at + 4..].copy_from_slice(&some.1.offset.to_be_bytes());
            assert!(store.remove(&storage, &whole).unwrap() && !store.remove(&storage, &whole).unwrap());
            model.remove(&some);
        }
        storage.wal.flush(storage.wal.insert_lsn());
        let recovered = recovered(&disk.after_power_loss(), 400, Rmgr::Btree, redo);
        let again = open(&recovered, oid::TEXT);
        let blocks = storage.pool.nblocks(&store.fork).unwrap();
        assert_eq!(recovered.pool.nblocks(&again.fork).unwrap(), blocks);
        for block in 0..blocks {
            let (now, then) =
                (storage.pool.read(&store.fork, block).unwrap(), recovered.pool.read(&again.fork, block).unwrap());
            // Without LSN and checksum.
            assert!(now.bytes()[12..] == then.bytes()[12..], "block {block}");
        }
    }
}

/// Rows of few keys take little more room than their addresses, numbers less than PostgreSQL's entries; loaded at once
/// and put in one by one.
#[test]
fn dense_leaves_are_small() {
    let pages = |storage: &Storage, store: &IndexStore| storage.pool.nblocks(&store.fork).unwrap();
    let row = |i: u32| TupleId::new(i / 100, 1 + (i % 100) as u16);
    for (few, most) in [(true, 75), (false, 105)] {
        let value = |i: u32| Datum::I32(if few { (i % 10) as i32 } else { i as i32 });
        let (storage, store) = unloaded(31, oid::INT4);
        let mut entries: Vec<Vec<u8>> = (0..80_000).map(|i| full(&store, value(i), row(i))).collect();
        assert_eq!(load(&storage, &store, &mut entries, false), None);
        let loaded = pages(&storage, &store);
        assert!(loaded <= most, "{loaded}");
        let storage = fresh(&Simulated::new(32), 400);
        let store = index(&storage, oid::INT4);
        for i in 0..80_000 {
            store.insert(&storage, XID.into(), &[entry(&store, value(i), row(i))]).unwrap();
        }
        let grown = pages(&storage, &store);
        assert!(grown <= most + most / 5, "{grown}");
        assert_eq!(store.verify(&storage).unwrap(), 80_000);
    }
}

/// Threads that insert and scan at once neither lose an entry nor see one out of order, and who checks the index meanwhile
/// finds no fault.
#[test]
fn threads() {
    let disk = Simulated::new(12);
    let storage = fresh(&disk, 200);
    let store = index(&storage, oid::INT4);
    std::thread::scope(|s| {
        let writer = |t: u32| {
            let (storage, store) = (&storage, &store);
            s.spawn(move || {
                for i in 0..3_000u32 {
                    let value = (i.wrapping_mul(2_654_435_761) ^ t) as i32;
                    store
                        .insert(storage, XID.into(), &[entry(store, Datum::I32(value), TupleId::new(i, t as u16 + 1))])
                        .unwrap();
                    if i % 1_000 == 0 {
                        for direction in [Direction::Forward, Direction::Backward] {
                            let seen = all(storage, store, direction);
                            let sorted = seen.windows(2).all(|w| (w[0] < w[1]) == (direction == Direction::Forward));
                            assert!(sorted);
                        }
                    }
                }
            })
        };
        let writers = [0, 1, 2, 3].map(writer);
        while writers.iter().any(|w| !w.is_finished()) {
            store.verify(&storage).unwrap();
        }
    });
    assert_eq!(store.verify(&storage).unwrap(), 12_000);
}
