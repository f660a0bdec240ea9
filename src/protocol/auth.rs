//! Authentication methods.

use crate::base::Result;
use crate::session::Client;
use async_trait::async_trait;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::startup::Authentication;

/// Proves, or not, that a client is who it says it is. May talk with the client.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// # Errors
    /// FATAL 28000 or 28P01.
    async fn authenticate(&self, client: &mut Client, user: &str) -> Result<()>;
}

/// Everybody is believed.
pub struct Trust;

#[async_trait]
impl Authenticator for Trust {
    async fn authenticate(&self, _: &mut Client, _: &str) -> Result<()> {
        Ok(())
    }
}

/// Tells the client that it is in.
pub fn ok(client: &mut Client) {
    let message = PgWireBackendMessage::Authentication(Authentication::Ok);
    // AuthenticationOk has a fixed size: it always fits.
    let _ = message.encode(&mut client.out.buf);
}
