//! Assignments: which words begin one, its target, its parts.

use super::super::code::{Op, Target, VarKind};
use super::super::expr::Want;
use super::super::parse::{Parser, is_reserved};
use crate::base::{Result, SqlState};
use crate::sql::ast;
use crate::sql::parse::LexemeKind;

const ASSIGN_ENDS: &[&str] = &[";"];

impl Parser<'_> {
    pub(super) fn is_assignment(&self, word: &str) -> bool {
        let name = matches!(self.kind(), LexemeKind::Quoted)
            || self.kind() == LexemeKind::Param
            || self.kind() == LexemeKind::Word && !is_reserved(word);
        if !name {
            return false;
        }
        let known = self.lookup(&[&self.token().text]).is_some();
        let mut n = 1;
        // `a.b.c`, `a[1].b`
        loop {
            if self.ahead_symbol(n, ":=") {
                return true;
            }
            if self.ahead_symbol(n, "=") {
                return known || n > 1;
            }
            if self.ahead_symbol(n, ".") {
                n += 2;
            } else if self.ahead_symbol(n, "[") {
                let mut open = 0;
                loop {
                    if self.ahead_symbol(n, "[") {
                        open += 1;
                    } else if self.ahead_symbol(n, "]") {
                        open -= 1;
                    } else if self.ahead(n).kind == LexemeKind::End || self.ahead_symbol(n, ";") {
                        return false;
                    }
                    n += 1;
                    if open == 0 {
                        break;
                    }
                }
            } else {
                return false;
            }
        }
    }

    /// The dotted name here as a target, and the path that follows it.
    pub(super) fn target(&mut self) -> Result<(Target, Vec<ast::Indirection>)> {
        let at = self.i;
        let mut parts = vec![match self.kind() {
            LexemeKind::Param => {
                self.i += 1;
                self.tokens[at].text.clone()
            }
            _ => self.any_word()?,
        }];
        while self.is_symbol(".") && matches!(self.ahead(1).kind, LexemeKind::Word | LexemeKind::Quoted) {
            self.i += 1;
            parts.push(self.any_word()?);
        }
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let Some((var, used)) = self.lookup(&names) else {
            let text = format!("\"{}\" is not a known variable", parts.join("."));
            return Err(self.error_at(at, SqlState::SYNTAX_ERROR, text));
        };
        if self.f.vars[var].constant {
            let text = format!("variable \"{}\" is declared CONSTANT", self.f.vars[var].name);
            return Err(self.error_at(at, SqlState::new("22005"), text));
        }
        let mut path: Vec<ast::Indirection> = Vec::new();
        let rest = &parts[used..];
        let (target, rest) = match (&self.f.vars[var].kind, rest) {
            (VarKind::Record(_), [field, rest @ ..]) => (Target::Field { record: var, field: field.clone() }, rest),
            (_, rest) => (Target::Var(var), rest),
        };
        path.extend(rest.iter().map(|f| ast::Indirection::Field(f.clone())));
        // Subscripts, read as the SQL they are.
        if self.is_symbol("[") {
            let from = self.i;
            loop {
                if self.is_symbol("[") {
                    let mut open = 0;
                    loop {
                        open += i32::from(self.is_symbol("["));
                        open -= i32::from(self.is_symbol("]"));
                        if self.kind() == LexemeKind::End {
                            return Err(self.unexpected());
                        }
                        self.i += 1;
                        if open == 0 {
                            break;
                        }
                    }
                } else if self.is_symbol(".") {
                    self.i += 2;
                } else {
                    break;
                }
            }
            let source = format!("SELECT x{}", self.between(from, self.i));
            let start = self.tokens[from].start;
            let parsed = crate::sql::parse::parse(&source).map_err(|e| self.moved(e, start, 8))?;
            if let Some(ast::Stmt::Select(s)) = parsed.into_iter().next().map(|r| r.stmt)
                && let ast::SelectBody::Select(mut core) = s.body
                && let Some(t) = core.targets.pop()
                && let ast::ExprKind::Indirection { path: more, .. } = t.expr.kind
            {
                path.extend(more);
            }
        }
        Ok((target, path))
    }

    pub(super) fn assignment(&mut self, line: u32) -> Result<()> {
        let from = self.i;
        let (target, path) = self.target()?;
        if !self.eat_symbol(":=") {
            self.expect_symbol("=")?;
        }
        let (target, want) = match (target, path.is_empty()) {
            (target, true) => {
                let want = self.want_of(&target);
                (target, want)
            }
            (Target::Var(var), false) => {
                (Target::Part { var, field: None }, Some(Want::Part { var, field: None, path }))
            }
            (Target::Field { record, field }, false) => (
                Target::Part { var: record, field: Some(field.clone()) },
                Some(Want::Part { var: record, field: Some(field), path }),
            ),
            (other, _) => (other, None),
        };
        let expr_from = self.i;
        let value = self.expr(ASSIGN_ENDS, ";", want)?;
        let before = self.text.get(self.tokens[from].start..self.tokens[expr_from].start).unwrap_or_default();
        let prefix = before.chars().count() as u32;
        let whole = self.between(from, self.i).to_owned();
        self.f.exprs[value].assignment = Some((whole, prefix));
        self.expect_symbol(";")?;
        self.emit(Op::Assign { target, value }, line, "assignment");
        Ok(())
    }
}
