//! The statement triggers around a data-modifying statement: of the table it names, not of that table's children.

use super::ChangeKind;
use crate::base::{Flow, Oid, Result};
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::{self, RowTriggers};
use crate::sql::exec::user_trigger::StatementFiring;
use crate::sql::expr::Expr;
use crate::sql::plan::{self, Instead, ModifyKind};
use std::sync::Arc;

/// What a statement does to rows; an INSERT with DO UPDATE does two things.
pub(super) fn kinds(kind: &ModifyKind) -> Vec<ChangeKind> {
    match kind {
        ModifyKind::Insert { on_conflict: Some(c) } if c.set.is_some() => vec![ChangeKind::Insert, ChangeKind::Update],
        ModifyKind::Insert { .. } => vec![ChangeKind::Insert],
        ModifyKind::Update { .. } => vec![ChangeKind::Update],
        ModifyKind::Delete { .. } => vec![ChangeKind::Delete],
        ModifyKind::Merge { whens, .. } => super::merge::kinds(whens),
        ModifyKind::Instead(what) => vec![super::instead::kind(what)],
    }
}

/// The attributes it assigns, where it is an update.
pub(super) fn assigned(kind: &ModifyKind) -> Option<Vec<usize>> {
    match kind {
        ModifyKind::Insert { on_conflict: Some(c) } => c.set.as_ref().map(|s| s.iter().map(|(n, _)| *n).collect()),
        ModifyKind::Instead(Instead::Update(set)) => Some(set.clone()),
        ModifyKind::Update { set, .. } => Some(set.iter().map(|c| c.attr).collect()),
        ModifyKind::Merge { whens, .. } => {
            let set = |w: &plan::MergeWhen| match &w.action {
                plan::MergeAction::Update(set) => set.iter().map(|c| c.attr).collect(),
                _ => Vec::new(),
            };
            Some(whens.iter().flat_map(set).collect())
        }
        _ => None,
    }
}

/// The generated columns computed from those assigned count as assigned; all of them, where a BEFORE trigger may assign
/// any other.
fn with_generated(mut set: Vec<usize>, m: &plan::Modify, any: bool) -> Vec<usize> {
    let follows = |e: &Expr| any || super::target::reads(&[e]).iter().any(|n| set.contains(n));
    let computed: Vec<usize> = m.generated.iter().filter(|(_, e)| follows(e)).map(|(n, _)| *n).collect();
    set.extend(computed);
    set
}

/// State of the node (FLOW-1).
pub(super) struct Statements {
    relation: Oid,
    triggers: Arc<RowTriggers>,
    kinds: Vec<ChangeKind>,
    assigned: Option<Vec<usize>>,
    /// Of how many kinds the triggers before were fired.
    begun: usize,
    /// Whether the present kind's are to be fired here.
    first: Option<bool>,
    firing: StatementFiring,
    ended: bool,
}

impl Statements {
    pub fn new(cx: &mut ExecContext, m: &plan::Modify) -> Result<Statements> {
        let triggers = after_row::of_relation(cx, &m.rel)?;
        let any = triggers.fire_before(ChangeKind::Update);
        Ok(Statements {
            relation: m.rel.oid,
            triggers,
            kinds: kinds(&m.kind),
            assigned: assigned(&m.kind).map(|set| with_generated(set, m, any)),
            begun: 0,
            first: None,
            firing: StatementFiring::default(),
            ended: false,
        })
    }

    /// Fires BEFORE STATEMENT triggers, once.
    pub fn begin(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(kind) = self.kinds.get(self.begun) {
            let first = match self.first {
                Some(first) => first,
                None => after_row::begin(cx, self.relation, *kind),
            };
            self.first = Some(first);
            if first {
                self.firing.run(cx, &self.triggers.before_statement, *kind, self.assigned.as_deref())?;
            }
            self.first = None;
            self.begun += 1;
        }
        Ok(())
    }

    /// All rows are done: AFTER STATEMENT triggers are due. PostgreSQL fires those of DO UPDATE first.
    pub fn end(&mut self, cx: &mut ExecContext) {
        if !std::mem::replace(&mut self.ended, true) {
            for kind in self.kinds.iter().rev() {
                after_row::end(cx, &self.triggers, *kind, self.assigned.as_deref());
            }
        }
    }
}
