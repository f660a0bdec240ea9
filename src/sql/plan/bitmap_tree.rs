//! Scans by the addresses that several B-trees or hash indexes lead to, all or any of them. PostgreSQL 15, indxpath.c,
//! generate_bitmap_or_paths and choose_bitmap_and; costsize.c, cost_bitmap_tree_node.

use super::cost::{self, BitmapInput, IndexInput};
use super::create::{Maker, node};
use super::fold::{Folder, conjunction, conjuncts};
use super::layout::Layout;
use super::path::{BitmapTree, Bits, Path, PathKind, add_path};
use super::predicate::{self, Prover};
use super::relset::RelSet;
use super::scan::{Around, BaseRel, Candidate, match_index};
use super::search::needs_value;
use super::selectivity::{Estimator, strip};
use super::settings::{DISABLED, PlannerSettings};
use super::{BitmapHeapScan, BitmapIndexScan, Cost, IndexCondition, Plan, PlanNode};
use crate::base::Result;
use crate::catalog::{IndexMethod, Relation};
use crate::sql::expr::{Expr, ExprKind, RowPair, same};
use crate::sql::func;
use crate::types::{IoContext, TypeRef, oid};
use std::rc::Rc;
use std::sync::Arc;

/// A bitmap with the conditions it is made from.
#[derive(Clone)]
struct Piece {
    bits: Bits,
    /// Conditions of the table it asks, in part.
    asks: Vec<usize>,
    /// Those that need not be asked of the rows again but by the recheck.
    covered: Vec<usize>,
    selectivity: f64,
    total: f64,
}

impl Bits {
    /// What holds for the rows found.
    fn condition(&self) -> Expr {
        let (kind, list): (fn(Vec<Expr>) -> ExprKind, Vec<Expr>) = match self {
            Bits::Index { clauses, implied, .. } => (ExprKind::And, clauses.iter().chain(implied).cloned().collect()),
            Bits::All(below, ..) => (ExprKind::And, below.iter().map(Bits::condition).collect()),
            Bits::Any(below, ..) => (ExprKind::Or, below.iter().map(Bits::condition).collect()),
        };
        Expr::new(kind(list), TypeRef::of(oid::BOOL))
    }

    fn cost(&self) -> (f64, f64) {
        match self {
            Bits::Index { total, rows, .. } | Bits::All(_, total, rows) | Bits::Any(_, total, rows) => (*total, *rows),
        }
    }
}

struct Finder<'f> {
    base: &'f BaseRel,
    table: &'f Arc<Relation>,
    est: Estimator<'f>,
    s: &'f PlannerSettings,
    io: &'f IoContext,
}

/// The ways to read a table by bitmaps of its ordered indexes, with its own conditions.
pub(super) fn bitmap_paths(base: &BaseRel, t: &Arc<Relation>, around: &Around<'_>, out: &mut Vec<Rc<Path>>) {
    if !t.indexes.iter().any(|i| matches!(i.method, IndexMethod::Btree | IndexMethod::Hash)) {
        return;
    }
    let finder =
        Finder { base, table: t, est: Estimator::new(around.facts, around.io), s: around.settings, io: around.io };
    let own: Vec<(usize, &Expr)> =
        base.quals.iter().enumerate().filter(|(_, q)| super::secure::may_search(base, q)).collect();
    let mut pieces = finder.of_indexes(&own, false);
    for (n, q) in &own {
        if let ExprKind::Or(ways) = &q.kind
            && let Some(mut piece) = finder.any(ways)
        {
            piece.asks = vec![*n];
            piece.covered.iter_mut().for_each(|c| *c = *n);
            pieces.push(piece);
        }
    }
    if pieces.is_empty() {
        return;
    }
    let mut best = finder.best(&pieces);
    // What the rows' recheck says need not be asked besides (PostgreSQL 15, createplan.c, create_bitmap_scan_plan).
    let said = predicate::follow(&base.quals, &[&best.bits.condition()], &mut Folder::new(around.io));
    best.covered.extend(said);
    let (startup, total) = finder.heap(&best);
    let off = if around.settings.enable_bitmapscan { 0.0 } else { DISABLED };
    let tree = BitmapTree { rel: base.rel, root: best.bits, covered: best.covered };
    add_path(
        out,
        Path {
            rels: RelSet::one(base.rel),
            outer: base.lateral,
            rows: base.rows,
            startup: startup + off,
            total: total + off,
            order: Vec::new(),
            kind: PathKind::BitmapTree(Box::new(tree)),
        },
    );
}

impl Finder<'_> {
    /// One bitmap for each index that the conditions search: those on the table, or those of a way of an OR.
    fn of_indexes(&self, conditions: &[(usize, &Expr)], of_way: bool) -> Vec<Piece> {
        use std::sync::atomic::Ordering::Relaxed;
        let mut out = Vec::new();
        for (n, index) in self.table.indexes.iter().enumerate().rev() {
            let Some((columns, predicate)) = self.base.indexes.get(n) else { continue };
            if !index.valid || index.method != IndexMethod::Btree {
                continue;
            }
            let mut folder = Folder::new(self.io);
            let mut given: Vec<&Expr> = self.base.quals.iter().collect();
            given.extend(conditions.iter().filter(|_| of_way).map(|(_, e)| *e));
            if predicate.as_ref().is_some_and(|p| !Prover::new(&mut folder).implied(p, &given)) {
                continue;
            }
            // What the index says of itself is not looked for.
            let said = match predicate {
                Some(p) if !self.base.marked => predicate::follow(conditions.iter().map(|c| c.1), &[p], &mut folder),
                _ => Vec::new(),
            };
            let asked = conditions.iter().enumerate().filter(|(n, _)| !said.contains(n)).map(|(_, c)| c);
            let candidates: Vec<Candidate<'_>> =
                asked.map(|(q, e)| Candidate { expr: e, qual: Some(*q), clause: None }).collect();
            let m = match_index(columns, index.key_columns, &candidates, self.base.rel);
            // A row found by a whole unique key is fetched at once, unless others are looked for with it.
            let found = !of_way && index.unique && m.fixed == index.key_columns;
            if m.conditions.is_empty() || !m.outer.is_empty() || found {
                continue;
            }
            let clauses: Vec<&Expr> = m.exprs.iter().collect();
            let selectivity = self.est.all(&clauses);
            let index_tuples = match index.stats.reltuples() {
                t if t > 0.0 => t,
                _ => self.base.tuples,
            };
            let index_pages = match index.stats.pages.load(Relaxed) {
                0 => (index_tuples * 24.0 / 8192.0).ceil().max(1.0),
                p => p as f64,
            };
            let input = IndexInput {
                table_pages: self.base.pages,
                table_tuples: self.base.tuples,
                index_pages,
                index_tuples,
                selectivity,
                descents: 1.0,
                conditions: m.conditions.len(),
                correlation: 0.0,
                all_visible: 0.0,
                loops: 1.0,
                filter: 0.0,
            };
            let rows = (selectivity * self.base.tuples).round().max(1.0);
            let total = cost::index_part(&input, self.s).1;
            let unsaid = predicate::unsaid(predicate.as_ref(), &clauses, &mut folder);
            let mut covered = m.covered.clone();
            if predicate.is_some() {
                let known: Vec<&Expr> = clauses.iter().chain(&unsaid).copied().collect();
                let follow = predicate::follow(conditions.iter().map(|c| c.1), &known, &mut folder);
                covered.extend(follow.into_iter().map(|n| conditions[n].0));
            }
            let implied: Vec<Expr> = unsaid.into_iter().cloned().collect();
            let (conditions, clauses, origins) = (m.conditions, m.exprs, m.origins);
            let bits = Bits::Index { index: n, conditions, clauses, origins, implied, total, rows };
            // Handling the bitmap costs a little for each row, too.
            let total = total + 0.1 * self.s.cpu_operator_cost * rows;
            out.push(Piece { bits, asks: m.asked, covered, selectivity, total });
        }
        out
    }

    /// OR: each way needs an index.
    fn any(&self, ways: &[Expr]) -> Option<Piece> {
        let mut inputs: Vec<Bits> = Vec::new();
        let (mut total, mut selectivity, mut whole) = (0.0, 0.0, true);
        for way in ways {
            let mut parts = Vec::new();
            conjuncts(way.clone(), &mut parts);
            let list: Vec<(usize, &Expr)> = parts.iter().enumerate().collect();
            let mut pieces = self.of_indexes(&list, true);
            for (n, part) in &list {
                if let ExprKind::Or(ways) = &part.kind
                    && let Some(mut piece) = self.any(ways)
                {
                    piece.asks = vec![*n];
                    piece.covered.iter_mut().for_each(|c| *c = *n);
                    pieces.push(piece);
                }
            }
            if pieces.is_empty() {
                return None;
            }
            let best = self.best(&pieces);
            whole &= (0..parts.len()).all(|n| best.covered.contains(&n));
            total += best.total;
            if !inputs.is_empty() && !matches!(best.bits, Bits::Index { .. }) {
                total += 100.0 * self.s.cpu_operator_cost;
            }
            selectivity += best.selectivity;
            match best.bits {
                Bits::Any(below, ..) => inputs.extend(below),
                bits => inputs.push(bits),
            }
        }
        let selectivity = f64::min(selectivity, 1.0);
        let rows = (selectivity * self.base.tuples).round().max(1.0);
        let covered = if whole { vec![0] } else { Vec::new() };
        Some(Piece { bits: Bits::Any(inputs, total, rows), asks: Vec::new(), covered, selectivity, total })
    }

    /// The cheapest of the pieces, or several of them together, that ask different conditions.
    fn best(&self, pieces: &[Piece]) -> Piece {
        let mut sorted: Vec<&Piece> = pieces.iter().collect();
        sorted.sort_by(|a, b| a.total.total_cmp(&b.total).then(a.selectivity.total_cmp(&b.selectivity)));
        let mut best: Option<(f64, Piece)> = None;
        for (n, first) in sorted.iter().enumerate() {
            let mut chosen = Piece::clone(first);
            let mut price = self.heap(&chosen).1;
            let mut inputs = vec![first.bits.clone()];
            for other in &sorted[n + 1..] {
                if other.asks.iter().any(|q| chosen.asks.contains(q)) {
                    continue;
                }
                let total = chosen.total + other.total + 100.0 * self.s.cpu_operator_cost;
                let selectivity = chosen.selectivity * other.selectivity;
                let mut list = inputs.clone();
                list.push(other.bits.clone());
                let rows = (selectivity * self.base.tuples).round().max(1.0);
                let both = Piece {
                    bits: Bits::All(list.clone(), total, rows),
                    asks: chosen.asks.iter().chain(&other.asks).copied().collect(),
                    covered: chosen.covered.iter().chain(&other.covered).copied().collect(),
                    selectivity,
                    total,
                };
                let now = self.heap(&both).1;
                if now < price {
                    (chosen, price, inputs) = (both, now, list);
                }
            }
            if best.as_ref().is_none_or(|(p, _)| price < *p) {
                best = Some((price, chosen));
            }
        }
        best.map_or_else(|| pieces[0].clone(), |(_, p)| p)
    }

    /// With the table's part.
    fn heap(&self, piece: &Piece) -> cost::Pair {
        let input = BitmapInput {
            table_pages: self.base.pages,
            table_tuples: self.base.tuples,
            index_pages: 1.0,
            selectivity: piece.selectivity,
            searches: 1.0,
            conditions: 1,
            loops: 1.0,
            filter: cost::exprs_cost(&self.base.quals, self.s),
        };
        // The bitmap's handling is in both.
        let handling = 0.1 * self.s.cpu_operator_cost * (piece.selectivity * self.base.tuples).max(1.0);
        cost::bitmap_heap(&input, piece.total - handling, self.s)
    }
}

/// A condition with the index's column on its left, as it is shown.
fn turned(clause: &Expr, column: &Expr) -> Expr {
    if let ExprKind::RowCompare { op, pairs } = &clause.kind
        && pairs.first().is_some_and(|p| !same(strip(&p.left), strip(column)))
    {
        let turn = |p: &RowPair| RowPair { left: p.right.clone(), right: p.left.clone(), ..p.clone() };
        let kind = ExprKind::RowCompare { op: op.commutator(), pairs: pairs.iter().map(turn).collect() };
        return Expr { kind, ty: clause.ty, pos: None };
    }
    if let ExprKind::Func { oper: Some(o), args, .. } = &clause.kind
        && let [l, r] = &args[..]
        && !same(strip(l), strip(column))
        && same(strip(r), strip(column))
        && let Some(back) = func::oper(*o).and_then(|o| func::oper(o.commutator))
        && let Some(f) = func::user::function_of(back)
    {
        let args = vec![r.clone(), l.clone()];
        return Expr::new(ExprKind::Func { func: f, oper: Some(back.oid), args, variadic: false }, clause.ty);
    }
    clause.clone()
}

impl Maker<'_, '_> {
    pub(super) fn bitmap_tree(&mut self, path: &Path, b: &BitmapTree) -> Result<(Plan, Layout)> {
        let (attnos, input, project) = self.scan_columns_and(b.rel, &[b.root.condition()])?;
        let filter = self.filter(b.rel, &b.covered, &[], &input)?;
        let (source, recheck) = self.bits(b.rel, &b.root, &input)?;
        // What every row is asked need not be asked twice (PostgreSQL 15, createplan.c, create_bitmap_scan_plan).
        let (mut rechecks, mut asked) = (Vec::new(), Vec::new());
        conjuncts(recheck, &mut rechecks);
        filter.iter().for_each(|f| conjuncts(f.clone(), &mut asked));
        let is_or = |e: &Expr| matches!(e.kind, ExprKind::Or(_));
        rechecks.retain(|r| is_or(r) || !asked.iter().any(|a| same(a, r)));
        let recheck = conjunction(rechecks);
        let (layout, project) = Self::narrowed(input, project);
        let cost = self.cost(path, &layout);
        let (rel, alias) = self.site(b.rel)?;
        let scan = BitmapHeapScan { rel, alias, source, recheck, attnos, filter, project };
        Ok((node(PlanNode::BitmapHeapScan(Box::new(scan)), &layout, cost), layout))
    }

    /// The node of a bitmap, and what holds for the rows it finds.
    fn bits(&mut self, rel: usize, bits: &Bits, input: &Layout) -> Result<(Plan, Expr)> {
        let (total, rows) = bits.cost();
        let (list, all) = match bits {
            Bits::Index { index, conditions, clauses, origins, implied, .. } => {
                let said = (&clauses[..], &origins[..], &implied[..]);
                return self.bitmap_of(rel, (*index, conditions), said, (total, rows), input);
            }
            Bits::All(list, ..) => (list, true),
            Bits::Any(list, ..) => (list, false),
        };
        let cost = Cost { startup: total, total, rows, width: 0 };
        let (mut inputs, mut checks) = (Vec::with_capacity(list.len()), Vec::with_capacity(list.len()));
        for b in list {
            let (plan, check) = self.bits(rel, b, input)?;
            inputs.push(plan);
            match check.kind {
                ExprKind::And(parts) if all => checks.extend(parts),
                _ => checks.push(check),
            }
        }
        let kind = if all { ExprKind::And(checks) } else { ExprKind::Or(checks) };
        let plan = node(PlanNode::BitmapCombine { inputs, all }, &Layout::new(Vec::new()), cost);
        Ok((plan, Expr::new(kind, TypeRef::of(oid::BOOL))))
    }

    fn bitmap_of(
        &mut self,
        rel: usize,
        (n, conditions): (usize, &[super::path::PathCondition]),
        (clauses, origins, implied): (&[Expr], &[Expr], &[Expr]),
        (total, rows): (f64, f64),
        input: &Layout,
    ) -> Result<(Plan, Expr)> {
        let (table, _) = self.site(rel)?;
        let columns = self.index_columns(rel, n)?;
        let (mut bounds, mut shown, mut checks): (_, _, Vec<Expr>) = (Vec::new(), Vec::new(), Vec::new());
        for (c, clause) in conditions.iter().zip(clauses) {
            let mut value = c.value.clone();
            if needs_value(c.op) {
                self.from_outside(&mut value, RelSet::EMPTY)?;
            }
            let (row, computed) = (c.row.clone(), Vec::new());
            bounds.push(IndexCondition { column: c.column, row, op: c.op, value, computed });
            let clause = columns.get(c.column).map_or_else(|| clause.clone(), |column| turned(clause, column));
            shown.push(self.bound_at(rel, &clause, input)?);
        }
        // The rows are asked the whole condition, also where the index only bounds it.
        for e in origins.iter().chain(implied) {
            let check = self.bound_at(rel, e, input)?;
            if !checks.iter().any(|c| same(c, &check)) {
                checks.push(check);
            }
        }
        let index = table.indexes[n].clone();
        let search =
            BitmapIndexScan { index, table: table.oid, conditions: Vec::new(), bounds, shown: conjunction(shown) };
        let cost = Cost { startup: 0.0, total, rows, width: 0 };
        let plan = node(PlanNode::BitmapIndexScan(Box::new(search)), &Layout::new(Vec::new()), cost);
        let check = conjunction(checks).unwrap_or_else(|| super::fold::bool_expr(true));
        Ok((plan, check))
    }
}
