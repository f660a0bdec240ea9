//! `pg_statistic_ext`, `pg_statistic_ext_data`, `pg_stats_ext`.

use super::cell::{self, NULL};
use super::listing::{role_name, schema_name};
use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid};
use crate::catalog::object::{ExtendedStats, Statistics, class};
use crate::catalog::{Catalog, Object, ObjectKey};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define;
use crate::types::{Value, array, oid};

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_statistic_ext", rows: definitions },
    View { name: "pg_statistic_ext_data", rows: data },
    View { name: "pg_stats_ext", rows: shown },
];

fn all(catalog: &Catalog) -> Vec<Statistics> {
    let of = |r: &std::sync::Arc<crate::catalog::Record>| match &r.object {
        Object::Statistics(s) => Some(s.clone()),
        _ => None,
    };
    catalog.all(class::STATISTIC_EXT).iter().filter_map(of).collect()
}

fn found(catalog: &Catalog, s: &Statistics) -> Option<ExtendedStats> {
    let record = catalog.get(ObjectKey::new(class::STATISTIC, s.table))?;
    let stats = record.object.as_stats().ok()?;
    stats.extended.iter().find(|e| e.statistics == s.oid).cloned()
}

fn names(columns: &[i16]) -> String {
    columns.iter().map(i16::to_string).collect::<Vec<_>>().join(", ")
}

/// PostgreSQL 15, mvdistinct.c, pg_ndistinct_out.
fn distinct(e: &ExtendedStats) -> Option<String> {
    let one = |(columns, n): &(Vec<i16>, f64)| format!("\"{}\": {}", names(columns), *n as i64);
    (!e.distinct.is_empty()).then(|| format!("{{{}}}", e.distinct.iter().map(one).collect::<Vec<_>>().join(", ")))
}

/// PostgreSQL 15, dependencies.c, pg_dependencies_out.
fn dependencies(e: &ExtendedStats) -> Option<String> {
    let one = |(from, to, degree): &(Vec<i16>, i16, f64)| format!("\"{} => {to}\": {degree:.6}", names(from));
    let all: Vec<String> = e.dependencies.iter().map(one).collect();
    (!all.is_empty()).then(|| format!("{{{}}}", all.join(", ")))
}

fn definitions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for s in all(&catalog) {
        let exprs = (!s.exprs.is_empty()).then(|| s.exprs.join(", "));
        row![sink;
            s.oid, s.table, &s.name, s.namespace, s.owner, s.target, cell::int2_vector(s.columns.iter().copied()),
            cell::char_array(s.kinds.iter().copied()), exprs,
        ];
    }
    Ok(())
}

fn data(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for s in all(&catalog) {
        let Some(e) = found(&catalog, &s) else { continue };
        row![sink; s.oid, false, distinct(&e), dependencies(&e), NULL, NULL];
    }
    Ok(())
}

fn shown(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for s in all(&catalog) {
        let Some(e) = found(&catalog, &s) else { continue };
        let Some(record) = catalog.class(s.table) else { continue };
        let Ok(c) = record.object.as_class() else { continue };
        if !crate::sql::exec::rights::may_read(cx.backend()?, c) {
            continue;
        }
        let columns: Vec<String> = s.columns.iter().map(|n| c.attributes[*n as usize - 1].name.clone()).collect();
        let look = define::Look { catalog: &catalog, io: &cx.fx.io, pretty: false, width: 0 };
        let exprs: Vec<String> = s.exprs.iter().map(|e| look.expression(c.oid, e)).collect();
        row![sink;
            schema_name(&catalog, c.namespace), &c.name, schema_name(&catalog, s.namespace), &s.name,
            role_name(&catalog, s.owner), Value::Bytes(array::from_texts(oid::NAME, &columns).into()),
            cell::Texts(&exprs), cell::char_array(s.kinds.iter().copied()), false, distinct(&e), dependencies(&e),
            NULL, NULL, NULL, NULL,
        ];
    }
    Ok(())
}

/// `CREATE STATISTICS …`, or what stands after ON. PostgreSQL 15, ruleutils.c, pg_get_statisticsobj_worker.
pub(crate) fn definition(
    catalog: &Catalog,
    io: &crate::types::IoContext,
    statistics: Oid,
    columns_only: bool,
) -> Option<String> {
    use crate::types::name::quote_identifier;
    let record = catalog.get(ObjectKey::new(class::STATISTIC_EXT, statistics))?;
    let s = record.object.as_statistics().ok()?;
    let class = catalog.class(s.table)?;
    let c = class.object.as_class().ok()?;
    let look = define::Look { catalog, io, pretty: true, width: 0 };
    let mut list: Vec<String> =
        s.columns.iter().map(|n| quote_identifier(&c.attributes[*n as usize - 1].name)).collect();
    list.extend(s.exprs.iter().map(|e| {
        let shown = look.expression(c.oid, e);
        if define::is_call(&shown) { shown } else { format!("({shown})") }
    }));
    let list = list.join(", ");
    if columns_only {
        return Some(list);
    }
    let plain: Vec<char> = s.kinds.iter().copied().filter(|k| *k != 'e').collect();
    let words = [('d', "ndistinct"), ('f', "dependencies"), ('m', "mcv")];
    let named: Vec<&str> = words.into_iter().filter(|(k, _)| plain.contains(k)).map(|(_, w)| w).collect();
    let kinds = if named.is_empty() || named.len() == 3 { String::new() } else { format!(" ({})", named.join(", ")) };
    let schema = schema_name(catalog, s.namespace).unwrap_or_default();
    let name = format!("{}.{}", quote_identifier(&schema), quote_identifier(&s.name));
    let table = define::class_name(catalog, s.table, false);
    Some(format!("CREATE STATISTICS {name}{kinds} ON {list} FROM {table}"))
}

/// The expressions alone.
pub(crate) fn expressions(catalog: &Catalog, io: &crate::types::IoContext, statistics: Oid) -> Option<Vec<String>> {
    let record = catalog.get(ObjectKey::new(class::STATISTIC_EXT, statistics))?;
    let s = record.object.as_statistics().ok()?;
    let look = define::Look { catalog, io, pretty: false, width: 0 };
    (!s.exprs.is_empty()).then(|| s.exprs.iter().map(|e| look.expression(s.table, e)).collect())
}
