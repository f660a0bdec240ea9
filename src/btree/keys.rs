//! Turning column values into normalised keys.
//!
//! Per column: a marker byte (NULL 0 or 2, value 1), then the type's order-preserving bytes, inverted for DESC.

use super::store::IndexStore;
use crate::types::{Datum, TypeRef, key};

/// How one key column is ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyType {
    pub ty: TypeRef,
    pub desc: bool,
    pub nulls_first: bool,
}

pub(super) const VALUE: u8 = 1;

impl KeyType {
    fn null_marker(self) -> u8 {
        if self.nulls_first { 0 } else { 2 }
    }

    /// Appends one column of a key.
    pub fn encode(self, value: Datum<'_>, out: &mut Vec<u8>) {
        if value.is_null() {
            out.push(self.null_marker());
            return;
        }
        out.push(VALUE);
        let start = out.len();
        key::encode(self.ty, value, out);
        if self.desc {
            out[start..].iter_mut().for_each(|b| *b = !*b);
        }
    }

    /// The bytes that all non-NULL values of the column start with, and that none of the NULLs does.
    pub fn any_value(self, out: &mut Vec<u8>) {
        out.push(VALUE);
    }

    pub fn null(self, out: &mut Vec<u8>) {
        out.push(self.null_marker());
    }
}

impl IndexStore {
    /// The key of a row: one value per key column.
    pub fn encode_key<'a>(&self, values: impl Iterator<Item = Datum<'a>>, out: &mut Vec<u8>) {
        for (key, value) in self.keys.iter().zip(values) {
            key.encode(value, out);
        }
    }
}

/// The smallest string above all strings that start with `prefix`; None if there is none.
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|b| *b != 0xFF)?;
    let mut next = prefix[..=keep].to_vec();
    next[keep] += 1;
    Some(next)
}

#[cfg(test)]
mod tests {
    /// Everything with the prefix is below its successor, everything above the prefix is not.
    #[test]
    fn prefixes_have_successors() {
        assert_eq!(super::after_prefix(&[1, 0xFF]), Some(vec![2]));
        assert_eq!(super::after_prefix(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(super::after_prefix(&[0xFF]), None);
    }
}
