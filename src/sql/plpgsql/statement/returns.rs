//! RETURN, RETURN NEXT and RETURN QUERY.

use super::super::code::{Op, Query, VarKind};
use super::super::expr::Want;
use super::super::parse::Parser;
use crate::base::{Result, SqlState};
use crate::types::{TypeRef, oid};

impl Parser<'_> {
    pub(super) fn return_statement(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let is_set = self.f.returns_set;
        if self.is_word("next") {
            return self.return_next(line);
        }
        if self.is_word("query") {
            let at = self.i - 1;
            self.i += 1;
            if !is_set {
                let text = "cannot use RETURN QUERY in a non-SETOF function";
                return Err(self.error_at(at, SqlState::DATATYPE_MISMATCH, text));
            }
            let query = match self.eat_word("execute") {
                true => {
                    let text = self.expr(&[";", "using"], ";", Some(Want::Type(TypeRef::of(oid::TEXT))))?;
                    Query::Dynamic { text, using: self.using(&[";", ","])? }
                }
                false => Query::Static(self.statement_text(&[";"], ";")?),
            };
            self.expect_symbol(";")?;
            self.emit(Op::ReturnQuery(query), line, "RETURN QUERY");
            return Ok(());
        }
        let nothing = self.is_symbol(";");
        let no_parameter = |p: &Self, text: &str| Err(p.error_at(p.i, SqlState::DATATYPE_MISMATCH, text));
        if is_set {
            if !nothing {
                let e = self.error_at(
                    self.i,
                    SqlState::DATATYPE_MISMATCH,
                    "RETURN cannot have a parameter in function returning set",
                );
                return Err(e.hint("Use RETURN NEXT or RETURN QUERY."));
            }
        } else if self.f.out.is_some() {
            if !nothing {
                return no_parameter(self, "RETURN cannot have a parameter in function with OUT parameters");
            }
        } else if self.f.result.oid == oid::VOID {
            if !nothing {
                let text = match self.f.is_procedure {
                    true => "RETURN cannot have a parameter in a procedure",
                    false => "RETURN cannot have a parameter in function returning void",
                };
                return no_parameter(self, text);
            }
        } else if nothing {
            return Err(self.near(self.i, "missing expression"));
        } else {
            let value = self.expr(&[";"], ";", None)?;
            self.expect_symbol(";")?;
            self.emit(Op::Return(Some(value)), line, "RETURN");
            return Ok(());
        }
        self.expect_symbol(";")?;
        self.emit(Op::ReturnOut, line, "RETURN");
        Ok(())
    }

    pub(super) fn return_next(&mut self, line: u32) -> Result<()> {
        let at = self.i - 1;
        self.i += 1;
        if !self.f.returns_set {
            let text = "cannot use RETURN NEXT in a non-SETOF function";
            return Err(self.error_at(at, SqlState::DATATYPE_MISMATCH, text));
        }
        let value = match (self.is_symbol(";"), self.f.out.is_some()) {
            (false, true) => {
                let text = "RETURN NEXT cannot have a parameter in function with OUT parameters";
                return Err(self.error_at(self.i, SqlState::DATATYPE_MISMATCH, text));
            }
            (true, true) => None,
            (true, false) => return Err(self.near(self.i, "missing expression")),
            (false, false) => {
                let want = match self.kind_of_type(self.f.result) {
                    VarKind::Scalar(ty) => Some(Want::Type(ty)),
                    _ => None,
                };
                Some(self.expr(&[";"], ";", want)?)
            }
        };
        self.expect_symbol(";")?;
        self.emit(Op::ReturnNext(value), line, "RETURN NEXT");
        Ok(())
    }
}
