//! Rules: what a statement that changes rows becomes. PostgreSQL 15, rewriteHandler.c, RewriteQuery.
//!
//! There are only rules that do nothing: instead of the statement as a whole, or for the rows of a condition.

use super::substitute;
use crate::base::{Error, Result};
use crate::catalog::{Relation, Rule};
use crate::err;
use crate::sql::ast;
use crate::sql::bind::scope::{Clause, NsItem, Scope};
use crate::sql::bind::{BindContext, Binder, Query, WriteKind, parse_expression};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// `ev_type` of the statements rules are for.
const UPDATE: char = '2';
const INSERT: char = '3';
const DELETE: char = '4';

/// Whether a rule is in force outside of replication.
fn applies(r: &Rule, event: char) -> bool {
    r.event == event && r.instead && matches!(r.enabled, 'O' | 'A')
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
    fn refuse_with_rules(
        &self,
        rel: &Relation,
        event: char,
        returning: bool,
        conditional: bool,
        in_with: bool,
    ) -> Result<()> {
        if in_with {
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
    pub(super) fn apply_rules(&mut self, query: &mut Query, rel: &Arc<Relation>, in_with: bool) -> Result<()> {
        let Some(write) = &query.write else { return Ok(()) };
        let (target, returning) = (write.target, !write.returning.is_empty());
        let event = match write.kind {
            WriteKind::Insert { .. } => INSERT,
            WriteKind::Update { .. } => UPDATE,
            _ => DELETE,
        };
        for r in rel.rules.iter().filter(|r| applies(r, event)) {
            self.refuse_with_rules(rel, event, returning, r.condition.is_some(), in_with)?;
            let Some(text) = &r.condition else {
                query.rels.iter_mut().for_each(|r| r.wanted = 0);
                if let Some(w) = &mut query.write {
                    w.nothing = true;
                }
                return Ok(());
            };
            let mut e = self.rule_condition(rel, r, text)?;
            let old = |attno: i16| ExprKind::Var { rel: target, attno, levels_up: 0 };
            substitute(&mut e, 0, &|attno| Some(old(attno)))?;
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
