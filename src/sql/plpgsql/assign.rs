//! Assignments, integer loops, RETURN, and what a statement of a body does with its instruction.

use super::code::{Function, Op, Query, Target, VarKind};
use super::frame::{Frame, Goto, RecordValue, Shape, Slot, empty_slot, record_value};
use super::rows::Loop;
use crate::base::{Error, Flow, Result};
use crate::err;
use crate::sql::exec::{ExecContext, phys_of};
use crate::sql::routine::returns::Returns;
use crate::types::{Batch, Column, TypeRef, Value, oid};
use std::sync::Arc;

fn is_domain(ty: TypeRef) -> bool {
    crate::types::info(ty.oid).is_some_and(|i| i.kind == b'd')
}

fn base_of(ty: TypeRef) -> TypeRef {
    TypeRef::of(crate::types::base_type(ty.oid))
}

impl Frame {
    /// A variable of a block gets its first value.
    pub(super) fn init(&mut self, cx: &mut ExecContext, var: usize, value: Option<usize>) -> Flow<Goto> {
        let body = self.body.clone();
        let v = &body.vars[var];
        match value {
            // A bound cursor's portal is named as its variable is.
            None if v.cursor.is_some() => {
                self.slots[var] = Slot::Scalar(Value::text(&v.name));
                Ok(Goto::Next)
            }
            None => {
                self.slots[var] = empty_slot(cx, &v.kind);
                // A domain may refuse NULL.
                if let VarKind::Scalar(ty) | VarKind::Record(ty) = &v.kind
                    && crate::types::info(ty.oid).is_some_and(|i| i.kind == b'd')
                {
                    let base = TypeRef::of(crate::types::base_type(ty.oid));
                    self.convert(cx, Value::Null, base, *ty)?;
                }
                Ok(Goto::Next)
            }
            Some(e) => {
                let value = self.eval(cx, e)?;
                let from = self.type_of(e);
                self.put(cx, &Target::Var(var), value, from)?;
                Ok(Goto::Next)
            }
        }
    }

    pub(super) fn assign_expr(&mut self, cx: &mut ExecContext, target: &Target, value: usize) -> Flow<Goto> {
        if let Target::Var(var) | Target::Part { var, field: None } = target
            && matches!(self.body.vars[*var].kind, VarKind::Scalar(ty) if crate::types::info(ty.oid).is_some_and(|i| i.is_array()))
            && self.assign_in_place(cx, *var, value)?
        {
            return Ok(Goto::Next);
        }
        let v = self.eval(cx, value)?;
        let from = self.type_of(value);
        if let Target::Var(var) = target
            && let VarKind::Scalar(to) = &self.body.vars[*var].kind
            && (*to == from || to.oid == from.oid && to.typmod < 0)
            && !self.body.vars[*var].not_null
        {
            self.slots[*var] = Slot::Scalar(v);
            return Ok(Goto::Next);
        }
        let target = target.clone();
        match &target {
            // The expression has made the whole variable anew.
            Target::Part { var, field: None } => self.put(cx, &Target::Var(*var), v, from)?,
            Target::Part { var, field: Some(field) } => {
                let target = Target::Field { record: *var, field: field.clone() };
                self.put(cx, &target, v, from)?;
            }
            other => self.put(cx, other, v, from)?,
        }
        Ok(Goto::Next)
    }

    /// Puts a value somewhere, converted to the type it has there.
    pub(super) fn put(&mut self, cx: &mut ExecContext, target: &Target, value: Value, from: TypeRef) -> Flow<()> {
        match target {
            Target::Var(var) => self.put_var(cx, *var, value, from),
            Target::Field { record, field } => self.put_field(cx, *record, field, value, from),
            Target::Part { .. } => Err(Error::internal("a part assigned as a whole").into()),
        }
    }

    fn put_var(&mut self, cx: &mut ExecContext, var: usize, value: Value, from: TypeRef) -> Flow<()> {
        let body = self.body.clone();
        let v = &body.vars[var];
        match &v.kind {
            VarKind::Scalar(to) => {
                let value = self.convert(cx, value, from, *to)?;
                if v.not_null && value.is_null() {
                    let text = format!("null value cannot be assigned to variable \"{}\" declared NOT NULL", v.name);
                    return Err(Error::new(crate::base::SqlState::NULL_VALUE_NOT_ALLOWED, text).into());
                }
                self.slots[var] = Slot::Scalar(value);
            }
            VarKind::Record(ty) => {
                if value.is_null() {
                    if v.not_null {
                        let text =
                            format!("null value cannot be assigned to variable \"{}\" declared NOT NULL", v.name);
                        return Err(Error::new(crate::base::SqlState::NULL_VALUE_NOT_ALLOWED, text).into());
                    }
                    self.check_row(cx, &Value::Null, *ty)?;
                    let mut empty = empty_slot(cx, &v.kind);
                    if let (Slot::Record(new), Slot::Record(old)) = (&mut empty, &self.slots[var])
                        && new.shape.is_none()
                    {
                        new.shape.clone_from(&old.shape);
                    }
                    self.slots[var] = empty;
                    return Ok(());
                }
                needs_row(cx, from, "record")?;
                let r = record_value(cx, TypeRef::of(oid::RECORD), &value);
                let found = r.values.len();
                self.put_record(cx, var, *ty, r)?;
                self.check_width(cx, var, found)?;
            }
            VarKind::Row(list) => {
                if !value.is_null() {
                    needs_row(cx, from, "row")?;
                }
                let r = record_value(cx, TypeRef::of(oid::RECORD), &value);
                let types = r.shape.as_ref().map(|s| s.types.clone()).unwrap_or_default();
                for (n, to) in list.clone().into_iter().enumerate() {
                    let value = r.values.get(n).cloned().unwrap_or(Value::Null);
                    let ty = types.get(n).copied().unwrap_or(TypeRef::of(oid::UNKNOWN));
                    self.put_listed(cx, to, value, ty)?;
                }
            }
        }
        Ok(())
    }

    /// A variable of a list: one that only names a record's field has it in its name.
    fn put_listed(&mut self, cx: &mut ExecContext, var: usize, value: Value, from: TypeRef) -> Flow<()> {
        let body = self.body.clone();
        match body.vars[var].name.split_once('\0') {
            Some((record, field)) => {
                let record = record.parse().map_err(|_| Error::internal("a field of nothing"))?;
                self.put_field(cx, record, field, value, from)
            }
            None => self.put_var(cx, var, value, from),
        }
    }

    /// Puts a row into a record variable: a composite type converts its columns, a `record` takes the row's own.
    pub(super) fn put_record(&mut self, cx: &mut ExecContext, var: usize, ty: TypeRef, row: RecordValue) -> Flow<()> {
        let Some(declared) = super::frame::shape_of(cx, ty) else {
            let mut row = row;
            // The same columns keep the same shape, so that expressions need not be bound anew.
            if let (Some(old), Some(new)) = (self.slots[var].shape(), &row.shape)
                && **old == **new
            {
                row.shape = Some(old.clone());
            }
            self.slots[var] = Slot::Record(row);
            return Ok(());
        };
        let from = row.shape.as_ref().map(|s| s.types.clone()).unwrap_or_default();
        let mut values = Vec::with_capacity(declared.types.len());
        for (n, to) in declared.types.iter().enumerate() {
            let value = row.values.get(n).cloned().unwrap_or(Value::Null);
            let ty = from.get(n).copied().unwrap_or(*to);
            values.push(self.convert(cx, value, ty, *to)?);
        }
        let shape = self.slots[var].shape().filter(|s| ***s == *declared).cloned().unwrap_or(declared);
        let made = RecordValue { shape: Some(shape), values, present: row.present };
        if is_domain(ty) {
            self.check_row(cx, &made.pack(base_of(ty)), ty)?;
        }
        self.slots[var] = Slot::Record(made);
        Ok(())
    }

    /// A row that is to be of a domain must pass its checks.
    fn check_row(&mut self, cx: &mut ExecContext, row: &Value, ty: TypeRef) -> Flow<()> {
        match is_domain(ty) {
            true => self.convert(cx, row.clone(), base_of(ty), ty).map(drop),
            false => Ok(()),
        }
    }

    fn put_field(&mut self, cx: &mut ExecContext, var: usize, field: &str, value: Value, from: TypeRef) -> Flow<()> {
        let name = &self.body.clone().vars[var].name;
        if name.starts_with("__Case__") {
            let shape = Arc::new(Shape { names: vec![field.to_owned()], types: vec![from] });
            let shape = self.slots[var].shape().filter(|s| ***s == *shape).cloned().unwrap_or(shape);
            self.slots[var] = Slot::Record(RecordValue { shape: Some(shape), values: vec![value], present: true });
            return Ok(());
        }
        let Some(shape) = self.slots[var].shape().cloned() else {
            return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "record \"{name}\" is not assigned yet")
                .detail("The tuple structure of a not-yet-assigned record is indeterminate.")
                .into());
        };
        let Some(at) = shape.names.iter().position(|n| n == field) else {
            return Err(err!(UNDEFINED_COLUMN, "record \"{name}\" has no field \"{field}\"").into());
        };
        let value = self.convert(cx, value, from, shape.types[at])?;
        if let (VarKind::Record(ty), Slot::Record(r)) = (&self.body.clone().vars[var].kind, &self.slots[var])
            && is_domain(*ty)
        {
            let mut values = r.values.clone();
            values.resize(shape.types.len(), Value::Null);
            values[at] = value.clone();
            let changed = RecordValue { shape: Some(shape.clone()), values, present: true };
            self.check_row(cx, &changed.pack(base_of(*ty)), *ty)?;
        }
        if let Slot::Record(r) = &mut self.slots[var] {
            if r.values.len() < shape.types.len() {
                r.values.resize(shape.types.len(), Value::Null);
            }
            r.values[at] = value;
            r.present = true;
        }
        Ok(())
    }

    // ---- integer loops ----

    pub(super) fn for_int(
        &mut self,
        cx: &mut ExecContext,
        place: usize,
        var: usize,
        bounds: [usize; 2],
        step: Option<usize>,
        reverse: bool,
    ) -> Flow<Goto> {
        let whole = |v: Value, what: &str| match v {
            Value::I32(n) => Ok(i64::from(n)),
            _ => Err(err!(NULL_VALUE_NOT_ALLOWED, "{what} of FOR loop cannot be null")),
        };
        let lower = self.operand(cx, 0, bounds[0])?;
        let lower = whole(lower, "lower bound")?;
        let upper = self.operand(cx, 1, bounds[1])?;
        let upper = whole(upper, "upper bound")?;
        let step = match step {
            Some(s) => {
                let v = self.operand(cx, 2, s)?;
                whole(v, "BY value")?
            }
            None => 1,
        };
        if step <= 0 {
            return Err(err!(INVALID_PARAMETER_VALUE, "BY value of FOR loop must be greater than zero").into());
        }
        let _ = var;
        let step = if reverse { -step } else { step };
        self.loops[place] = Some(Loop::Int { next: lower, end: upper, step, found: false });
        Ok(Goto::Next)
    }

    pub(super) fn for_int_next(&mut self, place: usize, var: usize, to: usize) -> Flow<Goto> {
        let Some(Loop::Int { next, end, step, found }) = &mut self.loops[place] else {
            return Err(Error::internal("a loop that did not begin").into());
        };
        let over = if *step > 0 { *next > *end } else { *next < *end };
        // An integer that would not fit ends the loop, too.
        if over || i32::try_from(*next).is_err() {
            let found = *found;
            self.loops[place] = None;
            self.set_found(found);
            return Ok(Goto::To(to));
        }
        let n = *next as i32;
        *next += *step;
        *found = true;
        self.slots[var] = Slot::Scalar(Value::I32(n));
        Ok(Goto::Next)
    }

    // ---- RETURN ----

    pub(super) fn return_value(&mut self, cx: &mut ExecContext, value: usize) -> Flow<Goto> {
        let v = self.eval(cx, value)?;
        let from = self.type_of(value);
        let returns = self.returns.clone();
        let v = match returns {
            Returns::Trigger | Returns::Row { .. } => self.row_result(cx, v, from)?,
            _ => v,
        };
        self.casting = true;
        self.result = match returns {
            Returns::Void => void(),
            Returns::Scalar(to) => self.convert(cx, v, from, to)?,
            Returns::Trigger => v,
            Returns::Row { ty, .. } => {
                let v = self.fit_row(cx, v, ty)?;
                self.check_row(cx, &v, ty)?;
                v
            }
        };
        Ok(Goto::End)
    }

    fn row_result(&mut self, cx: &ExecContext, v: Value, from: TypeRef) -> Result<Value> {
        if v.is_null() || is_row(cx, from) {
            return Ok(v);
        }
        Err(err!(DATATYPE_MISMATCH, "cannot return non-composite value from function returning composite type"))
    }

    /// A row as one of the declared type.
    fn fit_row(&mut self, cx: &mut ExecContext, v: Value, ty: TypeRef) -> Flow<Value> {
        let Returns::Row { fields, .. } = self.returns.clone() else { return Ok(v) };
        if v.is_null() {
            return Ok(v);
        }
        let r = record_value(cx, TypeRef::of(oid::RECORD), &v);
        let (Some(fields), Some(shape)) = (fields, r.shape.clone()) else { return Ok(v) };
        if fields.len() != shape.types.len() {
            let what = "returned record type does not match expected record type";
            let (n, m) = (shape.types.len(), fields.len());
            return Err(err!(DATATYPE_MISMATCH, "{what}")
                .detail(format!("Number of returned columns ({n}) does not match expected column count ({m})."))
                .into());
        }
        let mut out = RecordValue { present: true, ..RecordValue::default() };
        let (names, types): (Vec<String>, Vec<TypeRef>) = fields.into_iter().unzip();
        for (n, to) in types.iter().enumerate() {
            let value = r.values.get(n).cloned().unwrap_or(Value::Null);
            if shape.types[n].oid != to.oid && !self.is_out() {
                let shown = |t: TypeRef| crate::types::format_type_plain(t.oid, &*cx.fx.io.hooks);
                let what = "returned record type does not match expected record type";
                return Err(err!(DATATYPE_MISMATCH, "{what}")
                    .detail(format!(
                        "Returned type {} does not match expected type {} in column {}.",
                        shown(shape.types[n]),
                        shown(*to),
                        n + 1
                    ))
                    .into());
            }
            out.values.push(self.convert(cx, value, shape.types[n], *to)?);
        }
        out.shape = Some(Arc::new(Shape { names, types }));
        Ok(out.pack(ty))
    }

    fn is_out(&self) -> bool {
        self.body.out.is_some()
    }

    /// The values of the OUT variables.
    fn out_values(&self) -> Vec<(String, TypeRef, Value)> {
        let Some(out) = self.body.out else { return Vec::new() };
        let one = |var: usize| {
            let v = &self.body.vars[var];
            let (ty, value) = match (&v.kind, &self.slots[var]) {
                (VarKind::Scalar(ty), slot) => (*ty, slot.scalar().clone()),
                (VarKind::Record(ty), Slot::Record(r)) => (*ty, r.pack(*ty)),
                _ => (TypeRef::of(oid::UNKNOWN), Value::Null),
            };
            (v.name.clone(), ty, value)
        };
        match &self.body.vars[out].kind {
            VarKind::Row(list) => list.iter().map(|v| one(*v)).collect(),
            _ => vec![one(out)],
        }
    }

    pub(super) fn return_out(&mut self, cx: &mut ExecContext) -> Flow<Goto> {
        let values = self.out_values();
        self.casting = true;
        self.result = match (&self.returns, values.len()) {
            (Returns::Void, _) => void(),
            (Returns::Scalar(_), 1) => values.into_iter().next().map_or(Value::Null, |v| v.2),
            (Returns::Row { ty, .. }, n) if n > 0 => {
                let ty = *ty;
                let is_row = |t: TypeRef| t.oid == ty.oid && ty.oid != oid::RECORD;
                match &values[..] {
                    [(_, t, v)] if is_row(*t) => v.clone(),
                    _ => {
                        let names = values.iter().map(|v| v.0.clone()).collect();
                        let types = values.iter().map(|v| v.1).collect();
                        let shape = Some(Arc::new(Shape { names, types }));
                        let row =
                            RecordValue { shape, values: values.into_iter().map(|v| v.2).collect(), present: true };
                        let packed = row.pack(ty);
                        match self.body.returns_set {
                            true => packed,
                            false => self.fit_row(cx, packed, ty)?,
                        }
                    }
                }
            }
            _ => Value::Null,
        };
        Ok(Goto::End)
    }

    pub(super) fn return_next(&mut self, cx: &mut ExecContext, value: Option<usize>) -> Flow<Goto> {
        let (names, types, values) = match value {
            None => {
                let out = self.out_values();
                let composite = match (&out[..], &self.returns) {
                    ([(_, t, v)], Returns::Row { ty, .. }) if t.oid == ty.oid && ty.oid != oid::RECORD => {
                        Some(v.clone())
                    }
                    _ => None,
                };
                match composite {
                    Some(v) => self.row_parts(cx, v),
                    None => {
                        let mut parts = (Vec::new(), Vec::new(), Vec::new());
                        for (n, t, v) in out {
                            parts.0.push(n);
                            parts.1.push(t);
                            parts.2.push(v);
                        }
                        parts
                    }
                }
            }
            Some(e) => {
                let v = self.eval(cx, e)?;
                let from = self.type_of(e);
                match self.returns.clone() {
                    Returns::Row { .. } => {
                        let v = self.row_result(cx, v, from)?;
                        if v.is_null() {
                            // A NULL row has NULL in all its columns.
                            let types = self.set_columns().map(<[_]>::to_vec).unwrap_or_default();
                            let values = vec![Value::Null; types.len()];
                            (Vec::new(), types, values)
                        } else {
                            self.row_parts(cx, v)
                        }
                    }
                    Returns::Scalar(to) => {
                        let v = self.convert(cx, v, from, to)?;
                        (Vec::new(), vec![to], vec![v])
                    }
                    _ => (Vec::new(), vec![from], vec![v]),
                }
            }
        };
        let wanted = self.set_columns().map(<[_]>::to_vec).unwrap_or_else(|| types.clone());
        if wanted.len() != types.len() {
            return Err(err!(DATATYPE_MISMATCH, "wrong record type supplied in RETURN NEXT")
                .detail(format!(
                    "Number of returned columns ({}) does not match expected column count ({}).",
                    types.len(),
                    wanted.len()
                ))
                .into());
        }
        let mut columns = Vec::with_capacity(values.len());
        for (n, v) in values.into_iter().enumerate() {
            let v = self.convert(cx, v, types[n], wanted[n])?;
            columns.push(Column::constant(phys_of(wanted[n]), v.datum(), 1));
        }
        self.give(cx, &Batch { columns, rows: 1 }, Some(names), &wanted)?;
        Ok(Goto::Next)
    }

    fn row_parts(&self, cx: &ExecContext, v: Value) -> (Vec<String>, Vec<TypeRef>, Vec<Value>) {
        let r = record_value(cx, TypeRef::of(oid::RECORD), &v);
        match r.shape {
            Some(s) => (s.names.clone(), s.types.clone(), r.values),
            None => Default::default(),
        }
    }

    // ---- the other statements ----

    pub(super) fn exec_statement(&mut self, cx: &mut ExecContext, body: &Arc<Function>, op: &Op) -> Flow<Goto> {
        match op {
            Op::CaseMissing => {
                Err(err!(CASE_NOT_FOUND, "case not found").hint("CASE statement is missing ELSE part.").into())
            }
            Op::Missing => {
                let text = match self.body.is_trigger {
                    true => "control reached end of trigger procedure without RETURN",
                    false => "control reached end of function without RETURN",
                };
                Err(Error::new(crate::base::SqlState::FUNCTION_EXECUTED_NO_RETURN_STATEMENT, text).into())
            }
            Op::Return(Some(e)) => self.return_value(cx, *e),
            Op::Return(None) | Op::ReturnOut => self.return_out(cx),
            Op::ReturnNext(e) => self.return_next(cx, *e),
            Op::ReturnQuery(q) => self.return_query(cx, q),
            Op::ForQuery { place, query, .. } => self.for_query(cx, *place, query),
            Op::ForCursor { place, var, args, .. } => self.for_cursor(cx, *place, *var, args),
            Op::ForRow { place, target, end } => self.for_row(cx, *place, *target, *end),
            Op::ForEnd { place, closes } => self.for_end(cx, *place, *closes),
            Op::ForEach { place, array, slice, target } => self.for_each(cx, *place, *array, *slice, target),
            Op::ForEachNext { place, target, end } => self.for_each_next(cx, *place, target, *end),
            Op::Perform(q) => self.perform(cx, *q),
            Op::Sql { query, into } => self.sql(cx, *query, into.as_ref()),
            Op::Execute { query, into } => {
                let Query::Dynamic { text, using } = query else { return Err(Error::internal("EXECUTE").into()) };
                self.execute(cx, *text, using, into.as_ref())
            }
            Op::Call { query } => self.call(cx, *query),
            Op::Raise(r) => self.raise(cx, r),
            Op::Assert { condition, message } => self.assert(cx, *condition, *message),
            Op::Guard(h) => Ok(self.guard(cx, *h)?),
            Op::Unguard(n) => Ok(self.unguard(cx, *n)?),
            Op::Handled => Ok(self.end_handler()),
            Op::Diagnostics { stacked, items } => self.diagnostics(cx, *stacked, items),
            Op::Open { var, what, scroll } => self.open(cx, *var, what, *scroll),
            Op::Fetch { var, direction, into } => self.fetch(cx, *var, direction, *into),
            Op::Close { var } => self.close(cx, *var),
            Op::EndTransaction { commit, chain } => self.end_transaction(cx, *commit, *chain),
            _ => {
                let _ = body;
                Err(Error::internal("an instruction nobody does").into())
            }
        }
    }
}

/// void's one value, which is not NULL. PostgreSQL 15, pl_exec.c, exec_stmt_return: same rule.
fn void() -> Value {
    Value::text("")
}

fn is_row(cx: &ExecContext, ty: TypeRef) -> bool {
    ty.oid == oid::RECORD || cx.fx.io.hooks.composite(crate::types::base_type(ty.oid)).is_some()
}

/// # Errors
/// 42804 for a value that has no columns.
fn needs_row(cx: &ExecContext, ty: TypeRef, what: &str) -> Result<()> {
    match is_row(cx, ty) {
        true => Ok(()),
        false => Err(err!(DATATYPE_MISMATCH, "cannot assign non-composite value to a {what} variable")),
    }
}
