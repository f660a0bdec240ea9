//! Starts, crashes and checkpoints on the simulated disk.

use super::*;
use crate::base::{Fork, Lsn, Oid, RelFileId, Report, Xid};
use crate::buffer::Persistence;
use crate::disk::{Disk, Simulated, durable};
use crate::page::Page;
use crate::settings::Global;
use crate::stat::Stats;
use crate::wal::record::xlog;
use crate::wal::{BlockMode, ControlFile, DbState, Rmgr, WalConfig};
use std::sync::Arc;

pub const SEGMENT: u64 = 64 << 10;

/// A new, empty cluster, as initdb leaves it.
pub fn initialise(disk: &Simulated) {
    let cluster =
        NewCluster { system_identifier: 77, segment_bytes: SEGMENT as u32, data_checksums: true, mock_nonce: [1; 32] };
    create(Arc::new(disk.clone()), &cluster).unwrap();
    durable::mkdir(disk, "base/5").unwrap();
}

/// The engine's parts over a disk, the log not yet started.
pub fn room(disk: &Simulated) -> Arc<Checkpoints> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let control = ControlFile::read(&*shared).unwrap();
    let config = WalConfig { segment_bytes: SEGMENT, flusher: false, ..WalConfig::default() };
    open_with(shared, Arc::new(Global::boot()), Arc::new(Stats::new()), control, &config, 16).unwrap()
}

/// Starts the engine's parts through the product's own start.
pub fn started(disk: &Simulated) -> (Arc<Checkpoints>, bool) {
    let room = room(disk);
    let recovered = start_up(room.storage(), &room, &Progress::default()).unwrap();
    (room, recovered)
}

const FILE: RelFileId = RelFileId::new(Oid(5), Oid(16384));

/// Writes a page wholly through the log, as an image.
fn put_page(room: &Checkpoints, block: u32, text: &[u8]) -> Lsn {
    let pool = &room.storage().pool;
    let rel = pool.open(FILE, Fork::Main, Persistence::Permanent);
    room.storage().wal.reserve(10_000).unwrap();
    if !rel.exists() {
        pool.create(&rel, true).unwrap();
    }
    pool.extend_to(&rel, block + 1).unwrap();
    let mut page = pool.write(&rel, block).unwrap();
    if page.is_new() {
        page.init(0);
    }
    page.add_item(text).unwrap();
    pool.log(Rmgr::Xlog, xlog::FPI, Xid(9), &mut [(&mut page, BlockMode::Image)], &[])
}

fn items(room: &Checkpoints, block: u32) -> Vec<Vec<u8>> {
    let pool = &room.storage().pool;
    let rel = pool.open(FILE, Fork::Main, Persistence::Permanent);
    let mut page = Page::default();
    if !rel.exists() || pool.nblocks(&rel).unwrap() <= block {
        return Vec::new();
    }
    pool.copy(&rel, block, page.bytes_mut()).unwrap();
    (1..=page.item_count()).map(|n| page.item(n).to_vec()).collect()
}

/// A clean stop needs no recovery, a crash does, and what was flushed is there after both.
#[test]
fn clean_and_unclean_starts() {
    let disk = Simulated::new(3);
    initialise(&disk);
    let (room, recovered) = started(&disk);
    assert!(!recovered);
    assert_eq!(room.control().get().state, DbState::InProduction);
    put_page(&room, 0, b"one");
    room.perform(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE).unwrap();
    assert_eq!(room.control().get().state, DbState::Shutdowned);
    drop(room);
    let (room, recovered) = started(&disk);
    assert!(!recovered);
    assert_eq!(items(&room, 0), [b"one"]);
    let lsn = put_page(&room, 0, b"two");
    room.storage().wal.flush(lsn);
    put_page(&room, 0, b"lost");
    let disk = disk.after_power_loss();
    let (room, recovered) = started(&disk);
    assert!(recovered);
    assert_eq!(items(&room, 0), [&b"one"[..], b"two"]);
    assert_eq!(room.control().get().state, DbState::InProduction);
}

/// Object ids given out before a crash are never given out again.
#[test]
fn object_ids_survive() {
    let disk = Simulated::new(4);
    initialise(&disk);
    let (room, _) = started(&disk);
    let first = room.storage().wal.next_oid().unwrap();
    let mut last = first;
    (0..9000).for_each(|_| last = room.storage().wal.next_oid().unwrap());
    assert_eq!((first, last), (Oid(16384), Oid(16384 + 9000)));
    room.storage().wal.flush(room.storage().wal.insert_lsn());
    let disk = disk.after_power_loss();
    let (room, _) = started(&disk);
    assert!(room.storage().wal.next_oid().unwrap() > last);
    room.perform(CheckpointFlags::SHUTDOWN).unwrap();
    let next = room.storage().wal.peek_oid();
    let (room, _) = started(&disk);
    assert_eq!(room.storage().wal.next_oid().unwrap(), next);
}

/// An idle cluster makes no timed checkpoint; a forced one is made; the log between them is bounded.
#[test]
fn idle_checkpoints_are_skipped() {
    let disk = Simulated::new(5);
    initialise(&disk);
    let (room, _) = started(&disk);
    room.perform(CheckpointFlags::FORCE | CheckpointFlags::IMMEDIATE).unwrap();
    let before = room.control().get().checkpoint;
    room.perform(CheckpointFlags::CAUSE_TIME).unwrap();
    assert_eq!(room.control().get().checkpoint, before);
    room.perform(CheckpointFlags::FORCE).unwrap();
    assert!(room.control().get().checkpoint > before);
}

/// A damaged checkpoint record and a missing log directory are told in PostgreSQL's words.
#[test]
fn starts_that_cannot_be() {
    let disk = Simulated::new(6);
    initialise(&disk);
    for entry in disk.list("pg_wal").unwrap().into_iter().filter(|e| !e.is_dir) {
        disk.remove(&format!("pg_wal/{}", entry.name)).unwrap();
    }
    let room1 = room(&disk);
    let e = start_up(room1.storage(), &room1, &Progress::default()).unwrap_err();
    assert_eq!(e.message(), "could not locate a valid checkpoint record");
    disk.rmdir("pg_wal/archive_status").unwrap();
    disk.rmdir("pg_wal").unwrap();
    let e = start_up(room1.storage(), &room1, &Progress::default()).unwrap_err();
    assert_eq!(e.message(), "required WAL directory \"pg_wal\" does not exist");
}

pub fn panics_unwind() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        crate::base::report::on_panic(Box::new(|r: &Report| {
            std::panic::resume_unwind(Box::new(r.message.clone()));
        }));
    });
}

/// The sweep over pages: cut at every disk operation of start, work, checkpoints and stop; also cut the
/// recovery that follows; every acknowledged item is there in the end, in order, none twice.
#[test]
fn pages_survive_every_cut() {
    use crate::disk::simulated::Fault;
    panics_unwind();
    let workload = |disk: &Simulated, acknowledged: &mut [u8; 4]| {
        let room = room(disk);
        start_up(room.storage(), &room, &Progress::default())?;
        for i in 0..40u8 {
            let block = (i % 4) as usize;
            let lsn = put_page(&room, block as u32, &[i; 40]);
            if i % 3 == 0 {
                room.storage().wal.flush(lsn);
                (0..4).for_each(|b| acknowledged[b] = (i + 4 - b as u8) / 4);
            }
            if i % 13 == 12 {
                room.perform(CheckpointFlags::FORCE | CheckpointFlags::IMMEDIATE)?;
            }
        }
        room.perform(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE)
    };
    let prepared = |seed| {
        let disk = Simulated::new(seed);
        initialise(&disk);
        disk
    };
    let dry = prepared(0);
    let first = dry.operations();
    workload(&dry, &mut [0; 4]).unwrap();
    let last = dry.operations();
    assert!(last - first > 60, "{}", last - first);
    for cut in first + 1..=last {
        let fault = if cut % 2 == 0 { Fault::Cut } else { Fault::CutTorn };
        let mut disk = prepared(cut);
        disk.fault_at(cut, fault);
        let mut acknowledged = [0; 4];
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| workload(&disk, &mut acknowledged)));
        assert!(disk.is_dead());
        disk = disk.after_power_loss();
        // The recovery is cut as well, somewhere.
        disk.fault_at(1 + cut % 40, Fault::CutTorn);
        let again = std::panic::AssertUnwindSafe(|| {
            let room = room(&disk);
            start_up(room.storage(), &room, &Progress::default())
        });
        let _ = std::panic::catch_unwind(again);
        disk = disk.after_power_loss();
        let (room, _) = started(&disk);
        for block in 0..4u8 {
            let found = items(&room, block as u32);
            assert!(found.len() >= acknowledged[block as usize] as usize, "cut at {cut} of {first}..{last}");
            for (n, item) in found.iter().enumerate() {
                assert_eq!(item, &[n as u8 * 4 + block; 40], "cut at {cut}");
            }
        }
    }
}

/// Ids go on beyond the end of their low half, past those that would look special there, and the commit log with them.
#[test]
fn ids_pass_two_to_the_32nd() {
    let disk = Simulated::new(1);
    initialise(&disk);
    let first = (1 << 32) - 2;
    let engine = room(&disk);
    engine.storage().mvcc.redo_seen(Xid(first - 1));
    start_up(engine.storage(), &engine, &Progress::default()).unwrap();
    let mvcc = &engine.storage().mvcc;
    let ids: Vec<Xid> = (0..4).map(|_| mvcc.assign_xid(Oid::INVALID)).collect();
    assert_eq!(ids, [first, first + 1, first + 5, first + 6].map(Xid));
    for id in &ids[..3] {
        let end = mvcc.log_commit(*id, &[], || Ok(engine.storage().wal.insert_lsn())).unwrap();
        mvcc.commit(*id, &[], end);
    }
    mvcc.abort(ids[3], &[]).unwrap();
    engine.perform(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE).unwrap();
    drop(engine);
    let (engine, _) = started(&disk);
    let mvcc = &engine.storage().mvcc;
    assert_eq!(mvcc.next_xid(), Xid(first + 7));
    let committed = |id: u64| matches!(mvcc.status(Xid(id)), crate::mvcc::XactStatus::Committed(_));
    let found: Vec<bool> = (first..first + 7).map(committed).collect();
    assert_eq!(found, [true, true, false, false, false, true, false]);
}
