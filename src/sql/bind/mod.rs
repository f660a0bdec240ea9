//! Names to typed expressions: a parsed statement becomes a [`Query`].
//!
//! Must never read rows, wait, or decide how something is executed.
//!
//! Invariants
//! - BIND-1: an expression handed out has its final type; arguments of functions have the declared types.
//! - BIND-2: messages, SQLSTATEs, hints and positions are PostgreSQL's.
//! - BIND-3: a binder changes nothing but its own scopes and the types of parameters not fixed by the client.

mod aggregate_level;
mod call;
mod coerce;
mod collate;
mod cte;
pub mod domain;
mod expr;
mod from;
mod generic;
mod group;
pub mod jumble;
pub mod literals;
mod merge;
mod names;
mod policy;
pub mod query;
mod record;
mod recursion;
mod resolve;
pub(crate) mod rewrite;
mod rights;
mod row;
pub mod scope;
mod search_cycle;
mod select;
mod setop;
mod shown;
mod stored;
mod target;
mod typename;
mod user_code;
mod window;
mod write;

pub use collate::{expr_collation, output_collations};
pub use domain::domain_level;
pub use from::reads_as;
pub use names::{BtreeClass, Conflict, InlineBody, InlineCall, Names};
pub use policy::{RowSecurity, refuse as refuse_row_security};
pub use query::*;
pub(in crate::sql) use resolve::{find_operator_in, sort_operator};
pub use rewrite::{bind_rule_action, bind_rule_condition, obstacle, reads_of_condition, reads_of_rule, rule_level};
pub use shown::{Label, Shown, Written, constant as shown_constant};
pub use stored::{
    Stored, bind_default, condition_of, hash_code, hashed_value, of_table, parse_expression, parse_expressions, stored,
    view_query,
};
pub use target::index_column_name;
pub use user_code::{Everywhere, UserCode};

use crate::base::{Error, Result};
use crate::sql::ast::{self, Pos};
use crate::sql::expr::Expr;
use crate::sql::parse::check_stack;
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
    bind_identified(cx, stmt, false)
}

/// As [`bind`], with the query's identifier if it is wanted.
pub fn bind_identified(cx: &mut BindContext<'_>, stmt: &ast::Stmt, wanted: bool) -> Result<Query> {
    let mut binder = Binder::new(cx);
    let mut query = binder.statement(stmt, true)?;
    if wanted {
        // Types of parameters that are found out later are the same next time.
        query.id = jumble::query_id(&query, !binder.cx.infer_params);
    }
    rights::mark(&mut query);
    binder.rewrite(&mut query)?;
    binder.secure(&mut query)?;
    binder.collate_query(&mut query)?;
    binder.finish_params(&mut query)?;
    for step in &mut query.steps {
        binder.secure(step)?;
        binder.finish_params(step)?;
        query.depends_on_role |= step.depends_on_role;
    }
    query.depends_on_role |= binder.named_schemas;
    Ok(query)
}

/// Binds a statement that sees and writes all rows, whatever the tables' policies say: of foreign keys, and to find out
/// what a stored query is made of.
pub fn bind_unsecured(cx: &mut BindContext<'_>, stmt: &ast::Stmt) -> Result<Query> {
    let mut binder = Binder::new(cx);
    binder.unsecured = true;
    let mut query = binder.statement(stmt, true)?;
    rights::mark(&mut query);
    binder.rewrite(&mut query)?;
    binder.collate_query(&mut query)?;
    binder.finish_params(&mut query)?;
    query.steps.iter_mut().try_for_each(|step| binder.finish_params(step))?;
    Ok(query)
}

/// Binds a statement as it is written, to be shown again.
pub fn bind_written(cx: &mut BindContext<'_>, stmt: &ast::Stmt) -> Result<Query> {
    let mut binder = Binder::new(cx);
    let mut query = binder.statement(stmt, true)?;
    binder.collate_query(&mut query)?;
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
    let mut bound = match target {
        Some((name, ty)) => binder.coerce_assignment(bound, ty, name, expr.start(), scope::Assigned::Default)?,
        None => binder.resolve_unknown(bound)?,
    };
    let rels: Vec<&crate::catalog::Relation> = rel.into_iter().map(|r| &**r).collect();
    binder.collate_expr(&mut bound, &rels)?;
    if matches!(clause, scope::Clause::Check | scope::Clause::Generated) {
        stored::refuse_system_columns(&bound, clause, binder.cx.text)?;
    }
    Ok(bound)
}

/// The function that a call with arguments of these types means.
pub struct FunctionFor {
    pub def: &'static crate::sql::func::FuncDef,
    pub ret: crate::base::Oid,
    /// What it is declared for, of the types given where that is polymorphic.
    pub declared: Vec<crate::base::Oid>,
    /// The arguments are that, as they are.
    pub as_is: bool,
}

/// Finds a function as a call would.
///
/// # Errors
/// 42804 for polymorphic arguments that contradict one another.
pub fn function_for(
    cx: &mut BindContext<'_>,
    schema: Option<&str>,
    name: &str,
    types: &[crate::base::Oid],
) -> Result<Option<FunctionFor>> {
    let mut binder = Binder::new(cx);
    let Ok(resolve::Resolved::Function(found)) = binder.function(schema, name, types, &[], false)? else {
        return Ok(None);
    };
    let mut declared = found.args.clone();
    let ret = binder.resolve_generic(types, &mut declared, found.what.ret, true)?;
    let as_is = types.iter().zip(&declared).all(|(t, d)| coerce::is_binary_coercible(*t, *d));
    Ok(Some(FunctionFor { def: found.what, ret, declared, as_is }))
}

/// anyelement, anycompatible and their families.
pub fn is_polymorphic(ty: crate::base::Oid) -> bool {
    coerce::is_polymorphic(ty)
}

/// True if a value of one type is a value of the other as it is.
pub fn is_binary_coercible(source: crate::base::Oid, target: crate::base::Oid) -> bool {
    coerce::is_binary_coercible(source, target)
}

/// Binds a condition over the columns of a relation, sub-selects allowed: a policy's. Vars have rel 0.
///
/// # Errors
/// 42804 if it is not boolean; the binder's.
pub fn bind_condition(
    cx: &mut BindContext<'_>,
    expr: &ast::Expr,
    rel: &std::sync::Arc<crate::catalog::Relation>,
    clause: scope::Clause,
) -> Result<Expr> {
    let mut binder = Binder::new(cx);
    binder.scopes.push(Scope::default());
    binder.add_table_columns(rel.clone());
    let mut bound = binder.condition(expr, clause)?;
    binder.collate_expr(&mut bound, &[rel])?;
    Ok(bound)
}

/// A procedure as CALL names it, with its arguments in their declared order and types.
pub struct ProcedureCall {
    pub def: &'static crate::sql::func::FuncDef,
    pub args: Vec<Expr>,
    pub variadic: bool,
}

/// Binds CALL's procedure.
///
/// # Errors
/// 42883, 42725, 42809 for a function.
pub fn bind_call(cx: &mut BindContext<'_>, call: &ast::FuncCall, pos: Pos) -> Result<ProcedureCall> {
    let mut binder = Binder::new(cx);
    binder.scopes.push(Scope::default());
    binder.procedure(call, pos)
}

/// A row as one of a row type, or of a domain over it, as an assignment makes it.
///
/// # Errors
/// 42846.
pub fn assigned_row(cx: &mut BindContext<'_>, row: Expr, to: TypeRef) -> Result<Expr> {
    Binder::new(cx).coerce_assignment(row, to, "", ast::NOWHERE, scope::Assigned::Default)
}

/// How a value becomes one of another type.
#[derive(Debug)]
pub enum Conversion {
    /// It is one.
    Same,
    /// Reads the value from column 0.
    Cast(Expr),
    /// No assignment would do it.
    Impossible,
}

/// Converts a value of one type, as an assignment does. `by_text`: where no cast is known, by way of the value's text.
///
/// # Errors
/// What the binder says about the types.
pub fn conversion(cx: &mut BindContext<'_>, from: TypeRef, to: TypeRef, by_text: bool) -> Result<Conversion> {
    let domain = crate::types::info(to.oid).is_some_and(|i| i.kind == b'd');
    if from == to && !domain || from.oid == to.oid && to.typmod < 0 {
        return Ok(Conversion::Same);
    }
    let mut binder = Binder::new(cx);
    binder.scopes.push(Scope::default());
    let value = Expr::new(crate::sql::expr::ExprKind::Column(0), from);
    Ok(match binder.assignment(value, to, by_text)? {
        Some(e) => Conversion::Cast(e),
        None => Conversion::Impossible,
    })
}

/// Where the value of a one-column query goes.
pub struct Destination<'a> {
    pub ty: TypeRef,
    /// The value to change a part of, and the part; None: the whole.
    pub part: Option<(Expr, &'a [ast::Indirection])>,
    /// A bare literal is read as a value of the type at once, so that a fault has its position.
    pub literal: bool,
    pub name: &'a str,
}

/// Binds a query whose only value is assigned: a PL/pgSQL expression. The first output column has the destination's
/// type, unless only the caller can convert it (the query is a set operation, sorts by it or the like).
///
/// # Errors
/// 42601 if it has not one column.
pub fn bind_assignment(
    cx: &mut BindContext<'_>,
    stmt: &ast::Stmt,
    to: &Destination<'_>,
    identify: bool,
) -> Result<Query> {
    let mut binder = Binder::new(cx);
    let mut query = binder.statement(stmt, true)?;
    if identify {
        query.id = jumble::query_id(&query, false);
    }
    rights::mark(&mut query);
    binder.rewrite(&mut query)?;
    binder.secure(&mut query)?;
    binder.collate_query(&mut query)?;
    let count = query.output().count();
    if count != 1 {
        return Err(crate::err!(SYNTAX_ERROR, "assignment source returned {count} columns"));
    }
    let plain = query.set_op.is_none() && matches!(query.distinct, Distinct::No) && query.order_by.is_empty();
    let Some(target) = query.targets.iter_mut().find(|t| !t.junk) else { return Ok(query) };
    if let Some((base, path)) = &to.part {
        if !plain {
            return Err(Error::unsupported("assigning a sorted query to a part of a variable is not supported"));
        }
        binder.scopes.push(Scope::default());
        let mut value = std::mem::replace(&mut target.expr, Expr::new(crate::sql::expr::ExprKind::CurrentRow, base.ty));
        // A bare literal has no type yet.
        if let Some(literal) = literal_of(stmt) {
            value = binder.expr(literal)?;
        }
        binder.lax = true;
        target.expr = binder.assign_part(base.clone(), path, value, to.name, ast::NOWHERE)?;
        return Ok(query);
    }
    let from = target.expr.ty;
    let domain = crate::types::info(to.ty.oid).is_some_and(|i| i.kind == b'd');
    let same = from == to.ty && !domain || from.oid == to.ty.oid && to.ty.typmod < 0;
    let rows = crate::types::info(to.ty.oid).is_some_and(|i| i.kind == b'c') || to.ty.oid == oid::RECORD;
    if plain && !same && !rows && !matches!(target.expr.kind, crate::sql::expr::ExprKind::SetReturning { .. }) {
        binder.scopes.push(Scope::default());
        let mut value = target.expr.clone();
        if to.literal
            && let Some(literal) = literal_of(stmt)
        {
            value = binder.expr(literal)?;
        }
        if let Some(e) = binder.assignment(value, to.ty, true)? {
            target.expr = e;
        }
    }
    Ok(query)
}

/// The bare literal a query only selects.
fn literal_of(stmt: &ast::Stmt) -> Option<&ast::Expr> {
    let ast::Stmt::Select(s) = stmt else { return None };
    let ast::SelectBody::Select(core) = &s.body else { return None };
    let [target] = &core.targets[..] else { return None };
    matches!(target.expr.kind, ast::ExprKind::Const(ast::Const::Str(_))).then_some(&target.expr)
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
    /// The views whose queries are being bound, outermost first.
    expanding: Vec<crate::base::Oid>,
    /// Rights are checked for this role: the owner of the view being expanded.
    check_as: Option<crate::base::Oid>,
    /// A table with row security was met.
    met_policies: bool,
    /// A schema was named that not everybody may be allowed to look into.
    named_schemas: bool,
    /// Nobody asks who may look into schemas.
    unsecured: bool,
    /// What is assigned to a part of a value may be converted by way of its text: PL/pgSQL's assignments.
    lax: bool,
    /// A COLLATE clause, or a table whose columns have collations of their own, was met.
    collated: bool,
    /// Found by the rules of type resolution while the binder lives.
    _user_code: user_code::AtHand,
}

impl<'a, 'c> Binder<'a, 'c> {
    fn new(cx: &'a mut BindContext<'c>) -> Binder<'a, 'c> {
        let user_code = user_code::AtHand::new(cx.names.user_code());
        Binder {
            cx,
            scopes: Vec::new(),
            expanding: Vec::new(),
            check_as: None,
            met_policies: false,
            named_schemas: false,
            lax: false,
            unsecured: false,
            collated: false,
            _user_code: user_code,
        }
    }

    /// The schema of a written name may be looked into. PostgreSQL 15, namespace.c, LookupExplicitNamespace.
    ///
    /// # Errors
    /// 42501 without USAGE.
    fn may_look_into(&mut self, schema: Option<&str>, pos: Pos) -> Result<()> {
        let open = |s: &str| matches!(s, "pg_catalog" | "information_schema");
        let Some(schema) = schema.filter(|s| !open(s) && !self.unsecured && !user_code::Everywhere::is_reached())
        else {
            return Ok(());
        };
        self.named_schemas = true;
        match self.cx.names.is_closed(schema) {
            false => Ok(()),
            true => Err(crate::err!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {schema}")
                .at(self.at(pos))
                .place("aclcheck_error", "aclchk.c", 3512)),
        }
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
        crate::types::format_type_plain(ty, &*self.cx.io.hooks)
    }

    /// The name with its length or precision.
    fn modified_type_name(&self, ty: crate::types::TypeRef) -> String {
        crate::types::format_type(ty.oid, ty.typmod, &*self.cx.io.hooks)
    }

    fn statement(&mut self, stmt: &ast::Stmt, top: bool) -> Result<Query> {
        check_stack()?;
        match stmt {
            ast::Stmt::Select(s) => self.select(s, None),
            ast::Stmt::Insert(s) => self.insert(s),
            ast::Stmt::Update(s) => self.update(s),
            ast::Stmt::Delete(s) => self.delete(s),
            ast::Stmt::Merge(s) => self.merge(s),
            _ if top => Err(Error::internal("this statement is not a query")),
            _ => Err(Error::unsupported("this statement is not supported here")),
        }
    }

    /// Parameters nobody typed are an error, and so are uses that ask for no type before the one that does
    /// (PostgreSQL 15, parse_param.c, check_parameter_resolution_walker: same).
    fn finish_params(&mut self, query: &mut Query) -> Result<()> {
        if !self.cx.infer_params {
            return Ok(());
        }
        let mut untyped = None;
        let params = &self.cx.params;
        query.walk_mut(0, &mut |e, _| {
            if let crate::sql::expr::ExprKind::Param(n) = e.kind
                && e.ty.oid == oid::UNKNOWN
                && params[n].oid != oid::UNKNOWN
            {
                untyped.get_or_insert((n, e.pos));
            }
        });
        if let Some((n, pos)) = untyped {
            let error = crate::err!(AMBIGUOUS_PARAMETER, "could not determine data type of parameter ${}", n + 1);
            return Err(match pos {
                Some(pos) => error.at(self.at(pos)),
                None => error,
            });
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
        Ok(())
    }
}
