//! What the levels above the joins make of their rows, as far as an order matters for it: of several ways to join, the
//! one with which the whole is cheapest is taken. PostgreSQL 15, planner.c, standard_qp_callback and
//! create_grouping_paths, create_distinct_paths, create_ordered_paths.

use super::path::{Path, PathKey, presorted};
use super::selectivity::Estimator;
use super::settings::{DISABLED, PlannerSettings};
use super::{AggStrategy, cost};
use crate::sql::expr::Expr;
use std::rc::Rc;

/// What is wanted of the joined rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Goal {
    /// The order in which they would be most useful.
    pub order: Vec<PathKey>,
    pub end: End,
    /// What is grouped; without: the rows are wanted as they are.
    pub grouping: Option<Grouping>,
}

/// How many rows of a query are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// So many, below 1 this part of them; 0: all.
    pub fraction: f64,
    /// LIMIT's number, if it is known: a sort keeps no more.
    pub limit: Option<f64>,
}

impl End {
    /// The cost up to the last of them. PostgreSQL 15, pathnode.c, compare_fractional_path_costs.
    fn price(self, startup: f64, total: f64, rows: f64) -> f64 {
        let part = if self.fraction >= 1.0 { self.fraction / rows.max(1.0) } else { self.fraction };
        if part <= 0.0 || part >= 1.0 { total } else { startup + (total - startup) * part }
    }
}

/// GROUP BY or DISTINCT over keys in `Goal::order`.
#[derive(Clone, Debug, Default)]
pub(super) struct Grouping {
    pub keys: Vec<Expr>,
    /// Aggregate calls.
    pub calls: usize,
    /// Their cost for each row, and for each group.
    pub per_row: f64,
    pub per_group: f64,
    pub can_hash: bool,
    /// Rows in a part of the order may be sorted by the rest.
    pub incremental: bool,
    /// What is left of the groups by HAVING.
    pub kept: f64,
    /// The groups are asked for in an order; true: in that of the keys.
    pub order_asked: Option<bool>,
}

/// Rows to be ordered or grouped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub startup: f64,
    pub total: f64,
    pub rows: f64,
    pub width: i32,
}

impl Input {
    pub fn of(cost: super::Cost) -> Input {
        Input { startup: cost.startup, total: cost.total, rows: cost.rows, width: cost.width }
    }
}

/// How groups are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grouped {
    pub strategy: AggStrategy,
    pub startup: f64,
    pub total: f64,
}

/// The cost of rows in an order of which the first `have` items are there: of the sort that is cheapest.
pub(super) fn ordered(
    input: Input,
    order: &[PathKey],
    have: usize,
    limit: Option<f64>,
    incremental: bool,
    est: &Estimator<'_>,
    s: &PlannerSettings,
) -> (f64, f64) {
    if have == order.len() {
        return (input.startup, input.total);
    }
    let limit = limit.unwrap_or(-1.0);
    if have > 0 && incremental && s.enable_incremental_sort {
        let leading: Vec<&Expr> = order[..have].iter().map(|k| &k.expr).collect();
        let groups = est.groups(&leading, input.rows);
        return cost::incremental_sort((input.startup, input.total), (input.rows, groups), input.width, limit, s);
    }
    cost::sort(input.total, input.rows, input.width, limit, s)
}

impl Grouping {
    /// The cheaper of hashing and of going through the rows in order; `groups` before HAVING.
    pub fn best(
        &self,
        input: Input,
        groups: f64,
        (order, have): (&[PathKey], usize),
        end: End,
        est: &Estimator<'_>,
        s: &PlannerSettings,
    ) -> Grouped {
        let work = input.rows * (self.per_row + s.cpu_operator_cost * self.keys.len() as f64);
        let finish = groups * (self.per_group + s.cpu_tuple_cost);
        let (startup, total) = ordered(input, order, have, None, self.incremental, est, s);
        let sorted = Grouped { strategy: AggStrategy::Sorted, startup, total: total + work + finish };
        if !self.can_hash {
            return sorted;
        }
        let (first, all) = cost::hash_spill((input.rows, input.width), groups, self.calls, s);
        let disabled = if s.enable_hashagg { 0.0 } else { DISABLED };
        let startup = input.total + work + disabled;
        let hashed = Grouped { strategy: AggStrategy::Hash, startup: startup + first, total: startup + all + finish };
        // What is in order and begins earlier wins if it is hardly dearer (PostgreSQL 15, pathnode.c, add_path).
        let alike = |a: f64, b: f64| a <= b * 1.01;
        if alike(sorted.total, hashed.total) && alike(sorted.startup, hashed.startup) {
            return sorted;
        }
        let price = |g| self.price(g, groups * self.kept, input.width, end, s);
        if price(hashed) <= price(sorted) { hashed } else { sorted }
    }

    /// What [`Grouping::best`] costs up to the rows that are wanted.
    fn price(&self, g: Grouped, rows: f64, width: i32, end: End, s: &PlannerSettings) -> f64 {
        let in_order = g.strategy == AggStrategy::Sorted && self.order_asked == Some(true);
        let (startup, total) = match self.order_asked {
            Some(_) if !in_order => cost::sort(g.total, rows, width, end.limit.unwrap_or(-1.0), s),
            _ => (g.startup, g.total),
        };
        end.price(startup, total, rows)
    }
}

impl Goal {
    /// The path with which all is cheapest. `width`: of what the joins give.
    pub fn choose(&self, paths: &[Rc<Path>], width: i32, est: &Estimator<'_>, s: &PlannerSettings) -> Rc<Path> {
        if let [one] = paths {
            return one.clone();
        }
        let price = |p: &Path| {
            let have = presorted(&p.order, &self.order);
            let input = Input { startup: p.startup, total: p.total, rows: p.rows, width };
            let Some(g) = &self.grouping else {
                let (startup, total) = ordered(input, &self.order, have, self.end.limit, true, est, s);
                return self.end.price(startup, total, p.rows);
            };
            let keys: Vec<&Expr> = g.keys.iter().collect();
            let groups = est.groups(&keys, p.rows);
            let best = g.best(input, groups, (&self.order, have), self.end, est, s);
            g.price(best, groups * g.kept, width, self.end, s)
        };
        let mut best = &paths[0];
        let mut least = price(best);
        for p in &paths[1..] {
            let price = price(p);
            if price < least {
                (best, least) = (p, price);
            }
        }
        best.clone()
    }
}
