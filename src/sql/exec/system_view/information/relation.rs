//! Schemas, tables, columns, views, sequences.

use super::super::depend::of_identity;
use super::super::{Sink, View};
use super::scene::{CHANGES, Held, INSERTS, LISTED, TABLES};
use super::types::{collation, describe, name_of, sizes};
use super::{Scene, named, yes};
use crate::base::{Flow, Oid};
use crate::catalog::object::class;
use crate::catalog::{Attribute, Catalog, Object, ObjectKey, RelKind, SequenceParams};
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::schema_allows;
use crate::types::TypeRef;
use crate::types::name::format_type_plain;

pub(super) const VIEWS: &[View] = &[
    View { name: "schemata", rows: schemata },
    View { name: "tables", rows: tables },
    View { name: "columns", rows: columns },
    View { name: "views", rows: views },
    View { name: "sequences", rows: sequences },
];

fn schemata(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for record in scene.catalog.all(class::NAMESPACE) {
        let Object::Namespace(n) = &record.object else { continue };
        let allowed = |right| schema_allows(&scene.catalog, &scene.subject, n.oid, right, false);
        if scene.subject.has_role(n.owner) || allowed('C') || allowed('U') {
            named![sink; catalog_name: &scene.database, schema_name: &n.name, schema_owner: scene.role(n.owner)];
        }
    }
    Ok(())
}

fn tables(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let asks = sink.wants("is_insertable_into");
    for h in scene.relations(sink, &LISTED, "table_schema", "table_name") {
        if !scene.sees(&h) {
            continue;
        }
        let insertable = asks && scene.updatable(&h, None) & INSERTS != 0;
        let kind = match h.kind() {
            _ if h.is_temporary() => "LOCAL TEMPORARY",
            RelKind::View => "VIEW",
            _ => "BASE TABLE",
        };
        let of = h.class().map(|c| c.of_type).filter(|t| t.is_valid());
        let (type_schema, type_name) = of.map(|t| name_of(&scene, t)).unzip();
        named![sink;
            table_catalog: &scene.database, table_schema: scene.schema(h.namespace()), table_name: h.name(),
            table_type: kind, user_defined_type_catalog: of.map(|_| &scene.database),
            user_defined_type_schema: type_schema, user_defined_type_name: type_name,
            is_insertable_into: yes(insertable), is_typed: yes(of.is_some()),
        ];
    }
    Ok(())
}

/// The sequence behind an identity column.
fn identity(catalog: &Catalog, table: Oid, a: &Attribute) -> Option<SequenceParams> {
    if a.identity == 0 {
        return None;
    }
    let key = ObjectKey { class: class::RELATION, oid: table, sub: i32::from(a.attno) };
    let found = catalog.dependents(key);
    found.iter().find_map(|(r, _)| r.object.as_class().ok().and_then(|c| c.sequence.clone()))
}

fn is_domain_not_null(scene: &Scene, ty: Oid) -> bool {
    use crate::catalog::object::UserTypeKind;
    let found = scene.catalog.user_type(ty);
    matches!(found.map(|t| t.kind), Some(UserTypeKind::Domain { not_null: true, .. }))
}

fn push_column(scene: &Scene, sink: &mut Sink, h: &Held, a: &Attribute) {
    let d = describe(scene, a.ty);
    let sequence = identity(&scene.catalog, h.oid(), a);
    let number = |f: fn(&SequenceParams) -> i64| sequence.as_ref().map(|s| f(s).to_string());
    let generated = a.generated != 0;
    let asks = sink.wants("column_default") || sink.wants("generation_expression");
    let text = a.default.as_ref().filter(|_| a.identity == 0 && asks);
    let look = scene.look();
    let shown = text.map(|d| look.expression(h.oid(), d));
    let (default, expression) = if generated { (None, shown) } else { (shown, None) };
    let collated = collation(scene, a.declared.collation, a.ty.oid);
    let updatable = sink.wants("is_updatable")
        && (TABLES.contains(&h.kind()) || scene.updatable(h, Some(a.attno)) & CHANGES == CHANGES);
    let word = match a.identity {
        b'a' => Some("ALWAYS"),
        b'd' => Some("BY DEFAULT"),
        _ => None,
    };
    named![sink;
        table_catalog: &scene.database, table_schema: scene.schema(h.namespace()), table_name: h.name(),
        column_name: &a.name, ordinal_position: i32::from(a.attno), column_default: default,
        is_nullable: yes(!a.not_null && !is_domain_not_null(scene, a.ty.oid)), data_type: d.data_type,
        character_maximum_length: d.sizes.length, character_octet_length: d.sizes.octets,
        numeric_precision: d.sizes.precision, numeric_precision_radix: d.sizes.radix, numeric_scale: d.sizes.scale,
        datetime_precision: d.sizes.time, interval_type: d.interval,
        collation_catalog: collated.as_ref().map(|_| &scene.database), collation_schema: collated.as_ref().map(|c| &*c.0),
        collation_name: collated.as_ref().map(|c| &*c.1), domain_catalog: d.domain.as_ref().map(|_| &scene.database),
        domain_schema: d.domain.as_ref().map(|d| &d.0), domain_name: d.domain.as_ref().map(|d| d.1),
        udt_catalog: &scene.database, udt_schema: d.udt_schema, udt_name: d.udt_name,
        dtd_identifier: a.attno.to_string(), is_self_referencing: "NO", is_identity: yes(a.identity != 0),
        identity_generation: word, identity_start: number(|s| s.start), identity_increment: number(|s| s.increment),
        identity_maximum: number(|s| s.max), identity_minimum: number(|s| s.min),
        identity_cycle: yes(sequence.as_ref().is_some_and(|s| s.cycle)),
        is_generated: if generated { "ALWAYS" } else { "NEVER" }, generation_expression: expression,
        is_updatable: yes(updatable),
    ];
}

fn columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let column = sink.text_key("column_name");
    for h in scene.relations(sink, &LISTED, "table_schema", "table_name") {
        for a in h.columns().filter(|a| column.as_ref().is_none_or(|n| a.name == *n)) {
            if scene.sees_column(&h, a.attno) {
                push_column(&scene, sink, &h, a);
            }
        }
    }
    Ok(())
}

fn views(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let look = scene.look();
    for h in scene.relations(sink, &[RelKind::View], "table_schema", "table_name") {
        if !scene.sees(&h) {
            continue;
        }
        let asks = sink.wants("view_definition") && scene.owns(&h);
        let text = asks.then(|| h.class().map_or_else(|| look.system_view(h.oid()), |c| look.view(c))).flatten();
        let check = h.class().and_then(|c| c.view.as_ref()).and_then(|v| v.check_option.as_ref());
        let check = check.map_or("NONE".to_string(), |o| o.to_ascii_uppercase());
        let bits = scene.updatable(&h, None);
        let triggers = h.class().map(|c| c.triggers.as_slice()).unwrap_or_default();
        let instead = |f: fn(&crate::catalog::Trigger) -> bool| yes(triggers.iter().any(|t| t.when == 'i' && f(t)));
        named![sink;
            table_catalog: &scene.database, table_schema: scene.schema(h.namespace()), table_name: h.name(),
            view_definition: text, check_option: check, is_updatable: yes(bits & CHANGES == CHANGES),
            is_insertable_into: yes(bits & INSERTS != 0), is_trigger_updatable: instead(|t| t.update),
            is_trigger_deletable: instead(|t| t.delete), is_trigger_insertable_into: instead(|t| t.insert),
        ];
    }
    Ok(())
}

fn sequences(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in scene.relations(sink, &[RelKind::Sequence], "sequence_schema", "sequence_name") {
        let Some(c) = h.class() else { continue };
        let Some(s) = &c.sequence else { continue };
        let allowed =
            h.target(&scene.catalog).is_some_and(|t| "rwU".chars().any(|r| t.whole(&scene.subject, r, false)));
        if !(scene.owns(&h) || allowed) || of_identity(&scene.catalog, c) {
            continue;
        }
        named![sink;
            sequence_catalog: &scene.database, sequence_schema: scene.schema(c.namespace), sequence_name: &c.name,
            data_type: format_type_plain(s.ty, &*scene.io.hooks), numeric_precision: sizes(TypeRef::of(s.ty)).precision,
            numeric_precision_radix: 2, numeric_scale: 0, start_value: s.start.to_string(),
            minimum_value: s.min.to_string(), maximum_value: s.max.to_string(), increment: s.increment.to_string(),
            cycle_option: yes(s.cycle),
        ];
    }
    Ok(())
}
