//! `tsvector`: lexemes in order, each with its positions and weights.
//!
//! Bytes per lexeme: its length u16 LE, its text, the number of positions u16 LE, and each of them u16 LE (two bits of
//! weight, 0 is D and 3 is A, above fourteen of position).

use crate::base::Result;
use crate::{bail, err};

const MAX_POSITION: u16 = (1 << 14) - 1;
const MAX_POSITIONS: usize = 255;
const MAX_LEXEME: usize = 2046;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lexeme {
    pub text: String,
    /// Weight and position, ascending by position, each position once.
    pub positions: Vec<u16>,
}

pub const fn position(entry: u16) -> u16 {
    entry & MAX_POSITION
}

pub const fn weight(entry: u16) -> u16 {
    entry >> 14
}

pub fn entry(weight: u16, position: u16) -> u16 {
    weight << 14 | position.min(MAX_POSITION)
}

/// Takes the stored form apart; damaged bytes read as what came before the damage.
pub fn read(stored: &[u8]) -> Vec<Lexeme> {
    let mut found = Vec::new();
    let mut rest = stored;
    while let Some(lexeme) = read_one(&mut rest) {
        found.push(lexeme);
    }
    found
}

fn read_one(rest: &mut &[u8]) -> Option<Lexeme> {
    let number = |rest: &mut &[u8]| {
        let (head, tail) = rest.split_first_chunk::<2>()?;
        *rest = tail;
        Some(u16::from_le_bytes(*head))
    };
    let len = number(rest)?;
    let (text, tail) = rest.split_at_checked(len.into())?;
    *rest = tail;
    let count = number(rest)?;
    let positions = (0..count).map(|_| number(rest)).collect::<Option<Vec<_>>>()?;
    Some(Lexeme { text: String::from_utf8_lossy(text).into_owned(), positions })
}

/// The stored form of lexemes in any order; equal ones become one.
pub fn make(mut lexemes: Vec<Lexeme>) -> Vec<u8> {
    lexemes.sort_by(|a, b| a.text.as_bytes().cmp(b.text.as_bytes()));
    let mut merged: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
    for l in lexemes {
        match merged.last_mut() {
            Some(last) if last.text == l.text => last.positions.extend(l.positions),
            _ => merged.push(l),
        }
    }
    let mut out = Vec::new();
    for l in &mut merged {
        // Of one position the greater weight stays.
        l.positions.sort_by_key(|p| (position(*p), std::cmp::Reverse(weight(*p))));
        l.positions.dedup_by_key(|p| position(*p));
        l.positions.truncate(MAX_POSITIONS);
        out.extend_from_slice(&(l.text.len() as u16).to_le_bytes());
        out.extend_from_slice(l.text.as_bytes());
        out.extend_from_slice(&(l.positions.len() as u16).to_le_bytes());
        l.positions.iter().for_each(|p| out.extend_from_slice(&p.to_le_bytes()));
    }
    out
}

/// Reads the text form (PostgreSQL 15, tsvector_parser.c, gettoken_tsvector: same states).
pub fn parse(text: &str) -> Result<Vec<u8>> {
    let mut lexemes = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| super::text::is_space(*c)).is_some() {}
        if chars.peek().is_none() {
            return Ok(make(lexemes));
        }
        let word = word(&mut chars).ok_or_else(|| syntax(text))?;
        if word.len() > MAX_LEXEME {
            bail!(PROGRAM_LIMIT_EXCEEDED, "word is too long ({} bytes, max {MAX_LEXEME} bytes)", word.len());
        }
        let mut lexeme = Lexeme { text: word, positions: Vec::new() };
        if chars.next_if_eq(&':').is_some() {
            positions(&mut chars, text, &mut lexeme.positions)?;
        }
        lexemes.push(lexeme);
    }
}

#[cold]
fn syntax(text: &str) -> crate::base::Error {
    err!(SYNTAX_ERROR, "syntax error in tsvector: \"{text}\"")
}

fn word(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut out = String::new();
    if chars.next_if_eq(&'\'').is_some() {
        loop {
            match chars.next()? {
                '\'' if chars.next_if_eq(&'\'').is_some() => out.push('\''),
                '\'' => return (!out.is_empty()).then_some(out),
                '\\' => out.push(chars.next()?),
                c => out.push(c),
            }
        }
    }
    loop {
        match chars.peek() {
            None => break,
            Some(c) if super::text::is_space(*c) => break,
            Some(':') => break,
            Some('\\') => {
                chars.next();
                out.push(chars.next()?);
            }
            Some(c) => {
                out.push(*c);
                chars.next();
            }
        }
    }
    (!out.is_empty()).then_some(out)
}

fn positions(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, text: &str, out: &mut Vec<u16>) -> Result<()> {
    loop {
        let mut digits = String::new();
        while let Some(c) = chars.next_if(char::is_ascii_digit) {
            digits.push(c);
        }
        if digits.is_empty() {
            return Err(syntax(text));
        }
        let at: u16 = digits.parse::<u64>().unwrap_or(u64::MAX).min(MAX_POSITION.into()) as u16;
        if at == 0 {
            bail!(SYNTAX_ERROR, "wrong position info in tsvector: \"{text}\"");
        }
        let mut heavy = 0;
        loop {
            match chars.peek() {
                Some('a' | 'A' | '*') => heavy = 3,
                Some('b' | 'B') => heavy = 2,
                Some('c' | 'C') => heavy = 1,
                Some('d' | 'D') => heavy = 0,
                _ => break,
            }
            chars.next();
        }
        out.push(entry(heavy, at));
        match chars.peek() {
            Some(',') => {
                chars.next();
            }
            None => return Ok(()),
            Some(c) if super::text::is_space(*c) => return Ok(()),
            Some(_) => return Err(syntax(text)),
        }
    }
}

/// Writes a lexeme in quotes.
pub fn write_lexeme(text: &str, out: &mut Vec<u8>) {
    out.push(b'\'');
    for b in text.bytes() {
        if b == b'\'' || b == b'\\' {
            out.push(b);
        }
        out.push(b);
    }
    out.push(b'\'');
}

pub fn write(stored: &[u8], out: &mut Vec<u8>) {
    for (n, l) in read(stored).iter().enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        write_lexeme(&l.text, out);
        for (n, p) in l.positions.iter().enumerate() {
            out.push(if n == 0 { b':' } else { b',' });
            super::int::write(position(*p), out);
            if let Some(letter) = [b"", &b"C"[..], b"B", b"A"].get(usize::from(weight(*p))) {
                out.extend_from_slice(letter);
            }
        }
    }
}

pub fn write_binary(stored: &[u8], out: &mut Vec<u8>) {
    let lexemes = read(stored);
    out.extend_from_slice(&(lexemes.len() as i32).to_be_bytes());
    for l in lexemes {
        out.extend_from_slice(l.text.as_bytes());
        out.push(0);
        out.extend_from_slice(&(l.positions.len() as u16).to_be_bytes());
        l.positions.iter().for_each(|p| out.extend_from_slice(&p.to_be_bytes()));
    }
}

pub fn from_binary(bytes: &[u8]) -> Result<Vec<u8>> {
    let short = || err!(PROTOCOL_VIOLATION, "insufficient data left in message");
    let (head, mut rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let count = i32::from_be_bytes(*head);
    if count < 0 || count as usize > bytes.len() {
        bail!(INTERNAL_ERROR, "invalid size of tsvector");
    }
    let mut lexemes = Vec::new();
    for _ in 0..count {
        let end = rest.iter().position(|b| *b == 0).ok_or_else(short)?;
        let text = super::text::check(&rest[..end])?.to_string();
        let (len, mut tail) = rest[end + 1..].split_first_chunk::<2>().ok_or_else(short)?;
        let mut positions = Vec::new();
        for _ in 0..u16::from_be_bytes(*len) {
            let (p, after) = tail.split_first_chunk::<2>().ok_or_else(short)?;
            positions.push(u16::from_be_bytes(*p));
            tail = after;
        }
        lexemes.push(Lexeme { text, positions });
        rest = tail;
    }
    match rest.is_empty() {
        true => Ok(make(lexemes)),
        false => Err(err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format")),
    }
}

/// More bytes of text and positions are refused.
pub const MAX_TEXT: usize = (1 << 20) - 1;

/// The bytes of text and positions in PostgreSQL's own form.
pub fn text_size(lexemes: &[Lexeme]) -> usize {
    let mut text = 0;
    for l in lexemes {
        text += l.text.len();
        if !l.positions.is_empty() {
            text += text % 2 + 2 + 2 * l.positions.len();
        }
    }
    text
}

/// What PostgreSQL's own form would take: it orders values by that first (PostgreSQL 15, tsvector_op.c, silly_cmp_tsvector).
fn size(lexemes: &[Lexeme]) -> usize {
    8 + 4 * lexemes.len() + text_size(lexemes)
}

/// A key in PostgreSQL's order: greater positions come first.
pub fn encode_key(stored: &[u8], out: &mut Vec<u8>) {
    let lexemes = read(stored);
    out.extend_from_slice(&(size(&lexemes) as u32).to_be_bytes());
    out.extend_from_slice(&(lexemes.len() as u32).to_be_bytes());
    for l in &lexemes {
        out.push(u8::from(l.positions.is_empty()));
        out.extend_from_slice(l.text.as_bytes());
        out.push(0);
        if !l.positions.is_empty() {
            out.extend_from_slice(&(!(l.positions.len() as u16)).to_be_bytes());
            l.positions.iter().for_each(|p| out.extend_from_slice(&(!(position(*p) << 2 | weight(*p))).to_be_bytes()));
        }
    }
}

pub fn compare(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    encode_key(a, &mut x);
    encode_key(b, &mut y);
    x.cmp(&y)
}
