//! Rules: what a statement that changes rows becomes. PostgreSQL 15, rewriteHandler.c, RewriteQuery.
//!
//! There are only rules that do nothing: instead of the statement as a whole, or for the rows of a condition.

use super::scope::{Clause, NsItem, Scope};
use super::updatable::substitute;
use super::{BindContext, Binder, Query, Rel, RelColumn, Source, Write, WriteKind, parse_expression};
use crate::base::{Error, Result};
use crate::catalog::{RelKind, Relation, Rule};
use crate::err;
use crate::sql::ast;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// `ev_type` of the statements rules are for.
pub(super) const UPDATE: char = '2';
pub(super) const INSERT: char = '3';
pub(super) const DELETE: char = '4';

/// Whether a rule is in force outside of replication.
fn applies(r: &Rule, event: char) -> bool {
    r.event == event && r.instead && matches!(r.enabled, 'O' | 'A')
}

/// Whether rules say what statements of this kind become.
pub(super) fn has_instead(rel: &Relation, verb: &str) -> bool {
    rel.rules.iter().any(|r| word(r.event) == verb && applies(r, r.event))
}

fn word(event: char) -> &'static str {
    match event {
        UPDATE => "UPDATE",
        INSERT => "INSERT",
        _ => "DELETE",
    }
}

/// Binds a rule's condition: OLD is rel 0, NEW is rel 1.
pub fn bind_rule_condition(cx: &mut BindContext<'_>, e: &ast::Expr, rel: &Arc<Relation>, event: char) -> Result<Expr> {
    let mut binder = Binder::new(cx);
    binder.scopes.push(Scope::default());
    for (name, seen) in [("old", event != INSERT), ("new", event != DELETE)] {
        let n = binder.add_table_rel(rel.clone(), name.to_owned(), &[])?;
        if seen {
            let item = binder.table_item(n, name.to_owned(), None);
            binder.scope().items.push(NsItem { columns_visible: false, system_visible: false, ..item });
        }
    }
    binder.condition(e, Clause::Where)
}

impl Binder<'_, '_> {
    /// A view of which a rule says that nothing becomes of this statement.
    pub(super) fn nothing_instead(&mut self, t: &ast::RangeVar, event: char, returning: bool) -> Result<Option<Query>> {
        if t.schema.is_none() && self.find_cte(&t.name).is_some() {
            return Ok(None);
        }
        let Some(rel) = self.cx.names.relation_by_name(t.schema.as_deref(), &t.name)? else { return Ok(None) };
        let always = |r: &&Rule| applies(r, event) && r.condition.is_none();
        if rel.kind != RelKind::View || !rel.rules.iter().any(|r| always(&r)) {
            return Ok(None);
        }
        self.refuse_with_rules(&rel, event, returning, false)?;
        let kind = match event {
            INSERT => WriteKind::Insert { on_conflict: None },
            UPDATE => WriteKind::Update { set: Vec::new() },
            _ => WriteKind::Delete,
        };
        let columns = rel.attributes.iter().map(|a| RelColumn { name: a.name.clone(), ty: a.ty, dropped: a.dropped });
        let entry = Rel {
            alias: rel.name.clone(),
            columns: columns.collect(),
            source: Source::Table { rel, sample: None, inherit: false },
            lateral: false,
            wanted: 0,
            check_as: None,
            security: Vec::new(),
            aliased: false,
            renamed: false,
        };
        let write = Write { target: 0, kind, returning: Vec::new(), checks: Vec::new(), nothing: true };
        Ok(Some(Query { rels: vec![entry], write: Some(Box::new(write)), ..Query::default() }))
    }

    fn refuse_with_rules(&self, rel: &Relation, event: char, returning: bool, conditional: bool) -> Result<()> {
        if self.scopes.len() > 1 {
            let what = if conditional { "conditional DO INSTEAD" } else { "DO INSTEAD NOTHING" };
            let text = format!("{what} rules are not supported for data-modifying statements in WITH");
            return Err(Error::unsupported(text));
        }
        if returning {
            let word = word(event);
            return Err(err!(FEATURE_NOT_SUPPORTED, "cannot perform {word} RETURNING on relation \"{}\"", rel.name)
                .hint(format!("You need an unconditional ON {word} DO INSTEAD rule with a RETURNING clause.")));
        }
        Ok(())
    }

    /// Lets the target's rules take rows away from a bound statement, or the statement as a whole.
    pub(super) fn apply_rules(&mut self, query: &mut Query, event: char) -> Result<()> {
        let Some(write) = &query.write else { return Ok(()) };
        let (target, returning) = (write.target, !write.returning.is_empty());
        let Source::Table { rel, .. } = &query.rels[target].source else { return Ok(()) };
        let rel = rel.clone();
        for r in rel.rules.iter().filter(|r| applies(r, event)) {
            self.refuse_with_rules(&rel, event, returning, r.condition.is_some())?;
            let Some(text) = &r.condition else {
                query.rels.iter_mut().for_each(|r| r.wanted = 0);
                if let Some(w) = &mut query.write {
                    w.nothing = true;
                }
                return Ok(());
            };
            let mut e = self.rule_condition(&rel, r, text)?;
            let old = |attno: i16| ExprKind::Var { rel: target, attno, levels_up: 0 };
            substitute(&mut e, 0, &|attno, _| Some(old(attno)))?;
            let new: Vec<Option<ExprKind>> = match query.write.as_ref().map(|w| &w.kind) {
                Some(WriteKind::Insert { .. }) => query.targets.iter().map(|t| Some(t.expr.kind.clone())).collect(),
                Some(WriteKind::Update { set }) => {
                    let value = |n: usize| set.iter().find(|(a, _)| *a == n).map(|(_, e)| e.kind.clone());
                    (0..rel.attributes.len()).map(|n| value(n).or_else(|| Some(old(n as i16 + 1)))).collect()
                }
                _ => Vec::new(),
            };
            let of_new = |attno: i16| new.get(usize::try_from(attno).ok()?.checked_sub(1)?).cloned().flatten();
            replace_new(&mut e, &of_new)?;
            let ty = TypeRef::of(oid::BOOL);
            let stays = Expr::new(ExprKind::BoolTest { arg: Box::new(e), is: Some(true), negated: true }, ty);
            query.filter = Some(match query.filter.take() {
                None => stays,
                Some(f) => Expr::new(ExprKind::And(vec![f, stays]), ty),
            });
        }
        Ok(())
    }

    fn rule_condition(&mut self, rel: &Arc<Relation>, r: &Rule, text: &str) -> Result<Expr> {
        let names = self.cx.names.along(&r.search_path);
        let source = format!("SELECT {text}");
        let mut cx =
            BindContext { names: &*names, io: self.cx.io, text: &source, params: Vec::new(), infer_params: false };
        let mut e = bind_rule_condition(&mut cx, &parse_expression(text)?, rel, r.event)?;
        // NEW keeps out of the way while OLD is replaced.
        e.rewrite(&mut |x| {
            x.pos = None;
            if let ExprKind::Var { rel, .. } = &mut x.kind
                && *rel == 1
            {
                *rel = NEW;
            }
        });
        Ok(e)
    }
}

/// The number of NEW in a condition under way: no statement has so many relations.
const NEW: usize = usize::MAX;

fn replace_new(e: &mut Expr, of_new: &dyn Fn(i16) -> Option<ExprKind>) -> Result<()> {
    let mut odd = false;
    e.rewrite(&mut |x| {
        if let ExprKind::Var { rel: NEW, attno, .. } = x.kind {
            match of_new(attno) {
                Some(kind) => x.kind = kind,
                None => odd = true,
            }
        }
    });
    match odd {
        false => Ok(()),
        true => Err(Error::unsupported("this use of NEW in a rule's condition is not supported")),
    }
}
