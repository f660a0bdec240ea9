//! What a bound statement becomes before it is planned: rules, INSTEAD OF triggers and the tables below views take the
//! place of what it names. PostgreSQL 15, rewriteHandler.c, RewriteQuery: same order.
//!
//! (Views that are read are expanded where they are bound; policies come last, in `policy`.)

mod rule;
mod view;

pub use rule::{bind_rule_action, bind_rule_condition, reads_of_condition, reads_of_rule, rule_level};
pub use view::obstacle;

use super::scope::{WHOLE_ROW, raise_levels};
use super::{Arbiters, Binder, Query, Rel, Source, Supplied, Write, WriteKind, walk_expr_mut};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{RelKind, Relation};
use crate::sql::expr::{Expr, ExprKind};
use rule::{Fired, event_of};
use std::sync::Arc;

/// Where a query comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    /// It is what was written.
    Statement,
    /// DO ALSO, DO INSTEAD, and DO INSTEAD under a condition.
    Also,
    Instead,
    Conditional,
}

/// A query that a statement became.
struct Product {
    query: Query,
    origin: Origin,
    /// It is a NOTIFY.
    utility: bool,
}

impl Product {
    fn of(query: Query, origin: Origin) -> Product {
        Product { query, origin, utility: false }
    }
}

/// The query whose count and rows are the statement's (PostgreSQL 15, QueryRewrite, step 3).
fn main_of(made: &[Product], event: Option<char>) -> Option<usize> {
    let same = |p: &Product| p.query.write.as_ref().map(|w| event_of(&w.kind)) == event;
    let instead = |p: &Product| matches!(p.origin, Origin::Instead | Origin::Conditional) && same(p);
    made.iter().position(|p| p.origin == Origin::Statement).or_else(|| made.iter().rposition(instead))
}

/// A statement of a kind that does nothing.
fn nothing(kind: &WriteKind) -> Write {
    let kind = match kind {
        WriteKind::Insert { .. } => WriteKind::Insert { supplied: Supplied::default(), on_conflict: None },
        WriteKind::Update { .. } => WriteKind::Update { set: Vec::new() },
        WriteKind::Merge { .. } => WriteKind::Merge { whens: Vec::new() },
        WriteKind::Delete => WriteKind::Delete,
    };
    Write { nothing: true, ..Write::new(0, kind, Vec::new()) }
}

/// What a statement in WITH became, if that is one query.
fn alone(mut made: Vec<Product>) -> Result<Query> {
    let what = match &made[..] {
        [] => "DO INSTEAD NOTHING",
        [one] if one.utility => "DO INSTEAD NOTIFY",
        [_] => return Ok(made.remove(0).query),
        many if many.iter().any(|p| p.origin == Origin::Conditional) => "conditional DO INSTEAD",
        many if many.iter().any(|p| p.origin == Origin::Also) => "DO ALSO",
        _ => "multi-statement DO INSTEAD",
    };
    let text = format!("{what} rules are not supported for data-modifying statements in WITH");
    Err(Error::unsupported(text))
}

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
    /// Rewrites a statement and those in its WITH. Where it becomes several, they are its steps.
    ///
    /// # Errors
    /// 42P17 for rules without end; 0A000 for what cannot be rewritten.
    pub(super) fn rewrite(&mut self, query: &mut Query) -> Result<()> {
        if query.write.is_none() && query.ctes.iter().all(|c| c.query.write.is_none()) {
            return Ok(());
        }
        let original = std::mem::take(query);
        let event = original.write.as_ref().map(|w| event_of(&w.kind));
        let with = !original.ctes.is_empty();
        let none = original.write.as_ref().map(|w| nothing(&w.kind));
        let made = self.rewrite_query(original, &mut Vec::new(), false)?;
        if with && made.iter().filter(|p| !p.utility).count() > 1 {
            let text = "WITH cannot be used in a query that is rewritten by rules into multiple queries";
            return Err(Error::unsupported(text));
        }
        let main = main_of(&made, event);
        let mut steps: Vec<Query> = made.into_iter().map(|p| p.query).collect();
        if let (1, Some(0)) = (steps.len(), main) {
            *query = steps.remove(0);
            return Ok(());
        }
        let write = none.map(|w| match main.and_then(|n| steps[n].write.as_ref()) {
            Some(of_main) => Write { returning: of_main.returning.clone(), ..w },
            None => w,
        });
        *query = Query { write: write.map(Box::new), steps, main, ..Query::default() };
        Ok(())
    }

    /// A statement and what rules make of it, in the order in which they run. `with_done`: what is in its WITH has been
    /// rewritten, as part of the statement this one was made of (PostgreSQL 15, RewriteQuery, num_ctes_processed).
    fn rewrite_query(
        &mut self,
        mut query: Query,
        events: &mut Vec<(Oid, char)>,
        with_done: bool,
    ) -> Result<Vec<Product>> {
        for n in 0..query.ctes.len() {
            if !with_done && query.ctes[n].query.write.is_some() {
                let inner = std::mem::take(&mut *query.ctes[n].query);
                *query.ctes[n].query = alone(self.rewrite_query(inner, events, false)?)?;
            }
        }
        let with_done = with_done || !query.ctes.is_empty();
        let Some(write) = query.write.as_ref().filter(|w| !matches!(w.kind, WriteKind::Merge { .. })) else {
            return Ok(vec![Product::of(query, Origin::Statement)]);
        };
        let (target, verb, event) = (write.target, verb_of(&write.kind), event_of(&write.kind));
        let shows = !write.returning.is_empty();
        let conflicts = matches!(&write.kind, WriteKind::Insert { on_conflict: Some(_), .. });
        let Source::Table { rel, .. } = &query.rels[target].source else {
            return Err(Error::internal("the target is no table"));
        };
        let rel = rel.clone();
        let Fired { mut products, mut instead, conditional, mut returning } = self.fire_rules(&mut query, &rel)?;
        let through = !instead && rel.kind == RelKind::View && !rel.has_instead_of(verb);
        let updates = rule::matching(&rel, rule::UPDATE).next().is_some();
        if conflicts && !through && (!products.is_empty() || updates) {
            let text = "INSERT with ON CONFLICT clause cannot be used with table that has INSERT or UPDATE rules";
            return Err(Error::unsupported(text));
        }
        let mut original = Some(query);
        if through && let Some(mut query) = original.take() {
            if conditional {
                let why = "Views with conditional DO INSTEAD rules are not automatically updatable.";
                return Err(view::not_updatable(&rel, verb, why));
            }
            self.write_through(&mut query, target, &rel, verb)?;
            let at = if event == rule::INSERT { 0 } else { products.len() };
            products.insert(at, Product::of(query, Origin::Statement));
            (instead, returning) = (true, true);
        }
        let mut made = Vec::new();
        if !products.is_empty() {
            if events.contains(&(rel.oid, event)) {
                let text = format!("infinite recursion detected in rules for relation \"{}\"", rel.name);
                return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
            }
            events.push((rel.oid, event));
            for p in products {
                let Product { query, origin, utility } = p;
                let of = |made: Product| match made.origin {
                    Origin::Statement => Product { origin, utility, ..made },
                    _ => made,
                };
                made.extend(self.rewrite_query(query, events, with_done)?.into_iter().map(of));
            }
            events.pop();
        }
        if (instead || conditional) && shows && !returning {
            let text = format!("cannot perform {verb} RETURNING on relation \"{}\"", rel.name);
            return Err(Error::unsupported(text)
                .hint(format!("You need an unconditional ON {verb} DO INSTEAD rule with a RETURNING clause.")));
        }
        let Some(mut query) = original.filter(|_| !instead) else { return Ok(made) };
        if rel.kind == RelKind::View {
            self.read_for_triggers(&mut query, target, &rel)?;
        }
        self.find_arbiters(&mut query, &rel)?;
        let at = if event == rule::INSERT { 0 } else { made.len() };
        made.insert(at, Product::of(query, Origin::Statement));
        Ok(made)
    }

    /// Finds the indexes ON CONFLICT means, now that the table is known.
    fn find_arbiters(&mut self, query: &mut Query, rel: &Arc<Relation>) -> Result<()> {
        let Some(write) = &mut query.write else { return Ok(()) };
        let WriteKind::Insert { on_conflict: Some(c), .. } = &mut write.kind else { return Ok(()) };
        if let Arbiters::Inferred(elems, predicate) = &mut c.arbiters {
            let (elems, predicate) = (std::mem::take(elems), predicate.take());
            c.arbiters = Arbiters::Indexes(self.infer_arbiters(rel, elems, predicate)?);
        }
        Ok(())
    }

    /// Lets the rows a view's INSTEAD OF triggers are called for come from its query. RETURNING shows the rows that the
    /// triggers made.
    fn read_for_triggers(&mut self, query: &mut Query, target: usize, view: &Arc<Relation>) -> Result<()> {
        self.may_expand(view)?;
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
