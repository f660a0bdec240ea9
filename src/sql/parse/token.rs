//! Tokens as PostgreSQL's grammar sees them.

use super::keyword::Kw;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tok {
    /// An identifier that is no keyword; its value is folded, unquoted and cut.
    Ident,
    Kw(Kw),
    /// Any string literal; its value is decoded.
    Str,
    /// `b'…'` and `x'…'`; the value starts with that letter.
    Bit,
    Int(i32),
    /// Any other number; its text is the value.
    Float,
    Param(i32),
    /// An operator that has no token of its own.
    Op,
    /// `+ - * / % ^ < > =` and punctuation.
    Char(u8),
    /// `::`
    TypeCast,
    /// `..`
    DotDot,
    /// `:=`
    ColonEquals,
    /// `=>`
    EqualsGreater,
    LessEquals,
    GreaterEquals,
    /// `<>` and `!=`
    NotEquals,
    /// NOT before BETWEEN, IN, LIKE, ILIKE, SIMILAR.
    NotLa,
    /// NULLS before FIRST and LAST.
    NullsLa,
    /// WITH before TIME and ORDINALITY.
    WithLa,
    /// `U&"…"` and `U&'…'` before UESCAPE is looked at; never seen by the grammar.
    UIdent,
    UStr,
    /// Where the scanner failed; its error is kept beside the tokens.
    Bad,
    Eof,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub tok: Tok,
    /// Bytes of the source.
    pub start: u32,
    pub end: u32,
    /// Index into the values, or [`NO_VALUE`].
    pub value: u32,
}

pub(super) const NO_VALUE: u32 = u32::MAX;
