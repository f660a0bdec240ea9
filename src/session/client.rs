//! Bytes to and from the client, whatever carries them.

use super::backends::BackendHandle;
use crate::base::interrupt::Cause;
use crate::base::{Error, Result, Severity, SqlState};
use crate::wire::{Frame, Frontend, Output, Reader, Startup};
use bytes::{Buf, BufMut};
use std::io;
use std::sync::Arc;
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
    /// Whose client it is, while the session lives: who ends that must not wait for a client that does not read.
    pub session: Option<Arc<BackendHandle>>,
    /// A message was left half sent: whatever came after it would be taken for its rest.
    broken: bool,
}

impl Client {
    pub fn new(stream: Box<dyn Stream>) -> Client {
        Client { stream, reader: Reader::default(), out: Output::default(), much: false, session: None, broken: false }
    }

    /// Sends everything.
    ///
    /// A client that does not read is waited for until its session is ended (PostgreSQL 15, postgres.c,
    /// ProcessClientWriteInterrupt: same). Dropping the future loses nothing.
    ///
    /// # Errors
    /// FATAL 08006 when the client is gone, 57P01 when the session is ended; then nothing more can be said to it.
    pub async fn flush(&mut self) -> Result<()> {
        self.flush_unless(Cause::Terminate).await
    }

    /// Sends everything, unless the session is interrupted by so heavy a cause meanwhile. What was not sent stays.
    ///
    /// # Errors
    /// As [`flush`](Client::flush), and the interrupt's.
    pub async fn flush_unless(&mut self, least: Cause) -> Result<()> {
        if self.broken {
            self.out.buf.clear();
        }
        while !self.out.buf.is_empty() {
            let sent = match &self.session {
                None => self.stream.write(&self.out.buf).await,
                Some(session) => tokio::select! {
                    biased;
                    sent = self.stream.write(&self.out.buf) => sent,
                    e = interrupted(session, least) => {
                        if e.0.severity == Severity::Fatal {
                            self.broken = true;
                            self.out.buf.clear();
                        }
                        return Err(e);
                    }
                },
            };
            let n = sent.map_err(|e| lost("could not send data to client", &e))?;
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
            Some(frame) => Frontend::decode(frame, self.out.charset).map(Some),
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

/// Returns when the session is interrupted by so heavy a cause. A lesser one that arrives stays for who looks next.
async fn interrupted(session: &BackendHandle, least: Cause) -> Error {
    let mut woken = Woken { session, passed: false };
    loop {
        if session.interrupts.cause() >= least
            && let Err(e) = session.interrupts.check()
        {
            return e;
        }
        session.wake.notified().await;
        woken.passed = true;
    }
}

/// Passes on a wake-up that was meant for others, too.
struct Woken<'a> {
    session: &'a BackendHandle,
    passed: bool,
}

impl Drop for Woken<'_> {
    fn drop(&mut self) {
        if self.passed {
            self.session.wake.notify_one();
        }
    }
}

fn lost(what: &str, e: &io::Error) -> Error {
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    Error::new(SqlState::CONNECTION_FAILURE, format!("{what}: {text}")).severity(Severity::Fatal)
}
