//! Sub-selects in expressions.
//!
//! Not correlated: run once, the answer is kept as long as the slots the plan reads stay the same. Correlated: run for
//! each row, with the outer values in run-time slots. `IN` over a plan that is not correlated builds a hash table where
//! the test is plain equality.

use super::compile::{Scope, compile};
use super::pieces::room;
use super::{Eval, Sel};
use crate::base::Flow;
use crate::base::memory::Claimed;
use crate::sql::exec::{ExecContext, Node, RowStore, SubKeys, Versions, build, phys_of};
use crate::sql::expr::{Expr, ExprKind, SubPlan, SubPlanKind};
use crate::sql::plan::{Plan, PlanNode, has_volatile};
use crate::types::{BATCH_ROWS, Batch, Column, ColumnData, Datum, TypeRef, Value};
use std::sync::Arc;

pub(super) struct SubPlanOp {
    kind: SubPlanKind,
    ty: TypeRef,
    plan: Arc<Plan>,
    args: Vec<(usize, Eval)>,
    test: Option<Eval>,
    test_params: Vec<(usize, Eval)>,
    hashed: Option<Hashed>,
    node: Option<Box<dyn Node>>,
    versions: Versions,
    kept: Option<Kept>,
    /// Progress of the evaluation of one selection (EVAL-2).
    out: Option<Column>,
    phase: Phase,
    found: Found,
    claimed: Claimed,
    answered: bool,
}

/// What an uncorrelated plan answered.
enum Kept {
    Value(Value),
    Rows(RowStore),
    Set { keys: SubKeys, rows: RowStore },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Start,
    Pull,
}

/// What one run of the plan has found so far.
#[derive(Default)]
struct Found {
    value: Option<Value>,
    rows: usize,
    truth: Truth,
    elements: Option<Column>,
    store: Option<RowStore>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Truth {
    /// ANY: no match yet; ALL: no contradiction yet.
    #[default]
    Open,
    Null,
    Settled,
}

/// An `IN` test as two lists of keys.
struct Hashed {
    outer: Vec<Eval>,
    inner: Vec<Eval>,
}

/// Splits a test of equalities into outer and inner keys; None if it is something else.
fn split(test: &Expr, params: &[(usize, Expr)], scope: &mut Scope) -> Option<Hashed> {
    let conjuncts: Vec<&Expr> = match &test.kind {
        ExprKind::And(list) => list.iter().collect(),
        _ => vec![test],
    };
    let mut hashed = Hashed { outer: Vec::new(), inner: Vec::new() };
    for c in conjuncts {
        let ExprKind::Func { args, .. } = &c.kind else { return None };
        let [a, b] = args.as_slice() else { return None };
        let has_column = |e: &Expr| e.any(&mut |e| matches!(e.kind, ExprKind::Column(_)));
        let (outer, inner) = match (has_column(a), has_column(b)) {
            (false, true) => (a, b),
            (true, false) => (b, a),
            _ => return None,
        };
        let mut outer = outer.clone();
        outer.rewrite(&mut |e| {
            if let ExprKind::ExecParam(slot) = e.kind
                && let Some((_, source)) = params.iter().find(|(s, _)| *s == slot)
            {
                *e = source.clone();
            }
        });
        hashed.outer.push(compile(&outer, scope));
        hashed.inner.push(compile(inner, &mut Scope::default()));
    }
    Some(hashed)
}

fn is_volatile(plan: &Plan) -> bool {
    let mut found = match &plan.node {
        PlanNode::FunctionScan { calls, .. } => calls.iter().any(|c| c.func.volatility == b'v'),
        _ => false,
    };
    plan.for_each_expr(&mut |e| found |= has_volatile(e));
    found || plan.inputs().into_iter().any(is_volatile)
}

impl SubPlanOp {
    pub fn new(s: &SubPlan, ty: TypeRef, scope: &mut Scope) -> SubPlanOp {
        let slots = |list: &[(usize, Expr)], scope: &mut Scope| {
            list.iter().map(|(slot, e)| (*slot, compile(e, scope))).collect::<Vec<_>>()
        };
        let hashed = match (&s.test, s.hashable && s.kind == SubPlanKind::Any && s.args.is_empty()) {
            (Some(test), true) => split(test, &s.test_params, scope),
            _ => None,
        };
        SubPlanOp {
            kind: s.kind,
            ty,
            versions: Versions::of_plan(&s.plan),
            plan: s.plan.clone(),
            args: slots(&s.args, scope),
            test: s.test.as_ref().map(|t| compile(t, &mut Scope::default())),
            test_params: slots(&s.test_params, scope),
            hashed,
            node: None,
            kept: None,
            out: None,
            phase: Phase::Start,
            found: Found::default(),
            claimed: Claimed::default(),
            answered: false,
        }
    }

    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Eval)) {
        self.args.iter_mut().chain(&mut self.test_params).for_each(|(_, e)| e.visit(f));
        if let Some(t) = &mut self.test {
            t.visit(f);
        }
        if let Some(h) = &mut self.hashed {
            h.outer.iter_mut().chain(&mut h.inner).for_each(|e| e.visit(f));
        }
    }

    /// Running it has effects of its own.
    pub fn is_volatile(&self) -> bool {
        is_volatile(&self.plan)
    }

    pub fn forget(&mut self) {
        self.out = None;
        self.answered = false;
        self.phase = Phase::Start;
        self.found = Found::default();
    }

    pub fn eval(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        // Finished in an earlier call of the same evaluation: siblings waited.
        if self.answered {
            return Ok(self.out.clone().unwrap_or_else(|| Column::new(phys_of(self.ty))));
        }
        let out =
            if self.args.is_empty() { self.uncorrelated(cx, batch, sel)? } else { self.correlated(cx, batch, sel)? };
        self.out = Some(out.clone());
        self.answered = true;
        Ok(out)
    }

    /// Runs the plan once more, up to its end or the first row that decides.
    fn run(&mut self, cx: &mut ExecContext, keep_rows: bool) -> Flow<()> {
        if self.phase == Phase::Start {
            match &mut self.node {
                Some(n) => n.rescan(cx)?,
                None => self.node = Some(build(&self.plan, cx)?),
            }
            self.found = Found::default();
            self.phase = Phase::Pull;
        }
        while let Some(node) = &mut self.node {
            let Some(batch) = node.next(cx)? else { break };
            if keep_rows {
                let forms: Vec<_> = batch.columns.iter().map(Column::phys).collect();
                let store = self.found.store.get_or_insert_with(|| RowStore::new(&forms));
                store.append(&batch);
                self.claimed.grown(store.bytes(), "Subplan HashTable Context")?;
                continue;
            }
            if self.take(cx, &batch)? {
                break;
            }
        }
        self.phase = Phase::Start;
        Ok(())
    }

    /// Looks at rows of the plan; true: no more are needed.
    fn take(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<bool> {
        let found = &mut self.found;
        found.rows += batch.rows;
        match self.kind {
            SubPlanKind::Exists => return Ok(true),
            SubPlanKind::Scalar => {
                if found.rows > 1 {
                    let error = crate::err!(
                        CARDINALITY_VIOLATION,
                        "more than one row returned by a subquery used as an expression"
                    );
                    return Err(error.place("ExecSetParamPlan", "nodeSubplan.c", 1156).into());
                }
                found.value = Some(batch.columns[0].get(0).to_value());
            }
            SubPlanKind::Array => {
                let phys = batch.columns[0].phys();
                let all = found.elements.get_or_insert_with(|| Column::new(phys));
                (0..batch.rows).for_each(|r| all.push_from(&batch.columns[0], r));
                self.claimed.grown(all.own_bytes() + all.len() * 16, "ExecutorState")?;
            }
            SubPlanKind::Any | SubPlanKind::All => {
                let any = self.kind == SubPlanKind::Any;
                let Some(test) = &mut self.test else { return Ok(true) };
                // The test holds no sub-plan: it compares values that are there. What calls in it answered is of these
                // rows alone.
                let answer = test.eval(cx, batch, Sel::All(batch.rows))?.into_owned();
                test.forget();
                let ColumnData::Bool(values) = &answer.data else { return Ok(true) };
                for (at, v) in values.iter().enumerate() {
                    if answer.is_null(at) {
                        self.found.truth = Truth::Null;
                    } else if *v == any {
                        self.found.truth = Truth::Settled;
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The answer of a finished run.
    fn answer(&mut self) -> crate::base::Result<Value> {
        let found = std::mem::take(&mut self.found);
        Ok(match self.kind {
            SubPlanKind::Exists => Value::Bool(found.rows > 0),
            SubPlanKind::Scalar => found.value.unwrap_or(Value::Null),
            SubPlanKind::Any | SubPlanKind::All => {
                let any = self.kind == SubPlanKind::Any;
                match found.truth {
                    Truth::Open => Value::Bool(!any),
                    Truth::Null => Value::Null,
                    Truth::Settled => Value::Bool(any),
                }
            }
            SubPlanKind::Array => {
                let ty = self.plan.columns[0].ty;
                let elements = found.elements.unwrap_or_else(|| Column::new(phys_of(ty)));
                Value::Bytes(super::composite::array_of(&elements, ty)?.into())
            }
        })
    }

    /// Evaluates slot expressions for one row and fills the slots.
    fn fill(list: &mut [(usize, Eval)], cx: &mut ExecContext, batch: &Batch, row: u32) -> Flow<()> {
        for (slot, e) in list {
            let value = e.eval(cx, batch, Sel::Rows(&[row]))?.get(0).to_value();
            cx.set_exec_param(*slot, value);
        }
        Ok(())
    }

    /// All slots have their values: the next row computes its own.
    fn filled(list: &mut [(usize, Eval)]) {
        list.iter_mut().for_each(|(_, e)| e.forget());
    }

    fn correlated(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        let mut out = self.out.take().unwrap_or_else(|| Column::with_capacity(phys_of(self.ty), sel.len()));
        while out.len() < sel.len() {
            let row = sel.row(out.len());
            let stop = self.one(cx, batch, row);
            match stop {
                Ok(v) => {
                    out.push(v.datum());
                    room(cx, &out, sel)?;
                }
                Err(stop) => {
                    self.out = Some(out);
                    return Err(stop);
                }
            }
        }
        Ok(out)
    }

    fn one(&mut self, cx: &mut ExecContext, batch: &Batch, row: u32) -> Flow<Value> {
        if self.phase == Phase::Start {
            SubPlanOp::fill(&mut self.args, cx, batch, row)?;
            SubPlanOp::fill(&mut self.test_params, cx, batch, row)?;
            SubPlanOp::filled(&mut self.args);
            SubPlanOp::filled(&mut self.test_params);
        }
        cx.apart(|cx| self.run(cx, false))?;
        Ok(self.answer()?)
    }

    fn uncorrelated(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        if sel.is_empty() {
            return Ok(Column::new(phys_of(self.ty)));
        }
        if self.kept.is_none() || !self.versions.unchanged(cx) {
            let tested = matches!(self.kind, SubPlanKind::Any | SubPlanKind::All);
            let shared = (!tested && self.versions.is_free()).then_some(Arc::as_ptr(&self.plan) as usize);
            let known = shared.and_then(|at| cx.run.answers.get(&at)).map(|(_, value)| value.clone());
            if let Some(value) = &known {
                self.kept = Some(Kept::Value(value.clone()));
                self.versions.remember(cx);
                return Ok(Column::constant(phys_of(self.ty), value.datum(), sel.len()));
            }
            cx.apart(|cx| self.run(cx, tested))?;
            self.versions.remember(cx);
            self.kept = Some(match tested {
                false => {
                    let value = self.answer()?;
                    cx.run.answers.extend(shared.map(|at| (at, (self.plan.clone(), value.clone()))));
                    Kept::Value(value)
                }
                true => cx.apart(|cx| self.keep_rows(cx))?,
            });
        }
        match &mut self.kept {
            Some(Kept::Value(v)) => Ok(Column::constant(phys_of(self.ty), v.datum(), sel.len())),
            Some(Kept::Set { .. }) => self.probe(cx, batch, sel),
            _ => self.compare_all(cx, batch, sel),
        }
    }

    fn keep_rows(&mut self, cx: &mut ExecContext) -> Flow<Kept> {
        let forms: Vec<_> = self.plan.columns.iter().map(|c| phys_of(c.ty)).collect();
        let mut rows = self.found.store.take().unwrap_or_else(|| RowStore::new(&forms));
        rows.finish();
        let Some(h) = &mut self.hashed else { return Ok(Kept::Rows(rows)) };
        let types: Vec<TypeRef> = h.inner.iter().map(Eval::ty).collect();
        let outer: Vec<TypeRef> = h.outer.iter().map(Eval::ty).collect();
        let mut keys = SubKeys::new(&types, &outer);
        for start in (0..rows.len()).step_by(BATCH_ROWS) {
            let part = rows.slice(start..(start + BATCH_ROWS).min(rows.len()));
            let mut columns = Vec::with_capacity(h.inner.len());
            for e in &mut h.inner {
                columns.push(e.eval(cx, &part, Sel::All(part.rows))?.into_owned());
                e.forget();
            }
            keys.add(&columns.iter().collect::<Vec<_>>(), part.rows)?;
        }
        Ok(Kept::Set { keys, rows })
    }

    fn probe(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        let Some(h) = &mut self.hashed else { return self.compare_all(cx, batch, sel) };
        let mut columns = Vec::with_capacity(h.outer.len());
        for e in &mut h.outer {
            columns.push(e.eval(cx, batch, sel)?.into_owned());
        }
        let Some(Kept::Set { keys, .. }) = &self.kept else { return self.compare_all(cx, batch, sel) };
        let found = keys.probe(&columns.iter().collect::<Vec<_>>(), sel.len())?;
        let mut out = Column::with_capacity(crate::types::Phys::Bool, sel.len());
        let mut unsure = Vec::new();
        for (at, answer) in found.into_iter().enumerate() {
            match answer {
                Some(b) => out.push(Datum::Bool(b)),
                None => {
                    unsure.push((at, sel.row(at)));
                    out.push_null();
                }
            }
        }
        if columns.len() > 1 && !unsure.is_empty() {
            // A NULL in one column of a key may still leave another column to say no.
            let rows: Vec<u32> = unsure.iter().map(|u| u.1).collect();
            let exact = self.compare_all(cx, batch, Sel::Rows(&rows))?;
            let mut merged = Column::with_capacity(crate::types::Phys::Bool, sel.len());
            let mut next = 0;
            for at in 0..sel.len() {
                if unsure.get(next).is_some_and(|u| u.0 == at) {
                    merged.push_from(&exact, next);
                    next += 1;
                } else {
                    merged.push_from(&out, at);
                }
            }
            return Ok(merged);
        }
        Ok(out)
    }

    /// Each outer row against all kept rows.
    fn compare_all(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        let kept = self.kept.take();
        let answer = match &kept {
            Some(Kept::Rows(r) | Kept::Set { rows: r, .. }) => self.compare_rows(r, cx, batch, sel),
            _ => Ok(Column::new(crate::types::Phys::Bool)),
        };
        self.kept = kept;
        answer
    }

    fn compare_rows(&mut self, rows: &RowStore, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        let mut out = Column::with_capacity(crate::types::Phys::Bool, sel.len());
        for at in 0..sel.len() {
            SubPlanOp::fill(&mut self.test_params, cx, batch, sel.row(at))?;
            SubPlanOp::filled(&mut self.test_params);
            self.found = Found::default();
            for start in (0..rows.len()).step_by(BATCH_ROWS) {
                let part = rows.slice(start..(start + BATCH_ROWS).min(rows.len()));
                if cx.apart(|cx| self.take(cx, &part))? {
                    break;
                }
            }
            out.push(self.answer()?.datum());
        }
        Ok(out)
    }
}
