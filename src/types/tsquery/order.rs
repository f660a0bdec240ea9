//! The order of queries (PostgreSQL 15, tsquery_op.c, CompareTSQ, and tsquery_util.c, QTNodeCompare: same order).

use super::Query;
use std::cmp::Ordering;
use std::sync::LazyLock;

static CRC: LazyLock<[u32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|n| (0..8).fold(n as u32, |c, _| if c & 1 == 1 { c >> 1 ^ 0xEDB8_8320 } else { c >> 1 }))
});

/// The check sum PostgreSQL keeps with lexemes of queries: its old CRC-32, which takes the table's halves the other way
/// round.
pub fn checksum(text: &str) -> i32 {
    let step = |crc: u32, b: u8| CRC[usize::from((crc >> 24) as u8 ^ b)] ^ crc << 8;
    (text.bytes().fold(u32::MAX, step) ^ u32::MAX) as i32
}

impl Query {
    /// The number of PostgreSQL's operator.
    pub(super) fn operator(&self) -> u8 {
        match self {
            Query::Value { .. } => 0,
            Query::Not(_) => 1,
            Query::And(..) => 2,
            Query::Or(..) => 3,
            Query::Phrase(..) => 4,
        }
    }

    /// The bytes of its lexemes, each with an end.
    fn text_len(&self) -> usize {
        let len = |q: &Query| if let Query::Value { text, .. } = q { text.len() + 1 } else { 0 };
        self.operands().into_iter().map(len).sum()
    }

    /// A key whose bytes are in the order of queries.
    pub fn encode_key(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.nodes() as u32).to_be_bytes());
        out.extend_from_slice(&(self.text_len() as u32).to_be_bytes());
        self.encode_node(out);
    }

    /// Operators come before lexemes, greater numbers before smaller ones, the right operand first.
    fn encode_node(&self, out: &mut Vec<u8>) {
        match self {
            Query::Value { text, .. } => {
                out.push(1);
                let unsigned = checksum(text) as u32 ^ 1 << 31;
                out.extend_from_slice(&(!unsigned).to_be_bytes());
                out.extend_from_slice(text.as_bytes());
                out.push(0);
            }
            Query::Not(a) => {
                out.extend([0, !self.operator()]);
                a.encode_node(out);
            }
            Query::And(a, b) | Query::Or(a, b) | Query::Phrase(a, b, _) => {
                out.extend([0, !self.operator()]);
                b.encode_node(out);
                a.encode_node(out);
            }
        }
        if let Query::Phrase(_, _, distance) = self {
            out.extend_from_slice(&(!distance).to_be_bytes());
        }
    }

    pub fn compare(&self, other: &Query) -> Ordering {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        self.encode_key(&mut a);
        other.encode_key(&mut b);
        a.cmp(&b)
    }

    /// Without their sizes: as nodes of a bigger query are compared.
    pub fn compare_nodes(&self, other: &Query) -> Ordering {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        self.encode_node(&mut a);
        other.encode_node(&mut b);
        a.cmp(&b)
    }
}

/// The key of a stored query; the empty one comes first.
pub fn encode_key(stored: &[u8], out: &mut Vec<u8>) {
    let text = std::str::from_utf8(stored).unwrap_or_default();
    match super::parse(text) {
        Ok(Some(query)) => query.encode_key(out),
        _ => out.extend_from_slice(&[0; 8]),
    }
}

pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    encode_key(a, &mut x);
    encode_key(b, &mut y);
    x.cmp(&y)
}
