//! What the statements cost that run: `pg_stat_statements` counts it.
//!
//! An [`Account`] is opened where a plan or a command starts, and counts when it is dropped, unless it is still going on
//! then: what failed is forgotten. Nothing is measured unless somebody counts. PostgreSQL 15, pg_stat_statements.c: same rules, but that the
//! text of a new statement is read again when it is stored, not remembered from its analysis.
//!
//! - TRACK-1: how deep statements stand in one another is kept by value: whoever runs one inside raises
//!   [`Meter::level`] and lowers it again on every way out.

use super::exec::ExecContext;
use super::parse::constants::normalized;
use super::plan::PlannedStatement;
use crate::stat::Statements;
use crate::stat::statements::{Effort, Sample, StatementKey};
use crate::{buffer, wal};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Which statements are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Track {
    #[default]
    None,
    /// Those that clients send.
    Top,
    All,
}

/// The settings of who counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tracking {
    pub which: Track,
    pub commands: bool,
    pub planning: bool,
}

impl Tracking {
    /// Whether a statement so deep inside others is counted.
    fn at(self, level: u32) -> bool {
        match self.which {
            Track::None => false,
            Track::Top => level == 0,
            Track::All => true,
        }
    }
}

/// What a session has done, as far as its statements ran on threads that counted for it.
#[derive(Default)]
pub struct Meter {
    /// How many statements stand around the one that runs.
    pub level: u32,
    /// How long functions ran whose time is counted (`track_functions`).
    pub in_functions: Duration,
    done: Effort,
    /// What the thread had done when the turn began.
    mark: Option<Effort>,
}

impl Meter {
    /// The session's work goes on on this thread.
    pub fn begin_turn(&mut self) {
        self.mark = Some(on_this_thread());
    }

    pub fn end_turn(&mut self) {
        if let Some(mark) = self.mark.take() {
            self.done.add(&difference(on_this_thread(), mark));
        }
    }

    fn now(&self) -> Effort {
        let mut now = self.done;
        if let Some(mark) = self.mark {
            now.add(&difference(on_this_thread(), mark));
        }
        now
    }
}

thread_local! {
    /// Blocks of temporary files read and written.
    static TEMPORARY: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

/// Bytes of a temporary file were read.
pub fn temporary_read(bytes: usize) {
    let (read, written) = TEMPORARY.get();
    TEMPORARY.set((read + blocks(bytes), written));
}

/// Bytes of a temporary file were written.
pub fn temporary_written(bytes: usize) {
    let (read, written) = TEMPORARY.get();
    TEMPORARY.set((read, written + blocks(bytes)));
}

fn blocks(bytes: usize) -> i64 {
    bytes.div_ceil(crate::page::PAGE_SIZE) as i64
}

/// What this thread has done since it began.
pub fn on_this_thread() -> Effort {
    let (pages, log, (temp_read, temp_written)) = (buffer::usage(), wal::usage(), TEMPORARY.get());
    Effort {
        rows: 0,
        hit: pages.hit as i64,
        read: pages.read as i64,
        dirtied: pages.dirtied as i64,
        written: pages.written as i64,
        temp_read,
        temp_written,
        wal_records: log.records as i64,
        wal_images: log.images as i64,
        wal_bytes: log.bytes as i64,
    }
}

pub fn difference(now: Effort, before: Effort) -> Effort {
    Effort {
        rows: 0,
        hit: now.hit - before.hit,
        read: now.read - before.read,
        dirtied: now.dirtied - before.dirtied,
        written: now.written - before.written,
        temp_read: now.temp_read - before.temp_read,
        temp_written: now.temp_written - before.temp_written,
        wal_records: now.wal_records - before.wal_records,
        wal_images: now.wal_images - before.wal_images,
        wal_bytes: now.wal_bytes - before.wal_bytes,
    }
}

/// One run of a statement, being measured.
pub struct Account {
    counted: Arc<Statements>,
    key: StatementKey,
    text: Arc<str>,
    /// The constants in the text are not what it is known by.
    is_query: bool,
    /// Running: since when, and what the session had done by then.
    since: Option<(Instant, Effort)>,
    spent: Duration,
    effort: Effort,
}

impl Account {
    /// Of a plan that runs from now on.
    pub fn of_plan(cx: &mut ExecContext, plan: &PlannedStatement) -> Option<Box<Account>> {
        if plan.query_id == 0 || !cx.settings.tracking.at(cx.meter.level) {
            return None;
        }
        Account::new(cx, plan.query_id, plan.source.clone()?, true)
    }

    /// Of a command that runs from now on.
    pub fn of_command(cx: &mut ExecContext, text: &Arc<str>) -> Option<Box<Account>> {
        let tracking = cx.settings.tracking;
        if !tracking.at(cx.meter.level) || !tracking.commands || !cx.settings.identify_queries {
            return None;
        }
        let text: Arc<str> = if text.trim().len() == text.len() { text.clone() } else { text.trim().into() };
        Account::new(cx, super::bind::jumble::text_id(text.as_bytes()), text, false)
    }

    fn new(cx: &mut ExecContext, query_id: i64, text: Arc<str>, is_query: bool) -> Option<Box<Account>> {
        let top_level = cx.meter.level == 0;
        let since = Some((Instant::now(), cx.meter.now()));
        let backend = cx.backend.as_ref()?;
        let counted = backend.instance.statements.clone()?;
        let user = backend.catalog.acting().user;
        let key = StatementKey { user, database: backend.database, query_id, top_level };
        let (spent, effort) = (Duration::ZERO, Effort::default());
        Some(Box::new(Account { counted, key, text, is_query, since, spent, effort }))
    }

    /// It runs again. May be told twice.
    pub fn go_on(&mut self, cx: &ExecContext) {
        self.since.get_or_insert_with(|| (Instant::now(), cx.meter.now()));
    }

    /// It has come to its end, or is put aside until somebody wants more of it; so many rows it has given by now.
    pub fn pause(&mut self, cx: &ExecContext, rows: u64) {
        self.effort.rows = i64::try_from(rows).unwrap_or(i64::MAX);
        if let Some((since, before)) = self.since.take() {
            self.spent += since.elapsed();
            self.effort.add(&difference(cx.meter.now(), before));
        }
    }

    fn count(&self, sample: &Sample<'_>) {
        self.counted.record(self.key, sample, || {
            let normal = if self.is_query { normalized(&self.text) } else { None };
            normal.map_or_else(|| self.text.clone(), Arc::from)
        });
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.since.is_none() {
            let ms = self.spent.as_secs_f64() * 1000.0;
            self.count(&Sample::Ran { ms, effort: &self.effort });
        }
    }
}

/// A plan has been made.
pub fn planned(cx: &mut ExecContext, plan: &PlannedStatement, took: Duration) {
    if !cx.settings.tracking.planning {
        return;
    }
    if let Some(account) = Account::of_plan(cx, plan) {
        account.count(&Sample::Planned { ms: took.as_secs_f64() * 1000.0 });
    }
}
