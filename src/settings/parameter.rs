//! What is known of one parameter: its type, bounds, default, and who may set it when.

/// Who may change a parameter, and when. The order is PostgreSQL's GucContext.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Context {
    /// Nobody: it shows a fact.
    Internal,
    /// Only at the start of the server.
    Postmaster,
    /// Configuration files and a reload.
    Sighup,
    /// At the start of a superuser's connection.
    SuperuserBackend,
    /// At the start of a connection.
    Backend,
    /// A superuser, at any time.
    Superuser,
    /// Everybody, at any time.
    User,
}

impl Context {
    /// The word in `pg_settings.context`.
    pub fn as_str(self) -> &'static str {
        match self {
            Context::Internal => "internal",
            Context::Postmaster => "postmaster",
            Context::Sighup => "sighup",
            Context::SuperuserBackend => "superuser-backend",
            Context::Backend => "backend",
            Context::Superuser => "superuser",
            Context::User => "user",
        }
    }
}

/// What one counts in. A value without a unit in its text is in this base unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    None,
    Byte,
    KB,
    MB,
    /// Pages of 8 KiB.
    Blocks,
    Ms,
    S,
    Min,
}

impl Unit {
    /// The text in `pg_settings.unit` and in range errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::None => "",
            Unit::Byte => "B",
            Unit::KB => "kB",
            Unit::MB => "MB",
            Unit::Blocks => "8kB",
            Unit::Ms => "ms",
            Unit::S => "s",
            Unit::Min => "min",
        }
    }

    pub fn is_memory(self) -> bool {
        matches!(self, Unit::Byte | Unit::KB | Unit::MB | Unit::Blocks)
    }
}

/// The type of a parameter's value, with its bounds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    Bool,
    Int {
        min: i64,
        max: i64,
        unit: Unit,
    },
    Real {
        min: f64,
        max: f64,
        unit: Unit,
    },
    String,
    Enum {
        /// The values offered in hints and in `pg_settings.enumvals`.
        values: &'static [&'static str],
        /// Accepted, but not offered: the word, and the value it stands for.
        aliases: &'static [(&'static str, &'static str)],
    },
}

impl Kind {
    /// The word in `pg_settings.vartype`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::Int { .. } => "integer",
            Kind::Real { .. } => "real",
            Kind::String => "string",
            Kind::Enum { .. } => "enum",
        }
    }

    pub fn unit(self) -> Unit {
        match self {
            Kind::Int { unit, .. } | Kind::Real { unit, .. } => unit,
            _ => Unit::None,
        }
    }
}

/// Bits of [`Parameter::flags`]; names are PostgreSQL's without `GUC_`.
pub mod flag {
    /// Shown by EXPLAIN (SETTINGS).
    pub const EXPLAIN: u16 = 1;
    pub const NO_SHOW_ALL: u16 = 2;
    pub const NO_RESET_ALL: u16 = 4;
    pub const NOT_IN_SAMPLE: u16 = 8;
    pub const RUNTIME_COMPUTED: u16 = 16;
    /// Its changes are told to the client by ParameterStatus.
    pub const REPORT: u16 = 32;
    /// SET takes several values, comma-separated.
    pub const LIST_INPUT: u16 = 64;
    /// Each element of the list is quoted as an identifier.
    pub const LIST_QUOTE: u16 = 128;
    /// Shown only to superusers and members of pg_read_all_settings.
    pub const SUPERUSER_ONLY: u16 = 256;
    pub const DISALLOW_IN_FILE: u16 = 512;
    pub const DISALLOW_IN_AUTO_FILE: u16 = 1024;
    /// Of a library: shown where `shared_preload_libraries` names it.
    pub const MODULE: u16 = 2048;
    /// Its value is cut like a name.
    pub const IS_NAME: u16 = 4096;
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub context: Context,
    pub kind: Kind,
    /// The default as text in the base unit.
    pub boot: &'static str,
    pub category: &'static str,
    pub flags: u16,
    /// One short sentence.
    pub description: &'static str,
}

impl Parameter {
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}
