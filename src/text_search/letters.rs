//! Classes of characters and lower case, by the database's `LC_CTYPE`.

use unicode_normalization::char::is_combining_mark;

/// The zeros of the scripts' decimal digits; nine more follow each.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

fn is_decimal(c: char) -> bool {
    let at = ZEROS.partition_point(|z| *z <= c as u32);
    at > 0 && c as u32 - ZEROS[at - 1] < 10
}

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
            Letters::Unicode => c.is_alphabetic() || is_decimal(c),
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
        self == Letters::Unicode && is_combining_mark(c)
    }

    pub fn lower(self, text: &str) -> String {
        if self == Letters::C || text.is_ascii() {
            return text.to_ascii_lowercase();
        }
        let single = |c: char| {
            if c == 'İ' {
                return 'i';
            }
            let mut mapped = c.to_lowercase();
            match (mapped.next(), mapped.next()) {
                (Some(m), None) => m,
                _ => c,
            }
        };
        text.chars().map(single).collect()
    }
}
