//! The committed objects of one database, or of the cluster (`global`), in memory.
//!
//! Loaded once from the folder's catalog heap; afterwards only commits change it (CAT-1).

use super::changes::Change;
use super::mentions::{Mentions, Said};
use super::object::{Object, ObjectKey, class};
use super::relation::Relation;
use crate::base::{Oid, TupleId, Xid};
use hashbrown::{Equivalent, HashMap};
use parking_lot::RwLock;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An object with the place of its row.
#[derive(Debug)]
pub struct Record {
    pub object: Object,
    pub tid: TupleId,
    /// Who wrote this version.
    pub xmin: Xid,
    /// What the binder made of expressions kept in the object: once per version of it.
    pub bound: std::sync::OnceLock<Arc<dyn std::any::Any + Send + Sync>>,
    /// What the object mentions, once somebody has asked.
    said: std::sync::OnceLock<Said>,
}

impl Record {
    pub fn new(object: Object, tid: TupleId, xmin: Xid) -> Arc<Record> {
        Arc::new(Record { object, tid, xmin, bound: Default::default(), said: Default::default() })
    }

    pub(super) fn said(&self) -> &Said {
        self.said.get_or_init(|| Said::of(&self.object))
    }
}

/// The committed state of one folder.
pub struct Folder {
    /// 0: shared by all databases.
    pub database: Oid,
    /// Where its files lie, 0: in the data directory.
    pub space: Oid,
    pub store: Arc<crate::heap::TableStore>,
    state: RwLock<State>,
    generation: AtomicU64,
    /// Rows that commits have replaced or deleted since VACUUM's last look at the heap.
    dead: AtomicU64,
}

#[derive(Default)]
struct State {
    objects: HashMap<ObjectKey, Arc<Record>>,
    /// The same by class: what looks at all objects of a kind is not to go through all others.
    classes: HashMap<Oid, BTreeMap<ObjectKey, Arc<Record>>>,
    /// (class, namespace, name) → OIDs: several for functions.
    names: HashMap<(Oid, Oid, String), SmallVec<[Oid; 1]>>,
    /// Indexes by table.
    indexes: HashMap<Oid, Vec<Oid>>,
    /// Children by parent, ascending.
    children: HashMap<Oid, Vec<Oid>>,
    /// What objects hold inside ([`Object::parts`]), with the holder.
    holders: HashMap<Oid, ObjectKey>,
    mentions: Mentions,
    /// Put together on first use.
    relations: HashMap<Oid, Arc<Relation>>,
}

/// A key of [`State::names`] that does not own its name; hashes as the tuple does.
#[derive(Hash)]
struct Called<'a>(Oid, Oid, &'a str);

impl Equivalent<(Oid, Oid, String)> for Called<'_> {
    fn equivalent(&self, (class, namespace, name): &(Oid, Oid, String)) -> bool {
        (self.0, self.1, self.2) == (*class, *namespace, name)
    }
}

impl State {
    fn get(&self, key: ObjectKey) -> Option<&Arc<Record>> {
        self.objects.get(&key)
    }

    fn len(&self) -> usize {
        self.objects.len()
    }

    fn insert(&mut self, key: ObjectKey, record: Arc<Record>) {
        super::known_types::note(&record.object);
        if let Some((namespace, name)) = record.object.name() {
            let oids = self.names.entry((key.class, namespace, name.to_string())).or_default();
            if !oids.contains(&key.oid) {
                oids.push(key.oid);
            }
        }
        if let Object::Class(c) = &record.object
            && let Some(index) = &c.index
        {
            let indexes = self.indexes.entry(index.table).or_default();
            if !indexes.contains(&c.oid) {
                indexes.push(c.oid);
                indexes.sort();
            }
        }
        if let Object::Class(c) = &record.object {
            for parent in &c.lineage.parents {
                let children = self.children.entry(*parent).or_default();
                if !children.contains(&c.oid) {
                    children.push(c.oid);
                    children.sort();
                }
            }
        }
        self.mentions.add(key, record.said());
        self.holders.extend(record.object.parts().into_iter().map(|part| (part, key)));
        self.classes.entry(key.class).or_default().insert(key, record.clone());
        self.objects.insert(key, record);
    }

    fn remove(&mut self, key: ObjectKey) {
        let Some(old) = self.objects.remove(&key) else { return };
        if let Some(all) = self.classes.get_mut(&key.class) {
            all.remove(&key);
        }
        self.mentions.remove(key, old.said());
        for part in old.object.parts() {
            if self.holders.get(&part) == Some(&key) {
                self.holders.remove(&part);
            }
        }
        if let Some((namespace, name)) = old.object.name() {
            let entry = (key.class, namespace, name.to_string());
            if let Some(oids) = self.names.get_mut(&entry) {
                oids.retain(|o| *o != key.oid);
                if oids.is_empty() {
                    self.names.remove(&entry);
                }
            }
        }
        if let Object::Class(c) = &old.object
            && let Some(index) = &c.index
            && let Some(indexes) = self.indexes.get_mut(&index.table)
        {
            indexes.retain(|o| *o != c.oid);
            if indexes.is_empty() {
                self.indexes.remove(&index.table);
            }
        }
        if let Object::Class(c) = &old.object {
            for parent in &c.lineage.parents {
                if let Some(children) = self.children.get_mut(parent) {
                    children.retain(|o| *o != c.oid);
                    if children.is_empty() {
                        self.children.remove(parent);
                    }
                }
            }
        }
    }

    /// The put-together relations that know of a table or an index: itself, and its table.
    fn relations_with(&self, oid: Oid) -> impl Iterator<Item = &Arc<Relation>> {
        let class = self.get(ObjectKey::new(class::RELATION, oid));
        let table = class.and_then(|r| r.object.as_class().ok()?.index.as_ref().map(|i| i.table));
        [Some(oid), table].into_iter().flatten().filter_map(|oid| self.relations.get(&oid))
    }

    /// Forgets the put-together relations an object's change touches (CAT-2).
    fn invalidate(&mut self, object: &Object) {
        let mut touched: SmallVec<[Oid; 2]> = SmallVec::new();
        match object {
            Object::Class(c) => {
                touched.push(c.oid);
                touched.extend(c.index.as_ref().map(|i| i.table));
                touched.extend(c.lineage.parents.iter().copied());
            }
            Object::Namespace(n) => {
                touched.extend(self.relations.values().filter(|r| r.namespace == n.oid).map(|r| r.oid));
            }
            _ => {}
        }
        for oid in touched {
            if let Some(relation) = self.relations.remove(&oid) {
                relation.stale.store(true, Ordering::Release);
            }
        }
    }
}

impl Folder {
    /// Of a database (0: shared) whose files lie in a tablespace.
    pub fn new(
        (database, space): (Oid, Oid),
        store: Arc<crate::heap::TableStore>,
        records: Vec<(ObjectKey, Arc<Record>)>,
    ) -> Folder {
        let mut state = State::default();
        for (key, record) in records {
            state.insert(key, record);
        }
        let generation = AtomicU64::new(1);
        Folder { database, space, store, state: RwLock::new(state), generation, dead: AtomicU64::new(0) }
    }

    /// Grows with every committed change that could make a plan or a look-up wrong.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether its heap has so many dead rows that they are worth removing: as many as autovacuum lets a table have.
    pub fn is_untidy(&self) -> bool {
        let dead = self.dead.load(Ordering::Relaxed);
        dead > 1000 && dead > self.state.read().len() as u64 / 5
    }

    /// VACUUM begins to remove the dead rows.
    pub fn tidied(&self) {
        self.dead.store(0, Ordering::Relaxed);
    }

    pub fn get(&self, key: ObjectKey) -> Option<Arc<Record>> {
        self.state.read().get(key).cloned()
    }

    pub fn find(&self, class: Oid, namespace: Oid, name: &str) -> SmallVec<[Oid; 1]> {
        self.state.read().names.get(&Called(class, namespace, name)).cloned().unwrap_or_default()
    }

    pub fn indexes_of(&self, table: Oid) -> Vec<Oid> {
        self.state.read().indexes.get(&table).cloned().unwrap_or_default()
    }

    pub fn children_of(&self, parent: Oid) -> Vec<Oid> {
        self.state.read().children.get(&parent).cloned().unwrap_or_default()
    }

    /// The object that holds a part.
    pub fn holder(&self, part: Oid) -> Option<ObjectKey> {
        self.state.read().holders.get(&part).copied()
    }

    /// See [`Mentions::of_oid`].
    pub fn mentioning(&self, class: Oid, oid: Oid, found: &mut Vec<ObjectKey>) {
        found.extend(self.state.read().mentions.of_oid(class, oid));
    }

    /// See [`Mentions::of_word`].
    pub fn naming(&self, class: Oid, word: &str, found: &mut Vec<ObjectKey>) {
        found.extend(self.state.read().mentions.of_word(class, word));
    }

    /// The objects of a class with this OID: an object's comments, or statistics, with those of its parts.
    pub fn with_oid(&self, class: Oid, oid: Oid) -> Vec<Arc<Record>> {
        let [first, last] = [i32::MIN, i32::MAX].map(|sub| ObjectKey { class, oid, sub });
        let state = self.state.read();
        state.classes.get(&class).into_iter().flat_map(|c| c.range(first..=last)).map(|(_, r)| r.clone()).collect()
    }

    /// All objects of a class, in the order of their keys.
    pub fn all(&self, class: Oid) -> Vec<Arc<Record>> {
        self.state.read().classes.get(&class).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Every object.
    pub fn everything(&self) -> Vec<Arc<Record>> {
        self.state.read().objects.values().cloned().collect()
    }

    pub fn cached_relation(&self, oid: Oid) -> Option<Arc<Relation>> {
        self.state.read().relations.get(&oid).cloned()
    }

    /// Keeps a put-together relation, unless the folder changed since `generation` or somebody was quicker.
    pub fn keep_relation(&self, relation: Arc<Relation>, generation: u64) -> Arc<Relation> {
        let mut state = self.state.write();
        if self.generation() != generation {
            return relation;
        }
        state.relations.entry(relation.oid).or_insert(relation).clone()
    }

    /// Makes a commit's changes everybody's (CAT-1).
    pub fn apply(&self, changes: impl Iterator<Item = (ObjectKey, Change)>) {
        let mut state = self.state.write();
        let mut matters = false;
        for (key, change) in changes {
            if let Some(old) = state.get(key).cloned() {
                self.dead.fetch_add(1, Ordering::Relaxed);
                if key.class != class::STATISTIC {
                    state.invalidate(&old.object);
                }
                state.remove(key);
            }
            matters |= key.class != class::STATISTIC && key.class.0 & super::object::COMMENT_BIT == 0;
            if let Some(record) = change {
                match &record.object {
                    Object::Stats(stats) => {
                        for relation in state.relations_with(stats.relation) {
                            relation.take_stats(stats);
                        }
                    }
                    object => state.invalidate(object),
                }
                state.insert(key, record);
            }
        }
        if matters {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }
}
