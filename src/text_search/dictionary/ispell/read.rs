//! The formats of affix files.

use super::affix::Affix;
use super::mask::Mask;
use super::{broken, flag};
use crate::base::Result;
use crate::text_search::{Letters, is_space};

/// How flags are written.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Char,
    /// Two characters each.
    Long,
    Number,
}

/// What is said of flags.
#[derive(Default)]
pub struct Flags {
    mode: Mode,
    /// Flags that mean something in compound words.
    compound: Vec<(String, u32)>,
    /// Sets of flags by number; the first one is empty.
    aliases: Option<Vec<String>>,
}

const MAX_NUMBER: i64 = 65535;

impl Flags {
    pub fn has_compounds(&self) -> bool {
        !self.compound.is_empty()
    }

    /// The flags of a set.
    fn split(&self, set: &str) -> Result<Vec<String>> {
        match self.mode {
            Mode::Char => Ok(set.chars().map(String::from).collect()),
            Mode::Long => {
                let chars: Vec<char> = set.chars().collect();
                if chars.len() % 2 == 1 {
                    return Err(broken(format!("invalid affix flag \"{set}\" with \"long\" flag value")));
                }
                Ok(chars.chunks(2).map(|c| c.iter().collect()).collect())
            }
            Mode::Number if set.is_empty() => Ok(Vec::new()),
            Mode::Number => set.split(',').map(|n| number(n.trim_matches(is_space))).collect(),
        }
    }

    /// The flags of a word in the dictionary.
    pub fn of_word(&self, given: &str) -> Result<Vec<String>> {
        let Some(aliases) = &self.aliases else { return self.split(given) };
        if given.is_empty() {
            return Ok(Vec::new());
        }
        let alias = leading(given).and_then(|n| aliases.get(usize::try_from(n).ok()?));
        self.split(alias.ok_or_else(|| broken(format!("invalid affix alias \"{given}\"")))?)
    }

    /// The flags after an affix.
    fn of_affix(&self, given: &str) -> Result<u32> {
        if self.compound.is_empty() {
            return Ok(0);
        }
        let set = match &self.aliases {
            Some(aliases) if !given.is_empty() => {
                let n = leading(given).ok_or_else(|| broken(format!("invalid affix alias \"{given}\"")))?;
                if n > aliases.len() as i64 {
                    return Err(broken(format!("invalid affix alias \"{given}\"")));
                }
                usize::try_from(n).ok().filter(|n| *n > 0).and_then(|n| aliases.get(n)).map_or("", String::as_str)
            }
            _ => given,
        };
        Ok(self.compound(&self.split(set)?))
    }

    /// What flags mean in compound words.
    pub fn compound(&self, set: &[String]) -> u32 {
        set.iter()
            .fold(0, |all, f| all | self.compound.iter().find(|(known, _)| known == f).map_or(0, |(_, value)| *value))
    }

    fn add_compound(&mut self, rest: &str, value: u32) -> Result<()> {
        let Some(word) = rest.split(is_space).find(|w| !w.is_empty()) else { return Err(broken("syntax error")) };
        let flag = if self.mode == Mode::Number { number(word)? } else { word.to_owned() };
        self.compound.push((flag, value));
        Ok(())
    }
}

/// The number a text begins with.
fn leading(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn number(text: &str) -> Result<String> {
    let n = leading(text).ok_or_else(|| broken(format!("invalid affix flag \"{text}\"")))?;
    if n > MAX_NUMBER {
        return Err(broken(format!("affix flag \"{text}\" is out of range")));
    }
    if text.bytes().any(|b| !b.is_ascii_digit()) {
        return Err(broken(format!("invalid character in affix flag \"{text}\"")));
    }
    Ok(n.to_string())
}

/// What a file says.
pub struct Found {
    pub flags: Flags,
    pub affixes: Vec<Affix>,
}

/// Reads a file of either kind.
pub fn affixes(text: &str, letters: Letters) -> Result<Found> {
    let mut found = Found { flags: Flags::default(), affixes: Vec::new() };
    let (mut kind, mut old) = (None, false);
    let (mut name, mut flags) = (String::new(), 0);
    for line in text.lines() {
        let lower = letters.lower(line);
        if lower.is_empty() || lower.starts_with('#') {
            continue;
        }
        if lower.starts_with("compoundwords")
            && let Some(at) = line.find(['l', 'L'])
        {
            let rest = line[at..].trim_start_matches(|c| !is_space(c)).trim_start_matches(is_space);
            if rest.chars().next().is_some_and(|c| c.is_ascii()) {
                found.flags.add_compound(rest, flag::ANYWHERE)?;
            }
            old = true;
            continue;
        }
        if lower.starts_with("suffixes") || lower.starts_with("prefixes") {
            kind = Some(lower.starts_with("suffixes"));
            old = true;
            continue;
        }
        let mut new = ["COMPOUNDFLAG", "COMPOUNDMIN", "PFX", "SFX"].iter().any(|w| line.starts_with(w));
        if lower.starts_with("flag") {
            match old_flag(&line[4..]) {
                Some((own, meaning)) => {
                    (name, flags, old) = (own, meaning, true);
                    continue;
                }
                None => new = true,
            }
        }
        if new {
            if old {
                return Err(broken("affix file contains both old-style and new-style commands"));
            }
            return hunspell(text, letters);
        }
        let Some(suffix) = kind else { continue };
        if let Some((mask, find, repl)) = old_entry(&lower, letters)? {
            found.affixes.push(affix(&name, flags, suffix, &mask, find, repl)?);
        }
    }
    Ok(found)
}

/// `flag *A:` of the old format.
fn old_flag(rest: &str) -> Option<(String, u32)> {
    let mut rest = rest.trim_start_matches(is_space);
    let mut flags = 0;
    for (sign, value) in [('*', flag::CROSS), ('~', flag::ONLY)] {
        if let Some(after) = rest.strip_prefix(sign) {
            (rest, flags) = (after, value);
            break;
        }
    }
    rest = rest.strip_prefix('\\').unwrap_or(rest);
    let mut chars = rest.chars();
    let name = chars.next().filter(char::is_ascii)?;
    let alone = chars.next().is_none_or(|c| matches!(c, '#' | ':') || is_space(c));
    alone.then(|| (name.to_string(), flags))
}

/// `mask > -find,repl` of the old format.
fn old_entry(line: &str, letters: Letters) -> Result<Option<(String, String, String)>> {
    let trimmed = line.trim_start_matches(is_space);
    if trimmed.starts_with('#') {
        return Ok(None);
    }
    let Some((mask, rest)) = trimmed.split_once('>') else { return Ok(None) };
    let mask: String = mask.chars().filter(|c| !is_space(*c)).collect();
    let rest = rest.trim_start_matches(is_space);
    let (find, repl) = match rest.strip_prefix('-') {
        Some(rest) => match rest.split_once(',') {
            Some((find, repl)) => (find, repl.trim_start_matches(is_space)),
            None => (rest, ""),
        },
        None => ("", rest),
    };
    let repl = if repl.starts_with('-') { "" } else { repl.split('#').next().unwrap_or_default() };
    let word = |text: &str, quote: bool| -> Result<String> {
        let mut out = String::new();
        for c in text.chars().filter(|c| !is_space(*c)) {
            // English has 's.
            if !letters.is_letter(c) && !(quote && c == '\'' && out.is_empty()) {
                return Err(broken("syntax error"));
            }
            out.push(c);
        }
        Ok(out)
    };
    let (find, repl) = (word(find, false)?, word(repl, find.is_empty())?);
    Ok((!mask.is_empty() && !(find.is_empty() && repl.is_empty())).then_some((mask, find, repl)))
}

fn affix(name: &str, flags: u32, suffix: bool, mask: &str, find: String, text: String) -> Result<Affix> {
    let joined = flags & (flag::ONLY | flag::PERMIT) != 0 && flags & flag::ANYWHERE == 0;
    let flags = if joined { flags | flag::ANYWHERE } else { flags };
    Ok(Affix { flag: name.to_owned(), flags, suffix, find, text, mask: Mask::read(mask, suffix)? })
}

/// Reads MySpell's and Hunspell's format.
fn hunspell(text: &str, letters: Letters) -> Result<Found> {
    let mut flags = Flags::default();
    let lines = || text.lines().filter(|l| !l.is_empty() && !l.starts_with(|c| is_space(c) || c == '#'));
    for line in lines() {
        let words = [
            ("COMPOUNDFLAG", flag::ANYWHERE),
            ("COMPOUNDBEGIN", flag::BEGIN),
            ("COMPOUNDLAST", flag::LAST),
            ("COMPOUNDEND", flag::LAST),
            ("COMPOUNDMIDDLE", flag::MIDDLE),
            ("ONLYINCOMPOUND", flag::ONLY),
            ("COMPOUNDPERMITFLAG", flag::PERMIT),
            ("COMPOUNDFORBIDFLAG", flag::FORBID),
        ];
        if let Some((word, value)) = words.iter().find(|(w, _)| line.starts_with(w)) {
            flags.add_compound(&line[word.len()..], *value)?;
        } else if let Some(rest) = line.strip_prefix("FLAG") {
            let rest = rest.trim_start_matches(is_space);
            if rest.starts_with("long") {
                flags.mode = Mode::Long;
            } else if rest.starts_with("num") {
                flags.mode = Mode::Number;
            } else if !rest.is_empty() && !rest.starts_with("default") {
                let text = "Ispell dictionary supports only \"default\", \"long\", and \"num\" flag values";
                return Err(broken(text));
            }
        }
    }
    let mut affixes = Vec::new();
    let (mut cross, mut suffix, mut expected) = (0, false, 0);
    for line in lines() {
        let fields: Vec<&str> =
            line.split(is_space).filter(|f| !f.is_empty()).take_while(|f| !f.starts_with('#')).take(5).collect();
        let kind = letters.lower(fields.first().copied().unwrap_or_default());
        if kind.starts_with("af") {
            let field = fields.get(1).copied().unwrap_or_default();
            match &mut flags.aliases {
                None => {
                    expected = leading(field).unwrap_or(0);
                    if expected <= 0 {
                        return Err(broken("invalid number of flag vector aliases"));
                    }
                    flags.aliases = Some(vec![String::new()]);
                }
                Some(aliases) if aliases.len() as i64 <= expected => aliases.push(field.to_owned()),
                Some(_) => {
                    return Err(broken(format!("number of aliases exceeds specified number {expected}")));
                }
            }
            continue;
        }
        let is_suffix = kind.starts_with("sfx");
        if fields.len() < 4 || !(is_suffix || kind.starts_with("pfx")) {
            continue;
        }
        let name = fields[1];
        if name.len() > 1 && flags.mode == Mode::Char || name.len() > 2 && flags.mode == Mode::Long {
            continue;
        }
        if fields.len() == 4 {
            suffix = is_suffix;
            cross = if fields[2].starts_with(['y', 'Y']) { flag::CROSS } else { 0 };
            continue;
        }
        let (text, own) = fields[3].split_once('/').unwrap_or((fields[3], ""));
        let own = if own.is_empty() { 0 } else { flags.of_affix(own)? };
        let or_nothing = |f: &str| if f.starts_with('0') { String::new() } else { letters.lower(f) };
        let mask = letters.lower(fields[4]);
        affixes.push(affix(name, cross | own, suffix, &mask, or_nothing(fields[2]), or_nothing(text))?);
    }
    Ok(Found { flags, affixes })
}
