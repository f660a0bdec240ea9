//! Copying a table into new files without its dead rows: VACUUM FULL.

use super::{storage, truncate};
use crate::base::{Error, Flow};
use crate::catalog::Relation;
use crate::sql::exec::ExecContext;

/// Rewrites a table whose exclusive lock the caller holds, and builds its indexes anew.
pub fn table(cx: &mut ExecContext, relation: &Relation) -> Flow<()> {
    let _ = (cx, relation);
    let _ = (storage::new_file, truncate::replace_node);
    Err(Error::unsupported("VACUUM FULL is not supported").into())
}
