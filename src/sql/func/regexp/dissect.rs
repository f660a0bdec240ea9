//! Which part of a match each group has. PostgreSQL 15, regexec.c, cdissect: same rules.
//!
//! An expression with groups is a tree; where the whole match lies is known. Of two pieces in a row the first takes as
//! much, or as little, as it prefers and as lets the second match the rest; of alternatives the first counts that
//! matches all there is; of a group that is repeated the last round. A backtracking engine decides otherwise: piece by
//! piece inside of groups, and for the first alternative with which it gets on.

use super::engine::{Groups, syntax_config};
use super::syntax::Preference;
use parking_lot::Mutex;
use regex_automata::hybrid::dfa::{Cache, DFA, OverlappingState};
use regex_automata::{Anchored, Input, MatchKind, nfa::thompson};
use std::collections::HashMap;
use std::sync::OnceLock;

/// So many steps are taken before a match is left to the engine's own groups.
const MAX_STEPS: usize = 1_000_000;

/// A piece of an expression.
#[derive(Debug)]
pub struct Part {
    /// In the engines' syntax.
    pub pattern: String,
    pub preference: Preference,
    pub shape: Shape,
    /// How many quantifiers in it leave room, up to [`MANY`]; alternatives are many.
    pub loose: usize,
    /// The engine's own groups may differ.
    pub ambiguous: bool,
    ends: OnceLock<Option<(DFA, Mutex<Cache>)>>,
}

#[derive(Debug)]
pub enum Shape {
    /// Without groups.
    Plain,
    Group(usize, Box<Part>),
    Pair(Box<Part>, Box<Part>),
    Choice(Vec<Part>),
    /// Any number of times, up to a limit.
    Repeat(Box<Part>, Option<u32>),
}

/// More than one reason to choose.
pub const MANY: usize = 2;

impl Part {
    pub fn new(pattern: String, preference: Preference, shape: Shape, loose: usize) -> Part {
        let loose = loose.min(MANY);
        let ambiguous = match &shape {
            Shape::Plain => loose == MANY,
            Shape::Group(_, inner) => inner.ambiguous || loose == MANY,
            Shape::Pair(a, b) => a.ambiguous || b.ambiguous,
            Shape::Choice(_) | Shape::Repeat(..) => true,
        };
        Part { pattern, preference, shape, loose, ambiguous, ends: OnceLock::new() }
    }

    pub fn has_groups(&self) -> bool {
        !matches!(self.shape, Shape::Plain)
    }

    /// All ends of matches that start exactly here; None where no automaton can tell.
    fn ends(&self, prefix: &str, text: &str, from: usize, to: usize) -> Option<Vec<usize>> {
        let build = || {
            let config =
                DFA::config().match_kind(MatchKind::All).unicode_word_boundary(true).skip_cache_capacity_check(true);
            let dfa = DFA::builder()
                .configure(config)
                .syntax(syntax_config())
                .thompson(thompson::Config::new())
                .build(&format!("{prefix}(?:{})", self.pattern))
                .ok()?;
            let cache = Mutex::new(dfa.create_cache());
            Some((dfa, cache))
        };
        let (dfa, cache) = self.ends.get_or_init(build).as_ref()?;
        let input = Input::new(text).span(from..to).anchored(Anchored::Yes);
        let (mut state, mut found) = (OverlappingState::start(), Vec::new());
        loop {
            dfa.try_search_overlapping_fwd(&mut cache.lock(), &input, &mut state).ok()?;
            match state.get_match() {
                Some(m) => found.push(m.offset()),
                None => return Some(found),
            }
        }
    }
}

/// An expression whose groups are found by the rules above.
#[derive(Debug)]
pub struct Dissector {
    pub root: Part,
    /// Flags in front of every pattern.
    pub prefix: String,
}

impl Dissector {
    /// The groups of a match that lies here; None: it is too much, or nobody can tell.
    pub fn groups(&self, text: &str, from: usize, to: usize, count: usize) -> Option<Groups> {
        let mut groups = vec![None; count];
        groups[0] = Some(from..to);
        let mut run = Run { prefix: &self.prefix, text, to, groups, known: HashMap::new(), steps: 0 };
        run.part(&self.root, from, to)?.then_some(run.groups)
    }
}

struct Run<'a> {
    prefix: &'a str,
    text: &'a str,
    to: usize,
    groups: Groups,
    /// Ends by piece and start.
    known: HashMap<(*const Part, usize), std::sync::Arc<[usize]>>,
    steps: usize,
}

impl Run<'_> {
    fn ends(&mut self, part: &Part, from: usize) -> Option<std::sync::Arc<[usize]>> {
        let key = (std::ptr::from_ref(part), from);
        if let Some(known) = self.known.get(&key) {
            return Some(known.clone());
        }
        let found: std::sync::Arc<[usize]> = part.ends(self.prefix, self.text, from, self.to)?.into();
        self.steps += found.len() + 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        self.known.insert(key, found.clone());
        Some(found)
    }

    /// Where a piece may end, the ends it prefers first.
    fn preferred(&mut self, part: &Part, from: usize, to: usize) -> Option<Vec<usize>> {
        let ends = self.ends(part, from)?;
        let mut list: Vec<usize> = ends.iter().copied().filter(|e| *e <= to).collect();
        if part.preference != Preference::Shortest {
            list.reverse();
        }
        Some(list)
    }

    fn matches(&mut self, part: &Part, from: usize, to: usize) -> Option<bool> {
        Some(self.ends(part, from)?.binary_search(&to).is_ok())
    }

    /// Finds the groups of a piece that matches exactly this; false: its parts do not go together so.
    fn part(&mut self, part: &Part, from: usize, to: usize) -> Option<bool> {
        match &part.shape {
            Shape::Plain => Some(true),
            Shape::Group(n, inner) => {
                let found = self.part(inner, from, to)?;
                if found && let Some(group) = self.groups.get_mut(*n) {
                    *group = Some(from..to);
                }
                Some(found)
            }
            Shape::Pair(left, right) => self.pair(left, right, from, to),
            Shape::Choice(list) => {
                for branch in list {
                    if self.matches(branch, from, to)? && self.part(branch, from, to)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            // One empty round, if there can be one; none of what would rather be short (PostgreSQL's creviterdissect).
            Shape::Repeat(item, _) if from == to => {
                let goes = item.preference != Preference::Shortest;
                if goes && self.matches(item, from, to)? && !self.part(item, from, to)? {
                    return Some(false);
                }
                Some(true)
            }
            Shape::Repeat(item, most) => self.rounds(item, *most, from, to),
        }
    }

    fn pair(&mut self, left: &Part, right: &Part, from: usize, to: usize) -> Option<bool> {
        for middle in self.preferred(left, from, to)? {
            if !self.matches(right, middle, to)? {
                continue;
            }
            let before = self.groups.clone();
            if self.part(left, from, middle)? && self.part(right, middle, to)? {
                return Some(true);
            }
            self.groups = before;
        }
        Some(false)
    }

    /// Divides a text into rounds, none of them empty.
    fn rounds(&mut self, item: &Part, most: Option<u32>, from: usize, to: usize) -> Option<bool> {
        let most = most.map_or(usize::MAX, |m| m as usize);
        let before = self.groups.clone();
        // Of each round: where it starts, and where it may end.
        let mut stack = vec![(from, self.preferred(item, from, to)?.into_iter())];
        while let Some((start, ends)) = stack.last_mut() {
            let start = *start;
            let Some(end) = ends.next() else {
                stack.pop();
                continue;
            };
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return None;
            }
            self.groups.clone_from(&before);
            if end == start || end < to && stack.len() >= most || !self.part(item, start, end)? {
                continue;
            }
            if end == to {
                return Some(true);
            }
            stack.push((end, self.preferred(item, end, to)?.into_iter()));
        }
        self.groups = before;
        Some(false)
    }
}
