//! Which run-time slots kept rows were computed from: they stay valid as long as the slots do (EXEC-3).

use super::ExecContext;
use crate::sql::plan::Plan;

/// Versions of the slots some kept rows depend on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions {
    slots: Vec<usize>,
    seen: Option<Vec<u64>>,
}

impl Versions {
    pub fn of_plan(plan: &Plan) -> Versions {
        Versions { slots: plan.params.clone(), seen: None }
    }

    fn current(&self, cx: &ExecContext) -> Vec<u64> {
        self.slots.iter().map(|s| cx.run.versions.get(*s).copied().unwrap_or(0)).collect()
    }

    /// Notes the slots' present state as that of the kept rows.
    pub fn remember(&mut self, cx: &ExecContext) {
        self.seen = Some(self.current(cx));
    }

    /// True if no slot changed since [`remember`](Self::remember).
    pub fn unchanged(&self, cx: &ExecContext) -> bool {
        self.seen.as_ref().is_some_and(|s| self.slots.is_empty() || *s == self.current(cx))
    }
}
