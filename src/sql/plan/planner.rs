//! The planner's state over the levels of a statement, and its entry.

use super::fold::Folder;
use super::relset::Planning;
use super::settings::PlanContext;
use super::{Cost, Cte, LockStrength, Plan, PlanColumn, PlanNode, PlannedStatement, RelationAccess};
use crate::base::{Error, Oid, Result};
use crate::catalog::relation::TRANSITION;
use crate::catalog::{RelKind, Relation};
use crate::lock::LockMode;
use crate::sql::bind::{self, FromNode, Query, WriteKind};
use crate::sql::expr::{Expr, ExprKind, SubPlan, SubPlanKind};
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// How a nested query gets the values of the outer ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LevelKind {
    Top,
    /// In FROM or WITH: it shares the slots of the query around it.
    Rel,
    /// In an expression: its slots are filled for each outer row.
    Expression,
}

/// A CTE that is computed once and read by scans.
#[derive(Clone, Debug)]
pub(super) struct PlannedCte {
    pub id: usize,
    pub rows: f64,
    #[expect(dead_code, reason = "cost of wide CTEs")]
    pub width: i32,
    /// Inside a recursive definition: the table of the last round's rows.
    pub work_table: Option<usize>,
}

pub(super) struct Level {
    pub kind: LevelKind,
    /// (slot, the outer expression as the query around sees it)
    pub outer_refs: Vec<(usize, Expr)>,
    pub ctes: Vec<Option<PlannedCte>>,
}

pub(super) struct Planner<'a> {
    pub cx: &'a PlanContext<'a>,
    pub folder: Folder<'a>,
    pub levels: Vec<Level>,
    pub slots: usize,
    pub cte_ids: usize,
    pub work_tables: usize,
    /// How many sub-plans there are, and WITH's.
    sub_plans: usize,
    /// While a query that groups by sub-selects is prepared: the sub-selects planned, so that equal ones stay equal.
    pub planned_links: Option<Vec<(String, ExprKind)>>,
    /// While a query that writes is prepared: the rows that several columns take their values of, so that each is one.
    pub planned_rows: Option<Vec<(String, ExprKind)>>,
    relations: Vec<(Arc<Relation>, LockMode)>,
    privileges: Vec<RelationAccess>,
    writes: bool,
    /// The first clause by which rows are locked.
    locks_rows: Option<LockStrength>,
    /// See [`PlannedStatement::entries`].
    entries: usize,
    /// (level, relation, members) of the trees read.
    pub(super) expanded: Vec<(usize, usize, Vec<Arc<Relation>>)>,
    /// (level, relation) being updated or deleted from.
    pub(super) target: Option<(usize, usize)>,
    /// Attribute numbers that the statement gives values.
    pub(super) assigned: Arc<[i16]>,
    /// What the statement calls its target.
    pub(super) target_alias: String,
}

/// Plans a bound query.
pub fn plan(mut query: Query, cx: &PlanContext<'_>) -> Result<PlannedStatement> {
    let tag = match query.write.as_ref().map(|w| &w.kind) {
        None => "SELECT",
        Some(WriteKind::Insert { .. }) => "INSERT",
        Some(WriteKind::Update { .. }) => "UPDATE",
        Some(WriteKind::Delete) => "DELETE",
        Some(WriteKind::Merge { .. }) => "MERGE",
    };
    if !query.steps.is_empty() {
        return sequence(query, tag, cx);
    }
    let _planning = Planning::begin();
    let returns_rows = !query.silent && query.write.as_ref().is_none_or(|w| !w.returning.is_empty());
    let origins = query.output().map(|t| t.origin.unwrap_or((Oid::INVALID, 0))).collect();
    let mut inlined = Vec::new();
    query.depends_on_role |= super::inline::sets(&mut query, cx, &mut Vec::new(), &mut inlined);
    let acting = query.depends_on_role.then(|| cx.names.acting());
    let query_id = query.id;
    let mut planner = Planner::new(cx);
    let (mut plan, _) = planner.query(query, LevelKind::Top)?;
    super::finish::set_params(&mut plan);
    inlined.append(&mut planner.folder.inlined);
    inlined.sort_by_key(|(oid, _)| *oid);
    inlined.dedup_by_key(|(oid, _)| *oid);
    Ok(PlannedStatement {
        plan,
        tag,
        returns_rows,
        exec_params: planner.slots,
        work_tables: planner.work_tables,
        ctes: planner.cte_ids,
        param_types: cx.params.to_vec(),
        origins,
        privileges: planner.privileges,
        relations: planner.relations,
        read_only: !planner.writes && planner.locks_rows.is_none(),
        locks_rows: planner.locks_rows,
        constants: Vec::new(),
        entries: planner.entries,
        acting,
        inlined,
        query_id,
        source: None,
    })
}

/// Plans the statements that rules made of one.
fn sequence(query: Query, tag: &'static str, cx: &PlanContext<'_>) -> Result<PlannedStatement> {
    let acting = query.depends_on_role.then(|| cx.names.acting());
    let query_id = query.id;
    let mut steps = Vec::with_capacity(query.steps.len());
    for step in query.steps {
        steps.push(Arc::new(plan(step, cx)?));
    }
    let main = query.main.map(|n| steps[n].clone());
    let relations = steps.iter().flat_map(|s| s.relations.iter().cloned()).collect();
    let entries = steps.iter().map(|s| s.entries).sum();
    let columns = main.as_ref().map(|m| m.plan.columns.clone()).unwrap_or_default();
    let plan = Plan {
        node: PlanNode::Sequence { steps, main: query.main },
        columns,
        cost: Cost::default(),
        params: Vec::new(),
    };
    Ok(PlannedStatement {
        plan,
        tag,
        returns_rows: main.as_ref().is_some_and(|m| m.returns_rows),
        exec_params: 0,
        work_tables: 0,
        ctes: 0,
        param_types: cx.params.to_vec(),
        origins: main.map(|m| m.origins.clone()).unwrap_or_default(),
        // Each asks for its own when it starts.
        privileges: Vec::new(),
        relations,
        read_only: false,
        locks_rows: None,
        constants: Vec::new(),
        entries,
        acting,
        inlined: Vec::new(),
        query_id,
        source: None,
    })
}

impl<'a> Planner<'a> {
    fn new(cx: &'a PlanContext<'a>) -> Planner<'a> {
        Planner {
            cx,
            folder: Folder::inlining(cx),
            levels: Vec::new(),
            slots: 0,
            cte_ids: 0,
            work_tables: 0,
            sub_plans: 0,
            planned_links: None,
            planned_rows: None,
            relations: Vec::new(),
            privileges: Vec::new(),
            writes: false,
            locks_rows: None,
            entries: 0,
            expanded: Vec::new(),
            target: None,
            assigned: Arc::default(),
            target_alias: String::new(),
        }
    }

    /// For expressions of stored objects: they are no part of a query.
    pub(super) fn alone(cx: &'a PlanContext<'a>) -> Planner<'a> {
        let mut planner = Planner::new(cx);
        planner.levels.push(Level { kind: LevelKind::Top, outer_refs: Vec::new(), ctes: Vec::new() });
        planner
    }
}

impl Planner<'_> {
    pub(super) fn level(&mut self) -> &mut Level {
        let n = self.levels.len() - 1;
        &mut self.levels[n]
    }

    /// Plans a query as a new level. Answers the plan, whose columns are the query's visible outputs, and the outer
    /// values it needs.
    pub(super) fn query(&mut self, mut query: Query, kind: LevelKind) -> Result<(Plan, Vec<(usize, Expr)>)> {
        crate::sql::parse::check_stack()?;
        self.note_relations(&query, 0);
        if query.write.as_ref().is_some_and(|w| w.nothing) {
            let nothing =
                Plan { node: PlanNode::Empty, columns: Vec::new(), cost: Cost::default(), params: Vec::new() };
            return Ok((nothing, Vec::new()));
        }
        self.levels.push(Level { kind, outer_refs: Vec::new(), ctes: Vec::new() });
        let ctes = self.ctes(&mut query)?;
        let plan = if query.write.is_some() {
            self.writes = true;
            self.write(query)?
        } else if query.set_op.is_some() {
            self.set_operation(query)?
        } else {
            self.select(query)?
        };
        let plan = if ctes.is_empty() {
            plan
        } else {
            let mut cost = plan.cost;
            let extra: f64 = ctes.iter().map(|c| c.plan.cost.total).sum();
            cost.startup += extra;
            cost.total += extra;
            let columns = plan.columns.clone();
            Plan { node: PlanNode::With { ctes, body: Box::new(plan) }, columns, cost, params: Vec::new() }
        };
        let outer = self.levels.pop().map(|l| l.outer_refs).unwrap_or_default();
        Ok((plan, outer))
    }

    /// Remembers locks and rights of the query's own tables, from rel `first` on.
    pub(super) fn note_relations(&mut self, query: &Query, first: usize) {
        let target = query.write.as_ref().map(|w| w.target);
        self.locks_rows = self.locks_rows.or(query.locks.first().map(|l| l.strength));
        self.entries += query.rels.len().saturating_sub(first) + query.from.iter().map(FromNode::joins).sum::<usize>();
        for (i, r) in query.rels.iter().enumerate().skip(first) {
            let Some(rel) = r.relation() else { continue };
            let locked = query.locks.iter().any(|l| l.rel == i);
            let mode = if target == Some(i) {
                LockMode::RowExclusive
            } else if locked {
                LockMode::RowShare
            } else {
                LockMode::AccessShare
            };
            if rel.generated_by.is_none() || rel.kind == RelKind::View {
                match self.relations.iter_mut().find(|(r, _)| Arc::ptr_eq(r, rel)) {
                    Some((_, m)) => {
                        if (mode as u8) > (*m as u8) {
                            *m = mode;
                        }
                    }
                    None => self.relations.push((rel.clone(), mode)),
                }
            }
            if r.wanted != 0 && rel.generated_by != Some(TRANSITION) {
                self.privileges.push(RelationAccess {
                    rel: rel.clone(),
                    wanted: r.wanted,
                    selected: r.selected.clone(),
                    inserted: r.inserted.clone(),
                    updated: r.updated.clone(),
                    check_as: r.check_as,
                });
            }
        }
    }

    /// Remembers the lock on a member of a table's tree: the table's own.
    pub(super) fn note_member(&mut self, root: &Arc<Relation>, member: &Arc<Relation>) {
        self.entries += 1;
        let Some((_, mode)) = self.relations.iter().find(|(r, _)| Arc::ptr_eq(r, root)) else { return };
        let mode = *mode;
        match self.relations.iter_mut().find(|(r, _)| Arc::ptr_eq(r, member)) {
            Some((_, m)) if (mode as u8) > (*m as u8) => *m = mode,
            Some(_) => {}
            None => self.relations.push((member.clone(), mode)),
        }
    }

    /// The slot in which the running query finds an outer column; makes one if needed.
    fn slot_for(&mut self, level: usize, rel: usize, attno: i16, levels_up: usize, ty: TypeRef) -> usize {
        if levels_up >= 2 && self.levels[level].kind == LevelKind::Rel && level > 0 {
            return self.slot_for(level - 1, rel, attno, levels_up - 1, ty);
        }
        let outer = Expr::new(ExprKind::Var { rel, attno, levels_up: levels_up - 1 }, ty);
        self.slot_of(level, outer)
    }

    fn slot_of(&mut self, level: usize, outer: Expr) -> usize {
        if let Some((slot, _)) = self.levels[level].outer_refs.iter().find(|(_, e)| crate::sql::expr::same(e, &outer)) {
            return *slot;
        }
        let slot = self.slots;
        self.slots += 1;
        self.levels[level].outer_refs.push((slot, outer));
        slot
    }

    pub(super) fn new_slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }

    /// Makes an expression of this level ready: outer references become slots, constants are folded, sub-selects
    /// are planned.
    pub(super) fn prepare(&mut self, e: &mut Expr) -> Result<()> {
        self.outer_to_slots(e);
        self.folder.simplify(e)?;
        self.plan_sub_links(e)
    }

    fn outer_to_slots(&mut self, e: &mut Expr) {
        let level = self.levels.len() - 1;
        match &mut e.kind {
            ExprKind::Var { rel, attno, levels_up } if *levels_up > 0 => {
                let slot = self.slot_for(level, *rel, *attno, *levels_up, e.ty);
                e.kind = ExprKind::ExecParam(slot);
                return;
            }
            kind if grouped_level(kind) > 0 => {
                let (mut outer, mut at) = (e.clone(), level);
                lower_levels(&mut outer);
                // What is in FROM or WITH shares the slots of the query around it.
                while self.levels[at].kind == LevelKind::Rel && grouped_level(&outer.kind) > 0 && at > 0 {
                    lower_levels(&mut outer);
                    at -= 1;
                }
                e.kind = ExprKind::ExecParam(self.slot_of(at, outer));
                return;
            }
            _ => {}
        }
        e.for_each_child_mut(&mut |c| self.outer_to_slots(c));
    }

    fn plan_sub_links(&mut self, e: &mut Expr) -> Result<()> {
        let mut failed = None;
        e.for_each_child_mut(&mut |c| {
            if failed.is_none() {
                failed = self.plan_sub_links(c).err();
            }
        });
        if let Some(f) = failed {
            return Err(f);
        }
        if let ExprKind::SubLink(link) = &mut e.kind {
            let link = std::mem::replace(
                &mut **link,
                bind::SubLink { kind: SubPlanKind::Exists, test: None, query: Query::default() },
            );
            // The row that `SET (a, b) = (SELECT …)` takes apart is that of one place in the text.
            let row = e.ty.oid == oid::RECORD && link.kind == SubPlanKind::Scalar && !self.planned_rows.is_none();
            let key = match (row, &self.planned_links) {
                (true, _) => Some(format!("{link:?}")),
                (false, links) => links.is_some().then(|| text_without_positions(&link)),
            };
            let list = if row { &self.planned_rows } else { &self.planned_links };
            let known =
                key.as_ref().and_then(|k| list.iter().flatten().find(|(x, _)| x == k).map(|(_, kind)| kind.clone()));
            e.kind = match known {
                Some(kind) => kind,
                None => {
                    let outer = (self.planned_links.take(), self.planned_rows.take());
                    let kind = self.sub_plan(link, row);
                    (self.planned_links, self.planned_rows) = outer;
                    let kind = kind?;
                    let list = if row { &mut self.planned_rows } else { &mut self.planned_links };
                    if let (Some(k), Some(list)) = (key, list) {
                        list.push((k, kind.clone()));
                    }
                    kind
                }
            };
        }
        Ok(())
    }

    fn sub_plan(&mut self, link: bind::SubLink, row: bool) -> Result<ExprKind> {
        let bind::SubLink { kind, mut test, mut query } = link;
        if kind == SubPlanKind::Exists {
            simplify_exists(&mut query);
        }
        let taken = match query.targets.first().map(|t| &t.expr.kind) {
            Some(ExprKind::Row { fields, .. }) if row => Some(fields.len()),
            _ => None,
        };
        let (mut plan, outer) = self.query(query, LevelKind::Expression)?;
        super::finish::set_params(&mut plan);
        let mut args = Vec::with_capacity(outer.len());
        for (slot, mut e) in outer {
            // An aggregate that belongs here may hold sub-selects of its own.
            self.prepare(&mut e)?;
            args.push((slot, e));
        }
        let mut test_params = Vec::new();
        let mut hashable = false;
        if let Some(t) = &mut test {
            hashable = kind == SubPlanKind::Any && args.is_empty() && plan.params.is_empty() && hashable_test(t);
            self.test_params(t, &mut test_params);
        }
        self.sub_plans += 1;
        let number = self.sub_plans;
        // What runs once fills slots, and so does a row that is taken apart.
        let filled = match (taken, args.is_empty() && test.is_none() && plan.params.is_empty()) {
            (Some(fields), _) => fields,
            (None, true) if kind == SubPlanKind::Scalar => plan.columns.len(),
            (None, once) => usize::from(once),
        };
        let slots = (0..filled).map(|_| self.new_slot()).collect();
        let plan = Arc::new(plan);
        Ok(ExprKind::SubPlan(Box::new(SubPlan { kind, plan, args, test, test_params, hashable, number, slots })))
    }

    /// Takes the outer sides out of a sub-select's test: what reads no column of the sub-select goes into a slot.
    fn test_params(&mut self, e: &mut Expr, out: &mut Vec<(usize, Expr)>) {
        let reads = e.any(&mut |x| matches!(x.kind, ExprKind::Column(_)));
        if !reads {
            if matches!(e.kind, ExprKind::Const(_) | ExprKind::Param(_) | ExprKind::ExecParam(_)) {
                return;
            }
            let slot = self.new_slot();
            let ty = e.ty;
            let outer = std::mem::replace(e, Expr::new(ExprKind::ExecParam(slot), ty));
            out.push((slot, outer));
            return;
        }
        e.for_each_child_mut(&mut |c| self.test_params(c, out));
    }

    /// Plans the WITH clause: what is read once is put in place, the rest is computed by a With node.
    fn ctes(&mut self, query: &mut Query) -> Result<Vec<Cte>> {
        if query.ctes.is_empty() {
            return Ok(Vec::new());
        }
        super::prepare::inline_ctes(query);
        let mut out = Vec::new();
        let list = std::mem::take(&mut query.ctes);
        for cte in list {
            let modifies = cte.query.write.is_some();
            let used = cte.references > 0;
            if !used && !modifies {
                self.level().ctes.push(None);
                continue;
            }
            let id = self.cte_ids;
            self.cte_ids += 1;
            let plan = match cte.recursion {
                Some(r) => self.recursive(*r, id)?,
                None => {
                    self.level().ctes.push(None);
                    let n = self.level().ctes.len() - 1;
                    let (plan, _) = self.query(*cte.query, LevelKind::Rel)?;
                    self.level().ctes.truncate(n);
                    let planned = PlannedCte { id, rows: plan.cost.rows, width: plan.cost.width, work_table: None };
                    self.level().ctes.push(Some(planned));
                    plan
                }
            };
            self.sub_plans += 1;
            self.new_slot();
            out.push(Cte { number: self.sub_plans, id, name: cte.name, plan, modifies });
        }
        Ok(out)
    }

    fn recursive(&mut self, r: bind::Recursion, id: usize) -> Result<Plan> {
        self.new_slot();
        let (left, _) = self.query_beside(r.left)?;
        let work_table = self.work_tables;
        self.work_tables += 1;
        let planned = PlannedCte {
            id,
            rows: left.cost.rows * self.cx.settings.recursive_worktable_factor,
            width: left.cost.width,
            work_table: Some(work_table),
        };
        self.level().ctes.push(Some(planned));
        let (right, _) = self.query(r.right, LevelKind::Rel)?;
        let rows = left.cost.rows + 10.0 * right.cost.rows;
        let n = self.level().ctes.len() - 1;
        self.level().ctes[n] = Some(PlannedCte { id, rows, width: left.cost.width, work_table: None });
        let total = left.cost.total + 10.0 * right.cost.total + rows * self.cx.settings.cpu_tuple_cost;
        let cost = Cost { startup: left.cost.startup, total, rows, width: left.cost.width };
        let columns: Vec<PlanColumn> = left.columns.clone();
        Ok(Plan {
            node: PlanNode::RecursiveUnion {
                left: Box::new(left),
                right: Box::new(right),
                distinct: r.distinct,
                work_table,
            },
            columns,
            cost,
            params: Vec::new(),
        })
    }

    /// Plans a query while the CTE being defined is not there yet.
    fn query_beside(&mut self, query: Query) -> Result<(Plan, Vec<(usize, Expr)>)> {
        self.level().ctes.push(None);
        let out = self.query(query, LevelKind::Rel);
        self.level().ctes.pop();
        out
    }

    /// The CTE a rel of the current level reads.
    pub(super) fn find_cte(&self, index: usize, levels_up: usize) -> Result<PlannedCte> {
        self.levels
            .len()
            .checked_sub(1 + levels_up)
            .and_then(|n| self.levels[n].ctes.get(index).cloned().flatten())
            .ok_or_else(|| Error::internal("a WITH query is read before it is planned"))
    }
}

/// How far out the query is whose grouping an aggregate or a GROUPING call belongs to.
fn grouped_level(kind: &ExprKind) -> usize {
    match kind {
        ExprKind::Aggregate(a) => a.levels_up,
        ExprKind::Grouping { levels_up, .. } => *levels_up,
        _ => 0,
    }
}

/// One level less for everything that refers outside.
fn lower_levels(e: &mut Expr) {
    bind::query::walk_expr_mut(e, 0, &mut |x, depth| match &mut x.kind {
        ExprKind::Var { levels_up, .. } if *levels_up > depth => *levels_up -= 1,
        ExprKind::Aggregate(a) if a.levels_up > depth => a.levels_up -= 1,
        ExprKind::Grouping { levels_up, .. } if *levels_up > depth => *levels_up -= 1,
        _ => {}
    });
}

/// EXISTS looks at no column: select list, order and DISTINCT do not matter.
fn simplify_exists(query: &mut Query) {
    let plain = query.set_op.is_none()
        && !query.has_aggregates
        && !query.has_set_returning
        && !query.has_windows
        && query.write.is_none()
        && query.limit.is_none()
        && query.offset.is_none();
    if plain {
        query.targets.clear();
        query.order_by.clear();
        query.distinct = bind::Distinct::No;
    }
}

/// Equality of hashable columns only.
fn hashable_test(t: &Expr) -> bool {
    match &t.kind {
        ExprKind::And(parts) => parts.iter().all(hashable_test),
        ExprKind::Func { oper: Some(o), args, .. } => {
            crate::sql::func::oper(*o).is_some_and(|o| o.can_hash)
                && args.len() == 2
                && args[0].ty.oid == args[1].ty.oid
                && args[0].ty.oid != oid::RECORD
        }
        _ => false,
    }
}

/// By what a sub-select is known to be written twice: where it stands makes no difference.
fn text_without_positions(link: &bind::SubLink) -> String {
    let mut link = link.clone();
    let mut forget = |e: &mut Expr, _: usize| e.pos = None;
    link.query.walk_mut(1, &mut forget);
    if let Some(test) = &mut link.test {
        crate::sql::bind::walk_expr_mut(test, 0, &mut forget);
    }
    format!("{link:?}")
}
