//! What is left: dependencies of shared objects, and views over parts the server keeps to itself.

use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid};
use crate::catalog::Object;
use crate::catalog::object::class;
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] =
    &[View { name: "pg_shdepend", rows: shared_dependencies }, View { name: "pg_config", rows: config }];

/// Where the server is, and what it was made of; it installs no headers, libraries or documents.
fn config(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let program = std::env::current_exe().unwrap_or_default();
    row![sink; "BINDIR", program.parent().map(|p| p.display().to_string())];
    row![sink; "CC", "rustc"];
    row![sink; "VERSION", format!("PostgreSQL {}", crate::settings::SERVER_VERSION)];
    let _ = cx;
    Ok(())
}

/// Owners that are not the bootstrap superuser; that one is pinned and not listed.
fn shared_dependencies(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let database = catalog.database();
    for kind in [class::RELATION, class::NAMESPACE, class::TYPE, class::PROC, class::DATABASE] {
        for record in catalog.all(kind) {
            sink.tells_of(&record);
            let (owner, db) = match &record.object {
                Object::Class(c) if c.index.is_none() => (c.owner, database),
                Object::Namespace(n) => (n.owner, database),
                Object::Type(t) => (t.owner, database),
                Object::Function(f) => (f.owner, database),
                Object::Database(d) => (d.owner, Oid::INVALID),
                _ => continue,
            };
            if owner >= Oid::FIRST_NORMAL {
                row![sink; db, kind, record.object.key().oid, 0, class::AUTHID, owner, 'o'];
            }
        }
    }
    Ok(())
}
