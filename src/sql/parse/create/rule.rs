//! CREATE RULE, CREATE POLICY.

use crate::base::{Result, SqlState};
use crate::sql::ast::*;
use crate::sql::parse::keyword::Kw;
use crate::sql::parse::parser::Parser;
use crate::sql::parse::token::Tok;

impl Parser<'_> {
    pub(super) fn create_rule(&mut self, replace: bool) -> Result<Stmt> {
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

    pub(super) fn rule_actions(&mut self) -> Result<Vec<(Stmt, String)>> {
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

    pub(super) fn rule_action(&mut self) -> Result<(Stmt, String)> {
        let from = self.pos();
        let stmt = match self.at(Kw::Notify) {
            true => self.notification()?,
            false => self.preparable()?,
        };
        Ok((stmt, self.text_between(from, self.pos())))
    }

    pub(super) fn create_policy(&mut self) -> Result<Stmt> {
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
    pub(in crate::sql::parse) fn policy_conditions(&mut self) -> Result<(Option<Expr>, Option<Expr>)> {
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
}
