//! Qualified names, relations, operators' names, indirection.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

impl Parser<'_> {
    /// any_name: `a.b.c`.
    pub(super) fn any_name(&mut self) -> Result<QualName> {
        let pos = self.pos();
        let mut parts = vec![self.col_id()?];
        while self.eat_char(b'.') {
            parts.push(self.col_label()?);
        }
        Ok(QualName { parts, pos })
    }

    /// A function's name: one word that may be a function's, or a qualified one.
    pub(super) fn func_name(&mut self) -> Result<QualName> {
        let pos = self.pos();
        if self.tok_at(1) == Tok::Char(b'.') {
            return self.any_name();
        }
        Ok(QualName { parts: vec![self.type_function_name()?], pos })
    }

    /// handler_name: ColId with optional attributes.
    pub(super) fn handler_name(&mut self) -> Result<QualName> {
        self.any_name()
    }

    /// qualified_name: a relation.
    pub(super) fn qualified_name(&mut self) -> Result<RangeVar> {
        let name = self.any_name()?;
        self.range_var(name)
    }

    /// Splits a name into database, schema and relation.
    pub(super) fn range_var(&self, name: QualName) -> Result<RangeVar> {
        let pos = name.pos;
        let joined = (name.parts.len() > 3).then(|| name.joined());
        let mut parts = name.parts.into_iter().rev();
        let relation = parts.next().unwrap_or_default();
        let (schema, catalog) = (parts.next(), parts.next());
        if let Some(joined) = joined {
            let message = format!("improper qualified name (too many dotted names): {joined}");
            return Err(self.error(SqlState::SYNTAX_ERROR, message, pos));
        }
        Ok(RangeVar {
            catalog,
            schema,
            name: relation,
            inherit: true,
            persistence: Persistence::Permanent,
            alias: None,
            pos,
        })
    }

    /// relation_expr: `[ONLY] name [*]`.
    pub(super) fn relation_expr(&mut self) -> Result<RangeVar> {
        if self.eat(Kw::Only) {
            let paren = self.eat_char(b'(');
            let mut table = self.qualified_name()?;
            if paren {
                self.expect_char(b')')?;
            }
            table.inherit = false;
            return Ok(table);
        }
        let table = self.qualified_name()?;
        self.eat_char(b'*');
        Ok(table)
    }

    /// any_operator: `[schema .]… op`, inside OPERATOR( ) and in DDL.
    pub(super) fn any_operator(&mut self) -> Result<OperName> {
        let pos = self.pos();
        let mut schema = Vec::new();
        while self.is_col_id(0) {
            schema.push(self.col_id()?);
            self.expect_char(b'.')?;
        }
        let name = self.all_op()?;
        // A database may stand before the schema; it must be this one, which only the binder could tell.
        Ok(OperName { schema: schema.pop(), name, pos })
    }

    /// all_Op
    pub(super) fn all_op(&mut self) -> Result<String> {
        match self.op_text() {
            Some(op) => {
                let op = op.to_owned();
                self.bump();
                Ok(op)
            }
            None => self.unexpected(),
        }
    }

    /// The text of the operator token here.
    pub(super) fn op_text(&self) -> Option<&str> {
        match self.tok() {
            Tok::Op => Some(self.source(self.token())),
            Tok::Char(b'+') => Some("+"),
            Tok::Char(b'-') => Some("-"),
            Tok::Char(b'*') => Some("*"),
            Tok::Char(b'/') => Some("/"),
            Tok::Char(b'%') => Some("%"),
            Tok::Char(b'^') => Some("^"),
            Tok::Char(b'<') => Some("<"),
            Tok::Char(b'>') => Some(">"),
            Tok::Char(b'=') => Some("="),
            Tok::LessEquals => Some("<="),
            Tok::GreaterEquals => Some(">="),
            Tok::NotEquals => Some("<>"),
            _ => None,
        }
    }

    /// `OPERATOR ( any_operator )`, with the keyword not yet consumed.
    pub(super) fn operator_clause(&mut self) -> Result<OperName> {
        let pos = self.expect(Kw::Operator)?;
        self.expect_char(b'(')?;
        let mut op = self.any_operator()?;
        self.expect_char(b')')?;
        op.pos = pos;
        Ok(op)
    }

    /// opt_indirection: `.name`, `.*`, `[i]`, `[a:b]`, any number of them.
    pub(super) fn indirection(&mut self) -> Result<Vec<Indirection>> {
        let mut path = Vec::new();
        loop {
            if self.eat_char(b'.') {
                match self.eat_char(b'*') {
                    true => path.push(Indirection::Star),
                    false => path.push(Indirection::Field(self.col_label()?)),
                }
            } else if self.eat_char(b'[') {
                path.push(self.subscript()?);
            } else {
                return Ok(path);
            }
        }
    }

    fn subscript(&mut self) -> Result<Indirection> {
        let at_colon = |p: &Self| p.at_char(b':');
        let low = match at_colon(self) {
            true => None,
            false => Some(self.expr()?),
        };
        if low.is_some() && self.eat_char(b']') {
            return Ok(low.map_or(Indirection::Star, Indirection::Subscript));
        }
        self.expect_char(b':')?;
        let high = match self.at_char(b']') {
            true => None,
            false => Some(self.expr()?),
        };
        self.expect_char(b']')?;
        Ok(Indirection::Slice { low, high })
    }

    /// `*` may only be the last step. PostgreSQL 15, gram.y, `check_indirection`.
    pub(super) fn check_indirection(&self, path: &[Indirection]) -> Result<()> {
        let star = path.iter().position(|p| matches!(p, Indirection::Star));
        match star.is_some_and(|i| i + 1 < path.len()) {
            true => Err(self.improper("*")),
            false => Ok(()),
        }
    }

    /// `improper use of "*"`, which PostgreSQL raises at the token it has looked at last.
    fn improper(&self, what: &str) -> crate::base::Error {
        let t = self.token();
        super::scan::error_near(self.text, &format!("improper use of \"{what}\""), t.start as usize, t.end as usize)
    }

    /// A column with what is assigned inside it.
    pub(super) fn target_column(&mut self) -> Result<TargetColumn> {
        let pos = self.pos();
        let name = self.col_id()?;
        let path = self.indirection()?;
        self.check_indirection(&path)?;
        Ok(TargetColumn { name, path, pos })
    }
}
