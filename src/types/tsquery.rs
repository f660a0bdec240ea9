//! `tsquery`: lexemes under AND, OR, NOT and FOLLOWED BY.
//!
//! Bytes: the text that [`Query::write`] makes; it reads back as the same query.

use super::tsvector::{Lexeme, position, weight, write_lexeme};
use crate::base::Result;
use crate::err;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Query {
    /// A lexeme, the weights it may have (bit 0 is D, bit 3 is A; 0: any), and whether it is only the beginning of one.
    Value {
        text: String,
        weights: u8,
        prefix: bool,
    },
    Not(Box<Query>),
    And(Box<Query>, Box<Query>),
    Or(Box<Query>, Box<Query>),
    Phrase(Box<Query>, Box<Query>, u16),
}

const MAX_DISTANCE: u32 = 16384;
/// Queries nested deeper are refused with 54001.
const MAX_DEPTH: usize = 500;

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

/// Reads a query; None: it is empty.
pub fn parse(text: &str) -> Result<Option<Query>> {
    let mut r = Reader { text, rest: text, depth: 0 };
    r.skip();
    if r.rest.is_empty() {
        return Ok(None);
    }
    let query = r.or()?;
    r.skip();
    if r.rest.is_empty() { Ok(Some(query)) } else { Err(r.syntax()) }
}

impl Reader<'_> {
    fn syntax(&self) -> crate::base::Error {
        err!(SYNTAX_ERROR, "syntax error in tsquery: \"{}\"", self.text)
    }

    fn no_operand(&self) -> crate::base::Error {
        err!(SYNTAX_ERROR, "no operand in tsquery: \"{}\"", self.text)
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(super::text::is_space);
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

    fn or(&mut self) -> Result<Query> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let mut left = self.and()?;
        while self.eat('|') {
            left = Query::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Query> {
        let mut left = self.phrase()?;
        while self.eat('&') {
            left = Query::And(Box::new(left), Box::new(self.phrase()?));
        }
        Ok(left)
    }

    fn phrase(&mut self) -> Result<Query> {
        let mut left = self.not()?;
        while self.eat('<') {
            let Some((inside, rest)) = self.rest.split_once('>') else { return Err(self.syntax()) };
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
            left = Query::Phrase(Box::new(left), Box::new(self.not()?), distance as u16);
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Query> {
        if self.eat('!') {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
            }
            let inner = self.not()?;
            self.depth -= 1;
            return Ok(Query::Not(Box::new(inner)));
        }
        if self.eat('(') {
            let inner = self.or()?;
            return if self.eat(')') { Ok(inner) } else { Err(self.syntax()) };
        }
        self.value()
    }

    fn value(&mut self) -> Result<Query> {
        self.skip();
        let mut text = String::new();
        let mut chars = self.rest.chars();
        match chars.clone().next() {
            None => return Err(self.no_operand()),
            Some('\'') => {
                chars.next();
                loop {
                    match chars.next().ok_or_else(|| self.syntax())? {
                        '\'' if chars.as_str().starts_with('\'') => {
                            chars.next();
                            text.push('\'');
                        }
                        '\'' => break,
                        '\\' => text.push(chars.next().ok_or_else(|| self.syntax())?),
                        c => text.push(c),
                    }
                }
            }
            _ => loop {
                match chars.clone().next() {
                    Some(c) if super::text::is_space(c) || matches!(c, '!' | '&' | '|' | '(' | ')' | '<' | ':') => {
                        break;
                    }
                    None => break,
                    Some('\\') => {
                        chars.next();
                        text.push(chars.next().ok_or_else(|| self.syntax())?);
                    }
                    Some(c) => {
                        chars.next();
                        text.push(c);
                    }
                }
            },
        }
        if text.is_empty() {
            return Err(self.syntax());
        }
        self.rest = chars.as_str();
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
        Ok(Query::Value { text, weights, prefix })
    }
}

impl Query {
    fn priority(&self) -> u8 {
        match self {
            Query::Or(..) => 1,
            Query::And(..) => 2,
            Query::Phrase(..) => 3,
            Query::Not(_) => 4,
            Query::Value { .. } => 5,
        }
    }

    /// How many lexemes and operators there are.
    pub fn nodes(&self) -> usize {
        match self {
            Query::Value { .. } => 1,
            Query::Not(a) => 1 + a.nodes(),
            Query::And(a, b) | Query::Or(a, b) | Query::Phrase(a, b, _) => 1 + a.nodes() + b.nodes(),
        }
    }

    /// PostgreSQL 15, tsquery.c, infix: brackets around what binds less, and around a phrase on the right of one.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.infix(0, false, out);
    }

    fn infix(&self, parent: u8, right_of_phrase: bool, out: &mut Vec<u8>) {
        let own = self.priority();
        match self {
            Query::Value { text, weights, prefix } => {
                write_lexeme(text, out);
                if *weights != 0 || *prefix {
                    out.push(b':');
                    if *prefix {
                        out.push(b'*');
                    }
                    for (bit, letter) in [(8, b'A'), (4, b'B'), (2, b'C'), (1, b'D')] {
                        if weights & bit != 0 {
                            out.push(letter);
                        }
                    }
                }
            }
            Query::Not(arg) => {
                let wrap = own < parent;
                out.extend_from_slice(if wrap { b"( !" } else { b"!" });
                arg.infix(own, false, out);
                if wrap {
                    out.extend_from_slice(b" )");
                }
            }
            Query::And(a, b) | Query::Or(a, b) | Query::Phrase(a, b, _) => {
                let wrap = own < parent || right_of_phrase && matches!(self, Query::Phrase(..));
                if wrap {
                    out.extend_from_slice(b"( ");
                }
                a.infix(own, false, out);
                match self {
                    Query::And(..) => out.extend_from_slice(b" & "),
                    Query::Or(..) => out.extend_from_slice(b" | "),
                    Query::Phrase(_, _, 1) => out.extend_from_slice(b" <-> "),
                    Query::Phrase(_, _, n) => out.extend_from_slice(format!(" <{n}> ").as_bytes()),
                    _ => {}
                }
                b.infix(own, matches!(self, Query::Phrase(..)), out);
                if wrap {
                    out.extend_from_slice(b" )");
                }
            }
        }
    }

    /// Whether a document fulfils the query.
    ///
    /// # Errors
    /// 0A000 for negations and alternatives inside of phrases.
    pub fn matches(&self, lexemes: &[Lexeme]) -> Result<bool> {
        Ok(match self {
            Query::Value { .. } => self.found(lexemes).is_some(),
            Query::Not(a) => !a.matches(lexemes)?,
            Query::And(a, b) => a.matches(lexemes)? && b.matches(lexemes)?,
            Query::Or(a, b) => a.matches(lexemes)? || b.matches(lexemes)?,
            Query::Phrase(..) => !self.places(lexemes)?.is_empty(),
        })
    }

    /// The positions of a lexeme; None: it is not there.
    fn found(&self, lexemes: &[Lexeme]) -> Option<Vec<u16>> {
        let Query::Value { text, weights, prefix } = self else { return None };
        let mut any = false;
        let mut places = Vec::new();
        for l in lexemes.iter().filter(|l| if *prefix { l.text.starts_with(text.as_str()) } else { l.text == *text }) {
            let fits = |p: &&u16| *weights == 0 || weights >> weight(**p) & 1 == 1;
            let found: Vec<u16> = l.positions.iter().filter(fits).map(|p| position(*p)).collect();
            // A lexeme without positions fits any weight only where none is asked for.
            any |= !found.is_empty() || *weights == 0;
            places.extend(found);
        }
        places.sort_unstable();
        any.then_some(places)
    }

    fn has_phrase(&self) -> bool {
        match self {
            Query::Value { .. } => false,
            Query::Not(a) => a.has_phrase(),
            Query::And(a, b) | Query::Or(a, b) => a.has_phrase() || b.has_phrase(),
            Query::Phrase(..) => true,
        }
    }

    /// Where phrases end.
    fn places(&self, lexemes: &[Lexeme]) -> Result<Vec<u16>> {
        Ok(match self {
            Query::Value { .. } => self.found(lexemes).unwrap_or_default(),
            Query::Phrase(_, b, _) if b.has_phrase() => {
                return Err(crate::base::Error::unsupported("a phrase on the right of a phrase is not supported"));
            }
            Query::And(a, b) | Query::Or(a, b) if a.has_phrase() || b.has_phrase() => {
                return Err(crate::base::Error::unsupported(
                    "alternative phrases inside of a phrase are not supported",
                ));
            }
            Query::Phrase(a, b, distance) => {
                let (left, right) = (a.places(lexemes)?, b.places(lexemes)?);
                right.into_iter().filter(|r| r.checked_sub(*distance).is_some_and(|l| left.contains(&l))).collect()
            }
            Query::Or(a, b) => {
                let mut all = a.places(lexemes)?;
                all.extend(b.places(lexemes)?);
                all.sort_unstable();
                all
            }
            Query::And(a, b) => {
                let left = a.places(lexemes)?;
                b.places(lexemes)?.into_iter().filter(|p| left.contains(p)).collect()
            }
            Query::Not(_) => {
                return Err(crate::base::Error::unsupported("NOT inside a phrase of a tsquery is not supported"));
            }
        })
    }
}
