//! Every parameter of the server in one table; the values in force for the server and for each session.
//!
//! Must never read a file by itself (it is given [`ConfigFiles`]) and never know what a parameter does.
//!
//! Invariants:
//! - SET-1: a parameter's value always has its table line's type and lies within its bounds.
//! - SET-2: a [`Snapshot`] and a [`View`] never change once shared; a change makes a new one.
//! - SET-3: at the end of a transaction the undo stack of a session is empty.
//!
//! On disk: `postgresql.conf` and `postgresql.auto.conf`, PostgreSQL's format (see `file`).

mod alter_system;
mod check;
mod file;
mod global;
mod list;
mod parameter;
mod session;
mod snapshot;
pub mod switches;
mod table;
mod value;

pub use alter_system::{Change, alter_system};
pub use check::{Check, register, split_list};
pub use file::{ConfigFiles, Item, os_text, parse_file, parse_text, quote};
pub use global::{FileSetting, Global, Origin, check_custom_name, custom_of, is_custom_name, unrecognized, validate};
pub use list::{SettingRow, changed_for_plans, flags, is_loaded, rows, show_all};
pub use parameter::{Context, Kind, Parameter, Unit, flag};
pub use session::{Connection, Lasting, SessionSettings, TcpTimes, View};
pub use snapshot::{Entry, Lookup, Snapshot, Source, boot_value, find, parameter};
pub use table::{IDS, Id, PARAMETERS, SERVER_VERSION, version_text};
pub use value::{Value, format_g, parse_bool, parse_int, parse_real};
