//! INSERT, UPDATE, DELETE: the rows come from a plan, the Modify node above it writes them.

use super::create::{project_onto, vars_of};
use super::fold::conjunction;
use super::layout::Layout;
use super::planner::Planner;
use super::recheck::Recheck;
use super::scan::with_rel;
use super::select::State;
use super::{
    Cost, IndexMaintenance, Instead, MergeAction, MergeWhen, Modify, ModifyKind, OnConflict, Plan, PlanColumn,
    PlanNode, RowCheck, SYSTEM_COLUMNS, UpdateColumn,
};
use crate::base::{Error, Result};
use crate::catalog::{RelKind, Relation};
use crate::err;
use crate::sql::bind::scope::{system_type, var};
use crate::sql::bind::{self, Arbiters, Query, Source, Stored, WriteKind, stored};
use crate::sql::expr::Expr;
use std::sync::Arc;

/// The row's attributes as a layout: column i is attribute i + 1 of `rel`.
fn attributes(rel: &Relation, index: usize) -> Vec<Expr> {
    rel.attributes.iter().map(|a| var(index, a.attno, a.ty)).collect()
}

/// The system columns of a relation, from -1 on.
fn system_columns(index: usize) -> impl Iterator<Item = Expr> {
    (1..=SYSTEM_COLUMNS).filter_map(move |n| Some(var(index, -n, system_type(-n)?)))
}

/// RETURNING's columns before the input's: attributes, then ctid, xmin, xmax, tableoid.
fn returning_layout(rel: &Relation, index: usize, input: &Layout) -> Layout {
    let mut exprs = attributes(rel, index);
    for attno in [-1, -2, -4, -6] {
        if let Some(ty) = system_type(attno) {
            exprs.push(var(index, attno, ty));
        }
    }
    let mut out = Layout::new(exprs);
    input.exprs().iter().for_each(|e| out.push(e.clone()));
    out
}

impl Planner<'_> {
    pub(super) fn write(&mut self, query: Query) -> Result<Plan> {
        let before = self.planned_rows.replace(Vec::new());
        let plan = self.changing(query);
        self.planned_rows = before;
        plan
    }

    fn changing(&mut self, mut query: Query) -> Result<Plan> {
        let Some(write) = query.write.as_ref() else { return Err(Error::internal("nothing is written")) };
        let target = write.target;
        let Source::Table { rel, .. } = &query.rels[target].source else {
            return Err(Error::internal("the target is no table"));
        };
        let rel = rel.clone();
        let entry = &query.rels[target];
        self.assigned = entry.inserted.iter().chain(&entry.updated).copied().collect();
        self.target_alias.clone_from(&entry.alias);
        if rel.kind == RelKind::View {
            return self.instead(query, target, rel);
        }
        let kept = stored(&rel, self.cx.names, self.cx.io)?;
        match write.kind {
            WriteKind::Insert { .. } => self.insert(query, target, rel, &kept),
            _ => {
                self.rewrite(&mut query)?;
                self.prepare_all(&mut query)?;
                self.change(query, target, rel, &kept)
            }
        }
    }

    fn insert(&mut self, mut query: Query, target: usize, rel: Arc<Relation>, kept: &Stored) -> Result<Plan> {
        let Some(write) = query.write.take() else { return Err(Error::internal("nothing is written")) };
        let mut write = *write;
        // The rows: an ordinary select of the attributes' values.
        let returning_targets = std::mem::take(&mut write.returning);
        let input = {
            let source = Query {
                rels: query.rels.clone(),
                from: std::mem::take(&mut query.from),
                filter: query.filter.take(),
                targets: std::mem::take(&mut query.targets),
                has_set_returning: query.has_set_returning,
                ..Query::default()
            };
            let mut source = source;
            self.rewrite(&mut source)?;
            self.prepare_all(&mut source)?;
            let mut top = Vec::new();
            source.targets.iter().for_each(|t| vars_of(&t.expr, &mut top));
            let joined = self.joined(&mut source, top)?;
            let targets = source.targets.iter().map(|t| t.expr.clone()).collect();
            self.output(
                &source,
                targets,
                joined.plan,
                joined.layout,
                State { facts: &joined.facts, ..State::default() },
            )?
        };
        let row_checks = std::mem::take(&mut write.checks);
        let WriteKind::Insert { on_conflict, .. } = write.kind else {
            return Err(Error::internal("not an insert"));
        };
        let on_conflict = match on_conflict {
            Some(c) => Some(self.on_conflict(*c, target, &rel)?),
            None => None,
        };
        let layout = returning_layout(&rel, target, &Layout::default());
        let returning = self.returning(returning_targets, &layout)?;
        let row_checks = self.prepared_checks(row_checks)?;
        let plan = self.modify(ModifyKind::Insert { on_conflict }, rel, kept, input, returning)?;
        with_row_checks(plan, &row_checks)
    }

    /// A view's rows for its INSTEAD OF triggers. Those of UPDATE and DELETE come from the sub-select that stands for the
    /// view, the entry next to the target.
    fn instead(&mut self, mut query: Query, target: usize, rel: Arc<Relation>) -> Result<Plan> {
        let Some(write) = query.write.take() else { return Err(Error::internal("nothing is written")) };
        let mut write = *write;
        let mut further = Vec::new();
        for t in &mut write.returning {
            self.prepare(&mut t.expr)?;
            vars_of(&t.expr, &mut further);
        }
        further.retain(|(r, _)| *r != target);
        further.sort_unstable();
        further.dedup();
        let type_of = |(r, attno): (usize, i16)| match usize::try_from(attno - 1) {
            Ok(n) => query.rels.get(r).and_then(|r| r.columns.get(n)).map(|c| c.ty),
            Err(_) => system_type(attno),
        };
        let further: Vec<Expr> = further.into_iter().filter_map(|v| type_of(v).map(|ty| var(v.0, v.1, ty))).collect();
        let old = attributes(&rel, write.read);
        let (what, rows) = match write.kind {
            WriteKind::Insert { on_conflict, .. } => {
                // A view has no indexes: nothing conflicts, and none can be meant.
                on_conflict.map(|c| found(c.arbiters)).transpose()?;
                (Instead::Insert, query.targets.iter().map(|t| t.expr.clone()).collect())
            }
            WriteKind::Update { set } => {
                let assigned = set.iter().map(|(n, _)| *n).collect();
                let mut new = old.clone();
                set.into_iter().for_each(|(n, e)| new[n] = e);
                (Instead::Update(assigned), [old, new].concat())
            }
            WriteKind::Delete => (Instead::Delete, old),
            WriteKind::Merge { .. } => return Err(Error::unsupported("MERGE into a view is not supported")),
        };
        let mut layout = Layout::new(attributes(&rel, target));
        further.iter().for_each(|e| layout.push(e.clone()));
        let target = |expr: Expr| bind::Target { name: String::new(), expr, junk: false, origin: None };
        let mut source = Query {
            rels: std::mem::take(&mut query.rels),
            from: std::mem::take(&mut query.from),
            filter: query.filter.take(),
            targets: rows.into_iter().chain(further).map(target).collect(),
            has_set_returning: query.has_set_returning,
            ..Query::default()
        };
        self.rewrite(&mut source)?;
        self.prepare_all(&mut source)?;
        let mut top = Vec::new();
        source.targets.iter().for_each(|t| vars_of(&t.expr, &mut top));
        let joined = self.joined(&mut source, top)?;
        let targets = source.targets.iter().map(|t| t.expr.clone()).collect();
        let input = self.output(
            &source,
            targets,
            joined.plan,
            joined.layout,
            State { facts: &joined.facts, ..State::default() },
        )?;
        let list = write.returning.into_iter();
        let list = list.map(|t| Ok(PlanTarget { name: t.name, expr: layout.bound(&t.expr)? }));
        let list = list.collect::<Result<Vec<_>>>()?;
        let nothing = Stored::default();
        // Of the views above this one.
        let checks = self.prepared_checks(write.checks)?;
        let plan = self.modify(ModifyKind::Instead(what), rel, &nothing, input, (!list.is_empty()).then_some(list))?;
        with_row_checks(plan, &checks)
    }

    fn on_conflict(&mut self, c: bind::OnConflict, target: usize, rel: &Relation) -> Result<OnConflict> {
        let mut layout = Layout::new(attributes(rel, target));
        attributes(rel, c.excluded).into_iter().for_each(|e| layout.push(e));
        system_columns(target).for_each(|e| layout.push(e));
        let set = match c.set {
            Some(list) => {
                let mut out = Vec::with_capacity(list.len());
                for (i, mut e) in list {
                    self.prepare(&mut e)?;
                    out.push((i, layout.bound(&e)?));
                }
                Some(out)
            }
            None => None,
        };
        let filter = match c.filter {
            Some(mut f) => {
                self.prepare(&mut f)?;
                Some(layout.bound(&f)?)
            }
            None => None,
        };
        Ok(OnConflict { arbiters: found(c.arbiters)?, set, filter })
    }

    /// RETURNING over the layout; expressions not prepared yet.
    fn returning(&mut self, list: Vec<bind::Target>, layout: &Layout) -> Result<Option<Vec<PlanTarget>>> {
        if list.is_empty() {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(list.len());
        for t in list {
            let mut e = t.expr;
            self.prepare(&mut e)?;
            out.push(PlanTarget { name: t.name, expr: layout.bound(&e)? });
        }
        Ok(Some(out))
    }

    /// UPDATE and DELETE; expressions are prepared.
    fn change(&mut self, mut query: Query, target: usize, rel: Arc<Relation>, kept: &Stored) -> Result<Plan> {
        let Some(write) = query.write.clone() else { return Err(Error::internal("nothing is written")) };
        // Of the target only its place is needed: the executor reads the row anew. Of other relations what is read.
        let mut read: Vec<(usize, i16)> = Vec::new();
        if let WriteKind::Update { set } = &write.kind {
            set.iter().for_each(|(_, e)| vars_of(e, &mut read));
        }
        let mut matching = None;
        if let WriteKind::Merge { whens } = &mut write.clone().kind {
            whens.iter_mut().for_each(|w| w.for_each_expr_mut(&mut |e| vars_of(e, &mut read)));
            if let [bind::FromNode::Join(join)] = &query.from[..] {
                matching.clone_from(&join.on);
            }
            matching.iter().for_each(|e| vars_of(e, &mut read));
        }
        let new = read.clone();
        write.returning.iter().for_each(|t| vars_of(&t.expr, &mut read));
        let mut top = vec![(target, -1)];
        let tree = super::tree::is_tree(&query.rels[target]);
        if tree {
            top.push((target, -6));
        }
        // What is no attribute of it comes from the row that was found.
        top.extend(new.into_iter().filter(|(r, attno)| *r == target && *attno < -1));
        read.retain(|(r, _)| *r != target);
        top.extend(read);
        query.targets.clear();
        self.target = Some((self.levels.len(), target));
        let joined = self.joined_for_write(&mut query, top, target)?;
        let (plan, input, mut conditions) = joined;
        conditions.extend(matching);
        let ctid = var(target, -1, system_type(-1).unwrap_or(crate::types::TypeRef::of(crate::types::oid::TID)));
        let crate::sql::expr::ExprKind::Column(ctid) = input.bound(&ctid)?.kind else {
            return Err(Error::internal("the target row's place is missing"));
        };
        let mut write = write;
        write.checks = self.prepared_checks(std::mem::take(&mut write.checks))?;
        if tree {
            return self.change_tree(target, &rel, kept, plan, &input, &conditions, &write);
        }
        let kind_and = self.change_one(target, &rel, &input, &conditions, &write, ctid)?;
        let plan = self.modify(kind_and.0, rel, kept, plan, kind_and.1)?;
        with_row_checks(plan, &write.checks)
    }

    /// The conditions rows must fulfil, their sub-selects planned; still over the target as rel 0.
    fn prepared_checks(&mut self, mut checks: Vec<RowCheck>) -> Result<Vec<RowCheck>> {
        for c in &mut checks {
            self.prepare(&mut c.expr)?;
        }
        Ok(checks)
    }

    /// What to do with the rows of one table, and RETURNING.
    fn change_one(
        &mut self,
        target: usize,
        rel: &Arc<Relation>,
        input: &Layout,
        conditions: &[Expr],
        write: &bind::Write,
        ctid: usize,
    ) -> Result<(ModifyKind, Option<Vec<PlanTarget>>)> {
        // The newest version's attributes come first, then the input's columns.
        let mut row = Layout::new(attributes(rel, target));
        input.exprs().iter().for_each(|e| row.push(e.clone()));
        let recheck: Vec<Expr> = conditions.iter().filter_map(|c| row.bound(c).ok()).collect();
        let recheck = conjunction(recheck);
        let kind = match &write.kind {
            WriteKind::Update { set } => {
                let set = set
                    .iter()
                    .map(|(attr, e)| Ok(UpdateColumn { attr: *attr, expr: row.bound(e)? }))
                    .collect::<Result<_>>()?;
                ModifyKind::Update { ctid, set, recheck }
            }
            WriteKind::Delete => ModifyKind::Delete { ctid, recheck },
            WriteKind::Merge { whens } => {
                let whens = whens.iter().map(|w| merge_when(w, &row)).collect::<Result<_>>()?;
                ModifyKind::Merge { ctid, whens, recheck }
            }
            WriteKind::Insert { .. } => return Err(Error::internal("not an update")),
        };
        let layout = returning_layout(rel, target, input);
        let returning = if write.returning.is_empty() {
            None
        } else {
            let list = write
                .returning
                .iter()
                .map(|t| Ok(PlanTarget { name: t.name.clone(), expr: layout.bound(&t.expr)? }))
                .collect::<Result<Vec<_>>>()?;
            Some(list)
        };
        Ok((kind, returning))
    }

    /// UPDATE, DELETE and MERGE of a table with its children: the same in each, over its own attributes.
    fn change_tree(
        &mut self,
        target: usize,
        rel: &Arc<Relation>,
        kept: &Stored,
        plan: Plan,
        input: &Layout,
        conditions: &[Expr],
        write: &bind::Write,
    ) -> Result<Plan> {
        use super::tree::{attribute_map, to_child};
        let place = |attno| -> Result<usize> {
            let ty = system_type(attno).ok_or_else(|| Error::internal("no such system column"))?;
            match input.bound(&var(target, attno, ty))?.kind {
                crate::sql::expr::ExprKind::Column(n) => Ok(n),
                _ => Err(Error::internal("the target row's place is missing")),
            }
        };
        let (ctid, tableoid) = (place(-1)?, place(-6)?);
        let (mut parts, mut aliases) = (Vec::new(), Vec::new());
        for (n, member) in self.expanded(target)?.into_iter().enumerate() {
            let map = attribute_map(rel, &member)?;
            let own = |e: &Expr| to_child(e, target, &map);
            let conditions: Vec<Expr> = conditions.iter().map(own).collect();
            let mut write = write.clone();
            write.returning.iter_mut().for_each(|t| t.expr = own(&t.expr));
            if let WriteKind::Update { set } = &mut write.kind {
                for (attr, e) in set.iter_mut() {
                    *attr = (map[*attr] as usize).saturating_sub(1);
                    *e = own(e);
                }
            }
            if let WriteKind::Merge { whens } = &mut write.kind {
                // What matches nothing lies in no member: it goes to the table named.
                whens.retain(|w| w.matched || member.oid == rel.oid);
                for w in whens.iter_mut() {
                    w.for_each_expr_mut(&mut |e| *e = own(e));
                    if let bind::MergeAction::Update(set) = &mut w.action {
                        set.iter_mut().for_each(|(attr, _)| *attr = (map[*attr] as usize).saturating_sub(1));
                    }
                }
            }
            let (kind, returning) = self.change_one(target, &member, input, &conditions, &write, ctid)?;
            let columns = plan.columns.clone();
            let source = Plan { node: PlanNode::Empty, columns, cost: plan.cost, params: Vec::new() };
            let kept = stored(&member, self.cx.names, self.cx.io)?;
            let part = self.modify(kind, member, &kept, source, returning)?;
            write.checks.iter_mut().for_each(|c| c.expr = to_child(&c.expr, 0, &map));
            let part = with_row_checks(part, &write.checks)?;
            let PlanNode::Modify(mut part) = part.node else { return Err(Error::internal("not a modifying plan")) };
            part.named = Some(rel.clone());
            aliases.push(format!("{}_{}", self.target_alias, n + 1));
            parts.push(*part);
        }
        let (kind, returning) = self.change_one(target, rel, input, conditions, write, ctid)?;
        let plan = self.modify(kind, rel.clone(), kept, plan, returning)?;
        let mut plan = with_row_checks(plan, &write.checks)?;
        if let PlanNode::Modify(m) = &mut plan.node {
            m.members = Some(super::ModifyMembers { tableoid, parts, aliases });
        }
        Ok(plan)
    }

    /// INSERT into one partition of rows that came through a table above it. What is computed on a conflict comes from
    /// that table's plan.
    fn routed(
        &mut self,
        root: &Relation,
        leaf: Arc<Relation>,
        on_conflict: Option<&OnConflict>,
        checks: &[RowCheck],
    ) -> Result<Modify> {
        let kept = stored(&leaf, self.cx.names, self.cx.io)?;
        let columns = leaf.attributes.iter().map(|a| PlanColumn { name: a.name.clone(), ty: a.ty }).collect();
        let source = Plan { node: PlanNode::Empty, columns, cost: Cost::default(), params: Vec::new() };
        let on_conflict = match on_conflict {
            Some(c) => Some(self.conflict_in(root, &leaf, c)?),
            None => None,
        };
        let map = super::tree::attribute_map(root, &leaf)?;
        let own = |c: &RowCheck| {
            let mut c = c.clone();
            c.expr.rewrite(&mut |x| {
                if let crate::sql::expr::ExprKind::Column(n) = &mut x.kind {
                    *n = (map[*n] as usize).saturating_sub(1);
                }
            });
            c
        };
        let row_checks = checks.iter().map(own).collect();
        let part = self.modify(ModifyKind::Insert { on_conflict }, leaf, &kept, source, None)?;
        let PlanNode::Modify(part) = part.node else { return Err(Error::internal("not a modifying plan")) };
        Ok(Modify { row_checks, ..*part })
    }

    /// ON CONFLICT over a partition's own attributes and indexes.
    fn conflict_in(&self, root: &Relation, leaf: &Relation, c: &OnConflict) -> Result<OnConflict> {
        let map = super::tree::attribute_map(root, leaf)?;
        let (width, own_width) = (root.attributes.len(), leaf.attributes.len());
        let place = |n: usize| (map[n] as usize).saturating_sub(1);
        let own = |e: &Expr| {
            let mut e = e.clone();
            e.rewrite(&mut |x| {
                if let crate::sql::expr::ExprKind::Column(n) = &mut x.kind {
                    *n = match *n / width.max(1) {
                        0 => place(*n),
                        1 => own_width + place(*n - width),
                        _ => *n - 2 * width + 2 * own_width,
                    };
                }
            });
            e
        };
        let arbiters = c.arbiters.as_ref().map(|wanted| {
            let found = leaf.indexes.iter().filter(|i| self.is_part_of(leaf, i, wanted));
            found.map(|i| i.oid).collect()
        });
        Ok(OnConflict {
            arbiters,
            set: c.set.as_ref().map(|s| s.iter().map(|(n, e)| (place(*n), own(e))).collect()),
            filter: c.filter.as_ref().map(own),
        })
    }

    /// The index is one of those wanted, or below one.
    fn is_part_of(&self, table: &Relation, index: &crate::catalog::Index, wanted: &[crate::base::Oid]) -> bool {
        let (mut oid, mut parent) = (index.oid, index.parent);
        let mut above = table.lineage.parents.first().copied();
        loop {
            if wanted.contains(&oid) {
                return true;
            }
            if !parent.is_valid() {
                return false;
            }
            oid = parent;
            let table = above.and_then(|t| self.cx.names.relation(t));
            let found = table.as_ref().and_then(|t| t.indexes.iter().find(|i| i.oid == oid).map(|i| i.parent));
            parent = found.unwrap_or(crate::base::Oid::INVALID);
            above = table.and_then(|t| t.lineage.parents.first().copied());
        }
    }

    /// The joins of an UPDATE or DELETE, narrowed to what is read above.
    fn joined_for_write(
        &mut self,
        query: &mut Query,
        top: Vec<(usize, i16)>,
        target: usize,
    ) -> Result<(Plan, Layout, Vec<Expr>)> {
        let joined = self.joined(query, top)?;
        // Attributes of the target itself are not needed above its scan.
        let kept: Vec<usize> = (0..joined.layout.len())
            .filter(|&i| match joined.layout.exprs()[i].kind {
                crate::sql::expr::ExprKind::Var { rel, attno, .. } => rel != target || attno < 0,
                _ => true,
            })
            .collect();
        let mut exprs: Vec<Expr> = kept.iter().map(|&i| joined.layout.exprs()[i].clone()).collect();
        let mut columns: Vec<Expr> = joined.layout.bound_all(&exprs)?;
        let former = &joined.recheck.former;
        columns.extend(joined.layout.bound_all(former)?);
        exprs.extend(former.iter().map(Recheck::former));
        let layout = Layout::new(exprs);
        Ok((project_onto(joined.plan, columns), layout, joined.recheck.all()))
    }

    fn modify(
        &mut self,
        kind: ModifyKind,
        rel: Arc<Relation>,
        kept: &Stored,
        input: Plan,
        returning: Option<Vec<PlanTarget>>,
    ) -> Result<Plan> {
        let row = Layout::new(attributes(&rel, 0));
        let mut own = |e: &Expr| -> Result<Expr> {
            let mut e = with_rel(e, 0);
            self.prepare(&mut e)?;
            row.bound(&e)
        };
        let deletes = matches!(kind, ModifyKind::Delete { .. });
        let mut checks = Vec::new();
        let mut generated = Vec::new();
        let mut index_exprs = Vec::new();
        if !deletes {
            for (name, e) in &kept.checks {
                checks.push((name.clone(), own(e)?));
            }
            for (i, e) in &kept.generated {
                generated.push((*i, own(e)?));
            }
        }
        for (index, (columns, predicate)) in rel.indexes.iter().zip(&kept.indexes) {
            index_exprs.push(IndexMaintenance {
                index: index.clone(),
                columns: columns.iter().map(&mut own).collect::<Result<_>>()?,
                predicate: predicate.as_ref().map(&mut own).transpose()?,
            });
        }
        let columns: Vec<PlanColumn> = match &returning {
            Some(list) => list.iter().map(|t| PlanColumn { name: t.name.clone(), ty: t.expr.ty }).collect(),
            None => Vec::new(),
        };
        let returning = returning.map(|l| l.into_iter().map(|t| t.expr).collect());
        let cost = match columns.is_empty() {
            true => Cost { rows: 0.0, width: 0, ..input.cost },
            false => input.cost,
        };
        let n = PlanNode::Modify(Box::new(Modify {
            kind,
            rel,
            alias: self.target_alias.clone(),
            input,
            returning,
            checks,
            row_checks: Vec::new(),
            index_exprs,
            generated,
            members: None,
            named: None,
            assigned: self.assigned.clone(),
        }));
        Ok(Plan { node: n, columns, cost, params: Vec::new() })
    }
}

/// Adds the conditions rows must fulfil to a modifying plan.
fn with_row_checks(mut plan: Plan, checks: &[RowCheck]) -> Result<Plan> {
    let PlanNode::Modify(m) = &mut plan.node else { return Ok(plan) };
    let row = Layout::new(attributes(&m.rel, 0));
    for c in checks {
        m.row_checks.push(RowCheck { expr: row.bound(&c.expr)?, ..c.clone() });
    }
    Ok(plan)
}

fn merge_when(w: &bind::MergeWhen, row: &Layout) -> Result<MergeWhen> {
    let action = match &w.action {
        bind::MergeAction::Nothing => MergeAction::Nothing,
        bind::MergeAction::Delete => MergeAction::Delete,
        bind::MergeAction::Update(set) => {
            let bound = |(attr, e): &(usize, Expr)| Ok(UpdateColumn { attr: *attr, expr: row.bound(e)? });
            MergeAction::Update(set.iter().map(bound).collect::<Result<_>>()?)
        }
        bind::MergeAction::Insert { values, .. } => MergeAction::Insert(row.bound_all(values)?),
    };
    let condition = w.condition.as_ref().map(|c| row.bound(c)).transpose()?;
    Ok(MergeWhen { matched: w.matched, condition, action })
}

/// The indexes that ON CONFLICT means; None: any.
fn found(arbiters: Arbiters) -> Result<Option<Vec<crate::base::Oid>>> {
    match arbiters {
        Arbiters::Any => Ok(None),
        Arbiters::Constraint { index, .. } => Ok(Some(vec![index])),
        Arbiters::Indexes(list) if list.is_empty() => Err(err!(
            INVALID_COLUMN_REFERENCE,
            "there is no unique or exclusion constraint matching the ON CONFLICT specification"
        )),
        Arbiters::Indexes(list) => Ok(Some(list)),
        Arbiters::Inferred(..) => Err(Error::internal("arbiters not found yet")),
    }
}

/// INSERT into a partition, made when the first row for it comes.
pub fn routed_insert(
    root: &Relation,
    leaf: Arc<Relation>,
    on_conflict: Option<&OnConflict>,
    checks: &[RowCheck],
    cx: &super::PlanContext<'_>,
) -> Result<Modify> {
    Planner::alone(cx).routed(root, leaf, on_conflict, checks)
}

/// An output column of RETURNING.
struct PlanTarget {
    name: String,
    expr: Expr,
}
