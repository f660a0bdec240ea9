//! Constant folding and the simplification of conditions: PostgreSQL 15, clauses.c, eval_const_expressions.

use crate::base::{Error, Oid, Result, SqlState};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::{self, CallTypes, FnContext, FuncDef, FuncImpl};
use crate::types::{self, Column, Datum, IoContext, TypeRef, Value, oid};
use std::sync::Arc;

/// Folds what is constant; holds the context functions run in.
pub(in crate::sql) struct Folder<'n> {
    cx: Option<FnContext>,
    io: IoContext,
    /// The first failure of a function over constants.
    error: Option<Error>,
    /// Where functions in SQL are found, if their bodies may stand for their calls.
    pub(super) inliner: Option<&'n super::PlanContext<'n>>,
    /// Those whose bodies are being simplified.
    pub(super) active: Vec<Oid>,
    pub(super) inlined: super::inline::Inlined,
}

/// What calls make beyond this many bytes is made when the plan runs.
const LONGEST: usize = 1 << 20;

pub(super) fn constant(e: &Expr) -> Option<&Value> {
    match &e.kind {
        ExprKind::Const(v) => Some(v),
        _ => None,
    }
}

fn bool_value(e: &Expr) -> Option<Option<bool>> {
    match &e.kind {
        ExprKind::Const(Value::Bool(b)) => Some(Some(*b)),
        ExprKind::Const(Value::Null) => Some(None),
        _ => None,
    }
}

pub(super) fn bool_expr(b: bool) -> Expr {
    Expr::new(ExprKind::Const(Value::Bool(b)), TypeRef::of(oid::BOOL))
}

fn null_of(ty: TypeRef) -> ExprKind {
    let _ = ty;
    ExprKind::Const(Value::Null)
}

impl<'n> Folder<'n> {
    pub fn new(io: &IoContext) -> Folder<'n> {
        Folder { cx: None, io: io.clone(), error: None, inliner: None, active: Vec::new(), inlined: Vec::new() }
    }

    /// One that puts the bodies of functions in SQL in place of their calls.
    pub fn inlining(cx: &'n super::PlanContext<'n>) -> Folder<'n> {
        Folder { inliner: Some(cx), ..Folder::new(cx.io) }
    }

    /// Simplifies the body of a function; what fails in it says so.
    pub(super) fn fold_inside(&mut self, e: &mut Expr, context: String) {
        let before = self.error.take();
        self.fold(e);
        let own = self.error.take().map(|e| e.context(context));
        self.error = before.or(own);
    }

    /// Simplifies an expression in place.
    ///
    /// # Errors
    /// Those of functions over constants, as in PostgreSQL: `1 / 0` fails even if no row asks for it, unless it stands
    /// behind what is known to decide (AND, OR, CASE, COALESCE).
    pub fn simplify(&mut self, e: &mut Expr) -> Result<()> {
        self.fold(e);
        self.error.take().map_or(Ok(()), Err)
    }

    fn fold(&mut self, e: &mut Expr) {
        // A column or constant is the common case and costs nothing.
        match &e.kind {
            ExprKind::Var { .. } | ExprKind::Const(_) | ExprKind::Column(_) | ExprKind::ExecParam(_) => return,
            _ => {}
        }
        match &mut e.kind {
            ExprKind::And(parts) => self.fold_until(parts, |p| bool_value(p) == Some(Some(false))),
            ExprKind::Or(parts) => self.fold_until(parts, |p| bool_value(p) == Some(Some(true))),
            ExprKind::Coalesce(args) => self.fold_until(args, |a| constant(a).is_some_and(|v| !v.is_null())),
            ExprKind::Case { operand, arms, otherwise } => self.fold_case(operand, arms, otherwise),
            _ => e.for_each_child_mut(&mut |c| self.fold(c)),
        }
        self.fold_node(e);
    }

    /// Folds up to the part that decides; what follows it will never be looked at.
    fn fold_until(&mut self, parts: &mut Vec<Expr>, decides: impl Fn(&Expr) -> bool) {
        for n in 0..parts.len() {
            self.fold(&mut parts[n]);
            if decides(&parts[n]) {
                parts.truncate(n + 1);
                return;
            }
        }
    }

    /// Likewise: results are folded only of arms that may be taken.
    fn fold_case(
        &mut self,
        operand: &mut Option<Box<Expr>>,
        arms: &mut Vec<(Expr, Expr)>,
        otherwise: &mut Option<Box<Expr>>,
    ) {
        if let Some(value) = operand {
            self.fold(value);
        }
        if let Some(value) = operand.as_deref().filter(|o| constant(o).is_some()) {
            arms.iter_mut().for_each(|(condition, _)| put_operand(condition, value));
            *operand = None;
        }
        for n in 0..arms.len() {
            self.fold(&mut arms[n].0);
            match bool_value(&arms[n].0) {
                Some(Some(true)) => {
                    self.fold(&mut arms[n].1);
                    arms.truncate(n + 1);
                    return;
                }
                Some(_) => {}
                None => self.fold(&mut arms[n].1),
            }
        }
        if let Some(otherwise) = otherwise {
            self.fold(otherwise);
        }
    }

    /// Keeps the first error that is the data's fault, or what is written in it. Another one may only come of the
    /// planner's having no session, and is left for the execution.
    fn fails(&mut self, e: Error) {
        let of_data = e.sqlstate().as_str().starts_with("22") || e.sqlstate() == SqlState::SYNTAX_ERROR;
        if of_data && self.error.is_none() {
            self.error = Some(e);
        }
    }

    fn fold_node(&mut self, e: &mut Expr) {
        let ty = e.ty;
        let new = match &mut e.kind {
            ExprKind::Func { func, oper, args, variadic } => {
                self.call(func, args, *variadic, ty).or_else(|| boolean_equality(*oper, args))
            }
            ExprKind::And(parts) => junction(std::mem::take(parts), true),
            ExprKind::Or(parts) => junction(std::mem::take(parts), false),
            ExprKind::Not(arg) => negate(arg),
            ExprKind::IsNull(arg) => constant(arg).map(|v| ExprKind::Const(Value::Bool(v.is_null()))),
            ExprKind::IsNotNull(arg) => constant(arg).map(|v| ExprKind::Const(Value::Bool(!v.is_null()))),
            ExprKind::BoolTest { arg, is, negated } => {
                bool_value(arg).map(|v| ExprKind::Const(Value::Bool((v == *is) != *negated)))
            }
            ExprKind::Relabel(arg) => match constant(arg) {
                Some(v) if types::phys(arg.ty.oid) == types::phys(ty.oid) => Some(ExprKind::Const(v.clone())),
                _ => match &mut arg.kind {
                    // A relabelled relabelling is one.
                    ExprKind::Relabel(inner) => {
                        let inner = std::mem::replace(inner, Box::new(bool_expr(false)));
                        if inner.ty == ty { Some(inner.kind) } else { Some(ExprKind::Relabel(inner)) }
                    }
                    _ => None,
                },
            },
            ExprKind::IoCast { arg, .. } => self.io_cast(arg, ty),
            ExprKind::Coalesce(args) => {
                args.retain(|a| !constant(a).is_some_and(Value::is_null));
                match args.first() {
                    None => Some(null_of(ty)),
                    Some(a) if constant(a).is_some() || args.len() == 1 => Some(args.swap_remove(0).kind),
                    _ => None,
                }
            }
            ExprKind::Case { operand, arms, otherwise } => case(operand, arms, otherwise, ty),
            ExprKind::Array { elements, nested: false } => array(elements, ty),
            ExprKind::NullIf { eq, left, right } => self.null_if(eq, left, right),
            _ => None,
        };
        match new {
            Some(kind) => e.kind = kind,
            None => {
                if let Some(body) = self.inlined_call(e) {
                    *e = body.in_place_of(e);
                }
            }
        }
    }

    fn call(&mut self, f: &'static FuncDef, args: &[Expr], variadic: bool, ret: TypeRef) -> Option<ExprKind> {
        let mut constants = true;
        for a in args {
            match constant(a) {
                Some(v) if v.is_null() && f.strict => return Some(null_of(ret)),
                Some(_) => {}
                None => constants = false,
            }
        }
        if !constants || f.volatility != b'i' || f.retset {
            return None;
        }
        let values: Vec<&Value> = args.iter().filter_map(constant).collect();
        let types: Vec<TypeRef> = args.iter().map(|a| a.ty).collect();
        self.evaluate(f, &values, types, ret, variadic).map(ExprKind::Const)
    }

    fn null_if(&mut self, eq: &'static FuncDef, left: &Expr, right: &Expr) -> Option<ExprKind> {
        let (l, r) = (constant(left)?, constant(right)?);
        let equal = match l.is_null() || r.is_null() {
            true => Value::Bool(false),
            false => self.evaluate(eq, &[l, r], vec![left.ty, right.ty], TypeRef::of(oid::BOOL), false)?,
        };
        Some(ExprKind::Const(if matches!(equal, Value::Bool(true)) { Value::Null } else { l.clone() }))
    }

    /// The value of an immutable function of constants, which nobody asked for: its failures are none.
    pub fn tried(
        &mut self,
        f: &'static FuncDef,
        values: &[&Value],
        arg_types: Vec<TypeRef>,
        ret: TypeRef,
    ) -> Option<Value> {
        let before = self.error.take();
        let value = self.evaluate(f, values, arg_types, ret, false);
        self.error = before;
        value
    }

    /// The value of an immutable function of constants; None if it cannot be had now.
    pub fn evaluate(
        &mut self,
        f: &'static FuncDef,
        values: &[&Value],
        arg_types: Vec<TypeRef>,
        ret: TypeRef,
        variadic: bool,
    ) -> Option<Value> {
        if f.strict && values.iter().any(|v| v.is_null()) {
            return Some(Value::Null);
        }
        // Whoever runs the plan needs the right to call them.
        if f.is_users() {
            return None;
        }
        let collation = arg_types.first().map(|t| t.collation).unwrap_or_default();
        if let Err(e) = func::collated::check(f.collated, collation) {
            self.fails(e);
            return None;
        }
        let io = &self.io;
        let cx = self.cx.get_or_insert_with(|| FnContext { io: io.clone(), ..FnContext::default() });
        cx.call = Some(Arc::new(CallTypes { args: arg_types.clone(), ret, variadic }));
        let out = match f.imp {
            FuncImpl::Scalar(run) => {
                let data: Vec<Datum<'_>> = values.iter().map(|v| v.datum()).collect();
                let mut out = Column::new(types::phys(ret.oid));
                if let Err(e) = run(cx, &data, &mut out) {
                    self.fails(in_function(f, e));
                    return None;
                }
                out
            }
            FuncImpl::Vector(run) => {
                let columns: Vec<Column> = values
                    .iter()
                    .zip(&arg_types)
                    .map(|(v, t)| {
                        let mut c = Column::new(types::phys(t.oid));
                        c.push(v.datum());
                        c
                    })
                    .collect();
                let refs: Vec<&Column> = columns.iter().collect();
                match run(cx, &refs, 1) {
                    Ok(out) => out,
                    Err(e) => {
                        self.fails(in_function(f, e));
                        return None;
                    }
                }
            }
            FuncImpl::System => {
                let data: Vec<Datum<'_>> = values.iter().map(|v| v.datum()).collect();
                let mut out = Column::new(types::phys(ret.oid));
                match self.io.hooks.evaluate(f.oid, &data, &mut out) {
                    Ok(true) => out,
                    Ok(false) => return None,
                    Err(e) => {
                        self.fails(e);
                        return None;
                    }
                }
            }
            _ => return None,
        };
        // A plan and what it is made from hold a constant several times over.
        let short = out.len() == 1 && out.last_len() <= LONGEST;
        let found = short.then(|| out.get(0).to_value());
        found.filter(|_| self.is_checked())
    }

    /// Whether the value just made has passed all checks of its domains; else it is made again at run time.
    fn is_checked(&self) -> bool {
        let checked = !self.io.hooks.has_unchecked();
        if !checked {
            self.io.hooks.take_unchecked();
        }
        checked
    }

    fn io_cast(&mut self, arg: &Expr, ty: TypeRef) -> Option<ExprKind> {
        let v = constant(arg)?;
        if v.is_null() {
            return Some(null_of(ty));
        }
        if !stable_text(arg.ty.oid) || !stable_text(ty.oid) {
            return None;
        }
        let mut text = Vec::new();
        types::text_out(arg.ty, v.datum(), &mut text, &self.io).ok()?;
        let text = String::from_utf8(text).ok()?;
        match types::text_in(ty, &text, &self.io) {
            Ok(v) => Some(ExprKind::Const(v)).filter(|_| self.is_checked()),
            Err(e) => {
                self.fails(e);
                None
            }
        }
    }
}

/// Puts the operand's value into a condition of its CASE. That of a CASE inside is another.
fn put_operand(e: &mut Expr, value: &Expr) {
    match &mut e.kind {
        ExprKind::CaseOperand => e.kind = value.kind.clone(),
        ExprKind::Case { operand: Some(inner), .. } => put_operand(inner, value),
        _ => e.for_each_child_mut(&mut |c| put_operand(c, value)),
    }
}

/// The type's text form depends on no setting and no catalog.
fn stable_text(ty: Oid) -> bool {
    matches!(
        ty,
        oid::BOOL
            | oid::INT2
            | oid::INT4
            | oid::INT8
            | oid::NUMERIC
            | oid::TEXT
            | oid::VARCHAR
            | oid::BPCHAR
            | oid::NAME
            | oid::OID
            | oid::UUID
            | oid::JSON
            | oid::JSONB
            | oid::UNKNOWN
    )
}

/// AND (`all`) or OR: flattened, without the constants that decide nothing.
fn junction(parts: Vec<Expr>, all: bool) -> Option<ExprKind> {
    let mut out = Vec::with_capacity(parts.len());
    let mut null = false;
    for p in parts {
        match bool_value(&p) {
            Some(Some(b)) if b == all => continue,
            Some(Some(b)) => return Some(ExprKind::Const(Value::Bool(b))),
            Some(None) => null = true,
            None => match p.kind {
                ExprKind::And(inner) if all => out.extend(inner),
                ExprKind::Or(inner) if !all => out.extend(inner),
                _ => out.push(p),
            },
        }
    }
    if null {
        if out.is_empty() {
            return Some(ExprKind::Const(Value::Null));
        }
        out.push(Expr::new(ExprKind::Const(Value::Null), TypeRef::of(oid::BOOL)));
    }
    Some(match out.len() {
        0 => ExprKind::Const(Value::Bool(all)),
        1 => out.swap_remove(0).kind,
        _ if all => ExprKind::And(out),
        _ => ExprKind::Or(out),
    })
}

/// The operators `=` and `<>` of booleans.
const BOOLEAN: [Oid; 2] = [Oid(91), Oid(85)];

/// `x = true` is `x`, `x <> true` is NOT `x` (PostgreSQL 15, clauses.c, simplify_boolean_equality).
fn boolean_equality(oper: Option<Oid>, args: &mut [Expr]) -> Option<ExprKind> {
    let equal = oper? == BOOLEAN[0];
    let [left, right] = args else { return None };
    if !BOOLEAN.contains(&oper?) {
        return None;
    }
    let (other, value) = match (bool_value(left), bool_value(right)) {
        (Some(Some(b)), None) => (right, b),
        (None, Some(Some(b))) => (left, b),
        _ => return None,
    };
    let mut other = std::mem::replace(other, bool_expr(false));
    if value == equal {
        return Some(other.kind);
    }
    Some(negate(&mut other).unwrap_or_else(|| ExprKind::Not(Box::new(other))))
}

/// PostgreSQL 15, prepqual.c, negate_clause.
fn negate(arg: &mut Expr) -> Option<ExprKind> {
    if let Some(v) = bool_value(arg) {
        return Some(ExprKind::Const(v.map_or(Value::Null, |b| Value::Bool(!b))));
    }
    let take = |e: &mut Expr| std::mem::replace(e, bool_expr(false));
    let not = |mut e: Expr| {
        let kind = negate(&mut e).unwrap_or_else(|| ExprKind::Not(Box::new(e)));
        Expr::new(kind, TypeRef::of(oid::BOOL))
    };
    match &mut arg.kind {
        ExprKind::Not(inner) => Some(take(inner).kind),
        ExprKind::And(parts) => Some(ExprKind::Or(std::mem::take(parts).into_iter().map(not).collect())),
        ExprKind::Or(parts) => Some(ExprKind::And(std::mem::take(parts).into_iter().map(not).collect())),
        ExprKind::IsNull(inner) if !matches!(inner.kind, ExprKind::Row { .. }) && !is_composite(inner) => {
            Some(ExprKind::IsNotNull(Box::new(take(inner))))
        }
        ExprKind::IsNotNull(inner) if !matches!(inner.kind, ExprKind::Row { .. }) && !is_composite(inner) => {
            Some(ExprKind::IsNull(Box::new(take(inner))))
        }
        ExprKind::BoolTest { arg, is, negated } => {
            Some(ExprKind::BoolTest { arg: Box::new(take(arg)), is: *is, negated: !*negated })
        }
        ExprKind::Func { oper: Some(o), args, variadic, .. } => {
            let op = func::oper(*o)?;
            let neg = func::oper(op.negator)?;
            let f = func::user::function_of(neg)?;
            Some(ExprKind::Func { func: f, oper: Some(neg.oid), args: std::mem::take(args), variadic: *variadic })
        }
        ExprKind::ScalarArray { oper: Some(o), any, left, array, .. } => {
            let neg = func::oper(func::oper(*o)?.negator)?;
            let f = func::user::function_of(neg)?;
            Some(ExprKind::ScalarArray {
                func: f,
                oper: Some(neg.oid),
                any: !*any,
                left: Box::new(take(left)),
                array: Box::new(take(array)),
            })
        }
        _ => None,
    }
}

fn is_composite(e: &Expr) -> bool {
    e.ty.oid == oid::RECORD || types::info(e.ty.oid).is_some_and(|i| i.kind == b'c')
}

fn case(
    operand: &mut Option<Box<Expr>>,
    arms: &mut Vec<(Expr, Expr)>,
    otherwise: &mut Option<Box<Expr>>,
    ty: TypeRef,
) -> Option<ExprKind> {
    let _ = operand;
    let mut kept = Vec::with_capacity(arms.len());
    let mut decided = None;
    for (c, v) in std::mem::take(arms) {
        match bool_value(&c) {
            Some(Some(true)) => {
                decided = Some(v);
                break;
            }
            Some(_) => {}
            None => kept.push((c, v)),
        }
    }
    if let Some(v) = decided {
        if kept.is_empty() {
            return Some(v.kind);
        }
        *otherwise = Some(Box::new(v));
    }
    if kept.is_empty() {
        return Some(match otherwise.take() {
            Some(o) => o.kind,
            None => null_of(ty),
        });
    }
    *arms = kept;
    None
}

fn array(elements: &[Expr], ty: TypeRef) -> Option<ExprKind> {
    let element = types::element_type(ty.oid)?;
    let values: Option<Vec<&Value>> = elements.iter().map(constant).collect();
    let bytes = types::array::from_values(element, values?.into_iter().map(Value::datum));
    Some(ExprKind::Const(Value::Bytes(bytes.into_boxed_slice())))
}

/// The conjuncts of a condition.
pub(super) fn conjuncts(e: Expr, out: &mut Vec<Expr>) {
    match e.kind {
        ExprKind::And(parts) => parts.into_iter().for_each(|p| conjuncts(p, out)),
        ExprKind::Const(Value::Bool(true)) => {}
        _ => out.push(e),
    }
}

/// All the conditions as one.
pub(super) fn conjunction(mut parts: Vec<Expr>) -> Option<Expr> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Expr::new(ExprKind::And(parts), TypeRef::of(oid::BOOL))),
    }
}

/// True if the expression, or a part of it, is worth the letter (`v`: volatile functions; `s`: stable ones, too).
pub(in crate::sql) fn has_volatile(e: &Expr) -> bool {
    e.any(&mut |x| match &x.kind {
        ExprKind::Func { func, .. } | ExprKind::SetReturning { func, .. } => func.volatility == b'v',
        ExprKind::SubLink(l) => {
            let mut q = l.query.clone();
            let mut found = false;
            q.walk_mut(1, &mut |e, _| {
                if let ExprKind::Func { func, .. } | ExprKind::SetReturning { func, .. } = &e.kind {
                    found |= func.volatility == b'v';
                }
            });
            found
        }
        _ => false,
    })
}

/// True if the condition cannot be true when all of the relation's columns are NULL: PostgreSQL 15, clauses.c,
/// find_nonnullable_rels. `strict_value`: the expression is then NULL.
pub(super) fn strict_in(e: &Expr, rel: usize, top: bool) -> bool {
    match &e.kind {
        ExprKind::Var { rel: r, levels_up: 0, .. } => *r == rel,
        ExprKind::Func { func, args, .. } => func.strict && args.iter().any(|a| strict_in(a, rel, false)),
        ExprKind::And(parts) if top => parts.iter().any(|p| strict_in(p, rel, true)),
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().all(|p| strict_in(p, rel, top)),
        ExprKind::Not(a) => strict_in(a, rel, false),
        ExprKind::Relabel(a) | ExprKind::IoCast { arg: a, .. } | ExprKind::ToDomain(a) => strict_in(a, rel, false),
        ExprKind::IsNotNull(a) if top => strict_in(a, rel, false),
        ExprKind::BoolTest { arg, is: Some(true), negated: false } if top => strict_in(arg, rel, true),
        ExprKind::BoolTest { arg, is: Some(false), negated: false } if top => strict_in(arg, rel, false),
        ExprKind::ScalarArray { func, left, array, any, .. } => {
            // With ANY an empty array gives false, as good as NULL at the top; with ALL it would give true.
            let nonempty = constant(array).is_some();
            func.strict && strict_in(left, rel, false) && ((*any && top) || nonempty && *any)
        }
        ExprKind::RowCompare { pairs, .. } => {
            pairs.first().is_some_and(|p| strict_in(&p.left, rel, false) || strict_in(&p.right, rel, false))
        }
        _ => false,
    }
}

/// What PostgreSQL writes in SQL is a function while its constants are computed, and its body afterwards.
fn in_function(f: &FuncDef, e: Error) -> Error {
    match f.fact.language() {
        b'q' => e.context(format!("SQL function \"{}\" statement 1", f.name)),
        _ => e,
    }
}
