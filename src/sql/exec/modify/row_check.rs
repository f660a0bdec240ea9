//! Conditions of policies, and WITH CHECK OPTION of views. PostgreSQL 15, execMain.c, ExecWithCheckOptions.

use super::verify::Shown;
use crate::base::{Error, Flow, SqlState};
use crate::sql::exec::ExecContext;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::plan::{RowCheck, RowCheckKind};
use crate::types::{Batch, Datum};

struct One {
    check: RowCheck,
    condition: Projection,
}

#[derive(Default)]
pub(super) struct RowChecks {
    list: Vec<One>,
}

impl RowChecks {
    pub fn new(checks: &[RowCheck]) -> RowChecks {
        let one = |c: &RowCheck| One { check: c.clone(), condition: Projection::new(std::slice::from_ref(&c.expr)) };
        RowChecks { list: checks.iter().map(one).collect() }
    }

    pub fn has(&self, kind: RowCheckKind) -> bool {
        self.list.iter().any(|one| one.check.kind == kind)
    }

    /// Refuses the first row that breaks a condition of this kind. To be repeated with the same batch after a `Stop`.
    pub fn enforce(&mut self, cx: &mut ExecContext, shown: &Shown, batch: &Batch, kind: RowCheckKind) -> Flow<()> {
        let mut broken: Option<(u32, usize)> = None;
        for (n, one) in self.list.iter_mut().enumerate().filter(|(_, o)| o.check.kind == kind) {
            // Of the rows behind one that is refused nothing is asked any more.
            let rows: Vec<u32> = (0..broken.map_or(batch.rows as u32, |b| b.0)).collect();
            if rows.is_empty() {
                break;
            }
            let answer = one.condition.run(cx, batch, Sel::Rows(&rows))?;
            if let Some(row) = rows.iter().find(|r| answer[0].get(**r as usize) != Datum::Bool(true)) {
                broken = Some((*row, n));
            }
        }
        match broken {
            Some((row, n)) => Err(refusal(cx, shown, batch, row as usize, &self.list[n].check).into()),
            None => Ok(()),
        }
    }
}

#[cold]
fn refusal(cx: &mut ExecContext, shown: &Shown, batch: &Batch, row: usize, check: &RowCheck) -> Error {
    let table = &check.of;
    let name = check.policy.as_ref().map(|p| format!(" \"{p}\"")).unwrap_or_default();
    let (state, text) = match check.kind {
        RowCheckKind::View => {
            (SqlState::WITH_CHECK_OPTION_VIOLATION, format!("new row violates check option for view \"{table}\""))
        }
        RowCheckKind::Insert | RowCheckKind::Update => (
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("new row violates row-level security policy{name} for table \"{table}\""),
        ),
        RowCheckKind::Conflict => (
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("new row violates row-level security policy{name} (USING expression) for table \"{table}\""),
        ),
        RowCheckKind::MergeUpdate | RowCheckKind::MergeDelete => (
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("target row violates row-level security policy{name} (USING expression) for table \"{table}\""),
        ),
    };
    let e = Error::new(state, text).input_row(row).place("ExecWithCheckOptions", "execMain.c", 2134);
    match check.kind {
        RowCheckKind::View => shown.with_row(cx, batch, row, e),
        _ => e,
    }
}
