//! What expressions and queries of definitions refer to. PostgreSQL 15, dependency.c, find_expr_references_walker:
//! columns, whole relations where no column of them is named, functions, types, objects whose OIDs are constants.

use crate::base::Oid;
use crate::catalog::object::class;
use crate::sql::bind::scope::WHOLE_ROW;
use crate::sql::bind::{Query, Source, WriteKind};
use crate::sql::expr::{Expr, ExprKind, Form};
use crate::sql::func::FuncDef;
use crate::types::{Value, oid};
use std::collections::BTreeSet;

/// Objects by catalog, OID and column.
pub(crate) type Found = BTreeSet<(Oid, Oid, i32)>;

/// What an expression over the columns of one relation refers to.
pub(crate) fn of_expression(e: &Expr, relation: Oid) -> Found {
    let mut reader = Reader { alone: relation, levels: Vec::new(), found: Found::new() };
    reader.expr(e);
    reader.found
}

/// What a query refers to: views as such, not what they read.
pub(crate) fn of_query(query: &Query) -> Found {
    of_queries(std::slice::from_ref(query))
}

/// The same of several queries together.
pub(crate) fn of_queries(queries: &[Query]) -> Found {
    let mut found = Found::new();
    for query in queries {
        let mut reader = Reader { alone: Oid::INVALID, levels: vec![query], found };
        reader.query();
        found = reader.found;
    }
    let all = found.clone();
    let named = |r: Oid| all.range((class::RELATION, r, 1)..=(class::RELATION, r, i32::MAX)).next().is_some();
    found.retain(|(kind, oid, column)| !(*kind == class::RELATION && *column == 0 && named(*oid)));
    found
}

/// The columns of its own relation that an expression reads, ascending.
pub fn columns_of(e: &Expr) -> Vec<i16> {
    let found = of_expression(e, Oid(1));
    found.into_iter().filter(|f| (f.0, f.1) == (class::RELATION, Oid(1)) && f.2 > 0).map(|f| f.2 as i16).collect()
}

struct Reader<'q> {
    /// The relation of an expression that stands alone.
    alone: Oid,
    /// The innermost query is last.
    levels: Vec<&'q Query>,
    found: Found,
}

impl<'q> Reader<'q> {
    fn function(&mut self, f: &FuncDef) {
        if f.is_users() {
            self.found.insert((class::PROC, f.oid, 0));
        }
    }

    fn type_(&mut self, ty: Oid) {
        if ty >= Oid::FIRST_NORMAL {
            self.found.insert((class::TYPE, ty, 0));
        }
    }

    fn query(&mut self) {
        let Some(query) = self.levels.last().copied() else { return };
        // Expressions are handed out for changes only; a copy is never shared.
        let mut copy = query.clone();
        if let Some(w) = &query.write {
            let entry = &query.rels[w.target];
            let changed: Vec<i16> = match &w.kind {
                WriteKind::Insert { .. } => entry.inserted.clone(),
                WriteKind::Update { set } => set.iter().map(|(n, _)| *n as i16 + 1).collect(),
                _ => Vec::new(),
            };
            if let Some(rel) = entry.relation() {
                self.found.extend(changed.iter().map(|n| (class::RELATION, rel.oid, i32::from(*n))));
            }
            // The others' values are defaults that nobody wrote here.
            if matches!(w.kind, WriteKind::Insert { .. }) {
                let mut attno = 0;
                copy.targets.retain(|_| {
                    attno += 1;
                    changed.contains(&attno)
                });
            }
        }
        copy.for_each_expr_mut(&mut |e| self.expr(e));
        self.found.extend(query.keys.iter().map(|key| (class::CONSTRAINT, *key, 0)));
        for entry in &query.rels {
            if let Some(rel) = entry.relation() {
                self.found.insert((class::RELATION, rel.oid, 0));
                continue;
            }
            match &entry.source {
                Source::Subquery(inner) => self.below(inner),
                Source::Function { calls, .. } => calls.iter().for_each(|c| self.function(c.func)),
                _ => {}
            }
        }
        for cte in &query.ctes {
            match &cte.recursion {
                Some(r) => {
                    self.below(&r.left);
                    self.below(&r.right);
                }
                None => self.below(&cte.query),
            }
        }
    }

    fn below(&mut self, query: &'q Query) {
        self.levels.push(query);
        self.query();
        self.levels.pop();
    }

    /// The relation a column belongs to.
    fn owner(&self, rel: usize, levels_up: usize) -> Option<Oid> {
        if self.levels.is_empty() {
            return Some(self.alone);
        }
        let level = self.levels[self.levels.len().checked_sub(1 + levels_up)?];
        level.rels.get(rel)?.relation().map(|rel| rel.oid)
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Written { form: Form::Keyword(word), .. } if word == "DEFAULT" => return,
            ExprKind::Var { rel, attno, levels_up } if *attno > 0 => {
                let owner = self.owner(*rel, *levels_up);
                self.found.extend(owner.map(|o| (class::RELATION, o, i32::from(*attno))));
            }
            ExprKind::Const(Value::U32(value))
                if matches!(e.ty.oid, oid::REGCONFIG | oid::REGDICTIONARY)
                    && *value >= crate::sql::command::FIRST_UNPINNED.0 =>
            {
                let kind = if e.ty.oid == oid::REGCONFIG { class::TS_CONFIG } else { class::TS_DICTIONARY };
                self.found.insert((kind, Oid(*value), 0));
            }
            ExprKind::Const(Value::U32(value)) if *value >= Oid::FIRST_NORMAL.0 => {
                let kind = match e.ty.oid {
                    oid::REGCLASS => Some(class::RELATION),
                    oid::REGTYPE => Some(class::TYPE),
                    oid::REGPROC | oid::REGPROCEDURE => Some(class::PROC),
                    oid::REGNAMESPACE => Some(class::NAMESPACE),
                    _ => None,
                };
                self.found.extend(kind.map(|k| (k, Oid(*value), 0)));
            }
            // A user's operator; its function is its own affair.
            ExprKind::Func { oper: Some(oper), .. } | ExprKind::ScalarArray { oper: Some(oper), .. }
                if *oper >= Oid::FIRST_NORMAL =>
            {
                self.found.insert((class::OPERATOR, *oper, 0));
            }
            ExprKind::Func { func, .. } | ExprKind::SetReturning { func, .. } => self.function(func),
            ExprKind::Aggregate(a) => self.function(a.func),
            ExprKind::Window(w) => self.function(w.func),
            ExprKind::SubLink(s) => {
                let mut inner =
                    Reader { alone: self.alone, levels: self.levels.clone(), found: std::mem::take(&mut self.found) };
                inner.levels.push(&s.query);
                inner.query();
                self.found = inner.found;
            }
            _ => {}
        }
        // Columns bring their types by their relations; whatever else has a type names it.
        // A whole row names none of its columns.
        if matches!(&e.kind, ExprKind::Row { names, .. } if names.last().is_some_and(|n| n == WHOLE_ROW)) {
            return;
        }
        if !matches!(e.kind, ExprKind::Var { .. }) {
            self.type_(e.ty.oid);
        }
        e.for_each_child(&mut |c| self.expr(c));
    }
}
