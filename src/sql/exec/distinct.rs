//! DISTINCT and DISTINCT ON: the first row of each key.

use super::keys::{DistinctSet, KeyArena, KeyColumn};
use super::output::forms_of;
use super::row_order::{GROUPS_UP_TO, GroupTable, hash_group, room_for};
use super::spill::{Cursor, TempFile};
use super::store::RowStore;
use super::{ExecContext, Node, build};
use crate::base::memory::Claimed;
use crate::base::{Flow, Result};
use crate::sql::expr::Expr;
use crate::sql::expr::eval::Projection;
use crate::sql::plan::Plan;
use crate::types::{BATCH_BYTES, BATCH_ROWS, Batch, Column, Phys, TypeRef};

const FAN_OUT: usize = 32;
const MAX_LEVEL: u32 = 4;
/// Where a LIMIT above may be content with the first rows, it does not wait for the end of longer inputs.
const LAZY_UP_TO: usize = 64 * 1024;

/// The ways to tell a new key.
enum Method {
    /// Input sorted on the keys: compare with the row before.
    Sorted {
        spec: Vec<KeyColumn>,
        last: Option<Vec<u8>>,
    },
    Hashed(DistinctSet),
}

/// Few rows wait for the end of the input, to come out as they would of PostgreSQL's table.
enum Held {
    No,
    Waiting {
        rows: RowStore,
        /// Of the rows' keys; None: one has none.
        hashes: Option<Vec<u32>>,
        seen: usize,
        last_is_new: bool,
    },
    Giving {
        rows: RowStore,
        order: Vec<u32>,
        at: usize,
    },
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
    held: Held,
    table: GroupTable,
    forms: Vec<Phys>,
    lazy: bool,
}

impl Distinct {
    /// `expected`: how many keys there may be.
    pub fn start(
        input: &Plan,
        keys: &[Expr],
        sorted: bool,
        (expected, lazy): (f64, bool),
        cx: &mut ExecContext,
    ) -> Result<Distinct> {
        let keys = Projection::new(keys);
        let types = keys.types();
        let method = match sorted {
            true => {
                let spec = types.iter().map(|t| KeyColumn::ascending(*t)).collect();
                Method::Sorted { spec, last: None }
            }
            false => Method::Hashed(DistinctSet::new(&types)),
        };
        let room = room_for(expected, input.cost.width as usize, 0, cx.settings.hash_mem());
        let forms = forms_of(&input.columns);
        Ok(Distinct {
            held: Held::first(&method, &forms),
            table: GroupTable::new(room),
            forms,
            lazy,
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
                let Some(files) = &mut self.splits else {
                    let fresh = set.fresh(&refs, batch.rows)?;
                    if let Held::Waiting { hashes: all @ Some(_), .. } = &mut self.held {
                        let hash = |row: &u32| hash_group(&refs, &self.types, *row as usize);
                        let known = fresh.iter().map(hash).collect::<Option<Vec<_>>>();
                        *all = all.take().zip(known).map(|(mut all, known)| {
                            all.extend(known);
                            all
                        });
                    }
                    return Ok(fresh);
                };
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

impl Held {
    fn first(method: &Method, forms: &[Phys]) -> Held {
        match method {
            Method::Sorted { .. } => Held::No,
            Method::Hashed(_) => {
                Held::Waiting { rows: RowStore::new(forms), hashes: Some(Vec::new()), seen: 0, last_is_new: false }
            }
        }
    }
}

impl Distinct {
    /// Rows with new keys wait; once they are many they come out as they came, and all others after them.
    fn hold(&mut self, batch: &Batch, fresh: &[u32]) -> bool {
        let Held::Waiting { rows, seen, last_is_new, .. } = &mut self.held else { return false };
        rows.append_rows(batch, fresh);
        *seen += batch.rows;
        *last_is_new = fresh.last() == Some(&(batch.rows as u32 - 1));
        let many = rows.len() > GROUPS_UP_TO || rows.bytes() > BATCH_BYTES || self.splits.is_some();
        if many || self.lazy && *seen > LAZY_UP_TO {
            let mut rows = std::mem::replace(rows, RowStore::new(&[]));
            rows.finish();
            self.held = Held::Giving { order: (0..rows.len() as u32).collect(), rows, at: 0 };
        }
        true
    }

    /// The input is at its end.
    fn arrange(&mut self) {
        let Held::Waiting { rows, hashes, last_is_new, .. } = &mut self.held else { return };
        let mut rows = std::mem::replace(rows, RowStore::new(&[]));
        rows.finish();
        let order = match hashes {
            Some(hashes) => self.table.walk(hashes, !*last_is_new),
            None => (0..rows.len() as u32).collect(),
        };
        self.held = Held::Giving { rows, order, at: 0 };
    }
}

impl Node for Distinct {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let Held::Giving { rows, order, at } = &mut self.held {
                let part = &order[*at..(*at + BATCH_ROWS).min(order.len())];
                *at += part.len();
                if !part.is_empty() {
                    return Ok(Some(rows.gather(part)));
                }
                self.held = Held::No;
            }
            if self.batch.is_none() {
                self.batch = self.fetch(cx)?;
            }
            if self.batch.is_none() {
                if matches!(self.held, Held::No) {
                    return Ok(None);
                }
                self.arrange();
                continue;
            }
            let fresh = self.fresh(cx)?;
            let batch = self.batch.take();
            if batch.as_ref().is_some_and(|b| self.hold(b, &fresh)) {
                continue;
            }
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
        self.held = Held::first(&self.method, &self.forms);
        Ok(())
    }
}
