//! The server's settings: built at start from files and the command line, replaced as a whole by a reload.

use super::check::check;
use super::file::{ConfigFiles, Fault, Item, Parsed, parse_file};
use super::parameter::{Context, flag};
use super::snapshot::{Entry, Lookup, Snapshot, Source, boot_value, find, parameter};
use super::table::{IDS, Id};
use super::value::Value;
use crate::base::error::Report;
use crate::base::{Error, Result, Severity, SqlState};
use crate::err;
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Where the settings come from.
#[derive(Clone, Default)]
pub struct Origin {
    /// The data directory, absolute. Empty: built-in defaults and the command line only.
    pub data_directory: PathBuf,
    /// Instead of `postgresql.conf` in the data directory.
    pub config_file: Option<PathBuf>,
    /// `-c name=value` and the options that stand for one, in order.
    pub command_line: Vec<(String, String)>,
}

impl Origin {
    pub fn config_path(&self) -> PathBuf {
        match &self.config_file {
            Some(path) => path.clone(),
            None => self.data_directory.join("postgresql.conf"),
        }
    }

    pub fn auto_path(&self) -> PathBuf {
        self.data_directory.join("postgresql.auto.conf")
    }
}

/// One line of a configuration file as `pg_file_settings` shows it.
#[derive(Clone, Debug)]
pub struct FileSetting {
    pub item: Item,
    pub applied: bool,
    pub error: Option<String>,
}

/// The server's settings. Cheap to read from any thread.
pub struct Global {
    current: ArcSwap<Snapshot>,
    origin: Origin,
    files: Arc<dyn ConfigFiles>,
    /// One change at a time.
    changing: Mutex<()>,
}

/// Variables of the server's environment that stand for parameters.
const ENVIRONMENT: [(&str, &str); 3] =
    [("PGPORT", "port"), ("PGDATESTYLE", "datestyle"), ("PGCLIENTENCODING", "client_encoding")];

impl Global {
    /// Built-in defaults only: for tests and tools.
    pub fn boot() -> Global {
        Global {
            current: ArcSwap::from_pointee(Snapshot::default()),
            origin: Origin::default(),
            files: Arc::new(NoFiles),
            changing: Mutex::new(()),
        }
    }

    /// Reads everything for the first time. Any fault is fatal; the lines before the last error are in `Err.0`.
    pub fn load(origin: Origin, files: Arc<dyn ConfigFiles>) -> std::result::Result<Global, (Vec<Report>, Error)> {
        let fatal = |e: Error| (Vec::new(), e.severity(Severity::Fatal));
        let mut base = Snapshot::default();
        for (variable, name) in ENVIRONMENT {
            if let Ok(text) = std::env::var(variable) {
                set(&mut base, name, &text, Source::Environment).map_err(fatal)?;
            }
        }
        for (name, text) in &origin.command_line {
            set(&mut base, name, text, Source::CommandLine).map_err(fatal)?;
        }
        let mut reports = Vec::new();
        let mut next = base;
        if !origin.data_directory.as_os_str().is_empty() {
            let outcome = apply_files(&origin, &*files, &next, true);
            if outcome.failed {
                let message = format!("configuration file \"{}\" contains errors", outcome.path(&origin));
                return Err((outcome.reports, fatal(Error::new(SqlState::CONFIG_FILE_ERROR, message)).1));
            }
            reports.extend(outcome.reports);
            next = outcome.snapshot;
            locate(&mut next, &origin);
        }
        compute(&mut next);
        check_together(&next).map_err(fatal)?;
        for report in &reports {
            crate::base::report::log(report);
        }
        Ok(Global { current: ArcSwap::from_pointee(next), origin, files, changing: Mutex::new(()) })
    }

    /// Reads the files again and returns what PostgreSQL's postmaster would log.
    pub fn reload(&self) -> Vec<Report> {
        let _one = self.changing.lock().unwrap_or_else(|e| e.into_inner());
        if self.origin.data_directory.as_os_str().is_empty() {
            return Vec::new();
        }
        let outcome = apply_files(&self.origin, &*self.files, &self.current.load(), false);
        let path = outcome.path(&self.origin);
        let mut reports = outcome.reports;
        if outcome.failed {
            let what = match outcome.applied {
                true => "unaffected changes were applied",
                false => "no changes were applied",
            };
            let text = format!("configuration file \"{path}\" contains errors; {what}");
            reports.push(Report::notice(Severity::Log, SqlState::CONFIG_FILE_ERROR, text));
        }
        if outcome.applied {
            let mut next = outcome.snapshot;
            compute(&mut next);
            self.current.store(Arc::new(next));
        }
        reports
    }

    /// The values in force now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn files(&self) -> &dyn ConfigFiles {
        &*self.files
    }

    /// Sets a parameter that shows a fact (`data_checksums`, `in_hot_standby`), or one the server computes.
    pub fn set_internal(&self, id: Id, text: &str) -> Result<()> {
        let _one = self.changing.lock().unwrap_or_else(|e| e.into_inner());
        let value = Value::parse(parameter(id), text)?;
        let mut next = Snapshot::clone(&self.current.load());
        next.entries[id as usize] = Entry::new(value, Source::Override);
        self.current.store(Arc::new(next));
        Ok(())
    }

    /// What the files say now, line by line, for `pg_file_settings`.
    pub fn file_settings(&self) -> Vec<FileSetting> {
        if self.origin.data_directory.as_os_str().is_empty() {
            return Vec::new();
        }
        let parsed = read_files(&self.origin, &*self.files);
        let current = self.current.load();
        let last = last_items(&parsed.items);
        let mut rows: Vec<FileSetting> = Vec::new();
        for (i, item) in parsed.items.iter().enumerate() {
            let error = item_error(item, &current);
            let applied = error.is_none() && last.get(&item.name.to_ascii_lowercase()) == Some(&i);
            rows.push(FileSetting { item: item.clone(), applied, error });
        }
        for fault in parsed.faults {
            let item = Item { name: String::new(), value: String::new(), file: fault.file, line: fault.line };
            rows.push(FileSetting { item, applied: false, error: Some(fault.message) });
        }
        rows
    }
}

impl Lookup for Global {
    fn with_value<R>(&self, id: Id, read: impl FnOnce(&Value) -> R) -> R {
        self.current.load().with_value(id, read)
    }
}

/// Settings that came from nowhere.
struct NoFiles;

impl ConfigFiles for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
    fn list(&self, _: &Path) -> std::io::Result<Vec<String>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
    fn replace(&self, _: &Path, _: &[u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// 42704 with PostgreSQL's words.
pub fn unrecognized(name: &str) -> Error {
    err!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"").place("find_option", "guc.c", 5734)
}

/// Two or more simple identifiers with dots between.
pub fn is_custom_name(name: &str) -> bool {
    let word = |w: &str| {
        !w.is_empty()
            && !w.starts_with(|c: char| c.is_ascii_digit() || c == '$')
            && w.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii())
    };
    name.contains('.') && name.split('.').all(word)
}

/// Sets a value from outside a session: the command line or a file.
fn set(snapshot: &mut Snapshot, name: &str, text: &str, source: Source) -> Result<()> {
    let Some(id) = find(name) else {
        if !name.contains('.') {
            return Err(unrecognized(name));
        }
        check_custom_name(name)?;
        snapshot.custom.insert(name.to_ascii_lowercase(), Entry::new(Value::Str(text.into()), source));
        return Ok(());
    };
    if parameter(id).context == Context::Internal {
        return Err(err!(CANT_CHANGE_RUNTIME_PARAM, "parameter \"{}\" cannot be changed", parameter(id).name));
    }
    let value = validate(snapshot, id, text)?;
    snapshot.entries[id as usize] = Entry::new(value, source);
    Ok(())
}

/// Errors unless the name may be a custom parameter's.
pub fn check_custom_name(name: &str) -> Result<()> {
    if is_custom_name(name) {
        return Ok(());
    }
    Err(err!(INVALID_NAME, "invalid configuration parameter name \"{name}\"")
        .detail("Custom parameter names must be two or more simple identifiers separated by dots."))
}

/// Parses and checks a value against the one in force.
pub fn validate(current: &impl Lookup, id: Id, text: &str) -> Result<Value> {
    match Value::parse(parameter(id), text)? {
        Value::Str(s) => {
            let old = current.str(id);
            Ok(Value::Str(check(id, &s, &old)?.into()))
        }
        Value::Bool(true) if id == Id::DefaultWithOids => {
            Err(err!(FEATURE_NOT_SUPPORTED, "tables declared WITH OIDS are not supported"))
        }
        value => Ok(value),
    }
}

/// Combinations with which no server may start.
fn check_together(s: &Snapshot) -> Result<()> {
    let (connections, reserved) = (s.int(Id::MaxConnections), s.int(Id::SuperuserReservedConnections));
    if reserved >= connections {
        return Err(err!(
            INVALID_PARAMETER_VALUE,
            "superuser_reserved_connections ({reserved}) must be less than max_connections ({connections})"
        ));
    }
    if s.choice(Id::WalLevel) == "minimal" {
        if s.choice(Id::ArchiveMode) != "off" {
            return Err(err!(INVALID_PARAMETER_VALUE, "WAL archival cannot be enabled when wal_level is \"minimal\""));
        }
        if s.int(Id::MaxWalSenders) > 0 {
            return Err(err!(
                INVALID_PARAMETER_VALUE,
                "WAL streaming (max_wal_senders > 0) requires wal_level \"replica\" or \"logical\""
            ));
        }
    }
    let segment_mb = s.int(Id::WalSegmentSize) >> 20;
    for (id, name) in [(Id::MinWalSize, "min_wal_size"), (Id::MaxWalSize, "max_wal_size")] {
        if s.int(id) < 2 * segment_mb {
            return Err(err!(INVALID_PARAMETER_VALUE, "\"{name}\" must be at least twice \"wal_segment_size\""));
        }
    }
    Ok(())
}

struct Outcome {
    snapshot: Snapshot,
    reports: Vec<Report>,
    failed: bool,
    /// The last file with an error, where it is not the main one.
    faulty: Option<Arc<str>>,
    /// Whether the files were good enough to be applied in part.
    applied: bool,
}

fn read_files(origin: &Origin, files: &dyn ConfigFiles) -> Parsed {
    let mut parsed = parse_file(files, &origin.config_path(), true);
    let auto = parse_file(files, &origin.auto_path(), false);
    parsed.items.extend(auto.items);
    parsed.faults.extend(auto.faults);
    parsed
}

/// For each name the index of its last line, which is the one that counts.
fn last_items(items: &[Item]) -> HashMap<String, usize> {
    items.iter().enumerate().map(|(i, item)| (item.name.to_ascii_lowercase(), i)).collect()
}

/// Why a line cannot be applied, if it cannot.
fn item_error(item: &Item, current: &Snapshot) -> Option<String> {
    match find(&item.name) {
        None if item.name.contains('.') => None,
        None => Some("unrecognized configuration parameter".to_string()),
        Some(id) if disallowed(id) => Some("parameter cannot be changed".to_string()),
        Some(id) => match validate(current, id, &item.value) {
            Err(_) => Some("setting could not be applied".to_string()),
            Ok(value) => {
                let entry = current.entry(id);
                let restart = parameter(id).context == Context::Postmaster
                    && entry.source <= Source::File
                    && entry.value != value;
                restart.then(|| "setting could not be applied".to_string())
            }
        },
    }
}

fn disallowed(id: Id) -> bool {
    parameter(id).has(flag::DISALLOW_IN_FILE)
}

fn fault_report(fault: &Fault) -> Report {
    Report::notice(Severity::Log, SqlState::SYNTAX_ERROR, fault.message.clone())
}

fn line_report(state: SqlState, text: String) -> Report {
    Report::notice(Severity::Log, state, text)
}

/// PostgreSQL 15, guc.c, ProcessConfigFileInternal: same order of checks, so that a bad name applies nothing
/// while a bad value spoils only itself.
impl Outcome {
    fn fail(&mut self, item: &Item) {
        self.failed = true;
        self.faulty = Some(item.file.clone());
    }

    /// The file that the last word on it names.
    fn path(&self, origin: &Origin) -> String {
        match &self.faulty {
            Some(file) => file.to_string(),
            None => origin.config_path().display().to_string(),
        }
    }
}

fn apply_files(origin: &Origin, files: &dyn ConfigFiles, current: &Snapshot, at_start: bool) -> Outcome {
    let parsed = read_files(origin, files);
    let mut reports: Vec<Report> =
        parsed.notes.iter().map(|n| line_report(SqlState::SUCCESSFUL_COMPLETION, n.clone())).collect();
    reports.extend(parsed.faults.iter().map(fault_report));
    let mut failed = !parsed.faults.is_empty();
    let mut faulty = parsed.faults.last().map(|f| f.file.clone());
    for item in &parsed.items {
        if find(&item.name).is_none() && !item.name.contains('.') {
            let text = format!(
                "unrecognized configuration parameter \"{}\" in file \"{}\" line {}",
                item.name, item.file, item.line
            );
            reports.push(line_report(SqlState::UNDEFINED_OBJECT, text));
            (failed, faulty) = (true, Some(item.file.clone()));
        }
    }
    let mut outcome = Outcome { snapshot: current.clone(), reports, failed, faulty, applied: !failed };
    if failed {
        return outcome;
    }
    let last = last_items(&parsed.items);
    remove_missing(&mut outcome, &last, at_start);
    for (i, item) in parsed.items.iter().enumerate() {
        if last.get(&item.name.to_ascii_lowercase()) == Some(&i) {
            apply_item(&mut outcome, item, at_start);
        }
    }
    outcome
}

/// Parameters that were in a file and are no longer go back to their defaults.
fn remove_missing(outcome: &mut Outcome, last: &HashMap<String, usize>, at_start: bool) {
    if at_start {
        return;
    }
    for &id in IDS {
        let p = parameter(id);
        let entry = &mut outcome.snapshot.entries[id as usize];
        if entry.source != Source::File || last.contains_key(&p.name.to_ascii_lowercase()) {
            continue;
        }
        if p.context == Context::Postmaster {
            entry.pending_restart = true;
            outcome.reports.push(needs_restart(p.name));
            outcome.failed = true;
            continue;
        }
        *entry = Entry::new(boot_value(id).clone(), Source::Default);
        let text = format!("parameter \"{}\" removed from configuration file, reset to default", p.name);
        outcome.reports.push(line_report(SqlState::SUCCESSFUL_COMPLETION, text));
    }
    let keep = |name: &String, e: &mut Entry| e.source != Source::File || last.contains_key(name);
    outcome.snapshot.custom.retain(keep);
}

fn needs_restart(name: &str) -> Report {
    line_report(
        SqlState::CANT_CHANGE_RUNTIME_PARAM,
        format!("parameter \"{name}\" cannot be changed without restarting the server"),
    )
}

fn apply_item(outcome: &mut Outcome, item: &Item, at_start: bool) {
    let Some(id) = find(&item.name) else {
        let mut entry = Entry::new(Value::Str(item.value.as_str().into()), Source::File);
        (entry.file, entry.line) = (Some(item.file.clone()), item.line);
        let name = item.name.to_ascii_lowercase();
        if outcome.snapshot.custom.get(&name).is_none_or(|e| e.source <= Source::File) {
            outcome.snapshot.custom.insert(name, entry);
        }
        return;
    };
    let p = parameter(id);
    if disallowed(id) {
        let text = format!("parameter \"{}\" cannot be changed", p.name);
        outcome.reports.push(line_report(SqlState::CANT_CHANGE_RUNTIME_PARAM, text));
        outcome.fail(item);
        return;
    }
    let value = match validate(&outcome.snapshot, id, &item.value) {
        Ok(value) => value,
        Err(e) => {
            let mut report = *e.0;
            report.severity = Severity::Log;
            outcome.reports.push(report);
            outcome.fail(item);
            return;
        }
    };
    let entry = &mut outcome.snapshot.entries[id as usize];
    if entry.source > Source::File {
        return;
    }
    if p.context == Context::Postmaster && !at_start {
        entry.pending_restart = entry.value != value && !is_located(id);
        if entry.pending_restart {
            outcome.reports.push(needs_restart(p.name));
            outcome.fail(item);
        }
        return;
    }
    if !at_start && entry.value != value {
        let text = format!("parameter \"{}\" changed to \"{}\"", item.name, item.value);
        outcome.reports.push(line_report(SqlState::SUCCESSFUL_COMPLETION, text));
    }
    *entry =
        Entry { value, source: Source::File, file: Some(item.file.clone()), line: item.line, pending_restart: false };
}

/// Parameters that [`locate`] and [`compute`] rewrite after the files were read.
fn is_located(id: Id) -> bool {
    matches!(id, Id::DataDirectory | Id::ConfigFile | Id::HbaFile | Id::IdentFile | Id::WalBuffers)
}

/// Fills in where the files are, absolute, as SHOW prints them.
fn locate(snapshot: &mut Snapshot, origin: &Origin) {
    let mut place = |id: Id, default: PathBuf, relative_to: &Path| {
        let entry = &mut snapshot.entries[id as usize];
        let path = match &entry.value {
            Value::Str(s) if !s.is_empty() => relative_to.join(&**s),
            _ => {
                entry.source = Source::Override;
                default
            }
        };
        entry.value = Value::Str(path.to_string_lossy().into());
    };
    let data = &origin.data_directory;
    place(Id::DataDirectory, data.clone(), data);
    place(Id::ConfigFile, origin.config_path(), data);
    place(Id::HbaFile, data.join("pg_hba.conf"), data);
    place(Id::IdentFile, data.join("pg_ident.conf"), data);
}

/// Values that follow from others (PostgreSQL 15: XLOGChooseNumBuffers, InitializeShmemGUCs).
fn compute(snapshot: &mut Snapshot) {
    let shared = snapshot.int(Id::SharedBuffers);
    if snapshot.int(Id::WalBuffers) == -1 {
        let pages = (shared / 32).clamp(8, 2048);
        let entry = &mut snapshot.entries[Id::WalBuffers as usize];
        entry.value = Value::Int(pages);
        entry.source = Source::Override;
    }
    let mut derive = |id: Id, value: i64, source: Source| {
        let entry = &mut snapshot.entries[id as usize];
        if entry.source <= Source::DynamicDefault || entry.source == Source::Override {
            *entry = Entry::new(Value::Int(value), source);
        }
    };
    let megabytes = shared * 8192 / (1024 * 1024) + 15;
    derive(Id::SharedMemorySize, megabytes, Source::Override);
    derive(Id::SharedMemorySizeInHugePages, (megabytes + 1) / 2, Source::Override);
    derive(Id::MaxStackDepth, 2048, Source::DynamicDefault);
}

/// Reads all custom parameters of the server, by name.
pub fn custom_of(snapshot: &Snapshot) -> &BTreeMap<String, Entry> {
    &snapshot.custom
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::Memory;
    use super::*;

    fn origin(command_line: &[(&str, &str)]) -> Origin {
        Origin {
            data_directory: "/d".into(),
            config_file: None,
            command_line: command_line.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
        }
    }

    fn rewrite(files: &Memory, path: &str, text: &str) {
        files.0.lock().unwrap().insert(path.into(), text.into());
    }

    /// Later sources win: default, postgresql.conf, postgresql.auto.conf, command line.
    #[test]
    fn layers() {
        let files = Memory::with(&[
            ("/d/postgresql.conf", "work_mem = 1MB\nmax_connections=50\nport=6000\nmy.own = 'x'\n"),
            ("/d/postgresql.auto.conf", "work_mem = '2MB'\n"),
        ]);
        let g = Global::load(origin(&[("port", "7000")]), files).map_err(|e| e.1).unwrap();
        assert_eq!(g.show(Id::WorkMem), "2MB");
        assert_eq!(g.int(Id::MaxConnections), 50);
        assert_eq!(g.int(Id::Port), 7000);
        assert_eq!(g.show(Id::WalBuffers), "4MB");
        assert_eq!(&*g.str(Id::HbaFile), "/d/pg_hba.conf");
        let s = g.snapshot();
        assert_eq!(
            (s.entry(Id::MaxConnections).file.as_deref(), s.entry(Id::MaxConnections).line),
            (Some("/d/postgresql.conf"), 2)
        );
        assert_eq!(s.entry(Id::WorkMem).source, Source::File);
        assert_eq!(s.custom("MY.own").map(|e| e.value.clone()), Some(Value::Str("x".into())));
        assert_eq!(g.bytes(Id::WorkMem), 2 << 20);
        assert_eq!(g.duration(Id::CheckpointTimeout), Some(std::time::Duration::from_secs(300)));
    }

    /// A reload applies what it may, says what changed, and marks what needs a restart.
    #[test]
    fn reload() {
        let files = Memory::with(&[("/d/postgresql.conf", "work_mem=1MB\nfsync=off\nmax_connections=50\n")]);
        let g = Global::load(origin(&[]), files.clone()).map_err(|e| e.1).unwrap();
        let texts = |g: &Global| g.reload().into_iter().map(|r| r.message).collect::<Vec<_>>();
        assert_eq!(texts(&g), Vec::<String>::new());
        rewrite(&files, "/d/postgresql.conf", "work_mem=8MB\nmax_connections=60\n");
        assert_eq!(
            texts(&g),
            [
                "parameter \"fsync\" removed from configuration file, reset to default",
                "parameter \"work_mem\" changed to \"8MB\"",
                "parameter \"max_connections\" cannot be changed without restarting the server",
                "configuration file \"/d/postgresql.conf\" contains errors; unaffected changes were applied",
            ]
        );
        assert_eq!((g.show(Id::WorkMem).as_str(), g.bool(Id::Fsync), g.int(Id::MaxConnections)), ("8MB", true, 50));
        assert!(g.snapshot().entry(Id::MaxConnections).pending_restart);
        rewrite(&files, "/d/postgresql.conf", "nosuch = 1\nwork_mem=9MB\nmax_connections=50\n");
        assert_eq!(
            texts(&g),
            [
                "unrecognized configuration parameter \"nosuch\" in file \"/d/postgresql.conf\" line 1",
                "configuration file \"/d/postgresql.conf\" contains errors; no changes were applied",
            ]
        );
        assert_eq!(g.show(Id::WorkMem), "8MB");
        let rows = g.file_settings();
        assert_eq!(rows[0].error.as_deref(), Some("unrecognized configuration parameter"));
        assert!(rows[1].applied && rows[1].error.is_none());
    }

    /// A bad file stops the start, and the reason comes before the FATAL.
    #[test]
    fn bad_start() {
        let files = Memory::with(&[("/d/postgresql.conf", "checkpoint_timeout = 5s\n")]);
        let Err((reports, fatal)) = Global::load(origin(&[]), files) else { panic!() };
        assert_eq!(
            reports[0].message,
            "5 s is outside the valid range for parameter \"checkpoint_timeout\" (30 .. 86400)"
        );
        assert_eq!(fatal.message(), "configuration file \"/d/postgresql.conf\" contains errors");
        assert_eq!(fatal.0.severity, Severity::Fatal);
        let e = Global::load(origin(&[("nosuch", "1")]), Memory::with(&[])).err().unwrap().1;
        assert_eq!(e.message(), "unrecognized configuration parameter \"nosuch\"");
        let line = [("max_connections", "3")];
        let e = Global::load(origin(&line), Memory::with(&[("/d/postgresql.conf", "")])).err().unwrap().1;
        assert_eq!(e.message(), "superuser_reserved_connections (3) must be less than max_connections (3)");
    }
}
