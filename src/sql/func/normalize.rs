//! Unicode normalization forms.

use super::{FnContext, FuncImpl, push_text};
use crate::base::Result;
use crate::err;
use crate::types::{Column, Datum};
use unicode_normalization::UnicodeNormalization;

fn normalized(text: &str, form: &str) -> Result<String> {
    // PostgreSQL 15, varlena.c, unicode_norm_form_from_string: the case does not matter.
    Ok(match form.to_ascii_uppercase().as_str() {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        _ => return Err(err!(INVALID_PARAMETER_VALUE, "invalid normalization form: {form}")),
    })
}

fn normalize(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_text(out, normalized(args[0].str(), args[1].str())?)
}

fn is_normalized(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let text = args[0].str();
    out.push(Datum::Bool(normalized(text, args[1].str())? == text));
    Ok(())
}

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("unicode_normalize_func", FuncImpl::Scalar(normalize)),
    ("unicode_is_normalized", FuncImpl::Scalar(is_normalized)),
];
