//! The order and methods of joins: dynamic programming for a few relations, greedy merging for many.
//! PostgreSQL 15, joinrels.c and joinpath.c.

use super::cost;
use super::fold::constant;
use super::jointree::{Clause, JoinTree, Special};
use super::path::{JoinPath, Keep, Method, Path, PathKey, PathKind, add_path};
use super::relset::RelSet;
use super::scan::{Around, BaseRel, base_paths};
use super::selectivity::{Estimator, Facts};
use super::settings::{DISABLED, PlanContext, PlannerSettings};
use super::{IndexOp, JoinKind};
use crate::base::{Error, Result};
use crate::sql::bind::Rel;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{IoContext, TypeRef, Value, oid};
use std::collections::HashMap;
use std::rc::Rc;

/// Up to this many relations every order is considered.
const EXHAUSTIVE: usize = 8;

/// A set of relations joined, by its ways.
struct JoinRel {
    rows: f64,
    width: i32,
    paths: Vec<Rc<Path>>,
}

pub(super) struct Search<'t> {
    pub tree: &'t JoinTree,
    pub facts: &'t [Facts],
    pub wanted: &'t [PathKey],
    pub held: &'t [Expr],
    pub settings: &'t PlannerSettings,
    pub io: &'t IoContext,
    pub rels: &'t [Rel],
    pub base: &'t [BaseRel],
    done: HashMap<RelSet, JoinRel>,
}

/// How two sets may be joined.
#[derive(Clone, Copy)]
struct Legal<'s> {
    special: Option<&'s Special>,
    /// The special join's left side is our right one.
    reversed: bool,
}

impl<'t> Search<'t> {
    pub fn new(
        tree: &'t JoinTree,
        facts: &'t [Facts],
        wanted: &'t [PathKey],
        held: &'t [Expr],
        cx: &'t PlanContext<'t>,
        rels: &'t [Rel],
        base: &'t [BaseRel],
    ) -> Search<'t> {
        Search { tree, facts, wanted, held, settings: cx.settings, io: cx.io, rels, base, done: HashMap::new() }
    }

    /// The paths of all relations joined.
    pub fn run(&mut self) -> Result<Vec<Rc<Path>>> {
        let around = Around {
            tree: self.tree,
            facts: self.facts,
            wanted: self.wanted,
            held: self.held,
            settings: self.settings,
            io: self.io,
            rels: self.rels,
        };
        let mut sets = Vec::with_capacity(self.base.len());
        for b in self.base {
            let paths = base_paths(b, &around)?;
            let set = RelSet::one(b.rel);
            self.done.insert(set, JoinRel { rows: b.rows, width: b.width, paths });
            sets.push(set);
        }
        let all = sets.iter().fold(RelSet::EMPTY, |s, r| s.union(*r));
        if sets.len() > 1 {
            if sets.len() <= EXHAUSTIVE {
                self.exhaustive(&sets, false);
            }
            if !self.complete(all) {
                self.greedy(&sets);
            }
            if !self.complete(all) && sets.len() <= EXHAUSTIVE {
                self.exhaustive(&sets, true);
            }
        }
        match self.done.remove(&all) {
            Some(r) if r.paths.iter().any(|p| p.outer.is_empty()) => {
                Ok(r.paths.into_iter().filter(|p| p.outer.is_empty()).collect())
            }
            _ if self.tree.specials.iter().any(|s| s.kind == JoinKind::Full) => Err(Error::unsupported(
                "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions",
            )),
            _ => Err(Error::internal("failed to build any plan for the join")),
        }
    }

    fn complete(&self, all: RelSet) -> bool {
        self.done.get(&all).is_some_and(|r| r.paths.iter().any(|p| p.outer.is_empty()))
    }

    /// All sets of two, then of three, …: from every pair of smaller ones that may be joined. Pairs without a condition
    /// between them are only joined where nothing else is possible; with `crosses` everywhere.
    fn exhaustive(&mut self, base: &[RelSet], crosses: bool) {
        let mut levels: Vec<Vec<RelSet>> = vec![Vec::new(), base.to_vec()];
        for size in 2..=base.len() {
            let mut found: Vec<RelSet> = Vec::new();
            for cross in [false, true] {
                for left in 1..=size / 2 {
                    let right = size - left;
                    for i in 0..levels[left].len() {
                        let start = if left == right { i + 1 } else { 0 };
                        for j in start..levels[right].len() {
                            let (a, b) = (levels[left][i], levels[right][j]);
                            if a.overlaps(b) || self.linked(a, b) == cross {
                                continue;
                            }
                            if self.join(a, b) && !found.contains(&a.union(b)) {
                                found.push(a.union(b));
                            }
                        }
                    }
                }
                // Cross joins of sets that have conditions elsewhere are pointless, except at the end.
                if !crosses
                    && !found.is_empty()
                    && (size < base.len() || found.iter().any(|f| self.complete(*f)))
                    && !self.islands(base)
                {
                    break;
                }
            }
            levels.push(found);
        }
    }

    /// Some relations are not connected with the others at all, so cross joins are needed on the way.
    fn islands(&self, base: &[RelSet]) -> bool {
        let Some(first) = base.first() else { return false };
        let mut seen = *first;
        loop {
            let before = seen;
            for b in base {
                if !b.within(seen) && self.touches(seen, *b) {
                    seen = seen.union(*b);
                }
            }
            if seen == before {
                break;
            }
        }
        base.iter().any(|b| !b.within(seen))
    }

    fn touches(&self, a: RelSet, b: RelSet) -> bool {
        let both = |r: RelSet| r.overlaps(a) && r.overlaps(b);
        self.linked(a, b) || self.tree.specials.iter().any(|s| both(s.min_left.union(s.min_right)))
    }

    /// A condition, an outer join or a LATERAL reference stands between the two.
    fn linked(&self, a: RelSet, b: RelSet) -> bool {
        self.tree.connected(a, b)
            || self.base.iter().any(|x| {
                let me = RelSet::one(x.rel);
                me.within(b) && x.lateral.overlaps(a) || me.within(a) && x.lateral.overlaps(b)
            })
    }

    /// Joins the pair whose result is smallest, again and again.
    fn greedy(&mut self, base: &[RelSet]) {
        let mut parts = base.to_vec();
        let mut scores: HashMap<(RelSet, RelSet), f64> = HashMap::new();
        let mut touching: HashMap<(RelSet, RelSet), bool> = HashMap::new();
        while parts.len() > 1 {
            let mut best: Option<(usize, usize, f64)> = None;
            for pass in 0..2 {
                for i in 0..parts.len() {
                    for j in i + 1..parts.len() {
                        let (a, b) = (parts[i], parts[j]);
                        let touches = *touching.entry((a, b)).or_insert_with(|| self.touches(a, b));
                        if (pass == 0) != touches {
                            continue;
                        }
                        let score = match scores.get(&(a, b)) {
                            Some(s) => *s,
                            None => {
                                let s = if self.join(a, b) {
                                    self.done.get(&a.union(b)).map_or(f64::INFINITY, |r| {
                                        r.rows * 1000.0 + r.paths.iter().map(|p| p.total).fold(f64::INFINITY, f64::min)
                                    })
                                } else {
                                    f64::INFINITY
                                };
                                scores.insert((a, b), s);
                                s
                            }
                        };
                        if score.is_finite() && best.is_none_or(|(_, _, s)| score < s) {
                            best = Some((i, j, score));
                        }
                    }
                }
                if best.is_some() {
                    break;
                }
            }
            let Some((i, j, _)) = best else { return };
            let joined = parts[i].union(parts[j]);
            parts.swap_remove(j);
            parts.swap_remove(i);
            parts.push(joined);
        }
    }

    /// PostgreSQL 15, joinrels.c, join_is_legal.
    fn legal(&self, a: RelSet, b: RelSet) -> Option<Legal<'t>> {
        let all = a.union(b);
        let mut found: Option<Legal<'t>> = None;
        let mut must_be_left = false;
        for s in &self.tree.specials {
            if s.kind == JoinKind::Full {
                // A full join is done with exactly its own sides, before anything else touches them.
                let whole = s.syn_left.union(s.syn_right);
                let apart = !all.overlaps(whole) || all.within(s.syn_left) || all.within(s.syn_right);
                if apart || whole.within(a) || whole.within(b) {
                    continue;
                }
                let straight = a == s.syn_left && b == s.syn_right;
                if found.is_some() || !straight && !(b == s.syn_left && a == s.syn_right) {
                    return None;
                }
                found = Some(Legal { special: Some(s), reversed: !straight });
                continue;
            }
            if !s.min_right.overlaps(all) || all.within(s.min_right) {
                continue;
            }
            let inside = |x: RelSet| s.min_left.within(x) && s.min_right.within(x);
            if inside(a) || inside(b) {
                continue;
            }
            let (fits, reversed) = if s.min_left.within(a) && s.min_right.within(b) {
                (true, false)
            } else if s.min_left.within(b) && s.min_right.within(a) {
                (true, true)
            } else {
                (false, false)
            };
            if fits {
                // The right side must be the join's own, nothing else with it.
                let right = if reversed { a } else { b };
                let alien = right.minus(s.syn_right);
                let full = matches!(s.kind, JoinKind::Semi | JoinKind::Anti | JoinKind::Full);
                if found.is_some() || full && !alien.is_empty() {
                    return None;
                }
                found = Some(Legal { special: Some(s), reversed });
                continue;
            }
            if a.overlaps(s.min_right) && b.overlaps(s.min_right) {
                continue;
            }
            if s.kind != JoinKind::Left || all.overlaps(s.min_left) {
                return None;
            }
            must_be_left = true;
        }
        if must_be_left && !found.is_some_and(|l| l.special.is_some_and(|s| s.kind == JoinKind::Left && s.lhs_strict)) {
            return None;
        }
        Some(found.unwrap_or(Legal { special: None, reversed: false }))
    }

    /// Adds all ways to join two sets; false if they may not be joined.
    fn join(&mut self, a: RelSet, b: RelSet) -> bool {
        let Some(legal) = self.legal(a, b) else { return false };
        let (a, b) = if legal.reversed { (b, a) } else { (a, b) };
        let all = a.union(b);
        let clauses = self.tree.joining(a, b);
        let kind = legal.special.map_or(JoinKind::Inner, |s| s.kind);
        let (on, filter): (Vec<Clause>, Vec<Clause>) = match legal.special {
            None => (clauses, Vec::new()),
            // The class of a semi join's rows: conditions of WHERE over both sides cannot exist for semi and anti.
            Some(s) if kind == JoinKind::Semi => (s.on.iter().cloned().chain(clauses).collect(), Vec::new()),
            Some(s) => (s.on.clone(), clauses),
        };
        let (Some(left), Some(right)) = (self.done.get(&a), self.done.get(&b)) else { return false };
        let rows = self.join_rows(kind, left.rows, right.rows, &on, &filter, a, b);
        let width = match kind {
            JoinKind::Semi | JoinKind::Anti => left.width,
            _ => left.width + right.width,
        };
        let mut out = self.done.get(&all).map_or_else(Vec::new, |r| r.paths.clone());
        let rows = self.done.get(&all).map_or(rows, |r| r.rows);
        let before = out.len();
        let ways = Ways { search: self, kind, on: &on, filter: &filter, rows, all };
        ways.add(left, right, a, b, &mut out);
        match kind {
            JoinKind::Inner => ways.add(right, left, b, a, &mut out),
            JoinKind::Left | JoinKind::Full => {
                let kind = if kind == JoinKind::Left { JoinKind::Right } else { JoinKind::Full };
                Ways { kind, ..ways }.add(right, left, b, a, &mut out);
            }
            JoinKind::Semi if legal.special.is_some_and(|s| s.syn_right == b) => {
                if let Some(once) = self.unique(right, &on, a, b) {
                    Ways { kind: JoinKind::Inner, ..ways }.add(&once, left, b, a, &mut out);
                }
            }
            _ => {}
        }
        if out.is_empty() {
            return false;
        }
        let _ = before;
        self.done.insert(all, JoinRel { rows, width, paths: out });
        true
    }

    /// The right side of a semi join without repetitions: then it is any join, and can be the outer one. PostgreSQL 15,
    /// pathnode.c, create_unique_path: where all conditions are equalities of values that are equal in one way only.
    fn unique(&self, right: &JoinRel, on: &[Clause], a: RelSet, b: RelSet) -> Option<JoinRel> {
        let key = |c: &Clause| {
            let e = c.equality.as_ref().filter(|e| e.can_hash)?;
            let (l, r) = match () {
                () if e.left_rels.within(a) && e.right_rels.within(b) => (&e.left, &e.right),
                () if e.left_rels.within(b) && e.right_rels.within(a) => (&e.right, &e.left),
                () => return None,
            };
            let (own, other) = (crate::types::base_type(r.ty.oid), crate::types::base_type(l.ty.oid));
            let fits = own == other && own < crate::base::Oid::FIRST_NORMAL && own != crate::types::oid::RECORD;
            let fits = fits && l.ty.collation.is_deterministic() && r.ty.collation.is_deterministic();
            (fits && !super::fold::has_volatile(&c.expr)).then(|| r.clone())
        };
        let keys: Vec<Expr> = on.iter().map(key).collect::<Option<_>>()?;
        if keys.is_empty() {
            return None;
        }
        let est = Estimator::new(self.facts, self.io);
        let cheapest = right.paths.iter().filter(|p| p.outer.is_empty()).min_by(|x, y| x.total.total_cmp(&y.total))?;
        let groups = est.groups(&keys.iter().collect::<Vec<_>>(), cheapest.rows);
        let rows = groups.min(cheapest.rows).max(1.0);
        let s = self.settings;
        let hashed = s.cpu_operator_cost * keys.len() as f64 * cheapest.rows;
        let total = cheapest.total + hashed + s.cpu_tuple_cost * rows;
        let kind = PathKind::Unique { input: cheapest.clone(), keys };
        let path = Path { rels: b, outer: RelSet::EMPTY, rows, startup: total, total, order: Vec::new(), kind };
        Some(JoinRel { rows, width: right.width, paths: vec![Rc::new(path)] })
    }

    fn join_rows(
        &self,
        kind: JoinKind,
        left: f64,
        right: f64,
        on: &[Clause],
        filter: &[Clause],
        a: RelSet,
        b: RelSet,
    ) -> f64 {
        let est = Estimator::new(self.facts, self.io);
        let exprs: Vec<&Expr> = on.iter().filter(|c| c.selectivity.is_none()).map(|c| &c.expr).collect();
        let s = est.all(&exprs) * on.iter().filter_map(|c| c.selectivity).product::<f64>();
        let rows = match kind {
            JoinKind::Inner => left * right * s,
            JoinKind::Left => (left * right * s).max(left),
            JoinKind::Right => (left * right * s).max(right),
            JoinKind::Full => (left * right * s).max(left).max(right),
            JoinKind::Semi | JoinKind::Anti => {
                let matched = self.semi_fraction(on, left, right, s, a, b);
                left * if kind == JoinKind::Semi { matched } else { 1.0 - matched }
            }
        };
        let f: Vec<&Expr> = filter.iter().filter(|c| c.selectivity.is_none()).map(|c| &c.expr).collect();
        let s = est.all(&f) * filter.iter().filter_map(|c| c.selectivity).product::<f64>();
        (rows * s).round().max(1.0)
    }

    /// The part of the left rows that have a partner: PostgreSQL 15, selfuncs.c, eqjoinsel_semi for each equality.
    fn semi_fraction(&self, on: &[Clause], _left: f64, right: f64, s: f64, a: RelSet, b: RelSet) -> f64 {
        let est = Estimator::new(self.facts, self.io);
        let mut fraction = 1.0;
        let mut any = false;
        for c in on {
            let Some(eq) = &c.equality else { continue };
            if c.selectivity.is_some() {
                any = true;
                continue;
            }
            let (l, r) = if eq.left_rels.within(a) && eq.right_rels.within(b) {
                (&eq.left, &eq.right)
            } else if eq.left_rels.within(b) && eq.right_rels.within(a) {
                (&eq.right, &eq.left)
            } else {
                continue;
            };
            any = true;
            fraction *= est.semi_equality(l, r, right);
        }
        if any { fraction } else { (right * s).min(1.0) }
    }
}

/// The methods of one join.
#[derive(Clone, Copy)]
struct Ways<'w, 't> {
    search: &'w Search<'t>,
    kind: JoinKind,
    on: &'w [Clause],
    filter: &'w [Clause],
    rows: f64,
    all: RelSet,
}

impl Ways<'_, '_> {
    fn add(&self, left: &JoinRel, right: &JoinRel, a: RelSet, b: RelSet, out: &mut Vec<Rc<Path>>) {
        // Values from outside both sides are only possible for LATERAL items.
        let lateral = self.lateral();
        let rights: Vec<&Rc<Path>> = right.paths.iter().filter(|r| r.outer.minus(a).within(lateral)).collect();
        for l in left.paths.iter().filter(|l| l.outer.within(lateral) && !l.outer.overlaps(b)) {
            for &r in &rights {
                self.nest(l, r, left, right, a, out);
                if r.outer.overlaps(a) {
                    continue;
                }
                let free = |p: &Rc<Path>| p.outer.is_empty() || used_clauses(p).is_empty();
                if free(l) && free(r) {
                    self.hash(l, r, left, right, a, b, out);
                }
                if l.outer.is_empty() && r.outer.is_empty() {
                    self.merge(l, r, left, right, a, b, out);
                }
            }
        }
    }

    fn exprs(list: &[Clause]) -> Vec<Expr> {
        list.iter().map(|c| c.expr.clone()).collect()
    }

    fn path(&self, l: &Rc<Path>, startup: f64, total: f64, order: Vec<PathKey>, outer: RelSet, join: JoinPath) -> Path {
        let _ = l;
        Path { rels: self.all, outer, rows: self.rows, startup, total, order, kind: PathKind::Join(Box::new(join)) }
    }

    fn nest(&self, l: &Rc<Path>, r: &Rc<Path>, left: &JoinRel, right: &JoinRel, a: RelSet, out: &mut Vec<Rc<Path>>) {
        if matches!(self.kind, JoinKind::Right | JoinKind::Full) {
            return;
        }
        let s = self.search.settings;
        let outer = l.outer.union(r.outer.minus(a));
        let parameterised = r.outer.overlaps(a);
        let used: Vec<usize> = if parameterised { used_clauses(r) } else { Vec::new() };
        let on: Vec<Clause> = self.on.iter().filter(|c| !used.contains(&c.id)).cloned().collect();
        // A clause used by the index must be one of this join's; otherwise it belongs to another join.
        if used.iter().any(|u| !self.on.iter().any(|c| c.id == *u) && !self.filter.iter().any(|c| c.id == *u)) {
            return;
        }
        if used.iter().any(|u| self.filter.iter().any(|c| c.id == *u)) {
            return;
        }
        let on_exprs = Self::exprs(&on);
        let filter = Self::exprs(self.filter);
        let qual = cost::exprs_cost(on_exprs.iter().chain(&filter), s);
        let n = l.rows.max(1.0);
        let inner_rows = r.rows.max(1.0);
        let stops_early = matches!(self.kind, JoinKind::Semi | JoinKind::Anti);
        let share = if stops_early { 0.5 } else { 1.0 };
        let disabled = if s.enable_nestloop { 0.0 } else { DISABLED };
        let mut options = vec![(Keep::Nothing, r.total, r.total)];
        let made_once = |rel: usize| r.rows <= 1.0 && self.search.base.iter().any(|b| b.rel == rel && b.sub.is_none());
        let made_once = matches!(r.kind, PathKind::Other(rel) if made_once(rel));
        if !parameterised && s.enable_material && n > 1.0 && !made_once {
            let bytes = cost::row_bytes(inner_rows, right.width);
            let spill = if bytes > s.work_mem_kb * 1024.0 { (bytes / 8192.0).ceil() * s.seq_page_cost } else { 0.0 };
            let build = r.total + 2.0 * s.cpu_operator_cost * inner_rows + spill;
            options.push((Keep::All, build, s.cpu_operator_cost * inner_rows + spill));
        }
        if parameterised && !stops_early && l.rows >= 2.0 {
            let memo = super::memoize::Inner { path: r, left: a, width: right.width, base: self.search.base };
            options.extend(memo.costs(l.rows, &Estimator::new(self.search.facts, self.search.io), s));
        }
        for (keep, first, again) in options {
            let run = l.total + first + (n - 1.0) * again * share;
            let pairs = n * inner_rows * share;
            let total = disabled + run + pairs * (s.cpu_tuple_cost + qual);
            let join = JoinPath {
                kind: self.kind,
                method: Method::Nest,
                left: l.clone(),
                right: r.clone(),
                on: on_exprs.clone(),
                filter: filter.clone(),
                keys: Vec::new(),
                keep,
            };
            let startup = disabled + l.startup + r.startup;
            add_path(out, self.path(l, startup, total, l.order.clone(), outer, join));
        }
        let _ = left;
    }

    fn lateral(&self) -> RelSet {
        self.search.base.iter().fold(RelSet::EMPTY, |s, b| s.union(b.lateral))
    }

    /// The equalities with one side on the left and one on the right; the rest stays a condition.
    fn keys(&self, a: RelSet, b: RelSet, hash: bool) -> (Vec<(Expr, Expr)>, Vec<Expr>) {
        let mut keys = Vec::new();
        let mut rest = Vec::new();
        for c in self.on {
            let pair = c.equality.as_ref().filter(|e| !hash || e.can_hash).and_then(|e| {
                if e.left_rels.within(a) && e.right_rels.within(b) {
                    Some((e.left.clone(), e.right.clone()))
                } else if e.left_rels.within(b) && e.right_rels.within(a) {
                    Some((e.right.clone(), e.left.clone()))
                } else {
                    None
                }
            });
            match pair.and_then(|(l, r)| same_form(l, r)) {
                Some(p) => keys.push(p),
                None => rest.push(c.expr.clone()),
            }
        }
        (keys, rest)
    }

    fn hash(
        &self,
        l: &Rc<Path>,
        r: &Rc<Path>,
        left: &JoinRel,
        right: &JoinRel,
        a: RelSet,
        b: RelSet,
        out: &mut Vec<Rc<Path>>,
    ) {
        let (mut keys, rest) = self.keys(a, b, true);
        if keys.is_empty() {
            let constant = |e: &Expr| matches!(e.kind, ExprKind::Const(_));
            if self.kind != JoinKind::Full || !rest.iter().all(constant) {
                return;
            }
            // A full join ON true or ON false has no other way: all rows have the same key.
            let same = Expr::new(ExprKind::Const(Value::I32(1)), TypeRef::of(oid::INT4));
            keys.push((same.clone(), same));
        }
        // The executor's outer joins decide partners by all conditions, so extra ones are fine.
        let s = self.search.settings;
        let n = keys.len() as f64;
        let hashed = s.cpu_operator_cost * n;
        let startup = l.startup + r.total + (hashed + s.cpu_tuple_cost) * r.rows;
        let mut run = l.total - l.startup + hashed * l.rows;
        let bytes = cost::row_bytes(r.rows, right.width);
        if bytes > s.work_mem_kb * 1024.0 * s.hash_mem_multiplier {
            let pages = (bytes / 8192.0).ceil() + (cost::row_bytes(l.rows, 16) / 8192.0).ceil();
            run += 2.0 * pages * s.seq_page_cost;
        }
        // Rows that fall into one bucket are compared; distinct values of the inner side spread them.
        let est = Estimator::new(self.search.facts, self.search.io);
        let compared = match self.kind {
            JoinKind::Semi | JoinKind::Anti => {
                let distinct = keys.iter().map(|(_, k)| est.distinct(k)).fold(1.0, f64::max).min(r.rows.max(1.0));
                r.rows / distinct
            }
            _ => {
                // PostgreSQL 15, costsize.c, final_cost_hashjoin. Where it would rather sort both sides, this executor
                // hashes all the same.
                let buckets = r.rows.ceil().max(1024.0).log2().ceil().exp2();
                let part = keys.iter().map(|(_, k)| est.bucket_fraction(k, buckets)).fold(1.0, f64::min);
                (r.rows * part).round_ties_even()
            }
        };
        let by_bucket = s.cpu_operator_cost * n * l.rows * (compared * 0.5).max(0.5);
        let sorted = |p: &Path, width: i32| cost::sort(0.0, p.rows, width, -1.0, s).1;
        let by_order = sorted(l, left.width) + sorted(r, right.width) + s.cpu_operator_cost * n * (l.rows + r.rows);
        run += by_bucket.min(by_order);
        let qual = cost::exprs_cost(rest.iter().chain(&Self::exprs(self.filter)), s);
        // Rows without partner come out at no cost (costsize.c, approx_tuple_count).
        let joined = match self.kind {
            JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                let equal = keys.iter().map(|(l, r)| est.join_equality(l, r)).product::<f64>();
                (l.rows * r.rows * equal).round_ties_even().max(1.0)
            }
            _ => self.rows,
        };
        run += (s.cpu_tuple_cost + qual) * joined;
        let disabled = if s.enable_hashjoin { 0.0 } else { DISABLED };
        let join = JoinPath {
            kind: self.kind,
            method: Method::Hash,
            left: l.clone(),
            right: r.clone(),
            on: rest,
            filter: Self::exprs(self.filter),
            keys,
            keep: Keep::Nothing,
        };
        let outer = l.outer.union(r.outer);
        add_path(out, self.path(l, startup + disabled, startup + run + disabled, Vec::new(), outer, join));
    }

    fn merge(
        &self,
        l: &Rc<Path>,
        r: &Rc<Path>,
        left: &JoinRel,
        right: &JoinRel,
        a: RelSet,
        b: RelSet,
        out: &mut Vec<Rc<Path>>,
    ) {
        let s = self.search.settings;
        // Hashing wins on every measure of this executor but when it is switched off, or where the type has no hash.
        let hashes = !self.keys(a, b, true).0.is_empty();
        if hashes && (s.enable_hashjoin || !s.enable_mergejoin) {
            return;
        }
        let (keys, rest) = self.keys(a, b, false);
        if keys.is_empty() {
            return;
        }
        let (ls, lt) = cost::sort(l.total, l.rows, left.width, -1.0, s);
        let (rs, rt) = cost::sort(r.total, r.rows, right.width, -1.0, s);
        let qual = cost::exprs_cost(rest.iter().chain(&Self::exprs(self.filter)), s);
        let compare = s.cpu_operator_cost * keys.len() as f64;
        let run = lt - ls + rt - rs + compare * (l.rows + r.rows) + (s.cpu_tuple_cost + qual) * self.rows;
        let order = match self.kind {
            JoinKind::Full | JoinKind::Right => Vec::new(),
            _ => keys.iter().map(|(k, _)| PathKey { expr: k.clone(), desc: false, nulls_first: false }).collect(),
        };
        let join = JoinPath {
            kind: self.kind,
            method: Method::Merge,
            left: l.clone(),
            right: r.clone(),
            on: rest,
            filter: Self::exprs(self.filter),
            keys,
            keep: Keep::Nothing,
        };
        let startup = ls + rs + if s.enable_mergejoin { 0.0 } else { DISABLED };
        add_path(out, self.path(l, startup, startup + run, order, RelSet::EMPTY, join));
    }
}

/// The join clauses a path's index conditions make true.
fn used_clauses(p: &Path) -> Vec<usize> {
    match &p.kind {
        PathKind::Index(i) => i.used.clone(),
        PathKind::Bitmap(b) | PathKind::Gist(b) => b.used.clone(),
        PathKind::Keyed(k) => vec![k.used],
        PathKind::Join(j) => {
            let mut out = used_clauses(&j.left);
            out.extend(used_clauses(&j.right));
            if p.outer.is_empty() { Vec::new() } else { out }
        }
        _ => Vec::new(),
    }
}

/// Both sides of an equality in one type, for keys that are compared bit by bit.
fn same_form(l: Expr, r: Expr) -> Option<(Expr, Expr)> {
    use crate::types::oid;
    let (a, b) = (crate::types::base_type(l.ty.oid), crate::types::base_type(r.ty.oid));
    if a == b {
        return Some((l, r));
    }
    let int = |t| matches!(t, oid::INT2 | oid::INT4 | oid::INT8);
    let text = |t| matches!(t, oid::TEXT | oid::VARCHAR);
    let float = |t| matches!(t, oid::FLOAT4 | oid::FLOAT8);
    if text(a) && text(b) {
        return Some((l, r));
    }
    let target = if int(a) && int(b) {
        oid::INT8
    } else if float(a) && float(b) {
        oid::FLOAT8
    } else {
        return None;
    };
    Some((widen(l, target)?, widen(r, target)?))
}

/// The expression cast to a type that holds all its values.
pub(super) fn widen(e: Expr, target: crate::base::Oid) -> Option<Expr> {
    if e.ty.oid == target {
        return Some(e);
    }
    let c = crate::sql::func::cast(crate::types::base_type(e.ty.oid), target)?;
    let f = crate::sql::func::func(c.func)?;
    Some(Expr::new(
        crate::sql::expr::ExprKind::Func { func: f, oper: None, args: vec![e], variadic: false },
        crate::types::TypeRef::of(target),
    ))
}

/// An `IS NULL`-like index condition needs no value.
pub(super) fn needs_value(op: IndexOp) -> bool {
    !matches!(op, IndexOp::IsNull | IndexOp::IsNotNull)
}

/// A number known now, for LIMIT estimates.
pub(super) fn known_count(e: Option<&Expr>) -> Option<f64> {
    match constant(e?)? {
        crate::types::Value::I64(n) => Some(*n as f64),
        crate::types::Value::I32(n) => Some(f64::from(*n)),
        _ => None,
    }
}
