//! Which columns PostgreSQL's nodes hand on, for EXPLAIN (VERBOSE). Our nodes hand on what is read above them; PostgreSQL's
//! scans give whole rows where nothing is gained by less, and a target list keeps the order in which a query asks for its
//! columns. PostgreSQL 15, createplan.c, use_physical_tlist and the flags of its callers; planner.c, make_…_input_target;
//! initsplan.c, build_base_rel_tlists: same rules.

use super::deparse::{Deparser, Source, key, project_of};
use crate::catalog::IndexMethod;
use crate::sql::expr::{Expr, ExprKind, WindowSpec, same};
use crate::sql::plan::{Modify, ModifyKind, Plan, PlanNode};
use std::collections::{HashMap, HashSet};

/// An entry of what a node hands on.
#[derive(Clone, Debug)]
pub(super) enum Item<'p> {
    /// One of its output columns.
    Own(usize),
    /// Computed by it, over its output columns.
    Made(Expr),
    /// Computed below it, over its output columns.
    Read(Expr),
    /// An entry of another node's, as it is read from there.
    From(&'p Plan, Box<Item<'p>>),
    Text(String),
}

/// What the node above asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Any,
    /// Columns it can find again.
    Label,
    /// No more than needed.
    Small,
    Exact,
}

/// A column of a scan: its node, and the attribute or the place.
type Base = (usize, i32);

/// In which order the columns of a join's relations are asked for.
#[derive(Default)]
struct Needs {
    order: Vec<Base>,
    leaves: Vec<usize>,
    /// What a statement that writes wants besides.
    extra: Vec<(Base, String)>,
}

impl Needs {
    fn add(&mut self, base: Base) {
        if !self.order.contains(&base) {
            self.order.push(base);
        }
    }

    fn place(&self, bases: &[Base]) -> (usize, usize) {
        let at = |b: &Base| {
            let leaf = self.leaves.iter().position(|l| *l == b.0).unwrap_or(usize::MAX);
            (leaf, self.order.iter().position(|o| o == b).unwrap_or(usize::MAX))
        };
        bases.iter().map(at).min().unwrap_or((usize::MAX, usize::MAX))
    }
}

#[derive(Default)]
pub(super) struct Outputs<'p> {
    lists: HashMap<usize, Vec<Item<'p>>>,
    /// Sub-select scans that do nothing PostgreSQL would have a node for.
    pub removed: HashSet<usize>,
}

impl<'p> Outputs<'p> {
    /// None: what it hands on are its output columns.
    pub fn of(&self, plan: &Plan) -> Option<&Vec<Item<'p>>> {
        self.lists.get(&key(plan))
    }
}

pub(super) fn outputs_of<'p>(plan: &'p Plan, d: &Deparser<'_>) -> Outputs<'p> {
    let mut w = Walker { d, out: Outputs::default() };
    w.all(plan);
    w.out
}

struct Walker<'w, 'd, 'p> {
    d: &'w Deparser<'d>,
    out: Outputs<'p>,
}

fn columns(n: usize, plan: &Plan) -> Vec<Expr> {
    (0..n).map(|i| Expr::new(ExprKind::Column(i), plan.columns[i].ty)).collect()
}

fn item<'p>(e: &Expr) -> Item<'p> {
    match e.kind {
        ExprKind::Column(i) => Item::Own(i),
        _ => Item::Made(e.clone()),
    }
}

fn is_column(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Column(_))
}

/// The first columns of the input as they are.
pub(super) fn is_prefix(exprs: &[Expr]) -> bool {
    exprs.iter().enumerate().all(|(i, e)| matches!(e.kind, ExprKind::Column(c) if c == i))
}

/// Some of the input's columns, each once.
pub(super) fn is_narrowing(exprs: &[Expr]) -> bool {
    exprs.iter().enumerate().all(|(n, e)| is_column(e) && !exprs[..n].iter().any(|x| same(x, e)))
}

/// The node that stands for one that is not shown.
pub(super) fn shown<'p>(plan: &'p Plan, removed: &HashSet<usize>) -> &'p Plan {
    match &plan.node {
        PlanNode::Project { input, exprs } if can_project(input) || is_narrowing(exprs) => shown(input, removed),
        PlanNode::SubqueryScan { input, .. } if removed.contains(&key(plan)) => shown(input, removed),
        PlanNode::Filter { input, .. } | PlanNode::With { body: input, .. } => shown(input, removed),
        _ => plan,
    }
}

fn push(list: &mut Vec<Expr>, e: &Expr) {
    if !list.iter().any(|x| same(x, e)) {
        list.push(e.clone());
    }
}

fn columns_in(e: &Expr, f: &mut dyn FnMut(&Expr, usize)) {
    e.walk(&mut |x| {
        if let ExprKind::Column(i) = x.kind {
            f(x, i);
        }
        true
    });
}

pub(super) fn is_join(plan: &Plan) -> bool {
    matches!(plan.node, PlanNode::NestLoop(_) | PlanNode::HashJoin(_) | PlanNode::MergeJoin(_))
}

/// Whether a node reads one relation, or what stands for one.
pub(super) fn is_scan(plan: &Plan) -> bool {
    matches!(
        plan.node,
        PlanNode::SeqScan { .. }
            | PlanNode::IndexScan(_)
            | PlanNode::BitmapHeapScan(_)
            | PlanNode::GistScan(_)
            | PlanNode::TidScan { .. }
            | PlanNode::VirtualScan { .. }
            | PlanNode::FunctionScan { .. }
            | PlanNode::CteScan { .. }
            | PlanNode::WorkTableScan { .. }
            | PlanNode::Values { .. }
    )
}

/// Whether PostgreSQL's node of this kind computes expressions. PostgreSQL 15, createplan.c, is_projection_capable_path.
pub(super) fn can_project(plan: &Plan) -> bool {
    match &plan.node {
        PlanNode::Project { input, .. } | PlanNode::Filter { input, .. } | PlanNode::With { body: input, .. } => {
            can_project(input)
        }
        PlanNode::Window { .. } | PlanNode::Aggregate(_) | PlanNode::Result { .. } | PlanNode::SubqueryScan { .. } => {
            true
        }
        PlanNode::Distinct { sorted, .. } => !sorted,
        PlanNode::Empty => true,
        _ => is_join(plan) || is_scan(plan),
    }
}

impl<'p> Walker<'_, '_, 'p> {
    fn all(&mut self, plan: &'p Plan) {
        self.top(plan, Want::Exact, None);
        self.sub_plans(plan);
    }

    fn sub_plans(&mut self, plan: &'p Plan) {
        plan.for_each_expr(&mut |e| {
            e.walk(&mut |x| {
                if let ExprKind::SubPlan(s) = &x.kind
                    && !self.out.lists.contains_key(&key(&s.plan))
                {
                    self.all(&s.plan);
                }
                true
            });
        });
        plan.inputs().into_iter().for_each(|p| self.sub_plans(p));
    }

    fn set(&mut self, plan: &Plan, items: Vec<Item<'p>>) {
        self.out.lists.insert(key(plan), items);
    }

    /// A node that gives what it gets.
    fn copy(&mut self, plan: &Plan, from: &'p Plan) {
        let from = shown(from, &self.out.removed);
        let list = self.out.of(from).cloned().unwrap_or_else(|| (0..from.columns.len()).map(Item::Own).collect());
        let read = |i| match i {
            Item::From(..) | Item::Text(_) => i,
            i => Item::From(from, Box::new(i)),
        };
        self.set(plan, list.into_iter().map(read).collect());
    }

    fn own(&mut self, plan: &Plan, target: Option<&[Expr]>) {
        let list = match target {
            Some(t) => t.iter().map(item).collect(),
            None => (0..plan.columns.len()).map(Item::Own).collect(),
        };
        self.set(plan, list);
    }

    /// A node above the joins of its query. `target`: what it has to give, over its output columns.
    fn top(&mut self, plan: &'p Plan, want: Want, target: Option<Vec<Expr>>) {
        match &plan.node {
            PlanNode::Project { input, exprs } => {
                let mut target = match target {
                    None => exprs.clone(),
                    Some(list) => list.iter().map(|e| through(e, exprs)).collect(),
                };
                if can_project(input) {
                    self.top(input, want, Some(target));
                } else if is_narrowing(exprs) {
                    // What only sorting or locking needs comes last, and stays.
                    columns(input.columns.len(), input).iter().for_each(|c| push(&mut target, c));
                    self.top(input, want, (!is_prefix(&target)).then_some(target));
                } else {
                    self.own(plan, None);
                    // What set-returning calls give besides is not there in PostgreSQL.
                    let read = matches!(input.node, PlanNode::ProjectSet { .. }).then(|| {
                        let mut read = Vec::new();
                        exprs.iter().for_each(|e| columns_in(e, &mut |x, _| push(&mut read, x)));
                        read
                    });
                    self.top(input, Want::Any, read);
                }
            }
            PlanNode::With { ctes, body } => {
                ctes.iter().for_each(|c| self.top(&c.plan, Want::Exact, None));
                self.top(body, want, target);
            }
            PlanNode::Sort { input, .. } | PlanNode::Materialize { input } | PlanNode::Memoize { input, .. } => {
                self.top(input, Want::Small, target);
                self.copy(plan, input);
            }
            PlanNode::Filter { input, .. } => self.top(input, want, target),
            PlanNode::Limit { input, .. } | PlanNode::LockRows { input, .. } => {
                self.top(input, want, target);
                self.copy(plan, input);
            }
            PlanNode::Distinct { input, sorted: true, .. } => {
                self.top(input, if want == Want::Any { Want::Label } else { want }, target);
                self.copy(plan, input);
            }
            PlanNode::Distinct { input, .. } => {
                self.top(input, Want::Label, None);
                self.own(plan, target.as_deref());
            }
            PlanNode::Aggregate(a) => self.aggregate(plan, a, target),
            PlanNode::Window { .. } => self.windows(plan, target),
            PlanNode::Result { input: Some(input), .. } => {
                self.top(input, Want::Any, None);
                self.own(plan, target.as_deref());
            }
            PlanNode::ProjectSet { input, .. } => {
                self.top(input, Want::Any, None);
                self.own(plan, target.as_deref());
            }
            PlanNode::Append { inputs, .. } => {
                inputs.iter().for_each(|p| self.top(p, Want::Exact, target.clone()));
                self.own(plan, target.as_deref());
            }
            PlanNode::SetOp { left, right, .. } | PlanNode::RecursiveUnion { left, right, .. } => {
                self.top(left, Want::Exact, None);
                self.top(right, Want::Exact, None);
                self.own(plan, target.as_deref());
            }
            PlanNode::SubqueryScan { input, filter, project, .. } => {
                self.top(input, Want::Exact, None);
                let plain = project.iter().flatten().all(is_column) && target.iter().flatten().all(is_column);
                let whole = |list: &Vec<Expr>| is_prefix(list) && list.len() == input.columns.len();
                let all = project.as_ref().is_none_or(whole) && target.as_ref().is_none_or(whole);
                if filter.is_none() && (all || plain && matches!(want, Want::Any | Want::Label)) {
                    self.out.removed.insert(key(plan));
                }
                self.own(plan, target.as_deref());
            }
            PlanNode::Modify(m) => {
                self.modify(m);
                self.set(plan, Vec::new());
            }
            _ if is_join(plan) || is_scan(plan) => {
                let items = match &target {
                    Some(t) => t.iter().map(item).collect(),
                    None => (0..plan.columns.len()).map(Item::Own).collect(),
                };
                self.joined(plan, want, items, Needs::default());
            }
            _ => self.own(plan, target.as_deref()),
        }
    }

    fn aggregate(&mut self, plan: &'p Plan, a: &'p crate::sql::plan::Aggregate, target: Option<Vec<Expr>>) {
        let given = match (&target, &a.project) {
            (Some(t), Some(p)) => t.iter().map(|e| through(e, p)).collect(),
            (Some(t), None) => t.clone(),
            (None, Some(p)) => p.clone(),
            (None, None) => columns(plan.columns.len(), plan),
        };
        let mut wanted: Vec<Expr> = Vec::new();
        for e in &given {
            if let ExprKind::Column(i) = e.kind
                && let Some(g) = a.group_by.get(i)
            {
                push(&mut wanted, g);
            }
        }
        a.group_by.iter().for_each(|g| push(&mut wanted, g));
        let of_call = |i: usize, wanted: &mut Vec<Expr>| {
            let Some(c) = i.checked_sub(a.group_by.len()).and_then(|k| a.calls.get(k)) else { return };
            let keys = c.order_by.iter().map(|k| &k.expr);
            for e in c.direct_args.iter().chain(&c.args).chain(keys).chain(&c.filter) {
                columns_in(e, &mut |x, _| push(wanted, x));
            }
        };
        for e in given.iter().chain(&a.having) {
            columns_in(e, &mut |_, i| of_call(i, &mut wanted));
        }
        self.top(&a.input, Want::Label, Some(wanted));
        self.own(plan, target.as_deref());
    }

    /// Windows over one another, from the last.
    fn windows(&mut self, plan: &'p Plan, target: Option<Vec<Expr>>) {
        let (mut chain, mut between) = (Vec::new(), Vec::new());
        let mut at = plan;
        let mut keys: Vec<Expr> = Vec::new();
        loop {
            match &at.node {
                PlanNode::Window { input, spec, .. } => {
                    chain.push(at);
                    let mut own = keys_of(spec);
                    keys.iter().for_each(|k| push(&mut own, k));
                    keys = own;
                    at = input;
                }
                PlanNode::Sort { input, .. } if !chain.is_empty() => {
                    between.push(at);
                    at = input;
                }
                _ => break,
            }
        }
        let mut given = target.unwrap_or_else(|| columns(plan.columns.len(), plan));
        keys.iter().for_each(|k| push(&mut given, k));
        // What is grouped by is kept as it is, too.
        let grouped = if let PlanNode::Aggregate(a) = &at.node { a.group_by.len() } else { 0 };
        let is_key = |e: &Expr| keys.iter().any(|k| same(k, e)) || matches!(e.kind, ExprKind::Column(i) if i < grouped);
        let mut wanted = Vec::new();
        given.iter().filter(|e| is_key(e)).for_each(|e| push(&mut wanted, e));
        given.iter().filter(|e| !is_key(e)).for_each(|e| flatten(e, &chain, at.columns.len(), &mut wanted));
        self.top(at, Want::Small, Some(wanted.clone()));
        let read = |e: &Expr| if is_column(e) { item(e) } else { Item::Read(e.clone()) };
        for w in &chain[1..] {
            let calls = (at.columns.len()..w.columns.len()).map(Item::Own);
            self.set(w, wanted.iter().map(read).chain(calls).collect());
        }
        let last = given.iter().map(|e| if is_key(e) { read(e) } else { item(e) }).collect();
        self.set(plan, last);
        for sort in between.into_iter().rev() {
            if let Some(input) = sort.inputs().first() {
                self.copy(sort, input);
            }
        }
    }

    /// The node that joins all of a query's relations, or reads its only one.
    fn joined(&mut self, plan: &'p Plan, want: Want, items: Vec<Item<'p>>, mut needs: Needs) {
        leaves(plan, &mut needs.leaves);
        for i in &items {
            match i {
                Item::Own(n) => self.need(plan, *n, &mut needs),
                Item::Made(e) | Item::Read(e) => columns_in(e, &mut |_, n| self.need(plan, n, &mut needs)),
                Item::From(..) | Item::Text(_) => {}
            }
        }
        self.conditions(plan, &mut needs);
        if !is_join(plan) {
            let plain = items.iter().all(|i| matches!(i, Item::Own(_)));
            let all = physical(plan, self.d).filter(|_| plain && matches!(want, Want::Any | Want::Label));
            self.set(plan, all.unwrap_or(items));
            return;
        }
        self.set(plan, items);
        self.sides(plan, &needs);
    }

    fn need(&self, plan: &Plan, n: usize, needs: &mut Needs) {
        let mut bases = Vec::new();
        bases_of(plan, n, &mut bases);
        bases.into_iter().for_each(|b| needs.add(b));
    }

    /// What the joins' conditions read.
    fn conditions(&self, plan: &Plan, needs: &mut Needs) {
        let (left, right): (&Plan, &Plan) = match &plan.node {
            PlanNode::NestLoop(j) => (&j.left, &j.right),
            PlanNode::HashJoin(j) => (&j.left, &j.right),
            PlanNode::MergeJoin(j) => (&j.left, &j.right),
            PlanNode::Sort { input, .. } | PlanNode::Materialize { input } | PlanNode::Memoize { input, .. } => {
                return self.conditions(input, needs);
            }
            _ => return,
        };
        self.conditions(left, needs);
        self.conditions(right, needs);
        let mut read = |e: &Expr, side: Option<&Plan>| {
            columns_in(e, &mut |_, n| match (side, n.checked_sub(left.columns.len())) {
                (Some(side), _) => self.need(side, n, needs),
                (None, None) => self.need(left, n, needs),
                (None, Some(k)) => self.need(right, k, needs),
            });
        };
        let (left_keys, right_keys, condition): (&[Expr], &[Expr], _) = match &plan.node {
            PlanNode::NestLoop(j) => {
                j.params.iter().for_each(|(_, e)| read(e, Some(left)));
                (&[], &[], &j.condition)
            }
            PlanNode::HashJoin(j) => (&j.left_keys, &j.right_keys, &j.condition),
            PlanNode::MergeJoin(j) => (&j.left_keys, &j.right_keys, &j.condition),
            _ => return,
        };
        left_keys.iter().for_each(|e| read(e, Some(left)));
        right_keys.iter().for_each(|e| read(e, Some(right)));
        condition.iter().for_each(|e| read(e, None));
    }

    fn sides(&mut self, plan: &'p Plan, needs: &Needs) {
        match &plan.node {
            PlanNode::NestLoop(j) => {
                self.below(&j.left, Want::Any, needs);
                self.below(&j.right, Want::Any, needs);
            }
            PlanNode::HashJoin(j) => {
                self.below(&j.left, Want::Any, needs);
                self.below(&j.right, Want::Small, needs);
            }
            PlanNode::MergeJoin(j) => {
                self.below(&j.left, Want::Any, needs);
                self.below(&j.right, Want::Any, needs);
            }
            _ => {}
        }
    }

    /// The output columns in the order they are asked for.
    fn ordered(&self, plan: &Plan, needs: &Needs) -> Vec<usize> {
        let mut list: Vec<(usize, (usize, usize))> = (0..plan.columns.len())
            .map(|i| {
                let mut bases = Vec::new();
                bases_of(plan, i, &mut bases);
                (i, needs.place(&bases))
            })
            .collect();
        list.sort_by_key(|(_, place)| *place);
        list.into_iter().map(|(i, _)| i).collect()
    }

    /// The same, and what a statement that writes wants besides.
    fn ordered_items(&self, plan: &Plan, needs: &Needs) -> Vec<Item<'p>> {
        let mut own = Vec::new();
        leaves(plan, &mut own);
        let extra = needs.extra.iter().filter(|((leaf, _), _)| own.contains(leaf));
        let extra = extra.map(|(base, text)| (needs.place(&[*base]), Item::Text(text.clone())));
        let mut list: Vec<((usize, usize), Item<'p>)> = extra.collect();
        for i in 0..plan.columns.len() {
            let mut bases = Vec::new();
            bases_of(plan, i, &mut bases);
            if !bases.iter().any(|b| needs.extra.iter().any(|(e, _)| e == b)) {
                list.push((needs.place(&bases), Item::Own(i)));
            }
        }
        list.sort_by_key(|(place, _)| *place);
        list.into_iter().map(|(_, i)| i).collect()
    }

    /// A node below a join.
    fn below(&mut self, plan: &'p Plan, want: Want, needs: &Needs) {
        match &plan.node {
            PlanNode::Sort { input, .. } | PlanNode::Materialize { input } | PlanNode::Memoize { input, .. } => {
                self.below(input, Want::Small, needs);
                self.copy(plan, input);
            }
            PlanNode::Filter { input, .. } => {
                self.below(input, want, needs);
            }
            PlanNode::Distinct { input, sorted: false, .. } => {
                self.below(input, Want::Label, needs);
                self.set(plan, self.ordered_items(plan, needs));
            }
            PlanNode::SubqueryScan { input, filter, project, .. } => {
                self.top(input, Want::Exact, None);
                let plain = want == Want::Any && project.iter().flatten().all(is_column);
                let whole = project.as_ref().is_none_or(|p| is_prefix(p) && p.len() == input.columns.len());
                if filter.is_none() && (whole || plain) {
                    self.out.removed.insert(key(plan));
                }
                self.set(plan, self.ordered_items(plan, needs));
            }
            PlanNode::Append { inputs, alias: Some(_), .. } => {
                let order = self.ordered(plan, needs);
                let target: Vec<Expr> =
                    order.iter().map(|&i| Expr::new(ExprKind::Column(i), plan.columns[i].ty)).collect();
                inputs.iter().for_each(|p| self.top(p, Want::Exact, Some(target.clone())));
                self.own(plan, Some(&target));
            }
            _ if is_join(plan) => {
                self.set(plan, self.ordered_items(plan, needs));
                self.sides(plan, needs);
            }
            _ if is_scan(plan) => {
                let wide =
                    matches!(want, Want::Any | Want::Label) && !needs.extra.iter().any(|((l, _), _)| *l == key(plan));
                let all = physical(plan, self.d).filter(|_| wide);
                let list = all.unwrap_or_else(|| self.ordered_items(plan, needs));
                self.set(plan, list);
            }
            _ => self.top(plan, want, None),
        }
    }

    /// The rows for UPDATE, DELETE and MERGE: new values, the row's place, the places of rows of other relations that
    /// are looked at again, what RETURNING reads.
    fn modify(&mut self, m: &'p Modify) {
        let input = match &m.input.node {
            PlanNode::Project { input, exprs } if is_prefix(exprs) => &**input,
            _ => &m.input,
        };
        let (ctid, new): (usize, &[crate::sql::plan::UpdateColumn]) = match &m.kind {
            ModifyKind::Update { ctid, set, .. } => (*ctid, set),
            ModifyKind::Delete { ctid, .. } | ModifyKind::Merge { ctid, .. } => (*ctid, &[]),
            _ => return self.top(input, Want::Exact, None),
        };
        let mut target = Vec::new();
        bases_of(input, ctid, &mut target);
        let Some((target, _)) = target.first().copied() else { return self.top(input, Want::Exact, None) };
        // Of a tree each member is shown with the values of its own.
        let (rel, new) = match (&m.members, &m.kind) {
            (Some(members), ModifyKind::Update { .. }) => match members.parts.first() {
                Some(part) => match &part.kind {
                    ModifyKind::Update { set, .. } => (&part.rel, set.as_slice()),
                    _ => (&m.rel, new),
                },
                None => (&m.rel, new),
            },
            _ => (&m.rel, new),
        };
        let alias = self.d.alias_by_key(target).map_or_else(|| rel.name.clone(), str::to_owned);
        let (width, mut needs) = (rel.attributes.len(), Needs::default());
        let mut items = Vec::new();
        let row = Source::Target(rel, &alias, input);
        let mut sorted: Vec<_> = new.iter().collect();
        sorted.sort_by_key(|u| u.attr);
        let alone = !is_join(input);
        for u in &sorted {
            items.push(Item::Text(self.d.expr(&u.expr, row)));
            columns_in(&u.expr, &mut |_, i| match i.checked_sub(width) {
                Some(k) => self.need(input, k, &mut needs),
                None if alone => {}
                None => {
                    let base = (target, i as i32 + 1);
                    needs.add(base);
                    if !needs.extra.iter().any(|(b, _)| *b == base) {
                        needs.extra.push((base, self.d.attribute(rel, &alias, i as i16 + 1)));
                    }
                }
            });
        }
        let mut rows = Vec::new();
        for u in &sorted {
            u.expr.walk(&mut |x| {
                if let ExprKind::SubPlan(s) = &x.kind
                    && s.slots.len() > 1
                    && !rows.contains(&s.number)
                {
                    rows.push(s.number);
                    items.push(Item::Text(self.d.expr(x, row)));
                }
                true
            });
        }
        let texts = items.len();
        let merge = matches!(m.kind, ModifyKind::Merge { .. });
        let mut shown = Vec::new();
        shown.extend(m.members.iter().map(|t| t.tableoid));
        shown.push(ctid);
        if merge {
            shown.extend((0..input.columns.len()).filter(|i| !shown.contains(i)).collect::<Vec<_>>());
        }
        for i in &shown {
            items.push(Item::Own(*i));
            self.need(input, *i, &mut needs);
        }
        let mut others = Vec::new();
        if !alone {
            marked(input, target, &mut others);
        }
        for (leaf, name, table) in others {
            let Some(name) = self.d.alias_by_key(leaf).map(str::to_owned).or(name) else { continue };
            let base = (leaf, if table { -1 } else { i32::MAX });
            let text = self.d.of_relation(&name, if table { "ctid" } else { "*" });
            items.push(Item::Text(text.clone()));
            needs.add(base);
            needs.extra.push((base, text));
        }
        if !merge {
            // What RETURNING reads follows.
            for e in m.returning.iter().flatten() {
                columns_in(e, &mut |_, i| {
                    if let Some(k) = i.checked_sub(width + 4)
                        && !shown.contains(&k)
                    {
                        shown.push(k);
                        items.push(Item::Own(k));
                        self.need(input, k, &mut needs);
                    }
                });
            }
        }
        match &input.node {
            _ if is_join(input) || is_scan(input) => self.joined(input, Want::Exact, items, needs),
            PlanNode::Append { inputs, .. } if m.rel.is_partitioned() => {
                for (p, part) in inputs.iter().zip(m.members.iter().flat_map(|t| &t.parts)) {
                    self.top(p, Want::Exact, None);
                    let alias = self.d.alias_of(p).map_or_else(|| part.rel.name.clone(), str::to_owned);
                    let mut own: Vec<Item<'p>> = Vec::new();
                    if let ModifyKind::Update { set, .. } = &part.kind {
                        let mut set: Vec<_> = set.iter().collect();
                        set.sort_by_key(|u| u.attr);
                        let row = Source::Target(&part.rel, &alias, p);
                        own.extend(set.iter().map(|u| Item::Text(self.d.expr(&u.expr, row))));
                    }
                    own.extend(items.iter().skip(texts).cloned());
                    self.set(p, own);
                }
                self.set(input, items);
            }
            PlanNode::Append { inputs, .. } => {
                for (n, p) in inputs.iter().enumerate() {
                    self.top(p, Want::Exact, None);
                    let part = m.members.as_ref().and_then(|t| t.parts.get(n));
                    let read = part.map_or_else(Vec::new, |part| self.attributes_read(part, p));
                    self.set(p, read.into_iter().chain(items.iter().skip(texts).cloned()).collect());
                }
                self.set(input, items);
            }
            _ => {
                self.top(input, Want::Exact, None);
                if is_scan(input) || can_project(input) {
                    self.set(input, items);
                }
            }
        }
    }
}

impl<'p> Walker<'_, '_, 'p> {
    /// What the new values of a member's rows read of these.
    fn attributes_read(&self, part: &Modify, scan: &Plan) -> Vec<Item<'p>> {
        let ModifyKind::Update { set, .. } = &part.kind else { return Vec::new() };
        let alias = self.d.alias_of(scan).map_or_else(|| part.rel.name.clone(), str::to_owned);
        let mut read: Vec<usize> = Vec::new();
        for u in set {
            columns_in(&u.expr, &mut |_, i| {
                if i < part.rel.attributes.len() && !read.contains(&i) {
                    read.push(i);
                }
            });
        }
        read.into_iter().map(|i| Item::Text(self.d.attribute(&part.rel, &alias, i as i16 + 1))).collect()
    }
}

fn keys_of(spec: &WindowSpec) -> Vec<Expr> {
    spec.order_by.iter().map(|k| k.expr.clone()).chain(spec.partition_by.iter().cloned()).collect()
}

/// The columns below the windows that an expression needs.
fn flatten(e: &Expr, chain: &[&Plan], base: usize, out: &mut Vec<Expr>) {
    columns_in(e, &mut |x, i| {
        if i < base {
            push(out, x);
            return;
        }
        for w in chain {
            let PlanNode::Window { input, calls, .. } = &w.node else { continue };
            let Some(c) = i.checked_sub(input.columns.len()).and_then(|k| calls.get(k)) else { continue };
            c.args.iter().chain(&c.filter).for_each(|a| flatten(a, chain, base, out));
            return;
        }
    });
}

/// What the table that a statement writes to is called there.
pub(super) fn target_alias(m: &Modify, d: &Deparser<'_>) -> String {
    scanned_alias(m, d).unwrap_or_else(|| m.alias.clone())
}

fn scanned_alias(m: &Modify, d: &Deparser<'_>) -> Option<String> {
    let ctid = match m.kind {
        ModifyKind::Update { ctid, .. } | ModifyKind::Delete { ctid, .. } | ModifyKind::Merge { ctid, .. } => ctid,
        _ => return None,
    };
    let mut target = Vec::new();
    bases_of(&m.input, ctid, &mut target);
    let (scan, _) = target.first().filter(|_| m.members.is_none())?;
    d.alias_by_key(*scan).map(str::to_owned)
}

fn through(e: &Expr, below: &[Expr]) -> Expr {
    let mut e = e.clone();
    if let ExprKind::Column(i) = e.kind {
        return below.get(i).cloned().unwrap_or(e);
    }
    e.for_each_child_mut(&mut |c| *c = through(c, below));
    e
}

/// The relations of a join, from the left.
fn leaves(plan: &Plan, out: &mut Vec<usize>) {
    match &plan.node {
        PlanNode::NestLoop(j) => [&j.left, &j.right].into_iter().for_each(|p| leaves(p, out)),
        PlanNode::HashJoin(j) => [&j.left, &j.right].into_iter().for_each(|p| leaves(p, out)),
        PlanNode::MergeJoin(j) => [&j.left, &j.right].into_iter().for_each(|p| leaves(p, out)),
        PlanNode::Sort { input, .. }
        | PlanNode::Materialize { input }
        | PlanNode::Memoize { input, .. }
        | PlanNode::Distinct { input, .. }
        | PlanNode::Filter { input, .. } => leaves(input, out),
        _ => out.push(key(plan)),
    }
}

/// The relations beside the target whose rows are marked: (node, its alias, a table).
fn marked(plan: &Plan, target: usize, out: &mut Vec<(usize, Option<String>, bool)>) {
    match &plan.node {
        PlanNode::NestLoop(j) => [&j.left, &j.right].into_iter().for_each(|p| marked(p, target, out)),
        PlanNode::HashJoin(j) => [&j.left, &j.right].into_iter().for_each(|p| marked(p, target, out)),
        PlanNode::MergeJoin(j) => [&j.left, &j.right].into_iter().for_each(|p| marked(p, target, out)),
        PlanNode::Sort { input, .. }
        | PlanNode::Materialize { input }
        | PlanNode::Memoize { input, .. }
        | PlanNode::Distinct { input, .. }
        | PlanNode::Filter { input, .. } => marked(input, target, out),
        PlanNode::SubqueryScan { alias, .. } | PlanNode::Append { alias: Some(alias), .. } if key(plan) != target => {
            let table = matches!(plan.node, PlanNode::Append { .. });
            out.push((key(plan), Some(alias.clone()), table));
        }
        PlanNode::VirtualScan { .. }
        | PlanNode::FunctionScan { .. }
        | PlanNode::CteScan { .. }
        | PlanNode::WorkTableScan { .. }
        | PlanNode::Values { .. } => out.push((key(plan), None, false)),
        _ if is_scan(plan) && key(plan) != target => out.push((key(plan), None, true)),
        _ => {}
    }
}

/// The columns of scans that an output column is made of.
fn bases_of(plan: &Plan, i: usize, out: &mut Vec<Base>) {
    let own = |e: &Expr, f: &mut dyn FnMut(usize)| columns_in(e, &mut |_, k| f(k));
    let here = |f: &mut dyn FnMut(usize)| match project_of(plan) {
        Some(p) => p.get(i).into_iter().for_each(|e| own(e, f)),
        None => f(i),
    };
    let sides: (&Plan, &Plan) = match &plan.node {
        PlanNode::NestLoop(j) => (&j.left, &j.right),
        PlanNode::HashJoin(j) => (&j.left, &j.right),
        PlanNode::MergeJoin(j) => (&j.left, &j.right),
        PlanNode::Project { input, exprs } => {
            exprs.get(i).into_iter().for_each(|e| own(e, &mut |k| bases_of(input, k, out)));
            return;
        }
        PlanNode::Sort { input, .. }
        | PlanNode::Limit { input, .. }
        | PlanNode::LockRows { input, .. }
        | PlanNode::Materialize { input }
        | PlanNode::Memoize { input, .. }
        | PlanNode::Distinct { input, .. }
        | PlanNode::Filter { input, .. } => return bases_of(input, i, out),
        _ => {
            let attnos = attnos_of(plan);
            here(&mut |k| {
                out.push((key(plan), attnos.map_or(k as i32 + 1, |a| a.get(k).map_or(0, |a| i32::from(*a)))))
            });
            return;
        }
    };
    here(&mut |k| match k.checked_sub(sides.0.columns.len()) {
        None => bases_of(sides.0, k, out),
        Some(k) => bases_of(sides.1, k, out),
    });
}

fn attnos_of(plan: &Plan) -> Option<&[i16]> {
    match &plan.node {
        PlanNode::SeqScan { attnos, .. } | PlanNode::TidScan { attnos, .. } | PlanNode::VirtualScan { attnos, .. } => {
            Some(attnos)
        }
        PlanNode::IndexScan(s) => Some(&s.attnos),
        PlanNode::BitmapHeapScan(s) => Some(&s.attnos),
        PlanNode::GistScan(s) => Some(&s.attnos),
        _ => None,
    }
}

/// All columns of what a scan reads, where it hands on nothing but columns and none of the system's.
fn physical<'p>(plan: &Plan, d: &Deparser<'_>) -> Option<Vec<Item<'p>>> {
    let project = project_of(plan);
    if !project.is_none_or(|p| p.iter().all(is_column)) {
        return None;
    }
    let text = |rel: &crate::catalog::Relation, alias: &str, attno: i16| Item::Text(d.attribute(rel, alias, attno));
    let own_alias = |alias: &str| d.alias_of(plan).unwrap_or(alias).to_owned();
    let (rel, alias, index) = match &plan.node {
        PlanNode::SeqScan { rel, alias, .. }
        | PlanNode::TidScan { rel, alias, .. }
        | PlanNode::VirtualScan { rel: Some(rel), alias, .. } => (rel, alias, None),
        PlanNode::BitmapHeapScan(s) => (&s.rel, &s.alias, None),
        PlanNode::IndexScan(s) => (&s.rel, &s.alias, s.index_only.then_some(&s.index)),
        PlanNode::GistScan(s) => (&s.rel, &s.alias, s.index_only.then_some(&s.index)),
        PlanNode::FunctionScan { names, .. }
        | PlanNode::CteScan { names, .. }
        | PlanNode::WorkTableScan { names, .. } => {
            return Some((0..names.len()).map(|i| Item::Text(d.scan_column(plan, i))).collect());
        }
        PlanNode::Values { rows } => {
            let width = rows.first().map_or(0, Vec::len);
            return Some((0..width).map(|i| Item::Text(d.scan_column(plan, i))).collect());
        }
        _ => return None,
    };
    let alias = own_alias(alias);
    if let Some(index) = index {
        let plain = index.columns.iter().all(|c| c.attno > 0) && index.method != IndexMethod::Hash;
        return plain.then(|| index.columns.iter().map(|c| text(rel, &alias, c.attno)).collect());
    }
    let read = attnos_of(plan).unwrap_or_default();
    let handed_on =
        |k: usize| project.is_none_or(|p| p.iter().any(|e| matches!(e.kind, ExprKind::Column(c) if c == k)));
    let system = read.iter().enumerate().any(|(k, a)| *a < 0 && handed_on(k));
    if system || rel.attributes.iter().any(|a| a.dropped) {
        return None;
    }
    Some(rel.attributes.iter().map(|a| text(rel, &alias, a.attno)).collect())
}
