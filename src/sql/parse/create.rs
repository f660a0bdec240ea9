//! CREATE of all but tables and roles.

use super::keyword::Kw;
use super::options::option;
use super::parser::Parser;
use super::scan::error_near;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<Stmt> {
        let pos = self.expect(Kw::Create)?;
        let replace = self.at(Kw::Or);
        if replace {
            self.expect_all(&[Kw::Or, Kw::Replace])?;
            return self.create_replaceable(true, pos);
        }
        let Tok::Kw(kw) = self.tok() else { return self.unexpected() };
        match kw {
            Kw::Table
            | Kw::Temp
            | Kw::Temporary
            | Kw::Local
            | Kw::Global
            | Kw::Unlogged
            | Kw::Sequence
            | Kw::View
            | Kw::Recursive => self.create_relation(false),
            Kw::Materialized => {
                self.expect_all(&[Kw::Materialized, Kw::View])?;
                self.create_matview(Persistence::Permanent)
            }
            Kw::Unique | Kw::Index => self.create_index(),
            Kw::Schema => self.create_schema(),
            Kw::Database => self.create_database(),
            Kw::Tablespace => self.create_tablespace(),
            Kw::Role => self.create_role_word(CreateRoleKind::Role),
            Kw::User if self.at_n(1, Kw::Mapping) => {
                self.bump();
                self.bump();
                Ok(self.unsupported_statement("CREATE USER MAPPING", pos))
            }
            Kw::User => self.create_role_word(CreateRoleKind::User),
            Kw::Group => self.create_role_word(CreateRoleKind::Group),
            Kw::Type => self.create_type(),
            Kw::Domain => self.create_domain(),
            Kw::Operator => self.create_operator(pos),
            Kw::Collation => self.create_collation(),
            Kw::Text => {
                self.expect_all(&[Kw::Text, Kw::Search])?;
                let object = self.text_search_kind()?;
                let name = self.any_name()?;
                let options = self.definition()?;
                Ok(define(object, name, options))
            }
            Kw::Cast => self.create_cast(),
            Kw::Event => self.create_event_trigger(),
            Kw::Policy => self.create_policy(),
            Kw::Statistics => self.create_statistics(),
            Kw::Extension => self.create_extension(),
            Kw::Access => self.create_access_method(),
            Kw::Conversion | Kw::Default => self.create_conversion(),
            Kw::Assertion => {
                self.bump();
                self.any_name()?;
                self.expect(Kw::Check)?;
                self.expect_char(b'(')?;
                self.expr()?;
                self.expect_char(b')')?;
                self.trigger_attributes()?;
                Err(crate::err!(FEATURE_NOT_SUPPORTED, "CREATE ASSERTION is not yet implemented"))
            }
            Kw::Publication => self.create_publication(),
            Kw::Subscription | Kw::Server | Kw::Foreign => self.create_foreign(kw, pos),
            _ => self.create_replaceable(false, pos),
        }
    }

    /// What may follow CREATE OR REPLACE.
    fn create_replaceable(&mut self, replace: bool, pos: Pos) -> Result<Stmt> {
        let Tok::Kw(kw) = self.tok() else { return self.unexpected() };
        match kw {
            Kw::Temp | Kw::Temporary | Kw::Local | Kw::Global | Kw::Unlogged | Kw::View | Kw::Recursive if replace => {
                self.create_relation(true)
            }
            Kw::Function | Kw::Procedure => self.create_function(replace),
            Kw::Aggregate => self.create_aggregate(replace),
            Kw::Rule => self.create_rule(replace),
            Kw::Trigger | Kw::Constraint => self.create_trigger(replace),
            Kw::Trusted | Kw::Procedural | Kw::Language => self.create_language(replace),
            Kw::Transform => {
                self.bump();
                self.expect(Kw::For)?;
                Ok(self.unsupported_statement("CREATE TRANSFORM", pos))
            }
            _ => self.unexpected(),
        }
    }

    /// Statements of which only the name is known.
    fn create_foreign(&mut self, kw: Kw, pos: Pos) -> Result<Stmt> {
        self.bump();
        let tag = match kw {
            Kw::Subscription => "CREATE SUBSCRIPTION",
            Kw::Server => "CREATE SERVER",
            _ if self.eat(Kw::Table) => "CREATE FOREIGN TABLE",
            _ => {
                self.expect_all(&[Kw::Data, Kw::Wrapper])?;
                "CREATE FOREIGN DATA WRAPPER"
            }
        };
        Ok(self.unsupported_statement(tag, pos))
    }

    fn create_role_word(&mut self, kind: CreateRoleKind) -> Result<Stmt> {
        self.bump();
        self.create_role(kind)
    }

    /// TABLE, SEQUENCE, VIEW, perhaps temporary.
    fn create_relation(&mut self, replace: bool) -> Result<Stmt> {
        let persistence = self.opt_temp()?;
        match self.tok() {
            Tok::Kw(Kw::Table) if !replace => {
                self.bump();
                self.create_table(persistence)
            }
            Tok::Kw(Kw::Sequence) if !replace => {
                self.bump();
                self.create_sequence(persistence)
            }
            Tok::Kw(Kw::Materialized) if !replace && persistence == Persistence::Unlogged => {
                self.expect_all(&[Kw::Materialized, Kw::View])?;
                self.create_matview(persistence)
            }
            Tok::Kw(Kw::View) => {
                self.bump();
                self.create_view(replace, persistence, false)
            }
            Tok::Kw(Kw::Recursive) => {
                self.expect_all(&[Kw::Recursive, Kw::View])?;
                self.create_view(replace, persistence, true)
            }
            _ => self.unexpected(),
        }
    }

    /// CREATE TABLE AS and CREATE MATERIALIZED VIEW below EXPLAIN.
    pub(super) fn create_for_explain(&mut self) -> Result<Stmt> {
        let stmt = self.create()?;
        match &stmt {
            Stmt::CreateTableAs(_) => Ok(stmt),
            _ => self.unexpected(),
        }
    }

    fn create_sequence(&mut self, persistence: Persistence) -> Result<Stmt> {
        let if_not_exists = self.if_not_exists()?;
        let mut sequence = self.qualified_name()?;
        sequence.persistence = persistence;
        let options = self.sequence_options()?;
        Ok(Stmt::CreateSequence(Box::new(CreateSequenceStmt { sequence, if_not_exists, options })))
    }

    fn create_view(&mut self, replace: bool, persistence: Persistence, recursive: bool) -> Result<Stmt> {
        let mut view = self.qualified_name()?;
        view.persistence = persistence;
        let columns = match recursive {
            true => self.paren_list(Self::col_id)?,
            false => self.opt_name_list()?,
        };
        let options = self.opt_rel_options()?;
        self.expect(Kw::As)?;
        let mut query = self.query()?;
        let check_pos = self.pos();
        let check = self.view_check()?;
        if recursive {
            if check != ViewCheck::No {
                let message = "WITH CHECK OPTION not supported on recursive views";
                return Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, message, check_pos));
            }
            query = recursive_view(&view.name, &columns, query);
        }
        Ok(Stmt::CreateView(Box::new(CreateViewStmt { view, columns, query, replace, options, check })))
    }

    fn view_check(&mut self) -> Result<ViewCheck> {
        if !self.eat(Kw::With) {
            return Ok(ViewCheck::No);
        }
        let local = self.eat(Kw::Local);
        if !local {
            self.eat(Kw::Cascaded);
        }
        self.expect_all(&[Kw::Check, Kw::Option])?;
        Ok(if local { ViewCheck::Local } else { ViewCheck::Cascaded })
    }

    fn create_index(&mut self) -> Result<Stmt> {
        let unique = self.eat(Kw::Unique);
        self.expect(Kw::Index)?;
        let concurrently = self.eat(Kw::Concurrently);
        let if_not_exists = self.if_not_exists()?;
        let name = match if_not_exists || !self.at(Kw::On) {
            true => Some(self.col_id()?),
            false => None,
        };
        self.expect(Kw::On)?;
        let table = self.relation_expr()?;
        let method = self.opt_access_method()?.unwrap_or_else(|| "btree".to_owned());
        let columns = self.paren_list(Self::index_elem)?;
        let including = match self.eat(Kw::Include) {
            true => self.paren_list(Self::index_elem)?,
            false => Vec::new(),
        };
        let nulls_not_distinct = self.nulls_not_distinct()?;
        let options = self.opt_rel_options()?;
        let tablespace = self.opt_tablespace()?;
        let filter = self.opt_where()?;
        Ok(Stmt::CreateIndex(Box::new(CreateIndexStmt {
            name,
            table,
            unique,
            concurrently,
            if_not_exists,
            method,
            columns,
            including,
            nulls_not_distinct,
            options,
            tablespace,
            filter,
        })))
    }

    /// index_elem
    pub(super) fn index_elem(&mut self) -> Result<IndexElem> {
        let pos = self.pos();
        let (name, expr) = self.column_or_expr()?;
        let collation = self.opt_collate()?;
        let mut opclass = None;
        let mut opclass_options = Vec::new();
        if self.is_col_id(0) {
            opclass = Some(self.any_name()?);
            if self.at_char(b'(') {
                opclass_options = self.rel_options()?;
            }
        }
        let dir = self.asc_desc();
        let nulls = self.nulls_order()?;
        Ok(IndexElem { name, expr, collation, opclass, opclass_options, dir, nulls, pos })
    }

    fn create_schema(&mut self) -> Result<Stmt> {
        self.expect(Kw::Schema)?;
        let if_not_exists = self.if_not_exists()?;
        let mut name = None;
        let mut owner = None;
        if !self.at(Kw::Authorization) {
            name = Some(self.col_id()?);
        }
        if self.eat(Kw::Authorization) {
            owner = Some(self.role_spec()?);
        }
        let elements_pos = self.pos();
        let mut elements = Vec::new();
        loop {
            match self.tok() {
                Tok::Kw(Kw::Create) => elements.push(self.create_schema_element()?),
                Tok::Kw(Kw::Grant) => elements.push(self.grant()?),
                _ => break,
            }
        }
        if if_not_exists && !elements.is_empty() {
            let message = "CREATE SCHEMA IF NOT EXISTS cannot include schema elements";
            return Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, message, elements_pos));
        }
        Ok(Stmt::CreateSchema(Box::new(CreateSchemaStmt { name, owner, elements, if_not_exists })))
    }

    /// Only some statements may stand in CREATE SCHEMA.
    fn create_schema_element(&mut self) -> Result<Stmt> {
        let allowed = match self.tok_at(1) {
            Tok::Kw(k) => matches!(
                k,
                Kw::Table
                    | Kw::Temp
                    | Kw::Temporary
                    | Kw::Local
                    | Kw::Global
                    | Kw::Unlogged
                    | Kw::Index
                    | Kw::Unique
                    | Kw::Sequence
                    | Kw::Trigger
                    | Kw::Constraint
                    | Kw::View
                    | Kw::Recursive
                    | Kw::Or
            ),
            _ => false,
        };
        if !allowed {
            self.bump();
            return self.unexpected();
        }
        self.create()
    }

    fn create_database(&mut self) -> Result<Stmt> {
        self.expect(Kw::Database)?;
        let name = self.col_id()?;
        self.eat(Kw::With);
        let options = self.database_options()?;
        Ok(Stmt::CreateDatabase(Box::new(CreateDatabaseStmt { name, options })))
    }

    /// createdb_opt_items
    pub(super) fn database_options(&mut self) -> Result<Vec<DefElem>> {
        let mut out = Vec::new();
        loop {
            let pos = self.pos();
            let name = match self.tok() {
                Tok::Ident => self.col_id()?,
                Tok::Kw(Kw::Connection) => {
                    self.bump();
                    self.expect(Kw::Limit)?;
                    "connection_limit".to_owned()
                }
                Tok::Kw(k @ (Kw::Encoding | Kw::Location | Kw::Owner | Kw::Tablespace | Kw::Template)) => {
                    self.bump();
                    k.word().to_owned()
                }
                _ => return Ok(out),
            };
            self.eat_char(b'=');
            let arg = match self.tok() {
                Tok::Kw(Kw::Default) => {
                    self.bump();
                    None
                }
                Tok::Int(_) | Tok::Float | Tok::Char(b'+' | b'-') => Some(self.def_number()?),
                _ => Some(DefArg::Str(self.boolean_or_string()?)),
            };
            out.push(option(&name, arg, pos));
        }
    }

    fn create_tablespace(&mut self) -> Result<Stmt> {
        self.expect(Kw::Tablespace)?;
        let name = self.col_id()?;
        let owner = match self.eat(Kw::Owner) {
            true => Some(self.role_spec()?),
            false => None,
        };
        self.expect(Kw::Location)?;
        let location = self.string()?;
        let options = self.opt_rel_options()?;
        Ok(Stmt::CreateTablespace(Box::new(CreateTablespaceStmt { name, owner, location, options })))
    }

    fn create_type(&mut self) -> Result<Stmt> {
        self.expect(Kw::Type)?;
        let name = self.any_name()?;
        if self.at_char(b'(') {
            let options = self.definition()?;
            return Ok(define(ObjectType::Type, name, options));
        }
        if !self.eat(Kw::As) {
            return Ok(define(ObjectType::Type, name, Vec::new()));
        }
        match self.tok() {
            Tok::Kw(Kw::Enum) => {
                self.bump();
                self.expect_char(b'(')?;
                let labels = match self.at_char(b')') {
                    true => Vec::new(),
                    false => self.list(Self::string)?,
                };
                self.expect_char(b')')?;
                Ok(Stmt::CreateEnum(Box::new(CreateEnumStmt { name, labels })))
            }
            Tok::Kw(Kw::Range) => {
                self.bump();
                let options = self.definition()?;
                Ok(Stmt::CreateRange(Box::new(CreateRangeStmt { name, options })))
            }
            _ => {
                self.expect_char(b'(')?;
                let columns = match self.at_char(b')') {
                    true => Vec::new(),
                    false => self.list(Self::attribute_def)?,
                };
                self.expect_char(b')')?;
                let name = self.range_var(name)?;
                Ok(Stmt::CreateCompositeType(Box::new(CreateCompositeTypeStmt { name, columns })))
            }
        }
    }

    /// TableFuncElement as a column: of composite types.
    pub(super) fn attribute_def(&mut self) -> Result<ColumnDef> {
        let pos = self.pos();
        let name = self.col_id()?;
        let typ = Some(self.type_name()?);
        let collation = self.opt_collate()?;
        Ok(ColumnDef { name, typ, storage: None, compression: None, collation, constraints: Vec::new(), pos })
    }

    fn create_domain(&mut self) -> Result<Stmt> {
        self.expect(Kw::Domain)?;
        let name = self.any_name()?;
        self.eat(Kw::As);
        let pos = self.pos();
        let typ = self.type_name()?;
        let mut def = ColumnDef {
            name: String::new(),
            typ: None,
            storage: None,
            compression: None,
            collation: None,
            constraints: Vec::new(),
            pos,
        };
        self.column_constraints(&mut def)?;
        let ColumnDef { collation, constraints, .. } = def;
        Ok(Stmt::CreateDomain(Box::new(CreateDomainStmt { name, typ, collation, constraints })))
    }

    fn create_operator(&mut self, pos: Pos) -> Result<Stmt> {
        self.expect(Kw::Operator)?;
        match self.tok() {
            Tok::Kw(Kw::Class) => {
                self.bump();
                self.create_opclass()
            }
            Tok::Kw(Kw::Family) => {
                self.bump();
                Ok(self.unsupported_statement("CREATE OPERATOR FAMILY", pos))
            }
            _ => {
                let op = self.any_operator()?;
                let options = self.definition()?;
                let name = QualName::single(op.name.clone(), op.pos);
                Ok(Stmt::Define(Box::new(DefineStmt {
                    operator: Some(op),
                    ..define_stmt(ObjectType::Operator, name, options)
                })))
            }
        }
    }

    /// CREATE OPERATOR CLASS, behind these words.
    fn create_opclass(&mut self) -> Result<Stmt> {
        let name = self.any_name()?;
        let default = self.eat(Kw::Default);
        self.expect_all(&[Kw::For, Kw::Type])?;
        let typ = self.type_name()?;
        self.expect(Kw::Using)?;
        let method = self.col_id()?;
        let family = if self.eat(Kw::Family) { Some(self.any_name()?) } else { None };
        self.expect(Kw::As)?;
        let items = self.list(Self::opclass_item)?;
        Ok(Stmt::CreateOpClass(Box::new(CreateOpClassStmt { name, default, typ, method, family, items })))
    }

    fn opclass_item(&mut self) -> Result<OpClassItem> {
        if self.eat(Kw::Storage) {
            return Ok(OpClassItem::Storage(self.type_name()?));
        }
        if self.eat(Kw::Function) {
            let number = self.integer()?;
            let mut types = Vec::new();
            if self.eat_char(b'(') {
                types = self.list(Self::type_name)?;
                self.expect_char(b')')?;
            }
            return Ok(OpClassItem::Function { number, types, function: Box::new(self.func_signature()?) });
        }
        self.expect(Kw::Operator)?;
        let number = self.integer()?;
        let pos = self.pos();
        let op = self.any_operator()?;
        let mut types = None;
        if self.at_char(b'(') {
            types = Some(Box::new(self.operator_types(op.clone(), pos)?));
        }
        let mut order_by = None;
        if self.eat(Kw::For) {
            match self.eat(Kw::Search) {
                true => {}
                false => {
                    self.expect_all(&[Kw::Order, Kw::By])?;
                    order_by = Some(self.any_name()?);
                }
            }
        }
        Ok(OpClassItem::Operator { number, op, types, order_by })
    }

    fn create_collation(&mut self) -> Result<Stmt> {
        self.expect(Kw::Collation)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.any_name()?;
        let mut stmt = define_stmt(ObjectType::Collation, name, Vec::new());
        stmt.if_not_exists = if_not_exists;
        match self.eat(Kw::From) {
            true => stmt.from = Some(self.any_name()?),
            false => stmt.options = self.definition()?,
        }
        Ok(Stmt::Define(Box::new(stmt)))
    }

    fn create_aggregate(&mut self, or_replace: bool) -> Result<Stmt> {
        self.expect(Kw::Aggregate)?;
        let name = self.func_name()?;
        // The old style has only a definition, whose names stand before an equals sign.
        let old = self.at_char(b'(') && self.tok_at(1) == Tok::Ident && self.tok_at(2) == Tok::Char(b'=');
        let args = match old {
            true => None,
            false => Some(self.aggregate_args(name.clone())?),
        };
        let options = self.definition()?;
        Ok(Stmt::Define(Box::new(DefineStmt { args, or_replace, ..define_stmt(ObjectType::Aggregate, name, options) })))
    }

    fn create_cast(&mut self) -> Result<Stmt> {
        self.expect(Kw::Cast)?;
        let ObjectName::Cast { from, to } = self.cast_name()? else { return self.unexpected() };
        let mut func = None;
        let mut inout = false;
        if self.eat(Kw::Without) {
            self.expect(Kw::Function)?;
        } else {
            self.expect(Kw::With)?;
            inout = self.eat(Kw::Inout);
            if !inout {
                self.expect(Kw::Function)?;
                func = Some(self.func_signature()?);
            }
        }
        let context = match self.eat(Kw::As) {
            true if self.eat(Kw::Implicit) => CastContext::Implicit,
            true => {
                self.expect(Kw::Assignment)?;
                CastContext::Assignment
            }
            false => CastContext::Explicit,
        };
        Ok(Stmt::CreateCast(Box::new(CreateCastStmt { from, to, func, inout, context })))
    }

    fn create_trigger(&mut self, replace: bool) -> Result<Stmt> {
        let constraint = self.eat(Kw::Constraint);
        self.expect(Kw::Trigger)?;
        let name = self.col_id()?;
        let timing = self.trigger_timing(constraint)?;
        let mut events = vec![self.trigger_event()?];
        while self.eat(Kw::Or) {
            let t = self.token();
            let event = self.trigger_event()?;
            if events.iter().any(|e| std::mem::discriminant(e) == std::mem::discriminant(&event)) {
                let (start, end) = (t.start as usize, t.end as usize);
                return Err(error_near(self.text, "duplicate trigger events specified", start, end));
            }
            events.push(event);
        }
        self.expect(Kw::On)?;
        let table = self.qualified_name()?;
        let mut stmt = CreateTriggerStmt {
            replace,
            constraint,
            name,
            table,
            timing,
            events,
            row: false,
            when: None,
            transitions: Vec::new(),
            function: QualName::single("", NOWHERE),
            args: Vec::new(),
            deferrable: false,
            initially_deferred: false,
            from: None,
        };
        match constraint {
            true => self.constraint_trigger(&mut stmt)?,
            false => self.plain_trigger(&mut stmt)?,
        }
        if self.eat(Kw::When) {
            self.expect_char(b'(')?;
            stmt.when = Some(self.expr()?);
            self.expect_char(b')')?;
        }
        (stmt.function, stmt.args) = self.trigger_function()?;
        Ok(Stmt::CreateTrigger(Box::new(stmt)))
    }

    fn trigger_timing(&mut self, constraint: bool) -> Result<TriggerTiming> {
        if constraint || self.at(Kw::After) {
            self.expect(Kw::After)?;
            return Ok(TriggerTiming::After);
        }
        if self.eat(Kw::Before) {
            return Ok(TriggerTiming::Before);
        }
        self.expect_all(&[Kw::Instead, Kw::Of])?;
        Ok(TriggerTiming::InsteadOf)
    }

    fn trigger_event(&mut self) -> Result<TriggerEvent> {
        let event = match self.tok() {
            Tok::Kw(Kw::Insert) => TriggerEvent::Insert,
            Tok::Kw(Kw::Delete) => TriggerEvent::Delete,
            Tok::Kw(Kw::Truncate) => TriggerEvent::Truncate,
            Tok::Kw(Kw::Update) => {
                self.bump();
                return Ok(TriggerEvent::Update(match self.eat(Kw::Of) {
                    true => self.list(Self::col_id)?,
                    false => Vec::new(),
                }));
            }
            _ => return self.unexpected(),
        };
        self.bump();
        Ok(event)
    }

    /// OptConstrFromTable ConstraintAttributeSpec FOR EACH ROW
    fn constraint_trigger(&mut self, stmt: &mut CreateTriggerStmt) -> Result<()> {
        if self.eat(Kw::From) {
            stmt.from = Some(self.qualified_name()?);
        }
        let attributes = self.trigger_attributes()?;
        (stmt.deferrable, stmt.initially_deferred) = attributes;
        stmt.row = true;
        self.expect_all(&[Kw::For, Kw::Each, Kw::Row])
    }

    /// TriggerReferencing TriggerForSpec
    fn plain_trigger(&mut self, stmt: &mut CreateTriggerStmt) -> Result<()> {
        if self.eat(Kw::Referencing) {
            while self.at_any(&[Kw::New, Kw::Old]) {
                let is_new = self.eat(Kw::New) || !self.eat(Kw::Old);
                let is_table = self.eat(Kw::Table);
                if !is_table {
                    self.expect(Kw::Row)?;
                }
                self.eat(Kw::As);
                stmt.transitions.push(TriggerTransition { name: self.col_id()?, is_new, is_table });
            }
            if stmt.transitions.is_empty() {
                return self.unexpected();
            }
        }
        if self.eat(Kw::For) {
            self.eat(Kw::Each);
            stmt.row = self.eat(Kw::Row);
            if !stmt.row {
                self.expect(Kw::Statement)?;
            }
        }
        Ok(())
    }

    /// `EXECUTE FUNCTION name (args)`
    fn trigger_function(&mut self) -> Result<(QualName, Vec<String>)> {
        self.expect(Kw::Execute)?;
        if !self.eat(Kw::Function) {
            self.expect(Kw::Procedure)?;
        }
        let name = self.func_name()?;
        self.expect_char(b'(')?;
        let args = match self.at_char(b')') {
            true => Vec::new(),
            false => self.list(|p| match p.tok() {
                Tok::Int(n) => {
                    p.bump();
                    Ok(n.to_string())
                }
                Tok::Float => {
                    let t = p.bump();
                    Ok(p.value(t))
                }
                Tok::Str => p.string(),
                _ => p.col_label(),
            })?,
        };
        self.expect_char(b')')?;
        Ok((name, args))
    }

    fn create_event_trigger(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Event, Kw::Trigger])?;
        let name = self.col_id()?;
        self.expect(Kw::On)?;
        let event = self.col_label()?;
        let mut filters = Vec::new();
        if self.eat(Kw::When) {
            loop {
                let variable = self.col_id()?;
                self.expect(Kw::In)?;
                filters.push((variable, self.paren_list(Self::string)?));
                if !self.eat(Kw::And) {
                    break;
                }
            }
        }
        self.expect(Kw::Execute)?;
        if !self.eat(Kw::Function) {
            self.expect(Kw::Procedure)?;
        }
        let function = self.func_name()?;
        self.expect_char(b'(')?;
        self.expect_char(b')')?;
        Ok(Stmt::CreateEventTrigger(Box::new(CreateEventTriggerStmt { name, event, filters, function })))
    }

    fn create_rule(&mut self, replace: bool) -> Result<Stmt> {
        self.expect(Kw::Rule)?;
        let name = self.col_id()?;
        self.expect_all(&[Kw::As, Kw::On])?;
        let event = match self.tok() {
            Tok::Kw(Kw::Select) => RuleEvent::Select,
            Tok::Kw(Kw::Insert) => RuleEvent::Insert,
            Tok::Kw(Kw::Update) => RuleEvent::Update,
            Tok::Kw(Kw::Delete) => RuleEvent::Delete,
            _ => return self.unexpected(),
        };
        self.bump();
        self.expect(Kw::To)?;
        let table = self.qualified_name()?;
        let filter = self.opt_where()?;
        self.expect(Kw::Do)?;
        let instead = self.eat(Kw::Instead);
        if !instead {
            self.eat(Kw::Also);
        }
        let (actions, action_texts) = self.rule_actions()?.into_iter().unzip();
        let stmt = CreateRuleStmt { replace, name, table, event, filter, instead, actions, action_texts };
        Ok(Stmt::CreateRule(Box::new(stmt)))
    }

    fn rule_actions(&mut self) -> Result<Vec<(Stmt, String)>> {
        if self.eat(Kw::Nothing) {
            return Ok(Vec::new());
        }
        if !self.eat_char(b'(') {
            return Ok(vec![self.rule_action()?]);
        }
        let mut out = Vec::new();
        loop {
            if !matches!(self.tok(), Tok::Char(b';' | b')')) {
                out.push(self.rule_action()?);
            }
            if !self.eat_char(b';') {
                break;
            }
        }
        self.expect_char(b')')?;
        Ok(out)
    }

    fn rule_action(&mut self) -> Result<(Stmt, String)> {
        let from = self.pos();
        let stmt = match self.at(Kw::Notify) {
            true => self.notification()?,
            false => self.preparable()?,
        };
        Ok((stmt, self.text_between(from, self.pos())))
    }

    fn create_policy(&mut self) -> Result<Stmt> {
        self.expect(Kw::Policy)?;
        let name = self.col_id()?;
        self.expect(Kw::On)?;
        let table = self.qualified_name()?;
        let mut permissive = true;
        if self.eat(Kw::As) {
            let pos = self.pos();
            let t = self.token();
            permissive = match self.tok() {
                Tok::Ident if self.peek_value(t) == "permissive" => true,
                Tok::Ident if self.peek_value(t) == "restrictive" => false,
                Tok::Ident => {
                    let message = format!("unrecognized row security option \"{}\"", self.peek_value(t));
                    return Err(self
                        .error(SqlState::SYNTAX_ERROR, message, pos)
                        .hint("Only PERMISSIVE or RESTRICTIVE policies are supported currently."));
                }
                _ => return self.unexpected(),
            };
            self.bump();
        }
        let command = match self.eat(Kw::For) {
            true => match self.tok() {
                Tok::Kw(k @ (Kw::All | Kw::Select | Kw::Insert | Kw::Update | Kw::Delete)) => {
                    self.bump();
                    k.word().to_owned()
                }
                _ => return self.unexpected(),
            },
            false => "all".to_owned(),
        };
        let roles = match self.eat(Kw::To) {
            true => self.role_list()?,
            false => vec![RoleSpec { kind: RoleKind::Public, pos: NOWHERE }],
        };
        let (using, with_check) = self.policy_conditions()?;
        Ok(Stmt::CreatePolicy(Box::new(CreatePolicyStmt {
            name,
            table,
            permissive,
            command,
            roles,
            using,
            with_check,
        })))
    }

    /// `USING (…)` and `WITH CHECK (…)`
    pub(super) fn policy_conditions(&mut self) -> Result<(Option<Expr>, Option<Expr>)> {
        let parens = |p: &mut Self| {
            p.expect_char(b'(')?;
            let e = p.expr()?;
            p.expect_char(b')')?;
            Ok(Some(e))
        };
        let using = if self.eat(Kw::Using) { parens(self)? } else { None };
        if !self.eat(Kw::With) {
            return Ok((using, None));
        }
        self.expect(Kw::Check)?;
        Ok((using, parens(self)?))
    }

    fn create_statistics(&mut self) -> Result<Stmt> {
        self.expect(Kw::Statistics)?;
        let if_not_exists = self.if_not_exists()?;
        let name = Some(self.any_name()?);
        let kinds = self.opt_name_list()?;
        self.expect(Kw::On)?;
        let exprs = self.list(|p| {
            let pos = p.pos();
            Ok(match p.column_or_expr()? {
                (_, Some(e)) => e,
                (name, None) => Expr::new(ExprKind::Column { parts: name.into_iter().collect(), star: false }, pos),
            })
        })?;
        self.expect(Kw::From)?;
        let from = self.list(Self::table_ref)?;
        Ok(Stmt::CreateStatistics(Box::new(CreateStatisticsStmt { name, if_not_exists, kinds, exprs, from })))
    }

    fn create_extension(&mut self) -> Result<Stmt> {
        self.expect(Kw::Extension)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.col_id()?;
        self.eat(Kw::With);
        let mut options = Vec::new();
        loop {
            let pos = self.pos();
            match self.tok() {
                Tok::Kw(Kw::Schema) => {
                    self.bump();
                    options.push(option("schema", Some(DefArg::Str(self.col_id()?)), pos));
                }
                Tok::Kw(Kw::Version) => {
                    self.bump();
                    options.push(option("new_version", Some(DefArg::Str(self.word_or_string()?)), pos));
                }
                Tok::Kw(Kw::From) => {
                    self.bump();
                    self.word_or_string()?;
                    let message = "CREATE EXTENSION ... FROM is no longer supported";
                    return Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, message, pos));
                }
                Tok::Kw(Kw::Cascade) => {
                    self.bump();
                    options.push(option("cascade", Some(DefArg::Bool(true)), pos));
                }
                _ => break,
            }
        }
        Ok(Stmt::CreateExtension(Box::new(CreateExtensionStmt { name, if_not_exists, options })))
    }

    fn create_language(&mut self, replace: bool) -> Result<Stmt> {
        let trusted = self.eat(Kw::Trusted);
        self.eat(Kw::Procedural);
        self.expect(Kw::Language)?;
        let name = self.col_id()?;
        let mut stmt = CreateLanguageStmt { replace, trusted, name, handler: None, inline: None, validator: None };
        if self.eat(Kw::Handler) {
            stmt.handler = Some(self.handler_name()?);
            if self.eat(Kw::Inline) {
                stmt.inline = Some(self.handler_name()?);
            }
            if self.eat(Kw::Validator) {
                stmt.validator = Some(self.handler_name()?);
            } else if self.eat(Kw::No) {
                self.expect(Kw::Validator)?;
            }
        }
        Ok(Stmt::CreateLanguage(Box::new(stmt)))
    }

    fn create_access_method(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Access, Kw::Method])?;
        let name = self.col_id()?;
        self.expect(Kw::Type)?;
        let table = self.eat(Kw::Table);
        if !table {
            self.expect(Kw::Index)?;
        }
        self.expect(Kw::Handler)?;
        let handler = self.handler_name()?;
        Ok(Stmt::CreateAccessMethod(Box::new(CreateAccessMethodStmt { name, table, handler })))
    }

    fn create_conversion(&mut self) -> Result<Stmt> {
        let default = self.eat(Kw::Default);
        self.expect(Kw::Conversion)?;
        let name = self.any_name()?;
        self.expect(Kw::For)?;
        let from = self.string()?;
        self.expect(Kw::To)?;
        let to = self.string()?;
        self.expect(Kw::From)?;
        let function = self.any_name()?;
        Ok(Stmt::CreateConversion(Box::new(CreateConversionStmt { name, default, from, to, function })))
    }

    fn create_function(&mut self, replace: bool) -> Result<Stmt> {
        let procedure = self.eat(Kw::Procedure);
        if !procedure {
            self.expect(Kw::Function)?;
        }
        let name = self.func_name()?;
        let mut params = match self.at_char(b'(') {
            true => self.func_params(true)?,
            false => return self.unexpected(),
        };
        let mut returns = None;
        let returns_table = !procedure && self.at(Kw::Returns) && self.at_n(1, Kw::Table);
        if returns_table {
            self.bump();
            self.bump();
            let columns = self.paren_list(|p| {
                let name = Some(p.type_function_name()?);
                Ok(FuncParam { name, mode: ParamMode::Table, typ: p.func_type()?, default: None })
            })?;
            params.extend(columns);
        } else if !procedure && self.at(Kw::Returns) && !self.at_n(1, Kw::Null) {
            self.bump();
            returns = Some(self.func_type()?);
        }
        let options = self.function_options(true)?;
        let body = self.function_body()?;
        let stmt = CreateFunctionStmt { procedure, replace, name, params, returns, returns_table, options, body };
        Ok(Stmt::CreateFunction(Box::new(stmt)))
    }

    fn function_body(&mut self) -> Result<Option<FunctionBody>> {
        if self.eat(Kw::Return) {
            return Ok(Some(FunctionBody::Return(self.expr()?)));
        }
        if !self.eat(Kw::Begin) {
            return Ok(None);
        }
        self.expect(Kw::Atomic)?;
        let mut stmts = Vec::new();
        while !self.eat(Kw::End) {
            if !self.at_char(b';') {
                stmts.push(match self.eat(Kw::Return) {
                    true => self.return_statement()?,
                    false => self.statement()?,
                });
            }
            self.expect_char(b';')?;
        }
        Ok(Some(FunctionBody::Atomic(stmts)))
    }

    /// RETURN inside BEGIN ATOMIC is a query of one value.
    fn return_statement(&mut self) -> Result<Stmt> {
        let pos = self.pos();
        let expr = self.expr()?;
        let core = SelectCore { targets: vec![Target { name: None, expr, pos }], ..SelectCore::default() };
        Ok(Stmt::Select(Box::new(SelectStmt {
            with: None,
            body: SelectBody::Select(Box::new(core)),
            order_by: Vec::new(),
            limit: None,
            offset: None,
            locking: Vec::new(),
            pos,
        })))
    }

    /// createfunc_opt_list, or alterfunc_opt_list.
    pub(super) fn function_options(&mut self, create: bool) -> Result<Vec<DefElem>> {
        let mut out = Vec::new();
        while let Some(o) = self.function_option(create)? {
            out.push(o);
        }
        Ok(out)
    }

    fn function_option(&mut self, create: bool) -> Result<Option<DefElem>> {
        let pos = self.pos();
        let Tok::Kw(kw) = self.tok() else { return Ok(None) };
        let text = |s: &str| Some(DefArg::Str(s.to_owned()));
        let yes = |b: bool| Some(DefArg::Bool(b));
        let (name, arg) = match kw {
            Kw::As if create => {
                self.bump();
                let mut parts = vec![DefArg::Str(self.string()?)];
                if self.eat_char(b',') {
                    parts.push(DefArg::Str(self.string()?));
                }
                ("as", Some(DefArg::List(parts)))
            }
            Kw::Language if create => {
                self.bump();
                ("language", Some(DefArg::Str(self.word_or_string()?)))
            }
            Kw::Transform if create => {
                self.bump();
                let types = self.list(|p| {
                    p.expect_all(&[Kw::For, Kw::Type])?;
                    Ok(DefArg::Type(Box::new(p.type_name()?)))
                })?;
                ("transform", Some(DefArg::List(types)))
            }
            Kw::Window if create => {
                self.bump();
                ("window", yes(true))
            }
            Kw::Called => {
                self.expect_all(&[Kw::Called, Kw::On, Kw::Null, Kw::Input])?;
                ("strict", yes(false))
            }
            Kw::Returns => {
                self.expect_all(&[Kw::Returns, Kw::Null, Kw::On, Kw::Null, Kw::Input])?;
                ("strict", yes(true))
            }
            Kw::Strict => {
                self.bump();
                ("strict", yes(true))
            }
            Kw::Immutable | Kw::Stable | Kw::Volatile => {
                self.bump();
                ("volatility", text(kw.word()))
            }
            Kw::External | Kw::Security => {
                self.eat(Kw::External);
                self.expect(Kw::Security)?;
                let definer = self.eat(Kw::Definer);
                if !definer {
                    self.expect(Kw::Invoker)?;
                }
                ("security", yes(definer))
            }
            Kw::Leakproof => {
                self.bump();
                ("leakproof", yes(true))
            }
            Kw::Not => {
                self.expect_all(&[Kw::Not, Kw::Leakproof])?;
                ("leakproof", yes(false))
            }
            Kw::Cost | Kw::Rows => {
                self.bump();
                (kw.word(), Some(self.def_number()?))
            }
            Kw::Support => {
                self.bump();
                ("support", Some(DefArg::Name(self.any_name()?)))
            }
            Kw::Set | Kw::Reset => ("set", Some(DefArg::Set(Box::new(self.set_clause_of_object()?)))),
            Kw::Parallel => {
                self.bump();
                ("parallel", Some(DefArg::Str(self.col_id()?)))
            }
            _ => return Ok(None),
        };
        Ok(Some(option(name, arg, pos)))
    }
}

fn define_stmt(object: ObjectType, name: QualName, options: Vec<DefElem>) -> DefineStmt {
    DefineStmt {
        object,
        name,
        operator: None,
        args: None,
        options,
        or_replace: false,
        if_not_exists: false,
        from: None,
    }
}

fn define(object: ObjectType, name: QualName, options: Vec<DefElem>) -> Stmt {
    Stmt::Define(Box::new(define_stmt(object, name, options)))
}

/// `CREATE RECURSIVE VIEW name (columns) AS query` is `WITH RECURSIVE name (columns) AS (query) SELECT columns FROM name`.
fn recursive_view(name: &str, columns: &[Name], query: SelectStmt) -> SelectStmt {
    let column = |c: &Name| Target {
        name: None,
        expr: Expr::new(ExprKind::Column { parts: vec![c.clone()], star: false }, NOWHERE),
        pos: NOWHERE,
    };
    let pos = query.pos;
    let cte = CommonTable {
        name: name.to_owned(),
        columns: columns.to_vec(),
        materialized: None,
        query: Stmt::Select(Box::new(query)),
        search: None,
        cycle: None,
        pos: NOWHERE,
    };
    let table = RangeVar {
        catalog: None,
        schema: None,
        name: name.to_owned(),
        inherit: true,
        persistence: Persistence::Permanent,
        alias: None,
        pos: NOWHERE,
    };
    let core = SelectCore {
        targets: columns.iter().map(column).collect(),
        from: vec![FromItem::Table(Box::new(table))],
        ..SelectCore::default()
    };
    SelectStmt {
        with: Some(WithClause { recursive: true, ctes: vec![cte], pos: NOWHERE }),
        body: SelectBody::Select(Box::new(core)),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        locking: Vec::new(),
        pos,
    }
}
