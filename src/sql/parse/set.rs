//! SET, RESET, SHOW, SET CONSTRAINTS, DISCARD.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use super::typename::cast;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn set(&mut self) -> Result<Stmt> {
        self.expect(Kw::Set)?;
        // These words may also start the name of a setting.
        let is_name = matches!(self.tok_at(1), Tok::Char(b'=' | b'.') | Tok::Kw(Kw::To)) || self.at_n(1, Kw::From);
        let mut local = false;
        if !is_name {
            if self.at(Kw::Constraints) {
                return self.set_constraints();
            }
            if self.eat(Kw::Local) {
                local = true;
            } else if self.at(Kw::Session) && !self.at_n(1, Kw::Authorization) {
                self.bump();
                if self.eat(Kw::Characteristics) {
                    return self.characteristics(false);
                }
                if self.at(Kw::Session) && self.at_n(1, Kw::Characteristics) {
                    self.bump();
                    self.bump();
                    return self.characteristics(false);
                }
            }
            if local && self.at(Kw::Session) && self.at_n(1, Kw::Characteristics) {
                self.bump();
                self.bump();
                return self.characteristics(true);
            }
        }
        if self.at(Kw::Transaction) && !matches!(self.tok_at(1), Tok::Char(b'=' | b'.') | Tok::Kw(Kw::To | Kw::From)) {
            self.bump();
            let action = match self.eat(Kw::Snapshot) {
                true => SetAction::Snapshot(self.string()?),
                false => SetAction::Transaction(self.transaction_modes()?),
            };
            return Ok(set_stmt(local, action));
        }
        let action = self.set_rest()?;
        Ok(set_stmt(local, action))
    }

    fn characteristics(&mut self, local: bool) -> Result<Stmt> {
        self.expect_all(&[Kw::As, Kw::Transaction])?;
        let modes = self.transaction_modes()?;
        Ok(set_stmt(local, SetAction::Characteristics(modes)))
    }

    /// SET or RESET as a clause: of functions, roles and databases.
    pub(super) fn set_clause_of_object(&mut self) -> Result<SetVariableStmt> {
        let action = match self.eat(Kw::Reset) {
            true => self.reset_rest()?,
            false => {
                self.expect(Kw::Set)?;
                match self.at(Kw::Transaction)
                    && !matches!(self.tok_at(1), Tok::Char(b'=' | b'.') | Tok::Kw(Kw::To | Kw::From))
                {
                    true => {
                        self.bump();
                        match self.eat(Kw::Snapshot) {
                            true => SetAction::Snapshot(self.string()?),
                            false => SetAction::Transaction(self.transaction_modes()?),
                        }
                    }
                    false => self.set_rest()?,
                }
            }
        };
        Ok(SetVariableStmt { local: false, action })
    }

    /// set_rest_more
    fn set_rest(&mut self) -> Result<SetAction> {
        let is_name = matches!(self.tok_at(1), Tok::Char(b'=' | b'.') | Tok::Kw(Kw::To)) || self.at_n(1, Kw::From);
        let value = |name: &str, arg: SetArg| SetAction::Value { name: name.to_owned(), args: vec![arg] };
        match self.tok() {
            _ if is_name => self.generic_set(),
            Tok::Kw(Kw::Time) => {
                self.expect_all(&[Kw::Time, Kw::Zone])?;
                self.time_zone_value()
            }
            Tok::Kw(Kw::Catalog) => {
                self.bump();
                let pos = self.pos();
                self.string()?;
                Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, "current database cannot be changed", pos))
            }
            Tok::Kw(Kw::Schema) => {
                self.bump();
                Ok(value("search_path", SetArg::Str(self.string()?)))
            }
            Tok::Kw(Kw::Names) => {
                self.bump();
                match self.tok() {
                    Tok::Str => Ok(value("client_encoding", SetArg::Str(self.string()?))),
                    _ => {
                        self.eat(Kw::Default);
                        Ok(SetAction::Default("client_encoding".to_owned()))
                    }
                }
            }
            Tok::Kw(Kw::Role) => {
                self.bump();
                Ok(value("role", SetArg::Str(self.word_or_string()?)))
            }
            Tok::Kw(Kw::Session) => {
                self.expect_all(&[Kw::Session, Kw::Authorization])?;
                match self.eat(Kw::Default) {
                    true => Ok(SetAction::Default("session_authorization".to_owned())),
                    false => Ok(value("session_authorization", SetArg::Str(self.word_or_string()?))),
                }
            }
            Tok::Kw(Kw::Xml) if self.at_n(1, Kw::Option) => {
                self.bump();
                self.bump();
                let word = if self.at(Kw::Document) { "DOCUMENT" } else { "CONTENT" };
                if !self.eat(Kw::Document) {
                    self.expect(Kw::Content)?;
                }
                Ok(value("xmloption", SetArg::Str(word.to_owned())))
            }
            _ => self.generic_set(),
        }
    }

    /// NonReservedWord_or_Sconst
    pub(super) fn word_or_string(&mut self) -> Result<String> {
        match self.tok() {
            Tok::Str => self.string(),
            _ => self.non_reserved_word(),
        }
    }

    /// var_name: words with dots.
    pub(super) fn variable_name(&mut self) -> Result<Name> {
        let mut name = self.col_id()?;
        while self.eat_char(b'.') {
            name.push('.');
            name.push_str(&self.col_id()?);
        }
        Ok(name)
    }

    /// generic_set, and FROM CURRENT.
    pub(super) fn generic_set(&mut self) -> Result<SetAction> {
        let name = self.variable_name()?;
        if self.eat(Kw::From) {
            self.expect(Kw::Current)?;
            return Ok(SetAction::FromCurrent(name));
        }
        if !self.eat(Kw::To) {
            self.expect_char(b'=')?;
        }
        if self.eat(Kw::Default) {
            return Ok(SetAction::Default(name));
        }
        let args = self.list(Self::set_arg)?;
        Ok(SetAction::Value { name, args })
    }

    /// var_value
    fn set_arg(&mut self) -> Result<SetArg> {
        match self.tok() {
            Tok::Char(b'+' | b'-') | Tok::Int(_) | Tok::Float => self.number_arg(),
            _ => Ok(SetArg::Str(self.boolean_or_string()?)),
        }
    }

    /// opt_boolean_or_string
    pub(super) fn boolean_or_string(&mut self) -> Result<String> {
        match self.tok() {
            Tok::Kw(k @ (Kw::True | Kw::False | Kw::On)) => {
                self.bump();
                Ok(k.word().to_owned())
            }
            _ => self.word_or_string(),
        }
    }

    /// NumericOnly
    fn number_arg(&mut self) -> Result<SetArg> {
        Ok(match self.numeric_only()? {
            Const::Int(n) => SetArg::Int(n),
            Const::Float(s) => SetArg::Float(s),
            _ => return self.unexpected(),
        })
    }

    /// A number with its sign.
    pub(super) fn numeric_only(&mut self) -> Result<Const> {
        let minus = self.at_char(b'-');
        if minus || self.at_char(b'+') {
            self.bump();
        }
        match self.tok() {
            Tok::Int(n) => {
                self.bump();
                Ok(Const::Int(if minus { n.wrapping_neg() } else { n }))
            }
            Tok::Float => {
                let t = self.bump();
                let text = self.value(t);
                Ok(Const::Float(if minus { format!("-{text}") } else { text }))
            }
            _ => self.unexpected(),
        }
    }

    /// zone_value
    fn time_zone_value(&mut self) -> Result<SetAction> {
        let name = || "timezone".to_owned();
        let arg = match self.tok() {
            Tok::Str => SetArg::Str(self.string()?),
            Tok::Ident => SetArg::Str(self.col_id()?),
            Tok::Kw(Kw::Default | Kw::Local) => {
                self.bump();
                return Ok(SetAction::Default(name()));
            }
            Tok::Kw(Kw::Interval) => self.zone_interval()?,
            Tok::Char(b'+' | b'-') | Tok::Int(_) | Tok::Float => self.number_arg()?,
            _ => return self.unexpected(),
        };
        Ok(SetAction::Value { name: name(), args: vec![arg] })
    }

    fn zone_interval(&mut self) -> Result<SetArg> {
        let e = self.typed_literal()?;
        let ExprKind::Cast { arg, typ } = e.kind else { return self.unexpected() };
        if let Some(Expr { kind: ExprKind::Const(Const::Int(mask)), pos }) = typ.typmods.first() {
            let allowed = interval_mask::HOUR | interval_mask::MINUTE;
            if typ.typmods.len() == 1 && mask & !allowed != 0 {
                let message = "time zone interval must be HOUR or HOUR TO MINUTE";
                return Err(self.error(SqlState::SYNTAX_ERROR, message, *pos));
            }
        }
        Ok(SetArg::Interval(cast(*arg, typ, e.pos)))
    }

    fn set_constraints(&mut self) -> Result<Stmt> {
        self.expect(Kw::Constraints)?;
        let names = match self.eat(Kw::All) {
            true => Vec::new(),
            false => self.list(Self::qualified_name)?,
        };
        let deferred = self.eat(Kw::Deferred);
        if !deferred {
            self.expect(Kw::Immediate)?;
        }
        Ok(Stmt::SetConstraints(Box::new(SetConstraintsStmt { names, deferred })))
    }

    pub(super) fn reset(&mut self) -> Result<Stmt> {
        self.expect(Kw::Reset)?;
        let action = self.reset_rest()?;
        Ok(set_stmt(false, action))
    }

    /// What follows RESET.
    pub(super) fn reset_rest(&mut self) -> Result<SetAction> {
        if self.eat(Kw::All) {
            return Ok(SetAction::ResetAll);
        }
        self.special_variable().map(SetAction::Reset)
    }

    /// A setting's name in RESET and SHOW, which know some by words of SQL.
    fn special_variable(&mut self) -> Result<Name> {
        if self.eat2(Kw::Time, Kw::Zone) {
            return Ok("timezone".to_owned());
        }
        if self.at(Kw::Transaction) && self.at_n(1, Kw::Isolation) {
            self.expect_all(&[Kw::Transaction, Kw::Isolation, Kw::Level])?;
            return Ok("transaction_isolation".to_owned());
        }
        if self.eat2(Kw::Session, Kw::Authorization) {
            return Ok("session_authorization".to_owned());
        }
        self.variable_name()
    }

    pub(super) fn show(&mut self) -> Result<Stmt> {
        self.expect(Kw::Show)?;
        let name = match self.eat(Kw::All) {
            true => None,
            false => Some(self.special_variable()?),
        };
        Ok(Stmt::ShowVariable(Box::new(ShowVariableStmt { name })))
    }

    pub(super) fn discard(&mut self) -> Result<Stmt> {
        self.expect(Kw::Discard)?;
        let target = match self.tok() {
            Tok::Kw(Kw::All) => DiscardTarget::All,
            Tok::Kw(Kw::Plans) => DiscardTarget::Plans,
            Tok::Kw(Kw::Sequences) => DiscardTarget::Sequences,
            Tok::Kw(Kw::Temp | Kw::Temporary) => DiscardTarget::Temp,
            _ => return self.unexpected(),
        };
        self.bump();
        Ok(Stmt::Discard(target))
    }
}

fn set_stmt(local: bool, action: SetAction) -> Stmt {
    Stmt::SetVariable(Box::new(SetVariableStmt { local, action }))
}
