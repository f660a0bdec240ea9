//! The binary form: each operator before its operands, the right one first.
//!
//! PostgreSQL 15, tsquery.c, tsquerysend and tsqueryrecv: same bytes, and the same words for what is wrong with them.

use super::read::{MAX_DEPTH, too_deep};
use super::{Query, parse};
use crate::base::Result;
use crate::{bail, err};

const VALUE: u8 = 1;
const OPERATOR: u8 = 2;
const NOT: u8 = 1;
const AND: u8 = 2;
const OR: u8 = 3;
const PHRASE: u8 = 4;
/// A lexeme's and all lexemes' lengths are kept in this many bits.
const LONGEST_WORD: usize = (1 << 11) - 1;

/// `text`: a query as it is stored.
///
/// # Errors
/// Of text that is no query.
pub fn write_binary(text: &str, out: &mut Vec<u8>) -> Result<()> {
    let query = parse(text)?;
    let nodes = query.as_ref().map_or(0, Query::nodes);
    out.extend_from_slice(&(nodes as u32).to_be_bytes());
    if let Some(query) = query {
        write(&query, out);
    }
    Ok(())
}

fn write(query: &Query, out: &mut Vec<u8>) {
    match query {
        Query::Value { text, weights, prefix } => {
            out.extend_from_slice(&[VALUE, *weights, u8::from(*prefix)]);
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
        Query::Not(arg) => {
            out.extend_from_slice(&[OPERATOR, NOT]);
            write(arg, out);
        }
        Query::And(a, b) | Query::Or(a, b) | Query::Phrase(a, b, _) => {
            match query {
                Query::And(..) => out.extend_from_slice(&[OPERATOR, AND]),
                Query::Or(..) => out.extend_from_slice(&[OPERATOR, OR]),
                _ => out.extend_from_slice(&[OPERATOR, PHRASE]),
            }
            if let Query::Phrase(_, _, distance) = query {
                out.extend_from_slice(&distance.to_be_bytes());
            }
            write(b, out);
            write(a, out);
        }
    }
}

/// None: the empty query.
///
/// # Errors
/// 08P01 for bytes that end too early, XX000 for those that are no query.
pub fn from_binary(bytes: &[u8]) -> Result<Option<Query>> {
    let mut r = Reader { rest: bytes, left: 0 };
    let size = u32::from_be_bytes(r.take()?);
    if size as usize > bytes.len() {
        bail!(INTERNAL_ERROR, "invalid size of tsquery");
    }
    r.left = size;
    if size == 0 {
        return r.end(None);
    }
    let query = r.node(0)?;
    if r.left > 0 {
        bail!(INTERNAL_ERROR, "malformed tsquery: extra nodes");
    }
    r.end(Some(query))
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Nodes announced and not read.
    left: u32,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let short = || err!(PROTOCOL_VIOLATION, "insufficient data left in message");
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(short)?;
        self.rest = rest;
        Ok(*head)
    }

    fn end(&self, query: Option<Query>) -> Result<Option<Query>> {
        match self.rest.is_empty() {
            true => Ok(query),
            false => Err(err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format")),
        }
    }

    fn node(&mut self, depth: usize) -> Result<Query> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        if self.left == 0 {
            bail!(INTERNAL_ERROR, "malformed tsquery: operand not found");
        }
        self.left -= 1;
        match u8::from_be_bytes(self.take()?) {
            VALUE => self.value(),
            OPERATOR => self.operator(depth),
            other => Err(err!(INTERNAL_ERROR, "unrecognized tsquery node type: {other}")),
        }
    }

    fn value(&mut self) -> Result<Query> {
        let [weights, prefix] = self.take()?;
        if weights > 0xF {
            bail!(INTERNAL_ERROR, "invalid tsquery: invalid weight bitmap");
        }
        let end = self.rest.iter().position(|b| *b == 0);
        let end = end.ok_or_else(|| err!(PROTOCOL_VIOLATION, "invalid string in message"))?;
        let text = crate::types::text::check(&self.rest[..end])?.to_string();
        self.rest = &self.rest[end + 1..];
        if text.len() > LONGEST_WORD {
            bail!(INTERNAL_ERROR, "invalid tsquery: operand too long");
        }
        Ok(Query::Value { text, weights, prefix: prefix != 0 })
    }

    fn operator(&mut self, depth: usize) -> Result<Query> {
        let oper = u8::from_be_bytes(self.take()?);
        let distance = if oper == PHRASE { u16::from_be_bytes(self.take()?) } else { 0 };
        if !(NOT..=PHRASE).contains(&oper) {
            bail!(INTERNAL_ERROR, "invalid tsquery: unrecognized operator type {oper}");
        }
        if oper == NOT {
            return Ok(Query::Not(Box::new(self.node(depth + 1)?)));
        }
        let right = Box::new(self.node(depth + 1)?);
        let left = Box::new(self.node(depth + 1)?);
        Ok(match oper {
            AND => Query::And(left, right),
            OR => Query::Or(left, right),
            _ => Query::Phrase(left, right, distance),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written reads back; what PostgreSQL writes of it was recorded there.
    #[test]
    fn both_ways() {
        for text in ["'a'", "'a' & 'b'", "!'a' | 'b':*AB", "'a' <-> ( 'b' <3> 'c' )", "'é' & !( 'x' | 'y' )"] {
            let mut bytes = Vec::new();
            write_binary(text, &mut bytes).unwrap();
            let mut again = Vec::new();
            from_binary(&bytes).unwrap().unwrap().write(&mut again);
            assert_eq!(String::from_utf8(again).unwrap(), text);
        }
        let mut bytes = Vec::new();
        write_binary("'a' & 'b'", &mut bytes).unwrap();
        assert_eq!(bytes, b"\0\0\0\x03\x02\x02\x01\0\0b\0\x01\0\0a\0");
        assert_eq!(from_binary(&[0; 4]).unwrap(), None);
    }

    #[test]
    fn refused() {
        let said = |bytes: &[u8]| from_binary(bytes).unwrap_err().message().to_owned();
        assert_eq!(said(b"\0\0"), "insufficient data left in message");
        assert_eq!(said(b"\0\0\x01\0"), "invalid size of tsquery");
        assert_eq!(said(b"\0\0\0\x01\x03"), "unrecognized tsquery node type: 3");
        assert_eq!(said(b"\0\0\0\x02\x01\0\0a\0"), "malformed tsquery: extra nodes");
        assert_eq!(said(b"\0\0\0\x01\x02\x01"), "malformed tsquery: operand not found");
        assert_eq!(said(b"\0\0\0\x01\x01\x10\0a\0"), "invalid tsquery: invalid weight bitmap");
        let deep = [&2000u32.to_be_bytes()[..], &[2, 1].repeat(2000)].concat();
        assert_eq!(said(&deep), too_deep().message());
    }
}
