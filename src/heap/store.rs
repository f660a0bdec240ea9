//! A table's open storage: its forks and the shape of its rows.

use super::desc::TupleDesc;
use super::shrink::TOAST_TARGET;
use crate::base::{BlockNo, Csn, Fork, Oid, RelFileId, Result, Xid};
use crate::buffer::{Persistence, RelFork};
use crate::mvcc::Horizon;
use crate::page::PAGE_SIZE;
use crate::storage::Storage;
use crate::wal::Need;
use std::sync::Arc;

/// What is needed to open a table.
#[derive(Clone, Debug)]
pub struct TableDef {
    /// The table's `pg_class.oid`, shown as `tableoid`.
    pub relid: Oid,
    pub file: RelFileId,
    pub persistence: Persistence,
    pub desc: Arc<TupleDesc>,
    /// Where large values go; without it rows that are too big are an error.
    pub toast: Option<Arc<TableStore>>,
    /// Percent of a page that INSERT fills; 100 by default.
    pub fillfactor: u8,
    /// Rows that are made smaller become as small as this, if they can; [`TOAST_TARGET`] by default.
    pub toast_target: u16,
    /// What serializable transactions read and write of it matters: a user's table that others can see.
    pub tracked: bool,
}

impl TableDef {
    /// Without options.
    pub fn plain(relid: Oid, file: RelFileId, persistence: Persistence, desc: Arc<TupleDesc>) -> TableDef {
        TableDef {
            relid,
            file,
            persistence,
            desc,
            toast: None,
            fillfactor: 100,
            toast_target: TOAST_TARGET,
            tracked: false,
        }
    }
}

/// A table's forks with one description of its rows. Cheap to make anew when the description changes.
#[derive(Debug)]
pub struct TableStore {
    def: TableDef,
    pub(super) main: Arc<RelFork>,
    pub(super) fsm: Arc<RelFork>,
    pub(super) vm: Arc<RelFork>,
    /// What everybody sees who can read it.
    horizon: Arc<Horizon>,
}

impl TableStore {
    /// Touches no file.
    pub fn open(storage: &Storage, def: TableDef) -> Arc<TableStore> {
        let open = |fork| storage.pool.open(def.file, fork, def.persistence);
        let (main, fsm, vm) = (open(Fork::Main), open(Fork::Fsm), open(Fork::Vm));
        for fork in [&main, &fsm, &vm] {
            fork.count_for(def.relid);
        }
        let horizon = storage.mvcc.horizon(def.file.db);
        Arc::new(TableStore { def, main, fsm, vm, horizon })
    }

    /// Makes the empty main file, and for an unlogged table the init fork it is reset to after a crash. The maps'
    /// files are made when first needed.
    pub fn create(&self, storage: &Storage) -> Result<()> {
        storage.pool.create(&self.main, false)?;
        if self.def.persistence == Persistence::Unlogged {
            let init = storage.pool.open(self.def.file, Fork::Init, self.def.persistence);
            storage.pool.create(&init, false)?;
        }
        Ok(())
    }

    pub fn relid(&self) -> Oid {
        self.def.relid
    }

    pub fn file(&self) -> RelFileId {
        self.def.file
    }

    /// How urgent it is to write here when the disk is full: changes of the catalogs may free some of it.
    pub(super) fn need(&self) -> Need {
        if self.def.relid < Oid::FIRST_NORMAL { Need::Catalog } else { Need::Rows }
    }

    pub fn persistence(&self) -> Persistence {
        self.def.persistence
    }

    pub fn desc(&self) -> &Arc<TupleDesc> {
        &self.def.desc
    }

    pub fn toast(&self) -> Option<&Arc<TableStore>> {
        self.def.toast.as_ref()
    }

    pub fn def(&self) -> &TableDef {
        &self.def
    }

    #[inline]
    pub fn is_tracked(&self) -> bool {
        self.def.tracked
    }

    /// Whoever can read the table sees every commit up to this one. May lag by some milliseconds.
    #[inline]
    pub(super) fn oldest_visible(&self, storage: &Storage) -> Csn {
        storage.mvcc.oldest_visible(&self.horizon)
    }

    /// [`oldest_visible`](Self::oldest_visible) as of now.
    pub(super) fn compute_horizon(&self, storage: &Storage) -> Csn {
        storage.mvcc.compute_horizon(&self.horizon)
    }

    /// See [`Mvcc::oldest_on_the_way`](crate::mvcc::Mvcc::oldest_on_the_way).
    pub fn oldest_on_the_way(&self, storage: &Storage) -> Xid {
        storage.mvcc.oldest_on_the_way(self.def.file.db)
    }

    /// See [`TableDef::toast_target`].
    pub(super) fn toast_target(&self) -> usize {
        self.def.toast_target.into()
    }

    /// Pages of the main fork.
    pub fn nblocks(&self, storage: &Storage) -> Result<BlockNo> {
        storage.pool.nblocks(&self.main)
    }

    pub fn main(&self) -> &Arc<RelFork> {
        &self.main
    }

    /// The map of free room.
    pub fn fsm(&self) -> &Arc<RelFork> {
        &self.fsm
    }

    /// Room that INSERT leaves free on each page for later versions (PostgreSQL 15, hio.c, saveFreeSpace).
    pub(super) fn kept_free(&self) -> usize {
        PAGE_SIZE * (100 - self.def.fillfactor.clamp(10, 100) as usize) / 100
    }
}
