//! EXPLAIN: a plan as text in PostgreSQL's layout, or as JSON. PostgreSQL 15, explain.c.

mod deparse;
pub mod format;
mod json;
mod modify;
mod names;
mod outputs;
mod sample;
mod text;
mod unique;

pub use json::buffers_fields;
pub use text::buffers_line;

use super::{AggStrategy, IndexOp, JoinKind, Plan, PlanNode, PlannedStatement, SetOpKind};
use crate::catalog::{IndexMethod, Persistence};
use crate::sql::expr::{Expr, ExprKind, SubPlan};
use crate::stat::statements::Effort;
use crate::types::IoContext;
use crate::types::name::quote_identifier;
use deparse::{Deparser, Source, is_init_plan, key, returns};
use outputs::{Item, Outputs, can_project, is_narrowing};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};

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
struct Shown<'p> {
    plan: &'p Plan,
    kind: String,
    /// After the kind: `on t x`, `using i on t`.
    place: String,
    /// JSON's fields of the place.
    facts: Vec<(&'static str, Json)>,
    /// VERBOSE: the output columns.
    output: Vec<String>,
    details: Vec<(String, String)>,
    /// Heading (`CTE x`, `SubPlan 1`) and node, in order; headed ones before plain ones are init plans.
    children: Vec<(Option<String>, Shown<'p>)>,
    /// The uppermost node of a query.
    is_level: bool,
}

impl<'p> Shown<'p> {
    fn of(plan: &'p Plan) -> Shown<'p> {
        let (kind, place) = (String::new(), String::new());
        let (facts, output, details, children) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Shown { plan, kind, place, facts, output, details, children, is_level: false }
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
    text::text(&shown, 0, false, options, actuals, &mut out);
    out
}

/// EXPLAIN (FORMAT JSON): the value of `Plan`.
pub fn explain_json(
    stmt: &PlannedStatement,
    options: &ExplainOptions,
    actuals: Option<Actuals<'_>>,
    io: &IoContext,
) -> Json {
    json::json_of(&show(stmt, options, io), None, options, actuals)
}

fn show<'p>(stmt: &'p PlannedStatement, options: &ExplainOptions, io: &IoContext) -> Shown<'p> {
    // An INSERT's table is no entry of the planner's, nor what its rows come from.
    let mut read = stmt.entries + modify::unread(&stmt.plan);
    count_rowless(&stmt.plan, &mut read);
    let several = read > 1;
    let mut d = Deparser {
        io,
        prefix: several,
        slots: HashMap::new(),
        names: names::names_of(&stmt.plan),
        removed: HashSet::new(),
    };
    let outputs = outputs::outputs_of(&stmt.plan, &d);
    d.removed.clone_from(&outputs.removed);
    d.prefix = several || options.verbose;
    let mut e =
        Explainer { d, outputs, ctes: HashMap::new(), verbose: options.verbose, several, shown: HashSet::new() };
    let mut shown = e.node(&stmt.plan, Vec::new());
    hoist(&mut shown);
    shown
}

/// A query without FROM has an entry of its own in PostgreSQL.
fn count_rowless(plan: &Plan, n: &mut usize) {
    *n += usize::from(matches!(plan.node, PlanNode::Result { input: None, .. }));
    plan.inputs().into_iter().for_each(|p| count_rowless(p, n));
    plan.for_each_expr(&mut |e| {
        let mut subs = Vec::new();
        collect(e, &mut subs);
        subs.into_iter().for_each(|s| count_rowless(&s.plan, n));
    });
}

/// What a query asks once stands with its uppermost node.
fn hoist(top: &mut Shown<'_>) {
    fn gather<'p>(s: &mut Shown<'p>, out: &mut Vec<(Option<String>, Shown<'p>)>) {
        let all = std::mem::take(&mut s.children);
        for (heading, mut child) in all {
            match &heading {
                Some(h) if h.starts_with("InitPlan") || h.starts_with("CTE") => {
                    if !out.iter().any(|(x, _)| *x == heading) {
                        out.push((heading, child));
                    }
                    continue;
                }
                None if !child.is_level => gather(&mut child, out),
                _ => {}
            }
            s.children.push((heading, child));
        }
    }
    let mut once = Vec::new();
    gather(top, &mut once);
    // Those of WITH come first: they are planned first.
    let number = |h: &Option<String>| {
        let word = h.as_deref().and_then(|h| h.strip_prefix("InitPlan ")).and_then(|h| h.split(' ').next());
        word.and_then(|n| n.parse::<usize>().ok()).unwrap_or(0)
    };
    once.sort_by_key(|(h, _)| number(h));
    once.append(&mut top.children);
    top.children = once;
    top.is_level = true;
}

struct Explainer<'d, 'o> {
    d: Deparser<'d>,
    outputs: Outputs<'o>,
    ctes: HashMap<usize, String>,
    verbose: bool,
    /// Several relations are read.
    several: bool,
    /// Sub-plans that stand already: several children of a table may have the same.
    shown: HashSet<usize>,
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

/// The schema of a session's temporary tables has the same name for everybody.
fn schema_of(rel: &crate::catalog::Relation) -> &str {
    if rel.persistence == Persistence::Temp { "pg_temp" } else { &rel.schema }
}

impl Explainer<'_, '_> {
    fn on(&self, rel: &crate::catalog::Relation, alias: &str) -> String {
        let name = quote_identifier(&rel.name);
        let name = if self.verbose { format!("{}.{name}", quote_identifier(schema_of(rel))) } else { name };
        if alias == rel.name || alias.is_empty() {
            format!(" on {name}")
        } else {
            format!(" on {name} {}", quote_identifier(alias))
        }
    }

    /// A query of its own.
    fn level<'p>(&mut self, plan: &'p Plan) -> Shown<'p> {
        let mut shown = self.node(plan, Vec::new());
        hoist(&mut shown);
        shown
    }

    /// `extra`: conditions of nodes above that are shown with this one, each with the node whose columns it reads.
    fn node<'p>(&mut self, plan: &'p Plan, extra: Vec<(&'p Plan, &'p Expr)>) -> Shown<'p> {
        // Nodes PostgreSQL does not have: their work is shown with the node below.
        match &plan.node {
            PlanNode::Project { input, exprs } => {
                if extra.is_empty() && !is_narrowing(exprs) && !can_project(input) {
                    let mut shown = Shown::of(plan);
                    shown.kind = "Result".into();
                    self.only_child(input, &mut shown);
                    self.sub_plans_of(exprs.iter(), Source::Plan(input), &mut shown);
                    shown.output = self.output(plan);
                    return shown;
                }
                let mut shown = self.node(input, extra);
                self.sub_plans_of(exprs.iter(), Source::Plan(input), &mut shown);
                return shown;
            }
            PlanNode::Filter { input, filter } => {
                let mut all = extra;
                all.push((input, filter));
                return self.node(input, all);
            }
            PlanNode::SubqueryScan { input, .. } if self.d.removed.contains(&key(plan)) => {
                let mut shown = self.level(input);
                self.filters(plan, extra, &mut shown);
                return shown;
            }
            PlanNode::With { ctes, body } => {
                for c in ctes {
                    self.ctes.insert(c.id, c.name.clone());
                }
                let mut shown = self.node(body, extra);
                for (i, c) in ctes.iter().enumerate() {
                    let child = self.level(&c.plan);
                    shown.children.insert(i, (Some(format!("CTE {}", c.name)), child));
                }
                return shown;
            }
            _ => {}
        }
        let mut s = Shown::of(plan);
        self.describe(plan, &mut s);
        self.filters(plan, extra, &mut s);
        match &plan.node {
            PlanNode::Modify(m) => self.modify_sub_plans(m, &mut s),
            _ => {
                let mut exprs: Vec<&'p Expr> = Vec::new();
                plan.for_each_expr(&mut |e| exprs.push(e));
                self.sub_plans_of(exprs.into_iter(), self.d.inside(plan), &mut s);
            }
        }
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
            s.output = self.output(plan);
        }
        s
    }

    fn filters<'p>(&mut self, plan: &'p Plan, extra: Vec<(&'p Plan, &'p Expr)>, s: &mut Shown<'p>) {
        if extra.is_empty() {
            return;
        }
        let scan = matches!(self.d.inside(plan), Source::Scan(_));
        let before = self.d.prefix;
        self.d.prefix = if scan { self.verbose } else { before };
        let text: Vec<String> = extra.iter().map(|(p, e)| self.d.expr(e, Source::Plan(p))).collect();
        self.d.prefix = before;
        s.details.push(("Filter".into(), text.join(" AND ")));
    }

    /// VERBOSE: the columns of a node, as it computes them or as they are read from it.
    fn output(&mut self, plan: &Plan) -> Vec<String> {
        self.listed(|x| x.items(plan))
    }

    /// A list that VERBOSE shows, with names as it shows them.
    fn listed(&mut self, list: impl FnOnce(&Self) -> Vec<String>) -> Vec<String> {
        if !self.verbose {
            return Vec::new();
        }
        let prefix = std::mem::replace(&mut self.d.prefix, self.several);
        let list = list(self);
        self.d.prefix = prefix;
        list
    }

    fn items(&self, plan: &Plan) -> Vec<String> {
        let plan = outputs::shown(plan, &self.d.removed);
        // Their columns have no names here.
        if matches!(plan.node, PlanNode::Empty) {
            return Vec::new();
        }
        self.each(plan, &|e, i| match i {
            Item::Own(n) => e.d.own_output(plan, *n),
            Item::Made(x) => e.d.expr(x, Source::Own(plan)),
            other => e.read_item(plan, other),
        })
    }

    /// The columns of a node as one above reads them.
    fn read(&self, plan: &Plan) -> Vec<String> {
        let plan = outputs::shown(plan, &self.d.removed);
        self.each(plan, &|e, i| e.read_item(plan, i))
    }

    fn read_item(&self, plan: &Plan, i: &Item<'_>) -> String {
        match i {
            Item::Own(n) => self.d.scanned(plan, *n),
            Item::Made(x) => format!("({})", self.d.expr(x, Source::Own(plan))),
            Item::Read(x) => self.read_below(plan, x),
            Item::From(p, i) => self.read_item(p, i),
            Item::Text(t) => t.clone(),
        }
    }

    fn read_below(&self, plan: &Plan, e: &Expr) -> String {
        plan.inputs().first().map_or_else(String::new, |p| self.d.below(e, Source::Plan(p)).0)
    }

    fn each(&self, plan: &Plan, text: &dyn Fn(&Self, &Item<'_>) -> String) -> Vec<String> {
        match self.outputs.of(plan) {
            Some(items) => items.iter().map(|i| text(self, i)).collect(),
            None => (0..plan.columns.len()).map(|n| text(self, &Item::Own(n))).collect(),
        }
    }

    fn read_output(&mut self, plan: &Plan) -> Vec<String> {
        self.listed(|x| x.read(plan))
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
        subs.sort_by_key(|p| p.number);
        subs.dedup_by_key(|p| p.number);
        for p in subs {
            let once = is_init_plan(p);
            let word = if once { "InitPlan" } else { "SubPlan" };
            let heading = Some(format!("{word} {}{}", p.number, returns(p)));
            if shown.children.iter().any(|(h, _)| *h == heading) || !once && !self.shown.insert(p.number) {
                continue;
            }
            self.fill_slots(p, around);
            let mut child = self.level(&p.plan);
            // The row's fields are columns of their own.
            if !once
                && p.slots.len() > 1
                && let [row] = &child.output[..]
            {
                let inner = row.strip_prefix("ROW(").and_then(|r| r.strip_suffix(')'));
                child.output = inner.map_or_else(|| child.output.clone(), |r| vec![r.to_owned()]);
            }
            shown.children.push((heading, child));
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
                let alias = self.called(plan, "*VALUES*");
                s.place = format!(" on {}", quote_identifier(&alias));
                s.facts.push(("Alias", json!(alias)));
            }
            PlanNode::SeqScan { rel, alias, filter, .. } => {
                let (sampling, filter) = sample::sampled(filter.as_ref());
                s.kind = if sampling.is_some() { "Sample Scan" } else { "Seq Scan" }.into();
                self.place(rel, &self.called(plan, alias), s);
                if let Some(text) = sampling.and_then(|e| self.sampling(e, plan)) {
                    s.details.push(("Sampling".into(), text));
                }
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::VirtualScan { rel, alias, filter, view, .. } => {
                let transition = *view == crate::catalog::relation::TRANSITION;
                s.kind = if transition { "Named Tuplestore Scan" } else { "Seq Scan" }.into();
                match rel {
                    // It is not told which one.
                    Some(_) if transition => {}
                    Some(r) => self.place(r, &self.called(plan, alias), s),
                    None => s.place = format!(" on {view}"),
                }
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::TidScan { rel, alias, tids, filter, .. } => {
                s.kind = "Tid Scan".into();
                let alias = self.called(plan, alias);
                self.place(rel, &alias, s);
                let ctid = if self.verbose { self.d.of_relation(&alias, "ctid") } else { "ctid".into() };
                let list: Vec<String> =
                    tids.iter().map(|t| format!("({ctid} = {})", self.d.expr(t, Source::None))).collect();
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
                self.function_scan(calls, &self.called(plan, alias), s);
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::SubqueryScan { input, alias, filter, .. } => {
                s.kind = "Subquery Scan".into();
                let alias = self.called(plan, alias);
                s.place = format!(" on {}", quote_identifier(&alias));
                s.facts.push(("Alias", json!(alias)));
                // PostgreSQL 15, explain.c, show_scan_qual: here the name is always said.
                if let Some(f) = filter {
                    let prefix = std::mem::replace(&mut self.d.prefix, true);
                    s.details.push(("Filter".into(), self.d.expr(f, Source::Scan(plan))));
                    self.d.prefix = prefix;
                }
                let child = self.level(input);
                s.children.push((None, child));
            }
            PlanNode::CteScan { cte, alias, filter, .. } => {
                s.kind = "CTE Scan".into();
                let name = self.ctes.get(cte).cloned().unwrap_or_default();
                let alias = &self.called(plan, alias);
                s.facts.push(("CTE Name", json!(name)));
                s.facts.push(("Alias", json!(alias)));
                s.place = if name == *alias || name.is_empty() {
                    format!(" on {}", quote_identifier(alias))
                } else {
                    format!(" on {} {}", quote_identifier(&name), quote_identifier(alias))
                };
                self.filter(filter.as_ref(), plan, s);
            }
            PlanNode::WorkTableScan { alias, filter, .. } => {
                s.kind = "WorkTable Scan".into();
                let called = self.called(plan, alias);
                s.facts.push(("CTE Name", json!(alias)));
                s.facts.push(("Alias", json!(called)));
                s.place = if called == *alias {
                    format!(" on {}", quote_identifier(alias))
                } else {
                    format!(" on {} {}", quote_identifier(alias), quote_identifier(&called))
                };
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
                let hashed = self.read_output(&j.right);
                let hash = Shown {
                    plan: &j.right,
                    kind: "Hash".into(),
                    place: String::new(),
                    facts: Vec::new(),
                    output: hashed,
                    details: Vec::new(),
                    children: vec![(None, right)],
                    is_level: false,
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
            PlanNode::Append { inputs, merge, removed, alias, .. } => {
                s.kind = if merge.is_empty() { "Append" } else { "Merge Append" }.into();
                if !merge.is_empty() {
                    s.details.push(("Sort Key".into(), self.d.keys(merge, Source::Plan(plan))));
                }
                if *removed > 0 {
                    s.details.push(("Subplans Removed".into(), removed.to_string()));
                }
                for p in inputs {
                    let child = if alias.is_some() { self.node(p, Vec::new()) } else { self.level(p) };
                    s.children.push((None, child));
                }
            }
            PlanNode::SetOp { left, right, op, all, .. } => {
                let word = match op {
                    SetOpKind::Union => "Union",
                    SetOpKind::Intersect => "Intersect",
                    SetOpKind::Except => "Except",
                };
                s.kind = format!("HashSetOp {word}{}", if *all { " All" } else { "" });
                for p in [left, right] {
                    let child = self.level(p);
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
                    let child = self.level(p);
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

    /// What a scanned relation is called here.
    fn called(&self, plan: &Plan, alias: &str) -> String {
        self.d.alias_of(plan).unwrap_or(alias).to_owned()
    }

    fn function_scan(&self, calls: &[super::FunctionCall], alias: &str, s: &mut Shown<'_>) {
        s.place = format!(" on {}", quote_identifier(alias));
        if let [call] = calls {
            let schema = self.d.schema_of(call.func).filter(|_| self.verbose);
            let mut shown = quote_identifier(call.func.name).to_string();
            s.facts.push(("Function Name", json!(call.func.name)));
            if let Some(schema) = schema {
                shown = format!("{}.{shown}", quote_identifier(&schema));
                s.facts.push(("Schema", json!(schema)));
            }
            let other = if call.func.name == alias { String::new() } else { format!(" {}", quote_identifier(alias)) };
            s.place = format!(" on {shown}{other}");
        }
        s.facts.push(("Alias", json!(alias)));
        if self.verbose {
            let all: Vec<String> = calls.iter().map(|c| self.d.call(c)).collect();
            s.details.push(("Function Call".into(), all.join(", ")));
        }
    }

    fn place(&self, rel: &crate::catalog::Relation, alias: &str, s: &mut Shown<'_>) {
        s.place = self.on(rel, alias);
        s.facts.push(("Relation Name", json!(rel.name)));
        if self.verbose {
            s.facts.push(("Schema", json!(schema_of(rel))));
        }
        s.facts.push(("Alias", json!(if alias.is_empty() { &rel.name } else { alias })));
    }

    fn only_child<'p>(&mut self, input: &'p Plan, s: &mut Shown<'p>) {
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

    /// The columns an index is searched by.
    fn index_columns(
        &mut self,
        i: &super::IndexScan,
        c: &super::IndexCondition,
        alias: &str,
        source: Source<'_>,
    ) -> String {
        let mut names = Vec::new();
        for (k, (n, _)) in c.parts().enumerate() {
            let column = &i.index.columns[n];
            let attribute = i.rel.attributes.get((column.attno as usize).wrapping_sub(1));
            names.push(match (c.computed.get(k), attribute) {
                (Some(Some(e)), _) => self.scan_expr(searched(i, e), source),
                (_, a) => {
                    let name = quote_identifier(a.map_or(&column.name, |a| &a.name));
                    if self.verbose { format!("{}.{name}", quote_identifier(alias)) } else { name.to_string() }
                }
            });
        }
        match &names[..] {
            [one] => one.clone(),
            many => format!("ROW({})", many.join(", ")),
        }
    }

    fn index_scan(&mut self, i: &super::IndexScan, plan: &Plan, s: &mut Shown<'_>) {
        let only = if i.index_only { "Index Only Scan" } else { "Index Scan" };
        s.kind = only.into();
        let back = if i.backward { " Backward" } else { "" };
        let alias = self.called(plan, &i.alias);
        s.place = format!("{back} using {}{}", quote_identifier(&i.index.name), self.on(&i.rel, &alias));
        s.facts.push(("Scan Direction", json!(if i.backward { "Backward" } else { "Forward" })));
        s.facts.push(("Index Name", json!(i.index.name)));
        s.facts.push(("Relation Name", json!(i.rel.name)));
        if self.verbose {
            s.facts.push(("Schema", json!(schema_of(&i.rel))));
        }
        s.facts.push(("Alias", json!(alias)));
        let source = self.d.inside(plan);
        let list: Vec<String> = i
            .conditions
            .iter()
            .map(|c| {
                let name = self.index_columns(i, c, &alias, source);
                let column = &i.index.columns[c.column];
                let shown = searched(i, &c.value);
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
        self.place(&b.rel, &self.called(plan, &b.alias), s);
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
        let alias = self.called(plan, &g.alias);
        s.place = format!(" using {}{}", quote_identifier(&g.index.name), self.on(&g.rel, &alias));
        s.facts.push(("Scan Direction", json!("Forward")));
        s.facts.push(("Index Name", json!(g.index.name)));
        s.facts.push(("Relation Name", json!(g.rel.name)));
        if self.verbose {
            s.facts.push(("Schema", json!(schema_of(&g.rel))));
        }
        s.facts.push(("Alias", json!(alias)));
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
            AggStrategy::Sorted if a.calls.is_empty() && !sets => "Group",
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
            // They are shown as the node below gives them.
            let computed_here = !matches!(outputs::shown(&a.input, &self.d.removed).node, PlanNode::Sort { .. });
            let text = if computed_here { self.d.list(&keys, input) } else { self.d.exprs(&keys, input) };
            s.details.push((word.into(), text));
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

/// A hash index is searched by the code of the value shown.
fn searched<'e>(i: &super::IndexScan, e: &'e Expr) -> &'e Expr {
    match i.index.method {
        IndexMethod::Hash => crate::sql::bind::hashed_value(e),
        _ => e,
    }
}
