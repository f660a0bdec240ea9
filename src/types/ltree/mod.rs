//! `ltree`: paths of labels, what the extension of that name brings, with its patterns (`lquery`) and searches (`ltxtquery`).
//!
//! Bytes: the labels with dots between them; none: the path without labels.

pub mod lquery;
pub mod ltxtquery;

use super::code::TypeCode;
use super::text;
use crate::base::Result;
use crate::err;

pub static CODE: TypeCode = TypeCode {
    input: ("ltree", "ltree_in"),
    name: "ltree",
    read: |s| parse(s).map(String::into_bytes),
    show: |b, out| out.extend_from_slice(b),
    receive: |b| Ok(parse(versioned(b, "ltree")?)?.into_bytes()),
    send,
    key: Some(encode_key),
};

/// LTREE_MAX_LEVELS.
pub const MAX_LEVELS: usize = 65535;
/// LTREE_LABEL_MAX_CHARS.
const MAX_LABEL: usize = 255;

/// The binary form: a version, then the text.
fn send(value: &[u8], out: &mut Vec<u8>) {
    out.push(1);
    out.extend_from_slice(value);
}

fn versioned<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str> {
    match bytes.split_first() {
        Some((1, rest)) => text::check(rest),
        Some((version, _)) => Err(err!(INTERNAL_ERROR, "unsupported {what} version number {version}")),
        None => Err(err!(PROTOCOL_VIOLATION, "no data left in message")),
    }
}

/// What labels are made of (PostgreSQL 15, ltree.h, ISALNUM; letters are Unicode's).
pub fn is_label_char(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit() || c == '_'
}

/// Refuses a character, by its place from 1 on.
fn unexpected<T>(what: &str, at: usize) -> Result<T> {
    Err(err!(SYNTAX_ERROR, "{what} syntax error at character {at}"))
}

fn unfinished<T>(what: &str) -> Result<T> {
    Err(err!(SYNTAX_ERROR, "{what} syntax error").detail("Unexpected end of input."))
}

/// A label that ends before the character with this place.
fn check_label(what: &str, label: &str, at: usize) -> Result<()> {
    let length = label.chars().count();
    if length == 0 {
        return Err(err!(SYNTAX_ERROR, "{what} syntax error at character {at}").detail("Empty labels are not allowed."));
    }
    if length > MAX_LABEL {
        let detail = format!("Label length is {length}, must be at most {MAX_LABEL}, at character {at}.");
        return Err(err!(NAME_TOO_LONG, "label string is too long").detail(detail));
    }
    Ok(())
}

/// PostgreSQL 15, ltree_io.c, parse_ltree: same faults, at the same places.
pub fn parse(text: &str) -> Result<String> {
    let levels = text.matches('.').count() + 1;
    if levels > MAX_LEVELS {
        let text = format!("number of ltree labels ({levels}) exceeds the maximum allowed ({MAX_LEVELS})");
        return Err(err!(PROGRAM_LIMIT_EXCEEDED, "{text}"));
    }
    let mut start = None;
    let mut count = 0;
    for (n, (at, c)) in text.char_indices().enumerate() {
        match (start, c) {
            (None, c) if is_label_char(c) => start = Some(at),
            (Some(from), '.') => {
                check_label("ltree", &text[from..at], n + 1)?;
                start = None;
            }
            (Some(_), c) if is_label_char(c) => {}
            _ => return unexpected("ltree", n + 1),
        }
        count = n + 1;
    }
    match start {
        Some(from) => check_label("ltree", &text[from..], count + 1)?,
        None if text.is_empty() => {}
        None => return unfinished("ltree"),
    }
    Ok(text.to_owned())
}

/// The labels of a stored path.
pub fn labels(stored: &[u8]) -> Vec<&str> {
    match std::str::from_utf8(stored).unwrap_or_default() {
        "" => Vec::new(),
        text => text.split('.').collect(),
    }
}

/// # Errors
/// 54000 for too many.
pub fn from_labels(labels: &[&str]) -> Result<Vec<u8>> {
    if labels.len() > MAX_LEVELS {
        let text = format!("number of ltree levels ({}) exceeds the maximum allowed ({MAX_LEVELS})", labels.len());
        return Err(err!(PROGRAM_LIMIT_EXCEEDED, "{text}"));
    }
    Ok(labels.join(".").into_bytes())
}

/// Labels in their order, by their bytes; each ends with a zero, which is in none. What a path goes on from begins it.
pub fn ordered(stored: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stored.len() + 1);
    for label in labels(stored) {
        out.extend_from_slice(label.as_bytes());
        out.push(0);
    }
    out
}

/// The same, with another zero where no label follows.
fn encode_key(stored: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&ordered(stored));
    out.push(0);
}

/// How two paths compare: the sign says which comes first, the number how early they differ.
///
/// PostgreSQL 15, ltree_op.c, ltree_compare: same numbers.
pub fn compare(a: &[u8], b: &[u8]) -> i32 {
    let (x, y) = (labels(a), labels(b));
    for (n, (l, r)) in x.iter().zip(&y).enumerate() {
        let weight = 10 * (x.len() - n + 1) as i32;
        let (l, r) = (l.as_bytes(), r.as_bytes());
        let common = l.len().min(r.len());
        match l[..common].cmp(&r[..common]) {
            std::cmp::Ordering::Less => return -weight,
            std::cmp::Ordering::Greater => return weight,
            std::cmp::Ordering::Equal if l.len() != r.len() => return (l.len() as i32 - r.len() as i32) * weight,
            std::cmp::Ordering::Equal => {}
        }
    }
    let left = x.len() - x.len().min(y.len());
    (x.len() as i32 - y.len() as i32) * 10 * (left as i32 + 1)
}

/// Whether a path is another one's beginning, or itself.
pub fn is_ancestor(of: &[&str], path: &[&str]) -> bool {
    path.len() <= of.len() && of.iter().zip(path).all(|(a, b)| a == b)
}

/// The beginning that all have in common, short of the whole of any; None if one is empty, or there are none.
///
/// PostgreSQL 15, ltree_op.c, lca_inner.
pub fn common_ancestor<'a>(paths: &[Vec<&'a str>]) -> Option<Vec<&'a str>> {
    let first = paths.first()?;
    if paths.iter().any(Vec::is_empty) {
        return None;
    }
    let mut length = first.len() - 1;
    for other in &paths[1..] {
        let most = length.min(other.len() - 1);
        length = first.iter().zip(other).take(most).take_while(|(a, b)| a == b).count();
    }
    Some(first[..length].to_vec())
}

/// How a word of a pattern is compared with a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// `@`: whatever the case.
    pub any_case: bool,
    /// `*`: labels may go on behind it.
    pub prefix: bool,
    /// `%`: its words, parted by underscores, are in the label.
    pub parts: bool,
}

impl Word {
    fn is_plain(&self) -> bool {
        !self.any_case && !self.prefix && !self.parts
    }

    /// The label that alone fulfils it, if there is only one.
    pub fn exact(&self) -> Option<&str> {
        self.is_plain().then_some(self.text.as_str())
    }

    fn same(&self, word: &str, of: &str) -> bool {
        let fits = of.len() == word.len() || self.prefix && of.len() > word.len();
        if !fits {
            return false;
        }
        match self.any_case {
            false => of.as_bytes().starts_with(word.as_bytes()),
            true => of.get(..word.len()).is_some_and(|head| head.to_lowercase() == word.to_lowercase()),
        }
    }

    /// PostgreSQL 15, lquery_op.c, checkLevel and compare_subnode.
    pub fn matches(&self, label: &str) -> bool {
        if !self.parts {
            return self.same(&self.text, label);
        }
        let parts =
            |text: &'_ str| -> Vec<String> { text.split('_').filter(|p| !p.is_empty()).map(str::to_owned).collect() };
        let own = parts(label);
        parts(&self.text).iter().all(|p| own.iter().any(|o| self.same(p, o)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse(text).unwrap_err().0.message.clone()
    }

    /// Faults, and where they are, as PostgreSQL 15 told them.
    #[test]
    fn texts() {
        assert_eq!(parse("Top.Science_1.ä").unwrap(), "Top.Science_1.ä");
        assert_eq!(parse("").unwrap(), "");
        assert_eq!(message("a..b"), "ltree syntax error at character 3");
        assert_eq!(message("a.b-c"), "ltree syntax error at character 4");
        assert_eq!(message("a."), "ltree syntax error");
        assert_eq!(message(".a"), "ltree syntax error at character 1");
    }

    #[test]
    fn order() {
        assert_eq!(compare(b"a", b"b"), -20);
        assert_eq!(compare(b"a.b", b"a"), 20);
        assert_eq!(compare(b"a", b"a.b"), -10);
        assert_eq!(compare(b"ab", b"a"), 20);
        let keys = ["", "a", "a.b", "a.b.c", "a.c", "ab", "b"].map(|p| {
            let mut key = Vec::new();
            encode_key(p.as_bytes(), &mut key);
            key
        });
        assert!(keys.is_sorted());
    }

    #[test]
    fn ancestors() {
        let common = |paths: &[&str]| {
            let paths: Vec<Vec<&str>> = paths.iter().map(|p| labels(p.as_bytes())).collect();
            common_ancestor(&paths).map(|p| p.join("."))
        };
        assert_eq!(common(&["1.2.3", "1.2.3.4.5.6"]).as_deref(), Some("1.2"));
        assert_eq!(common(&["1.2.3", "3.4.5.6"]).as_deref(), Some(""));
        assert_eq!(common(&["", "1"]), None);
        assert_eq!(common(&["1"]).as_deref(), Some(""));
    }
}
