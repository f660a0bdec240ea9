//! Calls of functions, aggregates and window functions: PostgreSQL 15, parse_func.c, ParseFuncOrColumn, and parse_agg.c.

use super::Binder;
use super::resolve::{Candidate, Resolved};
use super::scope::Clause;
use crate::base::{Error, Oid, Result};
use crate::err;
use crate::sql::ast::{self, FuncCall, Pos};
use crate::sql::expr::{AggCall, Expr, ExprKind, Form, WindowCall};
use crate::sql::func::{CastContext, FuncDef};
use crate::types::{self, TypeRef, oid};

/// The aggregates that are called WITHIN GROUP (`pg_aggregate.aggkind` o and h).
pub(super) fn ordered_set_kind(f: &FuncDef) -> Option<bool> {
    if f.kind != b'a' || matches!(f.imp, crate::sql::func::FuncImpl::Routine) {
        return None;
    }
    match f.name {
        "percentile_cont" | "percentile_disc" | "mode" => Some(false),
        // Hypothetical-set: as many direct arguments as ordered ones.
        "rank" | "dense_rank" | "percent_rank" | "cume_dist" => Some(true),
        _ => None,
    }
}

/// Keeps how an expression was written.
pub(super) fn written(form: Form, e: Expr) -> Expr {
    let (ty, pos) = (e.ty, e.pos);
    Expr { kind: ExprKind::Written { form, arg: Box::new(e) }, ty, pos }
}

/// Nothing but a name and arguments: it may mean a column.
fn is_bare(call: &FuncCall) -> bool {
    !(call.star || call.distinct || call.variadic || call.within_group)
        && call.order_by.is_empty()
        && call.filter.is_none()
        && call.over.is_none()
}

/// PostgreSQL 15, pg_config_manual.h, FUNC_MAX_ARGS.
const MAX_ARGUMENTS: usize = 100;

/// What a name before parentheses is looked up as.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Function,
    /// CALL's own; its arguments call functions.
    Procedure,
}

impl Wanted {
    /// 42883 and 42725 in the words of CALL.
    fn missing(self, mut e: Error) -> Error {
        if self == Wanted::Procedure {
            e.0.message = e.message().replacen("function ", "procedure ", 1);
            e.0.hint = e.0.hint.map(|h| h.replacen("function", "procedure", 1));
        }
        e
    }
}

impl Binder<'_, '_> {
    pub(super) fn call(&mut self, call: &FuncCall, pos: Pos) -> Result<Expr> {
        self.call_of(call, Wanted::Function, pos)
    }

    fn call_of(&mut self, call: &FuncCall, wanted: Wanted, pos: Pos) -> Result<Expr> {
        let (schema, name) = match &call.name[..] {
            [n] => (None, n.as_str()),
            [s, n] => (Some(s.as_str()), n.as_str()),
            [db, s, n] if *db == self.cx.names.current_database() => (Some(s.as_str()), n.as_str()),
            [_, _, _] => {
                let text = format!("cross-database references are not implemented: {}", call.name.join("."));
                return Err(Error::unsupported(text).at(self.at(pos)));
            }
            _ => {
                return Err(err!(
                    SYNTAX_ERROR,
                    "improper function name (too many dotted names): {}",
                    call.name.join(".")
                )
                .at(self.at(pos)));
            }
        };
        if call.args.len() > MAX_ARGUMENTS {
            let text = format!("cannot pass more than {MAX_ARGUMENTS} arguments to a function");
            return Err(Error::new(crate::base::SqlState::TOO_MANY_ARGUMENTS, text).at(self.at(pos)));
        }
        let shown = call.name.join(".");
        let mut names: Vec<String> = Vec::new();
        let mut args = Vec::with_capacity(call.args.len());
        for a in &call.args {
            match &a.kind {
                ast::ExprKind::NamedArg { name, value } => {
                    if names.contains(name) {
                        return Err(
                            err!(SYNTAX_ERROR, "argument name \"{name}\" used more than once").at(self.at(a.pos))
                        );
                    }
                    names.push(name.clone());
                    args.push(self.expr(value)?);
                }
                _ => {
                    if !names.is_empty() {
                        return Err(err!(SYNTAX_ERROR, "positional argument cannot follow named argument")
                            .at(self.at(a.start())));
                    }
                    args.push(self.expr(a)?);
                }
            }
        }
        let filter = call.filter.as_ref().map(|f| self.condition(f, Clause::Filter)).transpose()?;
        // What a driver calls an output parameter is none (PostgreSQL 15, parse_func.c, ParseFuncOrColumn: same rule).
        if names.is_empty() {
            args.retain(|a: &Expr| a.ty.oid != oid::VOID || !matches!(a.kind, ExprKind::Param(_)));
        }
        let direct_count = args.len();
        if call.within_group {
            for s in &call.order_by {
                args.push(self.expr(&s.expr)?);
            }
        }
        let actual: Vec<Oid> = args.iter().map(|e| e.ty.oid).collect();
        self.may_look_into(schema, pos)?;
        let found = match self.function(schema, name, &actual, &names, call.variadic)? {
            Ok(f) => f,
            Err(false)
                if let ([row], true) = (&args[..], is_bare(call) && schema.is_none() && names.is_empty())
                    && wanted == Wanted::Function
                    && let Some(column) = self.column_of_row(name, row, pos)? =>
            {
                return Ok(column);
            }
            Err(ambiguous) => {
                let plain = self.function_missing(schema, &shown, &actual, &names, ambiguous, call, pos);
                return Err(wanted.missing(plain));
            }
        };
        let candidate = match found {
            Resolved::Cast(_) if wanted == Wanted::Procedure => {
                return Err(wanted.missing(self.no_function(&shown, &actual, &names, false, pos)));
            }
            Resolved::Cast(target) => {
                self.refuse_aggregate_words(call, filter.is_some(), &shown, pos)?;
                let Some(arg) = args.pop() else { return Err(Error::internal("a cast without argument")) };
                return self.cast(arg, target, pos);
            }
            Resolved::Function(c) => c,
        };
        let f = candidate.what;
        if (f.kind == b'p') != (wanted == Wanted::Procedure) {
            let types: Vec<String> = actual.iter().map(|t| self.type_name(*t)).collect();
            let (what, hint) = match wanted {
                Wanted::Function => ("a procedure", "To call a procedure, use CALL."),
                Wanted::Procedure => ("not a procedure", "To call a function, use SELECT."),
            };
            let text = format!("{shown}({}) is {what}", types.join(", "));
            return Err(Error::new(crate::base::SqlState::WRONG_OBJECT_TYPE, text).hint(hint).at(self.at(pos)));
        }
        let form = self.call_form(call, &candidate, &names);
        let given =
            if call.distinct && !call.order_by.is_empty() && names.is_empty() { args.clone() } else { Vec::new() };
        if call.variadic
            && f.variadic == oid::ANY
            && let Some(last) = args.last()
            && types::element_type(types::base_type(last.ty.oid)).is_none()
        {
            let at = last.pos.and_then(|p| self.at(p));
            return Err(err!(DATATYPE_MISMATCH, "VARIADIC argument must be an array").at(at));
        }
        self.refuse_form(f, call, &shown, pos)?;
        let (args, ret) = self.arguments(candidate, args, &actual, pos)?;
        match f.kind {
            b'a' => self.aggregate(f, call, args, given, direct_count, filter, ret, &shown, pos),
            b'w' => {
                if call.within_group {
                    return Err(
                        err!(WRONG_OBJECT_TYPE, "window function {shown} cannot have WITHIN GROUP").at(self.at(pos))
                    );
                }
                self.window_call(f, call, args, filter, ret, &shown, pos)
            }
            _ => {
                self.refuse_aggregate_words(call, filter.is_some(), &shown, pos)?;
                let bound = match f.retset {
                    true => self.set_returning(f, args, ret, pos)?,
                    false => Expr {
                        kind: ExprKind::Func { func: f, oper: None, args, variadic: call.variadic },
                        ty: TypeRef::of(ret),
                        pos: Some(pos),
                    },
                };
                Ok(match form {
                    Some(form) => written(form, bound),
                    None => bound,
                })
            }
        }
    }

    /// How the call was written, where that is to be shown again and its arguments do not tell.
    fn call_form(&self, call: &FuncCall, c: &Candidate<&'static FuncDef>, names: &[String]) -> Option<Form> {
        if !self.cx.names.keeps_written() {
            return None;
        }
        if call.sql_syntax {
            return Some(Form::Special(call.args.len()));
        }
        let by_place = call.args.len() - names.len();
        let name = |n: usize| n.checked_sub(by_place).map(|n| names[n].clone());
        match &c.order {
            Some(order) => {
                let place = |n: usize| order.iter().position(|o| *o == Some(n)).map(|at| (at, name(n)));
                let given = (0..call.args.len()).map(place).collect::<Option<_>>()?;
                Some(Form::Call { given, variadic: call.variadic })
            }
            None if c.spread => {
                let given = (0..c.what.args.len()).map(|n| (n, None)).collect();
                Some(Form::Call { given, variadic: true })
            }
            None => None,
        }
    }

    /// Functional notation: `value.name` is `name(value)` where a function, aggregate or cast takes the value, which is
    /// no row or has no such column. PostgreSQL 15, parse_func.c, ParseFuncOrColumn.
    pub(super) fn function_of_row(&mut self, name: &str, row: Expr, pos: Pos) -> Result<Option<Expr>> {
        let actual = [row.ty.oid];
        let candidate = match self.function(None, name, &actual, &[], false)? {
            Ok(Resolved::Function(candidate)) => candidate,
            Ok(Resolved::Cast(target)) => return self.cast(row, target, pos).map(Some),
            Err(_) => return Ok(None),
        };
        let func = candidate.what;
        if func.kind == b'a' {
            let call = FuncCall::new(vec![name.into()], Vec::new());
            let (args, ret) = self.arguments(candidate, vec![row], &actual, pos)?;
            return self.aggregate(func, &call, args, Vec::new(), 1, None, ret, name, pos).map(Some);
        }
        if func.kind != b'f' {
            return Ok(None);
        }
        let (args, ret) = self.arguments(candidate, vec![row], &actual, pos)?;
        if func.retset {
            return self.set_returning(func, args, ret, pos).map(Some);
        }
        let kind = ExprKind::Func { func, oper: None, args, variadic: false };
        Ok(Some(Expr { kind, ty: TypeRef::of(ret), pos: Some(pos) }))
    }

    /// CALL's procedure with its arguments.
    pub(super) fn procedure(&mut self, call: &FuncCall, pos: Pos) -> Result<super::ProcedureCall> {
        self.scope().clause = Clause::Call;
        match self.call_of(call, Wanted::Procedure, pos)? {
            Expr { kind: ExprKind::Func { func, args, variadic, .. }, .. } => {
                Ok(super::ProcedureCall { def: func, args, variadic })
            }
            _ => Err(Error::internal("CALL of something that is no procedure")),
        }
    }

    fn function_missing(
        &self,
        schema: Option<&str>,
        shown: &str,
        actual: &[Oid],
        names: &[String],
        ambiguous: bool,
        call: &FuncCall,
        pos: Pos,
    ) -> Error {
        if let Some(s) = schema
            && !self.cx.names.schema_exists(s)
            && s != "pg_catalog"
        {
            return err!(INVALID_SCHEMA_NAME, "schema \"{s}\" does not exist").at(self.at(pos));
        }
        if call.star && actual.is_empty() {
            // `f(*)` is looked up as `f()`.
            return self.no_function(shown, actual, names, ambiguous, pos);
        }
        // PostgreSQL 15, parse_func.c: only of several, which may have been meant for arguments.
        if !call.within_group && call.order_by.len() > 1 && !ambiguous {
            return self.no_function(shown, actual, names, false, pos).hint(
                "No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY must appear after all regular arguments of the aggregate.",
            );
        }
        self.no_function(shown, actual, names, ambiguous, pos)
    }

    fn refuse_aggregate_words(&self, call: &FuncCall, filter: bool, shown: &str, pos: Pos) -> Result<()> {
        let word = if call.star {
            format!("{shown}(*) specified, but {shown} is not an aggregate function")
        } else if call.distinct {
            format!("DISTINCT specified, but {shown} is not an aggregate function")
        } else if call.within_group {
            format!("WITHIN GROUP specified, but {shown} is not an aggregate function")
        } else if !call.order_by.is_empty() {
            format!("ORDER BY specified, but {shown} is not an aggregate function")
        } else if filter {
            format!("FILTER specified, but {shown} is not an aggregate function")
        } else if call.over.is_some() {
            format!("OVER specified, but {shown} is not a window function nor an aggregate function")
        } else {
            return Ok(());
        };
        Err(Error::new(crate::base::SqlState::WRONG_OBJECT_TYPE, word).at(self.at(pos)))
    }

    /// Puts the arguments in the parameters' order, adds defaults, converts them, gathers variadic ones.
    fn arguments(
        &mut self,
        candidate: Candidate<&'static FuncDef>,
        mut args: Vec<Expr>,
        actual: &[Oid],
        pos: Pos,
    ) -> Result<(Vec<Expr>, Oid)> {
        let f = candidate.what;
        let mut declared = candidate.args;
        let mut actual = actual.to_vec();
        if let Some(order) = candidate.order {
            let defaults = self.defaults(f)?;
            let first_default = f.args.len() - defaults.len();
            let mut given: Vec<Option<Expr>> = args.into_iter().map(Some).collect();
            args = Vec::with_capacity(order.len());
            for (i, slot) in order.iter().enumerate() {
                args.push(match slot {
                    Some(n) => given[*n].take().ok_or_else(|| Error::internal("an argument used twice"))?,
                    None => self.default_of(f, i, defaults[i - first_default].clone())?,
                });
            }
            declared = f.args.to_vec();
            actual = args.iter().map(|e| e.ty.oid).collect();
        }
        let ret = self.resolve_generic(&actual, &mut declared, f.ret, false)?;
        self.coerce_args(&mut args, &declared)?;
        if f.variadic == oid::ANY || declared.contains(&oid::ANY) {
            // `"any"` takes everything; a literal is then text in all but name. A parameter stays without a type: nobody
            // has said what the client is to send.
            for (a, d) in args.iter_mut().zip(&declared) {
                if *d == oid::ANY
                    && ordered_set_kind(f) != Some(true)
                    && !self.cx.names.keeps_written()
                    && a.ty.oid == oid::UNKNOWN
                    && !matches!(f.name, "pg_typeof" | "pg_collation_for")
                    && matches!(a.kind, ExprKind::Const(_))
                {
                    let e = std::mem::replace(a, super::coerce::bool_const(false));
                    *a = self.resolve_unknown(e)?;
                }
            }
        }
        if candidate.spread {
            let fixed = f.args.len() - 1;
            let elements: Vec<Expr> = args.drain(fixed..).collect();
            let element = elements.first().map_or(f.variadic, |e| e.ty.oid);
            let Some(array) = types::promoted_array_type(element) else {
                return Err(err!(
                    UNDEFINED_OBJECT,
                    "could not find array type for data type {}",
                    self.type_name(element)
                )
                .at(self.at(pos)));
            };
            args.push(Expr::new(ExprKind::Array { elements, nested: array == element }, TypeRef::of(array)));
        }
        Ok((args, ret))
    }

    /// A parameter's default, converted to its type as an assignment is.
    fn default_of(&mut self, f: &FuncDef, parameter: usize, e: Expr) -> Result<Expr> {
        match f.args.get(parameter) {
            Some(&ty) if e.ty.oid != ty && !types::info(ty).is_some_and(|i| i.is_pseudo()) => {
                self.coerce(e, TypeRef::of(ty), CastContext::Assignment, ast::NOWHERE)
            }
            _ => Ok(e),
        }
    }

    fn defaults(&mut self, f: &'static FuncDef) -> Result<Vec<Expr>> {
        if f.fact.defaults == 0 {
            return Ok(Vec::new());
        }
        let text = format!("SELECT {}", f.fact.default_text);
        let parsed = crate::sql::parse::parse(&text)?;
        let mut out = Vec::new();
        if let Some(ast::RawStmt { stmt: ast::Stmt::Select(s), .. }) = parsed.first()
            && let ast::SelectBody::Select(core) = &s.body
        {
            for t in &core.targets {
                let mut e = self.expr(&t.expr)?;
                e.pos = None;
                out.push(e);
            }
        }
        Ok(out)
    }

    pub(super) fn set_returning(&mut self, f: &'static FuncDef, args: Vec<Expr>, ret: Oid, pos: Pos) -> Result<Expr> {
        let refuse = |this: &Self, text: String| {
            Err(Error::new(crate::base::SqlState::FEATURE_NOT_SUPPORTED, text).at(this.at(pos)))
        };
        let scope = self.scope();
        let place = match scope.clause {
            Clause::Select | Clause::OrderBy | Clause::GroupBy | Clause::DistinctOn | Clause::FromFunction => None,
            Clause::Other | Clause::AggregateArgument | Clause::OneRow | Clause::InsertTarget => None,
            Clause::WindowPartition | Clause::WindowOrder => None,
            c => Some(c.place()),
        };
        if let Some(p) = place {
            return refuse(self, format!("set-returning functions are not allowed in {p}"));
        }
        self.scope().has_set_returning = true;
        Ok(Expr { kind: ExprKind::SetReturning { func: f, args }, ty: TypeRef::of(ret), pos: Some(pos) })
    }

    /// What of a call's form its function does not go with: told before anything about its arguments' types.
    /// PostgreSQL 15, parse_func.c, ParseFuncOrColumn: same order.
    fn refuse_form(&self, f: &FuncDef, call: &FuncCall, shown: &str, pos: Pos) -> Result<()> {
        let wrong = |text: String| Err(Error::new(crate::base::SqlState::WRONG_OBJECT_TYPE, text).at(self.at(pos)));
        match f.kind {
            b'w' if call.over.is_none() => wrong(format!("window function {shown} requires an OVER clause")),
            b'a' if ordered_set_kind(f).is_some() && !call.within_group => {
                wrong(format!("WITHIN GROUP is required for ordered-set aggregate {shown}"))
            }
            b'a' if ordered_set_kind(f).is_none() && call.within_group => {
                wrong(format!("{shown} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"))
            }
            b'a' if call.within_group && call.over.is_some() => {
                let text = format!("OVER is not supported for ordered-set aggregate {shown}");
                Err(Error::unsupported(text).at(self.at(pos)))
            }
            _ => Ok(()),
        }
    }

    fn aggregate(
        &mut self,
        f: &'static FuncDef,
        call: &FuncCall,
        mut args: Vec<Expr>,
        given: Vec<Expr>,
        direct_count: usize,
        filter: Option<Expr>,
        ret: Oid,
        shown: &str,
        pos: Pos,
    ) -> Result<Expr> {
        let wrong = |this: &Self, text: String| {
            Err(Error::new(crate::base::SqlState::WRONG_OBJECT_TYPE, text).at(this.at(pos)))
        };
        let ordered_set = ordered_set_kind(f);
        if args.is_empty() && !call.star && !call.within_group {
            return wrong(self, format!("{shown}(*) must be used to call a parameterless aggregate function"));
        }
        if call.over.is_some() {
            if call.distinct {
                return Err(
                    err!(FEATURE_NOT_SUPPORTED, "DISTINCT is not implemented for window functions").at(self.at(pos))
                );
            }
            if !call.order_by.is_empty() {
                return Err(err!(FEATURE_NOT_SUPPORTED, "aggregate ORDER BY is not implemented for window functions")
                    .at(self.at(pos)));
            }
            return self.window_call(f, call, args, filter, ret, shown, pos);
        }
        let mut order_by = Vec::new();
        let mut direct_args = Vec::new();
        if call.within_group {
            let ordered: Vec<Expr> = args.split_off(direct_count);
            direct_args = std::mem::replace(&mut args, ordered);
            if ordered_set == Some(true) {
                self.hypothetical(&mut direct_args, &mut args, shown, pos)?;
            }
            for (s, e) in call.order_by.iter().zip(&args) {
                order_by.push(self.sort_key(s, e.clone())?);
            }
        } else {
            for s in &call.order_by {
                let e = self.typed_expr(&s.expr)?;
                order_by.push(self.sort_key(s, e)?);
            }
            if call.distinct {
                args = args.into_iter().map(|a| self.resolve_unknown(a)).collect::<Result<_>>()?;
                for a in &args {
                    self.require_order(a.ty.oid, a.pos)?;
                }
                // PostgreSQL 15, parse_clause.c, findTargetlistEntrySQL99: an expression means the argument that says the
                // same but for what the aggregate converts it to.
                let own = if given.len() == args.len() { given.len() } else { args.len().saturating_sub(1) };
                for k in &mut order_by {
                    match given.iter().take(own).position(|g| crate::sql::expr::same(g, &k.expr)) {
                        Some(n) => k.expr = args[n].clone(),
                        None if given.is_empty() && args.iter().any(|a| crate::sql::expr::same(a, &k.expr)) => {}
                        None => {
                            return Err(err!(
                                INVALID_COLUMN_REFERENCE,
                                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"
                            )
                            .at(k.expr.pos.and_then(|p| self.at(p))));
                        }
                    }
                }
            }
        }
        let mut agg = AggCall {
            func: f,
            args,
            distinct: call.distinct,
            order_by,
            filter,
            direct_args,
            star: call.star,
            ty: TypeRef::of(ret),
            levels_up: 0,
        };
        agg.levels_up = self.aggregate_level(&agg, pos)?;
        self.allow_aggregate("aggregate functions", agg.levels_up, pos)?;
        let n = self.scopes.len() - 1 - agg.levels_up;
        self.scopes[n].has_aggregates = true;
        let ty = agg.ty;
        Ok(Expr { kind: ExprKind::Aggregate(Box::new(agg)), ty, pos: Some(pos) })
    }

    /// Hypothetical-set aggregates: each direct argument gets the type of the column it is put among.
    fn hypothetical(&mut self, direct: &mut [Expr], ordered: &mut [Expr], shown: &str, pos: Pos) -> Result<()> {
        if direct.len() != ordered.len() {
            let actual: Vec<Oid> = direct.iter().chain(ordered.iter()).map(|e| e.ty.oid).collect();
            return Err(self
                .no_function(shown, &actual, &[], false, pos)
                .hint(format!(
                    "To use the hypothetical-set aggregate {shown}, the number of hypothetical direct arguments (here {}) must match the number of ordering columns (here {}).",
                    direct.len(),
                    ordered.len()
                )));
        }
        for (d, o) in direct.iter_mut().zip(ordered) {
            let (a, b) = (
                std::mem::replace(d, super::coerce::bool_const(false)),
                std::mem::replace(o, super::coerce::bool_const(false)),
            );
            let ty = self.common_type(&[&b, &a], Some("WITHIN GROUP"))?.unwrap_or(oid::TEXT);
            *d = self.to_common(a, ty, "WITHIN GROUP")?;
            *o = self.to_common(b, ty, "WITHIN GROUP")?;
        }
        Ok(())
    }

    /// PostgreSQL 15, parse_agg.c, check_agglevels_and_constraints.
    pub(super) fn allow_aggregate(&mut self, what: &str, levels_up: usize, pos: Pos) -> Result<()> {
        let scope = &self.scopes[self.scopes.len() - 1 - levels_up];
        let place = match scope.clause {
            Clause::Select | Clause::Other | Clause::Having | Clause::OrderBy | Clause::DistinctOn => return Ok(()),
            Clause::WindowPartition | Clause::WindowOrder | Clause::AggregateArgument => return Ok(()),
            Clause::FromSubselect => {
                return Err(err!(GROUPING_ERROR, "{what} are not allowed in FROM clause of their own query level")
                    .at(self.at(pos)));
            }
            Clause::WindowFrame(mode) => mode,
            c => c.place(),
        };
        Err(err!(GROUPING_ERROR, "{what} are not allowed in {place}").at(self.at(pos)))
    }

    fn window_call(
        &mut self,
        f: &'static FuncDef,
        call: &FuncCall,
        args: Vec<Expr>,
        filter: Option<Expr>,
        ret: Oid,
        shown: &str,
        pos: Pos,
    ) -> Result<Expr> {
        let Some(over) = &call.over else { return Err(Error::internal("a window call without OVER")) };
        if f.kind == b'w' {
            if call.distinct {
                return Err(
                    err!(FEATURE_NOT_SUPPORTED, "DISTINCT is not implemented for window functions").at(self.at(pos))
                );
            }
            if call.star {
                return Err(err!(WRONG_OBJECT_TYPE, "{shown}(*) specified, but {shown} is not an aggregate function")
                    .at(self.at(pos)));
            }
            if filter.is_some() {
                return Err(err!(
                    FEATURE_NOT_SUPPORTED,
                    "FILTER is not implemented for non-aggregate window functions"
                )
                .at(self.at(pos)));
            }
            if !call.order_by.is_empty() {
                return Err(err!(FEATURE_NOT_SUPPORTED, "aggregate ORDER BY is not implemented for window functions")
                    .at(self.at(pos)));
            }
        }
        let place = match self.scope().clause {
            Clause::Select | Clause::OrderBy | Clause::DistinctOn | Clause::Other => None,
            c => Some(c.place()),
        };
        if let Some(p) = place {
            return Err(err!(WINDOWING_ERROR, "window functions are not allowed in {p}").at(self.at(pos)));
        }
        for a in &args {
            if let Some(p) = inner_window(a) {
                return Err(
                    err!(WINDOWING_ERROR, "window function calls cannot be nested").at(p.and_then(|p| self.at(p)))
                );
            }
        }
        let mut set = None;
        let is_set = |e: &Expr| matches!(e.kind, ExprKind::SetReturning { .. });
        args.iter().for_each(|a| {
            a.any(&mut |e| is_set(e).then(|| set = set.or(e.pos)).is_some());
        });
        if let Some(p) = set {
            let text = "window function calls cannot contain set-returning function calls";
            return Err(Error::unsupported(text)
                .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
                .at(self.at(p)));
        }
        let spec = self.window_spec(over)?;
        self.scope().has_windows = true;
        let ty = TypeRef::of(ret);
        let call = WindowCall { func: f, args, filter, star: call.star, spec, ty };
        Ok(Expr { kind: ExprKind::Window(Box::new(call)), ty, pos: Some(pos) })
    }
}

/// The position of a window call inside an expression.
fn inner_window(e: &Expr) -> Option<Option<u32>> {
    let mut found = None;
    e.walk(&mut |x| {
        if matches!(x.kind, ExprKind::Window(_)) && found.is_none() {
            found = Some(x.pos);
        }
        true
    });
    found
}
