//! Rules follow when what they read or write is renamed, as views do (`rename_views`).

use super::known::Reads;
use super::rename_readers::{Renamed, Target};
use super::stored_text;
use super::write::change;
use crate::base::{Error, Oid, Result};
use crate::catalog::object::class;
use crate::catalog::{Relation, Rule};
use crate::sql::ast::Stmt;
use crate::sql::bind::{self, BindContext, Names, Query, Written};
use crate::sql::exec::ExecContext;
use crate::sql::expr::Expr;
use std::sync::Arc;

/// A rule that has to do with the relation to be renamed, as it was bound before.
pub struct Reader {
    pub(super) table: Oid,
    rule: Rule,
    pub(super) condition: Option<Expr>,
    /// None: a NOTIFY.
    pub(super) actions: Vec<Option<Query>>,
}

/// The rules that name what is renamed, and a relation's own.
///
/// # Errors
/// 0A000 for one that cannot be bound.
pub fn readers(cx: &mut ExecContext, target: Target<'_>) -> Result<Vec<Reader>> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let mut found = Vec::new();
    for record in target.candidates(&catalog, class::RELATION) {
        let Ok(c) = record.object.as_class() else { continue };
        let named = |r: &Rule| {
            let texts = r.actions.iter().chain(&r.condition).map(|t| &**t);
            target.concerns(&catalog, &r.depends, &r.kept, texts)
        };
        for r in c.rules.iter().filter(|r| target.has(c.oid, &r.kept) || named(r)) {
            let rel = catalog.relation(c.oid)?.ok_or_else(|| Error::internal("a rule without its table"))?;
            found.push(bound(&*catalog, &io, &rel, r).map_err(|_| refused(&r.name))?);
        }
    }
    Ok(found)
}

/// A rule of a table as it is written.
///
/// # Errors
/// The binder's.
pub fn bound(names: &dyn Names, io: &crate::types::IoContext, rel: &Arc<Relation>, r: &Rule) -> Result<Reader> {
    let written = Written(names);
    let along = written.along(&r.kept);
    let source = format!("SELECT {}", r.condition.as_deref().unwrap_or_default());
    let context = |text| BindContext { names: &*along, io, text, params: Vec::new(), infer_params: false };
    let condition = match &r.condition {
        Some(text) => {
            let e = bind::parse_expression(text)?;
            Some(bind::bind_rule_condition(&mut context(&source), &e, rel, r.event)?)
        }
        None => None,
    };
    let mut actions = Vec::new();
    for text in &r.actions {
        let parsed = crate::sql::parse::parse(text)?;
        actions.push(match parsed.first().map(|raw| &raw.stmt) {
            Some(Stmt::Notify(_)) | None => None,
            Some(stmt) => Some(bind::bind_rule_action(&mut context(text), stmt, rel, r.event)?.0),
        });
    }
    Ok(Reader { table: rel.oid, rule: r.clone(), condition, actions })
}

/// Gives the rules their new texts, after the relation got its new names.
///
/// # Errors
/// 0A000 for one that cannot be written out.
pub fn follow(cx: &mut ExecContext, renamed: &Renamed<'_>, readers: Vec<Reader>) -> Result<()> {
    let Renamed { catalog, look, .. } = renamed;
    for Reader { table, rule, mut condition, mut actions } in readers {
        let Some(rel) = catalog.relation(table)? else { continue };
        let mut reads = Reads::default();
        reads.relation(table);
        reads.depends(&rule.depends);
        condition.iter_mut().for_each(|e| reads.expression(e));
        actions.iter_mut().flatten().for_each(|q| reads.query(q));
        let level = bind::rule_level(&rel);
        let queries: Vec<Query> = actions.iter().flatten().cloned().collect();
        let shown = look.written_rule(&level, condition.as_ref(), &queries);
        let (shown_condition, texts) = shown.ok_or_else(|| refused(&rule.name))?;
        let mut texts = texts.into_iter();
        let texts: Vec<Arc<str>> = actions
            .iter()
            .zip(&rule.actions)
            .map(|(q, old)| match q {
                Some(_) => texts.next().map_or_else(|| old.clone(), |t| t.trim().into()),
                None => old.clone(),
            })
            .collect();
        let condition = match condition {
            Some(_) => Some(stored_text::text_of(cx, &stored_text::parse(&shown_condition)?, None)?),
            None => None,
        };
        let kept = reads.kept_again(cx, &rule.kept)?;
        change(cx, table, |c| {
            for r in c.rules.iter_mut().filter(|r| r.oid == rule.oid) {
                (r.condition, r.actions, r.kept) = (condition.clone(), texts.clone(), kept.clone());
            }
        })?;
    }
    Ok(())
}

fn refused(rule: &str) -> Error {
    Error::unsupported(format!("renaming what rule \"{rule}\" depends on is not supported"))
        .hint("Drop the rule and create it again.")
}
