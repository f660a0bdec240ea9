//! CREATE and ALTER PUBLICATION.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::{
    AlterPublicationAction, AlterPublicationStmt, CreatePublicationStmt, ObjectName, ObjectType, PublicationObject,
    PublishedTable, QualName, Stmt,
};

impl Parser<'_> {
    pub(super) fn create_publication(&mut self) -> Result<Stmt> {
        self.expect(Kw::Publication)?;
        let name = self.col_id()?;
        let (mut all_tables, mut objects) = (false, Vec::new());
        if self.eat(Kw::For) {
            if self.eat(Kw::All) {
                self.expect(Kw::Tables)?;
                all_tables = true;
            } else {
                objects = self.publication_objects()?;
            }
        }
        let options = if self.eat(Kw::With) { self.definition()? } else { Vec::new() };
        Ok(Stmt::CreatePublication(Box::new(CreatePublicationStmt { name, all_tables, objects, options })))
    }

    /// `TABLE a, b, TABLES IN SCHEMA s`: what follows a comma is of the kind named last.
    fn publication_objects(&mut self) -> Result<Vec<PublicationObject>> {
        let mut schemas = None;
        self.list(|p| {
            if p.eat(Kw::Table) {
                schemas = Some(false);
            } else if p.at(Kw::Tables) && p.at_n(1, Kw::In) {
                p.expect_all(&[Kw::Tables, Kw::In, Kw::Schema])?;
                schemas = Some(true);
            }
            match schemas {
                Some(true) => {
                    let pos = p.pos();
                    let current = p.eat(Kw::CurrentSchema);
                    Ok(PublicationObject::Schema(if current { None } else { Some(p.col_id()?) }, pos))
                }
                Some(false) => {
                    let table = p.relation_expr()?;
                    let columns = p.opt_name_list()?;
                    let mut filter = None;
                    if p.eat(Kw::Where) {
                        p.expect_char(b'(')?;
                        filter = Some(p.expr()?);
                        p.expect_char(b')')?;
                    }
                    Ok(PublicationObject::Table(Box::new(PublishedTable { table, columns, filter })))
                }
                None if p.is_col_id(0) => {
                    let detail =
                        "One of TABLE or TABLES IN SCHEMA must be specified before a standalone table or schema name.";
                    Err(p.error(SqlState::SYNTAX_ERROR, "invalid publication object list", p.pos()).detail(detail))
                }
                None => p.unexpected(),
            }
        })
    }

    pub(super) fn alter_publication(&mut self) -> Result<Stmt> {
        self.expect(Kw::Publication)?;
        let pos = self.pos();
        let name = self.col_id()?;
        let action = match self.tok() {
            Tok::Kw(Kw::Add) => {
                self.bump();
                AlterPublicationAction::Add(self.publication_objects()?)
            }
            Tok::Kw(Kw::Drop) => {
                self.bump();
                AlterPublicationAction::Drop(self.publication_objects()?)
            }
            Tok::Kw(Kw::Set) => {
                self.bump();
                match self.at_char(b'(') {
                    true => AlterPublicationAction::Options(self.definition()?),
                    false => AlterPublicationAction::Set(self.publication_objects()?),
                }
            }
            _ => {
                let name = ObjectName::Name(QualName::single(name, pos));
                return self.alter_common(ObjectType::Publication, name, false);
            }
        };
        Ok(Stmt::AlterPublication(Box::new(AlterPublicationStmt { name, action })))
    }
}
