//! Subscripts of `jsonb` and `hstore`: `document['key'][0]`, to read and to assign.

use super::{Eval, Sel};
use crate::bail;
use crate::base::{Flow, Oid, Result};
use crate::sql::exec::ExecContext;
use crate::sql::func::json::subscript;
use crate::types::{Batch, Column, Datum, Phys, base_type, hstore, oid};

/// The columns of keys, numbers or texts.
struct Keys(Vec<Column>);

impl Keys {
    fn eval(keys: &mut [Option<Eval>], cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Keys> {
        let columns = keys.iter_mut().flatten().map(|k| Ok(k.eval(cx, batch, sel)?.into_owned()));
        columns.collect::<Flow<_>>().map(Keys)
    }

    /// One row's keys as text; None if one is NULL.
    fn row(&self, at: usize) -> Option<Vec<String>> {
        let text = |c: &Column| match c.get(at) {
            Datum::Null => None,
            Datum::I32(n) => Some(n.to_string()),
            text => Some(text.str().to_owned()),
        };
        self.0.iter().map(text).collect()
    }

    /// Whether the first key is a number: what is made of nothing is an array then.
    fn starts_with_number(&self) -> bool {
        self.0.first().is_some_and(|c| c.phys() == Phys::I32)
    }
}

/// What a type's subscripts do.
pub(super) struct Rules {
    what: &'static str,
    find: for<'a> fn(&'a [u8], &[String]) -> Option<&'a [u8]>,
    /// The value before, whether the first key is a number, the keys, the new part.
    assign: fn(Option<&[u8]>, bool, &[String], Option<&[u8]>) -> Result<Vec<u8>>,
}

static JSONB: Rules = Rules { what: "jsonb", find: subscript::find, assign: subscript::assign };

static HSTORE: Rules = Rules {
    what: "hstore",
    find: hstore::subscript,
    assign: |stored, _, keys, value| Ok(hstore::assign(stored, keys, value)),
};

/// None: its subscripts are those of arrays.
pub(super) fn rules(ty: Oid) -> Option<&'static Rules> {
    match base_type(ty) {
        oid::JSONB => Some(&JSONB),
        base => hstore::is(base).then_some(&HSTORE),
    }
}

pub(super) fn part(
    rules: &Rules,
    document: &mut Eval,
    keys: &mut [Option<Eval>],
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let documents = document.eval(cx, batch, sel)?.into_owned();
    let keys = Keys::eval(keys, cx, batch, sel)?;
    let mut out = Column::with_capacity(Phys::Bytes, documents.len());
    for at in 0..documents.len() {
        match (documents.get(at), keys.row(at)) {
            (Datum::Null, _) | (_, None) => out.push_null(),
            (stored, Some(keys)) => match (rules.find)(stored.bytes(), &keys) {
                Some(found) => out.push(Datum::Bytes(found)),
                None => out.push_null(),
            },
        }
    }
    Ok(out)
}

pub(super) fn with_part(
    rules: &Rules,
    document: &mut Eval,
    keys: &mut [Option<Eval>],
    value: &mut Eval,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let documents = document.eval(cx, batch, sel)?.into_owned();
    let keys = Keys::eval(keys, cx, batch, sel)?;
    let values = value.eval(cx, batch, sel)?.into_owned();
    let array = keys.starts_with_number();
    super::composite::each(cx, sel, |_, at| {
        let Some(keys) = keys.row(at) else {
            bail!(NULL_VALUE_NOT_ALLOWED, "{} subscript in assignment must not be null", rules.what);
        };
        let bytes = |d: Datum<'_>| (!d.is_null()).then(|| d.bytes().to_vec());
        let (old, new) = (bytes(documents.get(at)), bytes(values.get(at)));
        Ok(Some((rules.assign)(old.as_deref(), array, &keys, new.as_deref())?))
    })
}
