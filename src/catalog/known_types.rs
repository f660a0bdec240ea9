//! Tells the registries of types and of operator classes about those that live in the catalogs: OIDs are the cluster's, so one registry serves
//! all databases. An aborted CREATE TYPE leaves an entry nobody can name.

use super::object::{Object, UserTypeKind, fixed};
use crate::base::Oid;
use crate::types::info::{register, user_type};
use crate::types::range;
use crate::types::{self, Phys};

/// Registers what types an object brings: a user's type, a table's row type, and arrays of them.
pub(super) fn note(object: &Object) {
    match object {
        Object::Type(t) => {
            let (kind, phys, base) = match &t.kind {
                UserTypeKind::Enum(_) => (b'e', Phys::U32, None),
                UserTypeKind::Domain { base, .. } => {
                    let phys = types::info(base.oid).map_or(Phys::Bytes, |i| i.phys);
                    (b'd', phys, Some(*base))
                }
                UserTypeKind::Composite { .. } => (b'c', Phys::Bytes, None),
                UserTypeKind::Range(_) => (b'r', Phys::Bytes, None),
                UserTypeKind::Multirange { .. } => (b'm', Phys::Bytes, None),
                UserTypeKind::Base(_) => (b'b', Phys::Bytes, None),
                UserTypeKind::Shell => return,
            };
            let mut info = user_type(t.oid, &t.name, kind, phys);
            info.namespace = t.namespace;
            info.array = t.array_oid;
            if let Some(base) = base {
                info.base = base.oid;
                info.base_typmod = base.typmod;
                if let Some(of) = types::info(base.oid) {
                    info.category = of.category;
                    info.len = of.len;
                    info.byval = of.byval;
                    info.align = of.align;
                    info.storage = of.storage;
                    info.collation = of.collation;
                }
            }
            if let UserTypeKind::Domain { collation, .. } = &t.kind
                && collation.is_valid()
            {
                info.collation = *collation;
            }
            if let UserTypeKind::Base(b) = &t.kind {
                info.code = types::code::find(&b.code);
                info.category = b.category as u8;
                info.align = b.align as u8;
                info.storage = b.storage as u8;
                [info.input, info.output, info.receive, info.send] = b.functions;
                info.collation = if b.collatable { fixed::DEFAULT_COLLATION } else { Oid::INVALID };
            }
            match &t.kind {
                UserTypeKind::Range(r) => {
                    info.align = range_align(r.subtype);
                    [info.input, info.output, info.receive, info.send] = RANGE_IO.map(Oid);
                    range::opened(t.oid, r.multirange, r.subtype, &r.order, r.step)
                        .into_iter()
                        .for_each(range::register);
                }
                UserTypeKind::Multirange { range } => {
                    info.align = types::info(*range).map_or(b'i', |i| i.align);
                    [info.input, info.output, info.receive, info.send] = MULTIRANGE_IO.map(Oid);
                }
                _ => {}
            }
            register(info);
            array(t.array_oid, t.oid, &t.name, t.namespace);
        }
        Object::OpClass(o) if o.method == fixed::GIST_AM => {
            let orders = |oper: &Oid| o.ordering.iter().any(|(of, _)| of == oper);
            let operators = o.operators.iter().map(|(n, oper, _)| (*oper, *n, orders(oper))).collect();
            crate::gist::note_family(o.oid, &o.code, operators);
        }
        Object::OpClass(o) if o.method == fixed::GIN_AM => crate::gin::note_class(o.oid, &o.code, o.input),
        Object::Class(c) if c.row_type.is_valid() => {
            note_row(&c.name, c.namespace, c.oid, c.row_type, c.row_array_type);
        }
        _ => {}
    }
}

/// OIDs of the input, output, receive and send functions of all ranges.
pub const RANGE_IO: [u32; 4] = [3834, 3835, 3836, 3837];
pub const MULTIRANGE_IO: [u32; 4] = [4231, 4232, 4233, 4234];

/// How a range is aligned whose bounds are of a type.
pub fn range_align(subtype: Oid) -> u8 {
    if types::info(subtype).is_some_and(|i| i.align == b'd') { b'd' } else { b'i' }
}

/// Registers a relation's row type and the type of arrays of it.
pub(super) fn note_row(name: &str, namespace: Oid, relation: Oid, row_type: Oid, row_array_type: Oid) {
    let mut info = user_type(row_type, name, b'c', Phys::Bytes);
    info.namespace = namespace;
    info.array = row_array_type;
    info.relation = relation;
    register(info);
    array(row_array_type, row_type, name, namespace);
}

fn array(oid: Oid, element: Oid, name: &str, namespace: Oid) {
    if !oid.is_valid() {
        return;
    }
    let mut info = user_type(oid, &format!("_{name}"), b'b', Phys::Bytes);
    info.namespace = namespace;
    info.element = element;
    info.category = b'A';
    register(info);
}
