//! Where the constants of a text stand, and the text with `$n` in their places: how statements that differ in nothing
//! else are shown as one.
//!
//! PostgreSQL 15, pg_stat_statements.c, generate_normalized_query: same form. What counts are the constants of
//! expressions: numbers in types stay, and so do those that name columns in ORDER BY, GROUP BY and DISTINCT ON.

use super::parser::Parser;
use super::token::Tok;
use super::{ParseOptions, lex};
use crate::sql::ast::{Expr, ExprKind, Pos};
use std::fmt::Write as _;

/// The bytes of a constant.
pub(super) type Span = (Pos, Pos);

impl Parser<'_> {
    /// The token ahead is a constant.
    pub(super) fn note_constant(&mut self) {
        let t = self.token();
        if let Some(found) = &mut self.constants {
            found.push((t.start, t.end));
        }
    }

    /// A number at `from` begins with the minus at `to`.
    pub(super) fn note_minus(&mut self, from: Pos, to: Pos) {
        for span in self.constants.iter_mut().flatten().rev().take_while(|s| s.0 >= from) {
            span.0 = if span.0 == from { to } else { span.0 };
        }
    }

    /// What has been noted from here on are no constants of expressions.
    pub(super) fn without_constants<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.constants.as_ref().map_or(0, Vec::len);
        let done = read(self);
        if let Some(found) = &mut self.constants {
            found.truncate(before);
        }
        done
    }

    /// A bare number here is the number of a column.
    pub(super) fn forget_ordinal(&mut self, e: &Expr) {
        if let (ExprKind::Const(_), Some(found)) = (&e.kind, &mut self.constants) {
            found.retain(|span| span.0 != e.pos);
        }
    }
}

/// The text with `$n` for its constants, numbered from behind its parameters; None if it cannot be read.
pub fn normalized(text: &str) -> Option<String> {
    let lexed = lex::lex(text, &ParseOptions::default());
    let highest = lexed.tokens.iter().filter_map(|t| match t.tok {
        Tok::Param(n) => Some(n),
        _ => None,
    });
    let mut number = highest.max().unwrap_or(0);
    let mut parser = Parser::new(text, lexed);
    parser.constants = Some(Vec::new());
    parser.statements().ok()?;
    let mut spans = parser.constants.take()?;
    spans.sort_unstable();
    spans.dedup_by_key(|s| s.0);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end) in spans {
        let (start, end) = (start as usize, end as usize);
        if start < at {
            continue;
        }
        number = number.checked_add(1)?;
        out.push_str(text.get(at..start)?);
        let _ = write!(out, "${number}");
        at = end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::normalized;

    /// Constants of expressions are replaced, other numbers and words stay as they are.
    #[test]
    fn constants_become_parameters() {
        for (text, shown) in [
            ("select 1, 'a' , -2.5,  null, true", "select $1, $2 , $3,  $4, $5"),
            ("select a from t where b = $2 and c in (1, 2)", "select a from t where b = $2 and c in ($3, $4)"),
            ("select cast('1' as numeric(5,2)), date '2020-01-01'", "select cast($1 as numeric(5,2)), date $2"),
            (
                "select a, 1 from t group by 1 order by 2, a + 1 limit 5",
                "select a, $1 from t group by 1 order by 2, a + $2 limit $3",
            ),
            (
                "select distinct on (1) a from t where b is not null",
                "select distinct on (1) a from t where b is not null",
            ),
            ("insert into t values (1, default), (- 2, 'x''y')", "insert into t values ($1, default), ($2, $3)"),
            ("update t set a = 5 where b is true /* 7 */", "update t set a = $1 where b is true /* 7 */"),
            ("select extract(year from now()), interval '1 day'", "select extract($1 from now()), interval $2"),
            ("prepare p as select $1 + 5", "prepare p as select $1 + $2"),
            ("select 5 - 3, 5 -3", "select $1 - $2, $3 -$4"),
        ] {
            assert_eq!(normalized(text).as_deref(), Some(shown), "{text}");
        }
        assert_eq!(normalized("select ("), None);
    }
}
