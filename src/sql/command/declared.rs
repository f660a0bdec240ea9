//! What columns and tables are declared with and the server only remembers: storage, compression, options, replica
//! identity.

use super::alter_table::position;
use super::constraint::relation;
use super::write::{change, class_of};
use crate::base::{Oid, Result};
use crate::catalog::{Attribute, ConstraintKind, Declared, Relation};
use crate::err;
use crate::sql::ast::{DefElem, ReplicaIdentity};
use crate::sql::exec::ExecContext;
use crate::types::{self, TypeRef, oid};

fn shown(cx: &ExecContext, ty: TypeRef) -> String {
    types::format_type_plain(ty.oid, &*cx.fx.io.hooks)
}

/// Whether values of a type can be kept outside of their row.
fn is_toastable(ty: TypeRef) -> bool {
    types::info(types::base_type(ty.oid)).is_none_or(|i| i.storage != b'p')
}

/// The most bytes a value of a type may take; None: there is no limit (PostgreSQL 15, format_type.c, type_maximum_size).
fn most_bytes(ty: TypeRef) -> Option<i32> {
    let known = types::info(ty.oid)?;
    if known.len > 0 {
        return Some(known.len.into());
    }
    let m = ty.typmod;
    if m < 0 {
        return None;
    }
    match ty.oid {
        // Four bytes a character, as in UTF8.
        oid::BPCHAR | oid::VARCHAR => Some((m - 4) * 4 + 4),
        oid::BIT | oid::VARBIT => Some((m + 7) / 8 + 8),
        oid::NUMERIC => {
            let (precision, scale) = ((m - 4) >> 16 & 0xffff, (m - 4) & 0x7ff);
            let digits = if precision > scale.max(0) { (precision + 6) / 4 } else { (scale + 3) / 4 + 1 };
            Some(8 + digits * 2)
        }
        _ => None,
    }
}

/// Whether rows of these columns may become so large that values must be kept outside of them (PostgreSQL 15,
/// heapam_handler.c, heapam_relation_needs_toast_table: same rule).
pub fn needs_toast(columns: &[Attribute]) -> bool {
    const ROW_HEAD: i32 = 23;
    const THRESHOLD: i32 = 2032;
    let eight = |n: i32| (n + 7) & !7;
    let (mut bytes, mut toastable, mut unlimited) = (0, false, false);
    for a in columns.iter().filter(|a| !a.dropped) {
        let storage = storage_of(a.ty, &a.declared);
        toastable |= storage != b'p';
        match most_bytes(a.ty) {
            Some(n) => bytes += n,
            None => unlimited |= storage != b'p',
        }
    }
    let nulls = (columns.len() as i32 + 7) / 8;
    toastable && (unlimited || eight(ROW_HEAD + nulls) + eight(bytes) > THRESHOLD)
}

/// The storage strategy a column has.
pub fn storage_of(ty: TypeRef, declared: &Declared) -> u8 {
    match declared.storage {
        0 => types::info(types::base_type(ty.oid)).map_or(b'x', |i| i.storage),
        letter => letter,
    }
}

/// The letter of a storage strategy.
///
/// # Errors
/// 22023 for none, 0A000 where the type has only plain storage.
pub fn storage(cx: &ExecContext, ty: TypeRef, name: &str) -> Result<u8> {
    let letter = match name.to_ascii_lowercase().as_str() {
        "plain" => b'p',
        "external" => b'e',
        "extended" => b'x',
        "main" => b'm',
        _ => return Err(err!(INVALID_PARAMETER_VALUE, "invalid storage type \"{name}\"")),
    };
    if letter != b'p' && !is_toastable(ty) {
        return Err(err!(FEATURE_NOT_SUPPORTED, "column data type {} can only have storage PLAIN", shown(cx, ty)));
    }
    Ok(letter)
}

/// The letter of a compression method, 0 for the default.
///
/// # Errors
/// 22023 for none, 0A000 where nothing can be compressed.
pub fn compression(cx: &ExecContext, ty: TypeRef, name: &str) -> Result<u8> {
    if name == "default" {
        return Ok(0);
    }
    if !is_toastable(ty) {
        return Err(err!(FEATURE_NOT_SUPPORTED, "column data type {} does not support compression", shown(cx, ty)));
    }
    match name {
        "pglz" => Ok(b'p'),
        "lz4" => Ok(b'l'),
        _ => Err(err!(INVALID_PARAMETER_VALUE, "invalid compression method \"{name}\"")),
    }
}

pub fn set_storage(cx: &mut ExecContext, table: Oid, column: &str, name: &str) -> Result<()> {
    let n = position(cx, table, column)?;
    let ty = class_of(cx, table)?.attributes[n].ty;
    let letter = storage(cx, ty, name)?;
    change(cx, table, |c| c.attributes.iter_mut().skip(n).take(1).for_each(|a| a.declared.storage = letter))?;
    let now = class_of(cx, table)?;
    let toast = super::alter_table::toast_for(cx, &now, &now.attributes)?;
    change(cx, table, |c| c.toast = toast)
}

pub fn set_compression(cx: &mut ExecContext, table: Oid, column: &str, name: &str) -> Result<()> {
    let n = position(cx, table, column)?;
    let ty = class_of(cx, table)?.attributes[n].ty;
    let letter = compression(cx, ty, name)?;
    change(cx, table, |c| c.attributes.iter_mut().skip(n).take(1).for_each(|a| a.declared.compression = letter))
}

fn check_option(name: &str, value: &str) -> Result<()> {
    if !matches!(name, "n_distinct" | "n_distinct_inherited") {
        return Err(err!(INVALID_PARAMETER_VALUE, "unrecognized parameter \"{name}\""));
    }
    let number: f64 = value
        .parse()
        .map_err(|_| err!(INVALID_PARAMETER_VALUE, "invalid value for floating point option \"{name}\": {value}"))?;
    if number.is_nan() || number < -1.0 {
        let most = format!("{:.6}", f64::MAX);
        return Err(err!(INVALID_PARAMETER_VALUE, "value {value} out of bounds for option \"{name}\"")
            .detail(format!("Valid values are between \"-1.000000\" and \"{most}\".")));
    }
    Ok(())
}

/// ALTER COLUMN … SET (…) and RESET (…).
pub fn set_options(cx: &mut ExecContext, table: Oid, column: &str, options: &[DefElem], reset: bool) -> Result<()> {
    let n = position(cx, table, column)?;
    let mut now = class_of(cx, table)?.attributes[n].declared.options.clone();
    for o in options {
        let value = o.string().unwrap_or_default();
        if !reset {
            check_option(&o.name, &value)?;
        }
        now.retain(|old| old.split('=').next() != Some(o.name.as_str()));
        if !reset {
            now.push(format!("{}={value}", o.name));
        }
    }
    change(cx, table, |c| c.attributes.iter_mut().skip(n).take(1).for_each(|a| a.declared.options.clone_from(&now)))
}

/// The index that REPLICA IDENTITY USING INDEX names (PostgreSQL 15, tablecmds.c, ATExecReplicaIdentity: same checks).
fn identity_index(cx: &mut ExecContext, rel: &Relation, name: &str) -> Result<Oid> {
    let index = super::cluster::find_index(cx, rel, name)?;
    if !index.unique {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot use non-unique index \"{name}\" as replica identity"));
    }
    if rel.constraints.iter().any(|k| k.oid == index.constraint && k.deferrable && k.kind != ConstraintKind::Check) {
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot use non-immediate index \"{name}\" as replica identity"));
    }
    if index.columns.iter().any(|k| k.expr.is_some()) {
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot use expression index \"{name}\" as replica identity"));
    }
    if index.predicate.is_some() {
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot use partial index \"{name}\" as replica identity"));
    }
    for key in &index.columns[..index.key_columns.min(index.columns.len())] {
        let column = rel.attributes.iter().find(|a| a.attno == key.attno);
        if let Some(a) = column.filter(|a| !a.not_null) {
            return Err(err!(
                WRONG_OBJECT_TYPE,
                "index \"{name}\" cannot be used as replica identity because column \"{}\" is nullable",
                a.name
            ));
        }
    }
    Ok(index.oid)
}

pub fn replica_identity(cx: &mut ExecContext, table: Oid, identity: &ReplicaIdentity) -> Result<()> {
    let rel = relation(cx, table)?;
    let (letter, chosen) = match identity {
        ReplicaIdentity::Nothing => ('n', None),
        ReplicaIdentity::Full => ('f', None),
        ReplicaIdentity::Default => ('d', None),
        ReplicaIdentity::Index(name) => ('i', Some(identity_index(cx, &rel, name)?)),
    };
    for index in &rel.indexes {
        let on = chosen == Some(index.oid);
        change(cx, index.oid, |c| c.index.iter_mut().for_each(|d| d.replica_identity = on))?;
    }
    change(cx, table, |c| c.replica_identity = Some(letter))
}
