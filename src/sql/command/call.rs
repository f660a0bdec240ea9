//! CALL and DO.

use super::{Command, Outcome};
use crate::base::{Error, Flow, Result};
use crate::err;
use crate::sql::ast::{CallStmt, DefArg, DoStmt};
use crate::sql::bind::{self, BindContext};
use crate::sql::exec::{ExecContext, phys_of};
use crate::sql::plpgsql;
use crate::sql::routine::{self, ProcedureRun, returns::Returns};
use crate::types::{Batch, Column, TypeRef, Value};
use std::sync::Arc;

/// Whether what is called may end the transaction.
fn may_end(cx: &mut ExecContext) -> Result<bool> {
    Ok(!cx.backend()?.in_block)
}

pub fn call(cmd: &mut Command, cx: &mut ExecContext, stmt: &CallStmt) -> Flow<Outcome> {
    if cmd.progress.is_none() {
        let catalog = cx.backend()?.catalog.clone();
        let transactions = may_end(cx)?;
        let scoped = cmd.scoped(&*catalog, cx);
        let mut run = ProcedureRun::bind(cx, stmt, &scoped, &cmd.source, cmd.param_types.clone(), cmd.params.clone())?;
        run.transactions = transactions;
        cmd.progress = Some(Box::new(run));
    }
    let run = cmd.progress.as_mut().and_then(|p| p.downcast_mut::<ProcedureRun>());
    let run = run.ok_or_else(|| Error::internal("CALL lost its procedure"))?;
    let columns = run.columns();
    let value = run.step(cx)?;
    if columns.is_empty() {
        return Ok(Outcome::Tag("CALL".into()));
    }
    let bytes = match &value {
        Value::Bytes(b) => &b[..],
        _ => &[],
    };
    let record = crate::types::record::Record::new(bytes);
    let one = |n: usize| Column::constant(phys_of(columns[n].1), record.field(n), 1);
    let batch = Batch { columns: (0..columns.len()).map(one).collect(), rows: 1 };
    Ok(Outcome::Rows { columns, batch, tag: "CALL".into() })
}

pub fn run_block(cmd: &mut Command, cx: &mut ExecContext, stmt: &DoStmt) -> Flow<String> {
    if cmd.progress.is_none() {
        let frame = block(cmd, cx, stmt)?;
        cmd.progress = Some(Box::new(frame));
    }
    let frame = cmd.progress.as_mut().and_then(|p| p.downcast_mut::<plpgsql::Frame>());
    let frame = frame.ok_or_else(|| Error::internal("DO lost its block"))?;
    routine::deeper(cx, routine::Level::Plpgsql, |cx| frame.value(cx))?;
    Ok("DO".into())
}

fn block(cmd: &Command, cx: &mut ExecContext, stmt: &DoStmt) -> Result<plpgsql::Frame> {
    let mut body = None;
    let mut language = "plpgsql".to_owned();
    for o in &stmt.options {
        let text = match &o.arg {
            Some(DefArg::List(l)) => match l.first() {
                Some(DefArg::Str(s)) => s.clone(),
                _ => String::new(),
            },
            _ => o.string().unwrap_or_default(),
        };
        match o.name.as_str() {
            "as" if body.is_none() => body = Some(text),
            "language" => language = text.to_ascii_lowercase(),
            _ => return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(o.pos))),
        }
    }
    let Some(body) = body else { return Err(err!(SYNTAX_ERROR, "no inline code specified")) };
    match language.as_str() {
        "plpgsql" => super::function::check_language(cx, &language)?,
        "sql" | "internal" | "c" => {
            return Err(err!(FEATURE_NOT_SUPPORTED, "language \"{language}\" does not support inline code execution"));
        }
        other => return Err(err!(UNDEFINED_OBJECT, "language \"{other}\" does not exist")),
    }
    let transactions = may_end(cx)?;
    let code = plpgsql::compile_block(cx, &body).map_err(|e| super::function::transposed(cmd, &body, e))?;
    let mut frame = plpgsql::Frame::new(cx, Arc::new(code), Vec::new(), None, Returns::Void)?;
    if transactions {
        frame.allow_transactions();
    }
    Ok(frame)
}

/// The columns CALL of a procedure answers with, for Describe. None: it answers with none.
pub fn call_columns(
    cx: &mut ExecContext,
    stmt: &CallStmt,
    source: &str,
    param_types: Vec<TypeRef>,
) -> Result<Vec<(String, TypeRef)>> {
    let catalog = cx.backend()?.catalog.clone();
    let run = ProcedureRun::bind(cx, stmt, &*catalog, source, param_types, Arc::from(Vec::new()))?;
    Ok(run.columns())
}

/// The types of a CALL's parameters: those of `known`, and those its arguments tell.
pub fn call_param_types(
    cx: &mut ExecContext,
    stmt: &CallStmt,
    source: &str,
    known: Vec<TypeRef>,
) -> Result<Vec<TypeRef>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx = BindContext { names: &*catalog, io: &cx.fx.io, text: source, params: known, infer_params: true };
    bind::bind_call(&mut bcx, &stmt.call, stmt.pos)?;
    Ok(bcx.params)
}
