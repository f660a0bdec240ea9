//! Indexes that are made, replaced and dropped while their tables are written to, and partitions that leave theirs.
//!
//! `CREATE INDEX CONCURRENTLY`; PostgreSQL 15, indexcmds.c, DefineIndex: same transactions, same waits. All through it the session holds the table
//! against other commands that change its structure, and against VACUUM, so that no place of a row gets another one.
//!
//! 1. The index enters the catalogs. Whoever writes from now on minds it where an update may be heap-only
//!    ([`IndexStage::Building`]).
//! 2. Those who did not know of it have ended: no update can make its rows' chains wrong any more. It gets what a
//!    snapshot shows. From its commit on writers put their rows in.
//! 3. Those who did not do so have ended: what a second snapshot shows and is not in it is put in ([`validate`]).
//! 4. Whoever might look for rows that the second snapshot did not show has ended: it may be searched.
//!
//! What fails or dies in between leaves an index that is not valid: nobody searches it, from 2 on writers keep it up
//! and its uniqueness holds, REINDEX mends it, DROP INDEX takes it away.
//!
//! | file | what |
//! |---|---|
//! | `detach` | DETACH PARTITION CONCURRENTLY |
//! | `drop` | DROP INDEX CONCURRENTLY |
//! | `reindex` | REINDEX CONCURRENTLY |
//! | `validate` | the second look at the table |
//! | `waiting` | whose ends are awaited |

mod detach;
mod drop;
mod reindex;
mod validate;
mod waiting;

pub use detach::{Detachment, finalize};
pub use drop::Removal;
pub use reindex::{Replacement, Whole};
pub use validate::Missing;

use super::index::{fill, of_table};
use super::write::{change, class_of};
use super::{Command, act_restricted, restricted_as};
use crate::base::{Flow, Oid, Result, Stop, Wait};
use crate::catalog::object::IndexStage;
use crate::lock::{LockMode, LockTag, Scope};
use crate::sql::Backend;
use crate::sql::exec::ExecContext;
use crate::stat::Task;
use validate::Validation;
use waiting::Waiting;

/// What is done next, each in a transaction of its own but for the waits.
enum Phase {
    Unaware(Waiting),
    Fill,
    NotPutting(Waiting),
    Validate(Option<Box<Validation>>),
    Older(Waiting),
}

/// A CREATE INDEX CONCURRENTLY that is under way.
pub struct Creation {
    table: Oid,
    index: Oid,
    phase: Phase,
}

/// Commits what has been done; the command goes on in a new transaction.
pub fn commit() -> Flow<()> {
    Stop::wait(Wait::EndTransaction { commit: true, chain: false })
}

/// Holds a relation from one transaction to the next, as strongly as this one does.
fn hold(backend: &mut Backend, rel: Oid) -> Flow<()> {
    let tag = LockTag::Relation { db: backend.database, rel };
    let storage = backend.instance.storage.clone();
    storage.locks.acquire(&mut backend.txn.held, tag, LockMode::ShareUpdateExclusive, Scope::Session)?;
    Ok(())
}

/// Holds it until this transaction's end only.
fn let_go(backend: &mut Backend, rel: Oid) -> Flow<()> {
    backend.txn.lock_relation(rel, LockMode::ShareUpdateExclusive)?;
    let tag = LockTag::Relation { db: backend.database, rel };
    let storage = backend.instance.storage.clone();
    storage.locks.release_session(&mut backend.txn.held, tag, LockMode::ShareUpdateExclusive);
    Ok(())
}

/// Changes how far an index is.
fn mark(cx: &mut ExecContext, index: Oid, valid: bool, stage: IndexStage) -> Result<()> {
    change(cx, index, |c| c.index.iter_mut().for_each(|d| (d.valid, d.stage) = (valid, stage)))
}

impl Creation {
    /// Goes on with an index that this transaction has entered and locked the table of.
    pub fn begin(cmd: &mut Command, cx: &mut ExecContext, table: Oid, index: Oid) -> Flow<String> {
        let backend = cx.backend()?;
        hold(backend, table)?;
        backend.activity.begin_task(Task::CreateIndex, table);
        backend.activity.progress(Task::CreateIndex, &[(0, 2), (6, index.0.into()), (9, 1)]);
        let phase = Phase::Unaware(Waiting::for_lockers(backend.database, vec![table], LockMode::Share));
        cmd.progress(|| Creation { table, index, phase });
        commit()?;
        Ok(String::new())
    }

    /// The one that a command has begun.
    pub fn begun(cmd: &mut Command) -> Option<&mut Creation> {
        cmd.progress.as_mut()?.downcast_mut()
    }

    pub fn go_on(&mut self, cx: &mut ExecContext) -> Flow<String> {
        loop {
            match &mut self.phase {
                Phase::Unaware(waiting) => {
                    waiting.run(cx)?;
                    self.phase = Phase::Fill;
                }
                Phase::Fill => {
                    cx.backend()?.txn.lock_relation(self.index, LockMode::ShareUpdateExclusive)?;
                    fill_beside_writers(cx, self.table, self.index)?;
                    let database = cx.backend()?.database;
                    self.phase = Phase::NotPutting(Waiting::for_lockers(database, vec![self.table], LockMode::Share));
                    show(cx, 3)?;
                    commit()?;
                }
                Phase::NotPutting(waiting) => {
                    waiting.run(cx)?;
                    self.phase = Phase::Validate(None);
                }
                Phase::Validate(work) => {
                    let work = match work {
                        Some(work) => work,
                        None => work.insert(Box::new(Validation::start(cx, self.table, self.index)?)),
                    };
                    let owner = class_of(cx, self.table)?.owner;
                    let owner = restricted_as(cx.backend()?, owner)?;
                    act_restricted(cx, owner, |cx| work.run(cx))?;
                    // Its snapshot goes before others' are waited for.
                    self.phase = Phase::Older(Waiting::for_snapshots(work.csn()));
                    show(cx, 7)?;
                    commit()?;
                }
                Phase::Older(waiting) => {
                    waiting.run(cx)?;
                    cx.backend()?.txn.lock_relation(self.index, LockMode::ShareUpdateExclusive)?;
                    mark(cx, self.index, true, IndexStage::Ready)?;
                    let backend = cx.backend()?;
                    let_go(backend, self.table)?;
                    backend.activity.end_task(Task::CreateIndex);
                    return Ok("CREATE INDEX".into());
                }
            }
        }
    }
}

/// Tells of a phase (PostgreSQL 15, progress.h).
fn show(cx: &mut ExecContext, phase: i64) -> Result<()> {
    cx.backend()?.activity.progress(Task::CreateIndex, &[(9, phase), (10, 0)]);
    Ok(())
}

/// Fills an index with what a snapshot shows; from the commit on writers put their rows in.
fn fill_beside_writers(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<()> {
    let (rel, found) = of_table(cx, table, index)?;
    let snapshot = cx.backend()?.txn.latest_snapshot();
    fill(cx, &rel, &found, Some(snapshot))?;
    mark(cx, index, false, IndexStage::Ready)
}
