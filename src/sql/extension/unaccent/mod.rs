//! `unaccent`: text without accents.
//!
//! PostgreSQL reads the rules from a file, which was made from Unicode's data; here the decompositions of
//! `unicode-normalization` give most of them, and `rules.txt` has the others (a line: what it becomes, a tab, the characters).

use super::{Code, Extension, PLAIN};
use crate::base::Result;
use crate::sql::func::FnContext;
use crate::types::{Column, Datum};
use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

pub(super) const EXTENSION: Extension = Extension {
    name: "unaccent",
    version: "1.1",
    comment: "text search dictionary that removes accents",
    script: "-- Left out: the dictionary, and its template.
        CREATE FUNCTION unaccent(text) RETURNS text LANGUAGE C STABLE STRICT PARALLEL SAFE
        AS 'MODULE_PATHNAME', 'unaccent_dict';",
    code: &[("unaccent_dict", Code::Scalar(unaccent))],
    ..PLAIN
};

/// Where characters become what is left of their decomposition.
const RANGES: &[(u32, u32)] = &[
    (0xc0, 0x1e1),
    (0x1e6, 0x1ed),
    (0x1f0, 0x1fb),
    (0x200, 0x233),
    (0x300, 0x362),
    (0x386, 0x386),
    (0x388, 0x3ce),
    (0x401, 0x401),
    (0x451, 0x451),
    (0x1e00, 0x1e99),
    (0x1ea0, 0x1f70),
    (0x1f72, 0x1f72),
    (0x1f74, 0x1f74),
    (0x1f76, 0x1f76),
    (0x1f78, 0x1f78),
    (0x1f7a, 0x1f7a),
    (0x1f7c, 0x1f7c),
    (0x1f80, 0x1fba),
    (0x1fbc, 0x1fbc),
    (0x1fc2, 0x1fc8),
    (0x1fca, 0x1fca),
    (0x1fcc, 0x1fcc),
    (0x1fd0, 0x1fd2),
    (0x1fd6, 0x1fda),
    (0x1fe0, 0x1fe2),
    (0x1fe4, 0x1fea),
    (0x1fec, 0x1fec),
    (0x1ff2, 0x1ff8),
    (0x1ffa, 0x1ffa),
    (0x1ffc, 0x1ffc),
    (0x2024, 0x2026),
    (0x203c, 0x203c),
    (0x2047, 0x2049),
    (0x2100, 0x2106),
    (0x2109, 0x210e),
    (0x2110, 0x211d),
    (0x2121, 0x2121),
    (0x2124, 0x2124),
    (0x2128, 0x2128),
    (0x212c, 0x2134),
    (0x2139, 0x213b),
    (0x2145, 0x217f),
    (0x2474, 0x24b5),
    (0x2a74, 0x2a76),
    (0x3371, 0x3377),
    (0x337a, 0x337a),
    (0x3380, 0x3381),
    (0x3383, 0x338b),
    (0x338e, 0x3394),
    (0x3399, 0x339a),
    (0x339c, 0x339e),
    (0x33a9, 0x33ad),
    (0x33b0, 0x33b1),
    (0x33b3, 0x33b5),
    (0x33b7, 0x33bb),
    (0x33bd, 0x33bf),
    (0x33c2, 0x33dd),
    (0xfb00, 0xfb06),
    (0xfe10, 0xfe16),
    (0xfe19, 0xfe19),
    (0xfe30, 0xfe30),
    (0xfe35, 0xfe38),
    (0xfe47, 0xfe48),
    (0xfe50, 0xfe6b),
    (0xff01, 0xff5e),
    (0x1f100, 0x1f129),
];

static OTHERS: LazyLock<HashMap<char, &'static str>> = LazyLock::new(|| {
    let rules = include_str!("rules.txt").lines().filter_map(|l| l.split_once('\t'));
    // Blanks before what a character becomes are not part of it.
    rules.flat_map(|(to, from)| from.chars().map(move |c| (c, to.trim_start()))).collect()
});

fn append(c: char, out: &mut String) {
    if c.is_ascii() {
        return out.push(c);
    }
    if let Some(to) = OTHERS.get(&c) {
        return out.push_str(to);
    }
    let at = RANGES.partition_point(|(_, end)| *end < u32::from(c));
    match RANGES.get(at).is_some_and(|(start, _)| *start <= u32::from(c)) {
        true => out.extend(std::iter::once(c).nfkd().filter(|d| !is_combining_mark(*d))),
        false => out.push(c),
    }
}

fn unaccent(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut plain = String::new();
    args[0].str().chars().for_each(|c| append(c, &mut plain));
    out.push(Datum::Bytes(plain.as_bytes()));
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn accents_go() {
        let plain = |text: &str| {
            let mut out = String::new();
            text.chars().for_each(|c| super::append(c, &mut out));
            out
        };
        assert_eq!(plain("Hôtel Ærøskøbing, Łódź, straße"), "Hotel AEroskobing, Lodz, strasse");
        assert_eq!(plain("½ “x” Ё ά 日本 a\u{301}"), "1/2 \"x\" Е α 日本 a");
    }
}
