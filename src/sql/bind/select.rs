//! SELECT: PostgreSQL 15, analyze.c, transformSelectStmt.

use super::scope::{Clause, Scope, var};
use super::{Binder, Distinct, FromNode, OrderItem, Query, Rel, RelColumn, RowMark, Source, Target};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{Expr, ExprKind, same};
use crate::sql::parse::check_stack;
use crate::sql::plan::{LockStrength, LockWait, access};
use crate::types::{TypeRef, oid};

/// How `unknown` output columns are treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknowns {
    /// They become text.
    Resolve,
    /// The caller gives them a type.
    Keep,
}

impl Binder<'_, '_> {
    /// A query one level in: a sub-select of an expression.
    pub(super) fn sub_select(&mut self, s: &ast::SelectStmt) -> Result<Query> {
        self.select(s, None)
    }

    /// `unknowns` None: resolve.
    pub(super) fn select(&mut self, s: &ast::SelectStmt, unknowns: Option<Unknowns>) -> Result<Query> {
        check_stack()?;
        self.scopes.push(Scope::default());
        let out = self.select_in_scope(s, unknowns.unwrap_or(Unknowns::Resolve));
        self.scopes.pop();
        out
    }

    fn select_in_scope(&mut self, s: &ast::SelectStmt, unknowns: Unknowns) -> Result<Query> {
        if let Some(with) = &s.with {
            self.with_clause(with)?;
        }
        let mut query = match &s.body {
            ast::SelectBody::Select(core) => self.core(core, s, unknowns)?,
            ast::SelectBody::Values(rows) => self.values_query(rows, s, unknowns)?,
            ast::SelectBody::SetOp(op) => self.set_operation(op, s, unknowns)?,
        };
        self.take_scope(&mut query);
        Ok(query)
    }

    /// Moves what the scope collected into the query.
    pub(super) fn take_scope(&mut self, query: &mut Query) {
        let scope = self.scope();
        query.rels = std::mem::take(&mut scope.rels);
        query.ctes = std::mem::take(&mut scope.ctes);
        query.has_aggregates |= scope.has_aggregates;
        query.has_windows = scope.has_windows;
        query.windows = std::mem::take(&mut scope.windows_written);
        query.has_set_returning |= scope.has_set_returning;
    }

    fn core(&mut self, core: &ast::SelectCore, s: &ast::SelectStmt, unknowns: Unknowns) -> Result<Query> {
        if let Some(into) = &core.into {
            return Err(err!(SYNTAX_ERROR, "SELECT ... INTO is not allowed here").at(self.at(into.table.pos)));
        }
        let mut query = Query { from: self.from_clause(&core.from)?, ..Query::default() };
        self.windows(&core.windows)?;
        query.targets = self.targets(&core.targets, Clause::Select)?;
        query.filter = core.filter.as_ref().map(|f| self.condition(f, Clause::Where)).transpose()?;
        query.having = core.having.as_ref().map(|h| self.condition(h, Clause::Having)).transpose()?;
        query.has_aggregates = core.having.is_some();
        self.order_by(&s.order_by, &mut query)?;
        self.group_by(core, &mut query)?;
        self.distinct_clause(&core.distinct, &mut query)?;
        self.limits(s, &mut query)?;
        if unknowns == Unknowns::Resolve {
            self.resolve_targets(&mut query.targets)?;
        }
        query.has_aggregates |= self.scope().has_aggregates;
        if query.has_aggregates {
            query.rels = self.scope().rels.clone();
            self.refuse_recursive_aggregate(&query)?;
            let checked = self.check_grouping(&mut query);
            checked?;
        }
        self.locking(&s.locking, &mut query, core)?;
        Ok(query)
    }

    /// A round's rows come in several batches: aggregates over them would be wrong.
    fn refuse_recursive_aggregate(&mut self, query: &Query) -> Result<()> {
        if !self.scope().has_aggregates || !query.rels.iter().any(|r| matches!(r.source, Source::WorkTable { .. })) {
            return Ok(());
        }
        let mut pos = None;
        let mut look = |e: &Expr| {
            e.walk(&mut |x| {
                if pos.is_none() && matches!(&x.kind, ExprKind::Aggregate(a) if a.levels_up == 0) {
                    pos = x.pos;
                }
                true
            });
        };
        query.targets.iter().for_each(|t| look(&t.expr));
        query.having.iter().for_each(look);
        Err(err!(INVALID_RECURSION, "aggregate functions are not allowed in a recursive query's recursive term")
            .at(pos.and_then(|p| self.at(p))))
    }

    pub(super) fn resolve_targets(&mut self, targets: &mut [Target]) -> Result<()> {
        for t in targets {
            if t.expr.ty.oid == oid::UNKNOWN {
                let e = std::mem::replace(&mut t.expr, super::coerce::bool_const(false));
                t.expr = self.resolve_unknown(e)?;
            }
        }
        Ok(())
    }

    /// ORDER BY of a plain SELECT: output names, ordinals, then expressions, which become junk columns.
    fn order_by(&mut self, list: &[ast::SortBy], query: &mut Query) -> Result<()> {
        for s in list {
            let target = match self.output_position(&s.expr, &query.targets, "ORDER BY", false)? {
                Some(i) => i,
                None => {
                    let before = std::mem::replace(&mut self.scope().clause, Clause::OrderBy);
                    let bound = self.expr(&s.expr);
                    self.scope().clause = before;
                    self.add_target(bound?, &mut query.targets)?
                }
            };
            let t = &mut query.targets[target];
            let e = std::mem::replace(&mut t.expr, super::coerce::bool_const(false));
            let key = self.sort_key(s, e)?;
            query.targets[target].expr = key.expr;
            // A column sorted before decides already.
            if !query.order_by.iter().any(|o| o.target == target) {
                query.order_by.push(OrderItem { target, desc: key.desc, nulls_first: key.nulls_first });
            }
        }
        Ok(())
    }

    /// The output column that is this expression; a new hidden one if there is none.
    fn add_target(&mut self, expr: Expr, targets: &mut Vec<Target>) -> Result<usize> {
        let expr = self.resolve_unknown(expr)?;
        if let Some(i) = targets.iter().position(|t| same(&t.expr, &expr)) {
            return Ok(i);
        }
        targets.push(Target { name: "?column?".to_owned(), expr, junk: true, origin: None });
        Ok(targets.len() - 1)
    }

    fn distinct_clause(&mut self, distinct: &ast::Distinct, query: &mut Query) -> Result<()> {
        match distinct {
            ast::Distinct::No => {}
            ast::Distinct::All => {
                self.resolve_targets(&mut query.targets)?;
                if let Some(o) = query.order_by.iter().find(|o| query.targets[o.target].junk) {
                    let pos = query.targets[o.target].expr.pos;
                    return Err(err!(
                        INVALID_COLUMN_REFERENCE,
                        "for SELECT DISTINCT, ORDER BY expressions must appear in select list"
                    )
                    .at(pos.and_then(|p| self.at(p))));
                }
                for t in query.targets.iter().filter(|t| !t.junk) {
                    self.require_equality(t.expr.ty.oid, t.expr.start())?;
                }
                query.distinct = Distinct::All;
            }
            ast::Distinct::On(list) => {
                let mut on = Vec::new();
                for e in list {
                    let i = match self.output_position(e, &query.targets, "DISTINCT ON", false)? {
                        Some(i) => i,
                        None => {
                            let before = std::mem::replace(&mut self.scope().clause, Clause::DistinctOn);
                            let bound = self.expr(e);
                            self.scope().clause = before;
                            self.add_target(bound?, &mut query.targets)?
                        }
                    };
                    if !on.iter().any(|(o, _)| *o == i) {
                        on.push((i, e.start()));
                    }
                }
                // The leading sort columns must be exactly those of ON, in any order.
                let mismatch = |this: &Self, (_, pos): &(usize, Pos)| Err(distinct_on_mismatch().at(this.at(*pos)));
                let mut skipped = false;
                for o in &query.order_by {
                    match on.iter().find(|(i, _)| *i == o.target) {
                        Some(e) if skipped => return mismatch(self, e),
                        found => skipped |= found.is_none(),
                    }
                }
                let sorted = |(i, _): &&(usize, Pos)| query.order_by.iter().any(|o| o.target == *i);
                if let Some(e) = on.iter().find(|e| skipped && !sorted(e)) {
                    return mismatch(self, e);
                }
                let on = on.into_iter().map(|(i, _)| i).collect();
                query.distinct = Distinct::On(on);
            }
        }
        Ok(())
    }

    pub(super) fn limits(&mut self, s: &ast::SelectStmt, query: &mut Query) -> Result<()> {
        query.of_cursor = s.of_cursor;
        let bound = |this: &mut Self, e: &ast::Expr, clause: Clause| -> Result<Expr> {
            let before = std::mem::replace(&mut this.scope().clause, clause);
            let bound = this.expr(e);
            this.scope().clause = before;
            let bound = this.to_type(bound?, oid::INT8, clause.name(), e.start())?;
            if let Some(at) = super::scope::variable(&bound) {
                return Err(err!(INVALID_COLUMN_REFERENCE, "argument of {} must not contain variables", clause.name())
                    .at(this.at(at)));
            }
            Ok(bound)
        };
        if let Some(e) = &s.offset {
            query.offset = Some(bound(self, e, Clause::Offset)?);
        }
        if let Some(l) = &s.limit {
            query.with_ties = l.with_ties;
            let e = bound(self, &l.count, Clause::Limit)?;
            if l.with_ties && matches!(e.kind, ExprKind::Const(crate::types::Value::Null)) {
                return Err(err!(
                    INVALID_ROW_COUNT_IN_LIMIT,
                    "row count cannot be null in FETCH FIRST ... WITH TIES clause"
                ));
            }
            query.limit = Some(e);
            if l.with_ties && query.order_by.is_empty() {
                return Err(err!(SYNTAX_ERROR, "WITH TIES cannot be specified without ORDER BY clause"));
            }
            if l.with_ties && s.locking.iter().any(|c| c.wait == ast::LockWait::Skip) {
                return Err(err!(SYNTAX_ERROR, "SKIP LOCKED and WITH TIES options cannot be used together"));
            }
        }
        Ok(())
    }

    /// VALUES as a query of its own.
    fn values_query(&mut self, rows: &[Vec<ast::Expr>], s: &ast::SelectStmt, unknowns: Unknowns) -> Result<Query> {
        if let Some(l) = s.locking.first() {
            return Err(err!(FEATURE_NOT_SUPPORTED, "{} cannot be applied to VALUES", l.strength.clause()));
        }
        let mut query = Query::default();
        let (rel, targets) = self.values_rel(rows, unknowns)?;
        query.from.push(FromNode::Rel(rel));
        query.targets = targets;
        self.order_by(&s.order_by, &mut query)?;
        self.limits(s, &mut query)?;
        Ok(query)
    }

    /// A VALUES list as a range-table entry, with its columns as output.
    fn values_rel(&mut self, rows: &[Vec<ast::Expr>], _unknowns: Unknowns) -> Result<(usize, Vec<Target>)> {
        let rows: Vec<_> = rows.iter().map(|row| self.with_rows(row)).collect();
        let width = rows.first().map_or(0, |row| row.len());
        let mut columns: Vec<Vec<Expr>> = vec![Vec::with_capacity(rows.len()); width];
        let before = std::mem::replace(&mut self.scope().clause, Clause::Values);
        for row in &rows {
            if row.len() != width {
                // What is wrong with the values comes first.
                for e in row.iter() {
                    self.expr(e)?;
                }
                let pos = row.first().map_or(ast::NOWHERE, ast::Expr::start);
                return Err(err!(SYNTAX_ERROR, "VALUES lists must all be the same length").at(self.at(pos)));
            }
            for (e, column) in row.iter().zip(&mut columns) {
                column.push(self.expr(e)?);
            }
        }
        self.scope().clause = before;
        let mut out: Vec<Vec<Expr>> = vec![Vec::with_capacity(width); rows.len()];
        let mut rel_columns = Vec::with_capacity(width);
        for (i, column) in columns.into_iter().enumerate() {
            let (column, ty) = self.unify(column, "VALUES")?;
            let typmod = super::coerce::common_typmod(column.iter(), ty);
            rel_columns.push(RelColumn {
                name: format!("column{}", i + 1),
                ty: TypeRef::with(ty, typmod),
                dropped: false,
            });
            for (e, row) in column.into_iter().zip(&mut out) {
                row.push(e);
            }
        }
        let targets: Vec<(String, TypeRef)> = rel_columns.iter().map(|c| (c.name.clone(), c.ty)).collect();
        let rel = self.add_rel(Rel::new("*VALUES*".to_owned(), Source::Values(out), rel_columns));
        let mut item = self.table_item(rel, "*VALUES*".to_owned(), None);
        item.rel_visible = false;
        self.scope().items.push(item);
        let targets = targets
            .into_iter()
            .enumerate()
            .map(|(i, (name, ty))| Target { name, expr: var(rel, i as i16 + 1, ty), junk: false, origin: None })
            .collect();
        Ok((rel, targets))
    }

    /// FOR UPDATE and its kin. PostgreSQL 15, analyze.c, transformLockingClause.
    fn locking(&mut self, list: &[ast::LockingClause], query: &mut Query, core: &ast::SelectCore) -> Result<()> {
        query.for_update |= !list.is_empty();
        for clause in list {
            let word = clause.strength.clause();
            refuse_locking(
                query,
                !core.group_by.is_empty(),
                self.scope().has_windows,
                self.scope().has_set_returning,
                word,
            )?;
            let strength = match clause.strength {
                ast::RowLockStrength::KeyShare => LockStrength::KeyShare,
                ast::RowLockStrength::Share => LockStrength::Share,
                ast::RowLockStrength::NoKeyUpdate => LockStrength::NoKeyUpdate,
                ast::RowLockStrength::Update => LockStrength::Update,
            };
            let wait = match clause.wait {
                ast::LockWait::Block => LockWait::Block,
                ast::LockWait::Skip => LockWait::SkipLocked,
                ast::LockWait::Error => LockWait::NoWait,
            };
            let rels = if clause.of.is_empty() {
                let mut all = Vec::new();
                query.from.iter().for_each(|n| n.rels(&mut all));
                all
            } else {
                clause.of.iter().map(|name| self.locked_rel(name, word)).collect::<Result<_>>()?
            };
            for rel in rels {
                let explicit = !clause.of.is_empty();
                self.lock_rel(rel, strength, wait, explicit, word, query)?;
            }
        }
        Ok(())
    }

    fn locked_rel(&mut self, name: &ast::RangeVar, word: &str) -> Result<usize> {
        if name.schema.is_some() {
            return Err(err!(SYNTAX_ERROR, "{word} must specify unqualified relation names").at(self.at(name.pos)));
        }
        let found = self.scope().items.iter().find(|i| i.name.as_deref() == Some(&name.name)).map(|i| i.rel);
        match found {
            Some(Some(rel)) => Ok(rel),
            // The name of a join.
            Some(None) => Err(Error::unsupported(format!("{word} cannot be applied to a join")).at(self.at(name.pos))),
            None => {
                let text = format!("relation \"{}\" in {word} clause not found in FROM clause", name.name);
                Err(Error::new(crate::base::SqlState::UNDEFINED_TABLE, text).at(self.at(name.pos)))
            }
        }
    }

    fn lock_rel(
        &mut self,
        rel: usize,
        strength: LockStrength,
        wait: LockWait,
        explicit: bool,
        word: &str,
        query: &mut Query,
    ) -> Result<()> {
        let refused = match &mut self.scope().rels[rel].source {
            Source::Table { rel: table, .. } => {
                refuse_kind(table)?;
                self.scope().rels[rel].wanted |= access::UPDATE;
                mark(&mut query.locks, RowMark { rel, strength, wait });
                return Ok(());
            }
            // The tables below are locked by the sub-select itself.
            Source::Subquery(q) => {
                lock_inside(q, strength, wait, word)?;
                let entry = &mut self.scope().rels[rel];
                entry.wanted |= if entry.view.is_some() { access::UPDATE } else { 0 };
                return Ok(());
            }
            Source::Function { .. } => "a function",
            Source::Values(_) => "VALUES",
            Source::Cte { .. } | Source::WorkTable { .. } => "a WITH query",
        };
        if explicit {
            return Err(err!(FEATURE_NOT_SUPPORTED, "{word} cannot be applied to {refused}"));
        }
        Ok(())
    }
}

/// FOR UPDATE of what reads no rows of tables one by one. PostgreSQL 15, analyze.c, CheckSelectLocking.
fn refuse_locking(query: &Query, groups: bool, windows: bool, sets: bool, word: &str) -> Result<()> {
    let refused = if query.set_op.is_some() {
        "UNION/INTERSECT/EXCEPT"
    } else if !matches!(query.distinct, Distinct::No) {
        "DISTINCT clause"
    } else if groups {
        "GROUP BY clause"
    } else if query.having.is_some() {
        "HAVING clause"
    } else if query.has_aggregates {
        "aggregate functions"
    } else if windows {
        "window functions"
    } else if sets {
        "set-returning functions in the target list"
    } else {
        return Ok(());
    };
    Err(err!(FEATURE_NOT_SUPPORTED, "{word} is not allowed with {refused}"))
}

/// Rows of a materialized view are never locked. PostgreSQL 15, execMain.c, CheckValidRowMarkRel.
fn refuse_kind(rel: &crate::catalog::Relation) -> Result<()> {
    match rel.kind {
        crate::catalog::RelKind::MatView => {
            Err(err!(WRONG_OBJECT_TYPE, "cannot lock rows in materialized view \"{}\"", rel.name))
        }
        _ => Ok(()),
    }
}

/// Of several locks of one relation the strongest counts, and who does not want to wait. PostgreSQL 15, analyze.c,
/// applyLockingClause.
fn mark(locks: &mut Vec<RowMark>, new: RowMark) {
    let hurry = |wait| match wait {
        LockWait::Block => 0,
        LockWait::SkipLocked => 1,
        LockWait::NoWait => 2,
    };
    let Some(known) = locks.iter_mut().find(|l| l.rel == new.rel) else {
        locks.push(new);
        return;
    };
    known.strength = known.strength.max(new.strength);
    if hurry(new.wait) > hurry(known.wait) {
        known.wait = new.wait;
    }
}

/// Locks the tables of a sub-select, and of those in it.
fn lock_inside(q: &mut Query, strength: LockStrength, wait: LockWait, word: &str) -> Result<()> {
    let groups = !q.group_by.is_empty() || q.grouping_sets.is_some();
    refuse_locking(q, groups, q.has_windows, q.has_set_returning, word)?;
    let mut rels = Vec::new();
    q.from.iter().for_each(|n| n.rels(&mut rels));
    for r in rels {
        let entry = &mut q.rels[r];
        entry.wanted |= if entry.relation().is_some() { access::UPDATE } else { 0 };
        match &mut entry.source {
            Source::Table { rel: table, .. } => {
                refuse_kind(table)?;
                mark(&mut q.locks, RowMark { rel: r, strength, wait });
            }
            Source::Subquery(below) => lock_inside(below, strength, wait, word)?,
            _ => {}
        }
    }
    Ok(())
}

fn distinct_on_mismatch() -> Error {
    err!(INVALID_COLUMN_REFERENCE, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions")
}

/// Makes the query give its columns as one record.
pub(super) fn wrap_as_record(query: &mut Query) {
    let columns: Vec<(String, TypeRef)> = query.output().map(|t| (t.name.clone(), t.expr.ty)).collect();
    let inner = std::mem::take(query);
    // The inner query moves one level in.
    let mut inner = inner;
    inner.walk_mut(0, &mut |e, depth| match &mut e.kind {
        ExprKind::Var { levels_up, .. } if *levels_up > depth => *levels_up += 1,
        ExprKind::Aggregate(a) if a.levels_up > depth => a.levels_up += 1,
        ExprKind::Grouping { levels_up, .. } if *levels_up > depth => *levels_up += 1,
        _ => {}
    });
    super::cte::raise_cte_levels(&mut inner, 0);
    let fields = columns.iter().enumerate().map(|(i, (_, ty))| var(0, i as i16 + 1, *ty)).collect();
    let names = columns.iter().map(|(n, _)| n.clone()).collect();
    *query = Query {
        rels: vec![Rel::new(
            "row".to_owned(),
            Source::Subquery(Box::new(inner)),
            columns.into_iter().map(|(name, ty)| RelColumn { name, ty, dropped: false }).collect(),
        )],
        from: vec![FromNode::Rel(0)],
        targets: vec![Target {
            name: "row".to_owned(),
            expr: Expr::new(ExprKind::Row { fields, names }, TypeRef::of(oid::RECORD)),
            junk: false,
            origin: None,
        }],
        ..Query::default()
    };
}
