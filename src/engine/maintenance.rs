//! What autovacuum calls: finding tables, vacuuming and analysing them in transactions of its own.

use crate::base::{Error, Interrupts, Oid, Result, Stop, Wait};
use crate::buffer::pace;
use crate::catalog::object::class;
use crate::catalog::{Persistence, RelKind};
use crate::heap::VacuumOptions;
use crate::settings::{Id, Lookup};
use crate::sql::command::{self, MaintenanceOptions};
use crate::sql::exec::ExecContext;
use crate::sql::{Backend, Instance};
use crate::stat::ActivityFacts;
use crate::worker::{Maintenance, TableFacts, Thresholds, Work};
use crate::xact::{Isolation, SyncCommit};
use std::sync::Arc;

/// Autovacuum over the engine's catalogs.
pub struct Autovacuum(pub Arc<Instance>);

fn option<T: std::str::FromStr>(options: &[String], name: &str) -> Option<T> {
    let value = options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('='))?;
    value.parse().ok()
}

impl Maintenance for Autovacuum {
    fn databases(&self) -> Vec<(Oid, bool)> {
        let all = self.0.cluster.global.all(class::DATABASE);
        all.iter().filter_map(|r| r.object.as_database().ok()).map(|d| (d.oid, d.allow_connections)).collect()
    }

    fn tables(&self, database: Oid) -> Result<Vec<TableFacts>> {
        let folder = self.0.cluster.folder(database)?;
        let next = self.0.storage.mvcc.next_xid().0;
        let mut found = Vec::new();
        for record in folder.all(class::RELATION) {
            let c = record.object.as_class()?;
            let wanted = matches!(c.kind, RelKind::Table | RelKind::MatView | RelKind::Toast);
            if !wanted || c.persistence == Persistence::Temp {
                continue;
            }
            let stats = folder.get(crate::catalog::ObjectKey::new(class::STATISTIC, c.oid));
            let frozen = command::frozen(c, stats.as_deref());
            let row_count = stats.and_then(|s| s.object.as_stats().ok().map(|s| s.tuples)).unwrap_or(-1.0);
            let o = &c.options;
            found.push(TableFacts {
                table: c.oid,
                is_toast: c.kind == RelKind::Toast,
                row_count,
                age: next - frozen.0.min(next),
                enabled: option(o, "autovacuum_enabled").unwrap_or(true),
                thresholds: Thresholds {
                    vacuum: option(o, "autovacuum_vacuum_threshold"),
                    vacuum_scale: option(o, "autovacuum_vacuum_scale_factor"),
                    vacuum_insert: option(o, "autovacuum_vacuum_insert_threshold"),
                    vacuum_insert_scale: option(o, "autovacuum_vacuum_insert_scale_factor"),
                    analyze: option(o, "autovacuum_analyze_threshold"),
                    analyze_scale: option(o, "autovacuum_analyze_scale_factor"),
                    freeze_max_age: option(o, "autovacuum_freeze_max_age"),
                },
            });
        }
        Ok(found)
    }

    fn is_untidy(&self, database: Oid) -> bool {
        let own = self.0.cluster.folder(database).is_ok_and(|f| f.is_untidy());
        own || self.0.cluster.global.is_untidy()
    }

    fn tidy(&self, database: Oid, interrupts: &Interrupts) -> Result<()> {
        command::tidy_catalogs(&self.0.cluster, database, interrupts)
    }

    fn maintain(&self, database: Oid, table: Oid, work: Work, interrupts: &Arc<Interrupts>) -> Result<()> {
        let pid = rustix::thread::gettid().as_raw_nonzero().get() as u32;
        let facts = ActivityFacts { pid, backend_type: "autovacuum worker", database, ..ActivityFacts::default() };
        let activity = Arc::new(self.0.activity.register(facts));
        let backend = Backend::for_worker(self.0.clone(), database, pid, activity)?;
        let options = MaintenanceOptions {
            vacuum: work.vacuum,
            analyze: work.analyze,
            verbose: false,
            full: false,
            skip_locked: true,
            auto: true,
            toast: true,
            freeze: false,
            wraparound: work.wraparound,
            parallel: false,
            heap: VacuumOptions {
                memory_bytes: backend.view.bytes(Id::MaintenanceWorkMem).max(1 << 20) as usize,
                ..VacuumOptions::default()
            },
        };
        let mut cx = ExecContext { backend: Some(Box::new(backend)), ..ExecContext::default() };
        let backend = cx.backend()?;
        backend.txn.begin(Isolation::ReadCommitted, false);
        let done = run(&mut cx, &options, table, interrupts);
        match done.and_then(|()| command::after_vacuum(&mut cx, false)) {
            Ok(()) => end(&mut cx),
            Err(e) => {
                let backend = cx.backend()?;
                let catalog = backend.catalog.clone();
                backend.txn.abort(&catalog);
                Err(e)
            }
        }
    }
}

/// Vacuums or analyses, passing on an interrupt that arrives.
fn run(cx: &mut ExecContext, options: &MaintenanceOptions, table: Oid, interrupts: &Arc<Interrupts>) -> Result<()> {
    let mut running = None;
    let mut pace = command::worker_pace(cx, table, interrupts.clone())?;
    loop {
        interrupts.check()?;
        // Short slices, so that an interrupt is seen soon.
        cx.budget.deadline = Some(std::time::Instant::now() + std::time::Duration::from_millis(20));
        match pace::during(&mut pace, || command::maintain_table(cx, options, table, &mut running)) {
            Ok(()) => return Ok(()),
            Err(Stop::Yield) => {}
            Err(Stop::Error(e)) => return Err(e),
            Err(Stop::Wait(what)) => match *what {
                Wait::Flush(lsn) => cx.backend()?.instance.storage.wal.flush(lsn),
                other => return Err(Error::internal(format!("autovacuum would have to wait for {other:?}"))),
            },
        }
    }
}

fn end(cx: &mut ExecContext) -> Result<()> {
    let backend = cx.backend()?;
    let catalog = backend.catalog.clone();
    loop {
        match backend.txn.commit(&catalog, SyncCommit::On) {
            Ok(()) => return Ok(()),
            Err(Stop::Wait(what)) => match *what {
                Wait::Flush(lsn) => backend.instance.storage.wal.flush(lsn),
                _ => std::thread::yield_now(),
            },
            Err(stop) => return Err(stop.into_error()),
        }
    }
}
