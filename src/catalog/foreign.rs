//! Foreign data as catalog objects: wrappers, servers, and as whom users are known there. No wrapper has code, so what they
//! say is kept and shown, and nothing is read by it.

use super::object::{Depend, ObjectKey, class};
use crate::base::Oid;
use serde::{Deserialize, Serialize};

/// A row of `pg_foreign_data_wrapper`, `pg_foreign_server` or `pg_user_mapping`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Foreign {
    pub oid: Oid,
    pub name: String,
    /// Of a user mapping: whom it is for; invalid: PUBLIC.
    pub owner: Oid,
    #[serde(default)]
    pub acl: Option<Vec<String>>,
    #[serde(default)]
    pub options: Vec<(String, String)>,
    pub kind: ForeignKind,
    #[serde(default)]
    pub depends: Vec<Depend>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ForeignKind {
    Wrapper {
        /// `fdwvalidator`; invalid: options are not checked.
        validator: Oid,
    },
    Server {
        wrapper: Oid,
        /// `srvtype`, `srvversion`.
        word: Option<String>,
        version: Option<String>,
    },
    Mapping {
        server: Oid,
    },
}

impl Foreign {
    pub fn key(&self) -> ObjectKey {
        let class = match self.kind {
            ForeignKind::Wrapper { .. } => class::FOREIGN_DATA_WRAPPER,
            ForeignKind::Server { .. } => class::FOREIGN_SERVER,
            ForeignKind::Mapping { .. } => class::USER_MAPPING,
        };
        ObjectKey::new(class, self.oid)
    }

    pub fn is_mapping(&self) -> bool {
        matches!(self.kind, ForeignKind::Mapping { .. })
    }

    /// As the catalogs keep options.
    pub fn option_texts(&self) -> Vec<String> {
        self.options.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}
