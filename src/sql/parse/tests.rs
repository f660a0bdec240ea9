//! The parser against what PostgreSQL 15 said of the same texts.

use super::*;
use crate::base::SqlState;
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
            if got != expected && !got.starts_with("0A000") {
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
        if got != expected {
            wrong.push(format!("{text}\n  PostgreSQL: {expected}\n  here:       {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} statements differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What PostgreSQL's `pg_get_viewdef` made of the same expressions, all parentheses shown.
const PRECEDENCE: &str = include_str!("precedence.txt");

/// The one expression of `SELECT …`.
fn expr(text: &str) -> Expr {
    match one(&format!("SELECT {text}")) {
        Stmt::Select(s) => match s.body {
            SelectBody::Select(core) => core.targets.into_iter().next().expect("one target").expr,
            _ => panic!("not a SELECT"),
        },
        _ => panic!("not a SELECT"),
    }
}

fn one(text: &str) -> Stmt {
    let mut stmts = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(stmts.len(), 1, "{text}");
    stmts.remove(0).stmt
}

/// An expression with all parentheses, as PostgreSQL's ruleutils show it.
fn show(e: &Expr) -> String {
    let list = |args: &[Expr], word: &str| {
        let parts: Vec<String> = args.iter().map(show).collect();
        format!("({})", parts.join(word))
    };
    match &e.kind {
        ExprKind::Column { parts, star } => parts.join(".") + if *star { "*" } else { "" },
        ExprKind::Const(Const::Int(n)) => n.to_string(),
        ExprKind::Const(c) => format!("{c:?}"),
        ExprKind::Op { op, left: Some(l), right } => format!("({} {} {})", show(l), op.name, show(right)),
        ExprKind::Op { op, left: None, right } => format!("({} {})", op.name, show(right)),
        ExprKind::And(args) => list(args, " AND "),
        ExprKind::Or(args) => list(args, " OR "),
        ExprKind::Not(arg) => format!("(NOT {})", show(arg)),
        ExprKind::IsNull { arg, negated: false } => format!("({} IS NULL)", show(arg)),
        ExprKind::IsNull { arg, negated: true } => format!("({} IS NOT NULL)", show(arg)),
        ExprKind::IsBool { arg, test } => {
            let word = match test {
                BoolTest::IsTrue => "TRUE",
                BoolTest::IsNotTrue => "NOT TRUE",
                BoolTest::IsFalse => "FALSE",
                BoolTest::IsNotFalse => "NOT FALSE",
                BoolTest::IsUnknown => "UNKNOWN",
                BoolTest::IsNotUnknown => "NOT UNKNOWN",
            };
            format!("({} IS {word})", show(arg))
        }
        ExprKind::Distinct { left, right, negated } => {
            let inner = format!("({} IS DISTINCT FROM {})", show(left), show(right));
            if *negated { format!("(NOT {inner})") } else { inner }
        }
        // PostgreSQL has taken BETWEEN apart by then.
        ExprKind::Between { arg, low, high, negated, .. } => {
            let (a, low, high) = (show(arg), show(low), show(high));
            match negated {
                false => format!("(({a} >= {low}) AND ({a} <= {high}))"),
                true => format!("(({a} < {low}) OR ({a} > {high}))"),
            }
        }
        // The casts of the recorded expressions change nothing.
        ExprKind::Cast { arg, .. } => show(arg),
        other => panic!("{other:?}"),
    }
}

/// Operators nest as PostgreSQL nests them, in recorded random expressions.
#[test]
fn precedence_is_postgresqls() {
    let mut compared = 0;
    for line in PRECEDENCE.lines() {
        let Some((text, expected)) = line.split_once('\t') else { continue };
        assert_eq!(show(&expr(text)), expected, "{text}");
        compared += 1;
    }
    assert!(compared > 200);
}

/// Operators that the recorded expressions have no fitting types for nest as in the grammar.
#[test]
fn the_other_operators_nest() {
    assert_eq!(show(&expr("-1")), "-1");
    assert_eq!(show(&expr("- a ^ b")), "((- a) ^ b)");
    assert_eq!(show(&expr("2 - -1")), "(2 - -1)");
    // A sign binds weaker than a cast: what is cast is 1.
    assert!(matches!(expr("-1::int").kind, ExprKind::Op { left: None, .. }));
    let ExprKind::Like { pattern, .. } = expr("a LIKE b || c").kind else { panic!() };
    assert_eq!(show(&pattern), "(b || c)");
    let ExprKind::Op { op, .. } = expr("a || b COLLATE \"C\"").kind else { panic!() };
    assert_eq!(op.name, "||");
    let ExprKind::Not(inner) = expr("NOT a IN (1, 2)").kind else { panic!() };
    assert!(matches!(inner.kind, ExprKind::In { .. }));
    assert_eq!(show(&expr("a AND b AND c OR d OR (e OR f)")), "((a AND b AND c) OR d OR (e OR f))");
}

/// Special syntax becomes the calls PostgreSQL makes of it.
#[test]
fn special_syntax_is_lowered() {
    let call = |text: &str| match expr(text).kind {
        ExprKind::Func(f) => (f.name.join("."), f.args.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(call("EXTRACT(year FROM a)"), ("pg_catalog.extract".to_owned(), 2));
    assert_eq!(call("TRIM(LEADING 'x' FROM a)"), ("pg_catalog.ltrim".to_owned(), 2));
    assert_eq!(call("SUBSTRING(a FOR 2)"), ("pg_catalog.substring".to_owned(), 3));
    assert_eq!(call("substring(a, 1)"), ("substring".to_owned(), 2));
    assert_eq!(call("POSITION('a' IN b)"), ("pg_catalog.position".to_owned(), 2));
    assert_eq!(call("a AT TIME ZONE 'UTC'"), ("pg_catalog.timezone".to_owned(), 2));
    assert_eq!(call("(a, b) OVERLAPS (c, d)"), ("pg_catalog.overlaps".to_owned(), 4));
    assert!(matches!(expr("a ISNULL").kind, ExprKind::IsNull { negated: false, .. }));
    let ExprKind::Cast { typ, .. } = expr("pg_lsn '0/1'").kind else { panic!() };
    assert_eq!(typ.names, ["pg_lsn"]);
    let ExprKind::Cast { typ, .. } = expr("a::char").kind else { panic!() };
    assert_eq!((typ.names[1].as_str(), typ.typmods.len()), ("bpchar", 1));
}

/// The lexical cases that sqlparser reads silently wrong are read right.
#[test]
fn what_sqlparser_misreads() {
    let column = |text: &str| match expr(text).kind {
        ExprKind::Column { parts, .. } => parts.join("."),
        other => panic!("{other:?}"),
    };
    assert_eq!(column(r#"U&"d\0061t""#), "dat");
    assert_eq!(column("FooBar"), "foobar");
    assert_eq!(column(r#""Foo""Bar""#), "Foo\"Bar");
    let text = |text: &str| match expr(text).kind {
        ExprKind::Const(Const::Str(s)) => s,
        other => panic!("{other:?}"),
    };
    assert_eq!(text("'a''''b'"), "a''b");
    assert_eq!(text(r"'a\b'"), r"a\b");
    assert_eq!(text(r"E'a\nb\'\x41\u00e9'"), "a\nb'A\u{e9}");
    assert_eq!(text("U&'d!0061t' UESCAPE '!'"), "dat");
    assert_eq!(text("$a$x$b$y$a$"), "x$b$y");
    assert_eq!(text("'a'\n  'b'"), "ab");
    let operator = |text: &str| match expr(text).kind {
        ExprKind::Op { op, .. } => op.name,
        other => panic!("{other:?}"),
    };
    assert_eq!(operator("a <| b"), "<|");
    assert_eq!(operator("a <<| b"), "<<|");
    assert_eq!(operator("a !=-1"), "!=-");
    assert_eq!(operator("a <>-1"), "<>");
    assert_eq!(operator("a*-1"), "*");
    assert_eq!(operator("a @-1"), "@-");
    assert_eq!(operator("a +/* comment */ b"), "+");
    assert_eq!(operator("a ?| b"), "?|");
    let Stmt::ShowVariable(s) = one("SHOW a.b") else { panic!() };
    assert_eq!(s.name.as_deref(), Some("a.b"));
    assert!(parse("SELECT 0x80").is_err());
}

/// Each statement of a string knows its bytes, as STATEMENT lines and pg_stat_activity need them.
#[test]
fn statements_know_their_text() {
    let text = "select 1; ;\n  select 'é;' ;-- end\n";
    let stmts = parse(text).expect("valid");
    let texts: Vec<&str> = stmts.iter().map(|s| s.text(text)).collect();
    assert_eq!(texts, ["select 1", "\n  select 'é;' "]);
    assert_eq!(parse(" ;; -- nothing\n;").expect("valid").len(), 0);
}

/// Positions count characters from 1 in the whole string, behind text of several bytes, too.
#[test]
fn positions_are_characters() {
    let e = parse("select 'éé'; select form form form").expect_err("invalid");
    assert_eq!((e.0.position, e.message()), (Some(31), "syntax error at or near \"form\""));
    let e = expr("'é' || lower(x)");
    assert_eq!(cursor("SELECT 'é' || lower(x)", e.pos), Some(12));
    assert_eq!(e.start(), 7);
}

/// Long names are cut at a character with a notice, once each, and not behind a syntax error.
#[test]
fn long_identifiers_are_cut() {
    let name = "é".repeat(40);
    let mut notices = Vec::new();
    let text = format!("select {name} from t");
    let stmts = parse_with(&text, &ParseOptions::default(), &mut notices).expect("valid");
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].message, format!("identifier \"{name}\" will be truncated to \"{}\"", "é".repeat(31)));
    assert!(format!("{stmts:?}").contains(&"é".repeat(31)));
    notices.clear();
    assert!(parse_with(&format!("form {name}"), &ParseOptions::default(), &mut notices).is_err());
    assert!(notices.is_empty());
}

/// Without standard_conforming_strings a plain string has escapes.
#[test]
fn old_strings_have_escapes() {
    let options = ParseOptions { standard_conforming_strings: false, ..ParseOptions::default() };
    let mut notices = Vec::new();
    let stmts = parse_with(r"select 'a\tb\'c', 'plain', E'\t' -- it's", &options, &mut notices).expect("valid");
    assert!(format!("{stmts:?}").contains(r#"Str("a\tb'c")"#), "{stmts:?}");
    let told: Vec<_> = notices.iter().map(|n| (n.message.as_str(), n.position)).collect();
    assert_eq!(told, [("nonstandard use of escape in a string literal", Some(8))]);
    let options = ParseOptions { backslash_quote: false, ..options };
    assert!(parse_with(r"select E'\''", &options, &mut Vec::new()).is_err());
}

/// Nesting ends in 54001, never in an overflow, however it is built; what is accepted can be dropped on a small stack.
#[test]
fn depth_is_limited() {
    let around =
        |open: &str, inner: &str, close: &str| format!("select {}{inner}{}", open.repeat(50_000), close.repeat(50_000));
    let deep = [
        around("(", "1", ")"),
        around("- ", "1", ""),
        around("not ", "true", ""),
        around("", "1", " + 1"),
        around("", "a", "::int"),
        around("array[", "1", "]"),
        around("f(", "1", ")"),
        around("", "1", " union select 1"),
        around("(select ", "1", ")"),
        around("", "* from t", " cross join t"),
        around("case when true then ", "1", " end"),
    ];
    for text in &deep {
        let e = parse(text).expect_err("too deep");
        assert_eq!(e.sqlstate(), SqlState::STATEMENT_TOO_COMPLEX, "{}", &text[..40]);
    }
    // Wide is not deep.
    assert!(parse(&format!("select 1 where true{}", " or a = 1".repeat(50_000))).is_ok());
    assert!(parse(&format!("select 1 where a in (1{})", ", 1".repeat(100_000))).is_ok());
    let chain = format!("select 1{}", " + 1".repeat(MAX_DEPTH - 10));
    let dropper = std::thread::Builder::new().stack_size(2 << 20).spawn(move || drop(parse(&chain).expect("valid")));
    dropper.expect("a thread").join().expect("no overflow");
}

/// No text makes the parser panic: prefixes of the recorded statements, and bytes put into them.
#[test]
fn never_panics() {
    for line in GOLDEN.lines().step_by(31) {
        let Some((text, _)) = line.rsplit_once('\t') else { continue };
        let text = unescape(text);
        for (i, _) in text.char_indices().step_by(3) {
            let _ = parse(&text[..i]);
            for c in ["'", "\"", "$", "\\", "(", "é", ";", "\u{b}"] {
                let _ = parse(&format!("{}{c}{}", &text[..i], &text[i..]));
            }
        }
    }
}

/// The classes and tags that the session asks for.
#[test]
fn tags_and_classes() {
    let tag = |text: &str| one(text).tag();
    assert_eq!(tag("values (1)"), "SELECT");
    assert_eq!(tag("alter sequence s restart"), "ALTER SEQUENCE");
    assert_eq!(tag("alter index i rename to j"), "ALTER INDEX");
    assert_eq!(tag("drop materialized view v"), "DROP MATERIALIZED VIEW");
    assert_eq!(tag("analyze"), "ANALYZE");
    assert_eq!(tag("end"), "COMMIT");
    assert_eq!(tag("prepare transaction 'x'"), "PREPARE TRANSACTION");
    assert_eq!(tag("truncate t"), "TRUNCATE TABLE");
    assert_eq!(tag("alter table t rename a to b"), "ALTER TABLE");
    assert_eq!(tag("move c"), "MOVE");
    assert!(one("rollback to a").is_transaction_exit());
    assert!(!one("savepoint a").is_transaction_exit());
    assert_eq!(one("select 1 into t").read_only_class(), ReadOnlyClass::NotReadOnly);
    assert_eq!(one("vacuum").read_only_class(), ReadOnlyClass::OkInReadOnlyXact);
    assert_eq!(one("select 1").kind(), StmtKind::Query);
}

/// How long the statements of pgbench take; run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn time_of_pgbench_statements() {
    let texts = [
        "BEGIN;",
        "select 1",
        "SELECT abalance FROM pgbench_accounts WHERE aid = 123456;",
        "UPDATE pgbench_accounts SET abalance = abalance + 1234 WHERE aid = 123456;",
        "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, 123456, 789, CURRENT_TIMESTAMP);",
    ];
    for text in texts {
        let mut best = u128::MAX;
        for _ in 0..7 {
            let start = std::time::Instant::now();
            for _ in 0..10_000 {
                std::hint::black_box(parse(std::hint::black_box(text)).is_ok());
            }
            best = best.min(start.elapsed().as_nanos() / 10_000);
        }
        println!("{best:6} ns  {text}");
    }
}
