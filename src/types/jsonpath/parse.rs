//! Reading a path: a scanner and a descent by precedence (PostgreSQL 15, jsonpath_scan.l, jsonpath_gram.y: same language).

use super::{Binary, Item, Kind, Method, Path};
use crate::base::{Error, Result};
use crate::err;
use crate::types::numeric::Numeric;

/// Expressions nested deeper are refused with 54001.
const MAX_DEPTH: usize = 500;

pub fn parse(text: &str) -> Result<Path> {
    parse_checked(text, &|_, _| Ok(()))
}

/// Likewise; `check` looks at each regular expression and its flags.
///
/// # Errors
/// 42601, 22P02 and those of `check`.
pub fn parse_checked(text: &str, check: &dyn Fn(&str, &str) -> Result<()>) -> Result<Path> {
    let tokens = scan(text)?;
    if tokens.len() == 1 {
        return Err(err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type jsonpath: \"{text}\""));
    }
    let mut p = Parser { tokens, at: 0, depth: 0, filters: 0, subscripts: 0, check };
    let strict = p.word("strict");
    if !strict {
        p.word("lax");
    }
    let root = p.or()?;
    match p.tok() {
        Tok::End => Ok(Path { strict, root }),
        _ => Err(p.unexpected()),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Tok {
    /// A word or quoted name; true if it was quoted.
    Name(String, bool),
    Variable(String),
    Number(String),
    Sign(&'static str),
    End,
}

struct Token {
    tok: Tok,
    /// As written, for messages.
    text: String,
}

const SIGNS: [&str; 30] = [
    "&&", "||", "==", "!=", "<>", "<=", ">=", "**", "$", "@", "?", "(", ")", "[", "]", "{", "}", ".", ",", "*", "+",
    "-", "/", "%", "<", ">", "!", "=", "&", "|",
];

fn syntax(near: &str) -> Error {
    match near.is_empty() {
        true => err!(SYNTAX_ERROR, "syntax error at end of jsonpath input"),
        false => err!(SYNTAX_ERROR, "syntax error at or near \"{near}\" of jsonpath input"),
    }
}

fn scan(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        if let Some(body) = rest.strip_prefix("/*") {
            rest = body.split_once("*/").ok_or_else(|| err!(SYNTAX_ERROR, "unexpected end of comment"))?.1;
            continue;
        }
        let start = rest;
        let tok = match rest.chars().next() {
            None => Tok::End,
            Some('"') => Tok::Name(quoted(&mut rest)?, true),
            Some('$') if rest[1..].starts_with('"') => {
                rest = &rest[1..];
                Tok::Variable(quoted(&mut rest)?)
            }
            Some('$') if rest[1..].starts_with(is_name) => {
                rest = &rest[1..];
                Tok::Variable(name(&mut rest)?)
            }
            Some(c) if c.is_ascii_digit() || c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                number(&mut rest)?
            }
            Some(c) if is_name(c) => Tok::Name(name(&mut rest)?, false),
            Some(c) => match SIGNS.iter().find(|s| rest.starts_with(**s)) {
                Some(sign) => {
                    rest = &rest[sign.len()..];
                    Tok::Sign(sign)
                }
                None => return Err(syntax(&c.to_string())),
            },
        };
        let end = tok == Tok::End;
        tokens.push(Token { tok, text: start[..start.len() - rest.len()].to_string() });
        if end {
            return Ok(tokens);
        }
    }
}

fn is_name(c: char) -> bool {
    c == '_' || c == '\\' || c.is_alphanumeric() || !c.is_ascii()
}

fn name(rest: &mut &str) -> Result<String> {
    let mut out = String::new();
    while let Some(c) = rest.chars().next().filter(|c| is_name(*c)) {
        *rest = &rest[c.len_utf8()..];
        match c {
            '\\' => out.push(escape(rest)?),
            c => out.push(c),
        }
    }
    Ok(out)
}

fn quoted(rest: &mut &str) -> Result<String> {
    let mut out = String::new();
    *rest = &rest[1..];
    loop {
        let c = rest.chars().next().ok_or_else(|| err!(SYNTAX_ERROR, "unexpected end of quoted string"))?;
        *rest = &rest[c.len_utf8()..];
        match c {
            '"' => return Ok(out),
            '\\' => out.push(escape(rest)?),
            c => out.push(c),
        }
    }
}

/// What follows a backslash.
fn escape(rest: &mut &str) -> Result<char> {
    let invalid = || err!(SYNTAX_ERROR, "invalid escape sequence");
    let c = rest.chars().next().ok_or_else(|| err!(SYNTAX_ERROR, "unexpected end after backslash"))?;
    *rest = &rest[c.len_utf8()..];
    let digits = |n: usize, rest: &mut &str| -> Result<u32> {
        let hex = rest.get(..n).ok_or_else(invalid)?;
        let v = u32::from_str_radix(hex, 16).map_err(|_| invalid())?;
        *rest = &rest[n..];
        Ok(v)
    };
    Ok(match c {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => char::from_u32(digits(2, rest)?).ok_or_else(invalid)?,
        'u' => {
            if let Some(body) = rest.strip_prefix('{') {
                let (hex, tail) = body.split_once('}').ok_or_else(invalid)?;
                let v = u32::from_str_radix(hex, 16).map_err(|_| invalid())?;
                *rest = tail;
                return char::from_u32(v).filter(|c| *c != '\0').ok_or_else(invalid);
            }
            let first = digits(4, rest)?;
            let code = match first {
                0xD800..=0xDBFF => {
                    *rest = rest.strip_prefix("\\u").ok_or_else(invalid)?;
                    let second = digits(4, rest)?;
                    if !(0xDC00..=0xDFFF).contains(&second) {
                        return Err(invalid());
                    }
                    0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                }
                other => other,
            };
            char::from_u32(code).filter(|c| *c != '\0').ok_or_else(invalid)?
        }
        other => other,
    })
}

fn number(rest: &mut &str) -> Result<Tok> {
    let b = rest.as_bytes();
    let digits = |mut at: usize| {
        while b.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    // No number but 0 itself begins with 0.
    let mut end = if b[0] == b'0' { 1 } else { digits(0) };
    if b.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(b.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(b.get(end + 1), Some(b'+' | b'-')));
        let after = digits(end + 1 + sign);
        if after > end + 1 + sign {
            end = after;
        }
    }
    let (text, tail) = rest.split_at(end);
    if tail.starts_with(is_name) {
        let junk: String = rest.chars().take(text.chars().count() + 1).collect();
        return Err(err!(SYNTAX_ERROR, "trailing junk after numeric literal at or near \"{junk}\" of jsonpath input"));
    }
    *rest = tail;
    Ok(Tok::Number(text.to_string()))
}

struct Parser<'c> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Filters around the present place: `@` needs one.
    filters: usize,
    /// Subscripts around it: `last` needs one.
    subscripts: usize,
    /// Looks at each regular expression and its flags.
    check: &'c dyn Fn(&str, &str) -> Result<()>,
}

impl Parser<'_> {
    fn tok(&self) -> &Tok {
        self.tokens.get(self.at).map_or(&Tok::End, |t| &t.tok)
    }

    fn unexpected(&self) -> Error {
        syntax(self.tokens.get(self.at).map_or("", |t| &t.text))
    }

    fn is_word(&self, n: usize, word: &str) -> bool {
        matches!(self.tokens.get(self.at + n).map(|t| &t.tok), Some(Tok::Name(w, false)) if w.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tok(), Tok::Sign(s) if *s == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn predicate(&self, item: Item) -> Result<Item> {
        match item.kind.is_predicate() && item.next.is_empty() {
            true => Ok(item),
            false => Err(self.unexpected()),
        }
    }

    fn or(&mut self) -> Result<Item> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let mut left = self.and()?;
        while self.sign("||") {
            left = self.predicate(left)?;
            let right = self.and()?;
            let right = self.predicate(right)?;
            left = Item::of(Kind::Binary(Binary::Or, Box::new(left), Box::new(right)));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Item> {
        let mut left = self.comparison()?;
        while self.sign("&&") {
            left = self.predicate(left)?;
            let right = self.comparison()?;
            let right = self.predicate(right)?;
            left = Item::of(Kind::Binary(Binary::And, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Item> {
        if self.sign("!") {
            if !(self.is_word(0, "exists") || matches!(self.tok(), Tok::Sign("("))) {
                return Err(self.unexpected());
            }
            let arg = self.primary()?;
            let arg = self.predicate(arg)?;
            return Ok(Item::of(Kind::Not(Box::new(arg))));
        }
        let left = self.sum()?;
        let op = match self.tok() {
            Tok::Sign("==" | "=") => Binary::Equal,
            Tok::Sign("!=" | "<>") => Binary::NotEqual,
            Tok::Sign("<") => Binary::Less,
            Tok::Sign(">") => Binary::Greater,
            Tok::Sign("<=") => Binary::LessOrEqual,
            Tok::Sign(">=") => Binary::GreaterOrEqual,
            _ => return self.named_predicate(left),
        };
        if left.kind.is_predicate() && left.next.is_empty() {
            return Err(self.unexpected());
        }
        self.at += 1;
        let right = self.sum()?;
        Ok(Item::of(Kind::Binary(op, Box::new(left), Box::new(right))))
    }

    fn named_predicate(&mut self, left: Item) -> Result<Item> {
        if self.is_word(0, "starts") && self.is_word(1, "with") {
            self.at += 2;
            let initial = match self.tok().clone() {
                Tok::Name(s, true) => Kind::String(s),
                Tok::Variable(v) => Kind::Variable(v),
                _ => return Err(self.unexpected()),
            };
            self.at += 1;
            let right = Box::new(Item::of(initial));
            return Ok(Item::of(Kind::Binary(Binary::StartsWith, Box::new(left), right)));
        }
        if self.word("like_regex") {
            let Tok::Name(pattern, true) = self.tok().clone() else { return Err(self.unexpected()) };
            self.at += 1;
            let mut flags = String::new();
            if self.word("flag") {
                let Tok::Name(f, true) = self.tok().clone() else { return Err(self.unexpected()) };
                self.at += 1;
                flags = canonical_flags(&f)?;
            }
            check_pattern(&pattern, &flags)?;
            (self.check)(&pattern, &flags)?;
            return Ok(Item::of(Kind::LikeRegex(Box::new(left), pattern, flags)));
        }
        if self.is_word(0, "is") && self.is_word(1, "unknown") && left.kind.is_predicate() && left.next.is_empty() {
            self.at += 2;
            return Ok(Item::of(Kind::IsUnknown(Box::new(left))));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Item> {
        let mut left = self.product()?;
        loop {
            let op = match self.tok() {
                Tok::Sign("+") => Binary::Add,
                Tok::Sign("-") => Binary::Sub,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = Item::of(Kind::Binary(op, Box::new(left), Box::new(right)));
        }
    }

    fn product(&mut self) -> Result<Item> {
        let mut left = self.signed()?;
        loop {
            let op = match self.tok() {
                Tok::Sign("*") => Binary::Mul,
                Tok::Sign("/") => Binary::Div,
                Tok::Sign("%") => Binary::Mod,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.signed()?;
            left = Item::of(Kind::Binary(op, Box::new(left), Box::new(right)));
        }
    }

    fn signed(&mut self) -> Result<Item> {
        let minus = match self.tok() {
            Tok::Sign("+") => false,
            Tok::Sign("-") => true,
            _ => return self.primary(),
        };
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let arg = self.signed()?;
        self.depth -= 1;
        // The sign of a bare number belongs to it.
        Ok(match (arg.kind, arg.next.is_empty(), minus) {
            (Kind::Number(n), true, true) => Item::of(Kind::Number(n.negated())),
            (Kind::Number(n), true, false) => Item::of(Kind::Number(n)),
            (kind, _, true) => Item::of(Kind::Minus(Box::new(Item { kind, next: arg.next }))),
            (kind, _, false) => Item::of(Kind::Plus(Box::new(Item { kind, next: arg.next }))),
        })
    }

    fn primary(&mut self) -> Result<Item> {
        let mut item = self.head()?;
        while let Some(next) = self.accessor()? {
            item.next.push(next);
        }
        Ok(item)
    }

    fn head(&mut self) -> Result<Item> {
        let kind = match self.tok().clone() {
            Tok::Sign("(") => {
                self.at += 1;
                let inner = self.or()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Tok::Sign("$") => Kind::Root,
            Tok::Sign("@") if self.filters == 0 => {
                return Err(err!(SYNTAX_ERROR, "@ is not allowed in root expressions"));
            }
            Tok::Sign("@") => Kind::Current,
            Tok::Variable(v) => Kind::Variable(v),
            Tok::Number(n) => Kind::Number(Numeric::parse(&n)?),
            Tok::Name(s, true) => Kind::String(s),
            Tok::Name(w, false) => match w.as_str() {
                "null" => Kind::Null,
                "true" => Kind::Bool(true),
                "false" => Kind::Bool(false),
                w if w.eq_ignore_ascii_case("last") => {
                    if self.subscripts == 0 {
                        return Err(err!(SYNTAX_ERROR, "LAST is allowed only in array subscripts"));
                    }
                    Kind::Last
                }
                w if w.eq_ignore_ascii_case("exists") => {
                    self.at += 1;
                    self.expect("(")?;
                    let arg = self.sum()?;
                    self.expect(")")?;
                    return Ok(Item::of(Kind::Exists(Box::new(arg))));
                }
                _ => return Err(self.unexpected()),
            },
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Item::of(kind))
    }

    fn accessor(&mut self) -> Result<Option<Kind>> {
        if self.sign("?") {
            self.expect("(")?;
            self.filters += 1;
            let inner = self.or()?;
            self.filters -= 1;
            let inner = self.predicate(inner)?;
            self.expect(")")?;
            return Ok(Some(Kind::Filter(Box::new(inner))));
        }
        if self.sign("[") {
            return self.subscript().map(Some);
        }
        if !self.sign(".") {
            return Ok(None);
        }
        if self.sign("**") {
            return self.any_level().map(Some);
        }
        if self.sign("*") {
            return Ok(Some(Kind::AnyKey));
        }
        let Tok::Name(name, quoted) = self.tok().clone() else { return Err(self.unexpected()) };
        self.at += 1;
        if !quoted && matches!(self.tok(), Tok::Sign("(")) {
            if name.eq_ignore_ascii_case("datetime") {
                return self.datetime().map(Some);
            }
            let Some(method) = Method::ALL.iter().find(|m| m.0.eq_ignore_ascii_case(&name)) else {
                return Err(self.unexpected());
            };
            self.at += 1;
            self.expect(")")?;
            return Ok(Some(Kind::Method(method.1)));
        }
        Ok(Some(Kind::Key(name)))
    }

    /// What follows `.datetime`.
    fn datetime(&mut self) -> Result<Kind> {
        self.expect("(")?;
        let template = match self.tok().clone() {
            Tok::Name(s, true) => {
                self.at += 1;
                Some(s)
            }
            _ => None,
        };
        self.expect(")")?;
        Ok(Kind::Datetime(template))
    }

    fn subscript(&mut self) -> Result<Kind> {
        if self.sign("*") {
            self.expect("]")?;
            return Ok(Kind::AnyArray);
        }
        let mut list = Vec::new();
        self.subscripts += 1;
        loop {
            let from = self.sum()?;
            let to = if self.word("to") { Some(self.sum()?) } else { None };
            list.push((from, to));
            if !self.sign(",") {
                break;
            }
        }
        self.subscripts -= 1;
        self.expect("]")?;
        Ok(Kind::Index(list))
    }

    fn any_level(&mut self) -> Result<Kind> {
        if !self.sign("{") {
            return Ok(Kind::Any(0, u32::MAX));
        }
        let first = self.level()?;
        let last = if self.word("to") { self.level()? } else { first };
        self.expect("}")?;
        Ok(Kind::Any(first, last))
    }

    fn level(&mut self) -> Result<u32> {
        if self.word("last") {
            return Ok(u32::MAX);
        }
        let Tok::Number(n) = self.tok().clone() else { return Err(self.unexpected()) };
        let level = n.parse::<i32>().map_err(|_| self.unexpected())?;
        self.at += 1;
        Ok(level as u32)
    }
}

/// The flags in the order PostgreSQL shows them.
fn canonical_flags(flags: &str) -> Result<String> {
    for c in flags.chars() {
        if !"ismxq".contains(c) {
            return Err(err!(SYNTAX_ERROR, "invalid input syntax for type jsonpath")
                .detail(format!("Unrecognized flag character \"{c}\" in LIKE_REGEX predicate.")));
        }
    }
    Ok("ismxq".chars().filter(|c| flags.contains(*c)).collect())
}

fn check_pattern(_pattern: &str, flags: &str) -> Result<()> {
    match flags.contains('x') && !flags.contains('q') {
        true => Err(Error::unsupported("XQuery \"x\" flag (expanded regular expressions) is not implemented")),
        false => Ok(()),
    }
}
