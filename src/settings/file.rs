//! Reading `postgresql.conf`: name = value lines, comments, quotes, include directives.
//!
//! PostgreSQL 15, guc-file.l: same grammar, texts and limits.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How configuration files are reached; `disk` has the real one, tests use a map.
pub trait ConfigFiles: Send + Sync {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Names in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Replaces a file so that after a crash it is the old one or the new one.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
}

/// One setting read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub name: String,
    pub value: String,
    pub file: Arc<str>,
    pub line: u32,
}

/// Something wrong with a file; the text is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub message: String,
    pub file: Arc<str>,
    pub line: u32,
}

/// What a configuration file and all it includes say, in order.
#[derive(Default, Debug)]
pub struct Parsed {
    pub items: Vec<Item>,
    pub faults: Vec<Fault>,
    /// Lines for the log that are no errors.
    pub notes: Vec<String>,
}

const MAX_DEPTH: usize = 10;
const MAX_FAULTS: usize = 100;

/// Reads a file; `strict` makes a missing one a fault.
pub fn parse_file(files: &dyn ConfigFiles, path: &Path, strict: bool) -> Parsed {
    let mut parsed = Parsed::default();
    read(files, path, strict, 0, None, &mut parsed);
    parsed
}

/// Reads text that came from nowhere else (tests, `postgresql.auto.conf` already in memory).
pub fn parse_text(files: &dyn ConfigFiles, text: &str, path: &Path) -> Parsed {
    let mut parsed = Parsed::default();
    parse(files, text, path, 0, &mut parsed);
    parsed
}

fn read(
    files: &dyn ConfigFiles,
    path: &Path,
    strict: bool,
    depth: usize,
    from: Option<(&Arc<str>, u32)>,
    out: &mut Parsed,
) {
    let shown = path.display();
    let (file, line) = from.map_or_else(|| (Arc::from(path.to_string_lossy()), 0), |(f, l)| (f.clone(), l));
    if depth > MAX_DEPTH {
        let message = format!("could not open configuration file \"{shown}\": maximum nesting depth exceeded");
        out.faults.push(Fault { message, file, line });
        return;
    }
    match files.read(path) {
        Ok(bytes) => parse(files, &String::from_utf8_lossy(&bytes), path, depth, out),
        Err(e) if strict => {
            let message = format!("could not open configuration file \"{shown}\": {}", os_text(&e));
            out.faults.push(Fault { message, file, line });
        }
        Err(_) => out.notes.push(format!("skipping missing configuration file \"{shown}\"")),
    }
}

/// The system's words for an I/O error, without Rust's "(os error n)".
pub fn os_text(e: &io::Error) -> String {
    let text = e.to_string();
    match text.rfind(" (os error") {
        Some(at) => text[..at].to_string(),
        None => text,
    }
}

fn parse(files: &dyn ConfigFiles, text: &str, path: &Path, depth: usize, out: &mut Parsed) {
    let file: Arc<str> = Arc::from(path.to_string_lossy());
    let mut faults = 0;
    for (i, line) in text.split('\n').enumerate() {
        let number = i as u32 + 1;
        match parse_line(line) {
            Ok(None) => {}
            Ok(Some((name, value))) => directive(files, path, depth, &file, number, name, value, out),
            Err(near) => {
                let place = match near {
                    None => "near end of line".to_string(),
                    Some(token) => format!("near token \"{token}\""),
                };
                let message = format!("syntax error in file \"{file}\" line {number}, {place}");
                out.faults.push(Fault { message, file: file.clone(), line: number });
                faults += 1;
                if faults >= MAX_FAULTS {
                    let message = format!("too many syntax errors found, abandoning file \"{file}\"");
                    out.faults.push(Fault { message, file: file.clone(), line: number });
                    return;
                }
            }
        }
    }
}

fn directive(
    files: &dyn ConfigFiles,
    path: &Path,
    depth: usize,
    file: &Arc<str>,
    line: u32,
    name: &str,
    value: String,
    out: &mut Parsed,
) {
    let place = Some((file, line));
    match name.to_ascii_lowercase().as_str() {
        "include" => read(files, &beside(path, &value), true, depth + 1, place, out),
        "include_if_exists" => read(files, &beside(path, &value), false, depth + 1, place, out),
        "include_dir" => include_dir(files, &beside(path, &value), depth, file, line, out),
        _ => out.items.push(Item { name: name.to_string(), value, file: file.clone(), line }),
    }
}

/// A relative name means: beside the file that includes it.
fn beside(path: &Path, name: &str) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(name)
}

fn include_dir(files: &dyn ConfigFiles, dir: &Path, depth: usize, file: &Arc<str>, line: u32, out: &mut Parsed) {
    let mut names = match files.list(dir) {
        Ok(names) => names,
        Err(e) => {
            let message = format!("could not open configuration directory \"{}\": {}", dir.display(), os_text(&e));
            out.faults.push(Fault { message, file: file.clone(), line });
            return;
        }
    };
    names.retain(|n| n.ends_with(".conf") && !n.starts_with('.'));
    names.sort();
    for name in names {
        read(files, &dir.join(name), true, depth + 1, Some((file, line)), out);
    }
}

type Near = Option<String>;

/// One line: nothing, or a name and its value. The error names the token that does not fit.
fn parse_line(line: &str) -> Result<Option<(&str, String)>, Near> {
    let mut rest = blank(line);
    let name = match token(rest) {
        None => return Ok(None),
        Some(t) if t.kind == Kind::Name => t,
        Some(t) => return Err(Some(t.text.to_string())),
    };
    rest = blank(&rest[name.text.len()..]);
    if let Some(after) = rest.strip_prefix('=') {
        rest = blank(after);
    }
    let value = match token(rest) {
        None => return Err(None),
        Some(t) if matches!(t.kind, Kind::Name | Kind::Bare | Kind::Quoted) => t,
        Some(t) => return Err(Some(t.text.to_string())),
    };
    let after = blank(&rest[value.text.len()..]);
    if let Some(t) = token(after) {
        return Err(Some(t.text.to_string()));
    }
    let text = if value.kind == Kind::Quoted { unquote(value.text) } else { value.text.to_string() };
    Ok(Some((name.text, text)))
}

fn blank(s: &str) -> &str {
    s.trim_start_matches([' ', '\t', '\r'])
}

#[derive(PartialEq)]
enum Kind {
    /// A word or a dotted word: a parameter's name, or a value.
    Name,
    /// A number with a unit, or a word with one of `-._:/`.
    Bare,
    Quoted,
    Other,
}

struct Token<'a> {
    kind: Kind,
    text: &'a str,
}

/// The token at the start of `s`; `None` at the end or a comment.
fn token(s: &str) -> Option<Token<'_>> {
    let first = s.chars().next()?;
    if first == '#' {
        return None;
    }
    if first == '\'' {
        return Some(quoted(s));
    }
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    if letter(first) {
        let bare = |c: char| letter(c) || c.is_ascii_digit() || matches!(c, '-' | '.' | '_' | ':' | '/');
        let len = s.find(|c| !bare(c)).unwrap_or(s.len());
        let text = &s[..len];
        return Some(Token { kind: if is_name(text) { Kind::Name } else { Kind::Bare }, text });
    }
    let len = number_len(s);
    if len > 0 {
        return Some(Token { kind: Kind::Bare, text: &s[..len] });
    }
    Some(Token { kind: Kind::Other, text: &s[..first.len_utf8()] })
}

/// A word, or two words with one dot between.
fn is_name(text: &str) -> bool {
    let word = |w: &str| {
        !w.is_empty()
            && !w.starts_with(|c: char| c.is_ascii_digit())
            && w.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii())
    };
    match text.split_once('.') {
        None => word(text),
        Some((a, b)) => word(a) && word(b),
    }
}

fn quoted(s: &str) -> Token<'_> {
    let b = s.as_bytes();
    let mut i = 1;
    while i < b.len() {
        match b[i] {
            b'\\' => i += 2,
            b'\'' if b.get(i + 1) == Some(&b'\'') => i += 2,
            b'\'' => return Token { kind: Kind::Quoted, text: &s[..=i] },
            _ => i += 1,
        }
    }
    Token { kind: Kind::Other, text: "'" }
}

/// Sign, digits with fraction and exponent, or hexadecimal digits; then unit letters.
fn number_len(s: &str) -> usize {
    let b = s.as_bytes();
    let sign = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    let digits = |from: usize| b.get(from..).map_or(0, |r| r.iter().take_while(|c| c.is_ascii_digit()).count());
    let letters = |from: usize| b.get(from..).map_or(0, |r| r.iter().take_while(|c| c.is_ascii_alphabetic()).count());
    if b.get(sign) == Some(&b'0') && b.get(sign + 1) == Some(&b'x') {
        let hex = b[sign + 2..].iter().take_while(|c| c.is_ascii_hexdigit()).count();
        let end = sign + 2 + hex;
        return if hex == 0 { 0 } else { end + letters(end) };
    }
    let mut end = sign + digits(sign);
    let mut any = end > sign;
    if b.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        any |= fraction > 0;
        end += 1 + fraction;
    }
    if !any {
        return 0;
    }
    if matches!(b.get(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(b.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + signed);
        if exponent > 0 {
            end += 1 + signed + exponent;
        }
    }
    end + letters(end)
}

/// Removes the quotes; `''` is a quote, backslash escapes are C's.
fn unquote(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let b = &text.as_bytes()[1..text.len() - 1];
    let mut i = 0;
    while i < b.len() {
        match b[i] {
            b'\\' if i + 1 < b.len() => {
                i += 1;
                match b[i] {
                    b'b' => out.push(8),
                    b'f' => out.push(12),
                    b'n' => out.push(b'\n'),
                    b'r' => out.push(b'\r'),
                    b't' => out.push(b'\t'),
                    b'0'..=b'7' => {
                        let mut n: u32 = 0;
                        let mut len = 0;
                        while len < 3 && matches!(b.get(i + len), Some(b'0'..=b'7')) {
                            n = n * 8 + u32::from(b[i + len] - b'0');
                            len += 1;
                        }
                        out.push(n as u8);
                        i += len - 1;
                    }
                    c => out.push(c),
                }
            }
            b'\'' => {
                out.push(b'\'');
                i += 1;
            }
            c => out.push(c),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Writes a value so that [`parse_file`] reads it back.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::sync::Mutex;

    /// Configuration files in memory.
    #[derive(Default)]
    pub struct Memory(pub Mutex<HashMap<PathBuf, String>>);

    impl Memory {
        pub fn with(files: &[(&str, &str)]) -> Arc<Memory> {
            let map = files.iter().map(|(p, t)| (PathBuf::from(p), t.to_string())).collect();
            Arc::new(Memory(Mutex::new(map)))
        }
    }

    impl ConfigFiles for Memory {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            let map = self.0.lock().unwrap();
            map.get(path).map(|t| t.clone().into_bytes()).ok_or_else(|| io::Error::from_raw_os_error(2))
        }
        fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
            let map = self.0.lock().unwrap();
            let below = map.keys().filter(|p| p.parent() == Some(dir));
            Ok(below.filter_map(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned()).collect())
        }
        fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.lock().unwrap().insert(path.into(), text);
            Ok(())
        }
    }

    /// Names, quotes, escapes, units, comments and missing equal signs all read as PostgreSQL reads them.
    #[test]
    fn lines() {
        let ok = |s: &str| parse_line(s).unwrap().map(|(n, v)| format!("{n}={v}"));
        assert_eq!(ok("work_mem = 4MB # x").as_deref(), Some("work_mem=4MB"));
        assert_eq!(ok("  work_mem 4MB").as_deref(), Some("work_mem=4MB"));
        assert_eq!(ok("a.b='it''s \\'x\\' \\101'").as_deref(), Some("a.b=it's 'x' A"));
        assert_eq!(ok("port=0x1F").as_deref(), Some("port=0x1F"));
        assert_eq!(ok("x = -1.5e3ms").as_deref(), Some("x=-1.5e3ms"));
        assert_eq!(ok("lc = en_US.UTF-8").as_deref(), Some("lc=en_US.UTF-8"));
        assert_eq!(ok("\r"), None);
        assert_eq!(ok("# only a comment"), None);
        assert_eq!(parse_line("work_mem ="), Err(None));
        assert_eq!(parse_line("work_mem"), Err(None));
        assert_eq!(parse_line("a = b c"), Err(Some("c".into())));
        assert_eq!(parse_line("= 5"), Err(Some("=".into())));
        assert_eq!(parse_line("a = 'b"), Err(Some("'".into())));
    }

    /// A quoted value reads back as it was, whatever is in it.
    #[test]
    fn quoting_returns() {
        for text in ["", "it's", "a\\b", "'", "\\'", "%m [%p] "] {
            assert_eq!(unquote(&quote(text)), text);
        }
    }

    /// Includes are read in place, directories in the order of names, and a circle ends at the depth limit.
    #[test]
    fn includes() {
        let files = Memory::with(&[
            ("/d/main.conf", "a=1\ninclude 'sub.conf'\ninclude_dir 'dir'\ninclude_if_exists 'no.conf'\nz=9\n"),
            ("/d/sub.conf", "b=2"),
            ("/d/dir/2.conf", "d=4"),
            ("/d/dir/1.conf", "c=3"),
            ("/d/dir/.hidden.conf", "x=x"),
            ("/d/dir/readme", "bad line here"),
            ("/d/loop.conf", "include 'loop.conf'"),
            ("/d/gone.conf", "include 'none.conf'"),
        ]);
        let parsed = parse_file(&*files, Path::new("/d/main.conf"), true);
        let got: Vec<_> = parsed.items.iter().map(|i| (i.name.as_str(), i.value.as_str(), i.line)).collect();
        assert_eq!(got, [("a", "1", 1), ("b", "2", 1), ("c", "3", 1), ("d", "4", 1), ("z", "9", 5)]);
        assert_eq!(parsed.notes, ["skipping missing configuration file \"/d/no.conf\""]);
        let circle = parse_file(&*files, Path::new("/d/loop.conf"), true);
        assert!(circle.faults[0].message.ends_with("maximum nesting depth exceeded"));
        let gone = parse_file(&*files, Path::new("/d/gone.conf"), true);
        assert_eq!(
            gone.faults[0].message,
            "could not open configuration file \"/d/none.conf\": No such file or directory"
        );
    }
}
