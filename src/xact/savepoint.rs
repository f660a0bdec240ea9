//! Savepoints: sub-transactions with ids of their own, assigned when they first write.

use super::files;
use super::transaction::Transaction;
use crate::base::{RelFileId, Result, Xid};
use crate::catalog::Catalog;
use crate::err;

/// Where everything stood when the savepoint was made.
#[derive(Debug)]
pub struct Savepoint {
    pub name: String,
    xid: Option<Xid>,
    /// Ids of savepoints released into this one.
    released: Vec<Xid>,
    locks: usize,
    files: usize,
    catalog_depth: usize,
    read_only: bool,
}

impl Transaction {
    /// How many savepoints are open.
    pub fn depth(&self) -> usize {
        self.savepoints.len()
    }

    /// The id of the innermost sub-transaction, assigned if need be, parents first (MVCC-2).
    pub(super) fn sub_xid(&mut self, top: Xid) -> Xid {
        let mut xid = top;
        for i in 0..self.savepoints.len() {
            xid = match self.savepoints[i].xid {
                Some(xid) => xid,
                None => {
                    let xid = self.storage.mvcc.assign_xid(self.database);
                    self.own.add_sub(xid);
                    self.lock_xid(xid);
                    self.tell_id(xid);
                    self.savepoints[i].xid = Some(xid);
                    xid
                }
            };
        }
        xid
    }

    /// SAVEPOINT.
    pub fn savepoint(&mut self, catalog: &Catalog, name: &str) {
        catalog.push_layer();
        self.savepoints.push(Savepoint {
            name: name.to_string(),
            xid: None,
            released: Vec::new(),
            locks: self.held.mark(),
            files: self.files.len(),
            catalog_depth: catalog.depth() - 1,
            read_only: self.read_only,
        });
    }

    fn find_savepoint(&self, name: &str) -> Result<usize> {
        self.savepoints
            .iter()
            .rposition(|s| s.name == name)
            .ok_or_else(|| err!(INVALID_SAVEPOINT_SPECIFICATION, "savepoint \"{name}\" does not exist"))
    }

    /// RELEASE SAVEPOINT: what was done since belongs to the surrounding (sub)transaction.
    ///
    /// # Errors
    /// 3B001 if there is no such savepoint.
    pub fn release_savepoint(&mut self, catalog: &Catalog, name: &str) -> Result<()> {
        let at = self.find_savepoint(name)?;
        self.release_from(catalog, at);
        Ok(())
    }

    /// Releases the savepoint of this depth and those inside it.
    pub fn release_from(&mut self, catalog: &Catalog, at: usize) {
        catalog.merge_to(self.savepoints[at].catalog_depth);
        // PostgreSQL 15, xact.c, CommitSubTransaction: READ ONLY ends with the sub-transaction it was said in.
        self.read_only = self.savepoints[at].read_only;
        let released: Vec<Xid> = self.ids_from(at);
        self.savepoints.truncate(at);
        if let Some(outer) = self.savepoints.last_mut() {
            outer.released.extend(released);
        }
    }

    /// All ids given since the savepoint of this depth was made, ascending.
    fn ids_from(&self, at: usize) -> Vec<Xid> {
        let mut ids: Vec<Xid> =
            self.savepoints[at..].iter().flat_map(|s| s.xid.iter().chain(&s.released)).copied().collect();
        ids.sort();
        ids
    }

    /// ROLLBACK TO SAVEPOINT: undoes what was done since; the savepoint stays. Returns its depth.
    ///
    /// # Errors
    /// 3B001 if there is no such savepoint.
    pub fn rollback_to_savepoint(&mut self, catalog: &Catalog, name: &str) -> Result<usize> {
        let at = self.find_savepoint(name)?;
        self.undo_from(catalog, at)?;
        let name = name.to_string();
        self.savepoint(catalog, &name);
        Ok(at)
    }

    /// Undoes the savepoint of this depth and those inside it, and removes them.
    pub fn undo_from(&mut self, catalog: &Catalog, at: usize) -> Result<()> {
        let gone = self.ids_from(at);
        let savepoint = &self.savepoints[at];
        let (locks, depth) = (savepoint.locks, savepoint.catalog_depth);
        self.read_only = savepoint.read_only;
        let files: Vec<RelFileId> = self.files.drain(savepoint.files..).filter(|f| f.created).map(|f| f.file).collect();
        if let Some((first, rest)) = gone.split_first() {
            self.log_abort(*first, rest, &files);
            self.storage.mvcc.abort(*first, rest)?;
            self.own.remove_subs(&gone);
        }
        catalog.pop_to(depth);
        self.savepoints.truncate(at);
        // Rows made before the savepoint by the same command number must not look newer than they are.
        self.cid_used = true;
        self.next_command();
        let storage = self.storage.clone();
        storage.locks.release_to(&mut self.held, locks);
        files::unlink(&storage, &files)
    }
}
