//! Nested loop join: the right side is run again for each left row.

use super::pairs::{Chunk, Joiner};
use super::store::RowStore;
use super::{ExecContext, Node, build};
use crate::base::{Error, Flow, Result};
use crate::sql::expr::eval::{Eval, Sel};
use crate::sql::plan::{self, JoinKind};
use crate::types::{BATCH_BYTES, BATCH_ROWS, Batch};

/// Where the loop stands with the present left row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Slots are to be filled and the right side to be rescanned.
    Begin,
    Rescan,
    Pull,
    /// A chunk is being judged; then go on with the step named.
    Judge {
        row_done: bool,
    },
}

pub(super) struct NestLoop {
    left: Box<dyn Node>,
    right: Box<dyn Node>,
    params: Vec<(usize, Eval)>,
    joiner: Joiner,
    batch: Option<Batch>,
    /// The present left row.
    row: usize,
    matched: Vec<bool>,
    step: Step,
    /// The right side was read before: it must be rescanned.
    used: bool,
    /// Right rows of the chunk.
    inner: RowStore,
    chunk: Chunk,
}

impl NestLoop {
    pub fn start(j: &plan::NestLoop, cx: &mut ExecContext) -> Result<NestLoop> {
        if matches!(j.kind, JoinKind::Right | JoinKind::Full) {
            let text = "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions";
            return Err(Error::unsupported(text));
        }
        let right_forms = super::output::forms_of(&j.right.columns);
        Ok(NestLoop {
            left: build(&j.left, cx)?,
            right: build(&j.right, cx)?,
            params: j.params.iter().map(|(s, e)| (*s, Eval::new(e))).collect(),
            joiner: Joiner::new(j.kind, &j.left, &j.right, j.condition.as_ref(), j.project.as_deref()),
            inner: RowStore::new(&right_forms),
            batch: None,
            row: 0,
            matched: Vec::new(),
            step: Step::Begin,
            used: false,
            chunk: Chunk::default(),
        })
    }

    /// A chunk is worth judging at once when one match settles a row.
    fn eager(&self) -> bool {
        matches!(self.joiner.kind, JoinKind::Semi | JoinKind::Anti)
    }

    /// Judges the chunk and empties it.
    fn judge(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let Some(batch) = &self.batch else { return Ok(None) };
        let right = self.inner.columns();
        let out = self.joiner.finish_chunk(cx, &batch.columns, right, &self.chunk, &mut self.matched, &mut [])?;
        self.chunk.pairs.clear();
        self.chunk.from = self.chunk.to;
        self.inner.clear();
        Ok(out)
    }

    /// Takes the right side's next rows as candidates of the present left row; true: there were some.
    fn pull(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        self.used = true;
        let Some(rows) = self.right.next(cx)? else { return Ok(false) };
        let first = self.inner.len() as u32;
        let count = if self.joiner.first_decides() { 1 } else { rows.rows };
        self.inner.append_columns(rows.columns.iter(), count, None);
        (0..count as u32).for_each(|r| self.chunk.pairs.push(self.row as u32, first + r));
        Ok(true)
    }
}

impl Node for NestLoop {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if let Some(batch) = self.joiner.more(cx)? {
            return Ok(Some(batch));
        }
        loop {
            if self.batch.is_none() {
                let Some(batch) = self.left.next(cx)? else { return Ok(None) };
                self.matched = vec![false; batch.rows];
                self.batch = Some(batch);
                self.row = 0;
                self.step = Step::Begin;
                self.chunk = Chunk::default();
            }
            let rows = self.batch.as_ref().map_or(0, |b| b.rows);
            match self.step {
                Step::Begin => {
                    if let Some(batch) = &self.batch {
                        for (slot, e) in &mut self.params {
                            let value = e.eval(cx, batch, Sel::Rows(&[self.row as u32]))?.get(0).to_value();
                            cx.set_exec_param(*slot, value);
                        }
                        self.params.iter_mut().for_each(|(_, e)| e.forget());
                    }
                    self.step = if self.used || !self.params.is_empty() { Step::Rescan } else { Step::Pull };
                }
                Step::Rescan => {
                    self.right.rescan(cx)?;
                    self.step = Step::Pull;
                }
                Step::Pull => {
                    let more = self.pull(cx)?;
                    let settled = more && self.joiner.first_decides();
                    let row_done = !more || settled;
                    let full = self.inner.len() + (self.row - self.chunk.from) >= BATCH_ROWS
                        || self.inner.bytes() > BATCH_BYTES;
                    let last = row_done && self.row + 1 == rows;
                    if row_done {
                        self.chunk.to = self.row + 1;
                    }
                    if full || last || self.eager() {
                        self.step = Step::Judge { row_done };
                    } else if row_done {
                        self.row += 1;
                        self.step = Step::Begin;
                    }
                }
                Step::Judge { row_done } => {
                    let out = self.judge(cx)?;
                    let settled = self.eager() && self.matched[self.row];
                    self.step = Step::Pull;
                    if row_done || settled {
                        self.row += 1;
                        self.chunk.from = self.row;
                        self.chunk.to = self.row;
                        self.step = Step::Begin;
                        if self.row == rows {
                            self.batch = None;
                        }
                    }
                    if let Some(out) = out {
                        return Ok(Some(out));
                    }
                }
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.left.rescan(cx)?;
        self.joiner.reset();
        self.batch = None;
        self.inner.clear();
        self.chunk = Chunk::default();
        Ok(())
    }
}
