//! The kernel says who is at the other end of a Unix socket.

use super::{Authenticator, Conversation, Identity, Refusal};
use crate::auth::ident;
use crate::base::{Error, SqlState};
use async_trait::async_trait;

pub struct Peer;

#[async_trait]
impl Authenticator for Peer {
    async fn authenticate(&self, talk: &mut Conversation<'_>) -> Result<Identity, Refusal> {
        let Some(uid) = talk.around.peer_uid() else {
            return Err(Error::new(SqlState::INTERNAL_ERROR, "could not get peer credentials").into());
        };
        let Some(name) = ident::system_user(uid) else {
            talk.note(format!("could not look up local user ID {uid}: user does not exist"));
            return Err(Refusal::Failed(None));
        };
        check_map(talk, &name)?;
        Ok(Some(name))
    }
}

/// PostgreSQL 15, hba.c, check_usermap: same lines in the log.
pub fn check_map(talk: &Conversation<'_>, system_user: &str) -> Result<(), Refusal> {
    let (map, user) = (talk.rule.map.as_deref(), talk.user);
    if ident::check(talk.mappings, map, user, system_user) {
        return Ok(());
    }
    match map {
        None => {
            talk.note(format!("provided user name ({user}) and authenticated user name ({system_user}) do not match"));
        }
        Some(map) => {
            talk.note(format!("no match in usermap \"{map}\" for user \"{user}\" authenticated as \"{system_user}\""))
        }
    }
    Err(Refusal::Failed(None))
}
