//! Operator families: which operators an index answers, and by which code.

use super::{Class, area, cube, inet, numbers, path, range, scalar, text, trigram};
use crate::base::Oid;
use crate::types::range::family;
use crate::types::{TypeRef, base_type, info};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The code behind an operator class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    Range,
    Multirange,
    Box,
    Polygon,
    Circle,
    Point,
    Inet,
    Document,
    Query,
    /// Of the extension `pg_trgm`.
    Trigram,
    /// Of the extension `btree_gist`.
    Scalar,
    /// Of the extension `ltree`: paths, and arrays of them.
    Path,
    Paths,
    /// Of the extension `intarray`.
    Numbers,
    /// Of the extension `cube`.
    Cube,
}

/// The operators of a class, each with its strategy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Family {
    pub code: Code,
    /// The operator, its strategy, and whether it orders by a distance.
    operators: Vec<(Oid, i16, bool)>,
}

/// PostgreSQL 15, pg_amop.dat: the operators of the core's classes.
const POINT: &[(u32, i16)] = &[
    (507, 1),
    (508, 5),
    (510, 6),
    (4162, 10),
    (4161, 11),
    (517, 15),
    (511, 28),
    (509, 29),
    (506, 30),
    (756, 48),
    (758, 68),
];
const BOX: &[(u32, i16)] = &[
    (493, 1),
    (494, 2),
    (500, 3),
    (495, 4),
    (496, 5),
    (499, 6),
    (498, 7),
    (497, 8),
    (2571, 9),
    (2570, 10),
    (2573, 11),
    (2572, 12),
    (606, 15),
];
const POLYGON: &[(u32, i16)] = &[
    (485, 1),
    (486, 2),
    (492, 3),
    (487, 4),
    (488, 5),
    (491, 6),
    (490, 7),
    (489, 8),
    (2575, 9),
    (2574, 10),
    (2577, 11),
    (2576, 12),
    (3289, 15),
];
const CIRCLE: &[(u32, i16)] = &[
    (1506, 1),
    (1507, 2),
    (1513, 3),
    (1508, 4),
    (1509, 5),
    (1512, 6),
    (1511, 7),
    (1510, 8),
    (2589, 9),
    (1515, 10),
    (1514, 11),
    (2590, 12),
    (3291, 15),
];
const INET: &[(u32, i16)] = &[
    (3552, 3),
    (1201, 18),
    (1202, 19),
    (1203, 20),
    (1204, 21),
    (1205, 22),
    (1206, 23),
    (931, 24),
    (932, 25),
    (933, 26),
    (934, 27),
];
const RANGE: &[(u32, i16)] = &[
    (3893, 1),
    (4395, 1),
    (2875, 2),
    (3895, 2),
    (3888, 3),
    (2866, 3),
    (3896, 4),
    (3585, 4),
    (4398, 5),
    (3894, 5),
    (3897, 6),
    (4179, 6),
    (3890, 7),
    (4539, 7),
    (3892, 8),
    (2873, 8),
    (3889, 16),
    (3882, 18),
];
const MULTIRANGE: &[(u32, i16)] = &[
    (4397, 1),
    (4396, 1),
    (2876, 2),
    (2877, 2),
    (2867, 3),
    (2868, 3),
    (4142, 4),
    (4035, 4),
    (4399, 5),
    (4400, 5),
    (4180, 6),
    (4198, 6),
    (2871, 7),
    (2870, 7),
    (2874, 8),
    (4540, 8),
    (2869, 16),
    (2860, 18),
];
/// The strategy of all ordering operators of the core.
const NEAREST: i16 = 15;

static BUILTIN: LazyLock<HashMap<u32, Arc<Family>>> = LazyLock::new(|| {
    let of = |code, list: &[(u32, i16)]| {
        let operators = list.iter().map(|(o, s)| (Oid(*o), *s, *s == NEAREST)).collect();
        Arc::new(Family { code, operators })
    };
    HashMap::from([
        (10017, of(Code::Inet, INET)),
        (10060, of(Code::Box, BOX)),
        (10061, of(Code::Point, POINT)),
        (10062, of(Code::Polygon, POLYGON)),
        (10063, of(Code::Circle, CIRCLE)),
        (10072, of(Code::Document, &[(3636, 1)])),
        (10075, of(Code::Query, &[(3693, 7), (3694, 8)])),
        (10078, of(Code::Range, RANGE)),
        (10082, of(Code::Multirange, MULTIRANGE)),
    ])
});

/// Families that live in the catalogs, by the OID of their class: one registry serves all databases.
static KNOWN: LazyLock<RwLock<HashMap<Oid, Arc<Family>>>> = LazyLock::new(RwLock::default);

/// Makes an operator class of the catalogs known; one whose code is not there stays unknown.
pub fn note_family(oid: Oid, code: &str, operators: Vec<(Oid, i16, bool)>) {
    if let Some(code) = Code::named(code) {
        KNOWN.write().insert(oid, Arc::new(Family { code, operators }));
    }
}

impl Code {
    fn named(code: &str) -> Option<Code> {
        match code {
            "scalar" => Some(Code::Scalar),
            "trigram" => Some(Code::Trigram),
            "path" => Some(Code::Path),
            "paths" => Some(Code::Paths),
            "numbers" => Some(Code::Numbers),
            "cube" => Some(Code::Cube),
            _ => None,
        }
    }

    /// The code at work, for a column of this type. `room`: bytes a key may take.
    pub fn class(self, ty: TypeRef, room: usize) -> Arc<dyn Class> {
        let sub = family(base_type(ty.oid)).map_or(ty, |f| f.subtype);
        match self {
            Code::Range => Arc::new(range::Ranges { room, multi: false, sub }),
            Code::Multirange => Arc::new(range::Ranges { room, multi: true, sub }),
            Code::Box => Arc::new(area::Areas(area::Kind::Box)),
            Code::Polygon => Arc::new(area::Areas(area::Kind::Polygon)),
            Code::Circle => Arc::new(area::Areas(area::Kind::Circle)),
            Code::Point => Arc::new(area::Areas(area::Kind::Point)),
            Code::Inet => Arc::new(inet::Networks),
            Code::Document => Arc::new(text::Documents::new(room)),
            Code::Query => Arc::new(text::Queries),
            Code::Trigram => Arc::new(trigram::Trigrams::new(room)),
            Code::Path | Code::Paths => Arc::new(path::Paths { many: self == Code::Paths, room }),
            Code::Cube => Arc::new(cube::Cubes),
            Code::Numbers => Arc::new(numbers::Numbers::new(room)),
            Code::Scalar => Arc::new(scalar::Scalars { ty, room }),
        }
    }

    /// Whether values can be read back from the keys (`fetch`).
    pub fn is_returnable(self) -> bool {
        matches!(self, Code::Range | Code::Box | Code::Point | Code::Inet | Code::Scalar)
    }
}

impl Family {
    /// The family of a column's class: the one named, or else the default one of its type.
    pub fn of(opclass: Oid, ty: Oid) -> Option<Arc<Family>> {
        if opclass >= Oid::FIRST_NORMAL {
            return KNOWN.read().get(&opclass).cloned();
        }
        let class = if opclass.is_valid() { opclass } else { Self::default_of(ty)? };
        BUILTIN.get(&class.0).cloned()
    }

    fn default_of(ty: Oid) -> Option<Oid> {
        let base = base_type(ty);
        Some(Oid(match (base.0, info(base)?.kind) {
            (600, _) => 10061,
            (603, _) => 10060,
            (604, _) => 10062,
            (718, _) => 10063,
            (3614, _) => 10072,
            (3615, _) => 10075,
            (_, b'r') => 10078,
            (_, b'm') => 10082,
            _ => return None,
        }))
    }

    /// The strategy of an operator that searches, with the indexed value on its left.
    pub fn strategy(&self, operator: Oid) -> Option<i16> {
        self.operators.iter().find(|(o, _, orders)| *o == operator && !orders).map(|o| o.1)
    }

    /// The strategy of an operator whose result rows can come in the order of.
    pub fn ordering(&self, operator: Oid) -> Option<i16> {
        self.operators.iter().find(|(o, _, orders)| *o == operator && *orders).map(|o| o.1)
    }

    /// Whether rows can come in the order of some distance.
    pub fn has_ordering(&self) -> bool {
        self.operators.iter().any(|o| o.2)
    }
}
