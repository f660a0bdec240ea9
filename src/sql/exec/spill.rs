//! Temporary files: batches that did not fit into `work_mem`.
//!
//! A reader holds one frame at a time: a batch of long values is written as several.
//!
//! On disk: `base/pgsql_tmp/pgsql_tmp<pid>.<n>` (or in one of `temp_tablespaces`), frames of a length (u32 LE) and a batch: rows u32, columns u16, and per
//! column its form u8, whether it has NULLs u8, their flags a byte each, the values LE; bytes values as lengths u32
//! followed by the bytes. Removed when dropped; what a crash leaves behind the start removes.

use super::ExecContext;
use crate::base::report::{self, Origin};
use crate::base::{Error, Oid, Report, Result, Severity, SqlState};
use crate::disk::{Disk, File, access_error, tablespace};
use crate::sql::command::next_temporary_tablespace as next_temporary;
use crate::types::{BATCH_BYTES, Batch, BytesColumn, Column, ColumnData, Phys};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BUFFER: usize = 256 * 1024;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file of batches: written once, then read, any number of times.
pub(crate) struct TempFile {
    disk: Arc<dyn Disk>,
    file: Arc<dyn File>,
    path: String,
    written: u64,
    buffer: Vec<u8>,
    /// Bytes of values in a frame of several rows, and of the longest one there is.
    frame: usize,
    widest: usize,
    pub rows: usize,
    /// Logged at its end if it has grown to so many kB, as what its maker did.
    log_from_kb: Option<u64>,
    origin: Option<Arc<Origin>>,
}

/// Where a reader stands in a file.
#[derive(Default)]
pub(crate) struct Cursor {
    offset: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl Cursor {
    /// Nothing was read yet.
    pub fn is_start(&self) -> bool {
        self.offset == 0
    }
}

impl TempFile {
    pub fn create(cx: &ExecContext) -> Result<TempFile> {
        TempFile::with_frames(cx, BATCH_BYTES)
    }

    /// One whose frames of several rows have values of at most so many bytes.
    pub fn with_frames(cx: &ExecContext, frame: usize) -> Result<TempFile> {
        let disk = cx.temp.clone().ok_or_else(|| Error::internal("no place for temporary files"))?;
        let space = cx.backend.as_ref().map_or(Oid::INVALID, |b| b.catalog.space(next_temporary(b)));
        let directory = tablespace::temporary(space);
        for dir in [&tablespace::root(space), &directory] {
            match disk.mkdir(dir) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(access_error(format!("create directory \"{dir}\""), &e));
                }
                _ => {}
            }
        }
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let origin = report::current();
        let pid = origin.as_ref().map_or_else(std::process::id, |o| o.pid);
        let path = format!("{directory}/pgsql_tmp{pid}.{n}");
        let file = disk.create(&path).map_err(|e| access_error(format!("create temporary file \"{path}\""), &e))?;
        let log_from_kb = cx.settings.log_temp_files_kb;
        Ok(TempFile {
            disk,
            file,
            path,
            written: 0,
            buffer: Vec::new(),
            frame,
            widest: 0,
            rows: 0,
            log_from_kb,
            origin,
        })
    }

    /// Bytes written out.
    pub fn bytes(&self) -> u64 {
        self.written
    }

    /// The longest frame: what its reader holds.
    pub fn widest(&self) -> usize {
        self.widest
    }

    pub fn write(&mut self, cx: &mut ExecContext, batch: &Batch) -> Result<()> {
        let mut from = 0;
        while from < batch.rows {
            let end = from + batch.fitting(from, self.frame);
            self.write_frame(cx, batch, from..end)?;
            from = end;
        }
        Ok(())
    }

    fn write_frame(&mut self, cx: &mut ExecContext, batch: &Batch, rows: Range<usize>) -> Result<()> {
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        self.rows += rows.len();
        encode(batch, rows, &mut self.buffer);
        let len = (self.buffer.len() - at - 4) as u32;
        self.buffer[at..at + 4].copy_from_slice(&len.to_le_bytes());
        self.widest = self.widest.max(len as usize);
        if self.buffer.len() >= BUFFER {
            self.flush(cx)?;
        }
        Ok(())
    }

    /// Writes out what is buffered; to be called before the first read.
    pub fn flush(&mut self, cx: &mut ExecContext) -> Result<()> {
        cx.run.temp_bytes += self.buffer.len() as u64;
        crate::sql::track::temporary_written(self.buffer.len());
        if let Some(limit) = cx.settings.temp_file_limit_kb
            && cx.run.temp_bytes > limit * 1024
        {
            return Err(crate::err!(
                CONFIGURATION_LIMIT_EXCEEDED,
                "temporary file size exceeds temp_file_limit ({limit}kB)"
            ));
        }
        let wrote = self.file.write_at(&self.buffer, self.written);
        wrote.map_err(|e| access_error(format!("write to file \"{}\"", self.path), &e))?;
        if let Some(backend) = &mut cx.backend {
            backend.stats.temp_files += i64::from(self.written == 0 && !self.buffer.is_empty());
            backend.stats.temp_bytes += self.buffer.len() as i64;
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        if self.buffer.capacity() > 2 * BUFFER {
            // Of long rows: the next one takes its own.
            self.buffer = Vec::new();
        }
        Ok(())
    }

    /// The next batch after the cursor.
    pub fn read(&self, cursor: &mut Cursor) -> Result<Option<Batch>> {
        if !self.ensure(cursor, 4)? {
            return Ok(None);
        }
        let len = u32_at(&cursor.buffer, cursor.at) as usize;
        if !self.ensure(cursor, 4 + len)? {
            return Err(crate::err!(DATA_CORRUPTED, "unexpected end of temporary file \"{}\"", self.path));
        }
        let frame = &cursor.buffer[cursor.at + 4..cursor.at + 4 + len];
        let batch = decode(frame);
        cursor.at += 4 + len;
        if len > BUFFER && cursor.at == cursor.buffer.len() {
            (cursor.buffer, cursor.at) = (Vec::new(), 0);
        }
        Ok(Some(batch))
    }

    /// Makes `need` bytes available at the cursor; false at the end of the file.
    fn ensure(&self, cursor: &mut Cursor, need: usize) -> Result<bool> {
        if cursor.buffer.len() - cursor.at >= need {
            return Ok(true);
        }
        cursor.buffer.drain(..cursor.at);
        cursor.at = 0;
        let have = cursor.buffer.len();
        let left = (self.written - cursor.offset) as usize;
        let want = left.min((need - have).max(64 * 1024));
        cursor.buffer.resize(have + want, 0);
        let got = self.file.read_at(&mut cursor.buffer[have..], cursor.offset);
        let got = got.map_err(|e| access_error(format!("read from temporary file \"{}\"", self.path), &e))?;
        cursor.buffer.truncate(have + got);
        crate::sql::track::temporary_read(got);
        cursor.offset += got as u64;
        Ok(cursor.buffer.len() >= need)
    }
}

/// A file whose batches are read in any order.
pub(crate) struct Frames(TempFile);

impl Frames {
    pub fn create(cx: &ExecContext) -> Result<Frames> {
        Ok(Frames(TempFile::create(cx)?))
    }

    /// Adds a batch, perhaps in pieces: where each lies, and how many rows it has.
    pub fn add(&mut self, cx: &mut ExecContext, batch: &Batch) -> Result<Vec<(u64, usize)>> {
        let (mut from, mut made) = (0, Vec::new());
        while from < batch.rows {
            let rows = batch.fitting(from, self.0.frame);
            made.push((self.0.written, rows));
            self.0.write_frame(cx, batch, from..from + rows)?;
            self.0.flush(cx)?;
            from += rows;
        }
        Ok(made)
    }

    /// The batch, or piece of one, that lies there.
    pub fn get(&self, at: u64) -> Result<Batch> {
        let mut cursor = Cursor { offset: at, ..Cursor::default() };
        let found = self.0.read(&mut cursor)?;
        found.ok_or_else(|| crate::err!(DATA_CORRUPTED, "unexpected end of temporary file \"{}\"", self.0.path))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // Nobody can use the file any more; a leftover is removed at the next start.
        let _ = self.disk.remove(&self.path);
        if self.log_from_kb.is_some_and(|kb| self.written > 0 && self.written / 1024 >= kb) {
            self.log();
        }
    }
}

impl TempFile {
    /// PostgreSQL 15, fd.c, ReportTemporaryFileUsage: same text.
    fn log(&self) {
        let text = format!("temporary file: path \"{}\", size {}", self.path, self.written);
        let line = Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text);
        match report::current().or_else(|| self.origin.clone()) {
            Some(origin) => report::log_as(&origin, &line),
            None => report::log(&line),
        }
    }
}

fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

fn form_code(p: Phys) -> u8 {
    match p {
        Phys::Bool => 0,
        Phys::I16 => 1,
        Phys::I32 => 2,
        Phys::U32 => 3,
        Phys::I64 => 4,
        Phys::F32 => 5,
        Phys::F64 => 6,
        Phys::Bytes => 7,
    }
}

fn encode(batch: &Batch, rows: Range<usize>, out: &mut Vec<u8>) {
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    out.extend_from_slice(&(batch.columns.len() as u16).to_le_bytes());
    for c in &batch.columns {
        out.push(form_code(c.phys()));
        out.push(c.nulls.is_some().into());
        if let Some(n) = &c.nulls {
            out.extend(n[rows.clone()].iter().map(|b| u8::from(*b)));
        }
        macro_rules! put {
            ($v:expr) => {
                $v[rows.clone()].iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes()))
            };
        }
        match &c.data {
            ColumnData::Bool(v) => out.extend(v[rows.clone()].iter().map(|b| u8::from(*b))),
            ColumnData::I16(v) => put!(v),
            ColumnData::I32(v) => put!(v),
            ColumnData::U32(v) => put!(v),
            ColumnData::I64(v) => put!(v),
            ColumnData::F32(v) => put!(v),
            ColumnData::F64(v) => put!(v),
            ColumnData::Bytes(b) => {
                b.views[rows.clone()].iter().for_each(|v| out.extend_from_slice(&v.len.to_le_bytes()));
                rows.clone().for_each(|r| out.extend_from_slice(b.get(r)));
            }
        }
    }
}

/// The frame was written by this very process, so its shape is trusted.
fn decode(frame: &[u8]) -> Batch {
    let rows = u32_at(frame, 0) as usize;
    let count = u16::from_le_bytes([frame[4], frame[5]]) as usize;
    let mut at = 6;
    let mut take = |n: usize| {
        let part = &frame[at..at + n];
        at += n;
        part
    };
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        let head = take(2);
        let (form, has_nulls) = (head[0], head[1] != 0);
        let nulls = has_nulls.then(|| take(rows).iter().map(|b| *b != 0).collect());
        macro_rules! get {
            ($t:ty, $n:literal) => {
                take(rows * $n).as_chunks::<$n>().0.iter().map(|b| <$t>::from_le_bytes(*b)).collect()
            };
        }
        let data = match form {
            0 => ColumnData::Bool(take(rows).iter().map(|b| *b != 0).collect()),
            1 => ColumnData::I16(get!(i16, 2)),
            2 => ColumnData::I32(get!(i32, 4)),
            3 => ColumnData::U32(get!(u32, 4)),
            4 => ColumnData::I64(get!(i64, 8)),
            5 => ColumnData::F32(get!(f32, 4)),
            6 => ColumnData::F64(get!(f64, 8)),
            _ => {
                let lens: Vec<u32> = get!(u32, 4);
                let mut b = BytesColumn::default();
                lens.iter().for_each(|len| b.push(take(*len as usize)));
                ColumnData::Bytes(b)
            }
        };
        columns.push(Column { data, nulls });
    }
    Batch { columns, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Datum;

    /// A batch with NULLs and texts comes back from the file as it went in, batch by batch.
    #[test]
    fn batches_survive_the_file() {
        let mut cx = ExecContext { temp: Some(Arc::new(crate::disk::Simulated::new(1))), ..ExecContext::default() };
        let mut a = Column::new(Phys::I32);
        let mut b = Column::new(Phys::Bytes);
        for i in 0..1000 {
            a.push(if i % 7 == 0 { Datum::Null } else { Datum::I32(i) });
            b.push(Datum::Bytes(format!("text {i}").as_bytes()));
        }
        let batch = Batch { columns: vec![a, b], rows: 1000 };
        let mut file = TempFile::create(&cx).unwrap();
        for _ in 0..50 {
            file.write(&mut cx, &batch).unwrap();
        }
        file.flush(&mut cx).unwrap();
        let mut cursor = Cursor::default();
        let mut batches = 0;
        while let Some(read) = file.read(&mut cursor).unwrap() {
            for r in [0, 1, 999] {
                assert_eq!(read.columns[0].get(r), batch.columns[0].get(r));
                assert_eq!(read.columns[1].get(r), batch.columns[1].get(r));
            }
            batches += 1;
        }
        assert_eq!((batches, file.rows), (50, 50_000));
    }
}
