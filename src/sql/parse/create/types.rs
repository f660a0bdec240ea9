//! CREATE TYPE and DOMAIN, and what is defined for types: operators, their classes, casts, aggregates, collations.

use crate::base::Result;
use crate::sql::ast::*;
use crate::sql::parse::keyword::Kw;
use crate::sql::parse::parser::Parser;
use crate::sql::parse::token::Tok;

impl Parser<'_> {
    pub(super) fn create_type(&mut self) -> Result<Stmt> {
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
    pub(in crate::sql::parse) fn attribute_def(&mut self) -> Result<ColumnDef> {
        let pos = self.pos();
        let name = self.col_id()?;
        let typ = Some(self.type_name()?);
        let collation = self.opt_collate()?;
        Ok(ColumnDef { name, typ, storage: None, compression: None, collation, constraints: Vec::new(), pos })
    }

    pub(super) fn create_domain(&mut self) -> Result<Stmt> {
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

    pub(super) fn create_operator(&mut self) -> Result<Stmt> {
        self.expect(Kw::Operator)?;
        match self.tok() {
            Tok::Kw(Kw::Class) => {
                self.bump();
                self.create_opclass()
            }
            Tok::Kw(Kw::Family) => {
                self.bump();
                let name = self.any_name()?;
                self.expect(Kw::Using)?;
                let method = self.col_id()?;
                Ok(Stmt::CreateOpFamily(Box::new(CreateOpFamilyStmt { name, method })))
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
    pub(super) fn create_opclass(&mut self) -> Result<Stmt> {
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

    pub(in crate::sql::parse) fn opclass_item(&mut self) -> Result<OpClassItem> {
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

    pub(super) fn create_collation(&mut self) -> Result<Stmt> {
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

    pub(super) fn create_aggregate(&mut self, or_replace: bool) -> Result<Stmt> {
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

    pub(super) fn create_cast(&mut self) -> Result<Stmt> {
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
}

pub(super) fn define_stmt(object: ObjectType, name: QualName, options: Vec<DefElem>) -> DefineStmt {
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

pub(super) fn define(object: ObjectType, name: QualName, options: Vec<DefElem>) -> Stmt {
    Stmt::Define(Box::new(define_stmt(object, name, options)))
}
