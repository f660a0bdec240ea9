//! Calls of functions written in SQL, replaced by what they compute. PostgreSQL 15, clauses.c, inline_function and
//! inline_set_returning_function: same rules for which calls, and for what may become of their arguments.

use super::PlanContext;
use super::cost::exprs_cost;
use super::fold::{Folder, has_volatile};
use crate::base::Oid;
use crate::catalog::Record;
use crate::sql::bind::scope::raise_levels;
use crate::sql::bind::{Distinct, InlineBody, InlineCall, Query, Source, walk_expr_mut};
use crate::sql::expr::{Expr, ExprKind, volatility};
use crate::sql::func::FuncDef;
use crate::types::TypeRef;
use std::sync::Arc;

/// The functions whose text is part of a plan: it holds as long as they stay what they are.
pub type Inlined = Vec<(Oid, Arc<Record>)>;

/// A user's function in SQL.
fn is_in_sql(f: &FuncDef) -> bool {
    f.is_users() && f.kind == b'f' && f.fact.language() == b'q'
}

fn is_pure(a: &Expr) -> bool {
    !a.any(&mut |x| matches!(x.kind, ExprKind::SubLink(_) | ExprKind::SubPlan(_)))
}

/// The argument where the body has its parameter.
fn put(e: &mut Expr, inputs: &[TypeRef], args: &[Expr], depth: usize) {
    let ExprKind::Param(n) = e.kind else { return };
    let (Some(arg), Some(ty)) = (args.get(n), inputs.get(n)) else { return };
    let mut arg = arg.clone();
    raise_levels(&mut arg, depth);
    *e = match arg.ty.oid == ty.oid {
        true => arg,
        false => Expr::new(ExprKind::Relabel(Box::new(arg)), *ty),
    };
}

/// The sets that functions return in FROM, of a query and those inside it, as sub-selects. True: some depends on whose
/// rights count.
pub(super) fn sets(query: &mut Query, cx: &PlanContext<'_>, active: &mut Vec<Oid>, found: &mut Inlined) -> bool {
    let mut role = false;
    // A body is gone through once, where it comes in: it may call its own function.
    query.for_each_query_mut(&mut |q| role |= sets(q, cx, active, found));
    let mut links = |e: &mut Expr, depth: usize| {
        // Those inside sub-selects are met there.
        if let (0, ExprKind::SubLink(l)) = (depth, &mut e.kind) {
            role |= sets(&mut l.query, cx, active, found);
        }
    };
    query.for_each_expr_mut(&mut |e| walk_expr_mut(e, 0, &mut links));
    for rel in &mut query.rels {
        let Source::Function { calls, ordinality: false } = &rel.source else { continue };
        let [call] = &calls[..] else { continue };
        let f = call.func;
        let fits = is_in_sql(f)
            && f.retset
            && !f.strict
            && f.volatility != b'v'
            && call.scalar.is_none()
            && rel.security.is_empty()
            && !rel.columns.iter().any(|c| c.dropped)
            && !active.contains(&f.oid)
            && call.args.iter().all(|a| !has_volatile(a) && is_pure(a));
        if !fits {
            continue;
        }
        let (types, columns): (Vec<TypeRef>, Vec<TypeRef>) =
            (call.args.iter().map(|a| a.ty).collect(), rel.columns.iter().map(|c| c.ty).collect());
        let asked = InlineCall { func: f, args: &types, ret: call.ty, columns: Some(&columns), io: cx.io };
        let Some(InlineBody { query: mut body, inputs, record }) = cx.names.inline_body(&asked) else { continue };
        let args = call.args.clone();
        body.walk_mut(0, &mut |e, depth| put(e, &inputs, &args, depth + 1));
        active.push(f.oid);
        role |= sets(&mut body, cx, active, found) | body.depends_on_role;
        active.pop();
        found.push((f.oid, record));
        rel.lateral |= args.iter().any(|a| a.any(&mut |x| matches!(x.kind, ExprKind::Var { levels_up: 0, .. })));
        rel.source = Source::Subquery(Box::new(body));
    }
    role
}

/// Nothing but one value, computed of nothing but the arguments.
fn only_value(q: &Query) -> Option<&Expr> {
    let plain = q.rels.is_empty()
        && q.from.is_empty()
        && q.filter.is_none()
        && q.group_by.is_empty()
        && q.grouping_sets.is_none()
        && q.having.is_none()
        && !q.has_aggregates
        && !q.has_windows
        && !q.has_set_returning
        && matches!(q.distinct, Distinct::No)
        && q.order_by.is_empty()
        && q.limit.is_none()
        && q.offset.is_none()
        && q.set_op.is_none()
        && q.ctes.is_empty()
        && q.locks.is_empty()
        && q.write.is_none()
        && q.steps.is_empty();
    match &q.targets[..] {
        [one] if plain && is_pure(&one.expr) => Some(&one.expr),
        _ => None,
    }
}

/// It may be something else than NULL although a column or a parameter in it is.
fn may_hide_null(e: &Expr) -> bool {
    e.any(&mut |x| match &x.kind {
        ExprKind::Func { func, .. } | ExprKind::ScalarArray { func, .. } => !func.strict,
        ExprKind::Const(_)
        | ExprKind::Param(_)
        | ExprKind::Relabel(_)
        | ExprKind::IoCast { .. }
        | ExprKind::Not(_)
        | ExprKind::Field { .. }
        | ExprKind::Written { .. } => false,
        ExprKind::Subscript { .. } => false,
        _ => true,
    })
}

impl Folder<'_> {
    /// What a call of a function in SQL computes, simplified; None: it stays a call.
    pub(super) fn inlined_call(&mut self, e: &Expr) -> Option<Expr> {
        let cx = self.inliner?;
        let ExprKind::Func { func: f, args, .. } = &e.kind else { return None };
        if !is_in_sql(f) || f.retset || self.active.contains(&f.oid) {
            return None;
        }
        let types: Vec<TypeRef> = args.iter().map(|a| a.ty).collect();
        let call = InlineCall { func: f, args: &types, ret: e.ty, columns: None, io: cx.io };
        let InlineBody { query, inputs, record } = cx.names.inline_body(&call)?;
        let body = only_value(&query)?;
        let promised = match f.volatility {
            b'i' => volatility(body) == b'i',
            b's' => volatility(body) != b'v',
            _ => true,
        };
        if !promised || f.strict && may_hide_null(body) || body.ty.oid != e.ty.oid {
            return None;
        }
        let mut uses = vec![0usize; args.len()];
        body.walk(&mut |x| {
            if let ExprKind::Param(n) = x.kind
                && let Some(u) = uses.get_mut(n)
            {
                *u += 1;
            }
            true
        });
        let limit = 10.0 * cx.settings.cpu_operator_cost;
        for ((arg, used), ty) in args.iter().zip(uses).zip(&inputs) {
            // The same collation inside and outside, and nothing that means another thing there.
            if arg.ty.collation != ty.collation || arg.any(&mut |x| matches!(x.kind, ExprKind::CaseOperand)) {
                return None;
            }
            let dear = || !is_pure(arg) || has_volatile(arg) || exprs_cost([arg], cx.settings) > limit;
            if used == 0 && f.strict || used > 1 && dear() {
                return None;
            }
        }
        let constants = f.volatility == b'i' && args.iter().all(|a| matches!(a.kind, ExprKind::Const(_)));
        let mut new = body.clone();
        new.rewrite(&mut |x| {
            x.pos = None;
            put(x, &inputs, args, 0);
        });
        if new.ty != e.ty {
            new = Expr::new(ExprKind::Relabel(Box::new(new)), e.ty);
        }
        self.inlined.push((f.oid, record));
        self.active.push(f.oid);
        // PostgreSQL calls it where it can be computed at once.
        let what = if constants { "statement 1" } else { "during inlining" };
        self.fold_inside(&mut new, format!("SQL function \"{}\" {what}", f.name));
        self.active.pop();
        Some(new)
    }
}
