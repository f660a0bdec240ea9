//! EXPLAIN of what writes. PostgreSQL 15, explain.c, show_modifytable_info.

use super::deparse::Source;
use super::outputs::target_alias;
use super::{Explainer, Shown};
use crate::sql::expr::Expr;
use crate::sql::plan::{Instead, Modify, ModifyKind, Plan, PlanNode};
use crate::types::name::quote_identifier;
use serde_json::{Value as Json, json};

impl Explainer<'_, '_> {
    pub(super) fn modify<'p>(&mut self, m: &'p Modify, s: &mut Shown<'p>) {
        let word = match &m.kind {
            ModifyKind::Insert { .. } | ModifyKind::Instead(Instead::Insert) => "Insert",
            ModifyKind::Update { .. } | ModifyKind::Instead(Instead::Update(_)) => "Update",
            ModifyKind::Delete { .. } | ModifyKind::Instead(Instead::Delete) => "Delete",
            ModifyKind::Merge { .. } => "Merge",
        };
        s.kind = word.into();
        let alias = target_alias(m, &self.d);
        self.place(&m.rel, &alias, s);
        let tables = m.members.iter().flat_map(|t| t.parts.iter().zip(&t.aliases)).map(|(part, alias)| {
            let mut table = serde_json::Map::new();
            table.insert("Relation Name".into(), json!(part.rel.name));
            if self.verbose {
                table.insert("Schema".into(), json!(super::schema_of(&part.rel)));
            }
            table.insert("Alias".into(), json!(alias));
            Json::Object(table)
        });
        let tables: Vec<Json> = tables.collect();
        if !tables.is_empty() {
            s.facts.push(("Target Tables", Json::Array(tables)));
        }
        for (part, alias) in m.members.iter().flat_map(|t| t.parts.iter().zip(&t.aliases)) {
            s.details.push((String::new(), format!("{word}{}", self.on(&part.rel, alias))));
        }
        if let ModifyKind::Insert { on_conflict: Some(c) } = &m.kind {
            let action = if c.set.is_some() { "UPDATE" } else { "NOTHING" };
            s.details.push(("Conflict Resolution".into(), action.into()));
            let arbiters = m.rel.indexes.iter().filter(|i| c.arbiters.as_ref().is_some_and(|a| a.contains(&i.oid)));
            let names: Vec<String> = arbiters.map(|i| quote_identifier(&i.name)).collect();
            if !names.is_empty() {
                s.details.push(("Conflict Arbiter Indexes".into(), names.join(", ")));
            }
            if let Some(filter) = &c.filter {
                let before = std::mem::replace(&mut self.d.prefix, true);
                s.details.push(("Conflict Filter".into(), self.d.expr(filter, Source::Conflict(&m.rel, &alias))));
                self.d.prefix = before;
            }
        }
        if self.verbose {
            self.returned(m, s);
        }
        self.only_child(&m.input, s);
        // Append computes nothing: PostgreSQL makes the new values in a node above it.
        if m.members.is_some() && matches!(m.kind, ModifyKind::Update { .. }) && !m.rel.is_partitioned() {
            let output = self.output(&m.input);
            wrap_append(&m.input, output, s);
        }
        self.values_below(m, s);
    }

    /// The sub-selects of the new values stand with the node that computes them.
    fn values_below<'p>(&mut self, m: &'p Modify, s: &mut Shown<'p>) {
        let alias = target_alias(m, &self.d);
        if let Some((_, child)) = s.children.last_mut() {
            self.sub_plans_of(new_values(m).into_iter(), Source::Target(&m.rel, &alias, &m.input), child);
        }
    }

    /// The sub-selects of conditions on the rows, of RETURNING, ON CONFLICT and MERGE, in the order in which PostgreSQL
    /// makes them ready.
    pub(super) fn modify_sub_plans<'p>(&mut self, m: &'p Modify, s: &mut Shown<'p>) {
        let alias = target_alias(m, &self.d);
        let of_input = (!matches!(m.kind, ModifyKind::Insert { .. })).then_some(&m.input);
        self.sub_plans_of(m.row_checks.iter().map(|c| &c.expr), Source::Row(&m.rel, &alias, None), s);
        self.sub_plans_of(m.returning.iter().flatten(), Source::Row(&m.rel, &alias, of_input), s);
        match &m.kind {
            ModifyKind::Insert { on_conflict: Some(c) } => {
                let set = c.set.iter().flatten().map(|(_, e)| e);
                self.sub_plans_of(set.chain(&c.filter), Source::Conflict(&m.rel, &alias), s);
            }
            ModifyKind::Merge { whens, .. } => {
                let all = whens.iter().flat_map(|w| w.exprs());
                self.sub_plans_of(all, Source::Target(&m.rel, &alias, &m.input), s);
            }
            _ => {}
        }
    }

    /// What RETURNING gives. Of tables with children it is that of the first one.
    fn returned(&mut self, m: &Modify, s: &mut Shown<'_>) {
        let own = target_alias(m, &self.d);
        let (rel, alias, list) = match m.members.as_ref().and_then(|t| t.parts.iter().zip(&t.aliases).next()) {
            Some((part, alias)) => (&part.rel, alias.as_str(), &part.returning),
            None => (&m.rel, own.as_str(), &m.returning),
        };
        let before = std::mem::replace(&mut self.d.prefix, self.several);
        let of_input = !matches!(m.kind, ModifyKind::Insert { .. });
        let source = Source::Row(rel, alias, of_input.then_some(&m.input));
        s.output = list.iter().flatten().map(|e| self.d.expr(e, source)).collect();
        self.d.prefix = before;
    }
}

/// The expressions that UPDATE assigns.
pub(super) fn new_values(m: &Modify) -> Vec<&Expr> {
    match &m.kind {
        ModifyKind::Update { set, .. } => set.iter().map(|u| &u.expr).collect(),
        _ => Vec::new(),
    }
}

fn wrap_append<'p>(input: &'p Plan, output: Vec<String>, s: &mut Shown<'p>) {
    if let Some((_, child)) = s.children.pop_if(|(_, c)| c.kind == "Append") {
        let mut result = Shown::of(input);
        result.kind = "Result".into();
        result.output = output;
        result.children.push((None, child));
        s.children.push((None, result));
    }
}

/// How many relations PostgreSQL's plan of an INSERT has that no node of ours reads: its table, and what the rows come from.
pub(super) fn unread(plan: &Plan) -> usize {
    match &plan.node {
        PlanNode::Modify(m) if matches!(m.kind, ModifyKind::Insert { .. }) => 2,
        _ => 0,
    }
}
