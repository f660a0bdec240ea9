//! What comes before the first message.

use super::tls::{Handshake, Loaded};
use crate::base::{Error, Result, Severity, SqlState};
use crate::err;
use crate::session::{Client, Request};
use crate::settings::parse_bool;
use crate::wire::{Startup, unsupported_protocol};
use bytes::BufMut;
use std::sync::Arc;

/// How a connection begins.
pub enum Beginning {
    /// A client that wants a session; the newest version it knows, and options of the protocol that we do not.
    Session { request: Box<Request>, version: u32, unknown: Vec<String>, handshake: Option<Box<Handshake>> },
    /// A CancelRequest: nothing is answered.
    Cancel { pid: u32, key: Vec<u8> },
    /// It left without a word.
    Gone,
}

/// Reads packets until it is clear what the client wants. `ssl_refused`: the first asks for TLS and is answered already.
///
/// # Errors
/// FATAL 08P01 and others, to be sent as they are.
pub async fn begin(client: &mut Client, tls: Option<&Loaded>, ssl_refused: bool) -> Result<Beginning> {
    let mut handshake = None;
    // Each kind of encryption may be asked for once (PostgreSQL 15, ProcessStartupPacket: ssl_done, gss_done).
    let (mut ssl_done, mut gss_done) = (false, false);
    loop {
        match client.startup().await? {
            None => return Ok(Beginning::Gone),
            // The postmaster answers it.
            Some(Startup::Ssl) if ssl_refused && !ssl_done => ssl_done = true,
            Some(Startup::Ssl) if !ssl_done => {
                refuse_early_bytes(client, "SSL")?;
                client.out.buf.put_u8(if tls.is_some() { b'S' } else { b'N' });
                client.flush().await?;
                ssl_done = true;
                if let Some(tls) = tls {
                    match tls.accept(client).await {
                        Ok(done) => handshake = Some(Box::new(done)),
                        Err(e) => {
                            crate::log!("{}", e.message());
                            return Ok(Beginning::Gone);
                        }
                    }
                    gss_done = true;
                }
            }
            Some(Startup::Gss) if !gss_done => {
                refuse_early_bytes(client, "GSSAPI encryption")?;
                client.out.buf.put_u8(b'N');
                client.flush().await?;
                gss_done = true;
            }
            Some(Startup::Ssl) => return Err(unsupported_protocol(80_877_103)),
            Some(Startup::Gss) => return Err(unsupported_protocol(80_877_104)),
            Some(Startup::Cancel { pid, key }) => return Ok(Beginning::Cancel { pid, key }),
            Some(Startup::Start { version, parameters }) => return request(version, parameters, handshake),
        }
    }
}

/// Whoever sends on before our answer may be somebody else than who encrypts afterwards.
fn refuse_early_bytes(client: &Client, what: &str) -> Result<()> {
    if client.reader.is_empty() {
        return Ok(());
    }
    let text = format!("received unencrypted data after {what} request");
    Err(Error::new(SqlState::PROTOCOL_VIOLATION, text)
        .severity(Severity::Fatal)
        .detail("This could be either a client-software bug or evidence of an attempted man-in-the-middle attack."))
}

fn request(version: u32, parameters: Vec<(String, String)>, handshake: Option<Box<Handshake>>) -> Result<Beginning> {
    let tls = handshake.as_ref().map(|h| Arc::new(h.facts.clone()));
    let mut request = Box::new(Request { tls, ..Request::default() });
    let mut unknown = Vec::new();
    let mut database = None;
    for (name, value) in parameters {
        match name.as_str() {
            "user" => request.user = value,
            "database" => database = Some(value),
            "options" => request.command_line = value,
            "replication" if parse_bool(&value) == Some(false) => {}
            "replication" if value != "database" && parse_bool(&value).is_none() => {
                let text = format!("invalid value for parameter \"replication\": \"{value}\"");
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text)
                    .severity(Severity::Fatal)
                    .hint("Valid values are: \"false\", 0, \"true\", 1, \"database\"."));
            }
            "replication" => {
                return Err(
                    err!(FEATURE_NOT_SUPPORTED, "replication connections are not supported").severity(Severity::Fatal)
                );
            }
            name if name.starts_with("_pq_.") => unknown.push(name.to_string()),
            _ => request.options.push((name, value)),
        }
    }
    if request.user.is_empty() {
        return Err(err!(INVALID_AUTHORIZATION_SPECIFICATION, "no PostgreSQL user name specified in startup packet")
            .severity(Severity::Fatal)
            .place("ProcessStartupPacket", "postmaster.c", 2370));
    }
    request.database = database.filter(|d| !d.is_empty()).unwrap_or_else(|| request.user.clone());
    request.user = truncated(request.user);
    request.database = truncated(request.database);
    Ok(Beginning::Session { request, version, unknown, handshake })
}

/// Names have at most 63 bytes (NAMEDATALEN − 1).
fn truncated(mut name: String) -> String {
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}
