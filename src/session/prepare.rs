//! PREPARE, EXECUTE, DEALLOCATE.

use super::client::Client;
use super::query::Destination;
use super::state::Session;
use super::statement::Statement;
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast::{ExecuteStmt, PrepareStmt, RawStmt};
use crate::sql::bind::{self, BindContext};
use crate::types::{TypeRef, Value};
use std::sync::Arc;

impl Session {
    pub(super) fn prepare_stmt(&mut self, source: &Arc<str>, stmt: &PrepareStmt) -> Result<String> {
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
        statement.param_types(self.cx())?;
        self.statements.insert(stmt.name.clone(), Arc::new(statement));
        Ok("PREPARE".into())
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
        destination: Destination,
    ) -> Result<String> {
        let statement = self.find_statement(&stmt.name)?;
        let types = statement.param_types(self.cx())?;
        if types.len() != stmt.args.len() {
            return Err(err!(SYNTAX_ERROR, "wrong number of parameters for prepared statement \"{}\"", stmt.name)
                .detail(format!("Expected {} parameters but got {}.", types.len(), stmt.args.len())));
        }
        let params = self.evaluate_args(source, stmt, &types)?;
        statement.count_use();
        Box::pin(self.run_statement(client, &statement, params, &[], destination)).await
    }

    fn evaluate_args(&mut self, source: &str, stmt: &ExecuteStmt, types: &[TypeRef]) -> Result<Arc<[Value]>> {
        let cx = self.cx();
        stmt.args.iter().zip(types).map(|(arg, ty)| crate::sql::command::evaluate(cx, source, arg, *ty)).collect()
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
