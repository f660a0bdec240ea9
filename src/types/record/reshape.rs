//! Stored rows of a composite type whose columns have become others: ALTER TYPE … ADD and DROP ATTRIBUTE, and what
//! ALTER TABLE does to a table's row type.

use super::{Column, Record, build};
use crate::base::Oid;
use crate::types::array::{Array, Builder};
use crate::types::range::{Bound, Multirange, Range};
use crate::types::{Datum, base_type, info};

/// What a row type's columns were and are.
#[derive(Debug)]
pub struct Reshape {
    pub row: Oid,
    /// The columns as they were: names and types.
    pub before: Vec<(String, Oid)>,
    /// The columns as they are, each with its place among those that were; None: it is new, and NULL.
    pub after: Vec<(String, Oid, Option<usize>)>,
}

impl Reshape {
    /// A value with the rows inside it in their new shape; None: it has none.
    pub fn of(&self, typ: Oid, value: Datum<'_>) -> Option<Vec<u8>> {
        let Datum::Bytes(stored) = value else { return None };
        let typ = info(base_type(typ))?;
        match typ.kind {
            _ if typ.is_array() => self.array(stored),
            b'c' => self.record(stored),
            b'r' => self.range(&Range::new(stored)),
            b'm' => self.multirange(stored),
            _ => None,
        }
    }

    fn array(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let array = Array::new(stored);
        let changed: Vec<Option<Vec<u8>>> = array.iter().map(|v| self.of(array.element, v)).collect();
        if changed.iter().all(Option::is_none) {
            return None;
        }
        let mut out = Builder::new(array.element);
        for (old, new) in array.iter().zip(&changed) {
            out.push(new.as_deref().map_or(old, Datum::Bytes));
        }
        Some(out.finish_with(array.dims.clone()))
    }

    fn record(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let row = Record::new(stored);
        let inside: Vec<Option<Vec<u8>>> = row.columns.iter().map(|c| self.of(c.typ, c.value)).collect();
        let own = row.typ.oid == self.row;
        if !own && inside.iter().all(Option::is_none) {
            return None;
        }
        let old: Vec<Column<'_>> = row
            .columns
            .iter()
            .zip(&inside)
            .map(|(c, new)| Column { value: new.as_deref().map_or(c.value, Datum::Bytes), ..*c })
            .collect();
        let mut out = Vec::with_capacity(stored.len() + 16);
        if !own {
            build(row.typ, old.iter().map(|c| (c.name, c.typ, c.value)), &mut out);
            return Some(out);
        }
        let value = |from: Option<usize>| from.and_then(|n| self.stored(&old, n)).unwrap_or(Datum::Null);
        build(row.typ, self.after.iter().map(|(name, typ, from)| (name.as_str(), *typ, value(*from))), &mut out);
        Some(out)
    }

    /// The value of the column that was the n-th. Rows of old directories may have been stored under an older shape: there
    /// a column is found by its name and type.
    fn stored<'a>(&self, old: &[Column<'a>], n: usize) -> Option<Datum<'a>> {
        let as_before = old.len() == self.before.len() && old.iter().zip(&self.before).all(|(c, b)| c.typ == b.1);
        let (name, typ) = &self.before[n];
        match as_before {
            true => old.get(n).map(|c| c.value),
            false => old.iter().find(|c| c.typ == *typ && c.name == name).map(|c| c.value),
        }
    }

    fn range(&self, range: &Range<'_>) -> Option<Vec<u8>> {
        let sub = range.sub().oid;
        let (lower, upper) = (self.of(sub, range.lower.value), self.of(sub, range.upper.value));
        if lower.is_none() && upper.is_none() {
            return None;
        }
        let lower = Bound { value: lower.as_deref().map_or(range.lower.value, Datum::Bytes), ..range.lower };
        let upper = Bound { value: upper.as_deref().map_or(range.upper.value, Datum::Bytes), ..range.upper };
        Some(range.with_bounds(lower, upper).to_bytes())
    }

    fn multirange(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let multi = Multirange::new(stored);
        let changed: Vec<Option<Vec<u8>>> = multi.ranges.iter().map(|r| self.range(r)).collect();
        if changed.iter().all(Option::is_none) {
            return None;
        }
        let kept = multi.ranges.iter().zip(changed).map(|(r, new)| new.unwrap_or_else(|| r.to_bytes()));
        Some(multi.with_ranges(&kept.collect::<Vec<_>>()))
    }
}
