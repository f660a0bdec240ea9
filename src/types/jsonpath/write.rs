//! A path as text (PostgreSQL 15, jsonpath.c, printJsonPathItem: same brackets).

use super::{Item, Kind, Path};
use crate::types::json::write_string;

pub fn write(path: &Path) -> String {
    let mut out = Vec::new();
    if path.strict {
        out.extend_from_slice(b"strict ");
    }
    item(&path.root, true, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn item(i: &Item, brackets: bool, out: &mut Vec<u8>) {
    // The point of an accessor must not be read as the number's.
    let number = matches!(i.kind, Kind::Number(_)) && !i.next.is_empty();
    if number {
        out.push(b'(');
    }
    kind(&i.kind, false, brackets, out);
    if number {
        out.push(b')');
    }
    i.next.iter().for_each(|k| kind(k, true, true, out));
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn bounds(first: u32, last: u32) -> String {
    const LAST: u32 = u32::MAX;
    match (first, last) {
        (0, LAST) => "**".into(),
        (LAST, LAST) => "**{last}".into(),
        (a, b) if a == b => format!("**{{{a}}}"),
        (LAST, b) => format!("**{{last to {b}}}"),
        (a, LAST) => format!("**{{{a} to last}}"),
        (a, b) => format!("**{{{a} to {b}}}"),
    }
}

fn kind(k: &Kind, in_chain: bool, brackets: bool, out: &mut Vec<u8>) {
    let dot = |out: &mut Vec<u8>| {
        if in_chain {
            out.push(b'.');
        }
    };
    let wrapped = |out: &mut Vec<u8>, f: &dyn Fn(&mut Vec<u8>)| {
        if brackets {
            out.push(b'(');
        }
        f(out);
        if brackets {
            out.push(b')');
        }
    };
    let own = k.priority();
    match k {
        Kind::Null => put(out, "null"),
        Kind::Bool(b) => put(out, if *b { "true" } else { "false" }),
        Kind::Number(n) => n.write_text(out),
        Kind::String(s) => write_string(s, out),
        Kind::Variable(name) => {
            out.push(b'$');
            write_string(name, out);
        }
        Kind::Root => out.push(b'$'),
        Kind::Current => out.push(b'@'),
        Kind::Last => put(out, "last"),
        Kind::Key(name) => {
            dot(out);
            write_string(name, out);
        }
        Kind::AnyKey => {
            dot(out);
            out.push(b'*');
        }
        Kind::AnyArray => put(out, "[*]"),
        Kind::Index(list) => {
            out.push(b'[');
            for (n, (from, to)) in list.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                item(from, false, out);
                if let Some(to) = to {
                    put(out, " to ");
                    item(to, false, out);
                }
            }
            out.push(b']');
        }
        Kind::Any(first, last) => {
            dot(out);
            put(out, &bounds(*first, *last));
        }
        Kind::Method(m) => put(out, &format!(".{}()", m.name())),
        Kind::Datetime(None) => put(out, ".datetime()"),
        Kind::Datetime(Some(template)) => {
            put(out, ".datetime(");
            write_string(template, out);
            out.push(b')');
        }
        Kind::Filter(f) => {
            put(out, "?(");
            item(f, false, out);
            out.push(b')');
        }
        Kind::Binary(op, left, right) => wrapped(out, &|out| {
            item(left, left.kind.priority() <= own, out);
            put(out, &format!(" {} ", op.sign()));
            item(right, right.kind.priority() <= own, out);
        }),
        Kind::Plus(a) | Kind::Minus(a) => wrapped(out, &|out| {
            out.push(if matches!(k, Kind::Plus(_)) { b'+' } else { b'-' });
            item(a, a.kind.priority() <= own, out);
        }),
        Kind::Not(a) => {
            put(out, "!(");
            item(a, false, out);
            out.push(b')');
        }
        Kind::IsUnknown(a) => {
            out.push(b'(');
            item(a, false, out);
            put(out, ") is unknown");
        }
        Kind::Exists(a) => {
            put(out, "exists (");
            item(a, false, out);
            out.push(b')');
        }
        Kind::LikeRegex(a, pattern, flags) => wrapped(out, &|out| {
            item(a, a.kind.priority() <= own, out);
            put(out, " like_regex ");
            write_string(pattern, out);
            if !flags.is_empty() {
                put(out, &format!(" flag \"{flags}\""));
            }
        }),
    }
}
