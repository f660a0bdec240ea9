//! CALL: a procedure's arguments, and the call under way.

use super::Invocation;
use crate::base::{Error, Flow, Result};
use crate::sql::ast::{self, CallStmt};
use crate::sql::bind::{self, BindContext, Names};
use crate::sql::exec::ExecContext;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::func::{CallTypes, FuncDef};
use crate::types::{Batch, TypeRef, Value};
use std::sync::Arc;

/// A procedure being called.
pub struct ProcedureRun {
    def: &'static FuncDef,
    /// Those that are handed in. What stands for an output parameter is not looked at.
    inputs: Projection,
    /// Of all arguments, and of those handed in.
    types: Vec<TypeRef>,
    input_types: Vec<TypeRef>,
    params: Arc<[Value]>,
    invocation: Option<Box<Invocation>>,
    /// It may end the transaction.
    pub transactions: bool,
}

impl ProcedureRun {
    /// Binds a call. `types`: of the parameters `params` has the values of.
    ///
    /// # Errors
    /// The binder's.
    pub fn bind(
        cx: &mut ExecContext,
        stmt: &CallStmt,
        names: &dyn Names,
        source: &str,
        types: Vec<TypeRef>,
        params: Arc<[Value]>,
    ) -> Result<ProcedureRun> {
        let mut bcx = BindContext { names, io: &cx.fx.io, text: source, params: types, infer_params: false };
        let call = bind::bind_call(&mut bcx, &stmt.call, stmt.pos)?;
        let types = call.args.iter().map(|a| a.ty).collect();
        // PostgreSQL 15, analyze.c, transformCallStmt.
        let is_input = |n: usize| call.def.fact.modes.as_bytes().get(n).is_none_or(|m| *m != b'o');
        let inputs: Vec<_> = (0..).zip(call.args).filter(|(n, _)| is_input(*n)).map(|(_, a)| a).collect();
        Ok(ProcedureRun {
            def: call.def,
            input_types: inputs.iter().map(|a| a.ty).collect(),
            inputs: Projection::new(&inputs),
            types,
            params,
            invocation: None,
            transactions: false,
        })
    }

    pub fn set_params(&mut self, params: Arc<[Value]>) {
        self.params = params;
    }

    pub fn def(&self) -> &'static FuncDef {
        self.def
    }

    /// The columns it answers with.
    pub fn columns(&self) -> Vec<(String, TypeRef)> {
        out_columns(self.def, &self.types)
    }

    /// The row of its OUT arguments; NULL if it has none.
    pub fn step(&mut self, cx: &mut ExecContext) -> Flow<Value> {
        if self.invocation.is_none() {
            let outer = std::mem::replace(&mut cx.params, self.params.clone());
            let one = Batch { columns: Vec::new(), rows: 1 };
            let done = self.inputs.run(cx, &one, Sel::All(1));
            cx.params = outer;
            let args: Vec<Value> = done?.iter().map(|c| c.get(0).to_value()).collect();
            let types = CallTypes { args: self.input_types.clone(), ret: TypeRef::of(self.def.ret), variadic: false };
            let mut call = Invocation::start(cx, self.def, args, Some(&types), None)?;
            if self.transactions {
                call.allow_transactions();
            }
            self.invocation = Some(Box::new(call));
        }
        match &mut self.invocation {
            Some(call) => call.value(cx),
            None => Err(Error::internal("a call that did not begin").into()),
        }
    }
}

/// The OUT arguments of a procedure: names and types, polymorphic ones as the arguments of a call have them.
fn out_columns(def: &FuncDef, types: &[TypeRef]) -> Vec<(String, TypeRef)> {
    let fact = def.fact;
    let actual = |declared| TypeRef::of(crate::sql::func::polymorphic::actual(declared, def.args, types));
    let is_out = |m: u8| matches!(m, b'o' | b'b');
    fact.modes
        .bytes()
        .enumerate()
        .filter(|(_, m)| is_out(*m))
        .enumerate()
        .map(|(i, (n, _))| {
            let name = fact.names.get(n).filter(|n| !n.is_empty()).map(|n| (*n).to_owned());
            (name.unwrap_or_else(|| format!("column{}", i + 1)), actual(fact.all_args[n]))
        })
        .collect()
}

impl FuncDef {
    /// For each OUT argument of a procedure the variable its argument names, if it is one.
    pub fn outputs(&self, stmt: &CallStmt) -> Vec<Option<Vec<String>>> {
        let modes = self.fact.modes.as_bytes();
        let mut out = Vec::new();
        for (n, mode) in modes.iter().enumerate() {
            if !matches!(mode, b'o' | b'b') {
                continue;
            }
            let name = self.fact.names.get(n).copied().unwrap_or_default();
            let named = stmt.call.args.iter().find_map(|a| match &a.kind {
                ast::ExprKind::NamedArg { name: x, value } if x == name => Some(&**value),
                _ => None,
            });
            let plain = || stmt.call.args.get(n).filter(|a| !matches!(a.kind, ast::ExprKind::NamedArg { .. }));
            out.push(match named.or_else(plain).map(|a| &a.kind) {
                Some(ast::ExprKind::Column { parts, star: false }) => Some(parts.clone()),
                Some(ast::ExprKind::Param(n)) => Some(vec![format!("${n}")]),
                _ => None,
            });
        }
        out
    }
}
