//! What clients send, decoded from exactly one message's bytes (WIRE-1).

use super::encode::Format;
use super::frame::Frame;
use crate::base::charset::Charset;
use crate::base::memory::claim_much;
use crate::base::{Error, Result, SqlState};
use crate::err;
use bytes::Bytes;

/// A portal or a prepared statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    Statement,
    Portal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse {
    pub name: String,
    pub query: String,
    /// Type OIDs given for the first parameters; 0: to be inferred.
    pub types: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    pub portal: String,
    pub statement: String,
    pub formats: Vec<Format>,
    pub parameters: Vec<Option<Bytes>>,
    pub result_formats: Vec<Format>,
}

/// A call of one function, outside of any statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionCall {
    pub function: u32,
    pub formats: Vec<Format>,
    pub arguments: Vec<Option<Bytes>>,
    pub result: Format,
}

/// A message after startup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frontend {
    Query(String),
    Parse(Parse),
    Bind(Bind),
    Describe(Target, String),
    Execute {
        portal: String,
        max_rows: u32,
    },
    Close(Target, String),
    Flush,
    Sync,
    Terminate,
    CopyData(Bytes),
    CopyDone,
    CopyFail(String),
    /// Password, SASL and GSS answers share a type byte.
    Password(Bytes),
    FunctionCall(FunctionCall),
}

impl Frontend {
    /// The byte that a message of this kind begins with.
    pub fn type_byte(&self) -> u8 {
        match self {
            Frontend::Query(_) => b'Q',
            Frontend::Parse(_) => b'P',
            Frontend::Bind(_) => b'B',
            Frontend::Describe(..) => b'D',
            Frontend::Execute { .. } => b'E',
            Frontend::Close(..) => b'C',
            Frontend::Flush => b'H',
            Frontend::Sync => b'S',
            Frontend::Terminate => b'X',
            Frontend::CopyData(_) => b'd',
            Frontend::CopyDone => b'c',
            Frontend::CopyFail(_) => b'f',
            Frontend::Password(_) => b'p',
            Frontend::FunctionCall(_) => b'F',
        }
    }
}

struct Body {
    rest: Bytes,
    /// What the client's texts are in, where that is not UTF-8.
    charset: Option<&'static Charset>,
}

fn malformed(what: &str) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, what).place("pq_getmsgend", "pqformat.c", 635)
}

impl Body {
    fn take(&mut self, n: usize) -> Result<Bytes> {
        if n > self.rest.len() {
            return Err(malformed("insufficient data left in message"));
        }
        Ok(self.rest.split_to(n))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn int16(&mut self) -> Result<i16> {
        let b = self.take(2)?;
        Ok(i16::from_be_bytes([b[0], b[1]]))
    }

    fn int32(&mut self) -> Result<i32> {
        let b = self.take(4)?;
        Ok(i32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// A count that the remaining bytes can hold.
    fn count(&mut self, each: usize) -> Result<usize> {
        let n = self.int16()? as u16 as usize;
        if n * each > self.rest.len() { Err(malformed("insufficient data left in message")) } else { Ok(n) }
    }

    fn string(&mut self) -> Result<String> {
        let end = self.rest.iter().position(|b| *b == 0).ok_or_else(|| malformed("invalid string in message"))?;
        claim_much(end, "MessageContext")?;
        let text = match self.charset {
            None => utf8(&self.rest[..end])?.to_string(),
            Some(charset) => charset.decode(&self.rest[..end])?.into_owned(),
        };
        self.rest = self.rest.slice(end + 1..);
        Ok(text)
    }

    fn formats(&mut self) -> Result<Vec<Format>> {
        (0..self.count(2)?).map(|_| Format::from_code(self.int16()?)).collect()
    }

    /// Values with their lengths; −1 is NULL.
    fn values(&mut self) -> Result<Vec<Option<Bytes>>> {
        let one = |b: &mut Body| match b.int32()? {
            -1 => Ok(None),
            n if n < 0 => Err(malformed("insufficient data left in message")),
            n => b.take(n as usize).map(Some),
        };
        (0..self.count(4)?).map(|_| one(self)).collect()
    }

    /// Values of which those in text form are made UTF-8.
    fn texts(&mut self, formats: &[Format]) -> Result<Vec<Option<Bytes>>> {
        let mut values = self.values()?;
        let Some(charset) = self.charset else { return Ok(values) };
        for (i, value) in values.iter_mut().enumerate() {
            if let (Some(bytes), Format::Text) = (&value, Format::of(formats, i))
                && !bytes.is_ascii()
            {
                *value = Some(charset.decode(bytes)?.into_owned().into());
            }
        }
        Ok(values)
    }

    fn target(&mut self, message: &str) -> Result<Target> {
        match self.byte()? {
            b'S' => Ok(Target::Statement),
            b'P' => Ok(Target::Portal),
            other => Err(malformed(&format!("invalid {message} message subtype {other}")).place(
                "PostgresMain",
                "postgres.c",
                4665,
            )),
        }
    }

    fn end(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(malformed("invalid message format")) }
    }
}

/// Checks text for what the database can store.
///
/// # Errors
/// 22021, naming the bytes, as PostgreSQL does.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|e| {
        let bad = &bytes[e.valid_up_to()..];
        let len = e.error_len().unwrap_or(bad.len()).clamp(1, 4).max(char_len(bad[0])).min(bad.len());
        let hex: Vec<String> = bad[..len].iter().map(|b| format!("0x{b:02x}")).collect();
        err!(CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": {}", hex.join(" ")).place(
            "report_invalid_encoding",
            "mbutils.c",
            1698,
        )
    })
}

/// How long a character that starts with this byte should be.
fn char_len(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    }
}

impl Frontend {
    /// # Errors
    /// 08P01 for a body that is not what its type demands, 22021 for text that is not UTF-8, 22P05 for bytes that mean
    /// nothing in the client's encoding.
    pub fn decode(frame: Frame, charset: Option<&'static Charset>) -> Result<Frontend> {
        if let Some(e) = frame.refused {
            return Err(e);
        }
        let mut b = Body { rest: frame.body, charset };
        let message = match frame.kind {
            b'Q' => Frontend::Query(b.string()?),
            b'P' => {
                let (name, query) = (b.string()?, b.string()?);
                let types = (0..b.count(4)?).map(|_| b.int32().map(|t| t as u32)).collect::<Result<_>>()?;
                Frontend::Parse(Parse { name, query, types })
            }
            b'B' => {
                let (portal, statement) = (b.string()?, b.string()?);
                let formats = b.formats()?;
                let parameters = b.texts(&formats)?;
                let result_formats = b.formats()?;
                Frontend::Bind(Bind { portal, statement, formats, parameters, result_formats })
            }
            b'D' => Frontend::Describe(b.target("DESCRIBE")?, b.string()?),
            b'E' => Frontend::Execute { portal: b.string()?, max_rows: b.int32()?.max(0) as u32 },
            b'C' => Frontend::Close(b.target("CLOSE")?, b.string()?),
            b'H' => Frontend::Flush,
            b'S' => Frontend::Sync,
            b'X' => Frontend::Terminate,
            b'd' => return Ok(Frontend::CopyData(b.rest)),
            b'c' => Frontend::CopyDone,
            b'f' => Frontend::CopyFail(b.string()?),
            b'p' => return Ok(Frontend::Password(b.rest)),
            _ => {
                let function = b.int32()? as u32;
                let formats = b.formats()?;
                let arguments = b.texts(&formats)?;
                let result = Format::from_code(b.int16()?)?;
                Frontend::FunctionCall(FunctionCall { function, formats, arguments, result })
            }
        };
        b.end()?;
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(kind: u8, body: &'static [u8]) -> Result<Frontend> {
        Frontend::decode(Frame { kind, body: Bytes::from_static(body), refused: None }, None)
    }

    /// Well-formed messages come out as sent.
    #[test]
    fn good() {
        assert_eq!(decode(b'Q', b"select 1\0").unwrap(), Frontend::Query("select 1".into()));
        let Frontend::Bind(bind) = decode(b'B', b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0").unwrap()
        else {
            panic!()
        };
        assert_eq!(bind.parameters, [Some(Bytes::from_static(b"x")), None]);
        assert_eq!(bind.formats, [Format::Binary]);
    }

    /// No cut of a message is accepted, no byte may follow, and bad text is named.
    #[test]
    fn bad() {
        let bind = b"p\0s\0\0\x01\0\x01\0\x01\0\0\0\x01x\0\0";
        for n in 0..bind.len() {
            assert!(decode(b'B', &bind[..n]).is_err(), "{n}");
        }
        assert!(decode(b'Q', b"a\0b\0").is_err());
        assert!(decode(b'S', b"x").is_err());
        assert!(decode(b'D', b"Xa\0").is_err());
        let e = decode(b'Q', b"a\xc3(\0").unwrap_err();
        assert_eq!(e.message(), "invalid byte sequence for encoding \"UTF8\": 0xc3 0x28");
    }
}
