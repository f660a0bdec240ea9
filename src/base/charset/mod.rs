//! The encodings clients may speak, PostgreSQL's names of them, and the conversion of those with one byte a character.
//!
//! The server stores UTF-8. ASCII bytes mean themselves in every encoding here.

mod table;

use super::{Error, Result, SqlState};
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

/// An encoding with one byte a character.
#[derive(Debug)]
pub struct Charset {
    pub name: &'static str,
    upper: &'static table::Upper,
    bytes: HashMap<char, u8>,
}

static CHARSETS: LazyLock<Vec<Charset>> = LazyLock::new(|| {
    let made = |(name, upper): &'static (&'static str, table::Upper)| {
        let known = upper.iter().zip(128u8..=255).filter(|(c, _)| **c != 0);
        let bytes = known.filter_map(|(c, byte)| Some((char::from_u32((*c).into())?, byte))).collect();
        Charset { name, upper, bytes }
    };
    table::TABLES.iter().map(made).collect()
});

impl Charset {
    /// None for one that needs no conversion (UTF8, SQL_ASCII), and for those nobody here can convert.
    pub fn named(written: &str) -> Option<&'static Charset> {
        let name = canonical(written)?;
        CHARSETS.iter().find(|c| c.name == name)
    }

    /// # Errors
    /// 22P05 for a byte that means nothing.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, str>> {
        if bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::with_capacity(bytes.len() * 2);
        for &byte in bytes {
            match byte {
                0..128 => text.push(byte.into()),
                _ => match self.upper[usize::from(byte) - 128] {
                    0 => return Err(untranslatable(&[byte], self.name, "UTF8")),
                    c => text.push(char::from_u32(c.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
                },
            }
        }
        Ok(Cow::Owned(text))
    }

    /// The bytes of a text in UTF-8.
    ///
    /// # Errors
    /// 22P05 for a character it has no byte for.
    pub fn encode<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        self.encode_with(text, |c| Err(untranslatable(c.to_string().as_bytes(), "UTF8", self.name)))
    }

    /// The same, with a question mark for what it has no byte for: what is said of an error must not fail.
    pub fn encode_lossy<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        self.encode_with(text, |_| Ok(b'?')).unwrap_or(Cow::Borrowed(text))
    }

    fn encode_with<'a>(&self, text: &'a [u8], unknown: impl Fn(char) -> Result<u8>) -> Result<Cow<'a, [u8]>> {
        if text.is_ascii() {
            return Ok(Cow::Borrowed(text));
        }
        let byte = |c: char| match u8::try_from(c) {
            Ok(b) if b.is_ascii() => Ok(b),
            _ => self.bytes.get(&c).copied().map_or_else(|| unknown(c), Ok),
        };
        let chars = text.utf8_chunks().flat_map(|c| c.valid().chars().chain((!c.invalid().is_empty()).then_some('?')));
        chars.map(byte).collect::<Result<Vec<u8>>>().map(Cow::Owned)
    }
}

fn untranslatable(bytes: &[u8], from: &str, to: &str) -> Error {
    let mut shown = String::new();
    for b in bytes {
        let _ = write!(shown, "{}0x{b:02x}", if shown.is_empty() { "" } else { " " });
    }
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
