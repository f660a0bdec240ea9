//! SQL text to our own tree ([`crate::sql::ast`]).
//!
//! sqlparser tokenizes ([`lex`]); the grammar is our own recursive descent over those tokens, because sqlparser's reading
//! of PostgreSQL's operators, keywords and error positions differs in too many places to be put right behind it.
//! PostgreSQL 15, gram.y: same language, same precedence, same messages raised while parsing.
//!
//! Must never look at a catalog or a setting but those in [`ParseOptions`], and never panic on any text.
//!
//! - PARSE-1: a token is consumed only if some statement of PostgreSQL starts with all tokens up to it; so a syntax
//!   error always names the token PostgreSQL names.
//! - PARSE-2: neither the parser's own recursion nor the tree's depth depends on the text beyond fixed limits (54001).

mod alter;
mod alter_operator;
pub mod constants;
mod create;
mod cursor;
mod dml;
mod drop;
mod expr;
mod foreign;
mod from;
mod function;
mod grant;
mod keyword;
mod lex;
mod maintain;
mod name;
mod object;
mod options;
mod parser;
pub use parser::check_stack;
mod publication;
mod role;
mod scan;
mod select;
mod set;
mod statement;
mod table;
mod token;
mod transaction;
mod typename;
mod unicode;

#[cfg(test)]
mod tests;

use crate::base::Result;
use crate::base::error::Report;
use crate::base::memory::claim_much;
use crate::sql::ast::RawStmt;

/// Settings that change how text is read.
#[derive(Clone, Debug)]
pub struct ParseOptions {
    pub standard_conforming_strings: bool,
    /// Whether to tell of backslashes in strings that are not standard.
    pub escape_string_warning: bool,
    /// Whether `\\'` may stand for a quote.
    pub backslash_quote: bool,
}

impl Default for ParseOptions {
    fn default() -> ParseOptions {
        ParseOptions { standard_conforming_strings: true, escape_string_warning: true, backslash_quote: true }
    }
}

/// Parses a query string with default settings; notices about cut identifiers are dropped.
pub fn parse(text: &str) -> Result<Vec<RawStmt>> {
    parse_with(text, &ParseOptions::default(), &mut Vec::new())
}

/// What a word takes as token, in the tree, in its analysis and in the plan.
const MEMORY_OF_WORD: usize = 700;

/// About how many words a long text has; 0 of a short one, which is not worth the count. What is quoted is one word.
fn words(text: &str) -> usize {
    if text.len() < 1 << 18 {
        return 0;
    }
    let parts = |part: &str| part.bytes().filter(|b| !b.is_ascii_alphanumeric() && b.is_ascii()).count() * 2 + 1;
    text.split('\'').step_by(2).map(parts).sum()
}

/// Parses a query string. `notices` gets what PostgreSQL reports beside the result, also before an error.
pub fn parse_with(text: &str, options: &ParseOptions, notices: &mut Vec<Report>) -> Result<Vec<RawStmt>> {
    claim_much(6 * text.len() + MEMORY_OF_WORD * words(text), "MessageContext")?;
    let mut lexed = lex::lex(text, options);
    let found = std::mem::take(&mut lexed.notices);
    let mut parser = parser::Parser::new(text, lexed);
    let result = parser.statements();
    let reached = parser.reached();
    notices.extend(found.into_iter().filter(|(pos, _)| *pos <= reached).map(|(_, report)| report));
    // PostgreSQL finds these in its analysis, which a syntax error forestalls.
    if result.is_ok() {
        notices.append(&mut parser.notices);
    }
    result
}

/// Parses a type name alone, as `regtype` input and `CREATE FUNCTION`'s arguments of other languages need it.
pub fn parse_type_name(text: &str) -> Result<crate::sql::ast::TypeName> {
    let lexed = lex::lex(text, &ParseOptions::default());
    let mut parser = parser::Parser::new(text, lexed);
    parser.type_name_alone()
}

/// A token as the languages of routine bodies see it.
#[derive(Clone, Debug)]
pub struct Lexeme {
    pub kind: LexemeKind,
    /// A word folded, an identifier unquoted, a string decoded; else as written.
    pub text: String,
    /// Bytes of the source.
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LexemeKind {
    /// An unquoted word, a keyword of SQL or not.
    Word,
    /// A quoted identifier.
    Quoted,
    Str,
    Number,
    Param,
    /// Operators and punctuation.
    Symbol,
    End,
}

/// All tokens of a text, the last one is `End`.
///
/// # Errors
/// What the scanner finds wrong, with its position.
pub fn lexemes(text: &str) -> Result<Vec<Lexeme>> {
    use token::Tok;
    let lexed = lex::lex(text, &ParseOptions::default());
    if let Some(e) = lexed.error {
        return Err(e);
    }
    let one = |t: &token::Token| {
        let (start, end) = (t.start as usize, t.end as usize);
        let written = text.get(start..end).unwrap_or_default();
        let value = lexed.values.get(t.value as usize);
        let kind = match t.tok {
            Tok::Ident if written.starts_with('"') || written.starts_with("U&") || written.starts_with("u&") => {
                LexemeKind::Quoted
            }
            Tok::Ident | Tok::Kw(_) | Tok::NotLa | Tok::NullsLa | Tok::WithLa => LexemeKind::Word,
            Tok::Str | Tok::Bit => LexemeKind::Str,
            Tok::Int(_) | Tok::Float => LexemeKind::Number,
            Tok::Param(_) => LexemeKind::Param,
            Tok::Eof | Tok::Bad => LexemeKind::End,
            _ => LexemeKind::Symbol,
        };
        let text = match (kind, value) {
            (LexemeKind::Word | LexemeKind::Quoted | LexemeKind::Str, Some(v)) => v.clone(),
            (LexemeKind::Word, None) => written.to_ascii_lowercase(),
            _ => written.to_owned(),
        };
        Lexeme { kind, text, start, end }
    };
    Ok(lexed.tokens.iter().map(one).collect())
}

/// A syntax error at a token, in the scanner's words.
pub fn syntax_error_at(text: &str, start: usize, end: usize) -> crate::base::Error {
    let near = text.get(start..end).unwrap_or_default();
    let position = crate::sql::ast::cursor(text, start as u32);
    match near.is_empty() {
        true => crate::err!(SYNTAX_ERROR, "syntax error at end of input").at(position),
        false => crate::err!(SYNTAX_ERROR, "syntax error at or near \"{near}\"").at(position),
    }
}
