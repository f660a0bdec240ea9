//! The rows of `pg_settings` and of SHOW ALL.

use super::parameter::{Kind, Unit, flag};
use super::session::SessionSettings;
use super::snapshot::{Lookup, boot_value, parameter};
use super::table::{IDS, Id};

/// One row of `pg_settings`, columns in its order.
#[derive(Clone, Debug)]
pub struct SettingRow {
    pub name: &'static str,
    pub setting: String,
    pub unit: Option<&'static str>,
    pub category: &'static str,
    pub short_desc: &'static str,
    pub extra_desc: Option<&'static str>,
    pub context: &'static str,
    pub vartype: &'static str,
    pub source: &'static str,
    pub min_val: Option<String>,
    pub max_val: Option<String>,
    pub enumvals: Option<&'static [&'static str]>,
    pub boot_val: Option<String>,
    pub reset_val: Option<String>,
    pub sourcefile: Option<String>,
    pub sourceline: Option<i32>,
    pub pending_restart: bool,
}

/// Whether the library is loaded that a parameter, or anything else of such a name, belongs to.
pub fn is_loaded(view: &impl Lookup, name: &str) -> bool {
    let library = name.split('.').next().unwrap_or(name);
    let named = view.str(Id::SharedPreloadLibraries);
    super::check::split_list(&named)
        .is_some_and(|all| all.iter().any(|n| n == library || n == &format!("$libdir/{library}")))
}

/// All rows a user may see. `reads_all`: superuser or member of pg_read_all_settings.
pub fn rows(settings: &SessionSettings, reads_all: bool) -> Vec<SettingRow> {
    visible(settings, reads_all).map(|id| row(settings, id, reads_all)).collect()
}

/// Name, value and description, as SHOW ALL lists them.
pub fn show_all(settings: &SessionSettings, reads_all: bool) -> Vec<[String; 3]> {
    let line = |id| {
        let p = parameter(id);
        [p.name.to_string(), settings.show(id), p.description.to_string()]
    };
    visible(settings, reads_all).map(line).collect()
}

/// What the planner looks at and is not as it is built in: for EXPLAIN (SETTINGS).
pub fn changed_for_plans(settings: &SessionSettings) -> Vec<(&'static str, String)> {
    let changed = |id: &Id| parameter(*id).has(flag::EXPLAIN) && settings.entry(*id).value != *boot_value(*id);
    IDS.iter().copied().filter(changed).map(|id| (parameter(id).name, settings.show(id))).collect()
}

/// `pg_settings_get_flags(name)`; `None` for an unknown name.
pub fn flags(name: &str) -> Option<Vec<&'static str>> {
    let p = parameter(super::find(name)?);
    let named = [
        (flag::EXPLAIN, "EXPLAIN"),
        (flag::NO_SHOW_ALL, "NO_SHOW_ALL"),
        (flag::NO_RESET_ALL, "NO_RESET_ALL"),
        (flag::NOT_IN_SAMPLE, "NOT_IN_SAMPLE"),
        (flag::RUNTIME_COMPUTED, "RUNTIME_COMPUTED"),
    ];
    Some(named.into_iter().filter(|(bit, _)| p.has(*bit)).map(|(_, word)| word).collect())
}

fn visible(settings: &SessionSettings, reads_all: bool) -> impl Iterator<Item = Id> {
    let shown = move |id: &Id| {
        let p = parameter(*id);
        let hidden = p.has(flag::NO_SHOW_ALL) || p.has(flag::SUPERUSER_ONLY) && !reads_all;
        !hidden && (!p.has(flag::MODULE) || is_loaded(settings.view(), p.name))
    };
    IDS.iter().copied().filter(shown)
}

fn row(settings: &SessionSettings, id: Id, reads_all: bool) -> SettingRow {
    let p = parameter(id);
    let entry = settings.entry(id);
    let (min_val, max_val) = match p.kind {
        Kind::Int { min, max, .. } => (Some(min.to_string()), Some(max.to_string())),
        Kind::Real { min, max, .. } => (Some(super::format_g(min)), Some(super::format_g(max))),
        _ => (None, None),
    };
    let unit = p.kind.unit();
    SettingRow {
        name: p.name,
        setting: settings.plain(id),
        unit: (unit != Unit::None).then(|| unit.as_str()),
        category: p.category,
        short_desc: p.description,
        extra_desc: None,
        context: p.context.as_str(),
        vartype: p.kind.as_str(),
        source: entry.source.as_str(),
        min_val,
        max_val,
        enumvals: match p.kind {
            Kind::Enum { values, .. } => Some(values),
            _ => None,
        },
        boot_val: Some(boot_value(id).plain(p)),
        reset_val: Some(settings.reset_value(id).plain(p)),
        // Where files lie is told to the privileged alone.
        sourcefile: entry.file.filter(|_| reads_all).map(|f| f.to_string()),
        sourceline: (reads_all && entry.line > 0).then_some(entry.line as i32),
        pending_restart: entry.pending_restart,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Global, Lasting};
    use super::*;

    /// Rows follow the session, and what only superusers may see is left out for others.
    #[test]
    fn rows_follow_the_session() {
        let mut s = SessionSettings::new(&Global::boot());
        s.set("work_mem", "1MB", Lasting::Session, false).unwrap();
        let all = rows(&s, true);
        let work_mem = all.iter().find(|r| r.name == "work_mem").unwrap();
        assert_eq!((work_mem.setting.as_str(), work_mem.unit, work_mem.source), ("1024", Some("kB"), "session"));
        assert_eq!((work_mem.boot_val.as_deref(), work_mem.reset_val.as_deref()), (Some("4096"), Some("4096")));
        let names = |rows: &[SettingRow]| rows.iter().map(|r| r.name).collect::<Vec<_>>();
        assert!(names(&all).contains(&"config_file") && !names(&rows(&s, false)).contains(&"config_file"));
        assert!(!names(&all).contains(&"session_authorization"));
        assert_eq!(flags("work_mem"), Some(vec!["EXPLAIN"]));
        assert_eq!(flags("nosuch"), None);
        assert!(show_all(&s, true).iter().any(|r| r[0] == "work_mem" && r[1] == "1MB"));
    }
}
