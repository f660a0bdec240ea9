//! How fast the nodes are: `cargo test --release --lib exec::bench -- --ignored --nocapture`.

use super::testing::*;
use crate::sql::expr::Expr;
use crate::sql::plan::{self, AggStrategy, JoinKind, Plan, PlanNode};
use crate::types::oid;
use std::time::Instant;

const ROWS: i32 = 1_000_000;

/// Nanoseconds per row, the best of five.
fn measure(name: &str, rows: i32, plan: impl Fn() -> Plan) {
    let best = (0..5)
        .map(|_| {
            let statement = statement(plan());
            let mut cx = context();
            cx.settings.work_mem_kb = 256 * 1024;
            let started = Instant::now();
            let mut node = super::start(&statement, &mut cx).expect("a plan");
            let mut count = 0;
            while let Some(batch) = node.next(&mut cx).expect("rows") {
                count += batch.rows;
            }
            assert!(count > 0);
            started.elapsed().as_nanos() as f64 / f64::from(rows)
        })
        .fold(f64::INFINITY, f64::min);
    println!("{name:<40} {best:8.1} ns/row {:8.1} ms", best * f64::from(rows) / 1e6);
}

fn aggregate(input: Plan, group_by: Vec<Expr>) -> Plan {
    let calls =
        vec![agg("count", Vec::new(), &[], INT8), agg("sum", vec![op("+", col(0, INT4), int(1))], &[oid::INT4], INT8)];
    let mut types: Vec<_> = group_by.iter().map(|e| e.ty).collect();
    types.extend([INT8, INT8]);
    let strategy = if group_by.is_empty() { AggStrategy::Plain } else { AggStrategy::Hash };
    let sets = vec![(0..group_by.len()).collect()];
    let a = plan::Aggregate { input, strategy, group_by, sets, groups: Vec::new(), calls, having: None, project: None };
    plan(PlanNode::Aggregate(Box::new(a)), &types)
}

fn join(left: i32, right: i32) -> Plan {
    let j = plan::HashJoin {
        kind: JoinKind::Inner,
        left: series(left),
        right: series(right),
        left_keys: vec![col(0, INT4)],
        right_keys: vec![col(0, INT4)],
        condition: None,
        project: None,
        null_aware: false,
    };
    plan(PlanNode::HashJoin(Box::new(j)), &[INT4, INT4])
}

/// Figures only, no limits: the machine is shared.
#[test]
#[ignore = "a measurement"]
fn figures() {
    measure("generate_series", ROWS, || series(ROWS));
    measure("filter, sum", ROWS, || aggregate(filter(series(ROWS), op(">", col(0, INT4), int(100))), Vec::new()));
    measure("group by 10", ROWS, || aggregate(series(ROWS), vec![op("%", col(0, INT4), int(10))]));
    measure("group by 100,000", ROWS, || aggregate(series(ROWS), vec![op("%", col(0, INT4), int(100_000))]));
    measure("hash join, 500k built, 1M probe", ROWS, || join(ROWS, ROWS / 2));
    let shuffled =
        || project(series(ROWS), vec![op("%", op("*", col(0, INT4), int(2003)), int(1_000_003)), col(0, INT4)]);
    measure("projection with two operators", ROWS, shuffled);
    measure("sort by one int, shuffled", ROWS, || sort(shuffled(), vec![asc(col(0, INT4))]));
    let two = || sort(shuffled(), vec![asc(op("%", col(0, INT4), int(100))), desc(col(1, INT4))]);
    measure("sort by two", ROWS, two);
}
