//! The functions that read and show a type whose code an extension brings: its text form and its binary one.

use crate::base::Result;
use crate::types::code::TypeCode;
use crate::types::{Column, Datum};

/// The value of a text.
///
/// # Errors
/// The type's, 22P02 as a rule.
pub fn read(code: &TypeCode, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&(code.read)(args[0].str())?));
    Ok(())
}

/// The text of a value.
pub fn show(code: &TypeCode, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut text = Vec::new();
    (code.show)(args[0].bytes(), &mut text);
    out.push(Datum::Bytes(&text));
    Ok(())
}

/// The value of what came in binary.
///
/// # Errors
/// The type's, 22P03 as a rule.
pub fn receive(code: &TypeCode, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&(code.receive)(args[0].bytes())?));
    Ok(())
}

/// What goes out in binary.
pub fn send(code: &TypeCode, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut bytes = Vec::new();
    (code.send)(args[0].bytes(), &mut bytes);
    out.push(Datum::Bytes(&bytes));
    Ok(())
}
