//! TABLESAMPLE, which is a condition of its scan here, as PostgreSQL shows it.

use super::Explainer;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::Plan;

impl Explainer<'_, '_> {
    /// A method of TABLESAMPLE with what it is given.
    pub(super) fn sampling(&mut self, e: &Expr, plan: &Plan) -> Option<String> {
        let ExprKind::Func { func, args, .. } = &e.kind else { return None };
        let source = self.d.inside(plan);
        let (percent, seed) = match &args[..] {
            [percent] => (percent, None),
            [_, percent, seed] => (percent, Some(seed)),
            _ => return None,
        };
        let seed = seed.map(|e| format!(" REPEATABLE ({})", self.scan_expr(e, source))).unwrap_or_default();
        Some(format!("{} ({}){seed}", func.name, self.scan_expr(percent, source)))
    }
}

/// A scan's condition of TABLESAMPLE, and the rest.
pub(super) fn sampled(filter: Option<&Expr>) -> (Option<&Expr>, Option<Expr>) {
    let is = |e: &Expr| matches!(&e.kind, ExprKind::Func { func, .. } if crate::sql::func::sample::is_sampling(func));
    match filter {
        Some(e) if is(e) => (Some(e), None),
        Some(Expr { kind: ExprKind::And(parts), ty, pos }) => {
            let Some(sampling) = parts.iter().find(|p| is(p)) else { return (None, filter.cloned()) };
            let mut rest: Vec<Expr> = parts.iter().filter(|p| !is(p)).cloned().collect();
            let rest = match rest.len() {
                1 => rest.pop(),
                _ => Some(Expr { kind: ExprKind::And(rest), ty: *ty, pos: *pos }),
            };
            (Some(sampling), rest)
        }
        other => (None, other.cloned()),
    }
}
