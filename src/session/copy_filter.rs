//! COPY FROM … WHERE: which rows are inserted.
//!
//! The condition is over whole rows, defaults included, and asked before triggers and constraints see them (PostgreSQL
//! 15, copyfrom.c, CopyFrom: same order). So the part of the INSERT's plan that completes rows runs by itself, below a
//! filter, and the INSERT reads what is left.

use crate::base::{Error, Flow, Result, Stop};
use crate::catalog::Relation;
use crate::err;
use crate::sql::ast;
use crate::sql::bind::scope::{Clause, system_attno};
use crate::sql::bind::{BindContext, bind_condition};
use crate::sql::exec::{self, ExecContext, Node};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{Plan, PlanColumn, PlanNode, PlannedStatement};
use crate::types::{Batch, Column, Datum, TypeRef, Value, oid};
use std::sync::Arc;

/// The condition, over the relation's attributes as columns.
///
/// # Errors
/// The binder's; 42P10 for a generated column; 0A000 for system columns.
pub fn bind(cx: &mut ExecContext, source: &str, condition: &ast::Expr, rel: &Arc<Relation>) -> Result<Expr> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let mut bcx = BindContext { names: &*catalog, io: &io, text: source, params: Vec::new(), infer_params: false };
    let mut bound = bind_condition(&mut bcx, condition, rel, Clause::Copy)?;
    let mut refused = None;
    bound.rewrite(&mut |e| {
        let ExprKind::Var { attno, .. } = e.kind else { return };
        match usize::try_from(attno).ok().and_then(|n| n.checked_sub(1)) {
            Some(n) if rel.attributes[n].generated != 0 => refused = Some(generated(&rel.attributes[n].name)),
            Some(n) => e.kind = ExprKind::Column(n),
            None if Some(attno) == system_attno("tableoid") => e.kind = ExprKind::Const(Value::oid(rel.oid)),
            None => {
                refused = Some(Error::unsupported("system columns in COPY FROM WHERE conditions are not supported"))
            }
        }
    });
    refused.map_or(Ok(bound), Err)
}

fn generated(column: &str) -> Error {
    err!(INVALID_COLUMN_REFERENCE, "generated columns are not supported in COPY FROM WHERE conditions")
        .detail(format!("Column \"{column}\" is a generated column."))
}

/// What sifts the rows of a COPY.
pub struct Filter {
    /// Reads rows as they came, each with its number in the batch behind its columns; gives whole rows, and the number.
    plan: Arc<PlannedStatement>,
}

impl Filter {
    /// Takes the completing of rows out of an INSERT's plan whose rows come from work table 0.
    ///
    /// # Errors
    /// XX000 for a plan of another shape.
    pub fn split(insert: &mut PlannedStatement, condition: Expr) -> Result<Filter> {
        let PlanNode::Modify(modify) = &mut insert.plan.node else { return Err(odd()) };
        let columns = modify.input.columns.clone();
        let scan = PlanNode::WorkTableScan {
            work_table: 0,
            alias: String::new(),
            names: Vec::new(),
            filter: None,
            project: None,
        };
        let scan = Plan { node: scan, columns, cost: modify.input.cost, params: Vec::new() };
        let mut input = std::mem::replace(&mut modify.input, scan);
        number(&mut input)?;
        let (columns, cost) = (input.columns.clone(), input.cost);
        let node = PlanNode::Filter { input: Box::new(input), filter: condition };
        let plan = Plan { node, columns, cost, params: Vec::new() };
        Ok(Filter { plan: Arc::new(PlannedStatement { plan, ..insert.clone() }) })
    }

    pub fn sift(&self, batch: Batch) -> Sifting {
        Sifting { plan: self.plan.clone(), batch, node: None, sifted: None, search: None }
    }
}

fn odd() -> Error {
    Error::internal("COPY's INSERT has an odd plan")
}

/// Hands the last column of the work table on, up to the top.
fn number(at: &mut Plan) -> Result<()> {
    let ty = TypeRef::of(oid::INT8);
    match &mut at.node {
        PlanNode::Project { input, exprs } | PlanNode::Result { input: Some(input), exprs, .. } => {
            number(input)?;
            exprs.push(Expr::new(ExprKind::Column(input.columns.len() - 1), ty));
        }
        PlanNode::WorkTableScan { .. } => {}
        _ => return Err(odd()),
    }
    at.columns.push(PlanColumn { name: String::new(), ty });
    Ok(())
}

/// One batch on its way.
pub struct Sifting {
    plan: Arc<PlannedStatement>,
    batch: Batch,
    node: Option<Box<dyn Node>>,
    sifted: Option<Batch>,
    search: Option<Search>,
}

/// After an error.
struct Search {
    error: Error,
    row: usize,
    node: Option<Box<dyn Node>>,
}

impl Sifting {
    /// Goes on until all is sifted: the whole rows that are left, and which of the batch's they are.
    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<(Batch, Vec<usize>)> {
        if self.search.is_none() {
            match self.sift(cx) {
                Ok(()) => return Ok(self.take()),
                Err(Stop::Error(error)) => self.search = Some(Search { error, row: 0, node: None }),
                Err(stop) => return Err(stop),
            }
        }
        Err(self.located(cx)?.into())
    }

    fn sift(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.node.is_none() {
            self.node = Some(exec::start_plain(&self.plan, cx, None)?);
            cx.set_work_table(0, numbered(&self.batch, 0..self.batch.rows));
        }
        let Some(node) = &mut self.node else { return Ok(()) };
        while let Some(mut more) = node.next(cx)? {
            match &mut self.sifted {
                None => self.sifted = Some(more),
                Some(sifted) => {
                    sifted.columns.iter_mut().zip(&mut more.columns).for_each(|(to, from)| to.append(from));
                    sifted.rows += more.rows;
                }
            }
        }
        Ok(())
    }

    /// Goes through the batch row by row to name the one whose line is shown; an error that does not come again has none.
    fn located(&mut self, cx: &mut ExecContext) -> Flow<Error> {
        let Some(search) = &mut self.search else { return Err(odd().into()) };
        while search.row < self.batch.rows {
            let node = match &mut search.node {
                Some(node) => node,
                None => {
                    let node = exec::start_plain(&self.plan, cx, None)?;
                    cx.set_work_table(0, numbered(&self.batch, search.row..search.row + 1));
                    search.node.insert(node)
                }
            };
            match node.next(cx) {
                Ok(Some(_)) => {}
                Ok(None) => (search.row, search.node) = (search.row + 1, None),
                Err(Stop::Error(e)) => return Ok(e.input_row(search.row)),
                Err(stop) => return Err(stop),
            }
        }
        Ok(search.error.clone())
    }

    fn take(&mut self) -> (Batch, Vec<usize>) {
        let Some(mut sifted) = self.sifted.take() else { return (Batch::default(), Vec::new()) };
        let numbers = sifted.columns.pop();
        let number = |row| match numbers.as_ref().map(|c| c.get(row)) {
            Some(Datum::I64(n)) => n as usize,
            _ => row,
        };
        let kept = (0..sifted.rows).map(number).collect();
        (sifted, kept)
    }
}

/// These rows, and their numbers in the batch as the last column.
fn numbered(batch: &Batch, rows: std::ops::Range<usize>) -> Batch {
    let mut columns: Vec<Column> = batch.columns.iter().map(|c| c.slice(rows.clone())).collect();
    let mut numbers = Column::with_capacity(crate::types::phys(oid::INT8), rows.len());
    rows.clone().for_each(|n| numbers.push(Datum::I64(n as i64)));
    columns.push(numbers);
    Batch { columns, rows: rows.len() }
}
