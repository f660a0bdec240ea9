//! What the session itself keeps: `pg_prepared_statements`, `pg_cursors`.

use super::cell::{Stamp, regtype_array};
use super::{Sink, View, row};
use crate::base::{Flow, Stop, Wait};
use crate::sql::exec::ExecContext;
use crate::sql::exec::context::Listing;

pub(super) const VIEWS: &[View] =
    &[View { name: "pg_prepared_statements", rows: statements }, View { name: "pg_cursors", rows: cursors }];

/// What the session says of itself; it is asked by a wait.
fn listing(cx: &mut ExecContext) -> Flow<Box<Listing>> {
    match cx.listing.take() {
        Some(listing) => Ok(listing),
        None => Stop::wait(Wait::Listing),
    }
}

fn statements(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for s in listing(cx)?.statements {
        row![sink;
            s.name, s.text, Stamp(s.prepared_us), regtype_array(s.types), s.from_sql, s.generic_plans, s.custom_plans,
        ];
    }
    Ok(())
}

fn cursors(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for p in listing(cx)?.portals {
        row![sink; p.name, p.text, false, false, false, Stamp(p.created_us)];
    }
    for (name, c) in &cx.routines.cursors {
        let f = &c.facts;
        row![sink; name, &f.statement, f.hold, f.binary, f.scroll, Stamp(f.created_us)];
    }
    Ok(())
}
