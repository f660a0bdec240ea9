//! LIKE, regular expressions, and what begins with a text: PostgreSQL 15, like_support.c, patternsel.

use super::scalar::Test;
use super::{DEFAULT_MATCH, Estimator, Variable, clamp};
use crate::sql::expr::Expr;
use crate::sql::func::regexp::prefix;
use crate::sql::func::{OperDef, Selectivity};
use crate::sql::plan::bounds::next;
use crate::sql::plan::fold::constant;
use crate::types::{self, TypeRef, Value, oid};

/// What a letter of the pattern leaves of the texts, one that may be any, what stands for any text, what may be repeated,
/// one of several letters.
const FIXED: f64 = 0.20;
const ANY: f64 = 0.9;
const WILDCARD: f64 = 5.0;
const REPEATED: f64 = 2.0;
const RANGE: f64 = 0.25;

/// A histogram of so many bounds is believed alone, one of less than so many not at all.
const BELIEVED: f64 = 100.0;
const FEWEST: usize = 10;

/// What a pattern says of a text that matches.
struct Pattern {
    /// What it begins with.
    prefix: String,
    /// That is all of it.
    exact: bool,
    /// The part of the texts that begin so that match.
    rest: f64,
}

impl Pattern {
    fn of(op: &str, text: &str) -> Option<Pattern> {
        Some(match op.trim_start_matches('!') {
            "~~" => Pattern::like(text, false)?,
            "~~*" => Pattern::like(text, true)?,
            "~" => {
                let (prefix, exact) = prefix::of_regex(text).unwrap_or_default();
                let rest = if exact { 1.0 } else { of_regex(text.as_bytes(), prefix.len()) };
                Pattern { prefix, exact, rest }
            }
            "~*" => Pattern { prefix: String::new(), exact: false, rest: of_regex(text.as_bytes(), 0) },
            "^@" => Pattern { prefix: text.to_owned(), exact: false, rest: 1.0 },
            _ => return None,
        })
    }

    fn like(text: &str, any_case: bool) -> Option<Pattern> {
        let (prefix, rest) = prefix::split_like(text, any_case)?;
        Some(Pattern { prefix, exact: rest.is_none(), rest: rest.map_or(1.0, of_like) })
    }
}

/// The part of the texts that match what follows the fixed beginning. PostgreSQL 15, like_selectivity.
fn of_like(pattern: &str) -> f64 {
    let mut p = 1.0;
    // Leading wildcards are in the start already.
    let mut chars = pattern.trim_start_matches(['%', '_']).chars();
    while let Some(c) = chars.next() {
        p *= match c {
            '%' => WILDCARD,
            '_' => ANY,
            '\\' if chars.next().is_none() => break,
            _ => FIXED,
        };
    }
    f64::min(p, 1.0)
}

/// PostgreSQL 15, regex_selectivity; `prefix`: bytes of a fixed beginning, which count elsewhere.
fn of_regex(pattern: &[u8], prefix: usize) -> f64 {
    let p = match pattern {
        [b'$'] => of_regex_part(b""),
        [before @ .., c, b'$'] if *c != b'\\' => of_regex_part(&pattern[..before.len() + 1]),
        _ => of_regex_part(pattern) * WILDCARD,
    };
    let fixed = FIXED.powi(i32::try_from(prefix).unwrap_or(i32::MAX));
    clamp(if fixed > 0.0 { p / fixed } else { p })
}

fn of_regex_part(pattern: &[u8]) -> f64 {
    let mut p = 1.0;
    let (mut depth, mut open) = (0usize, 0);
    let mut at = 0;
    while let Some(c) = pattern.get(at) {
        let factor = match c {
            b'(' => {
                if depth == 0 {
                    open = at;
                }
                depth += 1;
                1.0
            }
            b')' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    p *= of_regex_part(&pattern[open + 1..at]);
                }
                1.0
            }
            // One of several: together they have as many texts.
            b'|' if depth == 0 => {
                p += of_regex_part(&pattern[at + 1..]);
                break;
            }
            b'[' => {
                at += 1;
                let none_of = pattern.get(at) == Some(&b'^');
                at += usize::from(none_of);
                at += usize::from(pattern.get(at) == Some(&b']'));
                at += pattern.get(at..).unwrap_or_default().iter().take_while(|c| **c != b']').count();
                if none_of { 1.0 - RANGE } else { RANGE }
            }
            b'.' => ANY,
            b'*' | b'?' | b'+' => REPEATED,
            b'{' => {
                at += pattern[at..].iter().take_while(|c| **c != b'}').count();
                REPEATED
            }
            b'\\' => {
                at += 1;
                if at >= pattern.len() {
                    break;
                }
                FIXED
            }
            _ => FIXED,
        };
        if depth == 0 {
            p *= factor;
        }
        at += 1;
    }
    f64::min(p, 1.0)
}

impl Estimator<'_> {
    /// `negated`: the operator is the one that does not match.
    pub(super) fn pattern(&self, op: &'static OperDef, left: &Expr, right: &Expr, negated: bool) -> f64 {
        let default = if negated { 1.0 - DEFAULT_MATCH } else { DEFAULT_MATCH };
        let (Some(v), Some(value)) = (self.variable(left), constant(right)) else { return default };
        if value.is_null() {
            return 0.0;
        }
        let texts = matches!(types::base_type(v.ty.oid), oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME);
        let (Value::Bytes(bytes), true, oid::TEXT) = (value, texts, right.ty.oid) else { return default };
        let Some(pattern) = std::str::from_utf8(bytes).ok().and_then(|t| Pattern::of(op.name, t)) else {
            return default;
        };
        let ty = TypeRef { collation: left.ty.collation, ..v.ty };
        let fixed = Value::text(&pattern.prefix);
        let matches = if pattern.exact {
            v.equals(Test::compared(Selectivity::Equal, ty, &fixed))
        } else {
            // Those that do not match are counted as what is left of those that do.
            let matching = crate::sql::func::oper(op.negator).filter(|_| negated).unwrap_or(op);
            let test = Test::new(self.io, matching, v.ty, (value, right.ty), left.ty.collation, false);
            v.matches(test, &pattern, ty)
        };
        clamp(if negated { 1.0 - matches - v.null_frac() } else { matches })
    }
}

impl Variable {
    fn matches(&self, test: Option<Test<'_>>, pattern: &Pattern, ty: TypeRef) -> f64 {
        let guess = if pattern.prefix.is_empty() { 1.0 } else { self.begins_with(&pattern.prefix, ty) } * pattern.rest;
        let (Some(stats), Some(mut test)) = (&self.stats, test) else { return guess.clamp(0.0001, 0.9999) };
        let bounds = &stats.histogram;
        let p = if bounds.len() < FEWEST {
            guess
        } else {
            let inner = &bounds[1..bounds.len() - 1];
            let counted = inner.iter().filter(|b| test.holds(b)).count() as f64 / inner.len() as f64;
            let weight = (bounds.len() as f64 / BELIEVED).min(1.0);
            counted * weight + guess * (1.0 - weight)
        };
        let (held, common) = test.common(stats);
        p.clamp(0.0001, 0.9999) * clamp(1.0 - stats.null_frac - common) + held
    }

    /// PostgreSQL 15, prefix_selectivity.
    fn begins_with(&self, prefix: &str, ty: TypeRef) -> f64 {
        let from = Value::text(prefix);
        let range = |kind, value: &Value, side| {
            Test::compared(kind, ty, value).and_then(|mut t| self.histogram(&mut t, side, true))
        };
        let Some(mut p) = range(Selectivity::GreaterEqual, &from, (false, true)) else { return DEFAULT_MATCH };
        if let Some(behind) = next(prefix)
            && let Some(below) = range(Selectivity::Less, &Value::text(&behind), (true, false))
        {
            p += below - 1.0;
        }
        p.max(self.equals(Test::compared(Selectivity::Equal, ty, &from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let rest = |op: &str, p: &str| Pattern::of(op, p).map(|p| (p.prefix, p.exact, (p.rest * 1e6).round() / 1e6));
        assert_eq!(rest("~~", "ab%"), Some(("ab".into(), false, 1.0)));
        assert_eq!(rest("~~", "%ab%"), Some((String::new(), false, 0.2)));
        assert_eq!(rest("~~", "a_c"), Some(("a".into(), false, 0.2)));
        assert_eq!(rest("~~", r"a\%b"), Some(("a%b".into(), true, 1.0)));
        assert_eq!(rest("~~*", "1a%"), Some(("1".into(), false, 1.0)));
        assert_eq!(rest("~", "abc"), Some((String::new(), false, 0.04)));
        assert_eq!(rest("~", "^abc"), Some(("abc".into(), false, 1.0)));
        assert_eq!(rest("~", "a[xyz]$"), Some((String::new(), false, 0.05)));
        assert_eq!(rest("~", "(a|b)c$"), Some((String::new(), false, 0.08)));
        assert_eq!(rest("^@", "a%"), Some(("a%".into(), false, 1.0)));
    }
}
