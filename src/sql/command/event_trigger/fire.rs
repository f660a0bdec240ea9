//! A command with its events around it: `ddl_command_start`, what it does, `sql_drop` if anything was dropped,
//! `ddl_command_end`.
//!
//! A command inside a routine has events of its own. The parts of one command (the elements of CREATE SCHEMA) have none:
//! they are told of with the whole.

use super::collect::{self, Dropped};
use super::{all, tags};
use crate::base::{Flow, Result, Stop};
use crate::catalog::{EventTrigger, ObjectKey};
use crate::sql::ast::{GrantTarget, ObjectType, Stmt};
use crate::sql::command::{Command, Outcome, perform};
use crate::sql::exec::ExecContext;
use crate::sql::exec::event::Event;
use crate::sql::exec::user_trigger::is_enabled;
use crate::sql::routine::Invocation;
use std::collections::VecDeque;
use std::sync::Arc;

/// How far a command with events is.
pub struct Events {
    tag: &'static str,
    phase: Phase,
    /// Triggers still to be fired in this phase.
    queue: Option<VecDeque<EventTrigger>>,
    running: Option<Box<Invocation>>,
    event: Arc<Event>,
    outcome: Option<Outcome>,
    /// What the command around noted until this one began.
    outer: (Vec<(ObjectKey, bool)>, bool, Option<Vec<Dropped>>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Start,
    Run,
    Dropped,
    End,
}

/// The command's tag as triggers see it, if it has events.
fn tag_of(stmt: &Stmt) -> Option<&'static str> {
    let shared = |o: ObjectType| {
        matches!(
            o,
            ObjectType::Database
                | ObjectType::Tablespace
                | ObjectType::Role
                | ObjectType::EventTrigger
                | ObjectType::Parameter
        )
    };
    match stmt {
        Stmt::Select(_) => return Some("SELECT INTO"),
        Stmt::Grant(g) => match &g.target {
            GrantTarget::Objects { object, .. } if shared(*object) => return None,
            _ => {}
        },
        Stmt::Comment(c) if shared(c.object) => return None,
        _ => {}
    }
    let tag = stmt.tag();
    tags::has_events(tag).filter(|has| *has).map(|_| tag)
}

/// Whether any trigger waits for an event of this command.
///
/// # Errors
/// XX000 where there is no session.
pub fn is_wanted(cmd: &Command, cx: &mut ExecContext) -> Result<bool> {
    if cmd.events.is_some() {
        return Ok(true);
    }
    if cmd.is_part || tag_of(&cmd.stmt).is_none() {
        return Ok(false);
    }
    let catalog = cx.backend()?.catalog.clone();
    Ok(all(&catalog).iter().any(|t| is_enabled(cx, t.enabled)))
}

/// Does a command, with its events.
///
/// # Errors
/// Those of the command and of the triggers' functions.
pub fn around(cmd: &mut Command, cx: &mut ExecContext) -> Flow<Outcome> {
    let mut events = match cmd.events.take() {
        Some(events) => events,
        None => Box::new(Events::begin(cmd, cx)?),
    };
    let done = events.go_on(cmd, cx);
    match done {
        Err(Stop::Wait(_) | Stop::Yield) => cmd.events = Some(events),
        _ => events.finish(cx)?,
    }
    done
}

impl Events {
    fn begin(cmd: &Command, cx: &mut ExecContext) -> Result<Events> {
        let tag = tag_of(&cmd.stmt).unwrap_or_default();
        let catalog = cx.backend()?.catalog.clone();
        let noting = catalog.notes_changes();
        let outer = (catalog.note_changes(Some(Vec::new())), noting, cx.dropped.replace(Vec::new()));
        let event = Arc::new(Event { tag, ..Event::default() });
        Ok(Events { tag, phase: Phase::Start, queue: None, running: None, event, outcome: None, outer })
    }

    fn go_on(&mut self, cmd: &mut Command, cx: &mut ExecContext) -> Flow<Outcome> {
        loop {
            match self.phase {
                Phase::Start => {
                    self.fire(cx, "ddl_command_start")?;
                    self.phase = Phase::Run;
                }
                Phase::Run => {
                    self.outcome = Some(perform(cmd, cx)?);
                    cx.backend()?.txn.next_command();
                    let catalog = cx.backend()?.catalog.clone();
                    let changes = catalog.note_changes(Some(Vec::new()));
                    let commands = collect::commands(cx, &cmd.stmt, self.tag, &changes)?;
                    let dropped = cx.dropped.replace(Vec::new()).unwrap_or_default();
                    let dropped = dropped.into_iter().map(Dropped::row).collect();
                    self.event = Arc::new(Event { name: "", tag: self.tag, commands, dropped });
                    self.phase = Phase::Dropped;
                }
                Phase::Dropped => {
                    if !self.event.dropped.is_empty() {
                        self.fire(cx, "sql_drop")?;
                    }
                    self.phase = Phase::End;
                }
                Phase::End => {
                    self.fire(cx, "ddl_command_end")?;
                    return self.outcome.take().ok_or_else(|| crate::base::Error::internal("a command twice").into());
                }
            }
        }
    }

    /// Fires the triggers of an event, by name.
    fn fire(&mut self, cx: &mut ExecContext, name: &'static str) -> Flow<()> {
        if self.queue.is_none() {
            // The command may have dropped some.
            let catalog = cx.backend()?.catalog.clone();
            let listens =
                |t: &EventTrigger| t.event == name && (t.tags.is_empty() || t.tags.iter().any(|x| x == self.tag));
            let queue = all(&catalog).into_iter().filter(|t| listens(t) && is_enabled(cx, t.enabled)).collect();
            self.queue = Some(queue);
            self.event = Arc::new(Event { name, ..Event::clone(&self.event) });
        }
        while let Some(next) = self.queue.as_ref().and_then(VecDeque::front) {
            if self.running.is_none() {
                cx.backend()?.txn.next_command();
                let function = next.function;
                self.running = Some(Box::new(Invocation::event(cx, function, name, self.tag)?));
            }
            let outer = cx.event.replace(self.event.clone());
            let done = match &mut self.running {
                Some(call) => call.value(cx).map(drop),
                None => Ok(()),
            };
            cx.event = outer;
            done?;
            self.running = None;
            if let Some(queue) = &mut self.queue {
                queue.pop_front();
            }
        }
        self.queue = None;
        Ok(())
    }

    /// Notes go on for the command around.
    fn finish(&mut self, cx: &mut ExecContext) -> Result<()> {
        let (changes, noting, dropped) = std::mem::take(&mut self.outer);
        cx.backend()?.catalog.note_changes(noting.then_some(changes));
        cx.dropped = dropped;
        Ok(())
    }
}
