//! CREATE and ALTER of foreign data wrappers, servers and user mappings.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::Result;
use crate::sql::ast::{
    DefAction, DefArg, DefElem, ForeignStmt, ObjectName, ObjectType, Pos, QualName, RoleKind, RoleSpec, Stmt,
};

fn stmt(s: ForeignStmt) -> Result<Stmt> {
    Ok(Stmt::Foreign(Box::new(s)))
}

impl Parser<'_> {
    /// Behind CREATE FOREIGN.
    pub(super) fn create_wrapper(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Data, Kw::Wrapper])?;
        let name = self.col_id()?;
        let functions = self.wrapper_functions()?;
        let options = self.generic_options(false)?;
        stmt(ForeignStmt::Wrapper { create: true, name, functions, options })
    }

    pub(super) fn alter_wrapper(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Foreign, Kw::Data, Kw::Wrapper])?;
        let pos = self.pos();
        let name = self.col_id()?;
        if matches!(self.tok(), Tok::Kw(Kw::Rename | Kw::Owner)) {
            let name = ObjectName::Name(QualName::single(name, pos));
            return self.alter_common(ObjectType::ForeignDataWrapper, name, false);
        }
        let functions = self.wrapper_functions()?;
        if functions.is_empty() && !self.at(Kw::Options) {
            return self.unexpected();
        }
        let options = self.generic_options(true)?;
        stmt(ForeignStmt::Wrapper { create: false, name, functions, options })
    }

    /// HANDLER f, NO HANDLER, VALIDATOR f, NO VALIDATOR, in any order.
    fn wrapper_functions(&mut self) -> Result<Vec<DefElem>> {
        let mut found = Vec::new();
        loop {
            let pos = self.pos();
            let no = self.at(Kw::No);
            let named = if no { self.tok_at(1) } else { self.tok() };
            let word = match named {
                Tok::Kw(Kw::Handler) => "handler",
                Tok::Kw(Kw::Validator) => "validator",
                _ => return Ok(found),
            };
            if no {
                self.bump();
            }
            self.bump();
            let arg = if no { None } else { Some(DefArg::Name(self.any_name()?)) };
            found.push(DefElem { namespace: None, name: word.into(), arg, action: DefAction::Unspecified, pos });
        }
    }

    /// `OPTIONS (name 'value', …)`, if it is there; of ALTER with what is to be done.
    fn generic_options(&mut self, alter: bool) -> Result<Vec<DefElem>> {
        if !self.eat(Kw::Options) {
            return Ok(Vec::new());
        }
        self.paren_list(|p| {
            let pos = p.pos();
            let action = match p.tok() {
                Tok::Kw(Kw::Set) if alter => DefAction::Set,
                Tok::Kw(Kw::Add) if alter => DefAction::Add,
                Tok::Kw(Kw::Drop) if alter => DefAction::Drop,
                _ => DefAction::Unspecified,
            };
            if action != DefAction::Unspecified {
                p.bump();
            }
            let name = p.col_label()?;
            let arg = if action == DefAction::Drop { None } else { Some(DefArg::Str(p.string()?)) };
            Ok(DefElem { namespace: None, name, arg, action, pos })
        })
    }

    pub(super) fn create_server(&mut self) -> Result<Stmt> {
        self.expect(Kw::Server)?;
        let missing_ok = self.if_not_exists()?;
        let name = self.col_id()?;
        let word = if self.eat(Kw::Type) { Some(self.string()?) } else { None };
        let version = self.server_version()?.flatten();
        self.expect_all(&[Kw::Foreign, Kw::Data, Kw::Wrapper])?;
        let wrapper = self.col_id()?;
        let options = self.generic_options(false)?;
        stmt(ForeignStmt::CreateServer { name, missing_ok, word, version, wrapper, options })
    }

    /// `VERSION 'v'` or `VERSION NULL`.
    fn server_version(&mut self) -> Result<Option<Option<String>>> {
        if !self.eat(Kw::Version) {
            return Ok(None);
        }
        if self.eat(Kw::Null) {
            return Ok(Some(None));
        }
        Ok(Some(Some(self.string()?)))
    }

    pub(super) fn alter_server(&mut self) -> Result<Stmt> {
        self.expect(Kw::Server)?;
        let pos = self.pos();
        let name = self.col_id()?;
        if matches!(self.tok(), Tok::Kw(Kw::Rename | Kw::Owner)) {
            let name = ObjectName::Name(QualName::single(name, pos));
            return self.alter_common(ObjectType::ForeignServer, name, false);
        }
        let version = self.server_version()?;
        if version.is_none() && !self.at(Kw::Options) {
            return self.unexpected();
        }
        let options = self.generic_options(true)?;
        stmt(ForeignStmt::AlterServer { name, version, options })
    }

    /// `FOR role SERVER name`; USER is the current one.
    fn mapping_of(&mut self) -> Result<(RoleSpec, String)> {
        self.expect(Kw::For)?;
        let pos = self.pos();
        let user = match self.eat(Kw::User) {
            true => RoleSpec { kind: RoleKind::CurrentUser, pos },
            false => self.role_spec()?,
        };
        self.expect(Kw::Server)?;
        Ok((user, self.col_id()?))
    }

    /// Behind CREATE.
    pub(super) fn create_user_mapping(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::User, Kw::Mapping])?;
        let missing_ok = self.if_not_exists()?;
        let (user, server) = self.mapping_of()?;
        let options = self.generic_options(false)?;
        stmt(ForeignStmt::CreateMapping { user, server, missing_ok, options })
    }

    pub(super) fn alter_user_mapping(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::User, Kw::Mapping])?;
        let (user, server) = self.mapping_of()?;
        if !self.at(Kw::Options) {
            return self.unexpected();
        }
        let options = self.generic_options(true)?;
        stmt(ForeignStmt::AlterMapping { user, server, options })
    }

    /// Behind DROP USER.
    pub(super) fn drop_user_mapping(&mut self, pos: Pos) -> Result<Stmt> {
        self.expect(Kw::Mapping)?;
        let missing_ok = self.if_exists()?;
        let (user, server) = self.mapping_of()?;
        stmt(ForeignStmt::DropMapping { user, server, missing_ok, pos })
    }
}
