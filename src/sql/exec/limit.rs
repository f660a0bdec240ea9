//! LIMIT and OFFSET, WITH TIES.

use super::keys::{KeyArena, KeyColumn};
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::eval::{Projection, Sel, Single};
use crate::sql::expr::{Expr, SortKey};
use crate::sql::plan::Plan;
use crate::types::{Batch, Column, Value};

pub(super) struct Limit {
    input: Box<dyn Node>,
    limit: Option<Single>,
    offset: Option<Single>,
    ties: Option<(Projection, Vec<KeyColumn>)>,
    /// Rows still to skip and still to give; None before the first row, u64::MAX without LIMIT.
    left: Option<(u64, u64)>,
    offset_value: Option<u64>,
    /// The key of the last row given, once the limit is reached.
    last_key: Option<Vec<u8>>,
    batch: Option<Batch>,
    done: bool,
}

impl Limit {
    pub fn start(
        input: &Plan,
        limit: Option<&Expr>,
        offset: Option<&Expr>,
        with_ties: Option<&[SortKey]>,
        cx: &mut ExecContext,
    ) -> Result<Limit> {
        Ok(Limit {
            input: build(input, cx)?,
            limit: limit.map(Single::new),
            offset: offset.map(Single::new),
            ties: with_ties.map(|k| (Projection::new(&super::sort::key_exprs(k)), super::sort::key_columns(k))),
            left: None,
            offset_value: None,
            last_key: None,
            batch: None,
            done: false,
        })
    }

    fn counts(&mut self, cx: &mut ExecContext) -> Flow<(u64, u64)> {
        if let Some(l) = self.left {
            return Ok(l);
        }
        if self.offset_value.is_none() {
            self.offset_value = Some(match &mut self.offset {
                None => 0,
                Some(e) => match e.run(cx)? {
                    Value::I64(n) if n < 0 => {
                        return Err(crate::err!(INVALID_ROW_COUNT_IN_OFFSET, "OFFSET must not be negative")
                            .place("recompute_limits", "nodeLimit.c", 372)
                            .into());
                    }
                    Value::I64(n) => n as u64,
                    _ => 0,
                },
            });
        }
        let limit = match &mut self.limit {
            None => u64::MAX,
            Some(e) => match e.run(cx)? {
                Value::I64(n) if n < 0 => {
                    return Err(crate::err!(INVALID_ROW_COUNT_IN_LIMIT, "LIMIT must not be negative")
                        .place("recompute_limits", "nodeLimit.c", 398)
                        .into());
                }
                Value::I64(n) => n as u64,
                _ => u64::MAX,
            },
        };
        let left = (self.offset_value.unwrap_or(0), limit);
        self.left = Some(left);
        Ok(left)
    }

    /// Rows of the batch from `from` on that tie with the last row given; less than all: the end.
    fn tied(&mut self, cx: &mut ExecContext, batch: &Batch, from: usize) -> Flow<usize> {
        let Some((exprs, spec)) = &mut self.ties else { return Ok(0) };
        let columns = exprs.columns(cx, batch, Sel::All(batch.rows))?;
        let refs: Vec<&Column> = columns.iter().map(|c| &**c).collect();
        let mut keys = KeyArena::default();
        keys.append_rows(&refs, spec, batch.rows);
        if self.last_key.is_none() && from > 0 {
            self.last_key = Some(keys.get(from - 1).to_vec());
        }
        let Some(last) = &self.last_key else { return Ok(0) };
        Ok((from..batch.rows).take_while(|r| keys.get(*r) == last).count())
    }
}

impl Node for Limit {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        while !self.done {
            let (skip, give) = self.counts(cx)?;
            if give == 0 && self.ties.is_none() {
                break;
            }
            if give == 0 && self.last_key.is_none() {
                break;
            }
            if self.batch.is_none() {
                cx.run.row_goal = if self.ties.is_some() { usize::MAX } else { skip.saturating_add(give) as usize };
                self.batch = self.input.next(cx)?;
            }
            let Some(batch) = self.batch.take() else { break };
            let rows = batch.rows as u64;
            if skip >= rows {
                self.left = Some((skip - rows, give));
                continue;
            }
            let end = skip.saturating_add(give).min(rows) as usize;
            let mut total = end;
            if self.ties.is_some() && (end as u64) < rows || give == 0 || skip.saturating_add(give) == rows {
                match self.tied(cx, &batch, end) {
                    Ok(n) => total += n,
                    Err(stop) => {
                        self.batch = Some(batch);
                        return Err(stop);
                    }
                }
                self.done = total < batch.rows;
            }
            self.left = Some((0, give - (end as u64 - skip)));
            let (from, rows) = (skip as usize, total - skip as usize);
            if rows == batch.rows {
                return Ok(Some(batch));
            }
            if rows > 0 {
                let columns = batch.columns.iter().map(|c| c.slice(from..total)).collect();
                return Ok(Some(Batch { columns, rows }));
            }
        }
        self.done = true;
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.input.rescan(cx)?;
        self.left = None;
        self.offset_value = None;
        self.last_key = None;
        self.batch = None;
        self.done = false;
        Ok(())
    }
}
