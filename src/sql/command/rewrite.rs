//! Copying a table into new files without its dead rows: VACUUM FULL and CLUSTER.
//!
//! The old files go when the transaction commits; until then, and after a crash, they are the table
//! (PostgreSQL 15, cluster.c: same).

use super::index::{self, patiently};
use super::partial::known_part;
use super::{storage, truncate, vacuum};
use crate::base::error::Report;
use crate::base::{Error, Result, Severity, SqlState};
use crate::btree::{Bounds, Direction, IndexScan};
use crate::catalog::IndexMethod;
use crate::catalog::{Index, Relation};
use crate::gist;
use crate::heap::RewriteReport;
use crate::recovery::Usage;
use crate::sql::exec::{ExecContext, Writer};
use crate::stat::Task;
use std::sync::Arc;

/// Index entries read between two looks at the interrupts.
const ENTRIES: usize = 256;

/// Rewrites a table whose exclusive lock the caller holds, in the order of an index if one is given, and builds its
/// indexes anew.
pub fn table(cx: &mut ExecContext, relation: &Relation, order: Option<&Arc<Index>>, verbose: bool) -> Result<()> {
    let from = relation.store.clone().ok_or_else(|| Error::internal("a table without rows"))?;
    let pages = from.nblocks(&*cx.storage()?)?;
    let usage = Usage::now();
    if verbose {
        let name = format!("\"{}.{}\"", relation.schema, relation.name);
        say(
            cx,
            match order {
                Some(i) => format!("clustering {name} using index scan on \"{}\"", i.name),
                None => format!("vacuuming {name}"),
            },
        );
    }
    let activity = cx.backend()?.activity.clone();
    activity.begin_task(Task::Cluster, relation.oid);
    let (command, phase) = if order.is_some() { (1, 2) } else { (2, 1) };
    let by = order.map_or(0, |i| i.oid.0.into());
    activity.progress(Task::Cluster, &[(0, command), (1, phase), (2, by), (5, pages.into())]);
    new_files(cx, relation)?;
    let now = super::constraint::relation(cx, relation.oid)?;
    let to = now.store.clone().ok_or_else(|| Error::internal("a table without rows"))?;
    let report = patiently(cx, |cx| {
        let interrupts = cx.interrupts.clone();
        let writer = Writer::for_rows(cx)?;
        let write = writer.context();
        match order {
            None => crate::heap::rewrite(write, &from, &to, &mut || interrupts.check()),
            Some(i) if i.method == IndexMethod::Gist => {
                let mut scan = gist::Scan::new(i.tree(), Vec::new(), Vec::new());
                crate::heap::rewrite_by_index(write, &from, &to, &mut |roots| {
                    interrupts.check()?;
                    let mut pages = 16;
                    while let Some(found) = scan.next(&writer.storage, &mut pages)? {
                        roots.push(found.tid);
                    }
                    Ok(!scan.is_done())
                })
            }
            Some(i) => {
                let mut scan = IndexScan::new(i.store.clone(), Bounds::default(), Direction::Forward);
                crate::heap::rewrite_by_index(write, &from, &to, &mut |roots| {
                    interrupts.check()?;
                    scan.next_tids(&writer.storage, ENTRIES, roots)
                })
            }
        }
    })?;
    let written = (report.live + report.recently_dead) as i64;
    activity.progress(Task::Cluster, &[(1, 6), (3, written + report.removed as i64), (4, written), (6, pages.into())]);
    for (n, i) in (1..).zip(&relation.indexes) {
        index::rebuild(cx, relation.oid, i.oid)?;
        activity.progress(Task::Cluster, &[(7, n)]);
    }
    activity.progress(Task::Cluster, &[(1, 7)]);
    count(cx, relation, &report)?;
    if verbose {
        found(cx, relation, &report, pages, &usage);
    }
    activity.end_task(Task::Cluster);
    Ok(())
}

/// Gives the table and its large values new, empty files.
fn new_files(cx: &mut ExecContext, relation: &Relation) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let desc = crate::catalog::tuple_desc(&catalog, &relation.attributes);
    let backend = cx.backend()?;
    backend.txn.next_command();
    let file = storage::create_table(backend, relation.oid, relation.persistence, desc)?;
    truncate::replace_node(backend, relation.oid, file.node, truncate::Content::Old)?;
    if relation.toast.is_valid() {
        let toast = storage::create_toast(backend, relation.toast, relation.persistence)?;
        truncate::replace_node(backend, relation.toast, toast.node, truncate::Content::New)?;
    }
    backend.txn.next_command();
    Ok(())
}

/// Puts the table's new size into the catalogs.
fn count(cx: &mut ExecContext, relation: &Relation, report: &RewriteReport) -> Result<()> {
    let now = super::constraint::relation(cx, relation.oid)?;
    let rows = report.live as f64;
    let columns = relation.column_stats.load().to_vec();
    let store = now.store.clone();
    vacuum::store_stats(cx, relation.oid, store.as_deref(), report.pages.into(), rows, columns, Some(report.frozen))?;
    for i in &now.indexes {
        let known = relation.indexes.iter().find(|old| old.oid == i.oid).unwrap_or(i);
        vacuum::store_index_stats(cx, i, (rows * known_part(relation, known)).ceil())?;
    }
    let backend = cx.backend()?;
    let (live, dead) = (report.live as i64, report.recently_dead as i64);
    backend.instance.stats.report_vacuum(backend.database, relation.oid, live, dead, false);
    backend.txn.next_command();
    Ok(())
}

fn say(cx: &mut ExecContext, text: String) {
    cx.notices.push(Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text));
}

fn found(cx: &mut ExecContext, relation: &Relation, r: &RewriteReport, pages: u32, usage: &Usage) {
    let (schema, name, kept) = (&relation.schema, &relation.name, r.live + r.recently_dead);
    let text = format!(
        "\"{schema}.{name}\": found {} removable, {kept} nonremovable row versions in {pages} pages",
        r.removed
    );
    let detail = format!("{} dead row versions cannot be removed yet.\n{usage}.", r.recently_dead);
    cx.notices.push(Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text).with_detail(detail));
}
