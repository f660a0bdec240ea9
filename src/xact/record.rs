//! The bytes of commit and abort records, of prepared transactions, too.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | time of the end, microseconds since 1970 |
//! | 4 | number of sub-transactions |
//! | 8 each | their ids |
//! | 4 | number of files to unlink |
//! | 8 each | database, node |
//! | 4 each | tablespaces of these files, if any lies in one |

use crate::base::{Oid, RelFileId, Result, Xid};
use crate::err;

pub const COMMIT: u8 = 0x00;
/// The data is a `twophase::State`.
pub const PREPARE: u8 = 0x10;
pub const ABORT: u8 = 0x20;
pub const COMMIT_PREPARED: u8 = 0x30;
pub const ABORT_PREPARED: u8 = 0x40;
/// A row lock was passed on to a prepared transaction: a `twophase::RowLock`.
pub const PASS_LOCK: u8 = crate::heap::record::PASS_LOCK;

/// What the end of a transaction leaves in the log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EndRecord {
    pub time_us: i64,
    pub subs: Vec<Xid>,
    /// Of a commit: dropped relations' files. Of an abort: those it had made.
    pub unlink: Vec<RelFileId>,
}

impl EndRecord {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + 8 * (self.subs.len() + self.unlink.len()));
        out.extend_from_slice(&self.time_us.to_le_bytes());
        out.extend_from_slice(&(self.subs.len() as u32).to_le_bytes());
        self.subs.iter().for_each(|x| out.extend_from_slice(&x.0.to_le_bytes()));
        out.extend_from_slice(&(self.unlink.len() as u32).to_le_bytes());
        for f in &self.unlink {
            out.extend_from_slice(&f.db.0.to_le_bytes());
            out.extend_from_slice(&f.node.0.to_le_bytes());
        }
        if self.unlink.iter().any(|f| f.space.is_valid()) {
            self.unlink.iter().for_each(|f| out.extend_from_slice(&f.space.0.to_le_bytes()));
        }
        out
    }

    /// # Errors
    /// XX001 if the bytes end early.
    pub fn decode(mut bytes: &[u8]) -> Result<EndRecord> {
        let time_us = i64::from_le_bytes(take(&mut bytes)?);
        let subs = (0..u32::from_le_bytes(take(&mut bytes)?))
            .map(|_| take(&mut bytes).map(|b| Xid(u64::from_le_bytes(b))))
            .collect::<Result<_>>()?;
        let mut unlink = (0..u32::from_le_bytes(take(&mut bytes)?))
            .map(|_| {
                let db = Oid(u32::from_le_bytes(take(&mut bytes)?));
                Ok(RelFileId::new(db, Oid(u32::from_le_bytes(take(&mut bytes)?))))
            })
            .collect::<Result<Vec<_>>>()?;
        if !bytes.is_empty() {
            for f in &mut unlink {
                f.space = Oid(u32::from_le_bytes(take(&mut bytes)?));
            }
        }
        Ok(EndRecord { time_us, subs, unlink })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (head, tail) =
        bytes.split_first_chunk().ok_or_else(|| err!(DATA_CORRUPTED, "transaction record is too short"))?;
    *bytes = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written is read back, and a cut record is refused instead of misread.
    #[test]
    fn round_trip() {
        let record = EndRecord {
            time_us: -5,
            subs: vec![Xid(9), Xid(1 << 40)],
            unlink: vec![RelFileId::new(Oid(5), Oid(16384))],
        };
        let bytes = record.encode();
        assert_eq!(EndRecord::decode(&bytes).unwrap(), record);
        for n in 0..bytes.len() {
            assert!(EndRecord::decode(&bytes[..n]).is_err());
        }
        let moved = RelFileId { space: Oid(16500), ..record.unlink[0] };
        let record = EndRecord { unlink: vec![record.unlink[0], moved], ..record };
        assert_eq!(EndRecord::decode(&record.encode()).unwrap(), record);
    }
}
