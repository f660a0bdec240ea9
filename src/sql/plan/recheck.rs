//! What is asked again of a row that somebody else has changed while a statement waited for it. PostgreSQL 15, execMain.c,
//! EvalPlanQual: the plan runs once more over the newest version and the rows the old one was joined with.

use super::JoinKind;
use super::create::vars_of;
use super::fold::{conjunction, conjuncts};
use super::jointree::JoinTree;
use super::relset::{RelSet, rels_of};
use crate::base::Oid;
use crate::sql::bind::{FromNode, Query};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func;
use std::collections::BTreeSet;

/// A row's columns as they were when it was read have numbers of relations from here on.
const FORMER: usize = 1 << 20;

/// What makes rows of an outer join partners, and the side that is empty where it does not hold.
pub(super) struct Partners {
    pub on: Expr,
    pub side: RelSet,
}

#[derive(Default)]
pub(super) struct Recheck {
    /// What holds for all rows. Conditions inside the side of an outer join that may stay empty are none of these: they are
    /// about rows that stay as they are.
    pub conditions: Vec<Expr>,
    /// Innermost first.
    pub outer: Vec<Partners>,
    /// Columns by which a row has found its partner in a semi join: with other values it would be another one's, and
    /// PostgreSQL looks for no other.
    pub former: Vec<Expr>,
}

impl Recheck {
    /// `secure`: conditions of policies.
    pub fn of(query: &Query, tree: &JoinTree, secure: Vec<(usize, Expr)>) -> Recheck {
        let mut out = Recheck::default();
        let mut changing: BTreeSet<usize> = query.locks.iter().map(|l| l.rel).collect();
        changing.extend(query.write.as_ref().map(|w| w.target));
        if changing.is_empty() {
            return out;
        }
        let present = secure.into_iter().filter(|(rel, _)| !tree.may_be_missing(*rel, tree.rels));
        out.conditions.extend(present.map(|(_, e)| e));
        query.from.iter().for_each(|node| out.node(node));
        if let Some(filter) = &query.filter {
            conjuncts(filter.clone(), &mut out.conditions);
        }
        if query.write.is_some() {
            // Its target stands beside the outer joins of FROM, whose rows stay as they are.
            out.outer.clear();
        }
        let mut moving = changing.iter().fold(RelSet::EMPTY, |s, r| s.union(RelSet::one(*r)));
        out.outer.retain(|p| {
            let asks = rels_of(&p.on).overlaps(moving);
            if asks {
                moving = moving.union(p.side);
            }
            asks
        });
        out.semi(tree, &changing);
        out
    }

    fn node(&mut self, node: &FromNode) {
        let FromNode::Join(j) = node else { return };
        let mut on = Vec::new();
        match (j.kind, &j.on) {
            (_, None) => {}
            (_, Some(e)) => conjuncts(e.clone(), &mut on),
        }
        let (kept, other) = match j.kind {
            JoinKind::Inner => {
                self.node(&j.left);
                self.node(&j.right);
                self.conditions.extend(on);
                return;
            }
            // Nobody who may be missing can be locked.
            JoinKind::Full => return,
            JoinKind::Right => (&j.right, &j.left),
            JoinKind::Left | JoinKind::Semi | JoinKind::Anti => (&j.left, &j.right),
        };
        self.node(kept);
        if matches!(j.kind, JoinKind::Left | JoinKind::Right)
            && let Some(on) = conjunction(on)
        {
            let mut list = Vec::new();
            other.rels(&mut list);
            let side = list.into_iter().fold(RelSet::EMPTY, |s, r| s.union(RelSet::one(r)));
            self.outer.push(Partners { on, side });
        }
    }

    fn semi(&mut self, tree: &JoinTree, changing: &BTreeSet<usize>) {
        for c in tree.specials.iter().filter(|s| s.kind == JoinKind::Semi).flat_map(|s| &s.on) {
            let Some(e) = &c.equality else { continue };
            for side in [&e.left, &e.right] {
                side.walk(&mut |x| {
                    if let ExprKind::Var { rel, levels_up: 0, .. } = &x.kind
                        && changing.contains(rel)
                        && equality_of(x.ty.oid).is_some()
                        && !self.former.iter().any(|f| crate::sql::expr::same(f, x))
                    {
                        self.former.push(x.clone());
                    }
                    true
                });
            }
        }
    }

    /// The columns it reads.
    pub fn read(&self, out: &mut Vec<(usize, i16)>) {
        let outer = self.outer.iter().map(|p| &p.on);
        self.conditions.iter().chain(outer).chain(&self.former).for_each(|e| vars_of(e, out));
    }

    /// What stands for a column as it was.
    pub fn former(column: &Expr) -> Expr {
        let mut e = column.clone();
        if let ExprKind::Var { rel, .. } = &mut e.kind {
            *rel += FORMER;
        }
        e
    }

    /// All conditions, those on former values among them.
    pub fn all(&self) -> Vec<Expr> {
        let boolean = |kind| Expr::new(kind, crate::types::TypeRef::of(crate::types::oid::BOOL));
        let null = |e: &Expr| boolean(ExprKind::IsNull(Box::new(e.clone())));
        let unchanged = self.former.iter().filter_map(|now| {
            let was = Recheck::former(now);
            let equal = super::jointree::make_equality(equality_of(now.ty.oid)?, now.clone(), was.clone())?;
            Some(boolean(ExprKind::Or(vec![equal, boolean(ExprKind::And(vec![null(now), null(&was)]))])))
        });
        self.conditions.iter().cloned().chain(unchanged).collect()
    }
}

fn equality_of(ty: Oid) -> Option<&'static func::OperDef> {
    use crate::types::oid;
    let ty = match crate::types::base_type(ty) {
        oid::VARCHAR => oid::TEXT,
        ty => ty,
    };
    func::type_operator("=", ty, ty).or_else(|| func::user::sort_operator("=", ty))
}
