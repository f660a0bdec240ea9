//! SET TRANSACTION, and the parameters that are the running transaction's modes. PostgreSQL 15, variable.c,
//! check_XactIsoLevel and its kin.

use crate::base::Result;
use crate::err;
use crate::settings::{Id, Lasting, find};
use crate::sql::ast::TransactionMode;
use crate::sql::backend::Backend;
use crate::sql::exec::ExecContext;
use crate::xact::Isolation;

/// # Errors
/// 25001.
pub fn set(cx: &mut ExecContext, modes: &[TransactionMode]) -> Result<()> {
    for mode in modes {
        let (id, text) = match mode {
            TransactionMode::Isolation(level) => (Id::TransactionIsolation, level.as_str()),
            TransactionMode::ReadOnly(on) => (Id::TransactionReadOnly, if *on { "on" } else { "off" }),
            TransactionMode::Deferrable(on) => (Id::TransactionDeferrable, if *on { "on" } else { "off" }),
        };
        let backend = cx.backend()?;
        apply(backend, id, text)?;
        backend.settings.lock().force(id, text, Lasting::Local)?;
    }
    Ok(())
}

/// The parameter, if it is one of these.
pub fn named(name: &str) -> Option<Id> {
    find(name).filter(|id| matches!(id, Id::TransactionIsolation | Id::TransactionReadOnly | Id::TransactionDeferrable))
}

/// Changes the running transaction.
///
/// # Errors
/// 25001.
pub fn apply(backend: &mut Backend, id: Id, text: &str) -> Result<()> {
    let started = backend.txn.has_snapshot();
    let nested = backend.txn.depth() > 0;
    match id {
        Id::TransactionIsolation => {
            let level = Isolation::parse(text).unwrap_or_default();
            if level != backend.txn.isolation {
                if started {
                    return Err(err!(
                        ACTIVE_SQL_TRANSACTION,
                        "SET TRANSACTION ISOLATION LEVEL must be called before any query"
                    ));
                }
                if nested {
                    return Err(err!(
                        ACTIVE_SQL_TRANSACTION,
                        "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction"
                    ));
                }
                backend.txn.isolation = level;
            }
        }
        Id::TransactionReadOnly => {
            let read_only = text == "on";
            if !read_only && backend.txn.read_only && nested {
                return Err(err!(
                    ACTIVE_SQL_TRANSACTION,
                    "cannot set transaction read-write mode inside a read-only transaction"
                ));
            }
            if !read_only && backend.txn.read_only && started {
                return Err(err!(ACTIVE_SQL_TRANSACTION, "transaction read-write mode must be set before any query"));
            }
            backend.txn.read_only = read_only;
        }
        Id::TransactionDeferrable => {
            let why_not = match (nested, started) {
                (true, _) => "cannot be called within a subtransaction",
                (false, true) => "must be called before any query",
                (false, false) => "",
            };
            if !why_not.is_empty() {
                return Err(err!(ACTIVE_SQL_TRANSACTION, "SET TRANSACTION [NOT] DEFERRABLE {why_not}"));
            }
            backend.txn.deferrable = text == "on";
        }
        _ => {}
    }
    Ok(())
}
