//! `pg_policy`, `pg_policies`.

use super::class::{as_class, user_classes};
use super::listing::{role_name, schema_name};
use super::{Sink, View, catalog, cell, row};
use crate::base::{Flow, Oid};
use crate::catalog::Policy;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define;
use crate::types::{Value, array, oid};

pub(super) const VIEWS: &[View] =
    &[View { name: "pg_policy", rows: policies }, View { name: "pg_policies", rows: shown }];

fn policies(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in user_classes(&catalog, sink.oid_key("polrelid"), None) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        for p in &c.policies {
            row![sink;
                p.oid, &p.name, c.oid, p.command, p.permissive, cell::oid_array(p.roles.iter().copied()),
                p.using.as_deref(), p.check.as_deref(),
            ];
        }
    }
    Ok(())
}

fn words(p: &Policy) -> (&'static str, &'static str) {
    let command = match p.command {
        'r' => "SELECT",
        'a' => "INSERT",
        'w' => "UPDATE",
        'd' => "DELETE",
        _ => "ALL",
    };
    (if p.permissive { "PERMISSIVE" } else { "RESTRICTIVE" }, command)
}

fn shown(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in user_classes(&catalog, None, sink.text_key("tablename").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        for p in &c.policies {
            let name = |r: &Oid| match r.is_valid() {
                true => role_name(&catalog, *r).unwrap_or_default(),
                false => "public".to_owned(),
            };
            let roles: Vec<String> = p.roles.iter().map(name).collect();
            let look = define::Look { catalog: &catalog, io: &cx.fx.io, pretty: false, width: 0 };
            let text = |t: &Option<std::sync::Arc<str>>| t.as_ref().map(|t| look.expression(c.oid, t));
            let (kind, command) = words(p);
            row![sink;
                schema_name(&catalog, c.namespace), &c.name, &p.name, kind,
                Value::Bytes(array::from_texts(oid::NAME, &roles).into()), command, text(&p.using), text(&p.check),
            ];
        }
    }
    Ok(())
}
