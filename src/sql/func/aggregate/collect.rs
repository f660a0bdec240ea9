//! string_agg and array_agg.

use super::{AggregateCall, Aggregator, Groups};
use crate::bail;
use crate::base::{Oid, Result};
use crate::sql::func::FnContext;
use crate::sql::func::text::{MAX_LEN, append};
use crate::types::array::{Array, Builder, nest};
use crate::types::{Column, Datum, Value};

pub(super) fn open(call: &AggregateCall<'_>) -> Option<Box<dyn Aggregator>> {
    Some(match call.func.name {
        "string_agg" => Box::<StringAgg>::default(),
        "array_agg" => {
            let ty = call.args.first()?.oid;
            match crate::types::info(ty).filter(|i| i.is_array()).map(|i| i.element) {
                Some(element) => Box::new(NestedArrayAgg { element, values: Vec::new(), bytes: 0 }),
                None => Box::new(ArrayAgg { element: ty, builders: Vec::new(), bytes: 0 }),
            }
        }
        _ => return None,
    })
}

/// Values with their delimiters between them; the first value's delimiter is not used.
#[derive(Default)]
struct StringAgg {
    texts: Vec<Option<Vec<u8>>>,
    bytes: usize,
}

impl Aggregator for StringAgg {
    fn resize(&mut self, groups: usize) {
        self.texts.resize(groups, None);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let Datum::Bytes(value) = args[0].get(row) else { continue };
            self.bytes += value.len() + 4;
            match &mut self.texts[groups.of(row)] {
                empty @ None => *empty = Some(value.to_vec()),
                Some(text) => {
                    if let Some(Datum::Bytes(delimiter)) = args.get(1).map(|d| d.get(row)) {
                        append(text, delimiter)?;
                    }
                    append(text, value)?;
                }
            }
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(self.texts[group].as_deref().map_or(Datum::Null, Datum::Bytes));
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

struct ArrayAgg {
    element: Oid,
    builders: Vec<Option<Builder>>,
    bytes: usize,
}

impl Aggregator for ArrayAgg {
    fn resize(&mut self, groups: usize) {
        self.builders.resize(groups, None);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let value = args[0].get(row);
            self.bytes += if let Datum::Bytes(b) = value { b.len() + 4 } else { 8 };
            let element = self.element;
            self.builders[groups.of(row)].get_or_insert_with(|| Builder::new(element)).push(value);
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        match &self.builders[group] {
            None => out.push_null(),
            Some(b) => {
                let array = b.clone().finish();
                if array.len() > MAX_LEN {
                    bail!(PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed ({MAX_LEN})");
                }
                out.push(Datum::Bytes(&array));
            }
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// array_agg of arrays: one dimension more.
struct NestedArrayAgg {
    element: Oid,
    values: Vec<Vec<Value>>,
    bytes: usize,
}

impl Aggregator for NestedArrayAgg {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups, Vec::new());
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let value = args[0].get(row);
            let Datum::Bytes(b) = value else { bail!(NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays") };
            let dims = Array::new(b).dims;
            if dims.is_empty() {
                bail!(ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays");
            }
            let values = &mut self.values[groups.of(row)];
            if let Some(Value::Bytes(first)) = values.first()
                && Array::new(first).dims != dims
            {
                bail!(ARRAY_SUBSCRIPT_ERROR, "cannot accumulate arrays of different dimensionality");
            }
            self.bytes += b.len() + 16;
            values.push(value.to_value());
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let parts: Vec<Datum<'_>> = self.values[group].iter().map(Value::datum).collect();
        match parts.is_empty() {
            true => out.push_null(),
            false => out.push(Datum::Bytes(&nest(self.element, &parts)?)),
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}
