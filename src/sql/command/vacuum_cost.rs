//! How much VACUUM and ANALYZE may do before they pause: the settings, and what a table says for autovacuum.

use crate::base::{Interrupts, Oid, Result};
use crate::buffer::pace::{Cost, Pace, Shared};
use crate::catalog::object::{ObjectKey, class};
use crate::settings::{Id, Lookup, View};
use crate::sql::exec::ExecContext;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The workers of autovacuum that divide one limit. They all have the same settings, so each has the same part.
///
/// PostgreSQL 15, autovacuum.c, autovac_balance_cost: same rule; tables with options of their own are left out.
static WORKERS: LazyLock<Arc<Shared>> = LazyLock::new(Arc::default);

fn millis(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms.max(0.0) / 1000.0).unwrap_or_default()
}

fn cost(view: &View, limit: i64, delay_ms: f64) -> Cost {
    let count = |id| u64::try_from(view.int(id)).unwrap_or_default();
    Cost {
        hit: count(Id::VacuumCostPageHit),
        miss: count(Id::VacuumCostPageMiss),
        dirty: count(Id::VacuumCostPageDirty),
        limit: u64::try_from(limit).unwrap_or(1),
        delay: millis(delay_ms),
    }
}

/// The pace of a session's own VACUUM or ANALYZE.
pub fn of_session(cx: &mut ExecContext) -> Result<Option<Pace>> {
    let interrupts = cx.interrupts.clone();
    let backend = cx.backend()?;
    let view = &backend.view;
    let cost = cost(view, view.int(Id::VacuumCostLimit), view.real(Id::VacuumCostDelay));
    Ok(Pace::new(cost, None, interrupts, backend.activity.clone()))
}

/// Autovacuum's pace in a table. PostgreSQL 15, autovacuum.c, table_recheck_autovac: same order of precedence.
pub fn of_worker(cx: &mut ExecContext, table: Oid, interrupts: Arc<Interrupts>) -> Result<Option<Pace>> {
    let backend = cx.backend()?;
    let record = backend.catalog.get(ObjectKey::new(class::RELATION, table));
    let options = record.as_ref().and_then(|r| r.object.as_class().ok()).map_or(&[][..], |c| &c.options);
    let own = |name: &str| options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok());
    let (own_limit, own_delay) = (own("autovacuum_vacuum_cost_limit"), own("autovacuum_vacuum_cost_delay"));
    let view = &backend.view;
    let first = |given: [f64; 2], least: f64, last: f64| given.into_iter().find(|n| *n >= least).unwrap_or(last);
    let delay = first(
        [own_delay.unwrap_or(-1.0), view.real(Id::AutovacuumVacuumCostDelay)],
        0.0,
        view.real(Id::VacuumCostDelay),
    );
    let limit = first(
        [own_limit.unwrap_or(0.0), view.int(Id::AutovacuumVacuumCostLimit) as f64],
        1.0,
        view.int(Id::VacuumCostLimit) as f64,
    );
    let alone = own_limit.is_some_and(|l| l > 0.0) || own_delay.is_some_and(|d| d > 0.0);
    let shared = (!alone).then(|| WORKERS.clone());
    Ok(Pace::new(cost(view, limit as i64, delay), shared, interrupts, backend.activity.clone()))
}
