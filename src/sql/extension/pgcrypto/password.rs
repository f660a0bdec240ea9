//! `crypt` and `gen_salt`: which scheme a setting names.

use super::{bcrypt, des, md5_crypt, random};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::func::FnContext;
use crate::types::{Column, Datum};

/// Digits of six bits, of all schemes but Blowfish's.
pub(super) const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a digit is worth; what is none is worth nothing.
pub(super) fn number(c: u8) -> u32 {
    DIGITS.iter().position(|d| *d == c).unwrap_or_default() as u32
}

pub(super) fn invalid_salt() -> Error {
    err!(INVALID_PARAMETER_VALUE, "invalid salt")
}

pub(super) fn crypt(fx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (password, setting) = (args[0].bytes(), args[1].str());
    let done = match setting {
        s if s.starts_with("$2a$") || s.starts_with("$2x$") => bcrypt::crypt(fx, password, s)?,
        s if s.starts_with("$1$") => md5_crypt::crypt(password, s),
        s => des::crypt(password, s)?,
    };
    out.push(Datum::Bytes(done.as_bytes()));
    Ok(())
}

fn wrong_rounds() -> Error {
    err!(INVALID_PARAMETER_VALUE, "gen_salt: Incorrect number of rounds")
}

/// With or without a number of rounds; none, or 0: the scheme's own.
pub(super) fn gen_salt(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let rounds = args.get(1).map_or(0, |r| r.i32());
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let bits = u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default());
    let digits = |first: u32, count: u32, out: &mut String| {
        (first..first + count).for_each(|n| out.push(DIGITS[(bits >> (6 * n)) as usize & 0x3f] as char));
    };
    let mut salt = String::new();
    match args[0].str().to_ascii_lowercase().as_str() {
        "des" if matches!(rounds, 0 | 25) => digits(0, 2, &mut salt),
        "md5" if matches!(rounds, 0 | 1000) => {
            salt.push_str("$1$");
            digits(0, 8, &mut salt);
        }
        "xdes" if rounds == 0 || (1..=0xff_ffff).contains(&rounds) && rounds % 2 == 1 => {
            salt.push('_');
            md5_crypt::show(if rounds == 0 { 29 * 25 } else { rounds as u32 }, 4, &mut salt);
            digits(0, 4, &mut salt);
        }
        "bf" if rounds == 0 || (4..=31).contains(&rounds) => {
            salt = bcrypt::setting(if rounds == 0 { 6 } else { rounds }, &bytes);
        }
        "des" | "md5" | "xdes" | "bf" => return Err(wrong_rounds()),
        _ => return Err(err!(INVALID_PARAMETER_VALUE, "gen_salt: Unknown salt algorithm")),
    }
    out.push(Datum::Bytes(salt.as_bytes()));
    Ok(())
}
