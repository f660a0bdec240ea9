//! One connection from its first byte to its last.

use super::auth::{self, Authenticator, Trust};
use super::startup::{Beginning, begin};
use crate::base::interrupt::Cause;
use crate::base::report::{self, Origin};
use crate::base::{Error, Report, Result, Severity, SqlState};
use crate::session::{BackendHandle, Client, Request, Server, Session, Stream};
use crate::wire::Frontend;
use async_trait::async_trait;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::startup::{BackendKeyData, SecretKey};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What the engine tells a connection besides what the client sends.
#[async_trait]
pub trait Surroundings: Send + Sync {
    /// The client may be warned between two messages from now on.
    fn established(&self);
    /// The engine is stopping: no new sessions.
    fn is_stopping(&self) -> bool;
    /// Returns when everybody has to leave at once, with what is to be said.
    async fn last_word(&self) -> Report;
}

/// Serves one connection to its end.
pub async fn serve(
    server: Arc<Server>,
    stream: Box<dyn Stream>,
    pid: u32,
    address: Option<(IpAddr, u16)>,
    around: Box<dyn Surroundings>,
) {
    let mut client = Client::new(stream);
    let handle = BackendHandle::new(pid);
    let origin = Arc::new(Origin {
        pid,
        backend_type: "client backend",
        remote: Some(address.map_or("[local]".into(), |a| a.0.to_string())),
        remote_port: address.map(|a| a.1),
        start_us: crate::base::clock::now_us(),
        ..Origin::default()
    });
    let session = match establish(&server, &mut client, &handle, address, &*around).await {
        Ok(Some(session)) => session,
        Ok(None) => return,
        Err(e) => return part(&mut client, &origin, e).await,
    };
    let last_word = tokio::select! {
        () = converse(session, &mut client, &handle) => None,
        word = around.last_word() => Some(word),
    };
    if let Some(word) = last_word {
        client.out.report(&word);
        let _ = tokio::time::timeout(Duration::from_secs(1), client.flush()).await;
    }
}

/// Sends the last word.
async fn part(client: &mut Client, origin: &Arc<Origin>, e: Error) {
    if e.sqlstate() != SqlState::CONNECTION_FAILURE {
        report::log_as(origin, &e.0);
        client.out.report(&e.0);
    } else {
        client.out.buf.clear();
    }
    // The client may be gone or may not read: a last word is not worth waiting long for.
    let _ = tokio::time::timeout(Duration::from_secs(5), client.flush()).await;
}

/// Startup and authentication, within `authentication_timeout`.
async fn establish(
    server: &Arc<Server>,
    client: &mut Client,
    handle: &Arc<BackendHandle>,
    address: Option<(IpAddr, u16)>,
    around: &dyn Surroundings,
) -> Result<Option<Session>> {
    use crate::settings::{Id, Lookup};
    let limit = server.instance.settings.snapshot().int(Id::AuthenticationTimeout).max(1) as u64;
    let beginning = tokio::select! {
        b = begin(client) => b?,
        () = handle.wake.notified() => return Ok(None),
        () = tokio::time::sleep(Duration::from_secs(limit)) => return Ok(None),
    };
    match beginning {
        Beginning::Gone => Ok(None),
        Beginning::Cancel { pid, key } => {
            server.backends.cancel_with_key(pid, &key);
            Ok(None)
        }
        Beginning::Session(mut request, version) => {
            request.address = address;
            if around.is_stopping() {
                return Err(Error::new(SqlState::CANNOT_CONNECT_NOW, "the database system is shutting down")
                    .severity(Severity::Fatal)
                    .place("ProcessStartupPacket", "postmaster.c", 2432));
            }
            if version & 0xFFFF != 0 {
                negotiate(client, version);
            }
            admit(server, client, handle, request, around).await.map(Some)
        }
    }
}

/// Tells a client of a newer minor version that 3.0 is spoken.
fn negotiate(client: &mut Client, version: u32) {
    let _ = version;
    let message = pgwire::messages::startup::NegotiateProtocolVersion::new(0, Vec::new());
    let _ = PgWireBackendMessage::NegotiateProtocolVersion(message).encode(&mut client.out.buf);
}

async fn admit(
    server: &Arc<Server>,
    client: &mut Client,
    handle: &Arc<BackendHandle>,
    request: Request,
    around: &dyn Surroundings,
) -> Result<Session> {
    let registration = server.backends.enter(handle.clone());
    let role = server.login_role(&request.user)?;
    Trust.authenticate(client, &request.user).await?;
    let mut session = Session::open(server.clone(), registration, role, request)?;
    auth::ok(client);
    for (name, value) in session.reported_parameters() {
        client.out.parameter_status(name, &value);
    }
    let key = BackendKeyData::new(handle.pid as i32, SecretKey::I32(handle.secret as i32));
    let _ = PgWireBackendMessage::BackendKeyData(key).encode(&mut client.out.buf);
    client.out.ready(session.block().status());
    client.flush().await?;
    around.established();
    Ok(session)
}

/// The loop over messages.
async fn converse(mut session: Session, client: &mut Client, handle: &Arc<BackendHandle>) {
    let result = loop {
        match next_message(&mut session, client, handle).await {
            Ok(Some(message)) => {
                if let Err(e) = answer(&mut session, client, message).await {
                    break Err(e);
                }
            }
            Ok(None) => break Ok(()),
            Err(e) => break Err(e),
        }
    };
    let origin = session.shared_origin().clone();
    session.close(client).await;
    if let Err(e) = result {
        part(client, &origin, e).await;
    }
}

/// Waits for the client, for an end of the session, or for news.
async fn next_message(
    session: &mut Session,
    client: &mut Client,
    handle: &Arc<BackendHandle>,
) -> Result<Option<Frontend>> {
    // What is already here needs no waiting and no flush in between: pipelines are answered in one write.
    if let Some(frame) = client.reader.frame()? {
        return Frontend::decode(frame).map(Some);
    }
    client.flush().await?;
    let idle = session.idle_limit();
    let start = tokio::time::Instant::now();
    client.rest();
    loop {
        if handle.interrupts.cause() == Cause::Terminate {
            return Err(terminated(handle));
        }
        tokio::select! {
            biased;
            message = client.message() => return message,
            () = handle.wake.notified() => {
                session.look_around(client);
                client.flush().await?;
            }
            () = sleep_until(idle.as_ref().map(|(limit, _)| start + *limit)) => {
                if let Some((_, e)) = idle {
                    return Err(e);
                }
            }
        }
    }
}

fn terminated(handle: &Arc<BackendHandle>) -> Error {
    handle.interrupts.check().err().unwrap_or_else(|| Error::internal("interrupted"))
}

async fn sleep_until(when: Option<tokio::time::Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

/// Deals with one message.
///
/// # Errors
/// FATAL: the connection ends.
async fn answer(session: &mut Session, client: &mut Client, message: Frontend) -> Result<()> {
    match message {
        Frontend::Query(text) => session.simple_query(client, &text).await,
        Frontend::Terminate => {
            Err(Error::new(SqlState::CONNECTION_FAILURE, "the client said good-bye").severity(Severity::Fatal))
        }
        Frontend::Flush => client.flush().await,
        Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail(_) => Ok(()),
        Frontend::Password(_) => {
            Err(Error::new(SqlState::PROTOCOL_VIOLATION, "invalid frontend message type 112").severity(Severity::Fatal))
        }
        other => session.extended(client, other).await,
    }
}
