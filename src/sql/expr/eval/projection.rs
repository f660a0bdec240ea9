//! Expressions evaluated together.

use super::pieces::{self, Size, attempt};
use super::{Eval, Op, Scope, Sel, logic};
use crate::base::Flow;
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, ExprKind, same};
use crate::types::{Batch, Column, Phys, TypeRef, long};
use std::borrow::Cow;

/// What a list of expressions needs to be evaluated correctly.
#[derive(Clone, Copy, Default)]
pub(super) struct Nature {
    pub waits: bool,
    pub volatile: usize,
    /// It makes values of bytes, which may be long.
    makes_bytes: bool,
    /// They may be long although no column's are.
    grows: bool,
}

impl Nature {
    /// Row by row (EVAL-3), also what may not be repeated for fewer rows.
    pub fn by_rows(self) -> bool {
        self.volatile > 1 || self.volatile == 1 && self.grows
    }

    /// A selection may be cut (EVAL-4).
    pub fn in_pieces(self) -> bool {
        self.makes_bytes && self.volatile == 0
    }
}

pub(super) fn nature(exprs: &mut [Eval]) -> Nature {
    let mut n = Nature::default();
    for e in exprs.iter_mut() {
        e.visit(&mut |e| {
            match &e.op {
                Op::Call(c) => {
                    n.waits |= c.waits();
                    n.volatile += usize::from(c.is_volatile());
                }
                Op::SubPlan(s) => {
                    n.waits = true;
                    n.volatile += usize::from(e.phys == Phys::Bytes && s.is_volatile());
                }
                _ => {}
            }
            n.makes_bytes |= pieces::makes_bytes(e);
            n.grows |= pieces::grows(e);
        });
    }
    if n.waits {
        for e in exprs {
            e.visit(&mut |e| {
                if let Op::Call(c) = &mut e.op {
                    c.keep_answers();
                }
            });
        }
    }
    n
}

/// A list of expressions evaluated together; resumable after a wait.
pub struct Projection {
    /// The first of `exprs` are what others read several times: one sub-plan's row for several columns.
    shared: usize,
    exprs: Vec<Eval>,
    nature: Nature,
    /// Finished columns, or with row by row evaluation the columns so far.
    done: Vec<Column>,
    row: usize,
    /// The expression to go on with in the present row.
    next: usize,
    /// In pieces: how large they are, what is made, of how many rows.
    size: Size,
    made: Vec<Column>,
    upto: usize,
}

impl Projection {
    pub fn new(exprs: &[Expr]) -> Projection {
        let shared = read_in_parts(exprs);
        if shared.is_empty() {
            return Projection::of(exprs.iter().map(Eval::new).collect());
        }
        let plans = |e: &Expr| match &e.kind {
            ExprKind::SubPlan(s) => Some(s.plan.clone()),
            _ => None,
        };
        let mut scope = Scope::beside(shared.iter().filter_map(plans).collect());
        let rows = shared.iter().map(Eval::new);
        let all = rows.chain(exprs.iter().map(|e| Eval::with_scope(e, &mut scope))).collect();
        Projection { shared: shared.len(), ..Projection::of(all) }
    }

    pub(crate) fn with_scope(exprs: &[Expr], scope: &mut Scope) -> Projection {
        Projection::of(exprs.iter().map(|e| Eval::with_scope(e, scope)).collect())
    }

    pub fn of(mut exprs: Vec<Eval>) -> Projection {
        let nature = nature(&mut exprs);
        Projection {
            shared: 0,
            exprs,
            nature,
            done: Vec::new(),
            row: 0,
            next: 0,
            size: Size::default(),
            made: Vec::new(),
            upto: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.exprs.len() - self.shared
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether doing it again for the same rows does no harm.
    pub fn is_repeatable(&self) -> bool {
        self.nature.volatile == 0
    }

    pub fn types(&self) -> Vec<TypeRef> {
        self.exprs[self.shared..].iter().map(Eval::ty).collect()
    }

    pub fn forms(&self) -> Vec<Phys> {
        self.exprs[self.shared..].iter().map(Eval::phys).collect()
    }

    /// Forgets a batch begun.
    pub fn reset(&mut self) {
        self.made.clear();
        self.upto = 0;
        self.reset_piece();
    }

    fn reset_piece(&mut self) {
        self.done.clear();
        self.row = 0;
        self.next = 0;
        if self.nature.waits {
            self.exprs.iter_mut().for_each(Eval::forget);
        }
    }

    /// One column per expression. After a `Stop` it must be called again with the same batch and selection.
    pub fn run(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Vec<Column>> {
        self.up_to(cx, batch, sel, true).map(|made| made.0)
    }

    /// As [`run`](Self::run) for the first rows of the selection, whose number it tells: until their values are long
    /// together, and one row at least.
    pub fn run_some(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<(Vec<Column>, usize)> {
        self.up_to(cx, batch, sel, false)
    }

    fn up_to(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>, all: bool) -> Flow<(Vec<Column>, usize)> {
        if self.nature.by_rows() {
            return pieces::apart(cx, |cx| self.run_rows(cx, batch, sel, all));
        }
        if !self.nature.in_pieces() {
            return pieces::apart(cx, |cx| self.run_whole(cx, batch, sel)).map(|made| (made, sel.len()));
        }
        let mut rows = Vec::new();
        loop {
            let end = self.upto + self.size.of(sel.len() - self.upto);
            let piece = pieces::part(sel, self.upto, end, &mut rows);
            match attempt(cx, true, |cx| self.run_whole(cx, batch, piece))? {
                Err(row) => {
                    self.size.ended_behind(row, piece);
                    self.reset_piece();
                    continue;
                }
                Ok(columns) if self.upto == 0 && end == sel.len() => return Ok((columns, end)),
                Ok(columns) => self.keep(columns),
            }
            self.size.went_well();
            self.upto = end;
            if end == sel.len() || !all && long(&self.made) {
                self.upto = 0;
                return Ok((std::mem::take(&mut self.made), end));
            }
        }
    }

    /// Puts a piece behind those before it.
    fn keep(&mut self, mut columns: Vec<Column>) {
        if self.upto == 0 {
            self.made = columns;
            return;
        }
        for (made, column) in self.made.iter_mut().zip(&mut columns) {
            (0..column.len()).for_each(|row| made.push_from(column, row));
        }
    }

    fn run_whole(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Vec<Column>> {
        // Whoever ran while this one waited may have used the slots.
        for (n, column) in self.done.iter().take(self.shared).enumerate() {
            logic::set_operand(cx, n, column.clone(), sel);
        }
        while self.done.len() < self.exprs.len() {
            let e = &mut self.exprs[self.done.len()];
            let column = e.eval(cx, batch, sel)?.into_owned();
            debug_assert_eq!(column.len(), sel.len(), "EVAL-1");
            if self.nature.waits {
                e.forget();
            }
            if self.done.len() < self.shared {
                logic::set_operand(cx, self.done.len(), column.clone(), sel);
            }
            self.done.push(column);
        }
        crate::sql::exec::domain::check_unchecked(cx)?;
        Ok(self.finished())
    }

    /// As [`run`](Self::run) for all rows of the batch in the slot, which is used up: columns merely picked move. Where
    /// their values are long it is for the first rows; the others stay in the slot. After a `Stop` the batch is still
    /// there.
    pub fn take(&mut self, cx: &mut ExecContext, slot: &mut Option<Batch>) -> Flow<Batch> {
        let Some(batch) = slot else { return Ok(Batch::default()) };
        let rows = batch.rows;
        let moves = self.size.is_whole() && self.exprs.iter().any(|e| matches!(e.op, Op::Column(_)));
        if moves && !self.nature.waits && !self.nature.by_rows() {
            match attempt(cx, self.nature.in_pieces(), |cx| self.computed(cx, batch))? {
                Ok(columns) => {
                    let batch = slot.take().unwrap_or_default();
                    return Ok(Batch { columns: self.moved(columns, batch), rows });
                }
                Err(row) => self.size.ended_behind(row, Sel::All(rows)),
            }
        }
        let (columns, done) = self.run_some(cx, batch, Sel::All(rows))?;
        *slot = (done < rows).then(|| batch.slice(done..rows));
        Ok(Batch { columns, rows: done })
    }

    /// The columns of all rows but those merely picked.
    fn computed(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<Vec<Option<Column>>> {
        let mut columns = Vec::with_capacity(self.exprs.len());
        for e in &mut self.exprs {
            columns.push(match e.op {
                Op::Column(_) => None,
                _ => Some(e.eval(cx, batch, Sel::All(batch.rows))?.into_owned()),
            });
        }
        Ok(columns)
    }

    /// With those picked out of the batch.
    fn moved(&self, computed: Vec<Option<Column>>, mut batch: Batch) -> Vec<Column> {
        let picked: Vec<Option<usize>> = self.exprs.iter().map(Eval::picked).collect();
        let column = |(n, made): (usize, Option<Column>)| match (made, picked[n]) {
            (Some(c), _) => c,
            (None, Some(c)) if picked[n + 1..].contains(&Some(c)) => batch.columns[c].clone(),
            (None, Some(c)) => std::mem::replace(&mut batch.columns[c], Column::new(Phys::Bool)),
            (None, None) => Column::new(Phys::Bool),
        };
        computed.into_iter().enumerate().map(column).collect()
    }

    /// As [`run`](Self::run), without copying columns that are in the batch already.
    pub fn columns<'a>(
        &'a mut self,
        cx: &mut ExecContext,
        batch: &'a Batch,
        sel: Sel<'_>,
    ) -> Flow<Vec<Cow<'a, Column>>> {
        if self.nature.waits || self.nature.makes_bytes || self.nature.by_rows() {
            return Ok(self.run(cx, batch, sel)?.into_iter().map(Cow::Owned).collect());
        }
        pieces::apart(cx, |cx| self.exprs.iter_mut().map(|e| e.eval(cx, batch, sel)).collect())
    }

    /// As [`columns`](Self::columns) for the rows in the slot, which they come with. Where the values are long, some of
    /// the rows go to `rest` first; the slot keeps those before them.
    pub fn beside<'a>(
        &'a mut self,
        cx: &mut ExecContext,
        slot: &'a mut Option<Batch>,
        rest: &mut Option<Batch>,
    ) -> Flow<Option<(&'a Batch, Vec<Cow<'a, Column>>)>> {
        let Some(batch) = slot else { return Ok(None) };
        if !self.nature.makes_bytes && !self.nature.by_rows() {
            let columns = self.columns(cx, batch, Sel::All(batch.rows))?;
            return Ok(Some((batch, columns)));
        }
        let rows = batch.rows;
        let (columns, done) = self.run_some(cx, batch, Sel::All(rows))?;
        if done < rows {
            *rest = Some(batch.slice(done..rows));
            *batch = batch.slice(0..done);
        }
        Ok(Some((batch, columns.into_iter().map(Cow::Owned).collect())))
    }

    fn finished(&mut self) -> Vec<Column> {
        let mut columns = std::mem::take(&mut self.done);
        columns.drain(..self.shared);
        columns
    }

    /// Row by row (EVAL-3).
    fn run_rows(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>, all: bool) -> Flow<(Vec<Column>, usize)> {
        if self.done.is_empty() {
            self.done = self.exprs.iter().map(|e| Column::with_capacity(e.phys, sel.len())).collect();
        }
        while self.row < sel.len() {
            let row = [sel.row(self.row)];
            for n in 0..self.next.min(self.shared) {
                let last = self.done[n].gather_rows(&[self.row as u32]);
                logic::set_operand(cx, n, last, Sel::Rows(&row));
            }
            while self.next < self.exprs.len() {
                let e = &mut self.exprs[self.next];
                let value = e.eval(cx, batch, Sel::Rows(&row))?;
                self.done[self.next].push_from(&value, 0);
                if self.next < self.shared {
                    let answer = value.into_owned();
                    logic::set_operand(cx, self.next, answer, Sel::Rows(&row));
                } else {
                    drop(value);
                }
                if self.nature.waits {
                    e.forget();
                }
                self.next += 1;
            }
            self.next = 0;
            self.row += 1;
            if !all && long(&self.done) {
                break;
            }
        }
        let rows = std::mem::take(&mut self.row);
        Ok((self.finished(), rows))
    }
}

/// Sub-plans whose rows several expressions take a field of. PostgreSQL 15, nodeSubplan.c, ExecSetParamPlan of a
/// MULTIEXPR_SUBLINK: it runs once for all of them.
fn read_in_parts(exprs: &[Expr]) -> Vec<Expr> {
    let mut met: Vec<(Expr, usize)> = Vec::new();
    for e in exprs {
        e.walk(&mut |e| {
            if let ExprKind::Field { arg, .. } = &e.kind
                && matches!(arg.kind, ExprKind::SubPlan(_))
            {
                match met.iter_mut().find(|(known, _)| same(known, arg)) {
                    Some((_, count)) => *count += 1,
                    None => met.push(((**arg).clone(), 1)),
                }
            }
            true
        });
    }
    met.into_iter().filter(|(_, count)| *count > 1).map(|(e, _)| e).collect()
}
