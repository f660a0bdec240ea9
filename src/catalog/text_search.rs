//! Text search configurations and dictionaries as catalog objects.

use super::object::Depend;
use crate::base::Oid;
use serde::{Deserialize, Serialize};

/// A row of `pg_ts_config` with those of `pg_ts_config_map`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TsConfig {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    /// Kinds of tokens, ascending, with their dictionaries in the order they are asked.
    #[serde(default)]
    pub maps: Vec<(i32, Vec<Oid>)>,
    #[serde(default)]
    pub depends: Vec<Depend>,
}

/// A row of `pg_ts_dict`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TsDictionary {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    pub template: Oid,
    /// `name = 'value', …`
    #[serde(default)]
    pub options: Option<String>,
}
