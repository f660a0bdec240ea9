//! Sets of texts: string_to_table, regexp_split_to_table, regexp_matches.

use super::{Call, SetStream};
use crate::base::Result;
use crate::sql::exec::ExecContext;

pub(super) fn open(call: &Call<'_>, cx: &mut ExecContext) -> Result<Option<Box<dyn SetStream>>> {
    let _ = (call.text(0), cx);
    Ok(None)
}
