//! `tsquery`: lexemes under AND, OR, NOT and FOLLOWED BY.
//!
//! Bytes: the text that [`Query::write`] makes; it reads back as the same query.

mod binary;
mod execute;
mod order;
mod read;
mod rewrite;

pub use binary::{from_binary, write_binary};
pub use execute::{Answer, Found};
pub use order::{compare, encode_key};
pub use read::{Build, Join, MAX_DEPTH, is_operator, parse, parse_with, read_word, too_deep};
pub use rewrite::Rewriting;

use super::tsvector::write_lexeme;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Query {
    /// A lexeme, the weights it may have (bit 0 is D, bit 3 is A; 0: any), and whether it is only the beginning of one.
    Value {
        text: String,
        weights: u8,
        prefix: bool,
    },
    Not(Box<Query>),
    And(Box<Query>, Box<Query>),
    Or(Box<Query>, Box<Query>),
    Phrase(Box<Query>, Box<Query>, u16),
}

impl Query {
    fn priority(&self) -> u8 {
        match self {
            Query::Or(..) => 1,
            Query::And(..) => 2,
            Query::Phrase(..) => 3,
            Query::Not(_) => 4,
            Query::Value { .. } => 5,
        }
    }

    /// How many lexemes and operators there are.
    pub fn nodes(&self) -> usize {
        match self {
            Query::Value { .. } => 1,
            Query::Not(a) => 1 + a.nodes(),
            Query::And(a, b) | Query::Or(a, b) | Query::Phrase(a, b, _) => 1 + a.nodes() + b.nodes(),
        }
    }

    /// PostgreSQL 15, tsquery.c, infix: brackets around what binds less, and around a phrase on the right of one.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.infix(0, false, out);
    }

    fn infix(&self, parent: u8, right_of_phrase: bool, out: &mut Vec<u8>) {
        let own = self.priority();
        match self {
            Query::Value { text, weights, prefix } => {
                write_lexeme(text, out);
                if *weights != 0 || *prefix {
                    out.push(b':');
                    if *prefix {
                        out.push(b'*');
                    }
                    for (bit, letter) in [(8, b'A'), (4, b'B'), (2, b'C'), (1, b'D')] {
                        if weights & bit != 0 {
                            out.push(letter);
                        }
                    }
                }
            }
            Query::Not(arg) => {
                let wrap = own < parent;
                out.extend_from_slice(if wrap { b"( !" } else { b"!" });
                arg.infix(own, false, out);
                if wrap {
                    out.extend_from_slice(b" )");
                }
            }
            Query::And(a, b) | Query::Or(a, b) | Query::Phrase(a, b, _) => {
                let wrap = own < parent || right_of_phrase && matches!(self, Query::Phrase(..));
                if wrap {
                    out.extend_from_slice(b"( ");
                }
                a.infix(own, false, out);
                match self {
                    Query::And(..) => out.extend_from_slice(b" & "),
                    Query::Or(..) => out.extend_from_slice(b" | "),
                    Query::Phrase(_, _, 1) => out.extend_from_slice(b" <-> "),
                    Query::Phrase(_, _, n) => out.extend_from_slice(format!(" <{n}> ").as_bytes()),
                    _ => {}
                }
                b.infix(own, matches!(self, Query::Phrase(..)), out);
                if wrap {
                    out.extend_from_slice(b" )");
                }
            }
        }
    }

    /// What an index can look for: without negations; None: it cannot tell anything.
    pub fn without_not(&self) -> Option<Query> {
        match self {
            Query::Value { .. } => Some(self.clone()),
            Query::Not(_) => None,
            Query::Or(a, b) => Some(Query::Or(Box::new(a.without_not()?), Box::new(b.without_not()?))),
            Query::And(a, b) | Query::Phrase(a, b, _) => match (a.without_not(), b.without_not()) {
                (Some(a), Some(b)) => Some(match self {
                    Query::Phrase(_, _, distance) => Query::Phrase(Box::new(a), Box::new(b), *distance),
                    _ => Query::And(Box::new(a), Box::new(b)),
                }),
                (a, b) => a.or(b),
            },
        }
    }

    /// The lexemes, those on the right of an operator first (PostgreSQL keeps them in this order).
    pub fn operands(&self) -> Vec<&Query> {
        let (mut found, mut open) = (Vec::new(), vec![self]);
        while let Some(q) = open.pop() {
            match q {
                Query::Value { .. } => found.push(q),
                Query::Not(a) => open.push(a),
                Query::And(a, b) | Query::Or(a, b) | Query::Phrase(a, b, _) => open.extend([&**a, &**b]),
            }
        }
        found
    }
}
