//! Which functions go by the collation of their arguments, and how they say what for. PostgreSQL 15, varlena.c, like.c,
//! regexp.c, formatting.c.

use crate::base::{Error, Result};
use crate::types::Collation;

/// What a function needs to know a collation for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Collated {
    /// It orders its arguments.
    Order,
    /// Equality is that of the bytes in all collations but nondeterministic ones; one must be known.
    Equality,
    /// As `Equality`, of parts that tell themselves whether one is known.
    Parts,
    /// It is the same in all collations; but one must be known.
    Other(&'static str),
    /// It looks into texts byte by byte: not where texts that differ may be equal.
    Within { what: &'static str, refused: &'static str },
}

const COMPARISON: &str = "string comparison";
const REGEX: Collated = Collated::Within { what: "regular expression", refused: "regular expressions" };
const SEARCH: Collated = Collated::Within { what: COMPARISON, refused: "substring searches" };

impl Collated {
    /// Of a function, by the name of its code.
    pub(crate) fn of(src: &str) -> Option<Collated> {
        Some(match src {
            "bttextcmp" | "btnametextcmp" | "bttextnamecmp" | "bpcharcmp" | "btarraycmp" | "btrecordcmp" => {
                Collated::Order
            }
            "width_bucket_array" => Collated::Order,
            "textlike" | "textnlike" | "bpcharlike" | "bpcharnlike" => {
                Collated::Within { what: "LIKE", refused: "LIKE" }
            }
            "texticlike" | "texticnlike" | "bpchariclike" | "bpcharicnlike" => {
                Collated::Within { what: "ILIKE", refused: "ILIKE" }
            }
            "textpos" | "replace_text" | "split_part" | "text_to_array" | "text_to_array_null" | "text_to_table"
            | "text_to_table_null" | "text_starts_with" => SEARCH,
            "arraycontains"
            | "arraycontained"
            | "arrayoverlap"
            | "array_position"
            | "array_position_start"
            | "array_positions"
            | "array_remove"
            | "array_replace" => Collated::Within { what: COMPARISON, refused: "functions that search arrays" },
            "hashtext" | "hashtextextended" | "hashbpchar" | "hashbpcharextended" => {
                Collated::Within { what: "string hashing", refused: "hash functions" }
            }
            "lower" => Collated::Other("lower() function"),
            "upper" => Collated::Other("upper() function"),
            "initcap" => Collated::Other("initcap() function"),
            "textregexsubstr" | "textregexreplace" | "textregexreplace_noopt" => REGEX,
            _ if ["textregex", "texticregex", "bpcharregex", "bpcharicregex", "regexp_"]
                .iter()
                .any(|p| src.starts_with(p)) =>
            {
                REGEX
            }
            _ => return Collated::of_comparison(src),
        })
    }

    fn of_comparison(src: &str) -> Option<Collated> {
        let relation = ["text", "bpchar", "array", "record", "name"].iter().find_map(|t| src.strip_prefix(t))?;
        Some(match relation.trim_start_matches('_') {
            "lt" | "le" | "gt" | "ge" | "larger" | "smaller" => Collated::Order,
            "lttext" | "letext" | "gttext" | "getext" | "ltname" | "lename" | "gtname" | "gename" => Collated::Order,
            "eq" | "ne" if src.starts_with("array") => Collated::Parts,
            "eq" | "ne" | "eqtext" | "netext" | "eqname" | "nename" => Collated::Equality,
            _ => return None,
        })
    }

    /// What it would say it is for.
    pub fn what(self) -> &'static str {
        match self {
            Collated::Order | Collated::Equality | Collated::Parts => COMPARISON,
            Collated::Other(what) | Collated::Within { what, .. } => what,
        }
    }
}

/// What a function refuses to do by a collation.
///
/// # Errors
/// 0A000 `nondeterministic collations are not supported for LIKE`.
pub fn check(collated: Option<Collated>, collation: Collation) -> Result<()> {
    match collated {
        Some(Collated::Within { refused, .. }) if !collation.is_deterministic() => {
            Err(Error::unsupported(format!("nondeterministic collations are not supported for {refused}")))
        }
        _ => Ok(()),
    }
}
