//! `digest` and `hmac`.

use super::cannot_use;
use crate::base::Result;
use crate::sql::func::FnContext;
use crate::types::{Column, Datum};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::common::BlockSizeUser;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

/// A hash function: its block in bytes, and the hash of some pieces.
#[derive(Clone, Copy)]
pub(super) struct Hash {
    block: usize,
    run: fn(&[&[u8]]) -> Vec<u8>,
}

fn of<D: Digest + BlockSizeUser>() -> Hash {
    fn run<D: Digest>(pieces: &[&[u8]]) -> Vec<u8> {
        pieces.iter().fold(D::new(), |d, piece| d.chain_update(piece)).finalize().to_vec()
    }
    Hash { block: D::block_size(), run: run::<D> }
}

fn find(name: &str) -> Result<Hash> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "md5" => of::<Md5>(),
        "sha1" => of::<Sha1>(),
        "sha224" => of::<Sha224>(),
        "sha256" => of::<Sha256>(),
        "sha384" => of::<Sha384>(),
        "sha512" => of::<Sha512>(),
        "sha512-224" => of::<Sha512_224>(),
        "sha512-256" => of::<Sha512_256>(),
        other => return Err(cannot_use(other, "No such hash algorithm")),
    })
}

pub(super) fn digest(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let hash = find(args[1].str())?;
    out.push(Datum::Bytes(&(hash.run)(&[args[0].bytes()])));
    Ok(())
}

pub(super) fn hmac(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let hash = find(args[2].str())?;
    out.push(Datum::Bytes(&keyed(hash, args[1].bytes(), args[0].bytes())));
    Ok(())
}

/// RFC 2104.
fn keyed(hash: Hash, key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > hash.block { (hash.run)(&[key]) } else { key.to_vec() };
    block.resize(hash.block, 0);
    let pad = |with: u8| block.iter().map(|b| b ^ with).collect::<Vec<u8>>();
    let inner = (hash.run)(&[&pad(0x36), data]);
    (hash.run)(&[&pad(0x5c), &inner])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// RFC 2202, RFC 4231.
    #[test]
    fn hmac_vectors() {
        let md5 = keyed(find("md5").unwrap(), &[0x0b; 16], b"Hi There");
        assert_eq!(hex(&md5), "9294727a3638bb1c13f48ef8158bfc9d");
        let sha1 = keyed(find("sha1").unwrap(), &[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(&sha1), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
        let sha256 = keyed(find("SHA256").unwrap(), b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&sha256), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn unknown_names_are_refused() {
        assert_eq!(find("nope").err().unwrap().message(), "Cannot use \"nope\": No such hash algorithm");
    }
}
