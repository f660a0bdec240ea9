//! Users' operators, casts and collations as catalog objects.

use super::object::Depend;
use crate::base::Oid;
use serde::{Deserialize, Serialize};

/// A row of `pg_operator`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    /// Invalid: a prefix operator.
    pub left: Oid,
    pub right: Oid,
    pub result: Oid,
    pub function: Oid,
    #[serde(default)]
    pub commutator: Oid,
    #[serde(default)]
    pub negator: Oid,
    #[serde(default)]
    pub merges: bool,
    #[serde(default)]
    pub hashes: bool,
    /// Selectivity functions of restrictions and joins.
    #[serde(default)]
    pub restrict: Oid,
    #[serde(default)]
    pub join: Oid,
    #[serde(default)]
    pub depends: Vec<Depend>,
}

/// A row of `pg_cast`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cast {
    pub oid: Oid,
    pub source: Oid,
    pub target: Oid,
    /// Invalid: the value as it is, or by way of its text.
    pub function: Oid,
    /// i, a, e.
    pub context: char,
    /// f, i, b.
    pub method: char,
    #[serde(default)]
    pub depends: Vec<Depend>,
}

/// A row of `pg_collation` that is not built in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collation {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    pub collate: String,
    pub ctype: String,
    /// ICU's locale, where ICU orders; `collate` and `ctype` are empty then.
    #[serde(default)]
    pub icu_locale: Option<String>,
    /// Texts are equal only if their bytes are.
    #[serde(default = "yes")]
    pub deterministic: bool,
    /// The version of what ordered when it was made.
    #[serde(default)]
    pub version: Option<String>,
}

fn yes() -> bool {
    true
}

impl Collation {
    /// Library and locale.
    pub fn locale(&self) -> (crate::types::collation::Provider, &str) {
        crate::types::collation::named(self.icu_locale.as_deref(), &self.collate)
    }

    /// What it orders by.
    ///
    /// # Errors
    /// 22023 where the system has no such locale.
    pub fn order(&self) -> crate::base::Result<crate::types::Collation> {
        let (provider, locale) = self.locale();
        if !self.deterministic {
            return crate::types::Collation::open_nondeterministic(locale);
        }
        let order = crate::types::Collation::open(provider, locale)?;
        Ok(if self.icu_locale.is_some() { order } else { order.with_case_of(&self.ctype) })
    }
}
