//! Runs a [`Program`] over a word.

use super::program::{Command, Number, Program, Relation, Text};

/// No algorithm needs nearly as many steps; a loop that does not end is cut short.
const MAX_STEPS: usize = 1_000_000;

struct Machine<'a> {
    program: &'a Program,
    word: Vec<u8>,
    cursor: usize,
    /// Where the cursor may go to: `low` is the limit on the way backwards.
    limit: usize,
    low: usize,
    /// The slice.
    left: usize,
    right: usize,
    backward: bool,
    flags: Vec<bool>,
    integers: Vec<i64>,
    strings: Vec<Vec<u8>>,
    /// What each among's strings asked for when one was found last.
    found: Vec<Option<usize>>,
    steps: usize,
}

pub fn stem(program: &Program, word: &[u8]) -> Vec<u8> {
    let mut m = Machine {
        program,
        word: word.to_vec(),
        cursor: 0,
        limit: word.len(),
        low: 0,
        left: 0,
        right: word.len(),
        backward: false,
        flags: vec![false; program.flags],
        integers: vec![0; program.integers],
        strings: vec![Vec::new(); program.strings],
        found: vec![None; program.amongs.len()],
        steps: 0,
    };
    m.run(&program.routines[program.stem]);
    m.word.truncate(m.limit);
    m.word
}

/// A place that stays what it is while the word changes on the side the cursor has not reached.
#[derive(Clone, Copy)]
struct Place(usize);

impl Machine<'_> {
    fn place(&self) -> Place {
        Place(if self.backward { self.limit.saturating_sub(self.cursor) } else { self.cursor })
    }

    fn back_to(&mut self, place: Place) {
        self.cursor = if self.backward { self.limit.saturating_sub(place.0) } else { place.0 };
    }

    fn run(&mut self, command: &Command) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return false;
        }
        match command {
            Command::List(all) => all.iter().all(|c| self.run(c)),
            Command::Or(all) => {
                let place = self.place();
                all.iter().any(|c| {
                    self.back_to(place);
                    self.run(c)
                })
            }
            Command::And(all) => {
                let place = self.place();
                all.iter().all(|c| {
                    self.back_to(place);
                    self.run(c)
                })
            }
            Command::Not(c) => {
                let place = self.place();
                let done = self.run(c);
                if !done {
                    self.back_to(place);
                }
                !done
            }
            Command::Try(c) => {
                let place = self.place();
                if !self.run(c) {
                    self.back_to(place);
                }
                true
            }
            Command::Test(c) => {
                let place = self.place();
                let done = self.run(c);
                if done {
                    self.back_to(place);
                }
                done
            }
            Command::Do(c) => {
                let place = self.place();
                self.run(c);
                self.back_to(place);
                true
            }
            Command::Fail(c) => {
                self.run(c);
                false
            }
            Command::Goto(c) => self.search(c, true),
            Command::GoPast(c) => self.search(c, false),
            Command::Repeat(c) => self.repeat(c),
            Command::Loop(n, c) => (0..self.number(n)).all(|_| self.run(c)),
            Command::AtLeast(n, c) => (0..self.number(n)).all(|_| self.run(c)) && self.repeat(c),
            Command::Backwards(c) => {
                (self.low, self.cursor) = (self.cursor, self.limit);
                self.backward = true;
                let done = self.run(c);
                self.backward = false;
                self.cursor = self.low;
                self.low = 0;
                done
            }
            Command::SetLimit(place, c) => self.with_limit(place, c),
            Command::Hop(n) => {
                let n = self.number(n);
                n >= 0 && (0..n).all(|_| self.step().is_some())
            }
            Command::Next => self.step().is_some(),
            Command::SetMark(n) => {
                self.integers[*n] = self.cursor as i64;
                true
            }
            Command::ToMark(n) => {
                let mark = self.number(n);
                let cursor = self.cursor as i64;
                let reachable = if self.backward { cursor >= mark } else { cursor <= mark };
                if reachable && mark >= 0 {
                    self.cursor = mark as usize;
                }
                reachable
            }
            Command::AtMark(n) => self.number(n) == self.cursor as i64,
            Command::ToLimit => {
                self.cursor = if self.backward { self.low } else { self.limit };
                true
            }
            Command::AtLimit => {
                if self.backward {
                    self.cursor <= self.low
                } else {
                    self.cursor >= self.limit
                }
            }
            Command::Left | Command::Right => {
                if matches!(command, Command::Left) == self.backward {
                    self.right = self.cursor;
                } else {
                    self.left = self.cursor;
                }
                true
            }
            Command::SliceTo(n) => match self.word.get(self.left..self.right) {
                Some(slice) => {
                    self.strings[*n] = slice.to_vec();
                    true
                }
                None => false,
            },
            Command::SliceFrom(text) => {
                let text = self.text(text);
                self.left <= self.right && self.right <= self.limit && {
                    self.replace(self.left, self.right, &text);
                    true
                }
            }
            Command::Insert(text, attach) => {
                let (text, at) = (self.text(text), self.cursor);
                let grown = text.len();
                self.replace(at, at, &text);
                if at <= self.left {
                    self.left += grown;
                }
                if at <= self.right {
                    self.right += grown;
                }
                if *attach != self.backward {
                    self.cursor = at;
                }
                true
            }
            Command::Literal(text) => {
                let text = self.text(text);
                self.matches(&text)
            }
            Command::SetFlag(n, value) => {
                self.flags[*n] = *value;
                true
            }
            Command::Flag(n) => self.flags[*n],
            Command::Call(n) => {
                let program = self.program;
                self.run(&program.routines[*n])
            }
            Command::Grouping(n, inside) => {
                let program = self.program;
                let before = self.cursor;
                match self.step() {
                    Some(c) if program.groupings[*n].contains(&c) == *inside => true,
                    _ => {
                        self.cursor = before;
                        false
                    }
                }
            }
            Command::Assign(n, value) => {
                self.integers[*n] = self.number(value);
                true
            }
            Command::Compare(a, relation, b) => {
                let (a, b) = (self.number(a), self.number(b));
                match relation {
                    Relation::Equal => a == b,
                    Relation::NotEqual => a != b,
                    Relation::Greater => a > b,
                    Relation::GreaterEqual => a >= b,
                    Relation::Less => a < b,
                    Relation::LessEqual => a <= b,
                }
            }
            Command::Substring(n) => self.substring(*n),
            Command::Among(n) => {
                let among = &self.program.amongs[*n];
                if among.starter.as_ref().is_some_and(|s| !self.run(s)) {
                    return false;
                }
                match self.found[*n].and_then(|a| among.actions.get(a)) {
                    Some(action) => self.run(action),
                    None => true,
                }
            }
            Command::Constant(value) => *value,
        }
    }

    fn repeat(&mut self, c: &Command) -> bool {
        loop {
            let place = self.place();
            if !self.run(c) {
                self.back_to(place);
                return true;
            }
        }
    }

    /// Goes on, character by character, to where the command succeeds.
    fn search(&mut self, c: &Command, before: bool) -> bool {
        loop {
            let place = self.place();
            if self.run(c) {
                if before {
                    self.back_to(place);
                }
                return true;
            }
            self.back_to(place);
            if self.step().is_none() {
                return false;
            }
        }
    }

    fn with_limit(&mut self, to: &Command, c: &Command) -> bool {
        let place = self.place();
        if !self.run(to) {
            return false;
        }
        if self.backward {
            let low = std::mem::replace(&mut self.low, self.cursor);
            self.back_to(place);
            let done = self.run(c);
            self.low = low;
            done
        } else {
            let beyond = self.limit - self.cursor;
            self.limit = self.cursor;
            self.back_to(place);
            let done = self.run(c);
            self.limit += beyond;
            done
        }
    }

    /// The character the cursor goes over.
    fn step(&mut self) -> Option<char> {
        if self.backward {
            let before = self.word.get(self.low..self.cursor)?;
            let start = (0..before.len()).rev().find(|n| before[*n] & 0xC0 != 0x80)?;
            let c = std::str::from_utf8(&before[start..]).ok()?.chars().next()?;
            self.cursor = self.low + start;
            Some(c)
        } else {
            let after = self.word.get(self.cursor..self.limit)?;
            let first = *after.first()?;
            let len = match first {
                0..0x80 => 1,
                0x80..0xE0 => 2,
                0xE0..0xF0 => 3,
                _ => 4,
            };
            let c = std::str::from_utf8(after.get(..len)?).ok()?.chars().next()?;
            self.cursor += len;
            Some(c)
        }
    }

    fn text(&self, text: &Text) -> Vec<u8> {
        match text {
            Text::Literal(t) => t.clone(),
            Text::Variable(n) => self.strings[*n].clone(),
        }
    }

    fn matches(&mut self, text: &[u8]) -> bool {
        let found = if self.backward {
            self.word.get(self.low..self.cursor).is_some_and(|w| w.ends_with(text))
        } else {
            self.word.get(self.cursor..self.limit).is_some_and(|w| w.starts_with(text))
        };
        if found {
            self.cursor = if self.backward { self.cursor - text.len() } else { self.cursor + text.len() };
        }
        found
    }

    /// Puts another text in the place of a part; the cursor stays at what it stood at.
    fn replace(&mut self, from: usize, to: usize, text: &[u8]) {
        if from > to || to > self.word.len() {
            return;
        }
        self.word.splice(from..to, text.iter().copied());
        self.limit = self.limit + text.len() - (to - from);
        if self.cursor >= to {
            self.cursor = self.cursor + text.len() - (to - from);
        } else if self.cursor > from {
            self.cursor = from;
        }
    }

    /// The longest string here whose routine agrees.
    fn substring(&mut self, n: usize) -> bool {
        let among = &self.program.amongs[n];
        let at = self.cursor;
        let room = if self.backward { at.saturating_sub(self.low) } else { self.limit.saturating_sub(at) };
        for len in among.lengths.iter().copied().filter(|l| *l <= room) {
            let (from, after) = if self.backward { (at - len, at - len) } else { (at, at + len) };
            let Some((routine, action)) = among.strings.get(&self.word[from..from + len]) else { continue };
            self.cursor = after;
            if let Some(routine) = routine {
                let program = self.program;
                let place = self.place();
                let agrees = self.run(&program.routines[*routine]);
                self.back_to(place);
                if !agrees {
                    continue;
                }
            }
            self.found[n] = *action;
            return true;
        }
        self.cursor = at;
        false
    }

    fn number(&self, n: &Number) -> i64 {
        let chars = |w: &[u8]| w.iter().filter(|b| **b & 0xC0 != 0x80).count() as i64;
        match n {
            Number::Constant(c) => *c,
            Number::Variable(v) => self.integers[*v],
            Number::Cursor => self.cursor as i64,
            Number::Limit => {
                if self.backward {
                    self.low as i64
                } else {
                    self.limit as i64
                }
            }
            Number::Len => chars(&self.word),
            Number::Size => self.word.len() as i64,
            Number::LenOf(s) => chars(&self.strings[*s]),
            Number::SizeOf(s) => self.strings[*s].len() as i64,
            Number::Negative(a) => self.number(a).wrapping_neg(),
            Number::Sum(a, b) => self.number(a).wrapping_add(self.number(b)),
            Number::Difference(a, b) => self.number(a).wrapping_sub(self.number(b)),
            Number::Product(a, b) => self.number(a).wrapping_mul(self.number(b)),
            Number::Quotient(a, b) => self.number(a).checked_div(self.number(b)).unwrap_or(0),
        }
    }
}
