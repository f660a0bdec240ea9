//! CREATE TABLE: columns, constraints, partitions; CREATE TABLE AS.

use super::keyword::Kw;
use super::options::option;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

/// What stands behind a column's constraint so far.
#[derive(Default)]
struct Seen {
    deferrability: bool,
    initially: bool,
}

/// The attributes that may follow a table constraint. PostgreSQL 15, gram.y, `ConstraintAttributeSpec`.
#[derive(Default)]
struct Attributes {
    deferrable: bool,
    not_deferrable: bool,
    initially_deferred: bool,
    initially_immediate: bool,
    not_valid: bool,
    no_inherit: bool,
}

impl Parser<'_> {
    /// OptTemp: the words before TABLE, VIEW or SEQUENCE.
    pub(super) fn opt_temp(&mut self) -> Result<Persistence> {
        match self.tok() {
            Tok::Kw(Kw::Local | Kw::Global) => {
                self.bump();
                if !self.eat(Kw::Temp) {
                    self.expect(Kw::Temporary)?;
                }
                Ok(Persistence::Temporary)
            }
            Tok::Kw(Kw::Temp | Kw::Temporary) => {
                self.bump();
                Ok(Persistence::Temporary)
            }
            Tok::Kw(Kw::Unlogged) => {
                self.bump();
                Ok(Persistence::Unlogged)
            }
            _ => Ok(Persistence::Permanent),
        }
    }

    /// CREATE … TABLE, behind the word TABLE.
    pub(super) fn create_table(&mut self, persistence: Persistence) -> Result<Stmt> {
        let if_not_exists = self.if_not_exists()?;
        let mut table = self.qualified_name()?;
        table.persistence = persistence;
        let is_as_columns = self.at_char(b'(') && matches!(self.tok_at(2), Tok::Char(b',' | b')')) && self.is_col_id(1);
        if is_as_columns || !matches!(self.tok(), Tok::Char(b'(') | Tok::Kw(Kw::Of | Kw::Partition)) {
            return self.create_table_as(table, if_not_exists);
        }
        let mut stmt = CreateTableStmt {
            table,
            if_not_exists,
            elements: Vec::new(),
            inherits: Vec::new(),
            partition_by: None,
            partition_bound: None,
            of_type: None,
            access_method: None,
            options: Vec::new(),
            on_commit: OnCommit::Noop,
            tablespace: None,
        };
        if self.eat(Kw::Of) {
            let name = self.any_name()?;
            stmt.of_type = Some(TypeName::named(name.parts, name.pos));
            stmt.elements = self.opt_typed_elements()?;
        } else if self.eat(Kw::Partition) {
            self.expect(Kw::Of)?;
            stmt.inherits.push(self.qualified_name()?);
            stmt.elements = self.opt_typed_elements()?;
            stmt.partition_bound = Some(self.partition_bound()?);
        } else {
            self.expect_char(b'(')?;
            if !self.at_char(b')') {
                stmt.elements = self.list(Self::table_element)?;
            }
            self.expect_char(b')')?;
            if self.eat(Kw::Inherits) {
                stmt.inherits = self.paren_list(Self::qualified_name)?;
            }
        }
        if self.at(Kw::Partition) {
            stmt.partition_by = Some(self.partition_spec()?);
        }
        stmt.access_method = self.opt_access_method()?;
        (stmt.options, stmt.on_commit, stmt.tablespace) = self.table_tail()?;
        Ok(Stmt::CreateTable(Box::new(stmt)))
    }

    /// `USING method`
    pub(super) fn opt_access_method(&mut self) -> Result<Option<Name>> {
        match self.eat(Kw::Using) {
            true => Ok(Some(self.col_id()?)),
            false => Ok(None),
        }
    }

    /// OptWith OnCommitOption OptTableSpace
    fn table_tail(&mut self) -> Result<(Vec<DefElem>, OnCommit, Option<Name>)> {
        let mut options = Vec::new();
        if self.eat(Kw::With) {
            options = self.rel_options()?;
        } else if self.eat(Kw::Without) {
            self.expect(Kw::Oids)?;
        }
        let on_commit = self.on_commit()?;
        Ok((options, on_commit, self.opt_tablespace()?))
    }

    fn on_commit(&mut self) -> Result<OnCommit> {
        if !self.eat(Kw::On) {
            return Ok(OnCommit::Noop);
        }
        self.expect(Kw::Commit)?;
        if self.eat(Kw::Drop) {
            return Ok(OnCommit::Drop);
        }
        let delete = self.eat(Kw::Delete);
        if !delete {
            self.expect(Kw::Preserve)?;
        }
        self.expect(Kw::Rows)?;
        Ok(if delete { OnCommit::DeleteRows } else { OnCommit::PreserveRows })
    }

    pub(super) fn opt_tablespace(&mut self) -> Result<Option<Name>> {
        match self.eat(Kw::Tablespace) {
            true => Ok(Some(self.col_id()?)),
            false => Ok(None),
        }
    }

    /// create_as_target and what follows AS.
    fn create_table_as(&mut self, table: RangeVar, if_not_exists: bool) -> Result<Stmt> {
        let into = self.create_as_target(table)?;
        self.expect(Kw::As)?;
        let query = match self.at(Kw::Execute) {
            true => Stmt::Execute(Box::new(self.execute()?)),
            false => Stmt::Select(Box::new(self.query()?)),
        };
        let skip_data = self.opt_with_data()?;
        let into = IntoClause { skip_data, ..into };
        let stmt = CreateTableAsStmt { into, query, materialized_view: false, if_not_exists };
        Ok(Stmt::CreateTableAs(Box::new(stmt)))
    }

    fn create_as_target(&mut self, table: RangeVar) -> Result<IntoClause> {
        let columns = self.opt_name_list()?;
        let access_method = self.opt_access_method()?;
        let (options, on_commit, tablespace) = self.table_tail()?;
        Ok(IntoClause { table, columns, access_method, options, on_commit, tablespace, skip_data: false })
    }

    /// CREATE MATERIALIZED VIEW, behind VIEW.
    pub(super) fn create_matview(&mut self, persistence: Persistence) -> Result<Stmt> {
        let if_not_exists = self.if_not_exists()?;
        let mut view = self.qualified_name()?;
        view.persistence = persistence;
        let columns = self.opt_name_list()?;
        let access_method = self.opt_access_method()?;
        let options = self.opt_rel_options()?;
        let tablespace = self.opt_tablespace()?;
        self.expect(Kw::As)?;
        let query = Stmt::Select(Box::new(self.query()?));
        let skip_data = self.opt_with_data()?;
        let into = IntoClause {
            table: view,
            columns,
            access_method,
            options,
            on_commit: OnCommit::Noop,
            tablespace,
            skip_data,
        };
        Ok(Stmt::CreateTableAs(Box::new(CreateTableAsStmt { into, query, materialized_view: true, if_not_exists })))
    }

    fn table_element(&mut self) -> Result<TableElement> {
        match self.tok() {
            Tok::Kw(Kw::Like) => self.table_like(),
            _ if self.at_table_constraint() => Ok(TableElement::Constraint(self.table_constraint()?)),
            _ => Ok(TableElement::Column(self.column_def()?)),
        }
    }

    fn at_table_constraint(&self) -> bool {
        match self.tok() {
            Tok::Kw(Kw::Constraint | Kw::Check | Kw::Unique | Kw::Primary | Kw::Foreign) => true,
            // EXCLUDE is a name, too.
            Tok::Kw(Kw::Exclude) => matches!(self.tok_at(1), Tok::Kw(Kw::Using) | Tok::Char(b'(')),
            _ => false,
        }
    }

    fn table_like(&mut self) -> Result<TableElement> {
        self.expect(Kw::Like)?;
        let table = self.qualified_name()?;
        let mut options = LikeOptions::default();
        loop {
            let include = self.eat(Kw::Including);
            if !include && !self.eat(Kw::Excluding) {
                return Ok(TableElement::Like { table, options });
            }
            let field = match self.tok() {
                Tok::Kw(Kw::All) => {
                    let all = include;
                    options = LikeOptions {
                        comments: all,
                        compression: all,
                        constraints: all,
                        defaults: all,
                        generated: all,
                        identity: all,
                        indexes: all,
                        statistics: all,
                        storage: all,
                    };
                    self.bump();
                    continue;
                }
                Tok::Kw(Kw::Comments) => &mut options.comments,
                Tok::Kw(Kw::Compression) => &mut options.compression,
                Tok::Kw(Kw::Constraints) => &mut options.constraints,
                Tok::Kw(Kw::Defaults) => &mut options.defaults,
                Tok::Kw(Kw::Generated) => &mut options.generated,
                Tok::Kw(Kw::Identity) => &mut options.identity,
                Tok::Kw(Kw::Indexes) => &mut options.indexes,
                Tok::Kw(Kw::Statistics) => &mut options.statistics,
                Tok::Kw(Kw::Storage) => &mut options.storage,
                _ => return self.unexpected(),
            };
            *field = include;
            self.bump();
        }
    }

    /// columnDef
    pub(super) fn column_def(&mut self) -> Result<ColumnDef> {
        let pos = self.pos();
        let name = self.col_id()?;
        let typ = Some(self.type_name()?);
        let compression = self.opt_compression()?;
        self.refuse_generic_options()?;
        let mut def =
            ColumnDef { name, typ, storage: None, compression, collation: None, constraints: Vec::new(), pos };
        self.column_constraints(&mut def)?;
        Ok(def)
    }

    fn opt_compression(&mut self) -> Result<Option<Name>> {
        match self.at(Kw::Compression) {
            true => Ok(Some(self.compression()?)),
            false => Ok(None),
        }
    }

    /// `COMPRESSION method`
    pub(super) fn compression(&mut self) -> Result<Name> {
        self.expect(Kw::Compression)?;
        match self.eat(Kw::Default) {
            true => Ok("default".to_owned()),
            false => self.col_id(),
        }
    }

    /// OptTypedTableElementList: of OF and PARTITION OF.
    fn opt_typed_elements(&mut self) -> Result<Vec<TableElement>> {
        if !self.at_char(b'(') {
            return Ok(Vec::new());
        }
        self.paren_list(|p| {
            if p.at_table_constraint() {
                return Ok(TableElement::Constraint(p.table_constraint()?));
            }
            let pos = p.pos();
            let name = p.col_id()?;
            if p.eat(Kw::With) {
                p.expect(Kw::Options)?;
            }
            let mut def = ColumnDef {
                name,
                typ: None,
                storage: None,
                compression: None,
                collation: None,
                constraints: Vec::new(),
                pos,
            };
            p.column_constraints(&mut def)?;
            Ok(TableElement::Column(def))
        })
    }

    /// ColQualList
    pub(super) fn column_constraints(&mut self, def: &mut ColumnDef) -> Result<()> {
        let mut seen = Seen::default();
        loop {
            let pos = self.pos();
            if let Some(collation) = self.opt_collate()? {
                if def.collation.is_some() {
                    return Err(self.error(SqlState::SYNTAX_ERROR, "multiple COLLATE clauses not allowed", pos));
                }
                def.collation = Some(collation);
                continue;
            }
            if self.constraint_attribute(&mut def.constraints, &mut seen)? {
                continue;
            }
            match self.column_constraint()? {
                Some(c) => {
                    def.constraints.push(c);
                    seen = Seen::default();
                }
                None => return Ok(()),
            }
        }
    }

    /// ConstraintAttr behind a column constraint: PostgreSQL 15, parse_utilcmd.c, `transformConstraintAttrs`: same refusals.
    fn constraint_attribute(&mut self, constraints: &mut [Constraint], seen: &mut Seen) -> Result<bool> {
        let pos = self.pos();
        let (clause, deferrable, value) = match (self.tok(), self.tok_at(1)) {
            (Tok::Kw(Kw::Deferrable), _) => ("DEFERRABLE", true, true),
            (Tok::Kw(Kw::Not), Tok::Kw(Kw::Deferrable)) => ("NOT DEFERRABLE", true, false),
            (Tok::Kw(Kw::Initially), Tok::Kw(Kw::Deferred)) => ("INITIALLY DEFERRED", false, true),
            (Tok::Kw(Kw::Initially), Tok::Kw(Kw::Immediate)) => ("INITIALLY IMMEDIATE", false, false),
            (Tok::Kw(Kw::Initially), _) => {
                self.bump();
                return self.unexpected();
            }
            _ => return Ok(false),
        };
        self.bump();
        if clause != "DEFERRABLE" {
            self.bump();
        }
        let last = constraints.last_mut().filter(|c| can_defer(&c.kind));
        let Some(c) = last else {
            let e = self.error(SqlState::SYNTAX_ERROR, format!("misplaced {clause} clause"), pos);
            self.deferred.get_or_insert(e);
            return Ok(true);
        };
        let fault = match deferrable {
            true if seen.deferrability => Some("multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed"),
            false if seen.initially => Some("multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed"),
            true => {
                (seen.deferrability, c.deferrable) = (true, value);
                None
            }
            false => {
                (seen.initially, c.initially_deferred) = (true, value);
                c.deferrable |= value && !seen.deferrability;
                None
            }
        };
        let must = c.initially_deferred && !c.deferrable;
        let fault = fault.or(must.then_some("constraint declared INITIALLY DEFERRED must be DEFERRABLE"));
        if let Some(text) = fault {
            let e = self.error(SqlState::SYNTAX_ERROR, text, pos);
            self.deferred.get_or_insert(e);
        }
        Ok(true)
    }

    /// ColConstraint, if one stands here.
    pub(super) fn column_constraint(&mut self) -> Result<Option<Constraint>> {
        let pos = self.pos();
        let name = match self.eat(Kw::Constraint) {
            true => Some(self.col_id()?),
            false => None,
        };
        let elem_pos = if name.is_some() { pos } else { self.pos() };
        match self.column_constraint_kind()? {
            Some((kind, no_inherit)) => Ok(Some(Constraint { name, no_inherit, ..constraint(kind, elem_pos) })),
            None if name.is_some() => self.unexpected(),
            None => Ok(None),
        }
    }

    /// ColConstraintElem
    fn column_constraint_kind(&mut self) -> Result<Option<(ConstraintKind, bool)>> {
        let Tok::Kw(kw) = self.tok() else { return Ok(None) };
        let mut no_inherit = false;
        let kind = match kw {
            Kw::Not => {
                self.bump();
                self.expect(Kw::Null)?;
                ConstraintKind::NotNull
            }
            Kw::Null => {
                self.bump();
                ConstraintKind::Null
            }
            Kw::Unique => {
                self.bump();
                let nulls_not_distinct = self.nulls_not_distinct()?;
                let options = self.opt_definition()?;
                let tablespace = self.opt_index_tablespace()?;
                ConstraintKind::Unique(IndexConstraint {
                    nulls_not_distinct,
                    options,
                    tablespace,
                    ..Default::default()
                })
            }
            Kw::Primary => {
                self.bump();
                self.expect(Kw::Key)?;
                let options = self.opt_definition()?;
                let tablespace = self.opt_index_tablespace()?;
                ConstraintKind::PrimaryKey(IndexConstraint { options, tablespace, ..Default::default() })
            }
            Kw::Check => {
                self.bump();
                self.expect_char(b'(')?;
                let e = self.expr()?;
                self.expect_char(b')')?;
                no_inherit = self.at(Kw::No) && self.eat2(Kw::No, Kw::Inherit);
                ConstraintKind::Check(e)
            }
            Kw::Default => {
                self.bump();
                ConstraintKind::Default(self.basic_expr()?)
            }
            Kw::Generated => self.generated()?,
            Kw::References => {
                self.bump();
                ConstraintKind::ForeignKey(Box::new(self.references(Vec::new())?))
            }
            _ => return Ok(None),
        };
        Ok(Some((kind, no_inherit)))
    }

    fn generated(&mut self) -> Result<ConstraintKind> {
        self.expect(Kw::Generated)?;
        let when_pos = self.pos();
        let always = self.eat(Kw::Always);
        if !always {
            self.expect_all(&[Kw::By, Kw::Default])?;
        }
        self.expect(Kw::As)?;
        if self.eat(Kw::Identity) {
            return Ok(ConstraintKind::Identity { always, options: self.opt_paren_sequence_options()? });
        }
        self.expect_char(b'(')?;
        let e = self.expr()?;
        self.expect_char(b')')?;
        self.expect(Kw::Stored)?;
        if !always {
            let message = "for a generated column, GENERATED ALWAYS must be specified";
            return Err(self.error(SqlState::SYNTAX_ERROR, message, when_pos));
        }
        Ok(ConstraintKind::Generated(e))
    }

    /// `NULLS [NOT] DISTINCT`
    pub(super) fn nulls_not_distinct(&mut self) -> Result<bool> {
        if !self.eat(Kw::Nulls) {
            return Ok(false);
        }
        let not = self.eat(Kw::Not);
        self.expect(Kw::Distinct)?;
        Ok(not)
    }

    /// `USING INDEX TABLESPACE name`
    fn opt_index_tablespace(&mut self) -> Result<Option<Name>> {
        if !self.eat(Kw::Using) {
            return Ok(None);
        }
        self.expect_all(&[Kw::Index, Kw::Tablespace])?;
        Ok(Some(self.col_id()?))
    }

    /// Behind REFERENCES.
    fn references(&mut self, columns: Vec<Name>) -> Result<ForeignKey> {
        let table = self.qualified_name()?;
        let ref_columns = self.opt_name_list()?;
        let mut fk = ForeignKey {
            columns,
            table,
            ref_columns,
            match_kind: FkMatch::Simple,
            on_update: FkAction::NoAction,
            on_delete: FkAction::NoAction,
            on_delete_columns: Vec::new(),
        };
        let pos = self.pos();
        if self.eat(Kw::Match) {
            match self.tok() {
                Tok::Kw(Kw::Full) => fk.match_kind = FkMatch::Full,
                Tok::Kw(Kw::Simple) => {}
                Tok::Kw(Kw::Partial) => {
                    return Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, "MATCH PARTIAL not yet implemented", pos));
                }
                _ => return self.unexpected(),
            }
            self.bump();
        }
        let (mut update, mut delete) = (false, false);
        while self.at(Kw::On) {
            self.bump();
            if !update && self.eat(Kw::Update) {
                update = true;
                let pos = self.token_before(1).map_or(NOWHERE, |t| t.start);
                let (action, columns) = self.key_action()?;
                if !columns.is_empty() {
                    let what = if action == FkAction::SetNull { "SET NULL" } else { "SET DEFAULT" };
                    let message = format!("a column list with {what} is only supported for ON DELETE actions");
                    return Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, message, pos));
                }
                fk.on_update = action;
            } else if !delete && self.eat(Kw::Delete) {
                delete = true;
                (fk.on_delete, fk.on_delete_columns) = self.key_action()?;
            } else {
                return self.unexpected();
            }
        }
        Ok(fk)
    }

    fn key_action(&mut self) -> Result<(FkAction, Vec<Name>)> {
        match self.tok() {
            Tok::Kw(Kw::No) => {
                self.bump();
                self.expect(Kw::Action)?;
                Ok((FkAction::NoAction, Vec::new()))
            }
            Tok::Kw(Kw::Restrict) => {
                self.bump();
                Ok((FkAction::Restrict, Vec::new()))
            }
            Tok::Kw(Kw::Cascade) => {
                self.bump();
                Ok((FkAction::Cascade, Vec::new()))
            }
            Tok::Kw(Kw::Set) => {
                self.bump();
                let null = self.eat(Kw::Null);
                if !null {
                    self.expect(Kw::Default)?;
                }
                let columns = self.opt_name_list()?;
                Ok((if null { FkAction::SetNull } else { FkAction::SetDefault }, columns))
            }
            _ => self.unexpected(),
        }
    }

    /// TableConstraint
    pub(super) fn table_constraint(&mut self) -> Result<Constraint> {
        let pos = self.pos();
        let name = match self.eat(Kw::Constraint) {
            true => Some(self.col_id()?),
            false => None,
        };
        let (kind, what) = match self.tok() {
            Tok::Kw(Kw::Check) => {
                self.bump();
                self.expect_char(b'(')?;
                let e = self.expr()?;
                self.expect_char(b')')?;
                (ConstraintKind::Check(e), "CHECK")
            }
            Tok::Kw(Kw::Unique) => {
                self.bump();
                let existing = self.at(Kw::Using);
                let nulls_not_distinct = !existing && self.nulls_not_distinct()?;
                let index = self.key_index()?;
                (ConstraintKind::Unique(IndexConstraint { nulls_not_distinct, ..index }), "UNIQUE")
            }
            Tok::Kw(Kw::Primary) => {
                self.bump();
                self.expect(Kw::Key)?;
                (ConstraintKind::PrimaryKey(self.key_index()?), "PRIMARY KEY")
            }
            Tok::Kw(Kw::Exclude) => {
                self.bump();
                (ConstraintKind::Exclude(Box::new(self.exclude()?)), "EXCLUDE")
            }
            Tok::Kw(Kw::Foreign) => {
                self.bump();
                self.expect(Kw::Key)?;
                let columns = self.paren_list(Self::col_id)?;
                self.expect(Kw::References)?;
                (ConstraintKind::ForeignKey(Box::new(self.references(columns)?)), "FOREIGN KEY")
            }
            _ => return self.unexpected(),
        };
        let attributes = self.constraint_attributes()?;
        let mut c = Constraint { name, ..constraint(kind, pos) };
        self.apply_attributes(&mut c, attributes, what)?;
        Ok(c)
    }

    /// The columns and the index of UNIQUE and PRIMARY KEY, or USING INDEX.
    fn key_index(&mut self) -> Result<IndexConstraint> {
        if self.eat(Kw::Using) {
            self.expect(Kw::Index)?;
            return Ok(IndexConstraint { index: Some(self.col_id()?), ..Default::default() });
        }
        let columns = self.paren_list(Self::col_id)?;
        let including = self.opt_include_names()?;
        let options = self.opt_definition()?;
        let tablespace = self.opt_index_tablespace()?;
        Ok(IndexConstraint { columns, including, options, tablespace, ..Default::default() })
    }

    fn opt_include_names(&mut self) -> Result<Vec<Name>> {
        match self.eat(Kw::Include) {
            true => self.paren_list(Self::col_id),
            false => Ok(Vec::new()),
        }
    }

    fn exclude(&mut self) -> Result<ExcludeConstraint> {
        let method = self.opt_access_method()?;
        let elems = self.paren_list(|p| {
            let elem = p.index_elem()?;
            p.expect(Kw::With)?;
            let op = match p.at(Kw::Operator) {
                true => p.operator_clause()?,
                false => p.any_operator()?,
            };
            Ok((elem, op))
        })?;
        let including = self.opt_include_names()?;
        let options = self.opt_definition()?;
        let tablespace = self.opt_index_tablespace()?;
        let filter = match self.eat(Kw::Where) {
            true => {
                self.expect_char(b'(')?;
                let e = self.expr()?;
                self.expect_char(b')')?;
                Some(e)
            }
            false => None,
        };
        Ok(ExcludeConstraint { method, elems, including, options, tablespace, filter })
    }

    fn constraint_attributes(&mut self) -> Result<Attributes> {
        let mut a = Attributes::default();
        loop {
            let pos = self.pos();
            match self.tok() {
                Tok::Kw(Kw::Deferrable) => {
                    self.bump();
                    a.deferrable = true;
                }
                Tok::Kw(Kw::Not) => {
                    self.bump();
                    match self.eat(Kw::Valid) {
                        true => a.not_valid = true,
                        false => {
                            self.expect(Kw::Deferrable)?;
                            a.not_deferrable = true;
                        }
                    }
                }
                Tok::Kw(Kw::Initially) => {
                    self.bump();
                    match self.eat(Kw::Deferred) {
                        true => a.initially_deferred = true,
                        false => {
                            self.expect(Kw::Immediate)?;
                            a.initially_immediate = true;
                        }
                    }
                }
                Tok::Kw(Kw::No) => {
                    self.bump();
                    self.expect(Kw::Inherit)?;
                    a.no_inherit = true;
                }
                _ => return Ok(a),
            }
            if a.not_deferrable && a.initially_deferred {
                let message = "constraint declared INITIALLY DEFERRED must be DEFERRABLE";
                return Err(self.error(SqlState::SYNTAX_ERROR, message, pos));
            }
            if (a.deferrable && a.not_deferrable) || (a.initially_deferred && a.initially_immediate) {
                return Err(self.error(SqlState::SYNTAX_ERROR, "conflicting constraint properties", pos));
            }
        }
    }

    /// ConstraintAttributeSpec of a constraint trigger: deferrable, initially deferred.
    pub(super) fn trigger_attributes(&mut self) -> Result<(bool, bool)> {
        let a = self.constraint_attributes()?;
        if a.not_valid || a.no_inherit {
            let word = if a.not_valid { "NOT VALID" } else { "NO INHERIT" };
            let message = format!("TRIGGER constraints cannot be marked {word}");
            return Err(crate::err!(FEATURE_NOT_SUPPORTED, "{message}"));
        }
        Ok((a.deferrable || a.initially_deferred, a.initially_deferred))
    }

    /// PostgreSQL 15, gram.y, `processCASbits`: same refusals.
    fn apply_attributes(&self, c: &mut Constraint, a: Attributes, what: &str) -> Result<()> {
        let foreign = matches!(c.kind, ConstraintKind::ForeignKey(_));
        let check = matches!(c.kind, ConstraintKind::Check(_));
        let refuse = |word: &str| {
            let message = format!("{what} constraints cannot be marked {word}");
            Err(crate::err!(FEATURE_NOT_SUPPORTED, "{message}"))
        };
        if (a.deferrable || a.initially_deferred) && !can_defer(&c.kind) {
            return refuse("DEFERRABLE");
        }
        if a.not_valid && !foreign && !check {
            return refuse("NOT VALID");
        }
        if a.no_inherit && !check {
            return refuse("NO INHERIT");
        }
        c.deferrable = a.deferrable || a.initially_deferred;
        c.initially_deferred = a.initially_deferred;
        c.skip_validation = a.not_valid;
        c.no_inherit = a.no_inherit;
        Ok(())
    }

    /// `ALTER CONSTRAINT name attributes`
    pub(super) fn alter_constraint(&mut self, pos: Pos) -> Result<Constraint> {
        let name = Some(self.col_id()?);
        let a = self.constraint_attributes()?;
        let table = RangeVar {
            catalog: None,
            schema: None,
            name: String::new(),
            inherit: true,
            persistence: Persistence::Permanent,
            alias: None,
            pos: NOWHERE,
        };
        let fk = ForeignKey {
            columns: Vec::new(),
            table,
            ref_columns: Vec::new(),
            match_kind: FkMatch::Simple,
            on_update: FkAction::NoAction,
            on_delete: FkAction::NoAction,
            on_delete_columns: Vec::new(),
        };
        let mut c = Constraint { name, ..constraint(ConstraintKind::ForeignKey(Box::new(fk)), pos) };
        if a.not_valid || a.no_inherit {
            let word = if a.not_valid { "NOT VALID" } else { "NO INHERIT" };
            return Err(crate::err!(FEATURE_NOT_SUPPORTED, "FOREIGN KEY constraints cannot be marked {word}"));
        }
        self.apply_attributes(&mut c, a, "FOREIGN KEY")?;
        Ok(c)
    }

    fn partition_spec(&mut self) -> Result<PartitionSpec> {
        let pos = self.expect(Kw::Partition)?;
        self.expect(Kw::By)?;
        let strategy = self.col_id()?;
        let params = self.paren_list(|p| {
            let pos = p.pos();
            let (name, expr) = p.column_or_expr()?;
            let collation = p.opt_collate()?;
            let opclass = match p.is_col_id(0) {
                true => Some(p.any_name()?),
                false => None,
            };
            Ok(PartitionElem { name, expr, collation, opclass, pos })
        })?;
        Ok(PartitionSpec { strategy, params, pos })
    }

    /// A column's name, a function call, or an expression in parentheses: of indexes and partition keys.
    pub(super) fn column_or_expr(&mut self) -> Result<(Option<Name>, Option<Expr>)> {
        if self.eat_char(b'(') {
            let e = self.expr()?;
            self.expect_char(b')')?;
            return Ok((None, Some(e)));
        }
        // A lone word is a column; anything else here is a function.
        match self.is_col_id(0) && !matches!(self.tok_at(1), Tok::Char(b'(' | b'.')) {
            true => Ok((Some(self.col_id()?), None)),
            false => Ok((None, Some(self.windowless_call()?))),
        }
    }

    /// PartitionBoundSpec
    pub(super) fn partition_bound(&mut self) -> Result<PartitionBound> {
        let pos = self.pos();
        if self.eat(Kw::Default) {
            return Ok(PartitionBound::Default(pos));
        }
        self.expect_all(&[Kw::For, Kw::Values])?;
        let pos = self.pos();
        match self.tok() {
            Tok::Kw(Kw::In) => {
                self.bump();
                Ok(PartitionBound::In { values: self.paren_list(Self::expr)?, pos })
            }
            Tok::Kw(Kw::From) => {
                self.bump();
                let lower = self.paren_list(Self::expr)?;
                self.expect(Kw::To)?;
                Ok(PartitionBound::Range { lower, upper: self.paren_list(Self::expr)?, pos })
            }
            Tok::Kw(Kw::With) => {
                self.bump();
                self.hash_bound(pos)
            }
            _ => self.unexpected(),
        }
    }

    fn hash_bound(&mut self, pos: Pos) -> Result<PartitionBound> {
        let bounds = self.paren_list(|p| {
            let pos = p.pos();
            let name = p.non_reserved_word()?;
            Ok(option(&name, Some(DefArg::Int(p.integer()?)), pos))
        })?;
        let (mut modulus, mut remainder) = (None, None);
        for b in bounds {
            let slot = match b.name.as_str() {
                "modulus" => &mut modulus,
                "remainder" => &mut remainder,
                other => {
                    let message = format!("unrecognized hash partition bound specification \"{other}\"");
                    return Err(self.error(SqlState::SYNTAX_ERROR, message, b.pos));
                }
            };
            let Some(DefArg::Int(n)) = b.arg else { continue };
            if slot.replace(n).is_some() {
                let message = format!("{} for hash partition provided more than once", b.name);
                return Err(self.error(SqlState::DUPLICATE_OBJECT, message, b.pos));
            }
        }
        match (modulus, remainder) {
            (Some(modulus), Some(remainder)) => Ok(PartitionBound::Hash { modulus, remainder, pos }),
            (None, _) => Err(crate::err!(SYNTAX_ERROR, "modulus for hash partition must be specified")),
            _ => Err(crate::err!(SYNTAX_ERROR, "remainder for hash partition must be specified")),
        }
    }
}

fn constraint(kind: ConstraintKind, pos: Pos) -> Constraint {
    Constraint {
        name: None,
        kind,
        deferrable: false,
        initially_deferred: false,
        skip_validation: false,
        no_inherit: false,
        pos,
    }
}

fn can_defer(kind: &ConstraintKind) -> bool {
    matches!(
        kind,
        ConstraintKind::Unique(_)
            | ConstraintKind::PrimaryKey(_)
            | ConstraintKind::Exclude(_)
            | ConstraintKind::ForeignKey(_)
    )
}
