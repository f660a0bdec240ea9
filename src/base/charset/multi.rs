//! Encodings of several bytes a character: how long a character is, which sequences are well-formed (PostgreSQL 15,
//! wchar.c, pg_*_mblen and pg_*_verifychar: same rules), and what they mean.
//!
//! `maps/*.map` holds what PostgreSQL 15 converts each code to, and what it converts back differently: two lists of runs
//! (`read_runs`). The first: code and character; where several codes mean one character, the list's order decides which
//! one is written. The second: characters that are written otherwise, or (code 0) not at all.

/// A code of four bytes of GB18030 counts from here on, so that its runs show.
const FOUR_BYTES: u32 = 0x100_0000;
/// Where GB18030 counts the characters beyond the first 65,536.
const SUPPLEMENTARY: u32 = FOUR_BYTES + 189_000;

/// How characters are delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    EucJp,
    /// Two bytes, both from 0xA1 on: EUC_CN, EUC_KR.
    Euc,
    EucTw,
    Johab,
    Sjis,
    /// Two bytes, the second one anything but zero: BIG5, GBK, UHC.
    Pair,
    Gb18030,
}

/// One encoding's maps.
#[derive(Debug)]
pub(super) struct Multi {
    rule: Rule,
    /// Code and character, by code.
    decode: Vec<(u32, u32)>,
    /// Character and code, by character.
    encode: Vec<(u32, u32)>,
}

/// What a sequence is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// So many bytes are no character.
    Invalid(usize),
    /// So many bytes are one that means nothing.
    Unknown(usize),
}

fn is_euc(byte: u8) -> bool {
    (0xA1..=0xFE).contains(&byte)
}

impl Rule {
    /// How long the character that begins here should be.
    fn length(self, bytes: &[u8]) -> usize {
        let first = bytes.first().copied().unwrap_or(0);
        if first < 0x80 {
            return 1;
        }
        match (self, first) {
            (Rule::EucJp | Rule::Johab, 0x8F) => 3,
            (Rule::EucTw, 0x8E) => 4,
            (Rule::EucTw | Rule::Euc, 0x8F) => 3,
            (Rule::Sjis, 0xA1..=0xDF) => 1,
            (Rule::Gb18030, _) if bytes.get(1).is_some_and(u8::is_ascii_digit) => 4,
            _ => 2,
        }
    }

    /// The length of the well-formed character that begins here.
    fn verify(self, bytes: &[u8]) -> Option<usize> {
        let first = *bytes.first()?;
        if first < 0x80 {
            return (first != 0).then_some(1);
        }
        let length = self.length(bytes);
        let rest = bytes.get(1..length)?;
        let sound = match self {
            Rule::EucJp => match first {
                0x8E => (0xA1..=0xDF).contains(&rest[0]),
                0x8F => rest.iter().all(|b| is_euc(*b)),
                _ => is_euc(first) && is_euc(rest[0]),
            },
            Rule::Euc => rest.len() == 1 && is_euc(first) && is_euc(rest[0]),
            Rule::EucTw => match first {
                0x8E => (0xA1..=0xA7).contains(&rest[0]) && is_euc(rest[1]) && is_euc(rest[2]),
                0x8F => false,
                _ => is_euc(rest[0]),
            },
            Rule::Johab => rest.iter().all(|b| is_euc(*b)),
            Rule::Sjis => {
                length == 1
                    || matches!(first, 0x81..=0x9F | 0xE0..=0xFC) && matches!(rest[0], 0x40..=0x7E | 0x80..=0xFC)
            }
            Rule::Pair => rest[0] != 0,
            Rule::Gb18030 => {
                let lead = (0x81..=0xFE).contains(&first);
                match rest {
                    [_, third, fourth] => lead && (0x81..=0xFE).contains(third) && fourth.is_ascii_digit(),
                    _ => lead && matches!(rest[0], 0x40..=0x7E | 0x80..=0xFE),
                }
            }
        };
        sound.then_some(length)
    }
}

/// A code from its bytes.
fn code(rule: Rule, bytes: &[u8]) -> u32 {
    match (rule, bytes) {
        (Rule::Gb18030, [a, b, c, d]) => {
            let digit = |n: u8| u32::from(n) - 0x30;
            let lead = |n: u8| u32::from(n) - 0x81;
            FOUR_BYTES + ((lead(*a) * 10 + digit(*b)) * 126 + lead(*c)) * 10 + digit(*d)
        }
        _ => bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b)),
    }
}

/// Appends a code's bytes.
fn put(rule: Rule, code: u32, out: &mut Vec<u8>) {
    if rule == Rule::Gb18030 && code >= FOUR_BYTES {
        let n = code - FOUR_BYTES;
        let byte = |base: u8, n: u32| base + n as u8;
        out.extend([byte(0x81, n / 12_600), byte(0x30, n / 1260 % 10), byte(0x81, n / 10 % 126), byte(0x30, n % 10)]);
        return;
    }
    let bytes = code.to_be_bytes();
    let from = bytes.iter().position(|b| *b != 0).unwrap_or(3);
    out.extend_from_slice(&bytes[from..]);
}

fn number(bytes: &mut &[u8]) -> u64 {
    let (mut n, mut shift) = (0, 0);
    while let Some((first, rest)) = bytes.split_first() {
        *bytes = rest;
        n |= u64::from(first & 0x7F) << shift;
        if first & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    n
}

/// Runs of pairs that both go up by one: their count, then for each the key's distance from the end of the last run
/// (times two, plus one if a length follows), the value's (zigzag), the length. Numbers of seven bits a byte, low first.
fn read_runs(bytes: &mut &[u8]) -> Vec<(u32, u32)> {
    let (mut key, mut value, mut pairs) = (0u32, 0u32, Vec::new());
    for _ in 0..number(bytes) {
        let step = number(bytes);
        let distance = number(bytes);
        let length = if step & 1 == 1 { number(bytes) as u32 } else { 1 };
        key += (step >> 1) as u32;
        // Up or down: codes of four bytes make the distance longer than they are.
        value = value.wrapping_add(((distance >> 1) ^ (distance & 1).wrapping_neg()) as u32);
        pairs.extend((0..length).map(|n| (key + n, value + n)));
        (key, value) = (key + length, value + length);
    }
    pairs
}

impl Multi {
    /// `last`: of several codes of a character the highest is written, else the lowest.
    pub fn new(rule: Rule, mut map: &'static [u8], last: bool, keep: fn(u32) -> bool) -> Multi {
        let mut decode = read_runs(&mut map);
        decode.retain(|(code, _)| keep(*code));
        let mut encode: Vec<(u32, u32)> = decode.iter().map(|(code, c)| (*c, *code)).collect();
        if last {
            encode.reverse();
        }
        encode.sort_by_key(|e| e.0);
        encode.dedup_by_key(|e| e.0);
        for (c, code) in read_runs(&mut map) {
            match encode.binary_search_by_key(&c, |e| e.0) {
                Ok(at) if code == 0 => drop(encode.remove(at)),
                Ok(at) => encode[at].1 = code,
                Err(at) => encode.insert(at, (c, code)),
            }
        }
        Multi { rule, decode, encode }
    }

    /// Takes the first character off; its bytes are counted.
    pub fn first(&self, bytes: &[u8]) -> Result<(char, usize), Fault> {
        let should = self.rule.length(bytes).min(bytes.len()).min(8);
        let Some(length) = self.rule.verify(bytes) else { return Err(Fault::Invalid(should)) };
        if length == 1 && bytes[0] < 0x80 {
            return Ok((bytes[0].into(), 1));
        }
        let code = code(self.rule, &bytes[..length]);
        let known = self.decode.binary_search_by_key(&code, |e| e.0).ok().map(|at| self.decode[at].1);
        let beyond = || Some(code.checked_sub(SUPPLEMENTARY)? + 0x1_0000);
        let found = known.or_else(|| if self.rule == Rule::Gb18030 { beyond() } else { None });
        found.and_then(char::from_u32).map(|c| (c, length)).ok_or(Fault::Unknown(should))
    }

    /// Appends a character's bytes; false if it has none.
    pub fn put(&self, c: char, out: &mut Vec<u8>) -> bool {
        let n = u32::from(c);
        let code = match self.encode.binary_search_by_key(&n, |e| e.0) {
            _ if n < 0x80 => n,
            _ if n >= 0x1_0000 && self.rule == Rule::Gb18030 => SUPPLEMENTARY + n - 0x1_0000,
            Ok(at) => self.encode[at].1,
            Err(_) => return false,
        };
        put(self.rule, code, out);
        true
    }

    /// How many of these bytes are whole characters, the last one perhaps cut off.
    pub fn whole(&self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let length = self.rule.length(&bytes[at..]);
            let undecided = self.rule == Rule::Gb18030 && bytes[at] >= 0x80 && at + 1 == bytes.len();
            if at + length > bytes.len() || undecided {
                break;
            }
            at += length;
        }
        at
    }
}
