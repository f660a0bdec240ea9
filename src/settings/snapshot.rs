//! The values in force for the whole server at one moment, and where each came from.

use super::parameter::Parameter;
use super::table::{IDS, Id, PARAMETERS};
use super::value::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Where a value came from. A later source wins over an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    Default,
    /// Computed at start.
    DynamicDefault,
    Environment,
    File,
    CommandLine,
    Global,
    Database,
    Role,
    RoleInDatabase,
    /// The startup packet.
    Client,
    /// Forced by the server.
    Override,
    Session,
}

impl Source {
    /// The text in `pg_settings.source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Default | Source::DynamicDefault => "default",
            Source::Environment => "environment variable",
            Source::File => "configuration file",
            Source::CommandLine => "command line",
            Source::Global => "global",
            Source::Database => "database",
            Source::Role => "user",
            Source::RoleInDatabase => "database user",
            Source::Client => "client",
            Source::Override => "override",
            Source::Session => "session",
        }
    }
}

/// One parameter's value with its origin.
#[derive(Clone, Debug)]
pub struct Entry {
    pub value: Value,
    pub source: Source,
    /// The configuration file's path and 1-based line, for `Source::File`.
    pub file: Option<Arc<str>>,
    pub line: u32,
    /// A file holds another value that needs a restart.
    pub pending_restart: bool,
}

impl Entry {
    pub fn new(value: Value, source: Source) -> Entry {
        Entry { value, source, file: None, line: 0, pending_restart: false }
    }
}

/// All values of the server; never changed once shared.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) entries: Vec<Entry>,
    /// Names with a dot, in lower case.
    pub(super) custom: BTreeMap<String, Entry>,
}

/// Looks a parameter up by name, whatever its case.
pub fn find(name: &str) -> Option<Id> {
    static OLD_NAMES: &[(&str, Id)] = &[("sort_mem", Id::WorkMem), ("vacuum_mem", Id::MaintenanceWorkMem)];
    let lower = name.to_ascii_lowercase();
    let found = PARAMETERS.binary_search_by(|p| compare_folded(p.name, &lower)).ok();
    found.map(|i| IDS[i]).or_else(|| OLD_NAMES.iter().find(|(old, _)| *old == lower).map(|(_, id)| *id))
}

fn compare_folded(name: &str, lower: &str) -> std::cmp::Ordering {
    name.bytes().map(|b| b.to_ascii_lowercase()).cmp(lower.bytes())
}

/// The table's line of a parameter.
pub fn parameter(id: Id) -> &'static Parameter {
    &PARAMETERS[id as usize]
}

static BOOT: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let parse = |p: &Parameter| Value::parse(p, p.boot).unwrap_or_else(|_| Value::Str(p.boot.into()));
    PARAMETERS.iter().map(parse).collect()
});

/// The built-in default.
pub fn boot_value(id: Id) -> &'static Value {
    &BOOT[id as usize]
}

impl Default for Snapshot {
    fn default() -> Snapshot {
        let entries = BOOT.iter().map(|v| Entry::new(v.clone(), Source::Default)).collect();
        Snapshot { entries, custom: BTreeMap::new() }
    }
}

impl Snapshot {
    pub fn entry(&self, id: Id) -> &Entry {
        &self.entries[id as usize]
    }

    pub fn custom(&self, name: &str) -> Option<&Entry> {
        self.custom.get(&name.to_ascii_lowercase())
    }
}

impl Lookup for Snapshot {
    fn with_value<R>(&self, id: Id, read: impl FnOnce(&Value) -> R) -> R {
        read(&self.entries[id as usize].value)
    }
}

/// Typed reading, by id. Asking for the wrong type is a fault of the caller and shows in any test that runs the line.
pub trait Lookup {
    fn with_value<R>(&self, id: Id, read: impl FnOnce(&Value) -> R) -> R;

    fn bool(&self, id: Id) -> bool {
        self.with_value(id, |v| match v {
            Value::Bool(b) => *b,
            v => wrong(id, v),
        })
    }

    /// In the base unit of the table (`work_mem`: kB, `shared_buffers`: 8 kB pages, `checkpoint_timeout`: s).
    fn int(&self, id: Id) -> i64 {
        self.with_value(id, |v| match v {
            Value::Int(n) => *n,
            v => wrong(id, v),
        })
    }

    fn real(&self, id: Id) -> f64 {
        self.with_value(id, |v| match v {
            Value::Real(r) => *r,
            v => wrong(id, v),
        })
    }

    fn str(&self, id: Id) -> Arc<str> {
        self.with_value(id, |v| match v {
            Value::Str(s) => s.clone(),
            v => wrong(id, v),
        })
    }

    /// The enum value's canonical name.
    fn choice(&self, id: Id) -> &'static str {
        self.with_value(id, |v| match v {
            Value::Enum(s) => *s,
            v => wrong(id, v),
        })
    }

    /// A memory parameter in bytes; negative values (meaning "not set") stay as they are.
    fn bytes(&self, id: Id) -> i64 {
        use super::parameter::Unit;
        let n = self.int(id);
        if n < 0 {
            return n;
        }
        n * match parameter(id).kind.unit() {
            Unit::KB => 1024,
            Unit::MB => 1024 * 1024,
            Unit::Blocks => 8192,
            _ => 1,
        }
    }

    /// A time parameter; `None` when it is negative, zero stays zero.
    fn duration(&self, id: Id) -> Option<std::time::Duration> {
        use super::parameter::Unit;
        let unit_ms = match parameter(id).kind.unit() {
            Unit::S => 1000,
            Unit::Min => 60_000,
            _ => 1,
        };
        let micros = self.with_value(id, |v| match v {
            Value::Int(n) => *n * unit_ms * 1000,
            Value::Real(r) => (*r * unit_ms as f64 * 1000.0) as i64,
            v => wrong(id, v),
        });
        u64::try_from(micros).ok().map(std::time::Duration::from_micros)
    }

    /// The text SHOW prints.
    fn show(&self, id: Id) -> String
    where
        Self: Sized,
    {
        shown(self, id)
    }

    /// The text in `pg_settings.setting`.
    fn plain(&self, id: Id) -> String
    where
        Self: Sized,
    {
        plainly(self, id)
    }
}

/// [`Lookup::show`] of what no connection changes.
pub(super) fn shown(settings: &impl Lookup, id: Id) -> String {
    match is_disabled(settings, id) {
        true => "(disabled)".to_string(),
        false => settings.with_value(id, |v| v.show(parameter(id))),
    }
}

/// [`Lookup::plain`] of what no connection changes.
pub(super) fn plainly(settings: &impl Lookup, id: Id) -> String {
    match is_disabled(settings, id) {
        true => "(disabled)".to_string(),
        false => settings.with_value(id, |v| v.plain(parameter(id))),
    }
}

fn is_disabled(settings: &impl Lookup, id: Id) -> bool {
    id == Id::ArchiveCommand && settings.choice(Id::ArchiveMode) == "off"
}

#[cold]
fn wrong<T>(id: Id, value: &Value) -> T {
    panic!("SET-1: parameter {id:?} read as another type than {value:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are found whatever their case, the table is sorted for it, and ids index it.
    #[test]
    fn every_name_is_found() {
        for (i, p) in PARAMETERS.iter().enumerate() {
            assert_eq!(find(&p.name.to_ascii_uppercase()).map(|id| id as usize), Some(i), "{}", p.name);
        }
        assert_eq!(find("nosuch"), None);
        assert_eq!(find("sort_mem"), Some(Id::WorkMem));
    }
}
