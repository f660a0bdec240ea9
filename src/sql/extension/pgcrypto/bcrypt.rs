//! crypt with Blowfish (Provos and Mazières 1999).

use super::password::invalid_salt;
use crate::base::{Error, Result};
use crate::sql::func::FnContext;
use blowfish::Blowfish;

const DIGITS: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// "OrpheanBeholderScryDoubt"
const TEXT: [u32; 6] = [0x4f72_7068, 0x6561_6e42, 0x6568_6f6c, 0x6465_7253, 0x6372_7944, 0x6f75_6274];

/// Six bits a digit, the highest first; the last digit's spare bits are zero.
fn show(bytes: &[u8], out: &mut String) {
    let digits = (bytes.len() * 8).div_ceil(6);
    let bit = |n: usize| bytes.get(n / 8).map_or(0, |b| b >> (7 - n % 8) & 1);
    out.extend((0..digits).map(|d| DIGITS[(0..6).fold(0, |v, n| v << 1 | bit(6 * d + n)) as usize] as char));
}

fn read_salt(digits: &[u8]) -> Option<[u8; 16]> {
    let mut bits: u128 = 0;
    for (n, c) in digits.iter().enumerate() {
        let value = DIGITS.iter().position(|d| d == c)? as u128;
        // The last digit has two bits only.
        bits = if n == 21 { bits << 2 | value >> 4 } else { bits << 6 | value };
    }
    Some(bits.to_be_bytes())
}

/// `$2a$`, two digits of cost, and a salt.
pub(super) fn setting(cost: i32, salt: &[u8; 16]) -> String {
    let mut out = format!("$2a${cost:02}$");
    show(salt, &mut out);
    out
}

/// # Errors
/// 22023 for a setting that is none; 57014 when it takes too long for somebody.
pub(super) fn crypt(fx: &FnContext, password: &[u8], setting: &str) -> Result<String> {
    let b = setting.as_bytes();
    if b.len() < 29 || !b[4].is_ascii_digit() || !b[5].is_ascii_digit() || b[6] != b'$' {
        return Err(invalid_salt());
    }
    let cost = (b[4] - b'0') * 10 + (b[5] - b'0');
    let Some(salt) = read_salt(&b[7..29]).filter(|_| (4..=31).contains(&cost)) else { return Err(invalid_salt()) };
    if b[2] == b'x' && !password.is_ascii() {
        // Its fault was to take bytes for signed numbers.
        return Err(Error::unsupported("$2x$ is not supported for passwords that are not ASCII"));
    }
    let mut key: Vec<u8> = password.iter().copied().take(72).collect();
    if key.len() < 72 {
        key.push(0);
    }
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(&salt, &key);
    for n in 0..1u32 << cost {
        if n % 64 == 0 {
            fx.interrupts.check()?;
        }
        state.bc_expand_key(&key);
        state.bc_expand_key(&salt);
    }
    let mut bytes = Vec::new();
    for pair in TEXT.chunks(2) {
        let done = (0..64).fold([pair[0], pair[1]], |lr, _| state.bc_encrypt(lr));
        bytes.extend(done.iter().flat_map(|w| w.to_be_bytes()));
    }
    let mut out = setting[..7].to_owned();
    show(&salt, &mut out);
    show(&bytes[..23], &mut out);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As crypt_blowfish and PostgreSQL give them.
    #[test]
    fn known_answers() {
        let fx = FnContext::default();
        let setting = "$2a$04$RQiOJ.3ELirrXwxIZY8q0O";
        let empty = "$2a$04$RQiOJ.3ELirrXwxIZY8q0Ojwzn.XcGNTi5ebiniCAegaarvILd36K";
        assert_eq!(crypt(&fx, b"", setting).unwrap(), empty);
        let umlaut = "$2a$04$RQiOJ.3ELirrXwxIZY8q0Ot.Jf.MWDJeFFtXG9XsS7lFU/YZ0tJf6";
        assert_eq!(crypt(&fx, "pässword".as_bytes(), umlaut).unwrap(), umlaut);
        let known = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        assert_eq!(crypt(&fx, b"U*U", known).unwrap(), known);
    }
}
