//! Where to connect: options, a connection string or URI, and the PG* variables, in libpq's order.

/// What libpq takes in a connection string. Most say nothing to a probe, but a misspelt one must be told.
const KEYWORDS: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "requirepeer",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Where a server of this machine usually has its socket: Debian's directory, then PostgreSQL's own.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];
const DEFAULT_PORT: &str = "5432";

#[derive(Default, Clone, Debug, PartialEq)]
pub struct Target {
    pub host: Option<String>,
    pub hostaddr: Option<String>,
    pub port: Option<String>,
    pub user: Option<String>,
    pub dbname: Option<String>,
    service: Option<String>,
}

impl Target {
    /// Takes `-d`: a name, or a string whose parts go before everything else.
    pub fn set_dbname(&mut self, text: &str) -> Result<(), String> {
        if let Some(rest) = text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://")) {
            return self.set_uri(rest, text);
        }
        if !text.contains('=') {
            self.dbname = Some(text.to_string());
            return Ok(());
        }
        for (keyword, value) in pairs(text)? {
            self.set(&keyword, value)?;
        }
        Ok(())
    }

    fn set(&mut self, keyword: &str, value: String) -> Result<(), String> {
        if !KEYWORDS.contains(&keyword) {
            return Err(format!("invalid connection option \"{keyword}\""));
        }
        match keyword {
            "host" => self.host = Some(value),
            "hostaddr" => self.hostaddr = Some(value),
            "port" => self.port = Some(value),
            "user" => self.user = Some(value),
            "dbname" => self.dbname = Some(value),
            "service" => self.service = Some(value),
            _ => {}
        }
        Ok(())
    }

    /// `[user[:password]@][host[:port],...][/dbname][?name=value&...]`.
    fn set_uri(&mut self, rest: &str, whole: &str) -> Result<(), String> {
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (place, dbname) = rest.split_once('/').unwrap_or((rest, ""));
        let (account, hosts) = place.rsplit_once('@').unwrap_or(("", place));
        let user = account.split(':').next().unwrap_or("");
        if !user.is_empty() {
            self.user = Some(decoded(user)?);
        }
        let mut names = Vec::new();
        let mut ports = Vec::new();
        for host in hosts.split(',') {
            let (name, port) = split_host(host, whole)?;
            names.push(decoded(name)?);
            ports.push(port.to_string());
        }
        if names.iter().any(|n| !n.is_empty()) {
            self.host = Some(names.join(","));
        }
        if ports.iter().any(|p| !p.is_empty()) {
            self.port = Some(ports.join(","));
        }
        if !dbname.is_empty() {
            self.dbname = Some(decoded(dbname)?);
        }
        for pair in parameters.split('&').filter(|p| !p.is_empty()) {
            let Some((keyword, value)) = pair.split_once('=') else {
                return Err(format!("missing key/value separator \"=\" in URI query parameter: \"{pair}\""));
            };
            let (keyword, value) = (decoded(keyword)?, decoded(value)?);
            self.set(&keyword, value).map_err(|_| format!("invalid URI query parameter: \"{keyword}\""))?;
        }
        Ok(())
    }

    /// Filled up with the environment's variables and the defaults.
    pub fn completed(mut self) -> Target {
        let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        self.host = self.host.or_else(|| variable("PGHOST"));
        self.hostaddr = self.hostaddr.or_else(|| variable("PGHOSTADDR"));
        self.port = self.port.filter(|p| !p.is_empty()).or_else(|| variable("PGPORT"));
        self.user = self.user.or_else(|| variable("PGUSER"));
        self.dbname = self.dbname.or_else(|| variable("PGDATABASE"));
        self.service = self.service.or_else(|| variable("PGSERVICE"));
        if self.host.is_none() && self.hostaddr.is_none() {
            self.host = Some(socket_directory(self.port()).to_string());
        }
        self
    }

    pub fn port(&self) -> &str {
        self.port.as_deref().unwrap_or(DEFAULT_PORT)
    }

    pub fn shown_host(&self) -> &str {
        self.hostaddr.as_deref().or(self.host.as_deref()).unwrap_or("")
    }

    /// There are no service files here.
    pub fn has_service(&self) -> bool {
        self.service.is_some()
    }

    /// Each place to try, with its port.
    pub fn places(&self) -> Vec<(String, u16)> {
        let hosts: Vec<&str> = self.shown_host().split(',').collect();
        let ports: Vec<&str> = self.port().split(',').collect();
        if ports.len() != 1 && ports.len() != hosts.len() {
            return Vec::new();
        }
        let port = |n: usize| {
            let text = ports.get(n).or(ports.first()).copied().unwrap_or_default().trim();
            if text.is_empty() { DEFAULT_PORT.parse().ok() } else { text.parse::<u16>().ok().filter(|p| *p > 0) }
        };
        let host = |h: &str, port: u16| {
            if h.is_empty() { socket_directory(&port.to_string()).to_string() } else { h.to_string() }
        };
        hosts.iter().enumerate().filter_map(|(n, h)| port(n).map(|p| (host(h, p), p))).collect()
    }
}

/// The directory that has a socket of this port.
fn socket_directory(port: &str) -> &'static str {
    let has =
        |dir: &&&str| rustix::fs::access(format!("{dir}/.s.PGSQL.{port}").as_str(), rustix::fs::Access::EXISTS).is_ok();
    SOCKET_DIRECTORIES.iter().find(has).copied().unwrap_or(SOCKET_DIRECTORIES[1])
}

/// `name:port`, `[v6]:port`, or either without a port.
fn split_host<'a>(host: &'a str, whole: &str) -> Result<(&'a str, &'a str), String> {
    let Some(inner) = host.strip_prefix('[') else {
        return Ok(host.split_once(':').unwrap_or((host, "")));
    };
    let missing =
        || format!("end of string reached when looking for matching \"]\" in IPv6 host address in URI: \"{whole}\"");
    let (name, rest) = inner.split_once(']').ok_or_else(missing)?;
    Ok((name, rest.strip_prefix(':').unwrap_or("")))
}

/// Without its percent signs.
fn decoded(text: &str) -> Result<String, String> {
    let bad = || format!("invalid percent-encoded token: \"{text}\"");
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'%' {
            bytes.push(b);
            continue;
        }
        let mut digit = || rest.next().and_then(|d| (d as char).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(bad()) };
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// `keyword = value ...`, values bare or in single quotes, a backslash before any character.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let keyword = rest[..end].to_string();
        let Some(after) = rest[end..].trim_start().strip_prefix('=') else {
            return Err(format!("missing \"=\" after \"{keyword}\" in connection info string"));
        };
        let (value, left) = value(after.trim_start())?;
        found.push((keyword, value));
        rest = left.trim_start();
    }
    Ok(found)
}

fn value(text: &str) -> Result<(String, &str), String> {
    let (quoted, body) = match text.strip_prefix('\'') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let mut out = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.extend(chars.next().map(|(_, c)| c)),
            '\'' if quoted => return Ok((out, &body[at + 1..])),
            c if !quoted && c.is_whitespace() => return Ok((out, &body[at..])),
            c => out.push(c),
        }
    }
    if quoted { Err("unterminated quoted string in connection info string".to_string()) } else { Ok((out, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<Target, String> {
        let mut target = Target::default();
        target.set_dbname(text).map(|()| target)
    }

    /// Names, strings and URIs are told apart and taken to pieces as libpq does.
    #[test]
    fn strings() {
        assert_eq!(target("shop").unwrap().dbname.as_deref(), Some("shop"));
        let t = target("host = '/a b' port=7 user=o\\'k").unwrap();
        assert_eq!((t.host.as_deref(), t.port.as_deref(), t.user.as_deref()), (Some("/a b"), Some("7"), Some("o'k")));
        let t = target("postgresql://u:p@[::1]:99/x?application_name=a").unwrap();
        assert_eq!((t.host.as_deref(), t.port.as_deref(), t.dbname.as_deref()), (Some("::1"), Some("99"), Some("x")));
        let t = target("postgres://%2Ftmp:88/db").unwrap();
        assert_eq!(t.places(), [("/tmp".to_string(), 88)]);
        let t = target("postgres://a:1,b:2").unwrap();
        assert_eq!(t.places(), [("a".to_string(), 1), ("b".to_string(), 2)]);
        assert_eq!(target("bogus=1").unwrap_err(), "invalid connection option \"bogus\"");
        assert!(target("host='x").is_err() && target("postgres://%zz").is_err() && target("postgres://[::1").is_err());
        assert!(Target { host: Some("a".into()), port: Some("x".into()), ..Target::default() }.places().is_empty());
    }
}
