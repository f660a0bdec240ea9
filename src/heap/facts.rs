//! How a row stores a value, read beside the value or instead of it: `pg_column_size` and `pg_column_compression` of a
//! table's column. Each is a column of its own, with a number that no attribute and no system column has.

use super::decode::{Stored, values};
use super::desc::{AttrDesc, Compression, TupleDesc};
use super::encode::EXTERNAL_BYTES;
use super::shrink::plain_size;
use super::toast::{self, Reference};
use super::tuple::Tuple;
use crate::types::{Column, Datum, Phys};

/// What is asked about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Bytes it takes, its length before it included; out of line without the reference.
    Size,
    /// How it is compressed, NULL if it is not.
    Method,
}

/// Above the numbers of all facts.
const FIRST: i16 = -1000;

impl Fact {
    /// The number of the column that has this fact about an attribute.
    pub fn about(self, attno: i16) -> i16 {
        FIRST - 2 * attno - i16::from(self == Fact::Method)
    }

    /// The fact a column has, and about which attribute.
    pub fn of(attno: i16) -> Option<(Fact, i16)> {
        let n = FIRST - attno;
        (attno < FIRST).then_some((if n % 2 == 0 { Fact::Size } else { Fact::Method }, n / 2))
    }

    pub fn phys(self) -> Phys {
        match self {
            Fact::Size => Phys::I32,
            Fact::Method => Phys::Bytes,
        }
    }
}

/// Pushes a fact about a version's attribute.
pub(super) fn push(column: &mut Column, desc: &TupleDesc, (fact, attno): (Fact, i16), t: Tuple<'_>) {
    let Some((n, attr)) = usize::try_from(attno).ok().and_then(|n| Some((n - 1, desc.attrs.get(n - 1)?))) else {
        return column.push_null();
    };
    let stored = values(desc, t.0).nth(n).flatten();
    match fact {
        Fact::Size => {
            let missing = attr.missing.as_ref().filter(|_| n >= t.natts()).map(|v| v.datum());
            let size = match stored {
                Some(stored) => Some(size(attr, stored, t.0)),
                // Where it is kept nobody saves on its length.
                None => missing.map(|value| match (value, plain_size(attr, value).0) {
                    (Datum::Bytes(b), size) if size == b.len() + 1 => b.len() + 4,
                    (_, size) => size,
                }),
            };
            match size {
                Some(bytes) => column.push(Datum::I32(bytes as i32)),
                None => column.push_null(),
            }
        }
        Fact::Method => match stored.and_then(|stored| method(stored, t.0)) {
            Some(Compression::Pglz) => column.push(Datum::Bytes(b"pglz")),
            Some(Compression::Lz4) => column.push(Datum::Bytes(b"lz4")),
            None => column.push_null(),
        },
    }
}

fn reference(row: &[u8], start: usize) -> Reference {
    Reference::decode(&row[start..start + EXTERNAL_BYTES])
}

fn size(attr: &AttrDesc, stored: Stored, row: &[u8]) -> usize {
    match stored {
        Stored::Fixed { .. } => attr.phys.width().unwrap_or(0),
        Stored::Plain { start, len } => plain_size(attr, Datum::Bytes(&row[start..start + len])).0,
        Stored::Compressed { len, .. } => len + 4,
        Stored::External { start } => reference(row, start).stored_bytes as usize,
    }
}

fn method(stored: Stored, row: &[u8]) -> Option<Compression> {
    match stored {
        Stored::Compressed { start, len } => toast::method(&row[start..start + len]).map(|(method, _)| method),
        Stored::External { start } => reference(row, start).compressed,
        Stored::Fixed { .. } | Stored::Plain { .. } => None,
    }
}
