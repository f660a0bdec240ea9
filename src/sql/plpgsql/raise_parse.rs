//! RAISE and ASSERT to instructions.

use super::code::{Level, Op, Raise, RaiseOption};
use super::expr::Want;
use super::parse::Parser;
use crate::base::{Result, SqlState};
use crate::sql::parse::LexemeKind;
use crate::types::{TypeRef, oid};

impl Parser<'_> {
    pub(super) fn raise_statement(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let mut raise = Raise {
            level: Level::Exception,
            condition: None,
            message: None,
            params: Vec::new(),
            options: Vec::new(),
            again: false,
        };
        if self.eat_symbol(";") {
            raise.again = true;
            self.emit(Op::Raise(Box::new(raise)), line, "RAISE");
            return Ok(());
        }
        let word = if self.kind() == LexemeKind::Word { self.token().text.clone() } else { String::new() };
        let level = match word.as_str() {
            "exception" => Some(Level::Exception),
            "warning" => Some(Level::Warning),
            "notice" => Some(Level::Notice),
            "info" => Some(Level::Info),
            "log" => Some(Level::Log),
            "debug" => Some(Level::Debug),
            _ => None,
        };
        if let Some(level) = level {
            raise.level = level;
            self.i += 1;
        }
        match self.kind() {
            LexemeKind::Str => self.format(&mut raise)?,
            LexemeKind::Word if self.is_word("using") => {}
            LexemeKind::Word if self.is_word("sqlstate") => {
                self.i += 1;
                if self.kind() != LexemeKind::Str {
                    return Err(self.unexpected());
                }
                let code = self.token().text.clone();
                let Some(state) = super::condition::code(&code) else {
                    return Err(self.near(self.i, "invalid SQLSTATE code"));
                };
                self.i += 1;
                raise.condition = Some((code, state));
            }
            LexemeKind::Word => {
                let at = self.i;
                let name = self.any_word()?;
                let Some(state) = super::condition::named(&name).first().copied() else {
                    let text = format!("unrecognized exception condition \"{name}\"");
                    return Err(self.error_at(at, SqlState::UNDEFINED_OBJECT, text));
                };
                raise.condition = Some((name, state));
            }
            _ => return Err(self.unexpected()),
        }
        if self.eat_word("using") {
            self.raise_options(&mut raise)?;
        }
        if self.is_symbol(";") {
            self.check_parameters(&raise, line)?;
        }
        self.expect_symbol(";")?;
        self.emit(Op::Raise(Box::new(raise)), line, "RAISE");
        Ok(())
    }

    /// The message and its parameters.
    fn format(&mut self, raise: &mut Raise) -> Result<()> {
        raise.message = Some(self.token().text.clone());
        self.i += 1;
        while self.eat_symbol(",") {
            raise.params.push(self.expr(&[",", ";", "using"], ";", None)?);
        }
        Ok(())
    }

    fn raise_options(&mut self, raise: &mut Raise) -> Result<()> {
        loop {
            let at = self.i;
            let option = match self.any_word()?.as_str() {
                "errcode" => RaiseOption::Errcode,
                "message" => RaiseOption::Message,
                "detail" => RaiseOption::Detail,
                "hint" => RaiseOption::Hint,
                "column" => RaiseOption::Column,
                "constraint" => RaiseOption::Constraint,
                "datatype" => RaiseOption::Datatype,
                "table" => RaiseOption::Table,
                "schema" => RaiseOption::Schema,
                _ => {
                    return Err(self.near(at, "unrecognized RAISE statement option"));
                }
            };
            if !self.eat_symbol("=") {
                self.expect_symbol(":=")?;
            }
            let value = self.expr(&[",", ";"], ";", Some(Want::Type(TypeRef::of(oid::TEXT))))?;
            raise.options.push((option, value));
            if !self.eat_symbol(",") {
                return Ok(());
            }
        }
    }

    fn check_parameters(&self, raise: &Raise, _line: u32) -> Result<()> {
        let Some(message) = &raise.message else { return Ok(()) };
        let marks = marks(message);
        let text = match marks.cmp(&raise.params.len()) {
            std::cmp::Ordering::Less => "too many parameters specified for RAISE",
            std::cmp::Ordering::Greater => "too few parameters specified for RAISE",
            std::cmp::Ordering::Equal => return Ok(()),
        };
        Err(crate::base::Error::new(SqlState::SYNTAX_ERROR, text))
    }

    pub(super) fn assert_statement(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let condition = self.expr(&[",", ";"], ";", Some(Want::Type(TypeRef::of(oid::BOOL))))?;
        let message = match self.eat_symbol(",") {
            true => Some(self.expr(&[";"], ";", Some(Want::Type(TypeRef::of(oid::TEXT))))?),
            false => None,
        };
        self.expect_symbol(";")?;
        self.emit(Op::Assert { condition, message }, line, "ASSERT");
        Ok(())
    }
}

/// How many parameters a format shows.
fn marks(format: &str) -> usize {
    let mut n = 0;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '%' {
            match chars.peek() {
                Some('%') => {
                    chars.next();
                }
                _ => n += 1,
            }
        }
    }
    n
}
