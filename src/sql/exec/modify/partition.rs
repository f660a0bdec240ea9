//! Which partition new rows belong to: [`Fit`] asks whether they may stay in a given one, [`Router`] finds theirs.

use super::Modify;
use super::verify::{self, Shown};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::Relation;
use crate::lock::LockMode;
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::transition::Capture;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::partition::{Routing, routing, text};
use crate::sql::plan::tree::{attribute_map, mapped};
use crate::sql::plan::{self, OnConflict, RowCheck};
use crate::types::{Batch, Column, Datum};
use hashbrown::HashMap;
use std::sync::Arc;

/// A key's expressions over a table's attributes as columns of its rows; `map`: from the key's own table.
fn key_of(routing: &Routing, map: Option<&[i16]>) -> Projection {
    let column = |e: &Expr| {
        let mut e = e.clone();
        e.rewrite(&mut |x| {
            if let ExprKind::Var { attno, .. } = x.kind {
                let attno = map.map_or(attno, |m| mapped(m, attno));
                x.kind = ExprKind::Column((attno as usize).saturating_sub(1));
            }
        });
        e
    };
    Projection::new(&routing.exprs.iter().map(column).collect::<Vec<_>>())
}

pub(super) fn relation(cx: &mut ExecContext, oid: Oid) -> Result<Arc<Relation>> {
    cx.backend()?.catalog.relation(oid)?.ok_or_else(|| Error::internal(format!("relation {oid} is gone")))
}

fn routing_of(cx: &mut ExecContext, rel: &Arc<Relation>) -> Result<Arc<Routing>> {
    let catalog = cx.backend()?.catalog.clone();
    routing(rel, &*catalog, &cx.fx.io)
}

/// The bounds of a partition and of all partitions above it.
pub(in crate::sql) struct Fit {
    levels: Vec<FitLevel>,
}

struct FitLevel {
    routing: Arc<Routing>,
    key: Projection,
    child: usize,
}

impl Fit {
    /// None: the table is no partition.
    pub fn of(cx: &mut ExecContext, rel: &Arc<Relation>) -> Result<Option<Fit>> {
        let mut levels = Vec::new();
        let mut below = rel.clone();
        while below.is_partition() {
            let Some(parent) = below.lineage.parents.first() else { break };
            let mut parent = relation(cx, *parent)?;
            let mut routing = routing_of(cx, &parent)?;
            if !routing.children.contains(&below.oid) {
                // It is being detached, perhaps since it was looked up: its bounds hold until it is out.
                parent = cx.backend()?.catalog.with_detaching(parent)?;
                routing = routing_of(cx, &parent)?;
            }
            let child = routing.children.iter().position(|c| *c == below.oid);
            let child = child.ok_or_else(|| Error::internal("a partition is unknown to its parent"))?;
            let map = attribute_map(&parent, rel)?;
            levels.push(FitLevel { key: key_of(&routing, Some(&map)), routing, child });
            below = parent;
        }
        Ok((!levels.is_empty()).then_some(Fit { levels }))
    }

    /// For each row whether it belongs here. To be repeated with the same batch after a `Stop`.
    pub fn test(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<Vec<bool>> {
        let mut fits = vec![true; batch.rows];
        for level in &mut self.levels {
            let columns = level.key.run(cx, batch, Sel::All(batch.rows))?;
            for (row, fits) in fits.iter_mut().enumerate().filter(|(_, f)| **f) {
                let values: Vec<Datum<'_>> = columns.iter().map(|c| c.get(row)).collect();
                *fits = level.routing.find(&values)? == Some(level.child);
            }
        }
        Ok(fits)
    }

    /// # Errors
    /// 23514 for the first row that does not belong here.
    pub(super) fn enforce(&mut self, cx: &mut ExecContext, rel: &Relation, shown: &Shown, batch: &Batch) -> Flow<()> {
        match self.test(cx, batch)?.iter().position(|f| !f) {
            Some(row) => Err(verify::partition(cx, rel, shown, batch, row).into()),
            None => Ok(()),
        }
    }
}

/// Brings rows that come through a partitioned table into its partitions.
pub(super) struct Router {
    pub root: Arc<Relation>,
    fit: Option<Fit>,
    /// As in [`plan::Modify`].
    assigned: Arc<[i16]>,
    levels: HashMap<Oid, Level>,
    leaves: Vec<Leaf>,
    on_conflict: Option<OnConflict>,
    /// Conditions of the root's rows.
    row_checks: Vec<RowCheck>,
    /// RETURNING looks at the rows.
    wanted: bool,
    /// The rows come from other partitions.
    arriving: bool,
    /// Some partition's triggers look at single rows.
    alone: bool,
}

struct Level {
    rel: Arc<Relation>,
    routing: Arc<Routing>,
    key: Projection,
}

/// What one partition gets of a batch.
pub(super) struct Share {
    pub leaf: usize,
    pub batch: Batch,
    /// Which rows of the batch they are.
    pub rows: Vec<u32>,
}

/// A partition rows were found to belong to.
pub(super) struct Leaf {
    oid: Oid,
    pub map: Vec<i16>,
    pub modify: Modify,
}

impl Router {
    pub fn new(
        cx: &mut ExecContext,
        of: &plan::Modify,
        on_conflict: Option<OnConflict>,
        row_checks: Vec<RowCheck>,
        wanted: bool,
    ) -> Result<Router> {
        let fit = Fit::of(cx, &of.rel)?;
        Ok(Router {
            root: of.rel.clone(),
            fit,
            assigned: of.assigned.clone(),
            levels: HashMap::new(),
            leaves: Vec::new(),
            on_conflict,
            row_checks,
            wanted,
            arriving: false,
            alone: false,
        })
    }

    /// The rows it brings are new only to their partitions.
    pub fn of_moved(self) -> Router {
        Router { arriving: true, ..self }
    }

    pub fn leaf(&mut self, n: usize) -> &mut Leaf {
        &mut self.leaves[n]
    }

    /// The rows of a batch of the root's attributes by partition, with their columns as the partition has them. To be
    /// repeated with the same batch after a `Stop`.
    pub fn split(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<Vec<Share>> {
        if let Some(fit) = &mut self.fit {
            let shown = Shown { named: self.root.clone(), map: None, assigned: self.assigned.clone() };
            fit.enforce(cx, &self.root, &shown, batch)?;
        }
        let mut out: Vec<(usize, Vec<u32>)> = Vec::new();
        let root = self.root.oid;
        self.descend(cx, root, batch, (0..batch.rows as u32).collect(), &mut out)?;
        // In the order in which the rows came: RETURNING and triggers show it.
        if self.wanted || self.alone {
            out = runs(out, batch.rows);
        }
        Ok(out.into_iter().map(|(leaf, rows)| Share { leaf, batch: self.as_in(leaf, batch, &rows), rows }).collect())
    }

    fn as_in(&self, n: usize, batch: &Batch, rows: &[u32]) -> Batch {
        let leaf = &self.leaves[n];
        let all = rows.len() == batch.rows;
        let take = |c: &Column| if all { c.clone() } else { c.gather_rows(rows) };
        let target = &leaf.modify.target;
        let empty = |attr| target.empty_column(attr, rows.len());
        let columns = arranged(&leaf.map, target.forms.len(), |n| take(&batch.columns[n]), empty);
        Batch { columns, rows: rows.len() }
    }

    fn descend(
        &mut self,
        cx: &mut ExecContext,
        table: Oid,
        batch: &Batch,
        rows: Vec<u32>,
        out: &mut Vec<(usize, Vec<u32>)>,
    ) -> Flow<()> {
        self.know(cx, table)?;
        let Some(level) = self.levels.get_mut(&table) else { return Ok(()) };
        // The key reads columns by the root's places.
        let columns = level.key.run(cx, batch, Sel::Rows(&rows))?;
        let mut parts: Vec<Vec<u32>> = vec![Vec::new(); level.routing.children.len()];
        for (n, row) in rows.iter().enumerate() {
            let values: Vec<Datum<'_>> = columns.iter().map(|c| c.get(n)).collect();
            match level.routing.find(&values)? {
                Some(child) => parts[child].push(*row),
                None => return Err(no_partition(cx, level, &values).input_row(*row as usize).into()),
            }
        }
        let children = level.routing.children.clone();
        for (child, rows) in children.into_iter().zip(parts).filter(|(_, rows)| !rows.is_empty()) {
            if self.levels.contains_key(&child) || relation(cx, child)?.is_partitioned() {
                self.descend(cx, child, batch, rows, out)?;
            } else {
                out.push((self.leaf_of(cx, child)?, rows));
            }
        }
        Ok(())
    }

    fn know(&mut self, cx: &mut ExecContext, table: Oid) -> Flow<()> {
        if self.levels.contains_key(&table) {
            return Ok(());
        }
        if table != self.root.oid {
            cx.backend()?.txn.lock_relation(table, LockMode::RowExclusive)?;
        }
        let rel = if table == self.root.oid { self.root.clone() } else { relation(cx, table)? };
        let routing = routing_of(cx, &rel)?;
        let map = attribute_map(&self.root, &rel)?;
        let mut back = vec![0i16; rel.attributes.len()];
        for (n, own) in map.iter().enumerate().filter(|(_, own)| **own > 0) {
            back[*own as usize - 1] = n as i16 + 1;
        }
        let key = key_of(&routing, Some(&back));
        self.levels.insert(table, Level { rel, routing, key });
        Ok(())
    }

    fn leaf_of(&mut self, cx: &mut ExecContext, oid: Oid) -> Flow<usize> {
        if let Some(n) = self.leaves.iter().position(|l| l.oid == oid) {
            return Ok(n);
        }
        cx.backend()?.txn.lock_relation(oid, LockMode::RowExclusive)?;
        let rel = relation(cx, oid)?;
        let map = attribute_map(&self.root, &rel)?;
        let catalog = cx.backend()?.catalog.clone();
        let settings = plan::PlannerSettings::of(&cx.backend()?.view);
        let context = plan::PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params: &[] };
        let mut part = plan::routed_insert(&self.root, rel, self.on_conflict.as_ref(), &self.row_checks, &context)?;
        (part.named, part.assigned) = (Some(self.root.clone()), self.assigned.clone());
        let mut modify = Modify::of_leaf(&part, self.wanted, cx)?;
        let capture = Capture::of_part(&self.root, &part.rel)?;
        modify.target.capture = if self.arriving { capture.map(Capture::arriving) } else { capture };
        self.alone |= modify.alone();
        self.leaves.push(Leaf { oid, map, modify });
        Ok(self.leaves.len() - 1)
    }
}

/// Rows that come after one another stay together.
fn runs(parts: Vec<(usize, Vec<u32>)>, rows: usize) -> Vec<(usize, Vec<u32>)> {
    let mut leaf_of = vec![0; rows];
    parts.iter().for_each(|(n, rows)| rows.iter().for_each(|r| leaf_of[*r as usize] = *n));
    let mut out: Vec<(usize, Vec<u32>)> = Vec::new();
    for (row, leaf) in leaf_of.into_iter().enumerate() {
        match out.last_mut() {
            Some((n, rows)) if *n == leaf => rows.push(row as u32),
            _ => out.push((leaf, vec![row as u32])),
        }
    }
    out
}

/// Columns in a partition's order; `map`: its attribute numbers of the root's attributes.
fn arranged(map: &[i16], width: usize, take: impl Fn(usize) -> Column, empty: impl Fn(usize) -> Column) -> Vec<Column> {
    let mut from = vec![None; width];
    for (n, own) in map.iter().enumerate().filter(|(_, own)| **own > 0) {
        from[*own as usize - 1] = Some(n);
    }
    from.into_iter().enumerate().map(|(attr, n)| n.map_or_else(|| empty(attr), &take)).collect()
}

/// A partition's rows with the root's attributes; what stands behind the attributes stays. `map`: the partition's
/// attribute numbers of the root's attributes.
pub(super) fn as_root(map: &[i16], width: usize, root: &Relation, batch: &Batch) -> Batch {
    let one = |(n, a): (&i16, &crate::catalog::Attribute)| match *n {
        0 => {
            let mut c = Column::new(crate::sql::exec::phys_of(a.ty));
            (0..batch.rows).for_each(|_| c.push(Datum::Null));
            c
        }
        n => batch.columns[n as usize - 1].clone(),
    };
    let mut columns: Vec<Column> = map.iter().zip(&root.attributes).map(one).collect();
    columns.extend(batch.columns[width..].iter().cloned());
    Batch { columns, rows: batch.rows }
}

fn no_partition(cx: &mut ExecContext, level: &Level, values: &[Datum<'_>]) -> Error {
    let shown: Vec<String> =
        level.routing.types().iter().zip(values).map(|(ty, v)| verify::shown(cx, *ty, *v)).collect();
    let names = text::column_list(&level.routing.key, &level.rel.attributes);
    let text = format!("no partition of relation \"{}\" found for row", level.rel.name);
    let attnos: Vec<i16> = level.routing.key.columns.iter().map(|c| c.attno).collect();
    let hidden = cx.backend().is_ok_and(|b| crate::sql::exec::rights::hides_key(b, &level.rel, &attnos));
    let e = Error::new(SqlState::CHECK_VIOLATION, text);
    let e = match hidden {
        true => e,
        false => e.detail(format!("Partition key of the failing row contains {names} = ({}).", shown.join(", "))),
    };
    e.table(level.rel.schema.clone(), level.rel.name.clone()).place("ExecFindPartition", "execPartition.c", 333)
}
