//! ALTER OPERATOR, OPERATOR CLASS and OPERATOR FAMILY.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::Result;
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn alter_operator(&mut self) -> Result<Stmt> {
        self.expect(Kw::Operator)?;
        let object = match self.tok() {
            Tok::Kw(Kw::Class) => ObjectType::OpClass,
            Tok::Kw(Kw::Family) => ObjectType::OpFamily,
            _ => {
                let name = ObjectName::Operator(self.operator_signature()?);
                if self.at(Kw::Set) && self.tok_at(1) == Tok::Char(b'(') {
                    self.bump();
                    let ObjectName::Operator(operator) = name else { return self.unexpected() };
                    let options = self.definition()?;
                    return Ok(Stmt::AlterOperator(Box::new(AlterOperatorStmt { operator, options })));
                }
                return match self.at(Kw::Rename) {
                    true => self.unexpected(),
                    false => self.alter_common(ObjectType::Operator, name, true),
                };
            }
        };
        self.bump();
        let name = self.opclass_name()?;
        match object == ObjectType::OpFamily && self.at_any(&[Kw::Add, Kw::Drop]) {
            true => {
                let ObjectName::OpClass { name, method } = name else { return self.unexpected() };
                let action = match self.eat(Kw::Add) {
                    true => AlterOpFamilyAction::Add(self.list(Self::opclass_item)?),
                    false => {
                        self.expect(Kw::Drop)?;
                        AlterOpFamilyAction::Drop(self.list(Self::opclass_drop)?)
                    }
                };
                Ok(Stmt::AlterOpFamily(Box::new(AlterOpFamilyStmt { name, method, action })))
            }
            false => self.alter_common(object, name, true),
        }
    }

    /// `OPERATOR number (types)` | `FUNCTION number (types)`
    fn opclass_drop(&mut self) -> Result<OpFamilyMember> {
        let operator = self.eat(Kw::Operator);
        if !operator {
            self.expect(Kw::Function)?;
        }
        let number = self.integer()?;
        self.expect_char(b'(')?;
        let types = self.list(Self::type_name)?;
        self.expect_char(b')')?;
        Ok(OpFamilyMember { operator, number, types })
    }
}
