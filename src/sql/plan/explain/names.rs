//! The names relations go by in what is shown: one that several have is numbered. PostgreSQL 15, ruleutils.c,
//! set_rtable_names: a level's own come first, then those of its sub-selects in FROM, then the sub-plans in turn.

use super::deparse::key;
use crate::sql::expr::{ExprKind, SubPlan};
use crate::sql::plan::{Plan, PlanNode};
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Names {
    /// By the node that reads the relation.
    names: HashMap<usize, String>,
    /// How many have asked for it.
    taken: HashMap<String, usize>,
}

/// Names for everything a plan and its sub-plans read.
pub(super) fn names_of(plan: &Plan) -> HashMap<usize, String> {
    let mut all = Names::default();
    let mut later = vec![(0, plan)];
    let mut met = Vec::new();
    let mut at = 0;
    while at < later.len() {
        let (number, plan) = later[at];
        at += 1;
        if number > 0 && met.contains(&number) {
            continue;
        }
        met.push(number);
        all.query(plan, &mut later);
        later[at..].sort_by_key(|(n, _)| *n);
    }
    all.names
}

impl Names {
    fn query<'p>(&mut self, plan: &'p Plan, later: &mut Vec<(usize, &'p Plan)>) {
        let mut inner = Vec::new();
        self.level(plan, &mut inner, later);
        inner.into_iter().for_each(|p| self.query(p, later));
    }

    fn level<'p>(&mut self, plan: &'p Plan, inner: &mut Vec<&'p Plan>, later: &mut Vec<(usize, &'p Plan)>) {
        plan.for_each_expr(&mut |e| {
            e.walk(&mut |x| {
                if let ExprKind::SubPlan(s) = &x.kind {
                    let s: &'p SubPlan = s;
                    later.push((s.number, &s.plan));
                }
                true
            });
        });
        match &plan.node {
            PlanNode::SubqueryScan { input, alias, .. } => {
                self.give(plan, alias);
                inner.push(input);
            }
            PlanNode::With { ctes, body } => {
                later.extend(ctes.iter().map(|c| (c.number, &c.plan)));
                self.level(body, inner, later);
            }
            PlanNode::Append { inputs, alias: Some(alias), .. } => {
                let first = !self.taken.contains_key(alias);
                self.give(plan, alias);
                self.members(inputs, alias, first, (inner, later));
            }
            _ => {
                if let Some(alias) = scan_alias(plan) {
                    self.give(plan, alias);
                }
                plan.inputs().into_iter().for_each(|p| self.level(p, inner, later));
            }
        }
    }

    /// The members of a tree. `first`: nothing else is called like it, so they keep the numbers they have.
    fn members<'p>(
        &mut self,
        list: &'p [Plan],
        alias: &str,
        first: bool,
        (inner, later): (&mut Vec<&'p Plan>, &mut Vec<(usize, &'p Plan)>),
    ) {
        for p in list {
            match (own_alias(p), &inside(p).node) {
                (Some(own), _) if first && own != alias => {
                    *self.taken.entry(alias.to_owned()).or_default() += 1;
                    self.give(p, own);
                }
                (Some(_), _) => self.give(p, alias),
                (None, PlanNode::Append { inputs, .. }) => self.members(inputs, alias, first, (inner, later)),
                _ => self.level(p, inner, later),
            }
        }
    }

    fn give(&mut self, plan: &Plan, alias: &str) {
        let plan = inside(plan);
        if !self.taken.contains_key(alias) {
            self.taken.insert(alias.to_owned(), 0);
            self.names.insert(key(plan), alias.to_owned());
            return;
        }
        let mut n = self.taken.get(alias).copied().unwrap_or_default();
        let name = loop {
            n += 1;
            let name = crate::types::name::numbered(alias, n);
            if !self.taken.contains_key(&name) {
                break name;
            }
        };
        self.taken.insert(alias.to_owned(), n);
        self.taken.insert(name.clone(), 0);
        self.names.insert(key(plan), name);
    }
}

/// The scan below nodes that are not shown.
fn inside(plan: &Plan) -> &Plan {
    match &plan.node {
        PlanNode::Project { input, .. } | PlanNode::Filter { input, .. } => inside(input),
        _ => plan,
    }
}

fn own_alias(plan: &Plan) -> Option<&str> {
    scan_alias(inside(plan))
}

fn scan_alias(plan: &Plan) -> Option<&str> {
    match &plan.node {
        PlanNode::SeqScan { alias, .. }
        | PlanNode::VirtualScan { alias, .. }
        | PlanNode::TidScan { alias, .. }
        | PlanNode::FunctionScan { alias, .. }
        | PlanNode::CteScan { alias, .. }
        | PlanNode::WorkTableScan { alias, .. } => Some(alias),
        PlanNode::IndexScan(s) => Some(&s.alias),
        PlanNode::BitmapHeapScan(s) => Some(&s.alias),
        PlanNode::GistScan(s) => Some(&s.alias),
        PlanNode::Values { .. } => Some("*VALUES*"),
        _ => None,
    }
}
