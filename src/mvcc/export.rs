//! Snapshots that running transactions offer to others (`pg_export_snapshot`).

use super::snapshot::Snapshot;
use crate::base::Oid;
use hashbrown::HashMap;
use parking_lot::Mutex;

/// An offered snapshot, and what else decides who may take it.
#[derive(Clone, Debug)]
pub struct Exported {
    pub snapshot: Snapshot,
    pub database: Oid,
    pub serializable: bool,
    pub read_only: bool,
}

/// All of them by name. An entry stays as long as the transaction that made it.
#[derive(Debug, Default)]
pub struct Exports(Mutex<HashMap<String, Exported>>);

impl Exports {
    pub fn offer(&self, name: String, export: Exported) {
        self.0.lock().insert(name, export);
    }

    pub fn withdraw(&self, name: &str) {
        self.0.lock().remove(name);
    }

    /// The copy keeps the snapshot held until its taker has it for itself.
    pub fn find(&self, name: &str) -> Option<Exported> {
        self.0.lock().get(name).cloned()
    }
}
