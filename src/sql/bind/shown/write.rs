//! INSERT, UPDATE and DELETE: PostgreSQL 15, ruleutils.c, get_insert_query_def and its like.

use super::{STANDARD, Writer};
use crate::sql::ast::Overriding;
use crate::sql::bind::{FromNode, Query, Source, Write, WriteKind};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::name::quote_identifier;

impl<'q> Writer<'_, 'q> {
    /// A statement that changes rows; None where there is no text for a part of it.
    pub(super) fn write(&mut self, q: &'q Query, w: &'q Write) -> Option<()> {
        self.with(q)?;
        self.indent += STANDARD;
        self.put(" ");
        match &w.kind {
            WriteKind::Insert { supplied, on_conflict: None } => self.insert(q, w, supplied.overriding)?,
            WriteKind::Update { set } => {
                self.put("UPDATE ");
                self.target(q, w, " ")?;
                self.put(" SET ");
                for (n, (attr, e)) in set.iter().enumerate() {
                    if matches!(e.kind, ExprKind::FieldSet { .. } | ExprKind::SubscriptSet { .. }) {
                        return None;
                    }
                    let name = &q.rels[w.target].columns.get(*attr)?.name;
                    self.put(&format!("{}{} = ", if n > 0 { ", " } else { "" }, quote_identifier(name)));
                    self.bare(e)?;
                }
                self.others(q, w, " FROM ")?;
            }
            WriteKind::Delete => {
                self.put("DELETE FROM ");
                self.target(q, w, " ")?;
                self.others(q, w, " USING ")?;
            }
            _ => return None,
        }
        if let (Some(f), false) = (&q.filter, matches!(w.kind, WriteKind::Insert { .. })) {
            self.clause(" WHERE ", 1);
            self.expr(f)?;
        }
        if !w.returning.is_empty() {
            self.clause(" RETURNING", 1);
            self.target_list(&w.returning, None, false)?;
        }
        Some(())
    }

    fn target(&mut self, q: &'q Query, w: &Write, word: &str) -> Option<()> {
        let entry = q.rels.get(w.target)?;
        let Source::Table { rel, inherit, .. } = &entry.source else { return None };
        if !inherit && rel.view.is_none() && !matches!(w.kind, WriteKind::Insert { .. }) {
            self.put("ONLY ");
        }
        self.put(&(self.shown.relation_name)(rel.oid));
        let name = self.levels.last()?.names.get(w.target)?.clone();
        if name != rel.name {
            self.put(&format!("{word}{}", quote_identifier(&name)));
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
        self.target(q, w, " AS ")?;
        let entry = &q.rels[w.target];
        let places: Vec<usize> = entry.inserted.iter().map(|a| *a as usize - 1).collect();
        let names: Vec<String> = places.iter().map(|n| quote_identifier(&entry.columns[*n].name)).collect();
        if names.is_empty() {
            self.put(" DEFAULT VALUES");
            return Some(());
        }
        self.put(&format!(" ({}) ", names.join(", ")));
        self.put(match overriding {
            Overriding::No => "",
            Overriding::SystemValue => "OVERRIDING SYSTEM VALUE ",
            Overriding::UserValue => "OVERRIDING USER VALUE ",
        });
        match q.from[..] {
            [] => {
                self.keyword("VALUES (", -STANDARD, STANDARD, 2);
                let given: Vec<&'q Expr> = places.iter().map(|n| &q.targets[*n].expr).collect();
                for (n, e) in given.into_iter().enumerate() {
                    self.put(if n > 0 { ", " } else { "" });
                    self.bare(e)?;
                }
                self.put(")");
                Some(())
            }
            [FromNode::Rel(n)] => match &q.rels[n].source {
                Source::Values(rows) => self.values(rows),
                Source::Subquery(inner) => self.query(inner, None, false),
                _ => None,
            },
            _ => None,
        }
    }
}
