//! Affixes: what is at the beginning or the end of a form, and what the base form has there instead.

use super::mask::Mask;
use super::words::Words;
use super::{MAX_LENGTH, flag};
use hashbrown::HashMap;

pub struct Affix {
    /// Words that have this flag take it.
    pub flag: String,
    pub flags: u32,
    pub suffix: bool,
    /// What the base form has.
    pub find: String,
    /// What the form has.
    pub text: String,
    pub mask: Mask,
}

impl Affix {
    /// Whether a part of a compound word may have it.
    fn may_be_at(&self, part: u32) -> bool {
        let is = |bit: u32| self.flags & bit != 0;
        if part == 0 {
            !is(flag::ONLY)
        } else if part & flag::BEGIN != 0 {
            !is(flag::FORBID) && (is(flag::BEGIN) || !self.suffix)
        } else if part & flag::MIDDLE != 0 {
            is(flag::MIDDLE) && !is(flag::FORBID)
        } else if part & flag::LAST != 0 {
            !is(flag::FORBID) && (is(flag::LAST) || self.suffix)
        } else {
            true
        }
    }

    /// The word without it. `kept`: so much of the word was there before a suffix was taken off.
    pub fn removed(&self, word: &[u8], part: u32, kept: Option<usize>) -> Option<Vec<u8>> {
        let rest = word.len().checked_sub(self.text.len()).filter(|_| self.may_be_at(part))?;
        if rest + self.find.len() >= 2 * MAX_LENGTH {
            return None;
        }
        let base = match self.suffix {
            true => [&word[..rest], self.find.as_bytes()].concat(),
            // A word of nothing but a prefix and a suffix is none.
            false if kept.is_some_and(|k| k + self.find.len() <= self.text.len()) => return None,
            false => [self.find.as_bytes(), &word[self.text.len()..]].concat(),
        };
        std::str::from_utf8(&base).is_ok_and(|b| self.mask.fits(b, self.suffix)).then_some(base)
    }
}

/// An affix that compound words have inside.
pub struct Joint {
    pub text: Vec<u8>,
    pub suffix: bool,
}

pub struct Affixes {
    all: Vec<Affix>,
    prefixes: HashMap<Vec<u8>, Vec<usize>>,
    suffixes: HashMap<Vec<u8>, Vec<usize>>,
    longest: usize,
    pub joints: Vec<Joint>,
}

/// The order of suffixes: by their last letters first.
fn reversed(text: &str) -> Vec<u8> {
    text.bytes().rev().collect()
}

impl Affixes {
    pub fn new(mut all: Vec<Affix>, words: &Words) -> Affixes {
        all.sort_by(|a, b| {
            a.suffix.cmp(&b.suffix).then_with(|| match a.suffix {
                true => reversed(&a.text).cmp(&reversed(&b.text)),
                false => a.text.as_bytes().cmp(b.text.as_bytes()),
            })
        });
        let mut made = Affixes {
            prefixes: HashMap::new(),
            suffixes: HashMap::new(),
            longest: all.iter().map(|a| a.text.len()).max().unwrap_or(0),
            joints: joints(&all, words),
            all: Vec::new(),
        };
        for (n, a) in all.iter().enumerate() {
            let table = if a.suffix { &mut made.suffixes } else { &mut made.prefixes };
            table.entry(a.text.clone().into_bytes()).or_default().push(n);
        }
        made.all = all;
        made
    }

    /// Those a word begins with, shorter ones first.
    pub fn prefixes<'a>(&'a self, word: &[u8]) -> impl Iterator<Item = &'a Affix> {
        let ends = (0..=word.len().min(self.longest)).filter_map(|n| self.prefixes.get(&word[..n]));
        ends.flatten().map(|n| &self.all[*n]).collect::<Vec<_>>().into_iter()
    }

    pub fn suffixes<'a>(&'a self, word: &[u8]) -> impl Iterator<Item = &'a Affix> {
        let ends = (0..=word.len().min(self.longest)).filter_map(|n| self.suffixes.get(&word[word.len() - n..]));
        ends.flatten().map(|n| &self.all[*n]).collect::<Vec<_>>().into_iter()
    }
}

/// The shortest affixes that words in compounds have.
fn joints(sorted: &[Affix], words: &Words) -> Vec<Joint> {
    let mut found: Vec<Joint> = Vec::new();
    for a in sorted {
        if a.flags & flag::ANYWHERE == 0 || a.text.is_empty() || !words.uses(&a.flag) {
            continue;
        }
        let text = a.text.as_bytes();
        let new = found.last().is_none_or(|last| last.suffix != a.suffix || !text.ends_with(&last.text));
        if new {
            found.push(Joint { text: text.to_vec(), suffix: a.suffix });
        }
    }
    found
}
