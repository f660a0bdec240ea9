//! Constraints of tables: what they are, which columns they are on, what they refer to.

use super::super::class::as_class;
use super::super::depend::check_columns;
use super::super::{Sink, View};
use super::scene::{Held, TABLES};
use super::{Scene, named, yes};
use crate::base::{Flow, Oid};
use crate::catalog::object::{UserTypeKind, class};
use crate::catalog::{Attribute, Catalog, Constraint, ConstraintKind, Object};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define::{self, Look};
use crate::types::TypeRef;
use crate::types::name::quote_identifier;
use std::collections::HashSet;

pub(super) const VIEWS: &[View] = &[
    View { name: "table_constraints", rows: table_constraints },
    View { name: "key_column_usage", rows: key_columns },
    View { name: "constraint_column_usage", rows: constraint_columns },
    View { name: "constraint_table_usage", rows: constraint_tables },
    View { name: "referential_constraints", rows: references },
    View { name: "check_constraints", rows: checks },
];

fn kind_word(kind: ConstraintKind) -> &'static str {
    match kind {
        ConstraintKind::Check => "CHECK",
        ConstraintKind::ForeignKey => "FOREIGN KEY",
        ConstraintKind::PrimaryKey => "PRIMARY KEY",
        ConstraintKind::Unique => "UNIQUE",
        ConstraintKind::Exclude => "EXCLUDE",
    }
}

/// The standard counts NOT NULL as a check; its name is made up as PostgreSQL does.
fn not_null_name(h: &Held, a: &Attribute) -> String {
    format!("{}_{}_{}_not_null", h.namespace(), h.oid(), a.attno)
}

fn nulls_not_distinct(catalog: &Catalog, k: &Constraint) -> bool {
    let record = catalog.class(k.index);
    let index = record.as_ref().and_then(|r| as_class(r)).and_then(|c| c.index.as_ref());
    index.is_some_and(|i| i.nulls_not_distinct)
}

fn table_constraints(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let database = &scene.database;
    for h in scene.relations(sink, &TABLES, "table_schema", "table_name") {
        if !scene.sees_rules(&h) {
            continue;
        }
        let schema = scene.schema(h.namespace());
        for k in h.constraints() {
            let distinct = (k.kind == ConstraintKind::Unique).then(|| yes(!nulls_not_distinct(&scene.catalog, &k)));
            named![sink;
                constraint_catalog: database, constraint_schema: &schema, constraint_name: &k.name,
                table_catalog: database, table_schema: &schema, table_name: h.name(),
                constraint_type: kind_word(k.kind), is_deferrable: yes(k.deferrable),
                initially_deferred: yes(k.deferred), enforced: "YES", nulls_distinct: distinct,
            ];
        }
        for a in h.columns().filter(|a| a.not_null) {
            named![sink;
                constraint_catalog: database, constraint_schema: &schema, constraint_name: not_null_name(&h, a),
                table_catalog: database, table_schema: &schema, table_name: h.name(), constraint_type: "CHECK",
                is_deferrable: "NO", initially_deferred: "NO", enforced: "YES",
            ];
        }
    }
    Ok(())
}

fn key_columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let (database, wanted) = (&scene.database, sink.text_key("constraint_name"));
    for h in scene.relations(sink, &TABLES, "table_schema", "table_name") {
        let schema = scene.schema(h.namespace());
        let keys = h.constraints().filter(|k| k.kind != ConstraintKind::Check);
        for k in keys.filter(|k| wanted.as_ref().is_none_or(|n| k.name == *n)) {
            for (n, attno) in k.columns.iter().enumerate() {
                let Some(a) = h.column(*attno).filter(|a| scene.sees_column(&h, a.attno)) else { continue };
                // Of a foreign key: where the column it refers to stands in the other table's key.
                let place = k.foreign.as_ref().and_then(|f| place_in_key(&scene.catalog, k.index, *f.columns.get(n)?));
                named![sink;
                    constraint_catalog: database, constraint_schema: &schema, constraint_name: &k.name,
                    table_catalog: database, table_schema: &schema, table_name: h.name(), column_name: &a.name,
                    ordinal_position: n as i32 + 1, position_in_unique_constraint: place,
                ];
            }
        }
    }
    Ok(())
}

fn place_in_key(catalog: &Catalog, index: Oid, attno: i16) -> Option<i32> {
    let record = catalog.class(index)?;
    let index = as_class(&record)?.index.as_ref()?;
    index.columns.iter().position(|c| c.attno == attno).map(|p| p as i32 + 1)
}

fn constraint_columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let database = &scene.database;
    let (table, name) = (sink.text_key("table_name"), sink.text_key("constraint_name"));
    for h in scene.all_relations(sink, &TABLES) {
        for k in h.constraints().filter(|k| name.as_ref().is_none_or(|n| k.name == *n)) {
            let other = k.foreign.as_ref().and_then(|f| scene.relation(f.relation));
            let on = other.as_ref().unwrap_or(&h);
            if !scene.owns(on) || table.as_ref().is_some_and(|n| on.name() != n) {
                continue;
            }
            let columns = match (&k.foreign, h.class()) {
                (Some(f), _) => f.columns.clone(),
                (None, Some(c)) => check_columns(&scene.catalog, &scene.io, c, &k).unwrap_or_else(|| k.columns.clone()),
                (None, None) => k.columns.clone(),
            };
            for a in columns.iter().filter_map(|attno| on.column(*attno)) {
                named![sink;
                    table_catalog: database, table_schema: scene.schema(on.namespace()), table_name: on.name(),
                    column_name: &a.name, constraint_catalog: database,
                    constraint_schema: scene.schema(h.namespace()), constraint_name: &k.name,
                ];
            }
        }
    }
    Ok(())
}

fn constraint_tables(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let database = &scene.database;
    for h in scene.all_relations(sink, &TABLES) {
        for k in h.constraints().filter(|k| k.kind != ConstraintKind::Check) {
            let other = k.foreign.as_ref().and_then(|f| scene.relation(f.relation));
            let on = other.as_ref().unwrap_or(&h);
            if scene.owns(on) {
                named![sink;
                    table_catalog: database, table_schema: scene.schema(on.namespace()), table_name: on.name(),
                    constraint_catalog: database, constraint_schema: scene.schema(h.namespace()),
                    constraint_name: &k.name,
                ];
            }
        }
    }
    Ok(())
}

fn rule(action: u8) -> &'static str {
    match action {
        b'c' => "CASCADE",
        b'n' => "SET NULL",
        b'd' => "SET DEFAULT",
        b'r' => "RESTRICT",
        _ => "NO ACTION",
    }
}

fn references(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let (database, wanted) = (&scene.database, sink.text_key("constraint_name"));
    for h in scene.all_relations(sink, &TABLES) {
        if h.constraints().all(|k| k.foreign.is_none()) || !scene.sees_rules(&h) {
            continue;
        }
        for k in h.constraints().filter(|k| wanted.as_ref().is_none_or(|n| k.name == *n)) {
            let Some(f) = &k.foreign else { continue };
            let other = scene.relation(f.relation);
            // The key it refers to; an index that is no constraint has no name here.
            let key = other.as_ref().and_then(|o| {
                o.constraints().find(|u| u.index == k.index && u.foreign.is_none() && u.index.is_valid())
            });
            let place = key.as_ref().and(other.as_ref()).map(|o| scene.schema(o.namespace()));
            named![sink;
                constraint_catalog: database, constraint_schema: scene.schema(h.namespace()),
                constraint_name: &k.name, unique_constraint_catalog: key.as_ref().map(|_| database),
                unique_constraint_schema: place, unique_constraint_name: key.as_ref().map(|u| &u.name),
                match_option: if f.match_type == b'f' { "FULL" } else { "NONE" }, update_rule: rule(f.on_update),
                delete_rule: rule(f.on_delete),
            ];
        }
    }
    Ok(())
}

/// A condition as it stands behind CHECK.
fn clause(look: &Look<'_>, table: Oid, domain: Option<TypeRef>, k: &Constraint) -> String {
    let text = define::constraint(look, table, domain, k);
    text.strip_prefix("CHECK ").unwrap_or(&text).to_string()
}

fn checks(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let database = &scene.database;
    let look = scene.look();
    let mut told = HashSet::new();
    for h in scene.all_relations(sink, &TABLES) {
        if !scene.owns(&h) {
            continue;
        }
        let schema = scene.schema(h.namespace());
        for k in h.constraints().filter(|k| k.kind == ConstraintKind::Check) {
            let clause = clause(&look, h.oid(), None, &k);
            // An inherited one is told once.
            if told.insert((schema.clone(), k.name.clone(), clause.clone())) {
                named![sink;
                    constraint_catalog: database, constraint_schema: &schema, constraint_name: &k.name,
                    check_clause: clause,
                ];
            }
        }
        for a in h.columns().filter(|a| a.not_null) {
            named![sink;
                constraint_catalog: database, constraint_schema: &schema, constraint_name: not_null_name(&h, a),
                check_clause: format!("{} IS NOT NULL", quote_identifier(&a.name)),
            ];
        }
    }
    for record in scene.catalog.all(class::TYPE) {
        let Object::Type(t) = &record.object else { continue };
        let UserTypeKind::Domain { base, checks, .. } = &t.kind else { continue };
        if scene.subject.has_role(t.owner) {
            for k in checks {
                named![sink;
                    constraint_catalog: database, constraint_schema: scene.schema(t.namespace),
                    constraint_name: &k.name, check_clause: clause(&look, Oid::INVALID, Some(*base), k),
                ];
            }
        }
    }
    Ok(())
}
