//! Queries of texts: `to_tsquery` and its kin.

use super::{Config, Words, is_space};
use crate::base::Result;
use crate::err;
use crate::types::tsquery::{Build, Join, MAX_DEPTH, Query, is_operator, parse_with, read_word, too_deep};

/// How a text is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// With the operators of `tsquery`.
    Query,
    /// All words, anywhere.
    Plain,
    /// All words, one after the other.
    Phrase,
    /// As people write who search the web.
    Web,
}

/// What became of a text.
#[derive(Debug)]
pub struct Asked {
    pub query: Option<Query>,
    /// Nothing is left of what was asked, or nothing was.
    pub notice: Option<String>,
    pub too_long: usize,
}

impl Asked {
    /// The stored form of the query.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Some(query) = &self.query {
            query.write(&mut text);
        }
        text
    }
}

impl Form {
    pub fn read(self, config: &Config, text: &str) -> Result<Asked> {
        let joined = if self == Form::Plain { Join::And } else { Join::Phrase(1) };
        let mut build = Morphs { config, joined, whole: text, too_long: 0 };
        let node = match self {
            Form::Query => parse_with(text, &mut build)?,
            Form::Plain | Form::Phrase if text.is_empty() => None,
            Form::Plain | Form::Phrase => Some(build.morph(text, 0, false)?),
            Form::Web => Web { rest: text, build: &mut build }.query()?,
        };
        let too_long = build.too_long;
        let (query, notice) = match node.map(|n| n.cleaned().query) {
            None => (None, Some(format!("text-search query doesn't contain lexemes: \"{text}\""))),
            Some(None) => {
                let text = "text-search query contains only stop words or doesn't contain lexemes, ignored";
                (None, Some(text.to_owned()))
            }
            Some(query) => (query, None),
        };
        Ok(Asked { query, notice, too_long })
    }
}

/// A query in which stop words are still there.
#[derive(Debug)]
enum Node {
    Stop,
    Value(Query),
    Not(Box<Node>),
    Join(Join, Box<Node>, Box<Node>),
}

/// What is left of a part without its stop words, and by how much distances to its left and to its right grow.
#[derive(Default)]
struct Cleaned {
    query: Option<Query>,
    left: u32,
    right: u32,
}

impl Node {
    fn joined(join: Join, left: Option<Node>, right: Node) -> Node {
        match left {
            Some(left) => Node::Join(join, Box::new(left), Box::new(right)),
            None => right,
        }
    }

    /// PostgreSQL 15, tsquery_cleanup.c, clean_stopword_intree: same rules.
    fn cleaned(self) -> Cleaned {
        let (join, left, right) = match self {
            Node::Stop => return Cleaned::default(),
            Node::Value(q) => return Cleaned { query: Some(q), ..Cleaned::default() },
            Node::Not(arg) => {
                let arg = arg.cleaned();
                return Cleaned { query: arg.query.map(|q| Query::Not(Box::new(q))), ..arg };
            }
            Node::Join(join, left, right) => (join, left.cleaned(), right.cleaned()),
        };
        let distance = if let Join::Phrase(d) = join { Some(u32::from(d)) } else { None };
        match (left.query, right.query, distance) {
            (None, None, Some(d)) => {
                let sum = left.left + d + right.left;
                Cleaned { query: None, left: sum, right: sum }
            }
            (None, None, None) => {
                let most = left.left.max(right.left);
                Cleaned { query: None, left: most, right: most }
            }
            (None, query, Some(d)) => Cleaned { query, left: left.left + d + right.left, right: right.right },
            (None, query, None) => Cleaned { query, left: right.left, right: right.right },
            (query, None, Some(d)) => Cleaned { query, left: left.left, right: left.right + d + right.right },
            (query, None, None) => Cleaned { query, left: left.left, right: left.right },
            (Some(a), Some(b), Some(d)) => {
                let distance = (d + left.right + right.left).min(u16::MAX.into()) as u16;
                Cleaned {
                    query: Some(Query::joined(Join::Phrase(distance), a, b)),
                    left: left.left,
                    right: right.right,
                }
            }
            (Some(a), Some(b), None) => Cleaned { query: Some(Query::joined(join, a, b)), left: 0, right: 0 },
        }
    }
}

/// Makes lexemes of the words of a query.
struct Morphs<'a> {
    config: &'a Config,
    /// What connects the lexemes of one word.
    joined: Join,
    whole: &'a str,
    too_long: usize,
}

impl Morphs<'_> {
    /// PostgreSQL 15, to_tsany.c, pushval_morph: lexemes of a variant are ANDed, variants ORed, positions joined.
    fn morph(&mut self, text: &str, weights: u8, prefix: bool) -> Result<Node> {
        let mut words = Words::default();
        words.add(self.config, text);
        self.too_long += words.too_long;
        let mut out: Option<Node> = None;
        let mut at = 0;
        for position in words.words.chunk_by(|a, b| a.position == b.position) {
            let here = position[0].position;
            while at > 0 && at + 1 < here {
                out = Some(Node::joined(self.joined, out, Node::Stop));
                at += 1;
            }
            at = here;
            let mut variants: Option<Node> = None;
            for variant in position.chunk_by(|a, b| a.variant == b.variant) {
                let mut all: Option<Node> = None;
                for word in variant {
                    if word.text.len() >= super::LONGEST_TOKEN {
                        return Err(err!(PROGRAM_LIMIT_EXCEEDED, "word is too long in tsquery: \"{}\"", self.whole));
                    }
                    let prefix = prefix || word.prefix;
                    let value = Node::Value(Query::Value { text: word.text.clone(), weights, prefix });
                    all = Some(Node::joined(Join::And, all, value));
                }
                if let Some(all) = all {
                    variants = Some(Node::joined(Join::Or, variants, all));
                }
            }
            if let Some(variants) = variants {
                out = Some(Node::joined(self.joined, out, variants));
            }
        }
        Ok(out.unwrap_or(Node::Stop))
    }
}

impl Build for Morphs<'_> {
    type Node = Node;

    fn value(&mut self, text: String, weights: u8, prefix: bool) -> Result<Node> {
        self.morph(&text, weights, prefix)
    }

    fn not(&mut self, arg: Node) -> Node {
        Node::Not(Box::new(arg))
    }

    fn join(&mut self, join: Join, left: Node, right: Node) -> Node {
        Node::joined(join, Some(left), right)
    }
}

/// Reads what people write who search the web: no syntax is wrong (PostgreSQL 15, tsquery.c, gettoken_query_websearch).
struct Web<'a, 'b, 'c> {
    rest: &'a str,
    build: &'b mut Morphs<'c>,
}

impl Web<'_, '_, '_> {
    fn query(&mut self) -> Result<Option<Node>> {
        let mut any: Option<Node> = None;
        let mut all: Option<Node> = None;
        let mut first = true;
        while let Some(operand) = self.operand(first)? {
            first = false;
            all = Some(Node::joined(Join::And, all, operand));
            match self.operator() {
                None => break,
                Some(Join::Or) => any = all.take().map(|a| Node::joined(Join::Or, any.take(), a)),
                Some(_) => {}
            }
        }
        Ok(match all {
            Some(all) => Some(Node::joined(Join::Or, any, all)),
            None => any,
        })
    }

    fn operand(&mut self, mut first: bool) -> Result<Option<Node>> {
        let mut negations = 0;
        let operand = loop {
            let Some(c) = self.rest.chars().next() else { break if first { None } else { Some(Node::Stop) } };
            if c == '-' {
                negations += 1;
                if negations > MAX_DEPTH {
                    return Err(too_deep());
                }
                first = false;
                self.rest = &self.rest[1..];
            } else if c == '"' {
                let inside = &self.rest[1..];
                let (text, rest) = inside.split_once('"').unwrap_or((inside, ""));
                self.rest = rest;
                break Some(self.build.morph(text, 0, false)?);
            } else if is_operator(c) {
                first = false;
                self.rest = &self.rest[1..];
            } else if is_space(c) {
                self.rest = &self.rest[1..];
            } else {
                let (text, rest) = read_word(self.rest, self.build.whole, true)?;
                self.rest = rest;
                break Some(self.build.morph(&text, 0, false)?);
            }
        };
        Ok(operand.map(|o| (0..negations).fold(o, |o, _| Node::Not(Box::new(o)))))
    }

    fn operator(&mut self) -> Option<Join> {
        while let Some(c) = self.rest.chars().next() {
            if self.eats_or() {
                return Some(Join::Or);
            }
            if !is_operator(c) && !is_space(c) {
                return Some(Join::And);
            }
            self.rest = &self.rest[1..];
        }
        None
    }

    /// OR is an operator where it stands alone and something follows it.
    fn eats_or(&mut self) -> bool {
        let Some(after) = self.rest.get(2..) else { return false };
        if !self.rest[..2].eq_ignore_ascii_case("or") {
            return false;
        }
        let joined = |c: char| c == '-' || c == '_' || c.is_ascii_alphanumeric();
        let mut chars = after.chars();
        if chars.next().is_none_or(joined) || chars.all(is_space) {
            return false;
        }
        self.rest = after;
        true
    }
}
