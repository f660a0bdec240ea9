//! Reads the log forward from a position, and says why it ended.

use super::record::{ALIGNMENT, HEADER_BYTES, Header, MAX_BYTES, RedoRecord, Rmgr, aligned, header_crc, xlog};
use super::segment::{self, SegmentHeader};
use crate::base::{Lsn, Result};
use crate::disk::{Disk, File, access_error};
use std::io;
use std::sync::Arc;

/// Bytes asked of the disk at once.
const READ_BYTES: usize = 256 << 10;

/// Why there is no further record. `text` is what PostgreSQL would log; None where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Where the next record would have started.
    pub at: Lsn,
    pub text: Option<String>,
}

/// A position in the log and the bytes around it.
pub struct Reader {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    timeline: u32,
    system_identifier: u64,
    /// Contiguous record bytes, segment headers taken out; `buffer[0]` lies at `buffer_at` counted
    /// without headers from the start of the reading.
    buffer: Vec<u8>,
    /// Bytes of `buffer` already consumed.
    consumed: usize,
    /// Where the next record starts.
    position: u64,
    /// The end of the last record, before a segment header that may follow.
    after: u64,
    /// Where the next byte to be appended to `buffer` lies.
    fill: u64,
    open: Option<(u64, Arc<dyn File>)>,
    incarnation: u32,
    last_start: u64,
    /// A fault found while filling, told once the reader gets there.
    fault: Option<String>,
}

impl Reader {
    /// Starts at `start`, which must be the start of a record (or a segment's first byte). `incarnation`
    /// is the oldest one to accept: that of the record before, or 0.
    pub fn new(
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
        timeline: u32,
        system_identifier: u64,
        start: Lsn,
        incarnation: u32,
    ) -> Reader {
        let position = segment::record_start(start.0, segment_bytes);
        Reader {
            disk,
            segment_bytes,
            timeline,
            system_identifier,
            buffer: Vec::with_capacity(2 * READ_BYTES),
            consumed: 0,
            position,
            after: start.0,
            fill: position,
            open: None,
            incarnation,
            last_start: 0,
            fault: None,
        }
    }

    /// The end of the last record returned by [`next`](Reader::next), where the log can be continued
    /// ([`StartAt::end`](super::StartAt)). A segment's first byte if that record filled the one before.
    pub fn position(&self) -> Lsn {
        Lsn(self.after)
    }

    /// The start of the last record returned.
    pub fn last_start(&self) -> Lsn {
        Lsn(self.last_start)
    }

    /// The incarnation of the last record.
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The next record, or why there is none.
    ///
    /// # Errors
    /// Only if the disk fails; damage and missing files are an [`End`].
    #[expect(clippy::should_implement_trait, reason = "the record borrows the reader: a lending iterator")]
    pub fn next(&mut self) -> Result<std::result::Result<RedoRecord<'_>, End>> {
        let header = match self.header()? {
            Ok(header) => header,
            Err(text) => return Ok(Err(self.end(text))),
        };
        let len = header.len as usize;
        if !self.have(len)? {
            let text = self.fault.clone();
            return Ok(Err(self.end(text)));
        }
        let start = self.position;
        let (from, to) = (self.consumed, self.consumed + len);
        let head: &[u8; HEADER_BYTES] = self.buffer[from..from + HEADER_BYTES].try_into().expect("24 bytes");
        if header_crc(head, crc32fast::hash(&self.buffer[from + HEADER_BYTES..to])) != header.crc {
            let text = format!("incorrect resource manager data checksum in record at {}", Lsn(start));
            return Ok(Err(self.end(Some(text))));
        }
        let padded = aligned(len as u64) as usize;
        // The padding lies in the same segment file; it was read if the record was not the very last.
        self.have(padded)?;
        let after = self.advance(start, padded as u64);
        self.consumed += padded;
        self.after = after;
        self.position = segment::record_start(after, self.segment_bytes);
        self.last_start = start;
        self.incarnation = header.incarnation;
        if header.rmgr == Rmgr::Xlog as u8 && header.info == xlog::SWITCH {
            self.jump(after.next_multiple_of(self.segment_bytes));
            // `jump` emptied the buffer; a switch record has nothing in it anyway.
            let switch = super::record::decode(start, after, &header, &[0]);
            return Ok(switch.ok_or(End { at: Lsn(start), text: None }));
        }
        match super::record::decode(start, after, &header, &self.buffer[from + HEADER_BYTES..to]) {
            Some(record) => Ok(Ok(record)),
            None => {
                let text = format!("invalid record at {}", Lsn(start));
                Ok(Err(End { at: Lsn(start), text: Some(text) }))
            }
        }
    }

    /// The header at the position, if it can be one; else what is wrong with it.
    fn header(&mut self) -> Result<std::result::Result<Header, Option<String>>> {
        if !self.have(HEADER_BYTES)? {
            // Perhaps the length word is there and zero: the usual end of a log.
            let zero = self.have(4)? && self.buffer[self.consumed..self.consumed + 4] == [0; 4];
            return Ok(Err(if zero { Some(self.invalid_length(0)) } else { self.fault.clone() }));
        }
        let bytes = &self.buffer[self.consumed..self.consumed + HEADER_BYTES];
        let header = Header::decode(bytes.try_into().expect("24 bytes"));
        let len = header.len as usize;
        if len < HEADER_BYTES + 1 {
            return Ok(Err(Some(self.invalid_length(header.len))));
        }
        if !header.is_at(self.position) || self.is_stale(header.incarnation) {
            let name = segment::file_name(self.timeline, self.position / self.segment_bytes, self.segment_bytes);
            let offset = self.position % self.segment_bytes;
            let found = Lsn(header.lsn);
            return Ok(Err(Some(format!("unexpected pageaddr {found} in log segment {name}, offset {offset}"))));
        }
        if len > MAX_BYTES {
            return Ok(Err(Some(format!("record length {len} at {} too long", Lsn(self.position)))));
        }
        if Rmgr::from_u8(header.rmgr).is_none() {
            let text = format!("invalid resource manager ID {} at {}", header.rmgr, Lsn(self.position));
            return Ok(Err(Some(text)));
        }
        Ok(Ok(header))
    }

    /// Whether a record was written before its predecessor: left over from a tail that an earlier recovery
    /// cut off. Incarnations have 24 bits and are compared around the circle.
    fn is_stale(&self, incarnation: u32) -> bool {
        (incarnation.wrapping_sub(self.incarnation) & 0xFF_FFFF) >= 1 << 23
    }

    fn invalid_length(&self, got: u32) -> String {
        format!("invalid record length at {}: wanted {HEADER_BYTES}, got {got}", Lsn(self.position))
    }

    fn end(&self, text: Option<String>) -> End {
        End { at: Lsn(self.position), text }
    }

    /// The position `len` record bytes after `from`, skipping segment headers; a position right behind a
    /// segment is its end, not behind the next header.
    fn advance(&self, mut from: u64, mut len: u64) -> u64 {
        while len > 0 {
            from = segment::record_start(from, self.segment_bytes);
            let step = len.min(self.segment_bytes - from % self.segment_bytes);
            from += step;
            len -= step;
        }
        from
    }

    /// Goes on at the start of a segment.
    fn jump(&mut self, to: u64) {
        self.buffer.clear();
        self.consumed = 0;
        self.fill = to;
        self.after = to;
        self.position = segment::record_start(to, self.segment_bytes);
        self.fault = None;
    }

    /// Whether `wanted` bytes from the position are in the buffer, reading on as far as needed.
    fn have(&mut self, wanted: usize) -> Result<bool> {
        while self.buffer.len() - self.consumed < wanted {
            if self.fault.is_some() || !self.fill_more()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Appends the next stretch of the log; false at its end.
    fn fill_more(&mut self) -> Result<bool> {
        if self.consumed > 0 {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        let number = self.fill / self.segment_bytes;
        if self.fill.is_multiple_of(self.segment_bytes) || self.open.as_ref().is_none_or(|(n, _)| *n != number) {
            if !self.open_segment(number)? {
                return Ok(false);
            }
            self.fill = segment::record_start(self.fill, self.segment_bytes);
        }
        let Some((_, file)) = &self.open else { return Ok(false) };
        let within = self.fill % self.segment_bytes;
        let len = READ_BYTES.min((self.segment_bytes - within) as usize);
        let old = self.buffer.len();
        self.buffer.resize(old + len, 0);
        let name = || segment::path(self.timeline, number, self.segment_bytes);
        let got = file
            .read_at(&mut self.buffer[old..], within)
            .map_err(|e| access_error(format!("read from log segment {}, offset {within}", name()), &e))?;
        self.buffer.truncate(old + got);
        self.fill += got as u64;
        if got < len {
            self.fault = Some(format!(
                "could not read from log segment {}, offset {within}: read {got} of {len}",
                segment::file_name(self.timeline, number, self.segment_bytes)
            ));
        }
        Ok(got > 0)
    }

    /// Opens a segment and checks its header; false (with the reason) if it is not the one wanted.
    fn open_segment(&mut self, number: u64) -> Result<bool> {
        let path = segment::path(self.timeline, number, self.segment_bytes);
        let file = match self.disk.open(&path) {
            Ok(file) => file,
            // PostgreSQL says nothing either: the log just ends with the last segment.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(access_error(format!("open file \"{path}\""), &e)),
        };
        let mut bytes = [0; segment::HEADER_BYTES];
        let got = file.read_at(&mut bytes, 0).map_err(|e| access_error(format!("read file \"{path}\""), &e))?;
        if let Err(text) = self.check_header(number, &bytes, got) {
            self.fault = Some(text);
            return Ok(false);
        }
        self.open = Some((number, file));
        Ok(true)
    }

    fn check_header(
        &self,
        number: u64,
        bytes: &[u8; segment::HEADER_BYTES],
        got: usize,
    ) -> std::result::Result<(), String> {
        let name = segment::file_name(self.timeline, number, self.segment_bytes);
        let header = match SegmentHeader::decode(bytes) {
            Ok(header) if got == bytes.len() => header,
            Ok(_) => return Err(format!("invalid magic number 0000 in log segment {name}, offset 0")),
            Err(magic) => {
                return Err(format!("invalid magic number {:04X} in log segment {name}, offset 0", magic as u16));
            }
        };
        let address = number * self.segment_bytes;
        if header.system_identifier != self.system_identifier {
            return Err(format!(
                "WAL file is from different database system: WAL file database system identifier is {}, \
                 pg_control database system identifier is {}",
                header.system_identifier, self.system_identifier
            ));
        }
        if header.segment_bytes != self.segment_bytes {
            return Err("WAL file is from different database system: incorrect segment size in page header".into());
        }
        if header.address != address {
            return Err(format!("unexpected pageaddr {} in log segment {name}, offset 0", Lsn(header.address)));
        }
        if header.timeline != self.timeline {
            return Err(format!(
                "unexpected timeline ID {} in log segment {name}, offset 0 (should be {})",
                header.timeline, self.timeline
            ));
        }
        Ok(())
    }
}

const _: () = assert!(HEADER_BYTES.is_multiple_of(ALIGNMENT) && segment::HEADER_BYTES.is_multiple_of(ALIGNMENT));
