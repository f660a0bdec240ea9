//! Functions over the values of an enum.

use super::{FnContext, FuncImpl};
use crate::base::{Error, Oid, Result};
use crate::types::{Column, Datum, array, base_type};

type Args<'a, 'b> = &'a [Datum<'b>];

/// The values of the argument's type, in order.
fn values(cx: &FnContext) -> Result<(Oid, Vec<Oid>)> {
    let typ = base_type(cx.arg_type(0).oid);
    let values = cx.io.hooks.enum_values(typ);
    match values.is_empty() {
        true => Err(Error::unsupported("could not determine actual enum type")),
        false => Ok((typ, values)),
    }
}

fn first(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (typ, values) = values(cx)?;
    one(cx, typ, values.first(), out)
}

fn last(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (typ, values) = values(cx)?;
    one(cx, typ, values.last(), out)
}

fn one(cx: &FnContext, typ: Oid, value: Option<&Oid>, out: &mut Column) -> Result<()> {
    let Some(value) = value else {
        out.push(Datum::Null);
        return Ok(());
    };
    cx.io.hooks.check_enum(typ, *value)?;
    out.push(Datum::U32(value.0));
    Ok(())
}

/// NULL bounds are open.
fn range(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (typ, values) = values(cx)?;
    let place = |n: usize| match args.get(n) {
        Some(Datum::U32(v)) if args.len() == 2 => values.iter().position(|o| o.0 == *v),
        _ => None,
    };
    let (from, to) = (place(0).unwrap_or(0), place(1).map_or(values.len(), |n| n + 1));
    let found = values.get(from..to).unwrap_or(&[]);
    found.iter().try_for_each(|v| cx.io.hooks.check_enum(typ, *v))?;
    out.push(Datum::Bytes(&array::from_values(typ, found.iter().map(|v| Datum::U32(v.0)))));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("enum_first", Scalar(first)),
    ("enum_last", Scalar(last)),
    ("enum_range_bounds", Scalar(range)),
    ("enum_range_all", Scalar(range)),
];
