//! `citext`: text whose case does not matter.

use super::code::TypeCode;
use super::text;

pub static CODE: TypeCode = TypeCode {
    input: ("citext", "citextin"),
    name: "citext",
    read: |s| Ok(s.as_bytes().to_vec()),
    show: |b, out| out.extend_from_slice(b),
    receive: |b| Ok(text::check(b)?.as_bytes().to_vec()),
    send: |b, out| out.extend_from_slice(b),
    key: Some(encode_key),
};

/// A character's small letter, where it is one character.
pub fn small(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(m), None) => m,
        _ => c,
    }
}

/// The text by which values are compared: what `lower` makes of it.
pub fn folded(text: &str) -> String {
    text.chars().map(small).collect()
}

fn encode_key(b: &[u8], out: &mut Vec<u8>) {
    // Text on pages is UTF-8; a damaged one still has an order.
    out.extend_from_slice(folded(&String::from_utf8_lossy(b)).as_bytes());
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_case() {
        let key = |s: &str| {
            let mut out = Vec::new();
            encode_key(s.as_bytes(), &mut out);
            out
        };
        assert_eq!(key("Straße ÄÖ"), key("sTRAßE äö"));
        assert!(key("aB") < key("ABC") && key("b") > key("Az"));
    }
}
