//! What a bound statement becomes before it is planned: rules, INSTEAD OF triggers and the tables below views take the
//! place of what it names. PostgreSQL 15, rewriteHandler.c, RewriteQuery: same order.
//!
//! (Views that are read are expanded where they are bound; policies come last, in `policy`.)

mod rule;
mod view;

pub use rule::bind_rule_condition;
pub use view::obstacle;

use super::scope::{WHOLE_ROW, raise_levels};
use super::{Arbiters, Binder, Query, Rel, Source, WriteKind, walk_expr_mut};
use crate::base::{Error, Result};
use crate::catalog::{RelKind, Relation};
use crate::err;
use crate::sql::expr::{Expr, ExprKind};
use std::sync::Arc;

/// What stands for an attribute of a relation that is replaced.
type Replacement<'a> = &'a dyn Fn(i16) -> Option<ExprKind>;

/// Lets an expression over rel `r` read what `with` says instead.
pub(super) fn substitute(e: &mut Expr, r: usize, with: Replacement<'_>) -> Result<()> {
    let mut odd = false;
    walk_expr_mut(e, 0, &mut |x, depth| replace(x, depth, r, with, &mut odd));
    refuse_odd(odd)
}

/// The same for a whole query, but for the numbers of its entries.
fn substitute_in(query: &mut Query, r: usize, with: Replacement<'_>) -> Result<()> {
    // A row is no longer that of an entry.
    query.walk_mut(0, &mut |x, depth| {
        if let ExprKind::Row { fields, names } = &mut x.kind
            && names.last().is_some_and(|n| n == WHOLE_ROW)
            && matches!(fields[..], [Expr { kind: ExprKind::Var { rel, levels_up, .. }, .. }, ..] if rel == r && levels_up == depth)
        {
            names.pop();
        }
    });
    let mut odd = false;
    query.walk_mut(0, &mut |x, depth| replace(x, depth, r, with, &mut odd));
    refuse_odd(odd)
}

fn replace(x: &mut Expr, depth: usize, r: usize, with: Replacement<'_>, odd: &mut bool) {
    if let ExprKind::Var { rel, attno, levels_up } = x.kind
        && rel == r
        && levels_up == depth
    {
        match with(attno) {
            Some(kind) => {
                let mut e = Expr::new(kind, x.ty);
                raise_levels(&mut e, depth);
                x.kind = e.kind;
            }
            None => *odd = true,
        }
    }
}

fn refuse_odd(odd: bool) -> Result<()> {
    match odd {
        false => Ok(()),
        true => Err(Error::internal("a column that its relation does not have")),
    }
}

/// How messages call a statement.
fn verb_of(kind: &WriteKind) -> &'static str {
    match kind {
        WriteKind::Insert { .. } => "INSERT",
        WriteKind::Update { .. } => "UPDATE",
        WriteKind::Delete => "DELETE",
        WriteKind::Merge { .. } => "MERGE",
    }
}

impl Binder<'_, '_> {
    /// Rewrites a statement and those in its WITH.
    pub(super) fn rewrite(&mut self, query: &mut Query) -> Result<()> {
        for cte in &mut query.ctes {
            self.rewrite_write(&mut cte.query, true)?;
        }
        self.rewrite_write(query, false)
    }

    fn rewrite_write(&mut self, query: &mut Query, in_with: bool) -> Result<()> {
        for _ in 0..super::MAX_QUERY_DEPTH {
            let Some(write) = &query.write else { return Ok(()) };
            let (target, verb) = (write.target, verb_of(&write.kind));
            let Source::Table { rel, .. } = &query.rels[target].source else {
                return Err(Error::internal("the target is no table"));
            };
            let rel = rel.clone();
            if matches!(write.kind, WriteKind::Merge { .. }) {
                return Ok(());
            }
            self.apply_rules(query, &rel, in_with)?;
            if query.write.as_ref().is_none_or(|w| w.nothing) {
                return Ok(());
            }
            if rel.kind != RelKind::View {
                return self.find_arbiters(query, &rel);
            }
            if rel.has_instead_of(verb) {
                self.read_for_triggers(query, target, &rel)?;
                return self.find_arbiters(query, &rel);
            }
            self.write_through(query, target, &rel, verb)?;
        }
        Err(err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"))
    }

    /// Finds the indexes ON CONFLICT means, now that the table is known.
    fn find_arbiters(&mut self, query: &mut Query, rel: &Arc<Relation>) -> Result<()> {
        let Some(write) = &mut query.write else { return Ok(()) };
        let WriteKind::Insert { on_conflict: Some(c), .. } = &mut write.kind else { return Ok(()) };
        if let Arbiters::Inferred(exprs, predicate) = &mut c.arbiters {
            let (exprs, predicate) = (std::mem::take(exprs), predicate.take());
            c.arbiters = Arbiters::Indexes(self.infer_arbiters(rel, exprs, predicate)?);
        }
        Ok(())
    }

    /// Lets the rows a view's INSTEAD OF triggers are called for come from its query. RETURNING shows the rows that the
    /// triggers made.
    fn read_for_triggers(&mut self, query: &mut Query, target: usize, view: &Arc<Relation>) -> Result<()> {
        let Some(write) = &mut query.write else { return Ok(()) };
        if matches!(write.kind, WriteKind::Insert { .. }) {
            return Ok(());
        }
        let returning = std::mem::take(&mut write.returning);
        let read = query.rels.len();
        let entry = &query.rels[target];
        let (alias, columns) = (entry.alias.clone(), entry.columns.clone());
        let mut below = self.view_query(view)?;
        super::rights::mark(&mut below);
        let barrier = view.options.iter().any(|o| o == "security_barrier=true");
        let security = barrier.then(|| super::coerce::bool_const(true)).into_iter().collect();
        query.rels.push(Rel { security, ..Rel::new(alias, Source::Subquery(Box::new(below)), columns) });
        substitute_in(query, target, &|attno| Some(ExprKind::Var { rel: read, attno, levels_up: 0 }))?;
        query.from.iter_mut().for_each(|n| n.rename(target, read));
        if let Some(w) = &mut query.write {
            w.returning = returning;
            w.read = read;
        }
        Ok(())
    }
}
