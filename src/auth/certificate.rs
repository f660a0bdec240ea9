//! What an X.509 certificate says about its subject (RFC 5280), as far as authentication and `pg_stat_ssl` need it.
//!
//! Whether to believe a certificate is decided elsewhere (the TLS library checks its chain); here it is only read.
//! Malformed bytes give `None`.

/// The parts of a certificate that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub serial: Vec<u8>,
    pub subject: Vec<Attribute>,
    pub issuer: Vec<Attribute>,
    /// Content bytes of the signature algorithm's object identifier.
    signature: Vec<u8>,
}

/// One attribute of a name: the type's identifier (content bytes) and the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    kind: Vec<u8>,
    pub text: String,
}

/// The hash a signature was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureHash {
    Sha256,
    Sha384,
    Sha512,
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 2;
const OBJECT_IDENTIFIER: u8 = 6;
const VERSION: u8 = 0xA0;

/// Names of attribute types as OpenSSL prints them.
const SHORT_NAMES: [(&[u8], &str); 11] = [
    (COMMON_NAME, "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 42], "GN"),
    (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 13, 1, 9, 1], "emailAddress"),
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25], "DC"),
];

/// Elements of a constructed value, one after the other.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match first {
            n if n < 0x80 => (n as usize, rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(first as usize & 0x7F)?;
                (bytes.iter().fold(0, |n, b| n << 8 | *b as usize), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(t, _)| *t == tag).map(|(_, content)| content)
    }
}

impl Certificate {
    /// Reads a certificate in DER.
    pub fn parse(der: &[u8]) -> Option<Certificate> {
        let mut whole = Elements(Elements(der).expect(SEQUENCE)?);
        let mut body = Elements(whole.expect(SEQUENCE)?);
        let signature = Elements(whole.expect(SEQUENCE)?).expect(OBJECT_IDENTIFIER)?.to_vec();
        let (mut tag, mut content) = body.next()?;
        if tag == VERSION {
            (tag, content) = body.next()?;
        }
        if tag != INTEGER {
            return None;
        }
        body.expect(SEQUENCE)?;
        let issuer = name(body.expect(SEQUENCE)?)?;
        body.expect(SEQUENCE)?;
        let subject = name(body.expect(SEQUENCE)?)?;
        Some(Certificate { serial: content.to_vec(), subject, issuer, signature })
    }

    /// The first common name of the subject.
    pub fn common_name(&self) -> Option<&str> {
        self.subject.iter().find(|a| a.kind == COMMON_NAME).map(|a| a.text.as_str())
    }

    /// The serial number in decimal digits.
    pub fn serial_decimal(&self) -> String {
        let mut digits = vec![0u8];
        for byte in self.serial.iter().skip_while(|b| **b == 0) {
            let mut carry = u32::from(*byte);
            for digit in digits.iter_mut() {
                carry += u32::from(*digit) * 256;
                *digit = (carry % 10) as u8;
                carry /= 10;
            }
            while carry > 0 {
                digits.push((carry % 10) as u8);
                carry /= 10;
            }
        }
        digits.iter().rev().map(|d| char::from(b'0' + d)).collect()
    }

    /// RFC 5929, tls-server-end-point: the hash of the signature, SHA-256 in place of the broken ones; `None` for
    /// signatures without one (Ed25519).
    pub fn signature_hash(&self) -> Option<SignatureHash> {
        const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 13, 1, 1];
        const ECDSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4];
        let (last, family) = self.signature.split_last()?;
        match (family, *last) {
            (RSA, 4 | 5 | 11) => Some(SignatureHash::Sha256),
            (RSA, 12) => Some(SignatureHash::Sha384),
            (RSA, 13) => Some(SignatureHash::Sha512),
            (ECDSA, 1) => Some(SignatureHash::Sha256),
            ([head @ .., 3], 2) if head == ECDSA => Some(SignatureHash::Sha256),
            ([head @ .., 3], 3) if head == ECDSA => Some(SignatureHash::Sha384),
            ([head @ .., 3], 4) if head == ECDSA => Some(SignatureHash::Sha512),
            _ => None,
        }
    }
}

fn name(content: &[u8]) -> Option<Vec<Attribute>> {
    let mut found = Vec::new();
    let mut sets = Elements(content);
    while !sets.0.is_empty() {
        let mut set = Elements(sets.expect(SET)?);
        while !set.0.is_empty() {
            let mut pair = Elements(set.expect(SEQUENCE)?);
            let kind = pair.expect(OBJECT_IDENTIFIER)?.to_vec();
            let (tag, value) = pair.next()?;
            found.push(Attribute { kind, text: text(tag, value)? });
        }
    }
    Some(found)
}

/// A string of any of the types used in names; one with a NUL in it is refused, as PostgreSQL does, because it may
/// be meant to look like another.
fn text(tag: u8, value: &[u8]) -> Option<String> {
    const BMP: u8 = 30;
    const LATIN1: u8 = 20;
    let text = match tag {
        BMP => String::from_utf16(
            &value.chunks(2).map(|c| u16::from_be_bytes([c[0], c.get(1).copied().unwrap_or(0)])).collect::<Vec<_>>(),
        )
        .ok()?,
        LATIN1 => value.iter().map(|b| char::from(*b)).collect(),
        _ => std::str::from_utf8(value).ok()?.to_string(),
    };
    (!text.contains('\0')).then_some(text)
}

fn short_name(kind: &[u8]) -> String {
    match SHORT_NAMES.iter().find(|(k, _)| *k == kind) {
        Some((_, name)) => name.to_string(),
        None => dotted(kind),
    }
}

/// An object identifier in digits and dots.
fn dotted(kind: &[u8]) -> String {
    let mut parts: Vec<u64> = Vec::new();
    let mut n = 0u64;
    for b in kind {
        n = n.wrapping_shl(7) | u64::from(b & 0x7F);
        if b & 0x80 == 0 {
            if parts.is_empty() {
                parts.push((n / 40).min(2));
                n -= parts[0] * 40;
            }
            parts.push(std::mem::take(&mut n));
        }
    }
    parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// A name as `pg_stat_ssl` shows it: `/C=DE/CN=joe`.
pub fn one_line(name: &[Attribute]) -> String {
    name.iter().map(|a| format!("/{}={}", short_name(&a.kind), a.text)).collect()
}

/// A name as RFC 2253 writes it, the last attribute first: `CN=joe,C=DE` (`clientname=DN`).
pub fn rfc2253(name: &[Attribute]) -> String {
    let escaped = |text: &str| {
        let mut out = String::new();
        for (i, c) in text.char_indices() {
            if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') || i == 0 && matches!(c, '#' | ' ') {
                out.push('\\');
            }
            out.push(c);
        }
        out
    };
    let parts: Vec<String> =
        name.iter().rev().map(|a| format!("{}={}", short_name(&a.kind), escaped(&a.text))).collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match content.len() {
            n @ 0..0x80 => out.push(n as u8),
            n => out.extend([0x82, (n >> 8) as u8, n as u8]),
        }
        out.extend_from_slice(content);
        out
    }

    fn attribute(kind: &[u8], text: &str) -> Vec<u8> {
        let pair = [element(OBJECT_IDENTIFIER, kind), element(12, text.as_bytes())].concat();
        element(SET, &element(SEQUENCE, &pair))
    }

    fn certificate(common_name: &str) -> Vec<u8> {
        let subject = [attribute(&[0x55, 4, 6], "DE"), attribute(COMMON_NAME, common_name)].concat();
        let algorithm = element(SEQUENCE, &element(OBJECT_IDENTIFIER, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3]));
        let body = [
            element(VERSION, &element(INTEGER, &[2])),
            element(INTEGER, &[1, 0, 1]),
            algorithm.clone(),
            element(SEQUENCE, &attribute(COMMON_NAME, "authority")),
            element(SEQUENCE, &[]),
            element(SEQUENCE, &subject),
        ];
        let body = element(SEQUENCE, &body.concat());
        element(SEQUENCE, &[body, algorithm, element(3, &[0; 200])].concat())
    }

    /// Names, serial number and algorithm come out; a NUL in a name is refused.
    #[test]
    fn reads_names() {
        let c = Certificate::parse(&certificate("joe, jr")).unwrap();
        assert_eq!(c.common_name(), Some("joe, jr"));
        assert_eq!(one_line(&c.subject), "/C=DE/CN=joe, jr");
        assert_eq!(rfc2253(&c.subject), "CN=joe\\, jr,C=DE");
        assert_eq!(one_line(&c.issuer), "/CN=authority");
        assert_eq!(c.serial_decimal(), "65537");
        assert_eq!(c.signature_hash(), Some(SignatureHash::Sha384));
        assert_eq!(Certificate::parse(&certificate("joe\0.evil")), None);
        assert_eq!(dotted(&[0x2A, 0x86, 0x48]), "1.2.840");
    }

    /// No cut and no changed byte of a certificate makes the reader fail otherwise than by `None`.
    #[test]
    fn survives_damage() {
        let whole = certificate("joe");
        for n in 0..whole.len() {
            let _ = Certificate::parse(&whole[..n]);
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[n] ^= 1 << bit;
                let _ = Certificate::parse(&damaged);
            }
        }
    }
}
