//! What long commands have done of their work: `pg_stat_progress_vacuum`, `_analyze`, `_cluster`, `_create_index`, `_copy`.
//!
//! The numbers are where PostgreSQL 15 has them (commands/progress.h), counted from 0.

use super::activity::{Sight, some};
use super::{Cell, NULL, Sink, View};
use crate::base::Flow;
use crate::sql::exec::ExecContext;
use crate::stat::{Progress, Task};
use crate::types::Value;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_stat_progress_vacuum", rows: |cx, sink| rows(cx, sink, Task::Vacuum, vacuum) },
    View { name: "pg_stat_progress_analyze", rows: |cx, sink| rows(cx, sink, Task::Analyze, analyze) },
    View { name: "pg_stat_progress_cluster", rows: |cx, sink| rows(cx, sink, Task::Cluster, cluster) },
    View { name: "pg_stat_progress_create_index", rows: |cx, sink| rows(cx, sink, Task::CreateIndex, create_index) },
    View { name: "pg_stat_progress_copy", rows: |cx, sink| rows(cx, sink, Task::Copy, copy) },
];

/// A row for each session that does such a task; what others do is not shown to everybody.
fn rows(cx: &mut ExecContext, sink: &mut Sink, task: Task, rest: fn(&Progress) -> Vec<Value>) -> Flow<()> {
    let sight = Sight::of(cx)?;
    for f in cx.backend()?.instance.activity.list() {
        let Some(p) = f.progress.filter(|p| p.task == task) else { continue };
        let mut row = vec![f.pid.cell(), some(f.database).cell(), f.database_name.clone().cell()];
        match sight.sees(f.user) {
            true => row.extend([vec![p.relation.cell()], rest(&p)].concat()),
            false => row.resize(row.len() + 1 + rest(&p).len(), NULL),
        }
        sink.push(&row);
    }
    Ok(())
}

/// The word at a place that a number names.
fn word(words: &[&str], n: i64) -> Value {
    usize::try_from(n).ok().and_then(|n| words.get(n)).filter(|w| !w.is_empty()).map_or(NULL, |w| w.cell())
}

fn numbers(p: &Progress, places: &[usize]) -> Vec<Value> {
    places.iter().map(|n| p.numbers[*n].cell()).collect()
}

fn vacuum(p: &Progress) -> Vec<Value> {
    const PHASES: [&str; 7] = [
        "initializing",
        "scanning heap",
        "vacuuming indexes",
        "vacuuming heap",
        "cleaning up indexes",
        "truncating heap",
        "performing final cleanup",
    ];
    let mut row = vec![word(&PHASES, p.numbers[0])];
    row.extend(numbers(p, &[1, 2, 3, 4, 5, 6]));
    row
}

fn analyze(p: &Progress) -> Vec<Value> {
    const PHASES: [&str; 6] = [
        "initializing",
        "acquiring sample rows",
        "acquiring inherited sample rows",
        "computing statistics",
        "computing extended statistics",
        "finalizing analyze",
    ];
    let mut row = vec![word(&PHASES, p.numbers[0])];
    row.extend(numbers(p, &[1, 2, 3, 4, 5, 6, 7]));
    row
}

fn cluster(p: &Progress) -> Vec<Value> {
    const PHASES: [&str; 8] = [
        "initializing",
        "seq scanning heap",
        "index scanning heap",
        "sorting tuples",
        "writing new heap",
        "swapping relation files",
        "rebuilding index",
        "performing final cleanup",
    ];
    let mut row = vec![word(&["", "CLUSTER", "VACUUM FULL"], p.numbers[0]), word(&PHASES, p.numbers[1])];
    row.extend(numbers(p, &[2, 3, 4, 5, 6, 7]));
    row
}

fn create_index(p: &Progress) -> Vec<Value> {
    const COMMANDS: [&str; 5] = ["", "CREATE INDEX", "CREATE INDEX CONCURRENTLY", "REINDEX", "REINDEX CONCURRENTLY"];
    const STEPS: [&str; 6] =
        ["", "initializing", "scanning table", "sorting live tuples", "sorting dead tuples", "loading tuples in tree"];
    let n = &p.numbers;
    let alone = match n[9] {
        1 => "waiting for writers before build",
        3 => "waiting for writers before validation",
        4 => "index validation: scanning index",
        5 => "index validation: sorting tuples",
        6 => "index validation: scanning table",
        7 => "waiting for old snapshots",
        8 => "waiting for readers before marking dead",
        9 => "waiting for readers before dropping",
        _ => "initializing",
    };
    let phase = match (n[9], usize::try_from(n[10]).ok().and_then(|s| STEPS.get(s)).filter(|s| !s.is_empty())) {
        (2, Some(step)) => format!("building index: {step}").cell(),
        (2, None) => "building index".cell(),
        _ => alone.cell(),
    };
    let mut row = vec![n[6].cell(), word(&COMMANDS, n[0]), phase];
    row.extend(numbers(p, &[3, 4, 5, 15, 16, 11, 12, 13, 14]));
    row
}

fn copy(p: &Progress) -> Vec<Value> {
    let n = &p.numbers;
    let mut row =
        vec![word(&["", "COPY FROM", "COPY TO"], n[4]), word(&["", "FILE", "PROGRAM", "PIPE", "CALLBACK"], n[5])];
    row.extend(numbers(p, &[0, 1, 2, 3]));
    row
}
