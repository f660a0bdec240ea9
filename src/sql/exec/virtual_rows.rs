//! All rows of a generated relation, found by what a condition says of some of their columns: for scans that are asked
//! again and again for other values, as those of a correlated subquery are.

use crate::types::{BATCH_ROWS, Batch, Column, Datum, Value};
use std::collections::HashMap;

pub(super) struct VirtualRows {
    batches: Vec<Batch>,
    /// For each key which rows have it: batch and row, in their order.
    places: HashMap<Box<[u8]>, Vec<(u32, u32)>>,
}

impl VirtualRows {
    /// `columns`: those of the batches that make the key, in the order values will be given.
    pub fn new(batches: Vec<Batch>, columns: &[usize]) -> VirtualRows {
        let mut places: HashMap<Box<[u8]>, Vec<(u32, u32)>> = HashMap::new();
        for (at, batch) in batches.iter().enumerate() {
            for row in 0..batch.rows {
                if let Some(key) = key_of(columns.iter().map(|c| batch.columns[*c].get(row))) {
                    places.entry(key.into()).or_default().push((at as u32, row as u32));
                }
            }
        }
        VirtualRows { batches, places }
    }

    /// The rows that have these values.
    pub fn of(&self, values: &[Value]) -> Vec<Batch> {
        let places = key_of(values.iter().map(Value::datum)).and_then(|key| self.places.get(key.as_slice()));
        places.map_or_else(Vec::new, |p| p.chunks(BATCH_ROWS).map(|part| self.gather(part)).collect())
    }

    fn gather(&self, places: &[(u32, u32)]) -> Batch {
        let of = self.batches.first().map_or(&[][..], |b| &b.columns);
        let mut columns: Vec<Column> = of.iter().map(|c| Column::new(c.phys())).collect();
        for (batch, row) in places {
            for (to, from) in columns.iter_mut().zip(&self.batches[*batch as usize].columns) {
                to.push_from(from, *row as usize);
            }
        }
        Batch::new(columns, places.len())
    }
}

/// Equal exactly where all values are; None where one is NULL, which equals nothing. Keys are object ids, names and texts.
fn key_of<'a>(values: impl Iterator<Item = Datum<'a>>) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    for value in values {
        match value {
            Datum::U32(v) => key.extend_from_slice(&v.to_be_bytes()),
            Datum::Bytes(b) => {
                key.extend_from_slice(&(b.len() as u64).to_be_bytes());
                key.extend_from_slice(b);
            }
            _ => return None,
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Phys;

    #[test]
    fn rows_are_found_by_two_columns() {
        let (mut oids, mut names) = (Column::new(Phys::U32), Column::new(Phys::Bytes));
        for (oid, name) in [(Some(7), "a"), (Some(7), "b"), (None, "a"), (Some(7), "a")] {
            oids.push(oid.map_or(Datum::Null, Datum::U32));
            names.push(Datum::Bytes(name.as_bytes()));
        }
        let rows = VirtualRows::new(vec![Batch::new(vec![names, oids], 4)], &[1, 0]);
        let count = |oid: Value, name: &str| rows.of(&[oid, Value::text(name)]).iter().map(|b| b.rows).sum::<usize>();
        assert_eq!(count(Value::U32(7), "a"), 2);
        assert_eq!(count(Value::U32(7), "b"), 1);
        assert_eq!(count(Value::U32(8), "a"), 0);
        assert_eq!(count(Value::Null, "a"), 0);
    }
}
