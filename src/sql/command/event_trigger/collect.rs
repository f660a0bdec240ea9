//! What a command has done, as `pg_event_trigger_ddl_commands` and `pg_event_trigger_dropped_objects` tell it.
//!
//! The objects a command made or changed are noted where they are written (`Catalog::note_changes`); here they become
//! the commands PostgreSQL would have run for them: the sequence of a serial column before its table, the index of a key
//! after it.

use crate::base::{Oid, Result};
use crate::catalog::object::{Class, ObjectKey, UserTypeKind, class};
use crate::catalog::{Catalog, ForeignKind, Object, RelKind};
use crate::sql::ast::{GrantTarget, ObjectType, RelationPart, RenameTarget, Stmt};
use crate::sql::command::names;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::{Identified, identified};
use crate::sql::exec::system_view::{Cell, NULL, texts};
use crate::types::Value;

/// An object that goes.
pub struct Dropped {
    key: ObjectKey,
    original: bool,
    normal: bool,
    named: Identified,
}

/// The session's own temporary schema has a name that does not tell whose it is.
fn told(catalog: &Catalog, key: ObjectKey) -> Option<Identified> {
    let mut n = identified(catalog, key)?;
    let part = matches!(key.class, class::TRIGGER | class::POLICY | class::CONSTRAINT | class::ATTRDEF);
    if n.schema.is_none() && part && n.names.len() > 1 {
        n.schema = n.names.first().cloned();
    }
    if key.sub != 0 {
        n.name = None;
    }
    let Some(schema) = n.schema.clone().filter(|s| s.starts_with("pg_temp_")) else { return Some(n) };
    let anonymous = |text: &mut String| *text = text.replace(&schema, "pg_temp");
    anonymous(&mut n.identity);
    n.names.iter_mut().chain(&mut n.args).chain(&mut n.schema).for_each(anonymous);
    Some(n)
}

impl Dropped {
    pub fn row(self) -> Vec<Value> {
        let n = &self.named;
        let temporary = n.schema.as_deref().is_some_and(|s| s.starts_with("pg_temp"));
        vec![
            self.key.class.cell(),
            self.key.oid.cell(),
            self.key.sub.cell(),
            self.original.cell(),
            self.normal.cell(),
            temporary.cell(),
            n.word.cell(),
            n.schema.as_deref().cell(),
            n.name.as_deref().cell(),
            (&n.identity).cell(),
            texts(&n.names),
            texts(&n.args),
        ]
    }
}

/// Objects are about to go, dependents first, those reported because something else goes.
///
/// # Errors
/// XX000 where there is no session.
pub fn note_dropped(
    cx: &mut ExecContext,
    targets: &[ObjectKey],
    all: &[ObjectKey],
    reported: &[(ObjectKey, ObjectKey)],
) -> Result<()> {
    if cx.dropped.is_none() {
        return Ok(());
    }
    let catalog = cx.backend()?.catalog.clone();
    let mut found: Vec<Dropped> = Vec::new();
    for key in all.iter().rev() {
        let original = targets.contains(key);
        let normal = reported.iter().any(|(k, _)| k == key);
        for (n, part) in with_parts(&catalog, *key).into_iter().enumerate() {
            let rule = part.class == class::REWRITE && n > 0;
            let known = found.iter().any(|d| d.key == part);
            if let Some(named) = told(&catalog, part).filter(|_| !known && tells_of(part)) {
                found.push(Dropped {
                    key: part,
                    original: original && n == 0,
                    normal: normal && n == 0 || rule,
                    named,
                });
            }
        }
    }
    if let Some(list) = &mut cx.dropped {
        list.extend(found);
    }
    Ok(())
}

/// A part of a table is about to go by itself.
///
/// # Errors
/// XX000 where there is no session.
pub fn note_part(cx: &mut ExecContext, part: ObjectKey) -> Result<()> {
    note_dropped(cx, &[part], &[part], &[])
}

/// Objects of whole databases and event triggers themselves have no events.
fn tells_of(key: ObjectKey) -> bool {
    !matches!(key.class, class::DATABASE | class::AUTHID | class::TABLESPACE | class::EVENT_TRIGGER)
}

/// An object and what goes with it without being an object of its own here.
fn with_parts(catalog: &Catalog, key: ObjectKey) -> Vec<ObjectKey> {
    let mut out = vec![key];
    if key.class == class::ATTRDEF && key.sub != 0 {
        let default = catalog.class(key.oid).and_then(|r| {
            let c = r.object.as_class().ok()?;
            c.attributes.get(key.sub as usize - 1).map(|a| a.default_oid)
        });
        return default.map(|oid| vec![ObjectKey::new(class::ATTRDEF, oid)]).unwrap_or_default();
    }
    if key.sub != 0 {
        let default = catalog.class(key.oid).and_then(|r| {
            let c = r.object.as_class().ok()?;
            c.attributes.get(key.sub as usize - 1).map(|a| a.default_oid)
        });
        out.extend(default.filter(|d| d.is_valid()).map(|d| ObjectKey::new(class::ATTRDEF, d)));
        return out;
    }
    let Some(record) = catalog.get(key) else { return out };
    match &record.object {
        Object::Class(c) => parts_of_relation(catalog, c, &mut out),
        Object::Type(t) => {
            if let UserTypeKind::Composite { class } = &t.kind {
                out.push(ObjectKey::new(class::RELATION, *class));
            }
            out.extend(Some(t.array_oid).filter(|o| o.is_valid()).map(|o| ObjectKey::new(class::TYPE, o)));
            if let UserTypeKind::Domain { checks, .. } = &t.kind {
                out.extend(checks.iter().map(|k| ObjectKey::new(class::CONSTRAINT, k.oid)));
            }
        }
        _ => {}
    }
    out
}

fn parts_of_relation(catalog: &Catalog, c: &Class, out: &mut Vec<ObjectKey>) {
    let of = |class: Oid, oid: Oid| Some(ObjectKey::new(class, oid)).filter(|k| k.oid.is_valid());
    out.extend(of(class::TYPE, c.row_type));
    out.extend(of(class::TYPE, c.row_array_type));
    out.extend(c.attributes.iter().filter_map(|a| of(class::ATTRDEF, a.default_oid)));
    for k in &c.constraints {
        out.extend(of(class::CONSTRAINT, k.oid));
        out.extend(of(class::RELATION, k.index).filter(|_| k.foreign.is_none()));
    }
    for index in catalog.indexes_of(c.oid) {
        let key = ObjectKey::new(class::RELATION, index);
        if !out.contains(&key) {
            out.push(key);
        }
    }
    out.extend(c.view.as_ref().and_then(|v| of(class::REWRITE, v.rule)));
    out.extend(c.triggers.iter().filter_map(|t| of(class::TRIGGER, t.oid)));
    out.extend(c.policies.iter().filter_map(|p| of(class::POLICY, p.oid)));
    out.extend(c.rules.iter().filter_map(|r| of(class::REWRITE, r.oid)));
    if let Some(toast) = catalog.class(c.toast) {
        out.push(toast.object.key());
        out.extend(catalog.indexes_of(c.toast).into_iter().map(|i| ObjectKey::new(class::RELATION, i)));
    }
}

/// One row of `pg_event_trigger_ddl_commands` for each object.
///
/// # Errors
/// XX000 where there is no session.
pub fn commands(
    cx: &mut ExecContext,
    stmt: &Stmt,
    tag: &'static str,
    changes: &[(ObjectKey, bool)],
) -> Result<Vec<Vec<Value>>> {
    let of_kind = |word: &str| {
        let mut row = vec![NULL, NULL, NULL, tag.cell(), word.cell()];
        row.extend([NULL, NULL, false.cell(), NULL]);
        row
    };
    match stmt {
        Stmt::Grant(g) => return Ok(vec![of_kind(granted_on(&g.target))]),
        Stmt::AlterDefaultPrivileges(a) => return Ok(vec![of_kind(granted_on(&a.grant.target))]),
        Stmt::Drop(_) | Stmt::DropOwned(_) => return Ok(Vec::new()),
        _ => {}
    }
    let catalog = cx.backend()?.catalog.clone();
    let listed = listed(cx, &catalog, stmt, tag, changes)?;
    let in_extension = catalog.notes_made();
    let row = |(key, tag): (ObjectKey, &str)| {
        let mut n = told(&catalog, key)?;
        if matches!(key.class, class::TRIGGER | class::POLICY) {
            n.schema = None;
        }
        let mut row = vec![key.class.cell(), key.oid.cell(), key.sub.cell(), tag.cell(), n.word.cell()];
        row.extend([n.schema.as_deref().cell(), (&n.identity).cell(), in_extension.cell(), NULL]);
        Some(row)
    };
    Ok(listed.into_iter().filter_map(row).collect())
}

fn granted_on(target: &GrantTarget) -> &'static str {
    let word = |o: &ObjectType| match o {
        ObjectType::Sequence => "SEQUENCE",
        ObjectType::Schema => "SCHEMA",
        ObjectType::Function => "FUNCTION",
        ObjectType::Procedure => "PROCEDURE",
        ObjectType::Routine => "ROUTINE",
        ObjectType::Language => "LANGUAGE",
        ObjectType::LargeObject => "LARGE OBJECT",
        ObjectType::Type => "TYPE",
        ObjectType::Domain => "DOMAIN",
        _ => "TABLE",
    };
    match target {
        GrantTarget::Objects { object, .. } | GrantTarget::AllInSchema { object, .. } => word(object),
        GrantTarget::Defaults { object } => match object {
            ObjectType::Sequence => "SEQUENCES",
            ObjectType::Function | ObjectType::Routine => "FUNCTIONS",
            ObjectType::Type => "TYPES",
            ObjectType::Schema => "SCHEMAS",
            _ => "TABLES",
        },
    }
}

/// The objects with the commands that are said to have been about them.
fn listed(
    cx: &mut ExecContext,
    catalog: &Catalog,
    stmt: &Stmt,
    tag: &'static str,
    changes: &[(ObjectKey, bool)],
) -> Result<Vec<(ObjectKey, &'static str)>> {
    if let Stmt::Comment(_) = stmt {
        let on = changes.iter().find_map(|(key, _)| match &catalog.get(*key)?.object {
            Object::Comment(c) => Some(c.on),
            _ => None,
        });
        return Ok(on.map(|key| (key, tag)).into_iter().collect());
    }
    let changed: Vec<ObjectKey> =
        changes.iter().map(|(key, _)| *key).filter(|key| catalog.get(*key).is_some()).collect();
    if let Some(part) = part_made(catalog, stmt, &changed) {
        return Ok(vec![(part, tag)]);
    }
    let made: Vec<ObjectKey> = changes.iter().filter(|(_, new)| *new).map(|(key, _)| *key).collect();
    let mut found = made_objects(catalog, &made);
    if tag.starts_with("CREATE") || tag == "SELECT INTO" {
        name_the_main_one(stmt, tag, &mut found);
        if found.is_empty() {
            // OR REPLACE.
            found.extend(changed.iter().find_map(|key| Some((shown_as(catalog, *key)?.0, tag))));
        }
        return Ok(found);
    }
    let main = match stmt {
        Stmt::AlterObjectSchema(s) if s.relation.is_some() && changed.is_empty() => {
            let found = s.relation.as_ref().map(|r| names::find_relation(cx, r)).transpose()?.flatten();
            found.map(|r| ObjectKey::new(class::RELATION, r.oid))
        }
        Stmt::AlterTable(a) => names::find_relation(cx, &a.table)?.map(|r| ObjectKey::new(class::RELATION, r.oid)),
        _ => changed.iter().find_map(|key| shown_as(catalog, *key).map(|(key, _)| key)),
    };
    let main = main.or_else(|| changed.first().copied());
    let mut all: Vec<(ObjectKey, &'static str)> = Vec::new();
    all.extend(main.map(|key| (column_of(catalog, stmt, key), tag)));
    all.extend(found);
    Ok(all)
}

/// The column that RENAME was about.
fn column_of(catalog: &Catalog, stmt: &Stmt, key: ObjectKey) -> ObjectKey {
    let Stmt::Rename(r) = stmt else { return key };
    let RenameTarget::Relation { sub: Some(RelationPart::Column(_)), .. } = &r.what else { return key };
    let sub = catalog.class(key.oid).and_then(|record| {
        let c = record.object.as_class().ok()?;
        c.attributes.iter().find(|a| !a.dropped && a.name == r.new_name).map(|a| i32::from(a.attno))
    });
    ObjectKey { sub: sub.unwrap_or(0), ..key }
}

/// Triggers, policies and rules are kept with their tables.
fn part_made(catalog: &Catalog, stmt: &Stmt, changed: &[ObjectKey]) -> Option<ObjectKey> {
    let mut tables = changed.iter().filter_map(|key| catalog.class(key.oid).filter(|_| key.class == class::RELATION));
    tables.find_map(|record| {
        let c = record.object.as_class().ok()?;
        match stmt {
            Stmt::CreateTrigger(s) => {
                c.triggers.iter().find(|t| t.name == s.name).map(|t| ObjectKey::new(class::TRIGGER, t.oid))
            }
            Stmt::CreatePolicy(s) => {
                c.policies.iter().find(|p| p.name == s.name).map(|p| ObjectKey::new(class::POLICY, p.oid))
            }
            Stmt::AlterPolicy(s) => {
                c.policies.iter().find(|p| p.name == s.name).map(|p| ObjectKey::new(class::POLICY, p.oid))
            }
            Stmt::CreateRule(s) => {
                c.rules.iter().find(|r| r.name == s.name).map(|r| ObjectKey::new(class::REWRITE, r.oid))
            }
            _ => None,
        }
    })
}

/// What an object is shown as, and how it is made; None: nobody is told of it.
fn shown_as(catalog: &Catalog, key: ObjectKey) -> Option<(ObjectKey, &'static str)> {
    let record = catalog.get(key)?;
    let made = match &record.object {
        Object::Class(c) => match c.kind {
            RelKind::Table | RelKind::Partitioned => "CREATE TABLE",
            RelKind::Index | RelKind::PartitionedIndex => "CREATE INDEX",
            RelKind::Sequence => "CREATE SEQUENCE",
            RelKind::View => "CREATE VIEW",
            RelKind::MatView => "CREATE MATERIALIZED VIEW",
            // Told of as a type.
            _ => return None,
        },
        Object::Type(t) => match &t.kind {
            UserTypeKind::Domain { .. } => "CREATE DOMAIN",
            UserTypeKind::Multirange { .. } => return None,
            _ => "CREATE TYPE",
        },
        Object::Function(f) => match f.kind {
            'p' => "CREATE PROCEDURE",
            'a' => "CREATE AGGREGATE",
            _ => "CREATE FUNCTION",
        },
        Object::Namespace(n) if n.temp_of.is_some() => return None,
        Object::Namespace(_) => "CREATE SCHEMA",
        Object::Statistics(_) => "CREATE STATISTICS",
        Object::Publication(_) => "CREATE PUBLICATION",
        Object::Foreign(f) => match f.kind {
            ForeignKind::Wrapper { .. } => "CREATE FOREIGN DATA WRAPPER",
            ForeignKind::Server { .. } => "CREATE SERVER",
            ForeignKind::Mapping { .. } => "CREATE USER MAPPING",
        },
        Object::Operator(_) => "CREATE OPERATOR",
        Object::Cast(_) => "CREATE CAST",
        Object::Collation(_) => "CREATE COLLATION",
        Object::Extension(_) => "CREATE EXTENSION",
        Object::TsConfig(_) => "CREATE TEXT SEARCH CONFIGURATION",
        Object::TsDictionary(_) => "CREATE TEXT SEARCH DICTIONARY",
        Object::OpClass(_) => "CREATE OPERATOR CLASS",
        Object::OpFamily(_) => "CREATE OPERATOR FAMILY",
        Object::Conversion(_) => "CREATE CONVERSION",
        Object::Role(_)
        | Object::Database(_)
        | Object::Tablespace(_)
        | Object::Stats(_)
        | Object::Comment(_)
        | Object::RoleSetting(_)
        | Object::DefaultAcl(_)
        | Object::BuiltinAcl(_)
        | Object::EventTrigger(_) => return None,
    };
    Some((key, made))
}

/// New objects in the order PostgreSQL makes them: sequences, then what owns them, then indexes; at last the sequences
/// get their owners, and foreign keys are added.
fn made_objects(catalog: &Catalog, made: &[ObjectKey]) -> Vec<(ObjectKey, &'static str)> {
    // Indexes that come with a partitioned one are no commands of their own.
    let own = |key: &&ObjectKey| {
        let record = catalog.class(key.oid).filter(|_| key.class == class::RELATION);
        let class = record.as_ref().and_then(|r| r.object.as_class().ok());
        !class.is_some_and(|c| c.index.is_some() && !c.lineage.parents.is_empty())
    };
    let shown = made.iter().filter(own).filter_map(|key| shown_as(catalog, *key));
    let mut found: Vec<(ObjectKey, &'static str)> = shown.collect();
    let rank = |what: &str| match what {
        "CREATE SCHEMA" => 0,
        "CREATE SEQUENCE" => 1,
        "CREATE INDEX" => 3,
        _ => 2,
    };
    found.sort_by_key(|(_, what)| rank(what));
    let mut after = Vec::new();
    for (key, what) in &found {
        let Some(record) = catalog.get(*key) else { continue };
        let Ok(c) = record.object.as_class() else { continue };
        let tables = || found.iter().filter(|(_, what)| *what == "CREATE TABLE").map(|(key, _)| key.oid);
        if *what == "CREATE SEQUENCE" && c.depends.iter().any(|d| d.auto && tables().any(|t| t == d.on.oid)) {
            after.push((*key, "ALTER SEQUENCE"));
        }
        if *what == "CREATE TABLE" && c.constraints.iter().any(|k| k.foreign.is_some()) {
            after.push((*key, "ALTER TABLE"));
        }
    }
    after.sort_by_key(|(_, what)| *what == "ALTER TABLE");
    found.extend(after);
    found
}

/// The object of the statement itself goes by the statement's tag: CREATE TABLE AS, CREATE TYPE of a range.
fn name_the_main_one(stmt: &Stmt, tag: &'static str, found: &mut [(ObjectKey, &'static str)]) {
    if let Stmt::Select(_) | Stmt::CreateTableAs(_) = stmt
        && let Some(main) = found.iter_mut().find(|(key, _)| key.class == class::RELATION)
    {
        main.1 = tag;
    }
}
