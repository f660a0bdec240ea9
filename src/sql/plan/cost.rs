//! What things cost: PostgreSQL 15, costsize.c, in its units.

use super::settings::{DISABLED, PlannerSettings};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{self, TypeRef};

/// (startup, total)
pub(super) type Pair = (f64, f64);

/// Cost of evaluating an expression once.
pub(super) fn expr_cost(e: &Expr, s: &PlannerSettings) -> f64 {
    let mut cost = 0.0;
    e.walk(&mut |x| {
        match &x.kind {
            ExprKind::Func { func, .. } => cost += f64::from(func.fact.cost) * s.cpu_operator_cost,
            ExprKind::ScalarArray { array, .. } => {
                let n = match &array.kind {
                    ExprKind::Const(types::Value::Bytes(b)) => types::array::Array::new(b).len() as f64,
                    ExprKind::Array { elements, .. } => elements.len() as f64,
                    _ => 10.0,
                };
                cost += s.cpu_operator_cost * n * 0.5;
            }
            ExprKind::IoCast { .. } | ExprKind::Distinct { .. } | ExprKind::NullIf { .. } => {
                cost += s.cpu_operator_cost;
            }
            ExprKind::RowCompare { pairs, .. } => cost += s.cpu_operator_cost * pairs.len() as f64,
            // What runs once for all rows costs none of them anything (PostgreSQL 15: an InitPlan's value is a parameter).
            ExprKind::SubPlan(p) if p.args.is_empty() && p.test.is_none() => {}
            ExprKind::SubPlan(p) => {
                cost += if p.hashable { s.cpu_operator_cost } else { p.plan.cost.total };
            }
            _ => {}
        }
        true
    });
    cost
}

pub(super) fn exprs_cost<'e>(list: impl IntoIterator<Item = &'e Expr>, s: &PlannerSettings) -> f64 {
    list.into_iter().map(|e| expr_cost(e, s)).sum()
}

/// Average bytes of a value: PostgreSQL 15, lsyscache.c, get_typavgwidth.
pub(super) fn type_width(ty: TypeRef) -> i32 {
    let Some(info) = types::info(ty.oid) else { return 32 };
    if info.len > 0 {
        return i32::from(info.len);
    }
    if ty.typmod > 4 && matches!(ty.oid, types::oid::VARCHAR | types::oid::BPCHAR) {
        // As many characters as it says, of four bytes at most, and the length's own four.
        let max = (ty.typmod - 4).saturating_mul(4).saturating_add(4);
        if ty.oid == types::oid::BPCHAR || max <= 32 {
            return max;
        }
        return if max < 1000 { 32 + (max - 32) / 2 } else { 32 + (1000 - 32) / 2 };
    }
    32
}

pub(super) fn row_bytes(rows: f64, width: i32) -> f64 {
    rows * (f64::from((width.max(0) + 7) & !7) + 24.0)
}

/// A scan of all pages with a condition of `qual` per row.
pub(super) fn seq_scan(pages: f64, tuples: f64, qual: f64, s: &PlannerSettings) -> Pair {
    let start = if s.enable_seqscan { 0.0 } else { DISABLED };
    (start, start + pages * s.seq_page_cost + tuples * (s.cpu_tuple_cost + qual))
}

/// PostgreSQL 15, costsize.c, cost_sort. `limit` −1: all rows.
pub(super) fn sort(input_total: f64, rows: f64, width: i32, limit: f64, s: &PlannerSettings) -> Pair {
    let (start, run) = tuple_sort(rows, width, limit, s);
    let start = input_total + start + if s.enable_sort { 0.0 } else { DISABLED };
    (start, start + run)
}

/// A sort of rows of which each run that agrees in the leading keys comes together: `groups` of them.
/// PostgreSQL 15, costsize.c, cost_incremental_sort: same formula, groups taken as half as large again.
pub(super) fn incremental_sort(
    input: (f64, f64),
    (rows, groups): (f64, f64),
    width: i32,
    limit: f64,
    s: &PlannerSettings,
) -> Pair {
    let (rows, groups) = (rows.max(2.0), groups.max(1.0));
    let input_run = (input.1 - input.0) / groups;
    let (first, each) = tuple_sort(1.5 * rows / groups, width, limit, s);
    let startup = input.0 + first + input_run;
    let run = each + (each + first) * (groups - 1.0) + input_run * (groups - 1.0);
    (startup, startup + run + s.cpu_tuple_cost * rows + 2.0 * s.cpu_tuple_cost * groups)
}

/// What hashing groups costs beyond memory. PostgreSQL 15, costsize.c, cost_agg, and nodeAgg.c,
/// hash_agg_entry_size and hash_agg_set_limits.
pub(super) fn hash_spill((rows, width): (f64, i32), groups: f64, calls: usize, s: &PlannerSettings) -> Pair {
    const CHUNK: f64 = 16.0;
    let aligned = |n: f64| (n / 8.0).ceil() * 8.0;
    let states = if calls > 0 { CHUNK + 16.0 * calls as f64 } else { 0.0 };
    let entry = 24.0 + CHUNK + 16.0 + aligned(f64::from(width)) + states;
    let memory = s.work_mem_kb * 1024.0 * s.hash_mem_multiplier;
    if groups * entry <= memory {
        return (0.0, 0.0);
    }
    let parts = (1.5 * groups * entry / memory).clamp(4.0, 256.0);
    let parts = 2.0_f64.powf(parts.log2().ceil());
    let kept = memory - (8192.0 * parts).min(memory * 0.25);
    let batches = (groups * entry / kept).max(groups / (kept / entry).max(1.0)).ceil().max(1.0);
    let depth = (batches.ln() / parts.max(2.0).ln()).ceil().max(1.0);
    let pages = 2.0 * (row_bytes(rows, width) / 8192.0) * depth;
    let work = depth * rows * 2.0 * s.cpu_tuple_cost;
    let startup = pages * s.random_page_cost + work;
    (startup, startup + pages * s.seq_page_cost)
}

/// Startup and what follows, without the input. PostgreSQL 15, costsize.c, cost_tuplesort.
fn tuple_sort(rows: f64, width: i32, limit: f64, s: &PlannerSettings) -> Pair {
    let rows = rows.max(2.0);
    let compare = 2.0 * s.cpu_operator_cost;
    let output = if limit > 0.0 && limit < rows { limit } else { rows };
    let bytes = row_bytes(rows, width);
    let mut start = 0.0;
    if row_bytes(output, width) > s.work_mem_kb * 1024.0 {
        let pages = (bytes / 8192.0).ceil();
        let runs = bytes / (s.work_mem_kb * 1024.0);
        let order = 6.0_f64.max(s.work_mem_kb / 256.0);
        let passes = if runs > order { (runs.ln() / order.ln()).ceil() } else { 1.0 };
        start += compare * rows * rows.log2();
        start += 2.0 * pages * passes * (s.seq_page_cost * 0.75 + s.random_page_cost * 0.25);
    } else if rows > 2.0 * output {
        start += compare * rows * (2.0 * output).log2();
    } else {
        start += compare * rows * rows.log2();
    }
    (start, s.cpu_operator_cost * rows)
}

/// Pages read by fetching rows at random: Mackert and Lohman's formula.
pub(super) fn pages_fetched(tuples: f64, pages: f64, s: &PlannerSettings) -> f64 {
    let t = pages.max(1.0);
    let b = s.effective_cache_size.max(1.0);
    if t <= b {
        return ((2.0 * t * tuples) / (2.0 * t + tuples)).min(t).ceil();
    }
    let limit = (2.0 * t * b) / (2.0 * t - b);
    if tuples <= limit { (2.0 * t * tuples) / (2.0 * t + tuples) } else { b + (tuples - limit) * (t - b) / t }.ceil()
}

/// What a scan by a collection of addresses is estimated from.
pub(super) struct BitmapInput {
    pub table_pages: f64,
    pub table_tuples: f64,
    pub index_pages: f64,
    /// Part of the rows the index's conditions keep.
    pub selectivity: f64,
    /// Places of the index that are searched.
    pub searches: f64,
    pub conditions: usize,
    /// How often the scan is repeated with other values.
    pub loops: f64,
    /// Cost of all conditions per row fetched.
    pub filter: f64,
}

/// Collecting addresses from a GIN index. PostgreSQL 15, selfuncs.c, gincostestimate: same idea, for an index whose
/// pages are all alike.
pub(super) fn gin_search(i: &BitmapInput, s: &PlannerSettings) -> f64 {
    let tuples = i.selectivity * i.table_tuples;
    let descents = (i.searches * i.index_pages.powf(0.15).round()).max(1.0);
    // Three entries take about a hundred bytes.
    let leaves = (tuples * i.searches.max(1.0) * 32.0 / 8192.0).ceil();
    let mut pages = (descents + leaves).min(i.index_pages.max(descents));
    if i.loops > 1.0 {
        pages = pages_fetched(pages * i.loops, i.index_pages, s) / i.loops;
    }
    let op = s.cpu_operator_cost * i.conditions as f64;
    pages * s.random_page_cost + tuples * (s.cpu_index_tuple_cost + op)
}

/// Reading the rows found, page after page. PostgreSQL 15, costsize.c, cost_bitmap_heap_scan.
pub(super) fn bitmap_heap(i: &BitmapInput, index_total: f64, s: &PlannerSettings) -> Pair {
    let tuples = (i.selectivity * i.table_tuples).max(1.0);
    let t = i.table_pages.max(1.0);
    let pages = match i.loops > 1.0 {
        true => pages_fetched(tuples * i.loops, t, s) / i.loops,
        false => ((2.0 * t * tuples) / (2.0 * t + tuples)).min(t).ceil(),
    };
    let per_page = match pages >= 2.0 {
        true => s.random_page_cost - (s.random_page_cost - s.seq_page_cost) * (pages / t).min(1.0).sqrt(),
        false => s.random_page_cost,
    };
    let startup = index_total + 0.1 * s.cpu_operator_cost * tuples;
    (startup, startup + pages * per_page + tuples * (s.cpu_tuple_cost + i.filter))
}

/// What an index scan is estimated from.
pub(super) struct IndexInput {
    pub table_pages: f64,
    pub table_tuples: f64,
    pub index_pages: f64,
    pub index_tuples: f64,
    /// Part of the index's rows its conditions keep.
    pub selectivity: f64,
    /// How often the index is descended (`= ANY`).
    pub descents: f64,
    pub conditions: usize,
    pub correlation: f64,
    /// Part of the pages whose rows are all visible; 0 for a plain index scan.
    pub all_visible: f64,
    /// How often the scan is repeated with other values.
    pub loops: f64,
    /// Cost of the other conditions per row fetched.
    pub filter: f64,
}

/// The index's own part. PostgreSQL 15, selfuncs.c, btcostestimate and gistcostestimate.
pub(super) fn index_part(i: &IndexInput, s: &PlannerSettings) -> Pair {
    let tuples = (i.selectivity * i.table_tuples).min(i.index_tuples).max(1.0);
    let pages = if i.index_pages > 1.0 && i.index_tuples > 1.0 {
        (tuples * i.index_pages / i.index_tuples).ceil()
    } else {
        1.0
    };
    let index_io = if i.loops * i.descents > 1.0 {
        pages_fetched(pages * i.loops * i.descents, i.index_pages, s) * s.random_page_cost / i.loops
    } else {
        pages * s.random_page_cost
    };
    let op = s.cpu_operator_cost * i.conditions as f64;
    let height = if i.index_pages > 1.0 { (i.index_pages.ln() / 200.0_f64.ln()).ceil() } else { 0.0 };
    let descent = (i.index_tuples.max(2.0).log2().ceil() + (height + 1.0) * 50.0) * s.cpu_operator_cost;
    (descent, index_io + descent * i.descents + tuples * (s.cpu_index_tuple_cost + op))
}

/// PostgreSQL 15, costsize.c, cost_index.
pub(super) fn index_scan(i: &IndexInput, s: &PlannerSettings) -> Pair {
    let (startup, index_total) = index_part(i, s);
    let fetched = (i.selectivity * i.table_tuples).max(1.0);
    let hidden = 1.0 - i.all_visible;
    let (max_io, min_io) = if i.loops > 1.0 {
        let all = pages_fetched(fetched * i.loops, i.table_pages, s);
        let max = (all * hidden).ceil() * s.random_page_cost / i.loops;
        let few = pages_fetched((i.selectivity * i.table_pages).ceil().max(1.0) * i.loops, i.table_pages, s);
        (max, (few * hidden).ceil() * s.random_page_cost / i.loops)
    } else {
        let all = (pages_fetched(fetched, i.table_pages, s) * hidden).ceil();
        let few = ((i.selectivity * i.table_pages).ceil() * hidden).ceil();
        let min = if few > 0.0 { s.random_page_cost + (few - 1.0).max(0.0) * s.seq_page_cost } else { 0.0 };
        (all * s.random_page_cost, min)
    };
    let c2 = i.correlation * i.correlation;
    let io = max_io + c2 * (min_io - max_io);
    let run = index_total - startup + io + fetched * (s.cpu_tuple_cost + i.filter);
    (startup, startup + run)
}
