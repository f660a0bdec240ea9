//! `pg_wal/archive_status`: which finished segments wait for the archiver.
//!
//! `NAME.ready` waits, `NAME.done` is archived. Only archived segments are removed or recycled.

use super::Wal;
use crate::base::Result;
use crate::disk::{Disk, access_error};
use std::io;
use std::sync::atomic::Ordering;

pub const DIR: &str = "pg_wal/archive_status";

/// Marks a segment as waiting for the archiver.
pub fn mark_ready(disk: &dyn Disk, name: &str) -> Result<()> {
    let path = format!("{DIR}/{name}.ready");
    disk.open_or_create(&path)
        .map(|_| ())
        .map_err(|e| access_error(format!("create archive status file \"{path}\""), &e))
}

/// Marks a segment as archived.
pub fn mark_done(disk: &dyn Disk, name: &str) -> Result<()> {
    let (from, to) = (format!("{DIR}/{name}.ready"), format!("{DIR}/{name}.done"));
    crate::disk::durable::rename(disk, &from, &to)
}

/// Names waiting for the archiver, oldest first; timeline history files come before segments.
pub fn ready(disk: &dyn Disk) -> Result<Vec<String>> {
    let entries = disk.list(DIR).map_err(|e| access_error(format!("open directory \"{DIR}\""), &e))?;
    let mut names: Vec<String> =
        entries.iter().filter_map(|e| e.name.strip_suffix(".ready")).map(str::to_string).collect();
    names.sort_by_key(|name| (!name.ends_with(".history"), name.clone()));
    Ok(names)
}

impl Wal {
    /// A segment is complete: tells the archiver.
    pub(super) fn segment_finished(&self, number: u64) -> Result<()> {
        if !self.archiving.load(Ordering::Relaxed) {
            return Ok(());
        }
        mark_ready(&*self.disk, &super::segment::file_name(self.timeline(), number, self.segment_bytes))?;
        if let Some(observer) = self.observer.get() {
            observer.segment_ready();
        }
        Ok(())
    }

    /// Whether an old segment may go. One without any mark (made while archiving was off, or whose mark
    /// was lost in a crash) is marked ready now (PostgreSQL 15, xlogarchive.c, XLogArchiveCheckDone).
    pub(super) fn archive_done(&self, name: &str) -> Result<bool> {
        if !self.archiving.load(Ordering::Relaxed) || self.disk.exists(&format!("{DIR}/{name}.done")) {
            return Ok(true);
        }
        if !self.disk.exists(&format!("{DIR}/{name}.ready")) {
            mark_ready(&*self.disk, name)?;
        }
        Ok(false)
    }

    /// Removes the marks of a segment that is gone.
    pub(super) fn forget_archived(&self, name: &str) {
        for suffix in ["done", "ready"] {
            match self.disk.remove(&format!("{DIR}/{name}.{suffix}")) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    crate::base::report::log(
                        &access_error(format!("remove file \"{DIR}/{name}.{suffix}\""), &e)
                            .severity(crate::base::Severity::Log)
                            .0,
                    );
                }
                _ => {}
            }
        }
    }
}
