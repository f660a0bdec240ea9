//! `to_char` of numbers, and the templates that `number_in.rs` reads by.

use super::template::ordinal_ending;
use crate::bail;
use crate::base::{Error, Result};
use crate::sql::func::{FnContext, FuncImpl, push_text};
use crate::types::numeric::Numeric;
use crate::types::{Column, Datum};

/// A pattern of a number's template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    Nine,
    Zero,
    Comma,
    Group,
    Point,
    Blank,
    Currency,
    Minus,
    Plus,
    Sign,
    LocaleSign,
    Bracket,
    Roman { lower: bool },
    Ordinal { lower: bool },
    Multiply,
    Exponent,
    Fill,
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Key(Key),
    Char(char),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum LocaleSign {
    #[default]
    None,
    Before,
    After,
}

/// What the template as a whole asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub(super) pre: usize,
    pub(super) post: usize,
    pub(super) multi: usize,
    zero_start: usize,
    zero_end: usize,
    pub(super) decimal: bool,
    zero: bool,
    pub(super) fill: bool,
    blank: bool,
    pub(super) locale_sign: LocaleSign,
    pub(super) has_locale_sign: bool,
    pre_locale_sign: usize,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) bracket: bool,
    pub(super) roman: bool,
    pub(super) multiply: bool,
    pub(super) exponent: bool,
}

const KEYS: &[(&str, Key)] = &[
    ("EEEE", Key::Exponent),
    ("FM", Key::Fill),
    ("MI", Key::Minus),
    ("PL", Key::Plus),
    ("PR", Key::Bracket),
    ("RN", Key::Roman { lower: false }),
    ("SG", Key::Sign),
    ("SP", Key::Nothing),
    ("TH", Key::Ordinal { lower: false }),
    (",", Key::Comma),
    (".", Key::Point),
    ("0", Key::Zero),
    ("9", Key::Nine),
    ("B", Key::Blank),
    ("C", Key::Nothing),
    ("D", Key::Point),
    ("G", Key::Group),
    ("L", Key::Currency),
    ("S", Key::LocaleSign),
    ("V", Key::Multiply),
];

#[cold]
fn bad(message: &str) -> Error {
    Error::new(crate::base::SqlState::SYNTAX_ERROR, message)
}

pub(super) fn parse(text: &str) -> Result<(Vec<Node>, Shape)> {
    let mut nodes = Vec::new();
    let mut shape = Shape::default();
    let mut rest = text;
    'next: while let Some(c) = rest.chars().next() {
        for (name, key) in KEYS {
            let Some(head) = rest.get(..name.len()) else { continue };
            let lower = head == name.to_ascii_lowercase();
            if head != *name && !lower {
                continue;
            }
            let key = match key {
                Key::Roman { .. } => Key::Roman { lower },
                Key::Ordinal { .. } => Key::Ordinal { lower: head == "th" },
                k => *k,
            };
            shape.prepare(key)?;
            nodes.push(Node::Key(key));
            rest = &rest[name.len()..];
            continue 'next;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => {
                while let Some(q) = rest.chars().next() {
                    rest = &rest[q.len_utf8()..];
                    match q {
                        '"' => break,
                        '\\' => {
                            if let Some(e) = rest.chars().next() {
                                rest = &rest[e.len_utf8()..];
                                nodes.push(Node::Char(e));
                            }
                        }
                        q => nodes.push(Node::Char(q)),
                    }
                }
            }
            '\\' if rest.starts_with('"') => {
                rest = &rest[1..];
                nodes.push(Node::Char('"'));
            }
            c => nodes.push(Node::Char(c)),
        }
    }
    Ok((nodes, shape))
}

impl Shape {
    fn prepare(&mut self, key: Key) -> Result<()> {
        if self.exponent && !matches!(key, Key::Exponent | Key::Nothing | Key::Ordinal { .. }) {
            return Err(bad("\"EEEE\" must be the last pattern used"));
        }
        match key {
            Key::Nine | Key::Zero if self.bracket => {
                return Err(bad(if key == Key::Nine {
                    "\"9\" must be ahead of \"PR\""
                } else {
                    "\"0\" must be ahead of \"PR\""
                }));
            }
            Key::Nine if self.multiply => self.multi += 1,
            Key::Nine if self.decimal => self.post += 1,
            Key::Nine => self.pre += 1,
            Key::Zero => {
                if !self.zero && !self.decimal {
                    self.zero = true;
                    self.zero_start = self.pre + 1;
                }
                if self.decimal {
                    self.post += 1;
                } else {
                    self.pre += 1;
                }
                self.zero_end = self.pre + self.post;
            }
            Key::Blank if self.pre == 0 && self.post == 0 && !self.zero => self.blank = true,
            Key::Point => {
                if self.decimal {
                    return Err(bad("multiple decimal points"));
                }
                if self.multiply {
                    return Err(bad("cannot use \"V\" and decimal point together"));
                }
                self.decimal = true;
            }
            Key::Fill => self.fill = true,
            Key::LocaleSign => {
                if self.has_locale_sign {
                    return Err(bad("cannot use \"S\" twice"));
                }
                if self.plus || self.minus || self.bracket {
                    return Err(bad("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
                }
                self.has_locale_sign = true;
                if self.decimal {
                    self.locale_sign = LocaleSign::After;
                } else {
                    self.locale_sign = LocaleSign::Before;
                    self.pre_locale_sign = self.pre;
                }
            }
            Key::Minus | Key::Plus | Key::Sign if self.has_locale_sign => {
                return Err(bad(match key {
                    Key::Minus => "cannot use \"S\" and \"MI\" together",
                    Key::Plus => "cannot use \"S\" and \"PL\" together",
                    _ => "cannot use \"S\" and \"SG\" together",
                }));
            }
            Key::Minus => self.minus = true,
            Key::Plus => self.plus = true,
            Key::Sign => (self.minus, self.plus) = (true, true),
            Key::Bracket => {
                if self.has_locale_sign || self.plus || self.minus {
                    return Err(bad("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
                }
                self.bracket = true;
            }
            Key::Roman { .. } => self.roman = true,
            Key::Multiply => {
                if self.decimal {
                    return Err(bad("cannot use \"V\" and decimal point together"));
                }
                self.multiply = true;
            }
            Key::Exponent => {
                if self.exponent {
                    return Err(bad("cannot use \"EEEE\" twice"));
                }
                let other = self.fill
                    || self.has_locale_sign
                    || self.bracket
                    || self.minus
                    || self.plus
                    || self.roman
                    || self.multiply;
                if other {
                    return Err(bad("\"EEEE\" is incompatible with other formats")
                        .detail("\"EEEE\" may only be used together with digit and decimal point patterns."));
                }
                self.exponent = true;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The writer's state: which digit comes next, what was written.
struct Writer<'a> {
    shape: Shape,
    number: &'a [u8],
    /// Where in `number` the next digit stands.
    at: usize,
    negative: bool,
    sign_written: bool,
    /// Blanks before the number's digits.
    before: usize,
    count: usize,
    current: usize,
    in_number: bool,
    /// The last digit that is shown in fill mode.
    last: Option<usize>,
    out: String,
}

impl Writer<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.number.get(at).copied()
    }

    fn last_is_point(&self) -> bool {
        self.last.is_some_and(|l| self.byte(l) == Some(b'.'))
    }

    /// A leading zero before the point is shown as a blank.
    fn predecimal_space(&self) -> bool {
        !self.shape.zero && self.at == 0 && self.byte(0) == Some(b'0') && self.shape.post != 0
    }

    fn sign_now(&self) -> bool {
        !self.sign_written
            && (self.current >= self.before || (self.shape.zero && self.shape.zero_start == self.current))
            && (!self.predecimal_space() || self.last_is_point())
    }

    fn sign(&mut self) {
        if self.shape.has_locale_sign {
            if self.shape.locale_sign == LocaleSign::Before {
                self.out.push(if self.negative { '-' } else { '+' });
                self.sign_written = true;
            }
            return;
        }
        if self.shape.bracket {
            self.out.push(if self.negative { '<' } else { ' ' });
        } else if self.negative {
            self.out.push('-');
        } else if !self.shape.fill {
            self.out.push(' ');
        }
        self.sign_written = true;
    }

    /// One `9`, `0` or point of the template.
    fn digit(&mut self, key: Key) {
        if self.shape.roman {
            return;
        }
        self.in_number = false;
        if self.sign_now() {
            self.sign();
        }
        if self.current < self.before && (self.shape.zero_start > self.current || !self.shape.zero) {
            if !self.shape.fill {
                self.out.push(' ');
            }
        } else if self.shape.zero && self.current < self.before && self.shape.zero_start <= self.current {
            self.out.push('0');
            self.in_number = true;
        } else {
            match self.byte(self.at) {
                Some(b'.') if self.last_is_point() && !self.shape.fill => {}
                Some(b'.') => self.out.push('.'),
                Some(_) if self.last.is_some_and(|l| self.at > l) && key != Key::Zero => {}
                Some(_) if self.predecimal_space() => {
                    if !self.shape.fill {
                        self.out.push(' ');
                    } else if self.last_is_point() {
                        self.out.push('0');
                    }
                }
                Some(b) => {
                    self.out.push(b as char);
                    self.in_number = true;
                }
                None => {}
            }
            if self.at < self.number.len() {
                self.at += 1;
            }
        }
        let mut end = self.count + usize::from(self.before > 0) + usize::from(self.shape.decimal);
        if self.last.is_some_and(|l| l == self.at) {
            end = self.current;
        }
        if self.current + 1 == end {
            if self.sign_written && self.shape.bracket {
                self.out.push(if self.negative { '>' } else { ' ' });
            } else if self.shape.has_locale_sign && self.shape.locale_sign == LocaleSign::After {
                self.out.push(if self.negative { '-' } else { '+' });
            }
        }
        self.current += 1;
    }

    fn node(&mut self, node: &Node) -> Result<()> {
        let key = match node {
            Node::Char(c) => {
                self.out.push(*c);
                return Ok(());
            }
            Node::Key(k) => *k,
        };
        match key {
            Key::Nine | Key::Zero | Key::Point => self.digit(key),
            Key::Comma | Key::Group => {
                if self.in_number {
                    self.out.push(',');
                } else if !self.shape.fill {
                    self.out.push(' ');
                }
            }
            Key::Currency => self.out.push(' '),
            Key::Roman { lower } => {
                let text = String::from_utf8_lossy(self.number).into_owned();
                let text = if lower { text.to_lowercase() } else { text };
                self.out += &if self.shape.fill { text } else { format!("{text:>15}") };
            }
            Key::Ordinal { lower } => {
                let none = self.shape.roman || self.byte(0) == Some(b'#') || self.negative || self.shape.decimal;
                if !none && !self.number.last().is_some_and(u8::is_ascii_digit) {
                    bail!(INVALID_TEXT_REPRESENTATION, "\"{}\" is not a number", String::from_utf8_lossy(self.number));
                }
                if !none {
                    let ending = ordinal_ending(std::str::from_utf8(self.number).unwrap_or(""));
                    self.out += &if lower { ending.to_owned() } else { ending.to_uppercase() };
                }
            }
            Key::Minus if self.negative => self.out.push('-'),
            Key::Plus if !self.negative => self.out.push('+'),
            Key::Minus | Key::Plus if !self.shape.fill => self.out.push(' '),
            Key::Sign => self.out.push(if self.negative { '-' } else { '+' }),
            _ => {}
        }
        Ok(())
    }
}

/// Writes the digits of a number (without sign) by template.
fn write(nodes: &[Node], shape: Shape, number: &str, negative: bool, before: usize) -> Result<String> {
    if shape.exponent {
        return Ok(number.to_owned());
    }
    let mut shape = shape;
    shape.zero_start = shape.zero_start.saturating_sub(1);
    let (mut negative, mut before) = (negative, before);
    if shape.roman {
        shape = Shape { fill: shape.fill, roman: true, ..Shape::default() };
        (negative, before) = (false, 0);
    }
    let sign_written;
    if shape.plus || shape.minus {
        sign_written = !shape.plus || shape.minus;
    } else {
        if !negative && shape.fill {
            shape.bracket = false;
        }
        sign_written = !negative && shape.fill && !shape.has_locale_sign;
        if shape.locale_sign == LocaleSign::Before && shape.pre == shape.pre_locale_sign {
            shape.locale_sign = LocaleSign::After;
        }
    }
    let mut count = (shape.post + shape.pre).saturating_sub(1);
    let bytes = number.as_bytes();
    let mut last = None;
    if shape.fill
        && shape.decimal
        && let Some(point) = number.find('.')
    {
        let mut relevant = bytes.iter().rposition(|b| *b != b'0').unwrap_or(point).max(point);
        // Places marked with 0 are always shown.
        if shape.zero_end > before {
            relevant = relevant.max((bytes.len() - 1).min(shape.zero_end - before));
        }
        last = Some(relevant);
    }
    if !sign_written && before == 0 {
        count += 1;
    }
    let mut w = Writer {
        shape,
        number: bytes,
        at: 0,
        negative,
        sign_written,
        before,
        count,
        current: 0,
        in_number: false,
        last,
        out: String::new(),
    };
    for n in nodes {
        w.node(n)?;
    }
    Ok(w.out)
}

fn roman(n: Option<i128>) -> String {
    let Some(n) = n.filter(|n| (1..=3999).contains(n)) else { return "#".repeat(15) };
    let mut n = n as usize;
    let mut out = String::new();
    let table = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    for (value, letters) in table {
        while n >= value {
            out += letters;
            n -= value;
        }
    }
    out
}

/// Scientific notation with `post` digits after the point.
fn scientific(n: &Numeric, post: usize) -> String {
    if !n.is_finite() {
        return String::new();
    }
    let text = n.to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let whole = text.trim_start_matches('-').find('.').unwrap_or(text.trim_start_matches('-').len()) as i64;
    let leading = digits.bytes().take_while(|b| *b == b'0').count();
    let exponent = if leading == digits.len() { 0 } else { whole - 1 - leading as i64 };
    let shifted = if leading == digits.len() {
        Numeric::zero()
    } else {
        // Rounding looks at one digit more than are shown; a number cannot have as many behind its point as before it.
        let plain = &digits[leading..digits.len().min(leading + post + 2)];
        Numeric::parse(&format!("{}.{}", &plain[..1], &plain[1..])).unwrap_or_else(|_| Numeric::zero())
    };
    let mut mantissa = shifted;
    // A mantissa that rounds to 10 stays so: PostgreSQL 15 does not normalise it, either.
    mantissa.round(post as i32);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}{mantissa}e{sign}{:02}", if n.signum() < 0 { "-" } else { "" }, exponent.abs())
}

fn unrepresentable(shape: &Shape) -> String {
    let mut text: Vec<u8> = vec![b'#'; shape.pre + shape.post + 6];
    text[0] = b' ';
    if let Some(b) = text.get_mut(shape.pre + 1) {
        *b = b'.';
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn to_char(n: &Numeric, template: &str) -> Result<String> {
    let (nodes, mut shape) = parse(template)?;
    if shape.roman {
        let text = roman(Some(n.to_int::<i32>("integer")?.into()));
        return write(&nodes, shape, &text, false, 0);
    }
    if shape.exponent {
        if !n.is_finite() {
            return Ok(unrepresentable(&shape));
        }
        let text = scientific(n, shape.post);
        let text = if text.starts_with('-') { text } else { format!(" {text}") };
        return write(&nodes, shape, &text, false, 0);
    }
    let mut value = n.clone();
    if shape.multiply {
        let mut factor = Numeric::from(1);
        for _ in 0..shape.multi {
            factor = factor.mul(&Numeric::from(10));
        }
        value = value.mul(&factor);
        shape.pre += shape.multi;
    }
    if value.is_finite() {
        value.round(shape.post as i32);
    }
    let text = value.to_string();
    finish(&nodes, shape, &text)
}

/// Writes a plain decimal text, with `#` where it does not fit.
fn finish(nodes: &[Node], shape: Shape, text: &str) -> Result<String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(d) => (true, d),
        None => (false, text),
    };
    let whole = digits.find('.').unwrap_or(digits.len());
    if whole > shape.pre {
        let mut marks = "#".repeat(shape.pre);
        marks.push('.');
        marks += &"#".repeat(shape.post);
        return write(nodes, shape, &marks, negative, 0);
    }
    let before = shape.pre - whole;
    write(nodes, shape, digits, negative, before)
}

fn empty_is_null(args: &[Datum<'_>], out: &mut Column) -> bool {
    let empty = args[1].bytes().is_empty();
    if empty {
        out.push(Datum::Bytes(b""));
    }
    empty
}

fn of_numeric(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if empty_is_null(args, out) {
        return Ok(());
    }
    push_text(out, to_char(&Numeric::from_bytes(args[0].bytes()), args[1].str())?)
}

/// Integers are exact, except that PostgreSQL writes their scientific notation in floating point.
fn of_int(n: i64, template: &str) -> Result<String> {
    if parse(template)?.1.exponent {
        return of_float(n as f64, 15, template);
    }
    to_char(&Numeric::from(n), template)
}

fn of_int4(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if empty_is_null(args, out) {
        return Ok(());
    }
    push_text(out, of_int(args[0].i32().into(), args[1].str())?)
}

fn of_int8(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if empty_is_null(args, out) {
        return Ok(());
    }
    push_text(out, of_int(args[0].i64(), args[1].str())?)
}

/// Floating-point numbers are shown with the digits they have: 15, or 6 in single precision.
fn of_float(v: f64, precision: usize, template: &str) -> Result<String> {
    let (nodes, mut shape) = parse(template)?;
    if shape.roman {
        let n = v.round_ties_even();
        return write(&nodes, shape, &roman(n.is_finite().then_some(n as i128)), false, 0);
    }
    if shape.exponent {
        if !v.is_finite() {
            return Ok(unrepresentable(&shape));
        }
        let text = format!("{v:.*e}", shape.post);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        let lead = if v < 0.0 { "" } else { " " };
        return Ok(format!("{lead}{mantissa}e{sign}{:02}", exponent.abs()));
    }
    let mut v = v;
    if shape.multiply {
        v *= 10_f64.powi(shape.multi as i32);
        shape.pre += shape.multi;
    }
    if v.is_nan() {
        return finish(&nodes, shape, "NaN");
    }
    if v.is_infinite() {
        return finish(&nodes, shape, if v > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let whole = format!("{:.0}", v.abs()).len();
    if whole >= precision {
        shape.post = 0;
    } else if whole + shape.post > precision {
        shape.post = precision - whole;
    }
    let text = format!("{v:.*}", shape.post);
    finish(&nodes, shape, &text)
}

fn of_float4(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if empty_is_null(args, out) {
        return Ok(());
    }
    push_text(out, of_float(args[0].f32().into(), 6, args[1].str())?)
}

fn of_float8(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if empty_is_null(args, out) {
        return Ok(());
    }
    push_text(out, of_float(args[0].f64(), 15, args[1].str())?)
}

/// `to_number(text, template)`.
use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("numeric_to_char", Scalar(of_numeric)),
    ("int4_to_char", Scalar(of_int4)),
    ("int8_to_char", Scalar(of_int8)),
    ("float4_to_char", Scalar(of_float4)),
    ("float8_to_char", Scalar(of_float8)),
];
