//! Functions of `xml` that need no tree of the document.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::err;
use crate::types::xml::{Form, check, is_well_formed};
use crate::types::{Column, Datum};

type Args<'a, 'b> = &'a [Datum<'b>];

fn well_formed(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(is_well_formed(args[0].str(), cx.io.xml_form)));
    Ok(())
}

fn well_formed_document(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(is_well_formed(args[0].str(), Form::Document)));
    Ok(())
}

fn well_formed_content(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(is_well_formed(args[0].str(), Form::Content)));
    Ok(())
}

fn of_text(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    check(args[0].str(), cx.io.xml_form)?;
    out.push(args[0]);
    Ok(())
}

fn to_text(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(args[0]);
    Ok(())
}

fn comment(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = args[0].str();
    if text.contains("--") || text.ends_with('-') {
        return Err(err!(INVALID_XML_COMMENT, "invalid XML comment"));
    }
    super::push_text(out, format!("<!--{text}-->"))
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("xml_is_well_formed", Scalar(well_formed)),
    ("xml_is_well_formed_document", Scalar(well_formed_document)),
    ("xml_is_well_formed_content", Scalar(well_formed_content)),
    ("texttoxml", Scalar(of_text)),
    ("xmltotext", Scalar(to_text)),
    ("xmlcomment", Scalar(comment)),
];
