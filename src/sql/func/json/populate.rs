//! `json_populate_record` and `jsonb_populate_record` where a value is wanted, not columns.

use super::Args;
use crate::bail;
use crate::base::{Error, Result};
use crate::sql::func::setof::json_value;
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::jsonb::{self, Jsonb};
use crate::types::record::{self, Record};
use crate::types::{Column, Datum, Value, base_type, oid};

fn populate(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let typ = cx.ret_type();
    let document = match (args[1], cx.arg_type(1).oid) {
        (Datum::Null, _) => {
            out.push(args[0]);
            return Ok(());
        }
        (d, oid::JSONB) => d.bytes().to_vec(),
        (d, _) => jsonb::parse(d.str())?,
    };
    let pairs = match Jsonb::new(&document) {
        Jsonb::Object(pairs) => pairs,
        Jsonb::Array(_) => bail!(INVALID_PARAMETER_VALUE, "cannot call populate_composite on an array"),
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot call populate_composite on a scalar"),
    };
    let Some(fields) = cx.io.hooks.composite(base_type(typ.oid)) else {
        return Err(Error::unsupported("populating an anonymous record is not supported here"));
    };
    let base = match args[0] {
        Datum::Bytes(b) => Some(Record::new(b)),
        _ => None,
    };
    let mut values = Vec::with_capacity(fields.len());
    for (n, f) in fields.iter().enumerate() {
        values.push(match pairs.position(&f.name) {
            Some(p) => json_value(pairs.bytes(p), f.typ, &cx.io)?,
            None => base.as_ref().map_or(Value::Null, |b| b.field(n).to_value()),
        });
    }
    let mut bytes = Vec::new();
    let parts = fields.iter().zip(&values).map(|(f, v)| (f.name.as_str(), f.typ.oid, v.datum()));
    record::build(typ, parts, &mut bytes);
    if base_type(typ.oid) != typ.oid {
        cx.io.hooks.check_domain(typ.oid, Datum::Bytes(&bytes), &cx.io)?;
    }
    out.push(Datum::Bytes(&bytes));
    Ok(())
}

pub(super) static TABLE: &[(&str, FuncImpl)] =
    &[("json_populate_record", FuncImpl::Scalar(populate)), ("jsonb_populate_record", FuncImpl::Scalar(populate))];
