//! The client's certificate names the user. PostgreSQL 15, auth.c, CheckCertAuth.

use super::peer::check_map;
use super::{Authenticator, Conversation, Identity, Refusal};
use crate::auth::certificate::rfc2253;
use crate::auth::hba::Method;
use async_trait::async_trait;

pub struct Cert;

#[async_trait]
impl Authenticator for Cert {
    async fn authenticate(&self, talk: &mut Conversation<'_>) -> Result<Identity, Refusal> {
        matches_user(talk)?;
        let certificate = talk.handshake.and_then(|h| h.client_certificate.as_ref());
        Ok(certificate.map(|c| rfc2253(&c.subject)))
    }
}

/// Whether the name in the certificate may be the user.
pub fn matches_user(talk: &mut Conversation<'_>) -> Result<(), Refusal> {
    let (user, by_dn) = (talk.user, talk.rule.by_dn);
    let certificate = talk.handshake.and_then(|h| h.client_certificate.as_ref());
    let name = certificate.and_then(|c| match by_dn {
        true => Some(rfc2253(&c.subject)),
        false => c.common_name().map(str::to_string),
    });
    let Some(name) = name.filter(|n| !n.is_empty()) else {
        let what = "client certificate contains no user name";
        talk.note(format!("certificate authentication failed for user \"{user}\": {what}"));
        return Err(Refusal::Failed(None));
    };
    check_map(talk, &name).inspect_err(|_| {
        if talk.rule.method != Method::Cert {
            let what = if by_dn { "DN" } else { "CN" };
            talk.note(format!(
                "certificate validation (clientcert=verify-full) failed for user \"{user}\": {what} mismatch"
            ));
        }
    })
}
