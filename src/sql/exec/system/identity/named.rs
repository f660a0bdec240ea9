//! The names of one object.

use super::parts;
use super::types::{place, qualified, shown};
use crate::base::Oid;
use crate::catalog::object::{DefaultAcl, Function, ObjectKey, class, fixed};
use crate::catalog::{Catalog, ForeignKind, Object, RelKind};
use crate::sql::func;
use crate::sql::names::{procedure_shown, reg_out};
use crate::sql::text_search::Kind;
use crate::types::name::quote_identifier;
use crate::types::oid;

/// Everything that is asked about an object's name.
#[derive(Default)]
pub(super) struct Named {
    /// What kind of thing it is.
    pub word: &'static str,
    /// As messages call it, as short as the search path allows.
    pub described: String,
    /// Its schema, and its name where that is the only one of its kind there.
    pub schema: Option<String>,
    pub name: Option<String>,
    /// In full, whatever the search path.
    pub identity: String,
    /// The same in parts, as `pg_get_object_address` takes them.
    pub names: Vec<String>,
    pub args: Vec<String>,
}

/// Names of the object; None: it is not there.
pub(super) fn of(catalog: &Catalog, key: ObjectKey) -> Option<Named> {
    let oid = key.oid;
    match key.class {
        class::RELATION if key.sub != 0 => column(catalog, oid, key.sub),
        class::RELATION => class_facts(catalog, oid),
        class::PROC => routine(catalog, oid),
        class::TYPE => type_named(catalog, oid),
        class::CAST => cast(catalog, oid),
        class::CONSTRAINT => parts::constraint(catalog, oid),
        class::ATTRDEF => parts::default(catalog, oid),
        class::TRIGGER => parts::trigger(catalog, oid),
        class::REWRITE => parts::rule(catalog, oid),
        class::POLICY => parts::policy(catalog, oid),
        class::OPERATOR => operator(catalog, oid),
        class::NAMESPACE => catalog.namespace(oid).map(|n| alone("schema", &n.name)),
        class::AUTHID => catalog.role(oid).map(|r| alone("role", &r.name)),
        class::DATABASE => catalog.database_by_oid(oid).map(|d| alone("database", &d.name)),
        class::FOREIGN_DATA_WRAPPER | class::FOREIGN_SERVER | class::USER_MAPPING => foreign(catalog, key),
        class::DEFAULT_ACL | class::STATISTIC_EXT | class::PUBLICATION | class::EVENT_TRIGGER => stored(catalog, key),
        class::EXTENSION | class::OPCLASS | class::OPFAMILY | class::CONVERSION | class::COLLATION => {
            stored(catalog, key).or_else(|| fixed_object(catalog, key))
        }
        Oid(6106) => published_table(catalog, oid),
        Oid(6237) => published_schema(catalog, oid),
        class::TABLESPACE => catalog.tablespace(oid).map(|t| alone("tablespace", &t.name)),
        Oid(2602) | Oid(2603) => family_member(catalog, key),
        class::TS_PARSER => text_search(catalog, Kind::Parser, oid),
        class::TS_DICTIONARY => text_search(catalog, Kind::Dictionary, oid),
        class::TS_TEMPLATE => text_search(catalog, Kind::Template, oid),
        class::TS_CONFIG => text_search(catalog, Kind::Config, oid),
        _ => fixed_object(catalog, key),
    }
}

fn foreign(catalog: &Catalog, key: ObjectKey) -> Option<Named> {
    let of = |key| match &catalog.get(key)?.object {
        Object::Foreign(f) => Some(f.clone()),
        _ => None,
    };
    let f = of(key)?;
    let ForeignKind::Mapping { server } = f.kind else {
        let word = if key.class == class::FOREIGN_SERVER { "server" } else { "foreign-data wrapper" };
        return Some(alone(word, &f.name));
    };
    let server = of(ObjectKey::new(class::FOREIGN_SERVER, server))?.name;
    let user = catalog.role(f.owner).map_or_else(|| "public".to_owned(), |r| r.name);
    Some(Named {
        word: "user mapping",
        described: format!("user mapping for {user} on server {server}"),
        identity: format!("{} on server {server}", quote_identifier(&user)),
        names: vec![user],
        args: vec![server],
        ..Named::default()
    })
}

/// An object that stands in no schema.
fn alone(word: &'static str, name: &str) -> Named {
    Named {
        word,
        described: format!("{word} {name}"),
        name: Some(name.to_string()),
        identity: quote_identifier(name),
        names: vec![name.to_string()],
        ..Named::default()
    }
}

/// A large object has no name but its number.
pub(super) fn large_object(oid: Oid) -> Named {
    Named {
        word: "large object",
        described: format!("large object {oid}"),
        identity: oid.to_string(),
        names: vec![oid.to_string()],
        ..Named::default()
    }
}

/// An object of a schema; `bare`: the search path finds it without.
fn placed(word: &'static str, schema: &str, name: &str, bare: bool) -> Named {
    let identity = format!("{}.{}", quote_identifier(schema), quote_identifier(name));
    let short = if bare { quote_identifier(name) } else { identity.clone() };
    Named {
        word,
        described: format!("{word} {short}"),
        schema: Some(schema.to_string()),
        name: Some(name.to_string()),
        identity,
        names: vec![schema.to_string(), name.to_string()],
        args: Vec::new(),
    }
}

fn schema_name(catalog: &Catalog, namespace: Oid) -> String {
    catalog.namespace(namespace).map(|n| n.name).unwrap_or_default()
}

fn kind_word(kind: RelKind) -> &'static str {
    match kind {
        RelKind::Table | RelKind::Partitioned => "table",
        RelKind::Index | RelKind::PartitionedIndex => "index",
        RelKind::Sequence => "sequence",
        RelKind::Toast => "toast table",
        RelKind::View => "view",
        RelKind::MatView => "materialized view",
        RelKind::Composite => "composite type",
    }
}

/// Names of a relation.
pub(super) fn class_facts(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let (kind, namespace, name) = match crate::catalog::system::relation(oid) {
        Some(r) => (r.kind, r.namespace, r.name.clone()),
        None => {
            let record = catalog.class(oid)?;
            let c = record.object.as_class().ok()?;
            (c.kind, c.namespace, c.name.clone())
        }
    };
    let bare = catalog.class_oid_by_name(None, &name).ok().flatten() == Some(oid);
    Some(placed(kind_word(kind), &schema_name(catalog, namespace), &name, bare))
}

fn column_name(catalog: &Catalog, oid: Oid, sub: i32) -> Option<String> {
    const SYSTEM: [&str; 6] = ["ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"];
    if sub < 0 {
        return SYSTEM.get((-sub - 1) as usize).map(|n| n.to_string());
    }
    let name = |columns: &[crate::catalog::Attribute]| {
        columns.iter().find(|a| i32::from(a.attno) == sub && !a.dropped).map(|a| a.name.clone())
    };
    match crate::catalog::system::relation(oid) {
        Some(r) => name(&r.attributes),
        None => name(&catalog.class(oid)?.object.as_class().ok()?.attributes),
    }
}

fn column(catalog: &Catalog, oid: Oid, sub: i32) -> Option<Named> {
    let mut named = class_facts(catalog, oid)?;
    let name = column_name(catalog, oid, sub)?;
    named.described = format!("column {name} of {}", named.described);
    named.identity = format!("{}.{}", named.identity, quote_identifier(&name));
    named.names.push(name);
    named.word = match named.word {
        "table" => "table column",
        "index" => "index column",
        "sequence" => "sequence column",
        "toast table" => "toast table column",
        "view" => "view column",
        "materialized view" => "materialized view column",
        _ => "composite type column",
    };
    Some(named)
}

fn routine(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let (namespace, name, args, kind) = match func::func(oid) {
        Some(f) => (f.fact.namespace, f.name.to_string(), f.args.to_vec(), f.kind),
        None => match &catalog.get(ObjectKey::new(class::PROC, oid))?.object {
            Object::Function(f) => (f.namespace, f.name.clone(), Function::inputs(f), f.kind as u8),
            _ => return None,
        },
    };
    let word = match kind {
        b'p' => "procedure",
        b'a' => "aggregate",
        _ => "function",
    };
    let schema = schema_name(catalog, namespace);
    let args: Vec<String> = args.iter().map(|t| qualified(catalog, *t)).collect();
    Some(Named {
        word,
        described: format!("function {}", procedure_shown(catalog, oid)?),
        identity: format!("{}.{}({})", quote_identifier(&schema), quote_identifier(&name), args.join(",")),
        names: vec![schema.clone(), name],
        schema: Some(schema),
        name: None,
        args,
    })
}

fn type_named(catalog: &Catalog, ty: Oid) -> Option<Named> {
    let (namespace, name) = place(catalog, ty)?;
    let identity = qualified(catalog, ty);
    Some(Named {
        word: "type",
        described: format!("type {}", shown(catalog, ty)),
        schema: Some(schema_name(catalog, namespace)),
        name: Some(name),
        names: vec![identity.clone()],
        identity,
        args: Vec::new(),
    })
}

fn cast(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let (source, target) = match func::casts().iter().find(|c| c.oid == oid) {
        Some(c) => (c.source, c.target),
        None => match &catalog.get(ObjectKey::new(class::CAST, oid))?.object {
            Object::Cast(c) => (c.source, c.target),
            _ => return None,
        },
    };
    let (from, to) = (qualified(catalog, source), qualified(catalog, target));
    Some(Named {
        word: "cast",
        described: format!("cast from {} to {}", shown(catalog, source), shown(catalog, target)),
        identity: format!("({from} AS {to})"),
        names: vec![from],
        args: vec![to],
        ..Named::default()
    })
}

fn operator(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let (schema, name, left, right) = match func::oper(oid) {
        Some(o) => (fixed::PG_CATALOG, o.name.to_string(), o.left, o.right),
        None => match &catalog.get(ObjectKey::new(class::OPERATOR, oid))?.object {
            Object::Operator(o) => (o.namespace, o.name.clone(), o.left, o.right),
            _ => return None,
        },
    };
    let schema = schema_name(catalog, schema);
    let operand = |t: Oid| if t.is_valid() { qualified(catalog, t) } else { "NONE".to_string() };
    let args = [left, right].into_iter().filter(|t| t.is_valid()).map(|t| qualified(catalog, t)).collect();
    Some(Named {
        word: "operator",
        described: format!("operator {}", reg_out(catalog, oid::REGOPERATOR, oid)?),
        identity: format!("{}.{name}({},{})", quote_identifier(&schema), operand(left), operand(right)),
        names: vec![schema.clone(), name],
        schema: Some(schema),
        name: None,
        args,
    })
}

/// What is stored as an object of its own and is neither relation, type nor routine.
fn stored(catalog: &Catalog, key: ObjectKey) -> Option<Named> {
    match &catalog.get(key)?.object {
        Object::Publication(p) => Some(alone("publication", &p.name)),
        Object::EventTrigger(t) => Some(alone("event trigger", &t.name)),
        Object::Statistics(s) => {
            let bare = catalog.effective_path().contains(&s.namespace);
            Some(placed("statistics object", &schema_name(catalog, s.namespace), &s.name, bare))
        }
        Object::DefaultAcl(d) => Some(default_acl(catalog, d)),
        Object::Extension(e) => Some(alone("extension", &e.name)),
        Object::Collation(c) => {
            let bare = catalog.effective_path().contains(&c.namespace);
            Some(placed("collation", &schema_name(catalog, c.namespace), &c.name, bare))
        }
        Object::OpClass(o) => Some(of_method(catalog, "operator class", (o.namespace, &o.name), o.method_name())),
        Object::OpFamily(f) => Some(of_method(catalog, "operator family", (f.namespace, &f.name), f.method_name())),
        Object::Conversion(c) => {
            let bare = catalog.effective_path().contains(&c.namespace);
            Some(placed("conversion", &schema_name(catalog, c.namespace), &c.name, bare))
        }
        _ => None,
    }
}

fn of_method(catalog: &Catalog, word: &'static str, (namespace, name): (Oid, &str), method: &str) -> Named {
    let bare = catalog.effective_path().contains(&namespace);
    let mut named = placed(word, &schema_name(catalog, namespace), name, bare);
    named.described += &format!(" for access method {method}");
    named.identity += &format!(" USING {method}");
    named.names.insert(0, method.to_string());
    named
}

fn default_acl(catalog: &Catalog, d: &DefaultAcl) -> Named {
    let (new, on) = match d.kind {
        'r' => ("relations", "tables"),
        'S' => ("sequences", "sequences"),
        'f' => ("functions", "functions"),
        'T' => ("types", "types"),
        _ => ("schemas", "schemas"),
    };
    let role = catalog.role(d.role).map(|r| r.name).unwrap_or_default();
    let schema = catalog.namespace(d.namespace).map(|n| n.name);
    let inside = |quote: fn(&str) -> String| schema.as_ref().map(|s| format!(" in schema {}", quote(s)));
    let short = inside(str::to_string).unwrap_or_default();
    let long = inside(quote_identifier).unwrap_or_default();
    let mut names = vec![role.clone()];
    names.extend(schema.clone());
    Named {
        word: "default acl",
        described: format!("default privileges on new {new} belonging to role {role}{short}"),
        identity: format!("for role {}{long} on {on}", quote_identifier(&role)),
        names,
        args: vec![d.kind.to_string()],
        ..Named::default()
    }
}

fn published_table(catalog: &Catalog, oid: Oid) -> Option<Named> {
    catalog.all(class::PUBLICATION).iter().find_map(|record| {
        let Object::Publication(p) = &record.object else { return None };
        let table = class_facts(catalog, p.tables.iter().find(|t| t.oid == oid)?.table)?;
        Some(Named {
            word: "publication relation",
            described: format!("publication of {} in publication {}", table.described, p.name),
            identity: format!("{} in publication {}", table.identity, p.name),
            names: table.names,
            args: vec![p.name.clone()],
            ..Named::default()
        })
    })
}

fn published_schema(catalog: &Catalog, oid: Oid) -> Option<Named> {
    catalog.all(class::PUBLICATION).iter().find_map(|record| {
        let Object::Publication(p) = &record.object else { return None };
        let schema = schema_name(catalog, p.schemas.iter().find(|s| s.0 == oid)?.1);
        Some(Named {
            word: "publication namespace",
            described: format!("publication of schema {schema} in publication {}", p.name),
            identity: format!("{schema} in publication {}", p.name),
            names: vec![schema],
            args: vec![p.name.clone()],
            ..Named::default()
        })
    })
}

macro_rules! facts {
    ($name:literal) => {
        include_str!(concat!("../../system_view/facts/", $name, ".txt"))
    };
}

/// The fields of a row that never changes.
fn fixed_row(text: &'static str, oid: Oid) -> Option<Vec<&'static str>> {
    let mut lines = text.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    lines.find(|f| f.first().and_then(|o| o.parse().ok()) == Some(oid.0))
}

fn number(row: &[&str], n: usize) -> Oid {
    Oid(row.get(n).and_then(|t| t.parse().ok()).unwrap_or_default())
}

fn method_name(oid: Oid) -> &'static str {
    fixed_row(facts!("pg_am"), oid).and_then(|r| r.get(1).copied()).unwrap_or_default()
}

fn text_search(catalog: &Catalog, kind: Kind, oid: Oid) -> Option<Named> {
    let (namespace, name) = kind.place(catalog, oid)?;
    let visible = kind.is_visible(catalog, oid) == Some(true);
    Some(placed(kind.word(), &schema_name(catalog, namespace), &name, visible))
}

/// Rows of a catalog that initdb makes, with the word for what they are.
fn fixed_rows(class: Oid) -> Option<(&'static str, &'static str)> {
    Some(match class {
        class::COLLATION => ("collation", facts!("pg_collation")),
        Oid(2607) => ("conversion", facts!("pg_conversion")),
        class::LANGUAGE => ("language", facts!("pg_language")),
        class::ACCESS_METHOD => ("access method", facts!("pg_am")),
        Oid(3079) => ("extension", facts!("pg_extension")),
        Oid(2616) => ("operator class", facts!("pg_opclass")),
        Oid(2753) => ("operator family", facts!("pg_opfamily")),
        Oid(2602) => ("operator of access method", facts!("pg_amop")),
        Oid(2603) => ("function of access method", facts!("pg_amproc")),
        _ => return None,
    })
}

/// The numbers of a catalog's rows that initdb makes.
pub(super) fn fixed_oids(class: Oid) -> Vec<Oid> {
    let lines = fixed_rows(class).map_or("", |r| r.1).lines();
    lines.filter_map(|l| l.split('\t').next()?.parse().ok()).map(Oid).collect()
}

/// The number of the row that `fits`.
pub(super) fn fixed_row_of(class: Oid, fits: impl Fn(&[&str]) -> bool) -> Option<Oid> {
    let rows = fixed_rows(class)?.1.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let row = rows.into_iter().find(|r| fits(r))?;
    Some(number(&row, 0))
}

/// What only initdb makes.
fn fixed_object(catalog: &Catalog, key: ObjectKey) -> Option<Named> {
    let (word, text) = fixed_rows(key.class)?;
    let row = fixed_row(text, key.oid)?;
    Some(match key.class {
        class::LANGUAGE | class::ACCESS_METHOD | Oid(3079) => alone(word, row.get(1)?),
        Oid(2616) | Oid(2753) => {
            let method = method_name(number(&row, 1));
            let mut named = placed(word, &schema_name(catalog, number(&row, 3)), row.get(2)?, true);
            named.described += &format!(" for access method {method}");
            named.identity += &format!(" USING {method}");
            named.names.insert(0, method.to_string());
            named
        }
        _ => placed(word, &schema_name(catalog, number(&row, 2)), row.get(1)?, true),
    })
}

/// An operator or a support function of an operator family.
fn family_member(catalog: &Catalog, key: ObjectKey) -> Option<Named> {
    let operator = key.class == Oid(2602);
    let row = fixed_row(if operator { facts!("pg_amop") } else { facts!("pg_amproc") }, key.oid)?;
    let family = fixed_object(catalog, ObjectKey::new(Oid(2753), number(&row, 1)))?;
    let (left, right, n) = (number(&row, 2), number(&row, 3), row.get(4)?.to_string());
    let (short, target) = match operator {
        true => ("operator", reg_out(catalog, oid::REGOPERATOR, number(&row, 6))?),
        false => ("function", reg_out(catalog, oid::REGPROCEDURE, number(&row, 5))?),
    };
    let (l, r) = (shown(catalog, left), shown(catalog, right));
    let args = vec![qualified(catalog, left), qualified(catalog, right)];
    let mut names = family.names;
    names.push(n.clone());
    Some(Named {
        word: if operator { "operator of access method" } else { "function of access method" },
        described: format!("{short} {n} ({l}, {r}) of {}: {target}", family.described),
        identity: format!("{short} {n} ({}, {}) of {}", args[0], args[1], family.identity),
        names,
        args,
        ..Named::default()
    })
}
