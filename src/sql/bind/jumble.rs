//! The identifier of a query: a hash of what was asked, in which constants count by their types alone.
//!
//! Made of the analysed query, before views, rules and policies come into it, so that spelling, spaces and names of
//! columns do not matter, and tables of one name in two schemas do. PostgreSQL 15, queryjumble.c: the same rule, but not
//! the same numbers.
//!
//! - JUM-1: the identifier is the same after a restart: nothing that is numbered anew goes into it.

use super::query::*;
use crate::sql::expr::{Expr, ExprKind, Frame, FrameBound, FrameExclude, FrameMode, RowOp, SortKey, WindowSpec};
use crate::types::TypeRef;

/// What a query is known by; never 0.
///
/// `filled`: its parameters stand for constants of its text.
pub fn query_id(query: &Query, filled: bool) -> i64 {
    let mut jumble = Jumble { bytes: Vec::with_capacity(256), filled };
    jumble.query(query);
    text_id(&jumble.bytes)
}

/// What a statement that is no query is known by.
pub fn text_id(text: &[u8]) -> i64 {
    match crate::types::order::hash_bytes(text) as i64 {
        // PostgreSQL's choice, too.
        0 => 1,
        id => id,
    }
}

struct Jumble {
    bytes: Vec<u8>,
    filled: bool,
}

impl Jumble {
    fn tag(&mut self, tag: u8) {
        self.bytes.push(tag);
    }

    fn number(&mut self, n: impl TryInto<i64>) {
        self.bytes.extend(n.try_into().unwrap_or(i64::MAX).to_le_bytes());
    }

    fn flags(&mut self, flags: &[bool]) {
        self.number(flags.len());
        self.bytes.extend(flags.iter().map(|f| u8::from(*f)));
    }

    fn name(&mut self, name: &str) {
        self.number(name.len());
        self.bytes.extend(name.as_bytes());
    }

    fn ty(&mut self, ty: TypeRef) {
        self.number(ty.oid.0);
    }

    fn all<'e>(&mut self, list: impl IntoIterator<Item = &'e Expr>) {
        for e in list {
            self.expr(e);
        }
        self.tag(0);
    }

    fn assigned(&mut self, set: &[(usize, Expr)]) {
        for (n, e) in set {
            self.number(*n);
            self.expr(e);
        }
        self.tag(0);
    }

    fn query(&mut self, q: &Query) {
        self.tag(b'Q');
        q.ctes.iter().for_each(|c| self.cte(c));
        q.rels.iter().for_each(|r| self.rel(r));
        q.from.iter().for_each(|f| self.from(f));
        self.all(&q.filter);
        match &q.write {
            Some(w) => self.write(q, w),
            None => self.targets(&q.targets),
        }
        self.all(&q.group_by);
        self.flags(&[q.group_distinct, q.has_aggregates, q.with_ties]);
        for set in q.grouping_sets.iter().flatten() {
            self.tag(b'G');
            set.iter().for_each(|n| self.number(*n));
        }
        self.all(&q.having);
        match &q.distinct {
            Distinct::No => {}
            Distinct::All => self.tag(b'D'),
            Distinct::On(list) => {
                self.tag(b'O');
                list.iter().for_each(|n| self.number(*n));
            }
        }
        for o in &q.order_by {
            self.tag(b'S');
            self.number(o.target);
            self.flags(&[o.desc, o.nulls_first]);
        }
        self.all(&q.limit);
        self.all(&q.offset);
        for lock in &q.locks {
            self.tag(b'L');
            self.number(lock.rel);
            self.tag(lock.strength as u8);
            self.tag(lock.wait as u8);
        }
        if let Some(tree) = &q.set_op {
            self.set_tree(tree);
        }
    }

    fn targets(&mut self, targets: &[Target]) {
        targets.iter().for_each(|t| self.expr(&t.expr));
        self.tag(0);
    }

    fn cte(&mut self, c: &Cte) {
        self.tag(b'C');
        self.name(&c.name);
        self.flags(&[c.recursive, c.materialized == Some(true), c.materialized == Some(false)]);
        match &c.recursion {
            Some(r) => {
                self.flags(&[r.distinct]);
                self.query(&r.left);
                self.query(&r.right);
            }
            None => self.query(&c.query),
        }
    }

    fn rel(&mut self, r: &Rel) {
        self.tag(b'R');
        if let Some(view) = &r.view {
            self.number(view.oid.0);
            return;
        }
        match &r.source {
            Source::Table { rel, sample, inherit } => {
                self.tag(1);
                self.number(rel.oid.0);
                self.flags(&[*inherit]);
                if let Some(s) = sample {
                    self.flags(&[s.bernoulli]);
                    self.expr(&s.percent);
                    self.all(&s.seed);
                }
            }
            Source::Subquery(q) => {
                self.tag(2);
                self.query(q);
            }
            Source::Function { calls, ordinality } => {
                self.tag(3);
                self.flags(&[*ordinality]);
                for call in calls {
                    self.number(call.func.oid.0);
                    self.all(&call.args);
                    self.all(&call.scalar);
                }
            }
            Source::Values(rows) => {
                self.tag(4);
                rows.iter().for_each(|row| self.all(row));
            }
            Source::Cte { index, levels_up } => {
                self.tag(5);
                self.number(*index);
                self.number(*levels_up);
            }
            Source::WorkTable { index, levels_up } => {
                self.tag(6);
                self.number(*index);
                self.number(*levels_up);
            }
        }
    }

    fn from(&mut self, node: &FromNode) {
        match node {
            FromNode::Rel(n) => {
                self.tag(b'r');
                self.number(*n);
            }
            FromNode::Join(j) => {
                self.tag(b'j');
                self.tag(j.kind as u8);
                self.from(&j.left);
                self.from(&j.right);
                self.all(&j.on);
            }
        }
    }

    fn set_tree(&mut self, tree: &SetTree) {
        match tree {
            SetTree::Leaf(n) => {
                self.tag(b'l');
                self.number(*n);
            }
            SetTree::Node { op, all, left, right } => {
                self.tag(b'n');
                self.tag(*op as u8);
                self.flags(&[*all]);
                self.set_tree(left);
                self.set_tree(right);
            }
        }
    }

    fn write(&mut self, q: &Query, w: &Write) {
        self.number(w.target);
        match &w.kind {
            WriteKind::Insert { supplied, on_conflict } => {
                self.tag(b'I');
                self.flags(&supplied.attributes);
                self.tag(supplied.overriding as u8);
                // What is not supplied are the table's defaults, which may change.
                let own = q.targets.iter().enumerate().filter(|(n, _)| supplied.attributes.get(*n) != Some(&false));
                own.for_each(|(_, t)| self.expr(&t.expr));
                if let Some(c) = on_conflict {
                    self.conflict(c);
                }
            }
            WriteKind::Update { set } => {
                self.tag(b'U');
                self.assigned(set);
            }
            WriteKind::Delete => self.tag(b'D'),
            WriteKind::Merge { whens } => {
                self.tag(b'M');
                whens.iter().for_each(|when| self.merge_when(when));
            }
        }
        self.targets(&w.returning);
    }

    fn conflict(&mut self, c: &OnConflict) {
        self.tag(b'C');
        match &c.arbiters {
            Arbiters::Any => self.tag(0),
            Arbiters::Constraint { index, .. } => self.number(index.0),
            Arbiters::Inferred(elements, predicate) => {
                for e in elements {
                    self.expr(&e.expr);
                    self.number(e.collation.0);
                    self.number(e.class.map_or(0, |(class, _)| class.0));
                }
                self.all(predicate);
            }
            Arbiters::Indexes(list) => list.iter().for_each(|oid| self.number(oid.0)),
        }
        if let Some(set) = &c.set {
            self.assigned(set);
        }
        self.all(&c.filter);
    }

    fn merge_when(&mut self, when: &MergeWhen) {
        self.flags(&[when.matched]);
        self.all(&when.condition);
        match &when.action {
            MergeAction::Nothing => self.tag(1),
            MergeAction::Delete => self.tag(2),
            MergeAction::Update(set) => {
                self.tag(3);
                self.assigned(set);
            }
            MergeAction::Insert { values, .. } => {
                self.tag(4);
                self.all(values);
            }
        }
    }

    /// A tag for the kind, what the kind has beside its parts, and the parts.
    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Const(_) => return self.constant(e.ty),
            ExprKind::Param(_) if self.filled => return self.constant(e.ty),
            // PostgreSQL sees through these, too, or makes them later.
            ExprKind::Written { arg, .. } => return self.expr(arg),
            kind => self.own(kind, e.ty),
        }
        e.for_each_child(&mut |child| self.expr(child));
        self.tag(0);
        if let ExprKind::SubLink(s) = &e.kind {
            self.query(&s.query);
        }
    }

    fn constant(&mut self, ty: TypeRef) {
        self.tag(1);
        self.ty(ty);
    }

    fn own(&mut self, kind: &ExprKind, ty: TypeRef) {
        let numbered = |this: &mut Self, tag: u8, n: usize| {
            this.tag(tag);
            this.number(n);
        };
        match kind {
            ExprKind::Const(_) | ExprKind::Written { .. } => {}
            ExprKind::Param(n) => {
                numbered(self, 2, *n);
                self.ty(ty);
            }
            ExprKind::ExecParam(n) => numbered(self, 3, *n),
            ExprKind::Column(n) => numbered(self, 4, *n),
            ExprKind::Var { rel, attno, levels_up } => {
                numbered(self, 5, *rel);
                self.number(*attno);
                self.number(*levels_up);
            }
            ExprKind::Func { func, variadic, .. } => {
                numbered(self, 6, func.oid.0 as usize);
                self.flags(&[*variadic]);
            }
            ExprKind::And(_) => self.tag(7),
            ExprKind::Or(_) => self.tag(8),
            ExprKind::Not(_) => self.tag(9),
            ExprKind::IsNull(_) => self.tag(10),
            ExprKind::IsNotNull(_) => self.tag(11),
            ExprKind::BoolTest { is, negated, .. } => {
                self.tag(12);
                self.flags(&[is.is_none(), *is == Some(true), *negated]);
            }
            ExprKind::Distinct { eq, negated, .. } => {
                numbered(self, 13, eq.oid.0 as usize);
                self.flags(&[*negated]);
            }
            ExprKind::Case { operand, arms, .. } => {
                numbered(self, 14, arms.len());
                self.flags(&[operand.is_some()]);
            }
            ExprKind::CaseOperand => self.tag(15),
            ExprKind::Coalesce(_) => self.tag(16),
            ExprKind::NullIf { eq, .. } => numbered(self, 17, eq.oid.0 as usize),
            ExprKind::Greatest(_) => self.tag(18),
            ExprKind::Least(_) => self.tag(19),
            ExprKind::Relabel(_) => numbered(self, 20, ty.oid.0 as usize),
            ExprKind::IoCast { .. } => numbered(self, 21, ty.oid.0 as usize),
            ExprKind::ArrayCast { .. } => numbered(self, 22, ty.oid.0 as usize),
            ExprKind::Array { nested, .. } => {
                self.tag(23);
                self.flags(&[*nested]);
            }
            ExprKind::Row { .. } => self.tag(24),
            ExprKind::RowCompare { op, .. } => numbered(self, 25, row_op(*op)),
            ExprKind::ScalarArray { func, any, .. } => {
                numbered(self, 26, func.oid.0 as usize);
                self.flags(&[*any]);
            }
            ExprKind::Field { index, .. } => numbered(self, 27, *index),
            ExprKind::Subscript { lower, upper, slice, .. } => {
                self.tag(28);
                self.subscripts(lower, upper, *slice);
            }
            // Made by the planner.
            ExprKind::SubPlan(_) => self.tag(29),
            ExprKind::SubLink(s) => numbered(self, 30, s.kind as usize),
            ExprKind::ToDomain(_) => numbered(self, 31, ty.oid.0 as usize),
            ExprKind::SubscriptSet { lower, upper, slice, .. } => {
                self.tag(32);
                self.subscripts(lower, upper, *slice);
            }
            ExprKind::FieldSet { index, .. } => numbered(self, 33, *index),
            ExprKind::Aggregate(a) => {
                numbered(self, 34, a.func.oid.0 as usize);
                self.number(a.levels_up);
                self.flags(&[a.distinct, a.star, a.filter.is_some()]);
                self.sorted(&a.order_by);
            }
            ExprKind::Window(w) => {
                numbered(self, 35, w.func.oid.0 as usize);
                self.flags(&[w.star, w.filter.is_some()]);
                self.window(&w.spec);
            }
            ExprKind::SetReturning { func, .. } => numbered(self, 36, func.oid.0 as usize),
            ExprKind::Grouping { items, levels_up } => {
                self.tag(37);
                self.number(*levels_up);
                items.iter().for_each(|n| self.number(*n));
            }
            ExprKind::CurrentRow => self.tag(38),
        }
    }

    fn subscripts(&mut self, lower: &[Option<Expr>], upper: &[Option<Expr>], slice: bool) {
        self.flags(&[slice]);
        for list in [lower, upper] {
            self.number(list.len());
            list.iter().for_each(|e| self.tag(e.is_some().into()));
        }
    }

    /// The keys themselves are parts of the call.
    fn sorted(&mut self, keys: &[SortKey]) {
        keys.iter().for_each(|k| self.flags(&[k.desc, k.nulls_first]));
        self.tag(0);
    }

    fn window(&mut self, spec: &WindowSpec) {
        self.number(spec.partition_by.len());
        self.sorted(&spec.order_by);
        let Frame { mode, start, end, exclude } = &spec.frame;
        self.tag(match mode {
            FrameMode::Rows => 0,
            FrameMode::Range => 1,
            FrameMode::Groups => 2,
        });
        for bound in [start, end] {
            self.tag(match bound {
                FrameBound::UnboundedPreceding => 0,
                FrameBound::Preceding(_) => 1,
                FrameBound::CurrentRow => 2,
                FrameBound::Following(_) => 3,
                FrameBound::UnboundedFollowing => 4,
            });
        }
        self.tag(match exclude {
            FrameExclude::NoOthers => 0,
            FrameExclude::CurrentRow => 1,
            FrameExclude::Group => 2,
            FrameExclude::Ties => 3,
        });
    }
}

fn row_op(op: RowOp) -> usize {
    match op {
        RowOp::Eq => 0,
        RowOp::Ne => 1,
        RowOp::Lt => 2,
        RowOp::Le => 3,
        RowOp::Gt => 4,
        RowOp::Ge => 5,
    }
}
