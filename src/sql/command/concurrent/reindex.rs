//! REINDEX CONCURRENTLY: each index of a table gets a twin, which is filled beside writers; both change places; the old
//! one goes.
//!
//! PostgreSQL 15, indexcmds.c, ReindexRelationConcurrently: same transactions, same waits, same words. Departs from it in
//! what changes places: the files. The index keeps its OID, and with it its constraint, its comment and whoever depends
//! on it; the twin goes with the old file.

use super::super::index::{self, NewIndex, of_table, order_of};
use super::super::vacuum::store_index_stats;
use super::super::write::{class_of, put};
use super::super::{Command, act_restricted, drop, names, restricted_as};
use super::validate::Validation;
use super::waiting::Waiting;
use super::{commit, drop as removal, fill_beside_writers, hold, let_go, show};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::IndexStage;
use crate::catalog::{Index, IndexMethod, Object, Relation};
use crate::lock::LockMode;
use crate::recovery::Usage;
use crate::sql::exec::ExecContext;
use crate::stat::Task;
use std::collections::VecDeque;
use std::mem::swap;
use std::sync::Arc;

/// What is to be built anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whole {
    /// The indexes of a table. `asked`: it was named.
    Table {
        oid: Oid,
        asked: bool,
    },
    Index(Oid),
}

/// An index and its twin.
#[derive(Clone, Copy)]
struct Pair {
    index: Oid,
    twin: Oid,
}

/// What is done next to one table's pairs.
enum Phase {
    Unaware(Waiting),
    Fill(usize),
    NotPutting(Waiting),
    Validate(usize, Option<Box<Validation>>),
    Older(usize, Waiting),
    Swap,
    Searching(Waiting),
    KeepingUp(Waiting),
}

struct Round {
    whole: Whole,
    table: Oid,
    pairs: Vec<Pair>,
    phase: Phase,
    usage: Usage,
}

/// A REINDEX CONCURRENTLY that is under way.
pub struct Replacement {
    verbose: bool,
    left: VecDeque<Whole>,
    round: Option<Box<Round>>,
}

impl Replacement {
    pub fn begin(cmd: &mut Command, cx: &mut ExecContext, wholes: Vec<Whole>, verbose: bool) -> Flow<String> {
        cmd.progress(|| Replacement { verbose, left: wholes.into(), round: None }).go_on(cx)
    }

    /// The one that a command has begun.
    pub fn begun(cmd: &mut Command) -> Option<&mut Replacement> {
        cmd.progress.as_mut()?.downcast_mut()
    }

    pub fn go_on(&mut self, cx: &mut ExecContext) -> Flow<String> {
        loop {
            if let Some(round) = &mut self.round {
                round.go_on(cx)?;
                if self.verbose {
                    round.tell(cx)?;
                }
                self.round = None;
                self.left.pop_front();
                if !self.left.is_empty() {
                    commit()?;
                }
            }
            let Some(whole) = self.left.front().copied() else { return Ok("REINDEX".into()) };
            let Some(round) = Round::begin(cx, whole)? else {
                self.left.pop_front();
                continue;
            };
            self.round = Some(Box::new(round));
            commit()?;
        }
    }
}

fn table_of(cx: &mut ExecContext, whole: Whole) -> Result<Option<Oid>> {
    let catalog = cx.backend()?.catalog.clone();
    Ok(match whole {
        Whole::Table { oid, .. } => Some(oid),
        Whole::Index(oid) => catalog.class(oid).and_then(|r| r.object.as_class().ok()?.index.as_ref().map(|i| i.table)),
    })
}

fn warn(cx: &mut ExecContext, state: SqlState, text: String) {
    cx.notices.push(Report::notice(Severity::Warning, state, text));
}

/// Locks a table, and picks those of its indexes that can have twins.
fn choose(cx: &mut ExecContext, whole: Whole) -> Flow<Option<(Arc<Relation>, Vec<Arc<Index>>)>> {
    let Some(oid) = table_of(cx, whole)? else { return Ok(None) };
    cx.backend()?.txn.lock_relation(oid, LockMode::ShareUpdateExclusive)?;
    let Some(table) = cx.backend()?.catalog.relation(oid)? else { return Ok(None) };
    let wanted = |i: &&Arc<Index>| match whole {
        Whole::Table { .. } => i.valid && i.exclusion.is_empty(),
        Whole::Index(index) => i.oid == index,
    };
    let found: Vec<Arc<Index>> = table.indexes.iter().filter(wanted).cloned().collect();
    for index in &found {
        cx.backend()?.txn.lock_relation(index.oid, LockMode::ShareUpdateExclusive)?;
    }
    if let (Whole::Index(_), Some(index)) = (whole, found.first())
        && !index.exclusion.is_empty()
    {
        let text = "concurrent index creation for exclusion constraints is not supported";
        return Err(Error::unsupported(text).into());
    }
    Ok(Some((table, found)))
}

/// Says which indexes are left alone.
fn tell_skipped(cx: &mut ExecContext, table: &Relation) {
    for index in &table.indexes {
        let name = format!("\"{}.{}\"", table.schema, index.name);
        if !index.valid {
            let text = format!("cannot reindex invalid index {name} concurrently, skipping");
            warn(cx, SqlState::INDEX_CORRUPTED, text);
        } else if !index.exclusion.is_empty() {
            let text = format!("cannot reindex exclusion constraint index {name} concurrently, skipping");
            warn(cx, SqlState::FEATURE_NOT_SUPPORTED, text);
        }
    }
}

/// An empty index like another one, that stands for nothing.
fn enter_twin(cx: &mut ExecContext, table: &Arc<Relation>, of: &Index) -> Result<Oid> {
    let mut columns = of.columns.clone();
    if matches!(of.method, IndexMethod::Btree | IndexMethod::Gist | IndexMethod::Brin) {
        for k in &mut columns[..of.key_columns] {
            let opclass = if of.method == IndexMethod::Btree { k.opclass } else { Oid::INVALID };
            k.order = order_of(cx, &table.attributes, (k.attno, k.ty), k.collation, opclass)?;
        }
    }
    // What may be there twice for a while is watched over by the one it is a twin of.
    let late = table.constraints.iter().any(|k| k.oid == of.constraint && k.deferrable);
    let new = NewIndex {
        name: names::choose(cx, of.namespace, &of.name, "", "ccnew", names::For::Relation)?,
        unique: of.unique && !late,
        primary: false,
        nulls_not_distinct: of.nulls_not_distinct,
        columns,
        key_columns: of.key_columns,
        predicate: of.predicate.clone(),
        options: of.options.clone(),
        constraint: Oid::INVALID,
        parent: Oid::INVALID,
        only: true,
        method: of.method,
        exclusion: Vec::new(),
        tablespace: class_of(cx, of.oid)?.tablespace,
    };
    index::enter(cx, table, new, IndexStage::Building)
}

/// Lets an index and its twin change files, and whatever goes with the files.
fn exchange(cx: &mut ExecContext, table: Oid, pair: Pair) -> Result<()> {
    let (mut old, mut new) = (class_of(cx, pair.index)?, class_of(cx, pair.twin)?);
    new.name = names::choose(cx, old.namespace, &old.name, "", "ccold", names::For::Relation)?;
    swap(&mut old.node, &mut new.node);
    swap(&mut old.tablespace, &mut new.tablespace);
    if let (Some(o), Some(n)) = (&mut old.index, &mut new.index) {
        (o.marks, n.marks) = (n.marks_oid(pair.twin), o.marks_oid(pair.index));
        swap(&mut o.columns, &mut n.columns);
        swap(&mut o.stage, &mut n.stage);
        swap(&mut o.pages_per_range, &mut n.pages_per_range);
        (o.valid, n.valid) = (true, false);
    }
    put(cx, Object::Class(old))?;
    put(cx, Object::Class(new))?;
    let index = of_table(cx, table, pair.index)?.1;
    let rows = index.stats.reltuples();
    store_index_stats(cx, &index, rows)
}

impl Round {
    /// None: there is nothing to do.
    fn begin(cx: &mut ExecContext, whole: Whole) -> Flow<Option<Round>> {
        let Some((table, found)) = choose(cx, whole)? else { return Ok(None) };
        let usage = Usage::now();
        if let Whole::Table { asked, .. } = whole {
            tell_skipped(cx, &table);
            if found.is_empty() && asked {
                let text = format!("table \"{}\" has no indexes that can be reindexed concurrently", table.name);
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
        }
        if found.is_empty() {
            return Ok(None);
        }
        let mut pairs = Vec::new();
        for index in &found {
            let twin = enter_twin(cx, &table, index)?;
            pairs.push(Pair { index: index.oid, twin });
        }
        let backend = cx.backend()?;
        hold(backend, table.oid)?;
        for pair in &pairs {
            hold(backend, pair.index)?;
            backend.txn.lock_relation(pair.twin, LockMode::ShareUpdateExclusive)?;
            hold(backend, pair.twin)?;
        }
        let activity = &backend.activity;
        activity.begin_task(Task::CreateIndex, table.oid);
        activity.progress(Task::CreateIndex, &[(0, 4), (6, pairs[0].twin.0.into()), (9, 1)]);
        let phase = Phase::Unaware(Waiting::for_lockers(backend.database, vec![table.oid], LockMode::Share));
        Ok(Some(Round { whole, table: table.oid, pairs, phase, usage }))
    }

    fn lockers(&self, cx: &mut ExecContext, mode: LockMode) -> Result<Waiting> {
        Ok(Waiting::for_lockers(cx.backend()?.database, vec![self.table], mode))
    }

    fn go_on(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            match &mut self.phase {
                Phase::Unaware(waiting) => {
                    waiting.run(cx)?;
                    self.phase = Phase::Fill(0);
                }
                Phase::Fill(n) => {
                    let n = *n;
                    let Some(pair) = self.pairs.get(n) else {
                        self.phase = Phase::NotPutting(self.lockers(cx, LockMode::Share)?);
                        show(cx, 3)?;
                        continue;
                    };
                    fill_beside_writers(cx, self.table, pair.twin)?;
                    self.phase = Phase::Fill(n + 1);
                    commit()?;
                }
                Phase::NotPutting(waiting) => {
                    waiting.run(cx)?;
                    self.phase = Phase::Validate(0, None);
                }
                Phase::Validate(n, work) => {
                    let n = *n;
                    let Some(pair) = self.pairs.get(n) else {
                        self.phase = Phase::Swap;
                        continue;
                    };
                    let work = match work {
                        Some(work) => work,
                        None => work.insert(Box::new(Validation::start(cx, self.table, pair.twin)?)),
                    };
                    let owner = class_of(cx, self.table)?.owner;
                    let owner = restricted_as(cx.backend()?, owner)?;
                    act_restricted(cx, owner, |cx| work.run(cx))?;
                    self.phase = Phase::Older(n, Waiting::for_snapshots(work.csn()));
                    show(cx, 7)?;
                    commit()?;
                }
                Phase::Older(n, waiting) => {
                    waiting.run(cx)?;
                    self.phase = Phase::Validate(*n + 1, None);
                }
                Phase::Swap => {
                    self.pairs.iter().try_for_each(|pair| exchange(cx, self.table, *pair))?;
                    self.phase = Phase::Searching(self.lockers(cx, LockMode::AccessExclusive)?);
                    show(cx, 8)?;
                    commit()?;
                }
                Phase::Searching(waiting) => {
                    waiting.run(cx)?;
                    self.pairs.iter().try_for_each(|pair| removal::retire(cx, self.table, pair.twin))?;
                    self.phase = Phase::KeepingUp(self.lockers(cx, LockMode::AccessExclusive)?);
                    show(cx, 9)?;
                    commit()?;
                }
                Phase::KeepingUp(waiting) => {
                    waiting.run(cx)?;
                    return self.end(cx);
                }
            }
        }
    }

    /// The old files go, with those who have got them.
    fn end(&mut self, cx: &mut ExecContext) -> Flow<()> {
        for pair in &self.pairs {
            cx.backend()?.txn.lock_relation(pair.twin, LockMode::AccessExclusive)?;
        }
        for pair in &self.pairs {
            drop::remove_relation(cx, pair.twin)?;
        }
        let backend = cx.backend()?;
        for pair in &self.pairs {
            let_go(backend, pair.twin)?;
            let_go(backend, pair.index)?;
        }
        let_go(backend, self.table)?;
        backend.activity.end_task(Task::CreateIndex);
        Ok(())
    }

    fn tell(&self, cx: &mut ExecContext) -> Result<()> {
        let table = class_of(cx, self.table)?;
        let schema = cx.backend()?.catalog.namespace(table.namespace).map(|n| n.name).unwrap_or_default();
        for pair in &self.pairs {
            let text = format!("index \"{schema}.{}\" was reindexed", class_of(cx, pair.index)?.name);
            let said = Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text);
            cx.notices.push(match self.whole {
                Whole::Index(_) => said.with_detail(format!("{}.", self.usage)),
                Whole::Table { .. } => said,
            });
        }
        if let Whole::Table { .. } = self.whole {
            let text = format!("table \"{schema}.{}\" was reindexed", table.name);
            let said = Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text);
            cx.notices.push(said.with_detail(format!("{}.", self.usage)));
        }
        Ok(())
    }
}
