//! Running translated expressions: leftmost, then longest or shortest, as POSIX and PostgreSQL want it.
//!
//! Rust's engines find the leftmost match and, among its ends, the one a backtracker would try first. So the start is
//! theirs, the end is sought by an automaton that knows all ends, and groups are matched again between both.

use super::dissect::Dissector;
use super::syntax::{Flags, Preference, Translation, translate};
use crate::base::memory::Claimed;
use crate::base::{Error, Result};
use crate::err;
use parking_lot::Mutex;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::{captures, syntax};
use regex_automata::{Anchored, Input, MatchKind, meta, nfa::thompson};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Group 0 is the whole match.
pub type Groups = Vec<Option<Range<usize>>>;

/// A compiled expression.
#[derive(Debug)]
pub struct Regex {
    engine: Engine,
    preference: Preference,
    pattern: String,
    groups: usize,
    /// Knows every end of a match; None where it cannot be built.
    ends: OnceLock<Option<(DFA, Mutex<Cache>)>>,
    /// Where groups may be chosen otherwise than the engine does.
    dissector: Option<Dissector>,
    /// The same expression that must end where the text ends.
    whole: OnceLock<Option<meta::Regex>>,
}

#[derive(Debug)]
enum Engine {
    Automaton(Box<meta::Regex>),
    Backtracking(Box<fancy_regex::Regex>),
}

#[cold]
fn invalid(e: impl std::fmt::Display) -> Error {
    let text = e.to_string();
    let line = text.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
    err!(INVALID_REGULAR_EXPRESSION, "invalid regular expression: {line}")
}

pub(super) fn syntax_config() -> syntax::Config {
    syntax::Config::new().nest_limit(1000)
}

fn build(pattern: &str) -> std::result::Result<meta::Regex, Box<meta::BuildError>> {
    meta::Builder::new()
        .configure(meta::Config::new().nfa_size_limit(Some(64 << 20)))
        .syntax(syntax_config())
        .build(pattern)
        .map_err(Box::new)
}

impl Regex {
    pub fn new(text: &str, flags: Flags) -> Result<Regex> {
        let Translation { pattern, preference, backtracking, dissector } = translate(text, flags)?;
        let engine = if backtracking {
            Engine::Backtracking(Box::new(fancy_regex::Regex::new(&pattern).map_err(invalid)?))
        } else {
            Engine::Automaton(Box::new(build(&pattern).map_err(|e| {
                e.syntax_error().map_or_else(
                    || {
                        err!(
                            INVALID_REGULAR_EXPRESSION,
                            "invalid regular expression: regular expression is too complex"
                        )
                    },
                    invalid,
                )
            })?))
        };
        let groups = match &engine {
            Engine::Automaton(m) => m.group_info().group_len(regex_automata::PatternID::ZERO),
            Engine::Backtracking(b) => b.captures_len(),
        };
        Ok(Regex { engine, preference, pattern, groups, dissector, ends: OnceLock::new(), whole: OnceLock::new() })
    }

    /// Number of groups, the whole match counted.
    pub fn groups(&self) -> usize {
        self.groups
    }

    pub fn is_match(&self, text: &str) -> Result<bool> {
        match &self.engine {
            Engine::Automaton(m) => Ok(m.is_match(text)),
            Engine::Backtracking(b) => b.is_match(text).map_err(invalid),
        }
    }

    /// The first match at or after `from`, with its groups.
    pub fn find(&self, text: &str, from: usize) -> Result<Option<Groups>> {
        let m = match &self.engine {
            Engine::Automaton(m) => m,
            Engine::Backtracking(b) => {
                let found = b.captures_from_pos(text, from).map_err(invalid)?;
                return Ok(found.map(|c| (0..c.len()).map(|i| c.get(i).map(|g| g.start()..g.end())).collect()));
            }
        };
        let mut caps = m.create_captures();
        m.search_captures(&Input::new(text).span(from..text.len()), &mut caps);
        let Some(first) = caps.get_match() else { return Ok(None) };
        if let Some(dissector) = &self.dissector {
            let end = match self.preference {
                Preference::None => first.end(),
                _ => self.preferred_end(text, first.start()).unwrap_or(first.end()),
            };
            if let Some(groups) = dissector.groups(text, first.start(), end, self.groups) {
                return Ok(Some(groups));
            }
        }
        if self.preference == Preference::None || (self.preference == Preference::Longest && first.end() == text.len())
        {
            return Ok(Some(ranges(&caps)));
        }
        let end = self.preferred_end(text, first.start()).unwrap_or(first.end());
        if end == first.end() {
            return Ok(Some(ranges(&caps)));
        }
        Ok(Some(self.groups_between(text, first.start(), end).unwrap_or_else(|| {
            let mut groups = vec![None; self.groups];
            groups[0] = Some(first.start()..end);
            groups
        })))
    }

    /// The longest or shortest match that starts exactly here.
    fn preferred_end(&self, text: &str, start: usize) -> Option<usize> {
        let (dfa, cache) = self
            .ends
            .get_or_init(|| {
                let dfa = DFA::builder()
                    .configure(
                        DFA::config()
                            .match_kind(MatchKind::All)
                            .unicode_word_boundary(true)
                            .skip_cache_capacity_check(true),
                    )
                    .syntax(syntax_config())
                    .thompson(thompson::Config::new())
                    .build(&self.pattern)
                    .ok()?;
                let cache = Mutex::new(dfa.create_cache());
                Some((dfa, cache))
            })
            .as_ref()?;
        let shortest = self.preference == Preference::Shortest;
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes).earliest(shortest);
        dfa.try_search_fwd(&mut cache.lock(), &input).ok().flatten().map(|m| m.offset())
    }

    fn groups_between(&self, text: &str, start: usize, end: usize) -> Option<Groups> {
        let whole = self.whole.get_or_init(|| build(&format!("(?:{})\\z", self.pattern)).ok()).as_ref()?;
        let mut caps = whole.create_captures();
        whole.search_captures(&Input::new(&text[..end]).span(start..end).anchored(Anchored::Yes), &mut caps);
        caps.is_match().then(|| ranges(&caps))
    }

    /// All matches without overlap, from left to right; `limit` of them at most.
    pub fn find_all(&self, text: &str, limit: usize) -> Result<Vec<Groups>> {
        let mut out = Vec::new();
        let mut from = 0;
        let mut claimed = Claimed::default();
        while out.len() < limit && from <= text.len() {
            claimed.grown(out.len() * 256, "ExprContext")?;
            let Some(groups) = self.find(text, from)? else { break };
            let Some(whole) = groups[0].clone() else { break };
            // After an empty match the search goes on one character further.
            from = if whole.is_empty() { next_char(text, whole.end) } else { whole.end };
            out.push(groups);
        }
        Ok(out)
    }
}

/// The offset behind the character at `at`, or one past the end.
pub fn next_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

fn ranges(caps: &captures::Captures) -> Groups {
    (0..caps.group_len()).map(|i| caps.get_group(i).map(|s| s.start..s.end)).collect()
}

/// Compiled expressions of a statement, so that a constant pattern is compiled once.
#[derive(Clone, Debug, Default)]
pub struct RegexCache {
    last: Option<(String, Flags, Arc<Regex>)>,
    all: HashMap<(String, Flags), Arc<Regex>>,
}

/// More than this many patterns are not kept.
const CACHED: usize = 64;

impl RegexCache {
    pub fn get(&mut self, pattern: &str, flags: Flags) -> Result<Arc<Regex>> {
        if let Some((p, f, r)) = &self.last
            && p == pattern
            && *f == flags
        {
            return Ok(r.clone());
        }
        let key = (pattern.to_owned(), flags);
        let regex = match self.all.get(&key) {
            Some(r) => r.clone(),
            None => {
                if self.all.len() >= CACHED {
                    self.all.clear();
                }
                let r = Arc::new(Regex::new(pattern, flags)?);
                self.all.insert(key, r.clone());
                r
            }
        };
        self.last = Some((pattern.to_owned(), flags, regex.clone()));
        Ok(regex)
    }
}
