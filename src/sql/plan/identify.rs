//! A cursor's plan with the places of its rows behind its columns: what WHERE CURRENT OF must know. PostgreSQL 15,
//! execCurrent.c, search_plan_tree: the same plans say which row of a table stands behind a row of theirs.

use super::{Plan, PlanColumn, PlanNode};
use crate::base::Oid;
use crate::catalog::Relation;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{TypeRef, oid};

/// Which output columns tell where a row of a table lies.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The table, or those of its tree.
    pub tables: Vec<Oid>,
    pub ctid: usize,
    /// None: there is but one table.
    pub tableoid: Option<usize>,
    /// Of a FOR UPDATE or SHARE clause.
    pub locked: bool,
}

const CTID: i16 = -1;
const TABLEOID: i16 = -6;

/// The plan with further columns at its end, and what these mean. None: its rows are not those of a table.
pub fn identified(plan: &Plan) -> Option<(Plan, Vec<Identity>)> {
    let mut plan = plan.clone();
    let known = extend(&mut plan)?;
    Some((plan, known))
}

fn add(columns: &mut Vec<PlanColumn>, name: &str, ty: Oid) -> usize {
    columns.push(PlanColumn { name: name.to_owned(), ty: TypeRef::of(ty) });
    columns.len() - 1
}

/// The columns of an input that a node hands on behind its own.
fn hand_on(known: Vec<Identity>, columns: &mut Vec<PlanColumn>, mut each: impl FnMut(usize, TypeRef)) -> Vec<Identity> {
    known
        .into_iter()
        .map(|id| {
            each(id.ctid, TypeRef::of(oid::TID));
            let ctid = add(columns, "ctid", oid::TID);
            let tableoid = id.tableoid.map(|column| {
                each(column, TypeRef::of(oid::OID));
                add(columns, "tableoid", oid::OID)
            });
            Identity { ctid, tableoid, ..id }
        })
        .collect()
}

fn of_scan(
    rel: &Relation,
    attnos: &mut Vec<i16>,
    project: Option<&mut Vec<Expr>>,
    columns: &mut Vec<PlanColumn>,
) -> Vec<Identity> {
    let first = attnos.len();
    attnos.extend([CTID, TABLEOID]);
    if let Some(project) = project {
        for (n, ty) in [(first, oid::TID), (first + 1, oid::OID)] {
            project.push(Expr::new(ExprKind::Column(n), TypeRef::of(ty)));
        }
    }
    let ctid = add(columns, "ctid", oid::TID);
    let tableoid = Some(add(columns, "tableoid", oid::OID));
    vec![Identity { tables: vec![rel.oid], ctid, tableoid, locked: false }]
}

fn extend(plan: &mut Plan) -> Option<Vec<Identity>> {
    let columns = &mut plan.columns;
    Some(match &mut plan.node {
        PlanNode::SeqScan { rel, attnos, project, .. } | PlanNode::TidScan { rel, attnos, project, .. } => {
            of_scan(rel, attnos, project.as_mut(), columns)
        }
        PlanNode::IndexScan(scan) => {
            scan.index_only = false;
            of_scan(&scan.rel, &mut scan.attnos, scan.project.as_mut(), columns)
        }
        PlanNode::GistScan(scan) => {
            scan.index_only = false;
            of_scan(&scan.rel, &mut scan.attnos, scan.project.as_mut(), columns)
        }
        PlanNode::BitmapHeapScan(scan) => of_scan(&scan.rel, &mut scan.attnos, scan.project.as_mut(), columns),
        PlanNode::Limit { input, .. } | PlanNode::Filter { input, .. } | PlanNode::With { body: input, .. } => {
            let known = extend(input)?;
            columns.clone_from(&input.columns);
            known
        }
        PlanNode::SubqueryScan { input, project, .. } => {
            let known = extend(input)?;
            match project {
                None => {
                    columns.clone_from(&input.columns);
                    known
                }
                Some(exprs) => hand_on(known, columns, |n, ty| exprs.push(Expr::new(ExprKind::Column(n), ty))),
            }
        }
        PlanNode::Project { input, exprs } => {
            hand_on(extend(input)?, columns, |n, ty| exprs.push(Expr::new(ExprKind::Column(n), ty)))
        }
        PlanNode::Append { inputs, .. } => {
            let mut all: Option<Identity> = None;
            for input in inputs.iter_mut() {
                let [one] = <[Identity; 1]>::try_from(extend(input)?).ok()?;
                match &mut all {
                    None => all = Some(one),
                    Some(all) if all.ctid == one.ctid && all.tableoid == one.tableoid => all.tables.extend(one.tables),
                    Some(_) => return None,
                }
            }
            columns.clone_from(&inputs.first()?.columns);
            vec![all?]
        }
        PlanNode::LockRows { locks, .. } => locks
            .iter()
            .map(|l| Identity {
                tables: l.members.iter().map(|(rel, _)| rel.oid).collect(),
                ctid: l.ctid,
                tableoid: l.tableoid,
                locked: true,
            })
            .collect(),
        _ => return None,
    })
}
