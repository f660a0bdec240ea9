//! `lquery`: patterns over the labels of a path, level by level.
//!
//! Bytes: the pattern as it is shown.

use super::{MAX_LEVELS, Word, check_label, is_label_char, unexpected, unfinished, versioned};
use crate::base::Result;
use crate::err;
use crate::types::code::TypeCode;
use std::fmt::Write;

pub static CODE: TypeCode = TypeCode {
    input: ("ltree", "lquery_in"),
    name: "lquery",
    read: |s| Ok(parse(s)?.show().into_bytes()),
    show: |b, out| out.extend_from_slice(b),
    receive: |b| Ok(parse(versioned(b, "lquery")?)?.show().into_bytes()),
    send: super::send,
    key: None,
};

/// One item of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Any of them; none: `*`, any label.
    pub words: Vec<Word>,
    /// `!`: none of them.
    pub not: bool,
    /// Was told how often.
    counted: bool,
    /// How many labels it stands for.
    pub least: usize,
    pub most: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(pub Vec<Item>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Level,
    Word,
    Delimiter,
    Open,
    First,
    Second,
    Close,
    Next,
    End,
}

/// What is being read.
struct Reader<'a> {
    text: &'a str,
    items: Vec<Item>,
    start: usize,
    flags: [bool; 3],
}

impl Reader<'_> {
    fn item(&mut self) -> &mut Item {
        if self.items.is_empty() {
            self.new_item(false);
        }
        let last = self.items.len() - 1;
        &mut self.items[last]
    }

    fn new_item(&mut self, not: bool) {
        self.items.push(Item { words: Vec::new(), not, counted: false, least: 1, most: 1 });
    }

    fn begin_word(&mut self, at: usize) {
        self.start = at;
        self.flags = [false; 3];
    }

    /// A word ends before the byte `at`, the character with the place `place`.
    fn end_word(&mut self, at: usize, place: usize) -> Result<()> {
        let label = self.text[self.start..at].trim_end_matches(['@', '*', '%']).to_owned();
        check_label("lquery", &label, place)?;
        let [any_case, prefix, parts] = self.flags;
        self.item().words.push(Word { text: label, any_case, prefix, parts });
        Ok(())
    }

    /// The number at a byte, as C's `atoi` has it.
    fn number(&self, at: usize) -> i64 {
        let digits = self.text[at..].bytes().take_while(u8::is_ascii_digit).count();
        // What is too big for an int is refused like the biggest one.
        self.text[at..at + digits].parse::<i64>().unwrap_or(i64::MAX).min(i64::from(i32::MAX))
    }

    fn bound(&self, at: usize, place: usize, what: &str) -> Result<usize> {
        let n = self.number(at);
        match usize::try_from(n).ok().filter(|n| *n <= MAX_LEVELS) {
            Some(n) => Ok(n),
            None => {
                let detail =
                    format!("{what} limit ({n}) exceeds the maximum allowed ({MAX_LEVELS}), at character {place}.");
                Err(err!(SYNTAX_ERROR, "lquery syntax error").detail(detail))
            }
        }
    }
}

/// PostgreSQL 15, ltree_io.c, parse_lquery: the same states, the same faults.
pub fn parse(text: &str) -> Result<Pattern> {
    let count = text.matches('.').count() + 1;
    if count > MAX_LEVELS {
        let text = format!("number of lquery items ({count}) exceeds the maximum allowed ({MAX_LEVELS})");
        return Err(err!(PROGRAM_LIMIT_EXCEEDED, "{text}"));
    }
    let mut r = Reader { text, items: Vec::new(), start: 0, flags: [false; 3] };
    let mut state = State::Level;
    let mut place = 0;
    for (at, c) in text.char_indices() {
        place += 1;
        state = match (state, c) {
            (State::Level, c) if is_label_char(c) => {
                r.new_item(false);
                r.begin_word(at);
                State::Delimiter
            }
            (State::Level, '!') => {
                r.new_item(true);
                r.begin_word(at + 1);
                State::Delimiter
            }
            (State::Level, '*') => {
                r.new_item(false);
                (r.item().least, r.item().most) = (0, MAX_LEVELS);
                State::Open
            }
            (State::Word, c) if is_label_char(c) => {
                r.begin_word(at);
                State::Delimiter
            }
            (State::Delimiter, '@' | '*' | '%') => {
                r.flags[match c {
                    '@' => 0,
                    '*' => 1,
                    _ => 2,
                }] = true;
                State::Delimiter
            }
            (State::Delimiter, '|') => {
                r.end_word(at, place)?;
                State::Word
            }
            (State::Delimiter, '{') => {
                r.end_word(at, place)?;
                r.item().counted = true;
                State::First
            }
            (State::Delimiter, '.') => {
                r.end_word(at, place)?;
                State::Level
            }
            (State::Delimiter, c) if is_label_char(c) && r.flags == [false; 3] => State::Delimiter,
            (State::Open, '{') => State::First,
            (State::Open | State::End, '.') => State::Level,
            (State::First, ',') => {
                r.item().least = 0;
                State::Second
            }
            (State::First, '0'..='9') => {
                r.item().least = r.bound(at, place, "Low")?;
                State::Next
            }
            (State::Second, '0'..='9') => {
                let (most, least) = (r.bound(at, place, "High")?, r.item().least);
                if least > most {
                    let detail =
                        format!("Low limit ({least}) is greater than high limit ({most}), at character {place}.");
                    return Err(err!(SYNTAX_ERROR, "lquery syntax error").detail(detail));
                }
                r.item().most = most;
                State::Close
            }
            (State::Second, '}') => {
                r.item().most = MAX_LEVELS;
                State::End
            }
            (State::Close, '}') => State::End,
            (State::Next, '}') => {
                r.item().most = r.item().least;
                State::End
            }
            (State::Next, ',') => State::Second,
            (State::Close | State::Next, '0'..='9') => state,
            _ => return unexpected("lquery", place),
        };
    }
    match state {
        State::Delimiter => r.end_word(text.len(), place + 1)?,
        State::Open | State::End => {}
        _ => return unfinished("lquery"),
    }
    Ok(Pattern(r.items))
}

impl Pattern {
    /// Of a stored one.
    pub fn of(stored: &[u8]) -> Pattern {
        std::str::from_utf8(stored).ok().and_then(|t| parse(t).ok()).unwrap_or(Pattern(Vec::new()))
    }

    /// PostgreSQL 15, ltree_io.c, deparse_lquery.
    pub fn show(&self) -> String {
        let mut out = String::new();
        for (n, item) in self.0.iter().enumerate() {
            if n > 0 {
                out.push('.');
            }
            item.show(&mut out);
        }
        out
    }

    pub fn matches(&self, labels: &[&str]) -> bool {
        let mut failed = vec![false; (self.0.len() + 1) * (labels.len() + 1)];
        self.rest_matches(0, labels, 0, &mut failed)
    }

    /// Whether the items from one on stand for all labels from one on. `failed`: pairs that are known not to.
    ///
    /// PostgreSQL 15, lquery_op.c, checkCond: the same answers, without its repetitions.
    fn rest_matches(&self, item: usize, labels: &[&str], label: usize, failed: &mut [bool]) -> bool {
        let Some(i) = self.0.get(item) else { return label == labels.len() };
        let known = item * (labels.len() + 1) + label;
        if failed[known] {
            return false;
        }
        let most = i.most.min(labels.len() - label);
        for taken in 0..=most {
            if taken >= i.least && self.rest_matches(item + 1, labels, label + taken, failed) {
                return true;
            }
            if taken == most || !i.takes(labels[label + taken]) {
                break;
            }
        }
        failed[known] = true;
        false
    }
}

impl Item {
    fn takes(&self, label: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|w| w.matches(label)) != self.not
    }

    fn show(&self, out: &mut String) {
        match self.words.is_empty() {
            true => out.push('*'),
            false => {
                out.push_str(if self.not { "!" } else { "" });
                for (n, w) in self.words.iter().enumerate() {
                    out.push_str(if n > 0 { "|" } else { "" });
                    out.push_str(&w.text);
                    out.push_str(if w.parts { "%" } else { "" });
                    out.push_str(if w.any_case { "@" } else { "" });
                    out.push_str(if w.prefix { "*" } else { "" });
                }
            }
        }
        if !self.counted && !self.words.is_empty() {
            return;
        }
        let (least, most) = (self.least, self.most);
        let _ = match (least, most) {
            (l, m) if l == m => write!(out, "{{{l}}}"),
            (0, MAX_LEVELS) if self.words.is_empty() => Ok(()),
            (0, MAX_LEVELS) => write!(out, "{{,}}"),
            (0, m) => write!(out, "{{,{m}}}"),
            (l, MAX_LEVELS) => write!(out, "{{{l},}}"),
            (l, m) => write!(out, "{{{l},{m}}}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        parse(pattern).unwrap().matches(&super::super::labels(path.as_bytes()))
    }

    /// As PostgreSQL 15 answers.
    #[test]
    fn patterns() {
        for (pattern, shown) in [
            ("1.*.4|3|2.*{1}", "1.*.4|3|2.*{1}"),
            ("*{,}.a%@*{2,}", "*.a%@*{2,}"),
            ("!a|b.*{,4}", "!a|b.*{,4}"),
            ("a{,}", "a{,}"),
        ] {
            assert_eq!(parse(pattern).unwrap().show(), shown);
        }
        assert!(fits("*.b.*", "a.b.c") && !fits("*.b", "a.b.c") && fits("a.*{1,2}", "a.b.c"));
        assert!(fits("a.!x.*", "a.b.c") && !fits("a.!b.*", "a.b.c") && fits("A@.*", "a.b"));
        assert!(fits("foo_bar%.*", "foo_bar_baz.x") && fits("foo_bar%*", "foo1_bar2_baz"));
        assert!(!fits("foo_bar%*", "foo1_br2_baz"));
        assert!(fits("*{2}", "a.b") && !fits("*{3}", "a.b") && fits("a{2}.b", "a.a.b") && fits("*", ""));
        assert!(fits("b*.c", "bar.c") && !fits("b.c", "bar.c"));
    }

    /// Many stars end soon.
    #[test]
    fn many_stars() {
        let pattern = format!("{}x", "*.".repeat(60));
        assert!(!fits(&pattern, &vec!["a"; 60].join(".")));
    }

    #[test]
    fn faults() {
        let fault = |text| parse(text).unwrap_err().0.message.clone();
        assert_eq!(fault("1.*{4,3}"), "lquery syntax error");
        assert_eq!(fault("1.2..a"), "lquery syntax error at character 5");
        assert_eq!(fault("!"), "lquery syntax error at character 2");
        assert_eq!(fault("a@b"), "lquery syntax error at character 3");
        assert_eq!(fault("*{"), "lquery syntax error");
    }
}
