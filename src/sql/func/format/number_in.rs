//! `to_number`: PostgreSQL 15, formatting.c, NUM_processor and NUM_numpart_from. What a place of the template reads
//! depends on what has been read before, not on what it stands for; so the steps are the same here, one by one.

use super::number::{Key, LocaleSign, Node, Shape, parse};
use crate::bail;
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl, push_numeric};
use crate::types::numeric::Numeric;
use crate::types::{Column, Datum};

/// A text being read by a template.
struct Reader<'a> {
    rest: &'a str,
    shape: &'a Shape,
    /// Blank until a sign was read.
    sign: char,
    digits: String,
    /// Digits read before and after the point.
    pre: usize,
    post: usize,
    point: bool,
}

impl Reader<'_> {
    fn next(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip(&mut self) {
        self.rest = self.rest.get(self.next().map_or(0, char::len_utf8)..).unwrap_or("");
    }

    /// Skips up to so many characters that are no part of a number.
    fn skip_text(&mut self, most: usize) {
        for _ in 0..most {
            match self.next() {
                Some(c) if !"0123456789.,+-".contains(c) => self.skip(),
                _ => return,
            }
        }
    }

    fn take_sign(&mut self, bracket: bool) {
        match self.next() {
            Some('-') => self.sign = '-',
            Some('<') if bracket => self.sign = '-',
            Some('+') => self.sign = '+',
            _ => return,
        }
        self.skip();
    }

    /// A place for a digit or the point; the caller skips one more character afterwards.
    fn place(&mut self, key: Key) {
        if self.next() == Some(' ') {
            self.skip();
        }
        if self.sign == ' ' && key != Key::Point && self.pre + self.post == 0 {
            self.take_sign(self.shape.bracket && self.shape.locale_sign != LocaleSign::Before);
        }
        let Some(c) = self.next() else { return };
        let mut read = false;
        if c.is_ascii_digit() {
            if self.point && self.post == self.shape.post {
                return;
            }
            self.digits.push(c);
            *(if self.point { &mut self.post } else { &mut self.pre }) += 1;
            read = true;
        } else if self.shape.decimal && !self.point && c == '.' {
            self.digits.push('.');
            self.point = true;
            read = true;
        }
        if self.sign == ' ' && self.pre + self.post > 0 {
            self.sign_behind(c, read);
        }
    }

    /// A sign behind what may be the last digit.
    fn sign_behind(&mut self, c: char, read: bool) {
        let mut after = self.rest.chars();
        after.next();
        let next = after.next();
        if self.shape.has_locale_sign && read && next.is_some_and(|n| !n.is_ascii_digit()) {
            if let Some(sign @ ('-' | '+')) = next {
                self.sign = sign;
                self.skip();
            }
        } else if !read
            && !self.shape.has_locale_sign
            && (self.shape.plus || self.shape.minus)
            && matches!(c, '-' | '+')
        {
            self.sign = c;
        }
    }

    /// Goes on by one pattern of the template.
    fn pattern(&mut self, key: Key) {
        let none_yet = self.pre + self.post == 0;
        match key {
            Key::Nine | Key::Zero | Key::Point => self.place(key),
            Key::Comma | Key::Group => {
                if none_yet && self.shape.fill || self.next() != Some(',') {
                    return;
                }
            }
            Key::Currency => return self.skip_text(1),
            Key::Ordinal { .. } => return self.skip_text(2),
            Key::Minus | Key::Plus | Key::Sign => match self.next() {
                Some(c @ ('-' | '+')) if c == '-' && key != Key::Plus || c == '+' && key != Key::Minus => self.sign = c,
                _ => return self.skip_text(1),
            },
            _ => return,
        }
        self.skip();
    }
}

fn to_number(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let template = args[1].str();
    if template.is_empty() {
        out.push_null();
        return Ok(());
    }
    let (nodes, shape) = parse(template)?;
    if shape.exponent {
        bail!(FEATURE_NOT_SUPPORTED, "\"EEEE\" not supported for input");
    }
    if shape.roman {
        bail!(FEATURE_NOT_SUPPORTED, "\"RN\" not supported for input");
    }
    let digits = String::new();
    let mut reader = Reader { rest: args[0].str(), shape: &shape, sign: ' ', digits, pre: 0, post: 0, point: false };
    for node in &nodes {
        if reader.rest.is_empty() {
            break;
        }
        match node {
            Node::Key(key) => reader.pattern(*key),
            Node::Char(_) => reader.skip(),
        }
    }
    let text = format!("{}{}", reader.sign, reader.digits.trim_end_matches('.'));
    let typmod = (((shape.pre + shape.multi + reader.post) << 16) | reader.post) as i32 + 4;
    let ty = crate::types::TypeRef::with(crate::types::oid::NUMERIC, typmod);
    let crate::types::Value::Bytes(bytes) = crate::types::text_in(ty, &text, &cx.io)? else {
        return Err(crate::base::Error::internal("a number of another form"));
    };
    let mut n = Numeric::from_bytes(&bytes);
    if shape.multiply {
        n = n.mul(&Numeric::from(10).power(&Numeric::from(-(shape.multi as i64)))?);
    }
    push_numeric(out, &n)
}

pub(super) static TABLE: &[(&str, FuncImpl)] = &[("numeric_to_number", FuncImpl::Scalar(to_number))];
