//! COPY's options.

use crate::base::charset::{self, Charset};
use crate::base::{Error, Result, SqlState};
use crate::err;
use crate::sql::ast::{DefArg, DefElem, cursor};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CopyFormat {
    #[default]
    Text,
    Csv,
    Binary,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CopyOptions {
    pub format: CopyFormat,
    pub delimiter: u8,
    pub null: Vec<u8>,
    pub header: bool,
    /// The header must name the columns.
    pub header_match: bool,
    /// The rows are to be frozen at once. They are written as any others; only what forbids it is looked at.
    pub freeze: bool,
    pub quote: u8,
    pub escape: u8,
    /// Columns always quoted; `all` for every one.
    pub force_quote: Vec<String>,
    pub force_quote_all: bool,
    pub force_not_null: Vec<String>,
    pub force_null: Vec<String>,
    /// PostgreSQL's name of the data's encoding; None: the client's.
    pub encoding: Option<&'static str>,
}

fn names(e: &DefElem) -> Vec<String> {
    match &e.arg {
        Some(DefArg::Names(n)) => n.clone(),
        Some(DefArg::List(l)) => l
            .iter()
            .filter_map(|a| match a {
                DefArg::Str(s) => Some(s.clone()),
                DefArg::Name(n) => Some(n.joined()),
                _ => None,
            })
            .collect(),
        _ => e.string().into_iter().collect(),
    }
}

fn one_byte(e: &DefElem, what: &str) -> Result<u8> {
    let text = e.string().unwrap_or_default();
    match text.as_bytes() {
        [one] => Ok(*one),
        _ => Err(err!(FEATURE_NOT_SUPPORTED, "COPY {what} must be a single one-byte character")),
    }
}

/// PostgreSQL 15, copy.c, ProcessCopyOptions: same text.
fn encoding(e: &DefElem) -> Result<&'static str> {
    let written = e.string().unwrap_or_default();
    match charset::canonical(&written) {
        Some(name) if matches!(name, "UTF8" | "SQL_ASCII") || Charset::named(name).is_some() => Ok(name),
        Some(name) => Err(Error::unsupported(format!("COPY encoding \"{name}\" is not supported"))),
        None => Err(err!(INVALID_PARAMETER_VALUE, "argument to option \"encoding\" must be a valid encoding name")),
    }
}

impl CopyOptions {
    /// What the data's texts are in, where that is not UTF-8. Values in binary form are the client's by themselves.
    pub fn charset(&self, client: Option<&'static Charset>) -> Option<&'static Charset> {
        match self.encoding {
            _ if self.format == CopyFormat::Binary => None,
            None => client,
            Some(name) => Charset::named(name),
        }
    }

    /// # Errors
    /// 42601 for unknown, repeated or contradicting options; 22023 for impossible values.
    pub fn parse(list: &[DefElem], is_from: bool, source: &str) -> Result<CopyOptions> {
        let mut format = CopyFormat::Text;
        let (mut delimiter, mut null, mut quote, mut escape) = (None, None, None, None);
        let mut o = CopyOptions {
            format,
            delimiter: b'\t',
            null: b"\\N".to_vec(),
            header: false,
            header_match: false,
            freeze: false,
            quote: b'"',
            escape: b'"',
            force_quote: Vec::new(),
            force_quote_all: false,
            force_not_null: Vec::new(),
            force_null: Vec::new(),
            encoding: None,
        };
        for (n, e) in list.iter().enumerate() {
            if list[..n].iter().any(|o| o.name == e.name) {
                return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cursor(source, e.pos)));
            }
            match e.name.as_str() {
                "format" => {
                    format = match e.string().as_deref() {
                        Some("text") => CopyFormat::Text,
                        Some("csv") => CopyFormat::Csv,
                        Some("binary") => CopyFormat::Binary,
                        other => {
                            let other = other.unwrap_or_default();
                            return Err(err!(INVALID_PARAMETER_VALUE, "COPY format \"{other}\" not recognized")
                                .at(cursor(source, e.pos)));
                        }
                    }
                }
                "freeze" => o.freeze = e.string().is_none_or(|t| crate::types::bool::parse_opt(&t) == Some(true)),
                "delimiter" => delimiter = Some(one_byte(e, "delimiter")?),
                "null" => null = e.string(),
                "header" => match e.string().as_deref() {
                    None | Some("true" | "on" | "1") => o.header = true,
                    Some("match") if !is_from => {
                        return Err(Error::unsupported("cannot use \"match\" with HEADER in COPY TO"));
                    }
                    Some("match") => (o.header, o.header_match) = (true, true),
                    Some("false" | "off" | "0") => o.header = false,
                    Some(_) => {
                        return Err(err!(SYNTAX_ERROR, "header requires a Boolean value or \"match\""));
                    }
                },
                "quote" => quote = Some(one_byte(e, "quote")?),
                "escape" => escape = Some(one_byte(e, "escape")?),
                "force_quote" if matches!(e.arg, Some(DefArg::Star)) => o.force_quote_all = true,
                "force_quote" => o.force_quote = names(e),
                "force_not_null" => o.force_not_null = names(e),
                "force_null" => o.force_null = names(e),
                "encoding" => o.encoding = Some(encoding(e).map_err(|f| f.at(cursor(source, e.pos)))?),
                other => {
                    return Err(err!(SYNTAX_ERROR, "option \"{other}\" not recognized").at(cursor(source, e.pos)));
                }
            }
        }
        o.format = format;
        o.check(delimiter, null, quote, escape, is_from)
    }

    fn check(
        mut self,
        delimiter: Option<u8>,
        null: Option<String>,
        quote: Option<u8>,
        escape: Option<u8>,
        is_from: bool,
    ) -> Result<CopyOptions> {
        let csv = self.format == CopyFormat::Csv;
        let binary = self.format == CopyFormat::Binary;
        let only_csv =
            |what: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("COPY {what} available only in CSV mode"));
        if binary && (delimiter.is_some() || null.is_some()) {
            let what = if delimiter.is_some() { "DELIMITER" } else { "NULL" };
            return Err(err!(SYNTAX_ERROR, "cannot specify {what} in BINARY mode"));
        }
        if binary && self.header {
            return Err(err!(FEATURE_NOT_SUPPORTED, "cannot specify HEADER in BINARY mode"));
        }
        if !csv && quote.is_some() {
            return Err(only_csv("quote"));
        }
        if !csv && escape.is_some() {
            return Err(only_csv("escape"));
        }
        let one_way =
            |what: &str, way: &str| Err(Error::unsupported(format!("COPY {what} only available using COPY {way}")));
        let quoted = self.force_quote_all || !self.force_quote.is_empty();
        for (what, given, from) in [
            ("force quote", quoted, false),
            ("force not null", !self.force_not_null.is_empty(), true),
            ("force null", !self.force_null.is_empty(), true),
        ] {
            if given && !csv {
                return Err(only_csv(what));
            }
            if given && from != is_from {
                return one_way(what, if from { "FROM" } else { "TO" });
            }
        }
        self.delimiter = delimiter.unwrap_or(if csv { b',' } else { b'\t' });
        self.null = null.map_or_else(|| if csv { Vec::new() } else { b"\\N".to_vec() }, String::into_bytes);
        self.quote = quote.unwrap_or(b'"');
        self.escape = escape.unwrap_or(self.quote);
        if matches!(self.delimiter, b'\n' | b'\r') {
            return Err(err!(INVALID_PARAMETER_VALUE, "COPY delimiter cannot be newline or carriage return"));
        }
        if self.null.iter().any(|b| matches!(b, b'\n' | b'\r')) {
            return Err(err!(
                INVALID_PARAMETER_VALUE,
                "COPY null representation cannot use newline or carriage return"
            ));
        }
        if !csv && !binary && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&self.delimiter) {
            return Err(err!(INVALID_PARAMETER_VALUE, "COPY delimiter cannot be \"{}\"", char::from(self.delimiter)));
        }
        if csv && self.delimiter == self.quote {
            return Err(err!(INVALID_PARAMETER_VALUE, "COPY delimiter and quote must be different"));
        }
        if !binary && self.null.contains(&self.delimiter) {
            return Err(err!(INVALID_PARAMETER_VALUE, "COPY delimiter must not appear in the NULL specification"));
        }
        Ok(self)
    }
}
