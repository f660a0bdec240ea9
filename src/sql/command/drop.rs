//! DROP of relations and schemas, with what depends on them.

use super::concurrent::Removal;
use super::write::change;
use super::{Command, absent, dependency, names};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{DefaultAcl, UserTypeKind, class};
use crate::catalog::{Catalog, Object, ObjectKey, Persistence as Kept, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{DropBehavior, DropStmt, ObjectName, ObjectType, Persistence, QualName, RangeVar};
use crate::sql::exec::ExecContext;
use crate::sql::text_search::Kind;

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<String> {
    let tag = format!("DROP {}", words(stmt.object));
    match stmt.object {
        ObjectType::Table | ObjectType::Index | ObjectType::Sequence | ObjectType::View | ObjectType::MatView => {
            relations(cmd, cx, stmt)?;
        }
        ObjectType::Schema => schemas(cx, stmt)?,
        ObjectType::Type | ObjectType::Domain => super::types::drop(cx, stmt)?,
        ObjectType::Trigger => super::trigger::drop(cmd, cx, stmt)?,
        ObjectType::Policy => super::policy::drop(cmd, cx, stmt)?,
        ObjectType::Rule => super::rule::drop(cmd, cx, stmt)?,
        ObjectType::Statistics => super::statistics::drop(cx, stmt)?,
        ObjectType::Publication => super::publication::drop(cx, stmt)?,
        ObjectType::ForeignDataWrapper | ObjectType::ForeignServer => super::foreign_data::drop_all(cx, stmt)?,
        ObjectType::EventTrigger => super::event_trigger::drop(cx, stmt)?,
        ObjectType::Extension => super::extension::drop(cx, stmt)?,
        ObjectType::Function | ObjectType::Procedure | ObjectType::Routine | ObjectType::Aggregate => {
            super::function::drop_routines(cmd, cx, stmt)?;
        }
        _ if absent::drop(cmd, cx, stmt)? => return Ok(cmd.stmt.tag().into()),
        other => return Err(Error::unsupported(format!("DROP {} is not supported", words(other))).into()),
    }
    Ok(tag)
}

fn words(object: ObjectType) -> &'static str {
    match object {
        ObjectType::Table => "TABLE",
        ObjectType::Index => "INDEX",
        ObjectType::Sequence => "SEQUENCE",
        ObjectType::View => "VIEW",
        ObjectType::MatView => "MATERIALIZED VIEW",
        ObjectType::Schema => "SCHEMA",
        ObjectType::Type => "TYPE",
        ObjectType::Domain => "DOMAIN",
        ObjectType::Function => "FUNCTION",
        ObjectType::Procedure => "PROCEDURE",
        ObjectType::Routine => "ROUTINE",
        ObjectType::Aggregate => "AGGREGATE",
        ObjectType::Trigger => "TRIGGER",
        ObjectType::Policy => "POLICY",
        ObjectType::Rule => "RULE",
        ObjectType::Statistics => "STATISTICS",
        ObjectType::Publication => "PUBLICATION",
        ObjectType::ForeignDataWrapper => "FOREIGN DATA WRAPPER",
        ObjectType::ForeignServer => "SERVER",
        ObjectType::EventTrigger => "EVENT TRIGGER",
        ObjectType::Extension => "EXTENSION",
        ObjectType::Collation => "COLLATION",
        ObjectType::Conversion => "CONVERSION",
        ObjectType::OpClass => "OPERATOR CLASS",
        ObjectType::OpFamily => "OPERATOR FAMILY",
        _ => "of this kind",
    }
}

fn kind_of(object: ObjectType) -> RelKind {
    match object {
        ObjectType::Index => RelKind::Index,
        ObjectType::Sequence => RelKind::Sequence,
        ObjectType::View => RelKind::View,
        ObjectType::MatView => RelKind::MatView,
        _ => RelKind::Table,
    }
}

fn range_var(name: &QualName) -> RangeVar {
    let mut parts = name.parts.clone();
    let last = parts.pop().unwrap_or_default();
    RangeVar {
        schema: parts.pop(),
        catalog: parts.pop(),
        name: last,
        inherit: true,
        persistence: Persistence::Permanent,
        alias: None,
        pos: name.pos,
    }
}

/// How relations of a kind are dropped.
pub fn instead(actual: &str) -> String {
    format!("Use DROP {} to remove {} {actual}.", actual.to_uppercase(), article(actual))
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// # Errors
/// 25001 in a transaction block, 0A000 for what DROP INDEX CONCURRENTLY cannot do.
fn check_concurrently(cx: &mut ExecContext, stmt: &DropStmt) -> Result<()> {
    cx.backend()?.prevent_in_block("DROP INDEX CONCURRENTLY")?;
    let what = match stmt.behavior {
        _ if stmt.names.len() != 1 => "dropping multiple objects",
        DropBehavior::Cascade => "CASCADE",
        DropBehavior::Restrict => return Ok(()),
    };
    Err(Error::unsupported(format!("DROP INDEX CONCURRENTLY does not support {what}")))
}

fn relations(cmd: &mut Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    if let Some(begun) = Removal::begun(cmd) {
        return begun.go_on(cx);
    }
    if stmt.concurrently {
        check_concurrently(cx, stmt)?;
    }
    let mut beside_others = None;
    let wanted = kind_of(stmt.object);
    let word = names::kind_word(wanted);
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Name(name) = name else { return Err(Error::internal("DROP of an odd name").into()) };
        let var = range_var(name);
        loop {
            let Some(relation) = names::find_relation(cx, &var)? else {
                missing(cx, stmt, &var, word)?;
                break;
            };
            let kind = match relation.kind {
                RelKind::Partitioned => RelKind::Table,
                RelKind::PartitionedIndex => RelKind::Index,
                kind => kind,
            };
            if kind != wanted {
                let actual = names::kind_word(relation.kind);
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not {} {word}", relation.name, article(word))
                    .hint(instead(actual))
                    .into());
            }
            names::check_owner(cx, &relation)?;
            // Its parent loses a partition.
            if relation.is_partition() {
                for parent in &relation.lineage.parents {
                    cx.backend()?.txn.lock_relation(*parent, LockMode::AccessExclusive)?;
                }
            }
            // Nobody else uses what is temporary.
            let concurrently = stmt.concurrently && relation.persistence != Kept::Temp;
            let mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
            let table = table_of_index(cx, relation.oid)?;
            if let Some(table) = table {
                cx.backend()?.txn.lock_relation(table, mode)?;
                if relation.kind == RelKind::PartitionedIndex && !concurrently {
                    super::inherit::descendants(cx, table, mode)?;
                }
            }
            cx.backend()?.txn.lock_relation(relation.oid, mode)?;
            if relation.is_stale() {
                continue;
            }
            if stmt.concurrently && relation.kind == RelKind::PartitionedIndex {
                let text = format!("cannot drop partitioned index \"{}\" concurrently", relation.name);
                return Err(Error::unsupported(text).into());
            }
            beside_others = table.filter(|_| concurrently).map(|table| (table, relation.oid));
            targets.push(ObjectKey::new(class::RELATION, relation.oid));
            break;
        }
    }
    if let Some((table, index)) = beside_others {
        look_before(cx, &targets, stmt.behavior)?;
        return Removal::begin(cmd, cx, table, index);
    }
    remove(cx, targets, stmt.behavior)
}

fn table_of_index(cx: &mut ExecContext, oid: Oid) -> Result<Option<Oid>> {
    let record = cx.backend()?.catalog.class(oid);
    Ok(record.and_then(|r| r.object.as_class().ok().and_then(|c| c.index.as_ref().map(|i| i.table))))
}

fn missing(cx: &mut ExecContext, stmt: &DropStmt, var: &RangeVar, word: &str) -> Result<()> {
    let state = if word == "index" || word == "type" { SqlState::UNDEFINED_OBJECT } else { SqlState::UNDEFINED_TABLE };
    let absent = names::check_schema(cx, var.schema.as_deref()).err().unwrap_or_else(|| {
        let text = format!("{word} \"{}\" does not exist", var.name);
        Error::new(state, text).place("DropErrorMsgNonExistent", "tablecmds.c", 1315)
    });
    skip_or_fail(cx, stmt, absent)
}

/// What is not there is skipped with a notice, or an error.
pub fn skip_or_fail(cx: &mut ExecContext, stmt: &DropStmt, absent: Error) -> Result<()> {
    if !stmt.missing_ok {
        return Err(absent);
    }
    names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", absent.message()));
    Ok(())
}

/// The table a trigger or rule to be dropped is on; None: it is not there, and was skipped.
pub fn table_of_part(cx: &mut ExecContext, stmt: &DropStmt, table: &QualName) -> Result<Option<RangeVar>> {
    let var = names::range_var(&table.parts);
    if names::find_relation(cx, &var)?.is_some() {
        return Ok(Some(var));
    }
    let absent = names::check_schema(cx, table.schema()).err().unwrap_or_else(|| {
        Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", table.joined()))
    });
    skip_or_fail(cx, stmt, absent).map(|()| None)
}

fn schemas(cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Name(name) = name else { continue };
        let backend = cx.backend()?;
        let Some(record) = backend.catalog.namespace_by_name(name.name()) else {
            let text = format!("schema \"{}\" does not exist", name.name());
            if stmt.missing_ok {
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
                continue;
            }
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, text).into());
        };
        let n = record.object.as_namespace()?.clone();
        if !super::role::has_role(backend, n.owner) {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of schema {}", n.name).into());
        }
        if n.oid < Oid::FIRST_NORMAL && n.name != "public" {
            let text = format!("cannot drop schema {} because it is required by the database system", n.name);
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text).into());
        }
        targets.push(ObjectKey::new(class::NAMESPACE, n.oid));
    }
    remove(cx, targets, stmt.behavior)
}

/// A catalog or a built-in function.
fn describe_builtin(cx: &ExecContext, key: ObjectKey) -> Option<String> {
    match key.class {
        class::RELATION => {
            let r = crate::catalog::system::relation(key.oid)?;
            let schema = if r.schema == "pg_catalog" { String::new() } else { format!("{}.", r.schema) };
            Some(format!("{} {schema}{}", names::kind_word(r.kind), r.name))
        }
        class::PROC => {
            let f = crate::sql::func::func(key.oid).filter(|f| !f.is_users())?;
            let type_name = |t: &Oid| crate::types::format_type_plain(*t, &*cx.fx.io.hooks);
            let types: Vec<String> = f.args.iter().map(type_name).collect();
            Some(format!("function {}({})", f.name, types.join(",")))
        }
        _ => None,
    }
}

/// What an object is called in messages about dependencies.
pub fn describe(cx: &mut ExecContext, key: ObjectKey) -> Result<String> {
    let catalog = cx.backend()?.catalog.clone();
    if key.class == class::CONSTRAINT {
        let Some((table, name)) = dependency::constraint(&catalog, key.oid) else {
            let of_domain = dependency::domain_constraint(&catalog, key.oid);
            return Ok(of_domain.map_or(String::new(), |(_, name)| format!("constraint {name}")));
        };
        let table = describe(cx, ObjectKey::new(class::RELATION, table))?;
        return Ok(format!("constraint {name} on {table}"));
    }
    if key.class == class::PUBLICATION_REL {
        return super::publication::table_shown(cx, key.oid);
    }
    if key.class == class::TRIGGER {
        let Some((table, name)) = dependency::trigger(&catalog, key.oid) else { return Ok(String::new()) };
        let table = describe(cx, ObjectKey::new(class::RELATION, table))?;
        return Ok(format!("trigger {name} on {table}"));
    }
    if key.class == class::REWRITE {
        let Some((table, name)) = super::rule::find(&catalog, key.oid) else { return Ok(String::new()) };
        let table = describe(cx, ObjectKey::new(class::RELATION, table))?;
        return Ok(format!("rule {name} on {table}"));
    }
    if key.class == class::POLICY {
        let Some((table, name)) = super::policy::find(&catalog, key.oid) else { return Ok(String::new()) };
        let table = describe(cx, ObjectKey::new(class::RELATION, table))?;
        return Ok(format!("policy {name} on {table}"));
    }
    if key.sub != 0 {
        let whole = describe(cx, ObjectKey::new(class::RELATION, key.oid))?;
        let system = crate::catalog::system::relation(key.oid);
        let record = catalog.class(key.oid);
        let of_class = record.as_ref().and_then(|r| r.object.as_class().ok()).map(|c| &c.attributes);
        let attributes = system.as_ref().map(|r| &r.attributes).or(of_class);
        let name = match i16::try_from(key.sub) {
            Ok(attno) if attno < 0 => crate::sql::bind::scope::system_name(attno).to_owned(),
            _ => attributes.and_then(|a| a.get(key.sub as usize - 1)).map(|a| a.name.clone()).unwrap_or_default(),
        };
        let default = if key.class == class::ATTRDEF { "default value for " } else { "" };
        return Ok(format!("{default}column {name} of {whole}"));
    }
    if key.class == class::TYPE {
        return Ok(format!("type {}", crate::types::format_type_plain(key.oid, &*cx.fx.io.hooks)));
    }
    if let Some(builtin) = describe_builtin(cx, key) {
        return Ok(builtin);
    }
    let Some(record) = catalog.get(key) else { return Ok(String::new()) };
    Ok(match &record.object {
        Object::Class(c) => {
            let word = match c.kind {
                RelKind::Composite => "composite type",
                kind => names::kind_word(kind),
            };
            let visible = catalog.class_oid_by_name(None, &c.name)? == Some(c.oid);
            let schema = catalog.namespace(c.namespace).map(|n| n.name).unwrap_or_default();
            let quoted = crate::types::name::quote_identifier;
            let name = match visible {
                true => quoted(&c.name).to_string(),
                false => format!("{}.{}", quoted(&schema), quoted(&c.name)),
            };
            format!("{word} {name}")
        }
        Object::Namespace(n) => format!("schema {}", n.name),
        Object::Database(d) => format!("database {}", d.name),
        Object::Tablespace(t) => format!("tablespace {}", t.name),
        Object::DefaultAcl(d) => describe_default_acl(&catalog, d),
        Object::Publication(p) => format!("publication {}", p.name),
        Object::Foreign(f) => super::foreign_data::shown(&catalog, f),
        Object::Extension(e) => format!("extension {}", e.name),
        Object::EventTrigger(t) => format!("event trigger {}", t.name),
        o @ (Object::OpClass(_) | Object::OpFamily(_) | Object::Conversion(_)) => {
            super::schema_object::shown(&catalog, o)
        }
        Object::Operator(o) => format!("operator {}", super::operator::shown(cx, o)),
        Object::Cast(c) => super::cast::shown(cx, c),
        Object::Collation(c) => format!("collation {}", super::collation::shown(&catalog, c)),
        Object::TsConfig(c) => {
            format!("text search configuration {}", Kind::Config.shown(&catalog, c.oid).unwrap_or_default())
        }
        Object::TsDictionary(d) => {
            format!("text search dictionary {}", Kind::Dictionary.shown(&catalog, d.oid).unwrap_or_default())
        }
        Object::Statistics(s) => {
            let schema = catalog.namespace(s.namespace).map(|n| n.name).unwrap_or_default();
            match catalog.effective_path().contains(&s.namespace) {
                true => format!("statistics object {}", s.name),
                false => format!("statistics object {schema}.{}", s.name),
            }
        }
        Object::Function(f) => {
            // Whatever kind it is.
            format!("function {}", crate::sql::routine::shown::procedure(&catalog, &*cx.fx.io.hooks, f))
        }
        _ => "object".to_string(),
    })
}

fn describe_default_acl(catalog: &Catalog, d: &DefaultAcl) -> String {
    let what = match d.kind {
        'r' => "relations",
        'S' => "sequences",
        'f' => "functions",
        'T' => "types",
        _ => "schemas",
    };
    let role = catalog.role(d.role).map(|r| r.name).unwrap_or_default();
    let place = catalog.namespace(d.namespace).map(|n| format!(" in schema {}", n.name)).unwrap_or_default();
    format!("default privileges on new {what} belonging to role {role}{place}")
}

/// Drops objects and everything that depends on them, or refuses.
///
/// # Errors
/// 2BP01 without CASCADE when something else depends on them.
pub fn remove(cx: &mut ExecContext, targets: Vec<ObjectKey>, behavior: DropBehavior) -> Flow<()> {
    let found = look_before(cx, &targets, behavior)?;
    super::event_trigger::note_dropped(cx, &targets, &found.all, &found.reported)?;
    remove_found(cx, &found.all)
}

/// Finds what goes along with objects, and says so.
fn look_before(cx: &mut ExecContext, targets: &[ObjectKey], behavior: DropBehavior) -> Flow<dependency::Found> {
    let what = match targets {
        [one] => describe(cx, *one)?,
        _ => "desired object(s)".to_string(),
    };
    let found = dependency::collect(cx, targets)?;
    parts_go_with_the_whole(cx, targets)?;
    report(cx, &what, targets.len() == 1, &found.reported, behavior)?;
    Ok(found)
}

/// Removes objects and what depends on them, and tells nobody.
pub fn remove_quietly(cx: &mut ExecContext, targets: &[ObjectKey]) -> Flow<()> {
    let found = dependency::collect(cx, targets)?;
    super::event_trigger::note_dropped(cx, targets, &found.all, &found.reported)?;
    remove_found(cx, &found.all)
}

fn remove_found(cx: &mut ExecContext, found: &[ObjectKey]) -> Flow<()> {
    for key in found.iter().filter(|k| k.class == class::RELATION && k.sub == 0) {
        if let Some(record) = cx.backend()?.catalog.class(key.oid) {
            let name = record.object.name().map_or("", |n| n.1);
            names::check_not_in_use(cx, (key.oid, name), "DROP TABLE")?;
        }
    }
    for key in found.iter().filter(|k| matches!(k.class, class::RELATION | class::NAMESPACE)) {
        super::publication::forget(cx, *key)?;
        if key.class == class::NAMESPACE {
            super::default_acl::forget(cx, key.oid)?;
        }
    }
    for key in found {
        let backend = cx.backend()?;
        let temporary = backend.catalog.temp_schema().filter(|_| key.class != class::RELATION);
        if temporary
            .is_some_and(|t| backend.catalog.get(*key).is_some_and(|r| r.object.name().is_some_and(|n| n.0 == t)))
        {
            backend.txn.touched_temporary = true;
        }
        match (key.class, key.sub) {
            (class::RELATION, 0) => remove_relation(cx, key.oid)?,
            (class::RELATION, attno) => super::alter_table::remove_column(cx, key.oid, attno as usize - 1)?,
            (class::ATTRDEF, attno) => change(cx, key.oid, |c| {
                c.attributes.iter_mut().filter(|a| i32::from(a.attno) == attno).for_each(|a| {
                    a.default = None;
                    a.default_oid = Oid::INVALID;
                });
            })?,
            (class::CONSTRAINT, _) => drop_constraint(cx, *key)?,
            (class::TRIGGER, _) => super::trigger::remove(cx, key.oid)?,
            (class::PUBLICATION_REL, _) => super::publication::remove_table(cx, key.oid)?,
            (class::POLICY, _) => super::policy::remove(cx, key.oid)?,
            (class::REWRITE, _) => super::rule::remove(cx, key.oid)?,
            (class::OPERATOR, _) => {
                super::operator::forget(cx, key.oid)?;
                super::write::delete(cx, *key)?;
                super::write::delete(cx, crate::catalog::object::comment_key(*key))?;
            }
            (class::STATISTIC_EXT, _) => super::statistics::remove(cx, *key)?,
            _ => {
                let backend = cx.backend()?;
                let writer = backend.writer();
                backend.catalog.delete(writer.clone(), *key)?;
                backend.catalog.delete(writer, crate::catalog::object::comment_key(*key))?;
            }
        }
    }
    Ok(())
}

/// # Errors
/// 2BP01 for an index that a constraint made, and for the sequence of an identity column.
fn parts_go_with_the_whole(cx: &mut ExecContext, targets: &[ObjectKey]) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for target in targets {
        let Some(by) = dependency::required_by(&catalog, *target).filter(|by| !targets.contains(by)) else { continue };
        let (target, by) = (describe(cx, *target)?, describe(cx, by)?);
        let text = format!("cannot drop {target} because {by} requires it");
        return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text)
            .hint(format!("You can drop {by} instead."))
            .place("findDependentObjects", "dependency.c", 754));
    }
    Ok(())
}

/// Refuses, or says what goes along: (what, because of what).
fn report(
    cx: &mut ExecContext,
    what: &str,
    single: bool,
    reported: &[(ObjectKey, ObjectKey)],
    behavior: DropBehavior,
) -> Result<()> {
    if reported.is_empty() {
        return Ok(());
    }
    let mut lines = Vec::new();
    for (dependent, on) in reported {
        let dependent = describe(cx, *dependent)?;
        lines.push(match behavior {
            DropBehavior::Restrict => format!("{dependent} depends on {}", describe(cx, *on)?),
            DropBehavior::Cascade => format!("drop cascades to {dependent}"),
        });
    }
    if behavior == DropBehavior::Restrict {
        let verb = if single { "it" } else { "them" };
        let text = format!("cannot drop {what} because other objects depend on {verb}");
        return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text)
            .detail(lines.join("\n"))
            .hint("Use DROP ... CASCADE to drop the dependent objects too.")
            .place("reportDependentObjects", "dependency.c", 1204));
    }
    let said = match lines.as_slice() {
        [one] => notice(one.clone()),
        many => notice(format!("drop cascades to {} other objects", many.len())).with_detail(many.join("\n")),
    };
    cx.notices.push(said);
    Ok(())
}

fn notice(text: String) -> crate::base::Report {
    crate::base::Report::notice(crate::base::Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, text)
}

fn drop_constraint(cx: &mut ExecContext, key: ObjectKey) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    match dependency::constraint(&catalog, key.oid) {
        Some((table, _)) => change(cx, table, |c| c.constraints.retain(|k| k.oid != key.oid)),
        None => drop_domain_constraint(cx, key.oid),
    }
}

fn drop_domain_constraint(cx: &mut ExecContext, oid: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((domain, _)) = dependency::domain_constraint(&catalog, oid) else { return Ok(()) };
    let Some(mut t) = catalog.user_type(domain) else { return Ok(()) };
    if let UserTypeKind::Domain { checks, .. } = &mut t.kind {
        checks.retain(|k| k.oid != oid);
    }
    super::write::put(cx, Object::Type(t))
}

/// Drops a relation with its indexes, its large values, its statistics and comments; files go at commit.
pub fn remove_relation(cx: &mut ExecContext, oid: Oid) -> Result<()> {
    let backend = cx.backend()?;
    let Some(record) = backend.catalog.class(oid) else { return Ok(()) };
    let c = record.object.as_class()?.clone();
    for index in backend.catalog.indexes_of(oid) {
        remove_relation(cx, index)?;
    }
    if c.toast.is_valid() {
        remove_relation(cx, c.toast)?;
    }
    let backend = cx.backend()?;
    if c.node.is_valid() {
        match &c.index {
            Some(index) => backend.txn.places_change(index.marks_oid(oid), index.table),
            None => backend.txn.all_rows_go(oid)?,
        }
        backend.txn.file_dropped(backend.catalog.file_of(&c), c.persistence);
    }
    let writer = backend.writer();
    let key = ObjectKey::new(class::RELATION, oid);
    backend.catalog.delete(writer.clone(), ObjectKey::new(class::STATISTIC, oid))?;
    for sub in 0..=c.attributes.len() as i32 {
        backend.catalog.delete(writer.clone(), crate::catalog::object::comment_key(ObjectKey { sub, ..key }))?;
    }
    backend.catalog.delete(writer, key)
}
