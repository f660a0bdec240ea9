//! `jsonpath`: the SQL/JSON path language as a tree.
//!
//! Bytes: the canonical text that [`write`] makes; it reads back as the same tree.

mod parse;
mod write;

pub use parse::{parse, parse_checked};
pub use write::write;

use super::numeric::Numeric;

/// A whole path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Structural errors are errors, and arrays are not unwrapped by themselves.
    pub strict: bool,
    pub root: Item,
}

/// What a chain starts with, and the accessors that follow.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub kind: Kind,
    pub next: Vec<Kind>,
}

impl Item {
    pub fn of(kind: Kind) -> Item {
        Item { kind, next: Vec::new() }
    }
}

#[derive(Clone, Debug)]
pub enum Kind {
    Null,
    Bool(bool),
    Number(Numeric),
    String(String),
    Variable(String),
    Root,
    Current,
    Last,
    Key(String),
    AnyKey,
    AnyArray,
    /// From and, if written, to.
    Index(Vec<(Item, Option<Item>)>),
    /// `**{first to last}`; `u32::MAX` is `last`.
    Any(u32, u32),
    Method(Method),
    /// `.datetime()`, perhaps with a template.
    Datetime(Option<String>),
    Filter(Box<Item>),
    Binary(Binary, Box<Item>, Box<Item>),
    Plus(Box<Item>),
    Minus(Box<Item>),
    Not(Box<Item>),
    IsUnknown(Box<Item>),
    Exists(Box<Item>),
    /// The pattern and the flags as written.
    LikeRegex(Box<Item>, String, String),
}

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    Abs,
    Size,
    Type,
    Floor,
    Double,
    Ceiling,
    KeyValue,
}

impl Method {
    pub const ALL: [(&'static str, Method); 7] = [
        ("abs", Method::Abs),
        ("size", Method::Size),
        ("type", Method::Type),
        ("floor", Method::Floor),
        ("double", Method::Double),
        ("ceiling", Method::Ceiling),
        ("keyvalue", Method::KeyValue),
    ];

    pub fn name(self) -> &'static str {
        Method::ALL.iter().find(|m| m.1 == self).map_or("", |m| m.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    StartsWith,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
}

impl Binary {
    pub fn sign(self) -> &'static str {
        match self {
            Binary::Or => "||",
            Binary::And => "&&",
            Binary::Equal => "==",
            Binary::NotEqual => "!=",
            Binary::Less => "<",
            Binary::Greater => ">",
            Binary::LessOrEqual => "<=",
            Binary::GreaterOrEqual => ">=",
            Binary::StartsWith => "starts with",
            Binary::Add => "+",
            Binary::Sub => "-",
            Binary::Mul => "*",
            Binary::Div => "/",
            Binary::Mod => "%",
        }
    }

    fn priority(self) -> u8 {
        match self {
            Binary::Or => 0,
            Binary::And => 1,
            Binary::Add | Binary::Sub => 3,
            Binary::Mul | Binary::Div | Binary::Mod => 4,
            _ => 2,
        }
    }

    /// Answers a truth that only filters and predicates may use.
    pub fn is_predicate(self) -> bool {
        self.priority() < 3
    }
}

impl Kind {
    /// How tightly it holds together (PostgreSQL 15, jsonpath.c, operationPriority).
    fn priority(&self) -> u8 {
        match self {
            Kind::Binary(op, ..) => op.priority(),
            Kind::Plus(_) | Kind::Minus(_) => 5,
            _ => 6,
        }
    }

    pub fn is_predicate(&self) -> bool {
        match self {
            Kind::Binary(op, ..) => op.is_predicate(),
            Kind::Not(_) | Kind::IsUnknown(_) | Kind::Exists(_) | Kind::LikeRegex(..) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The canonical text is PostgreSQL's, and reads back as itself.
    #[test]
    fn paths_are_written_as_postgres_writes_them() {
        for (text, written) in [
            ("$", "$"),
            ("strict $.a[*] ? (@ > 1)", "strict $.\"a\"[*]?(@ > 1)"),
            ("$.a + 1 * 2", "($.\"a\" + 1 * 2)"),
            ("($.a + 1) * 2", "(($.\"a\" + 1) * 2)"),
            ("$.**{2 to last}.x", "$.**{2 to last}.\"x\""),
            ("$[0, 1 to last]", "$[0,1 to last]"),
            ("-$.a", "(-$.\"a\")"),
            ("-1", "-1"),
            ("$ ? (exists (@.a) && !(@.b == 1))", "$?(exists (@.\"a\") && !(@.\"b\" == 1))"),
        ] {
            let path = parse(text).unwrap();
            let shown = write(&path);
            assert_eq!(shown, written, "{text}");
            assert_eq!(write(&parse(&shown).unwrap()), shown);
        }
    }
}
