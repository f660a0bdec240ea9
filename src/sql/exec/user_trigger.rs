//! Triggers that users made: which fire for an event, and their functions being called one after the other.
//!
//! BEFORE ROW triggers are fired by the node that changes the row ([`RowFiring`]), AFTER ROW triggers when the
//! statement's tree has ended ([`super::after_row`]), statement triggers before the first row and after the last
//! ([`StatementFiring`]). PostgreSQL 15, trigger.c: same order, by name.

use super::modify::ChangeKind;
use super::{ExecContext, phys_of};
use crate::base::{Error, Flow, Result};
use crate::catalog::{Relation, Trigger};
use crate::err;
use crate::settings::{Id, Lookup};
use crate::sql::bind::scope::{Clause, system_attno};
use crate::sql::bind::{BindContext, bind_expr};
use crate::sql::expr::eval::Predicate;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plpgsql::{Level, TriggerData, When, returned};
use crate::sql::routine::Invocation;
use crate::sql::routine::query::{Scoped, Variables};
use crate::types::{Batch, Column, Datum, TypeRef, Value};
use std::sync::Arc;
use std::time::Instant;

/// A trigger with its condition bound: columns are NEW's attributes, then OLD's.
pub struct UserTrigger {
    pub def: Trigger,
    pub rel: Arc<Relation>,
    condition: Option<Expr>,
}

/// NEW and OLD in a condition.
struct Rows<'a> {
    rel: &'a Relation,
}

impl Rows<'_> {
    fn base(&self, word: &str) -> Option<usize> {
        match word {
            "new" => Some(0),
            "old" => Some(self.rel.attributes.len()),
            _ => None,
        }
    }
}

impl Rows<'_> {
    /// `new.tableoid` and `old.tableoid` come behind both rows.
    fn system_column(&self, row: &str, name: &str) -> Result<Expr> {
        match system_attno(name) {
            Some(_) if name == "tableoid" => {
                let at = 2 * self.rel.attributes.len() + usize::from(row == "old");
                Ok(Expr::new(ExprKind::Column(at), TypeRef::of(crate::types::oid::OID)))
            }
            Some(_) => Err(Error::unsupported(format!("column {row}.{name} in a trigger's WHEN is not supported"))),
            None => Err(err!(UNDEFINED_COLUMN, "column {row}.{name} does not exist")),
        }
    }
}

impl Variables for Rows<'_> {
    fn find(&self, parts: &[String]) -> Result<Option<Expr>> {
        Ok(match parts {
            [row, name] => match self.base(row) {
                None => None,
                Some(base) => {
                    let Some(a) = self.rel.attribute(name) else {
                        return self.system_column(row, name).map(Some);
                    };
                    Some(Expr::new(ExprKind::Column(base + a.attno as usize - 1), a.ty))
                }
            },
            [row] => self.base(row).map(|base| {
                let columns = self.rel.visible_attributes();
                let (names, fields) = columns
                    .map(|a| (a.name.clone(), Expr::new(ExprKind::Column(base + a.attno as usize - 1), a.ty)))
                    .unzip();
                Expr::new(ExprKind::Row { fields, names }, TypeRef::of(crate::types::oid::RECORD))
            }),
            _ => None,
        })
    }

    fn fields(&self, parts: &[String]) -> Option<Vec<(String, Expr)>> {
        let [row] = parts else { return None };
        let base = self.base(row)?;
        let one = |a: &crate::catalog::Attribute| {
            (a.name.clone(), Expr::new(ExprKind::Column(base + a.attno as usize - 1), a.ty))
        };
        Some(self.rel.visible_attributes().map(one).collect())
    }
}

/// A WHEN condition over NEW's columns, then OLD's.
///
/// # Errors
/// The binder's, with positions in `source`.
pub fn bound_condition(
    names: &dyn crate::sql::bind::Names,
    io: &crate::types::IoContext,
    rel: &Relation,
    expr: &crate::sql::ast::Expr,
    source: &str,
) -> Result<Expr> {
    let scoped = Scoped { names, variables: &Rows { rel }, transitions: None };
    let mut bcx = BindContext { names: &scoped, io, text: source, params: Vec::new(), infer_params: false };
    bind_expr(&mut bcx, expr, None, Clause::TriggerWhen, None)
}

/// Binds a WHEN condition.
///
/// # Errors
/// The binder's, with positions in `source`.
pub fn condition(cx: &mut ExecContext, rel: &Relation, expr: &crate::sql::ast::Expr, source: &str) -> Result<Expr> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bound = bound_condition(&*catalog, &cx.fx.io, rel, expr, source)?;
    // Both rows lie in the table the trigger is on.
    let rows = 2 * rel.attributes.len();
    bound.rewrite(&mut |x| {
        if matches!(x.kind, ExprKind::Column(n) if n >= rows) {
            x.kind = ExprKind::Const(Value::U32(rel.oid.0));
        }
    });
    match bound.ty.oid {
        crate::types::oid::BOOL => Ok(bound),
        other => {
            let shown = crate::types::format_type_plain(other, &*cx.fx.io.hooks);
            Err(err!(DATATYPE_MISMATCH, "argument of WHEN must be type boolean, not type {shown}")
                .at(crate::sql::ast::cursor(source, expr.pos)))
        }
    }
}

/// Whether a trigger with this `tgenabled` fires in this session.
pub fn is_enabled(cx: &ExecContext, letter: char) -> bool {
    let replica = || cx.backend.as_ref().is_some_and(|b| b.view.choice(Id::SessionReplicationRole) == "replica");
    match letter {
        'D' => false,
        'A' => true,
        'R' => replica(),
        _ => !replica(),
    }
}

impl UserTrigger {
    pub fn new(cx: &mut ExecContext, rel: &Arc<Relation>, def: &Trigger) -> Result<UserTrigger> {
        let condition = match &def.condition {
            Some(text) => {
                let expr = crate::sql::bind::parse_expression(text)?;
                // It is kept as text: nobody asks who may look into its schemas.
                let _all = crate::sql::bind::Everywhere::reach();
                Some(condition(cx, rel, &expr, &format!("SELECT {text}"))?)
            }
            None => None,
        };
        Ok(UserTrigger { def: def.clone(), rel: rel.clone(), condition })
    }

    pub fn is_for(&self, kind: ChangeKind) -> bool {
        match kind {
            ChangeKind::Insert => self.def.insert,
            ChangeKind::Update => self.def.update,
            ChangeKind::Delete => self.def.delete,
            ChangeKind::Move => false,
        }
    }

    /// Whether it fires in this session, for a statement that assigns these attributes (None: not known).
    pub fn fires(&self, cx: &ExecContext, kind: ChangeKind, assigned: Option<&[usize]>) -> bool {
        let enabled = is_enabled(cx, self.def.enabled);
        let columns = &self.def.columns;
        let named = kind != ChangeKind::Update
            || columns.is_empty()
            || assigned.is_none_or(|l| l.iter().any(|n| columns.contains(&(*n as i16 + 1))));
        enabled && named
    }

    /// It reads the changed rows under names of its own.
    pub fn reads_transitions(&self) -> bool {
        self.def.old_table.is_some() || self.def.new_table.is_some()
    }

    /// The condition ready to be evaluated.
    pub fn predicate(&self) -> Option<Predicate> {
        self.condition.as_ref().map(Predicate::new)
    }

    pub fn data(&self, operation: &'static str, new: Option<Vec<Value>>, old: Option<Vec<Value>>) -> TriggerData {
        TriggerData {
            name: self.def.name.clone(),
            when: match self.def.when {
                'b' => When::Before,
                'i' => When::InsteadOf,
                _ => When::After,
            },
            level: if self.def.row { Level::Row } else { Level::Statement },
            operation,
            relation: self.rel.clone(),
            args: self.def.args.clone(),
            new,
            old,
            trigger: self.def.oid,
            transitions: None,
        }
    }
}

pub fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Insert => "INSERT",
        ChangeKind::Update | ChangeKind::Move => "UPDATE",
        ChangeKind::Delete => "DELETE",
    }
}

/// A row's attributes as values.
pub fn values(columns: &[Column], row: usize, width: usize) -> Vec<Value> {
    columns[..width.min(columns.len())].iter().map(|c| c.get(row).to_value()).collect()
}

/// One row with NEW's attributes and then OLD's, as conditions read it.
pub fn both(rel: &Relation, new: Option<(&[Column], usize)>, old: Option<(&[Column], usize)>) -> Batch {
    let mut columns = Vec::with_capacity(rel.attributes.len() * 2);
    for side in [new, old] {
        for (n, a) in rel.attributes.iter().enumerate() {
            columns.push(match side {
                Some((c, row)) => c[n].gather_rows(&[row as u32]),
                None => Column::constant(phys_of(a.ty), Datum::Null, 1),
            });
        }
    }
    Batch { columns, rows: 1 }
}

/// Calls a trigger function to its end.
#[derive(Default)]
pub struct Calling(Option<Box<Invocation>>);

impl Calling {
    /// What it returned: the row, or NULL. To be repeated after a `Stop`; `data` is asked for once.
    pub fn run(
        &mut self,
        cx: &mut ExecContext,
        trigger: &UserTrigger,
        data: impl FnOnce() -> TriggerData,
    ) -> Flow<Value> {
        if super::built_in_trigger::is_one(trigger.def.function) {
            return Ok(super::built_in_trigger::fire(cx, trigger.def.function, data())?);
        }
        if self.0.is_none() {
            self.0 = Some(Box::new(Invocation::trigger(cx, trigger.def.function, data())?));
        }
        let Some(call) = &mut self.0 else { return Ok(Value::Null) };
        cx.nesting.triggers += 1;
        let started = cx.instrument.is_some().then(Instant::now);
        let done = call.value(cx);
        cx.nesting.triggers -= 1;
        if let (Some(started), Some(i)) = (started, &mut cx.instrument) {
            let (def, calls) = (&trigger.def, u64::from(done.is_ok()));
            let constraint = def.constraint.is_valid().then_some(def.name.as_str());
            i.fired(&def.name, &trigger.rel.name, constraint, calls, started.elapsed());
        }
        let value = done?;
        self.0 = None;
        Ok(value)
    }
}

/// The BEFORE ROW triggers of one row, fired one after the other.
#[derive(Default)]
pub struct RowFiring {
    at: usize,
    predicate: Option<Predicate>,
    passed: bool,
    calling: Calling,
}

impl RowFiring {
    /// One of the triggers has been looked at.
    pub fn is_under_way(&self) -> bool {
        self.at > 0 || self.passed || self.predicate.is_some()
    }

    /// Fires all. `new` becomes what the functions make of it. False: the row is to be left alone.
    pub fn run(
        &mut self,
        cx: &mut ExecContext,
        triggers: &[Arc<UserTrigger>],
        kind: ChangeKind,
        assigned: Option<&[usize]>,
        old: Option<(&[Column], usize)>,
        mut new: Option<&mut Batch>,
    ) -> Flow<bool> {
        while let Some(t) = triggers.get(self.at) {
            if !t.is_for(kind) || !t.fires(cx, kind, assigned) {
                self.at += 1;
                continue;
            }
            if !self.passed {
                if self.predicate.is_none() {
                    self.predicate = t.predicate();
                }
                if let Some(p) = &mut self.predicate {
                    let row = both(&t.rel, new.as_ref().map(|b| (&b.columns[..], 0)), old);
                    // One row passes, or none does.
                    let kept = p.run(cx, &row)?.is_none();
                    self.predicate = None;
                    if !kept {
                        self.at += 1;
                        continue;
                    }
                }
                self.passed = true;
            }
            let width = t.rel.attributes.len();
            let current = new.as_ref().map(|b| values(&b.columns, 0, width));
            let value =
                self.calling.run(cx, t, || t.data(word(kind), current, old.map(|(c, row)| values(c, row, width))))?;
            self.passed = false;
            self.at += 1;
            if value.is_null() {
                self.at = 0;
                return Ok(false);
            }
            if let Some(batch) = &mut new {
                take_row(&t.rel, &value, batch).map_err(|e| left(cx, t, e))?;
                // The next one does not see either what this one made of generated columns.
                for (n, a) in t.rel.attributes.iter().enumerate().filter(|(_, a)| a.generated != 0) {
                    batch.columns[n] = Column::constant(phys_of(a.ty), Datum::Null, batch.rows);
                }
            }
        }
        self.at = 0;
        Ok(true)
    }
}

/// An error in what a function returned.
fn left(cx: &mut ExecContext, t: &UserTrigger, e: Error) -> Error {
    let name = cx.backend().ok().and_then(|b| crate::sql::names::procedure_shown(&b.catalog, t.def.function));
    e.context(format!("PL/pgSQL function {} during function exit", name.unwrap_or_default()))
}

/// Puts a returned row's attributes into the batch.
fn take_row(rel: &Relation, value: &Value, batch: &mut Batch) -> Result<()> {
    let Value::Bytes(b) = value else { return Ok(()) };
    let record = crate::types::record::Record::new(b);
    let wanted: Vec<&crate::catalog::Attribute> = rel.visible_attributes().collect();
    let what = "returned row structure does not match the structure of the triggering table";
    let both = record.columns.len().min(wanted.len());
    if let Some(n) = (0..both)
        .find(|n| crate::types::base_type(record.columns[*n].typ) != crate::types::base_type(wanted[*n].ty.oid))
    {
        let shown = |t| crate::types::format_type_plain(t, &crate::types::context::NoHooks);
        return Err(err!(DATATYPE_MISMATCH, "{what}").detail(format!(
            "Returned type {} does not match expected type {} in column {}.",
            shown(record.columns[n].typ),
            shown(wanted[n].ty.oid),
            n + 1
        )));
    }
    if record.columns.len() != wanted.len() {
        return Err(err!(DATATYPE_MISMATCH, "{what}").detail(format!(
            "Number of returned columns ({}) does not match expected column count ({}).",
            record.columns.len(),
            wanted.len()
        )));
    }
    let Some(values) = returned(rel, value) else { return Err(Error::internal("a row that is none")) };
    for (n, (a, v)) in rel.attributes.iter().zip(&values).enumerate() {
        batch.columns[n] = Column::constant(phys_of(a.ty), v.datum(), 1);
    }
    Ok(())
}

/// Statement triggers, fired one after the other.
#[derive(Default)]
pub struct StatementFiring {
    at: usize,
    calling: Calling,
}

impl StatementFiring {
    pub fn run(
        &mut self,
        cx: &mut ExecContext,
        triggers: &[Arc<UserTrigger>],
        kind: ChangeKind,
        assigned: Option<&[usize]>,
    ) -> Flow<()> {
        while let Some(t) = triggers.get(self.at) {
            if t.is_for(kind) && t.fires(cx, kind, assigned) {
                self.calling.run(cx, t, || t.data(word(kind), None, None))?;
                cx.backend()?.txn.next_command();
            }
            self.at += 1;
        }
        self.at = 0;
        Ok(())
    }
}
