//! `information_schema`: what the current user may see, in the words of the SQL standard.

use super::cell::NULL;
use super::class::{as_class, system_relations, user_classes};
use super::listing::{role_name, schema_name};
use super::{Cell, Sink, View, catalog, row};
use crate::base::{Flow, Oid, Result};
use crate::catalog::object::{Class, UserTypeKind, class};
use crate::catalog::{Attribute, Catalog, Constraint, ConstraintKind, Object, RelKind, SequenceParams};
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::{Subject, Target};
use crate::sql::exec::system::define::{self, Look};
use crate::types::name::format_type;
use crate::types::{self, Value, oid};
use std::sync::Arc;

pub(super) const VIEWS: &[View] = &[
    View { name: "information_schema_catalog_name", rows: catalog_name },
    View { name: "schemata", rows: schemata },
    View { name: "tables", rows: tables },
    View { name: "columns", rows: columns },
    View { name: "views", rows: views },
    View { name: "sequences", rows: sequences },
    View { name: "table_constraints", rows: table_constraints },
    View { name: "key_column_usage", rows: key_columns },
    View { name: "constraint_column_usage", rows: constraint_columns },
    View { name: "referential_constraints", rows: references },
];

fn yes(on: bool) -> &'static str {
    if on { "YES" } else { "NO" }
}

/// What all views of this schema need.
struct Scene {
    catalog: Arc<Catalog>,
    database: String,
    subject: Subject,
}

impl Scene {
    fn of(cx: &mut ExecContext) -> Result<Scene> {
        let catalog = catalog(cx)?;
        let backend = cx.backend()?;
        let database = backend.database_name.clone();
        Ok(Scene { catalog, database, subject: Subject::current(backend) })
    }

    fn schema(&self, namespace: Oid) -> String {
        schema_name(&self.catalog, namespace).unwrap_or_default()
    }

    /// Whether the user has any right on a relation, on one of its columns if need be.
    fn sees(&self, t: &Target<'_>) -> bool {
        let on_columns = |r| t.attributes.iter().any(|a| t.column(&self.subject, a.attno, r, false));
        self.subject.has_role(t.owner)
            || "rawdDxt".chars().any(|r| t.whole(&self.subject, r, false))
            || "rawx".chars().any(on_columns)
    }

    /// The user's relations of these kinds that may be seen.
    fn classes(&self, kinds: &[RelKind], name: Option<&str>) -> Vec<Arc<crate::catalog::Record>> {
        let mut found = user_classes(&self.catalog, None, name);
        found.retain(|r| as_class(r).is_some_and(|c| kinds.contains(&c.kind) && self.sees(&Target::of_class(c))));
        found
    }
}

fn catalog_name(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    row![sink; scene.database];
    Ok(())
}

fn schemata(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for record in scene.catalog.all(class::NAMESPACE) {
        let Object::Namespace(n) = &record.object else { continue };
        if scene.subject.has_role(n.owner) {
            row![sink; &scene.database, &n.name, role_name(&scene.catalog, n.owner), NULL, NULL, NULL, NULL];
        }
    }
    Ok(())
}

fn table_type(c: &Class) -> &'static str {
    match (c.kind, c.persistence) {
        (RelKind::View, _) => "VIEW",
        (_, crate::catalog::Persistence::Temp) => "LOCAL TEMPORARY",
        _ => "BASE TABLE",
    }
}

const LISTED: [RelKind; 2] = [RelKind::Table, RelKind::View];

fn tables(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let name = sink.text_key("table_name");
    for r in system_relations(None, name.as_deref()) {
        if scene.sees(&Target::of(&r)) {
            let kind = if r.kind == RelKind::View { "VIEW" } else { "BASE TABLE" };
            row![sink;
                &scene.database, &r.schema, &r.name, kind, NULL, NULL, NULL, NULL, NULL,
                yes(r.kind == RelKind::Table), "NO", NULL,
            ];
        }
    }
    for record in scene.classes(&LISTED, name.as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let temporary = c.persistence == crate::catalog::Persistence::Temp;
        row![sink;
            &scene.database, scene.schema(c.namespace), &c.name, table_type(c), NULL, NULL, NULL, NULL, NULL,
            yes(c.kind == RelKind::Table), "NO", temporary.then_some("PRESERVE"),
        ];
    }
    Ok(())
}

/// The base type of a column, and the domain it is of.
fn base_of(catalog: &Catalog, a: &Attribute) -> (types::TypeRef, Option<(Oid, String)>) {
    match catalog.user_type(a.ty.oid) {
        Some(t) => match t.kind {
            UserTypeKind::Domain { base, .. } => (base, Some((t.namespace, t.name))),
            _ => (a.ty, None),
        },
        None => (a.ty, None),
    }
}

/// Length, precision, radix, scale, and precision of times, as the standard's columns have them.
#[derive(Default)]
struct Sizes {
    length: Option<i32>,
    octets: Option<i32>,
    precision: Option<i32>,
    radix: Option<i32>,
    scale: Option<i32>,
    time: Option<i32>,
}

/// PostgreSQL 15, information_schema.sql, _pg_char_max_length and its kin: same rules.
fn sizes(ty: types::TypeRef) -> Sizes {
    let m = ty.typmod;
    let number = |precision, radix, scale| Sizes { precision, radix: Some(radix), scale, ..Sizes::default() };
    match ty.oid {
        oid::BPCHAR | oid::VARCHAR => {
            let length = (m >= 0).then_some(m - 4);
            Sizes { length, octets: Some(length.map_or(1 << 30, |l| l.saturating_mul(4))), ..Sizes::default() }
        }
        oid::TEXT => Sizes { octets: Some(1 << 30), ..Sizes::default() },
        oid::BIT | oid::VARBIT => Sizes { length: (m >= 0).then_some(m), ..Sizes::default() },
        oid::INT2 => number(Some(16), 2, Some(0)),
        oid::INT4 => number(Some(32), 2, Some(0)),
        oid::INT8 => number(Some(64), 2, Some(0)),
        oid::FLOAT4 => number(Some(24), 2, None),
        oid::FLOAT8 => number(Some(53), 2, None),
        oid::NUMERIC => match m {
            -1 => number(None, 10, None),
            m => number(Some((m - 4) >> 16 & 0xffff), 10, Some((m - 4) & 0x7ff)),
        },
        oid::DATE => Sizes { time: Some(0), ..Sizes::default() },
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            Sizes { time: Some(if m < 0 { 6 } else { m }), ..Sizes::default() }
        }
        oid::INTERVAL => {
            let precision = m & 0xffff;
            Sizes { time: Some(if m < 0 || precision == 0xffff { 6 } else { precision }), ..Sizes::default() }
        }
        _ => Sizes::default(),
    }
}

/// What a column belongs to.
struct Owner<'a> {
    schema: &'a str,
    table: &'a str,
    updatable: bool,
}

/// The sequence behind an identity column.
fn identity(catalog: &Catalog, table: Oid, a: &Attribute) -> Option<SequenceParams> {
    if a.identity == 0 {
        return None;
    }
    let key = crate::catalog::ObjectKey { class: class::RELATION, oid: table, sub: i32::from(a.attno) };
    let found = catalog.dependents(key);
    found.iter().find_map(|(r, _)| r.object.as_class().ok().and_then(|c| c.sequence.clone()))
}

fn push_column(cx: &ExecContext, scene: &Scene, sink: &mut Sink, relation: Oid, owner: &Owner<'_>, a: &Attribute) {
    let (base, domain) = base_of(&scene.catalog, a);
    let info = types::info(base.oid);
    let data_type = match info {
        Some(i) if i.is_array() => "ARRAY".to_string(),
        Some(_) => format_type(base.oid, -1, &*cx.fx.io.hooks),
        None => "USER-DEFINED".to_string(),
    };
    let (udt_schema, udt_name) = match (info, scene.catalog.user_type(base.oid)) {
        (Some(i), _) => (Some("pg_catalog".to_string()), i.name.to_string()),
        (None, Some(t)) => (schema_name(&scene.catalog, t.namespace), t.name),
        (None, None) => (None, String::new()),
    };
    let s = sizes(base);
    let sequence = identity(&scene.catalog, relation, a);
    let number = |f: fn(&SequenceParams) -> i64| sequence.as_ref().map(|s| f(s).to_string());
    let generated = a.generated != 0;
    let shown = a.default.as_ref().filter(|_| a.identity == 0).map(|d| define::expression(&scene.catalog, d));
    let expression: Option<&str> = shown.as_deref();
    let word = match a.identity {
        b'a' => "ALWAYS".cell(),
        b'd' => "BY DEFAULT".cell(),
        _ => NULL,
    };
    let domain_catalog = domain.as_ref().map(|_| &scene.database);
    row![sink;
        &scene.database, owner.schema, owner.table, &a.name, i32::from(a.attno),
        if generated { None } else { expression }, yes(!a.not_null), data_type, s.length, s.octets, s.precision,
        s.radix, s.scale, s.time, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, domain_catalog,
        domain.as_ref().and_then(|d| schema_name(&scene.catalog, d.0)), domain.as_ref().map(|d| &d.1),
        &scene.database, udt_schema, udt_name, NULL, NULL, NULL, NULL, a.attno.to_string(), "NO",
        yes(a.identity != 0), word, number(|s| s.start), number(|s| s.increment), number(|s| s.max),
        number(|s| s.min), sequence.as_ref().map_or("NO", |s| yes(s.cycle)),
        if generated { "ALWAYS" } else { "NEVER" }, if generated { expression } else { None }, yes(owner.updatable),
    ];
}

fn columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let name = sink.text_key("table_name");
    for r in system_relations(None, name.as_deref()).iter().filter(|r| scene.sees(&Target::of(r))) {
        let owner = Owner { schema: &r.schema, table: &r.name, updatable: r.kind == RelKind::Table };
        for a in r.visible_attributes() {
            push_column(cx, &scene, sink, r.oid, &owner, a);
        }
    }
    for record in scene.classes(&LISTED, name.as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let schema = scene.schema(c.namespace);
        let owner = Owner { schema: &schema, table: &c.name, updatable: c.kind == RelKind::Table };
        for a in c.attributes.iter().filter(|a| !a.dropped) {
            push_column(cx, &scene, sink, c.oid, &owner, a);
        }
    }
    Ok(())
}

fn views(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let io = cx.fx.io.clone();
    for record in scene.classes(&[RelKind::View], sink.text_key("table_name").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        // The query is shown to those who own the view.
        let look = Look { catalog: &scene.catalog, io: &io, pretty: false, width: 0 };
        let text = scene.subject.has_role(c.owner).then(|| look.view(c)).flatten();
        let check = c.view.as_ref().and_then(|v| v.check_option.clone()).map(|o| o.to_ascii_uppercase());
        row![sink;
            &scene.database, scene.schema(c.namespace), &c.name, text, check.unwrap_or_else(|| "NONE".into()), "NO",
            "NO", "NO", "NO", "NO",
        ];
    }
    Ok(())
}

fn sequences(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for record in scene.classes(&[RelKind::Sequence], sink.text_key("sequence_name").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let Some(s) = &c.sequence else { continue };
        if super::depend::of_identity(&scene.catalog, c) {
            continue;
        }
        let bits = sizes(types::TypeRef::of(s.ty)).precision;
        row![sink;
            &scene.database, scene.schema(c.namespace), &c.name, format_type(s.ty, -1, &*cx.fx.io.hooks), bits, 2, 0,
            s.start.to_string(), s.min.to_string(), s.max.to_string(), s.increment.to_string(), yes(s.cycle),
        ];
    }
    Ok(())
}

fn kind_word(kind: ConstraintKind) -> &'static str {
    match kind {
        ConstraintKind::Check => "CHECK",
        ConstraintKind::ForeignKey => "FOREIGN KEY",
        ConstraintKind::PrimaryKey => "PRIMARY KEY",
        ConstraintKind::Unique => "UNIQUE",
    }
}

fn table_constraints(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for record in scene.classes(&[RelKind::Table], sink.text_key("table_name").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let schema = scene.schema(c.namespace);
        for k in &c.constraints {
            let distinct = (k.kind == ConstraintKind::Unique).then(|| yes(!nulls_not_distinct(&scene.catalog, k)));
            row![sink;
                &scene.database, &schema, &k.name, &scene.database, &schema, &c.name, kind_word(k.kind),
                yes(k.deferrable), yes(k.deferred), "YES", distinct,
            ];
        }
        // The standard counts NOT NULL as a check; its name is made up as PostgreSQL does.
        for a in c.attributes.iter().filter(|a| a.not_null && !a.dropped) {
            let name = format!("{}_{}_{}_not_null", c.namespace, c.oid, a.attno);
            row![sink;
                &scene.database, &schema, name, &scene.database, &schema, &c.name, "CHECK", "NO", "NO", "YES", NULL,
            ];
        }
    }
    Ok(())
}

fn nulls_not_distinct(catalog: &Catalog, k: &Constraint) -> bool {
    let record = catalog.class(k.index);
    let index = record.as_ref().and_then(|r| as_class(r)).and_then(|c| c.index.as_ref());
    index.is_some_and(|i| i.nulls_not_distinct)
}

fn column_name(c: &Class, attno: i16) -> Option<&str> {
    c.attributes.iter().find(|a| a.attno == attno).map(|a| a.name.as_str())
}

fn key_columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for record in scene.classes(&[RelKind::Table], sink.text_key("table_name").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let schema = scene.schema(c.namespace);
        for k in c.constraints.iter().filter(|k| k.kind != ConstraintKind::Check) {
            for (n, attno) in k.columns.iter().enumerate() {
                // Of a foreign key: where the column it refers to stands in the other table's key.
                let place = k.foreign.as_ref().map(|f| position_in_key(&scene.catalog, f.relation, k, n));
                row![sink;
                    &scene.database, &schema, &k.name, &scene.database, &schema, &c.name, column_name(c, *attno),
                    n as i32 + 1, place.flatten(),
                ];
            }
        }
    }
    Ok(())
}

/// The unique constraint a foreign key refers to.
fn referenced<'a>(table: &'a Class, k: &Constraint) -> Option<&'a Constraint> {
    table.constraints.iter().find(|u| u.index == k.index && u.foreign.is_none() && u.index.is_valid())
}

fn position_in_key(catalog: &Catalog, table: Oid, k: &Constraint, n: usize) -> Option<i32> {
    let record = catalog.class(table);
    let other = record.as_ref().and_then(|r| as_class(r))?;
    let wanted = *k.foreign.as_ref()?.columns.get(n)?;
    let key = referenced(other, k)?;
    key.columns.iter().position(|a| *a == wanted).map(|p| p as i32 + 1)
}

fn constraint_columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for record in scene.classes(&[RelKind::Table], None) {
        let Some(c) = as_class(&record) else { continue };
        for k in &c.constraints {
            let (table, columns) = match &k.foreign {
                Some(f) => (scene.catalog.class(f.relation), &f.columns),
                None => (Some(record.clone()), &k.columns),
            };
            let Some(t) = table.as_ref().and_then(|r| as_class(r)) else { continue };
            for attno in columns {
                row![sink;
                    &scene.database, scene.schema(t.namespace), &t.name, column_name(t, *attno), &scene.database,
                    scene.schema(c.namespace), &k.name,
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
    for record in scene.classes(&[RelKind::Table], None) {
        let Some(c) = as_class(&record) else { continue };
        for k in &c.constraints {
            let Some(f) = &k.foreign else { continue };
            let other = scene.catalog.class(f.relation);
            let unique = other.as_ref().and_then(|r| as_class(r)).and_then(|o| Some((o, referenced(o, k)?)));
            let place: Value = unique.map(|(o, _)| scene.schema(o.namespace)).cell();
            row![sink;
                &scene.database, scene.schema(c.namespace), &k.name, unique.map(|_| &scene.database), place,
                unique.map(|(_, u)| &u.name), if f.match_type == b'f' { "FULL" } else { "NONE" }, rule(f.on_update),
                rule(f.on_delete),
            ];
        }
    }
    Ok(())
}
