//! What views, columns and routines refer to. Shown are the objects the role owns, whoever uses them.

use super::super::depend::read::{self, Found};
use super::super::{Sink, View};
use super::routine::{self, Routine};
use super::scene::{Held, LISTED, TABLES};
use super::{Scene, named};
use crate::base::{Flow, Oid};
use crate::catalog::object::{UserTypeKind, class};
use crate::catalog::{ConstraintKind, Object, RelKind};
use crate::sql::bind;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::depend::expression_of_domain;
use std::collections::BTreeSet;

pub(super) const VIEWS: &[View] = &[
    View { name: "view_table_usage", rows: view_tables },
    View { name: "view_column_usage", rows: view_columns },
    View { name: "view_routine_usage", rows: view_routines },
    View { name: "column_column_usage", rows: columns_of_columns },
    View { name: "check_constraint_routine_usage", rows: checks },
    View { name: "routine_table_usage", rows: routine_tables },
    View { name: "routine_column_usage", rows: routine_columns },
    View { name: "routine_routine_usage", rows: routine_routines },
    View { name: "routine_sequence_usage", rows: routine_sequences },
];

/// Views of users with what their queries refer to.
fn views(scene: &Scene, sink: &Sink, schema: &str, name: &str) -> Vec<(Held, Found)> {
    let all = scene.relations(sink, &[RelKind::View], schema, name);
    let with = |h: Held| {
        let found = read::of_query(&scene.view_query(&h)?);
        Some((h, found))
    };
    all.into_iter().filter_map(with).collect()
}

fn owned(scene: &Scene, oid: Oid, kinds: &[RelKind]) -> Option<Held> {
    scene.relation(oid).filter(|h| kinds.contains(&h.kind()) && scene.owns(h))
}

fn view_tables(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for (v, found) in views(&scene, sink, "view_schema", "view_name") {
        let tables: BTreeSet<Oid> = found.iter().filter(|f| f.0 == class::RELATION).map(|f| f.1).collect();
        for t in tables.into_iter().filter_map(|oid| owned(&scene, oid, &LISTED)) {
            named![sink;
                view_catalog: &scene.database, view_schema: scene.schema(v.namespace()), view_name: v.name(),
                table_catalog: &scene.database, table_schema: scene.schema(t.namespace()), table_name: t.name(),
            ];
        }
    }
    Ok(())
}

fn view_columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for (v, found) in views(&scene, sink, "view_schema", "view_name") {
        for (_, oid, attno) in found.iter().filter(|f| f.0 == class::RELATION && f.2 > 0) {
            let Some(t) = owned(&scene, *oid, &LISTED) else { continue };
            let Some(a) = t.column(*attno as i16) else { continue };
            named![sink;
                view_catalog: &scene.database, view_schema: scene.schema(v.namespace()), view_name: v.name(),
                table_catalog: &scene.database, table_schema: scene.schema(t.namespace()), table_name: t.name(),
                column_name: &a.name,
            ];
        }
    }
    Ok(())
}

/// A function of the role's own: schema and specific name.
fn function(scene: &Scene, oid: Oid) -> Option<(std::sync::Arc<str>, Routine)> {
    let record = scene.catalog.get(crate::catalog::ObjectKey::new(class::PROC, oid))?;
    let r = Routine::User(record);
    scene.subject.has_role(r.owner()).then(|| (scene.schema(r.namespace()), r))
}

fn view_routines(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for (v, found) in views(&scene, sink, "table_schema", "table_name") {
        for (schema, r) in found.iter().filter(|f| f.0 == class::PROC).filter_map(|f| function(&scene, f.1)) {
            named![sink;
                table_catalog: &scene.database, table_schema: scene.schema(v.namespace()), table_name: v.name(),
                specific_catalog: &scene.database, specific_schema: schema, specific_name: r.specific(),
            ];
        }
    }
    Ok(())
}

/// Generated columns and those they are computed from.
fn columns_of_columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in scene.relations(sink, &TABLES, "table_schema", "table_name") {
        if !scene.owns(&h) || h.columns().all(|a| a.generated == 0) {
            continue;
        }
        let Some(relation) = scene.catalog.relation(h.oid())? else { continue };
        let stored = bind::stored(&relation, &*scene.catalog, &scene.io)?;
        for (at, e) in &stored.generated {
            let Some(dependent) = relation.attributes.get(*at) else { continue };
            for a in read::columns_of(e).into_iter().filter_map(|n| h.column(n)) {
                named![sink;
                    table_catalog: &scene.database, table_schema: scene.schema(h.namespace()), table_name: h.name(),
                    column_name: &a.name, dependent_column: &dependent.name,
                ];
            }
        }
    }
    Ok(())
}

fn push_check(scene: &Scene, sink: &mut Sink, namespace: Oid, name: &str, found: &Found) {
    for (schema, r) in found.iter().filter(|f| f.0 == class::PROC).filter_map(|f| function(scene, f.1)) {
        named![sink;
            constraint_catalog: &scene.database, constraint_schema: scene.schema(namespace), constraint_name: name,
            specific_catalog: &scene.database, specific_schema: schema, specific_name: r.specific(),
        ];
    }
}

fn checks(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in scene.all_relations(sink, &TABLES) {
        if h.constraints().all(|k| k.kind != ConstraintKind::Check) {
            continue;
        }
        let Some(relation) = scene.catalog.relation(h.oid())? else { continue };
        for (name, e) in &bind::stored(&relation, &*scene.catalog, &scene.io)?.checks {
            push_check(&scene, sink, h.namespace(), name, &read::of_expression(e, h.oid()));
        }
    }
    for record in super::domain::all(&scene) {
        let Object::Type(t) = &record.object else { continue };
        let UserTypeKind::Domain { base, checks, .. } = &t.kind else { continue };
        for k in checks {
            let bound = k.check.as_deref().and_then(|c| expression_of_domain(&scene.catalog, &scene.io, *base, c));
            if let Some(e) = bound {
                push_check(&scene, sink, t.namespace, &k.name, &read::of_expression(&e, Oid::INVALID));
            }
        }
    }
    Ok(())
}

/// Routines that keep what they refer to: those with a body in SQL's own syntax.
fn routines(scene: &Scene, sink: &Sink) -> Vec<(Routine, BTreeSet<(Oid, Oid, i32)>)> {
    let mut found = Vec::new();
    for r in routine::all(scene, sink, "routine_schema", "routine_name") {
        let Some(f) = r.function().filter(|f| f.atomic) else { continue };
        let on = f.depends.iter().map(|d| (d.on.class, d.on.oid, d.on.sub)).collect();
        found.push((r, on));
    }
    found
}

fn routine_relations(
    cx: &mut ExecContext,
    sink: &mut Sink,
    mut push: impl FnMut(&Scene, &mut Sink, &Routine, &BTreeSet<(Oid, Oid, i32)>),
) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for (r, on) in routines(&scene, sink) {
        push(&scene, sink, &r, &on);
    }
    Ok(())
}

fn routine_tables(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    routine_relations(cx, sink, |scene, sink, r, on| {
        let tables: BTreeSet<Oid> = on.iter().filter(|f| f.0 == class::RELATION).map(|f| f.1).collect();
        let schema = scene.schema(r.namespace());
        for t in tables.into_iter().filter_map(|oid| owned(scene, oid, &LISTED)) {
            named![sink;
                specific_catalog: &scene.database, specific_schema: &schema, specific_name: r.specific(),
                routine_catalog: &scene.database, routine_schema: &schema, routine_name: r.name(),
                table_catalog: &scene.database, table_schema: scene.schema(t.namespace()), table_name: t.name(),
            ];
        }
    })
}

fn routine_columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    routine_relations(cx, sink, |scene, sink, r, on| {
        let schema = scene.schema(r.namespace());
        for (_, oid, attno) in on.iter().filter(|f| f.0 == class::RELATION && f.2 > 0) {
            let Some(t) = owned(scene, *oid, &LISTED) else { continue };
            let Some(a) = t.column(*attno as i16) else { continue };
            named![sink;
                specific_catalog: &scene.database, specific_schema: &schema, specific_name: r.specific(),
                routine_catalog: &scene.database, routine_schema: &schema, routine_name: r.name(),
                table_catalog: &scene.database, table_schema: scene.schema(t.namespace()), table_name: t.name(),
                column_name: &a.name,
            ];
        }
    })
}

fn routine_routines(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    routine_relations(cx, sink, |scene, sink, r, on| {
        for (other, f) in on.iter().filter(|f| f.0 == class::PROC).filter_map(|f| function(scene, f.1)) {
            named![sink;
                specific_catalog: &scene.database, specific_schema: scene.schema(r.namespace()),
                specific_name: r.specific(), routine_catalog: &scene.database, routine_schema: other,
                routine_name: f.specific(),
            ];
        }
    })
}

fn routine_sequences(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    routine_relations(cx, sink, |scene, sink, r, on| {
        let schema = scene.schema(r.namespace());
        let sequences: BTreeSet<Oid> = on.iter().filter(|f| f.0 == class::RELATION).map(|f| f.1).collect();
        for s in sequences.into_iter().filter_map(|oid| owned(scene, oid, &[RelKind::Sequence])) {
            named![sink;
                specific_catalog: &scene.database, specific_schema: &schema, specific_name: r.specific(),
                routine_catalog: &scene.database, routine_schema: &schema, routine_name: r.name(),
                sequence_catalog: &scene.database, sequence_schema: scene.schema(s.namespace()),
                sequence_name: s.name(),
            ];
        }
    })
}
