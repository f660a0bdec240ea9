//! The server log: how a report becomes lines, and the process that collects them into files.
//!
//! Must never fail its caller: what cannot be written is lost, the server goes on.
//!
//! Invariants:
//! - LOG-1: one report's lines are never mixed with another's: to a terminal or file they go in one
//!   write, to the collector in chunks of at most PIPE_BUF bytes that carry who speaks.
//! - LOG-2: the collector ends when the last writer has closed its pipe, not before.
//!
//! Bytes on the pipe: see `chunk`. Files: `log_directory`/`log_filename`, and `current_logfiles`.

mod chunk;
mod collector;
mod csv;
mod json;
mod level;
mod library;
mod log_file;
mod prefix;
mod signals;
mod sink;
mod spawn;
mod syslog;
mod text;
mod time;

pub use collector::run;
pub use level::levels_of;
pub use sink::{install, reloaded, set_collected};
pub use spawn::Collector;

/// The first argument by which the binary knows that it is to be the logger.
pub const LOGGER_ARGUMENT: &str = "--run-logger";
/// In the data directory: asks for a rotation (`pg_ctl logrotate`).
pub const ROTATE_REQUEST: &str = "logrotate";
/// In the data directory: which files are being written.
pub const CURRENT_LOGFILES: &str = "current_logfiles";
