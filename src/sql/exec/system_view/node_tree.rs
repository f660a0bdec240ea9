//! A view's query as `pg_rewrite.ev_action` shows it. PostgreSQL keeps its parse trees as text there, and tools read one
//! thing out of it: which table column each output column is. That much is written here, in the same form; the
//! expressions, which are nobody's but PostgreSQL's, are left out.

use crate::catalog::{Attribute, Catalog, View};
use crate::sql::bind;
use crate::types::context::IoContext;
use std::fmt::Write;

/// The list of the one query. PostgreSQL 15, outfuncs.c, _outQuery and _outTargetEntry.
pub(super) fn of_view(catalog: &Catalog, io: &IoContext, columns: &[Attribute], view: &View) -> String {
    let Ok(query) = bind::view_query(view, catalog, io) else { return "<>".into() };
    let mut text = String::from("({QUERY :commandType 1 :targetList (");
    for (n, (target, attribute)) in query.output().zip(columns).enumerate() {
        let (table, attno) = target.origin.map_or((0, 0), |(table, attno)| (table.0, attno));
        let gap = if n == 0 { "" } else { " " };
        let name = token(&attribute.name);
        let number = n + 1;
        let _ = write!(
            text,
            "{gap}{{TARGETENTRY :expr <> :resno {number} :resname {name} :ressortgroupref 0 :resorigtbl {table} :resorigcol {attno} :resjunk false}}"
        );
    }
    text.push_str(")})");
    text
}

/// A name as one token. PostgreSQL 15, outfuncs.c, outToken: what would end it, or read as another thing, is escaped.
fn token(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let odd_start = |c: char| matches!(c, '<' | '"') || c.is_ascii_digit();
    let sign = name.starts_with(['+', '-']) && name[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if name.starts_with(odd_start) || sign {
        out.push('\\');
    }
    for c in name.chars() {
        if matches!(c, ' ' | '\n' | '\t' | '(' | ')' | '{' | '}' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::token;

    /// Names that would not be one word are escaped.
    #[test]
    fn names_are_one_token() {
        assert_eq!(token("plain"), "plain");
        assert_eq!(token("two words"), "two\\ words");
        assert_eq!(token("{a}"), "\\{a\\}");
        assert_eq!(token("1st"), "\\1st");
        assert_eq!(token("-1"), "\\-1");
        assert_eq!(token("-a"), "-a");
    }
}
