//! A stand-in for sessions until `protocol` exists: answers the startup
//! packet, `select 1`, `pg_backend_pid()`, `pg_sleep(n)`, `begin`, and a list of threads. Deleted then.

use super::link::{Backends, Connection, Link, Mode, Socket};
use crate::base::clock;
use crate::base::error::{Error, Report};
use crate::base::report::{self, Origin};
use crate::base::{Interrupts, Severity, SqlState, interrupt::Cause};
use crate::process::message::StopMode;
use crate::process::{farewell, small_file};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

#[derive(Default)]
struct Slot {
    interrupts: Interrupts,
    wake: Notify,
    statement: Mutex<Option<String>>,
    key: u32,
}

impl Slot {
    async fn until(&self, test: impl Fn(Cause) -> bool) {
        loop {
            let woken = self.wake.notified();
            if test(self.interrupts.cause()) {
                return;
            }
            woken.await;
        }
    }
}

/// All stand-in sessions by pid.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<u32, Arc<Slot>>>>);

impl Backends for Sessions {
    fn exists(&self, pid: u32) -> bool {
        self.0.lock().contains_key(&pid)
    }

    fn cancel(&self, pid: u32) {
        self.interrupt(pid, Cause::Cancel);
    }

    fn terminate(&self, pid: u32) {
        self.interrupt(pid, Cause::Terminate);
    }

    fn statement(&self, pid: u32) -> Option<String> {
        self.0.lock().get(&pid).and_then(|s| s.statement.lock().clone())
    }
}

impl Sessions {
    fn interrupt(&self, pid: u32, cause: Cause) {
        if let Some(slot) = self.0.lock().get(&pid) {
            slot.interrupts.raise(cause);
            slot.wake.notify_waiters();
        }
    }

    /// Serves one connection to its end.
    pub async fn serve(self, connection: Connection) {
        let pid = connection.pid;
        let link = connection.link().clone();
        let key = (clock::now_us() as u32).wrapping_mul(2_654_435_761);
        let slot = Arc::new(Slot { key, ..Slot::default() });
        if let Ok(socket) = connection.into_socket() {
            let _ = self.converse(&link, &socket, pid, slot).await;
        }
        self.0.lock().remove(&pid);
    }

    async fn converse(&self, link: &Link, socket: &Socket, pid: u32, slot: Arc<Slot>) -> io::Result<()> {
        let Some(()) = self.start_up(socket).await? else { return Ok(()) };
        let mut hello = b"R\0\0\0\x08\0\0\0\0".to_vec();
        for (name, value) in
            [("server_version", "15.0"), ("client_encoding", "UTF8"), ("standard_conforming_strings", "on")]
        {
            put(&mut hello, b'S', format!("{name}\0{value}\0").as_bytes());
        }
        put(&mut hello, b'K', &[pid.to_be_bytes(), slot.key.to_be_bytes()].concat());
        put(&mut hello, b'Z', b"I");
        self.0.lock().insert(pid, slot.clone());
        link.established(socket.id(), false);
        socket.write_all(&hello).await?;
        let mut mode = link.mode();
        loop {
            let statement = tokio::select! {
                message = read_message(socket) => message?,
                last = farewell_of(&mut mode, &slot) => return say(socket, &last, pid).await,
            };
            let Some((b'Q', text)) = statement else { return Ok(()) };
            let text = String::from_utf8_lossy(&text).trim_matches('\0').to_string();
            *slot.statement.lock() = Some(text.clone());
            let reply = tokio::select! {
                reply = execute(&text, pid, &slot) => reply,
                last = farewell_of(&mut mode, &slot) => return say(socket, &last, pid).await,
            };
            slot.interrupts.clear();
            socket.write_all(&reply).await?;
        }
    }

    /// `None` for a cancel request.
    async fn start_up(&self, socket: &Socket) -> io::Result<Option<()>> {
        loop {
            let mut len = [0; 4];
            read_exact(socket, &mut len).await?;
            let len = u32::from_be_bytes(len) as usize;
            if !(8..10_000).contains(&len) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut body = vec![0; len - 4];
            read_exact(socket, &mut body).await?;
            let word = |i: usize| body.get(i..i + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
            match word(0) {
                80_877_103 | 80_877_104 => socket.write_all(b"N").await?,
                80_877_102 => {
                    let matches = self.0.lock().get(&word(4)).is_some_and(|s| s.key == word(8));
                    if matches {
                        self.cancel(word(4));
                    }
                    return Ok(None);
                }
                _ => return Ok(Some(())),
            }
        }
    }
}

/// Ready when the session must end, with what to say.
async fn farewell_of(mode: &mut tokio::sync::watch::Receiver<Mode>, slot: &Slot) -> Report {
    loop {
        let now = *mode.borrow_and_update();
        if now.crash {
            return farewell::crash_warning();
        }
        if now.stop == Some(StopMode::Immediate) {
            let text = "terminating connection due to immediate shutdown command";
            return Report::notice(Severity::Warning, SqlState::ADMIN_SHUTDOWN, text).with_place(
                "quickdie",
                "postgres.c",
                2907,
            );
        }
        if now.stop == Some(StopMode::Fast) || slot.interrupts.cause() == Cause::Terminate {
            slot.interrupts.raise(Cause::Terminate);
            return *slot.interrupts.check().err().unwrap_or_else(|| Error::internal("no cause")).0;
        }
        tokio::select! {
            _ = mode.changed() => {}
            () = slot.until(|c| c == Cause::Terminate) => {}
        }
    }
}

async fn say(socket: &Socket, last: &Report, pid: u32) -> io::Result<()> {
    if last.severity >= Severity::Error {
        report::log_as(&Origin { pid, backend_type: "client backend", ..Origin::default() }, last);
    }
    socket.write_all(&farewell::encode(last)).await
}

async fn execute(text: &str, pid: u32, slot: &Slot) -> Vec<u8> {
    let lower = text.trim().trim_end_matches(';').to_lowercase();
    let mut out = Vec::new();
    let argument = lower.split(['(', ')']).nth(1).unwrap_or("");
    if lower.starts_with("select pg_sleep") {
        let time = Duration::from_secs_f64(argument.parse().unwrap_or(0.0));
        tokio::select! {
            () = tokio::time::sleep(time) => row(&mut out, &["pg_sleep"], &[&[""]], "SELECT 1"),
            () = slot.until(|c| c != Cause::None) => {
                if let Err(e) = slot.interrupts.check() {
                    out.extend(farewell::encode(&e.0));
                }
            }
        }
    } else if lower == "select pg_backend_pid()" {
        row(&mut out, &["pg_backend_pid"], &[&[&pid.to_string()]], "SELECT 1");
    } else if lower == "select threads" {
        let names = thread_names();
        let rows: Vec<Vec<&str>> = names.iter().map(|(id, n)| vec![id.as_str(), n.as_str()]).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        row(&mut out, &["pid", "name"], &rows, "SELECT");
    } else if lower.starts_with("select repeat") {
        let line = "x".repeat(1000);
        let rows = vec![[line.as_str()]; 50_000];
        let rows: Vec<&[&str]> = rows.iter().map(|r| &r[..]).collect();
        row(&mut out, &["x"], &rows, "SELECT 50000");
    } else if lower == "select panic" {
        report::panic(Report::notice(Severity::Panic, SqlState::INTERNAL_ERROR, "stand-in panic"));
    } else if lower.starts_with("select") {
        row(&mut out, &["?column?"], &[&["1"]], "SELECT 1");
    } else {
        put(&mut out, b'C', format!("{}\0", lower.to_uppercase()).as_bytes());
    }
    put(&mut out, b'Z', b"I");
    out
}

fn row(out: &mut Vec<u8>, names: &[&str], rows: &[&[&str]], tag: &str) {
    let mut head = (names.len() as u16).to_be_bytes().to_vec();
    for name in names {
        head.extend(name.as_bytes());
        head.push(0);
        head.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0]);
    }
    put(out, b'T', &head);
    for row in rows {
        let mut body = (row.len() as u16).to_be_bytes().to_vec();
        for value in *row {
            body.extend((value.len() as u32).to_be_bytes());
            body.extend(value.as_bytes());
        }
        put(out, b'D', &body);
    }
    put(out, b'C', format!("{tag}\0").as_bytes());
}

fn put(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(kind);
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
}

async fn read_message(socket: &Socket) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 5];
    let n = socket.read(&mut head[..1]).await?;
    if n == 0 {
        return Ok(None);
    }
    read_exact(socket, &mut head[1..]).await?;
    let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut body = vec![0; len.saturating_sub(4).min(1 << 20)];
    read_exact(socket, &mut body).await?;
    Ok(Some((head[0], body)))
}

async fn read_exact(socket: &Socket, mut buf: &mut [u8]) -> io::Result<()> {
    while !buf.is_empty() {
        match socket.read(buf).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => buf = &mut buf[n..],
        }
    }
    Ok(())
}

fn thread_names() -> Vec<(String, String)> {
    let Ok(dir) = rustix::fs::open("/proc/self/task", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()) else {
        return Vec::new();
    };
    let entries = rustix::fs::Dir::read_from(&dir).into_iter().flatten().flatten();
    let ids = entries.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| !n.starts_with('.'));
    ids.filter_map(|id| {
        let name = small_file::read(format!("/proc/self/task/{id}/comm")).ok()?;
        Some((id, String::from_utf8_lossy(&name).trim().to_string()))
    })
    .collect()
}
