//! The collations a query's columns have, for relations made of them. The server has one order of text: tools read these
//! back. PostgreSQL 15, parse_collate.c: an explicit COLLATE wins, two columns' that differ cancel each other out.

use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::fixed;
use crate::catalog::{Attribute, Catalog};
use crate::sql::ast::Stmt;
use crate::sql::bind::{self, BindContext, Query, Source, Written};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, ExprKind, Form};
use crate::types::{self, oid};

/// How strongly an expression insists on its collation.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Strength {
    None,
    Implicit,
    Explicit,
}

/// A collation derived; invalid: none, or those met disagree.
#[derive(Clone, Copy)]
struct Derived(Strength, Oid);

const DEFAULT: Derived = Derived(Strength::Implicit, fixed::DEFAULT_COLLATION);

/// Declares the columns of a new relation with the collations of the query they come from.
///
/// # Errors
/// 42P22 where those disagree.
pub fn declare(
    cx: &mut ExecContext,
    query: &Stmt,
    source: &str,
    attributes: &mut [Attribute],
    view: bool,
) -> Result<()> {
    if !attributes.iter().any(|a| own_collation(a.ty.oid).is_valid()) {
        return Ok(());
    }
    let catalog = cx.backend()?.catalog.clone();
    let names = Written(&*catalog);
    let mut bcx = BindContext { names: &names, io: &cx.fx.io, text: source, params: Vec::new(), infer_params: false };
    let bound = bind::bind_unsecured(&mut bcx, query)?;
    let found = outputs(&catalog, &[&bound]);
    for (a, Derived(_, found)) in attributes.iter_mut().zip(found) {
        let own = own_collation(a.ty.oid);
        if own.is_valid() && !found.is_valid() {
            let text = match view {
                true => format!("could not determine which collation to use for view column \"{}\"", a.name),
                false => {
                    let ty = types::format_type(a.ty.oid, -1, &*cx.fx.io.hooks);
                    format!("no collation was derived for column \"{}\" with collatable type {ty}", a.name)
                }
            };
            let hint = "Use the COLLATE clause to set the collation explicitly.";
            return Err(Error::new(SqlState::INDETERMINATE_COLLATION, text).hint(hint));
        }
        if own.is_valid() && found != own {
            a.declared.collation = found;
        }
    }
    Ok(())
}

fn own_collation(ty: Oid) -> Oid {
    types::info(ty).map_or(Oid::INVALID, |i| i.collation)
}

/// Of each output column of the innermost of some queries.
fn outputs(catalog: &Catalog, levels: &[&Query]) -> Vec<Derived> {
    let Some(query) = levels.last() else { return Vec::new() };
    if query.set_op.is_some() {
        let arms = query.rels.iter().filter_map(|r| match &r.source {
            Source::Subquery(q) => Some(outputs(catalog, &within(levels, q))),
            _ => None,
        });
        return arms.reduce(|a, b| a.into_iter().zip(b).map(|(a, b)| combine(a, b)).collect()).unwrap_or_default();
    }
    query.output().map(|t| of_expr(catalog, levels, &t.expr)).collect()
}

fn within<'q>(levels: &[&'q Query], query: &'q Query) -> Vec<&'q Query> {
    let mut deeper = levels.to_vec();
    deeper.push(query);
    deeper
}

fn of_expr(catalog: &Catalog, levels: &[&Query], e: &Expr) -> Derived {
    let own = own_collation(e.ty.oid);
    let derived = match &e.kind {
        ExprKind::Var { rel, attno, levels_up } => of_column(catalog, levels, (*rel, *attno), *levels_up),
        ExprKind::Written { form: Form::Collate(name), .. } => {
            let named = crate::sql::names::reg_in(catalog, oid::REGCOLLATION, name).unwrap_or(Oid::INVALID);
            Derived(Strength::Explicit, named)
        }
        ExprKind::SubLink(s) => outputs(catalog, &within(levels, &s.query)).first().copied().unwrap_or(DEFAULT),
        _ => {
            let mut all = Derived(Strength::None, Oid::INVALID);
            e.for_each_child(&mut |part| all = combine(all, of_expr(catalog, levels, part)));
            all
        }
    };
    match derived {
        _ if !own.is_valid() => Derived(Strength::None, Oid::INVALID),
        Derived(Strength::None, _) => Derived(Strength::Implicit, own),
        derived => derived,
    }
}

fn of_column(catalog: &Catalog, levels: &[&Query], (rel, attno): (usize, i16), up: usize) -> Derived {
    let Some(depth) = levels.len().checked_sub(up) else { return DEFAULT };
    let levels = &levels[..depth];
    let Some(rel) = levels.last().and_then(|q| q.rels.get(rel)) else { return DEFAULT };
    let Some(at) = usize::try_from(attno).ok().and_then(|n| n.checked_sub(1)) else { return DEFAULT };
    match &rel.source {
        Source::Table { rel, .. } => match rel.attributes.get(at).map_or(Oid::INVALID, |a| a.declared.collation) {
            declared if declared.is_valid() => Derived(Strength::Implicit, declared),
            _ if rel.oid < Oid::FIRST_NORMAL => Derived(Strength::Implicit, fixed::C_COLLATION),
            _ => Derived(Strength::None, Oid::INVALID),
        },
        Source::Values(rows) => {
            let values = rows.iter().filter_map(|row| row.get(at));
            let all = values.map(|e| of_expr(catalog, levels, e)).reduce(combine);
            all.map_or(DEFAULT, |all| implicit(Some(&all)))
        }
        Source::Subquery(q) => implicit(outputs(catalog, &within(levels, q)).get(at)),
        Source::Cte { index, levels_up } => {
            let Some(depth) = levels.len().checked_sub(*levels_up) else { return DEFAULT };
            let cte = levels[..depth].last().and_then(|q| q.ctes.get(*index)).filter(|c| !c.recursive);
            cte.map_or(DEFAULT, |c| implicit(outputs(catalog, &within(&levels[..depth], &c.query)).get(at)))
        }
        _ => Derived(Strength::None, Oid::INVALID),
    }
}

/// A sub-select's column is a column like others, however its collation came about.
fn implicit(column: Option<&Derived>) -> Derived {
    column.map_or(DEFAULT, |c| Derived(Strength::Implicit, c.1))
}

fn combine(a: Derived, b: Derived) -> Derived {
    let default = fixed::DEFAULT_COLLATION;
    match (a, b) {
        _ if a.0 != b.0 => {
            if a.0 > b.0 {
                a
            } else {
                b
            }
        }
        _ if a.1 == b.1 || b.1 == default => a,
        _ if a.1 == default => b,
        _ => Derived(a.0, Oid::INVALID),
    }
}
