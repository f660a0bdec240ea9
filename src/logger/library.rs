//! Events of libraries that use `tracing` go the way of all reports.

use crate::base::error::Report;
use crate::base::{Severity, SqlState, report};
use std::fmt::Write;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

struct ToLog;

/// Becomes the process's subscriber; later calls change nothing.
pub fn install() {
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(ToLog));
}

impl<S: Subscriber> Layer<S> for ToLog {
    /// TRACE never: nothing in PostgreSQL's levels is that loud. The rest is asked each time, since the
    /// settings may change.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if *metadata.level() > Level::DEBUG { Interest::never() } else { Interest::sometimes() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        super::sink::wants(severity(metadata.level()))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let message = format!("{}: {}{}", event.metadata().target(), text.message, text.fields);
        report::log(&Report::notice(severity(event.metadata().level()), SqlState::SUCCESSFUL_COMPLETION, message));
    }
}

/// A library's ERROR is a WARNING of ours: whoever called it decides what failed.
fn severity(level: &Level) -> Severity {
    match *level {
        Level::ERROR => Severity::Warning,
        Level::WARN => Severity::Debug1,
        Level::INFO => Severity::Debug2,
        _ => Severity::Debug3,
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
