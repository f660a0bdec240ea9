//! Function calls, and SQL's functions with a syntax of their own.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use super::typename::cast;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

impl Parser<'_> {
    /// func_expr: a call with WITHIN GROUP, FILTER and OVER, or `type (modifiers) 'literal'`. At the parenthesis.
    pub(super) fn call(&mut self, name: Vec<Name>, pos: Pos) -> Result<Expr> {
        let (mut call, sort_pos) = self.application(name)?;
        if self.tok() == Tok::Str && !call.args.is_empty() && !call.variadic && !call.distinct && !call.star {
            return self.literal_of_call(call, pos, sort_pos);
        }
        self.within_group(&mut call)?;
        if self.eat(Kw::Filter) {
            self.expect_char(b'(')?;
            self.expect(Kw::Where)?;
            call.filter = Some(self.expr()?);
            self.expect_char(b')')?;
        }
        if self.eat(Kw::Over) {
            call.over = Some(self.over()?);
        }
        Ok(Expr::new(ExprKind::Func(Box::new(call)), pos))
    }

    /// func_application: `name (arguments)`; also where its ORDER BY stands.
    pub(super) fn application(&mut self, name: Vec<Name>) -> Result<(FuncCall, Pos)> {
        let mut call = FuncCall::new(name, Vec::new());
        self.expect_char(b'(')?;
        if self.eat_char(b')') {
            return Ok((call, NOWHERE));
        }
        if self.eat_char(b'*') {
            call.star = true;
            self.expect_char(b')')?;
            return Ok((call, NOWHERE));
        }
        if self.eat(Kw::Distinct) {
            call.distinct = true;
        } else if self.eat(Kw::All) {
            // ALL with VARIADIC is not in the grammar, nor is DISTINCT.
        } else if self.eat(Kw::Variadic) {
            call.variadic = true;
        }
        let quantified = self.token_before(0).is_some_and(|t| matches!(t.tok, Tok::Kw(Kw::Distinct | Kw::All)));
        loop {
            call.args.push(self.argument()?);
            if call.variadic || !self.eat_char(b',') {
                break;
            }
            if !quantified && self.eat(Kw::Variadic) {
                call.variadic = true;
            }
        }
        let sort_pos = self.pos();
        call.order_by = self.opt_sort_clause()?;
        self.expect_char(b')')?;
        Ok((call, sort_pos))
    }

    /// func_arg_expr: also `name => value` and `name := value`.
    fn argument(&mut self) -> Result<Expr> {
        if self.is_type_function_name(0) && matches!(self.tok_at(1), Tok::ColonEquals | Tok::EqualsGreater) {
            let pos = self.pos();
            let name = self.type_function_name()?;
            self.bump();
            let value = Box::new(self.expr()?);
            return Ok(Expr::new(ExprKind::NamedArg { name, value }, pos));
        }
        self.expr()
    }

    /// What looked like a call is a type with modifiers: `"numeric"(3,1) '1.5'`.
    fn literal_of_call(&mut self, call: FuncCall, pos: Pos, sort_pos: Pos) -> Result<Expr> {
        if let Some(named) = call.args.iter().find(|a| matches!(a.kind, ExprKind::NamedArg { .. })) {
            return Err(self.error(SqlState::SYNTAX_ERROR, "type modifier cannot have parameter name", named.pos));
        }
        if !call.order_by.is_empty() {
            return Err(self.error(SqlState::SYNTAX_ERROR, "type modifier cannot have ORDER BY", sort_pos));
        }
        let arg = self.string_const()?;
        let typ = TypeName { typmods: call.args, ..TypeName::named(call.name, pos) };
        Ok(cast(arg, typ, NOWHERE))
    }

    fn within_group(&mut self, call: &mut FuncCall) -> Result<()> {
        let pos = self.pos();
        if !self.eat(Kw::Within) {
            return Ok(());
        }
        self.expect(Kw::Group)?;
        self.expect_char(b'(')?;
        let order_by = self.sort_clause()?;
        self.expect_char(b')')?;
        let fault = if !call.order_by.is_empty() {
            Some("cannot use multiple ORDER BY clauses with WITHIN GROUP")
        } else if call.distinct {
            Some("cannot use DISTINCT with WITHIN GROUP")
        } else if call.variadic {
            Some("cannot use VARIADIC with WITHIN GROUP")
        } else {
            None
        };
        if let Some(message) = fault {
            return Err(self.error(SqlState::SYNTAX_ERROR, message, pos));
        }
        call.order_by = order_by;
        call.within_group = true;
        Ok(())
    }

    /// What follows OVER.
    fn over(&mut self) -> Result<WindowDef> {
        if self.at_char(b'(') {
            return self.window_specification();
        }
        let pos = self.pos();
        let name = Some(self.col_id()?);
        Ok(WindowDef { name, refname: None, partition_by: Vec::new(), order_by: Vec::new(), frame: None, pos })
    }

    /// window_specification
    pub(super) fn window_specification(&mut self) -> Result<WindowDef> {
        let pos = self.pos();
        self.expect_char(b'(')?;
        // These words are the clauses, never a window's name.
        let clause = self.at_any(&[Kw::Partition, Kw::Range, Kw::Rows, Kw::Groups]);
        let refname = match !clause && self.is_col_id(0) {
            true => Some(self.col_id()?),
            false => None,
        };
        let partition_by = match self.eat(Kw::Partition) {
            true => {
                self.expect(Kw::By)?;
                self.expr_list()?
            }
            false => Vec::new(),
        };
        let order_by = self.opt_sort_clause()?;
        let frame = self.opt_frame()?;
        self.expect_char(b')')?;
        Ok(WindowDef { name: None, refname, partition_by, order_by, frame, pos })
    }

    fn opt_frame(&mut self) -> Result<Option<Frame>> {
        let mode = match self.tok() {
            Tok::Kw(Kw::Range) => FrameMode::Range,
            Tok::Kw(Kw::Rows) => FrameMode::Rows,
            Tok::Kw(Kw::Groups) => FrameMode::Groups,
            _ => return Ok(None),
        };
        self.bump();
        let between = self.eat(Kw::Between);
        let (start_pos, start) = self.frame_bound()?;
        let end = match between {
            true => {
                self.expect(Kw::And)?;
                self.frame_bound()?
            }
            false => (start_pos, FrameBound::CurrentRow),
        };
        self.check_frame(&start, start_pos, &end.1, end.0, between)?;
        let exclude = self.frame_exclusion()?;
        Ok(Some(Frame { mode, start, end: end.1, between, exclude }))
    }

    /// PostgreSQL 15, gram.y, `frame_extent`: same refusals.
    fn check_frame(&self, start: &FrameBound, at: Pos, end: &FrameBound, end_at: Pos, between: bool) -> Result<()> {
        use FrameBound::*;
        let fault = match (start, end) {
            (UnboundedFollowing, _) => ("frame start cannot be UNBOUNDED FOLLOWING", at),
            (Following(_), _) if !between => ("frame starting from following row cannot end with current row", at),
            (_, UnboundedPreceding) => ("frame end cannot be UNBOUNDED PRECEDING", end_at),
            (CurrentRow, Preceding(_)) => ("frame starting from current row cannot have preceding rows", end_at),
            (Following(_), Preceding(_) | CurrentRow) => {
                ("frame starting from following row cannot have preceding rows", end_at)
            }
            _ => return Ok(()),
        };
        Err(self.error(SqlState::WINDOWING_ERROR, fault.0, fault.1))
    }

    fn frame_bound(&mut self) -> Result<(Pos, FrameBound)> {
        let pos = self.pos();
        if self.at(Kw::Unbounded) && (self.at_n(1, Kw::Preceding) || self.at_n(1, Kw::Following)) {
            self.bump();
            return Ok(match self.eat(Kw::Preceding) {
                true => (pos, FrameBound::UnboundedPreceding),
                false => {
                    self.bump();
                    (pos, FrameBound::UnboundedFollowing)
                }
            });
        }
        if self.eat2(Kw::Current, Kw::Row) {
            return Ok((pos, FrameBound::CurrentRow));
        }
        let offset = Box::new(self.expr()?);
        if self.eat(Kw::Preceding) {
            return Ok((pos, FrameBound::Preceding(offset)));
        }
        self.expect(Kw::Following)?;
        Ok((pos, FrameBound::Following(offset)))
    }

    fn frame_exclusion(&mut self) -> Result<FrameExclude> {
        if !self.eat(Kw::Exclude) {
            return Ok(FrameExclude::NoOthers);
        }
        match self.tok() {
            Tok::Kw(Kw::Current) => {
                self.bump();
                self.expect(Kw::Row)?;
                Ok(FrameExclude::CurrentRow)
            }
            Tok::Kw(Kw::Group) => {
                self.bump();
                Ok(FrameExclude::Group)
            }
            Tok::Kw(Kw::Ties) => {
                self.bump();
                Ok(FrameExclude::Ties)
            }
            Tok::Kw(Kw::No) => {
                self.bump();
                self.expect(Kw::Others)?;
                Ok(FrameExclude::NoOthers)
            }
            _ => self.unexpected(),
        }
    }

    /// func_expr_common_subexpr: what needs no function name, only a keyword. `None`: it is an ordinary name here.
    pub(super) fn special_call(&mut self, kw: Kw) -> Result<Option<Expr>> {
        let pos = self.pos();
        let value = match kw {
            Kw::CurrentDate => Some((SqlValue::CurrentDate, false)),
            Kw::CurrentTime => Some((SqlValue::CurrentTime, true)),
            Kw::CurrentTimestamp => Some((SqlValue::CurrentTimestamp, true)),
            Kw::Localtime => Some((SqlValue::LocalTime, true)),
            Kw::Localtimestamp => Some((SqlValue::LocalTimestamp, true)),
            Kw::CurrentRole => Some((SqlValue::CurrentRole, false)),
            Kw::CurrentUser => Some((SqlValue::CurrentUser, false)),
            Kw::SessionUser => Some((SqlValue::SessionUser, false)),
            Kw::User => Some((SqlValue::User, false)),
            Kw::CurrentCatalog => Some((SqlValue::CurrentCatalog, false)),
            // A function may have this name, too.
            Kw::CurrentSchema if !matches!(self.tok_at(1), Tok::Char(b'(') | Tok::Str) => {
                Some((SqlValue::CurrentSchema, false))
            }
            _ => None,
        };
        if let Some((kind, with_precision)) = value {
            self.bump();
            let precision = match with_precision && self.eat_char(b'(') {
                true => {
                    let n = self.integer()?;
                    self.expect_char(b')')?;
                    Some(n)
                }
                false => None,
            };
            return Ok(Some(Expr::new(ExprKind::SqlValue { kind, precision }, pos)));
        }
        if kw == Kw::Collation && self.at_n(1, Kw::For) {
            self.bump();
            self.bump();
            self.expect_char(b'(')?;
            let arg = self.expr()?;
            self.expect_char(b')')?;
            return Ok(Some(Expr::system_call("pg_collation_for", vec![arg], true, pos)));
        }
        if self.tok_at(1) != Tok::Char(b'(') {
            return Ok(None);
        }
        self.special_call_in_parens(kw, pos)
    }

    /// Those of the form `KEYWORD ( … )`. At the keyword; the parenthesis follows.
    fn special_call_in_parens(&mut self, kw: Kw, pos: Pos) -> Result<Option<Expr>> {
        if is_xml(kw) {
            return Err(self.unsupported("XML", pos));
        }
        if !is_special_call(kw) {
            return Ok(None);
        }
        self.bump();
        self.expect_char(b'(')?;
        let e = match kw {
            Kw::Cast => {
                let arg = self.expr()?;
                self.expect(Kw::As)?;
                cast(arg, self.type_name()?, pos)
            }
            Kw::Extract => self.extract(pos)?,
            Kw::Normalize => {
                let mut args = vec![self.expr()?];
                if self.eat_char(b',') {
                    args.push(self.normal_form()?);
                }
                Expr::system_call("normalize", args, true, pos)
            }
            Kw::Overlay => self.overlay(pos)?,
            Kw::Position => self.position(pos)?,
            Kw::Substring => self.substring(pos)?,
            Kw::Treat => {
                // Lowered, as in PostgreSQL, to a call of a function named after the type.
                let arg = self.expr()?;
                self.expect(Kw::As)?;
                let typ = self.type_name()?;
                Expr::system_call(typ.names.last().map_or("", |n| n.as_str()), vec![arg], false, pos)
            }
            Kw::Trim => self.trim(pos)?,
            Kw::Nullif => {
                let left = Box::new(self.expr()?);
                self.expect_char(b',')?;
                let right = Box::new(self.expr()?);
                Expr::new(ExprKind::NullIf { left, right }, pos)
            }
            Kw::Coalesce => Expr::new(ExprKind::Coalesce(self.expr_list()?), pos),
            _ => {
                let args = self.expr_list()?;
                Expr::new(ExprKind::MinMax { greatest: kw == Kw::Greatest, args }, pos)
            }
        };
        self.expect_char(b')')?;
        Ok(Some(e))
    }

    fn normal_form(&mut self) -> Result<Expr> {
        let pos = self.pos();
        for (kw, name) in [(Kw::Nfc, "NFC"), (Kw::Nfd, "NFD"), (Kw::Nfkc, "NFKC"), (Kw::Nfkd, "NFKD")] {
            if self.eat(kw) {
                return Ok(Expr::string(name, pos));
            }
        }
        self.unexpected()
    }

    fn extract(&mut self, pos: Pos) -> Result<Expr> {
        let field_pos = self.pos();
        self.note_constant();
        let field = match self.tok() {
            Tok::Ident | Tok::Str => {
                let t = self.bump();
                self.value(t)
            }
            Tok::Kw(k @ (Kw::Year | Kw::Month | Kw::Day | Kw::Hour | Kw::Minute | Kw::Second)) => {
                self.bump();
                k.word().to_owned()
            }
            _ => return self.unexpected(),
        };
        self.expect(Kw::From)?;
        let arg = self.expr()?;
        Ok(Expr::system_call("extract", vec![Expr::string(field, field_pos), arg], true, pos))
    }

    fn overlay(&mut self, pos: Pos) -> Result<Expr> {
        if self.at_char(b')') {
            return Ok(plain_call("overlay", Vec::new(), pos));
        }
        let named = self.is_named_argument();
        let mut args = vec![self.argument()?];
        if named || !self.eat(Kw::Placing) {
            return self.plain_arguments("overlay", args, pos);
        }
        args.push(self.expr()?);
        self.expect(Kw::From)?;
        args.push(self.expr()?);
        if self.eat(Kw::For) {
            args.push(self.expr()?);
        }
        Ok(Expr::system_call("overlay", args, true, pos))
    }

    fn is_named_argument(&self) -> bool {
        self.is_type_function_name(0) && matches!(self.tok_at(1), Tok::ColonEquals | Tok::EqualsGreater)
    }

    /// The rest of an ordinary argument list of a function whose special syntax was not used.
    fn plain_arguments(&mut self, name: &str, mut args: Vec<Expr>, pos: Pos) -> Result<Expr> {
        while self.eat_char(b',') {
            args.push(self.argument()?);
        }
        Ok(plain_call(name, args, pos))
    }

    /// `POSITION (needle IN text)` is `position(text, needle)`.
    fn position(&mut self, pos: Pos) -> Result<Expr> {
        let needle = self.basic_expr()?;
        self.expect(Kw::In)?;
        let text = self.basic_expr()?;
        Ok(Expr::system_call("position", vec![text, needle], true, pos))
    }

    fn substring(&mut self, pos: Pos) -> Result<Expr> {
        if self.at_char(b')') {
            return Ok(plain_call("substring", Vec::new(), pos));
        }
        let named = self.is_named_argument();
        let mut args = vec![self.argument()?];
        if named {
            return self.plain_arguments("substring", args, pos);
        }
        if self.eat(Kw::From) {
            args.push(self.expr()?);
            if self.eat(Kw::For) {
                args.push(self.expr()?);
            }
        } else if self.eat(Kw::For) {
            let count = self.expr()?;
            if self.eat(Kw::From) {
                args.push(self.expr()?);
                args.push(count);
            } else {
                // The count is cast, lest substring(text, pattern, escape) be chosen.
                args.push(Expr::int(1, NOWHERE));
                args.push(cast(count, TypeName::system("int4", NOWHERE), NOWHERE));
            }
        } else if self.eat(Kw::Similar) {
            args.push(self.expr()?);
            self.expect(Kw::Escape)?;
            args.push(self.expr()?);
        } else {
            return self.plain_arguments("substring", args, pos);
        }
        Ok(Expr::system_call("substring", args, true, pos))
    }

    fn trim(&mut self, pos: Pos) -> Result<Expr> {
        let name = match self.tok() {
            Tok::Kw(Kw::Both) => "btrim",
            Tok::Kw(Kw::Leading) => "ltrim",
            Tok::Kw(Kw::Trailing) => "rtrim",
            _ => "",
        };
        if !name.is_empty() {
            self.bump();
        }
        let name = if name.is_empty() { "btrim" } else { name };
        let mut args = Vec::new();
        if self.eat(Kw::From) {
            args = self.expr_list()?;
        } else {
            let first = self.expr()?;
            if self.eat(Kw::From) {
                args = self.expr_list()?;
                args.push(first);
            } else {
                args.push(first);
                while self.eat_char(b',') {
                    args.push(self.expr()?);
                }
            }
        }
        Ok(Expr::system_call(name, args, true, pos))
    }
}

/// A call of an unqualified function, written with an ordinary argument list.
fn plain_call(name: &str, args: Vec<Expr>, pos: Pos) -> Expr {
    Expr::new(ExprKind::Func(Box::new(FuncCall::new(vec![name.to_owned()], args))), pos)
}

fn is_xml(kw: Kw) -> bool {
    matches!(
        kw,
        Kw::Xmlconcat
            | Kw::Xmlelement
            | Kw::Xmlexists
            | Kw::Xmlforest
            | Kw::Xmlparse
            | Kw::Xmlpi
            | Kw::Xmlroot
            | Kw::Xmlserialize
            | Kw::Xmltable
    )
}

/// Keywords that with a parenthesis behind them are calls with a syntax of their own.
pub(super) fn is_special_call(kw: Kw) -> bool {
    is_xml(kw)
        || matches!(
            kw,
            Kw::Cast
                | Kw::Extract
                | Kw::Normalize
                | Kw::Overlay
                | Kw::Position
                | Kw::Substring
                | Kw::Treat
                | Kw::Trim
                | Kw::Nullif
                | Kw::Coalesce
                | Kw::Greatest
                | Kw::Least
        )
}
