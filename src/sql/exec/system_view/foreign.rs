//! Foreign data wrappers, servers and user mappings, as the catalogs and `information_schema` tell them.

use super::cell::{Acl, Cell, NULL, Texts};
use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid};
use crate::catalog::acl::shown;
use crate::catalog::object::{ObjectKey, class};
use crate::catalog::{Catalog, Foreign, ForeignKind, Object};
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::{self, Subject};
use crate::types::Value;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_foreign_data_wrapper", rows: wrappers },
    View { name: "pg_foreign_server", rows: servers },
    View { name: "pg_user_mapping", rows: mappings },
    View { name: "pg_user_mappings", rows: shown_mappings },
    View { name: "foreign_data_wrappers", rows: standard_wrappers },
    View { name: "foreign_data_wrapper_options", rows: |cx, sink| options(cx, sink, class::FOREIGN_DATA_WRAPPER) },
    View { name: "foreign_servers", rows: standard_servers },
    View { name: "foreign_server_options", rows: |cx, sink| options(cx, sink, class::FOREIGN_SERVER) },
    View { name: "user_mappings", rows: standard_mappings },
    View { name: "user_mapping_options", rows: mapping_options },
    View { name: "_pg_foreign_data_wrappers", rows: inner_wrappers },
    View { name: "_pg_foreign_servers", rows: inner_servers },
    View { name: "_pg_user_mappings", rows: inner_mappings },
];

fn all(catalog: &Catalog, class: Oid) -> Vec<Foreign> {
    let of = |r: std::sync::Arc<crate::catalog::Record>| match &r.object {
        Object::Foreign(f) => Some(f.clone()),
        _ => None,
    };
    let mut found: Vec<Foreign> = catalog.all(class).into_iter().filter_map(of).collect();
    found.sort_by_key(|f| f.oid);
    found
}

fn get(catalog: &Catalog, class: Oid, oid: Oid) -> Option<Foreign> {
    match &catalog.get(ObjectKey::new(class, oid))?.object {
        Object::Foreign(f) => Some(f.clone()),
        _ => None,
    }
}

fn wrappers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for w in all(&catalog, class::FOREIGN_DATA_WRAPPER) {
        let ForeignKind::Wrapper { validator } = w.kind else { continue };
        let acl = shown(&catalog, w.acl.as_deref());
        row![sink; w.oid, &w.name, w.owner, Oid::INVALID, validator, Acl(acl.as_deref()), Texts(&w.option_texts())];
    }
    Ok(())
}

fn servers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for s in all(&catalog, class::FOREIGN_SERVER) {
        let ForeignKind::Server { wrapper, word, version } = &s.kind else { continue };
        let acl = shown(&catalog, s.acl.as_deref());
        row![sink;
            s.oid, &s.name, s.owner, *wrapper, word.clone(), version.clone(), Acl(acl.as_deref()),
            Texts(&s.option_texts()),
        ];
    }
    Ok(())
}

fn server_of(m: &Foreign) -> Oid {
    match m.kind {
        ForeignKind::Mapping { server } => server,
        _ => Oid::INVALID,
    }
}

fn mappings(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for m in all(&*catalog(cx)?, class::USER_MAPPING) {
        row![sink; m.oid, m.owner, server_of(&m), Texts(&m.option_texts())];
    }
    Ok(())
}

fn may_use(subject: &Subject, f: &Foreign) -> bool {
    subject.may(f.owner, f.acl.as_deref(), "", 'U', false)
}

/// A mapping's options are for whom it is, if he may use the server; PUBLIC's for the server's owner.
fn shown_mappings(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let user = cx.backend()?.user.current;
    let subject = rights::subject(cx.backend()?);
    for m in all(&catalog, class::USER_MAPPING) {
        let Some(s) = get(&catalog, class::FOREIGN_SERVER, server_of(&m)) else { continue };
        let owner = subject.has_role(s.owner);
        let sees = match m.owner.is_valid() {
            true => m.owner == user && (owner || may_use(&subject, &s)),
            false => owner,
        };
        let options = if sees || subject.is_superuser() { Texts(&m.option_texts()).cell() } else { NULL };
        let name = catalog.role(m.owner).map_or_else(|| "public".to_owned(), |r| r.name);
        row![sink; m.oid, s.oid, &s.name, m.owner, name, options];
    }
    Ok(())
}

/// Those that the user owns or may use.
fn seen(cx: &mut ExecContext, class: Oid) -> Flow<Vec<Foreign>> {
    let subject = rights::subject(cx.backend()?);
    let sees = |f: &Foreign| subject.has_role(f.owner) || may_use(&subject, f);
    Ok(all(&*catalog(cx)?, class).into_iter().filter(sees).collect())
}

fn owner_name(catalog: &Catalog, f: &Foreign) -> String {
    catalog.role(f.owner).map_or_else(|| "PUBLIC".to_owned(), |r| r.name)
}

fn database(cx: &mut ExecContext) -> Flow<String> {
    Ok(cx.backend()?.database_name.clone())
}

fn standard_wrappers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let (catalog, database) = (catalog(cx)?, database(cx)?);
    for w in seen(cx, class::FOREIGN_DATA_WRAPPER)? {
        row![sink; &database, &w.name, owner_name(&catalog, &w), NULL, "c"];
    }
    Ok(())
}

fn inner_wrappers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let (catalog, database) = (catalog(cx)?, database(cx)?);
    for w in seen(cx, class::FOREIGN_DATA_WRAPPER)? {
        let options = Texts(&w.option_texts()).cell();
        row![sink; w.oid, w.owner, options, &database, &w.name, owner_name(&catalog, &w), "c"];
    }
    Ok(())
}

fn options(cx: &mut ExecContext, sink: &mut Sink, class: Oid) -> Flow<()> {
    let database = database(cx)?;
    for f in seen(cx, class)? {
        for (name, value) in &f.options {
            row![sink; &database, &f.name, name, value];
        }
    }
    Ok(())
}

/// What the standard tells of a server, in the order of its columns.
fn server_columns(catalog: &Catalog, database: &str, s: &Foreign) -> Vec<Value> {
    let ForeignKind::Server { wrapper, word, version } = &s.kind else { return Vec::new() };
    let of = get(catalog, class::FOREIGN_DATA_WRAPPER, *wrapper).map(|w| w.name);
    let (word, version) = (word.clone().cell(), version.clone().cell());
    let owner = owner_name(catalog, s).cell();
    vec![database.cell(), (&s.name).cell(), database.cell(), of.cell(), word, version, owner]
}

fn standard_servers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let (catalog, database) = (catalog(cx)?, database(cx)?);
    for s in seen(cx, class::FOREIGN_SERVER)? {
        sink.push(&server_columns(&catalog, &database, &s));
    }
    Ok(())
}

fn inner_servers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let (catalog, database) = (catalog(cx)?, database(cx)?);
    for s in seen(cx, class::FOREIGN_SERVER)? {
        let mut columns = vec![s.oid.cell(), Texts(&s.option_texts()).cell()];
        columns.extend(server_columns(&catalog, &database, &s));
        sink.push(&columns);
    }
    Ok(())
}

/// Mappings of servers that the user owns or may use, with these.
fn seen_mappings(cx: &mut ExecContext) -> Flow<Vec<(Foreign, Foreign)>> {
    let servers = seen(cx, class::FOREIGN_SERVER)?;
    let with = |m: Foreign| servers.iter().find(|s| s.oid == server_of(&m)).cloned().map(|s| (m, s));
    Ok(all(&*catalog(cx)?, class::USER_MAPPING).into_iter().filter_map(with).collect())
}

fn standard_mappings(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let (catalog, database) = (catalog(cx)?, database(cx)?);
    for (m, s) in seen_mappings(cx)? {
        row![sink; owner_name(&catalog, &m), &database, &s.name];
    }
    Ok(())
}

fn inner_mappings(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let (catalog, database) = (catalog(cx)?, database(cx)?);
    for (m, s) in seen_mappings(cx)? {
        let options = Texts(&m.option_texts()).cell();
        let (user, owner) = (owner_name(&catalog, &m), owner_name(&catalog, &s));
        row![sink; m.oid, options, m.owner, user, &database, &s.name, owner];
    }
    Ok(())
}

fn mapping_options(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let (catalog, database) = (catalog(cx)?, database(cx)?);
    let user = cx.backend()?.user.current;
    let subject = rights::subject(cx.backend()?);
    for (m, s) in seen_mappings(cx)? {
        let sees = m.owner.is_valid() && m.owner == user
            || !m.owner.is_valid() && subject.has_role(s.owner)
            || subject.is_superuser();
        for (name, value) in &m.options {
            let value = if sees { value.cell() } else { NULL };
            row![sink; owner_name(&catalog, &m), &database, &s.name, name, value];
        }
    }
    Ok(())
}
