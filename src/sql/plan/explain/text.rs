//! EXPLAIN's lines.

use super::unique::is_inner_unique;
use super::{Actuals, ExplainOptions, Shown};
use crate::sql::plan::PlanNode;
use crate::stat::statements::Effort;

pub(super) fn text(
    s: &Shown<'_>,
    indent: usize,
    arrow: bool,
    options: &ExplainOptions,
    actuals: Option<Actuals<'_>>,
    out: &mut Vec<String>,
) {
    let mut line = " ".repeat(indent);
    if arrow {
        line.push_str("->  ");
    }
    line.push_str(&s.kind);
    line.push_str(&s.place);
    let c = s.plan.cost;
    if options.costs {
        line.push_str(&format!(
            "  (cost={:.2}..{:.2} rows={:.0} width={})",
            c.startup,
            c.total,
            if c.rows > 0.0 { c.rows.max(1.0) } else { c.rows },
            c.width
        ));
    }
    let mut actual = actuals.and_then(|f| f(s.plan));
    // Bitmaps are not counted by rows.
    if let (PlanNode::BitmapCombine { .. }, Some(a)) = (&s.plan.node, &mut actual) {
        a.rows = 0;
    }
    if options.analyze {
        match &actual {
            Some(a) if a.loops > 0 => {
                let n = a.loops as f64;
                let rows = a.rows as f64 / n;
                if options.timing {
                    line.push_str(&format!(
                        " (actual time={:.3}..{:.3} rows={rows:.0} loops={})",
                        a.startup_ms / n,
                        a.total_ms / n,
                        a.loops
                    ));
                } else {
                    line.push_str(&format!(" (actual rows={rows:.0} loops={})", a.loops));
                }
            }
            _ => line.push_str(" (never executed)"),
        }
    }
    out.push(line);
    let inner = indent + if arrow { 6 } else { 2 };
    let pad = " ".repeat(inner);
    if !s.output.is_empty() {
        out.push(format!("{pad}Output: {}", s.output.join(", ")));
    }
    if options.verbose && s.place.is_empty() && is_inner_unique(s.plan) == Some(true) && s.kind != "Hash" {
        out.push(format!("{pad}Inner Unique: true"));
    }
    for (k, v) in &s.details {
        out.push(if k.is_empty() { format!("{pad}{v}") } else { format!("{pad}{k}: {v}") });
        if let Some(a) = &actual
            && options.analyze
            && k == "Filter"
            && a.removed_by_filter > 0
        {
            out.push(format!("{pad}Rows Removed by Filter: {}", a.removed_by_filter / a.loops.max(1)));
        }
        if let Some(a) = &actual
            && options.analyze
            && k == "Recheck Cond"
            && a.removed_by_recheck > 0
        {
            out.push(format!("{pad}Rows Removed by Index Recheck: {}", a.removed_by_recheck / a.loops.max(1)));
        }
    }
    if let Some(a) = &actual
        && options.analyze
    {
        a.notes.iter().for_each(|n| out.push(format!("{pad}{n}")));
        if let Some((exact, lossy)) = a.heap_blocks.filter(|b| *b != (0, 0)) {
            let part = |n: u64, word: &str| if n > 0 { format!(" {word}={n}") } else { String::new() };
            out.push(format!("{pad}Heap Blocks:{}{}", part(exact, "exact"), part(lossy, "lossy")));
        }
        out.extend(buffers_line(&a.effort).filter(|_| options.buffers).map(|line| format!("{pad}{line}")));
        out.extend(wal_line(&a.effort).filter(|_| options.wal).map(|line| format!("{pad}{line}")));
    }
    for (heading, child) in &s.children {
        match heading {
            Some(h) => {
                out.push(format!("{pad}{h}"));
                text(child, inner + 2, true, options, actuals, out);
            }
            None => text(child, inner, true, options, actuals, out),
        }
    }
}

fn counts(parts: &[(&str, i64)]) -> String {
    parts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!(" {word}={n}")).collect()
}

/// PostgreSQL 15, explain.c, show_buffer_usage: same form.
pub fn buffers_line(e: &Effort) -> Option<String> {
    let shared = counts(&[("hit", e.hit), ("read", e.read), ("dirtied", e.dirtied), ("written", e.written)]);
    let temp = counts(&[("read", e.temp_read), ("written", e.temp_written)]);
    let named = |word: &str, counts: &str| Some(format!(" {word}{counts}")).filter(|_| !counts.is_empty());
    let parts: Vec<String> = named("shared", &shared).into_iter().chain(named("temp", &temp)).collect();
    (!parts.is_empty()).then(|| format!("Buffers:{}", parts.join(",")))
}

/// PostgreSQL 15, explain.c, show_wal_usage: same form.
fn wal_line(e: &Effort) -> Option<String> {
    let shown = counts(&[("records", e.wal_records), ("fpi", e.wal_images), ("bytes", e.wal_bytes)]);
    (!shown.is_empty()).then(|| format!("WAL:{shown}"))
}
