//! Workers over a real directory and over the simulated disk.

use super::*;
use crate::base::{Lsn, Oid, Result as BaseResult, Xid};
use crate::disk::{Disk, Posix};
use crate::recovery::{CheckpointFlags, NewCluster, Outcome, Progress, create, open_with};
use crate::settings::Global;
use crate::stat::Stats;
use crate::wal::record::xlog;
use crate::wal::{ControlFile, DbState, Record, Rmgr, WalConfig, archive};
use parking_lot::Mutex;
use std::time::{Duration, Instant};

const SEGMENT: u64 = 1 << 20;

fn context(dir: &std::path::Path, config: WalConfig) -> Context {
    let disk: Arc<dyn Disk> = Arc::new(Posix::new(dir));
    let control = ControlFile::read(&*disk).unwrap();
    let (settings, stats) = (Arc::new(Global::boot()), Arc::new(Stats::new()));
    Context::new(open_with(disk, settings, stats, control, &config, 64).unwrap())
}

fn config() -> WalConfig {
    WalConfig { segment_bytes: SEGMENT, ..WalConfig::default() }
}

fn initialise(dir: &std::path::Path) {
    let cluster =
        NewCluster { system_identifier: 7, segment_bytes: SEGMENT as u32, data_checksums: true, mock_nonce: [0; 32] };
    create(Arc::new(Posix::new(dir)), &cluster).unwrap();
}

fn insert(cx: &Context, bytes: usize) -> Lsn {
    let wal = &cx.checkpoints.storage().wal;
    wal.reserve(Record::max_bytes(0, bytes)).unwrap();
    let data = vec![0; bytes];
    wal.insert(&Record { rmgr: Rmgr::Xlog, info: xlog::NOOP, xid: Xid::INVALID, blocks: &[], data: &[&data] }).end
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A whole life: start, an asynchronous commit made durable by the walwriter, a requested checkpoint, stop,
/// requests refused without workers, a second generation, shutdown, clean start.
#[test]
fn a_life_with_workers() {
    let dir = tempfile::tempdir().unwrap();
    initialise(dir.path());
    let cx = context(dir.path(), config());
    assert!(!run_startup(&cx, &Arc::new(Progress::default())).unwrap());
    assert!(cx.checkpoints.request(CheckpointFlags::IMMEDIATE).is_err());
    for generation in 1..=2 {
        let stop = Stop::default();
        let threads = start_all(&cx, generation, &stop);
        assert_eq!(threads.len(), 3);
        let lsn = insert(&cx, 100);
        until("walwriter", || cx.checkpoints.storage().wal.durable_lsn() >= lsn);
        until("board", || cx.checkpoints.board.is_served());
        let flags = CheckpointFlags::IMMEDIATE | CheckpointFlags::FORCE | CheckpointFlags::WAIT;
        let number = cx.checkpoints.request(flags).unwrap();
        assert_eq!(cx.checkpoints.board.wait(number), Outcome::Done);
        assert!(cx.checkpoints.control().get().checkpoint >= lsn);
        let types: Vec<_> = cx.checkpoints.stats().activity.list().iter().map(|f| f.backend_type).collect();
        for wanted in ["checkpointer", "background writer", "walwriter"] {
            assert!(types.contains(&wanted), "{types:?}");
        }
        stop.set();
        threads.into_iter().for_each(|t| t.join().unwrap());
    }
    assert_eq!(cx.checkpoints.stats().bgwriter().checkpoints_requested, 2);
    assert!(cx.checkpoints.stats().activity.list().is_empty());
    shut_down(&cx).unwrap();
    assert_eq!(cx.checkpoints.control().get().state, DbState::Shutdowned);
    let cx = context(dir.path(), config());
    assert!(!run_startup(&cx, &Arc::new(Progress::default())).unwrap());
    drop(cx);
    let cx = context(dir.path(), config());
    assert!(run_startup(&cx, &Arc::new(Progress::default())).unwrap());
}

/// Much log makes a checkpoint by volume.
#[test]
fn volume_makes_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    initialise(dir.path());
    let cx = context(dir.path(), WalConfig { fsync: false, ..config() });
    run_startup(&cx, &Arc::new(Progress::default())).unwrap();
    cx.checkpoints.storage().wal.set_checkpoint_segments(2);
    let stop = Stop::default();
    let threads = start_all(&cx, 1, &stop);
    until("board", || cx.checkpoints.board.is_served());
    let before = cx.checkpoints.control().get().checkpoint;
    for _ in 0..50 {
        insert(&cx, 100_000);
    }
    until("checkpoint by volume", || {
        // It is spread over the checkpoint timeout only as far as there are dirty pages: there are none.
        cx.checkpoints.control().get().checkpoint > before
    });
    stop.set();
    threads.into_iter().for_each(|t| t.join().unwrap());
}

struct Recorder(Mutex<(Vec<String>, u32)>);

#[async_trait::async_trait]
impl ArchiveTarget for Recorder {
    fn is_configured(&self) -> bool {
        true
    }

    async fn archive(&self, _: &str, name: &str) -> Result<(), ArchiveFault> {
        let mut seen = self.0.lock();
        if seen.1 > 0 {
            seen.1 -= 1;
            return Err(ArchiveFault { report: None, fatal: false });
        }
        seen.0.push(name.to_string());
        Ok(())
    }
}

/// Finished segments reach the archive in order, after a failure too, and are marked done.
#[test]
fn segments_are_archived() {
    let dir = tempfile::tempdir().unwrap();
    initialise(dir.path());
    let mut cx = context(dir.path(), WalConfig { fsync: false, ..config() });
    let recorder = Arc::new(Recorder(Mutex::new((Vec::new(), 1))));
    cx.archive_target = Some(recorder.clone());
    run_startup(&cx, &Arc::new(Progress::default())).unwrap();
    let wal = &cx.checkpoints.storage().wal;
    wal.set_archiving(true);
    let stop = Stop::default();
    let thread = archiver::spawn(&cx, 1, &stop).unwrap();
    insert(&cx, 100);
    wal.switch().unwrap();
    insert(&cx, 100);
    wal.switch().unwrap();
    wal.flush(insert(&cx, 100));
    until("archived", || recorder.0.lock().0.len() == 2);
    assert_eq!(recorder.0.lock().0, ["000000010000000000000001", "000000010000000000000002"]);
    until("marked", || archive::ready(&*cx.checkpoints.storage().disk).unwrap().is_empty());
    let counts = cx.checkpoints.stats().archiver();
    assert_eq!((counts.archived_count, counts.failed_count), (2, 1));
    stop.set();
    thread.join().unwrap();
}

struct OneTable(Mutex<Vec<(Oid, Oid, Work)>>);

impl Maintenance for OneTable {
    fn databases(&self) -> Vec<(Oid, bool)> {
        vec![(Oid(5), true)]
    }

    fn tables(&self, _: Oid) -> BaseResult<Vec<TableFacts>> {
        Ok(vec![TableFacts { table: Oid(16384), row_count: 10.0, enabled: true, ..TableFacts::default() }])
    }

    fn is_untidy(&self, _: Oid) -> bool {
        false
    }

    fn tidy(&self, _: Oid, _: &crate::base::Interrupts) -> BaseResult<()> {
        Ok(())
    }

    fn maintain(
        &self,
        database: Oid,
        table: Oid,
        work: Work,
        _: &std::sync::Arc<crate::base::Interrupts>,
    ) -> BaseResult<()> {
        self.0.lock().push((database, table, work));
        Ok(())
    }
}

/// A table past its threshold is visited by a worker; the launcher ends at once when told.
#[test]
fn autovacuum_visits() {
    let dir = tempfile::tempdir().unwrap();
    initialise(dir.path());
    let mut cx = context(dir.path(), config());
    let table = Arc::new(OneTable(Mutex::default()));
    cx.maintenance = Some(table.clone());
    cx.checkpoints.settings().set_internal(Id::AutovacuumNaptime, "1").unwrap();
    cx.checkpoints.stats().update_table(Oid(5), Oid(16384), |s| s.dead_tuples = 1000);
    let stop = Stop::default();
    let thread = autovacuum::spawn(&cx, 1, &stop).unwrap();
    until("visited", || !table.0.lock().is_empty());
    assert_eq!(table.0.lock()[0], (Oid(5), Oid(16384), Work { vacuum: true, ..Work::default() }));
    stop.set();
    thread.join().unwrap();
}
