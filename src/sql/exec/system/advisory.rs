//! Advisory locks: session or transaction, exclusive or shared, waiting or not.

use super::{SystemFn, int4_list, void, warn};
use crate::base::{Flow, Result};
use crate::lock::{LockMode, LockTag, Scope};
use crate::sql::exec::ExecContext;
use crate::types::{Column, Datum};

macro_rules! family {
    ($($name:literal => $scope:ident, $mode:ident, $how:ident;)*) => {
        pub(super) fn find(src: &str) -> Option<SystemFn> {
            Some(match src {
                $(
                    concat!($name, "_int8") | concat!($name, "_int4") => {
                        |cx, args, out| {
                            let tag = tag(cx_db(cx)?, args);
                            $how(cx, tag, LockMode::$mode, Scope::$scope, out)
                        }
                    }
                )*
                "pg_advisory_unlock_int8" | "pg_advisory_unlock_int4" => {
                    |cx, args, out| unlock(cx, args, LockMode::Exclusive, out)
                }
                "pg_advisory_unlock_shared_int8" | "pg_advisory_unlock_shared_int4" => {
                    |cx, args, out| unlock(cx, args, LockMode::Share, out)
                }
                "pg_advisory_unlock_all" => unlock_all,
                "pg_blocking_pids" => blocking,
                "pg_safe_snapshot_blocking_pids" => unsafe_for,
                "pg_isolation_test_session_is_blocked" => is_blocked,
                _ => return None,
            })
        }
    };
}

family! {
    "pg_advisory_lock" => Session, Exclusive, wait;
    "pg_advisory_lock_shared" => Session, Share, wait;
    "pg_advisory_xact_lock" => Transaction, Exclusive, wait;
    "pg_advisory_xact_lock_shared" => Transaction, Share, wait;
    "pg_try_advisory_lock" => Session, Exclusive, attempt;
    "pg_try_advisory_lock_shared" => Session, Share, attempt;
    "pg_try_advisory_xact_lock" => Transaction, Exclusive, attempt;
    "pg_try_advisory_xact_lock_shared" => Transaction, Share, attempt;
}

fn cx_db(cx: &mut ExecContext) -> Result<crate::base::Oid> {
    Ok(cx.backend()?.database)
}

/// One bigint key, or two of 32 bits: two key spaces that do not meet.
fn tag(db: crate::base::Oid, args: &[Datum<'_>]) -> LockTag {
    match args {
        [high, low] => LockTag::Advisory { db, high: high.i32() as u32, low: low.i32() as u32, split: true },
        _ => {
            let key = args[0].i64() as u64;
            LockTag::Advisory { db, high: (key >> 32) as u32, low: key as u32, split: false }
        }
    }
}

fn wait(cx: &mut ExecContext, tag: LockTag, mode: LockMode, scope: Scope, out: &mut Column) -> Flow<()> {
    let txn = &mut cx.backend()?.txn;
    let storage = txn.storage.clone();
    storage.locks.acquire(&mut txn.held, tag, mode, scope)?;
    void(out);
    Ok(())
}

fn attempt(cx: &mut ExecContext, tag: LockTag, mode: LockMode, scope: Scope, out: &mut Column) -> Flow<()> {
    let txn = &mut cx.backend()?.txn;
    let storage = txn.storage.clone();
    let got = storage.locks.try_acquire(&mut txn.held, tag, mode, scope);
    out.push(Datum::Bool(got.is_some()));
    Ok(())
}

fn unlock(cx: &mut ExecContext, args: &[Datum<'_>], mode: LockMode, out: &mut Column) -> Flow<()> {
    let tag = tag(cx_db(cx)?, args);
    let txn = &mut cx.backend()?.txn;
    let storage = txn.storage.clone();
    let held = storage.locks.release_session(&mut txn.held, tag, mode);
    if !held {
        let text = format!("you don't own a lock of type {}", mode.name());
        warn(cx, text, ("LockRelease", "lock.c", 2025));
    }
    out.push(Datum::Bool(held));
    Ok(())
}

fn unlock_all(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let txn = &mut cx.backend()?.txn;
    let storage = txn.storage.clone();
    storage.locks.release_all_session(&mut txn.held);
    void(out);
    Ok(())
}

fn blocking(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let pid = u32::try_from(args[0].i32()).unwrap_or(0);
    let pids = cx.backend()?.instance.storage.locks.blockers(pid);
    int4_list(out, pids.into_iter().map(shown));
    Ok(())
}

/// A prepared transaction has no process.
fn shown(owner: u32) -> i32 {
    if crate::twophase::is_prepared_owner(owner) { 0 } else { owner as i32 }
}

/// What testers of schedules ask: does a session wait for one of these, or for a safe snapshot?
fn is_blocked(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let pid = u32::try_from(args[0].i32()).unwrap_or(0);
    let storage = cx.backend()?.instance.storage.clone();
    let interesting = crate::types::array::Array::new(args[1].bytes());
    let interesting: Vec<u32> = interesting.iter().filter(|d| !d.is_null()).map(|d| d.i32() as u32).collect();
    let waits = storage.locks.blockers(pid).iter().any(|p| interesting.contains(p));
    out.push(Datum::Bool(waits || !storage.mvcc.serializable.blockers(pid).is_empty()));
    Ok(())
}

/// Who keeps a session from its safe snapshot.
fn unsafe_for(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let pid = u32::try_from(args[0].i32()).unwrap_or(0);
    let pids = cx.backend()?.instance.storage.mvcc.serializable.blockers(pid);
    int4_list(out, pids.into_iter().map(shown));
    Ok(())
}
