//! `pg_trigger` and `pg_event_trigger`.

use super::cell::Texts;
use super::class::as_class;
use super::{Sink, View, catalog, in_order, row, stored};
use crate::base::{Flow, Oid};
use crate::catalog::object::class;
use crate::catalog::{Constraint, Object, Trigger, key_triggers};
use crate::sql::exec::ExecContext;
use crate::types::{Datum, Value, array, oid};

pub(super) const VIEWS: &[View] =
    &[View { name: "pg_trigger", rows: triggers }, View { name: "pg_event_trigger", rows: event_triggers }];

fn event_triggers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for record in in_order(&*catalog(cx)?, class::EVENT_TRIGGER) {
        let Object::EventTrigger(t) = &record.object else { continue };
        sink.tells_of(&record);
        row![sink; t.oid, &t.name, &t.event, t.owner, t.function, t.enabled, Texts(&t.tags)];
    }
    Ok(())
}

/// PostgreSQL 15, pg_trigger.h: the bits of `tgtype`.
fn bits(t: &Trigger) -> i16 {
    i16::from(t.row)
        | i16::from(t.when == 'b') << 1
        | i16::from(t.insert) << 2
        | i16::from(t.delete) << 3
        | i16::from(t.update) << 4
        | i16::from(t.truncate) << 5
        | i16::from(t.when == 'i') << 6
}

fn columns(t: &Trigger) -> Value {
    let mut b = array::Builder::new(oid::INT2);
    t.columns.iter().for_each(|c| b.push(Datum::I16(*c)));
    let dims = match t.columns.len() {
        0 => array::Dims::new(),
        len => [array::Dim { len, lower: 0 }].into_iter().collect(),
    };
    Value::Bytes(b.finish_with(dims).into())
}

/// Each argument with a zero byte behind.
fn arguments(t: &Trigger) -> Value {
    let bytes: Vec<u8> = t.args.iter().flat_map(|a| a.bytes().chain([0])).collect();
    Value::Bytes(bytes.into())
}

/// Those of foreign keys on a table, or of all that tables have.
fn of_keys(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let on = sink.oid_key("tgrelid");
    for record in stored(&catalog, sink, class::RELATION, &["tgrelid", "tgconstraint", "oid"]) {
        let Some(c) = as_class(&record) else { continue };
        let parts: Vec<Constraint> = c.constraints.iter().flat_map(Constraint::parts).collect();
        for k in c.constraints.iter().chain(&parts) {
            let above = (k.parent.is_valid()).then(|| catalog.holder(k.parent)).flatten();
            let above = above.as_ref().and_then(|r| r.object.as_class().ok());
            let above = above.and_then(|a| a.constraints.iter().chain(&parts).find(|p| p.oid == k.parent));
            for (table, t) in key_triggers(c.oid, k) {
                let place = k.foreign.as_ref().and_then(|f| f.triggers.iter().position(|o| *o == t.oid));
                let parent = above.and_then(|a| a.foreign.as_ref()?.triggers.get(place?).copied());
                if on.is_none_or(|o| o == table) {
                    row![sink;
                        t.oid, table, parent.unwrap_or(Oid::INVALID), &t.name, t.function, bits(&t), t.enabled, true,
                        t.referenced, k.index, t.constraint, t.deferrable, t.deferred, 0i16, columns(&t), arguments(&t),
                        t.condition.as_deref(), t.old_table.as_deref(), t.new_table.as_deref(),
                    ];
                }
            }
        }
    }
    Ok(())
}

fn triggers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in stored(&catalog, sink, class::RELATION, &["tgrelid", "tgconstraint", "oid", "tgfoid"]) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        for t in &c.triggers {
            row![sink;
                t.oid, c.oid, t.parent, &t.name, t.function, bits(t), t.enabled, false, t.referenced, Oid::INVALID,
                t.constraint, t.deferrable, t.deferred, t.args.len() as i16, columns(t), arguments(t),
                t.condition.as_deref(), t.old_table.as_deref(), t.new_table.as_deref(),
            ];
        }
    }
    of_keys(cx, sink)
}
