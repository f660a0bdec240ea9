//! FOR VALUES and DEFAULT: read, and compared with the partitions there are.

use super::super::{Command, evaluate_in};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Bound, Edge, KeyColumn, PartitionKey, Relation, Strategy};
use crate::err;
use crate::sql::ast::{Expr, ExprKind, PartitionBound, Pos};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::ExecContext;
use crate::sql::partition::{Routing, edge_key, list_key, routing, text};
use crate::types::Value;
use std::sync::Arc;

/// The bound of a new partition of `parent`, called `name`.
pub fn read(
    cmd: &Command,
    cx: &mut ExecContext,
    parent: &Arc<Relation>,
    name: &str,
    written: &PartitionBound,
) -> Result<Bound> {
    let Some(key) = parent.lineage.key.clone() else {
        return Err(err!(INVALID_OBJECT_DEFINITION, "\"{}\" is not partitioned", parent.name));
    };
    let bound = one(cmd, cx, parent, &key, written)?;
    fits(cmd, cx, parent, name, &bound, written)?;
    Ok(bound)
}

fn place(written: &PartitionBound) -> Pos {
    match written {
        PartitionBound::Default(pos)
        | PartitionBound::In { pos, .. }
        | PartitionBound::Range { pos, .. }
        | PartitionBound::Hash { pos, .. } => *pos,
    }
}

fn one(
    cmd: &Command,
    cx: &mut ExecContext,
    parent: &Relation,
    key: &PartitionKey,
    written: &PartitionBound,
) -> Result<Bound> {
    let invalid = |text: String| Error::new(SqlState::INVALID_TABLE_DEFINITION, text);
    match (key.strategy, written) {
        (Strategy::Hash, PartitionBound::Default(_)) => {
            Err(invalid("a hash-partitioned table may not have a default partition".into()))
        }
        (_, PartitionBound::Default(_)) => Ok(Bound::Default),
        (Strategy::Hash, PartitionBound::Hash { modulus, remainder, .. }) => {
            if *modulus <= 0 {
                return Err(invalid("modulus for hash partition must be an integer value greater than zero".into()));
            }
            if *remainder < 0 {
                let text = "remainder for hash partition must be an integer value greater than or equal to zero";
                return Err(invalid(text.into()));
            }
            if remainder >= modulus {
                return Err(invalid("remainder for hash partition must be less than modulus".into()));
            }
            Ok(Bound::Hash { modulus: *modulus as u32, remainder: *remainder as u32 })
        }
        (Strategy::List, PartitionBound::In { values, .. }) => {
            let mut out: Vec<Value> = Vec::new();
            for e in values {
                let value = constant(cmd, cx, parent, &key.columns[0], e)?;
                let same = |v: &Value| match (v.is_null(), value.is_null()) {
                    (false, false) => list_key(key, v.datum()) == list_key(key, value.datum()),
                    (a, b) => a == b,
                };
                if !out.iter().any(same) {
                    out.push(value);
                }
            }
            Ok(Bound::List(out))
        }
        (Strategy::Range, PartitionBound::Range { lower, upper, .. }) => {
            if lower.len() != key.columns.len() {
                return Err(invalid("FROM must specify exactly one value per partitioning column".into()));
            }
            if upper.len() != key.columns.len() {
                return Err(invalid("TO must specify exactly one value per partitioning column".into()));
            }
            Ok(Bound::Range { from: edges(cmd, cx, parent, key, lower)?, to: edges(cmd, cx, parent, key, upper)? })
        }
        (strategy, _) => {
            let word = strategy.word().to_lowercase();
            Err(invalid(format!("invalid bound specification for a {word} partition")).at(cmd.at(place(written))))
        }
    }
}

fn edges(
    cmd: &Command,
    cx: &mut ExecContext,
    parent: &Relation,
    key: &PartitionKey,
    list: &[Expr],
) -> Result<Vec<Edge>> {
    let mut out: Vec<Edge> = Vec::new();
    for (e, column) in list.iter().zip(&key.columns) {
        let edge = match &e.kind {
            ExprKind::Column { parts, star: false } if parts.len() == 1 && parts[0] == "minvalue" => Edge::Min,
            ExprKind::Column { parts, star: false } if parts.len() == 1 && parts[0] == "maxvalue" => Edge::Max,
            _ => {
                let value = constant(cmd, cx, parent, column, e)?;
                if value.is_null() {
                    let text = "cannot specify NULL in range bound";
                    return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, text));
                }
                Edge::Value(value)
            }
        };
        let word = match out.last() {
            Some(Edge::Min) if edge != Edge::Min => "MINVALUE",
            Some(Edge::Max) if edge != Edge::Max => "MAXVALUE",
            _ => {
                out.push(edge);
                continue;
            }
        };
        let text = format!("every bound following {word} must also be {word}");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, text).at(cmd.at(e.start())));
    }
    Ok(out)
}

/// A bound's value in the key's type.
fn constant(cmd: &Command, cx: &mut ExecContext, parent: &Relation, column: &KeyColumn, e: &Expr) -> Result<Value> {
    let at = cmd.at(e.start());
    let source = cmd.source.clone();
    evaluate_in(cx, &source, e, Clause::PartitionBound, ("bound", column.ty)).map_err(|error| {
        let column_name = parent.attributes.get((column.attno as usize).wrapping_sub(1)).map(|a| a.name.clone());
        match error.sqlstate() {
            SqlState::DATATYPE_MISMATCH if !error.message().starts_with("collations") => {
                let shown = crate::types::format_type_plain(column.ty.oid, &*cx.fx.io.hooks);
                let name = column_name.or_else(|| column.expr.as_ref().map(|e| e.to_string())).unwrap_or_default();
                err!(DATATYPE_MISMATCH, "specified value cannot be cast to type {shown} for column \"{name}\"").at(at)
            }
            _ if error.0.position.is_some() => error,
            _ => error.at(at),
        }
    })
}

fn fits(
    cmd: &Command,
    cx: &mut ExecContext,
    parent: &Arc<Relation>,
    name: &str,
    bound: &Bound,
    written: &PartitionBound,
) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    // The place of a partition that is being detached is not free yet.
    let parent = &catalog.with_detaching(parent.clone())?;
    let routing = routing(parent, &*catalog, &cx.fx.io)?;
    let called =
        |cx: &mut ExecContext, oid: Oid| -> Result<String> { Ok(super::super::write::class_of(cx, oid)?.name) };
    let at = cmd.at(place(written));
    if let Bound::Range { from, to } = bound
        && edge_key(&routing.key, from) >= edge_key(&routing.key, to)
    {
        return Err(err!(INVALID_OBJECT_DEFINITION, "empty range bound specified for partition \"{name}\"")
            .detail(format!(
                "Specified lower bound {} is greater than or equal to upper bound {}.",
                text::edges(&routing.key, from, &cx.fx.io),
                text::edges(&routing.key, to, &cx.fx.io)
            ))
            .at(deciding(cmd, from, to, written)));
    }
    if let Bound::Hash { modulus, .. } = bound {
        moduli(cx, &routing.children, *modulus)?;
    }
    let Some(n) = routing.overlapping(bound) else { return Ok(()) };
    let other = called(cx, routing.children[n])?;
    Err(match bound {
        Bound::Range { from, to } => {
            err!(INVALID_OBJECT_DEFINITION, "partition \"{name}\" would overlap partition \"{other}\"")
                .at(overlapping_value(cmd, cx, &routing, (from, to), n, written)?)
        }
        Bound::Default => err!(
            INVALID_OBJECT_DEFINITION,
            "partition \"{name}\" conflicts with existing default partition \"{other}\""
        )
        .at(at),
        _ => err!(INVALID_OBJECT_DEFINITION, "partition \"{name}\" would overlap partition \"{other}\"")
            .at(first_value(cmd, written)),
    })
}

/// The lower value that makes a range empty.
fn deciding(cmd: &Command, from: &[Edge], to: &[Edge], written: &PartitionBound) -> Option<u32> {
    let PartitionBound::Range { lower, .. } = written else { return None };
    let n = from.iter().zip(to).position(|(a, b)| a != b).unwrap_or(lower.len().saturating_sub(1));
    lower.get(n).and_then(|e| cmd.at(e.start()))
}

/// The value that puts a range into partition `n` (PostgreSQL 15, check_new_partition_bound: same place).
fn overlapping_value(
    cmd: &Command,
    cx: &mut ExecContext,
    routing: &Routing,
    (from, to): (&[Edge], &[Edge]),
    n: usize,
    written: &PartitionBound,
) -> Result<Option<u32>> {
    let PartitionBound::Range { lower, upper, .. } = written else { return Ok(None) };
    let mut edges = Vec::new();
    for child in &routing.children {
        match super::super::write::class_of(cx, *child)?.lineage.bound.as_deref() {
            Some(Bound::Range { from, to }) => edges.push((from.clone(), to.clone())),
            _ => edges.push((Vec::new(), Vec::new())),
        }
    }
    let start = &edges[n].0;
    let differs = |edge: &[Edge]| edge.iter().zip(start).position(|(a, b)| a != b);
    let value = match edge_key(&routing.key, start) <= edge_key(&routing.key, from) {
        false => upper.get(differs(to).unwrap_or_default()),
        true => match differs(from) {
            Some(n) => lower.get(n),
            None if edges.iter().any(|(_, end)| end == start) => lower.last(),
            None => lower.first(),
        },
    };
    Ok(value.and_then(|e| cmd.at(e.start())))
}

fn first_value(cmd: &Command, written: &PartitionBound) -> Option<u32> {
    match written {
        PartitionBound::In { values, .. } => values.first().and_then(|e| cmd.at(e.start())),
        PartitionBound::Range { lower, .. } => lower.first().and_then(|e| cmd.at(e.start())),
        other => cmd.at(place(other)),
    }
}

/// Every modulus divides the next larger one.
fn moduli(cx: &mut ExecContext, children: &[Oid], new: u32) -> Result<()> {
    let mut known = Vec::new();
    for child in children {
        let c = super::super::write::class_of(cx, *child)?;
        if let Some(Bound::Hash { modulus, .. }) = c.lineage.bound.as_deref() {
            known.push((*modulus, c.name.clone()));
        }
    }
    known.sort();
    let error = |detail: String| {
        let text = "every hash partition modulus must be a factor of the next larger modulus";
        Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text).detail(detail))
    };
    if let Some((below, name)) = known.iter().rev().find(|(m, _)| *m <= new)
        && !new.is_multiple_of(*below)
    {
        return error(format!(
            "The new modulus {new} is not divisible by {below}, the modulus of existing partition \"{name}\"."
        ));
    }
    if let Some((above, name)) = known.iter().find(|(m, _)| *m > new)
        && !above.is_multiple_of(new)
    {
        return error(format!(
            "The new modulus {new} is not a factor of {above}, the modulus of existing partition \"{name}\"."
        ));
    }
    Ok(())
}
