//! To which query an aggregate belongs, and what may not stand in it. PostgreSQL 15, parse_agg.c, check_agg_arguments.

use super::group::GROUPING_MARK;
use super::query::walk_expr_mut;
use super::{Binder, Query, Source};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast::Pos;
use crate::sql::expr::{AggCall, Expr, ExprKind};

/// The innermost query that an expression reads: how many levels out, and where that is written.
type Nearest = Option<(usize, Option<u32>)>;

/// What the parts of a call read and hold.
#[derive(Default)]
struct Found {
    variable: Nearest,
    aggregate: Nearest,
    /// A WITH query: its level and name.
    cte: Option<(usize, String)>,
    window: Option<Option<u32>>,
    set: Option<Option<u32>>,
}

fn note(nearest: &mut Nearest, level: usize, pos: Option<u32>) {
    if nearest.is_none_or(|(l, _)| level < l) {
        *nearest = Some((level, pos));
    }
}

impl Found {
    fn look(&mut self, ctes: &[Vec<String>], parts: Vec<Expr>) {
        for mut part in parts {
            walk_expr_mut(&mut part, 0, &mut |e, depth| match &e.kind {
                ExprKind::Var { levels_up, .. } if *levels_up >= depth => {
                    note(&mut self.variable, levels_up - depth, e.pos);
                }
                ExprKind::Aggregate(a) if a.levels_up >= depth => {
                    note(&mut self.aggregate, a.levels_up - depth, e.pos);
                }
                // A GROUPING not resolved yet, or of a query that is bound.
                ExprKind::Row { names, fields } if names.first().is_some_and(|n| n == GROUPING_MARK) => {
                    if let Some(level) = super::group::level_of(fields).checked_sub(depth) {
                        note(&mut self.aggregate, level, e.pos);
                    }
                }
                ExprKind::SubLink(l) => self.look_for_ctes(ctes, &mut l.query.clone(), depth + 1),
                ExprKind::Window(_) if depth == 0 => self.window = Some(e.pos),
                ExprKind::SetReturning { .. } if depth == 0 => self.set = Some(e.pos),
                _ => {}
            });
        }
    }

    /// `ctes`: what the WITH clauses around the call define, the innermost first.
    fn look_for_ctes(&mut self, ctes: &[Vec<String>], query: &mut Query, depth: usize) {
        for rel in &query.rels {
            if let Source::Cte { index, levels_up } = rel.source
                && let Some(level) = levels_up.checked_sub(depth)
                && self.cte.as_ref().is_none_or(|(l, _)| level < *l)
                && let Some(name) = ctes.get(level).and_then(|c| c.get(index))
            {
                self.cte = Some((level, name.clone()));
            }
        }
        query.for_each_query_mut(&mut |q| self.look_for_ctes(ctes, q, depth + 1));
    }
}

impl Binder<'_, '_> {
    /// How many levels out the aggregate's query is: that of the nearest variable or aggregate in it.
    pub(super) fn aggregate_level(&mut self, agg: &AggCall, pos: Pos) -> Result<usize> {
        let names = |s: &super::scope::Scope| s.ctes.iter().map(|c| c.name.clone()).collect();
        let ctes: Vec<Vec<String>> = self.scopes.iter().rev().map(names).collect();
        let mut parts: Vec<Expr> = agg.args.clone();
        parts.extend(agg.order_by.iter().map(|k| k.expr.clone()));
        parts.extend(agg.filter.iter().cloned());
        let mut found = Found::default();
        found.look(&ctes, parts);
        let levels = found.variable.iter().chain(&found.aggregate).map(|(l, _)| *l);
        let level = levels.min().unwrap_or(0);
        let place = |p: Option<u32>| p.and_then(|p| self.at(p));
        let nested = |p: Option<u32>| {
            err!(GROUPING_ERROR, "aggregate function calls cannot be nested").at(place(p).or(self.at(pos)))
        };
        if let Some((l, p)) = found.aggregate
            && l == level
        {
            return Err(nested(p));
        }
        if let Some((l, name)) = &found.cte
            && *l < level
        {
            return Err(Error::unsupported("outer-level aggregate cannot use a nested CTE")
                .detail(format!("CTE \"{name}\" is below the aggregate's semantic level."))
                .at(self.at(pos)));
        }
        if let Some(p) = found.window {
            return Err(
                err!(GROUPING_ERROR, "aggregate function calls cannot contain window function calls").at(place(p))
            );
        }
        if let Some(p) = found.set {
            let text = "aggregate function calls cannot contain set-returning function calls";
            return Err(Error::unsupported(text)
                .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
                .at(place(p)));
        }
        // Direct arguments do not decide the level, but are evaluated at it.
        let mut direct = Found::default();
        direct.look(&ctes, agg.direct_args.clone());
        if let Some((l, p)) = direct.variable
            && l < level
        {
            let text = "outer-level aggregate cannot contain a lower-level variable in its direct arguments";
            return Err(err!(GROUPING_ERROR, "{text}").at(place(p)));
        }
        if let Some((l, p)) = direct.aggregate
            && l <= level
        {
            return Err(nested(p));
        }
        Ok(level)
    }
}
