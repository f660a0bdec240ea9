use super::*;
use crate::base::{Fork, Oid, RelFileId, Xid};
use crate::disk::simulated::Fault;
use crate::disk::{Disk, Simulated};
use crate::page::Page;
use std::sync::Once;
use std::time::Duration;

const SEGMENT: u64 = 64 << 10;
const SYSTEM: u64 = 42;

/// PANIC must unwind in tests, not end them.
fn panics_unwind() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        crate::base::report::on_panic(Box::new(|report| std::panic::resume_unwind(Box::new(report.message.clone()))));
    });
}

fn config() -> WalConfig {
    WalConfig { segment_bytes: SEGMENT, flusher: false, ..WalConfig::default() }
}

fn directories(disk: &dyn Disk) {
    for dir in ["pg_wal", "pg_wal/archive_status"] {
        crate::disk::durable::mkdir(disk, dir).unwrap();
    }
}

fn start_at(end: u64, incarnation: u32) -> StartAt {
    StartAt { end: Lsn(end), redo_lsn: Lsn(end), timeline: 1, system_identifier: SYSTEM, incarnation }
}

fn open(disk: &Simulated, end: u64, incarnation: u32) -> Arc<Wal> {
    let wal = Wal::new(Arc::new(disk.clone()), &config());
    wal.start(start_at(end, incarnation)).unwrap();
    wal
}

fn put(wal: &Wal, xid: u64, data: &[u8]) -> Inserted {
    wal.reserve(Record::max_bytes(0, data.len())).unwrap();
    wal.insert(&Record { rmgr: Rmgr::Heap, info: 7, xid: Xid(xid), blocks: &[], data: &[data] })
}

fn reader(disk: &Simulated, start: u64) -> Reader {
    Reader::new(Arc::new(disk.clone()), SEGMENT, 1, SYSTEM, Lsn(start), 0)
}

/// All records from a position, as (start, xid, data), and why they ended.
fn read_all(disk: &Simulated, start: u64) -> (Vec<(u64, u64, Vec<u8>)>, End, Lsn, u32) {
    let mut reader = reader(disk, start);
    let mut all = Vec::new();
    let end = loop {
        match reader.next().unwrap() {
            Ok(r) => all.push((r.start.0, r.xid.0, r.data.to_vec())),
            Err(end) => break end,
        }
    };
    (all, end, reader.position(), reader.incarnation())
}

/// Records of all sizes, also larger than a segment, come back in order with their positions, and the end
/// is told in PostgreSQL's words.
#[test]
fn records_come_back() {
    let disk = Simulated::new(1);
    directories(&disk);
    let wal = open(&disk, SEGMENT, 1);
    let mut expected = Vec::new();
    for i in 0..300u64 {
        let len = (i * i * 7 % 5000) as usize + if i == 150 { 200_000 } else { 0 };
        let data = vec![i as u8; len];
        let at = put(&wal, i + 3, &data);
        expected.push((at.start.0, i + 3, data));
        if i % 17 == 0 {
            wal.flush(at.end);
            assert!(wal.durable_lsn() >= at.end);
        }
    }
    assert_eq!(expected[0].0, SEGMENT + 0x28);
    wal.flush(wal.insert_lsn());
    let (all, end, _, _) = read_all(&disk, SEGMENT);
    assert_eq!(all.len(), expected.len());
    assert!(all == expected);
    assert_eq!(end.text.unwrap(), format!("invalid record length at {}: wanted 24, got 0", end.at));
    assert_eq!(wal.stats().records, 300);
}

/// A page not changed since the redo position travels as an image without its hole; a second change does
/// not; a checkpoint makes it travel again; Init never does.
#[test]
fn images_go_along_once_per_checkpoint() {
    let disk = Simulated::new(1);
    directories(&disk);
    let wal = open(&disk, SEGMENT, 1);
    let file = RelFileId { db: Oid(5), node: Oid(16384), space: Oid(16500) };
    let mut page = Page::initialised(8);
    page.add_item(&[1; 100]);
    let change = |page: &mut Page, mode| {
        wal.reserve(Record::max_bytes(1, 3)).unwrap();
        let block = BlockRef { file, fork: Fork::Main, block: 9, page, mode };
        let at = wal.insert(&Record { rmgr: Rmgr::Heap, info: 0, xid: Xid(3), blocks: &[block], data: &[b"abc"] });
        page.set_lsn(at.end);
    };
    change(&mut page, BlockMode::Normal);
    change(&mut page, BlockMode::Normal);
    wal.begin_checkpoint();
    change(&mut page, BlockMode::Init);
    wal.begin_checkpoint();
    change(&mut page, BlockMode::Normal);
    change(&mut page, BlockMode::Image);
    wal.flush(wal.insert_lsn());
    let mut reader = reader(&disk, SEGMENT);
    let mut seen = Vec::new();
    while let Ok(record) = reader.next().unwrap() {
        let block = &record.blocks[0];
        assert_eq!((block.file, block.block, record.data), (file, 9, &b"abc"[..]));
        if let Some(image) = block.image {
            assert!(image.len() < 200);
            let mut restored = Page::initialised(0);
            image.restore(&mut restored);
            restored.set_lsn(page.lsn());
            assert!(restored.bytes() == page.bytes());
        }
        seen.push(block.image.is_some());
    }
    assert_eq!(seen, [true, false, false, true, true]);
    assert_eq!(wal.stats().full_page_images, 3);
}

/// Stale records are never taken for log: not in a recycled segment, not behind a torn record that was
/// replaced by one of the same length.
#[test]
fn stale_records_are_refused() {
    let disk = Simulated::new(1);
    directories(&disk);
    let wal = open(&disk, SEGMENT, 1);
    for i in 0..2000 {
        put(&wal, i, &[1; 76]);
    }
    let last = wal.insert_lsn();
    wal.flush(last);
    let current = last.0 / SEGMENT;
    let done = wal.remove_old_segments(current, current + 3, true).unwrap();
    assert!(done.recycled > 0);
    let at = put(&wal, 1, &[2; 60_000]);
    wal.flush(at.end);
    let (all, end, position, _) = read_all(&disk, at.start.0);
    assert_eq!(all.len(), 1);
    assert!(end.text.unwrap().starts_with("unexpected pageaddr"), "the recycled segment's old contents");
    // Now: A B C written, B damaged, C whole. The next incarnation writes B' of the same length.
    drop(wal);
    let wal = open(&disk, position.0, 2);
    let (_, b, _c) = (put(&wal, 1, b"aaaa"), put(&wal, 1, b"bbbb"), put(&wal, 1, b"cccc"));
    wal.flush(wal.insert_lsn());
    let path = wal.segment_path(b.start.0 / SEGMENT);
    disk.open(&path).unwrap().write_at(&[0xFF], b.start.0 % SEGMENT + 25).unwrap();
    let (all, end, position, incarnation) = read_all(&disk, at.start.0);
    assert_eq!((all.len(), end.at, incarnation), (2, b.start, 2));
    drop(wal);
    let wal = open(&disk, position.0, 3);
    let again = put(&wal, 1, b"BBBB");
    wal.flush(again.end);
    assert_eq!(again.start, b.start);
    let (all, end, _, _) = read_all(&disk, at.start.0);
    assert_eq!((all.len(), end.at), (3, again.end), "C must not come back");
}

/// A switch leaves the rest of the segment, the next record starts in the next one, and switching twice
/// does nothing.
#[test]
fn switching_segments() {
    let disk = Simulated::new(1);
    directories(&disk);
    let wal = open(&disk, SEGMENT, 1);
    let at = put(&wal, 3, b"one");
    let switched = wal.switch().unwrap();
    assert!(switched > at.end && switched.0 < 2 * SEGMENT);
    assert_eq!(wal.switch().unwrap(), Lsn(2 * SEGMENT));
    let next = put(&wal, 4, b"two");
    assert_eq!(next.start, Lsn(2 * SEGMENT + 40));
    wal.flush(next.end);
    let (all, _, _, _) = read_all(&disk, SEGMENT);
    assert_eq!(all.iter().map(|r| r.1).collect::<Vec<_>>(), [3, 0, 4]);
}

/// A full disk is 53100 from `reserve`, with PostgreSQL's text, and the log works on when there is room.
#[test]
fn a_full_disk_is_an_error_of_reserve() {
    let disk = Simulated::new(1);
    directories(&disk);
    let wal = open(&disk, SEGMENT, 1);
    disk.set_capacity(Some(disk.used_bytes() + SEGMENT + 100));
    let mut inserted = 0;
    let error = loop {
        match wal.reserve(1000) {
            Ok(()) => {
                wal.insert(&Record { rmgr: Rmgr::Heap, info: 0, xid: Xid(3), blocks: &[], data: &[&[1; 900]] });
                inserted += 1;
            }
            Err(stop) => break stop.into_error(),
        }
    };
    assert!(inserted > 80);
    let expected =
        format!("could not write to file \"pg_wal/xlogtemp.{}\": No space left on device", std::process::id());
    assert_eq!((error.message(), error.sqlstate()), (&expected[..], crate::base::SqlState::DISK_FULL));
    assert!(!disk.list("pg_wal").unwrap().iter().any(|e| e.name.starts_with("xlogtemp")));
    wal.flush(wal.insert_lsn());
    disk.set_capacity(None);
    put(&wal, 9, b"again");
    wal.flush(wal.insert_lsn());
    assert_eq!(read_all(&disk, SEGMENT).0.len(), inserted + 1);
}

/// When no segment can be had, those who free space and those who end go on, in this order, and one checkpoint is asked
/// for if it would let go of a segment (WAL-4).
#[test]
fn a_full_disk_leaves_room_for_the_way_out() {
    struct Asked(Arc<std::sync::atomic::AtomicU32>);
    impl crate::wal::Observer for Asked {
        fn checkpoint_due(&self) {}
        fn segment_ready(&self) {}
        fn disk_full(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let disk = Simulated::new(1);
    directories(&disk);
    let wal = open(&disk, SEGMENT, 1);
    let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
    wal.observe(Box::new(Asked(asked.clone())));
    disk.set_capacity(Some(disk.used_bytes() + SEGMENT + 100));
    let fill = |need| {
        let mut inserted = 0;
        while wal.reserve_for(1000, need).is_ok() {
            wal.insert(&Record { rmgr: Rmgr::Heap, info: 0, xid: Xid(3), blocks: &[], data: &[&[1; 900]] });
            inserted += 1;
        }
        inserted
    };
    assert!(fill(Need::Rows) > 80);
    assert!(!wal.has_room(1000));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "what is worth little does not even try");
    for need in [Need::Catalog, Need::End, Need::Checkpoint] {
        assert!(fill(need) > 2, "{need:?}");
    }
    wal.begin_checkpoint();
    let before = asked.load(Ordering::SeqCst);
    assert!(wal.reserve(1000).is_err());
    assert_eq!(asked.load(Ordering::SeqCst), before, "another checkpoint would not help");
    wal.flush(wal.insert_lsn());
    disk.set_capacity(None);
    put(&wal, 9, b"again");
    assert!(wal.has_room(1000));
}

/// Wakers are called once their LSN is durable, by the flusher thread and by an inline flush alike.
#[test]
fn waiters_are_woken() {
    use std::sync::mpsc;
    struct Flag(mpsc::Sender<u64>, u64);
    impl std::task::Wake for Flag {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(self.1);
        }
    }
    let disk = Simulated::new(1);
    directories(&disk);
    let wal = Wal::new(Arc::new(disk), &WalConfig { segment_bytes: SEGMENT, ..WalConfig::default() });
    wal.start(start_at(SEGMENT, 1)).unwrap();
    let (sender, receiver) = mpsc::channel();
    for round in 0..50 {
        let at: Vec<Inserted> = (0..5).map(|i| put(&wal, i, b"x")).collect();
        let mut expected = 0;
        for at in &at {
            expected +=
                !wal.on_durable(at.end, Duration::ZERO, Arc::new(Flag(sender.clone(), at.end.0)).into()) as usize;
        }
        if round % 2 == 0 {
            wal.flush(at[2].end);
        }
        for _ in 0..expected {
            receiver.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        }
        assert!(wal.durable_lsn() >= at[4].end);
    }
    let at = put(&wal, 1, b"x");
    assert!(wal.flush_alone(at.end) && wal.durable_lsn() >= at.end);
}

/// Finished segments wait for the archiver and are neither removed nor recycled before it is done.
#[test]
fn archiving_holds_segments() {
    let disk = Simulated::new(1);
    directories(&disk);
    let wal = Wal::new(Arc::new(disk.clone()), &WalConfig { archiving: true, ..config() });
    wal.start(start_at(SEGMENT, 1)).unwrap();
    for _ in 0..4 {
        put(&wal, 1, &vec![0; SEGMENT as usize - 200]);
    }
    wal.flush(wal.insert_lsn());
    let names = archive::ready(&disk).unwrap();
    assert_eq!(names.len(), 4 - 1 + (wal.insert_lsn().0.is_multiple_of(SEGMENT)) as usize);
    assert_eq!(wal.remove_old_segments(u64::MAX, 0, true).unwrap().removed, 0);
    archive::mark_done(&disk, &names[0]).unwrap();
    let done = wal.remove_old_segments(wal.segment_of(wal.insert_lsn().0), 0, true).unwrap();
    assert_eq!((done.removed, done.recycled), (1, 0));
    assert!(!disk.exists(&format!("pg_wal/{}", names[0])));
    assert!(!disk.exists(&format!("pg_wal/archive_status/{}.done", names[0])));
}

/// The crash sweep over the log alone: cut at every disk operation of a workload; after the power loss
/// every acknowledged record is there, in order, and what follows is a prefix of what was inserted.
#[test]
fn acknowledged_records_survive_every_cut() {
    panics_unwind();
    let workload = |disk: &Simulated, acknowledged: &mut usize| {
        let wal = open(disk, SEGMENT, 1);
        for i in 0..60u64 {
            let at = put(&wal, i, &vec![i as u8; (i * 611 % 9000) as usize]);
            if i % 3 == 0 {
                wal.flush(at.end);
                *acknowledged = i as usize + 1;
            }
            if i == 40 {
                let current = at.end.0 / SEGMENT;
                wal.remove_old_segments(current, current + 2, true).unwrap();
            }
        }
    };
    let prepared = |seed| {
        let disk = Simulated::new(seed);
        directories(&disk);
        disk
    };
    let dry = prepared(0);
    let first = dry.operations();
    workload(&dry, &mut 0);
    let last = dry.operations();
    assert!(last - first > 60);
    for cut in first + 1..=last {
        for fault in [Fault::Cut, Fault::CutTorn] {
            let disk = prepared(cut * 7 + (fault == Fault::Cut) as u64);
            disk.fault_at(cut, fault);
            let mut acknowledged = 0;
            let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| workload(&disk, &mut acknowledged)));
            // A cut in a step that is allowed to fail (removing a mark) ends the disk, not the workload.
            assert!(disk.is_dead() && (died.is_err() || cut == last), "cut at {cut} of {last}, {fault:?}");
            let disk = disk.after_power_loss();
            // The first segments may be recycled by the workload: find where the log begins now.
            let oldest = Wal::new(Arc::new(disk.clone()), &config()).oldest_segment();
            let Some(oldest) = oldest else {
                assert_eq!(acknowledged, 0, "cut at {cut}");
                continue;
            };
            if oldest > 1 {
                continue;
            }
            let (all, end, position, incarnation) = read_all(&disk, SEGMENT);
            assert!(all.len() >= acknowledged, "cut at {cut}: {} of {acknowledged}, {end:?}", all.len());
            for (i, record) in all.iter().enumerate() {
                assert_eq!(record.1, i as u64);
                assert!(record.2.iter().all(|b| *b == i as u8));
            }
            // And the log can be continued from there.
            let wal = open(&disk, position.0, incarnation + 1);
            let at = put(&wal, 999, b"after");
            wal.flush(at.end);
            let again = read_all(&disk, SEGMENT).0;
            assert_eq!((again.len(), again.last().unwrap().1), (all.len() + 1, 999), "cut at {cut}");
        }
    }
}

/// Sessions that insert, commit alone or in groups, and switch segments, all at once: every record is there
/// afterwards, each thread's in its order, and nobody waits for ever.
#[test]
fn many_sessions() {
    const THREADS: u64 = 4;
    const EACH: u64 = 400;
    let disk = Simulated::new(9);
    directories(&disk);
    let wal = Wal::new(Arc::new(disk.clone()), &WalConfig { segment_bytes: SEGMENT, ..WalConfig::default() });
    wal.start(start_at(SEGMENT, 1)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let wal = &wal;
            scope.spawn(move || {
                for i in 0..EACH {
                    let data = vec![thread as u8; (i * 37 % 900) as usize];
                    let at = put(wal, (thread + 1) << 20 | i, &data);
                    match i % 16 {
                        3 => wal.flush(at.end),
                        7 => assert!(wal.flush_alone(at.end) || wait_for(wal, at.end)),
                        11 => assert!(wait_for(wal, at.end)),
                        15 if thread == 0 && i % 64 == 15 => drop(wal.switch().unwrap()),
                        _ => {}
                    }
                }
            });
        }
    });
    wal.flush(wal.insert_lsn());
    let (all, end, _, _) = read_all(&disk, SEGMENT);
    let mut next = [0; THREADS as usize];
    // Switches have no xid.
    for (_, xid, data) in all.iter().filter(|r| r.1 != 0) {
        let (thread, i) = ((xid >> 20) as usize - 1, xid & 0xF_FFFF);
        assert!(data.len() as u64 == i * 37 % 900 && data.iter().all(|b| *b == thread as u8));
        assert_eq!(i, next[thread]);
        next[thread] += 1;
    }
    assert_eq!(next, [EACH; THREADS as usize], "{end:?}");
}

/// Blocks until the flusher has made `lsn` durable.
fn wait_for(wal: &Wal, lsn: Lsn) -> bool {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let start = std::time::Instant::now();
    while !wal.on_durable(lsn, Duration::ZERO, Arc::new(Unpark(std::thread::current())).into()) {
        std::thread::park_timeout(std::time::Duration::from_secs(1));
        assert!(start.elapsed().as_secs() < 20, "a lost wake-up");
    }
    true
}

/// Micro-benchmark: `cargo test --release --lib wal::tests::speed -- --ignored --nocapture`.
#[test]
#[ignore = "a benchmark"]
fn speed() {
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let disk = crate::disk::Posix::new(dir.path());
    directories(&disk);
    let wal = Wal::new(Arc::new(disk), &WalConfig { fsync: true, ..WalConfig::default() });
    wal.start(start_at(16 << 20, 1)).unwrap();
    let insert = |n: usize, len: usize| {
        let data = vec![7u8; len];
        let start = std::time::Instant::now();
        for _ in 0..n {
            wal.reserve(100 + len).unwrap();
            wal.insert(&Record { rmgr: Rmgr::Heap, info: 0, xid: Xid(3), blocks: &[], data: &[&data] });
        }
        start.elapsed().as_nanos() as f64 / n as f64
    };
    insert(100_000, 39);
    for len in [39, 175, 8000] {
        let n = if len > 1000 { 1000 } else { 50_000 };
        let mut best = f64::MAX;
        for _ in 0..20 {
            wal.write_out();
            best = best.min(insert(n, len));
        }
        println!("insert of {} bytes: {best:.0} ns", len + 25);
    }
    wal.flush(wal.insert_lsn());
    for _ in 0..3 {
        let start = std::time::Instant::now();
        for _ in 0..2000 {
            let at = put(&wal, 1, &[1; 175]);
            assert!(wal.flush_alone(at.end));
        }
        println!("lone commit: {:.1} µs", start.elapsed().as_micros() as f64 / 2000.0);
    }
    let path = wal.segment_path(wal.segment_of(wal.insert_lsn().0) + 5);
    let file = wal.disk.open_or_create(&path).unwrap();
    crate::disk::posix::write_zeros(&*file, 0, 1 << 20).unwrap();
    file.sync_all().unwrap();
    let start = std::time::Instant::now();
    for i in 0..2000u64 {
        file.write_at(&[1; 200], i * 200).unwrap();
        file.sync().unwrap();
    }
    println!("bare write and fdatasync: {:.1} µs", start.elapsed().as_micros() as f64 / 2000.0);
}
