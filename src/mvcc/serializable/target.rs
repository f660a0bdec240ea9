//! What a mark is on.

use crate::base::{BlockNo, Oid, TupleId};
use serde::{Deserialize, Serialize};

const NO_BLOCK: BlockNo = BlockNo::MAX;

/// A row version, a page of a table or an index, or a whole relation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Target {
    pub db: Oid,
    pub rel: Oid,
    block: BlockNo,
    /// 0: the page.
    line: u16,
}

impl Target {
    pub fn relation(db: Oid, rel: Oid) -> Target {
        Target { db, rel, block: NO_BLOCK, line: 0 }
    }

    pub fn page(db: Oid, rel: Oid, block: BlockNo) -> Target {
        Target { db, rel, block, line: 0 }
    }

    pub fn tuple(db: Oid, rel: Oid, tid: TupleId) -> Target {
        Target { db, rel, block: tid.block, line: tid.offset }
    }

    pub fn block(&self) -> Option<BlockNo> {
        (self.block != NO_BLOCK).then_some(self.block)
    }

    pub fn line(&self) -> Option<u16> {
        (self.line != 0).then_some(self.line)
    }

    /// The next coarser target, which covers this one.
    pub fn parent(&self) -> Option<Target> {
        match (self.line(), self.block()) {
            (Some(_), _) => Some(Target { line: 0, ..*self }),
            (None, Some(_)) => Some(Target::relation(self.db, self.rel)),
            (None, None) => None,
        }
    }

    /// The coarser targets, finest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Target> {
        std::iter::successors(self.parent(), Target::parent)
    }

    /// `pg_locks.locktype`.
    pub fn kind(&self) -> &'static str {
        match (self.line(), self.block()) {
            (Some(_), _) => "tuple",
            (None, Some(_)) => "page",
            (None, None) => "relation",
        }
    }
}
