//! Statements to instructions.
//!
//! One file for each idea; here are blocks and their handlers, labels, and which statement a word begins.

mod assign;
mod control;
mod cursor;
mod loops;
mod returns;
mod sql;

use super::code::{Condition, Handler, Op, VarKind};
use super::parse::{Around, Parser};
use crate::base::{Result, SqlState};
use crate::sql::parse::LexemeKind;
use crate::types::{TypeRef, oid};

impl Parser<'_> {
    /// A block, after its label.
    pub(super) fn block(&mut self, label: Option<String>) -> Result<()> {
        self.deeper()?;
        let outer = self.scope;
        let has_label = label.is_some();
        self.label(label.as_deref().unwrap_or(""), false);
        if self.eat_word("declare") {
            self.declarations()?;
        }
        let line = self.line();
        self.expect_word("begin")?;
        self.enter_around(label.clone(), false, None);
        let guard = self.guard_ahead();
        let mut handler = None;
        if guard {
            let sqlstate = self.add_hidden("sqlstate", VarKind::Scalar(TypeRef::of(oid::TEXT)), line);
            let sqlerrm = self.add_hidden("sqlerrm", VarKind::Scalar(TypeRef::of(oid::TEXT)), line);
            self.f.handlers.push(Handler { arms: Vec::new(), sqlstate, sqlerrm });
            let n = self.f.handlers.len() - 1;
            self.emit(Op::Guard(n), line, "statement block");
            self.guards += 1;
            handler = Some((n, sqlstate, sqlerrm));
        }
        self.statements(&["exception", "end"])?;
        if let Some((n, sqlstate, sqlerrm)) = handler {
            self.guards -= 1;
            self.emit(Op::Unguard(1), line, "statement block");
            let over = self.emit(Op::Jump(0), line, "statement block");
            self.expect_word("exception")?;
            self.bind_name("sqlstate", sqlstate);
            self.bind_name("sqlerrm", sqlerrm);
            let mut ends = vec![over];
            self.handling += 1;
            while self.eat_word("when") {
                let conditions = self.conditions()?;
                self.expect_word("then")?;
                let at = self.here();
                self.f.handlers[n].arms.push((conditions, at));
                self.statements(&["when", "end"])?;
                self.emit(Op::Handled, line, "statement block");
                ends.push(self.emit(Op::Jump(0), line, "statement block"));
            }
            self.handling -= 1;
            if self.f.handlers[n].arms.is_empty() {
                return Err(self.unexpected());
            }
            ends.into_iter().for_each(|e| self.land(e));
        }
        self.expect_word("end")?;
        self.end_label(has_label, label.as_deref(), "block")?;
        self.leave_around();
        self.scope = outer;
        self.depth -= 1;
        Ok(())
    }

    /// Whether the block whose BEGIN was just read has an EXCEPTION of its own.
    fn guard_ahead(&self) -> bool {
        let mut depth = 0;
        let mut n = self.i;
        // A statement's first word: only there do BEGIN, CASE and the like open anything.
        let mut first = true;
        while let Some(t) = self.tokens.get(n) {
            let word = if t.kind == LexemeKind::Word { t.text.as_str() } else { "" };
            let next = self.tokens.get(n + 1).filter(|t| t.kind == LexemeKind::Word).map_or("", |t| t.text.as_str());
            match word {
                "exception" if depth == 0 && first => return true,
                "begin" | "loop" if first || word == "loop" => depth += 1,
                "if" if first && self.tokens.get(n.wrapping_sub(1)).is_none_or(|t| t.text != "end") => depth += 1,
                "case" => depth += 1,
                "end" => {
                    if depth == 0 {
                        return false;
                    }
                    depth -= 1;
                    if matches!(next, "if" | "loop" | "case") {
                        n += 1;
                    }
                }
                _ => {}
            }
            first = match t.kind {
                LexemeKind::Symbol => t.text == ";" || t.text == ">>",
                LexemeKind::Word => matches!(word, "then" | "else" | "loop" | "begin"),
                LexemeKind::End => return false,
                _ => false,
            };
            n += 1;
        }
        false
    }

    fn conditions(&mut self) -> Result<Vec<Condition>> {
        let mut out = Vec::new();
        loop {
            let at = self.i;
            let word = self.any_word()?;
            if word == "sqlstate" && self.kind() == LexemeKind::Str {
                let code = self.token().text.clone();
                self.i += 1;
                let Some(state) = super::condition::code(&code) else {
                    return Err(self.near(self.i - 1, "invalid SQLSTATE code"));
                };
                out.push(Condition::State(state));
            } else if word == "others" {
                out.push(Condition::Others);
            } else {
                let found = super::condition::named(&word);
                if found.is_empty() {
                    let text = format!("unrecognized exception condition \"{word}\"");
                    return Err(self.error_at(at, SqlState::UNDEFINED_OBJECT, text));
                }
                out.extend(found.into_iter().map(Condition::State));
            }
            if !self.eat_word("or") {
                return Ok(out);
            }
        }
    }

    fn end_label(&mut self, has_label: bool, label: Option<&str>, what: &str) -> Result<()> {
        if !matches!(self.kind(), LexemeKind::Word | LexemeKind::Quoted) {
            return Ok(());
        }
        let at = self.i;
        let name = self.any_word()?;
        if !has_label {
            let text = format!("end label \"{name}\" specified for unlabeled {what}");
            return Err(self.error_at(at, SqlState::SYNTAX_ERROR, text));
        }
        if label != Some(name.as_str()) {
            let text = format!("end label \"{name}\" differs from block's label \"{}\"", label.unwrap_or_default());
            return Err(self.error_at(at, SqlState::SYNTAX_ERROR, text));
        }
        Ok(())
    }

    fn enter_around(&mut self, label: Option<String>, is_loop: bool, place: Option<(usize, bool)>) {
        let (guards, handling) = (self.guards, self.handling);
        self.around.push(Around { label, is_loop, guards, handling, exits: Vec::new(), continues: Vec::new(), place });
    }

    fn leave_around(&mut self) {
        if let Some(a) = self.around.pop() {
            a.exits.into_iter().for_each(|e| self.land(e));
        }
    }

    fn statements(&mut self, ends: &[&str]) -> Result<()> {
        loop {
            if self.kind() == LexemeKind::End {
                return Err(self.unexpected());
            }
            if self.kind() == LexemeKind::Word && ends.contains(&self.token().text.as_str()) {
                return Ok(());
            }
            self.statement()?;
        }
    }

    fn statement(&mut self) -> Result<()> {
        let label = self.opt_label()?;
        let line = self.line();
        let word = match self.kind() {
            LexemeKind::Word => self.token().text.clone(),
            _ => String::new(),
        };
        if label.is_some() || matches!(word.as_str(), "declare" | "begin" | "loop" | "while" | "for" | "foreach") {
            let starts_block = matches!(word.as_str(), "declare" | "begin");
            if starts_block {
                self.block(label)?;
                return self.expect_symbol(";");
            }
            return self.loop_statement(label, line);
        }
        if self.is_assignment(&word) {
            return self.assignment(line);
        }
        match word.as_str() {
            "if" => self.if_statement(line),
            "case" => self.case_statement(line),
            "exit" | "continue" => self.exit_statement(line, word == "exit"),
            "return" => self.return_statement(line),
            "raise" => self.raise_statement(line),
            "assert" => self.assert_statement(line),
            "perform" => self.perform(line),
            "execute" => self.execute(line),
            "get"
                if self.ahead_is(1, "diagnostics")
                    || (self.ahead_is(1, "current") || self.ahead_is(1, "stacked"))
                        && self.ahead_is(2, "diagnostics") =>
            {
                self.diagnostics(line)
            }
            "open" => self.open(line),
            "fetch" | "move" => self.fetch(line, word == "move"),
            "close" => self.close(line),
            "null" => {
                self.i += 1;
                self.expect_symbol(";")
            }
            "commit" | "rollback" => self.end_transaction(line, word == "commit"),
            "call" | "do" => self.call(line, word == "call"),
            _ => self.sql(line),
        }
    }
}
