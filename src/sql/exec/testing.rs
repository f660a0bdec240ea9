//! Plans built by hand, run plainly and with random waits between all nodes (FLOW-1).

use super::{ExecContext, start};
use crate::base::{Oid, Result, Stop};
use crate::lock::LockMode;
use crate::sql::expr::{AggCall, Expr, ExprKind, SortKey};
use crate::sql::func::FuncDef;
use crate::sql::plan::{Cost, Plan, PlanColumn, PlanNode, PlannedStatement};
use crate::types::{Datum, TypeRef, Value, oid};
use std::sync::Arc;

pub(super) const INT4: TypeRef = TypeRef::of(oid::INT4);
pub(super) const INT8: TypeRef = TypeRef::of(oid::INT8);
pub(super) const TEXT: TypeRef = TypeRef::of(oid::TEXT);
pub(super) const BOOL: TypeRef = TypeRef::of(oid::BOOL);

/// A context with a place for temporary files.
pub(super) fn context() -> ExecContext {
    ExecContext { temp: Some(Arc::new(crate::disk::Simulated::new(1))), ..ExecContext::default() }
}

pub(super) fn plan(node: PlanNode, types: &[TypeRef]) -> Plan {
    let columns = types.iter().enumerate().map(|(n, ty)| PlanColumn { name: format!("c{n}"), ty: *ty }).collect();
    Plan { node, columns, cost: Cost::default(), params: Vec::new() }
}

pub(super) fn types_of(p: &Plan) -> Vec<TypeRef> {
    p.columns.iter().map(|c| c.ty).collect()
}

pub(super) fn int(v: i32) -> Expr {
    Expr::new(ExprKind::Const(Value::I32(v)), INT4)
}

pub(super) fn null(ty: TypeRef) -> Expr {
    Expr::new(ExprKind::Const(Value::Null), ty)
}

pub(super) fn text(s: &str) -> Expr {
    Expr::new(ExprKind::Const(Value::text(s)), TEXT)
}

pub(super) fn col(n: usize, ty: TypeRef) -> Expr {
    Expr::new(ExprKind::Column(n), ty)
}

pub(super) fn slot(n: usize, ty: TypeRef) -> Expr {
    Expr::new(ExprKind::ExecParam(n), ty)
}

/// The operator's function for these types.
pub(super) fn op(name: &str, a: Expr, b: Expr) -> Expr {
    let o = crate::sql::func::type_operator(name, a.ty.oid, b.ty.oid).expect("an operator");
    let func = crate::sql::func::func(o.func).expect("its function");
    Expr::new(ExprKind::Func { func, oper: Some(o.oid), args: vec![a, b], variadic: false }, TypeRef::of(o.result))
}

pub(super) fn func(name: &str, args: &[Oid]) -> &'static FuncDef {
    crate::sql::func::funcs_named(name).iter().find(|f| f.args == args).expect("a function")
}

pub(super) fn agg(name: &str, args: Vec<Expr>, declared: &[Oid], ret: TypeRef) -> AggCall {
    AggCall {
        func: func(name, declared),
        star: args.is_empty(),
        args,
        distinct: false,
        order_by: Vec::new(),
        filter: None,
        direct_args: Vec::new(),
        ty: ret,
        levels_up: 0,
    }
}

pub(super) fn asc(expr: Expr) -> SortKey {
    SortKey { expr, desc: false, nulls_first: false }
}

pub(super) fn desc(expr: Expr) -> SortKey {
    SortKey { expr, desc: true, nulls_first: true }
}

/// Rows of integers, None for NULL.
pub(super) fn values(rows: &[&[Option<i32>]]) -> Plan {
    let width = rows.first().map_or(1, |r| r.len());
    let row = |r: &&[Option<i32>]| r.iter().map(|v| v.map_or_else(|| null(INT4), int)).collect();
    plan(PlanNode::Values { rows: rows.iter().map(row).collect() }, &vec![INT4; width])
}

/// generate_series(1, n) as int4.
pub(super) fn series(n: i32) -> Plan {
    let call = crate::sql::plan::FunctionCall {
        func: func("generate_series", &[oid::INT4, oid::INT4]),
        args: vec![int(1), int(n)],
        rows: false,
        columns: vec![PlanColumn { name: "i".into(), ty: INT4 }],
    };
    let node = PlanNode::FunctionScan {
        calls: vec![call],
        alias: "s".into(),
        names: Vec::new(),
        ordinality: false,
        filter: None,
        project: None,
    };
    plan(node, &[INT4])
}

pub(super) fn project(input: Plan, exprs: Vec<Expr>) -> Plan {
    let types: Vec<TypeRef> = exprs.iter().map(|e| e.ty).collect();
    plan(PlanNode::Project { input: Box::new(input), exprs }, &types)
}

pub(super) fn filter(input: Plan, filter: Expr) -> Plan {
    let types = types_of(&input);
    plan(PlanNode::Filter { input: Box::new(input), filter }, &types)
}

pub(super) fn sort(input: Plan, keys: Vec<SortKey>) -> Plan {
    let types = types_of(&input);
    plan(PlanNode::Sort { input: Box::new(input), keys, presorted: 0, bound: None }, &types)
}

pub(super) fn statement(plan: Plan) -> PlannedStatement {
    let relations: Vec<(Arc<crate::catalog::Relation>, LockMode)> = Vec::new();
    PlannedStatement {
        plan,
        tag: "SELECT",
        returns_rows: true,
        exec_params: 8,
        work_tables: 2,
        ctes: 2,
        param_types: Vec::new(),
        origins: Vec::new(),
        privileges: Vec::new(),
        relations,
        read_only: true,
        locks_rows: None,
        constants: Vec::new(),
        entries: 0,
        acting: None,
        inlined: Vec::new(),
        query_id: 0,
        source: None,
    }
}

fn shown(ty: TypeRef, d: Datum<'_>, cx: &ExecContext) -> String {
    if d.is_null() {
        return "·".into();
    }
    let mut out = Vec::new();
    crate::types::text_out(ty, d, &mut out, &cx.fx.io).expect("a value has a text form");
    String::from_utf8(out).expect("text is UTF-8")
}

/// All rows as text, columns separated by blanks.
pub(super) fn collect(p: &PlannedStatement, cx: &mut ExecContext) -> Result<Vec<String>> {
    let mut node = start(p, cx)?;
    let types = types_of(&p.plan);
    let mut rows = Vec::new();
    let mut stops = 0u32;
    loop {
        match node.next(cx) {
            Ok(None) => break,
            Ok(Some(batch)) => {
                for r in 0..batch.rows {
                    let row: Vec<String> =
                        batch.columns.iter().zip(&types).map(|(c, t)| shown(*t, c.get(r), cx)).collect();
                    rows.push(row.join(" "));
                }
            }
            Err(Stop::Error(e)) => return Err(e),
            Err(_) => {
                stops += 1;
                assert!(stops < 1_000_000, "no progress");
            }
        }
    }
    assert!(matches!(node.next(cx), Ok(None) | Err(Stop::Yield | Stop::Wait(_))), "EXEC-2");
    Ok(rows)
}

/// Runs plainly, then with waits injected under several seeds: always the same rows.
pub(super) fn run_in(p: Plan, settings: impl Fn(&mut ExecContext)) -> Result<Vec<String>> {
    let p = statement(p);
    let mut cx = context();
    settings(&mut cx);
    let plain = collect(&p, &mut cx)?;
    for seed in [1, 7, 1234, 99_999] {
        let mut cx = context();
        settings(&mut cx);
        cx.inject_waits = Some(seed);
        assert_eq!(collect(&p, &mut cx)?, plain, "FLOW-1 with seed {seed}");
    }
    Ok(plain)
}

pub(super) fn run(p: Plan) -> Vec<String> {
    run_in(p, |_| {}).expect("the plan runs")
}
