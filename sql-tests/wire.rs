//! Runs the scripts of `sql-tests/wire/`: messages of the protocol as drivers send them, and what must come back, message
//! by message. `WIRE=part` runs some; `WIRE_SERVER=address:port` runs them on a PostgreSQL at hand, for which every
//! expectation holds, too; `UPDATE=1` writes what came into the files.
//!
//! A file is lines; each file has a session of its own. The answers stand indented below what they answer.
//!
//! ```text
//! # a comment
//! query SQL
//! parse NAME SQL                        `-` is the unnamed one
//! bind PORTAL NAME [binary] [VALUE...]  texts, in which `\0` is a zero byte; `binary` asks for all results so
//! describe statement|portal NAME
//! execute PORTAL LIMIT
//! close statement|portal NAME
//! sync
//! call OID [binary] [VALUE...]            a function by its number; `binary` asks for the result so
//! ```

mod support;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use support::{Client, Message, Server};

#[derive(Default)]
struct Packets(Vec<u8>);

impl Packets {
    fn add(&mut self, kind: u8, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|p| p.len()).sum();
        self.0.push(kind);
        self.0.extend((len as u32 + 4).to_be_bytes());
        parts.iter().for_each(|p| self.0.extend(*p));
    }
}

fn name(word: Option<&str>) -> Vec<u8> {
    let word = word.unwrap_or("-");
    let mut bytes = if word == "-" { Vec::new() } else { word.as_bytes().to_vec() };
    bytes.push(0);
    bytes
}

fn values(values: &[&str], body: &mut Vec<u8>) {
    body.extend((values.len() as u16).to_be_bytes());
    for value in values {
        let value = value.replace("\\0", "\0");
        body.extend((value.len() as u32).to_be_bytes());
        body.extend(value.as_bytes());
    }
}

fn call<'a>(mut words: impl Iterator<Item = &'a str>, packets: &mut Packets) {
    let function: u32 = words.next().expect("a function").parse().expect("a number");
    let mut words = words.peekable();
    let binary = words.next_if_eq(&"binary").is_some();
    let mut body = function.to_be_bytes().to_vec();
    body.extend([0, 0]);
    values(&words.collect::<Vec<_>>(), &mut body);
    body.extend([0, u8::from(binary)]);
    packets.add(b'F', &[&body]);
}

fn bind<'a>(mut words: impl Iterator<Item = &'a str>, packets: &mut Packets) {
    let (portal, statement) = (name(words.next()), name(words.next()));
    let mut words = words.peekable();
    let binary = words.next_if_eq(&"binary").is_some();
    let mut body = vec![0, 0];
    values(&words.collect::<Vec<_>>(), &mut body);
    body.extend(if binary { &[0, 1, 0, 1][..] } else { &[0, 0] });
    packets.add(b'B', &[&portal, &statement, &body]);
}

/// Adds a line's message; true if an answer with ReadyForQuery follows.
fn send(line: &str, packets: &mut Packets) -> bool {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut words = rest.split_whitespace();
    let kind = |word: Option<&str>| if word == Some("statement") { b"S" } else { b"P" };
    match verb {
        "query" => {
            packets.add(b'Q', &[rest.as_bytes(), b"\0"]);
            return true;
        }
        "sync" => {
            packets.add(b'S', &[]);
            return true;
        }
        "call" => {
            call(words, packets);
            return true;
        }
        "parse" => {
            let (word, sql) = rest.split_once(' ').unwrap_or((rest, ""));
            packets.add(b'P', &[&name(Some(word)), sql.as_bytes(), b"\0\0\0"]);
        }
        "bind" => bind(words, packets),
        "describe" => packets.add(b'D', &[kind(words.next()), &name(words.next())]),
        "close" => packets.add(b'C', &[kind(words.next()), &name(words.next())]),
        "execute" => {
            let portal = name(words.next());
            let limit: u32 = words.next().expect("a limit").parse().expect("a number");
            packets.add(b'E', &[&portal, &limit.to_be_bytes()]);
        }
        _ => panic!("not a line of a script: {line}"),
    }
    false
}

/// A RowDescription's columns: name, type, format.
fn described(body: &[u8]) -> String {
    let mut rest = &body[2..];
    let mut columns = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|b| *b == 0).unwrap();
        let column = String::from_utf8_lossy(&rest[..end]).into_owned();
        let facts = &rest[end + 1..];
        let oid = u32::from_be_bytes(facts[6..10].try_into().unwrap());
        columns.push(format!("{column}:{oid}:{}", if facts[17] == 1 { "binary" } else { "text" }));
        rest = &facts[18..];
    }
    columns.join(" ")
}

fn shown(m: &Message) -> String {
    let text = || String::from_utf8_lossy(m.body.strip_suffix(b"\0").unwrap_or(&m.body)).into_owned();
    match m.kind {
        'T' => format!("columns {}", described(&m.body)),
        'D' => {
            let values = m.columns().into_iter().map(|v| v.unwrap_or_else(|| "NULL".into()));
            let printable = values.map(|v| v.escape_debug().to_string());
            format!("row {}", printable.collect::<Vec<_>>().join("|"))
        }
        'C' => format!("complete {}", text()),
        'Z' => format!("ready {}", text()),
        'E' | 'N' => {
            let field = |c| m.field(c).unwrap_or_default();
            format!("{} {} {}", field('S').to_lowercase(), field('C'), field('M'))
        }
        't' => {
            let types = m.body[2..].chunks(4).map(|t| u32::from_be_bytes(t.try_into().unwrap()).to_string());
            format!("parameters {}", types.collect::<Vec<_>>().join(" "))
        }
        'd' => format!("data {}", m.body.escape_ascii()),
        '1' => "parsed".into(),
        '2' => "bound".into(),
        '3' => "closed".into(),
        's' => "suspended".into(),
        'n' => "no data".into(),
        'I' => "empty".into(),
        'c' => "copy done".into(),
        'H' => "copy out".into(),
        other => format!("{other} {}", m.body.escape_ascii()),
    }
}

/// The file as it would be with the answers that came.
fn run(script: &str, mut client: Client) -> String {
    let (mut out, mut packets) = (String::new(), Packets::default());
    for line in script.lines().filter(|l| !l.starts_with(' ')) {
        out += &format!("{line}\n");
        if line.is_empty() || line.starts_with('#') || !send(line, &mut packets) {
            continue;
        }
        client.write(&std::mem::take(&mut packets.0));
        loop {
            let message = client.read().expect("an answer").expect("a connection");
            // ParameterStatus comes when it likes.
            if message.kind != 'S' {
                out += &format!("  {}\n", shown(&message));
            }
            if message.kind == 'Z' {
                break;
            }
        }
    }
    out
}

#[test]
fn wire_scripts() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests/wire");
    let part = std::env::var("WIRE").unwrap_or_default();
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.file_name().is_some_and(|n| n.to_string_lossy().contains(&part)));
    files.sort();
    let address = std::env::var("WIRE_SERVER").ok();
    let own = address.is_none().then(|| Server::started(&[]));
    let mut wrong = Vec::new();
    for file in files {
        let script = fs::read_to_string(&file).unwrap();
        let client = match (&own, &address) {
            (Some(server), _) => server.connect(),
            (None, Some(address)) => Client::start(Box::new(TcpStream::connect(address).unwrap())).unwrap(),
            (None, None) => unreachable!(),
        };
        let came = run(&script, client);
        if came == script {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &came).unwrap();
            continue;
        }
        let at = came.lines().zip(script.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let line = |text: &str| text.lines().nth(at).unwrap_or_default().to_string();
        wrong.push(format!("{}:{}: {} instead of {}", file.display(), at + 1, line(&came), line(&script)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn session(server: &Option<Server>) -> Client {
    match (server, std::env::var("WIRE_SERVER")) {
        (Some(server), _) => server.connect(),
        (None, Ok(address)) => Client::start(Box::new(TcpStream::connect(address).unwrap())).unwrap(),
        (None, Err(_)) => unreachable!(),
    }
}

fn stream(server: &Option<Server>) -> Box<dyn support::Stream> {
    match (server, std::env::var("WIRE_SERVER")) {
        (Some(server), _) => Box::new(server.raw_unix().unwrap()),
        (None, Ok(address)) => Box::new(TcpStream::connect(address).unwrap()),
        (None, Err(_)) => unreachable!(),
    }
}

fn own_server() -> Option<Server> {
    std::env::var_os("WIRE_SERVER").is_none().then(|| Server::started(&[]))
}

/// Up to the message of a kind, what came, shown.
fn until(client: &mut Client, kind: char) -> Vec<String> {
    let mut came = Vec::new();
    loop {
        let message = client.read().expect("an answer").expect("a connection");
        came.push(shown(&message));
        if message.kind == kind {
            return came;
        }
    }
}

fn query(client: &mut Client, sql: &str) -> Vec<String> {
    let mut packets = Packets::default();
    packets.add(b'Q', &[sql.as_bytes(), b"\0"]);
    client.write(&packets.0);
    until(client, 'Z')
}

/// A listener hears what was committed before it asked not to.
#[test]
fn a_notification_comes_before_the_answer_to_unlisten() {
    let server = own_server();
    let (mut listener, mut other) = (session(&server), session(&server));
    query(&mut listener, "listen overtaken");
    query(&mut other, "notify overtaken, 'first'");
    let came = query(&mut listener, "unlisten overtaken");
    assert!(came.iter().any(|m| m.contains("overtaken")), "{came:?}");
    query(&mut other, "notify overtaken, 'second'");
    let came = query(&mut listener, "select");
    assert!(!came.iter().any(|m| m.contains("overtaken")), "{came:?}");
}

/// A row that fails is told of while the client still sends.
#[test]
fn a_failing_row_ends_a_copy_before_its_end() {
    let server = own_server();
    let mut client = session(&server);
    query(&mut client, "create temp table copied(a int not null)");
    let mut packets = Packets::default();
    packets.add(b'Q', &[b"copy copied from stdin\0"]);
    client.write(&std::mem::take(&mut packets.0));
    until(&mut client, 'G');
    packets.add(b'd', &[b"1\n\\N\n"]);
    client.write(&packets.0);
    let came = until(&mut client, 'Z');
    assert!(came[0].contains("23502"), "{came:?}");
}

/// A session that cannot be is refused after its client was let in: drivers that hear of no success try again without
/// TLS, or ask for another password.
#[test]
fn a_client_is_let_in_before_its_session_is_refused() {
    let server = own_server();
    let cases: &[(&str, &str, &str)] = &[
        ("database", "nowhere", "fatal 3D000 database \"nowhere\" does not exist"),
        ("user", "nobody", "fatal 28000 role \"nobody\" does not exist"),
        ("work_mem", "much", "fatal 22023 invalid value for parameter \"work_mem\": \"much\""),
        ("no_such", "1", "fatal 42704 unrecognized configuration parameter \"no_such\""),
        ("role", "nobody", "fatal 22023 role \"nobody\" does not exist"),
        (
            "default_tablespace",
            "nowhere",
            "fatal 22023 invalid value for parameter \"default_tablespace\": \"nowhere\"",
        ),
        ("options", "-e -Z", "fatal 42601 invalid command-line argument for server process: -Z"),
        ("options", "-c geqo", "fatal 42601 -c geqo requires a value"),
        (
            "options",
            "-sS100 -N3",
            "fatal 55P02 parameter \"max_connections\" cannot be changed without restarting the server",
        ),
    ];
    for (name, value, refusal) in cases {
        let known = [("user", "postgres"), ("database", "postgres")];
        let parameters: Vec<_> = known.into_iter().filter(|k| k.0 != *name).chain([(*name, *value)]).collect();
        let came = Client::greeted(stream(&server), &parameters).unwrap();
        let came: Vec<_> = came.iter().map(shown).collect();
        assert_eq!(came, ["R \\x00\\x00\\x00\\x00", *refusal], "{name}={value}");
    }
    let parameters = [("user", "postgres"), ("database", "postgres"), ("replication", "maybe")];
    let came = Client::greeted(stream(&server), &parameters).unwrap();
    let came: Vec<_> = came.iter().map(shown).collect();
    assert_eq!(came, ["fatal 22023 invalid value for parameter \"replication\": \"maybe\""]);
    let parameters = [("user", "postgres"), ("database", "postgres"), ("options", "-e -fh --work-mem=1MB")];
    let came = Client::greeted(stream(&server), &parameters).unwrap();
    assert_eq!(came.last().map(shown).as_deref(), Some("ready I"));
}

/// A statement may have more parameters than a Bind message can bring; describing it counts them modulo 65536.
#[test]
fn a_statement_has_more_parameters_than_a_message_can_count() {
    let server = own_server();
    let mut client = session(&server);
    let rows: Vec<_> = (1..=65_538).map(|n| format!("(${n}::text)")).collect();
    let sql = format!("values {}", rows.join(","));
    let mut packets = Packets::default();
    packets.add(b'P', &[b"\0", sql.as_bytes(), b"\0", &[0, 0]]);
    packets.add(b'D', &[b"S\0"]);
    packets.add(b'S', &[]);
    client.write(&packets.0);
    client.read().unwrap();
    let message = client.read().unwrap().unwrap();
    assert_eq!((message.kind, message.body.len(), &message.body[..2]), ('t', 2 + 4 * 65_538, &[0, 2][..]));
    until(&mut client, 'Z');
}

/// What a session is sent after its end was ordered is not answered.
#[test]
fn a_terminated_session_answers_no_more() {
    let server = own_server();
    let (mut ended, mut other) = (session(&server), session(&server));
    let pid = query(&mut ended, "select pg_backend_pid()")[1].replace("row ", "");
    query(&mut other, &format!("select pg_terminate_backend({pid})"));
    let mut packets = Packets::default();
    packets.add(b'Q', &[b"select 1\0"]);
    ended.write(&packets.0);
    let came = ended.read_to_end();
    assert!(came.iter().all(|m| m.kind == 'E'), "{:?}", came.iter().map(shown).collect::<Vec<_>>());
}

/// Texts are in the client's encoding both ways, in text and binary form, in names, errors and COPY.
#[test]
fn a_client_speaks_latin1() {
    let server = own_server();
    let mut client = session(&server);
    query(&mut client, "set client_encoding = 'latin1'");
    let whole = |client: &mut Client, packets: &Packets| {
        client.write(&packets.0);
        let mut came = Vec::new();
        loop {
            let message = client.read().expect("an answer").expect("a connection");
            came.extend(&message.body);
            if message.kind == 'Z' {
                return came;
            }
        }
    };
    let has = |came: &[u8], part: &[u8]| came.windows(part.len()).any(|w| w == part);
    let mut packets = Packets::default();
    packets.add(b'Q', &[b"select '\xfc' || length('\xfc') || encode(convert_to('\xfc', 'utf8'), 'hex') as \"\xf6\"\0"]);
    let came = whole(&mut client, &packets);
    assert!(has(&came, b"\xf6\0") && has(&came, b"\xfc1c3bc"), "{came:?}");

    // A parameter in text form and one in binary form; results in binary form.
    let mut packets = Packets::default();
    packets.add(b'P', &[b"\0select $1::text, array[$2::text]\0", &[0, 0]]);
    packets
        .add(b'B', &[b"\0\0", &[0, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1], b"\xe4", &[0, 0, 0, 1], b"\xeb", &[0, 1, 0, 1]]);
    packets.add(b'E', &[b"\0", &[0; 4]]);
    packets.add(b'S', &[]);
    let came = whole(&mut client, &packets);
    assert!(has(&came, b"\0\0\0\x01\xe4") && has(&came, b"\0\0\0\x01\xeb"), "{came:?}");

    let mut packets = Packets::default();
    packets.add(b'Q', &[b"select '\xe9'::int\0"]);
    let came = whole(&mut client, &packets);
    assert!(has(&came, b"integer: \"\xe9\""), "{came:?}");
    let came = query(&mut client, "select chr(8364)");
    assert!(came.iter().any(|m| m.contains("22P05")), "{came:?}");

    let mut packets = Packets::default();
    packets.add(b'Q', &[b"create temp table copied(a text); copy copied from stdin\0"]);
    packets.add(b'd', &[b"\xdf\n"]);
    packets.add(b'c', &[]);
    whole(&mut client, &packets);
    let mut packets = Packets::default();
    packets.add(
        b'Q',
        &[b"select length(a) from copied; copy copied to stdout; copy copied to stdout (encoding 'utf8')\0"],
    );
    let came = whole(&mut client, &packets);
    assert!(has(&came, b"\xdf\n") && has(&came, "ß\n".as_bytes()), "{came:?}");
}
