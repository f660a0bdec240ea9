//! `pg_settings`, `pg_file_settings`, and the time zones.

use super::cell::texts;
use super::{Sink, View, row};
use crate::base::{Flow, Oid};
use crate::settings::{self, FileSetting};
use crate::sql::exec::ExecContext;
use crate::types::Value;
use crate::types::datetime::{Interval, Zone};

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_settings", rows: settings_rows },
    View { name: "pg_file_settings", rows: file_settings },
    View { name: "pg_timezone_names", rows: zone_names },
    View { name: "pg_timezone_abbrevs", rows: zone_abbreviations },
];

/// Members may see all settings.
const PG_READ_ALL_SETTINGS: Oid = Oid(3374);

fn settings_rows(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let backend = cx.backend()?;
    let reads_all = crate::sql::exec::rights::subject(backend).has_role(PG_READ_ALL_SETTINGS);
    let mut rows = settings::rows(&backend.settings.lock(), reads_all);
    rows.sort_by_key(|r| r.name.to_ascii_lowercase());
    for r in rows {
        row![sink;
            r.name, r.setting, r.unit, r.category, r.short_desc, r.extra_desc, r.context, r.vartype, r.source,
            r.min_val, r.max_val, r.enumvals.map(texts), r.boot_val, r.reset_val, r.sourcefile, r.sourceline,
            r.pending_restart,
        ];
    }
    Ok(())
}

fn file_settings(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let all: Vec<FileSetting> = cx.backend()?.instance.settings.file_settings();
    for (n, s) in all.into_iter().enumerate() {
        let (applied, error) = (s.applied, s.error);
        row![sink; s.item.file.to_string(), s.item.line as i32, n + 1, s.item.name, s.item.value, applied, error];
    }
    Ok(())
}

fn offset(seconds: i32) -> Value {
    let interval = Interval { us: i64::from(seconds) * 1_000_000, days: 0, months: 0 };
    Value::Bytes(interval.to_bytes().into())
}

fn zone_names(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let now = cx.fx.io.now_us;
    for name in Zone::names() {
        if let Some(zone) = Zone::named(&name) {
            let at = zone.at_utc(now);
            row![sink; name, at.abbreviation, offset(at.offset), at.dst];
        }
    }
    Ok(())
}

fn zone_abbreviations(_: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for (name, east, dst) in Zone::abbreviations() {
        row![sink; name, offset(east), dst];
    }
    Ok(())
}
