//! INSERT, UPDATE, DELETE, MERGE.

use super::check_stack;
use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::Result;
use crate::sql::ast::*;

impl Parser<'_> {
    /// PreparableStmt: SELECT, INSERT, UPDATE, DELETE or MERGE, perhaps with WITH.
    pub(super) fn preparable(&mut self) -> Result<Stmt> {
        check_stack()?;
        match self.tok() {
            Tok::Kw(Kw::Select | Kw::Values | Kw::Table) | Tok::Char(b'(') => Ok(Stmt::Select(Box::new(self.query()?))),
            Tok::Kw(Kw::Insert | Kw::Update | Kw::Delete | Kw::Merge) => self.modify(None),
            Tok::Kw(Kw::With) | Tok::WithLa => {
                let with = self.with_clause()?;
                match self.tok() {
                    Tok::Kw(Kw::Insert | Kw::Update | Kw::Delete | Kw::Merge) => self.modify(Some(with)),
                    _ => Ok(Stmt::Select(Box::new(self.query_after_with(with)?))),
                }
            }
            _ => self.unexpected(),
        }
    }

    /// INSERT, UPDATE, DELETE or MERGE behind its WITH.
    fn modify(&mut self, with: Option<WithClause>) -> Result<Stmt> {
        match self.tok() {
            Tok::Kw(Kw::Insert) => Ok(Stmt::Insert(Box::new(self.insert(with)?))),
            Tok::Kw(Kw::Update) => Ok(Stmt::Update(Box::new(self.update(with)?))),
            Tok::Kw(Kw::Delete) => Ok(Stmt::Delete(Box::new(self.delete(with)?))),
            _ => Ok(Stmt::Merge(Box::new(self.merge(with)?))),
        }
    }

    fn insert(&mut self, with: Option<WithClause>) -> Result<InsertStmt> {
        self.expect_all(&[Kw::Insert, Kw::Into])?;
        let mut table = self.qualified_name()?;
        if self.eat(Kw::As) {
            table.alias = Some(Alias { name: self.col_id()?, columns: Vec::new() });
        }
        let columns = match self.at_char(b'(') && self.tok_at(1) != Tok::Char(b'(') && !self.is_query_start(1) {
            true => self.paren_list(Self::target_column)?,
            false => Vec::new(),
        };
        let overriding = self.overriding()?;
        let plain = columns.is_empty() && overriding == Overriding::No;
        let source = match plain && self.eat(Kw::Default) {
            true => {
                self.expect(Kw::Values)?;
                InsertSource::DefaultValues
            }
            false => InsertSource::Query(Box::new(self.query()?)),
        };
        let on_conflict = match self.at(Kw::On) {
            true => Some(self.on_conflict()?),
            false => None,
        };
        let returning = self.returning()?;
        Ok(InsertStmt { with, table, columns, overriding, source, on_conflict, returning, of_copy: false })
    }

    fn overriding(&mut self) -> Result<Overriding> {
        if !self.eat(Kw::Overriding) {
            return Ok(Overriding::No);
        }
        let kind = match self.eat(Kw::User) {
            true => Overriding::UserValue,
            false => {
                self.expect(Kw::System)?;
                Overriding::SystemValue
            }
        };
        self.expect(Kw::Value)?;
        Ok(kind)
    }

    fn on_conflict(&mut self) -> Result<OnConflict> {
        let pos = self.expect(Kw::On)?;
        self.expect(Kw::Conflict)?;
        let target_pos = self.pos();
        let target = if self.at_char(b'(') {
            let elems = self.paren_list(Self::index_elem)?;
            Some(ConflictTarget::Columns { elems, filter: self.opt_where()?, pos: target_pos })
        } else if self.eat(Kw::On) {
            self.expect(Kw::Constraint)?;
            Some(ConflictTarget::Constraint { name: self.col_id()?, pos: target_pos })
        } else {
            None
        };
        self.expect(Kw::Do)?;
        let action = match self.eat(Kw::Nothing) {
            true => ConflictAction::Nothing,
            false => {
                self.expect_all(&[Kw::Update, Kw::Set])?;
                let set = self.list(Self::assignment)?;
                ConflictAction::Update { set, filter: self.opt_where()? }
            }
        };
        Ok(OnConflict { target, action, pos })
    }

    fn returning(&mut self) -> Result<Vec<Target>> {
        match self.eat(Kw::Returning) {
            true => self.list(Self::target),
            false => Ok(Vec::new()),
        }
    }

    /// set_clause
    fn assignment(&mut self) -> Result<Assignment> {
        if self.at_char(b'(') {
            let columns = self.paren_list(Self::target_column)?;
            self.expect_char(b'=')?;
            return Ok(Assignment::Many { columns, source: self.expr()? });
        }
        let column = self.target_column()?;
        self.expect_char(b'=')?;
        Ok(Assignment::One { column, value: self.expr()? })
    }

    /// relation_expr_opt_alias; SET is never an alias here unless AS is written.
    fn relation_opt_alias(&mut self) -> Result<RangeVar> {
        let mut table = self.relation_expr()?;
        if self.eat(Kw::As) || (self.is_col_id(0) && !self.at(Kw::Set)) {
            table.alias = Some(Alias { name: self.col_id()?, columns: Vec::new() });
        }
        Ok(table)
    }

    fn update(&mut self, with: Option<WithClause>) -> Result<UpdateStmt> {
        self.expect(Kw::Update)?;
        let table = self.relation_opt_alias()?;
        self.expect(Kw::Set)?;
        let set = self.list(Self::assignment)?;
        let from = self.opt_from_clause()?;
        let filter = self.where_or_current()?;
        let returning = self.returning()?;
        Ok(UpdateStmt { with, table, set, from, filter, returning })
    }

    fn delete(&mut self, with: Option<WithClause>) -> Result<DeleteStmt> {
        self.expect_all(&[Kw::Delete, Kw::From])?;
        let table = self.relation_opt_alias()?;
        let using = match self.eat(Kw::Using) {
            true => self.list(Self::table_ref)?,
            false => Vec::new(),
        };
        let filter = self.where_or_current()?;
        let returning = self.returning()?;
        Ok(DeleteStmt { with, table, using, filter, returning })
    }

    /// WHERE condition, or WHERE CURRENT OF cursor.
    fn where_or_current(&mut self) -> Result<Option<Expr>> {
        if self.at(Kw::Where) && self.at_n(1, Kw::Current) && self.at_n(2, Kw::Of) {
            self.bump();
            let pos = self.bump().start;
            self.bump();
            return Ok(Some(Expr::new(ExprKind::CurrentOf(self.col_id()?), pos)));
        }
        self.opt_where()
    }

    fn merge(&mut self, with: Option<WithClause>) -> Result<MergeStmt> {
        self.expect_all(&[Kw::Merge, Kw::Into])?;
        let table = self.relation_opt_alias()?;
        self.expect(Kw::Using)?;
        let source = self.table_ref()?;
        self.expect(Kw::On)?;
        let on = self.expr()?;
        let mut whens = vec![self.merge_when()?];
        while self.at(Kw::When) {
            whens.push(self.merge_when()?);
        }
        Ok(MergeStmt { with, table, source, on, whens })
    }

    fn merge_when(&mut self) -> Result<MergeWhen> {
        self.expect(Kw::When)?;
        let matched = !self.eat(Kw::Not);
        self.expect(Kw::Matched)?;
        let condition = match self.eat(Kw::And) {
            true => Some(self.expr()?),
            false => None,
        };
        self.expect(Kw::Then)?;
        let action = match self.tok() {
            Tok::Kw(Kw::Do) => {
                self.bump();
                self.expect(Kw::Nothing)?;
                MergeAction::Nothing
            }
            Tok::Kw(Kw::Update) if matched => {
                self.bump();
                self.expect(Kw::Set)?;
                MergeAction::Update(self.list(Self::assignment)?)
            }
            Tok::Kw(Kw::Delete) if matched => {
                self.bump();
                MergeAction::Delete
            }
            Tok::Kw(Kw::Insert) if !matched => self.merge_insert()?,
            _ => return self.unexpected(),
        };
        Ok(MergeWhen { matched, condition, action })
    }

    fn merge_insert(&mut self) -> Result<MergeAction> {
        self.expect(Kw::Insert)?;
        let columns = match self.at_char(b'(') {
            true => self.paren_list(Self::target_column)?,
            false => Vec::new(),
        };
        let overriding = self.overriding()?;
        if columns.is_empty() && overriding == Overriding::No && self.eat(Kw::Default) {
            self.expect(Kw::Values)?;
            return Ok(MergeAction::Insert { columns, overriding, values: Vec::new() });
        }
        self.expect(Kw::Values)?;
        let values = self.paren_list(Self::expr)?;
        Ok(MergeAction::Insert { columns, overriding, values })
    }
}
