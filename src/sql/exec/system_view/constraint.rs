//! `pg_constraint`.

use super::cell::{NULL, int2_array, oid_array};
use super::class::{as_class, system_relations};
use super::depend::check_columns;
use super::{Sink, View, catalog, row, stored};
use crate::base::{Flow, Oid};
use crate::catalog::object::{UserTypeKind, class};
use crate::catalog::{Catalog, Constraint, ConstraintKind, Object, Record, Trigger};
use crate::sql::exec::ExecContext;
use crate::sql::func;
use crate::types::{Value, oid};
use std::sync::Arc;

pub(super) const VIEWS: &[View] = &[View { name: "pg_constraint", rows: constraints }];

/// What a constraint is on.
struct Place {
    namespace: Oid,
    relation: Oid,
    domain: Oid,
}

fn constraints(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let io = cx.fx.io.clone();
    let (relation, foreign, own) = (sink.oid_key("conrelid"), sink.oid_key("confrelid"), sink.oid_key("oid"));
    let domain = sink.oid_key("contypid").filter(|o| o.is_valid());
    let wanted = |k: &Constraint| {
        own.is_none_or(|o| k.oid == o)
            && foreign.is_none_or(|o| k.foreign.as_ref().map_or(Oid::INVALID, |f| f.relation) == o)
    };
    if domain.is_none() {
        push_of_catalogs(&catalog, sink, relation, &wanted);
        for record in of_users(&catalog, sink) {
            sink.tells_of(&record);
            let Some(c) = as_class(&record) else { continue };
            let place = Place { namespace: c.namespace, relation: c.oid, domain: Oid::INVALID };
            for k in c.constraints.iter().filter(|k| wanted(k)) {
                let read = if sink.wants("conkey") { check_columns(&catalog, &io, c, k) } else { None };
                push(&catalog, sink, &place, k, read.as_deref().unwrap_or(&k.columns));
            }
            for k in c.constraints.iter().flat_map(Constraint::parts).filter(|k| wanted(k)) {
                push(&catalog, sink, &place, &k, &k.columns);
            }
            let asked = |t: &&Trigger| {
                t.constraint.is_valid()
                    && own.is_none_or(|o| t.constraint == o)
                    && foreign.is_none_or(|o| !o.is_valid())
            };
            c.triggers.iter().filter(asked).for_each(|t| push_trigger(sink, &place, t));
        }
    }
    if relation.is_none_or(|o| !o.is_valid()) {
        for record in match sink.text_key("conname") {
            Some(name) => catalog.naming(class::TYPE, &name),
            None => stored(&catalog, sink, class::TYPE, &["oid", "contypid"]),
        } {
            sink.tells_of(&record);
            let Object::Type(t) = &record.object else { continue };
            let UserTypeKind::Domain { checks, .. } = &t.kind else { continue };
            let place = Place { namespace: t.namespace, relation: Oid::INVALID, domain: t.oid };
            if domain.is_none_or(|d| d == t.oid) {
                checks.iter().filter(|k| wanted(k)).for_each(|k| push(&catalog, sink, &place, k, &k.columns));
            }
        }
    }
    Ok(())
}

/// The tables of users that may have the constraints wanted.
fn of_users(catalog: &Catalog, sink: &Sink) -> Vec<Arc<Record>> {
    const HELD: [&str; 5] = ["oid", "conrelid", "confrelid", "conindid", "conparentid"];
    match sink.text_key("conname") {
        Some(name) => catalog.naming(class::RELATION, &name),
        None => stored(catalog, sink, class::RELATION, &HELD),
    }
}

/// The keys of the catalogs.
fn push_of_catalogs(catalog: &Catalog, sink: &mut Sink, relation: Option<Oid>, wanted: &dyn Fn(&Constraint) -> bool) {
    for table in system_relations(relation.filter(|o| o.is_valid()), None) {
        let place = Place { namespace: table.namespace, relation: table.oid, domain: Oid::INVALID };
        for k in table.constraints.iter().filter(|k| wanted(k)) {
            push(catalog, sink, &place, k, &k.columns);
        }
    }
}

/// The equality operators of a foreign key's columns: key with reference, key with key, reference with reference.
fn equalities(catalog: &Catalog, k: &Constraint, relation: Oid) -> Option<[Value; 3]> {
    let f = k.foreign.as_ref()?;
    let types = |table: Oid, columns: &[i16]| -> Vec<Oid> {
        let record = catalog.class(table);
        let attributes = record.as_ref().and_then(|r| as_class(r)).map(|c| c.attributes.as_slice()).unwrap_or_default();
        columns.iter().filter_map(|n| attributes.iter().find(|a| a.attno == *n)).map(|a| a.ty.oid).collect()
    };
    let operator = |left, right| func::type_operator("=", left, right).map(|o| o.oid);
    let one = |(key, reference): (Oid, Oid)| {
        let own = operator(key, key).or_else(|| operator(oid::TEXT, oid::TEXT)).unwrap_or_default();
        match operator(key, reference) {
            Some(both) => [both, own, operator(reference, reference).unwrap_or(own)],
            None => [own; 3],
        }
    };
    let of: Vec<[Oid; 3]> =
        types(f.relation, &f.columns).into_iter().zip(types(relation, &k.columns)).map(one).collect();
    Some([0, 1, 2].map(|n| oid_array(of.iter().map(|o| o[n]))))
}

/// A constraint trigger.
fn push_trigger(sink: &mut Sink, place: &Place, t: &Trigger) {
    row![sink;
        t.constraint, &t.name, place.namespace, b't', t.deferrable, t.deferred, true, place.relation, Oid::INVALID,
        Oid::INVALID, Oid::INVALID, Oid::INVALID, b' ', b' ', b' ', true, 0i32, true, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL,
    ];
}

fn push(catalog: &Catalog, sink: &mut Sink, place: &Place, k: &Constraint, columns: &[i16]) {
    let f = k.foreign.as_ref();
    let compared = ["conpfeqop", "conppeqop", "conffeqop"].iter().any(|c| sink.wants(c));
    let (pf, pp, ff) = match compared.then(|| equalities(catalog, k, place.relation)).flatten() {
        Some([pf, pp, ff]) => (Some(pf), Some(pp), Some(ff)),
        None => (None, None, None),
    };
    let [own, referred, excluding] = ["conkey", "confkey", "conexclop"].map(|c| sink.wants(c));
    let set = f.filter(|f| !f.delete_columns.is_empty()).map(|f| int2_array(f.delete_columns.iter().copied()));
    let columns = (own && !columns.is_empty()).then(|| int2_array(columns.iter().copied()));
    // Keys: what a partition has of the table above is inherited, and foreign keys of partitioned tables are.
    let no_inherit = match k.kind {
        ConstraintKind::Check | ConstraintKind::ForeignKey => k.no_inherit,
        ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclude => !k.parent.is_valid(),
    };
    let index = if excluding { catalog.class(k.index) } else { None };
    let operators = index.and_then(|r| as_class(&r)?.index.as_ref().map(|i| i.exclusion.clone()));
    let exclusion = operators.filter(|o| !o.is_empty()).map(oid_array);
    row![sink;
        k.oid, &k.name, place.namespace, k.kind as u8, k.deferrable, k.deferred, k.validated, place.relation,
        place.domain, k.index, k.parent, f.map_or(Oid::INVALID, |f| f.relation),
        f.map_or(b' ', |f| f.on_update), f.map_or(b' ', |f| f.on_delete), f.map_or(b' ', |f| f.match_type), k.local,
        i32::from(k.inherited),
        no_inherit, columns, f.filter(|_| referred).map(|f| int2_array(f.columns.iter().copied())), pf, pp, ff,
        set, exclusion, k.check.clone(),
    ];
}
