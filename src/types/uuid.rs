//! `uuid`: 16 bytes in network order.

use crate::base::Result;
use crate::err;

/// Reads 32 hexadecimal digits, with a hyphen allowed after every fourth and braces around.
pub fn parse(text: &str) -> Result<[u8; 16]> {
    read(text).ok_or_else(|| err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type uuid: \"{text}\""))
}

fn read(text: &str) -> Option<[u8; 16]> {
    let body = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let mut out = [0; 16];
    let mut b = body.bytes().peekable();
    for (i, byte) in out.iter_mut().enumerate() {
        let mut digit = || (b.next()? as char).to_digit(16);
        *byte = (digit()? << 4 | digit()?) as u8;
        if b.peek() == Some(&b'-') && i % 2 == 1 && i < 15 {
            b.next();
        }
    }
    b.next().is_none().then_some(out)
}

pub fn write(bytes: &[u8], out: &mut Vec<u8>) {
    for (i, b) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        super::bytea::write_hex(&[*b], out);
    }
}
