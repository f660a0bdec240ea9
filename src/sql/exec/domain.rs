//! Checking values against the constraints of domains.

use super::ExecContext;
use crate::base::{Error, Flow, Oid, Result, SqlState, Stop};
use crate::catalog::object::class;
use crate::catalog::{Catalog, ObjectKey};
use crate::sql::bind::domain::domain_level;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::func::{FnContext, SessionFacts};
use crate::types::{self, Batch, Column, ColumnData, Datum, IoContext, Value};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The constraints of a domain and of those it is made over, ready to run.
pub(crate) struct DomainCheck {
    typ: Oid,
    schema: String,
    name: String,
    not_null: bool,
    /// Those of the innermost domain first (PostgreSQL 15, typcache.c, load_domaintype_info: same).
    tests: Vec<(String, Projection)>,
    /// The versions of the domains this was made from.
    made_from: Vec<Arc<crate::catalog::Record>>,
}

/// The records of a domain and those below it.
fn records(catalog: &Catalog, typ: Oid) -> Vec<Arc<crate::catalog::Record>> {
    let mut found = Vec::new();
    let mut typ = typ;
    while let Some(record) = catalog.get(ObjectKey::new(class::TYPE, typ)) {
        match types::info(typ) {
            Some(i) if i.kind == b'd' => typ = i.base,
            _ => break,
        }
        found.push(record);
    }
    found
}

impl DomainCheck {
    pub fn load(catalog: &Catalog, io: &IoContext, typ: Oid) -> Result<DomainCheck> {
        let made_from = records(catalog, typ);
        let (mut not_null, mut tests) = (false, Vec::new());
        for record in made_from.iter().rev() {
            let Some(level) = domain_level(record, catalog, io)? else { continue };
            not_null |= level.not_null;
            for (name, e) in &level.checks {
                tests.push((name.clone(), Projection::new(std::slice::from_ref(e))));
            }
        }
        let t = made_from.first().and_then(|r| r.object.as_type().ok());
        let name = t.map(|t| t.name.clone()).unwrap_or_default();
        let schema = t.and_then(|t| catalog.namespace(t.namespace)).map(|n| n.name).unwrap_or_default();
        Ok(DomainCheck { typ, schema, name, not_null, tests, made_from })
    }

    fn is_current(&self, catalog: &Catalog) -> bool {
        let now = records(catalog, self.typ);
        now.len() == self.made_from.len() && now.iter().zip(&self.made_from).all(|(a, b)| Arc::ptr_eq(a, b))
    }

    /// Checks all values; which of them is wrong first is as if they were checked one by one. To be repeated with
    /// the same values after a `Stop`.
    pub fn run(&mut self, cx: &mut ExecContext, values: &Column) -> Flow<()> {
        match self.run_all(cx, values) {
            Err(Stop::Error(e)) if values.len() > 1 => {
                self.tests.iter_mut().for_each(|(_, t)| t.reset());
                for row in 0..values.len() as u32 {
                    self.run_all(cx, &values.gather_rows(&[row]))?;
                }
                Err(Stop::Error(e))
            }
            done => done,
        }
    }

    fn run_all(&mut self, cx: &mut ExecContext, values: &Column) -> Flow<()> {
        let shown = |cx: &ExecContext| types::format_type_plain(self.typ, &*cx.fx.io.hooks);
        if self.not_null && (0..values.len()).any(|n| values.is_null(n)) {
            let text = format!("domain {} does not allow null values", shown(cx));
            let e = Error::new(SqlState::NOT_NULL_VIOLATION, text).datatype(&self.schema, &self.name);
            return Err(e.place("ExecEvalConstraintNotNull", "execExprInterp.c", 3681).into());
        }
        if self.tests.is_empty() {
            return Ok(());
        }
        let name = shown(cx);
        let batch = Batch { columns: vec![values.clone()], rows: values.len() };
        for (constraint, test) in &mut self.tests {
            let answer = cx.apart(|cx| test.run(cx, &batch, Sel::All(batch.rows)))?;
            let ColumnData::Bool(truths) = &answer[0].data else { continue };
            if (0..batch.rows).any(|n| !truths[n] && !answer[0].is_null(n)) {
                let text = format!("value for domain {name} violates check constraint \"{constraint}\"");
                let e = Error::new(SqlState::CHECK_VIOLATION, text).datatype(&self.schema, &self.name);
                let e = e.constraint(constraint.clone());
                return Err(e.place("ExecEvalConstraintCheck", "execExprInterp.c", 3700).into());
            }
        }
        Ok(())
    }
}

/// Checks the values that could not be checked where they were read ([`DomainChecks`]).
///
/// # Errors
/// Of the first that is wrong.
pub fn check_unchecked(cx: &mut ExecContext) -> Result<()> {
    if !cx.fx.io.hooks.has_unchecked() {
        return Ok(());
    }
    let Ok(backend) = cx.backend() else { return Ok(()) };
    let catalog = backend.catalog.clone();
    for (typ, value) in cx.fx.io.hooks.take_unchecked() {
        let mut check = DomainCheck::load(&catalog, &cx.fx.io, typ)?;
        let column = Column::constant(types::phys(typ), value.datum(), 1);
        super::patiently(cx, |cx| check.run(cx, &column))?;
    }
    Ok(())
}

/// Domain checks of single values for whoever reads values without an executor: elements of arrays, fields of rows,
/// COPY. Where a check runs functions that need the session's transaction, the value is put aside for
/// [`check_unchecked`], which the next expression's end or the statement's calls.
pub struct DomainChecks {
    session: Arc<dyn SessionFacts>,
    unchecked: Mutex<Vec<(Oid, Value)>>,
    waiting: AtomicBool,
    /// Taken out while a value is checked: a check may read values of domains itself.
    idle: Mutex<Option<Idle>>,
}

struct Idle {
    cx: Box<ExecContext>,
    checks: HashMap<Oid, DomainCheck>,
}

impl DomainChecks {
    pub fn new(session: Arc<dyn SessionFacts>) -> DomainChecks {
        let (unchecked, waiting) = (Mutex::default(), AtomicBool::new(false));
        DomainChecks { session, unchecked, waiting, idle: Mutex::new(None) }
    }

    pub fn has_unchecked(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    pub fn take_unchecked(&self) -> Vec<(Oid, Value)> {
        self.waiting.store(false, Ordering::Relaxed);
        std::mem::take(&mut self.unchecked.lock())
    }

    fn put_aside(&self, typ: Oid, value: Datum<'_>) {
        self.unchecked.lock().push((typ, value.to_value()));
        self.waiting.store(true, Ordering::Relaxed);
    }

    pub fn check(&self, catalog: &Catalog, typ: Oid, value: Datum<'_>, io: &IoContext) -> Result<()> {
        let mut idle = self.idle.lock().take().unwrap_or_else(|| {
            let fx = FnContext { session: self.session.clone(), ..FnContext::default() };
            Idle { cx: Box::new(ExecContext { fx, ..ExecContext::default() }), checks: HashMap::new() }
        });
        idle.cx.fx.io = io.clone();
        if idle.checks.get(&typ).is_none_or(|c| !c.is_current(catalog)) {
            idle.checks.insert(typ, DomainCheck::load(catalog, io, typ)?);
        }
        let column = Column::constant(types::phys(typ), value, 1);
        idle.cx.missed_session = false;
        let answer = match idle.checks.get_mut(&typ) {
            Some(check) => check.run(&mut idle.cx, &column).map_err(Stop::into_error),
            None => Ok(()),
        };
        if answer.is_err() && idle.cx.missed_session {
            self.put_aside(typ, value);
            return Ok(());
        }
        // No cycle from a context that the hooks own back to the hooks.
        idle.cx.fx.io = IoContext::default();
        if answer.is_ok() {
            *self.idle.lock() = Some(idle);
        }
        answer
    }
}
