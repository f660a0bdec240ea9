//! SASL with SCRAM-SHA-256, with and without channel binding. PostgreSQL 15, auth-sasl.c, CheckSASLAuth.

use super::{Authenticator, Conversation, Identity, Refusal};
use crate::auth::scram::{Binding, Exchange, MECHANISM, MECHANISM_PLUS};
use crate::auth::verifier::Stored;
use crate::base::{Error, SqlState};
use async_trait::async_trait;
use bytes::{Buf, Bytes};
use pgwire::messages::startup::Authentication;

pub struct Scram;

#[async_trait]
impl Authenticator for Scram {
    async fn authenticate(&self, talk: &mut Conversation<'_>) -> Result<Identity, Refusal> {
        let endpoint = talk.handshake.and_then(|h| h.endpoint.clone());
        let mut mechanisms = vec![MECHANISM.to_string()];
        if endpoint.is_some() {
            mechanisms.insert(0, MECHANISM_PLUS.to_string());
        }
        talk.ask(Authentication::SASL(mechanisms)).await?;
        let (mechanism, mut first) = initial_response(talk.answer("SASL").await?.body)?;
        let chosen = mechanism == MECHANISM_PLUS && endpoint.is_some();
        if !chosen && mechanism != MECHANISM {
            return Err(violation("client selected an invalid SASL authentication mechanism").into());
        }
        let (stored, why) = match &talk.stored {
            Ok(stored @ Stored::Scram { .. }) => (Some(stored.clone()), None),
            Ok(_) => (None, Some(format!("User \"{}\" does not have a valid SCRAM secret.", talk.user))),
            Err(why) => (None, Some(why.clone())),
        };
        let mut exchange = Exchange::new(stored, talk.user, &talk.mock_nonce, Binding { endpoint, chosen })?;
        if first.is_none() {
            // A client that sends nothing with the mechanism's name is asked for it.
            talk.ask(Authentication::SASLContinue(Bytes::new())).await?;
            first = Some(talk.answer("SASL").await?.body);
        }
        let challenge = exchange.first(&first.unwrap_or_default())?;
        talk.ask(Authentication::SASLContinue(challenge.into())).await?;
        let last = talk.answer("SASL").await?.body;
        match exchange.last(&last)? {
            Some(proof) => {
                talk.ask(Authentication::SASLFinal(proof.into())).await?;
                Ok(Some(talk.user.to_string()))
            }
            None => Err(Refusal::Failed(why)),
        }
    }
}

fn violation(text: &str) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, text)
}

/// The mechanism's name, and the first message if it came along.
fn initial_response(mut body: Bytes) -> Result<(String, Option<Bytes>), Error> {
    let end = body.iter().position(|b| *b == 0).ok_or_else(|| violation("invalid string in message"))?;
    let name = String::from_utf8_lossy(&body.split_to(end)).into_owned();
    body.advance(1);
    if body.len() < 4 {
        return Err(violation("insufficient data left in message"));
    }
    match body.get_i32() {
        -1 if body.is_empty() => Ok((name, None)),
        n if n >= 0 && n as usize == body.len() => Ok((name, Some(body))),
        n if n > body.len() as i32 || n < -1 => Err(violation("insufficient data left in message")),
        _ => Err(violation("invalid message format")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No cut of a response, and no length that lies, is taken for one.
    #[test]
    fn responses() {
        let whole = b"SCRAM-SHA-256\0\0\0\0\x03n,,";
        let (name, first) = initial_response(Bytes::from_static(whole)).unwrap();
        assert_eq!((name.as_str(), first.as_deref()), (MECHANISM, Some(&b"n,,"[..])));
        for n in 0..whole.len() {
            assert!(initial_response(Bytes::from_static(&whole[..n])).is_err(), "{n}");
        }
        assert_eq!(initial_response(Bytes::from_static(b"x\0\xff\xff\xff\xff")).unwrap().1, None);
        for bad in [&b"x\0\xff\xff\xff\xfe"[..], b"x\0\xff\xff\xff\xffa", b"x\0\x7f\xff\xff\xff", b"x\0\0\0\0\x01ab"] {
            assert!(initial_response(Bytes::from_static(bad)).is_err());
        }
    }
}
