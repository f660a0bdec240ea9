//! Classes of characters and lower case, by the database's `LC_CTYPE`.

use unicode_normalization::char::is_combining_mark;

/// What counts as a letter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Letters {
    /// Locale C: whatever is not ASCII is a letter, and has no other case.
    #[default]
    C,
    Unicode,
}

impl Letters {
    /// By the name of a locale.
    pub fn of(ctype: &str) -> Letters {
        if matches!(ctype, "" | "C" | "POSIX") { Letters::C } else { Letters::Unicode }
    }

    pub fn is_letter(self, c: char) -> bool {
        match self {
            _ if c.is_ascii() => c.is_ascii_alphabetic(),
            Letters::C => true,
            // As in the C library, digits that are not ASCII are letters.
            Letters::Unicode => c.is_alphanumeric(),
        }
    }

    pub fn is_space(self, c: char) -> bool {
        match self {
            _ if c.is_ascii() => super::is_space(c),
            Letters::C => false,
            Letters::Unicode => c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}'),
        }
    }

    /// A sign that breaks no word: without width of its own, or a vowel sign.
    pub fn is_mark(self, c: char) -> bool {
        self == Letters::Unicode
            && (is_combining_mark(c)
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}'))
    }

    pub fn lower(self, text: &str) -> String {
        if self == Letters::C || text.is_ascii() {
            return text.to_ascii_lowercase();
        }
        let single = |c: char| {
            let mut mapped = c.to_lowercase();
            match (mapped.next(), mapped.next()) {
                (Some(m), None) => m,
                _ => c,
            }
        };
        text.chars().map(single).collect()
    }
}
