//! CREATE, ALTER and DROP STATISTICS. PostgreSQL 15, statscmds.c: same refusals.

use super::write::{attributes_read, bind, new_oid, put};
use super::{Command, names, role, schema, stored_text};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Statistics, class};
use crate::catalog::{Catalog, Object, ObjectKey, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{AlterStatisticsStmt, CreateStatisticsStmt, DropStmt, Expr, ExprKind, FromItem, ObjectName};
use crate::sql::bind::scope::{Clause, system_attno};
use crate::sql::exec::ExecContext;
use std::sync::Arc;

/// More columns are refused.
const MAX_COLUMNS: usize = 8;

/// The statistics object of a name.
pub fn find(catalog: &Catalog, parts: &[String]) -> Result<Statistics> {
    let missing = || err!(UNDEFINED_OBJECT, "statistics object \"{}\" does not exist", parts.join("."));
    let (name, schema) = parts.split_last().ok_or_else(missing)?;
    let path = match schema.last() {
        Some(s) => [catalog.namespace_oid(s)?].into_iter().collect(),
        // Never among what is temporary (PostgreSQL 15, namespace.c, get_statistics_object_oid).
        None => catalog.without_temporary(catalog.effective_path()),
    };
    let found = path.into_iter().find_map(|n| catalog.find(class::STATISTIC_EXT, n, name).first().copied());
    let record = found.and_then(|oid| catalog.get(ObjectKey::new(class::STATISTIC_EXT, oid))).ok_or_else(missing)?;
    Ok(record.object.as_statistics()?.clone())
}

/// A free name for statistics of these columns (PostgreSQL 15, statscmds.c, ChooseExtendedStatisticName).
pub fn choose_name(cx: &mut ExecContext, namespace: Oid, table: &str, parts: &[&str]) -> Result<String> {
    let catalog = cx.backend()?.catalog.clone();
    for n in 0.. {
        let label = if n == 0 { "stat".to_string() } else { format!("stat{n}") };
        let name = names::make_object_name(table, &parts.join("_"), &label);
        if catalog.find(class::STATISTIC_EXT, namespace, &name).is_empty() {
            return Ok(name);
        }
    }
    Err(Error::internal("no free name"))
}

/// # Errors
/// 42501 `must be owner of statistics object s`.
pub fn check_owner(cx: &mut ExecContext, s: &Statistics) -> Result<()> {
    match role::has_role(cx.backend()?, s.owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of statistics object {}", s.name)),
    }
}

fn table(cmd: &Command, cx: &mut ExecContext, stmt: &CreateStatisticsStmt) -> Flow<Arc<Relation>> {
    let [item] = &stmt.from[..] else {
        return Err(err!(FEATURE_NOT_SUPPORTED, "only a single relation is allowed in CREATE STATISTICS").into());
    };
    let FromItem::Table(name) = item else {
        let text = "CREATE STATISTICS only supports relation names in the FROM clause";
        return Err(err!(FEATURE_NOT_SUPPORTED, "{text}").into());
    };
    let rel = names::locked_relation(cmd, cx, name, LockMode::ShareUpdateExclusive).map_err(|stop| match stop {
        crate::base::Stop::Error(mut e) => {
            e.0.position = None;
            crate::base::Stop::Error(e)
        }
        other => other,
    })?;
    let wrong = match rel.kind {
        RelKind::Table | RelKind::Partitioned | RelKind::MatView => {
            names::check_owner(cx, &rel)?;
            return Ok(rel);
        }
        RelKind::View => "views",
        RelKind::Sequence => "sequences",
        RelKind::Composite => "composite types",
        _ => "indexes",
    };
    Err(err!(WRONG_OBJECT_TYPE, "cannot define statistics for relation \"{}\"", rel.name)
        .detail(format!("This operation is not supported for {wrong}."))
        .into())
}

fn check_order(cx: &ExecContext, what: &str, ty: crate::types::TypeRef) -> Result<()> {
    if super::index::is_ordered(ty.oid) {
        return Ok(());
    }
    let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
    let text =
        format!("{what} cannot be used in statistics because its type {shown} has no default btree operator class");
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text))
}

fn kinds(stmt: &CreateStatisticsStmt, columns: usize, exprs: usize) -> Result<Vec<char>> {
    let mut wanted = [false; 3];
    for k in &stmt.kinds {
        match k.as_str() {
            "ndistinct" => wanted[0] = true,
            "dependencies" => wanted[1] = true,
            "mcv" => wanted[2] = true,
            other => return Err(err!(SYNTAX_ERROR, "unrecognized statistics kind \"{other}\"")),
        }
    }
    if columns + exprs == 1 && exprs == 1 {
        if !stmt.kinds.is_empty() {
            let text = "when building statistics on a single expression, statistics kinds may not be specified";
            return Err(err!(FEATURE_NOT_SUPPORTED, "{text}"));
        }
        return Ok(vec!['e']);
    }
    if columns + exprs < 2 {
        return Err(err!(INVALID_OBJECT_DEFINITION, "extended statistics require at least 2 columns"));
    }
    if stmt.kinds.is_empty() {
        wanted = [true; 3];
    }
    let mut out: Vec<char> = ['d', 'f', 'm'].into_iter().zip(wanted).filter(|(_, w)| *w).map(|(k, _)| k).collect();
    if exprs > 0 {
        out.push('e');
    }
    Ok(out)
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateStatisticsStmt) -> Flow<String> {
    let rel = table(cmd, cx, stmt)?;
    let backend = cx.backend()?;
    let Some(given) = &stmt.name else { return Err(Error::unsupported("statistics without a name").into()) };
    let namespace = schema::for_new(backend, given.schema())?;
    let name = given.name().to_owned();
    names::lock_name(cx, class::STATISTIC_EXT, namespace, &name)?;
    if !cx.backend()?.catalog.find(class::STATISTIC_EXT, namespace, &name).is_empty() {
        let text = format!("statistics object \"{name}\" already exists");
        if stmt.if_not_exists {
            names::notice(cx, SqlState::DUPLICATE_OBJECT, format!("{text}, skipping"));
            return Ok("CREATE STATISTICS".into());
        }
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
    }
    if stmt.exprs.len() > MAX_COLUMNS {
        return Err(err!(TOO_MANY_COLUMNS, "cannot have more than {MAX_COLUMNS} columns in statistics").into());
    }
    let (mut columns, exprs) = parts(cmd, cx, &rel, &stmt.exprs)?;
    let kinds = kinds(stmt, columns.len(), exprs.len())?;
    columns.sort_unstable();
    if columns.windows(2).any(|w| w[0] == w[1]) {
        return Err(err!(DUPLICATE_COLUMN, "duplicate column name in statistics definition").into());
    }
    if exprs.iter().enumerate().any(|(n, e)| exprs[..n].contains(e)) {
        return Err(err!(DUPLICATE_COLUMN, "duplicate expression in statistics definition").into());
    }
    let owner = cx.backend()?.user.current;
    let made =
        Statistics { oid: new_oid(cx)?, name, namespace, owner, table: rel.oid, columns, exprs, kinds, target: -1 };
    put(cx, Object::Statistics(made))?;
    Ok("CREATE STATISTICS".into())
}

/// Columns and expressions; an expression that is but a column is that column.
fn parts(cmd: &Command, cx: &mut ExecContext, rel: &Arc<Relation>, list: &[Expr]) -> Result<(Vec<i16>, Vec<Arc<str>>)> {
    let (mut columns, mut exprs) = (Vec::new(), Vec::new());
    for e in list {
        if let ExprKind::Column { parts, star: false } = &e.kind
            && let Some(name) = parts.last()
        {
            if system_attno(name).is_some() {
                return Err(err!(FEATURE_NOT_SUPPORTED, "statistics creation on system columns is not supported"));
            }
            let Some(a) = rel.attribute(name) else {
                return Err(err!(UNDEFINED_COLUMN, "column \"{name}\" does not exist"));
            };
            check_order(cx, &format!("column \"{name}\""), a.ty)?;
            columns.push(a.attno);
            continue;
        }
        let bound = bind(cx, &cmd.source, e, Some(rel), Clause::Statistics, None)?;
        if attributes_read(&bound).iter().any(|a| *a < 0) {
            return Err(err!(FEATURE_NOT_SUPPORTED, "statistics creation on system columns is not supported"));
        }
        if list.len() > 1 {
            check_order(cx, "expression", bound.ty)?;
        }
        exprs.push(stored_text::text_of(cx, e, None)?);
    }
    Ok((columns, exprs))
}

pub fn alter(cx: &mut ExecContext, stmt: &AlterStatisticsStmt) -> Flow<String> {
    let mut s = match find(&cx.backend()?.catalog.clone(), &stmt.name.parts) {
        Ok(s) => s,
        Err(e) if stmt.missing_ok => {
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", e.message()));
            return Ok("ALTER STATISTICS".into());
        }
        Err(e) => return Err(e.into()),
    };
    check_owner(cx, &s)?;
    if stmt.target < -1 {
        return Err(err!(INVALID_PARAMETER_VALUE, "statistics target {} is too low", stmt.target).into());
    }
    s.target = stmt.target.min(10000);
    put(cx, Object::Statistics(s))?;
    Ok("ALTER STATISTICS".into())
}

pub fn drop(cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Name(name) = name else { continue };
        match find(&cx.backend()?.catalog.clone(), &name.parts) {
            Ok(s) => {
                check_owner(cx, &s)?;
                cx.backend()?.txn.lock_relation(s.table, LockMode::ShareUpdateExclusive)?;
                targets.push(ObjectKey::new(class::STATISTIC_EXT, s.oid));
            }
            Err(e) if stmt.missing_ok => {
                let text = format!("{}, skipping", e.message());
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
            Err(e) => return Err(e.into()),
        }
    }
    super::drop::remove(cx, targets, stmt.behavior)
}

/// Deletes a statistics object with what ANALYZE found for it.
pub fn remove(cx: &mut ExecContext, key: ObjectKey) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some(record) = catalog.get(key) else { return Ok(()) };
    let table = record.object.as_statistics()?.table;
    if let Some(found) = catalog.get(ObjectKey::new(class::STATISTIC, table)) {
        let mut stats = found.object.as_stats()?.clone();
        let before = stats.extended.len();
        stats.extended.retain(|e| e.statistics != key.oid);
        if stats.extended.len() != before {
            put(cx, Object::Stats(stats))?;
        }
    }
    super::write::delete(cx, key)?;
    super::write::delete(cx, crate::catalog::object::comment_key(key))
}

/// The statistics objects of a table.
pub fn of_table(catalog: &Catalog, table: Oid) -> Vec<Statistics> {
    let of = |r: &Arc<crate::catalog::Record>| match &r.object {
        Object::Statistics(s) if s.table == table => Some(s.clone()),
        _ => None,
    };
    let mut found: Vec<Statistics> = catalog.all(class::STATISTIC_EXT).iter().filter_map(of).collect();
    found.sort_by_key(|s| s.oid);
    found
}

/// Those that read a column.
pub fn reading(cx: &mut ExecContext, table: Oid, attno: i16) -> Result<Vec<Oid>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut out = Vec::new();
    for s in of_table(&catalog, table) {
        let mut reads = s.columns.contains(&attno);
        if !s.exprs.is_empty() && !reads {
            let c = super::write::class_of(cx, table)?;
            let rel = super::write::columns_only(table, &c.name, &c.attributes);
            for text in &s.exprs {
                let bound = super::index::bind_text(cx, text, &rel, Clause::Statistics)?;
                reads |= attributes_read(&bound).contains(&attno);
            }
        }
        if reads {
            out.push(s.oid);
        }
    }
    Ok(out)
}

/// Gives a column another name in the expressions of statistics objects.
pub fn rename_column(cx: &mut ExecContext, table: Oid, old: &str, new: &str) -> Result<()> {
    for mut s in of_table(&cx.backend()?.catalog.clone(), table) {
        if s.exprs.is_empty() {
            continue;
        }
        for text in &mut s.exprs {
            *text = stored_text::with_column_renamed(text, old, new)?;
        }
        put(cx, Object::Statistics(s))?;
    }
    Ok(())
}

/// ALTER STATISTICS … OWNER TO.
pub fn set_owner(cx: &mut ExecContext, parts: &[String], new: Oid) -> Result<Object> {
    let mut s = find(&cx.backend()?.catalog.clone(), parts)?;
    check_owner(cx, &s)?;
    s.owner = new;
    Ok(Object::Statistics(s))
}

/// ALTER STATISTICS … RENAME TO, or SET SCHEMA.
pub fn moved(cx: &mut ExecContext, parts: &[String], name: Option<&str>, namespace: Option<Oid>) -> Result<Object> {
    let catalog = cx.backend()?.catalog.clone();
    let mut s = find(&catalog, parts)?;
    check_owner(cx, &s)?;
    let to = (namespace.unwrap_or(s.namespace), name.unwrap_or(&s.name).to_owned());
    if !catalog.find(class::STATISTIC_EXT, to.0, &to.1).is_empty() {
        let place = catalog.namespace(to.0).map(|n| n.name).unwrap_or_default();
        let text = format!("statistics object \"{}\" already exists in schema \"{place}\"", to.1);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
    }
    (s.namespace, s.name) = to;
    Ok(Object::Statistics(s))
}
