//! GROUP BY, grouping sets, and the check that everything else is grouped or aggregated. PostgreSQL 15, parse_agg.c.

use super::scope::Clause;
use super::{Binder, GroupWritten, Query, Source, Target};
use crate::base::{Oid, Result, SqlState};
use crate::err;
use crate::sql::ast;
use crate::sql::expr::{Expr, ExprKind, same};

/// The field name of a row that stands for a GROUPING call not resolved yet.
pub(super) const GROUPING_MARK: &str = "GROUPING()";

/// More grouping sets are refused with 54001.
const MAX_SETS: usize = 4096;

impl Binder<'_, '_> {
    /// Fills `group_by` and `grouping_sets`.
    pub(super) fn group_by(&mut self, core: &ast::SelectCore, query: &mut Query) -> Result<()> {
        if core.group_by.is_empty() {
            return Ok(());
        }
        let plain = core.group_by.iter().all(|g| match g {
            ast::GroupItem::Expr(_) => true,
            _ => false,
        });
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for item in &core.group_by {
            let more = self.group_item(item, query)?;
            let mut product = Vec::new();
            for a in &sets {
                for b in &more {
                    let mut set = a.clone();
                    set.extend(b.iter().filter(|x| !a.contains(x)));
                    product.push(set);
                    if product.len() > MAX_SETS {
                        return Err(err!(STATEMENT_TOO_COMPLEX, "too many grouping sets present (maximum {MAX_SETS})"));
                    }
                }
            }
            sets = product;
        }
        if core.group_distinct {
            let mut seen: Vec<Vec<usize>> = Vec::new();
            sets.retain(|s| {
                let mut sorted = s.clone();
                sorted.sort_unstable();
                let new = !seen.contains(&sorted);
                seen.push(sorted);
                new
            });
        }
        query.has_aggregates = true;
        let written = self.cx.names.keeps_written();
        query.group_distinct = written && core.group_distinct;
        if !plain {
            query.grouping_sets = Some(sets);
            if written {
                // PostgreSQL 15, parse_clause.c, transformGroupClause: the empty set is there only where it is alone.
                let empty = |g: &GroupWritten| matches!(g, GroupWritten::Simple(list) if list.is_empty());
                let mut items = self.group_items(&core.group_by, query)?;
                let keeps = usize::from(items.iter().all(empty));
                let mut at = 0;
                items.retain(|g| {
                    at += 1;
                    !empty(g) || at <= keeps
                });
                query.group_written = items;
            }
        }
        Ok(())
    }

    fn group_items(&mut self, list: &[ast::GroupItem], query: &mut Query) -> Result<Vec<GroupWritten>> {
        list.iter().map(|item| self.group_as_written(item, query)).collect()
    }

    fn group_as_written(&mut self, item: &ast::GroupItem, query: &mut Query) -> Result<GroupWritten> {
        Ok(match item {
            ast::GroupItem::Empty(_) => GroupWritten::Simple(Vec::new()),
            ast::GroupItem::Expr(e) => GroupWritten::Simple(self.group_exprs(e, query)?),
            ast::GroupItem::Rollup(list, _) => GroupWritten::Rollup(self.group_items(list, query)?),
            ast::GroupItem::Cube(list, _) => GroupWritten::Cube(self.group_items(list, query)?),
            ast::GroupItem::Sets(list, _) => {
                // Sets of sets are sets.
                let items = self.group_items(list, query)?.into_iter().flat_map(|g| match g {
                    GroupWritten::Sets(inner) => inner,
                    other => vec![other],
                });
                GroupWritten::Sets(items.collect())
            }
        })
    }

    fn group_item(&mut self, item: &ast::GroupItem, query: &mut Query) -> Result<Vec<Vec<usize>>> {
        Ok(match item {
            ast::GroupItem::Empty(_) => vec![Vec::new()],
            ast::GroupItem::Expr(e) => vec![self.group_exprs(e, query)?],
            ast::GroupItem::Rollup(list, _) => {
                let parts = self.group_parts(list, query)?;
                (0..=parts.len()).rev().map(|n| union(&parts[..n])).collect()
            }
            ast::GroupItem::Cube(list, pos) => {
                let parts = self.group_parts(list, query)?;
                if parts.len() > 12 {
                    return Err(err!(TOO_MANY_COLUMNS, "CUBE is limited to 12 elements").at(self.at(*pos)));
                }
                (0..1usize << parts.len())
                    .rev()
                    .map(|mask| {
                        let n = parts.len();
                        let kept: Vec<Vec<usize>> =
                            (0..n).filter(|i| mask & (1 << (n - 1 - i)) != 0).map(|i| parts[i].clone()).collect();
                        union(&kept)
                    })
                    .collect()
            }
            ast::GroupItem::Sets(list, _) => {
                let mut out = Vec::new();
                for i in list {
                    out.extend(self.group_item(i, query)?);
                }
                out
            }
        })
    }

    fn group_parts(&mut self, list: &[ast::GroupItem], query: &mut Query) -> Result<Vec<Vec<usize>>> {
        let mut out = Vec::new();
        for i in list {
            out.extend(self.group_item(i, query)?);
        }
        Ok(out)
    }

    /// One expression, or the fields of `(a, b)`.
    fn group_exprs(&mut self, e: &ast::Expr, query: &mut Query) -> Result<Vec<usize>> {
        if let ast::ExprKind::Row { fields, explicit: false } = &e.kind {
            let mut out = Vec::new();
            for f in fields {
                out.push(self.group_exprs(f, query)?);
            }
            return Ok(union(&out));
        }
        let (bound, target) = self.group_expr(e, query)?;
        self.require_equality(bound.ty.oid, Some(e.start()))?;
        // PostgreSQL 15, parse_clause.c, findTargetlistEntrySQL99: the first one that says the same. Two output columns
        // that say the same are two grouping columns when each is named.
        let target = target.or_else(|| query.targets.iter().position(|t| same(&t.expr, &bound)));
        let known = query.group_by.iter().zip(&query.grouped).position(|(g, t)| *t == target && same(g, &bound));
        if let Some(i) = known {
            return Ok(vec![i]);
        }
        query.group_by.push(bound);
        query.grouped.push(target);
        Ok(vec![query.group_by.len() - 1])
    }

    /// The expression, and the output column that an ordinal or a name means.
    fn group_expr(&mut self, e: &ast::Expr, query: &mut Query) -> Result<(Expr, Option<usize>)> {
        if let Some(i) = self.output_position(e, &query.targets, "GROUP BY", true)? {
            let t = &mut query.targets[i];
            let expr = std::mem::replace(&mut t.expr, super::coerce::bool_const(false));
            let expr = self.resolve_unknown(expr)?;
            query.targets[i].expr = expr.clone();
            self.refuse_in_group(&expr)?;
            return Ok((expr, Some(i)));
        }
        let before = std::mem::replace(&mut self.scope().clause, Clause::GroupBy);
        let bound = self.typed_expr(e);
        self.scope().clause = before;
        Ok((bound?, None))
    }

    fn refuse_in_group(&self, e: &Expr) -> Result<()> {
        let mut bad = None;
        e.walk(&mut |x| {
            match x.kind {
                ExprKind::Aggregate(_) => bad = bad.or(Some(("aggregate", x.pos))),
                ExprKind::Window(_) => bad = bad.or(Some(("window", x.pos))),
                _ => {}
            }
            true
        });
        match bad {
            Some(("aggregate", p)) => {
                Err(err!(GROUPING_ERROR, "aggregate functions are not allowed in GROUP BY")
                    .at(p.and_then(|p| self.at(p))))
            }
            Some((_, p)) => {
                Err(err!(WINDOWING_ERROR, "window functions are not allowed in GROUP BY")
                    .at(p.and_then(|p| self.at(p))))
            }
            None => Ok(()),
        }
    }

    /// PostgreSQL 15, parse_clause.c, findTargetlistEntrySQL92: the output column an ordinal or a bare name means.
    pub(super) fn output_position(
        &mut self,
        e: &ast::Expr,
        targets: &[Target],
        clause: &str,
        inputs_first: bool,
    ) -> Result<Option<usize>> {
        match &e.kind {
            ast::ExprKind::Column { parts, star: false } if parts.len() == 1 => {
                let name = &parts[0];
                if inputs_first && self.column(name, e.pos)?.is_some() {
                    return Ok(None);
                }
                let mut found: Option<usize> = None;
                for (i, t) in targets.iter().enumerate().filter(|(_, t)| !t.junk && t.name == *name) {
                    match found {
                        None => found = Some(i),
                        Some(f) if !same(&targets[f].expr, &t.expr) => {
                            return Err(err!(AMBIGUOUS_COLUMN, "{clause} \"{name}\" is ambiguous").at(self.at(e.pos)));
                        }
                        _ => {}
                    }
                }
                Ok(found)
            }
            ast::ExprKind::Const(ast::Const::Int(n)) => {
                let visible: Vec<usize> = (0..targets.len()).filter(|&i| !targets[i].junk).collect();
                match usize::try_from(*n).ok().and_then(|n| n.checked_sub(1)).and_then(|n| visible.get(n)) {
                    Some(&i) => Ok(Some(i)),
                    None => Err(err!(INVALID_COLUMN_REFERENCE, "{clause} position {n} is not in select list")
                        .at(self.at(e.pos))),
                }
            }
            ast::ExprKind::Const(ast::Const::Null) => {
                Err(err!(SYNTAX_ERROR, "non-integer constant in {clause}").at(self.at(e.pos)))
            }
            ast::ExprKind::Const(_) => Err(err!(SYNTAX_ERROR, "non-integer constant in {clause}").at(self.at(e.pos))),
            _ => Ok(None),
        }
    }

    /// PostgreSQL 15, parse_agg.c, parseCheckAggregates: every column outside an aggregate is grouped.
    pub(super) fn check_grouping(&mut self, query: &mut Query) -> Result<()> {
        if !query.has_aggregates {
            return Ok(());
        }
        let groups = query.group_by.clone();
        let mut dependent: Vec<Expr> = Vec::new();
        // What every grouping set has.
        let common: Vec<Expr> = match &query.grouping_sets {
            None => groups.clone(),
            Some(sets) => {
                let in_all = |n: &usize| sets.iter().all(|s| s.contains(n));
                (0..groups.len()).filter(in_all).map(|n| groups[n].clone()).collect()
            }
        };
        let mut exprs: Vec<&mut Expr> = query.targets.iter_mut().map(|t| &mut t.expr).collect();
        exprs.extend(query.having.iter_mut());
        for e in exprs {
            self.check_grouped(e, &groups, &query.rels, &common, (&mut dependent, &mut query.keys))?;
        }
        for mut e in std::mem::take(&mut self.scope().window_exprs) {
            self.check_grouped(&mut e, &groups, &query.rels, &common, (&mut dependent, &mut query.keys))?;
        }
        // Columns that the primary key decides are grouped along with it, in every set, without having been written.
        if !self.cx.names.keeps_written() {
            let own = query.group_by.len()..query.group_by.len() + dependent.len();
            query.grouping_sets.iter_mut().flatten().for_each(|s| s.extend(own.clone()));
            query.group_by.extend(dependent);
        }
        Ok(())
    }

    /// Makes a mark that stands `depth` queries further in, and means this one, a GROUPING call of its expressions.
    fn resolve_grouping(&self, e: &mut Expr, groups: &[Expr], depth: usize) -> Result<bool> {
        let ExprKind::Row { fields, names } = &e.kind else { return Ok(false) };
        if names.first().is_none_or(|n| n != GROUPING_MARK) || level_of(fields) != depth {
            return Ok(false);
        }
        let mut items = Vec::new();
        for f in fields {
            let mut here = f.clone();
            super::query::walk_expr_mut(&mut here, 0, &mut |x, inner| match &mut x.kind {
                ExprKind::Var { levels_up, .. } if *levels_up >= inner => *levels_up -= depth,
                _ => {}
            });
            // Of a query further out only its columns, as PostgreSQL has it.
            let known = depth == 0 || matches!(here.kind, ExprKind::Var { .. });
            let Some(i) = groups.iter().position(|g| known && same(g, &here)) else {
                let text = "arguments to GROUPING must be grouping expressions of the associated query level";
                return Err(err!(GROUPING_ERROR, "{text}").at(f.pos.and_then(|p| self.at(p))));
            };
            items.push(i);
        }
        e.kind = ExprKind::Grouping { items, levels_up: depth };
        Ok(true)
    }

    fn check_grouped(
        &mut self,
        e: &mut Expr,
        groups: &[Expr],
        rels: &[super::Rel],
        common: &[Expr],
        (dependent, keys): (&mut Vec<Expr>, &mut Vec<Oid>),
    ) -> Result<()> {
        if self.resolve_grouping(e, groups, 0)? {
            return Ok(());
        }
        if groups.iter().chain(dependent.iter()).any(|g| same(g, e)) {
            return Ok(());
        }
        match &mut e.kind {
            ExprKind::Aggregate(a) if a.levels_up == 0 => {
                for d in &mut a.direct_args {
                    self.check_grouped(d, groups, rels, common, (dependent, keys)).map_err(|e| match e.sqlstate() {
                        SqlState::GROUPING_ERROR => {
                            e.detail("Direct arguments of an ordered-set aggregate must use only grouped columns.")
                        }
                        _ => e,
                    })?;
                }
                return Ok(());
            }
            ExprKind::Var { rel, attno, levels_up: 0 } => {
                if let Some(key) = key_among(rels, *rel, common) {
                    dependent.push(e.clone());
                    keys.push(key);
                    return Ok(());
                }
                let r = &rels[*rel];
                let name = match usize::try_from(*attno) {
                    Ok(n) if n > 0 => r.columns[n - 1].name.clone(),
                    _ => super::scope::system_name(*attno).to_owned(),
                };
                return Err(err!(
                    GROUPING_ERROR,
                    "column \"{}.{name}\" must appear in the GROUP BY clause or be used in an aggregate function",
                    r.alias
                )
                .at(e.pos.and_then(|p| self.at(p))));
            }
            ExprKind::SubLink(link) => {
                let mut failed = None;
                link.query.walk_mut(1, &mut |x, depth| {
                    if failed.is_none() {
                        failed = self.resolve_grouping(x, groups, depth).err();
                    }
                });
                if let Some(f) = failed {
                    return Err(f);
                }
                // What stands inside of an aggregate of this query, told from the same column elsewhere by its place.
                let mut exempt: Vec<(usize, i16, Option<u32>)> = Vec::new();
                link.query.walk_mut(1, &mut |x, depth| {
                    if let ExprKind::Aggregate(a) = &x.kind
                        && a.levels_up == depth
                    {
                        super::query::walk_expr_mut(x, depth, &mut |v, depth| {
                            if let ExprKind::Var { rel, attno, levels_up } = v.kind
                                && levels_up == depth
                            {
                                exempt.push((rel, attno, v.pos));
                            }
                        });
                    }
                });
                let mut used: Vec<(usize, i16, crate::types::TypeRef, Option<u32>)> = Vec::new();
                link.query.walk_mut(1, &mut |x, depth| {
                    if let ExprKind::Var { rel, attno, levels_up } = x.kind
                        && levels_up == depth
                        && !exempt.contains(&(rel, attno, x.pos))
                    {
                        used.push((rel, attno, x.ty, x.pos));
                    }
                });
                for (rel, attno, ty, pos) in used {
                    let v = super::scope::var(rel, attno, ty);
                    if groups.iter().chain(dependent.iter()).any(|g| same(g, &v)) {
                        continue;
                    }
                    if let Some(key) = key_among(rels, rel, common) {
                        dependent.push(v);
                        keys.push(key);
                        continue;
                    }
                    let r = &rels[rel];
                    let name = match usize::try_from(attno) {
                        Ok(n) if n > 0 => r.columns[n - 1].name.clone(),
                        _ => super::scope::system_name(attno).to_owned(),
                    };
                    return Err(err!(
                        GROUPING_ERROR,
                        "subquery uses ungrouped column \"{}.{name}\" from outer query",
                        r.alias
                    )
                    .at(pos.and_then(|p| self.at(p))));
                }
            }
            _ => {}
        }
        let mut failed = None;
        e.for_each_child_mut(&mut |c| {
            if failed.is_none() {
                failed = self.check_grouped(c, groups, rels, common, (dependent, keys)).err();
            }
        });
        failed.map_or(Ok(()), Err)
    }
}

/// How far out the query is whose grouping expressions a GROUPING call names.
pub(super) fn level_of(fields: &[Expr]) -> usize {
    let mut level = None;
    let mut note = |e: &mut Expr, depth: usize| {
        if let ExprKind::Var { levels_up, .. } = e.kind
            && levels_up >= depth
        {
            level = Some(level.map_or(levels_up - depth, |l: usize| l.min(levels_up - depth)));
        }
    };
    fields.to_vec().iter_mut().for_each(|f| super::query::walk_expr_mut(f, 0, &mut note));
    level.unwrap_or(0)
}

/// The primary key of the relation that the grouping expressions hold.
fn key_among(rels: &[super::Rel], rel: usize, groups: &[Expr]) -> Option<Oid> {
    let Source::Table { rel: table, .. } = &rels[rel].source else { return None };
    let key = table.constraints.iter().find(|c| {
        c.kind == crate::catalog::ConstraintKind::PrimaryKey
            && !c.deferrable
            && c.columns.iter().all(|n| {
                groups
                    .iter()
                    .any(|g| matches!(g.kind, ExprKind::Var { rel: r, attno, levels_up: 0 } if r == rel && attno == *n))
            })
    });
    key.map(|c| c.oid)
}

fn union(parts: &[Vec<usize>]) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::new();
    for p in parts.iter().flatten() {
        if !out.contains(p) {
            out.push(*p);
        }
    }
    out
}
