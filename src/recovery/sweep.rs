//! The crash sweep: a mixed workload of transactions over a table and its index, cut at every disk operation,
//! recovered through the product's own start, compared with a model of acknowledged commits.
//!
//! What must hold after any cut: every acknowledged transaction is there, wholly; the one that was being
//! committed is there wholly or not at all; nothing else is. The index is sound and leads to every row.

use super::tests::{initialise, panics_unwind, started};
use super::*;
use crate::base::{CommandId, Fork, Oid, RelFileId, TupleId, Xid};
use crate::btree::{Bounds, Direction, IndexEntry, IndexScan, IndexStore};
use crate::buffer::Persistence;
use crate::disk::Simulated;
use crate::disk::simulated::Fault;
use crate::heap::{
    AttrDesc, Compression, HeapScan, IndexVacuum, TableDef, TableStore, TmResult, TupleDesc, UpdateKind, Vacuum,
    VacuumHost, VacuumOptions, WriteContext,
};
use crate::mvcc::Own;
use crate::types::{Batch, Column, Datum, Phys, TypeRef, oid};
use crate::wal::{Record, Rmgr};
use crate::xact::EndRecord;
use std::collections::BTreeSet;
use std::sync::Arc;

const TABLE: RelFileId = RelFileId::new(Oid(5), Oid(20000));
const INDEX: RelFileId = RelFileId::new(Oid(5), Oid(20001));
const COMMIT: u8 = 0;

/// An engine room with one table and one index.
pub(super) struct Db {
    pub room: Arc<Checkpoints>,
    pub table: Arc<TableStore>,
    index: Arc<IndexStore>,
}

/// Values in the table: the model, and what a scan finds.
pub(super) type Values = BTreeSet<i32>;

impl Db {
    pub fn open(room: Arc<Checkpoints>) -> Db {
        let storage = room.storage();
        let int = TypeRef::of(oid::INT4);
        let desc =
            TupleDesc::new(vec![AttrDesc::new(Phys::I32, int), AttrDesc::new(Phys::I64, TypeRef::of(oid::INT8))]);
        let table =
            TableStore::open(storage, TableDef::plain(TABLE.node, TABLE, Persistence::Permanent, Arc::new(desc)));
        let index =
            IndexStore::open(storage, (Oid::INVALID, INDEX), Persistence::Permanent, vec![(int, false, false)], 1);
        Db { room, table, index }
    }

    /// The table and the index, empty, on a cluster stopped cleanly.
    pub fn create(disk: &Simulated) {
        initialise(disk);
        let (room, _) = started(disk);
        let db = Db::open(room);
        let storage = db.room.storage();
        db.table.create(storage).unwrap();
        let fork = storage.pool.open(INDEX, Fork::Main, Persistence::Permanent);
        storage.pool.create(&fork, false).unwrap();
        IndexStore::create_empty(storage, &fork, Xid::BOOTSTRAP).unwrap();
        db.room.perform(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE).unwrap();
    }

    fn begin(&self) -> Xact<'_> {
        let own = Arc::new(Own::new());
        let xid = self.room.storage().mvcc.assign_xid(Oid::INVALID);
        own.set_top(xid);
        Xact { db: self, own, xid, cid: 0 }
    }

    fn rows(&self, own: &Arc<Own>, cid: u32) -> Vec<(i32, TupleId)> {
        let storage = self.room.storage();
        let slot = storage.mvcc.register();
        let snapshot = storage.mvcc.snapshot(&slot, own, CommandId(cid));
        let mut scan = HeapScan::new(self.table.clone(), snapshot, vec![1, -1]);
        let (mut batch, mut all) = (Batch::default(), Vec::new());
        while scan.next(storage, &mut batch).unwrap() {
            for row in 0..batch.rows {
                let tid = batch.columns[1].get(row).bytes();
                let block = u32::from_le_bytes(tid[..4].try_into().unwrap());
                all.push((
                    batch.columns[0].get(row).i32(),
                    TupleId::new(block, u16::from_le_bytes(tid[4..].try_into().unwrap())),
                ));
            }
        }
        all
    }

    /// What a new transaction sees, each value once; checks that the index leads to every row.
    pub fn values(&self) -> Values {
        let storage = self.room.storage();
        let rows = self.rows(&Arc::new(Own::new()), 0);
        self.index.verify(storage).unwrap();
        let mut indexed = BTreeSet::new();
        let mut scan = IndexScan::new(self.index.clone(), Bounds::default(), Direction::Forward).with_keys();
        while let Some(tid) = scan.next(storage).unwrap() {
            indexed.insert((scan.key().to_vec(), tid));
        }
        let mut values = Values::new();
        for (value, tid) in rows {
            assert!(values.insert(value), "{value} is there twice");
            assert!(indexed.contains(&(self.key(value), tid)), "{value} at {tid} is not in the index");
        }
        values
    }

    pub fn index_rows(&self, xid: Xid, values: &[i32], tids: &[TupleId]) -> crate::base::Result<()> {
        let entries: Vec<IndexEntry> = values
            .iter()
            .zip(tids)
            .map(|(v, tid)| IndexEntry { key: self.key(*v), tid: Some(*tid), has_null: false })
            .collect();
        self.index.insert(self.room.storage(), xid.into(), &entries).map_err(crate::base::Stop::into_error)
    }

    fn key(&self, value: i32) -> Vec<u8> {
        let mut key = Vec::new();
        self.index.encode_key([Datum::I32(value)].into_iter(), &mut key);
        key
    }
}

impl Db {
    /// Vacuums the table and the index; the end of the table is cut off where it can be.
    fn vacuum(&self) -> crate::base::Result<()> {
        let mut work = Vacuum::new(self.table.clone(), VacuumOptions { all_pages: true, ..VacuumOptions::default() });
        let mut index = Sweeper(&self.index);
        while work.step(self.room.storage(), &mut [&mut index], &mut Alone)? {}
        Ok(())
    }
}

struct Sweeper<'a>(&'a IndexStore);

impl IndexVacuum for Sweeper<'_> {
    fn bulk_delete(&mut self, storage: &crate::storage::Storage, dead: &[TupleId]) -> crate::base::Result<u64> {
        Ok(self.0.bulk_delete(storage, dead)?.entries_removed)
    }

    fn clean_up(&mut self, storage: &crate::storage::Storage) -> crate::base::Result<()> {
        self.0.clean_up(storage).map(drop)
    }
}

/// Nobody else works on the table.
struct Alone;

impl VacuumHost for Alone {
    fn pace(&mut self) -> crate::base::Result<()> {
        Ok(())
    }

    fn lock_to_truncate(&mut self) -> bool {
        true
    }

    fn truncated(&mut self) {}
}

struct Xact<'a> {
    db: &'a Db,
    own: Arc<Own>,
    xid: Xid,
    cid: u32,
}

impl Xact<'_> {
    fn cx(&self) -> WriteContext<'_> {
        WriteContext {
            storage: self.db.room.storage(),
            xid: self.xid,
            cid: CommandId(self.cid),
            own: &self.own,
            compression: Compression::Lz4,
        }
    }

    fn index(&self, values: &[i32], tids: &[TupleId]) -> crate::base::Result<()> {
        self.db.index_rows(self.xid, values, tids)
    }

    fn insert(&mut self, values: &[i32]) -> crate::base::Result<()> {
        let mut tids = Vec::new();
        crate::heap::insert(&self.cx(), &self.db.table, &batch(values), &mut tids)
            .map_err(crate::base::Stop::into_error)?;
        self.index(values, &tids)?;
        self.cid += 1;
        Ok(())
    }

    /// Deletes every third row, gives every third of the rest a new value. Returns (gone, new).
    fn churn(&mut self, fresh: i32) -> crate::base::Result<(Vec<i32>, Vec<i32>)> {
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for (i, (value, tid)) in self.db.rows(&self.own, self.cid).into_iter().enumerate() {
            let result = match i % 9 {
                0 | 3 | 6 => crate::heap::delete(&self.cx(), &self.db.table, tid),
                1 | 4 => {
                    let kind = UpdateKind { indexed_changed: true, key_changed: true };
                    let value = fresh + i as i32;
                    let done = crate::heap::update(&self.cx(), &self.db.table, tid, &batch(&[value]), 0, kind)
                        .map_err(crate::base::Stop::into_error)?;
                    self.index(&[value], &[done.tid])?;
                    new.push(value);
                    Ok(done.result)
                }
                _ => continue,
            };
            let result = result.map_err(crate::base::Stop::into_error)?;
            assert!(matches!(result, TmResult::Ok));
            gone.push(value);
        }
        self.cid += 1;
        Ok((gone, new))
    }

    fn commit(self) -> crate::base::Result<()> {
        let storage = self.db.room.storage();
        let body = EndRecord::default().encode();
        storage.wal.reserve(Record::max_bytes(0, body.len())).map_err(crate::base::Stop::into_error)?;
        let lsn = storage.mvcc.log_commit(self.xid, &[], || {
            let record = Record { rmgr: Rmgr::Transaction, info: COMMIT, xid: self.xid, blocks: &[], data: &[&body] };
            Ok(storage.wal.insert(&record).end)
        })?;
        storage.wal.flush(lsn);
        storage.mvcc.commit(self.xid, &[], lsn);
        Ok(())
    }

    fn abort(self) -> crate::base::Result<()> {
        self.db.room.storage().mvcc.abort(self.xid, &[])
    }
}

pub(super) fn batch(values: &[i32]) -> Batch {
    let (mut a, mut b) = (Column::new(Phys::I32), Column::new(Phys::I64));
    for v in values {
        a.push(Datum::I32(*v));
        b.push(Datum::I64(*v as i64 * 1000));
    }
    Batch::new(vec![a, b], values.len())
}

/// Acknowledged state, and the one being made durable.
#[derive(Clone, Default, Debug)]
struct Model {
    acknowledged: Values,
    maybe: Option<Values>,
}

impl Model {
    fn allows(&self, found: &Values) -> bool {
        *found == self.acknowledged || self.maybe.as_ref() == Some(found)
    }
}

/// A few transactions: bulk and single inserts, churn, an abort, checkpoints in between, a clean stop.
fn workload(disk: &Simulated, model: &mut Model, transactions: i32) -> crate::base::Result<()> {
    let room = super::tests::room(disk);
    start_up(room.storage(), &room, &Progress::default())?;
    let db = Db::open(room);
    for n in 0..transactions {
        let mut next = model.acknowledged.clone();
        let mut xact = db.begin();
        let base = n * 100_000;
        let count = if n % 4 == 0 { 300 } else { 7 };
        let values: Vec<i32> = (0..count).map(|i| base + (i * 7919) % 10_007).collect();
        xact.insert(&values)?;
        next.extend(&values);
        if n % 3 == 2 {
            let (gone, new) = xact.churn(base + 50_000)?;
            next.retain(|v| !gone.contains(v));
            next.extend(&new);
        }
        if n % 5 == 3 {
            xact.abort()?;
            continue;
        }
        model.maybe = Some(next.clone());
        xact.commit()?;
        *model = Model { acknowledged: next, maybe: None };
        if n % 3 == 2 {
            db.vacuum()?;
        }
        if n % 4 == 1 {
            db.room.perform(CheckpointFlags::FORCE | CheckpointFlags::IMMEDIATE)?;
        }
    }
    db.room.perform(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE)
}

/// Runs the workload with a cut at the given operation, recovers (perhaps cut once more), compares.
fn run_cut(cut: u64, fault: Fault, seed: u64, transactions: i32) {
    let replay = format!("run_cut({cut}, Fault::{fault:?}, {seed}, {transactions})");
    let mut disk = Simulated::new(seed);
    Db::create(&disk);
    disk.fault_at(cut, fault);
    let mut model = Model::default();
    let work = std::panic::AssertUnwindSafe(|| workload(&disk, &mut model, transactions));
    let _ = std::panic::catch_unwind(work);
    assert!(disk.is_dead(), "{replay}");
    disk = disk.after_power_loss();
    if seed % 2 == 1 {
        disk.fault_at(1 + cut * seed % 50, Fault::CutTorn);
        let again = std::panic::AssertUnwindSafe(|| {
            let room = super::tests::room(&disk);
            start_up(room.storage(), &room, &Progress::default())
        });
        let _ = std::panic::catch_unwind(again);
        disk = disk.after_power_loss();
    }
    let (room, _) = started(&disk);
    let db = Db::open(room);
    let found = db.values();
    assert!(
        model.allows(&found),
        "{replay}: {} found, {} acknowledged, missing {:?}, too many {:?}",
        found.len(),
        model.acknowledged.len(),
        model.acknowledged.difference(&found).take(5).collect::<Vec<_>>(),
        found.difference(&model.acknowledged).take(5).collect::<Vec<_>>()
    );
    // And the database works on.
    let mut xact = db.begin();
    xact.insert(&[-1]).unwrap();
    xact.commit().unwrap();
    assert_eq!(db.values().len(), found.len() + 1, "{replay}");
}

/// Runs the workload with a fault that is not the end of the disk; whatever it ends in, an error, a PANIC or
/// nothing, a crash and a recovery later all is as it should be.
fn run_fault(at: u64, fault: Fault, seed: u64, transactions: i32) {
    let replay = format!("run_fault({at}, Fault::{fault:?}, {seed}, {transactions})");
    let mut disk = Simulated::new(seed);
    Db::create(&disk);
    disk.fault_at(at, fault);
    let mut model = Model::default();
    let work = std::panic::AssertUnwindSafe(|| workload(&disk, &mut model, transactions));
    let _ = std::panic::catch_unwind(work);
    disk = if seed.is_multiple_of(2) { disk.after_power_loss() } else { disk.after_process_crash() };
    let (room, _) = started(&disk);
    let found = Db::open(room).values();
    assert!(model.allows(&found), "{replay}: {} found, {} acknowledged", found.len(), model.acknowledged.len());
}

/// The operations of the workload: from its first to its last.
fn operations(transactions: i32) -> std::ops::RangeInclusive<u64> {
    let disk = Simulated::new(0);
    Db::create(&disk);
    let first = disk.operations() + 1;
    let mut model = Model::default();
    workload(&disk, &mut model, transactions).unwrap();
    let last = disk.operations();
    let (room, recovered) = started(&disk);
    assert!(!recovered);
    assert_eq!(Db::open(room).values(), model.acknowledged);
    first..=last
}

/// Every seventh operation of a short workload; the whole sweep is the ignored test below.
#[test]
fn commits_survive_cuts() {
    panics_unwind();
    let all = operations(6);
    assert!(all.clone().count() > 50);
    for cut in all.step_by(7) {
        run_cut(cut, Fault::CutTorn, cut, 6);
    }
}

/// A failed operation here and there.
#[test]
fn commits_survive_faults() {
    panics_unwind();
    for at in operations(6).step_by(11) {
        run_fault(at, Fault::Eio, at, 6);
        run_fault(at, Fault::Enospc, at, 6);
    }
}

/// `OUTLAST_SEEDS=20 cargo test --lib recovery::sweep -- --ignored --nocapture`
#[test]
#[ignore = "minutes"]
fn commits_survive_every_cut() {
    panics_unwind();
    let seeds = std::env::var("OUTLAST_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(4);
    for seed in 0..seeds {
        for fault in [Fault::Cut, Fault::CutTorn] {
            for cut in operations(14) {
                run_cut(cut, fault, seed * 1000 + cut, 14);
            }
        }
        for fault in [Fault::Eio, Fault::Enospc] {
            for at in operations(14) {
                run_fault(at, fault, seed * 1000 + at, 14);
            }
        }
    }
}

/// How fast redo is: three million rows with an index, in batches, then a crash.
/// `cargo test --release --lib recovery::sweep::redo_speed -- --ignored --nocapture`
#[test]
#[ignore = "a benchmark"]
fn redo_speed() {
    use crate::disk::Posix;
    use crate::wal::{ControlFile, WalConfig};
    use std::time::Instant;
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let open = || {
        let disk: Arc<dyn crate::disk::Disk> = Arc::new(Posix::new(dir.path()));
        let control = ControlFile::read(&*disk).unwrap();
        let (settings, stats) = (crate::settings::Global::boot(), crate::stat::Stats::new());
        open_with(disk, Arc::new(settings), Arc::new(stats), control, &WalConfig::default(), 65_536).unwrap()
    };
    let disk = Arc::new(Posix::new(dir.path()));
    create(disk.clone(), &NewCluster::random(16 << 20, true).unwrap()).unwrap();
    crate::disk::durable::mkdir(&*disk, "base/5").unwrap();
    {
        let room = open();
        start_up(room.storage(), &room, &Progress::default()).unwrap();
        let db = Db::open(room);
        let storage = db.room.storage();
        db.table.create(storage).unwrap();
        let fork = storage.pool.open(INDEX, Fork::Main, Persistence::Permanent);
        storage.pool.create(&fork, false).unwrap();
        IndexStore::create_empty(storage, &fork, Xid::BOOTSTRAP).unwrap();
        let start = Instant::now();
        let mut xact = db.begin();
        for n in 0..3_000_000 / 1000 {
            let values: Vec<i32> = (n * 1000..(n + 1) * 1000).collect();
            xact.insert(&values).unwrap();
        }
        xact.commit().unwrap();
        let bytes = storage.wal.stats().bytes;
        println!("3M rows inserted in {:.2} s, {} MB of log", start.elapsed().as_secs_f64(), bytes >> 20);
    }
    let room = open();
    let start = Instant::now();
    assert!(start_up(room.storage(), &room, &Progress::default()).unwrap());
    println!("recovered in {:.2} s", start.elapsed().as_secs_f64());
    assert_eq!(Db::open(room).rows(&Arc::new(Own::new()), 0).len(), 3_000_000);
}
