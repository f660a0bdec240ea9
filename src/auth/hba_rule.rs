//! One rule of `pg_hba.conf`: its fields, and what is wrong with a line that is none.
//! PostgreSQL 15, hba.c, parse_hba_line: same order of checks and texts.

use super::tokens::{Line, Token};
use std::net::IpAddr;

/// The first field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Connection {
    Local,
    Host,
    HostSsl,
    HostNoSsl,
    HostGss,
    HostNoGss,
}

impl Connection {
    pub fn as_str(self) -> &'static str {
        match self {
            Connection::Local => "local",
            Connection::Host => "host",
            Connection::HostSsl => "hostssl",
            Connection::HostNoSsl => "hostnossl",
            Connection::HostGss => "hostgssenc",
            Connection::HostNoGss => "hostnogssenc",
        }
    }
}

/// The fourth field.
#[derive(Clone, PartialEq, Debug)]
pub enum Address {
    /// A Unix socket has none.
    None,
    All,
    SameHost,
    SameNet,
    Net {
        address: IpAddr,
        mask: IpAddr,
    },
    /// A host name, or the end of one beginning with a dot.
    Name(String),
}

/// How a client proves who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    Trust,
    Reject,
    Scram,
    Md5,
    Password,
    Peer,
    Ident,
    Cert,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Trust => "trust",
            Method::Reject => "reject",
            Method::Scram => "scram-sha-256",
            Method::Md5 => "md5",
            Method::Password => "password",
            Method::Peer => "peer",
            Method::Ident => "ident",
            Method::Cert => "cert",
        }
    }
}

/// What a rule wants of the client's certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientCertificate {
    Off,
    /// Signed by an authority we trust.
    VerifyCa,
    /// And naming the user.
    VerifyFull,
}

/// One rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    pub line: u32,
    pub raw: String,
    pub connection: Connection,
    pub databases: Vec<Token>,
    pub users: Vec<Token>,
    pub address: Address,
    pub method: Method,
    /// `map=…`.
    pub map: Option<String>,
    pub client_certificate: ClientCertificate,
    /// `clientname=DN`: the whole subject is the name, not the common name alone.
    pub by_dn: bool,
    pub options: Vec<(String, String)>,
}

/// What is wrong, and a hint.
pub struct Fault(pub String, pub Option<&'static str>);

fn fault<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(text.into(), None))
}

/// Reads a line.
pub fn parse(line: &Line) -> Result<Rule, Fault> {
    if let Some(text) = &line.fault {
        return fault(text.clone());
    }
    let mut fields = line.fields.iter();
    let connection = connection(one(fields.next(), "connection type", None)?)?;
    let databases = fields.next().ok_or_else(|| missing("database specification"))?.clone();
    let users = fields.next().ok_or_else(|| missing("role specification"))?.clone();
    let address = match connection {
        Connection::Local => Address::None,
        _ => address(&mut fields)?,
    };
    let method = method(one(fields.next(), "authentication method", Some("authentication type"))?, connection)?;
    let mut rule = Rule {
        line: line.number,
        raw: line.raw.clone(),
        connection,
        databases,
        users,
        address,
        method,
        map: None,
        // PostgreSQL 15, hba.c: the method cert implies it.
        client_certificate: match method {
            Method::Cert => ClientCertificate::VerifyFull,
            _ => ClientCertificate::Off,
        },
        by_dn: false,
        options: Vec::new(),
    };
    for field in fields {
        for token in field {
            option(&mut rule, &token.text)?;
        }
    }
    Ok(rule)
}

fn missing(what: &str) -> Fault {
    Fault(format!("end-of-line before {what}"), None)
}

/// The only token of a field.
fn one<'a>(field: Option<&'a Vec<Token>>, what: &str, several: Option<&str>) -> Result<&'a Token, Fault> {
    match field.map(Vec::as_slice) {
        Some([token]) => Ok(token),
        Some([_, ..]) => Err(Fault(
            format!("multiple values specified for {}", several.unwrap_or(what)),
            Some(match what {
                "connection type" => "Specify exactly one connection type per line.",
                "authentication method" => "Specify exactly one authentication type per line.",
                _ => "Specify one address range per line.",
            }),
        )),
        _ => Err(missing(what)),
    }
}

fn connection(token: &Token) -> Result<Connection, Fault> {
    match token.text.as_str() {
        "local" => Ok(Connection::Local),
        "host" => Ok(Connection::Host),
        "hostnossl" => Ok(Connection::HostNoSsl),
        "hostnogssenc" => Ok(Connection::HostNoGss),
        "hostssl" => Ok(Connection::HostSsl),
        "hostgssenc" => Ok(Connection::HostGss),
        other => fault(format!("invalid connection type \"{other}\"")),
    }
}

fn address<'a>(fields: &mut impl Iterator<Item = &'a Vec<Token>>) -> Result<Address, Fault> {
    let token = match fields.next().map(Vec::as_slice) {
        Some([token]) => token,
        Some([_, ..]) => {
            return Err(Fault(
                "multiple values specified for host address".to_string(),
                Some("Specify one address range per line."),
            ));
        }
        _ => return Err(missing("IP address specification")),
    };
    for (word, address) in [("all", Address::All), ("samehost", Address::SameHost), ("samenet", Address::SameNet)] {
        if token.is(word) {
            return Ok(address);
        }
    }
    let (host, cidr) = match token.text.split_once('/') {
        Some((host, bits)) => (host, Some(bits)),
        None => (token.text.as_str(), None),
    };
    let Ok(address) = host.parse::<IpAddr>() else {
        return match cidr {
            Some(_) => fault(format!("specifying both host name and CIDR mask is invalid: \"{}\"", token.text)),
            // The end of a name would have to be asked of a name server by address.
            None if host.starts_with('.') => fault(format!("host name suffix \"{host}\" is not supported")),
            None => Ok(Address::Name(host.to_string())),
        };
    };
    if let Some(bits) = cidr {
        return match bits.parse().ok().and_then(|bits| mask_of(address, bits)) {
            Some(mask) => Ok(Address::Net { address, mask }),
            None => fault(format!("invalid CIDR mask in address \"{}\"", token.text)),
        };
    }
    netmask(address, fields.next())
}

fn netmask(address: IpAddr, field: Option<&Vec<Token>>) -> Result<Address, Fault> {
    let token = match field.map(Vec::as_slice) {
        Some([token]) => token,
        Some([_, ..]) => return fault("multiple values specified for netmask"),
        _ => {
            return Err(Fault(
                "end-of-line before netmask specification".to_string(),
                Some("Specify an address range in CIDR notation, or provide a separate netmask."),
            ));
        }
    };
    match token.text.parse::<IpAddr>() {
        Ok(mask) if mask.is_ipv4() == address.is_ipv4() => Ok(Address::Net { address, mask }),
        Ok(_) => fault("IP address and mask do not match"),
        Err(_) => fault(format!("invalid IP mask \"{}\": Name or service not known", token.text)),
    }
}

/// The mask with that many leading ones.
pub fn mask_of(address: IpAddr, bits: u32) -> Option<IpAddr> {
    match address {
        IpAddr::V4(_) if bits <= 32 => Some(IpAddr::from(u32::MAX.checked_shl(32 - bits).unwrap_or(0).to_be_bytes())),
        IpAddr::V6(_) if bits <= 128 => {
            Some(IpAddr::from(u128::MAX.checked_shl(128 - bits).unwrap_or(0).to_be_bytes()))
        }
        _ => None,
    }
}

fn method(token: &Token, connection: Connection) -> Result<Method, Fault> {
    let method = match token.text.as_str() {
        "trust" => Method::Trust,
        "reject" => Method::Reject,
        "scram-sha-256" => Method::Scram,
        "md5" => Method::Md5,
        "password" => Method::Password,
        "peer" if connection == Connection::Local => Method::Peer,
        "peer" => return fault("peer authentication is only supported on local sockets"),
        // On a Unix socket the kernel knows better than an ident server.
        "ident" if connection == Connection::Local => Method::Peer,
        "ident" => Method::Ident,
        "cert" if connection == Connection::HostSsl => Method::Cert,
        "cert" => return fault("cert authentication is only supported on hostssl connections"),
        "gss" | "sspi" | "pam" | "bsd" | "ldap" | "radius" => {
            return fault(format!("invalid authentication method \"{}\": not supported by this build", token.text));
        }
        other => return fault(format!("invalid authentication method \"{other}\"")),
    };
    Ok(method)
}

fn option(rule: &mut Rule, text: &str) -> Result<(), Fault> {
    let Some((name, value)) = text.split_once('=') else {
        return fault(format!("authentication option not in name=value format: {text}"));
    };
    match name {
        "map" if matches!(rule.method, Method::Peer | Method::Ident | Method::Cert) => {
            rule.map = Some(value.to_string())
        }
        "map" => {
            return fault(
                "authentication option \"map\" is only valid for authentication methods ident, peer, gssapi, sspi, and cert",
            );
        }
        "clientcert" | "clientname" if rule.connection != Connection::HostSsl => {
            return fault(format!("{name} can only be configured for \"hostssl\" rows"));
        }
        "clientcert" => rule.client_certificate = client_certificate(rule, value)?,
        "clientname" => match value {
            "CN" => rule.by_dn = false,
            "DN" => rule.by_dn = true,
            other => return fault(format!("invalid value for clientname: \"{other}\"")),
        },
        _ => return fault(format!("unrecognized authentication option name: \"{name}\"")),
    }
    rule.options.push((name.to_string(), value.to_string()));
    Ok(())
}

fn client_certificate(rule: &Rule, value: &str) -> Result<ClientCertificate, Fault> {
    match value {
        "verify-full" => Ok(ClientCertificate::VerifyFull),
        "verify-ca" if rule.method == Method::Cert => {
            fault("clientcert only accepts \"verify-full\" when using \"cert\" authentication")
        }
        "verify-ca" => Ok(ClientCertificate::VerifyCa),
        other => fault(format!("invalid value for clientcert: \"{other}\"")),
    }
}
