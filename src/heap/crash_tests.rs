//! Redo, crashes, vacuum, and a random workload against a model.

use super::tests::{Xact, int_batch, scan_ints, table};
use super::*;
use crate::base::{CommandId, Error, Fork, Lsn, Oid, Result, TupleId, Xid};
use crate::buffer::Which;
use crate::disk::Simulated;
use crate::mvcc::{self, Own, Snapshot};
use crate::storage::testing::{SEGMENT_BYTES, fresh, start_at, unstarted};
use crate::storage::{self, RedoContext, Storage};
use crate::types::{Batch, Column, Datum, Phys};
use crate::wal::{Reader, Record, Rmgr};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Seeds to try; `OUTLAST_SEEDS=from..to` for more, or to repeat one.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let wanted = std::env::var("OUTLAST_SEEDS").ok();
    let range = wanted.as_deref().and_then(|v| v.split_once(".."));
    match range.map(|(a, b)| (a.parse(), b.parse())) {
        Some((Ok(a), Ok(b))) => a..b,
        _ => 0..usual,
    }
}

/// Commits with a record in the log, like `xact`, so that redo finds it.
fn commit(x: Xact<'_>) -> Lsn {
    let (storage, xid) = (x.storage, x.xid);
    let lsn = storage.mvcc.log_commit(xid, &[], || {
        storage.wal.reserve(100).map_err(crate::base::Stop::into_error)?;
        let record = Record { rmgr: Rmgr::Transaction, info: 0, xid, blocks: &[], data: &[] };
        Ok(storage.wal.insert(&record).end)
    });
    let lsn = lsn.unwrap();
    // Durable first, as a synchronous commit: hints wait for that.
    storage.wal.flush(lsn);
    storage.mvcc.commit(xid, &[], lsn);
    lsn
}

/// What recovery does, with this module's stand-in for commit records.
fn recover(disk: &Simulated, (redo, next): (Lsn, Xid)) -> Arc<Storage> {
    let storage = unstarted(disk, 256);
    storage.mvcc.redo_seen(Xid(next.0 - 1));
    let mut cx = RedoContext { storage: &storage };
    let mut reader = Reader::new(storage.disk.clone(), SEGMENT_BYTES, 1, 7, redo, 0);
    loop {
        let Ok(record) = reader.next().unwrap() else { break };
        storage.mvcc.redo_seen(record.xid);
        match record.rmgr {
            Rmgr::Transaction => storage.mvcc.redo_commit(record.xid, &[], record.end).unwrap(),
            Rmgr::Heap | Rmgr::Heap2 => redo_heap(&mut cx, &record).unwrap(),
            Rmgr::Storage => storage::redo(&mut cx, &record).unwrap(),
            Rmgr::Clog => mvcc::redo(&storage.mvcc, &record).unwrap(),
            _ => {
                for i in 0..record.blocks.len() {
                    cx.block(&record, i).unwrap();
                }
            }
        }
    }
    let end = reader.position();
    storage.wal.start(crate::wal::StartAt { redo_lsn: end, incarnation: 2, ..start_at(end.0) }).unwrap();
    storage.mvcc.recovery_finished(&[]).unwrap();
    storage
}

fn redo_heap(cx: &mut RedoContext<'_>, record: &crate::wal::RedoRecord<'_>) -> Result<()> {
    super::redo(cx, record)
}

fn reopen(storage: &Storage, store: &TableStore) -> Arc<TableStore> {
    let toast = TableStore::open(storage, store.toast().unwrap().def().clone());
    TableStore::open(storage, TableDef { toast: Some(toast), ..store.def().clone() })
}

fn now(storage: &Storage, store: &Arc<TableStore>) -> Vec<i32> {
    let mut v = scan_ints(storage, store, Snapshot::self_all(Arc::new(Own::new())));
    v.sort_unstable();
    v
}

fn checkpoint(storage: &Storage) -> (Lsn, Xid) {
    let redo = {
        let _gate = storage.mvcc.checkpoint_gate();
        (storage.wal.begin_checkpoint(), storage.mvcc.next_xid())
    };
    storage.wal.flush(redo.0);
    storage.pool.checkpoint_write(Which::Permanent, &mut |_, _| ControlFlow::Continue(())).unwrap();
    storage.mvcc.clog().flush().unwrap();
    storage.pool.sync().unwrap();
    redo
}

struct Host {
    lock: bool,
}

impl VacuumHost for Host {
    fn pace(&mut self) -> Result<()> {
        Ok(())
    }
    fn lock_to_truncate(&mut self) -> bool {
        self.lock
    }
    fn truncated(&mut self) {}
}

#[derive(Default)]
struct Index {
    entries: Vec<TupleId>,
}

impl IndexVacuum for Index {
    fn bulk_delete(&mut self, _: &Storage, dead: &[TupleId]) -> Result<u64> {
        assert!(dead.is_sorted());
        let before = self.entries.len();
        self.entries.retain(|t| dead.binary_search(t).is_err());
        Ok((before - self.entries.len()) as u64)
    }

    fn clean_up(&mut self, _: &Storage) -> Result<()> {
        Ok(())
    }
}

fn vacuum(storage: &Storage, store: &Arc<TableStore>, index: Option<&mut Index>) -> VacuumReport {
    let mut work = Vacuum::new(store.clone(), VacuumOptions { memory_bytes: 800, ..VacuumOptions::default() });
    let mut host = Host { lock: true };
    match index {
        Some(index) => while work.step(storage, &mut [index], &mut host).unwrap() {},
        None => while work.step(storage, &mut [], &mut host).unwrap() {},
    }
    work.report()
}

/// Freezes all that can be of a table and its large values; what is older than the answer needs no commit log.
fn freeze(storage: &Storage, store: &Arc<TableStore>, aggressive: bool) -> Xid {
    let mut oldest = storage.mvcc.next_xid();
    for store in [Some(store), store.toast()].into_iter().flatten() {
        let options = VacuumOptions { aggressive, freeze_age: 0, truncate: false, ..VacuumOptions::default() };
        let mut work = Vacuum::new(store.clone(), options);
        while work.step(storage, &mut [], &mut Host { lock: false }).unwrap() {}
        oldest = oldest.min(work.frozen().unwrap_or(Xid::FIRST_NORMAL));
    }
    oldest
}

/// Everything the heap logs is redone: from the log alone, and from half-written pages on disk.
#[test]
fn redo_repeats_everything() {
    for seed in seeds(20) {
        let disk = Simulated::new(seed);
        let storage = fresh(&disk, 64);
        let t = table(&storage, 1, &[Phys::I32, Phys::Bytes]);
        let wide = |n: i32, len: usize| {
            let noise: Vec<u8> =
                (0..len).map(|i| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(n as u32) >> 24) as u8).collect();
            Batch::new(
                vec![
                    Column::constant(Phys::I32, Datum::I32(n), 1),
                    Column::constant(Phys::Bytes, Datum::Bytes(&noise), 1),
                ],
                1,
            )
        };
        let mut redo = (Lsn(SEGMENT_BYTES), Xid::FIRST_NORMAL);
        let mut random = Random(seed);
        let mut rows: BTreeMap<i32, TupleId> = BTreeMap::new();
        let mut frozen = Xid::FIRST_NORMAL;
        // The files' creation is durable from the start, as a checkpoint after CREATE TABLE would make it.
        storage.pool.sync().unwrap();
        for step in 0..60 {
            let x = Xact::begin(&storage);
            let mut after = rows.clone();
            for _ in 0..1 + random.below(8) {
                // A row changed in this transaction is left alone: its command would have to end first.
                let pick = random.below(after.len() as u64 + 1) as usize;
                let key = after.keys().nth(pick).copied().filter(|k| rows.get(k) == after.get(k));
                let len = [10, 200, 1500, 6000][random.below(4) as usize];
                match (random.below(3), key) {
                    (0, Some(key)) => {
                        assert_eq!(delete(&x.cx(), &t, after[&key]).unwrap(), TmResult::Ok);
                        after.remove(&key);
                    }
                    (1, Some(key)) => {
                        let kind = UpdateKind { indexed_changed: random.below(2) == 0, key_changed: false };
                        let done = update(&x.cx(), &t, after[&key], &wide(key, len), 0, kind).unwrap();
                        assert_eq!(done.result, TmResult::Ok);
                        after.insert(key, done.tid);
                    }
                    _ => {
                        let key = step * 100 + random.below(100) as i32;
                        after.entry(key).or_insert_with(|| x.insert(&t, &wide(key, len))[0]);
                    }
                }
            }
            if random.below(5) == 0 {
                x.abort();
            } else {
                commit(x);
                rows = after;
            }
            if random.below(10) == 0 {
                vacuum(&storage, &t, None);
            }
            if random.below(8) == 0 {
                let old = Xact::begin(&storage);
                frozen = frozen.max(freeze(&storage, &t, random.below(2) == 0));
                assert!(frozen <= old.xid);
                storage.mvcc.clog().note_oldest(frozen);
                old.abort();
            }
            if random.below(15) == 0 {
                redo = checkpoint(&storage);
            }
            if random.below(10) == 0 {
                storage.pool.bgwriter_round(10).unwrap();
                storage.pool.flush_relation(t.main()).unwrap();
            }
        }
        storage.wal.flush(storage.wal.insert_lsn());
        let expected: Vec<i32> = rows.keys().copied().collect();
        assert_eq!(now(&storage, &t), expected);
        assert_eq!(verify(&storage, &t).unwrap(), []);
        for crashed in [disk.after_power_loss(), disk.after_process_crash()] {
            let again = recover(&crashed, redo);
            let t = reopen(&again, &t);
            // Whoever asks for an older transaction fails.
            again.mvcc.clog().note_oldest(frozen);
            assert_eq!(verify(&again, &t).unwrap(), [], "seed {seed}");
            assert_eq!(now(&again, &t), expected, "seed {seed}");
            assert_eq!(verify(&again, t.toast().unwrap()).unwrap(), []);
            let mut fetch = HeapFetch::new(t.clone(), Snapshot::self_all(Arc::new(Own::new())), vec![1, 2]);
            for (key, tid) in &rows {
                let mut out = Batch::default();
                assert_eq!(fetch.fetch_exact(&again, *tid, &mut out).unwrap(), Some(*tid));
                assert_eq!(out.columns[0].get(0), Datum::I32(*key));
            }
            // Life goes on.
            let x = Xact::begin(&again);
            x.insert(&t, &wide(-1, 100));
            commit(x);
            vacuum(&again, &t, None);
            assert_eq!(now(&again, &t).len(), expected.len() + 1);
        }
    }
}

/// Most transactions are cut off the commit log, with versions of every kind about; nothing asks for them, before or
/// after a crash, and what they did stands.
#[test]
fn the_commit_log_is_cut() {
    let disk = Simulated::new(4);
    let storage = fresh(&disk, 256);
    let t = table(&storage, 1, &[Phys::I32, Phys::Bytes]);
    let row = |n: i32| {
        let text = vec![n as u8; 20];
        Batch::new(
            vec![Column::constant(Phys::I32, Datum::I32(n), 1), Column::constant(Phys::Bytes, Datum::Bytes(&text), 1)],
            1,
        )
    };
    let mut tids = Vec::new();
    for n in 0..300 {
        let x = Xact::begin(&storage);
        let tid = x.insert(&t, &row(n))[0];
        match n % 3 {
            0 => x.abort(),
            _ => {
                commit(x);
                tids.push(tid);
            }
        }
    }
    // Deletions of every end; one goes on.
    let kind = UpdateKind { indexed_changed: false, key_changed: false };
    for (i, tid) in tids.iter().enumerate() {
        let x = Xact::begin(&storage);
        match i % 4 {
            0 => assert_eq!(delete(&x.cx(), &t, *tid).unwrap(), TmResult::Ok),
            1 => assert_eq!(update(&x.cx(), &t, *tid, &row(1000 + i as i32), 0, kind).unwrap().result, TmResult::Ok),
            2 => assert_eq!(lock_tuple(&x.cx(), &t, *tid, LockStrength::Update).unwrap(), TmResult::Ok),
            _ => {}
        }
        match i % 3 {
            0 => x.abort(),
            _ => {
                commit(x);
            }
        }
    }
    let expected = now(&storage, &t);
    let last = Xact::begin(&storage);
    assert_eq!(delete(&last.cx(), &t, tids[3]).unwrap(), TmResult::Ok);
    for _ in 0..1_100_000 {
        let xid = storage.mvcc.assign_xid(Oid::INVALID);
        storage.mvcc.abort(xid, &[]).unwrap();
    }
    storage.mvcc.clog().flush().unwrap();
    // Not while somebody old runs.
    let limit = freeze(&storage, &t, true);
    assert_eq!(limit, last.xid);
    storage.mvcc.clog().truncate(limit).unwrap();
    assert!(storage.disk.exists("pg_xact/0000"));
    last.abort();
    storage.mvcc.clog().flush().unwrap();
    let limit = freeze(&storage, &t, true);
    assert_eq!(limit, storage.mvcc.next_xid());
    storage.mvcc.clog().truncate(limit).unwrap();
    assert!(!storage.disk.exists("pg_xact/0000") && storage.mvcc.clog().oldest() == limit);
    assert_eq!(now(&storage, &t), expected);
    for crashed in [disk.after_power_loss(), disk.after_process_crash()] {
        let again = recover(&crashed, (Lsn(SEGMENT_BYTES), limit));
        let t = reopen(&again, &t);
        assert_eq!(again.mvcc.clog().oldest(), limit);
        assert!(!again.disk.exists("pg_xact/0000"));
        assert_eq!(verify(&again, &t).unwrap(), []);
        assert_eq!(now(&again, &t), expected);
        let report = vacuum(&again, &t, None);
        assert_eq!((report.tuples_live, report.tuples_removed), (expected.len() as u64, 0));
        // The rows that are left can be locked, changed and deleted.
        let x = Xact::begin(&again);
        let mut left = 0;
        for tid in &tids {
            match delete(&x.cx(), &t, *tid).unwrap() {
                TmResult::Ok => left += 1,
                other => assert!(matches!(other, TmResult::Deleted { .. } | TmResult::Invisible), "{other:?}"),
            }
        }
        commit(x);
        assert_eq!(now(&again, &t).len(), expected.len() - left);
    }
}

/// Vacuum removes what nobody sees, index entries first, frees line pointers, sets the maps, and cuts the end off.
#[test]
fn vacuum_cleans_and_cuts() {
    let disk = Simulated::new(1);
    let storage = fresh(&disk, 128);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    let tids = a.ints(&t, 0..2260);
    commit(a);
    let mut index = Index { entries: tids.clone() };
    let old = Xact::begin(&storage);
    let held = old.snapshot();
    let mut b = Xact::begin(&storage);
    for tid in tids.iter().filter(|t| t.block >= 5 || t.offset % 2 == 0) {
        assert_eq!(b.delete(&t, *tid), TmResult::Ok);
    }
    commit(b);
    let report = vacuum(&storage, &t, Some(&mut index));
    assert_eq!((report.tuples_removed, report.index_scans, report.pages_before), (0, 0, 10));
    assert_eq!(index.entries.len(), 2260);
    assert_eq!(scan_ints(&storage, &t, held.clone()).len(), 2260);
    drop(held);
    old.abort();
    let report = vacuum(&storage, &t, Some(&mut index));
    assert_eq!(report.tuples_removed, 1130 + 565);
    assert!(report.index_scans > 1, "the list of dead rows was to be small");
    assert_eq!((report.pages_removed, t.nblocks(&storage).unwrap()), (5, 5));
    assert_eq!(index.entries.len(), 565);
    assert_eq!(report.tuples_live, 565);
    assert!((0..5).all(|b| all_visible(&storage, &t, b).unwrap()));
    assert_eq!(count_all_visible(&storage, &t).unwrap(), 5);
    assert_eq!(now(&storage, &t), (0..1130).filter(|n| n % 226 % 2 == 0).collect::<Vec<_>>());
    // The room is used again before the table grows, and the map forgets the pages used.
    let mut c = Xact::begin(&storage);
    c.ints(&t, 10_000..10_500);
    assert_eq!(t.nblocks(&storage).unwrap(), 5);
    assert!(!all_visible(&storage, &t, 0).unwrap());
    commit(c);
    assert_eq!(verify(&storage, &t).unwrap(), []);
    // Nothing to do: all visible pages are skipped once there are many.
    let mut d = Xact::begin(&storage);
    d.ints(&t, 0..226 * 100);
    commit(d);
    vacuum(&storage, &t, Some(&mut index));
    let report = vacuum(&storage, &t, Some(&mut index));
    assert!(report.pages_scanned < 3, "{report:?}");
    // After a crash the maps are still right.
    storage.wal.flush(storage.wal.insert_lsn());
    let again = recover(&disk.after_power_loss(), (Lsn(SEGMENT_BYTES), Xid::FIRST_NORMAL));
    let t = reopen(&again, &t);
    assert_eq!(verify(&again, &t).unwrap(), []);
    assert!(all_visible(&again, &t, 50).unwrap());
    assert_eq!(now(&again, &t).len(), 565 + 500 + 22_600);
}

/// HOT chains shrink to a redirect; an index build sees each living row once, under its root.
#[test]
fn chains_are_redirected() {
    let storage = fresh(&Simulated::new(2), 128);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    let tids = a.ints(&t, 0..10);
    commit(a);
    let mut last = tids[3];
    for i in 0..5 {
        let mut b = Xact::begin(&storage);
        let done = b.update(&t, last, 100 + i, false);
        assert!(done.hot);
        last = done.tid;
        commit(b);
    }
    // A rolled-back update leaves a version that nothing leads to.
    let mut c = Xact::begin(&storage);
    assert!(c.update(&t, tids[4], 999, false).hot);
    c.abort();
    let report = vacuum(&storage, &t, Some(&mut Index { entries: tids.clone() }));
    assert_eq!(report.tuples_removed, 6);
    let page = storage.pool.read(t.main(), 0).unwrap().clone();
    assert_eq!(page.pointer(4).state(), crate::page::State::Redirect);
    assert_eq!(page.pointer(4).target(), last.offset);
    let mut scan = BuildScan::new(t.clone(), vec![1], None);
    let (mut batch, mut rows) = (Batch::default(), Vec::new());
    assert!(scan.next(&storage, &mut batch, &mut rows).unwrap());
    let seen: BTreeMap<TupleId, i32> =
        rows.iter().zip(0..).map(|(r, i)| (r.tid, batch.columns[0].get(i).i32())).collect();
    let want = tids.iter().zip(0..).map(|(t, i)| (*t, if i == 3 { 104 } else { i })).collect();
    assert_eq!(seen, want);
    assert!(rows.iter().all(|r| r.alive));
    assert!(!scan.next(&storage, &mut batch, &mut rows).unwrap());
    assert_eq!(verify(&storage, &t).unwrap(), []);
}

/// A rewritten table shows every snapshot what the old one did, without the dead.
#[test]
fn rewriting_keeps_what_is_seen() {
    let storage = fresh(&Simulated::new(3), 256);
    let t = table(&storage, 1, &[Phys::I32, Phys::Bytes]);
    let to = table(&storage, 2, &[Phys::I32, Phys::Bytes]);
    let row = |n: i32, len: usize| {
        let noise: Vec<u8> = (0..len as u32).map(|i| (i.wrapping_mul(2654435761) >> 24) as u8).collect();
        Batch::new(
            vec![Column::constant(Phys::I32, Datum::I32(n), 1), Column::constant(Phys::Bytes, Datum::Bytes(&noise), 1)],
            1,
        )
    };
    let a = Xact::begin(&storage);
    let tids: Vec<TupleId> = (0..200).map(|n| a.insert(&t, &row(n, n as usize * 40))[0]).collect();
    commit(a);
    let mut b = Xact::begin(&storage);
    (0..50).for_each(|n| assert_eq!(b.delete(&t, tids[n]), TmResult::Ok));
    commit(b);
    let reader = Xact::begin(&storage);
    let held = reader.snapshot();
    let mut c = Xact::begin(&storage);
    (50..100).for_each(|n| assert_eq!(c.delete(&t, tids[n]), TmResult::Ok));
    commit(c);
    let d = Xact::begin(&storage);
    let report = rewrite(d.cx(), &t, &to, &mut || Ok(())).unwrap();
    assert_eq!((report.live, report.recently_dead, report.removed), (100, 50, 50));
    commit(d);
    let mut seen = scan_ints(&storage, &to, held);
    seen.sort_unstable();
    assert_eq!(seen, (50..200).collect::<Vec<_>>());
    assert_eq!(now(&storage, &to), (100..200).collect::<Vec<_>>());
    assert_eq!(verify(&storage, &to).unwrap(), []);
}

/// A sample has the size asked for, comes in physical order, and favours no part of the table.
#[test]
fn samples_are_fair() {
    let storage = fresh(&Simulated::new(4), 256);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    for k in 0..30 {
        a.ints(&t, k * 1000..k * 1000 + 1000);
    }
    let snapshot = a.snapshot();
    let found = sample(&storage, &t, &snapshot, &[1], 60, 42, &mut || Ok(())).unwrap();
    let values: Vec<i32> = (0..found.batch.rows).map(|r| found.batch.columns[0].get(r).i32()).collect();
    assert_eq!(values.len(), 60);
    assert!(values.is_sorted());
    let mean = values.iter().sum::<i32>() / 60;
    assert!((11_000..19_000).contains(&mean), "{mean}");
    assert!((found.total_rows - 30_000.0).abs() < 600.0);
    let all = sample(&storage, &t, &snapshot, &[1], 100_000, 1, &mut || Ok(())).unwrap();
    assert_eq!((all.batch.rows, all.total_rows), (30_000, 30_000.0));
}

/// The model: committed rows by key, and each running transaction's own view at its last statement.
struct Model {
    committed: BTreeMap<i32, (i32, TupleId)>,
}

struct Session<'a> {
    x: Xact<'a>,
    /// Rows as of the transaction's one snapshot, with own changes: repeatable read.
    view: BTreeMap<i32, i32>,
    snapshot: Snapshot,
    changed: BTreeMap<i32, Option<(i32, TupleId)>>,
}

fn pair(key: i32, value: i32) -> Batch {
    let column = |v| Column::constant(Phys::I32, Datum::I32(v), 1);
    Batch::new(vec![column(key), column(value)], 1)
}

fn pairs(storage: &Storage, t: &Arc<TableStore>, snapshot: Snapshot) -> BTreeMap<i32, i32> {
    let mut scan = HeapScan::new(t.clone(), snapshot, vec![2, 1]);
    let mut batch = Batch::default();
    let mut all = BTreeMap::new();
    while scan.next(storage, &mut batch).unwrap() {
        for r in 0..batch.rows {
            let (value, key) = (batch.columns[0].get(r).i32(), batch.columns[1].get(r).i32());
            assert_eq!(all.insert(key, value), None, "key {key} twice");
        }
    }
    all
}

/// Several transactions under repeatable read do random things; what each sees, and what each write meets, is what a
/// simple model says. Vacuum and pruning run all the while.
#[test]
fn random_transactions_follow_the_model() {
    for seed in seeds(30) {
        let storage = fresh(&Simulated::new(seed), 64);
        let t = table(&storage, 1, &[Phys::I32, Phys::I32]);
        let mut random = Random(seed.wrapping_mul(77));
        let mut model = Model { committed: BTreeMap::new() };
        let mut sessions: Vec<Option<Session<'_>>> = (0..4).map(|_| None).collect();
        for step in 0..400 {
            let n = random.below(4) as usize;
            let Some(mut s) = sessions[n].take() else {
                let x = Xact::begin(&storage);
                let snapshot = x.snapshot();
                let view = model.committed.iter().map(|(k, (v, _))| (*k, *v)).collect();
                sessions[n] = Some(Session { x, view, snapshot, changed: BTreeMap::new() });
                continue;
            };
            match random.below(10) {
                0 => {
                    for (key, change) in &s.changed {
                        match change {
                            Some(row) => model.committed.insert(*key, *row),
                            None => model.committed.remove(key),
                        };
                    }
                    drop(s.snapshot);
                    s.x.commit();
                    continue;
                }
                1 => {
                    drop(s.snapshot);
                    s.x.abort();
                    continue;
                }
                2 => {
                    vacuum(&storage, &t, None);
                }
                3..=5 => step_insert(&mut s, &t, step),
                _ => step_change(&mut s, &t, &model, &mut random),
            }
            s.x.cid += 1;
            let seen = pairs(&storage, &t, s.snapshot.with_cid(CommandId(s.x.cid)));
            assert_eq!(seen, s.view, "seed {seed} step {step}");
            sessions[n] = Some(s);
        }
        assert_eq!(verify(&storage, &t).unwrap(), [], "seed {seed}");
    }
}

fn step_insert(s: &mut Session<'_>, t: &Arc<TableStore>, key: i32) {
    let tid = s.x.insert(t, &pair(key, 0))[0];
    s.view.insert(key, 0);
    s.changed.insert(key, Some((0, tid)));
}

/// Updates or deletes a row of the session's view, at the version its snapshot shows.
fn step_change(s: &mut Session<'_>, t: &Arc<TableStore>, model: &Model, random: &mut Random) {
    let Some(key) = s.view.keys().nth(random.below(s.view.len() as u64 + 1) as usize).copied() else { return };
    let storage = s.x.storage;
    let mut scan = HeapScan::new(t.clone(), s.snapshot.with_cid(CommandId(s.x.cid)), vec![1, system::CTID]);
    let mut batch = Batch::default();
    let mut tid = None;
    while scan.next(storage, &mut batch).unwrap() {
        for r in 0..batch.rows {
            if batch.columns[0].get(r) == Datum::I32(key) {
                tid = tid_from_bytes(batch.columns[1].get(r).bytes());
            }
        }
    }
    let tid = tid.expect("a row of the view is found");
    let value = s.view[&key] + 1;
    let remove = random.below(3) == 0;
    let (result, new) = if remove {
        (delete(&s.x.cx(), t, tid).unwrap(), TupleId::INVALID)
    } else {
        let kind = UpdateKind { indexed_changed: random.below(4) == 0, key_changed: random.below(4) == 0 };
        let done = update(&s.x.cx(), t, tid, &pair(key, value), 0, kind).unwrap();
        (done.result, done.tid)
    };
    let own = s.changed.contains_key(&key);
    let now = model.committed.get(&key);
    match result {
        TmResult::Ok => {
            assert!(own || now.is_some_and(|(v, at)| *v == s.view[&key] && *at == tid), "first updater wins");
            s.changed.insert(key, (!remove).then_some((value, new)));
            match remove {
                true => s.view.remove(&key),
                false => s.view.insert(key, value),
            };
        }
        TmResult::Updated { .. } => assert!(!own && now.is_none_or(|(_, at)| *at != tid)),
        TmResult::Deleted { .. } => assert!(!own && now.is_none()),
        TmResult::BeingModified(xid) => assert!(!own && storage.mvcc.is_running(xid) && xid != s.x.xid),
        other => panic!("{other:?}"),
    }
}

/// A checkpoint's redo position never separates a commit record from the commit log, and the commit log survives
/// however it is cut.
#[test]
fn the_commit_log_survives() {
    let disk = Simulated::new(9);
    let storage = fresh(&disk, 64);
    let mut redo = (Lsn(SEGMENT_BYTES), Xid::FIRST_NORMAL);
    let mut expected = Vec::new();
    for n in 0..500 {
        let x = Xact::begin(&storage);
        let xid = x.xid;
        if n % 3 == 0 {
            x.abort();
        } else {
            commit(x);
            expected.push(xid);
        }
        if n == 250 {
            redo = checkpoint(&storage);
        }
    }
    storage.wal.flush(storage.wal.insert_lsn());
    let again = recover(&disk.after_power_loss(), redo);
    for n in 3..=storage.mvcc.next_xid().0 {
        let committed = matches!(again.mvcc.status(Xid(n)), mvcc::XactStatus::Committed(_));
        assert_eq!(committed, expected.contains(&Xid(n)), "{n}");
    }
}

/// Temporary and unlogged tables work without a word in the log.
#[test]
fn unlogged_tables_log_nothing() {
    for persistence in [crate::buffer::Persistence::Unlogged, crate::buffer::Persistence::Temp] {
        let storage = fresh(&Simulated::new(5), 64);
        let t = TableStore::open(&storage, TableDef { persistence, ..super::tests::def(1, &[Phys::I32]) });
        t.create(&storage).unwrap();
        let before = storage.wal.insert_lsn();
        let mut a = Xact::begin(&storage);
        let tids = a.ints(&t, 0..3000);
        assert_eq!(a.update(&t, tids[0], -1, false).result, TmResult::Ok);
        assert_eq!(a.delete(&t, tids[2999]), TmResult::Ok);
        a.commit();
        vacuum(&storage, &t, None);
        assert_eq!(now(&storage, &t).len(), 2999);
        assert_eq!(storage.wal.insert_lsn(), before);
        assert_eq!(t.main().fork(), Fork::Main);
        assert_eq!(verify(&storage, &t).unwrap(), []);
    }
}

/// A full disk is an error that leaves table and pool usable.
#[test]
fn a_full_disk_is_an_error() {
    let disk = Simulated::new(6);
    let storage = fresh(&disk, 64);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    a.ints(&t, 0..1000);
    disk.set_capacity(Some(disk.used_bytes() + 100_000));
    let mut failed: Option<Error> = None;
    for k in 0..200 {
        let mut tids = Vec::new();
        if let Err(stop) = insert(&a.cx(), &t, &int_batch(k * 1000..k * 1000 + 1000), &mut tids) {
            failed = Some(stop.into_error());
            break;
        }
    }
    assert_eq!(failed.unwrap().sqlstate().as_str(), "53100");
    disk.set_capacity(None);
    a.abort();
    let mut b = Xact::begin(&storage);
    b.ints(&t, 0..1000);
    b.commit();
    assert_eq!(now(&storage, &t).len(), 1000);
}

/// Threads that move amounts between rows, and readers that add them up: every snapshot sees the same sum, whatever is
/// updated, pruned, evicted and vacuumed meanwhile.
#[test]
fn threads_see_consistent_sums() {
    let storage = fresh(&Simulated::new(7), 32);
    let t = table(&storage, 1, &[Phys::I32, Phys::I32]);
    let a = Xact::begin(&storage);
    (0..2000).for_each(|k| drop(a.insert(&t, &pair(k, 100))));
    commit(a);
    std::thread::scope(|scope| {
        for seed in 0..3u64 {
            let (storage, t) = (&storage, &t);
            scope.spawn(move || (0..150).for_each(|n| move_amount(storage, t, &mut Random(seed << 32 | n))));
        }
        for _ in 0..2 {
            let (storage, t) = (&storage, &t);
            scope.spawn(move || {
                for _ in 0..25 {
                    let x = Xact::begin(storage);
                    let seen = pairs(storage, t, x.snapshot());
                    assert_eq!((seen.len(), seen.values().sum::<i32>()), (2000, 200_000));
                    x.abort();
                }
            });
        }
        let (storage, t) = (&storage, &t);
        scope.spawn(move || {
            for _ in 0..10 {
                vacuum(storage, t, Some(&mut Index::default()));
            }
        });
    });
    assert_eq!(verify(&storage, &t).unwrap(), []);
    let left = pairs(&storage, &t, Snapshot::self_all(Arc::new(Own::new())));
    assert_eq!((left.len(), left.values().sum::<i32>()), (2000, 200_000));
}

/// One transaction: takes from one row, gives to another; gives up when somebody else was there.
fn move_amount(storage: &Storage, t: &Arc<TableStore>, random: &mut Random) {
    let mut x = Xact::begin(storage);
    let (from, to) = (random.below(2000) as i32, random.below(2000) as i32);
    let mut scan = HeapScan::new(t.clone(), x.snapshot(), vec![1, 2, system::CTID]);
    let mut batch = Batch::default();
    let mut found = BTreeMap::new();
    while scan.next(storage, &mut batch).unwrap() {
        for r in 0..batch.rows {
            let key = batch.columns[0].get(r).i32();
            if key == from || key == to {
                let tid = tid_from_bytes(batch.columns[2].get(r).bytes()).unwrap();
                found.insert(key, (batch.columns[1].get(r).i32(), tid));
            }
        }
    }
    let moves: &[(i32, i32)] = if from == to { &[] } else { &[(from, -7), (to, 7)] };
    for (key, change) in moves {
        let (value, tid) = found[key];
        let kind = UpdateKind { indexed_changed: random.below(4) == 0, key_changed: false };
        let done = update(&x.cx(), t, tid, &pair(*key, value + change), 0, kind).unwrap();
        x.cid += 1;
        if done.result != TmResult::Ok {
            return x.abort();
        }
    }
    commit(x);
}
