//! Domains, their constraints, and what is made of them.

use super::super::{Sink, View};
use super::scene::LISTED;
use super::types::{collation, describe, name_of, plain_word};
use super::{Scene, named, yes};
use crate::base::Flow;
use crate::catalog::object::{UserType, UserTypeKind, class};
use crate::catalog::{Constraint, Object, Record};
use crate::sql::exec::ExecContext;
use crate::types::{self, TypeRef};
use std::sync::Arc;

pub(super) const VIEWS: &[View] = &[
    View { name: "domains", rows: domains },
    View { name: "domain_constraints", rows: constraints },
    View { name: "domain_udt_usage", rows: domain_types },
    View { name: "column_domain_usage", rows: columns_of_domains },
    View { name: "column_udt_usage", rows: columns_of_types },
];

/// A domain's own part of its type.
pub(super) struct Domain<'a> {
    pub base: TypeRef,
    pub default: Option<&'a str>,
    pub checks: &'a [Constraint],
}

pub(super) fn all(scene: &Scene) -> Vec<Arc<Record>> {
    let mut found = scene.catalog.all(class::TYPE);
    found.retain(|r| matches!(&r.object, Object::Type(t) if matches!(t.kind, UserTypeKind::Domain { .. })));
    found.sort_by_key(|r| r.object.key().oid);
    found
}

pub(super) fn of(record: &Record) -> Option<(&UserType, Domain<'_>)> {
    let Object::Type(t) = &record.object else { return None };
    match &t.kind {
        UserTypeKind::Domain { base, default, checks, .. } => {
            Some((t, Domain { base: *base, default: default.as_deref(), checks }))
        }
        _ => None,
    }
}

fn domains(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let look = scene.look();
    for record in all(&scene) {
        let Some((t, d)) = of(&record).filter(|(t, _)| scene.may_use_type(t.oid)) else { continue };
        let shown = describe(&scene, TypeRef::of(t.oid));
        let collated = collation(&scene, crate::base::Oid::INVALID, t.oid);
        named![sink;
            domain_catalog: &scene.database, domain_schema: scene.schema(t.namespace), domain_name: &t.name,
            data_type: plain_word(&scene, d.base.oid), character_maximum_length: shown.sizes.length,
            character_octet_length: shown.sizes.octets, collation_catalog: collated.as_ref().map(|_| &scene.database),
            collation_schema: collated.as_ref().map(|c| &*c.0), collation_name: collated.as_ref().map(|c| &*c.1),
            numeric_precision: shown.sizes.precision, numeric_precision_radix: shown.sizes.radix,
            numeric_scale: shown.sizes.scale, datetime_precision: shown.sizes.time, interval_type: shown.interval,
            domain_default: d.default.map(|e| look.expression(crate::base::Oid::INVALID, e)),
            udt_catalog: &scene.database, udt_schema: shown.udt_schema, udt_name: shown.udt_name, dtd_identifier: "1",
        ];
    }
    Ok(())
}

fn constraints(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for record in all(&scene) {
        let Some((t, d)) = of(&record).filter(|(t, _)| scene.may_use_type(t.oid)) else { continue };
        let schema = scene.schema(t.namespace);
        for k in d.checks {
            named![sink;
                constraint_catalog: &scene.database, constraint_schema: &schema, constraint_name: &k.name,
                domain_catalog: &scene.database, domain_schema: &schema, domain_name: &t.name,
                is_deferrable: yes(k.deferrable), initially_deferred: yes(k.deferred),
            ];
        }
    }
    Ok(())
}

fn domain_types(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for record in all(&scene) {
        let Some((t, d)) = of(&record) else { continue };
        if scene.subject.has_role(scene.type_owner(d.base.oid)) {
            let (schema, name) = name_of(&scene, d.base.oid);
            named![sink;
                udt_catalog: &scene.database, udt_schema: schema, udt_name: name, domain_catalog: &scene.database,
                domain_schema: scene.schema(t.namespace), domain_name: &t.name,
            ];
        }
    }
    Ok(())
}

fn columns_of_domains(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in scene.relations(sink, &LISTED, "table_schema", "table_name") {
        for a in h.columns() {
            let domain = types::info(a.ty.oid).filter(|i| i.kind == b'd');
            if domain.is_some() && scene.subject.has_role(scene.type_owner(a.ty.oid)) {
                let (schema, name) = name_of(&scene, a.ty.oid);
                named![sink;
                    domain_catalog: &scene.database, domain_schema: schema, domain_name: name,
                    table_catalog: &scene.database, table_schema: scene.schema(h.namespace()), table_name: h.name(),
                    column_name: &a.name,
                ];
            }
        }
    }
    Ok(())
}

fn columns_of_types(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in scene.relations(sink, &LISTED, "table_schema", "table_name") {
        for a in h.columns() {
            let base = types::info(a.ty.oid).filter(|i| i.kind == b'd').map_or(a.ty.oid, |i| i.base);
            if scene.subject.has_role(scene.type_owner(base)) {
                let (schema, name) = name_of(&scene, base);
                named![sink;
                    udt_catalog: &scene.database, udt_schema: schema, udt_name: name, table_catalog: &scene.database,
                    table_schema: scene.schema(h.namespace()), table_name: h.name(), column_name: &a.name,
                ];
            }
        }
    }
    Ok(())
}
