//! Transactions over the real storage: what others see of the catalogs, savepoints, locks, files.

use super::{Isolation, SyncCommit, Transaction};
use crate::base::Oid;
use crate::catalog::object::{Database, Namespace, class};
use crate::catalog::{Catalog, Cluster, Object, ObjectKey, Writer, create_folder};
use crate::disk::{Simulated, durable};
use crate::lock::LockMode;
use crate::storage::Storage;
use crate::storage::testing::fresh;
use std::sync::Arc;

struct Session {
    txn: Transaction,
    catalog: Catalog,
}

impl Session {
    fn begin(&mut self) {
        self.txn.begin(Isolation::ReadCommitted, false);
    }

    fn writer(&mut self) -> Writer {
        let (xid, cid) = (self.txn.xid(), self.txn.command_for_write());
        Writer { xid, cid, own: self.txn.own().clone() }
    }

    fn create_schema(&mut self, oid: u32, name: &str) {
        let writer = self.writer();
        let n = Namespace { oid: Oid(oid), name: name.into(), owner: Oid(10), acl: None, temp_of: None };
        self.catalog.put(writer, Object::Namespace(n)).unwrap();
        self.txn.next_command();
    }

    fn commit(&mut self) {
        self.txn.commit(&self.catalog, SyncCommit::On).unwrap();
    }

    fn sees(&self, name: &str) -> bool {
        self.catalog.namespace_by_name(name).is_some()
    }
}

fn session(cluster: &Arc<Cluster>, pid: u32) -> Session {
    let txn = Transaction::new(cluster.storage.clone(), Oid(5), pid);
    Session { txn, catalog: cluster.session(Oid(5)).unwrap() }
}

/// A cluster with one database, 5.
fn cluster(storage: &Arc<Storage>) -> Arc<Cluster> {
    for db in [0, 5] {
        create_folder(storage, Oid(db)).unwrap();
    }
    let global = Cluster::load(storage.clone()).unwrap();
    let bootstrap = Catalog::new(global.clone(), global.folder(Oid(5)).unwrap());
    let mut txn = Transaction::new(storage.clone(), Oid(5), 1);
    txn.begin(Isolation::ReadCommitted, false);
    let (xid, cid) = (txn.xid(), txn.command_for_write());
    let d = Database {
        oid: Oid(5),
        name: "postgres".into(),
        owner: Oid(10),
        is_template: false,
        allow_connections: true,
        connection_limit: -1,
        encoding: 6,
        collate: "C".into(),
        ctype: "C".into(),
        acl: None,
        icu_locale: None,
        collation_version: None,
        tablespace: Oid::INVALID,
    };
    bootstrap.put(Writer { xid, cid, own: txn.own().clone() }, Object::Database(d)).unwrap();
    txn.commit(&bootstrap, SyncCommit::On).unwrap();
    global
}

fn room() -> (Simulated, Arc<Storage>) {
    let disk = Simulated::new(5);
    let storage = fresh(&disk, 200);
    for dir in ["base/5", "global"] {
        let _ = durable::mkdir(&disk, dir);
    }
    (disk, storage)
}

/// Own changes are seen at once, by others after commit, by nobody after rollback; a fresh load agrees.
#[test]
fn catalog_changes_follow_the_transaction() {
    let (_disk, storage) = room();
    let cluster = cluster(&storage);
    let (mut a, b) = (session(&cluster, 1), session(&cluster, 2));
    a.begin();
    a.create_schema(16_400, "s1");
    assert!(a.sees("s1") && !b.sees("s1"));
    a.commit();
    assert!(a.sees("s1") && b.sees("s1"));
    a.begin();
    a.create_schema(16_401, "s2");
    let key = ObjectKey::new(class::NAMESPACE, Oid(16_400));
    let writer = a.writer();
    a.catalog.delete(writer, key).unwrap();
    assert!(a.sees("s2") && !a.sees("s1") && b.sees("s1"));
    a.txn.abort(&a.catalog);
    assert!(!a.sees("s2") && a.sees("s1"));
    let again = Cluster::load(storage.clone()).unwrap();
    let c = session(&again, 3);
    assert!(c.sees("s1") && !c.sees("s2"));
    assert!(again.new_oid() > Oid(16_400));
}

/// A savepoint's changes go with it; what was released into an outer one goes with that.
#[test]
fn savepoints() {
    let (_disk, storage) = room();
    let cluster = cluster(&storage);
    let mut a = session(&cluster, 1);
    a.begin();
    a.create_schema(16_400, "kept");
    a.txn.savepoint(&a.catalog, "one");
    a.create_schema(16_401, "one");
    a.txn.savepoint(&a.catalog, "two");
    a.create_schema(16_402, "two");
    a.txn.release_savepoint(&a.catalog, "two").unwrap();
    assert!(a.sees("two"));
    a.txn.rollback_to_savepoint(&a.catalog, "one").unwrap();
    assert!(a.sees("kept") && !a.sees("one") && !a.sees("two"));
    a.create_schema(16_403, "after");
    assert_eq!(a.txn.release_savepoint(&a.catalog, "two").unwrap_err().message(), "savepoint \"two\" does not exist");
    a.commit();
    let again = Cluster::load(storage.clone()).unwrap();
    let b = session(&again, 2);
    assert!(b.sees("kept") && b.sees("after") && !b.sees("one") && !b.sees("two"));
}

/// Locks go at the end, those taken in a savepoint with its rollback.
#[test]
fn locks_end_with_the_transaction() {
    let (_disk, storage) = room();
    let cluster = cluster(&storage);
    let (mut a, mut b) = (session(&cluster, 1), session(&cluster, 2));
    a.begin();
    b.begin();
    a.txn.savepoint(&a.catalog, "s");
    a.txn.lock_relation(Oid(16_500), LockMode::AccessExclusive).unwrap();
    assert!(b.txn.lock_relation(Oid(16_500), LockMode::AccessShare).is_err());
    a.txn.rollback_to_savepoint(&a.catalog, "s").unwrap();
    b.txn.lock_relation(Oid(16_500), LockMode::AccessShare).unwrap();
    let xid = a.txn.xid();
    assert!(b.txn.wait_for(xid).is_err());
    a.commit();
    b.txn.wait_for(xid).unwrap();
    b.txn.abort(&b.catalog);
    assert!(storage.locks.rows().is_empty());
}

/// An exported snapshot shows others what its owner sees, keeps the horizon back for both, and is gone with its owner.
#[test]
fn a_snapshot_is_shared() {
    let (_disk, storage) = room();
    let cluster = cluster(&storage);
    let [mut owner, mut taker, mut writer] = [1, 2, 3].map(|pid| session(&cluster, pid));
    owner.txn.begin(Isolation::RepeatableRead, true);
    let seen = owner.txn.snapshot();
    let name = owner.txn.export_snapshot(seen.clone()).unwrap();
    writer.begin();
    writer.create_schema(20_001, "later");
    writer.commit();

    taker.txn.begin(Isolation::RepeatableRead, true);
    taker.txn.import_snapshot(&name).unwrap();
    assert_eq!(taker.txn.snapshot().csn, seen.csn);
    assert!(taker.txn.import_snapshot(&name).is_err(), "it has one");
    let csn = seen.csn;
    drop(seen);
    owner.commit();
    assert_eq!(storage.mvcc.compute_horizon(&storage.mvcc.horizon(Oid::INVALID)), csn, "the taker still holds it");
    taker.commit();
    taker.txn.begin(Isolation::RepeatableRead, true);
    assert!(taker.txn.import_snapshot(&name).is_err(), "its owner has ended");
    taker.commit();
    assert!(storage.mvcc.compute_horizon(&storage.mvcc.horizon(Oid::INVALID)) > csn);
}
