//! Simple expressions evaluated value by value: no batch, no column, no list of parameters.
//!
//! Only functions that neither wait nor need a session are taken; arithmetic and comparisons of integers are done here
//! and left to the function itself wherever it might fail.

use super::expr::Source;
use super::frame::Slot;
use crate::base::Result;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::{self, FnContext, FuncDef, FuncImpl};
use crate::types::{self, Column, Datum, Value};
use smallvec::SmallVec;

pub enum Fast {
    Const(Value),
    Var(usize),
    Field(usize, usize),
    Int { op: IntOp, wide: bool, def: &'static FuncDef, args: Box<[Fast; 2]> },
    Call { def: &'static FuncDef, args: Vec<Fast> },
    And(Vec<Fast>),
    Or(Vec<Fast>),
    Not(Box<Fast>),
    IsNull(Box<Fast>, bool),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntOp {
    Add,
    Sub,
    Mul,
    Mod,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Integer functions by PostgreSQL's object ids: the operation, and whether int8 is its result.
fn int_op(oid: u32) -> Option<(IntOp, bool)> {
    use IntOp::*;
    Some(match oid {
        177 => (Add, false),
        181 => (Sub, false),
        141 => (Mul, false),
        156 => (Mod, false),
        463 | 1278 | 1274 | 837 | 841 => (Add, true),
        464 | 1279 | 1275 | 838 | 942 => (Sub, true),
        465 | 1280 | 1276 | 839 | 943 => (Mul, true),
        945 => (Mod, true),
        65 | 467 | 474 | 852 => (Eq, false),
        144 | 468 | 475 | 853 => (Ne, false),
        66 | 469 | 476 | 854 => (Lt, false),
        149 | 471 | 478 | 856 => (Le, false),
        147 | 470 | 477 | 855 => (Gt, false),
        150 | 472 | 479 | 857 => (Ge, false),
        _ => return None,
    })
}

fn is_plain(def: &FuncDef, args: usize) -> bool {
    let pseudo = |t: crate::base::Oid| types::info(t).is_none_or(|i| i.is_pseudo());
    matches!(def.imp, FuncImpl::Scalar(_) | FuncImpl::Vector(_))
        && args == def.args.len()
        && !pseudo(def.ret)
        && !def.args.iter().any(|a| pseudo(*a))
}

impl Fast {
    /// None: the expression has something that needs the general evaluator.
    pub fn of(e: &Expr, sources: &[Source]) -> Option<Fast> {
        let list = |l: &[Expr]| l.iter().map(|e| Fast::of(e, sources)).collect::<Option<Vec<_>>>();
        Some(match &e.kind {
            ExprKind::Const(v) => Fast::Const(v.clone()),
            ExprKind::Param(n) => match sources.get(*n)? {
                Source::Var(v) => Fast::Var(*v),
                Source::Field(v, f) => Fast::Field(*v, *f),
                Source::Row(_) => return None,
            },
            ExprKind::Func { func, args, variadic: false, .. }
                if is_plain(func, args.len()) && args.iter().all(|a| a.ty.collation.is_plain()) =>
            {
                let mut args = list(args)?;
                match (int_op(func.oid.0), args.len()) {
                    (Some((op, wide)), 2) => {
                        let b = args.pop()?;
                        let a = args.pop()?;
                        Fast::Int { op, wide, def: func, args: Box::new([a, b]) }
                    }
                    _ => Fast::Call { def: func, args },
                }
            }
            ExprKind::And(l) => Fast::And(list(l)?),
            ExprKind::Or(l) => Fast::Or(list(l)?),
            ExprKind::Not(a) => Fast::Not(Box::new(Fast::of(a, sources)?)),
            ExprKind::IsNull(a) => Fast::IsNull(Box::new(Fast::of(a, sources)?), false),
            ExprKind::IsNotNull(a) => Fast::IsNull(Box::new(Fast::of(a, sources)?), true),
            ExprKind::Relabel(a) if types::phys(a.ty.oid) == types::phys(e.ty.oid) => Fast::of(a, sources)?,
            _ => return None,
        })
    }

    pub fn eval(&self, fx: &mut FnContext, slots: &[Slot]) -> Result<Value> {
        Ok(match self {
            Fast::Const(v) => v.clone(),
            Fast::Var(v) => slots[*v].scalar().clone(),
            Fast::Field(v, f) => slots[*v].field(*f).clone(),
            Fast::Int { op, wide, def, args } => {
                let a = args[0].eval(fx, slots)?;
                let b = args[1].eval(fx, slots)?;
                match integer(*op, *wide, &a, &b) {
                    Some(v) => v,
                    None => call(fx, def, &[a.datum(), b.datum()])?,
                }
            }
            Fast::Call { def, args } => {
                let mut values: SmallVec<[Value; 4]> = SmallVec::with_capacity(args.len());
                for a in args {
                    values.push(a.eval(fx, slots)?);
                }
                let data: SmallVec<[Datum<'_>; 4]> = values.iter().map(Value::datum).collect();
                call(fx, def, &data)?
            }
            Fast::And(l) => connect(l, false, fx, slots)?,
            Fast::Or(l) => connect(l, true, fx, slots)?,
            Fast::Not(a) => match a.eval(fx, slots)? {
                Value::Bool(b) => Value::Bool(!b),
                _ => Value::Null,
            },
            Fast::IsNull(a, negated) => Value::Bool(a.eval(fx, slots)?.is_null() != *negated),
        })
    }
}

/// AND and OR: the value that decides ends it.
fn connect(list: &[Fast], decides: bool, fx: &mut FnContext, slots: &[Slot]) -> Result<Value> {
    let mut null = false;
    for e in list {
        match e.eval(fx, slots)? {
            Value::Bool(b) if b == decides => return Ok(Value::Bool(decides)),
            Value::Bool(_) => {}
            _ => null = true,
        }
    }
    Ok(if null { Value::Null } else { Value::Bool(!decides) })
}

fn whole(v: &Value) -> Option<i64> {
    match v {
        Value::I32(n) => Some(i64::from(*n)),
        Value::I64(n) => Some(*n),
        Value::I16(n) => Some(i64::from(*n)),
        _ => None,
    }
}

/// None: NULL, overflow or a zero divisor; the function itself says what that means.
fn integer(op: IntOp, wide: bool, a: &Value, b: &Value) -> Option<Value> {
    let (a, b) = (whole(a)?, whole(b)?);
    let n = match op {
        IntOp::Eq => return Some(Value::Bool(a == b)),
        IntOp::Ne => return Some(Value::Bool(a != b)),
        IntOp::Lt => return Some(Value::Bool(a < b)),
        IntOp::Le => return Some(Value::Bool(a <= b)),
        IntOp::Gt => return Some(Value::Bool(a > b)),
        IntOp::Ge => return Some(Value::Bool(a >= b)),
        IntOp::Add => a.checked_add(b)?,
        IntOp::Sub => a.checked_sub(b)?,
        IntOp::Mul => a.checked_mul(b)?,
        IntOp::Mod => a.checked_rem(b)?,
    };
    match wide {
        true => Some(Value::I64(n)),
        false => i32::try_from(n).ok().map(Value::I32),
    }
}

fn call(fx: &mut FnContext, def: &FuncDef, args: &[Datum<'_>]) -> Result<Value> {
    if def.strict && args.iter().any(|a| a.is_null()) {
        return Ok(Value::Null);
    }
    fx.call = None;
    let mut out = Column::with_capacity(types::phys(def.ret), 1);
    func::call_scalar(fx, def, args, &mut out)?;
    Ok(if out.is_empty() { Value::Null } else { out.get(0).to_value() })
}
