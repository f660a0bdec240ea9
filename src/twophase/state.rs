//! What a prepared transaction still holds.

use crate::base::{Oid, RelFileId, Result, TupleId, Xid};
use crate::err;
use crate::lock::LockTag;
use crate::mvcc::serializable::Target;
use crate::stat::Written;
use serde::{Deserialize, Serialize};

/// The most a state may take (PostgreSQL 15, memutils.h, MaxAllocSize).
const MAX_BYTES: usize = 0x3FFF_FFFF;

/// All that COMMIT PREPARED, ROLLBACK PREPARED and a restart must know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub gid: String,
    pub xid: Xid,
    /// Living sub-transactions.
    pub subs: Vec<Xid>,
    pub database: Oid,
    /// The role that prepared it.
    pub owner: Oid,
    /// Microseconds since 1970.
    pub prepared_us: i64,
    /// Files that go when it is rolled back.
    pub created: Vec<RelFileId>,
    /// Files that go when it commits.
    pub dropped: Vec<RelFileId>,
    /// Locks and their modes (bit n: mode n).
    pub locks: Vec<(LockTag, u16)>,
    /// Row locks that do not stand in the rows' headers.
    pub rows: Vec<RowLock>,
    /// Of a serializable one that is tracked.
    pub predicate: Option<Predicate>,
    /// Changed catalog objects.
    pub changes: Vec<CatalogChange>,
    /// Rows written, for the cumulative statistics.
    pub written: Vec<Written>,
}

/// A row version that it, or one of its sub-transactions, holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLock {
    pub file: RelFileId,
    pub tid: TupleId,
    pub xid: Xid,
    /// The heap's number.
    pub strength: u8,
}

/// What a serializable transaction has read and done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicate {
    pub read_only: bool,
    pub wrote: bool,
    pub marks: Vec<Target>,
}

/// A changed object of a catalog, named as its key is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogChange {
    pub class: Oid,
    pub oid: Oid,
    pub sub: i32,
    /// None: it was dropped.
    pub row: Option<NewRow>,
}

/// Where the new row lies, and the object as it stands there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRow {
    pub tid: TupleId,
    pub xmin: Xid,
    pub body: String,
}

impl State {
    /// # Errors
    /// 54000 if it is too long.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        match bytes.len() {
            n if n > MAX_BYTES => Err(err!(PROGRAM_LIMIT_EXCEEDED, "two-phase state file maximum length exceeded")),
            _ => Ok(bytes),
        }
    }

    /// # Errors
    /// XX001 if the bytes are no state.
    pub fn decode(bytes: &[u8]) -> Result<State> {
        serde_json::from_slice(bytes).map_err(|e| err!(DATA_CORRUPTED, "two-phase state is damaged: {e}"))
    }

    /// Its id and those of its sub-transactions.
    pub fn ids(&self) -> impl Iterator<Item = Xid> + '_ {
        std::iter::once(self.xid).chain(self.subs.iter().copied())
    }
}
