//! Files and stages of prepared transactions, on the simulated disk.

use super::*;
use crate::base::{Lsn, Oid, RelFileId, TupleId, Xid};
use crate::disk::{Disk, Simulated, durable};
use crate::lock::HeldLocks;
use crate::mvcc::ClogStatus;
use crate::storage::testing::fresh;
use std::sync::Arc;

fn state(gid: &str, xid: u64) -> State {
    State { gid: gid.into(), xid: Xid(xid), subs: vec![Xid(xid + 1)], database: Oid(5), ..State::default() }
}

fn row(xid: u64) -> RowLock {
    let file = RelFileId::new(Oid(5), Oid(20000));
    RowLock { file, tid: TupleId::new(3, 1), xid: Xid(xid), strength: 1 }
}

fn prepare(home: &Arc<TwoPhase>, gid: &str, xid: u64, lsn: u64) {
    let claim = home.reserve(gid).unwrap();
    home.logged(Arc::new(state(gid, xid)), Lsn(lsn));
    let held = HeldLocks::new(home.new_owner());
    claim.prepared(Hold { held, tracked: None, virtual_id: None });
}

const ME: Finisher = Finisher { role: Oid(10), is_superuser: true, database: Oid(5) };

/// TWO-1: a checkpoint writes what lies before its redo position; later ones write only what has changed (TWO-3).
#[test]
fn checkpoints_write_what_is_older() {
    let disk = Simulated::new(1);
    let home = Arc::new(TwoPhase::new(Arc::new(disk.clone())));
    home.set_limit(3);
    prepare(&home, "old", 10, 100);
    prepare(&home, "new", 20, 300);
    assert_eq!(home.checkpoint(Lsn(200), |_| {}).unwrap(), 1);
    assert!(disk.exists("pg_twophase/0000000A") && !disk.exists("pg_twophase/00000014"));
    assert_eq!(home.checkpoint(Lsn(250), |_| {}).unwrap(), 0);
    assert!(home.pass_on(row(11)) && !home.pass_on(row(99)));
    assert_eq!(home.checkpoint(Lsn(250), |_| {}).unwrap(), 1);
    let again = Arc::new(TwoPhase::new(Arc::new(disk.clone())));
    again.set_limit(3);
    let storage = fresh(&Simulated::new(2), 16);
    again.load(Xid(100), storage.mvcc.clog()).unwrap();
    assert_eq!(again.rows(Xid(10)), [row(11)]);
    assert_eq!(again.states()[0].subs, [Xid(11)]);
}

/// Names are taken once, entries claimed by one, and a claim that comes to nothing is given back.
#[test]
fn names_and_claims() {
    let home = Arc::new(TwoPhase::new(Arc::new(Simulated::new(1))));
    assert!(!home.is_enabled() && home.reserve("a").is_err());
    home.set_limit(2);
    drop(home.reserve("a").unwrap());
    prepare(&home, "a", 10, 100);
    assert!(home.reserve("a").is_err() && home.claim("b", ME).is_err());
    let claim = home.claim("a", ME).unwrap();
    assert!(home.claim("a", ME).is_err(), "busy");
    drop(claim);
    assert!(home.claim("a", Finisher { is_superuser: false, ..ME }).is_err());
    assert!(home.claim("a", Finisher { database: Oid(6), ..ME }).is_err());
    let (claim, _) = home.claim("a", ME).unwrap();
    assert!(home.take(Xid(10)).is_some());
    // Somebody else takes the name before the claim goes.
    let other = home.reserve("a").unwrap();
    claim.over();
    assert!(home.reserve("a").is_err());
    drop(other);
    drop((home.reserve("a").unwrap(), home.reserve("b").unwrap()));
}

/// A file that is cut or changed is found out; what the commit log or the checkpoint knows better goes.
#[test]
fn damaged_stale_and_future_files() {
    let disk = Simulated::new(1);
    let storage = fresh(&disk, 16);
    let home = storage.twophase.clone();
    home.set_limit(5);
    for (gid, xid) in [("stays", 10), ("ended", 20), ("future", 30)] {
        prepare(&home, gid, xid, 1);
    }
    home.checkpoint(Lsn(2), |_| {}).unwrap();
    storage.mvcc.clog().set(Xid(20), ClogStatus::Committed, Lsn::INVALID).unwrap();
    let again = Arc::new(TwoPhase::new(Arc::new(disk.clone())));
    again.set_limit(1);
    again.load(Xid(30), storage.mvcc.clog()).unwrap();
    let gids: Vec<String> = again.states().iter().map(|s| s.gid.clone()).collect();
    assert_eq!(gids, ["stays"]);
    assert_eq!(disk.list("pg_twophase").unwrap().len(), 1);
    let path = "pg_twophase/0000000A";
    let sound = durable::read(&disk, path).unwrap();
    for at in 0..sound.len() {
        let mut bad = sound.clone();
        bad[at] ^= 4;
        durable::replace(&disk, path, &bad).unwrap();
        let fresh = Arc::new(TwoPhase::new(Arc::new(disk.clone())));
        fresh.set_limit(1);
        assert!(fresh.load(Xid(30), storage.mvcc.clog()).is_err(), "byte {at}");
        durable::replace(&disk, path, &sound[..at]).unwrap();
        assert!(fresh.load(Xid(30), storage.mvcc.clog()).is_err(), "cut at {at}");
    }
}
