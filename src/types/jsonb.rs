//! `jsonb`: JSON taken apart. Numbers are `numeric`s with their scale, keys are unique and sorted by length, then bytes.
//!
//! Bytes: a tag u8, then by tag: 0 null, 1 false, 2 true: nothing; 3 number: a stored `numeric`; 4 string: UTF-8;
//! 5 array: count u32 LE, the end of each item u32 LE counted from the end of this table, the items; 6 object: count
//! u32 LE, the ends of the keys, the ends of the values, keys, values. Items are values in this same form, so every
//! part of a document is one, too.

use super::json::{self, Scalar, Sink};
use super::numeric::Numeric;
use crate::base::Result;
use std::cmp::Ordering;

/// A value inside a document, without copying.
#[derive(Clone, Copy, Debug)]
pub enum Jsonb<'a> {
    Null,
    Bool(bool),
    /// A stored `numeric`.
    Number(&'a [u8]),
    String(&'a str),
    Array(Items<'a>),
    Object(Pairs<'a>),
}

/// The items of an array.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    ends: &'a [[u8; 4]],
    data: &'a [u8],
}

/// Keys and values of an object, in stored order.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a> {
    count: usize,
    ends: &'a [[u8; 4]],
    data: &'a [u8],
}

/// A document that can be changed and built.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    Null,
    Bool(bool),
    Number(Numeric),
    String(String),
    Array(Vec<Tree>),
    /// Sorted and without duplicates only after [`Tree::encode`].
    Object(Vec<(String, Tree)>),
}

mod tag {
    pub const NULL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const NUMBER: u8 = 3;
    pub const STRING: u8 = 4;
    pub const ARRAY: u8 = 5;
    pub const OBJECT: u8 = 6;
}

/// Stored order of keys: shorter first, then by bytes.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn end(ends: &[[u8; 4]], at: usize) -> usize {
    u32::from_le_bytes(ends[at]) as usize
}

fn part<'a>(ends: &[[u8; 4]], data: &'a [u8], at: usize) -> &'a [u8] {
    let start = if at == 0 { 0 } else { end(ends, at - 1) };
    data.get(start..end(ends, at)).unwrap_or(&[])
}

impl<'a> Items<'a> {
    pub fn len(self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(self) -> bool {
        self.ends.is_empty()
    }

    /// The stored form of an item.
    pub fn bytes(self, at: usize) -> &'a [u8] {
        part(self.ends, self.data, at)
    }

    pub fn get(self, at: usize) -> Jsonb<'a> {
        Jsonb::new(self.bytes(at))
    }

    pub fn iter(self) -> impl Iterator<Item = Jsonb<'a>> {
        (0..self.len()).map(move |i| self.get(i))
    }
}

impl<'a> Pairs<'a> {
    pub fn len(self) -> usize {
        self.count
    }

    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    pub fn key(self, at: usize) -> &'a str {
        std::str::from_utf8(part(self.ends, self.data, at)).unwrap_or("")
    }

    /// The stored form of a value.
    pub fn bytes(self, at: usize) -> &'a [u8] {
        part(self.ends, self.data, self.count + at)
    }

    pub fn value(self, at: usize) -> Jsonb<'a> {
        Jsonb::new(self.bytes(at))
    }

    pub fn iter(self) -> impl Iterator<Item = (&'a str, Jsonb<'a>)> {
        (0..self.count).map(move |i| (self.key(i), self.value(i)))
    }

    pub fn position(self, key: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            match compare_keys(self.key(middle), key) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    pub fn find(self, key: &str) -> Option<Jsonb<'a>> {
        self.position(key).map(|at| self.value(at))
    }
}

impl<'a> Jsonb<'a> {
    /// Takes the stored form apart; damaged bytes read as null.
    pub fn new(stored: &'a [u8]) -> Jsonb<'a> {
        Jsonb::read(stored).unwrap_or(Jsonb::Null)
    }

    fn read(stored: &'a [u8]) -> Option<Jsonb<'a>> {
        let (tag, body) = stored.split_first()?;
        let table = |per_item: usize| {
            let (count, rest) = body.split_first_chunk::<4>()?;
            let count = u32::from_le_bytes(*count) as usize;
            let (ends, data) = rest.split_at_checked(count.checked_mul(4 * per_item)?)?;
            Some((count, ends.as_chunks::<4>().0, data))
        };
        Some(match *tag {
            tag::FALSE => Jsonb::Bool(false),
            tag::TRUE => Jsonb::Bool(true),
            tag::NUMBER => Jsonb::Number(body),
            tag::STRING => Jsonb::String(std::str::from_utf8(body).ok()?),
            tag::ARRAY => {
                let (_, ends, data) = table(1)?;
                Jsonb::Array(Items { ends, data })
            }
            tag::OBJECT => {
                let (count, ends, data) = table(2)?;
                Jsonb::Object(Pairs { count, ends, data })
            }
            _ => Jsonb::Null,
        })
    }

    pub fn is_scalar(self) -> bool {
        !matches!(self, Jsonb::Array(_) | Jsonb::Object(_))
    }

    /// `jsonb_typeof`.
    pub fn type_name(self) -> &'static str {
        match self {
            Jsonb::Null => "null",
            Jsonb::Bool(_) => "boolean",
            Jsonb::Number(_) => "number",
            Jsonb::String(_) => "string",
            Jsonb::Array(_) => "array",
            Jsonb::Object(_) => "object",
        }
    }

    pub fn to_tree(self) -> Tree {
        match self {
            Jsonb::Null => Tree::Null,
            Jsonb::Bool(b) => Tree::Bool(b),
            Jsonb::Number(n) => Tree::Number(Numeric::from_bytes(n)),
            Jsonb::String(s) => Tree::String(s.to_owned()),
            Jsonb::Array(a) => Tree::Array(a.iter().map(Jsonb::to_tree).collect()),
            Jsonb::Object(o) => Tree::Object(o.iter().map(|(k, v)| (k.to_owned(), v.to_tree())).collect()),
        }
    }

    /// Appends the text form with a blank after each comma and colon.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Jsonb::Null => out.extend_from_slice(b"null"),
            Jsonb::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
            Jsonb::Number(n) => Numeric::from_bytes(n).write_text(out),
            Jsonb::String(s) => json::write_string(s, out),
            Jsonb::Array(a) => {
                out.push(b'[');
                for (i, v) in a.iter().enumerate() {
                    if i > 0 {
                        out.extend_from_slice(b", ");
                    }
                    v.write(out);
                }
                out.push(b']');
            }
            Jsonb::Object(o) => {
                out.push(b'{');
                for (i, (k, v)) in o.iter().enumerate() {
                    if i > 0 {
                        out.extend_from_slice(b", ");
                    }
                    json::write_string(k, out);
                    out.extend_from_slice(b": ");
                    v.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The order of SQL at the top of a document: PostgreSQL keeps a scalar there as an array of one, so that the
    /// empty array is less than any scalar.
    pub fn compare(self, other: Jsonb<'_>) -> Ordering {
        let class = |j: Jsonb<'_>| match j {
            Jsonb::Array(a) if a.is_empty() => 0,
            Jsonb::Array(_) => 2,
            Jsonb::Object(_) => 3,
            _ => 1,
        };
        class(self).cmp(&class(other)).then_with(|| self.compare_inner(other))
    }

    fn rank(self) -> u8 {
        match self {
            Jsonb::Null => 0,
            Jsonb::String(_) => 1,
            Jsonb::Number(_) => 2,
            Jsonb::Bool(_) => 3,
            Jsonb::Array(_) => 4,
            Jsonb::Object(_) => 5,
        }
    }

    fn compare_inner(self, other: Jsonb<'_>) -> Ordering {
        match (self, other) {
            (Jsonb::Bool(a), Jsonb::Bool(b)) => a.cmp(&b),
            (Jsonb::Number(a), Jsonb::Number(b)) => Numeric::compare_bytes(a, b),
            (Jsonb::String(a), Jsonb::String(b)) => a.cmp(b),
            (Jsonb::Array(a), Jsonb::Array(b)) => a.len().cmp(&b.len()).then_with(|| {
                a.iter().zip(b.iter()).map(|(x, y)| x.compare_inner(y)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
            }),
            (Jsonb::Object(a), Jsonb::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
                a.iter()
                    .zip(b.iter())
                    .map(|((k, v), (l, w))| k.cmp(l).then_with(|| v.compare_inner(w)))
                    .find(|o| o.is_ne())
                    .unwrap_or(Ordering::Equal)
            }),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    /// Appends the memcmp-able key of the order above.
    pub fn encode_key(self, out: &mut Vec<u8>) {
        out.push(match self {
            Jsonb::Array(a) if a.is_empty() => 0,
            Jsonb::Array(_) => 2,
            Jsonb::Object(_) => 3,
            _ => 1,
        });
        self.encode_inner(out);
    }

    fn encode_inner(self, out: &mut Vec<u8>) {
        out.push(self.rank());
        match self {
            Jsonb::Null => {}
            Jsonb::Bool(b) => out.push(b.into()),
            Jsonb::Number(n) => Numeric::encode_key(n, out),
            Jsonb::String(s) => {
                out.extend_from_slice(s.as_bytes());
                out.push(0);
            }
            Jsonb::Array(a) => {
                out.extend_from_slice(&(a.len() as u32).to_be_bytes());
                a.iter().for_each(|v| v.encode_inner(out));
            }
            Jsonb::Object(o) => {
                out.extend_from_slice(&(o.len() as u32).to_be_bytes());
                for (k, v) in o.iter() {
                    out.extend_from_slice(k.as_bytes());
                    out.push(0);
                    v.encode_inner(out);
                }
            }
        }
    }

    /// `self @> other`.
    pub fn contains(self, other: Jsonb<'_>) -> bool {
        match (self, other) {
            (Jsonb::Array(a), b) if b.is_scalar() => a.iter().any(|x| x.is_scalar() && x.compare_inner(b).is_eq()),
            (a, b) => a.contains_inner(b),
        }
    }

    fn contains_inner(self, other: Jsonb<'_>) -> bool {
        match (self, other) {
            (Jsonb::Object(a), Jsonb::Object(b)) => {
                b.iter().all(|(k, v)| a.find(k).is_some_and(|x| x.contains_inner(v)))
            }
            (Jsonb::Array(a), Jsonb::Array(b)) => b.iter().all(|v| a.iter().any(|x| x.contains_inner(v))),
            (a, b) if a.is_scalar() && b.is_scalar() => a.compare_inner(b).is_eq(),
            _ => false,
        }
    }
}

impl Tree {
    pub fn parse(text: &str) -> Result<Tree> {
        let mut sink = TreeSink::default();
        json::read(text, &mut sink)?;
        Ok(sink.root.unwrap_or(Tree::Null))
    }

    pub fn is_scalar(&self) -> bool {
        !matches!(self, Tree::Array(_) | Tree::Object(_))
    }

    /// Sorts keys and drops all but the last of equal ones.
    fn normalize(pairs: &mut Vec<(String, Tree)>) {
        if pairs.windows(2).all(|w| compare_keys(&w[0].0, &w[1].0).is_lt()) {
            return;
        }
        pairs.sort_by(|a, b| compare_keys(&a.0, &b.0));
        // The sort is stable, so of equal keys the last one was written last.
        pairs.reverse();
        pairs.dedup_by(|a, b| a.0 == b.0);
        pairs.reverse();
    }

    /// The stored form.
    pub fn encode(mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write(&mut out)?;
        Ok(out)
    }

    fn write(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Tree::Null => out.push(tag::NULL),
            Tree::Bool(b) => out.push(if *b { tag::TRUE } else { tag::FALSE }),
            Tree::Number(n) => {
                out.push(tag::NUMBER);
                n.write(out)?;
            }
            Tree::String(s) => {
                out.push(tag::STRING);
                out.extend_from_slice(s.as_bytes());
            }
            Tree::Array(items) => {
                out.push(tag::ARRAY);
                out.extend_from_slice(&(items.len() as u32).to_le_bytes());
                let table = out.len();
                out.resize(table + 4 * items.len(), 0);
                let start = out.len();
                for (i, item) in items.iter_mut().enumerate() {
                    item.write(out)?;
                    set_end(out, table, i, start);
                }
            }
            Tree::Object(pairs) => {
                Tree::normalize(pairs);
                out.push(tag::OBJECT);
                out.extend_from_slice(&(pairs.len() as u32).to_le_bytes());
                let table = out.len();
                out.resize(table + 8 * pairs.len(), 0);
                let start = out.len();
                for (i, (key, _)) in pairs.iter().enumerate() {
                    out.extend_from_slice(key.as_bytes());
                    set_end(out, table, i, start);
                }
                let count = pairs.len();
                for (i, (_, value)) in pairs.iter_mut().enumerate() {
                    value.write(out)?;
                    set_end(out, table, count + i, start);
                }
            }
        }
        Ok(())
    }
}

fn set_end(out: &mut [u8], table: usize, at: usize, start: usize) {
    let end = ((out.len() - start) as u32).to_le_bytes();
    out[table + 4 * at..][..4].copy_from_slice(&end);
}

/// Builds a tree from what the reader finds.
#[derive(Default)]
struct TreeSink {
    /// Open containers, each with the key it will get.
    stack: Vec<(Tree, Option<String>)>,
    key: Option<String>,
    root: Option<Tree>,
}

impl TreeSink {
    fn add(&mut self, value: Tree) {
        match self.stack.last_mut() {
            None => self.root = Some(value),
            Some((Tree::Array(items), _)) => items.push(value),
            Some((Tree::Object(pairs), _)) => pairs.push((self.key.take().unwrap_or_default(), value)),
            Some(_) => {}
        }
    }

    fn open(&mut self, container: Tree) {
        let key = self.key.take();
        self.stack.push((container, key));
    }

    fn close(&mut self) {
        if let Some((container, key)) = self.stack.pop() {
            self.key = key;
            self.add(container);
        }
    }
}

impl Sink for TreeSink {
    fn start_object(&mut self) {
        self.open(Tree::Object(Vec::new()));
    }

    fn key(&mut self, name: String) {
        self.key = Some(name);
    }

    fn end_object(&mut self) {
        self.close();
    }

    fn start_array(&mut self) {
        self.open(Tree::Array(Vec::new()));
    }

    fn end_array(&mut self) {
        self.close();
    }

    fn scalar(&mut self, value: Scalar<'_>) -> Result<()> {
        let value = match value {
            Scalar::Null => Tree::Null,
            Scalar::Bool(b) => Tree::Bool(b),
            Scalar::Number(n) => Tree::Number(Numeric::parse(n)?),
            Scalar::String(s) => Tree::String(s),
        };
        self.add(value);
        Ok(())
    }
}

/// Reads the text form into the stored one.
pub fn parse(text: &str) -> Result<Vec<u8>> {
    Tree::parse(text)?.encode()
}
