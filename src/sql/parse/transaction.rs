//! Transaction control.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::Result;
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn transaction(&mut self) -> Result<Stmt> {
        let first = self.bump().tok;
        let stmt = match first {
            Tok::Kw(Kw::Begin) => {
                self.opt_transaction_word();
                TransactionStmt::Begin { start: false, modes: self.opt_transaction_modes()? }
            }
            Tok::Kw(Kw::Start) => {
                self.expect(Kw::Transaction)?;
                TransactionStmt::Begin { start: true, modes: self.opt_transaction_modes()? }
            }
            Tok::Kw(Kw::Commit) if self.eat(Kw::Prepared) => TransactionStmt::CommitPrepared(self.string()?),
            Tok::Kw(Kw::Commit | Kw::End) => {
                self.opt_transaction_word();
                TransactionStmt::Commit { chain: self.chain()? }
            }
            Tok::Kw(Kw::Rollback) if self.eat(Kw::Prepared) => TransactionStmt::RollbackPrepared(self.string()?),
            Tok::Kw(Kw::Rollback) => self.rollback()?,
            Tok::Kw(Kw::Abort) => {
                self.opt_transaction_word();
                TransactionStmt::Rollback { chain: self.chain()? }
            }
            Tok::Kw(Kw::Savepoint) => TransactionStmt::Savepoint(self.col_id()?),
            _ => {
                self.opt_savepoint_word();
                TransactionStmt::Release(self.col_id()?)
            }
        };
        Ok(Stmt::Transaction(Box::new(stmt)))
    }

    fn rollback(&mut self) -> Result<TransactionStmt> {
        self.opt_transaction_word();
        if !self.eat(Kw::To) {
            return Ok(TransactionStmt::Rollback { chain: self.chain()? });
        }
        self.opt_savepoint_word();
        Ok(TransactionStmt::RollbackTo(self.col_id()?))
    }

    /// WORK or TRANSACTION, which mean nothing.
    fn opt_transaction_word(&mut self) {
        if !self.eat(Kw::Work) {
            self.eat(Kw::Transaction);
        }
    }

    /// SAVEPOINT, unless it is the savepoint's name.
    fn opt_savepoint_word(&mut self) {
        if self.at(Kw::Savepoint) && self.is_col_id(1) {
            self.bump();
        }
    }

    fn chain(&mut self) -> Result<bool> {
        if !self.eat(Kw::And) {
            return Ok(false);
        }
        let no = self.eat(Kw::No);
        self.expect(Kw::Chain)?;
        Ok(!no)
    }

    fn opt_transaction_modes(&mut self) -> Result<Vec<TransactionMode>> {
        match self.at_transaction_mode() {
            true => self.transaction_modes(),
            false => Ok(Vec::new()),
        }
    }

    fn at_transaction_mode(&self) -> bool {
        self.at_any(&[Kw::Isolation, Kw::Read, Kw::Deferrable, Kw::Not])
    }

    /// Modes, with commas between them or not.
    pub(super) fn transaction_modes(&mut self) -> Result<Vec<TransactionMode>> {
        let mut modes = vec![self.transaction_mode()?];
        loop {
            let comma = self.eat_char(b',');
            if !comma && !self.at_transaction_mode() {
                return Ok(modes);
            }
            modes.push(self.transaction_mode()?);
        }
    }

    fn transaction_mode(&mut self) -> Result<TransactionMode> {
        if self.eat(Kw::Isolation) {
            self.expect(Kw::Level)?;
            return Ok(TransactionMode::Isolation(self.isolation_level()?));
        }
        if self.eat(Kw::Read) {
            let only = self.eat(Kw::Only);
            if !only {
                self.expect(Kw::Write)?;
            }
            return Ok(TransactionMode::ReadOnly(only));
        }
        let not = self.eat(Kw::Not);
        self.expect(Kw::Deferrable)?;
        Ok(TransactionMode::Deferrable(!not))
    }

    fn isolation_level(&mut self) -> Result<IsolationLevel> {
        if self.eat(Kw::Serializable) {
            return Ok(IsolationLevel::Serializable);
        }
        if self.eat(Kw::Repeatable) {
            self.expect(Kw::Read)?;
            return Ok(IsolationLevel::RepeatableRead);
        }
        self.expect(Kw::Read)?;
        if self.eat(Kw::Committed) {
            return Ok(IsolationLevel::ReadCommitted);
        }
        self.expect(Kw::Uncommitted)?;
        Ok(IsolationLevel::ReadUncommitted)
    }
}
