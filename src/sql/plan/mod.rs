//! Physical plans: the border between the planner and the executor.
//!
//! A plan is immutable, shared by all executions (prepared statements keep it), and owns everything it names:
//! `Arc`s of relations, resolved functions. It is valid as long as no relation it names was invalidated
//! (`catalog::Relation::is_stale`).
//!
//! Invariants
//! - PLAN-1: a node's output columns are exactly `columns`, in that order; `Column(i)` in a parent means column i.
//! - PLAN-2: no expression in a finished plan contains a binding-only or planning-only kind (see `ExprKind`).
//! - PLAN-3: joins output left columns, then right columns, then are narrowed by `project`, if present.

mod bitmap;
mod bitmap_tree;
mod bounds;
mod brin;
mod canonical;
pub mod choice;
mod cost;
mod create;
mod exclude;
pub mod explain;
mod finish;
pub(in crate::sql) mod fold;
mod gist;
mod goal;
mod group;
pub mod identify;
mod inline;
mod join;
mod jointree;
mod keyed;
mod layout;
mod lock_rows;
mod memoize;
mod min_max;
mod moment;
mod or_clause;
mod order;
mod path;
mod planner;
pub(in crate::sql) mod predicate;
mod prepare;
mod project_set;
pub mod prune;
mod push;
mod recheck;
mod relset;
mod sample;
mod scan;
mod search;
mod secure;
mod select;
mod selectivity;
mod set_operation;
mod settings;
mod stored_facts;
#[cfg(test)]
mod tests;
pub(in crate::sql) mod tree;
mod unique_semi;
mod window;
mod write;
pub use write::routed_insert;

pub use explain::{Actual, Actuals, ExplainOptions, explain_json, explain_text};
pub(in crate::sql) use fold::has_volatile;
pub use planner::plan;
pub use settings::{PlanContext, PlannerSettings};

use crate::base::Oid;
use crate::catalog::ObjectKey;
use crate::catalog::object::class;
use crate::catalog::{Index, Persistence, Relation};
use crate::sql::expr::{AggCall, Expr, SortKey, WindowCall, WindowSpec};
use crate::types::{TypeRef, Value};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Plan {
    pub node: PlanNode,
    pub columns: Vec<PlanColumn>,
    pub cost: Cost,
    /// Run-time slots this subtree reads that are filled outside it, ascending. A node that remembers rows over a
    /// rescan (Materialize, a hash table, a CTE) must forget them if one of its input's `params` changed.
    pub params: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct PlanColumn {
    pub name: String,
    pub ty: TypeRef,
}

/// PostgreSQL's cost units, shown by EXPLAIN.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub startup: f64,
    pub total: f64,
    pub rows: f64,
    pub width: i32,
}

#[derive(Clone, Debug)]
pub enum PlanNode {
    /// One row of expressions, or none if `one_time` is false; with an input: projection and one-time filter.
    Result {
        input: Option<Box<Plan>>,
        exprs: Vec<Expr>,
        one_time: Option<Expr>,
    },
    Values {
        rows: Vec<Vec<Expr>>,
    },
    /// Input columns of `filter` and `project`: the scan's `columns` list (attribute numbers, negative: system).
    SeqScan {
        rel: Arc<Relation>,
        alias: String,
        attnos: Vec<i16>,
        filter: Option<Expr>,
        project: Option<Vec<Expr>>,
    },
    IndexScan(Box<IndexScan>),
    /// Row addresses, ascending and each once: one int8 column, for a `BitmapHeapScan` alone.
    BitmapIndexScan(Box<BitmapIndexScan>),
    /// What all, or any, of several such nodes find.
    BitmapCombine {
        inputs: Vec<Plan>,
        all: bool,
    },
    BitmapHeapScan(Box<BitmapHeapScan>),
    GistScan(Box<GistScan>),
    /// A relation generated from the engine's own state; see `sql::exec::system_view`.
    VirtualScan {
        view: &'static str,
        rel: Option<Arc<Relation>>,
        alias: String,
        attnos: Vec<i16>,
        filter: Option<Expr>,
        project: Option<Vec<Expr>>,
    },
    /// Set-returning (or scalar) functions in FROM, in lock step (ROWS FROM), with an ordinality column if asked.
    FunctionScan {
        calls: Vec<FunctionCall>,
        alias: String,
        /// What its columns are called, for EXPLAIN.
        names: Vec<String>,
        ordinality: bool,
        filter: Option<Expr>,
        project: Option<Vec<Expr>>,
    },
    TidScan {
        rel: Arc<Relation>,
        alias: String,
        tids: Vec<Expr>,
        attnos: Vec<i16>,
        filter: Option<Expr>,
        project: Option<Vec<Expr>>,
    },
    Filter {
        input: Box<Plan>,
        filter: Expr,
    },
    Project {
        input: Box<Plan>,
        exprs: Vec<Expr>,
    },
    /// Set-returning functions in a select list, in lock step, shorter ones padded with NULL.
    ProjectSet {
        input: Box<Plan>,
        items: Vec<SetItem>,
    },
    NestLoop(Box<NestLoop>),
    HashJoin(Box<HashJoin>),
    MergeJoin(Box<MergeJoin>),
    Sort {
        input: Box<Plan>,
        keys: Vec<SortKey>,
        /// The input's order: so many of the keys.
        presorted: usize,
        /// keep only the first rows (LIMIT above)
        bound: Option<Expr>,
    },
    Limit {
        input: Box<Plan>,
        limit: Option<Expr>,
        offset: Option<Expr>,
        with_ties: Option<Vec<SortKey>>,
    },
    Aggregate(Box<Aggregate>),
    Window {
        input: Box<Plan>,
        spec: WindowSpec,
        calls: Vec<WindowCall>,
    },
    /// DISTINCT [ON]: input sorted on `keys` (unique = true) or hashed.
    Distinct {
        input: Box<Plan>,
        keys: Vec<Expr>,
        sorted: bool,
    },
    /// UNION ALL and friends: columns line up by position.
    Append {
        inputs: Vec<Plan>,
        /// Partitions that are left out only when it runs.
        pruning: Option<Box<prune::Pruning>>,
        /// The order of each input's rows, to be that of all; empty: one input after the other.
        merge: Vec<SortKey>,
        /// How many inputs were left out when it began, of a plan to be shown.
        removed: usize,
        /// The table whose rows these are, as nodes above name it.
        alias: Option<String>,
    },
    SetOp {
        left: Box<Plan>,
        right: Box<Plan>,
        op: SetOpKind,
        all: bool,
        /// How many different rows are expected of the input that PostgreSQL would read first.
        groups: f64,
        /// That one is the right one.
        right_first: bool,
    },
    Materialize {
        input: Box<Plan>,
    },
    /// Keeps the input's rows for each set of values of the slots that the nested loop around fills.
    Memoize {
        input: Box<Plan>,
        /// Those slots.
        keys: Vec<Expr>,
        /// For EXPLAIN: in PostgreSQL they are the same when their bits are, not when the values are equal.
        binary: bool,
    },
    /// WITH: runs `ctes` on demand, shared between their `CteScan`s; data-modifying ones to completion.
    With {
        ctes: Vec<Cte>,
        body: Box<Plan>,
    },
    CteScan {
        /// [`Cte::id`]: found at run time, so a CteScan may stand anywhere below its With, also in sub-plans.
        cte: usize,
        alias: String,
        /// What its columns are called, for EXPLAIN.
        names: Vec<String>,
        filter: Option<Expr>,
        project: Option<Vec<Expr>>,
    },
    /// A sub-select in FROM, its rows filtered and narrowed.
    SubqueryScan {
        input: Box<Plan>,
        alias: String,
        /// What its columns are called, for EXPLAIN.
        names: Vec<String>,
        filter: Option<Expr>,
        project: Option<Vec<Expr>>,
    },
    RecursiveUnion {
        left: Box<Plan>,
        right: Box<Plan>,
        distinct: bool,
        work_table: usize,
    },
    WorkTableScan {
        work_table: usize,
        alias: String,
        names: Vec<String>,
        filter: Option<Expr>,
        project: Option<Vec<Expr>>,
    },
    /// SELECT … FOR UPDATE/SHARE: the ctid column of each locked relation is in the input (NULL below an outer join:
    /// nothing to lock). A row that a concurrent transaction changed is read anew into the columns `refresh` names,
    /// and dropped unless `recheck`, over the input's columns, holds.
    LockRows {
        input: Box<Plan>,
        locks: Vec<RowLock>,
        /// Columns that are NULL where the row has no partner any more by this condition, innermost joins first; asked
        /// before `recheck`.
        outer: Vec<(Expr, Vec<usize>)>,
        recheck: Option<Expr>,
    },
    Modify(Box<Modify>),
    /// What rules made of a statement, one after the other; the rows are those of `main`.
    Sequence {
        steps: Vec<Arc<PlannedStatement>>,
        main: Option<usize>,
    },
    Empty,
}

#[derive(Clone, Debug)]
pub struct IndexScan {
    pub rel: Arc<Relation>,
    pub alias: String,
    pub index: Arc<Index>,
    /// Equality and range conditions on the index's leading columns; expressions without input columns
    /// (constants, params, exec params).
    pub conditions: Vec<IndexCondition>,
    pub backward: bool,
    /// Read values from the index alone where the visibility map allows.
    pub index_only: bool,
    pub attnos: Vec<i16>,
    pub filter: Option<Expr>,
    pub project: Option<Vec<Expr>>,
}

/// The rows whose addresses another plan finds, in the table's order.
#[derive(Clone, Debug)]
pub struct BitmapHeapScan {
    pub rel: Arc<Relation>,
    pub alias: String,
    pub source: Plan,
    /// What the index was asked: of a row that was found it need not be true.
    pub recheck: Option<Expr>,
    pub attnos: Vec<i16>,
    pub filter: Option<Expr>,
    pub project: Option<Vec<Expr>>,
}

/// The rows a GiST index leads to, as they come or nearest first.
#[derive(Clone, Debug)]
pub struct GistScan {
    pub rel: Arc<Relation>,
    pub alias: String,
    pub index: Arc<Index>,
    pub conditions: Vec<SearchCondition>,
    /// The conditions for EXPLAIN, over the scan's columns.
    pub shown: Option<Expr>,
    /// What the index was asked: of a row that was found it need not be true.
    pub recheck: Option<Expr>,
    pub orders: Vec<SearchCondition>,
    /// The distances, over the scan's columns.
    pub distances: Vec<Expr>,
    pub index_only: bool,
    pub attnos: Vec<i16>,
    pub filter: Option<Expr>,
    pub project: Option<Vec<Expr>>,
}

/// What an operator asks of an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Search {
    Gin(crate::gin::Strategy),
    /// A strategy of the column's operator class.
    Gist(i16),
    /// The same of a BRIN index; `any`: of one of an array's elements.
    Brin {
        strategy: i16,
        any: bool,
    },
}

/// The addresses of rows that may fulfil all of the conditions.
#[derive(Clone, Debug)]
pub struct BitmapIndexScan {
    pub index: Arc<Index>,
    pub table: Oid,
    pub conditions: Vec<SearchCondition>,
    /// Of a B-tree or a hash index.
    pub bounds: Vec<IndexCondition>,
    /// The conditions for EXPLAIN, over the columns of the scan above.
    pub shown: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct SearchCondition {
    /// 0-based column of the index.
    pub column: usize,
    pub strategy: Search,
    /// An expression without input columns.
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub struct IndexCondition {
    /// 0-based key column of the index.
    pub column: usize,
    /// The columns after it that a comparison of rows is about, too; the value is a row then.
    pub row: Vec<usize>,
    pub op: IndexOp,
    /// Of the column's type; or of another integer type, and then out of the column's range it means what it says
    /// (`int2 = 100000` finds nothing, `int2 < 100000` everything).
    pub value: Expr,
    /// What expression columns are computed from, over the columns the scan reads: to be shown. One for each column.
    pub computed: Vec<Option<Expr>>,
}

impl IndexCondition {
    /// The columns and what each is compared with.
    pub fn parts(&self) -> impl Iterator<Item = (usize, &Expr)> {
        let values = match &self.value.kind {
            crate::sql::expr::ExprKind::Row { fields, .. } if !self.row.is_empty() => &fields[..],
            _ => std::slice::from_ref(&self.value),
        };
        std::iter::once(self.column).chain(self.row.iter().copied()).zip(values)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IndexOp {
    Lt,
    Le,
    Eq,
    Ge,
    Gt,
    IsNull,
    IsNotNull,
    /// `= ANY (array)`: the value is an array.
    EqAny,
}

#[derive(Clone, Debug)]
pub struct FunctionCall {
    pub func: &'static crate::sql::func::FuncDef,
    pub args: Vec<Expr>,
    /// The columns are the fields of a row.
    pub rows: bool,
    /// Column names and types the call contributes.
    pub columns: Vec<PlanColumn>,
}

#[derive(Clone, Debug)]
pub enum SetItem {
    Plain(Expr),
    Set { func: &'static crate::sql::func::FuncDef, args: Vec<Expr> },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    /// Left rows with at least one partner; output: left columns only.
    Semi,
    /// Left rows without a partner; output: left columns only.
    Anti,
}

/// The right side is rescanned for each left row; `params` passes left values to slots the right side reads
/// (LATERAL, parameterised index scans).
#[derive(Clone, Debug)]
pub struct NestLoop {
    pub kind: JoinKind,
    pub left: Plan,
    pub right: Plan,
    pub params: Vec<(usize, Expr)>,
    /// Over left columns, then right columns.
    pub condition: Option<Expr>,
    pub project: Option<Vec<Expr>>,
}

#[derive(Clone, Debug)]
pub struct HashJoin {
    pub kind: JoinKind,
    pub left: Plan,
    /// Built into the hash table.
    pub right: Plan,
    pub left_keys: Vec<Expr>,
    pub right_keys: Vec<Expr>,
    /// Further conditions over left columns, then right columns.
    pub condition: Option<Expr>,
    pub project: Option<Vec<Expr>>,
    /// NOT IN: one NULL key on the right empties the result.
    pub null_aware: bool,
}

/// Both inputs sorted ascending on the keys.
#[derive(Clone, Debug)]
pub struct MergeJoin {
    pub kind: JoinKind,
    pub left: Plan,
    pub right: Plan,
    pub left_keys: Vec<Expr>,
    pub right_keys: Vec<Expr>,
    pub condition: Option<Expr>,
    pub project: Option<Vec<Expr>>,
}

/// Output: grouping expressions, then aggregates, then (with grouping sets) the set's number as int4.
#[derive(Clone, Debug)]
pub struct Aggregate {
    pub input: Plan,
    pub strategy: AggStrategy,
    pub group_by: Vec<Expr>,
    /// Each set names the grouping expressions it keeps; one set with all of them for a plain GROUP BY.
    pub sets: Vec<Vec<usize>>,
    /// How many groups are expected of each set.
    pub groups: Vec<f64>,
    pub calls: Vec<AggCall>,
    /// HAVING, over the output columns.
    pub having: Option<Expr>,
    pub project: Option<Vec<Expr>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AggStrategy {
    /// No GROUP BY: exactly one row.
    Plain,
    Hash,
    /// Input sorted on the grouping expressions.
    Sorted,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetOpKind {
    Union,
    Intersect,
    Except,
}

#[derive(Clone, Debug)]
pub struct Cte {
    /// For EXPLAIN: among the statement's sub-plans.
    pub number: usize,
    /// Unique in the statement, below [`PlannedStatement::ctes`].
    pub id: usize,
    pub name: String,
    pub plan: Plan,
    /// INSERT/UPDATE/DELETE: run to completion even when nobody reads it.
    pub modifies: bool,
}

#[derive(Clone, Debug)]
pub struct RowLock {
    /// The table named, and those whose rows it shows, with their attribute numbers of its attributes.
    pub members: Vec<(Arc<Relation>, Vec<i16>)>,
    /// Input column with the table a row lies in, if there are several.
    pub tableoid: Option<usize>,
    /// Input column with the ctid.
    pub ctid: usize,
    /// Input columns that are attributes of this relation: (column, attribute number).
    pub refresh: Vec<(usize, i16)>,
    pub strength: LockStrength,
    pub wait: LockWait,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LockStrength {
    KeyShare,
    Share,
    NoKeyUpdate,
    Update,
}

impl LockStrength {
    /// As SQL says it.
    pub fn clause(self) -> &'static str {
        match self {
            LockStrength::KeyShare => "FOR KEY SHARE",
            LockStrength::Share => "FOR SHARE",
            LockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
            LockStrength::Update => "FOR UPDATE",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockWait {
    Block,
    NoWait,
    SkipLocked,
}

/// INSERT, UPDATE or DELETE. RETURNING expressions read the new row's attributes as columns (for DELETE the old
/// row's), 0-based by attribute number − 1, followed by system columns ctid, xmin, xmax, tableoid, then, for
/// UPDATE … FROM and DELETE … USING, by all input columns.
#[derive(Clone, Debug)]
pub struct Modify {
    pub kind: ModifyKind,
    pub rel: Arc<Relation>,
    /// What the statement calls the relation.
    pub alias: String,
    pub input: Plan,
    pub returning: Option<Vec<Expr>>,
    /// Defaults are already in the input; CHECK constraints, over the new row's attributes.
    pub checks: Vec<(String, Expr)>,
    /// Conditions of policies, and WITH CHECK OPTION of views, over the row's attributes.
    pub row_checks: Vec<RowCheck>,
    /// One entry per index of the relation: its expressions and predicate over the new row's attributes.
    pub index_exprs: Vec<IndexMaintenance>,
    /// GENERATED ALWAYS AS (…) STORED, over the new row's attributes: (attribute index, expression).
    pub generated: Vec<(usize, Expr)>,
    /// UPDATE and DELETE of a table with children: the members do the work.
    pub members: Option<ModifyMembers>,
    /// The table the statement names, where this is a part of it.
    pub named: Option<Arc<Relation>>,
    /// Its attribute numbers that the statement gives values: who does that may see them.
    pub assigned: Arc<[i16]>,
}

/// What would have been done to a view's rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Instead {
    Insert,
    /// The attributes assigned.
    Update(Vec<usize>),
    Delete,
}

/// A condition that a row written, or to be changed, must fulfil.
#[derive(Clone, Debug)]
pub struct RowCheck {
    pub kind: RowCheckKind,
    /// The policy's name, if it is a restrictive one.
    pub policy: Option<String>,
    /// The table the policies belong to, or the view.
    pub of: String,
    pub expr: Expr,
}

/// Which rows a [`RowCheck`] is for, and how its message calls it. PostgreSQL 15, parsenodes.h, WCOKind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowCheckKind {
    /// WITH CHECK OPTION: new rows.
    View,
    /// Rows of INSERT.
    Insert,
    /// New rows of UPDATE.
    Update,
    /// The row there is, before ON CONFLICT DO UPDATE changes it.
    Conflict,
    /// The row there is, before MERGE changes it.
    MergeUpdate,
    MergeDelete,
}

/// The members of a tree that is written to.
#[derive(Clone, Debug)]
pub struct ModifyMembers {
    /// Input column with the table a row lies in.
    pub tableoid: usize,
    /// What to do in each, over its own attributes; their inputs only say which columns come.
    pub parts: Vec<Modify>,
    /// Their names in EXPLAIN.
    pub aliases: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct IndexMaintenance {
    pub index: Arc<Index>,
    /// One expression per key and included column.
    pub columns: Vec<Expr>,
    pub predicate: Option<Expr>,
}

#[derive(Clone, Debug)]
pub enum ModifyKind {
    /// The input's columns are the relation's attributes, all of them, in order (dropped ones NULL).
    Insert {
        on_conflict: Option<OnConflict>,
    },
    /// `ctid` is the input column that names the target row. When that row was changed meanwhile, `recheck` (the WHERE
    /// condition over the target row's attributes, then all input columns) is evaluated on its newest version, as
    /// PostgreSQL's EvalPlanQual does; None: no condition.
    Update {
        ctid: usize,
        set: Vec<UpdateColumn>,
        recheck: Option<Expr>,
    },
    Delete {
        ctid: usize,
        recheck: Option<Expr>,
    },
    /// `ctid` is NULL where no target row matches. Expressions are over the target row's attributes (all NULL then), then
    /// all input columns.
    Merge {
        ctid: usize,
        whens: Vec<MergeWhen>,
        /// What made target row and source row one: asked again where the row was changed meanwhile.
        recheck: Option<Expr>,
    },
    /// INSTEAD OF triggers of a view get the rows. The input's columns are the old row's attributes (not for INSERT),
    /// the new row's (not for DELETE), and what else RETURNING reads: it reads the row's attributes, then those.
    Instead(Instead),
}

impl ModifyKind {
    /// Whether rows that are there may be updated, and whether they may be deleted.
    pub fn changes(&self) -> (bool, bool) {
        match self {
            ModifyKind::Insert { on_conflict } => (on_conflict.as_ref().is_some_and(|c| c.set.is_some()), false),
            ModifyKind::Update { .. } => (true, false),
            ModifyKind::Delete { .. } => (false, true),
            ModifyKind::Merge { whens, .. } => (
                whens.iter().any(|w| matches!(w.action, MergeAction::Update(_))),
                whens.iter().any(|w| matches!(w.action, MergeAction::Delete)),
            ),
            ModifyKind::Instead(_) => (false, false),
        }
    }
}

/// A WHEN clause; the first whose condition holds is what happens to a row.
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
    Update(Vec<UpdateColumn>),
    /// The relation's attributes, all of them, in order.
    Insert(Vec<Expr>),
}

impl MergeWhen {
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let (set, values): (&[UpdateColumn], &[Expr]) = match &self.action {
            MergeAction::Nothing | MergeAction::Delete => (&[], &[]),
            MergeAction::Update(set) => (set, &[]),
            MergeAction::Insert(values) => (&[], values),
        };
        self.condition.iter().chain(set.iter().map(|s| &s.expr)).chain(values)
    }
}

/// One assigned attribute. `expr` computes the new value over: the target row's current attributes (0-based),
/// then all input columns. So a re-check after a concurrent update re-evaluates it on the new version.
#[derive(Clone, Debug)]
pub struct UpdateColumn {
    pub attr: usize,
    pub expr: Expr,
}

/// `ctid` to `tableoid`, -1 to -6.
pub const SYSTEM_COLUMNS: i16 = 6;

/// `excluded.*` follows the existing row's attributes: `set` and `filter` read existing attributes first
/// (0-based), then the proposed row's, then the existing row's system columns.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// None: any unique index (DO NOTHING without a target).
    pub arbiters: Option<Vec<Oid>>,
    pub set: Option<Vec<(usize, Expr)>>,
    pub filter: Option<Expr>,
}

/// What a whole statement needs at run time.
#[derive(Clone, Debug)]
pub struct PlannedStatement {
    pub plan: Plan,
    /// `SELECT`, `INSERT`, `UPDATE`, `DELETE`: the command tag's word.
    pub tag: &'static str,
    pub returns_rows: bool,
    pub exec_params: usize,
    pub work_tables: usize,
    /// How many ids [`Cte::id`] uses.
    pub ctes: usize,
    pub param_types: Vec<TypeRef>,
    /// Of each output column: the table and attribute number it comes from, or zeros (RowDescription).
    pub origins: Vec<(Oid, i16)>,
    /// What the current user must be allowed to do, checked at start.
    pub privileges: Vec<RelationAccess>,
    /// Relations read or written, with the lock to take at start.
    pub relations: Vec<(Arc<Relation>, crate::lock::LockMode)>,
    pub read_only: bool,
    /// The first clause by which it locks rows.
    pub locks_rows: Option<LockStrength>,
    /// Constant for literal-free speed paths.
    pub constants: Vec<Value>,
    /// How many relations, joins and partitions planning it was about.
    pub entries: usize,
    /// Row security: it holds for this role and this `row_security` alone.
    pub acting: Option<crate::catalog::Acting>,
    /// The functions whose bodies are part of it.
    pub inlined: inline::Inlined,
    /// What the query is known by, 0 if nobody wanted to know.
    pub query_id: i64,
    /// And the text that it is shown by.
    pub source: Option<Arc<str>>,
}

impl PlannedStatement {
    /// As messages call it: `SELECT FOR UPDATE`. PostgreSQL 15, utility.c, CreateCommandTag.
    pub fn name(&self) -> String {
        match self.locks_rows.filter(|_| self.tag == "SELECT") {
            Some(strength) => format!("{} {}", self.tag, strength.clause()),
            None => self.tag.to_owned(),
        }
    }

    /// It changes or locks rows of a table that is not temporary. PostgreSQL 15, execMain.c, ExecCheckXactReadOnly: same rule.
    pub fn writes_permanent(&self) -> bool {
        let temporary = |p: &RelationAccess| p.rel.persistence == Persistence::Temp;
        let mut written = self.privileges.iter().filter(|p| p.wanted & !access::SELECT != 0).peekable();
        match self.plan.node {
            // Each step is asked when it starts.
            PlanNode::Sequence { .. } => false,
            _ => !self.read_only && (written.peek().is_none() || !written.all(temporary)),
        }
    }

    /// The relations are still what was planned for, and so is who asks.
    pub fn is_current(&self, catalog: &crate::catalog::Catalog) -> bool {
        self.relations.iter().all(|(r, _)| !r.is_stale() && catalog.is_seen_alike(r))
            && self.acting.is_none_or(|a| a == catalog.acting())
            && self.inlined.iter().all(|(oid, record)| {
                let now = catalog.get(ObjectKey::new(class::PROC, *oid));
                now.is_some_and(|now| Arc::ptr_eq(&now, record))
            })
    }
}

/// The rights a statement needs on one relation.
#[derive(Clone, Debug)]
pub struct RelationAccess {
    pub rel: Arc<Relation>,
    /// Any of [`access`]'s bits.
    pub wanted: u8,
    /// Attribute numbers read and written, for rights granted by column.
    pub selected: Vec<i16>,
    pub inserted: Vec<i16>,
    pub updated: Vec<i16>,
    /// The owner of the view the relation was reached through; None: the current user.
    pub check_as: Option<Oid>,
}

/// Bits of [`RelationAccess::wanted`].
pub mod access {
    pub const SELECT: u8 = 1;
    pub const INSERT: u8 = 2;
    pub const UPDATE: u8 = 4;
    pub const DELETE: u8 = 8;
}
