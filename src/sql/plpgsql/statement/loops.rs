//! LOOP, WHILE, FOR and FOREACH.

use super::super::code::{Op, Query, Target, VarKind};
use super::super::expr::Want;
use super::super::parse::Parser;
use crate::base::{Result, SqlState};
use crate::sql::parse::LexemeKind;
use crate::types::{TypeRef, oid};

impl Parser<'_> {
    pub(super) fn loop_statement(&mut self, label: Option<String>, line: u32) -> Result<()> {
        self.deeper()?;
        let outer = self.scope;
        match self.any_word()?.as_str() {
            "loop" => {
                self.label(label.as_deref().unwrap_or(""), true);
                let top = self.here();
                self.enter_around(label.clone(), true, None);
                self.loop_body(label, top, line, "LOOP")?;
            }
            "while" => {
                self.label(label.as_deref().unwrap_or(""), true);
                let top = self.here();
                let condition = self.condition("loop")?;
                self.expect_word("loop")?;
                let unless = self.emit(Op::Unless { condition, to: 0 }, line, "WHILE");
                self.enter_around(label.clone(), true, None);
                self.loop_body(label, top, line, "WHILE")?;
                self.land(unless);
            }
            "for" => self.for_statement(label, line)?,
            "foreach" => self.foreach(label, line)?,
            _ => {
                self.i -= 1;
                return Err(self.unexpected());
            }
        }
        self.scope = outer;
        self.depth -= 1;
        self.expect_symbol(";")
    }

    /// The statements of a loop, after LOOP; CONTINUE and the end go to `top`.
    pub(super) fn loop_body(&mut self, label: Option<String>, top: usize, line: u32, what: &'static str) -> Result<()> {
        self.statements(&["end"])?;
        self.expect_word("end")?;
        self.expect_word("loop")?;
        self.end_label(label.is_some(), label.as_deref(), "block")?;
        self.emit(Op::Jump(top), line, what);
        if let Some(a) = self.around.pop() {
            for c in a.continues {
                if let Op::Jump(to) = &mut self.f.code[c].op {
                    *to = top;
                }
            }
            a.exits.into_iter().for_each(|e| self.land(e));
        }
        Ok(())
    }

    pub(super) fn new_place(&mut self) -> usize {
        self.f.loops += 1;
        self.f.loops - 1
    }

    pub(super) fn for_statement(&mut self, label: Option<String>, line: u32) -> Result<()> {
        let names_at = self.i;
        // The targets: one name, or several.
        let mut n = self.i;
        while !(self.tokens[n].kind == LexemeKind::Word && self.tokens[n].text == "in") {
            if self.tokens[n].kind == LexemeKind::End || self.tokens[n].text == ";" {
                self.i = n;
                return Err(self.unexpected());
            }
            n += 1;
        }
        let in_at = n;
        self.i = in_at + 1;
        let at = self.i;
        if self.is_word("execute") {
            return self.for_execute(label, line, names_at, in_at);
        }
        // A cursor variable?
        if matches!(self.kind(), LexemeKind::Word | LexemeKind::Quoted)
            && (self.ahead_is(1, "loop") || self.ahead_symbol(1, "("))
            && let Some((var, 1)) = self.lookup(&[&self.token().text])
            && matches!(self.f.vars[var].kind, VarKind::Scalar(TypeRef { oid: oid::REFCURSOR, .. }))
        {
            return self.for_cursor(label, line, names_at, in_at, var);
        }
        let reverse = self.is_word("reverse");
        if reverse {
            self.i += 1;
        }
        // `..` outside parentheses before LOOP makes it an integer loop.
        let mut open = 0;
        let mut n = self.i;
        let mut dots = None;
        loop {
            let t = &self.tokens[n];
            match t.kind {
                LexemeKind::End => break,
                LexemeKind::Symbol if t.text == "(" || t.text == "[" => open += 1,
                LexemeKind::Symbol if t.text == ")" || t.text == "]" => open -= 1,
                LexemeKind::Symbol if t.text == ".." && open == 0 => {
                    dots = Some(n);
                    break;
                }
                LexemeKind::Symbol if t.text == ";" => break,
                LexemeKind::Word if t.text == "loop" && open == 0 => break,
                _ => {}
            }
            n += 1;
        }
        if let Some(dots) = dots {
            return self.for_int(label, line, names_at, dots, reverse);
        }
        if reverse {
            self.i = at;
            return Err(self.error_at(at, SqlState::SYNTAX_ERROR, "cannot specify REVERSE in query FOR loop"));
        }
        self.i = at;
        let query = self.statement_text(&["loop"], "LOOP")?;
        let target = self.loop_target(names_at, in_at)?;
        let place = self.new_place();
        let what = "FOR over SELECT rows";
        self.emit(Op::ForQuery { place, query: Query::Static(query), target }, line, what);
        self.query_loop(label, line, place, target, what, false)
    }

    pub(super) fn query_loop(
        &mut self,
        label: Option<String>,
        line: u32,
        place: usize,
        target: usize,
        what: &'static str,
        closes: bool,
    ) -> Result<()> {
        self.expect_word("loop")?;
        self.label(label.as_deref().unwrap_or(""), true);
        let top = self.here();
        let next = self.emit(Op::ForRow { place, target, end: 0 }, line, what);
        self.enter_around(label.clone(), true, Some((place, closes)));
        self.statements(&["end"])?;
        self.expect_word("end")?;
        self.expect_word("loop")?;
        self.end_label(label.is_some(), label.as_deref(), "block")?;
        self.emit(Op::Jump(top), line, what);
        self.land(next);
        if let Some(a) = self.around.pop() {
            for c in a.continues {
                if let Op::Jump(to) = &mut self.f.code[c].op {
                    *to = top;
                }
            }
            a.exits.into_iter().for_each(|e| self.land(e));
        }
        Ok(())
    }

    /// The variables a query loop puts rows into.
    pub(super) fn loop_target(&mut self, from: usize, to: usize) -> Result<usize> {
        let back = self.i;
        self.i = from;
        let known = self.lookup(&[&self.token().text]).is_some() || self.ahead_symbol(1, ".");
        if !known {
            let text = "loop variable of loop over rows must be a record variable or list of scalar variables";
            return Err(self.error_at(from, SqlState::SYNTAX_ERROR, text));
        }
        let target = self.into_target()?;
        if self.i != to {
            return Err(self.unexpected());
        }
        self.i = back;
        Ok(target)
    }

    pub(super) fn for_int(
        &mut self,
        label: Option<String>,
        line: u32,
        name_at: usize,
        dots: usize,
        reverse: bool,
    ) -> Result<()> {
        let int = Some(Want::Type(TypeRef::of(oid::INT4)));
        let what = "FOR with integer loop variable";
        let from = self.i;
        let lower = self.expr_between(from, dots, int.clone())?;
        self.i = dots + 1;
        let upper = self.expr(&["loop", "by"], "LOOP", int.clone())?;
        let step = match self.eat_word("by") {
            true => Some(self.expr(&["loop"], "LOOP", int)?),
            false => None,
        };
        self.expect_word("loop")?;
        self.label(label.as_deref().unwrap_or(""), true);
        let t = &self.tokens[name_at];
        if !matches!(t.kind, LexemeKind::Word | LexemeKind::Quoted) {
            self.i = name_at;
            return Err(self.unexpected());
        }
        let name = t.text.clone();
        if self.tokens[name_at + 1].text != "in" {
            let text = "integer FOR loop must have only one target variable";
            return Err(self.error_at(name_at, SqlState::SYNTAX_ERROR, text));
        }
        let var = self.add_var(&name, VarKind::Scalar(TypeRef::of(oid::INT4)), line);
        let place = self.new_place();
        self.emit(Op::ForInt { place, var, lower, upper, step, reverse }, line, what);
        let top = self.here();
        let next = self.emit(Op::ForIntNext { place, var, end: 0 }, line, what);
        self.enter_around(label.clone(), true, None);
        self.loop_body(label, top, line, what)?;
        self.land(next);
        Ok(())
    }

    pub(super) fn for_execute(
        &mut self,
        label: Option<String>,
        line: u32,
        names_at: usize,
        in_at: usize,
    ) -> Result<()> {
        self.i += 1;
        let text = self.expr(&["loop", "using"], "LOOP", Some(Want::Type(TypeRef::of(oid::TEXT))))?;
        let using = self.using(&["loop", ","])?;
        let target = self.loop_target(names_at, in_at)?;
        let place = self.new_place();
        let what = "FOR over EXECUTE statement";
        self.emit(Op::ForQuery { place, query: Query::Dynamic { text, using }, target }, line, what);
        self.query_loop(label, line, place, target, what, false)
    }

    pub(super) fn using(&mut self, ends: &[&str]) -> Result<Vec<usize>> {
        let mut out = Vec::new();
        if self.eat_word("using") {
            loop {
                out.push(self.expr(ends, "LOOP", None)?);
                if !self.eat_symbol(",") {
                    break;
                }
            }
        }
        Ok(out)
    }

    pub(super) fn for_cursor(
        &mut self,
        label: Option<String>,
        line: u32,
        names_at: usize,
        in_at: usize,
        var: usize,
    ) -> Result<()> {
        let at = self.i;
        self.i += 1;
        if self.f.vars[var].cursor.is_none() {
            return Err(self.error_at(at, SqlState::SYNTAX_ERROR, "cursor FOR loop must use a bound cursor variable"));
        }
        if in_at != names_at + 1 {
            let text = "cursor FOR loop must have only one target variable";
            return Err(self.error_at(names_at, SqlState::SYNTAX_ERROR, text));
        }
        let args = self.cursor_arguments(var)?;
        let name = self.tokens[names_at].text.clone();
        let what = "FOR over cursor";
        self.label("", true);
        let target = self.add_var(&name, VarKind::Record(TypeRef::of(oid::RECORD)), line);
        let place = self.new_place();
        self.emit(Op::ForCursor { place, var, args, target }, line, what);
        self.query_loop(label, line, place, target, what, true)
    }

    /// `(a, b)` or `(x := a)` of a bound cursor: each argument's variable with its expression.
    pub(super) fn cursor_arguments(&mut self, var: usize) -> Result<Vec<(usize, usize)>> {
        let name = self.f.vars[var].name.clone();
        let decl = self.f.vars[var].cursor.clone();
        let declared: Vec<(String, usize)> = decl.map(|d| d.args.clone()).unwrap_or_default();
        if !self.eat_symbol("(") {
            if !declared.is_empty() {
                return Err(self.syntax(format!("cursor \"{name}\" has arguments")));
            }
            return Ok(Vec::new());
        }
        if declared.is_empty() {
            return Err(self.syntax(format!("cursor \"{name}\" has no arguments")));
        }
        let mut out: Vec<(usize, usize)> = Vec::new();
        loop {
            let (at, place) = (self.i, out.len());
            let named = (self.ahead_symbol(1, ":=") || self.ahead_symbol(1, "=>"))
                && matches!(self.kind(), LexemeKind::Word | LexemeKind::Quoted);
            let to = match named {
                true => {
                    let arg = self.any_word()?;
                    self.i += 1;
                    let Some((_, v)) = declared.iter().find(|(n, _)| *n == arg) else {
                        let text = format!("cursor \"{name}\" has no argument named \"{arg}\"");
                        return Err(self.error_at(at, SqlState::SYNTAX_ERROR, text));
                    };
                    *v
                }
                false => match declared.get(place) {
                    Some((_, v)) => *v,
                    None => return Err(self.syntax(format!("too many arguments for cursor \"{name}\""))),
                },
            };
            if out.iter().any(|(o, _)| *o == to) {
                let arg = declared.iter().find(|(_, v)| *v == to).map_or("", |(n, _)| n.as_str());
                let text = format!("value for parameter \"{arg}\" of cursor \"{name}\" specified more than once");
                return Err(self.error_at(at, SqlState::SYNTAX_ERROR, text));
            }
            let want = self.want_of(&Target::Var(to));
            let value = self.expr(&[",", ")"], ")", want)?;
            out.push((to, value));
            if !self.eat_symbol(",") {
                break;
            }
        }
        if out.len() < declared.len() {
            return Err(self.syntax(format!("not enough arguments for cursor \"{name}\"")));
        }
        self.expect_symbol(")")?;
        Ok(out)
    }

    pub(super) fn foreach(&mut self, label: Option<String>, line: u32) -> Result<()> {
        let at = self.i;
        let (mut target, _) = self.target().map_err(|e| match e.sqlstate() {
            SqlState::SYNTAX_ERROR => {
                let text = "loop variable of FOREACH must be a known variable or list of variables".to_string();
                self.error_at(at, SqlState::SYNTAX_ERROR, text)
            }
            _ => e,
        })?;
        if self.is_symbol(",") {
            self.i = at;
            target = Target::Var(self.into_target()?);
        }
        let slice = match self.eat_word("slice") {
            true => {
                let n = self.token().text.parse::<u32>().map_err(|_| self.unexpected())?;
                self.i += 1;
                n
            }
            false => 0,
        };
        self.expect_word("in")?;
        self.expect_word("array")?;
        let array = self.expr(&["loop"], "LOOP", None)?;
        self.expect_word("loop")?;
        let what = "FOREACH over array";
        let place = self.new_place();
        self.emit(Op::ForEach { place, array, slice, target: target.clone() }, line, what);
        self.label(label.as_deref().unwrap_or(""), true);
        let top = self.here();
        let next = self.emit(Op::ForEachNext { place, target, end: 0 }, line, what);
        self.enter_around(label.clone(), true, None);
        self.loop_body(label, top, line, what)?;
        self.land(next);
        Ok(())
    }
}
