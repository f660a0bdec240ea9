//! Expressions and statements of a body: bound with the variables in reach when they first run, planned once a session.

use super::code::{Function, VarKind};
use super::fast::{Fast, InPlace};
use super::frame::{Shape, Slot};
use super::parse::lookup;
use crate::base::{Error, Result, SqlState};
use crate::catalog::Catalog;
use crate::err;
use crate::sql::ast::{self, Stmt};
use crate::sql::bind::{self, BindContext, Conflict};
use crate::sql::exec::ExecContext;
use crate::sql::expr::eval::Projection;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::choice::{self, Bound, CacheMode, Choice};
use crate::sql::plan::{self, PlanNode, PlannedStatement};
use crate::sql::routine::ProcedureRun;
use crate::sql::routine::named::Noting;
use crate::sql::routine::query::{Generation, Scoped, Variables};
use crate::types::context::TypeHooks;
use crate::types::{TypeRef, Value, oid};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::sync::Arc;

/// How a text was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Expr,
    Statement,
}

/// What an expression's value is for.
#[derive(Clone, Debug)]
pub enum Want {
    /// It becomes a value of this type.
    Type(TypeRef),
    /// It replaces a part of a variable, or of a variable's field.
    Part { var: usize, field: Option<String>, path: Vec<ast::Indirection> },
}

pub struct PlExpr {
    /// As written, without the SELECT put before.
    pub text: String,
    /// What was parsed.
    pub source: Arc<str>,
    pub stmt: Arc<Stmt>,
    pub scope: usize,
    pub mode: Mode,
    pub want: Option<Want>,
    /// The whole assignment it is part of, and how many characters of it come before.
    pub assignment: Option<(String, u32)>,
    planned: Mutex<Option<Arc<Planned>>>,
}

/// A bound and planned expression.
pub struct Planned {
    generation: Generation,
    plans: Plans,
    ty: TypeRef,
    pub sources: Vec<Source>,
    /// Rows of records as they were when it was bound.
    shapes: Vec<(usize, Option<Arc<Shape>>)>,
    /// An expression that needs no plan.
    pub simple: Option<Expr>,
}

enum Plans {
    /// For all values.
    One(Arc<PlannedStatement>),
    /// The values decide.
    ByValues(Box<Kept>),
}

/// What is planned again for other values.
struct Kept {
    bound: Bound,
    source: Arc<str>,
    generic: Mutex<Option<Arc<PlannedStatement>>>,
    choice: Mutex<Choice>,
}

/// Where a parameter's value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    Var(usize),
    Field(usize, usize),
    /// A record as a whole.
    Row(usize),
}

/// A planned expression with its evaluators, of one call.
pub struct Ready {
    pub planned: Arc<Planned>,
    pub projection: Option<Projection>,
    pub fast: Option<Fast>,
    pub in_place: Option<InPlace>,
}

impl PlExpr {
    pub fn new(
        text: String,
        source: Arc<str>,
        stmt: Arc<Stmt>,
        scope: usize,
        mode: Mode,
        want: Option<Want>,
    ) -> PlExpr {
        PlExpr { text, source, stmt, scope, mode, want, assignment: None, planned: Mutex::default() }
    }

    /// It is a cursor's query.
    pub fn set_of_cursor(&mut self) {
        if let Stmt::Select(s) = Arc::make_mut(&mut self.stmt) {
            s.of_cursor = true;
        }
    }

    /// The plan, made anew if the catalogs or a record's columns changed.
    pub fn planned(&self, cx: &mut ExecContext, f: &Function, slots: &[Slot]) -> Result<Arc<Planned>> {
        let known = self.planned.lock().clone();
        if let Some(p) = known
            && p.is_fresh(cx, slots)?
        {
            return Ok(p);
        }
        let made = Arc::new(self.plan(cx, f, slots).map_err(|e| self.located(e))?);
        *self.planned.lock() = Some(made.clone());
        Ok(made)
    }

    /// CALL's procedure, its arguments bound with the variables in reach.
    pub fn procedure(
        &self,
        cx: &mut ExecContext,
        f: &Function,
        slots: &[Slot],
        stmt: &ast::CallStmt,
    ) -> Result<ProcedureRun> {
        let catalog = cx.backend()?.catalog.clone();
        let hooks = cx.fx.io.hooks.clone();
        let (sources, shapes) = Default::default();
        let reach = InReach { f, scope: self.scope, slots, hooks: &*hooks, sources, shapes };
        let scoped = Scoped { names: &*catalog, variables: &reach, transitions: cx.transitions.clone() };
        let mut run = ProcedureRun::bind(cx, stmt, &scoped, &self.source, Vec::new(), Arc::from(Vec::new()))
            .map_err(|e| self.located(e))?;
        let sources = reach.sources.into_inner();
        run.set_params(super::frame::params(&sources, slots, f));
        Ok(run)
    }

    /// The variables that a command's query names, with their values.
    pub fn named(
        &self,
        cx: &mut ExecContext,
        f: &Function,
        slots: &[Slot],
    ) -> Result<(Arc<[Value]>, Option<Arc<dyn Variables + Send + Sync>>)> {
        let Some(query) = self.stmt.inner_query() else { return Ok((Arc::from([]), None)) };
        let catalog = cx.backend()?.catalog.clone();
        let hooks = cx.fx.io.hooks.clone();
        let (sources, shapes) = Default::default();
        let reach = InReach { f, scope: self.scope, slots, hooks: &*hooks, sources, shapes };
        let noting = Noting::new(&reach);
        let scoped = Scoped { names: &*catalog, variables: &noting, transitions: cx.transitions.clone() };
        let mut bcx =
            BindContext { names: &scoped, io: &cx.fx.io, text: &self.source, params: Vec::new(), infer_params: false };
        bind::bind(&mut bcx, &query).map_err(|e| self.located(e))?;
        let named = noting.into_named();
        let params = super::frame::params(&reach.sources.into_inner(), slots, f);
        Ok((params, Some(Arc::new(named))))
    }

    fn plan(&self, cx: &mut ExecContext, f: &Function, slots: &[Slot]) -> Result<Planned> {
        let backend = cx.backend()?;
        let catalog = backend.catalog.clone();
        let generation = catalog.generation();
        let hooks = cx.fx.io.hooks.clone();
        let identify = cx.settings.identify_queries;
        let reach = InReach {
            f,
            scope: self.scope,
            slots,
            hooks: &*hooks,
            sources: RefCell::default(),
            shapes: RefCell::default(),
        };
        let scoped = Scoped { names: &*catalog, variables: &reach, transitions: cx.transitions.clone() };
        let mut bcx =
            BindContext { names: &scoped, io: &cx.fx.io, text: &self.source, params: Vec::new(), infer_params: false };
        let mut query = match &self.want {
            None => bind::bind_identified(&mut bcx, &self.stmt, identify)?,
            Some(Want::Type(ty)) => {
                let literal = self.assignment.is_some();
                let to = bind::Destination { ty: *ty, part: None, literal, name: "" };
                bind::bind_assignment(&mut bcx, &self.stmt, &to, identify)?
            }
            Some(Want::Part { var, field, path }) => {
                let name = &f.vars[*var].name;
                let base = reach.whole(*var, field.as_deref())?;
                let to = bind::Destination { ty: base.ty, part: Some((base, path)), literal: false, name };
                bind::bind_assignment(&mut bcx, &self.stmt, &to, identify)?
            }
        };
        let ty = query.output().next().map_or(TypeRef::of(oid::VOID), |t| t.expr.ty);
        let (plans, simple) = match choice::values_matter(&mut query) {
            true => {
                let kept = Kept {
                    bound: Bound::new(generation, query, &catalog),
                    source: self.source.clone(),
                    generic: Mutex::default(),
                    choice: Mutex::default(),
                };
                (Plans::ByValues(Box::new(kept)), None)
            }
            false => {
                let planned = made(cx, query, &self.source)?;
                let simple = (self.mode == Mode::Expr).then(|| simple(&planned)).flatten();
                (Plans::One(Arc::new(planned)), simple)
            }
        };
        Ok(Planned {
            generation,
            plans,
            ty,
            sources: reach.sources.into_inner(),
            shapes: reach.shapes.into_inner(),
            simple,
        })
    }

    /// An error in the text, told as PostgreSQL tells it: with its position in the text, or with the text as context.
    pub fn located(&self, mut e: Error) -> Error {
        if e.sqlstate() == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
            || e.sqlstate() == SqlState::UNDEFINED_COLUMN && e.message().starts_with("record \"")
        {
            // Found out when the variable is looked at, not by the parser.
            e.0.position = None;
        }
        if let Some(p) = e.0.position {
            let prefix = if self.mode == Mode::Expr { 7 } else { 0 };
            let before = self.assignment.as_ref().map_or(0, |a| a.1);
            e.0.position = Some((p + before).saturating_sub(prefix).max(1));
            return e.inside(self.shown());
        }
        e.context(self.context())
    }

    fn shown(&self) -> &str {
        self.assignment.as_ref().map_or(&self.text, |a| &a.0)
    }

    pub fn context(&self) -> String {
        match (&self.assignment, self.mode) {
            (Some((text, _)), _) => format!("PL/pgSQL assignment \"{text}\""),
            (None, Mode::Expr) => format!("SQL expression \"{}\"", self.text),
            (None, Mode::Statement) => format!("SQL statement \"{}\"", self.text),
        }
    }
}

impl Planned {
    fn is_fresh(&self, cx: &mut ExecContext, slots: &[Slot]) -> Result<bool> {
        let catalog = &cx.backend()?.catalog;
        Ok(catalog.generation() == self.generation && self.fits(slots) && self.is_valid(catalog))
    }

    /// The records it reads have the columns it was bound for.
    pub fn fits(&self, slots: &[Slot]) -> bool {
        self.shapes.iter().all(|(var, shape)| {
            let now = slots.get(*var).and_then(Slot::shape);
            match (shape, now) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b) || **a == **b,
                (None, None) => true,
                _ => false,
            }
        })
    }

    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The type of the first column.
    pub fn ty(&self) -> TypeRef {
        self.ty
    }

    /// What it reads is still what it was planned for; its generation is asked elsewhere.
    pub fn is_valid(&self, catalog: &Catalog) -> bool {
        match &self.plans {
            Plans::One(plan) => plan.is_current(catalog),
            Plans::ByValues(kept) => kept.bound.is_valid(catalog),
        }
    }

    /// The plan of an execution with these values.
    ///
    /// # Errors
    /// The planner's.
    pub fn plan(&self, cx: &mut ExecContext, values: &[Value]) -> Result<Arc<PlannedStatement>> {
        match &self.plans {
            Plans::One(plan) => Ok(plan.clone()),
            Plans::ByValues(kept) => kept.plan(cx, values),
        }
    }
}

impl Kept {
    fn plan(&self, cx: &mut ExecContext, values: &[Value]) -> Result<Arc<PlannedStatement>> {
        let mode = CacheMode::of(&cx.backend()?.view);
        let mut custom = self.choice.lock().is_custom(mode);
        if !custom {
            let generic = self.generic(cx)?;
            let mut choice = self.choice.lock();
            choice.costs_generic(&generic);
            custom = choice.is_custom(mode);
            if !custom {
                choice.count_generic();
                return Ok(generic);
            }
        }
        let mut query = self.bound.query.clone();
        choice::put_values(&mut query, values);
        let plan = made(cx, query, &self.source)?;
        let settings = plan::PlannerSettings::of(&cx.backend()?.view);
        self.choice.lock().count_custom(&plan, &settings);
        Ok(Arc::new(plan))
    }

    fn generic(&self, cx: &mut ExecContext) -> Result<Arc<PlannedStatement>> {
        let known = self.generic.lock().clone();
        let catalog = cx.backend()?.catalog.clone();
        match known.filter(|p| p.is_current(&catalog)) {
            Some(plan) => Ok(plan),
            None => {
                let plan = Arc::new(made(cx, self.bound.query.clone(), &self.source)?);
                *self.generic.lock() = Some(plan.clone());
                Ok(plan)
            }
        }
    }
}

fn made(cx: &mut ExecContext, query: bind::Query, source: &str) -> Result<PlannedStatement> {
    let backend = cx.backend()?;
    let catalog = backend.catalog.clone();
    let settings = plan::PlannerSettings::of(&backend.view);
    let context = plan::PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params: &[] };
    let mut planned = plan::plan(query, &context)?;
    planned.source = (planned.query_id != 0).then(|| source.into());
    Ok(planned)
}

/// The expression of a plan that is nothing else.
fn simple(planned: &PlannedStatement) -> Option<Expr> {
    let PlanNode::Result { input: None, exprs, one_time: None } = &planned.plan.node else { return None };
    let [one] = exprs.as_slice() else { return None };
    let odd = one.any(&mut |e| matches!(e.kind, ExprKind::SubPlan(_) | ExprKind::ExecParam(_)));
    (!odd).then(|| one.clone())
}

/// The variables an expression can name.
struct InReach<'a> {
    f: &'a Function,
    scope: usize,
    slots: &'a [Slot],
    hooks: &'a dyn TypeHooks,
    sources: RefCell<Vec<Source>>,
    shapes: RefCell<Vec<(usize, Option<Arc<Shape>>)>>,
}

impl InReach<'_> {
    fn param(&self, source: Source, ty: TypeRef) -> Expr {
        let mut sources = self.sources.borrow_mut();
        let n = sources.iter().position(|s| *s == source).unwrap_or_else(|| {
            sources.push(source);
            sources.len() - 1
        });
        Expr::new(ExprKind::Param(n), ty)
    }

    /// Remembers that the expression depends on a record's columns.
    fn shape(&self, var: usize) -> Option<Arc<Shape>> {
        let shape = self.slots.get(var).and_then(Slot::shape).cloned();
        let mut shapes = self.shapes.borrow_mut();
        if !shapes.iter().any(|(v, _)| *v == var) {
            shapes.push((var, shape.clone()));
        }
        shape
    }

    fn field(&self, var: usize, field: &str) -> Result<Expr> {
        let name = &self.f.vars[var].name;
        let Some(shape) = self.shape(var) else {
            return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "record \"{name}\" is not assigned yet")
                .detail("The tuple structure of a not-yet-assigned record is indeterminate."));
        };
        match shape.names.iter().position(|n| n == field) {
            Some(at) => Ok(self.param(Source::Field(var, at), shape.types[at])),
            None => Err(err!(UNDEFINED_COLUMN, "record \"{name}\" has no field \"{field}\"")),
        }
    }

    /// A variable, or a record's field, as a value to change.
    fn whole(&self, var: usize, field: Option<&str>) -> Result<Expr> {
        match (&self.f.vars[var].kind, field) {
            (VarKind::Scalar(ty), _) => Ok(self.param(Source::Var(var), *ty)),
            (VarKind::Record(_), Some(field)) => self.field(var, field),
            (VarKind::Record(ty), None) => Ok(self.param(Source::Row(var), *ty)),
            (VarKind::Row(_), _) => Err(Error::internal("a row that has no name")),
        }
    }
}

impl Variables for InReach<'_> {
    fn find(&self, parts: &[String]) -> Result<Option<Expr>> {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let Some((var, used)) = lookup(self.f, self.scope, &parts) else { return Ok(None) };
        let rest = &parts[used..];
        Ok(match (&self.f.vars[var].kind, rest) {
            (VarKind::Scalar(ty), []) => Some(self.param(Source::Var(var), *ty)),
            (VarKind::Record(ty), []) => {
                self.shape(var);
                Some(self.param(Source::Row(var), *ty))
            }
            (VarKind::Record(_), [field]) => Some(self.field(var, field)?),
            (VarKind::Record(_), [field, inner]) => {
                let e = self.field(var, field)?;
                crate::sql::routine::body::field_of(self.hooks, e, inner)
            }
            _ => None,
        })
    }

    fn fields(&self, parts: &[String]) -> Option<Vec<(String, Expr)>> {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (var, used) = lookup(self.f, self.scope, &parts)?;
        if used != parts.len() || !matches!(self.f.vars[var].kind, VarKind::Record(_)) {
            return None;
        }
        let shape = self.shape(var)?;
        let one =
            |(n, (name, ty)): (usize, (&String, &TypeRef))| (name.clone(), self.param(Source::Field(var, n), *ty));
        Some(shape.names.iter().zip(&shape.types).enumerate().map(one).collect())
    }

    fn conflict(&self) -> Conflict {
        self.f.conflict
    }
}
