//! `pg_authid` and the views over it: `pg_roles`, `pg_user`, `pg_shadow`, `pg_group`, `pg_auth_members`.

use super::cell::{Stamp, Texts, oid_array};
use super::namespace::role_config;
use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid};
use crate::catalog::Object;
use crate::catalog::object::{Role, class};
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_authid", rows: authid },
    View { name: "pg_roles", rows: roles },
    View { name: "pg_user", rows: users },
    View { name: "pg_shadow", rows: shadow },
    View { name: "pg_group", rows: groups },
    View { name: "pg_auth_members", rows: members },
];

/// Shown in place of passwords.
const STARS: &str = "********";

fn all(cx: &mut ExecContext) -> crate::base::Result<Vec<Role>> {
    let found = catalog(cx)?.all(class::AUTHID);
    let mut roles: Vec<Role> = found
        .iter()
        .filter_map(|r| match &r.object {
            Object::Role(role) => Some(role.clone()),
            _ => None,
        })
        .collect();
    roles.sort_by_key(|r| r.oid);
    Ok(roles)
}

fn authid(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for r in all(cx)? {
        row![sink;
            r.oid, r.name, r.superuser, r.inherit, r.create_role, r.create_db, r.login, r.replication, r.bypass_rls,
            r.connection_limit, r.password, r.valid_until_us.map(Stamp),
        ];
    }
    Ok(())
}

fn roles(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for r in all(cx)? {
        let config = role_config(&catalog, r.oid);
        row![sink;
            r.name, r.superuser, r.inherit, r.create_role, r.create_db, r.login, r.replication, r.connection_limit,
            STARS, r.valid_until_us.map(Stamp), r.bypass_rls, Texts(&config), r.oid,
        ];
    }
    Ok(())
}

fn push_user(cx: &mut ExecContext, sink: &mut Sink, hide: bool) -> Flow<()> {
    let catalog = catalog(cx)?;
    for r in all(cx)?.into_iter().filter(|r| r.login) {
        let config = role_config(&catalog, r.oid);
        let password = if hide { Some(STARS.to_string()) } else { r.password };
        row![sink;
            r.name, r.oid, r.create_db, r.superuser, r.replication, r.bypass_rls, password,
            r.valid_until_us.map(Stamp), Texts(&config),
        ];
    }
    Ok(())
}

fn users(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_user(cx, sink, true)
}

fn shadow(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_user(cx, sink, false)
}

fn groups(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let roles = all(cx)?;
    for r in roles.iter().filter(|r| !r.login) {
        let members = roles.iter().filter(|m| m.member_of.iter().any(|of| of.role == r.oid)).map(|m| m.oid);
        row![sink; &r.name, r.oid, oid_array(members.collect::<Vec<Oid>>())];
    }
    Ok(())
}

fn members(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for r in all(cx)? {
        for m in &r.member_of {
            row![sink; m.role, r.oid, m.grantor, m.admin];
        }
    }
    Ok(())
}
