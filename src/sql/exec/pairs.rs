//! What all joins share: candidate pairs of rows, the condition over them, and what comes out for each kind of join.

use super::output::phys_of;
use super::{ExecContext, keys};
use crate::base::Flow;
use crate::sql::expr::eval::{Predicate, Projection};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{JoinKind, Plan};
use crate::types::{Batch, Column, Phys};

/// Instead of a row's number: there is no partner.
pub(super) const NONE: u32 = u32::MAX;

/// Row numbers side by side.
#[derive(Default, Debug)]
pub(super) struct Pairs {
    pub left: Vec<u32>,
    pub right: Vec<u32>,
}

impl Pairs {
    #[inline]
    pub fn push(&mut self, left: u32, right: u32) {
        self.left.push(left);
        self.right.push(right);
    }

    pub fn len(&self) -> usize {
        self.left.len()
    }

    pub fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
    }
}

/// Candidates of consecutive left rows: all those of rows below `to` (from `from` on), perhaps some of row `to`.
#[derive(Default, Debug)]
pub(super) struct Chunk {
    pub pairs: Pairs,
    pub from: usize,
    pub to: usize,
    /// Right rows without partner, each with the left row before which it comes out.
    pub lonely: Vec<(u32, u32)>,
}

/// The condition and the output of a join.
pub(super) struct Joiner {
    pub kind: JoinKind,
    condition: Option<(Predicate, Vec<bool>)>,
    project: Option<(Projection, Vec<bool>)>,
    left: Vec<Phys>,
    right: Vec<Phys>,
    checking: Option<Batch>,
    /// The condition's answer to the present chunk.
    checked: Option<Option<Vec<u32>>>,
    emitting: Option<Batch>,
    /// What was left when the rows that came out were long.
    left_over: Option<Batch>,
}

/// Which columns an expression reads.
fn mark(e: &Expr, need: &mut [bool]) {
    e.walk(&mut |e| {
        if let ExprKind::Column(n) = e.kind
            && let Some(slot) = need.get_mut(n)
        {
            *slot = true;
        }
        true
    });
}

/// Rows of a column, NULL for [`NONE`].
fn gather(column: &Column, rows: &[u32], with_none: bool) -> Column {
    if !with_none {
        return column.gather_rows(rows);
    }
    column.gather_rows_or_null(rows, NONE)
}

impl Joiner {
    pub fn new(
        kind: JoinKind,
        left: &Plan,
        right: &Plan,
        condition: Option<&Expr>,
        project: Option<&[Expr]>,
    ) -> Joiner {
        let forms = |p: &Plan| p.columns.iter().map(|c| phys_of(c.ty)).collect::<Vec<_>>();
        let (left, right) = (forms(left), forms(right));
        let all = left.len() + right.len();
        let need = |exprs: &[Expr]| {
            let mut need = vec![false; all];
            exprs.iter().for_each(|e| mark(e, &mut need));
            need
        };
        Joiner {
            kind,
            condition: condition.map(|c| (Predicate::new(c), need(std::slice::from_ref(c)))),
            project: project.map(|p| (Projection::new(p), need(p))),
            left,
            right,
            checking: None,
            checked: None,
            emitting: None,
            left_over: None,
        }
    }

    pub fn reset(&mut self) {
        self.checking = None;
        self.checked = None;
        self.emitting = None;
        self.left_over = None;
        if let Some((c, _)) = &mut self.condition {
            c.reset();
        }
        if let Some((p, _)) = &mut self.project {
            p.reset();
        }
    }

    /// One candidate a row decides: nothing else is asked.
    pub fn first_decides(&self) -> bool {
        self.condition.is_none() && matches!(self.kind, JoinKind::Semi | JoinKind::Anti)
    }

    /// Only left columns come out.
    fn left_only(&self) -> bool {
        matches!(self.kind, JoinKind::Semi | JoinKind::Anti)
    }

    /// Side by side; columns not needed stay empty.
    fn assemble(&self, left: &[Column], right: &[Column], pairs: &Pairs, need: Option<&[bool]>, all: bool) -> Batch {
        let (no_left, no_right) = (pairs.left.contains(&NONE), pairs.right.contains(&NONE));
        let wanted = |n: usize| need.is_none_or(|need| need[n]);
        let mut columns = Vec::with_capacity(self.left.len() + self.right.len());
        for (n, phys) in self.left.iter().enumerate() {
            columns.push(match left.get(n) {
                Some(c) if wanted(n) => gather(c, &pairs.left, no_left),
                _ if wanted(n) => Column::constant(*phys, crate::types::Datum::Null, pairs.len()),
                _ => Column::new(*phys),
            });
        }
        if all {
            for (n, phys) in self.right.iter().enumerate() {
                columns.push(match right.get(n) {
                    Some(c) if wanted(self.left.len() + n) => gather(c, &pairs.right, no_right),
                    _ if wanted(self.left.len() + n) => Column::constant(*phys, crate::types::Datum::Null, pairs.len()),
                    _ => Column::new(*phys),
                });
            }
        }
        Batch { columns, rows: pairs.len() }
    }

    /// Which pairs meet the condition; None: all.
    fn check(&mut self, cx: &mut ExecContext, left: &[Column], right: &[Column], pairs: &Pairs) -> Flow<()> {
        if self.checked.is_some() {
            return Ok(());
        }
        if self.condition.is_none() || pairs.len() == 0 {
            self.checked = Some(None);
            return Ok(());
        }
        if self.checking.is_none() {
            let need = self.condition.as_ref().map(|c| c.1.as_slice());
            self.checking = Some(self.assemble(left, right, pairs, need, true));
        }
        if let (Some((c, _)), Some(batch)) = (&mut self.condition, &self.checking) {
            self.checked = Some(c.run(cx, batch)?);
        }
        self.checking = None;
        Ok(())
    }

    /// Judges a chunk of candidates and gives what comes out of it. `matched` is by left row, `right_matched` by right
    /// row (for joins that also give right rows without partner). To be repeated with the same chunk after a `Stop`.
    pub fn finish_chunk(
        &mut self,
        cx: &mut ExecContext,
        left: &[Column],
        right: &[Column],
        chunk: &Chunk,
        matched: &mut [bool],
        right_matched: &mut [bool],
    ) -> Flow<Option<Batch>> {
        if self.emitting.is_none() {
            self.check(cx, left, right, &chunk.pairs)?;
            let kept = self.checked.take().flatten();
            let out = self.outcome(chunk, kept.as_deref(), matched, right_matched);
            if out.len() == 0 {
                return Ok(None);
            }
            let need = self.project.as_ref().map(|p| p.1.as_slice());
            self.emitting = Some(self.assemble(left, right, &out, need, !self.left_only()));
        }
        self.emit(cx).map(Some)
    }

    /// Rows of one side without partner.
    pub fn unmatched(&mut self, cx: &mut ExecContext, left: &[Column], right: &[Column], pairs: &Pairs) -> Flow<Batch> {
        if self.emitting.is_none() {
            let need = self.project.as_ref().map(|p| p.1.as_slice());
            self.emitting = Some(self.assemble(left, right, pairs, need, !self.left_only()));
        }
        self.emit(cx)
    }

    fn emit(&mut self, cx: &mut ExecContext) -> Flow<Batch> {
        if let Some((p, _)) = &mut self.project {
            let out = p.take(cx, &mut self.emitting)?;
            self.left_over = self.emitting.take();
            return Ok(out);
        }
        Ok(self.emitting.take().unwrap_or_default())
    }

    /// More of what came out of the last chunk: to be asked for before anything else is done.
    pub fn more(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        match &mut self.project {
            Some((p, _)) if self.left_over.is_some() => p.take(cx, &mut self.left_over).map(Some),
            _ => Ok(None),
        }
    }

    /// The rows that come out, in the order of the left rows.
    fn outcome(&self, chunk: &Chunk, kept: Option<&[u32]>, matched: &mut [bool], right_matched: &mut [bool]) -> Pairs {
        let mut out = Pairs::default();
        let pairs = &chunk.pairs;
        let total = kept.map_or(pairs.len(), <[u32]>::len);
        if self.kind == JoinKind::Inner && kept.is_none() {
            out.left.extend_from_slice(&pairs.left);
            out.right.extend_from_slice(&pairs.right);
            return out;
        }
        let pair = |n: usize| {
            let at = kept.map_or(n, |k| k[n] as usize);
            (pairs.left[at], pairs.right[at])
        };
        let (mut n, mut lonely) = (0, chunk.lonely.iter().peekable());
        for (row, matched) in matched.iter_mut().enumerate().take(chunk.to + 1).skip(chunk.from) {
            if row == chunk.to && n == total {
                break;
            }
            while let Some((_, r)) = lonely.next_if(|(before, _)| *before as usize <= row) {
                if let Some(m @ false) = right_matched.get_mut(*r as usize) {
                    *m = true;
                    out.push(NONE, *r);
                }
            }
            while n < total && pair(n).0 as usize == row {
                let (l, r) = pair(n);
                n += 1;
                let first = !std::mem::replace(matched, true);
                if let Some(m) = right_matched.get_mut(r as usize) {
                    *m = true;
                }
                match self.kind {
                    JoinKind::Semi if first => out.push(l, NONE),
                    JoinKind::Semi | JoinKind::Anti => {}
                    _ => out.push(l, r),
                }
            }
            let lonely = row < chunk.to && !*matched;
            if lonely && matches!(self.kind, JoinKind::Left | JoinKind::Full | JoinKind::Anti) {
                out.push(row as u32, NONE);
            }
        }
        out
    }
}

/// A hash table over the rows of a key list: chains with the last row first, as PostgreSQL's buckets have them
/// (nodeHash.c, ExecHashTableInsert).
#[derive(Default)]
pub(super) struct ChainTable {
    /// Upper half: of the chain's first row's hash; lower half: that row + 1, 0 for none.
    heads: Vec<u64>,
    /// The row + 1 after each row in its chain.
    next: Vec<u32>,
    mask: u64,
}

impl ChainTable {
    /// Rows with a NULL in their key are left out.
    pub fn build(keys: &keys::EqualKeys) -> ChainTable {
        let n = keys.len();
        let size = (n * 2).next_power_of_two().max(16);
        let mut t = ChainTable { heads: vec![0; size], next: vec![0; n], mask: size as u64 - 1 };
        for row in 0..n {
            if keys.is_null(row) {
                continue;
            }
            let hash = keys.hash(row);
            let head = &mut t.heads[(hash & t.mask) as usize];
            t.next[row] = *head as u32;
            *head = hash & !0xFFFF_FFFF | (row as u64 + 1);
        }
        t
    }

    pub fn memory(rows: usize) -> usize {
        (rows * 2).next_power_of_two() * 8 + rows * 4
    }

    /// The first candidate's row + 1 for a hash, 0 for none.
    #[inline]
    pub fn first(&self, hash: u64) -> u32 {
        let head = self.heads[(hash & self.mask) as usize];
        if (head ^ hash) >> 32 == 0 || head as u32 == 0 {
            return head as u32;
        }
        // The first row of the chain is another key's.
        self.next[head as u32 as usize - 1]
    }

    #[inline]
    pub fn after(&self, candidate: u32) -> u32 {
        self.next[candidate as usize - 1]
    }
}
