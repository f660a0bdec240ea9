//! `json`: text that is valid JSON, kept as it was written. Here is the reader both JSON types share.

use crate::base::{Error, Result};
use crate::err;

/// Deeper nesting is refused, so that no input can exhaust the stack.
const MAX_DEPTH: usize = 3000;

/// Gets what the reader finds, in the order of the text.
pub trait Sink {
    fn start_object(&mut self) {}
    fn key(&mut self, _name: String) {}
    fn end_object(&mut self) {}
    fn start_array(&mut self) {}
    fn end_array(&mut self) {}
    fn scalar(&mut self, _value: Scalar<'_>) -> Result<()> {
        Ok(())
    }
    /// Whether string contents are wanted; if not, escapes are only checked.
    fn wants_strings(&self) -> bool {
        true
    }
}

/// A value that holds no others.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    Null,
    Bool(bool),
    /// As written.
    Number(&'a str),
    String(String),
}

/// Only checks.
struct Check;

impl Sink for Check {
    fn wants_strings(&self) -> bool {
        false
    }
}

/// Checks that a text is JSON.
pub fn validate(text: &str) -> Result<()> {
    read(text, &mut Check)
}

/// Reads a whole text.
pub fn read(text: &str, sink: &mut dyn Sink) -> Result<()> {
    let mut p =
        Parser { text, start: 0, end: 0, token: Token::ObjectStart, string: None, strings: sink.wants_strings() };
    p.next()?;
    p.value(sink, 0)?;
    if p.token == Token::End { Ok(()) } else { Err(p.expected("Expected end of input")) }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Token {
    End,
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Comma,
    Colon,
    String,
    Number,
    True,
    False,
    Null,
}

struct Parser<'a> {
    text: &'a str,
    /// Where the current token starts and ends.
    start: usize,
    end: usize,
    token: Token,
    /// The contents of the current string.
    string: Option<String>,
    strings: bool,
}

fn alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

impl Parser<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// Moves to the next token.
    fn next(&mut self) -> Result<()> {
        let mut at = self.end;
        while matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        self.start = at;
        self.end = at + 1;
        if at >= self.text.len() {
            (self.token, self.end) = (Token::End, at);
            return Ok(());
        }
        self.token = match self.byte(at) {
            b'{' => Token::ObjectStart,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayStart,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => return self.number(),
            _ => return self.word(),
        };
        Ok(())
    }

    fn word(&mut self) -> Result<()> {
        let mut end = self.start;
        while end < self.text.len() && alphanumeric(self.byte(end)) {
            end += 1;
        }
        if end == self.start {
            // One character of punctuation that JSON does not know.
            self.end = self.start + 1;
            return Err(self.invalid_token());
        }
        self.end = end;
        self.token = match &self.text[self.start..end] {
            "true" => Token::True,
            "false" => Token::False,
            "null" => Token::Null,
            _ => return Err(self.invalid_token()),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        let mut at = self.start;
        let mut good = true;
        if self.byte(at) == b'-' {
            at += 1;
        }
        if self.byte(at) == b'0' {
            at += 1;
        } else {
            good &= self.byte(at).is_ascii_digit();
            while self.byte(at).is_ascii_digit() {
                at += 1;
            }
        }
        if self.byte(at) == b'.' {
            at += 1;
            good &= self.byte(at).is_ascii_digit();
            while self.byte(at).is_ascii_digit() {
                at += 1;
            }
        }
        if matches!(self.byte(at), b'e' | b'E') {
            at += 1;
            if matches!(self.byte(at), b'+' | b'-') {
                at += 1;
            }
            good &= self.byte(at).is_ascii_digit();
            while self.byte(at).is_ascii_digit() {
                at += 1;
            }
        }
        while at < self.text.len() && alphanumeric(self.byte(at)) {
            at += 1;
            good = false;
        }
        self.end = at;
        self.token = Token::Number;
        if good { Ok(()) } else { Err(self.invalid_token()) }
    }

    fn string(&mut self) -> Result<()> {
        let mut at = self.start + 1;
        let mut out = self.strings.then(String::new);
        let mut plain = at;
        let mut high: Option<u32> = None;
        loop {
            if at >= self.text.len() {
                self.end = self.text.len();
                return Err(self.invalid_token());
            }
            let b = self.byte(at);
            match b {
                b'"' | b'\\' => {
                    if at > plain {
                        if high.is_some() {
                            return Err(self.low_surrogate_missing(at));
                        }
                        if let Some(out) = &mut out {
                            out.push_str(&self.text[plain..at]);
                        }
                    }
                    if b == b'"' {
                        if high.is_some() {
                            return Err(self.low_surrogate_missing(at + 1));
                        }
                        self.end = at + 1;
                        self.token = Token::String;
                        self.string = out;
                        return Ok(());
                    }
                    at = self.escape(at, &mut out, &mut high)?;
                    plain = at;
                }
                0..0x20 => {
                    self.end = at;
                    return Err(self.fault(&format!("Character with value 0x{b:02x} must be escaped.")));
                }
                _ => at += 1,
            }
        }
    }

    #[cold]
    fn low_surrogate_missing(&mut self, end: usize) -> Error {
        self.end = end.min(self.text.len());
        self.fault("Unicode low surrogate must follow a high surrogate.")
    }

    /// Reads the escape whose backslash stands at `at`; returns where it ends.
    fn escape(&mut self, at: usize, out: &mut Option<String>, high: &mut Option<u32>) -> Result<usize> {
        let c = match self.byte(at + 1) {
            b'u' => return self.unicode(at, out, high),
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ if at + 1 >= self.text.len() => {
                self.end = self.text.len();
                return Err(self.invalid_token());
            }
            _ => {
                let shown = self.text[at + 1..].chars().next().unwrap_or(' ');
                self.end = at + 1 + shown.len_utf8();
                return Err(self.fault(&format!("Escape sequence \"\\{shown}\" is invalid.")));
            }
        };
        if high.is_some() {
            return Err(self.low_surrogate_missing(at + 2));
        }
        if let Some(out) = out {
            out.push(c);
        }
        Ok(at + 2)
    }

    fn unicode(&mut self, at: usize, out: &mut Option<String>, high: &mut Option<u32>) -> Result<usize> {
        let mut value = 0;
        for i in 0..4 {
            match (self.byte(at + 2 + i) as char).to_digit(16) {
                Some(d) => value = value << 4 | d,
                None => {
                    let mut end = (at + 2 + i + 1).min(self.text.len());
                    while !self.text.is_char_boundary(end) {
                        end += 1;
                    }
                    self.end = end;
                    return Err(self.fault("\"\\u\" must be followed by four hexadecimal digits."));
                }
            }
        }
        let end = at + 6;
        if out.is_none() {
            return Ok(end);
        }
        let code = match value {
            0xD800..=0xDBFF => {
                if high.replace(value).is_some() {
                    self.end = end;
                    return Err(self.fault("Unicode high surrogate must not follow a high surrogate."));
                }
                return Ok(end);
            }
            0xDC00..=0xDFFF => match high.take() {
                Some(h) => 0x10000 + ((h - 0xD800) << 10) + (value - 0xDC00),
                None => return Err(self.low_surrogate_missing(end)),
            },
            _ if high.is_some() => return Err(self.low_surrogate_missing(end)),
            other => other,
        };
        if let Some(out) = out {
            if code == 0 {
                self.end = end;
                let detail = "\\u0000 cannot be converted to text.";
                return Err(err!(UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence")
                    .detail(detail)
                    .context(self.context(Token::String)));
            }
            out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(end)
    }

    fn value(&mut self, sink: &mut dyn Sink, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let scalar = match self.token {
            Token::ObjectStart => return self.object(sink, depth),
            Token::ArrayStart => return self.array(sink, depth),
            Token::String => Scalar::String(self.string.take().unwrap_or_default()),
            Token::Number => Scalar::Number(&self.text[self.start..self.end]),
            Token::True => Scalar::Bool(true),
            Token::False => Scalar::Bool(false),
            Token::Null => Scalar::Null,
            _ => return Err(self.expected("Expected JSON value")),
        };
        sink.scalar(scalar)?;
        self.next()
    }

    fn object(&mut self, sink: &mut dyn Sink, depth: usize) -> Result<()> {
        sink.start_object();
        self.next()?;
        if self.token == Token::ObjectEnd {
            sink.end_object();
            return self.next();
        }
        let mut first = true;
        loop {
            if self.token != Token::String {
                return Err(self.expected(if first { "Expected string or \"}\"" } else { "Expected string" }));
            }
            first = false;
            sink.key(self.string.take().unwrap_or_default());
            self.next()?;
            if self.token != Token::Colon {
                return Err(self.expected("Expected \":\""));
            }
            self.next()?;
            self.value(sink, depth + 1)?;
            match self.token {
                Token::Comma => self.next()?,
                Token::ObjectEnd => break,
                _ => return Err(self.expected("Expected \",\" or \"}\"")),
            }
        }
        sink.end_object();
        self.next()
    }

    fn array(&mut self, sink: &mut dyn Sink, depth: usize) -> Result<()> {
        sink.start_array();
        self.next()?;
        if self.token == Token::ArrayEnd {
            sink.end_array();
            return self.next();
        }
        loop {
            self.value(sink, depth + 1)?;
            match self.token {
                Token::Comma => self.next()?,
                Token::ArrayEnd => break,
                _ => return Err(self.expected("Expected \",\" or \"]\"")),
            }
        }
        sink.end_array();
        self.next()
    }

    /// The token is not the one that must come here.
    #[cold]
    fn expected(&self, what: &str) -> Error {
        if self.token == Token::End {
            return self.fault_at_token_end("The input string ended unexpectedly.", Token::End);
        }
        self.fault(&format!("{what}, but found \"{}\".", &self.text[self.start..self.end]))
    }

    #[cold]
    fn invalid_token(&self) -> Error {
        self.fault_at_token_end(&format!("Token \"{}\" is invalid.", &self.text[self.start..self.end]), Token::Null)
    }

    #[cold]
    fn fault(&self, detail: &str) -> Error {
        self.fault_at_token_end(detail, self.token)
    }

    #[cold]
    fn fault_at_token_end(&self, detail: &str, token: Token) -> Error {
        err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
            .detail(detail)
            .context(self.context(token))
    }

    /// The line up to the end of the token, at most about 50 characters of it.
    fn context(&self, token: Token) -> String {
        let before = &self.text[..self.end];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line_number = before.matches('\n').count() + 1;
        let mut start = line_start;
        while self.end - start >= 50 {
            start += self.text[start..].chars().next().map_or(1, char::len_utf8);
        }
        if start - line_start <= 3 {
            start = line_start;
        }
        let prefix = if start > line_start { "..." } else { "" };
        let more = token != Token::End && !matches!(self.byte(self.end), 0 | b'\n' | b'\r');
        let suffix = if more { "..." } else { "" };
        format!("JSON data, line {line_number}: {prefix}{}{suffix}", &self.text[start..self.end])
    }
}

/// Appends a text as a JSON string, quotes included.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for b in text.bytes() {
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            _ => out.push(b),
        }
    }
    out.push(b'"');
}
