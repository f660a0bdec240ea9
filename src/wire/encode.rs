//! What clients get, written into one buffer that leaves with few system calls.

use crate::base::charset::Charset;
use crate::base::error::Report;
use crate::base::{Result, Severity};
use crate::err;
use crate::types::{self, Batch, Datum, IoContext, TypeRef};
use bytes::{BufMut, BytesMut};
use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::copy::{CopyDone, CopyInResponse, CopyOutResponse};
use pgwire::messages::data::{FieldDescription, NoData, ParameterDescription, RowDescription};
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::{self, CommandComplete, EmptyQueryResponse, ReadyForQuery};
use std::borrow::Cow;
use std::ops::Range;

/// How a value travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Text,
    Binary,
}

impl Format {
    /// # Errors
    /// 22023 for a code nobody knows.
    pub fn from_code(code: i16) -> Result<Format> {
        match code {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            other => Err(err!(INVALID_PARAMETER_VALUE, "unsupported format code: {other}")),
        }
    }

    /// The format of the i-th of several: none given means text, one means that for all.
    pub fn of(formats: &[Format], i: usize) -> Format {
        match formats {
            [] => Format::Text,
            [one] => *one,
            many => many.get(i).copied().unwrap_or(Format::Text),
        }
    }
}

/// A result column as RowDescription tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowColumn {
    pub name: String,
    /// Table OID and attribute number, 0 when it is an expression.
    pub table: u32,
    pub attno: i16,
    pub ty: TypeRef,
    pub format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionStatus {
    Idle,
    InBlock,
    Failed,
}

/// Room for answers that an idle connection keeps.
const KEPT: usize = 512;

/// Bytes on their way to the client.
#[derive(Default, Debug)]
pub struct Output {
    pub buf: BytesMut,
    /// Scratch of the text encoders.
    scratch: Vec<u8>,
    /// What the client's texts are in, where that is not UTF-8.
    pub charset: Option<&'static Charset>,
}

impl Output {
    pub fn len(&self) -> usize {
        self.buf.len()
    }

    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// Gives memory back when the client is quiet, but for what small answers need.
    pub fn rest(&mut self) {
        if self.buf.is_empty() && self.buf.capacity() > KEPT {
            self.buf = BytesMut::new();
        }
        if self.scratch.capacity() > KEPT {
            self.scratch = Vec::new();
        }
    }

    fn put(&mut self, message: Message) {
        // Only a message beyond pgwire's own size limits fails to encode; none of those sent here can be.
        let before = self.buf.len();
        if self.buf.capacity() == 0 {
            self.buf.reserve(KEPT);
        }
        if message.encode(&mut self.buf).is_err() {
            self.buf.truncate(before);
        }
        if let Some(charset) = self.charset {
            self.translate(charset, before);
        }
    }

    /// Puts the texts of the message that begins at `start` into the client's encoding. What an error says must not
    /// fail: what it has no byte for becomes a question mark.
    fn translate(&mut self, charset: &Charset, start: usize) {
        let message = self.buf[start..].to_vec();
        let Some((head, body)) = message.split_at_checked(5) else { return };
        let made = match head[0] {
            // Texts alone, with ASCII bytes and zeros between them.
            b'E' | b'N' | b'C' => charset.encode_lossy(body).into_owned(),
            b'A' => [&body[..4], &*charset.encode_lossy(&body[4..])].concat(),
            b'T' => {
                let mut made = body[..2].to_vec();
                let mut rest = &body[2..];
                while let Some(end) = rest.iter().position(|b| *b == 0) {
                    // The name's zero, and the numbers after it.
                    let next = (end + 19).min(rest.len());
                    made.extend_from_slice(&charset.encode_lossy(&rest[..end]));
                    made.extend_from_slice(&rest[end..next]);
                    rest = &rest[next..];
                }
                made
            }
            _ => return,
        };
        self.buf.truncate(start + 1);
        self.buf.put_u32(made.len() as u32 + 4);
        self.buf.put_slice(&made);
    }

    pub fn parse_complete(&mut self) {
        self.put(Message::ParseComplete(ParseComplete::new()));
    }

    pub fn bind_complete(&mut self) {
        self.put(Message::BindComplete(BindComplete::new()));
    }

    pub fn close_complete(&mut self) {
        self.put(Message::CloseComplete(CloseComplete::new()));
    }

    pub fn no_data(&mut self) {
        self.put(Message::NoData(NoData::new()));
    }

    pub fn portal_suspended(&mut self) {
        self.put(Message::PortalSuspended(PortalSuspended::new()));
    }

    pub fn empty_query(&mut self) {
        self.put(Message::EmptyQueryResponse(EmptyQueryResponse::new()));
    }

    pub fn command_complete(&mut self, tag: &str) {
        self.put(Message::CommandComplete(CommandComplete::new(tag.to_string())));
    }

    pub fn ready(&mut self, status: TransactionStatus) {
        let status = match status {
            TransactionStatus::Idle => response::TransactionStatus::Idle,
            TransactionStatus::InBlock => response::TransactionStatus::Transaction,
            TransactionStatus::Failed => response::TransactionStatus::Error,
        };
        self.put(Message::ReadyForQuery(ReadyForQuery::new(status)));
    }

    pub fn parameter_description(&mut self, types: &[u32]) {
        self.put(Message::ParameterDescription(ParameterDescription::new(types.to_vec())));
    }

    pub fn parameter_status(&mut self, name: &str, value: &str) {
        // More than a dozen greet every client: written as they are, without pgwire's owned texts.
        let value = match self.charset {
            None => Cow::Borrowed(value.as_bytes()),
            Some(charset) => charset.encode_lossy(value.as_bytes()),
        };
        self.buf.reserve(7 + name.len() + value.len());
        self.buf.put_u8(b'S');
        self.buf.put_u32((6 + name.len() + value.len()) as u32);
        self.buf.put_slice(name.as_bytes());
        self.buf.put_u8(0);
        self.buf.put_slice(&value);
        self.buf.put_u8(0);
    }

    pub fn notification(&mut self, pid: i32, channel: &str, payload: &str) {
        let n = response::NotificationResponse::new(pid, channel.to_string(), payload.to_string());
        self.put(Message::NotificationResponse(n));
    }

    pub fn row_description(&mut self, columns: &[RowColumn]) {
        let field = |c: &RowColumn| {
            let size = types::info(c.ty.oid).map_or(-1, |i| i.len);
            let format = if c.format == Format::Binary { 1 } else { 0 };
            FieldDescription::new(c.name.clone(), c.table as i32, c.attno, c.ty.oid.0, size, c.ty.typmod, format)
        };
        self.put(Message::RowDescription(RowDescription::new(columns.iter().map(field).collect())));
    }

    pub fn copy_in(&mut self, binary: bool, columns: usize) {
        let format = binary as i8;
        self.put(Message::CopyInResponse(CopyInResponse::new(format, columns as i16, vec![format.into(); columns])));
    }

    pub fn copy_out(&mut self, binary: bool, columns: usize) {
        let format = binary as i8;
        self.put(Message::CopyOutResponse(CopyOutResponse::new(format, columns as i16, vec![format.into(); columns])));
    }

    pub fn copy_done(&mut self) {
        self.put(Message::CopyDone(CopyDone::new()));
    }

    /// One CopyData message around what `write` appends.
    pub fn copy_data(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        write(&mut self.scratch);
        self.buf.put_u8(b'd');
        self.buf.put_u32(self.scratch.len() as u32 + 4);
        self.buf.put_slice(&self.scratch);
    }

    /// What a function call came to; None: NULL.
    pub fn function_result(&mut self, value: Option<&[u8]>) {
        self.buf.put_u8(b'V');
        self.buf.put_u32(value.map_or(8, |v| v.len() as u32 + 8));
        self.buf.put_i32(value.map_or(-1, |v| v.len() as i32));
        self.buf.put_slice(value.unwrap_or_default());
    }

    /// An ErrorResponse, or, below ERROR, a NoticeResponse.
    pub fn report(&mut self, r: &Report) {
        let fields = fields(r);
        match r.severity >= Severity::Error {
            true => self.put(Message::ErrorResponse(response::ErrorResponse::new(fields))),
            false => self.put(Message::NoticeResponse(response::NoticeResponse::new(fields))),
        }
    }

    /// Encodes rows `from..to` of a batch as DataRow messages.
    ///
    /// # Errors
    /// Of a type's output function; rows encoded before stay.
    pub fn rows(&mut self, batch: &Batch, from: usize, to: usize, columns: &[RowColumn], io: &IoContext) -> Result<()> {
        self.rows_within(batch, from..to, columns, io, usize::MAX).map(drop)
    }

    /// As [`rows`](Self::rows), until so many bytes are waiting; tells how many rows that were.
    pub fn rows_within(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        columns: &[RowColumn],
        io: &IoContext,
        limit: usize,
    ) -> Result<usize> {
        for row in rows.clone() {
            if self.buf.len() >= limit {
                return Ok(row - rows.start);
            }
            let start = self.buf.len();
            self.buf.put_u8(b'D');
            self.buf.put_u32(0);
            self.buf.put_u16(columns.len() as u16);
            let body = self.buf.len() - 2;
            for (column, shape) in batch.columns.iter().zip(columns) {
                let has = self.buf.len() - body + LENGTH_BYTES;
                let put = self.value(column.get(row), shape.ty, shape.format, io);
                if let Err(e) = put.and_then(|()| check_room(has, (self.buf.len() - body).saturating_sub(has))) {
                    self.buf.truncate(start);
                    return Err(e);
                }
            }
            let len = (self.buf.len() - start - 1) as u32;
            self.buf[start + 1..start + 5].copy_from_slice(&len.to_be_bytes());
        }
        Ok(rows.len())
    }

    fn value(&mut self, value: Datum<'_>, ty: TypeRef, format: Format, io: &IoContext) -> Result<()> {
        match (value, format) {
            (Datum::Null, _) => {
                self.buf.put_i32(-1);
                return Ok(());
            }
            (Datum::I32(v), Format::Text) if ty.oid == types::oid::INT4 => {
                self.integer(v.into());
                return Ok(());
            }
            (Datum::I64(v), Format::Text) if ty.oid == types::oid::INT8 => {
                self.integer(v);
                return Ok(());
            }
            (Datum::Bytes(b), Format::Text)
                if matches!(ty.oid, types::oid::TEXT | types::oid::VARCHAR | types::oid::BPCHAR) =>
            {
                return self.text(b);
            }
            _ => {}
        }
        self.scratch.clear();
        match format {
            Format::Text => {
                types::text_out(ty, value, &mut self.scratch, io)?;
                let scratch = std::mem::take(&mut self.scratch);
                let put = self.text(&scratch);
                self.scratch = scratch;
                return put;
            }
            Format::Binary => types::binary_out(ty, value, &mut self.scratch, io)?,
        }
        self.buf.put_i32(self.scratch.len() as i32);
        self.buf.put_slice(&self.scratch);
        Ok(())
    }

    /// A value in text form, in the client's encoding.
    fn text(&mut self, text: &[u8]) -> Result<()> {
        let text = match self.charset {
            None => Cow::Borrowed(text),
            Some(charset) => charset.encode(text)?,
        };
        self.buf.put_i32(text.len() as i32);
        self.buf.put_slice(&text);
        Ok(())
    }

    /// Decimal digits without a detour.
    fn integer(&mut self, value: i64) {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut rest = value.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            at -= 1;
            digits[at] = b'-';
        }
        self.buf.put_i32((digits.len() - at) as i32);
        self.buf.put_slice(&digits[at..]);
    }
}

/// A value's length comes before it.
const LENGTH_BYTES: usize = 4;
/// No row may be longer (PostgreSQL 15, memutils.h, MaxAllocSize).
const MAX_ROW: usize = 0x3fff_ffff;

/// # Errors
/// 54000 for a row of `has` bytes that a value of `more` makes too long. PostgreSQL 15, stringinfo.c, enlargeStringInfo:
/// same texts.
fn check_room(has: usize, more: usize) -> Result<()> {
    if more < MAX_ROW.saturating_sub(has) {
        return Ok(());
    }
    let detail = format!("Cannot enlarge string buffer containing {has} bytes by {more} more bytes.");
    Err(crate::err!(PROGRAM_LIMIT_EXCEEDED, "out of memory").detail(detail))
}

/// The fields of a report, in PostgreSQL's order.
fn fields(r: &Report) -> Vec<(u8, String)> {
    let severity = r.severity.as_str().to_string();
    let mut fields = vec![
        (b'S', severity.clone()),
        (b'V', severity),
        (b'C', r.sqlstate.as_str().to_string()),
        (b'M', r.message.clone()),
    ];
    let optional = [
        (b'D', r.detail.clone()),
        (b'H', r.hint.clone()),
        (b'P', r.position.map(|p| p.to_string())),
        (b'p', r.internal_position.map(|p| p.to_string())),
        (b'q', r.internal_query.clone()),
        (b'W', r.context.clone()),
        (b's', r.schema.clone()),
        (b't', r.table.clone()),
        (b'c', r.column.clone()),
        (b'd', r.datatype.clone()),
        (b'n', r.constraint.clone()),
    ];
    fields.extend(optional.into_iter().filter_map(|(k, v)| v.map(|v| (k, v))));
    fields.push((b'F', r.place.file.to_string()));
    fields.push((b'L', r.place.line.to_string()));
    fields.push((b'R', r.place.routine.to_string()));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Column, Phys};

    /// A row has its length, its column count and its values in their formats; NULL is −1.
    #[test]
    fn data_rows() {
        let mut ints = Column::new(Phys::I32);
        [Datum::I32(-1204), Datum::Null].into_iter().for_each(|d| ints.push(d));
        let batch = Batch::new(vec![ints], 2);
        let ty = TypeRef::of(types::oid::INT4);
        let column = |format| RowColumn { name: "a".into(), table: 0, attno: 0, ty, format };
        let mut out = Output::default();
        out.rows(&batch, 0, 2, &[column(Format::Text)], &IoContext::default()).unwrap();
        assert_eq!(&out.buf[..], b"D\0\0\0\x0f\0\x01\0\0\0\x05-1204D\0\0\0\x0a\0\x01\xff\xff\xff\xff");
        let mut out = Output::default();
        out.rows(&batch, 0, 1, &[column(Format::Binary)], &IoContext::default()).unwrap();
        assert_eq!(&out.buf[..], b"D\0\0\0\x0e\0\x01\0\0\0\x04\xff\xff\xfb\x4c");
    }
}
