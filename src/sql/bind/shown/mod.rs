//! Bound expressions and queries as SQL again, for definitions: every name is found by the reader's search path, every
//! conversion is written out. PostgreSQL 15, ruleutils.c: same names, parentheses and lines.
//!
//! They are bound with [`Written`] names, which keep how things were written where the meaning does not tell. What has
//! no text here answers None, and the caller shows what was written.

mod expr;
mod names;
mod parens;
mod query;
mod syntax;
mod write;
mod written;

pub use expr::{Label, constant};
pub use written::Written;

use super::{FromNode, Query, Source, WriteKind};
use crate::base::Oid;
use crate::catalog::Relation;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::FuncDef;
use crate::types::IoContext;
use names::Level;

/// Whether an expression is a conversion of another.
pub(super) fn is_cast(e: &Expr) -> bool {
    parens::cast_arg(e).is_some()
}

/// Whether a row of fields with these names is a relation's row as a whole.
pub(super) fn is_whole_row(names: &[String]) -> bool {
    names.last().is_some_and(|n| n == super::scope::WHOLE_ROW)
}

/// How names and parentheses are shown.
pub struct Shown<'a> {
    pub io: &'a IoContext,
    /// Fewer parentheses.
    pub pretty: bool,
    /// All on one line.
    pub flat: bool,
    /// How long lines of columns may get; 0: each column has its own.
    pub width: usize,
    /// A relation's name as its reader must write it.
    pub relation_name: &'a dyn Fn(Oid) -> String,
    /// A function's likewise.
    pub function_name: &'a dyn Fn(&FuncDef) -> String,
    /// What a parameter or a column of no relation is called; true: there are relations around it.
    pub slot: &'a dyn Fn(&ExprKind, bool) -> Option<String>,
}

struct Writer<'a, 'q> {
    shown: &'a Shown<'a>,
    out: String,
    indent: i32,
    /// The innermost is last.
    levels: Vec<Level<'q>>,
    /// The only relation of an expression that stands alone.
    alone: Option<&'q Relation>,
    /// Its columns are written with this name, which stands for it.
    alone_prefix: Option<&'q str>,
}

/// Steps of indentation: a clause, a list's line, a join.
const STANDARD: i32 = 8;
const LIST: i32 = 4;
/// Deeper than this, lines go in more slowly.
const LIMIT: i32 = 40;

impl Shown<'_> {
    /// An expression over one relation's columns.
    pub fn expression(&self, e: &Expr, relation: Option<&Relation>) -> Option<String> {
        let mut writer = self.writer(relation);
        writer.expr(e)?;
        Some(writer.out)
    }

    /// An expression without the conversions to the type it is for.
    pub fn converted(&self, e: &Expr, relation: Option<&Relation>) -> Option<String> {
        let mut writer = self.writer(relation);
        writer.bare(e)?;
        Some(writer.out)
    }

    /// A query, without the semicolon. `names` are those of its columns.
    pub fn query(&self, query: &Query, names: &[&str]) -> Option<String> {
        let mut writer = self.writer(None);
        writer.query(query, Some(names), true)?;
        Some(writer.out)
    }

    /// A query that stands among others, one step in.
    pub fn statement(&self, query: &Query) -> Option<String> {
        let mut writer = self.writer(None);
        writer.indent = 1;
        writer.query(query, None, false)?;
        Some(writer.out)
    }

    /// The condition and the actions of a rule, inside the level of OLD and NEW.
    pub fn rule(&self, level: &Query, condition: Option<&Expr>, actions: &[Query]) -> Option<(String, Vec<String>)> {
        let around = || Level::around(level);
        let mut shown = Vec::new();
        for action in actions {
            let mut writer = self.writer(None);
            writer.levels.push(around());
            writer.query(action, None, true)?;
            shown.push(writer.out);
        }
        let mut writer = self.writer(None);
        if let Some(e) = condition {
            let mut level = around();
            // PostgreSQL 15, ruleutils.c, make_ruledef: the condition is written among the names of the first action, of
            // INSERT … SELECT those of the query.
            let first = actions.first().map(|action| match action.from[..] {
                [FromNode::Rel(n)]
                    if action.write.as_ref().is_some_and(|w| matches!(w.kind, WriteKind::Insert { .. })) =>
                {
                    match &action.rels[n].source {
                        Source::Subquery(query) => query,
                        _ => action,
                    }
                }
                _ => action,
            });
            level.names.extend(first.into_iter().flat_map(|q| q.rels.iter().map(|r| r.alias.clone())));
            writer.levels.push(level);
            writer.indent = STANDARD;
            writer.expr(e)?;
        }
        Some((writer.out, shown))
    }

    fn writer<'a, 'q>(&'a self, alone: Option<&'q Relation>) -> Writer<'a, 'q> {
        Writer { shown: self, out: String::new(), indent: 0, levels: Vec::new(), alone, alone_prefix: None }
    }
}

impl Writer<'_, '_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// `text` on a line of its own; the indentation changes before and after (ruleutils.c, appendContextKeyword).
    fn keyword(&mut self, text: &str, before: i32, after: i32, plus: i32) {
        if self.shown.flat {
            self.put(text);
            return;
        }
        self.indent += before;
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
        let depth = self.indent.max(0);
        let spaces = match depth < LIMIT {
            true => depth + plus,
            false => (LIMIT + (depth - LIMIT) / (STANDARD / 2)) % LIMIT + plus,
        };
        self.out.extend(std::iter::repeat_n(' ', spaces.max(0) as usize));
        self.out.push_str(text);
        self.indent = (self.indent + after).max(0);
    }

    /// What stands where a line would end, or begin, if there were lines.
    fn gap(&mut self) {
        match self.shown.flat {
            true => self.put(" "),
            false => self.keyword("", 0, 0, 0),
        }
    }

    /// A clause of a query.
    fn clause(&mut self, text: &str, plus: i32) {
        self.keyword(text, -STANDARD, STANDARD, plus);
    }

    /// What `f` writes, apart.
    fn aside(&mut self, f: impl FnOnce(&mut Self) -> Option<()>) -> Option<String> {
        let before = std::mem::take(&mut self.out);
        let done = f(self);
        let made = std::mem::replace(&mut self.out, before);
        done.map(|()| made)
    }

    /// Outer parentheses, unless few are wanted.
    fn wrapped(&mut self, f: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let wrap = !self.shown.pretty;
        if wrap {
            self.put("(");
        }
        f(self)?;
        if wrap {
            self.put(")");
        }
        Some(())
    }

    fn in_parens(&mut self, f: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.put("(");
        f(self)?;
        self.put(")");
        Some(())
    }

    /// Items with commas between.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut f: impl FnMut(&mut Self, T) -> Option<()>,
    ) -> Option<()> {
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                self.put(", ");
            }
            f(self, item)?;
        }
        Some(())
    }
}
