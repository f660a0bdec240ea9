//! What the binder asks the catalogs.

use crate::base::{Oid, Result};
use crate::catalog::{Kept, Known, Relation};
use crate::sql::expr::Expr;
use crate::sql::func::{self, FuncDef};
use crate::types::{Collation, TypeRef};
use std::sync::Arc;

/// Which of both a name means that is a column's and a variable's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Conflict {
    #[default]
    Column,
    Variable,
    Error,
}

/// Look-ups by name; they never wait. Implemented by the session's catalog, and by a mock in tests.
/// How an operator class for B-trees is asked for.
#[derive(Clone, Copy)]
pub enum BtreeClass<'a> {
    Named(&'a [String]),
    OfColumn(Oid, Oid),
}

/// A call that may be replaced by what the function does.
pub struct InlineCall<'a> {
    pub func: &'static FuncDef,
    pub args: &'a [TypeRef],
    pub ret: TypeRef,
    /// Of a call in FROM: the columns it has there.
    pub columns: Option<&'a [TypeRef]>,
    pub io: &'a crate::types::IoContext,
}

/// What it does: `Param(n)` stands for the argument.
pub struct InlineBody {
    pub query: super::Query,
    /// The arguments' types as the body sees them.
    pub inputs: Vec<TypeRef>,
    /// The function's row: the body is this one's.
    pub record: Arc<crate::catalog::Record>,
}

pub trait Names {
    /// A relation of any kind; without a schema along the search path, temporary tables first.
    fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<Relation>>>;

    fn relation(&self, oid: Oid) -> Option<Arc<Relation>>;

    /// Whether it is a temporary one of another session.
    fn is_other_temp(&self, _rel: &Relation) -> bool {
        false
    }

    /// A type by its name in `pg_type` (`int4`, `_int4`).
    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<TypeRef>;

    /// The type that a call `name(x)` may mean a cast to: as a function, never one of the temporary schema, so that nobody
    /// can slip one in (PostgreSQL 15, parse_func.c, FuncNameAsType).
    fn type_for_call(&self, name: &str) -> Option<TypeRef> {
        self.type_by_name(None, name)
    }

    /// Blocks of the relation's storage now; None: not known, the statistics must do.
    fn blocks(&self, _rel: &Relation) -> Option<u32> {
        None
    }

    /// The text of a domain's default.
    fn domain_default(&self, _domain: Oid) -> Option<Arc<str>> {
        None
    }

    /// The value of a reg* type named by text, where names are not looked up along the session's search path.
    fn reg_in(&self, _typ: Oid, _name: &str) -> Option<Result<Oid>> {
        None
    }

    fn schema_exists(&self, name: &str) -> bool;

    fn current_database(&self) -> String;

    /// Functions of all kinds with this name, each with the place of its schema in the search path.
    fn functions(&self, schema: Option<&str>, name: &str) -> Vec<(usize, &'static FuncDef)> {
        match schema {
            None | Some("pg_catalog") => func::funcs_named(name).iter().map(|f| (0, *f)).collect(),
            Some(_) => Vec::new(),
        }
    }

    /// A collation, the system's own included.
    fn collation_by_name(&self, _schema: Option<&str>, _name: &str) -> Option<Oid> {
        None
    }

    /// A collation's name, alone.
    fn collation_name(&self, collation: Oid) -> String {
        collation.to_string()
    }

    /// What a collation orders by.
    ///
    /// # Errors
    /// Where its locale is not there any more.
    fn order(&self, _collation: Oid) -> Result<Collation> {
        Ok(Collation::BYTES)
    }

    /// What text is ordered by where nothing says otherwise.
    fn default_order(&self) -> Collation {
        Collation::BYTES
    }

    /// The family and the input type of an operator class for B-trees: of the one with this name, or of an index's
    /// column of this type with the class it was made with (invalid: its type's own).
    fn btree_class(&self, _class: BtreeClass<'_>) -> Option<(Oid, Oid)> {
        None
    }

    /// Operators and casts of users; None: there are none.
    fn user_code(&self) -> Option<Arc<super::UserCode>> {
        None
    }

    /// What a name means that belongs to the surrounding routine: an argument, a PL/pgSQL variable, a field of one.
    ///
    /// # Errors
    /// 42703 for a field that the variable does not have.
    fn variable(&self, _parts: &[String]) -> Result<Option<Expr>> {
        Ok(None)
    }

    /// The fields of a variable that holds a row: `name.*`.
    fn variable_fields(&self, _parts: &[String]) -> Option<Vec<(String, Expr)>> {
        None
    }

    /// What becomes of a name that may mean a column or a variable.
    fn conflict(&self) -> Conflict {
        Conflict::Column
    }

    /// What the policies of a table mean to a role (None: the current user).
    ///
    /// # Errors
    /// 42501 if they would count and `row_security` is off.
    fn row_security(&self, _rel: &Relation, _role: Option<Oid>) -> Result<super::RowSecurity> {
        Ok(super::RowSecurity::None)
    }

    /// Whose rights count.
    fn acting(&self) -> crate::catalog::Acting {
        Default::default()
    }

    /// Whether a user has the rights of a role.
    fn has_role(&self, _user: Oid, _role: Oid) -> bool {
        false
    }

    /// What is bound is to be shown again: how it was written is kept ([`crate::sql::expr::ExprKind::Written`]).
    fn keeps_written(&self) -> bool {
        false
    }

    /// Whether the current user may not look up names in a schema.
    fn is_closed(&self, _schema: &str) -> bool {
        false
    }

    /// The body of a function in SQL, to stand for a call; None: it must be called.
    fn inline_body(&self, _call: &InlineCall<'_>) -> Option<InlineBody> {
        None
    }

    /// The same catalogs seen along another search path, for a view's text, whoever may look into its schemas; relations
    /// it knows are those that it was written for.
    fn along<'a>(&'a self, kept: &'a Kept) -> Box<dyn Names + 'a>;

    /// A relation as the text that is being bound knows it; None: as it is.
    fn known(&self, _relation: Oid) -> Option<&Known> {
        None
    }

    /// The relation with these rows, likewise.
    fn known_row(&self, _row_type: Oid) -> Option<&Known> {
        None
    }
}
