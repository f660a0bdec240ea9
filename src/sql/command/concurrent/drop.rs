//! DROP INDEX CONCURRENTLY: nobody searches it, then nobody keeps it up, then it goes.
//!
//! PostgreSQL 15, index.c, index_drop: same transactions, same waits. Who has a plan with it holds a lock on its table;
//! so does who still puts rows in.

use super::super::{Command, drop};
use super::waiting::Waiting;
use super::{commit, hold, let_go, mark};
use crate::base::{Flow, Oid, Result};
use crate::catalog::ObjectKey;
use crate::catalog::object::{IndexStage, class};
use crate::lock::LockMode;
use crate::sql::exec::ExecContext;

/// Who has to end before the next step.
enum Phase {
    Searching(Waiting),
    KeepingUp(Waiting),
}

/// A DROP INDEX CONCURRENTLY that is under way.
pub struct Removal {
    table: Oid,
    index: Oid,
    phase: Phase,
}

/// From the commit on nobody begins to search the index, and its table has no use for it.
fn withdraw(cx: &mut ExecContext, index: Oid) -> Result<()> {
    super::super::write::change(cx, index, |c| {
        if let Some(d) = &mut c.index {
            (d.valid, d.clustered, d.replica_identity) = (false, false, false);
        }
    })
}

/// From the commit on nobody begins to put rows in. What was read of it counts as read of its table.
pub(super) fn retire(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<()> {
    let class = super::super::write::class_of(cx, index)?;
    let marks = class.index.as_ref().map_or(index, |d| d.marks_oid(index));
    cx.backend()?.txn.places_change(marks, table);
    mark(cx, index, false, IndexStage::Dead)
}

fn await_all(cx: &mut ExecContext, table: Oid) -> Result<Waiting> {
    Ok(Waiting::for_lockers(cx.backend()?.database, vec![table], LockMode::AccessExclusive))
}

impl Removal {
    /// Drops an index that is locked, with its table, and that nothing depends on.
    pub fn begin(cmd: &mut Command, cx: &mut ExecContext, table: Oid, index: Oid) -> Flow<()> {
        withdraw(cx, index)?;
        let backend = cx.backend()?;
        hold(backend, table)?;
        hold(backend, index)?;
        let phase = Phase::Searching(await_all(cx, table)?);
        cmd.progress(|| Removal { table, index, phase });
        commit()
    }

    /// The one that a command has begun.
    pub fn begun(cmd: &mut Command) -> Option<&mut Removal> {
        cmd.progress.as_mut()?.downcast_mut()
    }

    pub fn go_on(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if let Phase::Searching(waiting) = &mut self.phase {
            waiting.run(cx)?;
            retire(cx, self.table, self.index)?;
            self.phase = Phase::KeepingUp(await_all(cx, self.table)?);
            commit()?;
        }
        if let Phase::KeepingUp(waiting) = &mut self.phase {
            waiting.run(cx)?;
            cx.backend()?.txn.lock_relation(self.index, LockMode::AccessExclusive)?;
            drop::remove_quietly(cx, &[ObjectKey::new(class::RELATION, self.index)])?;
            let backend = cx.backend()?;
            let_go(backend, self.index)?;
            let_go(backend, self.table)?;
        }
        Ok(())
    }
}
