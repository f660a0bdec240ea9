//! What comes before the first message.

use super::tls::{Handshake, Loaded};
use crate::base::{Error, Result, Severity, SqlState};
use crate::err;
use crate::session::{Client, Request};
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
    // Wherever the command line stands, what has a name of its own outdoes it.
    for (_, value) in parameters.iter().filter(|(name, _)| name == "options") {
        request.options = command_line(value)?;
    }
    for (name, value) in parameters {
        match name.as_str() {
            "user" => request.user = value,
            "database" => database = Some(value),
            "options" => {}
            "replication" if matches!(value.as_str(), "false" | "off" | "no" | "0") => {}
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

/// `-c name=value --name=value`, words split at blanks, backslash escapes (PostgreSQL 15, pg_split_opts).
fn command_line(text: &str) -> Result<Vec<(String, String)>> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let mut found = Vec::new();
    let mut words = words.into_iter();
    while let Some(w) = words.next() {
        let setting = match w.as_str() {
            "-c" => words.next(),
            w if w.starts_with("--") => Some(w[2..].to_string()),
            w if w.starts_with("-c") => Some(w[2..].to_string()),
            _ => None,
        };
        let Some((name, value)) = setting.as_deref().and_then(|s| s.split_once('=')) else {
            return Err(err!(SYNTAX_ERROR, "invalid command-line argument for server process: {w}")
                .severity(Severity::Fatal)
                .hint("Try \"postgres --help\" for more information."));
        };
        found.push((name.replace('-', "_"), value.to_string()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Options come out as pairs, escapes respected, nonsense refused.
    #[test]
    fn options() {
        let pairs = command_line(r"-c work_mem=1MB --search-path=a\ b  -cgeqo=off").unwrap();
        let expected = [("work_mem", "1MB"), ("search_path", "a b"), ("geqo", "off")];
        assert_eq!(pairs, expected.map(|(a, b)| (a.to_string(), b.to_string())));
        assert!(command_line("-x").is_err() && command_line("-c").is_err());
    }
}
