//! A bound query: what the statement means, before anybody decides how to run it.

use super::search_cycle::Marks;
use crate::base::Oid;
use crate::catalog::Relation;
use crate::sql::expr::{Expr, SubPlanKind, WindowSpec};
use crate::sql::func::FuncDef;
use crate::sql::plan::{JoinKind, LockStrength, LockWait, RowCheck, SetOpKind};
use crate::types::TypeRef;
use std::sync::Arc;

/// A query level. `Var { rel, .. }` in its expressions indexes `rels`, `levels_up` levels out.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub rels: Vec<Rel>,
    /// The items of FROM, to be cross-joined.
    pub from: Vec<FromNode>,
    pub filter: Option<Expr>,
    pub targets: Vec<Target>,
    /// Grouping expressions; empty also for an aggregate query without GROUP BY.
    pub group_by: Vec<Expr>,
    /// For each grouping expression the output column that it is, if it was written as one.
    pub grouped: Vec<Option<usize>>,
    /// None: no GROUP BY, or a plain one. Some: each set names the grouping expressions it keeps.
    pub grouping_sets: Option<Vec<Vec<usize>>>,
    /// How the grouping sets were written, where that is to be shown again.
    pub group_written: Vec<GroupWritten>,
    pub group_distinct: bool,
    /// Constraints of primary keys without which columns would be neither grouped nor decided by what is.
    pub keys: Vec<Oid>,
    /// The WINDOW clause, where it is to be shown again.
    pub windows: Vec<(String, WindowSpec)>,
    pub having: Option<Expr>,
    /// It aggregates: there are aggregates, or GROUP BY, or HAVING.
    pub has_aggregates: bool,
    pub has_windows: bool,
    pub has_set_returning: bool,
    pub distinct: Distinct,
    /// Over `targets`.
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
    pub with_ties: bool,
    /// Only `cursor_tuple_fraction` of its rows are expected to be fetched.
    pub of_cursor: bool,
    /// UNION and friends: the leaves are sub-selects in `rels`; `targets` are Vars of the leftmost.
    pub set_op: Option<SetTree>,
    pub ctes: Vec<Cte>,
    pub locks: Vec<RowMark>,
    /// FOR UPDATE or one of its kin was written here, not around it: it locks just the rows that come out here
    /// (PostgreSQL 15, prepjointree.c, is_simple_subquery).
    pub for_update: bool,
    /// INSERT, UPDATE, DELETE; None: a SELECT.
    pub write: Option<Box<Write>>,
    /// Rules made several queries of the statement, to be run one after the other; `write` says what it was, and the rows
    /// and the count are those of `main`.
    pub steps: Vec<Query>,
    pub main: Option<usize>,
    /// Nobody asks for its rows.
    pub silent: bool,
    /// Of a whole statement: what it means depends on the role and on `row_security`.
    pub depends_on_role: bool,
    /// Of a whole statement: what it is known by, 0 if nobody wants to know.
    pub id: i64,
}

/// An item of GROUP BY; numbers are grouping expressions.
#[derive(Clone, Debug)]
pub enum GroupWritten {
    Simple(Vec<usize>),
    Rollup(Vec<GroupWritten>),
    Cube(Vec<GroupWritten>),
    Sets(Vec<GroupWritten>),
}

/// An output column.
#[derive(Clone, Debug)]
pub struct Target {
    pub name: String,
    pub expr: Expr,
    /// Computed for ORDER BY or DISTINCT ON alone.
    pub junk: bool,
    /// Table and attribute the value comes from unchanged.
    pub origin: Option<(Oid, i16)>,
}

#[derive(Clone, Debug, Default)]
pub enum Distinct {
    #[default]
    No,
    All,
    /// Indexes into `targets`.
    On(Vec<usize>),
}

#[derive(Clone, Copy, Debug)]
pub struct OrderItem {
    pub target: usize,
    pub desc: bool,
    pub nulls_first: bool,
}

/// A range-table entry.
#[derive(Clone, Debug)]
pub struct Rel {
    pub alias: String,
    pub source: Source,
    /// Attribute n is `columns[n - 1]`.
    pub columns: Vec<RelColumn>,
    /// It may read the rels before it.
    pub lateral: bool,
    /// The view whose query a sub-select is.
    pub view: Option<Arc<Relation>>,
    /// Rights needed ([`crate::sql::plan::access`]), and the view owner who must have them.
    pub wanted: u8,
    pub check_as: Option<Oid>,
    /// The attributes that must be open to reading, inserting and updating, where not the whole relation is: marked by
    /// `rights` and by what assigns them.
    pub selected: Vec<i16>,
    pub inserted: Vec<i16>,
    pub updated: Vec<i16>,
    /// Row security: conditions over this rel that come before all others, in this order. Of a sub-select (then TRUE): it
    /// is a security barrier, nothing that could tell of its rows may be moved into it.
    pub security: Vec<Expr>,
    /// It was given an alias.
    pub aliased: bool,
    /// How many of its first columns, dropped ones counted, were given names.
    pub renamed: usize,
}

#[derive(Clone, Debug)]
pub struct RelColumn {
    pub name: String,
    pub ty: TypeRef,
    pub dropped: bool,
}

#[derive(Clone, Debug)]
pub enum Source {
    Table {
        rel: Arc<Relation>,
        sample: Option<Box<Sample>>,
        /// Its children's rows, too (no ONLY).
        inherit: bool,
    },
    Subquery(Box<Query>),
    Function {
        calls: Vec<FunctionItem>,
        ordinality: bool,
    },
    Values(Vec<Vec<Expr>>),
    /// The CTE `index` of the query `levels_up` levels out.
    Cte {
        index: usize,
        levels_up: usize,
    },
    /// Inside its own definition: the rows of the last round.
    WorkTable {
        index: usize,
        levels_up: usize,
    },
}

#[derive(Clone, Debug)]
pub struct Sample {
    pub bernoulli: bool,
    pub percent: Expr,
    pub seed: Option<Expr>,
}

/// One function in FROM; `expr` is a call, set-returning or not, with the columns it gives.
#[derive(Clone, Debug)]
pub struct FunctionItem {
    pub func: &'static FuncDef,
    pub args: Vec<Expr>,
    /// What the call gives, as this one has it: a row type, where its columns are that type's fields.
    pub ty: TypeRef,
    /// Not a plain call: any expression of one row.
    pub scalar: Option<Expr>,
    pub columns: Vec<RelColumn>,
    /// The columns were written down behind it.
    pub defined: bool,
    /// How it was written, where that is to be shown again.
    pub written: Option<Expr>,
}

impl FunctionItem {
    /// Its columns are the fields of a row.
    pub fn gives_rows(&self) -> bool {
        super::coerce::is_complex(crate::types::base_type(self.ty.oid))
    }
}

#[derive(Clone, Debug)]
pub enum FromNode {
    Rel(usize),
    Join(Box<JoinNode>),
}

#[derive(Clone, Debug)]
pub struct JoinNode {
    pub kind: JoinKind,
    pub left: FromNode,
    pub right: FromNode,
    pub on: Option<Expr>,
    pub written: JoinWritten,
}

/// What of a join its condition does not tell.
#[derive(Clone, Debug, Default)]
pub struct JoinWritten {
    /// USING or NATURAL: names, and what the merged columns are.
    pub using: Vec<(String, Expr)>,
    /// What the merged columns are called together.
    pub using_alias: Option<String>,
    /// What the join is called: its sides are hidden behind that.
    pub alias: Option<crate::sql::ast::Alias>,
}

#[derive(Clone, Debug)]
pub enum SetTree {
    Leaf(usize),
    Node { op: SetOpKind, all: bool, left: Box<SetTree>, right: Box<SetTree> },
}

#[derive(Clone, Debug)]
pub struct Cte {
    pub name: String,
    pub query: Box<Query>,
    pub columns: Vec<RelColumn>,
    pub recursive: bool,
    /// For a recursive one: the two sides and whether duplicates go; `query` is then the left side's shape.
    pub recursion: Option<Box<Recursion>>,
    pub materialized: Option<bool>,
    /// Its columns were given names.
    pub renamed: bool,
    /// How many times it is named.
    pub references: usize,
}

#[derive(Clone, Debug)]
pub struct Recursion {
    pub left: Query,
    pub right: Query,
    pub distinct: bool,
    /// SEARCH and CYCLE: each side is then the only relation of a query that makes their columns.
    pub marks: Option<Marks>,
}

#[derive(Clone, Copy, Debug)]
pub struct RowMark {
    pub rel: usize,
    pub strength: LockStrength,
    pub wait: LockWait,
}

/// What a data-modifying query does with the rows of its join tree. The target is `rels[target]`.
#[derive(Clone, Debug)]
pub struct Write {
    pub target: usize,
    /// The entry the rows to change are read from: the target, but of a view with INSTEAD OF triggers its query.
    pub read: usize,
    pub kind: WriteKind,
    pub returning: Vec<Target>,
    /// Conditions of policies, and WITH CHECK OPTION of the views written through: over the target as rel 0.
    pub checks: Vec<RowCheck>,
    /// A view written through has a CASCADED check option.
    pub cascaded: bool,
    /// Rules have nothing to do with it.
    pub unruled: bool,
    /// A rule says that nothing is done.
    pub nothing: bool,
}

#[derive(Clone, Debug)]
pub enum WriteKind {
    /// The query's targets are the relation's attributes, all of them, in order.
    Insert {
        supplied: Supplied,
        on_conflict: Option<Box<OnConflict>>,
    },
    /// (0-based attribute, value).
    Update {
        set: Vec<(usize, Expr)>,
    },
    Delete,
    /// The join gives every row of the source, with the target's row where one matches.
    Merge {
        whens: Vec<MergeWhen>,
    },
}

#[derive(Clone, Debug)]
pub struct MergeWhen {
    pub matched: bool,
    pub condition: Option<Expr>,
    pub action: MergeAction,
}

#[derive(Clone, Debug)]
pub enum MergeAction {
    Nothing,
    Delete,
    Update(Vec<(usize, Expr)>),
    /// Values of all attributes, in order.
    Insert {
        values: Vec<Expr>,
        /// Those that were named, as often as they were.
        named: Vec<usize>,
        overriding: crate::sql::ast::Overriding,
    },
}

impl MergeWhen {
    pub fn for_each_expr_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.condition.iter_mut().for_each(&mut *f);
        match &mut self.action {
            MergeAction::Nothing | MergeAction::Delete => {}
            MergeAction::Update(set) => set.iter_mut().for_each(|(_, e)| f(e)),
            MergeAction::Insert { values, .. } => values.iter_mut().for_each(f),
        }
    }
}

impl Write {
    pub fn new(target: usize, kind: WriteKind, returning: Vec<Target>) -> Write {
        Write {
            target,
            read: target,
            kind,
            returning,
            checks: Vec::new(),
            cascaded: false,
            unruled: false,
            nothing: false,
        }
    }
}

/// What an INSERT says itself of the attributes; the rest are defaults.
#[derive(Clone, Debug, Default)]
pub struct Supplied {
    pub attributes: Vec<bool>,
    /// Places in the rows of VALUES (row, column) where DEFAULT is written and the target has none.
    pub gaps: Vec<(usize, usize)>,
    pub overriding: crate::sql::ast::Overriding,
}

/// An expression over the target that an index is to be on.
#[derive(Clone, Debug)]
pub struct ArbiterElem {
    pub expr: Expr,
    /// Invalid: any.
    pub collation: Oid,
    /// An operator class's family and input type.
    pub class: Option<(Oid, Oid)>,
    /// What that class was called, if it is not the one of the type.
    pub class_name: Option<String>,
}

impl ArbiterElem {
    /// However the index orders it.
    pub fn is_plain(&self) -> bool {
        !self.collation.is_valid() && self.class.is_none()
    }
}

/// The unique indexes ON CONFLICT is about.
#[derive(Clone, Debug)]
pub enum Arbiters {
    Any,
    Constraint {
        index: Oid,
        columns: Vec<i16>,
    },
    /// What the target's index is on, and a predicate.
    Inferred(Vec<ArbiterElem>, Option<Expr>),
    /// Found.
    Indexes(Vec<Oid>),
}

#[derive(Clone, Debug)]
pub struct OnConflict {
    pub arbiters: Arbiters,
    /// Values over the target's Vars and those of the rel `excluded`.
    pub set: Option<Vec<(usize, Expr)>>,
    pub filter: Option<Expr>,
    pub excluded: usize,
}

/// A sub-select inside an expression.
#[derive(Clone, Debug)]
pub struct SubLink {
    pub kind: SubPlanKind,
    /// Of ANY and ALL: compares the outer values with `Column(i)` of the query's output.
    pub test: Option<Expr>,
    pub query: Query,
}

impl Query {
    /// Calls `f` for every expression that stands directly in this query (not in those of its rels or CTEs).
    pub fn for_each_expr_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.targets.iter_mut().for_each(|t| f(&mut t.expr));
        if let Some(w) = &mut self.write {
            if let WriteKind::Update { set } = &mut w.kind {
                set.iter_mut().for_each(|(_, e)| f(e));
            }
            w.returning.iter_mut().for_each(|t| f(&mut t.expr));
        }
        self.from.iter_mut().for_each(|n| n.for_each_expr_mut(f));
        self.filter.iter_mut().for_each(&mut *f);
        self.group_by.iter_mut().for_each(&mut *f);
        self.having.iter_mut().for_each(&mut *f);
        self.offset.iter_mut().for_each(&mut *f);
        self.limit.iter_mut().for_each(&mut *f);
        for rel in &mut self.rels {
            rel.security.iter_mut().for_each(&mut *f);
            match &mut rel.source {
                Source::Function { calls, .. } => calls.iter_mut().for_each(|c| {
                    c.args.iter_mut().for_each(&mut *f);
                    c.scalar.iter_mut().for_each(&mut *f);
                }),
                Source::Values(rows) => rows.iter_mut().flatten().for_each(&mut *f),
                Source::Table { sample: Some(s), .. } => {
                    f(&mut s.percent);
                    s.seed.iter_mut().for_each(&mut *f);
                }
                _ => {}
            }
        }
        if let Some(w) = &mut self.write {
            match &mut w.kind {
                WriteKind::Insert { on_conflict: Some(c), .. } => {
                    if let Arbiters::Inferred(elems, predicate) = &mut c.arbiters {
                        elems.iter_mut().map(|e| &mut e.expr).chain(predicate).for_each(&mut *f);
                    }
                    c.set.iter_mut().flatten().for_each(|(_, e)| f(e));
                    c.filter.iter_mut().for_each(f);
                }
                WriteKind::Merge { whens } => whens.iter_mut().for_each(|w| w.for_each_expr_mut(f)),
                _ => {}
            }
        }
    }

    /// Calls `f` for every query one level in, but for those inside expressions.
    pub fn for_each_query_mut(&mut self, f: &mut dyn FnMut(&mut Query)) {
        for rel in self.rels.iter_mut().filter(|r| r.view.is_some()) {
            if let Source::Subquery(q) = &mut rel.source {
                f(q);
            }
        }
        self.for_each_written_query_mut(f);
    }

    /// Those that are written down, not those of views.
    pub fn for_each_written_query_mut(&mut self, f: &mut dyn FnMut(&mut Query)) {
        for rel in self.rels.iter_mut().filter(|r| r.view.is_none()) {
            if let Source::Subquery(q) = &mut rel.source {
                f(q);
            }
        }
        for cte in &mut self.ctes {
            match &mut cte.recursion {
                Some(r) => {
                    f(&mut r.left);
                    f(&mut r.right);
                }
                None => f(&mut cte.query),
            }
        }
    }

    /// Calls `f` with every expression at any depth and the number of levels it stands below this query.
    pub fn walk_mut(&mut self, depth: usize, f: &mut dyn FnMut(&mut Expr, usize)) {
        self.for_each_expr_mut(&mut |e| walk_expr_mut(e, depth, f));
        self.for_each_query_mut(&mut |q| q.walk_mut(depth + 1, f));
    }

    /// The visible output columns.
    pub fn output(&self) -> impl Iterator<Item = &Target> {
        let targets = match &self.write {
            Some(w) => &w.returning,
            None => &self.targets,
        };
        targets.iter().filter(|t| !t.junk)
    }
}

/// Calls `f` for the expression and its parts, parts first, also in its sub-selects.
pub fn walk_expr_mut(expr: &mut Expr, depth: usize, f: &mut dyn FnMut(&mut Expr, usize)) {
    expr.for_each_child_mut(&mut |e| walk_expr_mut(e, depth, f));
    if let crate::sql::expr::ExprKind::SubLink(s) = &mut expr.kind {
        s.query.walk_mut(depth + 1, f);
    }
    f(expr, depth);
}

impl FromNode {
    /// How many joins it is made of.
    pub fn joins(&self) -> usize {
        match self {
            FromNode::Rel(_) => 0,
            FromNode::Join(j) => 1 + j.left.joins() + j.right.joins(),
        }
    }

    /// Adds to the numbers of rels.
    pub fn shift(&mut self, by: usize) {
        match self {
            FromNode::Rel(r) => *r += by,
            FromNode::Join(j) => {
                j.left.shift(by);
                j.right.shift(by);
            }
        }
    }

    /// Puts another rel in a rel's place.
    pub fn rename(&mut self, from: usize, to: usize) {
        match self {
            FromNode::Rel(r) if *r == from => *r = to,
            FromNode::Rel(_) => {}
            FromNode::Join(j) => {
                j.left.rename(from, to);
                j.right.rename(from, to);
            }
        }
    }

    pub fn for_each_expr_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        if let FromNode::Join(j) = self {
            j.left.for_each_expr_mut(f);
            j.right.for_each_expr_mut(f);
            j.on.iter_mut().for_each(f);
        }
    }

    /// The rels below this node.
    pub fn rels(&self, out: &mut Vec<usize>) {
        match self {
            FromNode::Rel(r) => out.push(*r),
            FromNode::Join(j) => {
                j.left.rels(out);
                j.right.rels(out);
            }
        }
    }
}

impl Rel {
    pub fn new(alias: String, source: Source, columns: Vec<RelColumn>) -> Rel {
        Rel {
            alias,
            source,
            columns,
            lateral: false,
            view: None,
            wanted: 0,
            check_as: None,
            selected: Vec::new(),
            inserted: Vec::new(),
            updated: Vec::new(),
            security: Vec::new(),
            aliased: false,
            renamed: 0,
        }
    }

    pub fn relation_mut(&mut self) -> Option<&mut Arc<Relation>> {
        match &mut self.source {
            Source::Table { rel, .. } => Some(rel),
            _ => self.view.as_mut(),
        }
    }

    /// The table, or the view that is read or written.
    pub fn relation(&self) -> Option<&Arc<Relation>> {
        match &self.source {
            Source::Table { rel, .. } => Some(rel),
            _ => self.view.as_ref(),
        }
    }

    /// The type of an attribute, system attributes included.
    pub fn attribute(&self, attno: i16) -> Option<TypeRef> {
        if attno > 0 { self.columns.get(attno as usize - 1).map(|c| c.ty) } else { super::scope::system_type(attno) }
    }
}
