//! One connection from its first byte to its last.

use super::auth;
use super::startup::{Beginning, begin};
use super::tls::{Handshake, Tls};
use crate::base::interrupt::Cause;
use crate::base::report::{self, Origin};
use crate::base::{Error, Report, Result, Severity, SqlState, clock};
use crate::session::{BackendHandle, Client, ClientSocket, Request, Server, Session, Stream};
use crate::stat::TlsFacts;
use crate::wire::{Frame, Frontend};
use async_trait::async_trait;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::startup::{BackendKeyData, SecretKey};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// What the engine tells a connection besides what the client sends.
#[async_trait]
pub trait Surroundings: Send + Sync {
    /// The client may be warned between two messages from now on; over TLS only by its own session.
    fn established(&self, tls: bool);
    /// The engine is stopping: no new sessions.
    fn is_stopping(&self) -> bool;
    /// Who is at the other end of a Unix socket, by the kernel's word.
    fn peer_uid(&self) -> Option<u32>;
    /// The server's end of a TCP connection.
    fn server_address(&self) -> Option<(IpAddr, u16)>;
    /// Returns when everybody has to leave at once, with what is to be said.
    async fn last_word(&self) -> Report;
    /// The connection's socket.
    fn socket(&self) -> Arc<dyn ClientSocket>;
}

/// What all connections of the engine pass.
pub struct Gate {
    pub server: Arc<Server>,
    pub tls: Tls,
}

/// Serves one connection to its end.
pub async fn serve(
    gate: Arc<Gate>,
    stream: Box<dyn Stream>,
    pid: u32,
    address: Option<(IpAddr, u16)>,
    around: Box<dyn Surroundings>,
    ssl_refused: bool,
) {
    let mut client = Client::new(stream);
    let handle = BackendHandle::new(pid);
    let origin = Arc::new(Origin {
        pid,
        backend_type: "client backend",
        remote: Some(host(address)),
        remote_port: address.map(|a| a.1),
        start_us: clock::now_us(),
        ..Origin::default()
    });
    let outcome = establish(&gate, &mut client, &handle, &origin, address, &*around, ssl_refused).await;
    match outcome {
        Ok(Some(session)) => {
            client.session = Some(handle.clone());
            let last_word = tokio::select! {
                () = converse(session, &mut client, &handle) => None,
                word = around.last_word() => Some(word),
            };
            client.session = None;
            if let Some(word) = last_word {
                client.out.report(&word);
                let _ = tokio::time::timeout(Duration::from_secs(1), client.flush()).await;
            }
        }
        Ok(None) => {}
        Err(e) => part(&mut client, &origin, e).await,
    }
    // Over TLS the end is announced, so that the client can tell it from a cut.
    let _ = tokio::time::timeout(Duration::from_secs(1), client.stream.shutdown()).await;
}

fn host(address: Option<(IpAddr, u16)>) -> String {
    address.map_or("[local]".into(), |a| a.0.to_string())
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

/// Startup and authentication, each within `authentication_timeout`.
async fn establish(
    gate: &Gate,
    client: &mut Client,
    handle: &Arc<BackendHandle>,
    origin: &Arc<Origin>,
    address: Option<(IpAddr, u16)>,
    around: &dyn Surroundings,
    ssl_refused: bool,
) -> Result<Option<Session>> {
    use crate::settings::{Id, Lookup};
    let settings = gate.server.instance.settings.snapshot();
    if settings.bool(Id::LogConnections) {
        let port = address.map(|a| format!(" port={}", a.1)).unwrap_or_default();
        let stranger = Origin { backend_type: "not initialized", ..Origin::clone(origin) };
        note(&stranger, format!("connection received: host={}{port}", host(address)));
    }
    let limit = Duration::from_secs(settings.int(Id::AuthenticationTimeout).max(1) as u64);
    // A Unix socket needs no encryption.
    let tls = address.and_then(|_| gate.tls.current());
    // The work is looked at first each time: what is done at once sets no timer.
    let beginning = tokio::select! {
        biased;
        b = begin(client, tls.as_deref(), ssl_refused) => b?,
        () = handle.wake.notified() => return Ok(None),
        () = tokio::time::sleep(limit) => return Ok(None),
    };
    let (mut request, version, unknown, handshake) = match beginning {
        Beginning::Gone => return Ok(None),
        Beginning::Cancel { pid, key } => {
            gate.server.backends.cancel_with_key(pid, &key);
            return Ok(None);
        }
        Beginning::Session { request, version, unknown, handshake } => (request, version, unknown, handshake),
    };
    request.address = address;
    request.server_address = address.and_then(|_| around.server_address());
    let origin = Arc::new(Origin {
        user: Some(request.user.clone()),
        database: Some(request.database.clone()),
        tag: "authentication",
        ..Origin::clone(origin)
    });
    let mut authenticated = false;
    let admitted = async {
        if around.is_stopping() {
            return Err(Error::new(SqlState::CANNOT_CONNECT_NOW, "the database system is shutting down")
                .severity(Severity::Fatal)
                .place("ProcessStartupPacket", "postmaster.c", 2432));
        }
        if version & 0xFFFF != 0 || !unknown.is_empty() {
            negotiate(client, unknown);
        }
        admit(&gate.server, client, handle, &origin, *request, handshake, around, &mut authenticated).await
    };
    let outcome = tokio::select! {
        biased;
        session = admitted => session,
        () = handle.wake.notified() => Ok(None),
        () = tokio::time::sleep(limit) => {
            // The client is told nothing: it may be in the middle of anything.
            let text = "canceling authentication due to timeout";
            let e = Error::new(SqlState::QUERY_CANCELED, text).severity(Severity::Fatal);
            report::log_as(&origin, &e.place("ProcessInterrupts", "postgres.c", 3231).0);
            Ok(None)
        }
    };
    match outcome {
        // Logged here, where its user and database are known.
        Err(e) => {
            let tag = if authenticated { "startup" } else { origin.tag };
            part(client, &Arc::new(Origin { tag, ..Origin::clone(&origin) }), e).await;
            Ok(None)
        }
        done => done,
    }
}

/// A LOG line about a connection.
fn note(origin: &Origin, text: String) {
    report::log_as(origin, &Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text));
}

/// Tells a client of a newer minor version, or with options of the protocol that we do not know, that 3.0 is spoken.
fn negotiate(client: &mut Client, unknown: Vec<String>) {
    let message = pgwire::messages::startup::NegotiateProtocolVersion::new(3 << 16, unknown);
    let _ = PgWireBackendMessage::NegotiateProtocolVersion(message).encode(&mut client.out.buf);
}

async fn admit(
    server: &Arc<Server>,
    client: &mut Client,
    handle: &Arc<BackendHandle>,
    origin: &Arc<Origin>,
    request: Request,
    handshake: Option<Box<Handshake>>,
    around: &dyn Surroundings,
    authenticated: &mut bool,
) -> Result<Option<Session>> {
    use crate::settings::{Id, Lookup};
    let registration = server.backends.enter(handle.clone());
    server.check_slots()?;
    let tls = request.tls.clone();
    if !auth::check(server, client, origin, &request, handshake.as_deref(), around).await? {
        return Ok(None);
    }
    *authenticated = true;
    client.reader.trust();
    // Whatever refuses the session from here on, the client has proved who it is, and drivers need not try another way.
    auth::ok(client);
    if server.instance.settings.bool(Id::LogConnections) {
        let application = request.options.iter().rev().find(|o| o.0 == "application_name").map(|o| o.1.as_str());
        note(origin, authorized(origin, application, tls.as_deref()));
    }
    let role = server.login_role(&request.user, handle)?;
    let _ = handle.socket.set(around.socket());
    let mut session = Session::open(server.clone(), registration, role, request)?;
    session.follow_encoding(client);
    for notice in session.first_notices() {
        report::log_as(origin, &notice);
        client.out.report(&notice);
    }
    for (name, value) in session.reported_parameters() {
        client.out.parameter_status(name, &value);
    }
    let key = BackendKeyData::new(handle.pid as i32, SecretKey::I32(handle.secret as i32));
    let _ = PgWireBackendMessage::BackendKeyData(key).encode(&mut client.out.buf);
    client.out.ready(session.block().status());
    client.flush().await?;
    around.established(tls.is_some());
    Ok(Some(session))
}

/// PostgreSQL 15, postinit.c, PerformAuthentication.
fn authorized(origin: &Origin, application: Option<&str>, tls: Option<&TlsFacts>) -> String {
    let (user, database) = (origin.user.as_deref().unwrap_or_default(), origin.database.as_deref().unwrap_or_default());
    let mut text = format!("connection authorized: user={user} database={database}");
    if let Some(application) = application {
        text.push_str(&format!(" application_name={application}"));
    }
    if let Some(t) = tls {
        text.push_str(&format!(" SSL enabled (protocol={}, cipher={}, bits={})", t.version, t.cipher, t.bits));
    }
    text
}

/// PostgreSQL 15, postgres.c, log_disconnections.
fn disconnected(origin: &Origin) -> String {
    let ms = (clock::now_us() - origin.start_us).max(0) / 1000;
    let (hours, minutes, seconds, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    let (user, database) = (origin.user.as_deref().unwrap_or_default(), origin.database.as_deref().unwrap_or_default());
    let remote = origin.remote.as_deref().unwrap_or_default();
    let port = origin.remote_port.map(|p| format!(" port={p}")).unwrap_or_default();
    format!(
        "disconnection: session time: {hours}:{minutes:02}:{seconds:02}.{ms:03} user={user} database={database} host={remote}{port}"
    )
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
    let log_end = session.logs_disconnection();
    session.close(client).await;
    client.session = None;
    if let Err(e) = result {
        part(client, &origin, e).await;
    }
    if log_end {
        let parted = Origin { statement: None, ..Origin::clone(&origin) };
        note(&parted, disconnected(&parted));
    }
}

/// Waits for the client, for an end of the session, or for news.
async fn next_message(
    session: &mut Session,
    client: &mut Client,
    handle: &Arc<BackendHandle>,
) -> Result<Option<Frame>> {
    // What is already here needs no waiting and no flush in between: pipelines are answered in one write.
    if let Some(frame) = client.reader.frame()? {
        return Ok(Some(frame));
    }
    client.flush().await?;
    let idle = session.idle_limit();
    let start = tokio::time::Instant::now();
    client.rest();
    loop {
        if handle.interrupts.cause() >= Cause::Terminate {
            return Err(terminated(handle));
        }
        tokio::select! {
            biased;
            frame = client.frame() => {
                // What the client says next must not overtake the session's end, nor what it was to be told: it may
                // be an UNLISTEN.
                if handle.interrupts.cause() >= Cause::Terminate {
                    return Err(terminated(handle));
                }
                session.look_around(client);
                return frame;
            }
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
async fn answer(session: &mut Session, client: &mut Client, frame: Frame) -> Result<()> {
    let kind = frame.kind;
    if session.skips(kind) || matches!(kind, b'd' | b'c' | b'f') {
        // Up to the Sync after an error, and what is left of a COPY that has failed, nothing is even decoded.
        return Ok(());
    }
    if kind == b'X' {
        return Err(Error::new(SqlState::CONNECTION_FAILURE, "the client said good-bye").severity(Severity::Fatal));
    }
    match Frontend::decode(frame, client.out.charset) {
        Ok(Frontend::Query(text)) => session.simple_query(client, &text).await,
        Ok(Frontend::Flush) => client.flush().await,
        Ok(Frontend::Password(_)) => {
            Err(Error::new(SqlState::PROTOCOL_VIOLATION, "invalid frontend message type 112").severity(Severity::Fatal))
        }
        Ok(other) => session.extended(client, other).await,
        Err(e) => session.malformed(client, kind, e).await,
    }
}
