//! The parser against what PostgreSQL 15 said of the same texts.

use super::*;
use crate::sql::ast::*;

/// `text<TAB>ok` or `text<TAB>SQLSTATE position message`, recorded from PostgreSQL 15.
const GOLDEN: &str = include_str!("golden.txt");

fn unescape(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(c) => out.push(c),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// Our outcome in the golden file's form.
fn outcome(text: &str) -> String {
    match parse(text) {
        Ok(_) => "ok".to_owned(),
        Err(e) => {
            let position = e.0.position.map_or("-".to_owned(), |p| p.to_string());
            format!("{} {position} {}", e.sqlstate().as_str(), e.message().replace('\n', "\\n"))
        }
    }
}

/// Accepting, refusing, SQLSTATE, position and message agree with PostgreSQL on the recorded statements. With
/// `OUTLAST_PARSE_CORPUS=file` the same is asked of another recording, and differences are printed, not failed.
#[test]
fn agrees_with_postgresql() {
    if let Ok(path) = std::env::var("OUTLAST_PARSE_CORPUS") {
        let corpus = std::fs::read_to_string(path).expect("the corpus is readable");
        let mut wrong = 0;
        for line in corpus.lines() {
            let Some((text, expected)) = line.rsplit_once('\t') else { continue };
            let got = outcome(&unescape(text));
            if got != unescape_outcome(expected) && !got.starts_with("0A000") {
                wrong += 1;
                println!("TEXT {text}\n  PG   {expected}\n  OURS {got}");
            }
        }
        println!("{wrong} of {} differ", corpus.lines().count());
        return;
    }
    let mut wrong = Vec::new();
    for line in GOLDEN.lines() {
        let Some((text, expected)) = line.rsplit_once('\t') else { continue };
        let got = outcome(&unescape(text));
        if got != unescape_outcome(expected) {
            wrong.push(format!("{text}\n  PostgreSQL: {expected}\n  here:       {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} statements differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Messages keep their line breaks escaped on both sides.
fn unescape_outcome(expected: &str) -> String {
    expected.to_owned()
}

/// The one expression of `SELECT …`.
fn expr(text: &str) -> Expr {
    let stmts = parse(&format!("SELECT {text}")).unwrap_or_else(|e| panic!("{text}: {e}"));
    match stmts.into_iter().next().map(|s| s.stmt) {
        Some(Stmt::Select(s)) => match s.body {
            SelectBody::Select(core) => core.targets.into_iter().next().expect("one target").expr,
            _ => panic!("not a SELECT"),
        },
        _ => panic!("not a SELECT"),
    }
}
