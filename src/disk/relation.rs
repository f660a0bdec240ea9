//! Forks of relations in 1 GB segments: `base/<db>/<node>[_fork][.n]`, or below a tablespace's folder.
//!
//! [`Relations`] opens them and remembers which segments were written since they were last synced;
//! a checkpoint syncs those with [`Relations::sync_pending`].
//!
//! Invariants
//! - REL-1: when a write has returned, its segment is marked unsynced unless an fsync began after the write; the mark
//!   is cleared before the fsync that makes it untrue.
//! - REL-2: all segments but the last of a fork have exactly [`SEGMENT_BLOCKS`] blocks.

use super::{Disk, File, access_error, parent};
use crate::base::{BlockNo, Error, Fork, RelFileId, Result, Severity, SqlState};
use crate::page::{PAGE_SIZE, Page};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Blocks of a full segment (1 GB).
pub const SEGMENT_BLOCKS: u32 = (1 << 30) / PAGE_SIZE as u32;
/// The smallest step worth asking `extend` for in a bulk load (256 KiB).
pub const EXTEND_STEP_BLOCKS: u32 = 32;

/// Opens forks of relations on a disk.
pub struct Relations {
    shared: Arc<Shared>,
}

struct Shared {
    disk: Arc<dyn Disk>,
    fsync: AtomicBool,
    pending: Mutex<Pending>,
    open: Mutex<OpenFiles>,
}

/// The segments of one fork, by number; None = not open.
type Segments = RwLock<Vec<Option<Segment>>>;

/// Open segments in the order of their opening: beyond the limit the oldest is closed, and opens again when
/// it is needed. (A segment that needs an fsync stays open until then; beyond half of the limit some get theirs early.)
struct OpenFiles {
    queue: VecDeque<(Weak<Segments>, u32)>,
    limit: usize,
}

/// A third of the descriptors the process may have: the others are for sessions, and for what waits for its fsync.
fn descriptor_share() -> usize {
    let soft = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    (soft.unwrap_or(1 << 20) / 3).clamp(50, 100_000) as usize
}

#[derive(Default)]
struct Pending {
    segments: HashMap<String, Segment>,
    dirs: BTreeSet<String>,
}

#[derive(Clone)]
struct Segment {
    file: Arc<dyn File>,
    unsynced: Arc<AtomicBool>,
}

/// What a checkpoint's sync phase did.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncReport {
    pub files: u32,
    pub longest: Duration,
    pub total: Duration,
}

impl Relations {
    pub fn new(disk: Arc<dyn Disk>) -> Relations {
        let open = OpenFiles { queue: VecDeque::new(), limit: descriptor_share() };
        let (pending, fsync) = (Mutex::new(Pending::default()), AtomicBool::new(true));
        let shared = Arc::new(Shared { disk, fsync, pending, open: Mutex::new(open) });
        let weak = Arc::downgrade(&shared);
        shared.disk.on_shortage(Box::new(move || weak.upgrade().is_some_and(|shared| shared.release())));
        Relations { shared }
    }

    /// Bounds the number of segments kept open.
    pub fn set_open_limit(&self, limit: usize) {
        self.shared.open.lock().limit = limit.max(2);
    }

    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.shared.disk
    }

    /// `fsync = off`: syncs become no-ops.
    pub fn set_fsync(&self, on: bool) {
        self.shared.fsync.store(on, Ordering::Relaxed);
    }

    /// A handle on a fork; touches no file.
    pub fn open(&self, id: RelFileId, fork: Fork) -> RelationFile {
        RelationFile { shared: self.shared.clone(), id, fork, path: id.path(fork), segments: Arc::default() }
    }

    /// Makes everything written before the call durable.
    ///
    /// # Errors
    /// Of severity PANIC: what the failed fsync should have kept may be lost, and a second try could
    /// succeed without keeping it (DISK-1; PostgreSQL 15, fd.c, data_sync_elevel).
    pub fn sync_pending(&self) -> Result<SyncReport> {
        let work = std::mem::take(&mut *self.shared.pending.lock());
        let mut report = SyncReport::default();
        let on = self.shared.fsync.load(Ordering::Relaxed);
        for (path, segment) in work.segments {
            segment.unsynced.store(false, Ordering::SeqCst);
            if !on {
                continue;
            }
            let start = Instant::now();
            segment.file.sync().map_err(|e| sync_failed(&path, &e))?;
            let took = start.elapsed();
            report.files += 1;
            report.longest = report.longest.max(took);
            report.total += took;
        }
        for dir in work.dirs {
            match self.shared.disk.sync_dir(&dir) {
                Err(e) if on && e.kind() != io::ErrorKind::NotFound => return Err(sync_failed(&dir, &e)),
                _ => {}
            }
        }
        Ok(report)
    }
}

fn sync_failed(path: &str, e: &io::Error) -> Error {
    access_error(format!("fsync file \"{path}\""), e).severity(Severity::Panic)
}

/// One fork of one relation, with its open segments.
pub struct RelationFile {
    shared: Arc<Shared>,
    id: RelFileId,
    fork: Fork,
    path: String,
    segments: Arc<Segments>,
}

impl RelationFile {
    pub fn id(&self) -> RelFileId {
        self.id
    }

    pub fn fork(&self) -> Fork {
        self.fork
    }

    /// The path of segment 0.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path of the segment that holds a block, for messages.
    pub fn path_of(&self, block: BlockNo) -> String {
        self.segment_path(block / SEGMENT_BLOCKS)
    }

    pub fn exists(&self) -> bool {
        self.segments.read().first().is_some_and(Option::is_some) || self.shared.disk.exists(&self.path)
    }

    /// Creates the fork, empty. `if_missing` (redo) accepts one that is there.
    pub fn create(&self, if_missing: bool) -> Result<()> {
        let make = || match if_missing {
            true => self.shared.disk.open_or_create(&self.path),
            false => self.shared.disk.create(&self.path),
        };
        let made = match make() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.make_directory(if_missing)?;
                make()
            }
            made => made,
        };
        let file = made.map_err(|e| access_error(format!("create file \"{}\"", self.path), &e))?;
        self.shared.relieve()?;
        let segment = Segment { file, unsynced: Arc::default() };
        self.shared.created(&self.path, &segment);
        let mut segments = self.segments.write();
        if segments.is_empty() {
            segments.push(None);
        }
        segments[0] = Some(segment);
        drop(segments);
        self.shared.opened(&self.segments, 0);
        Ok(())
    }

    /// The database's directory may be gone with a later DROP DATABASE, or not yet durable; outside of its database's own
    /// tablespace it is made with the first file.
    fn make_directory(&self, with_parents: bool) -> Result<()> {
        let (disk, dir) = (&*self.shared.disk, parent(&self.path));
        match with_parents {
            true => super::tablespace::make_path(disk, dir),
            false => super::durable::mkdir(disk, dir),
        }
    }

    /// The length of the fork in blocks, asked of the files; a torn block at the end does not count.
    pub fn nblocks(&self) -> Result<BlockNo> {
        let mut n = 0;
        loop {
            let Some(segment) = self.segment_if_exists(n)? else { break };
            let len = segment.file.len().map_err(|e| self.error("seek to end of file", n, &e))?;
            let blocks = (len / PAGE_SIZE as u64).min(SEGMENT_BLOCKS as u64) as u32;
            if blocks < SEGMENT_BLOCKS {
                return Ok(n * SEGMENT_BLOCKS + blocks);
            }
            n += 1;
        }
        if n == 0 {
            // Says "could not open file".
            self.segment(0)?;
        }
        Ok(n * SEGMENT_BLOCKS)
    }

    /// Reads one page. It is not verified here.
    pub fn read(&self, block: BlockNo, page: &mut Page) -> Result<()> {
        self.read_run(block, page.bytes_mut())
    }

    /// Reads consecutive pages into `buf`, a multiple of the page size (32-128 KiB pay best).
    pub fn read_run(&self, first: BlockNo, buf: &mut [u8]) -> Result<()> {
        assert!(buf.len().is_multiple_of(PAGE_SIZE));
        let mut block = first;
        let mut rest = buf;
        while !rest.is_empty() {
            let (n, at, len) = place(block, rest.len());
            let (now, later) = std::mem::take(&mut rest).split_at_mut(len);
            let segment = self.segment(n)?;
            let got = segment.file.read_at(now, at).map_err(|e| self.block_error("read", block, &e))?;
            if got < len {
                let block = block + (got / PAGE_SIZE) as u32;
                let message = format!(
                    "could not read block {block} in file \"{}\": read only {} of {PAGE_SIZE} bytes",
                    self.segment_path(n),
                    got % PAGE_SIZE
                );
                return Err(Error::new(SqlState::DATA_CORRUPTED, message).place("mdread", "md.c", 702));
            }
            block += (len / PAGE_SIZE) as u32;
            rest = later;
        }
        Ok(())
    }

    /// Writes one page that lies inside the fork already.
    pub fn write(&self, block: BlockNo, page: &Page) -> Result<()> {
        self.write_run(block, page.bytes())
    }

    /// Writes consecutive pages; `buf` is a multiple of the page size.
    pub fn write_run(&self, first: BlockNo, buf: &[u8]) -> Result<()> {
        assert!(buf.len().is_multiple_of(PAGE_SIZE));
        let mut block = first;
        let mut rest = buf;
        while !rest.is_empty() {
            let (n, at, len) = place(block, rest.len());
            let segment = self.segment(n)?;
            self.shared.mark(&segment, || self.segment_path(n));
            segment.file.write_at(&rest[..len], at).map_err(|e| self.block_error("write", block, &e))?;
            // Once more: a sync that ran between the mark and the write took the mark away.
            self.shared.mark(&segment, || self.segment_path(n));
            block += (len / PAGE_SIZE) as u32;
            rest = &rest[len..];
        }
        Ok(())
    }

    /// Appends `count` zero pages from block `first` on, which must be the fork's length; the space is
    /// really there afterwards (53100 otherwise).
    pub fn extend(&self, first: BlockNo, count: u32) -> Result<()> {
        let (mut block, mut left) = (first, count);
        while left > 0 {
            let (n, at, len) = place(block, left as usize * PAGE_SIZE);
            let segment = self.segment_or_create(n)?;
            self.shared.mark(&segment, || self.segment_path(n));
            segment.file.allocate(at, len as u64).map_err(|e| self.error("extend file", n, &e))?;
            self.shared.mark(&segment, || self.segment_path(n));
            let done = (len / PAGE_SIZE) as u32;
            block += done;
            left -= done;
        }
        Ok(())
    }

    /// Cuts the fork to `blocks`; later segments are removed.
    pub fn truncate(&self, blocks: BlockNo) -> Result<()> {
        let last = blocks / SEGMENT_BLOCKS;
        let mut n = last;
        while let Some(segment) = self.segment_if_exists(n)? {
            let keep = if n == last { (blocks % SEGMENT_BLOCKS) as u64 * PAGE_SIZE as u64 } else { 0 };
            let len = segment.file.len().map_err(|e| self.error("seek to end of file", n, &e))?;
            if len > keep {
                segment.file.set_len(keep).map_err(|e| self.error("truncate file", n, &e))?;
                self.shared.mark(&segment, || self.segment_path(n));
            }
            n += 1;
        }
        for n in (last + 1..n).rev() {
            self.remove_segment(n)?;
        }
        Ok(())
    }

    /// Removes all segments; a fork that is not there is fine.
    pub fn unlink(&self) -> Result<()> {
        let mut n = 0;
        while self.segment_if_exists(n)?.is_some() {
            n += 1;
        }
        for n in (0..n).rev() {
            self.remove_segment(n)?;
        }
        Ok(())
    }

    /// Makes this fork durable now (builds that bypass the log).
    pub fn sync(&self) -> Result<()> {
        let mut n = 0;
        while let Some(segment) = self.segment_if_exists(n)? {
            segment.unsynced.store(false, Ordering::SeqCst);
            let path = self.segment_path(n);
            // Held until the fsync is done: it may be the only handle that would hear of an earlier failure.
            let _remembered = self.shared.pending.lock().segments.remove(&path);
            if self.shared.fsync.load(Ordering::Relaxed) {
                segment.file.sync().map_err(|e| sync_failed(&path, &e))?;
            }
            n += 1;
        }
        Ok(())
    }

    /// Closes the file handles; they open again when needed.
    pub fn close(&self) {
        self.segments.write().clear();
    }

    fn segment_path(&self, n: u32) -> String {
        if n == 0 { self.path.clone() } else { format!("{}.{n}", self.path) }
    }

    fn segment(&self, n: u32) -> Result<Segment> {
        if let Some(Some(segment)) = self.segments.read().get(n as usize) {
            return Ok(segment.clone());
        }
        let path = self.segment_path(n);
        let file = self
            .shared
            .disk
            .open(&path)
            .map_err(|e| access_error(format!("open file \"{path}\""), &e).place("mdopenfork", "md.c", 539))?;
        self.shared.relieve()?;
        Ok(self.keep(n, file))
    }

    fn segment_if_exists(&self, n: u32) -> Result<Option<Segment>> {
        if let Some(Some(segment)) = self.segments.read().get(n as usize) {
            return Ok(Some(segment.clone()));
        }
        match self.shared.disk.open(&self.segment_path(n)) {
            Ok(file) => Ok(Some(self.keep(n, file))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.error("open file", n, &e)),
        }
    }

    fn segment_or_create(&self, n: u32) -> Result<Segment> {
        if let Some(segment) = self.segment_if_exists(n)? {
            return Ok(segment);
        }
        if n == 0 {
            return self.segment(0);
        }
        let path = self.segment_path(n);
        let file = self.shared.disk.open_or_create(&path).map_err(|e| self.error("create file", n, &e))?;
        let segment = self.keep(n, file);
        self.shared.created(&path, &segment);
        Ok(segment)
    }

    fn keep(&self, n: u32, file: Arc<dyn File>) -> Segment {
        let mut segments = self.segments.write();
        let n = n as usize;
        if segments.len() <= n {
            segments.resize(n + 1, None);
        }
        let segment = segments[n].get_or_insert_with(|| Segment { file, unsynced: Arc::default() }).clone();
        drop(segments);
        self.shared.opened(&self.segments, n as u32);
        segment
    }

    fn remove_segment(&self, n: u32) -> Result<()> {
        let path = self.segment_path(n);
        if let Some(slot) = self.segments.write().get_mut(n as usize) {
            *slot = None;
        }
        {
            let mut pending = self.shared.pending.lock();
            pending.segments.remove(&path);
            pending.dirs.insert(parent(&path).to_string());
        }
        match self.shared.disk.remove(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.error("remove file", n, &e)),
            _ => Ok(()),
        }
    }

    #[cold]
    fn error(&self, what: &str, n: u32, e: &io::Error) -> Error {
        access_error(format!("{what} \"{}\"", self.segment_path(n)), e)
    }

    #[cold]
    fn block_error(&self, what: &str, block: BlockNo, e: &io::Error) -> Error {
        access_error(format!("{what} block {block} in file \"{}\"", self.path_of(block)), e)
    }
}

/// The segment a block lies in, the byte there, and how many of `len` bytes fit before its end.
fn place(block: BlockNo, len: usize) -> (u32, u64, usize) {
    let within = block % SEGMENT_BLOCKS;
    let room = (SEGMENT_BLOCKS - within) as usize * PAGE_SIZE;
    (block / SEGMENT_BLOCKS, within as u64 * PAGE_SIZE as u64, len.min(room))
}

impl Shared {
    /// Remembers that a segment needs an fsync (REL-1).
    fn mark(&self, segment: &Segment, path: impl FnOnce() -> String) {
        if !segment.unsynced.load(Ordering::Relaxed) && !segment.unsynced.swap(true, Ordering::SeqCst) {
            self.pending.lock().segments.insert(path(), segment.clone());
        }
    }

    /// A segment was opened: closes the oldest ones beyond the limit.
    fn opened(&self, segments: &Arc<Segments>, n: u32) {
        let mut open = self.open.lock();
        open.queue.push_back((Arc::downgrade(segments), n));
        while open.queue.len() > open.limit {
            let Some((oldest, n)) = open.queue.pop_front() else { return };
            if let Some(segments) = oldest.upgrade()
                && let Some(slot) = segments.write().get_mut(n as usize)
            {
                *slot = None;
            }
        }
    }

    /// Syncs segments early where those that wait for it hold too many descriptors.
    fn relieve(&self) -> Result<()> {
        let most = self.open.lock().limit / 2;
        let too_many: Vec<(String, Segment)> = {
            let pending = self.pending.lock();
            let surplus = pending.segments.len().saturating_sub(most);
            let some = if surplus == 0 { 0 } else { surplus + most / 2 };
            pending.segments.iter().take(some).map(|(path, segment)| (path.clone(), segment.clone())).collect()
        };
        for (path, segment) in too_many {
            segment.unsynced.store(false, Ordering::SeqCst);
            if self.fsync.load(Ordering::Relaxed) {
                segment.file.sync().map_err(|e| sync_failed(&path, &e))?;
            }
            // Until now a checkpoint would have waited for it, too; and who wrote meanwhile has marked it again.
            let mut pending = self.pending.lock();
            let same = pending.segments.get(&path).is_some_and(|s| Arc::ptr_eq(&s.unsynced, &segment.unsynced));
            if same && !segment.unsynced.load(Ordering::SeqCst) {
                pending.segments.remove(&path);
            }
        }
        Ok(())
    }

    /// Closes some of the segments; false if none was open.
    fn release(&self) -> bool {
        let mut open = self.open.lock();
        let some = (open.queue.len() / 4).max(1).min(open.queue.len());
        for (oldest, n) in open.queue.drain(..some) {
            if let Some(segments) = oldest.upgrade()
                && let Some(slot) = segments.write().get_mut(n as usize)
            {
                *slot = None;
            }
        }
        some > 0
    }

    /// Remembers that a new file and its directory need an fsync.
    fn created(&self, path: &str, segment: &Segment) {
        self.mark(segment, || path.to_string());
        self.pending.lock().dirs.insert(parent(path).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Oid;
    use crate::disk::Simulated;

    fn setup(seed: u64) -> (Simulated, Relations, RelationFile) {
        let disk = Simulated::new(seed);
        for dir in ["base", "base/5"] {
            super::super::durable::mkdir(&disk, dir).unwrap();
        }
        let relations = Relations::new(Arc::new(disk.clone()));
        let file = relations.open(RelFileId::new(Oid(5), Oid(16384)), Fork::Main);
        (disk, relations, file)
    }

    /// Pages come back as written, singly and in runs; reading past the end says so as PostgreSQL does.
    #[test]
    fn pages_come_back() {
        let (_, _, file) = setup(1);
        let missing = file.nblocks().unwrap_err();
        assert_eq!(missing.message(), "could not open file \"base/5/16384\": No such file or directory");
        file.create(false).unwrap();
        file.extend(0, 40).unwrap();
        assert_eq!(file.nblocks().unwrap(), 40);
        let mut page = Page::initialised(0);
        page.add_item(b"x");
        file.write(39, &page).unwrap();
        let mut run = vec![0; 4 * PAGE_SIZE];
        file.read_run(36, &mut run).unwrap();
        assert_eq!(&run[3 * PAGE_SIZE..], page.bytes());
        let e = file.read(40, &mut page).unwrap_err();
        assert_eq!(e.message(), "could not read block 40 in file \"base/5/16384\": read only 0 of 8192 bytes");
        assert!(file.create(false).is_err());
        file.truncate(3).unwrap();
        assert_eq!(file.nblocks().unwrap(), 3);
        file.unlink().unwrap();
        assert!(!file.exists());
    }

    /// A fork past 1 GB continues in segment `.1`, and a run across the border is one call.
    #[test]
    fn segments_split_at_one_gigabyte() {
        assert_eq!(place(SEGMENT_BLOCKS - 1, 3 * PAGE_SIZE), (0, (1 << 30) - 8192, PAGE_SIZE));
        assert_eq!(place(SEGMENT_BLOCKS, PAGE_SIZE), (1, 0, PAGE_SIZE));
        let dir = tempfile::tempdir().unwrap();
        let disk = crate::disk::Posix::new(dir.path());
        disk.mkdir("global").unwrap();
        let relations = Relations::new(Arc::new(disk));
        let file = relations.open(RelFileId::new(Oid(0), Oid(7)), Fork::Vm);
        file.create(false).unwrap();
        // A hole: no real gigabyte is written.
        file.segment(0).unwrap().file.set_len(1 << 30).unwrap();
        assert_eq!(file.nblocks().unwrap(), SEGMENT_BLOCKS);
        file.extend(SEGMENT_BLOCKS, 2).unwrap();
        let run = vec![7u8; 2 * PAGE_SIZE];
        file.write_run(SEGMENT_BLOCKS - 1, &run).unwrap();
        assert_eq!(file.nblocks().unwrap(), SEGMENT_BLOCKS + 2);
        assert!(dir.path().join("global/7_vm.1").exists());
        let mut back = vec![0; 2 * PAGE_SIZE];
        file.read_run(SEGMENT_BLOCKS - 1, &mut back).unwrap();
        assert_eq!(back, run);
        file.truncate(5).unwrap();
        assert!(!dir.path().join("global/7_vm.1").exists());
        assert_eq!(file.nblocks().unwrap(), 5);
    }

    /// However few descriptors there are, all segments can be used, and all are synced.
    #[test]
    fn few_descriptors_are_enough() {
        let (disk, relations, _) = setup(1);
        relations.set_open_limit(3);
        let files: Vec<RelationFile> =
            (0..20).map(|n| relations.open(RelFileId::new(Oid(5), Oid(30_000 + n)), Fork::Main)).collect();
        for (n, file) in files.iter().enumerate() {
            file.create(false).unwrap();
            file.extend(0, 1).unwrap();
            let mut page = Page::initialised(0);
            page.add_item(&[n as u8; 9]);
            file.write(0, &page).unwrap();
        }
        let open = files.iter().filter(|f| f.segments.read().iter().any(Option::is_some)).count();
        assert!(open <= 3, "{open}");
        // Those that wait for the checkpoint are few, too.
        assert!(relations.shared.pending.lock().segments.len() <= 3);
        relations.sync_pending().unwrap();
        let after = Relations::new(Arc::new(disk.after_power_loss()));
        for (n, file) in files.iter().enumerate() {
            let mut page = Page::default();
            after.open(file.id(), Fork::Main).read(0, &mut page).unwrap();
            assert_eq!(page.item(1), [n as u8; 9]);
        }
    }

    /// After sync_pending both the file's name and its pages survive any power loss.
    #[test]
    fn synced_relations_survive() {
        for seed in 0..30 {
            let (disk, relations, file) = setup(seed);
            file.create(false).unwrap();
            file.extend(0, 2).unwrap();
            let mut page = Page::initialised(0);
            page.add_item(&[seed as u8; 100]);
            file.write(1, &page).unwrap();
            assert_eq!(relations.sync_pending().unwrap().files, 1);
            assert_eq!(relations.sync_pending().unwrap().files, 0);
            file.write(0, &page).unwrap();
            assert_eq!(relations.shared.pending.lock().segments.len(), 1);
            let after = Relations::new(Arc::new(disk.after_power_loss())).open(file.id(), Fork::Main);
            let mut back = Page::default();
            after.read(1, &mut back).unwrap();
            assert!(back.bytes() == page.bytes());
        }
    }
}
