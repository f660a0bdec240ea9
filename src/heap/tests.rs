use super::*;
use crate::base::{CommandId, Lsn, Oid, RelFileId, TupleId, Xid};
use crate::buffer::Persistence;
use crate::disk::Simulated;
use crate::mvcc::{Own, Snapshot, SnapshotSlot};
use crate::storage::Storage;
use crate::storage::testing::fresh;
use crate::types::{BATCH_ROWS, Batch, Column, Datum, Phys, TypeRef, oid};
use std::sync::Arc;

pub fn def(node: u32, phys: &[Phys]) -> TableDef {
    let type_of = |p: Phys| if p == Phys::Bytes { oid::BYTEA } else { oid::INT4 };
    let attrs = phys.iter().map(|p| AttrDesc::new(*p, TypeRef::of(type_of(*p)))).collect();
    let file = RelFileId::new(Oid(5), Oid(node));
    TableDef::plain(Oid(node), file, Persistence::Permanent, Arc::new(TupleDesc::new(attrs)))
}

pub fn table(storage: &Storage, node: u32, phys: &[Phys]) -> Arc<TableStore> {
    let toast = TableStore::open(storage, TableDef { desc: Arc::new(toast_desc()), ..def(node + 1000, &[]) });
    toast.create(storage).unwrap();
    let store = TableStore::open(storage, TableDef { toast: Some(toast), ..def(node, phys) });
    store.create(storage).unwrap();
    store
}

/// A transaction of the tests, with its session.
pub struct Xact<'a> {
    pub storage: &'a Storage,
    pub own: Arc<Own>,
    pub xid: Xid,
    pub cid: u32,
    slot: Arc<SnapshotSlot>,
}

impl<'a> Xact<'a> {
    pub fn begin(storage: &'a Storage) -> Xact<'a> {
        let own = Arc::new(Own::new());
        let xid = storage.mvcc.assign_xid(Oid::INVALID);
        own.set_top(xid);
        Xact { storage, own, xid, cid: 0, slot: storage.mvcc.register() }
    }

    pub fn cx(&self) -> WriteContext<'_> {
        WriteContext {
            storage: self.storage,
            xid: self.xid,
            cid: CommandId(self.cid),
            own: &self.own,
            compression: Compression::Lz4,
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        self.storage.mvcc.snapshot(&self.slot, &self.own, CommandId(self.cid))
    }

    pub fn commit(self) {
        let lsn = self.storage.mvcc.log_commit(self.xid, &[], || Ok(Lsn::INVALID)).unwrap();
        self.storage.mvcc.commit(self.xid, &[], lsn);
    }

    pub fn abort(self) {
        self.storage.mvcc.abort(self.xid, &[]).unwrap();
    }

    pub fn insert(&self, store: &TableStore, batch: &Batch) -> Vec<TupleId> {
        let mut tids = Vec::new();
        insert(&self.cx(), store, batch, &mut tids).unwrap();
        tids
    }

    pub fn ints(&mut self, store: &TableStore, values: impl IntoIterator<Item = i32>) -> Vec<TupleId> {
        let tids = self.insert(store, &int_batch(values));
        self.cid += 1;
        tids
    }

    pub fn update(&mut self, store: &TableStore, tid: TupleId, value: i32, indexed: bool) -> Updated {
        let kind = UpdateKind { indexed_changed: indexed, key_changed: false };
        let done = update(&self.cx(), store, tid, &int_batch([value]), 0, kind).unwrap();
        self.cid += 1;
        done
    }

    pub fn delete(&mut self, store: &TableStore, tid: TupleId) -> TmResult {
        let done = delete(&self.cx(), store, tid).unwrap();
        self.cid += 1;
        done
    }

    pub fn lock(&self, store: &TableStore, tid: TupleId, strength: LockStrength) -> TmResult {
        lock_tuple(&self.cx(), store, tid, strength).unwrap()
    }

    pub fn values(&self, store: &Arc<TableStore>) -> Vec<i32> {
        scan_ints(self.storage, store, self.snapshot())
    }
}

pub fn int_batch(values: impl IntoIterator<Item = i32>) -> Batch {
    let mut c = Column::new(Phys::I32);
    values.into_iter().for_each(|v| c.push(Datum::I32(v)));
    let rows = c.len();
    Batch::new(vec![c], rows)
}

pub fn scan_ints(storage: &Storage, store: &Arc<TableStore>, snapshot: Snapshot) -> Vec<i32> {
    let mut scan = HeapScan::new(store.clone(), snapshot, vec![1]);
    let mut batch = Batch::default();
    let mut all = Vec::new();
    while scan.next(storage, &mut batch).unwrap() {
        all.extend((0..batch.rows).map(|r| batch.columns[0].get(r).i32()));
    }
    all
}

fn count(storage: &Storage, store: &Arc<TableStore>, snapshot: Snapshot) -> usize {
    let mut scan = HeapScan::new(store.clone(), snapshot, vec![]);
    let mut batch = Batch::default();
    let mut n = 0;
    while scan.next(storage, &mut batch).unwrap() {
        n += batch.rows;
    }
    n
}

/// A million int4 rows and pgbench's accounts take exactly PostgreSQL's number of pages (scaled down by 100).
#[test]
fn page_counts_are_postgresqls() {
    let storage = fresh(&Simulated::new(1), 4096);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut x = Xact::begin(&storage);
    for chunk in 0..100 {
        x.ints(&t, chunk * 1000..(chunk + 1) * 1000);
    }
    assert_eq!(t.nblocks(&storage).unwrap(), 443);
    assert_eq!(100_000usize.div_ceil(226), 443);
    let accounts = table(&storage, 2, &[Phys::I32, Phys::I32, Phys::I32, Phys::Bytes]);
    let int = |n| Column::constant(Phys::I32, Datum::I32(n), 1000);
    for _ in 0..10 {
        let filler = Column::constant(Phys::Bytes, Datum::Bytes(&[b' '; 84]), 1000);
        x.insert(&accounts, &Batch::new(vec![int(1), int(2), int(3), filler], 1000));
    }
    // 1,000,000 rows: 16,394 pages of 61.
    assert_eq!(accounts.nblocks(&storage).unwrap(), 10_000u32.div_ceil(61));
}

/// Own rows are seen by later commands only, others' rows after their commit only, aborted ones never.
#[test]
fn visibility_follows_commits() {
    let storage = fresh(&Simulated::new(2), 64);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    let b = Xact::begin(&storage);
    let before = b.snapshot();
    a.insert(&t, &int_batch([1, 2]));
    assert_eq!(a.values(&t), [0i32; 0]);
    a.cid += 1;
    assert_eq!(a.values(&t), [1, 2]);
    assert_eq!(b.values(&t), [0i32; 0]);
    a.commit();
    assert_eq!(b.values(&t), [1, 2]);
    assert_eq!(scan_ints(&storage, &t, before.clone()), [0i32; 0]);
    let mut c = Xact::begin(&storage);
    c.ints(&t, [3]);
    c.abort();
    assert_eq!(b.values(&t), [1, 2]);
    // Again, now by the hints set on the first pass.
    assert_eq!(b.values(&t), [1, 2]);
    assert_eq!(count(&storage, &t, b.snapshot()), 2);
    assert_eq!(count(&storage, &t, before), 0);
}

/// Updates and deletes: snapshots keep what they saw; the new version hangs on the old one's place when HOT.
#[test]
fn versions_replace_one_another() {
    let storage = fresh(&Simulated::new(3), 64);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    let tids = a.ints(&t, [10, 20, 30]);
    a.commit();
    let mut a = Xact::begin(&storage);
    let old = a.snapshot();
    let done = a.update(&t, tids[1], 21, false);
    assert_eq!((done.result, done.hot, done.tid), (TmResult::Ok, true, TupleId::new(0, 4)));
    assert_eq!(a.delete(&t, tids[0]), TmResult::Ok);
    assert_eq!(a.values(&t), [30, 21]);
    let b = Xact::begin(&storage);
    assert_eq!(b.values(&t), [10, 20, 30]);
    assert_eq!(delete(&b.cx(), &t, tids[1]).unwrap(), TmResult::BeingModified(a.xid));
    let a_xid = a.xid;
    a.commit();
    assert_eq!(delete(&b.cx(), &t, tids[1]).unwrap(), TmResult::Updated { ctid: TupleId::new(0, 4), xmax: a_xid });
    assert_eq!(delete(&b.cx(), &t, tids[0]).unwrap(), TmResult::Deleted { xmax: a_xid });
    assert_eq!(scan_ints(&storage, &t, old), [10, 20, 30]);
    // The index entry still leads to the newest version.
    let mut fetch = HeapFetch::new(t.clone(), b.snapshot(), vec![1, system::CTID]);
    let mut out = Batch::default();
    assert_eq!(fetch.fetch(&storage, tids[1], &mut out).unwrap(), Some(TupleId::new(0, 4)));
    assert_eq!(out.columns[0].get(0), Datum::I32(21));
    assert_eq!(tid_from_bytes(out.columns[1].get(0).bytes()), Some(TupleId::new(0, 4)));
    assert_eq!(fetch.fetch(&storage, tids[0], &mut out).unwrap(), None);
    assert_eq!(occupant(&storage, &t, tids[1], &b.own).unwrap(), Occupant::Live(TupleId::new(0, 4)));
    assert_eq!(occupant(&storage, &t, tids[0], &b.own).unwrap(), Occupant::None { all_dead: false });
}

/// A row updated over and over in its page never makes the table grow: pruning gives the room back.
#[test]
fn hot_updates_stay_on_their_page() {
    let storage = fresh(&Simulated::new(4), 64);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    let tids = a.ints(&t, 0..226);
    a.commit();
    assert_eq!(t.nblocks(&storage).unwrap(), 1);
    let mut a = Xact::begin(&storage);
    assert_eq!(a.delete(&t, tids[7]), TmResult::Ok);
    a.commit();
    let (mut at, mut value) = (tids[5], 5);
    for _ in 0..1000 {
        std::thread::sleep(std::time::Duration::from_micros(50));
        let mut a = Xact::begin(&storage);
        value += 1000;
        let done = a.update(&t, at, value, false);
        assert_eq!(done.result, TmResult::Ok);
        at = done.tid;
        a.commit();
    }
    assert!(t.nblocks(&storage).unwrap() <= 2);
    let b = Xact::begin(&storage);
    assert_eq!(b.values(&t).len(), 225);
    assert!(b.values(&t).contains(&value));
}

/// NULLs, all physical forms, columns added later, and system columns come back.
#[test]
fn values_come_back() {
    let storage = fresh(&Simulated::new(5), 64);
    let all = [Phys::Bool, Phys::I16, Phys::Bytes, Phys::I32, Phys::U32, Phys::Bytes, Phys::I64, Phys::F32, Phys::F64];
    let t = table(&storage, 1, &all);
    let long = vec![b'l'; 300];
    let row = |i: usize| -> Vec<Datum<'_>> {
        let n = i as i64;
        let mut v = vec![
            Datum::Bool(i.is_multiple_of(2)),
            Datum::I16(n as i16),
            Datum::Bytes(&long[..i % 200]),
            Datum::I32(-n as i32),
            Datum::U32(n as u32),
            Datum::Bytes(b"xyz"),
            Datum::I64(n << 33),
            Datum::F32(n as f32),
            Datum::F64(n as f64 / 3.0),
        ];
        if i % 3 == 1 {
            v[i % 9] = Datum::Null;
        }
        v
    };
    let mut columns: Vec<Column> = all.iter().map(|p| Column::new(*p)).collect();
    for i in 0..500 {
        row(i).into_iter().zip(&mut columns).for_each(|(v, c)| c.push(v));
    }
    let x = Xact::begin(&storage);
    let tids = x.insert(&t, &Batch::new(columns, 500));
    let (xid, own) = (x.xid, x.own.clone());
    x.commit();
    // A column more than the rows have.
    let mut attrs = t.desc().attrs.clone();
    attrs.push(AttrDesc {
        missing: Some(crate::types::Value::I32(42)),
        ..AttrDesc::new(Phys::I32, TypeRef::of(oid::INT4))
    });
    let wider = TableStore::open(&storage, TableDef { desc: Arc::new(TupleDesc::new(attrs)), ..t.def().clone() });
    for backward in [false, true] {
        let snapshot = Snapshot::self_all(own.clone());
        let attnos = vec![9, 1, 3, 2, 10, 4, 5, 6, 7, 8, system::CTID, system::XMIN, system::TABLEOID];
        let mut scan = HeapScan::new(wider.clone(), snapshot.clone(), attnos);
        if backward {
            scan = scan.backward();
        }
        let mut batch = Batch::default();
        let mut seen = 0;
        while scan.next(&storage, &mut batch).unwrap() {
            for r in 0..batch.rows {
                let i = if backward { 499 - seen } else { seen };
                let want = row(i);
                let got: Vec<_> = batch.columns.iter().map(|c| c.get(r)).collect();
                assert_eq!([got[1], got[3], got[2], got[5], got[6]], want[..5]);
                assert_eq!([got[7], got[8], got[9], got[0]], want[5..]);
                assert_eq!(got[4], Datum::I32(42));
                assert_eq!(tid_from_bytes(got[10].bytes()), Some(tids[i]));
                assert_eq!((got[11], got[12]), (Datum::U32(xid.0 as u32), Datum::U32(1)));
                seen += 1;
            }
        }
        assert_eq!(seen, 500);
        let mut fetch = HeapFetch::new(wider.clone(), snapshot, vec![6, 1, 10, 9]);
        for (i, tid) in tids.iter().enumerate() {
            let mut out = Batch::default();
            fetch.fetch(&storage, *tid, &mut out).unwrap().unwrap();
            let got: Vec<_> = out.columns.iter().map(|c| c.get(0)).collect();
            assert_eq!(got, [row(i)[5], row(i)[0], Datum::I32(42), row(i)[8]]);
        }
    }
}

/// Large values are compressed or moved out, and come back the same; deleting the row deletes their chunks.
#[test]
fn large_values_come_back() {
    let storage = fresh(&Simulated::new(6), 256);
    let t = table(&storage, 1, &[Phys::I32, Phys::Bytes, Phys::Bytes]);
    let noise = |n: usize, seed: u32| -> Vec<u8> {
        let mut s = seed;
        (0..n)
            .map(|_| {
                s = s.wrapping_mul(1664525).wrapping_add(1013904223);
                (s >> 24) as u8
            })
            .collect()
    };
    let rows: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (vec![b'a'; 5000], b"short".to_vec()),
        (noise(5000, 1), noise(100, 2)),
        (noise(1500, 3), noise(1500, 4)),
        (noise(100_000, 5), vec![b'z'; 300_000]),
        (noise(CHUNK_TEST, 6), Vec::new()),
        ([noise(3000, 7), vec![b'q'; 20_000]].concat(), noise(2000, 8)),
    ];
    const CHUNK_TEST: usize = 3 * toast::CHUNK;
    let batch = |rows: &[(Vec<u8>, Vec<u8>)]| {
        let mut columns = vec![Column::new(Phys::I32), Column::new(Phys::Bytes), Column::new(Phys::Bytes)];
        for (i, (a, b)) in rows.iter().enumerate() {
            columns[0].push(Datum::I32(i as i32));
            columns[1].push(Datum::Bytes(a));
            columns[2].push(Datum::Bytes(b));
        }
        Batch::new(columns, rows.len())
    };
    let mut x = Xact::begin(&storage);
    let tids = x.insert(&t, &batch(&rows));
    x.cid += 1;
    let check = |x: &Xact<'_>, rows: &[(Vec<u8>, Vec<u8>)]| {
        let mut scan = HeapScan::new(t.clone(), x.snapshot(), vec![1, 2, 3]);
        let mut out = Batch::default();
        let mut seen = 0;
        while scan.next(&storage, &mut out).unwrap() {
            for r in 0..out.rows {
                let i = out.columns[0].get(r).i32() as usize;
                assert!(out.columns[1].get(r) == Datum::Bytes(&rows[i].0), "row {i}");
                assert!(out.columns[2].get(r) == Datum::Bytes(&rows[i].1), "row {i}");
                seen += 1;
            }
        }
        assert_eq!(seen, rows.len());
    };
    check(&x, &rows);
    assert!(t.nblocks(&storage).unwrap() <= 2);
    let mut changed = rows.clone();
    changed[3].0 = noise(60_000, 9);
    let all = batch(&changed);
    let kind = UpdateKind { indexed_changed: false, key_changed: false };
    assert_eq!(update(&x.cx(), &t, tids[3], &all, 3, kind).unwrap().result, TmResult::Ok);
    x.cid += 1;
    check(&x, &changed);
    let chunks = |x: &Xact<'_>| count(&storage, t.toast().unwrap(), x.snapshot());
    let before = chunks(&x);
    assert_eq!(delete(&x.cx(), &t, tids[1]).unwrap(), TmResult::Ok);
    x.cid += 1;
    assert_eq!(chunks(&x), before - 3);
}

/// Every pair of lock strengths meets as PostgreSQL's table of conflicts says, with updates and deletes among them.
#[test]
fn row_locks_conflict_as_documented() {
    use LockStrength::*;
    let storage = fresh(&Simulated::new(7), 64);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    let tids = a.ints(&t, 0..16);
    a.commit();
    let all = [KeyShare, Share, NoKeyUpdate, Update];
    let table = [[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1]];
    for (i, first) in all.into_iter().enumerate() {
        for (j, second) in all.into_iter().enumerate() {
            let (a, b) = (Xact::begin(&storage), Xact::begin(&storage));
            let tid = tids[i * 4 + j];
            assert_eq!(a.lock(&t, tid, first), TmResult::Ok);
            assert_eq!(a.lock(&t, tid, first), TmResult::Ok);
            let want = if table[i][j] == 1 { TmResult::BeingModified(a.xid) } else { TmResult::Ok };
            assert_eq!(b.lock(&t, tid, second), want, "{first:?} {second:?}");
            a.commit();
            assert_eq!(b.lock(&t, tid, second), TmResult::Ok);
            // The second holder still counts when the first is gone.
            let c = Xact::begin(&storage);
            assert_eq!(c.lock(&t, tid, Update), TmResult::BeingModified(b.xid));
            b.abort();
            assert_eq!(c.lock(&t, tid, Update), TmResult::Ok);
            c.abort();
        }
    }
}

/// A foreign key's lock and an update of other columns go together, in either order, and the lock moves on to the new
/// version; a delete must wait for it.
#[test]
fn key_share_survives_an_update() {
    use LockStrength::*;
    let storage = fresh(&Simulated::new(8), 64);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    let tids = a.ints(&t, [1, 2]);
    a.commit();
    for (tid, lock_first) in [(tids[0], true), (tids[1], false)] {
        let locker = Xact::begin(&storage);
        let mut updater = Xact::begin(&storage);
        if lock_first {
            assert_eq!(locker.lock(&t, tid, KeyShare), TmResult::Ok);
        }
        let new = updater.update(&t, tid, 77, false);
        assert_eq!(new.result, TmResult::Ok);
        if !lock_first {
            assert_eq!(locker.lock(&t, tid, KeyShare), TmResult::Ok);
        }
        let mut third = Xact::begin(&storage);
        assert!(matches!(third.delete(&t, tid), TmResult::BeingModified(_)));
        updater.commit();
        assert!(matches!(third.delete(&t, tid), TmResult::BeingModified(_)));
        assert_eq!(third.delete(&t, new.tid), TmResult::BeingModified(locker.xid));
        locker.commit();
        assert_eq!(third.delete(&t, new.tid), TmResult::Ok);
        third.abort();
    }
}

/// A page all of whose rows everybody sees gets its flag by a scan, is counted without a look at the rows, and loses
/// the flag with the first change.
#[test]
fn scans_flag_all_visible_pages() {
    let storage = fresh(&Simulated::new(9), 64);
    let t = table(&storage, 1, &[Phys::I32]);
    let mut a = Xact::begin(&storage);
    let tids = a.ints(&t, 0..500);
    a.commit();
    let b = Xact::begin(&storage);
    t.compute_horizon(&storage);
    assert_eq!(b.values(&t).len(), 500);
    assert_eq!(b.values(&t).len(), 500);
    let flagged = |n| storage.pool.read(t.main(), n).unwrap().has_flag(crate::page::ALL_VISIBLE);
    assert!(flagged(0) && flagged(1) && flagged(2));
    assert_eq!(count(&storage, &t, b.snapshot()), 500);
    let mut c = Xact::begin(&storage);
    c.delete(&t, tids[300]);
    assert!(flagged(0) && !flagged(1));
    assert_eq!(count(&storage, &t, c.snapshot()), 499);
    assert_eq!(count(&storage, &t, b.snapshot()), 500);
}

/// Batches hold at most 1,024 rows and keep their bytes after the scan went on.
#[test]
fn batches_outlive_the_scan() {
    let storage = fresh(&Simulated::new(10), 64);
    let t = table(&storage, 1, &[Phys::Bytes]);
    let x = Xact::begin(&storage);
    for k in 0..5 {
        let mut c = Column::new(Phys::Bytes);
        (0..1000).for_each(|i| c.push(Datum::Bytes(format!("row {}", k * 1000 + i).as_bytes())));
        x.insert(&t, &Batch::new(vec![c], 1000));
    }
    let mut scan = HeapScan::new(t.clone(), Snapshot::self_all(x.own.clone()), vec![1]);
    let mut kept = Vec::new();
    let mut batch = Batch::default();
    while scan.next(&storage, &mut batch).unwrap() {
        assert!(batch.rows <= BATCH_ROWS);
        kept.push(batch.clone());
    }
    let all: Vec<String> =
        kept.iter().flat_map(|b| (0..b.rows).map(|r| b.columns[0].get(r).str().to_string())).collect();
    assert!(all.len() == 5000 && all.iter().enumerate().all(|(i, s)| *s == format!("row {i}")));
    scan.rescan();
    assert!(scan.next(&storage, &mut batch).unwrap() && batch.columns[0].get(0).str() == "row 0");
}

fn nanos(from: rustix::time::Timespec, to: rustix::time::Timespec) -> f64 {
    (to.tv_sec - from.tv_sec) as f64 * 1e9 + (to.tv_nsec - from.tv_nsec) as f64
}

/// Prints nanoseconds of CPU per row. `cargo test --release --lib heap::tests::bench -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, not a check"]
fn bench() {
    let dir = tempfile::tempdir().unwrap();
    let storage = crate::storage::testing::on_disk(dir.path(), 65_536);
    let t = table(&storage, 1, &[Phys::I32]);
    let rows = 5_000_000u32;
    let timed = |what: &str, n: u32, work: &mut dyn FnMut()| {
        let cpu = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let start = cpu();
        work();
        println!("{what:40} {:8.2} ns/row", nanos(start, cpu()) / n as f64);
    };
    let x = Xact::begin(&storage);
    let batches: Vec<Batch> = (0..8).map(|k| int_batch(k * 1000..k * 1000 + 1000)).collect();
    let mut tids = Vec::new();
    timed("insert int4, batches of 1,000", rows, &mut || {
        for k in 0..rows / 1000 {
            tids.clear();
            insert(&x.cx(), &t, &batches[k as usize % 8], &mut tids).unwrap();
        }
    });
    storage.wal.flush(storage.wal.insert_lsn());
    x.commit();
    let reader = Xact::begin(&storage);
    let count_all = |attnos: Vec<i16>| {
        let mut scan = HeapScan::new(t.clone(), reader.snapshot(), attnos);
        let mut batch = Batch::default();
        let mut n = 0;
        while scan.next(&storage, &mut batch).unwrap() {
            n += batch.rows as u32;
        }
        assert_eq!(n, rows);
    };
    let held = reader.snapshot();
    timed("first scan: looks, sets hints", rows, &mut || count_all(vec![1]));
    for n in 0..t.nblocks(&storage).unwrap() {
        storage.pool.write(t.main(), n).unwrap().clear_flag(crate::page::ALL_VISIBLE);
    }
    let running = Xact::begin(&storage);
    insert(&running.cx(), &t, &batches[0], &mut tids).unwrap();
    timed("scan, all hinted, sets all-visible", rows, &mut || count_all(vec![1]));
    timed("scan, all visible", rows, &mut || count_all(vec![1]));
    timed("count(*), all visible", rows, &mut || count_all(vec![]));
    drop(held);
    let accounts = table(&storage, 2, &[Phys::I32, Phys::I32, Phys::I32, Phys::Bytes]);
    let int = |n| Column::constant(Phys::I32, Datum::I32(n), 1000);
    let wide =
        Batch::new(vec![int(1), int(2), int(3), Column::constant(Phys::Bytes, Datum::Bytes(&[b' '; 84]), 1000)], 1000);
    let x = Xact::begin(&storage);
    timed("insert pgbench_accounts", 1_000_000, &mut || {
        for _ in 0..1000 {
            tids.clear();
            insert(&x.cx(), &accounts, &wide, &mut tids).unwrap();
        }
    });
    let last = *tids.last().unwrap();
    storage.wal.flush(storage.wal.insert_lsn());
    x.commit();
    for attnos in [vec![1, 3], vec![4], vec![1, 2, 3, 4]] {
        let what = format!("scan accounts {attnos:?}");
        timed(&what, 1_000_000, &mut || {
            let mut scan = HeapScan::new(accounts.clone(), reader.snapshot(), attnos.clone());
            let mut batch = Batch::default();
            while scan.next(&storage, &mut batch).unwrap() {}
        });
    }
    let mut random = Random(1);
    let mut fetch = HeapFetch::new(accounts.clone(), Xact::begin(&storage).snapshot(), vec![1, 2, 3, 4]);
    let mut out = Batch::default();
    timed("fetch a row by its place", 1_000_000, &mut || {
        for _ in 0..1_000_000 {
            let tid = TupleId::new(random.below(last.block as u64) as u32, 1 + random.below(61) as u16);
            fetch.prepare(&mut out);
            assert!(fetch.fetch(&storage, tid, &mut out).unwrap().is_some());
        }
    });
    let kind = UpdateKind { indexed_changed: false, key_changed: false };
    timed("update a row, one transaction each", 200_000, &mut || {
        for _ in 0..200_000 {
            let x = Xact::begin(&storage);
            let root = TupleId::new(random.below(last.block as u64) as u32, 1 + random.below(61) as u16);
            let mut fetch = HeapFetch::new(accounts.clone(), x.snapshot(), vec![1]);
            fetch.prepare(&mut out);
            let Some(tid) = fetch.fetch(&storage, root, &mut out).unwrap() else { continue };
            assert_eq!(update(&x.cx(), &accounts, tid, &wide, 0, kind).unwrap().result, TmResult::Ok);
            x.commit();
        }
    });
}
