//! Snapshots shared between transactions: `pg_export_snapshot`, `SET TRANSACTION SNAPSHOT`.

use super::isolation::Isolation;
use super::transaction::Transaction;
use crate::base::{Error, Result};
use crate::err;
use crate::mvcc::{Exported, Snapshot};

impl Transaction {
    /// Offers a snapshot of this transaction to others until its end, and returns its name.
    ///
    /// # Errors
    /// 25001 inside a savepoint.
    pub fn export_snapshot(&mut self, snapshot: Snapshot) -> Result<String> {
        if !self.savepoints.is_empty() {
            return Err(err!(ACTIVE_SQL_TRANSACTION, "cannot export a snapshot from a subtransaction"));
        }
        let name = format!("{:08X}-{:08X}-{}", self.pid, self.started, self.exports.len() + 1);
        let export = Exported {
            snapshot,
            database: self.database,
            serializable: self.isolation == Isolation::Serializable,
            read_only: self.read_only,
        };
        self.storage.mvcc.exports.offer(name.clone(), export);
        self.exports.push(name.clone());
        Ok(name)
    }

    /// Sees from now on what the transaction that offers this snapshot sees (PostgreSQL 15, snapmgr.c,
    /// ImportSnapshot: same refusals).
    ///
    /// # Errors
    /// 25001 after a query, 0A000 for another isolation level or database, 22023 if nobody offers it.
    pub fn import_snapshot(&mut self, name: &str) -> Result<()> {
        if self.has_snapshot() || self.own.top().is_some() || !self.savepoints.is_empty() {
            return Err(err!(ACTIVE_SQL_TRANSACTION, "SET TRANSACTION SNAPSHOT must be called before any query"));
        }
        if !self.isolation.keeps_snapshot() {
            return Err(Error::unsupported(
                "a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ",
            ));
        }
        let found = self.storage.mvcc.exports.find(name);
        let export = found.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "invalid snapshot identifier: \"{name}\""))?;
        if self.isolation == Isolation::Serializable {
            let from = match (export.serializable, export.read_only && !self.read_only) {
                (false, _) => {
                    Some("a serializable transaction cannot import a snapshot from a non-serializable transaction")
                }
                (_, true) => Some(
                    "a non-read-only serializable transaction cannot import a snapshot from a read-only transaction",
                ),
                _ => None,
            };
            if let Some(text) = from {
                return Err(Error::unsupported(text));
            }
        }
        if export.database != self.database {
            return Err(Error::unsupported("cannot import a snapshot from a different database"));
        }
        if self.isolation == Isolation::Serializable {
            self.enter_beside(&export.snapshot)?;
        }
        self.snapshot = Some(self.storage.mvcc.same_snapshot(&export.snapshot, &self.slot, &self.own));
        Ok(())
    }

    /// A serializable transaction with another one's snapshot is tracked as from that one's beginning.
    fn enter_beside(&mut self, snapshot: &Snapshot) -> Result<()> {
        if self.read_only && self.deferrable {
            let text = "a snapshot-importing transaction must not be READ ONLY DEFERRABLE";
            return Err(Error::unsupported(text));
        }
        // Without a handle, or one that is not needed any more, the snapshot is safe.
        let Some(source) = snapshot.own.handle().filter(|t| !t.is_safe()) else { return Ok(()) };
        let entered = self.storage.mvcc.serializable.begin_beside(source, &self.who());
        let Some(tracked) = entered else {
            let text = "could not import the requested snapshot";
            let detail = format!("The source process with PID {} is not running anymore.", source.pid());
            return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{text}").detail(detail));
        };
        self.own.track(tracked);
        Ok(())
    }

    pub(super) fn withdraw_exports(&mut self) {
        for name in self.exports.drain(..) {
            self.storage.mvcc.exports.withdraw(&name);
        }
    }
}
