//! The token cursor and what every part of the grammar uses.

use super::keyword::{Category, Kw};
use super::lex::{Lexed, syntax_error};
use super::token::{Tok, Token};
use crate::base::{Error, Report, Result, SqlState, stack};
use crate::err;
use crate::sql::ast::{MAX_DEPTH, Pos, RawStmt, cursor};
use std::cell::Cell;
use std::ops::Range;

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
    values: Vec<String>,
    lex_error: Option<Error>,
    pub(super) i: usize,
    /// The greatest height among the finished children of the node being built (AST-4).
    pub(super) height: usize,
    /// The parentheses read last held a comma-separated list, not one expression.
    pub(super) last_paren_was_list: bool,
    /// The opening parentheses looked over last, and whether they lead to a query: each of many need not look at all
    /// that follow it.
    pub(super) parens: Cell<Option<(Range<usize>, bool)>>,
    /// A fault PostgreSQL finds after parsing; the first one is raised when the whole text has no syntax error.
    pub(super) deferred: Option<Error>,
    /// What is reported beside the result.
    pub(super) notices: Vec<Report>,
    /// Where constants stand, if anybody wants to know.
    pub(super) constants: Option<Vec<super::constants::Span>>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, lexed: Lexed) -> Parser<'a> {
        let Lexed { tokens, values, error, .. } = lexed;
        Parser {
            text,
            tokens,
            values,
            lex_error: error,
            i: 0,
            height: 0,
            last_paren_was_list: false,
            parens: Cell::new(None),
            deferred: None,
            notices: Vec::new(),
            constants: None,
        }
    }

    /// All statements of the text.
    pub(super) fn statements(&mut self) -> Result<Vec<RawStmt>> {
        let mut out = Vec::new();
        let mut start = 0;
        loop {
            let mut stmt = None;
            if !matches!(self.tok(), Tok::Char(b';') | Tok::Eof) {
                self.height = 0;
                stmt = Some(self.statement()?);
            }
            let end = self.pos();
            let more = self.tok() == Tok::Char(b';');
            if !more && self.tok() != Tok::Eof {
                return self.unexpected();
            }
            if let Some(stmt) = stmt {
                out.push(RawStmt { stmt, start, len: end - start });
            }
            if !more {
                return self.deferred.take().map_or(Ok(out), Err);
            }
            self.bump();
            start = end + 1;
        }
    }

    /// Byte offset of the furthest token looked at.
    pub(super) fn reached(&self) -> u32 {
        self.pos()
    }

    // ---- the cursor ----

    #[inline]
    pub(super) fn token(&self) -> Token {
        self.token_at(0)
    }

    /// The n-th token from here; the last one repeats.
    #[inline]
    pub(super) fn token_at(&self, n: usize) -> Token {
        match self.tokens.get(self.i + n).or(self.tokens.last()) {
            Some(t) => *t,
            None => Token { tok: Tok::Eof, start: 0, end: 0, value: super::token::NO_VALUE },
        }
    }

    /// The n-th token before the next one; 0 is the one just consumed.
    pub(super) fn token_before(&self, n: usize) -> Option<Token> {
        self.i.checked_sub(n + 1).and_then(|i| self.tokens.get(i)).copied()
    }

    #[inline]
    pub(super) fn tok(&self) -> Tok {
        self.token().tok
    }

    #[inline]
    pub(super) fn tok_at(&self, n: usize) -> Tok {
        self.token_at(n).tok
    }

    #[inline]
    pub(super) fn pos(&self) -> Pos {
        self.token().start
    }

    /// Consumes a token; `Eof` and `Bad` stay.
    #[inline]
    pub(super) fn bump(&mut self) -> Token {
        let t = self.token();
        if self.i + 1 < self.tokens.len() {
            self.i += 1;
        }
        t
    }

    /// The value of a token just consumed; it can be taken once.
    pub(super) fn value(&mut self, token: Token) -> String {
        self.values.get_mut(token.value as usize).map(std::mem::take).unwrap_or_default()
    }

    /// The value of a token, left in place.
    pub(super) fn peek_value(&self, token: Token) -> &str {
        self.values.get(token.value as usize).map_or("", String::as_str)
    }

    /// What is written from one place to another.
    pub(super) fn text_between(&self, from: Pos, to: Pos) -> String {
        self.text.get(from as usize..to as usize).unwrap_or_default().trim().to_owned()
    }

    pub(super) fn source(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    #[inline]
    pub(super) fn at(&self, kw: Kw) -> bool {
        self.tok() == Tok::Kw(kw)
    }

    #[inline]
    pub(super) fn at_n(&self, n: usize, kw: Kw) -> bool {
        self.tok_at(n) == Tok::Kw(kw)
    }

    /// At any of these keywords.
    pub(super) fn at_any(&self, kws: &[Kw]) -> bool {
        matches!(self.tok(), Tok::Kw(k) if kws.contains(&k))
    }

    #[inline]
    pub(super) fn at_char(&self, c: u8) -> bool {
        self.tok() == Tok::Char(c)
    }

    #[inline]
    pub(super) fn eat(&mut self, kw: Kw) -> bool {
        let found = self.at(kw);
        if found {
            self.bump();
        }
        found
    }

    /// Consumes two keywords if both stand here.
    pub(super) fn eat2(&mut self, a: Kw, b: Kw) -> bool {
        let found = self.at(a) && self.at_n(1, b);
        if found {
            self.bump();
            self.bump();
        }
        found
    }

    #[inline]
    pub(super) fn eat_char(&mut self, c: u8) -> bool {
        let found = self.at_char(c);
        if found {
            self.bump();
        }
        found
    }

    #[inline]
    pub(super) fn expect(&mut self, kw: Kw) -> Result<Pos> {
        let pos = self.pos();
        match self.eat(kw) {
            true => Ok(pos),
            false => self.unexpected(),
        }
    }

    /// Expects several keywords in a row.
    pub(super) fn expect_all(&mut self, kws: &[Kw]) -> Result<()> {
        for kw in kws {
            self.expect(*kw)?;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn expect_char(&mut self, c: u8) -> Result<()> {
        match self.eat_char(c) {
            true => Ok(()),
            false => self.unexpected(),
        }
    }

    // ---- faults ----

    /// The syntax error at this token.
    #[cold]
    pub(super) fn unexpected<T>(&self) -> Result<T> {
        Err(syntax_error(self.text, &self.token(), self.lex_error.as_ref()))
    }

    /// An error raised by the grammar's own checks.
    #[cold]
    pub(super) fn error(&self, state: SqlState, message: impl Into<String>, pos: Pos) -> Error {
        Error::new(state, message).at(cursor(self.text, pos))
    }

    /// `syntax error` at a token already consumed.
    #[cold]
    pub(super) fn syntax_error_at(&self, token: Token) -> Error {
        syntax_error(self.text, &token, self.lex_error.as_ref())
    }

    #[cold]
    pub(super) fn unsupported(&self, what: &str, pos: Pos) -> Error {
        Error::unsupported(format!("{what} is not supported")).at(cursor(self.text, pos))
    }

    /// Notes that a node over children of `self.height` is finished; gives its own height (AST-4).
    #[inline]
    pub(super) fn grow(&mut self, children: usize) -> Result<usize> {
        match children >= MAX_DEPTH {
            true => Err(too_deep()),
            false => Ok(children + 1),
        }
    }

    // ---- words ----

    fn word(&mut self, allowed: impl Fn(Category) -> bool) -> Result<String> {
        match self.tok() {
            Tok::Ident => {
                let t = self.bump();
                Ok(self.value(t))
            }
            Tok::Kw(k) if allowed(k.category()) => {
                self.bump();
                Ok(k.word().to_owned())
            }
            _ => self.unexpected(),
        }
    }

    /// ColId: a column, table or other object's name.
    pub(super) fn col_id(&mut self) -> Result<String> {
        self.word(|c| matches!(c, Category::Unreserved | Category::ColName))
    }

    /// A name of a function or type.
    pub(super) fn type_function_name(&mut self) -> Result<String> {
        self.word(|c| matches!(c, Category::Unreserved | Category::TypeFuncName))
    }

    pub(super) fn non_reserved_word(&mut self) -> Result<String> {
        self.word(|c| c != Category::Reserved)
    }

    /// ColLabel: any word.
    pub(super) fn col_label(&mut self) -> Result<String> {
        self.word(|_| true)
    }

    pub(super) fn is_col_id(&self, n: usize) -> bool {
        match self.tok_at(n) {
            Tok::Ident => true,
            Tok::Kw(k) => matches!(k.category(), Category::Unreserved | Category::ColName),
            _ => false,
        }
    }

    pub(super) fn is_type_function_name(&self, n: usize) -> bool {
        match self.tok_at(n) {
            Tok::Ident => true,
            Tok::Kw(k) => matches!(k.category(), Category::Unreserved | Category::TypeFuncName),
            _ => false,
        }
    }

    pub(super) fn is_word(&self, n: usize) -> bool {
        matches!(self.tok_at(n), Tok::Ident | Tok::Kw(_))
    }

    /// Sconst
    pub(super) fn string(&mut self) -> Result<String> {
        match self.tok() {
            Tok::Str => {
                let t = self.bump();
                Ok(self.value(t))
            }
            _ => self.unexpected(),
        }
    }

    /// Iconst
    pub(super) fn integer(&mut self) -> Result<i32> {
        match self.tok() {
            Tok::Int(n) => {
                self.bump();
                Ok(n)
            }
            _ => self.unexpected(),
        }
    }

    /// SignedIconst
    pub(super) fn signed_integer(&mut self) -> Result<i32> {
        let minus = self.at_char(b'-');
        if minus || self.at_char(b'+') {
            self.bump();
        }
        let n = self.integer()?;
        Ok(if minus { n.wrapping_neg() } else { n })
    }

    /// A comma-separated list of at least one item.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut out = vec![item(self)?];
        while self.eat_char(b',') {
            out.push(item(self)?);
        }
        Ok(out)
    }

    /// `( item, … )`
    pub(super) fn paren_list<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect_char(b'(')?;
        let out = self.list(item)?;
        self.expect_char(b')')?;
        Ok(out)
    }

    /// `( name, … )` or nothing.
    pub(super) fn opt_name_list(&mut self) -> Result<Vec<String>> {
        match self.at_char(b'(') {
            true => self.paren_list(Self::col_id),
            false => Ok(Vec::new()),
        }
    }
}

/// Called wherever the grammar nests (PARSE-2), and wherever what was read nests later.
///
/// # Errors
/// 54001.
#[inline]
pub fn check_stack() -> Result<()> {
    match stack::is_used_up() {
        true => Err(too_deep()),
        false => Ok(()),
    }
}

#[cold]
fn too_deep() -> Error {
    err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        .hint(
            "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), \
             after ensuring the platform's stack depth limit is adequate.",
        )
        .place("check_stack_depth", "postgres.c", 3513)
}
