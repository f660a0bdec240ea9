//! `encrypt` and `decrypt`: AES and Blowfish in CBC and ECB, with PKCS padding or none.

use super::{cannot_use, failed};
use crate::base::Result;
use crate::sql::func::FnContext;
use crate::types::{Column, Datum};
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use blowfish::Blowfish;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Algorithm {
    Aes,
    Blowfish,
    /// OpenSSL 3 has it no more.
    Gone,
}

/// What a type like `aes-cbc/pad:pkcs` says.
#[derive(Clone, Copy, Debug)]
struct Spec {
    algorithm: Algorithm,
    chained: bool,
    padded: bool,
}

fn spec(text: &str) -> Result<Spec> {
    // As `encrypt` calls it in messages, too.
    let text = &*text.to_ascii_lowercase();
    let mut parts = text.split('/');
    let name = parts.next().unwrap_or_default();
    let mut padded = true;
    for option in parts.filter(|o| !o.is_empty()) {
        let Some((key, value)) = option.split_once(':') else { return Err(cannot_use(text, "Badly formatted type")) };
        padded = match (key, value) {
            ("pad", "pkcs") => true,
            ("pad", "none") => false,
            ("pad", _) => return Err(cannot_use(text, "No such cipher algorithm")),
            _ => return Err(cannot_use(text, "Unknown option")),
        };
    }
    let (algorithm, chained) = match name {
        "aes" | "aes-cbc" | "rijndael" | "rijndael-cbc" => (Algorithm::Aes, true),
        "aes-ecb" | "rijndael-ecb" => (Algorithm::Aes, false),
        "bf" | "bf-cbc" | "blowfish" | "blowfish-cbc" => (Algorithm::Blowfish, true),
        "bf-ecb" | "blowfish-ecb" => (Algorithm::Blowfish, false),
        "bf-cfb" | "blowfish-cfb" | "des" | "des-cbc" | "des-ecb" | "3des" | "3des-cbc" | "3des-ecb" | "des3-cbc"
        | "des3-ecb" | "cast5" | "cast5-cbc" | "cast5-ecb" => (Algorithm::Gone, true),
        _ => return Err(cannot_use(text, "No such cipher algorithm")),
    };
    Ok(Spec { algorithm, chained, padded })
}

/// One block, changed in place.
type Step = Box<dyn Fn(&mut [u8])>;

/// The two directions of a cipher under a key, and its block in bytes.
struct Cipher {
    block: usize,
    encrypt: Step,
    decrypt: Step,
}

fn keyed<C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt + Clone + 'static>(key: &[u8]) -> Option<Cipher> {
    let cipher = C::new_from_slice(key).ok()?;
    let other = cipher.clone();
    Some(Cipher {
        block: C::block_size(),
        encrypt: Box::new(move |b| {
            if let Ok(block) = <&mut Block<C>>::try_from(b) {
                cipher.encrypt_block(block);
            }
        }),
        decrypt: Box::new(move |b| {
            if let Ok(block) = <&mut Block<C>>::try_from(b) {
                other.decrypt_block(block);
            }
        }),
    })
}

/// Keys are filled up with zeros, and cut.
fn aes(key: &[u8]) -> Option<Cipher> {
    let mut key = key[..key.len().min(32)].to_vec();
    let fits = [16, 24, 32].into_iter().find(|n| key.len() <= *n)?;
    key.resize(fits, 0);
    match fits {
        16 => keyed::<Aes128>(&key),
        24 => keyed::<Aes192>(&key),
        _ => keyed::<Aes256>(&key),
    }
}

/// Blowfish goes round and round its key, so that one repeated is the same one.
fn blowfish(key: &[u8]) -> Option<Cipher> {
    let key = &key[..key.len().min(56)];
    let long = key.repeat(4);
    keyed::<Blowfish>(if key.len() < 4 { &long } else { key })
}

impl Cipher {
    fn of(spec: Spec, key: &[u8]) -> Option<Cipher> {
        match spec.algorithm {
            Algorithm::Aes => aes(key),
            Algorithm::Blowfish => blowfish(key),
            Algorithm::Gone => None,
        }
    }

    /// None: without padding, and not whole blocks.
    fn encrypt(&self, spec: Spec, iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let mut data = data.to_vec();
        if spec.padded {
            let more = self.block - data.len() % self.block;
            data.resize(data.len() + more, more as u8);
        }
        if !data.len().is_multiple_of(self.block) {
            return None;
        }
        let mut last = self.iv(iv);
        for block in data.chunks_mut(self.block) {
            if spec.chained {
                block.iter_mut().zip(&last).for_each(|(b, l)| *b ^= l);
            }
            (self.encrypt)(block);
            last.copy_from_slice(block);
        }
        Some(data)
    }

    /// None: not whole blocks, or a padding that is none.
    fn decrypt(&self, spec: Spec, iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        if !data.len().is_multiple_of(self.block) || data.is_empty() && spec.padded {
            return None;
        }
        let mut data = data.to_vec();
        let mut last = self.iv(iv);
        for block in data.chunks_mut(self.block) {
            let own = block.to_vec();
            (self.decrypt)(block);
            if spec.chained {
                block.iter_mut().zip(&last).for_each(|(b, l)| *b ^= l);
            }
            last = own;
        }
        if spec.padded {
            let more = usize::from(*data.last()?);
            let whole =
                (1..=self.block).contains(&more) && data.iter().rev().take(more).all(|b| usize::from(*b) == more);
            data.truncate(data.len() - more * usize::from(whole));
            return whole.then_some(data);
        }
        Some(data)
    }

    fn iv(&self, given: &[u8]) -> Vec<u8> {
        let mut iv = given.to_vec();
        iv.resize(self.block, 0);
        iv
    }
}

/// One call: the function's name is in its errors.
fn call(name: &str, args: &[Datum<'_>], iv: &[u8], kind: &str, out: &mut Column) -> Result<()> {
    let spec = spec(kind)?;
    let cipher = Cipher::of(spec, args[1].bytes());
    let cipher = cipher.ok_or_else(|| failed(format!("{name} error: Cipher cannot be initialized")))?;
    let (done, what) = match name.starts_with("encrypt") {
        true => (cipher.encrypt(spec, iv, args[0].bytes()), "Encryption failed"),
        false => (cipher.decrypt(spec, iv, args[0].bytes()), "Decryption failed"),
    };
    out.push(Datum::Bytes(&done.ok_or_else(|| failed(format!("{name} error: {what}")))?));
    Ok(())
}

pub(super) fn encrypt(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    call("encrypt", args, &[], args[2].str(), out)
}

pub(super) fn decrypt(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    call("decrypt", args, &[], args[2].str(), out)
}

pub(super) fn encrypt_iv(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    call("encrypt_iv", args, args[2].bytes(), args[3].str(), out)
}

pub(super) fn decrypt_iv(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    call("decrypt_iv", args, args[2].bytes(), args[3].str(), out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    /// NIST SP 800-38A, F.2.1; Schneier's test vectors of Blowfish; and back again.
    #[test]
    fn known_answers() {
        let aes_cbc = spec("aes-cbc/pad:none").unwrap();
        let key = bytes("2b7e151628aed2a6abf7158809cf4f3c");
        let (iv, plain) = (bytes("000102030405060708090a0b0c0d0e0f"), bytes("6bc1bee22e409f96e93d7e117393172a"));
        let cipher = Cipher::of(aes_cbc, &key).unwrap();
        let done = cipher.encrypt(aes_cbc, &iv, &plain).unwrap();
        assert_eq!(done, bytes("7649abac8119b246cee98e9b12e9197d"));
        assert_eq!(cipher.decrypt(aes_cbc, &iv, &done).unwrap(), plain);
        let bf = spec("bf-ecb/pad:none").unwrap();
        let cipher = Cipher::of(bf, &bytes("0123456789abcdef")).unwrap();
        let done = cipher.encrypt(bf, &[], &bytes("1111111111111111")).unwrap();
        assert_eq!(done, bytes("61f9c3802281b096"));
    }

    #[test]
    fn padding_is_checked() {
        let padded = spec("AES/pad:pkcs").unwrap();
        let cipher = Cipher::of(padded, b"k").unwrap();
        for length in 0..40 {
            let data = vec![7; length];
            let done = cipher.encrypt(padded, b"iv", &data).unwrap();
            assert_eq!(cipher.decrypt(padded, b"iv", &done).unwrap(), data);
        }
        assert!(cipher.decrypt(padded, b"", b"abcdefghabcdefgh").is_none());
        assert!(cipher.decrypt(padded, b"", b"").is_none());
    }
}
