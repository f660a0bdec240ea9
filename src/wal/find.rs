//! The first record that starts in a segment, for tools that begin to read anywhere.

use super::reader::Reader;
use super::record::{ALIGNMENT, HEADER_BYTES, Header};
use super::segment::{self, SegmentHeader};
use crate::base::{Lsn, Result};
use crate::disk::{Disk, access_error};
use std::sync::Arc;

/// What a segment's file says of itself, and where its first record starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub segment: SegmentHeader,
    pub record: Option<Lsn>,
}

/// Looks for a record from `from` on (`None`: the segment's beginning): every record carries its own
/// position, so that one can be told from bytes in the middle of another. `None`: not a segment of ours.
pub fn first_record(disk: &Arc<dyn Disk>, path: &str, from: Option<Lsn>) -> Result<Option<Found>> {
    let file = disk.open(path).map_err(|e| access_error(format!("open file \"{path}\""), &e))?;
    let len = file.len().map_err(|e| access_error(format!("stat file \"{path}\""), &e))?;
    let mut bytes = vec![0; len as usize];
    let got = file.read_at(&mut bytes, 0).map_err(|e| access_error(format!("read file \"{path}\""), &e))?;
    bytes.truncate(got);
    let head = bytes.first_chunk::<{ segment::HEADER_BYTES }>();
    let Some(Ok(header)) = head.map(SegmentHeader::decode) else { return Ok(None) };
    let start = from.map_or(0, |lsn| lsn.0.saturating_sub(header.address)) as usize;
    let mut at = start.max(segment::HEADER_BYTES).next_multiple_of(ALIGNMENT);
    while let Some(candidate) = bytes.get(at..).and_then(|rest| rest.first_chunk::<HEADER_BYTES>()) {
        let lsn = header.address + at as u64;
        let candidate = Header::decode(candidate);
        if candidate.is_at(lsn) && candidate.len as usize > HEADER_BYTES && is_whole(disk, &header, Lsn(lsn))? {
            return Ok(Some(Found { segment: header, record: Some(Lsn(lsn)) }));
        }
        at += ALIGNMENT;
    }
    Ok(Some(Found { segment: header, record: None }))
}

fn is_whole(disk: &Arc<dyn Disk>, s: &SegmentHeader, at: Lsn) -> Result<bool> {
    let mut reader = Reader::new(disk.clone(), s.segment_bytes, s.timeline, s.system_identifier, at, 0);
    Ok(reader.next()?.is_ok())
}
