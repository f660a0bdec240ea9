//! CREATE, ALTER and DROP PUBLICATION. PostgreSQL 15, publicationcmds.c and pg_publication.c: same refusals.
//!
//! A publication says what a subscriber would get; nobody can subscribe yet.

use super::write::{bind, new_oid, put};
use super::{Command, names, role, stored_text};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::{Publication, PublishedTable, class, fixed};
use crate::catalog::{Catalog, Object, ObjectKey, Persistence, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::settings::{Id, Lookup, split_list};
use crate::sql::ast::{
    self, AlterPublicationAction as Action, AlterPublicationStmt, CreatePublicationStmt, DefArg, DefElem, DropStmt,
    Expr, ObjectName, Pos, PublicationObject, RangeVar,
};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::{ExecContext, replica_identity};
use crate::sql::expr::{Expr as Bound, ExprKind};
use std::sync::Arc;

/// What WITH (…) says; None: nothing of it.
#[derive(Default)]
struct Options {
    publish: Option<[bool; 4]>,
    via_root: Option<bool>,
}

fn text_of(arg: &DefArg) -> String {
    match arg {
        DefArg::Int(n) => n.to_string(),
        DefArg::Float(t) | DefArg::Str(t) => t.clone(),
        DefArg::Bool(b) => b.to_string(),
        DefArg::Name(n) => n.joined(),
        DefArg::Type(t) => t.names.join("."),
        _ => String::new(),
    }
}

fn options(cmd: &Command, list: &[DefElem]) -> Result<Options> {
    let mut out = Options::default();
    let twice = |at: Pos| err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(at));
    for d in list {
        let text = d.arg.as_ref().map(text_of);
        match d.name.as_str() {
            "publish" if out.publish.is_some() => return Err(twice(d.pos)),
            "publish" => {
                let mut publish = [false; 4];
                let text = text.unwrap_or_default();
                let Some(words) = split_list(&text) else {
                    return Err(err!(SYNTAX_ERROR, "invalid list syntax in parameter \"publish\""));
                };
                for word in words {
                    let at = ["insert", "update", "delete", "truncate"].iter().position(|w| *w == word);
                    let Some(at) = at else {
                        let text = format!("unrecognized value for publication option \"publish\": \"{word}\"");
                        return Err(Error::new(SqlState::SYNTAX_ERROR, text));
                    };
                    publish[at] = true;
                }
                out.publish = Some(publish);
            }
            "publish_via_partition_root" if out.via_root.is_some() => return Err(twice(d.pos)),
            "publish_via_partition_root" => {
                out.via_root = Some(match text.as_deref() {
                    None | Some("true" | "on" | "1") => true,
                    Some("false" | "off" | "0") => false,
                    Some(_) => {
                        return Err(err!(SYNTAX_ERROR, "publish_via_partition_root requires a Boolean value"));
                    }
                });
            }
            other => return Err(err!(SYNTAX_ERROR, "unrecognized publication parameter: \"{other}\"")),
        }
    }
    Ok(out)
}

/// The publication of a name.
pub fn named(catalog: &Catalog, name: &str) -> Result<Publication> {
    let found = catalog.find(class::PUBLICATION, Oid::INVALID, name);
    let record = found.first().and_then(|oid| catalog.get(ObjectKey::new(class::PUBLICATION, *oid)));
    let record = record.ok_or_else(|| err!(UNDEFINED_OBJECT, "publication \"{name}\" does not exist"))?;
    Ok(record.object.as_publication()?.clone())
}

/// # Errors
/// 42501 `must be owner of publication p`.
pub fn check_owner(cx: &mut ExecContext, p: &Publication) -> Result<()> {
    match role::has_role(cx.backend()?, p.owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of publication {}", p.name)),
    }
}

fn check_publishable(rel: &Relation) -> Result<()> {
    let wrong = match (rel.kind, rel.persistence) {
        (RelKind::View, _) => "views",
        (RelKind::MatView, _) => "materialized views",
        (RelKind::Sequence, _) => "sequences",
        (RelKind::Index | RelKind::PartitionedIndex, _) => "indexes",
        _ if rel.generated_by.is_some() || rel.schema == "pg_catalog" => "system tables",
        (_, Persistence::Temp) => "temporary tables",
        (_, Persistence::Unlogged) => "unlogged tables",
        _ => return Ok(()),
    };
    Err(err!(INVALID_PARAMETER_VALUE, "cannot add relation \"{}\" to publication", rel.name)
        .detail(format!("This operation is not supported for {wrong}.")))
}

/// Columns, constants and immutable built-in functions alone.
fn check_filter(cmd: &Command, bound: &Bound, at: Pos) -> Result<()> {
    let mut detail = None;
    bound.walk(&mut |x| {
        let wrong = match &x.kind {
            ExprKind::Func { oper: Some(oper), .. } if *oper >= Oid::FIRST_NORMAL => {
                Some("User-defined operators are not allowed.")
            }
            ExprKind::ScalarArray { oper: Some(oper), .. } if *oper >= Oid::FIRST_NORMAL => {
                Some("User-defined operators are not allowed.")
            }
            _ if x.ty.oid >= Oid::FIRST_NORMAL => Some("User-defined types are not allowed."),
            ExprKind::Func { func, .. } if func.oid >= Oid::FIRST_NORMAL || func.volatility != b'i' => {
                Some("User-defined or built-in mutable functions are not allowed.")
            }
            ExprKind::Var { attno, .. } if *attno < 0 => Some("System columns are not allowed."),
            ExprKind::SubLink(_) => Some(
                "Only columns, constants, built-in operators, built-in data types, built-in collations, and immutable built-in functions are allowed.",
            ),
            _ => None,
        };
        detail = detail.or(wrong.map(|w| (w, first_pos(x))));
        true
    });
    match detail {
        None => Ok(()),
        Some((d, pos)) => Err(err!(FEATURE_NOT_SUPPORTED, "invalid publication WHERE expression")
            .detail(d)
            .at(cmd.at(pos.unwrap_or(at)))),
    }
}

/// Collations of users are theirs to change.
fn check_collations(cmd: &Command, cx: &mut ExecContext, rel: &Relation, (e, bound): (&Expr, &Bound)) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let mut users = false;
    e.clone().rewrite(&mut |e| {
        if let ast::ExprKind::Collate { collation, .. } = &e.kind {
            let (schema, name) = match collation.as_slice() {
                [.., schema, name] => (Some(schema.as_str()), name.as_str()),
                [name] => (None, name.as_str()),
                [] => return,
            };
            let found = crate::sql::bind::Names::collation_by_name(&*catalog, schema, name);
            users |= found.is_some_and(|oid| oid >= Oid::FIRST_NORMAL);
        }
    });
    bound.walk(&mut |x| {
        if let ExprKind::Var { attno, .. } = x.kind {
            let column = rel.attributes.get((attno as usize).wrapping_sub(1));
            users |= column.is_some_and(|a| a.declared.collation >= Oid::FIRST_NORMAL);
        }
        true
    });
    match users {
        false => Ok(()),
        true => Err(err!(FEATURE_NOT_SUPPORTED, "invalid publication WHERE expression")
            .detail("User-defined collations are not allowed.")
            .at(cmd.at(e.start()))),
    }
}

/// Where the leftmost part of an expression stands.
fn first_pos(e: &Bound) -> Option<Pos> {
    let mut first = None;
    e.walk(&mut |x| {
        first = match (first, x.pos) {
            (Some(a), Some(b)) => Some(std::cmp::min(a, b)),
            (a, b) => a.or(b),
        };
        true
    });
    first
}

fn filter_of(cmd: &Command, cx: &mut ExecContext, rel: &Arc<Relation>, e: &Expr) -> Result<Arc<str>> {
    if let crate::sql::ast::ExprKind::SubLink(_) = e.kind {
        let detail = "Only columns, constants, built-in operators, built-in data types, built-in collations, and immutable built-in functions are allowed.";
        let text = "invalid publication WHERE expression";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text).detail(detail).at(cmd.at(e.start())));
    }
    let bound = bind(cx, &cmd.source, e, Some(rel), Clause::Publication, None)?;
    if bound.ty.oid != crate::types::oid::BOOL {
        let shown = crate::types::format_type_plain(bound.ty.oid, &*cx.fx.io.hooks);
        let text = format!("argument of PUBLICATION WHERE must be type boolean, not type {shown}");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, text).at(cmd.at(e.start())));
    }
    check_filter(cmd, &bound, e.start())?;
    check_collations(cmd, cx, rel, (e, &bound))?;
    stored_text::text_of(cx, e, None)
}

fn locked(cmd: &Command, cx: &mut ExecContext, table: &RangeVar) -> Flow<Arc<Relation>> {
    names::locked_relation(cmd, cx, table, LockMode::ShareUpdateExclusive).map_err(|stop| match stop {
        crate::base::Stop::Error(mut e) => {
            e.0.position = None;
            crate::base::Stop::Error(e)
        }
        other => other,
    })
}

fn table_of(
    cmd: &Command,
    cx: &mut ExecContext,
    rel: &Arc<Relation>,
    written: &ast::PublishedTable,
) -> Flow<PublishedTable> {
    let (columns, filter) = (&written.columns, written.filter.as_ref());
    if rel.generated_by.is_none() {
        names::check_owner(cx, rel)?;
    }
    check_publishable(rel)?;
    let mut attnos = Vec::new();
    for name in columns {
        if crate::sql::bind::scope::system_attno(name).is_some() {
            let text = format!("cannot use system column \"{name}\" in publication column list");
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, text).into());
        }
        let Some(a) = rel.attribute(name) else {
            let text = format!("column \"{name}\" of relation \"{}\" does not exist", rel.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, text).into());
        };
        if a.generated != 0 {
            let text = format!("cannot use generated column \"{name}\" in publication column list");
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, text).into());
        }
        if attnos.contains(&a.attno) {
            return Err(err!(DUPLICATE_OBJECT, "duplicate column \"{name}\" in publication column list").into());
        }
        attnos.push(a.attno);
    }
    attnos.sort_unstable();
    let filter = match filter {
        Some(e) => Some(filter_of(cmd, cx, rel, e)?),
        None => None,
    };
    Ok(PublishedTable { oid: new_oid(cx)?, table: rel.oid, columns: attnos, filter })
}

fn schema_of(cx: &mut ExecContext, name: Option<&String>) -> Result<Oid> {
    let catalog = &cx.backend()?.catalog;
    let oid = match name {
        Some(name) => catalog.namespace_oid(name)?,
        None => match catalog.named_path().first() {
            Some(oid) => *oid,
            None => return Err(err!(INVALID_SCHEMA_NAME, "no schema has been selected for CURRENT_SCHEMA")),
        },
    };
    let n = catalog.namespace(oid);
    let name = n.as_ref().map(|n| n.name.clone()).unwrap_or_default();
    let refuse = |what: &str| {
        Err(err!(INVALID_PARAMETER_VALUE, "cannot add schema \"{name}\" to publication")
            .detail(format!("This operation is not supported for {what} schemas.")))
    };
    match oid {
        fixed::PG_CATALOG | fixed::PG_TOAST => refuse("system"),
        _ if n.is_some_and(|n| n.temp_of.is_some()) => refuse("temporary"),
        _ => Ok(oid),
    }
}

/// Adds a table with the tables that inherit from it. Partitions go with their table by themselves.
fn add_table(
    cmd: &Command,
    cx: &mut ExecContext,
    written: &ast::PublishedTable,
    tables: &mut Vec<PublishedTable>,
) -> Flow<()> {
    let rel = locked(cmd, cx, &written.table)?;
    if refuse_again(&rel, written, tables)? {
        return Ok(());
    }
    tables.push(table_of(cmd, cx, &rel, written)?);
    if !written.table.inherit || rel.kind == RelKind::Partitioned {
        return Ok(());
    }
    for oid in super::inherit::descendants(cx, rel.oid, LockMode::ShareUpdateExclusive)? {
        let child = super::constraint::relation(cx, oid)?;
        if !refuse_again(&child, written, tables)? {
            tables.push(table_of(cmd, cx, &child, written)?);
        }
    }
    Ok(())
}

/// Whether a table is there already; with a condition or a column list it cannot be so twice.
fn refuse_again(rel: &Relation, written: &ast::PublishedTable, tables: &[PublishedTable]) -> Result<bool> {
    let Some(t) = tables.iter().find(|t| t.table == rel.oid) else { return Ok(false) };
    let what = match () {
        () if written.filter.is_some() || t.filter.is_some() => "WHERE clauses",
        () if !written.columns.is_empty() || !t.columns.is_empty() => "column lists",
        () => return Ok(true),
    };
    Err(err!(DUPLICATE_OBJECT, "conflicting or redundant {what} for table \"{}\"", rel.name))
}

/// The tables and schemas a list names.
fn members(
    cmd: &Command,
    cx: &mut ExecContext,
    list: &[PublicationObject],
) -> Flow<(Vec<PublishedTable>, Vec<(Oid, Oid)>)> {
    let (mut tables, mut schemas): (Vec<PublishedTable>, Vec<(Oid, Oid)>) = (Vec::new(), Vec::new());
    for object in list {
        match object {
            PublicationObject::Table(written) => add_table(cmd, cx, written, &mut tables)?,
            PublicationObject::Schema(name, _) => {
                let schema = schema_of(cx, name.as_ref())?;
                if !schemas.iter().any(|(_, s)| *s == schema) {
                    schemas.push((new_oid(cx)?, schema));
                }
            }
        }
    }
    Ok((tables, schemas))
}

/// Column lists do not go with whole schemas; neither they nor conditions with partitioned tables whose partitions are
/// published as what they are.
fn check_tables(cx: &mut ExecContext, p: &Publication) -> Result<()> {
    for t in p.tables.iter().filter(|t| t.filter.is_some() && !p.via_root) {
        let rel = super::constraint::relation(cx, t.table)?;
        if rel.is_partitioned() {
            let text = format!("cannot use publication WHERE clause for relation \"{}\"", rel.name);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text).detail(
                "WHERE clause cannot be used for a partitioned table when publish_via_partition_root is false.",
            ));
        }
    }
    for t in p.tables.iter().filter(|t| !t.columns.is_empty()) {
        let rel = super::constraint::relation(cx, t.table)?;
        let detail = match (p.schemas.is_empty(), rel.is_partitioned() && !p.via_root) {
            (false, _) => "Column lists cannot be specified in publications containing FOR TABLES IN SCHEMA elements.",
            (_, true) => {
                "Column lists cannot be specified for partitioned tables when publish_via_partition_root is false."
            }
            _ => continue,
        };
        let (schema, name) = (&rel.schema, &rel.name);
        let text = format!("cannot use column list for relation \"{schema}.{name}\" in publication \"{}\"", p.name);
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text).detail(detail));
    }
    Ok(())
}

/// # Errors
/// 22023 where partitions are no longer to be published by their root, whose condition or column list would have none.
fn check_via_root(cx: &mut ExecContext, p: &Publication) -> Result<()> {
    for t in p.tables.iter().filter(|t| t.filter.is_some() || !t.columns.is_empty()) {
        let rel = super::constraint::relation(cx, t.table)?;
        if rel.is_partitioned() {
            let what = if t.filter.is_some() { "WHERE clause" } else { "column list" };
            let text =
                format!("cannot set parameter \"publish_via_partition_root\" to false for publication \"{}\"", p.name);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text).detail(format!(
                "The publication contains a {what} for partitioned table \"{}\", which is not allowed when \"publish_via_partition_root\" is false.",
                rel.name
            )));
        }
    }
    Ok(())
}

/// The tables of publications that name a column or read it in their condition.
pub fn reading(cx: &mut ExecContext, table: Oid, attno: i16) -> Result<Vec<Oid>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut found = Vec::new();
    for record in catalog.all(class::PUBLICATION) {
        let Object::Publication(p) = &record.object else { continue };
        for t in p.tables.iter().filter(|t| t.table == table) {
            let reads = match &t.filter {
                Some(f) => replica_identity::filter_reads(&catalog, &cx.fx.io, table, f)?.contains(&attno),
                None => false,
            };
            if reads || t.columns.contains(&attno) {
                found.push(t.oid);
            }
        }
    }
    Ok(found)
}

/// What a table of a publication is called.
pub fn table_shown(cx: &mut ExecContext, oid: Oid) -> Result<String> {
    let catalog = cx.backend()?.catalog.clone();
    for record in catalog.all(class::PUBLICATION) {
        let Object::Publication(p) = &record.object else { continue };
        if let Some(t) = p.tables.iter().find(|t| t.oid == oid) {
            let table = super::drop::describe(cx, ObjectKey::new(class::RELATION, t.table))?;
            return Ok(format!("publication of {table} in publication {}", p.name));
        }
    }
    Ok(String::new())
}

/// Takes a table out of its publication.
pub fn remove_table(cx: &mut ExecContext, oid: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for record in catalog.all(class::PUBLICATION) {
        let Object::Publication(p) = &record.object else { continue };
        if p.tables.iter().any(|t| t.oid == oid) {
            let mut p = p.clone();
            p.tables.retain(|t| t.oid != oid);
            put(cx, Object::Publication(p))?;
        }
    }
    Ok(())
}

fn needs_superuser(cx: &mut ExecContext, list: &[PublicationObject], what: &str) -> Result<()> {
    let schemas = list.iter().any(|o| matches!(o, PublicationObject::Schema(..)));
    match schemas && !cx.backend()?.user.is_superuser {
        true => Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, what.to_owned())),
        false => Ok(()),
    }
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreatePublicationStmt) -> Flow<String> {
    let backend = cx.backend()?;
    let subject = crate::sql::exec::rights::subject(backend);
    let database = backend.catalog.database_by_oid(backend.database);
    let allowed = database.is_some_and(|d| subject.may(d.owner, d.acl.as_deref(), "", 'C', false));
    if !allowed {
        let text = format!("permission denied for database {}", backend.database_name);
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text)
            .place("aclcheck_error", "aclchk.c", 3512)
            .into());
    }
    if stmt.all_tables && !backend.user.is_superuser {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser to create FOR ALL TABLES publication").into());
    }
    let owner = backend.user.current;
    names::lock_name(cx, class::PUBLICATION, Oid::INVALID, &stmt.name)?;
    if named(&cx.backend()?.catalog, &stmt.name).is_ok() {
        return Err(err!(DUPLICATE_OBJECT, "publication \"{}\" already exists", stmt.name).into());
    }
    let given = options(cmd, &stmt.options)?;
    needs_superuser(cx, &stmt.objects, "must be superuser to create FOR TABLES IN SCHEMA publication")?;
    let (tables, schemas) = members(cmd, cx, &stmt.objects)?;
    let [insert, update, delete, truncate] = given.publish.unwrap_or([true; 4]);
    let made = Publication {
        oid: new_oid(cx)?,
        name: stmt.name.clone(),
        owner,
        all_tables: stmt.all_tables,
        insert,
        update,
        delete,
        truncate,
        via_root: given.via_root.unwrap_or(false),
        tables,
        schemas,
    };
    check_tables(cx, &made)?;
    put(cx, Object::Publication(made))?;
    if cx.backend()?.view.choice(Id::WalLevel) != "logical" {
        let text = "wal_level is insufficient to publish logical changes";
        let state = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
        let report = Report::notice(Severity::Warning, state, text.to_string());
        cx.notices.push(report.with_hint("Set wal_level to \"logical\" before creating subscriptions."));
    }
    Ok("CREATE PUBLICATION".into())
}

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterPublicationStmt) -> Flow<String> {
    let mut p = named(&cx.backend()?.catalog.clone(), &stmt.name)?;
    check_owner(cx, &p)?;
    let list = match &stmt.action {
        Action::Options(list) => {
            let given = options(cmd, list)?;
            if let Some(publish) = given.publish {
                [p.insert, p.update, p.delete, p.truncate] = publish;
            }
            if given.via_root == Some(false) {
                check_via_root(cx, &p)?;
            }
            p.via_root = given.via_root.unwrap_or(p.via_root);
            put(cx, Object::Publication(p))?;
            return Ok("ALTER PUBLICATION".into());
        }
        Action::Add(list) | Action::Set(list) | Action::Drop(list) => list,
    };
    if let (Action::Drop(_), Some(filtered)) = (&stmt.action, list.iter().find(|o| is_filtered(o))) {
        let what = match filtered {
            PublicationObject::Table(t) if t.filter.is_some() => "a WHERE clause",
            _ => "a column list",
        };
        let text = match what {
            "a column list" => "column list must not be specified in ALTER PUBLICATION ... DROP".to_owned(),
            _ => format!("cannot use {what} when removing a table from a publication"),
        };
        return Err(Error::new(SqlState::SYNTAX_ERROR, text).into());
    }
    needs_superuser(cx, list, "must be superuser to add or set schemas")?;
    if p.all_tables {
        let schemas = list.iter().any(|o| matches!(o, PublicationObject::Schema(..)));
        let word = if schemas { "Schemas" } else { "Tables" };
        let state = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
        return Err(Error::new(state, format!("publication \"{}\" is defined as FOR ALL TABLES", p.name))
            .detail(format!("{word} cannot be added to or dropped from FOR ALL TABLES publications."))
            .into());
    }
    let (tables, schemas) = members(cmd, cx, list)?;
    if matches!(stmt.action, Action::Add(_)) && !schemas.is_empty() && p.tables.iter().any(|t| !t.columns.is_empty()) {
        let text = format!("cannot add schema to publication \"{}\"", p.name);
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text)
            .detail(
                "Schemas cannot be added if any tables that specify a column list are already part of the publication.",
            )
            .into());
    }
    match &stmt.action {
        Action::Set(_) => (p.tables, p.schemas) = (tables, schemas),
        Action::Add(_) => add(cx, &mut p, tables, schemas)?,
        _ => take_out(cx, &mut p, &tables, &schemas)?,
    }
    check_tables(cx, &p)?;
    put(cx, Object::Publication(p))?;
    Ok("ALTER PUBLICATION".into())
}

fn is_filtered(o: &PublicationObject) -> bool {
    matches!(o, PublicationObject::Table(t) if t.filter.is_some() || !t.columns.is_empty())
}

fn add(cx: &mut ExecContext, p: &mut Publication, tables: Vec<PublishedTable>, schemas: Vec<(Oid, Oid)>) -> Result<()> {
    for t in tables {
        if p.tables.iter().any(|o| o.table == t.table) {
            let name = super::constraint::relation(cx, t.table)?.name.clone();
            let text = format!("relation \"{name}\" is already member of publication \"{}\"", p.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
        }
        p.tables.push(t);
    }
    for s in schemas {
        if p.schemas.iter().any(|o| o.1 == s.1) {
            let name = cx.backend()?.catalog.namespace(s.1).map(|n| n.name).unwrap_or_default();
            let text = format!("schema \"{name}\" is already member of publication \"{}\"", p.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
        }
        p.schemas.push(s);
    }
    Ok(())
}

fn take_out(
    cx: &mut ExecContext,
    p: &mut Publication,
    tables: &[PublishedTable],
    schemas: &[(Oid, Oid)],
) -> Result<()> {
    for t in tables {
        if !p.tables.iter().any(|o| o.table == t.table) {
            let name = super::constraint::relation(cx, t.table)?.name.clone();
            return Err(err!(UNDEFINED_OBJECT, "relation \"{name}\" is not part of the publication"));
        }
        p.tables.retain(|o| o.table != t.table);
    }
    for s in schemas {
        if !p.schemas.iter().any(|o| o.1 == s.1) {
            let name = cx.backend()?.catalog.namespace(s.1).map(|n| n.name).unwrap_or_default();
            return Err(err!(UNDEFINED_OBJECT, "tables from schema \"{name}\" are not part of the publication"));
        }
        p.schemas.retain(|o| o.1 != s.1);
    }
    Ok(())
}

pub fn drop(cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Name(name) = name else { continue };
        match named(&cx.backend()?.catalog.clone(), name.name()) {
            Ok(p) => {
                check_owner(cx, &p)?;
                targets.push(ObjectKey::new(class::PUBLICATION, p.oid));
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

/// What goes takes its place in publications along.
pub fn forget(cx: &mut ExecContext, gone: ObjectKey) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for record in catalog.all(class::PUBLICATION) {
        let Object::Publication(p) = &record.object else { continue };
        let mut p = p.clone();
        let before = (p.tables.len(), p.schemas.len());
        match gone.class {
            class::RELATION if gone.sub == 0 => p.tables.retain(|t| t.table != gone.oid),
            class::RELATION => {
                let reads = |t: &PublishedTable| t.table == gone.oid && t.columns.contains(&(gone.sub as i16));
                p.tables.retain(|t| !reads(t));
            }
            _ => p.schemas.retain(|s| s.1 != gone.oid),
        }
        if before != (p.tables.len(), p.schemas.len()) {
            put(cx, Object::Publication(p))?;
        }
    }
    Ok(())
}

/// Gives a column another name in the conditions of publications.
pub fn rename_column(cx: &mut ExecContext, table: Oid, old: &str, new: &str) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for record in catalog.all(class::PUBLICATION) {
        let Object::Publication(p) = &record.object else { continue };
        let mut p = p.clone();
        let mut changed = false;
        for t in p.tables.iter_mut().filter(|t| t.table == table) {
            if let Some(f) = &t.filter {
                t.filter = Some(stored_text::with_column_renamed(f, old, new)?);
                changed = true;
            }
        }
        if changed {
            put(cx, Object::Publication(p))?;
        }
    }
    Ok(())
}

/// ALTER PUBLICATION … OWNER TO.
pub fn set_owner(cx: &mut ExecContext, name: &str, new: Oid) -> Result<Object> {
    let mut p = named(&cx.backend()?.catalog.clone(), name)?;
    check_owner(cx, &p)?;
    p.owner = new;
    Ok(Object::Publication(p))
}

/// ALTER PUBLICATION … RENAME TO.
pub fn renamed(cx: &mut ExecContext, old: &str, new: &str) -> Result<Object> {
    let catalog = cx.backend()?.catalog.clone();
    let mut p = named(&catalog, old)?;
    check_owner(cx, &p)?;
    if named(&catalog, new).is_ok() {
        return Err(err!(DUPLICATE_OBJECT, "publication \"{new}\" already exists"));
    }
    p.name = new.to_owned();
    Ok(Object::Publication(p))
}
