//! Expressions: PostgreSQL 15, parse_expr.c, transformExprRecurse.

use super::Binder;
use super::coerce::{can_coerce, common_typmod, is_complex};
use super::scope::Clause;
use crate::base::{Error, Oid, Result};
use crate::err;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{Expr, ExprKind, Form};
use crate::sql::func::{self, CastContext};
use crate::sql::parse::check_stack;
use crate::types::{self, TypeRef, Value, oid};

/// How far `$n` may reach. PostgreSQL 15, parse_param.c, variable_paramref_hook, goes as far as its memory; more than these
/// no text can name one by one, and what a number leaves out has no type.
const MOST_PARAMS: usize = 1 << 22;

/// `record_eq`
const RECORD_EQ: Oid = Oid(2981);

pub(super) fn constant(value: Value, ty: crate::base::Oid, pos: Pos) -> Expr {
    Expr { kind: ExprKind::Const(value), ty: TypeRef::of(ty), pos: (pos != ast::NOWHERE).then_some(pos) }
}

impl Binder<'_, '_> {
    /// Binds an expression; literals without a type stay `unknown`. Its `pos` is where it starts.
    pub(super) fn expr(&mut self, e: &ast::Expr) -> Result<Expr> {
        let mut out = self.expr_kind(e)?;
        let start = e.start();
        if out.pos.is_none() && start != ast::NOWHERE {
            out.pos = Some(start);
        }
        Ok(out)
    }

    fn expr_kind(&mut self, e: &ast::Expr) -> Result<Expr> {
        check_stack()?;
        use ast::ExprKind as K;
        let pos = e.pos;
        match &e.kind {
            K::Column { parts, star: false } => self.column_ref(parts, pos),
            // All of a relation's columns as one value.
            K::Column { parts, .. } if !parts.is_empty() => {
                let schema = parts.len().checked_sub(2).map(|n| parts[n].as_str());
                let table = parts.last().map_or("", String::as_str);
                match self.item(schema, table, pos)? {
                    Some(at) => Ok(self.whole_row(at, pos)),
                    None if let Some(row) = self.cx.names.variable(parts)? => Ok(row),
                    None => Err(self.missing_table(table, pos)),
                }
            }
            K::Column { .. } => {
                Err(err!(SYNTAX_ERROR, "row expansion via \"*\" is not supported here").at(self.at(pos)))
            }
            K::Const(c) => self.literal(c, pos),
            K::Param(n) => self.param(*n, pos),
            K::Op { op, left, right } => self.op(op, left.as_deref(), right, pos),
            K::OpArray { op, left, right, all } => {
                let l = self.expr(left)?;
                let r = self.expr(right)?;
                self.op_array(op.schema.as_deref(), &op.name, !all, l, r, op.pos)
            }
            K::And(list) => Ok(Expr::new(ExprKind::And(self.conditions(list, "AND")?), TypeRef::of(oid::BOOL))),
            K::Or(list) => Ok(Expr::new(ExprKind::Or(self.conditions(list, "OR")?), TypeRef::of(oid::BOOL))),
            K::Not(arg) => {
                let bound = self.expr(arg)?;
                let bound = self.to_boolean(bound, "NOT", arg.start())?;
                Ok(Expr::new(ExprKind::Not(Box::new(bound)), TypeRef::of(oid::BOOL)))
            }
            K::Distinct { left, right, negated } => self.distinct(left, right, *negated, pos),
            K::NullIf { left, right } => self.null_if(left, right, pos),
            K::In { arg, list, negated } => self.in_list(arg, list, *negated, pos),
            K::Like { kind, arg, pattern, negated } => {
                let l = self.expr(arg)?;
                let r = self.expr(pattern)?;
                self.make_op(None, kind.operator(*negated), Some(l), r, pos)
            }
            K::Between { arg, low, high, symmetric, negated } => {
                self.between(arg, low, high, *symmetric, *negated, pos)
            }
            K::IsNull { arg, negated } => {
                let arg = Box::new(self.expr(arg)?);
                let kind = if *negated { ExprKind::IsNotNull(arg) } else { ExprKind::IsNull(arg) };
                Ok(Expr::new(kind, TypeRef::of(oid::BOOL)))
            }
            K::IsBool { arg, test } => self.bool_test(arg, *test),
            K::Case(c) => self.case(c),
            K::Coalesce(list) => {
                let (args, ty, typmod) = self.alike(list, "COALESCE")?;
                Ok(Expr::new(ExprKind::Coalesce(args), TypeRef::with(ty, typmod)))
            }
            K::MinMax { greatest, args } => {
                let (args, ty, typmod) = self.alike(args, if *greatest { "GREATEST" } else { "LEAST" })?;
                if !self.every_part(ty, &crate::types::order::has_order) {
                    let shown = self.type_name(ty);
                    return Err(err!(UNDEFINED_FUNCTION, "could not identify a comparison function for type {shown}"));
                }
                let kind = if *greatest { ExprKind::Greatest(args) } else { ExprKind::Least(args) };
                Ok(Expr::new(kind, TypeRef::with(ty, typmod)))
            }
            K::SqlValue { kind, precision } => self.sql_value(*kind, *precision),
            K::Cast { arg, typ } => self.cast_expr(arg, typ, pos),
            K::Collate { arg, collation } => self.collate(arg, collation, pos),
            K::Func(call) => self.call(call, pos),
            K::NamedArg { .. } => Err(err!(SYNTAX_ERROR, "named argument is not allowed here").at(self.at(pos))),
            K::Array(list) => self.array(list, None, pos),
            K::Row { fields, .. } => self.row(fields),
            K::Indirection { arg, path } => self.indirection(arg, path, pos),
            K::SubLink(link) => self.sub_link(link, pos),
            K::Grouping(args) => self.grouping(args, pos),
            K::Default => Err(err!(SYNTAX_ERROR, "DEFAULT is not allowed in this context").at(self.at(pos))),
            K::CurrentOf(name) => self.current_of(name, pos),
            K::MultiAssign { .. } => Err(Error::internal("a multi-column assignment outside UPDATE")),
        }
    }

    /// An expression that must not stay `unknown`.
    pub(super) fn typed_expr(&mut self, e: &ast::Expr) -> Result<Expr> {
        let bound = self.expr(e)?;
        self.resolve_unknown(bound)
    }

    /// A condition of WHERE, HAVING, ON, FILTER.
    pub(super) fn condition(&mut self, e: &ast::Expr, clause: Clause) -> Result<Expr> {
        let before = std::mem::replace(&mut self.scope().clause, clause);
        let bound = self.expr(e);
        self.scope().clause = before;
        self.to_boolean(bound?, clause.name(), e.start())
    }

    fn conditions(&mut self, list: &[ast::Expr], word: &str) -> Result<Vec<Expr>> {
        list.iter()
            .map(|e| {
                let bound = self.expr(e)?;
                self.to_boolean(bound, word, e.start())
            })
            .collect()
    }

    fn alike(&mut self, list: &[ast::Expr], word: &str) -> Result<(Vec<Expr>, crate::base::Oid, i32)> {
        let args = list.iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
        for a in &args {
            self.refuse_set(a, word)?;
        }
        let (args, ty) = self.unify(args, word)?;
        let typmod = common_typmod(args.iter(), ty);
        Ok((args, ty, typmod))
    }

    /// A set-returning function may not stand in a conditional expression.
    fn refuse_set(&self, e: &Expr, word: &str) -> Result<()> {
        if e.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. })) {
            return Err(err!(FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in {word}")
                .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
                .at(e.pos.and_then(|p| self.at(p))));
        }
        Ok(())
    }

    fn literal(&mut self, c: &ast::Const, pos: Pos) -> Result<Expr> {
        Ok(match c {
            ast::Const::Null => constant(Value::Null, oid::UNKNOWN, pos),
            ast::Const::Bool(b) => constant(Value::Bool(*b), oid::BOOL, pos),
            ast::Const::Int(n) => constant(Value::I32(*n), oid::INT4, pos),
            ast::Const::Float(text) => match text.parse::<i64>() {
                Ok(n) if i32::try_from(n).is_ok() => constant(Value::I32(n as i32), oid::INT4, pos),
                Ok(n) => constant(Value::I64(n), oid::INT8, pos),
                Err(_) => {
                    let value =
                        types::text_in(TypeRef::of(oid::NUMERIC), text, self.cx.io).map_err(|e| e.at(self.at(pos)))?;
                    constant(value, oid::NUMERIC, pos)
                }
            },
            ast::Const::Str(s) => constant(Value::text(s), oid::UNKNOWN, pos),
            ast::Const::Bit(s) => {
                let value = types::text_in(TypeRef::of(oid::BIT), s, self.cx.io).map_err(|e| e.at(self.at(pos)))?;
                constant(value, oid::BIT, pos)
            }
        })
    }

    fn param(&mut self, n: i32, pos: Pos) -> Result<Expr> {
        let missing = |this: &Self| err!(UNDEFINED_PARAMETER, "there is no parameter ${n}").at(this.at(pos));
        if let Some(v) = self.cx.names.variable(&[format!("${n}")])? {
            return Ok(Expr { pos: Some(pos), ..v });
        }
        let Some(i) = usize::try_from(n).ok().and_then(|n| n.checked_sub(1)) else { return Err(missing(self)) };
        if i >= self.cx.params.len() {
            if !self.cx.infer_params || i >= MOST_PARAMS {
                return Err(missing(self));
            }
            self.cx.params.resize(i + 1, super::UNKNOWN_PARAM);
        }
        let mut ty = self.cx.params[i];
        if !ty.oid.is_valid() {
            self.cx.params[i] = super::UNKNOWN_PARAM;
            ty = super::UNKNOWN_PARAM;
        }
        Ok(Expr { kind: ExprKind::Param(i), ty, pos: Some(pos) })
    }

    /// PostgreSQL 15, parse_expr.c, transformColumnRef.
    fn column_ref(&mut self, parts: &[String], pos: Pos) -> Result<Expr> {
        match self.scope().clause {
            Clause::Default => {
                let text = "cannot use column reference in DEFAULT expression";
                return Err(Error::unsupported(text).at(self.at(pos)));
            }
            Clause::PartitionBound => {
                let text = "cannot use column reference in partition bound expression";
                return Err(Error::unsupported(text).at(self.at(pos)));
            }
            _ => {}
        }
        self.column_or_variable(parts, pos)
    }

    /// A name inside a routine may be a column's or a variable's. PostgreSQL 15, pl_comp.c, plpgsql_post_column_ref.
    fn column_or_variable(&mut self, parts: &[String], pos: Pos) -> Result<Expr> {
        use super::names::Conflict;
        let names = self.cx.names;
        let variable = |e: Expr| Ok(Expr { pos: (pos != ast::NOWHERE).then_some(pos), ..e });
        if names.conflict() == Conflict::Variable
            && let Some(v) = names.variable(parts)?
        {
            return variable(v);
        }
        match self.plain_column(parts, pos) {
            Ok(found) => {
                if names.conflict() == Conflict::Error && names.variable(parts).is_ok_and(|v| v.is_some()) {
                    return Err(err!(AMBIGUOUS_COLUMN, "column reference \"{}\" is ambiguous", parts.join("."))
                        .detail("It could refer to either a PL/pgSQL variable or a table column.")
                        .at(self.at(pos)));
                }
                Ok(found)
            }
            Err(e) => {
                use crate::base::SqlState;
                let unknown = matches!(
                    e.sqlstate(),
                    SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE | SqlState::INVALID_COLUMN_REFERENCE
                );
                match names.variable(parts) {
                    Ok(Some(v)) if unknown => variable(v),
                    Err(other) if unknown => Err(other.at(self.at(pos))),
                    _ => Err(e),
                }
            }
        }
    }

    fn plain_column(&mut self, parts: &[String], pos: Pos) -> Result<Expr> {
        match parts {
            [name] => {
                if let Some(f) = self.column(name, pos)? {
                    return Ok(f.expr);
                }
                match self.item(None, name, pos)? {
                    Some(at) => Ok(self.whole_row(at, pos)),
                    None => Err(self.missing_column(None, name, pos)),
                }
            }
            [table, name] => self.qualified(None, table, name, pos),
            [schema, table, name] => self.qualified(Some(schema), table, name, pos),
            [db, schema, table, name] if *db == self.cx.names.current_database() => {
                self.qualified(Some(schema), table, name, pos)
            }
            [_, _, _, _] => {
                Err(err!(FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: {}", parts.join("."))
                    .at(self.at(pos)))
            }
            _ => Err(err!(SYNTAX_ERROR, "improper qualified name (too many dotted names): {}", parts.join("."))
                .at(self.at(pos))),
        }
    }

    fn qualified(&mut self, schema: Option<&str>, table: &str, name: &str, pos: Pos) -> Result<Expr> {
        let Some(at) = self.item(schema, table, pos)? else {
            return Err(self.missing_table(table, pos));
        };
        match self.item_column(at, name, pos)? {
            Some(f) => Ok(f.expr),
            None => {
                let row = self.whole_row(at, pos);
                if let Some(call) = self.function_of_row(name, row, pos)? {
                    return Ok(call);
                }
                let shown = match schema {
                    Some(s) => format!("{s}.{table}"),
                    None => table.to_owned(),
                };
                Err(self.missing_column(Some(&shown), name, pos))
            }
        }
    }

    fn op(&mut self, op: &ast::OperName, left: Option<&ast::Expr>, right: &ast::Expr, pos: Pos) -> Result<Expr> {
        let at = if op.pos == ast::NOWHERE { pos } else { op.pos };
        if let Some(l) = left {
            if let (ast::ExprKind::Row { fields: a, .. }, ast::ExprKind::Row { fields: b, .. }) = (&l.kind, &right.kind)
            {
                let a = self.row_fields(a)?;
                let b = self.row_fields(b)?;
                return self.row_compare(op.schema.as_deref(), &op.name, a, b, at);
            }
            if let (ast::ExprKind::Row { fields, .. }, ast::ExprKind::SubLink(link)) = (&l.kind, &right.kind)
                && matches!(link.kind, ast::SubLinkKind::Scalar)
            {
                return self.row_sub_select(fields, op, &link.query, at);
            }
        }
        let l = left.map(|l| self.expr(l)).transpose()?;
        let r = self.expr(right)?;
        // The lexer leaves a minus before a number; PostgreSQL's grammar makes a negative constant of it.
        if let (None, "-", None) = (&op.schema, op.name.as_str(), &l)
            && matches!(&right.kind, ast::ExprKind::Const(_))
            && let Some(negative) = negate(&r)
        {
            return Ok(negative);
        }
        self.make_op(op.schema.as_deref(), &op.name, l, r, at)
    }

    /// PostgreSQL 15, parse_oper.c, make_scalar_array_op.
    pub(super) fn op_array(
        &mut self,
        schema: Option<&str>,
        name: &str,
        any: bool,
        left: Expr,
        array: Expr,
        pos: Pos,
    ) -> Result<Expr> {
        let array_ty = array.ty.oid;
        let element = match array_ty {
            oid::UNKNOWN => oid::UNKNOWN,
            t => match types::element_type(t) {
                Some(e) => e,
                None => {
                    return Err(
                        err!(WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires array on right side").at(self.at(pos))
                    );
                }
            },
        };
        let op = self.operator(schema, name, Some(left.ty.oid), element, pos)?;
        let f = self.operator_func(op)?;
        let actual = [left.ty.oid, element];
        let mut declared = [op.left, op.right];
        let ret = self.resolve_generic(&actual, &mut declared, op.result, false)?;
        if ret != oid::BOOL {
            return Err(
                err!(WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires operator to yield boolean").at(self.at(pos))
            );
        }
        if f.retset {
            let text = "op ANY/ALL (array) requires operator not to return a set";
            return Err(err!(WRONG_OBJECT_TYPE, "{text}").at(self.at(pos)));
        }
        let Some(target) = types::array_type(declared[1]) else {
            return Err(err!(
                UNDEFINED_OBJECT,
                "could not find array type for data type {}",
                self.type_name(declared[1])
            )
            .at(self.at(pos)));
        };
        let mut args = [left, array];
        self.coerce_args(&mut args, &[declared[0], target])?;
        let [left, array] = args;
        Ok(Expr {
            kind: ExprKind::ScalarArray {
                func: f,
                oper: Some(op.oid),
                any,
                left: Box::new(left),
                array: Box::new(array),
            },
            ty: TypeRef::of(oid::BOOL),
            pos: Some(pos),
        })
    }

    fn distinct(&mut self, left: &ast::Expr, right: &ast::Expr, negated: bool, pos: Pos) -> Result<Expr> {
        if let (ast::ExprKind::Row { fields: a, .. }, ast::ExprKind::Row { fields: b, .. }) = (&left.kind, &right.kind)
        {
            let (a, b) = (self.row_fields(a)?, self.row_fields(b)?);
            if a.len() != b.len() {
                return Err(err!(SYNTAX_ERROR, "unequal number of entries in row expressions").at(self.at(pos)));
            }
            // A row is distinct if any of its fields is.
            let pairs = a.into_iter().zip(b);
            let parts = pairs.map(|(x, y)| self.distinct_values(x, y, negated, pos)).collect::<Result<Vec<_>>>()?;
            let kind = if negated { ExprKind::And(parts) } else { ExprKind::Or(parts) };
            return Ok(Expr::new(kind, TypeRef::of(oid::BOOL)));
        }
        let l = self.expr(left)?;
        let r = self.expr(right)?;
        self.distinct_values(l, r, negated, pos)
    }

    fn distinct_values(&mut self, l: Expr, r: Expr, negated: bool, pos: Pos) -> Result<Expr> {
        // A NULL literal makes it a plain null test, of a row as a whole: nobody asks for its fields.
        let is_null = |e: &Expr| matches!(e.kind, ExprKind::Const(Value::Null)) && e.ty.oid == oid::UNKNOWN;
        if is_null(&r) || is_null(&l) {
            let (arg, null) = if is_null(&r) { (Box::new(l), r) } else { (Box::new(r), l) };
            let kind = match func::func(RECORD_EQ).filter(|_| is_complex(types::base_type(arg.ty.oid))) {
                Some(eq) => ExprKind::Distinct { eq, left: arg, right: Box::new(null), negated },
                None if negated => ExprKind::IsNull(arg),
                None => ExprKind::IsNotNull(arg),
            };
            return Ok(Expr::new(kind, TypeRef::of(oid::BOOL)));
        }
        let (eq, left, right) = self.equality(l, r, pos, "IS DISTINCT FROM requires = operator to yield boolean")?;
        Ok(Expr::new(
            ExprKind::Distinct { eq, left: Box::new(left), right: Box::new(right), negated },
            TypeRef::of(oid::BOOL),
        ))
    }

    fn equality(
        &mut self,
        left: Expr,
        right: Expr,
        pos: Pos,
        complaint: &str,
    ) -> Result<(&'static func::FuncDef, Expr, Expr)> {
        let e = self.make_op(None, "=", Some(left), right, pos)?;
        match e.kind {
            ExprKind::Func { func, args, .. } if e.ty.oid == oid::BOOL => {
                let mut args = args.into_iter();
                match (args.next(), args.next()) {
                    (Some(l), Some(r)) => Ok((func, l, r)),
                    _ => Err(Error::internal("an equality without two sides")),
                }
            }
            _ => Err(err!(DATATYPE_MISMATCH, "{complaint}").at(self.at(pos))),
        }
    }

    fn null_if(&mut self, left: &ast::Expr, right: &ast::Expr, pos: Pos) -> Result<Expr> {
        let l = self.expr(left)?;
        let r = self.expr(right)?;
        let (eq, left, right) = self.equality(l, r, pos, "NULLIF requires = operator to yield boolean")?;
        // A row compared as a record is of its own type.
        let ty = match &left.kind {
            ExprKind::Relabel(row) if left.ty.oid == oid::RECORD => row.ty,
            _ => left.ty,
        };
        Ok(Expr::new(ExprKind::NullIf { eq, left: Box::new(left), right: Box::new(right) }, ty))
    }

    /// PostgreSQL 15, parse_expr.c, transformAExprIn: constants become one array, the rest is compared one by one.
    fn in_list(&mut self, arg: &ast::Expr, list: &[ast::Expr], negated: bool, pos: Pos) -> Result<Expr> {
        let name = if negated { "<>" } else { "=" };
        let mut parts = Vec::new();
        if let ast::ExprKind::Row { fields, .. } = &arg.kind {
            for item in list {
                let part = match &item.kind {
                    ast::ExprKind::Row { fields: right, .. } => {
                        let a = self.row_fields(fields)?;
                        let b = self.row_fields(right)?;
                        self.row_compare(None, name, a, b, pos)?
                    }
                    _ => {
                        let l = self.expr(arg)?;
                        let r = self.expr(item)?;
                        self.make_op(None, name, Some(l), r, pos)?
                    }
                };
                parts.push(part);
            }
            return Ok(join_conditions(parts, !negated));
        }
        let left = self.expr(arg)?;
        let items = list.iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
        let is_var =
            |e: &Expr| e.any(&mut |x| matches!(x.kind, ExprKind::Var { levels_up: 0, .. } | ExprKind::SubLink(_)));
        let mut singles = items;
        if singles.iter().filter(|e| !is_var(e)).count() > 1 {
            let (vars, constants): (Vec<Expr>, Vec<Expr>) = singles.into_iter().partition(is_var);
            singles = vars;
            let all: Vec<&Expr> = std::iter::once(&left).chain(&constants).collect();
            let common = self.common_type(&all, None)?.filter(|t| *t != oid::RECORD);
            // PostgreSQL 15, parse_coerce.c, verify_common_type: it may not do for all of them.
            let fits = |t: &Oid| all.iter().all(|e| can_coerce(&[e.ty.oid], &[*t], CastContext::Implicit));
            match common.filter(fits).and_then(|t| types::array_type(t).map(|a| (t, a))) {
                Some((element, array)) => {
                    let elements =
                        constants.into_iter().map(|e| self.to_common(e, element, "IN")).collect::<Result<Vec<_>>>()?;
                    let right = Expr::new(ExprKind::Array { elements, nested: false }, TypeRef::of(array));
                    parts.push(self.op_array(None, name, !negated, left.clone(), right, pos)?);
                }
                None => singles.extend(constants),
            }
        }
        for item in singles {
            let part = self.make_op(None, name, Some(left.clone()), item, pos)?;
            parts.push(self.to_boolean(part, "IN", pos)?);
        }
        Ok(join_conditions(parts, !negated))
    }

    fn between(
        &mut self,
        arg: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        symmetric: bool,
        negated: bool,
        pos: Pos,
    ) -> Result<Expr> {
        let half = |this: &mut Self, name: &str, bound: &ast::Expr| {
            let l = this.expr(arg)?;
            let r = this.expr(bound)?;
            this.make_op(None, name, Some(l), r, pos)
        };
        let range = |this: &mut Self, low: &ast::Expr, high: &ast::Expr| -> Result<Expr> {
            let (a, b) = if negated { ("<", ">") } else { (">=", "<=") };
            let parts = vec![half(this, a, low)?, half(this, b, high)?];
            Ok(join_conditions(parts, negated))
        };
        if !symmetric {
            return range(self, low, high);
        }
        let parts = vec![range(self, low, high)?, range(self, high, low)?];
        Ok(join_conditions(parts, !negated))
    }

    fn bool_test(&mut self, arg: &ast::Expr, test: ast::BoolTest) -> Result<Expr> {
        let (is, negated, clause) = match test {
            ast::BoolTest::IsTrue => (Some(true), false, "IS TRUE"),
            ast::BoolTest::IsNotTrue => (Some(true), true, "IS NOT TRUE"),
            ast::BoolTest::IsFalse => (Some(false), false, "IS FALSE"),
            ast::BoolTest::IsNotFalse => (Some(false), true, "IS NOT FALSE"),
            ast::BoolTest::IsUnknown => (None, false, "IS UNKNOWN"),
            ast::BoolTest::IsNotUnknown => (None, true, "IS NOT UNKNOWN"),
        };
        let bound = self.expr(arg)?;
        let bound = self.to_boolean(bound, clause, arg.start())?;
        Ok(Expr::new(ExprKind::BoolTest { arg: Box::new(bound), is, negated }, TypeRef::of(oid::BOOL)))
    }

    /// PostgreSQL 15, parse_expr.c, transformCaseExpr.
    fn case(&mut self, c: &ast::CaseExpr) -> Result<Expr> {
        let operand = match &c.arg {
            Some(e) => Some(self.typed_expr(e)?),
            None => None,
        };
        let mut conditions = Vec::with_capacity(c.whens.len());
        let mut results = Vec::with_capacity(c.whens.len() + 1);
        for w in &c.whens {
            let when = self.expr(&w.when)?;
            let condition = match &operand {
                Some(o) => {
                    let left = Expr { kind: ExprKind::CaseOperand, ty: o.ty, pos: o.pos };
                    self.make_op(None, "=", Some(left), when, w.pos)?
                }
                None => when,
            };
            conditions.push(self.to_boolean(condition, "CASE/WHEN", w.when.start())?);
            results.push(self.expr(&w.then)?);
        }
        let otherwise = match &c.default {
            Some(e) => self.expr(e)?,
            None => constant(Value::Null, oid::UNKNOWN, ast::NOWHERE),
        };
        let all: Vec<&Expr> = std::iter::once(&otherwise).chain(&results).collect();
        let ty = self.common_type(&all, Some("CASE"))?.unwrap_or(oid::TEXT);
        let otherwise = self.to_common(otherwise, ty, "CASE/ELSE")?;
        let results = results.into_iter().map(|r| self.to_common(r, ty, "CASE/WHEN")).collect::<Result<Vec<_>>>()?;
        for e in conditions.iter().chain(&results).chain([&otherwise]) {
            self.refuse_set(e, "CASE")?;
        }
        let typmod = common_typmod(results.iter().chain([&otherwise]), ty);
        Ok(Expr::new(
            ExprKind::Case {
                operand: operand.map(Box::new),
                arms: conditions.into_iter().zip(results).collect(),
                otherwise: c.default.is_some().then(|| Box::new(otherwise)),
            },
            TypeRef::with(ty, typmod),
        ))
    }

    fn sql_value(&mut self, kind: ast::SqlValue, precision: Option<i32>) -> Result<Expr> {
        let bound = self.sql_value_meant(kind, precision)?;
        if !self.cx.names.keeps_written() {
            return Ok(bound);
        }
        let word = ast::deparse::expr(&ast::Expr::new(ast::ExprKind::SqlValue { kind, precision }, ast::NOWHERE))?;
        Ok(super::call::written(Form::Keyword(word), bound))
    }

    fn sql_value_meant(&mut self, kind: ast::SqlValue, precision: Option<i32>) -> Result<Expr> {
        use ast::SqlValue as S;
        let call = |name: &str| {
            func::funcs_named(name)
                .iter()
                .find(|f| f.args.is_empty())
                .map(|f| {
                    Expr::new(
                        ExprKind::Func { func: f, oper: None, args: Vec::new(), variadic: false },
                        TypeRef::of(f.ret),
                    )
                })
                .ok_or_else(|| Error::internal(format!("function {name}() is missing")))
        };
        let typmod = precision.map_or(-1, |p| p.clamp(0, 6));
        let now = |this: &mut Self, ty| {
            let now = call("now")?;
            this.cast(now, TypeRef::with(ty, typmod), ast::NOWHERE)
        };
        match kind {
            S::CurrentDate => {
                let now = call("now")?;
                self.cast(now, TypeRef::of(oid::DATE), ast::NOWHERE)
            }
            S::CurrentTime => now(self, oid::TIMETZ),
            S::CurrentTimestamp => now(self, oid::TIMESTAMPTZ),
            S::LocalTime => now(self, oid::TIME),
            S::LocalTimestamp => now(self, oid::TIMESTAMP),
            S::CurrentRole | S::CurrentUser | S::User => call("current_user"),
            S::SessionUser => call("session_user"),
            S::CurrentCatalog => call("current_database"),
            S::CurrentSchema => call("current_schema"),
        }
    }

    fn cast_expr(&mut self, arg: &ast::Expr, typ: &ast::TypeName, pos: Pos) -> Result<Expr> {
        let target = self.type_ref(typ)?;
        if typ.setof {
            return Err(err!(DATATYPE_MISMATCH, "cannot cast to setof").at(self.at(pos)));
        }
        let bound = match &arg.kind {
            // The target's element type is that of an ARRAY[] literal.
            ast::ExprKind::Array(list) if types::element_type(target.oid).is_some() => {
                let mut array = self.array(list, types::element_type(target.oid), arg.pos)?;
                // A literal may be what no array can be cast to.
                if matches!(target.oid, oid::INT2VECTOR | oid::OIDVECTOR)
                    && matches!(&array.kind, ExprKind::Array { elements, nested: false } if !elements.is_empty())
                {
                    array.ty = target;
                }
                array
            }
            _ => self.expr(arg)?,
        };
        let at = if pos == ast::NOWHERE { typ.pos } else { pos };
        let mut out = self.cast(bound, target, at)?;
        out.pos = None;
        let row = matches!(&out.kind, ExprKind::Row { names, .. } if !super::shown::is_whole_row(names));
        if self.cx.names.keeps_written() && (row && out.ty.oid != oid::RECORD || super::shown::is_cast(&out)) {
            out = super::call::written(Form::Cast, out);
            out.pos = None;
        }
        Ok(out)
    }

    /// # Errors
    /// 42704.
    pub(super) fn collation_named(&mut self, parts: &[String], pos: Pos) -> Result<crate::base::Oid> {
        let (name, schema) = parts.split_last().map_or(("", None), |(l, s)| (l.as_str(), s.last()));
        self.may_look_into(schema.map(String::as_str), pos)?;
        self.cx.names.collation_by_name(schema.map(String::as_str), name).ok_or_else(|| {
            let name = parts.join(".");
            err!(UNDEFINED_OBJECT, "collation \"{name}\" for encoding \"UTF8\" does not exist").at(self.at(pos))
        })
    }

    fn collate(&mut self, arg: &ast::Expr, collation: &[String], pos: Pos) -> Result<Expr> {
        let bound = self.expr(arg)?;
        let base = types::base_type(bound.ty.oid);
        let ordered = types::info(types::element_type(base).unwrap_or(base));
        if bound.ty.oid != oid::UNKNOWN && !ordered.is_some_and(|i| i.collation.is_valid()) {
            let shown = self.type_name(bound.ty.oid);
            return Err(err!(DATATYPE_MISMATCH, "collations are not supported by type {shown}").at(self.at(pos)));
        }
        let found = self.collation_named(collation, pos)?;
        self.collated = true;
        let system = matches!(collation, [_] | [_, _]) && collation.first().is_some_and(|s| s == "pg_catalog");
        let shown: Vec<String> = collation
            .iter()
            .skip(usize::from(system && collation.len() == 2))
            .map(|n| types::name::quote_identifier(n))
            .collect();
        let mut written = super::call::written(Form::Collate(found, shown.join(".")), bound);
        written.pos = Some(pos);
        Ok(written)
    }

    /// `ARRAY[…]`, perhaps with the element type a cast asks for.
    fn array(&mut self, list: &[ast::Expr], wanted: Option<crate::base::Oid>, pos: Pos) -> Result<Expr> {
        let mut elements = Vec::with_capacity(list.len());
        let mut nested = false;
        for e in list {
            let bound = match &e.kind {
                ast::ExprKind::Array(inner) => {
                    nested = true;
                    self.array(inner, wanted, e.pos)?
                }
                _ => {
                    let b = self.expr(e)?;
                    // PostgreSQL 15, parse_expr.c, transformArrayExpr: the vectors are no arrays here.
                    let is_array = types::element_type(b.ty.oid).is_some() && types::array_type(b.ty.oid).is_none();
                    if is_array && wanted.is_none_or(|w| w != b.ty.oid) {
                        nested = true;
                    }
                    b
                }
            };
            elements.push(bound);
        }
        let element = match wanted {
            Some(w) => w,
            None if elements.is_empty() => {
                return Err(err!(INDETERMINATE_DATATYPE, "cannot determine type of empty array")
                    .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
                    .at(self.at(pos)));
            }
            None => {
                let refs: Vec<&Expr> = elements.iter().collect();
                self.common_type(&refs, Some("ARRAY"))?.unwrap_or(oid::TEXT)
            }
        };
        let (item, array) = match (nested, types::element_type(element)) {
            // The elements are arrays themselves: they have the type of the whole.
            (true, Some(_)) => (element, element),
            (true, None) if wanted.is_some() => {
                let a = types::array_type(element).unwrap_or(element);
                (a, a)
            }
            _ => match types::array_type(element) {
                Some(a) => (element, a),
                None => {
                    return Err(err!(
                        UNDEFINED_OBJECT,
                        "could not find array type for data type {}",
                        self.type_name(element)
                    )
                    .at(self.at(pos)));
                }
            },
        };
        let elements = elements
            .into_iter()
            .map(|e| {
                let p = e.pos.unwrap_or(pos);
                match wanted {
                    Some(_) => self.cast(e, TypeRef::of(item), p),
                    None => self.to_common(e, item, "ARRAY"),
                }
            })
            .collect::<Result<_>>()?;
        Ok(Expr { kind: ExprKind::Array { elements, nested }, ty: TypeRef::of(array), pos: Some(pos) })
    }

    /// The values of a row constructor.
    pub(super) fn row_fields(&mut self, fields: &[ast::Expr]) -> Result<Vec<Expr>> {
        let mut out = Vec::new();
        for f in fields {
            // `ROW(t.*)` is expanded.
            match &f.kind {
                ast::ExprKind::Column { parts, star: true } => {
                    out.extend(self.expand_star(parts, f.pos)?.into_iter().map(|t| t.expr));
                }
                ast::ExprKind::Indirection { arg, path } if matches!(path.last(), Some(ast::Indirection::Star)) => {
                    let fields = self.expand_fields(arg, &path[..path.len() - 1], f.pos)?;
                    out.extend(fields.into_iter().map(|t| t.expr));
                }
                _ => out.push(self.expr(f)?),
            }
        }
        if out.len() > 1664 {
            return Err(err!(TOO_MANY_COLUMNS, "ROW expressions can have at most 1664 entries"));
        }
        Ok(out)
    }

    fn row(&mut self, fields: &[ast::Expr]) -> Result<Expr> {
        let out = self.row_fields(fields)?;
        let names = (1..=out.len()).map(|i| format!("f{i}")).collect();
        Ok(Expr::new(ExprKind::Row { fields: out, names }, TypeRef::of(oid::RECORD)))
    }
}

/// The conditions, one of which (or all) must hold.
pub(super) fn join_conditions(mut parts: Vec<Expr>, or: bool) -> Expr {
    if parts.len() == 1
        && let Some(one) = parts.pop()
    {
        return one;
    }
    let kind = if or { ExprKind::Or(parts) } else { ExprKind::And(parts) };
    Expr::new(kind, TypeRef::of(oid::BOOL))
}

/// The negative of a number written as a literal.
fn negate(e: &Expr) -> Option<Expr> {
    let ExprKind::Const(v) = &e.kind else { return None };
    let (value, ty) = match v {
        Value::I32(n) => match n.checked_neg() {
            Some(m) => (Value::I32(m), oid::INT4),
            None => return None,
        },
        Value::I64(n) => {
            let n = n.checked_neg()?;
            match i32::try_from(n) {
                Ok(m) => (Value::I32(m), oid::INT4),
                Err(_) => (Value::I64(n), oid::INT8),
            }
        }
        _ => return None,
    };
    Some(Expr { kind: ExprKind::Const(value), ty: TypeRef::of(ty), pos: e.pos })
}
