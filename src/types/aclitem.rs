//! One right on an object, `grantee=rights/grantor`: kept as it is shown. PostgreSQL 15, acl.c, aclparse and aclitemout.

use super::context::IoContext;
use super::name::quote_identifier;
use super::oid;
use crate::base::{Error, Oid, Result};
use crate::err;

/// The letters of rights, each the bit of its place.
const LETTERS: &str = "arwdDxtXUCTcsA";
/// Whoever initialised the cluster.
const SUPERUSER: Oid = Oid(10);

struct Item {
    grantee: Option<String>,
    grantor: Option<String>,
    rights: u32,
    /// Those that may be handed on.
    grantable: u32,
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(crate::base::SqlState::INVALID_TEXT_REPRESENTATION, text)
}

/// A name, perhaps in quotes, and what follows.
fn name(text: &str) -> Result<(String, &str)> {
    let text = text.trim_start();
    let mut out = String::new();
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    let mut end = text.len();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if quoted && chars.peek().is_some_and(|(_, n)| *n == '"') => {
                chars.next();
                out.push('"');
            }
            '"' => quoted = !quoted,
            c if quoted || c.is_alphanumeric() || c == '_' || !c.is_ascii() => out.push(c),
            _ => {
                end = at;
                break;
            }
        }
    }
    if out.len() > super::text::NAME_MAX {
        return Err(err!(NAME_TOO_LONG, "identifier too long")
            .detail(format!("Identifier must be less than {} characters.", super::text::NAME_MAX + 1)));
    }
    Ok((out, text[end..].trim_start()))
}

fn item(text: &str) -> Result<Item> {
    let (mut grantee, mut rest) = name(text)?;
    if !rest.starts_with('=') {
        if !matches!(grantee.as_str(), "group" | "user") {
            return Err(invalid(format!("unrecognized key word: \"{grantee}\""))
                .hint("ACL key word must be \"group\" or \"user\"."));
        }
        (grantee, rest) = name(rest)?;
        if grantee.is_empty() {
            return Err(invalid("missing name").hint("A name must follow the \"group\" or \"user\" key word."));
        }
    }
    let Some(rest) = rest.strip_prefix('=') else { return Err(invalid("missing \"=\" sign")) };
    let (mut rights, mut grantable, mut last) = (0, 0, 0);
    let letters = rest.bytes().take_while(|c| c.is_ascii_alphabetic() || *c == b'*').count();
    for c in rest[..letters].chars() {
        match LETTERS.find(c) {
            _ if c == '*' => grantable |= last,
            Some(bit) => {
                last = 1 << bit;
                rights |= last;
            }
            None => return Err(invalid(format!("invalid mode character: must be one of \"{LETTERS}\""))),
        }
    }
    let mut rest = &rest[letters..];
    let mut grantor = None;
    if let Some(after) = rest.strip_prefix('/') {
        let (found, after) = name(after)?;
        if found.is_empty() {
            return Err(invalid("a name must follow the \"/\" sign"));
        }
        (grantor, rest) = (Some(found), after);
    }
    if !rest.trim_start().is_empty() {
        return Err(invalid("extra garbage at the end of the ACL specification"));
    }
    Ok(Item { grantee: Some(grantee).filter(|g| !g.is_empty()), grantor, rights, grantable })
}

/// # Errors
/// 22P02, 42704 for roles that are not there.
pub fn parse(text: &str, io: &IoContext) -> Result<String> {
    let item = item(text)?;
    for role in item.grantee.iter().chain(&item.grantor) {
        io.hooks.reg_in(oid::REGROLE, &quote_identifier(role))?;
    }
    let grantor = match item.grantor {
        Some(name) => Some(name),
        None => io.hooks.reg_out(oid::REGROLE, SUPERUSER),
    };
    let letter = |(bit, c): (usize, char)| match (item.rights >> bit & 1, item.grantable >> bit & 1) {
        (0, _) => String::new(),
        (_, 0) => c.to_string(),
        _ => format!("{c}*"),
    };
    let rights: String = LETTERS.chars().enumerate().map(letter).collect();
    let shown = |name: Option<String>| name.map_or(String::new(), |n| quote(&n));
    Ok(format!("{}={rights}/{}", shown(item.grantee), shown(grantor)))
}

/// Names stand in quotes where they have other letters than these (acl.c, putid: same rule).
fn quote(name: &str) -> String {
    match name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// What `hash_aclitem` adds up: rights, grantee and grantor.
pub fn sum(text: &str, io: &IoContext) -> Result<u32> {
    let item = item(text)?;
    let role = |name: &Option<String>| match name {
        Some(name) => io.hooks.reg_in(oid::REGROLE, &quote_identifier(name)).map(|o| o.0),
        None => Ok(0),
    };
    let rights = item.rights | item.grantable << 16;
    Ok(rights.wrapping_add(role(&item.grantee)?).wrapping_add(role(&item.grantor)?))
}
