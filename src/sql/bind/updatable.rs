//! Views that rows are written through. PostgreSQL 15, rewriteHandler.c, view_query_is_auto_updatable and
//! rewriteTargetView: same rules and words.
//!
//! The statement is bound with the table below the view as its target. The view's columns are names for expressions
//! over that table, its conditions are added to those of UPDATE and DELETE, and WITH CHECK OPTION makes them conditions
//! of new rows. Entries outside the join tree carry the rights on the views themselves.

use super::query::walk_expr_mut;
use super::scope::{NsColumn, NsItem};
use super::{Binder, Distinct, FromNode, Query, Rel, RelColumn, Source};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{RelKind, Relation};
use crate::err;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{RowCheck, RowCheckKind, access};
use std::sync::Arc;

/// A view written through, down to its table. Expressions are over the table as rel 0.
pub(in crate::sql) struct Through {
    verb: &'static str,
    view: Arc<Relation>,
    base: Arc<Relation>,
    /// On whose behalf the table is written.
    check_as: Oid,
    /// The table's children's rows, too.
    inherit: bool,
    /// Views further down, with those who must have the rights on them.
    inner: Vec<(Arc<Relation>, Oid)>,
    columns: Vec<Expr>,
    /// Conditions, inner views' first; whether they are a barrier.
    filters: Vec<(Expr, bool)>,
    /// What WITH CHECK OPTION demands of new rows, by view.
    pub checks: Vec<RowCheck>,
}

/// Why a view with this query is not updatable by itself.
pub fn obstacle(query: &Query) -> Option<&'static str> {
    let single = "Views that do not select from a single table or view are not automatically updatable.";
    if !matches!(query.distinct, Distinct::No) {
        return Some("Views containing DISTINCT are not automatically updatable.");
    }
    if !query.group_by.is_empty() || query.grouping_sets.is_some() {
        return Some("Views containing GROUP BY are not automatically updatable.");
    }
    if query.having.is_some() {
        return Some("Views containing HAVING are not automatically updatable.");
    }
    if query.set_op.is_some() {
        return Some("Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.");
    }
    if !query.ctes.is_empty() {
        return Some("Views containing WITH are not automatically updatable.");
    }
    if query.limit.is_some() || query.offset.is_some() {
        return Some("Views containing LIMIT or OFFSET are not automatically updatable.");
    }
    if query.has_aggregates {
        return Some("Views that return aggregate functions are not automatically updatable.");
    }
    if query.has_windows {
        return Some("Views that return window functions are not automatically updatable.");
    }
    if query.has_set_returning {
        return Some("Views that return set-returning functions are not automatically updatable.");
    }
    let [FromNode::Rel(r)] = query.from[..] else { return Some(single) };
    match &query.rels[r].source {
        Source::Table { sample: Some(_), .. } => Some("Views containing TABLESAMPLE are not automatically updatable."),
        Source::Table { rel, .. } => {
            let plain = matches!(rel.kind, RelKind::Table | RelKind::Partitioned) && rel.generated_by.is_none();
            (!plain).then_some(single)
        }
        Source::Subquery(_) if inner_view(query, r).is_some() => None,
        _ => Some(single),
    }
}

/// The view whose rows a sub-select in FROM stands for: its own entry comes just before.
fn inner_view(query: &Query, r: usize) -> Option<Arc<Relation>> {
    let before = query.rels.get(r.checked_sub(1)?)?;
    match &before.source {
        Source::Table { rel, .. } if rel.kind == RelKind::View && before.alias == query.rels[r].alias => {
            Some(rel.clone())
        }
        _ => None,
    }
}

/// Lets an expression over rel `r` read what `with` says instead.
pub(super) fn substitute(e: &mut Expr, r: usize, with: &dyn Fn(i16, usize) -> Option<ExprKind>) -> Result<()> {
    let mut odd = false;
    walk_expr_mut(e, 0, &mut |x, depth| {
        if let ExprKind::Var { rel, attno, levels_up } = x.kind
            && rel == r
            && levels_up == depth
        {
            match with(attno, depth) {
                Some(kind) => x.kind = kind,
                None => odd = true,
            }
        }
    });
    match odd {
        false => Ok(()),
        true => {
            Err(Error::unsupported("this use of a view's columns is not supported where rows are written through it"))
        }
    }
}

/// `a AND b`.
fn both(a: Expr, b: Option<Expr>) -> Expr {
    match b {
        None => a,
        Some(b) => {
            let ty = a.ty;
            Expr::new(ExprKind::And(vec![a, b]), ty)
        }
    }
}

impl Binder<'_, '_> {
    /// Finds out what writing to a view means.
    ///
    /// # Errors
    /// 55000 for a view that is not updatable by itself.
    pub(super) fn write_through(&mut self, view: &Arc<Relation>, verb: &'static str) -> Result<Through> {
        let query = self.view_query(view)?;
        self.through(view, &query, verb, false)
    }

    fn through(&self, view: &Arc<Relation>, query: &Query, verb: &'static str, cascaded: bool) -> Result<Through> {
        if let Some(detail) = obstacle(query) {
            return Err(not_updatable(view, verb, detail));
        }
        let [FromNode::Rel(r)] = query.from[..] else { return Err(Error::internal("a view of several tables")) };
        let option = view.view.as_ref().and_then(|v| v.check_option.as_deref());
        let cascaded = cascaded || option == Some("CASCADED");
        let mut columns: Vec<Expr> = query.output().map(|t| t.expr.clone()).collect();
        let mut own = query.filter.clone();
        let mut through = match &query.rels[r].source {
            Source::Table { rel, inherit, .. } => {
                let base = |attno: i16, depth: usize| Some(ExprKind::Var { rel: 0, attno, levels_up: depth });
                for e in columns.iter_mut().chain(&mut own) {
                    substitute(e, r, &base)?;
                }
                Through {
                    verb,
                    view: view.clone(),
                    base: rel.clone(),
                    check_as: view.owner,
                    inherit: *inherit,
                    inner: Vec::new(),
                    columns: Vec::new(),
                    filters: Vec::new(),
                    checks: Vec::new(),
                }
            }
            Source::Subquery(q) => {
                let Some(inner) = inner_view(query, r) else { return Err(Error::internal("a view of no view")) };
                if super::rule::has_instead(&inner, verb) || inner.has_instead_of(verb) {
                    let text = "writing through a view to a view with rules or INSTEAD OF triggers is not supported";
                    return Err(Error::unsupported(text));
                }
                let mut below = self.through(&inner, q, verb, cascaded)?;
                let of_view = |attno: i16, depth: usize| {
                    let e = below.columns.get(usize::try_from(attno).ok()?.checked_sub(1)?)?;
                    match e.kind {
                        ExprKind::Var { rel, attno, levels_up: 0 } => {
                            Some(ExprKind::Var { rel, attno, levels_up: depth })
                        }
                        _ if depth == 0 => Some(e.kind.clone()),
                        _ => None,
                    }
                };
                for e in columns.iter_mut().chain(&mut own) {
                    substitute(e, r, &of_view)?;
                }
                below.inner.push((inner, view.owner));
                below.view = view.clone();
                below
            }
            _ => return Err(Error::internal("a view of no table")),
        };
        through.columns = columns;
        if let Some(own) = own {
            if option.is_some() || cascaded {
                let (kind, of) = (RowCheckKind::View, view.name.clone());
                through.checks.push(RowCheck { kind, policy: None, of, expr: own.clone() });
            }
            let barrier = view.options.iter().any(|o| o == "security_barrier=true");
            through.filters.push((own, barrier));
        }
        Ok(through)
    }

    /// Makes the table below the view this scope's target.
    pub(super) fn through_target(
        &mut self,
        through: &Through,
        t: &ast::RangeVar,
        wanted: u8,
    ) -> Result<(usize, NsItem)> {
        let alias = t.alias.as_ref().map_or(through.view.name.as_str(), |a| a.name.as_str()).to_owned();
        let target = self.add_table_rel(through.base.clone(), alias.clone(), &[])?;
        let check_as = self.check_as;
        let entry = &mut self.scope().rels[target];
        entry.wanted = wanted;
        entry.check_as = Some(through.check_as);
        if let Source::Table { inherit, .. } = &mut entry.source {
            *inherit = through.inherit;
        }
        self.rights_on_view(&through.view, check_as, wanted);
        for (view, role) in &through.inner {
            self.rights_on_view(view, Some(*role), wanted);
        }
        let mut columns = Vec::new();
        for (a, e) in through.view.attributes.iter().zip(&through.columns) {
            let mut expr = e.clone();
            substitute(&mut expr, 0, &|attno, depth| Some(ExprKind::Var { rel: target, attno, levels_up: depth }))?;
            columns.push(NsColumn {
                name: a.name.clone(),
                expr,
                origin: Some((through.view.oid, a.attno)),
                hidden: false,
            });
        }
        let item = NsItem {
            name: Some(alias),
            schema: t.alias.is_none().then(|| through.view.schema.clone()),
            columns,
            rel: None,
            rel_visible: true,
            columns_visible: true,
            system_visible: true,
            lateral_only: false,
            lateral_ok: true,
        };
        Ok((target, item))
    }

    fn rights_on_view(&mut self, view: &Arc<Relation>, check_as: Option<Oid>, wanted: u8) {
        let columns = view.attributes.iter().map(|a| RelColumn { name: a.name.clone(), ty: a.ty, dropped: false });
        self.add_rel(Rel {
            alias: view.name.clone(),
            source: Source::Table { rel: view.clone(), sample: None, inherit: false },
            columns: columns.collect(),
            lateral: false,
            wanted,
            check_as,
            security: Vec::new(),
            aliased: false,
            renamed: false,
        });
    }

    /// Who reads what is written needs the right to read the views.
    pub(super) fn through_read(&mut self, target: usize) {
        let read = self.scope().rels[target].wanted & access::SELECT;
        for entry in &mut self.scope().rels {
            if matches!(&entry.source, Source::Table { rel, inherit: false, .. } if rel.kind == RelKind::View) {
                entry.wanted |= read;
            }
        }
    }

    /// Adds the views' conditions to a query that changes rows there are.
    pub(super) fn through_filter(&mut self, through: &Through, target: usize, query: &mut Query) -> Result<()> {
        for (filter, barrier) in through.filters.iter().rev() {
            let mut e = filter.clone();
            substitute(&mut e, 0, &|attno, depth| Some(ExprKind::Var { rel: target, attno, levels_up: depth }))?;
            match barrier {
                true => self.scope().rels[target].security.insert(0, e),
                false => query.filter = Some(both(e, query.filter.take())),
            }
            self.scope().rels[target].wanted |= access::SELECT;
        }
        Ok(())
    }

    /// The 0-based attribute of the table that a column of the view is.
    pub(super) fn through_column(&self, through: &Through, name: &str, pos: Pos) -> Result<usize> {
        let view = &through.view.name;
        let Some(n) = through.view.attributes.iter().position(|a| a.name == name) else {
            return Err(
                err!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{view}\" does not exist").at(self.at(pos))
            );
        };
        let detail = match through.columns[n].kind {
            ExprKind::Var { rel: 0, attno, levels_up: 0 } if attno > 0 => return Ok(attno as usize - 1),
            ExprKind::Var { .. } => "View columns that refer to system columns are not updatable.",
            _ => "View columns that are not columns of their base relation are not updatable.",
        };
        let verb = if through.verb == "INSERT" { "insert into" } else { "update" };
        Err(err!(FEATURE_NOT_SUPPORTED, "cannot {verb} column \"{name}\" of view \"{view}\"").detail(detail))
    }

    /// The default a view's own column has for an attribute of the table.
    pub(super) fn view_default(&self, attr: usize) -> Result<Option<Expr>> {
        let Some(through) = self.scopes.last().and_then(|s| s.through.as_ref()) else { return Ok(None) };
        let is = |e: &Expr| matches!(e.kind, ExprKind::Var { rel: 0, attno, levels_up: 0 } if usize::try_from(attno) == Ok(attr + 1));
        let Some(n) = through.columns.iter().position(is) else { return Ok(None) };
        let kept = super::stored(&through.view, self.cx.names, self.cx.io)?;
        Ok(kept.defaults.get(n).cloned().flatten())
    }

    /// The attributes an INSERT without a column list fills, in order.
    pub(super) fn through_columns(&self, through: &Through, count: Option<usize>) -> Result<Vec<(usize, Pos)>> {
        let mut out = Vec::new();
        for a in &through.view.attributes {
            match self.through_column(through, &a.name, ast::NOWHERE) {
                Ok(n) => out.push((n, ast::NOWHERE)),
                Err(_) if count.is_some_and(|c| c <= out.len()) => break,
                Err(e) => return Err(e),
            }
        }
        Ok(out)
    }
}

impl Through {
    pub fn base(&self) -> Arc<Relation> {
        self.base.clone()
    }
}

fn not_updatable(view: &Relation, verb: &str, detail: &str) -> Error {
    let (gerund, object) = match verb {
        "INSERT" => ("inserting into", "insert into"),
        "UPDATE" => ("updating", "update"),
        _ => ("deleting from", "delete from"),
    };
    let text = format!("cannot {object} view \"{}\"", view.name);
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text).detail(detail).hint(format!(
        "To enable {gerund} the view, provide an INSTEAD OF {verb} trigger or an unconditional ON {verb} DO INSTEAD rule."
    ))
}
