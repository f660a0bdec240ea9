//! `pg_namespace`, `pg_database`, `pg_tablespace`, `pg_db_role_setting`.

use super::cell::{Acl, Texts};
use super::{Sink, View, catalog, in_order, row};
use crate::base::{Flow, Oid};
use crate::catalog::acl::shown;
use crate::catalog::object::{class, fixed};
use crate::catalog::{Object, ObjectKey};
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_namespace", rows: namespaces },
    View { name: "pg_database", rows: databases },
    View { name: "pg_tablespace", rows: tablespaces },
    View { name: "pg_db_role_setting", rows: role_settings },
];

fn namespaces(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let mut all = catalog.all(class::NAMESPACE);
    all.sort_by_key(|r| r.object.key().oid);
    for record in all {
        sink.tells_of(&record);
        if let Object::Namespace(n) = &record.object {
            row![sink; n.oid, &n.name, n.owner, Acl(shown(&catalog, n.acl.as_deref()).as_deref())];
        }
    }
    Ok(())
}

/// Where a database's row lies in pg_database of a cluster that initdb has made: it changes the templates' rows after it
/// has made `postgres` (PostgreSQL 15, initdb.c, make_postgres and vacuum_db), and clients that do not ask for an order
/// take the first for the one to connect to.
fn as_laid(database: Oid) -> (bool, Oid) {
    (database != fixed::POSTGRES, database)
}

fn databases(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let next = cx.storage()?.mvcc.next_xid();
    let of_catalogs = super::frozen_xid(cx)?;
    let cluster = cx.backend()?.instance.cluster.clone();
    let catalog = catalog(cx)?;
    let mut all = catalog.all(class::DATABASE);
    all.sort_by_key(|r| as_laid(r.object.key().oid));
    for record in all {
        sink.tells_of(&record);
        if let Object::Database(d) = &record.object {
            let tables = crate::sql::command::database_frozen(&*cluster.folder(d.oid)?)?;
            let frozen = tables.map_or(of_catalogs, |t| super::shown_frozen(t, next).min(of_catalogs));
            row![sink;
                d.oid, &d.name, d.owner, d.encoding, if d.icu_locale.is_some() { 'i' } else { 'c' }, d.is_template, d.allow_connections, d.connection_limit,
                frozen, 1, d.default_tablespace(), &d.collate, &d.ctype, d.icu_locale.as_deref(),
                d.collation_version.as_deref(), Acl(shown(&catalog, d.acl.as_deref()).as_deref()),
            ];
        }
    }
    Ok(())
}

fn tablespaces(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for t in catalog.tablespaces() {
        if let Some(record) = catalog.get(ObjectKey::new(class::TABLESPACE, t.oid)) {
            sink.tells_of(&record);
        }
        let options = (!t.options.is_empty()).then_some(Texts(&t.options));
        row![sink; t.oid, &t.name, t.owner, Acl(shown(&catalog, t.acl.as_deref()).as_deref()), options];
    }
    Ok(())
}

fn role_settings(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for record in in_order(&*catalog(cx)?, class::DB_ROLE_SETTING) {
        sink.tells_of(&record);
        if let Object::RoleSetting(s) = &record.object {
            row![sink; s.database, s.role, Texts(&lines(&s.settings))];
        }
    }
    Ok(())
}

/// `name=value` items.
pub(super) fn lines(settings: &[(String, String)]) -> Vec<String> {
    settings.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// What is set for a role in all databases.
pub(super) fn role_config(catalog: &crate::catalog::Catalog, role: Oid) -> Vec<String> {
    catalog.role_setting(Oid::INVALID, role).map(|s| lines(&s.settings)).unwrap_or_default()
}
