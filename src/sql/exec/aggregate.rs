//! Aggregation: plain, hashed with spill, sorted, and grouping sets.
//!
//! All expressions (grouping columns, arguments, filters, orderings) are evaluated once per batch; the groups of each
//! grouping set are numbered, and each call's states are fed whole columns with the rows' group numbers. Past
//! `hash_mem` no new groups are made: rows of unknown groups go to partitions on disk, which are aggregated after the
//! groups in memory (PostgreSQL 15, nodeAgg.c: same plan).

use super::keys::{DistinctSet, KeyArena, KeyColumn};
use super::output::{Output, phys_of};
use super::row_order::{GROUPS_UP_TO, GroupTable, room_for};
use super::sorter::{Sorter, Ties};
use super::spill::{Cursor, TempFile};
use super::store::RowStore;
use super::user_aggregate::{States, UserAggregate};
use super::{ExecContext, Node, build};
use crate::base::memory::Claimed;
use crate::base::{Flow, Result};
use crate::sql::expr::eval::{Projection, Scope};
use crate::sql::expr::{AggCall, Expr, ExprKind, same};
use crate::sql::func::aggregate::{self, AggregateCall, Groups, OrderedBy};
use crate::sql::plan::{self, AggStrategy, has_volatile};
use crate::types::{BATCH_ROWS, Batch, Column, ColumnData, Datum, Phys, TypeRef, long, oid};
use std::ops::Range;
use std::sync::Arc;

const FAN_OUT: usize = 32;
const MAX_LEVEL: u32 = 4;
/// Of a sorter's key that many bytes are the group's number: it is not NULL, and an int4.
const GROUP_KEY: usize = 5;

/// Where a call's expressions stand among all expressions.
struct CallSpec {
    func: &'static crate::sql::func::FuncDef,
    args: Range<usize>,
    order: Range<usize>,
    /// For each grouping set.
    direct: Vec<Range<usize>>,
    filter: Option<usize>,
    distinct: bool,
    arg_types: Vec<TypeRef>,
    order_by: Vec<OrderedBy>,
    ret: TypeRef,
    ordered_set: bool,
    /// None: a built-in one.
    user: Option<Arc<UserAggregate>>,
}

impl CallSpec {
    fn call(&self) -> AggregateCall<'_> {
        AggregateCall { func: self.func, args: &self.arg_types, order: &self.order_by, ret: self.ret }
    }

    fn open(&self) -> Result<States> {
        States::open(self.user.as_ref(), &self.call())
    }

    /// Rows must be sorted before they are fed.
    fn is_sorted(&self) -> bool {
        self.distinct || !self.order.is_empty()
    }

    /// Expressions fed to the states of a set, in order.
    fn fed(&self, set: usize) -> Vec<usize> {
        match self.ordered_set {
            true => self.order.clone().chain(self.direct.get(set).cloned().unwrap_or_default()).collect(),
            false => self.args.clone().collect(),
        }
    }

    /// The sorter's key after the group number: ordering, then, for DISTINCT, the arguments.
    fn key(&self) -> Vec<usize> {
        let args = if self.distinct { self.args.clone() } else { 0..0 };
        self.order.clone().chain(args).collect()
    }
}

/// One call's states within one grouping set.
struct CallState {
    states: States,
    sorter: Option<Sorter>,
}

/// One grouping set under way.
struct Set {
    /// Grouping expressions kept.
    keep: Vec<usize>,
    groups: DistinctSet,
    /// The grouping columns of each group's first row, all of them.
    first_rows: RowStore,
    calls: Vec<CallState>,
    splits: Option<Vec<TempFile>>,
    /// The last row taken in made the last group.
    last_is_new: bool,
    /// The groups in the order in which they are given out; None: as they were made.
    order: Option<Vec<u32>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Input,
    /// Groups of a set are given out, from this one on.
    Give {
        set: usize,
        group: usize,
    },
    Done,
}

/// Rows of one grouping set still to be aggregated: all expressions' values.
struct Task {
    file: TempFile,
    set: usize,
    level: u32,
}

pub(super) struct Aggregate {
    input: Box<dyn Node>,
    exprs: Projection,
    expr_types: Vec<TypeRef>,
    groups: usize,
    specs: Vec<CallSpec>,
    set_list: Vec<Vec<usize>>,
    /// Of each set: how PostgreSQL's table of its groups would look.
    tables: Vec<GroupTable>,
    strategy: AggStrategy,
    sets: Vec<Set>,
    batch: Option<Batch>,
    /// Evaluated rows not taken in yet.
    pending: Option<Batch>,
    input_done: bool,
    phase: Phase,
    tasks: Vec<Task>,
    /// The partition being read, and whose set it is.
    source: Option<(Task, Cursor)>,
    level: u32,
    output: Output,
    width: Option<usize>,
    /// Sorted input: the last row's key.
    last_key: Option<Vec<u8>>,
    numbers: Vec<u32>,
    /// A LIMIT or a cursor above wants no more groups than it asks for.
    lazy: bool,
    claimed: Claimed,
}

/// Adds expressions to the common list; where they stand.
fn add(list: &mut Vec<Expr>, exprs: impl Iterator<Item = Expr>) -> Range<usize> {
    let start = list.len();
    list.extend(exprs);
    start..list.len()
}

/// What a filter may keep from failing is computed for the rows it passes alone; a column fails nowhere.
fn guarded(filter: Option<&Expr>, e: &Expr) -> Expr {
    match filter {
        Some(f) if !matches!(e.kind, ExprKind::Column(_) | ExprKind::Const(_)) && !has_volatile(f) => {
            let arms = vec![(f.clone(), e.clone())];
            Expr { kind: ExprKind::Case { operand: None, arms, otherwise: None }, ..e.clone() }
        }
        _ => e.clone(),
    }
}

/// An expression over what is grouped by, in a set that leaves some of that out.
fn without_keys(e: &Expr, keys: &[Expr], set: &[usize]) -> Expr {
    let mut e = e.clone();
    match keys.iter().position(|k| same(k, &e)) {
        Some(key) if set.contains(&key) => {}
        Some(_) => e.kind = ExprKind::Const(crate::types::Value::Null),
        None => e.for_each_child_mut(&mut |c| *c = without_keys(c, keys, set)),
    }
    e
}

fn spec(call: &AggCall, list: &mut Vec<Expr>, keys: &[Expr], sets: &[Vec<usize>]) -> CallSpec {
    let filter = call.filter.as_ref();
    let args = if call.star { 0..0 } else { add(list, call.args.iter().map(|a| guarded(filter, a))) };
    let order = add(list, call.order_by.iter().map(|k| guarded(filter, &k.expr)));
    let of_set = |set: &Vec<usize>| add(list, call.direct_args.iter().map(|e| without_keys(e, keys, set)));
    let direct = sets.iter().map(of_set).collect();
    let filter = call.filter.as_ref().map(|f| add(list, std::iter::once(f.clone())).start);
    let order_by =
        call.order_by.iter().map(|k| OrderedBy { ty: k.expr.ty, desc: k.desc, nulls_first: k.nulls_first }).collect();
    CallSpec {
        func: call.func,
        args,
        order,
        direct,
        filter,
        distinct: call.distinct,
        arg_types: call.args.iter().map(|a| a.ty).collect(),
        order_by,
        ret: call.ty,
        ordered_set: aggregate::is_ordered_set(call.func),
        user: None,
    }
}

impl Aggregate {
    pub fn start(a: &plan::Aggregate, width: usize, lazy: bool, cx: &mut ExecContext) -> Result<Aggregate> {
        let mut list = a.group_by.clone();
        let set_list = match (a.sets.is_empty(), a.strategy) {
            (true, AggStrategy::Plain) => vec![Vec::new()],
            (true, _) => vec![(0..a.group_by.len()).collect()],
            (false, _) => a.sets.clone(),
        };
        let mut specs: Vec<CallSpec> = a.calls.iter().map(|c| spec(c, &mut list, &a.group_by, &set_list)).collect();
        for s in &mut specs {
            s.user = UserAggregate::of(cx, &s.call(), "aggregate")?;
        }
        let exprs = Projection::new(&list);
        let input_width = a.input.cost.width as usize;
        let memory = cx.settings.hash_mem() / set_list.len().max(1);
        let expected = (0..set_list.len()).map(|n| a.groups.get(n).copied().unwrap_or(1.0));
        let tables = expected.map(|n| GroupTable::new(room_for(n, input_width, specs.len(), memory))).collect();
        let mut scope = Scope::default();
        scope.sets = Some((a.group_by.len() + specs.len(), set_list.clone()));
        let output = Output::with_scope(a.having.as_ref(), a.project.as_deref(), &mut scope).lazy(lazy);
        let mut node = Aggregate {
            input: build(&a.input, cx)?,
            expr_types: exprs.types(),
            exprs,
            groups: a.group_by.len(),
            specs,
            set_list,
            tables,
            strategy: a.strategy,
            sets: Vec::new(),
            batch: None,
            pending: None,
            input_done: false,
            phase: Phase::Input,
            tasks: Vec::new(),
            source: None,
            level: 0,
            output,
            width: a.project.is_none().then_some(width),
            last_key: None,
            numbers: Vec::new(),
            lazy,
            claimed: Claimed::default(),
        };
        node.begin()?;
        Ok(node)
    }

    /// Empty sets.
    fn begin(&mut self) -> Result<()> {
        self.sets = (0..self.set_list.len()).map(|n| self.open_set(n)).collect::<Result<_>>()?;
        Ok(())
    }

    fn open_set(&self, number: usize) -> Result<Set> {
        let keep = self.set_list[number].clone();
        let types: Vec<TypeRef> = keep.iter().map(|k| self.expr_types[*k]).collect();
        let forms: Vec<Phys> = self.expr_types[..self.groups].iter().map(|t| phys_of(*t)).collect();
        let call = |spec: &CallSpec| -> Result<CallState> {
            Ok(CallState { states: spec.open()?, sorter: spec.is_sorted().then(|| self.sorter(spec)) })
        };
        let mut calls = self.specs.iter().map(call).collect::<Result<Vec<_>>>()?;
        if types.is_empty() {
            calls.iter_mut().for_each(|c| c.states.resize(1));
        }
        Ok(Set {
            groups: DistinctSet::new(&types),
            keep,
            first_rows: RowStore::new(&forms),
            calls,
            splits: None,
            last_is_new: false,
            order: None,
        })
    }

    /// Sorts by group number, then by the call's ordering.
    fn sorter(&self, spec: &CallSpec) -> Sorter {
        let mut key = vec![KeyColumn::ascending(TypeRef::of(oid::INT4))];
        let ordered = spec.order_by.iter().map(|o| KeyColumn { ty: o.ty, desc: o.desc, nulls_first: o.nulls_first });
        key.extend(ordered);
        if spec.distinct {
            key.extend(spec.args.clone().map(|a| KeyColumn::ascending(self.expr_types[a])));
        }
        let mut forms = vec![Phys::I32];
        forms.extend(spec.fed(0).iter().map(|e| phys_of(self.expr_types[*e])));
        Sorter::new(key, &forms, None, Ties::InParts)
    }

    /// Makes the next rows' evaluated columns available; false at the end.
    fn fetch(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        if self.pending.is_some() {
            return Ok(true);
        }
        if let Some((task, cursor)) = &mut self.source {
            self.pending = task.file.read(cursor)?;
            return Ok(self.pending.is_some());
        }
        if self.batch.is_none() {
            self.batch = self.input.next(cx)?;
        }
        if self.batch.is_none() {
            return Ok(false);
        }
        self.pending = Some(self.exprs.take(cx, &mut self.batch)?);
        Ok(true)
    }

    /// Takes rows in until the input's end, or, for sorted input, until enough groups are complete.
    fn consume(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while !self.input_done {
            if !self.fetch(cx)? {
                self.input_done = true;
                break;
            }
            // Nothing from here on waits.
            let Some(mut rows) = self.pending.take() else { break };
            if let Some(at) = self.last_change(&rows) {
                let cut = |range: Range<usize>| Batch {
                    columns: rows.columns.iter().map(|c| c.slice(range.clone())).collect(),
                    rows: range.len(),
                };
                self.pending = Some(cut(at..rows.rows));
                rows = cut(0..at);
                self.feed(cx, 0, &rows)?;
                self.last_key = None;
                break;
            }
            match &self.source {
                Some((task, _)) => self.feed(cx, task.set, &rows)?,
                None => (0..self.sets.len()).try_for_each(|set| self.feed(cx, set, &rows))?,
            }
        }
        Ok(())
    }

    /// For sorted input with many groups: where the last group of the batch begins, if another one ends before it.
    fn last_change(&mut self, rows: &Batch) -> Option<usize> {
        if self.strategy != AggStrategy::Sorted || self.sets.len() != 1 || self.sets[0].keep.is_empty() {
            return None;
        }
        let keep = &self.sets[0].keep;
        let spec: Vec<KeyColumn> = keep.iter().map(|k| KeyColumn::ascending(self.expr_types[*k])).collect();
        let keys: Vec<&Column> = keep.iter().map(|k| &rows.columns[*k]).collect();
        let mut arena = KeyArena::default();
        arena.append_rows(&keys, &spec, rows.rows);
        let before = |r: usize| if r == 0 { self.last_key.as_deref() } else { Some(arena.get(r - 1)) };
        let change = (0..rows.rows).rev().find(|r| before(*r).is_some_and(|k| k != arena.get(*r)));
        let change = change.filter(|_| self.lazy || self.sets[0].groups.len() >= BATCH_ROWS);
        self.last_key = Some(arena.get(rows.rows - 1).to_vec());
        change
    }

    /// Takes evaluated rows into a grouping set.
    fn feed(&mut self, cx: &mut ExecContext, set: usize, rows: &Batch) -> Result<()> {
        if rows.rows == 0 {
            return Ok(());
        }
        let plain = self.sets[set].keep.is_empty();
        if plain {
            if self.sets[set].groups.len() == 0 {
                let none: [&Column; 0] = [];
                self.sets[set].groups.numbers(&none, 1, &mut self.numbers)?;
                let first = rows.columns[..self.groups].iter();
                self.sets[set].first_rows.append_columns(first, 1, None);
            }
            self.update(cx, set, rows, Groups::One(rows.rows))?;
            let memory = self.sets[set].calls.iter().map(|c| c.states.bytes()).sum();
            return self.claimed.grown(memory, "ExecutorState");
        }
        let mut numbers = std::mem::take(&mut self.numbers);
        let s = &mut self.sets[set];
        let keys: Vec<&Column> = s.keep.iter().map(|k| &rows.columns[*k]).collect();
        if s.splits.is_some() {
            let (known, hashes) = s.groups.known(&keys, rows.rows)?;
            return self.split(cx, set, rows, &known, &hashes);
        }
        let before = s.groups.len();
        s.groups.numbers(&keys, rows.rows, &mut numbers)?;
        s.last_is_new = false;
        if s.groups.len() > before {
            let mut next = before as u32;
            let mut fresh = Vec::new();
            for (row, n) in numbers.iter().enumerate() {
                if *n == next {
                    fresh.push(row as u32);
                    next += 1;
                }
            }
            s.last_is_new = fresh.last() == Some(&(rows.rows as u32 - 1));
            s.first_rows.append_columns(rows.columns[..self.groups].iter(), fresh.len(), Some(&fresh));
            let groups = s.groups.len();
            s.calls.iter_mut().for_each(|c| c.states.resize(groups));
        }
        self.update(cx, set, rows, Groups::Many(&numbers))?;
        self.numbers = numbers;
        let s = &mut self.sets[set];
        let memory = s.groups.memory()
            + s.first_rows.bytes()
            + s.calls.iter().map(|c| c.states.bytes() + s.groups.len() * 16).sum::<usize>();
        self.claimed.grown(memory, "ExecutorState")?;
        let hashed = self.strategy == AggStrategy::Hash || self.set_list.len() > 1;
        if hashed && memory > cx.settings.hash_mem() && self.level < MAX_LEVEL {
            s.splits = Some((0..FAN_OUT).map(|_| TempFile::create(cx)).collect::<Result<_>>()?);
        }
        Ok(())
    }

    /// Rows of known groups are taken in, the others go to partitions.
    fn split(&mut self, cx: &mut ExecContext, set: usize, rows: &Batch, known: &[u32], hashes: &[u64]) -> Result<()> {
        let mut parts: Vec<Vec<u32>> = vec![Vec::new(); FAN_OUT];
        let mut inside = Vec::new();
        for (row, n) in known.iter().enumerate() {
            match n {
                &u32::MAX => parts[(hashes[row] >> (59 - 5 * self.level) & 31) as usize].push(row as u32),
                _ => inside.push(row as u32),
            }
        }
        let pick = |list: &[u32]| Batch {
            columns: rows.columns.iter().map(|c| c.gather_rows(list)).collect(),
            rows: list.len(),
        };
        if let Some(files) = &mut self.sets[set].splits {
            for (list, file) in parts.iter().zip(files).filter(|(list, _)| !list.is_empty()) {
                file.write(cx, &pick(list))?;
            }
        }
        if inside.is_empty() {
            return Ok(());
        }
        let groups: Vec<u32> = inside.iter().map(|r| known[*r as usize]).collect();
        self.update(cx, set, &pick(&inside), Groups::Many(&groups))
    }

    /// Feeds the rows to all calls of a set.
    fn update(&mut self, cx: &mut ExecContext, set: usize, rows: &Batch, groups: Groups<'_>) -> Result<()> {
        for (spec, call) in self.specs.iter().zip(&mut self.sets[set].calls) {
            let fed: Vec<&Column> = spec.fed(set).into_iter().map(|e| &rows.columns[e]).collect();
            let passing = spec.filter.and_then(|f| passing(&rows.columns[f]));
            if let Some(sorter) = &mut call.sorter {
                let numbers = (0..rows.rows).map(|r| groups.of(r) as i32).collect();
                let mut payload =
                    Batch { columns: vec![Column { data: ColumnData::I32(numbers), nulls: None }], rows: rows.rows };
                payload.columns.extend(fed.iter().map(|c| (*c).clone()));
                let mut keys: Vec<Column> = vec![payload.columns[0].clone()];
                keys.extend(spec.key().into_iter().map(|e| rows.columns[e].clone()));
                if let Some(list) = &passing {
                    keys = keys.iter().map(|c| c.gather_rows(list)).collect();
                    payload = payload.gather(list);
                }
                sorter.push(cx, &keys.iter().collect::<Vec<_>>(), &payload)?;
                continue;
            }
            match passing {
                None => call.states.add(cx, &fed, groups)?,
                Some(list) => {
                    let picked: Vec<Column> = fed.iter().map(|c| c.gather_rows(&list)).collect();
                    let picked: Vec<&Column> = picked.iter().collect();
                    let numbers: Vec<u32>;
                    let groups = match groups {
                        Groups::One(_) => Groups::One(list.len()),
                        Groups::Many(g) => {
                            numbers = list.iter().map(|r| g[*r as usize]).collect();
                            Groups::Many(&numbers)
                        }
                    };
                    call.states.add(cx, &picked, groups)?;
                }
            }
        }
        Ok(())
    }

    /// Feeds what was sorted; a DISTINCT call sees each combination once.
    fn finish_sorted(&mut self, cx: &mut ExecContext, set: usize) -> Result<()> {
        for (spec, call) in self.specs.iter().zip(&mut self.sets[set].calls) {
            let Some(sorter) = &mut call.sorter else { continue };
            sorter.finish_groups(cx, GROUP_KEY)?;
            let mut keys = KeyArena::default();
            let mut last: Option<Vec<u8>> = None;
            while let Some(mut rows) = sorter.next(Some(&mut keys))? {
                cx.interrupts.check()?;
                if spec.distinct {
                    let mut fresh = Vec::new();
                    for row in 0..rows.rows {
                        if last.as_deref() != Some(keys.get(row)) {
                            fresh.push(row as u32);
                            last = Some(keys.get(row).to_vec());
                        }
                    }
                    rows = rows.gather(&fresh);
                }
                let ColumnData::I32(numbers) = &rows.columns[0].data else { continue };
                let groups: Vec<u32> = numbers.iter().map(|n| *n as u32).collect();
                let fed: Vec<&Column> = rows.columns[1..].iter().collect();
                call.states.add(cx, &fed, Groups::Many(&groups))?;
            }
            call.sorter = None;
        }
        Ok(())
    }

    /// Groups that exist: an empty grouping set has its one group also without input.
    fn group_count(&self, set: usize) -> usize {
        let s = &self.sets[set];
        // Only the first pass over the input gives the group without rows.
        if s.keep.is_empty() { usize::from(self.source.is_none()) } else { s.groups.len() }
    }

    /// Few groups that were all in memory come out as they would of PostgreSQL's table.
    fn arrange(&mut self, set: usize) {
        let s = &mut self.sets[set];
        let small = (2..=GROUPS_UP_TO).contains(&s.groups.len());
        if self.strategy != AggStrategy::Hash || self.source.is_some() || s.splits.is_some() || !small {
            return;
        }
        let keys: Vec<&Column> = s.keep.iter().map(|k| &s.first_rows.columns()[*k]).collect();
        let types: Vec<TypeRef> = s.keep.iter().map(|k| self.expr_types[*k]).collect();
        s.order = self.tables[set].walk_keys(&keys, &types, s.groups.len(), !s.last_is_new);
    }

    /// Up to a batch of a set's groups as output rows.
    fn give(&mut self, cx: &mut ExecContext, set: usize, from: usize) -> Result<Option<Batch>> {
        let end = self.group_count(set).min(from + BATCH_ROWS);
        if from >= end {
            return Ok(None);
        }
        let s = &self.sets[set];
        // Group by group, as PostgreSQL does: long answers end the batch early.
        let mut answers: Vec<Column> = self.specs.iter().map(|spec| Column::new(phys_of(spec.ret))).collect();
        let mut end = end;
        let nth = |n: usize| s.order.as_ref().map_or(n, |order| order[n] as usize);
        for group in from..end {
            for (call, out) in s.calls.iter().zip(&mut answers) {
                call.states.finish(cx, nth(group), out)?;
            }
            if long(&answers) {
                end = group + 1;
                break;
            }
        }
        let rows = end - from;
        let mut columns = Vec::with_capacity(self.groups + self.specs.len() + 1);
        for g in 0..self.groups {
            let kept = s.keep.contains(&g) && s.first_rows.len() >= end;
            columns.push(match kept {
                true => match &s.order {
                    Some(order) => s.first_rows.columns()[g].gather_rows(&order[from..end]),
                    None => s.first_rows.columns()[g].slice(from..end),
                },
                false => Column::constant(phys_of(self.expr_types[g]), Datum::Null, rows),
            });
        }
        columns.append(&mut answers);
        columns.push(Column::constant(Phys::I32, Datum::I32(set as i32), rows));
        if let Some(width) = self.width {
            columns.truncate(width);
        }
        Ok(Some(Batch { columns, rows }))
    }

    /// After the last group of a set: its partitions become tasks; then the next set, the rest of the input or a task.
    fn after_set(&mut self, cx: &mut ExecContext, set: usize) -> Result<()> {
        for mut file in self.sets[set].splits.take().into_iter().flatten() {
            file.flush(cx)?;
            if file.rows > 0 {
                self.tasks.push(Task { file, set, level: self.level + 1 });
            }
        }
        self.sets[set] = self.open_set(set)?;
        if self.source.is_none()
            && let Some(next) = self.set_after(Some(set))
        {
            self.finish_sorted(cx, next)?;
            self.arrange(next);
            self.phase = Phase::Give { set: next, group: 0 };
        } else if !self.input_done {
            self.phase = Phase::Input;
        } else if let Some(task) = self.tasks.pop() {
            self.level = task.level;
            self.source = Some((task, Cursor::default()));
            self.input_done = false;
            self.phase = Phase::Input;
        } else {
            self.phase = Phase::Done;
        }
        Ok(())
    }

    /// The set whose groups come first.
    fn first_set(&self) -> usize {
        self.source.as_ref().map_or_else(|| self.set_after(None).unwrap_or(0), |(task, _)| task.set)
    }

    /// The set whose groups come next: those that keep nothing come before those that have tables, as PostgreSQL's do.
    fn set_after(&self, set: Option<usize>) -> Option<usize> {
        let turn = |n: usize| (!self.set_list[n].is_empty(), n);
        (0..self.set_list.len()).filter(|n| set.is_none_or(|s| turn(*n) > turn(s))).min_by_key(|n| turn(*n))
    }
}

/// Rows for which a filter is true; None: all.
fn passing(filter: &Column) -> Option<Vec<u32>> {
    let ColumnData::Bool(values) = &filter.data else { return Some(Vec::new()) };
    let list: Vec<u32> = (0..values.len()).filter(|r| values[*r] && !filter.is_null(*r)).map(|r| r as u32).collect();
    (list.len() < values.len()).then_some(list)
}

impl Node for Aggregate {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
            match self.phase {
                Phase::Input => {
                    self.consume(cx)?;
                    let set = self.first_set();
                    self.finish_sorted(cx, set)?;
                    self.arrange(set);
                    self.phase = Phase::Give { set, group: 0 };
                }
                Phase::Give { set, group } => {
                    cx.poll()?;
                    match self.give(cx, set, group)? {
                        Some(batch) => {
                            self.phase = Phase::Give { set, group: group + batch.rows };
                            self.output.feed(batch);
                        }
                        None => self.after_set(cx, set)?,
                    }
                }
                Phase::Done => return Ok(None),
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.input.rescan(cx)?;
        self.exprs.reset();
        self.output.reset();
        self.batch = None;
        self.pending = None;
        self.input_done = false;
        self.phase = Phase::Input;
        self.tasks.clear();
        self.source = None;
        self.level = 0;
        self.last_key = None;
        self.begin()?;
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
