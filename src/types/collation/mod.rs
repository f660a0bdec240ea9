//! How text is ordered: by its bytes, by a locale of the C library, or by a locale of ICU's data.
//!
//! A [`Collation`] is a number that stands for an order opened before, so that it can travel in every [`TypeRef`] at no
//! cost. An order turns a text into a key; keys are compared by memcmp, and where two are equal the texts' bytes decide
//! (PostgreSQL 15, varlena.c, varstr_cmp: same rule, since equality is that of the bytes), unless the collation is
//! nondeterministic: there texts are equal whose keys are.
//!
//! Invariants
//! - COLL-1: a key has no zero byte, so that it can be followed by something else.
//! - COLL-2: an order once opened stays as it is until the process ends.
//!
//! [`TypeRef`]: super::TypeRef

mod icu;
mod libc;

use crate::base::{Error, Result, SqlState};
use crate::err;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// Which library orders.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Provider {
    Libc,
    Icu,
}

impl Provider {
    /// The letter of `pg_collation.collprovider`.
    pub fn letter(self) -> u8 {
        match self {
            Provider::Libc => b'c',
            Provider::Icu => b'i',
        }
    }
}

/// An order of text that has been opened.
#[derive(Clone, Copy, Default)]
pub struct Collation(u16);

impl PartialEq for Collation {
    /// Of one order: what letters become of other case does not count.
    fn eq(&self, other: &Collation) -> bool {
        self.0 & !FOLDS == other.0 & !FOLDS
    }
}

impl Eq for Collation {}

impl std::hash::Hash for Collation {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0 & !FOLDS).hash(state);
    }
}

/// What letters of other case there are: a collation's LC_CTYPE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// Locale C: only ASCII's letters have another case, or are letters.
    Ascii,
    /// One character for one, as C's towlower and towupper do.
    Simple,
    /// As ICU does: a character may become several.
    Full { turkic: bool },
}

impl std::fmt::Debug for Collation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written())
    }
}

enum Keys {
    Libc(libc::Locale),
    Icu(Box<icu::Locale>),
}

struct Order {
    written: String,
    keys: Keys,
}

/// Set in the number of a nondeterministic order.
const NONDETERMINISTIC: u16 = 1 << 15;

/// Set in the number of an order whose letters are Unicode's.
const FOLDS: u16 = 1 << 14;

/// So many different orders a server may use between two starts.
const MOST: usize = 1024;

static ORDERS: [OnceLock<Order>; MOST] = [const { OnceLock::new() }; MOST];
/// By what they are written as.
static NUMBERS: LazyLock<Mutex<HashMap<String, u16>>> = LazyLock::new(Mutex::default);

impl Collation {
    pub const BYTES: Collation = Collation(0);

    /// The order of a locale, named as the library names it.
    ///
    /// # Errors
    /// 22023 where the library has no such locale, 42P17 where it is not one of UTF-8, 54000 beyond 1,023 of them.
    pub fn open(provider: Provider, locale: &str) -> Result<Collation> {
        if provider == Provider::Libc && is_bytewise(locale) {
            return Ok(Collation::BYTES.with_case_of(locale));
        }
        Collation::opened(provider, locale, false)
    }

    /// The same order with the letters of another locale of the C library.
    pub fn with_case_of(self, ctype: &str) -> Collation {
        match ctype {
            "C" | "POSIX" => Collation(self.0 & !FOLDS),
            _ => Collation(self.0 | FOLDS),
        }
    }

    pub fn case(self) -> Case {
        if self.0 & FOLDS == 0 {
            return Case::Ascii;
        }
        match self.order() {
            Some(Order { written, keys: Keys::Icu(_) }) => {
                let language = written[2..].split(['-', '_', '@']).next().unwrap_or_default();
                Case::Full { turkic: matches!(language, "tr" | "az") }
            }
            _ => Case::Simple,
        }
    }

    /// Nothing is to be known of it: texts are ordered as bytes, and only ASCII has letters.
    pub const fn is_plain(self) -> bool {
        self.0 == 0
    }

    /// The order of a locale of ICU's, where texts are equal whose keys are.
    ///
    /// # Errors
    /// As [`Collation::open`].
    pub fn open_nondeterministic(locale: &str) -> Result<Collation> {
        Collation::opened(Provider::Icu, locale, true)
    }

    fn opened(provider: Provider, locale: &str, nondeterministic: bool) -> Result<Collation> {
        let letter = if nondeterministic { 'n' } else { provider.letter() as char };
        let written = format!("{letter}:{locale}");
        let mut numbers = NUMBERS.lock();
        if let Some(n) = numbers.get(&written) {
            return Ok(Collation(*n));
        }
        let keys = match provider {
            Provider::Libc => Keys::Libc(libc::Locale::open(locale)?),
            Provider::Icu => Keys::Icu(Box::new(icu::Locale::open(locale)?)),
        };
        let number = numbers.len() + 1;
        let Some(slot) = ORDERS.get(number) else {
            return Err(err!(PROGRAM_LIMIT_EXCEEDED, "more than {} collations are in use", MOST - 1));
        };
        slot.get_or_init(|| Order { written: written.clone(), keys });
        let number = number as u16 | FOLDS | if nondeterministic { NONDETERMINISTIC } else { 0 };
        numbers.insert(written, number);
        Ok(Collation(number))
    }

    /// How an index notes the order it was built in: provider and locale, nothing for the bytes' own.
    pub fn written(self) -> String {
        self.order().map(|o| o.written.clone()).unwrap_or_default()
    }

    /// The order noted by [`Collation::written`].
    ///
    /// # Errors
    /// As [`Collation::open`].
    pub fn from_written(text: &str) -> Result<Collation> {
        match text.split_once(':') {
            None => Ok(Collation::BYTES),
            Some(("c", locale)) => Collation::open(Provider::Libc, locale),
            Some(("i", locale)) => Collation::open(Provider::Icu, locale),
            Some(("n", locale)) => Collation::open_nondeterministic(locale),
            Some(_) => Err(Error::internal(format!("collation \"{text}\" cannot be read"))),
        }
    }

    /// Texts are equal only if their bytes are.
    pub const fn is_deterministic(self) -> bool {
        self.0 & NONDETERMINISTIC == 0
    }

    /// Texts are ordered as their bytes are, whatever the letters' case.
    pub fn is_in_byte_order(self) -> bool {
        self.0 & !FOLDS == 0
    }

    pub fn is_bytewise(self) -> bool {
        self == Collation::BYTES
    }

    fn order(self) -> Option<&'static Order> {
        match self.0 & !(NONDETERMINISTIC | FOLDS) {
            0 => None,
            n => ORDERS.get(usize::from(n))?.get(),
        }
    }

    pub fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        thread_local! {
            static KEYS: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) };
        }
        let Some(order) = self.order() else { return a.cmp(b) };
        if a == b {
            return Ordering::Equal;
        }
        KEYS.with_borrow_mut(|(x, y)| {
            x.clear();
            y.clear();
            order.append(a, x);
            order.append(b, y);
            let found = match self.is_deterministic() {
                true => x.cmp(&y).then_with(|| a.cmp(b)),
                false => x.cmp(&y),
            };
            // Long texts are rare; their keys need not stay.
            x.shrink_to(4096);
            y.shrink_to(4096);
            found
        })
    }

    /// Appends a text as a key that ends itself: its place in the order, then its bytes, where these count.
    pub fn encode(self, text: &[u8], out: &mut Vec<u8>) {
        if let Some(order) = self.order() {
            order.append(text, out);
            out.push(0);
            if !self.is_deterministic() {
                return;
            }
        }
        out.extend_from_slice(text);
        out.push(0);
    }
}

impl Order {
    fn append(&self, text: &[u8], out: &mut Vec<u8>) {
        match &self.keys {
            Keys::Libc(l) => l.append(text, out),
            Keys::Icu(l) => l.append(text, out),
        }
    }
}

/// Locales of the C library that order as bytes do.
pub fn is_bytewise(locale: &str) -> bool {
    let base = locale.to_ascii_lowercase().replace('-', "");
    matches!(base.as_str(), "c" | "posix" | "c.utf8" | "posix.utf8")
}

/// What a catalog row says of its order: ICU's locale, where it has one, else the C library's.
pub fn named<'a>(icu: Option<&'a str>, libc: &'a str) -> (Provider, &'a str) {
    icu.map_or((Provider::Libc, libc), |locale| (Provider::Icu, locale))
}

/// The version of what orders; None: there is none to be told.
pub fn version((provider, locale): (Provider, &str)) -> Option<String> {
    match provider {
        Provider::Libc if is_bytewise(locale) => None,
        Provider::Libc => libc::version(),
        Provider::Icu => Some(icu::VERSION.to_owned()),
    }
}

fn no_such_locale(text: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(collation: Collation, texts: &[&str]) -> Vec<String> {
        let mut texts: Vec<String> = texts.iter().map(|t| t.to_string()).collect();
        texts.sort_by(|a, b| collation.compare(a.as_bytes(), b.as_bytes()));
        texts
    }

    #[test]
    fn letters_come_before_case_and_accents() {
        let en = Collation::open(Provider::Icu, "en").unwrap();
        let texts = ["b", "B", "a", "A", "résumé", "resume", "Resume", "_x", "10", "9"];
        assert_eq!(
            sorted(en, &texts),
            ["_x", "10", "9", "a", "A", "b", "B", "resume", "Resume", "résumé"].map(String::from)
        );
        let sv = Collation::open(Provider::Icu, "sv").unwrap();
        assert_eq!(sorted(sv, &["ä", "z", "å", "a"]), ["a", "z", "å", "ä"].map(String::from));
        assert_eq!(sorted(en, &["ä", "z", "å", "a"]), ["a", "å", "ä", "z"].map(String::from));
    }

    /// The key, and what it is of equal texts, is all that an index sees (COLL-1).
    #[test]
    fn keys_order_as_texts_compare() {
        let texts = ["", "a", "ab", "a b", "á", "A", "ß", "ss", "\u{1}", "日本", "e\u{301}", "\u{e9}"];
        for provider in [Provider::Icu, Provider::Libc] {
            let locale = if provider == Provider::Icu { "de" } else { "en_US.utf8" };
            let Ok(c) = Collation::open(provider, locale) else { continue };
            let key = |t: &str| {
                let mut k = Vec::new();
                c.encode(t.as_bytes(), &mut k);
                k
            };
            for a in texts {
                for b in texts {
                    assert_eq!(key(a).cmp(&key(b)), c.compare(a.as_bytes(), b.as_bytes()), "{a:?} {b:?} {provider:?}");
                    assert!(a == b || !key(b).starts_with(&key(a)), "{a:?} begins {b:?}");
                }
            }
        }
    }

    /// Texts of one key are one text, and orders of one locale are two.
    #[test]
    fn keys_decide_where_a_collation_is_nondeterministic() {
        let strict = Collation::open(Provider::Icu, "und-u-ks-level2").unwrap();
        let loose = Collation::open_nondeterministic("und-u-ks-level2").unwrap();
        assert!(strict.compare(b"a", b"A").is_ne() && loose.compare(b"a", b"A").is_eq());
        let key = |c: Collation, t: &str| {
            let mut k = Vec::new();
            c.encode(t.as_bytes(), &mut k);
            k
        };
        assert_eq!(key(loose, "Été"), key(loose, "éTÉ"));
        assert_ne!(key(strict, "a"), key(strict, "A"));
        assert_eq!(Collation::from_written(&loose.written()).unwrap(), loose);
    }

    #[test]
    fn an_order_is_found_by_what_was_noted() {
        let en = Collation::open(Provider::Icu, "en").unwrap();
        assert_eq!(Collation::from_written(&en.written()).unwrap(), en);
        assert_eq!(Collation::from_written("").unwrap(), Collation::BYTES);
        assert_eq!(Collation::open(Provider::Libc, "C.UTF-8").unwrap(), Collation::BYTES);
        assert!(Collation::open(Provider::Libc, "xx_YY.utf8").is_err());
        assert!(Collation::open(Provider::Icu, "not a locale").is_ok());
        assert!(Collation::open(Provider::Icu, "@colNumeric=lower").is_err());
    }
}
