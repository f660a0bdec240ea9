//! Running bound expressions over batches.
//!
//! [`Eval`] is the evaluable form of an [`Expr`]: constants keep the column they fill, functions their types, sub-plans
//! their nodes. A tree is evaluated for a selection of a batch's rows ([`Sel`]), so that AND, OR, CASE and COALESCE
//! evaluate a branch only for the rows that reach it: an error in a branch nobody takes is no error.
//!
//! Invariants
//! - EVAL-1: the answer has exactly one value per selected row, in the selection's order.
//! - EVAL-2: what may wait (sub-plans, system functions) and what is volatile keeps its finished answer and its progress
//!   until the whole expression is done: repeating the call after a wait repeats no side effect (FLOW-1).
//! - EVAL-3: two or more volatile calls in one list are evaluated row by row, as PostgreSQL's order of calls is visible.
//! - EVAL-4: what makes long values stops at the row that makes them too long together; it is asked again for the rows up
//!   to that one ([`pieces`]).

mod call;
mod compile;
mod composite;
mod document;
mod logic;
mod pieces;
mod predicate;
mod projection;
mod sub_plan;

use super::Expr;
use crate::base::Flow;
use crate::sql::exec::ExecContext;
use crate::types::{Batch, Column, ColumnData, Phys, TypeRef, Value};
use call::Call;
use std::borrow::Cow;
use sub_plan::SubPlanOp;

pub(crate) use call::call_once;
pub(crate) use compile::Scope;
pub(crate) use composite::elements;
pub(crate) use pieces::Pieces;
pub(in crate::sql) use pieces::apart;
pub use predicate::Predicate;
pub use projection::Projection;

/// Which rows of a batch to evaluate for.
#[derive(Clone, Copy, Debug)]
pub enum Sel<'a> {
    /// All of them; the number, since a batch may have no columns.
    All(usize),
    /// These, ascending.
    Rows(&'a [u32]),
}

impl Sel<'_> {
    pub fn len(&self) -> usize {
        match self {
            Sel::All(n) => *n,
            Sel::Rows(r) => r.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The batch's row at a position of the selection.
    #[inline]
    pub fn row(&self, at: usize) -> u32 {
        match self {
            Sel::All(_) => at as u32,
            Sel::Rows(r) => r[at],
        }
    }

    /// The batch's rows at these positions.
    fn pick(&self, positions: &[u32]) -> Vec<u32> {
        match self {
            Sel::All(_) => positions.to_vec(),
            Sel::Rows(r) => positions.iter().map(|p| r[*p as usize]).collect(),
        }
    }
}

/// An expression ready to run.
pub struct Eval {
    op: Op,
    phys: Phys,
    ty: TypeRef,
}

enum Op {
    Const {
        value: Value,
        column: Option<Column>,
    },
    Param {
        number: usize,
        column: Option<Column>,
    },
    ExecParam(usize),
    Column(usize),
    Call(Box<Call>),
    And(Vec<Eval>),
    Or(Vec<Eval>),
    Not(Box<Eval>),
    IsNull {
        arg: Box<Eval>,
        negated: bool,
    },
    BoolTest {
        arg: Box<Eval>,
        is: Option<bool>,
        negated: bool,
    },
    /// `call` compares operands 0 and 1, held in two operand slots.
    Distinct {
        left: Box<Eval>,
        right: Box<Eval>,
        slots: [usize; 2],
        equal: Box<Eval>,
        negated: bool,
    },
    NullIf {
        left: Box<Eval>,
        right: Box<Eval>,
        slots: [usize; 2],
        equal: Box<Eval>,
    },
    Case {
        operand: Option<(usize, Box<Eval>)>,
        arms: Vec<(Eval, Eval)>,
        otherwise: Option<Box<Eval>>,
    },
    Operand(usize),
    Coalesce(Vec<Eval>),
    Extreme {
        args: Vec<Eval>,
        greatest: bool,
    },
    Relabel(Box<Eval>),
    IoCast {
        arg: Box<Eval>,
    },
    /// The constraints are loaded when they are first asked for.
    ToDomain {
        arg: Box<Eval>,
        check: Option<Box<crate::sql::exec::domain::DomainCheck>>,
    },
    ArrayCast {
        arg: Box<Eval>,
        slot: usize,
        element: Box<Eval>,
    },
    Array {
        elements: Vec<Eval>,
        nested: bool,
    },
    Row {
        fields: Vec<Eval>,
        names: Vec<String>,
    },
    RowCompare(Box<logic::RowCompareOp>),
    ScalarArray(Box<call::ScalarArrayOp>),
    Field {
        arg: Box<Eval>,
        index: usize,
    },
    FieldSet {
        arg: Box<Eval>,
        index: usize,
        value: Box<Eval>,
    },
    Subscript {
        array: Box<Eval>,
        lower: Vec<Option<Eval>>,
        upper: Vec<Option<Eval>>,
        slice: bool,
    },
    SubscriptSet {
        array: Box<Eval>,
        lower: Vec<Option<Eval>>,
        upper: Vec<Option<Eval>>,
        slice: bool,
        value: Box<Eval>,
    },
    SubPlan(Box<SubPlanOp>),
    /// `GROUPING(…)`: the answer by the set's number, read from the given column.
    Grouping {
        column: usize,
        answers: Vec<i32>,
    },
    Unsupported(&'static str),
}

impl Eval {
    /// Compiles an expression whose columns are those of the batches to come.
    pub fn new(expr: &Expr) -> Eval {
        compile::compile(expr, &mut Scope::default())
    }

    pub(crate) fn with_scope(expr: &Expr, scope: &mut Scope) -> Eval {
        compile::compile(expr, scope)
    }

    /// A call of arguments compiled already.
    pub(crate) fn call(func: &'static crate::sql::func::FuncDef, args: Vec<Eval>, ty: TypeRef) -> Eval {
        let call = Call::new(func, args, ty, false);
        Eval { op: Op::Call(Box::new(call)), phys: crate::sql::exec::phys_of(ty), ty }
    }

    pub fn phys(&self) -> Phys {
        self.phys
    }

    pub fn ty(&self) -> TypeRef {
        self.ty
    }

    /// The value of an expression that does not depend on rows.
    fn constant(&self, cx: &ExecContext) -> Option<Value> {
        match &self.op {
            Op::Const { value, .. } => Some(value.clone()),
            Op::Param { number, .. } => Some(cx.params.get(*number).cloned().unwrap_or(Value::Null)),
            Op::ExecParam(slot) => Some(cx.exec_param(*slot).clone()),
            Op::Relabel(arg) if arg.phys == self.phys => arg.constant(cx),
            _ => None,
        }
    }

    /// The column the expression merely picks.
    fn picked(&self) -> Option<usize> {
        match self.op {
            Op::Column(n) => Some(n),
            _ => None,
        }
    }

    fn is_constant(&self) -> bool {
        match &self.op {
            Op::Const { .. } | Op::Param { .. } | Op::ExecParam(_) => true,
            Op::Relabel(arg) => arg.is_constant(),
            _ => false,
        }
    }

    /// One value per selected row (EVAL-1).
    pub fn eval<'a>(&'a mut self, cx: &mut ExecContext, batch: &'a Batch, sel: Sel<'_>) -> Flow<Cow<'a, Column>> {
        let (phys, ty) = (self.phys, self.ty);
        match &mut self.op {
            Op::Const { value, column } => Ok(Cow::Borrowed(filled(column, value, phys, sel.len()))),
            Op::Param { number, column } => {
                let params = cx.params.clone();
                if sel.len() == 1 {
                    // One row after another may be asked for with other parameters: in a routine.
                    let value = params.get(*number).map_or(crate::types::Datum::Null, Value::datum);
                    return Ok(Cow::Owned(Column::constant(phys, value, 1)));
                }
                Ok(Cow::Borrowed(filled(column, params.get(*number).unwrap_or(&Value::Null), phys, sel.len())))
            }
            Op::ExecParam(slot) => Ok(Cow::Owned(Column::constant(phys, cx.exec_param(*slot).datum(), sel.len()))),
            Op::Column(n) => Ok(match sel {
                Sel::All(_) => Cow::Borrowed(&batch.columns[*n]),
                Sel::Rows(rows) => Cow::Owned(batch.columns[*n].gather_rows(rows)),
            }),
            Op::Relabel(arg) => {
                let column = arg.eval(cx, batch, sel)?;
                // int4 and oid differ in form.
                if column.phys() == phys {
                    return Ok(column);
                }
                Ok(Cow::Owned(crate::sql::func::vector::relabel(&column, phys)))
            }
            Op::Call(call) => call.eval(cx, batch, sel),
            Op::Operand(slot) => Ok(Cow::Owned(operand(cx, *slot, sel))),
            Op::SubPlan(s) => s.eval(cx, batch, sel).map(Cow::Owned),
            Op::Grouping { column, answers } => {
                let sets = &batch.columns[*column];
                let answer = |at| answers.get(sets.get(sel.row(at) as usize).i32() as usize).copied().unwrap_or(0);
                Ok(Cow::Owned(Column { data: ColumnData::I32((0..sel.len()).map(answer).collect()), nulls: None }))
            }
            Op::And(args) => logic::and(args, cx, batch, sel).map(Cow::Owned),
            Op::Or(args) => logic::or(args, cx, batch, sel).map(Cow::Owned),
            Op::Not(arg) => logic::not(arg, cx, batch, sel).map(Cow::Owned),
            Op::IsNull { arg, negated } => logic::is_null(arg, *negated, cx, batch, sel).map(Cow::Owned),
            Op::BoolTest { arg, is, negated } => logic::bool_test(arg, *is, *negated, cx, batch, sel).map(Cow::Owned),
            Op::Distinct { left, right, slots, equal, negated } => {
                logic::distinct((left, right, *slots, equal), *negated, cx, batch, sel).map(Cow::Owned)
            }
            Op::NullIf { left, right, slots, equal } => {
                logic::null_if((left, right, *slots, equal), cx, batch, sel).map(Cow::Owned)
            }
            Op::Case { operand, arms, otherwise } => {
                let operand = operand.as_mut().map(|(slot, e)| (*slot, &mut **e));
                logic::case(operand, arms, otherwise.as_deref_mut(), phys, cx, batch, sel).map(Cow::Owned)
            }
            Op::Coalesce(args) => logic::coalesce(args, phys, cx, batch, sel).map(Cow::Owned),
            Op::Extreme { args, greatest } => logic::extreme(args, *greatest, ty, cx, batch, sel).map(Cow::Owned),
            Op::RowCompare(c) => c.eval(cx, batch, sel).map(Cow::Owned),
            Op::ScalarArray(s) => s.eval(cx, batch, sel).map(Cow::Owned),
            Op::IoCast { arg } => call::io_cast(arg, ty, cx, batch, sel).map(Cow::Owned),
            Op::ToDomain { arg, check } => call::to_domain(arg, check, ty, cx, batch, sel),
            Op::ArrayCast { arg, slot, element } => {
                composite::array_cast(arg, *slot, element, ty, cx, batch, sel).map(Cow::Owned)
            }
            Op::Array { elements, nested } => composite::array(elements, *nested, ty, cx, batch, sel).map(Cow::Owned),
            Op::Row { fields, names } => composite::row(fields, names, ty, cx, batch, sel).map(Cow::Owned),
            Op::Field { arg, index } => composite::field(arg, *index, phys, cx, batch, sel).map(Cow::Owned),
            Op::FieldSet { arg, index, value } => {
                composite::field_set(arg, *index, value, cx, batch, sel).map(Cow::Owned)
            }
            Op::Subscript { array, lower, upper, slice } => {
                composite::subscript(array, (lower, upper), *slice, ty, cx, batch, sel).map(Cow::Owned)
            }
            Op::SubscriptSet { array, lower, upper, slice, value } => {
                composite::subscript_set(array, (lower, upper), *slice, value, ty, cx, batch, sel).map(Cow::Owned)
            }
            Op::Unsupported(what) => Err(crate::base::Error::internal(format!("{what} reached the executor")).into()),
        }
    }

    /// Calls `f` for the expression and all its parts.
    fn visit(&mut self, f: &mut dyn FnMut(&mut Eval)) {
        f(self);
        match &mut self.op {
            Op::Const { .. }
            | Op::Param { .. }
            | Op::ExecParam(_)
            | Op::Column(_)
            | Op::Operand(_)
            | Op::Grouping { .. }
            | Op::Unsupported(_) => {}
            Op::Call(c) => c.args.iter_mut().for_each(|a| a.visit(f)),
            Op::And(a) | Op::Or(a) | Op::Coalesce(a) | Op::Extreme { args: a, .. } => {
                a.iter_mut().for_each(|a| a.visit(f));
            }
            Op::Array { elements: a, .. } | Op::Row { fields: a, .. } => a.iter_mut().for_each(|a| a.visit(f)),
            Op::Not(a)
            | Op::Relabel(a)
            | Op::ToDomain { arg: a, .. }
            | Op::IsNull { arg: a, .. }
            | Op::BoolTest { arg: a, .. }
            | Op::IoCast { arg: a }
            | Op::Field { arg: a, .. } => a.visit(f),
            Op::Distinct { left, right, equal, .. } | Op::NullIf { left, right, equal, .. } => {
                left.visit(f);
                right.visit(f);
                equal.visit(f);
            }
            Op::Case { operand, arms, otherwise } => {
                if let Some((_, o)) = operand {
                    o.visit(f);
                }
                for (c, v) in arms {
                    c.visit(f);
                    v.visit(f);
                }
                if let Some(o) = otherwise {
                    o.visit(f);
                }
            }
            Op::ArrayCast { arg, element, .. } => {
                arg.visit(f);
                element.visit(f);
            }
            Op::RowCompare(c) => c.visit(f),
            Op::ScalarArray(s) => s.visit(f),
            Op::FieldSet { arg, value, .. } => {
                arg.visit(f);
                value.visit(f);
            }
            Op::Subscript { array, lower, upper, .. } => {
                array.visit(f);
                lower.iter_mut().chain(upper).flatten().for_each(|e| e.visit(f));
            }
            Op::SubscriptSet { array, lower, upper, value, .. } => {
                array.visit(f);
                lower.iter_mut().chain(upper).flatten().for_each(|e| e.visit(f));
                value.visit(f);
            }
            Op::SubPlan(s) => s.visit(f),
        }
    }

    /// Forgets answers and progress kept for a repetition (EVAL-2): whoever calls [`eval`](Self::eval) itself must call
    /// this before the next row.
    pub fn forget(&mut self) {
        self.visit(&mut |e| match &mut e.op {
            Op::Call(c) => c.forget(),
            Op::SubPlan(s) => s.forget(),
            _ => {}
        });
    }
}

/// A constant's column of the right length, kept from batch to batch.
fn filled<'a>(column: &'a mut Option<Column>, value: &Value, phys: Phys, rows: usize) -> &'a Column {
    if column.as_ref().is_none_or(|c| c.len() != rows) {
        *column = None;
    }
    column.get_or_insert_with(|| Column::constant(phys, value.datum(), rows))
}

/// A CASE operand's values for some of the rows it was evaluated for.
fn operand(cx: &ExecContext, slot: usize, sel: Sel<'_>) -> Column {
    let Some(Some(kept)) = cx.run.operands.get(slot) else { return Column::new(Phys::Bool) };
    let wanted: Vec<u32> = match (sel, &kept.rows) {
        (Sel::All(_), _) => return kept.column.clone(),
        (Sel::Rows(rows), None) => rows.to_vec(),
        (Sel::Rows(rows), Some(have)) if rows == have => return kept.column.clone(),
        (Sel::Rows(rows), Some(have)) => {
            let mut at = 0;
            let find = |r: &u32| {
                while at < have.len() && have[at] < *r {
                    at += 1;
                }
                at as u32
            };
            rows.iter().map(find).collect()
        }
    };
    kept.column.gather_rows(&wanted)
}

/// Evaluates one expression that reads no row, such as a LIMIT's count.
pub struct Single(Projection);

impl Single {
    pub fn new(expr: &Expr) -> Single {
        Single(Projection::new(std::slice::from_ref(expr)))
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<Value> {
        let batch = Batch { columns: Vec::new(), rows: 1 };
        let columns = self.0.run(cx, &batch, Sel::All(1))?;
        Ok(columns[0].get(0).to_value())
    }
}

#[cfg(test)]
mod tests;
