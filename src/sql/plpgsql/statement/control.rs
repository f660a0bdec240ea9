//! IF, CASE, EXIT and CONTINUE.

use super::super::code::{Op, Target, VarKind};
use super::super::expr::{Mode, Want};
use super::super::parse::Parser;
use crate::base::{Result, SqlState};
use crate::sql::parse::LexemeKind;
use crate::types::{TypeRef, oid};

impl Parser<'_> {
    pub(super) fn condition(&mut self, end: &str) -> Result<usize> {
        self.expr(&[end], &end.to_ascii_uppercase(), Some(Want::Type(TypeRef::of(oid::BOOL))))
    }

    pub(super) fn if_statement(&mut self, line: u32) -> Result<()> {
        self.deeper()?;
        self.i += 1;
        let mut ends = Vec::new();
        let mut arm_line = line;
        loop {
            let condition = self.condition("then")?;
            self.expect_word("then")?;
            let unless = self.emit(Op::Unless { condition, to: 0 }, arm_line, "IF");
            self.statements(&["elsif", "elseif", "else", "end"])?;
            arm_line = self.line();
            let more = self.is_word("elsif") || self.is_word("elseif");
            let last = self.is_word("end");
            if !last {
                ends.push(self.emit(Op::Jump(0), line, "IF"));
            }
            self.land(unless);
            if more {
                self.i += 1;
                continue;
            }
            if self.eat_word("else") {
                self.statements(&["end"])?;
            }
            break;
        }
        ends.into_iter().for_each(|e| self.land(e));
        self.expect_word("end")?;
        self.expect_word("if")?;
        self.depth -= 1;
        self.expect_symbol(";")
    }

    pub(super) fn case_statement(&mut self, line: u32) -> Result<()> {
        self.deeper()?;
        self.i += 1;
        let mut operand = None;
        if !self.is_word("when") {
            let value = self.expr(&["when"], "WHEN", None)?;
            let name = format!("__Case__Variable_{}__", self.f.vars.len());
            // Its type is that of the value found.
            let var = self.add_var(&name, VarKind::Record(TypeRef::of(oid::RECORD)), line);
            self.emit(Op::Assign { target: Target::Field { record: var, field: "v".into() }, value }, line, "CASE");
            operand = Some(name);
        }
        let mut ends = Vec::new();
        if !self.is_word("when") {
            return Err(self.unexpected());
        }
        while self.eat_word("when") {
            let from = self.i;
            let arm = self.line_at(from);
            let condition = match &operand {
                None => self.condition("then")?,
                Some(name) => {
                    let to = self.until(&["then"], "THEN", false)?;
                    self.i = to;
                    let text = format!("\"{name}\".v IN ({})", self.between(from, to));
                    let start = self.tokens[from].start;
                    self.add_expr(text, start, Mode::Expr, Some(Want::Type(TypeRef::of(oid::BOOL))))?
                }
            };
            self.expect_word("then")?;
            let unless = self.emit(Op::Unless { condition, to: 0 }, if operand.is_some() { line } else { arm }, "CASE");
            self.statements(&["when", "else", "end"])?;
            ends.push(self.emit(Op::Jump(0), line, "CASE"));
            self.land(unless);
        }
        match self.eat_word("else") {
            true => self.statements(&["end"])?,
            false => {
                self.emit(Op::CaseMissing, line, "CASE");
            }
        }
        ends.into_iter().for_each(|e| self.land(e));
        self.expect_word("end")?;
        self.expect_word("case")?;
        self.depth -= 1;
        self.expect_symbol(";")
    }

    pub(super) fn exit_statement(&mut self, line: u32, is_exit: bool) -> Result<()> {
        let at = self.i;
        self.i += 1;
        let label = match self.kind() {
            LexemeKind::Word | LexemeKind::Quoted if !self.is_word("when") => Some((self.i, self.any_word()?)),
            _ => None,
        };
        let what = if is_exit { "EXIT" } else { "CONTINUE" };
        let mut unless = None;
        if self.eat_word("when") {
            let condition = self.condition(";")?;
            unless = Some(self.emit(Op::Unless { condition, to: 0 }, line, what));
        }
        self.expect_symbol(";")?;
        let found = match &label {
            None => self.around.iter().rposition(|a| a.is_loop),
            Some((_, l)) => self.around.iter().rposition(|a| a.label.as_deref() == Some(l)),
        };
        let Some(to) = found else {
            return Err(match label {
                Some((n, l)) => {
                    let text =
                        format!("there is no label \"{l}\" attached to any block or loop enclosing this statement");
                    self.error_at(n, SqlState::SYNTAX_ERROR, text)
                }
                None => {
                    let text = match is_exit {
                        true => "EXIT cannot be used outside a loop, unless it has a label",
                        false => "CONTINUE cannot be used outside a loop",
                    };
                    self.error_at(at, SqlState::SYNTAX_ERROR, text)
                }
            });
        };
        if !is_exit && !self.around[to].is_loop {
            let (n, l) = label.unwrap_or_default();
            let text = format!("block label \"{l}\" cannot be used in CONTINUE");
            return Err(self.error_at(n, SqlState::SYNTAX_ERROR, text));
        }
        self.leave_to(to, is_exit, line, what);
        if let Some(u) = unless {
            self.land(u);
        }
        Ok(())
    }

    /// Leaves everything inside the statement `to`, and jumps.
    pub(super) fn leave_to(&mut self, to: usize, is_exit: bool, line: u32, what: &'static str) {
        let inner: Vec<(usize, bool)> = self.around[to + 1..].iter().rev().filter_map(|a| a.place).collect();
        for (place, closes) in inner {
            self.emit(Op::ForEnd { place, closes }, line, what);
        }
        let (guards, handling) = (self.guards - self.around[to].guards, self.handling - self.around[to].handling);
        if guards > 0 {
            self.emit(Op::Unguard(guards), line, what);
        }
        for _ in 0..handling {
            self.emit(Op::Handled, line, what);
        }
        if is_exit && let Some((place, closes)) = self.around[to].place {
            self.emit(Op::ForEnd { place, closes }, line, what);
        }
        let jump = self.emit(Op::Jump(0), line, what);
        let around = &mut self.around[to];
        if is_exit { around.exits.push(jump) } else { around.continues.push(jump) }
    }
}
