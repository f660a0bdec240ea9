//! What is left: dependencies of shared objects, and views over parts the server keeps to itself.

use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid};
use crate::catalog::acl::{role_of, split, stored};
use crate::catalog::object::class;
use crate::catalog::{Catalog, Object};
use crate::sql::exec::ExecContext;
use crate::sql::large_object;

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

/// Who owns objects, has rights on them or is meant by policies. What initdb made is pinned and not listed.
fn shared_dependencies(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let here = catalog.database();
    let role = sink.oid_key("refobjid");
    for kind in class::OWNED.iter().chain(&[class::DATABASE, class::TABLESPACE]) {
        for record in role.map_or_else(|| catalog.all(*kind), |role| catalog.mentioning(*kind, role)) {
            sink.tells_of(&record);
            let Some((owner, acl)) = record.object.owned() else { continue };
            let db = if matches!(*kind, class::DATABASE | class::TABLESPACE) { Oid::INVALID } else { here };
            let key = record.object.key();
            if owner >= Oid::FIRST_NORMAL {
                row![sink; db, key.class, key.oid, 0, class::AUTHID, owner, 'o'];
            }
            for role in mentioned(&catalog, acl, owner) {
                row![sink; db, key.class, key.oid, 0, class::AUTHID, role, 'a'];
            }
            let Object::Class(c) = &record.object else { continue };
            for (attno, acl) in c.column_acls() {
                for role in mentioned(&catalog, Some(acl), owner) {
                    row![sink; db, key.class, key.oid, i32::from(attno), class::AUTHID, role, 'a'];
                }
            }
            for p in &c.policies {
                for role in p.roles.iter().filter(|r| **r >= Oid::FIRST_NORMAL) {
                    row![sink; db, class::POLICY, p.oid, 0, class::AUTHID, *role, 'r'];
                }
            }
        }
    }
    let snapshot = cx.snapshot()?;
    for o in large_object::object::all(cx, Some(&snapshot))? {
        if o.owner >= Oid::FIRST_NORMAL {
            row![sink; here, large_object::CLASS, o.oid, 0, class::AUTHID, o.owner, 'o'];
        }
        for role in mentioned(&catalog, o.acl.as_ref(), o.owner) {
            row![sink; here, large_object::CLASS, o.oid, 0, class::AUTHID, role, 'a'];
        }
    }
    Ok(())
}

/// The roles that access items speak of, the owner and what initdb made left out.
fn mentioned(catalog: &Catalog, acl: Option<&Vec<String>>, owner: Oid) -> Vec<Oid> {
    let mut roles = Vec::new();
    for item in stored(catalog, acl.map_or(&[], |items| items)) {
        let (grantee, _, grantor) = split(&item);
        roles.extend([grantee, grantor].into_iter().filter_map(role_of));
    }
    roles.retain(|r| *r != owner && *r >= Oid::FIRST_NORMAL);
    roles.sort_unstable();
    roles.dedup();
    roles
}
