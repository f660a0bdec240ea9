//! The function call message: one function by its OID, arguments beside it, one value back. libpq's large object calls are
//! made of it. PostgreSQL 15, fastpath.c: same checks, same order.

use super::block::Block;
use super::client::Client;
use super::job::{Done, Work};
use super::state::Session;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::ObjectKey;
use crate::catalog::object::class;
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::exec::context::RunState;
use crate::sql::expr::eval::{Eval, Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::{self, FuncDef};
use crate::types::{self, Batch, Datum, TypeRef, Value};
use crate::wire::{Format, FunctionCall, Output};
use std::sync::Arc;

impl Session {
    /// Answers a function call message.
    ///
    /// # Errors
    /// FATAL only.
    pub(super) async fn function_call(&mut self, client: &mut Client, call: FunctionCall) -> Result<()> {
        let text: Arc<str> = "<FASTPATH> function call".into();
        self.begin_statement(&text, "");
        self.backend().activity.state(crate::stat::SessionState::FastPath);
        if let Err(e) = self.call_function(client, call).await {
            self.report_error(client, e)?;
        }
        self.finish_message(client).await
    }

    async fn call_function(&mut self, client: &mut Client, call: FunctionCall) -> Result<()> {
        if self.block == Block::Failed {
            return Err(Block::aborted_error());
        }
        self.ensure_transaction();
        let def = self.callable(call.function)?;
        let args = self.arguments(def, &call)?;
        let ret = TypeRef::of(def.ret);
        let missing = def.strict && args.iter().any(Value::is_null);
        if missing {
            client.out.function_result(None);
            return Ok(());
        }
        let args = args.into_iter().zip(def.args);
        let args = args.map(|(v, ty)| Eval::new(&Expr::new(ExprKind::Const(v), TypeRef::of(*ty)))).collect();
        let values = Projection::of(vec![Eval::call(def, args, ret)]);
        let work = FunctionCallWork { values, ret, format: call.result, begun: false };
        self.drive(client, Box::new(work)).await.0?;
        self.backend().txn.next_command();
        Ok(())
    }

    fn callable(&mut self, oid: u32) -> Result<&'static FuncDef> {
        let oid = Oid(oid);
        let known = match func::func(oid) {
            Some(def) => Some(def),
            None => self.backend().catalog.get(ObjectKey::new(class::PROC, oid)).and_then(|r| match &r.object {
                crate::catalog::Object::Function(f) => Some(crate::sql::routine::def(f)),
                _ => None,
            }),
        };
        let Some(def) = known else {
            return Err(err!(UNDEFINED_FUNCTION, "function with OID {oid} does not exist").place(
                "fetch_fp_info",
                "fastpath.c",
                145,
            ));
        };
        if def.kind != b'f' || def.retset {
            return Err(err!(FEATURE_NOT_SUPPORTED, "cannot call function \"{}\" via fastpath interface", def.name));
        }
        Ok(def)
    }

    fn arguments(&mut self, def: &FuncDef, call: &FunctionCall) -> Result<Vec<Value>> {
        let (given, wanted) = (call.arguments.len(), def.args.len());
        if given != wanted {
            let text = format!("function call message contains {given} arguments but function requires {wanted}");
            return Err(Error::new(SqlState::PROTOCOL_VIOLATION, text));
        }
        let formats = call.formats.len();
        if formats > 1 && formats != given {
            let text = format!("function call message contains {formats} argument formats but {given} arguments");
            return Err(Error::new(SqlState::PROTOCOL_VIOLATION, text));
        }
        let mut values = Vec::with_capacity(given);
        for (n, (bytes, ty)) in call.arguments.iter().zip(def.args).enumerate() {
            values.push(self.parameter(bytes.as_deref(), TypeRef::of(*ty), Format::of(&call.formats, n))?);
        }
        Ok(values)
    }
}

struct FunctionCallWork {
    values: Projection,
    ret: TypeRef,
    format: Format,
    begun: bool,
}

impl Work for FunctionCallWork {
    fn step(&mut self, cx: &mut ExecContext, out: &mut Output) -> Flow<Done> {
        if !self.begun {
            cx.run = RunState::default();
            cx.params = Arc::from([]);
            cx.run.snapshot = Some(cx.backend()?.snapshot());
            self.begun = true;
        }
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let answer = self.values.run(cx, &nothing, Sel::All(1))?;
        let value = answer.first().map_or(Datum::Null, |c| c.get(0));
        match (value.is_null(), self.format) {
            (true, _) => out.function_result(None),
            (false, Format::Text) => {
                let mut text = Vec::new();
                types::text_out(self.ret, value, &mut text, &cx.fx.io)?;
                out.function_result(Some(&text));
            }
            (false, Format::Binary) => {
                let mut bytes = Vec::new();
                types::binary_out(self.ret, value, &mut bytes, &cx.fx.io)?;
                out.function_result(Some(&bytes));
            }
        }
        Ok(Done::Complete(String::new()))
    }
}
