//! UNION, INTERSECT and EXCEPT by hashing: the right side is counted, the left side streams past the counts.

use super::keys::DistinctSet;
use super::output::forms_of;
use super::row_order::{GROUPS_UP_TO, GroupTable, hash_group, room_for};
use super::store::RowStore;
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::plan::{Plan, SetOpKind};
use crate::types::{BATCH_BYTES, BATCH_ROWS, Batch, Column, Phys, TypeRef};

pub(super) struct SetOp {
    left: Box<dyn Node>,
    right: Box<dyn Node>,
    op: SetOpKind,
    all: bool,
    types: Vec<TypeRef>,
    set: DistinctSet,
    /// How often each key of the set may still be matched.
    counts: Vec<u64>,
    right_done: bool,
    left_done: bool,
    numbers: Vec<u32>,
    held: Held,
    table: GroupTable,
    forms: Vec<Phys>,
    right_first: bool,
}

/// Few rows wait for the end, to come out as they would of PostgreSQL's table: that has the different rows of the input
/// it reads first.
enum Held {
    No,
    Waiting(Waiting),
    Giving { rows: RowStore, order: Vec<u32>, at: usize },
}

struct Waiting {
    /// Of the different rows in the table; None: one has none.
    hashes: Option<Vec<u32>>,
    /// Each key's place among them + 1; 0 for keys that are not in the table.
    places: Vec<u32>,
    last_is_new: bool,
    /// What comes out, and the numbers of their keys.
    rows: RowStore,
    keys: Vec<u32>,
}

impl Waiting {
    fn new(forms: &[Phys]) -> Waiting {
        let rows = RowStore::new(forms);
        Waiting { hashes: Some(Vec::new()), places: Vec::new(), last_is_new: false, rows, keys: Vec::new() }
    }

    /// Rows with keys of these numbers go into the table.
    fn enter(&mut self, batch: &Batch, numbers: &[u32], types: &[TypeRef]) {
        let Some(hashes) = &mut self.hashes else { return };
        let columns: Vec<&Column> = batch.columns.iter().collect();
        for (row, n) in numbers.iter().enumerate() {
            let n = *n as usize;
            self.places.resize(self.places.len().max(n + 1), 0);
            self.last_is_new = self.places[n] == 0;
            if self.last_is_new {
                let Some(hash) = hash_group(&columns, types, row) else {
                    self.hashes = None;
                    return;
                };
                hashes.push(hash);
                self.places[n] = hashes.len() as u32;
            }
        }
    }

    /// The rows that come out, key by key as the table is walked.
    fn order(&self, table: &mut GroupTable) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
        let Some(hashes) = &self.hashes else { return order };
        let mut turns = vec![0; hashes.len() + 1];
        for (turn, group) in table.walk(hashes, !self.last_is_new).into_iter().enumerate() {
            turns[group as usize + 1] = turn;
        }
        let place = |row: &u32| self.places.get(self.keys[*row as usize] as usize).copied().unwrap_or(0);
        order.sort_by_key(|row| turns[place(row) as usize]);
        order
    }
}

impl Held {
    fn first(op: SetOpKind, forms: &[Phys]) -> Held {
        match op {
            SetOpKind::Union => Held::No,
            _ => Held::Waiting(Waiting::new(forms)),
        }
    }
}

impl SetOp {
    /// Of how many different rows PostgreSQL would make its table, and whether those are the right side's.
    pub fn start(
        (left, right): (&Plan, &Plan),
        op: SetOpKind,
        all: bool,
        (groups, right_first): (f64, bool),
        cx: &mut ExecContext,
    ) -> Result<SetOp> {
        let forms = forms_of(&left.columns);
        let room = room_for(groups, left.cost.width as usize, 0, cx.settings.hash_mem());
        let types: Vec<TypeRef> = left.columns.iter().map(|c| c.ty).collect();
        Ok(SetOp {
            left: build(left, cx)?,
            right: build(right, cx)?,
            op,
            all,
            set: DistinctSet::new(&types),
            types,
            counts: Vec::new(),
            right_done: false,
            left_done: false,
            numbers: Vec::new(),
            held: Held::first(op, &forms),
            table: GroupTable::new(room),
            forms,
            right_first,
        })
    }

    /// Rows wait; false: they do not. Once they are many they come out as they came, and all others after them.
    fn hold(&mut self, batch: &Batch, passed: &[u32]) -> bool {
        let Held::Waiting(w) = &mut self.held else { return false };
        if !self.right_first {
            w.enter(batch, &self.numbers, &self.types);
        }
        w.rows.append_rows(batch, passed);
        w.keys.extend(passed.iter().map(|row| self.numbers[*row as usize]));
        if w.rows.len() > GROUPS_UP_TO || self.set.len() > GROUPS_UP_TO || w.rows.bytes() > BATCH_BYTES {
            let mut rows = std::mem::replace(&mut w.rows, RowStore::new(&[]));
            rows.finish();
            self.held = Held::Giving { order: (0..rows.len() as u32).collect(), rows, at: 0 };
        }
        true
    }

    /// All rows are in.
    fn arrange(&mut self) {
        let Held::Waiting(w) = &mut self.held else { return };
        let order = w.order(&mut self.table);
        let mut rows = std::mem::replace(&mut w.rows, RowStore::new(&[]));
        rows.finish();
        self.held = Held::Giving { rows, order, at: 0 };
    }

    /// Rows that have waited.
    fn held(&mut self) -> Option<Batch> {
        let Held::Giving { rows, order, at } = &mut self.held else { return None };
        let part = &order[*at..(*at + BATCH_ROWS).min(order.len())];
        *at += part.len();
        if part.is_empty() {
            self.held = Held::No;
            return None;
        }
        Some(rows.gather(part))
    }

    fn number(&mut self, batch: &Batch) -> Result<()> {
        let columns: Vec<&Column> = batch.columns.iter().collect();
        self.set.numbers(&columns, batch.rows, &mut self.numbers)?;
        self.counts.resize(self.set.len(), 0);
        Ok(())
    }

    /// The rows of a left batch that come out.
    fn pass(&mut self, batch: &Batch) -> Result<Vec<u32>> {
        let known = self.set.len();
        self.number(batch)?;
        let mut out = Vec::new();
        let mut fresh = known;
        for (row, n) in self.numbers.iter().enumerate() {
            let count = &mut self.counts[*n as usize];
            let first_seen = *n as usize >= fresh;
            fresh = fresh.max(*n as usize + 1);
            let passes = match (self.op, self.all) {
                (SetOpKind::Union, true) => true,
                (SetOpKind::Union, false) => first_seen,
                (SetOpKind::Intersect, all) => {
                    let hit = *count > 0;
                    *count = if all { count.saturating_sub(1) } else { 0 };
                    hit
                }
                (SetOpKind::Except, true) => {
                    let hit = *count > 0;
                    *count = count.saturating_sub(1);
                    !hit
                }
                (SetOpKind::Except, false) => first_seen,
            };
            if passes {
                out.push(row as u32);
            }
        }
        Ok(out)
    }
}

impl Node for SetOp {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let union = self.op == SetOpKind::Union;
        while !union && !self.right_done {
            match self.right.next(cx)? {
                None => self.right_done = true,
                Some(batch) => {
                    self.number(&batch)?;
                    self.numbers.iter().for_each(|n| self.counts[*n as usize] += 1);
                    if let (true, Held::Waiting(w)) = (self.right_first, &mut self.held) {
                        w.enter(&batch, &self.numbers, &self.types);
                    }
                    if self.set.len() > GROUPS_UP_TO {
                        self.held = Held::No;
                    }
                }
            }
        }
        loop {
            if let Some(rows) = self.held() {
                return Ok(Some(rows));
            }
            let batch = if self.left_done {
                if matches!(self.held, Held::Waiting(_)) {
                    self.arrange();
                    continue;
                }
                if !union || self.right_done {
                    return Ok(None);
                }
                self.right.next(cx)?
            } else {
                self.left.next(cx)?
            };
            let Some(mut batch) = batch else {
                self.right_done |= self.left_done;
                self.left_done = true;
                continue;
            };
            let rows = self.pass(&batch)?;
            if self.hold(&batch, &rows) {
                continue;
            }
            if !rows.is_empty() {
                return Ok(Some(if rows.len() == batch.rows { batch } else { batch.gather(&rows) }));
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.left.rescan(cx)?;
        self.right.rescan(cx)?;
        self.set = DistinctSet::new(&self.types);
        self.counts.clear();
        self.right_done = false;
        self.left_done = false;
        self.held = Held::first(self.op, &self.forms);
        Ok(())
    }
}
