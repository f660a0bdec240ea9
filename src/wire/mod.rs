//! PostgreSQL's messages as bytes: framing, decoding what clients send, encoding what they get.
//!
//! The encoders of rarely sent messages are pgwire's; rows are encoded in place. Decoding is ours: a message is
//! framed first and decoded from exactly its own bytes, because a length that lies must not reach into the next one.
//!
//! Must never know sessions, and must never panic on what a client sends.
//!
//! Invariants
//! - WIRE-1: a message's body is decoded completely or refused with 08P01; nothing of it is left over.
//! - WIRE-2: no buffer grows ahead of bytes that have arrived; before authentication none beyond
//!   65,535 bytes, 10,000 for a startup packet.

mod decode;
mod encode;
mod frame;

pub use decode::{Bind, Frontend, FunctionCall, Parse, Target, utf8};
pub use encode::{Format, Output, RowColumn, TransactionStatus};
pub use frame::{Frame, Reader, Startup, decode_startup, unsupported_protocol};
