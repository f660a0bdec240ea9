//! Functions that need more than their arguments and the session's facts: locks, signals, sizes, catalogs.
//!
//! They get the whole [`ExecContext`] and may wait, having pushed nothing. What is not in the table here goes to the
//! session's [`SystemHooks`](crate::sql::func::SystemHooks). One file per family.

mod advisory;
mod brin;
mod counter;
mod current_of;
pub(crate) mod define;
pub(crate) mod describe;
mod function_text;
mod identity;
mod keyword;
mod large_object;
mod log;
mod privilege;
mod property;
pub(crate) mod rows;
pub(crate) mod sequence;
mod server_file;
mod session;
mod session_fact;
mod signal;
mod size;
mod standard;
mod text_search;
mod transaction;
mod updatable;
mod visibility;

pub(crate) use identity::{Identified, identified};

use super::{ExecContext, rights};
use crate::base::{Error, Flow, Report, Severity, SqlState};
use crate::catalog::object::fixed;
use crate::sql::func::FuncDef;
use crate::types::{Column, Datum, Phys, TypeRef, Value, array, oid, record};

/// Pushes exactly one value, or fails, or waits having pushed nothing.
pub type SystemFn = fn(&mut ExecContext, &[Datum<'_>], &mut Column) -> Flow<()>;

/// By PostgreSQL's own name of the function.
fn find(src: &str) -> Option<SystemFn> {
    let families = [
        sequence::find,
        session::find,
        describe::find,
        identity::find,
        super::event::find,
        large_object::find,
        visibility::find,
        advisory::find,
        signal::find,
        log::find,
        transaction::find,
        size::find,
        counter::find,
        property::find,
        brin::find,
        server_file::find,
        session_fact::find,
        updatable::find,
        standard::find,
        current_of::find,
        text_search::find,
    ];
    families.into_iter().find_map(|f| f(src))
}

/// Whether there is code for it here.
pub fn is_known(def: &FuncDef) -> bool {
    find(def.fact.src).is_some() || privilege::is_member(def.fact.src)
}

/// Whether its rights are looked at when it is called.
pub(crate) fn is_checked(def: &FuncDef) -> bool {
    find(def.fact.src).is_some() || super::system_view::builtin_acl(def.oid, String::new).is_some()
}

/// # Errors
/// 42501 for functions that not everybody may call.
pub(crate) fn check_execute(cx: &mut ExecContext, def: &FuncDef) -> crate::base::Result<()> {
    let backend = cx.backend()?;
    if backend.user.is_superuser {
        return Ok(());
    }
    let acl = rights::function_acl(&backend.catalog, def.oid);
    if acl.is_some() && !rights::subject(backend).may(fixed::BOOTSTRAP_SUPERUSER, acl.as_deref(), "", 'X', false) {
        let text = format!("permission denied for function {}", def.name);
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).place("aclcheck_error", "aclchk.c", 3512));
    }
    Ok(())
}

pub fn call(cx: &mut ExecContext, def: &'static FuncDef, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    if let Some(f) = crate::sql::extension::session_function(def.fact.src) {
        return f(cx, args, out);
    }
    if let Some(f) = find(def.fact.src) {
        check_execute(cx, def)?;
        return f(cx, args, out);
    }
    if privilege::is_member(def.fact.src) {
        return privilege::call(cx, def, args, out);
    }
    let system = cx.fx.system.clone();
    system.call(&mut cx.fx, def, args, out)
}

/// Says something to the client that is no error; `place` is PostgreSQL's routine, file and line.
fn warn(cx: &mut ExecContext, text: impl Into<String>, place: (&'static str, &'static str, u32)) {
    let report = Report::notice(Severity::Warning, SqlState::WARNING, text);
    cx.notices.push(report.with_place(place.0, place.1, place.2));
}

fn text(out: &mut Column, value: &str) {
    out.push(Datum::Bytes(value.as_bytes()));
}

/// void's one value is the empty text (PostgreSQL 15, void_out).
fn void(out: &mut Column) {
    match out.phys() {
        Phys::Bytes => out.push(Datum::Bytes(b"")),
        _ => out.push_null(),
    }
}

fn int4_list(out: &mut Column, values: impl Iterator<Item = i32>) {
    let list = array::from_values(oid::INT4, values.map(Datum::I32));
    out.push(Datum::Bytes(&list));
}

/// A row as the value of a function with several OUT arguments: its fields take the types declared.
fn push_record(out: &mut Column, fields: &[(&str, Value)], function: u32) {
    let Some(def) = crate::sql::func::func(crate::base::Oid(function)) else { return out.push_null() };
    let outs = def.fact.all_args.iter().zip(def.fact.modes.chars()).filter(|(_, m)| *m != 'i').map(|(t, _)| *t);
    let types: Vec<crate::base::Oid> = outs.collect();
    let columns = fields.iter().zip(&types).map(|((name, value), ty)| {
        let form = crate::types::phys(*ty);
        (*name, *ty, super::system_view::fit(value.datum(), form))
    });
    let mut bytes = Vec::new();
    record::build(TypeRef::of(oid::RECORD), columns, &mut bytes);
    out.push(Datum::Bytes(&bytes));
}
