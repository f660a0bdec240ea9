//! Constraints of domains, kept as text in their catalog objects and bound once per version of them.

use super::scope::Clause;
use super::stored::parse_expression;
use super::{BindContext, Names, bind_expr};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::UserTypeKind;
use crate::catalog::{Attribute, Record, Relation};
use crate::sql::ast;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{IoContext, TypeRef};
use std::sync::Arc;

/// What one domain demands, without the domains it is made over.
#[derive(Debug)]
pub struct DomainLevel {
    pub base: Oid,
    pub not_null: bool,
    /// Name and condition in the order of their names; `Column(0)` is the value.
    pub checks: Vec<(String, Expr)>,
}

/// A relation whose only column is the value: what a CHECK of a domain may name.
pub fn value_relation(base: TypeRef) -> Arc<Relation> {
    Arc::new(Relation::of_columns(Oid::INVALID, "", &[Attribute::new("value", 1, base)]))
}

/// A bound condition over [`value_relation`] as the executor takes it.
///
/// # Errors
/// 42P10 if it names more than the value.
pub fn over_value(mut bound: Expr) -> Result<Expr> {
    let mut odd = false;
    bound.rewrite(&mut |e| {
        e.pos = None;
        if let ExprKind::Var { attno, .. } = e.kind {
            odd |= attno != 1;
            e.kind = ExprKind::Column(0);
        }
    });
    if odd {
        return Err(Error::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            "cannot use table references in domain check constraint",
        ));
    }
    Ok(bound)
}

/// The bound constraints of a record that is a domain; None for anything else.
pub fn domain_level(record: &Record, names: &dyn Names, io: &IoContext) -> Result<Option<Arc<DomainLevel>>> {
    if let Some(kept) = record.bound.get()
        && let Ok(level) = kept.clone().downcast::<DomainLevel>()
    {
        return Ok(Some(level));
    }
    let Ok(t) = record.object.as_type() else { return Ok(None) };
    let UserTypeKind::Domain { base, not_null, checks, .. } = &t.kind else { return Ok(None) };
    let mut level = DomainLevel { base: base.oid, not_null: *not_null, checks: Vec::new() };
    for c in checks {
        let Some(text) = &c.check else { continue };
        let source = format!("SELECT {text}");
        let _all = super::user_code::Everywhere::reach();
        let mut cx = BindContext { names, io, text: &source, params: Vec::new(), infer_params: false };
        let expr: ast::Expr = parse_expression(text)?;
        let bound = bind_expr(&mut cx, &expr, Some(&value_relation(*base)), Clause::Check, None)?;
        level.checks.push((c.name.clone(), over_value(bound)?));
    }
    level.checks.sort_by(|a, b| a.0.cmp(&b.0));
    let level = Arc::new(level);
    // Whoever came first wins; both are equal.
    let _ = record.bound.set(level.clone());
    Ok(Some(level))
}
