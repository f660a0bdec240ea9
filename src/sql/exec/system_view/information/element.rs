//! Whatever has a data type, and the elements of those that are arrays.

use super::super::{Sink, View};
use super::scene::LISTED;
use super::types::{collation, name_of, word};
use super::{Scene, composite, domain, named, routine};
use crate::base::{Flow, Oid};
use crate::sql::exec::ExecContext;
use crate::types;
use std::sync::Arc;

pub(super) const VIEWS: &[View] =
    &[View { name: "data_type_privileges", rows: objects }, View { name: "element_types", rows: elements }];

/// An object with a type: of which the number tells which part it is.
struct Typed {
    schema: Arc<str>,
    name: String,
    kind: &'static str,
    /// None of a procedure's result.
    part: Option<String>,
    ty: Oid,
    collation: Oid,
}

fn all(scene: &Scene, sink: &Sink) -> Vec<Typed> {
    let mut found = Vec::new();
    let domain = |ty: Oid| types::info(ty).is_some_and(|i| i.kind == b'd');
    for h in composite::all(scene, sink, "object_schema", "object_name") {
        let schema = scene.schema(h.namespace());
        found.extend(h.columns().map(|a| Typed {
            schema: schema.clone(),
            name: h.name().to_string(),
            kind: "USER-DEFINED TYPE",
            part: Some(a.attno.to_string()),
            ty: a.ty.oid,
            collation: a.declared.collation,
        }));
    }
    for h in scene.relations(sink, &LISTED, "object_schema", "object_name") {
        let schema = scene.schema(h.namespace());
        found.extend(h.columns().filter(|a| scene.sees_column(&h, a.attno)).map(|a| Typed {
            schema: schema.clone(),
            name: h.name().to_string(),
            kind: "TABLE",
            part: Some(a.attno.to_string()),
            ty: a.ty.oid,
            collation: a.declared.collation,
        }));
    }
    for record in domain::all(scene) {
        let Some((t, d)) = domain::of(&record).filter(|(t, _)| scene.may_use_type(t.oid)) else { continue };
        found.push(Typed {
            schema: scene.schema(t.namespace),
            name: t.name.clone(),
            kind: "DOMAIN",
            part: Some("1".to_string()),
            ty: d.base.oid,
            collation: Oid::INVALID,
        });
    }
    for r in routine::all(scene, sink, "object_schema", "") {
        if !routine::visible(scene, &r) {
            continue;
        }
        let (schema, name) = (scene.schema(r.namespace()), r.specific());
        let part = |part: Option<String>, ty| Typed {
            schema: schema.clone(),
            name: name.clone(),
            kind: "ROUTINE",
            part,
            ty,
            collation: Oid::INVALID,
        };
        found.extend(r.parameters().iter().enumerate().map(|(n, p)| part(Some((n + 1).to_string()), p.ty)));
        found.push(part((!r.is_procedure()).then(|| "0".to_string()), r.result().oid));
    }
    // An array below a domain is the domain's.
    found.retain(|t| t.kind == "DOMAIN" || !domain(t.ty) || !sink.wants("collection_type_identifier"));
    found
}

fn objects(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for t in all(&scene, sink) {
        named![sink;
            object_catalog: &scene.database, object_schema: t.schema, object_name: t.name, object_type: t.kind,
            dtd_identifier: t.part,
        ];
    }
    Ok(())
}

fn elements(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for t in all(&scene, sink) {
        let Some(element) = types::info(t.ty).filter(|i| i.is_array()).map(|i| i.element) else { continue };
        let (schema, name) = name_of(&scene, element);
        let collated = (t.kind != "ROUTINE").then(|| collation(&scene, t.collation, element)).flatten();
        named![sink;
            object_catalog: &scene.database, object_schema: t.schema, object_name: t.name, object_type: t.kind,
            collection_type_identifier: t.part.clone(), data_type: word(&scene, element),
            collation_catalog: collated.as_ref().map(|_| &scene.database), collation_schema: collated.as_ref().map(|c| &*c.0),
            collation_name: collated.as_ref().map(|c| &*c.1), udt_catalog: &scene.database, udt_schema: schema, udt_name: name,
            dtd_identifier: t.part.map(|p| format!("a{p}")),
        ];
    }
    Ok(())
}
