//! CREATE CONVERSION. PostgreSQL 15, conversioncmds.c: same checks in the same order.
//!
//! The code behind a conversion is a function of the program: users' conversions are of the pairs of encodings that the
//! functions there are for. What converts is the same code whichever conversion is a schema's default.

use super::write::{new_oid, put};
use super::{names, schema};
use crate::base::charset;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Conversion, Object};
use crate::err;
use crate::sql::ast::CreateConversionStmt;
use crate::sql::bind::Names;
use crate::sql::exec::{ExecContext, system_view};
use crate::types::oid;

/// The arguments of a conversion's function: encodings, bytes, where the answer goes, length, whether errors are none.
const ARGUMENTS: [Oid; 6] = [oid::INT4, oid::INT4, oid::CSTRING, oid::INTERNAL, oid::INT4, oid::BOOL];

fn encoding(which: &str, name: &str) -> Result<i32> {
    let known = charset::canonical(name).and_then(|name| charset::NAMES.iter().position(|n| *n == name));
    let missing = || err!(UNDEFINED_OBJECT, "{which} encoding \"{name}\" does not exist");
    known.map(|n| n as i32).ok_or_else(missing)
}

fn name_of(encoding: i32) -> &'static str {
    usize::try_from(encoding).ok().and_then(|n| charset::NAMES.get(n)).copied().unwrap_or_default()
}

/// Which pairs of encodings a function is for, as the built-in conversions tell.
///
/// # Errors
/// XX000 for other ones, as the function itself says it when it is tried.
fn check_pair(function: Oid, from: i32, to: i32) -> Result<()> {
    let pairs = system_view::conversion_pairs(function);
    if pairs.contains(&(from, to)) {
        return Ok(());
    }
    let Some(&(expected_from, expected_to)) = pairs.first() else {
        return Err(Error::unsupported("conversions by other functions than the built-in ones are not supported"));
    };
    let of_source = pairs.iter().all(|p| p.0 == expected_from);
    let of_target = pairs.iter().all(|p| p.1 == expected_to);
    if of_source && from != expected_from {
        let (wanted, got) = (name_of(expected_from), name_of(from));
        return Err(err!(INTERNAL_ERROR, "expected source encoding \"{wanted}\", but got \"{got}\""));
    }
    if of_target && to != expected_to {
        let (wanted, got) = (name_of(expected_to), name_of(to));
        return Err(err!(INTERNAL_ERROR, "expected destination encoding \"{wanted}\", but got \"{got}\""));
    }
    // One of those that are for a whole family of encodings.
    let (odd, windows) =
        (if of_target { from } else { to }, pairs.iter().any(|p| name_of(p.0.max(p.1)).starts_with("WIN")));
    let family = if windows { "WIN" } else { "ISO 8859" };
    Err(err!(INTERNAL_ERROR, "unexpected encoding ID {odd} for {family} character sets"))
}

pub fn create(cx: &mut ExecContext, stmt: &CreateConversionStmt) -> Flow<String> {
    let namespace = schema::for_new(cx.backend()?, stmt.name.schema())?;
    let (from, to) = (encoding("source", &stmt.from)?, encoding("destination", &stmt.to)?);
    if from == 0 || to == 0 {
        let text = "encoding conversion to or from \"SQL_ASCII\" is not supported";
        return Err(err!(INVALID_OBJECT_DEFINITION, "{text}").into());
    }
    let catalog = cx.backend()?.catalog.clone();
    let known = Names::functions(&*catalog, stmt.function.schema(), stmt.function.name());
    let Some(function) = known.into_iter().find(|(_, f)| f.args == ARGUMENTS).map(|(_, f)| f) else {
        let listed = crate::sql::routine::shown::listed(&*cx.fx.io.hooks, &stmt.function.joined(), &ARGUMENTS);
        return Err(err!(UNDEFINED_FUNCTION, "function {listed} does not exist").into());
    };
    if function.ret != oid::INT4 {
        let text = format!("encoding conversion function {} must return type integer", stmt.function.joined());
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text).into());
    }
    check_pair(function.oid, from, to)?;
    let name = stmt.name.name();
    names::lock_name(cx, class::CONVERSION, namespace, name)?;
    if catalog.conversion_in(namespace, name).is_some() {
        return Err(err!(DUPLICATE_OBJECT, "conversion \"{name}\" already exists").into());
    }
    let taken = |c: &Conversion| c.default && (c.namespace, c.from, c.to) == (namespace, from, to);
    let others = catalog.all(class::CONVERSION);
    let other = others.iter().any(|r| matches!(&r.object, Object::Conversion(c) if taken(c)));
    let built_in = namespace == fixed::PG_CATALOG && system_view::conversion_pairs(function.oid).contains(&(from, to));
    if stmt.default && (other || built_in) {
        let text = format!("default conversion for {} to {} already exists", name_of(from), name_of(to));
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
    }
    let (oid, owner) = (new_oid(cx)?, cx.backend()?.user.current);
    let (name, function) = (name.to_owned(), function.oid);
    put(cx, Object::Conversion(Conversion { oid, name, namespace, owner, from, to, function, default: stmt.default }))?;
    Ok("CREATE CONVERSION".into())
}
