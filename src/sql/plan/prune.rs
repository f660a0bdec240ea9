//! Partitions a scan leaves out: those no row of which fulfils its conditions. What only the execution knows (parameters,
//! values of outer rows, stable functions) is looked at again by the Append ([`Pruning`]).

use super::IndexOp;
use super::path::PathKey;
use super::relset::rels_of;
use super::scan::{match_condition, with_rel};
use super::tree::{attribute_map, to_child};
use crate::base::{Error, Result};
use crate::catalog::Relation;
use crate::sql::bind::Names;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::partition::{Operand, Routing, Test, routing};
use crate::types::{IoContext, Value};
use std::sync::Arc;

/// A partitioned table whose partitions are looked at when the scan starts.
#[derive(Clone)]
pub struct Pruning {
    pub routing: Arc<Routing>,
    pub test: Test,
    /// By the partitions' places.
    pub children: Vec<Child>,
}

#[derive(Clone)]
pub enum Child {
    /// Left out by the plan.
    Gone,
    /// An input of the Append.
    Input(usize),
    Below(Box<Pruning>),
}

impl std::fmt::Debug for Pruning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pruning").field("test", &self.test).finish_non_exhaustive()
    }
}

impl Pruning {
    pub fn for_each_expr<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        self.test.for_each_expr(f);
        for c in &self.children {
            if let Child::Below(p) = c {
                p.for_each_expr(f);
            }
        }
    }

    pub fn for_each_expr_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.test.for_each_expr_mut(f);
        for c in &mut self.children {
            if let Child::Below(p) = c {
                p.for_each_expr_mut(f);
            }
        }
    }
}

/// Conditions over relation `rel` as far as they say something about a partition key.
fn test_of(quals: &[Expr], keys: &[Expr], rel: usize) -> Test {
    Test::All(quals.iter().map(|q| one(q, keys, rel)).collect())
}

fn one(q: &Expr, keys: &[Expr], rel: usize) -> Test {
    match &q.kind {
        ExprKind::And(parts) => return Test::All(parts.iter().map(|p| one(p, keys, rel)).collect()),
        ExprKind::Or(parts) => return Test::Any(parts.iter().map(|p| one(p, keys, rel)).collect()),
        _ => {}
    }
    for (n, key) in keys.iter().enumerate() {
        let Some((op, value)) = match_condition(q, key, rel) else { continue };
        let operand = match op {
            IndexOp::Eq => Operand::Eq(value),
            IndexOp::Lt => Operand::Lt(value),
            IndexOp::Le => Operand::Le(value),
            IndexOp::Gt => Operand::Gt(value),
            IndexOp::Ge => Operand::Ge(value),
            IndexOp::EqAny => Operand::EqAny(value),
            IndexOp::IsNull => Operand::IsNull,
            IndexOp::IsNotNull => Operand::NotNull,
        };
        return Test::Column(n, operand);
    }
    Test::Unknown
}

fn constant(e: &Expr) -> Result<Option<Value>> {
    Ok(match &e.kind {
        ExprKind::Const(v) => Some(v.clone()),
        _ => None,
    })
}

struct Level {
    routing: Arc<Routing>,
    test: Test,
}

fn level(names: &dyn Names, io: &IoContext, table: &Arc<Relation>, quals: &[Expr], rel: usize) -> Result<Level> {
    let routing = routing(table, names, io)?;
    let keys: Vec<Expr> = routing.exprs.iter().map(|e| with_rel(e, rel)).collect();
    Ok(Level { test: test_of(quals, &keys, rel), routing })
}

fn child_of(names: &dyn Names, table: &Relation, level: &Level, n: usize) -> Result<Arc<Relation>> {
    let oid = level.routing.children[n];
    names.relation(oid).ok_or_else(|| Error::internal(format!("partition {oid} of \"{}\" is gone", table.name)))
}

/// How a tree is divided into tables; what is left out is not there.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// One of the tables with rows, by its number.
    Table(usize),
    /// `order`: that of the partitions, ascending, over the whole tree's attributes; none if they have no order.
    Parted { table: Arc<Relation>, order: Vec<PathKey>, parts: Vec<Shape> },
}

/// The order that partitions come in, where their bounds allow one. PostgreSQL 15, partprune.c, partitions_are_ordered,
/// and pathkeys.c, build_partition_pathkeys.
fn order(level: &Level, stay: &[bool], rel: usize, own: &[i16]) -> Vec<PathKey> {
    if !level.routing.is_ordered(stay) {
        return Vec::new();
    }
    let columns = &level.routing.key.columns;
    let alike = level.routing.exprs.iter().zip(columns).all(|(e, c)| e.ty.collation == c.ty.collation);
    let key = |e: &Expr| {
        let mut expr = with_rel(e, rel);
        expr.rewrite(&mut |x| {
            if let ExprKind::Var { attno, levels_up: 0, .. } = &mut x.kind {
                *attno = own.iter().position(|a| a == attno).map_or(0, |n| n as i16 + 1);
            }
        });
        PathKey { expr, desc: false, nulls_first: false }
    };
    if alike { level.routing.exprs.iter().map(key).collect() } else { Vec::new() }
}

/// The tables with rows below a partitioned table that its conditions leave, in the order of their bounds; `inner` gets
/// the partitioned ones between. `own`: the table's numbers of the root's attributes.
pub(super) fn expand(
    names: &dyn Names,
    io: &IoContext,
    (table, own): (&Arc<Relation>, &[i16]),
    quals: &[Expr],
    rel: usize,
    (found, inner): (&mut Vec<Arc<Relation>>, &mut Vec<Arc<Relation>>),
) -> Result<Shape> {
    let level = level(names, io, table, quals, rel)?;
    let stay = level.routing.survivors(&level.test, &mut constant)?;
    let mut parts = Vec::new();
    for n in (0..stay.len()).filter(|n| stay[*n]) {
        let child = child_of(names, table, &level, n)?;
        if !child.is_partitioned() {
            parts.push(Shape::Table(found.len()));
            found.push(child);
            continue;
        }
        inner.push(child.clone());
        let map = attribute_map(table, &child)?;
        let quals = possible(&level, quals, rel, n)?;
        let quals: Vec<Expr> = quals.iter().map(|q| to_child(q, rel, &map)).collect();
        let own: Vec<i16> = own.iter().map(|a| super::tree::mapped(&map, *a)).collect();
        parts.push(expand(names, io, (&child, &own), &quals, rel, (found, inner))?);
    }
    Ok(Shape::Parted { table: table.clone(), order: order(&level, &stay, rel, own), parts })
}

/// Conditions for one partition: ways of an OR that lead to others are left out.
fn possible(level: &Level, quals: &[Expr], rel: usize, child: usize) -> Result<Vec<Expr>> {
    let keys: Vec<Expr> = level.routing.exprs.iter().map(|e| with_rel(e, rel)).collect();
    let mut out = Vec::with_capacity(quals.len());
    for q in quals {
        let mut q = q.clone();
        if let ExprKind::Or(ways) = &mut q.kind {
            let mut kept = Vec::new();
            for way in ways.drain(..) {
                let test = test_of(std::slice::from_ref(&way), &keys, rel);
                if level.routing.survivors(&test, &mut constant)?[child] {
                    kept.push(way);
                }
            }
            match kept.len() {
                1 => q = kept.remove(0),
                _ => *ways = kept,
            }
        }
        out.push(q);
    }
    Ok(out)
}

/// What is left to be looked at when the scan runs; None: nothing.
pub(super) fn at_run_time(
    names: &dyn Names,
    io: &IoContext,
    table: &Arc<Relation>,
    quals: &[Expr],
    rel: usize,
    inputs: &[Arc<Relation>],
) -> Result<Option<Pruning>> {
    let made = pruning(names, io, table, quals, rel, inputs)?;
    let mut open = false;
    made.for_each_expr(&mut |e| open |= !matches!(e.kind, ExprKind::Const(_)));
    Ok(open.then_some(made))
}

fn pruning(
    names: &dyn Names,
    io: &IoContext,
    table: &Arc<Relation>,
    quals: &[Expr],
    rel: usize,
    inputs: &[Arc<Relation>],
) -> Result<Pruning> {
    let level = level(names, io, table, quals, rel)?;
    let mut children = Vec::with_capacity(level.routing.children.len());
    for (n, oid) in level.routing.children.iter().enumerate() {
        if let Some(at) = inputs.iter().position(|r| r.oid == *oid) {
            children.push(Child::Input(at));
            continue;
        }
        let child = child_of(names, table, &level, n)?;
        if !child.is_partitioned() {
            children.push(Child::Gone);
            continue;
        }
        let map = attribute_map(table, &child)?;
        let quals: Vec<Expr> = quals.iter().map(|q| to_child(q, rel, &map)).collect();
        children.push(Child::Below(Box::new(pruning(names, io, &child, &quals, rel, inputs)?)));
    }
    Ok(Pruning { routing: level.routing, test: level.test, children })
}

/// Join conditions that compare the relation with the outer ones whose values its scan gets.
pub(super) fn join_quals(clauses: &[super::jointree::Clause], rel: usize, outer: super::relset::RelSet) -> Vec<Expr> {
    let me = super::relset::RelSet::one(rel);
    let fits = |c: &&super::jointree::Clause| rels_of(&c.expr).minus(me).within(outer);
    clauses.iter().filter(fits).map(|c| c.expr.clone()).collect()
}
