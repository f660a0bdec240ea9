//! ALTER TABLE … DETACH PARTITION … CONCURRENTLY, and FINALIZE: a partition leaves a table that others read.
//!
//! PostgreSQL 15, tablecmds.c, ATExecDetachPartition: same transactions, same waits. The first one marks the partition
//! (`inhdetachpending`), so that who plans from its commit on leaves it out, unless his snapshot is older; and it gives the
//! partition a CHECK that says what its bounds said. When those who read the table before have ended, the second one takes
//! it out. What fails in between leaves the mark: FINALIZE, or dropping it, ends that state.

use super::super::{Command, constraint, inherit, names, partition, write};
use super::commit;
use super::waiting::Waiting;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::{Catalog, Relation, Strategy};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::RangeVar;
use crate::sql::bind::condition_of;
use crate::sql::exec::ExecContext;
use crate::sql::plan::predicate::is_implied;
use std::sync::Arc;

/// A DETACH that has marked its partition: the two relations, by OID and name.
pub struct Detachment {
    parent: (Oid, String),
    child: (Oid, String),
    waiting: Waiting,
}

/// A FINALIZE that has its locks.
struct Finalizing(Waiting);

/// The default partition, which would have to take what the other one no longer may have.
fn refuse_default(default: Option<Oid>) -> Result<()> {
    match default {
        None => Ok(()),
        Some(_) => Err(err!(
            OBJECT_NOT_IN_PREREQUISITE_STATE,
            "cannot detach partitions concurrently when a default partition exists"
        )
        .place("ATExecDetachPartition", "tablecmds.c", 18725)),
    }
}

/// At most one partition of a table is on its way out.
fn refuse_pending(catalog: &Catalog, parent: &Relation) -> Result<()> {
    let Some((child, _)) = catalog.detaching_from(parent.oid) else { return Ok(()) };
    let name = catalog.class(child).and_then(|r| r.object.as_class().ok().map(|c| c.name.clone()));
    let text = format!(
        "partition \"{}\" already pending detach in partitioned table \"{}.{}\"",
        name.unwrap_or_default(),
        parent.schema,
        parent.name
    );
    Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text)
        .hint("Use ALTER TABLE ... DETACH PARTITION ... FINALIZE to complete the pending detach operation.")
        .place("MarkInheritDetached", "tablecmds.c", 15779))
}

/// What the partition's bounds say of its rows, as a CHECK of its own, and of the tables below it, unless its constraints
/// say it (PostgreSQL 15, tablecmds.c, DetachAddConstraintIfNeeded).
fn keep_bounds(cx: &mut ExecContext, child: &Arc<Relation>) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some(text) = crate::sql::partition::constraint(&catalog, child.oid, &cx.fx.io, &|_, e| e.to_owned()) else {
        return Ok(());
    };
    let text: Arc<str> = text.into();
    let bounds = condition_of(&text, child, &*catalog, &cx.fx.io)?;
    if is_implied(child, bounds, &*catalog, &cx.fx.io)? {
        return Ok(());
    }
    let made = constraint::keep_check(cx, child.oid, &text)?;
    for below in catalog.children_of(child.oid) {
        inherit::add_check(cx, below, &made)?;
    }
    Ok(())
}

impl Detachment {
    /// Marks the partition, and commits that. The parent is locked.
    pub fn begin(cmd: &mut Command, cx: &mut ExecContext, parent: &Arc<Relation>, name: &RangeVar) -> Flow<()> {
        refuse_default(partition::default_of(cx, parent.oid)?)?;
        let child = names::locked_relation(cmd, cx, name, LockMode::ShareUpdateExclusive)?;
        inherit::descendants(cx, child.oid, LockMode::ShareUpdateExclusive)?;
        refuse_pending(&cx.backend()?.catalog.clone(), parent)?;
        let child = partition::to_detach(cx, parent, name)?;
        partition::refuse_detach(cx, parent, &child)?;
        let backend = cx.backend()?;
        let by = backend.txn.xid();
        // Hashes say nothing of the rows alone.
        if parent.lineage.key.as_ref().is_none_or(|k| k.strategy != Strategy::Hash) {
            keep_bounds(cx, &child)?;
        }
        write::change(cx, child.oid, |c| c.lineage.detaching = by.0)?;
        let database = cx.backend()?.database;
        let waiting = Waiting::for_lockers(database, vec![parent.oid], LockMode::AccessExclusive);
        let (parent, child) = ((parent.oid, parent.name.clone()), (child.oid, child.name.clone()));
        cmd.progress(|| Detachment { parent, child, waiting });
        commit()
    }

    /// The one that a command has begun.
    pub fn begun(cmd: &mut Command) -> Option<&mut Detachment> {
        cmd.progress.as_mut()?.downcast_mut()
    }

    /// Nobody held the two between the transactions.
    pub fn go_on(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.waiting.run(cx)?;
        let removed = |kind: &str, name: &str| {
            let text = format!("{kind} \"{name}\" was removed concurrently");
            Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text)
        };
        cx.backend()?.txn.lock_relation(self.parent.0, LockMode::ShareUpdateExclusive)?;
        let parent = cx.backend()?.catalog.relation(self.parent.0)?;
        let parent = parent.ok_or_else(|| removed("partitioned table", &self.parent.1))?;
        cx.backend()?.txn.lock_relation(self.child.0, LockMode::AccessExclusive)?;
        inherit::descendants(cx, self.child.0, LockMode::AccessExclusive)?;
        let child = cx.backend()?.catalog.relation(self.child.0)?;
        let child = child.ok_or_else(|| removed("partition", &self.child.1))?;
        Ok(take_out(cx, &parent, &child)?)
    }
}

/// DETACH PARTITION … FINALIZE. The parent is locked.
pub fn finalize(cmd: &mut Command, cx: &mut ExecContext, parent: &Arc<Relation>, name: &RangeVar) -> Flow<()> {
    let child = names::locked_relation(cmd, cx, name, LockMode::AccessExclusive)?;
    inherit::descendants(cx, child.oid, LockMode::AccessExclusive)?;
    let csn = cx.backend()?.txn.latest_snapshot().csn;
    // Whose snapshot shows the partition, must not lose it: he who began may have been kept from waiting.
    cmd.progress(|| Finalizing(Waiting::for_snapshots(csn))).0.run(cx)?;
    let child = partition::to_detach(cx, parent, name)?;
    Ok(take_out(cx, parent, &child)?)
}

fn take_out(cx: &mut ExecContext, parent: &Relation, child: &Relation) -> Result<()> {
    if child.lineage.detaching == 0 {
        return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot complete detaching partition \"{}\"", child.name)
            .detail("There's no pending concurrent detach.")
            .place("DeleteInheritsTuple", "pg_inherits.c", 598));
    }
    partition::set_free(cx, parent.oid, child.oid)
}
