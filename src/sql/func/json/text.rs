//! `json` values as text: finding the parts of a document without changing how they are written.

use crate::base::Result;
use crate::types::json;

/// A part of a document: where it stands in the text. The text is known to be valid JSON.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a>(pub &'a str);

fn skip(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// The length of the value at the start of the text.
fn value_len(text: &str) -> usize {
    let b = text.as_bytes();
    match b.first() {
        Some(b'"') => string_len(b),
        Some(b'{' | b'[') => {
            let (mut depth, mut at) = (0, 0);
            while at < b.len() {
                match b[at] {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return at + 1;
                        }
                    }
                    b'"' => {
                        at += string_len(&b[at..]);
                        continue;
                    }
                    _ => {}
                }
                at += 1;
            }
            b.len()
        }
        _ => b
            .iter()
            .position(|c| matches!(c, b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r'))
            .unwrap_or(b.len()),
    }
}

fn string_len(b: &[u8]) -> usize {
    let mut at = 1;
    while at < b.len() {
        match b[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    b.len()
}

impl<'a> Node<'a> {
    pub fn new(text: &'a str) -> Node<'a> {
        let text = skip(text);
        Node(&text[..value_len(text)])
    }

    pub fn first(self) -> u8 {
        self.0.as_bytes().first().copied().unwrap_or(b'n')
    }

    pub fn is_object(self) -> bool {
        self.first() == b'{'
    }

    pub fn is_array(self) -> bool {
        self.first() == b'['
    }

    pub fn is_null(self) -> bool {
        self.first() == b'n'
    }

    pub fn type_name(self) -> &'static str {
        match self.first() {
            b'{' => "object",
            b'[' => "array",
            b'"' => "string",
            b't' | b'f' => "boolean",
            b'n' => "null",
            _ => "number",
        }
    }

    /// The items of an array.
    pub fn items(self) -> Vec<Node<'a>> {
        let mut out = Vec::new();
        if !self.is_array() {
            return out;
        }
        let mut rest = skip(&self.0[1..]);
        while !rest.starts_with(']') && !rest.is_empty() {
            let item = Node::new(rest);
            rest = skip(&rest[item.0.len()..]);
            rest = skip(rest.strip_prefix(',').unwrap_or(rest));
            out.push(item);
        }
        out
    }

    /// The pairs of an object as written, duplicates included.
    pub fn pairs(self) -> Result<Vec<(String, Node<'a>)>> {
        let mut out = Vec::new();
        if !self.is_object() {
            return Ok(out);
        }
        let mut rest = skip(&self.0[1..]);
        while !rest.starts_with('}') && !rest.is_empty() {
            let key = Node::new(rest);
            rest = skip(&rest[key.0.len()..]);
            rest = skip(rest.strip_prefix(':').unwrap_or(rest));
            let value = Node::new(rest);
            rest = skip(&rest[value.0.len()..]);
            rest = skip(rest.strip_prefix(',').unwrap_or(rest));
            out.push((key.string()?, value));
        }
        Ok(out)
    }

    /// The contents of a string, escapes resolved.
    pub fn string(self) -> Result<String> {
        if !self.0.contains('\\') {
            return Ok(self.0.trim_matches('"').to_owned());
        }
        struct One(String);
        impl json::Sink for One {
            fn scalar(&mut self, value: json::Scalar<'_>) -> Result<()> {
                if let json::Scalar::String(s) = value {
                    self.0 = s;
                }
                Ok(())
            }
        }
        let mut one = One(String::new());
        json::read(self.0, &mut one)?;
        Ok(one.0)
    }

    /// As `->>` shows it: strings without quotes, null as NULL.
    pub fn text(self) -> Result<Option<String>> {
        match self.first() {
            b'n' => Ok(None),
            b'"' => self.string().map(Some),
            _ => Ok(Some(self.0.to_owned())),
        }
    }

    /// The value of a key; of several the last one.
    pub fn field(self, key: &str) -> Result<Option<Node<'a>>> {
        Ok(self.pairs()?.into_iter().rev().find(|(k, _)| k == key).map(|(_, v)| v))
    }

    /// An item, negative from the end.
    pub fn item(self, index: i32) -> Option<Node<'a>> {
        let items = self.items();
        let at = if index < 0 { items.len() as i64 + i64::from(index) } else { index.into() };
        usize::try_from(at).ok().and_then(|at| items.get(at).copied())
    }

    /// One step of a path: a key, or an index if this is an array.
    pub fn step(self, name: &str) -> Result<Option<Node<'a>>> {
        if self.is_object() {
            return self.field(name);
        }
        if self.is_array() {
            return Ok(name.trim().parse().ok().and_then(|i| self.item(i)));
        }
        Ok(None)
    }
}
