//! The rows a cursor may still be asked for: in memory, and in a file once they are more than `work_mem` (PostgreSQL 15,
//! portalmem.c, PortalCreateHoldStore: a tuplestore does that for held cursors).

use crate::base::{Error, Result};
use crate::sql::exec::{ExecContext, Frames};
use crate::types::Batch;
use std::collections::VecDeque;

/// Batches of rows by the rows' numbers, from 1.
#[derive(Default)]
pub(super) struct Kept {
    pieces: VecDeque<Piece>,
    /// The number of the last row.
    last: i64,
    /// Bytes of what is in memory, and which piece is the first there.
    memory: usize,
    first_in_memory: usize,
    file: Option<Frames>,
    /// The piece read last.
    read: Option<(i64, Batch)>,
}

struct Piece {
    first: i64,
    rows: usize,
    at: At,
}

enum At {
    Memory(Batch),
    /// From this byte of the file on.
    File(u64),
}

impl Kept {
    pub fn push(&mut self, cx: &mut ExecContext, batch: Batch) -> Result<()> {
        self.memory += batch.memory();
        let piece = Piece { first: self.last + 1, rows: batch.rows, at: At::Memory(batch) };
        self.last += piece.rows as i64;
        self.pieces.push_back(piece);
        // The newest ones are wanted next.
        while self.memory > cx.settings.work_mem() && self.first_in_memory + 1 < self.pieces.len() {
            self.write_out(cx)?;
        }
        Ok(())
    }

    /// Moves the first piece that is in memory to the file.
    fn write_out(&mut self, cx: &mut ExecContext) -> Result<()> {
        let n = self.first_in_memory;
        let Some(piece) = self.pieces.get_mut(n) else { return Ok(()) };
        let At::Memory(batch) = &piece.at else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(Frames::create(cx)?),
        };
        self.memory = self.memory.saturating_sub(batch.memory());
        let mut made = Vec::new();
        let mut from = piece.first;
        for (at, rows) in file.add(cx, batch)? {
            made.push(Piece { first: from, rows, at: At::File(at) });
            from += rows as i64;
        }
        self.first_in_memory += made.len();
        self.pieces.remove(n);
        made.into_iter().rev().for_each(|piece| self.pieces.insert(n, piece));
        Ok(())
    }

    /// The batch that has the row of this number, and its place there.
    pub fn find(&mut self, row: i64) -> Result<Option<(&Batch, usize)>> {
        let Some(n) = self.pieces.partition_point(|p| p.first <= row).checked_sub(1) else { return Ok(None) };
        let Some(piece) = self.pieces.get(n) else { return Ok(None) };
        let at = (row - piece.first) as usize;
        if at >= piece.rows {
            return Ok(None);
        }
        let offset = match &piece.at {
            At::Memory(batch) => return Ok(Some((batch, at))),
            At::File(offset) => *offset,
        };
        if self.read.as_ref().is_none_or(|(first, _)| *first != piece.first) {
            let file = self.file.as_ref().ok_or_else(|| Error::internal("a cursor's file is gone"))?;
            self.read = Some((piece.first, file.get(offset)?));
        }
        Ok(self.read.as_ref().map(|(_, batch)| (batch, at)))
    }

    /// The rows before this one are not wanted again.
    pub fn forget_before(&mut self, row: i64) {
        while let Some(piece) = self.pieces.front()
            && piece.first + piece.rows as i64 <= row
        {
            if let At::Memory(batch) = &piece.at {
                self.memory = self.memory.saturating_sub(batch.memory());
            }
            self.first_in_memory = self.first_in_memory.saturating_sub(1);
            self.pieces.pop_front();
        }
    }
}
