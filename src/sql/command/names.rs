//! Looking names up for commands, with PostgreSQL's errors.

use super::Command;
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::fixed;
use crate::catalog::{Catalog, RelKind, Relation};
use crate::err;
use crate::lock::{LockMode, LockTag};
use crate::sql::ast::{Persistence, RangeVar, Stmt};
use crate::sql::exec::ExecContext;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A relation's name from its parts.
pub fn range_var(parts: &[String]) -> RangeVar {
    let mut parts = parts.to_vec();
    let name = parts.pop().unwrap_or_default();
    RangeVar {
        schema: parts.pop(),
        catalog: parts.pop(),
        name,
        inherit: true,
        persistence: Persistence::Permanent,
        alias: None,
        pos: crate::sql::ast::NOWHERE,
    }
}

/// # Errors
/// 3F000 for a schema that was named and is not there.
pub fn check_schema(cx: &mut ExecContext, schema: Option<&str>) -> Result<()> {
    match schema {
        Some(name) if cx.backend()?.catalog.namespace_by_name(name).is_none() => {
            Err(err!(INVALID_SCHEMA_NAME, "schema \"{name}\" does not exist"))
        }
        _ => Ok(()),
    }
}

/// A relation that must exist.
///
/// # Errors
/// 42P01, without a position as PostgreSQL's, 3F000.
pub fn relation(cx: &mut ExecContext, name: &RangeVar) -> Result<Arc<Relation>> {
    let found = find_relation(cx, name)?;
    if found.is_none() {
        check_schema(cx, name.schema.as_deref())?;
    }
    found.ok_or_else(|| {
        err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", name.joined()).place(
            "RangeVarGetRelidExtended",
            "namespace.c",
            433,
        )
    })
}

/// A relation that may be missing; a missing schema counts as that.
pub fn find_relation(cx: &mut ExecContext, name: &RangeVar) -> Result<Option<Arc<Relation>>> {
    check_database(cx, name)?;
    let catalog = cx.backend()?.catalog.clone();
    match &name.schema {
        Some(schema) if catalog.namespace_by_name(schema).is_none() => Ok(None),
        schema => {
            may_look_into(&catalog, schema.as_deref())?;
            catalog.relation_by_name(schema.as_deref(), &name.name)
        }
    }
}

/// The schema of a written name may be looked into. PostgreSQL 15, namespace.c, LookupExplicitNamespace.
///
/// # Errors
/// 42501 without USAGE.
pub fn may_look_into(catalog: &Catalog, schema: Option<&str>) -> Result<()> {
    match schema.filter(|s| catalog.namespace_oid(s).is_ok_and(|n| !catalog.may_look_into(n))) {
        None => Ok(()),
        Some(s) => Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {s}").place(
            "aclcheck_error",
            "aclchk.c",
            3512,
        )),
    }
}

/// Takes the lock on a relation by name, and looks it up again afterwards (CMD-1).
pub fn locked_relation(_: &Command, cx: &mut ExecContext, name: &RangeVar, mode: LockMode) -> Flow<Arc<Relation>> {
    loop {
        let found = relation(cx, name)?;
        if found.generated_by.is_some() {
            return Ok(found);
        }
        cx.backend()?.txn.lock_relation(found.oid, mode)?;
        if !found.is_stale() {
            return Ok(found);
        }
    }
}

fn check_database(cx: &mut ExecContext, name: &RangeVar) -> Result<()> {
    match &name.catalog {
        Some(db) if *db != cx.backend()?.database_name => {
            Err(Error::unsupported(format!("cross-database references are not implemented: \"{}\"", name.joined())))
        }
        _ => Ok(()),
    }
}

/// Where a new relation of this name goes, and its persistence there.
///
/// # Errors
/// 3F000, 42P16 for a temporary relation in an ordinary schema, 42501.
pub fn creation_place(cx: &mut ExecContext, name: &RangeVar) -> Result<(Oid, crate::catalog::Persistence)> {
    check_database(cx, name)?;
    let into_temporary = match name.schema.as_deref() {
        Some("pg_temp") => true,
        Some(s) => is_own_temp(cx, s)?,
        None => cx.backend()?.catalog.creates_temporary(),
    };
    let temporary = name.persistence == Persistence::Temporary || into_temporary;
    if temporary {
        if !into_temporary && name.schema.is_some() {
            return Err(err!(INVALID_TABLE_DEFINITION, "cannot create temporary relation in non-temporary schema"));
        }
        if name.persistence == Persistence::Unlogged {
            let text = "only temporary relations may be created in temporary schemas";
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, text));
        }
        if cx.backend()?.user.restricted {
            let text = "cannot create temporary table within security-restricted operation";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text));
        }
        return Ok((super::temp::schema(cx.backend()?)?, crate::catalog::Persistence::Temp));
    }
    let backend = cx.backend()?;
    let namespace = super::schema::for_new(backend, name.schema.as_deref())?;
    if matches!(namespace, fixed::PG_CATALOG | fixed::PG_TOAST) {
        let schema = if namespace == fixed::PG_CATALOG { "pg_catalog" } else { "pg_toast" };
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied to create \"{schema}.{}\"", name.name)
            .detail("System catalog modifications are currently disallowed."));
    }
    if backend.catalog.namespace(namespace).is_some_and(|n| n.temp_of.is_some()) {
        let text = "cannot create relations in temporary schemas of other sessions";
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, text));
    }
    let persistence = match name.persistence {
        Persistence::Unlogged => crate::catalog::Persistence::Unlogged,
        _ => crate::catalog::Persistence::Permanent,
    };
    Ok((namespace, persistence))
}

/// Whether it is the session's temporary schema by its own name.
fn is_own_temp(cx: &mut ExecContext, schema: &str) -> Result<bool> {
    let catalog = &cx.backend()?.catalog;
    let Some(own) = catalog.temp_schema() else { return Ok(false) };
    Ok(catalog.namespace(own).is_some_and(|n| n.name == schema))
}

/// Keeps others from taking a name in a schema until the transaction ends; there is no unique index to wait at.
pub fn lock_name(cx: &mut ExecContext, class: Oid, namespace: Oid, name: &str) -> Flow<()> {
    let mut hasher = DefaultHasher::new();
    (namespace, name).hash(&mut hasher);
    let backend = cx.backend()?;
    let tag = LockTag::Object { db: backend.database, class, oid: Oid(hasher.finish() as u32 | 1 << 31) };
    backend.txn.lock(tag, LockMode::Exclusive)?;
    Ok(())
}

/// What a relation's name is chosen for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    Relation,
    /// The index of a constraint of the same name.
    Constraint,
}

/// A name like `base_suffix` that no relation of the schema has, cut to 63 bytes (PostgreSQL 15, ChooseRelationName).
pub fn choose(
    cx: &mut ExecContext,
    namespace: Oid,
    base: &str,
    column: &str,
    suffix: &str,
    what: For,
) -> Result<String> {
    let catalog = &cx.backend()?.catalog;
    Ok(first_free(base, column, suffix, |name| {
        catalog.class_in(namespace, name).is_some()
            || what == For::Constraint && super::constraint::is_taken(catalog, namespace, name)
    }))
}

/// The first of `base_column_suffix`, `base_column_suffix1`, … that is not taken.
pub fn first_free(base: &str, column: &str, suffix: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = make_object_name(base, column, suffix);
    let mut n = 0u32;
    while taken(&name) {
        n += 1;
        name = make_object_name(base, column, &format!("{suffix}{n}"));
    }
    name
}

/// PostgreSQL 15, indexcmds.c, makeObjectName: the longer of the first two parts is cut.
pub fn make_object_name(base: &str, column: &str, suffix: &str) -> String {
    let overhead = suffix.len() + 1 + if column.is_empty() { 0 } else { 1 };
    let room = 63usize.saturating_sub(overhead);
    let (mut a, mut b) = (base.len(), column.len());
    while a + b > room {
        if a > b { a -= 1 } else { b -= 1 }
    }
    let cut = |s: &str, mut n: usize| {
        while !s.is_char_boundary(n) {
            n -= 1;
        }
        s[..n].to_string()
    };
    match column.is_empty() {
        true => format!("{}_{suffix}", cut(base, a)),
        false => format!("{}_{}_{suffix}", cut(base, a), cut(column, b)),
    }
}

/// What a relation kind is called in messages.
pub fn kind_word(kind: RelKind) -> &'static str {
    match kind {
        RelKind::Table | RelKind::Partitioned => "table",
        RelKind::Index | RelKind::PartitionedIndex => "index",
        RelKind::Sequence => "sequence",
        RelKind::Toast => "TOAST table",
        RelKind::View => "view",
        RelKind::MatView => "materialized view",
        RelKind::Composite => "type",
    }
}

/// Relations of a kind, as details name them (PostgreSQL 15, pg_class.c, errdetail_relkind_not_supported).
pub fn kind_words(kind: RelKind) -> &'static str {
    match kind {
        RelKind::Table => "tables",
        RelKind::Partitioned => "partitioned tables",
        RelKind::Index => "indexes",
        RelKind::PartitionedIndex => "partitioned indexes",
        RelKind::Sequence => "sequences",
        RelKind::Toast => "TOAST tables",
        RelKind::View => "views",
        RelKind::MatView => "materialized views",
        RelKind::Composite => "composite types",
    }
}

/// # Errors
/// 42501 `must be owner of table t`.
pub fn check_owner(cx: &mut ExecContext, relation: &Relation) -> Result<()> {
    let backend = cx.backend()?;
    if relation.generated_by.is_some() {
        let text = format!("permission denied: \"{}\" is a system catalog", relation.name);
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text));
    }
    if super::role::has_role(backend, relation.owner) {
        return Ok(());
    }
    let text = format!("must be owner of {} {}", kind_word(relation.kind), relation.name);
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).place("aclcheck_error", "aclchk.c", 3583))
}

/// Says something that is no error.
pub fn notice(cx: &mut ExecContext, state: SqlState, text: impl Into<String>) {
    cx.notices.push(Report::notice(Severity::Notice, state, text));
}

/// What only those see who ask for messages of that level (PostgreSQL 15: DEBUG1 of the parser's).
pub fn debug(cx: &mut ExecContext, text: String) {
    cx.notices.push(Report::notice(Severity::Debug1, SqlState::SUCCESSFUL_COMPLETION, text));
}

/// The command that a table's part is made by, as those messages call it.
pub fn table_verb(cmd: &Command) -> &'static str {
    match &*cmd.stmt {
        Stmt::AlterTable(_) => "ALTER TABLE",
        _ => "CREATE TABLE",
    }
}

/// What a command is about to change must be nobody's in this session (PostgreSQL 15, CheckTableNotInUse).
///
/// # Errors
/// 55006 while a statement or cursor has the relation open, or changed rows of it still await checks.
pub fn check_not_in_use(cx: &mut ExecContext, (oid, name): (Oid, &str), what: &str) -> Result<()> {
    let why = if cx.backend()?.in_use.contains(oid) {
        "it is being used by active queries in this session"
    } else if crate::sql::exec::after_row::has_pending(cx, oid)? {
        "it has pending trigger events"
    } else {
        return Ok(());
    };
    let text = format!("cannot {what} \"{name}\" because {why}");
    Err(Error::new(SqlState::OBJECT_IN_USE, text).place("CheckTableNotInUse", "tablecmds.c", 4124))
}

/// # Errors
/// 0A000 for a temporary table of another session.
pub fn refuse_other_temp(cx: &mut ExecContext, relation: Oid, what: &str) -> Result<()> {
    let catalog = &cx.backend()?.catalog;
    match catalog.relation(relation)? {
        Some(r) if catalog.is_other_temp(&r) => {
            Err(Error::unsupported(format!("cannot {what} temporary tables of other sessions")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    /// Names keep their suffix however long the table's name is.
    #[test]
    fn object_names_are_cut_in_the_middle() {
        assert_eq!(super::make_object_name("t", "a", "key"), "t_a_key");
        assert_eq!(super::make_object_name("t", "", "pkey"), "t_pkey");
        let long = super::make_object_name(&"x".repeat(70), "col", "key");
        assert_eq!((long.len(), long.ends_with("_col_key")), (63, true));
    }
}
