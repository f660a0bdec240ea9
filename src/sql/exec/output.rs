//! What stands between a scan or join and its parent: an optional filter, then an optional projection.

use super::ExecContext;
use crate::base::Flow;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Predicate, Projection, Scope, Sel};
use crate::types::{Batch, Phys, TypeRef};

/// The physical form of a type's values.
pub(crate) fn phys_of(ty: TypeRef) -> Phys {
    crate::types::info(ty.oid).map_or(Phys::Bytes, |i| i.phys)
}

/// The forms of a plan's columns.
pub(crate) fn forms_of(columns: &[crate::sql::plan::PlanColumn]) -> Vec<Phys> {
    columns.iter().map(|c| phys_of(c.ty)).collect()
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
    pub removed: u64,
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
        self.batch.is_some()
    }

    pub fn feed(&mut self, batch: Batch) {
        debug_assert!(self.batch.is_none(), "FLOW-1: a batch would be lost");
        self.batch = Some(batch);
    }

    pub fn reset(&mut self) {
        self.batch = None;
        self.kept = None;
        self.given = 0;
        self.piece = None;
        if let Some(f) = &mut self.filter {
            f.reset();
        }
        if let Some(p) = &mut self.project {
            p.reset();
        }
    }

    /// The batch fed, filtered and projected; None if no row is left.
    pub fn take(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
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
            let columns = p.run(cx, batch, Sel::Rows(&piece))?;
            self.piece = None;
            self.given = end;
            if end == rows {
                self.batch = None;
                self.kept = None;
                self.given = 0;
            }
            return Ok(Some(Batch { columns, rows: piece.len() }));
        }
        let done = match (&mut self.project, kept) {
            _ if rows == 0 => None,
            (Some(p), kept) => match kept {
                None => Some(p.run_owned(cx, &mut self.batch)?),
                Some(kept) => Some(Batch { columns: p.run(cx, batch, Sel::Rows(kept))?, rows }),
            },
            (None, None) => self.batch.take(),
            (None, Some(rows)) => self.batch.take().map(|mut b| b.gather(rows)),
        };
        self.batch = None;
        self.kept = None;
        Ok(done)
    }
}
