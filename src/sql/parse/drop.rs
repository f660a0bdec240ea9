//! DROP.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::Result;
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn drop(&mut self) -> Result<Stmt> {
        let pos = self.expect(Kw::Drop)?;
        if let Some(object) = self.object_type_any_name()? {
            let concurrently = object == ObjectType::Index && self.eat(Kw::Concurrently);
            return self.drop_list(object, concurrently, Self::any_names);
        }
        let Tok::Kw(kw) = self.tok() else { return self.unexpected() };
        match kw {
            Kw::Subscription => {
                self.bump();
                return self.drop_list(ObjectType::Subscription, false, Self::plain_names);
            }
            Kw::User if self.at_n(1, Kw::Mapping) => {
                self.bump();
                return self.drop_user_mapping(pos);
            }
            _ => {}
        }
        if let Some(object) = self.object_type_name()? {
            return self.drop_list(object, false, Self::plain_names);
        }
        self.bump();
        match kw {
            Kw::Role | Kw::User | Kw::Group => self.drop_role(),
            Kw::Database => self.drop_database(),
            Kw::Tablespace => {
                let missing_ok = self.if_exists()?;
                let name = self.col_id()?;
                Ok(Stmt::DropTablespace(Box::new(DropTablespaceStmt { name, missing_ok })))
            }
            Kw::Owned => {
                self.expect(Kw::By)?;
                let roles = self.role_list()?;
                let behavior = self.drop_behavior();
                Ok(Stmt::DropOwned(Box::new(DropOwnedStmt { roles, behavior })))
            }
            Kw::Type | Kw::Domain => {
                let object = if kw == Kw::Type { ObjectType::Type } else { ObjectType::Domain };
                self.drop_list(object, false, |p| p.list(|p| p.type_name().map(ObjectName::Type)))
            }
            Kw::Function | Kw::Procedure | Kw::Routine => {
                let object = match kw {
                    Kw::Function => ObjectType::Function,
                    Kw::Procedure => ObjectType::Procedure,
                    _ => ObjectType::Routine,
                };
                self.drop_list(object, false, |p| p.list(|p| p.func_signature().map(ObjectName::Function)))
            }
            Kw::Aggregate => self.drop_list(ObjectType::Aggregate, false, |p| {
                p.list(|p| p.aggregate_signature().map(ObjectName::Function))
            }),
            Kw::Operator => self.drop_operator(),
            Kw::Cast => self.drop_list(ObjectType::Cast, false, |p| Ok(vec![p.cast_name()?])),
            Kw::Transform => self.drop_list(ObjectType::Transform, false, |p| Ok(vec![p.transform_name()?])),
            Kw::Policy => self.drop_list(ObjectType::Policy, false, |p| Ok(vec![p.name_on_table()?])),
            Kw::Rule => self.drop_list(ObjectType::Rule, false, |p| Ok(vec![p.name_on_table()?])),
            Kw::Trigger => self.drop_list(ObjectType::Trigger, false, |p| Ok(vec![p.name_on_table()?])),
            _ => match self.token_before(0) {
                Some(t) => Err(self.syntax_error_at(t)),
                None => self.unexpected(),
            },
        }
    }

    /// `[IF EXISTS] names [CASCADE | RESTRICT]`
    fn drop_list(
        &mut self,
        object: ObjectType,
        concurrently: bool,
        names: impl FnOnce(&mut Self) -> Result<Vec<ObjectName>>,
    ) -> Result<Stmt> {
        let missing_ok = self.if_exists()?;
        let names = names(self)?;
        let behavior = self.drop_behavior();
        Ok(Stmt::Drop(Box::new(DropStmt { object, names, behavior, missing_ok, concurrently })))
    }

    fn drop_operator(&mut self) -> Result<Stmt> {
        let object = match self.tok() {
            Tok::Kw(Kw::Class) => ObjectType::OpClass,
            Tok::Kw(Kw::Family) => ObjectType::OpFamily,
            _ => {
                return self.drop_list(ObjectType::Operator, false, |p| {
                    p.list(|p| p.operator_signature().map(ObjectName::Operator))
                });
            }
        };
        self.bump();
        self.drop_list(object, false, |p| Ok(vec![p.opclass_name()?]))
    }

    fn drop_database(&mut self) -> Result<Stmt> {
        let missing_ok = self.if_exists()?;
        let name = self.col_id()?;
        let mut options = Vec::new();
        let with = self.eat(Kw::With);
        if with || self.at_char(b'(') {
            options = self.paren_list(|p| {
                let pos = p.expect(Kw::Force)?;
                Ok(super::options::option("force", None, pos))
            })?;
        }
        Ok(Stmt::DropDatabase(Box::new(DropDatabaseStmt { name, missing_ok, options })))
    }
}
