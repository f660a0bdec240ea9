//! CREATE of all but tables and roles.

mod database;
mod index;
mod routine;
mod rule;
mod schema;
mod trigger;
mod types;
mod view;

use super::keyword::Kw;
use super::options::option;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;
use types::define;

impl Parser<'_> {
    pub(in crate::sql::parse) fn create(&mut self) -> Result<Stmt> {
        let pos = self.expect(Kw::Create)?;
        let replace = self.at(Kw::Or);
        if replace {
            self.expect_all(&[Kw::Or, Kw::Replace])?;
            return self.create_replaceable(true, pos);
        }
        let Tok::Kw(kw) = self.tok() else { return self.unexpected() };
        match kw {
            Kw::Table
            | Kw::Temp
            | Kw::Temporary
            | Kw::Local
            | Kw::Global
            | Kw::Unlogged
            | Kw::Sequence
            | Kw::View
            | Kw::Recursive => self.create_relation(false),
            Kw::Materialized => {
                self.expect_all(&[Kw::Materialized, Kw::View])?;
                self.create_matview(Persistence::Permanent)
            }
            Kw::Unique | Kw::Index => self.create_index(),
            Kw::Schema => self.create_schema(),
            Kw::Database => self.create_database(),
            Kw::Tablespace => self.create_tablespace(),
            Kw::Role => self.create_role_word(CreateRoleKind::Role),
            Kw::User if self.at_n(1, Kw::Mapping) => self.create_user_mapping(),
            Kw::User => self.create_role_word(CreateRoleKind::User),
            Kw::Group => self.create_role_word(CreateRoleKind::Group),
            Kw::Type => self.create_type(),
            Kw::Domain => self.create_domain(),
            Kw::Operator => self.create_operator(),
            Kw::Collation => self.create_collation(),
            Kw::Text => {
                self.expect_all(&[Kw::Text, Kw::Search])?;
                let object = self.text_search_kind()?;
                let name = self.any_name()?;
                let options = self.definition()?;
                Ok(define(object, name, options))
            }
            Kw::Cast => self.create_cast(),
            Kw::Event => self.create_event_trigger(),
            Kw::Policy => self.create_policy(),
            Kw::Statistics => self.create_statistics(),
            Kw::Extension => self.create_extension(),
            Kw::Access => self.create_access_method(),
            Kw::Conversion | Kw::Default => self.create_conversion(),
            Kw::Assertion => {
                self.bump();
                self.any_name()?;
                self.expect(Kw::Check)?;
                self.expect_char(b'(')?;
                self.expr()?;
                self.expect_char(b')')?;
                self.trigger_attributes()?;
                Err(crate::err!(FEATURE_NOT_SUPPORTED, "CREATE ASSERTION is not yet implemented"))
            }
            Kw::Publication => self.create_publication(),
            Kw::Server => self.create_server(),
            Kw::Subscription | Kw::Foreign => self.create_foreign(kw, pos),
            _ => self.create_replaceable(false, pos),
        }
    }

    /// What may follow CREATE OR REPLACE.
    fn create_replaceable(&mut self, replace: bool, pos: Pos) -> Result<Stmt> {
        let Tok::Kw(kw) = self.tok() else { return self.unexpected() };
        match kw {
            Kw::Temp | Kw::Temporary | Kw::Local | Kw::Global | Kw::Unlogged | Kw::View | Kw::Recursive if replace => {
                self.create_relation(true)
            }
            Kw::Function | Kw::Procedure => self.create_function(replace),
            Kw::Aggregate => self.create_aggregate(replace),
            Kw::Rule => self.create_rule(replace),
            Kw::Trigger | Kw::Constraint => self.create_trigger(replace),
            Kw::Trusted | Kw::Procedural | Kw::Language => self.create_language(replace),
            Kw::Transform => {
                self.bump();
                self.expect(Kw::For)?;
                Ok(self.unsupported_statement("CREATE TRANSFORM", pos))
            }
            _ => self.unexpected(),
        }
    }

    /// Statements of which only the name is known.
    fn create_foreign(&mut self, kw: Kw, pos: Pos) -> Result<Stmt> {
        self.bump();
        let tag = match kw {
            Kw::Subscription => "CREATE SUBSCRIPTION",
            _ if self.eat(Kw::Table) => "CREATE FOREIGN TABLE",
            _ => return self.create_wrapper(),
        };
        Ok(self.unsupported_statement(tag, pos))
    }

    fn create_role_word(&mut self, kind: CreateRoleKind) -> Result<Stmt> {
        self.bump();
        self.create_role(kind)
    }

    /// TABLE, SEQUENCE, VIEW, perhaps temporary.
    fn create_relation(&mut self, replace: bool) -> Result<Stmt> {
        let persistence = self.opt_temp()?;
        match self.tok() {
            Tok::Kw(Kw::Table) if !replace => {
                self.bump();
                self.create_table(persistence)
            }
            Tok::Kw(Kw::Sequence) if !replace => {
                self.bump();
                self.create_sequence(persistence)
            }
            Tok::Kw(Kw::Materialized) if !replace && persistence == Persistence::Unlogged => {
                self.expect_all(&[Kw::Materialized, Kw::View])?;
                self.create_matview(persistence)
            }
            Tok::Kw(Kw::View) => {
                self.bump();
                self.create_view(replace, persistence, false)
            }
            Tok::Kw(Kw::Recursive) => {
                self.expect_all(&[Kw::Recursive, Kw::View])?;
                self.create_view(replace, persistence, true)
            }
            _ => self.unexpected(),
        }
    }

    /// CREATE TABLE AS and CREATE MATERIALIZED VIEW below EXPLAIN.
    pub(in crate::sql::parse) fn create_for_explain(&mut self) -> Result<Stmt> {
        let stmt = self.create()?;
        match &stmt {
            Stmt::CreateTableAs(_) => Ok(stmt),
            _ => self.unexpected(),
        }
    }

    fn create_sequence(&mut self, persistence: Persistence) -> Result<Stmt> {
        let if_not_exists = self.if_not_exists()?;
        let mut sequence = self.qualified_name()?;
        sequence.persistence = persistence;
        let options = self.sequence_options()?;
        Ok(Stmt::CreateSequence(Box::new(CreateSequenceStmt { sequence, if_not_exists, options })))
    }

    fn create_statistics(&mut self) -> Result<Stmt> {
        self.expect(Kw::Statistics)?;
        let if_not_exists = self.if_not_exists()?;
        let name = Some(self.any_name()?);
        let kinds = self.opt_name_list()?;
        self.expect(Kw::On)?;
        let exprs = self.list(|p| {
            let pos = p.pos();
            Ok(match p.column_or_expr()? {
                (_, Some(e)) => e,
                (name, None) => Expr::new(ExprKind::Column { parts: name.into_iter().collect(), star: false }, pos),
            })
        })?;
        self.expect(Kw::From)?;
        let from = self.list(Self::table_ref)?;
        Ok(Stmt::CreateStatistics(Box::new(CreateStatisticsStmt { name, if_not_exists, kinds, exprs, from })))
    }

    fn create_extension(&mut self) -> Result<Stmt> {
        self.expect(Kw::Extension)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.col_id()?;
        self.eat(Kw::With);
        let mut options = Vec::new();
        loop {
            let pos = self.pos();
            match self.tok() {
                Tok::Kw(Kw::Schema) => {
                    self.bump();
                    options.push(option("schema", Some(DefArg::Str(self.col_id()?)), pos));
                }
                Tok::Kw(Kw::Version) => {
                    self.bump();
                    options.push(option("new_version", Some(DefArg::Str(self.word_or_string()?)), pos));
                }
                Tok::Kw(Kw::From) => {
                    self.bump();
                    self.word_or_string()?;
                    let message = "CREATE EXTENSION ... FROM is no longer supported";
                    return Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, message, pos));
                }
                Tok::Kw(Kw::Cascade) => {
                    self.bump();
                    options.push(option("cascade", Some(DefArg::Bool(true)), pos));
                }
                _ => break,
            }
        }
        Ok(Stmt::CreateExtension(Box::new(CreateExtensionStmt { name, if_not_exists, options })))
    }

    fn create_language(&mut self, replace: bool) -> Result<Stmt> {
        let trusted = self.eat(Kw::Trusted);
        self.eat(Kw::Procedural);
        self.expect(Kw::Language)?;
        let name = self.col_id()?;
        let mut stmt = CreateLanguageStmt { replace, trusted, name, handler: None, inline: None, validator: None };
        if self.eat(Kw::Handler) {
            stmt.handler = Some(self.handler_name()?);
            if self.eat(Kw::Inline) {
                stmt.inline = Some(self.handler_name()?);
            }
            if self.eat(Kw::Validator) {
                stmt.validator = Some(self.handler_name()?);
            } else if self.eat(Kw::No) {
                self.expect(Kw::Validator)?;
            }
        }
        Ok(Stmt::CreateLanguage(Box::new(stmt)))
    }

    fn create_access_method(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Access, Kw::Method])?;
        let name = self.col_id()?;
        self.expect(Kw::Type)?;
        let table = self.eat(Kw::Table);
        if !table {
            self.expect(Kw::Index)?;
        }
        self.expect(Kw::Handler)?;
        let handler = self.handler_name()?;
        Ok(Stmt::CreateAccessMethod(Box::new(CreateAccessMethodStmt { name, table, handler })))
    }

    fn create_conversion(&mut self) -> Result<Stmt> {
        let default = self.eat(Kw::Default);
        self.expect(Kw::Conversion)?;
        let name = self.any_name()?;
        self.expect(Kw::For)?;
        let from = self.string()?;
        self.expect(Kw::To)?;
        let to = self.string()?;
        self.expect(Kw::From)?;
        let function = self.any_name()?;
        Ok(Stmt::CreateConversion(Box::new(CreateConversionStmt { name, default, from, to, function })))
    }
}
