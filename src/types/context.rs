//! What reading and writing values depends on besides the type: a session's settings and its catalogs.

use super::TypeRef;
use super::datetime::zone::Zone;
use crate::base::charset::Charset;
use crate::base::{Oid, Result};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `DateStyle`, first half.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DateStyle {
    #[default]
    Iso,
    Sql,
    Postgres,
    German,
}

/// `DateStyle`, second half.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
}

/// `IntervalStyle`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IntervalStyle {
    #[default]
    Postgres,
    PostgresVerbose,
    SqlStandard,
    Iso8601,
}

/// `bytea_output`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ByteaOutput {
    #[default]
    Hex,
    Escape,
}

/// The settings that text input and output depend on. Cheap to clone; made anew when a setting changes.
#[derive(Clone)]
pub struct IoContext {
    pub date_style: DateStyle,
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
    pub time_zone: Zone,
    pub extra_float_digits: i32,
    pub bytea_output: ByteaOutput,
    /// `xmloption`.
    pub xml_form: super::xml::Form,
    /// NULL in an array's text is a NULL unless quoted.
    pub array_nulls: bool,
    /// Start of the transaction in microseconds since 2000-01-01 UTC: `now`, `today` and the like.
    pub now_us: i64,
    /// A text meant the transaction's start: what was made of it is not to be kept for another transaction.
    pub clock_read: Arc<AtomicBool>,
    /// What the client speaks, where that is not UTF-8: of texts in binary form.
    pub charset: Option<&'static Charset>,
    pub hooks: Arc<dyn TypeHooks>,
}

impl IoContext {
    /// A text the client sent in binary form.
    pub fn from_client<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, str>> {
        match self.charset {
            None => super::text::check(bytes).map(Cow::Borrowed),
            Some(charset) => charset.decode(bytes),
        }
    }

    /// A text in binary form for the client.
    pub fn to_client(&self, text: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self.charset {
            None => out.extend_from_slice(text),
            Some(charset) => out.extend_from_slice(&charset.encode(text)?),
        }
        Ok(())
    }

    /// The transaction's start, for a text that means it.
    pub fn read_clock(&self) -> i64 {
        self.clock_read.store(true, Ordering::Relaxed);
        self.now_us
    }

    /// Before something is made that may be kept: from here on it is noted whether a text means the present.
    pub fn watch_clock(&self) -> bool {
        self.clock_read.swap(false, Ordering::Relaxed)
    }

    /// Whether one did since. `before`: what `watch_clock` said, for who watches around this.
    pub fn clock_was_read(&self, before: bool) -> bool {
        self.clock_read.fetch_or(before, Ordering::Relaxed)
    }
}

impl Default for IoContext {
    /// PostgreSQL's defaults with the time zone GMT and no catalogs.
    fn default() -> IoContext {
        IoContext {
            date_style: DateStyle::Iso,
            date_order: DateOrder::Mdy,
            interval_style: IntervalStyle::Postgres,
            time_zone: Zone::utc(),
            extra_float_digits: 1,
            bytea_output: ByteaOutput::Hex,
            xml_form: super::xml::Form::Content,
            array_nulls: true,
            now_us: 0,
            clock_read: Arc::default(),
            charset: None,
            hooks: Arc::new(NoHooks),
        }
    }
}

/// A column of a composite type.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub typ: TypeRef,
}

/// What values refer to in the catalogs. Supplied by the session; must not wait.
pub trait TypeHooks: Send + Sync {
    /// Resolves the text of a `regclass`, `regproc`, … value that is not a number.
    fn reg_in(&self, typ: Oid, name: &str) -> Result<Oid>;

    /// The name shown for a `regclass`, `regproc`, … value; None: it is shown as a number.
    fn reg_out(&self, typ: Oid, value: Oid) -> Option<String>;

    /// The object id of an enum's label.
    fn enum_in(&self, typ: Oid, label: &str) -> Result<Oid>;

    /// The label of an enum's value.
    fn enum_out(&self, typ: Oid, value: Oid) -> Option<String>;

    /// Refuses a value of an enum that must not be used yet.
    fn check_enum(&self, _typ: Oid, _value: Oid) -> Result<()> {
        Ok(())
    }

    /// The values of an enum in their order.
    fn enum_values(&self, _typ: Oid) -> Vec<Oid> {
        Vec::new()
    }

    /// The columns of a composite type in order, dropped ones left out.
    fn composite(&self, typ: Oid) -> Option<Vec<Field>>;

    /// A type outside `pg_catalog` by its (perhaps qualified) name.
    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<Oid>;

    /// The name of a user's type as `format_type` shows it: qualified unless visible.
    fn type_name(&self, typ: Oid) -> Option<String> {
        super::info(typ).map(|i| super::name::quote_identifier(i.name))
    }

    /// Checks a value against a domain's constraints.
    fn check_domain(&self, _typ: Oid, _value: super::Datum<'_>, _io: &IoContext) -> Result<()> {
        Ok(())
    }

    /// Refuses what is no regular expression; the flags are those of `like_regex` of a jsonpath.
    fn check_regex(&self, _pattern: &str, _flags: &str) -> Result<()> {
        Ok(())
    }

    /// The value of an immutable function that needs the catalogs; false: it is not to be had before the statement runs.
    fn evaluate(&self, _function: Oid, _args: &[super::Datum<'_>], _out: &mut super::Column) -> Result<bool> {
        Ok(false)
    }

    /// Whether values have been read whose checks need what is not at hand here.
    fn has_unchecked(&self) -> bool {
        false
    }

    /// Those values with their domains: whoever can check them must.
    fn take_unchecked(&self) -> Vec<(Oid, super::Value)> {
        Vec::new()
    }
}

/// For places without a session: only what needs no catalog works.
#[derive(Debug)]
pub struct NoHooks;

impl TypeHooks for NoHooks {
    fn reg_in(&self, typ: Oid, name: &str) -> Result<Oid> {
        let what = super::info(typ).map_or("object", |i| i.name);
        Err(crate::err!(UNDEFINED_OBJECT, "{what} \"{name}\" does not exist"))
    }

    fn reg_out(&self, _: Oid, _: Oid) -> Option<String> {
        None
    }

    fn enum_in(&self, typ: Oid, label: &str) -> Result<Oid> {
        let name = super::name::format_type_plain(typ, self);
        Err(crate::err!(INVALID_TEXT_REPRESENTATION, "invalid input value for enum {name}: \"{label}\""))
    }

    fn enum_out(&self, _: Oid, _: Oid) -> Option<String> {
        None
    }

    fn composite(&self, _: Oid) -> Option<Vec<Field>> {
        None
    }

    fn type_by_name(&self, _: Option<&str>, _: &str) -> Option<Oid> {
        None
    }
}
