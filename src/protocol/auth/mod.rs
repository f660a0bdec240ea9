//! Authentication: the rule for a connection, and the method it names. PostgreSQL 15, auth.c, ClientAuthentication.

mod certificate;
mod password;
mod peer;
mod scram;

use super::connection::Surroundings;
use super::tls::Handshake;
use crate::auth::hba::{self, Address, ClientCertificate, Method, Rule};
use crate::auth::ident::Mapping;
use crate::auth::verifier::Stored;
use crate::base::report::{self, Origin};
use crate::base::{Error, Report, Result, Severity, SqlState, clock};
use crate::process::interfaces;
use crate::session::{Client, Request, Server};
use crate::wire::Frame;
use async_trait::async_trait;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::startup::Authentication;
use std::net::IpAddr;
use std::sync::Arc;

/// Everything a method may look at, and the client it may talk with.
pub struct Conversation<'a> {
    pub client: &'a mut Client,
    pub user: &'a str,
    pub rule: &'a Rule,
    pub mappings: &'a [Mapping],
    pub origin: &'a Origin,
    pub handshake: Option<&'a Handshake>,
    pub around: &'a dyn Surroundings,
    /// The password of the role, or why there is none, for the log.
    pub stored: std::result::Result<Stored, String>,
    /// `password_encryption`: what roles without a password seem to have.
    pub encryption: &'static str,
    pub mock_nonce: [u8; 32],
}

/// Why somebody does not come in.
pub enum Refusal {
    /// The client hung up, as psql does to ask its user for a password.
    Gone,
    /// The proof was wrong; the DETAIL is for the log alone.
    Failed(Option<String>),
    /// The conversation broke down.
    Broken(Error),
}

impl From<Error> for Refusal {
    fn from(e: Error) -> Refusal {
        Refusal::Broken(e)
    }
}

/// Who a client has proved to be, as the system outside names it; methods that prove nothing have none.
pub type Identity = Option<String>;

/// A method: proves, or not, that a client is who it says it is.
#[async_trait]
pub trait Authenticator: Send + Sync {
    async fn authenticate(&self, talk: &mut Conversation<'_>) -> std::result::Result<Identity, Refusal>;
}

/// Everybody is believed.
struct Trust;

#[async_trait]
impl Authenticator for Trust {
    async fn authenticate(&self, _: &mut Conversation<'_>) -> std::result::Result<Identity, Refusal> {
        Ok(None)
    }
}

/// Would ask a server on the client's machine, which says whatever its owner likes.
struct Ident;

#[async_trait]
impl Authenticator for Ident {
    async fn authenticate(&self, talk: &mut Conversation<'_>) -> std::result::Result<Identity, Refusal> {
        talk.note("could not ask the client's ident server: the method ident is not supported over TCP".into());
        Err(Refusal::Failed(None))
    }
}

/// The method a rule names.
fn method(rule: &Rule) -> &'static dyn Authenticator {
    match rule.method {
        Method::Trust | Method::Reject => &Trust,
        Method::Scram => &scram::Scram,
        Method::Md5 => &password::Md5,
        Method::Password => &password::Plain,
        Method::Peer => &peer::Peer,
        Method::Ident => &Ident,
        Method::Cert => &certificate::Cert,
    }
}

impl Conversation<'_> {
    /// A LOG line about this connection.
    fn note(&self, text: String) {
        report::log_as(self.origin, &Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text));
    }

    /// Sends one request.
    async fn ask(&mut self, what: Authentication) -> Result<()> {
        let message = PgWireBackendMessage::Authentication(what);
        message.encode(&mut self.client.out.buf).map_err(|e| Error::internal(e.to_string()))?;
        self.client.flush().await
    }

    /// The client's answer: a message of the type that passwords, SASL and others share.
    async fn answer(&mut self, what: &str) -> std::result::Result<Frame, Refusal> {
        let frame = self.client.frame().await?.ok_or(Refusal::Gone)?;
        match frame.kind {
            b'p' => Ok(frame),
            other => {
                let text = format!("expected {what} response, got message type {other}");
                Err(Error::new(SqlState::PROTOCOL_VIOLATION, text).into())
            }
        }
    }
}

/// Lets a client prove who it is, by the rule that fits it.
///
/// # Errors
/// FATAL 28000 or 28P01. `Ok(false)`: the client hung up.
pub async fn check(
    server: &Server,
    client: &mut Client,
    origin: &Arc<Origin>,
    request: &Request,
    handshake: Option<&Handshake>,
    around: &dyn Surroundings,
) -> Result<bool> {
    let rules = server.access.rules();
    let resolved = resolve(&rules, request.address.is_some()).await;
    let rule = choose(server, &rules, request, &resolved)?;
    check_certificate_wanted(rule, handshake)?;
    let settings = server.instance.settings.snapshot();
    use crate::settings::{Id, Lookup};
    let mappings = server.access.mappings();
    let mut talk = Conversation {
        client,
        user: &request.user,
        rule,
        mappings: &mappings,
        origin,
        handshake,
        around,
        stored: stored_password(server, &request.user),
        encryption: settings.choice(Id::PasswordEncryption),
        mock_nonce: server.instance.checkpoints.control().get().mock_nonce,
    };
    let mut outcome = method(rule).authenticate(&mut talk).await;
    if outcome.is_ok() && rule.client_certificate == ClientCertificate::VerifyFull && rule.method != Method::Cert {
        outcome = certificate::matches_user(&mut talk).map(|()| None);
    }
    let log_connections = settings.bool(Id::LogConnections);
    match outcome {
        Ok(identity) => {
            if let Some(identity) = identity.filter(|_| log_connections) {
                let (method, file, line) = (rule.method.as_str(), settings.str(Id::HbaFile), rule.line);
                talk.note(format!("connection authenticated: identity=\"{identity}\" method={method} ({file}:{line})"));
            }
            Ok(true)
        }
        Err(Refusal::Gone) => Ok(false),
        Err(Refusal::Broken(e)) => Err(e.severity(Severity::Fatal)),
        Err(Refusal::Failed(why)) => Err(failed(rule, &request.user, why)),
    }
}

fn failed(rule: &Rule, user: &str, why: Option<String>) -> Error {
    let matched = hba::matched_line(rule);
    hba::authentication_failed(rule.method, user).detail_log(match why {
        Some(why) => format!("{why}\n{matched}"),
        None => matched,
    })
}

/// Tells the client that it is in.
pub fn ok(client: &mut Client) {
    let message = PgWireBackendMessage::Authentication(Authentication::Ok);
    // AuthenticationOk has a fixed size: it always fits.
    let _ = message.encode(&mut client.out.buf);
}

fn choose<'a>(
    server: &Server,
    rules: &'a [Rule],
    request: &Request,
    resolved: &[(String, IpAddr)],
) -> Result<&'a Rule> {
    let own = |rule: &Rule| matches!(rule.address, Address::SameHost | Address::SameNet);
    let interfaces = if rules.iter().any(own) { interfaces::addresses() } else { Vec::new() };
    let is_member = |role: &str| server.is_member(&request.user, role);
    let client = hba::Client {
        address: request.address.map(|a| a.0),
        tls: request.tls.is_some(),
        user: &request.user,
        database: &request.database,
        replication: false,
        is_member: &is_member,
        interfaces: &interfaces,
        resolved,
    };
    hba::choose(rules, &client)
}

/// The addresses of the host names in the rules.
///
/// Departs from PostgreSQL, hba.c, check_hostname, which asks for the client's name first and then whether that name
/// has its address: here the second question alone is asked, of the names in the rules.
async fn resolve(rules: &[Rule], tcp: bool) -> Vec<(String, IpAddr)> {
    let mut found = Vec::new();
    for rule in rules.iter().filter(|_| tcp) {
        let Address::Name(name) = &rule.address else { continue };
        if found.iter().any(|(n, _)| n == name) {
            continue;
        }
        match tokio::net::lookup_host((name.as_str(), 0)).await {
            Ok(addresses) => found.extend(addresses.map(|a| (name.clone(), a.ip()))),
            Err(e) => {
                let e = crate::settings::os_text(&e);
                crate::log!("could not translate host name \"{name}\" to address: {e}");
            }
        }
    }
    found
}

fn check_certificate_wanted(rule: &Rule, handshake: Option<&Handshake>) -> Result<()> {
    if rule.client_certificate == ClientCertificate::Off {
        return Ok(());
    }
    let refused = |state, text: &str, line| {
        Err(Error::new(state, text).severity(Severity::Fatal).place("ClientAuthentication", "auth.c", line))
    };
    if !handshake.is_some_and(|h| h.knows_authorities) {
        let text = "client certificates can only be checked if a root certificate store is available";
        return refused(SqlState::CONFIG_FILE_ERROR, text, 417);
    }
    // The library has checked it: a certificate that does not hold ends the handshake.
    if handshake.is_none_or(|h| h.client_certificate.is_none()) {
        let text = "connection requires a valid client certificate";
        return refused(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, text, 428);
    }
    Ok(())
}

/// PostgreSQL 15, crypt.c, get_role_password.
fn stored_password(server: &Server, user: &str) -> std::result::Result<Stored, String> {
    let role = server.role(user).ok_or_else(|| format!("Role \"{user}\" does not exist."))?;
    let text = role.password.ok_or_else(|| format!("User \"{user}\" has no password assigned."))?;
    if role.valid_until_us.is_some_and(|until| until < clock::now_us()) {
        return Err(format!("User \"{user}\" has an expired password."));
    }
    Stored::parse(&text).ok_or_else(|| format!("Password of user \"{user}\" is in unrecognized format."))
}
