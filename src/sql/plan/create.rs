//! From the chosen path to plan nodes: which columns each node hands on, and where values of outer rows come from.

use super::fold::conjunction;
use super::jointree::JoinTree;
use super::layout::Layout;
use super::path::{BitmapPath, IndexPath, JoinPath, Keep, Method, Part, Path, PathKey, PathKind};
use super::planner::Planner;
use super::relset::{RelSet, rels_of};
use super::scan::BaseRel;
use super::search::needs_value;
use super::{
    BitmapHeapScan, BitmapIndexScan, Cost, FunctionCall, GistScan, HashJoin, IndexCondition, IndexScan, JoinKind,
    MergeJoin, NestLoop, Plan, PlanColumn, PlanNode, Search, SearchCondition,
};
use crate::base::{Error, Result};
use crate::catalog::Relation;
use crate::sql::bind::{Rel, Source};
use crate::sql::expr::{Expr, ExprKind, SortKey};
use crate::types::TypeRef;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The left side of a nested loop while its right side is made.
struct Frame {
    rels: RelSet,
    params: Vec<(usize, Expr)>,
}

pub(super) struct Maker<'p, 'a> {
    pub planner: &'p mut Planner<'a>,
    pub rels: &'p mut [Rel],
    pub base: Vec<BaseRel>,
    pub tree: &'p JoinTree,
    /// Read above all joins.
    pub top: BTreeSet<(usize, i16)>,
    frames: Vec<Frame>,
    /// The member of a tree being made.
    member: Option<usize>,
    /// (relations a condition needs, columns it reads)
    uses: Vec<(RelSet, Vec<(usize, i16)>)>,
}

pub(super) fn vars_of(e: &Expr, out: &mut Vec<(usize, i16)>) {
    e.walk(&mut |x| {
        if let ExprKind::Var { rel, attno, levels_up: 0 } = x.kind {
            out.push((rel, attno));
        }
        true
    });
}

/// A plan node with the columns its layout says.
pub(super) fn node(node: PlanNode, layout: &Layout, cost: Cost) -> Plan {
    let columns = layout.exprs().iter().map(|e| PlanColumn { name: String::new(), ty: e.ty }).collect();
    Plan { node, columns, cost, params: Vec::new() }
}

pub(super) fn columns_for(exprs: &[Expr]) -> Vec<PlanColumn> {
    exprs.iter().map(|e| PlanColumn { name: String::new(), ty: e.ty }).collect()
}

/// The conditions an inverted or GiST index is searched by, as the three places have them that need them.
#[derive(Default)]
struct Searched {
    recheck: Vec<Expr>,
    shown: Vec<Expr>,
    conditions: Vec<SearchCondition>,
}

impl<'p, 'a> Maker<'p, 'a> {
    pub fn new(
        planner: &'p mut Planner<'a>,
        rels: &'p mut [Rel],
        base: Vec<BaseRel>,
        tree: &'p JoinTree,
        top: BTreeSet<(usize, i16)>,
    ) -> Maker<'p, 'a> {
        let mut uses = Vec::new();
        let mut note = |rels: RelSet, e: &Expr| {
            let mut vars = Vec::new();
            vars_of(e, &mut vars);
            uses.push((rels, vars));
        };
        for c in &tree.clauses {
            note(c.required, &c.expr);
        }
        for s in &tree.specials {
            for c in &s.on {
                note(s.syn_left.union(s.syn_right), &c.expr);
            }
        }
        for class in &tree.classes {
            let all = class.members.iter().fold(RelSet::EMPTY, |s, (_, r)| s.union(*r));
            for (m, _) in &class.members {
                note(all, m);
            }
        }
        for b in &base {
            if b.lateral.is_empty() {
                continue;
            }
            let all = b.lateral.union(RelSet::one(b.rel));
            if let Some((_, outer)) = &b.sub {
                outer.iter().for_each(|(_, e)| note(all, e));
            }
            match &rels[b.rel].source {
                Source::Function { calls, .. } => {
                    calls.iter().flat_map(|c| c.args.iter().chain(&c.scalar)).for_each(|e| note(all, e));
                }
                Source::Values(rows) => rows.iter().flatten().for_each(|e| note(all, e)),
                _ => {}
            }
        }
        Maker { planner, rels, base, tree, top, frames: Vec::new(), member: None, uses }
    }

    fn base(&self, rel: usize) -> Result<&BaseRel> {
        let found = self.base.iter().find(|b| b.rel == rel);
        let found = found.ok_or_else(|| Error::internal("a relation is missing in the search"))?;
        match (self.member, &found.children) {
            (Some(n), Some(children)) => {
                children.get(n).ok_or_else(|| Error::internal("a member of a tree is missing"))
            }
            _ => Ok(found),
        }
    }

    /// The columns of an index, over the table's attributes.
    pub(super) fn index_columns(&self, rel: usize, n: usize) -> Result<Vec<Expr>> {
        let found = self.base(rel)?.indexes.get(n).map(|(columns, _)| columns.clone());
        found.ok_or_else(|| Error::internal("an index is missing"))
    }

    /// What a scan of the relation reads, and under which name.
    pub(super) fn site(&self, rel: usize) -> Result<(Arc<Relation>, String)> {
        let b = self.base(rel)?;
        let table = b.table.clone().ok_or_else(|| Error::internal("a scan without a table"))?;
        Ok((table, b.alias.clone().unwrap_or_else(|| self.rels[rel].alias.clone())))
    }

    /// The type of an attribute of the table a scan reads.
    fn type_of(&self, rel: usize, own: i16) -> Result<TypeRef> {
        let table = self.base(rel)?.table.as_ref().filter(|_| self.member.is_some());
        let found = match table {
            Some(t) if own > 0 => t.attributes.get(own as usize - 1).map(|a| a.ty),
            _ => self.rels[rel].attribute(own),
        };
        found.ok_or_else(|| Error::internal("an attribute is missing"))
    }

    /// A tree: its members one after the other or merged, each narrowed to what is read above.
    fn append(&mut self, path: &Path, rel: usize, parts: &[Part]) -> Result<(Plan, Layout)> {
        let me = RelSet::one(rel);
        let kept: Vec<i16> =
            self.base(rel)?.needed.iter().copied().filter(|a| self.needed_above((rel, *a), me)).collect();
        let mut exprs = Vec::with_capacity(kept.len());
        for &a in &kept {
            let ty = self.rels[rel].attribute(a).ok_or_else(|| Error::internal("an attribute is missing"))?;
            exprs.push(crate::sql::bind::scope::var(rel, a, ty));
        }
        let layout = Layout::new(exprs);
        self.name_members(rel, parts);
        let plan = self.parts(path, rel, parts, &kept, &layout)?;
        Ok((plan, layout))
    }

    /// The members' aliases. Partitioned tables that are nodes of their own are counted in front of their members.
    fn name_members(&mut self, rel: usize, parts: &[Part]) {
        fn nodes(parts: &[Part], out: &mut Vec<usize>) {
            for part in parts {
                if let Part::Parted(_, path) = part
                    && let PathKind::Append { parts, .. } = &path.kind
                {
                    let mut below = Vec::new();
                    part.tables(&mut below);
                    out.extend(below.iter().min());
                    nodes(parts, out);
                }
            }
        }
        let mut inner = Vec::new();
        nodes(parts, &mut inner);
        let mut all = Vec::new();
        parts.iter().for_each(|p| p.tables(&mut all));
        let alias = self.rels[rel].alias.clone();
        // Both the table and its member stand in the plan of a change.
        let target = self.planner.target == Some((self.planner.levels.len(), rel));
        let many = target || all.len() > 1;
        let base = self.base.iter_mut().find(|b| b.rel == rel);
        for (n, child) in base.and_then(|b| b.children.as_mut()).into_iter().flatten().enumerate() {
            let number = n + 1 + inner.iter().filter(|first| **first <= n).count();
            child.alias = Some(if many { format!("{alias}_{number}") } else { alias.clone() });
        }
    }

    fn parts(&mut self, path: &Path, rel: usize, parts: &[Part], kept: &[i16], layout: &Layout) -> Result<Plan> {
        let mut inputs = Vec::with_capacity(parts.len());
        for part in parts {
            inputs.push(match part {
                Part::Table(n, path) => {
                    let made = self.member_plan(rel, *n, path, kept);
                    self.member = None;
                    made?
                }
                Part::Parted(_, path) => match &path.kind {
                    PathKind::Append { parts, .. } => self.parts(path, rel, parts, kept, layout)?,
                    _ => return Err(Error::internal("a partitioned table that is no Append")),
                },
            });
        }
        let cost = self.cost(path, layout);
        if inputs.len() == 1
            && let Some(plan) = inputs.pop()
        {
            return Ok(plan);
        }
        if inputs.is_empty() {
            return Ok(node(PlanNode::Empty, layout, cost));
        }
        let merges = matches!(path.kind, PathKind::Append { merge: true, .. });
        let merge = if merges { self.sort_keys(&path.order, layout)? } else { Vec::new() };
        let pruning = self.pruning(path, rel, parts)?.map(Box::new);
        let alias = (!self.is_inner(rel, parts)).then(|| self.rels[rel].alias.clone());
        Ok(node(PlanNode::Append { inputs, pruning, merge, removed: 0, alias }, layout, cost))
    }

    fn sort_keys(&self, order: &[PathKey], layout: &Layout) -> Result<Vec<SortKey>> {
        let key = |k: &PathKey| Ok(SortKey { expr: layout.bound(&k.expr)?, desc: k.desc, nulls_first: k.nulls_first });
        order.iter().map(key).collect()
    }

    fn unique(&mut self, path: &Path, input: &Path, keys: &[Expr]) -> Result<(Plan, Layout)> {
        let (plan, layout) = self.make(input)?;
        let keys = keys.iter().map(|k| layout.bound(k)).collect::<Result<_>>()?;
        let cost = self.cost(path, &layout);
        Ok((node(PlanNode::Distinct { input: Box::new(plan), keys, sorted: false }, &layout, cost), layout))
    }

    fn sorted(&mut self, path: &Path, input: &Path, keys: &[PathKey]) -> Result<(Plan, Layout)> {
        let (plan, layout) = self.make(input)?;
        let keys = self.sort_keys(keys, &layout)?;
        let cost = self.cost(path, &layout);
        Ok((node(PlanNode::Sort { input: Box::new(plan), keys, presorted: 0, bound: None }, &layout, cost), layout))
    }

    /// What the Append of a partitioned table looks at when it runs.
    fn pruning(&mut self, path: &Path, rel: usize, parts: &[Part]) -> Result<Option<super::prune::Pruning>> {
        let base = self.base(rel)?;
        let Some(root) = base.root.clone().filter(|r| r.is_partitioned()) else { return Ok(None) };
        let table = |part: &Part| match part {
            Part::Table(n, _) => base.children.as_ref().and_then(|c| c.get(*n)).and_then(|c| c.table.clone()),
            Part::Parted(table, _) => Some(table.clone()),
        };
        let inputs: Vec<Arc<Relation>> = parts.iter().filter_map(table).collect();
        let off = !self.planner.cx.settings.enable_partition_pruning;
        if off || inputs.is_empty() || inputs.len() != parts.len() || self.is_inner(rel, parts) {
            return Ok(None);
        }
        let mut quals = base.quals.clone();
        if !path.outer.is_empty() {
            let clauses = super::scan::join_candidates(rel, self.tree);
            quals.extend(super::prune::join_quals(&clauses, rel, path.outer));
        }
        let cx = self.planner.cx;
        let Some(mut pruning) = super::prune::at_run_time(cx.names, cx.io, &root, &quals, rel, &inputs)? else {
            return Ok(None);
        };
        let mut failed = None;
        pruning.for_each_expr_mut(&mut |e| {
            if failed.is_none() {
                failed = self.from_outside(e, RelSet::one(rel)).err();
            }
        });
        failed.map_or(Ok(Some(pruning)), Err)
    }

    /// The parts are those of a partitioned table inside the tree: the root's conditions are not about its key alone.
    fn is_inner(&self, rel: usize, parts: &[Part]) -> bool {
        let mut tables = Vec::new();
        parts.iter().for_each(|p| p.tables(&mut tables));
        self.base(rel).is_ok_and(|b| b.children.as_ref().is_some_and(|c| c.len() != tables.len()))
    }

    fn member_plan(&mut self, rel: usize, n: usize, path: &Path, kept: &[i16]) -> Result<Plan> {
        self.member = Some(n);
        let (plan, layout) = self.make(path)?;
        let mut columns = Vec::with_capacity(kept.len());
        for &a in kept {
            let own = self.base(rel)?.own_attno(a);
            let ty = self.type_of(rel, own)?;
            columns.push(layout.bound(&crate::sql::bind::scope::var(rel, own, ty))?);
        }
        Ok(project_onto(plan, columns))
    }

    /// The column is read above the join of `set`.
    fn needed_above(&self, var: (usize, i16), set: RelSet) -> bool {
        self.top.contains(&var) || self.uses.iter().any(|(r, vars)| !r.within(set) && vars.contains(&var))
    }

    /// Replaces columns of relations outside `own` by the slots an outer nested loop fills.
    pub(super) fn from_outside(&mut self, e: &mut Expr, own: RelSet) -> Result<()> {
        if let ExprKind::Var { rel, levels_up: 0, .. } = e.kind
            && !own.has(rel)
        {
            let slot = self.outer_slot(e.clone())?;
            e.kind = ExprKind::ExecParam(slot);
            return Ok(());
        }
        let mut failed = None;
        e.for_each_child_mut(&mut |c| {
            if failed.is_none() {
                failed = self.from_outside(c, own).err();
            }
        });
        failed.map_or(Ok(()), Err)
    }

    fn outer_slot(&mut self, e: Expr) -> Result<usize> {
        let ExprKind::Var { rel, .. } = e.kind else { return Err(Error::internal("not a column")) };
        let Some(at) = self.frames.iter().rposition(|f| f.rels.has(rel)) else {
            return Err(Error::internal("a value of another relation is used outside a nested loop"));
        };
        if let Some((slot, _)) = self.frames[at].params.iter().find(|(_, x)| crate::sql::expr::same(x, &e)) {
            return Ok(*slot);
        }
        let slot = self.planner.new_slot();
        self.frames[at].params.push((slot, e));
        Ok(slot)
    }

    pub fn make(&mut self, path: &Path) -> Result<(Plan, Layout)> {
        match &path.kind {
            PathKind::Join(j) => self.join(path, j),
            PathKind::Seq(rel) => self.scan(path, *rel, &[], &[], None),
            PathKind::Keyed(k) => self.scan(path, k.rel, &[], std::slice::from_ref(&k.condition), None),
            PathKind::Tid { rel, tids, clause } => self.scan(path, *rel, &[*clause], &[], Some(tids)),
            PathKind::Index(i) => self.index(path, i),
            PathKind::Bitmap(b) => self.bitmap(path, b),
            PathKind::BitmapTree(b) => self.bitmap_tree(path, b),
            PathKind::Gist(b) => self.gist(path, b),
            PathKind::Append { rel, parts, .. } => self.append(path, *rel, parts),
            PathKind::Sorted { input, keys } => self.sorted(path, input, keys),
            PathKind::Unique { input, keys } => self.unique(path, input, keys),
            PathKind::Other(rel) => self.other(path, *rel),
        }
    }

    pub(super) fn cost(&self, path: &Path, layout: &Layout) -> Cost {
        let width = layout.exprs().iter().map(|e| self.width(e)).sum();
        Cost { startup: path.startup, total: path.total, rows: path.rows, width }
    }

    fn width(&self, e: &Expr) -> i32 {
        match e.kind {
            ExprKind::Var { rel, attno, levels_up: 0 } => self.planner.attribute_width(&self.rels[rel], attno),
            _ => super::cost::type_width(e.ty),
        }
    }

    /// The attributes read by a scan, in order, as a layout; and those it hands on.
    pub(super) fn scan_columns(&self, rel: usize) -> Result<(Vec<i16>, Layout, Option<Vec<usize>>)> {
        self.scan_columns_where(rel, &|_| true, &[])
    }

    /// Likewise, and those that these conditions read besides.
    pub(super) fn scan_columns_and(
        &self,
        rel: usize,
        conditions: &[Expr],
    ) -> Result<(Vec<i16>, Layout, Option<Vec<usize>>)> {
        self.scan_columns_where(rel, &|_| true, conditions)
    }

    /// Likewise, of attributes that can be had.
    fn scan_columns_where(
        &self,
        rel: usize,
        can_be_had: &dyn Fn(i16) -> bool,
        more: &[Expr],
    ) -> Result<(Vec<i16>, Layout, Option<Vec<usize>>)> {
        let b = self.base(rel)?;
        let me = RelSet::one(rel);
        let mut read = Vec::new();
        more.iter().for_each(|e| vars_of(e, &mut read));
        let read = read.into_iter().filter(|(r, _)| *r == rel).map(|(_, attno)| attno);
        let all: BTreeSet<i16> = b.needed.iter().copied().chain(read).collect();
        let attnos: Vec<i16> = all.into_iter().filter(|a| can_be_had(*a)).collect();
        let exprs = attnos
            .iter()
            .map(|&a| {
                let ty = self.type_of(rel, a)?;
                Ok(crate::sql::bind::scope::var(rel, a, ty))
            })
            .collect::<Result<Vec<_>>>()?;
        let kept: Vec<usize> =
            (0..attnos.len()).filter(|&i| self.needed_above((rel, b.query_attno(attnos[i])), me)).collect();
        let project = (kept.len() < attnos.len()).then_some(kept);
        Ok((attnos, Layout::new(exprs), project))
    }

    /// The conditions of a scan but for those an index or a ctid makes true, and those that are `more`.
    pub(super) fn filter(&mut self, rel: usize, done: &[usize], more: &[Expr], input: &Layout) -> Result<Option<Expr>> {
        let own = self.base(rel)?.quals.iter().enumerate().filter(|(i, _)| !done.contains(i)).map(|(_, q)| q);
        let quals: Vec<Expr> = more.iter().chain(own).cloned().collect();
        let mut out = Vec::with_capacity(quals.len());
        for mut q in quals {
            self.from_outside(&mut q, RelSet::one(rel))?;
            out.push(input.bound(&q)?);
        }
        Ok(conjunction(out))
    }

    pub(super) fn narrowed(layout: Layout, project: Option<Vec<usize>>) -> (Layout, Option<Vec<Expr>>) {
        match project {
            None => (layout, None),
            Some(kept) => {
                let exprs: Vec<Expr> = kept.iter().map(|&i| layout.exprs()[i].clone()).collect();
                let columns = kept.iter().zip(&exprs).map(|(&i, e)| Expr::new(ExprKind::Column(i), e.ty)).collect();
                (Layout::new(exprs), Some(columns))
            }
        }
    }

    fn scan(
        &mut self,
        path: &Path,
        rel: usize,
        done: &[usize],
        more: &[Expr],
        tids: Option<&Vec<Expr>>,
    ) -> Result<(Plan, Layout)> {
        let (attnos, input, project) = self.scan_columns(rel)?;
        let filter = self.filter(rel, done, more, &input)?;
        let (layout, project) = Self::narrowed(input, project);
        let cost = self.cost(path, &layout);
        let (t, alias) = self.site(rel)?;
        let n = match (t.generated_by, tids) {
            (Some(view), _) => PlanNode::VirtualScan { view, rel: Some(t), alias, attnos, filter, project },
            (None, Some(tids)) => PlanNode::TidScan { rel: t, alias, tids: tids.clone(), attnos, filter, project },
            (None, None) => PlanNode::SeqScan { rel: t, alias, attnos, filter, project },
        };
        Ok((node(n, &layout, cost), layout))
    }

    fn index(&mut self, path: &Path, i: &IndexPath) -> Result<(Plan, Layout)> {
        let rel = i.rel;
        let site = self.site(rel)?.0;
        let held = |a: i16| !i.only || site.indexes[i.index].holds(a);
        let (attnos, input, project) = self.scan_columns_where(rel, &held, &[])?;
        let filter = self.filter(rel, &i.covered, &[], &input)?;
        let (t, alias) = self.site(rel)?;
        let columns = self.index_columns(rel, i.index)?;
        let mut conditions = Vec::with_capacity(i.conditions.len());
        for c in &i.conditions {
            let mut value = c.value.clone();
            if needs_value(c.op) {
                self.from_outside(&mut value, RelSet::EMPTY)?;
            }
            let computed = |n: usize| {
                let is_computed = t.indexes[i.index].columns[n].attno == 0;
                columns.get(n).filter(|_| is_computed).and_then(|e| input.bound(e).ok())
            };
            let computed = std::iter::once(&c.column).chain(&c.row).map(|n| computed(*n)).collect();
            conditions.push(IndexCondition { column: c.column, row: c.row.clone(), op: c.op, value, computed });
        }
        let (layout, project) = Self::narrowed(input, project);
        let cost = self.cost(path, &layout);
        // With a filter on columns outside the index the table is read anyway.
        let scan = IndexScan {
            index: t.indexes[i.index].clone(),
            rel: t,
            alias,
            conditions,
            backward: i.backward,
            index_only: i.only,
            attnos,
            filter,
            project,
        };
        Ok((node(PlanNode::IndexScan(Box::new(scan)), &layout, cost), layout))
    }

    /// A condition of the scan of `rel`, over the columns it reads and what an outer nested loop gives.
    pub(super) fn bound_at(&mut self, rel: usize, e: &Expr, input: &Layout) -> Result<Expr> {
        let mut e = e.clone();
        self.from_outside(&mut e, RelSet::one(rel))?;
        input.bound(&e)
    }

    fn searched(&mut self, b: &BitmapPath, input: &Layout) -> Result<Searched> {
        let mut out = Searched::default();
        for c in &b.conditions {
            out.recheck.push(self.bound_at(b.rel, &c.clause, input)?);
            out.shown.push(self.bound_at(b.rel, &c.shown, input)?);
            let mut value = c.value.clone();
            self.from_outside(&mut value, RelSet::EMPTY)?;
            out.conditions.push(SearchCondition { column: c.column, strategy: c.strategy, value });
        }
        Ok(out)
    }

    fn bitmap(&mut self, path: &Path, b: &BitmapPath) -> Result<(Plan, Layout)> {
        let rel = b.rel;
        let (attnos, input, project) = self.scan_columns_and(rel, &b.implied)?;
        let filter = self.filter(rel, &b.covered, &[], &input)?;
        let Searched { mut recheck, shown, conditions } = self.searched(b, &input)?;
        for e in &b.implied {
            recheck.push(self.bound_at(rel, e, &input)?);
        }
        let (layout, project) = Self::narrowed(input, project);
        let cost = self.cost(path, &layout);
        let (t, alias) = self.site(rel)?;
        let index = t.indexes[b.index].clone();
        let bounds = Vec::new();
        let search = BitmapIndexScan { index, table: t.oid, conditions, bounds, shown: conjunction(shown) };
        let rows = Cost { startup: 0.0, total: b.index_total, rows: b.index_rows, width: 0 };
        let source = node(PlanNode::BitmapIndexScan(Box::new(search)), &Layout::new(Vec::new()), rows);
        let recheck = conjunction(recheck);
        let scan = BitmapHeapScan { rel: t, alias, source, recheck, attnos, filter, project };
        Ok((node(PlanNode::BitmapHeapScan(Box::new(scan)), &layout, cost), layout))
    }

    fn gist(&mut self, path: &Path, b: &BitmapPath) -> Result<(Plan, Layout)> {
        let rel = b.rel;
        let (attnos, input, project) = self.scan_columns(rel)?;
        let filter = self.filter(rel, &b.covered, &[], &input)?;
        let Searched { recheck, shown, conditions } = self.searched(b, &input)?;
        let (mut orders, mut distances) = (Vec::new(), Vec::new());
        for d in &b.orders {
            distances.push(self.bound_at(rel, &d.expr, &input)?);
            let mut value = d.value.clone();
            self.from_outside(&mut value, RelSet::EMPTY)?;
            orders.push(SearchCondition { column: d.column, strategy: Search::Gist(d.strategy), value });
        }
        let (layout, project) = Self::narrowed(input, project);
        let cost = self.cost(path, &layout);
        let (t, alias) = self.site(rel)?;
        let scan = GistScan {
            index: t.indexes[b.index].clone(),
            rel: t,
            alias,
            conditions,
            shown: conjunction(shown),
            recheck: conjunction(recheck),
            orders,
            distances,
            index_only: b.only,
            attnos,
            filter,
            project,
        };
        Ok((node(PlanNode::GistScan(Box::new(scan)), &layout, cost), layout))
    }

    fn other(&mut self, path: &Path, rel: usize) -> Result<(Plan, Layout)> {
        let me = RelSet::one(rel);
        let alias = self.rels[rel].alias.clone();
        let names = self.rels[rel].columns.iter().map(|c| c.name.clone()).collect();
        // These nodes give all their columns; the projection narrows them.
        let all: Vec<Expr> = self.rels[rel]
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| crate::sql::bind::scope::var(rel, i as i16 + 1, c.ty))
            .collect();
        let input = Layout::new(all);
        let filter = self.filter(rel, &[], &[], &input)?;
        let kept: Vec<usize> = (0..input.len()).filter(|&i| self.needed_above((rel, i as i16 + 1), me)).collect();
        let narrow = (kept.len() < input.len()).then_some(kept);
        let (layout, project) = Self::narrowed(input.clone(), narrow);
        let cost = self.cost(path, &layout);
        let source = std::mem::replace(&mut self.rels[rel].source, Source::Values(Vec::new()));
        let plan = match source {
            Source::Cte { index, levels_up } => {
                let cte = self.planner.find_cte(index, levels_up)?.id;
                node(PlanNode::CteScan { cte, alias, names, filter, project }, &layout, cost)
            }
            Source::WorkTable { index, levels_up } => {
                let found = self.planner.find_cte(index, levels_up)?;
                let Some(work_table) = found.work_table else {
                    return Err(Error::internal("a recursive reference outside its query"));
                };
                node(PlanNode::WorkTableScan { work_table, alias, names, filter, project }, &layout, cost)
            }
            Source::Function { calls, ordinality } => {
                self.function((calls, ordinality, alias, names), filter, project, &input, &layout, cost)?
            }
            Source::Values(rows) => {
                let mut out = Vec::with_capacity(rows.len());
                for mut row in rows {
                    for e in &mut row {
                        self.from_outside(e, RelSet::EMPTY)?;
                    }
                    out.push(row);
                }
                let plan = node(PlanNode::Values { rows: out }, &input, cost);
                narrow_plan(plan, filter, project, &layout)
            }
            Source::Subquery(_) => {
                let at = self
                    .base
                    .iter()
                    .position(|b| b.rel == rel)
                    .ok_or_else(|| Error::internal("a relation is missing in the search"))?;
                let Some((plan, outer)) = self.base[at].sub.take() else {
                    return Err(Error::internal("a sub-select is planned once only"));
                };
                for (slot, mut e) in outer {
                    self.lateral_value(slot, &mut e)?;
                }
                let input = Box::new(plan);
                node(PlanNode::SubqueryScan { input, alias, names, filter, project }, &layout, cost)
            }
            Source::Table { .. } => return Err(Error::internal("a table is scanned")),
        };
        Ok((plan, layout))
    }

    /// Has the nested loop around fill a slot of a lateral sub-select.
    fn lateral_value(&mut self, slot: usize, e: &mut Expr) -> Result<()> {
        let rels = rels_of(e);
        let Some(at) = self.frames.iter().rposition(|f| rels.overlaps(f.rels)) else {
            return Err(Error::internal("a LATERAL reference outside a nested loop"));
        };
        self.frames[at].params.push((slot, e.clone()));
        Ok(())
    }

    fn function(
        &mut self,
        (calls, ordinality, alias, names): (Vec<crate::sql::bind::FunctionItem>, bool, String, Vec<String>),
        filter: Option<Expr>,
        project: Option<Vec<Expr>>,
        input: &Layout,
        layout: &Layout,
        cost: Cost,
    ) -> Result<Plan> {
        if calls.iter().any(|c| c.scalar.is_some()) {
            let [call] = <[_; 1]>::try_from(calls)
                .map_err(|_| Error::unsupported("ROWS FROM with expressions that are no calls is not supported"))?;
            let fields: Option<Vec<_>> = call.gives_rows().then(|| call.columns.iter().map(|c| c.ty).collect());
            let Some(mut e) = call.scalar else { return Err(Error::internal("a scalar item without expression")) };
            self.from_outside(&mut e, RelSet::EMPTY)?;
            let mut exprs = match fields {
                None => vec![e],
                Some(types) => {
                    let field = |index| ExprKind::Field { arg: Box::new(e.clone()), index };
                    types.into_iter().enumerate().map(|(n, ty)| Expr::new(field(n), ty)).collect()
                }
            };
            if ordinality {
                let one = crate::types::Value::I64(1);
                exprs.push(Expr::new(ExprKind::Const(one), crate::types::TypeRef::of(crate::types::oid::INT8)));
            }
            let plan = node(PlanNode::Result { input: None, exprs, one_time: None }, input, cost);
            return Ok(narrow_plan(plan, filter, project, layout));
        }
        let mut out = Vec::with_capacity(calls.len());
        for c in calls {
            let rows = c.gives_rows();
            let mut args = c.args;
            for a in &mut args {
                self.from_outside(a, RelSet::EMPTY)?;
            }
            let columns = c.columns.into_iter().map(|c| PlanColumn { name: c.name, ty: c.ty }).collect();
            out.push(FunctionCall { func: c.func, args, rows, columns });
        }
        Ok(node(PlanNode::FunctionScan { calls: out, alias, names, ordinality, filter, project }, layout, cost))
    }

    fn join(&mut self, path: &Path, j: &JoinPath) -> Result<(Plan, Layout)> {
        let (left, left_layout) = self.make(&j.left)?;
        let nest = j.method == Method::Nest;
        if nest {
            self.frames.push(Frame { rels: j.left.rels, params: Vec::new() });
        }
        let made = self.make(&j.right);
        let frame = if nest { self.frames.pop() } else { None };
        let (right, right_layout) = made?;
        let mut params = Vec::new();
        for (slot, e) in frame.map(|f| f.params).unwrap_or_default() {
            params.push((slot, left_layout.bound(&e)?));
        }
        let both = left_layout.concat(&right_layout);
        let bind = |this: &mut Self, list: &[Expr], layout: &Layout| -> Result<Vec<Expr>> {
            list.iter()
                .map(|e| {
                    let mut e = e.clone();
                    this.from_outside(&mut e, path.rels)?;
                    layout.bound(&e)
                })
                .collect()
        };
        let mut on = bind(self, &j.on, &both)?;
        let mut after = Vec::new();
        if j.kind == JoinKind::Inner {
            on.extend(bind(self, &j.filter, &both)?);
        } else {
            after.clone_from(&j.filter);
        }
        let output = match j.kind {
            JoinKind::Semi | JoinKind::Anti => left_layout.clone(),
            _ => both,
        };
        // Columns that only the conditions after the join read stay until then.
        let mut read_after = Vec::new();
        after.iter().for_each(|e| vars_of(e, &mut read_after));
        let kept: Vec<usize> = (0..output.len())
            .filter(|&i| match output.exprs()[i].kind {
                ExprKind::Var { rel, attno, .. } => {
                    self.needed_above((rel, attno), path.rels) || read_after.contains(&(rel, attno))
                }
                _ => true,
            })
            .collect();
        let narrow = (kept.len() < output.len()).then_some(kept);
        let (layout, project) = Self::narrowed(output, narrow);
        let cost = self.cost(path, &layout);
        let keys =
            |list: Vec<&Expr>, layout: &Layout| list.into_iter().map(|e| layout.bound(e)).collect::<Result<Vec<_>>>();
        let left_keys = keys(j.keys.iter().map(|(l, _)| l).collect(), &left_layout)?;
        let right_keys = keys(j.keys.iter().map(|(_, r)| r).collect(), &right_layout)?;
        let condition = conjunction(on);
        let n = match j.method {
            Method::Nest => {
                let right = match j.keep {
                    Keep::All => {
                        let (cost, columns) = (right.cost, right.columns.clone());
                        let node = PlanNode::Materialize { input: Box::new(right) };
                        Plan { node, columns, cost, params: Vec::new() }
                    }
                    Keep::ByValues { binary } => {
                        super::memoize::memoized(right, &params, binary, self.planner.cx.settings)
                    }
                    Keep::Nothing => right,
                };
                PlanNode::NestLoop(Box::new(NestLoop { kind: j.kind, left, right, params, condition, project }))
            }
            Method::Hash => PlanNode::HashJoin(Box::new(HashJoin {
                kind: j.kind,
                left,
                right,
                left_keys,
                right_keys,
                condition,
                project,
                null_aware: false,
            })),
            Method::Merge => {
                let left = sorted(left, &left_keys, self.planner.cx.settings);
                let right = sorted(right, &right_keys, self.planner.cx.settings);
                PlanNode::MergeJoin(Box::new(MergeJoin {
                    kind: j.kind,
                    left,
                    right,
                    left_keys,
                    right_keys,
                    condition,
                    project,
                }))
            }
        };
        let mut plan = node(n, &layout, cost);
        if !after.is_empty() {
            let filter = conjunction(bind(self, &after, &layout)?);
            if let Some(filter) = filter {
                let columns = plan.columns.clone();
                plan = Plan {
                    node: PlanNode::Filter { input: Box::new(plan), filter },
                    columns,
                    cost,
                    params: Vec::new(),
                };
            }
        }
        Ok((plan, layout))
    }
}

fn sorted(input: Plan, keys: &[Expr], s: &super::settings::PlannerSettings) -> Plan {
    let (startup, total) = super::cost::sort(input.cost.total, input.cost.rows, input.cost.width, -1.0, s);
    let cost = Cost { startup, total, ..input.cost };
    let columns = input.columns.clone();
    let keys = keys.iter().map(|e| SortKey { expr: e.clone(), desc: false, nulls_first: false }).collect();
    Plan {
        node: PlanNode::Sort { input: Box::new(input), keys, presorted: 0, bound: None },
        columns,
        cost,
        params: Vec::new(),
    }
}

/// A filter and a projection above a plan that has no place for them.
fn narrow_plan(plan: Plan, filter: Option<Expr>, project: Option<Vec<Expr>>, layout: &Layout) -> Plan {
    let cost = plan.cost;
    let mut plan = plan;
    if let Some(filter) = filter {
        let columns = plan.columns.clone();
        plan = Plan { node: PlanNode::Filter { input: Box::new(plan), filter }, columns, cost, params: Vec::new() };
    }
    match project {
        Some(exprs) => {
            let _ = layout;
            project_onto(plan, exprs)
        }
        None => plan,
    }
}

/// Bytes of a row of expressions over a plan's columns: of all those at least as much as is known of them together.
fn width_of(plan: &Plan, exprs: &[Expr]) -> i32 {
    let typed = |e: &Expr| super::cost::type_width(e.ty);
    let (mut read, mut computed) = (Vec::new(), 0);
    for e in exprs {
        match e.kind {
            ExprKind::Column(n) => read.push(n),
            _ => computed += typed(e),
        }
    }
    let all = read.len() == plan.columns.len() && (0..read.len()).all(|n| read.contains(&n));
    if all { plan.cost.width + computed } else { exprs.iter().map(typed).sum() }
}

/// Puts expressions over a plan's columns on top of it: inside the node where it has a projection of its own.
pub(super) fn project_onto(mut plan: Plan, mut exprs: Vec<Expr>) -> Plan {
    let columns = columns_for(&exprs);
    let width = width_of(&plan, &exprs);
    let slot = match &mut plan.node {
        PlanNode::SeqScan { project, .. }
        | PlanNode::VirtualScan { project, .. }
        | PlanNode::FunctionScan { project, .. }
        | PlanNode::TidScan { project, .. }
        | PlanNode::CteScan { project, .. }
        | PlanNode::SubqueryScan { project, .. }
        | PlanNode::WorkTableScan { project, .. } => Some(project),
        PlanNode::IndexScan(s) => Some(&mut s.project),
        PlanNode::BitmapHeapScan(s) => Some(&mut s.project),
        PlanNode::GistScan(s) => Some(&mut s.project),
        PlanNode::NestLoop(j) => Some(&mut j.project),
        PlanNode::HashJoin(j) => Some(&mut j.project),
        PlanNode::MergeJoin(j) => Some(&mut j.project),
        PlanNode::Aggregate(a) => Some(&mut a.project),
        _ => None,
    };
    if let Some(slot) = slot {
        let plain = slot.iter().flatten().all(|e| matches!(e.kind, ExprKind::Column(_)));
        if plain {
            if let Some(inner) = slot {
                for e in &mut exprs {
                    through(e, inner);
                }
            }
            *slot = Some(exprs);
            plan.columns = columns;
            plan.cost.width = width;
            return plan;
        }
    }
    let identity = exprs.len() == plan.columns.len()
        && exprs.iter().enumerate().all(|(i, e)| matches!(e.kind, ExprKind::Column(c) if c == i));
    if identity {
        return plan;
    }
    if let PlanNode::Result { input: None, exprs: inner, .. } = &mut plan.node {
        let volatile = inner.iter().any(super::fold::has_volatile);
        if !volatile {
            for e in &mut exprs {
                through(e, inner);
            }
            *inner = exprs;
            plan.columns = columns;
            plan.cost.width = width;
            return plan;
        }
    }
    let cost = Cost { width, ..plan.cost };
    Plan { node: PlanNode::Project { input: Box::new(plan), exprs }, columns, cost, params: Vec::new() }
}

/// Replaces each column by what it is below.
fn through(e: &mut Expr, below: &[Expr]) {
    if let ExprKind::Column(i) = e.kind {
        if let Some(x) = below.get(i) {
            let ty = e.ty;
            *e = x.clone().in_place_of(e);
            if e.ty.oid == ty.oid {
                e.ty = ty;
            }
        }
        return;
    }
    e.for_each_child_mut(&mut |c| through(c, below));
}
