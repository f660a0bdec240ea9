//! One input after the other; of a partitioned table only those in which there can be rows.

use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::Expr;
use crate::sql::expr::ExprKind;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::plan::Plan;
use crate::sql::plan::prune::{Child, Pruning};
use crate::types::{Batch, Value};
use hashbrown::HashMap;

pub(super) struct Append {
    inputs: Vec<Box<dyn Node>>,
    at: usize,
    rescanned: usize,
    pruner: Option<Pruner>,
}

/// Finds out which inputs are read, once per scan.
struct Pruner {
    pruning: Pruning,
    values: Projection,
    /// None: not found out yet.
    wanted: Option<Vec<bool>>,
}

impl Pruner {
    fn new(pruning: &Pruning) -> Pruner {
        let mut exprs = Vec::new();
        pruning.for_each_expr(&mut |e| {
            if !matches!(e.kind, ExprKind::Const(_)) {
                exprs.push(e.clone());
            }
        });
        Pruner { pruning: pruning.clone(), values: Projection::new(&exprs), wanted: None }
    }

    fn look(&mut self, cx: &mut ExecContext, inputs: usize) -> Flow<()> {
        let columns = self.values.run(cx, &Batch { columns: Vec::new(), rows: 1 }, Sel::All(1))?;
        let mut values = columns.iter().map(|c| c.get(0).to_value());
        let mut known: HashMap<*const Expr, Value> = HashMap::new();
        self.pruning.for_each_expr(&mut |e| {
            let value = match &e.kind {
                ExprKind::Const(v) => Some(v.clone()),
                _ => values.next(),
            };
            known.extend(value.map(|v| (std::ptr::from_ref(e), v)));
        });
        let mut wanted = vec![false; inputs];
        mark(&self.pruning, &known, &mut wanted)?;
        self.wanted = Some(wanted);
        Ok(())
    }
}

fn mark(pruning: &Pruning, known: &HashMap<*const Expr, Value>, wanted: &mut [bool]) -> Result<()> {
    let mut evaluate = |e: &Expr| Ok(known.get(&std::ptr::from_ref(e)).cloned());
    let stay = pruning.routing.survivors(&pruning.test, &mut evaluate)?;
    for (child, _) in pruning.children.iter().zip(stay).filter(|(_, stay)| *stay) {
        match child {
            Child::Gone => {}
            Child::Input(n) => wanted[*n] = true,
            Child::Below(p) => mark(p, known, wanted)?,
        }
    }
    Ok(())
}

impl Append {
    pub fn start(inputs: &[Plan], pruning: Option<&Pruning>, cx: &mut ExecContext) -> Result<Append> {
        let inputs = inputs.iter().map(|p| build(p, cx)).collect::<Result<_>>()?;
        Ok(Append { inputs, at: 0, rescanned: 0, pruner: pruning.map(Pruner::new) })
    }
}

impl Node for Append {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if let Some(p) = &mut self.pruner
            && p.wanted.is_none()
        {
            p.look(cx, self.inputs.len())?;
        }
        let wanted = self.pruner.as_ref().and_then(|p| p.wanted.as_ref());
        while let Some(input) = self.inputs.get_mut(self.at) {
            if wanted.is_none_or(|w| w[self.at])
                && let Some(batch) = input.next(cx)?
            {
                return Ok(Some(batch));
            }
            self.at += 1;
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(input) = self.inputs.get_mut(self.rescanned) {
            input.rescan(cx)?;
            self.rescanned += 1;
        }
        self.rescanned = 0;
        self.at = 0;
        if let Some(p) = &mut self.pruner {
            p.wanted = None;
        }
        Ok(())
    }
}
