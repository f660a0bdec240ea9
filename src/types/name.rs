//! Type names: from what a user wrote to a [`TypeRef`], and back as `format_type` shows them.

use super::context::TypeHooks;
use super::{TypeRef, info, oid};
use crate::base::{Error, Oid, Result};
use crate::{bail, err};
use std::cell::Cell;

/// Precision value of an interval typmod that gives none.
pub const INTERVAL_FULL_PRECISION: i32 = 0xFFFF;
/// Range value of an interval typmod that names no fields.
pub const INTERVAL_FULL_RANGE: i32 = 0x7FFF;

/// Bits of an interval's range, PostgreSQL's numbering of fields.
pub mod field {
    pub const MONTH: i32 = 1 << 1;
    pub const YEAR: i32 = 1 << 2;
    pub const DAY: i32 = 1 << 3;
    pub const HOUR: i32 = 1 << 10;
    pub const MINUTE: i32 = 1 << 11;
    pub const SECOND: i32 = 1 << 12;
}

const INTERVAL_RANGES: &[(&str, i32)] = &[
    ("year", field::YEAR),
    ("month", field::MONTH),
    ("day", field::DAY),
    ("hour", field::HOUR),
    ("minute", field::MINUTE),
    ("second", field::SECOND),
    ("year to month", field::YEAR | field::MONTH),
    ("day to hour", field::DAY | field::HOUR),
    ("day to minute", field::DAY | field::HOUR | field::MINUTE),
    ("day to second", field::DAY | field::HOUR | field::MINUTE | field::SECOND),
    ("hour to minute", field::HOUR | field::MINUTE),
    ("hour to second", field::HOUR | field::MINUTE | field::SECOND),
    ("minute to second", field::MINUTE | field::SECOND),
];

/// The type an SQL keyword spelling stands for (`integer`, `character varying`, `double precision`).
/// These are the grammar's own names: they are never looked up in a schema.
pub fn sql_alias(name: &str) -> Option<Oid> {
    Some(match name {
        "int" | "integer" => oid::INT4,
        "smallint" => oid::INT2,
        "bigint" => oid::INT8,
        "real" => oid::FLOAT4,
        "float" | "double precision" => oid::FLOAT8,
        "decimal" | "dec" | "numeric" => oid::NUMERIC,
        "boolean" => oid::BOOL,
        "char" | "character" | "nchar" | "national character" | "national char" => oid::BPCHAR,
        "varchar"
        | "character varying"
        | "char varying"
        | "national character varying"
        | "national char varying"
        | "nchar varying" => oid::VARCHAR,
        "timestamp" | "timestamp without time zone" => oid::TIMESTAMP,
        "timestamp with time zone" => oid::TIMESTAMPTZ,
        "time" | "time without time zone" => oid::TIME,
        "time with time zone" => oid::TIMETZ,
        "bit" => oid::BIT,
        "bit varying" => oid::VARBIT,
        "interval" => oid::INTERVAL,
        _ => return None,
    })
}

thread_local! {
    static QUOTE_ALL: Cell<bool> = const { Cell::new(false) };
}

/// Runs work in which every identifier is quoted, if `all` (`quote_all_identifiers`).
pub fn quoting<T>(all: bool, work: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            QUOTE_ALL.set(self.0);
        }
    }
    let _back = Back(QUOTE_ALL.replace(all));
    work()
}

/// A name with a number behind it, cut where it would get too long.
pub fn numbered(name: &str, n: usize) -> String {
    let number = format!("_{n}");
    let kept = name.floor_char_boundary(super::text::NAME_MAX - number.len());
    format!("{}{number}", &name[..kept])
}

/// Quotes an identifier if it needs it, or if all are to be quoted.
pub fn quote_identifier(name: &str) -> String {
    let safe = !QUOTE_ALL.get()
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !is_quoted_keyword(name);
    if safe { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Keywords that are not unreserved, so that an identifier spelled like them must be quoted
/// (PostgreSQL 15, kwlist.h). Sorted.
const QUOTED_KEYWORDS: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

fn is_quoted_keyword(name: &str) -> bool {
    QUOTED_KEYWORDS.binary_search(&name).is_ok()
}

/// The name of a type as PostgreSQL shows it: `integer`, `character varying(20)`, `numeric(10,2)[]`.
/// A typmod of −1 is shown as none.
pub fn format_type(typ: Oid, typmod: i32, hooks: &dyn TypeHooks) -> String {
    let Some(t) = info(typ) else {
        return hooks.type_name(typ).unwrap_or_else(|| "???".into());
    };
    if t.is_array() && t.name.starts_with('_') {
        return format!("{}[]", format_type(t.element, typmod, hooks));
    }
    let modifier = || typmod_out(typ, typmod);
    match typ {
        oid::BIT => format!("bit{}", modifier()),
        oid::BOOL => "boolean".into(),
        // Without a length `bpchar` is shown under its internal name: `character` alone would mean `character(1)`.
        oid::BPCHAR if typmod < 0 => "bpchar".into(),
        oid::BPCHAR => format!("character{}", modifier()),
        oid::FLOAT4 => "real".into(),
        oid::FLOAT8 => "double precision".into(),
        oid::INT2 => "smallint".into(),
        oid::INT4 => "integer".into(),
        oid::INT8 => "bigint".into(),
        oid::NUMERIC => format!("numeric{}", modifier()),
        oid::INTERVAL => format!("interval{}", modifier()),
        oid::TIME => format!("time{} without time zone", modifier()),
        oid::TIMETZ => format!("time{} with time zone", modifier()),
        oid::TIMESTAMP => format!("timestamp{} without time zone", modifier()),
        oid::TIMESTAMPTZ => format!("timestamp{} with time zone", modifier()),
        oid::VARBIT => format!("bit varying{}", modifier()),
        oid::VARCHAR => format!("character varying{}", modifier()),
        oid::CHAR => "\"char\"".into(),
        _ if t.namespace == Oid(11) => {
            let name = quote_identifier(t.name);
            if typmod >= 0 { format!("{name}{}", modifier()) } else { name }
        }
        _ => hooks.type_name(typ).unwrap_or_else(|| quote_identifier(t.name)),
    }
}

/// `format_type` with both arguments as SQL calls it: a NULL typmod (None) shows `character` and `bit` by their
/// internal names, −1 is "known to have none".
pub fn format_type_sql(typ: Oid, typmod: Option<i32>, hooks: &dyn TypeHooks) -> String {
    if !typ.is_valid() {
        return "-".into();
    }
    if let Some(t) = info(typ).filter(|t| t.is_array() && t.name.starts_with('_')) {
        return format!("{}[]", format_type_sql(t.element, typmod, hooks));
    }
    match (typ, typmod) {
        (oid::BPCHAR, None) => "character".into(),
        (oid::BIT, Some(m)) if m < 0 => "\"bit\"".into(),
        _ => format_type(typ, typmod.unwrap_or(-1), hooks),
    }
}

/// The name of a type where no modifier is meant: in the arguments of functions and operators.
pub fn format_type_plain(typ: Oid, hooks: &dyn TypeHooks) -> String {
    match info(typ) {
        Some(t) if t.is_array() && t.name.starts_with('_') => format!("{}[]", format_type_plain(t.element, hooks)),
        _ => format_type_sql(typ, None, hooks),
    }
}

/// A typmod as it stands after the type's name, with its parentheses; empty when there is none.
pub fn typmod_out(typ: Oid, typmod: i32) -> String {
    if typmod < 0 {
        return String::new();
    }
    match typ {
        oid::VARCHAR | oid::BPCHAR => format!("({})", typmod - 4),
        oid::BIT | oid::VARBIT => format!("({typmod})"),
        oid::NUMERIC => {
            let (precision, scale) = numeric_typmod(typmod);
            format!("({precision},{scale})")
        }
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => format!("({typmod})"),
        oid::INTERVAL => {
            let (range, precision) = interval_typmod(typmod);
            let fields = INTERVAL_RANGES.iter().find(|(_, r)| *r == range).map(|(n, _)| format!(" {n}"));
            let precision = if precision == INTERVAL_FULL_PRECISION { String::new() } else { format!("({precision})") };
            format!("{}{precision}", fields.unwrap_or_default())
        }
        _ => format!("({typmod})"),
    }
}

/// Precision and scale of a `numeric` typmod. The scale may be negative (PostgreSQL 15).
pub fn numeric_typmod(typmod: i32) -> (i32, i32) {
    let t = typmod - 4;
    ((t >> 16) & 0xffff, ((t & 0x7ff) ^ 1024) - 1024)
}

/// Range bits and precision of an `interval` typmod.
pub fn interval_typmod(typmod: i32) -> (i32, i32) {
    if typmod < 0 {
        return (INTERVAL_FULL_RANGE, INTERVAL_FULL_PRECISION);
    }
    ((typmod >> 16) & 0x7fff, typmod & 0xffff)
}

/// The typmod of `interval` restricted to fields (`day to second`), with an optional precision.
pub fn interval_typmod_in(fields: &str, precision: Option<i32>) -> Result<i32> {
    let range = match fields {
        "" => INTERVAL_FULL_RANGE,
        f => match INTERVAL_RANGES.iter().find(|(n, _)| *n == f) {
            Some((_, r)) => *r,
            None => bail!(SYNTAX_ERROR, "syntax error at or near \"{f}\""),
        },
    };
    let precision = match precision {
        None => INTERVAL_FULL_PRECISION,
        Some(p) if p < 0 => bail!(INVALID_PARAMETER_VALUE, "INTERVAL({p}) precision must not be negative"),
        // PostgreSQL warns and takes 6; the warning is the binder's.
        Some(p) => p.min(6),
    };
    Ok((range << 16) | precision)
}

/// The typmod for the modifiers written in parentheses after a type's name.
pub fn typmod_in(typ: Oid, modifiers: &[i32]) -> Result<i32> {
    if modifiers.is_empty() {
        return Ok(match typ {
            oid::BPCHAR => 5,
            oid::BIT => 1,
            _ => -1,
        });
    }
    let one = |name: &str| match modifiers {
        [n] => Ok(*n),
        _ => Err(err!(INVALID_PARAMETER_VALUE, "invalid type modifier")
            .detail(format!("{name} takes exactly one type modifier."))),
    };
    match typ {
        oid::VARCHAR | oid::BPCHAR => {
            let name = if typ == oid::VARCHAR { "varchar" } else { "char" };
            let n = match modifiers {
                [n] => *n,
                _ => bail!(INVALID_PARAMETER_VALUE, "invalid type modifier"),
            };
            if n < 1 {
                bail!(INVALID_PARAMETER_VALUE, "length for type {name} must be at least 1");
            }
            if n > 10 * 1024 * 1024 {
                bail!(INVALID_PARAMETER_VALUE, "length for type {name} cannot exceed 10485760");
            }
            Ok(n + 4)
        }
        oid::BIT | oid::VARBIT => {
            let name = if typ == oid::BIT { "bit" } else { "varbit" };
            let n = one(name)?;
            if n < 1 {
                bail!(INVALID_PARAMETER_VALUE, "length for type {name} must be at least 1");
            }
            if n > 10 * 1024 * 1024 * 8 {
                bail!(INVALID_PARAMETER_VALUE, "length for type {name} cannot exceed 83886080");
            }
            Ok(n)
        }
        oid::NUMERIC => {
            let (p, s) = match modifiers {
                [p] => (*p, 0),
                [p, s] => (*p, *s),
                _ => bail!(INVALID_PARAMETER_VALUE, "invalid NUMERIC type modifier"),
            };
            if !(1..=1000).contains(&p) {
                bail!(INVALID_PARAMETER_VALUE, "NUMERIC precision {p} must be between 1 and 1000");
            }
            if !(-1000..=1000).contains(&s) {
                bail!(INVALID_PARAMETER_VALUE, "NUMERIC scale {s} must be between -1000 and 1000");
            }
            Ok(((p << 16) | (s & 0x7ff)) + 4)
        }
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            let n = match modifiers {
                [n] => *n,
                _ => bail!(INVALID_PARAMETER_VALUE, "invalid type modifier"),
            };
            if n < 0 {
                let (what, zone) = match typ {
                    oid::TIME => ("TIME", ""),
                    oid::TIMETZ => ("TIME", " WITH TIME ZONE"),
                    oid::TIMESTAMP => ("TIMESTAMP", ""),
                    _ => ("TIMESTAMP", " WITH TIME ZONE"),
                };
                bail!(INVALID_PARAMETER_VALUE, "{what}({n}){zone} precision must not be negative");
            }
            Ok(n.min(6))
        }
        oid::INTERVAL => match modifiers {
            [p] => interval_typmod_in("", Some(*p)),
            _ => Err(err!(INVALID_PARAMETER_VALUE, "invalid INTERVAL type modifier")),
        },
        _ => {
            let name = info(typ).map_or("???", |i| i.name);
            Err(err!(SYNTAX_ERROR, "type modifier is not allowed for type \"{name}\""))
        }
    }
}

/// Reads a type name as SQL writes it, arrays and modifiers included, as `regtype` input and casts do.
pub fn parse_type(text: &str, hooks: &dyn TypeHooks) -> Result<TypeRef> {
    let mut p = Parser { rest: text.trim() };
    let typ = p.type_name(hooks)?;
    if !p.rest.trim().is_empty() {
        return Err(near(p.rest.trim()));
    }
    Ok(typ)
}

/// The error at what is left of a type's name.
fn near(rest: &str) -> Error {
    match rest {
        "" => err!(SYNTAX_ERROR, "syntax error at end of input"),
        rest => err!(SYNTAX_ERROR, "syntax error at or near \"{rest}\""),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a keyword if it stands next as a whole word.
    fn word(&mut self, word: &str) -> bool {
        self.skip();
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        if self.rest[..end].eq_ignore_ascii_case(word) {
            self.rest = &self.rest[end..];
            return true;
        }
        false
    }

    /// An identifier; true beside it if it was quoted.
    fn identifier(&mut self) -> Result<(String, bool)> {
        self.skip();
        if let Some(body) = self.rest.strip_prefix('"') {
            let mut name = String::new();
            let mut chars = body.char_indices().peekable();
            while let Some((i, c)) = chars.next() {
                if c != '"' {
                    name.push(c);
                } else if chars.peek().is_some_and(|(_, c)| *c == '"') {
                    chars.next();
                    name.push('"');
                } else {
                    self.rest = &body[i + 1..];
                    return Ok((name, true));
                }
            }
            bail!(SYNTAX_ERROR, "unterminated quoted identifier at or near \"{}\"", self.rest);
        }
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(self.rest.len());
        if end == 0 {
            match self.rest.chars().next() {
                None => return Err(near("")),
                Some(_) => return Err(near(self.rest)),
            }
        }
        let name = self.rest[..end].to_ascii_lowercase();
        self.rest = &self.rest[end..];
        Ok((name, false))
    }

    fn modifiers(&mut self) -> Result<Vec<i32>> {
        let mut out = Vec::new();
        if !self.eat('(') {
            return Ok(out);
        }
        loop {
            self.skip();
            let end = self.rest.find([',', ')']).unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(end);
            let Ok(n) = number.trim().parse() else {
                return Err(near(number.trim()));
            };
            out.push(n);
            self.rest = rest;
            if self.eat(')') {
                return Ok(out);
            }
            if !self.eat(',') {
                bail!(SYNTAX_ERROR, "syntax error at end of input");
            }
        }
    }

    fn zone(&mut self) -> bool {
        let before = self.rest;
        if (self.word("with") || self.word("without")) && self.word("time") && self.word("zone") {
            return before.trim_start().len() >= 4
                && before.trim_start()[..4].eq_ignore_ascii_case("with")
                && !before.trim_start().get(..7).is_some_and(|w| w.eq_ignore_ascii_case("without"));
        }
        self.rest = before;
        false
    }

    fn interval_fields(&mut self) -> String {
        for (name, _) in INTERVAL_RANGES.iter().rev() {
            let before = self.rest;
            if name.split(' ').all(|w| self.word(w)) {
                return (*name).to_owned();
            }
            self.rest = before;
        }
        String::new()
    }

    fn type_name(&mut self, hooks: &dyn TypeHooks) -> Result<TypeRef> {
        let setof = self.word("setof");
        let (first, quoted) = self.identifier()?;
        let typ = if self.eat('.') {
            let (name, _) = self.identifier()?;
            let found = if first == "pg_catalog" { info::builtin_by_name(&name).map(|i| i.oid) } else { None };
            let Some(found) = found.or_else(|| hooks.type_by_name(Some(&first), &name)) else {
                bail!(UNDEFINED_OBJECT, "type \"{first}.{name}\" does not exist");
            };
            let modifiers = self.modifiers()?;
            TypeRef::with(found, if modifiers.is_empty() { -1 } else { typmod_in(found, &modifiers)? })
        } else if quoted {
            let found = if first == "char" { Some(oid::CHAR) } else { plain(&first, hooks) };
            let Some(found) = found else { bail!(UNDEFINED_OBJECT, "type \"{first}\" does not exist") };
            let modifiers = self.modifiers()?;
            TypeRef::with(found, if modifiers.is_empty() { -1 } else { typmod_in(found, &modifiers)? })
        } else {
            self.keyword_type(&first, hooks)?
        };
        let _ = setof;
        let mut array = self.word("array");
        while self.eat('[') {
            self.skip();
            self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
            if !self.eat(']') {
                return Err(near(self.rest));
            }
            array = true;
        }
        if !array {
            return Ok(typ);
        }
        match info::array_type(typ.oid) {
            Some(a) => Ok(TypeRef::with(a, typ.typmod)),
            None => Err(err!(
                UNDEFINED_OBJECT,
                "could not find array type for data type {}",
                format_type_plain(typ.oid, hooks)
            )),
        }
    }

    fn keyword_type(&mut self, first: &str, hooks: &dyn TypeHooks) -> Result<TypeRef> {
        match first {
            "timestamp" | "time" => {
                let modifiers = self.modifiers()?;
                let typ = match (first, self.zone()) {
                    ("timestamp", false) => oid::TIMESTAMP,
                    ("timestamp", true) => oid::TIMESTAMPTZ,
                    (_, false) => oid::TIME,
                    _ => oid::TIMETZ,
                };
                Ok(TypeRef::with(typ, typmod_in(typ, &modifiers)?))
            }
            "interval" => {
                let fields = self.interval_fields();
                let modifiers = self.modifiers()?;
                if fields.is_empty() && modifiers.is_empty() {
                    return Ok(TypeRef::of(oid::INTERVAL));
                }
                Ok(TypeRef::with(oid::INTERVAL, interval_typmod_in(&fields, modifiers.first().copied())?))
            }
            "double" => {
                if !self.word("precision") {
                    return self.finish(plain("double", hooks), "double");
                }
                Ok(TypeRef::of(oid::FLOAT8))
            }
            "float" => match self.modifiers()?.as_slice() {
                [] => Ok(TypeRef::of(oid::FLOAT8)),
                [n] if *n < 1 => Err(err!(INVALID_PARAMETER_VALUE, "precision for type float must be at least 1 bit")),
                [n] if *n <= 24 => Ok(TypeRef::of(oid::FLOAT4)),
                [n] if *n <= 53 => Ok(TypeRef::of(oid::FLOAT8)),
                _ => Err(err!(INVALID_PARAMETER_VALUE, "precision for type float must be less than 54 bits")),
            },
            "national" | "character" | "char" | "nchar" => {
                if first == "national" && !(self.word("character") || self.word("char")) {
                    return self.finish(None, first);
                }
                let typ = if self.word("varying") { oid::VARCHAR } else { oid::BPCHAR };
                let modifiers = self.modifiers()?;
                Ok(TypeRef::with(typ, typmod_in(typ, &modifiers)?))
            }
            "bit" => {
                let typ = if self.word("varying") { oid::VARBIT } else { oid::BIT };
                let modifiers = self.modifiers()?;
                Ok(TypeRef::with(typ, typmod_in(typ, &modifiers)?))
            }
            _ => self.finish(sql_alias(first).or_else(|| plain(first, hooks)), first),
        }
    }

    fn finish(&mut self, found: Option<Oid>, name: &str) -> Result<TypeRef> {
        let Some(found) = found else { bail!(UNDEFINED_OBJECT, "type \"{name}\" does not exist") };
        let modifiers = self.modifiers()?;
        let typmod = if modifiers.is_empty() { -1 } else { typmod_in(found, &modifiers)? };
        Ok(TypeRef::with(found, typmod))
    }
}

/// A type by the name in `pg_type`, first in `pg_catalog`, then wherever the search path leads.
fn plain(name: &str, hooks: &dyn TypeHooks) -> Option<Oid> {
    info::builtin_by_name(name).map(|i| i.oid).or_else(|| hooks.type_by_name(None, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::context::NoHooks;

    fn round(text: &str) -> String {
        match parse_type(text, &NoHooks) {
            Ok(t) => format_type(t.oid, t.typmod, &NoHooks),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn names_are_read_and_shown_as_postgres_does() {
        for (written, shown) in [
            ("numeric(10,2)", "numeric(10,2)"),
            ("varchar(20)", "character varying(20)"),
            ("timestamp(3) with time zone", "timestamp(3) with time zone"),
            ("int[]", "integer[]"),
            ("CHAR", "character(1)"),
            ("\"char\"", "\"char\""),
            ("interval day to second(3)", "interval day to second(3)"),
            ("interval(2)", "interval(2)"),
            ("double precision", "double precision"),
            ("float(20)", "real"),
            ("pg_catalog.int4", "integer"),
            ("timetz", "time with time zone"),
            ("nosuch", "type \"nosuch\" does not exist"),
            ("numeric(5,-2)", "numeric(5,-2)"),
        ] {
            assert_eq!(round(written), shown, "{written}");
        }
    }

    #[test]
    fn the_keyword_list_is_sorted() {
        assert!(QUOTED_KEYWORDS.is_sorted());
    }
}
