//! INSERT, UPDATE, DELETE: PostgreSQL 15, analyze.c.

use super::scope::{Assigned, Clause, NsItem, Scope, var};
use super::select::{Unknowns, wrap_as_record};
use super::setop::output_mut;
use super::{
    ArbiterElem, Arbiters, Binder, BtreeClass, FromNode, OnConflict, Query, Rel, RelColumn, Source, Stored, SubLink,
    Supplied, Target, Write, WriteKind, stored,
};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Attribute, ConstraintKind, IndexColumn, RelKind, Relation};
use crate::err;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{Expr, ExprKind, Form, SubPlanKind, same};
use crate::sql::plan::access;
use crate::sql::plan::fold::Folder;
use crate::sql::plan::predicate::Prover;
use crate::types::{self, TypeRef, Value, oid};
use std::sync::Arc;

/// What is assigned to a column.
pub(super) enum Given {
    Default,
    Value(Expr, Pos),
}

/// A system column of the relation that the expression reads.
pub(super) fn system_column(e: &Expr, rel: usize) -> Option<(&'static str, Option<Pos>)> {
    let mut found = None;
    super::walk_expr_mut(&mut e.clone(), 0, &mut |x, depth| {
        if let ExprKind::Var { rel: r, attno, levels_up } = x.kind
            && (r, levels_up) == (rel, depth)
            && attno < 0
            && found.is_none()
        {
            found = Some((super::scope::system_name(attno), x.pos));
        }
    });
    found
}

/// The n-th column of an INSERT, if it is a part of one.
pub(super) fn part(s: &ast::InsertStmt, n: usize) -> Option<&ast::TargetColumn> {
    s.columns.get(n).filter(|c| !c.path.is_empty())
}

impl Binder<'_, '_> {
    /// The relation a write names, if it can be written at all.
    pub(super) fn write_target(&mut self, t: &ast::RangeVar, verb: &'static str) -> Result<Arc<Relation>> {
        let rel = self.relation(t)?;
        let name = &rel.name;
        match rel.kind {
            RelKind::Table if rel.generated_by == Some(crate::catalog::relation::TRANSITION) => {
                Err(err!(FEATURE_NOT_SUPPORTED, "relation \"{name}\" cannot be the target of a modifying statement"))
            }
            RelKind::Table if rel.generated_by.is_some() || rel.schema == "pg_catalog" => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{name}\" is a system catalog"),
            )),
            RelKind::Table | RelKind::Partitioned => Ok(rel),
            RelKind::View | RelKind::MatView | RelKind::Sequence | RelKind::Toast if verb == "MERGE" => {
                let kinds = match rel.kind {
                    RelKind::View => "views",
                    RelKind::MatView => "materialized views",
                    RelKind::Sequence => "sequences",
                    _ => "TOAST tables",
                };
                Err(err!(FEATURE_NOT_SUPPORTED, "cannot execute MERGE on relation \"{name}\"")
                    .detail(format!("This operation is not supported for {kinds}.")))
            }
            RelKind::View => Ok(rel),
            RelKind::MatView => Err(err!(WRONG_OBJECT_TYPE, "cannot change materialized view \"{name}\"")),
            RelKind::Sequence => Err(err!(WRONG_OBJECT_TYPE, "cannot change sequence \"{name}\"")),
            RelKind::Toast => Err(err!(WRONG_OBJECT_TYPE, "cannot change TOAST relation \"{name}\"")),
            RelKind::Index | RelKind::PartitionedIndex => {
                Err(err!(WRONG_OBJECT_TYPE, "\"{name}\" is an index").at(self.at(t.pos)))
            }
            RelKind::Composite => Err(err!(WRONG_OBJECT_TYPE, "\"{name}\" is a composite type").at(self.at(t.pos))),
        }
    }

    pub(super) fn target_rel(&mut self, rel: &Arc<Relation>, t: &ast::RangeVar, wanted: u8) -> Result<(usize, NsItem)> {
        let alias = t.alias.as_ref().map_or(t.name.as_str(), |a| a.name.as_str()).to_owned();
        let schema = t.alias.is_none().then(|| self.schema_known(rel));
        let index = self.add_table_rel(rel.clone(), alias.clone(), &[])?;
        self.note_alias(index, t.alias.as_ref());
        self.scope().rels[index].wanted = wanted;
        self.only(index, t);
        let item = self.table_item(index, alias, schema);
        Ok((index, NsItem { system_visible: rel.kind != RelKind::View, ..item }))
    }

    pub(super) fn stored(&self, rel: &Arc<Relation>) -> Result<Arc<Stored>> {
        stored(rel, self.cx.names, self.cx.io)
    }

    /// The 0-based attribute a target column names.
    fn target_column(&self, rel: &Relation, c: &ast::TargetColumn) -> Result<usize> {
        match self.columns_known(rel).iter().position(|a| !a.dropped && a.name == c.name) {
            Some(i) => Ok(i),
            None if super::scope::system_attno(&c.name).is_some() => {
                Err(err!(FEATURE_NOT_SUPPORTED, "cannot assign to system column \"{}\"", c.name).at(self.at(c.pos)))
            }
            None => Err(err!(UNDEFINED_COLUMN, "column \"{}\" of relation \"{}\" does not exist", c.name, rel.name)
                .at(self.at(c.pos))),
        }
    }

    /// A column's default, if it has one.
    pub(super) fn own_default(&mut self, rel: &Relation, kept: &Stored, attr: usize) -> Result<Option<Expr>> {
        if let Some(Some(e)) = kept.defaults.get(attr) {
            return Ok(Some(e.clone()));
        }
        let ty = rel.attributes[attr].ty;
        if rel.attributes[attr].dropped {
            return Ok(None);
        }
        let Some(text) = self.cx.names.domain_default(ty.oid) else { return Ok(None) };
        super::stored::bind_default(&text, self.cx.names, self.cx.io, (&rel.attributes[attr].name, ty)).map(Some)
    }

    /// A column's default, NULL if it has none.
    pub(super) fn default_value(&mut self, rel: &Relation, kept: &Stored, attr: usize) -> Result<Expr> {
        if let Some(e) = self.own_default(rel, kept, attr)? {
            return Ok(e);
        }
        let ty = rel.attributes[attr].ty;
        if rel.attributes[attr].dropped {
            return Ok(Expr::new(ExprKind::Const(Value::Null), TypeRef::of(oid::INT4)));
        }
        let null = Expr::new(ExprKind::Const(Value::Null), TypeRef::of(oid::UNKNOWN));
        if types::info(ty.oid).is_some_and(|i| i.kind == b'd') {
            return self.coerce_assignment(null, ty, &rel.attributes[attr].name, ast::NOWHERE, Assigned::Column);
        }
        Ok(Expr::new(ExprKind::Const(Value::Null), ty))
    }

    pub(super) fn insert(&mut self, s: &ast::InsertStmt) -> Result<Query> {
        self.scopes.push(Scope::default());
        let out = self.insert_in_scope(s);
        self.scopes.pop();
        out
    }

    fn insert_in_scope(&mut self, s: &ast::InsertStmt) -> Result<Query> {
        if let Some(with) = &s.with {
            self.with_clause(with)?;
        }
        let rel = self.write_target(&s.table, "INSERT")?;
        let kept = self.stored(&rel)?;
        let (target, item) = self.target_rel(&rel, &s.table, access::INSERT)?;
        let columns = self.insert_columns(s, &rel)?;
        let mut query = Query::default();
        let mut values: Vec<Option<Given>> = (0..rel.attributes.len()).map(|_| None).collect();
        let mut supplied = Supplied { overriding: s.overriding, ..Supplied::default() };
        if let ast::InsertSource::Query(q) = &s.source {
            let (width, gaps) = self.insert_source(q, s, &rel, &kept, &columns, &mut query, &mut values)?;
            supplied.gaps = gaps;
            self.scope().rels[target].inserted = columns[..width].iter().map(|(i, _)| *i as i16 + 1).collect();
        }
        for (i, given) in values.into_iter().enumerate() {
            let own = match given {
                Some(Given::Value(e, _)) => Some(e),
                Some(Given::Default) if self.cx.names.keeps_written() => Some(self.given_default(&rel, &kept, i)?),
                _ => self.own_default(&rel, &kept, i)?,
            };
            supplied.attributes.push(own.is_some());
            let expr = match own {
                Some(e) => e,
                None => self.default_value(&rel, &kept, i)?,
            };
            query.targets.push(Target { name: rel.attributes[i].name.clone(), expr, junk: false, origin: None });
        }
        let on_conflict = match &s.on_conflict {
            Some(c) => {
                self.scope().items = vec![item.clone()];
                Some(Box::new(self.on_conflict(c, &rel, &kept, target)?))
            }
            None => None,
        };
        self.scope().items = vec![item];
        let returning = self.returning(&s.returning)?;
        let kind = WriteKind::Insert { supplied, on_conflict };
        query.write = Some(Box::new(Write { unruled: s.of_copy, ..Write::new(target, kind, returning) }));
        self.take_scope(&mut query);
        Ok(query)
    }

    /// What a new row has in an attribute: what is given, or the default.
    pub(super) fn attribute_value(
        &mut self,
        given: Option<Given>,
        attr: usize,
        rel: &Relation,
        kept: &Stored,
    ) -> Result<Expr> {
        Ok(match given {
            None => self.default_value(rel, kept, attr)?,
            Some(Given::Default) => self.given_default(rel, kept, attr)?,
            Some(Given::Value(e, _)) => e,
        })
    }

    /// What a column has whose value was written as DEFAULT.
    fn given_default(&mut self, rel: &Relation, kept: &Stored, attr: usize) -> Result<Expr> {
        let value = self.default_value(rel, kept, attr)?;
        Ok(self.as_default(value))
    }

    /// The value that DEFAULT stands for, where it is shown again as what was written.
    fn as_default(&self, value: Expr) -> Expr {
        match self.cx.names.keeps_written() {
            true => super::call::written(Form::Keyword("DEFAULT".to_owned()), value),
            false => value,
        }
    }

    /// The 0-based attributes assigned, in the order of the values, with their positions.
    pub(super) fn insert_columns(&mut self, s: &ast::InsertStmt, rel: &Relation) -> Result<Vec<(usize, Pos)>> {
        if s.columns.is_empty() {
            return Ok((0..rel.attributes.len())
                .filter(|&i| !rel.attributes[i].dropped)
                .map(|i| (i, ast::NOWHERE))
                .collect());
        }
        let mut out: Vec<(usize, Pos)> = Vec::with_capacity(s.columns.len());
        for c in &s.columns {
            let i = self.target_column(rel, c)?;
            // Parts of a column may be named one by one.
            if !c.path.is_empty() && out.iter().zip(&s.columns).all(|((o, _), c)| *o != i || !c.path.is_empty()) {
                out.push((i, c.pos));
                continue;
            }
            if out.iter().any(|(o, _)| *o == i) {
                return Err(err!(DUPLICATE_COLUMN, "column \"{}\" specified more than once", c.name).at(self.at(c.pos)));
            }
            out.push((i, c.pos));
        }
        Ok(out)
    }

    fn count_matches(
        &self,
        have: usize,
        s: &ast::InsertStmt,
        columns: &[(usize, Pos)],
        at: Pos,
        more_at: Pos,
    ) -> Result<()> {
        if have > columns.len() {
            return Err(err!(SYNTAX_ERROR, "INSERT has more expressions than target columns").at(self.at(more_at)));
        }
        if !s.columns.is_empty() && have < columns.len() {
            let pos = columns.get(have).map_or(at, |c| c.1);
            return Err(err!(SYNTAX_ERROR, "INSERT has more target columns than expressions").at(self.at(pos)));
        }
        Ok(())
    }

    /// Answers how many columns are given values, and where rows of VALUES say DEFAULT that the target does not have.
    fn insert_source(
        &mut self,
        q: &ast::SelectStmt,
        s: &ast::InsertStmt,
        rel: &Arc<Relation>,
        kept: &Stored,
        columns: &[(usize, Pos)],
        query: &mut Query,
        values: &mut [Option<Given>],
    ) -> Result<(usize, Vec<(usize, usize)>)> {
        let plain = q.with.is_none() && q.order_by.is_empty() && q.limit.is_none() && q.offset.is_none();
        match &q.body {
            ast::SelectBody::Values(rows) if plain && rows.len() == 1 => {
                let row = &*self.with_rows(&rows[0]);
                self.count_row(row, s, columns)?;
                let given = self.row_values(row, Clause::OneRow)?;
                for (i, (given, &(attr, _))) in given.into_iter().zip(columns).enumerate() {
                    if let Some(c) = part(s, i) {
                        values[attr] = Some(self.insert_part(c, given, &rel.attributes[attr], values[attr].take())?);
                        continue;
                    }
                    values[attr] = self.insert_value(given, rel, s.overriding, attr)?;
                }
                query.has_set_returning |= self.scope().has_set_returning;
                let written = row.iter().take(columns.len()).count();
                Ok((written, Vec::new()))
            }
            ast::SelectBody::Values(rows) if plain => {
                let gaps = self.insert_rows(rows, s, rel, kept, columns, query, values)?;
                Ok((rows.first().map_or(0, |row| self.with_rows(row).len()), gaps))
            }
            _ => Ok((self.insert_select(q, s, rel, columns, query, values)?, Vec::new())),
        }
    }

    /// A list of values in which `NEW.*` stands for the fields of the variable, or for the columns of the rule's row.
    pub(super) fn with_rows<'r>(&mut self, row: &'r [ast::Expr]) -> std::borrow::Cow<'r, [ast::Expr]> {
        let fields = |e: &ast::Expr| match &e.kind {
            ast::ExprKind::Column { parts, star: true } => {
                let names = match self.row_columns(parts) {
                    Some(names) => names,
                    None => self.cx.names.variable_fields(parts)?.into_iter().map(|(name, _)| name).collect(),
                };
                Some((parts.clone(), names, e.pos))
            }
            _ => None,
        };
        if !row.iter().any(|e| fields(e).is_some()) {
            return std::borrow::Cow::Borrowed(row);
        }
        let mut out = Vec::new();
        for e in row {
            match fields(e) {
                Some((parts, list, pos)) => out.extend(list.into_iter().map(|name| {
                    let parts = parts.iter().cloned().chain([name]).collect();
                    ast::Expr::new(ast::ExprKind::Column { parts, star: false }, pos)
                })),
                None => out.push(e.clone()),
            }
        }
        std::borrow::Cow::Owned(out)
    }

    /// The columns of something visible that a name means.
    fn row_columns(&self, parts: &[String]) -> Option<Vec<String>> {
        let [name] = parts else { return None };
        let scopes = self.visible_scopes().into_iter().map(|i| &self.scopes[i]);
        let item = scopes.flat_map(|s| &s.items).find(|i| i.rel_visible && i.name.as_ref() == Some(name))?;
        Some(item.columns.iter().filter(|c| !c.hidden).map(|c| c.name.clone()).collect())
    }

    pub(super) fn count_row(&mut self, row: &[ast::Expr], s: &ast::InsertStmt, columns: &[(usize, Pos)]) -> Result<()> {
        let more = row.get(columns.len()).map_or(ast::NOWHERE, ast::Expr::start);
        let counted = self.count_matches(row.len(), s, columns, ast::NOWHERE, more);
        if counted.is_err() {
            // What is wrong with the values comes first.
            self.row_values(row, Clause::Values)?;
        }
        counted
    }

    /// One value of VALUES for a column; None: OVERRIDING USER VALUE leaves the default.
    pub(super) fn insert_value(
        &mut self,
        given: Given,
        rel: &Relation,
        overriding: ast::Overriding,
        attr: usize,
    ) -> Result<Option<Given>> {
        let Given::Value(bound, pos) = given else { return Ok(Some(given)) };
        if self.user_value_ignored(rel, overriding, attr)? {
            return Ok(None);
        }
        let a = &rel.attributes[attr];
        let value = self.coerce_assignment(bound, a.ty, &a.name, pos, Assigned::Column)?;
        Ok(Some(Given::Value(value, pos)))
    }

    /// What a row gives, before the types are known: a parameter that stands in it twice is untyped at both places.
    pub(super) fn row_values(&mut self, row: &[ast::Expr], clause: Clause) -> Result<Vec<Given>> {
        row.iter().map(|e| self.part_value(e, clause)).collect()
    }

    /// What is given for a column or a part of it, before its type is known.
    fn part_value(&mut self, e: &ast::Expr, clause: Clause) -> Result<Given> {
        if matches!(e.kind, ast::ExprKind::Default) {
            return Ok(Given::Default);
        }
        let before = std::mem::replace(&mut self.scope().clause, clause);
        let bound = self.expr(e);
        self.scope().clause = before;
        Ok(Given::Value(bound?, e.start()))
    }

    /// A new row's column with one more of its parts filled; the others are NULL.
    pub(super) fn insert_part(
        &mut self,
        c: &ast::TargetColumn,
        given: Given,
        a: &Attribute,
        so_far: Option<Given>,
    ) -> Result<Given> {
        let Given::Value(e, pos) = given else {
            let what = match c.path.first() {
                Some(ast::Indirection::Field(_)) => "a subfield",
                _ => "an array element",
            };
            return Err(err!(FEATURE_NOT_SUPPORTED, "cannot set {what} to DEFAULT").at(self.at(c.pos)));
        };
        let base = match so_far {
            Some(Given::Value(v, _)) => v,
            _ => Expr::new(ExprKind::Const(Value::Null), a.ty),
        };
        let before = std::mem::replace(&mut self.scope().clause, Clause::InsertTarget);
        let part = self.assign_part(base, &c.path, e, &a.name, c.pos);
        self.scope().clause = before;
        Ok(Given::Value(part?, pos))
    }

    /// GENERATED columns take no value from users; OVERRIDING says otherwise for identity columns.
    pub(super) fn user_value_ignored(&self, rel: &Relation, overriding: ast::Overriding, attr: usize) -> Result<bool> {
        let a = &rel.attributes[attr];
        let refuse = |detail: String, hint: bool| {
            let e =
                err!(GENERATED_ALWAYS, "cannot insert a non-DEFAULT value into column \"{}\"", a.name).detail(detail);
            Err(if hint { e.hint("Use OVERRIDING SYSTEM VALUE to override.") } else { e })
        };
        if a.generated != 0 {
            return refuse(format!("Column \"{}\" is a generated column.", a.name), false);
        }
        match (a.identity, overriding) {
            (0, _) => Ok(false),
            (_, ast::Overriding::UserValue) => Ok(true),
            (b'a', ast::Overriding::No) => {
                refuse(format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", a.name), true)
            }
            _ => Ok(false),
        }
    }

    /// VALUES with several rows: a range-table entry of converted expressions.
    fn insert_rows(
        &mut self,
        rows: &[Vec<ast::Expr>],
        s: &ast::InsertStmt,
        rel: &Arc<Relation>,
        kept: &Stored,
        columns: &[(usize, Pos)],
        query: &mut Query,
        values: &mut [Option<Given>],
    ) -> Result<Vec<(usize, usize)>> {
        let rows: Vec<_> = rows.iter().map(|row| self.with_rows(row)).collect();
        let width = rows.first().map_or(0, |row| row.len());
        let mut gaps = Vec::new();
        let mut out = Vec::with_capacity(rows.len());
        let mut used: Vec<usize> = Vec::new();
        for (n, row) in rows.iter().enumerate() {
            if row.len() != width {
                // What is wrong with the row's values comes first.
                self.row_values(row, Clause::Values)?;
                let pos = row.first().map_or(ast::NOWHERE, ast::Expr::start);
                return Err(err!(SYNTAX_ERROR, "VALUES lists must all be the same length").at(self.at(pos)));
            }
            self.count_row(row, s, columns)?;
            let mut bound: Vec<Expr> = Vec::with_capacity(row.len());
            used.clear();
            let given = self.row_values(row, Clause::Values)?;
            for (i, (given, &(attr, _))) in given.into_iter().zip(columns).enumerate() {
                if let Some(c) = part(s, i) {
                    let at = used.iter().position(|a| *a == attr);
                    let so_far = at.map(|at| Given::Value(bound[at].clone(), ast::NOWHERE));
                    let Given::Value(v, _) = self.insert_part(c, given, &rel.attributes[attr], so_far)? else {
                        continue;
                    };
                    match at {
                        Some(at) => bound[at] = v,
                        None => {
                            used.push(attr);
                            bound.push(v);
                        }
                    }
                    continue;
                }
                used.push(attr);
                let own = match self.insert_value(given, rel, s.overriding, attr)? {
                    Some(Given::Value(v, _)) => Some(v),
                    Some(Given::Default) if self.cx.names.keeps_written() => Some(self.given_default(rel, kept, attr)?),
                    _ => self.own_default(rel, kept, attr)?,
                };
                bound.push(match own {
                    Some(e) => e,
                    None => {
                        gaps.push((n, bound.len()));
                        self.default_value(rel, kept, attr)?
                    }
                });
            }
            out.push(bound);
        }
        let rel_columns: Vec<RelColumn> = used
            .iter()
            .enumerate()
            .map(|(i, attr)| RelColumn {
                name: format!("column{}", i + 1),
                ty: rel.attributes[*attr].ty,
                dropped: false,
            })
            .collect();
        let values_rel = self.add_rel(Rel::new("*VALUES*".to_owned(), Source::Values(out), rel_columns));
        query.from.push(FromNode::Rel(values_rel));
        for (i, attr) in used.iter().enumerate() {
            // A column computed by the table itself is computed when the row is made.
            if rel.attributes[*attr].generated == 0 {
                let v = var(values_rel, i as i16 + 1, rel.attributes[*attr].ty);
                values[*attr] = Some(Given::Value(v, ast::NOWHERE));
            }
        }
        Ok(gaps)
    }

    fn insert_select(
        &mut self,
        q: &ast::SelectStmt,
        s: &ast::InsertStmt,
        rel: &Arc<Relation>,
        columns: &[(usize, Pos)],
        query: &mut Query,
        values: &mut [Option<Given>],
    ) -> Result<usize> {
        let mut source = self.select(q, Some(Unknowns::Keep))?;
        let have = source.output().count();
        let more = source.output().nth(columns.len()).and_then(|t| t.expr.start()).unwrap_or(ast::NOWHERE);
        self.count_matches(have, s, columns, ast::NOWHERE, more)?;
        for (i, &(attr, _)) in columns.iter().take(have).enumerate() {
            let Some(t) = output_mut(&mut source, i) else { continue };
            // Literals are read as the column's type at once.
            if t.expr.ty.oid == oid::UNKNOWN && part(s, i).is_none() {
                let e = std::mem::replace(&mut t.expr, super::coerce::bool_const(false));
                let a = &rel.attributes[attr];
                let base = TypeRef::of(types::base_type(a.ty.oid));
                let e = self.coerce_assignment(e, base, &a.name, ast::NOWHERE, Assigned::Column)?;
                if let Some(t) = output_mut(&mut source, i) {
                    t.expr = e;
                }
            }
        }
        let positions: Vec<Pos> = source.output().map(|t| t.expr.start().unwrap_or(ast::NOWHERE)).collect();
        let cols = super::cte::columns_of(&source);
        let types: Vec<TypeRef> = cols.iter().map(|c| c.ty).collect();
        let sub = self.add_rel(Rel::new("*SELECT*".to_owned(), Source::Subquery(Box::new(source)), cols));
        query.from.push(FromNode::Rel(sub));
        for (i, &(attr, _)) in columns.iter().take(have).enumerate() {
            if self.user_value_ignored(rel, s.overriding, attr)? {
                continue;
            }
            let a = &rel.attributes[attr];
            let v = var(sub, i as i16 + 1, types[i]);
            if let Some(c) = part(s, i) {
                values[attr] = Some(self.insert_part(c, Given::Value(v, positions[i]), a, values[attr].take())?);
                continue;
            }
            let v = self.coerce_assignment(v, a.ty, &a.name, positions[i], Assigned::Column)?;
            values[attr] = Some(Given::Value(v, ast::NOWHERE));
        }
        Ok(have)
    }

    fn returning(&mut self, list: &[ast::Target]) -> Result<Vec<Target>> {
        let mut out = self.targets(list, Clause::Returning)?;
        self.resolve_targets(&mut out)?;
        Ok(out)
    }

    fn on_conflict(
        &mut self,
        c: &ast::OnConflict,
        rel: &Arc<Relation>,
        kept: &Stored,
        target: usize,
    ) -> Result<OnConflict> {
        let update = matches!(c.action, ast::ConflictAction::Update { .. });
        let arbiters = match &c.target {
            None if update => {
                return Err(err!(
                    SYNTAX_ERROR,
                    "ON CONFLICT DO UPDATE requires inference specification or constraint name"
                )
                .hint("For example, ON CONFLICT (column_name).")
                .at(self.at(c.pos)));
            }
            None => Arbiters::Any,
            Some(ast::ConflictTarget::Constraint { name, .. }) => {
                let found = self.arbiter_constraint(rel, name, update)?;
                if let Arbiters::Constraint { columns, .. } = &found {
                    // Whether a value is there tells as much as reading it (PostgreSQL 15, parse_clause.c,
                    // transformOnConflictArbiter: same rights).
                    let of = &mut self.scope().rels[target];
                    of.wanted |= access::SELECT;
                    of.selected.extend(columns.iter().copied());
                }
                found
            }
            Some(ast::ConflictTarget::Columns { elems, filter, pos }) => self.arbiters(elems, filter.as_ref(), *pos)?,
        };
        let excluded = self.add_table_rel(rel.clone(), "excluded".to_owned(), &[])?;
        self.scope().rels[excluded].aliased = true;
        self.scope().rels[excluded].wanted = 0;
        let (set, filter) = match &c.action {
            ast::ConflictAction::Nothing => (None, None),
            ast::ConflictAction::Update { set, filter } => {
                self.scope().rels[target].wanted |= access::UPDATE;
                let item = self.table_item(excluded, "excluded".to_owned(), None);
                self.scope().items.push(item);
                self.scope().excluded = Some(excluded);
                let set = self.assignments(set, rel, kept, target)?;
                let filter = filter.as_ref().map(|f| self.condition(f, Clause::Where)).transpose()?;
                (Some(set), filter)
            }
        };
        Ok(OnConflict { arbiters, set, filter, excluded })
    }

    fn arbiter_constraint(&mut self, rel: &Relation, name: &str, update: bool) -> Result<Arbiters> {
        let found = rel.constraints.iter().find(|c| c.name == name);
        match found {
            Some(c) if c.kind == ConstraintKind::Exclude && update => {
                Err(err!(WRONG_OBJECT_TYPE, "ON CONFLICT DO UPDATE not supported with exclusion constraints"))
            }
            Some(c) if !matches!(c.kind, ConstraintKind::Check | ConstraintKind::ForeignKey) => {
                Ok(Arbiters::Constraint { index: c.index, columns: c.columns.clone() })
            }
            Some(_) => Err(err!(WRONG_OBJECT_TYPE, "constraint in ON CONFLICT clause has no associated index")),
            None => Err(err!(UNDEFINED_OBJECT, "constraint \"{name}\" for table \"{}\" does not exist", rel.name)),
        }
    }

    /// PostgreSQL 15, parse_clause.c, resolve_unique_index_expr.
    fn arbiters(&mut self, elems: &[ast::IndexElem], filter: Option<&ast::Expr>, pos: Pos) -> Result<Arbiters> {
        let mut wanted = Vec::new();
        for e in elems {
            let refused = match (&e.dir, &e.nulls) {
                (ast::SortDir::Default, ast::NullsOrder::Default) => None,
                (ast::SortDir::Default, _) => Some("NULLS FIRST/LAST"),
                _ => Some("ASC/DESC"),
            };
            if let Some(what) = refused {
                return Err(
                    err!(INVALID_COLUMN_REFERENCE, "{what} is not allowed in ON CONFLICT clause").at(self.at(pos))
                );
            }
            let expr = match (&e.name, &e.expr) {
                (Some(name), _) => {
                    let c = ast::Expr::new(ast::ExprKind::Column { parts: vec![name.clone()], star: false }, pos);
                    self.typed_expr(&c)?
                }
                (None, Some(x)) => self.typed_expr(x)?,
                _ => continue,
            };
            let collation = match &e.collation {
                Some(c) => self.collation_named(&c.parts, pos)?,
                None => Oid::INVALID,
            };
            let class = e.opclass.as_ref().map(|c| self.btree_class_named(&c.parts)).transpose()?;
            let own =
                class.is_some() && class == self.cx.names.btree_class(BtreeClass::OfColumn(Oid::INVALID, expr.ty.oid));
            let class_name = e.opclass.as_ref().filter(|_| !own).and_then(|c| c.parts.last().cloned());
            wanted.push(ArbiterElem { expr, collation, class, class_name });
        }
        let filter = filter.map(|f| self.condition(f, Clause::IndexPredicate)).transpose()?;
        Ok(Arbiters::Inferred(wanted, filter))
    }

    fn btree_class_named(&self, parts: &[String]) -> Result<(Oid, Oid)> {
        self.cx.names.btree_class(BtreeClass::Named(parts)).ok_or_else(|| {
            let name = parts.join(".");
            err!(UNDEFINED_OBJECT, "operator class \"{name}\" does not exist for access method \"btree\"")
        })
    }

    /// PostgreSQL 15, plancat.c, infer_arbiter_indexes: unique indexes on exactly these columns and expressions.
    /// That there are none is an error of the plan: a function may be made before the index it relies on.
    pub(super) fn infer_arbiters(
        &mut self,
        rel: &Arc<Relation>,
        wanted: Vec<ArbiterElem>,
        filter: Option<Expr>,
    ) -> Result<Vec<Oid>> {
        let kept = self.stored(rel)?;
        let wanted: Vec<ArbiterElem> = wanted.into_iter().map(|w| ArbiterElem { expr: rebase(w.expr), ..w }).collect();
        let mut folder = Folder::new(self.cx.io);
        let mut filter = filter.map(rebase);
        filter.iter_mut().try_for_each(|f| folder.simplify(f))?;
        let mut out = Vec::new();
        for (index, (columns, predicate)) in rel.indexes.iter().zip(&kept.indexes) {
            if !index.unique || !index.valid {
                continue;
            }
            let keys = &columns[..index.key_columns];
            let fits = keys.iter().all(|k| wanted.iter().any(|w| same(k, &w.expr)))
                && wanted.iter().all(|w| {
                    let ordered = |at: usize| w.is_plain() || self.ordered_as(rel, &index.columns[at], w);
                    keys.iter().enumerate().any(|(at, k)| same(k, &w.expr) && ordered(at))
                });
            let Some(predicate) = predicate.as_ref().filter(|_| fits) else {
                out.extend(fits.then_some(index.oid));
                continue;
            };
            let mut predicate = predicate.clone();
            // What fails, fails when a row is entered.
            let given: Vec<&Expr> = filter.iter().collect();
            if folder.simplify(&mut predicate).is_ok() && Prover::new(&mut folder).implied(&predicate, &given) {
                out.push(index.oid);
            }
        }
        Ok(out)
    }

    /// Whether an index's column has the collation and the operator class that were asked for
    /// (PostgreSQL 15, plancat.c, infer_collation_opclass_match).
    fn ordered_as(&self, rel: &Relation, column: &IndexColumn, wanted: &ArbiterElem) -> bool {
        let own = types::info(column.ty.oid).map_or(Oid::INVALID, |i| i.collation);
        let declared = rel.attributes.iter().find(|a| column.attno > 0 && a.attno == column.attno);
        let declared = declared.map_or(Oid::INVALID, |a| a.declared.collation);
        let collation = [column.named(), declared, own].into_iter().find(|c| c.is_valid()).unwrap_or_default();
        let class = || self.cx.names.btree_class(BtreeClass::OfColumn(column.opclass, column.ty.oid));
        (!wanted.collation.is_valid() || wanted.collation == collation)
            && (wanted.class.is_none() || wanted.class == class())
    }

    pub(super) fn update(&mut self, s: &ast::UpdateStmt) -> Result<Query> {
        self.scopes.push(Scope::default());
        let out = self.update_in_scope(s);
        self.scopes.pop();
        out
    }

    fn update_in_scope(&mut self, s: &ast::UpdateStmt) -> Result<Query> {
        if let Some(with) = &s.with {
            self.with_clause(with)?;
        }
        let rel = self.write_target(&s.table, "UPDATE")?;
        let kept = self.stored(&rel)?;
        let (target, item) = self.target_rel(&rel, &s.table, access::UPDATE)?;
        let mut query = Query { from: vec![FromNode::Rel(target)], ..Query::default() };
        query.from.extend(self.from_with_target(item, &s.from)?);
        query.filter = s.filter.as_ref().map(|f| self.condition(f, Clause::Where)).transpose()?;
        let returning = self.returning(&s.returning)?;
        let set = self.assignments(&s.set, &rel, &kept, target)?;
        query.write = Some(Box::new(Write::new(target, WriteKind::Update { set }, returning)));
        self.take_scope(&mut query);
        Ok(query)
    }

    /// FROM or USING beside a target, which is known there only to be refused.
    fn from_with_target(&mut self, item: NsItem, from: &[ast::FromItem]) -> Result<Vec<FromNode>> {
        self.scope().items.push(NsItem { lateral_only: true, lateral_ok: false, ..item });
        self.from_clause(from)
    }

    /// WHERE CURRENT OF: the target's row whose `ctid` is that of the cursor's row. PostgreSQL 15, parse_expr.c,
    /// transformCurrentOfExpr: a variable that holds a cursor's name wins.
    pub(super) fn current_of(&mut self, name: &str, pos: Pos) -> Result<Expr> {
        let Some(target) = self.scope().items.first().and_then(|i| i.rel) else {
            return Err(Error::internal("CURRENT OF without a target"));
        };
        if self.scope().rels[target].relation().is_some_and(|rel| rel.kind == RelKind::View) {
            return Err(Error::unsupported("WHERE CURRENT OF on a view is not implemented"));
        }
        let variable = self.cx.names.variable(&[name.to_owned()])?.filter(|v| v.ty.oid == oid::REFCURSOR);
        let text = TypeRef::of(oid::TEXT);
        let cursor =
            variable.map_or_else(|| Expr::new(ExprKind::Const(Value::text(name)), text), |v| Expr { ty: text, ..v });
        let table = match &self.scope().rels[target].source {
            Source::Table { rel, .. } if rel.children.is_empty() && !rel.is_partitioned() => {
                Expr::new(ExprKind::Const(Value::U32(rel.oid.0)), TypeRef::of(oid::OID))
            }
            _ => var(target, -6, TypeRef::of(oid::OID)),
        };
        let func = &crate::sql::func::current_of::CURRENT_OF;
        let call = ExprKind::Func { func, args: vec![cursor, table], oper: None, variadic: false };
        let (row, ty) = (var(target, -1, TypeRef::of(oid::TID)), TypeRef::of(oid::TID));
        self.make_op(None, "=", Some(row), Expr::new(call, ty), pos)
    }

    pub(super) fn delete(&mut self, s: &ast::DeleteStmt) -> Result<Query> {
        self.scopes.push(Scope::default());
        let out = self.delete_in_scope(s);
        self.scopes.pop();
        out
    }

    fn delete_in_scope(&mut self, s: &ast::DeleteStmt) -> Result<Query> {
        if let Some(with) = &s.with {
            self.with_clause(with)?;
        }
        let rel = self.write_target(&s.table, "DELETE")?;
        let (target, item) = self.target_rel(&rel, &s.table, access::DELETE)?;
        let mut query = Query { from: vec![FromNode::Rel(target)], ..Query::default() };
        query.from.extend(self.from_with_target(item, &s.using)?);
        query.filter = s.filter.as_ref().map(|f| self.condition(f, Clause::Where)).transpose()?;
        let returning = self.returning(&s.returning)?;
        query.write = Some(Box::new(Write::new(target, WriteKind::Delete, returning)));
        self.take_scope(&mut query);
        Ok(query)
    }

    /// SET: (0-based attribute, value) for each column.
    pub(super) fn assignments(
        &mut self,
        list: &[ast::Assignment],
        rel: &Arc<Relation>,
        kept: &Stored,
        target: usize,
    ) -> Result<Vec<(usize, Expr)>> {
        let before = std::mem::replace(&mut self.scope().clause, Clause::UpdateSource);
        let mut out: Vec<(usize, Expr)> = Vec::new();
        let mut partial: Vec<usize> = Vec::new();
        for a in list {
            match a {
                ast::Assignment::One { column, value } => {
                    let given = self.given(value)?;
                    self.assign(column, given, rel, kept, target, &mut out, &mut partial)?;
                }
                ast::Assignment::Many { columns, source } => {
                    for (column, given) in columns.iter().zip(self.many(columns.len(), source)?) {
                        self.assign(column, given, rel, kept, target, &mut out, &mut partial)?;
                    }
                }
            }
        }
        self.scope().clause = before;
        Ok(out)
    }

    fn given(&mut self, e: &ast::Expr) -> Result<Given> {
        Ok(match e.kind {
            ast::ExprKind::Default => Given::Default,
            _ => Given::Value(self.expr(e)?, e.start()),
        })
    }

    /// The values of `(a, b) = …`.
    fn many(&mut self, count: usize, source: &ast::Expr) -> Result<Vec<Given>> {
        let mismatch = |this: &Self| {
            err!(SYNTAX_ERROR, "number of columns does not match number of values").at(this.at(source.pos))
        };
        match &source.kind {
            ast::ExprKind::Row { fields, .. } => {
                let starred = |f: &ast::Expr| match &f.kind {
                    ast::ExprKind::Column { star, .. } => *star,
                    ast::ExprKind::Indirection { path, .. } => matches!(path.last(), Some(ast::Indirection::Star)),
                    _ => false,
                };
                let given: Vec<Given> = match fields.iter().any(starred) {
                    true => {
                        let expanded = self.row_fields(fields)?;
                        expanded.into_iter().map(|e| Given::Value(e, source.pos)).collect()
                    }
                    false if fields.len() != count => return Err(mismatch(self)),
                    false => fields.iter().map(|f| self.given(f)).collect::<Result<_>>()?,
                };
                if given.len() != count {
                    return Err(mismatch(self));
                }
                Ok(given)
            }
            ast::ExprKind::SubLink(link) if matches!(link.kind, ast::SubLinkKind::Scalar) => {
                let mut query = self.sub_select(&link.query)?;
                let types: Vec<TypeRef> = query.output().map(|t| t.expr.ty).collect();
                if types.len() != count {
                    return Err(mismatch(self));
                }
                wrap_as_record(&mut query);
                let record = Expr::new(
                    ExprKind::SubLink(Box::new(SubLink { kind: SubPlanKind::Scalar, test: None, query })),
                    TypeRef::of(oid::RECORD),
                );
                Ok(types
                    .into_iter()
                    .enumerate()
                    .map(|(index, ty)| {
                        let field = ExprKind::Field { arg: Box::new(record.clone()), index };
                        Given::Value(Expr::new(field, ty), source.pos)
                    })
                    .collect())
            }
            _ => Err(err!(
                FEATURE_NOT_SUPPORTED,
                "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression"
            )
            .at(self.at(source.start()))),
        }
    }

    fn assign(
        &mut self,
        column: &ast::TargetColumn,
        given: Given,
        rel: &Arc<Relation>,
        kept: &Stored,
        target: usize,
        out: &mut Vec<(usize, Expr)>,
        partial: &mut Vec<usize>,
    ) -> Result<()> {
        let attr = self.target_column(rel, column)?;
        let a = &rel.attributes[attr];
        let updated = &mut self.scope().rels[target].updated;
        if !updated.contains(&a.attno) {
            updated.push(a.attno);
        }
        let existing = out.iter().position(|(i, _)| *i == attr);
        if existing.is_some() && (column.path.is_empty() || !partial.contains(&attr)) {
            return Err(err!(SYNTAX_ERROR, "multiple assignments to same column \"{}\"", a.name));
        }
        let default = matches!(given, Given::Default);
        if !default {
            refuse_computed(a)?;
        }
        let value = match given {
            Given::Default if !column.path.is_empty() => {
                let what = match column.path.first() {
                    Some(ast::Indirection::Field(_)) => "a subfield",
                    _ => "an array element",
                };
                return Err(err!(FEATURE_NOT_SUPPORTED, "cannot set {what} to DEFAULT").at(self.at(column.pos)));
            }
            // It computes itself; that it was named matters to UPDATE OF triggers.
            Given::Default if a.generated != 0 => self.as_default(var(target, a.attno, a.ty)),
            Given::Default => self.given_default(rel, kept, attr)?,
            Given::Value(e, pos) if column.path.is_empty() => {
                self.coerce_assignment(e, a.ty, &a.name, pos, Assigned::Column)?
            }
            Given::Value(e, _) => {
                let base = match existing {
                    Some(i) => out[i].1.clone(),
                    None => var(target, attr as i16 + 1, a.ty),
                };
                partial.push(attr);
                let e = self.assign_part(base, &column.path, e, &a.name, column.pos)?;
                match existing {
                    Some(i) => {
                        out[i].1 = e;
                        return Ok(());
                    }
                    None => e,
                }
            }
        };
        out.push((attr, value));
        Ok(())
    }

    /// The value of a column with a part replaced.
    pub(super) fn assign_part(
        &mut self,
        base: Expr,
        path: &[ast::Indirection],
        value: Expr,
        column: &str,
        pos: Pos,
    ) -> Result<Expr> {
        let Some(first) = path.first() else {
            return Err(Error::internal("an empty path"));
        };
        let ty = base.ty;
        let base = parts_of_domain(base);
        if let ast::Indirection::Field(name) = first {
            let Some(fields) = self.cx.io.hooks.composite(types::base_type(ty.oid)) else {
                let shown = self.type_name(ty.oid);
                return Err(err!(
                    DATATYPE_MISMATCH,
                    "cannot assign to field \"{name}\" of column \"{column}\" because its type {shown} is not a composite type"
                )
                .at(self.at(pos)));
            };
            let Some(index) = fields.iter().position(|f| f.name == *name) else {
                return Err(err!(
                    UNDEFINED_COLUMN,
                    "cannot assign to field \"{name}\" of column \"{column}\" because there is no such column in data type {}",
                    self.type_name(ty.oid)
                )
                .at(self.at(pos)));
            };
            let field_ty = fields[index].typ;
            let value = if path.len() > 1 {
                let inner = Expr::new(ExprKind::Field { arg: Box::new(base.clone()), index }, field_ty);
                self.assign_part(inner, &path[1..], value, column, pos)?
            } else {
                let lax = if self.lax { self.assignment(value.clone(), field_ty, true)? } else { None };
                match lax {
                    Some(e) => e,
                    None => self.coerce_assignment(value, field_ty, name, pos, Assigned::Subfield)?,
                }
            };
            let set = ExprKind::FieldSet { arg: Box::new(base), index, value: Box::new(value) };
            return Ok(again_in_domain(set, ty));
        }
        let end = path.iter().position(|p| matches!(p, ast::Indirection::Field(_))).unwrap_or(path.len());
        // PostgreSQL points at the column, where there is one.
        let place = if matches!(base.kind, ExprKind::Var { .. }) { pos } else { ast::NOWHERE };
        let document = types::base_type(ty.oid) == oid::JSONB;
        let pairs = types::hstore::is(ty.oid);
        let element = match (document, pairs) {
            (true, _) => Some(oid::JSONB),
            (_, true) => Some(oid::TEXT),
            _ => self.subscripted(types::base_type(ty.oid), pos)?,
        };
        let Some(element) = element else {
            let shown = self.type_name(ty.oid);
            return Err(err!(
                DATATYPE_MISMATCH,
                "cannot subscript type {shown} because it does not support subscripting"
            )
            .at(self.at(place)));
        };
        let (lower, upper, slice) = if document {
            let keys = self.json_keys(&path[..end])?;
            (vec![None; keys.len()], keys, false)
        } else if pairs {
            (vec![None], vec![Some(self.hstore_key(&path[..end])?)], false)
        } else {
            let found = self.subscripts(&path[..end])?;
            if found.2 && types::element_type(ty.oid).is_none() {
                return Err(Error::unsupported("slices of fixed-length arrays not implemented"));
            }
            found
        };
        let want = if slice { ty } else { TypeRef::with(element, types::domain_base(ty).typmod) };
        let value = if end < path.len() {
            let inner = Expr::new(
                ExprKind::Subscript {
                    array: Box::new(base.clone()),
                    lower: lower.clone(),
                    upper: upper.clone(),
                    slice,
                },
                want,
            );
            self.assign_part(inner, &path[end..], value, column, pos)?
        } else {
            let from = value.ty.oid;
            let converted = match self.lax {
                true => self.assignment(value, want, true)?,
                false => self.coerce_to(value, want, crate::sql::func::CastContext::Assignment, pos)?,
            };
            match converted {
                Some(v) => v,
                None => {
                    return Err(err!(
                        DATATYPE_MISMATCH,
                        "subscripted assignment to \"{column}\" requires type {} but expression is of type {}",
                        self.type_name(want.oid),
                        self.type_name(from)
                    )
                    .hint("You will need to rewrite or cast the expression.")
                    .at(self.at(pos)));
                }
            }
        };
        let set = ExprKind::SubscriptSet { array: Box::new(base), lower, upper, slice, value: Box::new(value) };
        Ok(again_in_domain(set, ty))
    }
}

/// # Errors
/// 428C9 for an UPDATE's value of a column that computes its own.
pub(super) fn refuse_computed(a: &Attribute) -> Result<()> {
    if a.generated == 0 && a.identity != b'a' {
        return Ok(());
    }
    let what = if a.generated != 0 { "a generated column" } else { "an identity column defined as GENERATED ALWAYS" };
    Err(err!(GENERATED_ALWAYS, "column \"{}\" can only be updated to DEFAULT", a.name)
        .detail(format!("Column \"{}\" is {what}.", a.name)))
}

/// A domain's value with parts replaced before its check: it is checked when all of them are.
fn parts_of_domain(e: Expr) -> Expr {
    match e.kind {
        ExprKind::ToDomain(inner)
            if matches!(inner.kind, ExprKind::FieldSet { .. } | ExprKind::SubscriptSet { .. }) =>
        {
            *inner
        }
        kind => Expr { kind, ..e },
    }
}

/// A value with a part replaced; one of a domain is checked again.
fn again_in_domain(set: ExprKind, ty: TypeRef) -> Expr {
    let below = types::domain_base(ty);
    let changed = Expr::new(set, below);
    match below.oid == ty.oid {
        true => changed,
        false => Expr::new(ExprKind::ToDomain(Box::new(changed)), ty),
    }
}

/// The expression as one over the relation's own attributes (rel 0), without positions.
fn rebase(mut e: Expr) -> Expr {
    e.rewrite(&mut |x| {
        x.pos = None;
        if let ExprKind::Var { rel, .. } = &mut x.kind {
            *rel = 0;
        }
    });
    e
}
