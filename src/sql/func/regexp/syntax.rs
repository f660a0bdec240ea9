//! PostgreSQL's advanced regular expressions, translated into the syntax of Rust's engines.

use super::dissect::{Dissector, MANY, Part, Shape};
use crate::base::{Error, Result};
use crate::err;

/// How an expression is to be read: the letters of the functions' last argument.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flags {
    pub ignore_case: bool,
    /// `n`, `p`: `.` and `[^x]` do not match a newline.
    pub newline_stops: bool,
    /// `n`, `w`: `^` and `$` also match at newlines.
    pub newline_anchors: bool,
    pub expanded: bool,
    /// `q`: no special characters at all.
    pub literal: bool,
    /// `g`: all matches; only some functions accept it.
    pub global: bool,
    /// Locale C: only ASCII has letters, digits and blanks.
    pub ascii: bool,
}

/// Which of several possible ends a match prefers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preference {
    None,
    Longest,
    Shortest,
}

/// A translated expression.
#[derive(Debug)]
pub struct Translation {
    pub pattern: String,
    pub preference: Preference,
    /// Back references or look-around: only a backtracking engine can run it.
    pub backtracking: bool,
    pub dissector: Option<Dissector>,
}

#[cold]
fn invalid(what: &str) -> Error {
    err!(INVALID_REGULAR_EXPRESSION, "invalid regular expression: {what}")
}

impl Flags {
    /// Reads the letters; `name` is the function, for the message.
    pub fn parse(text: &str) -> Result<Flags> {
        let mut f = Flags::default();
        for c in text.chars() {
            match c {
                'g' => f.global = true,
                'b' | 'e' | 't' => {}
                'c' => f.ignore_case = false,
                'i' => f.ignore_case = true,
                'm' | 'n' => (f.newline_stops, f.newline_anchors) = (true, true),
                'p' => (f.newline_stops, f.newline_anchors) = (true, false),
                'q' => f.literal = true,
                's' => (f.newline_stops, f.newline_anchors) = (false, false),
                'w' => (f.newline_stops, f.newline_anchors) = (false, true),
                'x' => f.expanded = true,
                other => {
                    return Err(err!(INVALID_PARAMETER_VALUE, "invalid regular expression option: \"{other}\""));
                }
            }
        }
        Ok(f)
    }
}

/// Translates an expression under the given flags.
pub fn translate(text: &str, flags: Flags) -> Result<Translation> {
    let mut flags = flags;
    let mut rest = text;
    if let Some(literal) = rest.strip_prefix("***=") {
        (rest, flags.literal) = (literal, true);
    } else if let Some(advanced) = rest.strip_prefix("***:") {
        rest = advanced;
    } else if rest.starts_with("***") {
        return Err(invalid("quantifier operand invalid"));
    }
    if !flags.literal
        && let Some(options) = rest.strip_prefix("(?")
        && options.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        let end = options.find(')').ok_or_else(|| invalid("invalid embedded option"))?;
        let global = flags.global;
        for c in options[..end].chars() {
            let set = Flags::parse(&c.to_string()).map_err(|_| invalid("invalid embedded option"))?;
            match c {
                'i' => flags.ignore_case = true,
                'c' => flags.ignore_case = false,
                'x' => flags.expanded = true,
                't' => flags.expanded = false,
                'q' => flags.literal = true,
                _ => (flags.newline_stops, flags.newline_anchors) = (set.newline_stops, set.newline_anchors),
            }
        }
        flags.global = global;
        rest = &options[end + 1..];
    }
    let mut prefix = String::from("(?");
    if flags.ignore_case {
        prefix.push('i');
    }
    if flags.newline_anchors {
        prefix.push('m');
    }
    if !flags.newline_stops {
        prefix.push('s');
    }
    let prefix = if prefix.len() > 2 { prefix + ")" } else { String::new() };
    if flags.literal {
        let pattern = prefix + &escape(rest);
        return Ok(Translation { pattern, preference: Preference::None, backtracking: false, dissector: None });
    }
    let out = prefix.clone();
    let mut p = Parser { chars: rest.chars().collect(), at: 0, out, flags, groups: 0, looking: 0, backtracking: false };
    let root = p.alternatives(0)?;
    if p.at < p.chars.len() {
        return Err(invalid("parentheses () not balanced"));
    }
    let preference = root.preference;
    let dissector = (root.ambiguous && root.has_groups() && !p.backtracking).then(|| Dissector { root, prefix });
    Ok(Translation { pattern: p.out, preference, backtracking: p.backtracking, dissector })
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        push_literal(c, &mut out);
    }
    out
}

fn push_literal(c: char, out: &mut String) {
    if c.is_ascii_punctuation() || c == ' ' {
        // `<` and `>` must not be escaped: `\<` is a word boundary there.
        if !matches!(c, '<' | '>' | ' ' | '"' | '\'' | '%' | ',' | '/' | ':' | ';' | '=' | '@' | '_' | '`' | '!') {
            out.push('\\');
        }
    }
    out.push(c);
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    groups: u32,
    /// How many look-around constraints are open.
    looking: usize,
    backtracking: bool,
}

const MAX_REPEAT: u32 = 255;
const MAX_DEPTH: usize = 500;

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        self.at += usize::from(found);
        found
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek_at(i) == Some(c))
    }

    /// Blanks and comments of the expanded syntax, and `(?#…)` everywhere.
    fn skip(&mut self) {
        loop {
            if self.flags.expanded && self.peek().is_some_and(char::is_whitespace) {
                self.at += 1;
            } else if self.flags.expanded && self.peek() == Some('#') {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
            } else if self.looking_at("(?#") {
                while self.peek().is_some_and(|c| c != ')') {
                    self.at += 1;
                }
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn alternatives(&mut self, depth: usize) -> Result<Part> {
        if depth > MAX_DEPTH {
            return Err(invalid("regular expression is too complex"));
        }
        let start = self.out.len();
        let first = self.branch(depth)?;
        if self.peek() != Some('|') {
            return Ok(first);
        }
        let mut list = vec![first];
        while self.eat('|') {
            self.out.push('|');
            list.push(self.branch(depth)?);
        }
        let shape = if list.iter().any(Part::has_groups) { Shape::Choice(list) } else { Shape::Plain };
        Ok(self.part(start, Preference::Longest, shape, MANY))
    }

    /// What has been written since `start`.
    fn part(&self, start: usize, preference: Preference, shape: Shape, loose: usize) -> Part {
        Part::new(self.out[start..].to_owned(), preference, shape, loose)
    }

    fn branch(&mut self, depth: usize) -> Result<Part> {
        let mut pieces: Vec<Part> = Vec::new();
        loop {
            self.skip();
            match self.peek() {
                None | Some('|') => return Ok(sequence(pieces)),
                Some(')') if depth > 0 => return Ok(sequence(pieces)),
                Some(')') => return Err(invalid("parentheses () not balanced")),
                Some(_) => {}
            }
            let piece = self.piece(depth)?;
            match pieces.last_mut() {
                Some(last) if can_join(last, &piece) => join(last, piece),
                _ => pieces.push(piece),
            }
        }
    }

    /// An atom or constraint with its quantifier.
    fn piece(&mut self, depth: usize) -> Result<Part> {
        let start = self.out.len();
        let (atom, quantifiable) = self.atom(depth)?;
        self.skip();
        let (low, high, fixed) = match self.peek() {
            Some('{') if self.peek_at(1).is_some_and(|c| c.is_ascii_digit()) => self.bounds()?,
            Some(c @ ('*' | '+' | '?')) => {
                self.at += 1;
                (u32::from(c == '+'), (c == '?').then_some(1), false)
            }
            _ => return Ok(atom),
        };
        if !quantifiable {
            return Err(invalid("quantifier operand invalid"));
        }
        let lazy = self.eat('?');
        self.no_second_quantifier()?;
        self.repeat(start, low, high, lazy);
        let preference = match (fixed, lazy) {
            (true, _) => atom.preference,
            (false, true) => Preference::Shortest,
            (false, false) => Preference::Longest,
        };
        Ok(self.repeated(start, atom, (low, high), preference))
    }

    /// A piece as it was just written, `atom` so many times. PostgreSQL 15, regcomp.c, parseqatom: only the last round of
    /// a group is looked into.
    fn repeated(&self, start: usize, atom: Part, (low, high): (u32, Option<u32>), preference: Preference) -> Part {
        if !atom.has_groups() || high == Some(0) {
            let loose = if low == high.unwrap_or(u32::MAX) { atom.loose } else { 1 + atom.loose };
            return self.part(start, preference, Shape::Plain, loose);
        }
        if (low, high) == (1, Some(1)) {
            // Only what it prefers as a whole may be another.
            return self.part(start, preference, atom.shape, atom.loose);
        }
        let shape = match low {
            0 => Shape::Repeat(Box::new(atom), high),
            _ => {
                let most = high.map_or(String::new(), |h| (h - 1).to_string());
                let before = format!("(?:{}){{{},{most}}}", atom.pattern, low - 1);
                let before = Part::new(before, preference, Shape::Plain, MANY);
                Shape::Pair(Box::new(before), Box::new(atom))
            }
        };
        self.part(start, preference, shape, MANY)
    }

    fn no_second_quantifier(&mut self) -> Result<()> {
        self.skip();
        match self.peek() {
            Some('*' | '+' | '?') => Err(invalid("quantifier operand invalid")),
            Some('{') if self.peek_at(1).is_some_and(|c| c.is_ascii_digit()) => {
                Err(invalid("quantifier operand invalid"))
            }
            _ => Ok(()),
        }
    }

    fn repeat(&mut self, start: usize, low: u32, high: Option<u32>, lazy: bool) {
        // What was written since `start` is one atom by construction, but may be several characters long.
        let atom = self.out.split_off(start);
        let quantifier = match (low, high) {
            (0, None) => "*".to_owned(),
            (1, None) => "+".to_owned(),
            (0, Some(1)) => "?".to_owned(),
            (l, None) => format!("{{{l},}}"),
            (l, Some(h)) if l == h => format!("{{{l}}}"),
            (l, Some(h)) => format!("{{{l},{h}}}"),
        };
        self.out += &format!("{atom}{quantifier}{}", if lazy { "?" } else { "" });
    }

    /// `{m}`, `{m,}` or `{m,n}`; true if it is of the first form.
    fn bounds(&mut self) -> Result<(u32, Option<u32>, bool)> {
        self.at += 1;
        let low = self.count()?;
        let (high, fixed) = if self.eat(',') {
            (if self.peek() == Some('}') { None } else { Some(self.count()?) }, false)
        } else {
            (Some(low), true)
        };
        if !self.eat('}') {
            return Err(invalid(if self.peek().is_none() {
                "braces {} not balanced"
            } else {
                "invalid repetition count(s)"
            }));
        }
        if high.is_some_and(|h| h < low) {
            return Err(invalid("invalid repetition count(s)"));
        }
        Ok((low, high, fixed))
    }

    fn count(&mut self) -> Result<u32> {
        let mut n = None;
        while let Some(d) = self.peek().and_then(|c| c.to_digit(10)) {
            let next = n.unwrap_or(0) * 10 + d;
            if next > MAX_REPEAT {
                return Err(invalid("invalid repetition count(s)"));
            }
            n = Some(next);
            self.at += 1;
        }
        n.ok_or_else(|| invalid("invalid repetition count(s)"))
    }

    /// Writes an atom; what it is, and whether a quantifier may follow.
    fn atom(&mut self, depth: usize) -> Result<(Part, bool)> {
        let start = self.out.len();
        if self.eat('(') {
            return self.group(depth);
        }
        let quantifiable = self.single()?;
        Ok((self.part(start, Preference::None, Shape::Plain, 0), quantifiable))
    }

    /// Writes what is one character or a constraint; false: no quantifier may follow.
    fn single(&mut self) -> Result<bool> {
        let Some(c) = self.peek() else { return Ok(false) };
        self.at += 1;
        match c {
            '[' if self.looking_at("[:<:]]") => {
                self.at += 6;
                self.out += r"\b{start}";
                return Ok(false);
            }
            '[' if self.looking_at("[:>:]]") => {
                self.at += 6;
                self.out += r"\b{end}";
                return Ok(false);
            }
            '[' => self.bracket()?,
            '.' => self.out.push('.'),
            '^' => {
                self.out.push('^');
                return Ok(false);
            }
            '$' => {
                self.out.push('$');
                return Ok(false);
            }
            '*' | '+' | '?' => return Err(invalid("quantifier operand invalid")),
            '{' if self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                return Err(invalid("quantifier operand invalid"));
            }
            '\\' => return self.escape_sequence(),
            c => self.literal(c),
        }
        Ok(true)
    }

    fn group(&mut self, depth: usize) -> Result<(Part, bool)> {
        let (start, mut constraint, mut number) = (self.out.len(), false, None);
        if self.eat('?') {
            let open = match (self.peek(), self.peek_at(1)) {
                (Some(':'), _) => ":",
                (Some('='), _) => "=",
                (Some('!'), _) => "!",
                (Some('<'), Some('=')) => "<=",
                (Some('<'), Some('!')) => "<!",
                _ => return Err(invalid("quantifier operand invalid")),
            };
            self.at += open.len();
            self.out += "(?";
            self.out += open;
            constraint = open != ":";
            self.backtracking |= constraint;
        } else if self.looking > 0 {
            // Groups in look-around capture nothing (PostgreSQL 15, regcomp.c, parseqatom: same rule).
            self.out += "(?:";
        } else {
            self.groups += 1;
            number = Some(self.groups as usize);
            self.out.push('(');
        }
        self.looking += usize::from(constraint);
        let inner = self.alternatives(depth + 1)?;
        self.looking -= usize::from(constraint);
        if !self.eat(')') {
            return Err(invalid("parentheses () not balanced"));
        }
        self.out.push(')');
        if constraint {
            return Ok((self.part(start, Preference::None, Shape::Plain, 0), false));
        }
        let (preference, loose) = (inner.preference, inner.loose);
        let shape = match number {
            Some(n) => Shape::Group(n, Box::new(inner)),
            None => inner.shape,
        };
        Ok((self.part(start, preference, shape, loose), true))
    }

    /// A number of up to `max` hexadecimal digits, at least `min`.
    fn hex(&mut self, min: usize, max: usize) -> Result<char> {
        let digits: String = self.chars[self.at..].iter().take(max).take_while(|c| c.is_ascii_hexdigit()).collect();
        if digits.len() < min {
            return Err(invalid("invalid escape \\ sequence"));
        }
        self.at += digits.len();
        u32::from_str_radix(&digits, 16)
            .ok()
            .and_then(char::from_u32)
            .ok_or_else(|| invalid("invalid escape \\ sequence"))
    }

    /// The character an escape stands for, if it is one of those.
    fn character_escape(&mut self, c: char) -> Result<Option<char>> {
        Ok(Some(match c {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'c' => {
                let x = self.peek().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                self.at += 1;
                char::from((x as u32 & 0x1f) as u8)
            }
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'u' => self.hex(4, 4)?,
            'U' => self.hex(8, 8)?,
            'x' => self.hex(1, 255)?,
            '0' => {
                let digits: String =
                    self.chars[self.at..].iter().take(2).take_while(|c| ('0'..='7').contains(*c)).collect();
                self.at += digits.len();
                char::from(u8::from_str_radix(&digits, 8).unwrap_or(0))
            }
            c if c.is_ascii_alphanumeric() => return Ok(None),
            c => c,
        }))
    }

    fn literal(&mut self, c: char) {
        // Has no other case in locale C.
        let alone = self.flags.ascii && self.flags.ignore_case && !c.is_ascii();
        self.out += if alone { "(?-i:" } else { "" };
        push_literal(c, &mut self.out);
        self.out += if alone { ")" } else { "" };
    }

    /// What an escape stands for where only ASCII counts.
    fn ascii_class(c: char) -> &'static str {
        match c {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t-\r ]",
            'S' => r"[^\t-\r ]",
            'w' => "[0-9A-Za-z_]",
            _ => "[^0-9A-Za-z_]",
        }
    }

    fn escape_sequence(&mut self) -> Result<bool> {
        let Some(c) = self.peek() else { return Err(invalid("invalid escape \\ sequence")) };
        self.at += 1;
        if let Some(literal) = self.character_escape(c)? {
            self.literal(literal);
            return Ok(true);
        }
        let constraint = match c {
            'A' => r"\A",
            'Z' => r"\z",
            'm' if self.flags.ascii => r"(?-u:\b{start})",
            'M' if self.flags.ascii => r"(?-u:\b{end})",
            'y' if self.flags.ascii => r"(?-u:\b)",
            'm' => r"\b{start}",
            'M' => r"\b{end}",
            'y' => r"\b",
            'Y' => r"\B",
            'd' | 'D' | 's' | 'S' | 'w' | 'W' if self.flags.ascii => {
                self.out += Parser::ascii_class(c);
                return Ok(true);
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.out.push('\\');
                self.out.push(c);
                return Ok(true);
            }
            '1'..='9' => return self.back_reference(c),
            _ => return Err(invalid("invalid escape \\ sequence")),
        };
        self.out += constraint;
        Ok(false)
    }

    fn back_reference(&mut self, first: char) -> Result<bool> {
        let mut n = first.to_digit(10).unwrap_or(0);
        // More digits belong to it only while there are so many groups.
        while let Some(d) = self.peek().and_then(|c| c.to_digit(10))
            && n * 10 + d <= self.groups
        {
            n = n * 10 + d;
            self.at += 1;
        }
        if n > self.groups || self.looking > 0 {
            return Err(invalid("invalid backreference number"));
        }
        self.backtracking = true;
        self.out += &format!("(?:\\{n})");
        Ok(true)
    }

    /// A bracket expression; the opening bracket is taken already.
    fn bracket(&mut self) -> Result<()> {
        let unbalanced = || invalid("brackets [] not balanced");
        self.out.push('[');
        let negated = self.eat('^');
        if negated {
            self.out.push('^');
            if self.flags.newline_stops {
                self.out += r"\n";
            }
        }
        let mut first = true;
        loop {
            let c = self.peek().ok_or_else(unbalanced)?;
            if c == ']' && !first {
                self.at += 1;
                self.out.push(']');
                return Ok(());
            }
            first = false;
            let Some(low) = self.bracket_item()? else { continue };
            if self.peek() == Some('-') && self.peek_at(1).is_some_and(|c| c != ']') {
                self.at += 1;
                let high = self.bracket_item()?.ok_or_else(|| invalid("invalid character range"))?;
                if high < low {
                    return Err(invalid("invalid character range"));
                }
                bracket_literal(low, &mut self.out);
                self.out.push('-');
                bracket_literal(high, &mut self.out);
            } else {
                bracket_literal(low, &mut self.out);
            }
        }
    }

    /// One character, or None if a class was written.
    fn bracket_item(&mut self) -> Result<Option<char>> {
        let unbalanced = || invalid("brackets [] not balanced");
        let c = self.peek().ok_or_else(unbalanced)?;
        self.at += 1;
        if c == '[' && matches!(self.peek(), Some(':' | '.' | '=')) {
            let kind = self.peek().unwrap_or(':');
            let body: String = self.chars[self.at + 1..].iter().collect();
            let end = body.find(&format!("{kind}]")).ok_or_else(unbalanced)?;
            let name = &body[..end];
            self.at += 1 + name.chars().count() + 2;
            if kind != ':' {
                let mut chars = name.chars();
                return match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(Some(c)),
                    _ => Err(invalid("invalid collating element")),
                };
            }
            // In Unicode, as the engines' \w is.
            let ascii = self.flags.ascii;
            self.out += match name {
                "alpha" if ascii => "A-Za-z",
                "digit" if ascii => "0-9",
                "alnum" if ascii => "0-9A-Za-z",
                "upper" | "lower" if ascii && self.flags.ignore_case => "A-Za-z",
                "upper" if ascii => "A-Z",
                "lower" if ascii => "a-z",
                "space" if ascii => r"\t-\r ",
                "print" if ascii => " -~",
                "graph" if ascii => "!-~",
                "cntrl" if ascii => r"\x00-\x1f\x7f",
                "word" if ascii => "0-9A-Za-z_",
                "alpha" => r"\p{Alphabetic}",
                "digit" => r"\d",
                "alnum" => r"\p{Alphabetic}\p{Nd}",
                "upper" if self.flags.ignore_case => r"\p{Alphabetic}",
                "lower" if self.flags.ignore_case => r"\p{Alphabetic}",
                "upper" => r"\p{Uppercase}",
                "lower" => r"\p{Lowercase}",
                "space" => r"\s",
                "blank" => r"\t ",
                "punct" => r"[:punct:]",
                "print" => r"[^\p{Cc}\p{Cn}]",
                "graph" => r"[^\p{Cc}\p{Cn}\s]",
                "cntrl" => r"\p{Cc}",
                "xdigit" => r"0-9A-Fa-f",
                "word" => r"\w",
                "ascii" => r"\x00-\x7f",
                _ => return Err(invalid("invalid character class")),
            };
            if name == "punct" {
                let at = self.out.len() - "[:punct:]".len();
                self.out.insert(at, '[');
                self.out.push(']');
            }
            return Ok(None);
        }
        if c != '\\' {
            return Ok(Some(c));
        }
        let e = self.peek().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
        self.at += 1;
        if let Some(literal) = self.character_escape(e)? {
            return Ok(Some(literal));
        }
        match e {
            'd' | 's' | 'w' | 'D' | 'S' | 'W' if self.flags.ascii => {
                self.out += Parser::ascii_class(e);
                Ok(None)
            }
            'd' | 's' | 'w' | 'D' | 'S' | 'W' => {
                self.out.push('\\');
                self.out.push(e);
                Ok(None)
            }
            _ => Err(invalid("invalid escape \\ sequence")),
        }
    }
}

/// Pieces without groups that prefer the same are one.
fn can_join(last: &Part, piece: &Part) -> bool {
    let (a, b) = (last.preference, piece.preference);
    !last.has_groups() && !piece.has_groups() && (a == b || a == Preference::None || b == Preference::None)
}

fn join(last: &mut Part, piece: Part) {
    if last.preference == Preference::None {
        last.preference = piece.preference;
    }
    last.pattern += &piece.pattern;
    last.loose = (last.loose + piece.loose).min(MANY);
    last.ambiguous = last.loose == MANY;
}

/// Pieces one after the other: the first and the rest. What is very long is not taken apart.
fn sequence(mut pieces: Vec<Part>) -> Part {
    const MOST: usize = 200;
    if pieces.len() > MOST {
        let preference = pieces.iter().map(|p| p.preference).find(|p| *p != Preference::None);
        let pattern = pieces.into_iter().map(|p| p.pattern).collect();
        return Part::new(pattern, preference.unwrap_or(Preference::None), Shape::Plain, 0);
    }
    let Some(mut rest) = pieces.pop() else {
        return Part::new(String::new(), Preference::None, Shape::Plain, 0);
    };
    while let Some(first) = pieces.pop() {
        let preference = if first.preference == Preference::None { rest.preference } else { first.preference };
        let pattern = format!("{}{}", first.pattern, rest.pattern);
        let plain = !first.has_groups() && !rest.has_groups();
        let loose = if plain { MANY } else { first.loose + rest.loose };
        let shape = if plain { Shape::Plain } else { Shape::Pair(Box::new(first), Box::new(rest)) };
        rest = Part::new(pattern, preference, shape, loose);
    }
    rest
}

fn bracket_literal(c: char, out: &mut String) {
    if matches!(c, '[' | ']' | '\\' | '^' | '-' | '&' | '~') {
        out.push('\\');
    }
    out.push(c);
}
