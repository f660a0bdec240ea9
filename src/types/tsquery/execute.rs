//! Whether a query is fulfilled (PostgreSQL 15, tsvector_op.c, TS_execute: same three-valued rules).

use super::Query;
use super::read::Join;
use crate::types::tsvector::{Lexeme, position, weight};

/// What is known of a part of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    No,
    /// Something needed to tell, a position or a weight, is not known.
    Maybe,
    Yes,
}

/// Where a part of a query is fulfilled: at the ends of those places, ascending, or, negated, everywhere else.
#[derive(Clone, Default, Debug)]
pub struct Found {
    pub places: Vec<u16>,
    negated: bool,
    /// From the beginning of the place to its end.
    width: i32,
}

/// Which of two lists' places count.
#[derive(Clone, Copy)]
struct Emit {
    left: bool,
    right: bool,
    both: bool,
}

/// Tells of a lexeme; the places only where they are asked for.
type Check<'c> = dyn FnMut(&Query, Option<&mut Found>) -> Answer + 'c;

impl Query {
    /// Whether a document fulfils the query.
    pub fn matches(&self, lexemes: &[Lexeme]) -> bool {
        self.answer(&mut |q, found| q.in_document(lexemes, found)) == Answer::Yes
    }

    /// Above any phrase no places are needed. A phrase that may be there counts as none.
    pub fn answer(&self, check: &mut Check<'_>) -> Answer {
        match self {
            Query::Value { .. } => check(self, None),
            Query::Not(a) => match a.answer(check) {
                Answer::No => Answer::Yes,
                Answer::Maybe => Answer::Maybe,
                Answer::Yes => Answer::No,
            },
            Query::And(a, b) => match a.answer(check) {
                Answer::No => Answer::No,
                left => match b.answer(check) {
                    Answer::Yes => left,
                    right => right,
                },
            },
            Query::Or(a, b) => match a.answer(check) {
                Answer::Yes => Answer::Yes,
                left => match b.answer(check) {
                    Answer::No => left,
                    right => right,
                },
            },
            Query::Phrase(..) => match self.places(check, &mut Found::default()) {
                Answer::Maybe => Answer::No,
                answer => answer,
            },
        }
    }

    /// Inside of a phrase it matters where.
    pub fn places(&self, check: &mut Check<'_>, out: &mut Found) -> Answer {
        match self {
            Query::Value { .. } => check(self, Some(out)),
            Query::Not(a) => match a.places(check, out) {
                Answer::No => {
                    (out.places, out.negated) = (Vec::new(), true);
                    Answer::Yes
                }
                Answer::Yes => {
                    out.negated = !out.negated;
                    if out.places.is_empty() && !out.negated { Answer::No } else { Answer::Yes }
                }
                Answer::Maybe => Answer::Maybe,
            },
            Query::And(a, b) => both(a, b, Join::And, check, out),
            Query::Phrase(a, b, distance) => both(a, b, Join::Phrase(*distance), check, out),
            Query::Or(a, b) => either(a, b, check, out),
        }
    }

    /// A lexeme of the query in a document.
    fn in_document(&self, lexemes: &[Lexeme], found: Option<&mut Found>) -> Answer {
        let Query::Value { text, weights, prefix } = self else { return Answer::No };
        let from = lexemes.partition_point(|l| l.text.as_bytes() < text.as_bytes());
        let fits = |l: &&Lexeme| if *prefix { l.text.starts_with(text.as_str()) } else { l.text == *text };
        let all = lexemes[from..].iter().take_while(fits);
        let mut answer = Answer::No;
        let mut places = Vec::new();
        for l in all {
            if l.positions.is_empty() {
                // Weights do not count where there are none.
                match found {
                    Some(_) => return Answer::Maybe,
                    None => return Answer::Yes,
                }
            }
            let heavy = |p: &&u16| *weights == 0 || weights >> weight(**p) & 1 == 1;
            let before = places.len();
            places.extend(l.positions.iter().filter(heavy).map(|p| position(*p)));
            if places.len() > before {
                answer = Answer::Yes;
            }
        }
        if let Some(found) = found {
            places.sort_unstable();
            places.dedup();
            found.places = places;
        }
        answer
    }
}

fn both(a: &Query, b: &Query, join: Join, check: &mut Check<'_>, out: &mut Found) -> Answer {
    let (mut left, mut right) = (Found::default(), Found::default());
    let first = a.places(check, &mut left);
    if first == Answer::No {
        return Answer::No;
    }
    match (first, b.places(check, &mut right)) {
        (_, Answer::No) => return Answer::No,
        (Answer::Yes, Answer::Yes) => {}
        _ => return Answer::Maybe,
    }
    let (shift_left, shift_right) = match join {
        Join::Phrase(distance) => {
            let distance = i32::from(distance);
            out.width = distance + left.width + right.width;
            (distance + right.width, 0)
        }
        _ => {
            out.width = left.width.max(right.width);
            (out.width - left.width, out.width - right.width)
        }
    };
    let (emit, negated) = match (left.negated, right.negated) {
        (true, true) => (Emit { left: true, right: true, both: true }, true),
        (true, false) => (Emit { left: false, right: true, both: false }, false),
        (false, true) => (Emit { left: true, right: false, both: false }, false),
        (false, false) => (Emit { left: false, right: false, both: true }, false),
    };
    merge(out, &left.places, &right.places, emit, shift_left, shift_right, negated)
}

fn either(a: &Query, b: &Query, check: &mut Check<'_>, out: &mut Found) -> Answer {
    let (mut left, mut right) = (Found::default(), Found::default());
    let answers = (a.places(check, &mut left), b.places(check, &mut right));
    match answers {
        (Answer::No, Answer::No) => return Answer::No,
        (Answer::Maybe, _) | (_, Answer::Maybe) => return Answer::Maybe,
        (Answer::No, _) => left.width = 0,
        (_, Answer::No) => right.width = 0,
        _ => {}
    }
    out.width = left.width.max(right.width);
    let (emit, negated) = match (left.negated, right.negated) {
        (true, true) => (Emit { left: false, right: false, both: true }, true),
        (true, false) => (Emit { left: true, right: false, both: false }, true),
        (false, true) => (Emit { left: false, right: true, both: false }, true),
        (false, false) => (Emit { left: true, right: true, both: true }, false),
    };
    let (shift_left, shift_right) = (out.width - left.width, out.width - right.width);
    merge(out, &left.places, &right.places, emit, shift_left, shift_right, negated)
}

fn merge(
    out: &mut Found,
    left: &[u16],
    right: &[u16],
    emit: Emit,
    shift_left: i32,
    shift_right: i32,
    negated: bool,
) -> Answer {
    let (mut l, mut r) = (0, 0);
    out.places.clear();
    while l < left.len() || r < right.len() {
        let at = |list: &[u16], n: usize, shift: i32| list.get(n).map_or(i32::MAX, |p| i32::from(*p) + shift);
        let (a, b) = (at(left, l, shift_left), at(right, r, shift_right));
        let counts = match a.cmp(&b) {
            std::cmp::Ordering::Less => emit.left,
            std::cmp::Ordering::Equal => emit.both,
            std::cmp::Ordering::Greater => emit.right,
        };
        l += usize::from(a <= b);
        r += usize::from(b <= a);
        let place = a.min(b);
        if counts && place > 0 {
            out.places.push(place.min(u16::MAX.into()) as u16);
        }
    }
    out.negated = negated;
    if negated || !out.places.is_empty() { Answer::Yes } else { Answer::No }
}
