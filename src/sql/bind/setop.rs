//! UNION, INTERSECT, EXCEPT: PostgreSQL 15, analyze.c, transformSetOperationStmt.

use super::coerce::common_typmod;
use super::scope::{Clause, NsColumn, NsItem, var};
use super::select::Unknowns;
use super::{Binder, OrderItem, Query, Rel, RelColumn, SetTree, Source, Target};
use crate::base::Result;
use crate::err;
use crate::sql::ast;
use crate::sql::expr::Expr;
use crate::sql::parse::check_stack;
use crate::sql::plan::SetOpKind;
use crate::types::{TypeRef, oid};

impl Binder<'_, '_> {
    pub(super) fn set_operation(&mut self, op: &ast::SetOp, s: &ast::SelectStmt, unknowns: Unknowns) -> Result<Query> {
        if let Some(l) = s.locking.first() {
            return Err(err!(
                FEATURE_NOT_SUPPORTED,
                "{} is not allowed with UNION/INTERSECT/EXCEPT",
                l.strength.clause()
            ));
        }
        let mut leaves = Vec::new();
        let mut tree = self.set_node(op, &mut leaves)?;
        let types = self.set_types(&mut tree, &mut leaves, op)?;
        let _ = unknowns;
        let mut query = Query::default();
        let names: Vec<String> = leaves[0].output().map(|t| t.name.clone()).collect();
        let origins: Vec<_> = leaves[0].output().map(|t| t.origin).collect();
        let _ = origins;
        for (i, leaf) in leaves.into_iter().enumerate() {
            let columns =
                leaf.output().map(|t| RelColumn { name: t.name.clone(), ty: t.expr.ty, dropped: false }).collect();
            self.add_rel(Rel::new(format!("*SELECT* {}", i + 1), Source::Subquery(Box::new(leaf)), columns));
        }
        query.targets = names
            .into_iter()
            .zip(&types)
            .enumerate()
            .map(|(i, (name, ty))| Target { name, expr: var(0, i as i16 + 1, *ty), junk: false, origin: None })
            .collect();
        query.set_op = Some(tree);
        for item in &s.order_by {
            let Some(target) = self.output_position(&item.expr, &query.targets, "ORDER BY", false)? else {
                if let ast::ExprKind::Column { parts, star: false } = &item.expr.kind
                    && let [name] = &parts[..]
                {
                    return Err(self.missing_column(None, name, item.expr.pos));
                }
                self.result_expr(&item.expr, &query.targets)?;
                return Err(err!(FEATURE_NOT_SUPPORTED, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
                    .detail("Only result column names can be used, not expressions or functions.")
                    .hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
                    .at(self.at(item.expr.start())));
            };
            let (desc, nulls_first) = self.direction(item)?;
            self.require_order(query.targets[target].expr.ty.oid, None)?;
            if !query.order_by.iter().any(|o| o.target == target) {
                query.order_by.push(OrderItem { target, desc, nulls_first });
            }
        }
        self.limits(s, &mut query)?;
        Ok(query)
    }

    /// Whether an expression over the result's columns means anything: what is wrong with it is told before that there
    /// may be none.
    fn result_expr(&mut self, e: &ast::Expr, targets: &[Target]) -> Result<()> {
        let column = |t: &Target| NsColumn {
            name: t.name.clone(),
            expr: t.expr.clone(),
            origin: None,
            hidden: false,
            lost: false,
        };
        let item = NsItem {
            name: None,
            schema: None,
            columns: targets.iter().map(column).collect(),
            rel: None,
            rel_visible: false,
            columns_visible: true,
            system_visible: false,
            lateral_only: false,
            lateral_ok: true,
        };
        self.scope().items.push(item);
        let before = std::mem::replace(&mut self.scope().clause, Clause::OrderBy);
        let bound = self.expr(e);
        self.scope().clause = before;
        self.scope().items.pop();
        bound.map(|_| ())
    }

    fn set_node(&mut self, op: &ast::SetOp, leaves: &mut Vec<Query>) -> Result<SetTree> {
        check_stack()?;
        let left = self.set_side(&op.left, leaves)?;
        let right = self.set_side(&op.right, leaves)?;
        let kind = match op.kind {
            ast::SetOpKind::Union => SetOpKind::Union,
            ast::SetOpKind::Intersect => SetOpKind::Intersect,
            ast::SetOpKind::Except => SetOpKind::Except,
        };
        Ok(SetTree::Node { op: kind, all: op.all, left: Box::new(left), right: Box::new(right) })
    }

    fn set_side(&mut self, s: &ast::SelectStmt, leaves: &mut Vec<Query>) -> Result<SetTree> {
        let plain = s.with.is_none()
            && s.order_by.is_empty()
            && s.limit.is_none()
            && s.offset.is_none()
            && s.locking.is_empty();
        if let (ast::SelectBody::SetOp(op), true) = (&s.body, plain) {
            return self.set_node(op, leaves);
        }
        // A leaf sees nothing of this level.
        let query = self.select(s, Some(Unknowns::Keep))?;
        leaves.push(query);
        Ok(SetTree::Leaf(leaves.len() - 1))
    }

    /// Gives every column of the tree one type, converting the leaves' outputs.
    fn set_types(&mut self, tree: &mut SetTree, leaves: &mut [Query], op: &ast::SetOp) -> Result<Vec<TypeRef>> {
        match tree {
            SetTree::Leaf(i) => Ok(leaves[*i].output().map(|t| t.expr.ty).collect()),
            SetTree::Node { left, right, op: kind, .. } => {
                let l = self.set_types(left, leaves, op)?;
                let r = self.set_types(right, leaves, op)?;
                let word = match kind {
                    SetOpKind::Union => "UNION",
                    SetOpKind::Intersect => "INTERSECT",
                    SetOpKind::Except => "EXCEPT",
                };
                if l.len() != r.len() {
                    let pos = first_pos(right, leaves);
                    return Err(err!(SYNTAX_ERROR, "each {word} query must have the same number of columns")
                        .at(pos.and_then(|p| self.at(p))));
                }
                let mut out = Vec::with_capacity(l.len());
                for (i, (a, b)) in l.into_iter().zip(r).enumerate() {
                    let (x, y) = (sample(left, leaves, i, a), sample(right, leaves, i, b));
                    let ty = self.common_type(&[&x, &y], Some(word))?.unwrap_or(oid::TEXT);
                    self.retype(left, leaves, i, ty, word)?;
                    self.retype(right, leaves, i, ty, word)?;
                    let (x, y) = (sample(left, leaves, i, a), sample(right, leaves, i, b));
                    let typmod = if a.oid == ty && b.oid == ty && a.typmod != b.typmod {
                        -1
                    } else {
                        common_typmod([&x, &y].into_iter(), ty)
                    };
                    out.push(TypeRef::with(ty, typmod));
                    let whole = *kind != SetOpKind::Union;
                    if whole {
                        self.require_equality(ty, x.pos)?;
                    }
                }
                Ok(out)
            }
        }
    }

    fn retype(
        &mut self,
        tree: &SetTree,
        leaves: &mut [Query],
        column: usize,
        ty: crate::base::Oid,
        word: &str,
    ) -> Result<()> {
        match tree {
            SetTree::Leaf(i) => {
                if let Some(t) = output_mut(&mut leaves[*i], column)
                    && t.expr.ty.oid != ty
                {
                    let e = std::mem::replace(&mut t.expr, super::coerce::bool_const(false));
                    let e = self.to_common(e, ty, word)?;
                    if let Some(t) = output_mut(&mut leaves[*i], column) {
                        t.expr = e;
                    }
                }
                Ok(())
            }
            SetTree::Node { left, right, .. } => {
                self.retype(left, leaves, column, ty, word)?;
                self.retype(right, leaves, column, ty, word)
            }
        }
    }
}

/// The n-th visible output column.
pub(super) fn output_mut(query: &mut Query, n: usize) -> Option<&mut Target> {
    query.targets.iter_mut().filter(|t| !t.junk).nth(n)
}

/// An expression that has the column's type and position.
fn sample(tree: &SetTree, leaves: &[Query], column: usize, ty: TypeRef) -> Expr {
    let mut node = tree;
    loop {
        match node {
            SetTree::Leaf(i) => {
                return match leaves[*i].output().nth(column) {
                    Some(t) => t.expr.clone(),
                    None => Expr::new(crate::sql::expr::ExprKind::CaseOperand, ty),
                };
            }
            SetTree::Node { left, .. } => node = left,
        }
    }
}

fn first_pos(tree: &SetTree, leaves: &[Query]) -> Option<u32> {
    sample(tree, leaves, 0, TypeRef::of(oid::UNKNOWN)).pos
}
