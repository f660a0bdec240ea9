//! `pg_init_privs`: the rights initdb grants, so that dumps tell them from what somebody granted later.

use super::cell::Acl;
use super::class::{system_acl, system_relations};
use super::code::builtin_acls;
use super::{Sink, View, catalog, row};
use crate::base::Flow;
use crate::catalog::acl::{quoted, shown};
use crate::catalog::object::{class, fixed};
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] = &[View { name: "pg_init_privs", rows: initial_rights }];

fn initial_rights(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let superuser = catalog.role(fixed::BOOTSTRAP_SUPERUSER).map(|r| quoted(&r.name)).unwrap_or_default();
    let schemas = [
        (fixed::PG_CATALOG, [format!("{superuser}=UC/{superuser}"), format!("=U/{superuser}")]),
        (fixed::PUBLIC, ["pg_database_owner=UC/pg_database_owner".into(), "=U/pg_database_owner".into()]),
    ];
    for (oid, items) in schemas {
        row![sink; oid, class::NAMESPACE, 0, 'i', Acl(Some(&items))];
    }
    for r in system_relations(None, None).iter().filter(|r| r.namespace == fixed::PG_CATALOG) {
        row![sink; r.oid, class::RELATION, 0, 'i', system_acl(&catalog, r, &superuser)];
        for a in r.attributes.iter().filter(|a| a.acl.is_some()) {
            row![sink; r.oid, class::RELATION, a.attno, 'i', Acl(shown(&catalog, a.acl.as_deref()).as_deref())];
        }
    }
    for (oid, items) in builtin_acls(&superuser) {
        row![sink; oid, class::PROC, 0, 'i', Acl(Some(&items))];
    }
    Ok(())
}
