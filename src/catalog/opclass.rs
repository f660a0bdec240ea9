//! Operator classes and families of users as catalog objects.

use super::object::{IndexMethod, Object, ObjectKey, class, fixed};
use super::{Catalog, Conversion};
use crate::base::{Oid, Result};
use crate::types::{self, oid};
use serde::{Deserialize, Serialize};

/// A row of `pg_opclass`, and what is in it.
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

/// A row of `pg_opfamily`, with the members that no class of it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpFamily {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    /// The access method's OID.
    pub method: Oid,
    pub operators: Vec<(i16, Oid, [Oid; 2])>,
    pub ordering: Vec<(Oid, Oid)>,
    pub functions: Vec<(i16, Oid, [Oid; 2])>,
}

impl OpFamily {
    /// The access method's name.
    pub fn method_name(&self) -> &'static str {
        method_name(self.method)
    }
}

/// What an access method is called, those without code included.
pub fn method_name(method: Oid) -> &'static str {
    match IndexMethod::of(method) {
        Some(m) => m.name(),
        None if method == fixed::SPGIST_AM => "spgist",
        None => "",
    }
}

/// The index access method of a name, those without code included.
pub fn method_named(name: &str) -> Option<Oid> {
    let spgist = (name == "spgist").then_some(fixed::SPGIST_AM);
    IndexMethod::named(name).map(IndexMethod::oid).or(spgist)
}

impl OpClass {
    /// The access method's name.
    pub fn method_name(&self) -> &'static str {
        method_name(self.method)
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

    pub fn opfamily(&self, oid: Oid) -> Option<OpFamily> {
        match &self.get(ObjectKey::new(class::OPFAMILY, oid))?.object {
            Object::OpFamily(f) => Some(f.clone()),
            _ => None,
        }
    }

    /// The family of users in a schema.
    pub fn opfamily_in(&self, namespace: Oid, method: Oid, name: &str) -> Option<OpFamily> {
        let of_method = |oid: &Oid| self.opfamily(*oid).filter(|f| f.method == method);
        self.find(class::OPFAMILY, namespace, name).iter().find_map(of_method)
    }

    /// The class of users in a schema.
    pub fn opclass_in(&self, namespace: Oid, method: Oid, name: &str) -> Option<OpClass> {
        let of_method = |oid: &Oid| self.opclass(*oid).filter(|o| o.method == method);
        self.find(class::OPCLASS, namespace, name).iter().find_map(of_method)
    }

    pub fn conversion_in(&self, namespace: Oid, name: &str) -> Option<Conversion> {
        let oid = *self.find(class::CONVERSION, namespace, name).first()?;
        match &self.get(ObjectKey::new(class::CONVERSION, oid))?.object {
            Object::Conversion(c) => Some(c.clone()),
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
        Ok(path.into_iter().find_map(|n| self.opclass_in(n, method.oid(), name)))
    }

    /// The default class of users for a type.
    pub fn default_opclass(&self, method: IndexMethod, ty: Oid) -> Option<Oid> {
        let base = types::base_type(ty);
        self.all(class::OPCLASS).iter().find_map(|r| match &r.object {
            Object::OpClass(o) if o.default && !o.code.is_empty() && o.method == method.oid() && o.takes(base) => {
                Some(o.oid)
            }
            _ => None,
        })
    }
}
