//! Expressions that a relation keeps as text: defaults, generated columns, checks, index columns and predicates.
//! Bound once per version of the relation and kept in [`Relation::bound`].

use super::scope::Clause;
use super::user_code::Everywhere;
use super::{BindContext, Names, bind_expr};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::IndexMethod;
use crate::catalog::{ConstraintKind, Relation};
use crate::sql::ast;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{Collation, IoContext, TypeRef, Value};
use std::sync::Arc;

/// A relation's own expressions. `Var { rel: 0, attno }` is the relation's attribute.
#[derive(Debug, Default)]
pub struct Stored {
    /// By attribute; generated columns have theirs in `generated`.
    pub defaults: Vec<Option<Expr>>,
    /// (0-based attribute, expression).
    pub generated: Vec<(usize, Expr)>,
    /// (constraint name, condition).
    pub checks: Vec<(String, Expr)>,
    /// By index of `Relation::indexes`: one expression per column, and the predicate.
    pub indexes: Vec<(Vec<Expr>, Option<Expr>)>,
    /// The columns of a partition key.
    pub partition_key: Vec<Expr>,
}

/// The bound expressions of a relation.
pub fn stored(rel: &Arc<Relation>, names: &dyn Names, io: &IoContext) -> Result<Arc<Stored>> {
    if let Some(kept) = rel.bound.get()
        && let Ok(s) = kept.clone().downcast::<Stored>()
    {
        return Ok(s);
    }
    let made = Arc::new(make(rel, names, io)?);
    // Whoever came first wins; both are equal.
    let _ = rel.bound.set(made.clone());
    Ok(made)
}

fn make(rel: &Arc<Relation>, names: &dyn Names, io: &IoContext) -> Result<Stored> {
    let mut out = Stored::default();
    for (i, a) in rel.attributes.iter().enumerate() {
        let mut default = None;
        if let (Some(text), false) = (&a.default, a.dropped) {
            if a.generated != 0 {
                out.generated
                    .push((i, bind_text(text, rel, names, io, Clause::Generated, Some((&a.name, a.ty)), true)?));
            } else {
                let mut bound = bind_text(text, rel, names, io, Clause::Default, Some((&a.name, a.ty)), false)?;
                if a.identity != 0 {
                    bound.rewrite(&mut draw_freely);
                }
                default = Some(bound);
            }
        }
        out.defaults.push(default);
    }
    for c in rel.constraints.iter().filter(|c| c.kind == ConstraintKind::Check) {
        if let Some(text) = &c.check {
            out.checks.push((c.name.clone(), bind_text(text, rel, names, io, Clause::Check, None, true)?));
        }
    }
    // They are checked in the order of their names (PostgreSQL 15, relcache.c, CheckConstraintFetch).
    out.checks.sort_by(|a, b| a.0.cmp(&b.0));
    for index in &rel.indexes {
        let mut columns = Vec::new();
        for (n, c) in index.columns.iter().enumerate() {
            let mut column = match &c.expr {
                Some(text) => bind_text(text, rel, names, io, Clause::IndexExpression, None, true)?,
                None => {
                    let ty = rel.attributes.get(c.attno as usize - 1).map_or(c.ty, |a| a.ty);
                    Expr::new(ExprKind::Var { rel: 0, attno: c.attno, levels_up: 0 }, ty)
                }
            };
            column.ty.collation = index.store.keys().get(n).map_or(Collation::BYTES, |k| k.ty.collation);
            columns.push(column);
        }
        if index.method == IndexMethod::Hash {
            columns = columns.into_iter().map(hash_code).collect::<Result<_>>()?;
        }
        let predicate = match &index.predicate {
            Some(text) => Some(bind_text(text, rel, names, io, Clause::IndexPredicate, None, true)?),
            None => None,
        };
        out.indexes.push((columns, predicate));
    }
    for c in rel.lineage.key.iter().flat_map(|k| &k.columns) {
        out.partition_key.push(match &c.expr {
            Some(text) => {
                let mut bound = bind_text(text, rel, names, io, Clause::Partition, None, true)?;
                bound.ty.collation = c.ty.collation;
                bound
            }
            None => Expr::new(ExprKind::Var { rel: 0, attno: c.attno, levels_up: 0 }, c.ty),
        });
    }
    Ok(out)
}

/// An identity column's sequence is asked for no rights.
fn draw_freely(e: &mut Expr) {
    if let ExprKind::Func { func, .. } = &mut e.kind
        && func.fact.src == "nextval_oid"
    {
        *func = &crate::sql::func::next_value::NEXT_VALUE;
    }
}

/// A condition on the rows of a relation, as a CHECK of it would be read.
///
/// # Errors
/// It cannot be read.
pub fn condition_of(text: &str, rel: &Arc<Relation>, names: &dyn Names, io: &IoContext) -> Result<Expr> {
    bind_text(text, rel, names, io, Clause::Check, None, true)
}

fn bind_text(
    text: &str,
    rel: &Arc<Relation>,
    names: &dyn Names,
    io: &IoContext,
    clause: Clause,
    target: Option<(&str, TypeRef)>,
    columns: bool,
) -> Result<Expr> {
    let expr = parse_expression(text)?;
    let source = format!("SELECT {text}");
    let _all = Everywhere::reach();
    let mut cx = BindContext { names, io, text: &source, params: Vec::new(), infer_params: false };
    let mut bound = bind_expr(&mut cx, &expr, columns.then_some(rel), clause, target)?;
    bound.rewrite(&mut |e| e.pos = None);
    of_table(&mut bound, rel.oid);
    Ok(bound)
}

/// What an expression of a row that is being written may not ask for: all system columns but the table.
///
/// # Errors
/// 42P10 (PostgreSQL 15, parse_relation.c, scanNSItemForColumn).
pub(super) fn refuse_system_columns(bound: &Expr, clause: Clause, text: &str) -> Result<()> {
    let mut odd = None;
    bound.walk(&mut |e| {
        if let ExprKind::Var { attno, .. } = e.kind
            && attno < 0
            && attno != TABLE
        {
            odd = odd.or(Some((attno, e.pos)));
        }
        true
    });
    let Some((attno, pos)) = odd else { return Ok(()) };
    let name = super::scope::system_name(attno);
    let refused = match clause {
        Clause::Generated => format!("cannot use system column \"{name}\" in column generation expression"),
        _ => format!("system column \"{name}\" reference in check constraint is invalid"),
    };
    let at = pos.and_then(|p| ast::cursor(text, p));
    Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, refused).at(at))
}

/// `tableoid`
const TABLE: i16 = -6;

/// Which table the rows are of is known once the expression is bound over that table.
pub fn of_table(bound: &mut Expr, table: Oid) {
    bound.rewrite(&mut |e| {
        if let ExprKind::Var { rel: 0, attno: TABLE, levels_up: 0 } = e.kind {
            e.kind = ExprKind::Const(Value::U32(table.0));
        }
    });
}

/// A default given as text, of a value for a column of this name and type.
pub fn bind_default(text: &str, names: &dyn Names, io: &IoContext, target: (&str, TypeRef)) -> Result<Expr> {
    let source = format!("SELECT {text}");
    let _all = Everywhere::reach();
    let mut cx = BindContext { names, io, text: &source, params: Vec::new(), infer_params: false };
    let mut bound = bind_expr(&mut cx, &parse_expression(text)?, None, Clause::Default, Some(target))?;
    bound.rewrite(&mut |e| e.pos = None);
    Ok(bound)
}

/// A view's query, its names looked up along its own search path.
pub fn view_query(view: &crate::catalog::View, names: &dyn Names, io: &IoContext) -> Result<super::Query> {
    let parsed = crate::sql::parse::parse(&view.query)?;
    let raw = parsed.first().ok_or_else(|| Error::internal("a view without a query"))?;
    let names = names.along(&view.kept);
    let mut cx = BindContext { names: &*names, io, text: &view.query, params: Vec::new(), infer_params: false };
    super::bind_unsecured(&mut cx, &raw.stmt)
}

/// The key of a hash index: the 32-bit hash code of a value. (The function takes values of all types that have one.)
pub fn hash_code(value: Expr) -> Result<Expr> {
    let func = crate::sql::func::funcs_named("hash_array").first().copied();
    let func = func.ok_or_else(|| Error::internal("function hash_array() is missing"))?;
    let kind = ExprKind::Func { func, oper: None, args: vec![value], variadic: false };
    Ok(Expr::new(kind, TypeRef::of(crate::types::oid::INT4)))
}

/// What a hash code is made of.
pub fn hashed_value(code: &Expr) -> &Expr {
    match &code.kind {
        ExprKind::Func { args, .. } if args.len() == 1 => &args[0],
        _ => code,
    }
}

/// The expressions of a list given as text, each by itself.
///
/// # Errors
/// It is no list of expressions.
pub fn parse_expressions(text: &str) -> Result<Vec<String>> {
    let source = format!("SELECT {text}");
    let parsed = crate::sql::parse::parse(&source)?;
    let [ast::RawStmt { stmt: ast::Stmt::Select(s), .. }] = &parsed[..] else { return Ok(Vec::new()) };
    let ast::SelectBody::Select(core) = &s.body else { return Ok(Vec::new()) };
    core.targets.iter().map(|t| ast::deparse::expr(&t.expr)).collect()
}

/// An expression given as text.
pub fn parse_expression(text: &str) -> Result<ast::Expr> {
    let source = format!("SELECT {text}");
    let mut parsed = crate::sql::parse::parse(&source)?;
    if parsed.len() == 1
        && let Some(ast::RawStmt { stmt: ast::Stmt::Select(s), .. }) = parsed.pop()
        && let ast::SelectBody::Select(mut core) = s.body
        && core.targets.len() == 1
        && let Some(t) = core.targets.pop()
    {
        return Ok(t.expr);
    }
    Err(Error::internal(format!("not an expression: {text}")))
}
