//! A real server of the real binary in a directory of its own, and a client that sees every byte.
#![allow(dead_code, reason = "each test program uses its part; an expectation would fail in those that use all")]

pub mod postgresql;
pub mod psql;

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The server refuses to run as root; this user exists everywhere.
const NOBODY: u32 = 65534;

pub struct Server {
    pub dir: tempfile::TempDir,
    pub data: PathBuf,
    pub port: u16,
    pub settings: Vec<String>,
    pub postmaster: Option<Child>,
}

/// Repeats until it is true, or fails the test.
#[track_caller]
pub fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !test() {
        assert!(Instant::now() < until, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn as_server_user(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

impl Server {
    /// An initialised data directory, nothing running.
    pub fn new(settings: &[&str]) -> Server {
        let dir = tempfile::Builder::new().prefix("outlast-").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let data = dir.path().join("data");
        let out = as_server_user(&mut Command::new(env!("CARGO_BIN_EXE_outlast")))
            .arg0("initdb")
            .args(["-N", "-U", "postgres", "-A", "trust", "--no-locale", "-D"])
            .arg(&data)
            .current_dir("/")
            .output()
            .unwrap();
        assert!(out.status.success(), "initdb: {}", String::from_utf8_lossy(&out.stderr));
        let settings = settings.iter().map(ToString::to_string).collect();
        Server { dir, data, port: free_port(), settings, postmaster: None }
    }

    /// Initialised and started.
    pub fn started(settings: &[&str]) -> Server {
        let mut server = Server::new(settings);
        server.start();
        server
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outlast"));
        as_server_user(&mut command).arg0("postgres").arg("-D").arg(&self.data).current_dir("/");
        let own = [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_string(),
            format!("unix_socket_directories={}", self.dir.path().display()),
        ];
        for setting in own.iter().chain(&self.settings) {
            command.args(["-c", setting]);
        }
        let log = fs::OpenOptions::new().append(true).create(true).open(self.dir.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    /// A start beside a running server, which must be refused: its exit code. One that is not would go on for ever.
    #[track_caller]
    pub fn refused_start(&self, arguments: &[&str]) -> Option<i32> {
        let mut child = self.command().args(arguments).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            if Instant::now() >= until {
                kill("KILL", child.id());
                let _ = child.wait();
                panic!("the start was not refused\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Runs one of the tools as the server's user: exit code, and both streams in one text.
    pub fn tool(&self, name: &str, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outlast"));
        as_server_user(&mut command).arg0(name).args(arguments).env("PGDATA", &self.data).current_dir("/");
        let out = command.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.code().unwrap_or(-1), text)
    }

    /// `pg_ctl start` with the settings of this server. Its postmaster is nobody's child here.
    pub fn pg_ctl_start(&self) -> (i32, String) {
        let own = [format!("port={}", self.port), "listen_addresses=127.0.0.1".to_string()];
        let directory = format!("unix_socket_directories={}", self.dir.path().display());
        let all = own.iter().chain([&directory]).chain(&self.settings);
        let options: Vec<String> = all.map(|s| format!("-c '{s}'")).collect();
        let log = self.dir.path().join("log");
        // The first server's log belongs to whoever runs the tests.
        fs::OpenOptions::new().append(true).create(true).open(&log).unwrap();
        fs::set_permissions(&log, fs::Permissions::from_mode(0o666)).unwrap();
        // A pipe would be held open by the server that the tool leaves behind.
        let out = self.dir.path().join("pg_ctl.out");
        let file = fs::File::create(&out).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_outlast"));
        as_server_user(&mut command).arg0("pg_ctl").args(["start", "-o", &options.join(" "), "-l"]).arg(&log);
        command.env("PGDATA", &self.data).current_dir("/").stdin(Stdio::null());
        let status = command.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
        (status.code().unwrap_or(-1), fs::read_to_string(&out).unwrap())
    }

    /// The pid in `postmaster.pid`, whoever started it.
    pub fn running_pid(&self) -> Option<u32> {
        fs::read_to_string(self.data.join("postmaster.pid")).ok()?.lines().next()?.parse().ok()
    }

    /// Processes that work in this data directory.
    pub fn processes(&self) -> Vec<u32> {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = all.filter_map(|e| e.file_name().to_string_lossy().parse::<u32>().ok());
        pids.filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == self.data)).collect()
    }

    /// Starts a postmaster and waits until it accepts connections.
    pub fn start(&mut self) {
        self.spawn();
        self.wait_ready();
    }

    pub fn spawn(&mut self) {
        self.postmaster = Some(self.command().spawn().unwrap());
    }

    pub fn wait_ready(&mut self) {
        let pid = self.pid();
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            if lines.first() == Some(&pid.to_string().as_str()) && lines.last().map(|l| l.trim()) == Some("ready") {
                return;
            }
            assert!(Instant::now() < until, "not ready: {text}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn pid(&self) -> u32 {
        self.postmaster.as_ref().unwrap().id()
    }

    /// The engine's pid; waits for an engine that is just writing it down.
    pub fn engine_pid(&self) -> u32 {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let text = fs::read_to_string(self.data.join("engine.lock")).unwrap_or_default();
            match text.trim().parse() {
                Ok(pid) => return pid,
                Err(_) => assert!(Instant::now() < until, "no engine: {text:?}\n{}", self.log()),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The thread ids of the engine's workers of this name.
    pub fn workers(&self, name: &str) -> Vec<u32> {
        let dir = format!("/proc/{}/task", self.engine_pid());
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        let ids = entries.map(|e| e.file_name().to_string_lossy().into_owned());
        ids.filter(|id| fs::read_to_string(format!("{dir}/{id}/comm")).is_ok_and(|c| c.trim() == name))
            .map(|id| id.parse().unwrap())
            .collect()
    }

    pub fn signal(&self, name: &str) {
        kill(name, self.pid());
    }

    /// Kills the postmaster outright and waits until it is gone.
    pub fn kill_postmaster(&mut self) {
        self.signal("KILL");
        self.postmaster.take().unwrap().wait().unwrap();
    }

    /// Waits for the postmaster's own end.
    #[track_caller]
    pub fn wait_end(&mut self) -> ExitStatus {
        let mut child = self.postmaster.take().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the postmaster does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn connect(&self) -> Client {
        self.settled(self.try_connect())
    }

    /// A session that has had an answer: the postmaster knows by then that it may be warned.
    fn settled(&self, client: Result<Client, String>) -> Client {
        let mut client = client.unwrap_or_else(|e| panic!("{e}\n{}", self.log()));
        assert_eq!(client.query("select 1").as_deref(), Ok(&["1".to_string()][..]));
        client
    }

    pub fn try_connect(&self) -> Result<Client, String> {
        Client::start(Box::new(self.raw_unix().map_err(|e| e.to_string())?))
    }

    pub fn connect_tcp(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        self.settled(Client::start(Box::new(stream)))
    }

    /// A connection that has not said anything yet.
    pub fn raw_unix(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect(self.dir.path().join(format!(".s.PGSQL.{}", self.port)))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(stream)
    }

    /// Waits until a new session can run a statement.
    pub fn wait_accepting(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while let Err(e) = self.try_connect() {
            assert!(Instant::now() < until, "not accepting: {e}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.postmaster.take() {
            kill("QUIT", child.id());
            let _ = child.wait();
        }
        // A postmaster that `pg_ctl` started, an orphaned engine of a failed test. The postmaster first, or it would
        // start another engine.
        let postmaster = self.running_pid();
        let mut left = self.processes();
        left.sort_by_key(|pid| Some(*pid) != postmaster);
        left.into_iter().for_each(|pid| kill("KILL", pid));
    }
}

pub fn kill(name: &str, pid: u32) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
}

/// Whether a process exists and is not a zombie.
pub fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|s| s.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

pub fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One message of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: char,
    pub body: Vec<u8>,
}

impl Message {
    /// The columns of a DataRow, as texts.
    pub fn columns(&self) -> Vec<Option<String>> {
        let mut rest = &self.body[2..];
        let mut all = Vec::new();
        while let Some((head, tail)) = rest.split_first_chunk::<4>() {
            let len = i32::from_be_bytes(*head);
            let (value, tail) = tail.split_at(len.max(0) as usize);
            all.push((len >= 0).then(|| String::from_utf8_lossy(value).into_owned()));
            rest = tail;
        }
        all
    }

    /// A field of an ErrorResponse or NoticeResponse.
    pub fn field(&self, code: char) -> Option<String> {
        let fields = self.body.split(|b| *b == 0).filter(|f| !f.is_empty());
        fields.filter(|f| f[0] == code as u8).map(|f| String::from_utf8_lossy(&f[1..]).into_owned()).next()
    }
}

pub struct Client {
    stream: Box<dyn Stream>,
    pub pid: u32,
}

impl Client {
    /// Logs in; `Err` with the server's message, or the fault.
    pub fn start(stream: Box<dyn Stream>) -> Result<Client, String> {
        Client::start_in(stream, "postgres")
    }

    fn greet(mut stream: Box<dyn Stream>, parameters: &[(&str, &str)]) -> io::Result<Client> {
        let mut text: String = parameters.iter().map(|(name, value)| format!("{name}\0{value}\0")).collect();
        text.push('\0');
        let mut packet = (text.len() as u32 + 8).to_be_bytes().to_vec();
        packet.extend(196_608u32.to_be_bytes());
        packet.extend(text.as_bytes());
        stream.write_all(&packet)?;
        Ok(Client { stream, pid: 0 })
    }

    /// What the server says to a startup packet, until it is ready or parts.
    pub fn greeted(stream: Box<dyn Stream>, parameters: &[(&str, &str)]) -> io::Result<Vec<Message>> {
        let mut client = Client::greet(stream, parameters)?;
        let mut came: Vec<Message> = Vec::new();
        while came.last().is_none_or(|m| m.kind != 'Z') {
            match client.read()? {
                Some(message) => came.push(message),
                None => break,
            }
        }
        Ok(came)
    }

    /// Logs in to a database.
    pub fn start_in(stream: Box<dyn Stream>, database: &str) -> Result<Client, String> {
        let mut client =
            Client::greet(stream, &[("user", "postgres"), ("database", database)]).map_err(|e| e.to_string())?;
        loop {
            let message = client.read().map_err(|e| e.to_string())?.ok_or("end of file")?;
            match message.kind {
                'Z' => return Ok(client),
                'K' => client.pid = u32::from_be_bytes(message.body[..4].try_into().unwrap()),
                'E' => {
                    let text = |c| message.field(c).unwrap_or_default();
                    return Err(format!("{}:  {} {}", text('S'), text('C'), text('M')));
                }
                _ => {}
            }
        }
    }

    pub fn send(&mut self, sql: &str) {
        let mut packet = vec![b'Q'];
        packet.extend((sql.len() as u32 + 5).to_be_bytes());
        packet.extend(sql.as_bytes());
        packet.push(0);
        let _ = self.stream.write_all(&packet);
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next message, `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<Message>> {
        let mut head = [0; 5];
        match self.stream.read_exact(&mut head) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            other => other?,
        }
        let len = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let mut body = vec![0; len - 4];
        self.stream.read_exact(&mut body)?;
        Ok(Some(Message { kind: head[0] as char, body }))
    }

    /// Runs a statement; its first column as texts, or the server's or the connection's fault.
    pub fn query(&mut self, sql: &str) -> Result<Vec<String>, String> {
        self.send(sql);
        self.answer()
    }

    /// The answer to what was sent.
    pub fn answer(&mut self) -> Result<Vec<String>, String> {
        let mut rows = Vec::new();
        let mut fault = None;
        loop {
            let message = self.read().map_err(|e| e.to_string())?.ok_or("end of file")?;
            match message.kind {
                'D' => rows.push(String::from_utf8_lossy(&message.body[6..]).into_owned()),
                'E' => fault = message.field('M'),
                'Z' => return fault.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    /// Runs statements by the simple protocol: all messages up to ReadyForQuery.
    pub fn simple(&mut self, sql: &str) -> io::Result<Vec<Message>> {
        self.send(sql);
        let mut all = Vec::new();
        loop {
            let message = self.read()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let last = message.kind == 'Z';
            all.push(message);
            if last {
                return Ok(all);
            }
        }
    }

    /// Runs a statement by Parse, Bind, Describe, Execute and Sync, `limit` rows at a time, texts both ways: all messages
    /// up to ReadyForQuery.
    pub fn extended(&mut self, sql: &str, limit: u32) -> io::Result<Vec<Message>> {
        let mut packet = Vec::new();
        let mut add = |kind: u8, parts: &[&[u8]]| {
            let len: usize = parts.iter().map(|p| p.len()).sum();
            packet.push(kind);
            packet.extend((len as u32 + 4).to_be_bytes());
            parts.iter().for_each(|p| packet.extend(*p));
        };
        let execute: [&[u8]; 2] = [b"\0", &limit.to_be_bytes()];
        add(b'P', &[b"\0", sql.as_bytes(), b"\0", &[0, 0]]);
        add(b'B', &[b"\0\0", &[0, 0, 0, 0, 0, 0]]);
        add(b'D', &[b"P\0"]);
        add(b'E', &execute);
        add(b'H', &[]);
        self.stream.write_all(&packet)?;
        let mut all = Vec::new();
        let mut synced = false;
        loop {
            let message = self.read()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let mut packet = vec![];
            match message.kind {
                // PortalSuspended: the next rows.
                's' => {
                    packet = vec![b'E', 0, 0, 0, 9, 0];
                    packet.extend(limit.to_be_bytes());
                    packet.extend([b'H', 0, 0, 0, 4]);
                }
                // A commit that fails at Sync is an error after it.
                'C' | 'I' | 'E' if !synced => {
                    synced = true;
                    packet = vec![b'S', 0, 0, 0, 4];
                }
                _ => {}
            }
            self.stream.write_all(&packet)?;
            let last = message.kind == 'Z';
            all.push(message);
            if last {
                return Ok(all);
            }
        }
    }

    /// Everything up to the end of the connection.
    pub fn read_to_end(&mut self) -> Vec<Message> {
        let mut all = Vec::new();
        while let Ok(Some(message)) = self.read() {
            all.push(message);
        }
        all
    }
}

/// The log has these texts, one after the other.
#[track_caller]
pub fn contains_in_order(log: &str, lines: &[&str]) {
    let mut rest = log;
    for line in lines {
        let at = rest.find(line).unwrap_or_else(|| panic!("no {line:?} in its place in\n{log}"));
        rest = &rest[at + line.len()..];
    }
}

/// What a session gets whose server crashed comes last.
#[track_caller]
pub fn assert_crash_warning(messages: &[Message]) {
    let last = messages.last().expect("a warning");
    assert_eq!(last.kind, 'N');
    assert_eq!(last.field('S').as_deref(), Some("WARNING"));
    assert_eq!(last.field('C').as_deref(), Some("57P02"));
    assert_eq!(last.field('M').as_deref(), Some("terminating connection because of crash of another server process"));
    assert!(last.field('D').unwrap().starts_with("The postmaster has commanded this server process"));
    assert!(last.field('H').unwrap().starts_with("In a moment you should be able to reconnect"));
}

/// The `.sql` files of a folder of `sql-tests`, in order; a variable of the environment picks some by part of their path.
pub fn scripts(folder: &str, variable: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests").join(folder);
    let wanted = std::env::var(variable).unwrap_or_default();
    let entries = fs::read_dir(root).unwrap().flatten().map(|e| e.path());
    let mut found: Vec<PathBuf> = entries
        .filter(|p| p.extension().is_some_and(|e| e == "sql") && p.to_string_lossy().contains(&wanted))
        .collect();
    found.sort();
    found
}
