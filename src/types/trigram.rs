//! Trigrams of texts, as `pg_trgm` counts them: words in small letters, two blanks before each and one behind.
//!
//! PostgreSQL 15, trgm_op.c: same trigrams, same similarities.

use super::citext::small;

/// Three bytes: the three characters where they are ASCII, else the beginning of a checksum.
pub type Trigram = [u8; 3];

/// The reflected table of CRC-32, which PostgreSQL's old checksum uses the other way round.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut crc = n as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
};

fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32, b: &u8| TABLE[((crc >> 24) as u8 ^ b) as usize] ^ crc << 8;
    bytes.iter().fold(u32::MAX, step) ^ u32::MAX
}

fn trigram(chars: &[char]) -> Trigram {
    if let [a, b, c] = chars
        && a.is_ascii()
        && b.is_ascii()
        && c.is_ascii()
    {
        return [*a as u8, *b as u8, *c as u8];
    }
    let text: String = chars.iter().collect();
    let [a, b, c, _] = checksum(text.as_bytes()).to_le_bytes();
    [a, b, c]
}

/// A trigram of a text, and whether it begins or ends a word.
#[derive(Clone, Copy, Debug)]
struct Placed {
    trigram: Trigram,
    first: bool,
    last: bool,
}

fn placed(text: &str) -> Vec<Placed> {
    let mut out = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        let mut chars = vec![' ', ' '];
        chars.extend(word.chars().map(small));
        chars.push(' ');
        let count = chars.len() - 2;
        let windows = chars.windows(3).enumerate();
        out.extend(windows.map(|(n, w)| Placed { trigram: trigram(w), first: n == 0, last: n + 1 == count }));
    }
    out
}

/// By signed bytes, as PostgreSQL sorts them where `char` has a sign.
fn order(t: &Trigram) -> [i8; 3] {
    t.map(|b| b as i8)
}

/// The trigrams of a text, each once, in order.
pub fn of(text: &str) -> Vec<Trigram> {
    let mut all: Vec<Trigram> = placed(text).iter().map(|p| p.trigram).collect();
    all.sort_unstable_by_key(order);
    all.dedup();
    all
}

/// The trigrams that every text that has this piece in it must have. `begins`, `ends`: the piece is at the text's ends.
pub fn of_piece(piece: &str, begins: bool, ends: bool) -> Vec<Trigram> {
    let mut out = Vec::new();
    let is_word = |c: &char| c.is_alphanumeric();
    let chars: Vec<char> = piece.chars().map(small).collect();
    let mut at = 0;
    while at < chars.len() {
        let length = chars[at..].iter().take_while(|c| is_word(c)).count();
        if length == 0 {
            at += 1;
            continue;
        }
        // Blanks around a word are known only where the piece shows that it ends there.
        let mut word = Vec::new();
        if at > 0 || begins {
            word.extend([' ', ' ']);
        }
        word.extend(&chars[at..at + length]);
        at += length;
        if at < chars.len() || ends {
            word.push(' ');
        }
        out.extend(word.windows(3).map(trigram));
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// How a trigram is shown: as text, or as a number where it is a checksum.
pub fn shown(t: &Trigram) -> String {
    match t.iter().all(|b| b.is_ascii_alphanumeric() || *b == b' ') {
        true => t.iter().map(|b| *b as char).collect(),
        false => format!("0x{:02x}{:02x}{:02x}", t[0], t[1], t[2]),
    }
}

fn ratio(common: usize, a: usize, b: usize) -> f32 {
    common as f32 / (a + b - common) as f32
}

/// What two texts have in common, from 0 to 1.
pub fn similarity(a: &str, b: &str) -> f32 {
    let (a, b) = (of(a), of(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let common = a.iter().filter(|t| b.binary_search_by_key(&order(t), order).is_ok()).count();
    ratio(common, a.len(), b.len())
}

/// The greatest similarity of a text and any continuous part of another one; `strict`: a part that is whole words.
pub fn word_similarity(needle: &str, text: &str, strict: bool) -> f32 {
    let (needle, text) = (of(needle), placed(text));
    // Trigrams by number: those of the needle come first.
    let mut known = needle.clone();
    let mut extra: Vec<Trigram> = text.iter().map(|p| p.trigram).collect();
    extra.sort_unstable_by_key(order);
    extra.dedup();
    extra.retain(|t| needle.binary_search_by_key(&order(t), order).is_err());
    known.extend(extra);
    let numbers: std::collections::HashMap<Trigram, usize> = known.iter().enumerate().map(|(n, t)| (*t, n)).collect();
    let indexes: Vec<usize> = text.iter().map(|p| numbers.get(&p.trigram).copied().unwrap_or_default()).collect();
    Search { text: &text, indexes: &indexes, wanted: needle.len(), last: vec![None; known.len()], strict }.run()
}

struct Search<'a> {
    text: &'a [Placed],
    /// The number of each of the text's trigrams; those below `wanted` are the needle's.
    indexes: &'a [usize],
    wanted: usize,
    /// Where a trigram was seen last, inside the part.
    last: Vec<Option<usize>>,
    strict: bool,
}

impl Search<'_> {
    fn is_wanted(&self, at: usize) -> bool {
        self.indexes[at] < self.wanted
    }

    fn run(mut self) -> f32 {
        let (mut best, mut distinct, mut common) = (0.0f32, 0, 0);
        let mut lower = self.strict.then_some(0);
        for at in 0..self.text.len() {
            if lower.is_some() || self.is_wanted(at) {
                if self.last[self.indexes[at]].is_none() {
                    distinct += 1;
                    common += usize::from(self.is_wanted(at));
                }
                self.last[self.indexes[at]] = Some(at);
            }
            if !(if self.strict { self.text[at].last } else { self.is_wanted(at) }) {
                continue;
            }
            let from = match lower {
                Some(from) => from,
                None => {
                    distinct = 1;
                    at
                }
            };
            let (found, to) = self.shorten(from, at, &mut distinct, &mut common);
            best = best.max(found);
            // What is left of the part no longer counts.
            for gone in from..to {
                let index = self.indexes[gone];
                if self.last[index] == Some(gone) {
                    self.last[index] = None;
                }
            }
            lower = Some(to);
        }
        best
    }

    /// The part's best beginning: its similarity, and where it is.
    fn shorten(&self, from: usize, upper: usize, distinct: &mut usize, common: &mut usize) -> (f32, usize) {
        let mut best = ratio(*common, self.wanted, *distinct);
        let (mut lower, mut left, mut shared) = (from, *distinct, *common);
        for at in from..=upper {
            if !self.strict || self.text[at].first {
                let now = ratio(shared, self.wanted, left);
                if now > best {
                    (best, *distinct, lower, *common) = (now, left, at, shared);
                }
            }
            if self.last[self.indexes[at]] == Some(at) {
                left -= 1;
                shared -= usize::from(self.is_wanted(at));
            }
        }
        (best, lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        of(text).iter().map(shown).collect()
    }

    #[test]
    fn words_give_trigrams() {
        assert_eq!(all("Cat"), ["  c", " ca", "at ", "cat"]);
        assert_eq!(all("foo|bar"), ["  b", "  f", " ba", " fo", "ar ", "bar", "foo", "oo "]);
        assert!(all("").is_empty() && all(" ,- ").is_empty());
    }

    /// The examples of PostgreSQL's documentation.
    #[test]
    fn similarities() {
        assert_eq!(similarity("word", "two words"), 0.363_636_37);
        assert_eq!(word_similarity("word", "two words", false), 0.8);
        assert_eq!(word_similarity("word", "two words", true), 0.571_428_6);
        assert_eq!(similarity("", "x"), 0.0);
        assert_eq!(word_similarity("word", "", false), 0.0);
    }

    /// Whatever has the piece in it has its trigrams.
    #[test]
    fn pieces_are_found() {
        let whole = of("the quick brown fox");
        for (piece, begins, ends) in
            [("uick bro", false, false), ("the qu", true, false), ("n fox", false, true), ("q", false, false)]
        {
            assert!(of_piece(piece, begins, ends).iter().all(|t| whole.contains(t)), "{piece}");
        }
        assert_eq!(of_piece("uick bro", false, false).len(), 6);
        assert!(of_piece("ab", false, false).is_empty());
    }
}
