//! Messages in any order, with anything in them, whole and in part.

use super::{Random, begin, unharmed};
use crate::support::Server;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

fn startup() -> Vec<u8> {
    let parameters = b"user\0postgres\0database\0postgres\0application_name\0hostile\0\0";
    let mut packet = (parameters.len() as u32 + 8).to_be_bytes().to_vec();
    packet.extend(196_608u32.to_be_bytes());
    packet.extend(parameters);
    packet
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    packet.extend((body.len() as u32 + 4).to_be_bytes());
    packet.extend(body);
    packet
}

const NAMES: &[&str] = &["", "a", "b", "c1"];
const QUERIES: &[&str] = &[
    "select 1",
    "select $1::int + $2",
    "select generate_series(1, 50)",
    "copy h from stdin",
    "copy h to stdout",
    "copy h from stdin (format binary)",
    "begin",
    "commit",
    "rollback",
    "savepoint s",
    "select 1/0",
    "",
    ";",
    "declare c1 cursor with hold for select generate_series(1, 9)",
    "fetch 3 from c1",
    "close all",
    "select $1",
    "insert into h values ($1, $2)",
    "select a, b from h where a = $1",
    "select 1; select 2; select nosuch",
    "prepare a as select 1",
    "execute a",
    "deallocate all",
    "set datestyle = 'iso, dmy'",
    "listen x",
    "notify x",
    "create temp table if not exists tt (a int)",
    "select pg_notify('x', 'y')",
    "discard all",
    "select '\\x00'::bytea",
];

/// Lines of COPY, and what is none.
const ROWS: &[&[u8]] = &[b"1\tx\n", b"", b"\\.\n", b"1\n", b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", b"\xff\xff"];
const PARAMETERS: &[&[u8]] = &[b"", b"1", b"\0\0\0\x01", b"\xff\xfe", b"1e400", b"\0\0\0\0\0\0\0\x01"];

fn name(r: &mut Random) -> Vec<u8> {
    let mut n = r.pick(NAMES).as_bytes().to_vec();
    n.push(0);
    n
}

fn codes(r: &mut Random, out: &mut Vec<u8>) {
    let count = r.below(4);
    out.extend((count as u16).to_be_bytes());
    (0..count).for_each(|_| out.extend((r.below(3) as u16).to_be_bytes()));
}

/// A message that could be meant, more or less.
fn message(r: &mut Random) -> Vec<u8> {
    match r.below(16) {
        0..=1 => {
            let mut body = r.pick(QUERIES).as_bytes().to_vec();
            body.push(0);
            framed(b'Q', &body)
        }
        2..=4 => {
            let mut body = name(r);
            body.extend(r.pick(QUERIES).as_bytes());
            body.push(0);
            let types = r.below(4);
            body.extend((types as u16).to_be_bytes());
            for _ in 0..types {
                body.extend(r.pick(&[0u32, 23, 25, 17, 1700, 705, 2249, 16384, 999_999, u32::MAX]).to_be_bytes());
            }
            framed(b'P', &body)
        }
        5..=7 => {
            let mut body = name(r);
            body.extend(name(r));
            codes(r, &mut body);
            let values = r.below(4);
            body.extend((values as u16).to_be_bytes());
            for _ in 0..values {
                let value = *r.pick(PARAMETERS);
                match r.below(6) {
                    0 => body.extend((-1i32).to_be_bytes()),
                    1 => body.extend(r.pick(&[-2i32, i32::MIN, i32::MAX, 100]).to_be_bytes()),
                    _ => {
                        body.extend((value.len() as i32).to_be_bytes());
                        body.extend(value);
                    }
                }
            }
            codes(r, &mut body);
            framed(b'B', &body)
        }
        8..=9 => {
            let mut body = name(r);
            body.extend((*r.pick(&[0i32, 1, 2, 1000, -1, i32::MIN])).to_be_bytes());
            framed(b'E', &body)
        }
        10 => {
            let mut body = vec![*r.pick(b"SPX")];
            body.extend(name(r));
            framed(*r.pick(b"DC"), &body)
        }
        11 => {
            let row = *r.pick(ROWS);
            framed(b'd', row)
        }
        12 => framed(*r.pick(b"cfcH"), b"\0"),
        13 => framed(b'F', b"\0\0\0\x01\0\0\0\0\0\0"),
        _ => framed(b'S', b""),
    }
}

/// Some bytes of a packet are others, or it is longer or shorter than it says.
fn damage(r: &mut Random, packet: &mut Vec<u8>) {
    for _ in 0..=r.below(3) {
        if packet.is_empty() {
            return;
        }
        let at = r.below(packet.len());
        match r.below(5) {
            0 => packet[at] = r.below(256) as u8,
            1 => packet.truncate(at),
            2 => packet.insert(at, r.below(256) as u8),
            3 if packet.len() > 4 => {
                let len = *r.pick(&[0u32, 3, 4, 5, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 24]);
                packet[1..5].copy_from_slice(&len.to_be_bytes());
            }
            _ => packet[at] ^= 1 << r.below(8),
        }
    }
}

fn connection(server: &Server) -> UnixStream {
    let stream = server.raw_unix().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends all, says no more, and reads to the end: the server lets go of a client that has gone.
fn converse(mut stream: UnixStream, packets: &[Vec<u8>], r: &mut Random) {
    for packet in packets {
        let cut = if r.one_in(4) { r.below(packet.len()) } else { packet.len() };
        let (first, second) = packet.split_at(cut);
        if stream.write_all(first).and_then(|()| stream.write_all(second)).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    if let Err(e) = stream.read_to_end(&mut answer) {
        assert_eq!(e.kind(), std::io::ErrorKind::ConnectionReset, "the server holds a dead connection: {packets:?}");
    }
    let fault = answer.windows(19).any(|w| w == b"failed unexpectedly");
    assert!(!fault, "a fault of the server: {packets:?}");
}

/// Streams of messages in any order and state: an answer or an end, for the sender alone.
#[test]
fn messages_of_any_kind_are_answered_or_refused() {
    let (server, mut r, until) = begin(&["fsync=off", "log_min_messages=fatal", "max_connections=200"]);
    let engine = server.engine_pid();
    let mut bystander = server.connect();
    bystander.query("create table h (a int, b text)").unwrap();
    let mut count = 0;
    while Instant::now() < until {
        let stream = connection(&server);
        let mut first = startup();
        let mut packets = Vec::new();
        if r.one_in(8) {
            damage(&mut r, &mut first);
        }
        packets.push(first);
        for _ in 0..r.below(20) {
            let mut packet = message(&mut r);
            if r.one_in(12) {
                damage(&mut r, &mut packet);
            }
            packets.push(packet);
        }
        converse(stream, &packets, &mut r);
        count += packets.len();
        let answer = bystander.query("select 1");
        let sent = || packets.iter().map(|p| String::from_utf8_lossy(p)).collect::<Vec<_>>();
        assert_eq!(answer, Ok(vec!["1".to_string()]), "after {:?}", sent());
    }
    println!("{count} messages");
    drop(bystander);
    unharmed(&server, engine);
}

/// Connections that begin and say nothing take no slot from those that log in, and are let go in time.
#[test]
fn silent_connections_keep_nobody_out() {
    let server = Server::started(&["authentication_timeout=2", "max_connections=20"]);
    let engine = server.engine_pid();
    let half = &startup()[..6];
    let mut silent: Vec<UnixStream> = Vec::new();
    for n in 0..300 {
        let mut stream = server.raw_unix().unwrap();
        if n % 2 == 0 {
            stream.write_all(half).unwrap();
        }
        silent.push(stream);
    }
    assert_eq!(server.connect().query("select 1").unwrap(), ["1"]);
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{rest:?}");
    }
    unharmed(&server, engine);
}
