//! TLS over real sockets, by stock psql: who is let in with which certificate, and what a reload takes into force.
//! The certificates are made by `openssl` on PATH; without it or psql the tests say so and pass, with `CI=true` they fail.
//! Everything here was true at PostgreSQL 15, too.

mod support;

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Server, eventually};

fn is_there(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found =
        found.is_ok_and(|s| s.success()) || tool == "openssl" && Command::new(tool).arg("version").output().is_ok();
    assert!(found || std::env::var("CI").is_err(), "{tool} is not on PATH");
    found
}

/// Two authorities, two certificates for the server, and some for clients.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn make() -> Certificates {
        let made = Certificates(tempfile::tempdir().unwrap());
        for authority in ["root", "other"] {
            let subject = format!("/CN={authority}");
            made.openssl(
                &["req", "-x509", "-days", "9", "-subj", &subject],
                authority,
                &["-addext", "keyUsage=cRLSign,keyCertSign"],
            );
        }
        made.signed("server", "/CN=first", "root");
        made.signed("second", "/CN=second", "root");
        made.signed("joe", "/O=Firm/CN=joe", "root");
        made.signed("eve", "/CN=eve", "root");
        made.signed("stranger", "/CN=joe", "other");
        made.revoke("eve");
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) {
        let out = Command::new("openssl").args(arguments).current_dir(self.0.path()).output().unwrap();
        assert!(out.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// A new key, and what is asked for with it.
    fn openssl(&self, what: &[&str], name: &str, more: &[&str]) {
        let (key, out) = (format!("{name}.key"), format!("{name}.crt"));
        let kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", &key, "-out", &out];
        self.run(&[what, &kind, more].concat());
        fs::set_permissions(self.path(&key), Permissions::from_mode(0o600)).unwrap();
    }

    fn signed(&self, name: &str, subject: &str, authority: &str) {
        self.openssl(&["req", "-new", "-subj", subject], name, &[]);
        let request = format!("{name}.csr");
        fs::rename(self.path(&format!("{name}.crt")), self.path(&request)).unwrap();
        fs::write(self.path("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
        let (ca, key, out) = (format!("{authority}.crt"), format!("{authority}.key"), format!("{name}.crt"));
        let by = ["-CA", &ca, "-CAkey", &key, "-CAcreateserial", "-days", "9", "-extfile", "names"];
        self.run(&[&["x509", "-req", "-in", &request, "-out", &out], &by[..]].concat());
    }

    fn revoke(&self, name: &str) {
        let settings =
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=9\n";
        fs::write(self.path("ca.cnf"), settings).unwrap();
        fs::write(self.path("index"), "").unwrap();
        fs::write(self.path("number"), "01\n").unwrap();
        let by = ["-config", "ca.cnf", "-keyfile", "root.key", "-cert", "root.crt"];
        self.run(&[&["ca", "-revoke", &format!("{name}.crt")], &by[..]].concat());
        self.run(&[&["ca", "-gencrl", "-out", "root.crl"], &by[..]].concat());
    }
}

struct Fixture {
    server: Server,
    certificates: Certificates,
    reloads: u32,
}

/// A server with a certificate, and some roles; None: a tool is missing.
fn fixture(settings: &[&str]) -> Option<Fixture> {
    if !is_there("openssl") || !is_there("psql") {
        eprintln!("openssl or psql is missing: nothing was tested");
        return None;
    }
    let server = Server::new(&[&["fsync=off", "ssl=on"], settings].concat());
    let mut made = Fixture { server, certificates: Certificates::make(), reloads: 0 };
    for name in ["server.crt", "server.key", "root.crt"] {
        made.install(name, name);
    }
    fs::write(made.server.data.join("pg_hba.conf"), "local all all trust\n").unwrap();
    made.server.start();
    let mut admin = made.server.connect();
    for sql in [
        "create role joe login",
        "create role joseph login",
        "create role eve login",
        "create role boss",
        "grant boss to eve",
        "create role scram login password 'right'",
        "create database boss",
    ] {
        admin.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    Some(made)
}

impl Fixture {
    /// Copies a file made for the test into the data directory, as the server's own.
    fn install(&self, from: &str, to: &str) {
        self.write(to, &fs::read(self.certificates.path(from)).unwrap());
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.server.data.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        if rustix::process::geteuid().is_root() {
            chown(&path, Some(65534), Some(65534)).unwrap();
        }
    }

    /// Puts rules, and whatever else has changed, in force: twice, since the second time begins after the end of the
    /// first. A rule for a database that does not exist tells.
    fn rules(&mut self, rules: &str) {
        for _ in 0..2 {
            self.reloads += 1;
            let marker = format!("marker{}", self.reloads);
            self.write(
                "pg_hba.conf",
                format!("local all all trust\nhost {marker} all all trust\n{rules}\n").as_bytes(),
            );
            self.server.signal("HUP");
            let answer = format!("FATAL:  database \"{marker}\" does not exist");
            eventually("the rules are in force", || {
                self.psql(&format!("user=joe sslmode=disable dbname={marker}")) == answer
            });
        }
    }

    fn set(&self, setting: &str) {
        self.server.connect().query(&format!("alter system set {setting}")).unwrap();
    }

    /// What a client with these parameters learns about itself, or why it does not come in.
    fn psql(&self, parameters: &str) -> String {
        let all = format!("host=127.0.0.1 port={} dbname=postgres connect_timeout=9 {parameters}", self.server.port);
        let facts = "select current_user, ssl, client_dn, issuer_dn from pg_stat_ssl where pid = pg_backend_pid()";
        let out = Command::new("psql")
            .args(["-X", "-A", "-t", "-d", &all, "-c", facts])
            .env("LC_ALL", "C")
            .env("HOME", self.certificates.path("nowhere"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        text.trim_end().rsplit(" failed: ").next().unwrap_or_default().to_string()
    }

    /// As [`Self::psql`], over TLS with a client's certificate.
    fn with(&self, certificate: &str, parameters: &str) -> String {
        let path = |ending| self.certificates.path(&format!("{certificate}.{ending}")).display().to_string();
        self.psql(&format!("sslmode=require sslcert={} sslkey={} {parameters}", path("crt"), path("key")))
    }

    /// The subject of the certificate that is served.
    fn served(&self) -> String {
        let out = Command::new("openssl")
            .args(["s_client", "-starttls", "postgres", "-connect", &format!("127.0.0.1:{}", self.server.port)])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let subject = text.lines().find_map(|l| l.strip_prefix("subject=")).unwrap_or_default().replace(' ', "");
        subject.rsplit('=').next().unwrap_or_default().to_string()
    }
}

fn no_entry(user: &str, database: &str, how: &str) -> String {
    format!("FATAL:  no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"{database}\", {how}")
}

/// `hostssl` and `hostnossl` divide the clients, and these can tell whom they talk to.
#[test]
fn rules_by_encryption() {
    let Some(mut it) = fixture(&[]) else { return };
    it.rules("hostssl all all 127.0.0.1/32 trust");
    assert_eq!(it.psql("user=joe sslmode=require"), "joe|t||");
    assert_eq!(it.psql("user=joe sslmode=disable"), no_entry("joe", "postgres", "no encryption"));
    let (root, other) = (it.certificates.path("root.crt"), it.certificates.path("other.crt"));
    assert_eq!(it.psql(&format!("user=joe sslmode=verify-full sslrootcert={}", root.display())), "joe|t||");
    let refused = it.psql(&format!("user=joe sslmode=verify-full sslrootcert={}", other.display()));
    assert_eq!(refused, "SSL error: certificate verify failed");
    it.rules("hostnossl all all 127.0.0.1/32 trust");
    assert_eq!(it.psql("user=joe sslmode=require"), no_entry("joe", "postgres", "SSL encryption"));
    assert_eq!(it.psql("user=joe sslmode=prefer"), "joe|f||");
    it.set("ssl = off");
    it.rules("host all all 127.0.0.1/32 trust");
    // The setting of the command line stays above that of the file.
    assert_eq!(it.psql("user=joe sslmode=require"), "joe|t||");
}

/// What is asked of a client's certificate: that an authority vouches for it, and whose it is.
#[test]
fn clients_with_certificates() {
    const NONE: &str = "FATAL:  connection requires a valid client certificate";
    const JOE: &str = "|t|/O=Firm/CN=joe|/CN=root";
    let Some(mut it) = fixture(&[]) else { return };
    it.rules("hostssl all all 127.0.0.1/32 trust clientcert=verify-ca");
    let refused = "FATAL:  client certificates can only be checked if a root certificate store is available";
    assert_eq!(it.with("joe", "user=joe"), refused);
    it.set("ssl_ca_file = 'root.crt'");

    it.rules("hostssl all all 127.0.0.1/32 trust clientcert=verify-ca");
    assert_eq!(it.psql("user=joe sslmode=require"), NONE);
    assert_eq!(it.with("joe", "user=joe"), format!("joe{JOE}"));
    assert_eq!(it.with("joe", "user=eve"), format!("eve{JOE}"));
    assert_eq!(it.with("stranger", "user=joe"), "SSL error: tlsv1 alert unknown ca");

    it.rules("hostssl all all 127.0.0.1/32 trust clientcert=verify-full");
    assert_eq!(it.with("joe", "user=joe"), format!("joe{JOE}"));
    assert_eq!(it.with("joe", "user=eve"), "FATAL:  \"trust\" authentication failed for user \"eve\"");

    it.rules("hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca");
    let bound = "user=scram password=right channel_binding=require";
    assert_eq!(it.with("joe", bound), format!("scram{JOE}"));
    let wrong = "FATAL:  password authentication failed for user \"scram\"";
    assert_eq!(it.with("joe", "user=scram password=wrong"), wrong);
    assert_eq!(it.psql("user=scram password=right sslmode=require"), NONE);

    it.rules("hostssl all all 127.0.0.1/32 cert");
    let failed = |user: &str| format!("FATAL:  certificate authentication failed for user \"{user}\"");
    assert_eq!(it.with("joe", "user=joe"), format!("joe{JOE}"));
    assert_eq!(it.with("joe", "user=eve"), failed("eve"));
    assert_eq!(it.psql("user=joe sslmode=require"), NONE);

    it.write("pg_ident.conf", b"firm joe joseph\nfirm /^(.*)e$ \\1e\ndn \"CN=joe,O=Firm\" joseph\n");
    it.rules("hostssl all all 127.0.0.1/32 cert map=firm");
    assert_eq!(it.with("joe", "user=joseph"), format!("joseph{JOE}"));
    assert_eq!(it.with("joe", "user=joe"), format!("joe{JOE}"));
    assert_eq!(it.with("joe", "user=eve"), failed("eve"));
    it.rules("hostssl all all 127.0.0.1/32 cert map=dn clientname=DN");
    assert_eq!(it.with("joe", "user=joseph"), format!("joseph{JOE}"));
    assert_eq!(it.with("joe", "user=joe"), failed("joe"));
}

/// A revoked certificate is refused from the reload on; a list that cannot be read leaves everything as it was.
#[test]
fn revoked_certificates() {
    let Some(mut it) = fixture(&["ssl_ca_file=root.crt"]) else { return };
    const RULE: &str = "hostssl all all 127.0.0.1/32 cert";
    let eve = "eve|t|/CN=eve|/CN=root";
    it.rules(RULE);
    assert_eq!(it.with("eve", "user=eve"), eve);
    it.install("root.crl", "root.crl");
    it.set("ssl_crl_file = 'root.crl'");
    it.rules(RULE);
    assert_eq!(it.with("eve", "user=eve"), "SSL error: sslv3 alert certificate revoked");
    assert!(it.with("joe", "user=joe").starts_with("joe|t|"));
    it.set("ssl_crl_file = 'missing.crl'");
    it.rules(RULE);
    let said = "LOG:  could not load SSL certificate revocation list file \"missing.crl\": ";
    eventually("the log tells", || it.server.log().contains(said));
    assert!(it.server.log().contains("LOG:  SSL configuration was not reloaded"));
    assert_eq!(it.with("eve", "user=eve"), "SSL error: sslv3 alert certificate revoked");
    it.set("ssl_crl_file = ''");
    it.rules(RULE);
    assert_eq!(it.with("eve", "user=eve"), eve);
}

/// A new certificate is served after a reload; one that does not fit, a key that others may read, a file that is none:
/// the log says so, and the old one stays, also when the engine has to begin anew.
#[test]
fn the_servers_certificate_is_reloaded() {
    let Some(mut it) = fixture(&[]) else { return };
    const RULE: &str = "hostssl all all 127.0.0.1/32 trust";
    it.rules(RULE);
    assert_eq!(it.served(), "first");
    it.install("second.crt", "server.crt");
    it.rules(RULE);
    assert_eq!(it.served(), "first", "the key is another one's");
    it.install("second.key", "server.key");
    it.rules(RULE);
    assert_eq!(it.served(), "second");
    fs::set_permissions(it.server.data.join("server.key"), Permissions::from_mode(0o644)).unwrap();
    it.rules(RULE);
    assert!(it.server.log().contains("LOG:  private key file \"server.key\" has group or world access"));
    it.write("server.crt", b"junk\n");
    it.rules(RULE);
    assert_eq!(it.served(), "second");
    let engine = it.server.engine_pid();
    support::kill("KILL", engine);
    eventually("another engine", || it.server.engine_pid() != engine);
    it.server.wait_accepting();
    assert_eq!(it.served(), "second");
    for name in ["server.crt", "server.key"] {
        it.install(name, name);
    }
    it.rules(RULE);
    assert_eq!(it.served(), "first");
}

/// The versions that may be spoken.
#[test]
fn protocol_versions() {
    let Some(mut it) = fixture(&["ssl_max_protocol_version=TLSv1.2"]) else { return };
    it.rules("hostssl all all 127.0.0.1/32 trust");
    assert_eq!(it.psql("user=joe sslmode=require ssl_max_protocol_version=TLSv1.2"), "joe|t||");
    let refused = it.psql("user=joe sslmode=require ssl_min_protocol_version=TLSv1.3");
    assert_eq!(refused.lines().next(), Some("SSL error: tlsv1 alert protocol version"));
}

/// The words of rules that look at the machine and at the roles.
#[test]
fn rules_by_role_and_network() {
    let Some(mut it) = fixture(&[]) else { return };
    it.rules("host samerole all 127.0.0.1/32 trust\nhost postgres joe samehost trust\nhost postgres eve samenet trust");
    assert_eq!(it.psql("user=eve dbname=boss sslmode=disable"), "eve|f||");
    assert_eq!(it.psql("user=joe dbname=boss sslmode=disable"), no_entry("joe", "boss", "no encryption"));
    assert_eq!(it.psql("user=joe sslmode=disable"), "joe|f||");
    assert_eq!(it.psql("user=eve sslmode=disable"), "eve|f||");
    assert_eq!(it.psql("user=scram sslmode=disable"), no_entry("scram", "postgres", "no encryption"));
}

/// A password from a file; and a client that does not answer in time is sent away.
#[test]
fn passwords_in_time() {
    let Some(mut it) = fixture(&["authentication_timeout=1s"]) else { return };
    it.rules("host all all 127.0.0.1/32 scram-sha-256");
    let (file, port) = (it.certificates.path("passwords"), it.server.port);
    for (line, answer) in [
        (format!("127.0.0.1:{port}:*:scram:right"), "scram|t||"),
        ("*:*:*:scram:wrong".to_string(), "FATAL:  password authentication failed for user \"scram\""),
    ] {
        fs::write(&file, line + "\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let found = it.psql(&format!("user=scram sslmode=require passfile={}", file.display()));
        assert_eq!(found.lines().next().unwrap_or_default(), answer);
    }
    for begun in [&b""[..], &ssl_request()] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(begun).unwrap();
        let start = Instant::now();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(start.elapsed() >= Duration::from_millis(900) && start.elapsed() < Duration::from_secs(15));
        assert!(answer.len() <= 1, "{}", String::from_utf8_lossy(&answer));
    }
}

fn ssl_request() -> Vec<u8> {
    [8u32.to_be_bytes(), 80_877_103u32.to_be_bytes()].concat()
}

/// Bytes that came with the wish for encryption were not encrypted: nobody may slip a query in that way.
#[test]
fn bytes_before_the_handshake() {
    let Some(mut it) = fixture(&[]) else { return };
    it.rules("host all all 127.0.0.1/32 trust");
    let mut stream = TcpStream::connect(("127.0.0.1", it.server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let parameters = b"user\0joe\0database\0postgres\0\0";
    let mut bytes = ssl_request();
    bytes.extend((parameters.len() as u32 + 8).to_be_bytes());
    bytes.extend(196_608u32.to_be_bytes());
    bytes.extend(parameters);
    stream.write_all(&bytes).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.contains(&b'Z'), "{}", String::from_utf8_lossy(&answer));
    eventually("the log tells", || it.server.log().contains("FATAL:  received unencrypted data after SSL request"));
    assert_eq!(it.psql("user=joe sslmode=require"), "joe|t||");
}
