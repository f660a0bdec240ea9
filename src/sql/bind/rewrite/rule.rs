//! Rules: what a statement that changes rows becomes. PostgreSQL 15, rewriteHandler.c, fireRules and rewriteRuleAction.
//!
//! A rule's condition and actions are bound inside a level of their own, whose entries are OLD and NEW. When a rule fires,
//! the statement's range table and conditions join the action, and OLD and NEW become what they stand for: the rows the
//! statement finds, and the values it gives.

use super::{Origin, Product, substitute};
use crate::base::{Error, Result};
use crate::catalog::{RelKind, Relation, Rule};
use crate::err;
use crate::sql::ast;
use crate::sql::bind::scope::{Clause, NsItem, Scope, WHOLE_ROW, raise_levels};
use crate::sql::bind::{
    BindContext, Binder, FromNode, Query, Rel, RelColumn, Source, Stored, WriteKind, parse_expression, rights,
};
use crate::sql::bind::{Target, walk_expr_mut};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{TypeRef, oid};
use std::borrow::Cow;
use std::sync::Arc;

/// `ev_type` of the statements rules are for.
pub const SELECT: char = '1';
pub const UPDATE: char = '2';
pub const INSERT: char = '3';
pub const DELETE: char = '4';

/// The entries of the level around a condition or an action.
const OLD: usize = 0;
const NEW: usize = 1;

/// # Errors
/// 42P17: the statement has no such row.
fn refuse_missing(read: &[(usize, i16)], event: char) -> Result<()> {
    match event {
        SELECT if let Some((rel, _)) = read.first() => {
            let name = if *rel == OLD { "OLD" } else { "NEW" };
            Err(err!(INVALID_OBJECT_DEFINITION, "ON SELECT rule cannot use {name}"))
        }
        INSERT if read.iter().any(|(rel, _)| *rel == OLD) => {
            Err(err!(INVALID_OBJECT_DEFINITION, "ON INSERT rule cannot use OLD"))
        }
        DELETE if read.iter().any(|(rel, _)| *rel == NEW) => {
            Err(err!(INVALID_OBJECT_DEFINITION, "ON DELETE rule cannot use NEW"))
        }
        _ => Ok(()),
    }
}

pub(super) fn event_of(kind: &WriteKind) -> char {
    match kind {
        WriteKind::Insert { .. } => INSERT,
        WriteKind::Update { .. } => UPDATE,
        _ => DELETE,
    }
}

/// Whether a rule is in force outside of replication.
fn applies(r: &Rule, event: char) -> bool {
    r.event == event && matches!(r.enabled, 'O' | 'A')
}

/// The rules of a relation for a kind of statement.
pub(super) fn matching(rel: &Relation, event: char) -> impl Iterator<Item = &Rule> {
    rel.rules.iter().filter(move |r| applies(r, event))
}

impl Binder<'_, '_> {
    /// Opens the level in which OLD and NEW are names: of conditions only as far as there is such a row.
    fn open_rule(&mut self, rel: &Arc<Relation>, condition_of: Option<char>) -> Result<()> {
        self.scopes.push(Scope { of_rule: true, ..Scope::default() });
        for (name, missing) in [("old", INSERT), ("new", DELETE)] {
            let n = self.add_table_rel(rel.clone(), name.to_owned(), &[])?;
            if condition_of != Some(missing) {
                let item = self.table_item(n, name.to_owned(), None);
                // A condition may name the columns of the only row there is without OLD or NEW.
                let visible = condition_of.is_some();
                self.scope().items.push(NsItem { columns_visible: visible, system_visible: false, ..item });
            }
        }
        Ok(())
    }
}

/// Binds a rule's condition: OLD is rel 0, NEW is rel 1.
pub fn bind_rule_condition(cx: &mut BindContext<'_>, e: &ast::Expr, rel: &Arc<Relation>, event: char) -> Result<Expr> {
    let mut binder = Binder::new(cx);
    binder.check_as = Some(rel.owner);
    binder.open_rule(rel, Some(event))?;
    let mut bound = binder.condition(e, Clause::Where)?;
    binder.collate_expr(&mut bound, &[rel, rel])?;
    rights::mark_alone(&mut bound);
    Ok(bound)
}

/// Binds a rule's action: OLD and NEW are the rels 0 and 1 of the level around it.
pub fn bind_rule_action(
    cx: &mut BindContext<'_>,
    stmt: &ast::Stmt,
    rel: &Arc<Relation>,
    event: char,
) -> Result<(Query, bool)> {
    let mut binder = Binder::new(cx);
    binder.check_as = Some(rel.owner);
    binder.open_rule(rel, None)?;
    let mut query = binder.statement(stmt, true)?;
    let read = reads_of_rule(&mut query, 1);
    refuse_missing(&read, event)?;
    if query.set_op.is_some() && !read.is_empty() {
        return Err(err!(
            INVALID_COLUMN_REFERENCE,
            "UNION/INTERSECT/EXCEPT member statement cannot refer to other relations of same query level"
        ));
    }
    let met_policies = binder.met_policies;
    rights::mark(&mut query);
    Ok((query, met_policies))
}

/// The level around conditions and actions, to be shown again.
pub fn rule_level(rel: &Arc<Relation>) -> Query {
    let entry = |name: &str| {
        let columns = rel.attributes.iter();
        let columns = columns.map(|a| RelColumn { name: a.name.clone(), ty: a.ty, dropped: a.dropped }).collect();
        Rel::new(name.to_owned(), Source::Table { rel: rel.clone(), sample: None, inherit: true }, columns)
    };
    Query { rels: vec![entry("old"), entry("new")], ..Query::default() }
}

/// What an action reads of OLD and NEW, at any depth; `around`: how many levels the expressions stand below the rule's own.
pub fn reads_of_rule(query: &mut Query, around: usize) -> Vec<(usize, i16)> {
    let mut found = Vec::new();
    query.walk_mut(around, &mut |e, depth| note_read(e, depth, &mut found));
    found
}

/// The same of a condition.
pub fn reads_of_condition(e: &mut Expr) -> Vec<(usize, i16)> {
    let mut found = Vec::new();
    walk_expr_mut(e, 0, &mut |e, depth| note_read(e, depth, &mut found));
    found
}

fn note_read(e: &Expr, depth: usize, found: &mut Vec<(usize, i16)>) {
    if let ExprKind::Var { rel, attno, levels_up } = e.kind
        && levels_up == depth
        && !found.contains(&(rel, attno))
    {
        found.push((rel, attno));
    }
}

/// Moves a statement's own entries up by a number.
fn shift(query: &mut Query, by: usize) {
    query.walk_mut(0, &mut |e, depth| {
        if let ExprKind::Var { rel, levels_up, .. } = &mut e.kind
            && *levels_up == depth
        {
            *rel += by;
        }
    });
    query.from.iter_mut().for_each(|n| n.shift(by));
    if let Some(w) = &mut query.write {
        w.target += by;
    }
}

/// Moves a statement's own WITH queries up by a number.
fn shift_ctes(query: &mut Query, depth: usize, by: usize) {
    for rel in &mut query.rels {
        match &mut rel.source {
            Source::Cte { index, levels_up } | Source::WorkTable { index, levels_up } if *levels_up == depth => {
                *index += by;
            }
            _ => {}
        }
    }
    query.for_each_query_mut(&mut |q| shift_ctes(q, depth + 1, by));
    query.for_each_expr_mut(&mut |e| shift_ctes_in_expr(e, depth, by));
}

fn shift_ctes_in_expr(e: &mut Expr, depth: usize, by: usize) {
    e.for_each_child_mut(&mut |c| shift_ctes_in_expr(c, depth, by));
    if let ExprKind::SubLink(l) = &mut e.kind {
        shift_ctes(&mut l.query, depth + 1, by);
    }
}

/// What OLD and NEW are in the statement a rule fires for.
struct Meaning<'p> {
    event: char,
    /// The statement's target among the entries of the query they come into.
    target: usize,
    /// Values the statement gives, over the same entries: of INSERT those of all attributes.
    given: Vec<(usize, Cow<'p, Expr>)>,
}

impl Meaning<'_> {
    fn of(&self, rel: usize, attno: i16) -> Option<ExprKind> {
        let old = ExprKind::Var { rel: self.target, attno, levels_up: 0 };
        if rel == OLD {
            return (self.event != INSERT).then_some(old);
        }
        let n = usize::try_from(attno).ok().and_then(|n| n.checked_sub(1));
        let given = n.and_then(|n| self.given.iter().find(|(attr, _)| *attr == n));
        match (given, self.event) {
            (Some((_, e)), INSERT | UPDATE) => Some(e.kind.clone()),
            (None, UPDATE) => Some(old),
            _ => None,
        }
    }

    /// Puts it into an expression that stands `depth` levels below the entries, where the rule's level was one further
    /// out by `around`.
    fn put(&self, x: &mut Expr, depth: usize, around: usize, odd: &mut bool) {
        if let ExprKind::Var { rel, attno, levels_up } = x.kind
            && levels_up == depth + around
        {
            match self.of(rel, attno) {
                Some(kind) => {
                    let mut e = Expr::new(kind, x.ty);
                    raise_levels(&mut e, depth);
                    x.kind = e.kind;
                }
                None => *odd = true,
            }
        }
    }
}

/// A generated column of NEW is computed from what else NEW is: the statement gives it no value
/// (PostgreSQL 15, rewriteManip.c, ReplaceVarsFromTargetList, over get_generated_columns).
fn with_generated<'p>(mut meaning: Meaning<'p>, kept: &Stored) -> Result<Meaning<'p>> {
    if meaning.event == DELETE {
        return Ok(meaning);
    }
    let mut odd = false;
    let computed: Vec<(usize, Expr)> = kept
        .generated
        .iter()
        .map(|(n, e)| {
            let mut e = e.clone();
            walk_expr_mut(&mut e, 0, &mut |x, depth| {
                x.pos = None;
                if let ExprKind::Var { rel, levels_up, .. } = &mut x.kind
                    && *levels_up == depth
                {
                    *rel = NEW;
                    meaning.put(x, depth, 0, &mut odd);
                }
            });
            (*n, e)
        })
        .collect();
    refuse(odd)?;
    meaning.given.retain(|(n, _)| computed.iter().all(|(c, _)| c != n));
    meaning.given.extend(computed.into_iter().map(|(n, e)| (n, Cow::Owned(e))));
    Ok(meaning)
}

/// A row of OLD or NEW is no longer that of an entry.
fn unmark_row(x: &mut Expr, depth: usize) {
    if let ExprKind::Row { fields, names } = &mut x.kind
        && names.last().is_some_and(|n| n == WHOLE_ROW)
        && matches!(fields[..], [Expr { kind: ExprKind::Var { levels_up, .. }, .. }, ..] if levels_up == depth)
    {
        names.pop();
    }
}

/// What rules make of a statement.
#[derive(Default)]
pub(super) struct Fired {
    pub products: Vec<Product>,
    /// There is an unconditional DO INSTEAD.
    pub instead: bool,
    /// Conditional DO INSTEADs take these rows away.
    pub conditional: bool,
    /// An action shows what the statement's RETURNING asks for.
    pub returning: bool,
}

impl Binder<'_, '_> {
    /// Lets the target's rules fire for a statement; conditional DO INSTEADs take rows away from it.
    pub(super) fn fire_rules(&mut self, query: &mut Query, rel: &Arc<Relation>) -> Result<Fired> {
        let mut fired = Fired::default();
        let Some(write) = &query.write else { return Ok(fired) };
        let event = event_of(&write.kind);
        if write.unruled || matching(rel, event).next().is_none() {
            return Ok(fired);
        }
        let original = query.clone();
        for r in matching(rel, event) {
            let qual = match &r.condition {
                Some(text) => Some(self.rule_condition(rel, r, text)?),
                None => None,
            };
            let origin = match (r.instead, &qual) {
                (false, _) => Origin::Also,
                (true, None) => Origin::Instead,
                (true, Some(_)) => Origin::Conditional,
            };
            fired.instead |= origin == Origin::Instead;
            if let (Origin::Conditional, Some(qual), false) = (origin, &qual, fired.instead) {
                fired.conditional = true;
                self.take_away(query, rel, qual)?;
            }
            for text in &r.actions {
                let (query, utility) = self.fire(&original, rel, r, text, qual.as_ref(), &mut fired)?;
                fired.products.push(Product { query, origin, utility });
            }
        }
        Ok(fired)
    }

    /// The rows of a conditional DO INSTEAD are no matter of the statement any more.
    fn take_away(&mut self, query: &mut Query, rel: &Arc<Relation>, qual: &Expr) -> Result<()> {
        let mut e = qual.clone();
        put_condition(&with_generated(meaning(query), &*self.stored(rel)?)?, &mut e)?;
        let ty = TypeRef::of(oid::BOOL);
        let stays = Expr::new(ExprKind::BoolTest { arg: Box::new(e), is: Some(true), negated: true }, ty);
        query.filter = and(query.filter.take(), Some(stays));
        Ok(())
    }

    fn rule_condition(&mut self, rel: &Arc<Relation>, r: &Rule, text: &str) -> Result<Expr> {
        let names = self.cx.names.along(&r.kept);
        let source = format!("SELECT {text}");
        let mut cx =
            BindContext { names: &*names, io: self.cx.io, text: &source, params: Vec::new(), infer_params: false };
        let mut e = bind_rule_condition(&mut cx, &parse_expression(text)?, rel, r.event).map_err(without_position)?;
        walk_expr_mut(&mut e, 0, &mut |x, _| x.pos = None);
        Ok(e)
    }

    /// One action for one statement.
    fn fire(
        &mut self,
        original: &Query,
        rel: &Arc<Relation>,
        r: &Rule,
        text: &str,
        qual: Option<&Expr>,
        fired: &mut Fired,
    ) -> Result<(Query, bool)> {
        let parsed = crate::sql::parse::parse(text)?;
        let Some(raw) = parsed.first() else { return Err(Error::internal("a rule without its action")) };
        if let ast::Stmt::Notify(n) = &raw.stmt {
            return Ok((notification(self.cx, n)?, true));
        }
        let names = self.cx.names.along(&r.kept);
        let mut cx = BindContext { names: &*names, io: self.cx.io, text, params: Vec::new(), infer_params: false };
        let (mut action, met) = bind_rule_action(&mut cx, &raw.stmt, rel, r.event).map_err(without_position)?;
        self.met_policies |= met;
        action.walk_mut(0, &mut |e, _| e.pos = None);
        let shows = original.write.as_ref().is_some_and(|w| !w.returning.is_empty());
        if let Some(w) = action.write.as_mut().filter(|w| !w.returning.is_empty()) {
            match shows {
                false => w.returning.clear(),
                true if fired.returning => {
                    return Err(Error::unsupported("cannot have RETURNING lists in multiple rules"));
                }
                true => fired.returning = true,
            }
        }
        self.merge_into(original.clone(), &mut action, rel, qual)?;
        Ok((action, false))
    }

    /// Brings a statement's entries and conditions into an action.
    fn merge_into(&mut self, mut p: Query, action: &mut Query, rel: &Arc<Relation>, qual: Option<&Expr>) -> Result<()> {
        let Some(write) = &p.write else { return Ok(()) };
        let (event, target, rows) = (event_of(&write.kind), write.target, write.target);
        let mut read = reads_of_rule(action, 1);
        if let Some(q) = qual {
            read.extend(reads_of_condition(&mut q.clone()));
        }
        let of_row = |rel: usize| rel == OLD || event == UPDATE;
        let by_action = read.iter().any(|(rel, _)| of_row(*rel));
        let by_filter = p.filter.as_ref().is_some_and(|f| reads_rel(f, target));
        if event != INSERT && !by_action && !by_filter {
            p.from.retain(|n| !matches!(n, FromNode::Rel(r) if *r == target));
        }
        let inner = selected_from(action);
        let above = usize::from(inner.is_some());
        let mut returning = action.write.as_mut().map(|w| std::mem::take(&mut w.returning)).unwrap_or_default();
        {
            let host = match inner {
                Some(n) => match &mut action.rels[n].source {
                    Source::Subquery(q) => &mut **q,
                    _ => return Err(Error::internal("an INSERT without its SELECT")),
                },
                None => &mut *action,
            };
            let offset = host.rels.len();
            shift(&mut p, offset);
            shift_ctes(&mut p, 0, host.ctes.len());
            if host.set_op.is_some() && (!p.from.is_empty() || qual.is_some() || p.filter.is_some() || !read.is_empty())
            {
                return Err(Error::unsupported("conditional UNION/INTERSECT/EXCEPT statements are not implemented"));
            }
            let (meaning, mut odd) = (with_generated(meaning(&p), &*self.stored(rel)?)?, false);
            pull_conditions(host, above)?;
            host.walk_mut(0, &mut |x, depth| unmark_row(x, depth + 1 + above));
            host.walk_mut(0, &mut |x, depth| meaning.put(x, depth, 1 + above, &mut odd));
            for t in returning.iter_mut().filter(|_| above == 0) {
                walk_expr_mut(&mut t.expr, 0, &mut |x, depth| unmark_row(x, depth + 1));
                walk_expr_mut(&mut t.expr, 0, &mut |x, depth| meaning.put(x, depth, 1, &mut odd));
            }
            refuse(odd)?;
            let mut filter = host.filter.take();
            if let Some(q) = qual {
                let mut q = q.clone();
                put_condition(&meaning, &mut q)?;
                filter = and(filter, Some(q));
            }
            host.filter = and(filter, p.filter.clone());
            make_lateral(host, offset);
            let mut from = p.from.clone();
            from.append(&mut host.from);
            host.from = from;
            let mut rels = p.rels.clone();
            self.read_as_row(&mut rels[rows], rel, event)?;
            host.rels.append(&mut rels);
            if !p.ctes.is_empty() {
                if let Some(c) = p.ctes.iter().find(|c| host.ctes.iter().any(|h| h.name == c.name)) {
                    let name = &c.name;
                    let text = format!(
                        "WITH query name \"{name}\" appears in both a rule action and the query being rewritten"
                    );
                    return Err(Error::unsupported(text));
                }
                if above > 0 && p.ctes.iter().any(|c| c.query.write.is_some()) {
                    let text = "INSERT...SELECT rule actions are not supported for queries having data-modifying statements in WITH";
                    return Err(Error::unsupported(text));
                }
                host.ctes.extend(p.ctes.iter().cloned());
            }
        }
        let Some(w) = &mut action.write else { return Ok(()) };
        w.returning = match returning.is_empty() {
            true => Vec::new(),
            false => shown(&p, &returning, above)?,
        };
        let mut odd = false;
        // Outside an INSERT's SELECT there are no rows to speak of.
        action.walk_mut(0, &mut |x, depth| {
            odd |= matches!(x.kind, ExprKind::Var { levels_up, .. } if levels_up == depth + 1);
        });
        refuse(odd)
    }

    /// The rows a statement would change, as an action reads them; of a view from its query.
    fn read_as_row(&mut self, entry: &mut Rel, rel: &Arc<Relation>, event: char) -> Result<()> {
        if rel.kind == RelKind::View && rel.generated_by.is_none() && event != INSERT {
            self.may_expand(rel)?;
            let mut below = self.view_query(rel)?;
            rights::mark(&mut below);
            entry.source = Source::Subquery(Box::new(below));
            entry.view = Some(rel.clone());
        }
        Ok(())
    }
}

fn refuse(odd: bool) -> Result<()> {
    match odd {
        false => Ok(()),
        true => Err(Error::unsupported("this use of OLD or NEW in a rule is not supported")),
    }
}

fn without_position(mut e: Error) -> Error {
    e.0.position = None;
    e
}

fn and(a: Option<Expr>, b: Option<Expr>) -> Option<Expr> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Expr::new(ExprKind::And(vec![a, b]), TypeRef::of(oid::BOOL))),
        (a, b) => a.or(b),
    }
}

/// What OLD and NEW mean in a statement.
fn meaning(p: &Query) -> Meaning<'_> {
    let Some(write) = &p.write else { return Meaning { event: DELETE, target: 0, given: Vec::new() } };
    let given = match &write.kind {
        WriteKind::Insert { .. } => p.targets.iter().map(|t| Cow::Borrowed(&t.expr)).enumerate().collect(),
        WriteKind::Update { set } => set.iter().map(|(n, e)| (*n, Cow::Borrowed(e))).collect(),
        _ => Vec::new(),
    };
    Meaning { event: event_of(&write.kind), target: write.target, given }
}

fn put_condition(meaning: &Meaning<'_>, e: &mut Expr) -> Result<()> {
    let mut odd = false;
    walk_expr_mut(e, 0, &mut unmark_row);
    walk_expr_mut(e, 0, &mut |x, depth| meaning.put(x, depth, 0, &mut odd));
    refuse(odd)
}

fn reads_rel(e: &Expr, target: usize) -> bool {
    let mut found = false;
    walk_expr_mut(&mut e.clone(), 0, &mut |x, depth| {
        found |= matches!(x.kind, ExprKind::Var { rel, levels_up, .. } if rel == target && levels_up == depth);
    });
    found
}

/// The entry with the SELECT of an INSERT … SELECT: there OLD and NEW become rows.
fn selected_from(action: &Query) -> Option<usize> {
    let insert = matches!(action.write.as_ref().map(|w| &w.kind), Some(WriteKind::Insert { .. }));
    match action.from[..] {
        [FromNode::Rel(n)] if insert && matches!(action.rels[n].source, Source::Subquery(_)) => Some(n),
        _ => None,
    }
}

/// Conditions of inner joins that read OLD or NEW become conditions of the whole.
fn pull_conditions(host: &mut Query, above: usize) -> Result<()> {
    let mut out = Vec::new();
    let mut odd = false;
    host.from.iter_mut().for_each(|n| pull_from(n, true, above + 1, &mut out, &mut odd));
    refuse(odd)?;
    for e in out {
        host.filter = and(host.filter.take(), Some(e));
    }
    Ok(())
}

fn pull_from(node: &mut FromNode, inner: bool, around: usize, out: &mut Vec<Expr>, odd: &mut bool) {
    let FromNode::Join(j) = node else { return };
    let inner = inner && j.kind == crate::sql::plan::JoinKind::Inner;
    if let Some(on) = &mut j.on {
        let mut reads = false;
        walk_expr_mut(on, 0, &mut |x, depth| {
            reads |= matches!(x.kind, ExprKind::Var { levels_up, .. } if levels_up == depth + around);
        });
        if reads && inner {
            out.extend(j.on.take());
        } else {
            *odd |= reads;
        }
    }
    pull_from(&mut j.left, inner, around, out, odd);
    pull_from(&mut j.right, inner, around, out, odd);
}

/// Entries that read what came before them.
fn make_lateral(host: &mut Query, count: usize) {
    for n in 0..count {
        let mut read = false;
        let mut note = |x: &mut Expr, depth: usize| {
            read |= matches!(x.kind, ExprKind::Var { rel, levels_up, .. } if levels_up == depth && rel >= count);
        };
        match &mut host.rels[n].source {
            Source::Subquery(q) => q.walk_mut(1, &mut note),
            Source::Values(rows) => rows.iter_mut().flatten().for_each(|e| walk_expr_mut(e, 0, &mut note)),
            Source::Function { calls, .. } => calls.iter_mut().for_each(|c| {
                c.args.iter_mut().chain(&mut c.scalar).for_each(|e| walk_expr_mut(e, 0, &mut note));
            }),
            _ => {}
        }
        host.rels[n].lateral |= read;
    }
}

/// The statement's RETURNING over what the action's says.
fn shown(p: &Query, by_action: &[Target], above: usize) -> Result<Vec<Target>> {
    let Some(write) = &p.write else { return Ok(Vec::new()) };
    let mut out = write.returning.clone();
    for t in &mut out {
        let mut others = false;
        walk_expr_mut(&mut t.expr, 0, &mut |x, depth| {
            others |=
                matches!(x.kind, ExprKind::Var { rel, levels_up, .. } if levels_up == depth && rel != write.target);
        });
        if others && above > 0 {
            return Err(Error::unsupported("this RETURNING is not supported with a rule"));
        }
        walk_expr_mut(&mut t.expr, 0, &mut unmark_row);
        substitute(&mut t.expr, write.target, &|attno| {
            let n = usize::try_from(attno).ok()?.checked_sub(1)?;
            Some(by_action.get(n)?.expr.kind.clone())
        })?;
    }
    Ok(out)
}

/// NOTIFY as a query.
fn notification(cx: &mut BindContext<'_>, n: &ast::NotifyStmt) -> Result<Query> {
    let literal = crate::sql::ast::deparse::string_literal;
    let payload = n.payload.as_deref().unwrap_or_default();
    let text = format!("SELECT pg_catalog.pg_notify({}, {})", literal(&n.channel), literal(payload));
    let parsed = crate::sql::parse::parse(&text)?;
    let Some(raw) = parsed.first() else { return Err(Error::internal("no notification")) };
    let mut cx = BindContext { names: cx.names, io: cx.io, text: &text, params: Vec::new(), infer_params: false };
    let query = Binder::new(&mut cx).statement(&raw.stmt, true)?;
    Ok(Query { silent: true, ..query })
}
