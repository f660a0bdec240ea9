//! What VACUUM and ANALYZE tell of their work: to the client with VERBOSE, to the server log of autovacuum's.
//!
//! PostgreSQL 15, vacuumlazy.c, heap_vacuum_rel, and analyze.c, do_analyze_rel: same lines.

use super::vacuum::Options;
use crate::base::error::Report;
use crate::base::{Result, Severity, SqlState, Xid};
use crate::btree::VacuumStats;
use crate::buffer;
use crate::catalog::Relation;
use crate::catalog::object::{ObjectKey, class};
use crate::heap::VacuumReport;
use crate::page::PAGE_SIZE;
use crate::recovery::Cpu;
use crate::settings::{Id, Lookup};
use crate::sql::exec::ExecContext;
use crate::wal;
use std::time::{Duration, Instant};

/// What work has used, done in pieces that may run on different threads.
pub struct Meter {
    start: Instant,
    cpu: Cpu,
    buffers: buffer::Usage,
    wal: wal::Usage,
}

impl Meter {
    pub fn start() -> Meter {
        Meter { start: Instant::now(), cpu: Cpu::default(), buffers: Default::default(), wal: Default::default() }
    }

    /// Adds what a piece uses.
    pub fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (buffers, log) = (buffer::usage(), wal::usage());
        let done = self.cpu.during(work);
        let (buffers, log) = (buffer::usage().since(buffers), wal::usage().since(log));
        self.buffers.hit += buffers.hit;
        self.buffers.read += buffers.read;
        self.buffers.dirtied += buffers.dirtied;
        self.wal.records += log.records;
        self.wal.images += log.images;
        self.wal.bytes += log.bytes;
        done
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Rates, buffers, the log if it was written, time.
    pub fn lines(&self, wal: bool) -> Vec<String> {
        let elapsed = self.elapsed();
        let seconds = elapsed.as_secs_f64();
        let rate = |pages: u64| match seconds > 0.0 {
            true => pages as f64 * PAGE_SIZE as f64 / (1 << 20) as f64 / seconds,
            false => 0.0,
        };
        let b = &self.buffers;
        let mut lines = vec![
            format!("avg read rate: {:.3} MB/s, avg write rate: {:.3} MB/s", rate(b.read), rate(b.dirtied)),
            format!("buffer usage: {} hits, {} misses, {} dirtied", b.hit, b.read, b.dirtied),
        ];
        if wal {
            let w = &self.wal;
            lines.push(format!("WAL usage: {} records, {} full page images, {} bytes", w.records, w.images, w.bytes));
        }
        lines.push(format!("system usage: {}", self.cpu.show(elapsed)));
        lines
    }
}

/// What a VACUUM found and did.
pub struct Found<'a> {
    pub report: &'a VacuumReport,
    /// Rows that remain, estimated.
    pub rows: f64,
    pub cutoff: Xid,
    /// What was done in each index, if it was passed through.
    pub indexes: &'a [Option<VacuumStats>],
    /// All pages were looked at that may have something to freeze.
    pub aggressive: bool,
    /// `relfrozenxid` before and after, if it moved.
    pub frozen: Option<(Xid, Xid)>,
}

/// `database.schema.table`.
pub fn full_name(cx: &mut ExecContext, relation: &Relation) -> Result<String> {
    Ok(format!("{}.{}.{}", cx.backend()?.database_name, relation.schema, relation.name))
}

/// Whether autovacuum's work took as long as `log_autovacuum_min_duration` says.
pub fn is_worth_a_line(cx: &mut ExecContext, relation: &Relation, meter: &Meter) -> Result<bool> {
    let class = cx.backend()?.catalog.get(ObjectKey::new(class::RELATION, relation.oid));
    let options = class.as_ref().and_then(|r| r.object.as_class().ok()).map(|c| c.options.clone()).unwrap_or_default();
    let own = options.iter().find_map(|o| o.strip_prefix("log_autovacuum_min_duration="));
    let least = match own.and_then(|o| o.parse::<i64>().ok()) {
        Some(ms) => u64::try_from(ms).ok().map(Duration::from_millis),
        None => cx.backend()?.view.duration(Id::LogAutovacuumMinDuration),
    };
    Ok(least.is_some_and(|least| meter.elapsed() >= least))
}

fn inform(cx: &mut ExecContext, text: String) {
    cx.notices.push(Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text));
}

/// The line before a table's VACUUM.
pub fn begin(cx: &mut ExecContext, relation: &Relation, aggressive: bool) -> Result<()> {
    let name = full_name(cx, relation)?;
    let how = if aggressive { "aggressively " } else { "" };
    inform(cx, format!("{how}vacuuming \"{name}\""));
    Ok(())
}

/// The lines after it.
pub fn end(
    cx: &mut ExecContext,
    relation: &Relation,
    meter: &Meter,
    found: &Found<'_>,
    options: &Options,
) -> Result<()> {
    if options.auto && !is_worth_a_line(cx, relation, meter)? {
        return Ok(());
    }
    let (name, r) = (full_name(cx, relation)?, found.report);
    let left = r.pages_before - r.pages_removed;
    if options.verbose && r.pages_removed > 0 {
        inform(cx, format!("table \"{}\": truncated {} to {left} pages", relation.name, r.pages_before));
    }
    let what = match (options.auto, found.aggressive) {
        (true, true) if options.wraparound => "automatic aggressive vacuum to prevent wraparound of table",
        (true, true) => "automatic aggressive vacuum of table",
        (true, false) => "automatic vacuum of table",
        (false, _) => "finished vacuuming",
    };
    let mut lines = vec![format!("{what} \"{name}\": index scans: {}", r.index_scans)];
    lines.extend(pages_and_rows(cx, found)?);
    lines.push(index_scan(relation, r, options));
    lines.extend(indexes(cx, relation, found)?);
    lines.extend(meter.lines(true));
    match options.auto {
        true => crate::log!("{}", lines.join("\n")),
        false => inform(cx, lines.join("\n")),
    }
    Ok(())
}

fn percent(pages: u32, of: u32) -> f64 {
    if of == 0 { 100.0 } else { 100.0 * f64::from(pages) / f64::from(of) }
}

fn pages_and_rows(cx: &mut ExecContext, found: &Found<'_>) -> Result<Vec<String>> {
    let r = found.report;
    let age = cx.storage()?.mvcc.next_xid().0 - found.cutoff.0;
    let mut lines = vec![
        format!(
            "pages: {} removed, {} remain, {} scanned ({:.2}% of total)",
            r.pages_removed,
            r.pages_before - r.pages_removed,
            r.pages_scanned,
            percent(r.pages_scanned, r.pages_before)
        ),
        format!(
            "tuples: {} removed, {} remain, {} are dead but not yet removable",
            r.tuples_removed, found.rows, r.tuples_recently_dead
        ),
        format!("removable cutoff: {}, which was {age} XIDs old when operation ended", found.cutoff.0 as u32),
    ];
    if let Some((before, now)) = found.frozen {
        let ahead = now.0 - before.0;
        lines.push(format!("new relfrozenxid: {}, which is {ahead} XIDs ahead of previous value", now.0 as u32));
    }
    Ok(lines)
}

fn index_scan(relation: &Relation, r: &VacuumReport, options: &Options) -> String {
    let (how, had, removed) = match (options.heap.index_cleanup, relation.indexes.is_empty() || r.index_scans == 0) {
        (false, _) => ("bypassed", "have", ""),
        (true, true) => ("not needed", "had", " removed"),
        (true, false) => ("needed", "had", " removed"),
    };
    format!(
        "index scan {how}: {} pages from table ({:.2}% of total) {had} {} dead item identifiers{removed}",
        r.pages_with_dead,
        percent(r.pages_with_dead, r.pages_before),
        r.dead_lines_freed
    )
}

fn indexes(cx: &mut ExecContext, relation: &Relation, found: &Found<'_>) -> Result<Vec<String>> {
    let storage = cx.backend()?.instance.storage.clone();
    let mut lines = Vec::new();
    for (index, stats) in relation.indexes.iter().zip(found.indexes) {
        let Some(s) = stats else { continue };
        let pages = storage.pool.nblocks(&index.store.fork)?;
        lines.push(format!(
            "index \"{}\": pages: {pages} in total, {} newly deleted, {} currently deleted, {} reusable",
            index.name, s.pages_deleted, s.pages_out, s.pages_free
        ));
    }
    Ok(lines)
}
