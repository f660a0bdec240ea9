//! Queries: PostgreSQL 15, ruleutils.c, get_query_def.

use super::expr::order_words;
use super::names::{Columns, Level};
use super::parens::cast_arg;
use super::{LIST, STANDARD, Writer};
use crate::catalog::{RelKind, Relation};
use crate::sql::bind::search_cycle::Marks;
use crate::sql::bind::{
    Cte, Distinct, FromNode, FunctionItem, GroupWritten, JoinNode, Query, Rel, RelColumn, SetTree, Source, Target,
};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{JoinKind, LockStrength, LockWait, SetOpKind};
use crate::types::name::{format_type_sql, quote_identifier};
use crate::types::{Value, oid};

fn is_lone_values(q: &Query) -> bool {
    let plain = q.from.len() == 1 && q.filter.is_none() && q.group_by.is_empty() && q.having.is_none();
    plain
        && q.rels.len() == 1
        && matches!(q.rels[0].source, Source::Values(_))
        && q.targets.iter().enumerate().all(|(n, t)| {
            t.junk || matches!(t.expr.kind, ExprKind::Var { rel: 0, attno, levels_up: 0 } if attno as usize == n + 1)
        })
}

impl<'q> Writer<'_, 'q> {
    /// The names of a level, new among those further out.
    pub(super) fn level(&self, query: &'q Query) -> Level<'q> {
        // A view's rule has entries of these names.
        let mut taken: Vec<String> = vec!["old".into(), "new".into()];
        if self.alone.is_some() {
            taken.clear();
            taken.extend(self.alone.map(|r| r.name.clone()));
        }
        taken.extend(self.levels.iter().flat_map(|l| l.taken().cloned()));
        Level::of(query, taken)
    }

    pub(super) fn query(&mut self, q: &'q Query, names: Option<&[&str]>, visible: bool) -> Option<()> {
        let level = self.level(q);
        self.query_at(level, names, visible)
    }

    fn query_at(&mut self, level: Level<'q>, names: Option<&[&str]>, visible: bool) -> Option<()> {
        let q = level.query;
        self.levels.push(level);
        let before = self.indent;
        let done = match &q.write {
            Some(w) => self.write(q, w, visible),
            None => self.select_query(q, names, visible),
        };
        self.indent = before;
        self.levels.pop();
        done
    }

    fn select_query(&mut self, q: &'q Query, names: Option<&[&str]>, visible: bool) -> Option<()> {
        self.with(q)?;
        match &q.set_op {
            Some(tree) => self.set_node(q, tree, names, visible)?,
            None => self.basic(q, names, visible)?,
        }
        if !q.order_by.is_empty() {
            self.clause(" ORDER BY ", 1);
            self.list(&q.order_by, |w, o| {
                match &q.set_op {
                    Some(_) => w.put(&(o.target + 1).to_string()),
                    None => w.sort_expr(w.as_written(&q.targets.get(o.target)?.expr))?,
                }
                w.put(order_words(o.desc, o.nulls_first));
                Some(())
            })?;
        }
        if let Some(e) = &q.offset {
            self.clause(" OFFSET ", 0);
            self.bare(e)?;
        }
        if let Some(e) = &q.limit {
            if q.with_ties {
                self.clause(" FETCH FIRST ", 0);
                self.in_parens(|w| w.bare(e))?;
                self.put(" ROWS WITH TIES");
            } else {
                self.clause(" LIMIT ", 0);
                match &e.kind {
                    ExprKind::Const(Value::Null) => self.put("ALL"),
                    _ => self.bare(e)?,
                }
            }
        }
        for lock in &q.locks {
            let word = match lock.strength {
                LockStrength::KeyShare => " FOR KEY SHARE",
                LockStrength::Share => " FOR SHARE",
                LockStrength::NoKeyUpdate => " FOR NO KEY UPDATE",
                LockStrength::Update => " FOR UPDATE",
            };
            self.clause(word, 0);
            let name = self.levels.last()?.names.get(lock.rel)?.clone();
            self.put(&format!(" OF {}", quote_identifier(&name)));
            self.put(match lock.wait {
                LockWait::Block => "",
                LockWait::NoWait => " NOWAIT",
                LockWait::SkipLocked => " SKIP LOCKED",
            });
        }
        Some(())
    }

    pub(super) fn with(&mut self, q: &'q Query) -> Option<()> {
        if q.ctes.is_empty() {
            return Some(());
        }
        self.indent += STANDARD;
        let recursive = q.ctes.iter().any(|c| c.recursive);
        self.lead();
        self.put(if recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(&q.ctes, |w, cte| w.cte(cte))?;
        self.indent -= STANDARD;
        self.gap();
        Some(())
    }

    /// The space before a statement.
    pub(super) fn lead(&mut self) {
        if !self.shown.flat {
            self.put(" ");
        }
    }

    fn cte(&mut self, cte: &'q Cte) -> Option<()> {
        self.put(&quote_identifier(&cte.name));
        let marks = cte.recursion.as_ref().and_then(|r| r.marks.as_ref());
        if cte.renamed {
            self.columns(&cte.columns[..marks.map_or(cte.columns.len(), |m| m.own.len())]);
        }
        self.put(match cte.materialized {
            None => " AS (",
            Some(true) => " AS MATERIALIZED (",
            Some(false) => " AS NOT MATERIALIZED (",
        });
        self.keyword("", 0, 0, 0);
        match &cte.recursion {
            Some(r) => {
                // The two sides are one query of PostgreSQL's, whose level they stand in.
                self.side(&r.left, marks, true)?;
                self.between();
                self.keyword(if r.distinct { "UNION " } else { "UNION ALL " }, 0, 0, 0);
                self.keyword("", 0, 0, 0);
                self.side(&r.right, marks, false)?;
            }
            None => self.query(&cte.query, None, true)?,
        }
        self.keyword("", 0, 0, 0);
        self.put(")");
        marks.map_or(Some(()), |m| self.search_and_cycle(m))
    }

    /// One side of a recursive query, without what SEARCH and CYCLE have put around it.
    fn side(&mut self, q: &'q Query, marks: Option<&Marks>, visible: bool) -> Option<()> {
        let Some(marks) = marks else { return self.leaf(q, visible) };
        let Source::Subquery(inner) = &q.rels.first()?.source else { return None };
        let around = self.level(q);
        self.levels.push(around);
        let done = self.leaf_of(inner, None, visible, marks.own.len());
        self.levels.pop();
        done
    }

    fn search_and_cycle(&mut self, marks: &'q Marks) -> Option<()> {
        let listed = |by: &[usize]| {
            by.iter().filter_map(|i| marks.own.get(*i)).map(|n| quote_identifier(n)).collect::<Vec<_>>().join(", ")
        };
        if let Some(s) = &marks.search {
            let word = if s.breadth_first { "BREADTH" } else { "DEPTH" };
            self.put(&format!(" SEARCH {word} FIRST BY {} SET {}", listed(&s.by), quote_identifier(&s.sequence)));
        }
        if let Some(c) = &marks.cycle {
            self.put(&format!(" CYCLE {} SET {}", listed(&c.by), quote_identifier(&c.mark)));
            let is = |e: &Expr, wanted| matches!(e.kind, ExprKind::Const(Value::Bool(b)) if b == wanted);
            if !(is(&c.value, true) && is(&c.default, false)) {
                self.put(" TO ");
                self.bare(&c.value)?;
                self.put(" DEFAULT ");
                self.bare(&c.default)?;
            }
            self.put(&format!(" USING {}", quote_identifier(&c.path)));
        }
        Some(())
    }

    /// One side of a set operation.
    fn leaf(&mut self, q: &'q Query, visible: bool) -> Option<()> {
        self.named_leaf(q, None, visible)
    }

    fn named_leaf(&mut self, q: &'q Query, names: Option<&[&str]>, visible: bool) -> Option<()> {
        self.leaf_of(q, names, visible, usize::MAX)
    }

    /// Only the `first` output columns are written.
    fn leaf_of(&mut self, q: &'q Query, names: Option<&[&str]>, visible: bool, first: usize) -> Option<()> {
        let parens = !q.ctes.is_empty()
            || !q.order_by.is_empty()
            || !q.locks.is_empty()
            || q.limit.is_some()
            || q.offset.is_some();
        let mut level = self.level(q);
        level.leaf = true;
        level.first = first;
        match parens {
            true => self.in_parens(|w| w.query_at(level, names, visible)),
            false => self.query_at(level, names, visible),
        }
    }

    fn set_node(&mut self, q: &'q Query, tree: &'q SetTree, names: Option<&[&str]>, visible: bool) -> Option<()> {
        let SetTree::Node { op, all, left, right } = tree else {
            let SetTree::Leaf(n) = tree else { return None };
            let Source::Subquery(leaf) = &q.rels.get(*n)?.source else { return None };
            return self.named_leaf(leaf, names, visible);
        };
        let same_kind = |t: &SetTree| matches!(t, SetTree::Node { op: o, all: a, .. } if o == op && a == all);
        let is_leaf = |t: &SetTree| matches!(t, SetTree::Leaf(_));
        match is_leaf(left) || same_kind(left) {
            true => {
                self.set_node(q, left, names, visible)?;
                self.gap();
            }
            false => {
                self.put("(");
                self.keyword("", STANDARD, 0, 0);
                self.set_node(q, left, names, visible)?;
                self.keyword(") ", -STANDARD, 0, 0);
            }
        }
        self.put(match op {
            SetOpKind::Union => "UNION ",
            SetOpKind::Intersect => "INTERSECT ",
            SetOpKind::Except => "EXCEPT ",
        });
        if *all {
            self.put("ALL ");
        }
        match is_leaf(right) {
            true => {
                self.keyword("", 0, 0, 0);
                self.set_node(q, right, names, false)?;
            }
            false => {
                self.put("(");
                self.keyword("", STANDARD, 0, 0);
                self.set_node(q, right, names, false)?;
                self.indent -= STANDARD;
                self.keyword(")", 0, 0, 0);
            }
        }
        Some(())
    }

    pub(super) fn values(&mut self, rows: &'q [Vec<Expr>]) -> Option<()> {
        self.value_rows(rows.iter().map(|row| row.iter().collect()))
    }

    pub(super) fn value_rows(&mut self, rows: impl IntoIterator<Item = Vec<&'q Expr>>) -> Option<()> {
        self.put("VALUES ");
        self.list(rows, |w, row| {
            w.in_parens(|w| {
                for (n, e) in row.into_iter().enumerate() {
                    if n > 0 {
                        w.put(",");
                    }
                    w.bare_apart(e)?;
                }
                Some(())
            })
        })
    }

    fn basic(&mut self, q: &'q Query, names: Option<&[&str]>, visible: bool) -> Option<()> {
        self.indent += STANDARD;
        self.lead();
        let own = || q.targets.iter().filter(|t| !t.junk).map(|t| t.name.as_str());
        if is_lone_values(q)
            && names.is_none_or(|n| n.iter().copied().eq(own()))
            && let Source::Values(rows) = &q.rels[0].source
        {
            return self.values(rows);
        }
        self.put("SELECT");
        match &q.distinct {
            Distinct::No => {}
            Distinct::All => self.put(" DISTINCT"),
            Distinct::On(on) => {
                self.put(" DISTINCT ON (");
                self.list(on, |w, t| w.sort_expr(w.as_written(&q.targets.get(*t)?.expr)))?;
                self.put(")");
            }
        }
        self.targets(q, names, visible)?;
        self.from_clause(q)?;
        if let Some(f) = &q.filter {
            self.clause(" WHERE ", 1);
            self.expr(f)?;
        }
        if !q.group_by.is_empty() || q.grouping_sets.is_some() {
            self.clause(" GROUP BY ", 1);
            if q.group_distinct {
                self.put("DISTINCT ");
            }
            match q.grouping_sets.is_some() {
                true if q.group_written.is_empty() => return None,
                true => self.list(&q.group_written, |w, g| w.group_item(q, g, true))?,
                false => self.list(&q.group_by, |w, e| w.sort_expr(e))?,
            }
        }
        if let Some(h) = &q.having {
            self.clause(" HAVING ", 0);
            self.expr(h)?;
        }
        for (n, (name, spec)) in q.windows.iter().enumerate() {
            match n {
                0 => self.clause(" WINDOW ", 1),
                _ => self.put(", "),
            }
            self.put(&format!("{} AS ", quote_identifier(name)));
            self.window_spec(spec)?;
        }
        Some(())
    }

    fn group_item(&mut self, q: &'q Query, item: &'q GroupWritten, bare: bool) -> Option<()> {
        let (head, list, bare_inside) = match item {
            GroupWritten::Simple(list) => {
                let parens = !bare || list.len() != 1;
                if parens {
                    self.put("(");
                }
                self.list(list, |w, n| w.sort_expr(q.group_by.get(*n)?))?;
                if parens {
                    self.put(")");
                }
                return Some(());
            }
            GroupWritten::Rollup(list) => ("ROLLUP(", list, true),
            GroupWritten::Cube(list) => ("CUBE(", list, true),
            GroupWritten::Sets(list) => ("GROUPING SETS (", list, false),
        };
        self.put(head);
        self.list(list, |w, g| w.group_item(q, g, bare_inside))?;
        self.put(")");
        Some(())
    }

    fn targets(&mut self, q: &'q Query, names: Option<&[&str]>, visible: bool) -> Option<()> {
        self.target_list(&q.targets, names, visible)
    }

    pub(super) fn target_list(&mut self, list: &'q [Target], names: Option<&[&str]>, visible: bool) -> Option<()> {
        let mut many_lines = false;
        let leaf = self.levels.last().is_some_and(|l| l.leaf);
        let first = self.levels.last().map_or(usize::MAX, |l| l.first);
        for (n, t) in list.iter().filter(|t| !t.junk).take(first).enumerate() {
            self.put(if n == 0 { " " } else { ", " });
            let name = names.and_then(|all| all.get(n)).copied().unwrap_or(t.name.as_str());
            let text = self.aside(|w| {
                let shown = w.as_written(&t.expr);
                let own = match &shown.kind {
                    ExprKind::Var { rel, attno, levels_up } => {
                        w.expr(shown)?;
                        Some(w.var(*rel, *attno, *levels_up)?.1)
                    }
                    _ => {
                        match leaf {
                            true => w.bare(&t.expr)?,
                            false => w.apart(&t.expr)?,
                        }
                        match w.merged_name(&t.expr) {
                            Some((_, own)) => Some(own),
                            None => (!visible).then(|| "?column?".to_string()),
                        }
                    }
                };
                if own.as_deref() != Some(name) {
                    w.put(&format!(" AS {}", quote_identifier(name)));
                }
                Some(())
            })?;
            if text.starts_with('\n') {
                self.out.truncate(self.out.trim_end_matches(' ').len());
            } else if n > 0 && !self.shown.flat && (many_lines || self.wraps(text.len())) {
                self.keyword("", -STANDARD, STANDARD, LIST);
            }
            many_lines = text[1.min(text.len())..].contains('\n');
            self.put(&text);
        }
        Some(())
    }

    /// An output column: a side of a set operation is written as it was before its columns got their common types.
    fn as_written(&self, e: &'q Expr) -> &'q Expr {
        match cast_arg(e) {
            Some(inside) if self.levels.last().is_some_and(|l| l.leaf) && self.merged_name(e).is_none() => {
                self.as_written(inside)
            }
            _ => e,
        }
    }

    /// Whether so many bytes more go on a line of their own.
    fn wraps(&self, more: usize) -> bool {
        !self.shown.flat && self.column() + more > self.shown.width
    }

    /// Bytes on the line begun.
    fn column(&self) -> usize {
        self.out.len() - self.out.rfind('\n').map_or(0, |n| n + 1)
    }

    fn from_clause(&mut self, q: &'q Query) -> Option<()> {
        self.from_nodes(q, &q.from.iter().collect::<Vec<_>>(), " FROM ")
    }

    pub(super) fn from_nodes(&mut self, q: &'q Query, nodes: &[&'q FromNode], word: &str) -> Option<()> {
        for (n, node) in nodes.iter().enumerate() {
            if n == 0 {
                self.clause(word, 2);
                self.from(q, node)?;
                continue;
            }
            self.put(", ");
            let text = self.aside(|w| w.from(q, node))?;
            if text.starts_with('\n') {
                self.out.truncate(self.out.trim_end_matches(' ').len());
            } else if self.wraps(text.len()) {
                self.keyword("", -STANDARD, STANDARD, LIST);
            }
            self.put(&text);
        }
        Some(())
    }

    fn from(&mut self, q: &'q Query, node: &'q FromNode) -> Option<()> {
        match node {
            FromNode::Rel(n) => self.entry(q, *n),
            FromNode::Join(j) => self.join(q, j),
        }
    }

    fn join(&mut self, q: &'q Query, j: &'q JoinNode) -> Option<()> {
        let word = match (j.kind, &j.on) {
            (JoinKind::Inner, Some(_)) => " JOIN ",
            (JoinKind::Inner, None) => " CROSS JOIN ",
            (JoinKind::Left, _) => " LEFT JOIN ",
            (JoinKind::Right, _) => " RIGHT JOIN ",
            (JoinKind::Full, _) => " FULL JOIN ",
            _ => return None,
        };
        let n = self.levels.last()?.join(j)?;
        let (using, name, columns) = {
            let names = &mut self.levels.last_mut()?.joins[n];
            names.open = true;
            (names.using.clone(), names.name.clone(), names.columns.clone())
        };
        let wrap = !self.shown.pretty || name.is_some();
        if wrap {
            self.put("(");
        }
        self.from(q, &j.left)?;
        self.clause(word, LIST);
        let unnamed = |node: &FromNode| matches!(node, FromNode::Join(j) if j.written.alias.is_none());
        match self.shown.pretty && unnamed(&j.right) {
            true => self.in_parens(|w| w.from(q, &j.right))?,
            false => self.from(q, &j.right)?,
        }
        match &j.on {
            Some(_) if !using.is_empty() => {
                let names: Vec<String> = using.iter().map(|n| quote_identifier(n)).collect();
                self.put(&format!(" USING ({})", names.join(", ")));
                if let Some(alias) = &j.written.using_alias {
                    self.put(&format!(" AS {}", quote_identifier(alias)));
                }
            }
            Some(e) => {
                self.put(" ON ");
                match self.shown.pretty {
                    true => self.expr(e)?,
                    false => self.in_parens(|w| w.expr(e))?,
                }
            }
            None if j.kind != JoinKind::Inner => self.put(" ON TRUE"),
            None => {}
        }
        if wrap {
            self.put(")");
        }
        self.levels.last_mut()?.joins[n].open = false;
        if let Some(name) = name {
            self.put(&format!(" {}", quote_identifier(&name)));
            self.columns_if_listed(&columns);
        }
        Some(())
    }

    /// The name of a column that USING made of two, where it is no column of either, and of the join if that has one.
    fn merged_name(&self, e: &Expr) -> Option<(Option<String>, String)> {
        if !matches!(e.kind, ExprKind::Coalesce(_) | ExprKind::Relabel(_) | ExprKind::Func { .. }) {
            return None;
        }
        let mut levels = self.levels.iter().rev().enumerate();
        let (alias, name) = levels.find_map(|(up, level)| level.merged(e, up))?;
        Some((alias.map(str::to_string), name.to_string()))
    }

    pub(super) fn merged(&mut self, e: &Expr) -> Option<Option<()>> {
        let (alias, name) = self.merged_name(e)?;
        if let Some(alias) = alias {
            self.put(&format!("{}.", quote_identifier(&alias)));
        }
        self.put(&quote_identifier(&name));
        Some(Some(()))
    }

    fn entry(&mut self, q: &'q Query, n: usize) -> Option<()> {
        let entry = &q.rels[n];
        let level = self.levels.last()?;
        let (name, columns) = (level.names.get(n)?.clone(), level.columns.get(n)?.clone());
        if entry.lateral && matches!(entry.source, Source::Subquery(_)) && entry.view.is_none() {
            self.put("LATERAL ");
        }
        if let Some(view) = &entry.view {
            return self.relation(view, entry, &name, &columns);
        }
        match &entry.source {
            Source::Table { rel, sample, inherit } => {
                let only =
                    !*inherit && !matches!(rel.kind, RelKind::View | RelKind::MatView) && rel.generated_by.is_none();
                if only {
                    self.put("ONLY ");
                }
                self.relation(rel, entry, &name, &columns)?;
                if let Some(s) = sample {
                    self.put(if s.bernoulli { " TABLESAMPLE bernoulli (" } else { " TABLESAMPLE system (" });
                    self.bare(&s.percent)?;
                    self.put(")");
                    if let Some(seed) = &s.seed {
                        self.put(" REPEATABLE (");
                        self.bare(seed)?;
                        self.put(")");
                    }
                }
                Some(())
            }
            Source::Subquery(inner) => {
                self.in_parens(|w| w.query(inner, None, true))?;
                self.put(&format!(" {}", quote_identifier(&name)));
                self.columns_if_listed(&columns);
                Some(())
            }
            Source::Values(rows) => {
                self.in_parens(|w| w.values(rows))?;
                self.put(&format!(" {}", quote_identifier(&name)));
                self.columns_if_listed(&columns);
                Some(())
            }
            Source::Function { calls, ordinality } => self.functions(&columns, &name, calls, *ordinality),
            Source::Cte { index, levels_up } | Source::WorkTable { index, levels_up } => {
                let level = &self.levels[self.levels.len().checked_sub(1 + levels_up)?];
                let cte = level.query.ctes.get(*index)?;
                self.put(&quote_identifier(&cte.name));
                if entry.aliased || columns.listed || name != cte.name {
                    self.put(&format!(" {}", quote_identifier(&name)));
                }
                self.columns_if_listed(&columns);
                Some(())
            }
        }
    }

    fn functions(&mut self, columns: &Columns, name: &str, calls: &'q [FunctionItem], ordinality: bool) -> Option<()> {
        let record = |c: &FunctionItem| c.scalar.is_none() && c.func.ret == oid::RECORD && c.defined;
        let one = |w: &mut Self, c: &'q FunctionItem| match &c.scalar {
            Some(e) => w.scalar(e),
            None => match &c.written {
                Some(e) => w.expr(e),
                None => w.call(c.func, &c.args, false),
            },
        };
        let mut defined = None;
        // Functions may always refer to what stands before them; those that do say so.
        let own = |e: &Expr| e.any(&mut |x| matches!(x.kind, ExprKind::Var { levels_up: 0, .. }));
        if calls.iter().any(|c| c.args.iter().chain(&c.scalar).any(own)) {
            self.put("LATERAL ");
        }
        match calls {
            [call] if !record(call) || !ordinality => {
                one(self, call)?;
                defined = record(call).then_some(call);
            }
            _ if calls.iter().all(|c| c.func.name == "unnest" && c.scalar.is_none()) => {
                self.put("unnest(");
                self.list(calls, |w, c| w.expr(c.args.first()?))?;
                self.put(")");
            }
            _ => {
                self.put("ROWS FROM(");
                self.list(calls, |w, c| {
                    one(w, c)?;
                    if record(c) {
                        w.put(" AS ");
                        w.definitions(&c.columns);
                    }
                    Some(())
                })?;
                self.put(")");
            }
        }
        if ordinality {
            self.put(" WITH ORDINALITY");
        }
        self.put(&format!(" {}", quote_identifier(name)));
        match defined {
            Some(call) => {
                let names = columns.names.iter().flatten();
                let one = |(name, c): (&String, &RelColumn)| self.definition(name, c);
                let text = names.zip(&call.columns).map(one).collect::<Vec<_>>().join(", ");
                self.put(&format!("({text})"));
            }
            None => self.columns_if_listed(columns),
        }
        Some(())
    }

    /// An expression that stands where a function does (get_rule_expr_funccall).
    fn scalar(&mut self, e: &'q Expr) -> Option<()> {
        if super::syntax::is_call(e) {
            return self.expr(e);
        }
        self.put("CAST(");
        self.bare(e)?;
        let ty = format_type_sql(e.ty.oid, Some(e.ty.typmod), &*self.shown.io.hooks);
        self.put(&format!(" AS {ty})"));
        Some(())
    }

    fn definitions(&mut self, columns: &[RelColumn]) {
        let text = columns.iter().map(|c| self.definition(&c.name, c)).collect::<Vec<_>>().join(", ");
        self.put(&format!("({text})"));
    }

    fn definition(&self, name: &str, column: &RelColumn) -> String {
        let ty = format_type_sql(column.ty.oid, Some(column.ty.typmod), &*self.shown.io.hooks);
        format!("{} {ty}", quote_identifier(name))
    }

    /// The names of all columns that it has now, if they must be told.
    fn columns_if_listed(&mut self, columns: &Columns) {
        if columns.listed {
            let names: Vec<String> = columns.now.iter().map(|(n, _)| quote_identifier(n)).collect();
            self.put(&format!("({})", names.join(", ")));
        }
    }

    fn columns(&mut self, columns: &[RelColumn]) {
        let names: Vec<String> = columns.iter().map(|c| quote_identifier(&c.name)).collect();
        self.put(&format!("({})", names.join(", ")));
    }

    /// A relation with its alias where it has one or another name here, and columns' where they have.
    fn relation(&mut self, rel: &Relation, entry: &'q Rel, name: &str, columns: &Columns) -> Option<()> {
        let text = (self.shown.relation_name)(rel.oid);
        self.put(&text);
        if entry.aliased || name != rel.name || columns.listed {
            self.put(&format!(" {}", quote_identifier(name)));
        }
        self.columns_if_listed(columns);
        Some(())
    }
}
