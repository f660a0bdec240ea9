//! OPEN, FETCH, MOVE and CLOSE; COMMIT and ROLLBACK.

use super::super::code::{Direction, Op, Opening, Query, VarKind, Way};
use super::super::expr::Want;
use super::super::parse::Parser;
use crate::base::{Result, SqlState};
use crate::sql::parse::LexemeKind;
use crate::types::{TypeRef, oid};

impl Parser<'_> {
    pub(super) fn cursor_variable(&mut self) -> Result<usize> {
        let at = self.i;
        let name = self.any_word()?;
        match self.lookup(&[&name]) {
            Some((var, 1)) if matches!(self.f.vars[var].kind, VarKind::Scalar(TypeRef { oid: oid::REFCURSOR, .. })) => {
                Ok(var)
            }
            Some(_) => {
                let text = format!("variable \"{name}\" must be of type cursor or refcursor");
                Err(self.error_at(at, SqlState::DATATYPE_MISMATCH, text))
            }
            None => Err(self.error_at(at, SqlState::SYNTAX_ERROR, format!("\"{name}\" is not a known variable"))),
        }
    }

    /// The query a cursor is for, up to the semicolon.
    pub(in crate::sql::plpgsql) fn cursor_query(&mut self) -> Result<usize> {
        let query = self.statement_text(&[";"], ";")?;
        self.f.exprs[query].set_of_cursor();
        Ok(query)
    }

    pub(super) fn open(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let var = self.cursor_variable()?;
        let mut scroll = None;
        let what = if let Some(decl) = self.f.vars[var].cursor.clone() {
            scroll = decl.scroll;
            Opening::Bound(self.cursor_arguments(var)?)
        } else {
            if self.eat_word("no") {
                self.expect_word("scroll")?;
                scroll = Some(false);
            } else if self.eat_word("scroll") {
                scroll = Some(true);
            }
            self.expect_word("for")?;
            match self.eat_word("execute") {
                true => {
                    let text = self.expr(&[";", "using"], ";", Some(Want::Type(TypeRef::of(oid::TEXT))))?;
                    Opening::Query(Query::Dynamic { text, using: self.using(&[";", ","])? })
                }
                false => Opening::Query(Query::Static(self.cursor_query()?)),
            }
        };
        self.expect_symbol(";")?;
        self.emit(Op::Open { var, what, scroll }, line, "OPEN");
        Ok(())
    }

    pub(super) fn fetch(&mut self, line: u32, is_move: bool) -> Result<()> {
        self.i += 1;
        let mut direction = Direction { way: Way::Forward, count: Some(1), expr: None, is_move };
        let mut from = true;
        let word = self.token().text.clone();
        let is_name = self.kind() == LexemeKind::Quoted;
        match word.as_str() {
            _ if is_name => from = false,
            "next" => self.i += 1,
            "prior" => {
                self.i += 1;
                direction.way = Way::Backward;
            }
            "first" | "last" => {
                self.i += 1;
                direction.way = Way::Absolute;
                direction.count = Some(if word == "first" { 1 } else { -1 });
            }
            "absolute" | "relative" => {
                self.i += 1;
                direction.way = if word == "absolute" { Way::Absolute } else { Way::Relative };
                direction.count = None;
                direction.expr = Some(self.expr(&["from", "in"], "FROM", Some(Want::Type(TypeRef::of(oid::INT8))))?);
            }
            "all" => {
                self.i += 1;
                direction.count = None;
            }
            "forward" | "backward" => {
                self.i += 1;
                if word == "backward" {
                    direction.way = Way::Backward;
                }
                if self.eat_word("all") {
                    direction.count = None;
                } else if !self.is_word("from") && !self.is_word("in") {
                    direction.expr =
                        Some(self.expr(&["from", "in"], "FROM", Some(Want::Type(TypeRef::of(oid::INT8))))?);
                }
            }
            "from" | "in" => {}
            _ if self.kind() == LexemeKind::Word && !self.ahead_is(1, "from") && !self.ahead_is(1, "in") => {
                from = false;
            }
            _ => {
                direction.expr = Some(self.expr(&["from", "in"], "FROM", Some(Want::Type(TypeRef::of(oid::INT8))))?);
            }
        }
        if from && !self.eat_word("from") {
            self.expect_word("in")?;
        }
        let var = self.cursor_variable()?;
        let into = match is_move {
            true => None,
            false => {
                self.expect_word("into")?;
                Some(self.into_target()?)
            }
        };
        self.expect_symbol(";")?;
        self.emit(Op::Fetch { var, direction, into }, line, if is_move { "MOVE" } else { "FETCH" });
        Ok(())
    }

    pub(super) fn close(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let var = self.cursor_variable()?;
        self.expect_symbol(";")?;
        self.emit(Op::Close { var }, line, "CLOSE");
        Ok(())
    }

    pub(super) fn end_transaction(&mut self, line: u32, commit: bool) -> Result<()> {
        self.i += 1;
        let mut chain = false;
        if self.eat_word("and") {
            chain = !self.eat_word("no");
            self.expect_word("chain")?;
        }
        self.expect_symbol(";")?;
        self.emit(Op::EndTransaction { commit, chain }, line, if commit { "COMMIT" } else { "ROLLBACK" });
        Ok(())
    }
}
