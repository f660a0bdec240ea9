//! DECLARE: types, defaults, aliases, cursors.

use super::code::{CursorDecl, Op, Var, VarKind};
use super::expr::{Mode, Want};
use super::parse::Parser;
use crate::base::{Result, SqlState};
use crate::err;
use crate::sql::parse::LexemeKind;
use crate::types::{TypeRef, oid};
use std::sync::Arc;

impl Parser<'_> {
    /// The declarations of a block, after DECLARE.
    pub(super) fn declarations(&mut self) -> Result<()> {
        let mut own: Vec<String> = Vec::new();
        while !self.is_word("begin") {
            if self.eat_word("declare") {
                continue;
            }
            if self.is_symbol("<<") {
                return Err(self.syntax("block label must be placed before DECLARE, not after"));
            }
            let line = self.line();
            let at = self.i;
            let reserved = self.kind() == LexemeKind::Word && super::parse::is_reserved(&self.token().text);
            if reserved || !matches!(self.kind(), LexemeKind::Word | LexemeKind::Quoted) {
                return Err(self.unexpected());
            }
            let name = self.any_word()?;
            if own.contains(&name) {
                return Err(self.near(at, "duplicate declaration"));
            }
            own.push(name.clone());
            self.check_shadowing(&name, at)?;
            self.declaration(name, line)?;
        }
        Ok(())
    }

    /// A name that a variable outside has, too: told where `plpgsql.extra_warnings` or `plpgsql.extra_errors` ask for it.
    fn check_shadowing(&mut self, name: &str, token: usize) -> Result<()> {
        let Some(level) = self.shadowing else { return Ok(()) };
        if self.lookup(&[name]).is_none() {
            return Ok(());
        }
        let text = format!("variable \"{name}\" shadows a previously defined variable");
        let e = self.error_at(token, SqlState::DUPLICATE_ALIAS, text).inside(&self.text);
        super::extra::told(self.cx, level, e)
    }

    fn declaration(&mut self, name: String, line: u32) -> Result<()> {
        if self.eat_word("alias") {
            return self.alias(name);
        }
        let scroll = match (self.is_word("scroll"), self.is_word("no") && self.ahead_is(1, "scroll")) {
            (true, _) if self.ahead_is(1, "cursor") => {
                self.i += 1;
                Some(true)
            }
            (_, true) if self.ahead_is(2, "cursor") => {
                self.i += 2;
                Some(false)
            }
            _ => None,
        };
        if self.is_word("cursor") && (self.ahead_symbol(1, "(") || self.ahead_is(1, "for") || self.ahead_is(1, "is")) {
            self.i += 1;
            return self.cursor_declaration(name, line, scroll);
        }
        let constant = self.eat_word("constant");
        let (kind, _) = self.data_type()?;
        if self.eat_word("collate") {
            self.any_word()?;
            while self.eat_symbol(".") {
                self.any_word()?;
            }
        }
        let not_at = self.i;
        let not_null = match self.eat_word("not") {
            true => {
                self.expect_word("null")?;
                true
            }
            false => false,
        };
        // The variable itself is not in reach of its default.
        let mut value = None;
        if self.eat_symbol(":=") || self.eat_symbol("=") || self.eat_word("default") {
            let want = match &kind {
                VarKind::Scalar(ty) => Some(Want::Type(*ty)),
                _ => None,
            };
            value = Some(self.expr(&[";"], ";", want)?);
        }
        self.expect_symbol(";")?;
        if not_null && value.is_none() {
            let text = format!("variable \"{name}\" must have a default value, since it's declared NOT NULL");
            return Err(self.error_at(not_at, SqlState::NULL_VALUE_NOT_ALLOWED, text));
        }
        let var = self.add_hidden(&name, kind, line);
        self.f.vars[var].constant = constant;
        self.f.vars[var].not_null = not_null;
        self.bind_name(&name, var);
        self.emit(Op::Init { var, value }, line, "during statement block local variable initialization");
        Ok(())
    }

    fn alias(&mut self, name: String) -> Result<()> {
        self.expect_word("for")?;
        let at = self.i;
        let old = match self.kind() {
            LexemeKind::Param => {
                self.i += 1;
                self.tokens[at].text.clone()
            }
            _ => self.any_word()?,
        };
        let Some((var, 1)) = self.lookup(&[&old]) else {
            let text = format!("variable \"{old}\" does not exist");
            return Err(self.error_at(at, SqlState::UNDEFINED_OBJECT, text));
        };
        self.expect_symbol(";")?;
        self.bind_name(&name, var);
        Ok(())
    }

    fn cursor_declaration(&mut self, name: String, line: u32, scroll: Option<bool>) -> Result<()> {
        let outer = self.scope;
        let mut args = Vec::new();
        if self.eat_symbol("(") {
            loop {
                let (at, token) = (self.line(), self.i);
                let arg = self.any_word()?;
                self.check_shadowing(&arg, token)?;
                let (kind, _) = self.data_type()?;
                let var = self.add_var(&arg, kind, at);
                args.push((arg, var));
                if !self.eat_symbol(",") {
                    break;
                }
            }
            self.expect_symbol(")")?;
        }
        if !self.eat_word("for") {
            self.expect_word("is")?;
        }
        let query = self.cursor_query()?;
        self.expect_symbol(";")?;
        self.scope = outer;
        let kind = VarKind::Scalar(TypeRef::of(oid::REFCURSOR));
        let cursor = Some(Arc::new(CursorDecl { args, query, scroll }));
        self.f.vars.push(Var { name: name.clone(), kind, constant: false, not_null: false, line, cursor });
        let var = self.f.vars.len() - 1;
        self.bind_name(&name, var);
        self.emit(Op::Init { var, value: None }, line, "during statement block local variable initialization");
        Ok(())
    }

    /// A query up to one of `ends`, as a statement.
    pub(super) fn statement_text(&mut self, ends: &[&str], expected: &str) -> Result<usize> {
        let from = self.i;
        let to = self.until(ends, expected, true)?;
        self.i = to;
        let text = self.between(from, to).to_owned();
        let start = self.tokens[from].start;
        self.add_expr(text, start, Mode::Statement, None)
    }

    /// A type, `x%TYPE`, `t%ROWTYPE`, up to what may follow it.
    pub(super) fn data_type(&mut self) -> Result<(VarKind, TypeRef)> {
        let from = self.i;
        if let Some(found) = self.percent_type()? {
            return Ok(found);
        }
        self.i = from;
        let mut open = 0;
        loop {
            let t = self.token();
            match t.kind {
                LexemeKind::End => {
                    return Err(match self.i == from {
                        true => self.near(self.i, "missing data type declaration"),
                        false => self.unexpected(),
                    });
                }
                LexemeKind::Symbol if t.text == "(" || t.text == "[" => open += 1,
                LexemeKind::Symbol if t.text == ")" && open == 0 => break,
                LexemeKind::Symbol if t.text == ")" || t.text == "]" => open -= 1,
                LexemeKind::Symbol if open == 0 && matches!(t.text.as_str(), ";" | ":=" | "=" | ",") => break,
                LexemeKind::Word
                    if open == 0 && self.i > from && matches!(t.text.as_str(), "default" | "not" | "collate") =>
                {
                    break;
                }
                _ => {}
            }
            self.i += 1;
        }
        if self.i == from {
            return Err(self.near(self.i, "missing data type declaration"));
        }
        let text = self.between(from, self.i).to_owned();
        let start = self.tokens[from].start;
        let name = crate::sql::parse::parse_type_name(&text).map_err(|e| self.moved(e, start, 0))?;
        if name.setof {
            return Err(self.error_at(from, SqlState::SYNTAX_ERROR, "SETOF is not allowed here"));
        }
        let ty = match name.names.as_slice() {
            [one] if one == "record" => TypeRef::of(oid::RECORD),
            _ => crate::sql::command::resolve_type_name(self.cx, &text, &name).map_err(|e| self.moved(e, start, 0))?,
        };
        let allowed = [oid::RECORD, oid::UNKNOWN];
        if super::parse::is_pseudo(ty.oid) && !allowed.contains(&ty.oid) {
            let shown = crate::types::format_type_plain(ty.oid, &*self.cx.fx.io.hooks);
            return Err(err!(FEATURE_NOT_SUPPORTED, "variable \"{shown}\" has pseudo-type {shown}"));
        }
        Ok((self.kind_of_type(ty), ty))
    }

    /// `a.b%TYPE` and `t%ROWTYPE`.
    fn percent_type(&mut self) -> Result<Option<(VarKind, TypeRef)>> {
        let mut parts = Vec::new();
        loop {
            match self.kind() {
                LexemeKind::Word | LexemeKind::Quoted => parts.push(self.any_word()?),
                LexemeKind::Param if parts.is_empty() => {
                    parts.push(self.token().text.clone());
                    self.i += 1;
                }
                _ => return Ok(None),
            }
            if !self.eat_symbol(".") {
                break;
            }
        }
        if !self.is_symbol("%") {
            return Ok(None);
        }
        let is_type = self.ahead_is(1, "type");
        if !is_type && !self.ahead_is(1, "rowtype") {
            return Ok(None);
        }
        let at = self.i;
        self.i += 2;
        let mut array = false;
        while self.is_symbol("[") || self.is_word("array") {
            array = true;
            while !self.is_symbol("]") && self.kind() != LexemeKind::End && !self.is_symbol(";") {
                self.i += 1;
                if self.tokens[self.i - 1].text == "array" && !self.is_symbol("[") {
                    break;
                }
            }
            self.eat_symbol("]");
        }
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let found = if is_type { self.type_like(&names)? } else { self.row_type(&parts)? };
        let Some(found) = found else {
            let shown = parts.join(".");
            return Err(match (is_type, parts.len()) {
                (true, 1) => err!(SYNTAX_ERROR, "type \"{shown}%TYPE\" does not exist"),
                (true, _) => {
                    err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", parts[..parts.len() - 1].join("."))
                }
                (false, _) => err!(UNDEFINED_TABLE, "relation \"{shown}\" does not exist"),
            });
        };
        if array {
            let (_, ty) = found;
            let Some(list) = crate::types::array_type(ty.oid) else {
                return Err(self.error_at(at, SqlState::UNDEFINED_OBJECT, "could not find array type"));
            };
            let ty = TypeRef::with(list, ty.typmod);
            return Ok(Some((VarKind::Scalar(ty), ty)));
        }
        Ok(Some(found))
    }

    fn type_like(&mut self, parts: &[&str]) -> Result<Option<(VarKind, TypeRef)>> {
        if let Some((var, used)) = self.lookup(parts) {
            let kind = self.f.vars[var].kind.clone();
            match (&kind, &parts[used..]) {
                (VarKind::Scalar(ty), []) => return Ok(Some((kind.clone(), *ty))),
                (VarKind::Record(ty), []) => return Ok(Some((kind.clone(), *ty))),
                (VarKind::Record(ty), [field]) => {
                    let fields = self.cx.fx.io.hooks.composite(crate::types::base_type(ty.oid));
                    if let Some(f) = fields.and_then(|f| f.into_iter().find(|f| f.name == *field)) {
                        return Ok(Some((self.kind_of_type(f.typ), f.typ)));
                    }
                }
                _ => {}
            }
        }
        let (schema, table, column) = match parts {
            [t, c] => (None, *t, *c),
            [s, t, c] => (Some(*s), *t, *c),
            _ => return Ok(None),
        };
        let catalog = self.cx.backend()?.catalog.clone();
        let Some(rel) = crate::sql::bind::Names::relation_by_name(&*catalog, schema, table)? else { return Ok(None) };
        match rel.attribute(column) {
            Some(a) => Ok(Some((self.kind_of_type(a.ty), a.ty))),
            None => Err(err!(UNDEFINED_COLUMN, "column \"{column}\" of relation \"{table}\" does not exist")),
        }
    }

    fn row_type(&mut self, parts: &[String]) -> Result<Option<(VarKind, TypeRef)>> {
        let (schema, name) = match parts {
            [t] => (None, t.as_str()),
            [s, t] => (Some(s.as_str()), t.as_str()),
            _ => return Ok(None),
        };
        let catalog = self.cx.backend()?.catalog.clone();
        let oid = match crate::sql::names::type_by_name(&catalog, schema, name) {
            Some(oid) => oid,
            None => {
                let Some(rel) = crate::sql::bind::Names::relation_by_name(&*catalog, schema, name)? else {
                    return Ok(None);
                };
                rel.row_type
            }
        };
        let ty = TypeRef::of(oid);
        Ok(oid.is_valid().then_some((VarKind::Record(ty), ty)))
    }
}
