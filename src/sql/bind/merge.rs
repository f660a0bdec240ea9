//! MERGE: PostgreSQL 15, parse_merge.c.

use super::scope::{Clause, Scope};
use super::write::{Given, part};
use super::{Binder, FromNode, JoinNode, JoinWritten, MergeAction, MergeWhen, Query, Stored, Write, WriteKind};
use crate::base::{Error, Result};
use crate::catalog::Relation;
use crate::err;
use crate::sql::ast;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{JoinKind, access};
use std::sync::Arc;

impl Binder<'_, '_> {
    pub(super) fn merge(&mut self, s: &ast::MergeStmt) -> Result<Query> {
        self.scopes.push(Scope::default());
        let out = self.merge_in_scope(s);
        self.scopes.pop();
        out
    }

    fn merge_in_scope(&mut self, s: &ast::MergeStmt) -> Result<Query> {
        if let Some(with) = &s.with {
            if with.recursive {
                return Err(err!(SYNTAX_ERROR, "WITH RECURSIVE is not supported for MERGE statement"));
            }
            self.with_clause(with)?;
        }
        reachable(&s.whens)?;
        let rel = self.write_target(&s.table, "MERGE")?;
        if rel.rules.iter().any(|r| r.enabled != 'D') {
            return Err(err!(FEATURE_NOT_SUPPORTED, "cannot execute MERGE on relation \"{}\"", rel.name)
                .detail("MERGE is not supported for relations with rules."));
        }
        let kept = self.stored(&rel)?;
        let wanted = s.whens.iter().fold(0, |bits, w| bits | right(&w.action));
        let (target, item) = self.target_rel(&rel, &s.table, wanted)?;
        let nodes = self.from_clause(std::slice::from_ref(&s.source))?;
        let clash = self.scope().items.iter().any(|o| o.rel_visible && o.name == item.name && o.name.is_some());
        if clash {
            return Err(err!(
                DUPLICATE_ALIAS,
                "name \"{}\" specified more than once",
                item.name.as_deref().unwrap_or("")
            )
            .detail("The name is used both as MERGE target table and data source."));
        }
        let source_only = self.scope().items.clone();
        self.scope().items.insert(0, item);
        let both = self.scope().items.clone();
        let on = self.condition(&s.on, Clause::JoinOn)?;
        let mut whens = Vec::with_capacity(s.whens.len());
        for w in &s.whens {
            self.scope().items = if w.matched { both.clone() } else { source_only.clone() };
            whens.push(self.merge_when(s, w, (&rel, &kept, target))?);
        }
        self.scope().items = both;
        let mut query = Query::default();
        // Without INSERT the rows that match nothing are of no interest.
        let inserts = whens.iter().any(|w| !w.matched);
        let kind = if inserts { JoinKind::Left } else { JoinKind::Inner };
        let Some(left) = nodes.into_iter().next() else { return Err(Error::internal("MERGE without a source")) };
        let right = FromNode::Rel(target);
        query.from = vec![FromNode::Join(Box::new(JoinNode {
            kind,
            left,
            right,
            on: Some(on),
            written: JoinWritten::default(),
        }))];
        let kind = WriteKind::Merge { whens };
        query.write = Some(Box::new(Write::new(target, kind, Vec::new())));
        self.take_scope(&mut query);
        Ok(query)
    }

    fn merge_when(
        &mut self,
        s: &ast::MergeStmt,
        w: &ast::MergeWhen,
        (rel, kept, target): (&Arc<Relation>, &Stored, usize),
    ) -> Result<MergeWhen> {
        let condition = w.condition.as_ref().map(|c| self.condition(c, Clause::MergeWhen)).transpose()?;
        if let Some((name, pos)) = condition.as_ref().and_then(|c| super::write::system_column(c, target))
            && name != "tableoid"
        {
            return Err(err!(INVALID_COLUMN_REFERENCE, "cannot use system column \"{name}\" in MERGE WHEN condition")
                .at(pos.and_then(|p| self.at(p))));
        }
        let action = match &w.action {
            ast::MergeAction::Nothing => MergeAction::Nothing,
            ast::MergeAction::Delete => MergeAction::Delete,
            ast::MergeAction::Update(set) => MergeAction::Update(self.assignments(set, rel, kept, target)?),
            ast::MergeAction::Insert { columns, overriding, values } => {
                let like = ast::InsertStmt {
                    with: None,
                    table: s.table.clone(),
                    columns: columns.clone(),
                    overriding: *overriding,
                    source: ast::InsertSource::DefaultValues,
                    on_conflict: None,
                    returning: Vec::new(),
                    of_copy: false,
                };
                self.merge_values(&like, values, rel, kept, target)?
            }
        };
        Ok(MergeWhen { matched: w.matched, condition, action })
    }

    fn merge_values(
        &mut self,
        s: &ast::InsertStmt,
        values: &[ast::Expr],
        rel: &Arc<Relation>,
        kept: &Stored,
        target: usize,
    ) -> Result<MergeAction> {
        let columns = self.insert_columns(s, rel)?;
        let mut given: Vec<Option<Given>> = (0..rel.attributes.len()).map(|_| None).collect();
        if !values.is_empty() {
            self.count_row(values, s, &columns)?;
            let attnos = columns.iter().take(values.len()).map(|(attr, _)| *attr as i16 + 1);
            self.scope().rels[target].inserted.extend(attnos);
            let written = self.row_values(values, Clause::Values)?;
            for (n, (value, (attr, _))) in written.into_iter().zip(&columns).enumerate() {
                if let Some(c) = part(s, n) {
                    let whole = self.insert_part(c, value, &rel.attributes[*attr], given[*attr].take())?;
                    if let Given::Value(e, _) = &whole {
                        self.refuse_several(e)?;
                    }
                    given[*attr] = Some(whole);
                    continue;
                }
                given[*attr] = self.insert_value(value, rel, s.overriding, *attr)?;
            }
        }
        let named = columns.iter().take(values.len()).map(|(attr, _)| *attr).collect();
        let values = given.into_iter().enumerate().map(|(attr, g)| self.attribute_value(g, attr, rel, kept));
        Ok(MergeAction::Insert { values: values.collect::<Result<_>>()?, named, overriding: s.overriding })
    }
}

impl Binder<'_, '_> {
    /// # Errors
    /// 0A000 where a row would become several.
    fn refuse_several(&mut self, e: &Expr) -> Result<()> {
        let mut at = None;
        let found = e.any(&mut |x| {
            let set = matches!(x.kind, ExprKind::SetReturning { .. });
            at = if set { x.pos } else { at };
            set
        });
        let text = "set-valued function called in context that cannot accept a set";
        match found {
            true => Err(Error::unsupported(text).at(self.at(at.unwrap_or(ast::NOWHERE)))),
            false => Ok(()),
        }
    }
}

/// What an action asks of the target. To leave a row alone is to have looked at it.
fn right(action: &ast::MergeAction) -> u8 {
    match action {
        ast::MergeAction::Nothing => access::SELECT,
        ast::MergeAction::Delete => access::DELETE,
        ast::MergeAction::Update(_) => access::UPDATE,
        ast::MergeAction::Insert { .. } => access::INSERT,
    }
}

/// # Errors
/// 42601: a clause stands behind one that takes every row.
fn reachable(whens: &[ast::MergeWhen]) -> Result<()> {
    for matched in [true, false] {
        let mut closed = false;
        for w in whens.iter().filter(|w| w.matched == matched) {
            if closed {
                return Err(err!(SYNTAX_ERROR, "unreachable WHEN clause specified after unconditional WHEN clause"));
            }
            closed = w.condition.is_none();
        }
    }
    Ok(())
}
