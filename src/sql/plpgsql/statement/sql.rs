//! SQL statements, INTO, PERFORM, CALL, EXECUTE and GET DIAGNOSTICS.

use super::super::code::{Diagnostic, Into, Op, Query, Target, VarKind};
use super::super::expr::{Mode, Want};
use super::super::parse::{Parser, is_reserved};
use crate::base::{Result, SqlState};
use crate::sql::parse::LexemeKind;
use crate::types::{TypeRef, oid};

impl Parser<'_> {
    /// INTO's targets as one variable that takes a row.
    pub(in crate::sql::plpgsql) fn into_target(&mut self) -> Result<usize> {
        let mut list = Vec::new();
        loop {
            let at = self.i;
            let (target, path) = self.target()?;
            if !path.is_empty() {
                return Err(self.unexpected());
            }
            let is_record = match &target {
                Target::Var(v) => matches!(self.f.vars[*v].kind, VarKind::Record(_)),
                _ => false,
            };
            if is_record && list.is_empty() && self.is_symbol(",") {
                return Err(self.syntax("record variable cannot be part of multiple-item INTO list"));
            }
            list.push((at, target));
            if !self.eat_symbol(",") {
                break;
            }
        }
        if let [(_, Target::Var(var))] = &list[..] {
            match self.f.vars[*var].kind {
                VarKind::Record(_) | VarKind::Row(_) => return Ok(*var),
                _ => {}
            }
        }
        let mut vars = Vec::new();
        for (at, target) in &list {
            match target {
                Target::Var(v) if list.len() > 1 && matches!(self.f.vars[*v].kind, VarKind::Record(_)) => {
                    let text = format!("\"{}\" is not a scalar variable", self.f.vars[*v].name);
                    return Err(self.error_at(*at, SqlState::SYNTAX_ERROR, text));
                }
                Target::Var(v) => vars.push(*v),
                Target::Field { record, field } => {
                    // A record's field takes its value by way of a variable that only names it.
                    let name = format!("{}\u{0}{field}", record);
                    vars.push(self.add_hidden(&name, VarKind::Row(vec![*record]), 0));
                }
                Target::Part { .. } => return Err(self.unexpected()),
            }
        }
        let line = self.line();
        Ok(self.add_hidden("(unnamed row)", VarKind::Row(vars), line))
    }

    pub(super) fn strict_into(&mut self) -> Result<Into> {
        let strict = self.eat_word("strict");
        let target = self.into_target()?;
        Ok(Into { target, strict })
    }

    pub(super) fn perform(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let from = self.i;
        let to = self.until(&[";"], ";", true)?;
        let text = format!("SELECT {}", self.between(from, to));
        let start = self.tokens[from].start;
        self.i = to;
        let query = self.add_statement(text, start, 7)?;
        self.expect_symbol(";")?;
        self.emit(Op::Perform(query), line, "PERFORM");
        Ok(())
    }

    /// A statement whose text has `prefix` characters the body has not.
    pub(super) fn add_statement(&mut self, text: String, start: usize, prefix: u32) -> Result<usize> {
        if let Err(e) = crate::sql::parse::parse(&text) {
            return Err(self.moved(e, start, prefix));
        }
        self.add_expr(text, start, Mode::Statement, None)
    }

    pub(super) fn call(&mut self, line: u32, is_call: bool) -> Result<()> {
        let query = self.statement_text(&[";"], ";")?;
        self.expect_symbol(";")?;
        self.emit(Op::Call { query }, line, if is_call { "CALL" } else { "DO" });
        Ok(())
    }

    /// Any other statement of SQL, perhaps with INTO.
    pub(super) fn sql(&mut self, line: u32) -> Result<()> {
        let from = self.i;
        if !matches!(self.kind(), LexemeKind::Word) && !self.is_symbol("(") {
            return Err(self.unexpected());
        }
        if self.kind() == LexemeKind::Word && is_reserved(&self.token().text) {
            return Err(self.unexpected());
        }
        let first = self.token().text.clone();
        let mut open = 0;
        let mut into: Option<(Into, usize, usize)> = None;
        loop {
            let t = self.token().clone();
            match t.kind {
                LexemeKind::End => {
                    return Err(self.unexpected());
                }
                LexemeKind::Symbol if t.text == "(" => open += 1,
                LexemeKind::Symbol if t.text == ")" => open -= 1,
                LexemeKind::Symbol if t.text == ";" && open <= 0 => break,
                LexemeKind::Word if t.text == "into" => {
                    let before = self.tokens.get(self.i.wrapping_sub(1)).map_or("", |t| t.text.as_str());
                    let plain = self.i == from || !matches!(before, "insert" | "merge");
                    if plain && first != "import" && first != "create" && open == 0 {
                        if into.is_some() {
                            return Err(self.near(self.i, "INTO specified more than once"));
                        }
                        let begin = self.i;
                        self.i += 1;
                        let found = self.strict_into()?;
                        into = Some((found, begin, self.i));
                        continue;
                    }
                }
                _ => {}
            }
            self.i += 1;
        }
        let to = self.i;
        let start = self.tokens[from].start;
        let text = match &into {
            None => self.between(from, to).to_owned(),
            Some((_, a, b)) => {
                // Blanks keep the positions.
                let (x, y) = (self.tokens[*a].start, self.tokens[b.saturating_sub(1)].end);
                let end = self.tokens[to - 1].end.max(y);
                let head = self.text.get(start..x).unwrap_or_default();
                let gap: String = self.text.get(x..y).unwrap_or_default().chars().map(|_| ' ').collect();
                format!("{head}{gap}{}", self.text.get(y..end).unwrap_or_default()).trim_end().to_owned()
            }
        };
        let query = self.add_expr(text, start, Mode::Statement, None)?;
        self.expect_symbol(";")?;
        self.emit(Op::Sql { query, into: into.map(|i| i.0) }, line, "SQL statement");
        Ok(())
    }

    pub(super) fn execute(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let ends = &["into", "using", ";"];
        let text = self.expr(ends, ";", Some(Want::Type(TypeRef::of(oid::TEXT))))?;
        let mut into = None;
        let mut using = Vec::new();
        loop {
            if self.eat_word("into") {
                if into.is_some() {
                    return Err(self.unexpected());
                }
                into = Some(self.strict_into()?);
            } else if self.is_word("using") {
                if !using.is_empty() {
                    return Err(self.unexpected());
                }
                using = self.using(&[",", ";", "into"])?;
            } else {
                break;
            }
        }
        self.expect_symbol(";")?;
        self.emit(Op::Execute { query: Query::Dynamic { text, using }, into }, line, "EXECUTE");
        Ok(())
    }

    pub(super) fn diagnostics(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let stacked = self.eat_word("stacked");
        if !stacked {
            self.eat_word("current");
        }
        self.expect_word("diagnostics")?;
        let mut items = Vec::new();
        loop {
            let at = self.i;
            let (target, path) = self.target()?;
            if !path.is_empty() {
                return Err(self.unexpected());
            }
            if let Target::Var(var) = &target
                && !matches!(self.f.vars[*var].kind, VarKind::Scalar(_))
            {
                let text = format!("\"{}\" is not a scalar variable", self.f.vars[*var].name);
                return Err(self.error_at(at, SqlState::SYNTAX_ERROR, text));
            }
            if !self.eat_symbol(":=") {
                self.expect_symbol("=")?;
            }
            let at = self.i;
            let word = self.any_word()?;
            let item = match word.as_str() {
                "row_count" => Diagnostic::RowCount,
                "pg_context" => Diagnostic::Context,
                "returned_sqlstate" => Diagnostic::SqlState,
                "message_text" => Diagnostic::Message,
                "pg_exception_detail" => Diagnostic::Detail,
                "pg_exception_hint" => Diagnostic::Hint,
                "pg_exception_context" => Diagnostic::ErrorContext,
                "column_name" => Diagnostic::Column,
                "constraint_name" => Diagnostic::Constraint,
                "pg_datatype_name" => Diagnostic::Datatype,
                "table_name" => Diagnostic::Table,
                "schema_name" => Diagnostic::Schema,
                _ => {
                    return Err(self.near(at, "unrecognized GET DIAGNOSTICS item"));
                }
            };
            let current = matches!(item, Diagnostic::RowCount | Diagnostic::Context);
            if stacked && item == Diagnostic::RowCount || !stacked && !current {
                let kind = if stacked { "STACKED" } else { "CURRENT" };
                let text = format!("diagnostics item {} is not allowed in GET {kind} DIAGNOSTICS", word.to_uppercase());
                return Err(self.error_at(at, SqlState::SYNTAX_ERROR, text));
            }
            items.push((target, item));
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(";")?;
        let what = if stacked { "GET STACKED DIAGNOSTICS" } else { "GET DIAGNOSTICS" };
        self.emit(Op::Diagnostics { stacked, items }, line, what);
        Ok(())
    }
}
