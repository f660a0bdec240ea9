//! EXCLUDE: whether some other row is in a new row's way. PostgreSQL 15, execIndexing.c,
//! check_exclusion_or_unique_constraint.
//!
//! Departs: a row's index entry goes in only after nobody was found in its way, with both under a mutex of the index. So
//! of two that are in each other's way one gets in, and they never wait for each other.

use super::ExecContext;
use super::modify::{Writer, key_text};
use super::seq_scan::store_of;
use crate::base::{Error, Flow, Result, SqlState, TupleId, Xid};
use crate::btree::{Bounds, Direction, IndexScan};
use crate::catalog::{Index, IndexMethod, Relation};
use crate::gist;
use crate::heap::{HeapFetch, Occupant, occupant};
use crate::mvcc::Snapshot;
use crate::sql::bind::{hash_code, hashed_value, stored};
use crate::sql::expr::eval::{Predicate, Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func;
use crate::storage::Storage;
use crate::types::{Batch, Column, TypeRef, oid};
use std::sync::Arc;

/// What a new row meets.
pub enum Met {
    Nothing,
    /// A living row with these values, which are in its way.
    Row(TupleId, Vec<Column>),
    /// One whose fate hangs on this transaction.
    Doubtful(Xid),
}

/// An index whose rows must keep out of each other's way.
pub struct Exclusion {
    pub index: Arc<Index>,
    rel: Arc<Relation>,
    types: Vec<TypeRef>,
    /// The constrained values, over all attributes of the relation.
    raw: Projection,
    /// Their hash codes, for a hash index.
    coded: Option<Projection>,
    /// The operators, over the values of a row that is there and those of a new one.
    test: Predicate,
    fetch: HeapFetch,
    /// Which rows the index is about.
    predicate: Option<Predicate>,
    /// How many columns in front are asked by `=`.
    equal: usize,
}

fn column(n: usize, ty: TypeRef) -> Expr {
    Expr::new(ExprKind::Column(n), ty)
}

/// An expression over a relation's row of all its attributes.
fn over_attributes(e: &Expr) -> Expr {
    let mut e = e.clone();
    e.rewrite(&mut |x| {
        if let ExprKind::Var { attno, .. } = x.kind {
            x.kind = ExprKind::Column((attno as usize).wrapping_sub(1));
        }
    });
    e
}

impl Exclusion {
    pub fn new(cx: &mut ExecContext, rel: &Arc<Relation>, index: &Arc<Index>) -> Result<Exclusion> {
        let catalog = cx.backend()?.catalog.clone();
        let kept = stored(rel, &*catalog, &cx.fx.io)?;
        let at = rel.indexes.iter().position(|i| i.oid == index.oid);
        let (columns, predicate) =
            at.and_then(|n| kept.indexes.get(n)).ok_or_else(|| Error::internal("an index that is not its table's"))?;
        let raw: Vec<Expr> = columns[..index.key_columns]
            .iter()
            .map(|c| over_attributes(if index.method == IndexMethod::Hash { hashed_value(c) } else { c }))
            .collect();
        let types: Vec<TypeRef> = raw.iter().map(|e| e.ty).collect();
        let mut tests = Vec::new();
        let mut equal = 0;
        for (n, (o, ty)) in index.exclusion.iter().zip(&types).enumerate() {
            let op = func::oper(*o).ok_or_else(|| Error::internal(format!("operator {o} is gone")))?;
            let func = func::user::function_of(op)
                .ok_or_else(|| Error::internal(format!("the function of operator {o} is gone")))?;
            equal += usize::from(op.name == "=" && equal == n);
            let args = vec![column(n, *ty), column(types.len() + n, *ty)];
            let kind = ExprKind::Func { func, oper: Some(*o), args, variadic: false };
            tests.push(Expr::new(kind, TypeRef::of(oid::BOOL)));
        }
        let coded = match index.method {
            IndexMethod::Hash => {
                let codes: Result<Vec<Expr>> =
                    types.iter().enumerate().map(|(n, ty)| hash_code(column(n, *ty))).collect();
                Some(Projection::new(&codes?))
            }
            _ => None,
        };
        let all = (1..=rel.attributes.len() as i16).collect();
        Ok(Exclusion {
            fetch: HeapFetch::new(store_of(rel)?, Snapshot::any(), all),
            index: index.clone(),
            rel: rel.clone(),
            raw: Projection::new(&raw),
            types,
            coded,
            test: Predicate::new(&Expr::new(ExprKind::And(tests), TypeRef::of(oid::BOOL))),
            predicate: predicate.as_ref().map(|p| Predicate::new(&over_attributes(p))),
            equal,
        })
    }

    /// The rows of a batch that the index is about.
    pub fn rows(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<Vec<u32>> {
        let all = || (0..batch.rows as u32).collect();
        match &mut self.predicate {
            Some(p) => Ok(p.run(cx, batch)?.unwrap_or_else(all)),
            None => Ok(all()),
        }
    }

    /// The constrained values of rows of the relation. To be repeated with the same batch after a `Stop`.
    pub fn values(&mut self, cx: &mut ExecContext, batch: &Batch, rows: Sel<'_>) -> Flow<Vec<Column>> {
        self.raw.run(cx, batch, rows)
    }

    fn alone(values: &[Column], row: usize) -> Batch {
        Batch { columns: values.iter().map(|c| c.gather_rows(&[row as u32])).collect(), rows: 1 }
    }

    /// Looks for a row in the way of one with these values; `own` is the new row itself. To be called anew after a wait.
    pub fn look(&mut self, cx: &mut ExecContext, values: &[Column], row: usize, own: Option<TupleId>) -> Flow<Met> {
        if values.iter().any(|c| c.is_null(row)) {
            return Ok(Met::Nothing);
        }
        let writer = Writer::for_locks(cx)?;
        let store = store_of(&self.rel)?;
        let new = Self::alone(values, row);
        for tid in self.candidates(cx, &writer.storage, &new)? {
            let (at, doubt) = match occupant(&writer.storage, &store, tid, &writer.own)? {
                Occupant::None { .. } => continue,
                Occupant::Live(at) if own == Some(at) || own == Some(tid) => continue,
                Occupant::Live(at) => (at, None),
                Occupant::Running(at, xid) => (at, Some(xid)),
            };
            let Some(existing) = self.in_the_way(cx, &writer.storage, at, &new)? else { continue };
            return Ok(match doubt {
                None => Met::Row(at, existing),
                Some(xid) => Met::Doubtful(xid),
            });
        }
        Ok(Met::Nothing)
    }

    /// The values of a version, if they are in the way of new ones. Of this one: others of its chain may be older than
    /// the index, and differ.
    fn in_the_way(
        &mut self,
        cx: &mut ExecContext,
        storage: &Storage,
        at: TupleId,
        new: &Batch,
    ) -> Flow<Option<Vec<Column>>> {
        let mut there = Batch::default();
        if self.fetch.fetch_version(storage, at, &mut there)?.is_none() {
            return Ok(None);
        }
        there.rows = 1;
        self.raw.reset();
        self.test.reset();
        let existing = self.raw.run(cx, &there, Sel::All(1))?;
        if existing.iter().any(|c| c.is_null(0)) {
            return Ok(None);
        }
        let columns = existing.iter().chain(&new.columns).cloned().collect();
        let passed = self.test.run(cx, &Batch { columns, rows: 1 })?;
        Ok(passed.is_none_or(|rows| !rows.is_empty()).then_some(existing))
    }

    /// Rows that the index finds.
    fn candidates(&mut self, cx: &mut ExecContext, storage: &Storage, new: &Batch) -> Flow<Vec<TupleId>> {
        let index = self.index.clone();
        let mut found = Vec::new();
        match index.method {
            IndexMethod::Gist => {
                let mut conditions = Vec::new();
                for (n, column) in index.gist.iter().enumerate() {
                    let strategy = index.exclusion.get(n).and_then(|o| column.family.strategy(*o));
                    let strategy =
                        strategy.ok_or_else(|| Error::internal("an operator that is none of its index's"))?;
                    let query = column.class.query(strategy, new.columns[n].get(0), self.types[n], 0.0)?;
                    conditions.push((n, gist::Condition::Query(query)));
                }
                let mut scan = gist::Scan::new(index.tree(), conditions, Vec::new());
                while let Some(next) = scan.next(storage, &mut usize::MAX.clone())? {
                    found.push(next.tid);
                }
            }
            _ => {
                let mut keys = Vec::new();
                match &mut self.coded {
                    Some(coded) => {
                        coded.reset();
                        let codes = coded.run(cx, new, Sel::All(1))?;
                        index.store.encode_key(codes.iter().map(|c| c.get(0)), &mut keys);
                    }
                    None => index.store.encode_key(new.columns[..self.equal].iter().map(|c| c.get(0)), &mut keys),
                }
                let mut scan = IndexScan::new(index.store.clone(), Bounds::prefix(keys), Direction::Forward);
                while scan.next_tids(storage, found.len() + 1000, &mut found)? {}
            }
        }
        Ok(found)
    }

    /// `(a, b)=(1, 2)` of one of several rows.
    pub fn text(&self, cx: &mut ExecContext, values: &[Column], row: usize) -> String {
        key_text(cx, &self.index, values, &self.types, row)
    }

    fn is_hidden(&self, cx: &mut ExecContext) -> bool {
        let attnos: Vec<i16> = self.index.columns[..self.index.key_columns].iter().map(|c| c.attno).collect();
        cx.backend().is_ok_and(|b| crate::sql::exec::rights::hides_key(b, &self.rel, &attnos))
    }

    /// 23P01 for a row that another one is in the way of.
    #[cold]
    pub fn violated(&self, cx: &mut ExecContext, values: &[Column], row: usize, existing: &[Column]) -> Error {
        let hidden = self.is_hidden(cx);
        let detail = match hidden {
            true => "Key conflicts with existing key.".to_owned(),
            false => {
                let (new, old) = (self.text(cx, values, row), self.text(cx, existing, 0));
                format!("Key {new} conflicts with existing key {old}.")
            }
        };
        let text = format!("conflicting key value violates exclusion constraint \"{}\"", self.index.name);
        self.error(text, detail).place("check_exclusion_or_unique_constraint", "execIndexing.c", 861)
    }

    /// 23P01 for rows that were there before the constraint.
    #[cold]
    pub fn impossible(&self, cx: &mut ExecContext, values: &[Column], row: usize, existing: &[Column]) -> Error {
        let hidden = self.is_hidden(cx);
        let detail = match hidden {
            true => "Key conflicts exist.".to_owned(),
            false => {
                let (new, old) = (self.text(cx, values, row), self.text(cx, existing, 0));
                format!("Key {new} conflicts with key {old}.")
            }
        };
        let text = format!("could not create exclusion constraint \"{}\"", self.index.name);
        self.error(text, detail).place("check_exclusion_or_unique_constraint", "execIndexing.c", 850)
    }

    fn error(&self, text: String, detail: String) -> Error {
        Error::new(SqlState::EXCLUSION_VIOLATION, text)
            .detail(detail)
            .table(self.rel.schema.clone(), self.rel.name.clone())
            .constraint(self.index.name.clone())
    }
}
