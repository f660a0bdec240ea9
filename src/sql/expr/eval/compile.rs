//! From a bound expression to its evaluable form.

use super::call::{Call, ScalarArrayOp};
use super::logic::RowCompareOp;
use super::sub_plan::SubPlanOp;
use super::{Eval, Op};
use crate::base::Oid;
use crate::sql::expr::{Expr, ExprKind, Form, RowPair};
use crate::sql::func::FuncDef;
use crate::sql::plan::Plan;
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// What an expression stands in.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    /// CASE operands around it; their slots are counted from the outermost.
    depth: usize,
    /// For `GROUPING`: the column with the set's number, and the grouping expressions each set keeps.
    pub sets: Option<(usize, Vec<Vec<usize>>)>,
    /// Sub-plans whose answers are in the first operand slots.
    shared: Vec<Arc<Plan>>,
}

impl Scope {
    /// Of the expressions of a list that has put the answers of these sub-plans into the first slots.
    pub(super) fn beside(shared: Vec<Arc<Plan>>) -> Scope {
        Scope { depth: shared.len(), shared, ..Scope::default() }
    }

    fn slot(&mut self) -> usize {
        self.depth += 1;
        self.depth - 1
    }
}

fn boxed(e: &Expr, scope: &mut Scope) -> Box<Eval> {
    Box::new(compile(e, scope))
}

fn list(exprs: &[Expr], scope: &mut Scope) -> Vec<Eval> {
    exprs.iter().map(|e| compile(e, scope)).collect()
}

fn options(exprs: &[Option<Expr>], scope: &mut Scope) -> Vec<Option<Eval>> {
    exprs.iter().map(|e| e.as_ref().map(|e| compile(e, scope))).collect()
}

/// A call of `func` whose two arguments come from operand slots.
fn compare(func: &'static FuncDef, slots: [usize; 2], types: [TypeRef; 2]) -> Box<Eval> {
    let arg = |n: usize| Eval { op: Op::Operand(slots[n]), phys: phys(types[n]), ty: types[n] };
    let ty = TypeRef::of(oid::BOOL);
    let call = Call::new(func, vec![arg(0), arg(1)], ty, false);
    Box::new(Eval { op: Op::Call(Box::new(call)), phys: phys(ty), ty })
}

fn phys(ty: TypeRef) -> crate::types::Phys {
    crate::types::info(ty.oid).map_or(crate::types::Phys::Bytes, |i| i.phys)
}

fn pairs(pairs: &[RowPair], scope: &mut Scope) -> Vec<super::logic::Pair> {
    let one = |p: &RowPair, scope: &mut Scope| {
        let (left, right) = (compile(&p.left, scope), compile(&p.right, scope));
        let slots = [scope.slot(), scope.slot()];
        let types = [p.left.ty, p.right.ty];
        let pair = super::logic::Pair {
            left,
            right,
            slots,
            eq: *compare(p.eq, slots, types),
            lt: *compare(p.lt, slots, types),
        };
        scope.depth -= 2;
        pair
    };
    pairs.iter().map(|p| one(p, scope)).collect()
}

/// The answer of `GROUPING(args)` per grouping set: a bit for each argument the set does not keep, leftmost highest.
fn grouping(args: &[usize], scope: &Scope) -> Op {
    let Some((column, sets)) = &scope.sets else { return Op::Unsupported("GROUPING") };
    let mask = |set: &Vec<usize>| args.iter().fold(0, |m, a| m << 1 | i32::from(!set.contains(a)));
    Op::Grouping { column: *column, answers: sets.iter().map(mask).collect() }
}

pub(super) fn compile(e: &Expr, scope: &mut Scope) -> Eval {
    let op = match &e.kind {
        ExprKind::Const(v) => Op::Const { value: v.clone(), column: None },
        ExprKind::Param(n) => Op::Param { number: *n, column: None },
        ExprKind::ExecParam(n) => Op::ExecParam(*n),
        ExprKind::Column(n) => Op::Column(*n),
        ExprKind::Func { func, args, variadic, .. } => {
            Op::Call(Box::new(Call::new(func, list(args, scope), e.ty, *variadic)))
        }
        ExprKind::And(a) => Op::And(list(a, scope)),
        ExprKind::Or(a) => Op::Or(list(a, scope)),
        ExprKind::Not(a) => Op::Not(boxed(a, scope)),
        ExprKind::IsNull(a) => Op::IsNull { arg: boxed(a, scope), negated: false },
        ExprKind::IsNotNull(a) => Op::IsNull { arg: boxed(a, scope), negated: true },
        ExprKind::BoolTest { arg, is, negated } => Op::BoolTest { arg: boxed(arg, scope), is: *is, negated: *negated },
        ExprKind::Distinct { eq, left, right, negated } => {
            let (l, r) = (boxed(left, scope), boxed(right, scope));
            let slots = [scope.slot(), scope.slot()];
            let equal = compare(eq, slots, [left.ty, right.ty]);
            scope.depth -= 2;
            Op::Distinct { left: l, right: r, slots, equal, negated: *negated }
        }
        ExprKind::NullIf { eq, left, right } => {
            let (l, r) = (boxed(left, scope), boxed(right, scope));
            let slots = [scope.slot(), scope.slot()];
            let equal = compare(eq, slots, [left.ty, right.ty]);
            scope.depth -= 2;
            Op::NullIf { left: l, right: r, slots, equal }
        }
        ExprKind::Case { operand, arms, otherwise } => {
            let operand = operand.as_ref().map(|o| boxed(o, scope));
            let slot = operand.is_some().then(|| scope.slot());
            let arms = arms.iter().map(|(c, v)| (compile(c, scope), compile(v, scope))).collect();
            let otherwise = otherwise.as_ref().map(|o| boxed(o, scope));
            scope.depth -= usize::from(slot.is_some());
            Op::Case { operand: slot.zip(operand), arms, otherwise }
        }
        ExprKind::CaseOperand => match scope.depth.checked_sub(1) {
            Some(slot) => Op::Operand(slot),
            None => Op::Unsupported("a CASE operand without CASE"),
        },
        ExprKind::Coalesce(a) => Op::Coalesce(list(a, scope)),
        ExprKind::Greatest(a) => Op::Extreme { args: list(a, scope), greatest: true },
        ExprKind::Least(a) => Op::Extreme { args: list(a, scope), greatest: false },
        ExprKind::Relabel(a) => Op::Relabel(boxed(a, scope)),
        ExprKind::IoCast { arg, .. } => Op::IoCast { arg: boxed(arg, scope) },
        ExprKind::ToDomain(a) => Op::ToDomain { arg: boxed(a, scope), check: None },
        ExprKind::ArrayCast { arg, element } => {
            let arg = boxed(arg, scope);
            let slot = scope.slot();
            let element = boxed(element, scope);
            scope.depth -= 1;
            Op::ArrayCast { arg, slot, element }
        }
        ExprKind::Array { elements, nested } => Op::Array { elements: list(elements, scope), nested: *nested },
        // One name more than fields says that it is a relation's row.
        ExprKind::Row { fields, names } => {
            let names = names.iter().take(fields.len()).cloned().collect();
            Op::Row { fields: list(fields, scope), names }
        }
        ExprKind::RowCompare { op, pairs: p } => {
            Op::RowCompare(Box::new(RowCompareOp { op: *op, pairs: pairs(p, scope) }))
        }
        ExprKind::ScalarArray { func, any, left, array, .. } => {
            let (l, a) = (compile(left, scope), compile(array, scope));
            Op::ScalarArray(Box::new(ScalarArrayOp::new(func, *any, l, a)))
        }
        ExprKind::Field { arg, index } => Op::Field { arg: boxed(arg, scope), index: *index },
        ExprKind::FieldSet { arg, index, value } => {
            Op::FieldSet { arg: boxed(arg, scope), index: *index, value: boxed(value, scope) }
        }
        ExprKind::Subscript { array, lower, upper, slice } => Op::Subscript {
            array: boxed(array, scope),
            lower: options(lower, scope),
            upper: options(upper, scope),
            slice: *slice,
        },
        ExprKind::SubscriptSet { array, lower, upper, slice, value } => Op::SubscriptSet {
            array: boxed(array, scope),
            lower: options(lower, scope),
            upper: options(upper, scope),
            slice: *slice,
            value: boxed(value, scope),
        },
        ExprKind::SubPlan(s) if let Some(slot) = scope.shared.iter().position(|p| Arc::ptr_eq(p, &s.plan)) => {
            Op::Operand(slot)
        }
        ExprKind::SubPlan(s) => Op::SubPlan(Box::new(SubPlanOp::new(s, e.ty, scope))),
        ExprKind::Grouping { items, .. } => grouping(items, scope),
        ExprKind::Var { .. } => Op::Unsupported("a variable"),
        ExprKind::SubLink(_) => Op::Unsupported("a sub-select not planned"),
        ExprKind::Aggregate(_) => Op::Unsupported("an aggregate"),
        ExprKind::Window(_) => Op::Unsupported("a window function"),
        ExprKind::SetReturning { .. } => Op::Unsupported("a set-returning function"),
        ExprKind::Written { form: Form::Grouping(_), arg } => return compile(arg, scope),
        ExprKind::Written { .. } => Op::Unsupported("an expression to be shown"),
        ExprKind::CurrentRow => Op::Unsupported("CURRENT ROW"),
    };
    Eval { op, phys: phys(e.ty), ty: e.ty }
}

/// True for functions that cannot fail: worth evaluating for a few rows more than needed.
pub(super) fn is_harmless(func: Oid) -> bool {
    // Comparisons of int2, int4 and int8 with each other, and of text: PostgreSQL's object ids.
    matches!(func.0, 63..=67 | 144..=151 | 158..=169 | 467..=472 | 474..=479 | 852..=857 | 157 | 740..=743)
}
