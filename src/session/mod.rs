//! One connection's state, and how its statements run: the only layer that waits.
//!
//! | file | what |
//! |---|---|
//! | `server` | what all sessions share |
//! | `backends` | the sessions by pid: cancel, terminate |
//! | `client`, `socket` | bytes to and from the client; its socket |
//! | `block` | the transaction block as a state machine |
//! | `job`, `pool`, `wait` | a statement's run: inline, on the executor pool, waiting for something |
//! | `open` | from an authenticated connection to a session |
//! | `statement`, `portal` | prepared statements with their plans; running queries |
//! | `template` | plans shared by simple queries that differ in numbers |
//! | `program` | the children that COPY reads from and writes to |
//! | `simple`, `extended`, `function_call` | the two query protocols, and the call of one function |
//! | `transaction`, `setting`, `prepare`, `cursor`, `copy`, `copy_to`, … | statements that are the session's own |
//!
//! Must never change a page or a catalog row itself, nor hold a latch or a lock of another thread while it waits.
//!
//! Invariants
//! - SES-1: while a job is on the executor pool the session does not touch its execution context: it has moved there.
//! - SES-2: every statement runs in a transaction; outside a block it is committed before its CommandComplete is sent.
//! - SES-3: after an error in the extended protocol everything up to the next Sync is skipped.

mod backends;
mod block;
mod client;
mod command;
mod context;
mod copy;
mod copy_filter;
mod copy_to;
mod cursor;
mod extended;
mod function_call;
mod hooks;
mod job;
mod listeners;
mod open;
mod pool;
mod portal;
mod prepare;
mod program;
mod query;
mod server;
mod server_file;
mod setting;
mod simple;
mod socket;
mod state;
mod statement;
mod statement_log;
mod template;
mod transaction;
mod two_phase;
mod wait;

pub use backends::{BackendHandle, Backends};
pub use client::{Client, Stream};
pub use open::Request;
pub use pool::ExecutorPool;
pub use server::{Outside, Server};
pub use socket::ClientSocket;
pub use state::Session;
