//! `pg_type` and `pg_enum`.

use super::cell::{Acl, NULL};
use super::class::as_class;
use super::code::push_facts;
use super::{Sink, View, catalog, row, stored};
use crate::base::{Flow, Oid};
use crate::catalog::acl::shown;
use crate::catalog::object::{Class, UserType, UserTypeKind, class, fixed};
use crate::catalog::{Catalog, Relation, system};
use crate::catalog::{MULTIRANGE_IO, RANGE_IO, range_align};
use crate::catalog::{Object, RelKind};
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::type_acl;
use crate::types::info::{TypeInfo, builtin_types};
use crate::types::{self, TypeRef, oid};
use std::collections::HashSet;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_type", rows: all_types },
    View { name: "pg_enum", rows: enum_labels },
    View { name: "pg_range", rows: ranges },
];

/// The OID of the function that gathers statistics of a type's values, if it has one of its own.
fn analyzer(t: &TypeInfo) -> u32 {
    match t.kind {
        _ if t.oid == Oid(3614) => 3688,
        b'r' => 3916,
        b'm' => 4242,
        _ if t.oid == oid::INT2VECTOR || t.oid == oid::OIDVECTOR => 0,
        _ if t.subscript.0 == 6179 => 3816,
        _ => 0,
    }
}

fn push_builtin(catalog: &Catalog, sink: &mut Sink, t: &TypeInfo) {
    let acl = shown(catalog, type_acl(catalog, t.oid).as_deref());
    row![sink;
        t.oid, t.name, t.namespace, fixed::BOOTSTRAP_SUPERUSER, t.len, t.byval, t.kind, t.category, t.preferred, true,
        t.delim, t.relation, t.subscript, t.element, t.array, t.input, t.output, t.receive, t.send, t.modin, t.modout,
        analyzer(t), t.align, t.storage, false, t.base, t.base_typmod, 0, t.collation, NULL, NULL,
        Acl(acl.as_deref()),
    ];
}

/// What differs between the kinds of types users make.
struct Made<'a> {
    oid: Oid,
    name: &'a str,
    namespace: Oid,
    owner: Oid,
    len: i16,
    byval: bool,
    kind: char,
    category: u8,
    relation: Oid,
    element: Oid,
    array: Oid,
    /// OIDs of the input, output, receive and send functions.
    io: [u32; 4],
    /// The OID of the function that gathers statistics; 0: the type has none of its own.
    analyze: u32,
    align: u8,
    storage: u8,
    not_null: bool,
    base: Option<TypeRef>,
    dimensions: u16,
    collation: Oid,
    default: Option<String>,
    acl: Option<&'a [String]>,
    defined: bool,
}

const ARRAY_IO: [u32; 4] = [750, 751, 2400, 2401];
const RECORD_IO: [u32; 4] = [2290, 2291, 2402, 2403];
const SHELL_IO: [u32; 4] = [2398, 2399, 0, 0];
const ENUM_IO: [u32; 4] = [3506, 3507, 3532, 3533];

impl<'a> Made<'a> {
    fn new(oid: Oid, name: &'a str, namespace: Oid, owner: Oid) -> Made<'a> {
        Made {
            oid,
            name,
            namespace,
            owner,
            len: -1,
            byval: false,
            kind: 'b',
            category: b'U',
            relation: Oid::INVALID,
            element: Oid::INVALID,
            array: Oid::INVALID,
            io: RECORD_IO,
            analyze: 0,
            align: b'd',
            storage: b'x',
            not_null: false,
            base: None,
            dimensions: 0,
            collation: Oid::INVALID,
            default: None,
            acl: None,
            defined: true,
        }
    }

    fn array(self, oid: Oid, element: Oid) -> Made<'a> {
        Made { oid, element, category: b'A', io: ARRAY_IO, analyze: 3816, ..self }
    }

    fn push(self, sink: &mut Sink) {
        let subscript = if self.element.is_valid() { 6179 } else { 0 };
        row![sink;
            self.oid, self.name, self.namespace, self.owner, self.len, self.byval, self.kind, self.category, false,
            self.defined, ',', self.relation, subscript, self.element, self.array, self.io[0], self.io[1], self.io[2],
            self.io[3], 0, 0, self.analyze, self.align, self.storage, self.not_null,
            self.base.map_or(Oid::INVALID, |b| b.oid), self.base.map_or(-1, |b| b.typmod), i32::from(self.dimensions), self.collation, self.default.clone(),
            self.default, Acl(self.acl),
        ];
    }
}

fn push_user(catalog: &Catalog, sink: &mut Sink, t: &UserType) {
    let acl = shown(catalog, t.acl.as_deref());
    let plain = |oid, name| Made { acl: acl.as_deref(), ..Made::new(oid, name, t.namespace, t.owner) };
    let array_name = format!("_{}", t.name);
    let mut made = Made { array: t.array_oid, ..plain(t.oid, &t.name) };
    match &t.kind {
        UserTypeKind::Enum(_) => {
            made = Made {
                len: 4,
                byval: true,
                kind: 'e',
                category: b'E',
                io: ENUM_IO,
                align: b'i',
                storage: b'p',
                ..made
            };
        }
        UserTypeKind::Domain { base, collation: named, not_null, default, dimensions, .. } => {
            let default = default.as_ref().map(ToString::to_string);
            let dimensions = *dimensions;
            made = Made { kind: 'd', not_null: *not_null, base: Some(*base), default, dimensions, ..made };
            // Below other domains.
            if let Some(i) = types::info(types::base_type(base.oid)) {
                made.analyze = analyzer(i);
                let io = [2597, i.output.0, 2598, i.send.0];
                let above = types::info(base.oid).map_or(i.collation, |b| b.collation);
                let collation = if named.is_valid() { *named } else { above };
                let (len, byval, category, align, storage) = (i.len, i.byval, i.category, i.align, i.storage);
                made = Made { len, byval, category, io, align, storage, collation, ..made };
            }
        }
        UserTypeKind::Composite { class } => made = Made { kind: 'c', category: b'C', relation: *class, ..made },
        UserTypeKind::Range(r) => {
            made =
                Made { kind: 'r', category: b'R', io: RANGE_IO, align: range_align(r.subtype), analyze: 3916, ..made };
        }
        UserTypeKind::Multirange { range } => {
            let align = types::info(*range).map_or(b'i', |i| i.align);
            made = Made { kind: 'm', category: b'R', io: MULTIRANGE_IO, align, analyze: 4242, ..made };
        }
        UserTypeKind::Base(b) => {
            let collation = if b.collatable { fixed::DEFAULT_COLLATION } else { Oid::INVALID };
            let (category, align, storage) = (b.category as u8, b.align as u8, b.storage as u8);
            made = Made { io: b.functions.map(|f| f.0), category, align, storage, collation, ..made };
        }
        UserTypeKind::Shell => {
            let (io, storage) = (SHELL_IO, b'p');
            made = Made {
                len: 4,
                byval: true,
                kind: 'p',
                category: b'P',
                defined: false,
                io,
                align: b'i',
                storage,
                ..made
            };
        }
    }
    let (align, collation) = (made.align, made.collation);
    made.push(sink);
    if t.array_oid.is_valid() {
        let align = if align == b'd' { b'd' } else { b'i' };
        // Arrays have no rights of their own.
        Made { align, collation, acl: None, ..plain(t.array_oid, &array_name).array(t.array_oid, t.oid) }.push(sink);
    }
}

fn push_row_type(sink: &mut Sink, c: &Class) {
    let plain = Made::new(c.row_type, &c.name, c.namespace, c.owner);
    push_row(sink, Made { relation: c.oid, array: c.row_array_type, ..plain });
}

fn push_system_row_type(sink: &mut Sink, r: &Relation) {
    if !r.row_type.is_valid() {
        // A TOAST table's rows have no type.
        return;
    }
    let array = types::info(r.row_type).map_or(Oid::INVALID, |i| i.array);
    push_row(sink, Made { relation: r.oid, array, ..Made::new(r.row_type, &r.name, r.namespace, r.owner) });
}

/// A row type and the type of arrays of it.
fn push_row(sink: &mut Sink, row: Made<'_>) {
    let array_name = format!("_{}", row.name);
    let (oid, array, namespace, owner) = (row.oid, row.array, row.namespace, row.owner);
    Made { kind: 'c', category: b'C', ..row }.push(sink);
    if array.is_valid() {
        Made::new(array, &array_name, namespace, owner).array(array, oid).push(sink);
    }
}

fn all_types(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    if let Some(system) = sink.oid_key("oid").and_then(system::oid_by_type).and_then(system::relation) {
        push_system_row_type(sink, &system);
        return Ok(());
    }
    if let Some(builtin) = sink.oid_key("oid").and_then(types::info).filter(|t| t.oid < Oid::FIRST_NORMAL) {
        push_builtin(&*catalog(cx)?, sink, builtin);
        return Ok(());
    }
    let catalog = catalog(cx)?;
    if sink.oid_key("oid").is_none_or(|oid| oid < Oid::FIRST_NORMAL) {
        builtin_types().iter().for_each(|t| push_builtin(&catalog, sink, t));
        system::all().filter(|r| r.row_type.is_valid()).for_each(|r| push_system_row_type(sink, r));
    }
    let user = stored(&catalog, sink, class::TYPE, &["oid"]);
    let mut made = HashSet::new();
    for record in &user {
        sink.tells_of(record);
        if let Object::Type(t) = &record.object {
            made.insert(t.oid);
            push_user(&catalog, sink, t);
        }
    }
    for record in stored(&catalog, sink, class::RELATION, &["oid"]) {
        if let Some(c) = as_class(&record)
            && c.row_type.is_valid()
            && !made.contains(&c.row_type)
            && c.kind != RelKind::Index
        {
            push_row_type(sink, c);
        }
    }
    Ok(())
}

fn enum_labels(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for record in stored(&*catalog(cx)?, sink, class::TYPE, &["enumtypid"]) {
        if let Object::Type(UserType { oid, kind: UserTypeKind::Enum(labels), .. }) = &record.object {
            for l in labels {
                row![sink; l.oid, *oid, f64::from(l.sort), &l.label];
            }
        }
    }
    Ok(())
}

fn ranges(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_range.txt"))?;
    for record in stored(&*catalog(cx)?, sink, class::TYPE, &["rngtypid"]) {
        sink.tells_of(&record);
        if let Object::Type(UserType { oid, kind: UserTypeKind::Range(r), .. }) = &record.object {
            row![sink; *oid, r.subtype, r.multirange, r.collation, r.opclass, r.canonical, r.difference];
        }
    }
    Ok(())
}
