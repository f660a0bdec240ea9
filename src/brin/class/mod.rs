//! Operator classes: what a summary keeps of a column's values, and which operators that answers.
//!
//! The classes that cover values (inclusion) are those of [`crate::gist`]; those for values in an order are here.

mod bloom;
mod min_max;
mod multi;

use crate::base::Oid;
use crate::gist::{self, Class, ROOM};
use crate::types::{TypeRef, base_type, info, oid};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// A key column: the operators it answers, and the code behind them.
#[derive(Clone, Debug)]
pub struct Column {
    pub family: Arc<Family>,
    pub class: Arc<dyn Class>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Code {
    MinMax,
    Multi,
    Bloom,
    /// What covers them, as GiST's class with this OID has it.
    Inclusion(Oid),
}

/// The operators of a class, each with its strategy for the code.
#[derive(Debug)]
pub struct Family {
    code: Code,
    operators: Vec<(Oid, i16)>,
}

/// PostgreSQL 15, pg_opclass.dat and pg_amop.dat: the rows of this access method.
static KNOWN: LazyLock<HashMap<Oid, Arc<Family>>> = LazyLock::new(|| {
    let rows = |text: &'static str| text.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let number = |f: &[&str], n: usize| f.get(n).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
    let operators: Vec<Vec<&str>> =
        rows(include_str!("../../sql/exec/system_view/facts/pg_amop.txt")).filter(|f| number(f, 7) == METHOD).collect();
    let mut found = HashMap::new();
    for f in rows(include_str!("../../sql/exec/system_view/facts/pg_opclass.txt")).filter(|f| number(f, 1) == METHOD) {
        let Some(code) = f.get(2).and_then(|name| code_of(name)) else { continue };
        let of_family = operators.iter().filter(|o| number(o, 1) == number(&f, 5));
        let strategies = of_family.filter_map(|o| {
            let (left, right, operator) = (number(o, 2), number(o, 3), Oid(number(o, 6)));
            let strategy = number(o, 4) as i16;
            Some((operator, code.strategy(operator, strategy, (Oid(left), Oid(right)))?))
        });
        found.insert(Oid(number(&f, 0)), Arc::new(Family { code, operators: strategies.collect() }));
    }
    found
});

/// Its row in `pg_am`.
const METHOD: u32 = 3580;

/// The class of a type that is the default one.
fn default_of(ty: Oid) -> Option<Oid> {
    let base = base_type(ty);
    let input = match (base, info(base)?.kind) {
        (oid::VARCHAR, _) => oid::TEXT,
        (oid::CIDR, _) => oid::INET,
        (_, b'r') => oid::ANYRANGE,
        _ => base,
    };
    let of_input = |l: &str| {
        let f: Vec<&str> = l.split('\t').collect();
        let number = |n: usize| f.get(n).and_then(|t| t.parse::<u32>().ok());
        let fits = number(1)? == METHOD && number(6)? == input.0 && *f.get(7)? == "t";
        fits.then(|| number(0)).flatten().map(Oid)
    };
    include_str!("../../sql/exec/system_view/facts/pg_opclass.txt").lines().find_map(of_input)
}

fn code_of(class: &str) -> Option<Code> {
    Some(match class {
        "inet_inclusion_ops" => Code::Inclusion(Oid(10017)),
        "box_inclusion_ops" => Code::Inclusion(Oid(10060)),
        "range_inclusion_ops" => Code::Inclusion(Oid(10078)),
        c if c.ends_with("_minmax_ops") => Code::MinMax,
        c if c.ends_with("_minmax_multi_ops") => Code::Multi,
        c if c.ends_with("_bloom_ops") => Code::Bloom,
        _ => return None,
    })
}

impl Code {
    /// What the code calls the question of an operator; None: it has no answer to it, and every range is looked at.
    fn strategy(self, operator: Oid, strategy: i16, (left, right): (Oid, Oid)) -> Option<i16> {
        match self {
            Code::Inclusion(class) => gist::Family::of(class, Oid::INVALID)?.strategy(operator),
            Code::Bloom => Some(3),
            // Where a zone decides how two times compare, there is no one order of both.
            _ => (left == right || ![left, right].contains(&oid::TIMESTAMPTZ)).then_some(strategy),
        }
    }
}

/// What a class was told, `name=value`.
fn option(options: &[String], name: &str) -> Option<usize> {
    options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

impl Family {
    /// The strategy of an operator, with the indexed value on its left.
    pub fn strategy(&self, operator: Oid) -> Option<i16> {
        self.operators.iter().find(|(o, _)| *o == operator).map(|o| o.1)
    }

    /// Whether the column's order decides what the strategy finds.
    pub fn is_ordered(&self, strategy: i16) -> bool {
        matches!(self.code, Code::MinMax | Code::Multi) && strategy != 3
    }
}

impl Column {
    /// The column of a type, by the class named, or else the default one, in an index of `columns` ones.
    pub fn new((class, options): (Oid, &[String]), ty: TypeRef, columns: usize) -> Option<Column> {
        let class = if class.is_valid() { class } else { default_of(ty.oid)? };
        let family = KNOWN.get(&class)?.clone();
        let room = ROOM / columns.max(1);
        let class: Arc<dyn Class> = match family.code {
            Code::MinMax => Arc::new(min_max::MinMax { ty, room }),
            Code::Multi => {
                Arc::new(multi::Multi::new(min_max::MinMax { ty, room }, option(options, "values_per_range")))
            }
            Code::Bloom => Arc::new(bloom::Bloom::new(min_max::MinMax { ty, room })),
            Code::Inclusion(class) => gist::Family::of(class, base_type(ty.oid))?.code.class(ty, room),
        };
        Some(Column { family, class })
    }
}
