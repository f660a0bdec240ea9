//! The parser `pg_catalog.default`: cuts a document into tokens of 23 kinds.
//!
//! A state machine with a stack of places to come back to (PostgreSQL 15, wparser_def.c, TParserGet: same machine).

mod rule;
mod table;
mod token;

pub use token::Token;

use super::Letters;
use rule::{Action, Rule, Special, Test};
use table::State;

/// A place in the text, with the token read so far.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    len: usize,
    state: State,
    /// The rule that led away from here.
    left_by: Option<usize>,
}

/// Cuts one text.
pub struct Parser<'a> {
    letters: Letters,
    text: &'a str,
    place: Place,
    stack: Vec<Place>,
    /// Where the token begins.
    start: usize,
    ignore: bool,
    want_host: bool,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str, letters: Letters) -> Parser<'a> {
        Parser::starting(text, 0, State::Base, letters)
    }

    fn starting(text: &'a str, at: usize, state: State, letters: Letters) -> Parser<'a> {
        let place = Place { at, len: 0, state, left_by: None };
        Parser { letters, text, place, stack: Vec::new(), start: at, ignore: false, want_host: false }
    }

    fn here(&self) -> Option<char> {
        self.text[self.place.at..].chars().next()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.place.at).copied()
    }

    fn holds(&mut self, test: Test) -> bool {
        let byte = self.byte();
        let is = |f: fn(Letters, char) -> bool| self.here().is_some_and(|c| f(self.letters, c));
        match test {
            Test::Any => true,
            Test::End => byte.is_none(),
            Test::Is(b) => byte == Some(b),
            Test::AsciiLetter => byte.is_some_and(|b| b.is_ascii_alphabetic()),
            Test::Letter => is(Letters::is_letter),
            Test::Digit => byte.is_some_and(|b| b.is_ascii_digit()),
            Test::HexDigit => byte.is_some_and(|b| b.is_ascii_hexdigit()),
            Test::LetterOrDigit => is(|l, c| l.is_letter(c) || c.is_ascii_digit()),
            Test::NoLetterOrDigit => !is(|l, c| l.is_letter(c) || c.is_ascii_digit()),
            Test::Mark => is(Letters::is_mark),
            Test::White => is(Letters::is_space),
            Test::UrlChar => byte.is_some_and(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)),
            Test::Ignored => self.ignore,
            Test::HostWanted => std::mem::take(&mut self.want_host),
            Test::HostAhead => self.takes_host(),
            Test::PathAhead => self.takes_path(),
        }
    }

    fn take(&mut self, len: usize) {
        self.place.at += len;
        self.place.len += len;
    }

    fn takes_host(&mut self) -> bool {
        let mut ahead = Parser::starting(self.text, self.place.at, State::Base, self.letters);
        ahead.want_host = true;
        match ahead.next() {
            Some((Token::Host, host)) => {
                self.take(host.len());
                true
            }
            _ => false,
        }
    }

    fn takes_path(&mut self) -> bool {
        let mut ahead = Parser::starting(self.text, self.place.at, State::Base, self.letters);
        ahead.stack.push(ahead.place);
        ahead.place.state = State::UrlPathFirst;
        match ahead.next() {
            Some((Token::UrlPath, path)) => {
                self.take(path.len());
                true
            }
            _ => false,
        }
    }

    fn special(&mut self, special: Special) {
        let Place { at, len, .. } = self.place;
        match special {
            Special::Tags => match self.text[self.start..].get(..len).map(str::to_ascii_lowercase).as_deref() {
                Some("<script" | "<style") => self.ignore = true,
                Some("</script" | "</style") => self.ignore = false,
                _ => {}
            },
            Special::HostFirst => {
                self.want_host = true;
                self.place.at = at - len;
            }
            Special::PartsFirst => self.place.at = at - len,
            Special::Again => {
                self.place.at = at - len;
                self.place.len = 0;
            }
        }
    }

    fn follow(&mut self, rule: &Rule, index: usize) {
        match rule.action {
            Action::Go | Action::Again => {}
            Action::Push => {
                self.place.left_by = Some(index);
                self.stack.push(self.place);
                self.place.left_by = None;
            }
            Action::Pop => {
                if let Some(place) = self.stack.pop() {
                    self.place = place;
                }
            }
            Action::Forget => {
                self.stack.pop();
            }
            Action::ForgetAll => self.stack.clear(),
            Action::Merge => {
                if let Some(place) = self.stack.pop() {
                    self.place = Place { at: self.place.at, len: self.place.len, ..place };
                }
            }
        }
        if let Some(to) = rule.to {
            self.place.state = to;
        }
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = (Token, &'a str);

    fn next(&mut self) -> Option<(Token, &'a str)> {
        if self.place.at >= self.text.len() {
            return None;
        }
        self.start = self.place.at;
        self.place.left_by = None;
        loop {
            let rules = self.place.state.rules();
            let first = self.place.left_by.take().map_or(0, |n| n + 1);
            let index = (first..rules.len()).find(|n| self.holds(rules[*n].test))?;
            let rule = &rules[index];
            // What follows depends on the character seen, even where a rule takes a host.
            let step = self.here().map_or(0, char::len_utf8);
            if let Some(special) = rule.special {
                self.special(special);
            }
            let len = self.place.len;
            if rule.token.is_some() {
                self.place.len = 0;
            }
            self.follow(rule, index);
            if let Some(token) = rule.token {
                return Some((token, &self.text[self.start..self.start + len]));
            }
            if self.place.at >= self.text.len() && rule.action != Action::Again {
                return None;
            }
            if !matches!(rule.action, Action::Again | Action::Pop) {
                self.take(step);
            }
        }
    }
}

#[cfg(test)]
mod tests;
