//! Roles.

use super::keyword::Kw;
use super::options::option;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

impl Parser<'_> {
    /// RoleSpec
    pub(super) fn role_spec(&mut self) -> Result<RoleSpec> {
        let pos = self.pos();
        let kind = match self.tok() {
            Tok::Kw(Kw::CurrentRole) => RoleKind::CurrentRole,
            Tok::Kw(Kw::CurrentUser) => RoleKind::CurrentUser,
            Tok::Kw(Kw::SessionUser) => RoleKind::SessionUser,
            _ => {
                let name = self.non_reserved_word()?;
                return match name.as_str() {
                    "public" => Ok(RoleSpec { kind: RoleKind::Public, pos }),
                    "none" => Err(self.error(SqlState::RESERVED_NAME, "role name \"none\" is reserved", pos)),
                    _ => Ok(RoleSpec { kind: RoleKind::Name(name), pos }),
                };
            }
        };
        self.bump();
        Ok(RoleSpec { kind, pos })
    }

    pub(super) fn role_list(&mut self) -> Result<Vec<RoleSpec>> {
        self.list(Self::role_spec)
    }

    /// RoleId: the name of a role proper.
    pub(super) fn role_id(&mut self) -> Result<Name> {
        let role = self.role_spec()?;
        let refuse = |word: &str| {
            let message = format!("{word} cannot be used as a role name here");
            Err(self.error(SqlState::RESERVED_NAME, message, role.pos))
        };
        match role.kind {
            RoleKind::Name(name) => Ok(name),
            RoleKind::Public => Err(self.error(SqlState::RESERVED_NAME, "role name \"public\" is reserved", role.pos)),
            RoleKind::CurrentRole => refuse("CURRENT_ROLE"),
            RoleKind::CurrentUser => refuse("CURRENT_USER"),
            RoleKind::SessionUser => refuse("SESSION_USER"),
        }
    }

    /// CREATE ROLE | USER | GROUP, behind that word.
    pub(super) fn create_role(&mut self, kind: CreateRoleKind) -> Result<Stmt> {
        let pos = self.pos();
        let name = self.role_id()?;
        self.eat(Kw::With);
        let mut options = Vec::new();
        while let Some(o) = self.role_option(true)? {
            options.push(o);
        }
        Ok(Stmt::CreateRole(Box::new(CreateRoleStmt { kind, name, options, pos })))
    }

    /// CreateOptRoleElem, or AlterOptRoleElem.
    pub(super) fn role_option(&mut self, create: bool) -> Result<Option<DefElem>> {
        let pos = self.pos();
        let yes = |name: &str, b: bool| Some(option(name, Some(DefArg::Bool(b)), pos));
        let kw = match self.tok() {
            Tok::Kw(kw) => kw,
            Tok::Ident => return self.role_flag(pos).map(Some),
            _ => return Ok(None),
        };
        let elem = match kw {
            Kw::Password => {
                self.bump();
                let arg = match self.eat(Kw::Null) {
                    true => None,
                    false => Some(DefArg::Str(self.string()?)),
                };
                option("password", arg, pos)
            }
            Kw::Encrypted => {
                self.bump();
                self.expect(Kw::Password)?;
                option("password", Some(DefArg::Str(self.string()?)), pos)
            }
            Kw::Unencrypted => {
                self.bump();
                self.expect(Kw::Password)?;
                self.string()?;
                let message = "UNENCRYPTED PASSWORD is no longer supported";
                return Err(self
                    .error(SqlState::FEATURE_NOT_SUPPORTED, message, pos)
                    .hint("Remove UNENCRYPTED to store the password in encrypted form instead."));
            }
            Kw::Inherit => {
                self.bump();
                return Ok(yes("inherit", true));
            }
            Kw::Connection => {
                self.bump();
                self.expect(Kw::Limit)?;
                option("connectionlimit", Some(DefArg::Int(self.signed_integer()?)), pos)
            }
            Kw::Valid => {
                self.bump();
                self.expect(Kw::Until)?;
                option("validUntil", Some(DefArg::Str(self.string()?)), pos)
            }
            Kw::User => {
                self.bump();
                option("rolemembers", Some(DefArg::Roles(self.role_list()?)), pos)
            }
            Kw::Sysid if create => {
                self.bump();
                option("sysid", Some(DefArg::Int(self.integer()?)), pos)
            }
            Kw::Admin if create => {
                self.bump();
                option("adminmembers", Some(DefArg::Roles(self.role_list()?)), pos)
            }
            Kw::Role if create => {
                self.bump();
                option("rolemembers", Some(DefArg::Roles(self.role_list()?)), pos)
            }
            Kw::In if create => {
                self.bump();
                if !self.eat(Kw::Role) {
                    self.expect(Kw::Group)?;
                }
                option("addroleto", Some(DefArg::Roles(self.role_list()?)), pos)
            }
            _ => return Ok(None),
        };
        Ok(Some(elem))
    }

    /// The options that are no keywords. PostgreSQL 15, gram.y, `AlterOptRoleElem: IDENT`: same words.
    fn role_flag(&mut self, pos: Pos) -> Result<DefElem> {
        let t = self.bump();
        let word = self.value(t);
        let (name, value) = match word.as_str() {
            "superuser" => ("superuser", true),
            "nosuperuser" => ("superuser", false),
            "createrole" => ("createrole", true),
            "nocreaterole" => ("createrole", false),
            "replication" => ("isreplication", true),
            "noreplication" => ("isreplication", false),
            "createdb" => ("createdb", true),
            "nocreatedb" => ("createdb", false),
            "login" => ("canlogin", true),
            "nologin" => ("canlogin", false),
            "bypassrls" => ("bypassrls", true),
            "nobypassrls" => ("bypassrls", false),
            "noinherit" => ("inherit", false),
            _ => {
                let message = format!("unrecognized role option \"{word}\"");
                return Err(self.error(SqlState::SYNTAX_ERROR, message, pos));
            }
        };
        Ok(option(name, Some(DefArg::Bool(value)), pos))
    }

    /// ALTER ROLE | USER | GROUP, behind that word.
    pub(super) fn alter_role(&mut self, group: bool) -> Result<Stmt> {
        if !group && self.at(Kw::All) {
            self.bump();
            return self.alter_role_set(None);
        }
        let pos = self.pos();
        let role = self.role_spec()?;
        if self.at(Kw::Rename) {
            let RoleKind::Name(name) = role.kind else {
                return Err(self.error(SqlState::RESERVED_NAME, reserved_role(&role.kind), pos));
            };
            self.bump();
            self.expect(Kw::To)?;
            let new_name = self.role_id()?;
            return Ok(Stmt::Rename(Box::new(RenameStmt {
                object: ObjectType::Role,
                missing_ok: false,
                what: RenameTarget::Object(ObjectName::Name(QualName::single(name, pos))),
                new_name,
                behavior: DropBehavior::Restrict,
            })));
        }
        if group {
            let add = self.eat(Kw::Add);
            if !add {
                self.expect(Kw::Drop)?;
            }
            self.expect(Kw::User)?;
            let pos = self.pos();
            let options = vec![option("rolemembers", Some(DefArg::Roles(self.role_list()?)), pos)];
            return Ok(Stmt::AlterRole(Box::new(AlterRoleStmt { role, options, group_add: Some(add) })));
        }
        if self.at_any(&[Kw::Set, Kw::Reset, Kw::In]) {
            return self.alter_role_set(Some(role));
        }
        self.eat(Kw::With);
        let mut options = Vec::new();
        while let Some(o) = self.role_option(false)? {
            options.push(o);
        }
        Ok(Stmt::AlterRole(Box::new(AlterRoleStmt { role, options, group_add: None })))
    }

    fn alter_role_set(&mut self, role: Option<RoleSpec>) -> Result<Stmt> {
        let database = match self.eat(Kw::In) {
            true => {
                self.expect(Kw::Database)?;
                Some(self.col_id()?)
            }
            false => None,
        };
        let set = self.set_clause_of_object()?;
        Ok(Stmt::AlterRoleSet(Box::new(AlterRoleSetStmt { role, database, set })))
    }

    /// DROP ROLE | USER | GROUP, behind that word.
    pub(super) fn drop_role(&mut self) -> Result<Stmt> {
        let missing_ok = self.if_exists()?;
        let roles = self.role_list()?;
        Ok(Stmt::DropRole(Box::new(DropRoleStmt { roles, missing_ok })))
    }

    pub(super) fn reassign_owned(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Reassign, Kw::Owned, Kw::By])?;
        let roles = self.role_list()?;
        self.expect(Kw::To)?;
        let new_role = self.role_spec()?;
        Ok(Stmt::ReassignOwned(Box::new(ReassignOwnedStmt { roles, new_role })))
    }

    /// `OWNER TO role`
    pub(super) fn owner_to(&mut self) -> Result<RoleSpec> {
        self.expect_all(&[Kw::Owner, Kw::To])?;
        self.role_spec()
    }
}

fn reserved_role(kind: &RoleKind) -> String {
    let word = match kind {
        RoleKind::Public => return "role name \"public\" is reserved".to_owned(),
        RoleKind::CurrentRole => "CURRENT_ROLE",
        RoleKind::CurrentUser => "CURRENT_USER",
        _ => "SESSION_USER",
    };
    format!("{word} cannot be used as a role name here")
}
