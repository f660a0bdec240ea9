//! What a transaction, or one of its savepoints, changed in the catalogs, and where to look for it.
//!
//! A transaction may change thousands of objects (a dump restored in one), so that a look-up must not visit them all. The
//! maps beside the records name candidates only: what an object once had in this layer, a later change may have taken
//! away. Whoever asks looks at the object as it is now.

use super::folder::Record;
use super::mentions::Mentions;
use super::object::{Object, ObjectKey};
use crate::base::Oid;
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;
use std::sync::Arc;

/// A changed object: its new record, or None when it was dropped.
pub type Change = Option<Arc<Record>>;

type Oids = SmallVec<[Oid; 1]>;

#[derive(Default, Debug)]
pub struct Changes {
    records: HashMap<ObjectKey, Change>,
    /// (class, namespace, name) → who may have it.
    names: HashMap<(Oid, Oid, String), Oids>,
    /// Indexes by table.
    indexes: HashMap<Oid, Oids>,
    /// Children by parent.
    children: HashMap<Oid, Oids>,
    /// What objects hold inside ([`Object::parts`]), with the holders.
    holders: HashMap<Oid, SmallVec<[ObjectKey; 1]>>,
    mentions: Mentions,
    /// Relations that are not as committed: changed themselves, or an index or a child of theirs is.
    touched: HashSet<Oid>,
}

fn note<T: Copy + PartialEq, const N: usize>(list: &mut SmallVec<[T; N]>, item: T)
where
    [T; N]: smallvec::Array<Item = T>,
{
    if !list.contains(&item) {
        list.push(item);
    }
}

impl Changes {
    /// Takes a change; `old` is the object as the transaction saw it before.
    pub fn insert(&mut self, key: ObjectKey, old: Option<&Object>, change: Change) {
        for object in [old, change.as_ref().map(|r| &r.object)].into_iter().flatten() {
            if let Object::Class(c) = object {
                self.touched.insert(c.oid);
                self.touched.extend(c.index.as_ref().map(|i| i.table));
                self.touched.extend(c.lineage.parents.iter().copied());
            }
        }
        if let Some(record) = &change {
            self.index(key, record);
        }
        self.records.insert(key, change);
    }

    fn index(&mut self, key: ObjectKey, record: &Record) {
        let object = &record.object;
        if let Some((namespace, name)) = object.name() {
            note(self.names.entry((key.class, namespace, name.to_string())).or_default(), key.oid);
        }
        if let Object::Class(c) = object {
            if let Some(index) = &c.index {
                note(self.indexes.entry(index.table).or_default(), c.oid);
            }
            for parent in &c.lineage.parents {
                note(self.children.entry(*parent).or_default(), c.oid);
            }
        }
        self.mentions.add(key, record.said());
        for part in object.parts() {
            note(self.holders.entry(part).or_default(), key);
        }
    }

    /// Adds the changes of the layer above, which are later.
    pub fn merge(&mut self, above: Changes) {
        self.touched.extend(above.touched);
        for (key, change) in above.records {
            if let Some(record) = &change {
                self.index(key, record);
            }
            self.records.insert(key, change);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn get(&self, key: &ObjectKey) -> Option<&Change> {
        self.records.get(key)
    }

    pub fn contains(&self, key: &ObjectKey) -> bool {
        self.records.contains_key(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Change)> {
        self.records.iter()
    }

    pub fn into_records(self) -> HashMap<ObjectKey, Change> {
        self.records
    }

    pub fn named(&self, name: &(Oid, Oid, String)) -> &[Oid] {
        self.names.get(name).map_or(&[], |oids| oids)
    }

    pub fn indexes_of(&self, table: Oid) -> &[Oid] {
        self.indexes.get(&table).map_or(&[], |oids| oids)
    }

    pub fn children_of(&self, parent: Oid) -> &[Oid] {
        self.children.get(&parent).map_or(&[], |oids| oids)
    }

    pub fn mentions(&self) -> &Mentions {
        &self.mentions
    }

    pub fn holders_of(&self, part: Oid) -> &[ObjectKey] {
        self.holders.get(&part).map_or(&[], |keys| keys)
    }

    /// Whether a relation is not as committed.
    pub fn touches(&self, relation: Oid) -> bool {
        self.touched.contains(&relation)
    }
}
