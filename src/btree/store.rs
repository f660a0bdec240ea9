//! An open index: its blocks, its column order, where its root is.

use super::keys::KeyType;
use super::node;
use crate::base::{BlockNo, Error, Fork, Oid, RelFileId, Result, SqlState, TupleId, Xid};
use crate::buffer::{self, Persistence, RelFork};
use crate::err;
use crate::mvcc::serializable::Target;
use crate::page::Page;
use crate::storage::Storage;
use crate::types::TypeRef;
use crate::wal::{BlockMode, Need, Record, Rmgr};
use parking_lot::{Mutex, MutexGuard};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

const MAGIC: u32 = 0x0B7E_EB7E;
const VERSION: u32 = 1;
pub const META_BLOCK: BlockNo = 0;
const FIRST_ROOT: BlockNo = 1;

/// Splits of one index happen one at a time; several indexes may share a mutex, which is only slower.
static STRUCTURE: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];
/// Unique checks of one key happen one at a time.
static UNIQUE: [Mutex<()>; 256] = [const { Mutex::new(()) }; 256];

/// The handle plans and writers keep.
#[derive(Debug)]
pub struct IndexStore {
    /// Its `pg_class.oid`.
    pub relid: Oid,
    pub file: RelFileId,
    pub fork: Arc<RelFork>,
    /// Its pages that are free.
    pub(crate) map: Arc<RelFork>,
    pub(super) keys: Vec<KeyType>,
    /// What serializable transactions read and write of it matters.
    tracked: bool,
    names: OnceLock<Names>,
}

/// What errors call an index.
#[derive(Debug)]
pub struct Names {
    pub schema: String,
    pub table: String,
    pub index: String,
}

impl IndexStore {
    /// The handle on an index that exists. `columns`: type, descending, NULLs first; only the first `keys` order.
    pub fn open(
        storage: &Storage,
        (relid, file): (Oid, RelFileId),
        persistence: Persistence,
        columns: Vec<(TypeRef, bool, bool)>,
        keys: usize,
    ) -> Arc<IndexStore> {
        let fork = storage.pool.open(file, Fork::Main, persistence);
        let map = storage.pool.open(file, Fork::Fsm, persistence);
        [&fork, &map].into_iter().for_each(|f| f.count_for(relid));
        let key = |(ty, desc, nulls_first)| KeyType { ty, desc, nulls_first };
        let tracked = relid >= Oid::FIRST_NORMAL && persistence != Persistence::Temp;
        let keys = columns.into_iter().take(keys).map(key).collect();
        Arc::new(IndexStore { relid, file, fork, map, keys, tracked, names: OnceLock::new() })
    }

    /// A page, as what a serializable transaction reads or writes; None: nobody needs to know.
    pub(crate) fn target(&self, block: BlockNo) -> Option<Target> {
        self.tracked.then(|| Target::page(self.file.db, self.relid, block))
    }

    /// Entries that were on one page are, or will go, on another one. To be called with both latched.
    pub(crate) fn page_moved(&self, storage: &Storage, from: BlockNo, to: BlockNo) {
        if self.tracked {
            storage.mvcc.serializable.page_moved(self.file.db, self.relid, from, to);
        }
    }

    /// Errors shall call it so.
    pub fn call(&self, names: Names) {
        self.names.get_or_init(|| names);
    }

    /// A row's entry has so many bytes, which are too many.
    pub(crate) fn too_long(&self, bytes: usize, limit: &str, tid: TupleId) -> Error {
        // PostgreSQL's entries are aligned.
        let size = bytes.next_multiple_of(8);
        let (code, names) = (SqlState::PROGRAM_LIMIT_EXCEEDED, self.names.get());
        let Some(Names { schema, table, index }) = names else {
            return Error::new(
                code,
                format!("index row size {size} exceeds {limit} for index \"{}\"", self.fork.path()),
            );
        };
        let e = Error::new(code, format!("index row size {size} exceeds {limit} for index \"{index}\""));
        let e = e.table(schema.as_str(), table.as_str()).constraint(index.as_str());
        match tid.is_valid() {
            true => {
                e.detail(format!("Index row references tuple ({},{}) in relation \"{table}\".", tid.block, tid.offset))
            }
            false => e,
        }
    }

    pub fn keys(&self) -> &[KeyType] {
        &self.keys
    }

    /// Makes the empty index in a fork whose file was just created: meta page and an empty root leaf.
    pub fn create_empty(storage: &Storage, fork: &Arc<RelFork>, xid: Xid) -> Result<()> {
        let mut meta = Page::default();
        init_meta(&mut meta, FIRST_ROOT, 0);
        let mut root = Page::default();
        node::init(&mut root, 0, node::NO_BLOCK, node::NO_BLOCK);
        let range = storage.pool.extend(fork, 2)?;
        debug_assert_eq!(range, 0..2);
        write_pages(storage, fork, (xid, Need::Catalog), &mut [(META_BLOCK, meta), (FIRST_ROOT, root)])
    }

    /// Root block and level. The root remembered may be an old one: searching from it finds the same (BT-2).
    pub(super) fn root(&self, storage: &Storage) -> Result<(BlockNo, u32)> {
        let stamp = self.fork.stamp.load(Ordering::Acquire);
        if stamp != 0 {
            return Ok(((stamp - 1) as u32, ((stamp - 1) >> 32) as u32));
        }
        let page = storage.pool.read(&self.fork, META_BLOCK)?;
        let (root, level) = read_meta(&page)
            .ok_or_else(|| err!(INDEX_CORRUPTED, "index file \"{}\" is not a btree", self.fork.path()))?;
        drop(page);
        self.remember_root(root, level);
        Ok((root, level))
    }

    pub(super) fn remember_root(&self, root: BlockNo, level: u32) {
        self.fork.stamp.store((u64::from(level) << 32 | u64::from(root)) + 1, Ordering::Release);
    }

    /// Held through a split and the change of its parent.
    pub(crate) fn structure_mutex(&self) -> MutexGuard<'static, ()> {
        STRUCTURE[(hash_of(&self.file) % STRUCTURE.len() as u64) as usize].lock()
    }

    /// Held through a unique check and the insertion that follows.
    pub(crate) fn unique_mutex(&self, key: &[u8]) -> MutexGuard<'static, ()> {
        UNIQUE[(hash_of(&(self.file, key)) % UNIQUE.len() as u64) as usize].lock()
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

pub(super) fn init_meta(page: &mut Page, root: BlockNo, level: u32) {
    page.init(node::SPECIAL);
    let special = page.special_mut();
    special[0..4].copy_from_slice(&MAGIC.to_le_bytes());
    special[4..8].copy_from_slice(&VERSION.to_le_bytes());
    special[8..12].copy_from_slice(&root.to_le_bytes());
    special[12..16].copy_from_slice(&level.to_le_bytes());
}

/// Root and level, if it is a meta page of ours.
pub(super) fn read_meta(page: &Page) -> Option<(BlockNo, u32)> {
    let s = page.special();
    let word = |at: usize| s.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    (word(0)? == MAGIC && word(4)? == VERSION).then_some((word(8)?, word(12)?))
}

/// Puts finished pages into blocks that exist, logged as whole images.
pub(super) fn write_pages(
    storage: &Storage,
    fork: &Arc<RelFork>,
    (xid, need): (Xid, Need),
    pages: &mut [(BlockNo, Page)],
) -> Result<()> {
    if fork.is_logged() {
        storage.wal.reserve_for(Record::max_bytes(pages.len(), 0), need).map_err(|s| s.into_error())?;
    }
    let mut guards = Vec::with_capacity(pages.len());
    for (block, _) in pages.iter() {
        guards.push(storage.pool.init(fork, *block)?);
    }
    let _critical = buffer::critical::enter();
    for (guard, (_, page)) in guards.iter_mut().zip(pages.iter()) {
        **guard = page.clone();
    }
    let mut changed: Vec<_> = guards.iter_mut().map(|g| (g, BlockMode::Image)).collect();
    storage.pool.log(Rmgr::Btree, super::redo::IMAGES, xid, &mut changed, &[]);
    Ok(())
}
