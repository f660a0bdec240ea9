//! Simple expressions evaluated value by value: no batch, no column, no list of parameters.
//!
//! Only functions that neither wait nor need a session are taken; arithmetic and comparisons of integers are done here
//! and left to the function itself wherever it might fail.

use super::expr::Source;
use super::frame::Slot;
use crate::base::Result;
use crate::base::memory::{MUCH, claim};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::{self, FnContext, FuncDef, FuncImpl};
use crate::types::array::{self, Array};
use crate::types::{self, Column, Datum, Value};
use smallvec::SmallVec;

pub enum Fast {
    Const(Value),
    Var(usize),
    Field(usize, usize),
    Int {
        op: IntOp,
        wide: bool,
        def: &'static FuncDef,
        args: Box<[Fast; 2]>,
    },
    Call {
        def: &'static FuncDef,
        args: Vec<Fast>,
    },
    And(Vec<Fast>),
    Or(Vec<Fast>),
    Not(Box<Fast>),
    IsNull(Box<Fast>, bool),
    /// An element of a variable's array, which is not copied for it.
    Element {
        var: usize,
        subscripts: Vec<Fast>,
    },
}

/// An assignment that changes a variable's array where it lies instead of making it anew: a loop that fills an array
/// would copy all of it in each round (PostgreSQL 15, pl_exec.c: its expanded arrays are for the same).
pub struct InPlace {
    var: usize,
    /// None: behind the last element.
    subscript: Option<Fast>,
    value: Fast,
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

const ARRAY_APPEND: u32 = 378;

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
            ExprKind::Subscript { array, lower, upper, slice: false } => {
                let var = array_variable(array, sources)?;
                let plain = lower.iter().all(Option::is_none);
                let subscripts = upper.iter().map(|e| Fast::of(e.as_ref()?, sources)).collect::<Option<_>>();
                Fast::Element { var, subscripts: subscripts.filter(|_| plain)? }
            }
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
            Fast::Element { var, subscripts } => {
                let mut at: SmallVec<[Value; 2]> = SmallVec::with_capacity(subscripts.len());
                for s in subscripts {
                    at.push(s.eval(fx, slots)?);
                }
                let at: Option<SmallVec<[i32; 2]>> = at.iter().map(subscript).collect();
                match (slots[*var].scalar(), at) {
                    (Value::Bytes(stored), Some(at)) => Array::new(stored).get(&at).to_value(),
                    _ => Value::Null,
                }
            }
        })
    }
}

fn subscript(v: &Value) -> Option<i32> {
    match v {
        Value::I32(n) => Some(*n),
        _ => None,
    }
}

/// The variable that an expression is, if it is an array.
fn array_variable(e: &Expr, sources: &[Source]) -> Option<usize> {
    match (&e.kind, types::info(e.ty.oid)) {
        (ExprKind::Param(n), Some(info)) if info.is_array() => match sources.get(*n)? {
            Source::Var(v) => Some(*v),
            _ => None,
        },
        _ => None,
    }
}

impl InPlace {
    /// `v := v || e`, `v := array_append(v, e)`, `v[i] := e`.
    pub fn of(e: &Expr, sources: &[Source]) -> Option<InPlace> {
        let (array, subscript, value) = match &e.kind {
            ExprKind::Func { func, args, variadic: false, .. } if func.oid.0 == ARRAY_APPEND => {
                let [array, value] = &args[..] else { return None };
                (array, None, value)
            }
            ExprKind::SubscriptSet { array, lower, upper, slice: false, value } => {
                let ([None], [Some(n)]) = (&lower[..], &upper[..]) else { return None };
                (&**array, Some(Fast::of(n, sources)?), &**value)
            }
            _ => return None,
        };
        let var = array_variable(array, sources)?;
        let element = types::element_type(array.ty.oid)?;
        let fits = array.ty == e.ty && types::phys(element) == types::phys(value.ty.oid);
        Some(InPlace { var, subscript, value: Fast::of(value, sources).filter(|_| fits)? })
    }

    pub fn variable(&self) -> usize {
        self.var
    }

    /// False, and nothing changed, where the array has to be made anew.
    ///
    /// # Errors
    /// Those of what is assigned.
    pub fn run(&self, fx: &mut FnContext, slots: &mut [Slot]) -> Result<bool> {
        let at = match &self.subscript {
            None => None,
            Some(s) => match subscript(&s.eval(fx, slots)?) {
                None => return Ok(false),
                at => at,
            },
        };
        let value = self.value.eval(fx, slots)?;
        let Slot::Scalar(Value::Bytes(stored)) = &mut slots[self.var] else { return Ok(false) };
        Ok(match at {
            Some(at) => array::replace(stored, at, value.datum()),
            None => {
                let (has, more) = (stored.len(), value.datum().bytes_len() + 8);
                if (has + more) / MUCH != has / MUCH {
                    claim(2 * (has + more), "expanded array")?;
                }
                let mut bytes = std::mem::take(stored).into_vec();
                let done = array::push(&mut bytes, value.datum());
                *stored = bytes.into_boxed_slice();
                done
            }
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
