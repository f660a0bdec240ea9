//! Composite types and their attributes.

use super::super::{Sink, View};
use super::types::{collation, describe};
use super::{Scene, named, yes};
use crate::base::Flow;
use crate::catalog::RelKind;
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] =
    &[View { name: "attributes", rows: attributes }, View { name: "user_defined_types", rows: types }];

/// Composite types the role may use.
pub(super) fn all(scene: &Scene, sink: &Sink, schema: &str, name: &str) -> Vec<super::scene::Held> {
    let mut found = scene.relations(sink, &[RelKind::Composite], schema, name);
    found.retain(|h| h.class().is_some_and(|c| scene.may_use_type(c.row_type)));
    found
}

fn attributes(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in all(&scene, sink, "udt_schema", "udt_name") {
        for a in h.columns() {
            let d = describe(&scene, a.ty);
            let collated = collation(&scene, a.declared.collation, a.ty.oid);
            named![sink;
                udt_catalog: &scene.database, udt_schema: scene.schema(h.namespace()), udt_name: h.name(),
                attribute_name: &a.name, ordinal_position: i32::from(a.attno), is_nullable: yes(!a.not_null),
                data_type: d.data_type, character_maximum_length: d.sizes.length,
                character_octet_length: d.sizes.octets, collation_catalog: collated.as_ref().map(|_| &scene.database),
                collation_schema: collated.as_ref().map(|c| &*c.0), collation_name: collated.as_ref().map(|c| &*c.1),
                numeric_precision: d.sizes.precision, numeric_precision_radix: d.sizes.radix,
                numeric_scale: d.sizes.scale, datetime_precision: d.sizes.time, interval_type: d.interval,
                attribute_udt_catalog: &scene.database, attribute_udt_schema: d.udt_schema,
                attribute_udt_name: d.udt_name, dtd_identifier: a.attno.to_string(),
                is_derived_reference_attribute: "NO",
            ];
        }
    }
    Ok(())
}

fn types(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in all(&scene, sink, "user_defined_type_schema", "user_defined_type_name") {
        named![sink;
            user_defined_type_catalog: &scene.database, user_defined_type_schema: scene.schema(h.namespace()),
            user_defined_type_name: h.name(), user_defined_type_category: "STRUCTURED", is_instantiable: "YES",
        ];
    }
    Ok(())
}
