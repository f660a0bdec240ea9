//! Functions of `bytea`, encodings, digests, and bit strings.

use super::{FnContext, FuncImpl, push_text};
use crate::base::charset::{self, Charset};
use crate::base::{Error, Result};
use crate::types::bit::{self, Bits};
use crate::types::{Column, Datum, bytea};
use crate::{bail, err};
use sha2::Digest;
use std::borrow::Cow;

type Args<'a, 'b> = &'a [Datum<'b>];

fn push(out: &mut Column, bytes: &[u8]) -> Result<()> {
    out.push(Datum::Bytes(bytes));
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    bytea::write_hex(bytes, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn md5(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, hex(&md5::Md5::digest(args[0].bytes())))
}

fn sha224(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &sha2::Sha224::digest(args[0].bytes()))
}

fn sha256(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &sha2::Sha256::digest(args[0].bytes()))
}

fn sha384(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &sha2::Sha384::digest(args[0].bytes()))
}

fn sha512(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &sha2::Sha512::digest(args[0].bytes()))
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn to_base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (i, chunk) in bytes.chunks(3).enumerate() {
        if i > 0 && column >= 76 {
            out.push('\n');
            column = 0;
        }
        let n = chunk.iter().enumerate().fold(0_u32, |n, (i, b)| n | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            let digit = BASE64[(n >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i <= chunk.len() { digit } else { '=' });
        }
        column += 4;
    }
    // PostgreSQL ends a full line with a newline, even the last one.
    if column >= 76 {
        out.push('\n');
    }
    out
}

fn from_base64(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let (mut n, mut count, mut padding) = (0_u32, 0, 0);
    for c in text.chars() {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        let digit = if c == '=' {
            if padding == 0 {
                padding = match count {
                    2 => 1,
                    3 => 2,
                    _ => bail!(INVALID_PARAMETER_VALUE, "unexpected \"=\" while decoding base64 sequence"),
                };
            }
            0
        } else {
            match BASE64.iter().position(|b| *b as char == c) {
                Some(d) => d as u32,
                None => bail!(INVALID_PARAMETER_VALUE, "invalid symbol \"{c}\" found while decoding base64 sequence"),
            }
        };
        n = n << 6 | digit;
        count += 1;
        if count == 4 {
            out.push((n >> 16) as u8);
            if padding == 0 || padding > 1 {
                out.push((n >> 8) as u8);
            }
            if padding == 0 || padding > 2 {
                out.push(n as u8);
            }
            (n, count) = (0, 0);
        }
    }
    if count != 0 {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid base64 end sequence")
            .hint("Input data is missing padding, is truncated, or is otherwise corrupted."));
    }
    Ok(out)
}

fn unrecognized(name: &str) -> crate::base::Error {
    err!(INVALID_PARAMETER_VALUE, "unrecognized encoding: \"{name}\"")
}

fn encode(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let bytes = args[0].bytes();
    let text = match args[1].str().to_ascii_lowercase().as_str() {
        "hex" => hex(bytes),
        "base64" => to_base64(bytes),
        "escape" => {
            let mut v = Vec::new();
            for &b in bytes {
                match b {
                    b'\\' => v.extend_from_slice(b"\\\\"),
                    0 | 0x80.. => v.extend_from_slice(format!("\\{b:03o}").as_bytes()),
                    _ => v.push(b),
                }
            }
            String::from_utf8_lossy(&v).into_owned()
        }
        _ => return Err(unrecognized(args[1].str())),
    };
    push_text(out, text)
}

fn decode(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = args[0].str();
    let bytes = match args[1].str().to_ascii_lowercase().as_str() {
        "hex" => bytea::parse_hex(text)?,
        "base64" => from_base64(text)?,
        "escape" => bytea::parse(text)?,
        _ => return Err(unrecognized(args[1].str())),
    };
    push(out, &bytes)
}

/// An encoding by its name, and how to convert it.
///
/// # Errors
/// 0A000 for one that PostgreSQL knows and nobody here can convert.
fn encoding(name: &str, what: &str) -> Result<Option<&'static Charset>> {
    match charset::canonical(name) {
        Some("UTF8" | "SQL_ASCII") => Ok(None),
        Some(known) => {
            let found = Charset::named(known);
            found.map(Some).ok_or_else(|| Error::unsupported(format!("encoding \"{known}\" is not supported")))
        }
        None => Err(err!(INVALID_PARAMETER_VALUE, "invalid {what} name \"{name}\"")),
    }
}

/// The text of bytes in an encoding.
fn decoded<'a>(bytes: &'a [u8], name: &str, what: &str) -> Result<Cow<'a, str>> {
    match encoding(name, what)? {
        None => crate::types::text::check(bytes).map(Cow::Borrowed),
        Some(charset) => charset.decode(bytes),
    }
}

/// The bytes of a text in an encoding.
fn encoded<'a>(text: &'a str, name: &str) -> Result<Cow<'a, [u8]>> {
    match encoding(name, "destination encoding")? {
        None => Ok(Cow::Borrowed(text.as_bytes())),
        Some(charset) => charset.encode(text.as_bytes()),
    }
}

fn convert_from(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, decoded(args[0].bytes(), args[1].str(), "source encoding")?)
}

fn convert_to(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &encoded(args[0].str(), args[1].str())?)
}

fn pg_convert(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = decoded(args[0].bytes(), args[1].str(), "source encoding")?;
    push(out, &encoded(&text, args[2].str())?)
}

/// How many characters these bytes are in an encoding.
fn length_in(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = decoded(args[0].bytes(), args[1].str(), "encoding")?;
    out.push(Datum::I32(text.chars().count() as i32));
    Ok(())
}

fn range(args: Args<'_, '_>) -> Result<(usize, usize)> {
    let from = i64::from(args[1].i32()) - 1;
    let to = match args.get(2).map(|l| l.i32()) {
        None => i64::MAX,
        Some(l) if l < 0 => bail!(SUBSTRING_ERROR, "negative substring length not allowed"),
        Some(l) => from.saturating_add(l.into()),
    };
    Ok((from.max(0) as usize, to.max(0) as usize))
}

fn substr(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let b = args[0].bytes();
    let (from, to) = range(args)?;
    let to = to.min(b.len());
    push(out, b.get(from..to).unwrap_or(&[]))
}

fn position(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (b, part) = (args[0].bytes(), args[1].bytes());
    let at = if part.is_empty() { Some(0) } else { b.windows(part.len()).position(|w| w == part) };
    out.push(Datum::I32(at.map_or(0, |i| i as i32 + 1)));
    Ok(())
}

fn overlay(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (b, new, start) = (args[0].bytes(), args[1].bytes(), args[2].i32());
    let len = args.get(3).map_or(new.len() as i32, |l| l.i32());
    if start <= 0 {
        bail!(SUBSTRING_ERROR, "negative substring length not allowed");
    }
    let Some(rest) = start.checked_add(len) else { bail!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range") };
    let head = (start as usize - 1).min(b.len());
    let tail = (rest.saturating_sub(1).max(0) as usize).min(b.len());
    push(out, &[&b[..head], new, &b[tail..]].concat())
}

fn trim(args: Args<'_, '_>, out: &mut Column, left: bool, right: bool) -> Result<()> {
    let set = args[1].bytes();
    let mut b = args[0].bytes();
    while let (true, Some((first, rest))) = (left, b.split_first())
        && set.contains(first)
    {
        b = rest;
    }
    while let (true, Some((last, rest))) = (right, b.split_last())
        && set.contains(last)
    {
        b = rest;
    }
    push(out, b)
}

fn btrim(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    trim(args, out, true, true)
}

fn ltrim(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    trim(args, out, true, false)
}

fn rtrim(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    trim(args, out, false, true)
}

fn cat(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &[args[0].bytes(), args[1].bytes()].concat())
}

/// The index of a byte or bit that must lie within `len`.
fn index(n: i64, len: usize) -> Result<usize> {
    match usize::try_from(n).ok().filter(|i| *i < len) {
        Some(i) => Ok(i),
        None => Err(err!(ARRAY_SUBSCRIPT_ERROR, "index {n} out of valid range, 0..{}", len as i64 - 1)),
    }
}

fn get_byte(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let b = args[0].bytes();
    out.push(Datum::I32(b[index(args[1].i32().into(), b.len())?].into()));
    Ok(())
}

fn set_byte(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut b = args[0].bytes().to_vec();
    let at = index(args[1].i32().into(), b.len())?;
    b[at] = args[2].i32() as u8;
    push(out, &b)
}

fn get_bit(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let b = args[0].bytes();
    let at = index(args[1].i64(), b.len() * 8)?;
    out.push(Datum::I32((b[at / 8] >> (at % 8) & 1).into()));
    Ok(())
}

fn set_bit(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut b = args[0].bytes().to_vec();
    let at = index(args[1].i64(), b.len() * 8)?;
    match args[2].i32() {
        0 => b[at / 8] &= !(1 << (at % 8)),
        1 => b[at / 8] |= 1 << (at % 8),
        _ => bail!(INVALID_PARAMETER_VALUE, "new bit must be 0 or 1"),
    }
    push(out, &b)
}

fn bit_count(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(args[0].bytes().iter().map(|b| i64::from(b.count_ones())).sum()));
    Ok(())
}

// Bit strings. ------------------------------------------------------------------------------------------------

fn bits<'a>(args: Args<'_, 'a>, n: usize) -> Bits<'a> {
    Bits::new(args[n].bytes())
}

fn bit_cat(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &bit::build(bits(args, 0).iter().chain(bits(args, 1).iter())))
}

fn bit_overlay(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (old, new, start) = (bits(args, 0), bits(args, 1), args[2].i32());
    let len = args.get(3).map_or(new.len as i32, |l| l.i32());
    if start <= 0 {
        bail!(SUBSTRING_ERROR, "negative substring length not allowed");
    }
    let Some(rest) = start.checked_add(len) else { bail!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range") };
    let head = start as usize - 1;
    let tail = rest.saturating_sub(1).max(0) as usize;
    push(out, &bit::build(old.iter().take(head).chain(new.iter()).chain(old.iter().skip(tail))))
}

fn bit_both(args: Args<'_, '_>, out: &mut Column, what: &str, f: fn(bool, bool) -> bool) -> Result<()> {
    let (a, b) = (bits(args, 0), bits(args, 1));
    if a.len != b.len {
        return Err(err!(STRING_DATA_LENGTH_MISMATCH, "cannot {what} bit strings of different sizes"));
    }
    push(out, &bit::build(a.iter().zip(b.iter()).map(|(x, y)| f(x, y))))
}

fn bit_and(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    bit_both(args, out, "AND", |a, b| a & b)
}

fn bit_or(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    bit_both(args, out, "OR", |a, b| a | b)
}

fn bit_xor(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    bit_both(args, out, "XOR", |a, b| a ^ b)
}

fn bit_not(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &bit::build(bits(args, 0).iter().map(|b| !b)))
}

/// Moves to the left by `n` places, or to the right if negative; zeros come in.
fn shift(args: Args<'_, '_>, out: &mut Column, n: i64) -> Result<()> {
    let b = bits(args, 0);
    let get = |i: usize| usize::try_from(i as i64 + n).ok().filter(|at| *at < b.len).is_some_and(|at| b.get(at));
    push(out, &bit::build((0..b.len).map(get)))
}

fn shift_left(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    shift(args, out, args[1].i32().into())
}

fn shift_right(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    shift(args, out, -i64::from(args[1].i32()))
}

fn bit_len(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(bits(args, 0).len as i32));
    Ok(())
}

fn bit_octet_len(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(bits(args, 0).len.div_ceil(8) as i32));
    Ok(())
}

fn bit_string_count(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(bits(args, 0).iter().filter(|b| *b).count() as i64));
    Ok(())
}

fn bit_substr(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let b = bits(args, 0);
    let (from, to) = range(args)?;
    push(out, &bit::build(b.iter().take(to).skip(from)))
}

fn bit_get(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let b = bits(args, 0);
    let at = bit_index(args[1].i32(), b.len)?;
    out.push(Datum::I32(b.get(at).into()));
    Ok(())
}

fn bit_index(n: i32, len: usize) -> Result<usize> {
    usize::try_from(n)
        .ok()
        .filter(|i| *i < len)
        .ok_or_else(|| err!(ARRAY_SUBSCRIPT_ERROR, "bit index {n} out of valid range (0..{})", len as i64 - 1))
}

fn bit_set(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let b = bits(args, 0);
    let at = bit_index(args[1].i32(), b.len)?;
    let new = match args[2].i32() {
        0 => false,
        1 => true,
        _ => bail!(INVALID_PARAMETER_VALUE, "new bit must be 0 or 1"),
    };
    push(out, &bit::build(b.iter().enumerate().map(|(i, old)| if i == at { new } else { old })))
}

fn bit_position(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (text, part): (Vec<bool>, Vec<bool>) = (bits(args, 0).iter().collect(), bits(args, 1).iter().collect());
    let at = if part.is_empty() {
        (!text.is_empty()).then_some(0)
    } else {
        text.windows(part.len()).position(|w| w == part)
    };
    out.push(Datum::I32(at.map_or(0, |i| i as i32 + 1)));
    Ok(())
}

fn apply_bit(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &bit::apply_typmod(args[0].bytes(), args[1].i32(), false, args[2].bool())?)
}

fn apply_varbit(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, &bit::apply_typmod(args[0].bytes(), args[1].i32(), true, args[2].bool())?)
}

/// The low bits of a number, filled with its sign.
fn from_int(n: i64, width: i64, typmod: i32, out: &mut Column) -> Result<()> {
    // PostgreSQL 15, varbit.h, VARBITMAXLEN: the longest there is; what is longer counts as not given.
    let len = if (1..=i32::MAX - 7).contains(&typmod) { i64::from(typmod) } else { 1 };
    let bit = |i: i64| n >> (len - 1 - i).min(width - 1) & 1 == 1;
    push(out, &bit::build((0..len).map(bit)))
}

fn from_int4(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    from_int(args[0].i32().into(), 32, args[1].i32(), out)
}

fn from_int8(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    from_int(args[0].i64(), 64, args[1].i32(), out)
}

fn to_int4(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let b = bits(args, 0);
    if b.len > 32 {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    }
    out.push(Datum::I32(b.iter().fold(0, |n, x| n << 1 | i32::from(x))));
    Ok(())
}

fn to_int8(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let b = bits(args, 0);
    if b.len > 64 {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    }
    out.push(Datum::I64(b.iter().fold(0, |n, x| n << 1 | i64::from(x))));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("md5_text", Scalar(md5)),
    ("md5_bytea", Scalar(md5)),
    ("sha224_bytea", Scalar(sha224)),
    ("sha256_bytea", Scalar(sha256)),
    ("sha384_bytea", Scalar(sha384)),
    ("sha512_bytea", Scalar(sha512)),
    ("binary_encode", Scalar(encode)),
    ("binary_decode", Scalar(decode)),
    ("pg_convert", Scalar(pg_convert)),
    ("length_in_encoding", Scalar(length_in)),
    ("pg_convert_from", Scalar(convert_from)),
    ("pg_convert_to", Scalar(convert_to)),
    ("bytea_substr", Scalar(substr)),
    ("bytea_substr_no_len", Scalar(substr)),
    ("byteapos", Scalar(position)),
    ("byteaoverlay", Scalar(overlay)),
    ("byteaoverlay_no_len", Scalar(overlay)),
    ("byteatrim", Scalar(btrim)),
    ("bytealtrim", Scalar(ltrim)),
    ("byteartrim", Scalar(rtrim)),
    ("byteacat", Scalar(cat)),
    ("byteaGetByte", Scalar(get_byte)),
    ("byteaSetByte", Scalar(set_byte)),
    ("byteaGetBit", Scalar(get_bit)),
    ("byteaSetBit", Scalar(set_bit)),
    ("bytea_bit_count", Scalar(bit_count)),
    ("bitcat", Scalar(bit_cat)),
    ("bit_and", Scalar(bit_and)),
    ("bit_or", Scalar(bit_or)),
    ("bitxor", Scalar(bit_xor)),
    ("bitnot", Scalar(bit_not)),
    ("bitshiftleft", Scalar(shift_left)),
    ("bitshiftright", Scalar(shift_right)),
    ("bitlength", Scalar(bit_len)),
    ("bitoctetlength", Scalar(bit_octet_len)),
    ("bit_length(bit)", Scalar(bit_len)),
    ("bit_bit_count", Scalar(bit_string_count)),
    ("bitsubstr", Scalar(bit_substr)),
    ("bitsubstr_no_len", Scalar(bit_substr)),
    ("bitoverlay", Scalar(bit_overlay)),
    ("bitoverlay_no_len", Scalar(bit_overlay)),
    ("bitgetbit", Scalar(bit_get)),
    ("bitsetbit", Scalar(bit_set)),
    ("bitposition", Scalar(bit_position)),
    ("bit", Scalar(apply_bit)),
    ("varbit", Scalar(apply_varbit)),
    ("bitfromint4", Scalar(from_int4)),
    ("bitfromint8", Scalar(from_int8)),
    ("bittoint4", Scalar(to_int4)),
    ("bittoint8", Scalar(to_int8)),
];
