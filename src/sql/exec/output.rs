//! What stands between a scan or join and its parent: an optional filter, then an optional projection.

use super::ExecContext;
use crate::base::{Error, Flow, Stop};
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Predicate, Projection, Scope, Sel};
use crate::types::{Batch, Column, Phys, TypeRef};

/// The physical form of a type's values.
pub(crate) fn phys_of(ty: TypeRef) -> Phys {
    crate::types::info(ty.oid).map_or(Phys::Bytes, |i| i.phys)
}

/// The forms of a plan's columns.
pub(crate) fn forms_of(columns: &[crate::sql::plan::PlanColumn]) -> Vec<Phys> {
    columns.iter().map(|c| phys_of(c.ty)).collect()
}

/// Some rows of a batch, whose columns may be empty where nobody needs them.
pub(super) fn rows_of(batch: &Batch, rows: &[u32]) -> Batch {
    let column = |c: &Column| if c.is_empty() { c.clone() } else { c.gather_rows(rows) };
    Batch { columns: batch.columns.iter().map(column).collect(), rows: rows.len() }
}

/// Filter and projection of one batch at a time, resumable after a wait.
pub(crate) struct Output {
    filter: Option<Predicate>,
    project: Option<Projection>,
    batch: Option<Batch>,
    /// The filter's answer for `batch`: None all rows, else those named.
    kept: Option<Option<Vec<u32>>>,
    /// A LIMIT above takes rows piecemeal: no row it does not want is projected, since that may fail or be noticed.
    lazy: bool,
    /// How many of the kept rows were given, and the end of the piece being projected.
    given: usize,
    piece: Option<usize>,
    /// Rows that failed together, and the first of them that is still to be taken alone.
    alone: Option<(Batch, usize)>,
    pub removed: u64,
}

/// Whether an error is about the values of one row, so that the rows before it are good.
pub(super) fn is_of_a_row(e: &Error) -> bool {
    matches!(e.sqlstate().0, [b'2', b'1'..=b'3', ..])
}

impl Output {
    pub fn new(filter: Option<&Expr>, project: Option<&[Expr]>) -> Output {
        Output {
            filter: filter.map(Predicate::new),
            project: project.map(Projection::new),
            batch: None,
            kept: None,
            lazy: false,
            given: 0,
            piece: None,
            alone: None,
            removed: 0,
        }
    }

    pub fn lazy(self, lazy: bool) -> Output {
        Output { lazy, ..self }
    }

    /// As [`new`](Self::new), for expressions that stand in a scope.
    pub fn with_scope(filter: Option<&Expr>, project: Option<&[Expr]>, scope: &mut Scope) -> Output {
        Output {
            filter: filter.map(|f| Predicate::with_scope(f, scope)),
            project: project.map(|p| Projection::with_scope(p, scope)),
            ..Output::new(None, None)
        }
    }

    /// True if the last batch fed is still being worked on.
    pub fn is_busy(&self) -> bool {
        self.batch.is_some() || self.alone.is_some()
    }

    pub fn feed(&mut self, batch: Batch) {
        debug_assert!(!self.is_busy(), "FLOW-1: a batch would be lost");
        self.batch = Some(batch);
    }

    /// A batch whose rows have all passed the filter.
    pub fn feed_passed(&mut self, batch: Batch) {
        self.feed(batch);
        self.kept = Some(None);
    }

    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// The columns that the filter reads ([`Predicate::columns`]).
    pub fn filter_columns(&mut self) -> Option<Vec<usize>> {
        self.filter.as_mut().and_then(Predicate::columns)
    }

    /// Which rows pass the filter, of a batch that need not have other columns than it reads; None: all.
    pub fn ask(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<Option<Vec<u32>>> {
        let Some(filter) = &mut self.filter else { return Ok(None) };
        let kept = filter.run(cx, batch).inspect_err(|e| {
            if matches!(e, Stop::Error(_)) {
                filter.reset();
            }
        });
        let kept = kept?;
        self.removed += kept.as_ref().map_or(0, |k| (batch.rows - k.len()) as u64);
        Ok(kept)
    }

    pub fn reset(&mut self) {
        self.batch = None;
        self.kept = None;
        self.given = 0;
        self.piece = None;
        self.alone = None;
        self.reset_expressions();
    }

    fn reset_expressions(&mut self) {
        if let Some(f) = &mut self.filter {
            f.reset();
        }
        if let Some(p) = &mut self.project {
            p.reset();
        }
    }

    /// The batch fed, filtered and projected; None if no row is left.
    ///
    /// When a row fails, those before it come out first: they may be all that a LIMIT or a cursor wants, and a client
    /// sees them before the error.
    pub fn take(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if self.batch.is_none()
                && let Some((rows, at)) = &mut self.alone
            {
                if *at == rows.rows {
                    self.alone = None;
                    return Ok(None);
                }
                self.batch = Some(rows_of(rows, &[*at as u32]));
                *at += 1;
            }
            match self.take_batch(cx) {
                Err(Stop::Error(e)) if is_of_a_row(&e) && self.separate() => {}
                Ok(None) if self.alone.is_some() => {}
                other => return other,
            }
        }
    }

    /// Has the rows of the batch, which have failed together, taken one by one; false where that would repeat what may be
    /// done only once.
    fn separate(&mut self) -> bool {
        let repeatable = self.filter.as_ref().is_none_or(Predicate::is_repeatable)
            && self.project.as_ref().is_none_or(Projection::is_repeatable);
        let Some(batch) = self.batch.take_if(|b| repeatable && b.rows > 1) else { return false };
        self.reset_expressions();
        let kept = self.kept.take().flatten().unwrap_or_else(|| (0..batch.rows as u32).collect());
        let rest = rows_of(&batch, &kept[self.given..]);
        self.given = 0;
        self.piece = None;
        self.alone = Some((rest, 0));
        true
    }

    fn take_batch(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let Some(batch) = &self.batch else { return Ok(None) };
        if self.kept.is_none() {
            let kept = match &mut self.filter {
                Some(f) => f.run(cx, batch)?,
                None => None,
            };
            self.removed += kept.as_ref().map_or(0, |k| (batch.rows - k.len()) as u64);
            self.kept = Some(kept);
        }
        let kept = self.kept.as_ref().and_then(|k| k.as_deref());
        let rows = kept.map_or(batch.rows, <[u32]>::len);
        if let Some(p) = &mut self.project
            && self.lazy
            && (self.given > 0 || self.piece.is_some() || cx.run.row_goal < rows)
        {
            let end = *self.piece.get_or_insert(self.given.saturating_add(cx.run.row_goal.max(1)).min(rows));
            let piece: Vec<u32> = (self.given..end).map(|n| kept.map_or(n as u32, |k| k[n])).collect();
            let (columns, made) = p.run_some(cx, batch, Sel::Rows(&piece))?;
            self.piece = None;
            self.given += made;
            if self.given == rows {
                self.finish();
            }
            return Ok(Some(Batch { columns, rows: made }));
        }
        let done = match (&mut self.project, kept) {
            _ if rows == 0 => None,
            (Some(p), None) => {
                let done = p.take(cx, &mut self.batch)?;
                if self.batch.is_some() {
                    // The rest is long, and has passed the filter.
                    return Ok(Some(done));
                }
                Some(done)
            }
            (Some(p), Some(kept)) => {
                let (columns, made) = p.run_some(cx, batch, Sel::Rows(&kept[self.given..]))?;
                self.given += made;
                let done = Batch { columns, rows: made };
                if self.given < rows {
                    return Ok(Some(done));
                }
                Some(done)
            }
            (None, None) => self.batch.take(),
            (None, Some(rows)) => self.batch.take().map(|mut b| b.gather(rows)),
        };
        self.finish();
        Ok(done)
    }

    /// The batch is done.
    fn finish(&mut self) {
        self.batch = None;
        self.kept = None;
        self.given = 0;
    }
}
