//! PREPARE, EXECUTE, DEALLOCATE.

use super::client::Client;
use super::command::Said;
use super::query::Destination;
use super::state::Session;
use super::statement::Statement;
use crate::base::memory::claim;
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast::{self, Const, ExecuteStmt, ExprKind, PrepareStmt, RawStmt, Stmt};
use crate::sql::bind::{self, BindContext};
use crate::sql::routine::too_deep;
use crate::types::{TypeRef, Value};
use crate::wire::Format;
use std::sync::Arc;

/// How many EXECUTE may be inside each other. PostgreSQL stops where its stack does, at some thousands.
const MAX_EXECUTES: usize = 100;

impl Session {
    pub(super) fn prepare_stmt(&mut self, said: &Statement, stmt: &PrepareStmt) -> Result<String> {
        let source = &said.source;
        if self.statements.contains_key(&stmt.name) {
            return Err(duplicate(&stmt.name));
        }
        let cx = self.cx();
        let catalog = cx.backend()?.catalog.clone();
        let mut bcx =
            BindContext { names: &*catalog, io: &cx.fx.io, text: source, params: Vec::new(), infer_params: false };
        let given = stmt.types.iter().map(|t| bind::bind_type(&mut bcx, t)).collect::<Result<Vec<TypeRef>>>()?;
        let raw = RawStmt { stmt: stmt.query.clone(), start: 0, len: source.len() as u32 };
        let mut statement = Statement::new(&stmt.name, source.clone(), Some(raw), given);
        statement.from_sql = true;
        statement.text = said.text.clone();
        statement.param_types(self.cx())?;
        self.room_for_statement()?;
        self.statements.insert(stmt.name.clone(), Arc::new(statement));
        Ok("PREPARE".into())
    }

    /// Statements are kept as long as the client likes, and each takes little: now and then it is asked whether there is
    /// memory for some more.
    ///
    /// # Errors
    /// 53200.
    pub(super) fn room_for_statement(&self) -> Result<()> {
        match self.statements.len() % 64 {
            63 => claim(0, "CachedPlanSource"),
            _ => Ok(()),
        }
    }

    pub(super) fn find_statement(&self, name: &str) -> Result<Arc<Statement>> {
        self.statements.get(name).cloned().ok_or_else(|| {
            let text = match name {
                "" => "unnamed prepared statement does not exist".to_string(),
                name => format!("prepared statement \"{name}\" does not exist"),
            };
            Error::new(crate::base::SqlState::INVALID_SQL_STATEMENT_NAME, text)
        })
    }

    pub(super) async fn execute_stmt(
        &mut self,
        client: &mut Client,
        source: &str,
        stmt: &ExecuteStmt,
        formats: &[Format],
        destination: Destination,
    ) -> Result<String> {
        let statement = self.find_statement(&stmt.name)?;
        let types = self.execute_types(stmt, &statement)?;
        let params = self.evaluate_args(source, stmt, &types)?;
        if self.executes == MAX_EXECUTES {
            return Err(too_deep(self.cx()));
        }
        let own = statement.choose(self.cx(), &params)?;
        self.executes += 1;
        let done = Box::pin(self.run_statement(client, &statement, params, own, formats, destination)).await;
        self.executes -= 1;
        done
    }

    /// What EXECUTE runs in the end, through statements that are EXECUTE themselves; None if that has no end.
    pub(super) fn executed_last(&self, execute: &ExecuteStmt) -> Result<Option<Arc<Statement>>> {
        let mut statement = self.find_statement(&execute.name)?;
        for _ in 0..MAX_EXECUTES {
            let Some(Stmt::Execute(inner)) = statement.stmt.as_deref() else {
                return Ok(Some(statement));
            };
            statement = self.find_statement(&inner.name)?;
        }
        Ok(None)
    }

    /// EXECUTE inside of EXPLAIN and CREATE TABLE AS: the statement prepared stands in its place.
    pub(super) fn spelled_out(&mut self, said: Said) -> Result<Said> {
        let execute = match &*said.stmt {
            Stmt::CreateTableAs(c) => &c.query,
            Stmt::Explain(e) => match &e.query {
                Stmt::CreateTableAs(c) => &c.query,
                query => query,
            },
            _ => return Ok(said),
        };
        let Stmt::Execute(execute) = execute else { return Ok(said) };
        let statement = self.find_statement(&execute.name)?;
        let types = self.execute_types(execute, &statement)?;
        let params = self.evaluate_args(&said.source.clone(), execute, &types)?;
        let Some(prepared) = &statement.stmt else { return Ok(said) };
        let explained = matches!(&*said.stmt, Stmt::Explain(e) if matches!(e.query, Stmt::Execute(_)));
        if explained && prepared.is_optimizable() {
            let plan = Some(statement.choose_shown(self.cx(), &params)?);
            return Ok(Said { source: statement.source.clone(), params, plan, ..said });
        }
        statement.count_spelled_out(self.cx(), &params)?;
        let prepared = match &**prepared {
            Stmt::Select(s) => {
                let mut s = s.clone();
                let literals = self.literals(&types, &params)?;
                s.rewrite(&mut |e| {
                    if let ExprKind::Param(n) = e.kind
                        && let Some(literal) = usize::try_from(n - 1).ok().and_then(|n| literals.get(n))
                    {
                        e.kind = literal.clone();
                    }
                });
                Stmt::Select(s)
            }
            other => other.clone(),
        };
        let mut stmt = Stmt::clone(&said.stmt);
        let (place, only_select) = match &mut stmt {
            Stmt::CreateTableAs(c) => (&mut c.query, true),
            Stmt::Explain(e) => match &mut e.query {
                Stmt::CreateTableAs(c) => (&mut c.query, true),
                query => (query, false),
            },
            _ => return Ok(said),
        };
        if only_select && !matches!(prepared, Stmt::Select(_)) {
            return Err(err!(WRONG_OBJECT_TYPE, "prepared statement is not a SELECT"));
        }
        *place = prepared;
        Ok(Said { stmt: Arc::new(stmt), source: statement.source.clone(), params, plan: None })
    }

    /// Values as what could have been written in their place.
    fn literals(&mut self, types: &[TypeRef], values: &[Value]) -> Result<Vec<ExprKind>> {
        let io = &self.cx().fx.io;
        let one = |(ty, value): (&TypeRef, &Value)| {
            let constant = match value {
                Value::Null => Const::Null,
                value => {
                    let mut text = Vec::new();
                    crate::types::io::text_out(*ty, value.datum(), &mut text, io)?;
                    Const::Str(String::from_utf8_lossy(&text).into_owned())
                }
            };
            let typ = crate::sql::parse::parse_type_name(&crate::types::format_type(ty.oid, ty.typmod, &*io.hooks))?;
            let arg = Box::new(ast::Expr::new(ExprKind::Const(constant), ast::NOWHERE));
            Ok(ExprKind::Cast { arg, typ })
        };
        types.iter().zip(values).map(one).collect()
    }

    fn execute_types(&mut self, stmt: &ExecuteStmt, statement: &Statement) -> Result<Vec<TypeRef>> {
        let types = statement.param_types(self.cx())?;
        // Who asks for no parameters is given none, whatever is there (PostgreSQL 15, prepare.c, ExecuteQuery).
        if !types.is_empty() && types.len() != stmt.args.len() {
            return Err(err!(SYNTAX_ERROR, "wrong number of parameters for prepared statement \"{}\"", stmt.name)
                .detail(format!("Expected {} parameters but got {}.", types.len(), stmt.args.len())));
        }
        Ok(types)
    }

    fn evaluate_args(&mut self, source: &str, stmt: &ExecuteStmt, types: &[TypeRef]) -> Result<Arc<[Value]>> {
        let cx = self.cx();
        let given = stmt.args.iter().zip(types).enumerate();
        given.map(|(n, (arg, ty))| crate::sql::command::evaluate(cx, source, arg, n, *ty)).collect()
    }

    pub(super) fn deallocate(&mut self, name: Option<&str>) -> Result<String> {
        match name {
            None => {
                self.statements.clear();
                Ok("DEALLOCATE ALL".into())
            }
            Some(name) => {
                self.find_statement(name)?;
                self.statements.remove(name);
                Ok("DEALLOCATE".into())
            }
        }
    }
}

pub(super) fn duplicate(name: &str) -> Error {
    err!(DUPLICATE_PREPARED_STATEMENT, "prepared statement \"{name}\" already exists")
}
