//! `thesaurus`: phrases in the place of phrases, after another dictionary has normalized their words.

use super::{Dictionary, Files, Norm, State, check_file_name, invalid};
use crate::base::{Error, Result};
use crate::err;
use crate::text_search::{Loaded, is_space};
use hashbrown::HashMap;
use std::sync::Arc;

/// A word of a rule's phrase.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    rule: usize,
    at: usize,
    /// How many lexemes the word's variant has.
    lexemes: usize,
}

struct Rule {
    last: usize,
    result: Vec<Norm>,
}

pub struct Thesaurus {
    below: Arc<Loaded>,
    /// Where a lexeme stands in rules; None: a stop word.
    words: HashMap<Option<String>, Vec<Place>>,
    rules: Vec<Rule>,
}

/// The rules that fit all tokens so far, the last one first, and how many tokens those are.
pub struct Matching {
    rules: Vec<usize>,
    at: usize,
}

/// A line of the file: the sample phrase, and what stands for it, each with whether it is to be taken as it is.
struct Line {
    sample: Vec<String>,
    result: Vec<(String, bool)>,
}

fn broken(text: impl Into<String>) -> Error {
    Error::new(crate::base::SqlState::CONFIG_FILE_ERROR, text)
}

impl Line {
    /// None: nothing or a comment.
    fn read(line: &str) -> Result<Option<Line>> {
        let line = line.trim_start_matches(is_space);
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let Some((sample, result)) = line.split_once(':') else { return Err(broken("unexpected end of line")) };
        let sample: Vec<String> = words(sample).map(str::to_owned).collect();
        if sample.is_empty() {
            return Err(broken("unexpected delimiter"));
        }
        let mut made = Vec::new();
        for word in words(result) {
            let (word, as_is) = match (word.strip_prefix('*'), word.strip_prefix('\\')) {
                (Some(rest), _) => (rest, true),
                (_, Some(rest)) => (rest, false),
                _ => (word, false),
            };
            if word.is_empty() {
                return Err(broken("unexpected end of line or lexeme"));
            }
            made.push((word.to_owned(), as_is));
        }
        match made.is_empty() {
            true => Err(broken("unexpected end of line")),
            false => Ok(Some(Line { sample, result: made })),
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|w| !w.is_empty())
}

impl Thesaurus {
    pub fn new(options: &[(String, String)], files: &dyn Files) -> Result<Thesaurus> {
        let (mut file, mut below) = (None, None);
        for (name, value) in options {
            let (slot, shown) = match name.as_str() {
                "dictfile" => (&mut file, "DictFile"),
                "dictionary" => (&mut below, "Dictionary"),
                _ => return Err(invalid(format!("unrecognized Thesaurus parameter: \"{name}\""))),
            };
            if slot.replace(value.clone()).is_some() {
                return Err(invalid(format!("multiple {shown} parameters")));
            }
        }
        let file = file.ok_or_else(|| invalid("missing DictFile parameter"))?;
        check_file_name(&file)?;
        let text = files.read(&file, "ths", "thesaurus")?;
        let below = below.ok_or_else(|| invalid("missing Dictionary parameter"))?;
        let mut made = Thesaurus { below: files.dictionary(&below)?, words: HashMap::new(), rules: Vec::new() };
        let lines = text.lines().filter_map(|l| Line::read(l).transpose()).collect::<Result<Vec<Line>>>()?;
        for (rule, line) in lines.iter().enumerate() {
            for (at, word) in line.sample.iter().enumerate() {
                made.add_sample(rule, at, word)?;
            }
        }
        for (rule, line) in lines.iter().enumerate() {
            let result = made.result(rule, &line.result)?;
            made.rules.push(Rule { last: line.sample.len() - 1, result });
        }
        for places in made.words.values_mut() {
            places.sort_unstable();
            places.dedup();
        }
        Ok(made)
    }

    fn below(&self, word: &str) -> Option<Vec<Norm>> {
        self.below.dictionary.lexize(word, &mut State::default())
    }

    fn add_sample(&mut self, rule: usize, at: usize, word: &str) -> Result<()> {
        if word == "?" {
            self.words.entry(None).or_default().push(Place { rule, at, lexemes: 1 });
            return Ok(());
        }
        let norms = self.below(word).ok_or_else(|| {
            let text = "isn't recognized by subdictionary";
            broken(format!("thesaurus sample word \"{word}\" {text} (rule {})", rule + 1))
        })?;
        if norms.is_empty() {
            return Err(broken(format!("thesaurus sample word \"{word}\" is a stop word (rule {})", rule + 1))
                .hint("Use \"?\" to represent a stop word within a sample phrase."));
        }
        for variant in norms.chunk_by(|a, b| a.variant == b.variant) {
            for norm in variant {
                let place = Place { rule, at, lexemes: variant.len() };
                self.words.entry(Some(norm.text.clone())).or_default().push(place);
            }
        }
        Ok(())
    }

    fn result(&self, rule: usize, words: &[(String, bool)]) -> Result<Vec<Norm>> {
        let mut out: Vec<Norm> = Vec::new();
        for (n, (word, as_is)) in words.iter().enumerate() {
            let norms = match as_is {
                true => vec![Norm { variant: n as u16, ..Norm::of(word.as_str()) }],
                false => self.below(word).ok_or_else(|| {
                    let text = "isn't recognized by subdictionary";
                    broken(format!("thesaurus substitute word \"{word}\" {text} (rule {})", rule + 1))
                })?,
            };
            if norms.is_empty() {
                let text = format!("thesaurus substitute word \"{word}\" is a stop word (rule {})", rule + 1);
                return Err(broken(text));
            }
            let first = out.len();
            out.extend(norms);
            if first > 0 {
                out[first].next_position = true;
            }
        }
        Ok(out)
    }

    /// The rules that go on with a variant of a token.
    fn fitting(&self, lexemes: &[Option<String>], before: Option<&Matching>, at: usize, found: &mut Vec<usize>) {
        let lists: Option<Vec<&Vec<Place>>> = lexemes.iter().map(|l| self.words.get(l)).collect();
        let Some(lists) = lists else { return };
        let has = |list: &[Place], rule| list.contains(&Place { rule, at, lexemes: lexemes.len() });
        for place in lists[0] {
            let rule = place.rule;
            let fits = lists.iter().all(|l| has(l, rule)) && before.is_none_or(|m| m.rules.contains(&rule));
            if fits && !found.contains(&rule) {
                found.insert(0, rule);
            }
        }
    }
}

impl Dictionary for Thesaurus {
    fn lexize(&self, token: &str, state: &mut State) -> Option<Vec<Norm>> {
        state.wants_more = false;
        if state.at_end {
            return None;
        }
        let before = state.matching.take();
        let at = before.as_ref().map_or(0, |m| m.at + 1);
        let mut rules = Vec::new();
        match self.below(token) {
            Some(norms) if norms.is_empty() => self.fitting(&[None], before.as_ref(), at, &mut rules),
            Some(norms) => {
                for variant in norms.chunk_by(|a, b| a.variant == b.variant) {
                    let lexemes: Vec<Option<String>> = variant.iter().map(|n| Some(n.text.clone())).collect();
                    self.fitting(&lexemes, before.as_ref(), at, &mut rules);
                }
            }
            None => {}
        }
        if rules.is_empty() {
            return None;
        }
        let complete = rules.iter().position(|r| self.rules[*r].last == at);
        state.wants_more = complete.is_none_or(|n| rules.len() > 1 && (n > 0 || rules.len() > n + 1));
        let result = complete.map(|n| self.rules[rules[n]].result.clone());
        state.matching = Some(Matching { rules, at });
        result
    }
}

/// # Errors
/// A thesaurus cannot be asked for single words.
pub fn nested() -> Error {
    err!(INTERNAL_ERROR, "forbidden call of thesaurus or nested call")
}
