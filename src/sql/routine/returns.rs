//! What a routine returns, and how the rows of a query become that.

use crate::base::Result;
use crate::catalog::object::Function;
use crate::err;
use crate::sql::bind::{self, BindContext, Conversion};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{Batch, Column, Phys, TypeRef, Value, oid, record};

/// The shape of a result.
#[derive(Clone, PartialEq, Debug)]
pub enum Returns {
    Void,
    Trigger,
    Scalar(TypeRef),
    /// A row; without fields: any (`record`, no column list known).
    Row {
        ty: TypeRef,
        fields: Option<Vec<(String, TypeRef)>>,
    },
}

impl Returns {
    /// Of a function called with these types; `expected`: the caller's column definition list.
    pub fn of(
        cx: &ExecContext,
        f: &Function,
        result: TypeRef,
        types: &[TypeRef],
        expected: Option<&[(String, TypeRef)]>,
    ) -> Returns {
        if f.is_procedure() && f.result.oid == oid::VOID {
            return Returns::Void;
        }
        match result.oid {
            oid::VOID => Returns::Void,
            oid::TRIGGER => Returns::Trigger,
            oid::RECORD => {
                let fields = out_fields(f, types).or_else(|| expected.map(<[_]>::to_vec));
                Returns::Row { ty: result, fields }
            }
            t => match cx.fx.io.hooks.composite(crate::types::base_type(t)) {
                Some(fields) => {
                    Returns::Row { ty: result, fields: Some(fields.into_iter().map(|f| (f.name, f.typ)).collect()) }
                }
                None => Returns::Scalar(result),
            },
        }
    }

    /// The columns of the rows a routine hands out; None: they come with the rows.
    pub fn columns(&self) -> Option<Vec<TypeRef>> {
        match self {
            Returns::Void => Some(vec![TypeRef::of(oid::VOID)]),
            Returns::Trigger => Some(vec![TypeRef::of(oid::RECORD)]),
            Returns::Scalar(t) => Some(vec![*t]),
            Returns::Row { fields, .. } => fields.as_ref().map(|f| f.iter().map(|(_, t)| *t).collect()),
        }
    }
}

/// The OUT arguments of a function that returns a record, polymorphic ones as this call has them.
pub fn out_fields(f: &Function, types: &[TypeRef]) -> Option<Vec<(String, TypeRef)>> {
    let outs: Vec<usize> =
        f.arg_modes.iter().enumerate().filter(|(_, m)| matches!(m, 'o' | 'b' | 't')).map(|(n, _)| n).collect();
    if outs.is_empty() {
        return None;
    }
    let field = |(i, n): (usize, &usize)| {
        let name = f.arg_names.get(*n).filter(|n| !n.is_empty()).cloned();
        (name.unwrap_or_else(|| format!("column{}", i + 1)), TypeRef::of(actual(f, f.arg_types[*n], types)))
    };
    Some(outs.iter().enumerate().map(field).collect())
}

/// A declared type as this call has it: polymorphic ones follow from the arguments.
pub fn actual(f: &Function, declared: crate::base::Oid, types: &[TypeRef]) -> crate::base::Oid {
    crate::sql::func::polymorphic::actual(declared, &f.inputs(), types)
}

/// How the columns of a query become a result.
#[derive(Clone, Debug)]
pub struct Shaping {
    /// Reads the query's columns; None: they stay as they are.
    pub exprs: Option<Vec<Expr>>,
    /// The one column is the row itself.
    pub whole: bool,
}

/// A cast of column `n`.
pub fn cast_of(
    cx: &mut ExecContext,
    n: usize,
    from: TypeRef,
    to: TypeRef,
    by_text: bool,
) -> Result<Option<Conversion>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx = BindContext { names: &*catalog, io: &cx.fx.io, text: "", params: Vec::new(), infer_params: false };
    let mut made = bind::conversion(&mut bcx, from, to, by_text)?;
    if let Conversion::Cast(e) = &mut made {
        e.rewrite(&mut |e| {
            if let ExprKind::Column(c) = &mut e.kind {
                *c = n;
            }
        });
    }
    Ok(match made {
        Conversion::Impossible => None,
        other => Some(other),
    })
}

fn column(n: usize, ty: TypeRef, c: Conversion) -> (Expr, bool) {
    match c {
        Conversion::Cast(e) => (e, true),
        _ => (Expr::new(ExprKind::Column(n), ty), false),
    }
}

fn mismatch(cx: &ExecContext, returns: TypeRef, detail: impl Into<String>) -> crate::base::Error {
    let shown = crate::types::format_type_plain(returns.oid, &*cx.fx.io.hooks);
    err!(INVALID_FUNCTION_DEFINITION, "return type mismatch in function declared to return {shown}")
        .detail(detail)
        .place("check_sql_fn_retval", "functions.c", 1601)
}

/// The one column of a last statement that is a row as it was written becomes one of the type that is returned: PostgreSQL
/// 15, functions.c, coerce_fn_result_column, as an assignment.
///
/// # Errors
/// 42846 where it has other fields.
pub fn as_row(cx: &mut ExecContext, query: &mut bind::Query, returns: &Returns) -> Result<()> {
    let Returns::Row { ty, fields: Some(_) } = returns else { return Ok(()) };
    let plain = query.set_op.is_none() && matches!(query.distinct, bind::Distinct::No) && query.order_by.is_empty();
    if ty.oid == oid::RECORD || !plain {
        return Ok(());
    }
    let list = match &mut query.write {
        Some(w) => &mut w.returning,
        None => &mut query.targets,
    };
    let mut shown = list.iter_mut().filter(|t| !t.junk);
    let (Some(target), None) = (shown.next(), shown.next()) else { return Ok(()) };
    if target.expr.ty.oid == oid::RECORD && matches!(target.expr.kind, ExprKind::Row { .. }) {
        let catalog = cx.backend()?.catalog.clone();
        let mut bcx =
            BindContext { names: &*catalog, io: &cx.fx.io, text: "", params: Vec::new(), infer_params: false };
        let row = std::mem::replace(&mut target.expr, Expr::new(ExprKind::Const(Value::Null), *ty));
        target.expr = bind::assigned_row(&mut bcx, row, *ty)?;
    }
    Ok(())
}

/// PostgreSQL 15, functions.c, check_sql_fn_retval: the columns of a body's last statement. None: it returns no rows.
/// The single column of a function may be the whole row; a procedure's never is.
///
/// # Errors
/// 42P13 where they do not fit.
pub fn shape(cx: &mut ExecContext, found: Option<&[TypeRef]>, returns: &Returns, procedure: bool) -> Result<Shaping> {
    let as_is = Shaping { exprs: None, whole: false };
    let ty = match returns {
        Returns::Void => return Ok(as_is),
        Returns::Trigger => {
            return Err(err!(INVALID_FUNCTION_DEFINITION, "SQL functions cannot return type trigger"));
        }
        Returns::Scalar(ty) | Returns::Row { ty, .. } => *ty,
    };
    let Some(found) = found else {
        return Err(mismatch(cx, ty, "Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING."));
    };
    let shown = |cx: &ExecContext, t: TypeRef| crate::types::format_type_plain(t.oid, &*cx.fx.io.hooks);
    let one_column = |cx: &mut ExecContext, ty: TypeRef, whole: bool| {
        let [one] = found else {
            return Err(mismatch(cx, ty, "Final statement must return exactly one column."));
        };
        let Some(cast) = cast_of(cx, 0, *one, ty, false)? else {
            let detail = format!("Actual return type is {}.", shown(cx, *one));
            return Err(mismatch(cx, ty, detail));
        };
        let (e, changed) = column(0, *one, cast);
        Ok(Shaping { exprs: changed.then(|| vec![e]), whole })
    };
    match returns {
        Returns::Scalar(ty) => one_column(cx, *ty, false),
        // A domain over a row type is no row type: it is one column.
        Returns::Row { ty, .. } if crate::types::base_type(ty.oid) != ty.oid => one_column(cx, *ty, true),
        Returns::Row { ty, fields } => {
            if let ([one], false) = (found, procedure)
                && (one.oid == ty.oid || one.oid == oid::RECORD && ty.oid == oid::RECORD)
            {
                return Ok(Shaping { exprs: None, whole: true });
            }
            let Some(fields) = fields else { return Ok(as_is) };
            let mut exprs = Vec::with_capacity(fields.len());
            let mut changed = false;
            for (n, (_, to)) in fields.iter().enumerate() {
                let Some(from) = found.get(n) else {
                    return Err(mismatch(cx, *ty, "Final statement returns too few columns."));
                };
                let Some(cast) = cast_of(cx, n, *from, *to, false)? else {
                    let (from, to) = (shown(cx, *from), shown(cx, *to));
                    let detail = format!("Final statement returns {from} instead of {to} at column {}.", n + 1);
                    return Err(mismatch(cx, *ty, detail));
                };
                let (e, cast) = column(n, *from, cast);
                exprs.push(e);
                changed |= cast;
            }
            if found.len() > fields.len() {
                return Err(mismatch(cx, *ty, "Final statement returns too many columns."));
            }
            Ok(Shaping { exprs: changed.then_some(exprs), whole: false })
        }
        _ => Ok(as_is),
    }
}

/// One row as a value of a row type.
pub fn pack<'a>(
    ty: TypeRef,
    names: impl Iterator<Item = &'a str>,
    types: &[TypeRef],
    batch: &Batch,
    row: usize,
) -> Value {
    let names: Vec<&str> = names.collect();
    let columns: Vec<(&str, crate::base::Oid, crate::types::Datum<'_>)> = batch
        .columns
        .iter()
        .enumerate()
        .map(|(n, c)| (names.get(n).copied().unwrap_or(""), types.get(n).map_or(oid::TEXT, |t| t.oid), c.get(row)))
        .collect();
    let mut bytes = Vec::new();
    record::build(ty, columns.into_iter(), &mut bytes);
    Value::Bytes(bytes.into())
}

/// The fields of row values as columns of these types.
pub fn unpack(value: &Column, types: &[TypeRef]) -> Vec<Column> {
    let mut out: Vec<Column> = types.iter().map(|t| Column::new(crate::sql::exec::phys_of(*t))).collect();
    for row in 0..value.len() {
        match value.get(row) {
            crate::types::Datum::Bytes(b) if value.phys() == Phys::Bytes => {
                let r = record::Record::new(b);
                for (n, c) in out.iter_mut().enumerate() {
                    c.push(r.field(n));
                }
            }
            _ => out.iter_mut().for_each(Column::push_null),
        }
    }
    out
}
