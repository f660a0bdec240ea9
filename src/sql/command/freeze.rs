//! How old tables are, what VACUUM is to freeze, and cutting off the commit log that nobody needs any more.
//!
//! PostgreSQL 15, vacuum.c, vacuum_set_xid_limits and vac_truncate_clog: same rules, with ids that never wrap. What is
//! needed of the commit log is found out from all tables of all databases each time it could be cut by a segment; the
//! catalogs' own rows are frozen on that occasion.

use super::vacuum::Options;
use crate::base::{Interrupts, Oid, Result, Xid};
use crate::catalog::object::{Class, ObjectKey, class};
use crate::catalog::{Catalog, Cluster, Folder, Record, RelKind, Relation};
use crate::heap::{IndexVacuum, Vacuum, VacuumHost, VacuumOptions};
use crate::lock::{LockMode, LockTag, Scope};
use crate::settings::{Id, Lookup};
use crate::sql::Backend;
use crate::sql::exec::ExecContext;
use crate::storage::Storage;

/// A table with its `relfrozenxid`: nothing in it that is older needs the commit log.
pub fn frozen(class: &Class, stats: Option<&Record>) -> Xid {
    let found = stats.and_then(|r| r.object.as_stats().ok()).map_or(0, |s| s.frozen);
    Xid(class.frozen.max(found)).max(Xid::FIRST_NORMAL)
}

/// The same of a table of the session's database.
pub fn frozen_of(catalog: &Catalog, oid: Oid) -> Xid {
    let Some(record) = catalog.get(ObjectKey::new(class::RELATION, oid)) else { return Xid::FIRST_NORMAL };
    let stats = catalog.get(ObjectKey::new(class::STATISTIC, oid));
    record.object.as_class().map_or(Xid::FIRST_NORMAL, |c| frozen(c, stats.as_deref()))
}

/// Whether a class has rows that a transaction made: sequences are read whoever wrote them.
pub fn has_rows(class: &Class) -> bool {
    matches!(class.kind, RelKind::Table | RelKind::MatView | RelKind::Toast) && class.node.is_valid()
}

fn option(class: Option<&Class>, name: &str) -> Option<u64> {
    class?.options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// The options of a table's VACUUM: how old a version must be to be frozen, and whether all of the table is looked at.
pub fn heap_options(cx: &mut ExecContext, relation: &Relation, options: &Options) -> Result<VacuumOptions> {
    let backend = cx.backend()?;
    let record = backend.catalog.get(ObjectKey::new(class::RELATION, relation.oid));
    let own = record.as_ref().and_then(|r| r.object.as_class().ok()).filter(|_| options.auto);
    let setting = |id| backend.view.int(id) as u64;
    let most = setting(Id::AutovacuumFreezeMaxAge);
    let min_age = option(own, "autovacuum_freeze_min_age").unwrap_or(setting(Id::VacuumFreezeMinAge)).min(most / 2);
    let table_age = option(own, "autovacuum_freeze_table_age").unwrap_or(setting(Id::VacuumFreezeTableAge));
    let table_age = table_age.min(most / 100 * 95);
    let (min_age, table_age) = if options.freeze { (0, 0) } else { (min_age, table_age) };
    let age = backend.instance.storage.mvcc.next_xid().0 - frozen_of(&backend.catalog, relation.oid).0;
    let aggressive = options.freeze || options.heap.all_pages || options.wraparound || age > table_age;
    Ok(VacuumOptions { aggressive, freeze_age: min_age, ..options.heap })
}

/// Nobody else cuts a catalog's files.
struct Quiet<'a>(&'a Interrupts);

impl VacuumHost for Quiet<'_> {
    fn pace(&mut self) -> Result<()> {
        self.0.check()
    }

    fn lock_to_truncate(&mut self) -> bool {
        false
    }

    fn truncated(&mut self) {}
}

/// Removes the dead rows of the catalogs of a database, and of the shared ones, where there are many.
///
/// # Errors
/// 3D000, I/O; that of the interrupt.
pub fn tidy_catalogs(cluster: &Cluster, database: Oid, interrupts: &Interrupts) -> Result<()> {
    for folder in [&cluster.folder(database)?, &cluster.global] {
        if folder.is_untidy() {
            catalog_rows(&cluster.storage, folder, interrupts)?;
        }
    }
    Ok(())
}

/// Vacuums a catalog's rows, which no index leads to, and freezes what it can; below the id it returns they do not need
/// the commit log.
fn catalog_rows(storage: &Storage, folder: &Folder, interrupts: &Interrupts) -> Result<Xid> {
    folder.tidied();
    let store = &folder.store;
    let options = VacuumOptions { aggressive: true, freeze_age: 0, truncate: false, ..VacuumOptions::default() };
    let mut oldest = store.oldest_on_the_way(storage);
    for store in [Some(store), store.toast()].into_iter().flatten() {
        let mut work = Vacuum::new(store.clone(), options);
        let none: &mut [&mut dyn IndexVacuum] = &mut [];
        while work.step(storage, none, &mut Quiet(interrupts))? {}
        oldest = oldest.min(work.frozen().unwrap_or(Xid::FIRST_NORMAL));
    }
    Ok(oldest)
}

/// After a VACUUM, of `whole` databases or of some tables: the catalogs' turn, and the commit log's.
pub fn after(cx: &mut ExecContext, whole: bool) -> Result<()> {
    let interrupts = cx.interrupts.clone();
    let backend = cx.backend()?;
    let (storage, cluster) = (backend.instance.storage.clone(), backend.instance.cluster.clone());
    if whole {
        let own = cluster.folder(backend.database)?;
        catalog_rows(&storage, &own, &interrupts)?;
        catalog_rows(&storage, &cluster.global, &interrupts)?;
    }
    let clog = storage.mvcc.clog();
    let limit = storage.mvcc.oldest_on_the_way(Oid::INVALID);
    if clog.segments_below(limit.min(tables_limit(backend, &databases(&cluster))?)) == 0 {
        return Ok(());
    }
    let Some(_alone) = clog.cutting.try_lock() else { return Ok(()) };
    // Whoever has ended by now has made known what tables there are.
    drop(storage.mvcc.checkpoint_gate());
    let all = databases(&cluster);
    // Against CREATE DATABASE: what copies a database, which is not known yet, holds the template's lock.
    for db in &all {
        let tag = LockTag::Object { db: Oid::INVALID, class: class::DATABASE, oid: *db };
        let held = &mut backend.txn.held;
        if storage.locks.try_acquire(held, tag, LockMode::RowExclusive, Scope::Transaction).is_none() {
            return Ok(());
        }
    }
    if databases(&cluster) != all {
        return Ok(());
    }
    let mut limit = limit.min(tables_limit(backend, &all)?);
    for db in all.into_iter().chain([Oid::INVALID]) {
        interrupts.check()?;
        let folder = if db.is_valid() { cluster.folder(db)? } else { cluster.global.clone() };
        limit = limit.min(catalog_rows(&storage, &folder, &interrupts)?);
    }
    clog.truncate(limit)
}

fn databases(cluster: &Cluster) -> Vec<Oid> {
    let mut all: Vec<Oid> = cluster.global.all(class::DATABASE).iter().map(|r| r.object.key().oid).collect();
    all.sort();
    all
}

/// The least `relfrozenxid` of all tables of these databases.
fn tables_limit(backend: &Backend, databases: &[Oid]) -> Result<Xid> {
    let mut limit = Xid(u64::MAX);
    for db in databases {
        let folder = backend.instance.cluster.folder(*db)?;
        // What this transaction has found out holds whether it commits or not.
        let own = *db == backend.database;
        for record in folder.all(class::RELATION) {
            let c = record.object.as_class()?;
            if has_rows(c) {
                let key = ObjectKey::new(class::STATISTIC, c.oid);
                let stats = if own { backend.catalog.get(key) } else { folder.get(key) };
                limit = limit.min(frozen(c, stats.as_deref()));
            }
        }
    }
    Ok(limit)
}

/// The least `relfrozenxid` of a database's tables; None without any.
pub fn database_frozen(folder: &Folder) -> Result<Option<Xid>> {
    let mut least = None;
    for record in folder.all(class::RELATION) {
        let c = record.object.as_class()?;
        if has_rows(c) {
            let stats = folder.get(ObjectKey::new(class::STATISTIC, c.oid));
            let found = frozen(c, stats.as_deref());
            least = Some(least.map_or(found, |l: Xid| l.min(found)));
        }
    }
    Ok(least)
}
