//! pg_prewarm: reads a relation into the pool, or through the operating system's cache.
//!
//! PostgreSQL 15, pg_prewarm.c: same checks and texts. `prefetch` asks for nothing in advance: it reads, as `read` does.

use super::{Code, Extension, PLAIN};
use crate::base::{BlockNo, Error, Flow, Fork, Oid, Result, SqlState, Stop};
use crate::catalog::object::Class;
use crate::err;
use crate::lock::LockMode;
use crate::page::Page;
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::Subject;
use crate::types::{Column, Datum};

pub(super) const EXTENSION: Extension = Extension {
    name: "pg_prewarm",
    version: "1.2",
    comment: "prewarm relation data",
    trusted: false,
    script: include_str!("pg_prewarm.sql"),
    code: &[("pg_prewarm", Code::Session(prewarm))],
    ..PLAIN
};

fn required<'a>(arg: &Datum<'a>, what: &str) -> Result<Datum<'a>> {
    match arg {
        Datum::Null => Err(err!(INVALID_PARAMETER_VALUE, "{what} cannot be null")),
        other => Ok(*other),
    }
}

fn class_of(cx: &mut ExecContext, oid: Oid) -> Result<Class> {
    let backend = cx.backend()?;
    let record = backend.catalog.class(oid);
    match record.as_ref().and_then(|r| r.object.as_class().ok()) {
        Some(c) => Ok(c.clone()),
        None => match crate::catalog::system::relation(oid) {
            // What the server makes up when it is asked lies in no file.
            Some(_) => Err(missing("main")),
            None => Err(err!(UNDEFINED_TABLE, "could not open relation with OID {oid}")),
        },
    }
}

fn missing(fork: &str) -> Error {
    err!(INVALID_PARAMETER_VALUE, "fork \"{fork}\" does not exist for this relation")
}

/// A block number argument, or what it is by default.
fn block(arg: &Datum<'_>, default: i64, blocks: i64, which: &str) -> Result<i64> {
    match arg {
        Datum::Null => Ok(default),
        n if (0..blocks).contains(&n.i64()) => Ok(n.i64()),
        _ => Err(err!(INVALID_PARAMETER_VALUE, "{which} block number must be between 0 and {}", blocks - 1)),
    }
}

fn prewarm(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(required(&args[0], "relation")?.u32());
    let mode = required(&args[1], "prewarm type")?.str();
    let fork_name = required(&args[2], "relation fork")?.str();
    let into_pool = match mode {
        "buffer" => true,
        "read" | "prefetch" => false,
        _ => {
            return Err(err!(INVALID_PARAMETER_VALUE, "invalid prewarm type")
                .hint("Valid prewarm types are \"prefetch\", \"read\", and \"buffer\".")
                .into());
        }
    };
    let fork = Fork::named(fork_name)?;
    let c = class_of(cx, oid)?;
    cx.backend()?.txn.lock_relation(oid, LockMode::AccessShare)?;
    let backend = cx.backend()?;
    if !Subject::of(&backend.catalog, backend.user.current).may(c.owner, c.acl.as_deref(), "", 'r', false) {
        let text = format!("permission denied for {} {}", crate::sql::command::kind_word(c.kind), c.name);
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).into());
    }
    let file = backend.catalog.file_of(&c);
    let storage = cx.storage()?;
    let rel = storage.pool.open(file, fork, c.persistence);
    if !c.node.is_valid() || !rel.exists() {
        return Err(missing(fork_name).into());
    }
    let blocks = i64::from(storage.pool.nblocks(&rel)?);
    let first = block(&args[3], 0, blocks, "starting")?;
    let last = block(&args[4], blocks - 1, blocks, "ending")?;
    // A whole relation is read: not on the thread that serves the clients.
    if !std::mem::replace(&mut cx.run.moved, true) {
        return Err(Stop::Yield);
    }
    let mut page = Page::default();
    let on_disk = storage.pool.relations().open(file, fork);
    let mut done = 0i64;
    for n in first..=last {
        cx.interrupts.check()?;
        match into_pool {
            true => drop(storage.pool.read(&rel, n as BlockNo)?),
            // A block that only the pool has yet is not in the file.
            false if i64::from(on_disk.nblocks()?) > n => on_disk.read(n as BlockNo, &mut page)?,
            false => {}
        }
        done += 1;
    }
    cx.run.moved = false;
    out.push(Datum::I64(done));
    Ok(())
}
