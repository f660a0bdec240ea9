//! REINDEX.

use super::concurrent::{Replacement, Whole, commit};
use super::write::class_of;
use super::{Command, alter_table, index, names};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::{Class, class, fixed};
use crate::catalog::{Persistence, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::recovery::Usage;
use crate::sql::ast::{DefArg, DefElem, ReindexStmt, ReindexTarget};
use crate::sql::exec::ExecContext;

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &ReindexStmt) -> Flow<String> {
    if let Some(begun) = Replacement::begun(cmd) {
        return begun.go_on(cx);
    }
    if let Some(begun) = Many::begun(cmd) {
        return begun.go_on(cx);
    }
    let mut how = How { verbose: stmt.options.iter().any(|o| o.name == "verbose" && flag(o)), to: None };
    for name in stmt.options.iter().filter(|o| o.name == "tablespace").filter_map(DefElem::string) {
        let to = super::tablespace::named(cx, &name)?.oid;
        how.to = Some(super::tablespace::check_place(cx, to)?);
    }
    if stmt.options.iter().any(|o| o.name == "concurrently" && flag(o)) {
        cx.backend()?.prevent_in_block("REINDEX CONCURRENTLY")?;
        if let Some(wholes) = wholes(cmd, cx, &stmt.target)? {
            if how.to.is_some() {
                return Err(Error::unsupported("REINDEX CONCURRENTLY to another tablespace is not supported").into());
            }
            return Replacement::begin(cmd, cx, wholes, how.verbose);
        }
    }
    match &stmt.target {
        ReindexTarget::Index(name) => {
            let found = alter_table::locked(cmd, cx, name, LockMode::AccessExclusive)?;
            if found.kind == RelKind::PartitionedIndex {
                return partitioned_index(cx, found.oid, how);
            }
            if found.kind != RelKind::Index {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not an index", found.name).into());
            }
            if found.generated_by.is_some() {
                return of_catalog(cx, &found, "index", how);
            }
            names::check_owner(cx, &found)?;
            if let Some(def) = class_of(cx, found.oid)?.index {
                names::refuse_other_temp(cx, def.table, "reindex")?;
                rebuild(cx, def.table, found.oid, how)?;
            }
        }
        ReindexTarget::Table(name) => {
            let found = names::locked_relation(cmd, cx, name, LockMode::AccessExclusive)?;
            if found.is_partitioned() {
                names::check_owner(cx, &found)?;
                not_in_block(cx, "TABLE", "table", &found)?;
                for below in super::inherit::descendants(cx, found.oid, LockMode::AccessExclusive)? {
                    all_of(cx, below, how)?;
                }
                return Ok("REINDEX".into());
            }
            if found.generated_by.is_some() && matches!(found.kind, RelKind::Table | RelKind::Toast) {
                return of_catalog(cx, &found, "table", how);
            }
            if !matches!(found.kind, RelKind::Table | RelKind::MatView) {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a table or materialized view", found.name).into());
            }
            names::check_owner(cx, &found)?;
            names::refuse_other_temp(cx, found.oid, "reindex")?;
            // The index of its long values counts.
            if !found.toast.is_valid() && cx.backend()?.catalog.indexes_of(found.oid).is_empty() {
                let text = format!("table \"{}\" has no indexes to reindex", name.name);
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
            all_of(cx, found.oid, how)?;
        }
        ReindexTarget::Schema(name) => {
            cx.backend()?.prevent_in_block("REINDEX SCHEMA")?;
            let namespace = own_schema(cx, name)?;
            let tables = tables(cx, Some(namespace))?;
            return Many::begin(cmd, tables, how);
        }
        ReindexTarget::Database(name) => {
            cx.backend()?.prevent_in_block("REINDEX DATABASE")?;
            check_database(cx, name)?;
            let tables = tables(cx, None)?;
            return Many::begin(cmd, tables, how);
        }
        ReindexTarget::System(name) => {
            cx.backend()?.prevent_in_block("REINDEX SYSTEM")?;
            check_database(cx, name)?;
        }
    }
    Ok("REINDEX".into())
}

/// What REINDEX CONCURRENTLY goes through; None: it is done as without it, since nobody else writes there.
fn wholes(cmd: &mut Command, cx: &mut ExecContext, target: &ReindexTarget) -> Flow<Option<Vec<Whole>>> {
    let catalogs = || Error::unsupported("cannot reindex system catalogs concurrently");
    Ok(Some(match target {
        ReindexTarget::Index(name) => {
            let found = alter_table::locked(cmd, cx, name, LockMode::ShareUpdateExclusive)?;
            if found.generated_by.is_some() {
                return Err(catalogs().into());
            }
            names::check_owner(cx, &found)?;
            match found.kind {
                RelKind::Index if found.persistence == Persistence::Temp => return Ok(None),
                RelKind::Index => vec![Whole::Index(found.oid)],
                RelKind::PartitionedIndex => {
                    let is_leaf = |c: &Class| c.kind == RelKind::Index;
                    below(cx, found.oid, is_leaf)?.into_iter().map(Whole::Index).collect()
                }
                _ => return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not an index", found.name).into()),
            }
        }
        ReindexTarget::Table(name) => {
            let found = names::locked_relation(cmd, cx, name, LockMode::ShareUpdateExclusive)?;
            if found.generated_by.is_some() && matches!(found.kind, RelKind::Table | RelKind::Toast) {
                return Err(catalogs().into());
            }
            if !matches!(found.kind, RelKind::Table | RelKind::MatView | RelKind::Partitioned) {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a table or materialized view", found.name).into());
            }
            names::check_owner(cx, &found)?;
            match found.kind {
                RelKind::Partitioned => {
                    let is_leaf = |c: &Class| c.kind == RelKind::Table;
                    let parts = below(cx, found.oid, is_leaf)?.into_iter();
                    parts.map(|oid| Whole::Table { oid, asked: false }).collect()
                }
                _ if found.persistence == Persistence::Temp => return Ok(None),
                _ => vec![Whole::Table { oid: found.oid, asked: true }],
            }
        }
        ReindexTarget::Schema(name) => {
            let namespace = own_schema(cx, name)?;
            let tables = tables(cx, Some(namespace))?.into_iter();
            tables.map(|oid| Whole::Table { oid, asked: false }).collect()
        }
        ReindexTarget::System(name) => {
            check_database(cx, name)?;
            return Err(catalogs().into());
        }
        ReindexTarget::Database(name) => {
            check_database(cx, name)?;
            let text = "cannot reindex system catalogs concurrently, skipping all";
            cx.notices.push(Report::notice(Severity::Warning, SqlState::FEATURE_NOT_SUPPORTED, text));
            let tables = tables(cx, None)?.into_iter();
            tables.map(|oid| Whole::Table { oid, asked: false }).collect()
        }
    }))
}

fn below(cx: &mut ExecContext, oid: Oid, wanted: impl Fn(&Class) -> bool) -> Result<Vec<Oid>> {
    let mut found = Vec::new();
    for part in super::inherit::all_below(cx, oid)? {
        if wanted(&class_of(cx, part)?) {
            found.push(part);
        }
    }
    Ok(found)
}

/// PostgreSQL 15, indexcmds.c, ReindexMultipleTables: whose the schema, or the database, is, may rebuild what others have
/// in it.
fn own_schema(cx: &mut ExecContext, name: &str) -> Result<Oid> {
    let backend = cx.backend()?;
    let oid = backend.catalog.namespace_oid(name)?;
    let owner = backend.catalog.namespace(oid).map_or(fixed::BOOTSTRAP_SUPERUSER, |n| n.owner);
    match super::role::has_role(backend, owner) {
        true => Ok(oid),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of schema {name}").place(
            "aclcheck_error",
            "aclchk.c",
            3793,
        )),
    }
}

fn check_database(cx: &mut ExecContext, name: &str) -> Result<()> {
    let backend = cx.backend()?;
    if backend.database_name != name {
        return Err(Error::unsupported("can only reindex the currently open database"));
    }
    let owner = backend.catalog.database_by_oid(backend.database).map_or(fixed::BOOTSTRAP_SUPERUSER, |d| d.owner);
    match super::role::has_role(backend, owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of database {name}").place(
            "aclcheck_error",
            "aclchk.c",
            3793,
        )),
    }
}

/// What the options say.
#[derive(Clone, Copy)]
struct How {
    verbose: bool,
    /// To a tablespace as relations name it.
    to: Option<Oid>,
}

/// A catalog's indexes hold nothing that could be built anew.
fn of_catalog(cx: &mut ExecContext, found: &crate::catalog::Relation, word: &str, how: How) -> Flow<String> {
    if how.to.is_some() {
        let catalog = cx.backend()?.catalog.clone();
        let index = catalog.indexes_of(found.oid).first().and_then(|oid| catalog.class(*oid));
        let name = index.and_then(|r| r.object.as_class().ok().map(|c| c.name.clone())).unwrap_or(found.name.clone());
        return Err(Error::unsupported(format!("cannot move system relation \"{name}\"")).into());
    }
    match super::role::has_role(cx.backend()?, found.owner) {
        true => Ok("REINDEX".into()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {word} {}", found.name).into()),
    }
}

/// Rebuilds an index, and tells of it if that is wanted. PostgreSQL 15, index.c, reindex_index: same words.
fn rebuild(cx: &mut ExecContext, table: Oid, oid: Oid, how: How) -> Result<()> {
    let usage = Usage::now();
    index::rebuild_in(cx, table, oid, how.to)?;
    if how.verbose {
        let name = class_of(cx, oid)?.name;
        let text = format!("index \"{name}\" was reindexed");
        let said = Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text);
        cx.notices.push(said.with_detail(usage.to_string()));
    }
    Ok(())
}

/// A boolean option.
fn flag(o: &DefElem) -> bool {
    match &o.arg {
        None | Some(DefArg::Bool(true)) => true,
        Some(DefArg::Int(n)) => *n != 0,
        _ => o.string().is_some_and(|s| matches!(&*s.to_ascii_lowercase(), "true" | "on" | "1")),
    }
}

/// PostgreSQL reindexes each partition in a transaction of its own.
///
/// # Errors
/// 25001 inside a transaction block.
fn not_in_block(cx: &mut ExecContext, what: &str, kind: &str, whole: &crate::catalog::Relation) -> Result<()> {
    let place = format!("while reindexing partitioned {kind} \"{}.{}\"", whole.schema, whole.name);
    cx.backend()?.prevent_in_block(&format!("REINDEX {what}")).map_err(|e| e.context(place))
}

/// The partitions' parts of an index.
fn partitioned_index(cx: &mut ExecContext, index: Oid, how: How) -> Flow<String> {
    let whole = super::constraint::relation(cx, index)?;
    names::check_owner(cx, &whole)?;
    not_in_block(cx, "INDEX", "index", &whole)?;
    let parts = super::inherit::all_below(cx, index)?;
    let mut found = Vec::new();
    for part in parts {
        let c = class_of(cx, part)?;
        if let Some(def) = c.index.filter(|_| c.kind == RelKind::Index) {
            cx.backend()?.txn.lock_relation(def.table, LockMode::AccessExclusive)?;
            found.push((def.table, part));
        }
    }
    found.into_iter().try_for_each(|(table, part)| rebuild(cx, table, part, how))?;
    Ok("REINDEX".into())
}

fn all_of(cx: &mut ExecContext, table: Oid, how: How) -> Result<()> {
    if class_of(cx, table)?.kind == RelKind::Partitioned {
        return Ok(());
    }
    let indexes = cx.backend()?.catalog.indexes_of(table);
    indexes.into_iter().try_for_each(|i| rebuild(cx, table, i, how))
}

/// The tables of a schema, or of the database, but for temporary ones.
fn tables(cx: &mut ExecContext, namespace: Option<Oid>) -> Result<Vec<Oid>> {
    let mut tables = Vec::new();
    for record in cx.backend()?.catalog.all(class::RELATION) {
        let Ok(c) = record.object.as_class() else { continue };
        let wanted = matches!(c.kind, RelKind::Table | RelKind::MatView) && c.persistence != Persistence::Temp;
        if wanted && namespace.is_none_or(|n| n == c.namespace) {
            tables.push(c.oid);
        }
    }
    tables.sort_unstable();
    Ok(tables)
}

/// The indexes of many tables, each table's in a transaction of its own.
struct Many {
    tables: Vec<Oid>,
    at: usize,
    how: How,
}

impl Many {
    fn begin(cmd: &mut Command, tables: Vec<Oid>, how: How) -> Flow<String> {
        cmd.progress(|| Many { tables, at: 0, how });
        commit()?;
        Ok(String::new())
    }

    /// The one that a command has begun.
    fn begun(cmd: &mut Command) -> Option<&mut Many> {
        cmd.progress.as_mut()?.downcast_mut()
    }

    fn go_on(&mut self, cx: &mut ExecContext) -> Flow<String> {
        while let Some(&table) = self.tables.get(self.at) {
            cx.backend()?.txn.lock_relation(table, LockMode::AccessExclusive)?;
            let found = cx.backend()?.catalog.relation(table)?.filter(|r| !r.indexes.is_empty());
            self.at += 1;
            if let Some(found) = found {
                all_of(cx, table, self.how)?;
                if self.how.verbose {
                    let text = format!("table \"{}.{}\" was reindexed", found.schema, found.name);
                    let said = Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text);
                    cx.notices.push(said);
                }
            }
            if self.at < self.tables.len() {
                commit()?;
            }
        }
        Ok("REINDEX".into())
    }
}
