//! Set-returning functions: `ts_parse`, `ts_token_type`, `ts_debug`.

use super::{check_parser, norms, text_array};
use crate::base::{Oid, Result};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::Cell;
use crate::text_search::{Parser, Token};
use crate::types::tsvector::{Lexeme, position, read, weight};
use crate::types::{Datum, Value, array, oid};

/// The rows of a call; None: not a function of this file.
pub fn rows(cx: &mut ExecContext, src: &str, args: &[Value]) -> Result<Option<Vec<Vec<Value>>>> {
    Ok(Some(match src {
        "ts_token_type_byid" | "ts_token_type_byname" => {
            check_parser(cx, args[0].datum())?;
            Token::ALL.iter().map(|t| vec![t.number().cell(), t.alias().cell(), t.description().cell()]).collect()
        }
        "ts_parse_byid" | "ts_parse_byname" => {
            check_parser(cx, args[0].datum())?;
            let letters = cx.backend()?.text_search.letters();
            let parser = Parser::new(args[1].datum().str(), letters);
            parser.map(|(t, s)| vec![t.number().cell(), s.cell()]).collect()
        }
        "ts_debug(regconfig,text)" => debug(cx, Some(Oid(args[0].datum().u32())), args[1].datum().str())?,
        "ts_debug(text)" => debug(cx, None, args[0].datum().str())?,
        "tsvector_unnest" => unnest(args[0].datum().bytes()),
        _ => return Ok(None),
    }))
}

/// Every lexeme with its positions and weights.
fn unnest(stored: &[u8]) -> Vec<Vec<Value>> {
    let row = |l: Lexeme| {
        let (positions, weights) = match l.positions.is_empty() {
            true => (Value::Null, Value::Null),
            false => {
                let places = l.positions.iter().map(|p| Datum::I16(position(*p) as i16));
                let letters = l.positions.iter().map(|p| ["D", "C", "B", "A"][usize::from(weight(*p))]);
                (
                    Value::Bytes(array::from_values(oid::INT2, places).into()),
                    Value::Bytes(array::from_texts(oid::TEXT, letters).into()),
                )
            }
        };
        vec![l.text.cell(), positions, weights]
    };
    read(stored).into_iter().map(row).collect()
}

/// PostgreSQL 15, system_functions.sql: every token with its dictionaries and the first one that knows it.
fn debug(cx: &mut ExecContext, config: Option<Oid>, text: &str) -> Result<Vec<Vec<Value>>> {
    let backend = cx.backend()?;
    let oid = match config {
        Some(oid) => oid,
        None => backend.default_ts_config()?,
    };
    let config = backend.ts_config(oid)?;
    let mut rows = Vec::new();
    for (token, text) in Parser::new(text, config.letters) {
        let map = config.map(token.number());
        let list = array::from_values(oid::REGDICTIONARY, map.iter().map(|l| Datum::U32(l.oid.0)));
        let found = map.iter().find_map(|l| Some((l.oid, norms(&*l.dictionary, text)?)));
        let (dictionary, lexemes) = match found {
            Some((oid, found)) => (Value::U32(oid.0), Value::Bytes(text_array(&found).into())),
            None => (Value::Null, Value::Null),
        };
        rows.push(vec![
            token.alias().cell(),
            token.description().cell(),
            text.cell(),
            Value::Bytes(list.into()),
            dictionary,
            lexemes,
        ]);
    }
    Ok(rows)
}
