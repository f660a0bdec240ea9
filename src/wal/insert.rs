//! Reserve and copy: one short mutex, CRC of the body before it, CRC of the header inside.

use super::record::{ALIGNMENT, BlockMode, Body, HEADER_BYTES, Header, Record, Rmgr, aligned, xlog};
use super::segment::{self, SegmentHeader};
use super::{StartAt, Wal, WalConfig};
use crate::base::{Flow, Lsn, Xid};
use crate::page::PAGE_SIZE;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

/// A chunk is handed to the writer when it has grown to this.
const CHUNK_BYTES: usize = 256 << 10;
/// More than this unwritten, and the flusher is told.
const WRITE_BEHIND_BYTES: u64 = 1 << 20;
/// Emptied chunks kept for reuse.
const SPARE_CHUNKS: usize = 8;

/// Who writes, which says how much of the last segment may be left when the disk has no room for another: whoever
/// frees space or ends a transaction finds room that those who fill the disk may not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Rows and indexes of users.
    Rows,
    /// The catalogs: DROP and TRUNCATE.
    Catalog,
    /// The end of a transaction.
    End,
    /// The record of a checkpoint, behind which old segments go.
    Checkpoint,
}

impl Need {
    /// What must be there beyond the record itself, for others that write at the same time.
    #[inline]
    fn margin(self, segment_bytes: u64) -> u64 {
        match self {
            Need::Rows => segment_bytes / 4,
            Need::Catalog => segment_bytes / 8,
            Need::End => segment_bytes / 16,
            Need::Checkpoint => 0,
        }
    }
}

/// Where a record lies. Pages it changed carry `end` as their LSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inserted {
    pub start: Lsn,
    pub end: Lsn,
}

/// Consecutive bytes of the log, segment headers included.
pub(super) struct Chunk {
    pub start: u64,
    pub bytes: Vec<u8>,
}

/// What the insert mutex guards.
pub(super) struct State {
    /// Where the next byte goes: a record, or a segment header when it is a segment's first byte.
    pub position: u64,
    pub tail: Chunk,
    pub sealed: VecDeque<Chunk>,
    pub spare: Vec<Vec<u8>>,
    pub redo_lsn: u64,
    pub full_page_writes: bool,
    /// Start of the last record.
    pub last_record: u64,
    segment_bytes: u64,
    timeline: u32,
    system_identifier: u64,
    incarnation: u32,
    pub records: u64,
    pub images: u64,
    pub bytes: u64,
}

impl State {
    pub fn new(config: &WalConfig) -> State {
        State {
            position: 0,
            tail: Chunk { start: 0, bytes: Vec::new() },
            sealed: VecDeque::new(),
            spare: Vec::new(),
            redo_lsn: 0,
            full_page_writes: config.full_page_writes,
            last_record: 0,
            segment_bytes: config.segment_bytes,
            timeline: 1,
            system_identifier: 0,
            incarnation: 0,
            records: 0,
            images: 0,
            bytes: 0,
        }
    }

    pub fn start(&mut self, at: StartAt) {
        self.position = at.end.0;
        self.tail = Chunk { start: at.end.0, bytes: Vec::with_capacity(CHUNK_BYTES + 4096) };
        self.redo_lsn = at.redo_lsn.0;
        self.timeline = at.timeline;
        self.system_identifier = at.system_identifier;
        self.incarnation = at.incarnation;
    }

    /// Where the next record will start.
    pub fn next_start(&self) -> u64 {
        segment::record_start(self.position, self.segment_bytes)
    }

    /// Copies a record in; says whether it touched a new segment.
    #[inline]
    fn put(&mut self, record: &Record<'_>, body: &Body<'_>) -> (Inserted, bool) {
        let len = HEADER_BYTES + body.len;
        let start = self.next_start();
        let header = Header {
            len: len as u32,
            crc: 0,
            lsn: start,
            incarnation: self.incarnation,
            xid: record.xid.0,
            rmgr: record.rmgr as u8,
            info: record.info,
        }
        .encode(body.crc);
        let before = self.position / self.segment_bytes;
        let fits =
            self.position == start && start % self.segment_bytes + len as u64 + (ALIGNMENT as u64) < self.segment_bytes;
        if fits {
            let tail = &mut self.tail.bytes;
            tail.extend_from_slice(&header);
            for part in body.parts() {
                tail.extend_from_slice(part);
            }
            let padding = aligned(len as u64) as usize - len;
            tail.extend_from_slice(&[0; ALIGNMENT][..padding]);
            self.position += (len + padding) as u64;
        } else {
            self.put_split(&header);
            for part in body.parts() {
                self.put_split(part);
            }
            let padding = aligned(self.position) - self.position;
            self.put_split(&[0; ALIGNMENT][..padding as usize]);
        }
        self.last_record = start;
        self.records += 1;
        self.images += body.images_carried as u64;
        self.bytes += self.position - start;
        if self.tail.bytes.len() >= CHUNK_BYTES {
            self.seal();
        }
        let opened = start % self.segment_bytes == segment::HEADER_BYTES as u64;
        let crossed = !fits && (opened || (self.position - 1) / self.segment_bytes != before);
        (Inserted { start: Lsn(start), end: Lsn(self.position) }, crossed)
    }

    /// Copies bytes, putting a segment header wherever a segment begins.
    fn put_split(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let within = self.position % self.segment_bytes;
            if within == 0 {
                let header = SegmentHeader {
                    address: self.position,
                    timeline: self.timeline,
                    system_identifier: self.system_identifier,
                    segment_bytes: self.segment_bytes,
                };
                self.tail.bytes.extend_from_slice(&header.encode());
                self.position += segment::HEADER_BYTES as u64;
                continue;
            }
            let room = (self.segment_bytes - within) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.tail.bytes.extend_from_slice(now);
            self.position += now.len() as u64;
            bytes = later;
        }
    }

    /// Hands the tail to the writer and begins a new one.
    pub fn seal(&mut self) {
        if self.tail.bytes.is_empty() {
            self.tail.start = self.position;
            return;
        }
        let bytes = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK_BYTES + 4096));
        let full = std::mem::replace(&mut self.tail, Chunk { start: self.position, bytes });
        self.sealed.push_back(full);
    }

    /// Takes an emptied chunk back.
    pub fn reuse(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < SPARE_CHUNKS && bytes.capacity() < 4 * CHUNK_BYTES {
            bytes.clear();
            self.spare.push(bytes);
        }
    }
}

impl Wal {
    /// Must be called, with no latch held, before a critical section that inserts up to `bytes`
    /// ([`Record::max_bytes`]); afterwards the insert cannot fail.
    ///
    /// # Errors
    /// 53100 when the disk has no room for the segments ahead (WAL-4).
    #[inline]
    pub fn reserve(&self, bytes: usize) -> Flow<()> {
        self.reserve_for(bytes, Need::Rows)
    }

    /// [`reserve`](Wal::reserve) for what must go on when the disk is full for others.
    ///
    /// # Errors
    /// As [`reserve`](Wal::reserve), later.
    #[inline]
    pub fn reserve_for(&self, bytes: usize, need: Need) -> Flow<()> {
        let position = self.inserted.load(Ordering::Relaxed);
        let wanted = position + bytes as u64 + need.margin(self.segment_bytes);
        if wanted > self.allocated_end.load(Ordering::Acquire)
            || position.saturating_sub(self.written.load(Ordering::Relaxed)) > self.buffer_bytes.load(Ordering::Relaxed)
            || self.checkpoint_due.load(Ordering::Relaxed)
        {
            self.reserve_slowly(wanted)?;
        }
        Ok(())
    }

    /// [`reserve`](Wal::reserve) for what is worth little: while the disk is full, no segment is tried for.
    pub fn has_room(&self, bytes: usize) -> bool {
        let wanted = self.inserted.load(Ordering::Relaxed) + bytes as u64 + Need::Rows.margin(self.segment_bytes);
        let beyond = wanted > self.allocated_end.load(Ordering::Acquire);
        !(beyond && self.no_room.load(Ordering::Relaxed)) && self.reserve(bytes).is_ok()
    }

    #[cold]
    fn reserve_slowly(&self, wanted: u64) -> Flow<()> {
        assert!(self.is_started(), "cannot make new WAL entries during recovery");
        if wanted > self.allocated_end.load(Ordering::Acquire) {
            self.allocate_to(wanted)?;
        }
        let unwritten = self.inserted.load(Ordering::Relaxed).saturating_sub(self.written.load(Ordering::Relaxed));
        if unwritten > self.buffer_bytes.load(Ordering::Relaxed) {
            self.counters.buffers_full.fetch_add(1, Ordering::Relaxed);
            self.write_out();
        }
        if self.checkpoint_due.swap(false, Ordering::SeqCst)
            && let Some(observer) = self.observer.get()
        {
            observer.checkpoint_due();
        }
        Ok(())
    }

    /// Puts a record into the log's buffer. The pages of its Normal blocks that were not changed since
    /// the redo position go along as full images.
    ///
    /// Call only after [`reserve`](Wal::reserve), in the critical section, under the pages' latches.
    #[inline]
    pub fn insert(&self, record: &Record<'_>) -> Inserted {
        debug_assert!(self.is_started(), "cannot make new WAL entries during recovery");
        loop {
            let redo = self.redo.load(Ordering::Acquire);
            let images = self.full_page_writes.load(Ordering::Relaxed);
            let body = Body::new(record, redo, images);
            let mut state = self.insert.lock();
            // A checkpoint began meanwhile: other pages need images now (PostgreSQL 15, xlog.c,
            // XLogInsertRecord: same).
            if !record.blocks.is_empty() && (state.redo_lsn != redo || state.full_page_writes != images) {
                continue;
            }
            let (inserted, crossed) = state.put(record, &body);
            self.inserted.store(inserted.end.0, Ordering::Release);
            drop(state);
            super::usage::add(body.images_carried as u64, inserted.end.0 - inserted.start.0);
            if crossed {
                self.note_new_segment(inserted.end.0);
            }
            self.write_behind(inserted.end.0);
            if record.blocks.first().is_some_and(|b| b.mode == BlockMode::Init) {
                self.note_built_page();
            }
            return inserted;
        }
    }

    /// Has the flusher write while a bulk load goes on (PostgreSQL 15: `wal_writer_flush_after`, same amount), so that
    /// the end of the load need not wait for all of it.
    #[inline]
    fn write_behind(&self, end: u64) {
        if end.saturating_sub(self.written.load(Ordering::Relaxed)) > WRITE_BEHIND_BYTES
            && !self.behind.load(Ordering::Relaxed)
        {
            self.behind.store(true, Ordering::Relaxed);
            self.request_flush();
        }
    }

    /// A record that builds a page anew stands for a page of work in recovery, however short it is: bulk loads, a few
    /// bytes of log a row here, ask for checkpoints after as many pages as PostgreSQL's, which logs the rows.
    #[inline]
    fn note_built_page(&self) {
        let pages_a_segment = self.segment_bytes / PAGE_SIZE as u64;
        let built = self.built_pages.fetch_add(1, Ordering::Relaxed) + 1;
        if built.is_multiple_of(pages_a_segment) {
            let limit = self.checkpoint_segments.load(Ordering::Relaxed) as u64;
            if limit > 0 && built / pages_a_segment >= limit {
                self.checkpoint_due.store(true, Ordering::SeqCst);
            }
        }
    }

    #[cold]
    fn note_new_segment(&self, position: u64) {
        let limit = self.checkpoint_segments.load(Ordering::Relaxed) as u64;
        let since = self.segment_of(position) - self.segment_of(self.redo.load(Ordering::Relaxed));
        if limit > 0 && since >= limit {
            self.checkpoint_due.store(true, Ordering::SeqCst);
        }
    }

    /// Makes the current insert position the redo position and returns it: the start of the next record.
    /// From now on pages changed before it get full images.
    pub fn begin_checkpoint(&self) -> Lsn {
        let mut state = self.insert.lock();
        let redo = state.next_start();
        state.redo_lsn = redo;
        self.redo.store(redo, Ordering::Release);
        self.built_pages.store(0, Ordering::Relaxed);
        Lsn(redo)
    }

    /// Sets the redo position to a known one (after initdb, in tests).
    pub fn set_redo_lsn(&self, lsn: Lsn) {
        let mut state = self.insert.lock();
        state.redo_lsn = lsn.0;
        self.redo.store(lsn.0, Ordering::Release);
    }

    /// The start of the last record inserted.
    pub fn last_record(&self) -> Lsn {
        Lsn(self.insert.lock().last_record)
    }

    /// Leaves the rest of the current segment empty and goes on in the next one. Returns the end of the
    /// switch record, or the segment's start if nothing was written to it (PostgreSQL 15, xlogfuncs.c,
    /// pg_switch_wal: same).
    pub fn switch(&self) -> Flow<Lsn> {
        self.reserve(HEADER_BYTES + self.segment_bytes as usize)?;
        let record = Record { rmgr: Rmgr::Xlog, info: xlog::SWITCH, xid: Xid::INVALID, blocks: &[], data: &[] };
        let body = Body::new(&record, 0, false);
        let mut state = self.insert.lock();
        let within = state.position % self.segment_bytes;
        if within == 0 || within == segment::HEADER_BYTES as u64 {
            return Ok(Lsn(state.position - within));
        }
        let (inserted, _) = state.put(&record, &body);
        let next = inserted.end.0.next_multiple_of(self.segment_bytes);
        state.seal();
        state.position = next;
        state.tail.start = next;
        self.inserted.store(next, Ordering::Release);
        drop(state);
        self.note_new_segment(next);
        Ok(inserted.end)
    }
}
