//! The connection: startup, authentication, the loop over messages, the end.
//!
//! | file | what |
//! |---|---|
//! | `startup` | the packets before the first message: SSL, GSS, cancel, parameters |
//! | `auth` | who may come in: methods behind one trait |
//! | `tls` | certificate, key and authorities; the handshake |
//! | `connection` | the loop |
//!
//! Must never use a byte received before a TLS handshake after it, and never send ReadyForQuery after a FATAL.

mod auth;
mod connection;
mod startup;
mod tls;

pub use connection::{Gate, Surroundings, serve};
pub use tls::Tls;
