//! Passwords in clear text and answers to an MD5 challenge.

use super::scram::Scram;
use super::{Authenticator, Conversation, Identity, Refusal};
use crate::auth::verifier::{self, Stored};
use crate::base::{Error, SqlState};
use async_trait::async_trait;
use pgwire::messages::startup::Authentication;

/// The password itself: only worth asking for over TLS.
pub struct Plain;

#[async_trait]
impl Authenticator for Plain {
    async fn authenticate(&self, talk: &mut Conversation<'_>) -> Result<Identity, Refusal> {
        talk.ask(Authentication::CleartextPassword).await?;
        let given = password(talk).await?;
        let right = |stored: &Stored| verifier::check_plain(stored, talk.user, &given);
        match &talk.stored {
            Ok(stored) if right(stored) => Ok(Some(talk.user.to_string())),
            Ok(_) => Err(mismatch(talk.user)),
            Err(why) => {
                // AUTH-2: takes the time a check would have taken.
                let _ = verifier::check_plain(&verifier::mock(talk.user, &talk.mock_nonce), talk.user, &given);
                Err(Refusal::Failed(Some(why.clone())))
            }
        }
    }
}

/// The rule `md5`: roles whose password is stored otherwise are asked by SCRAM. PostgreSQL 15, auth.c,
/// CheckPWChallengeAuth: those without one get what `password_encryption` would have stored.
pub struct Md5;

#[async_trait]
impl Authenticator for Md5 {
    async fn authenticate(&self, talk: &mut Conversation<'_>) -> Result<Identity, Refusal> {
        let by_md5 = match &talk.stored {
            Ok(stored) => matches!(stored, Stored::Md5(_)),
            Err(_) => talk.encryption == "md5",
        };
        if !by_md5 {
            return Scram.authenticate(talk).await;
        }
        let mut salt = [0; 4];
        verifier::random(&mut salt)?;
        talk.ask(Authentication::MD5Password(salt.to_vec())).await?;
        let given = password(talk).await?;
        match &talk.stored {
            Ok(stored) if verifier::check_md5(stored, salt, &given) => Ok(Some(talk.user.to_string())),
            Ok(_) => Err(mismatch(talk.user)),
            Err(why) => Err(Refusal::Failed(Some(why.clone()))),
        }
    }
}

fn mismatch(user: &str) -> Refusal {
    Refusal::Failed(Some(format!("Password does not match for user \"{user}\".")))
}

/// PostgreSQL 15, auth.c, recv_password_packet.
async fn password(talk: &mut Conversation<'_>) -> Result<String, Refusal> {
    let frame = talk.answer("password").await?;
    let text = match frame.body.split_last() {
        Some((0, text)) if !text.contains(&0) => text,
        _ => return Err(Error::new(SqlState::PROTOCOL_VIOLATION, "invalid password packet size").into()),
    };
    if text.is_empty() {
        return Err(Error::new(SqlState::INVALID_PASSWORD, "empty password returned by client").into());
    }
    // What is not UTF-8 is no password that could have been stored.
    Ok(String::from_utf8_lossy(text).into_owned())
}
