//! Where the objects of a document lie in PostgreSQL's binary form of it: the ids that `.keyvalue()` gives.
//!
//! PostgreSQL 15, jsonb.h and jsonb_util.c, convertJsonbValue: a container is a header and an entry of 4 bytes each
//! for every key, value and item, then their data: text as it is, numbers and containers from the next multiple of 4 on.

use crate::types::jsonb::Jsonb;
use crate::types::numeric::Numeric;
use std::collections::HashMap;

const WORD: u64 = 4;

/// The places of a document's objects, in bytes from its beginning, by the address of their stored form.
pub struct ObjectIds(HashMap<usize, u64>);

impl ObjectIds {
    pub fn of(document: &[u8]) -> ObjectIds {
        let mut ids = ObjectIds(HashMap::new());
        ids.lay(document, 0);
        ids
    }

    /// None: it is no part of the document.
    pub fn get(&self, object: &[u8]) -> Option<u64> {
        self.0.get(&object.as_ptr().addr()).copied()
    }

    /// Lays a value out from `at` on; where it ends.
    fn lay(&mut self, stored: &[u8], at: u64) -> u64 {
        match Jsonb::new(stored) {
            Jsonb::Null | Jsonb::Bool(_) => at,
            Jsonb::String(text) => at + text.len() as u64,
            Jsonb::Number(n) => at.next_multiple_of(WORD) + number_size(&Numeric::from_bytes(n)),
            Jsonb::Array(items) => {
                let data = at.next_multiple_of(WORD) + WORD * (1 + items.len() as u64);
                (0..items.len()).fold(data, |at, n| self.lay(items.bytes(n), at))
            }
            Jsonb::Object(pairs) => {
                let start = at.next_multiple_of(WORD);
                self.0.insert(stored.as_ptr().addr(), start);
                let keys: u64 = (0..pairs.len()).map(|n| pairs.key(n).len() as u64).sum();
                let data = start + WORD * (1 + 2 * pairs.len() as u64) + keys;
                (0..pairs.len()).fold(data, |at, n| self.lay(pairs.bytes(n), at))
            }
        }
    }
}

/// PostgreSQL 15, numeric.c, make_result: a short header where scale and weight allow it.
fn number_size(n: &Numeric) -> u64 {
    let is_short = !n.is_finite() || n.dscale <= 0x3F && (-64..=63).contains(&n.weight);
    WORD + if is_short { 2 } else { 4 } + 2 * n.digits.len() as u64
}
