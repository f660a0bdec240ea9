//! CREATE DATABASE, CREATE TABLESPACE.

use crate::base::Result;
use crate::sql::ast::*;
use crate::sql::parse::keyword::Kw;
use crate::sql::parse::options::option;
use crate::sql::parse::parser::Parser;
use crate::sql::parse::token::Tok;

impl Parser<'_> {
    pub(super) fn create_database(&mut self) -> Result<Stmt> {
        self.expect(Kw::Database)?;
        let name = self.col_id()?;
        self.eat(Kw::With);
        let options = self.database_options()?;
        Ok(Stmt::CreateDatabase(Box::new(CreateDatabaseStmt { name, options })))
    }

    /// createdb_opt_items
    pub(in crate::sql::parse) fn database_options(&mut self) -> Result<Vec<DefElem>> {
        let mut out = Vec::new();
        loop {
            let pos = self.pos();
            let name = match self.tok() {
                Tok::Ident => self.col_id()?,
                Tok::Kw(Kw::Connection) => {
                    self.bump();
                    self.expect(Kw::Limit)?;
                    "connection_limit".to_owned()
                }
                Tok::Kw(k @ (Kw::Encoding | Kw::Location | Kw::Owner | Kw::Tablespace | Kw::Template)) => {
                    self.bump();
                    k.word().to_owned()
                }
                _ => return Ok(out),
            };
            self.eat_char(b'=');
            let arg = match self.tok() {
                Tok::Kw(Kw::Default) => {
                    self.bump();
                    None
                }
                Tok::Int(_) | Tok::Float | Tok::Char(b'+' | b'-') => Some(self.def_number()?),
                _ => Some(DefArg::Str(self.boolean_or_string()?)),
            };
            out.push(option(&name, arg, pos));
        }
    }

    pub(super) fn create_tablespace(&mut self) -> Result<Stmt> {
        self.expect(Kw::Tablespace)?;
        let name = self.col_id()?;
        let owner = match self.eat(Kw::Owner) {
            true => Some(self.role_spec()?),
            false => None,
        };
        self.expect(Kw::Location)?;
        let location = self.string()?;
        let options = self.opt_rel_options()?;
        Ok(Stmt::CreateTablespace(Box::new(CreateTablespaceStmt { name, owner, location, options })))
    }
}
