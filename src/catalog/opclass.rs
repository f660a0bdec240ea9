//! Operator classes of users as catalog objects.

use super::Catalog;
use super::object::{IndexMethod, Object, ObjectKey, class};
use crate::base::{Oid, Result};
use crate::types::{self, oid};
use serde::{Deserialize, Serialize};

/// A row of `pg_opclass` with the family it is alone in, and what is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpClass {
    pub oid: Oid,
    /// The OID of its row in `pg_opfamily`.
    pub family: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    /// The access method's OID.
    pub method: Oid,
    pub input: Oid,
    pub default: bool,
    /// What the index stores; invalid: the input type.
    pub key: Oid,
    /// By strategy: the operator, and its argument types.
    pub operators: Vec<(i16, Oid, [Oid; 2])>,
    /// Operators that order rows, each with the B-tree family that its results are ordered by.
    #[serde(default)]
    pub ordering: Vec<(Oid, Oid)>,
    /// By number: the function, and the types it is for.
    pub functions: Vec<(i16, Oid, [Oid; 2])>,
    /// The code behind it: [`crate::gin::Class::named`], [`crate::gist::note_family`]; none where a B-tree or a hash index
    /// has its type's own.
    pub code: String,
}

impl OpClass {
    /// The access method's name.
    pub fn method_name(&self) -> &'static str {
        IndexMethod::of(self.method).map_or("", IndexMethod::name)
    }
}

impl OpClass {
    /// Whether it takes values of a type.
    pub fn takes(&self, ty: Oid) -> bool {
        let base = types::base_type(ty);
        let enumeration = self.input == oid::ANYENUM && types::info(base).is_some_and(|i| i.kind == b'e');
        self.input == base || enumeration || (self.input == oid::TEXT && base == oid::VARCHAR)
    }
}

impl Catalog {
    pub fn opclass(&self, oid: Oid) -> Option<OpClass> {
        match &self.get(ObjectKey::new(class::OPCLASS, oid))?.object {
            Object::OpClass(o) => Some(o.clone()),
            _ => None,
        }
    }

    /// The class of users that a name means.
    ///
    /// # Errors
    /// 3F000 if there is no such schema.
    pub fn opclass_named(&self, method: IndexMethod, schema: Option<&str>, name: &str) -> Result<Option<OpClass>> {
        let path = match schema {
            Some(s) => [self.namespace_oid(s)?].into_iter().collect(),
            None => self.effective_path(),
        };
        let of_method = |oid: &Oid| self.opclass(*oid).filter(|o| o.method == method.oid());
        Ok(path.into_iter().find_map(|n| self.find(class::OPCLASS, n, name).iter().find_map(of_method)))
    }

    /// The default class of users for a type.
    pub fn default_opclass(&self, method: IndexMethod, ty: Oid) -> Option<Oid> {
        let base = types::base_type(ty);
        self.all(class::OPCLASS).iter().find_map(|r| match &r.object {
            Object::OpClass(o) if o.default && o.method == method.oid() && o.takes(base) => Some(o.oid),
            _ => None,
        })
    }
}
