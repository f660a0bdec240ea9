//! Function calls: kernels over columns, or row by row with strictness handled here.

use super::pieces::{self, room};
use super::{Eval, Sel};
use crate::base::Error;
use crate::base::memory::claim_much;
use crate::base::{Flow, Stop};
use crate::sql::exec::domain::DomainCheck;
use crate::sql::exec::{ExecContext, phys_of, system};
use crate::sql::func::collated;
use crate::sql::func::text::check_len;
use crate::sql::func::{CallTypes, FuncDef, FuncImpl};
use crate::sql::routine::Invocation;
use crate::types::{Batch, Column, Datum, Phys, TypeRef, Value, oid};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// One call in an expression.
pub(super) struct Call {
    pub def: &'static FuncDef,
    pub args: Vec<Eval>,
    ret: Phys,
    /// Told to functions whose behaviour depends on the types of the call.
    types: Option<Arc<CallTypes>>,
    /// The finished answer and, before that, arguments and answers so far (EVAL-2).
    keep: bool,
    answer: Option<Column>,
    progress: Option<(Vec<Column>, Column)>,
    /// A user's function, called for the row that comes next in `progress`.
    running: Option<Box<Invocation>>,
}

fn is_pseudo(t: crate::base::Oid) -> bool {
    crate::types::info(t).is_none_or(|i| i.kind == b'p')
}

impl Call {
    pub fn new(def: &'static FuncDef, args: Vec<Eval>, ret: TypeRef, variadic: bool) -> Call {
        let polymorphic = variadic
            || args.len() != def.args.len()
            || is_pseudo(def.ret)
            || def.args.iter().any(|a| is_pseudo(*a))
            || args.first().is_some_and(|a| !a.ty().collation.is_plain())
            || crate::sql::func::wants_types(def);
        let types =
            polymorphic.then(|| Arc::new(CallTypes { args: args.iter().map(Eval::ty).collect(), ret, variadic }));
        Call { def, args, ret: phys_of(ret), types, keep: false, answer: None, progress: None, running: None }
    }

    /// May answer a wait.
    pub fn waits(&self) -> bool {
        matches!(self.def.imp, FuncImpl::System | FuncImpl::Routine)
    }

    /// It is a user's, or reads more than its arguments.
    pub fn runs_statements(&self) -> bool {
        matches!(self.def.imp, FuncImpl::Routine)
    }

    pub fn is_volatile(&self) -> bool {
        self.def.volatility == b'v'
    }

    pub fn keep_answers(&mut self) {
        self.keep = self.waits() || self.is_volatile();
    }

    pub fn forget(&mut self) {
        self.answer = None;
        self.progress = None;
        self.running = None;
    }

    pub fn eval<'a>(&'a mut self, cx: &mut ExecContext, batch: &'a Batch, sel: Sel<'_>) -> Flow<Cow<'a, Column>> {
        if self.answer.is_some() {
            return Ok(Cow::Borrowed(self.answer.get_or_insert_with(|| Column::new(Phys::Bool))));
        }
        if !self.is_volatile() && self.args.iter().all(Eval::is_constant) && sel.len() > 1 {
            let one = Batch { columns: Vec::new(), rows: 1 };
            let value = self.once(cx, &one, Sel::All(1))?;
            return Ok(Cow::Owned(Column::constant(self.ret, value.get(0), sel.len())));
        }
        let answer = self.once(cx, batch, sel)?;
        if !self.keep {
            return Ok(Cow::Owned(answer));
        }
        Ok(Cow::Borrowed(self.answer.insert(answer)))
    }

    fn once(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        let rows = sel.len();
        self.check_right(cx)?;
        let collation = self.args.first().map(|a| a.ty().collation).unwrap_or_default();
        if let Err(error) = collated::check(self.def.collated, collation) {
            return self.refuse(cx, batch, sel, error);
        }
        if matches!(self.def.imp, FuncImpl::System) {
            return self.system(cx, batch, sel);
        }
        if matches!(self.def.imp, FuncImpl::Routine) {
            return self.routine(cx, batch, sel);
        }
        let mut args: SmallVec<[Cow<'_, Column>; 3]> = SmallVec::with_capacity(self.args.len());
        for a in &mut self.args {
            args.push(a.eval(cx, batch, sel)?);
        }
        cx.fx.call.clone_from(&self.types);
        match self.def.imp {
            FuncImpl::Vector(f) => {
                let refs: SmallVec<[&Column; 3]> = args.iter().map(|c| &**c).collect();
                Ok(f(&mut cx.fx, &refs, rows)?)
            }
            FuncImpl::Scalar(f) => {
                let mut out = Column::with_capacity(self.ret, rows);
                let mut row: SmallVec<[Datum<'_>; 4]> = SmallVec::new();
                for at in 0..rows {
                    row.clear();
                    row.extend(args.iter().map(|c| c.get(at)));
                    if self.def.strict && row.iter().any(|d| d.is_null()) {
                        out.push_null();
                    } else {
                        claim_for(&row)?;
                        f(&mut cx.fx, &row, &mut out)?;
                        check_len(&out)?;
                        room(cx, &out, sel)?;
                    }
                }
                Ok(out)
            }
            FuncImpl::System | FuncImpl::Elsewhere | FuncImpl::Routine => {
                Err(crate::base::Error::internal(format!("{}() was called as a scalar function", self.def.name)).into())
            }
        }
    }

    /// Refuses the first call with arguments that it cannot do by their collation.
    fn refuse(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>, error: Error) -> Flow<Column> {
        let args = self.arguments(cx, batch, sel)?;
        let called = |at: usize| !self.def.strict || args.iter().all(|c| !c.is_null(at));
        match (0..sel.len()).any(called) {
            true => Err(error.into()),
            false => Ok(Column::constant(self.ret, Datum::Null, sel.len())),
        }
    }

    /// Routines look at their rights themselves; functions of users that are not have code here.
    fn check_right(&self, cx: &mut ExecContext) -> crate::base::Result<()> {
        if !self.def.is_users() || matches!(self.def.imp, FuncImpl::Routine) {
            return Ok(());
        }
        crate::sql::routine::check_call(cx, self.def)
    }

    /// The arguments' values, kept over waits.
    fn arguments(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Vec<Column>> {
        self.args.iter_mut().map(|a| Ok(a.eval(cx, batch, sel)?.into_owned())).collect()
    }

    /// Functions that may wait: arguments and answers so far stay in the node.
    fn system(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        if self.progress.is_none() {
            self.progress = Some((self.arguments(cx, batch, sel)?, Column::with_capacity(self.ret, sel.len())));
        }
        let Some((args, out)) = &mut self.progress else { return Ok(Column::new(self.ret)) };
        cx.fx.call.clone_from(&self.types);
        while out.len() < sel.len() {
            let at = out.len();
            let row: SmallVec<[Datum<'_>; 4]> = args.iter().map(|c| c.get(at)).collect();
            if self.def.strict && row.iter().any(|d| d.is_null()) {
                out.push_null();
            } else {
                system::call(cx, self.def, &row, out)?;
                room(cx, out, sel)?;
            }
        }
        Ok(self.progress.take().map_or_else(|| Column::new(self.ret), |p| p.1))
    }
}

impl Call {
    /// A user's function, row by row; the call under way stays in the node.
    fn routine(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        if self.progress.is_none() {
            self.progress = Some((self.arguments(cx, batch, sel)?, Column::with_capacity(self.ret, sel.len())));
        }
        let Some((args, out)) = &mut self.progress else { return Ok(Column::new(self.ret)) };
        while out.len() < sel.len() {
            let at = out.len();
            if self.running.is_none() {
                let row: Vec<Value> = args.iter().map(|c| c.get(at).to_value()).collect();
                if self.def.strict && row.iter().any(Value::is_null) {
                    out.push_null();
                    continue;
                }
                self.running = Some(Box::new(Invocation::start(cx, self.def, row, self.types.as_deref(), None)?));
            }
            if let Some(call) = &mut self.running {
                let value = pieces::apart(cx, |cx| call.value(cx))?;
                self.running = None;
                out.push(value.datum());
                room(cx, out, sel)?;
            }
        }
        Ok(self.progress.take().map_or_else(|| Column::new(self.ret), |p| p.1))
    }
}

/// What a function makes of long values takes as much memory as they do, and again for what it needs in between.
#[inline]
fn claim_for(args: &[Datum<'_>]) -> crate::base::Result<()> {
    claim_much(args.iter().map(Datum::bytes_len).sum::<usize>() * 4, "ExprContext")
}

/// Calls a function once, outside any expression; it must not wait.
pub(crate) fn call_once(
    cx: &mut ExecContext,
    def: &'static FuncDef,
    args: &[Datum<'_>],
    types: Option<Arc<CallTypes>>,
    out: &mut Column,
) -> crate::base::Result<()> {
    if def.strict && args.iter().any(|d| d.is_null()) {
        out.push_null();
        return Ok(());
    }
    if let Some(first) = types.as_ref().and_then(|t| t.args.first()) {
        collated::check(def.collated, first.collation)?;
    }
    cx.fx.call = types;
    match def.imp {
        FuncImpl::Scalar(f) => {
            claim_for(args)?;
            f(&mut cx.fx, args, out).and_then(|()| check_len(out))
        }
        FuncImpl::Vector(f) => {
            let columns: SmallVec<[Column; 3]> = args.iter().enumerate().map(|(n, d)| one(def, n, *d)).collect();
            let refs: SmallVec<[&Column; 3]> = columns.iter().collect();
            let answer = f(&mut cx.fx, &refs, 1)?;
            out.push_from(&answer, 0);
            Ok(())
        }
        FuncImpl::System => system::call(cx, def, args, out).map_err(Stop::into_error),
        FuncImpl::Routine => {
            let args = args.iter().map(|d| d.to_value()).collect();
            let types = cx.fx.call.take();
            let mut call = Invocation::start(cx, def, args, types.as_deref(), None)?;
            out.push(call.value(cx).map_err(Stop::into_error)?.datum());
            Ok(())
        }
        FuncImpl::Elsewhere => {
            Err(crate::base::Error::internal(format!("{}() was called as a scalar function", def.name)))
        }
    }
}

/// A column of one argument.
fn one(def: &FuncDef, n: usize, value: Datum<'_>) -> Column {
    let phys = match value {
        Datum::Null => def.args.get(n).map_or(Phys::Bytes, |t| phys_of(TypeRef::of(*t))),
        Datum::Bool(_) => Phys::Bool,
        Datum::I16(_) => Phys::I16,
        Datum::I32(_) => Phys::I32,
        Datum::U32(_) => Phys::U32,
        Datum::I64(_) => Phys::I64,
        Datum::F32(_) => Phys::F32,
        Datum::F64(_) => Phys::F64,
        Datum::Bytes(_) => Phys::Bytes,
    };
    Column::constant(phys, value, 1)
}

/// `left op ANY|ALL (array)`.
pub(super) struct ScalarArrayOp {
    def: &'static FuncDef,
    any: bool,
    left: Eval,
    array: Eval,
    element: TypeRef,
    /// Told to the function where text is ordered.
    types: Option<Arc<CallTypes>>,
    /// For a constant array and a test of membership: the array's text of bytes, its elements' keys, whether one is NULL.
    set: Option<ConstantSet>,
}

/// The elements of an array that stays the same from row to row.
struct ConstantSet {
    array: Vec<u8>,
    elements: Column,
    keys: hashbrown::HashSet<Vec<u8>>,
    has_null: bool,
}

/// From this many elements on a hash table is made (PostgreSQL 15, execExpr.c: same number).
const HASH_FROM: usize = 9;

impl ScalarArrayOp {
    pub fn new(def: &'static FuncDef, any: bool, left: Eval, array: Eval) -> ScalarArrayOp {
        let element = TypeRef::of(crate::types::element_type(array.ty.oid).unwrap_or(left.ty.oid));
        let ordered = !left.ty.collation.is_plain();
        let types = CallTypes { args: vec![left.ty, element], ret: TypeRef::of(oid::BOOL), variadic: false };
        ScalarArrayOp { def, any, left, array, element, types: ordered.then(|| Arc::new(types)), set: None }
    }

    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Eval)) {
        self.left.visit(f);
        self.array.visit(f);
    }

    /// `= ANY` or `<> ALL` of a type with itself, so that keys decide.
    fn is_membership(&self) -> bool {
        let same = self.def.args.len() == 2 && self.def.args[0] == self.def.args[1];
        let operator = |name| crate::sql::func::type_operator(name, self.def.args[0], self.def.args[0]);
        let own = operator(if self.any { "=" } else { "<>" });
        same && self.left.ty.collation.is_deterministic()
            && own.is_some_and(|o| o.func == self.def.oid)
            && operator("=").is_some_and(|o| o.can_hash)
    }

    pub fn eval(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        let constant = self.array.is_constant();
        if constant && self.is_membership() {
            return self.eval_constant(cx, batch, sel);
        }
        let left = self.left.eval(cx, batch, sel)?.into_owned();
        let arrays = self.array.eval(cx, batch, sel)?.into_owned();
        let mut out = Column::with_capacity(Phys::Bool, sel.len());
        for at in 0..sel.len() {
            if arrays.is_null(at) {
                out.push_null();
                continue;
            }
            let elements = super::composite::elements(arrays.get(at), self.element)?;
            out.push(self.test(cx, left.get(at), &elements)?);
        }
        Ok(out)
    }

    /// The rows one by one against the elements one by one.
    fn test(&self, cx: &mut ExecContext, left: Datum<'_>, elements: &Column) -> Flow<Datum<'static>> {
        let mut null = false;
        let mut answer = Column::with_capacity(Phys::Bool, 1);
        for n in 0..elements.len() {
            if self.def.strict && (left.is_null() || elements.is_null(n)) {
                null = true;
                continue;
            }
            call_once(cx, self.def, &[left, elements.get(n)], self.types.clone(), &mut answer)?;
            match answer.get(0) {
                Datum::Null => null = true,
                Datum::Bool(b) if b == self.any => return Ok(Datum::Bool(self.any)),
                _ => {}
            }
            answer.truncate(0);
        }
        Ok(if null { Datum::Null } else { Datum::Bool(!self.any) })
    }

    fn eval_constant(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        let array = self.array.constant(cx).unwrap_or(crate::types::Value::Null);
        let left = self.left.eval(cx, batch, sel)?.into_owned();
        let Datum::Bytes(bytes) = array.datum() else {
            return Ok(Column::constant(Phys::Bool, Datum::Null, sel.len()));
        };
        if self.set.as_ref().is_none_or(|s| s.array != bytes) {
            let elements = super::composite::elements(array.datum(), self.element)?;
            let mut keys = hashbrown::HashSet::new();
            if elements.len() >= HASH_FROM {
                for n in (0..elements.len()).filter(|n| !elements.is_null(*n)) {
                    let mut key = Vec::new();
                    crate::types::key::encode(self.element, elements.get(n), &mut key);
                    keys.insert(key);
                }
            }
            let has_null = (0..elements.len()).any(|n| elements.is_null(n));
            self.set = Some(ConstantSet { array: bytes.to_vec(), elements, keys, has_null });
        }
        let Some(set) = &self.set else { return Ok(Column::new(Phys::Bool)) };
        let mut out = Column::with_capacity(Phys::Bool, sel.len());
        let mut key = Vec::new();
        for at in 0..sel.len() {
            let value = left.get(at);
            let found = if value.is_null() {
                out.push(if set.elements.is_empty() { Datum::Bool(!self.any) } else { Datum::Null });
                continue;
            } else if set.keys.is_empty() {
                let same = |n| crate::types::compare(self.element, value, set.elements.get(n)).is_eq();
                (0..set.elements.len()).any(|n| !set.elements.is_null(n) && same(n))
            } else {
                key.clear();
                crate::types::key::encode(self.element, value, &mut key);
                set.keys.contains(&key)
            };
            out.push(match (found, set.has_null) {
                (true, _) => Datum::Bool(self.any),
                (false, true) => Datum::Null,
                (false, false) => Datum::Bool(!self.any),
            });
        }
        Ok(out)
    }
}

/// A cast through the text form.
pub(super) fn io_cast(arg: &mut Eval, to: TypeRef, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
    let from = arg.ty;
    let values = arg.eval(cx, batch, sel)?;
    let mut out = Column::with_capacity(phys_of(to), values.len());
    let mut text = Vec::new();
    let stringy = to.typmod < 0 && matches!(to.oid, oid::TEXT | oid::VARCHAR);
    for at in 0..values.len() {
        let value = values.get(at);
        if value.is_null() {
            out.push_null();
            continue;
        }
        text.clear();
        // A document has nodes, an array elements.
        claim_much(8 * value.bytes_len(), "ExprContext")?;
        crate::types::text_out(from, value, &mut text, &cx.fx.io)?;
        if stringy {
            out.push(Datum::Bytes(&text));
            room(cx, &out, sel)?;
        } else {
            // Output functions write UTF-8 only.
            let text = std::str::from_utf8(&text).unwrap_or_default();
            out.push(crate::types::text_in(to, text, &cx.fx.io)?.datum());
            room(cx, &out, sel)?;
        }
    }
    Ok(out)
}

/// Checks a domain's constraints; the values stay as they are.
pub(super) fn to_domain<'a>(
    arg: &'a mut Eval,
    check: &mut Option<Box<DomainCheck>>,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &'a Batch,
    sel: Sel<'_>,
) -> Flow<Cow<'a, Column>> {
    let values = arg.eval(cx, batch, sel)?;
    match (&cx.backend, check.as_mut()) {
        (_, Some(check)) => check.run(cx, &values)?,
        (Some(backend), None) => {
            let made = DomainCheck::load(&backend.catalog, &cx.fx.io, ty.oid)?;
            check.insert(Box::new(made)).run(cx, &values)?;
        }
        // Inside the check of another domain, without a session.
        (None, None) => {
            for at in 0..values.len() {
                cx.fx.io.hooks.check_domain(ty.oid, values.get(at), &cx.fx.io)?;
            }
        }
    }
    Ok(values)
}
