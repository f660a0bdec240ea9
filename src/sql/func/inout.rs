//! The input, output and send functions of all types, called as functions: `int4out(5)`, `textsend('x')`.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::types::{self, Column, Datum, TypeRef};
use std::collections::HashMap;

/// By the object id of the function.
pub(super) fn table() -> HashMap<crate::base::Oid, FuncImpl> {
    let mut all = HashMap::new();
    for t in types::info::builtin_types().iter().filter(|t| !t.is_pseudo() && !t.is_array()) {
        all.insert(t.output, FuncImpl::Scalar(output));
        all.insert(t.send, FuncImpl::Scalar(send));
        if !matches!(t.kind, b'r' | b'm') {
            all.insert(t.input, FuncImpl::Scalar(input));
        }
    }
    for t in [types::oid::INT4_ARRAY, types::oid::RECORD] {
        if let Some(t) = types::info(t) {
            all.insert(t.output, FuncImpl::Scalar(output));
            all.insert(t.send, FuncImpl::Scalar(send));
        }
    }
    for t in [types::oid::INT2VECTOR, types::oid::OIDVECTOR] {
        if let Some(t) = types::info(t) {
            all.insert(t.input, FuncImpl::Scalar(input));
            all.insert(t.output, FuncImpl::Scalar(output));
            all.insert(t.send, FuncImpl::Scalar(send));
        }
    }
    // Enums have no type of their own among the built-in ones.
    all.insert(crate::base::Oid(3507), FuncImpl::Scalar(output));
    all.insert(crate::base::Oid(3533), FuncImpl::Scalar(send));
    all
}

fn output(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let typ = cx.arg_type(0);
    out.push_bytes_with(|arena| types::text_out(typ, args[0], arena, &cx.io))
}

fn send(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let typ = cx.arg_type(0);
    out.push_bytes_with(|arena| types::binary_out(typ, args[0], arena, &cx.io))
}

fn input(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let typmod = match args.get(2) {
        Some(Datum::I32(typmod)) => *typmod,
        _ => -1,
    };
    let typ = TypeRef::with(cx.ret_type().oid, typmod);
    let value = types::text_in(typ, args[0].str(), &cx.io)?;
    out.push(value.datum());
    Ok(())
}
