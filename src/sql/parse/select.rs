//! SELECT, VALUES, TABLE, set operations, WITH.

use super::check_stack;
use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

/// ORDER BY, LIMIT, OFFSET and row locks behind a query.
#[derive(Default)]
struct Tail {
    order_by: Vec<SortBy>,
    limit: Option<Limit>,
    limit_pos: Pos,
    offset: Option<Expr>,
    locking: Vec<LockingClause>,
}

impl Parser<'_> {
    /// SelectStmt: a query, perhaps in parentheses.
    pub(super) fn query(&mut self) -> Result<SelectStmt> {
        self.select_no_parens()
    }

    /// select_with_parens
    pub(super) fn query_in_parens(&mut self) -> Result<SelectStmt> {
        check_stack()?;
        self.expect_char(b'(')?;
        let query = self.select_no_parens()?;
        self.expect_char(b')')?;
        Ok(query)
    }

    /// A query with its WITH, set operations and tail.
    pub(super) fn select_no_parens(&mut self) -> Result<SelectStmt> {
        check_stack()?;
        let outer = std::mem::take(&mut self.height);
        let with = match self.at_with() {
            true => Some(self.with_clause()?),
            false => None,
        };
        self.query_body(with, outer)
    }

    /// The query behind a WITH clause read already.
    pub(super) fn query_after_with(&mut self, with: WithClause) -> Result<SelectStmt> {
        self.query_body(Some(with), 0)
    }

    fn query_body(&mut self, with: Option<WithClause>, outer: usize) -> Result<SelectStmt> {
        let first = self.operand_query()?;
        let mut query = self.set_operations(first, 0)?;
        let tail = self.tail()?;
        self.add_tail(&mut query, tail)?;
        self.add_with(&mut query, with)?;
        let below = self.height;
        self.height = outer.max(self.grow(below)?);
        Ok(query)
    }

    /// Whether a query in parentheses goes on here.
    pub(super) fn continues_query(&self) -> bool {
        self.at_any(&[Kw::Union, Kw::Intersect, Kw::Except, Kw::Order, Kw::Limit, Kw::Offset, Kw::Fetch, Kw::For])
    }

    /// Goes on behind a query that stood in parentheses.
    pub(super) fn continue_query(&mut self, first: SelectStmt) -> Result<SelectStmt> {
        let mut query = self.set_operations(first, 0)?;
        let tail = self.tail()?;
        self.add_tail(&mut query, tail)?;
        Ok(query)
    }

    /// One operand of a set operation.
    fn operand_query(&mut self) -> Result<SelectStmt> {
        if self.at_char(b'(') {
            return self.query_in_parens();
        }
        let pos = self.pos();
        let body = match self.tok() {
            Tok::Kw(Kw::Select) => SelectBody::Select(Box::new(self.select_core()?)),
            Tok::Kw(Kw::Values) => self.values()?,
            Tok::Kw(Kw::Table) => self.table_query()?,
            _ => return self.unexpected(),
        };
        Ok(SelectStmt::of(body, pos))
    }

    /// UNION and EXCEPT bind weaker than INTERSECT; all are left-associative.
    fn set_operations(&mut self, mut left: SelectStmt, rule: u8) -> Result<SelectStmt> {
        let mut height = std::mem::take(&mut self.height);
        loop {
            let (kind, p) = match self.tok() {
                Tok::Kw(Kw::Union) => (SetOpKind::Union, 1),
                Tok::Kw(Kw::Except) => (SetOpKind::Except, 1),
                Tok::Kw(Kw::Intersect) => (SetOpKind::Intersect, 2),
                _ => break,
            };
            if p <= rule {
                break;
            }
            let pos = self.bump().start;
            let all = self.eat(Kw::All);
            if !all {
                self.eat(Kw::Distinct);
            }
            self.height = 0;
            let right = self.operand_query()?;
            let right = self.set_operations(right, p)?;
            let below = self.height.max(height);
            height = self.grow(below)?;
            let start = left.pos;
            let op = SetOp { kind, all, left, right, pos };
            left = SelectStmt::of(SelectBody::SetOp(Box::new(op)), start);
        }
        self.height = self.height.max(height);
        Ok(left)
    }

    fn select_core(&mut self) -> Result<SelectCore> {
        self.expect(Kw::Select)?;
        let mut core = SelectCore::default();
        let mut required = false;
        if self.eat(Kw::Distinct) {
            required = true;
            core.distinct = match self.eat(Kw::On) {
                true => {
                    let on = self.paren_list(Self::expr)?;
                    on.iter().for_each(|e| self.forget_ordinal(e));
                    Distinct::On(on)
                }
                false => Distinct::All,
            };
        } else {
            self.eat(Kw::All);
        }
        if required || !self.at_target_list_end() {
            core.targets = self.list(Self::target)?;
        }
        if self.eat(Kw::Into) {
            core.into = Some(self.select_into()?);
        }
        core.from = self.opt_from_clause()?;
        core.filter = self.opt_where()?;
        if self.eat(Kw::Group) {
            self.expect(Kw::By)?;
            if self.eat(Kw::Distinct) {
                core.group_distinct = true;
            } else {
                self.eat(Kw::All);
            }
            core.group_by = self.list(Self::group_item)?;
        }
        if self.eat(Kw::Having) {
            core.having = Some(self.expr()?);
        }
        if self.eat(Kw::Window) {
            core.windows = self.list(Self::window_definition)?;
        }
        Ok(core)
    }

    /// Where an empty target list ends.
    fn at_target_list_end(&self) -> bool {
        matches!(
            self.tok(),
            Tok::Eof
                | Tok::Char(b')' | b';')
                | Tok::WithLa
                | Tok::Kw(
                    Kw::Into
                        | Kw::From
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
                        | Kw::With
                        | Kw::On
                        | Kw::Returning
                        | Kw::Grant
                        | Kw::Create
                )
        )
    }

    /// target_el
    pub(super) fn target(&mut self) -> Result<Target> {
        let pos = self.pos();
        if self.eat_char(b'*') {
            let expr = Expr::new(ExprKind::Column { parts: Vec::new(), star: true }, pos);
            return Ok(Target { name: None, expr, pos });
        }
        let expr = self.target_expr()?;
        let name = if self.eat(Kw::As) {
            Some(self.col_label()?)
        } else {
            match self.tok() {
                Tok::Ident => Some(self.col_label()?),
                Tok::Kw(k) if k.is_bare_label() => Some(self.col_label()?),
                _ => None,
            }
        };
        Ok(Target { name, expr, pos })
    }

    /// opt_select INTO's table: `[TEMPORARY | UNLOGGED] [TABLE] name`.
    fn select_into(&mut self) -> Result<IntoClause> {
        let persistence = match self.tok() {
            Tok::Kw(Kw::Local | Kw::Global) if matches!(self.tok_at(1), Tok::Kw(Kw::Temp | Kw::Temporary)) => {
                self.bump();
                self.bump();
                Persistence::Temporary
            }
            // These words are also names; a word must follow for them to be more.
            Tok::Kw(Kw::Temporary | Kw::Temp) if self.is_word(1) && (self.is_col_id(1) || self.at_n(1, Kw::Table)) => {
                self.bump();
                Persistence::Temporary
            }
            Tok::Kw(Kw::Unlogged) if self.is_col_id(1) || self.at_n(1, Kw::Table) => {
                self.bump();
                Persistence::Unlogged
            }
            _ => Persistence::Permanent,
        };
        self.eat(Kw::Table);
        let mut table = self.qualified_name()?;
        table.persistence = persistence;
        Ok(IntoClause {
            table,
            columns: Vec::new(),
            access_method: None,
            options: Vec::new(),
            on_commit: OnCommit::Noop,
            tablespace: None,
            skip_data: false,
        })
    }

    pub(super) fn opt_where(&mut self) -> Result<Option<Expr>> {
        match self.eat(Kw::Where) {
            true => Ok(Some(self.expr()?)),
            false => Ok(None),
        }
    }

    fn group_expr(&mut self) -> Result<GroupItem> {
        let expr = self.expr()?;
        self.forget_ordinal(&expr);
        Ok(GroupItem::Expr(expr))
    }

    fn group_item(&mut self) -> Result<GroupItem> {
        check_stack()?;
        let pos = self.pos();
        let paren_next = self.tok_at(1) == Tok::Char(b'(');
        match self.tok() {
            Tok::Char(b'(') if self.tok_at(1) == Tok::Char(b')') => {
                self.bump();
                self.bump();
                Ok(GroupItem::Empty(pos))
            }
            Tok::Kw(Kw::Rollup) if paren_next => {
                self.bump();
                Ok(GroupItem::Rollup(self.paren_list(Self::group_expr)?, pos))
            }
            Tok::Kw(Kw::Cube) if paren_next => {
                self.bump();
                Ok(GroupItem::Cube(self.paren_list(Self::group_expr)?, pos))
            }
            Tok::Kw(Kw::Grouping) if self.at_n(1, Kw::Sets) => {
                self.bump();
                self.bump();
                Ok(GroupItem::Sets(self.paren_list(Self::group_item)?, pos))
            }
            _ => self.group_expr(),
        }
    }

    fn window_definition(&mut self) -> Result<WindowDef> {
        let name = self.col_id()?;
        self.expect(Kw::As)?;
        let mut window = self.window_specification()?;
        window.name = Some(name);
        Ok(window)
    }

    fn values(&mut self) -> Result<SelectBody> {
        self.expect(Kw::Values)?;
        Ok(SelectBody::Values(self.list(|p| p.paren_list(Self::expr))?))
    }

    /// `TABLE name`
    fn table_query(&mut self) -> Result<SelectBody> {
        self.expect(Kw::Table)?;
        let table = self.relation_expr()?;
        let star = Expr::new(ExprKind::Column { parts: Vec::new(), star: true }, NOWHERE);
        let core = SelectCore {
            targets: vec![Target { name: None, expr: star, pos: NOWHERE }],
            from: vec![FromItem::Table(Box::new(table))],
            ..SelectCore::default()
        };
        Ok(SelectBody::Select(Box::new(core)))
    }

    pub(super) fn opt_sort_clause(&mut self) -> Result<Vec<SortBy>> {
        match self.at(Kw::Order) {
            true => self.sort_clause(),
            false => Ok(Vec::new()),
        }
    }

    pub(super) fn sort_clause(&mut self) -> Result<Vec<SortBy>> {
        self.expect_all(&[Kw::Order, Kw::By])?;
        self.list(Self::sort_by)
    }

    fn sort_by(&mut self) -> Result<SortBy> {
        let expr = self.expr()?;
        self.forget_ordinal(&expr);
        let mut pos = NOWHERE;
        let dir = match self.eat(Kw::Using) {
            true => {
                pos = self.pos();
                SortDir::Using(match self.at(Kw::Operator) {
                    true => self.operator_clause()?,
                    false => OperName { schema: None, name: self.all_op()?, pos },
                })
            }
            false => self.asc_desc(),
        };
        let nulls = self.nulls_order()?;
        Ok(SortBy { expr, dir, nulls, pos })
    }

    pub(super) fn asc_desc(&mut self) -> SortDir {
        if self.eat(Kw::Asc) {
            SortDir::Asc
        } else if self.eat(Kw::Desc) {
            SortDir::Desc
        } else {
            SortDir::Default
        }
    }

    pub(super) fn nulls_order(&mut self) -> Result<NullsOrder> {
        if self.tok() != Tok::NullsLa {
            return Ok(NullsOrder::Default);
        }
        self.bump();
        match self.eat(Kw::First) {
            true => Ok(NullsOrder::First),
            false => {
                self.expect(Kw::Last)?;
                Ok(NullsOrder::Last)
            }
        }
    }

    /// opt_sort_clause, then limits and locks in either order.
    fn tail(&mut self) -> Result<Tail> {
        let mut tail = Tail { order_by: self.opt_sort_clause()?, ..Tail::default() };
        if self.at_locking() {
            tail.locking = self.locking_clauses()?;
            self.select_limit(&mut tail)?;
        } else if self.select_limit(&mut tail)? && self.at_locking() {
            tail.locking = self.locking_clauses()?;
        }
        Ok(tail)
    }

    fn at_locking(&self) -> bool {
        self.at(Kw::For)
    }

    /// LIMIT and OFFSET in either order, each at most once. True if there was one.
    fn select_limit(&mut self, tail: &mut Tail) -> Result<bool> {
        let mut any = false;
        for _ in 0..2 {
            match self.tok() {
                Tok::Kw(Kw::Limit) if tail.limit.is_none() => self.limit_clause(tail)?,
                Tok::Kw(Kw::Fetch) if tail.limit.is_none() => self.fetch_first(tail)?,
                Tok::Kw(Kw::Offset) if tail.offset.is_none() => {
                    self.bump();
                    tail.offset = Some(self.offset_value()?);
                }
                _ => break,
            }
            any = true;
        }
        Ok(any)
    }

    fn limit_clause(&mut self, tail: &mut Tail) -> Result<()> {
        let pos = self.expect(Kw::Limit)?;
        // LIMIT ALL is a limit without a value, as LIMIT NULL is (PostgreSQL 15, gram.y, select_limit_value: same).
        let at = self.pos();
        let count = match self.eat(Kw::All) {
            true => Expr::new(ExprKind::Const(Const::Null), at),
            false => self.expr()?,
        };
        if self.eat_char(b',') {
            // PostgreSQL reads the second number before it complains.
            self.offset_value()?;
            return Err(self
                .error(SqlState::SYNTAX_ERROR, "LIMIT #,# syntax is not supported", pos)
                .hint("Use separate LIMIT and OFFSET clauses."));
        }
        tail.limit_pos = count.start();
        tail.limit = Some(Limit { count, with_ties: false });
        Ok(())
    }

    /// `n [ROW | ROWS]` behind OFFSET.
    fn offset_value(&mut self) -> Result<Expr> {
        let e = self.expr()?;
        if !self.eat(Kw::Row) {
            self.eat(Kw::Rows);
        }
        Ok(e)
    }

    /// `FETCH FIRST [n] ROWS ONLY | WITH TIES`
    fn fetch_first(&mut self, tail: &mut Tail) -> Result<()> {
        self.expect(Kw::Fetch)?;
        if !self.eat(Kw::First) {
            self.expect(Kw::Next)?;
        }
        let pos = self.pos();
        let count = match self.tok() {
            Tok::Kw(Kw::Row | Kw::Rows)
                if !matches!(self.tok_at(1), Tok::Char(b'.' | b'(') | Tok::Kw(Kw::Row | Kw::Rows)) =>
            {
                Expr::int(1, NOWHERE)
            }
            Tok::Char(b'+' | b'-') => self.signed_number()?,
            _ => self.primary()?,
        };
        if !self.eat(Kw::Row) {
            self.expect(Kw::Rows)?;
        }
        let with_ties = self.eat(Kw::With);
        self.expect(if with_ties { Kw::Ties } else { Kw::Only })?;
        tail.limit_pos = pos;
        tail.limit = Some(Limit { count, with_ties });
        Ok(())
    }

    /// `+n`, `-n` of FETCH FIRST.
    fn signed_number(&mut self) -> Result<Expr> {
        match self.tok_at(1) {
            Tok::Int(_) | Tok::Float => self.expr(),
            _ => {
                self.bump();
                self.unexpected()
            }
        }
    }

    fn locking_clauses(&mut self) -> Result<Vec<LockingClause>> {
        if self.at_n(1, Kw::Read) {
            self.expect_all(&[Kw::For, Kw::Read, Kw::Only])?;
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        while self.at_locking() {
            out.push(self.locking_clause()?);
        }
        Ok(out)
    }

    fn locking_clause(&mut self) -> Result<LockingClause> {
        let pos = self.expect(Kw::For)?;
        let strength = if self.eat(Kw::Update) {
            RowLockStrength::Update
        } else if self.eat(Kw::No) {
            self.expect_all(&[Kw::Key, Kw::Update])?;
            RowLockStrength::NoKeyUpdate
        } else if self.eat(Kw::Share) {
            RowLockStrength::Share
        } else {
            self.expect_all(&[Kw::Key, Kw::Share])?;
            RowLockStrength::KeyShare
        };
        let of = match self.eat(Kw::Of) {
            true => self.list(Self::qualified_name)?,
            false => Vec::new(),
        };
        let wait = if self.eat(Kw::Nowait) {
            LockWait::Error
        } else if self.eat(Kw::Skip) {
            self.expect(Kw::Locked)?;
            LockWait::Skip
        } else {
            LockWait::Block
        };
        Ok(LockingClause { strength, of, wait, pos })
    }

    /// Adds a tail to a query that may have one already inside its parentheses. PostgreSQL 15, gram.y, `insertSelectOptions`.
    fn add_tail(&self, query: &mut SelectStmt, tail: Tail) -> Result<()> {
        let twice = |what: &str, pos| {
            Err(self.error(SqlState::SYNTAX_ERROR, format!("multiple {what} clauses not allowed"), pos))
        };
        if let Some(first) = tail.order_by.first() {
            if !query.order_by.is_empty() {
                return twice("ORDER BY", first.expr.start());
            }
            query.order_by = tail.order_by;
        }
        query.locking.extend(tail.locking);
        if let Some(offset) = tail.offset {
            if query.offset.is_some() {
                return twice("OFFSET", offset.start());
            }
            query.offset = Some(offset);
        }
        let Some(limit) = tail.limit else { return Ok(()) };
        if query.limit.is_some() {
            return twice("LIMIT", tail.limit_pos);
        }
        if limit.with_ties {
            self.check_with_ties(query)?;
        }
        query.limit = Some(limit);
        Ok(())
    }

    fn check_with_ties(&self, query: &SelectStmt) -> Result<()> {
        if query.order_by.is_empty() {
            let message = "WITH TIES cannot be specified without ORDER BY clause";
            return Err(crate::err!(SYNTAX_ERROR, "{message}"));
        }
        match query.locking.iter().any(|l| l.wait == LockWait::Skip) {
            true => Err(crate::err!(SYNTAX_ERROR, "SKIP LOCKED and WITH TIES options cannot be used together")),
            false => Ok(()),
        }
    }

    fn add_with(&self, query: &mut SelectStmt, with: Option<WithClause>) -> Result<()> {
        let Some(with) = with else { return Ok(()) };
        if query.with.is_some() {
            return Err(self.error(SqlState::SYNTAX_ERROR, "multiple WITH clauses not allowed", with.pos));
        }
        query.with = Some(with);
        Ok(())
    }

    /// WITH, also before a first name TIME or ORDINALITY.
    pub(super) fn at_with(&self) -> bool {
        matches!(self.tok(), Tok::Kw(Kw::With) | Tok::WithLa)
    }

    pub(super) fn with_clause(&mut self) -> Result<WithClause> {
        if !self.at_with() {
            return self.unexpected();
        }
        let pos = self.bump().start;
        // `recursive` may itself be the name of the first one.
        let recursive = self.at(Kw::Recursive) && !(self.at_n(1, Kw::As) || self.tok_at(1) == Tok::Char(b'('));
        if recursive {
            self.bump();
        }
        let ctes = self.list(Self::common_table)?;
        Ok(WithClause { recursive, ctes, pos })
    }

    fn common_table(&mut self) -> Result<CommonTable> {
        let pos = self.pos();
        let name = self.col_id()?;
        let columns = self.opt_name_list()?;
        self.expect(Kw::As)?;
        let materialized = if self.eat(Kw::Materialized) {
            Some(true)
        } else if self.eat(Kw::Not) {
            self.expect(Kw::Materialized)?;
            Some(false)
        } else {
            None
        };
        self.expect_char(b'(')?;
        let query = self.preparable()?;
        self.expect_char(b')')?;
        let search = match self.at(Kw::Search) {
            true => Some(self.search_clause()?),
            false => None,
        };
        let cycle = match self.at(Kw::Cycle) {
            true => Some(self.cycle_clause()?),
            false => None,
        };
        Ok(CommonTable { name, columns, materialized, query, search, cycle, pos })
    }

    fn search_clause(&mut self) -> Result<CteSearch> {
        let pos = self.expect(Kw::Search)?;
        let breadth_first = self.eat(Kw::Breadth);
        if !breadth_first {
            self.expect(Kw::Depth)?;
        }
        self.expect_all(&[Kw::First, Kw::By])?;
        let columns = self.list(Self::col_id)?;
        self.expect(Kw::Set)?;
        Ok(CteSearch { breadth_first, columns, sequence: self.col_id()?, pos })
    }

    fn cycle_clause(&mut self) -> Result<CteCycle> {
        let pos = self.expect(Kw::Cycle)?;
        let columns = self.list(Self::col_id)?;
        self.expect(Kw::Set)?;
        let mark = self.col_id()?;
        let bool_const = |b| Expr::new(ExprKind::Const(Const::Bool(b)), NOWHERE);
        let (mut mark_value, mut mark_default) = (bool_const(true), bool_const(false));
        if self.eat(Kw::To) {
            mark_value = self.constant()?;
            self.expect(Kw::Default)?;
            mark_default = self.constant()?;
        }
        self.expect(Kw::Using)?;
        Ok(CteCycle { columns, mark, mark_value, mark_default, path: self.col_id()?, pos })
    }

    /// AexprConst: a literal, perhaps with its type. As definitions show it, too: `'Y'::text`, which PostgreSQL 15 writes
    /// and does not read.
    fn constant(&mut self) -> Result<Expr> {
        let t = self.token();
        let mut e = self.primary()?;
        if matches!(e.kind, ExprKind::Const(_)) && self.token().tok == Tok::TypeCast {
            let pos = self.token().start;
            self.bump();
            let typ = self.type_name()?;
            e = Expr::new(ExprKind::Cast { arg: Box::new(e), typ }, pos);
        }
        let is_literal = |e: &Expr| match &e.kind {
            ExprKind::Const(_) => true,
            ExprKind::Cast { arg, .. } => matches!(arg.kind, ExprKind::Const(_)),
            _ => false,
        };
        match is_literal(&e) && t.tok != Tok::Char(b'(') && t.tok != Tok::Kw(Kw::Cast) {
            true => Ok(e),
            false => Err(self.syntax_error_at(t)),
        }
    }
}
