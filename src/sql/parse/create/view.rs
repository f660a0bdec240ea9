//! CREATE VIEW, CREATE RECURSIVE VIEW.

use crate::base::{Result, SqlState};
use crate::sql::ast::*;
use crate::sql::parse::keyword::Kw;
use crate::sql::parse::parser::Parser;

impl Parser<'_> {
    pub(super) fn create_view(&mut self, replace: bool, persistence: Persistence, recursive: bool) -> Result<Stmt> {
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

    pub(super) fn view_check(&mut self) -> Result<ViewCheck> {
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
}

/// `CREATE RECURSIVE VIEW name (columns) AS query` is `WITH RECURSIVE name (columns) AS (query) SELECT columns FROM name`.
pub(super) fn recursive_view(name: &str, columns: &[Name], query: SelectStmt) -> SelectStmt {
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
        ..SelectStmt::of(SelectBody::Select(Box::new(core)), pos)
    }
}
