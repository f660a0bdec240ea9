//! Tablespaces: where files lie.
//!
//! The two that initdb makes are known without a row; what is changed about them makes one.

use super::folder::Folder;
use super::object::{Class, Database, ObjectKey, class, fixed};
use super::view::Catalog;
use crate::base::{Oid, RelFileId, Result};
use crate::disk::{Disk, tablespace};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tablespace {
    pub oid: Oid,
    pub name: String,
    pub owner: Oid,
    #[serde(default)]
    pub acl: Option<Vec<String>>,
    #[serde(default)]
    pub options: Vec<String>,
    /// Where it was made; empty: in `pg_tblspc` itself. What counts is where the link points: it may have been moved.
    #[serde(default)]
    pub location: String,
}

impl Tablespace {
    fn built_in(oid: Oid) -> Option<Tablespace> {
        let name = match oid {
            fixed::DEFAULT_TABLESPACE => "pg_default",
            fixed::GLOBAL_TABLESPACE => "pg_global",
            _ => return None,
        };
        Some(Tablespace {
            oid,
            name: name.to_string(),
            owner: fixed::BOOTSTRAP_SUPERUSER,
            acl: None,
            options: Vec::new(),
            location: String::new(),
        })
    }

    /// As files' names have it ([`RelFileId::space`]).
    pub fn space(&self) -> Oid {
        space_of(self.oid, Oid::INVALID)
    }
}

/// As files' names have it, of a relation's tablespace in a database whose own is `default`.
pub fn space_of(tablespace: Oid, default: Oid) -> Oid {
    match tablespace {
        Oid::INVALID => default,
        fixed::DEFAULT_TABLESPACE | fixed::GLOBAL_TABLESPACE => Oid::INVALID,
        other => other,
    }
}

impl Database {
    /// As files' names have it.
    pub fn space(&self) -> Oid {
        space_of(self.tablespace, Oid::INVALID)
    }

    /// `dattablespace`.
    pub fn default_tablespace(&self) -> Oid {
        if self.tablespace.is_valid() { self.tablespace } else { fixed::DEFAULT_TABLESPACE }
    }
}

impl Catalog {
    pub fn tablespace(&self, oid: Oid) -> Option<Tablespace> {
        match self.get(ObjectKey::new(class::TABLESPACE, oid)) {
            Some(record) => record.object.as_tablespace().ok().cloned(),
            None => Tablespace::built_in(oid),
        }
    }

    pub fn tablespace_by_name(&self, name: &str) -> Option<Tablespace> {
        let stored = self.find(class::TABLESPACE, Oid::INVALID, name).first().and_then(|oid| self.tablespace(*oid));
        let built_in = [fixed::DEFAULT_TABLESPACE, fixed::GLOBAL_TABLESPACE].into_iter();
        stored.or_else(|| built_in.filter_map(|oid| self.tablespace(oid)).find(|t| t.name == name))
    }

    /// All of them, oldest first.
    pub fn tablespaces(&self) -> Vec<Tablespace> {
        let mut oids: Vec<Oid> = self.all(class::TABLESPACE).iter().map(|r| r.object.key().oid).collect();
        oids.extend([fixed::DEFAULT_TABLESPACE, fixed::GLOBAL_TABLESPACE]);
        oids.sort_unstable();
        oids.dedup();
        oids.into_iter().filter_map(|oid| self.tablespace(oid)).collect()
    }

    /// The tablespace of what says nothing else.
    pub fn default_tablespace(&self) -> Oid {
        match self.local.space {
            Oid::INVALID => fixed::DEFAULT_TABLESPACE,
            space => space,
        }
    }

    /// As files' names have it, of a relation's tablespace ([`Class::tablespace`]).
    pub fn space(&self, tablespace: Oid) -> Oid {
        space_of(tablespace, self.local.space)
    }

    /// The files of a relation of this database.
    pub fn file_of(&self, c: &Class) -> RelFileId {
        RelFileId { db: self.database(), node: c.node, space: self.space(c.tablespace) }
    }
}

/// Brings links and rows together: a crash may have come between them. A link without a row goes, if nothing lies behind it;
/// a row without its link gets it again.
pub(super) fn settle_links(disk: &dyn Disk, global: &Folder) -> Result<()> {
    let linked = tablespace::all(disk)?;
    let mut rows = Vec::new();
    for record in global.all(class::TABLESPACE) {
        rows.push(record.object.as_tablespace()?.clone());
    }
    for space in linked.iter().filter(|space| !rows.iter().any(|t| t.oid == **space)) {
        if !tablespace::remove(disk, *space)? {
            crate::log!("files that belong to no tablespace in \"{}\"", tablespace::link(*space));
        }
    }
    for t in rows.iter().filter(|t| t.oid >= Oid::FIRST_NORMAL && !linked.contains(&t.oid)) {
        tablespace::create(disk, t.oid, &t.location, true)?;
    }
    Ok(())
}
