//! `pg_snapshot` and `txid_snapshot`: which transactions were running. Bytes: the text, `xmin:xmax:xip,…`.

use crate::base::Result;
use crate::err;

/// A snapshot taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotValue {
    pub xmin: u64,
    pub xmax: u64,
    /// Those running, ascending.
    pub running: Vec<u64>,
}

impl SnapshotValue {
    /// # Errors
    /// 22P02.
    pub fn parse(text: &str) -> Result<SnapshotValue> {
        SnapshotValue::read(text)
            .ok_or_else(|| err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type pg_snapshot: \"{text}\""))
    }

    fn read(text: &str) -> Option<SnapshotValue> {
        // Ids have 63 bits (PostgreSQL 15, xid8funcs.c, MAX_FXID).
        let id = |text: &str| text.parse::<u64>().ok().filter(|n| *n <= i64::MAX as u64);
        let mut parts = text.splitn(3, ':');
        let (xmin, xmax) = (id(parts.next()?)?, id(parts.next()?)?);
        let list = parts.next()?;
        let mut running: Vec<u64> = Vec::new();
        if !list.is_empty() {
            // A comma may follow the last one.
            for item in list.strip_suffix(',').unwrap_or(list).split(',') {
                let xid = id(item)?;
                let in_order = running.last().is_none_or(|last| *last <= xid);
                if !in_order || xid < xmin || xid >= xmax {
                    return None;
                }
                if running.last() != Some(&xid) {
                    running.push(xid);
                }
            }
        }
        (xmin > 0 && xmax > 0 && xmin <= xmax).then_some(SnapshotValue { xmin, xmax, running })
    }

    /// PostgreSQL 15, xid8funcs.c, pg_snapshot_recv: same order and rules.
    pub fn from_binary(b: &[u8]) -> Result<SnapshotValue> {
        let bad = || err!(INVALID_BINARY_REPRESENTATION, "invalid external pg_snapshot data");
        let (count, rest) = b.split_first_chunk::<4>().ok_or_else(bad)?;
        let mut numbers = rest.chunks_exact(8).map(|c| c.iter().fold(0u64, |n, b| n << 8 | u64::from(*b)));
        let (xmin, xmax) = numbers.next().zip(numbers.next()).ok_or_else(bad)?;
        let running: Vec<u64> = numbers.collect();
        let whole = rest.len() == 16 + running.len() * 8 && i32::from_be_bytes(*count) as usize == running.len();
        let text = SnapshotValue { xmin, xmax, running }.to_string();
        SnapshotValue::read(&text).filter(|_| whole).ok_or_else(bad)
    }

    pub fn write_binary(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.running.len() as i32).to_be_bytes());
        for xid in [self.xmin, self.xmax].iter().chain(&self.running) {
            out.extend_from_slice(&xid.to_be_bytes());
        }
    }

    /// Whether a transaction was over.
    pub fn sees(&self, xid: u64) -> bool {
        xid < self.xmin || xid < self.xmax && self.running.binary_search(&xid).is_err()
    }
}

impl std::fmt::Display for SnapshotValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let running: Vec<String> = self.running.iter().map(u64::to_string).collect();
        write!(f, "{}:{}:{}", self.xmin, self.xmax, running.join(","))
    }
}
