//! What is kept as text and reads a relation follows when that is renamed: views, rules, policies.
//!
//! It is bound before the renaming and written out again after it.

use super::{rename_policies, rename_rules, rename_views};
use crate::base::{Oid, Result};
use crate::catalog::{Catalog, Relation};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define::Look;
use std::sync::Arc;

/// All of them, as they were bound before.
pub struct Readers {
    views: Vec<rename_views::Reader>,
    rules: Vec<rename_rules::Reader>,
    policies: Vec<rename_policies::Reader>,
}

/// What they follow.
pub struct Renamed<'a> {
    /// As it is called now.
    pub now: Arc<Relation>,
    pub old_name: &'a str,
    pub catalog: &'a Catalog,
    pub look: Look<'a>,
}

impl Readers {
    /// Those of a relation that is about to be renamed.
    ///
    /// # Errors
    /// 0A000 for one that cannot be bound.
    pub fn of(cx: &mut ExecContext, oid: Oid) -> Result<Readers> {
        Ok(Readers {
            views: rename_views::readers(cx, oid)?,
            rules: rename_rules::readers(cx, oid)?,
            policies: rename_policies::readers(cx, oid)?,
        })
    }

    /// Gives them their new texts, after the relation got its new names.
    ///
    /// # Errors
    /// 0A000 for one that cannot be written out.
    pub fn follow(self, cx: &mut ExecContext, oid: Oid, old_name: &str) -> Result<()> {
        let Readers { views, rules, policies } = self;
        following(cx, oid, old_name, views, rename_views::follow)?;
        following(cx, oid, old_name, rules, rename_rules::follow)?;
        following(cx, oid, old_name, policies, rename_policies::follow)
    }
}

fn following<R>(
    cx: &mut ExecContext,
    oid: Oid,
    old_name: &str,
    readers: Vec<R>,
    follow: impl Fn(&mut ExecContext, &Renamed<'_>, Vec<R>) -> Result<()>,
) -> Result<()> {
    if readers.is_empty() {
        return Ok(());
    }
    cx.backend()?.txn.next_command();
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let Some(now) = catalog.relation(oid)? else { return Ok(()) };
    let look = Look { catalog: &catalog, io: &io, pretty: false, width: 0 };
    follow(cx, &Renamed { now, old_name, catalog: &catalog, look }, readers)
}
