//! Relations whose rows are generated from the engine's own state and registries.

use super::output::Output;
use super::system_view::{self, View};
use super::virtual_rows::VirtualRows;
use super::{ExecContext, Node};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::Relation;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::regexp::prefix;
use crate::types::{Batch, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// When making rows for one key after the other has taken this long, all are made at once.
const PATIENCE: Duration = Duration::from_millis(20);

pub(super) struct VirtualScan {
    view: &'static View,
    relation: Arc<Relation>,
    attnos: Vec<i16>,
    /// Conditions `column = value` the generator is told: the columns, and their values.
    key_columns: Vec<usize>,
    key_values: Projection,
    /// The values the rows were made for.
    made_for: Vec<Value>,
    /// All rows, made at the first call: a view shows one moment.
    rows: Option<Vec<Batch>>,
    /// How long making rows for keys has taken.
    spent: Duration,
    /// All rows of the relation, once that was too long.
    all: Option<VirtualRows>,
    /// The values must be looked at again.
    fresh: bool,
    at: usize,
    output: Output,
}

impl VirtualScan {
    pub fn start(
        view: &'static str,
        relation: Option<&Arc<Relation>>,
        attnos: &[i16],
        filter: Option<&Expr>,
        project: Option<&[Expr]>,
    ) -> Result<VirtualScan> {
        let found = system_view::find(view);
        let missing = || Error::unsupported(format!("system view \"{view}\" is not supported yet"));
        let (Some(view), Some(relation)) = (found, relation) else { return Err(missing()) };
        let mut keys = Vec::new();
        if let Some(filter) = filter {
            collect_keys(filter, attnos, &mut keys);
        }
        let (key_columns, values): (Vec<usize>, Vec<Expr>) = keys.into_iter().unzip();
        Ok(VirtualScan {
            view,
            relation: relation.clone(),
            attnos: attnos.to_vec(),
            key_columns,
            key_values: Projection::new(&values),
            made_for: Vec::new(),
            rows: None,
            spent: Duration::ZERO,
            all: None,
            fresh: false,
            at: 0,
            output: Output::new(filter, project),
        })
    }

    fn make(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.fresh {
            return Ok(());
        }
        let mut values = Vec::new();
        if !self.key_columns.is_empty() {
            let nothing = Batch { columns: Vec::new(), rows: 1 };
            values = self.key_values.run(cx, &nothing, Sel::All(1))?.iter().map(|c| c.get(0).to_value()).collect();
        }
        if self.rows.is_none() || self.made_for != values {
            self.rows = None;
            self.rows = Some(self.rows_for(cx, &values)?);
            self.made_for = values;
        }
        self.fresh = true;
        Ok(())
    }

    /// The rows that have these values in the columns of the keys; more where no generator heeds one.
    fn rows_for(&mut self, cx: &mut ExecContext, values: &[Value]) -> Flow<Vec<Batch>> {
        if values.iter().any(Value::is_null) {
            return Ok(Vec::new());
        }
        if self.all.is_none() && self.spent < PATIENCE {
            let begin = Instant::now();
            let keys = self.key_columns.iter().copied().zip(values.iter().cloned()).collect();
            let rows = self.generate(cx, keys)?;
            self.spent += begin.elapsed();
            return Ok(rows);
        }
        let all = match self.all.take() {
            Some(all) => all,
            None => {
                let place = |c: &usize| self.attnos.iter().position(|a| usize::try_from(*a) == Ok(*c + 1));
                let columns: Vec<usize> = self.key_columns.iter().filter_map(place).collect();
                VirtualRows::new(self.generate(cx, Vec::new())?, &columns)
            }
        };
        Ok(self.all.insert(all).of(values))
    }

    fn generate(&self, cx: &mut ExecContext, keys: Vec<(usize, Value)>) -> Flow<Vec<Batch>> {
        let mut sink = system_view::Sink::new(self.relation.clone(), &self.attnos, keys);
        (self.view.rows)(cx, &mut sink)?;
        Ok(sink.into_batches())
    }

    fn fetch(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        self.make(cx)?;
        let batch = self.rows.as_mut().and_then(|r| r.get_mut(self.at)).cloned();
        self.at += usize::from(batch.is_some());
        Ok(batch)
    }
}

/// Finds conditions that fix a column: `column = value`, the value not depending on the row.
fn collect_keys(filter: &Expr, attnos: &[i16], out: &mut Vec<(usize, Expr)>) {
    match &filter.kind {
        ExprKind::And(all) => all.iter().for_each(|e| collect_keys(e, attnos, out)),
        ExprKind::Func { func, args, .. } if is_plain_equality(func.oid) => {
            if let [left, right] = args.as_slice() {
                for (column, value) in [(left, right), (right, left)] {
                    if let Some(column) = column_of(column, attnos)
                        && is_fixed(value)
                        && !out.iter().any(|(c, _)| *c == column)
                    {
                        out.push((column, value.clone()));
                        return;
                    }
                }
            }
        }
        ExprKind::Func { func, args, .. } if is_regex_match(func.oid) => {
            if let [text, pattern] = args.as_slice()
                && let Some(column) = column_of(text, attnos)
                && let Some(only) = only_match(pattern)
                && !out.iter().any(|(c, _)| *c == column)
            {
                out.push((column, only));
            }
        }
        _ => {}
    }
}

/// nameregexeq, textregexeq.
fn is_regex_match(func: Oid) -> bool {
    matches!(func.0, 79 | 1254)
}

/// The only text that a pattern matches, as those of psql for names are: `^(name)$`.
fn only_match(pattern: &Expr) -> Option<Expr> {
    let ExprKind::Const(value @ Value::Bytes(_)) = &pattern.kind else { return None };
    let (text, _) = prefix::of_regex(value.datum().str()).filter(|(_, exact)| *exact)?;
    Some(Expr::new(ExprKind::Const(Value::text(&text)), pattern.ty))
}

/// oideq, nameeq, texteq, nameeqtext, texteqname: equal values have equal bytes, as far as keys go.
fn is_plain_equality(func: Oid) -> bool {
    matches!(func.0, 184 | 62 | 67 | 240 | 241)
}

fn column_of(e: &Expr, attnos: &[i16]) -> Option<usize> {
    match &e.kind {
        ExprKind::Column(n) => usize::try_from(*attnos.get(*n)?).ok()?.checked_sub(1),
        ExprKind::Relabel(inner) => column_of(inner, attnos),
        _ => None,
    }
}

/// Can be computed once per scan, without a row, without side effects worth counting.
fn is_fixed(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Const(_) | ExprKind::Param(_) | ExprKind::ExecParam(_) => true,
        ExprKind::Relabel(a) => is_fixed(a),
        ExprKind::IoCast { arg, .. } => is_fixed(arg),
        ExprKind::Func { func, args, .. } => func.volatility != b'v' && args.iter().all(is_fixed),
        _ => false,
    }
}

impl Node for VirtualScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        cx.poll()?;
        loop {
            if !self.output.is_busy() {
                let Some(batch) = self.fetch(cx)? else { return Ok(None) };
                self.output.feed(batch);
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.at = 0;
        self.fresh = false;
        self.key_values.reset();
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
