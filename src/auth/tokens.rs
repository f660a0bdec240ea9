//! Lines of `pg_hba.conf` and `pg_ident.conf` as fields of tokens. PostgreSQL 15, hba.c, tokenize_auth_file.

use crate::settings::{ConfigFiles, os_text};
use std::path::Path;

/// A word, with whether it was quoted: quoted words are never keywords.
#[derive(Clone, PartialEq, Debug)]
pub struct Token {
    pub text: String,
    pub quoted: bool,
}

impl Token {
    /// Whether this is the keyword.
    pub fn is(&self, word: &str) -> bool {
        !self.quoted && self.text == word
    }
}

/// One line that says something: fields are separated by blanks, their tokens by commas.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    pub number: u32,
    /// As it is in the file, for the log.
    pub raw: String,
    pub fields: Vec<Vec<Token>>,
    /// Found while splitting: a file named by `@` that is not there.
    pub fault: Option<String>,
}

/// All lines of a file. A backslash at a line's end joins the next.
pub fn lines(files: &dyn ConfigFiles, path: &Path) -> std::io::Result<Vec<Line>> {
    let bytes = files.read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut out = Vec::new();
    let mut numbered = text.split('\n').enumerate();
    while let Some((i, first)) = numbered.next() {
        let mut raw = first.trim_end_matches('\r').to_string();
        while let Some(joined) = raw.strip_suffix('\\').map(str::to_string) {
            let Some((_, next)) = numbered.next() else { break };
            raw = joined + next.trim_end_matches('\r');
        }
        let mut line = Line { number: i as u32 + 1, raw: raw.clone(), fields: Vec::new(), fault: None };
        split(files, path, &raw, &mut line, 0);
        if !line.fields.is_empty() || line.fault.is_some() {
            out.push(line);
        }
    }
    Ok(out)
}

fn split(files: &dyn ConfigFiles, path: &Path, raw: &str, line: &mut Line, depth: usize) {
    let mut rest = raw;
    while let Some((field, after)) = next_field(rest) {
        let mut tokens = Vec::new();
        for token in field {
            match token.text.strip_prefix('@').filter(|name| !token.quoted && !name.is_empty()) {
                Some(name) => expand(files, path, name, &mut tokens, line, depth),
                None => tokens.push(token),
            }
        }
        line.fields.push(tokens);
        rest = after;
    }
}

/// The tokens of a file named by `@name`, beside the file that names it.
fn expand(files: &dyn ConfigFiles, path: &Path, name: &str, tokens: &mut Vec<Token>, line: &mut Line, depth: usize) {
    let full = path.parent().unwrap_or(Path::new("")).join(name);
    let fail = |why: String| {
        format!("could not open secondary authentication file \"@{name}\" as \"{}\": {why}", full.display())
    };
    if depth >= 10 {
        line.fault = Some(fail("maximum nesting depth exceeded".to_string()));
        return;
    }
    match files.read(&full) {
        Ok(bytes) => {
            let mut inner = Line { number: 0, raw: String::new(), fields: Vec::new(), fault: None };
            for text in String::from_utf8_lossy(&bytes).lines() {
                split(files, &full, text, &mut inner, depth + 1);
            }
            tokens.extend(inner.fields.into_iter().flatten());
            line.fault = line.fault.take().or(inner.fault);
        }
        Err(e) => line.fault = Some(fail(os_text(&e))),
    }
}

/// One field and what follows it; `None` at the end or a comment.
fn next_field(text: &str) -> Option<(Vec<Token>, &str)> {
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    let mut field = Vec::new();
    loop {
        let (token, after) = next_token(rest);
        field.push(token);
        // Blanks may follow a comma, but not come before it.
        match after.strip_prefix(',') {
            Some(more) => {
                rest = more.trim_start_matches([' ', '\t', ',']);
                if rest.is_empty() || rest.starts_with('#') {
                    return Some((field, rest));
                }
            }
            None => return Some((field, after)),
        }
    }
}

fn next_token(text: &str) -> (Token, &str) {
    let mut out = String::new();
    let mut quoted = false;
    let mut in_quotes = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if in_quotes && chars.peek().is_some_and(|(_, n)| *n == '"') => {
                chars.next();
                out.push('"');
            }
            '"' => {
                in_quotes = !in_quotes;
                quoted |= at == 0;
            }
            ' ' | '\t' | ',' | '#' if !in_quotes => return (Token { text: out, quoted }, &text[at..]),
            c => out.push(c),
        }
    }
    (Token { text: out, quoted }, "")
}
