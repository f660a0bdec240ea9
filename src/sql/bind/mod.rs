//! Names to typed expressions: a parsed statement becomes a [`Query`].
//!
//! Must never read rows, wait, or decide how something is executed.
//!
//! Invariants
//! - BIND-1: an expression handed out has its final type; arguments of functions have the declared types.
//! - BIND-2: messages, SQLSTATEs, hints and positions are PostgreSQL's.
//! - BIND-3: a binder changes nothing but its own scopes and the types of parameters not fixed by the client.

mod call;
mod coerce;
mod cte;
mod expr;
mod from;
mod group;
mod names;
pub mod query;
mod resolve;
mod row;
pub mod scope;
mod select;
mod setop;
mod stored;
mod target;
mod typename;
mod window;
mod write;

pub use names::Names;
pub use query::*;
pub use stored::{Stored, stored};

use crate::base::{Error, Result};
use crate::sql::ast::{self, Pos};
use crate::sql::expr::Expr;
use crate::types::{IoContext, TypeRef, oid};
use scope::Scope;

/// What a statement is bound against.
pub struct BindContext<'a> {
    pub names: &'a dyn Names,
    pub io: &'a IoContext,
    /// The whole text that was parsed, for positions.
    pub text: &'a str,
    /// Types of `$1`, …: those the client gave, completed by the binder with those it infers (`unknown` until then).
    pub params: Vec<TypeRef>,
    /// False: `$n` beyond `params` is an error (42P02).
    pub infer_params: bool,
}

/// The type of a parameter nobody has said anything about yet.
pub const UNKNOWN_PARAM: TypeRef = TypeRef::of(oid::UNKNOWN);

/// Binds SELECT, VALUES, INSERT, UPDATE or DELETE; other statements are not queries (XX000).
/// Afterwards `cx.params` has the type of every parameter.
pub fn bind(cx: &mut BindContext<'_>, stmt: &ast::Stmt) -> Result<Query> {
    let mut binder = Binder::new(cx);
    let mut query = binder.statement(stmt, true)?;
    binder.finish_params(&mut query)?;
    Ok(query)
}

/// Binds one expression over the columns of a relation (a default without columns: None), coerced to `target` as an
/// assignment if given. Vars have rel 0.
pub fn bind_expr(
    cx: &mut BindContext<'_>,
    expr: &ast::Expr,
    rel: Option<&std::sync::Arc<crate::catalog::Relation>>,
    clause: scope::Clause,
    target: Option<(&str, TypeRef)>,
) -> Result<Expr> {
    let mut binder = Binder::new(cx);
    binder.scopes.push(Scope::default());
    if let Some(rel) = rel {
        binder.add_table_columns(rel.clone());
    }
    binder.scope().clause = clause;
    let bound = binder.expr(expr)?;
    match target {
        Some((name, ty)) => binder.coerce_assignment(bound, ty, name, expr.start(), scope::Assigned::Default),
        None => binder.resolve_unknown(bound),
    }
}

/// The type a written type name means.
///
/// # Errors
/// 42704 and others, with the position.
pub fn bind_type(cx: &mut BindContext<'_>, name: &ast::TypeName) -> Result<TypeRef> {
    Binder::new(cx).type_ref(name)
}

pub(in crate::sql) struct Binder<'a, 'c> {
    cx: &'a mut BindContext<'c>,
    /// Innermost last.
    scopes: Vec<Scope>,
    depth: usize,
    /// Rights are checked for this role: the owner of the view being expanded.
    check_as: Option<crate::base::Oid>,
}

/// Sub-queries and views nested deeper are refused with 54001.
const MAX_QUERY_DEPTH: usize = 200;

impl<'a, 'c> Binder<'a, 'c> {
    fn new(cx: &'a mut BindContext<'c>) -> Binder<'a, 'c> {
        Binder { cx, scopes: Vec::new(), depth: 0, check_as: None }
    }

    fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    /// The client's position of a byte offset.
    fn at(&self, pos: Pos) -> Option<u32> {
        if pos == ast::NOWHERE { None } else { ast::cursor(self.cx.text, pos) }
    }

    fn type_name(&self, ty: crate::base::Oid) -> String {
        crate::types::format_type(ty, -1, &*self.cx.io.hooks)
    }

    fn statement(&mut self, stmt: &ast::Stmt, top: bool) -> Result<Query> {
        self.depth += 1;
        if self.depth > MAX_QUERY_DEPTH {
            return Err(crate::err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let query = match stmt {
            ast::Stmt::Select(s) => self.select(s, None),
            ast::Stmt::Insert(s) => self.insert(s),
            ast::Stmt::Update(s) => self.update(s),
            ast::Stmt::Delete(s) => self.delete(s),
            ast::Stmt::Merge(_) => Err(Error::unsupported("MERGE is not supported")),
            _ if top => Err(Error::internal("this statement is not a query")),
            _ => Err(Error::unsupported("this statement is not supported here")),
        };
        self.depth -= 1;
        query
    }

    /// Parameters nobody typed are an error; those typed after their first use get their type everywhere.
    fn finish_params(&mut self, query: &mut Query) -> Result<()> {
        if !self.cx.infer_params {
            return Ok(());
        }
        for (i, ty) in self.cx.params.iter().enumerate() {
            if ty.oid == oid::UNKNOWN {
                return Err(crate::err!(
                    INDETERMINATE_DATATYPE,
                    "could not determine data type of parameter ${}",
                    i + 1
                ));
            }
        }
        let params = self.cx.params.clone();
        query.walk_mut(0, &mut |e, _| {
            if let crate::sql::expr::ExprKind::Param(n) = e.kind
                && e.ty.oid == oid::UNKNOWN
            {
                e.ty = params[n];
            }
        });
        Ok(())
    }
}
