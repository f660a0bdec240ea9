//! COPY, TRUNCATE, LOCK, maintenance, notifications, DO, CALL.

use super::keyword::Kw;
use super::options::option;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn copy(&mut self) -> Result<Stmt> {
        self.expect(Kw::Copy)?;
        if self.at_char(b'(') {
            return self.copy_query();
        }
        let mut options = Vec::new();
        let pos = self.pos();
        if self.eat(Kw::Binary) {
            options.push(option("format", Some(DefArg::Str("binary".to_owned())), pos));
        }
        let table = self.qualified_name()?;
        let columns = self.column_targets()?;
        let is_from = self.eat(Kw::From);
        if !is_from {
            self.expect(Kw::To)?;
        }
        let target = self.copy_target()?;
        let pos = self.pos();
        if self.at(Kw::Delimiters) || self.at(Kw::Using) {
            self.eat(Kw::Using);
            self.expect(Kw::Delimiters)?;
            options.push(option("delimiter", Some(DefArg::Str(self.string()?)), pos));
        }
        self.eat(Kw::With);
        self.copy_options(&mut options)?;
        let where_pos = self.pos();
        let filter = self.opt_where()?;
        if filter.is_some() && !is_from {
            let message = "WHERE clause not allowed with COPY TO";
            return Err(self.error(SqlState::SYNTAX_ERROR, message, where_pos));
        }
        let source = CopySource::Table { table, columns };
        Ok(Stmt::Copy(Box::new(CopyStmt { source, is_from, target, options, filter })))
    }

    /// opt_column_list as targets, so that each carries its position.
    fn column_targets(&mut self) -> Result<Vec<TargetColumn>> {
        match self.at_char(b'(') {
            true => self.paren_list(|p| {
                let pos = p.pos();
                Ok(TargetColumn { name: p.col_id()?, path: Vec::new(), pos })
            }),
            false => Ok(Vec::new()),
        }
    }

    fn copy_query(&mut self) -> Result<Stmt> {
        self.expect_char(b'(')?;
        let query = self.preparable()?;
        self.expect_char(b')')?;
        self.expect(Kw::To)?;
        let target = self.copy_target()?;
        self.eat(Kw::With);
        let mut options = Vec::new();
        self.copy_options(&mut options)?;
        let source = CopySource::Query(Box::new(query));
        Ok(Stmt::Copy(Box::new(CopyStmt { source, is_from: false, target, options, filter: None })))
    }

    fn copy_target(&mut self) -> Result<CopyTarget> {
        let program = self.eat(Kw::Program);
        if self.at_any(&[Kw::Stdin, Kw::Stdout]) {
            self.bump();
            return match program {
                true => Err(crate::err!(SYNTAX_ERROR, "STDIN/STDOUT not allowed with PROGRAM")),
                false => Ok(CopyTarget::Std),
            };
        }
        let name = self.string()?;
        Ok(if program { CopyTarget::Program(name) } else { CopyTarget::File(name) })
    }

    fn copy_options(&mut self, options: &mut Vec<DefElem>) -> Result<()> {
        if self.at_char(b'(') {
            options.extend(self.paren_list(Self::copy_generic_option)?);
            return Ok(());
        }
        while let Some(o) = self.old_copy_option()? {
            options.push(o);
        }
        Ok(())
    }

    /// copy_generic_opt_elem
    fn copy_generic_option(&mut self) -> Result<DefElem> {
        let pos = self.pos();
        let name = self.col_label()?;
        let arg = match self.tok() {
            Tok::Char(b',' | b')') => None,
            Tok::Char(b'*') => {
                self.bump();
                Some(DefArg::Star)
            }
            Tok::Char(b'(') => Some(DefArg::List(self.paren_list(|p| p.boolean_or_string().map(DefArg::Str))?)),
            Tok::Char(b'+' | b'-') | Tok::Int(_) | Tok::Float => Some(self.def_number()?),
            _ => Some(DefArg::Str(self.boolean_or_string()?)),
        };
        Ok(option(&name, arg, pos))
    }

    /// One option of the syntax before 9.0.
    fn old_copy_option(&mut self) -> Result<Option<DefElem>> {
        let pos = self.pos();
        let Tok::Kw(kw) = self.tok() else { return Ok(None) };
        let text = |s: &str| Some(DefArg::Str(s.to_owned()));
        let (name, arg) = match kw {
            Kw::Binary | Kw::Csv => {
                self.bump();
                ("format", text(kw.word()))
            }
            Kw::Freeze | Kw::Header => {
                self.bump();
                (kw.word(), Some(DefArg::Bool(true)))
            }
            Kw::Delimiter | Kw::Null | Kw::Quote | Kw::Escape => {
                self.bump();
                self.eat(Kw::As);
                (kw.word(), Some(DefArg::Str(self.string()?)))
            }
            Kw::Encoding => {
                self.bump();
                (kw.word(), Some(DefArg::Str(self.string()?)))
            }
            Kw::Force => {
                self.bump();
                self.force_option()?
            }
            _ => return Ok(None),
        };
        Ok(Some(option(name, arg, pos)))
    }

    fn force_option(&mut self) -> Result<(&'static str, Option<DefArg>)> {
        let name = if self.eat(Kw::Quote) {
            if self.eat_char(b'*') {
                return Ok(("force_quote", Some(DefArg::Star)));
            }
            "force_quote"
        } else if self.eat(Kw::Not) {
            self.expect(Kw::Null)?;
            "force_not_null"
        } else {
            self.expect(Kw::Null)?;
            "force_null"
        };
        let columns = self.list(|p| p.col_id().map(DefArg::Str))?;
        Ok((name, Some(DefArg::List(columns))))
    }

    pub(super) fn truncate(&mut self) -> Result<Stmt> {
        self.expect(Kw::Truncate)?;
        self.eat(Kw::Table);
        let tables = self.list(Self::relation_expr)?;
        let restart_identity = self.eat(Kw::Restart);
        if restart_identity || self.eat(Kw::Continue) {
            self.expect(Kw::Identity)?;
        }
        let behavior = self.drop_behavior();
        Ok(Stmt::Truncate(Box::new(TruncateStmt { tables, restart_identity, behavior })))
    }

    pub(super) fn vacuum(&mut self) -> Result<Stmt> {
        self.expect(Kw::Vacuum)?;
        let mut options = Vec::new();
        if self.at_char(b'(') {
            options = self.utility_options()?;
        } else {
            for kw in [Kw::Full, Kw::Freeze, Kw::Verbose, Kw::Analyze] {
                let pos = self.pos();
                if self.eat(kw) || (kw == Kw::Analyze && self.eat(Kw::Analyse)) {
                    options.push(option(kw.word(), None, pos));
                }
            }
        }
        let tables = self.vacuum_tables()?;
        Ok(Stmt::Vacuum(Box::new(VacuumStmt { is_vacuum: true, options, tables })))
    }

    pub(super) fn analyze(&mut self) -> Result<Stmt> {
        self.bump();
        let mut options = Vec::new();
        let pos = self.pos();
        if self.at_char(b'(') {
            options = self.utility_options()?;
        } else if self.eat(Kw::Verbose) {
            options.push(option("verbose", None, pos));
        }
        let tables = self.vacuum_tables()?;
        Ok(Stmt::Vacuum(Box::new(VacuumStmt { is_vacuum: false, options, tables })))
    }

    fn vacuum_tables(&mut self) -> Result<Vec<VacuumTable>> {
        match self.is_col_id(0) {
            true => self.list(|p| Ok(VacuumTable { table: p.qualified_name()?, columns: p.opt_name_list()? })),
            false => Ok(Vec::new()),
        }
    }

    pub(super) fn cluster(&mut self) -> Result<Stmt> {
        self.expect(Kw::Cluster)?;
        let mut options = Vec::new();
        let pos = self.pos();
        let mut index = None;
        if self.at_char(b'(') {
            options = self.utility_options()?;
        } else if self.eat(Kw::Verbose) {
            options.push(option("verbose", None, pos));
        }
        let mut table = None;
        let in_parens = self.token_before(0).is_some_and(|t| t.tok == Tok::Char(b')'));
        if self.is_col_id(0) || in_parens {
            // `CLUSTER index ON table` is the old order.
            if self.is_col_id(0) && self.at_n(1, Kw::On) {
                index = Some(self.col_id()?);
                self.bump();
                table = Some(self.qualified_name()?);
            } else {
                table = Some(self.qualified_name()?);
                if self.eat(Kw::Using) {
                    index = Some(self.col_id()?);
                }
            }
        }
        Ok(Stmt::Cluster(Box::new(ClusterStmt { table, index, options })))
    }

    pub(super) fn reindex(&mut self) -> Result<Stmt> {
        self.expect(Kw::Reindex)?;
        let mut options = match self.at_char(b'(') {
            true => self.utility_options()?,
            false => Vec::new(),
        };
        let kind = self.tok();
        if !matches!(kind, Tok::Kw(Kw::Index | Kw::Table | Kw::Schema | Kw::System | Kw::Database)) {
            return self.unexpected();
        }
        self.bump();
        let pos = self.pos();
        if self.eat(Kw::Concurrently) {
            options.push(option("concurrently", None, pos));
        }
        let target = match kind {
            Tok::Kw(Kw::Index) => ReindexTarget::Index(self.qualified_name()?),
            Tok::Kw(Kw::Table) => ReindexTarget::Table(self.qualified_name()?),
            Tok::Kw(Kw::Schema) => ReindexTarget::Schema(self.col_id()?),
            Tok::Kw(Kw::System) => ReindexTarget::System(self.col_id()?),
            _ => ReindexTarget::Database(self.col_id()?),
        };
        Ok(Stmt::Reindex(Box::new(ReindexStmt { target, options })))
    }

    pub(super) fn lock(&mut self) -> Result<Stmt> {
        self.expect(Kw::Lock)?;
        self.eat(Kw::Table);
        let tables = self.list(Self::relation_expr)?;
        let mode = match self.eat(Kw::In) {
            true => self.lock_mode()?,
            false => TableLockMode::AccessExclusive,
        };
        let nowait = self.eat(Kw::Nowait);
        Ok(Stmt::Lock(Box::new(LockStmt { tables, mode, nowait })))
    }

    fn lock_mode(&mut self) -> Result<TableLockMode> {
        let mode = match self.tok() {
            Tok::Kw(Kw::Access) => {
                self.bump();
                match self.eat(Kw::Share) {
                    true => TableLockMode::AccessShare,
                    false => {
                        self.expect(Kw::Exclusive)?;
                        TableLockMode::AccessExclusive
                    }
                }
            }
            Tok::Kw(Kw::Row) => {
                self.bump();
                match self.eat(Kw::Share) {
                    true => TableLockMode::RowShare,
                    false => {
                        self.expect(Kw::Exclusive)?;
                        TableLockMode::RowExclusive
                    }
                }
            }
            Tok::Kw(Kw::Share) => {
                self.bump();
                if self.eat(Kw::Update) {
                    self.expect(Kw::Exclusive)?;
                    TableLockMode::ShareUpdateExclusive
                } else if self.eat(Kw::Row) {
                    self.expect(Kw::Exclusive)?;
                    TableLockMode::ShareRowExclusive
                } else {
                    TableLockMode::Share
                }
            }
            _ => {
                self.expect(Kw::Exclusive)?;
                TableLockMode::Exclusive
            }
        };
        self.expect(Kw::Mode)?;
        Ok(mode)
    }

    /// LISTEN, UNLISTEN, NOTIFY.
    pub(super) fn notification(&mut self) -> Result<Stmt> {
        match self.bump().tok {
            Tok::Kw(Kw::Listen) => Ok(Stmt::Listen(self.col_id()?)),
            Tok::Kw(Kw::Unlisten) => Ok(Stmt::Unlisten(match self.eat_char(b'*') {
                true => None,
                false => Some(self.col_id()?),
            })),
            _ => {
                let channel = self.col_id()?;
                let payload = match self.eat_char(b',') {
                    true => Some(self.string()?),
                    false => None,
                };
                Ok(Stmt::Notify(Box::new(NotifyStmt { channel, payload })))
            }
        }
    }

    pub(super) fn do_block(&mut self) -> Result<Stmt> {
        self.expect(Kw::Do)?;
        let mut options = Vec::new();
        loop {
            let pos = self.pos();
            match self.tok() {
                Tok::Str => options.push(option("as", Some(DefArg::Str(self.string()?)), pos)),
                Tok::Kw(Kw::Language) => {
                    self.bump();
                    options.push(option("language", Some(DefArg::Str(self.word_or_string()?)), pos));
                }
                _ if options.is_empty() => return self.unexpected(),
                _ => break,
            }
        }
        Ok(Stmt::Do(Box::new(DoStmt { options })))
    }

    pub(super) fn call_procedure(&mut self) -> Result<Stmt> {
        self.expect(Kw::Call)?;
        let pos = self.pos();
        let name = self.func_name()?;
        if !self.at_char(b'(') {
            return self.unexpected();
        }
        let (call, _) = self.application(name.parts)?;
        Ok(Stmt::Call(Box::new(CallStmt { call, pos })))
    }
}
