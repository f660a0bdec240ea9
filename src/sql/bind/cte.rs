//! WITH: PostgreSQL 15, parse_cte.c.

use super::scope::{PendingCte, rename_columns};
use super::setop::output_mut;
use super::{Binder, Cte, Query, Recursion, RelColumn, Source};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast;
use crate::sql::expr::ExprKind;

impl Binder<'_, '_> {
    /// Binds the CTEs of a WITH clause into the current scope.
    pub(super) fn with_clause(&mut self, with: &ast::WithClause) -> Result<()> {
        for (i, cte) in with.ctes.iter().enumerate() {
            if with.ctes[..i].iter().any(|c| c.name == cte.name) {
                return Err(err!(DUPLICATE_ALIAS, "WITH query name \"{}\" specified more than once", cte.name)
                    .at(self.at(cte.pos)));
            }
            if !matches!(cte.query, ast::Stmt::Select(_)) && self.scopes.len() > 1 {
                return Err(err!(
                    FEATURE_NOT_SUPPORTED,
                    "WITH clause containing a data-modifying statement must be at the top level"
                )
                .at(self.at(cte.pos)));
            }
            if cte.search.is_some() {
                return Err(Error::unsupported("WITH ... SEARCH is not supported").at(self.at(cte.pos)));
            }
            if cte.cycle.is_some() {
                return Err(Error::unsupported("WITH ... CYCLE is not supported").at(self.at(cte.pos)));
            }
            let bound = match recursive_body(with, cte) {
                Some(op) => match self.recursive(cte, op)? {
                    Some(c) => c,
                    None => self.plain_cte(cte)?,
                },
                None => self.plain_cte(cte)?,
            };
            self.scope().ctes.push(bound);
        }
        Ok(())
    }

    fn plain_cte(&mut self, cte: &ast::CommonTable) -> Result<Cte> {
        let query = self.statement(&cte.query, false)?;
        let mut columns = columns_of(&query);
        rename_columns(&mut columns, &cte.columns, &cte.name)
            .map_err(|_| self.too_many_names(cte, &columns_of(&query)))?;
        Ok(Cte {
            name: cte.name.clone(),
            query: Box::new(query),
            columns,
            recursive: false,
            recursion: None,
            materialized: cte.materialized,
            references: 0,
        })
    }

    fn too_many_names(&self, cte: &ast::CommonTable, columns: &[RelColumn]) -> Error {
        err!(
            INVALID_COLUMN_REFERENCE,
            "WITH query \"{}\" has {} columns available but {} columns specified",
            cte.name,
            columns.len(),
            cte.columns.len()
        )
        .at(self.at(cte.pos))
    }

    /// None: the right side does not name the query, so it is not recursive at all.
    fn recursive(&mut self, cte: &ast::CommonTable, op: &ast::SetOp) -> Result<Option<Cte>> {
        let index = self.scope().ctes.len();
        self.scope().pending.push(PendingCte { name: cte.name.clone(), columns: None, index, used: false });
        let left = self.select(&op.left, None);
        let used = self.scope().pending.pop().is_some_and(|p| p.used);
        if used {
            return Err(err!(
                INVALID_RECURSION,
                "recursive reference to query \"{}\" must not appear within its non-recursive term",
                cte.name
            )
            .at(self.at(cte.pos)));
        }
        let left = left?;
        let mut columns = columns_of(&left);
        rename_columns(&mut columns, &cte.columns, &cte.name)
            .map_err(|_| self.too_many_names(cte, &columns_of(&left)))?;
        self.scope().pending.push(PendingCte {
            name: cte.name.clone(),
            columns: Some(columns.clone()),
            index,
            used: false,
        });
        let right = self.select(&op.right, Some(super::select::Unknowns::Keep));
        let used = self.scope().pending.pop().is_some_and(|p| p.used);
        if !used {
            return Ok(None);
        }
        let mut right = right?;
        if op.kind != ast::SetOpKind::Union {
            return Err(err!(
                INVALID_RECURSION,
                "recursive query \"{}\" does not have the form non-recursive-term UNION [ALL] recursive-term",
                cte.name
            )
            .at(self.at(cte.pos)));
        }
        if right.has_aggregates {
            return Err(err!(
                INVALID_RECURSION,
                "aggregate functions are not allowed in a recursive query's recursive term"
            )
            .at(self.at(cte.pos)));
        }
        let have = right.output().count();
        if have != columns.len() {
            return Err(err!(SYNTAX_ERROR, "each UNION query must have the same number of columns"));
        }
        for (i, c) in columns.iter().enumerate() {
            let Some(t) = output_mut(&mut right, i) else { continue };
            let e = std::mem::replace(&mut t.expr, super::coerce::bool_const(false));
            let left_sample = crate::sql::expr::Expr::new(ExprKind::CaseOperand, c.ty);
            let common = self.common_type(&[&left_sample, &e], Some("UNION"))?.unwrap_or(c.ty.oid);
            if common != c.ty.oid {
                return Err(err!(
                    DATATYPE_MISMATCH,
                    "recursive query \"{}\" column {} has type {} in non-recursive term but type {} overall",
                    cte.name,
                    i + 1,
                    self.type_name(c.ty.oid),
                    self.type_name(common)
                )
                .hint("Cast the output of the non-recursive term to the correct type.")
                .at(left.output().nth(i).and_then(|t| t.expr.pos).and_then(|p| self.at(p))));
            }
            let e = self.to_common(e, common, "UNION")?;
            if let Some(t) = output_mut(&mut right, i) {
                t.expr = e;
            }
        }
        Ok(Some(Cte {
            name: cte.name.clone(),
            query: Box::new(left.clone()),
            columns,
            recursive: true,
            recursion: Some(Box::new(Recursion { left, right, distinct: !op.all })),
            materialized: cte.materialized,
            references: 0,
        }))
    }
}

/// The union of a CTE that may be recursive.
fn recursive_body<'a>(with: &ast::WithClause, cte: &'a ast::CommonTable) -> Option<&'a ast::SetOp> {
    if !with.recursive {
        return None;
    }
    let ast::Stmt::Select(s) = &cte.query else { return None };
    if s.with.is_some() || !s.order_by.is_empty() || s.limit.is_some() || s.offset.is_some() {
        return None;
    }
    match &s.body {
        ast::SelectBody::SetOp(op) => Some(op),
        _ => None,
    }
}

pub(super) fn columns_of(query: &Query) -> Vec<RelColumn> {
    query.output().map(|t| RelColumn { name: t.name.clone(), ty: t.expr.ty, dropped: false }).collect()
}

/// A query that moved one level in names CTEs outside itself one level further out.
pub(super) fn raise_cte_levels(query: &mut Query, depth: usize) {
    for rel in &mut query.rels {
        match &mut rel.source {
            Source::Cte { levels_up, .. } | Source::WorkTable { levels_up, .. } if *levels_up > depth => {
                *levels_up += 1;
            }
            _ => {}
        }
    }
    query.for_each_query_mut(&mut |q| raise_cte_levels(q, depth + 1));
    query.for_each_expr_mut(&mut |e| raise_in_expr(e, depth));
}

fn raise_in_expr(e: &mut crate::sql::expr::Expr, depth: usize) {
    e.for_each_child_mut(&mut |c| raise_in_expr(c, depth));
    if let ExprKind::SubLink(l) = &mut e.kind {
        raise_cte_levels(&mut l.query, depth + 1);
    }
}
