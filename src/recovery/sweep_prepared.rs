//! The crash sweep of two-phase commit: transactions are prepared and ended, with checkpoints between the two, cut at
//! every disk operation, and recovered through the product's own start.
//!
//! What must hold after any cut: prepared is exactly what was acknowledged as prepared and not ended, but for the one
//! that was on its way; so is what is visible. Whatever is left can be committed, and then all of it is there.

use super::sweep::{Db, Values, batch};
use super::tests::{panics_unwind, room};
use super::*;
use crate::base::{Flow, Oid, Result, Stop, Wait};
use crate::catalog::{Catalog, Cluster, create_folder};
use crate::disk::Simulated;
use crate::disk::simulated::Fault;
use crate::heap::WriteContext;
use crate::storage::Storage;
use crate::twophase::Finisher;
use crate::xact::{Ending, Isolation, Preparation, SyncCommit, Transaction};
use std::collections::BTreeMap;
use std::sync::Arc;

const ME: Finisher = Finisher { role: Oid(10), is_superuser: true, database: Oid(5) };

/// What was acknowledged, and what was on its way.
#[derive(Clone, Default, Debug)]
struct Model {
    committed: Values,
    prepared: BTreeMap<String, Values>,
    preparing: Option<(String, Values)>,
    /// With whether it is to be committed.
    ending: Option<(String, bool)>,
}

struct World {
    db: Db,
    catalog: Catalog,
    txn: Transaction,
}

fn opened(disk: &Simulated) -> Result<World> {
    let room = room(disk);
    room.storage().twophase.set_limit(10);
    start_up(room.storage(), &room, &Progress::default())?;
    let storage = room.storage().clone();
    let cluster = Cluster::load(storage.clone())?;
    let catalog = Catalog::new(cluster.clone(), cluster.folder(Oid(5))?);
    let txn = Transaction::new(storage, Oid(5), 1);
    Ok(World { db: Db::open(room), catalog, txn })
}

fn create(disk: &Simulated) {
    Db::create(disk);
    let room = room(disk);
    start_up(room.storage(), &room, &Progress::default()).unwrap();
    for db in [0, 5] {
        create_folder(room.storage(), Oid(db)).unwrap();
    }
    room.perform(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE).unwrap();
}

/// As a session does: awaits the log and goes on.
fn driven(storage: &Storage, mut step: impl FnMut() -> Flow<()>) -> Result<()> {
    loop {
        match step() {
            Err(Stop::Wait(w)) if matches!(*w, Wait::Flush(_)) => storage.wal.flush(storage.wal.insert_lsn()),
            other => return other.map_err(Stop::into_error),
        }
    }
}

impl World {
    fn storage(&self) -> Arc<Storage> {
        self.db.room.storage().clone()
    }

    fn insert(&mut self, values: &[i32]) -> Result<()> {
        let storage = self.storage();
        let (xid, cid, own) = (self.txn.xid(), self.txn.command_for_write(), self.txn.own().clone());
        let cx = WriteContext { storage: &storage, xid, cid, own: &own, compression: crate::heap::Compression::Lz4 };
        let mut tids = Vec::new();
        crate::heap::insert(&cx, &self.db.table, &batch(values), &mut tids).map_err(Stop::into_error)?;
        self.db.index_rows(xid, values, &tids)?;
        self.txn.next_command();
        Ok(())
    }

    /// One transaction, with a part that is rolled back, prepared.
    fn prepare(&mut self, base: i32) -> Result<Values> {
        self.txn.begin(Isolation::ReadCommitted, false);
        let mut made: Vec<i32> = (0..40).map(|i| base + i).collect();
        self.insert(&made)?;
        self.txn.savepoint(&self.catalog, "kept");
        self.insert(&[base + 100])?;
        made.push(base + 100);
        self.txn.release_savepoint(&self.catalog, "kept")?;
        self.txn.savepoint(&self.catalog, "undone");
        self.insert(&[base + 200])?;
        self.txn.rollback_to_savepoint(&self.catalog, "undone")?;
        Ok(made.into_iter().collect())
    }

    fn end(&mut self, gid: &str, commit: bool) -> Result<()> {
        let storage = self.storage();
        let mut ending = Ending::start(&storage, gid, ME, commit)?;
        driven(&storage, || ending.step(&self.catalog))
    }
}

fn workload(disk: &Simulated, model: &mut Model, transactions: i32) -> Result<()> {
    let mut world = opened(disk)?;
    let storage = world.storage();
    for n in 0..transactions {
        let gid = format!("t{n}");
        let made = world.prepare(n * 1000)?;
        model.preparing = Some((gid.clone(), made.clone()));
        let ask = Preparation { gid: gid.clone(), owner: Oid(10), ..Preparation::default() };
        driven(&storage, || world.txn.prepare(&world.catalog, &ask))?;
        model.preparing = None;
        model.prepared.insert(gid, made);
        if n % 3 == 1 {
            world.db.room.perform(CheckpointFlags::FORCE | CheckpointFlags::IMMEDIATE)?;
        }
        // Two stay prepared for a while.
        if n < 2 {
            continue;
        }
        let old = format!("t{}", n - 2);
        let commit = n % 4 != 3;
        model.ending = Some((old.clone(), commit));
        world.end(&old, commit)?;
        model.ending = None;
        let values = model.prepared.remove(&old).unwrap_or_default();
        if commit {
            model.committed.extend(values);
        }
        // An ordinary transaction beside them.
        world.txn.begin(Isolation::ReadCommitted, false);
        world.insert(&[n * 1000 + 500])?;
        model.preparing = Some((String::new(), Values::from([n * 1000 + 500])));
        driven(&storage, || world.txn.commit(&world.catalog, SyncCommit::On))?;
        model.committed.extend(model.preparing.take().map(|p| p.1).unwrap_or_default());
    }
    world.db.room.perform(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE)
}

/// Whether what a start has found agrees with the model; a transaction on its way may have come to its end.
fn check(model: &Model, gids: &[String], found: &Values, replay: &str) -> Values {
    let mut committed = model.committed.clone();
    let mut prepared = model.prepared.clone();
    match &model.preparing {
        Some((gid, made)) if gid.is_empty() && made.is_subset(found) => committed.extend(made),
        Some((gid, made)) if gids.contains(gid) => drop(prepared.insert(gid.clone(), made.clone())),
        _ => {}
    }
    if let Some((gid, commit)) = &model.ending
        && !gids.contains(gid)
    {
        let made = prepared.remove(gid).unwrap_or_default();
        if *commit {
            committed.extend(made);
        }
    }
    let known: Vec<String> = prepared.keys().cloned().collect();
    assert_eq!(gids, known, "{replay}");
    assert_eq!(*found, committed, "{replay}");
    committed.extend(prepared.into_values().flatten());
    committed
}

fn run_cut(cut: u64, fault: Fault, seed: u64, transactions: i32) {
    let replay = format!("run_cut({cut}, Fault::{fault:?}, {seed}, {transactions})");
    let mut disk = Simulated::new(seed);
    create(&disk);
    disk.fault_at(cut, fault);
    let mut model = Model::default();
    let work = std::panic::AssertUnwindSafe(|| workload(&disk, &mut model, transactions));
    let _ = std::panic::catch_unwind(work);
    disk = if seed.is_multiple_of(3) { disk.after_process_crash() } else { disk.after_power_loss() };
    if seed % 2 == 1 {
        disk.fault_at(1 + cut * seed % 60, Fault::CutTorn);
        let again = std::panic::AssertUnwindSafe(|| opened(&disk).map(drop));
        let _ = std::panic::catch_unwind(again);
        disk = disk.after_power_loss();
    }
    let mut world = opened(&disk).unwrap();
    let mut gids: Vec<String> = world.storage().twophase.list().iter().map(|p| p.state.gid.clone()).collect();
    gids.sort();
    let all = check(&model, &gids, &world.db.values(), &replay);
    for gid in &gids {
        world.end(gid, true).unwrap();
    }
    assert_eq!(world.db.values(), all, "{replay}");
    assert!(world.storage().locks.rows().is_empty(), "{replay}");
    drop(world);
    let world = opened(&disk.after_power_loss()).unwrap();
    assert_eq!(world.db.values(), all, "{replay}: after another crash");
    assert!(world.storage().twophase.list().is_empty(), "{replay}");
}

fn operations(transactions: i32) -> std::ops::RangeInclusive<u64> {
    let disk = Simulated::new(0);
    create(&disk);
    let first = disk.operations() + 1;
    let mut model = Model::default();
    workload(&disk, &mut model, transactions).unwrap();
    first..=disk.operations()
}

#[test]
fn prepared_transactions_survive_cuts() {
    panics_unwind();
    let all = operations(6);
    assert!(all.clone().count() > 50);
    for cut in all.step_by(5) {
        run_cut(cut, Fault::CutTorn, cut, 6);
    }
}

/// `OUTLAST_SEEDS=20 cargo test --lib recovery::sweep_prepared -- --ignored --nocapture`
#[test]
#[ignore = "minutes"]
fn prepared_transactions_survive_every_cut() {
    panics_unwind();
    let seeds = std::env::var("OUTLAST_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(4);
    for seed in 0..seeds {
        for fault in [Fault::Cut, Fault::CutTorn, Fault::Eio, Fault::Enospc] {
            for cut in operations(9) {
                run_cut(cut, fault, seed * 1000 + cut, 9);
            }
        }
    }
}
