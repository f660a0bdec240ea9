//! Whose ends a command awaits, one after the other.

use crate::base::{Csn, Flow, Oid, Xid};
use crate::lock::{LockMode, LockTag};
use crate::mvcc::VirtualXid;
use crate::sql::exec::ExecContext;
use crate::stat::Task;

/// Waits for transactions. What is done is kept: to be called again after a wait.
pub enum Waiting {
    /// Those who hold locks on some relations now (PostgreSQL 15, lmgr.c, WaitForLockersMultiple).
    Lockers { tags: Vec<LockTag>, mode: LockMode, running: Option<Vec<VirtualXid>>, prepared: Option<Vec<Xid>> },
    /// Those whose snapshots lack some commit up to this one (indexcmds.c, WaitForOlderSnapshots).
    Snapshots(Csn),
}

impl Waiting {
    /// For who holds a lock that excludes `mode` once the transaction before has committed.
    pub fn for_lockers(database: Oid, relations: Vec<Oid>, mode: LockMode) -> Waiting {
        let tags = relations.into_iter().map(|rel| LockTag::Relation { db: database, rel }).collect();
        Waiting::Lockers { tags, mode, running: None, prepared: None }
    }

    pub fn for_snapshots(csn: Csn) -> Waiting {
        Waiting::Snapshots(csn)
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        match self {
            Waiting::Lockers { tags, mode, running, prepared } => {
                let txn = &mut cx.backend()?.txn;
                let all = || tags.iter().flat_map(|tag| txn.lockers(*tag, *mode)).collect();
                let running: &mut Vec<VirtualXid> = running.get_or_insert_with(all);
                while let Some(next) = running.last() {
                    let next = *next;
                    tell(cx, next.pid)?;
                    cx.backend()?.txn.wait_for_virtual(next)?;
                    running.pop();
                }
                // Some of them may have been prepared instead of ended.
                let txn = &mut cx.backend()?.txn;
                let all = || tags.iter().flat_map(|tag| txn.prepared_lockers(*tag, *mode)).collect();
                let prepared: &mut Vec<Xid> = prepared.get_or_insert_with(all);
                while let Some(xid) = prepared.last() {
                    cx.backend()?.txn.wait_for(*xid)?;
                    prepared.pop();
                }
            }
            Waiting::Snapshots(csn) => {
                while let Some(next) = cx.backend()?.txn.behind(*csn).first() {
                    tell(cx, next.pid)?;
                    cx.backend()?.txn.wait_for_virtual(*next)?;
                }
            }
        }
        tell(cx, 0)
    }
}

/// Shows who is awaited (`current_locker_pid`).
fn tell(cx: &mut ExecContext, pid: u32) -> Flow<()> {
    cx.backend()?.activity.progress(Task::CreateIndex, &[(5, pid.into())]);
    Ok(())
}
