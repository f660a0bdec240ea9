//! The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) as bytes in and bytes out.
//! PostgreSQL 15, auth-scram.c: same messages and errors.

use super::same;
use super::verifier::{Key, Stored, base64_decode, base64_encode, hmac, mock, random};
use crate::base::{Error, Result};
use crate::err;
use sha2::{Digest, Sha256};

pub const MECHANISM: &str = "SCRAM-SHA-256";
/// With channel binding: only over TLS.
pub const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";
const BINDING_TYPE: &str = "tls-server-end-point";

/// What the connection offers for channel binding, and whether the client chose it.
#[derive(Clone, Default)]
pub struct Binding {
    /// The hash of the server's certificate; `None` without TLS.
    pub endpoint: Option<Vec<u8>>,
    /// The client selected the mechanism with channel binding.
    pub chosen: bool,
}

const NONCE_BYTES: usize = 18;

/// One authentication.
pub struct Exchange {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Key,
    server_key: Key,
    /// There is no such role, or it has no usable password: the exchange goes on, and fails.
    doomed: bool,
    nonce: String,
    binding: Binding,
    /// What the client must repeat in its last message: its header, and the hash if it binds.
    header: Vec<u8>,
    client_first_bare: String,
    server_first: String,
}

impl Exchange {
    /// `stored`: the role's verifier, if there is one. `mock_nonce`: the cluster's secret, from which the salt
    /// of roles that do not exist follows.
    pub fn new(stored: Option<Stored>, user: &str, mock_nonce: &[u8; 32], binding: Binding) -> Result<Exchange> {
        let doomed = !matches!(stored, Some(Stored::Scram { .. }));
        let secret = stored.filter(|_| !doomed).unwrap_or_else(|| mock(user, mock_nonce));
        let Stored::Scram { iterations, salt, stored_key, server_key } = secret else {
            return Err(Error::internal("a SCRAM exchange without a SCRAM secret"));
        };
        let mut bytes = [0; NONCE_BYTES];
        random(&mut bytes)?;
        Ok(Exchange {
            iterations,
            salt,
            stored_key,
            server_key,
            doomed,
            nonce: base64_encode(&bytes),
            binding,
            header: Vec::new(),
            client_first_bare: String::new(),
            server_first: String::new(),
        })
    }

    /// Takes `n,,n=user,r=nonce`; answers `r=…,s=…,i=…`.
    pub fn first(&mut self, message: &[u8]) -> Result<Vec<u8>> {
        let text = self.text(message)?;
        let (flag, rest) = text.split_once(',').ok_or_else(|| malformed("Comma expected, but found end of string."))?;
        self.check_flag(flag)?;
        let (authzid, bare) =
            rest.split_once(',').ok_or_else(|| malformed("Comma expected, but found end of string."))?;
        if !authzid.is_empty() {
            return Err(err!(FEATURE_NOT_SUPPORTED, "client uses authorization identity, but it is not supported"));
        }
        if bare.starts_with("m=") {
            return Err(err!(FEATURE_NOT_SUPPORTED, "client requires an unsupported SCRAM extension"));
        }
        let mut attributes = bare.split(',');
        // The user's name was in the startup packet; what is here is ignored.
        attribute(attributes.next(), 'n')?;
        let client_nonce = attribute(attributes.next(), 'r')?;
        if client_nonce.is_empty() || !client_nonce.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
            return Err(err!(PROTOCOL_VIOLATION, "non-printable characters in SCRAM nonce"));
        }
        self.header = format!("{flag},,").into_bytes();
        if let Some(hash) = self.binding.endpoint.as_ref().filter(|_| self.binding.chosen) {
            self.header.extend_from_slice(hash);
        }
        self.client_first_bare = bare.to_string();
        self.nonce = format!("{client_nonce}{}", self.nonce);
        self.server_first = format!("r={},s={},i={}", self.nonce, base64_encode(&self.salt), self.iterations);
        Ok(self.server_first.clone().into_bytes())
    }

    /// Takes `c=…,r=…,p=…`; answers `v=…`, or `None` if the proof is wrong.
    pub fn last(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>> {
        let text = self.text(message)?;
        let (without_proof, proof) =
            text.rsplit_once(",p=").ok_or_else(|| malformed("Attribute expected, but found end of string."))?;
        let mut attributes = without_proof.split(',');
        let binding = attribute(attributes.next(), 'c')?;
        let nonce = attribute(attributes.next(), 'r')?;
        if base64_decode(binding).as_deref() != Some(&self.header[..]) {
            if self.binding.chosen {
                return Err(err!(INVALID_AUTHORIZATION_SPECIFICATION, "SCRAM channel binding check failed"));
            }
            return Err(err!(PROTOCOL_VIOLATION, "unexpected SCRAM channel-binding attribute in client-final-message"));
        }
        if !same(nonce.as_bytes(), self.nonce.as_bytes()) {
            return Err(err!(PROTOCOL_VIOLATION, "invalid SCRAM response").detail("Nonce does not match."));
        }
        let proof: Key = base64_decode(proof)
            .and_then(|p| p.try_into().ok())
            .ok_or_else(|| malformed("Malformed proof in client-final-message."))?;
        let signed =
            [self.client_first_bare.as_bytes(), b",", self.server_first.as_bytes(), b",", without_proof.as_bytes()];
        let signature = hmac(&self.stored_key, &signed);
        let mut client_key = proof;
        client_key.iter_mut().zip(signature).for_each(|(k, s)| *k ^= s);
        let right = same(&Sha256::digest(client_key), &self.stored_key);
        if !right || self.doomed {
            return Ok(None);
        }
        Ok(Some(format!("v={}", base64_encode(&hmac(&self.server_key, &signed))).into_bytes()))
    }

    /// Whether the client binds the channel must fit what it selected and what we offered: somebody between us may
    /// have taken the offer away.
    fn check_flag(&self, flag: &str) -> Result<()> {
        match flag.split_at_checked(1) {
            Some(("n" | "y", "")) if self.binding.chosen => Err(malformed(
                "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.",
            )),
            Some(("y", "")) if self.binding.endpoint.is_some() => {
                Err(err!(INVALID_AUTHORIZATION_SPECIFICATION, "SCRAM channel binding negotiation error").detail(
                    "The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding.",
                ))
            }
            Some(("n" | "y", "")) => Ok(()),
            Some(("p", _)) if !self.binding.chosen => Err(malformed(
                "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.",
            )),
            Some(("p", kind)) => match kind.strip_prefix('=') {
                Some(BINDING_TYPE) => Ok(()),
                other => Err(err!(
                    PROTOCOL_VIOLATION,
                    "unsupported SCRAM channel-binding type \"{}\"",
                    other.unwrap_or_default()
                )),
            },
            _ => {
                let shown = flag.chars().next().map_or("end of string".into(), |c| format!("character \"{c}\""));
                Err(malformed(&format!("Unexpected channel-binding flag {shown}.")))
            }
        }
    }

    fn text<'a>(&self, message: &'a [u8]) -> Result<&'a str> {
        if message.is_empty() {
            return Err(malformed("The message is empty."));
        }
        std::str::from_utf8(message).map_err(|_| malformed("Message length does not match input length."))
    }
}

fn attribute(part: Option<&str>, name: char) -> Result<&str> {
    let part = part.ok_or_else(|| malformed("Attribute expected, but found end of string."))?;
    part.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='))
        .ok_or_else(|| malformed(&format!("Expected attribute \"{name}\" but found \"{part}\".")))
}

fn malformed(detail: &str) -> Error {
    err!(PROTOCOL_VIOLATION, "malformed SCRAM message").detail(detail)
}

#[cfg(test)]
mod tests {
    use super::super::verifier::encrypt;
    use super::*;

    /// A client that knows the password is let in and can check the server; others are not; an unknown role
    /// gets the same salt each time and fails in the end.
    #[test]
    fn exchanges() {
        let stored = Stored::parse(&encrypt("pencil", "u", "scram-sha-256").unwrap()).unwrap();
        let converse = |stored: Option<Stored>, password: &str| {
            let mut server = Exchange::new(stored, "u", &[7; 32], Binding::default()).unwrap();
            let first = String::from_utf8(server.first(b"n,,n=,r=abc").unwrap()).unwrap();
            let parts: Vec<&str> = first.split(',').map(|p| &p[2..]).collect();
            // The client's side, by the verifier of the same salt.
            let salt = base64_decode(parts[1]).unwrap();
            let salted = pbkdf2(password, &salt, parts[2].parse().unwrap());
            let client_key = hmac(&salted, &[b"Client Key"]);
            let stored_key: Key = Sha256::digest(client_key).into();
            let without = format!("c={},r={}", base64_encode(b"n,,"), parts[0]);
            let message = format!("n=,r=abc,{first},{without}");
            let signature = hmac(&stored_key, &[message.as_bytes()]);
            let proof: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
            let last = format!("{without},p={}", base64_encode(&proof));
            let answer = server.last(last.as_bytes()).unwrap().map(|v| String::from_utf8(v).unwrap());
            let expected =
                format!("v={}", base64_encode(&hmac(&hmac(&salted, &[b"Server Key"]), &[message.as_bytes()])));
            (parts[1].to_string(), answer.map(|a| a == expected))
        };
        assert_eq!(converse(Some(stored.clone()), "pencil").1, Some(true));
        assert_eq!(converse(Some(stored), "pencils").1, None);
        let (salt, answer) = converse(None, "pencil");
        assert_eq!((answer, converse(None, "x").0 == salt), (None, true));
    }

    fn pbkdf2(password: &str, salt: &[u8], iterations: u32) -> Key {
        let mut u = hmac(password.as_bytes(), &[salt, &1u32.to_be_bytes()]);
        let mut result = u;
        for _ in 1..iterations {
            u = hmac(password.as_bytes(), &[&u]);
            result.iter_mut().zip(u).for_each(|(r, b)| *r ^= b);
        }
        result
    }

    /// Messages that are none end the exchange with 08P01.
    #[test]
    fn malformed_messages() {
        for bad in ["", "n", "x,,n=,r=a", "n,,r=a", "n,,n=", "n,,n=,r=\u{1}"] {
            let mut server = Exchange::new(None, "u", &[0; 32], Binding::default()).unwrap();
            assert_eq!(server.first(bad.as_bytes()).unwrap_err().sqlstate().as_str(), "08P01", "{bad:?}");
        }
    }
}
