//! CREATE TABLE.

use super::column::{self, NewColumn};
use super::constraint::{self, Wanted};
use super::sequence::{self, NewSequence};
use super::write::{class_of, new_oid, put};
use super::{Command, declared, inherit, like, names, partition, reloptions, storage, typed};
use crate::base::{Error, Flow, Oid, Result, SqlState, Stop};
use crate::catalog::object::{Class, class, fixed};
use crate::catalog::{Attribute, Object, Persistence, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{CreateTableStmt, LikeOptions, OnCommit, TableElement};
use crate::sql::exec::ExecContext;
use crate::types::{TypeRef, oid};
use std::sync::Arc;

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateTableStmt) -> Flow<String> {
    refuse(stmt)?;
    let at = cmd.at(stmt.table.pos);
    let (namespace, persistence) = names::creation_place(cx, &stmt.table).map_err(|e| {
        // That is found out later.
        if e.message().starts_with("permission denied to create") { e } else { e.at(at) }
    })?;
    names::lock_name(cx, class::RELATION, namespace, &stmt.table.name)?;
    // Before anything else that it names is looked for (PostgreSQL 15, parse_utilcmd.c, transformCreateStmt).
    if stmt.if_not_exists && exists(cx, namespace, &stmt.table.name, true)? {
        return Ok("CREATE TABLE".into());
    }
    let mut sources = Vec::new();
    for element in &stmt.elements {
        if let TableElement::Like { table, options } = element {
            let source = names::locked_relation(cmd, cx, table, LockMode::AccessShare);
            // The parser's business in PostgreSQL, which has the position.
            let source = source.map_err(|stop| match stop {
                Stop::Error(e) if e.sqlstate() == SqlState::UNDEFINED_TABLE => e.at(cmd.at(table.pos)).into(),
                other => other,
            })?;
            sources.push((source, *options));
        }
    }
    super::foreign::lock_for_create(cmd, cx, stmt)?;
    let parents = match &stmt.partition_bound {
        None => inherit::parents(cmd, cx, &stmt.inherits, persistence)?,
        Some(_) => {
            let name = stmt.inherits.first().ok_or_else(|| Error::internal("a partition of nothing"))?;
            let parent = names::locked_relation(cmd, cx, name, LockMode::ShareUpdateExclusive)?;
            partition::may_create(cx, &parent, persistence)?;
            names::check_owner(cx, &parent)?;
            names::check_not_in_use(cx, (parent.oid, &parent.name), "CREATE TABLE .. PARTITION OF")?;
            super::foreign::lock_referenced(cx, &parent)?;
            vec![parent]
        }
    };
    check_on_commit(stmt.on_commit, persistence)?;
    define(cmd, cx, stmt, (namespace, persistence), sources, &parents)?;
    Ok("CREATE TABLE".into())
}

/// ON COMMIT is for temporary tables.
pub fn check_on_commit(on_commit: OnCommit, persistence: Persistence) -> Result<()> {
    if on_commit != OnCommit::Noop && persistence != Persistence::Temp {
        return Err(err!(INVALID_TABLE_DEFINITION, "ON COMMIT can only be used on temporary tables"));
    }
    Ok(())
}

/// Whether a name is taken and that is only worth a notice.
///
/// # Errors
/// 42P07.
pub fn exists(cx: &mut ExecContext, namespace: Oid, name: &str, skip: bool) -> Result<bool> {
    if cx.backend()?.catalog.class_in(namespace, name).is_none() {
        return Ok(false);
    }
    let text = format!("relation \"{name}\" already exists");
    if skip {
        names::notice(cx, SqlState::DUPLICATE_TABLE, format!("{text}, skipping"));
        return Ok(true);
    }
    Err(Error::new(SqlState::DUPLICATE_TABLE, text).place("heap_create_with_catalog", "heap.c", 1148))
}

fn refuse(stmt: &CreateTableStmt) -> Result<()> {
    if stmt.partition_by.is_some() && !stmt.inherits.is_empty() && stmt.partition_bound.is_none() {
        return Err(err!(INVALID_OBJECT_DEFINITION, "cannot create partitioned table as inheritance child"));
    }
    if let (Some(_), Some(option)) = (&stmt.partition_by, stmt.options.first()) {
        return Err(err!(INVALID_PARAMETER_VALUE, "unrecognized parameter \"{}\"", option.name));
    }
    check_access_method(stmt.access_method.as_deref())?;
    Ok(())
}

/// Only PostgreSQL's own heap is there.
pub fn check_access_method(name: Option<&str>) -> Result<()> {
    match name {
        None | Some("heap") => Ok(()),
        Some(other) => Err(err!(UNDEFINED_OBJECT, "access method \"{other}\" does not exist")),
    }
}

fn define(
    cmd: &Command,
    cx: &mut ExecContext,
    stmt: &CreateTableStmt,
    place: (Oid, Persistence),
    sources: Vec<(Arc<Relation>, LikeOptions)>,
    parents: &[Arc<Relation>],
) -> Result<Oid> {
    let name = &stmt.table.name;
    let inherited = match (&stmt.partition_bound, parents.first()) {
        (Some(_), Some(whole)) => class_of(cx, whole.oid)?.tablespace,
        _ => Oid::INVALID,
    };
    let mut columns: Vec<NewColumn> = Vec::new();
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut sources_left = sources.iter();
    let mut of_type = None;
    if let Some(typ) = &stmt.of_type {
        let (oid, made) = typed::columns(cmd, cx, (name, typ), &stmt.elements)?;
        of_type = Some(oid);
        columns = made;
        for c in &mut columns {
            let of = c.attribute.name.clone();
            wanted.extend(std::mem::take(&mut c.constraints).iter().map(|k| Wanted::of(k, Some(&of))));
        }
    }
    for element in &stmt.elements {
        match element {
            TableElement::Column(_) if of_type.is_some() => {}
            TableElement::Column(def) => {
                let attno = columns.len() as i16 + 1;
                let mut new = match (&def.typ, &stmt.partition_bound) {
                    (None, Some(_)) => column::of_partition(cmd, cx, (name, &parents[0]), def, attno)?,
                    _ => column::read(cmd, cx, name, def, attno)?,
                };
                for c in std::mem::take(&mut new.constraints) {
                    wanted.push(Wanted::of(&c, Some(&def.name)));
                }
                columns.push(new);
            }
            TableElement::Constraint(c) => wanted.push(Wanted::of(c, None)),
            TableElement::Like { table, .. } => {
                if let Some((source, options)) = sources_left.next() {
                    like::columns(cx, source, *options, &mut columns, &mut wanted)
                        .map_err(|e| e.at(cmd.at(table.pos)))?;
                }
            }
        }
    }
    // Behind faulty columns, before what is wrong with them together.
    let (clause, partitioned) = (stmt.tablespace.as_deref(), stmt.partition_by.is_some());
    let tablespace = super::tablespace::place(cx, clause, inherited, place.1, partitioned)?;
    for (n, c) in columns.iter().enumerate() {
        if columns[..n].iter().any(|o| o.attribute.name == c.attribute.name) {
            return Err(err!(DUPLICATE_COLUMN, "column \"{}\" specified more than once", c.attribute.name).place(
                "CheckAttributeNamesTypes",
                "heap.c",
                490,
            ));
        }
    }
    let columns = inherit::merge_columns(cx, parents, columns)?;
    let checks = inherit::merge_checks(cx, name, parents, &mut wanted)?;
    if columns.len() > 1600 {
        return Err(err!(TOO_MANY_COLUMNS, "tables can have at most 1600 columns"));
    }
    let options = reloptions::merge(cmd, reloptions::On::Table, &[], &stmt.options)?;
    // Only now, as in PostgreSQL: a faulty column is told of first.
    exists(cx, place.0, name, false)?;
    let oid = new_oid(cx)?;
    let attributes = finish_columns(cmd, cx, (oid, name), columns, place)?;
    let key = match &stmt.partition_by {
        Some(spec) => {
            let rel = super::write::columns_only(oid, name, &attributes);
            Some(Arc::new(partition::define(cmd, cx, &rel, spec)?))
        }
        None => None,
    };
    let bound = match &stmt.partition_bound {
        Some(written) => Some(partition::read_bound(cmd, cx, &parents[0], name, written)?),
        None => None,
    };
    let kind = if key.is_some() { RelKind::Partitioned } else { RelKind::Table };
    create_object(cx, NewTable { oid, name: name.clone(), place, kind, attributes, options, tablespace })?;
    if key.is_some() {
        super::write::change(cx, oid, |c| c.lineage.key = key)?;
    }
    // A new table has no rows to look at (parse_utilcmd.c, transformCheckConstraints): NOT VALID says nothing.
    wanted.iter_mut().for_each(|w| w.not_valid = false);
    let (checked, keys): (Vec<Wanted>, Vec<Wanted>) = wanted.into_iter().partition(Wanted::is_check);
    let (foreign, keys): (Vec<Wanted>, Vec<Wanted>) = keys.into_iter().partition(Wanted::is_foreign);
    constraint::add_all(cmd, cx, oid, checked)?;
    inherit::attach(cx, oid, parents, &checks)?;
    if let Some(bound) = bound {
        partition::settle(cmd, cx, &parents[0], oid, bound)?;
    }
    constraint::add_all(cmd, cx, oid, keys)?;
    for (source, options) in &sources {
        like::complete(cmd, cx, oid, source, *options)?;
    }
    constraint::add_all(cmd, cx, oid, foreign)?;
    if let Some(of_type) = of_type {
        typed::bind(cx, oid, of_type)?;
    }
    note_on_commit(cx, oid, stmt.on_commit)?;
    Ok(oid)
}

/// Remembers what is to happen when the transaction commits.
pub fn note_on_commit(cx: &mut ExecContext, oid: Oid, on_commit: OnCommit) -> Result<()> {
    let backend = cx.backend()?;
    match on_commit {
        OnCommit::DeleteRows => backend.delete_at_commit.push(oid),
        OnCommit::Drop => backend.drop_at_commit.push(oid),
        OnCommit::Noop | OnCommit::PreserveRows => {}
    }
    Ok(())
}

/// Makes the sequences of serial and identity columns, and turns expressions into text.
pub fn finish_columns(
    cmd: &Command,
    cx: &mut ExecContext,
    table: (Oid, &str),
    columns: Vec<NewColumn>,
    place: (Oid, Persistence),
) -> Result<Vec<Attribute>> {
    let mut attributes: Vec<Attribute> = columns.iter().map(|c| c.attribute.clone()).collect();
    for (n, new) in columns.iter().enumerate() {
        own_sequence(cmd, cx, table, new, &mut attributes[n], place)?;
        if let Some(expr) = &new.default {
            column::set_default(cmd, cx, &mut attributes[n], expr)?;
        }
    }
    // Generated columns may not use one another, wherever they stand.
    for (n, new) in columns.iter().enumerate() {
        attributes[n].generated = if new.generated.is_some() { b's' } else { attributes[n].generated };
    }
    for (n, new) in columns.iter().enumerate() {
        if let Some(expr) = &new.generated {
            column::set_generated(cmd, cx, table, &mut attributes, n, expr)?;
        }
    }
    // By their numbers what is dropped with something is told in order: that of the columns.
    let mut numbers: Vec<Oid> = attributes.iter().map(|a| a.default_oid).filter(|o| o.is_valid()).collect();
    numbers.sort_unstable();
    for (a, number) in attributes.iter_mut().filter(|a| a.default_oid.is_valid()).zip(numbers) {
        a.default_oid = number;
    }
    Ok(attributes)
}

/// The sequence of a serial or identity column.
fn own_sequence(
    cmd: &Command,
    cx: &mut ExecContext,
    table: (Oid, &str),
    new: &NewColumn,
    attribute: &mut Attribute,
    place: (Oid, Persistence),
) -> Result<()> {
    if !new.serial && new.identity.is_none() {
        return Ok(());
    }
    let identity = new.identity.as_ref().map(|_| attribute.ty.oid);
    let options = new.identity.as_ref().map(|i| i.1.as_slice()).unwrap_or_default();
    let read = if new.serial {
        sequence::Options { params: Some(sequence::default_params(attribute.ty.oid)), ..Default::default() }
    } else {
        sequence::options(cmd, cx, options, None, identity)?
    };
    let name = match &read.name {
        Some(name) => name.name().to_string(),
        None => names::choose(cx, place.0, table.1, &attribute.name, "seq", names::For::Relation)?,
    };
    let verb = names::table_verb(cmd);
    let text =
        format!("{verb} will create implicit sequence \"{name}\" for serial column \"{}.{}\"", table.1, attribute.name);
    names::debug(cx, text);
    exists(cx, place.0, &name, false)?;
    let params = read.params.unwrap_or_else(|| sequence::default_params(attribute.ty.oid));
    let restart = read.restart.flatten();
    let owned_by = Some((table.0, attribute.attno));
    let persistence = match read.logged {
        Some(_) if place.1 == Persistence::Temp => {
            let said = options.iter().find(|e| matches!(e.name.as_str(), "logged" | "unlogged"));
            let text = "cannot set logged status of a temporary sequence";
            return Err(err!(INVALID_TABLE_DEFINITION, "{text}").at(said.and_then(|e| cmd.at(e.pos))));
        }
        Some(true) => Persistence::Permanent,
        Some(false) => Persistence::Unlogged,
        None => place.1,
    };
    let new_sequence = NewSequence { name, namespace: place.0, persistence, params, restart, owned_by };
    let seq = sequence::create_object(cx, new_sequence)?;
    // An identity column has it, too: without an OID it is nobody's DEFAULT (`pg_attrdef`).
    attribute.default = Some(format!("nextval('{seq}'::regclass)").into());
    match &new.identity {
        Some((always, _)) => attribute.identity = if *always { b'a' } else { b'd' },
        None => attribute.default_oid = new_oid(cx)?,
    }
    Ok(())
}

/// What a table, or another relation with rows, is made of.
pub struct NewTable {
    pub oid: Oid,
    pub name: String,
    pub place: (Oid, Persistence),
    pub kind: RelKind,
    pub attributes: Vec<Attribute>,
    pub options: Vec<String>,
    /// As [`Class::tablespace`].
    pub tablespace: Oid,
}

/// Makes an empty relation with its files and its table for large values.
pub fn create_object(cx: &mut ExecContext, new: NewTable) -> Result<()> {
    let (namespace, persistence) = new.place;
    let catalog = cx.backend()?.catalog.clone();
    let desc = crate::catalog::tuple_desc(&catalog, &new.attributes);
    let large = declared::needs_toast(&new.attributes);
    let backend = cx.backend()?;
    let owner = backend.user.current;
    let stored = new.kind != RelKind::Partitioned;
    let node = match stored {
        true => storage::create_table_in(backend, new.tablespace, new.oid, persistence, desc)?.node,
        false => Oid::INVALID,
    };
    let mut c = Class::new(new.oid, new.name, namespace, new.kind, persistence, owner);
    c.node = node;
    c.tablespace = new.tablespace;
    c.row_type = new_oid(cx)?;
    c.row_array_type = new_oid(cx)?;
    c.acl = super::default_acl::for_new(cx.backend()?, crate::sql::ast::ObjectType::Table, owner, namespace);
    c.attributes = new.attributes;
    c.options = new.options;
    c.replica_identity = Some('d');
    if large && stored {
        c.toast = create_toast(cx, &c)?;
    }
    put(cx, Object::Class(c))
}

/// Makes the relation that holds a table's large values.
pub fn create_toast(cx: &mut ExecContext, table: &Class) -> Result<Oid> {
    let oid = new_oid(cx)?;
    let file = storage::create_toast_in(cx.backend()?, table.tablespace, oid, table.persistence)?;
    let name = format!("pg_toast_{}", table.oid);
    let mut c = Class::new(oid, name, fixed::PG_TOAST, RelKind::Toast, table.persistence, table.owner);
    c.node = file.node;
    c.tablespace = table.tablespace;
    let column = |name, attno, ty| super::write::attribute(name, attno, TypeRef::of(ty));
    c.attributes = vec![
        column("chunk_id", 1, oid::OID),
        column("chunk_seq", 2, oid::INT4),
        column("chunk_data", 3, oid::BYTEA),
        column("chunk_of", 4, oid::INT8),
    ];
    put(cx, Object::Class(c))?;
    Ok(oid)
}
