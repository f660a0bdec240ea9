//! Columns as CREATE TABLE and ALTER TABLE define them.

use super::declared;
use super::write::{attributes_read, bind, columns_only, new_oid, usable_type};
use super::{Command, stored_text};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::Attribute;
use crate::catalog::object::Class;
use crate::err;
use crate::sql::ast::{ColumnDef, Constraint, ConstraintKind, DefElem, Expr as Ast, QualName};
use crate::sql::bind::scope::{Clause, system_attno};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, volatility};
use crate::types::range::{range_of, subtype};
use crate::types::{TypeRef, element_type, oid};
use std::sync::Arc;

/// A column as defined, its expressions not yet looked at.
pub struct NewColumn {
    pub attribute: Attribute,
    pub default: Option<Ast>,
    pub generated: Option<Ast>,
    /// `serial`: the type of its sequence.
    pub serial: bool,
    /// (always, options)
    pub identity: Option<(bool, Vec<DefElem>)>,
    /// CHECK, UNIQUE, PRIMARY KEY, REFERENCES.
    pub constraints: Vec<Constraint>,
}

fn serial_type(name: &[String]) -> Option<Oid> {
    match name {
        [one] => match one.as_str() {
            "smallserial" | "serial2" => Some(oid::INT2),
            "serial" | "serial4" => Some(oid::INT4),
            "bigserial" | "serial8" => Some(oid::INT8),
            _ => None,
        },
        _ => None,
    }
}

/// # Errors
/// 42704 for a collation that does not exist.
pub fn check_collation(cx: &mut ExecContext, collation: Option<&QualName>) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    collation.map_or(Ok(()), |name| super::collation::named_oid(&catalog, name).map(drop))
}

/// The OID of a collation named for a type; invalid where none is, or the database's own.
///
/// # Errors
/// As [`check_collation`]; 42804 for types without an order of text.
pub fn collation(cx: &mut ExecContext, named: Option<&QualName>, ty: TypeRef, at: Option<u32>) -> Result<Oid> {
    let Some(name) = named else { return Ok(Oid::INVALID) };
    check_collation(cx, named).map_err(|e| e.at(at))?;
    if !collatable(ty.oid) {
        let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
        return Err(err!(DATATYPE_MISMATCH, "collations are not supported by type {shown}").at(at));
    }
    let found = super::collation::named_oid(&cx.backend()?.catalog.clone(), name)?;
    Ok(if found == crate::catalog::object::fixed::DEFAULT_COLLATION { Oid::INVALID } else { found })
}

/// # Errors
/// 42804 `argument of CHECK must be type boolean, not type integer`.
pub fn check_boolean(cx: &ExecContext, e: &Expr, clause: &str, at: Option<u32>) -> Result<()> {
    if e.ty.oid == oid::BOOL {
        return Ok(());
    }
    let shown = crate::types::format_type_plain(e.ty.oid, &*cx.fx.io.hooks);
    Err(err!(DATATYPE_MISMATCH, "argument of {clause} must be type boolean, not type {shown}").at(at))
}

/// # Errors
/// 42701 for system columns' names, 42P16 for pseudo-types.
pub fn check_column(cx: &ExecContext, name: &str, ty: TypeRef) -> Result<()> {
    if system_attno(name).is_some() {
        return Err(err!(DUPLICATE_COLUMN, "column name \"{name}\" conflicts with a system column name"));
    }
    check_type(cx, name, ty)
}

/// # Errors
/// 42P16 for pseudo-types.
pub fn check_type(cx: &ExecContext, name: &str, ty: TypeRef) -> Result<()> {
    if crate::types::info(ty.oid).is_some_and(|i| i.kind == b'p') {
        let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
        return Err(err!(INVALID_TABLE_DEFINITION, "column \"{name}\" has pseudo-type {shown}"));
    }
    Ok(())
}

/// A column of a relation may not be made of the relation's own rows. PostgreSQL 15, heap.c, CheckAttributeType: same
/// walk through domains, rows, arrays and ranges.
///
/// # Errors
/// 42P16.
pub fn refuse_row_in_itself(cx: &ExecContext, ty: Oid, class: &Class) -> Result<()> {
    if class.row_type.is_valid() { made_of(cx, ty, &mut vec![class.row_type]) } else { Ok(()) }
}

fn made_of(cx: &ExecContext, ty: Oid, rows: &mut Vec<Oid>) -> Result<()> {
    if rows.contains(&ty) {
        let shown = crate::types::format_type_plain(ty, &*cx.fx.io.hooks);
        return Err(err!(INVALID_TABLE_DEFINITION, "composite type {shown} cannot be made a member of itself"));
    }
    let base = crate::types::base_type(ty);
    if base != ty {
        return made_of(cx, base, rows);
    }
    if let Some(part) = element_type(ty).or_else(|| range_of(ty)).or_else(|| subtype(ty)) {
        return made_of(cx, part, rows);
    }
    if crate::types::info(ty).is_some_and(|i| i.kind == b'c') {
        rows.push(ty);
        for field in cx.fx.io.hooks.composite(ty).unwrap_or_default() {
            made_of(cx, field.typ.oid, rows)?;
        }
        rows.pop();
    }
    Ok(())
}

/// A column a partition says more about than its parent does.
pub fn of_partition(
    cmd: &Command,
    cx: &mut ExecContext,
    (table, parent): (&str, &crate::catalog::Relation),
    def: &ColumnDef,
    attno: i16,
) -> Result<NewColumn> {
    let Some(a) = parent.attribute(&def.name) else {
        return Err(err!(UNDEFINED_COLUMN, "column \"{}\" does not exist", def.name));
    };
    if def.constraints.iter().any(Constraint::is_identity) {
        return Err(Error::unsupported("identity columns are not supported on partitions"));
    }
    read_as(cmd, cx, table, def, attno, (a.ty, None))
}

/// What is said of a column whose type is given elsewhere.
pub fn read_typed(
    cmd: &Command,
    cx: &mut ExecContext,
    table: &str,
    def: &ColumnDef,
    attno: i16,
    ty: TypeRef,
) -> Result<NewColumn> {
    read_as(cmd, cx, table, def, attno, (ty, None))
}

/// Reads a definition (PostgreSQL 15, parse_utilcmd.c, transformColumnDefinition: same checks).
pub fn read(cmd: &Command, cx: &mut ExecContext, table: &str, def: &ColumnDef, attno: i16) -> Result<NewColumn> {
    let Some(typ) = &def.typ else { return Err(Error::internal("a column without a type")) };
    let serial = if typ.setof || typ.pct_type { None } else { serial_type(&typ.names) };
    if serial.is_some() && !typ.array_bounds.is_empty() {
        return Err(Error::unsupported("array of serial is not implemented").at(cmd.at(typ.pos)));
    }
    let ty = match serial {
        Some(ty) => {
            if !typ.typmods.is_empty() {
                let shown = crate::types::format_type(ty, -1, &*cx.fx.io.hooks);
                let e = err!(SYNTAX_ERROR, "type modifier is not allowed for type \"{shown}\"");
                return Err(e.at(cmd.at(typ.pos)));
            }
            TypeRef::of(ty)
        }
        None => usable_type(cx, &cmd.source, typ)?,
    };
    if typ.setof {
        return Err(err!(INVALID_TABLE_DEFINITION, "column \"{}\" cannot be declared SETOF", def.name));
    }
    read_as(cmd, cx, table, def, attno, (ty, serial))
}

/// Reads what is said of a column whose type is known.
fn read_as(
    cmd: &Command,
    cx: &mut ExecContext,
    table: &str,
    def: &ColumnDef,
    attno: i16,
    (ty, serial): (TypeRef, Option<Oid>),
) -> Result<NewColumn> {
    let at = def.collation.as_ref().and_then(|c| cmd.at(c.pos));
    let mut attribute = super::write::attribute(&def.name, attno, ty);
    attribute.declared.collation = collation(cx, def.collation.as_ref(), ty, at)?;
    attribute.declared.dimensions = def.typ.as_ref().map_or(0, |t| t.array_bounds.len() as u16);
    if let Some(storage) = &def.storage {
        attribute.declared.storage = declared::storage(cx, ty, storage)?;
    }
    if let Some(method) = &def.compression {
        attribute.declared.compression = declared::compression(cx, ty, method)?;
    }
    attribute.not_null = serial.is_some();
    let mut out = NewColumn {
        attribute,
        default: None,
        generated: None,
        serial: serial.is_some(),
        identity: None,
        constraints: Vec::new(),
    };
    let mut declared_null = None;
    for c in &def.constraints {
        // What a serial column clashes with comes before what it is made of, which stands nowhere.
        let at = if serial.is_some() { None } else { cmd.at(c.pos) };
        let clash = |what: &str| {
            Err(err!(SYNTAX_ERROR, "{what} specified for column \"{}\" of table \"{table}\"", def.name).at(at))
        };
        match &c.kind {
            ConstraintKind::Null | ConstraintKind::NotNull => {
                let not_null = c.kind == ConstraintKind::NotNull;
                let before = declared_null.or(serial.map(|_| true));
                if before.is_some_and(|b| b != not_null) {
                    return Err(err!(
                        SYNTAX_ERROR,
                        "conflicting NULL/NOT NULL declarations for column \"{}\" of table \"{table}\"",
                        def.name
                    )
                    .at(at));
                }
                declared_null = Some(not_null);
                out.attribute.not_null = not_null;
            }
            ConstraintKind::Default(e) => {
                if out.default.is_some() || out.serial {
                    return clash("multiple default values");
                }
                out.default = Some(e.clone());
            }
            ConstraintKind::Generated(e) => {
                if out.generated.is_some() {
                    return clash("multiple generation clauses");
                }
                out.generated = Some(e.clone());
            }
            ConstraintKind::Identity { always, options } => {
                if out.identity.is_some() {
                    let name = &def.name;
                    let text = format!("multiple identity specifications for column \"{name}\" of table \"{table}\"");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, text).at(at));
                }
                if declared_null == Some(false) {
                    return Err(err!(
                        SYNTAX_ERROR,
                        "conflicting NULL/NOT NULL declarations for column \"{}\" of table \"{table}\"",
                        def.name
                    )
                    .at(at));
                }
                out.identity = Some((*always, options.clone()));
                out.attribute.not_null = true;
                declared_null = Some(true);
            }
            ConstraintKind::Check(_)
            | ConstraintKind::Unique(_)
            | ConstraintKind::PrimaryKey(_)
            | ConstraintKind::ForeignKey(_)
            | ConstraintKind::Exclude(_) => out.constraints.push(c.clone()),
        }
        let has_default = out.default.is_some() || out.serial;
        if has_default && out.identity.is_some() {
            return clash("both default and identity");
        }
        if has_default && out.generated.is_some() {
            return clash("both default and generation expression");
        }
        if out.identity.is_some() && out.generated.is_some() {
            return clash("both identity and generation expression");
        }
    }
    check_column(cx, &def.name, ty)?;
    Ok(out)
}

fn collatable(ty: Oid) -> bool {
    let plain = crate::types::element_type(ty).unwrap_or(ty);
    crate::types::info(plain).is_none_or(|i| i.collation.is_valid())
}

/// Checks a DEFAULT, and returns it as text.
pub fn default_text(
    cmd: &Command,
    cx: &mut ExecContext,
    expr: &Ast,
    attribute: &Attribute,
) -> Result<Option<Arc<str>>> {
    let bound = bind(cx, &cmd.source, expr, None, Clause::Default, Some((&attribute.name, attribute.ty)))?;
    // DEFAULT NULL is no default.
    if matches!(bound.kind, crate::sql::expr::ExprKind::Const(crate::types::Value::Null)) {
        return Ok(None);
    }
    stored_text::text_of(cx, expr, Some(attribute.ty)).map(Some)
}

/// Sets a column's default.
pub fn set_default(cmd: &Command, cx: &mut ExecContext, attribute: &mut Attribute, expr: &Ast) -> Result<()> {
    attribute.default = default_text(cmd, cx, expr, attribute)?;
    attribute.default_oid = if attribute.default.is_some() { new_oid(cx)? } else { Oid::INVALID };
    Ok(())
}

/// Checks a generation expression over the table's columns, and sets it.
pub fn set_generated(
    cmd: &Command,
    cx: &mut ExecContext,
    table: (Oid, &str),
    attributes: &mut [Attribute],
    n: usize,
    expr: &Ast,
) -> Result<()> {
    let rel = columns_only(table.0, table.1, attributes);
    let target = Some((attributes[n].name.as_str(), attributes[n].ty));
    let bound = bind(cx, &cmd.source, expr, Some(&rel), Clause::Generated, target)?;
    for attno in attributes_read(&bound) {
        let read = attributes.get((attno as usize).wrapping_sub(1));
        if attno as usize == n + 1 || read.is_some_and(|a| a.generated != 0) {
            let name = read.map(|a| a.name.clone()).unwrap_or_default();
            return Err(err!(
                INVALID_OBJECT_DEFINITION,
                "cannot use generated column \"{name}\" in column generation expression"
            )
            .detail("A generated column cannot reference another generated column.")
            .at(cmd.at(expr.start())));
        }
    }
    if volatility(&bound) != b'i' {
        return Err(err!(INVALID_OBJECT_DEFINITION, "generation expression is not immutable"));
    }
    attributes[n].default = Some(stored_text::text_of(cx, expr, None)?);
    attributes[n].default_oid = new_oid(cx)?;
    attributes[n].generated = b's';
    Ok(())
}
