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
    /// LIKE: as `Within`, but no collation need be known.
    Like,
    /// It goes by the case of letters.
    Case(&'static str),
    /// It looks into texts byte by byte: not where texts that differ may be equal. `case`: and goes by the case of letters.
    Within { what: &'static str, refused: &'static str, case: bool },
}

const COMPARISON: &str = "string comparison";
const REGEX: Collated = Collated::Within { what: "regular expression", refused: "regular expressions", case: true };
const SEARCH: Collated = Collated::Within { what: COMPARISON, refused: "substring searches", case: false };

impl Collated {
    /// Of a function, by the name of its code.
    pub(crate) fn of(src: &str) -> Option<Collated> {
        Some(match src {
            "bttextcmp" | "btnametextcmp" | "bttextnamecmp" | "bpcharcmp" | "btarraycmp" | "btrecordcmp" => {
                Collated::Order
            }
            "width_bucket_array" => Collated::Order,
            "textlike" | "textnlike" | "bpcharlike" | "bpcharnlike" => Collated::Like,
            "texticlike" | "texticnlike" | "bpchariclike" | "bpcharicnlike" => {
                Collated::Within { what: "ILIKE", refused: "ILIKE", case: true }
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
            | "array_replace" => {
                Collated::Within { what: COMPARISON, refused: "functions that search arrays", case: false }
            }
            "hashtext" | "hashtextextended" | "hashbpchar" | "hashbpcharextended" => {
                Collated::Within { what: "string hashing", refused: "hash functions", case: false }
            }
            "lower" => Collated::Case("lower() function"),
            "upper" => Collated::Case("upper() function"),
            "initcap" => Collated::Case("initcap() function"),
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

    pub fn asks_for_case(self) -> bool {
        matches!(self, Collated::Case(_) | Collated::Within { case: true, .. })
    }

    /// What it would say it is for.
    pub fn what(self) -> &'static str {
        match self {
            Collated::Order | Collated::Equality | Collated::Parts | Collated::Like => COMPARISON,
            Collated::Case(what) | Collated::Within { what, .. } => what,
        }
    }
}

/// What a function refuses to do by a collation.
///
/// # Errors
/// 0A000 `nondeterministic collations are not supported for LIKE`.
pub fn check(collated: Option<Collated>, collation: Collation) -> Result<()> {
    let refused = match collated {
        Some(Collated::Within { refused, .. }) => refused,
        Some(Collated::Like) => "LIKE",
        _ => return Ok(()),
    };
    match collation.is_deterministic() {
        true => Ok(()),
        false => Err(Error::unsupported(format!("nondeterministic collations are not supported for {refused}"))),
    }
}
