//! ANALYZE: what the planner is to know of a table's columns, from a random sample.
//!
//! PostgreSQL 15, analyze.c: same estimators (Haas and Stokes, 1998, for distinct values), same limits.

use super::analyze_extended::Sampled;
use super::partial::sampled_part;
use super::vacuum::{self, Options};
use super::vacuum_report::{self, Meter};
use crate::base::error::Report;
use crate::base::{Flow, Result, Severity, SqlState};
use crate::buffer::pace;
use crate::catalog::object::class;
use crate::catalog::{Attribute, ColumnStats, Object, ObjectKey, Relation};
use crate::err;
use crate::heap::sample;
use crate::heap::{LongValues, STAND_IN, WIDTH_LIMIT};
use crate::lock::LockMode;
use crate::settings::{Id, Lookup};
use crate::sql::exec::{ExecContext, phys_of};
use crate::sql::plan::tree::{attribute_map, mapped};
use crate::stat::Task;
use crate::types::{self, Column, Datum, Value};
use std::sync::Arc;

/// Rows sampled per unit of the statistics target.
const ROWS_PER_TARGET: usize = 300;

/// Analyses one table, whose lock the caller holds.
pub fn table(cx: &mut ExecContext, relation: &Arc<Relation>, only: &[String], options: &Options) -> Flow<()> {
    let Some(store) = &relation.store else { return Ok(()) };
    if options.verbose {
        let text = format!("analyzing \"{}.{}\"", relation.schema, relation.name);
        cx.notices.push(Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text));
    }
    let mut meter = Meter::start();
    let chosen = chosen(relation, only)?;
    let interrupts = cx.interrupts.clone();
    let backend = cx.backend()?;
    let target = backend.view.int(Id::DefaultStatisticsTarget).max(1) as usize;
    let most = chosen.iter().map(|a| target_of(a, target)).max().unwrap_or(target);
    let snapshot = backend.txn.latest_snapshot();
    let storage = backend.instance.storage.clone();
    let attnos: Vec<i16> = chosen.iter().map(|a| a.attno).collect();
    let seed = crate::base::clock::now_us() as u64;
    let activity = backend.activity.clone();
    activity.begin_task(Task::Analyze, relation.oid);
    activity.progress(Task::Analyze, &[(0, 1), (1, store.nblocks(&storage)?.into())]);
    let mut read = 0;
    let mut pace = || {
        activity.progress(Task::Analyze, &[(2, read)]);
        read += 1;
        pace::point()?;
        interrupts.check()
    };
    let taken =
        meter.during(|| sample(&storage, store, &snapshot, &attnos, most * ROWS_PER_TARGET, seed, &mut pace))?;
    activity.progress(Task::Analyze, &[(0, 3)]);
    let mut columns: Vec<ColumnStats> = relation.column_stats.load().to_vec();
    for (n, attribute) in chosen.iter().enumerate() {
        columns.retain(|c| c.attno != attribute.attno);
        if let Some(column) = taken.batch.columns.get(n) {
            let target = target_of(attribute, target);
            columns.push(column_stats(attribute, (column, taken.long[n]), taken.batch.rows, taken.total_rows, target));
        }
    }
    vacuum::store_stats(cx, relation.oid, Some(store), taken.pages.into(), taken.total_rows, columns, None)?;
    activity.progress(Task::Analyze, &[(0, 4)]);
    extended(cx, relation, &attnos, &taken)?;
    activity.progress(Task::Analyze, &[(0, 5)]);
    for (n, index) in relation.indexes.iter().enumerate().filter(|(_, i)| i.ready) {
        // A stand-in is no value: what asks about a column that has some is not answered by the sample.
        let known = |(n, a): (usize, &i16)| if taken.long[n].count > 0 { 0 } else { *a };
        let known: Vec<i16> = attnos.iter().enumerate().map(known).collect();
        let part = sampled_part(cx, relation, n, (&known, &taken.batch))?;
        vacuum::store_index_stats(cx, index, (part * taken.total_rows).ceil())?;
    }
    let backend = cx.backend()?;
    let live = taken.total_rows as i64;
    backend.instance.stats.report_analyze(backend.database, relation.oid, live, 0, only.is_empty(), options.auto);
    if options.verbose {
        tell_sample(cx, &relation.name, &taken);
    }
    activity.end_task(Task::Analyze);
    if options.auto && vacuum_report::is_worth_a_line(cx, relation, &meter)? {
        let name = vacuum_report::full_name(cx, relation)?;
        crate::log!("automatic analyze of table \"{name}\"\n{}", meter.lines(false).join("\n"));
    }
    Ok(())
}

/// PostgreSQL 15, analyze.c, acquire_sample_rows.
fn tell_sample(cx: &mut ExecContext, table: &str, taken: &crate::heap::Sample) {
    let text = format!(
        "\"{table}\": scanned {} of {} pages, containing {} live rows and {} dead rows; {} rows in sample, {} estimated total rows",
        taken.pages_read, taken.pages, taken.seen_rows, taken.dead_rows, taken.batch.rows, taken.total_rows
    );
    cx.notices.push(Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text));
}

/// The columns to look at.
fn chosen<'r>(relation: &'r Relation, only: &[String]) -> Result<Vec<&'r Attribute>> {
    if only.is_empty() {
        return Ok(relation.visible_attributes().collect());
    }
    let find = |name: &String| {
        relation
            .attribute(name)
            .ok_or_else(|| err!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{}\" does not exist", relation.name))
    };
    for (n, name) in only.iter().enumerate() {
        if find(name).is_ok() && only[..n].contains(name) {
            let text = format!("column \"{name}\" of relation \"{}\" appears more than once", relation.name);
            return Err(err!(DUPLICATE_COLUMN, "{text}"));
        }
    }
    only.iter().map(find).collect()
}

/// Analyses the rows of a table and all its children together: each gives as many to the sample as it has pages.
/// PostgreSQL 15, analyze.c, acquire_inherited_sample_rows.
pub fn tree(cx: &mut ExecContext, root: &Relation, only: &[String], options: &Options) -> Flow<()> {
    let chosen = chosen(root, only)?;
    let mut tables = Vec::new();
    for oid in std::iter::once(root.oid).chain(super::inherit::all_below(cx, root.oid)?) {
        cx.backend()?.txn.lock_relation(oid, LockMode::AccessShare)?;
        let catalog = &cx.backend()?.catalog;
        tables.extend(catalog.relation(oid)?.filter(|r| r.store.is_some() && !catalog.is_other_temp(r)));
    }
    if options.verbose {
        let text = format!("analyzing \"{}.{}\" inheritance tree", root.schema, root.name);
        cx.notices.push(Report::notice(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, text));
    }
    let interrupts = cx.interrupts.clone();
    let backend = cx.backend()?;
    let target = backend.view.int(Id::DefaultStatisticsTarget).max(1) as usize;
    let most = chosen.iter().map(|a| target_of(a, target)).max().unwrap_or(target) * ROWS_PER_TARGET;
    let snapshot = backend.txn.latest_snapshot();
    let storage = backend.instance.storage.clone();
    let mut pages = Vec::with_capacity(tables.len());
    for t in &tables {
        pages.push(t.store.as_ref().map_or(Ok(0), |s| s.nblocks(&storage))?);
    }
    let all_pages = pages.iter().map(|p| f64::from(*p)).sum::<f64>().max(1.0);
    let mut columns: Vec<Column> = chosen.iter().map(|a| Column::new(phys_of(a.ty))).collect();
    let mut long = vec![LongValues::default(); chosen.len()];
    let (mut rows, mut total) = (0, 0.0);
    for (table, pages) in tables.iter().zip(pages) {
        let Some(store) = table.store.as_ref().filter(|_| pages > 0) else { continue };
        let map = attribute_map(root, table)?;
        let attnos: Vec<i16> = chosen.iter().map(|a| mapped(&map, a.attno)).collect();
        let share = (most as f64 * f64::from(pages) / all_pages).round().max(1.0) as usize;
        let seed = crate::base::clock::now_us() as u64;
        let mut pace = || pace::point().and_then(|()| interrupts.check());
        let taken = sample(&storage, store, &snapshot, &attnos, share, seed, &mut pace)?;
        for (to, from) in columns.iter_mut().zip(&taken.batch.columns) {
            (0..taken.batch.rows).for_each(|row| to.push(from.get(row)));
        }
        for (all, here) in long.iter_mut().zip(&taken.long) {
            all.count += here.count;
            all.bytes += here.bytes;
        }
        rows += taken.batch.rows;
        total += taken.total_rows;
        if options.verbose {
            tell_sample(cx, &table.name, &taken);
        }
    }
    let mut found: Vec<ColumnStats> = root.tree_stats.load().to_vec();
    for (attribute, column) in chosen.iter().zip(columns.iter().zip(long)) {
        found.retain(|c| c.attno != attribute.attno);
        found.push(column_stats(attribute, column, rows, total, target_of(attribute, target)));
    }
    vacuum::store_tree_stats(cx, root, total, found)?;
    let backend = cx.backend()?;
    if root.is_partitioned() {
        backend.instance.stats.report_analyze(
            backend.database,
            root.oid,
            total as i64,
            0,
            only.is_empty(),
            options.auto,
        );
    }
    Ok(())
}

/// Statistics over several columns.
fn extended(cx: &mut ExecContext, relation: &Relation, attnos: &[i16], taken: &crate::heap::Sample) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let wanted = super::statistics::of_table(&catalog, relation.oid);
    if wanted.iter().all(|s| s.target == 0) {
        return Ok(());
    }
    let sampled = Sampled::new(attnos, &taken.batch.columns, taken.batch.rows, taken.total_rows);
    let Some(record) = catalog.get(ObjectKey::new(class::STATISTIC, relation.oid)) else { return Ok(()) };
    let mut stats = record.object.as_stats()?.clone();
    let interrupts = cx.interrupts.clone();
    for s in wanted.iter().filter(|s| s.target != 0) {
        if let Some(found) = sampled.of(s, &mut || interrupts.check())? {
            stats.extended.retain(|e| e.statistics != s.oid);
            stats.extended.push(found);
        }
    }
    super::write::put(cx, Object::Stats(stats))
}

fn target_of(attribute: &Attribute, default: usize) -> usize {
    if attribute.stat_target >= 0 { attribute.stat_target as usize } else { default }
}

fn width(value: Datum<'_>) -> usize {
    match value {
        Datum::Bytes(b) => b.len() + if b.len() < 127 { 1 } else { 4 },
        Datum::Bool(_) => 1,
        Datum::I16(_) => 2,
        Datum::I32(_) | Datum::U32(_) | Datum::F32(_) => 4,
        Datum::I64(_) | Datum::F64(_) => 8,
        Datum::Null => 0,
    }
}

/// One column's statistics from its sampled values, which are in physical order; the long ones are stand-ins.
fn column_stats(
    attribute: &Attribute,
    (column, long): (&Column, LongValues),
    rows: usize,
    total: f64,
    target: usize,
) -> ColumnStats {
    let mut stats = ColumnStats { attno: attribute.attno, ..ColumnStats::default() };
    if rows == 0 {
        return stats;
    }
    let mut keyed: Vec<(Vec<u8>, u32)> = Vec::new();
    let (mut nulls, mut bytes, mut wide) = (0usize, 0usize, 0usize);
    for row in 0..rows {
        let value = column.get(row);
        if value.is_null() {
            nulls += 1;
            continue;
        }
        bytes += match value {
            Datum::Bytes(STAND_IN) if long.count > 0 => (long.bytes / long.count) as usize,
            _ => width(value),
        };
        if matches!(value, Datum::Bytes(b) if b.len() > WIDTH_LIMIT) {
            wide += 1;
            continue;
        }
        let mut key = Vec::new();
        types::key::encode(attribute.ty, value, &mut key);
        keyed.push((key, row as u32));
    }
    let present = rows - nulls;
    stats.null_frac = single(nulls as f64 / rows as f64);
    stats.avg_width = if present > 0 { (bytes / present) as i32 } else { 0 };
    if keyed.is_empty() {
        stats.n_distinct = if present > 0 { -1.0 + stats.null_frac } else { 0.0 };
        return stats;
    }
    stats.correlation = correlation(&mut keyed);
    let groups = groups(&keyed);
    stats.n_distinct = distinct(&groups, keyed.len(), wide, rows, nulls, total);
    let common = most_common(&groups, keyed.len(), target, stats.n_distinct, total, rows);
    let value = |at: usize| column.get(keyed[at].1 as usize).to_value();
    stats.most_common =
        common.iter().map(|g| (value(groups[*g].0), single(groups[*g].1 as f64 / rows as f64))).collect();
    stats.histogram = histogram(&groups, &common, &keyed, target, &value);
    stats
}

/// As statistics are kept: `float4`.
fn single(x: f64) -> f64 {
    f64::from(x as f32)
}

/// Sorts by value; returns how well the physical order agrees (1: the same, −1: reversed).
fn correlation(keyed: &mut [(Vec<u8>, u32)]) -> f64 {
    let physical: Vec<u32> = keyed.iter().map(|k| k.1).collect();
    keyed.sort();
    let n = keyed.len() as f64;
    if keyed.len() < 2 {
        return 1.0;
    }
    // Positions in both orders are 0..n: their means and variances are known.
    let rank_of = |row: u32| physical.binary_search(&row).unwrap_or(0) as f64;
    let sum_xy: f64 = keyed.iter().enumerate().map(|(i, k)| i as f64 * rank_of(k.1)).sum();
    let sum_x = n * (n - 1.0) / 2.0;
    let sum_xx = n * (n - 1.0) * (2.0 * n - 1.0) / 6.0;
    (n * sum_xy - sum_x * sum_x) / (n * sum_xx - sum_x * sum_x)
}

/// Runs of equal values in sorted order: start and length.
fn groups(keyed: &[(Vec<u8>, u32)]) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (i, (key, _)) in keyed.iter().enumerate() {
        match groups.last_mut() {
            Some(last) if keyed[last.0].0 == *key => last.1 += 1,
            _ => groups.push((i, 1)),
        }
    }
    groups
}

/// As `stadistinct`: positive a number, negative a fraction of the rows.
fn distinct(groups: &[(usize, usize)], values: usize, wide: usize, rows: usize, nulls: usize, total: f64) -> f64 {
    let d = groups.len() + wide;
    let repeated = groups.iter().filter(|g| g.1 > 1).count();
    let present_frac = 1.0 - nulls as f64 / rows as f64;
    if repeated == 0 {
        return -present_frac;
    }
    // What grows with the table is told as a fraction of it.
    let told = |distinct: f64| if distinct > 0.1 * total { -(distinct / total) } else { distinct };
    if wide == 0 && repeated == groups.len() {
        return told(d as f64);
    }
    // Haas and Stokes' Duj1: n*d / (n - f1 + f1*n/N).
    let f1 = (groups.len() - repeated + wide) as f64;
    let n = (values + wide) as f64;
    let big_n = total * present_frac;
    let mut estimate = if big_n > 0.0 { n * d as f64 / ((n - f1) + f1 * n / big_n) } else { 0.0 };
    estimate = estimate.clamp(d as f64, big_n.max(d as f64)).round();
    told(estimate)
}

/// The groups worth remembering one by one, most frequent first.
fn most_common(
    groups: &[(usize, usize)],
    values: usize,
    target: usize,
    n_distinct: f64,
    total: f64,
    rows: usize,
) -> Vec<usize> {
    let mut by_count: Vec<usize> = (0..groups.len()).filter(|g| groups[*g].1 > 1).collect();
    by_count.sort_by(|a, b| groups[*b].1.cmp(&groups[*a].1).then(a.cmp(b)));
    let all_repeated = by_count.len() == groups.len();
    if all_repeated && n_distinct > 0.0 && groups.len() <= target {
        return by_count;
    }
    by_count.truncate(target);
    let counts: Vec<usize> = by_count.iter().map(|g| groups[*g].1).collect();
    let distinct = if n_distinct < 0.0 { -n_distinct * total } else { n_distinct };
    by_count.truncate(clearly_common(&counts, distinct, (rows - values) as f64 / rows as f64, rows as f64, total));
    by_count
}

/// How many of the most frequent values of a sample are more frequent in the whole table than the rest, as sure as two
/// standard errors make it. PostgreSQL 15, analyze.c, analyze_mcv_list: same test.
fn clearly_common(counts: &[usize], distinct: f64, nulls: f64, sampled: f64, total: f64) -> usize {
    if sampled >= total || total <= 1.0 {
        return counts.len();
    }
    let mut kept = counts.len();
    while kept > 0 {
        let before: usize = counts[..kept - 1].iter().sum();
        let others = distinct - (kept - 1) as f64;
        let rest = (1.0 - before as f64 / sampled - nulls).clamp(0.0, 1.0);
        let average = if others > 1.0 { rest / others } else { rest };
        let count = counts[kept - 1] as f64;
        let in_table = total * count / sampled;
        let variance = sampled * in_table * (total - in_table) * (total - sampled) / (total * total * (total - 1.0));
        if count > average * sampled + 2.0 * variance.sqrt() + 0.5 {
            break;
        }
        kept -= 1;
    }
    kept
}

/// Bounds of buckets with equally many of the remaining values.
fn histogram(
    groups: &[(usize, usize)],
    common: &[usize],
    keyed: &[(Vec<u8>, u32)],
    target: usize,
    value: &dyn Fn(usize) -> Value,
) -> Vec<Value> {
    let mut rest: Vec<usize> = Vec::with_capacity(keyed.len());
    let mut different = 0;
    for (g, (start, len)) in groups.iter().enumerate() {
        if !common.contains(&g) {
            rest.extend(*start..start + len);
            different += 1;
        }
    }
    let bounds = (target + 1).min(different);
    if bounds < 2 {
        return Vec::new();
    }
    (0..bounds).map(|i| value(rest[i * (rest.len() - 1) / (bounds - 1)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Phys, TypeRef, oid};

    fn analysed(values: impl Iterator<Item = Option<i32>>, total: f64) -> ColumnStats {
        let mut column = Column::new(Phys::I32);
        let mut rows = 0;
        for v in values {
            column.push(v.map_or(Datum::Null, Datum::I32));
            rows += 1;
        }
        let attribute = Attribute::new("a", 1, TypeRef::of(oid::INT4));
        column_stats(&attribute, (&column, LongValues::default()), rows, total, 100)
    }

    /// A unique ascending column: all distinct, perfectly correlated, a histogram from end to end.
    #[test]
    fn unique_column() {
        let s = analysed((1..=3000).map(Some), 3000.0);
        assert_eq!((s.n_distinct, s.correlation, s.null_frac, s.avg_width), (-1.0, 1.0, 0.0, 4));
        assert_eq!(
            (s.histogram.len(), s.histogram.first(), s.histogram.last()),
            (101, Some(&Value::I32(1)), Some(&Value::I32(3000)))
        );
        assert!(s.most_common.is_empty());
    }

    /// A few values: all of them common, with their shares; NULLs counted.
    #[test]
    fn few_values() {
        let s = analysed((0..1000).map(|i| if i % 10 == 0 { None } else { Some(i % 3) }), 1000.0);
        assert_eq!((s.n_distinct, s.null_frac, s.most_common.len()), (3.0, f64::from(0.1_f32), 3));
        assert!(s.most_common.iter().all(|(_, f)| (f - 0.3).abs() < 0.01));
        assert!(s.histogram.is_empty());
    }
}
