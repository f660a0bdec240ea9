//! `cube`: boxes in up to a hundred dimensions, what the extension of that name brings.
//!
//! Bytes: the number of dimensions u32 LE, its highest bit set for a point; then the coordinates of one corner, f64 LE, and,
//! unless it is a point, those of the opposite one.

use super::code::TypeCode;
use super::float;
use crate::base::Result;
use crate::err;
use std::cmp::Ordering;

pub static CODE: TypeCode = TypeCode {
    input: ("cube", "cube_in"),
    name: "cube",
    read: |s| Ok(parse(s)?.stored()),
    show,
    receive,
    send,
    key: Some(encode_key),
};

/// CUBE_MAX_DIM.
pub const MAX_DIMS: usize = 100;
const POINT: u32 = 0x8000_0000;

/// Two opposite corners, which of a point are the same.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Cube {
    pub first: Vec<f64>,
    pub second: Vec<f64>,
    /// It is kept as a point.
    pub point: bool,
}

impl Cube {
    pub fn point(at: Vec<f64>) -> Cube {
        Cube { second: at.clone(), first: at, point: true }
    }

    /// A point if the corners are the same.
    pub fn of(first: Vec<f64>, second: Vec<f64>) -> Cube {
        let point = first == second;
        Cube { first, second, point }
    }

    pub fn read(stored: &[u8]) -> Cube {
        let (head, rest) = stored.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
        let head = u32::from_le_bytes(*head);
        let dims = (head & !POINT) as usize;
        let all: Vec<f64> = rest.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
        let first: Vec<f64> = all.iter().copied().take(dims).collect();
        match head & POINT != 0 {
            true => Cube::point(first),
            false => Cube { second: all.iter().copied().skip(dims).take(dims).collect(), first, point: false },
        }
    }

    pub fn stored(&self) -> Vec<u8> {
        let head = self.dims() as u32 | if self.point { POINT } else { 0 };
        let mut out = head.to_le_bytes().to_vec();
        let second = if self.point { &[][..] } else { &self.second };
        self.first.iter().chain(second).for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
        out
    }

    pub fn dims(&self) -> usize {
        self.first.len()
    }

    pub fn is_point(&self) -> bool {
        self.point || self.first == self.second
    }

    /// The lower bound in a dimension, 0 in those it does not have.
    pub fn low(&self, n: usize) -> f64 {
        match (self.first.get(n), self.second.get(n)) {
            (Some(a), Some(b)) => least(*a, *b),
            _ => 0.0,
        }
    }

    pub fn high(&self, n: usize) -> f64 {
        match (self.first.get(n), self.second.get(n)) {
            (Some(a), Some(b)) => most(*a, *b),
            _ => 0.0,
        }
    }

    /// How far apart two are, by a norm of the distances in each dimension.
    fn apart(&self, other: &Cube) -> impl Iterator<Item = f64> {
        let dims = self.dims().max(other.dims());
        (0..dims).map(|n| gap((self.low(n), self.high(n)), (other.low(n), other.high(n))))
    }

    pub fn distance(&self, other: &Cube) -> f64 {
        self.apart(other).map(|d| d * d).sum::<f64>().sqrt()
    }

    pub fn taxicab(&self, other: &Cube) -> f64 {
        self.apart(other).map(f64::abs).sum()
    }

    pub fn chebyshev(&self, other: &Cube) -> f64 {
        self.apart(other).map(f64::abs).fold(0.0, |m, d| if d > m { d } else { m })
    }

    pub fn contains(&self, other: &Cube) -> bool {
        let beyond = self.dims().min(other.dims())..other.dims();
        if beyond.into_iter().any(|n| other.first[n] != 0.0 || other.second.get(n).is_some_and(|x| *x != 0.0)) {
            return false;
        }
        (0..self.dims().min(other.dims())).all(|n| !(self.low(n) > other.low(n) || self.high(n) < other.high(n)))
    }

    pub fn overlaps(&self, other: &Cube) -> bool {
        let dims = self.dims().max(other.dims());
        (0..dims).all(|n| !(self.low(n) > other.high(n) || self.high(n) < other.low(n)))
    }

    /// Made from the bounds in each dimension of both.
    fn with(&self, other: &Cube, low: fn(f64, f64) -> f64, high: fn(f64, f64) -> f64) -> Cube {
        let dims = 0..self.dims().max(other.dims());
        let first = dims.clone().map(|n| low(self.low(n), other.low(n))).collect();
        Cube::of(first, dims.map(|n| high(self.high(n), other.high(n))).collect())
    }

    pub fn union(&self, other: &Cube) -> Cube {
        self.with(other, least, most)
    }

    /// Of those that do not overlap the corners change places.
    pub fn intersection(&self, other: &Cube) -> Cube {
        self.with(other, most, least)
    }

    pub fn size(&self) -> f64 {
        match self.dims() {
            0 => 0.0,
            _ => self.first.iter().zip(&self.second).map(|(a, b)| (a - b).abs()).product(),
        }
    }

    /// PostgreSQL 15, cube.c, cube_cmp_v0: the dimensions both have, then those one has more, beside 0.
    pub fn compare(&self, other: &Cube) -> Ordering {
        let (common, all) = (self.dims().min(other.dims()), self.dims().max(other.dims()));
        let by = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        for dims in [0..common, common..all] {
            for n in dims.clone() {
                let order = by(self.low(n), other.low(n));
                if order.is_ne() {
                    return order;
                }
            }
            for n in dims {
                let order = by(self.high(n), other.high(n));
                if order.is_ne() {
                    return order;
                }
            }
        }
        self.dims().cmp(&other.dims())
    }
}

fn least(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

fn most(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// What lies between two intervals.
fn gap(a: (f64, f64), b: (f64, f64)) -> f64 {
    if a.1 <= b.0 {
        b.0 - a.1
    } else if a.0 > b.1 {
        a.0 - b.1
    } else {
        0.0
    }
}

// ---- text ----

#[derive(Clone, Copy, PartialEq)]
enum Token<'a> {
    Number(&'a str),
    Sign(char),
    End,
}

struct Reader<'a> {
    rest: &'a str,
}

/// How many bytes of a text are a number (PostgreSQL 15, cubescan.l).
fn number_len(text: &str) -> usize {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = text.len() - unsigned.len();
    let lower = unsigned.get(..8.min(unsigned.floor_char_boundary(8))).unwrap_or(unsigned).to_ascii_lowercase();
    for (word, signed) in [("infinity", true), ("inf", true), ("nan", false)] {
        if lower.starts_with(word) && (signed || sign == 0) {
            return sign + word.len();
        }
    }
    let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(unsigned);
    let mut len = whole;
    if unsigned[len..].starts_with('.') {
        let fraction = digits(&unsigned[len + 1..]);
        if whole + fraction == 0 {
            return 0;
        }
        len += 1 + fraction;
    }
    if len == 0 {
        return 0;
    }
    let rest = &unsigned[len..];
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let plain = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits(plain) > 0 {
            len += 1 + exponent.len() - plain.len() + digits(plain);
        }
    }
    sign + len
}

fn fault(detail: String) -> crate::base::Error {
    err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for cube").detail(detail)
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Token<'a> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c', '\x0b']);
        match number_len(self.rest) {
            0 => self.rest.chars().next().map_or(Token::End, Token::Sign),
            len => Token::Number(&self.rest[..len]),
        }
    }

    fn advance(&mut self) {
        let len = match self.peek() {
            Token::Number(t) => t.len(),
            Token::Sign(c) => c.len_utf8(),
            Token::End => 0,
        };
        self.rest = &self.rest[len..];
    }

    fn unexpected<T>(&mut self) -> Result<T> {
        Err(fault(match self.peek() {
            Token::End => "syntax error at end of input".into(),
            Token::Number(t) => format!("syntax error at or near \"{t}\""),
            Token::Sign(c) => format!("syntax error at or near \"{c}\""),
        }))
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Token::Sign(c);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, c: char) -> Result<()> {
        if self.take(c) { Ok(()) } else { self.unexpected() }
    }

    fn numbers(&mut self) -> Result<Vec<&'a str>> {
        let mut found = Vec::new();
        loop {
            let Token::Number(text) = self.peek() else { return self.unexpected() };
            self.advance();
            found.push(text);
            if !self.take(',') {
                return Ok(found);
            }
        }
    }

    fn in_parentheses(&mut self) -> Result<Vec<&'a str>> {
        self.expect('(')?;
        if self.take(')') {
            return Ok(Vec::new());
        }
        let found = self.numbers()?;
        self.expect(')')?;
        Ok(found)
    }
}

fn values(texts: &[&str]) -> Result<Vec<f64>> {
    if texts.len() > MAX_DIMS {
        return Err(fault(format!("A cube cannot have more than {MAX_DIMS} dimensions.")));
    }
    texts.iter().map(|t| float::parse_f64(t)).collect()
}

/// PostgreSQL 15, cubeparse.y.
fn parse(text: &str) -> Result<Cube> {
    let mut r = Reader { rest: text };
    let brackets = r.take('[');
    let (first, second) = match r.peek() {
        Token::Number(_) if !brackets => (r.numbers()?, None),
        _ => {
            let first = r.in_parentheses()?;
            match brackets || r.peek() == Token::Sign(',') {
                true => {
                    r.expect(',')?;
                    (first, Some(r.in_parentheses()?))
                }
                false => (first, None),
            }
        }
    };
    if brackets {
        r.expect(']')?;
    }
    if r.peek() != Token::End {
        return r.unexpected();
    }
    let Some(second) = second else { return Ok(Cube::point(values(&first)?)) };
    if first.len() != second.len() {
        let (a, b) = (first.join(","), second.join(","));
        return Err(fault(format!("Different point dimensions in ({a}) and ({b}).")));
    }
    Ok(Cube::of(values(&first)?, values(&second)?))
}

fn show(stored: &[u8], out: &mut Vec<u8>) {
    let cube = Cube::read(stored);
    corner(&cube.first, out);
    if !cube.is_point() {
        out.push(b',');
        corner(&cube.second, out);
    }
}

fn corner(of: &[f64], out: &mut Vec<u8>) {
    out.push(b'(');
    for (n, x) in of.iter().enumerate() {
        if n > 0 {
            out.extend_from_slice(b", ");
        }
        float::write_f64(*x, 1, out);
    }
    out.push(b')');
}

fn send(stored: &[u8], out: &mut Vec<u8>) {
    let cube = Cube::read(stored);
    let head = cube.dims() as u32 | if cube.point { POINT } else { 0 };
    out.extend_from_slice(&head.to_be_bytes());
    let second = if cube.point { &[][..] } else { &cube.second };
    cube.first.iter().chain(second).for_each(|x| out.extend_from_slice(&x.to_be_bytes()));
}

fn receive(bytes: &[u8]) -> Result<Vec<u8>> {
    let short = || err!(PROTOCOL_VIOLATION, "insufficient data left in message");
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let head = u32::from_be_bytes(*head);
    let dims = (head & !POINT) as usize;
    if dims > MAX_DIMS {
        return Err(err!(PROGRAM_LIMIT_EXCEEDED, "cube dimension is too large")
            .detail(format!("A cube cannot have more than {MAX_DIMS} dimensions.")));
    }
    let count = if head & POINT != 0 { dims } else { 2 * dims };
    let (all, more) = rest.as_chunks::<8>();
    if all.len() < count {
        return Err(short());
    }
    if all.len() > count || !more.is_empty() {
        return Err(err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format in bind parameter"));
    }
    let mut out = head.to_le_bytes().to_vec();
    all.iter().for_each(|b| out.extend_from_slice(&f64::from_be_bytes(*b).to_le_bytes()));
    Ok(out)
}

// ---- order ----

/// Numbers of which those that are missing are 0: each with a mark of its sign, zeros as how many there are before the next
/// other number.
fn encode_list(list: &[f64], out: &mut Vec<u8>) {
    let mut zeros = 0u8;
    for x in list {
        if *x == 0.0 {
            zeros += 1;
            continue;
        }
        let below = *x < 0.0;
        match (zeros, below) {
            (0, true) => out.push(0x10),
            (0, false) => out.push(0xf0),
            (_, true) => out.extend_from_slice(&[0x7f, zeros]),
            (_, false) => out.extend_from_slice(&[0x81, 0xff - zeros]),
        }
        zeros = 0;
        let bits = x.to_bits();
        let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
        out.extend_from_slice(&ordered.to_be_bytes());
    }
    out.push(0x80);
}

/// Orders as [`Cube::compare`] does those of equally many dimensions. Between others that is no order: of three each can come
/// before the next; here all lower bounds come first.
fn encode_key(stored: &[u8], out: &mut Vec<u8>) {
    let cube = Cube::read(stored);
    let dims = 0..cube.dims();
    encode_list(&dims.clone().map(|n| cube.low(n)).collect::<Vec<_>>(), out);
    encode_list(&dims.map(|n| cube.high(n)).collect::<Vec<_>>(), out);
    out.push(cube.dims() as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cube(text: &str) -> Cube {
        parse(text).unwrap()
    }

    fn shown(text: &str) -> String {
        let mut out = Vec::new();
        show(&cube(text).stored(), &mut out);
        String::from_utf8(out).unwrap()
    }

    /// As PostgreSQL 15 reads and shows.
    #[test]
    fn texts() {
        for (text, expected) in [
            ("1", "(1)"),
            ("1,2", "(1, 2)"),
            ("(1,2),(3,4)", "(1, 2),(3, 4)"),
            ("[(1,2),(1,2)]", "(1, 2)"),
            ("1.5e3, -.5", "(1500, -0.5)"),
            ("()", "()"),
            ("inf,-Infinity , NaN", "(Infinity, -Infinity, NaN)"),
            ("-0", "(-0)"),
        ] {
            assert_eq!(shown(text), expected);
        }
        let detail = |text| parse(text).unwrap_err().0.detail.clone().unwrap_or_default();
        for (text, expected) in [
            ("", "syntax error at end of input"),
            ("a", "syntax error at or near \"a\""),
            ("((1))", "syntax error at or near \"(\""),
            ("(1,2),(3)", "Different point dimensions in (1,2) and (3)."),
            ("[1,2,3", "syntax error at or near \"1\""),
            ("[()]", "syntax error at or near \"]\""),
            ("1 2", "syntax error at or near \"2\""),
            ("0,1,2),(", "syntax error at or near \")\""),
        ] {
            assert_eq!(detail(text), expected, "{text}");
        }
    }

    /// Keys order as the comparison does, of equally many dimensions.
    #[test]
    fn keys() {
        let numbers = [-2.0, 0.0, 3.5];
        let mut all = Vec::new();
        for a in numbers {
            for b in numbers {
                for c in numbers {
                    all.push(Cube::of(vec![a, b], vec![c, a]));
                }
            }
        }
        let key = |c: &Cube| {
            let mut out = Vec::new();
            encode_key(&c.stored(), &mut out);
            out
        };
        for a in &all {
            for b in &all {
                assert_eq!(key(a).cmp(&key(b)), a.compare(b), "{a:?} {b:?}");
            }
        }
        assert_eq!(key(&cube("1,0")).cmp(&key(&cube("1"))), Ordering::Greater);
        assert_eq!(key(&cube("1,-1")).cmp(&key(&cube("1"))), Ordering::Less);
    }

    #[test]
    fn geometry() {
        let (a, b) = (cube("(0,0),(2,2)"), cube("(5,6),(7,8)"));
        assert_eq!((a.distance(&b), a.taxicab(&b), a.chebyshev(&b)), (5.0, 7.0, 4.0));
        assert!(a.overlaps(&cube("1,1")) && !a.overlaps(&b) && a.contains(&cube("(1,1),(2,2)")) && !a.contains(&b));
        assert_eq!((a.union(&b), a.size()), (cube("(0,0),(7,8)"), 4.0));
        assert!(
            cube("(0,0),(1,1)").contains(&cube("1"))
                && cube("0").contains(&cube("0,0"))
                && !cube("0").contains(&cube("0,1"))
        );
    }
}
