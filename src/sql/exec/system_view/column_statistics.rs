//! `pg_statistic` and `pg_stats`: what ANALYZE found out about columns.

use super::cell::NULL;
use super::class::{as_class, user_classes};
use super::listing::schema_name;
use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid};
use crate::catalog::object::{Class, ObjectKey, class};
use crate::catalog::{Attribute, ColumnStats};
use crate::sql::exec::ExecContext;
use crate::sql::func;
use crate::types::{self, Value, array, oid};

pub(super) const VIEWS: &[View] =
    &[View { name: "pg_statistic", rows: raw }, View { name: "pg_stats", rows: readable }];

/// Of a row of `pg_statistic`.
const SLOTS: usize = 5;

/// One thing known of a column: its kind, the operator it is by, numbers and values.
struct Slot(i16, &'static str, Value, Value);

fn raw(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in user_classes(&catalog, sink.oid_key("starelid"), None) {
        let Some(c) = as_class(&record) else { continue };
        let Some(found) = catalog.get(ObjectKey::new(class::STATISTIC, c.oid)) else { continue };
        let stats = found.object.as_stats()?;
        for (inherited, columns) in [(false, &stats.columns), (true, &stats.tree)] {
            for (a, s) in known(c, columns) {
                sink.push(&raw_row(c, a, s, inherited));
            }
        }
    }
    Ok(())
}

fn readable(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in user_classes(&catalog, None, sink.text_key("tablename").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let Some(found) = catalog.get(ObjectKey::new(class::STATISTIC, c.oid)) else { continue };
        if !crate::sql::exec::rights::may_read(cx.backend()?, c) {
            continue;
        }
        let stats = found.object.as_stats()?;
        let own = known(c, &stats.columns).map(|(a, s)| (a, s, false));
        for (a, s, inherited) in own.chain(known(c, &stats.tree).map(|(a, s)| (a, s, true))) {
            row![sink;
                schema_name(&catalog, c.namespace), &c.name, &a.name, inherited, s.null_frac, width(a, s), s.n_distinct,
                common(a, s), frequencies(s), histogram(a, s), is_ordered(s).then_some(s.correlation), NULL, NULL, NULL,
            ];
        }
    }
    Ok(())
}

/// The columns of which rows have been seen.
fn known<'c>(c: &'c Class, columns: &'c [ColumnStats]) -> impl Iterator<Item = (&'c Attribute, &'c ColumnStats)> {
    let seen = columns.iter().filter(|s| s.null_frac > 0.0 || s.n_distinct != 0.0);
    seen.filter_map(|s| Some((c.attributes.iter().find(|a| a.attno == s.attno && !a.dropped)?, s)))
}

/// PostgreSQL 15, pg_statistic.h: most common values are kind 1, a histogram 2, the correlation 3.
fn slots(a: &Attribute, s: &ColumnStats) -> Vec<Slot> {
    let mut slots = Vec::new();
    if !s.most_common.is_empty() {
        slots.push(Slot(1, "=", frequencies(s), common(a, s)));
    }
    if !s.histogram.is_empty() {
        slots.push(Slot(2, "<", NULL, histogram(a, s)));
    }
    if is_ordered(s) {
        slots.push(Slot(3, "<", reals([s.correlation].iter()), NULL));
    }
    slots
}

fn raw_row(c: &Class, a: &Attribute, s: &ColumnStats, inherited: bool) -> Vec<Value> {
    let slots = slots(a, s);
    let collation = match a.declared.collation {
        declared if declared.is_valid() => declared,
        _ => types::info(a.ty.oid).map_or(Oid::INVALID, |i| i.collation),
    };
    let mut row = vec![
        Value::U32(c.oid.0),
        Value::I16(s.attno),
        Value::Bool(inherited),
        Value::F32(s.null_frac as f32),
        Value::I32(width(a, s)),
        Value::F32(s.n_distinct as f32),
    ];
    let mut part = |of: &dyn Fn(Option<&Slot>) -> Value| row.extend((0..SLOTS).map(|n| of(slots.get(n))));
    part(&|slot| Value::I16(slot.map_or(0, |s| s.0)));
    part(&|slot| Value::U32(slot.map_or(Oid::INVALID, |s| operator(s.1, a.ty.oid)).0));
    part(&|slot| Value::U32(slot.map_or(Oid::INVALID, |_| collation).0));
    part(&|slot| slot.map_or(NULL, |s| s.2.clone()));
    part(&|slot| slot.map_or(NULL, |s| s.3.clone()));
    row
}

/// The operator a type is compared by: its own, or that of the family of types it belongs to.
fn operator(name: &str, ty: Oid) -> Oid {
    let ty = types::base_type(ty);
    let info = types::info(ty);
    let family = match info.map(|i| i.kind) {
        _ if types::element_type(ty).is_some() => oid::ANYARRAY,
        Some(b'e') => oid::ANYENUM,
        Some(b'r') => oid::ANYRANGE,
        Some(b'm') => oid::ANYMULTIRANGE,
        Some(b'c') => oid::RECORD,
        _ if ty == oid::CIDR => oid::INET,
        _ if info.is_some_and(|i| i.category == b'S') => oid::TEXT,
        _ => oid::OID,
    };
    let of = |ty: Oid| func::type_operator(name, ty, ty).map(|o| o.oid);
    of(ty).or_else(|| of(family)).unwrap_or_default()
}

/// The columns' values could be compared.
fn is_ordered(s: &ColumnStats) -> bool {
    s.null_frac < 1.0
}

/// Where no value was seen, the room one would take if that is known.
fn width(a: &Attribute, s: &ColumnStats) -> i32 {
    match types::info(a.ty.oid).map(|i| i32::from(i.len)) {
        Some(fixed) if fixed > 0 => fixed,
        _ => s.avg_width,
    }
}

fn frequencies(s: &ColumnStats) -> Value {
    if s.most_common.is_empty() { NULL } else { reals(s.most_common.iter().map(|m| &m.1)) }
}

fn common(a: &Attribute, s: &ColumnStats) -> Value {
    list(a, s.most_common.iter().map(|m| &m.0).collect())
}

fn histogram(a: &Attribute, s: &ColumnStats) -> Value {
    list(a, s.histogram.iter().collect())
}

fn list(a: &Attribute, values: Vec<&Value>) -> Value {
    if values.is_empty() {
        return NULL;
    }
    Value::Bytes(array::from_values(a.ty.oid, values.into_iter().map(Value::datum)).into())
}

fn reals<'a>(values: impl Iterator<Item = &'a f64>) -> Value {
    let values: Vec<Value> = values.map(|v| Value::F32(*v as f32)).collect();
    Value::Bytes(array::from_values(oid::FLOAT4, values.iter().map(Value::datum)).into())
}
