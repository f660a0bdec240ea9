//! Tokens through the dictionaries of a configuration (PostgreSQL 15, ts_parse.c, LexizeExec: same order of asking).

use super::dictionary::{Norm, State};
use super::{Config, Loaded};
use std::collections::VecDeque;
use std::sync::Arc;

/// A token on its way; kind 0 is the end of the text.
#[derive(Clone, Debug)]
pub struct Used<'t> {
    pub kind: i32,
    pub text: &'t str,
}

/// A dictionary that looks at several tokens.
struct Phrase {
    dictionary: Arc<Loaded>,
    state: State,
    /// The next token it is to see.
    next: usize,
    /// The longest phrase it knows so far, and how many tokens that is.
    best: Option<(Vec<Norm>, usize)>,
}

pub struct Lexizer<'c, 't> {
    config: &'c Config,
    waiting: VecDeque<Used<'t>>,
    /// Where in the first token's list of dictionaries to go on.
    from: usize,
    phrase: Option<Phrase>,
    /// The tokens the last answer stands for.
    pub used: Vec<Used<'t>>,
}

impl<'c, 't> Lexizer<'c, 't> {
    pub fn new(config: &'c Config) -> Lexizer<'c, 't> {
        Lexizer { config, waiting: VecDeque::new(), from: 0, phrase: None, used: Vec::new() }
    }

    /// Another token.
    pub fn add(&mut self, kind: i32, text: &'t str) {
        self.waiting.push_back(Used { kind, text });
        self.used.clear();
    }

    fn drop_first(&mut self) {
        self.used.extend(self.waiting.pop_front());
        self.from = 0;
    }

    /// What the tokens so far become; None: more of them are needed.
    pub fn norms(&mut self) -> Option<Vec<Norm>> {
        self.used.clear();
        loop {
            match self.phrase.take() {
                Some(phrase) => match self.continued(phrase) {
                    Step::Done(norms) => return Some(norms),
                    Step::Starved => return None,
                    Step::GaveUp => {}
                },
                None => match self.single() {
                    Step::Done(norms) => return Some(norms),
                    Step::Starved => return None,
                    Step::GaveUp => {}
                },
            }
        }
    }

    /// The first token, by itself.
    fn single(&mut self) -> Step {
        while let Some(first) = self.waiting.front().cloned() {
            let map = if first.kind == 0 { &[] } else { self.config.map(first.kind) };
            let mut filtered: Option<String> = None;
            for (n, loaded) in map.iter().enumerate().skip(self.from) {
                let mut state = State::default();
                let text = filtered.as_deref().unwrap_or(first.text);
                let norms = loaded.dictionary.lexize(text, &mut state);
                if state.wants_more {
                    self.from = n + 1;
                    let best = norms.map(|n| (n, 1));
                    self.phrase = Some(Phrase { dictionary: loaded.clone(), state, next: 1, best });
                    return Step::GaveUp;
                }
                let Some(norms) = norms else { continue };
                if let [norm, ..] = &norms[..]
                    && norm.filter
                {
                    filtered = Some(norm.text.clone());
                    continue;
                }
                self.drop_first();
                return Step::Done(norms);
            }
            self.drop_first();
        }
        Step::Starved
    }

    fn continued(&mut self, mut phrase: Phrase) -> Step {
        while let Some(token) = self.waiting.get(phrase.next).cloned() {
            if token.kind != 0 {
                let map = self.config.map(token.kind);
                if map.is_empty() {
                    phrase.next += 1;
                    continue;
                }
                if !map.iter().any(|l| l.oid == phrase.dictionary.oid) {
                    return Step::GaveUp;
                }
            }
            phrase.state.at_end = token.kind == 0;
            phrase.state.wants_more = false;
            let norms = phrase.dictionary.dictionary.lexize(token.text, &mut phrase.state);
            let upto = phrase.next + 1;
            if phrase.state.wants_more {
                phrase.next = upto;
                if let Some(norms) = norms {
                    phrase.best = Some((norms, upto));
                }
                continue;
            }
            return match norms.map(|n| (n, upto)).or(phrase.best) {
                Some((norms, tokens)) => {
                    (0..tokens).for_each(|_| self.drop_first());
                    Step::Done(norms)
                }
                None => Step::GaveUp,
            };
        }
        self.phrase = Some(phrase);
        Step::Starved
    }
}

enum Step {
    Done(Vec<Norm>),
    /// No token is left.
    Starved,
    /// Goes on in the other way.
    GaveUp,
}
