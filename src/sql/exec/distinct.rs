//! DISTINCT and DISTINCT ON: the first row of each key.

use super::keys::{DistinctSet, KeyArena, KeyColumn};
use super::spill::{Cursor, TempFile};
use super::{ExecContext, Node, build};
use crate::base::memory::Claimed;
use crate::base::{Flow, Result};
use crate::sql::expr::Expr;
use crate::sql::expr::eval::Projection;
use crate::sql::plan::Plan;
use crate::types::{Batch, Column, TypeRef};

const FAN_OUT: usize = 32;
const MAX_LEVEL: u32 = 4;

/// The ways to tell a new key.
enum Method {
    /// Input sorted on the keys: compare with the row before.
    Sorted {
        spec: Vec<KeyColumn>,
        last: Option<Vec<u8>>,
    },
    Hashed(DistinctSet),
}

pub(super) struct Distinct {
    input: Box<dyn Node>,
    keys: Projection,
    types: Vec<TypeRef>,
    method: Method,
    batch: Option<Batch>,
    /// Rows behind it that the keys were too long for.
    rest: Option<Batch>,
    /// Rows with keys that did not fit, by their hash; then files still to be read.
    splits: Option<Vec<TempFile>>,
    tasks: Vec<(TempFile, u32)>,
    source: Option<(TempFile, Cursor)>,
    level: u32,
    claimed: Claimed,
}

impl Distinct {
    pub fn start(input: &Plan, keys: &[Expr], sorted: bool, cx: &mut ExecContext) -> Result<Distinct> {
        let keys = Projection::new(keys);
        let types = keys.types();
        let method = match sorted {
            true => {
                let spec = types.iter().map(|t| KeyColumn::ascending(*t)).collect();
                Method::Sorted { spec, last: None }
            }
            false => Method::Hashed(DistinctSet::new(&types)),
        };
        Ok(Distinct {
            input: build(input, cx)?,
            keys,
            types,
            method,
            batch: None,
            rest: None,
            splits: None,
            tasks: Vec::new(),
            source: None,
            level: 0,
            claimed: Claimed::default(),
        })
    }

    fn fetch(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            let batch = match (self.rest.take(), &mut self.source) {
                (None, None) => self.input.next(cx)?,
                (None, Some((f, cursor))) => f.read(cursor)?,
                (rest, _) => rest,
            };
            if batch.is_some() {
                return Ok(batch);
            }
            for mut f in self.splits.take().into_iter().flatten() {
                f.flush(cx)?;
                if f.rows > 0 {
                    self.tasks.push((f, self.level + 1));
                }
            }
            let Some((f, level)) = self.tasks.pop() else { return Ok(None) };
            self.source = Some((f, Cursor::default()));
            self.level = level;
            self.method = Method::Hashed(DistinctSet::new(&self.types));
        }
    }

    /// The rows of the present batch whose keys are new.
    fn fresh(&mut self, cx: &mut ExecContext) -> Flow<Vec<u32>> {
        let found = self.keys.beside(cx, &mut self.batch, &mut self.rest)?;
        let Some((batch, columns)) = found else { return Ok(Vec::new()) };
        let refs: Vec<&Column> = columns.iter().map(|c| &**c).collect();
        match &mut self.method {
            Method::Sorted { spec, last } => {
                let mut keys = KeyArena::default();
                keys.append_rows(&refs, spec, batch.rows);
                let mut fresh = Vec::new();
                for row in 0..batch.rows {
                    if last.as_deref() != Some(keys.get(row)) {
                        fresh.push(row as u32);
                        *last = Some(keys.get(row).to_vec());
                    }
                }
                Ok(fresh)
            }
            Method::Hashed(set) => {
                self.claimed.grown(set.memory(), "ExecutorState")?;
                if self.splits.is_none() && set.memory() > cx.settings.hash_mem() && self.level < MAX_LEVEL {
                    self.splits = Some((0..FAN_OUT).map(|_| TempFile::create(cx)).collect::<Result<_>>()?);
                }
                let Some(files) = &mut self.splits else { return Ok(set.fresh(&refs, batch.rows)?) };
                let (numbers, hashes) = set.known(&refs, batch.rows)?;
                let mut parts: Vec<Vec<u32>> = vec![Vec::new(); FAN_OUT];
                let level = self.level;
                let part = |h: u64| (h >> (59 - 5 * level) & 31) as usize;
                for (row, n) in numbers.iter().enumerate().filter(|(_, n)| **n == u32::MAX) {
                    debug_assert_eq!(*n, u32::MAX);
                    parts[part(hashes[row])].push(row as u32);
                }
                drop(columns);
                for (rows, file) in parts.iter().zip(files).filter(|(rows, _)| !rows.is_empty()) {
                    let columns = batch.columns.iter().map(|c| c.gather_rows(rows)).collect();
                    file.write(cx, &Batch { columns, rows: rows.len() })?;
                }
                Ok(Vec::new())
            }
        }
    }
}

impl Node for Distinct {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if self.batch.is_none() {
                self.batch = self.fetch(cx)?;
            }
            if self.batch.is_none() {
                return Ok(None);
            }
            let fresh = self.fresh(cx)?;
            let batch = self.batch.take();
            match batch {
                Some(b) if fresh.len() == b.rows => return Ok(Some(b)),
                Some(mut b) if !fresh.is_empty() => return Ok(Some(b.gather(&fresh))),
                _ => {}
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.input.rescan(cx)?;
        self.keys.reset();
        self.batch = None;
        self.rest = None;
        self.splits = None;
        self.tasks.clear();
        self.source = None;
        self.level = 0;
        match &mut self.method {
            Method::Sorted { last, .. } => *last = None,
            Method::Hashed(set) => *set = DistinctSet::new(&self.types),
        }
        Ok(())
    }
}
