//! Bytes to and from the client, whatever carries them.

use crate::base::{Error, Result, Severity, SqlState};
use crate::wire::{Frame, Frontend, Output, Reader, Startup};
use bytes::{Buf, BufMut};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A socket, plain or encrypted.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Beyond this the output leaves before more is produced.
pub const OUTPUT_LIMIT: usize = 64 * 1024;

/// One client: what it sent, what it is to get.
pub struct Client {
    pub stream: Box<dyn Stream>,
    pub reader: Reader,
    pub out: Output,
    /// The last read took all there was room for: more is coming.
    much: bool,
}

impl Client {
    pub fn new(stream: Box<dyn Stream>) -> Client {
        Client { stream, reader: Reader::default(), out: Output::default(), much: false }
    }

    /// Sends everything.
    ///
    /// # Errors
    /// FATAL 08006 when the client is gone.
    pub async fn flush(&mut self) -> Result<()> {
        while !self.out.buf.is_empty() {
            let n = self.stream.write(&self.out.buf).await.map_err(|e| lost("could not send data to client", &e))?;
            if n == 0 {
                return Err(lost("could not send data to client", &io::ErrorKind::WriteZero.into()));
            }
            if n == self.out.buf.len() {
                self.out.buf.clear();
            } else {
                self.out.buf.advance(n);
            }
        }
        Ok(())
    }

    /// Reads more bytes; false at the client's end. Dropping the future loses nothing.
    async fn fill(&mut self) -> Result<bool> {
        let buffer = self.reader.buffer(self.much);
        let room = buffer.capacity() - buffer.len();
        let n = self.stream.read_buf(&mut buffer.limit(room)).await;
        let n = n.map_err(|e| lost("could not receive data from client", &e))?;
        self.much = n == room;
        Ok(n > 0)
    }

    /// The next message, waiting for it; None when the client closed the connection. Dropping the future loses nothing.
    pub async fn frame(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.reader.frame()? {
                return Ok(Some(frame));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The next message, decoded.
    pub async fn message(&mut self) -> Result<Option<Frontend>> {
        match self.frame().await? {
            Some(frame) => Frontend::decode(frame).map(Some),
            None => Ok(None),
        }
    }

    /// The next startup packet.
    pub async fn startup(&mut self) -> Result<Option<Startup>> {
        loop {
            if let Some(packet) = self.reader.startup()? {
                return Ok(Some(packet));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Gives buffers back while nothing happens.
    pub fn rest(&mut self) {
        self.reader.rest();
        self.out.rest();
    }
}

fn lost(what: &str, e: &io::Error) -> Error {
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    Error::new(SqlState::CONNECTION_FAILURE, format!("{what}: {text}")).severity(Severity::Fatal)
}
