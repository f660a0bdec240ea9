//! One call of a compiled body: its variables, its place in the code, and what it is waiting for.

use super::code::{Function, Instr, Op, VarKind};
use super::expr::{Ready, Source};
use super::handler::{Guard, Handled};
use super::rows::Loop;
use super::trigger::TriggerData;
use crate::base::{Error, Flow, Result, Stop};
use crate::err;
use crate::mvcc::Snapshot;
use crate::sql::command::Command;
use crate::sql::exec::context::RunState;
use crate::sql::exec::{ExecContext, Place, Tuplestore, phys_of};
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::routine::query::{Next, Outer, QueryRun};
use crate::sql::routine::returns::{self, Returns};
use crate::types::{Batch, Column, Datum, TypeRef, Value, oid, record};
use hashbrown::HashMap;
use std::sync::Arc;

/// The columns of a record.
#[derive(Clone, PartialEq, Debug)]
pub struct Shape {
    pub names: Vec<String>,
    pub types: Vec<TypeRef>,
}

/// A variable's value.
pub enum Slot {
    Scalar(Value),
    Record(RecordValue),
    /// Several variables together: they have the values.
    Row,
}

#[derive(Default)]
pub struct RecordValue {
    pub shape: Option<Arc<Shape>>,
    pub values: Vec<Value>,
    /// False: the row as such is NULL.
    pub present: bool,
}

static NULL: Value = Value::Null;

impl Slot {
    pub fn scalar(&self) -> &Value {
        match self {
            Slot::Scalar(v) => v,
            _ => &NULL,
        }
    }

    pub fn field(&self, n: usize) -> &Value {
        match self {
            Slot::Record(r) if r.present => r.values.get(n).unwrap_or(&NULL),
            _ => &NULL,
        }
    }

    pub fn shape(&self) -> Option<&Arc<Shape>> {
        match self {
            Slot::Record(r) => r.shape.as_ref(),
            _ => None,
        }
    }
}

impl RecordValue {
    /// As a value of a row type.
    pub fn pack(&self, ty: TypeRef) -> Value {
        let Some(shape) = self.shape.as_ref().filter(|_| self.present) else { return Value::Null };
        let columns = shape
            .names
            .iter()
            .zip(&shape.types)
            .zip(&self.values)
            .map(|((name, t), v)| (name.as_str(), t.oid, v.datum()));
        let mut bytes = Vec::new();
        record::build(ty, columns, &mut bytes);
        Value::Bytes(bytes.into())
    }
}

/// An expression that needs a plan, under way.
pub struct Evaluating {
    expr: usize,
    run: Box<QueryRun>,
    value: Option<Value>,
    rows: usize,
}

/// Where the next instruction is.
pub enum Goto {
    Next,
    To(usize),
    End,
}

/// A call under way.
pub struct Frame {
    pub(super) body: Arc<Function>,
    pub(super) slots: Vec<Slot>,
    pub(super) pc: usize,
    ready: Vec<Option<Ready>>,
    run: RunState,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) returns: Returns,
    pub(super) loops: Vec<Option<Loop>>,
    pub(super) guards: Vec<Guard>,
    pub(super) handled: Vec<Handled>,
    /// Finished parts of the present instruction.
    pub(super) values: Vec<Value>,
    evaluating: Option<Evaluating>,
    /// The present instruction's statement.
    pub(super) query: Option<Box<QueryRun>>,
    pub(super) command: Option<Box<Command>>,
    /// The row an INTO has found, and how many there were.
    pub(super) found_row: Option<Batch>,
    pub(super) found_rows: u64,
    pub(super) row_count: u64,
    /// EXECUTE under way.
    pub(super) dynamic: Option<Box<super::rows::Dynamic>>,
    /// CALL under way.
    pub(super) calling: Option<Box<crate::sql::routine::ProcedureRun>>,
    casts: HashMap<(TypeRef, TypeRef), Option<Projection>>,
    /// The expression whose evaluator is in the middle of its work.
    computing: Option<usize>,
    pub(super) result: Value,
    store: Option<(Tuplestore, Place)>,
    columns: (Vec<String>, Vec<TypeRef>),
    pub(super) trigger: Option<Box<TriggerData>>,
    pub(super) transactions: bool,
    /// Trying to end the transaction: asked for, and done by the session.
    pub(super) ending: bool,
    /// The result is being converted: what goes wrong then is told otherwise.
    pub(super) casting: bool,
    /// RAISE throws a handled error again.
    pub(super) again: bool,
    ticks: u32,
    started: bool,
    done: bool,
}

/// Backward jumps between two looks at interrupts and the budget.
const TICKS: u32 = 512;

impl Frame {
    /// A call with these arguments. `snapshot`: what the caller sees, for a function that is not volatile.
    ///
    /// # Errors
    /// 0A000 for a trigger function called as a function.
    pub fn new(
        cx: &mut ExecContext,
        body: Arc<Function>,
        args: Vec<Value>,
        snapshot: Option<Snapshot>,
        returns: Returns,
    ) -> Result<Frame> {
        if body.is_trigger || body.event.is_some() {
            return Err(err!(FEATURE_NOT_SUPPORTED, "trigger functions can only be called as triggers")
                .context(format!("compilation of PL/pgSQL function \"{}\" near line 1", body.name)));
        }
        let mut frame = Frame::bare(cx, body, snapshot, returns);
        let vars = frame.body.args.clone();
        for (var, value) in vars.into_iter().zip(args) {
            frame.put_argument(cx, var, value);
        }
        Ok(frame)
    }

    /// A trigger function fired by an event.
    ///
    /// # Errors
    /// What the body's variables say.
    pub fn fired(cx: &mut ExecContext, body: Arc<Function>, event: TriggerData) -> Result<Frame> {
        let mut frame = Frame::bare(cx, body, None, Returns::Trigger);
        frame.set_trigger(event);
        Ok(frame)
    }

    /// An event trigger's function.
    pub fn on_event(cx: &mut ExecContext, body: Arc<Function>, event: &str, tag: &str) -> Frame {
        let mut frame = Frame::bare(cx, body, None, Returns::Void);
        if let Some(vars) = frame.body.event {
            for (var, value) in vars.into_iter().zip([event, tag]) {
                frame.slots[var] = Slot::Scalar(Value::text(value));
            }
        }
        frame
    }

    fn bare(cx: &mut ExecContext, body: Arc<Function>, snapshot: Option<Snapshot>, returns: Returns) -> Frame {
        let ready = body.pool.lock().pop().unwrap_or_default();
        let mut slots = Vec::with_capacity(body.vars.len());
        for v in &body.vars {
            slots.push(empty_slot(cx, &v.kind));
        }
        let loops = (0..body.loops).map(|_| None).collect();
        let columns = match &returns {
            Returns::Row { fields: Some(f), .. } => f.iter().cloned().unzip(),
            other => (Vec::new(), other.columns().unwrap_or_default()),
        };
        let found = body.found;
        let mut frame = Frame {
            slots,
            ready,
            body,
            pc: 0,
            run: RunState::default(),
            snapshot,
            returns,
            loops,
            guards: Vec::new(),
            handled: Vec::new(),
            values: Vec::new(),
            evaluating: None,
            query: None,
            command: None,
            found_row: None,
            found_rows: 0,
            row_count: 0,
            dynamic: None,
            calling: None,
            casts: HashMap::new(),
            computing: None,
            result: Value::Null,
            store: None,
            columns,
            trigger: None,
            transactions: false,
            ending: false,
            casting: false,
            again: false,
            ticks: 0,
            started: false,
            done: false,
        };
        let exprs = frame.body.exprs.len();
        frame.ready.resize_with(exprs, || None);
        frame.slots[found] = Slot::Scalar(Value::Bool(false));
        frame
    }

    fn put_argument(&mut self, cx: &ExecContext, var: usize, value: Value) {
        match &self.body.vars[var].kind {
            VarKind::Record(ty) => {
                let ty = *ty;
                self.slots[var] = Slot::Record(record_value(cx, ty, &value));
            }
            _ => self.slots[var] = Slot::Scalar(value),
        }
    }

    pub fn allow_transactions(&mut self) {
        self.transactions = true;
    }

    /// Names and types of the rows handed out.
    pub fn columns(&self) -> (Vec<String>, Vec<TypeRef>) {
        self.columns.clone()
    }

    /// The value of a call that returns one.
    pub fn value(&mut self, cx: &mut ExecContext) -> Flow<Value> {
        self.go(cx)?;
        Ok(std::mem::replace(&mut self.result, Value::Null))
    }

    /// The rows of a set, handed out when the body has ended.
    pub fn rows(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        self.go(cx)?;
        match &mut self.store {
            Some((store, place)) => Ok(store.read(place)?),
            None => Ok(None),
        }
    }

    /// Adds rows to the set that is returned.
    pub(super) fn give(
        &mut self,
        cx: &mut ExecContext,
        batch: &Batch,
        names: Option<Vec<String>>,
        types: &[TypeRef],
    ) -> Result<()> {
        if self.store.is_none() {
            let forms: Vec<_> = batch.columns.iter().map(Column::phys).collect();
            if self.columns.1.is_empty() {
                self.columns = (names.unwrap_or_default(), types.to_vec());
            }
            self.store = Some((Tuplestore::new(&forms), Place::default()));
        }
        match &mut self.store {
            Some((store, _)) => store.append(cx, batch),
            None => Ok(()),
        }
    }

    /// The columns rows of the set must have; None: whatever the first ones have.
    pub(super) fn set_columns(&self) -> Option<&[TypeRef]> {
        (!self.columns.1.is_empty()).then_some(&self.columns.1[..])
    }

    /// Runs the body to its end.
    fn go(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.done {
            return Ok(());
        }
        let outer = Outer::leave(cx);
        cx.run = std::mem::take(&mut self.run);
        if !self.started {
            self.started = true;
            cx.run.snapshot = self.snapshot.clone();
        }
        let stack = cx.routines.push(self.body.clone());
        let done = self.machine(cx);
        cx.routines.pop(stack);
        self.run = std::mem::take(&mut cx.run);
        outer.enter(cx);
        if done.is_ok() {
            self.done = true;
            // The evaluators serve the next call.
            let ready = std::mem::take(&mut self.ready);
            let mut pool = self.body.pool.lock();
            if pool.len() < 8 {
                pool.push(ready);
            }
        } else if matches!(done, Err(Stop::Error(_))) {
            self.done = true;
        }
        done
    }

    fn machine(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let body = self.body.clone();
        loop {
            let Some(instr) = body.code.get(self.pc) else {
                return Err(Error::internal("the end of a body was passed").into());
            };
            let done = match self.exec(cx, &body, instr) {
                Err(Stop::Wait(what)) => Err(cx.failed_wait.take().map_or(Stop::Wait(what), Stop::Error)),
                done => done,
            };
            match done {
                Ok(goto) => {
                    if !self.values.is_empty() {
                        self.values.clear();
                    }
                    match goto {
                        Goto::Next => self.pc += 1,
                        Goto::To(to) => {
                            let back = to <= self.pc;
                            self.pc = to;
                            if back && let Err(stop) = self.tick(cx) {
                                match stop {
                                    Stop::Error(e) => self.caught(cx, instr, e)?,
                                    other => return Err(other),
                                }
                            }
                        }
                        Goto::End => {
                            // RETURN may stand inside blocks with handlers.
                            self.unguard(cx, self.guards.len())?;
                            return Ok(());
                        }
                    }
                }
                Err(Stop::Error(e)) => self.caught(cx, instr, e)?,
                Err(stop) => return Err(stop),
            }
        }
    }

    /// Goes on with the handler of an error, if there is one.
    fn caught(&mut self, cx: &mut ExecContext, instr: &Instr, e: Error) -> Result<()> {
        let e = self.with_context(cx, instr, e);
        self.clear();
        self.pc = self.handler(cx, e)?;
        Ok(())
    }

    fn tick(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.ticks += 1;
        if self.ticks >= TICKS {
            self.ticks = 0;
            cx.poll()?;
        }
        Ok(())
    }

    fn with_context(&self, cx: &ExecContext, instr: &Instr, e: Error) -> Error {
        let _ = cx;
        if self.again {
            return e;
        }
        if self.casting {
            let signature = &self.body.signature;
            return e.context(format!(
                "PL/pgSQL function {signature} while casting return value to function's return type"
            ));
        }
        e.context(place(&self.body, instr))
    }

    /// Gives up what the present instruction was doing.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.evaluating = None;
        self.computing = None;
        self.query = None;
        self.command = None;
        self.found_row = None;
        self.found_rows = 0;
        self.dynamic = None;
        self.calling = None;
        self.ending = false;
        self.casting = false;
        self.again = false;
        self.ready.iter_mut().flatten().for_each(|r| {
            if let Some(p) = &mut r.projection {
                p.reset();
            }
        });
    }

    fn exec(&mut self, cx: &mut ExecContext, body: &Arc<Function>, instr: &Instr) -> Flow<Goto> {
        match &instr.op {
            Op::Jump(to) => Ok(Goto::To(*to)),
            Op::Unless { condition, to } => {
                let v = self.eval(cx, *condition)?;
                Ok(if matches!(v, Value::Bool(true)) { Goto::Next } else { Goto::To(*to) })
            }
            Op::Assign { target, value } => self.assign_expr(cx, target, *value),
            Op::Init { var, value } => self.init(cx, *var, *value),
            Op::ForInt { place, var, lower, upper, step, reverse } => {
                self.for_int(cx, *place, *var, [*lower, *upper], *step, *reverse)
            }
            Op::ForIntNext { place, var, end } => self.for_int_next(*place, *var, *end),
            other => {
                cx.routines.at(self.pc);
                self.exec_statement(cx, body, other)
            }
        }
    }

    // ---- expressions ----

    /// Makes an expression ready to be evaluated.
    fn prepare(&mut self, cx: &mut ExecContext, id: usize) -> Result<()> {
        let body = self.body.clone();
        let expr = &body.exprs[id];
        let catalog = &cx.backend()?.catalog;
        let generation = catalog.generation();
        if let Some(r) = &self.ready[id]
            && r.planned.generation() == generation
            && r.planned.fits(&self.slots)
            && (r.planned.simple.is_some() || r.planned.is_valid(catalog))
        {
            return Ok(());
        }
        let planned = expr.planned(cx, &body, &self.slots)?;
        let fast = planned.simple.as_ref().and_then(|e| super::fast::Fast::of(e, &planned.sources));
        let projection = match (&planned.simple, &fast) {
            (Some(e), None) => Some(Projection::new(std::slice::from_ref(e))),
            _ => None,
        };
        let in_place = planned.simple.as_ref().and_then(|e| super::fast::InPlace::of(e, &planned.sources));
        self.ready[id] = Some(Ready { planned, projection, fast, in_place });
        Ok(())
    }

    /// The type of an expression that has been evaluated.
    pub(super) fn type_of(&self, id: usize) -> TypeRef {
        self.ready[id].as_ref().map_or(TypeRef::of(oid::UNKNOWN), |r| r.planned.ty())
    }

    /// The value of an expression. To be asked for again after a `Stop`.
    pub(super) fn eval(&mut self, cx: &mut ExecContext, id: usize) -> Flow<Value> {
        if self.computing == Some(id) {
            // Whatever it called so far may have changed the catalogs: it goes on all the same (RTN-2).
            return self.eval_simple(cx, id);
        }
        if self.evaluating.is_none() {
            self.prepare(cx, id)?;
            let Some(ready) = &mut self.ready[id] else { return Err(Error::internal("no plan").into()) };
            if let Some(fast) = &ready.fast {
                return Ok(fast.eval(&mut cx.fx, &self.slots)?);
            }
            if ready.projection.is_some() {
                return self.eval_simple(cx, id);
            }
        }
        self.eval_query(cx, id)
    }

    /// Changes a variable where it lies, if that is what the assignment of an expression comes to; false if not.
    ///
    /// # Errors
    /// Those of the expression.
    pub(super) fn assign_in_place(&mut self, cx: &mut ExecContext, var: usize, id: usize) -> Result<bool> {
        if self.computing.is_some() || self.evaluating.is_some() {
            return Ok(false);
        }
        self.prepare(cx, id)?;
        let Some(ready) = &self.ready[id] else { return Ok(false) };
        match &ready.in_place {
            Some(change) if change.variable() == var => change.run(&mut cx.fx, &mut self.slots),
            _ => Ok(false),
        }
    }

    fn eval_simple(&mut self, cx: &mut ExecContext, id: usize) -> Flow<Value> {
        cx.routines.at(self.pc);
        if self.snapshot.is_none() {
            // Functions called see what the body's statements did so far.
            cx.run.snapshot = None;
        }
        let Some(ready) = &mut self.ready[id] else { return Err(Error::internal("no plan").into()) };
        cx.params = params(&ready.planned.sources, &self.slots, &self.body);
        let Some(p) = &mut ready.projection else { return Err(Error::internal("no evaluator").into()) };
        let one = Batch { columns: Vec::new(), rows: 1 };
        self.computing = Some(id);
        let done = p.run(cx, &one, Sel::All(1));
        if !matches!(done, Err(Stop::Wait(_) | Stop::Yield)) {
            self.computing = None;
        }
        Ok(done?[0].get(0).to_value())
    }

    fn eval_query(&mut self, cx: &mut ExecContext, id: usize) -> Flow<Value> {
        cx.routines.at(self.pc);
        let body = self.body.clone();
        loop {
            if self.evaluating.is_none() {
                let run = self.start(cx, id)?;
                self.evaluating = Some(Evaluating { expr: id, run, value: None, rows: 0 });
            }
            let Some(e) = &mut self.evaluating else { continue };
            debug_assert_eq!(e.expr, id, "FLOW-1");
            let next = e.run.next(cx).map_err(|stop| match stop {
                Stop::Error(error) => Stop::Error(body.exprs[id].located(error)),
                other => other,
            })?;
            match next {
                Next::Batch(b) => {
                    e.rows += b.rows;
                    if e.value.is_none() {
                        e.value = b.columns.first().map(|c| c.get(0).to_value());
                    }
                    if e.rows > 1 {
                        let text = "query returned more than one row";
                        let e = err!(CARDINALITY_VIOLATION, "{text}");
                        return Err(e.context(format!("query: {}", body.exprs[id].text)).into());
                    }
                }
                Next::End => {
                    let value = self.evaluating.take().and_then(|e| e.value);
                    return Ok(value.unwrap_or(Value::Null));
                }
                Next::Stale => {
                    self.evaluating = None;
                    self.ready[id] = None;
                }
            }
        }
    }

    /// A statement or an expression as a query, started.
    pub(super) fn start(&mut self, cx: &mut ExecContext, id: usize) -> Result<Box<QueryRun>> {
        self.prepare(cx, id)?;
        let Some(ready) = &self.ready[id] else { return Err(Error::internal("no plan")) };
        let planned = ready.planned.clone();
        let params = params(&planned.sources, &self.slots, &self.body);
        let plan = planned.plan(cx, &params).map_err(|e| self.body.exprs[id].located(e))?;
        Ok(Box::new(QueryRun::new(plan, params, self.snapshot.clone())))
    }

    /// Forgets a plan that has become wrong.
    pub(super) fn forget(&mut self, id: usize) {
        self.ready[id] = None;
    }

    /// The k-th value of the present instruction, evaluated once.
    pub(super) fn operand(&mut self, cx: &mut ExecContext, k: usize, id: usize) -> Flow<Value> {
        if let Some(v) = self.values.get(k) {
            return Ok(v.clone());
        }
        let v = self.eval(cx, id)?;
        self.values.push(v.clone());
        Ok(v)
    }

    /// A value as one of another type, as an assignment converts it.
    pub(super) fn convert(&mut self, cx: &mut ExecContext, value: Value, from: TypeRef, to: TypeRef) -> Flow<Value> {
        if from == to || from.oid == to.oid && to.typmod < 0 {
            return Ok(value);
        }
        if !self.casts.contains_key(&(from, to)) {
            let cast = returns::cast_of(cx, 0, from, to, true)?;
            let made = match cast {
                Some(crate::sql::bind::Conversion::Cast(e)) => Some(Projection::new(&[e])),
                _ => None,
            };
            self.casts.insert((from, to), made);
        }
        let Some(Some(p)) = self.casts.get_mut(&(from, to)) else { return Ok(value) };
        let batch = Batch { columns: vec![Column::constant(phys_of(from), value.datum(), 1)], rows: 1 };
        let columns = p.run(cx, &batch, Sel::All(1))?;
        Ok(columns[0].get(0).to_value())
    }

    /// A value as text, as RAISE shows it.
    pub(super) fn text(&self, cx: &ExecContext, value: Datum<'_>, ty: TypeRef) -> Result<String> {
        let mut out = Vec::new();
        crate::types::text_out(ty, value, &mut out, &cx.fx.io)?;
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    pub(super) fn set_found(&mut self, found: bool) {
        let var = self.body.found;
        self.slots[var] = Slot::Scalar(Value::Bool(found));
    }
}

impl Drop for Frame {
    /// A call that is given up leaves nothing open: its subtransactions are the surrounding one's to undo.
    fn drop(&mut self) {
        self.loops.clear();
    }
}

/// What CONTEXT says of a place.
pub(super) fn place(body: &Function, instr: &Instr) -> String {
    if instr.what.is_empty() {
        return format!("PL/pgSQL function {}", body.signature);
    }
    if instr.what.starts_with("during") {
        return format!("PL/pgSQL function {} line {} {}", body.signature, instr.line, instr.what);
    }
    if let Op::Missing = instr.op {
        return format!("PL/pgSQL function {}", body.signature);
    }
    format!("PL/pgSQL function {} line {} at {}", body.signature, instr.line, instr.what)
}

pub(super) fn params(sources: &[Source], slots: &[Slot], body: &Function) -> Arc<[Value]> {
    sources
        .iter()
        .map(|s| match s {
            Source::Var(v) => slots[*v].scalar().clone(),
            Source::Field(v, f) => slots[*v].field(*f).clone(),
            Source::Row(v) => match (&slots[*v], &body.vars[*v].kind) {
                (Slot::Record(r), VarKind::Record(ty)) => r.pack(*ty),
                _ => Value::Null,
            },
        })
        .collect()
}

pub(super) fn empty_slot(cx: &ExecContext, kind: &VarKind) -> Slot {
    match kind {
        VarKind::Scalar(_) => Slot::Scalar(Value::Null),
        VarKind::Row(_) => Slot::Row,
        VarKind::Record(ty) => Slot::Record(RecordValue { shape: shape_of(cx, *ty), ..RecordValue::default() }),
    }
}

/// The columns of a composite type.
pub(super) fn shape_of(cx: &ExecContext, ty: TypeRef) -> Option<Arc<Shape>> {
    if ty.oid == oid::RECORD {
        return None;
    }
    let fields = cx.fx.io.hooks.composite(crate::types::base_type(ty.oid))?;
    let (names, types) = fields.into_iter().map(|f| (f.name, f.typ)).unzip();
    Some(Arc::new(Shape { names, types }))
}

/// A row value taken apart. A composite type's own columns are kept; a `record` has the value's.
pub(super) fn record_value(cx: &ExecContext, ty: TypeRef, value: &Value) -> RecordValue {
    let declared = shape_of(cx, ty);
    let Value::Bytes(bytes) = value else {
        return RecordValue { shape: declared, ..RecordValue::default() };
    };
    let r = record::Record::new(bytes);
    let values: Vec<Value> = r.columns.iter().map(|c| c.value.to_value()).collect();
    let own = || {
        let names = r.columns.iter().map(|c| c.name.to_owned()).collect();
        let types = r.columns.iter().map(|c| TypeRef::of(c.typ)).collect();
        Arc::new(Shape { names, types })
    };
    RecordValue { shape: Some(declared.unwrap_or_else(own)), values, present: true }
}
