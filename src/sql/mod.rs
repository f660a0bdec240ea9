//! SQL: parse → bind → plan → exec, and the utility commands.
//!
//! Nothing here sleeps or awaits: waiting is a value ([`crate::base::Stop`]).

pub mod ast;
pub mod backend;
pub mod bind;
pub mod command;
pub mod copy;
pub mod exec;
pub mod expr;
pub mod extension;
pub mod func;
pub mod instance;
pub mod large_object;
pub mod names;
pub mod notify;
pub mod parse;
pub mod partition;
pub mod plan;
pub mod plpgsql;
mod reg_names;
pub mod routine;
pub mod text_search;
pub mod track;
mod user_code;

pub use backend::{Backend, SequenceState, Sequences, User};
pub use instance::{Instance, Services};
