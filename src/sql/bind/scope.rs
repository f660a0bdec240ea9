//! Which names are visible where: the range table being built, its columns, and the outer queries'.

use super::{Binder, Cte, Rel, RelColumn, Source};
use crate::base::{Oid, Result};
use crate::catalog::RelKind;
use crate::err;
use crate::heap::Fact;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::access;
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// The part of a query an expression stands in: decides what it may hold and how messages call it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Clause {
    #[default]
    Other,
    Select,
    FromSubselect,
    FromFunction,
    JoinOn,
    Where,
    Having,
    Filter,
    WindowPartition,
    WindowOrder,
    /// With the word for its mode.
    WindowFrame(&'static str),
    InsertTarget,
    UpdateSource,
    GroupBy,
    OrderBy,
    DistinctOn,
    Limit,
    Offset,
    Returning,
    Values,
    /// INSERT … VALUES with one row, which is like a select list.
    OneRow,
    Check,
    Default,
    IndexExpression,
    IndexPredicate,
    Generated,
    Execute,
    TriggerWhen,
    Policy,
    Publication,
    Statistics,
    MergeWhen,
    Copy,
    Partition,
    PartitionBound,
    AggregateArgument,
    Call,
    Transform,
}

impl Clause {
    /// The place as messages name it that say what is not allowed there.
    pub fn place(self) -> &'static str {
        match self {
            Clause::JoinOn => "JOIN conditions",
            Clause::FromFunction => "functions in FROM",
            Clause::WindowPartition | Clause::WindowOrder | Clause::WindowFrame(_) => "window definitions",
            Clause::Check => "check constraints",
            Clause::Default => "DEFAULT expressions",
            Clause::IndexExpression => "index expressions",
            Clause::IndexPredicate => "index predicates",
            Clause::Generated => "column generation expressions",
            Clause::Execute => "EXECUTE parameters",
            Clause::TriggerWhen => "trigger WHEN conditions",
            Clause::Policy => "policy expressions",
            Clause::Publication => "WHERE",
            Clause::Statistics => "statistics expressions",
            Clause::MergeWhen => "MERGE WHEN conditions",
            Clause::Copy => "COPY FROM WHERE conditions",
            Clause::Partition => "partition key expressions",
            Clause::PartitionBound => "partition bound",
            Clause::Call => "CALL arguments",
            Clause::Transform => "transform expressions",
            c => c.name(),
        }
    }

    /// PostgreSQL 15, parse_expr.c, ParseExprKindName: same words.
    pub fn name(self) -> &'static str {
        match self {
            Clause::Select | Clause::Other | Clause::AggregateArgument => "SELECT",
            Clause::FromSubselect => "sub-SELECT in FROM",
            Clause::FromFunction => "function in FROM",
            Clause::JoinOn => "JOIN/ON",
            Clause::Where => "WHERE",
            Clause::Having => "HAVING",
            Clause::Filter => "FILTER",
            Clause::WindowPartition => "window PARTITION BY",
            Clause::WindowOrder => "window ORDER BY",
            Clause::WindowFrame(mode) => mode,
            Clause::InsertTarget => "INSERT",
            Clause::UpdateSource => "UPDATE",
            Clause::GroupBy => "GROUP BY",
            Clause::OrderBy => "ORDER BY",
            Clause::DistinctOn => "DISTINCT ON",
            Clause::Limit => "LIMIT",
            Clause::Offset => "OFFSET",
            Clause::Returning => "RETURNING",
            Clause::Values | Clause::OneRow => "VALUES",
            Clause::Check => "CHECK",
            Clause::Default => "DEFAULT",
            Clause::IndexExpression => "index expression",
            Clause::IndexPredicate => "index predicate",
            Clause::Generated => "GENERATED AS",
            Clause::Execute => "EXECUTE",
            Clause::TriggerWhen => "WHEN",
            Clause::Policy => "POLICY",
            Clause::Publication => "PUBLICATION WHERE",
            Clause::Statistics => "statistics expressions",
            Clause::MergeWhen => "MERGE WHEN",
            Clause::Copy => "WHERE",
            Clause::Partition => "PARTITION BY",
            Clause::PartitionBound => "FOR VALUES",
            Clause::Call => "CALL",
            Clause::Transform => "USING",
        }
    }
}

/// Where an assigned value comes from, for the message when it does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Assigned {
    Column,
    /// A field of a column of a row type.
    Subfield,
    Default,
}

/// A column a name may mean.
#[derive(Clone, Debug)]
pub struct NsColumn {
    pub name: String,
    pub expr: Expr,
    pub origin: Option<(Oid, i16)>,
    /// `*` does not mean it (SEARCH's and CYCLE's columns inside the recursion).
    pub hidden: bool,
    /// It was dropped after what is being bound was written: it keeps its place, and nothing may mean it.
    pub lost: bool,
}

impl NsColumn {
    /// # Errors
    /// 42703 for a column that was dropped after what is being bound was written.
    pub fn check_there(&self) -> Result<()> {
        match self.lost {
            true => Err(err!(UNDEFINED_COLUMN, "column \"{}\" does not exist", self.name)),
            false => Ok(()),
        }
    }
}

/// A table-like thing of FROM, as names see it.
#[derive(Clone, Debug)]
pub struct NsItem {
    /// None: an unnamed join; only its columns are visible.
    pub name: Option<String>,
    /// The schema's name when the relation is visible as `schema.name` (no alias).
    pub schema: Option<String>,
    pub columns: Vec<NsColumn>,
    /// The range-table entry, for whole-row references and system columns.
    pub rel: Option<usize>,
    /// Qualified names may mean it.
    pub rel_visible: bool,
    /// Unqualified column names may mean its columns.
    pub columns_visible: bool,
    /// Unqualified names may mean its system columns: not below a join, which has none.
    pub system_visible: bool,
    /// Only LATERAL items may refer to it now.
    pub lateral_only: bool,
    /// A LATERAL reference to it is allowed (false: right and full joins' left side).
    pub lateral_ok: bool,
}

/// One query level under construction.
#[derive(Default)]
pub(in crate::sql) struct Scope {
    pub rels: Vec<Rel>,
    pub items: Vec<NsItem>,
    pub ctes: Vec<Cte>,
    /// Its entries are a rule's OLD and NEW.
    pub of_rule: bool,
    /// CTEs whose recursive side is being bound.
    pub pending: Vec<PendingCte>,
    /// CTEs of the same WITH that cannot be named yet.
    pub later_ctes: Vec<String>,
    pub clause: Clause,
    pub windows: Vec<(String, crate::sql::ast::WindowDef)>,
    /// As they are to be shown again.
    pub windows_written: Vec<(String, crate::sql::expr::WindowSpec)>,
    /// What the windows of the WINDOW clause read, used or not.
    pub window_exprs: Vec<Expr>,
    pub has_aggregates: bool,
    pub has_windows: bool,
    pub has_set_returning: bool,
    /// Inside an aggregate's arguments (0: not).
    #[expect(dead_code, reason = "nested aggregates are told from it")]
    pub in_aggregate: usize,
    /// LATERAL references are possible now.
    pub lateral_active: bool,
    /// The level belongs to the definition of a view or to an outermost statement: names do not go further out.
    pub opaque: bool,
    /// The row an INSERT proposed: no row of a table yet, so without system columns.
    pub excluded: Option<usize>,
}

#[derive(Clone, Debug)]
pub(in crate::sql) struct PendingCte {
    pub name: String,
    pub columns: Vec<RelColumn>,
    /// How many of the last columns `*` does not mean.
    pub hidden: usize,
    pub index: usize,
}

/// Types of the system columns.
pub fn system_type(attno: i16) -> Option<TypeRef> {
    Some(TypeRef::of(match attno {
        -1 => oid::TID,
        -2 | -4 => oid::XID,
        -3 | -5 => oid::CID,
        -6 => oid::OID,
        _ => match Fact::of(attno)?.0 {
            Fact::Size => oid::INT4,
            Fact::Method => oid::TEXT,
        },
    }))
}

/// Whether columns of the present query are read, also by queries inside.
pub fn has_variables(e: &Expr) -> bool {
    variable(e).is_some()
}

/// A column of the present query that is read, also by queries inside: where it is written.
pub fn variable(e: &Expr) -> Option<Pos> {
    let mut found = None;
    let place = |e: &Expr| e.pos.unwrap_or(ast::NOWHERE);
    e.walk(&mut |x| {
        match &x.kind {
            ExprKind::Var { levels_up: 0, .. } => found = found.or(Some(place(x))),
            ExprKind::SubLink(link) => link.query.clone().walk_mut(1, &mut |v, depth| {
                if matches!(v.kind, ExprKind::Var { levels_up, .. } if levels_up == depth) {
                    found = found.or(Some(place(v)));
                }
            }),
            _ => {}
        }
        found.is_none()
    });
    found
}

/// The attribute number of a system column's name.
pub fn system_attno(name: &str) -> Option<i16> {
    Some(match name {
        "ctid" => -1,
        "xmin" => -2,
        "cmin" => -3,
        "xmax" => -4,
        "cmax" => -5,
        "tableoid" => -6,
        _ => return None,
    })
}

/// The name of a system column.
pub fn system_name(attno: i16) -> &'static str {
    ["", "ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"].get(-attno as usize).copied().unwrap_or("")
}

/// A reference to an attribute of a range-table entry of the current level.
pub fn var(rel: usize, attno: i16, ty: TypeRef) -> Expr {
    Expr::new(ExprKind::Var { rel, attno, levels_up: 0 }, ty)
}

/// Adds `by` to the level of every reference in the expression that leaves it.
pub fn raise_levels(expr: &mut Expr, by: usize) {
    if by == 0 {
        return;
    }
    super::query::walk_expr_mut(expr, 0, &mut |e, depth| match &mut e.kind {
        ExprKind::Var { levels_up, .. } if *levels_up >= depth => *levels_up += by,
        ExprKind::Aggregate(a) if a.levels_up >= depth && depth > 0 => a.levels_up += by,
        ExprKind::Grouping { levels_up, .. } if *levels_up >= depth && depth > 0 => *levels_up += by,
        _ => {}
    });
}

/// One name more than fields: the row is a whole row of a rel, NULL as such where an outer join has none. The planner
/// takes the mark away.
pub const WHOLE_ROW: &str = "*";

/// PostgreSQL 15, parse_relation.c, MAX_FUZZY_DISTANCE: how far a name may be from what is suggested for it.
const MAX_FUZZY_DISTANCE: usize = 3;

/// What a column name was found to mean.
pub(super) struct Found {
    pub expr: Expr,
    pub origin: Option<(Oid, i16)>,
}

impl Binder<'_, '_> {
    /// Adds a range-table entry and says its number.
    pub(super) fn add_rel(&mut self, rel: Rel) -> usize {
        let scope = self.scope();
        scope.rels.push(rel);
        scope.rels.len() - 1
    }

    /// Makes a relation the only thing visible (defaults, checks, index expressions).
    pub(super) fn add_table_columns(&mut self, rel: Arc<crate::catalog::Relation>) {
        let name = self.cx.names.known(rel.oid).map_or(&rel.name, |known| &known.name).clone();
        let schema = self.schema_known(&rel);
        let index = self.add_table_rel(rel, name.clone(), &[]).expect("no aliases to refuse");
        let item = self.table_item(index, name, Some(schema));
        self.scope().items.push(item);
    }

    /// A range-table entry for a table; `aliases` rename its first columns.
    pub(super) fn add_table_rel(
        &mut self,
        rel: Arc<crate::catalog::Relation>,
        alias: String,
        aliases: &[String],
    ) -> Result<usize> {
        let mut columns = self.columns_known(&rel);
        rename_columns(&mut columns, aliases, &alias)?;
        self.collated |= rel.attributes.iter().any(|a| a.declared.collation.is_valid());
        let check_as = self.check_as;
        self.met_policies |= rel.row_security;
        Ok(self.add_rel(Rel {
            wanted: crate::sql::plan::access::SELECT,
            check_as,
            ..Rel::new(alias, Source::Table { rel, sample: None, inherit: true }, columns)
        }))
    }

    /// The schema of a relation, as the text that is being bound knows it.
    pub(super) fn schema_known(&self, rel: &crate::catalog::Relation) -> String {
        self.cx.names.known(rel.oid).map_or(&rel.schema, |known| &known.schema).clone()
    }

    /// The columns of a relation, as the text that is being bound knows them.
    pub(super) fn columns_known(&self, rel: &crate::catalog::Relation) -> Vec<RelColumn> {
        let known = self.cx.names.known(rel.oid);
        let column = |a: &crate::catalog::Attribute| {
            let (name, dropped) = match known {
                Some(known) => known.column(a.attno).map_or((&a.name[..], true), |name| (name, false)),
                None => (&a.name[..], a.dropped),
            };
            RelColumn { name: name.to_owned(), ty: a.ty, dropped }
        };
        rel.attributes.iter().map(column).collect()
    }

    /// The namespace item of a range-table entry of the current level.
    pub(super) fn table_item(&mut self, rel: usize, name: String, schema: Option<String>) -> NsItem {
        let entry = &self.scope().rels[rel];
        let relation = entry.relation();
        let table = relation.map(|rel| rel.oid);
        let is_lost = |i: usize| relation.is_some_and(|r| r.attributes.get(i).is_some_and(|a| a.dropped));
        let columns = entry
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| !c.dropped)
            .map(|(i, c)| NsColumn {
                name: c.name.clone(),
                expr: var(rel, i as i16 + 1, c.ty),
                origin: match &entry.source {
                    Source::Subquery(q) if table.is_none() => q.output().nth(i).and_then(|t| t.origin),
                    _ => table.map(|t| (t, i as i16 + 1)),
                },
                hidden: false,
                lost: is_lost(i),
            })
            .collect();
        NsItem {
            name: Some(name),
            schema,
            columns,
            rel: Some(rel),
            rel_visible: true,
            columns_visible: true,
            system_visible: true,
            lateral_only: false,
            lateral_ok: true,
        }
    }

    /// The level that scope index `i` is from here.
    fn level_of(&self, i: usize) -> usize {
        self.scopes.len() - 1 - i
    }

    /// Scopes from the innermost outwards, as far as names can see.
    pub(super) fn visible_scopes(&self) -> Vec<usize> {
        let mut out = Vec::new();
        for i in (0..self.scopes.len()).rev() {
            out.push(i);
            if self.scopes[i].opaque {
                break;
            }
        }
        out
    }

    fn raised(&self, mut expr: Expr, scope: usize, pos: Pos) -> Expr {
        raise_levels(&mut expr, self.level_of(scope));
        if pos != ast::NOWHERE {
            expr.pos = Some(pos);
        }
        expr
    }

    /// PostgreSQL 15, parse_relation.c, colNameToVar: same rule.
    pub(super) fn column(&mut self, name: &str, pos: Pos) -> Result<Option<Found>> {
        for i in self.visible_scopes() {
            let mut found: Option<Found> = None;
            let scope = &self.scopes[i];
            for item in &scope.items {
                if !item.columns_visible || (item.lateral_only && !scope.lateral_active) {
                    continue;
                }
                for c in item.columns.iter().filter(|c| c.name == name) {
                    if found.is_some() {
                        return Err(err!(AMBIGUOUS_COLUMN, "column reference \"{name}\" is ambiguous").at(self.at(pos)));
                    }
                    self.check_lateral(item, pos)?;
                    c.check_there()?;
                    found = Some(Found { expr: c.expr.clone(), origin: c.origin });
                }
            }
            if found.is_none()
                && let Some(attno) = system_attno(name)
            {
                for item in &scope.items {
                    let has =
                        |r: usize| matches!(scope.rels[r].source, Source::Table { .. }) && scope.excluded != Some(r);
                    let table = item.rel.is_some_and(has);
                    if !item.system_visible || !table || (item.lateral_only && !scope.lateral_active) {
                        continue;
                    }
                    if found.is_some() {
                        return Err(err!(AMBIGUOUS_COLUMN, "column reference \"{name}\" is ambiguous").at(self.at(pos)));
                    }
                    found = self.system_column(i, item, attno);
                }
            }
            if let Some(f) = found {
                return Ok(Some(Found { expr: self.raised(f.expr, i, pos), origin: f.origin }));
            }
        }
        Ok(None)
    }

    fn check_lateral(&self, item: &NsItem, pos: Pos) -> Result<()> {
        if item.lateral_only && !item.lateral_ok {
            let name = item.name.as_deref().unwrap_or("unnamed_join");
            let e = err!(INVALID_COLUMN_REFERENCE, "invalid reference to FROM-clause entry for table \"{name}\"")
                .at(self.at(pos));
            let is_target = |s: &Scope| {
                let rel = item.rel.and_then(|r| s.rels.get(r));
                rel.is_some_and(|r| r.wanted & !access::SELECT != 0 && r.alias == name)
            };
            return Err(match self.scopes.iter().any(is_target) {
                true => e.hint(format!(
                    "There is an entry for table \"{name}\", but it cannot be referenced from this part of the query."
                )),
                false => e.detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference."),
            });
        }
        Ok(())
    }

    fn system_column(&self, scope: usize, item: &NsItem, attno: i16) -> Option<Found> {
        let rel = item.rel.filter(|r| self.scopes[scope].excluded != Some(*r))?;
        match &self.scopes[scope].rels[rel].source {
            Source::Table { rel: table, .. } if table.kind != RelKind::View => {
                Some(Found { expr: var(rel, attno, system_type(attno)?), origin: Some((table.oid, attno)) })
            }
            _ => None,
        }
    }

    /// The item a table name means: scope index and item index. PostgreSQL 15, parse_relation.c,
    /// refnameNamespaceItem: same rule.
    pub(super) fn item(&mut self, schema: Option<&str>, name: &str, pos: Pos) -> Result<Option<(usize, usize)>> {
        for i in self.visible_scopes() {
            let scope = &self.scopes[i];
            let mut found = None;
            for (n, item) in scope.items.iter().enumerate() {
                if !item.rel_visible || (item.lateral_only && !scope.lateral_active) {
                    continue;
                }
                let matches = item.name.as_deref() == Some(name)
                    && match schema {
                        None => true,
                        Some(s) => item.schema.as_deref() == Some(s),
                    };
                if matches {
                    if found.is_some() {
                        return Err(err!(AMBIGUOUS_ALIAS, "table reference \"{name}\" is ambiguous").at(self.at(pos)));
                    }
                    self.check_lateral(item, pos)?;
                    found = Some((i, n));
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The column `name` of an item.
    pub(super) fn item_column(&mut self, at: (usize, usize), name: &str, pos: Pos) -> Result<Option<Found>> {
        let item = &self.scopes[at.0].items[at.1];
        let mut all = item.columns.iter().filter(|c| c.name == name);
        if let Some(c) = all.next() {
            if all.next().is_some() {
                return Err(err!(AMBIGUOUS_COLUMN, "column reference \"{name}\" is ambiguous").at(self.at(pos)));
            }
            c.check_there()?;
            let (expr, origin) = (c.expr.clone(), c.origin);
            return Ok(Some(Found { expr: self.raised(expr, at.0, pos), origin }));
        }
        if let Some(attno) = system_attno(name)
            && let Some(f) = self.system_column(at.0, item, attno)
        {
            return Ok(Some(Found { expr: self.raised(f.expr, at.0, pos), origin: f.origin }));
        }
        Ok(None)
    }

    /// A whole-row reference to an item.
    pub(super) fn whole_row(&mut self, at: (usize, usize), pos: Pos) -> Expr {
        let scope = &self.scopes[at.0];
        let item = &scope.items[at.1];
        if let Some(r) = item.rel {
            // A function of one scalar column stands for the column itself.
            if let Source::Function { calls, ordinality: false } = &scope.rels[r].source
                && let [call] = &calls[..]
                && !call.gives_rows()
                && let Some(c) = item.columns.first()
            {
                let expr = c.expr.clone();
                return self.raised(expr, at.0, pos);
            }
        }
        // A relation's row is whole, whatever columns are known here.
        let relation = item.rel.and_then(|r| scope.rels[r].relation().map(|rel| (r, rel)));
        let fields: Vec<Expr> = match relation {
            Some((r, rel)) if !rel.attributes.is_empty() => {
                rel.attributes.iter().filter(|a| !a.dropped).map(|a| var(r, a.attno, a.ty)).collect()
            }
            _ => item.columns.iter().map(|c| c.expr.clone()).collect(),
        };
        let row_type = item.rel.and_then(|r| match &scope.rels[r].source {
            Source::Function { calls, ordinality: false } => match &calls[..] {
                [call] if call.ty.oid != oid::RECORD => Some(call.ty.oid),
                _ => None,
            },
            _ => scope.rels[r].relation().map(|rel| rel.row_type).filter(|t| t.is_valid()),
        });
        // A row of a named type has that type's names, whatever the columns are called here.
        let own = row_type.and_then(|t| self.cx.io.hooks.composite(crate::types::base_type(t)));
        let own = own.filter(|own| own.len() == fields.len());
        let own: Option<Vec<String>> = own.map(|own| own.into_iter().map(|f| f.name).collect());
        let mut names = own.unwrap_or_else(|| item.columns.iter().map(|c| c.name.clone()).collect());
        if item.rel.is_some() && !fields.is_empty() {
            names.push(WHOLE_ROW.to_owned());
        }
        let ty = TypeRef::of(row_type.unwrap_or(oid::RECORD));
        self.raised(Expr::new(ExprKind::Row { fields, names }, ty), at.0, pos)
    }

    /// `missing FROM-clause entry`, or the better message when the name exists but is not visible here. PostgreSQL 15,
    /// parse_relation.c, errorMissingRTE: the innermost entry that is, or is called, what was named.
    pub(super) fn missing_table(&self, name: &str, pos: Pos) -> crate::base::Error {
        let own_name = |depth: usize, r: &Rel| match &r.source {
            _ if r.relation().is_some() => r.relation().map(|rel| rel.name.clone()),
            Source::Cte { index, levels_up } => {
                let n = self.scopes.len().checked_sub(1 + depth + levels_up)?;
                self.scopes[n].ctes.get(*index).map(|c| c.name.clone())
            }
            _ => None,
        };
        let entries = self.scopes.iter().rev().enumerate().flat_map(|(depth, s)| {
            let items = s.items.iter().filter_map(|i| i.name.clone()).map(|n| (n, None));
            s.rels.iter().map(move |r| (r.alias.clone(), own_name(depth, r))).chain(items)
        });
        let found = entries.into_iter().find(|(alias, own)| alias == name || own.as_deref() == Some(name));
        let invalid = || err!(UNDEFINED_TABLE, "invalid reference to FROM-clause entry for table \"{name}\"");
        let e = match found {
            Some((alias, _)) if alias == name => invalid().hint(format!(
                "There is an entry for table \"{name}\", but it cannot be referenced from this part of the query."
            )),
            Some((alias, _)) => invalid().hint(format!("Perhaps you meant to reference the table alias \"{alias}\".")),
            None => err!(UNDEFINED_TABLE, "missing FROM-clause entry for table \"{name}\""),
        };
        e.at(self.at(pos))
    }

    /// `column … does not exist`, with the hint PostgreSQL gives for a near miss.
    pub(super) fn missing_column(&self, table: Option<&str>, name: &str, pos: Pos) -> crate::base::Error {
        let e = match table {
            Some(t) => err!(UNDEFINED_COLUMN, "column {t}.{name} does not exist"),
            None => err!(UNDEFINED_COLUMN, "column \"{name}\" does not exist"),
        };
        let e = match self.nearest_column(table, name) {
            Some(hint) => e.hint(hint),
            None => e,
        };
        e.at(self.at(pos))
    }

    /// PostgreSQL 15, parse_relation.c, searchRangeTableForCol: Levenshtein distance of the column, not more than half
    /// the length, and of the table.
    fn nearest_column(&self, table: Option<&str>, name: &str) -> Option<String> {
        let mut exact = None;
        let mut best: Option<(usize, Vec<String>)> = None;
        let mut levels: Vec<(usize, &Scope)> = self.scopes.iter().rev().enumerate().collect();
        // OLD and NEW are the first entries of an action's own level there.
        if let Some(at) = levels.iter().position(|(_, scope)| scope.of_rule).filter(|at| *at > 0) {
            levels.swap(at - 1, at);
        }
        for (depth, scope) in levels {
            for (n, rel) in scope.rels.iter().enumerate() {
                let penalty = match table {
                    Some(t) if !rel.alias.is_empty() => distance(t, &rel.alias),
                    _ => 0,
                };
                let has_system = scope.excluded != Some(n)
                    && matches!(&rel.source, Source::Table { rel, .. } if rel.kind != RelKind::View);
                if has_system && penalty == 0 && exact.is_none() && system_attno(name).is_some() {
                    exact = Some((rel.alias.clone(), name.to_owned()));
                }
                for c in rel.columns.iter().filter(|c| !c.dropped) {
                    if c.name == name && penalty == 0 && exact.is_none() {
                        let visible =
                            depth == 0 && scope.items.iter().any(|i| i.columns.iter().any(|x| x.name == name));
                        if !visible {
                            exact = Some((rel.alias.clone(), c.name.clone()));
                        }
                    }
                    let apart = distance(name, &c.name);
                    let d = apart + penalty;
                    if apart > name.len() / 2 || d > best.as_ref().map_or(MAX_FUZZY_DISTANCE, |b| b.0) {
                        continue;
                    }
                    let shown = format!("{}.{}", rel.alias, c.name);
                    match &mut best {
                        Some((b, list)) if *b == d => list.push(shown),
                        _ => best = Some((d, vec![shown])),
                    }
                }
            }
        }
        if let Some((alias, column)) = exact {
            return Some(format!(
                "There is a column named \"{column}\" in table \"{alias}\", but it cannot be referenced from this part of the query."
            ));
        }
        match best?.1.as_slice() {
            [one] => {
                // The value of a domain stands in no table.
                let (t, c) = one.split_once('.').filter(|(t, _)| !t.is_empty())?;
                Some(format!("Perhaps you meant to reference the column \"{t}.{c}\"."))
            }
            [a, b] => Some(format!("Perhaps you meant to reference the column \"{a}\" or the column \"{b}\".")),
            _ => None,
        }
    }

    /// The CTE a name means: its definition's index and how many levels out. PostgreSQL 15, parse_relation.c,
    /// scanNameSpaceForCTE.
    pub(super) fn find_cte(&self, name: &str) -> Option<CteRef> {
        for i in self.visible_scopes() {
            let levels_up = self.level_of(i);
            if let Some(p) = self.scopes[i].pending.iter().find(|p| p.name == name) {
                let columns = p.columns.clone();
                return Some(CteRef::Recursive { index: p.index, levels_up, columns, hidden: p.hidden });
            }
            if let Some(index) = self.scopes[i].ctes.iter().rposition(|c| c.name == name) {
                return Some(CteRef::Plain { index, levels_up });
            }
        }
        None
    }
}

pub(super) enum CteRef {
    Plain {
        index: usize,
        levels_up: usize,
    },
    /// Its own name on the recursive side.
    Recursive {
        index: usize,
        levels_up: usize,
        columns: Vec<RelColumn>,
        hidden: usize,
    },
}

/// Renames the first visible columns; too many names are 42P10.
pub(super) fn rename_columns(columns: &mut [RelColumn], aliases: &[String], table: &str) -> Result<()> {
    let available = columns.iter().filter(|c| !c.dropped).count();
    if aliases.len() > available {
        return Err(err!(
            INVALID_COLUMN_REFERENCE,
            "table \"{table}\" has {available} columns available but {} columns specified",
            aliases.len()
        ));
    }
    for (c, a) in columns.iter_mut().filter(|c| !c.dropped).zip(aliases) {
        c.name.clone_from(a);
    }
    Ok(())
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut previous = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = previous + usize::from(x != *y);
            previous = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
