//! `query_int`: what integers an array has, what the extension `intarray` brings.
//!
//! Bytes: the formula as it is shown.

use super::code::TypeCode;
use crate::base::Result;
use crate::err;

pub static CODE: TypeCode = TypeCode {
    input: ("intarray", "bqarr_in"),
    name: "query_int",
    read: |s| Ok(Formula::parse(s)?.show().into_bytes()),
    show: |b, out| out.extend_from_slice(b),
    receive: |_| Err(err!(UNDEFINED_FUNCTION, "no binary input function available for type query_int")),
    send: |b, out| out.extend_from_slice(b),
    key: None,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Number(i32),
    Not,
    And,
    Or,
}

/// A formula, operators behind what they stand for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Formula(Vec<Step>);

struct Reader<'a> {
    rest: &'a [u8],
    out: Vec<Step>,
    depth: usize,
}

/// Nested deeper it is not read.
const DEPTH: usize = 1000;

fn fault<T>() -> Result<T> {
    Err(err!(SYNTAX_ERROR, "syntax error"))
}

impl Reader<'_> {
    fn skip(&mut self) {
        while let [b' ', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn take(&mut self, c: u8) -> bool {
        self.skip();
        match self.rest {
            [first, rest @ ..] if *first == c => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<()> {
        self.all()?;
        while self.take(b'|') {
            self.all()?;
            self.out.push(Step::Or);
        }
        Ok(())
    }

    fn all(&mut self) -> Result<()> {
        self.one()?;
        while self.take(b'&') {
            self.one()?;
            self.out.push(Step::And);
        }
        Ok(())
    }

    fn one(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(err!(INTERNAL_ERROR, "stack too short"));
        }
        if self.take(b'!') {
            self.one()?;
            self.out.push(Step::Not);
        } else if self.take(b'(') {
            self.any()?;
            if !self.take(b')') {
                return fault();
            }
        } else {
            let number = self.number()?;
            self.out.push(Step::Number(number));
        }
        self.depth -= 1;
        Ok(())
    }

    /// As C's `strtol` reads it: what begins with 0 is octal.
    fn number(&mut self) -> Result<i32> {
        let minus = self.take(b'-');
        let count = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        // Of which the minus is one.
        if count == 0 || count + usize::from(minus) > 15 {
            return fault();
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        let (radix, digits) = match digits.strip_prefix('0') {
            // It ends before a digit that is none.
            Some(rest) => (8, &digits[..1 + rest.bytes().take_while(|b| *b < b'8').count()]),
            None => (10, digits),
        };
        let value = i64::from_str_radix(digits, radix).ok().map(|v| if minus { -v } else { v });
        value.and_then(|v| i32::try_from(v).ok()).map_or_else(fault, Ok)
    }
}

impl Formula {
    /// PostgreSQL 15, _int_bool.c, bqarr_in.
    pub fn parse(text: &str) -> Result<Formula> {
        let mut r = Reader { rest: text.as_bytes(), out: Vec::new(), depth: 0 };
        r.any()?;
        r.skip();
        if r.rest.is_empty() { Ok(Formula(r.out)) } else { fault() }
    }

    /// Of a stored one.
    pub fn of(stored: &[u8]) -> Formula {
        std::str::from_utf8(stored).ok().and_then(|t| Formula::parse(t).ok()).unwrap_or_default()
    }

    /// Puts it together from its parts, from the inside out.
    pub fn fold<T>(
        &self,
        number: impl Fn(i32) -> T,
        not: impl Fn(T) -> T,
        both: impl Fn(T, T) -> T,
        one: impl Fn(T, T) -> T,
    ) -> Option<T> {
        let mut stack = Vec::new();
        for step in &self.0 {
            let made = match step {
                Step::Number(n) => number(*n),
                Step::Not => not(stack.pop()?),
                Step::And | Step::Or => {
                    let (b, a) = (stack.pop()?, stack.pop()?);
                    if *step == Step::And { both(a, b) } else { one(a, b) }
                }
            };
            stack.push(made);
        }
        stack.pop()
    }

    pub fn holds(&self, has: impl Fn(i32) -> bool) -> bool {
        self.fold(has, |a| !a, |a, b| a && b, |a, b| a || b).unwrap_or(false)
    }

    /// Whether it may hold of an array of which is known what it may have.
    pub fn may_hold(&self, may_have: impl Fn(i32) -> bool) -> bool {
        self.fold(may_have, |_| true, |a, b| a && b, |a, b| a || b).unwrap_or(false)
    }

    /// PostgreSQL 15, _int_bool.c, infix.
    fn show(&self) -> String {
        // A text with what its outermost operator is.
        let shown = |(text, op): (String, Option<Step>)| match op {
            Some(Step::Or) => format!("( {text} )"),
            _ => text,
        };
        let pair = |sign: &'static str, op| move |a, b| (format!("{} {sign} {}", shown(a), shown(b)), Some(op));
        let not = |(text, op): (String, Option<Step>)| match op {
            None => (format!("!{text}"), Some(Step::Not)),
            Some(_) => (format!("!( {text} )"), Some(Step::Not)),
        };
        let number = |n: i32| (n.to_string(), None);
        self.fold(number, not, pair("&", Step::And), pair("|", Step::Or)).map_or_else(String::new, |s| s.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 shows and answers.
    #[test]
    fn formulas() {
        let shown = |text| Formula::parse(text).map(|f| f.show()).map_err(|e| e.0.message.clone());
        for (text, expected) in [
            ("1&(2&(4&(5|!6)))", "1 & 2 & 4 & ( 5 | !6 )"),
            ("!1&!(2|3)", "!1 & !( 2 | 3 )"),
            ("1|2|3", "( 1 | 2 ) | 3"),
            ("!!1", "!( !1 )"),
            ("-1 & 010", "-1 & 8"),
            ("08", "0"),
        ] {
            assert_eq!(shown(text).unwrap(), expected);
        }
        for wrong in ["", "1 2", "99999999999", "(1", "1)", "a", "1&"] {
            assert_eq!(shown(wrong).unwrap_err(), "syntax error", "{wrong}");
        }
        let f = Formula::parse("1&!(2|3)").unwrap();
        assert!(f.holds(|n| n == 1) && !f.holds(|n| n < 3) && f.may_hold(|_| true) && !f.may_hold(|_| false));
    }
}
