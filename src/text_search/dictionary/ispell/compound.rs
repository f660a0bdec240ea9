//! Compound words, taken apart in every way there is (PostgreSQL 15, spell.c, SplitToVariants).

use super::words::ROOT;
use super::{Ispell, MAX_LENGTH, flag};

type Stems = Vec<Vec<u8>>;

/// More ways are not looked for.
const MAX_WAYS: usize = 10_000;

struct Splitting<'a> {
    dictionary: &'a Ispell,
    word: &'a [u8],
    ways: usize,
}

impl Ispell {
    /// The ways a word may be made of others.
    pub(super) fn split(&self, word: &[u8]) -> Vec<Stems> {
        if word.len() > MAX_LENGTH {
            return Vec::new();
        }
        let mut s = Splitting { dictionary: self, word, ways: 0 };
        s.variants(None, Vec::new(), 0, -1)
    }
}

impl Splitting<'_> {
    fn part(&self, start: bool, level: usize) -> u32 {
        if start {
            flag::BEGIN
        } else if level + 1 == self.word.len() {
            flag::LAST
        } else {
            flag::MIDDLE
        }
    }

    /// The next affix of those in compound words from `from` on that is here, and how long it is.
    fn joint(&self, from: &mut usize, level: usize, in_place: bool) -> Option<usize> {
        let rest = &self.word[level..];
        while let Some(j) = self.dictionary.affixes.joints.get(*from) {
            *from += 1;
            if rest.len() <= j.text.len() {
                continue;
            }
            let at = match in_place {
                true => rest.starts_with(&j.text).then_some(0),
                false => rest.windows(j.text.len()).position(|w| w == j.text),
            };
            if let Some(at) = at {
                return Some(if j.suffix { at + j.text.len() } else { 0 });
            }
        }
        None
    }

    fn variants(&mut self, node: Option<usize>, before: Stems, start: usize, least: i64) -> Vec<Stems> {
        let (word, dictionary) = (self.word, self.dictionary);
        let mut start = start;
        let mut level = if node.is_some() { least.max(0) as usize } else { start };
        let mut node = Some(node.unwrap_or(ROOT));
        let mut not_tried = vec![true; word.len()];
        let mut var = before;
        let mut others: Vec<Stems> = Vec::new();
        self.ways += 1;
        while level < word.len() && self.ways < MAX_WAYS {
            let mut from = 0;
            while level > start
                && let Some(len) = self.joint(&mut from, level, node.is_some())
            {
                let len = level - start + len;
                if !not_tried[start + len - 1] || (level + len) as i64 - 1 <= least || len >= MAX_LENGTH {
                    continue;
                }
                let part = self.part(level == 0, level);
                let forms = dictionary.forms(&word[start..start + len], part);
                if !forms.is_empty() {
                    not_tried[start + len - 1] = false;
                    let with: Stems = var.iter().cloned().chain(forms).collect();
                    others.extend(self.variants(None, with, start + len, (start + len) as i64));
                }
            }
            let Some(at) = node else { break };
            let Some(next) = dictionary.words.step(at, word[level]) else {
                node = None;
                level += 1;
                continue;
            };
            let part = self.part(start == 0, level);
            let whole = dictionary.words.word(next).is_some_and(|w| w.compound & part != 0);
            if whole && not_tried[level] && level as i64 > least {
                if level + 1 == word.len() {
                    var.push(word[start..].to_vec());
                    return std::iter::once(var).chain(others).collect();
                }
                // A longer word may begin at the same place.
                others.extend(self.variants(Some(at), var.clone(), start, level as i64));
                level += 1;
                var.push(word[start..level].to_vec());
                node = Some(ROOT);
                start = level;
                continue;
            }
            node = (!dictionary.words.ends(next)).then_some(next);
            level += 1;
        }
        var.push(word[start..].to_vec());
        std::iter::once(var).chain(others).collect()
    }
}
