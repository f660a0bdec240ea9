//! Bad input: what clients, settings, disks and directories may do wrong. Each gets PostgreSQL's words and exit code,
//! nothing is lost, and no other session is disturbed.

mod support;

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;
use support::{Client, Message, Server, contains_in_order, eventually};

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A message that says it is this long.
fn claiming(kind: u8, len: u32) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(len.to_be_bytes());
    bytes
}

fn said(message: &Message) -> String {
    let field = |c| message.field(c).unwrap_or_default();
    format!("{} {} {}", field('S'), field('C'), field('M'))
}

/// The first complaint after these bytes, and whether the session still answers.
fn complaint(server: &Server, bytes: &[u8]) -> (String, bool) {
    let mut client = server.connect_tcp();
    client.write(bytes);
    let mut text = None;
    loop {
        match client.read() {
            Ok(Some(m)) if m.kind == 'E' && text.is_none() => text = Some(said(&m)),
            Ok(Some(m)) if m.kind == 'Z' => break,
            Ok(Some(_)) => {}
            _ => return (text.unwrap_or_default(), false),
        }
    }
    let lives = client.query("select 1").is_ok_and(|rows| rows == ["1"]);
    (text.unwrap_or_default(), lives)
}

/// Messages that cannot be: types nobody knows and impossible lengths end that session, since nobody knows where the
/// next message begins; a body that does not fit its type is an error of the statement.
#[test]
fn malformed_messages() {
    let server = Server::started(&[]);
    let mut witness = server.connect();
    witness.query("create temp table mine(id int)").unwrap();
    let unknown = |n| format!("FATAL 08P01 invalid frontend message type {n}");
    let length = "FATAL 08P01 invalid message length".to_string();
    let sync = packet(b'S', b"");
    let with_sync = |mut bytes: Vec<u8>| {
        bytes.extend(&sync);
        bytes
    };
    let fatal = [
        (claiming(b'x', 4), unknown(120)),
        (claiming(0, 4), unknown(0)),
        ([claiming(b'y', 4), packet(b'Q', b"select 1\0")].concat(), unknown(121)),
        (packet(b'p', b"abc"), unknown(112)),
        (claiming(b'Q', 3), length.clone()),
        (claiming(b'Q', 0), length.clone()),
        (claiming(b'Q', u32::MAX), length.clone()),
        // The largest length that is too large, by PostgreSQL's PQ_LARGE_MESSAGE_LIMIT.
        (claiming(b'Q', 0x3FFF_FFFF), length.clone()),
        (claiming(b'd', 0x7FFF_FFFF), length.clone()),
        (claiming(b'S', 10_001), length.clone()),
        (claiming(b'D', 50_000), length.clone()),
    ];
    for (bytes, expected) in fatal {
        assert_eq!(complaint(&server, &bytes), (expected, false), "{:?}", &bytes[..5]);
    }
    let errors = [
        (packet(b'Q', b"select 1"), "ERROR 08P01 invalid string in message"),
        (packet(b'Q', b"select\0 1\0"), "ERROR 08P01 invalid message format"),
        (packet(b'Q', b"select '\xff'\0"), "ERROR 22021 invalid byte sequence for encoding \"UTF8\": 0xff"),
        (with_sync(packet(b'D', b"X\0")), "ERROR 08P01 invalid DESCRIBE message subtype 88"),
        (with_sync(packet(b'C', b"X\0")), "ERROR 08P01 invalid CLOSE message subtype 88"),
        (with_sync(packet(b'E', b"nope\0\0\0\0\0")), "ERROR 34000 portal \"nope\" does not exist"),
        (with_sync(packet(b'B', b"\0nope\0\0\0\0\0\0\0")), "ERROR 26000 prepared statement \"nope\" does not exist"),
        (with_sync(packet(b'B', b"\0")), "ERROR 08P01 invalid string in message"),
        (packet(b'Q', b"gibberish\0"), "ERROR 42601 syntax error at or near \"gibberish\""),
    ];
    for (bytes, expected) in errors {
        assert_eq!(complaint(&server, &bytes), (expected.to_string(), true));
    }
    let unasked: [(u8, &[u8]); 7] = [
        (b'Q', b"select 1\0"),
        (b'P', b"\0select 1\0\0\0"),
        (b'B', &[0; 8]),
        (b'E', &[0; 5]),
        (b'D', b"S\0"),
        (b'C', b"S\0"),
        (b'X', b""),
    ];
    for (kind, body) in unasked {
        let mut session = server.connect();
        session.query("create temp table t(a int)").unwrap();
        session.send("copy t from stdin");
        while session.read().unwrap().unwrap().kind != 'G' {}
        session.write(&[packet(b'd', b"1\n"), packet(kind, body)].concat());
        let end = session.read_to_end();
        let texts: Vec<_> = end.iter().map(said).collect();
        let unexpected = format!("ERROR 08P01 unexpected message type 0x{kind:02X} during COPY from stdin");
        assert_eq!(texts[0], unexpected);
        assert_eq!(end[0].field('W').unwrap(), "COPY t, line 2");
        assert_eq!(texts[1..], ["FATAL 08P01 terminating connection because protocol synchronization was lost"]);
    }
    assert_eq!(witness.query("insert into mine values (1) returning id").unwrap(), ["1"], "nobody else noticed");
    assert!(!server.log().contains("terminating any other active server processes"));
}

/// Startup packets that cannot be, and settings in them that nobody has.
#[test]
fn malformed_startup_packets() {
    let server = Server::started(&[]);
    let answer = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let at = all.iter().position(|b| *b == b'E');
        at.map(|at| said(&Message { kind: 'E', body: all[at + 5..].to_vec() })).unwrap_or_default()
    };
    let startup = |version: u32, body: &[u8]| {
        let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend(version.to_be_bytes());
        bytes.extend(body);
        bytes
    };
    let three = 3 << 16;
    let cases: [(Vec<u8>, &str); 9] = [
        (startup(4 << 16, b"\0"), "FATAL 0A000 unsupported frontend protocol 4.0: server supports 3.0 to 3.0"),
        (startup(1 << 16, b""), "FATAL 0A000 unsupported frontend protocol 1.0: server supports 3.0 to 3.0"),
        (startup(three, b"\0"), "FATAL 28000 no PostgreSQL user name specified in startup packet"),
        (
            startup(three, b"user\0postgres"),
            "FATAL 08P01 invalid startup packet layout: expected terminator as last byte",
        ),
        (
            startup(three, b"user\0postgres\0nosuch\0x\0\0"),
            "FATAL 42704 unrecognized configuration parameter \"nosuch\"",
        ),
        (
            startup(three, b"user\0postgres\0work_mem\x001XB\0\0"),
            "FATAL 22023 invalid value for parameter \"work_mem\": \"1XB\"",
        ),
        (startup(three, b"user\0postgres\0database\0nodb\0\0"), "FATAL 3D000 database \"nodb\" does not exist"),
        (startup(three, b"user\0nobody\0\0"), "FATAL 28000 role \"nobody\" does not exist"),
        (b"GET / HTTP/1.0\r\n\r\n".to_vec(), "FATAL 08P01 invalid length of startup packet"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(answer(&bytes), expected);
    }
    assert_eq!(server.connect().query("select 1").unwrap(), ["1"]);
}

/// Encryption asked for where there is none, at once, in pieces, late, twice, and with more behind it: the postmaster's
/// answer and the engine's are one. PostgreSQL 15, postmaster.c, ProcessStartupPacket: same rule.
#[test]
fn encryption_that_is_not_there() {
    let server = Server::started(&[]);
    let asks = |code: u32| [8u32.to_be_bytes(), code.to_be_bytes()].concat();
    let (ssl, gss) = (asks(80_877_103), asks(80_877_104));
    let parameters = b"user\0postgres\0\0";
    let startup = [&(parameters.len() as u32 + 8).to_be_bytes()[..], &(3u32 << 16).to_be_bytes(), parameters].concat();
    // What is written, piece by piece, each after the answer to the one before; then what comes.
    let talk = |pieces: &[(&[u8], usize)]| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut answers = Vec::new();
        for (bytes, expected) in pieces {
            stream.write_all(bytes).unwrap();
            let mut answer = vec![0; *expected];
            stream.read_exact(&mut answer).unwrap();
            answers.extend(answer);
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut last = [0; 1];
        let _ = stream.read_exact(&mut last);
        if last[0] == b'E' {
            let mut all = vec![0; 4];
            let _ = stream.read_to_end(&mut all);
            return said(&Message { kind: 'E', body: all[8..].to_vec() });
        }
        answers.extend(last);
        String::from_utf8(answers).unwrap()
    };
    for _ in 0..20 {
        assert_eq!(talk(&[(&ssl, 1), (&startup, 0)]), "NR");
        assert_eq!(talk(&[(&ssl[..3], 0), (&ssl[3..], 1), (&startup, 0)]), "NR");
        assert_eq!(talk(&[(&gss, 1), (&ssl, 1), (&startup, 0)]), "NNR");
        assert_eq!(talk(&[(&ssl, 1), (&gss, 1), (&startup, 0)]), "NNR");
    }
    let twice = "FATAL 0A000 unsupported frontend protocol 1234.5679: server supports 3.0 to 3.0";
    assert_eq!(talk(&[(&ssl, 1), (&ssl, 0)]), twice);
    let early = "FATAL 08P01 received unencrypted data after SSL request";
    assert_eq!(talk(&[(&[ssl.clone(), startup.clone()].concat(), 0)]), early);
    // A client that is silent at first is taken in all the same.
    let mut late = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    late.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    std::thread::sleep(Duration::from_secs(4));
    late.write_all(&ssl).unwrap();
    let mut answer = [0; 1];
    late.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"N");
}

/// Starts it and waits for the end it must come to: exit code and what it wrote.
fn refused(server: &mut Server) -> (i32, String) {
    let _ = fs::remove_file(server.dir.path().join("log"));
    server.spawn();
    let code = server.wait_end().code().unwrap_or(-1);
    assert!(!server.data.join("postmaster.pid").exists(), "a refused start leaves nothing behind");
    (code, server.log())
}

/// Wrong lines in the files: each with its line number, and the server does not start; a running one goes on as it was.
#[test]
fn wrong_settings() {
    let mut server = Server::new(&[]);
    let conf = server.data.join("postgresql.conf");
    let original = fs::read_to_string(&conf).unwrap();
    let first = original.lines().count() + 1;
    let shown = conf.display();
    let errors = format!("FATAL:  configuration file \"{shown}\" contains errors\n");
    let cases: [(&str, Vec<String>); 4] = [
        (
            "nosuch = 1\n",
            vec![format!("LOG:  unrecognized configuration parameter \"nosuch\" in file \"{shown}\" line {first}\n")],
        ),
        (
            "work_mem = 1XB\ncheckpoint_timeout = 5s\nwal_level = bogus\nfsync = maybe\n",
            vec![
                "LOG:  invalid value for parameter \"work_mem\": \"1XB\"\n".into(),
                "HINT:  Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".\n".into(),
                "LOG:  5 s is outside the valid range for parameter \"checkpoint_timeout\" (30 .. 86400)\n".into(),
                "LOG:  invalid value for parameter \"wal_level\": \"bogus\"\n".into(),
                "HINT:  Available values: minimal, replica, logical.\n".into(),
                "LOG:  parameter \"fsync\" requires a Boolean value\n".into(),
            ],
        ),
        (
            "a b c\nwork_mem = 'open\n= 3\n",
            vec![
                format!("LOG:  syntax error in file \"{shown}\" line {first}, near token \"c\"\n"),
                format!("LOG:  syntax error in file \"{shown}\" line {}, near token \"'\"\n", first + 1),
                format!("LOG:  syntax error in file \"{shown}\" line {}, near token \"=\"\n", first + 2),
            ],
        ),
        (
            "include 'nothere.conf'\n",
            vec![format!(
                "LOG:  could not open configuration file \"{}\": No such file or directory\n",
                server.data.join("nothere.conf").display()
            )],
        ),
    ];
    for (lines, mut expected) in cases {
        fs::write(&conf, format!("{original}{lines}")).unwrap();
        let (code, log) = refused(&mut server);
        expected.push(errors.clone());
        assert_eq!(code, 1, "{log}");
        contains_in_order(&log, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
    fs::write(&conf, &original).unwrap();
    let auto = server.data.join("postgresql.auto.conf");
    let kept = fs::read_to_string(&auto).unwrap();
    fs::write(&auto, format!("{kept}nosuch = 1\n")).unwrap();
    let (code, log) = refused(&mut server);
    assert_eq!(code, 1);
    contains_in_order(
        &log,
        &["in file \"", "postgresql.auto.conf\" line 3\n", "FATAL:  configuration file \"", "postgresql.auto.conf\""],
    );
    fs::write(&auto, &kept).unwrap();
    for (setting, expected) in [
        ("nosuch=1", "FATAL:  unrecognized configuration parameter \"nosuch\"\n"),
        ("work_mem=1", "FATAL:  1 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)\n"),
        ("max_connections=3", "superuser_reserved_connections (3) must be less than max_connections (3)\n"),
    ] {
        server.settings = vec![setting.into()];
        let (code, log) = refused(&mut server);
        assert_eq!(code, 1);
        assert!(log.contains(expected), "{log}");
    }
    // A running server keeps what it has.
    server.settings.clear();
    server.start();
    let mut session = server.connect();
    fs::write(&conf, format!("{original}work_mem = 9MB\nnosuch = 1\n")).unwrap();
    server.signal("HUP");
    let line = format!("LOG:  configuration file \"{shown}\" contains errors; no changes were applied\n");
    eventually("it says so", || server.log().contains(&line));
    assert_eq!(session.query("show work_mem").unwrap(), ["4MB"]);
}

const UNTRUSTWORTHY: &str = "WARNING: Calculated CRC checksum does not match value stored in file.
Either the file is corrupt, or it has a different layout than this program
is expecting.  The results below are untrustworthy.

";

/// What `pg_controldata` says of a directory.
fn shown_control(data: &std::path::Path) -> (i32, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_outlast")).arg0("pg_controldata").arg(data).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out.status.code().unwrap_or(-1), text)
}

/// Directories that are none, are not ours, or are of another version; files of theirs that are missing or damaged.
#[test]
fn wrong_directories() {
    let mut server = Server::new(&[]);
    server.start();
    server.connect().query("create table t as select 1 as id").unwrap();
    server.signal("INT");
    server.wait_end();
    let data = server.data.clone();
    let shown = data.display().to_string();
    let mut expect = |what: &str, code: i32, lines: &[&str]| {
        let (found, log) = refused(&mut server);
        assert_eq!(found, code, "{what}: {log}");
        contains_in_order(&log, lines);
        assert!(!log.contains("ready to accept"), "{what}");
    };
    let mode = |bits| fs::set_permissions(&data, Permissions::from_mode(bits)).unwrap();
    for bits in [0o755, 0o770, 0o777] {
        mode(bits);
        expect(
            "mode",
            1,
            &[
                &format!("FATAL:  data directory \"{shown}\" has invalid permissions\n"),
                "DETAIL:  Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).\n",
            ],
        );
    }
    mode(0o700);
    if rustix::process::geteuid().is_root() {
        chown(&data, Some(1), Some(1)).unwrap();
        mode(0o755);
        expect(
            "owner",
            1,
            &[
                &format!("FATAL:  data directory \"{shown}\" has wrong ownership\n"),
                "HINT:  The server must be started by the user that owns the data directory.\n",
            ],
        );
        mode(0o700);
        expect(
            "not readable",
            2,
            &[&format!(
                "postgres: could not access the server configuration file \"{shown}/postgresql.conf\": Permission denied\n"
            )],
        );
        chown(&data, Some(65534), Some(65534)).unwrap();
    }
    let version = data.join("PG_VERSION");
    for (text, lines) in [
        (
            "16\n",
            vec![
                "FATAL:  database files are incompatible with server\n".to_string(),
                "DETAIL:  The data directory was initialized by PostgreSQL version 16, which is not compatible".into(),
            ],
        ),
        (
            "abc\n",
            vec![
                format!("FATAL:  \"{shown}\" is not a valid data directory\n"),
                format!("DETAIL:  File \"{shown}/PG_VERSION\" does not contain valid data.\n"),
                "HINT:  You might need to initdb.\n".into(),
            ],
        ),
    ] {
        fs::write(&version, text).unwrap();
        expect(text, 1, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
    fs::remove_file(&version).unwrap();
    expect("no version", 1, &["is not a valid data directory\n", "PG_VERSION\" is missing.\n"]);
    fs::write(&version, "15\n").unwrap();

    let control = data.join("global/pg_control");
    let bytes = fs::read(&control).unwrap();
    let write = |bytes: &[u8]| {
        fs::write(&control, bytes).unwrap();
    };
    let mut damaged = bytes.clone();
    damaged[40] ^= 0x80;
    write(&damaged);
    let (code, text) = shown_control(&data);
    assert_eq!(code, 0);
    assert!(text.starts_with(UNTRUSTWORTHY), "{text}");
    assert!(text.contains("untrustworthy.\n\npg_control version number:            1300\n"), "{text}");
    expect("damaged", 1, &["FATAL:  incorrect checksum in control file\n", "LOG:  database system is shut down\n"]);
    write(&bytes[..20]);
    expect("short", 1, &["could not read file \"global/pg_control\": read 20 of "]);
    assert_eq!(
        shown_control(&data),
        (1, format!("pg_controldata: error: could not read file \"{shown}/global/pg_control\": read 20 of 512\n"))
    );
    write(&[0; 8192]);
    let (code, text) = shown_control(&data);
    assert_eq!(code, 0);
    assert!(text.contains("stored in the file, 0 bytes, is not a power of two\nbetween 1 MB and 1 GB."), "{text}");
    assert!(text.contains("Latest checkpoint's REDO WAL file:    ???\n"), "{text}");
    expect("zeros", 1, &["FATAL:  "]);
    fs::remove_file(&control).unwrap();
    let missing = format!(
        "postgres: could not find the database system\nExpected to find it in the directory \"{shown}\",\n\
         but could not open file \"{shown}/global/pg_control\": No such file or directory\n"
    );
    expect("none", 2, &[&missing]);
    write(&bytes);
    if rustix::process::geteuid().is_root() {
        chown(&control, Some(65534), Some(65534)).unwrap();
    }
    let hba = data.join("pg_hba.conf");
    let rules = fs::read(&hba).unwrap();
    fs::write(&hba, "local all all bogus\n").unwrap();
    expect(
        "rules",
        1,
        &[
            "LOG:  invalid authentication method \"bogus\"\n",
            "CONTEXT:  line 1 of configuration file \"",
            "FATAL:  could not load ",
        ],
    );
    fs::write(&hba, rules).unwrap();
    // After all that nothing is lost.
    server.start();
    assert_eq!(server.connect().query("select id from t").unwrap(), ["1"]);
}

/// A port or a socket directory that cannot be had.
#[test]
fn wrong_places() {
    let mut server = Server::new(&[]);
    let taken = std::net::TcpListener::bind(("127.0.0.1", server.port)).unwrap();
    let (code, log) = refused(&mut server);
    assert_eq!(code, 1);
    let hint = format!(
        "HINT:  Is another postmaster already running on port {}? If not, wait a few seconds and retry.\n",
        server.port
    );
    contains_in_order(
        &log,
        &[
            "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\n",
            &hint,
            "WARNING:  could not create listen socket for \"127.0.0.1\"\n",
            "FATAL:  could not create any TCP/IP sockets\n",
            "LOG:  database system is shut down\n",
        ],
    );
    drop(taken);
    let nothere = server.dir.path().join("nothere").display().to_string();
    server.settings = vec![format!("unix_socket_directories={nothere}")];
    let (code, log) = refused(&mut server);
    assert_eq!(code, 1);
    assert!(log.contains(&format!("FATAL:  could not create lock file \"{nothere}/.s.PGSQL.")), "{log}");
    server.settings.clear();
    // Another server's socket of the same number.
    let other = Server::started(&[&format!("unix_socket_directories={}", server.dir.path().display())]);
    server.port = other.port;
    server.settings = vec!["listen_addresses=".into()];
    let (code, log) = refused(&mut server);
    assert_eq!(code, 1);
    contains_in_order(
        &log,
        &[
            &format!(
                "FATAL:  lock file \"{}/.s.PGSQL.{}.lock\" already exists\n",
                server.dir.path().display(),
                other.port
            ),
            &format!("HINT:  Is another postmaster (PID {}) using socket file", other.pid()),
        ],
    );
}

fn damage(server: &Server, path: &str, at: u64) {
    let file = OpenOptions::new().write(true).open(server.data.join(path)).unwrap();
    file.write_all_at(b"garbage!", at).unwrap();
}

/// Messages of a statement: warnings and errors, and its rows.
fn told(client: &mut Client, sql: &str) -> (Vec<String>, usize) {
    let messages = client.simple(sql).unwrap();
    let reports = messages.iter().filter(|m| matches!(m.kind, 'N' | 'E')).map(said).collect();
    (reports, messages.iter().filter(|m| m.kind == 'D').count())
}

/// A page whose bytes changed on the disk is refused with its place, by scan and by index; other tables and other pages
/// serve on. The settings that read on regardless do, and say so.
#[test]
fn a_damaged_page() {
    let mut server = Server::started(&["autovacuum=off"]);
    let mut session = server.connect();
    for sql in [
        "create table t(id int primary key, pad text)",
        "insert into t select g, repeat('x', 100) from generate_series(1, 200) g",
        "create table other as select 1 as id",
    ] {
        session.query(sql).unwrap();
    }
    let path = session.query("select pg_relation_filepath('t')").unwrap().remove(0);
    let beyond: usize = session.query("select count(*) from t where ctid >= '(1,0)'").unwrap()[0].parse().unwrap();
    server.signal("INT");
    server.wait_end();
    damage(&server, &path, 5000);
    server.start();
    let mut session = server.connect();
    let invalid = format!("ERROR XX001 invalid page in block 0 of relation {path}");
    for sql in [
        "select id from t",
        "select pad from t where id = 1",
        "update t set pad = '' where id = 1",
        "vacuum t",
        "copy t to stdout",
    ] {
        let (reports, _) = told(&mut session, sql);
        assert_eq!(reports.len(), 2, "{sql}: {reports:?}");
        let [warning, error] = &reports[..] else { unreachable!() };
        assert!(warning.starts_with("WARNING XX001 page verification failed, calculated checksum "), "{warning}");
        assert!(warning.contains(" but expected "), "{warning}");
        assert_eq!(*error, invalid, "{sql}");
    }
    assert_eq!(told(&mut session, "select id from other"), (vec![], 1));
    assert_eq!(told(&mut session, "select pad from t where id = 200"), (vec![], 1), "the other pages are good");
    let failures = "select checksum_failures >= 5 and checksum_last_failure is not null from pg_stat_database \
                    where datname = current_database()";
    assert_eq!(session.query(failures).unwrap(), ["t"]);
    assert_eq!(told(&mut session, "set zero_damaged_pages = on").0, Vec::<String>::new());
    let (reports, rows) = told(&mut session, "select id from t");
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert_eq!(reports[1], format!("WARNING XX001 invalid page in block 0 of relation {path}; zeroing out page"));
    assert_eq!(rows, beyond);
    drop(session);
    // In another session it would have been an error; it is not on the disk before somebody changes the page.
    server.signal("QUIT");
    server.wait_end();
    server.start();
    let mut session = server.connect();
    session.query("set ignore_checksum_failure = on").unwrap();
    let (reports, rows) = told(&mut session, "select id from t");
    assert_eq!((reports.len(), rows), (1, 200), "the header is sane, so the rows are read: {reports:?}");
    assert!(reports[0].starts_with("WARNING XX001 page verification failed"));
}

/// A table's file that is gone is an error of its statements only; the table can be dropped.
#[test]
fn a_missing_file() {
    let mut server = Server::started(&[]);
    let mut session = server.connect();
    session.query("create table t as select generate_series(1, 1000) as id").unwrap();
    session.query("create table other as select 1 as id").unwrap();
    session.query("checkpoint").unwrap();
    let path = session.query("select pg_relation_filepath('t')").unwrap().remove(0);
    server.signal("INT");
    server.wait_end();
    fs::remove_file(server.data.join(&path)).unwrap();
    server.start();
    let mut session = server.connect();
    let (reports, _) = told(&mut session, "select id from t");
    assert_eq!(reports, [format!("ERROR 58P01 could not open file \"{path}\": No such file or directory")]);
    assert_eq!(session.query("select id from other").unwrap(), ["1"]);
    assert_eq!(session.query("checkpoint"), Ok(vec![]));
    assert_eq!(session.query("drop table t"), Ok(vec![]));
}

/// A client that asks for much and reads nothing holds nobody up: its statement is cancelled by others and by
/// `statement_timeout`, and its session can be ended, without a word in the middle of a row.
#[test]
fn a_client_that_does_not_read_can_be_told_to_stop() {
    let server = Server::started(&["fsync=off"]);
    let mut other = server.connect();
    let mut until = |pid: u32, state: &str| {
        let sql = format!(
            "select coalesce((select state || '/' || coalesce(wait_event, '') from pg_stat_activity where pid = {pid}), 'gone')"
        );
        eventually(state, || other.query(&sql).unwrap() == [state]);
    };
    let much = "select repeat('x', 1000) from generate_series(1, 1000000)";
    let mut client = server.connect_tcp();
    for (before, tell, said) in [
        ("reset statement_timeout", "select pg_cancel_backend", "canceling statement due to user request"),
        ("set statement_timeout = '200ms'", "select", "canceling statement due to statement timeout"),
    ] {
        client.query(before).unwrap();
        client.send(much);
        if tell != "select" {
            until(client.pid, "active/ClientWrite");
            server.connect().query(&format!("{tell}({})", client.pid)).unwrap();
        }
        until(client.pid, "idle/ClientRead");
        assert_eq!(client.answer().unwrap_err(), said);
    }
    client.query("reset statement_timeout").unwrap();
    client.send(much);
    until(client.pid, "active/ClientWrite");
    server.connect().query(&format!("select pg_terminate_backend({})", client.pid)).unwrap();
    until(client.pid, "gone");
    let rest = client.read_to_end();
    assert!(rest.iter().all(|m| matches!(m.kind, 'T' | 'D')), "nothing follows half a row");
}

/// `client_connection_check_interval`: a statement whose client has hung up ends while it runs and while it waits.
#[test]
fn a_client_that_hung_up_is_missed() {
    let server = Server::started(&["fsync=off", "client_connection_check_interval=50ms"]);
    for statement in ["select pg_sleep(1000)", "select count(*) from generate_series(1, 100000000000)"] {
        let mut client = server.connect_tcp();
        client.send(statement);
        let gone = format!("select count(*) from pg_stat_activity where pid = {}", client.pid);
        drop(client);
        let mut other = server.connect();
        eventually("the session ends", || other.query(&gone).unwrap() == ["0"]);
    }
    assert!(server.log().contains("FATAL:  connection to client lost"));
}

/// Without the commit log nobody knows what was committed: a start is refused, after a crash, too, and goes on once it is
/// back. (After a crash PostgreSQL takes a file that is gone for "nothing was committed".)
#[test]
fn a_missing_commit_log() {
    let mut server = Server::started(&[]);
    server.connect().query("create table t as select generate_series(1, 1000) as id").unwrap();
    let (path, away) = (server.data.join("pg_xact/0000"), server.dir.path().join("away"));
    let missing = "Could not open file \"pg_xact/0000\": No such file or directory.";
    let short = "Could not read from file \"pg_xact/0000\" at offset 0: read too few bytes.";
    for signal in ["INT", "QUIT"] {
        server.connect().query("insert into t values (0)").unwrap();
        server.signal(signal);
        server.wait_end();
        let mut expect = |why: &str| {
            let (code, log) = refused(&mut server);
            assert_eq!(code, 1, "{log}");
            contains_in_order(&log, &["FATAL:  could not access status of transaction ", &format!("DETAIL:  {why}\n")]);
        };
        fs::rename(&path, &away).unwrap();
        expect(missing);
        // What redo has found meanwhile is no answer.
        expect(missing);
        fs::rename(&away, &path).unwrap();
        let kept = fs::read(&path).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(100).unwrap();
        expect(short);
        file.write_all_at(&kept, 0).unwrap();
        server.start();
        let rows = server.connect().query("select count(*) from t where id > 0").unwrap();
        assert_eq!(rows, ["1000"], "after {signal}");
    }
}
