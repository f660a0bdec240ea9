//! Typed tables: CREATE TABLE … OF, ALTER TABLE … OF and NOT OF, and what is not done to them alone.

use super::column::{self, NewColumn};
use super::write::{change, class_of, resolve_type_unplaced};
use super::{Command, inherit};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::{Class, Depend, UserTypeKind, class};
use crate::catalog::{Attribute, ObjectKey};
use crate::err;
use crate::sql::ast::{AlterTableKind as Kind, ColumnDef, Constraint, DropBehavior, TableElement, TypeName};
use crate::sql::exec::ExecContext;

/// The composite type a table is made of: its OID and its relation.
fn composite(cmd: &Command, cx: &mut ExecContext, typ: &TypeName) -> Result<(Oid, Class)> {
    let ty = resolve_type_unplaced(cx, &cmd.source, typ)?;
    let kind = cx.backend()?.catalog.user_type(ty.oid).map(|t| t.kind);
    match kind {
        Some(UserTypeKind::Composite { class }) => Ok((ty.oid, class_of(cx, class)?)),
        _ => {
            let shown = crate::types::format_type(ty.oid, -1, &*cx.fx.io.hooks);
            Err(err!(WRONG_OBJECT_TYPE, "type {shown} is not a composite type"))
        }
    }
}

fn visible(c: &Class) -> impl Iterator<Item = &Attribute> {
    c.attributes.iter().filter(|a| !a.dropped)
}

/// The columns of a new table of a type, with what the statement says more of them.
pub fn columns(
    cmd: &Command,
    cx: &mut ExecContext,
    (table, typ): (&str, &TypeName),
    elements: &[TableElement],
) -> Result<(Oid, Vec<NewColumn>)> {
    let (oid, of) = composite(cmd, cx, typ)?;
    let said: Vec<&ColumnDef> = elements
        .iter()
        .filter_map(|e| match e {
            TableElement::Column(def) => Some(def),
            _ => None,
        })
        .collect();
    for (n, def) in said.iter().enumerate() {
        if !visible(&of).any(|a| a.name == def.name) {
            return Err(err!(UNDEFINED_COLUMN, "column \"{}\" does not exist", def.name));
        }
        if said[..n].iter().any(|o| o.name == def.name) {
            return Err(err!(DUPLICATE_COLUMN, "column \"{}\" specified more than once", def.name));
        }
    }
    super::write::check_usable(cx, oid)?;
    let mut out = Vec::new();
    for (n, a) in visible(&of).enumerate() {
        let plain = ColumnDef::plain(&a.name);
        let def = said.iter().find(|d| d.name == a.name).map_or(&plain, |d| *d);
        if def.constraints.iter().any(Constraint::is_identity) {
            return Err(Error::unsupported("identity columns are not supported on typed tables"));
        }
        let mut made = column::read_typed(cmd, cx, table, def, n as i16 + 1, a.ty)?;
        made.attribute.declared.collation = a.declared.collation;
        out.push(made);
    }
    Ok((oid, out))
}

/// The table is one of a type from now on.
pub fn bind(cx: &mut ExecContext, table: Oid, of_type: Oid) -> Result<()> {
    change(cx, table, |c| {
        c.of_type = of_type;
        c.depends.push(Depend { on: ObjectKey::new(class::TYPE, of_type), auto: false });
    })
}

/// ALTER TABLE … NOT OF.
pub fn release(cx: &mut ExecContext, table: Oid) -> Result<()> {
    let c = class_of(cx, table)?;
    if !c.of_type.is_valid() {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a typed table", c.name));
    }
    change(cx, table, |c| {
        let on = ObjectKey::new(class::TYPE, std::mem::take(&mut c.of_type));
        c.depends.retain(|d| d.on != on);
    })
}

/// ALTER TABLE … OF: the columns must be those of the type. PostgreSQL 15, tablecmds.c, ATExecAddOf.
pub fn adopt(cmd: &Command, cx: &mut ExecContext, table: Oid, typ: &TypeName) -> Result<()> {
    let (oid, of) = composite(cmd, cx, typ)?;
    let c = class_of(cx, table)?;
    if !c.lineage.parents.is_empty() {
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "typed tables cannot inherit"));
    }
    let mut own = visible(&c);
    for a in visible(&of) {
        let Some(t) = own.next() else {
            return Err(err!(DATATYPE_MISMATCH, "table is missing column \"{}\"", a.name));
        };
        if t.name != a.name {
            return Err(err!(DATATYPE_MISMATCH, "table has column \"{}\" where type requires \"{}\"", t.name, a.name));
        }
        if t.ty != a.ty || t.declared.collation != a.declared.collation {
            return Err(err!(DATATYPE_MISMATCH, "table \"{}\" has different type for column \"{}\"", c.name, a.name));
        }
    }
    if let Some(t) = own.next() {
        return Err(err!(DATATYPE_MISMATCH, "table has extra column \"{}\"", t.name));
    }
    if c.of_type.is_valid() {
        release(cx, table)?;
    }
    bind(cx, table, oid)
}

/// # Errors
/// 42809 for what only the type can be changed in.
pub fn refuse(c: &Class, kind: &Kind) -> Result<()> {
    if !c.of_type.is_valid() {
        return Ok(());
    }
    let text = match kind {
        Kind::AddColumn { .. } => "cannot add column to typed table",
        Kind::DropColumn { .. } => "cannot drop column from typed table",
        Kind::AlterType { .. } => "cannot alter column type of typed table",
        Kind::Inherit(_) | Kind::NoInherit(_) => "cannot change inheritance of typed table",
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text))
}

fn behavior(kind: &Kind) -> DropBehavior {
    match kind {
        Kind::AddColumn { behavior, .. } | Kind::DropColumn { behavior, .. } | Kind::AlterType { behavior, .. } => {
            *behavior
        }
        _ => DropBehavior::Restrict,
    }
}

/// What a change of a composite type does to the tables of the type.
///
/// # Errors
/// 2BP01 without CASCADE.
pub fn follow(cmd: &Command, cx: &mut ExecContext, of: &Class, kind: &Kind) -> Result<()> {
    let tables = tables_of(cx, of.row_type)?;
    if tables.is_empty() {
        return Ok(());
    }
    if behavior(kind) != DropBehavior::Cascade {
        return Err(is_used(of));
    }
    tables.into_iter().try_for_each(|t| inherit::alter(cmd, cx, t, true, kind))
}

pub fn is_used(of: &Class) -> Error {
    let text = format!("cannot alter type \"{}\" because it is the type of a typed table", of.name);
    Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text)
        .hint("Use ALTER ... CASCADE to alter the typed tables too.")
}

/// The tables of a type.
pub fn tables_of(cx: &mut ExecContext, of_type: Oid) -> Result<Vec<Oid>> {
    let all = cx.backend()?.catalog.mentioning(class::RELATION, of_type);
    let of = |c: &&Class| c.of_type == of_type && of_type.is_valid();
    Ok(all.iter().filter_map(|r| r.object.as_class().ok()).filter(of).map(|c| c.oid).collect())
}
