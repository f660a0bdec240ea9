//! One fork of one relation as the pool knows it: its file, its length, and where its blocks are.

use super::counts::Counts;
use crate::base::{BlockNo, Fork, Oid, RelFileId};
use crate::disk::RelationFile;
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How a relation survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum Persistence {
    /// Logged: survives everything.
    Permanent = b'p',
    /// Not logged: empty after a crash.
    Unlogged = b'u',
    /// Not logged, gone with its session.
    Temp = b't',
}

/// The length is not known yet.
pub(super) const UNKNOWN: u32 = u32::MAX;
/// Blocks in the first segment of the block map; each further segment doubles.
const FIRST: u64 = 64;
const SEGMENTS: usize = 27;

/// The shared handle on a fork; everybody who names the same fork has the same one.
pub struct RelFork {
    pub(super) file: RelationFile,
    id: RelFileId,
    fork: Fork,
    persistence: Persistence,
    /// Blocks handed out: what scans see.
    pub(super) nblocks: AtomicU32,
    /// Blocks the file has room for; those behind `nblocks` are zero.
    pub(super) allocated: AtomicU32,
    /// Length when the fork was first opened: zero pages below it belong to nobody.
    pub(super) opened: AtomicU32,
    pub(super) extending: Mutex<()>,
    /// Frame number + 1 of each block, 0 for none; in segments of doubling size, made when first needed.
    map: [OnceLock<Box<[AtomicU32]>>; SEGMENTS],
    pub(super) dropped: AtomicBool,
    pub(super) counts: Counts,
    /// Free for the access method: the heap remembers the block it inserted into last, + 1.
    pub hint: AtomicU32,
    /// Free for the access method: a stamp that changes (B-tree's metapage cache).
    pub stamp: AtomicU64,
}

impl RelFork {
    pub(super) fn new(file: RelationFile, id: RelFileId, fork: Fork, persistence: Persistence) -> RelFork {
        RelFork {
            file,
            id,
            fork,
            persistence,
            nblocks: AtomicU32::new(UNKNOWN),
            allocated: AtomicU32::new(0),
            opened: AtomicU32::new(0),
            extending: Mutex::new(()),
            map: std::array::from_fn(|_| OnceLock::new()),
            dropped: AtomicBool::new(false),
            counts: Counts::default(),
            hint: AtomicU32::new(0),
            stamp: AtomicU64::new(0),
        }
    }

    pub fn id(&self) -> RelFileId {
        self.id
    }

    pub fn fork(&self) -> Fork {
        self.fork
    }

    /// Which relation its pages are counted for in the statistics; until then they count for the database only.
    pub fn count_for(&self, relation: Oid) {
        self.counts.relation.store(relation.0, Ordering::Relaxed);
    }

    pub fn persistence(&self) -> Persistence {
        self.persistence
    }

    /// Whether changes of its pages go to the log. The init fork of an unlogged relation is logged.
    #[inline]
    pub fn is_logged(&self) -> bool {
        self.persistence == Persistence::Permanent || self.fork == Fork::Init
    }

    /// Whether a zero page was left behind by a crash; others belong to whoever is just adding them.
    pub fn is_ownerless(&self, block: BlockNo) -> bool {
        block < self.opened.load(Ordering::Relaxed)
    }

    /// Whether the file is there.
    pub fn exists(&self) -> bool {
        !self.dropped.load(Ordering::Acquire) && self.file.exists()
    }

    /// The path shown in messages, without a segment number.
    pub fn path(&self) -> String {
        self.id.path(self.fork)
    }

    /// The map entry of a block, if its segment exists.
    #[inline]
    pub(super) fn entry(&self, block: BlockNo) -> Option<&AtomicU32> {
        let (segment, at) = place(block);
        self.map[segment].get().map(|s| &s[at])
    }

    pub(super) fn entry_or_new(&self, block: BlockNo) -> &AtomicU32 {
        let (segment, at) = place(block);
        let segment = self.map[segment].get_or_init(|| (0..FIRST << segment).map(|_| AtomicU32::new(0)).collect());
        &segment[at]
    }
}

#[inline]
fn place(block: BlockNo) -> (usize, usize) {
    let n = block as u64 + FIRST;
    let segment = n.ilog2() - FIRST.ilog2();
    (segment as usize, (n - (FIRST << segment)) as usize)
}

impl std::fmt::Debug for RelFork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RelFork({})", self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every block has a place of its own, without gaps, up to the last possible one.
    #[test]
    fn the_map_has_no_gaps() {
        assert_eq!((place(0), place(63), place(64), place(191)), ((0, 0), (0, 63), (1, 0), (1, 127)));
        assert_eq!(place(192), (2, 0));
        let (segment, at) = place(u32::MAX - 1);
        assert!(segment < SEGMENTS && (at as u64) < FIRST << segment);
    }
}
