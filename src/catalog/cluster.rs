//! All folders of the cluster: the shared objects, and those of each database, loaded when first needed.

use super::folder::Folder;
use super::object::{Object, ObjectKey, class};
use super::store;
use super::view::Catalog;
use crate::base::{Oid, Result};
use crate::err;
use crate::storage::Storage;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// One per engine.
pub struct Cluster {
    pub storage: Arc<Storage>,
    pub global: Arc<Folder>,
    folders: Mutex<HashMap<Oid, Arc<Folder>>>,
    next_oid: AtomicU32,
}

impl Cluster {
    /// Loads the shared objects and every database's, and finds the first free OID.
    ///
    /// OIDs are not logged: whatever is in use stands in some folder, and a number that only an aborted transaction
    /// or a dropped object had may be used again, because files nobody owns are removed here (CAT-4).
    pub fn load(storage: Arc<Storage>) -> Result<Arc<Cluster>> {
        let global = Arc::new(store::load(&storage, Oid::INVALID, Oid::INVALID)?);
        super::tablespace::settle_links(&*storage.disk, &global)?;
        let cluster =
            Cluster { storage, global, folders: Mutex::default(), next_oid: AtomicU32::new(Oid::FIRST_NORMAL.0) };
        cluster.note_used(&cluster.global);
        for record in cluster.global.all(class::DATABASE) {
            let database = record.object.as_database()?.oid;
            let folder = cluster.folder(database)?;
            cluster.note_used(&folder);
            store::remove_orphan_files(&cluster.storage, &folder)?;
        }
        cluster.note_prepared()?;
        Ok(Arc::new(cluster))
    }

    fn note_used(&self, folder: &Folder) {
        let highest = folder.everything().iter().map(|r| highest_oid(&r.object)).max().unwrap_or(0);
        self.next_oid.fetch_max(highest + 1, Ordering::Relaxed);
    }

    /// What prepared transactions have made has its OIDs, too.
    fn note_prepared(&self) -> Result<()> {
        for state in self.storage.twophase.states() {
            let files = state.created.iter().map(|f| f.node.0);
            let objects = Catalog::read_changes(&state.changes)?;
            let made = objects.iter().filter_map(|(_, c)| c.as_ref()).map(|r| highest_oid(&r.object));
            let highest = files.chain(made).max().unwrap_or(0);
            self.next_oid.fetch_max(highest + 1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A fresh OID, never given twice while the engine lives.
    pub fn new_oid(&self) -> Oid {
        Oid(self.next_oid.fetch_add(1, Ordering::Relaxed))
    }

    /// The next OID that would be given (control file, `pg_controldata`).
    pub fn next_oid(&self) -> Oid {
        Oid(self.next_oid.load(Ordering::Relaxed))
    }

    /// A database's committed objects.
    pub fn folder(&self, database: Oid) -> Result<Arc<Folder>> {
        let record = self.global.get(ObjectKey::new(class::DATABASE, database));
        let space = record.as_ref().and_then(|r| r.object.as_database().ok()).map_or(Oid::INVALID, |d| d.space());
        let mut folders = self.folders.lock();
        // One that was moved is another one; nobody uses a database while it moves.
        if let Some(folder) = folders.get(&database).filter(|f| f.space == space) {
            return Ok(folder.clone());
        }
        let folder = Arc::new(store::load(&self.storage, database, space)?);
        folders.insert(database, folder.clone());
        Ok(folder)
    }

    /// Forgets a dropped database.
    pub fn forget(&self, database: Oid) {
        self.folders.lock().remove(&database);
    }

    /// A session's view of a database.
    ///
    /// # Errors
    /// 3D000 if the database does not exist.
    pub fn session(self: &Arc<Cluster>, database: Oid) -> Result<Catalog> {
        let exists = self.global.get(ObjectKey::new(class::DATABASE, database)).is_some();
        if !exists {
            return Err(err!(INVALID_CATALOG_NAME, "database {database} does not exist"));
        }
        Ok(Catalog::new(self.clone(), self.folder(database)?))
    }
}

/// The highest OID an object uses for itself and what belongs to it.
fn highest_oid(object: &Object) -> u32 {
    let mut highest = object.key().oid.0 & !super::object::COMMENT_BIT;
    if let Object::Class(c) = object {
        highest = highest.max(c.node.0).max(c.toast.0);
    }
    object.parts().into_iter().map(|o| o.0).fold(highest, u32::max)
}
