//! PARTITION BY.

use super::super::write::{attributes_read, bind, columns_only};
use super::super::{Command, column, index, opclass, stored_text};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::IndexMethod;
use crate::catalog::object::Class;
use crate::catalog::{KeyColumn, PartitionKey, Relation, Strategy};
use crate::err;
use crate::sql::ast::{PartitionElem, PartitionSpec};
use crate::sql::bind::scope::{Clause, system_attno};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{ExprKind, volatility};
use crate::types::TypeRef;
use std::sync::Arc;

/// The key of a new table, whose columns are those of `rel`.
pub fn define(cmd: &Command, cx: &mut ExecContext, rel: &Arc<Relation>, spec: &PartitionSpec) -> Result<PartitionKey> {
    let strategy = match spec.strategy.as_str() {
        "list" => Strategy::List,
        "range" => Strategy::Range,
        "hash" => Strategy::Hash,
        other => return Err(err!(INVALID_PARAMETER_VALUE, "unrecognized partitioning strategy \"{other}\"")),
    };
    if strategy == Strategy::List && spec.params.len() > 1 {
        return Err(err!(
            INVALID_OBJECT_DEFINITION,
            "cannot use \"list\" partition strategy with more than one column"
        ));
    }
    if spec.params.len() > 32 {
        return Err(err!(TOO_MANY_COLUMNS, "cannot partition using more than 32 columns"));
    }
    let params = spec.params.iter().enumerate();
    let columns = params.map(|(n, p)| column(cmd, cx, rel, (n, p), strategy)).collect::<Result<_>>()?;
    Ok(PartitionKey { strategy, columns })
}

/// The attributes a table's key reads.
pub fn reads(cx: &mut ExecContext, c: &Class) -> Result<Vec<i16>> {
    let mut found = Vec::new();
    let rel = columns_only(c.oid, &c.name, &c.attributes);
    for k in c.lineage.key.iter().flat_map(|k| &k.columns) {
        match &k.expr {
            Some(text) => {
                let bound = index::bind_text(cx, text, &rel, Clause::Partition)?;
                found.extend(attributes_read(&bound));
            }
            None => found.push(k.attno),
        }
    }
    Ok(found)
}

fn column(
    cmd: &Command,
    cx: &mut ExecContext,
    rel: &Arc<Relation>,
    (position, p): (usize, &PartitionElem),
    strategy: Strategy,
) -> Result<KeyColumn> {
    let at = cmd.at(p.pos);
    let (attno, expr, ty) = match (&p.name, &p.expr) {
        (Some(name), _) => plain(rel, name).map_err(|e| e.at(at))?,
        (None, Some(written)) => {
            // PostgreSQL has no text at hand here: its messages have no position.
            let bound = bind(cx, "", written, Some(rel), Clause::Partition, None).map_err(|mut e| {
                e.0.position = None;
                e
            })?;
            match bound.kind {
                ExprKind::Var { attno, .. } if attno > 0 => (attno, None, bound.ty),
                _ => {
                    let read = attributes_read(&bound);
                    for n in &read {
                        refuse(rel, *n).map_err(|e| e.at(at))?;
                    }
                    if volatility(&bound) != b'i' {
                        let text = "functions in partition key expression must be marked IMMUTABLE";
                        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
                    }
                    if read.is_empty() {
                        let text = "cannot use constant expression as partition key";
                        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
                    }
                    if crate::types::info(bound.ty.oid).is_some_and(|i| i.kind == b'p') {
                        let shown = crate::types::format_type_plain(bound.ty.oid, &*cx.fx.io.hooks);
                        let n = position + 1;
                        return Err(err!(INVALID_TABLE_DEFINITION, "partition key column {n} has pseudo-type {shown}"));
                    }
                    (0, Some(stored_text::text_of(cx, written, None)?), bound.ty)
                }
            }
        }
        _ => return Err(Error::internal("a key column without name and expression")),
    };
    let named = column::collation(cx, p.collation.as_ref(), ty, None)?;
    let hash = strategy == Strategy::Hash;
    let method = if hash { IndexMethod::Hash } else { IndexMethod::Btree };
    let class = match &p.opclass {
        Some(named) => index::named_opclass(cx, named, ty, method)?.is_valid().then(|| named.joined()),
        None if !hash => {
            index::check_ordered(cx, ty).map_err(|e| e.hint(btree_hint()))?;
            None
        }
        None if !opclass::is_hashed(&cx.backend()?.catalog.clone(), ty.oid) => return Err(no_hash(cx, ty)),
        None => None,
    };
    let order = index::order_of(cx, &rel.attributes, (attno, ty), named, Oid::INVALID)?;
    if !crate::types::Collation::from_written(&order)?.is_deterministic() && (hash || class.is_some()) {
        let what = class.as_deref().map_or("hash partition keys".to_owned(), |c| format!("operator class \"{c}\""));
        return Err(Error::unsupported(format!("nondeterministic collations are not supported for {what}")));
    }
    let order = match class {
        None => order,
        Some(_) => String::new(),
    };
    Ok(KeyColumn {
        attno,
        expr,
        ty,
        order,
        opclass: class,
        collation: p.collation.as_ref().map(|c| crate::types::name::quote_identifier(c.name())),
    })
}

fn btree_hint() -> &'static str {
    "You must specify a btree operator class or define a default btree operator class for the data type."
}

fn no_hash(cx: &ExecContext, ty: TypeRef) -> Error {
    let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
    err!(UNDEFINED_OBJECT, "data type {shown} has no default operator class for access method \"hash\"")
        .hint("You must specify a hash operator class or define a default hash operator class for the data type.")
}

type Found = (i16, Option<Arc<str>>, TypeRef);

fn plain(rel: &Relation, name: &str) -> Result<Found> {
    let Some(a) = rel.attribute(name) else {
        if system_attno(name).is_some() {
            return Err(err!(INVALID_OBJECT_DEFINITION, "cannot use system column \"{name}\" in partition key"));
        }
        return Err(err!(UNDEFINED_COLUMN, "column \"{name}\" named in partition key does not exist"));
    };
    refuse(rel, a.attno)?;
    Ok((a.attno, None, a.ty))
}

fn refuse(rel: &Relation, attno: i16) -> Result<()> {
    match rel.attributes.get((attno as usize).wrapping_sub(1)) {
        Some(a) if attno > 0 && a.generated != 0 => {
            Err(err!(INVALID_OBJECT_DEFINITION, "cannot use generated column in partition key")
                .detail(format!("Column \"{}\" is a generated column.", a.name)))
        }
        Some(_) if attno > 0 => Ok(()),
        _ => Err(err!(INVALID_OBJECT_DEFINITION, "partition key expressions cannot contain system column references")),
    }
}
