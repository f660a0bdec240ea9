//! Nodes over hand-built plans, each also with random waits between all nodes.

use super::testing::*;
use crate::sql::expr::{AggCall, Expr, ExprKind, SubPlan, SubPlanKind};
use crate::sql::plan::{self, AggStrategy, Cte, JoinKind, Plan, PlanNode, SetOpKind};
use crate::types::oid;
use std::sync::Arc;

fn rows(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// Filters keep exactly the rows for which the condition is true; projections compute over them.
#[test]
fn filter_and_project() {
    let input = values(&[&[Some(1), Some(10)], &[Some(2), None], &[Some(3), Some(30)]]);
    let kept = filter(input, op(">", col(1, INT4), int(5)));
    assert_eq!(run(project(kept, vec![op("+", col(0, INT4), int(100)), col(1, INT4)])), rows(&["101 10", "103 30"]));
}

/// A series of several batches comes out whole, sorted downwards, limited.
#[test]
fn sort_and_limit() {
    let sorted = sort(series(5000), vec![desc(col(0, INT4))]);
    let limited = PlanNode::Limit {
        input: Box::new(sorted),
        limit: Some(Expr::new(ExprKind::Const(crate::types::Value::I64(3)), INT8)),
        offset: Some(Expr::new(ExprKind::Const(crate::types::Value::I64(1500)), INT8)),
        with_ties: None,
    };
    assert_eq!(run(plan(limited, &[INT4])), rows(&["3500", "3499", "3498"]));
}

fn limit(input: Plan, n: i64) -> Plan {
    let types = types_of(&input);
    let limit = Some(Expr::new(ExprKind::Const(crate::types::Value::I64(n)), INT8));
    plan(PlanNode::Limit { input: Box::new(input), limit, offset: None, with_ties: None }, &types)
}

/// Rows a LIMIT does not want are not projected: the third one would fail.
#[test]
fn limit_spares_projections() {
    let risky = || project(series(5), vec![op("/", int(12), op("-", int(3), col(0, INT4)))]);
    assert_eq!(run(limit(risky(), 2)), rows(&["6", "12"]));
    assert!(run_in(limit(risky(), 3), |_| {}).is_err());
}

/// Volatile expressions beside a set-returning function are evaluated for each row that comes out.
#[test]
fn volatile_beside_a_set() {
    let float = crate::types::TypeRef::of(oid::FLOAT8);
    let call =
        Expr::new(ExprKind::Func { func: func("random", &[]), oper: None, args: Vec::new(), variadic: false }, float);
    let set =
        plan::SetItem::Set { func: func("generate_series", &[oid::INT4, oid::INT4]), args: vec![int(1), col(0, INT4)] };
    let node = PlanNode::ProjectSet { input: Box::new(series(3)), items: vec![set, plan::SetItem::Plain(call)] };
    let p = statement(plan(node, &[INT4, float]));
    let mut made = collect(&p, &mut context()).unwrap();
    assert_eq!(made.len(), 6);
    made.iter_mut().for_each(|r| *r = r.split(' ').nth(1).unwrap_or_default().to_owned());
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 6, "six rows, six numbers");
}

/// WITH TIES also gives the rows equal to the last one.
#[test]
fn limit_with_ties() {
    let input = values(&[&[Some(1)], &[Some(2)], &[Some(2)], &[Some(2)], &[Some(3)]]);
    let limited = |n| PlanNode::Limit {
        input: Box::new(input.clone()),
        limit: Some(Expr::new(ExprKind::Const(crate::types::Value::I64(n)), INT8)),
        offset: None,
        with_ties: Some(vec![asc(col(0, INT4))]),
    };
    assert_eq!(run(plan(limited(2), &[INT4])), rows(&["1", "2", "2", "2"]));
    assert_eq!(run(plan(limited(4), &[INT4])), rows(&["1", "2", "2", "2"]));
    assert_eq!(run(plan(limited(1), &[INT4])), rows(&["1"]));
    assert_eq!(run(plan(limited(0), &[INT4])), rows(&[]));
}

/// Two inputs with NULLs and duplicates on both sides.
fn sides() -> (Plan, Plan) {
    let left = values(&[
        &[Some(1), Some(11)],
        &[Some(2), Some(12)],
        &[Some(2), Some(13)],
        &[None, Some(14)],
        &[Some(5), Some(15)],
    ]);
    let right = values(&[
        &[Some(2), Some(21)],
        &[Some(2), Some(22)],
        &[Some(3), Some(23)],
        &[None, Some(24)],
        &[Some(5), Some(25)],
    ]);
    (left, right)
}

fn width(kind: JoinKind) -> usize {
    if matches!(kind, JoinKind::Semi | JoinKind::Anti) { 2 } else { 4 }
}

fn hash_join(kind: JoinKind, condition: Option<Expr>, left: Plan, right: Plan) -> Plan {
    let j = plan::HashJoin {
        kind,
        left,
        right,
        left_keys: vec![col(0, INT4)],
        right_keys: vec![col(0, INT4)],
        condition,
        project: None,
        null_aware: false,
    };
    plan(PlanNode::HashJoin(Box::new(j)), &vec![INT4; width(kind)])
}

fn merge_join(kind: JoinKind, condition: Option<Expr>, left: Plan, right: Plan) -> Plan {
    let j = plan::MergeJoin {
        kind,
        left: sort(left, vec![asc(col(0, INT4))]),
        right: sort(right, vec![asc(col(0, INT4))]),
        left_keys: vec![col(0, INT4)],
        right_keys: vec![col(0, INT4)],
        condition,
        project: None,
    };
    plan(PlanNode::MergeJoin(Box::new(j)), &vec![INT4; width(kind)])
}

fn nest_loop(kind: JoinKind, condition: Option<Expr>, left: Plan, right: Plan) -> Plan {
    let equal = op("=", col(0, INT4), col(2, INT4));
    let condition = match condition {
        None => equal,
        Some(c) => Expr::new(ExprKind::And(vec![equal, c]), BOOL),
    };
    let j = plan::NestLoop { kind, left, right, params: Vec::new(), condition: Some(condition), project: None };
    plan(PlanNode::NestLoop(Box::new(j)), &vec![INT4; width(kind)])
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// Every kind of join by every method gives the rows SQL defines, with and without a further condition.
#[test]
fn all_joins_agree() {
    use JoinKind::{Anti, Full, Inner, Left, Right, Semi};
    let expected: [(JoinKind, &[&str], &[&str]); 6] = [
        (
            Inner,
            &["2 12 2 21", "2 12 2 22", "2 13 2 21", "2 13 2 22", "5 15 5 25"],
            &["2 12 2 22", "2 13 2 22", "5 15 5 25"],
        ),
        (
            Left,
            &["1 11 · ·", "2 12 2 21", "2 12 2 22", "2 13 2 21", "2 13 2 22", "5 15 5 25", "· 14 · ·"],
            &["1 11 · ·", "2 12 2 22", "2 13 2 22", "5 15 5 25", "· 14 · ·"],
        ),
        (
            Right,
            &["2 12 2 21", "2 12 2 22", "2 13 2 21", "2 13 2 22", "5 15 5 25", "· · 3 23", "· · · 24"],
            &["2 12 2 22", "2 13 2 22", "5 15 5 25", "· · 2 21", "· · 3 23", "· · · 24"],
        ),
        (
            Full,
            &[
                "1 11 · ·",
                "2 12 2 21",
                "2 12 2 22",
                "2 13 2 21",
                "2 13 2 22",
                "5 15 5 25",
                "· 14 · ·",
                "· · 3 23",
                "· · · 24",
            ],
            &["1 11 · ·", "2 12 2 22", "2 13 2 22", "5 15 5 25", "· 14 · ·", "· · 2 21", "· · 3 23", "· · · 24"],
        ),
        (Semi, &["2 12", "2 13", "5 15"], &["2 12", "2 13", "5 15"]),
        (Anti, &["1 11", "· 14"], &["1 11", "· 14"]),
    ];
    let further = op(">", col(3, INT4), int(21));
    for (kind, plain, conditioned) in expected {
        for (condition, expected) in [(None, plain), (Some(further.clone()), conditioned)] {
            let (l, r) = sides();
            let join = hash_join(kind, condition.clone(), l.clone(), r.clone());
            assert_eq!(sorted(run(join)), sorted(rows(expected)), "hash {kind:?}");
            let join = merge_join(kind, condition.clone(), l.clone(), r.clone());
            assert_eq!(sorted(run(join)), sorted(rows(expected)), "merge {kind:?}");
            if !matches!(kind, Right | Full) {
                let join = nest_loop(kind, condition.clone(), l, r);
                assert_eq!(sorted(run(join)), sorted(rows(expected)), "nest loop {kind:?}");
            }
        }
    }
}

/// A right side far larger than the memory allowed is joined by partitions on disk, with the same rows.
#[test]
fn a_hash_join_spills() {
    let left = project(series(3000), vec![op("%", col(0, INT4), int(1000)), col(0, INT4)]);
    let right = project(series(20_000), vec![col(0, INT4), op("*", col(0, INT4), int(2))]);
    for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::Full, JoinKind::Anti] {
        let join = || hash_join(kind, None, left.clone(), right.clone());
        let whole = run_in(join(), |cx| cx.settings.work_mem_kb = 65_536).unwrap();
        let spilled = run_in(join(), |cx| cx.settings.work_mem_kb = 64).unwrap();
        assert_eq!(sorted(spilled), sorted(whole), "{kind:?}");
    }
}

/// NOT IN: a NULL on the right empties the result; on the left it keeps the row out, unless the right side is empty.
#[test]
fn null_aware_anti_join() {
    let join = |left: Plan, right: Plan| {
        let j = plan::HashJoin {
            kind: JoinKind::Anti,
            left,
            right,
            left_keys: vec![col(0, INT4)],
            right_keys: vec![col(0, INT4)],
            condition: None,
            project: None,
            null_aware: true,
        };
        run(plan(PlanNode::HashJoin(Box::new(j)), &[INT4]))
    };
    let left = values(&[&[Some(1)], &[None], &[Some(3)]]);
    assert_eq!(join(left.clone(), values(&[&[Some(3)]])), rows(&["1"]));
    assert_eq!(join(left.clone(), values(&[&[Some(3)], &[None]])), rows(&[]));
    let nothing = filter(values(&[&[Some(3)]]), op(">", col(0, INT4), int(5)));
    assert_eq!(join(left, nothing), rows(&["1", "·", "3"]));
}

/// A nested loop passes left values into the right side's slots.
#[test]
fn lateral_nest_loop() {
    let right = filter(series(5), op("<", col(0, INT4), slot(0, INT4)));
    let j = plan::NestLoop {
        kind: JoinKind::Left,
        left: values(&[&[Some(3)], &[Some(1)], &[Some(2)]]),
        right,
        params: vec![(0, col(0, INT4))],
        condition: None,
        project: None,
    };
    let p = plan(PlanNode::NestLoop(Box::new(j)), &[INT4, INT4]);
    assert_eq!(run(p), rows(&["3 1", "3 2", "1 ·", "2 1"]));
}

fn aggregate(input: Plan, strategy: AggStrategy, group_by: Vec<Expr>, calls: Vec<AggCall>) -> Plan {
    let mut types: Vec<_> = group_by.iter().map(|e| e.ty).collect();
    types.extend(calls.iter().map(|c| c.ty));
    let sets = vec![(0..group_by.len()).collect()];
    let a = plan::Aggregate { input, strategy, group_by, sets, groups: Vec::new(), calls, having: None, project: None };
    plan(PlanNode::Aggregate(Box::new(a)), &types)
}

fn count_star() -> AggCall {
    agg("count", Vec::new(), &[], INT8)
}

fn sum_of(e: Expr) -> AggCall {
    agg("sum", vec![e], &[oid::INT4], INT8)
}

/// Without rows a plain aggregate still answers, a grouped one does not.
#[test]
fn aggregates_over_nothing() {
    let nothing = || filter(series(3), op(">", col(0, INT4), int(5)));
    let calls = || vec![count_star(), sum_of(col(0, INT4))];
    assert_eq!(run(aggregate(nothing(), AggStrategy::Plain, Vec::new(), calls())), rows(&["0 ·"]));
    assert_eq!(run(aggregate(nothing(), AggStrategy::Hash, vec![col(0, INT4)], calls())), rows(&[]));
}

/// Hashed, sorted and spilled grouping agree.
#[test]
fn grouping_strategies_agree() {
    let input = || project(series(20_000), vec![op("%", col(0, INT4), int(3000)), col(0, INT4)]);
    let calls = || vec![count_star(), sum_of(col(1, INT4))];
    let hashed = run(aggregate(input(), AggStrategy::Hash, vec![col(0, INT4)], calls()));
    assert_eq!(hashed.len(), 3000);
    assert!(hashed.contains(&"7 7 63049".to_owned()), "rows 7, 3007, … 18007");
    let sorted_input = sort(input(), vec![asc(col(0, INT4))]);
    let by_sort = run(aggregate(sorted_input, AggStrategy::Sorted, vec![col(0, INT4)], calls()));
    assert_eq!(sorted(by_sort), sorted(hashed.clone()));
    let small = |cx: &mut super::ExecContext| cx.settings.work_mem_kb = 64;
    let spilled = run_in(aggregate(input(), AggStrategy::Hash, vec![col(0, INT4)], calls()), small).unwrap();
    assert_eq!(sorted(spilled), sorted(hashed));
}

/// DISTINCT, ORDER BY and FILTER inside aggregate calls.
#[test]
fn aggregate_modifiers() {
    let input = values(&[&[Some(3)], &[Some(1)], &[Some(3)], &[None], &[Some(2)]]);
    let distinct = AggCall { distinct: true, ..agg("count", vec![col(0, INT4)], &[oid::ANY], INT8) };
    let filtered = AggCall { filter: Some(op(">", col(0, INT4), int(1))), ..count_star() };
    let list = TypeRef4::array();
    let ordered = AggCall {
        order_by: vec![desc(col(0, INT4))],
        ..agg("array_agg", vec![col(0, INT4)], &[oid::ANYNONARRAY], list)
    };
    let p = aggregate(input, AggStrategy::Plain, Vec::new(), vec![distinct, filtered, ordered]);
    assert_eq!(run(p), rows(&["3 3 {NULL,3,3,2,1}"]));
}

struct TypeRef4;

impl TypeRef4 {
    fn array() -> crate::types::TypeRef {
        crate::types::TypeRef::of(oid::INT4_ARRAY)
    }
}

/// Grouping sets: one row per group of each set, other columns NULL, `GROUPING` tells which.
#[test]
fn grouping_sets() {
    let input = values(&[&[Some(1), Some(1)], &[Some(1), Some(2)], &[Some(2), Some(2)]]);
    let a = plan::Aggregate {
        input,
        strategy: AggStrategy::Hash,
        group_by: vec![col(0, INT4), col(1, INT4)],
        sets: vec![vec![0, 1], vec![0], vec![]],
        groups: Vec::new(),
        calls: vec![count_star()],
        having: None,
        project: Some(vec![
            col(0, INT4),
            col(1, INT4),
            col(2, INT8),
            Expr::new(ExprKind::Grouping { items: vec![0, 1], levels_up: 0 }, INT4),
        ]),
    };
    let p = plan(PlanNode::Aggregate(Box::new(a)), &[INT4, INT4, INT8, INT4]);
    assert_eq!(run(p), rows(&["· · 3 3", "1 2 1 0", "1 1 1 0", "2 2 1 0", "1 · 2 1", "2 · 1 1"]));
}

/// DISTINCT by hash, by order, and with less memory than keys.
#[test]
fn distinct() {
    let input = || project(series(30_000), vec![op("%", col(0, INT4), int(9000))]);
    let node = |input: Plan, sorted| {
        plan(PlanNode::Distinct { input: Box::new(input), keys: vec![col(0, INT4)], sorted }, &[INT4])
    };
    let hashed = run(node(input(), false));
    assert_eq!(hashed.len(), 9000);
    assert_eq!(sorted(run(node(sort(input(), vec![asc(col(0, INT4))]), true))), sorted(hashed.clone()));
    let spilled = run_in(node(input(), false), |cx| cx.settings.work_mem_kb = 64).unwrap();
    assert_eq!(sorted(spilled), sorted(hashed));
}

/// UNION, INTERSECT and EXCEPT, with and without ALL.
#[test]
fn set_operations() {
    let left = || values(&[&[Some(1)], &[Some(1)], &[Some(1)], &[Some(2)], &[None]]);
    let right = || values(&[&[Some(1)], &[Some(1)], &[None], &[None], &[Some(3)]]);
    let op = |op, all| {
        let node = PlanNode::SetOp {
            left: Box::new(left()),
            right: Box::new(right()),
            op,
            all,
            groups: 2.0,
            right_first: false,
        };
        run(plan(node, &[INT4])).join(",")
    };
    assert_eq!(op(SetOpKind::Union, false), "1,2,·,3");
    assert_eq!(op(SetOpKind::Intersect, false), "·,1");
    assert_eq!(op(SetOpKind::Intersect, true), "·,1,1");
    assert_eq!(op(SetOpKind::Except, false), "2");
    assert_eq!(op(SetOpKind::Except, true), "1,2");
}

/// A recursive union goes on until a round adds nothing new.
#[test]
fn recursion() {
    let next = |distinct: bool, step: Expr| {
        let scan = PlanNode::WorkTableScan {
            work_table: 0,
            alias: "r".into(),
            names: Vec::new(),
            filter: None,
            project: None,
        };
        let right = filter(project(plan(scan, &[INT4]), vec![step]), op("<", col(0, INT4), int(8)));
        let node = PlanNode::RecursiveUnion {
            left: Box::new(values(&[&[Some(1)]])),
            right: Box::new(right),
            distinct,
            work_table: 0,
        };
        run(plan(node, &[INT4])).join(",")
    };
    assert_eq!(next(false, op("*", col(0, INT4), int(2))), "1,2,4");
    // 1, 3, 5, 1, … would never end without DISTINCT.
    assert_eq!(next(true, op("%", op("+", col(0, INT4), int(2)), int(6))), "1,3,5");
}

/// A CTE read twice runs once: both readers see the same random numbers.
#[test]
fn ctes_are_shared() {
    let random = func("random", &[]);
    let float = crate::types::TypeRef::of(oid::FLOAT8);
    let call = Expr::new(ExprKind::Func { func: random, oper: None, args: Vec::new(), variadic: false }, float);
    let cte = Cte { id: 1, name: "r".into(), plan: project(series(3), vec![call]), modifies: false, number: 1 };
    let scan = || {
        plan(PlanNode::CteScan { cte: 1, alias: "r".into(), names: Vec::new(), filter: None, project: None }, &[float])
    };
    let union = PlanNode::SetOp {
        left: Box::new(scan()),
        right: Box::new(scan()),
        op: SetOpKind::Except,
        all: true,
        groups: 2.0,
        right_first: false,
    };
    let node = PlanNode::With { ctes: vec![cte], body: Box::new(plan(union, &[float])) };
    assert_eq!(run(plan(node, &[float])), rows(&[]));
}

fn sub(kind: SubPlanKind, p: Plan, args: Vec<(usize, Expr)>, test: Option<(Expr, Vec<(usize, Expr)>)>) -> ExprKind {
    let (test, test_params) = test.map_or((None, Vec::new()), |(t, p)| (Some(t), p));
    let mut p = p;
    p.params = args.iter().map(|a| a.0).collect();
    let hashable = args.is_empty();
    ExprKind::SubPlan(Box::new(SubPlan {
        kind,
        plan: Arc::new(p),
        args,
        test,
        test_params,
        hashable,
        number: 1,
        slots: Vec::new(),
    }))
}

/// Correlated scalar sub-select: `(select count(*) from generate_series(1,5) s where s < t.a)`, one run per row.
#[test]
fn correlated_scalar() {
    let inner = filter(series(5), op("<", col(0, INT4), slot(0, INT4)));
    let inner = aggregate(inner, AggStrategy::Plain, Vec::new(), vec![count_star()]);
    let e = Expr::new(sub(SubPlanKind::Scalar, inner, vec![(0, col(0, INT4))], None), INT8);
    let input = values(&[&[Some(3)], &[Some(1)], &[None], &[Some(100)]]);
    assert_eq!(run(project(input, vec![col(0, INT4), e])), rows(&["3 2", "1 0", "· 0", "100 5"]));
}

/// Two rows from a scalar sub-select are PostgreSQL's error 21000.
#[test]
fn scalar_with_two_rows() {
    let e = Expr::new(sub(SubPlanKind::Scalar, series(2), Vec::new(), None), INT4);
    let error = run_in(project(series(1), vec![e]), |_| {}).unwrap_err();
    assert_eq!(error.message(), "more than one row returned by a subquery used as an expression");
    assert_eq!(error.sqlstate().as_str(), "21000");
}

/// IN by hash and by comparison, with NULLs on both sides.
#[test]
fn in_sub_select() {
    let list = |with_null: bool| match with_null {
        true => values(&[&[Some(1)], &[None]]),
        false => values(&[&[Some(1)], &[Some(4)]]),
    };
    for hashable in [true, false] {
        let test = |list: Plan| {
            let test = op("=", slot(1, INT4), col(0, INT4));
            let mut kind = sub(SubPlanKind::Any, list, Vec::new(), Some((test, vec![(1, col(0, INT4))])));
            if let ExprKind::SubPlan(s) = &mut kind {
                s.hashable = hashable;
            }
            let input = values(&[&[Some(1)], &[Some(2)], &[None]]);
            run(project(input, vec![Expr::new(kind, BOOL)])).join(",")
        };
        assert_eq!(test(list(false)), "t,f,·", "hashable {hashable}");
        assert_eq!(test(list(true)), "t,·,·", "hashable {hashable}");
        let nothing = filter(list(false), op(">", col(0, INT4), int(9)));
        assert_eq!(test(nothing), "f,f,f", "hashable {hashable}");
    }
}

/// EXISTS, correlated, as a filter; the rest of the condition is not evaluated for rows that failed.
#[test]
fn exists_as_a_filter() {
    let inner = filter(series(5), op("=", op("*", col(0, INT4), int(2)), slot(0, INT4)));
    let e = Expr::new(sub(SubPlanKind::Exists, inner, vec![(0, col(0, INT4))], None), BOOL);
    assert_eq!(run(filter(series(12), e)), rows(&["2", "4", "6", "8", "10"]));
}

/// CASE, AND, OR and COALESCE evaluate a branch only for rows that reach it: no division by zero here.
#[test]
fn branches_are_lazy() {
    let divide = || op("/", int(10), col(0, INT4));
    let zero = || op("=", col(0, INT4), int(0));
    let case = ExprKind::Case { operand: None, arms: vec![(zero(), int(-1))], otherwise: Some(Box::new(divide())) };
    let and = ExprKind::And(vec![op("<>", col(0, INT4), int(0)), op(">", divide(), int(2))]);
    let or = ExprKind::Or(vec![zero(), op(">", divide(), int(2))]);
    let coalesce = ExprKind::Coalesce(vec![col(1, INT4), divide()]);
    let input = values(&[&[Some(0), Some(7)], &[Some(2), None], &[Some(5), None]]);
    let p = project(
        input,
        vec![Expr::new(case, INT4), Expr::new(and, BOOL), Expr::new(or, BOOL), Expr::new(coalesce, INT4)],
    );
    assert_eq!(run(p), rows(&["-1 f t 7", "5 t t 5", "2 f f 2"]));
    let error = run_in(project(values(&[&[Some(0)]]), vec![divide()]), |_| {}).unwrap_err();
    assert_eq!((error.message(), error.sqlstate().as_str()), ("division by zero", "22012"));
}

/// A simple CASE's operand is evaluated once, also where CASEs are nested.
#[test]
fn simple_case_nests() {
    let operand = || Expr::new(ExprKind::CaseOperand, INT4);
    let inner = Expr::new(
        ExprKind::Case {
            operand: Some(Box::new(op("+", col(0, INT4), int(1)))),
            arms: vec![(op("=", operand(), int(2)), text("two"))],
            otherwise: Some(Box::new(text("other"))),
        },
        TEXT,
    );
    let outer = ExprKind::Case {
        operand: Some(Box::new(col(0, INT4))),
        arms: vec![(op("=", operand(), int(3)), text("three")), (op("<", operand(), int(3)), inner)],
        otherwise: None,
    };
    assert_eq!(run(project(series(4), vec![Expr::new(outer, TEXT)])), rows(&["two", "other", "three", "·"]));
}

/// Three-valued logic of AND and OR, every combination.
#[test]
fn null_logic() {
    let b = |v: Option<i32>| match v {
        Some(n) => Expr::new(ExprKind::Const(crate::types::Value::Bool(n == 1)), BOOL),
        None => null(BOOL),
    };
    let all = [Some(1), Some(0), None];
    let mut answers = Vec::new();
    for x in all {
        for y in all {
            let e =
                vec![Expr::new(ExprKind::And(vec![b(x), b(y)]), BOOL), Expr::new(ExprKind::Or(vec![b(x), b(y)]), BOOL)];
            answers.extend(run(project(series(1), e)));
        }
    }
    assert_eq!(answers, rows(&["t t", "f t", "· t", "f t", "f f", "f ·", "· t", "f ·", "· ·"]));
}

mod windows {
    //! Window functions against answers PostgreSQL 15 gives for the same rows.

    use super::super::testing::*;
    use super::{count_star, rows, sum_of};
    use crate::sql::expr::{Expr, ExprKind, Frame, FrameBound, FrameExclude, FrameMode, WindowCall, WindowSpec};
    use crate::sql::plan::{Plan, PlanNode};
    use crate::types::{TypeRef, Value, oid};

    const FLOAT8: TypeRef = TypeRef::of(oid::FLOAT8);

    fn input() -> Plan {
        let data: [(i32, i32); 8] = [(1, 10), (1, 10), (1, 20), (1, 40), (2, 5), (2, 6), (2, 6), (2, 9)];
        let lines: Vec<Vec<Option<i32>>> = data.iter().map(|(a, b)| vec![Some(*a), Some(*b)]).collect();
        values(&lines.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn frame(mode: FrameMode, start: FrameBound, end: FrameBound, exclude: FrameExclude) -> Frame {
        Frame { mode, start, end, exclude }
    }

    fn default_frame() -> Frame {
        let (start, end) = (FrameBound::UnboundedPreceding, FrameBound::CurrentRow);
        frame(FrameMode::Range, start, end, FrameExclude::NoOthers)
    }

    fn spec(frame: Frame) -> WindowSpec {
        WindowSpec { partition_by: vec![col(0, INT4)], order_by: vec![asc(col(1, INT4))], frame, written: None }
    }

    fn named(name: &str, args: Vec<Expr>, ret: TypeRef) -> WindowCall {
        let kind = |f: &&&'static crate::sql::func::FuncDef| f.kind == b'w' && f.args.len() == args.len();
        let func = crate::sql::func::funcs_named(name).iter().find(kind).expect("a window function");
        WindowCall { func, star: args.is_empty(), args, filter: None, spec: spec(default_frame()), ty: ret }
    }

    fn sum(f: Frame) -> WindowCall {
        let s = sum_of(col(1, INT4));
        WindowCall { func: s.func, args: s.args, filter: None, star: false, spec: spec(f), ty: INT8 }
    }

    /// Only the calls' columns.
    fn answers(calls: Vec<WindowCall>) -> Vec<String> {
        let types: Vec<TypeRef> = [INT4, INT4].into_iter().chain(calls.iter().map(|c| c.ty)).collect();
        let outs = (2..types.len()).map(|n| col(n, types[n])).collect();
        let node = PlanNode::Window { input: Box::new(input()), spec: spec(default_frame()), calls };
        run(project(plan(node, &types), outs))
    }

    fn int8(n: i64) -> Expr {
        Expr::new(ExprKind::Const(Value::I64(n)), INT8)
    }

    fn preceding(e: Expr) -> FrameBound {
        FrameBound::Preceding(e)
    }

    fn following(e: Expr) -> FrameBound {
        FrameBound::Following(e)
    }

    #[test]
    fn ranking() {
        let calls = vec![
            named("row_number", vec![], INT8),
            named("rank", vec![], INT8),
            named("dense_rank", vec![], INT8),
            named("percent_rank", vec![], FLOAT8),
            named("cume_dist", vec![], FLOAT8),
            named("ntile", vec![int(3)], INT4),
        ];
        let expected = [
            "1 1 1 0 0.5 1",
            "2 1 1 0 0.5 1",
            "3 3 2 0.6666666666666666 0.75 2",
            "4 4 3 1 1 3",
            "1 1 1 0 0.25 1",
            "2 2 2 0.3333333333333333 0.75 1",
            "3 2 2 0.3333333333333333 0.75 2",
            "4 4 3 1 1 3",
        ];
        assert_eq!(answers(calls), rows(&expected));
    }

    #[test]
    fn neighbours_and_frame_values() {
        let calls = vec![
            named("lag", vec![col(1, INT4)], INT4),
            named("lead", vec![col(1, INT4), int(2), int(-1)], INT4),
            named("first_value", vec![col(1, INT4)], INT4),
            named("last_value", vec![col(1, INT4)], INT4),
            named("nth_value", vec![col(1, INT4), int(3)], INT4),
        ];
        let expected = [
            "· 20 10 10 ·",
            "10 40 10 10 ·",
            "10 -1 10 20 20",
            "20 -1 10 40 20",
            "· 6 5 5 ·",
            "5 9 5 6 6",
            "6 -1 5 6 6",
            "6 -1 5 9 6",
        ];
        assert_eq!(answers(calls), rows(&expected));
    }

    /// Sums over ROWS, RANGE and GROUPS frames with offsets.
    #[test]
    fn frames() {
        let none = FrameExclude::NoOthers;
        let calls = vec![
            sum(default_frame()),
            sum(frame(FrameMode::Rows, preceding(int8(1)), following(int8(1)), none)),
            sum(frame(FrameMode::Range, preceding(int(10)), FrameBound::CurrentRow, none)),
            sum(frame(FrameMode::Groups, preceding(int8(1)), FrameBound::CurrentRow, none)),
            sum(frame(FrameMode::Rows, following(int8(1)), following(int8(2)), none)),
        ];
        let expected = [
            "20 20 20 20 30",
            "20 40 20 20 60",
            "40 70 40 40 40",
            "80 60 40 60 ·",
            "5 11 5 5 12",
            "17 17 17 17 15",
            "17 21 17 17 9",
            "26 15 26 21 ·",
        ];
        assert_eq!(answers(calls), rows(&expected));
    }

    #[test]
    fn exclusion() {
        let all = || (FrameBound::UnboundedPreceding, FrameBound::UnboundedFollowing);
        let call = |exclude| {
            let (start, end) = all();
            sum(frame(FrameMode::Rows, start, end, exclude))
        };
        let calls = vec![call(FrameExclude::CurrentRow), call(FrameExclude::Group), call(FrameExclude::Ties)];
        let expected = ["70 60 70", "70 60 70", "60 60 80", "40 40 80", "21 21 26", "20 14 20", "20 14 20", "17 17 26"];
        assert_eq!(answers(calls), rows(&expected));
    }

    /// FILTER, and an aggregate over the whole partition.
    #[test]
    fn filter_and_whole_partition() {
        let whole = frame(
            FrameMode::Rows,
            FrameBound::UnboundedPreceding,
            FrameBound::UnboundedFollowing,
            FrameExclude::NoOthers,
        );
        let c = count_star();
        let count = WindowCall {
            func: c.func,
            args: vec![],
            filter: Some(op(">", col(1, INT4), int(9))),
            star: true,
            spec: spec(whole),
            ty: INT8,
        };
        assert_eq!(answers(vec![count]), rows(&["4", "4", "4", "4", "0", "0", "0", "0"]));
    }

    /// A negative offset is PostgreSQL's error 22013.
    #[test]
    fn bad_offset() {
        let f = frame(FrameMode::Rows, preceding(int8(-1)), FrameBound::CurrentRow, FrameExclude::NoOthers);
        let calls = vec![sum(f)];
        let node = PlanNode::Window { input: Box::new(input()), spec: spec(default_frame()), calls };
        let error = run_in(plan(node, &[INT4, INT4, INT8]), |_| {}).unwrap_err();
        assert_eq!(error.message(), "frame starting offset must not be negative");
        assert_eq!(error.sqlstate().as_str(), "22013");
    }
}
