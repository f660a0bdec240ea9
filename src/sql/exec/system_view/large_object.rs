//! `pg_largeobject`, `pg_largeobject_metadata`.

use super::cell::Acl;
use super::{Sink, View, catalog, row};
use crate::base::Flow;
use crate::catalog::acl::shown;
use crate::sql::exec::ExecContext;
use crate::sql::large_object::{object, pages};

pub(super) const VIEWS: &[View] =
    &[View { name: "pg_largeobject", rows: all_pages }, View { name: "pg_largeobject_metadata", rows: objects }];

fn all_pages(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let snapshot = cx.snapshot()?;
    let wanted = sink.oid_key("loid");
    for batch in pages::all(cx, wanted, Some(&snapshot))? {
        for r in 0..batch.rows {
            let value = |n: usize| batch.columns[n].get(r).to_value();
            row![sink; value(0), value(1), value(2)];
        }
    }
    Ok(())
}

fn objects(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let (snapshot, catalog) = (cx.snapshot()?, catalog(cx)?);
    let found = match sink.oid_key("oid") {
        Some(oid) => object::find(cx, oid, Some(&snapshot))?.into_iter().collect(),
        None => object::all(cx, Some(&snapshot))?,
    };
    for o in found {
        row![sink; o.oid, o.owner, Acl(shown(&catalog, o.acl.as_deref()).as_deref())];
    }
    Ok(())
}
