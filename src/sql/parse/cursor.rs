//! Cursors, prepared statements, EXPLAIN.

use super::keyword::Kw;
use super::options::option;
use super::parser::Parser;
use super::token::Tok;
use crate::base::Result;
use crate::err;
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn declare(&mut self) -> Result<DeclareCursorStmt> {
        self.expect(Kw::Declare)?;
        let name = self.col_id()?;
        let (mut binary, mut scroll, mut insensitive) = (false, None, None);
        let both = |a: &str, b: &str, other: bool| match other {
            true => Err(err!(INVALID_CURSOR_DEFINITION, "cannot specify both {a} and {b}")),
            false => Ok(()),
        };
        loop {
            match self.tok() {
                Tok::Kw(Kw::No) => {
                    self.bump();
                    self.expect(Kw::Scroll)?;
                    both("SCROLL", "NO SCROLL", scroll == Some(true))?;
                    scroll = Some(false);
                }
                Tok::Kw(Kw::Scroll) => {
                    self.bump();
                    both("SCROLL", "NO SCROLL", scroll == Some(false))?;
                    scroll = Some(true);
                }
                Tok::Kw(Kw::Binary) => {
                    self.bump();
                    binary = true;
                }
                Tok::Kw(Kw::Asensitive) => {
                    self.bump();
                    both("ASENSITIVE", "INSENSITIVE", insensitive == Some(true))?;
                    insensitive = Some(false);
                }
                Tok::Kw(Kw::Insensitive) => {
                    self.bump();
                    both("ASENSITIVE", "INSENSITIVE", insensitive == Some(false))?;
                    insensitive = Some(true);
                }
                _ => break,
            }
        }
        self.expect(Kw::Cursor)?;
        let hold = self.eat(Kw::With);
        if hold || self.eat(Kw::Without) {
            self.expect(Kw::Hold)?;
        }
        self.expect(Kw::For)?;
        let query = self.query()?;
        let query = SelectStmt { of_cursor: true, ..query };
        Ok(DeclareCursorStmt { name, binary, scroll, insensitive, hold, query })
    }

    pub(super) fn fetch(&mut self) -> Result<Stmt> {
        let is_move = self.bump().tok == Tok::Kw(Kw::Move);
        let (direction, count) = self.fetch_direction()?;
        if !self.eat(Kw::From) {
            self.eat(Kw::In);
        }
        let cursor = self.col_id()?;
        Ok(Stmt::Fetch(Box::new(FetchStmt { cursor, is_move, direction, count })))
    }

    fn fetch_direction(&mut self) -> Result<(FetchDirection, i64)> {
        use FetchDirection::*;
        // The direction words are also names of cursors: then nothing follows.
        let alone = matches!(self.tok_at(1), Tok::Eof | Tok::Char(b';'));
        let number = |p: &mut Self| p.signed_integer().map(i64::from);
        match self.tok() {
            Tok::Int(_) | Tok::Char(b'+' | b'-') => Ok((Forward, number(self)?)),
            Tok::Kw(Kw::All) => {
                self.bump();
                Ok((Forward, FETCH_ALL))
            }
            Tok::Kw(kw @ (Kw::Next | Kw::Prior | Kw::First | Kw::Last)) if !alone => {
                self.bump();
                Ok(match kw {
                    Kw::Next => (Forward, 1),
                    Kw::Prior => (Backward, 1),
                    Kw::First => (Absolute, 1),
                    _ => (Absolute, -1),
                })
            }
            Tok::Kw(kw @ (Kw::Absolute | Kw::Relative)) if !alone && !self.at_n(1, Kw::From) => {
                self.bump();
                let direction = if kw == Kw::Absolute { Absolute } else { Relative };
                Ok((direction, number(self)?))
            }
            Tok::Kw(kw @ (Kw::Forward | Kw::Backward)) if !alone => {
                self.bump();
                let direction = if kw == Kw::Forward { Forward } else { Backward };
                let count = match self.tok() {
                    Tok::Int(_) | Tok::Char(b'+' | b'-') => number(self)?,
                    Tok::Kw(Kw::All) => {
                        self.bump();
                        FETCH_ALL
                    }
                    _ => 1,
                };
                Ok((direction, count))
            }
            _ => Ok((Forward, 1)),
        }
    }

    pub(super) fn close(&mut self) -> Result<Stmt> {
        self.expect(Kw::Close)?;
        Ok(Stmt::ClosePortal(match self.eat(Kw::All) {
            true => None,
            false => Some(self.col_id()?),
        }))
    }

    pub(super) fn prepare(&mut self) -> Result<Stmt> {
        self.expect(Kw::Prepare)?;
        if self.at(Kw::Transaction) && self.tok_at(1) == Tok::Str {
            self.bump();
            let id = self.string()?;
            return Ok(Stmt::Transaction(Box::new(TransactionStmt::Prepare(id))));
        }
        let name = self.col_id()?;
        let types = match self.at_char(b'(') {
            true => self.paren_list(Self::type_name)?,
            false => Vec::new(),
        };
        self.expect(Kw::As)?;
        let query = self.preparable()?;
        Ok(Stmt::Prepare(Box::new(PrepareStmt { name, types, query })))
    }

    pub(super) fn execute(&mut self) -> Result<ExecuteStmt> {
        self.expect(Kw::Execute)?;
        let name = self.col_id()?;
        let args = match self.at_char(b'(') {
            true => self.paren_list(Self::expr)?,
            false => Vec::new(),
        };
        Ok(ExecuteStmt { name, args })
    }

    pub(super) fn deallocate(&mut self) -> Result<Stmt> {
        self.expect(Kw::Deallocate)?;
        // PREPARE is also a name.
        if self.at(Kw::Prepare) && !matches!(self.tok_at(1), Tok::Eof | Tok::Char(b';')) {
            self.bump();
        }
        Ok(Stmt::Deallocate(match self.eat(Kw::All) {
            true => None,
            false => Some(self.col_id()?),
        }))
    }

    pub(super) fn explain(&mut self) -> Result<Stmt> {
        self.expect(Kw::Explain)?;
        let mut options = Vec::new();
        if self.at_char(b'(') && !self.parens_lead_to_query() {
            options = self.utility_options()?;
        } else {
            let pos = self.pos();
            if self.eat(Kw::Analyze) || self.eat(Kw::Analyse) {
                options.push(option("analyze", None, pos));
            }
            let pos = self.pos();
            if self.eat(Kw::Verbose) {
                options.push(option("verbose", None, pos));
            }
        }
        let query = match self.tok() {
            Tok::Kw(Kw::Declare) => Stmt::DeclareCursor(Box::new(self.declare()?)),
            Tok::Kw(Kw::Execute) => Stmt::Execute(Box::new(self.execute()?)),
            Tok::Kw(Kw::Refresh) => Stmt::RefreshMatView(Box::new(self.refresh()?)),
            Tok::Kw(Kw::Create) => self.create_for_explain()?,
            _ => self.preparable()?,
        };
        Ok(Stmt::Explain(Box::new(ExplainStmt { query, options })))
    }

    pub(super) fn refresh(&mut self) -> Result<RefreshMatViewStmt> {
        self.expect_all(&[Kw::Refresh, Kw::Materialized, Kw::View])?;
        let concurrently = self.eat(Kw::Concurrently);
        let view = self.qualified_name()?;
        let skip_data = self.opt_with_data()?;
        Ok(RefreshMatViewStmt { view, concurrently, skip_data })
    }

    /// `WITH [NO] DATA`. True: no data.
    pub(super) fn opt_with_data(&mut self) -> Result<bool> {
        if !self.eat(Kw::With) {
            return Ok(false);
        }
        let no = self.eat(Kw::No);
        self.expect(Kw::Data)?;
        Ok(no)
    }
}
