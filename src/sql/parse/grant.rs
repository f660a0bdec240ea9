//! GRANT, REVOKE, ALTER DEFAULT PRIVILEGES.

use super::keyword::Kw;
use super::parser::Parser;
use super::token::Tok;
use crate::base::Result;
use crate::sql::ast::*;

/// Privileges as written, before it is known whether they are roles.
struct Privileges {
    /// Empty is ALL.
    list: Vec<Privilege>,
}

impl Parser<'_> {
    pub(super) fn grant(&mut self) -> Result<Stmt> {
        self.expect(Kw::Grant)?;
        let privileges = self.privileges()?;
        if !privileges.list.is_empty() && self.at(Kw::To) {
            return self.grant_role(privileges.list);
        }
        self.expect(Kw::On)?;
        let target = self.privilege_target()?;
        let (grantees, grant_option, grantor) = self.grant_tail()?;
        Ok(Stmt::Grant(Box::new(GrantStmt {
            is_grant: true,
            privileges: privileges.list,
            target,
            grantees,
            grant_option,
            grantor,
            behavior: DropBehavior::Restrict,
        })))
    }

    /// `TO grantees [WITH GRANT OPTION] [GRANTED BY role]`
    fn grant_tail(&mut self) -> Result<(Vec<RoleSpec>, bool, Option<RoleSpec>)> {
        self.expect(Kw::To)?;
        let grantees = self.grantees()?;
        let grant_option = self.eat(Kw::With);
        if grant_option {
            self.expect_all(&[Kw::Grant, Kw::Option])?;
        }
        Ok((grantees, grant_option, self.granted_by()?))
    }

    fn grant_role(&mut self, roles: Vec<Privilege>) -> Result<Stmt> {
        self.expect(Kw::To)?;
        let grantees = self.role_list()?;
        let admin_option = self.eat(Kw::With);
        if admin_option {
            self.expect_all(&[Kw::Admin, Kw::Option])?;
        }
        let grantor = self.granted_by()?;
        Ok(Stmt::GrantRole(Box::new(GrantRoleStmt {
            is_grant: true,
            roles,
            grantees,
            admin_option,
            grantor,
            behavior: DropBehavior::Restrict,
        })))
    }

    pub(super) fn revoke(&mut self) -> Result<Stmt> {
        self.expect(Kw::Revoke)?;
        if self.at(Kw::Admin) && self.at_n(1, Kw::Option) {
            self.bump();
            self.bump();
            self.expect(Kw::For)?;
            let roles = self.list(Self::privilege)?;
            return self.revoke_role(roles, true);
        }
        let grant_option = self.at(Kw::Grant);
        if grant_option {
            self.expect_all(&[Kw::Grant, Kw::Option, Kw::For])?;
        }
        let privileges = self.privileges()?;
        if !grant_option && !privileges.list.is_empty() && self.at(Kw::From) {
            return self.revoke_role(privileges.list, false);
        }
        self.expect(Kw::On)?;
        let target = self.privilege_target()?;
        self.expect(Kw::From)?;
        let grantees = self.grantees()?;
        let grantor = self.granted_by()?;
        let behavior = self.drop_behavior();
        Ok(Stmt::Grant(Box::new(GrantStmt {
            is_grant: false,
            privileges: privileges.list,
            target,
            grantees,
            grant_option,
            grantor,
            behavior,
        })))
    }

    fn revoke_role(&mut self, roles: Vec<Privilege>, admin_option: bool) -> Result<Stmt> {
        self.expect(Kw::From)?;
        let grantees = self.role_list()?;
        let grantor = self.granted_by()?;
        let behavior = self.drop_behavior();
        let stmt = GrantRoleStmt { is_grant: false, roles, grantees, admin_option, grantor, behavior };
        Ok(Stmt::GrantRole(Box::new(stmt)))
    }

    fn privileges(&mut self) -> Result<Privileges> {
        let pos = self.pos();
        if !self.eat(Kw::All) {
            return Ok(Privileges { list: self.list(Self::privilege)? });
        }
        self.eat(Kw::Privileges);
        let columns = self.opt_name_list()?;
        let list = match columns.is_empty() {
            true => Vec::new(),
            false => vec![Privilege { name: None, columns, pos }],
        };
        Ok(Privileges { list })
    }

    fn privilege(&mut self) -> Result<Privilege> {
        let pos = self.pos();
        let name = match self.tok() {
            Tok::Kw(k @ (Kw::Select | Kw::References | Kw::Create)) => {
                self.bump();
                k.word().to_owned()
            }
            Tok::Kw(Kw::Alter) if self.at_n(1, Kw::System) => {
                self.bump();
                self.bump();
                return Ok(Privilege { name: Some("alter system".to_owned()), columns: Vec::new(), pos });
            }
            _ => self.col_id()?,
        };
        let columns = self.opt_name_list()?;
        Ok(Privilege { name: Some(name), columns, pos })
    }

    fn grantees(&mut self) -> Result<Vec<RoleSpec>> {
        self.list(|p| {
            if p.at(Kw::Group) {
                p.bump();
            }
            p.role_spec()
        })
    }

    fn granted_by(&mut self) -> Result<Option<RoleSpec>> {
        if !self.eat(Kw::Granted) {
            return Ok(None);
        }
        self.expect(Kw::By)?;
        Ok(Some(self.role_spec()?))
    }

    fn privilege_target(&mut self) -> Result<GrantTarget> {
        let objects = |object, names| Ok(GrantTarget::Objects { object, names });
        let more = |p: &Self| p.is_col_id(1) || p.is_type_function_name(1);
        match self.tok() {
            Tok::Kw(Kw::Table) => {
                self.bump();
                objects(ObjectType::Table, self.any_names()?)
            }
            Tok::Kw(Kw::Sequence) if more(self) => {
                self.bump();
                objects(ObjectType::Sequence, self.any_names()?)
            }
            Tok::Kw(Kw::Foreign) => {
                self.bump();
                if self.eat(Kw::Data) {
                    self.expect(Kw::Wrapper)?;
                    return objects(ObjectType::ForeignDataWrapper, self.plain_names()?);
                }
                self.expect(Kw::Server)?;
                objects(ObjectType::ForeignServer, self.plain_names()?)
            }
            Tok::Kw(k @ (Kw::Function | Kw::Procedure | Kw::Routine)) if more(self) => {
                self.bump();
                let object = match k {
                    Kw::Function => ObjectType::Function,
                    Kw::Procedure => ObjectType::Procedure,
                    _ => ObjectType::Routine,
                };
                let names = self.list(|p| p.func_signature().map(ObjectName::Function))?;
                objects(object, names)
            }
            Tok::Kw(k @ (Kw::Database | Kw::Language | Kw::Schema | Kw::Tablespace)) if more(self) => {
                self.bump();
                let object = match k {
                    Kw::Database => ObjectType::Database,
                    Kw::Language => ObjectType::Language,
                    Kw::Schema => ObjectType::Schema,
                    _ => ObjectType::Tablespace,
                };
                objects(object, self.plain_names()?)
            }
            Tok::Kw(k @ (Kw::Domain | Kw::Type)) if more(self) => {
                self.bump();
                let object = if k == Kw::Domain { ObjectType::Domain } else { ObjectType::Type };
                objects(object, self.any_names()?)
            }
            Tok::Kw(Kw::Large) if self.at_n(1, Kw::Object) => {
                self.bump();
                self.bump();
                let names = self.list(Self::large_object)?;
                objects(ObjectType::LargeObject, names)
            }
            Tok::Kw(Kw::Parameter) if more(self) => {
                self.bump();
                let names = self.list(|p| {
                    let pos = p.pos();
                    Ok(ObjectName::Name(QualName::single(p.variable_name()?, pos)))
                })?;
                objects(ObjectType::Parameter, names)
            }
            Tok::Kw(Kw::All) => self.all_in_schema(),
            _ => objects(ObjectType::Table, self.any_names()?),
        }
    }

    pub(super) fn large_object(&mut self) -> Result<ObjectName> {
        Ok(ObjectName::LargeObject(match self.numeric_only()? {
            Const::Int(n) => n.to_string(),
            Const::Float(s) => s,
            _ => return self.unexpected(),
        }))
    }

    fn all_in_schema(&mut self) -> Result<GrantTarget> {
        self.expect(Kw::All)?;
        let object = self.plural_object()?;
        self.expect_all(&[Kw::In, Kw::Schema])?;
        Ok(GrantTarget::AllInSchema { object, schemas: self.list(Self::col_id)? })
    }

    /// TABLES, SEQUENCES, FUNCTIONS, PROCEDURES, ROUTINES.
    fn plural_object(&mut self) -> Result<ObjectType> {
        let object = match self.tok() {
            Tok::Kw(Kw::Tables) => ObjectType::Table,
            Tok::Kw(Kw::Sequences) => ObjectType::Sequence,
            Tok::Kw(Kw::Functions) => ObjectType::Function,
            Tok::Kw(Kw::Procedures) => ObjectType::Procedure,
            Tok::Kw(Kw::Routines) => ObjectType::Routine,
            _ => return self.unexpected(),
        };
        self.bump();
        Ok(object)
    }

    /// ALTER DEFAULT PRIVILEGES, behind those words.
    pub(super) fn alter_default_privileges(&mut self) -> Result<Stmt> {
        let (mut roles, mut schemas) = (Vec::new(), Vec::new());
        loop {
            if self.eat(Kw::For) {
                if !self.eat(Kw::Role) {
                    self.expect(Kw::User)?;
                }
                roles = self.role_list()?;
            } else if self.eat(Kw::In) {
                self.expect(Kw::Schema)?;
                schemas = self.list(Self::col_id)?;
            } else {
                break;
            }
        }
        let is_grant = self.eat(Kw::Grant);
        if !is_grant {
            self.expect(Kw::Revoke)?;
        }
        let mut grant_option = !is_grant && self.at(Kw::Grant);
        if grant_option {
            self.expect_all(&[Kw::Grant, Kw::Option, Kw::For])?;
        }
        let privileges = self.privileges()?.list;
        self.expect(Kw::On)?;
        let object = match self.tok() {
            Tok::Kw(Kw::Types) => ObjectType::Type,
            Tok::Kw(Kw::Schemas) => ObjectType::Schema,
            Tok::Kw(Kw::Tables | Kw::Sequences | Kw::Functions | Kw::Routines) => self.plural_object()?,
            _ => return self.unexpected(),
        };
        if matches!(object, ObjectType::Type | ObjectType::Schema) {
            self.bump();
        }
        self.expect(if is_grant { Kw::To } else { Kw::From })?;
        let grantees = self.grantees()?;
        let mut behavior = DropBehavior::Restrict;
        if is_grant {
            grant_option = self.eat(Kw::With);
            if grant_option {
                self.expect_all(&[Kw::Grant, Kw::Option])?;
            }
        } else {
            behavior = self.drop_behavior();
        }
        let target = GrantTarget::Defaults { object };
        let grant = GrantStmt { is_grant, privileges, target, grantees, grant_option, grantor: None, behavior };
        Ok(Stmt::AlterDefaultPrivileges(Box::new(AlterDefaultPrivilegesStmt { roles, schemas, grant })))
    }
}
