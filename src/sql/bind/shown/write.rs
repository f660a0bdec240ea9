//! INSERT, UPDATE and DELETE: PostgreSQL 15, ruleutils.c, get_insert_query_def and its like.

use super::expr::columns_of;
use super::parens::cast_arg;
use super::{STANDARD, Writer};
use crate::sql::ast::Overriding;
use crate::sql::bind::query::{ArbiterElem, Arbiters, OnConflict};
use crate::sql::bind::{FromNode, MergeAction, MergeWhen, Query, Source, SubLink, Write, WriteKind};
use crate::sql::expr::{Expr, ExprKind};
use crate::types;
use crate::types::name::quote_identifier;
use std::collections::{BTreeMap, VecDeque};

/// A value with parts that were assigned, as it was before its domain checked it.
fn unchecked(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::ToDomain(arg) if matches!(arg.kind, ExprKind::FieldSet { .. } | ExprKind::SubscriptSet { .. }) => arg,
        _ => e,
    }
}

/// The assignments to parts of a column that made a value of it, the first one first.
fn assigned<'q>(e: &'q Expr, f: &mut dyn FnMut(&'q Expr)) {
    let e = unchecked(e);
    if let ExprKind::FieldSet { arg: before, .. } | ExprKind::SubscriptSet { array: before, .. } = &e.kind
        && matches!(before.kind, ExprKind::FieldSet { .. } | ExprKind::SubscriptSet { .. })
    {
        assigned(before, f);
    }
    f(e);
}

/// A column is named once for each of its parts that gets a value, in the order of these: the columns, each with what gives
/// it the value.
fn by_parts<'q>(places: &[usize], values: &BTreeMap<usize, &'q Expr>) -> Option<Vec<(usize, &'q Expr)>> {
    let mut of_columns: BTreeMap<usize, VecDeque<&'q Expr>> = BTreeMap::new();
    for (n, value) in values {
        let parts = of_columns.entry(*n).or_default();
        assigned(value, &mut |part| parts.push_back(part));
    }
    places.iter().map(|n| Some((*n, of_columns.get_mut(n)?.pop_front()?))).collect()
}

/// What is assigned to a part of a column.
fn given_value(e: &Expr) -> &Expr {
    match &unchecked(e).kind {
        ExprKind::FieldSet { value, .. } | ExprKind::SubscriptSet { value, .. } => given_value(value),
        _ => e,
    }
}

/// The sub-select that these columns get their values from, and how many of them do: `(a, b) = (SELECT …)`.
fn taken_together(set: &[(usize, Expr)]) -> Option<(&SubLink, usize)> {
    let ExprKind::SubLink(link) = &field_given(&set.first()?.1, 0)?.kind else { return None };
    let count = columns_of(link)?.output().count();
    let all = set.get(..count)?.iter().enumerate().all(|(n, (_, e))| field_given(e, n).is_some());
    all.then_some((&**link, count))
}

/// The row whose field of this number is assigned.
fn field_given(e: &Expr, wanted: usize) -> Option<&Expr> {
    let mut e = given_value(e);
    while let Some(inside) = cast_arg(e) {
        e = inside;
    }
    match &e.kind {
        ExprKind::Field { arg, index } if *index == wanted => Some(arg),
        _ => None,
    }
}

impl<'q> Writer<'_, 'q> {
    /// A statement that changes rows; None where there is no text for a part of it. `visible`: somebody may see what the
    /// columns of RETURNING are called.
    pub(super) fn write(&mut self, q: &'q Query, w: &'q Write, visible: bool) -> Option<()> {
        self.with(q)?;
        self.indent += STANDARD;
        self.lead();
        match &w.kind {
            WriteKind::Insert { supplied, on_conflict } => {
                self.insert(q, w, supplied.overriding)?;
                if let Some(c) = on_conflict {
                    self.on_conflict(q, w, c)?;
                }
            }
            WriteKind::Update { set } => {
                self.put("UPDATE ");
                self.target(q, w)?;
                self.put(" SET ");
                self.assignments(q, w, set)?;
                self.others(q, w, " FROM ")?;
            }
            WriteKind::Delete => {
                self.put("DELETE FROM ");
                self.target(q, w)?;
                self.others(q, w, " USING ")?;
            }
            WriteKind::Merge { whens } => {
                self.put("MERGE INTO ");
                self.target(q, w)?;
                let [FromNode::Join(join)] = &q.from[..] else { return None };
                self.from_nodes(q, &[&join.left], " USING ")?;
                self.clause(" ON ", 2);
                self.expr(join.on.as_ref()?)?;
                for when in whens {
                    self.when(q, w, when)?;
                }
            }
        }
        if let (Some(f), false) = (&q.filter, matches!(w.kind, WriteKind::Insert { .. })) {
            self.clause(" WHERE ", 1);
            self.expr(f)?;
        }
        if !w.returning.is_empty() {
            self.clause(" RETURNING", 1);
            self.target_list(&w.returning, None, visible)?;
        }
        Some(())
    }

    /// A branch of MERGE.
    fn when(&mut self, q: &'q Query, w: &'q Write, when: &'q MergeWhen) -> Option<()> {
        self.clause(" WHEN ", 2);
        self.put(if when.matched { "MATCHED" } else { "NOT MATCHED" });
        if let Some(condition) = &when.condition {
            self.clause(" AND ", 3);
            self.expr(condition)?;
        }
        self.clause(" THEN ", 3);
        match &when.action {
            MergeAction::Nothing => self.put("DO NOTHING"),
            MergeAction::Delete => self.put("DELETE"),
            MergeAction::Update(set) => {
                self.put("UPDATE SET ");
                self.assignments(q, w, set)?;
            }
            MergeAction::Insert { values, named, overriding } => {
                self.put("INSERT");
                if named.is_empty() {
                    self.put(" DEFAULT VALUES");
                    return Some(());
                }
                let filled = by_parts(named, &named.iter().filter_map(|n| Some((*n, values.get(*n)?))).collect())?;
                let mut given: Vec<&'q Expr> = Vec::new();
                self.put(" (");
                self.list(filled, |writer, (n, value)| {
                    let relation = q.rels[w.target].relation()?;
                    writer.put(&quote_identifier(&relation.attributes.get(n)?.name));
                    given.push(writer.parts(value)?);
                    Some(())
                })?;
                self.put(")");
                self.put(match overriding {
                    Overriding::No => "",
                    Overriding::SystemValue => " OVERRIDING SYSTEM VALUE",
                    Overriding::UserValue => " OVERRIDING USER VALUE",
                });
                self.clause(" VALUES (", 4);
                self.list(given, |w, e| w.bare_apart(e))?;
                self.put(")");
            }
        }
        Some(())
    }

    fn target(&mut self, q: &'q Query, w: &Write) -> Option<()> {
        let entry = q.rels.get(w.target)?;
        let Source::Table { rel, inherit, .. } = &entry.source else { return None };
        if !inherit && rel.view.is_none() && !matches!(w.kind, WriteKind::Insert { .. }) {
            self.put("ONLY ");
        }
        self.put(&(self.shown.relation_name)(rel.oid));
        let name = self.levels.last()?.names.get(w.target)?.clone();
        if name != rel.name {
            self.put(&format!(" AS {}", quote_identifier(&name)));
        }
        Some(())
    }

    fn assignments(&mut self, q: &'q Query, w: &Write, set: &'q [(usize, Expr)]) -> Option<()> {
        let relation = q.rels[w.target].relation()?;
        let name = |attr: usize| Some(quote_identifier(&relation.attributes.get(attr)?.name));
        let mut rest = set;
        while let Some((attr, e)) = rest.first() {
            if rest.len() < set.len() {
                self.put(", ");
            }
            let taken = match taken_together(rest) {
                Some((link, count)) => {
                    self.put("(");
                    self.list(&rest[..count], |w, (attr, e)| {
                        w.put(&name(*attr)?);
                        w.parts(e).map(|_| ())
                    })?;
                    self.put(") = ");
                    self.columns_query(link)?;
                    count
                }
                None => {
                    self.assignment(&name(*attr)?, e)?;
                    1
                }
            };
            rest = &rest[taken..];
        }
        Some(())
    }

    /// `column = value`; each part of a column that has got a value is one of its own.
    fn assignment(&mut self, column: &str, e: &'q Expr) -> Option<()> {
        let mut parts = Vec::new();
        assigned(e, &mut |part| parts.push(part));
        self.list(parts, |w, part| {
            w.put(column);
            let value = w.parts(part)?;
            w.put(" = ");
            w.bare(value)
        })
    }

    /// The way to the part of a column that gets a value; returns the value (ruleutils.c, processIndirection).
    fn parts(&mut self, mut e: &'q Expr) -> Option<&'q Expr> {
        loop {
            e = unchecked(e);
            match &e.kind {
                ExprKind::FieldSet { arg, index, value } => {
                    let fields = self.shown.io.hooks.composite(types::base_type(arg.ty.oid))?;
                    self.put(&format!(".{}", quote_identifier(&fields.get(*index)?.name)));
                    e = value;
                }
                ExprKind::SubscriptSet { lower, upper, slice, value, .. } => {
                    self.subscripts(lower, upper, *slice)?;
                    e = value;
                }
                _ => return Some(e),
            }
        }
    }

    fn on_conflict(&mut self, q: &'q Query, w: &'q Write, c: &'q OnConflict) -> Option<()> {
        self.put(" ON CONFLICT");
        match &c.arbiters {
            Arbiters::Any => {}
            Arbiters::Constraint { index, .. } => {
                let Source::Table { rel, .. } = &q.rels[w.target].source else { return None };
                let named = rel.constraints.iter().find(|k| k.index == *index)?;
                self.put(&format!(" ON CONSTRAINT {}", quote_identifier(&named.name)));
            }
            Arbiters::Inferred(elements, filter) => {
                // They are of the target alone, and its name would be an error.
                let names = &mut self.levels.last_mut()?.names;
                let name = std::mem::take(names.get_mut(w.target)?);
                let shown = self.inferred(elements, filter.as_ref());
                *self.levels.last_mut()?.names.get_mut(w.target)? = name;
                shown?;
            }
            Arbiters::Indexes(_) => return None,
        }
        let Some(set) = &c.set else {
            self.put(" DO NOTHING");
            return Some(());
        };
        self.put(" DO UPDATE SET ");
        self.assignments(q, w, set)?;
        if let Some(f) = &c.filter {
            self.clause(" WHERE ", 1);
            self.expr(f)?;
        }
        Some(())
    }

    fn inferred(&mut self, elements: &'q [ArbiterElem], filter: Option<&'q Expr>) -> Option<()> {
        self.in_parens(|w| {
            w.list(elements, |w, element| {
                match &element.expr.kind {
                    ExprKind::Var { .. } | ExprKind::Func { oper: None, .. } => w.expr(&element.expr)?,
                    _ => w.in_parens(|w| w.expr(&element.expr))?,
                }
                if element.collation.is_valid() {
                    let name = w.shown.io.hooks.reg_out(types::oid::REGCOLLATION, element.collation)?;
                    w.put(&format!(" COLLATE {name}"));
                }
                if let Some(class) = &element.class_name {
                    w.put(&format!(" {}", quote_identifier(class)));
                }
                Some(())
            })
        })?;
        if let Some(f) = filter {
            self.clause(" WHERE ", 1);
            self.expr(f)?;
        }
        Some(())
    }

    fn others(&mut self, q: &'q Query, w: &Write, word: &str) -> Option<()> {
        let others: Vec<&'q FromNode> =
            q.from.iter().filter(|n| !matches!(n, FromNode::Rel(r) if *r == w.target)).collect();
        self.from_nodes(q, &others, word)
    }

    fn insert(&mut self, q: &'q Query, w: &'q Write, overriding: Overriding) -> Option<()> {
        self.put("INSERT INTO ");
        self.target(q, w)?;
        let entry = &q.rels[w.target];
        let places: Vec<usize> = entry.inserted.iter().map(|a| *a as usize - 1).collect();
        if places.is_empty() {
            self.put(" DEFAULT VALUES");
            return Some(());
        }
        self.put(" (");
        let rows = match q.from[..] {
            [FromNode::Rel(n)] => match &q.rels[n].source {
                Source::Values(rows) => Some(rows),
                _ => None,
            },
            _ => None,
        };
        let of_row = |row: &'q [Expr]| -> Option<Vec<(usize, &'q Expr)>> {
            let mut columns: Vec<usize> = Vec::new();
            places.iter().for_each(|n| columns.extend(Some(*n).filter(|n| !columns.contains(n))));
            by_parts(&places, &columns.into_iter().zip(row).collect())
        };
        let filled = match rows {
            Some(rows) => of_row(rows.first()?)?,
            None => by_parts(&places, &places.iter().filter_map(|n| Some((*n, &q.targets.get(*n)?.expr))).collect())?,
        };
        let mut given: Vec<&'q Expr> = Vec::new();
        self.list(filled, |w, (n, value)| {
            w.put(&quote_identifier(&entry.relation()?.attributes.get(n)?.name));
            given.push(w.parts(value)?);
            Some(())
        })?;
        self.put(") ");
        self.put(match overriding {
            Overriding::No => "",
            Overriding::SystemValue => "OVERRIDING SYSTEM VALUE ",
            Overriding::UserValue => "OVERRIDING USER VALUE ",
        });
        match q.from[..] {
            [] => {
                self.keyword("VALUES (", -STANDARD, STANDARD, 2);
                for (n, e) in given.into_iter().enumerate() {
                    self.put(if n > 0 { ", " } else { "" });
                    self.bare_apart(e)?;
                }
                self.put(")");
                Some(())
            }
            [FromNode::Rel(n)] => match &q.rels[n].source {
                Source::Values(rows) => {
                    let values =
                        |row: &'q Vec<Expr>| Some(of_row(row)?.into_iter().map(|(_, e)| given_value(e)).collect());
                    self.value_rows(rows.iter().map(values).collect::<Option<Vec<_>>>()?)
                }
                Source::Subquery(inner) => self.query(inner, None, false),
                _ => None,
            },
            _ => None,
        }
    }
}
