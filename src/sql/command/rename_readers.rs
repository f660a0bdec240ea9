//! What is kept as text and names a function, a type or a schema follows when that is renamed: views, rules, policies,
//! bodies in SQL. (Relations they know, whatever these are called: `known`.)
//!
//! It is bound before the renaming and written out again after it.

use super::write::relation_key;
use super::{rename_bodies, rename_policies, rename_rules, rename_views};
use crate::base::{Oid, Result};
use crate::catalog::object::Depend;
use crate::catalog::{Catalog, Kept, ObjectKey, Record};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define::Look;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What gets another name.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    Objects(&'a [ObjectKey]),
    /// A relation: of texts that have known relations since they were written, none.
    Relation(ObjectKey),
    /// With its name until now.
    Schema(Oid, &'a str),
}

impl Target<'_> {
    /// Objects of a class that may have to do with it.
    pub fn candidates(self, catalog: &Catalog, class: Oid) -> Vec<Arc<Record>> {
        match self {
            Target::Objects(keys) => {
                let all = keys.iter().flat_map(|key| catalog.mentioning(class, key.oid));
                let by_key: BTreeMap<ObjectKey, Arc<Record>> = all.map(|r| (r.object.key(), r)).collect();
                by_key.into_values().collect()
            }
            Target::Relation(key) => catalog.mentioning(class, key.oid),
            Target::Schema(..) => catalog.all(class),
        }
    }

    pub fn is(self, key: ObjectKey) -> bool {
        matches!(self, Target::Objects(keys) if keys.contains(&key))
    }

    /// Whether it is the table that something kept so belongs to.
    pub fn has(self, table: Oid, kept: &Kept) -> bool {
        match self {
            Target::Relation(key) => key.oid == table && kept.reads.is_empty(),
            _ => self.is(relation_key(table)),
        }
    }

    /// Whether what needs these, and is kept so, has to do with it.
    pub fn concerns<'t>(
        self,
        catalog: &Catalog,
        needed: &[Depend],
        kept: &Kept,
        texts: impl IntoIterator<Item = &'t str>,
    ) -> bool {
        match self {
            Target::Objects(keys) => needed.iter().any(|d| keys.contains(&ObjectKey::new(d.on.class, d.on.oid))),
            Target::Relation(key) => {
                kept.reads.is_empty() && needed.iter().any(|d| ObjectKey::new(d.on.class, d.on.oid) == key)
            }
            Target::Schema(oid, name) => {
                let inside = |d: &Depend| {
                    let record = catalog.get(ObjectKey::new(d.on.class, d.on.oid));
                    record.is_some_and(|r| r.object.name().is_some_and(|(place, _)| place == oid))
                };
                kept.search_path.iter().any(|p| p == name)
                    || texts.into_iter().any(|t| t.contains(name))
                    || needed.iter().any(inside)
            }
        }
    }
}

/// All of them, as they were bound before.
pub struct Readers {
    views: Vec<rename_views::Reader>,
    rules: Vec<rename_rules::Reader>,
    policies: Vec<rename_policies::Reader>,
    bodies: Vec<rename_bodies::Reader>,
}

/// What they follow.
pub struct Renamed<'a> {
    pub catalog: &'a Catalog,
    pub look: Look<'a>,
}

impl Readers {
    /// Those of what is about to be renamed.
    ///
    /// # Errors
    /// 0A000 for one that cannot be bound.
    pub fn of(cx: &mut ExecContext, target: Target<'_>) -> Result<Readers> {
        Ok(Readers {
            views: rename_views::readers(cx, target)?,
            rules: rename_rules::readers(cx, target)?,
            policies: rename_policies::readers(cx, target)?,
            bodies: rename_bodies::readers(cx, target)?,
        })
    }

    /// Gives them their new texts, after it got its new names.
    ///
    /// # Errors
    /// 0A000 for one that cannot be written out.
    pub fn follow(self, cx: &mut ExecContext) -> Result<()> {
        let Readers { views, rules, policies, bodies } = self;
        following(cx, views, rename_views::follow)?;
        following(cx, rules, rename_rules::follow)?;
        following(cx, policies, rename_policies::follow)?;
        following(cx, bodies, rename_bodies::follow)
    }
}

/// Texts that know no relations get to know theirs, before one of these gets another name.
///
/// # Errors
/// 0A000 for one that cannot be written out.
pub fn introduce(cx: &mut ExecContext, relation: Oid) -> Result<()> {
    Readers::of(cx, Target::Relation(relation_key(relation)))?.follow(cx)
}

fn following<R>(
    cx: &mut ExecContext,
    readers: Vec<R>,
    follow: impl Fn(&mut ExecContext, &Renamed<'_>, Vec<R>) -> Result<()>,
) -> Result<()> {
    if readers.is_empty() {
        return Ok(());
    }
    cx.backend()?.txn.next_command();
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let look = Look { catalog: &catalog, io: &io, pretty: false, width: 0 };
    follow(cx, &Renamed { catalog: &catalog, look }, readers)
}
