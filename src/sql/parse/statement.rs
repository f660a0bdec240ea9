//! One statement: the first words decide who reads it.

use super::check_stack;
use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::Result;
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Result<Stmt> {
        check_stack()?;
        let Tok::Kw(kw) = self.tok() else {
            return match self.at_char(b'(') || self.at_with() {
                true => self.preparable(),
                false => self.unexpected(),
            };
        };
        match kw {
            Kw::Select | Kw::Values | Kw::Table | Kw::With | Kw::Insert | Kw::Update | Kw::Delete | Kw::Merge => {
                self.preparable()
            }
            Kw::Begin | Kw::Start | Kw::Commit | Kw::End | Kw::Rollback | Kw::Abort | Kw::Savepoint | Kw::Release => {
                self.transaction()
            }
            Kw::Create => self.create(),
            Kw::Alter => self.alter(),
            Kw::Drop => self.drop(),
            Kw::Set => self.set(),
            Kw::Reset => self.reset(),
            Kw::Show => self.show(),
            Kw::Grant => self.grant(),
            Kw::Revoke => self.revoke(),
            Kw::Comment => self.comment(),
            Kw::Security => self.security_label(),
            Kw::Truncate => self.truncate(),
            Kw::Copy => self.copy(),
            Kw::Vacuum => self.vacuum(),
            Kw::Analyze | Kw::Analyse => self.analyze(),
            Kw::Cluster => self.cluster(),
            Kw::Reindex => self.reindex(),
            Kw::Explain => self.explain(),
            Kw::Prepare => self.prepare(),
            Kw::Execute => self.execute().map(|e| Stmt::Execute(Box::new(e))),
            Kw::Deallocate => self.deallocate(),
            Kw::Declare => self.declare().map(|d| Stmt::DeclareCursor(Box::new(d))),
            Kw::Fetch | Kw::Move => self.fetch(),
            Kw::Close => self.close(),
            Kw::Discard => self.discard(),
            Kw::Lock => self.lock(),
            Kw::Listen | Kw::Unlisten | Kw::Notify => self.notification(),
            Kw::Do => self.do_block(),
            Kw::Call => self.call_procedure(),
            Kw::Refresh => self.refresh().map(|r| Stmt::RefreshMatView(Box::new(r))),
            Kw::Reassign => self.reassign_owned(),
            Kw::Checkpoint => {
                self.bump();
                Ok(Stmt::Checkpoint)
            }
            Kw::Load => {
                self.bump();
                Ok(Stmt::Load(self.string()?))
            }
            Kw::Import => {
                let pos = self.bump().start;
                self.expect_all(&[Kw::Foreign, Kw::Schema])?;
                Ok(self.unsupported_statement("IMPORT FOREIGN SCHEMA", pos))
            }
            _ => self.unexpected(),
        }
    }

    /// Reads the rest of a statement that is only known by name.
    pub(super) fn unsupported_statement(&mut self, tag: &'static str, pos: Pos) -> Stmt {
        while !matches!(self.tok(), Tok::Eof | Tok::Bad | Tok::Char(b';')) {
            self.bump();
        }
        Stmt::Unsupported(Box::new(UnsupportedStmt { tag, pos }))
    }

    /// `IF EXISTS`
    pub(super) fn if_exists(&mut self) -> Result<bool> {
        if !(self.at(Kw::If) && self.at_n(1, Kw::Exists)) {
            return Ok(false);
        }
        self.bump();
        self.bump();
        Ok(true)
    }

    /// `IF NOT EXISTS`
    pub(super) fn if_not_exists(&mut self) -> Result<bool> {
        if !(self.at(Kw::If) && self.at_n(1, Kw::Not)) {
            return Ok(false);
        }
        self.bump();
        self.bump();
        self.expect(Kw::Exists)?;
        Ok(true)
    }

    /// opt_drop_behavior
    pub(super) fn drop_behavior(&mut self) -> DropBehavior {
        if self.eat(Kw::Cascade) {
            return DropBehavior::Cascade;
        }
        self.eat(Kw::Restrict);
        DropBehavior::Restrict
    }
}
