//! What is said of the rows of a range: for each column whether there are NULLs, and a key that covers all values.
//!
//! Per column: flags u8 (1: there are NULLs), then the key as the items of a [`crate::gist`] have it, none where there are
//! only NULLs, or no rows.

use super::class::Column;
use crate::gist::node;
use crate::types::Datum;

const NULLS: u8 = 1;

/// A column of a summary.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Part<'a> {
    pub nulls: bool,
    pub key: Option<&'a [u8]>,
}

fn push(out: &mut Vec<u8>, nulls: bool, key: Option<&[u8]>) {
    out.push(if nulls { NULLS } else { 0 });
    node::push_key(out, key);
}

/// The summary of one row.
pub fn of_row<'a>(columns: &[Column], values: impl Iterator<Item = Datum<'a>>) -> Vec<u8> {
    let mut out = Vec::new();
    for (column, value) in columns.iter().zip(values) {
        match value {
            Datum::Null => push(&mut out, true, None),
            value => push(&mut out, false, Some(&column.class.compress(value))),
        }
    }
    out
}

/// The summary of no rows.
pub fn nothing(columns: &[Column]) -> Vec<u8> {
    let mut out = Vec::new();
    columns.iter().for_each(|_| push(&mut out, false, None));
    out
}

/// A summary's columns. Damaged bytes end the list.
pub fn parts(summary: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut rest = summary;
    std::iter::from_fn(move || {
        let (flags, tail) = rest.split_first()?;
        let key = node::columns(tail).next()?;
        let used = 2 + key.map_or(0, <[u8]>::len);
        rest = tail.get(used..)?;
        Some(Part { nulls: flags & NULLS != 0, key })
    })
}

/// Covers both. The first one stays as it is if it covers the other one already.
pub fn union(columns: &[Column], a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(a.len().max(b.len()));
    for ((column, a), b) in columns.iter().zip(parts(a)).zip(parts(b)) {
        let nulls = a.nulls || b.nulls;
        match (a.key, b.key) {
            (Some(x), Some(y)) if x != y => push(&mut out, nulls, Some(&column.class.union(x, y))),
            (x, y) => push(&mut out, nulls, x.or(y)),
        }
    }
    out
}
