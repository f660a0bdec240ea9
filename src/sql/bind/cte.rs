//! WITH: PostgreSQL 15, parse_cte.c.

use super::scope::{PendingCte, rename_columns};
use super::select::Unknowns;
use super::setop::output_mut;
use super::{Binder, Cte, Query, Recursion, RelColumn, Source};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast;
use crate::sql::expr::{Expr, ExprKind};

impl Binder<'_, '_> {
    /// Binds the CTEs of a WITH clause into the current scope.
    pub(super) fn with_clause(&mut self, with: &ast::WithClause) -> Result<()> {
        // Around a rule's action there is only the level of OLD and NEW.
        let outermost = self.scopes.len() == 1 + usize::from(self.scopes.first().is_some_and(|s| s.of_rule));
        for (i, cte) in with.ctes.iter().enumerate() {
            if with.ctes[..i].iter().any(|c| c.name == cte.name) {
                return Err(err!(DUPLICATE_ALIAS, "WITH query name \"{}\" specified more than once", cte.name)
                    .at(self.at(cte.pos)));
            }
            if !matches!(cte.query, ast::Stmt::Select(_)) && !outermost {
                return Err(err!(
                    FEATURE_NOT_SUPPORTED,
                    "WITH clause containing a data-modifying statement must be at the top level"
                )
                .at(self.at(cte.pos)));
            }
        }
        if with.recursive {
            let order = super::recursion::order(with).map_err(|(e, pos)| e.at(self.at(pos)))?;
            for (i, recursive) in order {
                let cte = &with.ctes[i];
                let bound = if recursive { self.recursive(cte)? } else { self.plain_cte(cte)? };
                self.scope().ctes.push(bound);
            }
            return Ok(());
        }
        for (i, cte) in with.ctes.iter().enumerate() {
            self.scope().later_ctes = with.ctes[i..].iter().map(|c| c.name.clone()).collect();
            let bound = self.plain_cte(cte);
            self.scope().later_ctes.clear();
            let bound = bound?;
            self.scope().ctes.push(bound);
        }
        Ok(())
    }

    fn plain_cte(&mut self, cte: &ast::CommonTable) -> Result<Cte> {
        if matches!(cte.query, ast::Stmt::Merge(_)) {
            return Err(Error::unsupported("MERGE not supported in WITH query").at(self.at(cte.pos)));
        }
        if cte.search.is_some() || cte.cycle.is_some() {
            return Err(err!(SYNTAX_ERROR, "WITH query is not recursive").at(self.at(cte.pos)));
        }
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
            renamed: !cte.columns.is_empty(),
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

    /// The WITH of the union itself is seen by both its sides.
    fn sides(cte: &ast::CommonTable) -> Result<(ast::SelectStmt, ast::SelectStmt, bool)> {
        let ast::Stmt::Select(s) = &cte.query else { return Err(Error::internal("a recursive query is a SELECT")) };
        let ast::SelectBody::SetOp(op) = &s.body else { return Err(Error::internal("a recursive query is a union")) };
        let side = |x: &ast::SelectStmt| match (&s.with, &x.with) {
            (None, _) => Ok(x.clone()),
            (Some(w), None) => Ok(ast::SelectStmt { with: Some(w.clone()), ..x.clone() }),
            (Some(_), Some(_)) => {
                Err(Error::unsupported("WITH both on a recursive query and on a side of its UNION is not supported"))
            }
        };
        Ok((side(&op.left)?, side(&op.right)?, op.all))
    }

    fn recursive(&mut self, cte: &ast::CommonTable) -> Result<Cte> {
        let (left_side, mut right_side, all) = Self::sides(cte)?;
        let extra = cte.search.is_some() || cte.cycle.is_some();
        if extra {
            self.carry_marks(cte, &left_side, &mut right_side)?;
        }
        let mut left = self.side(&left_side, Unknowns::Resolve, extra)?;
        let mut columns = columns_of(&left);
        rename_columns(&mut columns, &cte.columns, &cte.name)
            .map_err(|_| self.too_many_names(cte, &columns_of(&left)))?;
        let plain = columns.len();
        let marks = self.marks(cte, &columns)?;
        if let Some(m) = &marks {
            columns.extend(m.columns());
            left = self.mark_first(left, m)?;
        }
        let index = self.scope().ctes.len();
        let hidden = columns.len() - plain;
        let pending = PendingCte { name: cte.name.clone(), columns: columns.clone(), hidden, index };
        self.scope().pending.push(pending);
        let right = self.side(&right_side, Unknowns::Keep, extra);
        self.scope().pending.pop();
        let mut right = right?;
        self.union_types(cte, &left, &mut right, &columns)?;
        if !all && !columns.iter().all(|c| self.is_hashable(c.ty.oid)) {
            return Err(Error::unsupported("could not implement recursive UNION")
                .detail("All column datatypes must be hashable."));
        }
        if let Some(m) = &marks {
            right = self.mark_next(right, m)?;
        }
        Ok(Cte {
            name: cte.name.clone(),
            query: Box::new(left.clone()),
            columns,
            recursive: true,
            recursion: Some(Box::new(Recursion { left, right, distinct: !all, marks })),
            materialized: cte.materialized,
            renamed: !cte.columns.is_empty(),
            references: 0,
        })
    }

    /// Binds one side of the union, one level further in if it is to be wrapped.
    fn side(&mut self, s: &ast::SelectStmt, unknowns: Unknowns, wrapped: bool) -> Result<Query> {
        if wrapped {
            self.scopes.push(super::scope::Scope::default());
        }
        let out = self.select(s, Some(unknowns));
        if wrapped {
            self.scopes.pop();
        }
        out
    }

    /// The right side gives what the left one declares.
    fn union_types(
        &mut self,
        cte: &ast::CommonTable,
        left: &Query,
        right: &mut Query,
        columns: &[RelColumn],
    ) -> Result<()> {
        if right.output().count() != columns.len() {
            let pos = right.output().next().and_then(|t| t.expr.start());
            return Err(err!(SYNTAX_ERROR, "each UNION query must have the same number of columns")
                .at(pos.and_then(|p| self.at(p))));
        }
        for (i, c) in columns.iter().enumerate() {
            let Some(t) = output_mut(right, i) else { continue };
            let e = std::mem::replace(&mut t.expr, super::coerce::bool_const(false));
            let left_sample = Expr::new(ExprKind::CaseOperand, c.ty);
            let common = self.common_type(&[&left_sample, &e], Some("UNION"))?.unwrap_or(c.ty.oid);
            let typmod = super::coerce::common_typmod([&left_sample, &e].into_iter(), common);
            let overall = crate::types::TypeRef::with(common, typmod);
            if overall != c.ty {
                return Err(err!(
                    DATATYPE_MISMATCH,
                    "recursive query \"{}\" column {} has type {} in non-recursive term but type {} overall",
                    cte.name,
                    i + 1,
                    self.modified_type_name(c.ty),
                    self.modified_type_name(overall)
                )
                .hint("Cast the output of the non-recursive term to the correct type.")
                .at(left.output().nth(i).and_then(|t| t.expr.start()).and_then(|p| self.at(p))));
            }
            let e = self.to_common(e, common, "UNION")?;
            if let Some(t) = output_mut(right, i) {
                t.expr = e;
            }
        }
        Ok(())
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
