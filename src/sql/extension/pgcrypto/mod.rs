//! `pgcrypto`: hashes, passwords, ciphers, random bytes, and PGP's armour.
//!
//! Hash functions and ciphers are crates of RustCrypto; what is made of them (crypt's schemes, padding, armour) is here.
//! Not there: PGP messages, the ciphers DES, 3DES and CAST5 (a PostgreSQL with OpenSSL 3 has them no more than we), and
//! hash functions other than MD5, SHA-1 and SHA-2.

mod armor;
mod bcrypt;
mod cipher;
mod des;
mod hash;
mod md5_crypt;
mod password;

use super::{Code, Extension, PLAIN};
use crate::base::{Error, Result, SqlState};
use crate::err;
use crate::sql::func::FnContext;
use crate::types::{Column, Datum};

pub(super) const EXTENSION: Extension = Extension {
    name: "pgcrypto",
    version: "1.3",
    comment: "cryptographic functions",
    script: include_str!("script.sql"),
    code: &[
        ("pg_digest", Code::Scalar(hash::digest)),
        ("pg_hmac", Code::Scalar(hash::hmac)),
        ("pg_crypt", Code::Scalar(password::crypt)),
        ("pg_gen_salt", Code::Scalar(password::gen_salt)),
        ("pg_gen_salt_rounds", Code::Scalar(password::gen_salt)),
        ("pg_encrypt", Code::Scalar(cipher::encrypt)),
        ("pg_decrypt", Code::Scalar(cipher::decrypt)),
        ("pg_encrypt_iv", Code::Scalar(cipher::encrypt_iv)),
        ("pg_decrypt_iv", Code::Scalar(cipher::decrypt_iv)),
        ("pg_random_bytes", Code::Scalar(random_bytes)),
        ("pg_random_uuid", Code::Scalar(random_uuid)),
        ("pgp_sym_encrypt_text", Code::Scalar(no_pgp)),
        ("pgp_sym_encrypt_bytea", Code::Scalar(no_pgp)),
        ("pgp_sym_decrypt_text", Code::Scalar(no_pgp)),
        ("pgp_sym_decrypt_bytea", Code::Scalar(no_pgp)),
        ("pgp_pub_encrypt_text", Code::Scalar(no_pgp)),
        ("pgp_pub_encrypt_bytea", Code::Scalar(no_pgp)),
        ("pgp_pub_decrypt_text", Code::Scalar(no_pgp)),
        ("pgp_pub_decrypt_bytea", Code::Scalar(no_pgp)),
        ("pgp_key_id_w", Code::Scalar(no_pgp)),
        ("pg_armor", Code::Scalar(armor::armor)),
        ("pg_dearmor", Code::Scalar(armor::dearmor)),
        ("pgp_armor_headers", Code::Rows(armor::headers)),
    ],
    ..PLAIN
};

fn no_pgp(_: &mut FnContext, _: &[Datum<'_>], _: &mut Column) -> Result<()> {
    Err(Error::unsupported("PGP messages are not supported"))
}

/// An error of the library behind PostgreSQL's functions.
fn failed(text: impl Into<String>) -> Error {
    Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, text)
}

fn cannot_use(what: &str, why: &str) -> Error {
    err!(INVALID_PARAMETER_VALUE, "Cannot use \"{what}\": {why}")
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| err!(INTERNAL_ERROR, "could not generate a random number"))
}

fn random_bytes(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let length = args[0].i32();
    if !(1..=1024).contains(&length) {
        return Err(failed("Length not in range"));
    }
    let mut bytes = vec![0; length as usize];
    random(&mut bytes)?;
    out.push(Datum::Bytes(&bytes));
    Ok(())
}

fn random_uuid(_: &mut FnContext, _: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut uuid = [0; 16];
    random(&mut uuid)?;
    uuid[6] = uuid[6] & 0x0f | 0x40;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    out.push(Datum::Bytes(&uuid));
    Ok(())
}
