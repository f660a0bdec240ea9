//! Files made or given up by a running transaction.

use super::transaction::Transaction;
use crate::base::{Oid, RelFileId, Result};
use crate::buffer::Persistence;
use crate::storage::Storage;

/// A relation's files and what becomes of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileChange {
    pub file: RelFileId,
    /// True: made by this transaction, goes when it aborts. False: given up, goes when it commits.
    pub created: bool,
}

impl Transaction {
    /// The transaction made these files: they go if it does not commit.
    pub fn file_created(&mut self, file: RelFileId) {
        self.files.push(FileChange { file, created: true });
    }

    /// The transaction gave these files up: they go when it commits. The commit is flushed even if asynchronous,
    /// so that no file is gone while the catalogs still name it; those of temporary relations nobody will ask for
    /// (PostgreSQL 15, xact.c, RecordTransactionCommit, and storage.c, smgrGetPendingDeletes: same rules).
    pub fn file_dropped(&mut self, file: RelFileId, persistence: Persistence) {
        self.files.push(FileChange { file, created: false });
        self.force_sync |= persistence != Persistence::Temp;
    }

    /// What the transaction did to files must not be found without its commit, nor the commit without it.
    pub fn sync_at_commit(&mut self) {
        self.force_sync = true;
    }

    /// A table, or an index of it, gets another file: what serializable transactions have read of it by place is from now
    /// on the table as a whole (PostgreSQL 15, predicate.c, TransferPredicateLocksToHeapRelation).
    pub fn places_change(&self, rel: Oid, table: Oid) {
        self.storage.mvcc.serializable.rewritten(self.database, rel, table);
    }

    /// A table is emptied or dropped: who has read of it must come before (PostgreSQL 15, predicate.c,
    /// CheckTableForSerializableConflictIn).
    ///
    /// # Errors
    /// 40001.
    pub fn all_rows_go(&self, table: Oid) -> Result<()> {
        match self.own.tracked() {
            Some(tracked) => tracked.write_all(self.database, table),
            None => Ok(()),
        }
    }

    /// Whether the transaction made these files itself: then nobody else can see them.
    pub fn made_file(&self, file: RelFileId) -> bool {
        self.files.contains(&FileChange { file, created: true })
    }
}

/// Unlinks all forks of relations nobody can name any more.
pub(super) fn unlink(storage: &Storage, files: &[RelFileId]) -> Result<()> {
    files.iter().try_for_each(|file| storage.pool.drop_relation(*file))
}
