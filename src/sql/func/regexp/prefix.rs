//! What texts begin with that match a pattern, and whether that is all of them (PostgreSQL 15, like_support.c,
//! pattern_fixed_prefix).

/// What a LIKE pattern begins with, and what follows; None: nothing does. With `any_case` a letter that has another case
/// is no beginning. None for a pattern that ends in its escape.
pub fn split_like(pattern: &str, any_case: bool) -> Option<(String, Option<&str>)> {
    let mut prefix = String::new();
    let mut chars = pattern.chars();
    loop {
        let rest = chars.as_str();
        let letter = match chars.next() {
            None => return Some((prefix, None)),
            Some('%' | '_') => return Some((prefix, Some(rest))),
            Some('\\') => chars.next()?,
            Some(letter) => letter,
        };
        if any_case && letter.is_alphabetic() {
            return Some((prefix, Some(rest)));
        }
        prefix.push(letter);
    }
}

/// What a LIKE pattern begins with, and whether that is all of it.
pub fn of_like(pattern: &str) -> Option<(String, bool)> {
    let (prefix, rest) = split_like(pattern, false)?;
    Some((prefix, rest.is_none())).filter(|(p, all)| *all || !p.is_empty())
}

/// The same of a regular expression that is tied to the beginning. One with alternatives says nothing.
pub fn of_regex(pattern: &str) -> Option<(String, bool)> {
    let rest = pattern.strip_prefix('^')?;
    if rest.contains('|') {
        return None;
    }
    let special = |c: char| matches!(c, '\\' | '.' | '[' | ']' | '(' | ')' | '{' | '}' | '*' | '+' | '?' | '^' | '$');
    // As psql asks for a name.
    if let Some(inside) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(")$"))
        && !inside.contains(special)
    {
        return Some((inside.to_owned(), true)).filter(|(p, _)| !p.is_empty());
    }
    let end = rest.find(special).unwrap_or(rest.len());
    let (literal, behind) = rest.split_at(end);
    let mut prefix = literal.to_owned();
    // The last letter need not be there.
    if behind.starts_with(['*', '?', '{']) {
        prefix.pop();
    }
    Some((prefix, behind == "$")).filter(|(p, _)| !p.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        assert_eq!(of_like("ab%c"), Some(("ab".into(), false)));
        assert_eq!(of_like("a_"), Some(("a".into(), false)));
        assert_eq!(of_like("%a"), None);
        assert_eq!(of_like(r"a\%b"), Some(("a%b".into(), true)));
        assert_eq!(of_like(r"a\"), None);
        assert_eq!(of_like(""), Some((String::new(), true)));
        assert_eq!(of_regex("^ab"), Some(("ab".into(), false)));
        assert_eq!(of_regex("^ab$"), Some(("ab".into(), true)));
        assert_eq!(of_regex("^ab*"), Some(("a".into(), false)));
        assert_eq!(of_regex("^ab{2}"), Some(("a".into(), false)));
        assert_eq!(of_regex("^ab+c"), Some(("ab".into(), false)));
        assert_eq!(of_regex("^a|b"), None);
        assert_eq!(of_regex("ab"), None);
        assert_eq!(of_regex("^(ab)"), None);
        assert_eq!(of_regex("^(ab)$"), Some(("ab".into(), true)));
        assert_eq!(of_regex("^(a.*)$"), None);
        assert_eq!(of_regex("^(a|b)$"), None);
        assert_eq!(of_regex("^(a)(b)$"), None);
        assert_eq!(of_regex(r"^\d"), None);
    }
}
