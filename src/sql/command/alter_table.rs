//! ALTER TABLE and its kin, one change after the other.

use super::alter_order::{in_order, refuse_second_type, without_place};
use super::constraint::{self, Wanted, each_batch, relation, set_not_null, verify_check};
use super::rewrite_rows::{NewRows, rewrite};
use super::write::{bind, change, class_of, columns_only, over_attributes};
use super::{
    Command, alter_kinds, cluster, column, concurrent, declared, drop, foreign, index, inherit, names, owner,
    partition, reloptions, row_type, sequence, stored_text, table, typed,
};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::IndexMethod;
use crate::catalog::object::{Class, class};
use crate::catalog::{Attribute, ConstraintKind, Object, ObjectKey, Persistence, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{
    AlterTableCommand, AlterTableKind as Kind, AlterTableStmt, ColumnDef, ColumnRef, DefArg, DefElem, DropBehavior,
    Expr, ExprKind, TypeName,
};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::ExecContext;
use crate::sql::expr::{ExprKind as Bound, volatility};
use crate::types::Value;

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterTableStmt) -> Flow<String> {
    let tag = cmd.stmt.tag().to_string();
    if let Some(begun) = concurrent::Detachment::begun(cmd) {
        begun.go_on(cx)?;
        return Ok(tag);
    }
    if stmt.commands.iter().any(|c| matches!(c.kind, Kind::DetachPartition { concurrently: true, .. })) {
        cx.backend()?.prevent_in_block("ALTER TABLE ... DETACH CONCURRENTLY")?;
    }
    if stmt.missing_ok && names::find_relation(cx, &stmt.table)?.is_none() {
        let text = format!("relation \"{}\" does not exist, skipping", stmt.table.name);
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
        return Ok(tag);
    }
    let mode = stmt.commands.iter().map(|c| mode_for(&c.kind)).max_by_key(|m| *m as u8);
    let mode = mode.unwrap_or(LockMode::AccessExclusive);
    let found = locked(cmd, cx, &stmt.table, mode)?;
    check_kind(&found, stmt.object)?;
    names::check_owner(cx, &found)?;
    stmt.commands.iter().try_for_each(|command| alter_kinds::check(&found, &command.kind))?;
    let c = class_of(cx, found.oid)?;
    stmt.commands.iter().try_for_each(|command| typed::refuse(&c, &command.kind))?;
    if found.kind == RelKind::Composite {
        for table in typed::tables_of(cx, c.row_type)? {
            cx.backend()?.txn.lock_relation(table, LockMode::AccessExclusive)?;
        }
    }
    let columns_change =
        stmt.commands.iter().any(|c| matches!(c.kind, Kind::AddColumn { .. } | Kind::DropColumn { .. }));
    if columns_change {
        row_type::lock_users(cx, found.oid)?;
        for table in typed::tables_of(cx, c.row_type)? {
            row_type::lock_users(cx, table)?;
        }
    }
    if stmt.commands.iter().filter(|c| matches!(c.kind, Kind::SetTablespace(_))).count() > 1 {
        return Err(err!(SYNTAX_ERROR, "cannot have multiple SET TABLESPACE subcommands").into());
    }
    foreign::lock_for_alter(cmd, cx, found.oid, stmt)?;
    if class_of(cx, found.oid)?.lineage.detaching != 0
        && !stmt.commands.iter().all(|c| matches!(c.kind, Kind::DetachPartitionFinalize(_)))
    {
        let text = format!("cannot alter partition \"{}\" with an incomplete detach", found.name);
        let hint = "Use ALTER TABLE ... DETACH PARTITION ... FINALIZE to complete the pending detach operation.";
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text).hint(hint).into());
    }
    names::refuse_other_temp(cx, found.oid, "alter")?;
    names::check_not_in_use(cx, (found.oid, &found.name), "ALTER TABLE")?;
    // All locks come first: the command starts over after a wait.
    for command in &stmt.commands {
        inherit::lock_other(cmd, cx, &command.kind)?;
        partition::place(cmd, cx, &found, &command.kind)?;
    }
    if stmt.commands.iter().any(|c| inherit::goes_down(&c.kind)) {
        for child in inherit::descendants(cx, found.oid, mode)? {
            let name = class_of(cx, child)?.name;
            names::refuse_other_temp(cx, child, "alter")?;
            names::check_not_in_use(cx, (child, &name), "ALTER TABLE")?;
            if columns_change {
                row_type::lock_users(cx, child)?;
            }
        }
    }
    // These stand alone (PostgreSQL 15, gram.y, partition_cmd: same).
    if let [AlterTableCommand { kind, .. }] = &stmt.commands[..]
        && let Kind::DetachPartition { table, concurrently: true } | Kind::DetachPartitionFinalize(table) = kind
    {
        let c = class_of(cx, found.oid)?;
        inherit::refuse_partitioned(cx, &c, kind, true)?;
        match kind {
            Kind::DetachPartitionFinalize(_) => concurrent::finalize(cmd, cx, &found, table)?,
            _ => concurrent::Detachment::begin(cmd, cx, &found, table)?,
        }
        return Ok(tag);
    }
    for command in in_order(cmd, cx, &found, &stmt.commands)? {
        if found.kind == RelKind::Composite {
            typed::follow(cmd, cx, &c, &command.kind)?;
        }
        refuse_second_type(cx, &found, &command.kind)?;
        let done = inherit::alter(cmd, cx, found.oid, stmt.table.inherit, &command.kind);
        done.map_err(|e| without_place(cmd, e, &command.kind))?;
    }
    Ok(tag)
}

/// How much a command keeps others away: what readers, or writers, need not notice they need not wait for.
/// PostgreSQL 15, tablecmds.c, AlterTableGetLockLevel and AlterTableGetRelOptionsLockLevel.
fn mode_for(kind: &Kind) -> LockMode {
    use crate::sql::ast::ConstraintKind;
    match kind {
        Kind::AddConstraint(c) if matches!(c.kind, ConstraintKind::ForeignKey(_)) => LockMode::ShareRowExclusive,
        Kind::Trigger { .. } => LockMode::ShareRowExclusive,
        Kind::ValidateConstraint(_)
        | Kind::SetStatistics { .. }
        | Kind::SetColumnOptions { .. }
        | Kind::ResetColumnOptions { .. }
        | Kind::ClusterOn(_)
        | Kind::SetWithoutCluster
        | Kind::DetachPartition { concurrently: true, .. }
        | Kind::DetachPartitionFinalize(_) => LockMode::ShareUpdateExclusive,
        Kind::SetOptions(list) | Kind::ResetOptions(list) if !list.iter().any(|o| changes_reading(&o.name)) => {
            LockMode::ShareUpdateExclusive
        }
        _ => LockMode::AccessExclusive,
    }
}

/// Options that mean something to those who read or plan.
fn changes_reading(option: &str) -> bool {
    ["user_catalog_table", "security_barrier", "security_invoker", "check_option", "fastupdate"].contains(&option)
}

/// Locks a relation, or an index with its table.
pub fn locked(
    cmd: &Command,
    cx: &mut ExecContext,
    name: &crate::sql::ast::RangeVar,
    mode: LockMode,
) -> Flow<std::sync::Arc<Relation>> {
    let found = names::relation(cx, name)?;
    let record = cx.backend()?.catalog.class(found.oid);
    let table = record.and_then(|r| r.object.as_class().ok().and_then(|c| c.index.as_ref().map(|i| i.table)));
    if let Some(table) = table {
        cx.backend()?.txn.lock_relation(table, mode)?;
    }
    names::locked_relation(cmd, cx, name, mode)
}

/// # Errors
/// 42809 `"v" is not a table`.
pub fn check_kind(found: &Relation, object: crate::sql::ast::ObjectType) -> Result<()> {
    use crate::sql::ast::ObjectType as O;
    let (fits, word) = match object {
        O::Index => (matches!(found.kind, RelKind::Index | RelKind::PartitionedIndex), "an index"),
        O::Sequence => (found.kind == RelKind::Sequence, "a sequence"),
        O::View => (found.kind == RelKind::View, "a view"),
        O::MatView => (found.kind == RelKind::MatView, "a materialized view"),
        O::Type => (found.kind == RelKind::Composite, "a composite type"),
        _ => {
            super::row_type::refuse_composite(found.kind, &found.name)?;
            (true, "a table")
        }
    };
    match fits {
        true => Ok(()),
        false => Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not {word}", found.name)),
    }
}

fn missing_column(relation: &str, name: &str) -> Error {
    err!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{relation}\" does not exist").place(
        "ATPrepAlterColumnType",
        "tablecmds.c",
        12000,
    )
}

/// The 0-based place of an index's column, which must be an expression.
fn index_column(cx: &mut ExecContext, oid: Oid, number: i16) -> Result<usize> {
    let c = class_of(cx, oid)?;
    let Some(index) = &c.index else {
        return Err(Error::unsupported("cannot refer to non-index column by number"));
    };
    let n = (number as usize).wrapping_sub(1);
    let Some(column) = index.columns.get(n) else {
        return Err(err!(UNDEFINED_COLUMN, "column number {number} of relation \"{}\" does not exist", c.name));
    };
    if n >= index.key_columns {
        let text = format!("cannot alter statistics on included column \"{}\" of index \"{}\"", column.name, c.name);
        return Err(Error::unsupported(text));
    }
    if column.expr.is_none() {
        let text =
            format!("cannot alter statistics on non-expression column \"{}\" of index \"{}\"", column.name, c.name);
        return Err(Error::unsupported(text).hint("Alter statistics on table column instead."));
    }
    Ok(n)
}

/// The 0-based place of a column.
pub fn position(cx: &mut ExecContext, oid: Oid, name: &str) -> Result<usize> {
    let c = class_of(cx, oid)?;
    if crate::sql::bind::scope::system_attno(name).is_some() {
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot alter system column \"{name}\""));
    }
    let found = c.attributes.iter().position(|a| !a.dropped && a.name == name);
    found.ok_or_else(|| missing_column(&c.name, name))
}

/// One change of one table.
pub fn apply(cmd: &Command, cx: &mut ExecContext, oid: Oid, kind: &Kind) -> Result<()> {
    match kind {
        Kind::DropColumn { name, missing_ok, behavior } => drop_column(cx, oid, name, *missing_ok, *behavior),
        Kind::AlterType { name, typ, collation, using, .. } => {
            column::check_collation(cx, collation.as_ref())?;
            alter_type(cmd, cx, oid, name, (typ, collation.as_ref()), using.as_ref())
        }
        Kind::SetDefault { name, expr } => set_default(cmd, cx, oid, name, Some(expr)),
        Kind::DropDefault { name } => set_default(cmd, cx, oid, name, None),
        Kind::SetNotNull { name } => {
            position(cx, oid, name)?;
            set_not_null(cx, oid, std::slice::from_ref(name))
        }
        Kind::DropNotNull { name } => drop_not_null(cx, oid, name),
        Kind::DropExpression { name, missing_ok } => drop_expression(cx, oid, name, *missing_ok),
        Kind::SetStatistics { column, target } => {
            let n = match column {
                ColumnRef::Name(name) => position(cx, oid, name)?,
                ColumnRef::Number(n) => index_column(cx, oid, *n)?,
            };
            if *target < -1 {
                return Err(err!(INVALID_PARAMETER_VALUE, "statistics target {target} is too low"));
            }
            if *target > 10000 {
                let text = "lowering statistics target to 10000";
                cx.notices.push(Report::notice(Severity::Warning, SqlState::INVALID_PARAMETER_VALUE, text));
            }
            let target = (*target).min(10000);
            change(cx, oid, |c| c.attributes.iter_mut().skip(n).take(1).for_each(|a| a.stat_target = target))
        }
        Kind::SetStorage { name, storage } => declared::set_storage(cx, oid, name, storage),
        Kind::SetCompression { name, method } => declared::set_compression(cx, oid, name, method),
        Kind::SetColumnOptions { name, options } => declared::set_options(cx, oid, name, options, false),
        Kind::ResetColumnOptions { name, options } => declared::set_options(cx, oid, name, options, true),
        Kind::AddIdentity { name, always, options } => add_identity(cmd, cx, oid, name, *always, options),
        Kind::SetIdentity { name, options } => set_identity(cmd, cx, oid, name, options),
        Kind::DropIdentity { name, missing_ok } => drop_identity(cx, oid, name, *missing_ok),
        Kind::AddConstraint(c) => constraint::add_all(cmd, cx, oid, vec![Wanted::of(c, None)]),
        Kind::AlterConstraint(c) => constraint::alter(cx, oid, c),
        Kind::ValidateConstraint(name) => validate(cx, oid, name),
        Kind::DropConstraint { name, missing_ok, behavior } => drop_constraint(cx, oid, name, *missing_ok, *behavior),
        Kind::ClusterOn(name) => cluster_on(cx, oid, Some(name)),
        Kind::SetWithoutCluster => cluster_on(cx, oid, None),
        Kind::SetWithoutOids => Ok(()),
        Kind::SetLogged => set_persistence(cx, oid, Persistence::Permanent),
        Kind::SetUnlogged => set_persistence(cx, oid, Persistence::Unlogged),
        Kind::SetTablespace(name) => super::move_files::set_tablespace(cx, oid, name),
        Kind::SetAccessMethod(name) => {
            if class_of(cx, oid)?.kind == RelKind::Partitioned {
                return Err(err!(WRONG_OBJECT_TYPE, "cannot change access method of a partitioned table"));
            }
            table::check_access_method(Some(name))
        }
        Kind::SetOptions(options) => {
            let c = class_of(cx, oid)?;
            let options = reloptions::merge(cmd, options_on(&c), &c.options, options)?;
            if let (Some(view), Some(_)) = (&c.view, super::view::check_of(&options)) {
                let query = crate::sql::bind::view_query(view, &*cx.backend()?.catalog.clone(), &cx.fx.io)?;
                super::view::refuse_check(&query)?;
            }
            put_options(cx, oid, options)
        }
        Kind::ResetOptions(options) => {
            let c = class_of(cx, oid)?;
            let options = reloptions::reset(options_on(&c), &c.options, options)?;
            put_options(cx, oid, options)
        }
        Kind::Owner(role) => owner::set_relation_owner(cx, oid, role),
        Kind::ReplicaIdentity(identity) => declared::replica_identity(cx, oid, identity),
        Kind::EnableRowSecurity => change(cx, oid, |c| c.row_security = true),
        Kind::DisableRowSecurity => change(cx, oid, |c| c.row_security = false),
        Kind::ForceRowSecurity => change(cx, oid, |c| c.force_row_security = true),
        Kind::NoForceRowSecurity => change(cx, oid, |c| c.force_row_security = false),
        Kind::Of(typ) => typed::adopt(cmd, cx, oid, typ),
        Kind::NotOf => typed::release(cx, oid),
        Kind::Rule { mode, name } => super::rule::enable(cx, oid, *mode, name),
        _ => Err(Error::unsupported("this form of ALTER TABLE is not supported")),
    }
}

fn put_options(cx: &mut ExecContext, oid: Oid, options: Vec<String>) -> Result<()> {
    change(cx, oid, |c| {
        if let Some(view) = &mut c.view {
            view.check_option = super::view::check_of(&options);
        }
        c.options = options;
    })
}

fn options_on(c: &Class) -> reloptions::On {
    match c.kind {
        RelKind::Index => reloptions::On::Index(c.index.as_ref().map_or(IndexMethod::Btree, |i| i.method())),
        RelKind::View => reloptions::On::View,
        RelKind::Partitioned => reloptions::On::Partitioned,
        _ => reloptions::On::Table,
    }
}

// ---- columns ----

pub(super) fn has_rows(cx: &mut ExecContext, oid: Oid) -> Result<bool> {
    let rel = relation(cx, oid)?;
    let mut any = false;
    each_batch(cx, &rel, &mut |_, batch| {
        any |= batch.rows > 0;
        Ok(())
    })?;
    Ok(any)
}

/// Adds a column; what remains are its constraints. None: it was there, and that is fine.
pub fn add_column(
    cmd: &Command,
    cx: &mut ExecContext,
    oid: Oid,
    def: &ColumnDef,
    if_not_exists: bool,
) -> Result<Option<Vec<crate::sql::ast::Constraint>>> {
    let c = class_of(cx, oid)?;
    if !matches!(c.kind, RelKind::Table | RelKind::Composite | RelKind::Partitioned) {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a table", c.name));
    }
    if c.attributes.iter().any(|a| !a.dropped && a.name == def.name) {
        let text = format!("column \"{}\" of relation \"{}\" already exists", def.name, c.name);
        if if_not_exists {
            names::notice(cx, SqlState::DUPLICATE_COLUMN, format!("{text}, skipping"));
            return Ok(None);
        }
        return Err(Error::new(SqlState::DUPLICATE_COLUMN, text));
    }
    if c.attributes.len() >= 1600 {
        return Err(err!(TOO_MANY_COLUMNS, "tables can have at most 1600 columns"));
    }
    let attno = c.attributes.len() as i16 + 1;
    let mut new = column::read(cmd, cx, &c.name, def, attno)?;
    column::refuse_row_in_itself(cx, new.attribute.ty.oid, &c)?;
    let constraints = std::mem::take(&mut new.constraints);
    let place = (c.namespace, c.persistence);
    let generated = new.generated.take();
    let made = table::finish_columns(cmd, cx, (oid, &c.name), vec![new], place)?;
    let mut attributes = c.attributes.clone();
    attributes.extend(made);
    let n = attributes.len() - 1;
    if let Some(expr) = &generated {
        column::set_generated(cmd, cx, (oid, &c.name), &mut attributes, n, expr)?;
    }
    append_checked(cx, oid, attributes, n)?;
    Ok(Some(constraints))
}

/// Adds a column another table has.
pub fn add_made_column(cx: &mut ExecContext, oid: Oid, new: Attribute) -> Result<()> {
    let mut attributes = class_of(cx, oid)?.attributes;
    attributes.push(new);
    let n = attributes.len() - 1;
    append_checked(cx, oid, attributes, n)
}

fn append_checked(cx: &mut ExecContext, oid: Oid, attributes: Vec<Attribute>, n: usize) -> Result<()> {
    let (not_null, name) = (attributes[n].not_null, attributes[n].name.clone());
    append(cx, oid, attributes, n)?;
    if not_null {
        // Rows there are have the default, or NULL.
        change(cx, oid, |c| c.attributes[n].not_null = false)?;
        set_not_null(cx, oid, &[name])?;
    }
    Ok(())
}

/// Gives a relation one column more; rows there are get its value, remembered once if it is the same for all.
fn append(cx: &mut ExecContext, oid: Oid, mut attributes: Vec<Attribute>, n: usize) -> Result<()> {
    let c = class_of(cx, oid)?;
    let rel = columns_only(oid, &c.name, &attributes);
    let a = attributes[n].clone();
    let of_domain = match a.default {
        None => crate::sql::bind::Names::domain_default(&*cx.backend()?.catalog, a.ty.oid),
        Some(_) => None,
    };
    if a.default.is_none()
        && of_domain.is_none()
        && crate::types::domain_base(a.ty).oid != a.ty.oid
        && has_rows(cx, oid)?
    {
        // Rows there are get NULL, if the domain allows it.
        crate::types::io::null_in(a.ty.oid, &cx.fx.io)?;
    }
    if let (Some(text), true) = (a.default.as_ref().or(of_domain.as_ref()), c.node.is_valid()) {
        row_type::refuse_use(cx, &c)?;
        let clause = if a.generated != 0 { Clause::Generated } else { Clause::Default };
        let source = format!("SELECT {text}");
        let expr = stored_text::parse(text)?;
        let rel = (a.generated != 0).then_some(&rel);
        let mut bound = bind(cx, &source, &expr, rel, clause, Some((&a.name, a.ty)))?;
        crate::sql::bind::of_table(&mut bound, oid);
        if a.generated != 0 || volatility(&bound) == b'v' {
            if has_rows(cx, oid)? {
                let values = vec![(n, over_attributes(bound)?)];
                return rewrite(cx, oid, NewRows { attributes, values, persistence: c.persistence });
            }
        } else {
            let value = super::evaluate_bound(cx, bound)?;
            attributes[n].missing = Some(value).filter(|v| !matches!(v, Value::Null));
        }
    }
    let toast = toast_for(cx, &c, &attributes)?;
    change(cx, oid, |c| {
        c.attributes = attributes;
        c.toast = toast;
    })?;
    row_type::reshape(cx, oid, &c.attributes)
}

/// The relation for a table's large values, made if its columns have come to need one.
pub fn toast_for(cx: &mut ExecContext, c: &Class, columns: &[Attribute]) -> Result<Oid> {
    match !c.toast.is_valid() && c.node.is_valid() && declared::needs_toast(columns) {
        true => table::create_toast(cx, c),
        false => Ok(c.toast),
    }
}

pub fn drop_column(cx: &mut ExecContext, oid: Oid, name: &str, missing_ok: bool, behavior: DropBehavior) -> Result<()> {
    if crate::sql::bind::scope::system_attno(name).is_some() {
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot drop system column \"{name}\""));
    }
    let n = match position(cx, oid, name) {
        Ok(n) => n,
        Err(e) if missing_ok && e.sqlstate() == SqlState::UNDEFINED_COLUMN => {
            let text = format!("{}, skipping", e.message());
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            return Ok(());
        }
        Err(e) => return Err(e),
    };
    remove(cx, ObjectKey { class: class::RELATION, oid, sub: n as i32 + 1 }, behavior)
}

/// Drops a part with what depends on it; what that locks is locked already.
fn remove(cx: &mut ExecContext, part: ObjectKey, behavior: DropBehavior) -> Result<()> {
    cx.backend()?.txn.next_command();
    index::patiently(cx, |cx| drop::remove(cx, vec![part], behavior))?;
    cx.backend()?.txn.next_command();
    Ok(())
}

/// What depends on a relation, or on its rows as values.
pub fn dependents(cx: &mut ExecContext, oid: Oid) -> Result<Vec<(std::sync::Arc<crate::catalog::Record>, bool)>> {
    let row_type = class_of(cx, oid)?.row_type;
    let catalog = &cx.backend()?.catalog;
    let mut found = catalog.dependents(super::write::relation_key(oid));
    if row_type.is_valid() {
        let of_row = catalog.dependents(ObjectKey::new(class::TYPE, row_type)).into_iter();
        let known: Vec<ObjectKey> = found.iter().map(|(r, _)| r.object.key()).collect();
        found.extend(of_row.filter(|(r, _)| !known.contains(&r.object.key())));
    }
    Ok(found)
}

/// Generated columns that read a column.
pub fn using_generated(cx: &mut ExecContext, oid: Oid, attno: i16) -> Result<Vec<usize>> {
    let c = class_of(cx, oid)?;
    let rel = columns_only(oid, &c.name, &c.attributes);
    let mut found = Vec::new();
    for (n, a) in c.attributes.iter().enumerate() {
        if let (Some(text), false, true) = (&a.default, a.dropped, a.generated != 0) {
            let bound = index::bind_text(cx, text, &rel, Clause::Generated)?;
            if super::write::attributes_read(&bound).contains(&attno) {
                found.push(n);
            }
        }
    }
    Ok(found)
}

pub fn remove_column(cx: &mut ExecContext, oid: Oid, n: usize) -> Result<()> {
    let attno = n as i16 + 1;
    let before = class_of(cx, oid)?.attributes;
    let rel = relation(cx, oid)?;
    for (seq, _) in sequence::owned_by(cx, oid)?.into_iter().filter(|s| s.1 == attno) {
        remove_relation(cx, seq)?;
    }
    let table_columns = columns_only(oid, &rel.name, &rel.attributes);
    for i in &rel.indexes {
        let mut reads: Vec<i16> = i.columns.iter().map(|k| k.attno).collect();
        for text in i.columns.iter().filter_map(|k| k.expr.as_ref()).chain(&i.predicate) {
            let bound = index::bind_text(cx, text, &table_columns, Clause::IndexExpression)?;
            reads.extend(super::write::attributes_read(&bound));
        }
        if reads.contains(&attno) {
            remove_relation(cx, i.oid)?;
            change(cx, oid, |c| c.constraints.retain(|k| k.index != i.oid))?;
        }
    }
    super::write::delete(
        cx,
        crate::catalog::object::comment_key(ObjectKey { class: class::RELATION, oid, sub: i32::from(attno) }),
    )?;
    change(cx, oid, |c| {
        c.constraints.retain(|k| !k.columns.contains(&attno));
        let a = &mut c.attributes[n];
        a.dropped = true;
        a.name = format!("........pg.dropped.{attno}........");
        a.not_null = false;
        a.default = None;
        a.default_oid = Oid::INVALID;
        a.identity = 0;
        a.generated = 0;
        a.acl = None;
    })?;
    row_type::reshape(cx, oid, &before)
}

fn remove_relation(cx: &mut ExecContext, oid: Oid) -> Result<()> {
    cx.backend()?.txn.next_command();
    drop::remove_relation(cx, oid)?;
    cx.backend()?.txn.next_command();
    Ok(())
}

fn alter_type(
    cmd: &Command,
    cx: &mut ExecContext,
    oid: Oid,
    name: &str,
    (typ, collation): (&TypeName, Option<&crate::sql::ast::QualName>),
    using: Option<&Expr>,
) -> Result<()> {
    let n = position(cx, oid, name)?;
    let ty = super::write::usable_type(cx, &cmd.source, typ).map_err(super::write::unplaced)?;
    column::check_type(cx, name, ty)?;
    let collation = column::collation(cx, collation, ty, None)?;
    let c = class_of(cx, oid)?;
    let options = c.attributes[n].declared.options.clone();
    let dimensions = typ.array_bounds.len() as u16;
    let declared = crate::catalog::Declared { collation, options, dimensions, ..Default::default() };
    column::refuse_row_in_itself(cx, ty.oid, &c)?;
    row_type::refuse_use(cx, &c)?;
    if c.kind == RelKind::Composite {
        change(cx, oid, |c| (c.attributes[n].ty, c.attributes[n].declared) = (ty, declared))?;
        return row_type::reread_checks(cx, c.row_type);
    }
    if c.attributes[n].generated != 0 && using.is_some() {
        return Err(err!(INVALID_COLUMN_DEFINITION, "cannot specify USING when altering type of generated column")
            .detail(format!("Column \"{name}\" is a generated column.")));
    }
    let rel = columns_only(oid, &c.name, &c.attributes);
    let own = Expr::new(ExprKind::Column { parts: vec![name.to_string()], star: false }, crate::sql::ast::NOWHERE);
    let shown = crate::types::format_type(ty.oid, ty.typmod, &*cx.fx.io.hooks);
    let source = using.unwrap_or(&own);
    let bound = bind(cx, &cmd.source, source, Some(&rel), Clause::Transform, Some((name, ty))).map_err(|e| {
        if e.sqlstate() != SqlState::DATATYPE_MISMATCH {
            return e;
        }
        let quoted = crate::types::name::quote_identifier(name);
        match using {
            Some(_) => err!(
                DATATYPE_MISMATCH,
                "result of USING clause for column \"{name}\" cannot be cast automatically to type {shown}"
            )
            .hint("You might need to add an explicit cast."),
            None => err!(DATATYPE_MISMATCH, "column \"{name}\" cannot be cast automatically to type {shown}")
                .hint(format!("You might need to specify \"USING {quoted}::{shown}\".")),
        }
    })?;
    if let (Some(text), 0) = (&c.attributes[n].default, c.attributes[n].generated) {
        let expr = stored_text::parse(text)?;
        let kept = bind(cx, &format!("SELECT {text}"), &expr, None, Clause::Default, Some((name, ty)));
        kept.map_err(|_| {
            err!(DATATYPE_MISMATCH, "default for column \"{name}\" cannot be cast automatically to type {shown}")
        })?;
    }
    if let Some(view) = super::using_views::views_using(cx, oid, |c| c.attributes[n].dropped = true)?.first() {
        let view = class_of(cx, *view)?;
        let kind = if view.kind == RelKind::MatView { "materialized view" } else { "view" };
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot alter type of a column used by a view or rule")
            .detail(format!("rule _RETURN on {kind} {} depends on column \"{name}\"", view.name)));
    }
    if let Some(f) = super::function::reading(cx, oid, |c| c.attributes[n].dropped = true)?.first() {
        let f = super::drop::describe(cx, ObjectKey::new(class::PROC, *f))?;
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot alter type of a column used by a function or procedure")
            .detail(format!("{f} depends on column \"{name}\"")));
    }
    super::policy::refuse_new_type(cx, &c, n)?;
    if let Some((table, rule)) = super::rule_columns::using(cx, oid, n as i16 + 1)?.first() {
        let table = super::drop::describe(cx, super::write::relation_key(*table))?;
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot alter type of a column used by a view or rule")
            .detail(format!("rule {} on {table} depends on column \"{name}\"", rule.name)));
    }
    if let Some(by) = using_generated(cx, oid, n as i16 + 1)?.first() {
        let by = &c.attributes[*by].name;
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot alter type of a column used by a generated column")
            .detail(format!("Column \"{name}\" is used by generated column \"{by}\".")));
    }
    if c.attributes[n].identity != 0 {
        retype_identity(cmd, cx, oid, n, typ, ty)?;
    }
    super::retyped_texts::keep_types(cx, oid, n as i16 + 1)?;
    let c = class_of(cx, oid)?;
    let mut attributes = c.attributes.clone();
    (attributes[n].ty, attributes[n].declared) = (ty, declared);
    let same_bits = match &bound.kind {
        Bound::Var { attno, .. } => *attno == n as i16 + 1,
        Bound::Relabel(inner) => matches!(inner.kind, Bound::Var { attno, .. } if attno == n as i16 + 1),
        _ => false,
    };
    let rel = relation(cx, oid)?;
    for i in &rel.indexes {
        for k in i.columns[..i.key_columns].iter().filter(|k| k.attno == n as i16 + 1) {
            index::check_retyped(cx, i, k, ty)?;
        }
        change(cx, i.oid, |c| {
            if let Some(def) = &mut c.index {
                def.columns.iter_mut().filter(|k| k.attno == n as i16 + 1).for_each(|k| k.ty = ty);
                for (a, k) in c.attributes.iter_mut().zip(&def.columns) {
                    a.ty = k.ty;
                }
            }
        })?;
    }
    if c.kind == RelKind::Partitioned {
        change(cx, oid, |c| c.attributes = attributes)?;
        return Ok(());
    }
    if same_bits && attributes[n].missing.is_none() {
        let toast = toast_for(cx, &c, &attributes)?;
        change(cx, oid, |c| {
            c.attributes = attributes;
            c.toast = toast;
        })?;
        for i in &rel.indexes {
            index::rebuild(cx, oid, i.oid)?;
        }
    } else {
        let values = vec![(n, over_attributes(bound)?)];
        rewrite(cx, oid, NewRows { attributes, values, persistence: c.persistence })?;
    }
    forget_statistics(cx, oid, n as i16 + 1)?;
    reverify(cx, oid, n as i16 + 1)?;
    foreign::recheck(cx, oid, n as i16 + 1)
}

/// PostgreSQL 15, tablecmds.c, ATExecAlterColumnType: what ANALYZE found of values of the old type means nothing any more.
fn forget_statistics(cx: &mut ExecContext, oid: Oid, attno: i16) -> Result<()> {
    let backend = cx.backend()?;
    let Some(known) = backend.catalog.get(ObjectKey::new(class::STATISTIC, oid)) else { return Ok(()) };
    let mut stats = known.object.as_stats()?.clone();
    stats.columns.retain(|c| c.attno != attno);
    let of_it = |columns: &[i16]| columns.contains(&attno);
    stats.extended.retain(|e| {
        !e.distinct.iter().any(|(c, _)| of_it(c)) && !e.dependencies.iter().any(|(c, n, _)| of_it(c) || *n == attno)
    });
    let writer = backend.writer();
    backend.catalog.put(writer, Object::Stats(stats))
}

/// CHECKs over a column whose values changed.
fn reverify(cx: &mut ExecContext, oid: Oid, attno: i16) -> Result<()> {
    let c = class_of(cx, oid)?;
    let rel = columns_only(oid, &c.name, &c.attributes);
    for k in c.constraints.iter().filter(|k| k.columns.contains(&attno)) {
        if let Some(text) = &k.check {
            let bound = index::bind_text(cx, text, &rel, Clause::Check)?;
            verify_check(cx, oid, &k.name, bound)?;
        }
    }
    Ok(())
}

fn set_default(cmd: &Command, cx: &mut ExecContext, oid: Oid, name: &str, expr: Option<&Expr>) -> Result<()> {
    let n = position(cx, oid, name)?;
    let c = class_of(cx, oid)?;
    let mut a = c.attributes[n].clone();
    if a.identity != 0 {
        let e = err!(SYNTAX_ERROR, "column \"{name}\" of relation \"{}\" is an identity column", c.name);
        return Err(match expr {
            Some(_) => e,
            None => e.hint("Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead."),
        });
    }
    if a.generated != 0 {
        let e = err!(SYNTAX_ERROR, "column \"{name}\" of relation \"{}\" is a generated column", c.name);
        return Err(match expr {
            Some(_) => e,
            None => e.hint("Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead."),
        });
    }
    match expr {
        Some(expr) => column::set_default(cmd, cx, &mut a, expr).map_err(super::write::unplaced)?,
        None => {
            a.default = None;
            a.default_oid = Oid::INVALID;
        }
    }
    change(cx, oid, |c| c.attributes[n] = a)
}

fn drop_not_null(cx: &mut ExecContext, oid: Oid, name: &str) -> Result<()> {
    let n = position(cx, oid, name)?;
    let c = class_of(cx, oid)?;
    if c.attributes[n].identity != 0 {
        return Err(err!(SYNTAX_ERROR, "column \"{name}\" of relation \"{}\" is an identity column", c.name));
    }
    let attno = n as i16 + 1;
    if c.constraints.iter().any(|k| k.kind == ConstraintKind::PrimaryKey && k.columns.contains(&attno)) {
        return Err(err!(INVALID_TABLE_DEFINITION, "column \"{name}\" is in a primary key"));
    }
    // PostgreSQL 15, tablecmds.c, ATExecDropNotNull: no more may be asked of what tells rows apart.
    let rel = relation(cx, oid)?;
    for index in &rel.indexes {
        let identifies = class_of(cx, index.oid)?.index.as_ref().is_some_and(|d| d.replica_identity);
        if identifies && index.columns.iter().take(index.key_columns).any(|k| k.attno == attno) {
            return Err(err!(INVALID_TABLE_DEFINITION, "column \"{name}\" is in index used as replica identity"));
        }
    }
    change(cx, oid, |c| c.attributes[n].not_null = false)
}

fn drop_expression(cx: &mut ExecContext, oid: Oid, name: &str, missing_ok: bool) -> Result<()> {
    let n = position(cx, oid, name)?;
    let c = class_of(cx, oid)?;
    if c.attributes[n].generated == 0 {
        let text = format!("column \"{name}\" of relation \"{}\" is not a stored generated column", c.name);
        if missing_ok {
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
            return Ok(());
        }
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text));
    }
    change(cx, oid, |c| {
        c.attributes[n].generated = 0;
        c.attributes[n].default = None;
        c.attributes[n].default_oid = Oid::INVALID;
    })
}

// ---- identity ----

fn add_identity(
    cmd: &Command,
    cx: &mut ExecContext,
    oid: Oid,
    name: &str,
    always: bool,
    options: &[DefElem],
) -> Result<()> {
    let n = position(cx, oid, name)?;
    let c = class_of(cx, oid)?;
    let a = &c.attributes[n];
    let state = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
    check_identity_type(a.ty)?;
    if !a.not_null {
        let text = format!(
            "column \"{name}\" of relation \"{}\" must be declared NOT NULL before identity can be added",
            c.name
        );
        return Err(Error::new(state, text));
    }
    if a.identity != 0 {
        return Err(Error::new(
            state,
            format!("column \"{name}\" of relation \"{}\" is already an identity column", c.name),
        ));
    }
    if a.default.is_some() {
        return Err(Error::new(
            state,
            format!("column \"{name}\" of relation \"{}\" already has a default value", c.name),
        ));
    }
    let new = column::NewColumn {
        attribute: a.clone(),
        default: None,
        generated: None,
        serial: false,
        identity: Some((always, options.to_vec())),
        constraints: Vec::new(),
    };
    let made = table::finish_columns(cmd, cx, (oid, &c.name), vec![new], (c.namespace, c.persistence))?;
    change(cx, oid, |c| c.attributes[n] = made[0].clone())
}

fn not_identity(table: &str, name: &str) -> String {
    format!("column \"{name}\" of relation \"{table}\" is not an identity column")
}

fn set_identity(cmd: &Command, cx: &mut ExecContext, oid: Oid, name: &str, options: &[DefElem]) -> Result<()> {
    let n = position(cx, oid, name)?;
    let c = class_of(cx, oid)?;
    let seq = c.attributes[n].identity_sequence();
    let Some(seq) = seq else {
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, not_identity(&c.name, name)));
    };
    let mut rest = Vec::new();
    for o in options {
        match o.name.as_str() {
            "generated" => {
                let always = match &o.arg {
                    Some(DefArg::Bool(b)) => *b,
                    Some(DefArg::Str(s)) => s.starts_with('a'),
                    Some(DefArg::Int(n)) => *n == i32::from(b'a'),
                    _ => false,
                };
                change(cx, oid, |c| c.attributes[n].identity = if always { b'a' } else { b'd' })?;
            }
            _ => rest.push(o.clone()),
        }
    }
    if rest.is_empty() {
        return Ok(());
    }
    index::patiently(cx, |cx| sequence::alter_object(cmd, cx, seq, &rest))
}

fn check_identity_type(ty: crate::types::TypeRef) -> Result<()> {
    use crate::types::oid::{INT2, INT4, INT8};
    if [INT2, INT4, INT8].contains(&ty.oid) {
        return Ok(());
    }
    Err(err!(INVALID_PARAMETER_VALUE, "identity column type must be smallint, integer, or bigint"))
}

/// The sequence of an identity column has the column's type.
fn retype_identity(
    cmd: &Command,
    cx: &mut ExecContext,
    oid: Oid,
    n: usize,
    written: &TypeName,
    ty: crate::types::TypeRef,
) -> Result<()> {
    check_identity_type(ty)?;
    let Some(seq) = class_of(cx, oid)?.attributes[n].identity_sequence() else { return Ok(()) };
    let option = DefElem {
        namespace: None,
        name: "as".into(),
        arg: Some(DefArg::Type(Box::new(written.clone()))),
        action: Default::default(),
        pos: crate::sql::ast::NOWHERE,
    };
    index::patiently(cx, |cx| sequence::alter_object(cmd, cx, seq, std::slice::from_ref(&option)))
}

fn drop_identity(cx: &mut ExecContext, oid: Oid, name: &str, missing_ok: bool) -> Result<()> {
    let n = position(cx, oid, name)?;
    let c = class_of(cx, oid)?;
    if c.attributes[n].identity == 0 {
        let text = not_identity(&c.name, name);
        if missing_ok {
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
            return Ok(());
        }
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text));
    }
    let seq = c.attributes[n].identity_sequence();
    change(cx, oid, |c| {
        c.attributes[n].identity = 0;
        c.attributes[n].default = None;
    })?;
    match seq {
        Some(seq) => remove_relation(cx, seq),
        None => Ok(()),
    }
}

// ---- constraints ----

fn validate(cx: &mut ExecContext, oid: Oid, name: &str) -> Result<()> {
    let c = class_of(cx, oid)?;
    let Some(k) = c.constraints.iter().find(|k| k.name == name) else {
        // With the key its parts are as valid as that.
        if c.constraints.iter().flat_map(crate::catalog::Constraint::parts).any(|k| k.name == name) {
            return Ok(());
        }
        return Err(err!(UNDEFINED_OBJECT, "constraint \"{name}\" of relation \"{}\" does not exist", c.name));
    };
    if k.check.is_none() && k.foreign.is_none() {
        let what = format!("constraint \"{name}\" of relation \"{}\"", c.name);
        return Err(err!(WRONG_OBJECT_TYPE, "{what} is not a foreign key or check constraint"));
    }
    match (&k.check, k.validated) {
        (_, true) => return Ok(()),
        (Some(text), false) => {
            let rel = columns_only(oid, &c.name, &c.attributes);
            let bound = index::bind_text(cx, text, &rel, Clause::Check)?;
            verify_check(cx, oid, name, bound)?;
        }
        (None, false) => foreign::validate(cx, oid, k)?,
    }
    change(cx, oid, |c| c.constraints.iter_mut().filter(|k| k.name == name).for_each(|k| k.validated = true))
}

pub fn drop_constraint(
    cx: &mut ExecContext,
    oid: Oid,
    name: &str,
    missing_ok: bool,
    behavior: DropBehavior,
) -> Result<()> {
    let c = class_of(cx, oid)?;
    let Some(k) = c.constraints.iter().find(|k| k.name == name).cloned() else {
        let text = format!("constraint \"{name}\" of relation \"{}\" does not exist", c.name);
        if missing_ok {
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
            return Ok(());
        }
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, text));
    };
    if let Some(referred) = k.foreign.as_ref().map(|f| f.relation).filter(|r| *r != oid) {
        // Its triggers go, too.
        let name = class_of(cx, referred)?.name;
        names::check_not_in_use(cx, (referred, &name), "ALTER TABLE")?;
    }
    remove(cx, ObjectKey::new(class::CONSTRAINT, k.oid), behavior)
}

fn cluster_on(cx: &mut ExecContext, oid: Oid, name: Option<&str>) -> Result<()> {
    let rel = relation(cx, oid)?;
    let index = match name {
        Some(name) => {
            let index = cluster::find_index(cx, &rel, name)?;
            cluster::check_index(&index)?;
            Some(index.oid)
        }
        None => None,
    };
    cluster::mark(cx, &rel, index)
}

fn set_persistence(cx: &mut ExecContext, oid: Oid, persistence: Persistence) -> Result<()> {
    let c = class_of(cx, oid)?;
    if c.persistence == persistence {
        return Ok(());
    }
    if c.persistence == Persistence::Temp {
        return Err(err!(
            INVALID_TABLE_DEFINITION,
            "cannot change logged status of table \"{}\" because it is temporary",
            c.name
        ));
    }
    // PostgreSQL 15, tablecmds.c, ATRewriteTables: same; a sequence's row is not a table's.
    if c.kind == RelKind::Sequence {
        return super::sequence::set_persistence(cx, oid, persistence);
    }
    refuse_mixed(cx, &c, persistence)?;
    for (seq, _) in super::sequence::owned_by(cx, oid)? {
        super::sequence::set_persistence(cx, seq, persistence)?;
    }
    rewrite(cx, oid, NewRows { attributes: c.attributes, values: Vec::new(), persistence })
}

/// What is logged refers to nothing that a crash empties.
///
/// # Errors
/// 42P16.
fn refuse_mixed(cx: &mut ExecContext, c: &Class, persistence: Persistence) -> Result<()> {
    let text = |own: &str, verb: &str, other: &str, name: &str| {
        let table = &c.name;
        err!(
            INVALID_TABLE_DEFINITION,
            "could not change table \"{table}\" to {own} because it {verb} {other} table \"{name}\""
        )
    };
    if persistence == Persistence::Permanent {
        for to in c.constraints.iter().filter_map(|k| k.foreign.as_ref()).filter(|f| f.relation != c.oid) {
            let to = class_of(cx, to.relation)?;
            if to.persistence != Persistence::Permanent {
                return Err(text("logged", "references", "unlogged", &to.name));
            }
        }
        return Ok(());
    }
    for (from, _) in super::foreign::referencing(cx, c.oid)? {
        let from = class_of(cx, from)?;
        if from.persistence == Persistence::Permanent {
            return Err(text("unlogged", "references", "logged", &from.name));
        }
    }
    Ok(())
}
