//! FROM: tables, functions, subqueries, joins.

use super::check_stack;
use super::function::is_special_call;
use super::keyword::{Category, Kw};
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

/// `( … )` in FROM, before it is known whether it is a query or a join.
enum FromParen {
    Query(Box<SelectStmt>),
    Item(FromItem),
}

impl Parser<'_> {
    pub(super) fn opt_from_clause(&mut self) -> Result<Vec<FromItem>> {
        match self.eat(Kw::From) {
            true => self.list(Self::table_ref),
            false => Ok(Vec::new()),
        }
    }

    /// table_ref: an item with all joins behind it.
    pub(super) fn table_ref(&mut self) -> Result<FromItem> {
        let outer = std::mem::take(&mut self.height);
        let first = self.table_primary()?;
        let item = self.joins(first)?;
        self.height = self.height.max(outer);
        Ok(item)
    }

    /// Joins behind an item, left-associative.
    fn joins(&mut self, mut left: FromItem) -> Result<FromItem> {
        let mut height = std::mem::take(&mut self.height);
        loop {
            let pos = self.pos();
            let natural = self.at(Kw::Natural);
            let n = usize::from(natural);
            let (kind, words) = match self.tok_at(n) {
                Tok::Kw(Kw::Join) => (JoinKind::Inner, 1),
                Tok::Kw(Kw::Inner) => (JoinKind::Inner, 2),
                Tok::Kw(Kw::Cross) if !natural => {
                    self.expect_all(&[Kw::Cross, Kw::Join])?;
                    let right = self.table_primary()?;
                    left = self.join(left, right, JoinKind::Inner, false, JoinCondition::None, pos);
                    height = self.taller(height)?;
                    continue;
                }
                Tok::Kw(Kw::Left) => (JoinKind::Left, 2),
                Tok::Kw(Kw::Right) => (JoinKind::Right, 2),
                Tok::Kw(Kw::Full) => (JoinKind::Full, 2),
                _ if natural => {
                    self.bump();
                    return self.unexpected();
                }
                _ => break,
            };
            for _ in 0..n {
                self.bump();
            }
            if words == 2 {
                self.bump();
                if kind != JoinKind::Inner {
                    self.eat(Kw::Outer);
                }
            }
            self.expect(Kw::Join)?;
            let mut right = self.table_primary()?;
            let condition = match natural {
                true => JoinCondition::None,
                false => {
                    // `a JOIN b JOIN c ON … ON …`: the inner join comes first.
                    check_stack()?;
                    if !self.at(Kw::On) && !self.at(Kw::Using) {
                        right = self.joins(right)?;
                    }
                    self.join_qual()?
                }
            };
            left = self.join(left, right, kind, natural, condition, pos);
            height = self.taller(height)?;
        }
        self.height = self.height.max(height);
        Ok(left)
    }

    fn taller(&mut self, height: usize) -> Result<usize> {
        let below = std::mem::take(&mut self.height).max(height);
        self.grow(below)
    }

    fn join(
        &self,
        left: FromItem,
        right: FromItem,
        kind: JoinKind,
        natural: bool,
        condition: JoinCondition,
        pos: Pos,
    ) -> FromItem {
        FromItem::Join(Box::new(JoinExpr { kind, natural, left, right, condition, alias: None, pos }))
    }

    fn join_qual(&mut self) -> Result<JoinCondition> {
        if self.eat(Kw::Using) {
            let columns = self.paren_list(Self::col_id)?;
            let alias = match self.eat(Kw::As) {
                true => Some(Alias { name: self.col_id()?, columns: Vec::new() }),
                false => None,
            };
            return Ok(JoinCondition::Using { columns, alias });
        }
        self.expect(Kw::On)?;
        Ok(JoinCondition::On(self.expr()?))
    }

    fn table_primary(&mut self) -> Result<FromItem> {
        let pos = self.pos();
        if self.eat(Kw::Lateral) {
            if self.at_char(b'(') {
                let pos = self.pos();
                let query = self.query_in_parens()?;
                return self.subquery(query, true, pos);
            }
            if self.at(Kw::Xmltable) {
                return Err(self.unsupported("XMLTABLE", pos));
            }
            return self.function_item(true);
        }
        if self.at_char(b'(') {
            return match self.paren_item()? {
                FromParen::Query(query) => self.subquery(*query, false, pos),
                FromParen::Item(item) => self.parenthesized_join(item),
            };
        }
        if self.at(Kw::Xmltable) && self.tok_at(1) == Tok::Char(b'(') {
            return Err(self.unsupported("XMLTABLE", pos));
        }
        match self.function_starts() {
            true => self.function_item(false),
            false => self.table_item(),
        }
    }

    /// Reads `( … )`: a query, or a join.
    fn paren_item(&mut self) -> Result<FromParen> {
        check_stack()?;
        if !self.parens_lead_to_query() {
            self.expect_char(b'(')?;
            let item = self.joined_table()?;
            return Ok(FromParen::Item(item));
        }
        let pos = self.pos();
        self.expect_char(b'(')?;
        if !self.at_char(b'(') {
            let query = self.select_no_parens()?;
            self.expect_char(b')')?;
            return Ok(FromParen::Query(Box::new(query)));
        }
        let first = match self.paren_item()? {
            FromParen::Query(query) => {
                if self.eat_char(b')') {
                    return Ok(FromParen::Query(query));
                }
                if self.continues_query() {
                    let query = self.continue_query(*query)?;
                    self.expect_char(b')')?;
                    return Ok(FromParen::Query(Box::new(query)));
                }
                self.subquery(*query, false, pos + 1)?
            }
            FromParen::Item(item) => self.parenthesized_join(item)?,
        };
        let item = self.joins(first)?;
        self.close_join(item).map(FromParen::Item)
    }

    /// joined_table inside parentheses, with the closing one.
    fn joined_table(&mut self) -> Result<FromItem> {
        let first = self.table_primary()?;
        let item = self.joins(first)?;
        self.close_join(item)
    }

    /// Only a join may stand in parentheses of its own.
    fn close_join(&mut self, item: FromItem) -> Result<FromItem> {
        match matches!(item, FromItem::Join(_)) {
            true => {
                self.expect_char(b')')?;
                Ok(item)
            }
            false => self.unexpected(),
        }
    }

    /// The alias behind `(a JOIN b …)`.
    fn parenthesized_join(&mut self, item: FromItem) -> Result<FromItem> {
        let FromItem::Join(mut join) = item else { return Ok(item) };
        // A second pair of parentheses around an aliased join would be another node in PostgreSQL, without effect.
        if let Some(alias) = self.opt_alias()? {
            join.alias = Some(alias);
        }
        Ok(FromItem::Join(join))
    }

    fn subquery(&mut self, query: SelectStmt, lateral: bool, pos: Pos) -> Result<FromItem> {
        let Some(alias) = self.opt_alias()? else {
            let values = matches!(query.body, SelectBody::Values(_));
            let (message, hint) = match values {
                true => ("VALUES in FROM must have an alias", "For example, FROM (VALUES ...) [AS] foo."),
                false => ("subquery in FROM must have an alias", "For example, FROM (SELECT ...) [AS] foo."),
            };
            return Err(self.error(SqlState::SYNTAX_ERROR, message, pos).hint(hint));
        };
        Ok(FromItem::Subquery(Box::new(RangeSubquery { lateral, query, alias, pos })))
    }

    /// opt_alias_clause
    pub(super) fn opt_alias(&mut self) -> Result<Option<Alias>> {
        if !self.eat(Kw::As) && !self.is_col_id(0) {
            return Ok(None);
        }
        let name = self.col_id()?;
        let columns = self.opt_name_list()?;
        Ok(Some(Alias { name, columns }))
    }

    fn table_item(&mut self) -> Result<FromItem> {
        let mut table = self.relation_expr()?;
        table.alias = self.opt_alias()?;
        let pos = self.pos();
        if !self.eat(Kw::Tablesample) {
            return Ok(FromItem::Table(Box::new(table)));
        }
        let method = self.func_name()?;
        let args = self.paren_list(Self::expr)?;
        let repeatable = match self.eat(Kw::Repeatable) {
            true => {
                self.expect_char(b'(')?;
                let seed = self.expr()?;
                self.expect_char(b')')?;
                Some(seed)
            }
            false => None,
        };
        Ok(FromItem::Sample(Box::new(TableSample { table, method, args, repeatable, pos })))
    }

    /// Whether a function stands here and not a table.
    fn function_starts(&self) -> bool {
        match self.tok() {
            Tok::Kw(Kw::Rows) if self.at_n(1, Kw::From) => return true,
            Tok::Kw(
                Kw::CurrentDate
                | Kw::CurrentTime
                | Kw::CurrentTimestamp
                | Kw::Localtime
                | Kw::Localtimestamp
                | Kw::CurrentRole
                | Kw::CurrentUser
                | Kw::SessionUser
                | Kw::User
                | Kw::CurrentCatalog
                | Kw::Cast
                | Kw::CurrentSchema,
            ) => return true,
            Tok::Kw(Kw::Collation) if self.at_n(1, Kw::For) => return true,
            Tok::Kw(k) if k.category() == Category::TypeFuncName => return true,
            // A word for columns only is no function, unless it has a syntax of its own.
            Tok::Kw(k) if k.category() == Category::ColName && self.tok_at(1) == Tok::Char(b'(') => {
                return is_special_call(k);
            }
            Tok::Kw(k) if k.category() == Category::Reserved => return false,
            Tok::Ident | Tok::Kw(_) => {}
            _ => return false,
        }
        let mut n = 1;
        while self.tok_at(n) == Tok::Char(b'.') && self.is_word(n + 1) {
            n += 2;
        }
        self.tok_at(n) == Tok::Char(b'(')
    }

    /// func_table with its alias.
    fn function_item(&mut self, lateral: bool) -> Result<FromItem> {
        let pos = self.pos();
        let rows_from = self.at(Kw::Rows) && self.at_n(1, Kw::From);
        let functions = match rows_from {
            true => {
                self.bump();
                self.bump();
                self.paren_list(Self::rows_from_item)?
            }
            false => vec![RangeFunctionItem { call: self.windowless_call()?, coldefs: Vec::new() }],
        };
        let ordinality = self.tok() == Tok::WithLa && self.at_n(1, Kw::Ordinality);
        if ordinality {
            self.bump();
            self.bump();
        }
        let (alias, coldefs) = self.function_alias()?;
        Ok(FromItem::Function(Box::new(RangeFunction {
            lateral,
            ordinality,
            rows_from,
            functions,
            alias,
            coldefs,
            pos,
        })))
    }

    fn rows_from_item(&mut self) -> Result<RangeFunctionItem> {
        let call = self.windowless_call()?;
        let coldefs = match self.eat(Kw::As) {
            true => self.paren_list(Self::function_column)?,
            false => Vec::new(),
        };
        Ok(RangeFunctionItem { call, coldefs })
    }

    /// func_expr_windowless
    pub(super) fn windowless_call(&mut self) -> Result<Expr> {
        let pos = self.pos();
        if let Tok::Kw(kw) = self.tok()
            && let Some(e) = self.special_call(kw)?
        {
            return Ok(e);
        }
        let name = self.func_name()?;
        match self.at_char(b'(') {
            true => {
                let (call, _) = self.application(name.parts)?;
                Ok(Expr::new(ExprKind::Func(Box::new(call)), pos))
            }
            false => self.unexpected(),
        }
    }

    /// func_alias_clause: an alias, or an alias with column definitions, or only those.
    fn function_alias(&mut self) -> Result<(Option<Alias>, Vec<FuncColumn>)> {
        let as_given = self.eat(Kw::As);
        if as_given && self.at_char(b'(') {
            return Ok((None, self.paren_list(Self::function_column)?));
        }
        if !as_given && !self.is_col_id(0) {
            return Ok((None, Vec::new()));
        }
        let name = self.col_id()?;
        if !self.at_char(b'(') {
            return Ok((Some(Alias { name, columns: Vec::new() }), Vec::new()));
        }
        if matches!(self.tok_at(2), Tok::Char(b',' | b')')) {
            let columns = self.opt_name_list()?;
            return Ok((Some(Alias { name, columns }), Vec::new()));
        }
        let coldefs = self.paren_list(Self::function_column)?;
        Ok((Some(Alias { name, columns: Vec::new() }), coldefs))
    }

    /// TableFuncElement
    fn function_column(&mut self) -> Result<FuncColumn> {
        let pos = self.pos();
        let name = self.col_id()?;
        let typ = self.type_name()?;
        let collation = self.opt_collate()?;
        Ok(FuncColumn { name, typ, collation, pos })
    }

    /// `COLLATE name`, in the place of its first word.
    pub(super) fn opt_collate(&mut self) -> Result<Option<QualName>> {
        let pos = self.pos();
        match self.eat(Kw::Collate) {
            true => Ok(Some(QualName { pos, ..self.any_name()? })),
            false => Ok(None),
        }
    }
}
