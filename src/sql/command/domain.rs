//! CREATE DOMAIN and ALTER DOMAIN.

use super::constraint::{choose_name, each_batch};
use super::types::{find, new_type, owned, place};
use super::write::{bind, new_oid, put, resolve_type};
use super::{Command, column, names, row_type, stored_text};
use crate::base::{Error, Flow, Oid, Result, SqlState, Stop};
use crate::catalog::object::{UserType, UserTypeKind, class};
use crate::catalog::{Catalog, Constraint, ConstraintKind as Kind, Object, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{
    self, AlterDomainAction, AlterDomainStmt, Constraint as Written, ConstraintKind, CreateDomainStmt, ExprKind,
};
use crate::sql::bind::domain::{over_value, value_relation};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::ExecContext;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Projection, Sel};
use crate::types::{self, Batch, ColumnData, TypeRef, oid};
use std::sync::Arc;

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateDomainStmt) -> Flow<String> {
    create_domain(cmd, cx, stmt).map_err(unplaced)
}

/// PostgreSQL reads a domain's expressions without knowing where they stand.
fn unplaced(stop: Stop) -> Stop {
    match stop {
        Stop::Error(e) => Stop::Error(e.without_position()),
        other => other,
    }
}

fn create_domain(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateDomainStmt) -> Flow<String> {
    let namespace = place(cx, &stmt.name)?;
    let base = resolve_type(cx, &cmd.source, &stmt.typ)?;
    let base_info = types::info(base.oid);
    if base_info.is_some_and(|i| i.is_pseudo()) {
        let shown = types::format_type_plain(base.oid, &*cx.fx.io.hooks);
        return Err(err!(DATATYPE_MISMATCH, "\"{shown}\" is not a valid base type for a domain").into());
    }
    super::write::check_usable(cx, base.oid)?;
    column::check_collation(cx, stmt.collation.as_ref())?;
    if stmt.collation.is_some() && base_info.is_none_or(|i| !i.collation.is_valid()) {
        let shown = types::format_type_plain(base.oid, &*cx.fx.io.hooks);
        return Err(err!(DATATYPE_MISMATCH, "collations are not supported by type {shown}").into());
    }
    let (inherited, collation) = match cx.backend()?.catalog.user_type(base.oid).map(|t| t.kind) {
        Some(UserTypeKind::Domain { default, collation, .. }) => (default, collation),
        _ => (None, Oid::INVALID),
    };
    let collation = match &stmt.collation {
        Some(name) => super::collation::named_oid(&cx.backend()?.catalog.clone(), name)?,
        None => collation,
    };
    let (mut default, mut given, mut null) = (inherited, false, None);
    for c in &stmt.constraints {
        refuse_impossible(c)?;
        match &c.kind {
            ConstraintKind::Check(_) if c.no_inherit => {
                return Err(err!(
                    INVALID_OBJECT_DEFINITION,
                    "check constraints for domains cannot be marked NO INHERIT"
                )
                .into());
            }
            ConstraintKind::Default(e) => {
                if std::mem::replace(&mut given, true) {
                    return Err(err!(SYNTAX_ERROR, "multiple default expressions").into());
                }
                default = default_text(cmd, cx, e, stmt.name.name(), base)?;
            }
            ConstraintKind::NotNull | ConstraintKind::Null => {
                let not_null = c.kind == ConstraintKind::NotNull;
                if null.is_some_and(|n| n != not_null) {
                    return Err(err!(SYNTAX_ERROR, "conflicting NULL/NOT NULL constraints").into());
                }
                null = Some(not_null);
            }
            _ => {}
        }
    }
    let mut checks = Vec::new();
    for c in stmt.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Check(_))) {
        let made = check(cmd, cx, c, (namespace, stmt.name.name()), base, &checks)?.0;
        checks.push(made);
    }
    let dimensions = stmt.typ.array_bounds.len() as u16;
    let kind = UserTypeKind::Domain { base, collation, not_null: null == Some(true), default, checks, dimensions };
    let made = new_type(cx, stmt.name.name(), namespace, kind)?;
    put(cx, Object::Type(made))?;
    Ok("CREATE DOMAIN".into())
}

/// What a column can have and a domain cannot.
fn refuse_impossible(c: &Written) -> Result<()> {
    let what = match &c.kind {
        ConstraintKind::Unique(_) => "unique",
        ConstraintKind::PrimaryKey(_) => "primary key",
        ConstraintKind::Exclude(_) => "exclusion",
        ConstraintKind::ForeignKey(_) => "foreign key",
        _ if c.deferrable || c.initially_deferred => {
            return Err(Error::unsupported("specifying constraint deferrability not supported for domains"));
        }
        ConstraintKind::Generated(_) => return Err(Error::unsupported("domains cannot be generated")),
        ConstraintKind::Identity { .. } => return Err(Error::unsupported("domains cannot be identities")),
        _ => return Ok(()),
    };
    Err(err!(SYNTAX_ERROR, "{what} constraints not possible for domains"))
}

/// The text of a default; None for NULL.
fn default_text(
    cmd: &Command,
    cx: &mut ExecContext,
    e: &ast::Expr,
    name: &str,
    base: TypeRef,
) -> Result<Option<Arc<str>>> {
    let bound = bind(cx, &cmd.source, e, None, Clause::Default, Some((name, base)))?;
    if matches!(bound.kind, crate::sql::expr::ExprKind::Const(crate::types::Value::Null)) {
        return Ok(None);
    }
    stored_text::text_of(cx, e, Some(types::domain_base(base))).map(Some)
}

/// A CHECK as the catalog keeps it, and bound.
fn check(
    cmd: &Command,
    cx: &mut ExecContext,
    c: &Written,
    (namespace, domain): (Oid, &str),
    base: TypeRef,
    others: &[Constraint],
) -> Result<(Constraint, Expr)> {
    let ConstraintKind::Check(e) = &c.kind else { return Err(Error::internal("not a CHECK")) };
    let name = match &c.name {
        Some(name) if others.iter().any(|o| o.name == *name) => {
            return Err(err!(DUPLICATE_OBJECT, "constraint \"{name}\" for domain \"{domain}\" already exists"));
        }
        Some(name) => name.clone(),
        None => choose_name(&cx.backend()?.catalog, namespace, others, (domain, ""), "check"),
    };
    let bound = bind(cx, &cmd.source, e, Some(&value_relation(base)), Clause::Check, None)?;
    column::check_boolean(cx, &bound, "CHECK", cmd.at(e.start()))?;
    let made = Constraint {
        oid: new_oid(cx)?,
        name,
        kind: Kind::Check,
        columns: Vec::new(),
        check: Some(check_text(cx, e)?),
        index: Oid::INVALID,
        foreign: None,
        deferrable: false,
        deferred: false,
        validated: !c.skip_validation,
        inherited: 0,
        local: true,
        no_inherit: false,
        parent: Oid::INVALID,
    };
    Ok((made, over_value(bound)?))
}

/// Stands for the value while a condition is written out; no name people write.
const MARK: &str = "\u{1}value";

/// A condition's text; the value is shown in capitals.
fn check_text(cx: &mut ExecContext, e: &ast::Expr) -> Result<Arc<str>> {
    let mut marked = e.clone();
    mark(&mut marked);
    let text = stored_text::text_of(cx, &marked, Some(TypeRef::of(oid::BOOL)))?;
    Ok(unmarked(&text))
}

/// The same of one that was kept before.
///
/// # Errors
/// It cannot be written out.
pub fn condition_text(mut e: ast::Expr) -> Result<Arc<str>> {
    mark(&mut e);
    Ok(unmarked(&ast::deparse::expr(&e)?))
}

fn unmarked(text: &str) -> Arc<str> {
    text.replace(&format!("\"{MARK}\""), "VALUE").into()
}

fn mark(e: &mut ast::Expr) {
    e.rewrite(&mut |e| {
        if let ExprKind::Column { parts, .. } = &mut e.kind
            && let [one] = parts.as_mut_slice()
            && one == "value"
        {
            *one = MARK.into();
        }
    });
}

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterDomainStmt) -> Flow<String> {
    alter_domain(cmd, cx, stmt).map_err(unplaced)
}

fn alter_domain(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterDomainStmt) -> Flow<String> {
    let found = find(cx, &stmt.name.parts)?;
    let Some(mut t) = found else { return Err(no_domain(cx, &stmt.name.parts).into()) };
    if !matches!(t.kind, UserTypeKind::Domain { .. }) {
        return Err(err!(WRONG_OBJECT_TYPE, "{} is not a domain", t.name).into());
    }
    owned(cx, &t)?;
    names::lock_name(cx, class::TYPE, t.namespace, &t.oid.to_string())?;
    let domain = t.name.clone();
    let typ = t.oid;
    let UserTypeKind::Domain { base, not_null, default, checks, .. } = &mut t.kind else { return Ok(String::new()) };
    match &stmt.action {
        AlterDomainAction::SetDefault(e) => *default = default_text(cmd, cx, e, &domain, *base)?,
        AlterDomainAction::DropDefault => *default = None,
        AlterDomainAction::SetNotNull => {
            if !*not_null {
                no_nulls(cx, typ, &domain)?;
            }
            *not_null = true;
        }
        AlterDomainAction::DropNotNull => *not_null = false,
        AlterDomainAction::AddConstraint(c) => {
            refuse_impossible(c)?;
            let (made, bound) = check(cmd, cx, c, (t.namespace, &domain), *base, checks)?;
            if made.validated {
                validate(cx, typ, &domain, &bound)?;
            }
            checks.push(made);
        }
        AlterDomainAction::DropConstraint { name, missing_ok, behavior: _ } => {
            let before = checks.len();
            checks.retain(|c| c.name != *name);
            if checks.len() == before {
                let text = format!("constraint \"{name}\" of domain \"{domain}\" does not exist");
                if !missing_ok {
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, text).into());
                }
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
            }
        }
        AlterDomainAction::ValidateConstraint(name) => {
            let Some(c) = checks.iter_mut().find(|c| c.name == *name) else {
                return Err(
                    err!(UNDEFINED_OBJECT, "constraint \"{name}\" of domain \"{domain}\" does not exist").into()
                );
            };
            if !c.validated {
                let text = c.check.clone().unwrap_or_default();
                let rel = value_relation(*base);
                let bound = bind(cx, &text, &stored_text::parse(&text)?, Some(&rel), Clause::Check, None)?;
                validate(cx, typ, &domain, &over_value(bound)?)?;
                c.validated = true;
            }
        }
    }
    put(cx, Object::Type(t))?;
    Ok("ALTER DOMAIN".into())
}

fn no_domain(cx: &mut ExecContext, name: &[String]) -> Error {
    let name = name.join(".");
    match types::parse_type(&name, &*cx.fx.io.hooks) {
        Ok(t) => {
            let shown = types::format_type_plain(t.oid, &*cx.fx.io.hooks);
            err!(WRONG_OBJECT_TYPE, "{shown} is not a domain")
        }
        Err(_) => err!(UNDEFINED_OBJECT, "type \"{name}\" does not exist"),
    }
}

/// `ALTER DOMAIN … RENAME CONSTRAINT`.
pub fn rename_constraint(cx: &mut ExecContext, domain: &ast::QualName, old: &str, new: &str) -> Flow<()> {
    let Some(mut t) = find(cx, &domain.parts)? else { return Err(no_domain(cx, &domain.parts).into()) };
    owned(cx, &t)?;
    names::lock_name(cx, class::TYPE, t.namespace, &t.oid.to_string())?;
    let shown = types::format_type_plain(t.oid, &*cx.fx.io.hooks);
    let UserTypeKind::Domain { checks, .. } = &mut t.kind else {
        return Err(err!(WRONG_OBJECT_TYPE, "{shown} is not a domain").into());
    };
    let Some(at) = checks.iter().position(|c| c.name == old) else {
        return Err(err!(UNDEFINED_OBJECT, "constraint \"{old}\" for domain {shown} does not exist").into());
    };
    if checks.iter().any(|c| c.name == new) {
        return Err(err!(DUPLICATE_OBJECT, "constraint \"{new}\" for domain {shown} already exists").into());
    }
    checks[at].name = new.into();
    put(cx, Object::Type(t))?;
    Ok(())
}

/// A domain's constraint by name, for COMMENT.
pub fn constraint_oid(cx: &mut ExecContext, domain: &[String], name: &str) -> Result<Oid> {
    let Some(t) = find(cx, domain)? else { return Err(no_domain(cx, domain)) };
    owned(cx, &t)?;
    let shown = types::format_type_plain(t.oid, &*cx.fx.io.hooks);
    let UserTypeKind::Domain { checks, .. } = &t.kind else {
        return Err(err!(WRONG_OBJECT_TYPE, "{shown} is not a domain"));
    };
    let found = checks.iter().find(|c| c.name == name);
    found
        .map(|c| c.oid)
        .ok_or_else(|| err!(UNDEFINED_OBJECT, "constraint \"{name}\" for domain {shown} does not exist"))
}

/// The domain and those made over it, and what else has such values inside.
fn family(catalog: &Catalog, typ: Oid) -> (Vec<UserType>, Vec<Oid>) {
    let (mut family, mut inside): (Vec<UserType>, Vec<Oid>) = Default::default();
    for oid in row_type::holding(catalog, typ) {
        // What a domain is made over comes before it.
        let is_one = |t: &UserType| {
            t.oid == typ
                || matches!(&t.kind, UserTypeKind::Domain { base, .. } if family.iter().any(|d| d.oid == base.oid))
        };
        match catalog.user_type(oid).filter(is_one) {
            Some(t) => family.push(t),
            None => inside.push(oid),
        }
    }
    (family, inside)
}

/// Calls `f` for all rows of tables with columns of the domain or of one made over it, which nobody changes meanwhile.
///
/// # Errors
/// 0A000 for columns that hold such values inside of others.
fn each_use(
    cx: &mut ExecContext,
    typ: Oid,
    domain: &str,
    f: &mut dyn FnMut(&mut ExecContext, &Relation, usize, &Batch) -> Result<()>,
) -> Flow<()> {
    let catalog = cx.backend()?.catalog.clone();
    let (family, inside) = family(&catalog, typ);
    let of_family = |t: Oid| family.iter().any(|d| d.oid == t);
    let all: Vec<Oid> = family.iter().map(|t| t.oid).chain(inside.iter().copied()).collect();
    for record in row_type::having(&catalog, &all) {
        let Ok(c) = record.object.as_class() else { continue };
        let uses = |a: &&crate::catalog::Attribute| !a.dropped && (of_family(a.ty.oid) || inside.contains(&a.ty.oid));
        if c.index.is_some() || !c.attributes.iter().any(|a| uses(&a)) || !c.node.is_valid() {
            continue;
        }
        cx.backend()?.txn.lock_relation(c.oid, LockMode::Share)?;
        let Some(rel) = cx.backend()?.catalog.relation(c.oid)? else { continue };
        let used: Vec<usize> = (0..rel.attributes.len()).filter(|n| uses(&&rel.attributes[*n])).collect();
        if let Some(n) = used.iter().find(|n| inside.contains(&rel.attributes[**n].ty.oid)) {
            return Err(Error::unsupported(format!(
                "cannot alter type \"{domain}\" because column \"{}.{}\" uses it",
                rel.name, rel.attributes[*n].name
            ))
            .into());
        }
        each_batch(cx, &rel, &mut |cx, batch| used.iter().try_for_each(|n| f(cx, &rel, *n, batch)))?;
    }
    Ok(())
}

fn no_nulls(cx: &mut ExecContext, typ: Oid, domain: &str) -> Flow<()> {
    each_use(cx, typ, domain, &mut |_, rel, n, batch| {
        if (0..batch.rows).all(|r| !batch.columns[n].is_null(r)) {
            return Ok(());
        }
        let column = &rel.attributes[n].name;
        Err(err!(NOT_NULL_VIOLATION, "column \"{column}\" of table \"{}\" contains null values", rel.name)
            .table(rel.schema.clone(), rel.name.clone())
            .column(column.clone()))
    })
}

fn validate(cx: &mut ExecContext, typ: Oid, domain: &str, bound: &Expr) -> Flow<()> {
    let mut test = Projection::new(std::slice::from_ref(bound));
    each_use(cx, typ, domain, &mut |cx, rel, n, batch| {
        let values = Batch { columns: vec![batch.columns[n].clone()], rows: batch.rows };
        let answer = test.run(cx, &values, Sel::All(values.rows)).map_err(Stop::into_error)?;
        let ColumnData::Bool(truths) = &answer[0].data else { return Ok(()) };
        if (0..values.rows).all(|r| truths[r] || answer[0].is_null(r)) {
            return Ok(());
        }
        let column = &rel.attributes[n].name;
        let text =
            format!("column \"{column}\" of table \"{}\" contains values that violate the new constraint", rel.name);
        Err(Error::new(SqlState::CHECK_VIOLATION, text)
            .table(rel.schema.clone(), rel.name.clone())
            .column(column.clone()))
    })
}
