//! Golden plans over a mock catalog: SQL text to EXPLAIN's lines, and statements to the error they must give.
//!
//! `OUTLAST_BLESS=1 cargo test --lib plan::tests` rewrites the golden files; the change is then reviewed.

mod mock;

use super::{ExplainOptions, PlanContext, PlannerSettings, explain_text, plan};
use crate::base::Result;
use crate::sql::bind::{BindContext, bind};
use crate::types::IoContext;
use mock::Mock;

fn explain(mock: &Mock, sql: &str, settings: &PlannerSettings) -> Result<Vec<String>> {
    let io = IoContext::default();
    let stmts = crate::sql::parse::parse(sql)?;
    let mut out = Vec::new();
    for raw in stmts {
        let mut cx = BindContext { names: mock, io: &io, text: sql, params: Vec::new(), infer_params: true };
        let query = bind(&mut cx, &raw.stmt)?;
        let columns: Vec<String> = query
            .output()
            .map(|t| format!("{} {}", t.name, crate::types::format_type(t.expr.ty.oid, t.expr.ty.typmod, &*io.hooks)))
            .collect();
        out.push(format!("[{}]", columns.join(", ")));
        let params = cx.params.clone();
        let planned = plan(query, &PlanContext { names: mock, io: &io, settings, params: &params })?;
        check(&planned.plan);
        let options = ExplainOptions { costs: false, ..ExplainOptions::default() };
        out.extend(explain_text(&planned, &options, None, &io));
    }
    Ok(out)
}

/// PLAN-1 and PLAN-2: columns exist, and nothing of the binder is left.
fn check(plan: &super::Plan) {
    use crate::sql::expr::ExprKind;
    let width: usize = plan.inputs().iter().map(|p| p.columns.len()).sum();
    let node = format!("{:?}", plan.node);
    plan.for_each_expr(&mut |e| {
        e.walk(&mut |x| {
            let left = matches!(
                x.kind,
                ExprKind::Var { .. }
                    | ExprKind::SubLink(_)
                    | ExprKind::Aggregate(_)
                    | ExprKind::Window(_)
                    | ExprKind::SetReturning { .. }
                    | ExprKind::Grouping { .. }
            );
            assert!(!left, "PLAN-2: {:?} in {}", x.kind, &node[..node.len().min(300)]);
            if let (ExprKind::Column(i), super::PlanNode::Project { .. } | super::PlanNode::Sort { .. }) =
                (&x.kind, &plan.node)
            {
                assert!(*i < width, "PLAN-1: column {i} of {width} in {}", &node[..node.len().min(300)]);
            }
            if let ExprKind::SubPlan(s) = &x.kind {
                check(&s.plan);
            }
            true
        });
    });
    plan.inputs().into_iter().for_each(check);
}

/// Runs a file of statements, each followed by `----` and what is expected, and compares.
fn golden(name: &str, text: &str) {
    let mock = Mock::new();
    let mut out = String::new();
    let mut settings = PlannerSettings::default();
    for block in text.split("\n\n").filter(|b| !b.trim().is_empty()) {
        let sql = block.split("\n----").next().unwrap_or("").trim();
        out.push_str(sql);
        out.push_str("\n----\n");
        if let Some(rest) = sql.strip_prefix("-- set ") {
            match rest.trim() {
                "no hash" => settings.enable_hashjoin = false,
                "reset" => settings = PlannerSettings::default(),
                other => panic!("unknown setting {other}"),
            }
            out.push('\n');
            continue;
        }
        match explain(&mock, sql, &settings) {
            Ok(lines) => lines.iter().for_each(|l| {
                out.push_str(l);
                out.push('\n');
            }),
            Err(e) => {
                out.push_str(&format!("{} {}\n", e.sqlstate().as_str(), e.message()));
                for (k, v) in [("DETAIL", &e.0.detail), ("HINT", &e.0.hint)] {
                    if let Some(v) = v {
                        out.push_str(&format!("{k} {v}\n"));
                    }
                }
                if let Some(p) = e.0.position {
                    out.push_str(&format!("AT {p}\n"));
                }
            }
        }
        out.push('\n');
    }
    if std::env::var_os("OUTLAST_BLESS").is_some() {
        let path = format!("{}/src/sql/plan/tests/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        std::process::Command::new("tee")
            .arg(&path)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .and_then(|mut c| {
                use std::io::Write;
                c.stdin.take().map_or(Ok(()), |mut s| s.write_all(out.as_bytes()))?;
                c.wait()
            })
            .expect("the golden file is written");
        return;
    }
    let (want, got): (Vec<&str>, Vec<&str>) = (text.trim().lines().collect(), out.trim().lines().collect());
    for (n, (w, g)) in want.iter().zip(&got).enumerate() {
        assert_eq!(w, g, "{name}.txt line {}", n + 1);
    }
    assert_eq!(want.len(), got.len(), "{name}.txt: number of lines");
}

/// The shapes of plans: scans, joins, grouping, windows, sub-selects, set operations, writes.
#[test]
fn plans_are_as_recorded() {
    golden("plans", include_str!("plans.txt"));
}

/// Names, types and messages of the binder are PostgreSQL's.
#[test]
fn errors_are_postgresqls() {
    golden("errors", include_str!("errors.txt"));
}

/// A join of 60 tables is planned in far less than a second even by a debug build.
#[test]
fn sixty_tables_are_planned_quickly() {
    let mock = Mock::new();
    let from: Vec<String> = (0..60).map(|i| format!("small s{i}")).collect();
    let on: Vec<String> = (1..60).map(|i| format!("s{i}.id = s{}.id", i - 1)).collect();
    let sql = format!("select count(*) from {} where {}", from.join(", "), on.join(" and "));
    let started = std::time::Instant::now();
    explain(&mock, &sql, &PlannerSettings::default()).expect("planned");
    assert!(started.elapsed().as_secs_f64() < 5.0, "{:?}", started.elapsed());
}
