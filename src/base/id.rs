//! Newtypes for every number that crosses a module.

use super::Result;
use crate::err;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A byte position in the write-ahead log, shown as PostgreSQL shows it: `X/Y`, both hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

impl Lsn {
    /// No position: never the start of a record.
    pub const INVALID: Lsn = Lsn(0);
    pub const MAX: Lsn = Lsn(u64::MAX);

    pub fn is_valid(self) -> bool {
        self.0 != 0
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 as u32)
    }
}

impl fmt::Debug for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A transaction id: 64 bits in memory, 48 of them on a page, so that it never wraps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Xid(pub u64);

impl Xid {
    pub const INVALID: Xid = Xid(0);
    /// The transaction that made the catalogs in initdb: always committed, visible to everyone.
    pub const BOOTSTRAP: Xid = Xid(1);
    /// The first id given to an ordinary transaction (PostgreSQL 15, transam.h: same number).
    pub const FIRST_NORMAL: Xid = Xid(3);

    pub fn is_valid(self) -> bool {
        self.0 != 0
    }
}

impl fmt::Display for Xid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a command in its transaction; a command does not see rows made by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct CommandId(pub u32);

impl CommandId {
    pub const FIRST: CommandId = CommandId(0);
}

/// A commit sequence number: the order in which transactions became visible.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Csn(pub u64);

/// An object id as PostgreSQL's catalogs use it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Oid(pub u32);

impl Oid {
    pub const INVALID: Oid = Oid(0);
    /// Objects made by users start here (PostgreSQL 15, transam.h, FirstNormalObjectId).
    pub const FIRST_NORMAL: Oid = Oid(16384);

    pub fn is_valid(self) -> bool {
        self.0 != 0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A page's number in its fork, from 0.
pub type BlockNo = u32;

/// Where a row version lies: its page and the 1-based number of its line pointer; shown as `(0,1)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TupleId {
    pub block: BlockNo,
    pub offset: u16,
}

impl TupleId {
    /// PostgreSQL 15, itemptr.h: an invalid pointer has offset 0.
    pub const INVALID: TupleId = TupleId { block: u32::MAX, offset: 0 };

    /// What stands for the next version of a row that went into another partition (PostgreSQL 15, itemptr.h,
    /// MovedPartitionsOffsetNumber).
    pub const MOVED: TupleId = TupleId { block: u32::MAX, offset: 0xfffd };

    pub fn new(block: BlockNo, offset: u16) -> TupleId {
        TupleId { block, offset }
    }

    pub fn is_valid(self) -> bool {
        self.offset != 0
    }
}

impl fmt::Display for TupleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({},{})", self.block, self.offset)
    }
}

/// One of the files of a relation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Fork {
    Main = 0,
    /// Free-space map.
    Fsm = 1,
    /// Visibility map.
    Vm = 2,
    /// The empty image an unlogged relation is reset to.
    Init = 3,
}

impl Fork {
    pub const ALL: [Fork; 4] = [Fork::Main, Fork::Fsm, Fork::Vm, Fork::Init];

    /// The suffix of the fork's file name.
    pub fn suffix(self) -> &'static str {
        match self {
            Fork::Main => "",
            Fork::Fsm => "_fsm",
            Fork::Vm => "_vm",
            Fork::Init => "_init",
        }
    }

    /// By the name that SQL has for it (PostgreSQL 15, relpath.c, forkNames).
    ///
    /// # Errors
    /// 22023.
    pub fn named(name: &str) -> Result<Fork> {
        Ok(match name {
            "main" => Fork::Main,
            "fsm" => Fork::Fsm,
            "vm" => Fork::Vm,
            "init" => Fork::Init,
            _ => {
                return Err(err!(INVALID_PARAMETER_VALUE, "invalid fork name")
                    .hint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\"."));
            }
        })
    }

    pub fn from_u8(n: u8) -> Option<Fork> {
        Fork::ALL.get(n as usize).copied()
    }
}

/// The folder inside a tablespace that is this version's own (PostgreSQL 15, relpath.h).
pub const TABLESPACE_VERSION: &str = "PG_15_202209061";

/// Names a relation's storage: `base/<db>/<node>`, or `global/<node>` when `db` is 0; in a tablespace of a user's
/// `pg_tblspc/<space>/PG_15_…/<db>/<node>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RelFileId {
    pub db: Oid,
    pub node: Oid,
    /// 0: in the data directory (`pg_default`, or `pg_global` when `db` is 0).
    #[serde(default)]
    pub space: Oid,
}

impl RelFileId {
    /// In the data directory.
    pub const fn new(db: Oid, node: Oid) -> RelFileId {
        RelFileId { db, node, space: Oid::INVALID }
    }

    /// The folder its files lie in.
    pub fn folder(self) -> String {
        match (self.space, self.db) {
            (_, Oid::INVALID) => "global".to_string(),
            (Oid::INVALID, db) => format!("base/{db}"),
            (space, db) => format!("pg_tblspc/{space}/{TABLESPACE_VERSION}/{db}"),
        }
    }

    /// The path of a fork below the data directory, without a segment suffix.
    pub fn path(self, fork: Fork) -> String {
        format!("{}/{}{}", self.folder(), self.node, fork.suffix())
    }
}
