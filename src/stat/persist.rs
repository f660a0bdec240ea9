//! The counters as bytes, for a clean stop and the next start.
//!
//! Layout, little-endian: 8 bytes magic, then sections `tag u8, count u32, entries`, then CRC-32 of all
//! before. An entry is its key (one or two u32) and its numbers (i64 each); texts are u16 length + bytes.

use super::counters::{ArchiverStats, BgwriterStats, DatabaseStats, FunctionStats, Stats, TableStats, WalStats};
use crate::base::{Oid, Result};
use crate::err;

const MAGIC: &[u8; 8] = b"OUTSTAT1";

macro_rules! numbers {
    ($type:ident: $($field:ident),*) => {
        impl Numbers for $type {
            fn write(&self, out: &mut Vec<u8>) {
                $(out.extend_from_slice(&self.$field.to_le_bytes());)*
            }
            fn read(from: &mut Reader<'_>) -> Option<$type> {
                Some($type { $($field: from.i64()?),* })
            }
        }
    };
}

trait Numbers: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

numbers!(TableStats: numscans, tuples_returned, tuples_fetched, tuples_inserted, tuples_updated, tuples_deleted,
    tuples_hot_updated, live_tuples, dead_tuples, changes_since_analyze, inserts_since_vacuum, blocks_fetched,
    blocks_hit, vacuum_time_us, vacuum_count, autovacuum_time_us, autovacuum_count, analyze_time_us, analyze_count,
    autoanalyze_time_us, autoanalyze_count);
numbers!(DatabaseStats: xact_commit, xact_rollback, blocks_fetched, blocks_hit, tuples_returned, tuples_fetched,
    tuples_inserted, tuples_updated, tuples_deleted, last_autovac_us, conflicts, deadlocks, temp_files, temp_bytes,
    checksum_failures, last_checksum_failure_us, block_read_us, block_write_us, sessions, session_us, active_us,
    idle_in_transaction_us, sessions_abandoned, sessions_fatal, sessions_killed, reset_us);
numbers!(FunctionStats: calls, total_us, self_us);
numbers!(BgwriterStats: checkpoints_timed, checkpoints_requested, checkpoint_write_us, checkpoint_sync_us,
    buffers_checkpoint, buffers_clean, maxwritten_clean, buffers_backend, buffers_backend_fsync, buffers_alloc, reset_us);
numbers!(WalStats: records, full_page_images, bytes, buffers_full, writes, syncs, write_us, sync_us, reset_us);

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
    fn text(&mut self) -> Option<String> {
        let len = u16::from_le_bytes(self.take()?) as usize;
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(String::from_utf8_lossy(head).into_owned())
    }
}

fn put_u32(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&n.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let text = &text.as_bytes()[..text.len().min(u16::MAX as usize)];
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text);
}

impl Stats {
    /// All counters, for `pg_stat/pgstat.stat` at a clean stop.
    pub fn save(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let tables: Vec<_> = self.tables.iter().flat_map(|s| s.lock().clone()).collect();
        put_u32(&mut out, tables.len() as u32);
        for ((db, rel), t) in tables {
            put_u32(&mut out, db.0);
            put_u32(&mut out, rel.0);
            t.write(&mut out);
        }
        let databases = self.databases.lock().clone();
        put_u32(&mut out, databases.len() as u32);
        for (db, d) in databases {
            put_u32(&mut out, db.0);
            d.write(&mut out);
        }
        let functions = self.functions.lock().clone();
        put_u32(&mut out, functions.len() as u32);
        for ((db, f), counts) in functions {
            put_u32(&mut out, db.0);
            put_u32(&mut out, f.0);
            counts.write(&mut out);
        }
        self.bgwriter().write(&mut out);
        self.wal().write(&mut out);
        write_archiver(&self.archiver(), &mut out);
        put_u32_crc(&mut out);
        out
    }

    /// Replaces all counters by saved ones; bytes that are not whole change nothing.
    pub fn load(&self, bytes: &[u8]) -> Result<()> {
        let damaged = || err!(DATA_CORRUPTED, "corrupted statistics file \"pg_stat/pgstat.stat\"");
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(damaged)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(damaged());
        }
        let mut from = Reader(body);
        let loaded = Stats::new();
        read_all(&mut from, &loaded).ok_or_else(damaged)?;
        for (mine, theirs) in self.tables.iter().zip(loaded.tables) {
            *mine.lock() = theirs.into_inner();
        }
        *self.databases.lock() = loaded.databases.into_inner();
        *self.functions.lock() = loaded.functions.into_inner();
        *self.bgwriter.lock() = loaded.bgwriter.into_inner();
        *self.wal.lock() = loaded.wal.into_inner();
        *self.archiver.lock() = loaded.archiver.into_inner();
        Ok(())
    }
}

fn put_u32_crc(out: &mut Vec<u8>) {
    let crc = crc32fast::hash(out);
    put_u32(out, crc);
}

fn write_archiver(a: &ArchiverStats, out: &mut Vec<u8>) {
    for n in [a.archived_count, a.last_archived_us, a.failed_count, a.last_failed_us, a.reset_us] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    put_text(out, &a.last_archived_wal);
    put_text(out, &a.last_failed_wal);
}

fn read_all(from: &mut Reader<'_>, into: &Stats) -> Option<()> {
    if from.take::<8>()? != *MAGIC {
        return None;
    }
    for _ in 0..from.u32()? {
        let key = (Oid(from.u32()?), Oid(from.u32()?));
        into.shard(key).lock().insert(key, TableStats::read(from)?);
    }
    for _ in 0..from.u32()? {
        let db = Oid(from.u32()?);
        into.databases.lock().insert(db, DatabaseStats::read(from)?);
    }
    for _ in 0..from.u32()? {
        let key = (Oid(from.u32()?), Oid(from.u32()?));
        into.functions.lock().insert(key, FunctionStats::read(from)?);
    }
    *into.bgwriter.lock() = BgwriterStats::read(from)?;
    *into.wal.lock() = WalStats::read(from)?;
    *into.archiver.lock() = ArchiverStats {
        archived_count: from.i64()?,
        last_archived_us: from.i64()?,
        failed_count: from.i64()?,
        last_failed_us: from.i64()?,
        reset_us: from.i64()?,
        last_archived_wal: from.text()?,
        last_failed_wal: from.text()?,
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was saved is loaded again; any changed byte is noticed and changes nothing.
    #[test]
    fn round_trip() {
        let stats = Stats::new();
        stats.update_table(Oid(5), Oid(16384), |t| t.live_tuples = 42);
        stats.update_database(Oid(5), |d| d.xact_commit = 7);
        stats.count_call(Oid(5), Oid(9), 10, 4);
        stats.update_wal(|w| w.bytes = 99);
        stats.report_archiver("000000010000000000000001", false);
        let bytes = stats.save();
        let other = Stats::new();
        other.load(&bytes).unwrap();
        assert_eq!(other.table(Oid(5), Oid(16384)), stats.table(Oid(5), Oid(16384)));
        assert_eq!(other.database(Oid(5)), stats.database(Oid(5)));
        assert_eq!((other.wal(), other.archiver()), (stats.wal(), stats.archiver()));
        assert_eq!(other.functions_of(Oid(5)), stats.functions_of(Oid(5)));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(other.load(&bad).is_err(), "byte {at}");
        }
        assert!(other.load(&bytes[..bytes.len() - 1]).is_err());
        assert_eq!(other.table(Oid(5), Oid(16384)).live_tuples, 42);
    }
}
