//! The text form of queries.

use super::Query;
use crate::base::Result;
use crate::err;

const MAX_DISTANCE: u32 = 16384;
/// Queries nested deeper are refused with 54001.
pub const MAX_DEPTH: usize = 500;

/// An operator between two queries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Join {
    And,
    Or,
    Phrase(u16),
}

/// What is made of the parts of a query's text.
pub trait Build {
    type Node;

    fn value(&mut self, text: String, weights: u8, prefix: bool) -> Result<Self::Node>;
    fn not(&mut self, arg: Self::Node) -> Self::Node;
    fn join(&mut self, join: Join, left: Self::Node, right: Self::Node) -> Self::Node;
}

/// The query as it is written.
struct AsWritten;

impl Build for AsWritten {
    type Node = Query;

    fn value(&mut self, text: String, weights: u8, prefix: bool) -> Result<Query> {
        Ok(Query::Value { text, weights, prefix })
    }

    fn not(&mut self, arg: Query) -> Query {
        Query::Not(Box::new(arg))
    }

    fn join(&mut self, join: Join, left: Query, right: Query) -> Query {
        Query::joined(join, left, right)
    }
}

struct Reader<'a, B> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
    build: &'a mut B,
}

/// Reads a query; None: it is empty.
pub fn parse(text: &str) -> Result<Option<Query>> {
    parse_with(text, &mut AsWritten)
}

/// Reads a query and makes something of it; None: it is empty.
pub fn parse_with<B: Build>(text: &str, build: &mut B) -> Result<Option<B::Node>> {
    let mut r = Reader { text, rest: text, depth: 0, build };
    r.skip();
    if r.rest.is_empty() {
        return Ok(None);
    }
    let query = r.or()?;
    r.skip();
    if r.rest.is_empty() { Ok(Some(query)) } else { Err(r.syntax()) }
}

impl<B: Build> Reader<'_, B> {
    fn syntax(&self) -> crate::base::Error {
        err!(SYNTAX_ERROR, "syntax error in tsquery: \"{}\"", self.text)
    }

    fn no_operand(&self) -> crate::base::Error {
        err!(SYNTAX_ERROR, "no operand in tsquery: \"{}\"", self.text)
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(crate::types::text::is_space);
    }

    fn eat(&mut self, c: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn or(&mut self) -> Result<B::Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let mut left = self.and()?;
        while self.eat('|') {
            let right = self.and()?;
            left = self.build.join(Join::Or, left, right);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<B::Node> {
        let mut left = self.phrase()?;
        while self.eat('&') {
            let right = self.phrase()?;
            left = self.build.join(Join::And, left, right);
        }
        Ok(left)
    }

    fn phrase(&mut self) -> Result<B::Node> {
        let mut left = self.not()?;
        while self.eat('<') {
            let Some((inside, rest)) = self.rest.split_once('>') else { return Err(self.syntax()) };
            // At the very end it is no operator (PostgreSQL 15, tsquery.c, parse_phrase_operator).
            if rest.is_empty() {
                return Err(self.syntax());
            }
            let distance = match inside {
                "-" => 1,
                n if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => n.parse().unwrap_or(u32::MAX),
                _ => return Err(self.syntax()),
            };
            if distance > MAX_DISTANCE {
                return Err(err!(
                    INVALID_PARAMETER_VALUE,
                    "distance in phrase operator must be an integer value between zero and {MAX_DISTANCE} inclusive"
                ));
            }
            self.rest = rest;
            let right = self.not()?;
            left = self.build.join(Join::Phrase(distance as u16), left, right);
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<B::Node> {
        if self.eat('!') {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(too_deep());
            }
            let inner = self.not()?;
            self.depth -= 1;
            return Ok(self.build.not(inner));
        }
        if self.eat('(') {
            let inner = self.or()?;
            return if self.eat(')') { Ok(inner) } else { Err(self.syntax()) };
        }
        self.value()
    }

    fn value(&mut self) -> Result<B::Node> {
        self.skip();
        if self.rest.is_empty() {
            return Err(self.no_operand());
        }
        if self.rest.starts_with(':') {
            return Err(self.syntax());
        }
        let (text, rest) = read_word(self.rest, self.text, false)?;
        self.rest = rest;
        let (mut weights, mut prefix) = (0, false);
        if let Some(rest) = self.rest.strip_prefix(':') {
            self.rest = rest;
            while let Some(c) = self.rest.chars().next() {
                match c.to_ascii_lowercase() {
                    'a' => weights |= 8,
                    'b' => weights |= 4,
                    'c' => weights |= 2,
                    'd' => weights |= 1,
                    '*' => prefix = true,
                    _ => break,
                }
                self.rest = &self.rest[1..];
            }
        }
        self.build.value(text, weights, prefix)
    }
}

/// # Errors
/// Always 54001.
#[cold]
pub fn too_deep() -> crate::base::Error {
    err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
}

/// Whether operators of a query begin with it.
pub fn is_operator(c: char) -> bool {
    matches!(c, '!' | '&' | '|' | '(' | ')' | '<')
}

/// A word of a query, and what follows it (PostgreSQL 15, tsvector_parser.c, gettoken_tsvector: same states). `web`: quotes and
/// backslashes are nothing special.
pub fn read_word<'a>(at: &'a str, whole: &str, web: bool) -> Result<(String, &'a str)> {
    let syntax = || err!(SYNTAX_ERROR, "syntax error in tsquery: \"{whole}\"");
    let mut text = String::new();
    let mut chars = at.chars();
    let escaped = |chars: &mut std::str::Chars<'_>| {
        chars.next().ok_or_else(|| err!(SYNTAX_ERROR, "there is no escaped character: \"{whole}\""))
    };
    if !web && at.starts_with('\'') {
        chars.next();
        loop {
            match chars.next().ok_or_else(syntax)? {
                '\'' if chars.as_str().starts_with('\'') => {
                    chars.next();
                    text.push('\'');
                }
                '\'' => break,
                '\\' => text.push(escaped(&mut chars)?),
                c => text.push(c),
            }
        }
    } else {
        loop {
            match chars.clone().next() {
                None => break,
                Some(c) if crate::types::text::is_space(c) || is_operator(c) || web && c == '"' => break,
                Some(':') if !text.is_empty() => break,
                Some('\\') if !web => {
                    chars.next();
                    text.push(escaped(&mut chars)?);
                }
                Some(c) => {
                    chars.next();
                    text.push(c);
                }
            }
        }
    }
    match text.is_empty() {
        true => Err(syntax()),
        false => Ok((text, chars.as_str())),
    }
}

impl Query {
    pub fn joined(join: Join, left: Query, right: Query) -> Query {
        let (left, right) = (Box::new(left), Box::new(right));
        match join {
            Join::And => Query::And(left, right),
            Join::Or => Query::Or(left, right),
            Join::Phrase(distance) => Query::Phrase(left, right, distance),
        }
    }
}
