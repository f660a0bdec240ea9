//! The commit log: two bits a transaction, in `pg_xact/`, through a small page cache of its own.
//!
//! Pages carry no checksum: what a torn write may mix are two states of a page that differ only in bits which
//! recovery sets again from the log (PostgreSQL 15, clog.c: same).
//!
//! A file that is gone would read as "nobody committed". So each checkpoint leaves files for all ids it knows of
//! ([`Clog::cover`]), and a start that does not find them is refused ([`Clog::look_for_files`]).

use crate::base::{Error, Lsn, Result, Severity, Stop, Xid};
use crate::disk::{Disk, File, access_error, durable, os_text};
use crate::err;
use crate::wal::{Record, Rmgr, Wal};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const DIRECTORY: &str = "pg_xact";
const PAGE: usize = 8192;
/// Transactions per page.
pub(super) const PER_PAGE: u64 = PAGE as u64 * 4;
const PAGES_PER_SEGMENT: u64 = 32;
/// The record of a cut (PostgreSQL 15, clog.h, CLOG_TRUNCATE: same number). Data: the oldest id known, u64.
pub(super) const TRUNCATE: u8 = 0x10;
/// Pages kept in memory: 4 million transactions' states in 1 MiB.
const CACHED: usize = 128;

/// Two bits. `InProgress` below the ring means: lost in a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ClogStatus {
    InProgress = 0,
    Committed = 1,
    Aborted = 2,
}

struct ClogPage {
    bytes: Box<[u8]>,
    dirty: bool,
    /// End of the newest commit record that this page tells of.
    lsn: Lsn,
    last_used: u64,
}

#[derive(Default)]
struct State {
    pages: HashMap<u64, ClogPage>,
    files: HashMap<u64, Arc<dyn File>>,
    /// Segments written since the last sync.
    unsynced: BTreeSet<u64>,
    /// Segments that recovery did not find, until the log says that they were cut off. Their pages stay in memory.
    missing: BTreeMap<u64, Error>,
    /// All segments before this one have their files.
    covered: u64,
    clock: u64,
}

/// The commit log's page cache and files.
pub struct Clog {
    disk: Arc<dyn Disk>,
    wal: Arc<Wal>,
    state: Mutex<State>,
    /// What became of ids below is no longer known.
    oldest: AtomicU64,
    /// Held by whoever finds out what can be cut off.
    pub cutting: Mutex<()>,
}

impl Clog {
    pub fn new(disk: Arc<dyn Disk>, wal: Arc<Wal>) -> Clog {
        Clog {
            disk,
            wal,
            state: Mutex::default(),
            oldest: AtomicU64::new(Xid::FIRST_NORMAL.0),
            cutting: Mutex::default(),
        }
    }

    pub(super) fn durable_lsn(&self) -> Lsn {
        self.wal.durable_lsn()
    }

    /// Makes the empty directory (initdb).
    pub fn create(disk: &dyn Disk) -> Result<()> {
        if disk.exists(DIRECTORY) { Ok(()) } else { durable::mkdir(disk, DIRECTORY) }
    }

    /// What became of ids below this one is not known any more.
    pub fn oldest(&self) -> Xid {
        Xid(self.oldest.load(Ordering::Acquire))
    }

    /// What a checkpoint, or a record of the log, says of it.
    pub fn note_oldest(&self, oldest: Xid) {
        self.oldest.fetch_max(oldest.0, Ordering::AcqRel);
    }

    /// How many whole segments lie between the oldest id known and `limit`.
    pub fn segments_below(&self, limit: Xid) -> u64 {
        segment_of(limit).saturating_sub(segment_of(self.oldest()))
    }

    /// Cuts off the segments that hold only ids below `limit`, of which nobody will ever ask (MVCC-7). Logged first.
    ///
    /// PostgreSQL 15, clog.c, TruncateCLOG: same order.
    pub fn truncate(&self, limit: Xid) -> Result<()> {
        if self.segments_below(limit) == 0 {
            return Ok(());
        }
        let data = limit.0.to_le_bytes();
        self.wal.reserve(Record::max_bytes(0, data.len())).map_err(Stop::into_error)?;
        let record = Record { rmgr: Rmgr::Clog, info: TRUNCATE, xid: Xid::INVALID, blocks: &[], data: &[&data] };
        let end = self.wal.insert(&record).end;
        // With it everything is durable that says what the commit log said.
        self.wal.flush(end);
        self.note_oldest(limit);
        self.remove_below(limit)
    }

    /// Removes the files of whole segments below `limit`, and what is in memory of them.
    pub(super) fn remove_below(&self, limit: Xid) -> Result<()> {
        let first = segment_of(limit);
        let mut state = self.state.lock();
        state.pages.retain(|n, _| n / PAGES_PER_SEGMENT >= first);
        state.files.retain(|n, _| *n >= first);
        state.unsynced = state.unsynced.split_off(&first);
        state.missing = state.missing.split_off(&first);
        let listed =
            self.disk.list(DIRECTORY).map_err(|e| access_error(format!("open directory \"{DIRECTORY}\""), &e))?;
        for name in listed.into_iter().map(|e| e.name) {
            if u64::from_str_radix(&name, 16).is_ok_and(|n| n < first && path(n) == format!("{DIRECTORY}/{name}")) {
                let path = format!("{DIRECTORY}/{name}");
                self.disk.remove(&path).map_err(|e| access_error(format!("remove file \"{path}\""), &e))?;
            }
        }
        Ok(())
    }

    /// Makes sure that there are files for all ids below `next`, be it that none of them ever ended: before a checkpoint
    /// says that they were given out.
    pub fn cover(&self, next: Xid) -> Result<()> {
        let Some((last, length)) = last_segment(next) else { return Ok(()) };
        let mut state = self.state.lock();
        for segment in state.covered.max(segment_of(self.oldest()))..=last {
            let file = self.file(&mut state, segment)?;
            if segment == last && file.len().map_err(|e| access("seek to end of", segment, &e))? < length {
                file.set_len(length).map_err(|e| access("extend", segment, &e))?;
                file.sync_all().map_err(|e| access("fsync", segment, &e).severity(Severity::Panic))?;
            }
            state.covered = segment;
        }
        Ok(())
    }

    /// Looks whether the files are there that the last checkpoint, which knew of ids below `next`, left. What is missing
    /// is an error here, or at [`Clog::check_missing`] if redo is to come: it may tell that it was cut off.
    ///
    /// # Errors
    /// FATAL. PostgreSQL 15, slru.c, SlruReportIOError: same texts; but there a crash recovery takes what is missing for
    /// zeroes, and all it told of for lost.
    pub fn look_for_files(&self, next: Xid, recovering: bool) -> Result<()> {
        let Some((last, length)) = last_segment(next) else { return Ok(()) };
        let mut state = self.state.lock();
        state.covered = last;
        for segment in segment_of(self.oldest())..=last {
            let path = path(segment);
            let why = match self.disk.stat(&path) {
                Err(e) => format!("Could not open file \"{path}\": {}.", os_text(&e)),
                Ok(found) if segment == last && found.len < length => {
                    let at = found.len / PAGE as u64 * PAGE as u64;
                    format!("Could not read from file \"{path}\" at offset {at}: read too few bytes.")
                }
                Ok(_) => continue,
            };
            let first = Xid(segment * PAGES_PER_SEGMENT * PER_PAGE);
            let of = if segment == last { Xid(next.0 - 1) } else { first.max(self.oldest()) };
            let e = err!(DATA_CORRUPTED, "could not access status of transaction {of}").detail(why);
            state.missing.insert(segment, e.severity(Severity::Fatal).place("SlruReportIOError", "slru.c", 919));
        }
        drop(state);
        if recovering { Ok(()) } else { self.check_missing() }
    }

    /// # Errors
    /// FATAL if a file is missing that was not cut off since.
    pub fn check_missing(&self) -> Result<()> {
        self.state.lock().missing.first_key_value().map_or(Ok(()), |(_, e)| Err(e.clone()))
    }

    /// Enters a transaction's end; `lsn` is the end of its commit record (MVCC-6).
    pub fn set(&self, xid: Xid, status: ClogStatus, lsn: Lsn) -> Result<()> {
        if xid < self.oldest() {
            // Redo of what was cut off since.
            return Ok(());
        }
        let mut state = self.state.lock();
        let page = self.page(&mut state, xid.0 / PER_PAGE)?;
        let (byte, shift) = place(xid);
        let byte = &mut page.bytes[byte];
        *byte = *byte & !(3 << shift) | (status as u8) << shift;
        page.dirty = true;
        page.lsn = page.lsn.max(lsn);
        Ok(())
    }

    pub fn get(&self, xid: Xid) -> Result<ClogStatus> {
        let mut state = self.state.lock();
        let page = self.page(&mut state, xid.0 / PER_PAGE)?;
        let (byte, shift) = place(xid);
        Ok(match page.bytes[byte] >> shift & 3 {
            1 => ClogStatus::Committed,
            2 => ClogStatus::Aborted,
            _ => ClogStatus::InProgress,
        })
    }

    /// Writes and syncs everything: a checkpoint. Returns the number of pages written.
    ///
    /// # Errors
    /// Of severity PANIC when the sync fails.
    pub fn flush(&self) -> Result<usize> {
        let mut state = self.state.lock();
        let dirty: Vec<u64> = state.pages.iter().filter(|(_, p)| p.dirty).map(|(n, _)| *n).collect();
        for n in &dirty {
            self.write(&mut state, *n)?;
        }
        let unsynced = std::mem::take(&mut state.unsynced);
        let files: Vec<_> = unsynced.iter().map(|s| Ok((*s, self.file(&mut state, *s)?))).collect::<Result<_>>()?;
        // Commits must not wait for the disk.
        drop(state);
        for (segment, file) in files {
            file.sync()
                .map_err(|e| access_error(format!("fsync file \"{}\"", path(segment)), &e).severity(Severity::Panic))?;
        }
        Ok(dirty.len())
    }

    /// The page, read if necessary; one that was never written is all zero.
    fn page<'a>(&self, state: &'a mut State, n: u64) -> Result<&'a mut ClogPage> {
        state.clock += 1;
        let clock = state.clock;
        if !state.pages.contains_key(&n) {
            if state.pages.len() >= CACHED {
                self.evict(state)?;
            }
            let mut bytes = vec![0; PAGE].into_boxed_slice();
            let segment = n / PAGES_PER_SEGMENT;
            if state.files.contains_key(&segment) || self.disk.exists(&path(segment)) {
                let file = self.file(state, segment)?;
                let at = n % PAGES_PER_SEGMENT * PAGE as u64;
                file.read_at(&mut bytes, at).map_err(|e| access("read from", segment, &e))?;
            }
            state.pages.insert(n, ClogPage { bytes, dirty: false, lsn: Lsn::INVALID, last_used: clock });
        }
        let page = state.pages.get_mut(&n).expect("inserted above");
        page.last_used = clock;
        Ok(page)
    }

    fn evict(&self, state: &mut State) -> Result<()> {
        let may_go = state.pages.iter().filter(|(n, _)| !state.missing.contains_key(&(**n / PAGES_PER_SEGMENT)));
        let Some(oldest) = may_go.min_by_key(|(_, p)| p.last_used).map(|(n, _)| *n) else {
            return Ok(());
        };
        if state.pages[&oldest].dirty {
            self.write(state, oldest)?;
        }
        state.pages.remove(&oldest);
        Ok(())
    }

    fn write(&self, state: &mut State, n: u64) -> Result<()> {
        let segment = n / PAGES_PER_SEGMENT;
        if let Some(e) = state.missing.get(&segment) {
            return Err(e.clone());
        }
        let file = self.file(state, segment)?;
        let page = state.pages.get_mut(&n).expect("the caller found it");
        if page.lsn > self.wal.durable_lsn() {
            self.wal.flush(page.lsn);
        }
        let at = n % PAGES_PER_SEGMENT * PAGE as u64;
        file.write_at(&page.bytes, at).map_err(|e| access("write to", segment, &e))?;
        page.dirty = false;
        state.unsynced.insert(segment);
        Ok(())
    }

    fn file(&self, state: &mut State, segment: u64) -> Result<Arc<dyn File>> {
        if let Some(file) = state.files.get(&segment) {
            return Ok(file.clone());
        }
        let path = path(segment);
        let file = match self.disk.exists(&path) {
            true => self.disk.open(&path).map_err(|e| access("open", segment, &e))?,
            false => durable::create(&*self.disk, &path)?,
        };
        state.files.insert(segment, file.clone());
        Ok(file)
    }
}

fn access(what: &str, segment: u64, e: &std::io::Error) -> Error {
    access_error(format!("{what} file \"{}\"", path(segment)), e)
}

fn segment_of(xid: Xid) -> u64 {
    xid.0 / PER_PAGE / PAGES_PER_SEGMENT
}

/// The segment of the last id below `next`, and how long it must be; None: no id was given out.
fn last_segment(next: Xid) -> Option<(u64, u64)> {
    let last = Xid(next.0.checked_sub(1)?);
    let page = last.0 / PER_PAGE;
    (last >= Xid::FIRST_NORMAL).then(|| (segment_of(last), (page % PAGES_PER_SEGMENT + 1) * PAGE as u64))
}

fn path(segment: u64) -> String {
    format!("{DIRECTORY}/{segment:04X}")
}

/// The byte on the page, and the shift in it.
fn place(xid: Xid) -> (usize, u64) {
    let at = xid.0 % PER_PAGE;
    ((at / 4) as usize, at % 4 * 2)
}

impl std::fmt::Debug for Clog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clog")
    }
}
