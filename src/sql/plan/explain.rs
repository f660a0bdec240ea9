//! EXPLAIN: a plan as text in PostgreSQL's layout, or as JSON. PostgreSQL 15, explain.c.

use super::deparse::{Deparser, Source, is_init_plan, sub_plan_key};
use super::{AggStrategy, IndexOp, JoinKind, Plan, PlanNode, PlannedStatement, SetOpKind};
use crate::catalog::IndexMethod;
use crate::sql::expr::{Expr, ExprKind, SubPlan};
use crate::stat::statements::Effort;
use crate::types::IoContext;
use crate::types::name::quote_identifier;
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;

/// What EXPLAIN was asked for.
#[derive(Clone, Debug)]
pub struct ExplainOptions {
    pub costs: bool,
    pub verbose: bool,
    /// Show what [`Actual`] says.
    pub analyze: bool,
    pub timing: bool,
    pub buffers: bool,
    pub wal: bool,
}

impl Default for ExplainOptions {
    fn default() -> ExplainOptions {
        ExplainOptions { costs: true, verbose: false, analyze: false, timing: true, buffers: false, wal: false }
    }
}

/// What a node really did.
#[derive(Clone, Debug, Default)]
pub struct Actual {
    pub loops: u64,
    /// In all loops.
    pub rows: u64,
    pub startup_ms: f64,
    pub total_ms: f64,
    pub removed_by_filter: u64,
    pub removed_by_recheck: u64,
    /// See `NodeStats`.
    pub heap_blocks: Option<(u64, u64)>,
    /// Pages and log, those of the nodes below included.
    pub effort: Effort,
    /// Ready to print: `Sort Method: quicksort  Memory: 25kB`.
    pub notes: Vec<String>,
}

/// Asks the executor what a node did; None: it never ran.
pub type Actuals<'a> = &'a dyn Fn(&Plan) -> Option<Actual>;

/// A node as it will be shown.
pub(super) struct Shown<'p> {
    plan: &'p Plan,
    pub(super) kind: String,
    /// After the kind: `on t x`, `using i on t`.
    pub(super) place: String,
    /// JSON's fields of the place.
    facts: Vec<(&'static str, Json)>,
    /// VERBOSE: the output columns.
    pub(super) output: Vec<String>,
    pub(super) details: Vec<(String, String)>,
    /// Heading (`CTE x`, `SubPlan 1`) and node, in order; headed ones before plain ones are init plans.
    pub(super) children: Vec<(Option<String>, Shown<'p>)>,
}

impl<'p> Shown<'p> {
    pub(super) fn of(plan: &'p Plan) -> Shown<'p> {
        let (kind, place) = (String::new(), String::new());
        let (facts, output, details, children) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Shown { plan, kind, place, facts, output, details, children }
    }
}

/// EXPLAIN's lines.
pub fn explain_text(
    stmt: &PlannedStatement,
    options: &ExplainOptions,
    actuals: Option<Actuals<'_>>,
    io: &IoContext,
) -> Vec<String> {
    if let PlanNode::Sequence { steps, .. } = &stmt.plan.node {
        let each: Vec<_> = steps.iter().map(|s| explain_text(s, options, None, io)).collect();
        return each.join(&String::new());
    }
    let shown = show(stmt, options, io);
    let mut out = Vec::new();
    text(&shown, 0, false, options, actuals, &mut out);
    out
}

/// EXPLAIN (FORMAT JSON): the value of `Plan`.
pub fn explain_json(
    stmt: &PlannedStatement,
    options: &ExplainOptions,
    actuals: Option<Actuals<'_>>,
    io: &IoContext,
) -> Json {
    json_of(&show(stmt, options, io), None, options, actuals)
}

fn show<'p>(stmt: &'p PlannedStatement, options: &ExplainOptions, io: &IoContext) -> Shown<'p> {
    let mut scans = 0;
    count_scans(&stmt.plan, &mut scans);
    let mut e = Explainer {
        d: Deparser { io, prefix: scans > 1 || options.verbose, slots: HashMap::new(), sub_plans: HashMap::new() },
        ctes: HashMap::new(),
        verbose: options.verbose,
        several: scans > 1,
    };
    e.node(&stmt.plan, Vec::new())
}

fn count_scans(plan: &Plan, n: &mut usize) {
    match &plan.node {
        PlanNode::SeqScan { .. }
        | PlanNode::IndexScan(_)
        | PlanNode::BitmapHeapScan(_)
        | PlanNode::GistScan(_)
        | PlanNode::TidScan { .. }
        | PlanNode::VirtualScan { .. }
        | PlanNode::FunctionScan { .. }
        | PlanNode::CteScan { .. }
        | PlanNode::WorkTableScan { .. }
        | PlanNode::Values { .. } => *n += 1,
        _ => *n += super::explain_write::unread(plan),
    }
    plan.inputs().into_iter().for_each(|p| count_scans(p, n));
    plan.for_each_expr(&mut |e| {
        e.walk(&mut |x| {
            if let ExprKind::SubPlan(s) = &x.kind {
                count_scans(&s.plan, n);
            }
            true
        });
    });
}

pub(super) struct Explainer<'d> {
    pub(super) d: Deparser<'d>,
    ctes: HashMap<usize, String>,
    pub(super) verbose: bool,
    /// Several relations are read.
    pub(super) several: bool,
}

fn join_word(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "",
        JoinKind::Left => " Left Join",
        JoinKind::Right => " Right Join",
        JoinKind::Full => " Full Join",
        JoinKind::Semi => " Semi Join",
        JoinKind::Anti => " Anti Join",
    }
}

impl Explainer<'_> {
    pub(super) fn on(&self, rel: &crate::catalog::Relation, alias: &str) -> String {
        let name = quote_identifier(&rel.name);
        let name = if self.verbose { format!("{}.{name}", quote_identifier(&rel.schema)) } else { name };
        if alias == rel.name || alias.is_empty() {
            format!(" on {name}")
        } else {
            format!(" on {name} {}", quote_identifier(alias))
        }
    }

    /// `extra`: conditions of nodes above that are shown with this one, each with the node whose columns it reads.
    fn node<'p>(&mut self, plan: &'p Plan, extra: Vec<(&'p Plan, &'p Expr)>) -> Shown<'p> {
        // Nodes PostgreSQL does not have: their work is shown with the node below.
        match &plan.node {
            PlanNode::Project { input, exprs } => {
                let mut shown = self.node(input, extra);
                self.sub_plans_of(exprs.iter(), Source::Plan(input), &mut shown);
                if !shown.output.is_empty() {
                    shown.output = self.output(plan, false);
                }
                return shown;
            }
            PlanNode::Filter { input, filter } => {
                let mut all = extra;
                all.push((input, filter));
                return self.node(input, all);
            }
            PlanNode::With { ctes, body } => {
                for c in ctes {
                    self.ctes.insert(c.id, c.name.clone());
                }
                let mut shown = self.node(body, extra);
                for (i, c) in ctes.iter().enumerate() {
                    let child = self.node(&c.plan, Vec::new());
                    shown.children.insert(i, (Some(format!("CTE {}", c.name)), child));
                }
                return shown;
            }
            _ => {}
        }
        self.number_sub_plans(plan);
        let mut s = Shown::of(plan);
        self.describe(plan, &mut s);
        if !extra.is_empty() {
            let scan = matches!(self.d.inside(plan), Source::Scan(_));
            let before = self.d.prefix;
            self.d.prefix = if scan { self.verbose } else { before };
            let text: Vec<String> = extra.iter().map(|(p, e)| self.d.expr(e, Source::Plan(p))).collect();
            self.d.prefix = before;
            s.details.push(("Filter".into(), text.join(" AND ")));
        }
        let mut subs = Vec::new();
        plan.for_each_expr(&mut |e| collect(e, &mut subs));
        let mut init = 0;
        let mut tail = Vec::new();
        let mut shown_plans = Vec::new();
        for p in subs {
            let n = self.d.sub_plans.get(&sub_plan_key(p)).copied().unwrap_or(0);
            if shown_plans.contains(&n) {
                continue;
            }
            shown_plans.push(n);
            self.fill_slots(p, self.d.inside(plan));
            let child = self.node(&p.plan, Vec::new());
            if is_init_plan(p) {
                let heading = format!("InitPlan {n} (returns ${})", n.saturating_sub(1));
                s.children.insert(init, (Some(heading), child));
                init += 1;
            } else {
                tail.push((Some(format!("SubPlan {n}")), child));
            }
        }
        s.children.extend(tail);
        // What these give is what their inputs give.
        let silent = matches!(
            plan.node,
            PlanNode::Append { .. }
                | PlanNode::RecursiveUnion { .. }
                | PlanNode::BitmapIndexScan(_)
                | PlanNode::BitmapCombine { .. }
                | PlanNode::Modify(_)
                | PlanNode::Sequence { .. }
        );
        if !silent {
            s.output = self.output(plan, false);
        }
        s
    }

    /// VERBOSE: the columns of a node, as it computes them or as they are read from it.
    fn output(&mut self, plan: &Plan, read: bool) -> Vec<String> {
        if !self.verbose {
            return Vec::new();
        }
        let prefix = std::mem::replace(&mut self.d.prefix, self.several);
        let list = if read { self.d.read_outputs(plan) } else { self.d.outputs(plan) };
        self.d.prefix = prefix;
        list
    }

    /// What a sub-plan gets of the row around it is shown as what it is there.
    fn fill_slots(&mut self, p: &SubPlan, around: Source<'_>) {
        let before = std::mem::replace(&mut self.d.prefix, true);
        for (slot, e) in &p.args {
            let shown = self.d.expr(e, around);
            self.d.slots.insert(*slot, shown);
        }
        self.d.prefix = before;
    }

    fn sub_plans_of<'p>(&mut self, exprs: impl Iterator<Item = &'p Expr>, around: Source<'_>, shown: &mut Shown<'p>) {
        let mut subs = Vec::new();
        exprs.for_each(|e| collect(e, &mut subs));
        let mut met = Vec::new();
        for p in subs {
            // One that several columns take fields of is one.
            if met.contains(&sub_plan_key(p)) {
                continue;
            }
            met.push(sub_plan_key(p));
            let n = self.d.sub_plans.len() + 1;
            self.d.sub_plans.insert(sub_plan_key(p), n);
            self.fill_slots(p, around);
            let child = self.node(&p.plan, Vec::new());
            if is_init_plan(p) {
                let heading = format!("InitPlan {n} (returns ${})", n - 1);
                shown.children.insert(0, (Some(heading), child));
            } else {
                shown.children.push((Some(format!("SubPlan {n}")), child));
            }
        }
    }

    fn number_sub_plans(&mut self, plan: &Plan) {
        let mut subs = Vec::new();
        plan.for_each_expr(&mut |e| collect(e, &mut subs));
        for p in subs {
            let n = self.d.sub_plans.len() + 1;
            self.d.sub_plans.entry(sub_plan_key(p)).or_insert(n);
        }
    }

    /// A condition of a scan: its own columns go without their relation's name.
    fn scan_expr(&mut self, e: &Expr, source: Source<'_>) -> String {
        let prefix = std::mem::replace(&mut self.d.prefix, self.verbose);
        let text = self.d.expr(e, source);
        self.d.prefix = prefix;
        text
    }

    fn filter(&mut self, filter: Option<&Expr>, plan: &Plan, s: &mut Shown<'_>) {
        if let Some(f) = filter {
            let source = self.d.inside(plan);
            s.details.push(("Filter".into(), self.scan_expr(f, source)));
        }
    }

    fn describe<'p>(&mut self, plan: &'p Plan, s: &mut Shown<'p>) {
        match &plan.node {
            PlanNode::Result { input, one_time, .. } => {
                s.kind = "Result".into();
                if let Some(f) = one_time {
                    s.details.push(("One-Time Filter".into(), self.d.expr(f, Source::None)));
                }
                if let Some(i) = input {
                    let child = self.node(i, Vec::new());
                    s.children.push((None, child));
                }
            }
            PlanNode::Sequence { .. } => s.kind = "Sequence".into(),
            PlanNode::Empty => {
                s.kind = "Result".into();
                s.details.push(("One-Time Filter".into(), "false".into()));
            }
            PlanNode::Values { .. } => {
                s.kind = "Values Scan".into();
                s.place = " on \"*VALUES*\"".into();
            }
            PlanNode::SeqScan { rel, alias, filter, .. } => {
                s.kind = "Seq Scan".into();
                self.place(rel, alias, s);
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::VirtualScan { rel, alias, filter, view, .. } => {
                let transition = *view == crate::catalog::relation::TRANSITION;
                s.kind = if transition { "Named Tuplestore Scan" } else { "Seq Scan" }.into();
                match rel {
                    // It is not told which one.
                    Some(_) if transition => {}
                    Some(r) => self.place(r, alias, s),
                    None => s.place = format!(" on {view}"),
                }
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::TidScan { rel, alias, tids, filter, .. } => {
                s.kind = "Tid Scan".into();
                self.place(rel, alias, s);
                let list: Vec<String> =
                    tids.iter().map(|t| format!("(ctid = {})", self.d.expr(t, Source::None))).collect();
                s.details.push(("TID Cond".into(), list.join(" OR ")));
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::IndexScan(i) => self.index_scan(i, plan, s),
            PlanNode::BitmapHeapScan(b) => self.bitmap_heap_scan(b, plan, s),
            PlanNode::GistScan(g) => self.gist_scan(g, plan, s),
            PlanNode::BitmapIndexScan(b) => {
                s.kind = "Bitmap Index Scan".into();
                s.place = format!(" on {}", quote_identifier(&b.index.name));
                s.facts.push(("Index Name", json!(b.index.name)));
            }
            PlanNode::BitmapCombine { all, .. } => s.kind = if *all { "BitmapAnd" } else { "BitmapOr" }.into(),
            PlanNode::FunctionScan { calls, alias, filter, .. } => {
                s.kind = "Function Scan".into();
                let name = calls.first().map_or("", |c| c.func.name);
                s.place = if name == alias {
                    format!(" on {name}")
                } else {
                    format!(" on {name} {}", quote_identifier(alias))
                };
                if self.verbose {
                    let call =
                        |c: &super::FunctionCall| format!("{}({})", c.func.name, self.d.exprs(&c.args, Source::None));
                    let all: Vec<String> = calls.iter().map(call).collect();
                    s.details.push(("Function Call".into(), all.join(", ")));
                }
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::CteScan { cte, alias, filter, .. } => {
                s.kind = "CTE Scan".into();
                let name = self.ctes.get(cte).cloned().unwrap_or_default();
                s.place = if name == *alias || name.is_empty() {
                    format!(" on {}", quote_identifier(alias))
                } else {
                    format!(" on {} {}", quote_identifier(&name), quote_identifier(alias))
                };
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::WorkTableScan { alias, filter, .. } => {
                s.kind = "WorkTable Scan".into();
                s.place = format!(" on {}", quote_identifier(alias));
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::NestLoop(j) => {
                s.kind = format!("Nested Loop{}", join_word(j.kind));
                let left = self.node(&j.left, Vec::new());
                for (slot, e) in &j.params {
                    let shown = self.d.expr(e, Source::Plan(&j.left));
                    self.d.slots.insert(*slot, shown);
                }
                let right = self.node(&j.right, Vec::new());
                if let Some(c) = &j.condition {
                    s.details.push(("Join Filter".into(), self.d.expr(c, Source::Join(&j.left, &j.right))));
                }
                s.children.push((None, left));
                s.children.push((None, right));
            }
            PlanNode::HashJoin(j) => {
                s.kind =
                    if j.kind == JoinKind::Inner { "Hash Join".into() } else { format!("Hash{}", join_word(j.kind)) };
                self.keyed("Hash Cond", (&j.left, &j.right), (&j.left_keys, &j.right_keys), j.condition.as_ref(), s);
                let left = self.node(&j.left, Vec::new());
                let right = self.node(&j.right, Vec::new());
                let hashed = self.output(&j.right, true);
                let hash = Shown {
                    plan: &j.right,
                    kind: "Hash".into(),
                    place: String::new(),
                    facts: Vec::new(),
                    output: hashed,
                    details: Vec::new(),
                    children: vec![(None, right)],
                };
                s.children.push((None, left));
                s.children.push((None, hash));
            }
            PlanNode::MergeJoin(j) => {
                s.kind =
                    if j.kind == JoinKind::Inner { "Merge Join".into() } else { format!("Merge{}", join_word(j.kind)) };
                self.keyed("Merge Cond", (&j.left, &j.right), (&j.left_keys, &j.right_keys), j.condition.as_ref(), s);
                for p in [&j.left, &j.right] {
                    let child = self.node(p, Vec::new());
                    s.children.push((None, child));
                }
            }
            PlanNode::Sort { input, keys, presorted, .. } => {
                s.kind = if *presorted > 0 { "Incremental Sort" } else { "Sort" }.into();
                s.details.push(("Sort Key".into(), self.d.keys(keys, Source::Plan(input))));
                if *presorted > 0 {
                    let leading: Vec<Expr> = keys[..*presorted].iter().map(|k| k.expr.clone()).collect();
                    s.details.push(("Presorted Key".into(), self.d.exprs(&leading, Source::Plan(input))));
                }
                self.only_child(input, s);
            }
            PlanNode::Limit { input, .. } => {
                s.kind = "Limit".into();
                self.only_child(input, s);
            }
            PlanNode::Aggregate(a) => self.aggregate(a, plan, s),
            PlanNode::Window { input, .. } => {
                s.kind = "WindowAgg".into();
                self.only_child(input, s);
            }
            PlanNode::Distinct { input, keys, sorted } => {
                if *sorted {
                    s.kind = "Unique".into();
                } else {
                    s.kind = "HashAggregate".into();
                    s.details.push(("Group Key".into(), self.d.exprs(keys, Source::Plan(input))));
                }
                self.only_child(input, s);
            }
            PlanNode::ProjectSet { input, .. } => {
                s.kind = "ProjectSet".into();
                self.only_child(input, s);
            }
            PlanNode::Append { inputs, merge, removed, .. } => {
                s.kind = if merge.is_empty() { "Append" } else { "Merge Append" }.into();
                if !merge.is_empty() {
                    s.details.push(("Sort Key".into(), self.d.keys(merge, Source::Plan(plan))));
                }
                if *removed > 0 {
                    s.details.push(("Subplans Removed".into(), removed.to_string()));
                }
                let mut init: Vec<(Option<String>, Shown<'p>)> = Vec::new();
                let mut members = Vec::with_capacity(inputs.len());
                for p in inputs {
                    let mut child = self.node(p, Vec::new());
                    // What is asked once for all of them stands with none.
                    let is_init = |h: &Option<String>| h.as_ref().is_some_and(|h| h.starts_with("InitPlan"));
                    let (own, rest) = child.children.into_iter().partition(|(h, _)| is_init(h));
                    child.children = rest;
                    for (heading, shown) in Vec::from_iter(own) {
                        if !init.iter().any(|(h, _)| *h == heading) {
                            init.push((heading, shown));
                        }
                    }
                    members.push((None, child));
                }
                s.children.extend(init);
                s.children.extend(members);
            }
            PlanNode::SetOp { left, right, op, all } => {
                let word = match op {
                    SetOpKind::Union => "Union",
                    SetOpKind::Intersect => "Intersect",
                    SetOpKind::Except => "Except",
                };
                s.kind = format!("HashSetOp {word}{}", if *all { " All" } else { "" });
                for p in [left, right] {
                    let child = self.node(p, Vec::new());
                    s.children.push((None, child));
                }
            }
            PlanNode::Materialize { input } => {
                s.kind = "Materialize".into();
                self.only_child(input, s);
            }
            PlanNode::Memoize { input, keys, binary } => {
                s.kind = "Memoize".into();
                let list: Vec<String> = keys.iter().map(|k| self.d.expr(k, Source::Plan(input))).collect();
                s.details.push(("Cache Key".into(), list.join(", ")));
                s.details.push(("Cache Mode".into(), if *binary { "binary" } else { "logical" }.into()));
                self.only_child(input, s);
            }
            PlanNode::RecursiveUnion { left, right, .. } => {
                s.kind = "Recursive Union".into();
                for p in [left, right] {
                    let child = self.node(p, Vec::new());
                    s.children.push((None, child));
                }
            }
            PlanNode::LockRows { input, .. } => {
                s.kind = "LockRows".into();
                self.only_child(input, s);
            }
            PlanNode::Modify(m) => self.modify(m, s),
            PlanNode::Project { .. } | PlanNode::Filter { .. } | PlanNode::With { .. } => {}
        }
    }

    pub(super) fn place(&self, rel: &crate::catalog::Relation, alias: &str, s: &mut Shown<'_>) {
        s.place = self.on(rel, alias);
        s.facts.push(("Relation Name", json!(rel.name)));
        if self.verbose {
            s.facts.push(("Schema", json!(rel.schema)));
        }
        s.facts.push(("Alias", json!(if alias.is_empty() { &rel.name } else { alias })));
    }

    pub(super) fn only_child<'p>(&mut self, input: &'p Plan, s: &mut Shown<'p>) {
        let child = self.node(input, Vec::new());
        s.children.push((None, child));
    }

    fn keyed<'p>(
        &self,
        word: &str,
        (left, right): (&'p Plan, &'p Plan),
        (left_keys, right_keys): (&[Expr], &[Expr]),
        rest: Option<&Expr>,
        s: &mut Shown<'p>,
    ) {
        let list: Vec<String> = left_keys
            .iter()
            .zip(right_keys)
            .map(|(l, r)| format!("({} = {})", self.d.expr(l, Source::Plan(left)), self.d.expr(r, Source::Plan(right))))
            .collect();
        let text = match &list[..] {
            [one] => one.clone(),
            many => format!("({})", many.join(" AND ")),
        };
        s.details.push((word.into(), text));
        if let Some(c) = rest {
            s.details.push(("Join Filter".into(), self.d.expr(c, Source::Join(left, right))));
        }
    }

    fn index_scan(&mut self, i: &super::IndexScan, plan: &Plan, s: &mut Shown<'_>) {
        let only = if i.index_only { "Index Only Scan" } else { "Index Scan" };
        s.kind = only.into();
        let back = if i.backward { " Backward" } else { "" };
        s.place = format!("{back} using {}{}", quote_identifier(&i.index.name), self.on(&i.rel, &i.alias));
        s.facts.push(("Scan Direction", json!(if i.backward { "Backward" } else { "Forward" })));
        s.facts.push(("Index Name", json!(i.index.name)));
        s.facts.push(("Relation Name", json!(i.rel.name)));
        if self.verbose {
            s.facts.push(("Schema", json!(i.rel.schema)));
        }
        s.facts.push(("Alias", json!(i.alias)));
        let source = self.d.inside(plan);
        let list: Vec<String> = i
            .conditions
            .iter()
            .map(|c| {
                let column = &i.index.columns[c.column];
                // A hash index is searched by the code of the value shown.
                let plain = |e| match i.index.method {
                    IndexMethod::Hash => crate::sql::bind::hashed_value(e),
                    _ => e,
                };
                let attribute = i.rel.attributes.get((column.attno as usize).wrapping_sub(1));
                let name = match (&c.computed, attribute) {
                    (Some(e), _) => self.scan_expr(plain(e), source),
                    (None, a) => {
                        let name = quote_identifier(a.map_or(&column.name, |a| &a.name));
                        if self.verbose { format!("{}.{name}", quote_identifier(&i.alias)) } else { name.to_string() }
                    }
                };
                let shown = plain(&c.value);
                let value = || self.d.expr(shown, Source::None);
                // Of the classes of patterns, text_pattern_ops and varchar_pattern_ops.
                let bytes = matches!(column.opclass.0, 4217 | 4218);
                match c.op {
                    IndexOp::Lt if bytes => format!("({name} ~<~ {})", value()),
                    IndexOp::Ge if bytes => format!("({name} ~>=~ {})", value()),
                    IndexOp::Eq => format!("({name} = {})", value()),
                    IndexOp::Lt => format!("({name} < {})", value()),
                    IndexOp::Le => format!("({name} <= {})", value()),
                    IndexOp::Gt => format!("({name} > {})", value()),
                    IndexOp::Ge => format!("({name} >= {})", value()),
                    IndexOp::IsNull => format!("({name} IS NULL)"),
                    IndexOp::IsNotNull => format!("({name} IS NOT NULL)"),
                    IndexOp::EqAny => format!("({name} = ANY ({}))", value()),
                }
            })
            .collect();
        match &list[..] {
            [] => {}
            [one] => s.details.push(("Index Cond".into(), one.clone())),
            many => s.details.push(("Index Cond".into(), format!("({})", many.join(" AND ")))),
        }
        self.filter(i.filter.as_ref(), plan, s);
    }

    fn bitmap_heap_scan<'p>(&mut self, b: &'p super::BitmapHeapScan, plan: &'p Plan, s: &mut Shown<'p>) {
        s.kind = "Bitmap Heap Scan".into();
        self.place(&b.rel, &b.alias, s);
        let source = self.d.inside(plan);
        if let Some(e) = &b.recheck {
            s.details.push(("Recheck Cond".into(), self.scan_expr(e, source)));
        }
        self.filter(b.filter.as_ref(), plan, s);
        let child = self.bitmap(&b.source, source);
        s.children.push((None, child));
    }

    fn bitmap<'p>(&mut self, plan: &'p Plan, source: Source<'_>) -> Shown<'p> {
        let mut shown = self.node(plan, Vec::new());
        match &plan.node {
            // The index's own columns stand for the table's.
            PlanNode::BitmapIndexScan(i) => {
                if let Some(e) = &i.shown {
                    shown.details.push(("Index Cond".into(), self.scan_expr(e, source)));
                }
            }
            _ => shown.children = plan.inputs().into_iter().map(|p| (None, self.bitmap(p, source))).collect(),
        }
        shown
    }

    fn gist_scan<'p>(&mut self, g: &'p super::GistScan, plan: &'p Plan, s: &mut Shown<'p>) {
        s.kind = if g.index_only { "Index Only Scan" } else { "Index Scan" }.into();
        s.place = format!(" using {}{}", quote_identifier(&g.index.name), self.on(&g.rel, &g.alias));
        s.facts.push(("Scan Direction", json!("Forward")));
        s.facts.push(("Index Name", json!(g.index.name)));
        s.facts.push(("Relation Name", json!(g.rel.name)));
        if self.verbose {
            s.facts.push(("Schema", json!(g.rel.schema)));
        }
        s.facts.push(("Alias", json!(g.alias)));
        let source = self.d.inside(plan);
        if let Some(e) = &g.shown {
            s.details.push(("Index Cond".into(), self.scan_expr(e, source)));
        }
        if !g.distances.is_empty() {
            let list: Vec<String> = g.distances.iter().map(|e| self.scan_expr(e, source)).collect();
            s.details.push(("Order By".into(), list.join(" AND ")));
        }
        self.filter(g.filter.as_ref(), plan, s);
    }

    fn aggregate<'p>(&mut self, a: &'p super::Aggregate, plan: &'p Plan, s: &mut Shown<'p>) {
        let sets = a.sets.len() > 1;
        s.kind = match a.strategy {
            AggStrategy::Plain => "Aggregate",
            AggStrategy::Hash if sets && a.sets.iter().any(Vec::is_empty) => "MixedAggregate",
            AggStrategy::Hash => "HashAggregate",
            AggStrategy::Sorted => "GroupAggregate",
        }
        .into();
        let input = Source::Plan(&a.input);
        for set in &a.sets {
            let keys: Vec<Expr> = set.iter().map(|&i| a.group_by[i].clone()).collect();
            if keys.is_empty() {
                if sets {
                    s.details.push(("Group Key".into(), "()".into()));
                }
                continue;
            }
            let word = if sets && a.strategy == AggStrategy::Hash { "Hash Key" } else { "Group Key" };
            s.details.push((word.into(), self.d.exprs(&keys, input)));
        }
        if let Some(h) = &a.having {
            s.details.push(("Filter".into(), self.d.expr(h, Source::Aggregated(plan))));
        }
        self.only_child(&a.input, s);
    }
}

fn collect<'p>(e: &'p Expr, out: &mut Vec<&'p SubPlan>) {
    e.walk(&mut |x| {
        if let ExprKind::SubPlan(s) = &x.kind {
            out.push(s);
        }
        true
    });
}

fn text(
    s: &Shown<'_>,
    indent: usize,
    arrow: bool,
    options: &ExplainOptions,
    actuals: Option<Actuals<'_>>,
    out: &mut Vec<String>,
) {
    let mut line = " ".repeat(indent);
    if arrow {
        line.push_str("->  ");
    }
    line.push_str(&s.kind);
    line.push_str(&s.place);
    let c = s.plan.cost;
    if options.costs {
        line.push_str(&format!(
            "  (cost={:.2}..{:.2} rows={:.0} width={})",
            c.startup,
            c.total,
            if c.rows > 0.0 { c.rows.max(1.0) } else { c.rows },
            c.width
        ));
    }
    let mut actual = actuals.and_then(|f| f(s.plan));
    // Bitmaps are not counted by rows.
    if let (PlanNode::BitmapCombine { .. }, Some(a)) = (&s.plan.node, &mut actual) {
        a.rows = 0;
    }
    if options.analyze {
        match &actual {
            Some(a) if a.loops > 0 => {
                let n = a.loops as f64;
                let rows = a.rows as f64 / n;
                if options.timing {
                    line.push_str(&format!(
                        " (actual time={:.3}..{:.3} rows={rows:.0} loops={})",
                        a.startup_ms / n,
                        a.total_ms / n,
                        a.loops
                    ));
                } else {
                    line.push_str(&format!(" (actual rows={rows:.0} loops={})", a.loops));
                }
            }
            _ => line.push_str(" (never executed)"),
        }
    }
    out.push(line);
    let inner = indent + if arrow { 6 } else { 2 };
    let pad = " ".repeat(inner);
    if !s.output.is_empty() {
        out.push(format!("{pad}Output: {}", s.output.join(", ")));
    }
    for (k, v) in &s.details {
        out.push(if k.is_empty() { format!("{pad}{v}") } else { format!("{pad}{k}: {v}") });
        if let Some(a) = &actual
            && options.analyze
            && k == "Filter"
            && a.removed_by_filter > 0
        {
            out.push(format!("{pad}Rows Removed by Filter: {}", a.removed_by_filter / a.loops.max(1)));
        }
        if let Some(a) = &actual
            && options.analyze
            && k == "Recheck Cond"
            && a.removed_by_recheck > 0
        {
            out.push(format!("{pad}Rows Removed by Index Recheck: {}", a.removed_by_recheck / a.loops.max(1)));
        }
    }
    if let Some(a) = &actual
        && options.analyze
    {
        a.notes.iter().for_each(|n| out.push(format!("{pad}{n}")));
        if let Some((exact, lossy)) = a.heap_blocks.filter(|b| *b != (0, 0)) {
            let part = |n: u64, word: &str| if n > 0 { format!(" {word}={n}") } else { String::new() };
            out.push(format!("{pad}Heap Blocks:{}{}", part(exact, "exact"), part(lossy, "lossy")));
        }
        out.extend(buffers_line(&a.effort).filter(|_| options.buffers).map(|line| format!("{pad}{line}")));
        out.extend(wal_line(&a.effort).filter(|_| options.wal).map(|line| format!("{pad}{line}")));
    }
    for (heading, child) in &s.children {
        match heading {
            Some(h) => {
                out.push(format!("{pad}{h}"));
                text(child, inner + 2, true, options, actuals, out);
            }
            None => text(child, inner, true, options, actuals, out),
        }
    }
}

fn counts(parts: &[(&str, i64)]) -> String {
    parts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!(" {word}={n}")).collect()
}

/// PostgreSQL 15, explain.c, show_buffer_usage: same form.
pub fn buffers_line(e: &Effort) -> Option<String> {
    let shared = counts(&[("hit", e.hit), ("read", e.read), ("dirtied", e.dirtied), ("written", e.written)]);
    let temp = counts(&[("read", e.temp_read), ("written", e.temp_written)]);
    let named = |word: &str, counts: &str| Some(format!(" {word}{counts}")).filter(|_| !counts.is_empty());
    let parts: Vec<String> = named("shared", &shared).into_iter().chain(named("temp", &temp)).collect();
    (!parts.is_empty()).then(|| format!("Buffers:{}", parts.join(",")))
}

/// PostgreSQL 15, explain.c, show_wal_usage: same form.
fn wal_line(e: &Effort) -> Option<String> {
    let shown = counts(&[("records", e.wal_records), ("fpi", e.wal_images), ("bytes", e.wal_bytes)]);
    (!shown.is_empty()).then(|| format!("WAL:{shown}"))
}

/// The pages as the other formats name them.
pub fn buffers_fields(e: &Effort, m: &mut Map<String, Json>) {
    for (what, n) in [
        ("Shared Hit Blocks", e.hit),
        ("Shared Read Blocks", e.read),
        ("Shared Dirtied Blocks", e.dirtied),
        ("Shared Written Blocks", e.written),
        ("Local Hit Blocks", 0),
        ("Local Read Blocks", 0),
        ("Local Dirtied Blocks", 0),
        ("Local Written Blocks", 0),
        ("Temp Read Blocks", e.temp_read),
        ("Temp Written Blocks", e.temp_written),
    ] {
        m.insert(what.into(), json!(n));
    }
}

fn json_of(s: &Shown<'_>, parent: Option<&str>, options: &ExplainOptions, actuals: Option<Actuals<'_>>) -> Json {
    let mut m = Map::new();
    let (kind, join) = match s.kind.as_str() {
        k if k.starts_with("Nested Loop") => ("Nested Loop", Some(k.trim_start_matches("Nested Loop"))),
        k if k.starts_with("Hash") && k.ends_with("Join") => ("Hash Join", Some(k.trim_start_matches("Hash"))),
        k if k.starts_with("Merge") && k.ends_with("Join") => ("Merge Join", Some(k.trim_start_matches("Merge"))),
        "Insert" | "Update" | "Delete" => ("ModifyTable", None),
        "HashAggregate" | "GroupAggregate" | "MixedAggregate" => ("Aggregate", None),
        k => (k, None),
    };
    m.insert("Node Type".into(), json!(kind));
    match s.kind.as_str() {
        "Insert" | "Update" | "Delete" => {
            m.insert("Operation".into(), json!(s.kind));
        }
        "Aggregate" | "HashAggregate" | "GroupAggregate" | "MixedAggregate" => {
            let strategy = match s.kind.as_str() {
                "Aggregate" => "Plain",
                "HashAggregate" => "Hashed",
                "GroupAggregate" => "Sorted",
                _ => "Mixed",
            };
            m.insert("Strategy".into(), json!(strategy));
            m.insert("Partial Mode".into(), json!("Simple"));
        }
        _ => {}
    }
    if let Some(p) = parent {
        m.insert("Parent Relationship".into(), json!(p));
    }
    m.insert("Parallel Aware".into(), json!(false));
    m.insert("Async Capable".into(), json!(false));
    if let Some(j) = join {
        let word = j.trim().trim_end_matches("Join").trim();
        m.insert("Join Type".into(), json!(if word.is_empty() { "Inner" } else { word }));
    }
    for (k, v) in &s.facts {
        m.insert((*k).into(), v.clone());
    }
    let c = s.plan.cost;
    if options.costs {
        m.insert("Startup Cost".into(), json!((c.startup * 100.0).round() / 100.0));
        m.insert("Total Cost".into(), json!((c.total * 100.0).round() / 100.0));
        m.insert("Plan Rows".into(), json!(c.rows.round() as i64));
        m.insert("Plan Width".into(), json!(c.width));
    }
    let actual = actuals.and_then(|f| f(s.plan)).unwrap_or_default();
    if options.analyze {
        let a = &actual;
        let n = a.loops.max(1) as f64;
        if options.timing {
            m.insert("Actual Startup Time".into(), json!((a.startup_ms / n * 1000.0).round() / 1000.0));
            m.insert("Actual Total Time".into(), json!((a.total_ms / n * 1000.0).round() / 1000.0));
        }
        m.insert("Actual Rows".into(), json!((a.rows as f64 / n).round() as i64));
        m.insert("Actual Loops".into(), json!(a.loops));
    }
    if !s.output.is_empty() {
        m.insert("Output".into(), json!(s.output));
    }
    for (k, v) in s.details.iter().filter(|(k, _)| !k.is_empty()) {
        let value = match k.as_str() {
            "Subplans Removed" => json!(v.parse::<usize>().unwrap_or_default()),
            "Sort Key" | "Presorted Key" | "Group Key" => json!(v.split(", ").collect::<Vec<_>>()),
            _ => json!(v),
        };
        m.insert(k.clone(), value);
    }
    // PostgreSQL 15 has these without ANALYZE, too.
    if options.buffers {
        buffers_fields(&actual.effort, &mut m);
    }
    if options.wal {
        m.insert("WAL Records".into(), json!(actual.effort.wal_records));
        m.insert("WAL FPI".into(), json!(actual.effort.wal_images));
        m.insert("WAL Bytes".into(), json!(actual.effort.wal_bytes));
    }
    let mut plans = Vec::new();
    let mut plain = 0;
    for (heading, child) in &s.children {
        let relation = match heading {
            Some(h) if h.starts_with("SubPlan") => "SubPlan",
            Some(_) => "InitPlan",
            None => {
                plain += 1;
                match (s.kind.as_str(), plain) {
                    ("Append" | "Merge Append", _) => "Member",
                    (_, 1) => "Outer",
                    _ => "Inner",
                }
            }
        };
        let mut j = json_of(child, Some(relation), options, actuals);
        if let (Some(h), Json::Object(o)) = (heading, &mut j) {
            o.insert("Subplan Name".into(), json!(h));
        }
        plans.push(j);
    }
    if !plans.is_empty() {
        m.insert("Plans".into(), Json::Array(plans));
    }
    Json::Object(m)
}
