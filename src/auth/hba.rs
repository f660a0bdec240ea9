//! `pg_hba.conf`: reading it, and choosing the rule for a connection (AUTH-1).

use super::hba_rule;
pub use super::hba_rule::{Address, ClientCertificate, Connection, Method, Rule};
use super::tokens::{self, Token};
use crate::base::error::Report;
use crate::base::{Error, Result, Severity, SqlState};
use crate::settings::{ConfigFiles, os_text};
use std::net::IpAddr;
use std::path::Path;

/// Who asks to connect.
pub struct Client<'a> {
    /// `None`: by a Unix socket.
    pub address: Option<IpAddr>,
    pub tls: bool,
    pub user: &'a str,
    pub database: &'a str,
    /// Asks for physical replication: only `replication` matches then.
    pub replication: bool,
    /// Whether the user is a member of this role, directly or not (`+role`, `samerole`).
    pub is_member: &'a dyn Fn(&str) -> bool,
    /// The addresses of this machine with their masks (`samehost`, `samenet`).
    pub interfaces: &'a [(IpAddr, IpAddr)],
    /// Host names of the rules with their addresses: looked up before, as this must not wait.
    pub resolved: &'a [(String, IpAddr)],
}

/// Reads the file. If any line is wrong nothing is returned but the reports for the log; the caller adds
/// `could not load "…"` (FATAL at start) or `… was not reloaded` (LOG).
pub fn load(files: &dyn ConfigFiles, path: &Path) -> std::result::Result<Vec<Rule>, Vec<Report>> {
    let report = |text: String| Report::notice(Severity::Log, SqlState::CONFIG_FILE_ERROR, text);
    let lines = tokens::lines(files, path).map_err(|e| {
        vec![report(format!("could not open configuration file \"{}\": {}", path.display(), os_text(&e)))]
    })?;
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    for line in &lines {
        match hba_rule::parse(line) {
            Ok(rule) => rules.push(rule),
            Err(hba_rule::Fault(text, hint)) => {
                let mut r = report(text);
                r.hint = hint.map(str::to_string);
                r.context = Some(format!("line {} of configuration file \"{}\"", line.number, path.display()));
                faults.push(r);
            }
        }
    }
    if faults.is_empty() && rules.is_empty() {
        faults.push(report(format!("configuration file \"{}\" contains no entries", path.display())));
    }
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

/// Lines as `pg_hba_file_rules` shows them: the rule, or what is wrong.
pub fn examine(files: &dyn ConfigFiles, path: &Path) -> std::io::Result<Vec<(u32, std::result::Result<Rule, String>)>> {
    let lines = tokens::lines(files, path)?;
    Ok(lines.iter().map(|l| (l.number, hba_rule::parse(l).map_err(|f| f.0))).collect())
}

/// The rule that decides; a rule `reject`, or none, is the FATAL the client gets.
pub fn choose<'a>(rules: &'a [Rule], client: &Client<'_>) -> Result<&'a Rule> {
    match rules.iter().find(|rule| fits(rule, client)) {
        Some(rule) if rule.method == Method::Reject => Err(refusal(client, "pg_hba.conf rejects")),
        Some(rule) => Ok(rule),
        None => Err(refusal(client, "no pg_hba.conf entry for")),
    }
}

/// PostgreSQL 15, auth.c, ClientAuthentication: same texts.
fn refusal(client: &Client<'_>, how: &str) -> Error {
    let host = client.address.map_or_else(|| "[local]".to_string(), |a| a.to_string());
    let encryption = if client.tls { "SSL encryption" } else { "no encryption" };
    let rejects = how.ends_with("rejects");
    let (user, database) = (client.user, client.database);
    let text = match (client.replication, rejects) {
        (false, true) => {
            format!("{how} connection for host \"{host}\", user \"{user}\", database \"{database}\", {encryption}")
        }
        (false, false) => format!("{how} host \"{host}\", user \"{user}\", database \"{database}\", {encryption}"),
        (true, true) => format!("{how} replication connection for host \"{host}\", user \"{user}\", {encryption}"),
        (true, false) => format!("{how} replication connection from host \"{host}\", user \"{user}\", {encryption}"),
    };
    Error::new(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, text).severity(Severity::Fatal).place(
        "ClientAuthentication",
        "auth.c",
        if rejects { 432 } else { 498 },
    )
}

/// What a client gets that could not prove who it is.
pub fn authentication_failed(method: Method, user: &str) -> Error {
    let text = match method {
        Method::Trust => format!("\"trust\" authentication failed for user \"{user}\""),
        Method::Reject => format!("authentication failed for user \"{user}\": host rejected"),
        Method::Peer => format!("Peer authentication failed for user \"{user}\""),
        Method::Ident => format!("Ident authentication failed for user \"{user}\""),
        Method::Cert => format!("certificate authentication failed for user \"{user}\""),
        Method::Scram | Method::Md5 | Method::Password => format!("password authentication failed for user \"{user}\""),
    };
    let state = match method {
        Method::Scram | Method::Md5 | Method::Password => SqlState::INVALID_PASSWORD,
        _ => SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    };
    Error::new(state, text).severity(Severity::Fatal).place("auth_failed", "auth.c", 326)
}

/// The DETAIL of such a failure in the server log; never sent to the client.
pub fn matched_line(rule: &Rule) -> String {
    format!("Connection matched pg_hba.conf line {}: \"{}\"", rule.line, rule.raw)
}

fn fits(rule: &Rule, client: &Client<'_>) -> bool {
    connection_fits(rule, client) && database_fits(rule, client) && user_fits(rule, client)
}

fn connection_fits(rule: &Rule, client: &Client<'_>) -> bool {
    let Some(address) = client.address else { return rule.connection == Connection::Local };
    let kind = match rule.connection {
        Connection::Local | Connection::HostGss => false,
        Connection::Host | Connection::HostNoGss => true,
        Connection::HostSsl => client.tls,
        Connection::HostNoSsl => !client.tls,
    };
    kind && address_fits(&rule.address, address, client)
}

fn address_fits(rule: &Address, address: IpAddr, client: &Client<'_>) -> bool {
    let interfaces = client.interfaces;
    let address = address.to_canonical();
    match rule {
        Address::None => false,
        Address::All => true,
        Address::SameHost => interfaces.iter().any(|(own, _)| own.to_canonical() == address),
        Address::SameNet => interfaces.iter().any(|(own, mask)| in_net(address, *own, *mask)),
        Address::Net { address: net, mask } => in_net(address, *net, *mask),
        Address::Name(name) => client.resolved.iter().any(|(n, a)| n == name && a.to_canonical() == address),
    }
}

fn in_net(address: IpAddr, net: IpAddr, mask: IpAddr) -> bool {
    match (address, net, mask) {
        (IpAddr::V4(a), IpAddr::V4(n), IpAddr::V4(m)) => (a.to_bits() ^ n.to_bits()) & m.to_bits() == 0,
        (IpAddr::V6(a), IpAddr::V6(n), IpAddr::V6(m)) => (a.to_bits() ^ n.to_bits()) & m.to_bits() == 0,
        _ => false,
    }
}

fn database_fits(rule: &Rule, client: &Client<'_>) -> bool {
    rule.databases.iter().any(|token| {
        if client.replication {
            return token.is("replication");
        }
        match token.text.as_str() {
            "all" if !token.quoted => true,
            "sameuser" if !token.quoted => client.database == client.user,
            "samerole" | "samegroup" if !token.quoted => (client.is_member)(client.database),
            "replication" if !token.quoted => false,
            name => name == client.database,
        }
    })
}

fn user_fits(rule: &Rule, client: &Client<'_>) -> bool {
    rule.users.iter().any(|token: &Token| match token.text.strip_prefix('+') {
        Some(role) if !token.quoted => (client.is_member)(role),
        _ => token.is("all") || token.text == client.user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::io;
    use std::path::PathBuf;

    struct Files(HashMap<PathBuf, String>);

    impl ConfigFiles for Files {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            self.0.get(path).map(|t| t.clone().into_bytes()).ok_or_else(|| io::Error::from_raw_os_error(2))
        }
        fn list(&self, _: &Path) -> io::Result<Vec<String>> {
            Ok(Vec::new())
        }
        fn replace(&self, _: &Path, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
    }

    fn files(text: &str) -> Files {
        let names = ("/d/names".into(), "ann, \"bob smith\"\n# c\ncarl\n".to_string());
        Files(HashMap::from([("/d/pg_hba.conf".into(), text.to_string()), names]))
    }

    fn rules(text: &str) -> Vec<Rule> {
        load(&files(text), Path::new("/d/pg_hba.conf")).unwrap()
    }

    fn localhost() -> &'static [(String, IpAddr)] {
        Box::leak(Box::new([("localhost".to_string(), IpAddr::from([127, 0, 0, 1]))]))
    }

    fn client<'a>(
        address: Option<&str>,
        user: &'a str,
        database: &'a str,
        is_member: &'a dyn Fn(&str) -> bool,
    ) -> Client<'a> {
        let address = address.map(|a| a.parse().unwrap());
        Client {
            address,
            tls: false,
            user,
            database,
            replication: false,
            is_member,
            interfaces: &[],
            resolved: localhost(),
        }
    }

    /// The first rule that fits decides, by address, database, user, membership and listed files.
    #[test]
    fn first_fit_decides() {
        let rules = rules(
            "# comment\n\
             local all postgres peer map=m\n\
             local all @names trust\n\
             host \"all\" all 10.0.0.0/8 trust\n\
             host sameuser all 10.0.0.0 255.0.0.0 md5\n\
             host all +staff ::1/128 scram-sha-256\n\
             host a,b all 127.0.0.1/32 \\\n reject\n\
             host all all localhost password\n",
        );
        let staff = |role: &str| role == "staff";
        let nobody = |_: &str| false;
        let chosen = |c: &Client<'_>| {
            choose(&rules, c).map(|r| (r.line, r.method.as_str())).map_err(|e| e.message().to_string())
        };
        assert_eq!(chosen(&client(None, "postgres", "x", &nobody)), Ok((2, "peer")));
        assert_eq!(chosen(&client(None, "bob smith", "x", &nobody)), Ok((3, "trust")));
        assert_eq!(chosen(&client(Some("10.1.2.3"), "u", "all", &nobody)), Ok((4, "trust")));
        assert_eq!(chosen(&client(Some("10.1.2.3"), "u", "u", &nobody)), Ok((5, "md5")));
        assert_eq!(chosen(&client(Some("::1"), "u", "u", &staff)), Ok((6, "scram-sha-256")));
        assert_eq!(chosen(&client(Some("127.0.0.1"), "u", "c", &nobody)), Ok((9, "password")));
        assert_eq!(
            chosen(&client(Some("127.0.0.1"), "u", "b", &nobody)),
            Err("pg_hba.conf rejects connection for host \"127.0.0.1\", user \"u\", database \"b\", no encryption"
                .into())
        );
        assert_eq!(
            chosen(&client(None, "u", "db", &nobody)),
            Err("no pg_hba.conf entry for host \"[local]\", user \"u\", database \"db\", no encryption".into())
        );
    }

    /// What PostgreSQL 15 says of the same wrong lines.
    #[test]
    fn wrong_lines() {
        for (line, text) in [
            ("bogus all all trust", "invalid connection type \"bogus\""),
            ("local all", "end-of-line before role specification"),
            ("host all all 127.0.0.1 trust", "invalid IP mask \"trust\": Name or service not known"),
            ("host all all 300.1.1.1/32 trust", "specifying both host name and CIDR mask is invalid: \"300.1.1.1/32\""),
            ("host all all 127.0.0.1/40 trust", "invalid CIDR mask in address \"127.0.0.1/40\""),
            ("host all all 127.0.0.1/32 bogus", "invalid authentication method \"bogus\""),
            ("local all all trust trust=1 x", "unrecognized authentication option name: \"trust\""),
            ("host all all 127.0.0.1/32 trust a b=", "authentication option not in name=value format: a"),
            ("host all all", "end-of-line before IP address specification"),
            ("host", "end-of-line before database specification"),
            ("local all all", "end-of-line before authentication method"),
            ("host all all 127.0.0.1/32 peer", "peer authentication is only supported on local sockets"),
            ("host all all ::1 127.0.0.1 trust", "IP address and mask do not match"),
            ("host a b 127.0.0.1,1.2.3.4 trust", "multiple values specified for host address"),
            (
                "local @nofile all trust",
                "could not open secondary authentication file \"@nofile\" as \"/d/nofile\": No such file or directory",
            ),
        ] {
            let reports = load(&files(line), Path::new("/d/pg_hba.conf")).unwrap_err();
            assert_eq!(reports[0].message, text, "{line}");
            assert_eq!(reports[0].context.as_deref(), Some("line 1 of configuration file \"/d/pg_hba.conf\""));
        }
    }
}
