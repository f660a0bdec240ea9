//! The words of a Snowball source.

use std::collections::HashMap;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    Name(String),
    Number(i64),
    Text(String),
    Sign(&'static str),
    End,
}

/// Longest first, so that `<` does not take the head of `<-`.
const SIGNS: &[&str] = &[
    "->", "<-", "<+", "+=", "-=", "*=", "/=", "==", "!=", ">=", "<=", "=>", "(", ")", "[", "]", "$", "=", "<", ">",
    "+", "-", "*", "/", "?",
];

pub struct Lexer<'a> {
    rest: &'a str,
    /// The characters around a name inside of a string.
    escapes: Option<(char, char)>,
    defined: HashMap<String, String>,
}

impl<'a> Lexer<'a> {
    pub fn new(source: &'a str) -> Lexer<'a> {
        Lexer { rest: source, escapes: None, defined: HashMap::new() }
    }

    fn skip(&mut self) -> Result<(), String> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(rest) = self.rest.strip_prefix("/*") {
                self.rest = rest.split_once("*/").ok_or("a comment does not end")?.1;
            } else {
                return Ok(());
            }
        }
    }

    /// The next word; definitions of escapes in strings are taken on the way.
    pub fn next(&mut self) -> Result<Token, String> {
        loop {
            match self.word()? {
                Token::Name(n) if n == "stringescapes" => self.read_escapes()?,
                Token::Name(n) if n == "stringdef" => self.define()?,
                other => return Ok(other),
            }
        }
    }

    fn word(&mut self) -> Result<Token, String> {
        self.skip()?;
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        if first == '\'' {
            return self.text();
        }
        if first.is_ascii_alphabetic() {
            return Ok(Token::Name(self.take(|c| c.is_ascii_alphanumeric() || c == '_').to_owned()));
        }
        if first.is_ascii_digit() {
            let digits = self.take(|c| c.is_ascii_digit());
            return digits.parse().map(Token::Number).map_err(|e| e.to_string());
        }
        let sign = SIGNS.iter().find(|s| self.rest.starts_with(**s)).ok_or_else(|| format!("unknown sign {first}"))?;
        self.rest = &self.rest[sign.len()..];
        Ok(Token::Sign(sign))
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn read_escapes(&mut self) -> Result<(), String> {
        self.skip()?;
        let mut next = || {
            self.rest = self.rest.trim_start();
            let c = self.rest.chars().next().ok_or("escapes are missing")?;
            self.rest = &self.rest[c.len_utf8()..];
            Ok::<char, String>(c)
        };
        self.escapes = Some((next()?, next()?));
        Ok(())
    }

    fn define(&mut self) -> Result<(), String> {
        self.skip()?;
        let name = self.take(|c| !c.is_whitespace()).to_owned();
        let Token::Text(text) = self.word()? else { return Err(format!("no text for {name}")) };
        self.defined.insert(name, text);
        Ok(())
    }

    fn text(&mut self) -> Result<Token, String> {
        let mut out = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match self.escapes {
                _ if c == '\'' => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(Token::Text(out));
                }
                Some((open, close)) if c == open => {
                    let inside: String = chars.by_ref().map(|(_, c)| c).take_while(|c| *c != close).collect();
                    out.push_str(&self.escaped(&inside)?);
                }
                _ => out.push(c),
            }
        }
        Err("a text does not end".into())
    }

    fn escaped(&self, name: &str) -> Result<String, String> {
        if let Some(text) = self.defined.get(name) {
            return Ok(text.clone());
        }
        if name == "'" || self.escapes.is_some_and(|(open, _)| name.chars().eq([open])) {
            return Ok(name.to_owned());
        }
        let code = name.strip_prefix("U+").and_then(|hex| u32::from_str_radix(hex, 16).ok());
        code.and_then(char::from_u32).map(String::from).ok_or_else(|| format!("{name} is not defined"))
    }
}
