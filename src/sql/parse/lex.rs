//! From text to tokens: sqlparser tokenizes, and wherever its reading is not PostgreSQL's our own scanner takes over.
//!
//! What is taken from sqlparser as it is: unquoted words, plain integers, brackets, commas, semicolons, blanks. Everything
//! whose reading is known to differ (operators, strings with prefixes, continued strings, parameters, decimals, junk
//! after numbers, comments) is scanned again from the token's first byte by [`super::scan`]; if the scanner's end falls
//! inside one of sqlparser's tokens, it goes on until both meet again.
//!
//! - LEX-1: tokens come in source order and do not overlap; between them are only blanks and comments.
//! - LEX-2: a fault of the text becomes one last `Bad` token, so that a syntax error before it is reported first.

use super::ParseOptions;
use super::keyword::Kw;
use super::scan;
use super::token::{NO_VALUE, Tok, Token};
use super::unicode;
use crate::base::Error;
use crate::base::error::Report;
use crate::err;
use crate::sql::ast::cursor;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Location, Token as Theirs, TokenWithSpan, Tokenizer, Whitespace};

/// PostgreSQL's NAMEDATALEN, less the terminating zero byte it has there.
pub(super) use crate::base::name::NAME_LEN;

/// All tokens of a text, ending in `Eof` or `Bad`.
pub(super) struct Lexed {
    pub tokens: Vec<Token>,
    pub values: Vec<String>,
    /// Notices about cut identifiers, with the byte offset of each.
    pub notices: Vec<(u32, Report)>,
    /// The fault behind a `Bad` token.
    pub error: Option<Error>,
}

pub(super) fn lex(text: &str, options: &ParseOptions) -> Lexed {
    // A long text may be one literal.
    let mut theirs = Vec::with_capacity((text.len() / 4 + 4).min(1 << 12));
    // Where it fails, what it has read so far is still used; the scanner reads the rest and knows PostgreSQL's message.
    let _ =
        Tokenizer::new(&PostgreSqlDialect {}, text).with_unescape(false).tokenize_with_location_into_buf(&mut theirs);
    let mut lexer = Lexer {
        text,
        options,
        ascii: text.is_ascii(),
        out: Lexed {
            tokens: Vec::with_capacity(theirs.len() / 2 + 2),
            values: Vec::with_capacity(theirs.len() / 4 + 1),
            notices: Vec::new(),
            error: None,
        },
    };
    lexer.run(theirs);
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    options: &'a ParseOptions,
    ascii: bool,
    out: Lexed,
}

impl Lexer<'_> {
    fn run(&mut self, theirs: Vec<TokenWithSpan>) {
        let mut theirs = theirs.into_iter();
        // Start of the next of their tokens, in bytes.
        let mut start = 0;
        // Up to where tokens are decided.
        let mut at = 0;
        while at < self.text.len() {
            let end = match theirs.next() {
                Some(t) => {
                    let end = self.end_of(start, &t);
                    // Behind our scanner's end, or right as it is.
                    if end <= at || (start == at && self.take(t.token, start, end)) {
                        at = at.max(end);
                        start = end;
                        continue;
                    }
                    end
                }
                None => self.text.len(),
            };
            // Ours, until both agree on where a token starts.
            if !self.scan_until(&mut at, end) {
                return;
            }
            start = end;
        }
        if self.unescape() {
            self.push(Tok::Eof, self.text.len(), self.text.len(), None);
        }
    }

    /// Scans tokens until `at` reaches `end`. False after a fault.
    fn scan_until(&mut self, at: &mut usize, end: usize) -> bool {
        while *at < end {
            match scan::next(self.text, *at, self.options) {
                Ok((start, s)) => {
                    *at = s.end.max(start);
                    if s.tok == Tok::Eof {
                        return true;
                    }
                    if let Some(escape) = s.escape.filter(|_| self.options.escape_string_warning) {
                        let warning = scan::escape_warning(self.text, start, escape);
                        self.out.notices.push((start as u32, warning));
                    }
                    self.push(s.tok, start, s.end, s.value);
                }
                Err((start, error)) => {
                    // An earlier UESCAPE fault comes first.
                    if self.unescape() {
                        self.fail(start, error);
                    }
                    return false;
                }
            }
        }
        true
    }

    /// Where their token ends: their columns count characters, and lines end at `\n` only.
    fn end_of(&self, start: usize, t: &TokenWithSpan) -> usize {
        let (from, to) = (t.span.start, t.span.end);
        if self.ascii && from.line == to.line {
            return (start + to.column.saturating_sub(from.column) as usize).min(self.text.len());
        }
        let mut here = Location::new(from.line, from.column);
        for (i, c) in self.text[start..].char_indices() {
            if here >= to {
                return start + i;
            }
            match c {
                '\n' => here = Location::new(here.line + 1, 1),
                _ => here.column += 1,
            }
        }
        self.text.len()
    }

    /// Takes one of their tokens as it is, if it is of those that are always right. False: scan it again.
    fn take(&mut self, theirs: Theirs, start: usize, end: usize) -> bool {
        let b = self.text.as_bytes();
        let after = b.get(end).copied().unwrap_or(0);
        match theirs {
            Theirs::Whitespace(Whitespace::Space | Whitespace::Tab | Whitespace::Newline) => {
                return b[start..end].iter().all(|c| scan::is_space(*c));
            }
            Theirs::Word(w) if w.quote_style.is_none() && w.value.len() == end - start => {
                // `U&"…"` is one token.
                if after == b'&' && w.value.eq_ignore_ascii_case("u") {
                    return false;
                }
                let mut value = w.value;
                value.make_ascii_lowercase();
                match Kw::find(&value) {
                    Some(kw) => self.push(Tok::Kw(kw), start, end, None),
                    None => self.push(Tok::Ident, start, end, Some(value)),
                }
            }
            Theirs::LParen
            | Theirs::RParen
            | Theirs::Comma
            | Theirs::SemiColon
            | Theirs::LBracket
            | Theirs::RBracket => {
                self.push(Tok::Char(b[start]), start, end, None);
            }
            Theirs::Number(digits, false)
                if !(after.is_ascii_alphanumeric() || matches!(after, b'.' | b'_' | 0x80..)) =>
            {
                match digits.parse::<i32>() {
                    Ok(n) if digits.len() == end - start && b[start] != b'+' => {
                        self.push(Tok::Int(n), start, end, None)
                    }
                    _ => return false,
                }
            }
            _ => return false,
        }
        true
    }

    fn push(&mut self, tok: Tok, start: usize, end: usize, value: Option<String>) {
        self.look_back(tok);
        let value = match value {
            None => NO_VALUE,
            Some(mut v) => {
                if tok == Tok::Ident && v.len() > NAME_LEN {
                    v = self.cut(v, start);
                }
                self.out.values.push(v);
                (self.out.values.len() - 1) as u32
            }
        };
        self.out.tokens.push(Token { tok, start: start as u32, end: end as u32, value });
    }

    /// Some keywords are tokens of their own before certain others. PostgreSQL 15, parser.c, `base_yylex`.
    fn look_back(&mut self, tok: Tok) {
        let special = match tok {
            Tok::Kw(Kw::Between | Kw::In | Kw::Like | Kw::Ilike | Kw::Similar) => (Kw::Not, Tok::NotLa),
            Tok::Kw(Kw::First | Kw::Last) => (Kw::Nulls, Tok::NullsLa),
            Tok::Kw(Kw::Time | Kw::Ordinality) => (Kw::With, Tok::WithLa),
            _ => return,
        };
        if let Some(last) = self.out.tokens.last_mut()
            && last.tok == Tok::Kw(special.0)
        {
            last.tok = special.1;
        }
    }

    /// Cuts an identifier that is too long, which is told.
    fn cut(&mut self, name: String, start: usize) -> String {
        self.out.notices.extend(crate::base::name::notice(&name).map(|n| (start as u32, n)));
        crate::base::name::cut(&name).to_owned()
    }

    fn fail(&mut self, start: usize, error: Error) {
        self.out.error = Some(error);
        self.push(Tok::Bad, start, self.text.len(), None);
    }

    /// Turns `U&` tokens, with the UESCAPE that may follow, into plain ones. PostgreSQL 15, parser.c, `base_yylex`.
    fn unescape(&mut self) -> bool {
        if !self.out.tokens.iter().any(|t| matches!(t.tok, Tok::UIdent | Tok::UStr)) {
            return true;
        }
        let tokens = std::mem::take(&mut self.out.tokens);
        let mut i = 0;
        while i < tokens.len() {
            let mut t = tokens[i];
            i += 1;
            if !matches!(t.tok, Tok::UIdent | Tok::UStr) {
                self.out.tokens.push(t);
                continue;
            }
            let mut escape = b'\\';
            let mut error = None;
            if tokens.get(i).is_some_and(|n| n.tok == Tok::Kw(Kw::Uescape)) {
                let uescape_end = tokens[i].end as usize;
                match tokens.get(i + 1).filter(|s| s.tok == Tok::Str) {
                    Some(s) => match self.out.values[s.value as usize].as_bytes() {
                        [c] if unicode::is_escape_char(*c) => escape = *c,
                        _ => {
                            error = Some(scan::error_near(
                                self.text,
                                "invalid Unicode escape character",
                                s.start as usize,
                                s.end as usize,
                            ));
                        }
                    },
                    None => {
                        let (start, end) = tokens
                            .get(i + 1)
                            .map_or((self.text.len(), self.text.len()), |s| (s.start as usize, s.end as usize));
                        let what = "UESCAPE must be followed by a simple string literal";
                        error = Some(scan::error_near(self.text, what, start.max(uescape_end), end));
                    }
                }
                t.end = tokens.get(i + 1).map_or(t.end, |s| s.end);
                i += 2;
            }
            let value = std::mem::take(&mut self.out.values[t.value as usize]);
            let decoded = match error {
                Some(e) => Err(e),
                None => unicode::unescape(self.text, &value, escape, t.start as usize + 3),
            };
            match decoded {
                Ok(v) if t.tok == Tok::UIdent && v.len() > NAME_LEN => {
                    self.out.values[t.value as usize] = self.cut(v, t.start as usize);
                }
                Ok(v) => self.out.values[t.value as usize] = v,
                Err(e) => {
                    self.fail(t.start as usize, e);
                    return false;
                }
            }
            t.tok = if t.tok == Tok::UIdent { Tok::Ident } else { Tok::Str };
            self.out.tokens.push(t);
        }
        true
    }
}

/// `syntax error at or near "…"`, or the scanner's own fault.
#[cold]
pub(super) fn syntax_error(text: &str, token: &Token, lexed_error: Option<&Error>) -> Error {
    if let (Tok::Bad, Some(error)) = (token.tok, lexed_error) {
        return error.clone();
    }
    let near = text.get(token.start as usize..token.end as usize).unwrap_or("");
    let e = match token.tok {
        Tok::Eof => err!(SYNTAX_ERROR, "syntax error at end of input"),
        _ => err!(SYNTAX_ERROR, "syntax error at or near \"{near}\""),
    };
    e.at(cursor(text, token.start)).place("scanner_yyerror", "scan.l", 1188)
}
