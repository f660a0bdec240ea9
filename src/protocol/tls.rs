//! TLS for clients: what the settings name as certificate, key and authorities becomes the library's configuration;
//! a socket becomes an encrypted stream. PostgreSQL 15, be-secure-openssl.c: same files, checks and texts.
//!
//! Departs from PostgreSQL: the library speaks TLS 1.2 and 1.3 only and chooses its own ciphers and curves, so
//! `ssl_ciphers`, `ssl_ecdh_curve`, `ssl_dh_params_file` and `ssl_prefer_server_ciphers` have no effect, and older
//! minimum versions mean 1.2.

use crate::auth::certificate::{Certificate, SignatureHash, one_line};
use crate::base::{Error, Result, SqlState};
use crate::err;
use crate::process::kept_files::KeptFiles;
use crate::session::Client;
use crate::settings::{ConfigFiles, Global, Id, Lookup, os_text};
use crate::stat::TlsFacts;
use arc_swap::ArcSwapOption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ProtocolVersion, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;

/// TLS as the settings wanted it when they were read last; nothing while `ssl` is off.
#[derive(Default)]
pub struct Tls {
    current: ArcSwapOption<Loaded>,
}

/// One configuration, shared by the connections made under it.
pub struct Loaded {
    config: Arc<ServerConfig>,
    /// Hash of the server's certificate for channel binding (RFC 5929).
    endpoint: Option<Vec<u8>>,
    /// Clients' certificates can be checked.
    pub knows_authorities: bool,
}

/// What came out of a handshake.
pub struct Handshake {
    pub facts: TlsFacts,
    pub endpoint: Option<Vec<u8>>,
    pub client_certificate: Option<Certificate>,
    pub knows_authorities: bool,
}

impl Tls {
    /// Reads everything for the first time.
    ///
    /// # Errors
    /// What cannot be used; FATAL at start.
    pub fn load(files: &KeptFiles, settings: &Global) -> Result<Tls> {
        let tls = Tls::default();
        tls.read(files, settings)?;
        Ok(tls)
    }

    /// Reads everything again; what is wrong is logged and leaves the old configuration.
    pub fn reload(&self, files: &KeptFiles, settings: &Global) {
        if let Err(mut e) = self.read(files, settings) {
            e.0.severity = crate::base::Severity::Log;
            crate::base::report::log(&e.0);
            crate::log!("SSL configuration was not reloaded");
        }
    }

    /// The configuration for a new connection.
    pub fn current(&self) -> Option<Arc<Loaded>> {
        self.current.load_full()
    }

    fn read(&self, files: &KeptFiles, settings: &Global) -> Result<()> {
        let next = match settings.bool(Id::Ssl) {
            true => Some(Arc::new(files.attempt(|| configure(files, settings), Result::is_ok)?)),
            false => None,
        };
        self.current.store(next);
        Ok(())
    }
}

fn config_error(text: String) -> Error {
    Error::new(SqlState::CONFIG_FILE_ERROR, text).severity(crate::base::Severity::Fatal)
}

fn path_of(settings: &Global, id: Id) -> Option<PathBuf> {
    let text = settings.str(id);
    (!text.is_empty()).then(|| settings.origin().data_directory.join(&*text))
}

fn configure(files: &KeptFiles, settings: &Global) -> Result<Loaded> {
    let chain =
        own_chain(files, &path_of(settings, Id::SslCertFile).unwrap_or_default(), &settings.str(Id::SslCertFile))?;
    let key = own_key(files, &path_of(settings, Id::SslKeyFile).unwrap_or_default(), &settings.str(Id::SslKeyFile))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(settings)?)
        .map_err(|e| config_error(format!("could not set SSL protocol version range: {e}")))?;
    let roots = match path_of(settings, Id::SslCaFile) {
        Some(path) => Some(authorities(files, &path, &settings.str(Id::SslCaFile))?),
        None => None,
    };
    let knows_authorities = roots.is_some();
    let builder = match roots {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                .with_crls(revocations(files, settings)?)
                .allow_unknown_revocation_status()
                .allow_unauthenticated()
                .build()
                .map_err(|e| config_error(format!("could not use the root certificates: {e}")))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let endpoint = endpoint(&chain);
    let config =
        builder.with_single_cert(chain, key).map_err(|e| config_error(format!("check of private key failed: {e}")))?;
    Ok(Loaded { config: Arc::new(config), endpoint, knows_authorities })
}

fn versions(settings: &Global) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let rank = |text: &str| match text {
        "TLSv1.3" => 3,
        "TLSv1.2" => 2,
        _ => 1,
    };
    let low = rank(settings.choice(Id::SslMinProtocolVersion));
    let high = match settings.choice(Id::SslMaxProtocolVersion) {
        "" => 3,
        text => rank(text),
    };
    let all = [(2, &rustls::version::TLS12), (3, &rustls::version::TLS13)];
    let found: Vec<_> = all.into_iter().filter(|(n, _)| low <= *n && *n <= high).map(|(_, v)| v).collect();
    match found.is_empty() {
        true => Err(config_error("could not set SSL protocol version range".into())
            .detail("\"ssl_min_protocol_version\" cannot be higher than \"ssl_max_protocol_version\", and versions before TLSv1.2 are not supported")),
        false => Ok(found),
    }
}

/// All certificates of a file in PEM.
fn certificates(files: &KeptFiles, path: &Path) -> std::result::Result<Vec<CertificateDer<'static>>, String> {
    let bytes = files.read(path).map_err(|e| os_text(&e))?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err("no start line".into()),
        Ok(found) => Ok(found),
        Err(e) => Err(e.to_string()),
    }
}

fn own_chain(files: &KeptFiles, path: &Path, shown: &str) -> Result<Vec<CertificateDer<'static>>> {
    certificates(files, path)
        .map_err(|e| config_error(format!("could not load server certificate file \"{shown}\": {e}")))
}

fn own_key(files: &KeptFiles, path: &Path, shown: &str) -> Result<PrivateKeyDer<'static>> {
    if !files.is_replaying() {
        check_key_file(path, shown)?;
    }
    let failed = |e: String| config_error(format!("could not load private key file \"{shown}\": {e}"));
    let bytes = files.read(path).map_err(|e| failed(os_text(&e)))?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|e| match bytes.windows(9).any(|w| w == b"ENCRYPTED") {
        true => failed("keys with a passphrase are not supported".into()),
        false => failed(e.to_string()),
    })
}

/// PostgreSQL 15, be-secure-common.c, check_ssl_key_file_permissions.
fn check_key_file(path: &Path, shown: &str) -> Result<()> {
    let stat = rustix::fs::stat(path).map_err(|e| {
        let e = os_text(&e.into());
        config_error(format!("could not access private key file \"{shown}\": {e}"))
    })?;
    if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(config_error(format!("private key file \"{shown}\" is not a regular file")));
    }
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != own && stat.st_uid != 0 {
        return Err(config_error(format!("private key file \"{shown}\" must be owned by the database user or root")));
    }
    let open_to_others = if stat.st_uid == own { 0o077 } else { 0o037 };
    if stat.st_mode & open_to_others != 0 {
        return Err(config_error(format!("private key file \"{shown}\" has group or world access")).detail(
            "File must have permissions u=rw (0600) or less if owned by the database user, or permissions u=rw,g=r (0640) or less if owned by root.",
        ));
    }
    Ok(())
}

fn authorities(files: &KeptFiles, path: &Path, shown: &str) -> Result<RootCertStore> {
    let failed = |e: String| config_error(format!("could not load root certificate file \"{shown}\": {e}"));
    let mut roots = RootCertStore::empty();
    for certificate in certificates(files, path).map_err(failed)? {
        roots.add(certificate).map_err(|e| failed(e.to_string()))?;
    }
    Ok(roots)
}

fn revocations(files: &KeptFiles, settings: &Global) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    if !settings.str(Id::SslCrlDir).is_empty() {
        return Err(Error::unsupported("ssl_crl_dir is not supported").hint("Name one file in ssl_crl_file."));
    }
    let Some(path) = path_of(settings, Id::SslCrlFile) else { return Ok(Vec::new()) };
    let shown = settings.str(Id::SslCrlFile);
    let failed =
        |e: String| config_error(format!("could not load SSL certificate revocation list file \"{shown}\": {e}"));
    let bytes = files.read(&path).map_err(|e| failed(os_text(&e)))?;
    CertificateRevocationListDer::pem_slice_iter(&bytes).map(|crl| crl.map_err(|e| failed(e.to_string()))).collect()
}

fn endpoint(chain: &[CertificateDer<'static>]) -> Option<Vec<u8>> {
    use sha2::{Digest, Sha256, Sha384, Sha512};
    let own = chain.first()?;
    Some(match Certificate::parse(own)?.signature_hash()? {
        SignatureHash::Sha256 => Sha256::digest(own).to_vec(),
        SignatureHash::Sha384 => Sha384::digest(own).to_vec(),
        SignatureHash::Sha512 => Sha512::digest(own).to_vec(),
    })
}

impl Loaded {
    /// Encrypts the client's stream.
    ///
    /// # Errors
    /// 08P01, for the log: there is no common language to tell it to the client.
    pub async fn accept(&self, client: &mut Client) -> Result<Handshake> {
        let plain = std::mem::replace(&mut client.stream, Box::new(tokio::io::empty()));
        let accepted = TlsAcceptor::from(self.config.clone()).accept(plain).await;
        let stream = accepted.map_err(|e| {
            let why = match e.kind() {
                std::io::ErrorKind::UnexpectedEof => "EOF detected".to_string(),
                _ => e.to_string(),
            };
            err!(PROTOCOL_VIOLATION, "could not accept SSL connection: {why}")
        })?;
        let connection = stream.get_ref().1;
        let client_certificate = match connection.peer_certificates().and_then(|c| c.first()) {
            Some(der) => Some(
                Certificate::parse(der)
                    .ok_or_else(|| err!(PROTOCOL_VIOLATION, "SSL certificate's distinguished name cannot be read"))?,
            ),
            None => None,
        };
        let (cipher, bits) = cipher(connection);
        let facts = TlsFacts {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher,
            bits,
            client_dn: client_certificate.as_ref().map(|c| one_line(&c.subject)),
            client_serial: client_certificate.as_ref().map(Certificate::serial_decimal),
            issuer_dn: client_certificate.as_ref().map(|c| one_line(&c.issuer)),
        };
        client.stream = Box::new(stream);
        let endpoint = self.endpoint.clone();
        Ok(Handshake { facts, endpoint, client_certificate, knows_authorities: self.knows_authorities })
    }
}

/// The cipher by OpenSSL's name, and its strength.
fn cipher(connection: &rustls::ServerConnection) -> (String, i32) {
    let Some(suite) = connection.negotiated_cipher_suite() else { return (String::new(), 0) };
    let name = format!("{:?}", suite.suite());
    let bits = if name.contains("AES_128") { 128 } else { 256 };
    let shown = match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name
            .trim_start_matches("TLS_")
            .replace("_WITH_", "-")
            .replace("_POLY1305_SHA256", "_POLY1305")
            .replace("AES_128", "AES128")
            .replace("AES_256", "AES256")
            .replace('_', "-"),
    };
    (shown, bits)
}
