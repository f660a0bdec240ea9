//! Roles of the current user.

use super::super::{Sink, View};
use super::{Scene, named, yes};
use crate::base::Flow;
use crate::catalog::Object;
use crate::catalog::object::{Role, class, fixed};
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] = &[
    View { name: "enabled_roles", rows: enabled },
    View { name: "applicable_roles", rows: |cx, sink| applicable(cx, sink, false) },
    View { name: "administrable_role_authorizations", rows: |cx, sink| applicable(cx, sink, true) },
];

fn all(scene: &Scene) -> Vec<Role> {
    let found = scene.catalog.all(class::AUTHID);
    let role = |r: &std::sync::Arc<crate::catalog::Record>| match &r.object {
        Object::Role(role) => Some(role.clone()),
        _ => None,
    };
    let mut roles: Vec<Role> = found.iter().filter_map(role).collect();
    roles.sort_by_key(|r| r.oid);
    roles
}

fn enabled(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for r in all(&scene) {
        if scene.subject.has_role(r.oid) {
            named![sink; role_name: r.name];
        }
    }
    Ok(())
}

/// Memberships of the roles whose rights the user has.
fn applicable(cx: &mut ExecContext, sink: &mut Sink, administrable: bool) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for r in all(&scene).iter().filter(|r| scene.subject.has_role(r.oid)) {
        for m in r.member_of.iter().filter(|m| m.admin || !administrable) {
            named![sink; grantee: &r.name, role_name: scene.role(m.role), is_grantable: yes(m.admin)];
        }
        // Whoever owns the database is a member of this one.
        let owner = scene.catalog.database_by_oid(scene.catalog.database()).map(|d| d.owner);
        if owner == Some(r.oid) && !administrable {
            named![sink; grantee: &r.name, role_name: scene.role(fixed::DATABASE_OWNER), is_grantable: "NO"];
        }
    }
    Ok(())
}
