//! ALTER.

use super::keyword::Kw;
use super::options::option;
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> Result<Stmt> {
        let pos = self.expect(Kw::Alter)?;
        let Tok::Kw(kw) = self.tok() else { return self.unexpected() };
        match kw {
            Kw::Table => self.alter_relation(ObjectType::Table, 1),
            Kw::Index => self.alter_relation(ObjectType::Index, 1),
            Kw::View => self.alter_relation(ObjectType::View, 1),
            Kw::Sequence => self.alter_relation(ObjectType::Sequence, 1),
            Kw::Materialized => {
                if !self.at_n(1, Kw::View) {
                    self.bump();
                    return self.unexpected();
                }
                self.alter_relation(ObjectType::MatView, 2)
            }
            Kw::System => self.alter_system(),
            Kw::Default => {
                self.expect_all(&[Kw::Default, Kw::Privileges])?;
                self.alter_default_privileges()
            }
            Kw::Database => self.alter_database(),
            Kw::Tablespace => self.alter_tablespace(),
            Kw::User if self.at_n(1, Kw::Mapping) => self.alter_user_mapping(),
            Kw::Role | Kw::User => {
                self.bump();
                self.alter_role(false)
            }
            Kw::Group => {
                self.bump();
                self.alter_role(true)
            }
            Kw::Type => self.alter_type(),
            Kw::Domain => self.alter_domain(),
            Kw::Schema => self.alter_named(ObjectType::Schema, 1),
            Kw::Language => self.alter_named(ObjectType::Language, 1),
            Kw::Procedural => self.alter_named(ObjectType::Language, 2),
            Kw::Conversion | Kw::Collation => self.alter_conversion(kw),
            Kw::Extension => self.alter_extension(),
            Kw::Function | Kw::Procedure | Kw::Routine => self.alter_function(kw),
            Kw::Aggregate => self.alter_aggregate(),
            Kw::Operator => self.alter_operator(),
            Kw::Trigger | Kw::Rule => self.alter_on_table(kw),
            Kw::Policy => self.alter_policy(),
            Kw::Statistics => self.alter_statistics(),
            Kw::Event => self.alter_event_trigger(),
            Kw::Text => self.alter_text_search(),
            Kw::Large => self.alter_large_object(),
            Kw::Publication => self.alter_publication(),
            Kw::Subscription => self.alter_unsupported("ALTER SUBSCRIPTION", 1, pos),
            Kw::Server => self.alter_server(),
            Kw::Foreign => match self.tok_at(1) {
                Tok::Kw(Kw::Table) => self.alter_unsupported("ALTER FOREIGN TABLE", 2, pos),
                _ => self.alter_wrapper(),
            },
            _ => self.unexpected(),
        }
    }

    fn alter_unsupported(&mut self, tag: &'static str, words: usize, pos: Pos) -> Result<Stmt> {
        for _ in 0..words {
            self.bump();
        }
        Ok(self.unsupported_statement(tag, pos))
    }

    fn alter_system(&mut self) -> Result<Stmt> {
        self.expect(Kw::System)?;
        let action = match self.eat(Kw::Reset) {
            true if self.eat(Kw::All) => SetAction::ResetAll,
            true => SetAction::Reset(self.variable_name()?),
            false => {
                self.expect(Kw::Set)?;
                self.generic_set()?
            }
        };
        Ok(Stmt::AlterSystem(Box::new(SetVariableStmt { local: false, action })))
    }

    // ---- relations ----

    /// ALTER TABLE and its kind; `words` of the object kind are still to be consumed.
    fn alter_relation(&mut self, object: ObjectType, words: usize) -> Result<Stmt> {
        for _ in 0..words {
            self.bump();
        }
        if matches!(object, ObjectType::Table | ObjectType::Index | ObjectType::MatView) && self.at(Kw::All) {
            return self.move_all(object);
        }
        let missing_ok = self.if_exists()?;
        let table = match object {
            ObjectType::Table => self.relation_expr()?,
            _ => self.qualified_name()?,
        };
        match self.tok() {
            Tok::Kw(Kw::Rename) => return self.rename_relation(object, table, missing_ok),
            Tok::Kw(Kw::Set) if self.at_n(1, Kw::Schema) => {
                self.bump();
                self.bump();
                let new_schema = self.col_id()?;
                let stmt = AlterObjectSchemaStmt { object, missing_ok, relation: Some(table), name: None, new_schema };
                return Ok(Stmt::AlterObjectSchema(Box::new(stmt)));
            }
            Tok::Kw(Kw::Depends | Kw::No) if matches!(object, ObjectType::Index | ObjectType::MatView) => {
                return self.depends(object, Some(table), None);
            }
            _ if object == ObjectType::Sequence && self.at_sequence_option() => {
                let options = self.sequence_options()?;
                let stmt = AlterSequenceStmt { sequence: table, missing_ok, options };
                return Ok(Stmt::AlterSequence(Box::new(stmt)));
            }
            _ => {}
        }
        let commands = match self.at_partition_command(object) {
            true => vec![self.partition_command(object)?],
            false => self.list(Self::alter_table_command)?,
        };
        Ok(Stmt::AlterTable(Box::new(AlterTableStmt { object, table, missing_ok, commands })))
    }

    fn move_all(&mut self, object: ObjectType) -> Result<Stmt> {
        self.expect_all(&[Kw::All, Kw::In, Kw::Tablespace])?;
        let from = self.col_id()?;
        let mut owned_by = Vec::new();
        if self.eat(Kw::Owned) {
            self.expect(Kw::By)?;
            owned_by = self.role_list()?;
        }
        self.expect_all(&[Kw::Set, Kw::Tablespace])?;
        let to = self.col_id()?;
        let nowait = self.eat(Kw::Nowait);
        Ok(Stmt::AlterTableMoveAll(Box::new(AlterTableMoveAllStmt { object, from, to, owned_by, nowait })))
    }

    /// Behind the relation, at RENAME.
    fn rename_relation(&mut self, object: ObjectType, relation: RangeVar, missing_ok: bool) -> Result<Stmt> {
        self.expect(Kw::Rename)?;
        let columns = !matches!(object, ObjectType::Sequence | ObjectType::Index);
        let mut sub = None;
        if !self.eat(Kw::To) {
            if !columns {
                return self.unexpected();
            }
            sub = Some(if object == ObjectType::Table && self.eat(Kw::Constraint) {
                RelationPart::Constraint(self.col_id()?)
            } else {
                if self.at(Kw::Column) {
                    self.bump();
                }
                RelationPart::Column(self.col_id()?)
            });
            self.expect(Kw::To)?;
        }
        let new_name = self.col_id()?;
        let what = RenameTarget::Relation { relation, sub };
        Ok(rename(object, missing_ok, what, new_name, DropBehavior::Restrict))
    }

    fn at_partition_command(&self, object: ObjectType) -> bool {
        matches!(object, ObjectType::Table | ObjectType::Index) && self.at_any(&[Kw::Attach, Kw::Detach])
    }

    fn partition_command(&mut self, object: ObjectType) -> Result<AlterTableCommand> {
        let pos = self.pos();
        let attach = self.eat(Kw::Attach);
        if !attach {
            if object == ObjectType::Index {
                return self.unexpected();
            }
            self.expect(Kw::Detach)?;
        }
        self.expect(Kw::Partition)?;
        let table = self.qualified_name()?;
        let kind = if attach && object == ObjectType::Index {
            AlterTableKind::AttachIndexPartition(table)
        } else if attach {
            AlterTableKind::AttachPartition { table, bound: self.partition_bound()? }
        } else if self.eat(Kw::Finalize) {
            AlterTableKind::DetachPartitionFinalize(table)
        } else {
            AlterTableKind::DetachPartition { table, concurrently: self.eat(Kw::Concurrently) }
        };
        Ok(AlterTableCommand { kind, pos })
    }

    /// alter_table_cmd
    fn alter_table_command(&mut self) -> Result<AlterTableCommand> {
        let pos = self.pos();
        let Tok::Kw(kw) = self.tok() else { return self.unexpected() };
        if matches!(kw, Kw::Options) {
            self.refuse_generic_options()?;
        }
        let first = self.bump();
        let kind = match kw {
            Kw::Add => self.alter_add()?,
            Kw::Drop => self.alter_drop()?,
            Kw::Alter => self.alter_column_or_constraint(pos)?,
            Kw::Validate => {
                self.expect(Kw::Constraint)?;
                AlterTableKind::ValidateConstraint(self.col_id()?)
            }
            Kw::Cluster => {
                self.expect(Kw::On)?;
                AlterTableKind::ClusterOn(self.col_id()?)
            }
            Kw::Set => self.alter_set()?,
            Kw::Reset => AlterTableKind::ResetOptions(self.rel_options()?),
            Kw::Inherit => AlterTableKind::Inherit(self.qualified_name()?),
            Kw::No => {
                if self.eat(Kw::Force) {
                    self.row_security()?;
                    AlterTableKind::NoForceRowSecurity
                } else {
                    self.expect(Kw::Inherit)?;
                    AlterTableKind::NoInherit(self.qualified_name()?)
                }
            }
            Kw::Of => {
                let name = self.any_name()?;
                AlterTableKind::Of(TypeName::named(name.parts, name.pos))
            }
            Kw::Not => {
                self.expect(Kw::Of)?;
                AlterTableKind::NotOf
            }
            Kw::Owner => {
                self.expect(Kw::To)?;
                AlterTableKind::Owner(self.role_spec()?)
            }
            Kw::Replica => {
                self.expect(Kw::Identity)?;
                AlterTableKind::ReplicaIdentity(self.replica_identity()?)
            }
            Kw::Enable => self.enable(true)?,
            Kw::Disable => self.enable(false)?,
            Kw::Force => {
                self.row_security()?;
                AlterTableKind::ForceRowSecurity
            }
            _ => return Err(self.syntax_error_at(first)),
        };
        Ok(AlterTableCommand { kind, pos })
    }

    fn row_security(&mut self) -> Result<()> {
        self.expect_all(&[Kw::Row, Kw::Level, Kw::Security])
    }

    fn replica_identity(&mut self) -> Result<ReplicaIdentity> {
        let identity = match self.tok() {
            Tok::Kw(Kw::Nothing) => ReplicaIdentity::Nothing,
            Tok::Kw(Kw::Full) => ReplicaIdentity::Full,
            Tok::Kw(Kw::Default) => ReplicaIdentity::Default,
            _ => {
                self.expect_all(&[Kw::Using, Kw::Index])?;
                return Ok(ReplicaIdentity::Index(self.col_id()?));
            }
        };
        self.bump();
        Ok(identity)
    }

    fn enable(&mut self, on: bool) -> Result<AlterTableKind> {
        if self.eat(Kw::Row) {
            self.expect_all(&[Kw::Level, Kw::Security])?;
            return Ok(if on { AlterTableKind::EnableRowSecurity } else { AlterTableKind::DisableRowSecurity });
        }
        let mut mode = if on { EnableMode::Enable } else { EnableMode::Disable };
        if on && self.eat(Kw::Always) {
            mode = EnableMode::EnableAlways;
        } else if on && self.eat(Kw::Replica) {
            mode = EnableMode::EnableReplica;
        }
        if self.eat(Kw::Rule) {
            return Ok(AlterTableKind::Rule { mode, name: self.col_id()? });
        }
        self.expect(Kw::Trigger)?;
        let plain = matches!(mode, EnableMode::Enable | EnableMode::Disable);
        let which = if plain && self.eat(Kw::All) {
            TriggerSelect::All
        } else if plain && self.eat(Kw::User) {
            TriggerSelect::User
        } else {
            TriggerSelect::Name(self.col_id()?)
        };
        Ok(AlterTableKind::Trigger { mode, which })
    }

    /// ADD COLUMN or ADD constraint.
    fn alter_add(&mut self) -> Result<AlterTableKind> {
        let is_constraint =
            matches!(self.tok(), Tok::Kw(Kw::Constraint | Kw::Check | Kw::Unique | Kw::Primary | Kw::Foreign))
                || (self.at(Kw::Exclude) && matches!(self.tok_at(1), Tok::Kw(Kw::Using) | Tok::Char(b'(')));
        if is_constraint {
            return Ok(AlterTableKind::AddConstraint(self.table_constraint()?));
        }
        self.eat(Kw::Column);
        let if_not_exists = self.if_not_exists()?;
        let def = self.column_def()?;
        Ok(AlterTableKind::AddColumn { def, if_not_exists, behavior: DropBehavior::Restrict })
    }

    fn alter_drop(&mut self) -> Result<AlterTableKind> {
        if self.eat(Kw::Constraint) {
            let missing_ok = self.if_exists()?;
            let name = self.col_id()?;
            return Ok(AlterTableKind::DropConstraint { name, missing_ok, behavior: self.drop_behavior() });
        }
        self.eat(Kw::Column);
        let missing_ok = self.if_exists()?;
        let name = self.col_id()?;
        Ok(AlterTableKind::DropColumn { name, missing_ok, behavior: self.drop_behavior() })
    }

    fn alter_set(&mut self) -> Result<AlterTableKind> {
        match self.tok() {
            Tok::Kw(Kw::Logged) => {
                self.bump();
                Ok(AlterTableKind::SetLogged)
            }
            Tok::Kw(Kw::Unlogged) => {
                self.bump();
                Ok(AlterTableKind::SetUnlogged)
            }
            Tok::Kw(Kw::Without) => {
                self.bump();
                match self.eat(Kw::Cluster) {
                    true => Ok(AlterTableKind::SetWithoutCluster),
                    false => {
                        self.expect(Kw::Oids)?;
                        Ok(AlterTableKind::SetWithoutOids)
                    }
                }
            }
            Tok::Kw(Kw::Tablespace) => {
                self.bump();
                Ok(AlterTableKind::SetTablespace(self.col_id()?))
            }
            Tok::Kw(Kw::Access) => {
                self.expect_all(&[Kw::Access, Kw::Method])?;
                Ok(AlterTableKind::SetAccessMethod(self.col_id()?))
            }
            _ => Ok(AlterTableKind::SetOptions(self.rel_options()?)),
        }
    }

    fn alter_column_or_constraint(&mut self, pos: Pos) -> Result<AlterTableKind> {
        if self.eat(Kw::Constraint) {
            return Ok(AlterTableKind::AlterConstraint(self.alter_constraint(pos)?));
        }
        self.eat(Kw::Column);
        if let Tok::Int(n) = self.tok() {
            let number_pos = self.bump().start;
            self.expect_all(&[Kw::Set, Kw::Statistics])?;
            let target = self.signed_integer()?;
            let Some(n) = i16::try_from(n).ok().filter(|n| *n > 0) else {
                let message = format!("column number must be in range from 1 to {}", i16::MAX);
                return Err(self.error(SqlState::INVALID_PARAMETER_VALUE, message, number_pos));
            };
            return Ok(AlterTableKind::SetStatistics { column: ColumnRef::Number(n), target });
        }
        let name = self.col_id()?;
        self.alter_column(name)
    }

    /// Behind `ALTER [COLUMN] name`.
    fn alter_column(&mut self, name: Name) -> Result<AlterTableKind> {
        match self.tok() {
            Tok::Kw(Kw::Set) => {
                self.bump();
                self.alter_column_set(name)
            }
            Tok::Kw(Kw::Drop) => {
                self.bump();
                self.alter_column_drop(name)
            }
            Tok::Kw(Kw::Reset) => {
                self.bump();
                Ok(AlterTableKind::ResetColumnOptions { name, options: self.rel_options()? })
            }
            Tok::Kw(Kw::Restart) => Ok(AlterTableKind::SetIdentity { name, options: self.identity_options()? }),
            Tok::Kw(Kw::Add) => {
                self.bump();
                self.expect(Kw::Generated)?;
                let always = self.eat(Kw::Always);
                if !always {
                    self.expect_all(&[Kw::By, Kw::Default])?;
                }
                self.expect_all(&[Kw::As, Kw::Identity])?;
                let options = self.opt_paren_sequence_options()?;
                Ok(AlterTableKind::AddIdentity { name, always, options })
            }
            Tok::Kw(Kw::Type) => {
                self.bump();
                self.alter_column_type(name)
            }
            _ => {
                self.refuse_generic_options()?;
                self.unexpected()
            }
        }
    }

    fn alter_column_type(&mut self, name: Name) -> Result<AlterTableKind> {
        let typ = self.type_name()?;
        let collation = self.opt_collate()?;
        let using = match self.eat(Kw::Using) {
            true => Some(self.expr()?),
            false => None,
        };
        Ok(AlterTableKind::AlterType { name, typ, collation, using, behavior: DropBehavior::Restrict })
    }

    fn alter_column_set(&mut self, name: Name) -> Result<AlterTableKind> {
        match self.tok() {
            Tok::Kw(Kw::Default) => {
                self.bump();
                Ok(AlterTableKind::SetDefault { name, expr: self.expr()? })
            }
            Tok::Kw(Kw::Not) => {
                self.expect_all(&[Kw::Not, Kw::Null])?;
                Ok(AlterTableKind::SetNotNull { name })
            }
            Tok::Kw(Kw::Statistics) => {
                self.bump();
                Ok(AlterTableKind::SetStatistics { column: ColumnRef::Name(name), target: self.signed_integer()? })
            }
            Tok::Kw(Kw::Storage) => {
                self.bump();
                Ok(AlterTableKind::SetStorage { name, storage: self.col_id()? })
            }
            Tok::Kw(Kw::Compression) => Ok(AlterTableKind::SetCompression { name, method: self.compression()? }),
            Tok::Kw(Kw::Data) => {
                self.expect_all(&[Kw::Data, Kw::Type])?;
                self.alter_column_type(name)
            }
            Tok::Char(b'(') => Ok(AlterTableKind::SetColumnOptions { name, options: self.rel_options()? }),
            _ => {
                let first = self.identity_set_option()?;
                let mut options = vec![first];
                options.extend(self.identity_options()?);
                Ok(AlterTableKind::SetIdentity { name, options })
            }
        }
    }

    /// alter_identity_column_option_list: `RESTART …`, `SET option`.
    fn identity_options(&mut self) -> Result<Vec<DefElem>> {
        let mut out = Vec::new();
        loop {
            match self.tok() {
                Tok::Kw(Kw::Restart) => out.push(self.sequence_option()?),
                Tok::Kw(Kw::Set) => {
                    self.bump();
                    out.push(self.identity_set_option()?);
                }
                _ => return Ok(out),
            }
        }
    }

    /// What follows SET: GENERATED, or a sequence option.
    fn identity_set_option(&mut self) -> Result<DefElem> {
        let pos = self.pos();
        if self.eat(Kw::Generated) {
            let always = self.eat(Kw::Always);
            if !always {
                self.expect_all(&[Kw::By, Kw::Default])?;
            }
            return Ok(option("generated", Some(DefArg::Bool(always)), pos));
        }
        if !self.at_sequence_option() {
            return self.unexpected();
        }
        let o = self.sequence_option()?;
        match matches!(o.name.as_str(), "restart" | "owned_by" | "sequence_name" | "as") {
            true if o.name != "restart" && o.name != "as" => {
                let message = format!("sequence option \"{}\" not supported here", o.name);
                Err(self.error(SqlState::SYNTAX_ERROR, message, pos))
            }
            true if o.name == "as" => {
                Err(self.error(SqlState::SYNTAX_ERROR, "sequence option \"as\" not supported here", pos))
            }
            _ => Ok(o),
        }
    }

    fn alter_column_drop(&mut self, name: Name) -> Result<AlterTableKind> {
        match self.tok() {
            Tok::Kw(Kw::Default) => {
                self.bump();
                Ok(AlterTableKind::DropDefault { name })
            }
            Tok::Kw(Kw::Not) => {
                self.expect_all(&[Kw::Not, Kw::Null])?;
                Ok(AlterTableKind::DropNotNull { name })
            }
            Tok::Kw(Kw::Expression) => {
                self.bump();
                Ok(AlterTableKind::DropExpression { name, missing_ok: self.if_exists()? })
            }
            _ => {
                self.expect(Kw::Identity)?;
                Ok(AlterTableKind::DropIdentity { name, missing_ok: self.if_exists()? })
            }
        }
    }

    // ---- other objects ----

    /// RENAME TO, OWNER TO, SET SCHEMA: what nearly every kind of object has. Behind its name.
    pub(super) fn alter_common(&mut self, object: ObjectType, name: ObjectName, schema: bool) -> Result<Stmt> {
        match self.tok() {
            Tok::Kw(Kw::Rename) => {
                self.bump();
                self.expect(Kw::To)?;
                let new_name = self.col_id()?;
                Ok(rename(object, false, RenameTarget::Object(name), new_name, DropBehavior::Restrict))
            }
            Tok::Kw(Kw::Owner) => {
                let owner = self.owner_to()?;
                Ok(Stmt::AlterOwner(Box::new(AlterOwnerStmt { object, name, owner })))
            }
            Tok::Kw(Kw::Set) if schema => self.set_schema(object, name),
            _ => self.unexpected(),
        }
    }

    /// `SET SCHEMA name`
    fn set_schema(&mut self, object: ObjectType, name: ObjectName) -> Result<Stmt> {
        self.expect_all(&[Kw::Set, Kw::Schema])?;
        let new_schema = self.col_id()?;
        let stmt = AlterObjectSchemaStmt { object, missing_ok: false, relation: None, name: Some(name), new_schema };
        Ok(Stmt::AlterObjectSchema(Box::new(stmt)))
    }

    /// `[NO] DEPENDS ON EXTENSION name`
    fn depends(&mut self, object: ObjectType, relation: Option<RangeVar>, name: Option<ObjectName>) -> Result<Stmt> {
        let remove = self.eat(Kw::No);
        self.expect_all(&[Kw::Depends, Kw::On, Kw::Extension])?;
        let extension = self.col_id()?;
        Ok(Stmt::AlterObjectDepends(Box::new(AlterObjectDependsStmt { object, relation, name, extension, remove })))
    }

    fn alter_named(&mut self, object: ObjectType, words: usize) -> Result<Stmt> {
        if words == 2 {
            self.expect_all(&[Kw::Procedural, Kw::Language])?;
        } else {
            self.bump();
        }
        let name = self.plain_name()?;
        self.alter_common(object, name, false)
    }

    fn alter_conversion(&mut self, kw: Kw) -> Result<Stmt> {
        self.bump();
        let name = self.any_name()?;
        if kw == Kw::Collation && self.eat(Kw::Refresh) {
            self.expect(Kw::Version)?;
            return Ok(Stmt::AlterCollation(Box::new(AlterCollationStmt { name })));
        }
        let object = if kw == Kw::Collation { ObjectType::Collation } else { ObjectType::Conversion };
        self.alter_common(object, ObjectName::Name(name), true)
    }

    fn alter_database(&mut self) -> Result<Stmt> {
        self.expect(Kw::Database)?;
        let pos = self.pos();
        let name = self.col_id()?;
        let action = match self.tok() {
            Tok::Kw(kw) if kw == Kw::Rename || (kw == Kw::Owner && self.at_n(1, Kw::To)) => {
                let name = ObjectName::Name(QualName::single(name, pos));
                return self.alter_common(ObjectType::Database, name, false);
            }
            Tok::Kw(Kw::Set) if self.at_n(1, Kw::Tablespace) => {
                self.bump();
                let pos = self.bump().start;
                let tablespace = Some(DefArg::Str(self.col_id()?));
                AlterDatabaseAction::Options(vec![option("tablespace", tablespace, pos)])
            }
            Tok::Kw(Kw::Set | Kw::Reset) => AlterDatabaseAction::Set(self.set_clause_of_object()?),
            Tok::Kw(Kw::Refresh) => {
                self.expect_all(&[Kw::Refresh, Kw::Collation, Kw::Version])?;
                AlterDatabaseAction::RefreshCollationVersion
            }
            _ => {
                self.eat(Kw::With);
                AlterDatabaseAction::Options(self.database_options()?)
            }
        };
        Ok(Stmt::AlterDatabase(Box::new(AlterDatabaseStmt { name, action })))
    }

    fn alter_tablespace(&mut self) -> Result<Stmt> {
        self.expect(Kw::Tablespace)?;
        let pos = self.pos();
        let name = self.col_id()?;
        let reset = self.at(Kw::Reset);
        if reset || self.at(Kw::Set) {
            self.bump();
            let options = self.rel_options()?;
            return Ok(Stmt::AlterTablespace(Box::new(AlterTablespaceStmt { name, options, reset })));
        }
        self.alter_common(ObjectType::Tablespace, ObjectName::Name(QualName::single(name, pos)), false)
    }

    fn alter_type(&mut self) -> Result<Stmt> {
        self.expect(Kw::Type)?;
        let name = self.any_name()?;
        match self.tok() {
            Tok::Kw(Kw::Add) if self.at_n(1, Kw::Value) => self.enum_add(name),
            Tok::Kw(Kw::Rename) if self.at_n(1, Kw::Value) => {
                self.bump();
                self.bump();
                let from = self.string()?;
                self.expect(Kw::To)?;
                let action = AlterEnumAction::Rename { from, to: self.string()? };
                Ok(Stmt::AlterEnum(Box::new(AlterEnumStmt { name, action })))
            }
            Tok::Kw(Kw::Rename) if self.at_n(1, Kw::Attribute) => {
                self.bump();
                self.bump();
                let attribute = self.col_id()?;
                self.expect(Kw::To)?;
                let new_name = self.col_id()?;
                let behavior = self.drop_behavior();
                let what = RenameTarget::Attribute { typ: self.range_var(name)?, name: attribute };
                Ok(rename(ObjectType::Attribute, false, what, new_name, behavior))
            }
            Tok::Kw(Kw::Set) if self.tok_at(1) == Tok::Char(b'(') => {
                self.bump();
                let options = self.definition()?;
                let mut stmt = AlterTableStmt {
                    object: ObjectType::Type,
                    table: self.range_var(name)?,
                    missing_ok: false,
                    commands: Vec::new(),
                };
                let pos = stmt.table.pos;
                stmt.commands.push(AlterTableCommand { kind: AlterTableKind::SetOptions(options), pos });
                Ok(Stmt::AlterTable(Box::new(stmt)))
            }
            Tok::Kw(Kw::Add | Kw::Drop | Kw::Alter) => {
                let table = self.range_var(name)?;
                let commands = self.list(Self::alter_attribute)?;
                let stmt = AlterTableStmt { object: ObjectType::Type, table, missing_ok: false, commands };
                Ok(Stmt::AlterTable(Box::new(stmt)))
            }
            _ => self.alter_common(ObjectType::Type, ObjectName::Name(name), true),
        }
    }

    /// alter_type_cmd: ADD, DROP, ALTER ATTRIBUTE.
    fn alter_attribute(&mut self) -> Result<AlterTableCommand> {
        let pos = self.pos();
        let kind = match self.tok() {
            Tok::Kw(Kw::Add) => {
                self.expect_all(&[Kw::Add, Kw::Attribute])?;
                let def = self.attribute_def()?;
                AlterTableKind::AddColumn { def, if_not_exists: false, behavior: self.drop_behavior() }
            }
            Tok::Kw(Kw::Drop) => {
                self.expect_all(&[Kw::Drop, Kw::Attribute])?;
                let missing_ok = self.if_exists()?;
                let name = self.col_id()?;
                AlterTableKind::DropColumn { name, missing_ok, behavior: self.drop_behavior() }
            }
            _ => {
                self.expect_all(&[Kw::Alter, Kw::Attribute])?;
                let name = self.col_id()?;
                if self.eat(Kw::Set) {
                    self.expect(Kw::Data)?;
                }
                self.expect(Kw::Type)?;
                let typ = self.type_name()?;
                let collation = self.opt_collate()?;
                AlterTableKind::AlterType { name, typ, collation, using: None, behavior: self.drop_behavior() }
            }
        };
        Ok(AlterTableCommand { kind, pos })
    }

    fn enum_add(&mut self, name: QualName) -> Result<Stmt> {
        self.expect_all(&[Kw::Add, Kw::Value])?;
        let if_not_exists = self.if_not_exists()?;
        let label = self.string()?;
        let before = self.eat(Kw::Before);
        let neighbor = match before || self.eat(Kw::After) {
            true => Some(self.string()?),
            false => None,
        };
        let action = AlterEnumAction::Add { label, if_not_exists, neighbor, before };
        Ok(Stmt::AlterEnum(Box::new(AlterEnumStmt { name, action })))
    }

    fn alter_domain(&mut self) -> Result<Stmt> {
        self.expect(Kw::Domain)?;
        let name = self.any_name()?;
        let action = match (self.tok(), self.tok_at(1)) {
            (Tok::Kw(Kw::Set), Tok::Kw(Kw::Default)) => {
                self.bump();
                self.bump();
                AlterDomainAction::SetDefault(self.expr()?)
            }
            (Tok::Kw(Kw::Set), Tok::Kw(Kw::Not)) => {
                self.expect_all(&[Kw::Set, Kw::Not, Kw::Null])?;
                AlterDomainAction::SetNotNull
            }
            (Tok::Kw(Kw::Drop), Tok::Kw(Kw::Default)) => {
                self.bump();
                self.bump();
                AlterDomainAction::DropDefault
            }
            (Tok::Kw(Kw::Drop), Tok::Kw(Kw::Constraint)) => {
                self.bump();
                self.bump();
                let missing_ok = self.if_exists()?;
                let constraint = self.col_id()?;
                AlterDomainAction::DropConstraint { name: constraint, missing_ok, behavior: self.drop_behavior() }
            }
            (Tok::Kw(Kw::Drop), _) => {
                self.expect_all(&[Kw::Drop, Kw::Not, Kw::Null])?;
                AlterDomainAction::DropNotNull
            }
            (Tok::Kw(Kw::Add), _) => {
                self.bump();
                AlterDomainAction::AddConstraint(self.table_constraint()?)
            }
            (Tok::Kw(Kw::Validate), _) => {
                self.expect_all(&[Kw::Validate, Kw::Constraint])?;
                AlterDomainAction::ValidateConstraint(self.col_id()?)
            }
            (Tok::Kw(Kw::Rename), Tok::Kw(Kw::Constraint)) => {
                self.bump();
                self.bump();
                let constraint = self.col_id()?;
                self.expect(Kw::To)?;
                let new_name = self.col_id()?;
                let what = RenameTarget::DomainConstraint { domain: name, name: constraint };
                return Ok(rename(ObjectType::DomainConstraint, false, what, new_name, DropBehavior::Restrict));
            }
            _ => return self.alter_common(ObjectType::Domain, ObjectName::Name(name), true),
        };
        Ok(Stmt::AlterDomain(Box::new(AlterDomainStmt { name, action })))
    }

    fn alter_extension(&mut self) -> Result<Stmt> {
        self.expect(Kw::Extension)?;
        let pos = self.pos();
        let name = self.col_id()?;
        let action = match self.tok() {
            Tok::Kw(Kw::Update) => {
                self.bump();
                let version = match self.eat(Kw::To) {
                    true => Some(self.word_or_string()?),
                    false => None,
                };
                AlterExtensionAction::Update(version)
            }
            Tok::Kw(Kw::Add) => {
                self.bump();
                let (object, name) = self.extension_member()?;
                AlterExtensionAction::Add { object, name }
            }
            Tok::Kw(Kw::Drop) => {
                self.bump();
                let (object, name) = self.extension_member()?;
                AlterExtensionAction::Drop { object, name }
            }
            _ => return self.set_schema(ObjectType::Extension, ObjectName::Name(QualName::single(name, pos))),
        };
        Ok(Stmt::AlterExtension(Box::new(AlterExtensionStmt { name, action })))
    }

    fn alter_function(&mut self, kw: Kw) -> Result<Stmt> {
        self.bump();
        let object = match kw {
            Kw::Function => ObjectType::Function,
            Kw::Procedure => ObjectType::Procedure,
            _ => ObjectType::Routine,
        };
        let func = self.func_signature()?;
        match self.tok() {
            Tok::Kw(Kw::Depends) => self.depends(object, None, Some(ObjectName::Function(func))),
            Tok::Kw(Kw::No) => self.depends(object, None, Some(ObjectName::Function(func))),
            Tok::Kw(Kw::Set) if self.at_n(1, Kw::Schema) && self.tok_at(2) != Tok::Str => {
                self.set_schema(object, ObjectName::Function(func))
            }
            Tok::Kw(Kw::Rename | Kw::Owner) => self.alter_common(object, ObjectName::Function(func), false),
            _ => {
                let options = self.function_options(false)?;
                if options.is_empty() {
                    return self.unexpected();
                }
                self.eat(Kw::Restrict);
                Ok(Stmt::AlterFunction(Box::new(AlterFunctionStmt { object, func, options })))
            }
        }
    }

    fn alter_aggregate(&mut self) -> Result<Stmt> {
        self.expect(Kw::Aggregate)?;
        let name = ObjectName::Function(self.aggregate_signature()?);
        self.alter_common(ObjectType::Aggregate, name, true)
    }

    /// ALTER TRIGGER | RULE name ON table.
    fn alter_on_table(&mut self, kw: Kw) -> Result<Stmt> {
        self.bump();
        let name = self.col_id()?;
        self.expect(Kw::On)?;
        let relation = self.qualified_name()?;
        if kw == Kw::Trigger && self.at_any(&[Kw::No, Kw::Depends]) {
            let pos = relation.pos;
            let mut parts: Vec<Name> = relation.catalog.iter().chain(relation.schema.iter()).cloned().collect();
            parts.push(relation.name.clone());
            let on = ObjectName::OnTable { table: QualName { parts, pos }, name };
            return self.depends(ObjectType::Trigger, Some(relation), Some(on));
        }
        self.expect_all(&[Kw::Rename, Kw::To])?;
        let new_name = self.col_id()?;
        let (object, sub) = match kw {
            Kw::Trigger => (ObjectType::Trigger, RelationPart::Trigger(name)),
            _ => (ObjectType::Rule, RelationPart::Rule(name)),
        };
        let what = RenameTarget::Relation { relation, sub: Some(sub) };
        Ok(rename(object, false, what, new_name, DropBehavior::Restrict))
    }

    fn alter_policy(&mut self) -> Result<Stmt> {
        self.expect(Kw::Policy)?;
        let missing_ok = self.if_exists()?;
        let name = self.col_id()?;
        self.expect(Kw::On)?;
        let table = self.qualified_name()?;
        if missing_ok || self.at(Kw::Rename) {
            self.expect_all(&[Kw::Rename, Kw::To])?;
            let new_name = self.col_id()?;
            let what = RenameTarget::Relation { relation: table, sub: Some(RelationPart::Policy(name)) };
            return Ok(rename(ObjectType::Policy, missing_ok, what, new_name, DropBehavior::Restrict));
        }
        let roles = match self.eat(Kw::To) {
            true => Some(self.role_list()?),
            false => None,
        };
        let (using, with_check) = self.policy_conditions()?;
        Ok(Stmt::AlterPolicy(Box::new(AlterPolicyStmt { name, table, roles, using, with_check })))
    }

    fn alter_statistics(&mut self) -> Result<Stmt> {
        self.expect(Kw::Statistics)?;
        let missing_ok = self.if_exists()?;
        let name = self.any_name()?;
        if missing_ok || (self.at(Kw::Set) && self.at_n(1, Kw::Statistics)) {
            self.expect_all(&[Kw::Set, Kw::Statistics])?;
            let target = self.signed_integer()?;
            return Ok(Stmt::AlterStatistics(Box::new(AlterStatisticsStmt { name, missing_ok, target })));
        }
        self.alter_common(ObjectType::Statistics, ObjectName::Name(name), true)
    }

    fn alter_event_trigger(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Event, Kw::Trigger])?;
        let pos = self.pos();
        let name = self.col_id()?;
        let mode = match self.tok() {
            Tok::Kw(Kw::Disable) => {
                self.bump();
                EnableMode::Disable
            }
            Tok::Kw(Kw::Enable) => {
                self.bump();
                if self.eat(Kw::Always) {
                    EnableMode::EnableAlways
                } else if self.eat(Kw::Replica) {
                    EnableMode::EnableReplica
                } else {
                    EnableMode::Enable
                }
            }
            _ => {
                let name = ObjectName::Name(QualName::single(name, pos));
                return self.alter_common(ObjectType::EventTrigger, name, false);
            }
        };
        Ok(Stmt::AlterEventTrigger(Box::new(AlterEventTriggerStmt { name, mode })))
    }

    fn alter_text_search(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Text, Kw::Search])?;
        let object = self.text_search_kind()?;
        let name = self.any_name()?;
        let special = self.at_char(b'(') || self.at_any(&[Kw::Add, Kw::Alter, Kw::Drop]);
        if !special {
            return self.alter_common(object, ObjectName::Name(name), true);
        }
        match object {
            ObjectType::TsDictionary if self.at_char(b'(') => {
                let options = self.definition()?;
                Ok(Stmt::AlterTsDictionary(Box::new(AlterTsDictionaryStmt { name, options })))
            }
            ObjectType::TsConfiguration if !self.at_char(b'(') => {
                let mapping = self.mapping()?;
                Ok(Stmt::AlterTsConfig(Box::new(AlterTsConfigStmt { name, mapping })))
            }
            _ => self.unexpected(),
        }
    }

    /// ADD, ALTER or DROP MAPPING …
    fn mapping(&mut self) -> Result<Mapping> {
        let verb = self.tok();
        self.bump();
        self.expect(Kw::Mapping)?;
        if verb == Tok::Kw(Kw::Drop) {
            let missing_ok = self.eat(Kw::If);
            if missing_ok {
                self.expect(Kw::Exists)?;
            }
            self.expect(Kw::For)?;
            return Ok(Mapping::Drop { tokens: self.list(Self::col_id)?, missing_ok });
        }
        let tokens = match self.eat(Kw::For) {
            true => self.list(Self::col_id)?,
            false => Vec::new(),
        };
        if verb == Tok::Kw(Kw::Alter) && self.eat(Kw::Replace) {
            let old = self.any_name()?;
            self.expect(Kw::With)?;
            return Ok(Mapping::Replace { tokens, old, new: self.any_name()? });
        }
        if tokens.is_empty() {
            return self.unexpected();
        }
        self.expect(Kw::With)?;
        let dictionaries = self.list(Self::any_name)?;
        Ok(match verb == Tok::Kw(Kw::Alter) {
            true => Mapping::Alter { tokens, dictionaries },
            false => Mapping::Add { tokens, dictionaries },
        })
    }

    fn alter_large_object(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Large, Kw::Object])?;
        let name = self.large_object()?;
        let owner = self.owner_to()?;
        Ok(Stmt::AlterOwner(Box::new(AlterOwnerStmt { object: ObjectType::LargeObject, name, owner })))
    }
}

fn rename(object: ObjectType, missing_ok: bool, what: RenameTarget, new_name: Name, behavior: DropBehavior) -> Stmt {
    Stmt::Rename(Box::new(RenameStmt { object, missing_ok, what, new_name, behavior }))
}
