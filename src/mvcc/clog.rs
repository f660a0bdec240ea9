//! The commit log: two bits a transaction.

use crate::base::{Lsn, Result, Xid};
use parking_lot::Mutex;
use std::collections::HashMap;

const PAGE: usize = 8192;
/// Transactions per page.
const PER_PAGE: u64 = PAGE as u64 * 4;

/// Two bits. `InProgress` below the ring means: lost in a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ClogStatus {
    InProgress = 0,
    Committed = 1,
    Aborted = 2,
}

#[derive(Debug)]
struct ClogPage {
    bytes: Box<[u8]>,
    dirty: bool,
    /// End of the newest commit record that this page tells of.
    lsn: Lsn,
}

/// The commit log's page cache and files.
#[derive(Debug, Default)]
pub struct Clog {
    pages: Mutex<HashMap<u64, ClogPage>>,
}

impl Clog {
    pub fn set(&self, xid: Xid, status: ClogStatus, lsn: Lsn) -> Result<()> {
        let mut pages = self.pages.lock();
        let page = pages.entry(xid.0 / PER_PAGE).or_insert_with(|| ClogPage {
            bytes: vec![0; PAGE].into(),
            dirty: false,
            lsn: Lsn::INVALID,
        });
        let at = (xid.0 % PER_PAGE) as usize;
        let shift = at % 4 * 2;
        let byte = &mut page.bytes[at / 4];
        *byte = *byte & !(3 << shift) | (status as u8) << shift;
        page.dirty = true;
        page.lsn = page.lsn.max(lsn);
        Ok(())
    }

    pub fn get(&self, xid: Xid) -> Result<ClogStatus> {
        let pages = self.pages.lock();
        let at = (xid.0 % PER_PAGE) as usize;
        let byte = pages.get(&(xid.0 / PER_PAGE)).map_or(0, |p| p.bytes[at / 4]);
        Ok(match byte >> (at % 4 * 2) & 3 {
            1 => ClogStatus::Committed,
            2 => ClogStatus::Aborted,
            _ => ClogStatus::InProgress,
        })
    }
}
