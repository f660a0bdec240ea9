//! Extensions, made and available.

use super::{Cell, NULL, Sink, View, catalog, row, texts};
use crate::base::{Flow, Oid};
use crate::catalog::Object;
use crate::catalog::object::{class, fixed};
use crate::sql::exec::ExecContext;
use crate::sql::extension;
use crate::types::{Datum, Value, array, oid};

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_extension", rows: extensions },
    View { name: "pg_available_extensions", rows: available },
    View { name: "pg_available_extension_versions", rows: versions },
];

/// PL/pgSQL is built in.
const PLPGSQL: Oid = Oid(13559);
const PLPGSQL_COMMENT: &str = "PL/pgSQL procedural language";

fn extensions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    row![sink; PLPGSQL, "plpgsql", fixed::BOOTSTRAP_SUPERUSER, fixed::PG_CATALOG, false, "1.0", NULL, NULL];
    let mut found = catalog(cx)?.all(class::EXTENSION);
    found.sort_by_key(|r| r.object.key());
    for record in found {
        sink.tells_of(&record);
        let Object::Extension(e) = &record.object else { continue };
        let list = array::from_values(oid::OID, e.config.iter().map(|(table, _)| Datum::U32(table.0)));
        let config = if e.config.is_empty() { NULL } else { Value::Bytes(list.into()) };
        let conditions: Vec<&str> = e.config.iter().map(|(_, condition)| &**condition).collect();
        let conditions = if conditions.is_empty() { NULL } else { texts(&conditions) };
        row![sink; e.oid, &e.name, e.owner, e.namespace, e.relocatable, &e.version, config, conditions];
    }
    Ok(())
}

/// Names, versions and comments of all there are.
pub(crate) fn available_extensions() -> Vec<Vec<Value>> {
    let mut rows = vec![vec!["plpgsql".cell(), "1.0".cell(), PLPGSQL_COMMENT.cell()]];
    rows.extend(extension::all().map(|e| vec![e.name.cell(), e.version.cell(), e.comment.cell()]));
    rows
}

/// What the control files say of all there are.
pub(crate) fn available_versions() -> Vec<Vec<Value>> {
    let pg_catalog = "pg_catalog".cell();
    let plpgsql = vec![
        "plpgsql".cell(),
        "1.0".cell(),
        true.cell(),
        true.cell(),
        false.cell(),
        pg_catalog,
        NULL,
        PLPGSQL_COMMENT.cell(),
    ];
    let mut rows = vec![plpgsql];
    for e in extension::all() {
        let requires =
            if e.requires.is_empty() { NULL } else { Value::Bytes(array::from_texts(oid::NAME, e.requires).into()) };
        let trusted = e.trusted.cell();
        let schema = e.schema.map_or(NULL, Cell::cell);
        let facts = [e.superuser.cell(), trusted, e.relocatable.cell(), schema, requires, e.comment.cell()];
        rows.push([e.name.cell(), e.version.cell()].into_iter().chain(facts).collect());
    }
    rows
}

/// The version of an extension that is made.
fn installed(cx: &mut ExecContext, name: &Value) -> Flow<Option<String>> {
    let name = name.datum().str();
    if name == "plpgsql" {
        return Ok(Some("1.0".into()));
    }
    Ok(catalog(cx)?.extension(name).map(|e| e.version))
}

fn available(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for mut row in available_extensions() {
        let version = installed(cx, &row[0])?;
        row.insert(2, version.map_or(NULL, |v| v.cell()));
        sink.push(&row);
    }
    Ok(())
}

fn versions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for mut row in available_versions() {
        let version = installed(cx, &row[0])?;
        row.insert(2, version.is_some_and(|v| v == row[1].datum().str()).cell());
        sink.push(&row);
    }
    Ok(())
}
