//! Aggregates of users: a state value for each group, brought on by functions.
//!
//! PostgreSQL 15, nodeAgg.c, advance_transition_function and finalize_aggregate: same rules for NULL.

use super::{ExecContext, phys_of};
use crate::base::{Error, Flow, Result, Stop, Wait};
use crate::sql::expr::eval::call_once;
use crate::sql::func::aggregate::{self, AggregateCall, Aggregator, Groups};
use crate::sql::func::{CallTypes, FuncDef, FuncImpl, polymorphic};
use crate::sql::routine::{self, Invocation};
use crate::types::{Column, Datum, TypeRef, Value};
use std::sync::Arc;

/// A function with the types of the calls.
struct Step {
    def: &'static FuncDef,
    types: Arc<CallTypes>,
}

/// How a user's aggregate works on arguments of certain types.
pub(super) struct UserAggregate {
    transition: Step,
    finish: Option<Step>,
    /// The final function gets NULLs for the arguments, too.
    extra: usize,
    initial: Value,
}

impl UserAggregate {
    /// None: the states are built in. `word`: what it is to messages.
    pub fn of(cx: &mut ExecContext, call: &AggregateCall<'_>, word: &str) -> Result<Option<Arc<UserAggregate>>> {
        if !matches!(call.func.imp, FuncImpl::Routine) {
            return Ok(None);
        }
        let record = routine::record(cx, call.func.oid)?;
        let f = routine::function(&record)?;
        let Some(a) = &f.aggregate else { return Err(Error::internal("an aggregate without states")) };
        // The aggregate is called by who asks, its functions by its owner.
        let user = cx.backend()?.user.current;
        routine::check_execute_as(cx, f, user, word)?;
        if a.same_as.is_valid() {
            return Ok(None);
        }
        for part in [a.transition, a.finish] {
            if routine::any(cx, part).is_ok_and(|d| matches!(d.imp, FuncImpl::Routine)) {
                let record = routine::record(cx, part)?;
                routine::check_execute_as(cx, routine::function(&record)?, f.owner, "function")?;
            }
        }
        let state = TypeRef::of(polymorphic::actual(a.state, call.func.args, call.args));
        let step = |cx: &mut ExecContext, oid, args: Vec<TypeRef>, ret: TypeRef| -> Result<Step> {
            let def = routine::any(cx, oid)?;
            Ok(Step { def, types: Arc::new(CallTypes { args, ret, variadic: false }) })
        };
        let with_args = || std::iter::once(state).chain(call.args.iter().copied()).collect::<Vec<_>>();
        let transition = step(cx, a.transition, with_args(), state)?;
        let finish = match a.finish.is_valid() {
            true => {
                let args = if a.finish_extra { with_args() } else { vec![state] };
                Some(step(cx, a.finish, args, call.ret)?)
            }
            false => None,
        };
        let initial = match &a.initial {
            Some(text) => crate::types::text_in(state, text, &cx.fx.io)?,
            None => Value::Null,
        };
        let extra = if a.finish_extra { call.args.len() } else { 0 };
        Ok(Some(Arc::new(UserAggregate { transition, finish, extra, initial })))
    }
}

impl Step {
    fn call(&self, cx: &mut ExecContext, args: Vec<Value>) -> Result<Value> {
        if self.def.strict && args.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        if matches!(self.def.imp, FuncImpl::Routine) {
            let mut call = Invocation::start_allowed(cx, self.def, args, Some(&self.types), None)?;
            return patiently(cx, &mut call);
        }
        let mut out = Column::new(phys_of(self.types.ret));
        let data: Vec<Datum<'_>> = args.iter().map(Value::datum).collect();
        cx.fx.in_aggregate = true;
        let done = call_once(cx, self.def, &data, Some(self.types.clone()), &mut out);
        cx.fx.in_aggregate = false;
        done?;
        Ok(out.get(0).to_value())
    }
}

/// Runs a call to its end: states are fed whole columns, where nobody can be left in the middle.
fn patiently(cx: &mut ExecContext, call: &mut Invocation) -> Result<Value> {
    let budget = std::mem::take(&mut cx.budget);
    let mut waits = false;
    let done = super::patiently(cx, |cx| -> Flow<Value> {
        let done = call.value(cx);
        waits |= matches!(&done, Err(Stop::Wait(w)) if !matches!(**w, Wait::Flush(_)));
        match waits {
            true => Err(Error::unsupported("waiting for another transaction inside an aggregate's function").into()),
            false => done,
        }
    });
    cx.budget = budget;
    done
}

/// A group's state; `fresh`: the first row's argument becomes it.
#[derive(Clone)]
pub(super) struct State {
    value: Value,
    fresh: bool,
}

/// The states of one aggregate call, of either kind.
pub(super) enum States {
    Known(Box<dyn Aggregator>),
    User(Arc<UserAggregate>, Vec<State>),
}

impl States {
    pub fn open(user: Option<&Arc<UserAggregate>>, call: &AggregateCall<'_>) -> Result<States> {
        Ok(match user {
            Some(user) => States::User(user.clone(), Vec::new()),
            None => States::Known(aggregate::open(&AggregateCall { func: call.func.known_states(), ..*call })?),
        })
    }

    pub fn resize(&mut self, groups: usize) {
        match self {
            States::Known(a) => a.resize(groups),
            States::User(user, states) => {
                states.resize(groups, State { value: user.initial.clone(), fresh: user.initial.is_null() });
            }
        }
    }

    pub fn add(&mut self, cx: &mut ExecContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        let (user, states) = match self {
            States::Known(a) => return a.add(&mut cx.fx, args, groups),
            States::User(user, states) => (user, states),
        };
        let strict = user.transition.def.strict;
        for row in 0..groups.rows() {
            if row.is_multiple_of(64) {
                cx.interrupts.check()?;
            }
            if strict && args.iter().any(|c| c.is_null(row)) {
                continue;
            }
            let state = &mut states[groups.of(row)];
            let fresh = std::mem::replace(&mut state.fresh, false);
            if let (true, true, Some(first)) = (strict, fresh, args.first()) {
                state.value = first.get(row).to_value();
                continue;
            }
            let mut given = vec![std::mem::replace(&mut state.value, Value::Null)];
            given.extend(args.iter().map(|c| c.get(row).to_value()));
            state.value = user.transition.call(cx, given)?;
        }
        Ok(())
    }

    pub fn finish(&self, cx: &mut ExecContext, group: usize, out: &mut Column) -> Result<()> {
        let (user, states) = match self {
            States::Known(a) => return a.finish(&mut cx.fx, group, out),
            States::User(user, states) => (user, states),
        };
        let state = states[group].value.clone();
        let value = match &user.finish {
            None => state,
            Some(step) => {
                let mut given = vec![state];
                given.resize(1 + user.extra, Value::Null);
                step.call(cx, given)?
            }
        };
        out.push(value.datum());
        Ok(())
    }

    pub fn remove(&mut self, cx: &mut ExecContext, args: &[&Column], row: usize) -> Result<bool> {
        match self {
            States::Known(a) => a.remove(&mut cx.fx, args, row),
            States::User(..) => Ok(false),
        }
    }

    /// Memory held beyond a few words per group.
    pub fn bytes(&self) -> usize {
        match self {
            States::Known(a) => a.bytes(),
            States::User(_, states) => states.iter().map(|s| size(&s.value)).sum(),
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Bytes(b) => b.len() + 32,
        _ => 32,
    }
}
