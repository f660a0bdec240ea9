//! Names of conditions: PostgreSQL 15, errcodes.txt, one line each in `conditions.txt`.

use crate::base::SqlState;

const NAMES: &str = include_str!("conditions.txt");

/// The SQLSTATEs of a condition's name; some names stand for several.
pub fn named(name: &str) -> Vec<SqlState> {
    let split = |l: &'static str| l.split_once(' ');
    NAMES.lines().filter_map(split).filter(|(n, _)| *n == name).map(|(_, code)| SqlState::new(code)).collect()
}

/// A code of five digits and capital letters.
pub fn code(text: &str) -> Option<SqlState> {
    let good = text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    good.then(|| SqlState::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes() {
        assert_eq!(named("division_by_zero"), [SqlState::DIVISION_BY_ZERO]);
        assert_eq!(named("raise_exception"), [SqlState::RAISE_EXCEPTION]);
        assert!(named("no_such_thing").is_empty());
        assert!(code("22012").is_some() && code("2201").is_none() && code("22o12").is_none());
    }
}
