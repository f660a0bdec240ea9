//! FOR UPDATE and its weaker kin.

use super::create::{node, project_onto};
use super::fold::conjunction;
use super::join::Joined;
use super::jointree::{JoinTree, Special};
use super::order::{Order, order_keys};
use super::path::presorted;
use super::planner::Planner;
use super::recheck::Recheck;
use super::relset::rels_of;
use super::select::name_columns;
use super::tree::{attribute_map, is_tree};
use super::{JoinKind, Plan, PlanNode, RowLock};
use crate::base::{Error, Result};
use crate::sql::bind::scope::var;
use crate::sql::bind::{Query, RowMark, Source};
use crate::sql::expr::{Expr, ExprKind, SortKey};
use crate::types::{TypeRef, oid};

impl Planner<'_> {
    /// FOR UPDATE: sort, lock, then compute the select list from the newest rows.
    pub(super) fn locking(&mut self, query: Query, joined: Joined) -> Result<Plan> {
        let Joined { mut plan, mut layout, order, held, recheck, facts, .. } = joined;
        let width = layout.len();
        if !recheck.former.is_empty() {
            let mut columns = layout.bound_all(layout.exprs())?;
            columns.extend(layout.bound_all(&recheck.former)?);
            recheck.former.iter().for_each(|e| layout.push(Recheck::former(e)));
            plan = project_onto(plan, columns);
        }
        let keys = order_keys(&query, &held).order();
        let have = presorted(&order, &keys);
        let sort = keys
            .iter()
            .map(|k| Ok(SortKey { expr: layout.bound(&k.expr)?, desc: k.desc, nulls_first: k.nulls_first }))
            .collect::<Result<Vec<_>>>()?;
        plan = self.sort(plan, (sort, &keys, have), None, &facts);
        let mut locks = Vec::new();
        for l in &query.locks {
            let Source::Table { rel, .. } = &query.rels[l.rel].source else { continue };
            let place = |attno, ty| match layout.bound(&var(l.rel, attno, TypeRef::of(ty)))?.kind {
                ExprKind::Column(n) => Ok(n),
                _ => Err(Error::internal("a row identity is missing")),
            };
            let ctid = place(-1, oid::TID)?;
            let mut members = Vec::new();
            let mut tableoid = None;
            if is_tree(&query.rels[l.rel]) {
                tableoid = Some(place(-6, oid::OID)?);
                for member in self.expanded(l.rel)? {
                    let map = attribute_map(rel, &member)?;
                    members.push((member, map));
                }
            } else {
                members.push((rel.clone(), (1..=rel.attributes.len() as i16).collect()));
            }
            let refresh = layout
                .exprs()
                .iter()
                .enumerate()
                .filter_map(|(i, e)| match e.kind {
                    ExprKind::Var { rel, attno, .. } if rel == l.rel => Some((i, attno)),
                    _ => None,
                })
                .collect();
            locks.push(RowLock { members, tableoid, ctid, refresh, strength: l.strength, wait: l.wait });
        }
        let mut outer = Vec::new();
        for p in &recheck.outer {
            let of_side = |e: &Expr| {
                let rels = rels_of(e);
                !rels.is_empty() && rels.within(p.side)
            };
            let columns =
                layout.exprs()[..width].iter().enumerate().filter(|(_, e)| of_side(e)).map(|(n, _)| n).collect();
            outer.push((layout.bound(&p.on)?, columns));
        }
        let recheck: Vec<Expr> = recheck.all().iter().filter_map(|c| layout.bound(c).ok()).collect();
        let cost = plan.cost;
        let n = PlanNode::LockRows { input: Box::new(plan), locks, outer, recheck: conjunction(recheck) };
        plan = node(n, &layout, cost);
        let visible: Vec<Expr> = query.targets.iter().filter(|t| !t.junk).map(|t| t.expr.clone()).collect();
        let limited = self.limit(plan, &Query { with_ties: false, ..query.clone() });
        let mut plan = project_onto(limited, layout.bound_all(&visible)?);
        name_columns(&mut plan, &query);
        Ok(plan)
    }
}

/// PostgreSQL 15, initsplan.c, make_outerjoininfo: a row that may not be there cannot be locked.
pub(super) fn refuse_nullable(tree: &JoinTree, lock: &RowMark) -> Result<()> {
    let nullable = |s: &Special| s.syn_right.has(lock.rel) || s.kind == JoinKind::Full && s.syn_left.has(lock.rel);
    if tree.specials.iter().any(nullable) {
        let clause = lock.strength.clause();
        return Err(Error::unsupported(format!("{clause} cannot be applied to the nullable side of an outer join")));
    }
    Ok(())
}
