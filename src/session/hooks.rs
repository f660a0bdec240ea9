//! What types ask the catalogs: names of reg* values, enum labels, fields of composites.

use crate::base::{Oid, Result};
use crate::catalog::Catalog;
use crate::sql::exec::domain::DomainChecks;
use crate::types::Datum;
use crate::types::context::{Field, IoContext, TypeHooks};
use std::sync::Arc;

/// One session's catalogs as the types see them.
pub struct Hooks {
    pub catalog: Arc<Catalog>,
    pub domains: DomainChecks,
    pub text_search: Arc<crate::sql::text_search::Cache>,
}

impl TypeHooks for Hooks {
    fn reg_in(&self, typ: Oid, name: &str) -> Result<Oid> {
        crate::sql::names::reg_in(&self.catalog, typ, name)
    }

    fn reg_out(&self, typ: Oid, value: Oid) -> Option<String> {
        crate::sql::names::reg_out(&self.catalog, typ, value)
    }

    fn enum_in(&self, typ: Oid, label: &str) -> Result<Oid> {
        crate::sql::names::enum_in(&self.catalog, typ, label)
    }

    fn enum_out(&self, typ: Oid, value: Oid) -> Option<String> {
        crate::sql::names::enum_out(&self.catalog, typ, value)
    }

    fn check_enum(&self, typ: Oid, value: Oid) -> Result<()> {
        crate::sql::names::check_enum(&self.catalog, typ, value)
    }

    fn enum_values(&self, typ: Oid) -> Vec<Oid> {
        crate::sql::names::enum_values(&self.catalog, typ)
    }

    fn composite(&self, typ: Oid) -> Option<Vec<Field>> {
        crate::sql::names::composite(&self.catalog, typ)
    }

    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        crate::sql::names::type_by_name(&self.catalog, schema, name)
    }

    fn type_name(&self, typ: Oid) -> Option<String> {
        crate::sql::names::type_name(&self.catalog, typ)
    }

    fn check_domain(&self, typ: Oid, value: Datum<'_>, io: &IoContext) -> Result<()> {
        self.domains.check(&self.catalog, typ, value, io)
    }

    fn check_regex(&self, pattern: &str, flags: &str) -> Result<()> {
        crate::sql::func::json::like_regex::check(pattern, flags)
    }

    fn evaluate(&self, function: Oid, args: &[Datum<'_>], out: &mut crate::types::Column) -> Result<bool> {
        self.text_search.evaluate(&self.catalog, function, args, out)
    }

    fn has_unchecked(&self) -> bool {
        self.domains.has_unchecked()
    }

    fn take_unchecked(&self) -> Vec<(Oid, crate::types::Value)> {
        self.domains.take_unchecked()
    }
}
