//! Sequences: CREATE, ALTER, and the functions over them.
//!
//! A sequence's state is the only row of the only page of its file, seen by everybody from the start and changed in
//! place: what a rolled-back transaction took is gone. Values are logged 32 ahead (PostgreSQL 15, sequence.c: same), by
//! a full image of the page, so that redo only restores it.

use super::write::{attribute, change, class_of, new_oid, put, relation_key, resolve_type};
use super::{Command, names, storage};
use crate::base::{Error, Flow, Fork, Oid, RelFileId, Result, SqlState};
use crate::buffer::critical;
use crate::catalog::object::{Class, Depend, class};
use crate::catalog::relation::SequenceParams;
use crate::catalog::{Attribute, Object, ObjectKey, Persistence, RelKind};
use crate::err;
use crate::heap::{AttrDesc, TupleDesc};
use crate::lock::LockMode;
use crate::page::Page;
use crate::sql::Backend;
use crate::sql::ast::{AlterSequenceStmt, CreateSequenceStmt, DefArg, DefElem};
use crate::sql::backend::SequenceState;
use crate::sql::exec::ExecContext;
use crate::types::{Batch, Column, Datum, Phys, TypeRef, oid};
use crate::wal::{BlockMode, Record, Rmgr};

/// Values logged ahead.
const AHEAD: i64 = 32;
/// Where the values start in the row: behind a header without further NULL bits.
const VALUES_AT: usize = crate::heap::tuple::HEADER_BYTES;

/// What the page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    pub last: i64,
    pub log_cnt: i64,
    pub called: bool,
}

impl State {
    fn read(page: &Page) -> Result<State> {
        let bytes = page.item(1);
        let number = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(i64::from_le_bytes);
        match (number(VALUES_AT), number(VALUES_AT + 8), bytes.get(VALUES_AT + 16)) {
            (Some(last), Some(log_cnt), Some(called)) => Ok(State { last, log_cnt, called: *called != 0 }),
            _ => Err(err!(DATA_CORRUPTED, "bad magic number in sequence")),
        }
    }

    fn write(self, page: &mut Page) {
        let bytes = page.item_mut(1);
        bytes[VALUES_AT..VALUES_AT + 8].copy_from_slice(&self.last.to_le_bytes());
        bytes[VALUES_AT + 8..VALUES_AT + 16].copy_from_slice(&self.log_cnt.to_le_bytes());
        bytes[VALUES_AT + 16] = u8::from(self.called);
    }
}

fn columns() -> Vec<Attribute> {
    let mut columns = vec![
        attribute("last_value", 1, TypeRef::of(oid::INT8)),
        attribute("log_cnt", 2, TypeRef::of(oid::INT8)),
        attribute("is_called", 3, TypeRef::of(oid::BOOL)),
    ];
    columns.iter_mut().for_each(|c| c.not_null = true);
    columns
}

fn desc() -> TupleDesc {
    let attr = |phys, oid| AttrDesc::new(phys, TypeRef::of(oid));
    TupleDesc::new(vec![attr(Phys::I64, oid::INT8), attr(Phys::I64, oid::INT8), attr(Phys::Bool, oid::BOOL)])
}

/// Makes a sequence's file with its row.
fn create_file(backend: &mut Backend, oid: Oid, persistence: Persistence, state: State) -> Result<RelFileId> {
    let file = storage::create_table(backend, oid, persistence, desc())?;
    let xid = backend.txn.xid();
    let mut row = Batch { columns: [Phys::I64, Phys::I64, Phys::Bool].map(Column::new).into(), rows: 1 };
    row.columns[0].push(Datum::I64(state.last));
    row.columns[1].push(Datum::I64(state.log_cnt));
    row.columns[2].push(Datum::Bool(state.called));
    let bytes = crate::heap::frozen_row(&desc(), &row);
    let storage = backend.instance.storage.clone();
    let mut forks = vec![Fork::Main];
    if persistence == Persistence::Unlogged {
        forks.push(Fork::Init);
    }
    for fork in forks {
        let fork = storage.pool.open(file, fork, persistence);
        if !fork.exists() {
            storage.pool.create(&fork, true)?;
        }
        storage.wal.reserve(Record::max_bytes(1, 0)).map_err(|s| s.into_error())?;
        let block = storage.pool.extend(&fork, 1)?.start;
        let mut page = storage.pool.init(&fork, block)?;
        let _critical = critical::enter();
        page.init(0);
        let added = page.add_item(&bytes);
        assert_eq!(added, Some(1), "a sequence's row is the first of an empty page");
        crate::heap::tuple::put::ctid(page.item_mut(1), crate::base::TupleId::new(block, 1));
        storage.pool.log(Rmgr::Sequence, 0, xid, &mut [(&mut page, BlockMode::Image)], &[]);
    }
    Ok(file)
}

/// What a new sequence is made of.
pub struct NewSequence {
    pub name: String,
    pub namespace: Oid,
    pub persistence: Persistence,
    pub params: SequenceParams,
    /// The first value, where it is not that of the parameters.
    pub restart: Option<i64>,
    /// The column it goes away with.
    pub owned_by: Option<(Oid, i16)>,
}

/// Makes a sequence; its name is locked and free.
pub fn create_object(cx: &mut ExecContext, new: NewSequence) -> Result<Oid> {
    let oid = new_oid(cx)?;
    let backend = cx.backend()?;
    let owner = backend.user.current;
    let state = State { last: new.restart.unwrap_or(new.params.start), log_cnt: 0, called: false };
    let file = create_file(backend, oid, new.persistence, state)?;
    let mut c = Class::new(oid, new.name, new.namespace, RelKind::Sequence, new.persistence, owner);
    c.node = file.node;
    c.acl = super::default_acl::for_new(cx.backend()?, crate::sql::ast::ObjectType::Sequence, owner, new.namespace);
    c.attributes = columns();
    c.sequence = Some(new.params);
    c.depends = new.owned_by.map(owned).into_iter().collect();
    put(cx, Object::Class(c))?;
    Ok(oid)
}

fn owned((table, attno): (Oid, i16)) -> Depend {
    Depend { on: ObjectKey { class: class::RELATION, oid: table, sub: i32::from(attno) }, auto: true }
}

// ---- parameters ----

fn range(ty: Oid) -> (i64, i64) {
    match ty {
        oid::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        oid::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

/// The parameters of a sequence for values of a type, all others as they are by default.
pub fn default_params(ty: Oid) -> SequenceParams {
    SequenceParams { ty, start: 1, increment: 1, min: 1, max: range(ty).1, cache: 1, cycle: false }
}

/// Options read from a statement.
#[derive(Default)]
pub struct Options {
    pub params: Option<SequenceParams>,
    pub restart: Option<Option<i64>>,
    /// Empty: NONE.
    pub owned_by: Option<Vec<String>>,
    pub name: Option<crate::sql::ast::QualName>,
    /// LOGGED or UNLOGGED, where it is said: pg_dump says it of sequences that are not as their tables are.
    pub logged: Option<bool>,
}

fn number(e: &DefElem) -> Result<Option<i64>> {
    let Some(text) = e.string() else { return Ok(None) };
    let parsed = text.parse::<i64>();
    parsed.map(Some).map_err(|_| err!(INVALID_TEXT_REPRESENTATION, "value \"{text}\" is out of range for type bigint"))
}

/// Reads options over the parameters there were, or over none for a new sequence (PostgreSQL 15, sequence.c,
/// init_params: same order of checks).
pub fn options(
    cmd: &Command,
    cx: &mut ExecContext,
    list: &[DefElem],
    old: Option<&SequenceParams>,
    identity: Option<Oid>,
) -> Result<Options> {
    let mut out = Options::default();
    for (n, e) in list.iter().enumerate() {
        if list[..n].iter().any(|o| o.name == e.name) {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(e.pos)));
        }
    }
    let find = |name: &str| list.iter().find(|e| e.name == name);
    let logged = list.iter().find(|e| matches!(e.name.as_str(), "logged" | "unlogged"));
    match (identity, find("sequence_name"), logged) {
        (None, Some(e), _) => {
            return Err(err!(SYNTAX_ERROR, "invalid sequence option SEQUENCE NAME").at(cmd.at(e.pos)));
        }
        (None, None, Some(e)) => return Err(err!(INTERNAL_ERROR, "option \"{}\" not recognized", e.name)),
        (Some(_), _, Some(e)) if find("logged").is_some() && find("unlogged").is_some() => {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(e.pos)));
        }
        (Some(_), _, said) => out.logged = said.map(|e| e.name == "logged"),
        (None, None, None) => {}
    }
    let mut ty = old.map_or(identity.unwrap_or(oid::INT8), |p| p.ty);
    let mut retyped = false;
    if let Some(DefElem { arg: Some(DefArg::Type(t)), .. }) = find("as") {
        ty = resolve_type(cx, &cmd.source, t)?.oid;
        retyped = old.is_some_and(|p| p.ty != ty);
    }
    if ![oid::INT2, oid::INT4, oid::INT8].contains(&ty) {
        let what = if identity.is_some() { "identity column" } else { "sequence" };
        return Err(err!(INVALID_PARAMETER_VALUE, "{what} type must be smallint, integer, or bigint"));
    }
    let shown = crate::types::format_type_plain(ty, &*cx.fx.io.hooks);
    let (low, high) = range(ty);
    let mut p = old.cloned().unwrap_or_else(|| default_params(ty));
    let old_range = range(p.ty);
    p.ty = ty;
    if let Some(e) = find("increment") {
        p.increment = number(e)?.unwrap_or(1);
        if p.increment == 0 {
            return Err(err!(INVALID_PARAMETER_VALUE, "INCREMENT must not be zero"));
        }
    }
    if let Some(e) = find("cycle") {
        p.cycle = e.arg == Some(DefArg::Bool(true));
    }
    let ascending = p.increment > 0;
    let max_was_default = retyped && p.max == old_range.1;
    let min_was_default = retyped && p.min == old_range.0;
    match find("maxvalue") {
        Some(e) if e.arg.is_some() => p.max = number(e)?.unwrap_or(high),
        None if old.is_some() && !max_was_default => {}
        _ => p.max = if ascending || max_was_default { high } else { -1 },
    }
    if !(low..=high).contains(&p.max) {
        return Err(err!(
            INVALID_PARAMETER_VALUE,
            "MAXVALUE ({}) is out of range for sequence data type {shown}",
            p.max
        ));
    }
    match find("minvalue") {
        Some(e) if e.arg.is_some() => p.min = number(e)?.unwrap_or(low),
        None if old.is_some() && !min_was_default => {}
        _ => p.min = if !ascending || min_was_default { low } else { 1 },
    }
    if !(low..=high).contains(&p.min) {
        return Err(err!(
            INVALID_PARAMETER_VALUE,
            "MINVALUE ({}) is out of range for sequence data type {shown}",
            p.min
        ));
    }
    if p.min >= p.max {
        return Err(err!(INVALID_PARAMETER_VALUE, "MINVALUE ({}) must be less than MAXVALUE ({})", p.min, p.max));
    }
    match find("start") {
        Some(e) => p.start = number(e)?.unwrap_or(p.min),
        None if old.is_some() => {}
        None => p.start = if ascending { p.min } else { p.max },
    }
    within("START", p.start, &p)?;
    if let Some(e) = find("restart") {
        let value = number(e)?;
        out.restart = Some(value);
        within("RESTART", value.unwrap_or(p.start), &p)?;
    }
    if let Some(e) = find("cache") {
        p.cache = number(e)?.unwrap_or(1);
        if p.cache <= 0 {
            return Err(err!(INVALID_PARAMETER_VALUE, "CACHE ({}) must be greater than zero", p.cache));
        }
    }
    if let Some(DefElem { arg: Some(DefArg::Name(name)), .. }) = find("owned_by") {
        out.owned_by = Some(match name.parts.as_slice() {
            [none] if none == "none" => Vec::new(),
            [_] => {
                return Err(err!(SYNTAX_ERROR, "invalid OWNED BY option")
                    .hint("Specify OWNED BY table.column or OWNED BY NONE."));
            }
            parts => parts.to_vec(),
        });
    }
    if let Some(DefElem { arg: Some(DefArg::Name(name)), .. }) = find("sequence_name") {
        out.name = Some(name.clone());
    }
    out.params = Some(p);
    Ok(out)
}

fn within(what: &str, value: i64, p: &SequenceParams) -> Result<()> {
    if value < p.min {
        return Err(err!(INVALID_PARAMETER_VALUE, "{what} value ({value}) cannot be less than MINVALUE ({})", p.min));
    }
    if value > p.max {
        return Err(err!(
            INVALID_PARAMETER_VALUE,
            "{what} value ({value}) cannot be greater than MAXVALUE ({})",
            p.max
        ));
    }
    Ok(())
}

// ---- statements ----

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateSequenceStmt) -> Flow<String> {
    let (namespace, persistence) = names::creation_place(cx, &stmt.sequence)?;
    names::lock_name(cx, class::RELATION, namespace, &stmt.sequence.name)?;
    if cx.backend()?.catalog.class_in(namespace, &stmt.sequence.name).is_some() {
        let text = format!("relation \"{}\" already exists", stmt.sequence.name);
        if stmt.if_not_exists {
            names::notice(cx, SqlState::DUPLICATE_TABLE, format!("{text}, skipping"));
            return Ok("CREATE SEQUENCE".into());
        }
        return Err(Error::new(SqlState::DUPLICATE_TABLE, text).into());
    }
    let read = options(cmd, cx, &stmt.options, None, None)?;
    let owned_by = match &read.owned_by {
        Some(parts) if !parts.is_empty() => Some(owner_column(cx, parts, namespace)?),
        _ => None,
    };
    let params = read.params.unwrap_or_else(|| default_params(oid::INT8));
    let restart = read.restart.flatten();
    let name = stmt.sequence.name.clone();
    create_object(cx, NewSequence { name, namespace, persistence, params, restart, owned_by })?;
    Ok("CREATE SEQUENCE".into())
}

/// The table and column OWNED BY names.
fn owner_column(cx: &mut ExecContext, parts: &[String], namespace: Oid) -> Flow<(Oid, i16)> {
    let (column, table) = parts.split_last().ok_or_else(|| Error::internal("OWNED BY nothing"))?;
    let var = names::range_var(table);
    let Some(relation) = names::find_relation(cx, &var)? else {
        return Err(err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", var.joined()).into());
    };
    if !matches!(relation.kind, RelKind::Table | RelKind::View | RelKind::Partitioned) {
        return Err(err!(WRONG_OBJECT_TYPE, "sequence cannot be owned by relation \"{}\"", relation.name)
            .detail(format!("This operation is not supported for {}.", names::kind_words(relation.kind)))
            .into());
    }
    if relation.namespace != namespace {
        return Err(
            err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must be in same schema as table it is linked to").into()
        );
    }
    cx.backend()?.txn.lock_relation(relation.oid, LockMode::AccessShare)?;
    let Some(a) = relation.attribute(column) else {
        let text = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
        return Err(Error::new(SqlState::UNDEFINED_COLUMN, text).into());
    };
    Ok((relation.oid, a.attno))
}

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterSequenceStmt) -> Flow<String> {
    if stmt.missing_ok && names::find_relation(cx, &stmt.sequence)?.is_none() {
        let text = format!("relation \"{}\" does not exist, skipping", stmt.sequence.name);
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
        return Ok("ALTER SEQUENCE".into());
    }
    let found = names::locked_relation(cmd, cx, &stmt.sequence, LockMode::ShareRowExclusive)?;
    if found.kind != RelKind::Sequence {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", found.name).into());
    }
    names::check_owner(cx, &found)?;
    alter_object(cmd, cx, found.oid, &stmt.options)?;
    Ok("ALTER SEQUENCE".into())
}

/// Changes a sequence's parameters; also for identity columns.
pub fn alter_object(cmd: &Command, cx: &mut ExecContext, seq: Oid, list: &[DefElem]) -> Flow<()> {
    let c = class_of(cx, seq)?;
    let old = c.sequence.clone().ok_or_else(|| Error::internal("not a sequence"))?;
    let read = options(cmd, cx, list, Some(&old), None)?;
    let params = read.params.unwrap_or(old);
    let owner = match &read.owned_by {
        Some(parts) if parts.is_empty() => Some(None),
        Some(parts) => Some(Some(owner_column(cx, parts, c.namespace)?)),
        None => None,
    };
    if owner.is_some() {
        refuse_identity(cx, &c)?;
    }
    let backend = cx.backend()?;
    let mut state = current(backend, &c)?;
    if let Some(value) = read.restart {
        state = State { last: value.unwrap_or(params.start), log_cnt: 0, called: false };
    }
    state.log_cnt = 0;
    if state.last < params.min {
        let text = format!("RESTART value ({}) cannot be less than MINVALUE ({})", state.last, params.min);
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text).into());
    }
    if state.last > params.max {
        let text = format!("RESTART value ({}) cannot be greater than MAXVALUE ({})", state.last, params.max);
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text).into());
    }
    new_file(cx, &c, state)?;
    change(cx, seq, |c| {
        c.sequence = Some(params);
        if let Some(owner) = owner {
            c.depends.retain(|d| !(d.auto && d.on.class == class::RELATION));
            c.depends.extend(owner.map(owned));
        }
    })?;
    Ok(())
}

/// # Errors
/// 0A000 for the sequence of an identity column, which is its column's for good.
fn refuse_identity(cx: &mut ExecContext, c: &Class) -> Result<()> {
    for d in c.depends.iter().filter(|d| d.auto && d.on.class == class::RELATION && d.on.sub > 0) {
        let table = class_of(cx, d.on.oid)?;
        if table.attributes.get(d.on.sub as usize - 1).is_some_and(|a| a.identity_sequence() == Some(c.oid)) {
            return Err(Error::unsupported("cannot change ownership of identity sequence")
                .detail(format!("Sequence \"{}\" is linked to table \"{}\".", c.name, table.name)));
        }
    }
    Ok(())
}

/// Lets a sequence go on in another file, so that a rollback finds the old one.
fn new_file(cx: &mut ExecContext, c: &Class, state: State) -> Result<()> {
    let backend = cx.backend()?;
    let file = create_file(backend, c.oid, c.persistence, state)?;
    old_file_goes(backend, c);
    change(cx, c.oid, |c| c.node = file.node)
}

fn old_file_goes(backend: &mut Backend, c: &Class) {
    backend.txn.file_dropped(backend.catalog.file_of(c), c.persistence);
    if let Some(known) = backend.sequences.known.get_mut(&c.oid) {
        known.cached_left = 0;
    }
}

/// Makes a sequence as lasting as the table it belongs to; it goes on where it is.
pub fn set_persistence(cx: &mut ExecContext, seq: Oid, persistence: Persistence) -> Result<()> {
    let c = class_of(cx, seq)?;
    let backend = cx.backend()?;
    let state = current(backend, &c)?;
    let file = create_file(backend, c.oid, persistence, state)?;
    old_file_goes(backend, &c);
    change(cx, c.oid, |c| {
        c.node = file.node;
        c.persistence = persistence;
    })
}

/// Sequences that go away with a table's columns.
pub fn owned_by(cx: &mut ExecContext, table: Oid) -> Result<Vec<(Oid, i16)>> {
    let mut found = Vec::new();
    for (record, _) in cx.backend()?.catalog.dependents(relation_key(table)) {
        let Ok(c) = record.object.as_class() else { continue };
        if c.kind != RelKind::Sequence {
            continue;
        }
        let column = c.depends.iter().find(|d| d.auto && d.on.oid == table && d.on.sub != 0);
        found.extend(column.map(|d| (c.oid, d.on.sub as i16)));
    }
    Ok(found)
}

/// Starts a sequence over (TRUNCATE … RESTART IDENTITY).
pub fn restart(cx: &mut ExecContext, seq: Oid) -> Result<()> {
    let c = class_of(cx, seq)?;
    let start = c.sequence.as_ref().map_or(1, |p| p.start);
    new_file(cx, &c, State { last: start, log_cnt: 0, called: false })
}

// ---- values ----

fn fork_of(backend: &Backend, c: &Class) -> std::sync::Arc<crate::buffer::RelFork> {
    let file = backend.catalog.file_of(c);
    let fork = backend.instance.storage.pool.open(file, Fork::Main, c.persistence);
    fork.count_for(c.oid);
    fork
}

/// What a sequence's page says now.
pub fn current(backend: &Backend, c: &Class) -> Result<State> {
    let fork = fork_of(backend, c);
    State::read(&*backend.instance.storage.pool.read(&fork, 0)?)
}

/// The rights to draw a value: either will do.
const NEXT: &str = "Uw";

/// A sequence with its parameters; any of the rights will do, None: nothing is asked.
fn open(cx: &mut ExecContext, seq: Oid, rights: Option<&str>) -> Flow<(Class, SequenceParams)> {
    let record = cx.backend()?.catalog.class(seq);
    let wrong = |name: &str| err!(WRONG_OBJECT_TYPE, "\"{name}\" is not a sequence");
    let Some(record) = record else {
        return Err(match cx.backend()?.catalog.relation(seq)? {
            Some(generated) => wrong(&generated.name),
            None => err!(UNDEFINED_TABLE, "could not open relation with OID {seq}"),
        }
        .into());
    };
    let c = record.object.as_class()?.clone();
    let Some(params) = c.sequence.clone() else {
        return Err(wrong(&c.name).into());
    };
    let backend = cx.backend()?;
    let subject = crate::sql::exec::rights::subject(backend);
    let allowed = |rights: &str| rights.chars().any(|r| subject.may(c.owner, c.acl.as_deref(), "", r, false));
    if !rights.is_none_or(allowed) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for sequence {}", c.name).into());
    }
    backend.txn.lock_relation(seq, LockMode::RowExclusive)?;
    // The lock may have waited for a change of the file.
    Ok((class_of(cx, seq)?, params))
}

/// Writes a state in place; `logged` is what redo restores, if anything is to be logged.
fn store(backend: &mut Backend, c: &Class, state: impl FnOnce(State, bool) -> Result<Step>) -> Flow<()> {
    let fork = fork_of(backend, c);
    let storage = backend.instance.storage.clone();
    if fork.is_logged() {
        storage.wal.reserve(Record::max_bytes(1, 0))?;
    }
    // Its commit must wait for the log.
    let xid = backend.txn.xid();
    let mut page = storage.pool.write(&fork, 0)?;
    let old = State::read(&page)?;
    let Step { logged, now } = state(old, page.lsn() <= storage.wal.redo_lsn())?;
    let _critical = critical::enter();
    if let Some(logged) = logged {
        logged.write(&mut page);
        storage.pool.log(Rmgr::Sequence, 0, xid, &mut [(&mut page, BlockMode::Image)], &[]);
    }
    now.write(&mut page);
    page.mark_dirty();
    Ok(())
}

struct Step {
    logged: Option<State>,
    now: State,
}

/// The next value (PostgreSQL 15, sequence.c, nextval_internal: same steps).
pub fn nextval(cx: &mut ExecContext, seq: Oid) -> Flow<i64> {
    next(cx, seq, Some(NEXT))
}

/// The same for an identity column, whatever the rights.
pub fn next_identity(cx: &mut ExecContext, seq: Oid) -> Flow<i64> {
    next(cx, seq, None)
}

fn next(cx: &mut ExecContext, seq: Oid, rights: Option<&str>) -> Flow<i64> {
    let (c, p) = open(cx, seq, rights)?;
    let backend = cx.backend()?;
    backend.prevent_if_read_only("nextval()").or_else(|e| match c.persistence {
        Persistence::Temp => Ok(()),
        _ => Err(e),
    })?;
    // Values taken from another file are not this one's: whoever took them may have been rolled back (PostgreSQL 15,
    // sequence.c, init_sequence: same).
    if let Some(known) = backend.sequences.known.get_mut(&seq)
        && known.cached_left > 0
        && known.node == c.node
    {
        known.last = known.cached_next;
        known.cached_left -= 1;
        known.cached_next = known.cached_next.wrapping_add(p.increment);
        backend.sequences.last = Some(seq);
        return Ok(backend.sequences.known[&seq].last);
    }
    let mut given = (0, 0);
    store(backend, &c, |old, after_checkpoint| {
        let (step, first, count) = advance(&c.name, &p, old, after_checkpoint)?;
        given = (first, count);
        Ok(step)
    })?;
    let (first, count) = given;
    let cached_next = first.wrapping_add(p.increment);
    let state = SequenceState { node: c.node, last: first, cached_next, cached_left: count - 1 };
    backend.sequences.known.insert(seq, state);
    backend.sequences.last = Some(seq);
    Ok(first)
}

/// Takes as many values as are cached, and more into the log: (states, first value, how many).
fn advance(name: &str, p: &SequenceParams, old: State, after_checkpoint: bool) -> Result<(Step, i64, i64)> {
    let (mut fetch, mut log) = (p.cache, old.log_cnt);
    let (mut next, mut first, mut last, mut count) = (old.last, old.last, old.last, 0);
    if !old.called {
        count = 1;
        fetch -= 1;
    }
    let logit = log < fetch || !old.called || after_checkpoint;
    if logit {
        fetch += AHEAD;
        log = fetch;
    }
    while fetch > 0 {
        let beyond = match p.increment > 0 {
            true => next.checked_add(p.increment).is_none_or(|n| n > p.max),
            false => next.checked_add(p.increment).is_none_or(|n| n < p.min),
        };
        if beyond {
            if count > 0 {
                break;
            }
            if !p.cycle {
                let (word, bound) = if p.increment > 0 { ("maximum", p.max) } else { ("minimum", p.min) };
                return Err(err!(
                    SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
                    "nextval: reached {word} value of sequence \"{name}\" ({bound})"
                )
                .place("nextval_internal", "sequence.c", 735));
            }
            next = if p.increment > 0 { p.min } else { p.max };
        } else {
            next += p.increment;
        }
        fetch -= 1;
        if count < p.cache {
            log -= 1;
            count += 1;
            last = next;
            if count == 1 {
                first = next;
            }
        }
    }
    log -= fetch;
    let logged = logit.then_some(State { last: next, log_cnt: 0, called: true });
    Ok((Step { logged, now: State { last, log_cnt: log, called: true } }, first, count))
}

/// Sets a sequence's value.
pub fn setval(cx: &mut ExecContext, seq: Oid, value: i64, called: bool) -> Flow<i64> {
    let (c, p) = open(cx, seq, Some("w"))?;
    if c.persistence != Persistence::Temp {
        cx.backend()?.prevent_if_read_only("setval()")?;
    }
    if !(p.min..=p.max).contains(&value) {
        return Err(err!(
            NUMERIC_VALUE_OUT_OF_RANGE,
            "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
            c.name,
            p.min,
            p.max
        )
        .into());
    }
    let backend = cx.backend()?;
    let now = State { last: value, log_cnt: 0, called };
    store(backend, &c, |_, _| Ok(Step { logged: Some(now), now }))?;
    let known = backend.sequences.known.remove(&seq);
    if called {
        backend
            .sequences
            .known
            .insert(seq, SequenceState { node: c.node, last: value, cached_next: 0, cached_left: 0 });
    } else if let Some(known) = known {
        backend.sequences.known.insert(seq, SequenceState { cached_left: 0, ..known });
    }
    Ok(value)
}

/// The value this session got last from a sequence.
pub fn currval(cx: &mut ExecContext, seq: Oid) -> Flow<i64> {
    let (c, _) = open(cx, seq, Some("Ur"))?;
    match cx.backend()?.sequences.known.get(&seq) {
        Some(known) => Ok(known.last),
        None => Err(err!(
            OBJECT_NOT_IN_PREREQUISITE_STATE,
            "currval of sequence \"{}\" is not yet defined in this session",
            c.name
        )
        .into()),
    }
}

/// The value this session got last from any sequence.
pub fn lastval(cx: &mut ExecContext) -> Flow<i64> {
    let undefined = || err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session");
    let seq = cx.backend()?.sequences.last.ok_or_else(undefined)?;
    if cx.backend()?.catalog.class(seq).is_none() {
        return Err(undefined().into());
    }
    open(cx, seq, Some("Ur"))?;
    Ok(cx.backend()?.sequences.known.get(&seq).map(|k| k.last).ok_or_else(undefined)?)
}

/// `pg_sequence_last_value`: NULL until a value was taken.
pub fn last_value(cx: &mut ExecContext, seq: Oid) -> Flow<Option<i64>> {
    let (c, _) = open(cx, seq, Some("Urw"))?;
    let state = current(cx.backend()?, &c)?;
    Ok(state.called.then_some(state.last))
}

/// `pg_get_serial_sequence`: the sequence a column owns, as quoted, qualified text.
pub fn serial_sequence(cx: &mut ExecContext, table: &str, column: &str) -> Flow<Option<String>> {
    let parts = crate::sql::names::split_qualified(table)?;
    let var = names::range_var(&parts);
    let Some(relation) = names::find_relation(cx, &var)? else {
        return Err(err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", var.joined()).into());
    };
    let Some(attno) = relation.attribute(column).map(|a| a.attno) else {
        let text = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
        return Err(Error::new(SqlState::UNDEFINED_COLUMN, text).into());
    };
    let Some((seq, _)) = owned_by(cx, relation.oid)?.into_iter().find(|(_, a)| *a == attno) else { return Ok(None) };
    let c = class_of(cx, seq)?;
    let schema = cx.backend()?.catalog.namespace(c.namespace).map(|n| n.name).unwrap_or_default();
    let quote = crate::types::name::quote_identifier;
    Ok(Some(format!("{}.{}", quote(&schema), quote(&c.name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(p: &SequenceParams, state: State, after_checkpoint: bool) -> (State, Option<State>, i64, i64) {
        let (step, first, count) = advance("s", p, state, after_checkpoint).expect("a value is left");
        (step.now, step.logged, first, count)
    }

    /// The first value is the start itself; 32 values more are in the log; a value after a checkpoint is logged again.
    #[test]
    fn values_are_logged_ahead() {
        let p = default_params(oid::INT8);
        let (now, logged, first, _) = take(&p, State { last: 1, log_cnt: 0, called: false }, false);
        assert_eq!((first, now), (1, State { last: 1, log_cnt: 32, called: true }));
        assert_eq!(logged.map(|s| s.last), Some(33));
        let (now, logged, first, _) = take(&p, now, false);
        assert_eq!((first, logged, now.log_cnt), (2, None, 31));
        assert!(take(&p, now, true).1.is_some());
    }

    /// At the bound a sequence ends, or starts over with CYCLE.
    #[test]
    fn bounds_are_kept() {
        let mut p = SequenceParams { max: 2, ..default_params(oid::INT8) };
        let at_end = State { last: 2, log_cnt: 5, called: true };
        let e = advance("s", &p, at_end, false).err().expect("no value is left");
        assert_eq!(e.message(), "nextval: reached maximum value of sequence \"s\" (2)");
        p.cycle = true;
        assert_eq!(take(&p, at_end, false).2, 1);
    }
}
