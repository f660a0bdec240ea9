//! Which words an affix may be at: a row of letters and sets of letters, or a regular expression.

use crate::base::Result;
use crate::err;

pub enum Mask {
    Any,
    /// Each of the characters at that end of the word: in a set, or not in it.
    Sets(Vec<(bool, Vec<char>)>),
    Pattern(fancy_regex::Regex),
}

impl Mask {
    pub fn read(text: &str, suffix: bool) -> Result<Mask> {
        if text.is_empty() || text == "." {
            return Ok(Mask::Any);
        }
        if let Some(sets) = sets(text) {
            return Ok(Mask::Sets(sets));
        }
        let whole = if suffix { format!("{text}$") } else { format!("^{text}") };
        let pattern = fancy_regex::Regex::new(&whole);
        let pattern = pattern.map_err(|_| err!(INVALID_REGULAR_EXPRESSION, "invalid regular expression: {text}"))?;
        Ok(Mask::Pattern(pattern))
    }

    pub fn fits(&self, word: &str, suffix: bool) -> bool {
        match self {
            Mask::Any => true,
            Mask::Sets(sets) => {
                let in_set = |(not, set): &(bool, Vec<char>), c: char| set.contains(&c) != *not;
                let count = word.chars().count();
                let skipped = if suffix { count.wrapping_sub(sets.len()) } else { 0 };
                count >= sets.len() && word.chars().skip(skipped).zip(sets).all(|(c, s)| in_set(s, c))
            }
            Mask::Pattern(p) => p.is_match(word).unwrap_or(false),
        }
    }
}

/// `a[bc][^de]`; None: it is more than that.
fn sets(text: &str) -> Option<Vec<(bool, Vec<char>)>> {
    let mut found = Vec::new();
    let mut chars = text.chars();
    let letter = |c: char| c.is_alphabetic();
    while let Some(c) = chars.next() {
        if c != '[' {
            letter(c).then(|| found.push((false, vec![c])))?;
            continue;
        }
        let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
        let (not, inside) = match inside.strip_prefix('^') {
            Some(rest) => (true, rest.to_owned()),
            None => (false, inside),
        };
        if inside.is_empty() || !inside.chars().all(letter) {
            return None;
        }
        found.push((not, inside.chars().collect()));
    }
    Some(found)
}
