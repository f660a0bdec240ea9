//! Who does what at the moment: `pg_stat_activity`, `pg_stat_ssl`, `pg_stat_gssapi`, `pg_locks`, `pg_prepared_xacts`.

use super::cell::{NULL, Stamp};
use super::listing::role_name;
use super::{Sink, View, row};
use crate::base::{Flow, Oid, Result};
use crate::catalog::object::fixed;
use crate::lock::{LockMode, LockRow, LockTag};
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::Subject;
use crate::stat::{ActivityFacts, TlsFacts};
use crate::twophase::is_prepared_owner;
use crate::types::Value;
use crate::types::inet::Inet;
use crate::types::numeric::Numeric;
use std::collections::HashSet;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_stat_activity", rows: activity },
    View { name: "pg_stat_ssl", rows: ssl },
    View { name: "pg_stat_gssapi", rows: gssapi },
    View { name: "pg_locks", rows: locks },
    View { name: "pg_prepared_xacts", rows: prepared },
];

/// What the current role may see of others' sessions.
pub(crate) struct Sight {
    all: bool,
    subject: Subject,
}

impl Sight {
    pub fn of(cx: &mut ExecContext) -> Result<Sight> {
        let subject = crate::sql::exec::rights::subject(cx.backend()?);
        Ok(Sight { all: subject.has_role(fixed::PG_READ_ALL_STATS), subject })
    }

    pub fn sees(&self, user: Oid) -> bool {
        self.all || self.subject.has_role(user)
    }
}

/// An object id, NULL for none.
pub(crate) fn some(oid: Oid) -> Option<Oid> {
    oid.is_valid().then_some(oid)
}

pub(crate) fn address(f: &ActivityFacts) -> Value {
    match f.client_addr {
        Some(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            Value::Bytes(Inet { address, bits }.to_bytes().into())
        }
        None => NULL,
    }
}

/// The columns of `pg_stat_activity`; PostgreSQL 15, pgstatfuncs.c, pg_stat_get_activity: same rule for what is hidden.
fn push_activity(sink: &mut Sink, f: &ActivityFacts, sees: bool) {
    let (database, user) = (f.database_name.clone(), f.user_name.clone());
    if !sees {
        row![sink;
            some(f.database), database, f.pid, NULL, some(f.user), user, &*f.application, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "<insufficient privilege>", f.backend_type,
        ];
        return;
    }
    let disabled = f.state == crate::stat::SessionState::Disabled;
    row![sink;
        some(f.database), database, f.pid, NULL, some(f.user), user, &*f.application, address(f), NULL,
        f.client_port, Stamp(f.backend_start_us), Stamp(f.xact_start_us), Stamp(f.query_start_us),
        Stamp(f.state_change_us), f.wait_event.map(|e| e.0), f.wait_event.map(|e| e.1), f.state.as_str(),
        f.xid.map(|x| x.0), f.xmin.map(|x| x.0), f.query_id(), if disabled { "" } else { f.query.as_str() },
        f.backend_type,
    ];
}

/// All sessions and workers. A running transaction's id is known by the lock it has on it.
pub(crate) fn sessions(cx: &mut ExecContext) -> Result<Vec<ActivityFacts>> {
    let instance = cx.backend()?.instance.clone();
    let mut all = instance.activity.list();
    for (pid, xmin) in instance.storage.mvcc.readers() {
        if let Some(f) = all.iter_mut().find(|f| f.pid == pid) {
            f.xmin = Some(xmin);
        }
    }
    for lock in instance.storage.locks.rows() {
        if let (LockTag::Xact(xid), true, LockMode::Exclusive) = (lock.tag, lock.granted, lock.mode)
            && let Some(f) = all.iter_mut().find(|f| f.pid == lock.owner)
        {
            // Savepoints have ids of their own; the first is the transaction's.
            f.xid = Some(f.xid.map_or(xid, |x| x.min(xid)));
        }
    }
    Ok(all)
}

fn activity(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let sight = Sight::of(cx)?;
    for f in sessions(cx)? {
        push_activity(sink, &f, sight.sees(f.user));
    }
    Ok(())
}

fn ssl(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for f in cx.backend()?.instance.activity.list().iter().filter(|f| f.client_port.is_some()) {
        match f.tls.as_deref() {
            None => row![sink; f.pid, false, NULL, NULL, NULL, NULL, NULL, NULL],
            Some(t) => row![sink;
                f.pid, true, t.version, t.cipher.clone(), t.bits, t.client_dn.clone(), serial(t), t.issuer_dn.clone()
            ],
        }
    }
    Ok(())
}

fn gssapi(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for f in cx.backend()?.instance.activity.list().iter().filter(|f| f.client_port.is_some()) {
        row![sink; f.pid, false, NULL, false];
    }
    Ok(())
}

/// The columns of `pg_locks` that tell what is locked.
#[derive(Default)]
struct Target {
    database: Option<Oid>,
    relation: Option<Oid>,
    page: Option<u32>,
    tuple: Option<u16>,
    virtual_id: Option<String>,
    xid: Option<u64>,
    class: Option<Oid>,
    object: Option<Oid>,
    sub: Option<i32>,
}

fn target(tag: &LockTag) -> Target {
    match *tag {
        LockTag::Relation { db, rel } => Target { database: Some(db), relation: Some(rel), ..Target::default() },
        LockTag::Xact(xid) => Target { xid: Some(xid.0), ..Target::default() },
        LockTag::Tuple { db, rel, tid } => Target {
            database: Some(db),
            relation: Some(rel),
            page: Some(tid.block),
            tuple: Some(tid.offset),
            ..Target::default()
        },
        LockTag::Object { db, class, oid } => {
            Target { database: Some(db), class: Some(class), object: Some(oid), sub: Some(0), ..Target::default() }
        }
        LockTag::Page { db, rel, block } => {
            Target { database: Some(db), relation: Some(rel), page: Some(block), ..Target::default() }
        }
        LockTag::Advisory { db, high, low, split } => Target {
            database: Some(db),
            class: Some(Oid(high)),
            object: Some(Oid(low)),
            sub: Some(if split { 2 } else { 1 }),
            ..Target::default()
        },
        LockTag::Virtual { pid, number } => Target { virtual_id: Some(format!("{pid}/{number}")), ..Target::default() },
    }
}

/// Whether PostgreSQL would have the lock noted with its holder alone: `fastpath` (lock.c, EligibleForRelationFastPath).
fn is_light(l: &LockRow, strong: &HashSet<&LockTag>) -> bool {
    let weak = matches!(l.mode, LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive);
    let of_database = matches!(l.tag, LockTag::Relation { db, .. } if db.is_valid());
    of_database && l.granted && weak && !is_prepared_owner(l.owner) && !strong.contains(&l.tag)
}

fn locks(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let instance = cx.backend()?.instance.clone();
    let sessions = instance.activity.list();
    let prepared = instance.storage.twophase.list();
    let virtual_transaction = |pid: u32| {
        if let Some(p) = prepared.iter().find(|p| p.owner == pid) {
            return p.virtual_id.clone();
        }
        let running = sessions.iter().find(|f| f.pid == pid).and_then(|f| f.running.as_ref());
        running.map_or_else(|| format!("{pid}/0"), |r| r.virtual_id(pid))
    };
    for f in sessions.iter().filter(|f| f.xact_start_us != 0) {
        let own = virtual_transaction(f.pid);
        row![sink;
            "virtualxid", NULL, NULL, NULL, NULL, &own, NULL, NULL, NULL, NULL, &own, f.pid, "ExclusiveLock", true,
            true, NULL,
        ];
    }
    let held = instance.storage.locks.rows();
    let strong: HashSet<&LockTag> =
        held.iter().filter(|l| l.mode > LockMode::ShareUpdateExclusive).map(|l| &l.tag).collect();
    for l in &held {
        if l.granted && matches!(l.tag, LockTag::Virtual { .. }) {
            // All running ones are above.
            continue;
        }
        let t = target(&l.tag);
        row![sink;
            l.tag.kind(), t.database, t.relation, t.page, t.tuple.map(i32::from), t.virtual_id, t.xid, t.class, t.object, t.sub,
            virtual_transaction(l.owner), (!is_prepared_owner(l.owner)).then_some(l.owner), l.mode.name(), l.granted, is_light(l, &strong), l.since_us.map(Stamp),
        ];
    }
    for (target, pid) in instance.storage.mvcc.serializable.rows() {
        row![sink;
            target.kind(), target.db, target.rel, target.block(), target.line().map(i32::from), NULL, NULL, NULL, NULL,
            NULL, virtual_transaction(pid), (pid != 0 && !is_prepared_owner(pid)).then_some(pid), "SIReadLock", true, false, NULL,
        ];
    }
    Ok(())
}

fn prepared(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = cx.backend()?.catalog.clone();
    for p in catalog.storage.twophase.list() {
        let s = &p.state;
        let database = catalog.database_by_oid(s.database).map(|d| d.name);
        row![sink; s.xid.0, &*s.gid, Stamp(s.prepared_us), role_name(&catalog, s.owner), database];
    }
    Ok(())
}

/// The serial number of a client's certificate, a `numeric`.
pub(crate) fn serial(t: &TlsFacts) -> Value {
    let number = t.client_serial.as_deref().and_then(|s| Numeric::parse(s).ok()?.to_bytes().ok());
    number.map_or(NULL, |n| Value::Bytes(n.into()))
}
