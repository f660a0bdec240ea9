//! The last value of a sequence, as `pg_sequences` and `pg_sequence_last_value` show it.

use crate::base::{Oid, Result};
use crate::heap::HeapScan;
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;
use crate::types::{Batch, Datum};

/// None before the first `nextval`.
pub(crate) fn last_value(cx: &mut ExecContext, sequence: Oid) -> Result<Option<i64>> {
    let backend = cx.backend()?;
    let Some(store) = backend.catalog.relation(sequence)?.and_then(|r| r.store.clone()) else { return Ok(None) };
    // Columns of a sequence: last_value, log_cnt, is_called. Its one row has no other version.
    let mut scan = HeapScan::new(store, Snapshot::any(), vec![1, 3]);
    let mut batch = Batch { columns: Vec::new(), rows: 0 };
    while scan.next(&backend.instance.storage, &mut batch)? {
        if let Some(last) = batch.rows.checked_sub(1)
            && let (Datum::I64(value), Datum::Bool(called)) = (batch.columns[0].get(last), batch.columns[1].get(last))
        {
            return Ok(called.then_some(value));
        }
    }
    Ok(None)
}
