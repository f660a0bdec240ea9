//! What the three processes do to themselves and say to each other: locks, limits, titles, the
//! channel between postmaster and engine, and the last words to a client.
//!
//! Must never touch a data file, and must never block: every socket here is non-blocking, and
//! whoever calls decides how to wait.
//!
//! Invariants
//! - PROC-1: one packet is one message with all its descriptors; a truncated one is an error and is
//!   never guessed at.
//! - PROC-2: a lock lives exactly as long as its process (flock on a CLOEXEC descriptor that is
//!   never duplicated), so that no pid file, container or pid namespace can fool it.
//! - PROC-3: the ids of connections are never reused, whoever is postmaster.
//!
//! The channel is a SOCK_SEQPACKET pair, the engine's descriptor 0 at its start; after an adoption
//! it is the connection made to the engine's control socket. Each packet is one tag byte and the
//! fields in little-endian order ([`message`]).

pub mod config_files;
pub mod descriptor_limit;
pub mod farewell;
pub mod interfaces;
pub mod kept_files;
mod kernel;
pub mod lock_file;
pub mod message;
pub mod origin_args;
pub mod outcome;
pub mod packet;
pub mod small_file;
pub mod title;
pub mod watched;

pub use kernel::{defer_accept, exit_status_of_stranger, unsent_bytes};

/// The first argument by which the binary knows that it is to be the engine.
pub const ENGINE_ARGUMENT: &str = "--run-engine";
/// Files in the data directory.
pub const POSTMASTER_LOCK: &str = "postmaster.lock";
pub const ENGINE_LOCK: &str = "engine.lock";
pub const ENGINE_CONTROL: &str = "engine.control";
pub const POSTMASTER_CONTROL: &str = "postmaster.control";
pub const PID_FILE: &str = "postmaster.pid";

/// Backends' pids start above the largest pid a Linux kernel can give (2^22), so that no `kill` by
/// hand can ever hit a stranger.
pub const FIRST_BACKEND_PID: u32 = 4_194_305;

/// The pid shown for a connection. Unique among two thousand million connections, and an int4.
pub fn backend_pid(connection: u64) -> u32 {
    FIRST_BACKEND_PID + (connection % 2_000_000_000) as u32
}
