//! Takes the process's reports to stderr or to the collector.

use super::chunk::{Destination, cut};
use super::syslog::Syslog;
use super::text::Style;
use super::{csv, json, level, library, text, time};
use crate::base::clock::now_us;
use crate::base::error::Report;
use crate::base::report::{self, Levels, Origin};
use crate::settings::{Global, Id, Lookup};
use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What the settings say of the log, kept ready.
struct Plan {
    levels: Levels,
    prefix: Arc<str>,
    zone: TimeZone,
    destinations: Vec<Destination>,
    syslog: Option<Syslog>,
}

impl Plan {
    fn of(settings: &Global) -> Plan {
        let words = settings.str(Id::LogDestination);
        let named = |name: &str| words.split(',').any(|w| w.trim().eq_ignore_ascii_case(name));
        let wanted = |d: &Destination| named(d.as_str());
        Plan {
            levels: level::levels_of(settings),
            prefix: settings.str(Id::LogLinePrefix),
            zone: time::zone(&settings.str(Id::LogTimezone)),
            destinations: Destination::ALL.into_iter().filter(wanted).collect(),
            syslog: named("syslog").then(|| Syslog::of(settings)),
        }
    }
}

struct StderrSink {
    settings: Arc<Global>,
}

static PLAN: std::sync::LazyLock<ArcSwap<Option<Plan>>> = std::sync::LazyLock::new(ArcSwap::default);
/// Whether descriptor 2 is the collector's pipe.
static COLLECTED: AtomicBool = AtomicBool::new(false);
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Sends this process's reports, and those of libraries, where the settings say. `origin` speaks for
/// threads that have none of their own; `collected`: descriptor 2 is the collector's pipe already.
/// Call [`reloaded`] after each reload of the settings.
pub fn install(settings: Arc<Global>, mut origin: Origin, collected: bool) {
    if origin.start_us == 0 {
        origin.start_us = now_us();
    }
    if origin.pid == 0 {
        origin.pid = std::process::id();
    }
    set_collected(collected);
    PLAN.store(Arc::new(Some(Plan::of(&settings))));
    report::set_process_origin(origin);
    report::install(Box::new(StderrSink { settings }));
    library::install();
}

/// The settings have changed.
pub fn reloaded(settings: &Global) {
    PLAN.store(Arc::new(Some(Plan::of(settings))));
}

/// Whether the server's own settings let a report of this severity pass.
pub fn wants(severity: crate::base::Severity) -> bool {
    (**PLAN.load()).as_ref().is_some_and(|plan| level::passes(severity, plan.levels.messages))
}

/// Whether descriptor 2 is now the collector's pipe.
pub fn set_collected(collected: bool) {
    COLLECTED.store(collected, Ordering::SeqCst);
}

impl report::Sink for StderrSink {
    fn log(&self, origin: &Origin, report: &Report) {
        let plan = PLAN.load();
        let fallback;
        let plan = match &**plan {
            Some(plan) => plan,
            None => {
                fallback = Plan::of(&self.settings);
                &fallback
            }
        };
        let levels = origin.levels.unwrap_or(plan.levels);
        if !level::passes(report.severity, levels.messages) {
            return;
        }
        let style = Style { prefix: &plan.prefix, zone: &plan.zone, levels, now_us: now_us() };
        if let Some(syslog) = &plan.syslog {
            syslog.send(report.severity, &text::format(origin, report, &style));
            if plan.destinations.is_empty() {
                return;
            }
        }
        if COLLECTED.load(Ordering::SeqCst) {
            send(origin, report, &style, &plan.destinations);
        } else {
            // Without a collector the other formats have no file: everything is text.
            write_stderr(text::format(origin, report, &style).as_bytes());
        }
    }
}

fn send(origin: &Origin, report: &Report, style: &Style<'_>, destinations: &[Destination]) {
    let message = (origin.line_no.fetch_add(1 << 32, Ordering::Relaxed) >> 32) as u32 + 1;
    for destination in destinations {
        let line = match destination {
            Destination::Stderr => text::format(origin, report, style),
            Destination::Csv => csv::format(origin, report, style, message),
            Destination::Json => json::format(origin, report, style, message),
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        for chunk in cut(line.as_bytes(), std::process::id(), number, *destination) {
            write_stderr(&chunk);
        }
    }
}

/// Writes all, or gives up: there is nowhere to complain.
fn write_stderr(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stderr(), bytes)) {
            Ok(n) if n > 0 => bytes = &bytes[n..],
            _ => return,
        }
    }
}
