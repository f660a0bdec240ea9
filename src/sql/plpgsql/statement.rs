//! Statements to instructions.

use super::code::{Condition, Diagnostic, Direction, Handler, Into, Op, Opening, Query, Target, VarKind, Way};
use super::expr::{Mode, Want};
use super::parse::{Around, Parser, is_reserved};
use crate::base::{Result, SqlState};
use crate::sql::ast;
use crate::sql::parse::LexemeKind;
use crate::types::{TypeRef, oid};

const ASSIGN_ENDS: &[&str] = &[";"];

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

    // ---- assignment ----

    fn is_assignment(&self, word: &str) -> bool {
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
    fn target(&mut self) -> Result<(Target, Vec<ast::Indirection>)> {
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

    fn assignment(&mut self, line: u32) -> Result<()> {
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

    // ---- control ----

    fn condition(&mut self, end: &str) -> Result<usize> {
        self.expr(&[end], &end.to_ascii_uppercase(), Some(Want::Type(TypeRef::of(oid::BOOL))))
    }

    fn if_statement(&mut self, line: u32) -> Result<()> {
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

    fn case_statement(&mut self, line: u32) -> Result<()> {
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

    fn exit_statement(&mut self, line: u32, is_exit: bool) -> Result<()> {
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
    fn leave_to(&mut self, to: usize, is_exit: bool, line: u32, what: &'static str) {
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

    // ---- loops ----

    fn loop_statement(&mut self, label: Option<String>, line: u32) -> Result<()> {
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
    fn loop_body(&mut self, label: Option<String>, top: usize, line: u32, what: &'static str) -> Result<()> {
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

    fn new_place(&mut self) -> usize {
        self.f.loops += 1;
        self.f.loops - 1
    }

    fn for_statement(&mut self, label: Option<String>, line: u32) -> Result<()> {
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

    fn query_loop(
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
    fn loop_target(&mut self, from: usize, to: usize) -> Result<usize> {
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

    fn for_int(&mut self, label: Option<String>, line: u32, name_at: usize, dots: usize, reverse: bool) -> Result<()> {
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

    fn for_execute(&mut self, label: Option<String>, line: u32, names_at: usize, in_at: usize) -> Result<()> {
        self.i += 1;
        let text = self.expr(&["loop", "using"], "LOOP", Some(Want::Type(TypeRef::of(oid::TEXT))))?;
        let using = self.using(&["loop", ","])?;
        let target = self.loop_target(names_at, in_at)?;
        let place = self.new_place();
        let what = "FOR over EXECUTE statement";
        self.emit(Op::ForQuery { place, query: Query::Dynamic { text, using }, target }, line, what);
        self.query_loop(label, line, place, target, what, false)
    }

    fn using(&mut self, ends: &[&str]) -> Result<Vec<usize>> {
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

    fn for_cursor(
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
    fn cursor_arguments(&mut self, var: usize) -> Result<Vec<(usize, usize)>> {
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
            let at = self.i;
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
                    if out.iter().any(|(o, _)| o == v) {
                        let text =
                            format!("value for parameter \"{arg}\" of cursor \"{name}\" specified more than once");
                        return Err(self.error_at(at, SqlState::SYNTAX_ERROR, text));
                    }
                    *v
                }
                false => match declared.iter().find(|(_, v)| !out.iter().any(|(o, _)| o == v)) {
                    Some((_, v)) => *v,
                    None => return Err(self.syntax(format!("too many arguments for cursor \"{name}\""))),
                },
            };
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

    fn foreach(&mut self, label: Option<String>, line: u32) -> Result<()> {
        let at = self.i;
        let (target, _) = self.target().map_err(|e| match e.sqlstate() {
            SqlState::SYNTAX_ERROR => {
                let text = "loop variable of FOREACH must be a known variable or list of variables".to_string();
                self.error_at(at, SqlState::SYNTAX_ERROR, text)
            }
            _ => e,
        })?;
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

    // ---- RETURN ----

    fn return_statement(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let is_set = self.f.returns_set;
        if self.is_word("next") {
            return self.return_next(line);
        }
        if self.is_word("query") {
            let at = self.i - 1;
            self.i += 1;
            if !is_set {
                let text = "cannot use RETURN QUERY in a non-SETOF function";
                return Err(self.error_at(at, SqlState::DATATYPE_MISMATCH, text));
            }
            let query = match self.eat_word("execute") {
                true => {
                    let text = self.expr(&[";", "using"], ";", Some(Want::Type(TypeRef::of(oid::TEXT))))?;
                    Query::Dynamic { text, using: self.using(&[";", ","])? }
                }
                false => Query::Static(self.statement_text(&[";"], ";")?),
            };
            self.expect_symbol(";")?;
            self.emit(Op::ReturnQuery(query), line, "RETURN QUERY");
            return Ok(());
        }
        let nothing = self.is_symbol(";");
        let no_parameter = |p: &Self, text: &str| Err(p.error_at(p.i, SqlState::DATATYPE_MISMATCH, text));
        if is_set {
            if !nothing {
                let e = self.error_at(
                    self.i,
                    SqlState::DATATYPE_MISMATCH,
                    "RETURN cannot have a parameter in function returning set",
                );
                return Err(e.hint("Use RETURN NEXT or RETURN QUERY."));
            }
        } else if self.f.out.is_some() {
            if !nothing {
                return no_parameter(self, "RETURN cannot have a parameter in function with OUT parameters");
            }
        } else if self.f.result.oid == oid::VOID {
            if !nothing {
                let text = match self.f.is_procedure {
                    true => "RETURN cannot have a parameter in a procedure",
                    false => "RETURN cannot have a parameter in function returning void",
                };
                return no_parameter(self, text);
            }
        } else if nothing {
            return Err(self.near(self.i, "missing expression"));
        } else {
            let value = self.expr(&[";"], ";", None)?;
            self.expect_symbol(";")?;
            self.emit(Op::Return(Some(value)), line, "RETURN");
            return Ok(());
        }
        self.expect_symbol(";")?;
        self.emit(Op::ReturnOut, line, "RETURN");
        Ok(())
    }

    fn return_next(&mut self, line: u32) -> Result<()> {
        let at = self.i - 1;
        self.i += 1;
        if !self.f.returns_set {
            let text = "cannot use RETURN NEXT in a non-SETOF function";
            return Err(self.error_at(at, SqlState::DATATYPE_MISMATCH, text));
        }
        let value = match (self.is_symbol(";"), self.f.out.is_some()) {
            (false, true) => {
                let text = "RETURN NEXT cannot have a parameter in function with OUT parameters";
                return Err(self.error_at(self.i, SqlState::DATATYPE_MISMATCH, text));
            }
            (true, true) => None,
            (true, false) => return Err(self.near(self.i, "missing expression")),
            (false, false) => {
                let want = match self.kind_of_type(self.f.result) {
                    VarKind::Scalar(ty) => Some(Want::Type(ty)),
                    _ => None,
                };
                Some(self.expr(&[";"], ";", want)?)
            }
        };
        self.expect_symbol(";")?;
        self.emit(Op::ReturnNext(value), line, "RETURN NEXT");
        Ok(())
    }

    // ---- SQL ----

    /// INTO's targets as one variable that takes a row.
    pub(super) fn into_target(&mut self) -> Result<usize> {
        let mut list = Vec::new();
        loop {
            let at = self.i;
            let (target, path) = self.target()?;
            if !path.is_empty() {
                return Err(self.unexpected());
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

    fn strict_into(&mut self) -> Result<Into> {
        let strict = self.eat_word("strict");
        let target = self.into_target()?;
        Ok(Into { target, strict })
    }

    fn perform(&mut self, line: u32) -> Result<()> {
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
    fn add_statement(&mut self, text: String, start: usize, prefix: u32) -> Result<usize> {
        if let Err(e) = crate::sql::parse::parse(&text) {
            return Err(self.moved(e, start, prefix));
        }
        self.add_expr(text, start, Mode::Statement, None)
    }

    fn call(&mut self, line: u32, is_call: bool) -> Result<()> {
        let query = self.statement_text(&[";"], ";")?;
        self.expect_symbol(";")?;
        self.emit(Op::Call { query }, line, if is_call { "CALL" } else { "DO" });
        Ok(())
    }

    /// Any other statement of SQL, perhaps with INTO.
    fn sql(&mut self, line: u32) -> Result<()> {
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

    fn execute(&mut self, line: u32) -> Result<()> {
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

    fn diagnostics(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let stacked = self.eat_word("stacked");
        if !stacked {
            self.eat_word("current");
        }
        self.expect_word("diagnostics")?;
        let mut items = Vec::new();
        loop {
            let (target, path) = self.target()?;
            if !path.is_empty() {
                return Err(self.unexpected());
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

    // ---- cursors ----

    fn cursor_variable(&mut self) -> Result<usize> {
        let at = self.i;
        let name = self.any_word()?;
        match self.lookup(&[&name]) {
            Some((var, 1)) if matches!(self.f.vars[var].kind, VarKind::Scalar(TypeRef { oid: oid::REFCURSOR, .. })) => {
                Ok(var)
            }
            Some(_) => {
                let text = format!("variable \"{name}\" must be of type cursor or refcursor");
                Err(self.error_at(at, SqlState::DATATYPE_MISMATCH, text))
            }
            None => Err(self.error_at(at, SqlState::SYNTAX_ERROR, format!("\"{name}\" is not a known variable"))),
        }
    }

    fn open(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let var = self.cursor_variable()?;
        let mut scroll = None;
        let what = if let Some(decl) = self.f.vars[var].cursor.clone() {
            scroll = decl.scroll;
            Opening::Bound(self.cursor_arguments(var)?)
        } else {
            if self.eat_word("no") {
                self.expect_word("scroll")?;
                scroll = Some(false);
            } else if self.eat_word("scroll") {
                scroll = Some(true);
            }
            self.expect_word("for")?;
            match self.eat_word("execute") {
                true => {
                    let text = self.expr(&[";", "using"], ";", Some(Want::Type(TypeRef::of(oid::TEXT))))?;
                    Opening::Query(Query::Dynamic { text, using: self.using(&[";", ","])? })
                }
                false => Opening::Query(Query::Static(self.statement_text(&[";"], ";")?)),
            }
        };
        self.expect_symbol(";")?;
        self.emit(Op::Open { var, what, scroll }, line, "OPEN");
        Ok(())
    }

    fn fetch(&mut self, line: u32, is_move: bool) -> Result<()> {
        self.i += 1;
        let mut direction = Direction { way: Way::Forward, count: Some(1), expr: None, is_move };
        let mut from = true;
        let word = self.token().text.clone();
        let is_name = self.kind() == LexemeKind::Quoted;
        match word.as_str() {
            _ if is_name => from = false,
            "next" => self.i += 1,
            "prior" => {
                self.i += 1;
                direction.way = Way::Backward;
            }
            "first" | "last" => {
                self.i += 1;
                direction.way = Way::Absolute;
                direction.count = Some(if word == "first" { 1 } else { -1 });
            }
            "absolute" | "relative" => {
                self.i += 1;
                direction.way = if word == "absolute" { Way::Absolute } else { Way::Relative };
                direction.count = None;
                direction.expr = Some(self.expr(&["from", "in"], "FROM", Some(Want::Type(TypeRef::of(oid::INT8))))?);
            }
            "all" => {
                self.i += 1;
                direction.count = None;
            }
            "forward" | "backward" => {
                self.i += 1;
                if word == "backward" {
                    direction.way = Way::Backward;
                }
                if self.eat_word("all") {
                    direction.count = None;
                } else if !self.is_word("from") && !self.is_word("in") {
                    direction.expr =
                        Some(self.expr(&["from", "in"], "FROM", Some(Want::Type(TypeRef::of(oid::INT8))))?);
                }
            }
            "from" | "in" => {}
            _ if self.kind() == LexemeKind::Word && !self.ahead_is(1, "from") && !self.ahead_is(1, "in") => {
                from = false;
            }
            _ => {
                direction.expr = Some(self.expr(&["from", "in"], "FROM", Some(Want::Type(TypeRef::of(oid::INT8))))?);
            }
        }
        if from && !self.eat_word("from") {
            self.expect_word("in")?;
        }
        let var = self.cursor_variable()?;
        let into = match is_move {
            true => None,
            false => {
                self.expect_word("into")?;
                Some(self.into_target()?)
            }
        };
        self.expect_symbol(";")?;
        self.emit(Op::Fetch { var, direction, into }, line, if is_move { "MOVE" } else { "FETCH" });
        Ok(())
    }

    fn close(&mut self, line: u32) -> Result<()> {
        self.i += 1;
        let var = self.cursor_variable()?;
        self.expect_symbol(";")?;
        self.emit(Op::Close { var }, line, "CLOSE");
        Ok(())
    }

    fn end_transaction(&mut self, line: u32, commit: bool) -> Result<()> {
        self.i += 1;
        let mut chain = false;
        if self.eat_word("and") {
            chain = !self.eat_word("no");
            self.expect_word("chain")?;
        }
        self.expect_symbol(";")?;
        self.emit(Op::EndTransaction { commit, chain }, line, if commit { "COMMIT" } else { "ROLLBACK" });
        Ok(())
    }
}
