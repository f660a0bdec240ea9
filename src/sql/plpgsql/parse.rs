//! Bodies to code: the cursor over tokens, names, expressions, and the function as a whole.

use super::code::{Entry, Function, Instr, Named, Op, Target, TriggerVars, Var, VarKind};
use super::expr::{Mode, PlExpr, Want};
use super::extra::{Extra, prints_strict};
use crate::base::{Error, Oid, Result, Severity, SqlState};
use crate::catalog::object;
use crate::err;
use crate::sql::ast;
use crate::sql::bind::Conflict;
use crate::sql::exec::ExecContext;
use crate::sql::parse::{Lexeme, LexemeKind, lexemes, syntax_error_at};
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// The parser of one body.
pub(super) struct Parser<'a> {
    pub cx: &'a mut ExecContext,
    pub text: Arc<str>,
    pub tokens: Vec<Lexeme>,
    pub i: usize,
    pub f: Function,
    /// The innermost name in reach.
    pub scope: usize,
    /// Loops and labelled blocks around, innermost last.
    pub around: Vec<Around>,
    /// Blocks with handlers around.
    pub guards: usize,
    /// Handlers around.
    pub handling: usize,
    pub depth: usize,
    /// How a variable is told of that shadows another.
    pub shadowing: Option<Severity>,
}

/// A statement EXIT can leave.
pub(super) struct Around {
    pub label: Option<String>,
    pub is_loop: bool,
    /// Handlers open where it began.
    pub guards: usize,
    pub handling: usize,
    /// Jumps to its end, to be filled in.
    pub exits: Vec<usize>,
    /// Jumps to its next round.
    pub continues: Vec<usize>,
    /// The state to be given up on leaving it.
    pub place: Option<(usize, bool)>,
}

/// Blocks nested deeper are refused.
const MAX_DEPTH: usize = 500;

/// Words that are never names of variables in PL/pgSQL. PostgreSQL 15, pl_reserved_kwlist.h.
pub(super) fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "all"
            | "begin"
            | "by"
            | "case"
            | "declare"
            | "else"
            | "end"
            | "execute"
            | "for"
            | "foreach"
            | "from"
            | "if"
            | "in"
            | "into"
            | "loop"
            | "not"
            | "null"
            | "or"
            | "strict"
            | "then"
            | "to"
            | "using"
            | "when"
            | "while"
    )
}

fn empty(name: &str, signature: String, source: Arc<str>) -> Function {
    Function {
        name: name.to_owned(),
        signature,
        source,
        code: Vec::new(),
        vars: Vec::new(),
        names: Vec::new(),
        exprs: Vec::new(),
        handlers: Vec::new(),
        args: Vec::new(),
        out: None,
        found: 0,
        trigger: None,
        event: None,
        conflict: Conflict::Error,
        loops: 0,
        returns_set: false,
        result: TypeRef::of(oid::VOID),
        is_procedure: false,
        is_trigger: false,
        print_strict: false,
        row_types: Vec::new(),
        seen: Default::default(),
        pool: Default::default(),
    }
}

/// Compiles a function called with these types.
///
/// # Errors
/// 42601 and others, as PostgreSQL's compiler gives them; positions are in the body.
pub fn compile(cx: &mut ExecContext, f: &object::Function, types: &[TypeRef], result: TypeRef) -> Result<Function> {
    compile_as(cx, f, types, result, false)
}

/// Compiles a function that is being created, with the further checks the session asks for.
///
/// # Errors
/// As [`compile`].
pub fn compile_checked(
    cx: &mut ExecContext,
    f: &object::Function,
    types: &[TypeRef],
    result: TypeRef,
) -> Result<Function> {
    compile_as(cx, f, types, result, true)
}

fn compile_as(
    cx: &mut ExecContext,
    f: &object::Function,
    types: &[TypeRef],
    result: TypeRef,
    checked: bool,
) -> Result<Function> {
    let signature = crate::sql::routine::shown::signature(cx, f)?;
    let mut function = empty(&f.name, signature, f.body.clone());
    function.returns_set = f.returns_set;
    function.result = result;
    function.is_procedure = f.is_procedure();
    function.is_trigger = f.result.oid == oid::TRIGGER;
    let on_event = f.result.oid == oid::EVENT_TRIGGER;
    if on_event {
        function.result = TypeRef::of(oid::VOID);
    }
    if (on_event || function.is_trigger) && !f.arg_types.is_empty() {
        return Err(declared_arguments(&f.name, on_event));
    }
    let mut parser = Parser::new(cx, function)?;
    parser.shadowing = if checked { Extra::ShadowedVariables.level(parser.cx) } else { None };
    parser.label(&f.name, false);
    parser.arguments(f, types)?;
    if parser.f.is_trigger {
        parser.trigger_variables();
    }
    if on_event {
        let text = VarKind::Scalar(TypeRef::of(oid::TEXT));
        parser.f.event = Some(["tg_event", "tg_tag"].map(|name| parser.add_var(name, text.clone(), 0)));
    }
    parser.finish()
}

/// PostgreSQL 15, pl_comp.c, do_compile: same words.
fn declared_arguments(name: &str, on_event: bool) -> Error {
    let whose = if on_event { "event trigger" } else { "trigger" };
    let hint = "The arguments of the trigger can be accessed through TG_NARGS and TG_ARGV instead.";
    let e = err!(INVALID_FUNCTION_DEFINITION, "{whose} functions cannot have declared arguments")
        .context(format!("compilation of PL/pgSQL function \"{name}\" near line 1"));
    if on_event { e } else { e.hint(hint) }
}

/// Compiles DO's block.
///
/// # Errors
/// As [`compile`].
pub fn compile_block(cx: &mut ExecContext, body: &str) -> Result<Function> {
    let mut parser = Parser::new(cx, empty("inline_code_block", "inline_code_block".into(), body.into()))?;
    parser.label("inline_code_block", false);
    parser.finish()
}

impl<'a> Parser<'a> {
    fn new(cx: &'a mut ExecContext, f: Function) -> Result<Parser<'a>> {
        let text = f.source.clone();
        let tokens = lexemes(&text).map_err(|e| e.inside(&text))?;
        let mut f = f;
        f.conflict = match cx.fx.session.setting("plpgsql.variable_conflict").as_deref() {
            Some("use_variable") => Conflict::Variable,
            Some("use_column") => Conflict::Column,
            _ => Conflict::Error,
        };
        f.print_strict = prints_strict(cx);
        Ok(Parser {
            cx,
            text,
            tokens,
            i: 0,
            f,
            scope: 0,
            around: Vec::new(),
            guards: 0,
            handling: 0,
            depth: 0,
            shadowing: None,
        })
    }

    fn finish(mut self) -> Result<Function> {
        self.f.found = self.add_var("found", VarKind::Scalar(TypeRef::of(oid::BOOL)), 0);
        let name = self.f.name.clone();
        match self.body() {
            Ok(()) => {
                let of = |v: &Var| match v.kind {
                    VarKind::Record(ty) => Some(crate::types::base_type(ty.oid)).filter(|t| *t >= Oid::FIRST_NORMAL),
                    _ => None,
                };
                self.f.row_types = self.f.vars.iter().filter_map(of).collect();
                self.f.row_types.sort_unstable();
                self.f.row_types.dedup();
                Ok(self.f)
            }
            Err(e) if e.0.internal_position.is_some() => Err(e),
            Err(e) => {
                let line = self.line();
                let e = e.inside(&self.text);
                if e.0.internal_position.is_some() {
                    return Err(e);
                }
                Err(e.context(format!("compilation of PL/pgSQL function \"{name}\" near line {line}")))
            }
        }
    }

    fn body(&mut self) -> Result<()> {
        self.options()?;
        let label = self.opt_label()?;
        self.block(label)?;
        self.eat_symbol(";");
        if self.kind() != LexemeKind::End {
            return Err(self.unexpected());
        }
        let (line, what) = (self.line(), "RETURN");
        let implicit =
            self.f.is_procedure || self.f.returns_set || self.f.out.is_some() || self.f.result.oid == oid::VOID;
        self.emit(if implicit { Op::ReturnOut } else { Op::Missing }, line, what);
        Ok(())
    }

    /// `#option`, `#variable_conflict`, `#print_strict_params`.
    fn options(&mut self) -> Result<()> {
        while self.is_symbol("#") {
            self.i += 1;
            let word = self.any_word()?;
            let value = self.any_word()?;
            match (word.as_str(), value.as_str()) {
                ("variable_conflict", "error") => self.f.conflict = Conflict::Error,
                ("variable_conflict", "use_variable") => self.f.conflict = Conflict::Variable,
                ("variable_conflict", "use_column") => self.f.conflict = Conflict::Column,
                ("print_strict_params", "on") => self.f.print_strict = true,
                ("print_strict_params", "off") => self.f.print_strict = false,
                ("option", "dump") => {}
                _ => {
                    self.i -= 1;
                    return Err(self.unexpected());
                }
            }
        }
        Ok(())
    }

    fn arguments(&mut self, f: &object::Function, types: &[TypeRef]) -> Result<()> {
        let mut outs = Vec::new();
        let mut input = 0;
        for n in 0..f.arg_types.len() {
            let mode = f.arg_modes.get(n).copied().unwrap_or('i');
            let declared = f.arg_types[n];
            let given = f.is_input(n);
            let actual = match given {
                true if is_pseudo(declared) && declared != oid::RECORD => {
                    types.get(input).copied().unwrap_or(TypeRef::of(declared))
                }
                _ => TypeRef::of(crate::sql::routine::returns::actual(f, declared, types)),
            };
            if given {
                input += 1;
            }
            let name = f.arg_names.get(n).filter(|n| !n.is_empty()).cloned();
            let kind = self.kind_of_type(actual);
            let var = self.add_hidden(name.as_deref().unwrap_or(&format!("${}", n + 1)), kind, 0);
            if mode != 't' || name.is_some() {
                self.bind_name(&format!("${}", n + 1), var);
            }
            if let Some(name) = &name {
                self.bind_name(name, var);
            }
            if given {
                self.f.args.push(var);
            }
            if matches!(mode, 'o' | 'b' | 't') {
                outs.push(var);
            }
        }
        self.f.out = match outs.len() {
            0 => None,
            1 if !f.is_procedure() && f.result.oid != oid::RECORD => Some(outs[0]),
            _ => Some(self.add_hidden("(unnamed row)", VarKind::Row(outs), 0)),
        };
        Ok(())
    }

    fn trigger_variables(&mut self) {
        let record = VarKind::Record(TypeRef::of(oid::RECORD));
        let new = self.add_var("new", record.clone(), 0);
        let old = self.add_var("old", record, 0);
        let name = TypeRef::of(oid::NAME);
        let text = TypeRef::of(oid::TEXT);
        let all = [
            ("tg_name", name),
            ("tg_when", text),
            ("tg_level", text),
            ("tg_op", text),
            ("tg_relid", TypeRef::of(oid::OID)),
            ("tg_relname", name),
            ("tg_table_name", name),
            ("tg_table_schema", name),
            ("tg_nargs", TypeRef::of(oid::INT4)),
            ("tg_argv", TypeRef::of(oid::TEXT_ARRAY)),
        ];
        let facts = all.map(|(n, ty)| self.add_var(n, VarKind::Scalar(ty), 0));
        self.f.trigger = Some(TriggerVars { new, old, facts });
    }

    // ---- variables and names ----

    pub fn kind_of_type(&self, ty: TypeRef) -> VarKind {
        let base = crate::types::base_type(ty.oid);
        let composite = ty.oid == oid::RECORD
            || crate::types::info(base).is_some_and(|i| i.kind == b'c')
            || self.cx.fx.io.hooks.composite(base).is_some();
        if composite { VarKind::Record(ty) } else { VarKind::Scalar(ty) }
    }

    /// A variable without a name in reach.
    pub fn add_hidden(&mut self, name: &str, kind: VarKind, line: u32) -> usize {
        self.f.vars.push(Var { name: name.to_owned(), kind, constant: false, not_null: false, line, cursor: None });
        self.f.vars.len() - 1
    }

    pub fn add_var(&mut self, name: &str, kind: VarKind, line: u32) -> usize {
        let var = self.add_hidden(name, kind, line);
        self.bind_name(name, var);
        var
    }

    fn enter(&mut self, what: Named) {
        let parent = (!self.f.names.is_empty()).then_some(self.scope);
        self.f.names.push(Entry { parent, what });
        self.scope = self.f.names.len() - 1;
    }

    pub fn bind_name(&mut self, name: &str, var: usize) {
        self.enter(Named::Var { name: name.to_owned(), var });
    }

    /// Begins a block of names.
    pub fn label(&mut self, name: &str, is_loop: bool) {
        self.enter(Named::Label { name: name.to_owned(), is_loop });
    }

    /// The variable a dotted name starts with, and how many parts name it.
    pub fn lookup(&self, parts: &[&str]) -> Option<(usize, usize)> {
        lookup(&self.f, self.scope, parts)
    }

    // ---- tokens ----

    pub fn token(&self) -> &Lexeme {
        self.tokens.get(self.i).unwrap_or(&self.tokens[self.tokens.len() - 1])
    }

    pub fn ahead(&self, n: usize) -> &Lexeme {
        self.tokens.get(self.i + n).unwrap_or(&self.tokens[self.tokens.len() - 1])
    }

    pub fn kind(&self) -> LexemeKind {
        self.token().kind
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.kind() == LexemeKind::Word && self.token().text == word
    }

    pub fn ahead_is(&self, n: usize, word: &str) -> bool {
        let t = self.ahead(n);
        t.kind == LexemeKind::Word && t.text == word
    }

    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind() == LexemeKind::Symbol && self.token().text == symbol
    }

    pub fn ahead_symbol(&self, n: usize, symbol: &str) -> bool {
        let t = self.ahead(n);
        t.kind == LexemeKind::Symbol && t.text == symbol
    }

    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.i += usize::from(found);
        found
    }

    pub fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.i += usize::from(found);
        found
    }

    pub fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub fn expect_symbol(&mut self, symbol: &str) -> Result<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Any identifier or keyword.
    pub fn any_word(&mut self) -> Result<String> {
        match self.kind() {
            LexemeKind::Word | LexemeKind::Quoted => {
                self.i += 1;
                Ok(self.tokens[self.i - 1].text.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    pub fn unexpected(&self) -> Error {
        let t = self.token();
        syntax_error_at(&self.text, t.start, t.end)
    }

    /// A message at a token.
    pub fn error_at(&self, n: usize, state: SqlState, message: impl Into<String>) -> Error {
        let start = self.tokens.get(n).map_or(self.text.len(), |t| t.start);
        Error::new(state, message).at(ast::cursor(&self.text, start as u32))
    }

    pub fn syntax(&self, message: impl Into<String>) -> Error {
        self.error_at(self.i, SqlState::SYNTAX_ERROR, message)
    }

    /// A message that names the token here. PostgreSQL 15, pl_scanner.c, plpgsql_yyerror.
    pub fn near(&self, n: usize, message: &str) -> Error {
        let (start, end) = self.tokens.get(n).map_or((0, 0), |t| (t.start, t.end));
        let near = match self.text.get(start..end).unwrap_or_default() {
            "" => "at end of input".to_owned(),
            t => format!("at or near \"{t}\""),
        };
        self.error_at(n, SqlState::SYNTAX_ERROR, format!("{message} {near}"))
    }

    pub fn line_at(&self, n: usize) -> u32 {
        let start = self.tokens.get(n).map_or(self.text.len(), |t| t.start);
        self.text.get(..start).map_or(1, |s| s.matches('\n').count() as u32 + 1)
    }

    pub fn line(&self) -> u32 {
        self.line_at(self.i)
    }

    pub fn opt_label(&mut self) -> Result<Option<String>> {
        if !self.eat_symbol("<<") {
            return Ok(None);
        }
        let name = self.any_word()?;
        self.expect_symbol(">>")?;
        Ok(Some(name))
    }

    pub fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        Ok(())
    }

    // ---- code ----

    pub fn emit(&mut self, op: Op, line: u32, what: &'static str) -> usize {
        self.f.code.push(Instr { op, line, what });
        self.f.code.len() - 1
    }

    pub fn here(&self) -> usize {
        self.f.code.len()
    }

    /// Lets a jump go to the next instruction.
    pub fn land(&mut self, at: usize) {
        let here = self.here();
        match &mut self.f.code[at].op {
            Op::Jump(to)
            | Op::Unless { to, .. }
            | Op::ForIntNext { end: to, .. }
            | Op::ForRow { end: to, .. }
            | Op::ForEachNext { end: to, .. } => *to = here,
            _ => {}
        }
    }

    // ---- expressions ----

    /// Where an expression that begins here ends: before one of these words or symbols outside parentheses.
    /// Returns the index of the token that ends it.
    pub fn until(&mut self, ends: &[&str], expected: &str, is_statement: bool) -> Result<usize> {
        let begin = self.i;
        let mut open = 0usize;
        let mut n = self.i;
        loop {
            let t = &self.tokens[n.min(self.tokens.len() - 1)];
            let plain = matches!(t.kind, LexemeKind::Word | LexemeKind::Symbol);
            if open == 0 && plain && ends.contains(&t.text.as_str()) {
                break;
            }
            match t.kind {
                LexemeKind::Symbol if matches!(t.text.as_str(), "(" | "[") => open += 1,
                LexemeKind::Symbol if matches!(t.text.as_str(), ")" | "]") => {
                    if open == 0 {
                        return Err(self.near(n, "mismatched parentheses"));
                    }
                    open -= 1;
                }
                LexemeKind::End => {
                    self.i = n;
                    if open > 0 {
                        return Err(self.near(n, "mismatched parentheses"));
                    }
                    return Err(self.missing(expected, is_statement));
                }
                LexemeKind::Symbol if t.text == ";" && open == 0 => {
                    self.i = n;
                    return Err(self.missing(expected, is_statement));
                }
                _ => {}
            }
            n += 1;
        }
        if n == begin {
            let what = if is_statement { "missing SQL statement" } else { "missing expression" };
            return Err(self.near(self.i, what));
        }
        Ok(n)
    }

    fn missing(&self, expected: &str, is_statement: bool) -> Error {
        if self.kind() == LexemeKind::End {
            return self.unexpected();
        }
        let what = if is_statement { "statement" } else { "expression" };
        self.syntax(format!("missing \"{expected}\" at end of SQL {what}"))
    }

    /// The source between two tokens.
    pub fn between(&self, from: usize, to: usize) -> &str {
        let start = self.tokens[from].start;
        let end = if to > from { self.tokens[to - 1].end } else { start };
        self.text.get(start..end).unwrap_or_default()
    }

    /// An expression up to one of `ends`, which is not consumed.
    pub fn expr(&mut self, ends: &[&str], expected: &str, want: Option<Want>) -> Result<usize> {
        let from = self.i;
        let to = self.until(ends, expected, false)?;
        self.i = to;
        self.expr_between(from, to, want)
    }

    pub fn expr_between(&mut self, from: usize, to: usize, want: Option<Want>) -> Result<usize> {
        let text = self.between(from, to).to_owned();
        let start = self.tokens[from].start;
        self.add_expr(text, start, Mode::Expr, want)
    }

    /// An expression given as text; `start` is where it stands in the body.
    pub fn add_expr(&mut self, text: String, start: usize, mode: Mode, want: Option<Want>) -> Result<usize> {
        let source: Arc<str> = match mode {
            Mode::Statement => text.as_str().into(),
            _ => format!("SELECT {text}").into(),
        };
        let prefix = if mode == Mode::Statement { 0 } else { 7 };
        let parsed = crate::sql::parse::parse(&source).map_err(|e| self.moved(e, start, prefix))?;
        let mut parsed = parsed.into_iter();
        let Some(raw) = parsed.next() else { return Err(self.syntax("missing expression")) };
        if parsed.next().is_some() {
            return Err(self.syntax("only one statement is allowed here"));
        }
        self.f.exprs.push(PlExpr::new(text, source, Arc::new(raw.stmt), self.scope, mode, want));
        Ok(self.f.exprs.len() - 1)
    }

    /// An error in a part of the body, as one in the body.
    pub fn moved(&self, mut e: Error, start: usize, prefix: u32) -> Error {
        if let Some(p) = e.0.position {
            let before = self.text.get(..start).map_or(0, |s| s.chars().count() as u32);
            e.0.position = Some((p + before).saturating_sub(prefix).max(1));
        }
        e
    }

    /// What a target's values are converted to where the expression is planned.
    pub fn want_of(&self, target: &Target) -> Option<Want> {
        match target {
            Target::Var(v) => match &self.f.vars[*v].kind {
                VarKind::Scalar(ty) => Some(Want::Type(*ty)),
                _ => None,
            },
            _ => None,
        }
    }
}

pub(super) fn is_pseudo(t: crate::base::Oid) -> bool {
    crate::types::info(t).is_some_and(|i| i.is_pseudo())
}

/// Finds the variable a dotted name starts with. PostgreSQL 15, pl_funcs.c, plpgsql_ns_lookup: same rule.
pub(super) fn lookup(f: &Function, scope: usize, parts: &[&str]) -> Option<(usize, usize)> {
    let mut at = (!f.names.is_empty()).then_some(scope);
    while at.is_some() {
        // This block's names, up to its label.
        let mut n = at;
        while let Some(i) = n {
            match &f.names[i].what {
                Named::Var { name, var } if *name == parts[0] => {
                    // A scalar has no fields, but the name may be a label further out.
                    if parts.len() == 1 || matches!(f.vars[*var].kind, VarKind::Record(_)) {
                        return Some((*var, 1));
                    }
                    n = f.names[i].parent;
                }
                Named::Label { name, .. } => {
                    if parts.len() > 1 && *name == parts[0] {
                        let mut inner = at;
                        while let Some(k) = inner
                            && k != i
                        {
                            if let Named::Var { name, var } = &f.names[k].what
                                && *name == parts[1]
                            {
                                return Some((*var, 2));
                            }
                            inner = f.names[k].parent;
                        }
                    }
                    at = f.names[i].parent;
                    break;
                }
                _ => n = f.names[i].parent,
            }
            if n.is_none() {
                at = None;
            }
        }
        if n.is_none() {
            return None;
        }
    }
    None
}
