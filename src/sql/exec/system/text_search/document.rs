//! `to_tsvector` and its kin, and matching of plain texts.

use super::{Args, SystemFn, config, tell_of_long_tokens};
use crate::base::{Flow, Result};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::text_search::{Config, Form, Words};
use crate::types::json::{self, Scalar, Sink};
use crate::types::jsonb::Jsonb;
use crate::types::tsvector::read;
use crate::types::{Column, Datum, TypeRef, oid, tsquery};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "to_tsvector" => |cx, args, out| of_text(cx, args, false, out),
        "to_tsvector_byid" => |cx, args, out| of_text(cx, args, true, out),
        "jsonb_string_to_tsvector" => |cx, args, out| of_json(cx, args, false, false, out),
        "jsonb_string_to_tsvector_byid" => |cx, args, out| of_json(cx, args, true, false, out),
        "json_string_to_tsvector" => |cx, args, out| of_json(cx, args, false, true, out),
        "json_string_to_tsvector_byid" => |cx, args, out| of_json(cx, args, true, true, out),
        "jsonb_to_tsvector" => |cx, args, out| of_json(cx, args, false, false, out),
        "jsonb_to_tsvector_byid" => |cx, args, out| of_json(cx, args, true, false, out),
        "json_to_tsvector" => |cx, args, out| of_json(cx, args, false, true, out),
        "json_to_tsvector_byid" => |cx, args, out| of_json(cx, args, true, true, out),
        "ts_match_tt" => match_texts,
        "ts_match_tq" => match_text,
        _ => return None,
    })
}

fn finish(cx: &mut ExecContext, words: Words, out: &mut Column) -> Flow<()> {
    tell_of_long_tokens(cx, words.too_long);
    out.push(Datum::Bytes(&words.vector()?));
    Ok(())
}

fn of_text(cx: &mut ExecContext, args: Args<'_, '_>, named: bool, out: &mut Column) -> Flow<()> {
    let (config, args) = config(cx, args, named)?;
    let mut words = Words::default();
    words.add(&config, args[0].str());
    finish(cx, words, out)
}

/// Which parts of a document count.
#[derive(Clone, Copy, Default)]
struct Wanted {
    keys: bool,
    strings: bool,
    numbers: bool,
    booleans: bool,
}

impl Wanted {
    /// PostgreSQL 15, jsonfuncs.c, parse_jsonb_index_flags: same refusals.
    fn read(flags: Jsonb<'_>) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        let mut add = |flag: Jsonb<'_>| -> Result<()> {
            let hint = "Possible values are: \"string\", \"numeric\", \"boolean\", \"key\", and \"all\".";
            let Jsonb::String(name) = flag else {
                return Err(err!(INVALID_PARAMETER_VALUE, "flag array element is not a string").hint(hint));
            };
            match name.to_ascii_lowercase().as_str() {
                "all" => wanted = Wanted { keys: true, strings: true, numbers: true, booleans: true },
                "key" => wanted.keys = true,
                "string" => wanted.strings = true,
                "numeric" => wanted.numbers = true,
                "boolean" => wanted.booleans = true,
                _ => {
                    return Err(err!(INVALID_PARAMETER_VALUE, "wrong flag in flag array: \"{name}\"").hint(hint));
                }
            }
            Ok(())
        };
        match flags {
            Jsonb::Array(items) => items.iter().try_for_each(&mut add)?,
            Jsonb::Object(_) => {
                return Err(err!(INVALID_PARAMETER_VALUE, "wrong flag type, only arrays and scalars are allowed"));
            }
            scalar => add(scalar)?,
        }
        Ok(wanted)
    }

    /// Adds the parts of a document in their order.
    fn add(self, config: &Config, value: Jsonb<'_>, words: &mut Words) -> Result<()> {
        match value {
            Jsonb::Array(items) => items.iter().try_for_each(|v| self.add(config, v, words))?,
            Jsonb::Object(pairs) => {
                for (key, value) in pairs.iter() {
                    if self.keys {
                        words.add_part(config, key);
                    }
                    self.add(config, value, words)?;
                }
            }
            Jsonb::String(s) if self.strings => words.add_part(config, s),
            Jsonb::Bool(b) if self.booleans => words.add_part(config, if b { "true" } else { "false" }),
            Jsonb::Number(n) if self.numbers => {
                let mut text = Vec::new();
                crate::types::text_out(TypeRef::of(oid::NUMERIC), Datum::Bytes(n), &mut text, &Default::default())?;
                words.add_part(config, std::str::from_utf8(&text).unwrap_or_default());
            }
            _ => {}
        }
        Ok(())
    }
}

fn of_json(cx: &mut ExecContext, args: Args<'_, '_>, named: bool, text: bool, out: &mut Column) -> Flow<()> {
    let (config, args) = config(cx, args, named)?;
    let wanted = match args.get(1) {
        Some(flags) => Wanted::read(Jsonb::new(flags.bytes()))?,
        None => Wanted { strings: true, ..Wanted::default() },
    };
    let mut words = Words::default();
    if text {
        json::read(args[0].str(), &mut Parts { config: &config, wanted, words: &mut words })?;
    } else {
        wanted.add(&config, Jsonb::new(args[0].bytes()), &mut words)?;
    }
    finish(cx, words, out)
}

/// Gets the parts of a `json`, which keeps its keys as they are written, twice and in their order.
struct Parts<'a> {
    config: &'a Config,
    wanted: Wanted,
    words: &'a mut Words,
}

impl Sink for Parts<'_> {
    fn key(&mut self, name: String) {
        if self.wanted.keys {
            self.words.add_part(self.config, &name);
        }
    }

    fn scalar(&mut self, value: Scalar<'_>) -> Result<()> {
        match value {
            Scalar::String(s) if self.wanted.strings => self.words.add_part(self.config, &s),
            Scalar::Number(n) if self.wanted.numbers => self.words.add_part(self.config, n),
            Scalar::Bool(b) if self.wanted.booleans => {
                self.words.add_part(self.config, if b { "true" } else { "false" });
            }
            _ => {}
        }
        Ok(())
    }
}

fn match_texts(cx: &mut ExecContext, args: Args<'_, '_>, out: &mut Column) -> Flow<()> {
    let (config, _) = config(cx, &[], false)?;
    let mut words = Words::default();
    words.add(&config, args[0].str());
    let document = read(&words.vector()?);
    let asked = Form::Plain.read(&config, args[1].str())?;
    super::query::tell(cx, &asked);
    out.push(Datum::Bool(asked.query.is_some_and(|q| q.matches(&document))));
    Ok(())
}

fn match_text(cx: &mut ExecContext, args: Args<'_, '_>, out: &mut Column) -> Flow<()> {
    let (config, _) = config(cx, &[], false)?;
    let mut words = Words::default();
    words.add(&config, args[0].str());
    let document = read(&words.vector()?);
    out.push(Datum::Bool(tsquery::parse(args[1].str())?.is_some_and(|q| q.matches(&document))));
    Ok(())
}
