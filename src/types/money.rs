//! `money`: cents, as the C locale shows them.

use crate::base::Result;
use crate::err;

/// PostgreSQL 15, cash.c, cash_in: same rules, so that nothing at all is no money, and signs and symbols may follow.
pub fn parse(text: &str) -> Result<i64> {
    let overflow = || err!(NUMERIC_VALUE_OUT_OF_RANGE, "value \"{text}\" is out of range for type money");
    let space = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
    let skip = |t: &mut &str, symbols: &[char]| {
        *t = t.trim_start_matches(space);
        let symbol = t.chars().next().filter(|c| symbols.contains(c));
        *t = symbol.map_or(*t, |c| &t[c.len_utf8()..]);
        symbol
    };
    let mut t = text;
    skip(&mut t, &['$']);
    let mut negative = matches!(skip(&mut t, &['-', '(', '+']), Some('-' | '('));
    skip(&mut t, &['$']);
    t = t.trim_start_matches(space);
    let mut cents: i64 = 0;
    let (mut point, mut places) = (false, 0);
    loop {
        match t.bytes().next() {
            Some(b @ b'0'..=b'9') if !point || places < 2 => {
                let more = cents.checked_mul(10).and_then(|c| c.checked_sub(i64::from(b - b'0')));
                cents = more.ok_or_else(overflow)?;
                places += i32::from(point);
            }
            Some(b'.') if !point => point = true,
            Some(b',') => {}
            _ => break,
        }
        t = &t[1..];
    }
    if matches!(t.bytes().next(), Some(b'5'..=b'9')) {
        cents = cents.checked_sub(1).ok_or_else(overflow)?;
    }
    for _ in places..2 {
        cents = cents.checked_mul(10).ok_or_else(overflow)?;
    }
    for c in t.trim_start_matches(|c: char| c.is_ascii_digit()).chars() {
        match c {
            '-' => negative = true,
            '+' | '$' | ')' => {}
            c if space(c) => {}
            _ => return Err(err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type money: \"{text}\"")),
        }
    }
    if negative { Ok(cents) } else { cents.checked_neg().ok_or_else(overflow) }
}

pub fn write(cents: i64, out: &mut Vec<u8>) {
    if cents < 0 {
        out.push(b'-');
    }
    out.push(b'$');
    let units = (cents.unsigned_abs() / 100).to_string();
    for (i, b) in units.bytes().enumerate() {
        if i > 0 && (units.len() - i).is_multiple_of(3) {
            out.push(b',');
        }
        out.push(b);
    }
    out.extend_from_slice(format!(".{:02}", cents.unsigned_abs() % 100).as_bytes());
}
