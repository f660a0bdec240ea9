//! `pg_*_is_visible`: whether a name alone, along the search path, finds the object.

use super::SystemFn;
use crate::base::{Flow, Oid};
use crate::catalog::object::{ObjectKey, class};
use crate::catalog::{Catalog, IndexMethod, system};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{family_named, opclass_named};
use crate::sql::func;
use crate::sql::names::type_is_visible;
use crate::sql::text_search::Kind;
use crate::types::{self, Column, Datum};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_table_is_visible" => |cx, args, out| answer(cx, args, out, table),
        "pg_type_is_visible" => |cx, args, out| answer(cx, args, out, type_),
        "pg_function_is_visible" => |cx, args, out| answer(cx, args, out, function),
        "pg_operator_is_visible" => |cx, args, out| answer(cx, args, out, operator),
        "pg_collation_is_visible" => |cx, args, out| answer(cx, args, out, collation),
        "pg_statistics_obj_is_visible" => |cx, args, out| answer(cx, args, out, statistics),
        "pg_ts_parser_is_visible" => |cx, args, out| answer(cx, args, out, |c, o| Kind::Parser.is_visible(c, o)),
        "pg_ts_dict_is_visible" => |cx, args, out| answer(cx, args, out, |c, o| Kind::Dictionary.is_visible(c, o)),
        "pg_ts_template_is_visible" => |cx, args, out| answer(cx, args, out, |c, o| Kind::Template.is_visible(c, o)),
        "pg_ts_config_is_visible" => |cx, args, out| answer(cx, args, out, |c, o| Kind::Config.is_visible(c, o)),
        "pg_opclass_is_visible" => |cx, args, out| answer(cx, args, out, opclass),
        "pg_opfamily_is_visible" => |cx, args, out| answer(cx, args, out, opfamily),
        "pg_conversion_is_visible" => |cx, args, out| answer(cx, args, out, conversion),
        _ => return None,
    })
}

fn answer(
    cx: &mut ExecContext,
    args: &[Datum<'_>],
    out: &mut Column,
    f: fn(&Catalog, Oid) -> Option<bool>,
) -> Flow<()> {
    match f(&cx.backend()?.catalog, Oid(args[0].u32())) {
        Some(visible) => out.push(Datum::Bool(visible)),
        None => out.push_null(),
    }
    Ok(())
}

fn statistics(catalog: &Catalog, oid: Oid) -> Option<bool> {
    use crate::catalog::object::{ObjectKey, class};
    let record = catalog.get(ObjectKey::new(class::STATISTIC_EXT, oid))?;
    let s = record.object.as_statistics().ok()?;
    let first = catalog
        .effective_path()
        .into_iter()
        .find_map(|n| catalog.find(class::STATISTIC_EXT, n, &s.name).first().copied());
    Some(first == Some(oid))
}

fn opclass(catalog: &Catalog, oid: Oid) -> Option<bool> {
    if oid < Oid::FIRST_NORMAL {
        return Some(true);
    }
    let o = catalog.opclass(oid)?;
    let method = IndexMethod::of(o.method)?;
    let first = catalog.opclass_named(method, None, &o.name).ok().flatten();
    // What is built in comes first, whatever method it is for.
    Some(opclass_named(method, &o.name).is_none() && first.is_some_and(|f| f.oid == oid))
}

fn opfamily(catalog: &Catalog, oid: Oid) -> Option<bool> {
    if oid < Oid::FIRST_NORMAL {
        return Some(true);
    }
    let f = catalog.opfamily(oid)?;
    if IndexMethod::of(f.method).is_some_and(|m| family_named(m, &f.name).is_some()) {
        return Some(false);
    }
    let first = catalog.effective_path().into_iter().find_map(|n| catalog.opfamily_in(n, f.method, &f.name));
    Some(first.is_some_and(|first| first.oid == oid))
}

fn conversion(catalog: &Catalog, oid: Oid) -> Option<bool> {
    if oid < Oid::FIRST_NORMAL {
        return Some(true);
    }
    let record = catalog.get(ObjectKey::new(class::CONVERSION, oid))?;
    let (_, name) = record.object.name()?;
    let first = catalog.effective_path().into_iter().find_map(|n| catalog.conversion_in(n, name));
    Some(first.is_some_and(|first| first.oid == oid))
}

fn table(catalog: &Catalog, oid: Oid) -> Option<bool> {
    let name = match system::relation(oid) {
        Some(r) => r.name.clone(),
        None => catalog.class(oid)?.object.as_class().ok()?.name.clone(),
    };
    Some(catalog.class_oid_by_name(None, &name).ok().flatten() == Some(oid))
}

fn type_(catalog: &Catalog, oid: Oid) -> Option<bool> {
    if oid < Oid::FIRST_NORMAL {
        return types::info(oid).map(|i| type_is_visible(catalog, oid, i.namespace, i.name));
    }
    if let Some(t) = catalog.user_type(oid) {
        return Some(type_is_visible(catalog, oid, t.namespace, &t.name));
    }
    let class = catalog.class_of_row_type(oid)?;
    table(catalog, class)
}

fn operator(catalog: &Catalog, oid: Oid) -> Option<bool> {
    if func::oper(oid).is_some() {
        return Some(true);
    }
    let record = catalog.get(ObjectKey::new(class::OPERATOR, oid))?;
    let (namespace, _) = record.object.name()?;
    Some(catalog.effective_path().contains(&namespace))
}

fn collation(catalog: &Catalog, oid: Oid) -> Option<bool> {
    if oid < Oid::FIRST_NORMAL {
        return Some(true);
    }
    let record = catalog.get(ObjectKey::new(class::COLLATION, oid))?;
    let (namespace, name) = record.object.name()?;
    let first = catalog.effective_path().into_iter().find(|n| !catalog.find(class::COLLATION, *n, name).is_empty());
    Some(first == Some(namespace))
}

fn function(catalog: &Catalog, oid: Oid) -> Option<bool> {
    if let Some(f) = func::func(oid) {
        return Some(catalog.effective_path().contains(&f.fact.namespace));
    }
    let record = catalog.get(ObjectKey::new(class::PROC, oid))?;
    let namespace = record.object.as_function().ok()?.namespace;
    Some(catalog.effective_path().contains(&namespace))
}
