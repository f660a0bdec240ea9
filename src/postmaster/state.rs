//! The postmaster's states as one pure function: `step(state, event) -> actions`.
//!
//! | phase | entered by | left by |
//! |---|---|---|
//! | Startup | spawning an engine | Redo → Recovery, Ready → Run, its end |
//! | Recovery | the engine replays its log | Ready → Run, its end |
//! | Run | Ready | the engine's end |
//! | Over | an `Exit` action | – |
//!
//! Across them: the heaviest stop requested so far, and whether the engine before this one crashed
//! and nothing has been replayed since (`crashed`).
//!
//! PostgreSQL 15, postmaster.c, pmdie, reaper, HandleChildCrash, PostmasterStateMachine: same texts
//! and decisions. Departs in that one process stands for all children, so the states in which
//! PostgreSQL waits for some of them do not exist.

use crate::process::message::{EngineState, StopMode};
use crate::process::outcome::Outcome;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Startup,
    Recovery,
    Run,
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State {
    pub phase: Phase,
    pub stop: Option<StopMode>,
    pub crashed: bool,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A running engine was taken over in this state, with so many sessions.
    Adopted {
        engine: EngineState,
        pid: u32,
        sessions: usize,
    },
    Reported(EngineState),
    /// The engine is gone. `who` and `pid` name the victim if it could still tell.
    Died {
        outcome: Outcome,
        who: Option<String>,
        pid: u32,
        statement: Option<String>,
        shut_down: bool,
    },
    Requested(StopMode),
    /// `postmaster.pid` is gone or not ours; why.
    LockFileLost(String),
    /// Five seconds passed since the engine was told to go at once.
    KillDelayOver,
}

/// What to do, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    Log(String),
    /// With a DETAIL.
    LogDetail(String, String),
    /// The status in line 8 of `postmaster.pid`.
    PidFile(&'static str),
    TellEngine(StopMode),
    /// Warns the established sessions of a crash and ends all of them.
    WarnSessions,
    /// Ends all sessions the engine left behind without a word.
    CloseSessions,
    SpawnEngine,
    ArmKill,
    KillEngine,
    /// Exit with this code, after removing the pid file and the sockets.
    Exit(u8),
}

/// What to do with a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    HandOver,
    StartingUp,
    NotYetAccepting,
    InRecovery,
    ShuttingDown,
}

/// What a decision depends on besides state and event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    pub restart_after_crash: bool,
}

impl Default for State {
    fn default() -> State {
        State { phase: Phase::Startup, stop: None, crashed: false }
    }
}

impl State {
    /// PostgreSQL 15, postmaster.c, canAcceptConnections: same decisions.
    pub fn admission(&self) -> Admission {
        match (self.stop, self.phase) {
            (Some(_), _) | (None, Phase::Over) => Admission::ShuttingDown,
            (None, Phase::Run) => Admission::HandOver,
            (None, _) if self.crashed => Admission::InRecovery,
            (None, Phase::Startup) => Admission::StartingUp,
            (None, Phase::Recovery) => Admission::NotYetAccepting,
        }
    }

    /// Moves on, and says what to do.
    pub fn step(&mut self, event: Event, policy: Policy) -> Vec<Action> {
        if self.phase == Phase::Over {
            return Vec::new();
        }
        match event {
            Event::Adopted { engine, pid, sessions } => self.adopted(engine, pid, sessions),
            Event::Reported(state) => self.reported(state),
            Event::Requested(mode) => self.requested(mode),
            Event::LockFileLost(why) => self.lock_file_lost(why),
            Event::KillDelayOver => vec![log("issuing SIGKILL to recalcitrant children"), Action::KillEngine],
            Event::Died { outcome, who, pid, statement, shut_down } => match self.phase {
                Phase::Startup | Phase::Recovery => self.died_in_startup(outcome, pid, shut_down),
                _ => self.died_in_service(outcome, who, pid, statement, shut_down, policy),
            },
        }
    }

    fn adopted(&mut self, engine: EngineState, pid: u32, sessions: usize) -> Vec<Action> {
        let plural = if sessions == 1 { "" } else { "s" };
        let mut actions = vec![log(&format!("adopted {sessions} session{plural} of the running engine (PID {pid})"))];
        actions.extend(self.reported(engine));
        actions
    }

    fn reported(&mut self, engine: EngineState) -> Vec<Action> {
        match engine {
            EngineState::Redo if self.phase == Phase::Startup => {
                self.phase = Phase::Recovery;
                self.crashed = false;
                Vec::new()
            }
            EngineState::Ready if self.phase != Phase::Run => {
                self.phase = Phase::Run;
                self.crashed = false;
                match self.stop {
                    None => vec![Action::PidFile("ready   "), log("database system is ready to accept connections")],
                    Some(mode) => vec![Action::TellEngine(mode)],
                }
            }
            _ => Vec::new(),
        }
    }

    fn requested(&mut self, mode: StopMode) -> Vec<Action> {
        if self.stop >= Some(mode) {
            return Vec::new();
        }
        self.stop = Some(mode);
        let word = match mode {
            StopMode::Smart => "smart",
            StopMode::Fast => "fast",
            StopMode::Immediate => "immediate",
        };
        let mut actions = vec![log(&format!("received {word} shutdown request")), Action::PidFile("stopping")];
        if mode == StopMode::Fast && self.phase == Phase::Run {
            actions.push(log("aborting any active transactions"));
        }
        actions.push(Action::TellEngine(mode));
        if mode == StopMode::Immediate {
            actions.push(Action::ArmKill);
        }
        actions
    }

    fn lock_file_lost(&mut self, why: String) -> Vec<Action> {
        if self.stop == Some(StopMode::Immediate) {
            return Vec::new();
        }
        let mut actions =
            vec![log(&why), log("performing immediate shutdown because data directory lock file is invalid")];
        actions.extend(self.requested(StopMode::Immediate));
        actions
    }

    fn died_in_startup(&mut self, outcome: Outcome, pid: u32, shut_down: bool) -> Vec<Action> {
        let asked = self.stop == Some(StopMode::Immediate)
            || self.stop.is_some() && (shut_down || matches!(outcome, Outcome::Exited(0 | 1)));
        if asked {
            return self.over(vec![Action::CloseSessions], 0);
        }
        let mut actions = vec![Action::WarnSessions, log(&format!("startup process (PID {pid}) {outcome}"))];
        if self.phase == Phase::Startup {
            actions.push(log("aborting startup due to startup process failure"));
        } else {
            actions.push(log("terminating any other active server processes"));
            actions.push(log("shutting down due to startup process failure"));
        }
        self.over(actions, 1)
    }

    fn died_in_service(
        &mut self,
        outcome: Outcome,
        who: Option<String>,
        pid: u32,
        statement: Option<String>,
        shut_down: bool,
        policy: Policy,
    ) -> Vec<Action> {
        if self.stop == Some(StopMode::Immediate) || self.stop.is_some() && shut_down {
            return self.over(vec![Action::CloseSessions], 0);
        }
        let line = format!("{} (PID {pid}) {outcome}", who.as_deref().unwrap_or("server process"));
        let mut actions = vec![Action::WarnSessions];
        actions.push(match statement {
            Some(text) => Action::LogDetail(line, format!("Failed process was running: {text}")),
            None => log(&line),
        });
        actions.push(log("terminating any other active server processes"));
        if self.stop.is_some() {
            actions.push(log("abnormal database system shutdown"));
            return self.over(actions, 1);
        }
        if !policy.restart_after_crash {
            actions.push(log("shutting down because restart_after_crash is off"));
            return self.over(actions, 1);
        }
        actions.push(log("all server processes terminated; reinitializing"));
        actions.push(Action::SpawnEngine);
        self.phase = Phase::Startup;
        self.crashed = true;
        actions
    }

    fn over(&mut self, mut actions: Vec<Action>, code: u8) -> Vec<Action> {
        self.phase = Phase::Over;
        actions.push(log("database system is shut down"));
        actions.push(Action::Exit(code));
        actions
    }
}

fn log(text: &str) -> Action {
    Action::Log(text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::*;
    use StopMode::*;

    const ON: Policy = Policy { restart_after_crash: true };
    const OFF: Policy = Policy { restart_after_crash: false };

    fn killed() -> Event {
        died(Outcome::Signaled(9), false)
    }

    fn died(outcome: Outcome, shut_down: bool) -> Event {
        Event::Died { outcome, who: None, pid: 7, statement: None, shut_down }
    }

    /// The log lines among the actions, in order.
    fn lines(actions: &[Action]) -> Vec<&str> {
        let line = |a: &'_ Action| match a {
            Log(text) | LogDetail(text, _) => Some(text.clone()),
            _ => None,
        };
        actions
            .iter()
            .filter(|a| line(a).is_some())
            .map(|a| match a {
                Log(t) | LogDetail(t, _) => t.as_str(),
                _ => "",
            })
            .collect()
    }

    fn running() -> State {
        let mut s = State::default();
        let _ = s.step(Event::Reported(EngineState::Ready), ON);
        assert_eq!(s, State { phase: Phase::Run, stop: None, crashed: false });
        s
    }

    /// A start goes through the phases with the answers PostgreSQL gives in each.
    #[test]
    fn start_and_answers_by_phase() {
        let mut s = State::default();
        assert_eq!(s.admission(), Admission::StartingUp);
        assert_eq!(s.step(Event::Reported(EngineState::Redo), ON), []);
        assert_eq!(s.admission(), Admission::NotYetAccepting);
        let ready = s.step(Event::Reported(EngineState::Ready), ON);
        assert_eq!(ready, [PidFile("ready   "), log("database system is ready to accept connections")]);
        assert_eq!(s.admission(), Admission::HandOver);
        let _ = s.step(killed(), ON);
        assert_eq!(s.admission(), Admission::InRecovery);
        let _ = s.step(Event::Reported(EngineState::Redo), ON);
        assert_eq!(s.admission(), Admission::NotYetAccepting);
        let _ = s.step(Event::Requested(Smart), ON);
        assert_eq!(s.admission(), Admission::ShuttingDown);
    }

    /// Lighter or equal requests are ignored without a line; heavier ones take over.
    #[test]
    fn stops_escalate_only_upwards() {
        let mut s = running();
        let smart = s.step(Event::Requested(Smart), ON);
        assert_eq!(smart, [log("received smart shutdown request"), PidFile("stopping"), TellEngine(Smart)]);
        assert_eq!(s.step(Event::Requested(Smart), ON), []);
        let fast = s.step(Event::Requested(Fast), ON);
        assert_eq!(lines(&fast), ["received fast shutdown request", "aborting any active transactions"]);
        assert!(fast.contains(&TellEngine(Fast)));
        assert_eq!(s.step(Event::Requested(Smart), ON), []);
        let immediate = s.step(Event::Requested(Immediate), ON);
        assert_eq!(lines(&immediate), ["received immediate shutdown request"]);
        assert!(immediate.contains(&ArmKill));
        assert_eq!(s.step(Event::KillDelayOver, ON), [log("issuing SIGKILL to recalcitrant children"), KillEngine]);
        assert_eq!(s.step(killed(), ON), [CloseSessions, log("database system is shut down"), Exit(0)]);
        assert_eq!(s.step(Event::Requested(Fast), ON), []);
    }

    /// A clean end after smart or fast exits with 0.
    #[test]
    fn clean_stops_exit_with_zero() {
        for mode in [Smart, Fast] {
            let mut s = running();
            let _ = s.step(Event::Requested(mode), ON);
            let end = s.step(died(Outcome::Exited(0), true), ON);
            assert_eq!(end, [CloseSessions, log("database system is shut down"), Exit(0)]);
        }
    }

    /// A crash warns, logs in PostgreSQL's order and starts a new engine.
    #[test]
    fn a_crash_restarts() {
        let mut s = running();
        let victim = Event::Died {
            outcome: Outcome::Signaled(6),
            who: Some("server process".into()),
            pid: 4_194_305,
            statement: Some("select 1".into()),
            shut_down: false,
        };
        assert_eq!(
            s.step(victim, ON),
            [
                WarnSessions,
                LogDetail(
                    "server process (PID 4194305) was terminated by signal 6: Aborted".into(),
                    "Failed process was running: select 1".into()
                ),
                log("terminating any other active server processes"),
                log("all server processes terminated; reinitializing"),
                SpawnEngine
            ]
        );
        assert_eq!(s, State { phase: Phase::Startup, stop: None, crashed: true });
    }

    /// With restart_after_crash off, or with a stop pending, a crash ends the postmaster with 1.
    #[test]
    fn crashes_that_end_the_postmaster() {
        let end = running().step(killed(), OFF);
        assert_eq!(
            lines(&end)[1..],
            [
                "terminating any other active server processes",
                "shutting down because restart_after_crash is off",
                "database system is shut down"
            ]
        );
        assert_eq!(end.last(), Some(&Exit(1)));
        let mut s = running();
        let _ = s.step(Event::Requested(Fast), ON);
        let end = s.step(killed(), ON);
        assert_eq!(
            lines(&end)[1..],
            [
                "terminating any other active server processes",
                "abnormal database system shutdown",
                "database system is shut down"
            ]
        );
        assert_eq!(end.last(), Some(&Exit(1)));
    }

    /// An engine that ends before it serves is not tried again, with one text before redo and
    /// another within; the same holds for the restart after a crash.
    #[test]
    fn startup_failures_are_final() {
        let end = State::default().step(died(Outcome::Exited(1), false), ON);
        assert_eq!(
            lines(&end),
            [
                "startup process (PID 7) exited with exit code 1",
                "aborting startup due to startup process failure",
                "database system is shut down"
            ]
        );
        let mut s = running();
        let _ = s.step(killed(), ON);
        let _ = s.step(Event::Reported(EngineState::Redo), ON);
        let end = s.step(killed(), ON);
        assert_eq!(
            lines(&end),
            [
                "startup process (PID 7) was terminated by signal 9: Killed",
                "terminating any other active server processes",
                "shutting down due to startup process failure",
                "database system is shut down"
            ]
        );
        assert_eq!(end.last(), Some(&Exit(1)));
    }

    /// A stop during recovery that the engine obeys with code 1 is a clean end of the postmaster.
    #[test]
    fn stop_during_recovery() {
        let mut s = State::default();
        let _ = s.step(Event::Reported(EngineState::Redo), ON);
        let fast = s.step(Event::Requested(Fast), ON);
        assert_eq!(lines(&fast), ["received fast shutdown request"]);
        let end = s.step(died(Outcome::Exited(1), false), ON);
        assert_eq!(end.last(), Some(&Exit(0)));
    }

    /// A stop that arrives just before Ready is repeated to the engine then.
    #[test]
    fn ready_after_a_stop_was_requested() {
        let mut s = State::default();
        let _ = s.step(Event::Requested(Fast), ON);
        assert_eq!(s.step(Event::Reported(EngineState::Ready), ON), [TellEngine(Fast)]);
        assert_eq!(s.admission(), Admission::ShuttingDown);
    }

    /// The loss of the pid file is an immediate shutdown with two lines before it, once.
    #[test]
    fn a_lost_lock_file_ends_it() {
        let mut s = running();
        let why = "could not open file \"postmaster.pid\": No such file or directory";
        let actions = s.step(Event::LockFileLost(why.into()), ON);
        assert_eq!(
            lines(&actions),
            [
                why,
                "performing immediate shutdown because data directory lock file is invalid",
                "received immediate shutdown request"
            ]
        );
        assert_eq!(s.step(Event::LockFileLost(why.into()), ON), []);
    }

    /// Adoption takes the engine's state as its own, also that of a recovering one.
    #[test]
    fn adoption_takes_the_state_over() {
        let mut s = State::default();
        let adopted = Event::Adopted { engine: EngineState::Ready, pid: 9, sessions: 1 };
        assert_eq!(
            lines(&s.step(adopted, ON)),
            ["adopted 1 session of the running engine (PID 9)", "database system is ready to accept connections"]
        );
        assert_eq!(s.phase, Phase::Run);
        let mut s = State::default();
        let _ = s.step(Event::Adopted { engine: EngineState::Redo, pid: 9, sessions: 0 }, ON);
        assert_eq!(s.admission(), Admission::NotYetAccepting);
    }
}
