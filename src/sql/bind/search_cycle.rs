//! SEARCH and CYCLE of a recursive query: columns made beside its own. PostgreSQL 15, rewriteSearchCycle.c: both sides
//! of the union are wrapped in a query that computes them, and the recursive side carries the last round's through.

use super::cte::columns_of;
use super::scope::var;
use super::{Binder, FromNode, Query, Rel, RelColumn, Source, Target};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func;
use crate::types::{TypeRef, Value, oid};

/// The columns SEARCH and CYCLE add, in the order PostgreSQL appends them: sequence, mark, path.
#[derive(Clone, Debug)]
pub struct Marks {
    /// The names of the query's own columns.
    pub own: Vec<String>,
    pub search: Option<Search>,
    pub cycle: Option<Cycle>,
}

#[derive(Clone, Debug)]
pub struct Search {
    pub breadth_first: bool,
    pub sequence: String,
    /// 0-based columns of the query.
    pub by: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct Cycle {
    pub by: Vec<usize>,
    pub mark: String,
    pub value: Expr,
    pub default: Expr,
    pub path: String,
}

const RECORD: TypeRef = TypeRef::of(oid::RECORD);
const RECORDS: TypeRef = TypeRef::of(oid::RECORD_ARRAY);

impl Marks {
    pub fn columns(&self) -> Vec<RelColumn> {
        let column = |name: &str, ty| RelColumn { name: name.to_owned(), ty, dropped: false };
        let mut out = Vec::new();
        if let Some(s) = &self.search {
            out.push(column(&s.sequence, if s.breadth_first { RECORD } else { RECORDS }));
        }
        if let Some(c) = &self.cycle {
            out.push(column(&c.mark, c.value.ty));
            out.push(column(&c.path, RECORDS));
        }
        out
    }
}

fn array_of(element: Expr) -> Expr {
    Expr::new(ExprKind::Array { elements: vec![element], nested: false }, RECORDS)
}

/// The query's columns `by` as one row, after the round if there is one. Its fields have their names.
fn key(depth: Option<Expr>, by: &[usize], columns: &[RelColumn], names: &[String]) -> Expr {
    let named = by.iter().map(|i| (var(0, *i as i16 + 1, columns[*i].ty), names[*i].clone()));
    let (fields, names) = depth.map(|d| (d, "*DEPTH*".to_owned())).into_iter().chain(named).unzip();
    Expr::new(ExprKind::Row { fields, names }, RECORD)
}

fn call(name: &str, args: Vec<Expr>, ty: TypeRef) -> Result<Expr> {
    let Some(func) = func::funcs_named(name).first() else {
        return Err(Error::internal("a function of SEARCH or CYCLE is missing"));
    };
    Ok(Expr::new(ExprKind::Func { func, oper: None, args, variadic: false }, ty))
}

fn appended(array: Expr, element: Expr) -> Result<Expr> {
    call("array_cat", vec![array, array_of(element)], RECORDS)
}

impl Binder<'_, '_> {
    /// The recursive side also gives the columns of the last round's rows, taken from its own reference.
    ///
    /// # Errors
    /// 0A000 where a side is not a plain SELECT or the reference is not directly in its FROM.
    pub(super) fn carry_marks(
        &self,
        cte: &ast::CommonTable,
        left: &ast::SelectStmt,
        right: &mut ast::SelectStmt,
    ) -> Result<()> {
        if matches!(left.body, ast::SelectBody::SetOp(_)) {
            return Err(Error::unsupported(
                "with a SEARCH or CYCLE clause, the left side of the UNION must be a SELECT",
            ));
        }
        let ast::SelectBody::Select(core) = &mut right.body else {
            return Err(Error::unsupported(
                "with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT",
            ));
        };
        let hidden = right.with.iter().flat_map(|w| &w.ctes).any(|c| c.name == cte.name);
        let Some(alias) = core.from.iter().find_map(|f| reference(f, &cte.name)).filter(|_| !hidden) else {
            return Err(Error::unsupported(format!(
                "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"{}\" must be at the top level of its right-hand SELECT",
                cte.name
            )));
        };
        let mut names = Vec::new();
        names.extend(cte.search.iter().map(|s| s.sequence.clone()));
        names.extend(cte.cycle.iter().flat_map(|c| [c.mark.clone(), c.path.clone()]));
        for name in names {
            let parts = vec![alias.clone(), name];
            let expr = ast::Expr::new(ast::ExprKind::Column { parts, star: false }, ast::NOWHERE);
            core.targets.push(ast::Target { name: None, expr, pos: ast::NOWHERE });
        }
        Ok(())
    }

    /// What SEARCH and CYCLE ask for, checked against the query's columns.
    pub(super) fn marks(&mut self, cte: &ast::CommonTable, columns: &[RelColumn]) -> Result<Option<Marks>> {
        let taken = |name: &str| columns.iter().any(|c| c.name == name);
        let search = match &cte.search {
            None => None,
            Some(s) => {
                let by = self.listed("search", &s.columns, columns, s.pos)?;
                if taken(&s.sequence) {
                    return Err(self.name_used("search sequence", &s.sequence, s.pos));
                }
                Some(Search { breadth_first: s.breadth_first, sequence: s.sequence.clone(), by })
            }
        };
        let cycle = match &cte.cycle {
            None => None,
            Some(c) => {
                let by = self.listed("cycle", &c.columns, columns, c.pos)?;
                if taken(&c.mark) {
                    return Err(self.name_used("cycle mark", &c.mark, c.pos));
                }
                if taken(&c.path) {
                    return Err(self.name_used("cycle path", &c.path, c.pos));
                }
                let same = |a: &str, b: &str| {
                    err!(SYNTAX_ERROR, "{a} column name and {b} column name are the same").at(self.at(c.pos))
                };
                if c.mark == c.path {
                    return Err(same("cycle mark", "cycle path"));
                }
                if let (Some(s), Some(written)) = (&search, &cte.search) {
                    for (other, what) in [(&c.mark, "cycle mark"), (&c.path, "cycle path")] {
                        if s.sequence == *other {
                            let text = format!("search sequence column name and {what} column name are the same");
                            return Err(err!(SYNTAX_ERROR, "{text}").at(self.at(written.pos)));
                        }
                    }
                }
                let (value, default) = (self.expr(&c.mark_value)?, self.expr(&c.mark_default)?);
                let (both, _) = self.unify(vec![value, default], "CYCLE")?;
                let [value, default]: [Expr; 2] =
                    both.try_into().map_err(|_| Error::internal("two values unify to two"))?;
                self.require_equality(value.ty.oid, None)?;
                Some(Cycle { by, mark: c.mark.clone(), value, default, path: c.path.clone() })
            }
        };
        let own = columns.iter().map(|c| c.name.clone()).collect();
        Ok((search.is_some() || cycle.is_some()).then_some(Marks { own, search, cycle }))
    }

    fn name_used(&self, what: &str, name: &str, pos: ast::Pos) -> Error {
        err!(SYNTAX_ERROR, "{what} column name \"{name}\" already used in WITH query column list").at(self.at(pos))
    }

    fn listed(&self, what: &str, names: &[String], columns: &[RelColumn], pos: ast::Pos) -> Result<Vec<usize>> {
        let mut out = Vec::with_capacity(names.len());
        for n in names {
            let Some(i) = columns.iter().position(|c| c.name == *n) else {
                return Err(err!(SYNTAX_ERROR, "{what} column \"{n}\" not in WITH query column list").at(self.at(pos)));
            };
            if out.contains(&i) {
                return Err(err!(DUPLICATE_COLUMN, "{what} column \"{n}\" specified more than once").at(self.at(pos)));
            }
            out.push(i);
        }
        Ok(out)
    }

    /// The non-recursive side with the columns of the first round.
    pub(super) fn mark_first(&mut self, inner: Query, marks: &Marks) -> Result<Query> {
        let columns = columns_of(&inner);
        let mut made = Vec::new();
        if let Some(s) = &marks.search {
            made.push(match s.breadth_first {
                false => array_of(key(None, &s.by, &columns, &marks.own)),
                true => {
                    let zero = Expr::new(ExprKind::Const(Value::I64(0)), TypeRef::of(oid::INT8));
                    key(Some(zero), &s.by, &columns, &marks.own)
                }
            });
        }
        if let Some(c) = &marks.cycle {
            made.push(c.default.clone());
            made.push(array_of(key(None, &c.by, &columns, &marks.own)));
        }
        Ok(wrap(inner, "*TLOCRN*", &columns, marks, made, None))
    }

    /// The recursive side, whose last columns are those of the round before.
    pub(super) fn mark_next(&mut self, inner: Query, marks: &Marks) -> Result<Query> {
        let columns = columns_of(&inner);
        let mut made = Vec::new();
        let mut filter = None;
        let mut at = marks.own.len();
        if let Some(s) = &marks.search {
            let before = var(0, at as i16 + 1, columns[at].ty);
            at += 1;
            made.push(match s.breadth_first {
                false => appended(before, key(None, &s.by, &columns, &marks.own))?,
                true => {
                    let int8 = TypeRef::of(oid::INT8);
                    let depth = Expr::new(ExprKind::Field { arg: Box::new(before), index: 0 }, int8);
                    key(Some(call("int8inc", vec![depth], int8)?), &s.by, &columns, &marks.own)
                }
            });
        }
        if let Some(c) = &marks.cycle {
            let (mark, path) = (var(0, at as i16 + 1, columns[at].ty), var(0, at as i16 + 2, RECORDS));
            let seen =
                self.op_array(None, "=", true, key(None, &c.by, &columns, &marks.own), path.clone(), ast::NOWHERE)?;
            let otherwise = Some(Box::new(c.default.clone()));
            made.push(Expr::new(
                ExprKind::Case { operand: None, arms: vec![(seen, c.value.clone())], otherwise },
                c.value.ty,
            ));
            made.push(appended(path, key(None, &c.by, &columns, &marks.own))?);
            filter = Some(self.make_op(None, "<>", Some(mark), c.value.clone(), ast::NOWHERE)?);
        }
        Ok(wrap(inner, "*TROCRN*", &columns, marks, made, filter))
    }
}

/// The alias under which FROM reads the query itself.
fn reference(item: &ast::FromItem, name: &str) -> Option<String> {
    match item {
        ast::FromItem::Table(t) if t.schema.is_none() && t.name == name => {
            Some(t.alias.as_ref().map_or_else(|| t.name.clone(), |a| a.name.clone()))
        }
        ast::FromItem::Join(j) => reference(&j.left, name).or_else(|| reference(&j.right, name)),
        _ => None,
    }
}

fn wrap(
    inner: Query,
    alias: &str,
    columns: &[RelColumn],
    marks: &Marks,
    made: Vec<Expr>,
    filter: Option<Expr>,
) -> Query {
    let own = columns[..marks.own.len()].iter().enumerate().map(|(i, c)| Target {
        name: c.name.clone(),
        expr: var(0, i as i16 + 1, c.ty),
        junk: false,
        origin: None,
    });
    let extra =
        marks.columns().into_iter().zip(made).map(|(c, expr)| Target { name: c.name, expr, junk: false, origin: None });
    let targets = own.chain(extra).collect();
    let rel = Rel::new(alias.to_owned(), Source::Subquery(Box::new(inner)), columns.to_vec());
    Query { rels: vec![rel], from: vec![FromNode::Rel(0)], filter, targets, ..Query::default() }
}
