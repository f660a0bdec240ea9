//! CREATE SCHEMA with what is made in it.

use crate::base::{Result, SqlState};
use crate::sql::ast::*;
use crate::sql::parse::keyword::Kw;
use crate::sql::parse::parser::Parser;
use crate::sql::parse::token::Tok;

impl Parser<'_> {
    pub(super) fn create_schema(&mut self) -> Result<Stmt> {
        self.expect(Kw::Schema)?;
        let if_not_exists = self.if_not_exists()?;
        let mut name = None;
        let mut owner = None;
        if !self.at(Kw::Authorization) {
            name = Some(self.col_id()?);
        }
        if self.eat(Kw::Authorization) {
            owner = Some(self.role_spec()?);
        }
        let elements_pos = self.pos();
        let mut elements = Vec::new();
        loop {
            match self.tok() {
                Tok::Kw(Kw::Create) => elements.push(self.create_schema_element()?),
                Tok::Kw(Kw::Grant) => elements.push(self.grant()?),
                _ => break,
            }
        }
        if if_not_exists && !elements.is_empty() {
            let message = "CREATE SCHEMA IF NOT EXISTS cannot include schema elements";
            return Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, message, elements_pos));
        }
        Ok(Stmt::CreateSchema(Box::new(CreateSchemaStmt { name, owner, elements, if_not_exists })))
    }

    /// Only some statements may stand in CREATE SCHEMA.
    pub(super) fn create_schema_element(&mut self) -> Result<Stmt> {
        let allowed = match self.tok_at(1) {
            Tok::Kw(k) => matches!(
                k,
                Kw::Table
                    | Kw::Temp
                    | Kw::Temporary
                    | Kw::Local
                    | Kw::Global
                    | Kw::Unlogged
                    | Kw::Index
                    | Kw::Unique
                    | Kw::Sequence
                    | Kw::Trigger
                    | Kw::Constraint
                    | Kw::View
                    | Kw::Recursive
                    | Kw::Or
            ),
            _ => false,
        };
        if !allowed {
            self.bump();
            return self.unexpected();
        }
        self.create()
    }
}
