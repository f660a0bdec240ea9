//! `pg_trgm`: how similar texts are, by their trigrams ([`crate::types::trigram`]).

use super::{Code, Extension, PLAIN, index_only};
use crate::base::Result;
use crate::err;
use crate::sql::func::FnContext;
use crate::types::trigram::{self, similarity, word_similarity};
use crate::types::{Column, Datum, array, float, oid};

pub(super) const EXTENSION: Extension = Extension {
    name: "pg_trgm",
    version: "1.6",
    comment: "text similarity measurement and index searching based on trigrams",
    script: include_str!("pg_trgm.sql"),
    code: &[
        ("gin_extract_value_trgm", Code::Scalar(index_only)),
        ("gin_extract_query_trgm", Code::Scalar(index_only)),
        ("gin_trgm_consistent", Code::Scalar(index_only)),
        ("gtrgm_consistent", Code::Scalar(index_only)),
        ("gtrgm_distance", Code::Scalar(index_only)),
        ("set_limit", Code::Scalar(set_limit)),
        ("show_limit", Code::Scalar(|fx, _, out| number(limit(fx, SIMILAR)?, out))),
        ("show_trgm", Code::Scalar(show)),
        ("similarity", Code::Scalar(|_, a, out| number(similarity(a[0].str(), a[1].str()), out))),
        ("similarity_dist", Code::Scalar(|_, a, out| number(1.0 - similarity(a[0].str(), a[1].str()), out))),
        ("similarity_op", Code::Scalar(|fx, a, out| at_least(similarity(a[0].str(), a[1].str()), fx, SIMILAR, out))),
        ("word_similarity", Code::Scalar(|_, a, out| number(words(a, false, false), out))),
        ("word_similarity_op", Code::Scalar(|fx, a, out| at_least(words(a, false, false), fx, WORD, out))),
        ("word_similarity_commutator_op", Code::Scalar(|fx, a, out| at_least(words(a, true, false), fx, WORD, out))),
        ("word_similarity_dist_op", Code::Scalar(|_, a, out| number(1.0 - words(a, false, false), out))),
        ("word_similarity_dist_commutator_op", Code::Scalar(|_, a, out| number(1.0 - words(a, true, false), out))),
        ("strict_word_similarity", Code::Scalar(|_, a, out| number(words(a, false, true), out))),
        ("strict_word_similarity_op", Code::Scalar(|fx, a, out| at_least(words(a, false, true), fx, STRICT, out))),
        (
            "strict_word_similarity_commutator_op",
            Code::Scalar(|fx, a, out| at_least(words(a, true, true), fx, STRICT, out)),
        ),
        ("strict_word_similarity_dist_op", Code::Scalar(|_, a, out| number(1.0 - words(a, false, true), out))),
        (
            "strict_word_similarity_dist_commutator_op",
            Code::Scalar(|_, a, out| number(1.0 - words(a, true, true), out)),
        ),
    ],
    ..PLAIN
};

/// A setting of the session, and what it is where nobody has set it.
type Limit = (&'static str, f64);
const SIMILAR: Limit = ("pg_trgm.similarity_threshold", 0.3);
const WORD: Limit = ("pg_trgm.word_similarity_threshold", 0.6);
const STRICT: Limit = ("pg_trgm.strict_word_similarity_threshold", 0.5);

fn limit(fx: &FnContext, (name, usual): Limit) -> Result<f32> {
    let Some(text) = fx.session.setting(name) else { return Ok(usual as f32) };
    let value = float::parse_f64(&text)
        .map_err(|_| err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{name}\": \"{text}\""))?;
    check(value, name)?;
    Ok(value as f32)
}

fn check(value: f64, name: &str) -> Result<()> {
    match (0.0..=1.0).contains(&value) {
        true => Ok(()),
        false => {
            let mut shown = Vec::new();
            float::write_g(value, 6, &mut shown);
            let shown = String::from_utf8_lossy(&shown).into_owned();
            let text = format!("{shown} is outside the valid range for parameter \"{name}\" (0 .. 1)");
            Err(err!(INVALID_PARAMETER_VALUE, "{text}"))
        }
    }
}

fn set_limit(fx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let value = args[0].f32();
    check(value.into(), SIMILAR.0)?;
    let mut text = Vec::new();
    float::write_f32(value, 1, &mut text);
    fx.session.set_setting(SIMILAR.0, &String::from_utf8_lossy(&text), false)?;
    number(value, out)
}

fn number(value: f32, out: &mut Column) -> Result<()> {
    out.push(Datum::F32(value));
    Ok(())
}

fn at_least(value: f32, fx: &FnContext, wanted: Limit, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(value >= limit(fx, wanted)?));
    Ok(())
}

/// The needle is on the left, or, turned round, on the right.
fn words(args: &[Datum<'_>], turned: bool, strict: bool) -> f32 {
    let (needle, text) = if turned { (args[1], args[0]) } else { (args[0], args[1]) };
    word_similarity(needle.str(), text.str(), strict)
}

fn show(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let all = trigram::of(args[0].str());
    out.push(Datum::Bytes(&array::from_texts(oid::TEXT, all.iter().map(trigram::shown))));
    Ok(())
}
