//! CREATE INDEX.

use crate::base::Result;
use crate::sql::ast::*;
use crate::sql::parse::keyword::Kw;
use crate::sql::parse::parser::Parser;

impl Parser<'_> {
    pub(super) fn create_index(&mut self) -> Result<Stmt> {
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
    pub(in crate::sql::parse) fn index_elem(&mut self) -> Result<IndexElem> {
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
}
