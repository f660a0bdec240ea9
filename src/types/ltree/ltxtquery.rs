//! `ltxtquery`: which labels a path has, wherever.
//!
//! Bytes: the search as it is shown.

use super::{Word, is_label_char, versioned};
use crate::base::Result;
use crate::err;
use crate::types::code::TypeCode;

pub static CODE: TypeCode = TypeCode {
    input: ("ltree", "ltxtq_in"),
    name: "ltxtquery",
    read: |s| Ok(parse(s)?.show(true).into_bytes()),
    show: |b, out| out.extend_from_slice(b),
    receive: |b| Ok(parse(versioned(b, "ltxtquery")?)?.show(true).into_bytes()),
    send: super::send,
    key: None,
};

/// More operands than any search needs that somebody has written; nested deeper it would not be read.
const DEPTH: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    Word(Word),
    Not(Box<Search>),
    And(Box<Search>, Box<Search>),
    Or(Box<Search>, Box<Search>),
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
    }

    fn take(&mut self, c: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Result<Search> {
        let mut left = self.all()?;
        while self.take('|') {
            left = Search::Or(Box::new(left), Box::new(self.all()?));
        }
        Ok(left)
    }

    fn all(&mut self) -> Result<Search> {
        let mut left = self.one()?;
        while self.take('&') {
            left = Search::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Search> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(err!(INTERNAL_ERROR, "stack too short"));
        }
        let found = if self.take('!') {
            Search::Not(Box::new(self.one()?))
        } else if self.take('(') {
            let inner = self.any()?;
            if !self.take(')') {
                return Err(err!(SYNTAX_ERROR, "syntax error"));
            }
            inner
        } else {
            Search::Word(self.word()?)
        };
        self.depth -= 1;
        Ok(found)
    }

    fn word(&mut self) -> Result<Word> {
        self.skip();
        let end = self.rest.find(|c| !is_label_char(c)).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(err!(SYNTAX_ERROR, "operand syntax error"));
        }
        let (text, rest) = self.rest.split_at(end);
        let end = rest.find(|c| !matches!(c, '%' | '@' | '*')).unwrap_or(rest.len());
        let (flags, rest) = rest.split_at(end);
        if !flags.is_empty() && rest.starts_with(is_label_char) {
            return Err(err!(SYNTAX_ERROR, "modifiers syntax error"));
        }
        self.rest = rest;
        let has = |c| flags.contains(c);
        Ok(Word { text: text.to_owned(), any_case: has('@'), prefix: has('*'), parts: has('%') })
    }
}

/// PostgreSQL 15, ltxtquery_io.c, queryin.
pub fn parse(text: &str) -> Result<Search> {
    let mut r = Reader { rest: text, depth: 0 };
    let found = r.any()?;
    r.skip();
    if r.rest.is_empty() { Ok(found) } else { Err(err!(SYNTAX_ERROR, "syntax error")) }
}

impl Search {
    /// Of a stored one.
    pub fn of(stored: &[u8]) -> Option<Search> {
        std::str::from_utf8(stored).ok().and_then(|t| parse(t).ok())
    }

    /// PostgreSQL 15, ltxtquery_io.c, infix. `first`: nothing is around it.
    pub fn show(&self, first: bool) -> String {
        match self {
            Search::Word(w) => {
                let flag = |on, c| if on { c } else { "" };
                format!("{}{}{}{}", w.text, flag(w.parts, "%"), flag(w.any_case, "@"), flag(w.prefix, "*"))
            }
            Search::Not(inner) => match **inner {
                Search::Word(_) => format!("!{}", inner.show(false)),
                _ => format!("!( {} )", inner.show(true)),
            },
            Search::And(a, b) => format!("{} & {}", a.show(false), b.show(false)),
            Search::Or(a, b) if first => format!("{} | {}", a.show(false), b.show(false)),
            Search::Or(a, b) => format!("( {} | {} )", a.show(false), b.show(false)),
        }
    }

    pub fn matches(&self, labels: &[&str]) -> bool {
        self.holds(&|w| labels.iter().any(|l| w.matches(l)))
    }

    pub fn holds(&self, has: &dyn Fn(&Word) -> bool) -> bool {
        match self {
            Search::Word(w) => has(w),
            Search::Not(inner) => !inner.holds(has),
            Search::And(a, b) => a.holds(has) && b.holds(has),
            Search::Or(a, b) => a.holds(has) || b.holds(has),
        }
    }

    /// Whether a path may fulfil it of which is known what labels it may have.
    pub fn may_hold(&self, may_have: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Search::Word(w) => w.exact().is_none_or(may_have),
            Search::Not(_) => true,
            Search::And(a, b) => a.may_hold(may_have) && b.may_hold(may_have),
            Search::Or(a, b) => a.may_hold(may_have) || b.may_hold(may_have),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 shows and answers.
    #[test]
    fn searches() {
        let shown = |text| parse(text).unwrap().show(true);
        assert_eq!(shown("!tree & aWdf@*"), "!tree & aWdf@*");
        assert_eq!(shown("(a|b)&c|!(d&e)"), "( a | b ) & c | !( d & e )");
        let fits = |search, path: &str| parse(search).unwrap().matches(&super::super::labels(path.as_bytes()));
        assert!(
            fits("awdf*", "tree.awdfg") && fits("!tree & aWdf@*", "awdfg") && !fits("!tree & aWdf@*", "tree.awdfg")
        );
        assert!(fits("tree & aw_qw%*", "tree.awdfg_qwerty") && !fits("tree & aw_rw%*", "tree.awdfg_qwerty"));
        let fault = |text| parse(text).unwrap_err().0.message.clone();
        assert_eq!(["", "a@b", "a b"].map(fault), ["operand syntax error", "modifiers syntax error", "syntax error"]);
    }
}
