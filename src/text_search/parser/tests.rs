//! What PostgreSQL 15 makes of the same texts in the locale C.

use super::{Letters, Parser};

fn tokens(text: &str) -> String {
    let found: Vec<String> = Parser::new(text, Letters::C).map(|(t, s)| format!("{}[{s}]", t.alias())).collect();
    found.join(" ")
}

#[test]
fn words_and_numbers() {
    assert_eq!(tokens("the fat cat"), "asciiword[the] blank[ ] asciiword[fat] blank[ ] asciiword[cat]");
    assert_eq!(tokens("x1 été 1x"), "numword[x1] blank[ ] word[été] blank[ ] numword[1x]");
    assert_eq!(
        tokens("-12 +3.5 4.5e-7 1.2.3 42"),
        "int[-12] blank[ ] float[+3.5] blank[ ] sfloat[4.5e-7] blank[ ] version[1.2.3] blank[ ] uint[42]"
    );
    assert_eq!(tokens("-1.2.3"), "blank[-] version[1.2.3]");
}

#[test]
fn hyphens() {
    assert_eq!(
        tokens("up-to-date"),
        "asciihword[up-to-date] hword_asciipart[up] blank[-] hword_asciipart[to] blank[-] hword_asciipart[date]"
    );
    assert_eq!(tokens("foo-beta1"), "numhword[foo-beta1] hword_asciipart[foo] blank[-] hword_numpart[beta1]");
    assert_eq!(tokens("a- b"), "asciiword[a] blank[- ] asciiword[b]");
}

#[test]
fn addresses() {
    assert_eq!(
        tokens("http://example.com/stuff/index.html?x=1"),
        "protocol[http://] url[example.com/stuff/index.html?x=1] host[example.com] url_path[/stuff/index.html?x=1]"
    );
    assert_eq!(tokens("me@example.com:80, x"), "email[me@example.com:80] blank[, ] asciiword[x]");
    assert_eq!(tokens("/usr/local/bin.x ../y"), "file[/usr/local/bin.x] blank[ ..] file[/y]");
}

#[test]
fn markup() {
    assert_eq!(tokens("<a href=\"x\">b</a>&amp;"), "tag[<a href=\"x\">] asciiword[b] tag[</a>] entity[&amp;]");
    assert_eq!(tokens("<script>a b</script>c"), "tag[<script>] blank[a b] tag[</script>] asciiword[c]");
    assert_eq!(tokens("<!-- x --><br/>"), "tag[<!-- x -->] tag[<br/>]");
    assert_eq!(tokens("<"), "blank[<]");
}

/// The tokens of any text are its pieces, and there is an end.
#[test]
fn nothing_hurts() {
    let signs = ["a", "1", "-", ".", "/", "@", ":", "<", ">", "&", ";", "é", " ", "_", "?", "'", "\\", "e", "+", "~"];
    let mut seed = 7u64;
    for _ in 0..3000 {
        let mut text = String::new();
        for _ in 0..12 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            text.push_str(signs[(seed >> 33) as usize % signs.len()]);
        }
        assert!(Parser::new(&text, Letters::C).take(100).count() < 100, "{text}");
    }
}
