//! One session's settings: the server's values, what its role and client brought, SET and SET LOCAL,
//! and the undo that transactions and savepoints need.
//!
//! PostgreSQL 15, guc.c, push_old_value and AtEOXact_GUC: same states and merges.

use super::global::{Global, check_custom_name, unrecognized, validate};
use super::parameter::{Context, flag};
use super::snapshot::{Entry, Lookup, Snapshot, Source, find, parameter};
use super::table::{IDS, Id};
use super::value::Value;
use crate::base::{Error, Result};
use crate::err;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// How long a SET lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lasting {
    /// Until the end of the session, if the transaction commits.
    Session,
    /// Until the end of the transaction.
    Local,
    /// Until the nest level ends, whatever happens: a function's SET clause.
    Save,
}

/// A known parameter or a custom one, whose name is in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Known(Id),
    Custom(Arc<str>),
}

/// Modules whose parameters have defaults of their own, where they are read.
const MODULES: [&str; 2] = ["plpgsql", "pg_trgm"];

/// A value of the session's own. `None` in the undo stack means: the reset value applied.
#[derive(Clone, Debug, PartialEq)]
struct Own {
    value: Value,
    source: Source,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Save,
    Set,
    Local,
    /// SET, then SET LOCAL: at commit the SET's value comes back.
    SetLocal,
}

#[derive(Clone, Debug)]
struct Undo {
    nest: u32,
    state: State,
    prior: Option<Own>,
    masked: Option<Own>,
}

const WORDS: usize = 8;

/// The values one statement runs with; cheap to clone, never changes.
#[derive(Clone, Debug)]
pub struct View {
    base: Arc<Snapshot>,
    overridden: [u64; WORDS],
    over: Arc<Vec<(Id, Value)>>,
    connection: Connection,
}

/// `tcp_keepalives_idle`, `tcp_keepalives_interval`, `tcp_keepalives_count`, `tcp_user_timeout`.
pub type TcpTimes = [i64; 4];

/// What a session's client is connected by, which decides what TCP's settings show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// None, or nobody has said.
    #[default]
    Unknown,
    Unix,
    /// With what the system has set.
    Tcp(TcpTimes),
}

impl View {
    /// What a setting of TCP shows, where it is not what was set (PostgreSQL 15, guc.c, show_tcp_keepalives_idle and
    /// others: same).
    fn tcp_time(&self, id: Id) -> Option<String> {
        let ids = [Id::TcpKeepalivesIdle, Id::TcpKeepalivesInterval, Id::TcpKeepalivesCount, Id::TcpUserTimeout];
        let at = ids.iter().position(|i| *i == id)?;
        match self.connection {
            Connection::Unknown => None,
            Connection::Unix => Some("0".into()),
            Connection::Tcp(system) => match self.int(id) {
                0 => Some(system[at].to_string()),
                n => Some(n.to_string()),
            },
        }
    }

    /// Nothing was set between these two.
    pub fn is(&self, other: &View) -> bool {
        Arc::ptr_eq(&self.over, &other.over) && Arc::ptr_eq(&self.base, &other.base)
    }
}

impl Lookup for View {
    fn with_value<R>(&self, id: Id, read: impl FnOnce(&Value) -> R) -> R {
        let n = id as usize;
        if self.overridden[n / 64] & (1 << (n % 64)) != 0
            && let Ok(i) = self.over.binary_search_by_key(&id, |(id, _)| *id)
        {
            return read(&self.over[i].1);
        }
        self.base.with_value(id, read)
    }

    fn show(&self, id: Id) -> String {
        self.tcp_time(id).unwrap_or_else(|| super::snapshot::shown(self, id))
    }

    fn plain(&self, id: Id) -> String {
        self.tcp_time(id).unwrap_or_else(|| super::snapshot::plainly(self, id))
    }
}

/// One session's settings.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    view: View,
    /// What RESET goes back to, where it is not the server's value.
    reset: BTreeMap<Key, Own>,
    set: BTreeMap<Key, Own>,
    undo: BTreeMap<Key, Vec<Undo>>,
    /// 0 outside a transaction, 1 in one, more in savepoints and functions.
    nest: u32,
    changed: BTreeSet<Id>,
    /// Custom names the session has set or reset: they stay known, empty where they have no value any more. PostgreSQL 15,
    /// guc.c, add_placeholder_variable: same rule.
    placeholders: BTreeSet<Arc<str>>,
}

impl SessionSettings {
    pub fn new(global: &Global) -> SessionSettings {
        SessionSettings::over(global.snapshot())
    }

    /// What the client is connected by.
    pub fn connected_by(&mut self, connection: Connection) {
        self.view.connection = connection;
    }

    pub fn over(base: Arc<Snapshot>) -> SessionSettings {
        SessionSettings {
            view: View { base, overridden: [0; WORDS], over: Arc::default(), connection: Connection::Unknown },
            reset: BTreeMap::new(),
            set: BTreeMap::new(),
            undo: BTreeMap::new(),
            nest: 0,
            changed: BTreeSet::new(),
            placeholders: BTreeSet::new(),
        }
    }

    /// The values in force, for a statement to take along.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Takes over the server's values after a reload; those fixed at connection start stay.
    pub fn refresh(&mut self, global: &Global) {
        let next = global.snapshot();
        if Arc::ptr_eq(&next, &self.view.base) {
            return;
        }
        for &id in IDS {
            let fixed = matches!(parameter(id).context, Context::Backend | Context::SuperuserBackend);
            let (old, new) = (self.view.base.entry(id), next.entry(id));
            if fixed && old.value != new.value {
                let own = Own { value: old.value.clone(), source: old.source };
                self.reset.entry(Key::Known(id)).or_insert(own);
            }
        }
        let before = self.reported();
        self.view.base = next;
        self.rebuild();
        for (id, text) in before {
            if self.show(id) != text {
                self.changed.insert(id);
            }
        }
    }

    /// SET by a statement (or `set_config`). `privileged`: superuser, or granted SET on this parameter.
    pub fn set(&mut self, name: &str, text: &str, lasting: Lasting, privileged: bool) -> Result<()> {
        let key = self.key_to_set(name)?;
        let value = match &key {
            Key::Known(id) => {
                allowed_in_session(*id, privileged)?;
                validate(&self.view, *id, text)?
            }
            Key::Custom(_) => Value::Str(text.into()),
        };
        self.put(key, Some(Own { value, source: Source::Session }), lasting);
        Ok(())
    }

    /// A value the server itself forces, without asking who may (`is_superuser`, `role`, `transaction_read_only`).
    pub fn force(&mut self, id: Id, text: &str, lasting: Lasting) -> Result<()> {
        let value = validate(&self.view, id, text)?;
        self.put(Key::Known(id), Some(Own { value, source: Source::Override }), lasting);
        Ok(())
    }

    /// `force` of several at once, before anything else is set in the session.
    pub fn force_at_start(&mut self, all: &[(Id, &str)]) -> Result<()> {
        for (id, text) in all {
            let value = validate(&self.view, *id, text)?;
            let key = Key::Known(*id);
            self.note(&key);
            self.set.insert(key, Own { value, source: Source::Override });
        }
        self.rebuild();
        Ok(())
    }

    /// Settings of a role or database, or the startup packet's: they become what RESET goes back to.
    /// A weaker source does not replace a stronger one.
    pub fn set_at_start(&mut self, name: &str, text: &str, source: Source, privileged: bool) -> Result<()> {
        let key = self.key_to_set(name)?;
        let value = match &key {
            Key::Known(id) => {
                let from_client = source == Source::Client;
                allowed_at_start(*id, privileged, from_client)?;
                validate(&self.view, *id, text)?
            }
            Key::Custom(_) => Value::Str(text.into()),
        };
        if self.reset.get(&key).is_none_or(|own| own.source <= source) {
            self.reset.insert(key.clone(), Own { value, source });
            self.rebuild();
            self.note(&key);
        }
        Ok(())
    }

    /// RESET name, or SET name TO DEFAULT.
    pub fn reset(&mut self, name: &str, lasting: Lasting, privileged: bool) -> Result<()> {
        let key = self.key_to_set(name)?;
        if let Key::Known(id) = key {
            allowed_in_session(id, privileged)?;
        }
        self.put(key, None, lasting);
        Ok(())
    }

    /// RESET ALL, also part of DISCARD ALL.
    pub fn reset_all(&mut self) {
        let keys: Vec<Key> = self.set.keys().cloned().collect();
        for key in keys {
            let settable = match &key {
                Key::Known(id) => {
                    let p = parameter(*id);
                    matches!(p.context, Context::User | Context::Superuser) && !p.has(flag::NO_RESET_ALL)
                }
                Key::Custom(_) => true,
            };
            if settable {
                self.put(key, None, Lasting::Session);
            }
        }
    }

    /// SHOW name, or `current_setting`. `reads_all`: superuser or member of pg_read_all_settings.
    pub fn show_by_name(&self, name: &str, reads_all: bool) -> Result<String> {
        if let Some(id) = find(name) {
            if parameter(id).has(flag::MODULE) && !super::list::is_loaded(&self.view, name) {
                return Err(unrecognized(name));
            }
            if parameter(id).has(flag::SUPERUSER_ONLY) && !reads_all {
                return Err(err!(
                    INSUFFICIENT_PRIVILEGE,
                    "must be superuser or have privileges of pg_read_all_settings to examine \"{}\"",
                    parameter(id).name
                ));
            }
            return Ok(match id {
                Id::Seed => "unavailable".to_string(),
                _ => self.show(id),
            });
        }
        self.custom(name).ok_or_else(|| unrecognized(name))
    }

    /// The canonical spelling of a parameter's name, as SHOW titles its column.
    pub fn canonical_name(name: &str) -> String {
        find(name).map_or_else(|| name.to_ascii_lowercase(), |id| parameter(id).name.to_string())
    }

    fn custom(&self, name: &str) -> Option<String> {
        let key = Key::Custom(name.to_ascii_lowercase().into());
        let own = self.set.get(&key).or_else(|| self.reset.get(&key)).map(|own| &own.value);
        match own.or_else(|| self.view.base.custom(name).map(|e| &e.value)) {
            Some(Value::Str(s)) => Some(s.to_string()),
            Some(_) => None,
            None => self.placeholders.contains(name.to_ascii_lowercase().as_str()).then(String::new),
        }
    }

    /// The value in force with its origin, for `pg_settings`.
    pub fn entry(&self, id: Id) -> Entry {
        let key = Key::Known(id);
        match self.set.get(&key).or_else(|| self.reset.get(&key)) {
            Some(own) => {
                let pending_restart = self.view.base.entry(id).pending_restart;
                Entry { pending_restart, ..Entry::new(own.value.clone(), own.source) }
            }
            None => self.view.base.entry(id).clone(),
        }
    }

    /// What RESET would go back to.
    pub fn reset_value(&self, id: Id) -> &Value {
        match self.reset.get(&Key::Known(id)) {
            Some(own) => &own.value,
            None => &self.view.base.entry(id).value,
        }
    }

    /// GUC_REPORT parameters with their values: all that a client is told at the start.
    pub fn reported(&self) -> Vec<(Id, String)> {
        static TOLD: LazyLock<Vec<Id>> =
            LazyLock::new(|| IDS.iter().copied().filter(|id| parameter(*id).has(flag::REPORT)).collect());
        TOLD.iter().map(|id| (*id, self.show(*id))).collect()
    }

    /// GUC_REPORT parameters that changed since this was last asked, for ParameterStatus.
    pub fn take_changed(&mut self) -> Vec<(&'static str, String)> {
        if self.changed.is_empty() {
            return Vec::new();
        }
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|id| (parameter(id).name, self.show(id))).collect()
    }

    /// A transaction begins.
    pub fn begin(&mut self) {
        self.nest = 1;
    }

    /// The innermost nest level: 0 outside a transaction, 1 in one, more in savepoints and functions.
    pub fn level(&self) -> u32 {
        self.nest
    }

    /// A savepoint or a function with SET clauses begins; returns the level to end with.
    pub fn enter(&mut self) -> u32 {
        self.nest += 1;
        self.nest
    }

    /// Everything at or above this level ends: kept (RELEASE, normal return) or undone.
    pub fn leave(&mut self, level: u32, keep: bool) {
        self.end_levels(level, keep);
        self.nest = level.saturating_sub(1);
    }

    /// The transaction commits: SET stays, SET LOCAL goes.
    pub fn commit(&mut self) {
        self.end_levels(1, true);
        self.nest = 0;
    }

    /// The transaction is rolled back: all goes.
    pub fn rollback(&mut self) {
        self.end_levels(1, false);
        self.nest = 0;
    }

    fn key_to_set(&self, name: &str) -> Result<Key> {
        if let Some(id) = find(name) {
            return Ok(Key::Known(id));
        }
        if !name.contains('.') {
            return Err(unrecognized(name));
        }
        check_custom_name(name)?;
        Ok(Key::Custom(name.to_ascii_lowercase().into()))
    }

    fn put(&mut self, key: Key, own: Option<Own>, lasting: Lasting) {
        if let Key::Custom(name) = &key
            && !MODULES.iter().any(|m| name.split_once('.').is_some_and(|(prefix, _)| prefix == *m))
        {
            self.placeholders.insert(name.clone());
        }
        self.push_undo(&key, lasting);
        self.store(&key, own);
    }

    fn store(&mut self, key: &Key, own: Option<Own>) {
        match own {
            Some(own) => self.set.insert(key.clone(), own),
            None => self.set.remove(key),
        };
        self.rebuild();
        self.note(key);
    }

    fn note(&mut self, key: &Key) {
        if let Key::Known(id) = key
            && parameter(*id).has(flag::REPORT)
        {
            self.changed.insert(*id);
        }
    }

    fn push_undo(&mut self, key: &Key, lasting: Lasting) {
        if self.nest == 0 {
            return;
        }
        let prior = self.set.get(key).cloned();
        let nest = self.nest;
        let stack = self.undo.entry(key.clone()).or_default();
        if let Some(top) = stack.last_mut().filter(|top| top.nest >= nest) {
            match lasting {
                Lasting::Session => {
                    top.masked = None;
                    top.state = State::Set;
                }
                Lasting::Local if top.state == State::Set => {
                    top.masked = prior;
                    top.state = State::SetLocal;
                }
                Lasting::Local | Lasting::Save => {}
            }
            return;
        }
        let state = match lasting {
            Lasting::Session => State::Set,
            Lasting::Local => State::Local,
            Lasting::Save => State::Save,
        };
        stack.push(Undo { nest, state, prior, masked: None });
    }

    fn end_levels(&mut self, level: u32, keep: bool) {
        if self.undo.is_empty() {
            return;
        }
        let mut undo = std::mem::take(&mut self.undo);
        for (key, stack) in &mut undo {
            self.end_stack(key, stack, level, keep);
        }
        undo.retain(|_, stack| !stack.is_empty());
        self.undo = undo;
    }

    fn end_stack(&mut self, key: &Key, stack: &mut Vec<Undo>, level: u32, keep: bool) {
        while let Some(mut top) = stack.pop_if(|top| top.nest >= level) {
            if !keep || top.state == State::Save {
                self.store(key, top.prior);
                continue;
            }
            if top.nest == 1 {
                match top.state {
                    State::SetLocal => self.store(key, top.masked),
                    State::Local => self.store(key, top.prior),
                    State::Set | State::Save => {}
                }
                continue;
            }
            match stack.last_mut().filter(|below| below.nest + 1 >= top.nest) {
                None => {
                    // The outer level had no entry yet: this one becomes its own.
                    top.nest -= 1;
                    stack.push(top);
                }
                Some(below) => merge(below, top),
            }
        }
    }

    fn rebuild(&mut self) {
        let mut over: Vec<(Id, Value)> = Vec::new();
        let mut overridden = [0u64; WORDS];
        let mut keys: Vec<&Key> = self.reset.keys().chain(self.set.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            if let (Key::Known(id), Some(own)) = (key, self.set.get(key).or_else(|| self.reset.get(key))) {
                over.push((*id, own.value.clone()));
                overridden[*id as usize / 64] |= 1 << (*id as usize % 64);
            }
        }
        self.view.over = Arc::new(over);
        self.view.overridden = overridden;
    }
}

fn merge(below: &mut Undo, top: Undo) {
    match top.state {
        State::Save => {}
        State::Set => {
            below.masked = None;
            below.state = State::Set;
        }
        State::Local if below.state == State::Set => {
            below.masked = top.prior;
            below.state = State::SetLocal;
        }
        State::Local => {}
        State::SetLocal => {
            below.masked = top.masked;
            below.state = State::SetLocal;
        }
    }
}

impl Lookup for SessionSettings {
    fn with_value<R>(&self, id: Id, read: impl FnOnce(&Value) -> R) -> R {
        self.view.with_value(id, read)
    }

    fn show(&self, id: Id) -> String {
        self.view.show(id)
    }

    fn plain(&self, id: Id) -> String {
        self.view.plain(id)
    }
}

fn refused(name: &str, how: &str) -> Error {
    err!(CANT_CHANGE_RUNTIME_PARAM, "parameter \"{name}\" {how}").place("set_config_option_ext", "guc.c", 7729)
}

fn denied(name: &str) -> Error {
    err!(INSUFFICIENT_PRIVILEGE, "permission denied to set parameter \"{name}\"")
}

fn allowed_in_session(id: Id, privileged: bool) -> Result<()> {
    let p = parameter(id);
    match p.context {
        Context::Internal => Err(refused(p.name, "cannot be changed")),
        Context::Postmaster => Err(refused(p.name, "cannot be changed without restarting the server").place(
            "set_config_option_ext",
            "guc.c",
            7719,
        )),
        Context::Sighup => Err(refused(p.name, "cannot be changed now")),
        Context::Backend | Context::SuperuserBackend => Err(refused(p.name, "cannot be set after connection start")),
        Context::Superuser if !privileged => Err(denied(p.name)),
        Context::Superuser | Context::User => Ok(()),
    }
}

fn allowed_at_start(id: Id, privileged: bool, from_client: bool) -> Result<()> {
    let p = parameter(id);
    match p.context {
        Context::Backend => Ok(()),
        Context::SuperuserBackend if privileged || !from_client => Ok(()),
        Context::SuperuserBackend => Err(denied(p.name)),
        Context::Superuser if !privileged && from_client => Err(denied(p.name)),
        Context::Superuser => Ok(()),
        _ => allowed_in_session(id, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionSettings {
        SessionSettings::new(&Global::boot())
    }

    fn set(s: &mut SessionSettings, text: &str, lasting: Lasting) {
        s.set("work_mem", text, lasting, false).unwrap();
    }

    fn shown(s: &SessionSettings) -> String {
        s.show(Id::WorkMem)
    }

    /// SET survives a commit, not a rollback; SET LOCAL survives neither; SET then SET LOCAL ends with the SET.
    #[test]
    fn transactions() {
        let mut s = session();
        set(&mut s, "1MB", Lasting::Session);
        s.begin();
        set(&mut s, "2MB", Lasting::Session);
        set(&mut s, "3MB", Lasting::Local);
        assert_eq!(shown(&s), "3MB");
        s.commit();
        assert_eq!(shown(&s), "2MB");
        s.begin();
        set(&mut s, "5MB", Lasting::Local);
        s.commit();
        assert_eq!(shown(&s), "2MB");
        s.begin();
        set(&mut s, "6MB", Lasting::Session);
        s.rollback();
        assert_eq!(shown(&s), "2MB");
        s.reset("WORK_MEM", Lasting::Session, false).unwrap();
        assert_eq!(shown(&s), "4MB");
    }

    /// A savepoint's changes are undone with it, and merge into the transaction when it is released.
    #[test]
    fn savepoints() {
        let mut s = session();
        s.begin();
        let sp = s.enter();
        set(&mut s, "2MB", Lasting::Session);
        s.leave(sp, false);
        assert_eq!(shown(&s), "4MB");
        let a = s.enter();
        let _b = s.enter();
        set(&mut s, "3MB", Lasting::Local);
        s.leave(a, true);
        assert_eq!(shown(&s), "3MB");
        s.commit();
        assert_eq!(shown(&s), "4MB");
        s.begin();
        set(&mut s, "1MB", Lasting::Session);
        let c = s.enter();
        set(&mut s, "7MB", Lasting::Local);
        s.leave(c, true);
        s.commit();
        assert_eq!(shown(&s), "1MB");
    }

    /// A function's SET clause ends with the function, even when it succeeds.
    #[test]
    fn function_settings() {
        let mut s = session();
        s.begin();
        let f = s.enter();
        set(&mut s, "9MB", Lasting::Save);
        assert_eq!(shown(&s), "9MB");
        s.leave(f, true);
        assert_eq!(shown(&s), "4MB");
    }

    /// Who may set what when, with PostgreSQL's SQLSTATE and words.
    #[test]
    fn refusals() {
        let mut s = session();
        let mut fail = |name: &str| {
            let e = s.set(name, "1", Lasting::Session, false).unwrap_err();
            format!("{} {}", e.sqlstate().as_str(), e.message())
        };
        assert_eq!(fail("wal_level"), "55P02 parameter \"wal_level\" cannot be changed without restarting the server");
        assert_eq!(fail("server_version"), "55P02 parameter \"server_version\" cannot be changed");
        assert_eq!(fail("max_wal_size"), "55P02 parameter \"max_wal_size\" cannot be changed now");
        assert_eq!(fail("log_connections"), "55P02 parameter \"log_connections\" cannot be set after connection start");
        assert_eq!(fail("log_min_messages"), "42501 permission denied to set parameter \"log_min_messages\"");
        assert_eq!(fail("nosuch_setting"), "42704 unrecognized configuration parameter \"nosuch_setting\"");
        assert_eq!(fail("a.b-c"), "42602 invalid configuration parameter name \"a.b-c\"");
        let e = s.show_by_name("config_file", false).unwrap_err();
        assert_eq!(
            e.message(),
            "must be superuser or have privileges of pg_read_all_settings to examine \"config_file\""
        );
    }

    /// Role and client settings are what RESET goes back to, the stronger source wins, and reports follow each change.
    #[test]
    fn reset_layer_and_reports() {
        let mut s = session();
        s.set_at_start("application_name", "client", Source::Client, false).unwrap();
        s.set_at_start("application_name", "role", Source::Role, false).unwrap();
        assert_eq!(s.take_changed(), [("application_name", "client".to_string())]);
        s.set("application_name", "x", Lasting::Session, false).unwrap();
        assert_eq!(s.take_changed(), [("application_name", "x".to_string())]);
        s.reset_all();
        assert_eq!(s.take_changed(), [("application_name", "client".to_string())]);
        assert!(s.take_changed().is_empty());
        s.begin();
        s.set("datestyle", "german", Lasting::Session, false).unwrap();
        s.rollback();
        assert_eq!(s.take_changed(), [("DateStyle", "ISO, MDY".to_string())]);
    }

    /// Custom names work in any case, roll back, and are unknown until set; then they stay known.
    #[test]
    fn custom_names() {
        let mut s = session();
        assert!(s.show_by_name("my.other", true).is_err());
        s.begin();
        s.set("My.Custom", "1", Lasting::Session, false).unwrap();
        assert_eq!(s.show_by_name("my.custom", false).unwrap(), "1");
        s.rollback();
        assert_eq!(s.show_by_name("my.custom", true).unwrap(), "");
    }

    /// A statement's view does not change when the session's settings do.
    #[test]
    fn views_are_frozen() {
        let mut s = session();
        let view = s.view().clone();
        set(&mut s, "1MB", Lasting::Session);
        assert_eq!((view.int(Id::WorkMem), s.int(Id::WorkMem)), (4096, 1024));
    }
}
