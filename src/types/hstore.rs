//! `hstore`: pairs of a key and a text or NULL, each key once, shorter keys first.
//!
//! Bytes: the number of pairs u32; then for each the length of its key u32 and of its value u32 (all ones: NULL); then the
//! keys and values one behind the other. All little-endian.

use super::code::TypeCode;
use super::text;
use crate::base::{Error, Oid, Result};
use crate::err;

pub static CODE: TypeCode = TypeCode {
    input: ("hstore", "hstore_in"),
    name: "hstore",
    read: parse,
    show: write,
    receive,
    send,
    key: Some(encode_key),
};

const NULL: u32 = u32::MAX;

/// A key with its value.
pub type Pair<'a> = (&'a str, Option<&'a str>);

/// It is the extension's type, or a domain over it.
pub fn is(ty: Oid) -> bool {
    super::info(super::base_type(ty)).and_then(|i| i.code).is_some_and(|code| std::ptr::eq(code, &CODE))
}

/// What a key leads to, as subscripts do.
pub fn subscript<'a>(stored: &'a [u8], keys: &[String]) -> Option<&'a [u8]> {
    find(&pairs(stored), keys.first()?).flatten().map(str::as_bytes)
}

/// The pairs with another value of a key, or one more.
pub fn assign(stored: Option<&[u8]>, keys: &[String], value: Option<&[u8]>) -> Vec<u8> {
    let value = value.map(|v| std::str::from_utf8(v).unwrap_or_default());
    let new = keys.first().map(|k| (k.as_str(), value));
    build(new.into_iter().chain(stored.map(pairs).unwrap_or_default()).collect())
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// The pairs of a stored value, in order.
pub fn pairs(stored: &[u8]) -> Vec<Pair<'_>> {
    let count = number(stored, 0) as usize;
    let mut at = 4 + 8 * count;
    let mut next = |length: usize| {
        let part = stored.get(at..at + length).unwrap_or_default();
        at += length;
        std::str::from_utf8(part).unwrap_or_default()
    };
    let pair = |n: usize| {
        let key = next(number(stored, 4 + 8 * n) as usize);
        match number(stored, 8 + 8 * n) {
            NULL => (key, None),
            length => (key, Some(next(length as usize))),
        }
    };
    (0..count).map(pair).collect()
}

/// The value of a key; None: the key is not there.
pub fn find<'a>(pairs: &[Pair<'a>], key: &str) -> Option<Option<&'a str>> {
    let order = |p: &Pair<'_>| (p.0.len(), p.0).cmp(&(key.len(), key));
    pairs.binary_search_by(order).ok().map(|at| pairs[at].1)
}

/// A value of pairs in any order; of those with one key the first stays.
pub fn build(mut pairs: Vec<Pair<'_>>) -> Vec<u8> {
    pairs.sort_by(|a, b| (a.0.len(), a.0).cmp(&(b.0.len(), b.0)));
    pairs.dedup_by(|later, first| later.0 == first.0);
    let mut out = (pairs.len() as u32).to_le_bytes().to_vec();
    for (key, value) in &pairs {
        out.extend((key.len() as u32).to_le_bytes());
        out.extend(value.map_or(NULL, |v| v.len() as u32).to_le_bytes());
    }
    for (key, value) in &pairs {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(value.unwrap_or_default().as_bytes());
    }
    out
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for b in text.bytes() {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

fn write(stored: &[u8], out: &mut Vec<u8>) {
    for (n, (key, value)) in pairs(stored).into_iter().enumerate() {
        if n > 0 {
            out.extend_from_slice(b", ");
        }
        quoted(key, out);
        out.extend_from_slice(b"=>");
        match value {
            Some(v) => quoted(v, out),
            None => out.extend_from_slice(b"NULL"),
        }
    }
}

/// The text form being read. PostgreSQL 15, hstore_io.c, parse_hstore: same language and faults.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

fn unexpected_end() -> Error {
    err!(INTERNAL_ERROR, "Unexpected end of string")
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace() || c == '\x0b') {
            self.bump();
        }
    }

    fn fault(&self) -> Error {
        let near = self.peek().map(String::from).unwrap_or_default();
        err!(INTERNAL_ERROR, "Syntax error near \"{near}\" at position {}", self.at)
    }

    /// A word or a quoted text; whether it was quoted. A key ends before `=`, a value before a comma. None: the end.
    fn word(&mut self, key: bool) -> Result<Option<(String, bool)>> {
        self.skip_blanks();
        let mut out = String::new();
        match self.peek() {
            None => return Ok(None),
            Some('=') if key => return Err(self.fault()),
            Some('"') => {
                self.bump();
                loop {
                    match self.bump().ok_or_else(unexpected_end)? {
                        '"' => return Ok(Some((out, true))),
                        '\\' => out.push(self.bump().ok_or_else(unexpected_end)?),
                        c => out.push(c),
                    }
                }
            }
            // The first character may be whatever ends a word later.
            Some(c) if c != '\\' => {
                self.bump();
                out.push(c);
            }
            _ => {}
        }
        while let Some(c) = self.peek() {
            if c == '=' && key || c == ',' && !key || c.is_ascii_whitespace() {
                break;
            }
            self.bump();
            out.push(if c == '\\' { self.bump().ok_or_else(unexpected_end)? } else { c });
        }
        Ok(Some((out, false)))
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        match self.peek() {
            Some(c) if c == wanted => {
                self.bump();
                Ok(())
            }
            None => Err(unexpected_end()),
            _ => Err(self.fault()),
        }
    }

    fn all(mut self) -> Result<Vec<(String, Option<String>)>> {
        let mut out = Vec::new();
        while let Some((key, _)) = self.word(true)? {
            self.skip_blanks();
            self.expect('=')?;
            self.expect('>')?;
            let (value, quoted) = self.word(false)?.ok_or_else(unexpected_end)?;
            let is_null = !quoted && value.eq_ignore_ascii_case("null");
            out.push((key, (!is_null).then_some(value)));
            self.skip_blanks();
            match self.peek() {
                None => break,
                Some(',') => self.bump(),
                _ => return Err(self.fault()),
            };
        }
        Ok(out)
    }
}

fn parse(text: &str) -> Result<Vec<u8>> {
    let read = Reader { text, at: 0 }.all()?;
    Ok(build(read.iter().map(|(k, v)| (k.as_str(), v.as_deref())).collect()))
}

fn send(stored: &[u8], out: &mut Vec<u8>) {
    let all = pairs(stored);
    out.extend((all.len() as i32).to_be_bytes());
    for (key, value) in all {
        for part in [Some(key), value] {
            out.extend(part.map_or(-1, |p| p.len() as i32).to_be_bytes());
            out.extend_from_slice(part.unwrap_or_default().as_bytes());
        }
    }
}

fn receive(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut wire = super::io::Wire(bytes);
    let count = wire.i32()?;
    let mut all: Vec<Pair<'_>> = Vec::new();
    for _ in 0..count {
        let key = wire.sized()?.ok_or_else(|| err!(NULL_VALUE_NOT_ALLOWED, "null value not allowed for hstore key"))?;
        let value = wire.sized()?.map(text::check).transpose()?;
        all.push((text::check(key)?, value));
    }
    Ok(build(all))
}

/// By keys and values written one behind the other, then by their number and where they end (hstore_op.c, hstore_cmp).
fn encode_key(stored: &[u8], out: &mut Vec<u8>) {
    let all = pairs(stored);
    out.push(u8::from(!all.is_empty()));
    for (key, value) in &all {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(value.unwrap_or_default().as_bytes());
    }
    out.push(0);
    out.extend((all.len() as u32).to_be_bytes());
    for (key, value) in &all {
        out.extend((key.len() as u32).to_be_bytes());
        out.extend(value.map_or(0, |v| v.len() as u32).to_be_bytes());
        out.push(value.is_none().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(text: &str) -> String {
        let mut out = Vec::new();
        write(&parse(text).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_read() {
        assert_eq!(
            there_and_back(" bb => 1 , \"c d\"=>\"e\\\"f\", x=>NULL, y=>\"NULL\""),
            r#""x"=>NULL, "y"=>"NULL", "bb"=>"1", "c d"=>"e\"f""#
        );
        assert_eq!(there_and_back("a=>1, a=>2,"), r#""a"=>"1""#);
        assert_eq!(there_and_back("a\\=b=>c"), r#""a=b"=>"c""#);
        assert_eq!(there_and_back(""), "");
    }

    #[test]
    fn faults_are_told() {
        for (text, fault) in [
            ("a", "Unexpected end of string"),
            ("a=1", "Syntax error near \"1\" at position 2"),
            ("=>a", "Syntax error near \"=\" at position 0"),
            ("a=>b c", "Syntax error near \"c\" at position 5"),
            ("a=>\"b", "Unexpected end of string"),
            ("\"a\"b=>c", "Syntax error near \"b\" at position 3"),
        ] {
            assert_eq!(parse(text).unwrap_err().message(), fault, "{text}");
        }
    }

    #[test]
    fn the_wire_gives_the_same() {
        let stored = parse("a=>1, b=>NULL").unwrap();
        let mut wire = Vec::new();
        send(&stored, &mut wire);
        assert_eq!(receive(&wire).unwrap(), stored);
        assert!(receive(&wire[..9]).is_err());
    }
}
