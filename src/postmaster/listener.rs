//! The listening sockets, opened with PostgreSQL's log lines and refusals.

use super::pid_file::{PidFile, SocketLockError, lock_socket};
use crate::base::error::Report;
use crate::base::report;
use crate::base::{Error, Result, Severity, SqlState};
use crate::process::{defer_accept, small_file};
use crate::settings::{Global, Id, Lookup, os_text};
use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;

/// PostgreSQL takes min(somaxconn, 2 × max_connections); a burst of new sessions needs more here.
const BACKLOG: i32 = 4096;

/// So many seconds, about, a client that says nothing waits before it is accepted all the same.
const FIRST_BYTES: i32 = 1;

/// An open listening socket.
pub struct Listener {
    pub socket: OwnedFd,
    pub tcp: bool,
}

/// All of them, and the Unix socket paths to remove at the end.
#[derive(Default)]
pub struct Listeners {
    pub sockets: Vec<Listener>,
    pub paths: Vec<String>,
}

impl Listeners {
    /// Keeps the sockets' files from looking old to those who clean up /tmp (PostgreSQL 15, TouchSocketFiles).
    pub fn touch(&self) {
        for path in &self.paths {
            small_file::touch(path);
            small_file::touch(format!("{path}.lock"));
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        for path in &self.paths {
            small_file::remove(path);
            small_file::remove(format!("{path}.lock"));
        }
    }
}

/// Opens everything the settings ask for.
///
/// # Errors
/// FATAL as PostgreSQL 15, PostmasterMain, if a list has addresses and none of them works.
pub fn open(settings: &Global, file: &mut PidFile) -> Result<Listeners> {
    let mut all = Listeners::default();
    open_tcp(settings, file, &mut all)?;
    open_unix(settings, file, &mut all)?;
    if all.sockets.is_empty() {
        return Err(fatal("no socket created for listening".to_string()));
    }
    Ok(all)
}

fn list(settings: &Global, id: Id) -> Result<Vec<String>> {
    split(&settings.str(id)).ok_or_else(|| {
        let name = crate::settings::parameter(id).name;
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid list syntax in parameter \"{name}\""))
            .severity(Severity::Fatal)
    })
}

/// The elements of a list of names or directories: commas between, double quotes around what holds
/// one, case kept (PostgreSQL 15, varlena.c, SplitGUCList, SplitDirectoriesString). `None` if malformed.
fn split(text: &str) -> Option<Vec<String>> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Some(all);
    }
    loop {
        let (element, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim_end().to_string(), &rest[end..])
            }
        };
        if element.is_empty() {
            return None;
        }
        all.push(element);
        match after.trim_start().strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return after.trim().is_empty().then_some(all),
        }
    }
}

/// Reads up to the closing quote; a doubled one stands for itself.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        element.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                element.push('"');
                rest = more;
            }
            None => return Some((element, after)),
        }
    }
}

fn open_tcp(settings: &Global, file: &mut PidFile, all: &mut Listeners) -> Result<()> {
    let hosts = list(settings, Id::ListenAddresses)?;
    let mut opened = 0;
    for host in &hosts {
        let before = all.sockets.len();
        for address in resolve(host, file.port) {
            if let Some(socket) = listen_tcp(address) {
                all.sockets.push(Listener { socket, tcp: true });
            }
        }
        if all.sockets.len() > before {
            if opened == 0 {
                file.address = host.clone();
            }
            opened += 1;
        } else {
            warning(format!("could not create listen socket for \"{host}\""));
        }
    }
    if opened == 0 && !hosts.is_empty() {
        return Err(fatal("could not create any TCP/IP sockets".to_string()));
    }
    Ok(())
}

fn resolve(host: &str, port: u16) -> Vec<SocketAddr> {
    match host {
        "*" => vec![(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()],
        "0.0.0.0" => vec![(Ipv4Addr::UNSPECIFIED, port).into()],
        "::" => vec![(Ipv6Addr::UNSPECIFIED, port).into()],
        name => match (name, port).to_socket_addrs() {
            Ok(found) => {
                let mut all: Vec<SocketAddr> = Vec::new();
                for address in found {
                    if !all.contains(&address) {
                        all.push(address);
                    }
                }
                all
            }
            Err(e) => {
                let text = format!("could not translate host name \"{name}\", service \"{port}\" to address: {e}");
                line(Severity::Log, text, None);
                Vec::new()
            }
        },
    }
}

fn listen_tcp(address: SocketAddr) -> Option<OwnedFd> {
    let (family, word) = match address.ip() {
        IpAddr::V4(_) => (AddressFamily::INET, "IPv4"),
        IpAddr::V6(_) => (AddressFamily::INET6, "IPv6"),
    };
    let ip = address.ip();
    let failed = |what: &str, e: rustix::io::Errno, hint: Option<String>| {
        line(Severity::Log, format!("could not {what} {word} address \"{ip}\": {}", os_text(&e.into())), hint);
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)
        .map_err(|e| failed("create socket for", e, None))
        .ok()?;
    let _ = sockopt::set_socket_reuseaddr(&socket, true);
    // The kernel hands these two down to the connections.
    let _ = sockopt::set_tcp_nodelay(&socket, true);
    let _ = sockopt::set_socket_keepalive(&socket, true);
    defer_accept(&socket, FIRST_BYTES);
    if address.is_ipv6() {
        let _ = sockopt::set_ipv6_v6only(&socket, true);
    }
    if let Err(e) = rustix::net::bind(&socket, &address) {
        let port = address.port();
        let hint = (e == rustix::io::Errno::ADDRINUSE).then(|| {
            format!("Is another postmaster already running on port {port}? If not, wait a few seconds and retry.")
        });
        failed("bind", e, hint);
        return None;
    }
    if let Err(e) = rustix::net::listen(&socket, BACKLOG) {
        failed("listen on", e, None);
        return None;
    }
    crate::log!("listening on {word} address \"{ip}\", port {}", address.port());
    Some(socket)
}

fn open_unix(settings: &Global, file: &mut PidFile, all: &mut Listeners) -> Result<()> {
    let dirs = list(settings, Id::UnixSocketDirectories)?;
    let mut opened = 0;
    for dir in &dirs {
        let path = format!("{dir}/.s.PGSQL.{}", file.port);
        let entry = PidFile { socket_dir: dir.clone(), ..file.clone() };
        let socket = match path.starts_with('@') {
            true => listen_abstract(&path),
            false => {
                lock_socket(&path, &entry).map_err(|e| socket_lock_error(&path, e))?;
                all.paths.push(path.clone());
                listen_unix(&path, settings)
            }
        };
        match socket {
            Some(socket) => {
                crate::log!("listening on Unix socket \"{path}\"");
                all.sockets.push(Listener { socket, tcp: false });
                if opened == 0 {
                    file.socket_dir = dir.clone();
                }
                opened += 1;
            }
            None => warning(format!("could not create Unix-domain socket in directory \"{dir}\"")),
        }
    }
    if opened == 0 && !dirs.is_empty() {
        return Err(fatal("could not create any Unix-domain sockets".to_string()));
    }
    Ok(())
}

fn socket_lock_error(path: &str, e: SocketLockError) -> Error {
    match e {
        SocketLockError::Taken(lock, pid) => {
            Error::new(SqlState::LOCK_FILE_EXISTS, format!("lock file \"{lock}\" already exists"))
                .severity(Severity::Fatal)
                .hint(format!("Is another postmaster (PID {pid}) using socket file \"{path}\"?"))
        }
        SocketLockError::Io(lock, e) => fatal(format!("could not create lock file \"{lock}\": {}", os_text(&e))),
    }
}

fn listen_unix(path: &str, settings: &Global) -> Option<OwnedFd> {
    small_file::remove(path);
    let socket = listen_abstract(path)?;
    let mode = settings.int(Id::UnixSocketPermissions) as u32;
    let group = settings.str(Id::UnixSocketGroup);
    let failed = |what: &str, e: rustix::io::Errno| {
        line(Severity::Log, format!("could not set {what} of file \"{path}\": {}", os_text(&e.into())), None);
    };
    if !group.is_empty() {
        let Some(gid) = group_id(&group) else {
            line(Severity::Log, format!("group \"{group}\" does not exist"), None);
            return None;
        };
        rustix::fs::chown(path, None, Some(rustix::fs::Gid::from_raw(gid))).map_err(|e| failed("group", e)).ok()?;
    }
    rustix::fs::chmod(path, Mode::from_raw_mode(mode)).map_err(|e| failed("permissions", e)).ok()?;
    Some(socket)
}

/// A group by number, or by name from /etc/group.
fn group_id(name: &str) -> Option<u32> {
    if let Ok(id) = name.parse() {
        return Some(id);
    }
    let text = small_file::read("/etc/group").ok()?;
    let text = String::from_utf8_lossy(&text);
    let mut fields = text.lines().map(|l| l.split(':').collect::<Vec<_>>()).filter(|f| f.len() >= 3);
    fields.find(|f| f[0] == name).and_then(|f| f[2].parse().ok())
}

fn listen_abstract(path: &str) -> Option<OwnedFd> {
    let failed = |what: &str, e: rustix::io::Errno| {
        line(Severity::Log, format!("could not {what} Unix address \"{path}\": {}", os_text(&e.into())), None);
    };
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
        None => SocketAddrUnix::new(path),
    };
    let address = match address {
        Ok(address) => address,
        Err(_) => {
            line(Severity::Log, format!("Unix-domain socket path \"{path}\" is too long (maximum 107 bytes)"), None);
            return None;
        }
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
        .map_err(|e| failed("create socket for", e))
        .ok()?;
    rustix::net::bind(&socket, &address).map_err(|e| failed("bind", e)).ok()?;
    rustix::net::listen(&socket, BACKLOG).map_err(|e| failed("listen on", e)).ok()?;
    Some(socket)
}

fn fatal(text: String) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, text).severity(Severity::Fatal)
}

fn warning(text: String) {
    line(Severity::Warning, text, None);
}

fn line(severity: Severity, text: String, hint: Option<String>) {
    let mut report = Report::notice(severity, SqlState::SUCCESSFUL_COMPLETION, text);
    report.hint = hint;
    report::log(&report);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists keep their case, quotes protect commas, malformed ones are told.
    #[test]
    fn lists() {
        assert_eq!(split("").unwrap(), Vec::<String>::new());
        assert_eq!(split(" /tmp/A , \"/x,\"\"y\" ,b").unwrap(), ["/tmp/A", "/x,\"y", "b"]);
        for bad in ["a,", ",a", "\"a", "\"a\" b", "a,,b"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }
}
