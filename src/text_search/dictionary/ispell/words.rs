//! The words of a dictionary, letter by letter, with their flags.

use super::flag;
use super::read::Flags;
use crate::base::Result;
use crate::text_search::{Letters, is_space};
use hashbrown::HashSet;
use std::collections::BTreeMap;

#[derive(Default)]
struct Node {
    next: BTreeMap<u8, usize>,
    /// Of a word that ends here.
    word: Option<Word>,
}

#[derive(Clone, Default, PartialEq)]
pub struct Word {
    flags: Vec<String>,
    /// What the flags mean in compound words.
    pub compound: u32,
}

pub struct Words {
    nodes: Vec<Node>,
    used: HashSet<String>,
}

/// Where a walk over the letters has come to; the root: nowhere yet.
pub const ROOT: usize = 0;

impl Words {
    pub fn read(text: &str, flags: &Flags, letters: Letters) -> Result<Words> {
        let mut made = Words { nodes: vec![Node::default()], used: HashSet::new() };
        let mut lines: Vec<(String, &str)> = Vec::new();
        for line in text.lines() {
            let (word, given) = line.split_once('/').unwrap_or((line, ""));
            let end = given.find(|c: char| !c.is_ascii_graphic()).unwrap_or(given.len());
            let word = letters.lower(word.split(is_space).next().unwrap_or_default());
            lines.push((word, &given[..end]));
        }
        // Of several wrong flags, those of the first word are told.
        lines.sort();
        for (word, given) in lines.iter().filter(|(word, _)| !word.is_empty()) {
            made.add(word.as_bytes(), flags.of_word(given)?, flags);
        }
        Ok(made)
    }

    fn add(&mut self, word: &[u8], given: Vec<String>, flags: &Flags) {
        self.used.extend(given.iter().cloned());
        let mut at = ROOT;
        for b in word {
            let fresh = self.nodes.len();
            let next = *self.nodes[at].next.entry(*b).or_insert(fresh);
            if next == fresh {
                self.nodes.push(Node::default());
            }
            at = next;
        }
        let own = flags.compound(&given) & flag::MASK;
        let mut word = Word { flags: given, compound: own };
        let mut free = false;
        if let Some(before) = self.nodes[at].word.take()
            && before.flags != word.flags
        {
            // One of two words of the same letters stands alone.
            free = before.compound & own & flag::ONLY == 0;
            word.flags = [before.flags, word.flags].concat();
            word.compound = flags.compound(&word.flags) & flag::MASK;
        }
        if word.compound & flag::ONLY != 0 && word.compound & flag::ANYWHERE == 0 {
            word.compound |= flag::ANYWHERE;
        }
        if free {
            word.compound &= !flag::ONLY;
        }
        self.nodes[at].word = Some(word);
    }

    /// One letter further.
    pub fn step(&self, at: usize, letter: u8) -> Option<usize> {
        self.nodes[at].next.get(&letter).copied()
    }

    pub fn ends(&self, at: usize) -> bool {
        self.nodes[at].next.is_empty()
    }

    pub fn word(&self, at: usize) -> Option<&Word> {
        self.nodes[at].word.as_ref()
    }

    /// Whether any word has a flag.
    pub fn uses(&self, flag: &str) -> bool {
        flag.is_empty() || self.used.contains(flag)
    }

    /// Whether there is a word that has a flag and may be there.
    pub fn has(&self, word: &[u8], flag: &str, part: u32) -> bool {
        let Some(at) = word.iter().try_fold(ROOT, |at, b| self.step(at, *b)) else { return false };
        let Some(found) = self.word(at) else { return false };
        let part = part & flag::MASK;
        let allowed = match part {
            0 => found.compound & flag::ONLY == 0,
            part => found.compound & part != 0,
        };
        allowed && (flag.is_empty() || found.flags.iter().any(|f| f == flag))
    }
}
