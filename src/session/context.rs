//! From settings to what functions, types and the executor look at.

use crate::base::Result;
use crate::settings::{Id, Lasting, Lookup, SessionSettings, View, split_list};
use crate::sql::Backend;
use crate::sql::exec::ExecContext;
use crate::sql::func::SessionFacts;
use crate::types::context::{ByteaOutput, DateOrder, DateStyle, IntervalStyle};
use crate::types::datetime::Zone;
use parking_lot::Mutex;
use std::sync::Arc;

/// Makes the context follow the settings.
pub fn apply(cx: &mut ExecContext, view: &View) {
    let io = &mut cx.fx.io;
    let style = view.str(Id::DateStyle).to_ascii_lowercase();
    io.date_style = match style.split(',').next().map(str::trim) {
        Some("sql") => DateStyle::Sql,
        Some("postgres") => DateStyle::Postgres,
        Some("german") => DateStyle::German,
        _ => DateStyle::Iso,
    };
    io.date_order = match style.split(',').nth(1).map(str::trim) {
        Some("dmy") => DateOrder::Dmy,
        Some("ymd") => DateOrder::Ymd,
        _ => DateOrder::Mdy,
    };
    io.interval_style = match view.choice(Id::IntervalStyle) {
        "postgres_verbose" => IntervalStyle::PostgresVerbose,
        "sql_standard" => IntervalStyle::SqlStandard,
        "iso_8601" => IntervalStyle::Iso8601,
        _ => IntervalStyle::Postgres,
    };
    io.time_zone = Zone::setting(&view.str(Id::TimeZone)).unwrap_or_else(Zone::utc);
    io.extra_float_digits = view.int(Id::ExtraFloatDigits) as i32;
    io.bytea_output = match view.choice(Id::ByteaOutput) {
        "escape" => ByteaOutput::Escape,
        _ => ByteaOutput::Hex,
    };
    cx.settings.work_mem_kb = view.int(Id::WorkMem) as usize;
    cx.settings.hash_mem_multiplier = view.real(Id::HashMemMultiplier);
    cx.settings.temp_file_limit_kb = u64::try_from(view.int(Id::TempFileLimit)).ok();
}

/// Makes the catalog's search path follow the setting; `$user` is the current role.
pub fn apply_search_path(backend: &Backend) {
    let names = split_list(&backend.view.str(Id::SearchPath)).unwrap_or_default();
    let user = |n: String| if n == "$user" { backend.user.current_name.clone() } else { n };
    backend.catalog.set_search_path(names.into_iter().map(user).collect());
}

/// The session's facts as functions ask for them.
pub struct Facts {
    pub settings: Arc<Mutex<SessionSettings>>,
    pub names: Mutex<Names>,
    pub catalog: Arc<crate::catalog::Catalog>,
    pub database: String,
    pub pid: i32,
}

/// Who the session is at the moment.
#[derive(Clone, Default)]
pub struct Names {
    pub current_user: String,
    pub session_user: String,
    pub is_superuser: bool,
}

impl SessionFacts for Facts {
    fn current_user(&self) -> String {
        self.names.lock().current_user.clone()
    }

    fn session_user(&self) -> String {
        self.names.lock().session_user.clone()
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

    fn backend_pid(&self) -> i32 {
        self.pid
    }

    fn setting(&self, name: &str) -> Option<String> {
        let reads_all = self.names.lock().is_superuser;
        self.settings.lock().show_by_name(name, reads_all).ok()
    }

    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<String> {
        let superuser = self.names.lock().is_superuser;
        let lasting = if local { Lasting::Local } else { Lasting::Session };
        let mut settings = self.settings.lock();
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
