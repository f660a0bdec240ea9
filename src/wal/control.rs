//! `global/pg_control`: the state of the cluster and where recovery begins.
//!
//! 512 bytes in use, one sector, written in place and synced: a power loss leaves the old or the new
//! contents. The file is 8 KiB long, as PostgreSQL's. A damaged one is never guessed at.

use crate::base::{Error, Lsn, Oid, Result, Severity, SqlState, Xid};
use crate::disk::{Disk, access_error, durable};
use crate::page::PAGE_SIZE;
use parking_lot::Mutex;
use std::sync::Arc;

pub const PATH: &str = "global/pg_control";
/// PostgreSQL 15's numbers, as its tools expect them.
pub const CONTROL_VERSION: u32 = 1300;
pub const CATALOG_VERSION: u32 = 202_209_061;
const FILE_BYTES: usize = 8192;
const USED_BYTES: usize = 512;
const MAGIC: u32 = 0x324C_544F;
/// What it was while indexes had other leaves.
const FORMER_MAGIC: u32 = 0x4C54_554F;

/// The state of the cluster (PostgreSQL 15, pg_control.h, DBState: same numbers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum DbState {
    Startup = 0,
    Shutdowned = 1,
    ShutdownedInRecovery = 2,
    Shutdowning = 3,
    InCrashRecovery = 4,
    InArchiveRecovery = 5,
    InProduction = 6,
}

impl DbState {
    fn from_u32(n: u32) -> Option<DbState> {
        use DbState::*;
        [Startup, Shutdowned, ShutdownedInRecovery, Shutdowning, InCrashRecovery, InArchiveRecovery, InProduction]
            .get(n as usize)
            .copied()
    }

    /// The words of `pg_controldata`.
    pub fn as_str(self) -> &'static str {
        match self {
            DbState::Startup => "starting up",
            DbState::Shutdowned => "shut down",
            DbState::ShutdownedInRecovery => "shut down in recovery",
            DbState::Shutdowning => "shutting down",
            DbState::InCrashRecovery => "in crash recovery",
            DbState::InArchiveRecovery => "in archive recovery",
            DbState::InProduction => "in production",
        }
    }
}

/// What a checkpoint record says, and the control file repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckPoint {
    /// Where redo begins.
    pub redo: Lsn,
    pub timeline: u32,
    pub previous_timeline: u32,
    pub full_page_writes: bool,
    pub next_xid: Xid,
    pub next_oid: Oid,
    pub next_multi: u32,
    pub next_multi_offset: u32,
    pub oldest_xid: Xid,
    pub oldest_xid_db: Oid,
    pub oldest_active_xid: Xid,
    /// Seconds since 1970.
    pub time: i64,
}

impl Default for CheckPoint {
    fn default() -> CheckPoint {
        CheckPoint {
            redo: Lsn::INVALID,
            timeline: 1,
            previous_timeline: 1,
            full_page_writes: true,
            next_xid: Xid::FIRST_NORMAL,
            next_oid: Oid::FIRST_NORMAL,
            next_multi: 1,
            next_multi_offset: 0,
            oldest_xid: Xid::FIRST_NORMAL,
            oldest_xid_db: Oid(1),
            oldest_active_xid: Xid::INVALID,
            time: 0,
        }
    }
}

/// Everything in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlFile {
    pub system_identifier: u64,
    pub control_version: u32,
    pub catalog_version: u32,
    pub state: DbState,
    /// Last change of the file, seconds since 1970.
    pub time: i64,
    /// Start of the last checkpoint's record.
    pub checkpoint: Lsn,
    pub checkpoint_copy: CheckPoint,
    /// Of the records being written now (WAL-3); one more with each start.
    pub incarnation: u32,
    pub segment_bytes: u32,
    pub data_checksums: bool,
    pub wal_level: u32,
    pub wal_log_hints: bool,
    pub max_connections: u32,
    pub max_worker_processes: u32,
    pub max_wal_senders: u32,
    pub max_prepared_transactions: u32,
    pub max_locks_per_transaction: u32,
    pub track_commit_timestamp: bool,
    /// Random, fixed by initdb: for authentication answers about roles that do not exist.
    pub mock_nonce: [u8; 32],
}

/// A control file as people want to see it, sound or not.
pub struct Examined {
    pub control: ControlFile,
    /// The checksum fits.
    pub is_sound: bool,
    /// The state is none we know; `control` says another one.
    pub unknown_state: bool,
}

impl ControlFile {
    /// What initdb begins with; the caller fills in the checkpoint.
    pub fn new(system_identifier: u64, segment_bytes: u32, data_checksums: bool, mock_nonce: [u8; 32]) -> ControlFile {
        ControlFile {
            system_identifier,
            control_version: CONTROL_VERSION,
            catalog_version: CATALOG_VERSION,
            state: DbState::Shutdowned,
            time: 0,
            checkpoint: Lsn::INVALID,
            checkpoint_copy: CheckPoint::default(),
            incarnation: 1,
            segment_bytes,
            data_checksums,
            wal_level: 1,
            wal_log_hints: false,
            max_connections: 100,
            max_worker_processes: 8,
            max_wal_senders: 10,
            max_prepared_transactions: 0,
            max_locks_per_transaction: 64,
            track_commit_timestamp: false,
            mock_nonce,
        }
    }

    /// Reads and checks the file.
    ///
    /// # Errors
    /// FATAL, with PostgreSQL's texts: it cannot be read, is damaged, or is of another version.
    pub fn read(disk: &dyn Disk) -> Result<ControlFile> {
        let fatal = |e: Error| e.severity(Severity::Fatal);
        let bytes = durable::read(disk, PATH).map_err(fatal)?;
        ControlFile::decode(&bytes).map_err(fatal)
    }

    /// Reads what is there without checking it, for whoever only shows it.
    ///
    /// # Errors
    /// It cannot be read, or is too short to hold everything.
    pub fn examine(disk: &dyn Disk) -> Result<Examined> {
        let bytes = durable::read(disk, PATH)?;
        check_length(&bytes)?;
        Ok(ControlFile::fields(&bytes))
    }

    /// Writes the file in place, durably, stamped with the time now.
    pub fn write(&mut self, disk: &dyn Disk) -> Result<()> {
        self.time = now_s();
        let file = disk.open(PATH).map_err(|e| access_error(format!("open file \"{PATH}\""), &e))?;
        file.write_at(&self.encode(), 0).map_err(|e| access_error(format!("write to file \"{PATH}\""), &e))?;
        file.sync_all().map_err(|e| access_error(format!("fsync file \"{PATH}\""), &e))
    }

    /// Creates the file (initdb).
    pub fn create(&mut self, disk: &dyn Disk) -> Result<()> {
        self.time = now_s();
        let file = disk.create(PATH).map_err(|e| access_error(format!("create file \"{PATH}\""), &e))?;
        let mut whole = vec![0; FILE_BYTES];
        whole[..USED_BYTES].copy_from_slice(&self.encode());
        file.write_at(&whole, 0).map_err(|e| access_error(format!("write to file \"{PATH}\""), &e))?;
        file.sync_all().map_err(|e| access_error(format!("fsync file \"{PATH}\""), &e))?;
        durable::sync_dir(disk, "global")
    }

    fn encode(&self) -> [u8; USED_BYTES] {
        let mut out = Vec::with_capacity(USED_BYTES);
        let c = &self.checkpoint_copy;
        out.extend_from_slice(&MAGIC.to_le_bytes());
        for v in [self.control_version, self.catalog_version, self.state as u32] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        for v in [self.system_identifier, self.time as u64, self.checkpoint.0, c.redo.0, c.next_xid.0] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        for v in [c.oldest_xid.0, c.oldest_active_xid.0, c.time as u64] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        for v in [c.timeline, c.previous_timeline, c.next_oid.0, c.next_multi, c.next_multi_offset] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        for v in [c.oldest_xid_db.0, self.incarnation, self.segment_bytes, self.wal_level, self.max_connections] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        for v in [
            self.max_worker_processes,
            self.max_wal_senders,
            self.max_prepared_transactions,
            self.max_locks_per_transaction,
        ] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        for v in [c.full_page_writes, self.data_checksums, self.wal_log_hints, self.track_commit_timestamp] {
            out.push(v as u8);
        }
        out.extend_from_slice(&self.mock_nonce);
        let mut bytes = [0; USED_BYTES];
        bytes[..out.len()].copy_from_slice(&out);
        let crc = crc32fast::hash(&bytes[..USED_BYTES - 4]);
        bytes[USED_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<ControlFile> {
        check_length(bytes)?;
        if bytes.starts_with(&FORMER_MAGIC.to_le_bytes()) {
            return Err(Error::new(SqlState::INTERNAL_ERROR, "database files are incompatible with server")
                .detail("An earlier version wrote them, whose indexes are laid out otherwise.")
                .hint("Dump the databases with that version, and restore the dump into a new cluster."));
        }
        let found = ControlFile::fields(bytes);
        if bytes.starts_with(&MAGIC.to_le_bytes()) {
            check_version(found.control.control_version, found.control.catalog_version)?;
        }
        match found.is_sound && !found.unknown_state {
            true => Ok(found.control),
            false => Err(bad_checksum()),
        }
    }

    /// The fields of a file that is long enough, whatever they say.
    fn fields(bytes: &[u8]) -> Examined {
        let mut at = 0;
        let mut take = |n: usize| {
            at += n;
            &bytes[at - n..at]
        };
        macro_rules! get {
            ($t:ty) => {
                <$t>::from_le_bytes(take(size_of::<$t>()).try_into().expect("the length asked for"))
            };
        }
        let (magic, control_version, catalog_version, state) = (get!(u32), get!(u32), get!(u32), get!(u32));
        let stored = u32::from_le_bytes(bytes[USED_BYTES - 4..USED_BYTES].try_into().expect("4 bytes"));
        let is_sound = magic == MAGIC && stored == crc32fast::hash(&bytes[..USED_BYTES - 4]);
        let (system_identifier, time, checkpoint) = (get!(u64), get!(i64), Lsn(get!(u64)));
        let (redo, next_xid, oldest_xid) = (Lsn(get!(u64)), Xid(get!(u64)), Xid(get!(u64)));
        let (oldest_active_xid, checkpoint_time) = (Xid(get!(u64)), get!(i64));
        let (timeline, previous_timeline, next_oid) = (get!(u32), get!(u32), Oid(get!(u32)));
        let (next_multi, next_multi_offset, oldest_xid_db) = (get!(u32), get!(u32), Oid(get!(u32)));
        let (incarnation, segment_bytes, wal_level, max_connections) = (get!(u32), get!(u32), get!(u32), get!(u32));
        let (max_worker_processes, max_wal_senders) = (get!(u32), get!(u32));
        let (max_prepared_transactions, max_locks_per_transaction) = (get!(u32), get!(u32));
        let (full_page_writes, data_checksums) = (get!(u8) != 0, get!(u8) != 0);
        let (wal_log_hints, track_commit_timestamp) = (get!(u8) != 0, get!(u8) != 0);
        let mock_nonce = take(32).try_into().expect("32 bytes");
        let checkpoint_copy = CheckPoint {
            redo,
            timeline,
            previous_timeline,
            full_page_writes,
            next_xid,
            next_oid,
            next_multi,
            next_multi_offset,
            oldest_xid,
            oldest_xid_db,
            oldest_active_xid,
            time: checkpoint_time,
        };
        let state = DbState::from_u32(state);
        let unknown_state = state.is_none();
        let control = ControlFile {
            system_identifier,
            control_version,
            catalog_version,
            state: state.unwrap_or(DbState::Startup),
            time,
            checkpoint,
            checkpoint_copy,
            incarnation,
            segment_bytes,
            data_checksums,
            wal_level,
            wal_log_hints,
            max_connections,
            max_worker_processes,
            max_wal_senders,
            max_prepared_transactions,
            max_locks_per_transaction,
            track_commit_timestamp,
            mock_nonce,
        };
        Examined { control, is_sound, unknown_state }
    }
}

fn check_length(bytes: &[u8]) -> Result<()> {
    if bytes.len() < USED_BYTES {
        let text = format!("could not read file \"{PATH}\": read {} of {USED_BYTES}", bytes.len());
        return Err(Error::new(SqlState::DATA_CORRUPTED, text).place("ReadControlFile", "xlog.c", 3931));
    }
    Ok(())
}

fn bad_checksum() -> Error {
    Error::new(SqlState::DATA_CORRUPTED, "incorrect checksum in control file").place("ReadControlFile", "xlog.c", 3967)
}

fn check_version(control: u32, catalog: u32) -> Result<()> {
    let incompatible = |detail: String| {
        Error::new(SqlState::INTERNAL_ERROR, "database files are incompatible with server")
            .detail(detail)
            .hint("It looks like you need to initdb.")
    };
    if control != CONTROL_VERSION {
        return Err(incompatible(format!(
            "The database cluster was initialized with PG_CONTROL_VERSION {control}, \
             but the server was compiled with PG_CONTROL_VERSION {CONTROL_VERSION}."
        )));
    }
    if catalog != CATALOG_VERSION {
        return Err(incompatible(format!(
            "The database cluster was initialized with CATALOG_VERSION_NO {catalog}, \
             but the server was compiled with CATALOG_VERSION_NO {CATALOG_VERSION}."
        )));
    }
    Ok(())
}

impl CheckPoint {
    /// The bytes of a checkpoint record's data.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(72);
        for v in [self.redo.0, self.next_xid.0, self.oldest_xid.0, self.oldest_active_xid.0, self.time as u64] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        for v in [
            self.timeline,
            self.previous_timeline,
            self.next_oid.0,
            self.next_multi,
            self.next_multi_offset,
            self.oldest_xid_db.0,
            self.full_page_writes as u32,
        ] {
            out.extend_from_slice(&v.to_le_bytes());
        }
        out
    }

    /// What [`encode`](CheckPoint::encode) wrote; None if the length is wrong.
    pub fn decode(bytes: &[u8]) -> Option<CheckPoint> {
        if bytes.len() != 68 {
            return None;
        }
        let wide = |n: usize| u64::from_le_bytes(bytes[n * 8..n * 8 + 8].try_into().expect("8 bytes"));
        let word = |n: usize| u32::from_le_bytes(bytes[40 + n * 4..44 + n * 4].try_into().expect("4 bytes"));
        Some(CheckPoint {
            redo: Lsn(wide(0)),
            next_xid: Xid(wide(1)),
            oldest_xid: Xid(wide(2)),
            oldest_active_xid: Xid(wide(3)),
            time: wide(4) as i64,
            timeline: word(0),
            previous_timeline: word(1),
            next_oid: Oid(word(2)),
            next_multi: word(3),
            next_multi_offset: word(4),
            oldest_xid_db: Oid(word(5)),
            full_page_writes: word(6) != 0,
        })
    }
}

/// The control file of a running engine, shared by all who read or change it.
pub struct Control {
    disk: Arc<dyn Disk>,
    file: Mutex<ControlFile>,
}

impl Control {
    pub fn new(disk: Arc<dyn Disk>, file: ControlFile) -> Control {
        Control { disk, file: Mutex::new(file) }
    }

    /// A copy of what is on disk.
    pub fn get(&self) -> ControlFile {
        self.file.lock().clone()
    }

    /// Changes the file, durably.
    ///
    /// # Errors
    /// Of severity PANIC: what the file says is unknown then (PostgreSQL 15, controldata_utils.c: same).
    pub fn update(&self, change: impl FnOnce(&mut ControlFile)) -> Result<()> {
        let mut file = self.file.lock();
        change(&mut file);
        file.write(&*self.disk).map_err(|e| e.severity(Severity::Panic))
    }
}

/// Seconds since 1970.
pub fn now_s() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

const _: () = assert!(PAGE_SIZE == FILE_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Simulated;

    fn sample() -> ControlFile {
        let mut control = ControlFile::new(0x1122_3344_5566_7788, 16 << 20, true, [9; 32]);
        control.state = DbState::InProduction;
        control.checkpoint = Lsn(0x0100_0028);
        control.checkpoint_copy.next_xid = Xid(1 << 40);
        control.checkpoint_copy.time = -5;
        control.max_locks_per_transaction = 77;
        control
    }

    /// Every field comes back, from the file and from a checkpoint record.
    #[test]
    fn it_comes_back() {
        let disk = Simulated::new(1);
        disk.mkdir("global").unwrap();
        let mut control = sample();
        control.create(&disk).unwrap();
        assert_eq!(ControlFile::read(&disk).unwrap(), control);
        control.state = DbState::Shutdowned;
        control.incarnation += 1;
        control.write(&disk).unwrap();
        assert_eq!(ControlFile::read(&disk).unwrap(), control);
        assert_eq!(CheckPoint::decode(&control.checkpoint_copy.encode()).as_ref(), Some(&control.checkpoint_copy));
    }

    /// Any damaged byte is PostgreSQL's FATAL, another version its DETAIL.
    #[test]
    fn damage_is_fatal() {
        let disk = Simulated::new(1);
        disk.mkdir("global").unwrap();
        sample().create(&disk).unwrap();
        let file = disk.open(PATH).unwrap();
        for at in [0, 17, 100, 508] {
            let mut byte = [0];
            file.read_at(&mut byte, at).unwrap();
            file.write_at(&[byte[0] ^ 1], at).unwrap();
            let e = ControlFile::read(&disk).unwrap_err();
            assert_eq!((e.message(), e.0.severity), ("incorrect checksum in control file", Severity::Fatal));
            file.write_at(&byte, at).unwrap();
        }
        file.write_at(&1201u32.to_le_bytes(), 4).unwrap();
        assert_eq!(ControlFile::read(&disk).unwrap_err().message(), "database files are incompatible with server");
        // Of a cluster whose indexes this version cannot read the checksum may be right: it is not asked.
        file.write_at(&FORMER_MAGIC.to_le_bytes(), 0).unwrap();
        let e = ControlFile::read(&disk).unwrap_err();
        assert_eq!(e.message(), "database files are incompatible with server");
        assert!(e.0.detail.as_deref().is_some_and(|d| d.starts_with("An earlier version wrote them")));
    }

    /// A write torn by a power loss leaves the old contents or the new ones.
    #[test]
    fn a_torn_write_is_harmless() {
        for seed in 0..40 {
            let disk = Simulated::new(seed);
            disk.mkdir("global").unwrap();
            disk.sync_dir(".").unwrap();
            let mut control = sample();
            control.create(&disk).unwrap();
            let old = control.clone();
            control.state = DbState::Shutdowned;
            disk.fault_at(disk.operations() + 1, crate::disk::simulated::Fault::CutTorn);
            control.write(&disk).unwrap_err();
            let read = ControlFile::read(&disk.after_power_loss()).unwrap();
            assert!(read == old || read == control);
        }
    }
}
