//! The join problem of a query level: its relations, the conditions with what they need, the joins whose order is not
//! free, the classes of equal expressions. PostgreSQL 15, initsplan.c and equivclass.c.

use super::JoinKind;
use super::fold::{conjuncts, has_volatile, strict_in};
use super::relset::{RelSet, rels_of};
use super::selectivity::strip;
use crate::sql::bind::FromNode;
use crate::sql::expr::{Expr, ExprKind, same, same_operand};
use crate::sql::func::{self, OperDef};
use crate::types::oid;

/// A condition over several relations.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub id: usize,
    pub expr: Expr,
    /// Relations it reads.
    pub rels: RelSet,
    /// Relations that must be joined before it may be applied.
    pub required: RelSet,
    /// `left = right` with relations on both sides that do not overlap.
    pub equality: Option<Equality>,
    /// The part of the pairs it keeps, where others already see to some of it.
    pub selectivity: Option<f64>,
}

#[derive(Clone, Debug)]
pub(super) struct Equality {
    pub left: Expr,
    pub right: Expr,
    pub left_rels: RelSet,
    pub right_rels: RelSet,
    pub can_hash: bool,
}

/// A join that must be done as it was written. PostgreSQL 15, pathnodes.h, SpecialJoinInfo.
#[derive(Clone, Debug)]
pub(super) struct Special {
    pub kind: JoinKind,
    pub min_left: RelSet,
    pub min_right: RelSet,
    pub syn_left: RelSet,
    pub syn_right: RelSet,
    pub lhs_strict: bool,
    /// Its ON conditions that read both sides (or only the side that keeps all rows).
    pub on: Vec<Clause>,
}

/// Expressions that are equal in every row.
#[derive(Clone, Debug)]
pub(super) struct Class {
    pub members: Vec<(Expr, RelSet)>,
    pub constant: Option<Expr>,
    pub oper: &'static OperDef,
}

#[derive(Debug, Default)]
pub(super) struct JoinTree {
    pub rels: RelSet,
    /// Conditions on one relation.
    pub restrictions: Vec<(usize, Expr)>,
    pub clauses: Vec<Clause>,
    pub specials: Vec<Special>,
    pub classes: Vec<Class>,
    /// Conditions without columns.
    pub gates: Vec<Expr>,
    pub next_id: usize,
}

/// The equality a condition is, if it is one between two expressions of which neither is volatile.
fn equality(e: &Expr) -> Option<(Equality, &'static OperDef)> {
    let ExprKind::Func { oper: Some(o), args, .. } = &e.kind else { return None };
    let op = func::oper(*o)?;
    if !(op.can_hash || op.can_merge) || op.name != "=" && !op.can_merge {
        return None;
    }
    let [l, r] = &args[..] else { return None };
    let (left_rels, right_rels) = (rels_of(l), rels_of(r));
    if left_rels.is_empty() || right_rels.is_empty() || left_rels.overlaps(right_rels) {
        return None;
    }
    let eq = Equality { left: l.clone(), right: r.clone(), left_rels, right_rels, can_hash: op.can_hash };
    Some((eq, op))
}

/// `l op r` again, from the parts of a class.
pub(super) fn make_equality(op: &'static OperDef, left: Expr, right: Expr) -> Option<Expr> {
    let f = func::user::function_of(op)?;
    Some(Expr::new(
        ExprKind::Func { func: f, oper: Some(op.oid), args: vec![left, right], variadic: false },
        crate::types::TypeRef::of(oid::BOOL),
    ))
}

impl JoinTree {
    /// Reads the join tree; conditions are prepared already.
    pub fn new(from: &[FromNode], filter: Option<&Expr>) -> JoinTree {
        let mut tree = JoinTree::default();
        for node in from {
            let rels = tree.node(node, &mut Vec::new());
            tree.rels = tree.rels.union(rels);
        }
        let mut list = Vec::new();
        if let Some(f) = filter {
            conjuncts(f.clone(), &mut list);
        }
        for c in list {
            tree.place(c, None);
        }
        tree.finish_classes();
        tree.order_restrictions();
        tree
    }

    fn id(&mut self) -> usize {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Walks a node; `lower` collects the special joins below it.
    fn node(&mut self, node: &FromNode, lower: &mut Vec<usize>) -> RelSet {
        let j = match node {
            FromNode::Rel(r) => return RelSet::one(*r),
            FromNode::Join(j) => j,
        };
        let mut below = Vec::new();
        let left = self.node(&j.left, &mut below);
        let left_specials = below.len();
        let right = self.node(&j.right, &mut below);
        let mut on = Vec::new();
        if let Some(c) = &j.on {
            conjuncts(c.clone(), &mut on);
        }
        if j.kind == JoinKind::Inner {
            let all = left.union(right);
            for c in on {
                self.place(c, Some(all));
            }
            lower.extend(below);
            return all;
        }
        let mut own = Vec::new();
        for c in on {
            let rels = rels_of(&c);
            // The side that may stay empty can be filtered before the join.
            if j.kind != JoinKind::Full && !rels.is_empty() && rels.within(right) && !has_volatile(&c) {
                self.place(c, Some(right));
                continue;
            }
            let eq = equality(&c).map(|(e, _)| e);
            let id = self.id();
            own.push(Clause { id, expr: c, rels, required: left.union(right), equality: eq, selectivity: None });
        }
        let read = own.iter().fold(RelSet::EMPTY, |s, c| s.union(c.rels));
        let strict = own.iter().any(|c| left.iter().any(|r| strict_in(&c.expr, r, true)));
        let mut min_left = if j.kind == JoinKind::Full { left } else { read.and(left) };
        if min_left.is_empty() {
            min_left = left;
        }
        // What the condition reads of the empty side of a lower join is only there once that join is done, unless the
        // condition is strict in it.
        for &s in &below[..left_specials] {
            let other = &self.specials[s];
            if matches!(other.kind, JoinKind::Semi | JoinKind::Anti) && !read.overlaps(other.syn_right) {
                continue;
            }
            let reads_empty = read.overlaps(other.syn_right);
            if other.kind == JoinKind::Full && read.overlaps(other.syn_left.union(other.syn_right))
                || reads_empty && !(strict && j.kind == JoinKind::Left && other.kind == JoinKind::Left)
            {
                min_left = min_left.union(other.syn_left).union(other.syn_right).and(left);
            }
        }
        self.specials.push(Special {
            kind: j.kind,
            min_left,
            min_right: right,
            syn_left: left,
            syn_right: right,
            lhs_strict: strict,
            on: own,
        });
        below.push(self.specials.len() - 1);
        lower.extend(below);
        // Right columns of semi and anti joins are not seen above.
        left.union(right)
    }

    /// Puts a condition of WHERE, or of an inner join over `within`, where it belongs.
    fn place(&mut self, c: Expr, within: Option<RelSet>) {
        let rels = rels_of(&c);
        if rels.is_empty() && !has_volatile(&c) {
            match within {
                // A constant condition inside a join empties that join only; it is tested on the rows of one relation
                // without which the join has none.
                Some(w) => match w.iter().find(|r| !self.may_be_missing(*r, w)) {
                    Some(rel) => self.restrictions.push((rel, c)),
                    None => {
                        let id = self.id();
                        self.clauses.push(Clause { id, expr: c, rels, required: w, equality: None, selectivity: None });
                    }
                },
                None => self.gates.push(c),
            }
            return;
        }
        let mut required = rels;
        // Above an outer join its empty rows must be there before the condition can judge them.
        loop {
            let before = required;
            for s in &self.specials {
                let inside = within.is_some_and(|w| w.within(s.syn_right) || w.within(s.syn_left));
                let seen = match s.kind {
                    JoinKind::Left => required.overlaps(s.min_right),
                    JoinKind::Full => required.overlaps(s.min_left.union(s.min_right)),
                    _ => false,
                };
                if seen && !inside {
                    required = required.union(s.min_left).union(s.min_right);
                }
            }
            if required == before {
                break;
            }
        }
        if rels.is_empty() {
            // A volatile condition without columns is judged for every row of the whole.
            required = within.unwrap_or(self.rels);
        }
        if let Some(rel) = required.single() {
            self.restrictions.push((rel, c));
            return;
        }
        if required == rels
            && let Some((eq, op)) = equality(&c)
        {
            if eq.left.ty.oid == eq.right.ty.oid
                && eq.left_rels.len() == 1
                && eq.right_rels.len() == 1
                && op.left == op.right
                && !has_volatile(&c)
            {
                self.equal(eq, op);
                return;
            }
            let id = self.id();
            self.clauses.push(Clause { id, expr: c, rels, required, equality: Some(eq), selectivity: None });
            return;
        }
        let eq = equality(&c).map(|(e, _)| e);
        let id = self.id();
        self.clauses.push(Clause { id, expr: c, rels, required, equality: eq, selectivity: None });
    }

    /// Whether joins within `w` give rows, too, where this relation has none.
    pub fn may_be_missing(&self, rel: usize, w: RelSet) -> bool {
        self.specials.iter().filter(|s| s.syn_left.union(s.syn_right).within(w)).any(|s| match s.kind {
            JoinKind::Full => s.syn_left.union(s.syn_right).has(rel),
            _ => s.syn_right.has(rel),
        })
    }

    fn equal(&mut self, eq: Equality, op: &'static OperDef) {
        let find = |classes: &[Class], e: &Expr| {
            classes.iter().position(|c| c.oper.oid == op.oid && c.members.iter().any(|(m, _)| same(m, e)))
        };
        let (l, r) = (find(&self.classes, &eq.left), find(&self.classes, &eq.right));
        match (l, r) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let (keep, gone) = (a.min(b), a.max(b));
                let other = self.classes.swap_remove(gone);
                self.classes[keep].members.extend(other.members);
            }
            (Some(a), None) => self.classes[a].members.push((eq.right, eq.right_rels)),
            (None, Some(b)) => self.classes[b].members.push((eq.left, eq.left_rels)),
            (None, None) => self.classes.push(Class {
                members: vec![(eq.left, eq.left_rels), (eq.right, eq.right_rels)],
                constant: None,
                oper: op,
            }),
        }
    }

    /// The constant that a restriction says is equal to this expression.
    fn constant_of(&self, e: &Expr, op: &'static OperDef) -> Option<Expr> {
        self.restrictions.iter().find_map(|(_, c)| {
            let (var, value, o) = constant_equality(c)?;
            (o.oid == op.oid && same(e, var)).then(|| value.clone())
        })
    }

    /// Restricts the relation of `e` to the rows where it has this value, unless it is so already.
    fn restrict(&mut self, (e, rel): (&Expr, usize), op: &'static OperDef, value: &Expr) {
        let is_it = |c: &Expr| constant_equality(c).is_some_and(|(v, x, _)| same(v, e) && same(x, value));
        if !self.restrictions.iter().any(|(_, c)| is_it(c))
            && let Some(made) = make_equality(op, e.clone(), value.clone())
        {
            self.restrictions.push((rel, made));
        }
    }

    /// Constants spread over the classes.
    fn spread_constants(&mut self) {
        for i in 0..self.classes.len() {
            let class = &self.classes[i];
            if class.constant.is_some() {
                continue;
            }
            let Some(value) = class.members.iter().find_map(|(m, _)| self.constant_of(m, class.oper)) else { continue };
            let class = class.clone();
            for (m, rels) in &class.members {
                if let Some(rel) = rels.single() {
                    self.restrict((m, rel), class.oper, &value);
                }
            }
            self.classes[i].constant = Some(value);
        }
    }

    /// A constant on the side that keeps its rows holds for the partners that the other side may have, too: `a LEFT JOIN b
    /// ON a.x = b.y WHERE a.x = 1` needs no rows of `b` but those with `b.y = 1`. In a semi join that is so both ways.
    /// PostgreSQL 15, equivclass.c, reconsider_outer_join_clauses. Answers whether something was found.
    fn reconsider_outer_joins(&mut self) -> bool {
        let mut found = false;
        for s in 0..self.specials.len() {
            let kind = self.specials[s].kind;
            if !matches!(kind, JoinKind::Left | JoinKind::Semi | JoinKind::Anti) {
                continue;
            }
            for n in 0..self.specials[s].on.len() {
                let special = &self.specials[s];
                let clause = &special.on[n];
                let Some((eq, op)) = equality(&clause.expr).filter(|_| clause.selectivity.is_none()) else { continue };
                let (Some(l), Some(r)) = (eq.left_rels.single(), eq.right_rels.single()) else { continue };
                let fits = op.can_merge && op.left == op.right && eq.left.ty.oid == eq.right.ty.oid;
                if !fits || has_volatile(&clause.expr) {
                    continue;
                }
                let sides = ((eq.left, l), (eq.right, r));
                let (outer, inner) = match special.syn_left.has(l) {
                    true => sides,
                    false => (sides.1, sides.0),
                };
                if !special.syn_left.has(outer.1) || !special.syn_right.has(inner.1) {
                    continue;
                }
                let known = self.constant_of(&outer.0, op);
                let known = known.or_else(|| self.constant_of(&inner.0, op).filter(|_| kind == JoinKind::Semi));
                let Some(value) = known else { continue };
                for (e, rel) in [&outer, &inner] {
                    self.restrict((e, *rel), op, &value);
                }
                self.specials[s].on[n].selectivity = Some(1.0);
                found = true;
            }
        }
        found
    }

    /// Constants spread; members of one relation restrict it.
    fn finish_classes(&mut self) {
        self.spread_constants();
        while self.reconsider_outer_joins() {
            self.spread_constants();
        }
        for i in 0..self.classes.len() {
            if self.classes[i].constant.is_some() {
                continue;
            }
            // Two members of one relation.
            let class = self.classes[i].clone();
            for (n, (a, ra)) in class.members.iter().enumerate() {
                for (b, rb) in &class.members[n + 1..] {
                    if ra == rb
                        && let Some(rel) = ra.single()
                        && let Some(e) = make_equality(class.oper, a.clone(), b.clone())
                    {
                        self.restrictions.push((rel, e));
                    }
                }
            }
        }
    }

    /// Equalities are judged after other conditions of the same cost: they have been taken apart as classes and come back
    /// class by class (PostgreSQL 15, equivclass.c, generate_base_implied_equalities).
    fn order_restrictions(&mut self) {
        let mut classes: Vec<Vec<Expr>> = Vec::new();
        let mut place = |e: &Expr| {
            let Some(pair) = members_of_class(e) else { return 0 };
            let among = |c: &Vec<Expr>| c.iter().any(|m| pair.iter().any(|p| same_operand(m, p)));
            let n = classes.iter().position(among).unwrap_or_else(|| {
                classes.push(Vec::new());
                classes.len() - 1
            });
            classes[n].extend(pair.into_iter().cloned());
            n + 1
        };
        let placed = std::mem::take(&mut self.restrictions).into_iter().map(|(rel, e)| (place(&e), rel, e));
        let mut placed: Vec<(usize, usize, Expr)> = placed.collect();
        placed.sort_by_key(|(n, _, _)| *n);
        self.restrictions = placed.into_iter().map(|(_, rel, e)| (rel, e)).collect();
    }

    /// The conditions that join two sets, beside those of an outer join: plain ones that become possible, and one of
    /// each class.
    pub fn joining(&self, left: RelSet, right: RelSet) -> Vec<Clause> {
        let all = left.union(right);
        let mut out: Vec<Clause> = self
            .clauses
            .iter()
            .filter(|c| c.required.within(all) && !c.required.within(left) && !c.required.within(right))
            .cloned()
            .collect();
        for (i, class) in self.classes.iter().enumerate() {
            if class.constant.is_some() {
                continue;
            }
            let side = |s: RelSet| {
                let mut best: Option<&(Expr, RelSet)> = None;
                for m in class.members.iter().filter(|(_, r)| r.within(s)) {
                    // A plain column is the better representative.
                    let plain = matches!(strip(&m.0).kind, ExprKind::Var { .. });
                    if best.is_none() || plain && !matches!(best.map(|b| &strip(&b.0).kind), Some(ExprKind::Var { .. }))
                    {
                        best = Some(m);
                    }
                }
                best
            };
            if let (Some((a, ra)), Some((b, rb))) = (side(left), side(right))
                && let Some(expr) = make_equality(class.oper, a.clone(), b.clone())
            {
                out.push(Clause {
                    id: usize::MAX - i,
                    expr,
                    rels: ra.union(*rb),
                    required: ra.union(*rb),
                    equality: Some(Equality {
                        left: a.clone(),
                        right: b.clone(),
                        left_rels: *ra,
                        right_rels: *rb,
                        can_hash: class.oper.can_hash,
                    }),
                    selectivity: None,
                });
            }
        }
        out
    }

    /// The sets are connected by a condition, or by an outer join.
    pub fn connected(&self, left: RelSet, right: RelSet) -> bool {
        let touches = |r: RelSet| r.overlaps(left) && r.overlaps(right);
        self.clauses.iter().any(|c| touches(c.rels))
            || self.classes.iter().any(|c| {
                c.constant.is_none()
                    && c.members.iter().any(|(_, r)| r.within(left))
                    && c.members.iter().any(|(_, r)| r.within(right))
            })
            || self.specials.iter().any(|s| {
                s.min_left.within(left) && s.min_right.within(right)
                    || s.min_left.within(right) && s.min_right.within(left)
            })
    }
}

/// The two sides of an equality that makes a class.
fn members_of_class(e: &Expr) -> Option<[&Expr; 2]> {
    let ExprKind::Func { oper: Some(o), args, .. } = &e.kind else { return None };
    let [l, r] = &args[..] else { return None };
    func::oper(*o).filter(|o| o.can_merge && !has_volatile(e)).map(|_| [l, r])
}

/// `column = value` where the value has no columns.
pub(super) fn constant_equality(e: &Expr) -> Option<(&Expr, &Expr, &'static OperDef)> {
    let ExprKind::Func { oper: Some(o), args, .. } = &e.kind else { return None };
    let op = func::oper(*o)?;
    if !op.can_merge || op.left != op.right {
        return None;
    }
    let [l, r] = &args[..] else { return None };
    let plain = |x: &Expr| matches!(x.kind, ExprKind::Const(_) | ExprKind::Param(_) | ExprKind::ExecParam(_));
    if plain(r) && !rels_of(l).is_empty() {
        Some((l, r, op))
    } else if plain(l) && !rels_of(r).is_empty() {
        Some((r, l, op))
    } else {
        None
    }
}
