//! crypt with MD5 (Kamp 1994): `$1$` and up to eight characters of salt.

use super::password::DIGITS;
use md5::{Digest, Md5};

fn hash(pieces: &[&[u8]]) -> [u8; 16] {
    pieces.iter().fold(Md5::new(), |d, piece| d.chain_update(piece)).finalize().into()
}

pub(super) fn crypt(password: &[u8], setting: &str) -> String {
    let salt = setting.trim_start_matches("$1$").split('$').next().unwrap_or_default();
    let end = salt.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 8).last().unwrap_or(0);
    let salt = &salt[..end];
    let s = salt.as_bytes();
    let alternate = hash(&[password, s, password]);
    let mut first = [password, b"$1$", s].concat();
    first.extend(alternate.iter().cycle().take(password.len()));
    let mut n = password.len();
    while n > 0 {
        // A byte of zero, or the password's first byte: so it was written once.
        first.push(if n & 1 == 1 { 0 } else { password[0] });
        n >>= 1;
    }
    let mut done = hash(&[&first]);
    for round in 0..1000 {
        let odd = round % 2 == 1;
        let begin: &[u8] = if odd { password } else { &done };
        let end: &[u8] = if odd { &done } else { password };
        let salted: &[u8] = if round % 3 != 0 { s } else { b"" };
        let again: &[u8] = if round % 7 != 0 { password } else { b"" };
        done = hash(&[begin, salted, again, end]);
    }
    let mut out = format!("$1${salt}$");
    for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        show(u32::from(done[a]) << 16 | u32::from(done[b]) << 8 | u32::from(done[c]), 4, &mut out);
    }
    show(u32::from(done[11]), 2, &mut out);
    out
}

/// Digits of six bits, the lowest first.
pub(super) fn show(bits: u32, digits: u32, out: &mut String) {
    out.extend((0..digits).map(|n| DIGITS[(bits >> (6 * n)) as usize & 0x3f] as char));
}

#[cfg(test)]
mod tests {
    /// As PostgreSQL gives them.
    #[test]
    fn known_answers() {
        let crypt = super::crypt;
        assert_eq!(crypt(b"pw", "$1$abcdefgh"), "$1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.");
        assert_eq!(crypt(b"pw", "$1$abcdefghxyz$"), "$1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.");
        assert_eq!(crypt(b"", "$1$"), "$1$$qRPK7m23GJusamGpoGLby/");
    }
}
