//! Expressions: operator precedence as PostgreSQL's grammar declares it, then everything that stands alone.
//!
//! A pending rule with the precedence of its last terminal meets the next token's precedence exactly as in a yacc
//! grammar: lower reduces, higher shifts, equal goes by associativity, and a non-associative operator twice is an error.

use super::check_stack;
use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use super::typename::cast;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

/// Precedences, low to high (PostgreSQL 15, gram.y, `%left` and its kind).
mod prec {
    pub const NONE: u8 = 0;
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    pub const IS: u8 = 4;
    pub const COMPARE: u8 = 5;
    pub const LIKE: u8 = 6;
    pub const ESCAPE: u8 = 7;
    pub const OP: u8 = 8;
    pub const ADD: u8 = 9;
    pub const MUL: u8 = 10;
    pub const POW: u8 = 11;
    pub const AT: u8 = 12;
    pub const COLLATE: u8 = 13;
    pub const UMINUS: u8 = 14;
    pub const TYPECAST: u8 = 15;
}

/// Which of the grammar's expressions is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// a_expr
    Full,
    /// b_expr: without AND, NOT, IN, LIKE, BETWEEN, most of IS.
    Basic,
    /// An a_expr as a target, where a keyword may turn out to be a label.
    Target,
}

/// What comes after an operand.
enum Infix {
    Op,
    Qualified,
    And,
    Or,
    Cast,
    Collate,
    AtTimeZone,
    Like(LikeKind),
    In,
    Between,
    Is,
    IsNull(bool),
    /// NOT before LIKE, ILIKE, SIMILAR, IN, BETWEEN.
    Negated,
}

/// `( … )` read before it is known what it is.
enum Paren {
    Query(Box<SelectStmt>),
    Expr(Expr),
}

impl Parser<'_> {
    /// a_expr
    pub(super) fn expr(&mut self) -> Result<Expr> {
        self.expr_prec(prec::NONE, Mode::Full)
    }

    /// b_expr
    pub(super) fn basic_expr(&mut self) -> Result<Expr> {
        self.expr_prec(prec::NONE, Mode::Basic)
    }

    /// An a_expr that a bare label may follow.
    pub(super) fn target_expr(&mut self) -> Result<Expr> {
        self.expr_prec(prec::NONE, Mode::Target)
    }

    pub(super) fn expr_list(&mut self) -> Result<Vec<Expr>> {
        self.list(Self::expr)
    }

    fn expr_prec(&mut self, rule: u8, mode: Mode) -> Result<Expr> {
        check_stack()?;
        let outer = std::mem::take(&mut self.height);
        let left = self.prefix(mode)?;
        let below = self.height;
        let height = self.grow(below)?;
        self.infix_chain(left, height, rule, mode, outer)
    }

    /// Goes on behind an operand that was read already (see [`Paren`]). Its height is `self.height`.
    fn continue_expr(&mut self, left: Expr) -> Result<Expr> {
        let below = std::mem::take(&mut self.height);
        let height = self.grow(below)?;
        self.infix_chain(left, height, prec::NONE, Mode::Full, 0)
    }

    fn infix_chain(&mut self, mut left: Expr, mut height: usize, rule: u8, mode: Mode, outer: usize) -> Result<Expr> {
        while let Some((infix, p)) = self.peek_infix(mode) {
            if p < rule || (p == rule && is_left(p)) {
                break;
            }
            if p == rule && is_nonassoc(p) {
                return self.unexpected();
            }
            if mode == Mode::Target && rule == prec::NONE && self.is_label_here() {
                break;
            }
            self.height = 0;
            left = self.infix(left, infix, p, mode)?;
            let below = self.height.max(height);
            // A flattened list grows in width.
            height = match left.kind {
                ExprKind::And(_) | ExprKind::Or(_) if below == height => height,
                _ => self.grow(below)?,
            };
        }
        self.height = outer.max(height);
        Ok(left)
    }

    /// A keyword behind a complete target that the target list's end follows is its label: `SELECT a like FROM t`.
    fn is_label_here(&self) -> bool {
        let Tok::Kw(kw) = self.tok() else { return false };
        kw.is_bare_label()
            && matches!(
                self.tok_at(1),
                Tok::Eof
                    | Tok::Char(b',' | b')' | b';')
                    | Tok::Kw(
                        Kw::From
                            | Kw::Into
                            | Kw::Where
                            | Kw::Group
                            | Kw::Having
                            | Kw::Window
                            | Kw::Union
                            | Kw::Intersect
                            | Kw::Except
                            | Kw::Order
                            | Kw::Limit
                            | Kw::Offset
                            | Kw::Fetch
                            | Kw::For
                    )
            )
    }

    fn peek_infix(&self, mode: Mode) -> Option<(Infix, u8)> {
        let basic = mode == Mode::Basic;
        Some(match self.tok() {
            Tok::Char(b'+' | b'-') => (Infix::Op, prec::ADD),
            Tok::Char(b'*' | b'/' | b'%') => (Infix::Op, prec::MUL),
            Tok::Char(b'^') => (Infix::Op, prec::POW),
            Tok::Char(b'<' | b'>' | b'=') | Tok::LessEquals | Tok::GreaterEquals | Tok::NotEquals => {
                (Infix::Op, prec::COMPARE)
            }
            Tok::Op => (Infix::Op, prec::OP),
            Tok::TypeCast => (Infix::Cast, prec::TYPECAST),
            Tok::NotLa if !basic => (Infix::Negated, prec::LIKE),
            Tok::Kw(kw) => match kw {
                Kw::Operator if self.tok_at(1) == Tok::Char(b'(') => (Infix::Qualified, prec::OP),
                Kw::Is => {
                    // A basic expression knows only IS [NOT] DISTINCT FROM and IS [NOT] DOCUMENT.
                    (Infix::Is, prec::IS)
                }
                _ if basic => return None,
                Kw::And => (Infix::And, prec::AND),
                Kw::Or => (Infix::Or, prec::OR),
                Kw::Collate => (Infix::Collate, prec::COLLATE),
                Kw::At if self.at_n(1, Kw::Time) => (Infix::AtTimeZone, prec::AT),
                Kw::Like => (Infix::Like(LikeKind::Like), prec::LIKE),
                Kw::Ilike => (Infix::Like(LikeKind::ILike), prec::LIKE),
                Kw::Similar if self.at_n(1, Kw::To) => (Infix::Like(LikeKind::Similar), prec::LIKE),
                Kw::In => (Infix::In, prec::LIKE),
                Kw::Between => (Infix::Between, prec::LIKE),
                Kw::Isnull => (Infix::IsNull(false), prec::IS),
                Kw::Notnull => (Infix::IsNull(true), prec::IS),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn infix(&mut self, left: Expr, infix: Infix, p: u8, mode: Mode) -> Result<Expr> {
        let mode = if mode == Mode::Basic { Mode::Basic } else { Mode::Full };
        let pos = self.pos();
        match infix {
            Infix::Op => {
                let op = OperName::plain(self.op_text().unwrap_or(""), pos);
                self.bump();
                self.operand(left, op, p, mode)
            }
            Infix::Qualified => {
                let op = self.operator_clause()?;
                self.operand(left, op, p, mode)
            }
            Infix::And | Infix::Or => {
                self.bump();
                let right = self.expr_prec(p, mode)?;
                Ok(logical(left, right, matches!(infix, Infix::And), pos))
            }
            Infix::Cast => {
                self.bump();
                Ok(cast(left, self.type_name()?, pos))
            }
            Infix::Collate => {
                self.bump();
                let collation = self.any_name()?.parts;
                Ok(Expr::new(ExprKind::Collate { arg: Box::new(left), collation }, pos))
            }
            Infix::AtTimeZone => {
                self.expect_all(&[Kw::At, Kw::Time, Kw::Zone])?;
                let zone = self.expr_prec(p, mode)?;
                Ok(Expr::system_call("timezone", vec![zone, left], true, pos))
            }
            Infix::Negated => {
                self.bump();
                match self.tok() {
                    Tok::Kw(Kw::In) => self.in_list(left, true, pos),
                    Tok::Kw(Kw::Between) => self.between(left, true, pos),
                    Tok::Kw(Kw::Like) => self.like(left, LikeKind::Like, true, pos),
                    Tok::Kw(Kw::Ilike) => self.like(left, LikeKind::ILike, true, pos),
                    _ => self.like(left, LikeKind::Similar, true, pos),
                }
            }
            Infix::Like(kind) => self.like(left, kind, false, pos),
            Infix::In => self.in_list(left, false, pos),
            Infix::Between => self.between(left, false, pos),
            Infix::Is => self.is(left, mode),
            Infix::IsNull(negated) => {
                self.bump();
                Ok(Expr::new(ExprKind::IsNull { arg: Box::new(left), negated }, pos))
            }
        }
    }

    /// The right side of a binary operator: an expression, or ANY | ALL of a query or an array.
    fn operand(&mut self, left: Expr, op: OperName, p: u8, mode: Mode) -> Result<Expr> {
        if mode != Mode::Basic && self.at_any(&[Kw::Any, Kw::Some, Kw::All]) {
            return self.any_all(left, op);
        }
        let right = self.expr_prec(p, mode)?;
        Ok(binary(op, left, right))
    }

    /// `ANY (…)`, behind the operator.
    fn any_all(&mut self, left: Expr, op: OperName) -> Result<Expr> {
        let all = self.at(Kw::All);
        self.bump();
        let (pos, left) = (op.pos, Box::new(left));
        match self.paren(false)? {
            Paren::Query(query) => {
                let kind = match all {
                    true => SubLinkKind::All { left, op },
                    false => SubLinkKind::Any { left, op: Some(op) },
                };
                Ok(sublink(kind, *query, pos))
            }
            Paren::Expr(right) => Ok(Expr::new(ExprKind::OpArray { op, left, right: Box::new(right), all }, pos)),
        }
    }

    fn like(&mut self, left: Expr, kind: LikeKind, negated: bool, pos: Pos) -> Result<Expr> {
        self.bump();
        if kind == LikeKind::Similar {
            self.expect(Kw::To)?;
        } else if self.at_any(&[Kw::Any, Kw::Some, Kw::All]) {
            return self.any_all(left, OperName::plain(kind.operator(negated), pos));
        }
        let mut pattern = self.expr_prec(prec::LIKE, Mode::Full)?;
        let escape = match self.eat(Kw::Escape) {
            true => Some(self.expr_prec(prec::ESCAPE, Mode::Full)?),
            false => None,
        };
        let name = if kind == LikeKind::Similar { "similar_to_escape" } else { "like_escape" };
        if escape.is_some() || kind == LikeKind::Similar {
            let mut args = vec![pattern];
            args.extend(escape);
            pattern = Expr::system_call(name, args, false, pos);
        }
        Ok(Expr::new(ExprKind::Like { kind, arg: Box::new(left), pattern: Box::new(pattern), negated }, pos))
    }

    fn in_list(&mut self, left: Expr, negated: bool, pos: Pos) -> Result<Expr> {
        self.bump();
        let arg = Box::new(left);
        match self.paren(true)? {
            Paren::Query(query) => {
                let link = sublink(SubLinkKind::Any { left: arg, op: None }, *query, pos);
                Ok(match negated {
                    true => Expr::new(ExprKind::Not(Box::new(link)), pos),
                    false => link,
                })
            }
            Paren::Expr(list) => {
                let list = match list {
                    Expr { kind: ExprKind::Row { fields, explicit: false }, .. } if self.last_paren_was_list => fields,
                    one => vec![one],
                };
                Ok(Expr::new(ExprKind::In { arg, list, negated }, pos))
            }
        }
    }

    fn between(&mut self, left: Expr, negated: bool, pos: Pos) -> Result<Expr> {
        self.bump();
        let symmetric = self.eat(Kw::Symmetric);
        if !symmetric {
            self.eat(Kw::Asymmetric);
        }
        let low = Box::new(self.basic_expr()?);
        self.expect(Kw::And)?;
        let high = Box::new(self.expr_prec(prec::LIKE, Mode::Full)?);
        Ok(Expr::new(ExprKind::Between { arg: Box::new(left), low, high, symmetric, negated }, pos))
    }

    /// Everything behind IS.
    fn is(&mut self, left: Expr, mode: Mode) -> Result<Expr> {
        let pos = self.expect(Kw::Is)?;
        let negated = self.eat(Kw::Not);
        let arg = Box::new(left);
        if self.eat(Kw::Distinct) {
            self.expect(Kw::From)?;
            let right = Box::new(self.expr_prec(prec::IS, mode)?);
            return Ok(Expr::new(ExprKind::Distinct { left: arg, right, negated }, pos));
        }
        if self.at(Kw::Document) {
            return Err(self.unsupported("IS DOCUMENT", pos));
        }
        if mode == Mode::Basic {
            return self.unexpected();
        }
        let test = |is, is_not| if negated { is_not } else { is };
        let kind = match self.tok() {
            Tok::Kw(Kw::Null) => ExprKind::IsNull { arg, negated },
            Tok::Kw(Kw::True) => ExprKind::IsBool { arg, test: test(BoolTest::IsTrue, BoolTest::IsNotTrue) },
            Tok::Kw(Kw::False) => ExprKind::IsBool { arg, test: test(BoolTest::IsFalse, BoolTest::IsNotFalse) },
            Tok::Kw(Kw::Unknown) => ExprKind::IsBool { arg, test: test(BoolTest::IsUnknown, BoolTest::IsNotUnknown) },
            _ => return self.is_normalized(*arg, negated, pos),
        };
        self.bump();
        Ok(Expr::new(kind, pos))
    }

    /// `IS [NOT] [form] NORMALIZED`
    fn is_normalized(&mut self, arg: Expr, negated: bool, pos: Pos) -> Result<Expr> {
        let mut args = vec![arg];
        args.extend(self.unicode_form()?);
        self.expect(Kw::Normalized)?;
        let call = Expr::system_call("is_normalized", args, true, pos);
        Ok(match negated {
            true => Expr::new(ExprKind::Not(Box::new(call)), pos),
            false => call,
        })
    }

    /// NFC, NFD, NFKC, NFKD as a string, if one stands here.
    fn unicode_form(&mut self) -> Result<Option<Expr>> {
        let pos = self.pos();
        for (kw, name) in [(Kw::Nfc, "NFC"), (Kw::Nfd, "NFD"), (Kw::Nfkc, "NFKC"), (Kw::Nfkd, "NFKD")] {
            if self.eat(kw) {
                return Ok(Some(Expr::string(name, pos)));
            }
        }
        Ok(None)
    }

    fn prefix(&mut self, mode: Mode) -> Result<Expr> {
        let pos = self.pos();
        let mode = if mode == Mode::Basic { Mode::Basic } else { Mode::Full };
        match self.tok() {
            Tok::Char(b'+') => {
                self.bump();
                let right = self.expr_prec(prec::UMINUS, mode)?;
                Ok(unary(OperName::plain("+", pos), right))
            }
            Tok::Char(b'-') => {
                self.bump();
                let right = self.expr_prec(prec::UMINUS, mode)?;
                if matches!(right.kind, ExprKind::Const(Const::Int(_) | Const::Float(_))) {
                    self.note_minus(right.pos, pos);
                }
                Ok(negate(right, pos))
            }
            Tok::Op => {
                let op = OperName::plain(self.source(self.token()), pos);
                self.bump();
                let right = self.expr_prec(prec::OP, mode)?;
                Ok(unary(op, right))
            }
            Tok::Kw(Kw::Operator) if self.tok_at(1) == Tok::Char(b'(') => {
                let op = self.operator_clause()?;
                let right = self.expr_prec(prec::OP, mode)?;
                Ok(unary(op, right))
            }
            Tok::Kw(Kw::Not) | Tok::NotLa if mode != Mode::Basic => {
                self.bump();
                let right = self.expr_prec(prec::NOT, mode)?;
                Ok(Expr::new(ExprKind::Not(Box::new(right)), pos))
            }
            Tok::Kw(Kw::Default) if mode != Mode::Basic => {
                self.bump();
                Ok(Expr::new(ExprKind::Default, pos))
            }
            Tok::Kw(Kw::Unique) if mode != Mode::Basic => {
                self.bump();
                if self.eat(Kw::Nulls) {
                    self.eat(Kw::Not);
                    self.expect(Kw::Distinct)?;
                }
                self.query_in_parens()?;
                Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, "UNIQUE predicate is not yet implemented", pos))
            }
            _ => {
                let e = self.primary()?;
                match mode != Mode::Basic && self.at(Kw::Overlaps) && matches!(e.kind, ExprKind::Row { .. }) {
                    true => self.overlaps(e),
                    false => Ok(e),
                }
            }
        }
    }

    fn overlaps(&mut self, left: Expr) -> Result<Expr> {
        let pos = self.expect(Kw::Overlaps)?;
        let right_pos = self.pos();
        let right = match self.tok() {
            Tok::Kw(Kw::Row) if self.tok_at(1) == Tok::Char(b'(') => self.primary()?,
            Tok::Char(b'(') => self.implicit_row()?,
            _ => return self.unexpected(),
        };
        let (ExprKind::Row { fields: mut args, .. }, ExprKind::Row { fields, .. }) = (left.kind, right.kind) else {
            return self.unexpected();
        };
        for (side, n, at) in [("left", args.len(), left.pos), ("right", fields.len(), right_pos)] {
            if n != 2 {
                let message = format!("wrong number of parameters on {side} side of OVERLAPS expression");
                return Err(self.error(SqlState::SYNTAX_ERROR, message, at));
            }
        }
        args.extend(fields);
        Ok(Expr::system_call("overlaps", args, true, pos))
    }

    /// c_expr
    pub(super) fn primary(&mut self) -> Result<Expr> {
        let t = self.token();
        let pos = t.start;
        let constant = |p: &mut Self, c: Const| {
            p.note_constant();
            p.bump();
            Ok(Expr::new(ExprKind::Const(c), pos))
        };
        match t.tok {
            Tok::Int(n) => constant(self, Const::Int(n)),
            Tok::Float => {
                self.note_constant();
                self.bump();
                Ok(Expr::new(ExprKind::Const(Const::Float(self.value(t))), pos))
            }
            Tok::Str => {
                self.note_constant();
                self.bump();
                Ok(Expr::string(self.value(t), pos))
            }
            Tok::Bit => {
                self.note_constant();
                self.bump();
                Ok(Expr::new(ExprKind::Const(Const::Bit(self.value(t))), pos))
            }
            Tok::Param(n) => {
                self.bump();
                let e = Expr::new(ExprKind::Param(n), pos);
                self.with_indirection(e)
            }
            Tok::Char(b'(') => self.paren_expr(),
            Tok::Ident => self.named(),
            Tok::Kw(Kw::True) => constant(self, Const::Bool(true)),
            Tok::Kw(Kw::False) => constant(self, Const::Bool(false)),
            Tok::Kw(Kw::Null) => constant(self, Const::Null),
            Tok::Kw(kw) => self.keyword_expr(kw),
            _ => self.unexpected(),
        }
    }

    fn keyword_expr(&mut self, kw: Kw) -> Result<Expr> {
        let pos = self.pos();
        let call = self.tok_at(1) == Tok::Char(b'(');
        match kw {
            Kw::Case => self.case(),
            // Reserved: nothing but the call can start so.
            Kw::Cast if !call => {
                self.bump();
                self.unexpected()
            }
            Kw::Array => self.array(),
            Kw::Row if call => {
                self.bump();
                self.explicit_row(pos)
            }
            Kw::Exists if call => {
                self.bump();
                let query = self.query_in_parens()?;
                Ok(sublink(SubLinkKind::Exists, query, pos))
            }
            Kw::Grouping if call => {
                self.bump();
                let args = self.paren_list(Self::expr)?;
                Ok(Expr::new(ExprKind::Grouping(args), pos))
            }
            _ => {
                if let Some(e) = self.special_call(kw)? {
                    return Ok(e);
                }
                match self.starts_typed_literal() {
                    true => self.typed_literal(),
                    false => self.named(),
                }
            }
        }
    }

    /// A column reference, a function call, or `type 'literal'`.
    fn named(&mut self) -> Result<Expr> {
        let pos = self.pos();
        let (column, function) = (self.is_col_id(0), self.is_type_function_name(0));
        if !column && !function {
            return self.unexpected();
        }
        let first = self.col_label()?;
        let path = match column {
            true => self.indirection()?,
            false => Vec::new(),
        };
        let plain = path.iter().all(|p| matches!(p, Indirection::Field(_)));
        let callable = if path.is_empty() { function } else { plain };
        if callable {
            match self.tok() {
                Tok::Char(b'(') => return self.call(qualified(first, path), pos),
                Tok::Str => {
                    let arg = self.string_const()?;
                    return Ok(cast(arg, TypeName::named(qualified(first, path), pos), NOWHERE));
                }
                _ => {}
            }
        }
        if !column {
            return self.unexpected();
        }
        self.column_ref(first, path, pos)
    }

    /// PostgreSQL 15, gram.y, `makeColumnRef`: a subscript ends the column's name, the rest goes on behind it.
    fn column_ref(&mut self, first: Name, path: Vec<Indirection>, pos: Pos) -> Result<Expr> {
        self.check_indirection(&path)?;
        let mut parts = vec![first];
        let mut star = false;
        let mut rest = path.into_iter();
        let mut tail = Vec::new();
        for step in rest.by_ref() {
            match step {
                Indirection::Field(name) => parts.push(name),
                Indirection::Star => star = true,
                subscript => {
                    tail.push(subscript);
                    break;
                }
            }
        }
        tail.extend(rest);
        let column = Expr::new(ExprKind::Column { parts, star }, pos);
        Ok(match tail.is_empty() {
            true => column,
            false => Expr::new(ExprKind::Indirection { arg: Box::new(column), path: tail }, pos),
        })
    }

    /// `( … )`: a scalar subquery, a row, or an expression, with what selects from it.
    fn paren_expr(&mut self) -> Result<Expr> {
        let pos = self.pos();
        match self.paren(true)? {
            Paren::Query(query) => {
                let e = sublink(SubLinkKind::Scalar, *query, pos);
                self.with_indirection(e)
            }
            Paren::Expr(e) if matches!(e.kind, ExprKind::Row { explicit: false, .. }) && self.last_paren_was_list => {
                Ok(e)
            }
            Paren::Expr(e) => self.with_indirection(e),
        }
    }

    fn with_indirection(&mut self, arg: Expr) -> Result<Expr> {
        if !matches!(self.tok(), Tok::Char(b'[' | b'.')) {
            return Ok(arg);
        }
        let path = self.indirection()?;
        self.check_indirection(&path)?;
        let pos = arg.pos;
        Ok(Expr::new(ExprKind::Indirection { arg: Box::new(arg), path }, pos))
    }

    /// Whether the parentheses that open here hold a query at their innermost start.
    pub(super) fn parens_lead_to_query(&self) -> bool {
        if let Some((run, leads)) = self.parens.take().filter(|(run, _)| run.contains(&self.i)) {
            self.parens.set(Some((run, leads)));
            return leads;
        }
        let mut n = 0;
        while self.tok_at(n) == Tok::Char(b'(') {
            n += 1;
        }
        let leads = n > 0 && self.is_query_start(n);
        self.parens.set(Some((self.i..self.i + n, leads)));
        leads
    }

    /// SELECT, VALUES (…), WITH, TABLE at the n-th token.
    pub(super) fn is_query_start(&self, n: usize) -> bool {
        match self.tok_at(n) {
            Tok::Kw(Kw::Select | Kw::With | Kw::Table) | Tok::WithLa => true,
            Tok::Kw(Kw::Values) => self.tok_at(n + 1) == Tok::Char(b'('),
            _ => false,
        }
    }

    /// Reads `( … )` without knowing whether it is a query or an expression; `list` tells whether commas may separate
    /// several. Sets `last_paren_was_list` if it was such a list.
    fn paren(&mut self, list: bool) -> Result<Paren> {
        check_stack()?;
        let pos = self.pos();
        if !self.parens_lead_to_query() {
            self.expect_char(b'(')?;
            let first = self.expr()?;
            return self.paren_rest(first, pos, list);
        }
        self.expect_char(b'(')?;
        if !self.at_char(b'(') {
            let query = self.select_no_parens()?;
            self.expect_char(b')')?;
            self.last_paren_was_list = false;
            return Ok(Paren::Query(Box::new(query)));
        }
        let inner_pos = self.pos();
        let mut e = match self.paren(true)? {
            Paren::Query(query) => {
                if self.eat_char(b')') {
                    self.last_paren_was_list = false;
                    return Ok(Paren::Query(query));
                }
                if self.continues_query() {
                    let query = self.continue_query(*query)?;
                    self.expect_char(b')')?;
                    self.last_paren_was_list = false;
                    return Ok(Paren::Query(Box::new(query)));
                }
                let link = sublink(SubLinkKind::Scalar, *query, inner_pos);
                self.with_indirection(link)?
            }
            Paren::Expr(e) if self.last_paren_was_list => e,
            Paren::Expr(e) => self.with_indirection(e)?,
        };
        if self.at(Kw::Overlaps) && matches!(e.kind, ExprKind::Row { .. }) {
            e = self.overlaps(e)?;
        }
        let e = self.continue_expr(e)?;
        self.paren_rest(e, pos, list)
    }

    /// `, more )` or `)` behind the first expression.
    fn paren_rest(&mut self, first: Expr, pos: Pos, list: bool) -> Result<Paren> {
        let mut fields = Vec::new();
        let mut first = Some(first);
        if list && self.at_char(b',') {
            fields.extend(first.take());
            while self.eat_char(b',') {
                fields.push(self.expr()?);
            }
        }
        self.expect_char(b')')?;
        self.last_paren_was_list = first.is_none();
        Ok(Paren::Expr(match first {
            Some(e) => e,
            None => Expr::new(ExprKind::Row { fields, explicit: false }, pos),
        }))
    }

    /// implicit_row: at least two expressions.
    fn implicit_row(&mut self) -> Result<Expr> {
        let pos = self.pos();
        self.expect_char(b'(')?;
        let mut fields = vec![self.expr()?];
        self.expect_char(b',')?;
        fields.extend(self.expr_list()?);
        self.expect_char(b')')?;
        Ok(Expr::new(ExprKind::Row { fields, explicit: false }, pos))
    }

    /// `( … )` behind ROW.
    fn explicit_row(&mut self, pos: Pos) -> Result<Expr> {
        self.expect_char(b'(')?;
        let fields = match self.at_char(b')') {
            true => Vec::new(),
            false => self.expr_list()?,
        };
        self.expect_char(b')')?;
        Ok(Expr::new(ExprKind::Row { fields, explicit: true }, pos))
    }

    fn case(&mut self) -> Result<Expr> {
        let pos = self.expect(Kw::Case)?;
        let arg = match self.at(Kw::When) {
            true => None,
            false => Some(self.expr()?),
        };
        let mut whens = Vec::new();
        loop {
            let pos = self.expect(Kw::When)?;
            let when = self.expr()?;
            self.expect(Kw::Then)?;
            whens.push(CaseWhen { when, then: self.expr()?, pos });
            if !self.at(Kw::When) {
                break;
            }
        }
        let default = match self.eat(Kw::Else) {
            true => Some(self.expr()?),
            false => None,
        };
        self.expect(Kw::End)?;
        Ok(Expr::new(ExprKind::Case(Box::new(CaseExpr { arg, whens, default })), pos))
    }

    /// `ARRAY[…]` or `ARRAY(query)`.
    fn array(&mut self) -> Result<Expr> {
        let pos = self.expect(Kw::Array)?;
        if self.at_char(b'[') {
            let mut e = self.array_items()?;
            e.pos = pos;
            return Ok(e);
        }
        match self.at_char(b'(') {
            true => {
                let query = self.query_in_parens()?;
                Ok(sublink(SubLinkKind::Array, query, pos))
            }
            false => self.unexpected(),
        }
    }

    /// `[ … ]`: expressions, or nothing but further brackets.
    fn array_items(&mut self) -> Result<Expr> {
        check_stack()?;
        let pos = self.pos();
        self.expect_char(b'[')?;
        let outer = std::mem::take(&mut self.height);
        let items = if self.at_char(b']') {
            Vec::new()
        } else if self.at_char(b'[') {
            self.list(Self::array_items)?
        } else {
            self.expr_list()?
        };
        self.expect_char(b']')?;
        let below = self.height;
        self.height = outer.max(self.grow(below)?);
        Ok(Expr::new(ExprKind::Array(items), pos))
    }
}

fn is_left(p: u8) -> bool {
    !is_nonassoc(p) && p != prec::NOT && p != prec::UMINUS
}

fn is_nonassoc(p: u8) -> bool {
    matches!(p, prec::IS | prec::COMPARE | prec::LIKE | prec::ESCAPE)
}

/// A function's name of a word and the fields behind it.
fn qualified(first: Name, path: Vec<Indirection>) -> Vec<Name> {
    let rest = path.into_iter().filter_map(|p| match p {
        Indirection::Field(name) => Some(name),
        _ => None,
    });
    std::iter::once(first).chain(rest).collect()
}

pub(super) fn sublink(kind: SubLinkKind, query: SelectStmt, pos: Pos) -> Expr {
    Expr::new(ExprKind::SubLink(Box::new(SubLink { kind, query })), pos)
}

fn binary(op: OperName, left: Expr, right: Expr) -> Expr {
    let pos = op.pos;
    Expr::new(ExprKind::Op { op, left: Some(Box::new(left)), right: Box::new(right) }, pos)
}

fn unary(op: OperName, right: Expr) -> Expr {
    let pos = op.pos;
    Expr::new(ExprKind::Op { op, left: None, right: Box::new(right) }, pos)
}

/// A minus sign before a number belongs to the number. PostgreSQL 15, gram.y, `doNegate`.
fn negate(right: Expr, pos: Pos) -> Expr {
    match right.kind {
        ExprKind::Const(Const::Int(n)) => Expr::int(n.wrapping_neg(), pos),
        ExprKind::Const(Const::Float(text)) => {
            let text = match text.strip_prefix('-') {
                Some(positive) => positive.to_owned(),
                None => format!("-{text}"),
            };
            Expr::new(ExprKind::Const(Const::Float(text)), pos)
        }
        kind => unary(OperName::plain("-", pos), Expr::new(kind, right.pos)),
    }
}

/// AND and OR chains become one list.
fn logical(left: Expr, right: Expr, and: bool, pos: Pos) -> Expr {
    match (left, and) {
        (Expr { kind: ExprKind::And(mut args), pos }, true) => {
            args.push(right);
            Expr::new(ExprKind::And(args), pos)
        }
        (Expr { kind: ExprKind::Or(mut args), pos }, false) => {
            args.push(right);
            Expr::new(ExprKind::Or(args), pos)
        }
        (left, true) => Expr::new(ExprKind::And(vec![left, right]), pos),
        (left, false) => Expr::new(ExprKind::Or(vec![left, right]), pos),
    }
}
