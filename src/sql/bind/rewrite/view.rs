//! Views that rows are written through. PostgreSQL 15, rewriteHandler.c, view_query_is_auto_updatable and
//! rewriteTargetView: same rules and words.
//!
//! The relation below the view becomes the statement's target, view by view. The view's columns become expressions over
//! that relation, its conditions are added to those of UPDATE and DELETE, and WITH CHECK OPTION makes them conditions of
//! new rows. The view's own entry stays behind, outside the join tree, with the rights on the view itself. On the
//! relation below its owner must be allowed to read what the view's query reads, and to write what is written.

use super::{substitute, substitute_in};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{RelKind, Relation};
use crate::err;
use crate::sql::bind::write::refuse_computed;
use crate::sql::bind::{
    Binder, Distinct, FromNode, Query, Rel, RelColumn, Source, Supplied, Target, WriteKind, rights,
};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{RowCheck, RowCheckKind};
use std::sync::Arc;

const SINGLE: &str = "Views that do not select from a single table or view are not automatically updatable.";

/// Why a view with this query is not updatable by itself; `written`: of its columns one at least must be.
pub fn obstacle(query: &Query, written: bool) -> Option<&'static str> {
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
    let [FromNode::Rel(r)] = query.from[..] else { return Some(SINGLE) };
    let below = |t: &Target| matches!(t.expr.kind, ExprKind::Var { rel, attno: 1.., levels_up: 0 } if rel == r);
    match &query.rels[r].source {
        Source::Table { sample: Some(_), .. } => Some("Views containing TABLESAMPLE are not automatically updatable."),
        Source::Table { rel, .. } => {
            let plain = matches!(rel.kind, RelKind::Table | RelKind::Partitioned) && rel.generated_by.is_none();
            (!plain).then_some(SINGLE)
        }
        Source::Subquery(_) if query.rels[r].view.is_some() => None,
        _ => Some(SINGLE),
    }
    .or_else(|| {
        let none = "Views that have no updatable columns are not automatically updatable.";
        (written && !query.output().any(below)).then_some(none)
    })
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

/// The attribute of the relation below that a view's column is.
fn attribute_below(view: &Relation, columns: &[Expr], n: usize, base: usize, verb: &str) -> Result<usize> {
    let detail = match columns[n].kind {
        ExprKind::Var { rel, attno, levels_up: 0 } if rel == base && attno > 0 => return Ok(attno as usize - 1),
        ExprKind::Var { .. } => "View columns that refer to system columns are not updatable.",
        _ => "View columns that are not columns of their base relation are not updatable.",
    };
    let verb = if verb == "INSERT" { "insert into" } else { "update" };
    let (column, view) = (&view.attributes[n].name, &view.name);
    Err(err!(FEATURE_NOT_SUPPORTED, "cannot {verb} column \"{column}\" of view \"{view}\"").detail(detail))
}

fn zero_based(attno: i16) -> Option<usize> {
    usize::try_from(attno).ok()?.checked_sub(1)
}

/// A view and what is below it, while a statement moves from the one to the other.
struct Move<'v> {
    view: &'v Arc<Relation>,
    verb: &'static str,
    /// The view's columns, over the rel `base` of its query.
    columns: Vec<Expr>,
    base: usize,
    below: Arc<Relation>,
}

impl Move<'_> {
    fn attribute(&self, n: usize) -> Result<usize> {
        attribute_below(self.view, &self.columns, n, self.base, self.verb)
    }

    /// Attribute numbers of the view as those of the relation below.
    fn attnos(&self, list: &[i16]) -> Result<Vec<i16>> {
        list.iter().filter_map(|a| zero_based(*a)).map(|n| Ok(self.attribute(n)? as i16 + 1)).collect()
    }

    /// A column of the view, its base being rel `to`.
    fn column(&self, attno: i16, to: usize) -> Option<ExprKind> {
        let mut e = self.columns.get(zero_based(attno)?)?.clone();
        self.over(&mut e, to).ok()?;
        Some(e.kind)
    }

    /// Lets an expression of the view's query read rel `to`.
    fn over(&self, e: &mut Expr, to: usize) -> Result<()> {
        substitute(e, self.base, &|attno| Some(ExprKind::Var { rel: to, attno, levels_up: 0 }))
    }
}

impl Binder<'_, '_> {
    /// Makes what is below a view a statement's target.
    ///
    /// # Errors
    /// 55000 for a view that is not updatable by itself; 0A000 for its columns that are not.
    pub(super) fn write_through(
        &mut self,
        query: &mut Query,
        target: usize,
        view: &Arc<Relation>,
        verb: &'static str,
    ) -> Result<()> {
        if view.view.is_none() {
            return Err(not_updatable(view, verb, SINGLE));
        }
        self.may_expand(view)?;
        let mut below = self.view_query(view)?;
        rights::mark(&mut below);
        if let Some(detail) = obstacle(&below, verb != "DELETE") {
            return Err(not_updatable(view, verb, detail));
        }
        let [FromNode::Rel(base)] = below.from[..] else { return Err(Error::internal("a view of several tables")) };
        let filter = below.filter.take();
        let columns = below.output().map(|t| t.expr.clone()).collect();
        let mut entry = below.rels.swap_remove(base);
        if let Some(inner) = entry.view.take() {
            entry.source = Source::Table { rel: inner, sample: None, inherit: false };
            entry.security = Vec::new();
        }
        let Source::Table { rel, .. } = &entry.source else { return Err(Error::internal("a view of no table")) };
        let moved = Move { view, verb, columns, base, below: rel.clone() };
        let old = &mut query.rels[target];
        entry.wanted = old.wanted;
        entry.inserted = moved.attnos(&old.inserted)?;
        entry.updated = moved.attnos(&old.updated)?;
        entry.lateral = false;
        entry.security = std::mem::take(&mut old.security);
        let to = query.rels.len();
        query.rels.push(entry);
        self.move_values(query, &moved)?;
        self.move_excluded(query, &moved)?;
        substitute_in(query, target, &|attno| moved.column(attno, to))?;
        let Some(write) = &mut query.write else { return Ok(()) };
        write.target = to;
        write.read = to;
        for c in &mut write.checks {
            substitute(&mut c.expr, 0, &|attno| moved.column(attno, 0))?;
        }
        query.from.iter_mut().for_each(|n| n.rename(target, to));
        add_conditions(query, &moved, filter, to)
    }

    /// Assigns the attributes below what the view's columns are assigned.
    fn move_values(&mut self, query: &mut Query, moved: &Move<'_>) -> Result<()> {
        let Some(write) = &mut query.write else { return Ok(()) };
        match &mut write.kind {
            WriteKind::Update { set } => move_set(set, moved),
            WriteKind::Insert { supplied, on_conflict } => {
                if let Some(c) = on_conflict {
                    c.set.iter_mut().try_for_each(|set| move_set(set, moved))?;
                }
                let supplied = std::mem::take(supplied);
                let made = self.move_insert(query, moved, supplied)?;
                if let Some(WriteKind::Insert { supplied, .. }) = query.write.as_mut().map(|w| &mut w.kind) {
                    *supplied = made;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn move_insert(&mut self, query: &mut Query, moved: &Move<'_>, supplied: Supplied) -> Result<Supplied> {
        let rel = &moved.below;
        let kept = self.stored(rel)?;
        let mut values: Vec<Option<Expr>> = vec![None; rel.attributes.len()];
        let mut gaps = Vec::new();
        let given = std::mem::take(&mut query.targets).into_iter().zip(&supplied.attributes).enumerate();
        for (n, (value, _)) in given.filter(|(_, (_, given))| **given) {
            let attr = moved.attribute(n)?;
            if values[attr].is_some() {
                return Err(assigned_twice(&rel.attributes[attr].name));
            }
            let column = match value.expr.kind {
                ExprKind::Var { rel, attno, levels_up: 0 } => zero_based(attno).map(|c| (rel, c)),
                _ => None,
            };
            // All rows say DEFAULT: as if it had not been named.
            if let Some((values, c)) = column
                && let Source::Values(rows) = &query.rels[values].source
                && (0..rows.len()).all(|row| supplied.gaps.contains(&(row, c)))
            {
                continue;
            }
            // A user's value that is of no interest, or a column computed by the table itself.
            if self.user_value_ignored(rel, supplied.overriding, attr)? {
                continue;
            }
            for (row, c) in supplied.gaps.iter().filter(|(_, c)| column.is_some_and(|(_, n)| n == *c)) {
                let Some((values, c)) = column.filter(|(_, n)| n == c) else { continue };
                let default = self.own_default(rel, &kept, attr)?;
                let Source::Values(rows) = &mut query.rels[values].source else { continue };
                match default {
                    Some(e) => rows[*row][c] = e,
                    None => gaps.push((*row, c)),
                }
            }
            values[attr] = Some(value.expr);
        }
        let mut attributes = Vec::with_capacity(values.len());
        for (attr, value) in values.into_iter().enumerate() {
            let own = match value {
                Some(e) => Some(e),
                None => self.own_default(rel, &kept, attr)?,
            };
            attributes.push(own.is_some());
            let expr = match own {
                Some(e) => e,
                None => self.default_value(rel, &kept, attr)?,
            };
            query.targets.push(Target { name: rel.attributes[attr].name.clone(), expr, junk: false, origin: None });
        }
        Ok(Supplied { attributes, gaps, overriding: supplied.overriding })
    }

    /// The row ON CONFLICT calls `excluded` becomes one of the relation below, too.
    fn move_excluded(&mut self, query: &mut Query, moved: &Move<'_>) -> Result<()> {
        let to = query.rels.len();
        let excluded = match query.write.as_mut().map(|w| &mut w.kind) {
            Some(WriteKind::Insert { on_conflict: Some(c), .. }) => std::mem::replace(&mut c.excluded, to),
            _ => return Ok(()),
        };
        let rel = moved.below.clone();
        let columns = rel.attributes.iter();
        let columns = columns.map(|a| RelColumn { name: a.name.clone(), ty: a.ty, dropped: a.dropped }).collect();
        let source = Source::Table { rel, sample: None, inherit: false };
        query.rels.push(Rel::new("excluded".to_owned(), source, columns));
        substitute_in(query, excluded, &|attno| moved.column(attno, to))
    }
}

fn move_set(set: &mut [(usize, Expr)], moved: &Move<'_>) -> Result<()> {
    for n in 0..set.len() {
        let attr = moved.attribute(set[n].0)?;
        if set[..n].iter().any(|(a, _)| *a == attr) {
            return Err(assigned_twice(&moved.below.attributes[attr].name));
        }
        refuse_computed(&moved.below.attributes[attr])?;
        set[n].0 = attr;
    }
    Ok(())
}

fn assigned_twice(column: &str) -> Error {
    err!(SYNTAX_ERROR, "multiple assignments to same column \"{column}\"")
}

/// Adds a view's condition to those of rows that change, and to those of new rows as far as its check option goes.
fn add_conditions(query: &mut Query, moved: &Move<'_>, filter: Option<Expr>, to: usize) -> Result<()> {
    let Some(write) = &mut query.write else { return Ok(()) };
    let option = moved.view.view.as_ref().and_then(|v| v.check_option.as_deref());
    let checked = option.is_some() || write.cascaded;
    write.cascaded |= option == Some("CASCADED");
    let Some(filter) = filter else { return Ok(()) };
    if checked && !matches!(write.kind, WriteKind::Delete) {
        let mut expr = filter.clone();
        moved.over(&mut expr, 0)?;
        let (kind, of) = (RowCheckKind::View, moved.view.name.clone());
        write.checks.insert(0, RowCheck { kind, policy: None, of, expr });
    }
    if matches!(write.kind, WriteKind::Insert { .. }) {
        return Ok(());
    }
    let mut e = filter;
    moved.over(&mut e, to)?;
    match moved.view.options.iter().any(|o| o == "security_barrier=true") {
        true => query.rels[to].security.insert(0, e),
        false => query.filter = Some(both(e, query.filter.take())),
    }
    Ok(())
}

pub(super) fn not_updatable(view: &Relation, verb: &str, detail: &str) -> Error {
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
