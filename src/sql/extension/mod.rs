//! The extensions that CREATE EXTENSION can make: what PostgreSQL's contrib modules bring, written anew.
//!
//! An extension is a file of this folder: its control data as PostgreSQL 15 tells them, a script in SQL that makes its
//! objects (`NAME.sql` beside it), and the code behind its functions. The script runs as PostgreSQL's do
//! (`sql::command::extension`), so that members, owners and schemas come about in one place; its functions are rows of
//! `pg_proc` in language C, whose symbols are looked up here instead of in a library.
//!
//! Must never make an object in any other way than by its script.
//!
//! Invariants
//! - EXT-1: a script names every C function that has code here, and no other (tested).
//! - EXT-2: what PostgreSQL's script makes and ours does not, ours says at its head.

mod amcheck;
mod btree_gin;
mod btree_gist;
mod citext;
mod cube;
mod earthdistance;
mod form;
mod fuzzystrmatch;
mod hstore;
mod intarray;
mod ltree;
mod pages;
mod pg_buffercache;
mod pg_freespacemap;
mod pg_prewarm;
mod pg_stat_statements;
mod pg_trgm;
mod pg_visibility;
mod pgcrypto;
mod pgstattuple;
mod tablefunc;
mod unaccent;
mod uuid_ossp;

use crate::base::{Flow, Result};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::func::setof::SetStream;
use crate::sql::func::{FuncImpl, ScalarFn};
use crate::types::{Column, Datum, TypeRef, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

/// An extension as its control file tells it, with script and code.
pub struct Extension {
    pub name: &'static str,
    pub version: &'static str,
    pub comment: &'static str,
    /// Only superusers may make it, but for trusted ones.
    pub superuser: bool,
    /// Those who may create objects in the database may make it, too; its objects are the bootstrap superuser's.
    pub trusted: bool,
    pub relocatable: bool,
    /// The schema its objects must be in.
    pub schema: Option<&'static str>,
    pub requires: &'static [&'static str],
    pub script: &'static str,
    /// By symbol, as the script's functions name it.
    pub code: &'static [(&'static str, Code)],
}

/// An extension with the usual properties.
pub(crate) const PLAIN: Extension = Extension {
    name: "",
    version: "",
    comment: "",
    superuser: true,
    trusted: true,
    relocatable: true,
    schema: None,
    requires: &[],
    script: "",
    code: &[],
};

/// A function that needs the session: it may wait, having pushed nothing.
pub type SessionFn = fn(&mut ExecContext, &[Datum<'_>], &mut Column) -> Flow<()>;

/// A function that returns rows, in columns of these types. It may wait; then it is called again.
pub type RowsFn = fn(&mut ExecContext, &[Value], &[TypeRef]) -> Flow<Vec<Vec<Value>>>;

/// A function whose rows come from a stream, in columns of these types.
pub type StreamFn = fn(&mut ExecContext, &[Value], &[TypeRef]) -> Result<Box<dyn SetStream>>;

/// Stands for what an index method does with values by code of its own; nobody can call it.
fn index_only(_: &mut crate::sql::func::FnContext, _: &[Datum<'_>], _: &mut Column) -> Result<()> {
    Err(crate::base::Error::unsupported("support functions of index methods cannot be called"))
}

/// What is behind a symbol.
#[derive(Clone, Copy)]
pub enum Code {
    Scalar(ScalarFn),
    Session(SessionFn),
    Rows(RowsFn),
    Stream(StreamFn),
}

/// In the order of their names.
const ALL: &[&Extension] = &[
    &amcheck::EXTENSION,
    &btree_gin::EXTENSION,
    &btree_gist::EXTENSION,
    &citext::EXTENSION,
    &cube::EXTENSION,
    &earthdistance::EXTENSION,
    &fuzzystrmatch::EXTENSION,
    &hstore::EXTENSION,
    &intarray::EXTENSION,
    &ltree::EXTENSION,
    &pg_buffercache::EXTENSION,
    &pg_freespacemap::EXTENSION,
    &pg_prewarm::EXTENSION,
    &pg_stat_statements::EXTENSION,
    &pg_trgm::EXTENSION,
    &pg_visibility::EXTENSION,
    &pgcrypto::EXTENSION,
    &pgstattuple::EXTENSION,
    &tablefunc::EXTENSION,
    &unaccent::EXTENSION,
    &uuid_ossp::EXTENSION,
];

/// All there are, but for PL/pgSQL.
pub fn all() -> impl Iterator<Item = &'static Extension> {
    ALL.iter().copied()
}

pub fn find(name: &str) -> Option<&'static Extension> {
    all().find(|e| e.name == name)
}

/// # Errors
/// 22023 for a name that no file can have, 0A000 if there is none of that name. PostgreSQL 15, extension.c.
pub fn control(name: &str) -> Result<Option<&'static Extension>> {
    let fault = match name {
        "" => Some("Extension names must not be empty."),
        n if n.contains("--") => Some("Extension names must not contain \"--\"."),
        n if n.starts_with('-') || n.ends_with('-') => Some("Extension names must not begin or end with \"-\"."),
        n if n.contains('/') => Some("Extension names must not contain directory separator characters."),
        _ => None,
    };
    if let Some(fault) = fault {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid extension name: \"{name}\"").detail(fault));
    }
    match find(name) {
        None if name != "plpgsql" => Err(err!(FEATURE_NOT_SUPPORTED, "extension \"{name}\" is not available")
            .detail(format!(
                "Could not open extension control file \"{SHARE}/{name}.control\": No such file or directory."
            ))
            .hint("The extension must first be installed on the system where PostgreSQL is running.")
            .place("parse_extension_control_file", "extension.c", 669)),
        found => Ok(found),
    }
}

/// Where PostgreSQL has its control files; here they are part of the program.
const SHARE: &str = "/usr/share/postgresql/15/extension";

impl Extension {
    /// `probin` of its functions: what `MODULE_PATHNAME` stands for.
    pub fn library(&self) -> String {
        format!("{LIBRARIES}{}", self.name)
    }
}

const LIBRARIES: &str = "$libdir/";

/// Code by library and symbol, joined by a colon.
static CODE: LazyLock<HashMap<String, Code>> = LazyLock::new(|| {
    let of = |e: &'static Extension| {
        e.code.iter().map(|(symbol, code)| (format!("{}:{symbol}", e.library()), *code)).collect::<Vec<_>>()
    };
    all().flat_map(of).collect()
});

/// Whether there is such a library.
pub fn has_library(library: &str) -> bool {
    library.strip_prefix(LIBRARIES).is_some_and(|name| find(name).is_some())
}

/// What a function of language C does: what it is called by ([`crate::sql::func::ProcFact::src`]), and its code.
pub fn symbol(library: &str, symbol: &str) -> (String, Option<FuncImpl>) {
    let src = format!("{library}:{symbol}");
    let imp = CODE.get(&src).map(|code| match code {
        Code::Scalar(f) => FuncImpl::Scalar(*f),
        Code::Session(_) => FuncImpl::System,
        Code::Rows(_) | Code::Stream(_) => FuncImpl::Elsewhere,
    });
    (src, imp)
}

fn code(src: &str) -> Option<Code> {
    if src.starts_with('$') { CODE.get(src).copied() } else { None }
}

/// The function of this name that needs the session.
pub fn session_function(src: &str) -> Option<SessionFn> {
    match code(src)? {
        Code::Session(f) => Some(f),
        _ => None,
    }
}

/// The function of this name that returns rows.
pub fn rows_function(src: &str) -> Option<RowsFn> {
    match code(src)? {
        Code::Rows(f) => Some(f),
        _ => None,
    }
}

/// The function of this name that has a stream.
pub fn stream_function(src: &str) -> Option<StreamFn> {
    match code(src)? {
        Code::Stream(f) => Some(f),
        _ => None,
    }
}

/// Whether a library can be loaded: what could be is part of the program.
///
/// # Errors
/// 58P01.
pub fn check_library(name: &str) -> Result<()> {
    let plain = name.strip_prefix(LIBRARIES).unwrap_or(name);
    let library = plain.strip_suffix(".so").unwrap_or(plain);
    match library == "plpgsql" || find(library).is_some() {
        true => Ok(()),
        false => Err(err!(UNDEFINED_FILE, "could not access file \"{name}\": No such file or directory")),
    }
}

/// The same for a list in a setting; what everybody may name lies in a folder of its own.
///
/// PostgreSQL 15, miscinit.c, load_libraries.
///
/// # Errors
/// 58P01; 42501 for what lies elsewhere.
pub fn check_libraries(list: &str, restricted: bool) -> Result<()> {
    const PLUGINS: &str = "$libdir/plugins/";
    let names = list.split(',').map(|n| n.trim().trim_matches('"')).filter(|n| !n.is_empty());
    for name in names {
        match (restricted, name.contains('/')) {
            (false, _) => check_library(name)?,
            (true, false) => check_library(&format!("{PLUGINS}{name}"))?,
            (true, true) if name.strip_prefix(PLUGINS).is_some_and(|n| !n.contains('/')) => check_library(name)?,
            (true, true) => {
                return Err(err!(INSUFFICIENT_PRIVILEGE, "access to library \"{name}\" is not allowed"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// EXT-1: the symbols of a script are those that have code. Scripts parse.
    #[test]
    fn scripts_and_code_name_the_same_symbols() {
        for e in all() {
            crate::sql::parse::parse(e.script).unwrap_or_else(|error| panic!("{}: {error}", e.name));
            let after = |at: usize| e.script[at..].split('\'').nth(2).unwrap_or_default();
            let named: BTreeSet<&str> =
                e.script.match_indices("'MODULE_PATHNAME'").map(|(at, _)| after(at + 1)).collect();
            let coded: BTreeSet<&str> = e.code.iter().map(|(symbol, _)| *symbol).collect();
            assert_eq!(named, coded, "{}", e.name);
        }
    }

    #[test]
    fn names_are_in_order() {
        let names: Vec<&str> = all().map(|e| e.name).collect();
        assert!(names.is_sorted());
    }
}
