//! The catalogs for a binder whose result is shown again: it keeps how things were written.

use crate::base::{Oid, Result};
use crate::catalog::{Kept, Known, Relation};
use crate::sql::bind::{Conflict, Names};
use crate::sql::expr::Expr;
use crate::sql::func::FuncDef;
use crate::types::{Collation, TypeRef};
use std::sync::Arc;

pub struct Written<'a>(pub &'a dyn Names);

/// The same along another search path.
struct Along<'a>(Box<dyn Names + 'a>);

macro_rules! delegate {
    ($name:ident) => {
        impl Names for $name<'_> {
            fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<Relation>>> {
                self.0.relation_by_name(schema, name)
            }

            fn relation(&self, oid: Oid) -> Option<Arc<Relation>> {
                self.0.relation(oid)
            }

            fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<TypeRef> {
                self.0.type_by_name(schema, name)
            }

            fn reg_in(&self, typ: Oid, name: &str) -> Option<Result<Oid>> {
                self.0.reg_in(typ, name)
            }

            fn type_for_call(&self, name: &str) -> Option<TypeRef> {
                self.0.type_for_call(name)
            }

            fn domain_default(&self, domain: Oid) -> Option<Arc<str>> {
                self.0.domain_default(domain)
            }

            fn schema_exists(&self, name: &str) -> bool {
                self.0.schema_exists(name)
            }

            fn current_database(&self) -> String {
                self.0.current_database()
            }

            fn functions(&self, schema: Option<&str>, name: &str) -> Vec<(usize, &'static FuncDef)> {
                self.0.functions(schema, name)
            }

            fn user_code(&self) -> Option<Arc<crate::sql::bind::UserCode>> {
                self.0.user_code()
            }

            fn collation_by_name(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
                self.0.collation_by_name(schema, name)
            }

            fn btree_class(&self, class: crate::sql::bind::BtreeClass<'_>) -> Option<(Oid, Oid)> {
                self.0.btree_class(class)
            }

            fn collation_name(&self, collation: Oid) -> String {
                self.0.collation_name(collation)
            }

            fn order(&self, collation: Oid) -> Result<Collation> {
                self.0.order(collation)
            }

            fn default_order(&self) -> Collation {
                self.0.default_order()
            }

            fn keeps_written(&self) -> bool {
                true
            }

            fn variable(&self, parts: &[String]) -> Result<Option<Expr>> {
                self.0.variable(parts)
            }

            fn variable_fields(&self, parts: &[String]) -> Option<Vec<(String, Expr)>> {
                self.0.variable_fields(parts)
            }

            fn conflict(&self) -> Conflict {
                self.0.conflict()
            }

            fn along<'b>(&'b self, kept: &'b Kept) -> Box<dyn Names + 'b> {
                Box::new(Along(self.0.along(kept)))
            }

            fn known(&self, relation: Oid) -> Option<&Known> {
                self.0.known(relation)
            }

            fn known_row(&self, row_type: Oid) -> Option<&Known> {
                self.0.known_row(row_type)
            }
        }
    };
}

delegate!(Written);
delegate!(Along);
