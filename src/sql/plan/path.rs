//! Ways to compute a set of relations, with their cost: what the search compares.

use super::fold::has_volatile;
use super::relset::RelSet;
use crate::catalog::Relation;
use crate::sql::expr::{Expr, same_operand};
use crate::sql::plan::{IndexOp, JoinKind};
use std::rc::Rc;
use std::sync::Arc;

/// One item of an order.
#[derive(Clone, Debug)]
pub(super) struct PathKey {
    pub expr: Expr,
    pub desc: bool,
    pub nulls_first: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Path {
    pub rels: RelSet,
    /// Relations outside whose columns it needs.
    pub outer: RelSet,
    pub rows: f64,
    pub startup: f64,
    pub total: f64,
    /// The order its rows come in.
    pub order: Vec<PathKey>,
    pub kind: PathKind,
}

#[derive(Clone, Debug)]
pub(super) enum PathKind {
    /// Scan of a table.
    Seq(usize),
    Index(Box<IndexPath>),
    /// The rows' addresses by an index first, then the rows in the table's order.
    Bitmap(Box<BitmapPath>),
    /// The same by several indexes, or by one B-tree.
    BitmapTree(Box<BitmapTree>),
    /// The rows as a GiST index gives them.
    Gist(Box<BitmapPath>),
    /// `ctid = …`
    Tid {
        rel: usize,
        tids: Vec<Expr>,
        clause: usize,
    },
    /// Rows of a generated relation by a key.
    Keyed(Box<KeyedPath>),
    /// A table with children: those that are read, one after the other or merged in the path's order.
    Append {
        rel: usize,
        parts: Vec<Part>,
        merge: bool,
    },
    /// The rows of one of a tree's tables, sorted.
    Sorted {
        input: Rc<Path>,
        keys: Vec<PathKey>,
    },
    /// One row of each set of rows with equal keys.
    Unique {
        input: Rc<Path>,
        keys: Vec<Expr>,
    },
    /// Anything else that is read from start to end: function, VALUES, sub-select, CTE, generated relation.
    Other(usize),
    Join(Box<JoinPath>),
}

/// What an Append reads.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// One of the tree's tables, by its number.
    Table(usize, Rc<Path>),
    /// A partitioned table below, whose rows are needed in order.
    Parted(Arc<Relation>, Rc<Path>),
}

impl Part {
    pub fn path(&self) -> &Rc<Path> {
        match self {
            Part::Table(_, p) | Part::Parted(_, p) => p,
        }
    }

    /// The numbers of the tables it reads.
    pub fn tables(&self, out: &mut Vec<usize>) {
        match self {
            Part::Table(n, _) => out.push(*n),
            Part::Parted(_, path) => {
                if let PathKind::Append { parts, .. } = &path.kind {
                    parts.iter().for_each(|p| p.tables(out));
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct IndexPath {
    pub rel: usize,
    /// Position in `Relation::indexes`.
    pub index: usize,
    pub conditions: Vec<PathCondition>,
    pub backward: bool,
    pub only: bool,
    /// Join clauses it makes true (see `Clause::id`).
    pub used: Vec<usize>,
    /// Conditions on the table that the index makes true (position in the relation's list).
    pub covered: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct KeyedPath {
    pub rel: usize,
    /// `key = value of another relation`
    pub condition: Expr,
    /// The join clause it is (see `Clause::id`).
    pub used: usize,
}

#[derive(Clone, Debug)]
pub(super) struct BitmapPath {
    pub rel: usize,
    /// Position in `Relation::indexes`.
    pub index: usize,
    pub conditions: Vec<SearchCondition>,
    /// Conditions that hold for all of a partial index.
    pub implied: Vec<Expr>,
    /// Join clauses it asks (see `Clause::id`).
    pub used: Vec<usize>,
    /// Conditions on the table it asks (position in the relation's list).
    pub covered: Vec<usize>,
    /// Places of the index that are searched.
    pub searches: f64,
    pub index_total: f64,
    pub index_rows: f64,
    /// Distances whose order the rows come in.
    pub orders: Vec<Distance>,
    /// The index has all that is read.
    pub only: bool,
}

impl BitmapPath {
    pub fn new(rel: usize, index: usize) -> BitmapPath {
        BitmapPath {
            rel,
            index,
            conditions: Vec::new(),
            implied: Vec::new(),
            used: Vec::new(),
            covered: Vec::new(),
            searches: 0.0,
            index_total: 0.0,
            index_rows: 0.0,
            orders: Vec::new(),
            only: false,
        }
    }
}

/// Which rows several indexes lead to.
#[derive(Clone, Debug)]
pub(super) struct BitmapTree {
    pub rel: usize,
    pub root: Bits,
    /// Conditions on the table it asks (position in the relation's list).
    pub covered: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Bits {
    Index {
        /// Position in `Relation::indexes`.
        index: usize,
        conditions: Vec<PathCondition>,
        /// The conditions as they are asked again.
        clauses: Vec<Expr>,
        /// What the clauses come from (see [`super::scan::Match::origins`]).
        origins: Vec<Expr>,
        /// What holds for all of a partial index.
        implied: Vec<Expr>,
        total: f64,
        rows: f64,
    },
    All(Vec<Bits>, f64, f64),
    Any(Vec<Bits>, f64, f64),
}

/// A distance of an index's column.
#[derive(Clone, Debug)]
pub(super) struct Distance {
    pub column: usize,
    pub strategy: i16,
    pub value: Expr,
    /// As it is computed of a row.
    pub expr: Expr,
}

/// What a GIN or GiST index is asked.
#[derive(Clone, Debug)]
pub(super) struct SearchCondition {
    pub column: usize,
    pub strategy: super::Search,
    pub value: Expr,
    /// The condition with the index's column on its left.
    pub shown: Expr,
    /// The condition as it is asked again.
    pub clause: Expr,
}

#[derive(Clone, Debug)]
pub(super) struct PathCondition {
    pub column: usize,
    /// See [`super::IndexCondition::row`].
    pub row: Vec<usize>,
    pub op: IndexOp,
    pub value: Expr,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    Nest,
    Hash,
    Merge,
}

/// What becomes of the inner rows of a nested loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keep {
    Nothing,
    All,
    /// Those of each set of outer values.
    ByValues {
        binary: bool,
    },
}

#[derive(Clone, Debug)]
pub(super) struct JoinPath {
    pub kind: JoinKind,
    pub method: Method,
    pub left: Rc<Path>,
    pub right: Rc<Path>,
    /// Decide whether two rows are partners.
    pub on: Vec<Expr>,
    /// Hold for the joined rows afterwards.
    pub filter: Vec<Expr>,
    /// Equalities for hash and merge: left side, right side.
    pub keys: Vec<(Expr, Expr)>,
    /// How the right rows are kept for the next rescan.
    pub keep: Keep,
}

/// True if rows in order `have` are also in order `want`.
pub(super) fn ordered_for(have: &[PathKey], want: &[PathKey]) -> bool {
    want.len() <= have.len() && presorted(have, want) == want.len()
}

/// How many of the wanted items rows in order `have` come in.
pub(super) fn presorted(have: &[PathKey], want: &[PathKey]) -> usize {
    let alike =
        |w: &PathKey, h: &PathKey| w.desc == h.desc && w.nulls_first == h.nulls_first && same_operand(&w.expr, &h.expr);
    want.iter().zip(have).take_while(|(w, h)| alike(w, h) && !has_volatile(&w.expr)).count()
}

/// Keeps the paths worth keeping: none is worse than another in everything. PostgreSQL 15, pathnode.c, add_path: costs
/// count as equal within one percent; of two that are, and that differ in nothing else, the earlier one stays unless it
/// is dearer. Departs: within 1,000 at most, so that what all ways have in common, were it a condition that costs
/// millions, hides no difference that is large by itself.
pub(super) fn add_path(paths: &mut Vec<Rc<Path>>, new: Path) {
    const FUZZ: f64 = 0.01;
    const MOST: f64 = 1000.0;
    let about = |cost: f64| cost + (cost * FUZZ).min(MOST);
    let no_worse = |a: &Path, b: &Path| {
        a.total <= about(b.total)
            && a.startup <= about(b.startup)
            && a.outer.within(b.outer)
            && ordered_for(&a.order, &b.order)
            && (a.rows <= b.rows * (1.0 + FUZZ) || a.outer == b.outer)
    };
    let cheaper = |a: &Path, b: &Path| {
        let exactly = |a: f64, b: f64| b > a * 1.000_000_000_1;
        exactly(a.total, b.total) || !exactly(b.total, a.total) && exactly(a.startup, b.startup)
    };
    let stays = |old: &Path| no_worse(old, &new) && !(no_worse(&new, old) && cheaper(&new, old));
    if paths.iter().any(|p| stays(p)) {
        return;
    }
    paths.retain(|p| !no_worse(&new, p));
    paths.push(Rc::new(new));
}
