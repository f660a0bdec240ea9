//! How objects of all kinds are named: COMMENT, SECURITY LABEL, ALTER EXTENSION ADD, and what DROP and ALTER share.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn any_names(&mut self) -> Result<Vec<ObjectName>> {
        self.list(|p| p.any_name().map(ObjectName::Name))
    }

    /// One unqualified name.
    pub(super) fn plain_name(&mut self) -> Result<ObjectName> {
        let pos = self.pos();
        Ok(ObjectName::Name(QualName::single(self.col_id()?, pos)))
    }

    pub(super) fn plain_names(&mut self) -> Result<Vec<ObjectName>> {
        self.list(Self::plain_name)
    }

    /// function_with_argtypes
    pub(super) fn func_signature(&mut self) -> Result<FuncSignature> {
        // Without arguments a name may be any column-like word; with them it must be a function's.
        let name = match self.is_type_function_name(0) || self.tok_at(1) == Tok::Char(b'.') {
            true => self.func_name()?,
            false => self.any_name()?,
        };
        let args = match self.at_char(b'(') {
            true => Some(self.func_params(false)?),
            false => None,
        };
        Ok(FuncSignature { name, args, star: false, direct_args: None })
    }

    /// func_args: `( [mode] [name] type [default], … )`.
    pub(super) fn func_params(&mut self, defaults: bool) -> Result<Vec<FuncParam>> {
        self.expect_char(b'(')?;
        if self.eat_char(b')') {
            return Ok(Vec::new());
        }
        let out = self.list(|p| p.func_param(defaults))?;
        self.expect_char(b')')?;
        Ok(out)
    }

    fn param_mode(&mut self) -> Option<ParamMode> {
        let mode = match self.tok() {
            Tok::Kw(Kw::In) if self.at_n(1, Kw::Out) => {
                self.bump();
                ParamMode::InOut
            }
            Tok::Kw(Kw::In) => ParamMode::In,
            Tok::Kw(Kw::Out) => ParamMode::Out,
            Tok::Kw(Kw::Inout) => ParamMode::InOut,
            Tok::Kw(Kw::Variadic) => ParamMode::Variadic,
            _ => return None,
        };
        self.bump();
        Some(mode)
    }

    /// func_arg, with its default if allowed.
    pub(super) fn func_param(&mut self, defaults: bool) -> Result<FuncParam> {
        let mut mode = self.param_mode();
        let mut name = None;
        if self.param_name_here() {
            name = Some(self.type_function_name()?);
            if mode.is_none() {
                mode = self.param_mode();
            }
        }
        let typ = self.func_type()?;
        let default = match defaults && (self.eat(Kw::Default) || self.eat_char(b'=')) {
            true => Some(self.expr()?),
            false => None,
        };
        Ok(FuncParam { name, mode: mode.unwrap_or_default(), typ, default })
    }

    /// Whether the word here is the parameter's name, which a type (or a mode and a type) must follow.
    fn param_name_here(&self) -> bool {
        if !self.is_type_function_name(0) {
            return false;
        }
        match self.tok_at(1) {
            // `double precision` is a type.
            Tok::Kw(Kw::Precision) if self.at(Kw::Double) => false,
            Tok::Kw(Kw::In | Kw::Out | Kw::Inout | Kw::Variadic) => true,
            _ => self.is_type_start(1),
        }
    }

    /// aggr_args: `(*)`, `(types)`, `(types ORDER BY types)`, `(ORDER BY types)`.
    pub(super) fn aggregate_signature(&mut self) -> Result<FuncSignature> {
        let name = self.func_name()?;
        self.aggregate_args(name)
    }

    pub(super) fn aggregate_args(&mut self, name: QualName) -> Result<FuncSignature> {
        let mut sig = FuncSignature { name, args: Some(Vec::new()), star: false, direct_args: None };
        self.expect_char(b'(')?;
        if self.eat_char(b'*') {
            sig.star = true;
        } else {
            let mut args = Vec::new();
            if !self.at(Kw::Order) {
                args = self.list(|p| p.func_param(false))?;
            }
            if self.eat(Kw::Order) {
                self.expect(Kw::By)?;
                sig.direct_args = Some(args.len());
                let ordered = self.list(|p| p.func_param(false))?;
                let variadic_direct = args.last().is_some_and(|a| a.mode == ParamMode::Variadic);
                // A variadic direct argument is repeated as the only ordered one; it counts once.
                match variadic_direct {
                    true if !repeats(&args, &ordered) => {
                        let message = "an ordered-set aggregate with a VARIADIC direct argument must have one VARIADIC aggregated argument of the same data type";
                        let pos = ordered.first().map_or(NOWHERE, |a| a.typ.pos);
                        return Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, message, pos));
                    }
                    true => {}
                    false => args.extend(ordered),
                }
            }
            sig.args = Some(args);
        }
        self.expect_char(b')')?;
        Ok(sig)
    }

    /// operator_with_argtypes
    pub(super) fn operator_signature(&mut self) -> Result<OperSignature> {
        let pos = self.pos();
        let op = self.any_operator()?;
        self.operator_types(op, pos)
    }

    /// The argument types of an operator, in parentheses.
    pub(super) fn operator_types(&mut self, op: OperName, pos: Pos) -> Result<OperSignature> {
        self.expect_char(b'(')?;
        let left = self.operator_arg()?;
        if self.at_char(b')') {
            let e = self.error(SqlState::SYNTAX_ERROR, "missing argument", self.pos());
            return Err(e.hint("Use NONE to denote the missing argument of a unary operator."));
        }
        self.expect_char(b',')?;
        let right = self.operator_arg()?;
        self.expect_char(b')')?;
        Ok(OperSignature { op, left, right, pos })
    }

    fn operator_arg(&mut self) -> Result<Option<TypeName>> {
        match self.eat(Kw::None) {
            true => Ok(None),
            false => Ok(Some(self.type_name()?)),
        }
    }

    /// `name USING method`
    pub(super) fn opclass_name(&mut self) -> Result<ObjectName> {
        let name = self.any_name()?;
        self.expect(Kw::Using)?;
        Ok(ObjectName::OpClass { name, method: self.col_id()? })
    }

    /// `(from AS to)`
    pub(super) fn cast_name(&mut self) -> Result<ObjectName> {
        self.expect_char(b'(')?;
        let from = self.type_name()?;
        self.expect(Kw::As)?;
        let to = self.type_name()?;
        self.expect_char(b')')?;
        Ok(ObjectName::Cast { from, to })
    }

    /// `FOR type LANGUAGE name`
    pub(super) fn transform_name(&mut self) -> Result<ObjectName> {
        self.expect(Kw::For)?;
        let typ = self.type_name()?;
        self.expect(Kw::Language)?;
        Ok(ObjectName::Transform { typ, language: self.col_id()? })
    }

    /// `name ON table`
    pub(super) fn name_on_table(&mut self) -> Result<ObjectName> {
        let name = self.col_id()?;
        self.expect(Kw::On)?;
        Ok(ObjectName::OnTable { table: self.any_name()?, name })
    }

    /// The object type words that are followed by any_name: object_type_any_name. Consumes them.
    pub(super) fn object_type_any_name(&mut self) -> Result<Option<ObjectType>> {
        let Tok::Kw(kw) = self.tok() else { return Ok(None) };
        let object = match kw {
            Kw::Table => ObjectType::Table,
            Kw::Sequence => ObjectType::Sequence,
            Kw::View => ObjectType::View,
            Kw::Index => ObjectType::Index,
            Kw::Collation => ObjectType::Collation,
            Kw::Conversion => ObjectType::Conversion,
            Kw::Statistics => ObjectType::Statistics,
            Kw::Materialized => {
                self.bump();
                self.expect(Kw::View)?;
                return Ok(Some(ObjectType::MatView));
            }
            Kw::Foreign if self.at_n(1, Kw::Table) => {
                self.bump();
                self.bump();
                return Ok(Some(ObjectType::ForeignTable));
            }
            Kw::Text => {
                self.expect_all(&[Kw::Text, Kw::Search])?;
                return self.text_search_kind().map(Some);
            }
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(object))
    }

    /// PARSER, DICTIONARY, TEMPLATE, CONFIGURATION.
    pub(super) fn text_search_kind(&mut self) -> Result<ObjectType> {
        let object = match self.tok() {
            Tok::Kw(Kw::Parser) => ObjectType::TsParser,
            Tok::Kw(Kw::Dictionary) => ObjectType::TsDictionary,
            Tok::Kw(Kw::Template) => ObjectType::TsTemplate,
            Tok::Kw(Kw::Configuration) => ObjectType::TsConfiguration,
            _ => return self.unexpected(),
        };
        self.bump();
        Ok(object)
    }

    /// object_type_name: kinds named by one word. Consumes their words.
    pub(super) fn object_type_name(&mut self) -> Result<Option<ObjectType>> {
        let Tok::Kw(kw) = self.tok() else { return Ok(None) };
        let (object, words): (_, &[Kw]) = match kw {
            Kw::Access => (ObjectType::AccessMethod, &[Kw::Access, Kw::Method]),
            Kw::Event => (ObjectType::EventTrigger, &[Kw::Event, Kw::Trigger]),
            Kw::Extension => (ObjectType::Extension, &[Kw::Extension]),
            Kw::Foreign => (ObjectType::ForeignDataWrapper, &[Kw::Foreign, Kw::Data, Kw::Wrapper]),
            Kw::Language => (ObjectType::Language, &[Kw::Language]),
            Kw::Procedural => (ObjectType::Language, &[Kw::Procedural, Kw::Language]),
            Kw::Publication => (ObjectType::Publication, &[Kw::Publication]),
            Kw::Schema => (ObjectType::Schema, &[Kw::Schema]),
            Kw::Server => (ObjectType::ForeignServer, &[Kw::Server]),
            _ => return Ok(None),
        };
        self.expect_all(words)?;
        Ok(Some(object))
    }

    /// What COMMENT ON, SECURITY LABEL ON and ALTER EXTENSION ADD can name.
    fn described_object(&mut self) -> Result<(ObjectType, ObjectName)> {
        if let Some(object) = self.object_type_any_name()? {
            return Ok((object, ObjectName::Name(self.any_name()?)));
        }
        if let Some(object) = self.object_type_name()? {
            return Ok((object, self.plain_name()?));
        }
        let Tok::Kw(kw) = self.tok() else { return self.unexpected() };
        self.bump();
        let function = |p: &mut Self| p.func_signature().map(ObjectName::Function);
        Ok(match kw {
            Kw::Column => (ObjectType::Column, ObjectName::Name(self.any_name()?)),
            Kw::Type => (ObjectType::Type, ObjectName::Type(self.type_name()?)),
            Kw::Domain => (ObjectType::Domain, ObjectName::Type(self.type_name()?)),
            Kw::Database => (ObjectType::Database, self.plain_name()?),
            Kw::Role => (ObjectType::Role, self.plain_name()?),
            Kw::Subscription => (ObjectType::Subscription, self.plain_name()?),
            Kw::Tablespace => (ObjectType::Tablespace, self.plain_name()?),
            Kw::Aggregate => (ObjectType::Aggregate, ObjectName::Function(self.aggregate_signature()?)),
            Kw::Function => (ObjectType::Function, function(self)?),
            Kw::Procedure => (ObjectType::Procedure, function(self)?),
            Kw::Routine => (ObjectType::Routine, function(self)?),
            Kw::Operator => match self.tok() {
                Tok::Kw(Kw::Class) => {
                    self.bump();
                    (ObjectType::OpClass, self.opclass_name()?)
                }
                Tok::Kw(Kw::Family) => {
                    self.bump();
                    (ObjectType::OpFamily, self.opclass_name()?)
                }
                _ => (ObjectType::Operator, ObjectName::Operator(self.operator_signature()?)),
            },
            Kw::Constraint => self.constraint_name()?,
            Kw::Policy => (ObjectType::Policy, self.name_on_table()?),
            Kw::Rule => (ObjectType::Rule, self.name_on_table()?),
            Kw::Trigger => (ObjectType::Trigger, self.name_on_table()?),
            Kw::Transform => (ObjectType::Transform, self.transform_name()?),
            Kw::Cast => (ObjectType::Cast, self.cast_name()?),
            Kw::Large => {
                self.expect(Kw::Object)?;
                (ObjectType::LargeObject, self.large_object()?)
            }
            _ => {
                return Err(match self.token_before(0) {
                    Some(t) => self.syntax_error_at(t),
                    None => return self.unexpected(),
                });
            }
        })
    }

    /// `name ON table` or `name ON DOMAIN type`.
    fn constraint_name(&mut self) -> Result<(ObjectType, ObjectName)> {
        let name = self.col_id()?;
        self.expect(Kw::On)?;
        if self.eat(Kw::Domain) {
            let typ = self.any_name()?;
            let domain = TypeName::named(typ.parts, typ.pos);
            return Ok((ObjectType::DomainConstraint, ObjectName::OnDomain { domain, name }));
        }
        Ok((ObjectType::TableConstraint, ObjectName::OnTable { table: self.any_name()?, name }))
    }

    pub(super) fn comment(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Comment, Kw::On])?;
        let (object, name) = self.described_object()?;
        self.expect(Kw::Is)?;
        let comment = self.string_or_null()?;
        Ok(Stmt::Comment(Box::new(CommentStmt { object, name, comment })))
    }

    fn string_or_null(&mut self) -> Result<Option<String>> {
        match self.eat(Kw::Null) {
            true => Ok(None),
            false => Ok(Some(self.string()?)),
        }
    }

    pub(super) fn security_label(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Security, Kw::Label])?;
        let provider = match self.eat(Kw::For) {
            true => Some(self.word_or_string()?),
            false => None,
        };
        self.expect(Kw::On)?;
        let (object, name) = self.described_object()?;
        self.expect(Kw::Is)?;
        let label = self.string_or_null()?;
        Ok(Stmt::SecurityLabel(Box::new(SecurityLabelStmt { provider, object, name, label })))
    }

    /// ADD and DROP of ALTER EXTENSION.
    pub(super) fn extension_member(&mut self) -> Result<(ObjectType, ObjectName)> {
        self.described_object()
    }
}

/// The only ordered argument is the variadic direct one again, perhaps under another name.
fn repeats(direct: &[FuncParam], ordered: &[FuncParam]) -> bool {
    let ([.., last], [only]) = (direct, ordered) else { return false };
    let same = TypeName { pos: last.typ.pos, ..only.typ.clone() };
    only.mode == ParamMode::Variadic && same == last.typ
}
