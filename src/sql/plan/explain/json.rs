//! What EXPLAIN found out as JSON, which the other formats are made of, too.

use super::unique::is_inner_unique;
use super::{Actuals, ExplainOptions, Shown};
use crate::sql::plan::PlanNode;
use crate::stat::statements::Effort;
use serde_json::{Map, Value as Json, json};

/// The pages as the other formats name them.
pub fn buffers_fields(e: &Effort, m: &mut Map<String, Json>) {
    for (what, n) in [
        ("Shared Hit Blocks", e.hit),
        ("Shared Read Blocks", e.read),
        ("Shared Dirtied Blocks", e.dirtied),
        ("Shared Written Blocks", e.written),
        ("Local Hit Blocks", 0),
        ("Local Read Blocks", 0),
        ("Local Dirtied Blocks", 0),
        ("Local Written Blocks", 0),
        ("Temp Read Blocks", e.temp_read),
        ("Temp Written Blocks", e.temp_written),
    ] {
        m.insert(what.into(), json!(n));
    }
}

pub(super) fn json_of(
    s: &Shown<'_>,
    parent: Option<(&str, Option<&str>)>,
    options: &ExplainOptions,
    actuals: Option<Actuals<'_>>,
) -> Json {
    let mut m = Map::new();
    let (kind, join) = match s.kind.as_str() {
        k if k.starts_with("Nested Loop") => ("Nested Loop", Some(k.trim_start_matches("Nested Loop"))),
        k if k.starts_with("Hash") && k.ends_with("Join") => ("Hash Join", Some(k.trim_start_matches("Hash"))),
        k if k.starts_with("Merge") && k.ends_with("Join") => ("Merge Join", Some(k.trim_start_matches("Merge"))),
        "Insert" | "Update" | "Delete" | "Merge" => ("ModifyTable", None),
        k if k.starts_with("HashSetOp ") => ("SetOp", None),
        "HashAggregate" | "GroupAggregate" | "MixedAggregate" => ("Aggregate", None),
        k => (k, None),
    };
    m.insert("Node Type".into(), json!(kind));
    match s.kind.as_str() {
        k if k.starts_with("HashSetOp ") => {
            m.insert("Strategy".into(), json!("Hashed"));
        }
        "Insert" | "Update" | "Delete" | "Merge" => {
            m.insert("Operation".into(), json!(s.kind));
        }
        "Aggregate" | "HashAggregate" | "GroupAggregate" | "MixedAggregate" => {
            let strategy = match s.kind.as_str() {
                "Aggregate" => "Plain",
                "HashAggregate" => "Hashed",
                "GroupAggregate" => "Sorted",
                _ => "Mixed",
            };
            m.insert("Strategy".into(), json!(strategy));
            m.insert("Partial Mode".into(), json!("Simple"));
        }
        _ => {}
    }
    if let Some((p, name)) = parent {
        m.insert("Parent Relationship".into(), json!(p));
        if let Some(name) = name {
            m.insert("Subplan Name".into(), json!(name));
        }
    }
    m.insert("Parallel Aware".into(), json!(false));
    m.insert("Async Capable".into(), json!(false));
    if let Some(j) = join {
        let word = j.trim().trim_end_matches("Join").trim();
        m.insert("Join Type".into(), json!(if word.is_empty() { "Inner" } else { word }));
    }
    if let Some(command) = s.kind.strip_prefix("HashSetOp ") {
        m.insert("Command".into(), json!(command));
    }
    for (k, v) in &s.facts {
        m.insert((*k).into(), v.clone());
    }
    let c = s.plan.cost;
    if options.costs {
        m.insert("Startup Cost".into(), json!((c.startup * 100.0).round() / 100.0));
        m.insert("Total Cost".into(), json!((c.total * 100.0).round() / 100.0));
        m.insert("Plan Rows".into(), json!(c.rows.round() as i64));
        m.insert("Plan Width".into(), json!(c.width));
    }
    let actual = actuals.and_then(|f| f(s.plan)).unwrap_or_default();
    if options.analyze {
        let a = &actual;
        let n = a.loops.max(1) as f64;
        if options.timing {
            m.insert("Actual Startup Time".into(), json!((a.startup_ms / n * 1000.0).round() / 1000.0));
            m.insert("Actual Total Time".into(), json!((a.total_ms / n * 1000.0).round() / 1000.0));
        }
        m.insert("Actual Rows".into(), json!((a.rows as f64 / n).round() as i64));
        m.insert("Actual Loops".into(), json!(a.loops));
    }
    if !s.output.is_empty() {
        m.insert("Output".into(), json!(s.output));
    }
    if let Some(unique) = is_inner_unique(s.plan).filter(|_| s.kind.contains("Join") || s.kind.starts_with("Nested")) {
        m.insert("Inner Unique".into(), json!(unique));
    }
    if let (PlanNode::Append { removed: 0, .. }, "Append" | "Merge Append") = (&s.plan.node, s.kind.as_str()) {
        m.insert("Subplans Removed".into(), json!(0));
    }
    for (k, v) in s.details.iter().filter(|(k, _)| !k.is_empty()) {
        let value = match k.as_str() {
            "Subplans Removed" => json!(v.parse::<usize>().unwrap_or_default()),
            "Sort Key" | "Presorted Key" | "Group Key" | "Conflict Arbiter Indexes" => {
                json!(v.split(", ").collect::<Vec<_>>())
            }
            _ => json!(v),
        };
        m.insert(k.clone(), value);
    }
    // PostgreSQL 15 has these without ANALYZE, too.
    if options.buffers {
        buffers_fields(&actual.effort, &mut m);
    }
    if options.wal {
        m.insert("WAL Records".into(), json!(actual.effort.wal_records));
        m.insert("WAL FPI".into(), json!(actual.effort.wal_images));
        m.insert("WAL Bytes".into(), json!(actual.effort.wal_bytes));
    }
    let mut plans = Vec::new();
    let mut plain = 0;
    for (heading, child) in &s.children {
        let relation = match heading {
            Some(h) if h.starts_with("SubPlan") => "SubPlan",
            Some(_) => "InitPlan",
            None => {
                plain += 1;
                match (s.kind.as_str(), plain) {
                    ("Append" | "Merge Append", _) => "Member",
                    (_, 1) => "Outer",
                    _ => "Inner",
                }
            }
        };
        plans.push(json_of(child, Some((relation, heading.as_deref())), options, actuals));
    }
    if !plans.is_empty() {
        m.insert("Plans".into(), Json::Array(plans));
    }
    Json::Object(m)
}
