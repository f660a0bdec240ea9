//! FOREACH: the elements of an array, or its slices. PostgreSQL 15, pl_exec.c, exec_stmt_foreach_a: the same checks in the
//! same order.

use super::code::{Target, VarKind};
use super::frame::{Frame, Goto};
use super::rows::Loop;
use crate::base::{Error, Flow};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::types::array::Array;
use crate::types::{TypeRef, Value};
use std::collections::VecDeque;

impl Frame {
    pub(super) fn for_each(
        &mut self,
        cx: &mut ExecContext,
        place: usize,
        array: usize,
        slice: u32,
        target: &Target,
    ) -> Flow<Goto> {
        let value = self.eval(cx, array)?;
        let ty = self.type_of(array);
        if value.is_null() {
            return Err(err!(NULL_VALUE_NOT_ALLOWED, "FOREACH expression must not be null").into());
        }
        let Some(element) = crate::types::element_type(crate::types::base_type(ty.oid)) else {
            let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
            return Err(err!(DATATYPE_MISMATCH, "FOREACH expression must yield an array, not type {shown}").into());
        };
        let Value::Bytes(bytes) = &value else { return Err(Error::internal("an array that is none").into()) };
        let list = Array::new(bytes);
        let dims = list.dims.len() as u32;
        if slice > dims {
            return Err(
                err!(ARRAY_SUBSCRIPT_ERROR, "slice dimension ({slice}) is out of the valid range 0..{dims}").into()
            );
        }
        let in_array = self.target_type(target).and_then(|t| crate::types::element_type(t.oid)).is_some();
        let wrong = match (slice, in_array) {
            (0, true) => Some("FOREACH loop variable must not be of an array type"),
            (1.., false) => Some("FOREACH ... SLICE loop variable must be of an array type"),
            _ => None,
        };
        if let Some(text) = wrong {
            return Err(err!(DATATYPE_MISMATCH, "{text}").into());
        }
        let (values, ty) = match slice {
            0 => (list.iter().map(|d| d.to_value()).collect(), TypeRef::with(element, ty.typmod)),
            n => (slices(&list, element, n), TypeRef::of(crate::types::base_type(ty.oid))),
        };
        self.loops[place] = Some(Loop::Array { values, ty, found: false });
        Ok(Goto::Next)
    }

    /// The type of what is assigned; None where a row goes.
    fn target_type(&self, target: &Target) -> Option<TypeRef> {
        match target {
            Target::Var(var) => match self.body.vars[*var].kind {
                VarKind::Scalar(ty) => Some(ty),
                _ => None,
            },
            Target::Field { record, field } => {
                let shape = self.slots[*record].shape()?;
                shape.names.iter().position(|n| n == field).map(|n| shape.types[n])
            }
            Target::Part { .. } => None,
        }
    }

    pub(super) fn for_each_next(
        &mut self,
        cx: &mut ExecContext,
        place: usize,
        target: &Target,
        to: usize,
    ) -> Flow<Goto> {
        let Some(Loop::Array { values, ty, found }) = &mut self.loops[place] else {
            return Err(Error::internal("a loop that did not begin").into());
        };
        let Some(value) = values.front().cloned() else {
            let found = *found;
            self.loops[place] = None;
            self.set_found(found);
            return Ok(Goto::To(to));
        };
        let ty = *ty;
        self.put(cx, target, value, ty)?;
        if let Some(Loop::Array { values, found, .. }) = &mut self.loops[place] {
            values.pop_front();
            *found = true;
        }
        Ok(Goto::Next)
    }
}

/// The slices of an array of this many dimensions, as arrays.
fn slices(list: &Array<'_>, element: crate::base::Oid, dims: u32) -> VecDeque<Value> {
    let all: Vec<usize> = list.dims.iter().map(|d| d.len).collect();
    let inner: usize = all[all.len().saturating_sub(dims as usize)..].iter().product();
    let bounds: crate::types::array::Dims =
        list.dims[list.dims.len().saturating_sub(dims as usize)..].iter().copied().collect();
    let values: Vec<_> = list.iter().collect();
    let make = |part: &[crate::types::Datum<'_>]| {
        let mut b = crate::types::array::Builder::new(element);
        part.iter().for_each(|d| b.push(*d));
        Value::Bytes(b.finish_with(bounds.clone()).into())
    };
    values.chunks(inner.max(1)).map(make).collect()
}
