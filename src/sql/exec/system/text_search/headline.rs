//! `ts_headline`

use super::{Args, SystemFn, config, tell_of_long_tokens};
use crate::base::{Flow, Result};
use crate::sql::exec::ExecContext;
use crate::sql::text_search::options;
use crate::text_search::headline::{Options, headline};
use crate::types::json::{self, Scalar, Sink};
use crate::types::tsquery::parse;
use crate::types::{Column, Datum, TypeRef, Value, oid};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Json,
    Jsonb,
}

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "ts_headline" | "ts_headline_opt" => |cx, args, out| of(cx, args, false, Kind::Text, out),
        "ts_headline_byid" | "ts_headline_byid_opt" => |cx, args, out| of(cx, args, true, Kind::Text, out),
        "ts_headline_json" | "ts_headline_json_opt" => |cx, args, out| of(cx, args, false, Kind::Json, out),
        "ts_headline_json_byid" | "ts_headline_json_byid_opt" => |cx, args, out| of(cx, args, true, Kind::Json, out),
        "ts_headline_jsonb" | "ts_headline_jsonb_opt" => |cx, args, out| of(cx, args, false, Kind::Jsonb, out),
        "ts_headline_jsonb_byid" | "ts_headline_jsonb_byid_opt" => |cx, args, out| of(cx, args, true, Kind::Jsonb, out),
        _ => return None,
    })
}

fn of(cx: &mut ExecContext, args: Args<'_, '_>, named: bool, kind: Kind, out: &mut Column) -> Flow<()> {
    let (config, args) = config(cx, args, named)?;
    let query = parse(args[1].str())?;
    let list: Vec<(String, String)> = match args.get(2) {
        Some(text) => options::read(text.str())?.into_iter().map(|o| (o.name, o.value)).collect(),
        None => Vec::new(),
    };
    let io = cx.fx.io.clone();
    let number = |text: &str| match crate::types::text_in(TypeRef::of(oid::INT4), text, &io)? {
        Value::I32(n) => Ok(n),
        _ => Ok(0),
    };
    let options = Options::read(&list, number)?;
    let mut too_long = 0;
    let mut make = |text: &str| -> Result<String> {
        let (made, left_out) = headline(&config, text, query.as_ref(), &options)?;
        too_long += left_out;
        Ok(made)
    };
    match kind {
        Kind::Text => {
            let made = make(args[0].str())?;
            out.push(Datum::Bytes(made.as_bytes()));
        }
        Kind::Json => {
            let mut writer = Writer { out: Vec::new(), first: Vec::new(), value_next: false, make: &mut make };
            json::read(args[0].str(), &mut writer)?;
            out.push(Datum::Bytes(&writer.out));
        }
        Kind::Jsonb => {
            let mut text = Vec::new();
            crate::types::text_out(TypeRef::of(oid::JSONB), args[0], &mut text, &io)?;
            let mut writer = Writer { out: Vec::new(), first: Vec::new(), value_next: false, make: &mut make };
            json::read(std::str::from_utf8(&text).unwrap_or_default(), &mut writer)?;
            let made = std::str::from_utf8(&writer.out).unwrap_or_default();
            out.push(crate::types::text_in(TypeRef::of(oid::JSONB), made, &io)?.datum());
        }
    }
    tell_of_long_tokens(cx, too_long);
    Ok(())
}

/// Writes a document again, its strings changed.
struct Writer<'a> {
    out: Vec<u8>,
    /// Of each object and array that is open: whether nothing is in it yet.
    first: Vec<bool>,
    /// A key has been written.
    value_next: bool,
    make: &'a mut dyn FnMut(&str) -> Result<String>,
}

impl Writer<'_> {
    /// Before a value or a key.
    fn separate(&mut self) {
        if std::mem::take(&mut self.value_next) {
            return;
        }
        if let Some(first) = self.first.last_mut()
            && !std::mem::take(first)
        {
            self.out.push(b',');
        }
    }

    fn open(&mut self, sign: u8) {
        self.separate();
        self.out.push(sign);
        self.first.push(true);
    }

    fn close(&mut self, sign: u8) {
        self.first.pop();
        self.out.push(sign);
    }
}

impl Sink for Writer<'_> {
    fn start_object(&mut self) {
        self.open(b'{');
    }

    fn key(&mut self, name: String) {
        self.separate();
        json::write_string(&name, &mut self.out);
        self.out.push(b':');
        self.value_next = true;
    }

    fn end_object(&mut self) {
        self.close(b'}');
    }

    fn start_array(&mut self) {
        self.open(b'[');
    }

    fn end_array(&mut self) {
        self.close(b']');
    }

    fn scalar(&mut self, value: Scalar<'_>) -> Result<()> {
        self.separate();
        match value {
            Scalar::Null => self.out.extend_from_slice(b"null"),
            Scalar::Bool(b) => self.out.extend_from_slice(if b { b"true" } else { b"false" }),
            Scalar::Number(n) => self.out.extend_from_slice(n.as_bytes()),
            Scalar::String(s) => {
                let made = (self.make)(&s)?;
                json::write_string(&made, &mut self.out);
            }
        }
        Ok(())
    }
}
