//! From settings to what functions, types and the executor look at.

use crate::base::Result;
use crate::settings::{Id, Lasting, Lookup, SessionSettings, find};
use crate::sql::func::SessionFacts;
use parking_lot::Mutex;
use std::sync::Arc;

pub use crate::sql::command::{apply_search_path, apply_settings as apply};

/// The session's facts as functions ask for them.
pub struct Facts {
    pub settings: Arc<Mutex<SessionSettings>>,
    pub catalog: Arc<crate::catalog::Catalog>,
    pub database: String,
    pub pid: i32,
}

impl Facts {
    fn role(&self, oid: crate::base::Oid) -> Option<crate::catalog::object::Role> {
        self.catalog.role(oid)
    }

    fn is_superuser(&self) -> bool {
        self.role(self.catalog.acting().user).is_some_and(|r| r.superuser)
    }
}

impl SessionFacts for Facts {
    fn current_user(&self) -> String {
        self.role(self.catalog.acting().user).map(|r| r.name).unwrap_or_default()
    }

    fn session_user(&self) -> String {
        self.role(self.catalog.acting().session_user).map(|r| r.name).unwrap_or_default()
    }

    fn current_database(&self) -> String {
        self.database.clone()
    }

    fn current_schema(&self) -> Option<String> {
        let oid = self.catalog.creation_schema().ok()?;
        self.catalog.namespace(oid).map(|n| n.name)
    }

    fn current_schemas(&self, implicit: bool) -> Vec<String> {
        let path = match implicit {
            true => self.catalog.effective_path().to_vec(),
            false => self.catalog.named_path(),
        };
        path.into_iter().filter_map(|oid| self.catalog.namespace(oid)).map(|n| n.name).collect()
    }

    fn client_encoding(&self) -> String {
        self.settings.lock().view().str(Id::ClientEncoding).to_string()
    }

    fn backend_pid(&self) -> i32 {
        self.pid
    }

    fn setting(&self, name: &str) -> Option<String> {
        let reads_all = self.is_superuser();
        self.settings.lock().show_by_name(name, reads_all).ok()
    }

    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<String> {
        let superuser = self.is_superuser();
        let lasting = if local { Lasting::Local } else { Lasting::Session };
        let mut settings = self.settings.lock();
        if let Some(id @ (Id::Role | Id::SessionAuthorization)) = find(name) {
            crate::sql::command::own_right(&self.catalog, settings.view(), name)?;
            let acting = self.catalog.acting();
            let by = if id == Id::Role { acting.session_user } else { acting.authenticated };
            crate::sql::command::may_act_as(&self.catalog, by, id, value)?;
            settings.force(id, value, lasting)?;
            return settings.show_by_name(name, true);
        }
        crate::sql::command::check_tablespace_setting(&self.catalog, name, value)?;
        let value = &*crate::sql::text_search::checked_setting(&self.catalog, name, value)?;
        settings.set(name, value, lasting, superuser)?;
        settings.show_by_name(name, true)
    }

    fn version(&self) -> String {
        format!(
            "PostgreSQL {} on {}-unknown-linux-gnu, compiled by rustc, 64-bit",
            crate::settings::SERVER_VERSION,
            std::env::consts::ARCH
        )
    }
}
