//! Type names.

use super::keyword::{Category, Kw};
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Report, Result, Severity, SqlState};
use crate::sql::ast::interval_mask as mask;
use crate::sql::ast::*;

impl Parser<'_> {
    /// A text that is a type name and nothing else.
    pub(super) fn type_name_alone(&mut self) -> Result<TypeName> {
        let typ = self.type_name()?;
        match self.tok() {
            Tok::Eof => Ok(typ),
            _ => self.unexpected(),
        }
    }

    /// Typename: `[SETOF] simple [array bounds]`.
    pub(super) fn type_name(&mut self) -> Result<TypeName> {
        let setof = self.eat(Kw::Setof);
        let mut typ = self.simple_type_name()?;
        typ.setof = setof;
        if self.eat(Kw::Array) {
            let bound = match self.eat_char(b'[') {
                true => {
                    let n = self.integer()?;
                    self.expect_char(b']')?;
                    n
                }
                false => -1,
            };
            typ.array_bounds.push(bound);
            return Ok(typ);
        }
        while self.eat_char(b'[') {
            let bound = match self.tok() {
                Tok::Int(n) => {
                    self.bump();
                    n
                }
                _ => -1,
            };
            self.expect_char(b']')?;
            typ.array_bounds.push(bound);
        }
        Ok(typ)
    }

    /// func_type: also `[SETOF] name%TYPE`.
    pub(super) fn func_type(&mut self) -> Result<TypeName> {
        let n = usize::from(self.at(Kw::Setof));
        // `name . attr … % TYPE`
        if self.is_type_function_name(n) && self.tok_at(n + 1) == Tok::Char(b'.') {
            let mut k = n + 1;
            while self.tok_at(k) == Tok::Char(b'.') && self.is_word(k + 1) {
                k += 2;
            }
            if self.tok_at(k) == Tok::Char(b'%') && self.at_n(k + 1, Kw::Type) {
                let setof = self.eat(Kw::Setof);
                let pos = self.pos();
                let mut names = vec![self.type_function_name()?];
                while self.eat_char(b'.') {
                    names.push(self.col_label()?);
                }
                self.bump();
                self.bump();
                return Ok(TypeName { setof, pct_type: true, ..TypeName::named(names, pos) });
            }
        }
        self.type_name()
    }

    fn simple_type_name(&mut self) -> Result<TypeName> {
        match self.tok() {
            Tok::Kw(Kw::Interval) => {
                let pos = self.pos();
                self.bump();
                self.interval_rest(pos)
            }
            Tok::Kw(k) if is_const_type(k) || (k == Kw::Double && self.at_n(1, Kw::Precision)) => {
                self.const_type_name(false)
            }
            _ => self.generic_type(),
        }
    }

    /// `name [. attrs] [(modifiers)]`
    fn generic_type(&mut self) -> Result<TypeName> {
        let pos = self.pos();
        let mut names = vec![self.type_function_name()?];
        while self.eat_char(b'.') {
            names.push(self.col_label()?);
        }
        let mut typ = TypeName::named(names, pos);
        if self.at_char(b'(') {
            typ.typmods = self.without_constants(|p| p.paren_list(Self::expr))?;
        }
        Ok(typ)
    }

    /// What follows the word INTERVAL: fields or a precision.
    fn interval_rest(&mut self, pos: Pos) -> Result<TypeName> {
        let mut typ = TypeName::system("interval", pos);
        if self.at_char(b'(') {
            let precision = self.iconst_in_parens()?;
            typ.typmods = vec![Expr::int(mask::FULL_RANGE, NOWHERE), precision];
        } else {
            typ.typmods = self.interval_fields()?;
        }
        self.warn_of_interval(&typ, pos);
        Ok(typ)
    }

    /// `( Iconst )` as an expression.
    fn iconst_in_parens(&mut self) -> Result<Expr> {
        self.expect_char(b'(')?;
        let pos = self.pos();
        let n = self.integer()?;
        self.expect_char(b')')?;
        Ok(Expr::int(n, pos))
    }

    /// opt_interval: `DAY TO SECOND (3)` and the like, as a mask and perhaps a precision.
    pub(super) fn interval_fields(&mut self) -> Result<Vec<Expr>> {
        let pos = self.pos();
        let order = [
            (Kw::Year, mask::YEAR),
            (Kw::Month, mask::MONTH),
            (Kw::Day, mask::DAY),
            (Kw::Hour, mask::HOUR),
            (Kw::Minute, mask::MINUTE),
            (Kw::Second, mask::SECOND),
        ];
        let Some(first) = order.iter().position(|(kw, _)| self.at(*kw)) else { return Ok(Vec::new()) };
        self.bump();
        let mut last = first;
        if first != 1 && first != 5 && self.eat(Kw::To) {
            // YEAR goes to MONTH only, the others to any smaller field.
            let allowed = if first == 0 { 1..=1 } else { first + 1..=5 };
            let Some(to) = allowed.clone().find(|i| self.at(order[*i].0)) else { return self.unexpected() };
            self.bump();
            last = to;
        }
        let bits = order[first..=last].iter().fold(0, |m, (_, bit)| m | bit);
        let mut out = vec![Expr::int(bits, pos)];
        if last == 5 && self.at_char(b'(') {
            out.push(self.iconst_in_parens()?);
        }
        Ok(out)
    }

    /// Numeric, Bit, Character and ConstDatetime. `literal`: a string literal must follow, so `char` has no length of its own.
    pub(super) fn const_type_name(&mut self, literal: bool) -> Result<TypeName> {
        let t = self.bump();
        let pos = t.start;
        let Tok::Kw(kw) = t.tok else { return Err(self.syntax_error_at(t)) };
        let mut typ = TypeName::system("", pos);
        let name = match kw {
            Kw::Int | Kw::Integer => "int4",
            Kw::Smallint => "int2",
            Kw::Bigint => "int8",
            Kw::Real => "float4",
            Kw::Boolean => "bool",
            Kw::Float => self.float_type()?,
            Kw::Double => {
                self.expect(Kw::Precision)?;
                "float8"
            }
            Kw::Decimal | Kw::Dec | Kw::Numeric => {
                if self.at_char(b'(') {
                    typ.typmods = self.without_constants(|p| p.paren_list(Self::expr))?;
                }
                "numeric"
            }
            Kw::Bit => {
                let varying = self.eat(Kw::Varying);
                if self.at_char(b'(') {
                    typ.typmods = self.without_constants(|p| p.paren_list(Self::expr))?;
                } else if !varying && !literal {
                    typ.typmods = vec![Expr::int(1, NOWHERE)];
                }
                if varying { "varbit" } else { "bit" }
            }
            Kw::Time | Kw::Timestamp => {
                if self.at_char(b'(') {
                    typ.typmods = vec![self.iconst_in_parens()?];
                }
                let (name, word, zone) = match (kw == Kw::Time, self.time_zone()?) {
                    (true, false) => ("time", "TIME", ""),
                    (true, true) => ("timetz", "TIME", " WITH TIME ZONE"),
                    (false, false) => ("timestamp", "TIMESTAMP", ""),
                    (false, true) => ("timestamptz", "TIMESTAMP", " WITH TIME ZONE"),
                };
                self.warn_of_precision(&typ.typmods, word, zone, pos);
                name
            }
            _ => {
                let varying = self.character(kw)?;
                if self.at_char(b'(') {
                    typ.typmods = vec![self.iconst_in_parens()?];
                } else if !varying && !literal {
                    // `char` alone is `char(1)`.
                    typ.typmods = vec![Expr::int(1, NOWHERE)];
                }
                if varying { "varchar" } else { "bpchar" }
            }
        };
        name.clone_into(&mut typ.names[1]);
        Ok(typ)
    }

    /// PostgreSQL 15, timestamp.c, anytimestamp_typmod_check: more digits of seconds than six are six.
    pub(super) fn warn_of_precision(&mut self, typmods: &[Expr], word: &str, zone: &str, pos: Pos) {
        let Some(Expr { kind: ExprKind::Const(Const::Int(n @ 7..)), .. }) = typmods.last() else { return };
        let message = format!("{word}({n}){zone} precision reduced to maximum allowed, 6");
        let at = cursor(self.text, pos);
        let notice = Report::notice(Severity::Warning, SqlState::INVALID_PARAMETER_VALUE, message);
        self.notices.push(Report { position: at, ..notice });
    }

    /// The first modifier of an interval is the mask of its fields.
    fn warn_of_interval(&mut self, typ: &TypeName, pos: Pos) {
        if typ.typmods.len() == 2 {
            self.warn_of_precision(&typ.typmods, "INTERVAL", "", pos);
        }
    }

    /// The rest of CHARACTER, CHAR, NATIONAL CHARACTER, NCHAR, VARCHAR. True: varying.
    fn character(&mut self, kw: Kw) -> Result<bool> {
        match kw {
            Kw::Varchar => return Ok(true),
            Kw::National if !self.eat(Kw::Character) => {
                self.expect(Kw::Char)?;
            }
            _ => {}
        }
        Ok(self.eat(Kw::Varying))
    }

    fn float_type(&mut self) -> Result<&'static str> {
        if !self.eat_char(b'(') {
            return Ok("float8");
        }
        let pos = self.pos();
        let bits = self.integer()?;
        self.expect_char(b')')?;
        let bad = |p: &Self, m: &str| Err(p.error(SqlState::INVALID_PARAMETER_VALUE, m, pos));
        match bits {
            ..=0 => bad(self, "precision for type float must be at least 1 bit"),
            1..=24 => Ok("float4"),
            25..=53 => Ok("float8"),
            _ => bad(self, "precision for type float must be less than 54 bits"),
        }
    }

    /// `WITH TIME ZONE` (true) or `WITHOUT TIME ZONE`, or nothing.
    fn time_zone(&mut self) -> Result<bool> {
        if self.tok() == Tok::WithLa && self.at_n(1, Kw::Time) {
            self.bump();
            self.bump();
            self.expect(Kw::Zone)?;
            return Ok(true);
        }
        if self.eat(Kw::Without) {
            self.expect_all(&[Kw::Time, Kw::Zone])?;
        }
        Ok(false)
    }

    /// A type keyword that starts a typed literal here (`int '1'`), as opposed to a column of that name.
    pub(super) fn starts_typed_literal(&self) -> bool {
        let Tok::Kw(kw) = self.tok() else { return false };
        if kw == Kw::Double {
            return self.at_n(1, Kw::Precision);
        }
        if !(is_const_type(kw) || kw == Kw::Interval) {
            return false;
        }
        match self.tok_at(1) {
            Tok::Str | Tok::Char(b'(') => true,
            Tok::Kw(Kw::Varying) => matches!(kw, Kw::Bit | Kw::Character | Kw::Char | Kw::Nchar),
            Tok::Kw(Kw::Character | Kw::Char) => kw == Kw::National,
            Tok::WithLa => matches!(kw, Kw::Time | Kw::Timestamp) && self.at_n(2, Kw::Time),
            Tok::Kw(Kw::Without) => matches!(kw, Kw::Time | Kw::Timestamp),
            _ => false,
        }
    }

    /// `type 'literal'` for the types with a syntax of their own.
    pub(super) fn typed_literal(&mut self) -> Result<Expr> {
        let pos = self.pos();
        if self.eat(Kw::Interval) {
            let mut typ = TypeName::system("interval", pos);
            let precision = match self.at_char(b'(') {
                true => Some(self.iconst_in_parens()?),
                false => None,
            };
            let arg = self.string_const()?;
            typ.typmods = match precision {
                Some(p) => vec![Expr::int(mask::FULL_RANGE, NOWHERE), p],
                None => self.interval_fields()?,
            };
            self.warn_of_interval(&typ, pos);
            return Ok(cast(arg, typ, NOWHERE));
        }
        let typ = self.const_type_name(true)?;
        let arg = self.string_const()?;
        Ok(cast(arg, typ, NOWHERE))
    }

    pub(super) fn string_const(&mut self) -> Result<Expr> {
        let pos = self.pos();
        self.note_constant();
        Ok(Expr::string(self.string()?, pos))
    }

    /// Whether a word can start a type name.
    pub(super) fn is_type_start(&self, n: usize) -> bool {
        match self.tok_at(n) {
            Tok::Ident => true,
            Tok::Kw(Kw::Setof | Kw::Interval) => true,
            Tok::Kw(k) => is_const_type(k) || matches!(k.category(), Category::Unreserved | Category::TypeFuncName),
            _ => false,
        }
    }
}

/// Keywords that only mean a type (or a column of that name).
fn is_const_type(kw: Kw) -> bool {
    matches!(
        kw,
        Kw::Int
            | Kw::Integer
            | Kw::Smallint
            | Kw::Bigint
            | Kw::Real
            | Kw::Float
            | Kw::Decimal
            | Kw::Dec
            | Kw::Numeric
            | Kw::Boolean
            | Kw::Bit
            | Kw::Character
            | Kw::Char
            | Kw::Varchar
            | Kw::National
            | Kw::Nchar
            | Kw::Time
            | Kw::Timestamp
    )
}

/// A cast; `pos` is the `::` or the CAST, [`NOWHERE`] for a typed literal.
pub(super) fn cast(arg: Expr, typ: TypeName, pos: Pos) -> Expr {
    Expr::new(ExprKind::Cast { arg: Box::new(arg), typ }, pos)
}
