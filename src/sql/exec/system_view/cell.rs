//! Rust values as column values.

use crate::base::{Lsn, Oid, Xid};
use crate::types::{Value, array, oid};
use std::sync::Arc;

/// Seconds from 1970 to 2000, as microseconds.
const EPOCH_US: i64 = 946_684_800_000_000;

/// What can stand in a row.
pub(crate) trait Cell {
    fn cell(self) -> Value;
}

macro_rules! cells {
    ($($t:ty => |$v:ident| $e:expr;)*) => {
        $(impl Cell for $t {
            fn cell(self) -> Value {
                let $v = self;
                $e
            }
        })*
    };
}

cells! {
    Value => |v| v;
    bool => |v| Value::Bool(v);
    i16 => |v| Value::I16(v);
    i32 => |v| Value::I32(v);
    u32 => |v| Value::U32(v);
    i64 => |v| Value::I64(v);
    u64 => |v| Value::I64(v as i64);
    usize => |v| Value::I64(v as i64);
    f64 => |v| Value::F64(v);
    Oid => |v| Value::U32(v.0);
    // As type xid shows it: the low half.
    Xid => |v| Value::U32(v.0 as u32);
    Lsn => |v| Value::I64(v.0 as i64);
    &str => |v| Value::text(v);
    String => |v| Value::text(v);
    &String => |v| Value::text(v);
    Arc<str> => |v| Value::text(&*v);
    &Arc<str> => |v| Value::text(&**v);
    char => |v| Value::text(v.to_string());
    u8 => |v| Value::Bytes(if v == 0 { Box::default() } else { Box::from([v]) });
    Stamp => |v| match v.0 {
        0 => Value::Null,
        // `infinity` and `-infinity` are no points in time.
        i64::MIN | i64::MAX => Value::I64(v.0),
        us => Value::I64(us - EPOCH_US),
    };
    Acl<'_> => |v| match v.0 {
        Some(items) => Value::Bytes(array::from_rights(items).into()),
        None => Value::Null,
    };
    Texts<'_> => |v| match v.0 {
        [] => Value::Null,
        items => Value::Bytes(array::from_texts(oid::TEXT, items).into()),
    };
}

impl<T: Cell> Cell for Option<T> {
    fn cell(self) -> Value {
        self.map_or(Value::Null, Cell::cell)
    }
}

/// A `timestamptz` from microseconds since 1970; 0 is NULL.
pub(crate) struct Stamp(pub i64);

/// ACL items; None: the default.
pub(crate) struct Acl<'a>(pub Option<&'a [String]>);

/// A `text[]`, NULL if there are none.
pub(crate) struct Texts<'a>(pub &'a [String]);

/// NULL.
pub(crate) const NULL: Value = Value::Null;

/// A `text[]`, empty if there are none.
pub(crate) fn texts<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Value {
    Value::Bytes(array::from_texts(oid::TEXT, items).into())
}

fn array_of(element: Oid, values: impl IntoIterator<Item = Value>, lower: i32) -> Value {
    let values: Vec<Value> = values.into_iter().collect();
    let mut builder = array::Builder::new(element);
    values.iter().for_each(|v| builder.push(v.datum()));
    if lower == 1 || values.is_empty() {
        return Value::Bytes(builder.finish().into());
    }
    let dims = [array::Dim { len: values.len(), lower }].into_iter().collect();
    Value::Bytes(builder.finish_with(dims).into())
}

/// An `int2vector`: counts from 0.
pub(crate) fn int2_vector(values: impl IntoIterator<Item = i16>) -> Value {
    array_of(oid::INT2, values.into_iter().map(Value::I16), 0)
}

/// An `oidvector`: counts from 0.
pub(crate) fn oid_vector(values: impl IntoIterator<Item = Oid>) -> Value {
    array_of(oid::OID, values.into_iter().map(|o| Value::U32(o.0)), 0)
}

/// An `int2[]`.
pub(crate) fn int2_array(values: impl IntoIterator<Item = i16>) -> Value {
    array_of(oid::INT2, values.into_iter().map(Value::I16), 1)
}

/// An `oid[]`.
pub(crate) fn oid_array(values: impl IntoIterator<Item = Oid>) -> Value {
    array_of(oid::OID, values.into_iter().map(|o| Value::U32(o.0)), 1)
}

/// A `regtype[]`.
pub(crate) fn regtype_array(values: impl IntoIterator<Item = Oid>) -> Value {
    array_of(oid::REGTYPE, values.into_iter().map(|o| Value::U32(o.0)), 1)
}

/// A `"char"[]`.
pub(crate) fn char_array(values: impl IntoIterator<Item = char>) -> Value {
    array_of(oid::CHAR, values.into_iter().map(|c| Value::text(c.to_string())), 1)
}
