//! Segment files: names, headers, creation ahead of need, recycling, removal.
//!
//! | bytes | header |
//! |---|---|
//! | 0..4 | magic |
//! | 4..8 | timeline |
//! | 8..16 | address: the LSN of the segment's first byte |
//! | 16..24 | system identifier |
//! | 24..32 | segment bytes |
//! | 32..36 | zero |
//! | 36..40 | CRC-32 of the above |

use super::Wal;
use crate::base::{Error, Result, SqlState};
use crate::disk::posix::write_zeros;
use crate::disk::{Disk, File, access_error, durable};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub const DIR: &str = "pg_wal";
pub const HEADER_BYTES: usize = 40;
const MAGIC: u32 = 0x314C_574F;

/// The header of a segment in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    pub address: u64,
    pub timeline: u32,
    pub system_identifier: u64,
    pub segment_bytes: u64,
}

impl SegmentHeader {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut b = [0; HEADER_BYTES];
        b[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        b[4..8].copy_from_slice(&self.timeline.to_le_bytes());
        b[8..16].copy_from_slice(&self.address.to_le_bytes());
        b[16..24].copy_from_slice(&self.system_identifier.to_le_bytes());
        b[24..32].copy_from_slice(&self.segment_bytes.to_le_bytes());
        let crc = crc32fast::hash(&b[..36]);
        b[36..40].copy_from_slice(&crc.to_le_bytes());
        b
    }

    /// The header, or the magic number found instead.
    pub fn decode(b: &[u8; HEADER_BYTES]) -> std::result::Result<SegmentHeader, u32> {
        let u32_at = |at: usize| u32::from_le_bytes(b[at..at + 4].try_into().expect("4 bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(b[at..at + 8].try_into().expect("8 bytes"));
        if u32_at(0) != MAGIC || u32_at(36) != crc32fast::hash(&b[..36]) {
            return Err(u32_at(0));
        }
        Ok(SegmentHeader {
            address: u64_at(8),
            timeline: u32_at(4),
            system_identifier: u64_at(16),
            segment_bytes: u64_at(24),
        })
    }
}

/// Where a record put at `position` starts: after the header if a segment begins there.
#[inline]
pub fn record_start(position: u64, segment_bytes: u64) -> u64 {
    if position & (segment_bytes - 1) == 0 { position + HEADER_BYTES as u64 } else { position }
}

/// `TTTTTTTTXXXXXXXXYYYYYYYY` (PostgreSQL 15, xlog_internal.h, XLogFileName: same).
pub fn file_name(timeline: u32, number: u64, segment_bytes: u64) -> String {
    let per_id = 0x1_0000_0000 / segment_bytes;
    format!("{timeline:08X}{:08X}{:08X}", number / per_id, number % per_id)
}

/// Timeline and number of a segment's file name; None for any other name.
pub fn parse_file_name(name: &str, segment_bytes: u64) -> Option<(u32, u64)> {
    if name.len() != 24 || !name.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)) {
        return None;
    }
    let part = |at: usize| u32::from_str_radix(&name[at..at + 8], 16).ok();
    let per_id = 0x1_0000_0000 / segment_bytes;
    Some((part(0)?, part(8)? as u64 * per_id + part(16)? as u64))
}

pub fn path(timeline: u32, number: u64, segment_bytes: u64) -> String {
    format!("{DIR}/{}", file_name(timeline, number, segment_bytes))
}

/// What a checkpoint did with old segments; the figures of its log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    pub removed: u32,
    pub recycled: u32,
}

impl Wal {
    /// The path of a segment of this log.
    pub fn segment_path(&self, number: u64) -> String {
        path(self.timeline(), number, self.segment_bytes)
    }

    /// The file name of the segment a position lies in.
    pub fn file_name(&self, lsn: crate::base::Lsn) -> String {
        file_name(self.timeline(), self.segment_of(lsn.0), self.segment_bytes)
    }

    /// Makes sure that all segments up to `end` exist with their space. Blocks.
    pub(super) fn allocate_to(&self, end: u64) -> Result<()> {
        let _files = self.files.lock();
        loop {
            let have = self.allocated_end.load(Ordering::Acquire);
            if have >= end {
                return Ok(());
            }
            let made = self.make_segment(have / self.segment_bytes);
            self.no_room.store(made.is_err(), Ordering::Relaxed);
            if made.is_err() {
                self.note_disk_full();
            }
            made?;
            self.allocated_end.store(have + self.segment_bytes, Ordering::Release);
        }
    }

    fn make_segment(&self, number: u64) -> Result<()> {
        if self.disk.exists(&self.segment_path(number)) {
            return Ok(());
        }
        let temporary = self.create_zeroed()?;
        self.install(&temporary, number)
    }

    /// Has a checkpoint made if that lets go of an old segment. Not otherwise, or every writer that is refused would
    /// ask for another.
    fn note_disk_full(&self) {
        if self.segment_of(self.redo_lsn().0) < self.segment_of(self.insert_lsn().0)
            && let Some(observer) = self.observer.get()
        {
            observer.disk_full();
        }
    }

    /// Creates the next segment if the log has passed the middle of the current one, so that writers
    /// need not wait for it. True if one was made.
    pub fn preallocate(&self) -> Result<bool> {
        let position = self.insert_lsn().0;
        if !self.is_started() || position + self.segment_bytes / 2 <= self.allocated_end.load(Ordering::Acquire) {
            return Ok(false);
        }
        self.allocate_to(position + self.segment_bytes / 2)?;
        Ok(true)
    }

    /// A segment of zeroes under a temporary name, durable but for its name.
    fn create_zeroed(&self) -> Result<String> {
        let temporary = format!("{DIR}/xlogtemp.{}", std::process::id());
        let _ = self.disk.remove(&temporary);
        let failed = |what: &str, e: &io::Error| {
            let _ = self.disk.remove(&temporary);
            access_error(format!("{what} \"{temporary}\""), e)
        };
        let file = self
            .disk
            .create(&temporary)
            .map_err(|e| failed("create file", &e).place("XLogFileInitInternal", "xlog.c", 2965))?;
        // On a disk known to be full the space is asked for first: filling what little is left takes long and leaves
        // others without.
        let zeros = self.init_zero.load(Ordering::Relaxed);
        let ask = !zeros || self.no_room.load(Ordering::Relaxed);
        let allocated = if ask { file.allocate(0, self.segment_bytes) } else { Ok(()) };
        let filled = match allocated {
            Ok(()) if zeros => write_zeros(&*file, 0, self.segment_bytes),
            other => other,
        };
        filled.map_err(|e| failed("write to file", &e).place("XLogFileInitInternal", "xlog.c", 3037))?;
        if self.fsync.load(Ordering::Relaxed) {
            file.sync_all().map_err(|e| failed("fsync file", &e).place("XLogFileInitInternal", "xlog.c", 3049))?;
        }
        Ok(temporary)
    }

    /// Gives a file of segment size the name of segment `number`.
    fn install(&self, from: &str, number: u64) -> Result<()> {
        let to = self.segment_path(number);
        self.disk.rename(from, &to).map_err(|e| access_error(format!("rename file \"{from}\" to \"{to}\""), &e))?;
        self.sync_wal_dir()
    }

    fn sync_wal_dir(&self) -> Result<()> {
        if self.fsync.load(Ordering::Relaxed) { durable::sync_dir(&*self.disk, DIR) } else { Ok(()) }
    }

    /// Opens a segment for writing. One that nobody reserved is made now; going through `allocate_to` also
    /// makes sure that a recycled one's new name is durable before anything is written to it.
    pub(super) fn open_segment(&self, number: u64) -> Result<Arc<dyn File>> {
        self.allocate_to((number + 1) * self.segment_bytes)?;
        let path = self.segment_path(number);
        self.disk.open(&path).map_err(|e| access_error(format!("open file \"{path}\""), &e))
    }

    /// Removes or recycles the segments before `keep_from`. Recycled ones become the future segments
    /// after the current end, up to `recycle_to` (a segment number); all others go. Segments still
    /// waiting for the archiver stay.
    ///
    /// PostgreSQL 15, xlog.c, RemoveOldXlogFiles: same rules.
    pub fn remove_old_segments(&self, keep_from: u64, recycle_to: u64, recycle: bool) -> Result<Removal> {
        let mut done = Removal::default();
        let _files = self.files.lock();
        let entries = self.disk.list(DIR).map_err(|e| access_error(format!("open directory \"{DIR}\""), &e))?;
        let mut future = self.segment_of(self.allocated_end.load(Ordering::Acquire));
        for entry in entries {
            let Some((_, number)) = parse_file_name(&entry.name, self.segment_bytes) else { continue };
            if number >= keep_from || !self.archive_done(&entry.name)? {
                continue;
            }
            let path = format!("{DIR}/{}", entry.name);
            if recycle && future <= recycle_to && entry.len == self.segment_bytes {
                while future <= recycle_to && self.disk.exists(&self.segment_path(future)) {
                    future += 1;
                }
                if future <= recycle_to {
                    let to = self.segment_path(future);
                    self.disk
                        .rename(&path, &to)
                        .map_err(|e| access_error(format!("rename file \"{path}\" to \"{to}\""), &e))?;
                    future += 1;
                    done.recycled += 1;
                    self.forget_archived(&entry.name);
                    continue;
                }
            }
            self.disk.remove(&path).map_err(|e| access_error(format!("remove file \"{path}\""), &e))?;
            done.removed += 1;
            self.forget_archived(&entry.name);
        }
        if done != Removal::default() {
            self.sync_wal_dir()?;
        }
        Ok(done)
    }

    /// The lowest number of a segment in `pg_wal`, if any.
    pub fn oldest_segment(&self) -> Option<u64> {
        let entries = self.disk.list(DIR).ok()?;
        entries.iter().filter_map(|e| parse_file_name(&e.name, self.segment_bytes)).map(|(_, n)| n).min()
    }
}

/// Removes what interrupted segment creations left behind. Called once, before recovery.
pub fn remove_temporaries(disk: &dyn Disk) -> Result<()> {
    let entries = disk.list(DIR).map_err(|e| access_error(format!("open directory \"{DIR}\""), &e))?;
    for entry in entries.iter().filter(|e| e.name.starts_with("xlogtemp.")) {
        let path = format!("{DIR}/{}", entry.name);
        disk.remove(&path).map_err(|e| access_error(format!("remove file \"{path}\""), &e))?;
    }
    Ok(())
}

/// PostgreSQL 15, xlog.c, ValidateXLOGDirectoryStructure: same texts.
pub fn check_directories(disk: &dyn Disk) -> Result<()> {
    if !disk.stat(DIR).is_ok_and(|e| e.is_dir) {
        let message = format!("required WAL directory \"{DIR}\" does not exist");
        return Err(Error::new(SqlState::INTERNAL_ERROR, message).severity(crate::base::Severity::Fatal));
    }
    let status = super::archive::DIR;
    if !disk.exists(status) {
        crate::log!("creating missing WAL directory \"{status}\"");
        durable::mkdir(disk, status)?;
    }
    Ok(())
}
