//! CREATE, ALTER and DROP of functions and procedures.

mod alter;
mod check;
mod create;
mod drop;
mod find;
mod options;
mod signature;

pub use alter::{alter, check_free};
pub(in crate::sql::command) use check::check_result;
pub use check::transposed;
pub use create::{check_language, create, reading, replace, same};
pub use drop::drop_routines;
pub use find::{find, find_builtin, may_call, named};
pub use signature::{resolve_type_name, unplaced};
