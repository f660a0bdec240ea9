//! Sets out of JSON documents.

use super::{Call, SetStream};
use crate::base::Result;
use crate::sql::exec::ExecContext;

pub(super) fn open(call: &Call<'_>, cx: &mut ExecContext) -> Result<Option<Box<dyn SetStream>>> {
    let _ = (call.func, cx);
    Ok(None)
}
