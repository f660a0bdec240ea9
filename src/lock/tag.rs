//! What can be locked.

use crate::base::{BlockNo, Oid, TupleId, Xid};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The thing a lock is on. `db` 0 means shared by all databases.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum LockTag {
    Relation {
        db: Oid,
        rel: Oid,
    },
    /// Held exclusively by the transaction itself; to wait for its end is to ask for a share.
    Xact(Xid),
    /// Queue of those who want to be next to change a row version.
    Tuple {
        db: Oid,
        rel: Oid,
        tid: TupleId,
    },
    /// Any other catalog object: its catalog's OID and its own.
    Object {
        db: Oid,
        class: Oid,
        oid: Oid,
    },
    Page {
        db: Oid,
        rel: Oid,
        block: BlockNo,
    },
    /// `pg_advisory_lock`: one 64-bit key (`split` false) or two 32-bit ones.
    Advisory {
        db: Oid,
        high: u32,
        low: u32,
        split: bool,
    },
    /// The transaction a session runs, by the session's own number of it. Nobody takes it for himself: who waits for the
    /// end of a transaction that may have no id enters it as held by the session ([`super::LockManager::enter_for`]).
    Virtual {
        pid: u32,
        number: u32,
    },
}

impl fmt::Display for LockTag {
    /// As PostgreSQL's DescribeLockTag words it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockTag::Relation { db, rel } => write!(f, "relation {rel} of database {db}"),
            LockTag::Xact(xid) => write!(f, "transaction {xid}"),
            LockTag::Tuple { db, rel, tid } => write!(f, "tuple {tid} of relation {rel} of database {db}"),
            LockTag::Object { db, class, oid } => write!(f, "object {oid} of class {class} of database {db}"),
            LockTag::Page { db, rel, block } => write!(f, "page {block} of relation {rel} of database {db}"),
            LockTag::Advisory { db, high, low, split } => {
                write!(f, "advisory lock [{db},{high},{low},{}]", if *split { 2 } else { 1 })
            }
            LockTag::Virtual { pid, number } => write!(f, "virtual transaction {pid}/{number}"),
        }
    }
}

impl LockTag {
    /// `pg_locks.locktype`, also the wait event's name.
    pub fn kind(&self) -> &'static str {
        match self {
            LockTag::Relation { .. } => "relation",
            LockTag::Xact(_) => "transactionid",
            LockTag::Tuple { .. } => "tuple",
            LockTag::Object { .. } => "object",
            LockTag::Page { .. } => "page",
            LockTag::Advisory { .. } => "advisory",
            LockTag::Virtual { .. } => "virtualxid",
        }
    }
}
