//! Dates, times, timestamps, intervals and time zones.
//!
//! PostgreSQL's range (4714 BC to 294276 AD, dates to 5874897 AD), its lenient reading, its styles of writing.
//! Offsets are kept in seconds east of Greenwich, except where a name says `west` (what PostgreSQL stores in `timetz`).

mod abbreviation;
pub mod civil;
pub mod date;
mod decode;
pub mod format;
pub mod interval;
pub mod setting;
pub mod time;
pub mod timestamp;
pub mod token;
pub mod zone;

pub use civil::Civil;
pub use decode::{Fault, zone_displacement};
pub use interval::Interval;
pub use time::TimeTz;
pub use token::Unit;
pub use zone::Zone;
