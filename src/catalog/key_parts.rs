//! What a foreign key is to the partitions of the table it refers to: a constraint of its own for each of them, with
//! triggers on it (PostgreSQL 15, tablecmds.c, addFkRecurseReferenced). They look at nothing: the key does, for all.

use super::Catalog;
use super::object::class;
use super::relation::{Constraint, ForeignKey, KeyPart};
use crate::base::Oid;

impl Catalog {
    /// The foreign keys that refer to a table, or by an index, each with the relation that has it.
    pub fn keys_to(&self, referred: Oid) -> Vec<(Oid, Constraint)> {
        let mut found = Vec::new();
        for record in self.mentioning(class::RELATION, referred) {
            let Ok(c) = record.object.as_class() else { continue };
            let refers =
                |k: &&Constraint| k.foreign.as_ref().is_some_and(|f| f.relation == referred || k.index == referred);
            found.extend(c.constraints.iter().filter(refers).map(|k| (c.oid, k.clone())));
        }
        found
    }
}

impl Constraint {
    /// The constraints that stand for partitions of what a foreign key refers to.
    pub fn parts(&self) -> impl Iterator<Item = Constraint> + '_ {
        let all = self.foreign.iter().flat_map(|f| f.parts.iter().map(move |p| (f, p)));
        all.map(|(f, p)| self.part(f, p))
    }

    fn part(&self, f: &ForeignKey, p: &KeyPart) -> Constraint {
        Constraint {
            oid: p.oid,
            name: p.name.clone(),
            kind: self.kind,
            columns: self.columns.clone(),
            check: None,
            index: p.index,
            foreign: Some(ForeignKey {
                relation: p.relation,
                columns: p.columns.clone(),
                triggers: p.triggers.clone(),
                parts: Vec::new(),
                delete_columns: f.delete_columns.clone(),
                ..*f
            }),
            deferrable: self.deferrable,
            deferred: self.deferred,
            validated: self.validated,
            inherited: 1,
            local: false,
            no_inherit: false,
            parent: p.parent,
        }
    }

    /// The number and the name by which a partition of what a foreign key refers to knows it.
    pub fn known_at(&self, partition: Oid) -> (Oid, &str) {
        let parts = self.foreign.as_ref().map(|f| f.parts.as_slice()).unwrap_or_default();
        let part = parts.iter().find(|p| p.relation == partition);
        part.map_or((self.oid, &self.name), |p| (p.oid, &p.name))
    }

    /// Its own name, and those of its parts.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let parts = self.foreign.iter().flat_map(|f| &f.parts).map(|p| &p.name);
        std::iter::once(&self.name).chain(parts)
    }
}
