//! The encodings clients may speak, PostgreSQL's names of them, and their conversion.
//!
//! The server stores UTF-8. ASCII bytes mean themselves in every encoding here.

mod multi;
mod table;

use super::{Error, Result, SqlState};
use multi::{Fault, Multi, Rule};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::LazyLock;

/// PostgreSQL's encodings by their numbers (pg_enc).
pub const NAMES: [&str; 42] = [
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

/// Other names of theirs, and a word in front of a number that means the same (PostgreSQL 15, encnames.c).
const ALIASES: &[(&str, &str)] = &[
    ("abc", "WIN1258"),
    ("alt", "WIN866"),
    ("iso88591", "LATIN1"),
    ("iso88592", "LATIN2"),
    ("iso88593", "LATIN3"),
    ("iso88594", "LATIN4"),
    ("iso88599", "LATIN5"),
    ("iso885910", "LATIN6"),
    ("iso885913", "LATIN7"),
    ("iso885914", "LATIN8"),
    ("iso885915", "LATIN9"),
    ("iso885916", "LATIN10"),
    ("koi8", "KOI8R"),
    ("mskanji", "SJIS"),
    ("shiftjis", "SJIS"),
    ("tcvn", "WIN1258"),
    ("tcvn5712", "WIN1258"),
    ("unicode", "UTF8"),
    ("vscii", "WIN1258"),
    ("win", "WIN1251"),
    ("win932", "SJIS"),
    ("win936", "GBK"),
    ("win949", "UHC"),
    ("win950", "BIG5"),
];

/// PostgreSQL's name of an encoding, however it is written.
pub fn canonical(written: &str) -> Option<&'static str> {
    let fold =
        |s: &str| -> String { s.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect() };
    let mut plain = fold(written);
    if let Some(number) = plain.strip_prefix("windows") {
        plain = format!("win{number}");
    }
    let alias = ALIASES.iter().find(|(a, _)| *a == plain).map(|(_, name)| *name);
    alias.or_else(|| NAMES.into_iter().find(|n| fold(n) == plain))
}

/// An encoding that is not the server's.
#[derive(Debug)]
pub struct Charset {
    pub name: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// One byte a character.
    Single { upper: &'static table::Upper, bytes: HashMap<char, u8> },
    /// Put together when first used.
    Multi(LazyLock<Multi>),
}

macro_rules! multi {
    ($name:literal, $rule:ident, $file:literal, $last:literal, $keep:expr) => {
        Charset {
            name: $name,
            kind: Kind::Multi(LazyLock::new(|| Multi::new(Rule::$rule, include_bytes!($file), $last, $keep))),
        }
    };
}

/// EUC_KR is the part of UHC whose bytes are both from 0xA1 on, without its rows for private use.
fn is_euc_kr(code: u32) -> bool {
    code >> 8 >= 0xA1 && code & 0xFF >= 0xA1 && !matches!(code >> 8, 0xC9 | 0xFE)
}

static CHARSETS: LazyLock<Vec<Charset>> = LazyLock::new(|| {
    let made = |(name, upper): &'static (&'static str, table::Upper)| {
        let known = upper.iter().zip(128u8..=255).filter(|(c, _)| **c != 0);
        let bytes = known.filter_map(|(c, byte)| Some((char::from_u32((*c).into())?, byte))).collect();
        Charset { name, kind: Kind::Single { upper, bytes } }
    };
    let mut all: Vec<Charset> = table::TABLES.iter().map(made).collect();
    all.extend([
        multi!("EUC_JP", EucJp, "maps/euc_jp.map", false, |_| true),
        multi!("EUC_CN", Euc, "maps/euc_cn.map", false, |_| true),
        multi!("EUC_KR", Euc, "maps/uhc.map", false, is_euc_kr),
        multi!("EUC_TW", EucTw, "maps/euc_tw.map", false, |_| true),
        multi!("SJIS", Sjis, "maps/sjis.map", false, |_| true),
        multi!("BIG5", Pair, "maps/big5.map", false, |_| true),
        multi!("GBK", Pair, "maps/gbk.map", false, |_| true),
        multi!("UHC", Pair, "maps/uhc.map", false, |_| true),
        multi!("GB18030", Gb18030, "maps/gb18030.map", false, |_| true),
        multi!("JOHAB", Johab, "maps/johab.map", false, |_| true),
    ]);
    all
});

impl Charset {
    /// None for one that needs no conversion (UTF8, SQL_ASCII), and for those nobody here can convert.
    pub fn named(written: &str) -> Option<&'static Charset> {
        let name = canonical(written)?;
        CHARSETS.iter().find(|c| c.name == name)
    }

    /// # Errors
    /// 22P05 for a character that means nothing, 22021 for bytes that are none.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, str>> {
        if bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::with_capacity(bytes.len() * 2);
        match &self.kind {
            Kind::Single { upper, .. } => {
                for &byte in bytes {
                    match byte {
                        0..128 => text.push(byte.into()),
                        _ => match upper[usize::from(byte) - 128] {
                            0 => return Err(untranslatable(&[byte], self.name, "UTF8")),
                            c => text.push(char::from_u32(c.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
                        },
                    }
                }
            }
            Kind::Multi(multi) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let (c, length) = multi.first(rest).map_err(|fault| match fault {
                        Fault::Invalid(n) => invalid(&rest[..n], self.name),
                        Fault::Unknown(n) => untranslatable(&rest[..n], self.name, "UTF8"),
                    })?;
                    text.push(c);
                    rest = &rest[length..];
                }
            }
        }
        Ok(Cow::Owned(text))
    }

    /// How many of these bytes are whole characters: the rest is the beginning of one that goes on elsewhere.
    pub fn whole(&self, bytes: &[u8]) -> usize {
        match &self.kind {
            Kind::Single { .. } => bytes.len(),
            Kind::Multi(multi) => multi.whole(bytes),
        }
    }

    /// The bytes of a text in UTF-8.
    ///
    /// # Errors
    /// 22P05 for a character it has no bytes for.
    pub fn encode<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        self.encode_with(text, |c| Err(untranslatable(c.to_string().as_bytes(), "UTF8", self.name)))
    }

    /// The same, with a question mark for what it has no bytes for: what is said of an error must not fail.
    pub fn encode_lossy<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        self.encode_with(text, |_| Ok(b'?')).unwrap_or(Cow::Borrowed(text))
    }

    fn encode_with<'a>(&self, text: &'a [u8], unknown: impl Fn(char) -> Result<u8>) -> Result<Cow<'a, [u8]>> {
        if text.is_ascii() {
            return Ok(Cow::Borrowed(text));
        }
        let chars = text.utf8_chunks().flat_map(|c| c.valid().chars().chain((!c.invalid().is_empty()).then_some('?')));
        let mut out = Vec::with_capacity(text.len());
        for c in chars {
            let known = match (&self.kind, u8::try_from(c)) {
                (_, Ok(b)) if b.is_ascii() => {
                    out.push(b);
                    true
                }
                (Kind::Single { bytes, .. }, _) => bytes.get(&c).map(|b| out.push(*b)).is_some(),
                (Kind::Multi(multi), _) => multi.put(c, &mut out),
            };
            if !known {
                out.push(unknown(c)?);
            }
        }
        Ok(Cow::Owned(out))
    }
}

fn shown(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for b in bytes {
        let _ = write!(shown, "{}0x{b:02x}", if shown.is_empty() { "" } else { " " });
    }
    shown
}

fn invalid(bytes: &[u8], encoding: &str) -> Error {
    let text = format!("invalid byte sequence for encoding \"{encoding}\": {}", shown(bytes));
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, text).place("report_invalid_encoding_int", "mbutils.c", 1798)
}

fn untranslatable(bytes: &[u8], from: &str, to: &str) -> Error {
    let shown = shown(bytes);
    let text =
        format!("character with byte sequence {shown} in encoding \"{from}\" has no equivalent in encoding \"{to}\"");
    Error::new(SqlState::UNTRANSLATABLE_CHARACTER, text).place("report_untranslatable_char", "mbutils.c", 1845)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte that means something comes back as it was; the others, and characters without a byte, are named.
    #[test]
    fn there_and_back() {
        for (name, upper) in table::TABLES {
            let charset = Charset::named(name).unwrap();
            for byte in 0..=255u8 {
                if byte >= 128 && upper[usize::from(byte) - 128] == 0 {
                    assert!(charset.decode(&[byte]).is_err());
                    continue;
                }
                let text = charset.decode(&[byte]).unwrap().into_owned();
                assert_eq!(*charset.encode(text.as_bytes()).unwrap(), [byte], "{name} {byte:x}");
            }
        }
        let e = Charset::named("latin1").unwrap().encode("€".as_bytes()).unwrap_err();
        let said =
            "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"";
        assert_eq!(e.message(), said);
        assert_eq!(*Charset::named("latin1").unwrap().encode_lossy("ü€".as_bytes()), [0xfc, b'?']);
    }

    /// All that has bytes is read back, but for the characters that share some; cut characters wait for their rest.
    #[test]
    fn several_bytes() {
        // How many characters each has bytes for at PostgreSQL 15, up to U+2FFFF.
        for (name, count) in [
            ("EUC_JP", 13_175),
            ("EUC_CN", 7445),
            ("EUC_KR", 8227),
            ("EUC_TW", 17_711),
            ("SJIS", 7397),
            ("BIG5", 13_711),
            ("GBK", 21_792),
            ("UHC", 17_237),
            ("GB18030", 194_432),
        ] {
            let charset = Charset::named(name).unwrap();
            let mut known = 0;
            for c in (0x80..0x3_0000).filter_map(char::from_u32) {
                let text = c.to_string();
                let Ok(bytes) = charset.encode(text.as_bytes()) else { continue };
                known += 1;
                let bytes = bytes.into_owned();
                // PostgreSQL writes planes of EUC_TW, and a euro sign of GBK, that it does not read.
                let Ok(back) = charset.decode(&bytes) else {
                    assert!(matches!(name, "EUC_TW" | "GBK"), "{name}: {c}");
                    continue;
                };
                assert!(
                    back == text || matches!(name, "EUC_JP" | "EUC_TW" | "SJIS"),
                    "{name}: {c} comes back as {back}"
                );
                assert_eq!(charset.whole(&bytes), bytes.len(), "{name}: {c}");
                for n in 1..bytes.len() {
                    assert_eq!(charset.whole(&bytes[..n]), 0, "{name}: {c} cut at {n}");
                    assert!(charset.decode(&bytes[..n]).is_err());
                }
            }
            assert_eq!(known, count, "{name}");
        }
        let said = |name: &str, bytes: &[u8]| Charset::named(name).unwrap().decode(bytes).unwrap_err();
        assert_eq!(said("sjis", b"\x81").message(), "invalid byte sequence for encoding \"SJIS\": 0x81");
        let e = said("gbk", b"a\xff\x20");
        let text = "character with byte sequence 0xff 0x20 in encoding \"GBK\" has no equivalent in encoding \"UTF8\"";
        assert_eq!((e.message(), e.0.sqlstate), (text, SqlState::UNTRANSLATABLE_CHARACTER));
        assert_eq!(
            *Charset::named("gb18030").unwrap().encode("\u{10FFFF}".as_bytes()).unwrap(),
            [0xe3, 0x32, 0x9a, 0x35]
        );
    }

    /// Names are read as PostgreSQL reads them.
    #[test]
    fn names() {
        for (written, name) in [
            ("utf-8", "UTF8"),
            ("Windows-1252", "WIN1252"),
            ("iso_8859_15", "LATIN9"),
            ("ISO-8859-5", "ISO_8859_5"),
            ("koi8-r", "KOI8R"),
            ("EUCJP", "EUC_JP"),
            ("windows949", "UHC"),
        ] {
            assert_eq!(canonical(written), Some(name));
        }
        assert_eq!(canonical("foo"), None);
    }
}
