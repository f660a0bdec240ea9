//! `uuid-ossp`: UUIDs of versions 1, 3, 4 and 5 (RFC 4122).

use super::{Code, Extension, PLAIN};
use crate::base::{Result, unguessable};
use crate::sql::func::FnContext;
use crate::types::{Column, Datum};
use md5::Md5;
use sha1::Sha1;
use sha2::Digest;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const EXTENSION: Extension = Extension {
    name: "uuid-ossp",
    version: "1.1",
    comment: "generate universally unique identifiers (UUIDs)",
    script: include_str!("uuid_ossp.sql"),
    code: &[
        ("uuid_nil", Code::Scalar(nil)),
        ("uuid_ns_dns", Code::Scalar(|_, _, out| namespace(0x10, out))),
        ("uuid_ns_url", Code::Scalar(|_, _, out| namespace(0x11, out))),
        ("uuid_ns_oid", Code::Scalar(|_, _, out| namespace(0x12, out))),
        ("uuid_ns_x500", Code::Scalar(|_, _, out| namespace(0x14, out))),
        ("uuid_generate_v1", Code::Scalar(|_, _, out| by_time(*NODE, out))),
        ("uuid_generate_v1mc", Code::Scalar(|_, _, out| by_time(random_node(), out))),
        ("uuid_generate_v3", Code::Scalar(by_md5)),
        ("uuid_generate_v4", Code::Scalar(random)),
        ("uuid_generate_v5", Code::Scalar(by_sha1)),
    ],
    ..PLAIN
};

fn nil(_: &mut FnContext, _: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&[0; 16]));
    Ok(())
}

/// The well-known namespaces differ in one byte.
fn namespace(which: u8, out: &mut Column) -> Result<()> {
    let rest = [0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];
    let mut uuid = [0x6b, 0xa7, 0xb8, which, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    uuid[4..].copy_from_slice(&rest);
    out.push(Datum::Bytes(&uuid));
    Ok(())
}

/// Stamps version and variant on the first 16 bytes.
fn push(version: u8, bytes: &[u8], out: &mut Column) {
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&bytes[..16]);
    uuid[6] = uuid[6] & 0x0f | version << 4;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    out.push(Datum::Bytes(&uuid));
}

fn by_md5(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push(3, &Md5::new().chain_update(args[0].bytes()).chain_update(args[1].bytes()).finalize(), out);
    Ok(())
}

fn by_sha1(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push(5, &Sha1::new().chain_update(args[0].bytes()).chain_update(args[1].bytes()).finalize(), out);
    Ok(())
}

fn random(_: &mut FnContext, _: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| crate::err!(INTERNAL_ERROR, "could not generate random values"))?;
    push(4, &bytes, out);
    Ok(())
}

/// A node nobody else has: multicast, so that it is no network card's (RFC 4122, 4.5).
fn random_node() -> u64 {
    unguessable::number() >> 16 | 1 << 40
}

/// Stands for the network card, which is none of an SQL function's business.
static NODE: LazyLock<u64> = LazyLock::new(random_node);
static SEQUENCE: LazyLock<u16> = LazyLock::new(|| unguessable::number() as u16 & 0x3fff);
/// The last time given, so that no two are the same.
static LAST: AtomicU64 = AtomicU64::new(0);

/// 100 ns since 15 October 1582, and never the same twice.
fn ticks() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = 0x01b2_1dd2_1381_4000 + (since_1970.as_nanos() / 100) as u64;
    let later = |last: u64| Some(now.max(last + 1));
    // The closure always gives a value, so the error arm is as good.
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).unwrap_or_else(|last| last);
    now.max(last + 1)
}

fn by_time(node: u64, out: &mut Column) -> Result<()> {
    let time = ticks();
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&(time as u32).to_be_bytes());
    bytes[4..6].copy_from_slice(&((time >> 32) as u16).to_be_bytes());
    bytes[6..8].copy_from_slice(&((time >> 48) as u16).to_be_bytes());
    bytes[8..10].copy_from_slice(&SEQUENCE.to_be_bytes());
    bytes[10..].copy_from_slice(&node.to_be_bytes()[2..]);
    push(1, &bytes, out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Phys;

    fn shown(c: &Column, row: usize) -> String {
        let mut out = Vec::new();
        crate::types::uuid::write(c.get(row).bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Vectors of RFC 4122's namespaces, as PostgreSQL's documentation and libuuid give them.
    #[test]
    fn names_give_known_uuids() {
        let mut ns = Column::new(Phys::Bytes);
        namespace(0x10, &mut ns).unwrap();
        let mut out = Column::new(Phys::Bytes);
        let args = [ns.get(0), Datum::Bytes(b"www.widgets.com")];
        by_md5(&mut FnContext::default(), &args, &mut out).unwrap();
        by_sha1(&mut FnContext::default(), &args, &mut out).unwrap();
        assert_eq!(shown(&out, 0), "3d813cbb-47fb-32ba-91df-831e1593ac29");
        assert_eq!(shown(&out, 1), "21f7f8de-8051-5b89-8680-0195ef798b6a");
    }

    /// Times differ, versions and variants are right.
    #[test]
    fn times_differ() {
        let mut out = Column::new(Phys::Bytes);
        by_time(random_node(), &mut out).unwrap();
        by_time(random_node(), &mut out).unwrap();
        let (a, b) = (shown(&out, 0), shown(&out, 1));
        assert!(a != b && a.as_bytes()[14] == b'1' && "89ab".contains(&a[19..20]));
    }
}
