//! `fuzzystrmatch`: texts that are written or sound alike.

use super::{Code, Extension, PLAIN};
use crate::base::Result;
use crate::err;
use crate::sql::func::FnContext;
use crate::types::{Column, Datum};

pub(super) const EXTENSION: Extension = Extension {
    name: "fuzzystrmatch",
    version: "1.1",
    comment: "determine similarities and distance between strings",
    script: include_str!("fuzzystrmatch.sql"),
    code: &[
        ("levenshtein", Code::Scalar(|_, a, out| distance(a, [1, 1, 1], None, out))),
        ("levenshtein_with_costs", Code::Scalar(|_, a, out| distance(a, costs(a), None, out))),
        ("levenshtein_less_equal", Code::Scalar(|_, a, out| distance(a, [1, 1, 1], Some(a[2].i32()), out))),
        ("levenshtein_less_equal_with_costs", Code::Scalar(|_, a, out| distance(a, costs(a), Some(a[5].i32()), out))),
        ("metaphone", Code::Scalar(metaphone)),
        ("soundex", Code::Scalar(soundex)),
        ("difference", Code::Scalar(difference)),
    ],
    ..PLAIN
};

/// Characters, or bytes of a code, at most.
const LONGEST: usize = 255;

fn costs(args: &[Datum<'_>]) -> [i32; 3] {
    [args[2].i32(), args[3].i32(), args[4].i32()]
}

/// What it costs to make one text of the other by insertions, deletions and substitutions. With a limit, whatever is above
/// it is one more.
fn levenshtein(a: &[char], b: &[char], [insert, delete, substitute]: [i32; 3]) -> i64 {
    let (insert, delete, substitute) = (i64::from(insert), i64::from(delete), i64::from(substitute));
    let mut row: Vec<i64> = (0..=a.len() as i64).map(|n| n * delete).collect();
    for (n, to) in b.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (n as i64 + 1) * insert;
        for (m, from) in a.iter().enumerate() {
            let changed = diagonal + if from == to { 0 } else { substitute };
            diagonal = row[m + 1];
            row[m + 1] = changed.min(diagonal + insert).min(row[m] + delete);
        }
    }
    row[a.len()]
}

fn distance(args: &[Datum<'_>], costs: [i32; 3], limit: Option<i32>, out: &mut Column) -> Result<()> {
    let (a, b): (Vec<char>, Vec<char>) = (args[0].str().chars().collect(), args[1].str().chars().collect());
    if a.len() > LONGEST || b.len() > LONGEST {
        let text = format!("levenshtein argument exceeds maximum length of {LONGEST} characters");
        return Err(err!(INVALID_PARAMETER_VALUE, "{text}"));
    }
    let found = levenshtein(&a, &b, costs);
    let cut = limit.filter(|l| *l >= 0).map_or(found, |l| found.min(i64::from(l) + 1));
    out.push(Datum::I32(cut.clamp(i32::MIN.into(), i32::MAX.into()) as i32));
    Ok(())
}

/// The digits of the letters from A; 0: none.
const SOUNDS: &[u8; 26] = b"01230120022455012623010202";

fn soundex_of(text: &str) -> String {
    let mut letters = text.bytes().skip_while(|b| !b.is_ascii_alphabetic());
    let Some(first) = letters.next().map(|b| b.to_ascii_uppercase()) else { return String::new() };
    let sound = |b: u8| if b.is_ascii_alphabetic() { SOUNDS[(b.to_ascii_uppercase() - b'A') as usize] } else { 0 };
    let mut out = vec![first];
    let mut last = sound(first);
    for b in letters {
        if out.len() == 4 {
            break;
        }
        let own = sound(b);
        if b.is_ascii_alphabetic() && own != last && own != b'0' {
            out.push(own);
        }
        last = own;
    }
    out.resize(4, b'0');
    String::from_utf8_lossy(&out).into_owned()
}

fn soundex(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(soundex_of(args[0].str()).as_bytes()));
    Ok(())
}

fn difference(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b) = (soundex_of(args[0].str()), soundex_of(args[1].str()));
    out.push(Datum::I32(a.bytes().zip(b.bytes()).filter(|(a, b)| a == b).count() as i32));
    Ok(())
}

fn metaphone(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (text, most) = (args[0].str(), args[1].i32());
    if text.is_empty() {
        out.push(Datum::Bytes(b""));
        return Ok(());
    }
    if text.len() > LONGEST {
        return Err(err!(INVALID_PARAMETER_VALUE, "argument exceeds the maximum length of {LONGEST} bytes"));
    }
    if most > LONGEST as i32 {
        return Err(err!(INVALID_PARAMETER_VALUE, "output exceeds the maximum length of {LONGEST} bytes"));
    }
    if most <= 0 {
        return Err(err!(ZERO_LENGTH_CHARACTER_STRING, "output cannot be empty string"));
    }
    let mut word = Word { bytes: text.to_ascii_uppercase().into_bytes(), at: 0, code: String::new() };
    word.run(most as usize);
    out.push(Datum::Bytes(word.code.as_bytes()));
    Ok(())
}

/// A word whose sounds are being written down (Philips 1990, as PostgreSQL has it).
struct Word {
    bytes: Vec<u8>,
    at: usize,
    code: String,
}

fn is_vowel(b: u8) -> bool {
    matches!(b, b'A' | b'E' | b'I' | b'O' | b'U')
}

/// C and G before it are soft.
fn softens(b: u8) -> bool {
    matches!(b, b'E' | b'I' | b'Y')
}

impl Word {
    fn ahead(&self, by: usize) -> u8 {
        self.bytes.get(self.at + by).copied().unwrap_or_default()
    }

    fn back(&self, by: usize) -> u8 {
        self.at.checked_sub(by).and_then(|n| self.bytes.get(n)).copied().unwrap_or_default()
    }

    fn say(&mut self, sound: char) {
        self.code.push(sound);
    }

    fn run(&mut self, most: usize) {
        while self.at < self.bytes.len() && !self.ahead(0).is_ascii_alphabetic() {
            self.at += 1;
        }
        self.beginning();
        while self.at < self.bytes.len() && self.code.len() < most {
            let own = self.ahead(0);
            if own.is_ascii_alphabetic() && (own != self.back(1) || own == b'C') {
                let skipped = self.letter(own);
                self.at += skipped;
            }
            self.at += 1;
        }
    }

    /// Letters that sound otherwise at the beginning of a word.
    fn beginning(&mut self) {
        let next = self.ahead(1);
        let (sound, letters) = match self.ahead(0) {
            b'A' if next == b'E' => ('E', 2),
            b'G' | b'K' | b'P' if next == b'N' => ('N', 2),
            b'X' => ('S', 1),
            own if is_vowel(own) => (own as char, 1),
            b'W' if next == b'R' => ('R', 2),
            b'W' if is_vowel(next) => ('W', 2),
            _ => return,
        };
        self.say(sound);
        self.at += letters;
    }

    /// The sound of a letter; how many letters after it were part of it.
    fn letter(&mut self, own: u8) -> usize {
        let (last, next, after) = (self.back(1), self.ahead(1), self.ahead(2));
        let ion = next == b'I' && matches!(after, b'O' | b'A');
        let (sound, skipped) = match own {
            b'B' if last == b'M' => return 0,
            b'B' => ('B', 0),
            b'C' if softens(next) => match (next, after, last) {
                (b'I', b'A', _) => ('X', 0),
                (_, _, b'S') => return 0,
                _ => ('S', 0),
            },
            b'C' if next == b'H' => (if after == b'R' || last == b'S' { 'K' } else { 'X' }, 1),
            b'C' => ('K', 0),
            b'D' if next == b'G' && softens(after) => ('J', 1),
            b'D' => ('T', 0),
            b'G' if next == b'H' => match matches!(self.back(3), b'B' | b'D' | b'H') || self.back(4) == b'H' {
                true => return 0,
                false => ('F', 1),
            },
            b'G' if next == b'N' => match !after.is_ascii_alphabetic() || after == b'E' && self.ahead(3) == b'D' {
                true => return 0,
                false => ('K', 0),
            },
            b'G' if softens(next) && last != b'G' => ('J', 0),
            b'G' => ('K', 0),
            b'H' if is_vowel(next) && !matches!(last, b'C' | b'G' | b'P' | b'S' | b'T') => ('H', 0),
            b'K' if last != b'C' => ('K', 0),
            b'P' if next == b'H' => ('F', 0),
            b'P' => ('P', 0),
            b'Q' => ('K', 0),
            b'S' if ion => ('X', 0),
            b'S' if next == b'H' => ('X', 1),
            b'S' if next == b'C' && after == b'H' && self.ahead(3) == b'W' => ('X', 2),
            b'S' | b'Z' => ('S', 0),
            b'T' if ion => ('X', 0),
            b'T' if next == b'H' => ('0', 1),
            b'T' => ('T', 0),
            b'V' => ('F', 0),
            b'W' | b'Y' if is_vowel(next) => (own as char, 0),
            b'X' => {
                self.say('K');
                ('S', 0)
            }
            b'F' | b'J' | b'L' | b'M' | b'N' | b'R' => (own as char, 0),
            _ => return 0,
        };
        self.say(sound);
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds() {
        for (text, code) in [("Anne", "A500"), ("Tymczak", "T522"), ("Pfister", "P236"), ("Ashcraft", "A226"), ("", "")]
        {
            assert_eq!(soundex_of(text), code);
        }
        for (text, code) in [
            ("Thumb", "0M"),
            ("Knight", "NFT"),
            ("Schmidt", "SKMTT"),
            ("judge", "JJ"),
            ("what", "HT"),
            ("Bob-12", "BB"),
            ("1BC", "BK"),
        ] {
            let mut word = Word { bytes: text.to_ascii_uppercase().into_bytes(), at: 0, code: String::new() };
            word.run(9);
            assert_eq!(word.code, code, "{text}");
        }
    }

    #[test]
    fn distances() {
        let cost = |a: &str, b: &str, costs| {
            levenshtein(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>(), costs)
        };
        assert_eq!(cost("GUMBO", "GAMBOL", [1, 1, 1]), 2);
        assert_eq!(cost("GUMBO", "GAMBOL", [2, 1, 1]), 3);
        assert_eq!((cost("", "abc", [1, 1, 1]), cost("abc", "", [2, 3, 4])), (3, 9));
    }
}
