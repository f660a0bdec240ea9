//! Stored passwords. PostgreSQL 15, scram-common.c, auth-scram.c, crypt.c: same formats.

use super::same;
use crate::base::Result;
use crate::err;
use md5::Md5;
use sha2::{Digest, Sha256};

/// PostgreSQL 15, scram-common.h, SCRAM_DEFAULT_ITERATIONS.
const ITERATIONS: u32 = 4096;
const SALT_BYTES: usize = 16;

pub type Key = [u8; 32];

/// What `rolpassword` holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Stored {
    Scram {
        iterations: u32,
        salt: Vec<u8>,
        stored_key: Key,
        server_key: Key,
    },
    /// The 32 hexadecimal digits.
    Md5(String),
}

impl Stored {
    /// Reads a verifier; `None` for plain text.
    pub fn parse(text: &str) -> Option<Stored> {
        if let Some(hex) = text.strip_prefix("md5") {
            let whole = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            return whole.then(|| Stored::Md5(hex.to_string()));
        }
        let rest = text.strip_prefix("SCRAM-SHA-256$")?;
        let (head, keys) = rest.split_once('$')?;
        let (iterations, salt) = head.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let key = |text| base64_decode(text)?.try_into().ok();
        Some(Stored::Scram {
            iterations: iterations.parse().ok().filter(|n| *n > 0)?,
            salt: base64_decode(salt)?,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        })
    }
}

/// What is stored for a password: by `password_encryption`. Text that is a verifier already stays as it is.
pub fn encrypt(password: &str, user: &str, method: &str) -> Result<String> {
    if Stored::parse(password).is_some() {
        return Ok(password.to_string());
    }
    if method == "md5" {
        return Ok(format!("md5{}", md5_hex(&[password.as_bytes(), user.as_bytes()])));
    }
    let mut salt = [0; SALT_BYTES];
    random(&mut salt)?;
    Ok(scram_verifier(password, &salt, ITERATIONS))
}

/// Bytes nobody can guess.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| err!(INTERNAL_ERROR, "could not generate random salt"))
}

fn scram_verifier(password: &str, salt: &[u8], iterations: u32) -> String {
    let salted = salted_password(password, salt, iterations);
    let stored: Key = Sha256::digest(client_key(&salted)).into();
    let server = hmac(&salted, &[b"Server Key"]);
    let (salt, stored, server) = (base64_encode(salt), base64_encode(&stored), base64_encode(&server));
    format!("SCRAM-SHA-256${iterations}:{salt}${stored}:{server}")
}

/// Whether the password is the one that was stored (method `password`).
pub fn check_plain(stored: &Stored, user: &str, password: &str) -> bool {
    match stored {
        Stored::Md5(hex) => {
            let given = md5_hex(&[password.as_bytes(), user.as_bytes()]);
            same(hex.as_bytes(), given.as_bytes())
        }
        Stored::Scram { iterations, salt, stored_key: _, server_key } => {
            let salted = salted_password(password, salt, *iterations);
            same(&hmac(&salted, &[b"Server Key"]), server_key)
        }
    }
}

/// Whether a client's answer to an MD5 challenge is right. A SCRAM verifier never fits: such roles are asked by
/// SCRAM even where the rule says `md5`.
pub fn check_md5(stored: &Stored, salt: [u8; 4], answer: &str) -> bool {
    match stored {
        Stored::Md5(hex) => {
            let expected = format!("md5{}", md5_hex(&[hex.as_bytes(), &salt]));
            same(expected.as_bytes(), answer.as_bytes())
        }
        Stored::Scram { .. } => false,
    }
}

/// What roles without a password seem to have: the same salt every time (PostgreSQL 15, auth-scram.c,
/// mock_scram_secret).
pub fn mock(user: &str, mock_nonce: &[u8; 32]) -> Stored {
    let mut hash = Sha256::new();
    hash.update(user);
    hash.update(mock_nonce);
    let salt = hash.finalize()[..SALT_BYTES].to_vec();
    Stored::Scram { iterations: ITERATIONS, salt, stored_key: [0; 32], server_key: [0; 32] }
}

fn md5_hex(parts: &[&[u8]]) -> String {
    let mut hash = Md5::new();
    parts.iter().for_each(|p| hash.update(p));
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// RFC 5802: Hi(SASLprep(password), salt, iterations). PostgreSQL 15, pg_saslprep: what cannot be prepared is taken
/// as it is.
fn salted_password(password: &str, salt: &[u8], iterations: u32) -> Key {
    let prepared = stringprep::saslprep(password).unwrap_or(password.into());
    let password = &*prepared;
    let keyed = Hmac::new(password.as_bytes());
    let mut u = keyed.clone().finish(&[salt, &1u32.to_be_bytes()]);
    let mut result = u;
    for _ in 1..iterations {
        u = keyed.clone().finish(&[&u]);
        result.iter_mut().zip(u).for_each(|(r, b)| *r ^= b);
    }
    result
}

fn client_key(salted: &Key) -> Key {
    hmac(salted, &[b"Client Key"])
}

pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> Key {
    Hmac::new(key).finish(parts)
}

/// HMAC-SHA-256 with its key taken in once (RFC 2104).
#[derive(Clone)]
struct Hmac {
    inner: Sha256,
    outer: Sha256,
}

impl Hmac {
    fn new(key: &[u8]) -> Hmac {
        let mut block = [0; 64];
        if key.len() > block.len() {
            block[..32].copy_from_slice(&Sha256::digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let keyed = |pad: u8| {
            let mut hash = Sha256::new();
            hash.update(block.map(|b| b ^ pad));
            hash
        };
        Hmac { inner: keyed(0x36), outer: keyed(0x5c) }
    }

    fn finish(mut self, parts: &[&[u8]]) -> Key {
        parts.iter().for_each(|p| self.inner.update(p));
        self.outer.update(self.inner.finalize());
        self.outer.finalize().into()
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for part in bytes.chunks(3) {
        let word = part.iter().fold(0, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - part.len()));
        for i in 0..4 {
            if i <= part.len() {
                out.push(ALPHABET[(word >> (18 - 6 * i)) as usize & 63] as char);
            } else {
                out.push('=');
            }
        }
    }
    out
}

pub(super) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - body.len() > 2 {
        return None;
    }
    let mut out = Vec::new();
    for part in body.as_bytes().chunks(4) {
        let mut word = 0;
        for b in part {
            word = word << 6 | ALPHABET.iter().position(|a| a == b)? as u32;
        }
        word <<= 6 * (4 - part.len());
        out.extend_from_slice(&word.to_be_bytes()[1..part.len()]);
    }
    Some(out)
}

/// 22023 for a password nobody could use.
pub fn check_not_empty(password: &str) -> Result<()> {
    match password.is_empty() {
        true => Err(err!(INVALID_PASSWORD, "empty password")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verifiers that PostgreSQL 15 made for the same passwords and salts are made again, read and matched.
    #[test]
    fn verifiers_are_postgresqls() {
        let made = "SCRAM-SHA-256$4096:4ZR0vTcBUza14nsqrAs46A==$d2kTSlr6m1MxUh/dhFYvP09m+QGoLi82V+eA1TzjA/w=:izsMn2UOe+2wiWzPt7t05pYxnPfBLaHc/CkgaF7bmEU=";
        let Some(Stored::Scram { salt, iterations, .. }) = Stored::parse(made) else { panic!() };
        assert_eq!(scram_verifier("pencil", &salt, iterations), made);
        let stored = Stored::parse(made).unwrap();
        assert!(check_plain(&stored, "u", "pencil") && !check_plain(&stored, "u", "Pencil"));
        assert_eq!(encrypt(made, "u", "scram-sha-256").unwrap(), made);
        let md5 = encrypt("secret", "joe", "md5").unwrap();
        let stored = Stored::parse(&md5).unwrap();
        assert!(check_plain(&stored, "joe", "secret") && !check_plain(&stored, "jim", "secret"));
        let Stored::Md5(hex) = &stored else { panic!() };
        let answer = format!("md5{}", md5_hex(&[hex.as_bytes(), &[1, 2, 3, 4]]));
        assert!(check_md5(&stored, [1, 2, 3, 4], &answer) && !check_md5(&stored, [1, 2, 3, 5], &answer));
        assert_eq!(Stored::parse("md5x"), None);
        assert_eq!(Stored::parse("plain"), None);
    }

    /// What was encoded decodes to the same bytes, at every length.
    #[test]
    fn base64() {
        for len in 0..20u8 {
            let bytes: Vec<u8> = (0..len).map(|b| b.wrapping_mul(37)).collect();
            assert_eq!(base64_decode(&base64_encode(&bytes)), Some(bytes));
        }
        assert_eq!(base64_encode(b"ab"), "YWI=");
        assert_eq!(base64_decode("YWI"), None);
        assert_eq!(base64_decode("Y?I="), None);
    }
}
