//! EXPLAIN of what writes. PostgreSQL 15, explain.c, show_modifytable_info.

use super::deparse::Source;
use super::explain::{Explainer, Shown};
use super::{Instead, Modify, ModifyKind, Plan, PlanNode};
use crate::types::name::quote_identifier;

impl Explainer<'_> {
    pub(super) fn modify<'p>(&mut self, m: &'p Modify, s: &mut Shown<'p>) {
        let word = match &m.kind {
            ModifyKind::Insert { .. } | ModifyKind::Instead(Instead::Insert) => "Insert",
            ModifyKind::Update { .. } | ModifyKind::Instead(Instead::Update(_)) => "Update",
            ModifyKind::Delete { .. } | ModifyKind::Instead(Instead::Delete) => "Delete",
            ModifyKind::Merge { .. } => "Merge",
        };
        s.kind = word.into();
        self.place(&m.rel, &m.rel.name.clone(), s);
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
                s.details.push(("Conflict Filter".into(), self.d.expr(filter, Source::Conflict(&m.rel))));
                self.d.prefix = before;
            }
        }
        if self.verbose {
            self.returned(m, s);
        }
        self.only_child(&m.input, s);
        // Append computes nothing: PostgreSQL makes the new values in a node above it.
        if m.members.is_some() && matches!(m.kind, ModifyKind::Update { .. }) {
            wrap_append(&m.input, s);
        }
    }

    /// What RETURNING gives. Of tables with children it is that of the first one.
    fn returned(&mut self, m: &Modify, s: &mut Shown<'_>) {
        let (rel, alias, list) = match m.members.as_ref().and_then(|t| t.parts.iter().zip(&t.aliases).next()) {
            Some((part, alias)) => (&part.rel, alias.as_str(), &part.returning),
            None => (&m.rel, m.rel.name.as_str(), &m.returning),
        };
        let before = std::mem::replace(&mut self.d.prefix, self.several);
        let of_input = !matches!(m.kind, ModifyKind::Insert { .. });
        let source = Source::Row(rel, alias, of_input.then_some(&m.input));
        s.output = list.iter().flatten().map(|e| self.d.expr(e, source)).collect();
        self.d.prefix = before;
    }
}

fn wrap_append<'p>(input: &'p Plan, s: &mut Shown<'p>) {
    if let Some((_, child)) = s.children.pop_if(|(_, c)| c.kind == "Append") {
        let mut result = Shown::of(input);
        result.kind = "Result".into();
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
