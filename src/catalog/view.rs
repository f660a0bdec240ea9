//! One session's view of the catalogs: what is committed, with this transaction's own changes on top.

use super::changes::{Change, Changes};
use super::cluster::Cluster;
use super::folder::{Folder, Record};
use super::memo::Memo;
use super::object::{
    BuiltinAcl, Database, Namespace, Object, ObjectKey, Role, RoleSetting, UserType, builtin_acl_key, class,
    comment_key, fixed,
};
use super::relation::{Detaching, Persistence, Relation};
use super::{build, mentions, store, system, system_indexes};
use crate::base::{CommandId, Csn, Oid, Result, Xid};
use crate::err;
use crate::mvcc::XactStatus;
use crate::storage::Storage;
use crate::twophase::{CatalogChange, NewRow};
use crate::types::Collation;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;
use std::any::Any;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Whom the session acts as, and what it is to keep off: what policies and views are judged by.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Acting {
    pub user: Oid,
    pub session_user: Oid,
    /// Who logged in.
    pub authenticated: Oid,
    pub row_security: bool,
    /// `restrict_nonsystem_relation_kind` names views.
    pub restricts_views: bool,
}

/// Look-ups never wait and, once a folder is loaded, never read a file.
pub struct Catalog {
    pub cluster: Arc<Cluster>,
    pub storage: Arc<Storage>,
    pub global: Arc<Folder>,
    pub local: Arc<Folder>,
    /// Own changes: the transaction's, then one per savepoint.
    layers: RwLock<Vec<Changes>>,
    /// Relations put together from own changes.
    own_relations: Mutex<HashMap<Oid, Arc<Relation>>>,
    /// Schemas as `search_path` names them, `$user` already replaced.
    search_path: RwLock<Vec<String>>,
    /// This session's temporary schema, 0 until it has one.
    temp_schema: AtomicU32,
    own_generation: AtomicU64,
    /// One more than the CSN of the snapshot that the transaction keeps, 0 without one.
    kept: AtomicU64,
    /// Objects made, while somebody wants to know: the script of an extension.
    made: Mutex<Option<Vec<ObjectKey>>>,
    /// Objects written, and which of them are new, while somebody wants to know: a command with event triggers.
    changes: Mutex<Option<Vec<(ObjectKey, bool)>>>,
    acting: Mutex<Acting>,
    /// The paths that the roles of this session have searched, and which of them is the present one.
    paths: Mutex<Vec<SmallVec<[Oid; 6]>>>,
    path: AtomicU64,
    /// The path that was worked out last, and what it was worked out from.
    last_path: Mutex<Option<(PathBasis, SmallVec<[Oid; 6]>)>>,
    default_collation: OnceLock<Collation>,
    memo: Memo,
}

/// What the schemas searched depend on: the catalogs' generations, and who looks.
type PathBasis = ([u64; 3], Oid);

/// What plans are made for: the catalogs as they are, and what the search path finds in them.
pub type Generation = (u64, u64, u64, u64);

/// Who writes rows: the running transaction.
#[derive(Clone)]
pub struct Writer {
    pub xid: Xid,
    pub cid: CommandId,
    pub own: Arc<crate::mvcc::Own>,
}

impl Catalog {
    pub fn new(cluster: Arc<Cluster>, local: Arc<Folder>) -> Catalog {
        Catalog {
            storage: cluster.storage.clone(),
            global: cluster.global.clone(),
            cluster,
            local,
            layers: RwLock::default(),
            own_relations: Mutex::default(),
            search_path: RwLock::new(vec!["public".into()]),
            temp_schema: AtomicU32::new(0),
            own_generation: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            made: Mutex::default(),
            changes: Mutex::default(),
            acting: Mutex::default(),
            paths: Mutex::default(),
            path: AtomicU64::new(0),
            last_path: Mutex::default(),
            default_collation: OnceLock::new(),
            memo: Memo::default(),
        }
    }

    pub fn database(&self) -> Oid {
        self.local.database
    }

    /// What this database orders text by where nothing says otherwise. (Nobody is let in whose database has a locale that
    /// the system has not.)
    pub fn default_collation(&self) -> Collation {
        let order = || self.database_by_oid(self.database()).and_then(|d| d.order().ok()).unwrap_or_default();
        *self.default_collation.get_or_init(order)
    }

    /// Changes whenever a cached plan or name look-up of this session may have become wrong.
    pub fn generation(&self) -> Generation {
        let [own, path] = [&self.own_generation, &self.path].map(|n| n.load(Ordering::Relaxed));
        (self.global.generation(), self.local.generation(), own, path)
    }

    /// What `make` makes of the catalogs as they are, for a search path; kept until they change.
    pub fn remembered<T: Any + Send + Sync>(&self, path: &[Oid], make: impl FnOnce() -> T) -> Arc<T> {
        self.memo.get(self.generation(), path, make)
    }

    // ---- transaction ----

    /// Opens a layer for a savepoint (the first one is opened by the first change).
    pub fn push_layer(&self) {
        let mut layers = self.layers.write();
        if layers.is_empty() {
            layers.push(Changes::default());
        }
        layers.push(Changes::default());
    }

    /// Whether the transaction has changed any object.
    pub fn is_changed(&self) -> bool {
        !self.layers.read().is_empty()
    }

    /// How many layers there are: what `pop_to` and `merge_to` take.
    pub fn depth(&self) -> usize {
        self.layers.read().len()
    }

    /// Forgets the changes of the layers above `depth`.
    pub fn pop_to(&self, depth: usize) {
        let gone = {
            let mut layers = self.layers.write();
            let from = depth.min(layers.len());
            layers.split_off(from)
        };
        if gone.iter().any(|l| !l.is_empty()) {
            self.forget_own_relations();
        }
    }

    /// Adds the changes of the layers above `depth` to the layer below.
    pub fn merge_to(&self, depth: usize) {
        let mut layers = self.layers.write();
        while layers.len() > depth.max(1) {
            let Some(top) = layers.pop() else { break };
            if let Some(below) = layers.last_mut() {
                below.merge(top);
            }
        }
    }

    pub fn has_changes(&self) -> bool {
        self.layers.read().iter().any(|l| !l.is_empty())
    }

    /// Relations and functions that are gone when the transaction ends so: those it dropped, or those it made.
    pub fn gone_after(&self, committed: bool) -> Vec<ObjectKey> {
        let mut last: HashMap<ObjectKey, bool> = HashMap::new();
        for layer in self.layers.read().iter() {
            let counted = |k: &ObjectKey| matches!(k.class, class::RELATION | class::PROC);
            last.extend(layer.iter().filter(|(k, _)| counted(k)).map(|(k, c)| (*k, c.is_none())));
        }
        let is_new = |k: &ObjectKey| self.local.get(*k).is_none() && self.global.get(*k).is_none();
        last.into_iter().filter(|(k, dropped)| if committed { *dropped } else { is_new(k) }).map(|(k, _)| k).collect()
    }

    /// Makes the transaction's changes everybody's. Called by commit, while the transaction's locks are still held.
    pub fn apply(&self) {
        let layers = std::mem::take(&mut *self.layers.write());
        if layers.iter().all(Changes::is_empty) {
            return;
        }
        let mut all: HashMap<ObjectKey, Change> = HashMap::new();
        for layer in layers {
            all.extend(layer.into_records());
        }
        self.apply_changes(all);
        self.forget_own_relations();
    }

    /// Makes changes everybody's, this session's own or a prepared transaction's.
    pub fn apply_changes(&self, all: impl IntoIterator<Item = (ObjectKey, Change)>) {
        let shared = |key: &ObjectKey, change: &Change| match change {
            Some(r) => r.object.is_shared(),
            None => self.global.get(*key).is_some(),
        };
        let (global, local): (Vec<_>, Vec<_>) = all.into_iter().partition(|(k, c)| shared(k, c));
        if !global.is_empty() {
            self.global.apply(global.into_iter());
        }
        if !local.is_empty() {
            self.local.apply(local.into_iter());
        }
    }

    /// Whether a relation is temporary, or was before this transaction dropped it.
    pub fn is_or_was_temporary(&self, oid: Oid) -> bool {
        let key = ObjectKey::new(class::RELATION, oid);
        let is = |r: Arc<Record>| matches!(&r.object, Object::Class(c) if c.persistence == Persistence::Temp);
        self.get(key).is_some_and(is) || self.local.get(key).is_some_and(is)
    }

    /// All own changes, for a transaction that is prepared: what `apply_changes` takes, in no particular order.
    pub fn changes(&self) -> Vec<CatalogChange> {
        let mut all: HashMap<ObjectKey, Change> = HashMap::new();
        for layer in self.layers.read().iter() {
            all.extend(layer.iter().map(|(k, c)| (*k, c.clone())));
        }
        let row = |r: Arc<Record>| NewRow {
            tid: r.tid,
            xmin: r.xmin,
            body: String::from_utf8(r.object.encode()).unwrap_or_default(),
        };
        all.into_iter()
            .map(|(k, c)| CatalogChange { class: k.class, oid: k.oid, sub: k.sub, row: c.map(row) })
            .collect()
    }

    /// Reads back what `changes` told.
    ///
    /// # Errors
    /// XX001 if an object is damaged.
    pub fn read_changes(changes: &[CatalogChange]) -> Result<Vec<(ObjectKey, Change)>> {
        let read = |c: &CatalogChange| {
            let record = |row: &NewRow| {
                let object = Object::decode(row.body.as_bytes())?;
                Ok(Record::new(object, row.tid, row.xmin))
            };
            let key = ObjectKey { class: c.class, oid: c.oid, sub: c.sub };
            Ok((key, c.row.as_ref().map(record).transpose()?))
        };
        changes.iter().map(read).collect()
    }

    /// Forgets all own changes: abort.
    pub fn discard(&self) {
        self.pop_to(0);
    }

    fn forget_own_relations(&self) {
        for (_, relation) in self.own_relations.lock().drain() {
            relation.stale.store(true, Ordering::Release);
        }
        // A temporary schema that was made among the changes is gone with them.
        if self.temp_schema().is_some_and(|oid| self.namespace(oid).is_none()) {
            self.temp_schema.store(0, Ordering::Relaxed);
        }
        self.own_generation.fetch_add(1, Ordering::Relaxed);
    }

    // ---- objects ----

    pub fn get(&self, key: ObjectKey) -> Option<Arc<Record>> {
        for layer in self.layers.read().iter().rev() {
            if let Some(change) = layer.get(&key) {
                return change.clone();
            }
        }
        self.local.get(key).or_else(|| self.global.get(key))
    }

    /// All objects of a class as this session sees them.
    pub fn all(&self, class: Oid) -> Vec<Arc<Record>> {
        let mut found = self.local.all(class);
        found.extend(self.global.all(class));
        self.as_changed(found, |key| key.class == class)
    }

    /// The objects of a class with this OID, whatever parts they are about.
    pub fn with_oid(&self, class: Oid, oid: Oid) -> Vec<Arc<Record>> {
        let mut found = self.local.with_oid(class, oid);
        found.extend(self.global.with_oid(class, oid));
        self.as_changed(found, |key| key.class == class && key.oid == oid)
    }

    /// Committed objects as this transaction has them, with those that it has made.
    fn as_changed(&self, mut found: Vec<Arc<Record>>, wanted: impl Fn(&ObjectKey) -> bool) -> Vec<Arc<Record>> {
        let layers = self.layers.read();
        if layers.is_empty() {
            return found;
        }
        found.retain(|r| !layers.iter().any(|l| l.contains(&r.object.key())));
        let mut own: HashMap<ObjectKey, Change> = HashMap::new();
        for layer in layers.iter() {
            own.extend(layer.iter().filter(|(k, _)| wanted(k)).map(|(k, c)| (*k, c.clone())));
        }
        found.extend(own.into_values().flatten());
        found
    }

    /// The objects of a class that may hold an OID somewhere in them, ascending: what depends on the object it names, or
    /// belongs to it, is among them.
    pub fn mentioning(&self, class: Oid, oid: Oid) -> Vec<Arc<Record>> {
        if oid < Oid::FIRST_NORMAL {
            return self.all(class);
        }
        let mut keys = Vec::new();
        self.local.mentioning(class, oid, &mut keys);
        self.global.mentioning(class, oid, &mut keys);
        self.layers.read().iter().for_each(|l| keys.extend(l.mentions().of_oid(class, oid)));
        self.those(keys)
    }

    /// The objects of a class that may have a constraint of this name, or expressions in which it appears as SQL writes it.
    pub fn naming(&self, class: Oid, name: &str) -> Vec<Arc<Record>> {
        let mut keys = Vec::new();
        let Some(part) = mentions::words(name).next() else { return self.all(class) };
        let whole = Some(name).filter(|n| *n != part);
        for word in whole.into_iter().chain([part]) {
            self.local.naming(class, word, &mut keys);
            self.global.naming(class, word, &mut keys);
            self.layers.read().iter().for_each(|l| keys.extend(l.mentions().of_word(class, word)));
        }
        self.those(keys)
    }

    fn those(&self, mut keys: Vec<ObjectKey>) -> Vec<Arc<Record>> {
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().filter_map(|key| self.get(key)).collect()
    }

    /// OIDs of the objects of a class with this name in this schema.
    pub fn find(&self, class: Oid, namespace: Oid, name: &str) -> SmallVec<[Oid; 1]> {
        let mut found = self.local.find(class, namespace, name);
        for oid in self.global.find(class, namespace, name) {
            if !found.contains(&oid) {
                found.push(oid);
            }
        }
        let layers = self.layers.read();
        if layers.is_empty() {
            return found;
        }
        // A changed object may have lost or gained the name.
        let named = (class, namespace, name.to_string());
        let candidates: SmallVec<[Oid; 4]> = layers.iter().rev().flat_map(|l| l.named(&named)).copied().collect();
        found.retain(|oid| !layers.iter().any(|l| l.contains(&ObjectKey::new(class, *oid))));
        drop(layers);
        for oid in candidates {
            let has = |r: Arc<Record>| r.object.name() == Some((namespace, name));
            if !found.contains(&oid) && self.get(ObjectKey::new(class, oid)).is_some_and(has) {
                found.push(oid);
            }
        }
        found
    }

    /// Writes an object, new or changed, as the running transaction.
    pub fn put(&self, writer: Writer, mut object: Object) -> Result<()> {
        let key = object.key();
        let folder = if object.is_shared() { self.global.clone() } else { self.local.clone() };
        let old = self.get(key);
        if let (Object::Class(c), None) = (&mut object, &old) {
            c.frozen = self.storage.mvcc.running().oldest.0;
        }
        let body = object.encode();
        if let Some(changes) = &mut *self.changes.lock()
            && !changes.iter().any(|(known, _)| *known == key)
        {
            changes.push((key, old.is_none()));
        }
        let tid = match old {
            Some(old) => store::update_row(&self.storage, &folder, &writer, old.tid, key, &body)?,
            None => {
                if let Some(made) = &mut *self.made.lock() {
                    made.push(key);
                }
                store::insert_row(&self.storage, &folder, &writer, key, &body)?
            }
        };
        self.record(key, Some(Record::new(object, tid, writer.xid)));
        Ok(())
    }

    /// Notes from now on which objects are made, after those given; None: no longer. Returns those noted so far.
    pub fn note_made(&self, made: Option<Vec<ObjectKey>>) -> Vec<ObjectKey> {
        std::mem::replace(&mut *self.made.lock(), made).unwrap_or_default()
    }

    /// The same of all objects that are written.
    pub fn note_changes(&self, changes: Option<Vec<(ObjectKey, bool)>>) -> Vec<(ObjectKey, bool)> {
        std::mem::replace(&mut *self.changes.lock(), changes).unwrap_or_default()
    }

    pub fn notes_changes(&self) -> bool {
        self.changes.lock().is_some()
    }

    /// Whether the script of an extension runs.
    pub fn notes_made(&self) -> bool {
        self.made.lock().is_some()
    }

    /// An extension by name.
    pub fn extension(&self, name: &str) -> Option<super::Extension> {
        let oid = *self.find(class::EXTENSION, Oid::INVALID, name).first()?;
        match &self.get(ObjectKey::new(class::EXTENSION, oid))?.object {
            Object::Extension(e) => Some(e.clone()),
            _ => None,
        }
    }

    /// The extension an object belongs to.
    pub fn extension_of(&self, member: ObjectKey) -> Option<super::Extension> {
        self.all(class::EXTENSION).iter().find_map(|r| match &r.object {
            Object::Extension(e) if e.members.contains(&member) => Some(e.clone()),
            _ => None,
        })
    }

    /// Deletes an object as the running transaction; nothing happens if there is none.
    pub fn delete(&self, writer: Writer, key: ObjectKey) -> Result<()> {
        let Some(old) = self.get(key) else { return Ok(()) };
        let folder = if old.object.is_shared() { self.global.clone() } else { self.local.clone() };
        store::delete_row(&self.storage, &folder, &writer, old.tid)?;
        self.record(key, None);
        Ok(())
    }

    fn record(&self, key: ObjectKey, change: Change) {
        let old = self.get(key);
        let mut touched: SmallVec<[Oid; 2]> = SmallVec::new();
        for object in [&old, &change].into_iter().flatten() {
            super::known_types::note(&object.object);
            if let Object::Class(c) = &object.object {
                touched.push(c.oid);
                touched.extend(c.index.as_ref().map(|i| i.table));
                touched.extend(c.lineage.parents.iter().copied());
            }
        }
        for oid in touched {
            if let Some(relation) = self.own_relations.lock().remove(&oid) {
                relation.stale.store(true, Ordering::Release);
            }
        }
        let mut layers = self.layers.write();
        if layers.is_empty() {
            layers.push(Changes::default());
        }
        if let Some(top) = layers.last_mut() {
            top.insert(key, old.as_ref().map(|r| &r.object), change);
        }
        drop(layers);
        self.own_generation.fetch_add(1, Ordering::Relaxed);
    }

    fn is_own(&self, oid: Oid) -> bool {
        self.layers.read().iter().any(|l| l.touches(oid))
    }

    // ---- relations ----

    /// A relation by OID: table, index's own entry excepted, view, sequence, or generated.
    pub fn relation(&self, oid: Oid) -> Result<Option<Arc<Relation>>> {
        match self.relation_now(oid)? {
            Some(found) if found.detaching.is_some_and(|d| !d.shown && self.precedes(d.by)) => {
                self.with_detaching(found).map(Some)
            }
            found => Ok(found),
        }
    }

    /// The transaction's snapshot, which it keeps; none: it takes one for each statement.
    pub fn keep_snapshot(&self, csn: Option<Csn>) {
        self.kept.store(csn.map_or(0, |c| c.0 + 1), Ordering::Relaxed);
    }

    /// Runs something that sees no partition on its way out, even where the transaction's snapshot would show it.
    pub fn without_detaching<T>(&self, f: impl FnOnce() -> T) -> T {
        let kept = self.kept.swap(0, Ordering::Relaxed);
        let result = f();
        self.kept.store(kept, Ordering::Relaxed);
        result
    }

    /// Whether the transaction's snapshot, which it keeps, is older than the commit of another one.
    fn precedes(&self, xid: Xid) -> bool {
        let Some(kept) = self.kept.load(Ordering::Relaxed).checked_sub(1) else { return false };
        let mvcc = &self.storage.mvcc;
        xid >= mvcc.oldest_in_ring() && matches!(mvcc.status(xid), XactStatus::Committed(csn) if csn.0 > kept)
    }

    /// Whether a plan made with this relation has the children that a plan made now would have.
    pub fn is_seen_alike(&self, relation: &Relation) -> bool {
        relation.detaching.is_none_or(|d| d.shown == self.precedes(d.by))
    }

    /// A relation with the partition that is being detached among its children.
    pub fn with_detaching(&self, found: Arc<Relation>) -> Result<Arc<Relation>> {
        if let Some(whole) = found.whole.get() {
            return Ok(whole.clone());
        }
        let Some(mut whole) = build::relation(self, found.oid)? else { return Ok(found) };
        whole.stale = found.stale.clone();
        if let Some(d) = found.detaching {
            whole.children.push(d.child);
            whole.children.sort();
            whole.detaching = Some(Detaching { shown: true, ..d });
        }
        Ok(found.whole.get_or_init(|| Arc::new(whole)).clone())
    }

    fn relation_now(&self, oid: Oid) -> Result<Option<Arc<Relation>>> {
        if let Some(relation) = system::relation(oid) {
            return Ok(Some(relation));
        }
        if self.depth() > 0 && self.is_own(oid) {
            if let Some(relation) = self.own_relations.lock().get(&oid) {
                return Ok(Some(relation.clone()));
            }
            let Some(built) = build::relation(self, oid)? else { return Ok(None) };
            let built = Arc::new(built);
            self.own_relations.lock().insert(oid, built.clone());
            return Ok(Some(built));
        }
        if let Some(relation) = self.local.cached_relation(oid) {
            return Ok(Some(relation));
        }
        let generation = self.local.generation();
        let Some(built) = build::relation(self, oid)? else { return Ok(None) };
        Ok(Some(self.local.keep_relation(Arc::new(built), generation)))
    }

    /// A relation by name; without a schema the search path decides.
    pub fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<Relation>>> {
        match self.class_oid_by_name(schema, name)? {
            Some(oid) => self.relation(oid),
            None => Ok(None),
        }
    }

    /// The OID of whatever `pg_class` has under this name, indexes included.
    ///
    /// # Errors
    /// 3F000 if the schema is named and does not exist.
    pub fn class_oid_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Oid>> {
        if let Some(schema) = schema {
            let namespace = self.namespace_oid(schema)?;
            return Ok(self.class_in(namespace, name));
        }
        Ok(self.effective_path().into_iter().find_map(|namespace| self.class_in(namespace, name)))
    }

    /// The OID of a class in a schema.
    pub fn class_in(&self, namespace: Oid, name: &str) -> Option<Oid> {
        let of_catalogs = || system_indexes::oid_by_name(namespace, name);
        system::oid_by_name(namespace, name)
            .or_else(of_catalogs)
            .or_else(|| self.find(class::RELATION, namespace, name).first().copied())
    }

    /// The stored form of a user's relation, index or sequence, or what stands for an index of a catalog.
    pub fn class(&self, oid: Oid) -> Option<Arc<Record>> {
        system_indexes::record(oid).or_else(|| self.get(ObjectKey::new(class::RELATION, oid)))
    }

    /// OIDs of a table's indexes.
    pub fn indexes_of(&self, table: Oid) -> Vec<Oid> {
        if table < Oid::FIRST_NORMAL {
            return system_indexes::of_table(table).to_vec();
        }
        let mut found = self.local.indexes_of(table);
        let layers = self.layers.read();
        if layers.is_empty() {
            return found;
        }
        let changed: Vec<Oid> = layers.iter().flat_map(|l| l.indexes_of(table)).copied().collect();
        drop(layers);
        found.extend(changed);
        let is_index = |oid: &Oid| {
            self.class(*oid).is_some_and(
                |r| matches!(&r.object, Object::Class(c) if c.index.as_ref().is_some_and(|i| i.table == table)),
            )
        };
        found.retain(is_index);
        found.sort();
        found.dedup();
        found
    }

    /// OIDs of a relation's direct children (or of a partitioned index's parts), ascending, without a partition that is
    /// being detached.
    pub fn children_of(&self, parent: Oid) -> Vec<Oid> {
        let mut found = self.members_of(parent);
        found.retain(|oid| self.detached_by(*oid).is_none());
        found
    }

    /// Who began to detach a partition.
    fn detached_by(&self, oid: Oid) -> Option<Xid> {
        let record = self.class(oid)?;
        let Object::Class(c) = &record.object else { return None };
        (c.lineage.detaching != 0).then_some(Xid(c.lineage.detaching))
    }

    /// The partition that is being detached from a table, and by which transaction.
    pub fn detaching_from(&self, parent: Oid) -> Option<(Oid, Xid)> {
        self.members_of(parent).into_iter().find_map(|oid| Some((oid, self.detached_by(oid)?)))
    }

    /// All direct children, ascending.
    pub fn members_of(&self, parent: Oid) -> Vec<Oid> {
        let mut found = self.local.children_of(parent);
        let layers = self.layers.read();
        if layers.is_empty() {
            return found;
        }
        let changed: Vec<Oid> = layers.iter().flat_map(|l| l.children_of(parent)).copied().collect();
        drop(layers);
        found.extend(changed);
        let is_child = |oid: &Oid| {
            self.class(*oid)
                .is_some_and(|r| matches!(&r.object, Object::Class(c) if c.lineage.parents.contains(&parent)))
        };
        found.retain(is_child);
        found.sort();
        found.dedup();
        found
    }

    // ---- names ----

    /// Sets the schemas to search; `$user` must be replaced already.
    pub fn set_search_path(&self, schemas: Vec<String>) {
        if *self.search_path.read() != schemas {
            *self.search_path.write() = schemas;
            self.own_generation.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn search_path(&self) -> Vec<String> {
        self.search_path.read().clone()
    }

    /// Whose rights count.
    pub fn acting(&self) -> Acting {
        *self.acting.lock()
    }

    pub fn set_acting(&self, acting: Acting) {
        let before = std::mem::replace(&mut *self.acting.lock(), acting);
        if before.user != acting.user {
            self.note_path();
        }
        if before.restricts_views != acting.restricts_views {
            // Plans that were made before know nothing of it.
            self.own_generation.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What the search path finds depends on who looks: plans are made for one such path.
    fn note_path(&self) {
        let path = self.effective_path();
        let mut known = self.paths.lock();
        let at = known.iter().position(|p| *p == path).unwrap_or_else(|| {
            known.push(path);
            known.len() - 1
        });
        self.path.store(at as u64, Ordering::Relaxed);
    }

    /// This session's temporary schema, once it has one.
    pub fn temp_schema(&self) -> Option<Oid> {
        Some(Oid(self.temp_schema.load(Ordering::Relaxed))).filter(|o| o.is_valid())
    }

    /// Whether a relation is a temporary one of another session: nobody but that may read or change its rows, and trees that
    /// have it among their members do without it (PostgreSQL 15, rel.h, RELATION_IS_OTHER_TEMP).
    pub fn is_other_temp(&self, relation: &Relation) -> bool {
        relation.persistence == Persistence::Temp && self.temp_schema() != Some(relation.namespace)
    }

    pub fn set_temp_schema(&self, namespace: Option<Oid>) {
        self.temp_schema.store(namespace.unwrap_or_default().0, Ordering::Relaxed);
        self.own_generation.fetch_add(1, Ordering::Relaxed);
    }

    /// The schemas searched, in order, the implied ones first (PostgreSQL 15, namespace.c: same rule).
    pub fn effective_path(&self) -> SmallVec<[Oid; 6]> {
        let (global, local, own, _) = self.generation();
        let basis = ([global, local, own], self.acting().user);
        if let Some((from, path)) = &*self.last_path.lock()
            && *from == basis
        {
            return path.clone();
        }
        let mut path = self.effective(&self.search_path.read());
        path.retain(|n| self.may_look_into(*n));
        *self.last_path.lock() = Some((basis, path.clone()));
        path
    }

    /// The schemas searched along another search path than the session's, whoever may look into them.
    pub fn effective(&self, search_path: &[String]) -> SmallVec<[Oid; 6]> {
        let mut path = self.effective_kept(search_path);
        if let Some(temp) = self.temp_schema()
            && !path.contains(&temp)
        {
            path.insert(0, temp);
        }
        path
    }

    /// The schemas searched for what a stored text names: what is temporary only where the path says so, since what a
    /// session makes later must not come between a view and its tables.
    pub fn effective_kept(&self, search_path: &[String]) -> SmallVec<[Oid; 6]> {
        let mut path: SmallVec<[Oid; 6]> = SmallVec::new();
        for name in search_path {
            let found = match name.as_str() {
                "pg_temp" => self.temp_schema(),
                _ => self.namespace_by_name(name).and_then(|r| r.object.as_namespace().ok().map(|n| n.oid)),
            };
            path.extend(found.filter(|oid| !path.contains(oid)));
        }
        if !path.contains(&fixed::PG_CATALOG) {
            path.insert(0, fixed::PG_CATALOG);
        }
        path
    }

    /// The search path as it is kept with a text that reads something temporary, or does not.
    pub fn kept_path(&self, temporary: bool) -> Vec<String> {
        let mut path = self.search_path();
        if temporary && !path.iter().any(|n| n == "pg_temp") {
            path.insert(0, "pg_temp".to_owned());
        }
        path
    }

    /// Where functions and operators without a schema are looked for: never among what is temporary, so that
    /// nobody can slip one in (PostgreSQL 15, namespace.c, FuncnameGetCandidates).
    pub fn routine_path(&self) -> SmallVec<[Oid; 6]> {
        self.without_temporary(self.effective_path())
    }

    /// A path without the session's temporary schema.
    pub fn without_temporary(&self, mut path: SmallVec<[Oid; 6]>) -> SmallVec<[Oid; 6]> {
        let temp = self.temp_schema();
        path.retain(|n| Some(*n) != temp);
        path
    }

    /// Whether the search path puts new objects into the session's temporary schema, which may not be there yet.
    pub fn creates_temporary(&self) -> bool {
        let path = self.search_path.read();
        let first = path.iter().find(|n| *n == "pg_temp" || self.namespace_by_name(n).is_some());
        first.is_some_and(|n| n == "pg_temp")
    }

    /// The schemas the search path names, those that exist, without the implied ones.
    pub fn named_path(&self) -> Vec<Oid> {
        let path = self.search_path.read();
        let named = path.iter().filter_map(|n| self.namespace_by_name(n));
        let named = named.filter_map(|r| r.object.as_namespace().ok().map(|n| n.oid));
        named.filter(|n| self.may_look_into(*n)).collect()
    }

    /// The relation whose rows have this type (or arrays of it).
    pub fn class_of_row_type(&self, typ: Oid) -> Option<Oid> {
        if let Some(system) = system::oid_by_type(typ) {
            return Some(system);
        }
        let holder = self.holder(typ)?;
        holder.object.as_class().ok().filter(|c| c.row_type == typ || c.row_array_type == typ).map(|c| c.oid)
    }

    /// The object that holds a constraint, a trigger, a default, a row type, an array type or a label of its own.
    pub fn holder(&self, part: Oid) -> Option<Arc<Record>> {
        let holds = |r: &Arc<Record>| r.object.parts().contains(&part);
        let own: SmallVec<[ObjectKey; 2]> =
            self.layers.read().iter().flat_map(|l| l.holders_of(part)).copied().collect();
        own.into_iter().chain(self.local.holder(part)).find_map(|key| self.get(key).filter(holds))
    }

    /// Where new objects go: the first schema named in the search path that exists.
    ///
    /// # Errors
    /// 3F000 if there is none.
    pub fn creation_schema(&self) -> Result<Oid> {
        self.search_path
            .read()
            .iter()
            .filter_map(|n| self.namespace_by_name(n)?.object.as_namespace().ok().map(|n| n.oid))
            .find(|n| self.may_look_into(*n))
            .ok_or_else(|| err!(INVALID_SCHEMA_NAME, "no schema has been selected to create in"))
    }

    pub fn namespace_by_name(&self, name: &str) -> Option<Arc<Record>> {
        let oid = match name {
            "pg_temp" => self.temp_schema()?,
            _ => *self.find(class::NAMESPACE, Oid::INVALID, name).first()?,
        };
        self.get(ObjectKey::new(class::NAMESPACE, oid))
    }

    /// # Errors
    /// 3F000 `schema "x" does not exist`.
    pub fn namespace_oid(&self, name: &str) -> Result<Oid> {
        let record = self.namespace_by_name(name);
        let record = record.ok_or_else(|| err!(INVALID_SCHEMA_NAME, "schema \"{name}\" does not exist"))?;
        Ok(record.object.as_namespace()?.oid)
    }

    pub fn namespace(&self, oid: Oid) -> Option<Namespace> {
        self.get(ObjectKey::new(class::NAMESPACE, oid)).and_then(|r| r.object.as_namespace().ok().cloned())
    }

    pub fn role(&self, oid: Oid) -> Option<Role> {
        self.get(ObjectKey::new(class::AUTHID, oid)).and_then(|r| r.object.as_role().ok().cloned())
    }

    pub fn role_by_name(&self, name: &str) -> Option<Role> {
        self.find(class::AUTHID, Oid::INVALID, name).first().and_then(|oid| self.role(*oid))
    }

    pub fn database_by_name(&self, name: &str) -> Option<Database> {
        let oid = *self.find(class::DATABASE, Oid::INVALID, name).first()?;
        self.database_by_oid(oid)
    }

    pub fn database_by_oid(&self, oid: Oid) -> Option<Database> {
        self.get(ObjectKey::new(class::DATABASE, oid)).and_then(|r| r.object.as_database().ok().cloned())
    }

    pub fn role_setting(&self, database: Oid, role: Oid) -> Option<RoleSetting> {
        let key = ObjectKey { class: class::DB_ROLE_SETTING, oid: database, sub: role.0 as i32 };
        self.get(key).and_then(|r| r.object.as_role_setting().ok().cloned())
    }

    /// A user's type by name; built-in ones are the registry's.
    pub fn user_type_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<UserType>> {
        let in_schema = |namespace| {
            let oid = *self.find(class::TYPE, namespace, name).first()?;
            self.user_type(oid)
        };
        match schema {
            Some(schema) => Ok(in_schema(self.namespace_oid(schema)?)),
            None => Ok(self.effective_path().into_iter().find_map(in_schema)),
        }
    }

    pub fn user_type(&self, oid: Oid) -> Option<UserType> {
        self.get(ObjectKey::new(class::TYPE, oid)).and_then(|r| r.object.as_type().ok().cloned())
    }

    pub fn comment(&self, on: ObjectKey) -> Option<String> {
        self.get(comment_key(on)).and_then(|r| match &r.object {
            Object::Comment(c) => Some(c.text.clone()),
            _ => None,
        })
    }

    /// What GRANT and REVOKE made of the rights on a built-in relation or function.
    pub fn builtin_acl(&self, on: ObjectKey) -> Option<BuiltinAcl> {
        self.get(builtin_acl_key(on)).and_then(|r| r.object.as_builtin_acl().ok().cloned())
    }

    /// Objects that depend on `key`, with whether they go along silently.
    pub fn dependents(&self, key: ObjectKey) -> Vec<(Arc<Record>, bool)> {
        let mut found = Vec::new();
        for class in [
            class::RELATION,
            class::PROC,
            class::OPERATOR,
            class::CAST,
            class::TS_CONFIG,
            class::EVENT_TRIGGER,
            class::FOREIGN_SERVER,
            class::USER_MAPPING,
        ] {
            for record in self.mentioning(class, key.oid) {
                let on = |d: &&super::object::Depend| {
                    d.on.class == key.class && d.on.oid == key.oid && (key.sub == 0 || d.on.sub == key.sub)
                };
                let hits: Vec<bool> = record.object.depends().iter().filter(on).map(|d| d.auto).collect();
                if !hits.is_empty() {
                    let auto = hits.iter().all(|a| *a);
                    found.push((record, auto));
                }
            }
        }
        found
    }
}
